//! Entries that tell of work of which pgAudit writes no record.
//!
//! pgAudit writes the record of a utility statement when it has ended, so one that fails has none, and the error message
//! can hold what an expression in it read. It writes none of what a client calls over the fast path, and none of what the
//! replication protocol hands out. The server's own log has a line of each: beside an error the statement
//! (`log_min_error_statement`), and the others where it is told to (`log_statement = all`, `log_replication_commands`,
//! `log_connections`).

use super::names;
use super::statement::{Parameters, Reading, Unreadable};
use crate::policy::model::Signal;

/// What an entry tells of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Told {
    /// DDL, or maintenance, that failed: it may have evaluated expressions over data before.
    FailedDdl,
    /// Another statement that failed, and calls where it has no record.
    FailedCall,
    /// A call over the fast path.
    FastPath,
    /// A command of the replication protocol.
    Replication,
}

/// The longest line that is looked at for a name with a line break: a time, an address and two names, all of them at their
/// longest, are shorter.
const CUT_MAX: usize = 1_024;

/// What begins a statement that evaluates expressions and writes its record when it has ended.
const DDL: &[&[u8]] = &[
    b"alter", b"analyse", b"analyze", b"cluster", b"create", b"import", b"reindex", b"refresh",
    b"vacuum",
];

impl Told {
    /// What stands in the place of a command. The statement itself is not told.
    pub fn command(self) -> &'static str {
        match self {
            Self::FailedDdl => "FAILED DDL",
            Self::FailedCall => "FAILED CALL",
            Self::FastPath => "FAST PATH",
            Self::Replication => "REPLICATION",
        }
    }

    /// Why it counts, in one sentence.
    pub(super) fn reason(self) -> &'static str {
        match self {
            Self::FailedDdl | Self::FailedCall => {
                "a statement failed: pgAudit writes no record of it, and it might have read data before"
            }
            Self::FastPath => "a call over the fast path, of which pgAudit writes no record",
            Self::Replication => "the replication protocol, of which pgAudit writes no record",
        }
    }

    /// The signal that counts it.
    pub(super) fn signal(self) -> Signal {
        match self {
            Self::FailedDdl => Signal::Schema,
            Self::FailedCall | Self::FastPath | Self::Replication => Signal::Dml,
        }
    }

    /// What an entry tells of, by its level and its message. The messages are PostgreSQL's own, in English
    /// (`exec_replication_command` in walsender.c, `PerformAuthentication` in postinit.c, `HandleFunctionRequest` in fastpath.c).
    pub(super) fn of(level: &[u8], message: &[u8]) -> Option<Self> {
        match level {
            b"STATEMENT" => failed(message),
            b"LOG" => {
                let begins = |text: &str| message.starts_with(text.as_bytes());
                if begins("received replication command: ")
                    || begins("replication connection authorized: ")
                {
                    Some(Self::Replication)
                } else if begins("fastpath function call: ")
                    || (begins("duration: ")
                        && memchr::memmem::find(message, b" ms  fastpath function call: ")
                            .is_some())
                {
                    Some(Self::FastPath)
                } else {
                    None
                }
            }
            _ => None,
        }
    }
}

/// Whether an entry may tell of such work, or is what a name with a line break leaves.
pub(super) fn may_tell(text: &[u8]) -> bool {
    use memchr::memmem::Finder;
    use std::sync::LazyLock;

    static MARKS: LazyLock<[Finder<'static>; 3]> = LazyLock::new(|| {
        ["STATEMENT: ", "plication co", "fastpath function call"].map(Finder::new)
    });
    MARKS.iter().any(|mark| mark.find(text).is_some()) || may_be_cut(text)
}

/// Whether an entry may end in the middle of a name. A line break in the name of a role or database (CREATEDB, CREATEROLE)
/// ends the line there, and what follows can look like a whole entry of somebody else. So no other entry of the server lacks
/// the brackets around its process.
pub(super) fn may_be_cut(text: &[u8]) -> bool {
    let Some([b'0'..=b'9', b'0'..=b'9', b'0'..=b'9', b'0'..=b'9', b'-']) = text.get(..5) else {
        return false;
    };
    if text.len() > CUT_MAX {
        return false;
    }
    let mut ends = memchr::memchr_iter(b']', text);
    match (ends.next(), ends.next()) {
        (None, _) => true,
        (Some(at), None) => text
            .get(..=at)
            .is_some_and(|start| start.ends_with(b":[local]")),
        _ => false,
    }
}

