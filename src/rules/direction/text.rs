//! The conditions on a statement as languages of the field `pgText`: a comma and the statement as
//! it appears in the record, quoted as CSV or not.

use std::collections::BTreeSet;

use crate::compile::pattern;
use crate::judge;
use crate::policy::model::Statement;
use crate::policy::sets;

use super::automaton::Condition;

/// Every value that the query can read into `pgText`.
const FIELD: &str = r#"^,(?:"[^"]*(?:""[^"]*)*"|[^,"<][^,"]*|)\z"#;

/// Values that PostgreSQL writes: quoted only where needed (pgaudit.c, `append_valid_csv`), a tab
/// after each newline (elog.c, `append_with_tabs`), no NUL.
const WRITTEN: &str = concat!(
    r#"^,(?:"[^",\r\n\x00]*(?:""|[,\r]|\n\t)(?:[^"\n\x00]|""|\n\t)*""#,
    r#"|[^,"<\r\n\x00][^,"\r\n\x00]*|)\z"#
);

/// Says that the field holds what the query can read.
pub(super) fn is_field() -> Condition {
    Condition::found(FIELD)
}

/// Says that the field holds what PostgreSQL writes.
pub(super) fn is_written() -> Condition {
    Condition::found(WRITTEN)
}

/// The statement that a value of the field stands for.
pub(super) fn decoded(field: &[u8]) -> Vec<u8> {
    let text = field.strip_prefix(b",").unwrap_or(field);
    let inner = text
        .strip_prefix(b"\"")
        .and_then(|text| text.strip_suffix(b"\""));
    let mut decoded = Vec::with_capacity(text.len());
    let mut before = None;
    for byte in inner.unwrap_or(text) {
        let is_added = match before {
            Some(b'"') => inner.is_some() && *byte == b'"',
            Some(b'\n') => *byte == b'\t',
            _ => false,
        };
        if is_added {
            before = None;
            continue;
        }
        decoded.push(*byte);
        before = Some(*byte);
    }
    decoded
}

