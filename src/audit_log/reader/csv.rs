//! Results of Logs Insights that the console downloads as CSV, and other CSV with a header.

use super::block::{Unit, UnitKind};
use super::cut::{Cut, Window};
use super::event::{Event, time_ms};
use crate::audit_log::form::is_message_column;
use std::borrow::Cow;

/// Finds the rows: a line break ends one unless it stands between quotes.
#[derive(Debug, Default)]
pub(super) struct CsvCutter {
    quoted: bool,
    at: usize,
    start: usize,
    line: u64,
    start_line: u64,
    /// The row is too long and is passed over.
    dropped: bool,
}

impl CsvCutter {
    pub(super) fn cut(&mut self, window: &Window<'_>) -> Cut {
        if self.line == 0 {
            (self.line, self.start_line) = (window.first_line, window.first_line);
        }
        let mut units = Vec::new();
        let rest = window.text.get(self.at..).unwrap_or_default();
        for found in memchr::memchr2_iter(b'"', b'\n', rest) {
            let at = self.at + found;
            if window.text.get(at) == Some(&b'"') {
                self.quoted = !self.quoted;
                continue;
            }
            self.line += 1;
            if !self.quoted {
                self.end_row(at, at + 1, &mut units);
            }
        }
        self.at = window.text.len();
        if window.is_last {
            self.end_row(self.at, self.at, &mut units);
            return Cut {
                len: self.at,
                units,
            };
        }
        let len = if self.dropped { self.at } else { self.start };
        self.at -= len;
        self.start = 0;
        Cut { len, units }
    }

    pub(super) fn drop_unit(&mut self) {
        self.dropped = true;
    }

    fn end_row(&mut self, end: usize, next: usize, units: &mut Vec<Unit>) {
        if !self.dropped && end > self.start {
            units.push(Unit {
                start: self.start,
                end,
                line: self.start_line,
                kind: UnitKind::Whole,
            });
        }
        self.dropped = false;
        self.start = next;
        self.start_line = self.line;
    }
}

/// Which column is what.
#[derive(Clone, Debug)]
pub(super) struct CsvColumns {
    message: usize,
    timestamp: Option<usize>,
    ingestion: Option<usize>,
    log_stream: Option<usize>,
}

impl CsvColumns {
    /// Reads the header. `None` if no column is that of the message.
    pub(super) fn from_header(header: &[u8]) -> Option<Self> {
        let names = split_row(header).ok()?;
        let position = |name: &[u8]| names.iter().position(|column| column.as_ref() == name);
        Some(Self {
            message: position(b"@message")
                .or_else(|| names.iter().position(|name| is_message_column(name)))?,
            timestamp: position(b"@timestamp"),
            ingestion: position(b"@ingestionTime"),
            log_stream: position(b"@logStream"),
        })
    }

    /// Reads a row. `Ok(None)` for one without a message, such as an empty line.
    pub(super) fn parse<'a>(&self, row: &'a [u8]) -> Result<Option<Event<'a>>, String> {
        let mut columns = split_row(row)?;
        let time = |at: Option<usize>| columns.get(at?).and_then(|text| time_ms(text));
        let (timestamp_ms, ingestion_ms) = (time(self.timestamp), time(self.ingestion));
        let log_stream = self.log_stream.and_then(|at| columns.get(at).cloned());
        let Some(message) = columns.get_mut(self.message).map(std::mem::take) else {
            return Ok(None);
        };
        Ok(Some(Event {
            message,
            timestamp_ms,
            ingestion_ms,
            log_stream,
        }))
    }
}

pub(super) fn split_row(row: &[u8]) -> Result<Vec<Cow<'_, [u8]>>, String> {
    let mut columns = Vec::new();
    let mut rest = row.strip_suffix(b"\r").unwrap_or(row);
    loop {
        let column = match rest.strip_prefix(b"\"") {
            None => {
                let len = memchr::memchr(b',', rest).unwrap_or(rest.len());
                let (column, after) = rest.split_at_checked(len).unwrap_or((rest, b""));
                rest = after;
                Cow::Borrowed(column)
            }
            Some(inside) => {
                let mut value = Vec::new();
                let mut from = inside;
                loop {
                    let at =
                        memchr::memchr(b'"', from).ok_or("a quote of the CSV row is not closed")?;
                    value.extend_from_slice(from.get(..at).unwrap_or_default());
                    from = from.get(at + 1..).unwrap_or_default();
                    match from.strip_prefix(b"\"") {
                        Some(after) => {
                            value.push(b'"');
                            from = after;
                        }
                        None => break,
                    }
                }
                rest = from;
                Cow::Owned(value)
            }
        };
        columns.push(column);
        match rest {
            [] => return Ok(columns),
            [b',', after @ ..] => rest = after,
            _ => return Err("there is text after the closing quote of a CSV column".to_owned()),
        }
    }
}
