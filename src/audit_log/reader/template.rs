//! Any `log_line_prefix`: an entry that was written with one is written again with a prefix of RDS.

use super::parts::{Parts, client_of, client_with, level_and_message};
use crate::audit_log::prefix::LogLinePrefix;
use crate::audit_log::timestamp::Timestamp;
use std::borrow::Cow;
use std::str::FromStr;

/// The longest name of a role or a database (`NAMEDATALEN - 1`).
const NAME_MAX: usize = 63;
/// The longest name of an application: from PostgreSQL 16 a byte may print as four.
const ESCAPED_NAME_MAX: usize = NAME_MAX * 4;
/// The severities that PostgreSQL prints in English, and the further parts of a message.
const LEVELS: [&[u8]; 20] = [
    b"DEBUG",
    b"DEBUG1",
    b"DEBUG2",
    b"DEBUG3",
    b"DEBUG4",
    b"DEBUG5",
    b"LOG",
    b"INFO",
    b"NOTICE",
    b"WARNING",
    b"ERROR",
    b"FATAL",
    b"PANIC",
    b"DETAIL",
    b"HINT",
    b"QUERY",
    b"CONTEXT",
    b"STATEMENT",
    b"LOCATION",
    b"BACKTRACE",
];
/// Ways to read one entry that are tried.
const STEPS_MAX: u32 = 2_000;

/// A value of `log_line_prefix`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template {
    pieces: Vec<Piece>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    Text(Vec<u8>),
    Escape(u8),
}

/// A text that cannot be read as a `log_line_prefix`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{prefix}` is not a log_line_prefix that pgvigil can read: {why}")]
pub struct TemplateError {
    prefix: String,
    why: String,
}

impl FromStr for Template {
    type Err = TemplateError;

    fn from_str(prefix: &str) -> Result<Self, Self::Err> {
        let fault = |why: String| TemplateError {
            prefix: prefix.to_owned(),
            why,
        };
        let mut pieces: Vec<Piece> = Vec::new();
        let text = |pieces: &mut Vec<Piece>, byte: u8| match pieces.last_mut() {
            Some(Piece::Text(text)) => text.push(byte),
            _ => pieces.push(Piece::Text(vec![byte])),
        };
        let mut bytes = prefix.bytes();
        while let Some(byte) = bytes.next() {
            if byte != b'%' {
                text(&mut pieces, byte);
                continue;
            }
            // A width pads with spaces.
            let escape = bytes.find(|byte| !byte.is_ascii_digit() && *byte != b'-');
            match escape {
                Some(b'%') => text(&mut pieces, b'%'),
                Some(escape) if b"abcdehilLmnpPqQrstuvx".contains(&escape) => {
                    pieces.push(Piece::Escape(escape));
                }
                Some(escape) => {
                    return Err(fault(format!(
                        "PostgreSQL has no `%{}`",
                        char::from(escape)
                    )));
                }
                None => return Err(fault("it ends in `%`".to_owned())),
            }
        }
        let has = |escapes: &[u8]| {
            pieces
                .iter()
                .any(|piece| matches!(piece, Piece::Escape(escape) if escapes.contains(escape)))
        };
        if !has(b"tm") {
            return Err(fault("it has neither `%t` nor `%m`, the time".to_owned()));
        }
        if !has(b"u") {
            return Err(fault("it has no `%u`, the user".to_owned()));
        }
        Ok(Self { pieces })
    }
}

impl Template {
    /// The entry with a prefix of RDS. `None` if it cannot be read with this prefix in exactly one way.
    pub fn dress(&self, entry: &[u8], form: LogLinePrefix) -> Option<Vec<u8>> {
        let mut search = Search {
            found: None,
            is_ambiguous: false,
            steps: 0,
        };
        search.read(&self.pieces, entry, &mut Parts::default());
        let parts = search.found.filter(|_| !search.is_ambiguous)?;
        // The message keeps the TABs that it has already.
        let message = std::mem::take(&mut parts.clone().message).into_owned();
        let mut text = Parts {
            message: Cow::Borrowed(b""),
            ..parts
        }
        .write(form);
        text.extend_from_slice(&message);
        Some(text)
    }
}

struct Search<'a> {
    found: Option<Parts<'a>>,
    is_ambiguous: bool,
    steps: u32,
}

