//! Judges a record from the policy model alone, without the query: a second opinion.
//!
//! The compiled text is what runs in production. This evaluation shares no code with it: it works
//! on decoded fields, reads SQL with a lexer of its own and knows no regular expression but the
//! ones users write. Tests hold both against each other on recordings and on hostile records.

use std::cell::RefCell;
use std::collections::HashMap;

use jiff::civil::Date;
use regex_automata::meta::Regex;

use crate::policy::model::{Exclusion, Match, RoleMatch, ServiceAccount, Signal, Statement};

/// What a record says, decoded. `None` stands for "not in the record, or not understood".
#[derive(Debug, Clone, Default)]
pub struct Facts<'a> {
    pub user: &'a [u8],
    pub database: &'a [u8],
    /// Client address without the port.
    pub client: &'a [u8],
    pub class: &'a [u8],
    pub command: &'a [u8],
    /// Object type; empty where there is none.
    pub object_type: &'a [u8],
    /// Object as pgAudit prints it, CSV quoting undone; empty where there is none.
    pub object: &'a [u8],
    /// SQL text as logged; `None` where pgAudit did not log it.
    pub statement: Option<&'a [u8]>,
    /// The day on which it was written, in UTC. No exclusion silences a record of an unknown day.
    pub day: Option<Date>,
    /// Everything after the prefix of the entry's line: what it names.
    pub message: &'a [u8],
}

/// What happens to a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Opinion {
    /// No signal counts it.
    OutOfScope,
    /// These exclusions silence it.
    Excluded(Vec<String>),
    Counted,
}

/// Judges a record that was read without doubt. No exclusion silences what `protected_users` do.
pub fn judge(
    facts: &Facts<'_>,
    signals: &[Signal],
    service_accounts: &[&ServiceAccount],
    exclusions: &[&Exclusion],
    protected_users: &[&str],
) -> Opinion {
    if !signals.iter().any(|signal| counts(*signal, facts))
        || is_account(facts.user, service_accounts)
    {
        return Opinion::OutOfScope;
    }
    let is_protected = protected_users
        .iter()
        .any(|user| user.as_bytes() == facts.user);
    let day = facts.day.filter(|_| !tampers(facts));
    let by: Vec<String> = exclusions
        .iter()
        .filter(|exclusion| {
            !is_protected && is_alive(exclusion, day) && silences(&exclusion.matcher, facts)
        })
        .map(|exclusion| exclusion.id.clone())
        .collect();
    if by.is_empty() {
        Opinion::Counted
    } else {
        Opinion::Excluded(by)
    }
}

/// Judges an entry that is no record: does it tell of somebody who was refused? `level` and `message` are the
/// entry's own.
pub fn judge_refusal(
    user: &[u8],
    level: &[u8],
    message: &[u8],
    signals: &[Signal],
    service_accounts: &[&ServiceAccount],
) -> Option<Opinion> {
    let start = message
        .split(|byte| matches!(byte, b':' | b'\n'))
        .next()
        .unwrap_or_default();
    let refused = ["authentication failed", "pg_hba", "row-level"]
        .iter()
        .any(|text| contains(start, text.as_bytes()))
        || [
            "must be ",
            "must have ",
            "only role",
            "only superuse",
            "permission denied",
            "role \"",
        ]
        .iter()
        .any(|text| message.starts_with(text.as_bytes()));
    if !signals.contains(&Signal::Denied) || !matches!(level, b"ERROR" | b"FATAL") || !refused {
        return None;
    }
    Some(if is_account(user, service_accounts) {
        Opinion::OutOfScope
    } else {
        Opinion::Counted
    })
}

fn is_account(user: &[u8], service_accounts: &[&ServiceAccount]) -> bool {
    !user.is_empty()
        && service_accounts.iter().any(|account| match &account.role {
            RoleMatch::Name(name) => user == name.as_bytes(),
            RoleMatch::Pattern(pattern) => whole_match(pattern.as_str(), user),
        })
}

/// Whether a signal counts a record.
pub fn counts(signal: Signal, facts: &Facts<'_>) -> bool {
    match signal {
        Signal::Dml => in_scope(facts),
        Signal::Privilege => facts.class == b"ROLE",
        Signal::Schema => facts.class == b"DDL",
        Signal::AuditTampering => {
            let lower = facts.message.to_ascii_lowercase();
            let names = ["pgaudit", "log_min_messages", "preload_libraries"]
                .iter()
                .any(|name| contains(&lower, name.as_bytes()));
            (names || resets_a_role(&lower))
                && !(facts.class == b"MISC" && facts.command == b"SHOW")
        }
        // Refusals are not records.
        Signal::Denied => false,
    }
}

