//! Reads the records that the monitor and `watch` wrote: JSON, one object a line, or in the envelope of the program that
//! exported them.
//!
//! What is not understood is never dropped without a word: a report that left out a line would say that nothing happened.

use std::io::{BufRead, BufReader};

use serde::Deserialize;
use serde_json::Value;

use super::detection::{DETECTION, Detection, SUPPRESSED, Suppressed};
use super::event::LEFT_OUT;
use crate::audit_log::reader::Inputs;

/// Unread lines that are kept one by one; all are counted.
const KEPT: usize = 20;

/// Envelopes in envelopes, at most.
const DEPTH: usize = 8;

/// Bytes of the longest line: CloudWatch takes 1 MB for an event, and a document of events on one line has many.
const LONGEST: usize = 256 << 20;

/// A record of pgvigil.
#[derive(Debug)]
pub(super) enum Line {
    Detection(Box<Detection>),
    Suppressed(Suppressed),
    Run(Run),
    /// A run that failed.
    Failed,
    Watched(Box<Watched>),
    /// What says nothing of anybody's work.
    Other,
}

/// What the monitor says of a run.
#[derive(Debug, Deserialize)]
pub(super) struct Run {
    /// Log groups, between commas.
    #[serde(rename = "logGroup")]
    pub(super) log_group: String,
    /// The windows that it counted.
    pub(super) counted: super::detection::Window,
    /// Windows that earlier runs had missed, and that it counted.
    #[serde(default, rename = "madeUp")]
    pub(super) made_up: Vec<super::detection::Window>,
    /// Windows among them that held more people than a query returns.
    #[serde(default, rename = "incompleteWindows")]
    pub(super) incomplete: u64,
    /// New groups that it notified people of: it wrote at least one detection with `new` for each.
    #[serde(default, rename = "newGroups")]
    pub(super) new_groups: u64,
}

/// A line of `watch`: the record that it judged.
#[derive(Debug, Deserialize)]
pub(super) struct Watched {
    pub(super) id: String,
    pub(super) verdict: String,
    pub(super) time: Option<String>,
    #[serde(default)]
    pub(super) signals: Vec<String>,
    #[serde(default)]
    pub(super) excluded_by: Vec<String>,
    pub(super) user: Option<String>,
    pub(super) database: Option<String>,
    pub(super) client: Option<String>,
    pub(super) class: Option<String>,
    pub(super) command: Option<String>,
    pub(super) object: Option<String>,
    #[serde(default)]
    pub(super) expected: Option<Mark>,
    #[serde(default)]
    pub(super) severity: Option<crate::policy::model::Severity>,
    #[serde(default)]
    pub(super) severity_reason: Option<String>,
    #[serde(default)]
    pub(super) owner: Option<String>,
    #[serde(default)]
    pub(super) team: Option<String>,
    #[serde(default)]
    pub(super) identity: Option<String>,
    #[serde(default)]
    pub(super) session_name: Option<String>,
}

/// The access grant of a line of `watch`.
#[derive(Debug, Deserialize)]
pub(super) struct Mark {
    pub(super) grant: String,
}

/// What was not understood.
#[derive(Debug, Default)]
pub(super) struct Unread {
    pub(super) count: u64,
    /// The first of them, a sentence each, with the place.
    pub(super) first: Vec<String>,
}

impl Unread {
    pub(super) fn add(&mut self, place: &str, what: &str) {
        self.count += 1;
        if self.first.len() < KEPT {
            self.first.push(format!("{place}: {what}"));
        }
    }
}

