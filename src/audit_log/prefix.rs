//! What the server prints before a message: `log_line_prefix`, the severity, and who is served.
//!
//! RDS and Aurora allow two values of `log_line_prefix`. Both print the user and the database
//! without quoting, and the long one prints the application name, which the client chooses. A name
//! can therefore hold a whole second prefix. The reader looks for every place where a prefix may
//! end and says when there is more than one.
//!
//! Two facts bound the search. PostgreSQL cuts a name to 63 bytes (`NAMEDATALEN`), so an end that
//! lies further behind cannot belong to a name. And the client address is written by the server:
//! when it is missing, the process serves nobody and no name is printed.

use super::byte_set::ByteSet;
use super::record::HEAD;
use super::timestamp::Timestamp;
use std::fmt;
use std::str::FromStr;

/// The longest user, database or application name, in bytes (`NAMEDATALEN - 1`).
const NAME_MAX: usize = 63;
/// The longest application name as printed: from PostgreSQL 16 a byte that is no printable ASCII
/// prints as `\xNN`.
const ESCAPED_NAME_MAX: usize = NAME_MAX * 4;
/// The longest severity looked for, in bytes; translated ones included.
const LEVEL_MAX: usize = 32;
/// More readings of one entry than this are not kept.
const READINGS_MAX: usize = 8;

/// The values of `log_line_prefix` that RDS and Aurora allow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum LogLinePrefix {
    /// The default, `%t:%r:%u@%d:[%p]:`.
    Short,
    /// `%m:%r:%u@%d:[%p]:%l:%e:%s:%v:%x:%c:%q%a:`, with application name and session.
    Long,
}

impl LogLinePrefix {
    pub const ALL: [Self; 2] = [Self::Short, Self::Long];

    /// The value as it stands in the parameter group.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Short => "%t:%r:%u@%d:[%p]:",
            Self::Long => "%m:%r:%u@%d:[%p]:%l:%e:%s:%v:%x:%c:%q%a:",
        }
    }

    /// Which form an entry has, by the time it begins with: whole seconds or milliseconds.
    pub fn detect(entry: &[u8]) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|form| !matches!(form.readings(entry), Readings::Foreign(_)))
    }

    /// Reads the prefix of an entry.
    pub fn parse(self, entry: &[u8]) -> PrefixReading<'_> {
        match self.readings(entry) {
            Readings::Foreign(mismatch) => PrefixReading::Foreign(mismatch),
            Readings::Found {
                first, doubt: None, ..
            } => PrefixReading::Understood(first),
            Readings::Found {
                first,
                doubt: Some(reason),
                ..
            } => PrefixReading::Doubtful {
                reason,
                best_guess: first,
            },
        }
    }

    /// Every way to read the prefix of an entry, the one that ends first before the others.
    pub(crate) fn readings(self, entry: &[u8]) -> Readings<'_> {
        let Some((timestamp, rest)) = Timestamp::split(entry, self == Self::Long) else {
            return Readings::Foreign(Mismatch::Timestamp);
        };
        let Some(rest) = rest.strip_prefix(b":") else {
            return Readings::Foreign(Mismatch::Timestamp);
        };
        let Some((client, rest)) = Client::split(rest) else {
            return Readings::Foreign(Mismatch::Client);
        };
        let mut found = Collector {
            timestamp,
            client,
            first: None,
            others: Vec::new(),
            doubt: None,
        };
        // Ends of `user@database`: at most two names and an `@` behind the client.
        let reach = rest.get(..2 * NAME_MAX + 3).unwrap_or(rest);
        for bracket in memchr::memchr_iter(b'[', reach) {
            let (Some([names @ .., b':']), Some(tail)) =
                (rest.get(..bracket), rest.get(bracket + 1..))
            else {
                continue;
            };
            if let Some((user, database, doubt)) = split_names(names)
                && let Some((pid, tail)) = split_digits(tail)
                && let Some(tail) = tail.strip_prefix(b"]:")
            {
                match self {
                    Self::Short => found.short(user, database, doubt, pid, tail),
                    Self::Long => found.long(user, database, doubt, pid, tail),
                }
            }
        }
        match found.first {
            Some(first) => Readings::Found {
                first,
                others: found.others,
                doubt: found.doubt,
            },
            None => Readings::Foreign(Mismatch::Head),
        }
    }
}

