//! Regular expressions of the compiled query, in the portable dialect: no Perl classes, no `$`,
//! no `.`, no look-around, `/` only as `\/`. What each means does not depend on the engine.
//!
//! Texts are matched as they stand in the log: the statement is one CSV field, so that a `"` of the
//! SQL text is `""`, and PostgreSQL puts a tab after each newline.

use std::collections::BTreeMap;

use crate::audit_log::prefix::LogLinePrefix;

/// `%t` and `%m`: date, time, zone abbreviation or offset.
const TIMESTAMP: &str = "[0-9-]+ [0-9:.]+ [A-Z0-9+-]+";

/// Levels that `pgaudit.log_level` can give a record (pgaudit.c, `assign_pgaudit_log_level`).
const LEVEL: &str = "(?:LOG|NOTICE|WARNING|INFO|DEBUG[1-5]?)";

/// The five characters that `log_error_verbosity = verbose` puts before a message. No SQLSTATE
/// class begins with `A`, so that `AUDIT: ` is never taken for one (PostgreSQL, appendix A).
const SQLSTATE: &str = "(?:[0-9FHPX][0-9A-Z]{4}: )?";

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

/// From the end of [`prefix`] to the start of the record. With the long prefix the application
/// name stands between: at most 63 bytes that the client chooses (PostgreSQL, NAMEDATALEN), of which
/// PostgreSQL prints others than ASCII as `?`, or since 16 as `\\xNN` (`pg_clean_ascii`).
pub(crate) fn head(prefix: LogLinePrefix) -> String {
    let application = match prefix {
        LogLinePrefix::Short => "",
        LogLinePrefix::Long => r"(?:[^\n]{0,252}?:)??",
    };
    format!("{application}{LEVEL}: +{SQLSTATE}AUDIT: ")
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

/// One expression for a list of names, with common beginnings written once.
pub(crate) fn any_of<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    let mut root = Trie::default();
    for name in names {
        root.insert(name);
    }
    root.fold();
    root.expression()
}

/// Names by their characters; an edge holds as many characters as the names below share.
#[derive(Default)]
struct Trie {
    ends: bool,
    edges: BTreeMap<String, Trie>,
}

impl Trie {
    fn insert(&mut self, name: &str) {
        let mut node = self;
        for character in name.chars() {
            node = node.edges.entry(character.to_string()).or_default();
        }
        node.ends = true;
    }

    /// Joins edges without a fork, so that the expression has no group it does not need.
    fn fold(&mut self) {
        let edges = std::mem::take(&mut self.edges);
        for (mut label, mut below) in edges {
            below.fold();
            if !below.ends
                && below.edges.len() == 1
                && let Some((next, deeper)) = below.edges.pop_first()
            {
                label.push_str(&next);
                below = deeper;
            }
            self.edges.insert(label, below);
        }
    }

    fn expression(&self) -> String {
        let branches: Vec<String> = self
            .edges
            .iter()
            .map(|(label, below)| literal(label) + &below.expression())
            .collect();
        match (branches.as_slice(), self.ends) {
            ([], _) => String::new(),
            ([only], false) => only.clone(),
            (_, false) => format!("(?:{})", branches.join("|")),
            (_, true) => format!("(?:{})?", branches.join("|")),
        }
    }
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
    let word = format!(r"(?:{NAME}|'(?:[^'\\]|''|\\[^'])*')+(?:\.(?:{NAME}|\*))*");
    // `operator(…)` is one mark, so that nothing but an operand follows it.
    let operator = r"operator\(pg_catalog\.[=<>~!+%|&@*-]+\)";
    let rows = format!(r"\){SPACE}*{ROW_NAMES}{SPACE}*\(");
    // A minus or slash is never followed by what would make it a comment.
    let mark = format!(
        r#"(?:-?(?:[,;=<>~+%|:\[\]&*]|![=~]|@>|<@|\)(?:\.(?:[a-z0-9_]+|\*))*)|{rows}|[-\/](?:{SPACE}|\(|[0-9])|(?:--[^\r\n]*|"?)\z)"#
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
