//! The detection records: what auditors ask for, one JSON line for each group and window.
//!
//! There is no text of SQL in them: what was judged leaves names and sums alone. Names that people chose are escaped, so that a line
//! is one line, and shows itself as it is.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use super::judging::Judging;
use super::row::{Place, Row};
use super::settings::Settings;
use crate::judge::Expected;
use crate::policy::model::{Severity, Signal};
use crate::report::escape;

/// Characters of a name that are shown. The parser of records bounds none of them, and a log event has an end.
const SHOWN: usize = 500;

/// Version of the record's form. A field may be added without a new one.
const VERSION: u32 = 2;

/// One line of the detections: a group that counts in one window.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Detection<'a> {
    /// `pgvigil.detection`.
    record: &'static str,
    /// Version of this form. A field may be added without a new one.
    version: u32,
    /// The window.
    window: Window,
    /// Digest of the rules that judged.
    rules: &'a str,
    /// Digest of the policy that they were compiled of.
    policy: &'a str,
    /// The environment.
    environment: &'a str,
    /// The cluster.
    cluster: &'a str,
    /// The log group.
    log_group: &'a str,
    /// The signals that count it.
    signals: Vec<&'static str>,
    /// Role.
    user: String,
    /// Database.
    database: String,
    /// Client address.
    client: String,
    /// Class of pgAudit.
    class: String,
    /// Command.
    command: String,
    /// Object.
    object: String,
    /// Statements that count.
    statements: u64,
    /// Records of pgAudit that count: one statement may have several.
    records: u64,
    /// Records that could not be judged one by one, and count for that.
    not_judged: u64,
    /// When the first was written, in UTC.
    first_seen: String,
    /// When the last was written.
    last_seen: String,
    /// The server's process, where one alone did it.
    process: Option<String>,
    /// Whether the group was not seen in an earlier run of this window.
    new: bool,
    /// Whether the window held more groups than one query returns.
    incomplete: bool,
    /// The id of the access grant that covers it; none if it is not expected.
    expected: Option<&'a str>,
    /// When that grant ends, in UTC.
    expected_until: Option<String>,
    /// How much it matters.
    severity: Severity,
    /// Why it matters as much.
    severity_reason: &'a str,
    /// Who answers for the role's entry in the policy; none if no file declares the role.
    owner: Option<&'a str>,
    /// The person's team.
    team: Option<&'a str>,
    /// The person's name in single sign-on or IAM, as the policy has it.
    identity: Option<&'a str>,
    /// What the session calls itself, where several people use the role. The person who connects chooses it.
    session_name: Option<String>,
}

/// One line of what exclusions silenced in one window.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Suppressed<'a> {
    /// `pgvigil.suppressed`.
    record: &'static str,
    /// Version of this form.
    version: u32,
    /// The window.
    window: Window,
    /// Digest of the rules that judged.
    rules: &'a str,
    /// Digest of the policy that they were compiled of.
    policy: &'a str,
    /// The environment.
    environment: &'a str,
    /// The cluster.
    cluster: &'a str,
    /// The log group.
    log_group: &'a str,
    /// Records by the id of the exclusion that silences them.
    records: &'a BTreeMap<String, u64>,
}

/// A span of time, in UTC.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Window {
    /// Its first moment.
    start: String,
    /// The first moment after it.
    end: String,
}

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
    let person = judging.judge.person(row.key.user.as_bytes());
    let detection = Detection {
        record: "pgvigil.detection",
        version: VERSION,
        window: window(settings, row.place.window),
        rules: &judging.digest,
        policy: &settings.policy_digest,
        environment: &settings.environment,
        cluster: settings.cluster_of(log_group),
        log_group,
        signals,
        user: shown(&row.key.user),
        database: shown(&row.key.database),
        client: shown(&row.key.client),
        class: shown(&row.key.class),
        command: shown(&row.key.command),
        object: shown(&row.key.object),
        statements: row.sum.statements,
        records: row.sum.records,
        not_judged: row.sum.not_judged,
        first_seen: time(row.sum.first_ms),
        last_seen: time(row.sum.last_ms),
        process: row.sum.process.as_deref().map(shown),
        new: is_new,
        incomplete,
        expected: row
            .key
            .expected
            .as_ref()
            .map(|expected| expected.grant.as_str()),
        expected_until: row.key.expected.as_ref().map(Expected::until),
        severity: row.key.graded.severity,
        severity_reason: &row.key.graded.reason,
        owner: person.map(|person| person.owner.as_str()),
        team: person.and_then(|person| person.team.as_deref()),
        identity: person.and_then(|person| person.identity.as_deref()),
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
        record: "pgvigil.suppressed",
        version: 1,
        window: window(settings, place.window),
        rules: &judging.digest,
        policy: &settings.policy_digest,
        environment: &settings.environment,
        cluster: settings.cluster_of(log_group),
        log_group,
        records: sums,
    };
    one_line(&serde_json::to_value(suppressed).unwrap_or_default())
}

fn window(settings: &Settings, window: i64) -> Window {
    let start = |window| time(settings.windows.start_ms(window));
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
    jiff::Timestamp::from_millisecond(ms).map_or_else(|_| ms.to_string(), |time| time.to_string())
}
