//! Regular expressions of the compiled query, in the portable dialect: no Perl classes, no `$`,
//! no `.`, no look-around, `/` only as `\/`. What each means does not depend on the engine.
//!
//! Texts are matched as they stand in the log: the statement is one CSV field, so that a `"` of the
//! SQL text is `""`, and PostgreSQL puts a tab after each newline.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{LazyLock, Mutex, PoisonError};

use crate::audit_log::prefix::LogLinePrefix;

/// `%t` and `%m`: date, time, zone abbreviation or offset.
const TIMESTAMP: &str = "[0-9-]+ [0-9:.]+ [A-Z0-9+-]+";

/// Levels that `pgaudit.log_level` can give a record (pgaudit.c, `assign_pgaudit_log_level`).
const LEVEL: &str = "(?:LOG|NOTICE|WARNING|INFO|DEBUG[1-5]?)";

/// The five characters that `log_error_verbosity = verbose` puts before a message. No SQLSTATE
/// class begins with `A`, so that `AUDIT: ` is never taken for one (PostgreSQL, appendix A).
pub(crate) const SQLSTATE: &str = "(?:[0-9FHPX][0-9A-Z]{4}: )?";

/// Kind and ids of a record.
pub(crate) const RECORD_IDS: &str = "(?:SESSION|OBJECT),[0-9]+,[0-9]+,";

/// The log line prefix up to the text that a client can choose. A role or database name that
/// holds `:`, `[` or `]`, or a database name that holds `@`, is not matched as one: such a name can
/// look like the rest of the line, and a line that is not understood stays loud.
///
/// The parts are captured as `pgClient`, `pgUser`, `pgDatabase` and `pgPid`.
pub(crate) fn prefix(prefix: LogLinePrefix) -> String {
    // One remote host, IPv4 or IPv6 or a name, with the port in parentheses; or a local socket; or
    // nothing for background and parallel workers.
    let client = r"(?<pgClient>[0-9A-Za-z_.:%-]+\([0-9]+\)|\[local\]|)";
    let head = format!(
        r"{TIMESTAMP}:{client}:(?<pgUser>[^:\[\]\n]*)@(?<pgDatabase>[^:@\[\]\n]*):\[(?<pgPid>[0-9]+)\]:"
    );
    match prefix {
        LogLinePrefix::Short => head,
        LogLinePrefix::Long => {
            format!(
                r"{head}[0-9]+:[0-9A-Z]{{5}}:{TIMESTAMP}:[0-9\/-]*:[0-9]+:[0-9a-f]+\.[0-9a-f]+:"
            )
        }
    }
}

/// What stands between [`prefix`] and the level. With the long prefix it is the application
/// name: at most 63 bytes that the client chooses (PostgreSQL, NAMEDATALEN), of which
/// PostgreSQL prints others than ASCII as `?`, or since 16 as `\\xNN` (`pg_clean_ascii`).
pub(crate) fn application(prefix: LogLinePrefix) -> &'static str {
    match prefix {
        LogLinePrefix::Short => "",
        LogLinePrefix::Long => r"(?:[^\n]{0,252}?:)??",
    }
}

/// From the end of [`prefix`] to the start of the record.
pub(crate) fn head(prefix: LogLinePrefix) -> String {
    format!("{}{LEVEL}: +{SQLSTATE}AUDIT: ", application(prefix))
}

/// Escapes a text so that it matches itself in the portable dialect.
pub(crate) fn literal(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '/' => escaped.push_str(r"\/"),
            '.' | '*' | '+' | '?' | '(' | ')' | '[' | ']' | '{' | '}' | '^' | '$' | '|' | '\\' => {
                escaped.push('\\');
                escaped.push(character);
            }
            _ => escaped.push(character),
        }
    }
    escaped
}

/// One expression for a list of names, with common beginnings and common last words written once.
///
/// Every environment of a policy asks for the same few lists: each is worked out once.
pub(crate) fn any_of<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    static KNOWN: LazyLock<Mutex<HashMap<String, String>>> = LazyLock::new(Mutex::default);
    let names: BTreeSet<&str> = names.into_iter().collect();
    let key = names.iter().copied().collect::<Vec<_>>().join("\n");
    let known = || KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(expression) = known().get(&key) {
        return expression.clone();
    }
    let expression = either(alternatives(&names), names.contains(""));
    known().insert(key, expression.clone());
    expression
}

