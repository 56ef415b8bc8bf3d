//! Rows of csvlog, and of pgauditlogtofile: CSV without a header, in which a row begins with a time.
//!
//! A row may go on over lines, and a statement may hold lines that look like rows. Read from a row's beginning, the quotes
//! tell: so a row ends where its quotes say. Where they cannot be right, because a piece of the file is missing, reading
//! starts afresh at the last line before the fault that begins a row, and the piece is told.

use super::block::{Unit, UnitKind};
use super::csv::split_row;
use super::cut::{Cut, Window};
use super::parts::{Parts, client_of};
use crate::audit_log::form::is_row;
use crate::audit_log::prefix::LogLinePrefix;
use crate::audit_log::record::HEAD;
use crate::audit_log::write::write_field;
use std::borrow::Cow;

/// Bytes that have to be seen of a line to know whether it begins a row. Less than the smallest block.
const AHEAD: usize = 48;

#[derive(Debug, Default)]
pub(super) struct RowCutter {
    /// The rest of a row that is too long is passed over.
    dropped: bool,
}

enum End {
    /// The row, its line break included, is so long.
    At(usize),
    /// A quote where none can be.
    Fault(usize),
    /// The text ends first.
    Open,
}

impl RowCutter {
    pub(super) fn drop_unit(&mut self) {
        self.dropped = true;
    }

    pub(super) fn cut(&mut self, window: &Window<'_>) -> Cut {
        let text = window.text;
        let mut units = Vec::new();
        let mut at = 0;
        let mut line = window.first_line;
        if self.dropped {
            match next_row(text, 0) {
                Some(next) => {
                    line += breaks(text.get(..next));
                    at = next;
                    self.dropped = false;
                }
                None => {
                    let len = if window.is_last {
                        text.len()
                    } else {
                        text.len().saturating_sub(AHEAD)
                    };
                    return Cut { len, units };
                }
            }
        }
        while at < text.len() {
            let rest = text.get(at..).unwrap_or_default();
            if rest.len() < AHEAD && !window.is_last {
                break;
            }
            let (len, kind) = if is_row(rest) {
                match row_end(rest) {
                    End::At(len) => (len, UnitKind::Whole),
                    End::Fault(fault) => (resume(rest, fault), UnitKind::Cut),
                    End::Open if window.is_last => (rest.len(), UnitKind::Cut),
                    End::Open => break,
                }
            } else {
                match memchr::memchr(b'\n', rest) {
                    Some(end) => (end + 1, UnitKind::Stray),
                    None if window.is_last => (rest.len(), UnitKind::Stray),
                    None => break,
                }
            };
            let unit = rest.get(..len).unwrap_or_default();
            if !unit.trim_ascii().is_empty() {
                units.push(Unit {
                    start: at,
                    end: at + unit.trim_ascii_end().len(),
                    line,
                    kind,
                });
            }
            line += breaks(Some(unit));
            at += len.max(1);
        }
        Cut {
            len: at.min(text.len()),
            units,
        }
    }
}

fn breaks(text: Option<&[u8]>) -> u64 {
    super::growing::lines(text.unwrap_or_default())
}

/// Where a row ends that begins at the start of a text.
fn row_end(text: &[u8]) -> End {
    let mut at = 0;
    loop {
        // At the start of a column.
        if text.get(at) == Some(&b'"') {
            at += 1;
            loop {
                let Some(found) = text.get(at..).and_then(|rest| memchr::memchr(b'"', rest)) else {
                    return End::Open;
                };
                at += found + 1;
                match text.get(at) {
                    Some(b'"') => at += 1,
                    Some(b',' | b'\n' | b'\r') => break,
                    Some(_) => return End::Fault(at),
                    None => return End::Open,
                }
            }
        } else {
            let Some(found) = text
                .get(at..)
                .and_then(|rest| memchr::memchr3(b',', b'\n', b'"', rest))
            else {
                return End::Open;
            };
            at += found;
            if text.get(at) == Some(&b'"') {
                return End::Fault(at);
            }
        }
        match text.get(at) {
            Some(b',') => at += 1,
            Some(b'\n') => return End::At(at + 1),
            Some(b'\r') if text.get(at + 1) == Some(&b'\n') => return End::At(at + 2),
            Some(b'\r') if text.len() == at + 1 => return End::Open,
            Some(_) => return End::Fault(at),
            None => return End::Open,
        }
    }
}