/// Reads inputs, one after the other. `take` gets each record, and the number of its source.
pub(super) fn read(inputs: &Inputs, mut take: impl FnMut(usize, Line)) -> Unread {
    let mut unread = Unread::default();
    for (number, source) in inputs.sources().iter().enumerate() {
        let name = source.name();
        let mut reader = match source.text() {
            Ok(text) => BufReader::with_capacity(1 << 18, text),
            Err(error) => {
                unread.add(&name, &format!("cannot be read: {error}"));
                continue;
            }
        };
        let mut lines = Lines {
            name: &name,
            number: 0,
            records: 0,
            document: None,
        };
        let mut take = |line| take(number, line);
        if let Err(error) = lines.read(&mut reader, &mut take, &mut unread) {
            unread.add(&name, &format!("cannot be read further: {error}"));
        }
        if lines.records == 0 {
            unread.add(
                &name,
                "contains no record of pgvigil's monitor and no line of `pgvigil watch`",
            );
        }
    }
    unread
}

struct Lines<'a> {
    name: &'a str,
    number: u64,
    records: u64,
    /// A document that goes on over several lines, and the line where it begins.
    document: Option<(u64, Vec<u8>)>,
}

impl Lines<'_> {
    fn read(
        &mut self,
        reader: &mut impl BufRead,
        take: &mut impl FnMut(Line),
        unread: &mut Unread,
    ) -> std::io::Result<()> {
        let mut line = Vec::new();
        loop {
            line.clear();
            let mut limited = std::io::Read::take(&mut *reader, LONGEST as u64);
            if limited.read_until(b'\n', &mut line)? == 0 {
                break;
            }
            self.number += 1;
            if line.len() >= LONGEST {
                return Err(std::io::Error::other("a line is longer than 256 MB"));
            }
            self.line(&line, take, unread);
        }
        if let Some((begun, document)) = self.document.take() {
            let place = format!("{}:{begun}", self.name);
            match serde_json::from_slice(&document) {
                Ok(value) => self.value(value, &place, 0, take, unread),
                Err(error) => unread.add(&place, &format!("is not JSON: {error}")),
            }
        }
        Ok(())
    }

    fn line(&mut self, line: &[u8], take: &mut impl FnMut(Line), unread: &mut Unread) {
        let line = line.trim_ascii();
        if let Some((_, document)) = &mut self.document {
            // All of it is one document, which `aws … --output json` writes.
            if document.len() + line.len() < LONGEST {
                document.extend_from_slice(line);
                document.push(b'\n');
            }
            return;
        }
        if line.is_empty() {
            return;
        }
        if matches!(line, b"{" | b"[") {
            let mut document = line.to_vec();
            document.push(b'\n');
            self.document = Some((self.number, document));
            return;
        }
        let place = || format!("{}:{}", self.name, self.number);
        // An export writes a time, and perhaps a stream, before the message.
        let start = line
            .iter()
            .position(|byte| matches!(byte, b'{' | b'['))
            .unwrap_or(line.len());
        let (lead, json) = line.split_at(start);
        if json.is_empty() || is_platform(lead) {
            if !is_platform(lead) {
                unread.add(&place(), "is not a record of pgvigil");
            }
            return;
        }
        // Nearly every line is one of these: read at once, without a tree.
        if contains(json, DETECTION.as_bytes())
            && let Ok(detection) = serde_json::from_slice::<Detection>(json)
            && detection.record == DETECTION
        {
            self.records += 1;
            take(Line::Detection(Box::new(detection)));
            return;
        }
        match serde_json::from_slice(json) {
            Ok(value) => {
                let place = place();
                self.value(value, &place, 0, take, unread);
            }
            Err(error) => unread.add(&place(), &format!("is not JSON: {error}")),
        }
    }

    /// A JSON value: a record, or an envelope of some.
    fn value(
        &mut self,
        value: Value,
        place: &str,
        depth: usize,
        take: &mut impl FnMut(Line),
        unread: &mut Unread,
    ) {
        if depth > DEPTH {
            unread.add(place, "has too many envelopes in each other");
            return;
        }
        let mut fields = match value {
            Value::Array(items) => {
                for item in items {
                    self.value(item, place, depth + 1, take, unread);
                }
                return;
            }
            Value::Object(fields) => fields,
            Value::String(text) => {
                self.message(&text, place, depth, take, unread);
                return;
            }
            _ => {
                unread.add(place, "is not a record of pgvigil");
                return;
            }
        };
        let is_ours = fields
            .get("record")
            .and_then(Value::as_str)
            .is_some_and(|record| record.starts_with("pgvigil."));
        if is_ours || (fields.contains_key("verdict") && fields.contains_key("id")) {
            match record(Value::Object(fields)) {
                Ok(line) => {
                    self.records += 1;
                    take(line);
                }
                Err(error) => unread.add(place, &error),
            }
            return;
        }
        // The AWS CLI writes it if it was asked for a part (`--max-items`, `--no-paginate`). `get-log-events` has other names.
        if ["nextToken", "NextToken"]
            .iter()
            .any(|name| fields.get(*name).is_some_and(Value::is_string))
        {
            unread.add(
                place,
                "is one page of an export that has more: export it without `--max-items` and `--no-paginate`",
            );
        }
        // `filter-log-events` and `get-log-events`, a subscription, the results of a query, an event of a shipper.
        for name in ["events", "logEvents", "results"] {
            if let Some(Value::Array(items)) = fields.remove(name) {
                for item in items {
                    self.value(item, place, depth + 1, take, unread);
                }
                return;
            }
        }
        for name in ["message", "@message", "log"] {
            if let Some(Value::String(text)) = fields.remove(name) {
                self.message(&text, place, depth, take, unread);
                return;
            }
        }
        // One field of a row of a query's result.
        if let Some(Value::String(field)) = fields.get("field") {
            if field == "@message"
                && let Some(Value::String(text)) = fields.remove("value")
            {
                self.message(&text, place, depth, take, unread);
            }
            return;
        }
        let is_lambda = fields
            .get("type")
            .and_then(Value::as_str)
            .is_some_and(|kind| kind.starts_with("platform."));
        if !is_lambda {
            unread.add(place, "is not a record of pgvigil");
        }
    }

    fn message(
        &mut self,
        text: &str,
        place: &str,
        depth: usize,
        take: &mut impl FnMut(Line),
        unread: &mut Unread,
    ) {
        if is_platform(text.as_bytes()) {
            return;
        }
        match serde_json::from_str(text) {
            Ok(value) => self.value(value, place, depth + 1, take, unread),
            Err(_) => unread.add(place, "has a message that is not a record of pgvigil"),
        }
    }
}

