//! A detection as a document of the Elastic Common Schema.
//!
//! Fields and their values: <https://www.elastic.co/docs/reference/ecs/ecs-field-reference>. What the schema has no field for is
//! below `pgvigil`, which holds the whole record. docs/detections.md has the table.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::detection::Detection;
use super::finding::{
    address, description, email, is_refusal, known, looked_up, process, signal, title, uid,
};
use crate::policy::model::{Severity, Signal};

/// Version of ECS whose fields the documents have.
pub const VERSION: &str = "9.4.0";

/// The document, with objects in objects. A function of the record alone: the same record gives the same document.
///
/// Names are the record's. They come from logs: whoever prints the document escapes them, as for every JSON
/// (`report::escape::json`). Texts for people (`message`) contain no control characters.
pub fn ecs(detection: &Detection) -> Value {
    let mut document = Map::new();
    document.insert("@timestamp".to_owned(), moment(detection.last_seen));
    document.insert("ecs".to_owned(), json!({ "version": VERSION }));
    document.insert(
        "message".to_owned(),
        format!("{}. {}", title(detection), description(detection)).into(),
    );
    document.insert("event".to_owned(), event(detection));
    document.insert("rule".to_owned(), rule(detection));
    document.insert(
        "observer".to_owned(),
        json!({
            "vendor": "pgvigil",
            "product": "pgvigil",
            "version": env!("CARGO_PKG_VERSION"),
        }),
    );
    document.insert(
        "service".to_owned(),
        json!({
            "type": "postgresql",
            "name": detection.cluster,
            "environment": detection.environment,
        }),
    );
    let process = json_of([("pid", process(detection).map(Value::from))]);
    for (name, fields) in [
        ("user", user(detection)),
        ("source", source(detection)),
        ("process", process),
        ("related", related(detection)),
    ] {
        if !fields.is_empty() {
            document.insert(name.to_owned(), fields.into());
        }
    }
    // Texts and numbers always serialise.
    let record = serde_json::to_value(detection).unwrap_or_default();
    document.insert("pgvigil".to_owned(), record);
    document.into()
}

fn event(detection: &Detection) -> Value {
    let outcome = if is_refusal(detection) {
        "failure"
    } else {
        // pgAudit writes before the statement runs, and a transaction may roll back.
        "unknown"
    };
    let mut event = json!({
        "id": uid(detection),
        "kind": "alert",
        "category": ["database"],
        "type": types(detection),
        "outcome": outcome,
        "severity": severity(detection.severity),
        "start": moment(detection.first_seen),
        "end": moment(detection.last_seen),
        "module": "pgvigil",
        "dataset": detection.record,
        "code": detection.record,
    });
    let reason = Some(&detection.severity_reason).filter(|reason| !reason.is_empty());
    if let Some(fields) = event.as_object_mut() {
        if let Some(action) = action(detection) {
            fields.insert("action".to_owned(), action.into());
        }
        if let Some(reason) = reason {
            fields.insert("reason".to_owned(), looked_up(reason).into());
        }
    }
    event
}

/// The scores that Elastic Security gives to its own severities of the same names.
fn severity(severity: Severity) -> u32 {
    match severity {
        Severity::Low => 21,
        Severity::Medium => 47,
        Severity::High => 73,
        Severity::Critical => 99,
    }
}

/// Of the four types that ECS expects in the category `database`.
fn types(detection: &Detection) -> [&'static str; 1] {
    let changes = [Signal::Privilege, Signal::Schema, Signal::AuditTampering];
    [if is_refusal(detection) {
        "error"
    } else if detection
        .signals
        .iter()
        .any(|signal| changes.contains(signal))
    {
        "change"
    } else {
        match detection.class.as_str() {
            "READ" => "access",
            "WRITE" | "DDL" | "ROLE" => "change",
            _ => "info",
        }
    }]
}

/// The command in lower case with hyphens, as the actions of ECS are. What has other characters in it (`???`, words of a
/// forged entry) is in `pgvigil.command` alone.
fn action(detection: &Detection) -> Option<String> {
    if is_refusal(detection) {
        return Some("refused".to_owned());
    }
    let command = known(&detection.command)?;
    let is_word = |byte: u8| byte.is_ascii_alphabetic() || byte == b' ';
    command
        .bytes()
        .all(is_word)
        .then(|| command.to_ascii_lowercase().replace(' ', "-"))
}

/// The signal as the rule that found it. Its version is the digest of the rules, and its ruleset that of the policy.
fn rule(detection: &Detection) -> Value {
    let name = signal(detection).map(Signal::name);
    json_of([
        ("id", name.map(Value::from)),
        (
            "name",
            Some(format!("pgvigil {}", name.unwrap_or("detection")).into()),
        ),
        ("category", Some("database audit".into())),
        ("version", Some(detection.rules.as_str().into())),
        ("ruleset", Some(detection.policy.as_str().into())),
    ])
    .into()
}

fn user(detection: &Detection) -> Map<String, Value> {
    let mut user = json_of([
        ("name", known(&detection.user).map(Value::from)),
        (
            "id",
            detection
                .identity
                .as_deref()
                .map(|name| looked_up(name).into()),
        ),
        ("email", email(detection).map(|name| looked_up(name).into())),
    ]);
    if let Some(team) = &detection.team {
        user.insert("group".to_owned(), json!({ "name": looked_up(team) }));
    }
    user
}

fn source(detection: &Detection) -> Map<String, Value> {
    json_of([
        ("address", known(&detection.client).map(Value::from)),
        ("ip", address(detection).map(|ip| ip.to_string().into())),
    ])
}

fn related(detection: &Detection) -> Map<String, Value> {
    let mut users: Vec<&str> = known(&detection.user).into_iter().collect();
    for name in [&detection.identity, &detection.session_name] {
        if let Some(name) = name.as_deref().and_then(known)
            && !users.contains(&name)
        {
            users.push(name);
        }
    }
    let users: Vec<Value> = users
        .into_iter()
        .map(|name| looked_up(name).into())
        .collect();
    let hosts = Some(detection.cluster.as_str()).filter(|name| !name.is_empty());
    json_of([
        ("user", (!users.is_empty()).then(|| users.into())),
        ("ip", address(detection).map(|ip| json!([ip.to_string()]))),
        ("hosts", hosts.map(|name| json!([name]))),
    ])
}

/// A time as Elasticsearch's `date` reads it: it has no years below 1. No service gives a log entry such a time.
fn moment(time: Timestamp) -> Value {
    time.max(Timestamp::UNIX_EPOCH).to_string().into()
}

/// The fields that have a value.
fn json_of<const COUNT: usize>(fields: [(&str, Option<Value>); COUNT]) -> Map<String, Value> {
    fields
        .into_iter()
        .filter_map(|(name, value)| Some((name.to_owned(), value?)))
        .collect()
}
