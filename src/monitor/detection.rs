//! The lines that the monitor writes of what it found, and names as its outputs show them.
//!
//! Names that people chose are escaped, so that a line is one line, and shows itself as it is.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::Value;

use super::judging::Judging;
use super::row::{Place, Row};
use super::settings::Settings;
use crate::evidence::detection::{
    DETECTION, DETECTION_VERSION, Detection, SUPPRESSED, SUPPRESSED_VERSION, Suppressed, Window,
};
use crate::evidence::event::{LEFT_OUT, LEFT_OUT_VERSION, LeftOut};
use crate::judge::Expected;
use crate::report::escape;

/// Characters of a name that are shown. The parser of records bounds none of them, and a log event has an end.
const SHOWN: usize = 500;

/// The record of one group in one window, as one line.
pub(super) fn line(
    settings: &Settings,
    judging: &Judging,
    row: &Row,
    is_new: bool,
    incomplete: bool,
) -> String {
    let log_group = settings.log_group(row.place.group);
    let person = judging.judge.person(row.key.user.as_bytes());
    let detection = Detection {
        record: DETECTION.to_owned(),
        version: DETECTION_VERSION,
        window: window(settings, row.place.window),
        rules: judging.digest.clone(),
        policy: settings.policy_digest.clone(),
        environment: settings.environment.clone(),
        cluster: settings.cluster_of(log_group).to_owned(),
        log_group: log_group.to_owned(),
        signals: row.key.signals.clone(),
        user: shown(&row.key.user),
        database: shown(&row.key.database),
        client: shown(&row.key.client),
        class: shown(&row.key.class),
        command: shown(&row.key.command),
        object: shown(&row.key.object),
        statements: row.sum.statements,
        records: row.sum.records,
        not_judged: row.sum.not_judged,
        first_seen: moment(row.sum.first_ms),
        last_seen: moment(row.sum.last_ms),
        process: row.sum.process.as_deref().map(shown),
        new: is_new,
        incomplete,
        expected: row
            .key
            .expected
            .as_ref()
            .map(|expected| expected.grant.clone()),
        expected_until: row.key.expected.as_ref().map(Expected::until),
        severity: row.key.graded.severity,
        severity_reason: row.key.graded.reason.to_string(),
        owner: person.map(|person| person.owner.clone()),
        team: person.and_then(|person| person.team.clone()),
        identity: person.and_then(|person| person.identity.clone()),
        session_name: row.key.session_name.as_deref().map(shown),
    };
    // Texts and numbers always serialise.
    one_line(&serde_json::to_value(detection).unwrap_or_default())
}

/// What exclusions silenced in one window of one log group, as one line.
pub(super) fn suppressed_line(
    settings: &Settings,
    judging: &Judging,
    place: Place,
    sums: &BTreeMap<String, u64>,
) -> String {
    let log_group = settings.log_group(place.group);
    let suppressed = Suppressed {
        record: SUPPRESSED.to_owned(),
        version: SUPPRESSED_VERSION,
        window: window(settings, place.window),
        rules: judging.digest.clone(),
        policy: settings.policy_digest.clone(),
        environment: settings.environment.clone(),
        cluster: settings.cluster_of(log_group).to_owned(),
        log_group: log_group.to_owned(),
        records: sums.clone(),
    };
    one_line(&serde_json::to_value(suppressed).unwrap_or_default())
}

/// How many detections of one window of one log group have no event, as one line.
pub(super) fn left_out_line(
    settings: &Settings,
    place: Place,
    sent: usize,
    left_out: usize,
) -> String {
    let log_group = settings.log_group(place.group);
    let left_out = LeftOut {
        record: LEFT_OUT.to_owned(),
        version: LEFT_OUT_VERSION,
        window: window(settings, place.window),
        environment: settings.environment.clone(),
        cluster: settings.cluster_of(log_group).to_owned(),
        log_group: log_group.to_owned(),
        sent: sent as u64,
        left_out: left_out as u64,
    };
    one_line(&serde_json::to_value(left_out).unwrap_or_default())
}

fn window(settings: &Settings, window: i64) -> Window {
    let start = |window| moment(settings.windows.start_ms(window));
    Window {
        start: start(window),
        end: start(window + 1),
    }
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
    moment(ms).to_string()
}

/// A time in milliseconds since 1970; the first or last that there is, where a log says something beyond.
fn moment(ms: i64) -> Timestamp {
    let end = if ms < 0 {
        Timestamp::MIN
    } else {
        Timestamp::MAX
    };
    Timestamp::from_millisecond(ms).unwrap_or(end)
}
