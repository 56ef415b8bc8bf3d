//! A block of text and the entries in it.

use super::csv::CsvColumns;
use super::envelope::{self, Opened};
use super::event::{self, Event};
use super::problem::Problem;
use super::report::ReadReport;
use super::starts::Lines;
use super::{lead, rows, text_output, yaml};
use crate::audit_log::form::{Format, next_joined};
use crate::audit_log::prefix::LogLinePrefix;
use crate::audit_log::timestamp::starts_with_stamp;
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
    pub(super) kind: UnitKind,
}

/// What stands at the place of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum UnitKind {
    Whole,
    /// One whose end is missing.
    Cut,
    /// Text around events, which says something of all of them.
    Envelope,
    /// Text that is no event.
    Stray,
}

/// A piece of a file that holds whole entries.
pub(super) struct Block {
    pub(super) file: usize,
    pub(super) format: Format,
    /// The prefix that an entry gets whose parts stand apart.
    pub(super) form: LogLinePrefix,
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
    pub(super) fn text(&self) -> &[u8] {
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
            Format::AwsText => self.visit_aws_text(report, &mut each),
            Format::Joined => self.visit_joined(report, &mut each),
            Format::Yaml => self.visit_yaml(report, &mut each),
            Format::Json | Format::Csv | Format::Csvlog => self.visit_units(report, &mut each),
        }
    }

    fn visit_units(&self, report: &mut ReadReport, each: &mut impl FnMut(&Entry<'_>)) {
        let mut joiner = Joiner::default();
        for unit in &self.units {
            let text = self.text().get(unit.start..unit.end).unwrap_or_default();
            match unit.kind {
                UnitKind::Stray => {
                    report.add_foreign(self.file, unit.line, text);
                    continue;
                }
                UnitKind::Envelope => {
                    let (problems, holds_message) = envelope::around(text);
                    for problem in problems {
                        report.problem(self.file, problem, unit.line, b"");
                    }
                    if holds_message {
                        report.add_broken(
                            self.file,
                            unit.line,
                            "there is a message outside the list of events, which is left out",
                        );
                    }
                    continue;
                }
                UnitKind::Whole | UnitKind::Cut => {}
            }
            let parsed = match self.format {
                Format::Json => self.json(text),
                Format::Csv => self.row(text),
                _ => Ok(
                    match rows::read(text, unit.kind == UnitKind::Cut, self.form) {
                        Some(row) => {
                            if row.is_cut {
                                report.problem(self.file, Problem::Cut, unit.line, text);
                            }
                            Found::One(Event {
                                message: row.entry.into(),
                                ..Event::default()
                            })
                        }
                        None => {
                            report.problem(self.file, Problem::Cut, unit.line, text);
                            continue;
                        }
                    },
                ),
            };
            match parsed {
                Ok(Found::One(event)) if self.format == Format::Json => {
                    joiner.feed(self, *unit, event, report, each);
                }
                Ok(Found::One(event)) => {
                    let offset = self.first_offset + as_u64(unit.start);
                    self.hand(unit.line, offset, &event, report, each);
                }
                Ok(Found::Many(opened)) => {
                    let is_known =
                        opened.is_known || !opened.events.is_empty() || !opened.problems.is_empty();
                    for problem in opened.problems {
                        report.problem(self.file, problem, unit.line, text);
                    }
                    for event in opened.events {
                        if self.format == Format::Json {
                            joiner.feed(self, *unit, event, report, each);
                        } else {
                            let offset = self.first_offset + as_u64(unit.start);
                            self.hand(unit.line, offset, &event, report, each);
                        }
                    }
                    if !is_known {
                        report.add_foreign(self.file, unit.line, text);
                    }
                }
                Err(what) => report.add_broken(self.file, unit.line, what),
            }
        }
        joiner.flush(self, report, each);
    }

    /// The events in a piece of JSON. Nearly all are an object with a message of the server, which is read where it stands.
    fn json<'t>(&self, text: &'t [u8]) -> Result<Found<'t>, String> {
        let is_in_parts = memchr::memmem::find(text, b"\"error_severity\"").is_some();
        let event = match event::parse_json(text) {
            Ok(Some(event)) if starts_with_stamp(&event.message) && !is_in_parts => {
                return Ok(Found::One(event));
            }
            event => event,
        };
        let opened = match envelope::open(text, self.form) {
            Ok(opened) => opened,
            // What is no Unicode may still be an event.
            Err(what) => {
                return match event {
                    Ok(Some(event)) if !is_in_parts => Ok(Found::One(event)),
                    _ => Err(what),
                };
            }
        };
        match event {
            // The same message with what CloudWatch says of it.
            Ok(Some(event))
                if !is_in_parts
                    && opened.problems.is_empty()
                    && (opened.events.is_empty() && !opened.is_known
                        || matches!(&*opened.events, [only] if only.message == event.message)) =>
            {
                Ok(Found::One(event))
            }
            _ => Ok(Found::Many(opened)),
        }
    }

    /// A row of CSV. A message may be a document.
    fn row<'t>(&self, text: &'t [u8]) -> Result<Found<'t>, String> {
        let columns = self.columns.as_ref();
        match columns.map_or(Ok(None), |columns| columns.parse(text))? {
            Some(event) if event.message.first() == Some(&b'{') => {
                match envelope::open(&event.message, self.form) {
                    Ok(opened) if opened.is_known || !opened.events.is_empty() => {
                        Ok(Found::Many(opened))
                    }
                    _ => Ok(Found::One(event)),
                }
            }
            Some(event) => Ok(Found::One(event)),
            None => Ok(Found::Many(Opened::default())),
        }
    }

    fn hand(
        &self,
        line: u64,
        offset: u64,
        event: &Event<'_>,
        report: &mut ReadReport,
        each: &mut impl FnMut(&Entry<'_>),
    ) {
        report.entries += 1;
        each(&Entry {
            file: self.file,
            line,
            offset,
            text: trim_end(&event.message),
            timestamp_ms: event.timestamp_ms,
            ingestion_ms: event.ingestion_ms,
            log_stream: event.log_stream.as_deref(),
        });
    }

    /// A line that begins with the event's time begins an event; any other goes on with it.
    fn visit_export(&self, report: &mut ReadReport, each: &mut impl FnMut(&Entry<'_>)) {
        self.visit_events(report, lead::begins_event, |line, offset, text, report| {
            let Some(lead) = lead::split(text) else {
                if !text.trim_ascii().is_empty() {
                    report.add_foreign(self.file, line, text);
                }
                return;
            };
            let stream = lead.stream.or(self.log_stream.as_deref());
            let mut message = std::borrow::Cow::Borrowed(lead.message);
            // A container runtime writes its time before continuations too.
            if memchr::memchr(b'\n', lead.message).is_some() {
                let mut joined: Vec<u8> = Vec::new();
                let mut has_lead = false;
                for (at, line) in lead.message.split(|byte| *byte == b'\n').enumerate() {
                    if at > 0 {
                        joined.push(b'\n');
                    }
                    match lead::split(line)
                        .filter(|lead| at > 0 && lead.message.first() == Some(&b'\t'))
                    {
                        Some(lead) => {
                            has_lead = true;
                            joined.extend_from_slice(lead.message);
                        }
                        None => joined.extend_from_slice(line),
                    }
                }
                if has_lead {
                    message = joined.into();
                }
            }
            if message.first() == Some(&b'{')
                && let Ok(opened) = envelope::open(&message, self.form)
                && (opened.is_known || !opened.events.is_empty())
            {
                for problem in opened.problems {
                    report.problem(self.file, problem, line, text);
                }
                for event in &opened.events {
                    self.hand(line, offset, event, report, each);
                }
                return;
            }
            let event = Event {
                message,
                timestamp_ms: Some(lead.timestamp_ms),
                ingestion_ms: None,
                log_stream: stream.map(std::borrow::Cow::Borrowed),
            };
            self.hand(line, offset, &event, report, each);
        });
    }

    /// An event of `aws logs --output text` ends where the next begins, or where something is said of the whole.
    fn visit_aws_text(&self, report: &mut ReadReport, each: &mut impl FnMut(&Entry<'_>)) {
        self.visit_events(
            report,
            text_output::is_border,
            |line, offset, text, report| {
                let Some(event) = text_output::read(text) else {
                    if !text.trim_ascii().is_empty() && !text_output::is_remark(text) {
                        report.add_foreign(self.file, line, text);
                    }
                    return;
                };
                if event.is_cut {
                    report.problem(self.file, Problem::Cut, line, text);
                }
                let event = Event {
                    message: event.message.into(),
                    timestamp_ms: event.timestamp_ms,
                    ingestion_ms: event.ingestion_ms,
                    log_stream: event.stream.map(std::borrow::Cow::Borrowed),
                };
                self.hand(line, offset, &event, report, each);
            },
        );
    }

    /// Hands on the pieces of the text that begin at lines of which `begins` says so, with their place.
    fn visit_events(
        &self,
        report: &mut ReadReport,
        begins: impl Fn(&[u8]) -> bool,
        mut piece: impl FnMut(u64, u64, &[u8], &mut ReadReport),
    ) {
        let mut rest = self.text();
        let mut line = self.first_line;
        while !rest.is_empty() {
            let first = line;
            let offset = self.first_offset + as_u64(self.len - rest.len());
            let mut end = rest.len();
            let mut next = rest.len();
            for at in memchr::memchr_iter(b'\n', rest) {
                line += 1;
                let after = rest.get(at + 1..).unwrap_or_default();
                if after.is_empty() || begins(after) {
                    (end, next) = (at, at + 1);
                    break;
                }
            }
            let text = rest.get(..end).unwrap_or_default();
            rest = rest.get(next..).unwrap_or_default();
            piece(first, offset, text, report);
        }
    }

    /// Entries in one line, a TAB between two.
    fn visit_joined(&self, report: &mut ReadReport, each: &mut impl FnMut(&Entry<'_>)) {
        let text = self.text();
        let mut start = 0;
        report.problem(self.file, Problem::Joined, self.first_line, b"");
        while start < text.len() {
            let next = next_joined(text, start);
            let end = next.map_or(text.len(), |next| next.saturating_sub(1));
            let event = Event {
                message: text.get(start..end).unwrap_or_default().into(),
                ..Event::default()
            };
            let line =
                self.first_line + super::growing::lines(text.get(..start).unwrap_or_default());
            if !event.message.trim_ascii().is_empty() {
                self.hand(
                    line,
                    self.first_offset + as_u64(start),
                    &event,
                    report,
                    each,
                );
            }
            start = next.unwrap_or(text.len());
        }
    }

    fn visit_yaml(&self, report: &mut ReadReport, each: &mut impl FnMut(&Entry<'_>)) {
        match yaml::open(self.text(), self.form) {
            Ok(opened) => {
                if opened.events.is_empty() && opened.problems.is_empty() {
                    report.add_foreign(self.file, self.first_line, self.text());
                }
                for problem in opened.problems {
                    report.problem(self.file, problem, self.first_line, b"");
                }
                for event in &opened.events {
                    self.hand(self.first_line, self.first_offset, event, report, each);
                }
            }
            Err(what) => report.add_broken(self.file, self.first_line, what),
        }
    }
}

/// What a piece of text holds.
enum Found<'a> {
    One(Event<'a>),
    Many(Opened),
}

/// Joins an event to the one before it where it goes on with it: programs that ship logs line by line.
#[derive(Default)]
struct Joiner<'a> {
    pending: Option<(Unit, Event<'a>)>,
}

/// Docker parts a line into pieces of so many bytes.
const DOCKER_LINE: usize = 16 << 10;

impl<'a> Joiner<'a> {
    fn feed(
        &mut self,
        block: &Block,
        unit: Unit,
        event: Event<'a>,
        report: &mut ReadReport,
        each: &mut impl FnMut(&Entry<'_>),
    ) {
        if let Some((_, before)) = &mut self.pending
            && before.log_stream == event.log_stream
        {
            if event.message.first() == Some(&b'\t') {
                let message = before.message.to_mut();
                message.truncate(trim_end(message).len());
                message.push(b'\n');
                message.extend_from_slice(&event.message);
                return;
            }
            let is_piece = before.message.len() >= DOCKER_LINE
                && before.message.len().is_multiple_of(DOCKER_LINE)
                && !before.message.ends_with(b"\n")
                && !starts_with_stamp(&event.message);
            if is_piece {
                before.message.to_mut().extend_from_slice(&event.message);
                return;
            }
        }
        self.flush(block, report, each);
        if event.message.first() == Some(&b'\t') {
            report.add_foreign(block.file, unit.line, &event.message);
            return;
        }
        self.pending = Some((unit, event));
    }

    fn flush(&mut self, block: &Block, report: &mut ReadReport, each: &mut impl FnMut(&Entry<'_>)) {
        if let Some((unit, event)) = self.pending.take() {
            let offset = block.first_offset + as_u64(unit.start);
            block.hand(unit.line, offset, &event, report, each);
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