impl fmt::Display for LogLinePrefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A `log_line_prefix` that RDS and Aurora do not allow.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is not a log_line_prefix of RDS or Aurora; these allow `%t:%r:%u@%d:[%p]:` and `%m:%r:%u@%d:[%p]:%l:%e:%s:%v:%x:%c:%q%a:`"
)]
pub struct UnknownPrefixError(pub String);

impl FromStr for LogLinePrefix {
    type Err = UnknownPrefixError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|form| form.as_str() == text)
            .ok_or_else(|| UnknownPrefixError(text.to_owned()))
    }
}

/// Where a connection comes from (`%r`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Client<'a> {
    /// As printed: `10.0.1.123(50322)`, `::1(36018)`, `[local]`, or nothing for a process that
    /// serves no client, which a parallel worker is too.
    pub text: &'a [u8],
    /// The address or host name without the port.
    pub host: &'a [u8],
    /// The port, when one was printed.
    pub port: Option<u16>,
}

impl<'a> Client<'a> {
    /// Reads `%r:` from the start of `text`.
    fn split(text: &'a [u8]) -> Option<(Self, &'a [u8])> {
        if let Some(rest) = text.strip_prefix(b"[local]:") {
            let host = text.get(..7)?;
            return Some((
                Self {
                    text: host,
                    host,
                    port: None,
                },
                rest,
            ));
        }
        // IPv4, IPv6 with a zone, or a host name (log_hostname). An IPv6 address may begin with
        // colons, so a missing client is known only by the lack of `(port)`.
        let len = HOST_BYTES.span(text);
        if len > 0
            && let Some(after) = text.get(len..)?.strip_prefix(b"(")
            && let Some((port, after)) = split_digits(after)
            && let Some(rest) = after.strip_prefix(b"):")
            && let Ok(port) = u16::try_from(port)
        {
            let host = text.get(..len)?;
            let whole = text.get(..text.len() - rest.len() - 1)?;
            return Some((
                Self {
                    text: whole,
                    host,
                    port: Some(port),
                },
                rest,
            ));
        }
        let rest = text.strip_prefix(b":")?;
        let none = text.get(..0)?;
        Some((
            Self {
                text: none,
                host: none,
                port: None,
            },
            rest,
        ))
    }
}

/// Bytes of addresses and host names.
static HOST_BYTES: ByteSet = ByteSet::alphanumeric_and(b".:-_%");

/// A prefix that was read, with the message behind it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Prefix<'a> {
    /// When the entry was written.
    pub timestamp: Timestamp<'a>,
    /// Where the connection comes from.
    pub client: Client<'a>,
    /// The session's login role; empty for a process that serves no client, `[unknown]` before
    /// the client has said a name.
    pub user: &'a [u8],
    /// The database; empty or `[unknown]` like the user.
    pub database: &'a [u8],
    pub pid: u64,
    /// The number of the entry in its session; long form only.
    pub line_number: Option<u64>,
    /// Start and number of the process (`6b029238.6579`); long form only.
    pub session_id: Option<&'a [u8]>,
    /// SQLSTATE; long form, or `log_error_verbosity = verbose`.
    pub sqlstate: Option<&'a [u8]>,
    /// What the client calls itself; long form of a process that serves a client only.
    pub application_name: Option<&'a [u8]>,
    /// The severity (`LOG`, `ERROR`, …) or the part of a message (`DETAIL`, `STATEMENT`, …).
    pub level: &'a [u8],
    /// The text behind the severity, its spaces and, if verbose, the SQLSTATE.
    pub message: &'a [u8],
}

/// The outcome of reading a prefix.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PrefixReading<'a> {
    /// There is one way to read it.
    Understood(Prefix<'a>),
    Doubtful {
        reason: Doubt,
        /// The reading in which the prefix ends first.
        best_guess: Prefix<'a>,
    },
    /// It has not this form.
    Foreign(Mismatch),
}

/// Why an entry can be read in several ways.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Doubt {
    /// `a@b@c`: user `a@b` of database `c`, or user `a` of database `b@c`. Common where roles are
    /// named after Kerberos principals, so this alone is no sign of forgery; the guess is the
    /// last `@`.
    #[error("user and database cannot be separated: there is more than one `@`")]
    SeveralAtSigns,
    /// A second place where the prefix may end, near enough to lie in a name.
    #[error("the prefix could end at more than one place: a name could contain a forged severity")]
    SeveralEnds,
    /// A second head of a record, in a name or in the statement.
    #[error("the entry contains more than one `AUDIT:` head")]
    SeveralHeads,
    /// A line that does not begin with a TAB inside the entry: PostgreSQL did not write it as one.
    #[error("a line inside the entry does not begin with a TAB")]
    LineWithoutTab,
    /// A severity that pgAudit does not use or that is translated.
    #[error("the severity of the record is not one that PostgreSQL prints in English")]
    UnknownLevel,
}

