//! Entries of a PostgreSQL log that is still being written: the same cutting, for a text that somebody else holds.

use super::block::{Entry, as_u64};
use super::cut::{LOOK_AHEAD, is_border, last_border};
use super::report::ReadReport;
use super::starts::Lines;
use crate::audit_log::form::Format;

/// Bytes that are kept of an entry that is given up, to find its end.
pub(in crate::audit_log) const KEPT: usize = LOOK_AHEAD;

/// How many bytes at the start of a text are whole entries. An entry ends when the next begins: the last one
/// may go on.
pub(in crate::audit_log) fn whole_entries(text: &[u8]) -> usize {
    last_border(text, Format::Postgres).unwrap_or(0)
}

/// Where the next entry begins in a text that begins inside one.
pub(in crate::audit_log) fn next_entry(text: &[u8]) -> Option<usize> {
    memchr::memchr_iter(b'\n', text)
        .find(|at| is_border(text, *at, Format::Postgres))
        .map(|at| at + 1)
}

/// Whole entries, with their place in the file.
#[derive(Clone, Copy, Debug)]
pub struct Piece<'a> {
    pub text: &'a [u8],
    /// Bytes of the file before it.
    pub offset: u64,
    /// The number of its first line, counted from 1.
    pub line: u64,
}

impl<'a> Piece<'a> {
    /// Cuts it between entries into pieces of about so many bytes, for several threads.
    pub fn split(self, bytes: usize) -> Vec<Self> {
        let mut pieces = Vec::new();
        let mut rest = self;
        while rest.text.len() > bytes.max(1) {
            let beyond = rest.text.get(bytes.max(1)..).unwrap_or_default();
            let Some(at) = next_entry(beyond) else { break };
            let Some((text, tail)) = rest.text.split_at_checked(bytes.max(1) + at) else {
                break;
            };
            pieces.push(Self { text, ..rest });
            rest = Self {
                text: tail,
                offset: rest.offset + as_u64(text.len()),
                line: rest.line + lines(text),
            };
        }
        pieces.push(rest);
        pieces
    }

    /// Hands every entry to `each`, and notes the rest in the report.
    pub fn visit(&self, report: &mut ReadReport, mut each: impl FnMut(&Entry<'_>)) {
        report.bytes += as_u64(self.text.len());
        report.lines += lines(self.text);
        Lines {
            text: self.text,
            file: 0,
            line: self.line,
            offset: self.offset,
        }
        .visit(report, &mut each);
    }
}

/// Line breaks in a text.
pub(in crate::audit_log) fn lines(text: &[u8]) -> u64 {
    as_u64(memchr::memchr_iter(b'\n', text).count())
}