/// One of these; or nothing, where it is optional.
fn either(alternatives: Vec<String>, optional: bool) -> String {
    match (alternatives.as_slice(), optional) {
        ([], _) => String::new(),
        ([only], false) => only.clone(),
        (_, false) => format!("(?:{})", alternatives.join("|")),
        (_, true) => format!("(?:{})?", alternatives.join("|")),
    }
}

/// The alternatives for names: families that end alike first, then by common beginnings.
fn alternatives(names: &BTreeSet<&str>) -> Vec<String> {
    let mut left = names.clone();
    left.remove("");
    let mut found = Vec::new();
    while let Some((family, ending)) = family(&left) {
        let beginnings = family
            .iter()
            .filter_map(|name| name.strip_suffix(ending))
            .collect();
        found.push(by_beginning(&beginnings) + &literal(ending));
        left.retain(|name| !family.contains(name));
    }
    found.extend(by_letter(&left, &|rest| {
        either(alternatives(rest), rest.contains(""))
    }));
    found.sort();
    found
}

/// Endings that [`family`] reckons with as a whole.
const TRIED: usize = 8;

/// The names with the last words (`_is_visible`) that are worth writing once: those that make the
/// expression shortest.
fn family<'a>(names: &BTreeSet<&'a str>) -> Option<(BTreeSet<&'a str>, &'a str)> {
    let length = |names: &BTreeSet<&str>| by_letter(names, &by_beginning).join("|").len();
    let mut endings: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for name in names {
        for (at, _) in name.match_indices(['_', ' ']).filter(|(at, _)| *at > 0) {
            let ending = name.get(at..).unwrap_or_default();
            endings.entry(ending).or_default().insert(name);
        }
    }
    let mut best = (length(names), None);
    // What an ending saves by itself tells well enough which are worth the whole reckoning.
    let mut endings: Vec<_> = endings
        .into_iter()
        .filter(|(ending, family)| family.len() >= 2 && ending.len() >= 4)
        .collect();
    endings.sort_by_key(|(ending, family)| std::cmp::Reverse((family.len() - 1) * ending.len()));
    for (ending, family) in endings.into_iter().take(TRIED) {
        let beginnings = family
            .iter()
            .filter_map(|name| name.strip_suffix(ending))
            .collect();
        let others = names.difference(&family).copied().collect();
        let total = by_beginning(&beginnings).len() + ending.len() + 1 + length(&others);
        if total < best.0 {
            best = (total, Some((family, ending)));
        }
    }
    best.1
}

/// A trie: common beginnings written once.
fn by_beginning(names: &BTreeSet<&str>) -> String {
    either(by_letter(names, &by_beginning), names.contains(""))
}

/// One alternative for each first letter: what all names with it begin with, and `rest` of what follows.
fn by_letter(names: &BTreeSet<&str>, rest: &dyn Fn(&BTreeSet<&str>) -> String) -> Vec<String> {
    let mut letters: BTreeMap<char, Vec<&str>> = BTreeMap::new();
    for name in names {
        if let Some(letter) = name.chars().next() {
            letters.entry(letter).or_default().push(name);
        }
    }
    letters
        .into_values()
        .map(|names| {
            let (first, last) = (names.first().copied(), names.last().copied());
            // Sorted: what the first and the last begin with, all begin with.
            let shared: String = first
                .unwrap_or_default()
                .chars()
                .zip(last.unwrap_or_default().chars())
                .take_while(|(a, b)| a == b)
                .map(|(a, _)| a)
                .collect();
            let rests = names
                .iter()
                .filter_map(|name| name.strip_prefix(shared.as_str()))
                .collect();
            literal(&shared) + &rest(&rests)
        })
        .collect()
}

