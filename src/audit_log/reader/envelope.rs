//! Messages of a server inside the JSON of other programs.
//!
//! Programs that ship and store logs put a message under many keys, at many depths, packed and in pieces. So a message is
//! known by what it is, not by its place: a text that begins as an entry of PostgreSQL does, or a text under one of the
//! usual keys. Where one event holds the same text twice it is one message; where it holds different ones, each is
//! handed on: a record too many is noise, a record too few is silence.
//!
//! Some forms take the entry itself apart (jsonlog, CloudNativePG): those are written again as the server writes text.

use super::event::Event;
use super::parts::{Parts, client_of, client_with};
use super::problem::Problem;
use crate::audit_log::prefix::LogLinePrefix;
use crate::audit_log::record::{HEAD, starts_with_head};
use crate::audit_log::timestamp::starts_with_stamp;
use crate::audit_log::write::write_field;
use base64::Engine as _;
use serde_json::{Map, Value};
use std::borrow::Cow;
use std::io::Read as _;

/// Envelopes inside envelopes, at most.
const DEPTH_MAX: usize = 8;
/// Bytes that one envelope may unpack to. A batch of CloudWatch has 6 MB at most.
const UNPACKED_MAX: u64 = 64 << 20;

/// The longest time that is no more than a time, with its zone.
const TIME_MAX: usize = 40;

/// Usual keys of a message, in lower case, the surest first.
const MESSAGE_KEYS: [&str; 16] = [
    "@message",
    "message",
    "log",
    "textpayload",
    "full_message",
    "short_message",
    "line",
    "msg",
    "_raw",
    "_msg",
    "body",
    "content",
    "event",
    "text",
    "data",
    "entry",
];

/// What was found in a piece of JSON.
#[derive(Debug, Default)]
pub(super) struct Opened {
    pub(super) events: Vec<Event<'static>>,
    pub(super) problems: Vec<Problem>,
    /// Whether this is an envelope that may hold nothing: a control message, the end of a result.
    pub(super) is_known: bool,
}

/// Opens a whole JSON value.
pub(super) fn open(text: &[u8], form: LogLinePrefix) -> Result<Opened, String> {
    let valid = String::from_utf8_lossy(text);
    let value: Value = serde_json::from_str(&valid)
        .map_err(|error| format!("the event is not valid JSON: {error}"))?;
    open_value(value, form)
}

/// The same for a value that has been read.
pub(super) fn open_value(value: Value, form: LogLinePrefix) -> Result<Opened, String> {
    let mut opener = Opener {
        form,
        stream: None,
        opened: Opened::default(),
    };
    opener.value(value, 0)?;
    Ok(opener.opened)
}

/// Says what the text around a list of events says of it: everything of a document but the list.
pub(super) fn around(text: &[u8]) -> (Vec<Problem>, bool) {
    let mut problems = Vec::new();
    if let Some(state) = string_of(text, "status") {
        problems.extend(unfinished(&state));
    }
    if flag_of(text, "sampled") {
        problems.push(Problem::Incomplete);
    }
    let keys: [&[u8]; 6] = [
        b"\"message\"",
        b"\"@message\"",
        b"\"log\"",
        b"\"textPayload\"",
        b"\"LogFileData\"",
        b"AUDIT: ",
    ];
    let holds_message = keys
        .iter()
        .any(|key| memchr::memmem::find(text, key).is_some());
    (problems, holds_message)
}

/// The states of a query whose result is not whole.
fn unfinished(state: &str) -> Option<Problem> {
    [
        "Scheduled",
        "Running",
        "Failed",
        "Cancelled",
        "Timeout",
        "Unknown",
    ]
    .iter()
    .any(|known| known.eq_ignore_ascii_case(state))
    .then(|| Problem::Unfinished(state.to_owned()))
}

/// The text behind `"key":` in a fragment of JSON.
fn string_of(text: &[u8], key: &str) -> Option<String> {
    let rest = behind_key(text, key)?.strip_prefix(b"\"")?;
    let end = memchr::memchr(b'"', rest)?;
    Some(String::from_utf8_lossy(rest.get(..end.min(40))?).into_owned())
}

fn flag_of(text: &[u8], key: &str) -> bool {
    behind_key(text, key).is_some_and(|rest| rest.starts_with(b"true"))
}

