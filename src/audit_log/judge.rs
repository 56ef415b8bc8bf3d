//! The verdict about one entry: a record, something else for certain, or something to look at.

use super::prefix::{Doubt, LogLinePrefix, Mismatch, Prefix, Readings};
use super::record::{HEAD, Record, RecordError, count_heads};

/// What an entry is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EntryKind<'a> {
    Audit {
        /// Who, where and when.
        prefix: Prefix<'a>,
        record: Record<'a>,
        /// Set when the entry can be read in another way too. Such a record must never be
        /// silenced: see [`Doubt`].
        doubt: Option<Doubt>,
    },
    /// May hold or hide a record, and cannot be understood.
    Suspicious {
        reason: Suspicion,
        /// The likeliest prefix, if there is one.
        prefix: Option<Prefix<'a>>,
    },
    /// An entry that is no record in any reading: an error, a statement, a message of the server,
    /// also when its text quotes a record.
    Other {
        /// Who, where and when.
        prefix: Prefix<'a>,
        /// Set when the prefix can be read in several ways.
        doubt: Option<Doubt>,
    },
    /// No entry of a log with this prefix, and no trace of a record in it.
    Foreign(Mismatch),
}

/// Why an entry is suspicious.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Suspicion {
    /// `AUDIT:` is followed by what pgAudit does not print.
    #[error("the message begins like a record but is not valid: {0}")]
    Record(RecordError),
    /// A head of a record in a line without the prefix.
    #[error("a record has a prefix of a different form: {0}")]
    ForeignPrefix(Mismatch),
    /// It begins as an entry and ends before its severity: cut, or a name with a line break.
    #[error("the entry is cut short: {0}")]
    Cut(Mismatch),
    /// The head of a record follows a line break that PostgreSQL did not write.
    #[error("a record follows a line that does not begin with a TAB")]
    LineWithoutTab,
}

/// Judges one entry: the text of a whole message, its continuation lines included, without the
/// last line break.
pub fn judge_entry(entry: &[u8], form: LogLinePrefix) -> EntryKind<'_> {
    let (first, others, doubt) = match form.readings(entry) {
        Readings::Found {
            first,
            others,
            doubt,
        } => (first, others, doubt),
        Readings::Foreign(mismatch) => {
            return if count_heads(entry, 1) > 0 {
                EntryKind::Suspicious {
                    reason: Suspicion::ForeignPrefix(mismatch),
                    prefix: None,
                }
            } else if mismatch == Mismatch::Timestamp {
                EntryKind::Foreign(mismatch)
            } else {
                EntryKind::Suspicious {
                    reason: Suspicion::Cut(mismatch),
                    prefix: None,
                }
            };
        }
    };
    let heads = count_heads(entry, 2);
    let line_without_tab = has_line_without_tab(entry);
    // The mildest doubt is the one about names.
    let doubt = match doubt {
        Some(doubt) if !doubt.is_only_names() => Some(doubt),
        names => {
            if heads > 1 {
                Some(Doubt::SeveralHeads)
            } else if line_without_tab {
                Some(Doubt::LineWithoutTab)
            } else {
                names
            }
        }
    };
    let mut fault = None;
    for prefix in std::iter::once(&first).chain(&others) {
        let level = Level::of(prefix.level);
        if level == Level::NeverAudit {
            continue;
        }
        let Some(text) = prefix.message.strip_prefix(HEAD) else {
            continue;
        };
        match Record::parse(text) {
            Ok(record) => {
                let unknown = (level == Level::Unknown).then_some(Doubt::UnknownLevel);
                let doubt = match doubt {
                    Some(doubt) if !doubt.is_only_names() => Some(doubt),
                    names => unknown.or(names),
                };
                return EntryKind::Audit {
                    prefix: *prefix,
                    record,
                    doubt,
                };
            }
            Err(error) => fault = fault.or(Some((*prefix, error))),
        }
    }
    if let Some((prefix, error)) = fault {
        return EntryKind::Suspicious {
            reason: Suspicion::Record(error),
            prefix: Some(prefix),
        };
    }
    if heads > 0 && line_without_tab {
        return EntryKind::Suspicious {
            reason: Suspicion::LineWithoutTab,
            prefix: Some(first),
        };
    }
    EntryKind::Other {
        prefix: first,
        doubt,
    }
}

/// Whether a line after the first does not begin with the TAB that PostgreSQL puts there
/// (`append_with_tabs` in elog.c).
fn has_line_without_tab(entry: &[u8]) -> bool {
    let next = entry.get(1..).unwrap_or_default();
    // No early end: the compiler does many bytes at once. Statements have many short lines.
    entry.iter().zip(next).fold(false, |so_far, (byte, next)| {
        so_far | ((*byte == b'\n') & (*next != b'\t'))
    })
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Level {
    /// A value of `pgaudit.log_level`.
    MayAudit,
    /// Errors, and the further parts of a message.
    NeverAudit,
    /// Translated (`lc_messages`), or nothing that PostgreSQL prints.
    Unknown,
}

impl Level {
    /// elog.c prints all of `debug1` to `debug5` as `DEBUG`.
    fn of(level: &[u8]) -> Self {
        match level {
            b"LOG" | b"NOTICE" | b"WARNING" | b"INFO" => Self::MayAudit,
            b"DEBUG" | b"DEBUG1" | b"DEBUG2" | b"DEBUG3" | b"DEBUG4" | b"DEBUG5" => Self::MayAudit,
            b"ERROR" | b"FATAL" | b"PANIC" | b"DETAIL" | b"HINT" | b"QUERY" | b"CONTEXT"
            | b"STATEMENT" | b"LOCATION" | b"BACKTRACE" => Self::NeverAudit,
            _ => Self::Unknown,
        }
    }
}

#[cfg(test)]
#[path = "judge_tests.rs"]
mod tests;
