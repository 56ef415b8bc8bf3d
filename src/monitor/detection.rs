//! The detection records: what auditors ask for, one JSON line for each group and window.
//!
//! There is no text of SQL in them: what was judged leaves names and sums alone. Names that people chose are escaped, so that a line
//! is one line, and shows itself as it is.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::judging::Judging;
use super::row::{Place, Row};
use super::settings::Settings;
use crate::policy::model::Signal;
use crate::report::escape;

/// Characters of a name that are shown. The parser of records bounds none of them, and a log event has an end.
const SHOWN: usize = 500;

/// Version of the record's form. A field may be added without a new one.
const VERSION: u32 = 2;

/// The record of one group in one window, as one line.
pub(super) fn line(
    settings: &Settings,
    judging: &Judging,
    row: &Row,
    is_new: bool,
    incomplete: bool,
) -> String {
    let log_group = settings.log_group(row.place.group);
    let signals: Vec<&str> = row.key.signals.iter().copied().map(Signal::name).collect();
    one_line(&json!({
        "record": "pgvigil.detection",
        "version": VERSION,
        "window": window(settings, row.place.window),
        "rules": judging.digest,
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
        "statements": row.sum.statements,
        "records": row.sum.records,
        "not_judged": row.sum.not_judged,
        "first_seen": time(row.sum.first_ms),
        "last_seen": time(row.sum.last_ms),
        "process": row.sum.process.as_deref().map(shown),
        "new": is_new,
        "incomplete": incomplete,
    }))
}

/// What exclusions silenced in one window of one log group, as one line.
pub(super) fn suppressed_line(
    settings: &Settings,
    judging: &Judging,
    place: Place,
    sums: &BTreeMap<String, u64>,
) -> String {
    let log_group = settings.log_group(place.group);
    one_line(&json!({
        "record": "pgvigil.suppressed",
        "version": 1,
        "window": window(settings, place.window),
        "rules": judging.digest,
        "policy": settings.policy_digest,
        "environment": settings.environment,
        "cluster": settings.cluster_of(log_group),
        "log_group": log_group,
        "records": sums,
    }))
}

fn window(settings: &Settings, window: i64) -> Value {
    let start = |window| time(settings.windows.start_ms(window));
    json!({ "start": start(window), "end": start(window + 1) })
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