/// Words of SQL that stand before a parenthesis without being a call.
const KEYWORDS: &[&str] = &[
    "all",
    "and",
    "any",
    "array",
    "as",
    "between",
    "bit",
    "by",
    "case",
    "cast",
    "char",
    "character",
    "distinct",
    "else",
    "exists",
    "filter",
    "from",
    "group",
    "having",
    "in",
    "interval",
    "is",
    "join",
    "lateral",
    "like",
    "limit",
    "materialized",
    "not",
    "numeric",
    "on",
    "only",
    "or",
    "over",
    "row",
    "select",
    "then",
    "time",
    "timestamp",
    "union",
    "using",
    "values",
    "varchar",
    "when",
    "where",
];

/// Names that tools give to the rows of a function in FROM, with a list of columns behind:
/// `generate_series(1, 32) pos(n)`. Only right after a closing parenthesis.
const ROW_NAMES: &str = "(?:[a-z]|col(?:num|s)?|elem|idx|keys?|koi|ord|pos)";

/// White space of SQL that needs no second thought.
const SPACE: &str = r"[ \t\r\n]";

/// One step of white space or a comment. A block comment may hold no `/`, so that none can nest.
const GAP: &str = r"(?:[ \t\r\n]|--[^\r\n]*[\r\n]|\/\*[^\/]*\*\/)";

/// Part of a word: a letter, digit, `_` or parameter number, or a quoted name, whose quotes are
/// doubled in the log.
const NAME: &str = r#"(?:[a-z0-9_]|\$[0-9]|""[^"]*"")+"#;

/// Matches a whole statement in which every call is one of `functions` (unqualified, or in
/// `pg_catalog`), and that holds nothing a call could hide in. `functions` may name a schema.
///
/// It reads the text token by token, as PostgreSQL's scan.l does, and gives up (stays loud) at
/// whatever could be read in two ways: a dollar quote, a backslash before a quote, a nested
/// comment, a quoted or qualified name before a parenthesis, an unknown character. A parenthesis
/// is accepted after an operator, a comma, another parenthesis, a keyword or a listed function.
///
/// Every alternative begins with another kind of token, so that a text has one reading only.
pub(crate) fn only_calls<'a>(functions: impl IntoIterator<Item = &'a str>) -> String {
    let (qualified, plain): (Vec<&str>, Vec<&str>) =
        functions.into_iter().partition(|name| name.contains('.'));
    let plain = any_of(plain.into_iter().chain(KEYWORDS.iter().copied()));
    let called = if qualified.is_empty() {
        format!(r"(?:pg_catalog\.)?{plain}")
    } else {
        format!(r"(?:pg_catalog\.)?{plain}|{}", any_of(qualified))
    };
    // Names joined by dots are one word. A literal is one too, after which no parenthesis may open
    // (`U&"lo!005fget" uescape '!' (1)` is a call). A backslash in a literal may stand before
    // anything but a quote: then it means the same in every mode.
    // One repetition over single parts: with another inside, a run of letters could be read in 2^n ways, which an engine
    // that backtracks would try. A doubled quote is the end of one literal and the start of the next.
    let word =
        format!(r#"(?:[a-z0-9_]|\$[0-9]|""[^"]*""|'(?:[^'\\]|\\[^'])*')+(?:\.(?:{NAME}|\*))*"#);
    // `operator(…)` is one mark, so that nothing but an operand follows it.
    let operator = r"operator\(pg_catalog\.[=<>~!+%|&@*-]+\)";
    let rows = format!(r"\){SPACE}*{ROW_NAMES}{SPACE}*\(");
    // A minus or slash is never followed by what would make it a comment, nor an ampersand by a quote, which would make
    // `U&"…"` of it.
    let mark = format!(
        r#"(?:-?(?:[,;=<>~+%|:\[\]*]|![=~]|@>|<@|\)(?:\.(?:[a-z0-9_]+|\*))*)|{rows}|[-\/&](?:{SPACE}|\(|[0-9])|(?:--[^\r\n]*|"?)\z)"#
    );
    format!(
        r"(?:{GAP}|\(|{operator}|{mark}|[-\/]?(?:{word}(?:{GAP}+|[-\/]))*(?:(?:{called}|(?:as|with|recursive|ordinality|prepare){SPACE}+[a-z0-9_]+){SPACE}*\(|{word}(?:{GAP}*{mark}|{SPACE}+{operator})))*"
    )
}

/// Matches the whole of a statement field that is `body` with white space around it, quoted as CSV or not. The field is read
/// with the comma before it, so that an empty statement is a text too: PostgreSQL runs the bodies of
/// its own SQL functions (`obj_description`, …) without any.
pub(crate) fn whole(body: &str) -> String {
    format!(r#"(?i)^,"?{SPACE}*(?:{body}){SPACE}*"?\z"#)
}

/// Matches a statement that is this text: letter case, the amount of white space and one final
/// semicolon do not matter.
pub(crate) fn equals(text: &str) -> String {
    let words: Vec<String> = text
        .trim_end_matches(|c: char| c.is_ascii_whitespace() || c == ';')
        .split_ascii_whitespace()
        .map(|word| literal(&word.replace('"', "\"\"")))
        .collect();
    format!("{}{SPACE}*;?", words.join(&format!("{SPACE}+")))
}

/// Matches the beginning of a statement field whose first word is one of these.
pub(crate) fn starts_with<'a>(words: impl IntoIterator<Item = &'a str>) -> String {
    format!(r#"(?i)^,"?{GAP}*{}[^A-Za-z0-9_$.]"#, any_of(words))
}

/// Matches one of these anywhere, in any letter case.
pub(crate) fn contains<'a>(texts: impl IntoIterator<Item = &'a str>) -> String {
    let texts: Vec<String> = texts
        .into_iter()
        .map(|text| text.to_lowercase().replace('"', "\"\""))
        .collect();
    format!("(?i){}", any_of(texts.iter().map(String::as_str)))
}

/// Matches one of these words anywhere, in any letter case. A digit may stand right before a word:
/// PostgreSQL up to 14 reads `1from` as two.
pub(crate) fn contains_word<'a>(words: impl IntoIterator<Item = &'a str>) -> String {
    let words: Vec<String> = words.into_iter().map(str::to_lowercase).collect();
    format!(
        r"(?i)(?:^|[^A-Za-z_]){}(?:[^A-Za-z0-9_]|\z)",
        any_of(words.iter().map(String::as_str))
    )
}