impl<'a> Search<'a> {
    /// Tries every way to read a text by the pieces; `parts` is what was read before.
    fn read(&mut self, pieces: &[Piece], text: &'a [u8], parts: &mut Parts<'a>) {
        self.steps += 1;
        if self.steps > STEPS_MAX {
            self.is_ambiguous = true;
        }
        if self.is_ambiguous {
            return;
        }
        let Some((piece, rest)) = pieces.split_first() else {
            // Where the prefix ends in a name, the severity is known by its word alone.
            if let Some((level, message)) = level_and_message(text)
                && LEVELS.contains(&level)
            {
                if self.found.is_some() {
                    self.is_ambiguous = true;
                    return;
                }
                self.found = Some(Parts {
                    level: Cow::Borrowed(level),
                    message: Cow::Borrowed(message),
                    ..parts.clone()
                });
            }
            return;
        };
        match piece {
            Piece::Text(literal) => {
                if let Some(text) = text.strip_prefix(&**literal) {
                    self.read(rest, text, parts);
                }
            }
            Piece::Escape(escape) => {
                // A width pads on the left with spaces.
                let text = text.trim_ascii_start();
                self.escape(*escape, rest, text, parts);
            }
        }
    }

    fn escape(&mut self, escape: u8, rest: &[Piece], text: &'a [u8], parts: &mut Parts<'a>) {
        let shaped = |len: Option<usize>| len.and_then(|len| text.split_at_checked(len));
        let run = |accept: fn(u8) -> bool| {
            text.iter()
                .take(64)
                .take_while(|byte| accept(**byte))
                .count()
        };
        let found = match escape {
            // From here on nothing is printed for a process without a session: both are tried.
            b'q' => {
                self.read(&[], text, parts);
                self.read(rest, text, parts);
                return;
            }
            b't' | b's' | b'm' => shaped(time_len(text, escape == b'm', rest.first())),
            b'p' | b'P' | b'l' | b'x' | b'Q' => shaped(Some(run(|byte| byte.is_ascii_digit()))),
            b'n' => shaped(Some(run(|byte| byte.is_ascii_digit() || byte == b'.'))),
            b'c' => shaped(Some(run(|byte| byte.is_ascii_hexdigit() || byte == b'.'))),
            b'v' => shaped(Some(run(|byte| byte.is_ascii_digit() || byte == b'/'))),
            b'e' => shaped(Some(5)),
            _ => return self.name(escape, rest, text, parts),
        };
        if let Some((value, after)) = found {
            let value = Cow::Borrowed(value);
            match escape {
                b't' | b'm' => parts.time = value,
                b's' => parts.session_start = value,
                b'p' => parts.pid = value,
                b'l' => parts.line_number = value,
                b'x' => parts.transaction = value,
                b'c' => parts.session = value,
                b'v' => parts.virtual_transaction = value,
                b'e' => parts.sqlstate = value,
                _ => {}
            }
            self.read(rest, after, parts);
        }
    }

    /// A name or an address ends wherever what follows it in the prefix is found.
    fn name(&mut self, escape: u8, rest: &[Piece], text: &'a [u8], parts: &mut Parts<'a>) {
        let most = match escape {
            b'u' | b'd' => NAME_MAX,
            _ => ESCAPED_NAME_MAX,
        };
        let reach = text.get(..most).unwrap_or(text);
        let line = memchr::memchr(b'\n', reach).unwrap_or(reach.len());
        for len in 0..=line {
            let (Some(name), Some(after)) = (text.get(..len), text.get(len..)) else {
                return;
            };
            let fits = match rest.first() {
                Some(Piece::Text(literal)) => {
                    after.starts_with(literal) || is_padded(after, literal)
                }
                Some(Piece::Escape(_)) => true,
                None => true,
            };
            if !fits {
                continue;
            }
            let mut parts = parts.clone();
            match escape {
                b'u' => parts.user = Cow::Borrowed(name),
                b'd' => parts.database = Cow::Borrowed(name),
                b'a' => parts.application = Cow::Borrowed(name),
                b'h' if is_address(name) => parts.client = Cow::Owned(client_with(name, b"")),
                b'r' if is_address(name) => {
                    parts.client = Cow::Owned(match name.ends_with(b")") {
                        true => name.to_vec(),
                        false => client_of(name),
                    });
                }
                b'h' | b'r' => continue,
                _ => {}
            }
            self.read(rest, after, &mut parts);
        }
    }
}

