//! The detection records: what auditors ask for, one JSON line for each group and window.
//!
//! There is no text of SQL in them: the query does not return any. Names that people chose are escaped, so that a line
//! is one line, and shows itself as it is.

use serde_json::{Value, json};

use super::row::Row;
use super::settings::Settings;
use crate::policy::model::Signal;
use crate::report::escape;

/// Characters of a name that are shown. The parser of records bounds none of them, and a log event has an end.
const SHOWN: usize = 500;

/// Version of the record's form. A field may be added without a new one.
const VERSION: u32 = 1;

/// The record of one group in one window, as one line.
pub(super) fn line(settings: &Settings, row: &Row, is_new: bool, incomplete: bool) -> String {
    let windows = settings.windows;
    let log_group = settings
        .log_groups
        .get(row.group)
        .map(String::as_str)
        .unwrap_or_default();
    let signals: Vec<&str> = row.key.signals.iter().copied().map(Signal::name).collect();
    one_line(&json!({
        "record": "pgvigil.detection",
        "version": VERSION,
        "window": {
            "start": time(windows.start_ms(row.window)),
            "end": time(windows.start_ms(row.window + 1)),
        },
        "query": settings.query_digest,
        "policy": settings.policy_digest,
        "environment": settings.environment,
        "cluster": settings.cluster_of(log_group),
        "log_group": log_group,
        "signals": signals,
        "user": shown(&row.key.user),
        "database": shown(&row.key.database),
        "client": shown(&row.key.client),
        "class": shown(&row.key.class),
        "command": shown(&row.key.command),
        "object": shown(&row.key.object),
        "statements": row.statements,
        "records": row.records,
        "first_seen": time(row.first_ms),
        "last_seen": time(row.last_ms),
        "new": is_new,
        "incomplete": incomplete,
    }))
}

/// A JSON value on one line, its hostile characters as `\uXXXX`.
pub(super) fn one_line(value: &Value) -> String {
    escape::json(&value.to_string())
}

/// The beginning of a name that has no end.
pub(super) fn shown(text: &str) -> String {
    let mut characters = text.chars();
    let mut shown: String = characters.by_ref().take(SHOWN).collect();
    if characters.next().is_some() {
        shown.push('…');
    }
    shown
}

/// A time in UTC, to the second where it has no more.
pub(super) fn time(ms: i64) -> String {
    jiff::Timestamp::from_millisecond(ms).map_or_else(|_| ms.to_string(), |time| time.to_string())
}