fn behind_key<'a>(text: &'a [u8], key: &str) -> Option<&'a [u8]> {
    let quoted = format!("\"{key}\"");
    let at = memchr::memmem::find(text, quoted.as_bytes())? + quoted.len();
    let rest = text.get(at..)?.trim_ascii_start().strip_prefix(b":")?;
    Some(rest.trim_ascii_start())
}

struct Opener {
    form: LogLinePrefix,
    stream: Option<Vec<u8>>,
    opened: Opened,
}

/// What one event holds, wherever in it.
#[derive(Default)]
struct Scope {
    /// Texts that are messages, with how sure their key is.
    texts: Vec<(usize, Vec<u8>)>,
    /// Entries that stood in parts.
    parts: Vec<Vec<u8>>,
    /// Values with events of their own.
    inner: Vec<Value>,
}

impl Opener {
    fn value(&mut self, value: Value, depth: usize) -> Result<(), String> {
        if depth > DEPTH_MAX {
            return Err("envelopes are nested too deeply".to_owned());
        }
        match value {
            Value::String(text) => self.text(text.into_bytes(), depth),
            Value::Array(items) => {
                // A row of GetQueryResults, or values with their times.
                if let Some(row) = row_of(&items) {
                    return self.value(row, depth + 1);
                }
                for item in items {
                    match item {
                        Value::String(text) if !is_message(text.as_bytes()) => {}
                        Value::Null | Value::Bool(_) | Value::Number(_) => {}
                        item => self.value(item, depth + 1)?,
                    }
                }
                Ok(())
            }
            Value::Object(object) => self.event(object, depth),
            Value::Null | Value::Bool(_) | Value::Number(_) => Ok(()),
        }
    }

    /// A text: a message, or a document of its own.
    fn text(&mut self, text: Vec<u8>, depth: usize) -> Result<(), String> {
        if looks_like_json(&text)
            && let Ok(value) = serde_json::from_slice::<Value>(&text)
        {
            let before = self.opened.events.len();
            self.value(value, depth + 1)?;
            if self.opened.events.len() > before || self.opened.is_known {
                return Ok(());
            }
        }
        self.push(text);
        Ok(())
    }

    fn push(&mut self, message: Vec<u8>) {
        self.opened.events.push(Event {
            message: Cow::Owned(message),
            timestamp_ms: None,
            ingestion_ms: None,
            log_stream: self.stream.clone().map(Cow::Owned),
        });
    }

    fn event(&mut self, object: Map<String, Value>, depth: usize) -> Result<(), String> {
        let outer = self.stream.clone();
        if let Some(Value::String(stream)) = object
            .get("logStream")
            .or_else(|| object.get("logStreamName"))
        {
            self.stream = Some(stream.clone().into_bytes());
        }
        if object.get("messageType").and_then(Value::as_str) == Some("CONTROL_MESSAGE") {
            self.opened.is_known = true;
            return Ok(());
        }
        if let Some(state) = object.get("status").and_then(Value::as_str) {
            self.opened.problems.extend(unfinished(state));
        }
        if object.get("AdditionalDataPending") == Some(&Value::Bool(true))
            || object.get("sampled") == Some(&Value::Bool(true))
        {
            self.opened.problems.push(Problem::Incomplete);
        }
        let mut scope = Scope::default();
        self.gather(object, &mut scope, depth)?;
        let Scope {
            mut texts,
            parts,
            inner,
        } = scope;
        for part in parts.iter().cloned() {
            self.push(part);
        }
        let has_entry = texts.iter().any(|(_, text)| is_message(text));
        if has_entry {
            texts.retain(|(_, text)| is_message(text));
        }
        if parts.is_empty() || has_entry {
            // The surest key first, so that of equal texts the surest stays.
            texts.sort_by_key(|(rank, _)| *rank);
            let mut kept: Vec<Vec<u8>> = Vec::new();
            for (_, text) in texts {
                if !has_entry && !kept.is_empty() {
                    break;
                }
                let trimmed = text.trim_ascii_end();
                if kept.iter().any(|known| known.starts_with(trimmed)) {
                    continue;
                }
                match kept
                    .iter_mut()
                    .find(|known| text.starts_with(known.trim_ascii_end()))
                {
                    Some(known) => *known = text,
                    None => kept.push(text),
                }
            }
            // In an entry that stands in parts, its own text is there again.
            for text in kept {
                if !parts.iter().any(|part| ends_alike(part, &text)) {
                    self.push(text);
                }
            }
        }
        for value in inner {
            self.value(value, depth + 1)?;
        }
        self.stream = outer;
        Ok(())
    }