impl Doubt {
    /// Whether nothing but the border between user and database is in doubt.
    pub fn is_only_names(self) -> bool {
        self == Self::SeveralAtSigns
    }
}

/// Where an entry departs from the form of the prefix.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Mismatch {
    /// It does not begin with the time.
    #[error("the entry does not begin with the time that the prefix prints")]
    Timestamp,
    /// The client address is not one.
    #[error("there is no client address after the time")]
    Client,
    /// User, database, process and severity do not follow.
    #[error("the entry ends before its severity")]
    Head,
}

/// All readings of a prefix.
#[expect(
    clippy::large_enum_variant,
    reason = "the large variant is the common one, and none is stored"
)]
pub(crate) enum Readings<'a> {
    Found {
        first: Prefix<'a>,
        others: Vec<Prefix<'a>>,
        doubt: Option<Doubt>,
    },
    Foreign(Mismatch),
}

struct Collector<'a> {
    timestamp: Timestamp<'a>,
    client: Client<'a>,
    first: Option<Prefix<'a>>,
    others: Vec<Prefix<'a>>,
    doubt: Option<Doubt>,
}

impl<'a> Collector<'a> {
    fn short(
        &mut self,
        user: &'a [u8],
        database: &'a [u8],
        doubt: Option<Doubt>,
        pid: u64,
        tail: &'a [u8],
    ) {
        if let Some(message) = split_level(tail) {
            self.add(
                Prefix {
                    timestamp: self.timestamp,
                    client: self.client,
                    user,
                    database,
                    pid,
                    line_number: None,
                    session_id: None,
                    sqlstate: message.sqlstate,
                    application_name: None,
                    level: message.level,
                    message: message.text,
                },
                doubt,
            );
        }
    }

    fn long(
        &mut self,
        user: &'a [u8],
        database: &'a [u8],
        doubt: Option<Doubt>,
        pid: u64,
        tail: &'a [u8],
    ) {
        let Some((session, tail)) = Session::split(tail) else {
            return;
        };
        let prefix = Prefix {
            timestamp: self.timestamp,
            client: self.client,
            user,
            database,
            pid,
            line_number: Some(session.line_number),
            session_id: Some(session.id),
            sqlstate: Some(session.sqlstate),
            application_name: None,
            level: b"",
            message: b"",
        };
        // `%q` ends the prefix here for a process that serves no client.
        if self.client.text.is_empty() {
            if let Some(message) = split_level(tail) {
                self.add(
                    Prefix {
                        level: message.level,
                        message: message.text,
                        ..prefix
                    },
                    doubt,
                );
            }
            return;
        }
        for at in memchr::memchr_iter(b':', tail) {
            if at > ESCAPED_NAME_MAX {
                break;
            }
            let (Some(name), Some(after)) = (tail.get(..at), tail.get(at + 1..)) else {
                break;
            };
            if let Some(message) = split_level(after)
                && is_application_name(name)
            {
                let (level, text) = (message.level, message.text);
                self.add(
                    Prefix {
                        application_name: Some(name),
                        level,
                        message: text,
                        ..prefix
                    },
                    doubt,
                );
            }
        }
    }

    fn add(&mut self, prefix: Prefix<'a>, doubt: Option<Doubt>) {
        if self.first.is_none() {
            self.first = Some(prefix);
            self.doubt = doubt;
        } else {
            self.doubt = Some(Doubt::SeveralEnds);
            if self.others.len() + 1 < READINGS_MAX {
                self.others.push(prefix);
            }
        }
    }
}

/// What the long form prints of the session.
struct Session<'a> {
    line_number: u64,
    sqlstate: &'a [u8],
    id: &'a [u8],
}

