//! Where the entries of a log of PostgreSQL begin and end.

use super::block::{Entry, as_u64, trim_end};
use super::report::ReadReport;

/// Where an entry begins in a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Start {
    /// Bytes of the text before it.
    pub(super) at: usize,
    /// Line breaks of the text before it.
    pub(super) lines: u64,
}

impl Start {
    /// The beginning of a text.
    pub(super) const OF_TEXT: Self = Self { at: 0, lines: 0 };
}

/// Whole entries of a log as PostgreSQL writes it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Lines<'a> {
    pub(super) text: &'a [u8],
    /// Index of the file.
    pub(super) file: usize,
    /// The number of the first line.
    pub(super) line: u64,
    /// Bytes of the file before the text.
    pub(super) offset: u64,
}

impl Lines<'_> {
    /// Hands every entry to `each` and notes the rest in the report.
    ///
    /// A line that begins with a TAB goes on with the entry before it; any other begins one.
    pub(super) fn visit(&self, report: &mut ReadReport, each: &mut impl FnMut(&Entry<'_>)) {
        let mut start = Start::OF_TEXT;
        for (lines, at) in (1..).zip(memchr::memchr_iter(b'\n', self.text)) {
            if self.text.get(at + 1) != Some(&b'\t') {
                self.hand(start, at, report, each);
                start = Start { at: at + 1, lines };
            }
        }
        if start.at < self.text.len() {
            self.hand(start, self.text.len(), report, each);
        }
    }

    /// The same, where it is known already where entries begin behind the first one.
    pub(super) fn visit_known(
        &self,
        starts: &[Start],
        report: &mut ReadReport,
        each: &mut impl FnMut(&Entry<'_>),
    ) {
        let mut start = Start::OF_TEXT;
        for next in starts {
            self.hand(start, next.at, report, each);
            start = *next;
        }
        if start.at < self.text.len() {
            self.hand(start, self.text.len(), report, each);
        }
    }

    fn hand(
        &self,
        start: Start,
        end: usize,
        report: &mut ReadReport,
        each: &mut impl FnMut(&Entry<'_>),
    ) {
        let text = trim_end(self.text.get(start.at..end).unwrap_or_default());
        let line = self.line + start.lines;
        match text.first() {
            Some(b'\t') => report.add_foreign(self.file, line, text),
            Some(_) => {
                report.entries += 1;
                each(&Entry {
                    file: self.file,
                    line,
                    offset: self.offset + as_u64(start.at),
                    text,
                    timestamp_ms: None,
                    ingestion_ms: None,
                    log_stream: None,
                });
            }
            None => {}
        }
    }
}