/// Matches one of these where an object can be named, in any letter case: not inside another name,
/// and not right after the quote that begins a text constant.
pub(crate) fn contains_name<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    let names: Vec<String> = names.into_iter().map(str::to_lowercase).collect();
    format!(
        r"(?i)[^'a-z0-9_]{}",
        any_of(names.iter().map(String::as_str))
    )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use regex_automata::meta::Regex;

    use super::*;

    proptest! {
        #[test]
        fn a_list_matches_its_names_and_nothing_else(
            names in prop::collection::btree_set("[ab_]{1,7}|(a|b|ab)(_aa_b|_bb)(_aa_b|_bbb)?", 1..24),
            others in prop::collection::vec("[ab_]{0,12}", 64),
        ) {
            let expression = any_of(names.iter().map(String::as_str));
            let regex = Regex::new(&format!(r"^(?:{expression})\z")).unwrap();
            for name in &names {
                prop_assert!(regex.is_match(name), "{expression} does not match {name}");
            }
            // What the parts of names make together is no name.
            let joined = names.iter().zip(names.iter().rev()).map(|(a, b)| {
                let (head, _) = a.split_at(a.len() / 2);
                let (_, tail) = b.split_at(b.len() / 2);
                format!("{head}{tail}")
            });
            for other in others.iter().cloned().chain(joined) {
                prop_assert_eq!(regex.is_match(&other), names.contains(&other), "{} {}", expression, other);
            }
        }
    }

    #[test]
    fn what_names_end_with_is_written_once() {
        let names = [
            "pg_type_is_visible",
            "pg_table_is_visible",
            "pg_opclass_is_visible",
            "now",
        ];
        assert_eq!(
            any_of(names),
            "(?:now|pg_(?:opclass|t(?:able|ype))_is_visible)"
        );
        assert_eq!(any_of(["a", "ab", ""]), "(?:a(?:b)?)?");
        assert_eq!(any_of([]), "");
    }
}