impl<'a> Session<'a> {
    /// Reads `%l:%e:%s:%v:%x:%c:`.
    fn split(text: &'a [u8]) -> Option<(Self, &'a [u8])> {
        let (line_number, rest) = split_digits(text)?;
        let (sqlstate, rest) = rest.strip_prefix(b":")?.split_at_checked(5)?;
        if !is_sqlstate(sqlstate) {
            return None;
        }
        let (_, rest) = Timestamp::split(rest.strip_prefix(b":")?, false)?;
        let rest = rest.strip_prefix(b":")?;
        // The virtual transaction is missing before a process has one.
        let rest = match split_digits(rest) {
            Some((_, after)) => split_digits(after.strip_prefix(b"/")?)?.1,
            None => rest,
        };
        let (_, rest) = split_digits(rest.strip_prefix(b":")?)?;
        let rest = rest.strip_prefix(b":")?;
        let len = rest
            .iter()
            .take_while(|byte| byte.is_ascii_hexdigit() || **byte == b'.')
            .count();
        let (id, rest) = rest.split_at_checked(len)?;
        if !id.contains(&b'.') {
            return None;
        }
        Some((
            Self {
                line_number,
                sqlstate,
                id,
            },
            rest.strip_prefix(b":")?,
        ))
    }
}

/// Splits `user@database`; the doubt is about several `@`.
fn split_names(names: &[u8]) -> Option<(&[u8], &[u8], Option<Doubt>)> {
    let first = names.iter().position(|byte| *byte == b'@')?;
    let last = names.iter().rposition(|byte| *byte == b'@')?;
    let fits = |at: usize| at <= NAME_MAX && names.len() - at - 1 <= NAME_MAX;
    let candidates = if first == last {
        usize::from(fits(first))
    } else {
        memchr::memchr_iter(b'@', names)
            .filter(|at| fits(*at))
            .count()
    };
    let at = if fits(last) {
        last
    } else {
        memchr::memrchr_iter(b'@', names).find(|at| fits(*at))?
    };
    let doubt = (candidates > 1).then_some(Doubt::SeveralAtSigns);
    Some((names.get(..at)?, names.get(at + 1..)?, doubt))
}

/// The severity and what follows it.
pub(crate) struct Message<'a> {
    pub(crate) level: &'a [u8],
    pub(crate) sqlstate: Option<&'a [u8]>,
    pub(crate) text: &'a [u8],
}

/// Reads `LEVEL:`, at least one space, and the SQLSTATE that `log_error_verbosity = verbose` adds.
pub(crate) fn split_level(text: &[u8]) -> Option<Message<'_>> {
    let len = text
        .iter()
        .take(LEVEL_MAX + 1)
        .take_while(|byte| byte.is_ascii_alphanumeric() || !byte.is_ascii())
        .count();
    if len == 0 || len > LEVEL_MAX {
        return None;
    }
    let (level, rest) = text.split_at_checked(len)?;
    let mut message = rest.strip_prefix(b": ")?;
    while let Some(rest) = message.strip_prefix(b" ") {
        message = rest;
    }
    if let Some((sqlstate, rest)) = message.split_at_checked(5)
        && is_sqlstate(sqlstate)
        && !message.starts_with(HEAD)
        && let Some(rest) = rest.strip_prefix(b": ")
    {
        return Some(Message {
            level,
            sqlstate: Some(sqlstate),
            text: rest,
        });
    }
    Some(Message {
        level,
        sqlstate: None,
        text: message,
    })
}

/// Five digits and capitals, at least one of them a digit.
fn is_sqlstate(text: &[u8]) -> bool {
    text.len() == 5
        && text
            .iter()
            .all(|byte| byte.is_ascii_digit() || byte.is_ascii_uppercase())
        && text.iter().any(u8::is_ascii_digit)
}

/// PostgreSQL lets an application name hold printable ASCII only (`pg_clean_ascii`).
fn is_application_name(name: &[u8]) -> bool {
    let max = if name.contains(&b'\\') {
        ESCAPED_NAME_MAX
    } else {
        NAME_MAX
    };
    name.len() <= max && name.iter().all(|byte| (b' '..=b'~').contains(byte))
}

fn split_digits(text: &[u8]) -> Option<(u64, &[u8])> {
    let len = text
        .iter()
        .take(19)
        .take_while(|byte| byte.is_ascii_digit())
        .count();
    let (digits, rest) = text.split_at_checked(len)?;
    if digits.is_empty() {
        return None;
    }
    Some((
        digits
            .iter()
            .fold(0, |value, byte| value * 10 + u64::from(byte - b'0')),
        rest,
    ))
}

#[cfg(test)]
#[path = "prefix_tests.rs"]
mod tests;