    /// Collects what an event holds, down through objects: a list begins events of its own.
    fn gather(
        &mut self,
        object: Map<String, Value>,
        scope: &mut Scope,
        depth: usize,
    ) -> Result<(), String> {
        if depth > DEPTH_MAX {
            return Err("envelopes are nested too deeply".to_owned());
        }
        if let Some(part) = in_parts(&object, self.form) {
            scope.parts.push(part);
            return Ok(());
        }
        if is_transformed(&object) {
            self.opened.problems.push(Problem::Transformed);
            self.opened.is_known = true;
        }
        for (key, value) in object {
            let lower = key.to_ascii_lowercase();
            let rank = MESSAGE_KEYS.iter().position(|known| *known == lower);
            match value {
                Value::String(text) if key == "LogFileData" => {
                    self.opened.is_known = true;
                    let entries = entries_of(&text);
                    scope.inner.extend(entries.into_iter().map(Value::String));
                }
                Value::String(text) => {
                    if lower == "data"
                        && let Some(unpacked) = unpack(&text)?
                    {
                        self.opened.is_known |= unpacked.is_empty();
                        scope.inner.extend(unpacked);
                    } else if looks_like_json(text.as_bytes())
                        && let Ok(value @ (Value::Object(_) | Value::Array(_))) =
                            serde_json::from_str::<Value>(&text)
                    {
                        // A document in a text is about the same event, or holds events.
                        match value {
                            Value::Object(inner) => self.gather(inner, scope, depth + 1)?,
                            value => scope.inner.push(value),
                        }
                    } else if rank.is_some() || is_message(text.as_bytes()) {
                        scope
                            .texts
                            .push((rank.unwrap_or(MESSAGE_KEYS.len()), text.into_bytes()));
                    }
                }
                Value::Object(inner) => self.gather(inner, scope, depth + 1)?,
                Value::Array(items) => scope.inner.push(Value::Array(items)),
                Value::Null | Value::Bool(_) | Value::Number(_) => {}
            }
        }
        Ok(())
    }
}

/// Whether a text is, by itself, an entry or goes on with one. A time alone is none.
fn is_message(text: &[u8]) -> bool {
    starts_with_stamp(text) && text.len() > TIME_MAX
        || starts_with_head(text)
        || text.first() == Some(&b'\t')
        || (looks_like_json(text) && memchr::memmem::find(text, b"error_severity").is_some())
        || crate::audit_log::record::count_heads(text, 1) > 0
}

fn looks_like_json(text: &[u8]) -> bool {
    let text = text.trim_ascii();
    matches!(text.first(), Some(b'{')) && text.ends_with(b"}")
        || matches!(text, [b'[', rest @ .., b']'] if matches!(rest.trim_ascii_start().first(), Some(b'{' | b'"')))
}

/// Whether an entry that was rebuilt ends in the same message.
fn ends_alike(part: &[u8], text: &[u8]) -> bool {
    let head = memchr::memmem::find(text, HEAD);
    let tail = head.and_then(|at| text.get(at..)).unwrap_or(text);
    part.ends_with(tail.trim_ascii_end())
}

/// `[{"field":"@message","value":"…"},…]`, a row of GetQueryResults, as an object.
fn row_of(items: &[Value]) -> Option<Value> {
    let mut row = Map::new();
    for item in items {
        let field = item.get("field")?.as_str()?;
        if let Some(value) = item.get("value") {
            row.insert(field.to_owned(), value.clone());
        }
    }
    (!row.is_empty()).then_some(Value::Object(row))
}

/// What CloudWatch's processor `parsePostgres` leaves.
fn is_transformed(object: &Map<String, Value>) -> bool {
    ["logTime", "userName", "dbName", "logLevel"]
        .iter()
        .all(|key| object.contains_key(*key))
        && !object.values().any(|value| {
            value
                .as_str()
                .is_some_and(|text| is_message(text.as_bytes()))
        })
}