/// Where reading goes on after a fault: at the last line before it that begins a row, or else at the next one.
fn resume(text: &[u8], fault: usize) -> usize {
    let before = text.get(..fault).unwrap_or_default();
    memchr::memrchr_iter(b'\n', before)
        .map(|at| at + 1)
        .find(|at| text.get(*at..).is_some_and(is_row))
        .or_else(|| {
            let rest = text.get(fault..)?;
            memchr::memchr(b'\n', rest).map(|at| fault + at + 1)
        })
        .unwrap_or(text.len())
}

fn next_row(text: &[u8], from: usize) -> Option<usize> {
    memchr::memchr_iter(b'\n', text.get(from..)?)
        .map(|at| from + at + 1)
        .find(|at| text.get(*at..).is_some_and(is_row))
}

/// What a row is.
pub(super) struct Row {
    /// The entry, as the server writes it in text form.
    pub(super) entry: Vec<u8>,
    /// Whether the end of the row is missing.
    pub(super) is_cut: bool,
}

/// Reads a row. `None` if it has no message.
pub(super) fn read(row: &[u8], is_cut: bool, form: LogLinePrefix) -> Option<Row> {
    let (columns, is_open) = columns_of(row);
    let column = |at: usize| columns.get(at).cloned().unwrap_or_default();
    let is_cut = is_cut || is_open;
    let mut parts = Parts {
        time: column(0),
        user: column(1),
        database: column(2),
        pid: column(3),
        client: Cow::Owned(client_of(&column(4))),
        session: column(5),
        line_number: column(6),
        session_start: column(8),
        virtual_transaction: column(9),
        transaction: column(10),
        ..Parts::default()
    };
    // pgauditlogtofile writes no severity, and the record in columns of its own.
    let is_to_file = columns.get(11).is_some_and(|state| state.len() == 5)
        && columns
            .get(12)
            .is_some_and(|kind| matches!(&**kind, b"SESSION" | b"OBJECT"));
    if is_to_file {
        let mut message = HEAD.to_vec();
        for at in 12..=20 {
            if at > 12 {
                message.push(b',');
            }
            match columns.get(at) {
                Some(column) => write_field(&mut message, column),
                None => break,
            }
        }
        parts.sqlstate = column(11);
        parts.level = Cow::Borrowed(b"LOG");
        parts.application = columns.last().cloned().unwrap_or_default();
        parts.message = Cow::Owned(message);
        return Some(Row {
            entry: parts.write(form),
            is_cut: is_cut || columns.len() < 21,
        });
    }
    columns.get(13)?;
    parts.level = column(11);
    parts.sqlstate = column(12);
    parts.message = column(13);
    parts.application = column(22);
    Some(Row {
        entry: parts.write(form),
        // application_name is the last column up to PostgreSQL 12.
        is_cut: is_cut || columns.len() < 23,
    })
}

/// The columns of a row, the last one also where its quotes do not close.
fn columns_of(row: &[u8]) -> (Vec<Cow<'_, [u8]>>, bool) {
    if let Ok(columns) = split_row(row) {
        return (columns, false);
    }
    // What stands before the fault is right; the column with the fault is handed on as it stands.
    let mut end = row.len();
    while end > 0 {
        let text = row.get(..end).unwrap_or_default();
        let Some(at) = memchr::memrchr(b',', text) else {
            break;
        };
        if let Ok(mut columns) = split_row(row.get(..at).unwrap_or_default()) {
            let open = row.get(at + 1..).unwrap_or_default();
            if let Some(open) = open.strip_prefix(b"\"") {
                columns.push(Cow::Owned(undouble(open)));
                return (columns, true);
            }
        }
        end = at;
    }
    (Vec::new(), true)
}

/// Doubled quotes as single ones.
fn undouble(text: &[u8]) -> Vec<u8> {
    let mut plain = Vec::with_capacity(text.len());
    let mut bytes = text.iter().peekable();
    while let Some(byte) = bytes.next() {
        plain.push(*byte);
        if *byte == b'"' && bytes.peek() == Some(&&b'"') {
            bytes.next();
        }
    }
    plain
}

#[cfg(test)]
#[path = "rows_tests.rs"]
mod tests;