/// Whether a record names a setting that decides what is logged. No exclusion silences it.
pub fn tampers(facts: &Facts<'_>) -> bool {
    let lower = facts.message.to_ascii_lowercase();
    ["pgaudit", "log_min_messages", "preload_libraries"]
        .iter()
        .any(|name| contains(&lower, name.as_bytes()))
        || resets_a_role(&lower)
}

/// `alter role … reset all`: one statement, and nothing but white space between the last two words.
fn resets_a_role(lower: &[u8]) -> bool {
    lower.split(|byte| *byte == b';').any(|statement| {
        let Some(alter) = memchr::memmem::find(statement, b"alter ") else {
            return false;
        };
        let rest = statement.get(alter + 6..).unwrap_or_default();
        memchr::memmem::find_iter(rest, b"reset").any(|at| {
            let behind = rest.get(at + 5..).unwrap_or_default();
            let spaces = behind.iter().take_while(|byte| is_space(**byte)).count();
            spaces > 0
                && behind
                    .get(spaces..)
                    .is_some_and(|word| word.starts_with(b"all"))
        })
    })
}

/// Whether an exclusion has not ended on a day.
pub fn is_alive(exclusion: &Exclusion, day: Option<Date>) -> bool {
    match day {
        Some(day) => exclusion.is_alive(day),
        None => exclusion.last_day().is_none(),
    }
}

/// Reads, writes, function calls, and every MISC command that is not known to be something else.
fn in_scope(facts: &Facts<'_>) -> bool {
    match facts.class {
        b"DDL" | b"ROLE" => false,
        b"MISC" => {
            let mut words = facts.command.split(|b| *b == b' ');
            let (first, second) = (words.next().unwrap_or_default(), words.next());
            match first {
                b"PREPARE" => second != Some(b"TRANSACTION"),
                b"BEGIN" | b"CHECKPOINT" | b"CLOSE" | b"COMMIT" | b"DEALLOCATE" | b"DISCARD"
                | b"EXECUTE" | b"EXPLAIN" | b"LISTEN" | b"LOCK" | b"MOVE" | b"NOTIFY"
                | b"RELEASE" | b"RESET" | b"ROLLBACK" | b"SAVEPOINT" | b"SET" | b"SHOW"
                | b"START" | b"UNLISTEN" => false,
                _ => true,
            }
        }
        _ => true,
    }
}

/// Says whether every condition of an exclusion holds.
pub fn silences(matcher: &Match, facts: &Facts<'_>) -> bool {
    let any = |values: &Option<Vec<String>>, value: &[u8]| {
        values
            .as_ref()
            .is_none_or(|values| values.iter().any(|v| v.as_bytes() == value))
    };
    let named = |values: &Option<Vec<String>>, value: &[u8]| {
        values.is_none() || (!value.is_empty() && any(values, value))
    };
    named(&matcher.user, facts.user)
        && named(&matcher.database, facts.database)
        && named(&matcher.client, facts.client)
        && any(&matcher.class, facts.class)
        && any(&matcher.command, facts.command)
        && any(&matcher.object_type, facts.object_type)
        && object(matcher, facts.object)
        && matcher.statement.as_ref().is_none_or(|statement| {
            facts
                .statement
                .is_some_and(|text| statement_holds(statement, text))
        })
}

/// Schemas and relations are compared with the object as it is printed, so that a quoted name never
/// equals a plain one.
fn object(matcher: &Match, printed: &[u8]) -> bool {
    if matcher.schema.is_none() && matcher.relation.is_none() {
        return true;
    }
    let Some(dot) = printed.iter().position(|byte| *byte == b'.') else {
        return false;
    };
    let (schema, relation) = (
        printed.get(..dot).unwrap_or_default(),
        printed.get(dot + 1..).unwrap_or_default(),
    );
    let plain = |name: &[u8]| {
        name.first()
            .is_some_and(|b| b.is_ascii_lowercase() || *b == b'_')
            && name
                .iter()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || *b == b'_')
    };
    let schema_fits = match &matcher.schema {
        Some(schemas) => schemas.iter().any(|s| s.as_bytes() == schema),
        None => plain(schema),
    };
    schema_fits
        && matcher
            .relation
            .as_ref()
            .is_none_or(|names| names.iter().any(|n| n.as_bytes() == relation))
}