/// The events of a base64 text: batches of CloudWatch, Kinesis and Firehose. `None` if it is no such text.
fn unpack(text: &str) -> Result<Option<Vec<Value>>, String> {
    let packed: String = text.chars().filter(|c| !c.is_ascii_whitespace()).collect();
    if packed.len() < 16 || looks_like_json(text.as_bytes()) || starts_with_stamp(text.as_bytes()) {
        return Ok(None);
    }
    let Ok(mut bytes) = base64::engine::general_purpose::STANDARD.decode(packed.as_bytes()) else {
        return Ok(None);
    };
    // Delivery streams compress what is compressed already.
    for _ in 0..3 {
        if !bytes.starts_with(&[0x1f, 0x8b]) {
            break;
        }
        let mut plain = Vec::new();
        flate2::read::MultiGzDecoder::new(&bytes[..])
            .take(UNPACKED_MAX + 1)
            .read_to_end(&mut plain)
            .map_err(|error| format!("the packed data cannot be unpacked: {error}"))?;
        if plain.len() as u64 > UNPACKED_MAX {
            return Err(format!(
                "the packed data is longer than {UNPACKED_MAX} bytes"
            ));
        }
        bytes = plain;
    }
    let text = String::from_utf8_lossy(&bytes).into_owned();
    if looks_like_json(text.as_bytes()) {
        let values: Result<Vec<Value>, _> = serde_json::Deserializer::from_str(&text)
            .into_iter()
            .collect();
        return values
            .map(Some)
            .map_err(|error| format!("the packed data is not valid JSON: {error}"));
    }
    if is_message(text.as_bytes()) {
        return Ok(Some(
            entries_of(&text).into_iter().map(Value::String).collect(),
        ));
    }
    Ok(None)
}

/// The entries of a log in text form.
fn entries_of(text: &str) -> Vec<String> {
    let mut entries: Vec<String> = Vec::new();
    for line in text.split_inclusive('\n') {
        match entries.last_mut() {
            Some(entry) if line.starts_with('\t') => entry.push_str(line),
            _ if line.trim().is_empty() => {}
            _ => entries.push(line.to_owned()),
        }
    }
    entries
}

/// An entry that stands in parts: a row of jsonlog, or what CloudNativePG makes of a row of csvlog.
fn in_parts(object: &Map<String, Value>, form: LogLinePrefix) -> Option<Vec<u8>> {
    let level = text_of(object, &["error_severity"])?;
    let audit = object.get("audit").and_then(Value::as_object);
    let message = match audit.and_then(record_of) {
        Some(record) => record,
        None => text_of(object, &["message"])?,
    };
    // jsonlog has host and port, csvlog has them in one.
    let client = match text_of(object, &["remote_host"]) {
        Some(host) => client_with(
            &host,
            &text_of(object, &["remote_port"]).unwrap_or_default(),
        ),
        None => client_of(&text_of(object, &["connection_from"]).unwrap_or_default()),
    };
    let part = |keys: &[&str]| Cow::Owned(text_of(object, keys).unwrap_or_default());
    let parts = Parts {
        time: part(&["timestamp", "log_time"]),
        client: Cow::Owned(client),
        user: part(&["user", "user_name"]),
        database: part(&["dbname", "database_name", "database"]),
        pid: part(&["pid", "process_id"]),
        line_number: part(&["line_num", "session_line_num"]),
        sqlstate: part(&["state_code", "sql_state_code"]),
        session_start: part(&["session_start", "session_start_time"]),
        virtual_transaction: part(&["vxid", "virtual_transaction_id"]),
        transaction: part(&["txid", "transaction_id"]),
        session: part(&["session_id"]),
        application: part(&["application_name"]),
        level: Cow::Owned(level),
        message: Cow::Owned(message),
    };
    Some(parts.write(form))
}

/// The record that CloudNativePG took apart.
fn record_of(audit: &Map<String, Value>) -> Option<Vec<u8>> {
    let part = |key: &str| text_of(audit, &[key]);
    let mut record = HEAD.to_vec();
    record.extend_from_slice(&part("audit_type")?);
    for key in [
        "statement_id",
        "substatement_id",
        "class",
        "command",
        "object_type",
        "object_name",
    ] {
        record.push(b',');
        write_field(&mut record, &part(key).unwrap_or_default());
    }
    for key in ["statement", "parameter"] {
        record.push(b',');
        write_field(&mut record, &part(key).unwrap_or_default());
    }
    if let Some(rows) = part("rows").filter(|rows| !rows.is_empty()) {
        record.push(b',');
        write_field(&mut record, &rows);
    }
    Some(record)
}

/// A text or a number under one of the keys.
fn text_of(object: &Map<String, Value>, keys: &[&str]) -> Option<Vec<u8>> {
    keys.iter().find_map(|key| match object.get(*key)? {
        Value::String(text) => Some(text.clone().into_bytes()),
        Value::Number(number) => Some(number.to_string().into_bytes()),
        _ => None,
    })
}

#[cfg(test)]
#[path = "envelope_tests.rs"]
mod tests;
