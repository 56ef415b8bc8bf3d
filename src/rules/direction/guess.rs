//! Texts that an exclusion is likely to silence: whole statements to try before the automata spell
//! a shorter and stranger one. A guess proves nothing by itself.

use std::collections::BTreeSet;

use regex_syntax::hir::{Class, Hir, HirKind};

use crate::policy::Pattern;
use crate::policy::model::Statement;

/// Texts that are made for one pair of statements at most.
const GUESSES_MAX: usize = 64;

/// Characters of a guess at most: a pattern may repeat without measure.
const LENGTH_MAX: usize = 4_096;

/// Texts that `wide` may allow and `narrow` may not: first those that only `wide` lists.
pub(super) fn between(wide: &Statement, narrow: Option<&Statement>) -> Vec<Vec<u8>> {
    let mut texts = Vec::new();
    let fresh = |list: fn(&Statement) -> &Option<Vec<String>>| {
        let known: BTreeSet<&String> = narrow
            .and_then(|narrow| list(narrow).as_ref())
            .into_iter()
            .flatten()
            .collect();
        let all = list(wide).iter().flatten();
        all.filter(move |text| !known.contains(text))
            .collect::<Vec<_>>()
    };
    texts.extend(
        fresh(|statement| &statement.equals)
            .into_iter()
            .map(|text| text.clone().into_bytes()),
    );
    let known: BTreeSet<&str> = narrow
        .and_then(|narrow| narrow.matches.as_ref())
        .into_iter()
        .flatten()
        .map(Pattern::as_str)
        .collect();
    texts.extend(
        wide.matches
            .iter()
            .flatten()
            .map(Pattern::as_str)
            .filter(|pattern| !known.contains(pattern))
            .filter_map(spelled),
    );
    let start = wide
        .starts_with
        .as_ref()
        .and_then(|words| words.first())
        .map_or("select", String::as_str);
    for function in fresh(|statement| &statement.only_calls) {
        texts.push(format!("{start} {function}()").into_bytes());
    }
    for part in fresh(|statement| &statement.contains) {
        texts.push(format!("{start} {part}").into_bytes());
    }
    for word in fresh(|statement| &statement.starts_with) {
        texts.push(format!("{word} 1").into_bytes());
    }
    // What `narrow` forbids and `wide` no longer does.
    for list in [
        |statement: &Statement| statement.lacks.clone(),
        |statement: &Statement| statement.lacks_words.clone(),
        |statement: &Statement| statement.lacks_names.clone(),
    ] {
        let known = list(wide).unwrap_or_default();
        for word in narrow.and_then(list).unwrap_or_default() {
            if !known.contains(&word) {
                texts.push(format!("{start} 1 {word} orders").into_bytes());
                texts.push(format!("{start} {word}").into_bytes());
            }
        }
    }
    texts.push(format!("{start} * from orders").into_bytes());
    texts.push(format!("{start} 1").into_bytes());
    texts.truncate(GUESSES_MAX);
    texts
}

/// A text that a pattern matches as a whole; `None` if it is not obvious.
pub(super) fn spelled(pattern: &str) -> Option<Vec<u8>> {
    let mut text = Vec::new();
    spell(&parsed(pattern)?, &mut text)?;
    Some(text)
}

/// The letters with which every text of a pattern begins, in lower case. May be empty.
pub(super) fn beginning(pattern: &str) -> Vec<u8> {
    let mut start = Vec::new();
    if let Some(hir) = parsed(pattern) {
        begin(&hir, &mut start);
    }
    start.make_ascii_lowercase();
    start
}

fn parsed(pattern: &str) -> Option<Hir> {
    regex_syntax::ParserBuilder::new()
        .unicode(false)
        .utf8(false)
        .build()
        .parse(pattern)
        .ok()
}

fn spell(hir: &Hir, text: &mut Vec<u8>) -> Option<()> {
    if text.len() > LENGTH_MAX {
        return None;
    }
    match hir.kind() {
        HirKind::Empty => {}
        HirKind::Literal(literal) => text.extend_from_slice(&literal.0),
        HirKind::Class(class) => {
            // A letter where there is one, then what stands first.
            let readable =
                |byte: &u8| (!byte.is_ascii_lowercase(), !byte.is_ascii_graphic(), *byte);
            let byte = match class {
                Class::Bytes(class) => class
                    .ranges()
                    .iter()
                    .flat_map(|range| range.start()..=range.end())
                    .min_by_key(readable)?,
                Class::Unicode(class) => class
                    .ranges()
                    .iter()
                    .flat_map(|range| range.start()..=range.end())
                    .take(256)
                    .filter_map(|character| u8::try_from(character).ok())
                    .filter(u8::is_ascii)
                    .min_by_key(readable)?,
            };
            text.push(byte);
        }
        HirKind::Look(_) => return None,
        HirKind::Repetition(repetition) => {
            for _ in 0..repetition.min {
                spell(&repetition.sub, text)?;
            }
        }
        HirKind::Capture(capture) => spell(&capture.sub, text)?,
        HirKind::Concat(parts) => {
            for part in parts {
                spell(part, text)?;
            }
        }
        HirKind::Alternation(parts) => spell(parts.first()?, text)?,
    }
    Some(())
}

/// Says whether all of it was letters, so that what follows may be read too.
fn begin(hir: &Hir, start: &mut Vec<u8>) -> bool {
    match hir.kind() {
        HirKind::Empty => true,
        HirKind::Literal(literal) => {
            start.extend_from_slice(&literal.0);
            true
        }
        HirKind::Capture(capture) => begin(&capture.sub, start),
        HirKind::Concat(parts) => parts.iter().all(|part| begin(part, start)),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_is_spelled_by_a_text_that_it_matches() {
        for (pattern, text) in [
            ("select [0-9]+", "select 0"),
            ("[Ss]elect", "select"),
            ("a(?:b|c){2}d?", "abbd"),
            (r"fetch [0-9]{2} in c\(", "fetch 00 in c("),
        ] {
            let found = String::from_utf8(spelled(pattern).unwrap()).unwrap();
            assert!(
                found == text || found == text.trim_end_matches('d'),
                "{found}"
            );
            let whole = regex_automata::meta::Regex::new(&format!("^(?:{pattern})$")).unwrap();
            assert!(whole.is_match(&found), "{pattern}: {found}");
        }
        assert_eq!(spelled("^a"), None);
    }

    #[test]
    fn the_beginning_is_what_every_text_has() {
        assert_eq!(beginning("SELECT [a-z]+ from"), b"select ");
        assert_eq!(beginning("(?:a|b)c"), b"");
        assert_eq!(beginning("fetch"), b"fetch");
    }
}