fn statement_holds(statement: &Statement, text: &[u8]) -> bool {
    let lower = text.to_ascii_lowercase();
    let has = |part: &String| contains(&lower, part.to_lowercase().as_bytes());
    let whole_given = statement.equals.is_some() || statement.matches.is_some();
    let whole_holds = statement
        .equals
        .iter()
        .flatten()
        .any(|wanted| equal_texts(wanted, text))
        || statement.matches.iter().flatten().any(|pattern| {
            whole_match(
                &format!(r"(?i)[ \t\r\n]*(?:{})[ \t\r\n]*", pattern.as_str()),
                text,
            )
        });
    (!whole_given || whole_holds)
        && (!statement.is_empty || text.is_empty())
        && statement
            .starts_with
            .as_ref()
            .is_none_or(|words| words.iter().any(|word| starts_with(text, word)))
        && statement
            .only_calls
            .as_ref()
            .is_none_or(|functions| only_calls(text, functions))
        && statement
            .lacks
            .as_ref()
            .is_none_or(|parts| !parts.iter().any(has))
        && statement
            .lacks_words
            .as_ref()
            .is_none_or(|words| !words.iter().any(|word| has_word(&lower, word)))
        && statement
            .lacks_names
            .as_ref()
            .is_none_or(|names| !names.iter().any(|name| has_name(&lower, name)))
        && statement
            .contains
            .as_ref()
            .is_none_or(|parts| parts.iter().any(has))
}

fn whole_match(pattern: &str, text: &[u8]) -> bool {
    thread_local! {
        // Few patterns meet many records.
        static BUILT: RefCell<HashMap<String, Option<Regex>>> = RefCell::new(HashMap::new());
    }
    BUILT.with_borrow_mut(|built| {
        if let Some(regex) = built.get(pattern) {
            return regex.as_ref().is_some_and(|regex| regex.is_match(text));
        }
        let syntax = regex_automata::util::syntax::Config::new()
            .unicode(false)
            .utf8(false);
        let regex = Regex::builder()
            .syntax(syntax)
            .configure(Regex::config().utf8_empty(false))
            .build(&format!(r"\A(?:{pattern})\z"))
            .ok();
        let matched = regex.as_ref().is_some_and(|regex| regex.is_match(text));
        built.insert(pattern.to_owned(), regex);
        matched
    })
}

fn contains(text: &[u8], part: &[u8]) -> bool {
    memchr::memmem::find(text, part).is_some()
}

/// A word of its own: what stands before it is no letter and no `_`, what stands after it no
/// letter, digit or `_`.
fn has_word(lower: &[u8], word: &str) -> bool {
    let word = word.to_lowercase();
    memchr::memmem::find_iter(lower, word.as_bytes()).any(|start| {
        let before = start.checked_sub(1).and_then(|at| lower.get(at));
        let after = lower.get(start + word.len());
        before.is_none_or(|b| !b.is_ascii_alphabetic() && *b != b'_')
            && after.is_none_or(|b| !b.is_ascii_alphanumeric() && *b != b'_')
    })
}

/// A name of an object: what stands before it is no quote, letter, digit or `_`.
fn has_name(lower: &[u8], name: &str) -> bool {
    memchr::memmem::find_iter(lower, name.to_lowercase().as_bytes()).any(|start| {
        start
            .checked_sub(1)
            .and_then(|at| lower.get(at))
            .is_none_or(|b| !b.is_ascii_alphanumeric() && !matches!(b, b'_' | b'\''))
    })
}

fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | b'\n')
}

fn equal_texts(wanted: &str, text: &[u8]) -> bool {
    fn words(text: &[u8]) -> Vec<Vec<u8>> {
        text.split(|b| is_space(*b))
            .filter(|word| !word.is_empty())
            .map(<[u8]>::to_ascii_lowercase)
            .collect()
    }
    fn strip(text: &[u8]) -> &[u8] {
        let end = text
            .iter()
            .rposition(|b| !is_space(*b))
            .map_or(0, |at| at + 1);
        text.get(..end).unwrap_or_default()
    }
    let text = strip(text);
    let text = text.strip_suffix(b";").map_or(text, strip);
    let wanted = wanted.trim_end_matches(|c: char| c.is_ascii_whitespace() || c == ';');
    words(text) == words(wanted.as_bytes())
}

fn starts_with(text: &[u8], word: &str) -> bool {
    let mut lexer = Lexer { text, at: 0 };
    while lexer.gap() {}
    let rest = text.get(lexer.at..).unwrap_or_default();
    rest.get(..word.len())
        .is_some_and(|start| start.eq_ignore_ascii_case(word.as_bytes()))
        && rest
            .get(word.len())
            .is_some_and(|b| !b.is_ascii_alphanumeric() && !matches!(b, b'_' | b'$' | b'.'))
}

