//! An event of PagerDuty's Events API v2.
//!
//! Fields and limits: PagerDuty, "PD-CEF" and "Send an alert event": `summary` has at most 1,024 characters, `dedup_key` at most
//! 255, an event at most 512 KB (read on 2 December 2026).

use jiff::Timestamp;
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};

use super::group::Group;
use super::{Message, RoutingKey};
use crate::digest;
use crate::policy::model::Severity;

const SUMMARY: usize = 1_024;

/// One event for equal work. [`Writer::takes`](super::Writer) makes batches of it.
pub(super) fn body(message: &Message<'_>, key: &RoutingKey) -> String {
    let Some(group) = message.groups.first() else {
        return String::new();
    };
    let summary: String = format!("pgvigil {}: {}", message.environment, group.title())
        .chars()
        .take(SUMMARY)
        .collect();
    let details: Map<String, Value> = group
        .facts(message.writer.has_grants)
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value.into()))
        .collect();
    let mut payload = json!({
        "summary": summary,
        "source": format!("pgvigil {}", message.environment),
        "severity": severity(group.severity()),
        "component": super::group::shown(group.work()[1]),
        "group": message.environment,
        "class": group.class(),
        "custom_details": details,
    });
    // A time in a zone without an offset stays in the details: PagerDuty refuses an event with it here, for ever.
    let time = group
        .first()
        .filter(|time| time.parse::<Timestamp>().is_ok());
    if let (Some(time), Some(payload)) = (time, payload.as_object_mut()) {
        payload.insert("timestamp".to_owned(), time.into());
    }
    let mut event = json!({
        "routing_key": key.0,
        "event_action": "trigger",
        "dedup_key": dedup_key(message, group),
        "client": "pgvigil",
        "payload": payload,
    });
    if let (Some(runbook), Some(event)) = (&message.writer.runbook, event.as_object_mut()) {
        let links = json!([{"href": runbook, "text": "Runbook"}]);
        event.insert("links".to_owned(), links);
    }
    event.to_string()
}

/// The same for the same person, database and relation on one day, so that a hundred reads are one incident. Another relation,
/// another severity or another answer to "expected?" opens another one: who is looked at for one thing does not hide the next.
fn dedup_key(message: &Message<'_>, group: &Group) -> String {
    let day = group.first().and_then(|time| time.get(..10)).unwrap_or("-");
    let mut hash = Sha256::new();
    let (_, _, expected, severity) = group.key();
    let expected = expected.map(|(grant, _)| grant).unwrap_or_default();
    let severity = severity.map_or("-", Severity::name);
    for part in group
        .work()
        .into_iter()
        .chain([day, &message.environment, &expected, severity])
    {
        hash.update(part.len().to_be_bytes());
        hash.update(part.as_bytes());
    }
    format!("pgvigil-{}", digest::short(&hash.finalize(), 16))
}

fn severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Low => "info",
        Severity::Medium => "warning",
        Severity::High => "error",
        Severity::Critical => "critical",
    }
}