/// The conditions as expressions. That of `only_calls` is the one of the texts for people, which reads a statement less
/// well than the judge: it serves to find a text, and proves nothing.
pub(super) fn conditions(statement: &Statement) -> Vec<Condition> {
    let mut conditions = Vec::new();
    if let Some(functions) = &statement.only_calls {
        let body = pattern::only_calls(texts(functions));
        conditions.push(Condition::found(format!(r#"(?i)^,"?(?:{body})"?\z"#)));
    }
    if statement.is_empty {
        conditions.push(Condition::found(r"^,\z"));
    }
    if let Some(words) = &statement.starts_with {
        conditions.push(Condition::found(pattern::starts_with(texts(words))));
    }
    let wholes = wholes(statement);
    if !wholes.is_empty() {
        conditions.push(Condition::found(pattern::whole(&wholes.join("|"))));
    }
    if let Some(parts) = &statement.lacks {
        conditions.push(Condition::absent(pattern::contains(texts(parts))));
    }
    if let Some(words) = &statement.lacks_words {
        conditions.push(Condition::absent(pattern::contains_word(texts(words))));
    }
    if let Some(names) = &statement.lacks_names {
        conditions.push(Condition::absent(pattern::contains_name(texts(names))));
    }
    if let Some(parts) = &statement.contains {
        conditions.push(Condition::found(pattern::contains(texts(parts))));
    }
    conditions
}

fn wholes(statement: &Statement) -> Vec<String> {
    statement
        .equals
        .iter()
        .flatten()
        .map(|text| pattern::equals(text))
        .chain(
            statement
                .matches
                .iter()
                .flatten()
                .map(|pattern| pattern.as_str().to_owned()),
        )
        .collect()
}

fn texts(list: &[String]) -> impl Iterator<Item = &str> {
    list.iter().map(String::as_str)
}

/// Says whether a statement has any condition that the query knows.
pub(super) fn has_conditions(statement: &Statement) -> bool {
    statement.is_empty
        || statement.only_calls.is_some()
        || statement.starts_with.is_some()
        || statement.lacks.is_some()
        || statement.lacks_words.is_some()
        || statement.lacks_names.is_some()
        || statement.contains.is_some()
        || !wholes(statement).is_empty()
}

/// What remains of the conditions of `wide` that those of `narrow` do not imply at a glance: by the
/// lists alone, without looking into a text. Nothing remains if `narrow` allows no more than `wide`.
pub(super) fn not_implied(narrow: &Statement, wide: &Statement) -> Statement {
    let mut rest = wide.clone();
    if narrow.is_empty {
        rest.is_empty = false;
    }
    // A longer list allows more.
    let keep = |narrow: &Option<Vec<String>>, wide: &mut Option<Vec<String>>, fold: bool| {
        if let (Some(narrow), Some(list)) = (narrow, wide.as_ref())
            && is_subset(narrow, list, fold)
        {
            *wide = None;
        }
    };
    if let (Some(narrow_calls), Some(wide_calls)) = (&narrow.only_calls, &rest.only_calls)
        && is_subset(narrow_calls, wide_calls, true)
        && is_subset(&types(narrow), &types(wide), true)
    {
        rest.only_calls = None;
        rest.only_casts = None;
    }
    // Where the texts are known, the judge itself is asked.
    if let Some(functions) = &rest.only_calls
        && are_harmless(narrow, functions, rest.only_casts.as_deref())
    {
        rest.only_calls = None;
        rest.only_casts = None;
    }
    keep(&narrow.starts_with, &mut rest.starts_with, true);
    keep(&narrow.contains, &mut rest.contains, true);
    // A longer list allows less.
    let drop = |narrow: &Option<Vec<String>>, wide: &mut Option<Vec<String>>| {
        if let (Some(narrow), Some(list)) = (narrow, wide.as_ref())
            && is_subset(list, narrow, true)
        {
            *wide = None;
        }
    };
    drop(&narrow.lacks, &mut rest.lacks);
    drop(&narrow.lacks_words, &mut rest.lacks_words);
    drop(&narrow.lacks_names, &mut rest.lacks_names);
    // `equals` and `matches` are one condition: one of either.
    let narrow_wholes: BTreeSet<String> = wholes(narrow).into_iter().collect();
    let wide_wholes: BTreeSet<String> = wholes(wide).into_iter().collect();
    if !narrow_wholes.is_empty() && narrow_wholes.is_subset(&wide_wholes) {
        rest.equals = None;
        rest.matches = None;
    }
    rest
}

/// Whether every text that a statement allows is known and calls nothing but these functions. White space and letter case
/// of a text may vary, so that one with a comment of one line, or with a name in quotes, is not known well enough.
fn are_harmless(statement: &Statement, functions: &[String], types: Option<&[String]>) -> bool {
    if statement.is_empty {
        return true;
    }
    let texts = match (&statement.equals, &statement.matches) {
        (Some(texts), None) => texts,
        _ => return false,
    };
    texts.iter().all(|text| {
        !text.contains("--")
            && !text.contains('"')
            && judge::stops_at(text.as_bytes(), functions, types).is_none()
    })
}

/// The types that a statement may cast to.
fn types(statement: &Statement) -> Vec<String> {
    statement.only_casts.clone().unwrap_or_else(|| {
        let set = sets::find("harmless-types");
        set.into_iter()
            .flat_map(|set| set.names())
            .map(str::to_owned)
            .collect()
    })
}

fn is_subset(part: &[String], whole: &[String], fold: bool) -> bool {
    let folded = |text: &String| {
        if fold {
            text.to_lowercase()
        } else {
            text.clone()
        }
    };
    let whole: BTreeSet<String> = whole.iter().map(folded).collect();
    part.iter().all(|text| whole.contains(&folded(text)))
}