/// Says whether every call in the text is one of `functions`, and nothing could be read in two ways.
pub fn only_calls(text: &[u8], functions: &[String]) -> bool {
    stops_at(text, functions).is_none()
}

/// The byte at which reading the calls of a text stops: a call that is not listed, or what could be
/// read in two ways.
pub fn stops_at(text: &[u8], functions: &[String]) -> Option<usize> {
    let mut lexer = Lexer { text, at: 0 };
    // The words before this place with only white space and comments between, the last one last.
    let mut words: Vec<&[u8]> = Vec::new();
    // Whether only white space, no comment, stands before the last word.
    let mut spaces_only = true;
    loop {
        let gap_start = lexer.at;
        while lexer.gap() {}
        let spaced = lexer.at > gap_start;
        let plain_gap = text
            .get(gap_start..lexer.at)
            .is_some_and(|gap| gap.iter().all(|b| is_space(*b)));
        let byte = lexer.peek()?;
        match byte {
            b'-' | b'/' => {
                lexer.at += 1;
                let Some(next) = lexer.peek() else {
                    return Some(lexer.at);
                };
                // `a-b` is fine, `a - b` is fine, `a -b` is left alone.
                let goes_on = is_space(next)
                    || next == b'('
                    || (lexer.at_word() && (words.is_empty() || !spaced))
                    || (byte == b'-' && lexer.at_mark());
                if next.is_ascii_digit() {
                    lexer.at += 1;
                } else if !goes_on {
                    return Some(lexer.at);
                }
                words.clear();
                spaces_only = true;
            }
            _ if (words.is_empty() || (spaced && plain_gap)) && lexer.operator() => words.clear(),
            b'(' => {
                if let Some(last) = words.last()
                    && !(plain_gap && may_open(&words, last, spaces_only, functions))
                {
                    return Some(lexer.at);
                }
                lexer.at += 1;
                words.clear();
            }
            b')' => {
                lexer.at += 1;
                lexer.row_name();
                while lexer.peek() == Some(b'.') {
                    lexer.at += 1;
                    match lexer.peek() {
                        Some(b'*') => lexer.at += 1,
                        Some(first) if is_name_byte(first) => {
                            while lexer.peek().is_some_and(is_name_byte) {
                                lexer.at += 1;
                            }
                        }
                        _ => return Some(lexer.at),
                    }
                }
                words.clear();
            }
            _ if lexer.at_mark() => {
                let two = matches!(byte, b'!' | b'@')
                    || (byte == b'<' && lexer.peek_next() == Some(b'@'));
                lexer.at += if two { 2 } else { 1 };
                words.clear();
            }
            _ => {
                // Two words need something between them.
                if !words.is_empty() && !spaced {
                    return Some(lexer.at);
                }
                let Some(word) = lexer.word() else {
                    return Some(lexer.at);
                };
                words.push(word);
                spaces_only = plain_gap;
            }
        }
    }
}

/// Says whether a parenthesis may follow these words.
fn may_open(words: &[&[u8]], last: &[u8], spaces_only: bool, functions: &[String]) -> bool {
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
    let lower = last.to_ascii_lowercase();
    let name = lower.strip_prefix(b"pg_catalog.").unwrap_or(&lower);
    let listed = KEYWORDS.iter().any(|keyword| keyword.as_bytes() == name)
        || functions.iter().any(|function| {
            let function = function.as_bytes();
            function == name && !function.contains(&b'.')
                || function == lower.as_slice() && function.contains(&b'.')
        });
    // `AS name (…)` and `WITH name (…)` list columns.
    let names_columns = spaces_only
        && last.iter().all(|b| is_name_byte(*b))
        && words
            .len()
            .checked_sub(2)
            .and_then(|at| words.get(at))
            .is_some_and(|word| {
                ["as", "with", "recursive", "ordinality", "prepare"]
                    .iter()
                    .any(|w| word.eq_ignore_ascii_case(w.as_bytes()))
            });
    listed || names_columns
}

struct Lexer<'a> {
    text: &'a [u8],
    at: usize,
}

impl<'a> Lexer<'a> {
    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    fn peek_next(&self) -> Option<u8> {
        self.text.get(self.at + 1).copied()
    }

    /// Passes one white space character or one comment. A block comment in which another may begin
    /// is not passed.
    fn gap(&mut self) -> bool {
        match (self.peek(), self.peek_next()) {
            (Some(byte), _) if is_space(byte) => {
                self.at += 1;
                true
            }
            (Some(b'-'), Some(b'-')) => {
                while self.peek().is_some_and(|b| b != b'\r' && b != b'\n') {
                    self.at += 1;
                }
                self.at = (self.at + 1).min(self.text.len());
                true
            }
            (Some(b'/'), Some(b'*')) => {
                let mut at = self.at + 2;
                loop {
                    match (self.text.get(at), self.text.get(at + 1)) {
                        (Some(b'*'), Some(b'/')) => break,
                        (Some(b'/') | None, _) => return false,
                        _ => at += 1,
                    }
                }
                self.at = at + 2;
                true
            }
            _ => false,
        }
    }

