//! A block of text and the entries in it.

use super::csv::CsvColumns;
use super::event::{self, Event};
use super::format::Format;
use super::report::ReadReport;
use super::starts::Lines;
use crate::audit_log::timestamp::{split_iso, starts_export_event};
use std::sync::Arc;

/// One entry of a log: one message of the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry<'a> {
    /// Index of the file in [`super::Inputs::sources`].
    pub file: usize,
    /// The first line of the entry, counted from 1 in the decompressed text; for JSON the line where
    /// the event begins.
    pub line: u64,
    /// Bytes of decompressed text before the entry; for JSON and CSV before the event.
    pub offset: u64,
    /// The message, over all its lines, without the last line break.
    pub text: &'a [u8],
    /// When CloudWatch says that it was written: milliseconds since 1970. `None` in a log of
    /// PostgreSQL, where the prefix says it.
    pub timestamp_ms: Option<i64>,
    /// When CloudWatch received it, in milliseconds since 1970, where the format says it.
    pub ingestion_ms: Option<i64>,
    /// The log stream: the instance of a cluster.
    pub log_stream: Option<&'a [u8]>,
}

/// The place of one event in a block.
#[derive(Clone, Copy, Debug)]
pub(super) struct Unit {
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) line: u64,
}

/// A piece of a file that holds whole entries.
pub(super) struct Block {
    pub(super) file: usize,
    pub(super) format: Format,
    /// A reused buffer; the text is its first `len` bytes.
    pub(super) buffer: Vec<u8>,
    pub(super) len: usize,
    pub(super) first_line: u64,
    /// Bytes of the file before the block.
    pub(super) first_offset: u64,
    pub(super) units: Vec<Unit>,
    pub(super) columns: Option<Arc<CsvColumns>>,
    /// The log stream, where the file has one for all its events.
    pub(super) log_stream: Option<Arc<[u8]>>,
}

impl Block {
    fn text(&self) -> &[u8] {
        self.buffer.get(..self.len).unwrap_or_default()
    }

    /// Hands every entry to `each` and notes the rest in the report.
    pub(super) fn visit(&self, report: &mut ReadReport, mut each: impl FnMut(&Entry<'_>)) {
        match self.format {
            Format::Postgres => Lines {
                text: self.text(),
                file: self.file,
                line: self.first_line,
                offset: self.first_offset,
            }
            .visit(report, &mut each),
            Format::Export => self.visit_export(report, &mut each),
            Format::Json => {
                for unit in &self.units {
                    let text = self.text().get(unit.start..unit.end).unwrap_or_default();
                    self.visit_unit(*unit, text, event::parse_json(text), report, &mut each);
                }
            }
            Format::Csv => {
                for unit in &self.units {
                    let text = self.text().get(unit.start..unit.end).unwrap_or_default();
                    let parsed = self
                        .columns
                        .as_ref()
                        .map_or(Ok(None), |columns| columns.parse(text));
                    self.visit_unit(*unit, text, parsed, report, &mut each);
                }
            }
        }
    }

    fn visit_unit(
        &self,
        unit: Unit,
        text: &[u8],
        parsed: Result<Option<Event<'_>>, String>,
        report: &mut ReadReport,
        each: &mut impl FnMut(&Entry<'_>),
    ) {
        match parsed {
            Ok(Some(event)) => {
                report.entries += 1;
                each(&Entry {
                    file: self.file,
                    line: unit.line,
                    offset: self.first_offset + as_u64(unit.start),
                    text: trim_end(&event.message),
                    timestamp_ms: event.timestamp_ms,
                    ingestion_ms: event.ingestion_ms,
                    log_stream: event.log_stream.as_deref(),
                });
            }
            Ok(None) => report.add_foreign(self.file, unit.line, text),
            Err(what) => report.add_broken(self.file, unit.line, what),
        }
    }

    /// A line that begins with the event's time begins an event; any other goes on with it.
    fn visit_export(&self, report: &mut ReadReport, each: &mut impl FnMut(&Entry<'_>)) {
        let mut rest = self.text();
        let mut line = self.first_line;
        while !rest.is_empty() {
            let start = line;
            let offset = self.first_offset + as_u64(self.len - rest.len());
            let mut end = rest.len();
            let mut next = rest.len();
            for at in memchr::memchr_iter(b'\n', rest) {
                line += 1;
                let after = rest.get(at + 1..).unwrap_or_default();
                if after.is_empty() || starts_export_event(after) {
                    (end, next) = (at, at + 1);
                    break;
                }
            }
            let text = rest.get(..end).unwrap_or_default();
            rest = rest.get(next..).unwrap_or_default();
            match split_iso(text).filter(|_| starts_export_event(text)) {
                Some((timestamp_ms, message)) => {
                    report.entries += 1;
                    each(&Entry {
                        file: self.file,
                        line: start,
                        offset,
                        text: trim_end(message.strip_prefix(b" ").unwrap_or(message)),
                        timestamp_ms: Some(timestamp_ms),
                        ingestion_ms: None,
                        log_stream: self.log_stream.as_deref(),
                    });
                }
                None if text.trim_ascii().is_empty() => {}
                None => report.add_foreign(self.file, start, text),
            }
        }
    }
}

pub(super) fn as_u64(count: usize) -> u64 {
    count.try_into().unwrap_or(u64::MAX)
}

/// Removes the line breaks at the end. No record of pgAudit ends in CR or LF: a field with one is
/// quoted.
pub(super) fn trim_end(mut text: &[u8]) -> &[u8] {
    while let [before @ .., b'\r' | b'\n'] = text {
        text = before;
    }
    text
}