/// Whether a statement that failed may have called something and left no record.
fn failed(text: &[u8]) -> Option<Told> {
    let reading = Reading::of(text);
    let first = |words: &[&[u8]]| {
        let mut begins = reading.begins.iter();
        begins.any(|name| {
            let written = name.written(text);
            words.iter().any(|word| written.eq_ignore_ascii_case(word))
        })
    };
    // What cannot be read to its end may go on with anything, but for what ends too early: that is no statement.
    let is_open = reading
        .stop
        .is_some_and(|stop| stop.why != Unreadable::Unclosed);
    let rest = || {
        let at = reading.stop.map_or(text.len(), |stop| stop.at);
        let rest = text.get(at..).unwrap_or_default().to_ascii_lowercase();
        DDL.iter()
            .any(|word| memchr::memmem::find(&rest, word).is_some())
    };
    if first(DDL) || (is_open && rest()) {
        return Some(Told::FailedDdl);
    }
    let computes = reading.execute == Some(Parameters::Computed)
        || (is_open && reading.execute == Some(Parameters::Constant));
    // Input functions of types run while a statement is read, before any record of it is written.
    let casts = names::has_unlisted_type(text, &reading);
    (computes || casts || first(&[b"call"])).then_some(Told::FailedCall)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_fails_without_a_record_is_told() {
        for (statement, told) in [
            (
                "ALTER TABLE customers ADD CHECK ((CASE WHEN id=7 THEN ('x'||customers::text)::int END) IS NULL)",
                Some(Told::FailedDdl),
            ),
            (
                "select 1;\n\tcreate index on t (f(a))",
                Some(Told::FailedDdl),
            ),
            (
                "select E'a\\''; alter table t add check (f(a))",
                Some(Told::FailedDdl),
            ),
            ("execute q(('x' || lo_get(1))::int)", Some(Told::FailedCall)),
            ("call p(f(1))", Some(Told::FailedCall)),
            ("select '(16400)'::secret", Some(Told::FailedCall)),
            ("select 1 / 0", None),
            ("select * from not_there", None),
            ("select 'alter table", None),
            ("select '1'::int, 'x'::text", None),
            ("execute q(1)", None),
            ("", None),
        ] {
            assert_eq!(
                Told::of(b"STATEMENT", statement.as_bytes()),
                told,
                "{statement}"
            );
        }
    }

    #[test]
    fn what_no_record_is_written_of_is_told_by_the_servers_words() {
        for (message, told) in [
            (
                "received replication command: BASE_BACKUP",
                Some(Told::Replication),
            ),
            (
                "replication connection authorized: user=alice",
                Some(Told::Replication),
            ),
            (
                "fastpath function call: \"lo_get\" (OID 3458)",
                Some(Told::FastPath),
            ),
            (
                "duration: 0.1 ms  fastpath function call: \"lo_get\" (OID 3458)",
                Some(Told::FastPath),
            ),
            (
                "duration: 0.1 ms  statement: select ' fastpath function call: '",
                None,
            ),
            ("connection authorized: user=alice", None),
        ] {
            assert_eq!(Told::of(b"LOG", message.as_bytes()), told, "{message}");
            assert_eq!(Told::of(b"ERROR", message.as_bytes()), None);
        }
    }

    #[test]
    fn a_line_that_ends_in_a_name_is_known() {
        for text in [
            "2026-12-01 10:00:00 UTC:10.0.0.1(5000):alice@x",
            "2026-12-01 10:00:00 UTC:[local]:alice@x",
            "2026-12-01 10:00:00 UTC:[local]:alice",
            "2026-12-01 10:00:00 UTC:[local]:alice@x:[1",
        ] {
            assert!(may_be_cut(text.as_bytes()), "{text}");
        }
        for text in [
            "2026-12-01 10:00:00 UTC::@:[1]:LOG:  x",
            "2026-12-01 10:00:00 UTC:[local]:alice@x:[1]:LOG:  x",
            "not an entry",
            "2026",
        ] {
            assert!(!may_be_cut(text.as_bytes()), "{text}");
        }
    }
}