    fn spaces(&mut self) {
        while self.peek().is_some_and(is_space) {
            self.at += 1;
        }
    }

    /// Passes `operator(pg_catalog.…)`.
    fn operator(&mut self) -> bool {
        let rest = self.text.get(self.at..).unwrap_or_default();
        let head = b"operator(pg_catalog.";
        if !rest
            .get(..head.len())
            .is_some_and(|start| start.eq_ignore_ascii_case(head))
        {
            return false;
        }
        let rest = rest.get(head.len()..).unwrap_or_default();
        let length = rest
            .iter()
            .take_while(|b| b"=<>~!+%|&@*-".contains(b))
            .count();
        if length == 0 || rest.get(length) != Some(&b')') {
            return false;
        }
        self.at += head.len() + length + 1;
        true
    }

    /// Passes the name of a function's rows and the parenthesis of their columns, if they follow.
    fn row_name(&mut self) {
        const ROW_NAMES: &[&str] = &[
            "col", "colnum", "cols", "elem", "idx", "key", "keys", "koi", "ord", "pos",
        ];
        let start = self.at;
        self.spaces();
        let name_start = self.at;
        while self.peek().is_some_and(is_name_byte) {
            self.at += 1;
        }
        let name = self.text.get(name_start..self.at).unwrap_or_default();
        let known = matches!(name, [letter] if letter.is_ascii_alphabetic())
            || ROW_NAMES
                .iter()
                .any(|known| name.eq_ignore_ascii_case(known.as_bytes()));
        self.spaces();
        if known && self.peek() == Some(b'(') {
            self.at += 1;
        } else {
            self.at = start;
        }
    }

    /// An operator or separator that PostgreSQL ships, but for minus and slash.
    fn at_mark(&self) -> bool {
        match (self.peek(), self.peek_next()) {
            (Some(b'!'), Some(b'=' | b'~')) | (Some(b'@'), Some(b'>')) => true,
            (Some(byte), _) => b",;=<>~+%|:[]&*)".contains(&byte),
            (None, _) => false,
        }
    }

    fn at_word(&self) -> bool {
        self.peek()
            .is_some_and(|b| is_name_byte(b) || matches!(b, b'"' | b'\''))
            || (self.peek() == Some(b'$') && self.peek_next().is_some_and(|b| b.is_ascii_digit()))
    }

    fn name(&mut self) -> Option<()> {
        let start = self.at;
        loop {
            match (self.peek(), self.peek_next()) {
                (Some(b'$'), Some(digit)) if digit.is_ascii_digit() => self.at += 2,
                (Some(b'"'), _) => {
                    self.at += 1;
                    loop {
                        match (self.peek()?, self.peek_next()) {
                            (b'"', Some(b'"')) => self.at += 2,
                            (b'"', _) => break,
                            _ => self.at += 1,
                        }
                    }
                    self.at += 1;
                }
                (Some(byte), _) if is_name_byte(byte) => self.at += 1,
                _ => break,
            }
        }
        (self.at > start).then_some(())
    }

    fn word(&mut self) -> Option<&'a [u8]> {
        let start = self.at;
        // A literal is a word, alone or with a name in front or behind (`E'…'`, `U&"…" uescape '…'`).
        loop {
            match self.peek() {
                Some(b'\'') => self.text_literal().then_some(())?,
                _ if self.at_word() => self.name()?,
                _ => break,
            }
        }
        if self.at == start {
            return None;
        }
        while self.peek() == Some(b'.') {
            self.at += 1;
            if self.peek() == Some(b'*') {
                self.at += 1;
            } else {
                self.name()?;
            }
        }
        self.text.get(start..self.at)
    }

    /// Passes a literal. A backslash right before a quote means different things in different modes.
    fn text_literal(&mut self) -> bool {
        self.at += 1;
        loop {
            match (self.peek(), self.peek_next()) {
                (None, _) | (Some(b'\\'), None | Some(b'\'')) => return false,
                (Some(b'\\'), _) | (Some(b'\''), Some(b'\'')) => self.at += 2,
                (Some(b'\''), _) => {
                    self.at += 1;
                    return true;
                }
                _ => self.at += 1,
            }
        }
    }
}

fn is_name_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}