fn record(value: Value) -> Result<Line, String> {
    let name = value
        .get("record")
        .and_then(Value::as_str)
        .unwrap_or_default()
        .to_owned();
    let fault = |error: serde_json::Error| {
        let what = match name.as_str() {
            "" => "a line of `pgvigil watch`",
            name => name,
        };
        format!("is not a {what} as this version knows it: {error}")
    };
    Ok(match name.as_str() {
        "" => Line::Watched(Box::new(serde_json::from_value(value).map_err(fault)?)),
        DETECTION => Line::Detection(Box::new(serde_json::from_value(value).map_err(fault)?)),
        SUPPRESSED => Line::Suppressed(serde_json::from_value(value).map_err(fault)?),
        "pgvigil.run" => Line::Run(serde_json::from_value(value).map_err(fault)?),
        "pgvigil.error" => Line::Failed,
        "pgvigil.warning" | LEFT_OUT => Line::Other,
        _ => {
            return Err(format!(
                "is a record that this version does not know: {name}"
            ));
        }
    })
}

/// Whether Lambda itself wrote a message (AWS Lambda Developer Guide, "Sending Lambda function logs to CloudWatch Logs").
fn is_platform(text: &[u8]) -> bool {
    let begins = |word: &str| {
        text.strip_prefix(word.as_bytes())
            .is_some_and(|rest| rest.first() == Some(&b' '))
    };
    [
        "START",
        "END",
        "REPORT",
        "INIT_START",
        "INIT_REPORT",
        "EXTENSION",
        "TELEMETRY",
    ]
    .into_iter()
    .any(begins)
}

fn contains(text: &[u8], part: &[u8]) -> bool {
    memchr::memmem::find(text, part).is_some()
}