/// How long a time is. What follows it in the prefix may be among what a zone can hold, as in `UTC-6b029238`.
fn time_len(text: &[u8], milliseconds: bool, next: Option<&Piece>) -> Option<usize> {
    let (time, _) = Timestamp::split(text, milliseconds)?;
    let longest = time.text.len();
    let Some(Piece::Text(literal)) = next else {
        return Some(longest);
    };
    let shortest = if milliseconds { 25 } else { 21 };
    (shortest..=longest).find(|len| {
        text.get(*len..)
            .is_some_and(|after| after.starts_with(literal))
    })
}

fn is_padded(text: &[u8], literal: &[u8]) -> bool {
    text.first() == Some(&b' ') && text.trim_ascii_start().starts_with(literal)
}

fn is_address(name: &[u8]) -> bool {
    name == b"[local]"
        || name
            .iter()
            .all(|byte| byte.is_ascii_alphanumeric() || b".:-_%()".contains(byte))
}

#[cfg(test)]
mod tests {
    use super::super::super::{EntryKind, judge_entry};
    use super::*;

    fn dress(template: &str, entry: &str) -> Option<String> {
        let template: Template = template.parse().expect("a prefix");
        template
            .dress(entry.as_bytes(), LogLinePrefix::Short)
            .map(|text| String::from_utf8(text).expect("text"))
    }

    #[test]
    fn prefixes_of_other_servers_are_read() {
        let record = "LOG:  AUDIT: SESSION,1,1,READ,SELECT,TABLE,public.t,\"select ':' \n\tfrom t\",<not logged>";
        for (template, prefix, client) in [
            (
                "%m; %p; %u; %d; %h; ",
                "2026-11-20 13:31:38.586 CET; 271; alice; shop; 10.1.76.24; ",
                "10.1.76.24(0)",
            ),
            (
                "%t [%p] user=%u db=%d app=%a client=%h ",
                "2026-11-20 13:31:38 CET [271] user=alice db=shop app=psql client=[local] ",
                "[local]",
            ),
            (
                "%t-%c-user=%u,db=%d,app=%a,client=%h",
                "2026-11-20 13:31:38 CET-12abcd3e.4f56-user=alice,db=shop,app=[unknown],client=10.1.76.24",
                "10.1.76.24(0)",
            ),
            (
                "%m [%p] %q%u@%d ",
                "2026-11-20 13:31:38.586 CET [271] alice@shop ",
                "",
            ),
            (
                "%m [%p]: [%l-1] db=%d,user=%u ",
                "2026-11-20 13:31:38.586 CET [271]: [8-1] db=shop,user=alice ",
                "",
            ),
        ] {
            let dressed = dress(template, &format!("{prefix}{record}"))
                .unwrap_or_else(|| panic!("{template}"));
            match judge_entry(dressed.as_bytes(), LogLinePrefix::Short) {
                EntryKind::Audit {
                    prefix,
                    record,
                    doubt: None,
                } => {
                    assert_eq!(
                        (prefix.user, prefix.database),
                        (&b"alice"[..], &b"shop"[..]),
                        "{template}"
                    );
                    assert_eq!(prefix.client.text, client.as_bytes(), "{template}");
                    assert_eq!(prefix.timestamp.text, b"2026-11-20 13:31:38 CET");
                    assert_eq!(
                        &*record.statement.decoded().unwrap(),
                        b"select ':' \nfrom t"
                    );
                }
                other => panic!("{template}: {other:?}"),
            }
        }
    }

    #[test]
    fn what_can_be_read_in_two_ways_is_left() {
        let entry =
            |user: &str| format!("2026-11-20 13:31:38.586 CET [271] {user}@shop LOG:  AUDIT: x");
        assert!(dress("%m [%p] %q%u@%d ", &entry("alice")).is_some());
        assert_eq!(
            dress("%m [%p] %q%u@%d ", &entry("a@b LOG:  AUDIT: y")),
            None
        );
        assert_eq!(dress("%m [%p] %q%u@%d ", "2026-11-20 no entry"), None);
    }

    #[test]
    fn a_prefix_without_time_or_user_is_refused() {
        for prefix in ["%p %u", "%m [%p] ", "%m %u %", "%m %u %w"] {
            assert!(prefix.parse::<Template>().is_err(), "{prefix}");
        }
    }
}
