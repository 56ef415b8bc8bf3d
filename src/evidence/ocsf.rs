//! A detection as a *Detection Finding* of OCSF, which Security Lake and SIEM products read.
//!
//! Classes, attributes and numbers: <https://schema.ocsf.io/1.8.0/classes/detection_finding>. No profile applies: the record of
//! a detection has no account of a cloud, and nothing blocked what it counts. docs/detections.md has the table.

use serde_json::{Value, json};

use super::detection::Detection;
use super::finding::{address, description, email, is_refusal, known, process, signal, title, uid};
use crate::policy::model::{Severity, Signal};

/// Version of OCSF's schema that the findings conform to.
pub const VERSION: &str = "1.8.0";

/// `class_uid` of a Detection Finding.
const CLASS: u32 = 2004;

/// `category_uid` of findings.
const CATEGORY: u32 = 2;

/// `activity_id` of a finding that is made. Each group and window is a finding of its own; one that is reported again has the
/// same `finding_info.uid`.
const CREATE: u32 = 1;

/// The largest `integer_t`: Security Lake keeps it in 32 bits. `unmapped` has the whole number.
const INTEGER_MOST: u64 = i32::MAX as u64;

// `type_id` of observables.
const IP_ADDRESS: u32 = 2;
const USER_NAME: u32 = 4;
const EMAIL_ADDRESS: u32 = 5;
const RESOURCE_NAME: u32 = 38;

/// The finding, as JSON of OCSF's form. A function of the record alone: the same record gives the same finding.
///
/// Names are the record's. They come from logs: whoever prints the finding escapes them, as for every JSON
/// (`report::escape::json`). Texts for people (`message`, `title`, `desc`) contain no control characters.
pub fn ocsf(detection: &Detection) -> Value {
    let title = title(detection);
    let mut finding = json!({
        "activity_id": CREATE,
        "activity_name": "Create",
        "category_uid": CATEGORY,
        "category_name": "Findings",
        "class_uid": CLASS,
        "class_name": "Detection Finding",
        "type_uid": CLASS * 100 + CREATE,
        "type_name": "Detection Finding: Create",
        "time": detection.last_seen.as_millisecond(),
        "start_time": detection.first_seen.as_millisecond(),
        "end_time": detection.last_seen.as_millisecond(),
        "count": detection.statements.min(INTEGER_MOST),
        "severity_id": severity(detection.severity).0,
        "severity": severity(detection.severity).1,
        "status_id": 1,
        "status": "New",
        "is_alert": detection.new,
        "message": title,
        "finding_info": info(detection, &title),
        "metadata": metadata(detection),
        "evidences": [evidence(detection)],
        "resources": resources(detection),
        "unmapped": unmapped(detection),
    });
    let observables = observables(&finding);
    insert(&mut finding, "observables", Some(observables.into()));
    finding
}

/// Number and caption of a severity. OCSF has two more: below `Low`, and above `Critical`.
fn severity(severity: Severity) -> (u32, &'static str) {
    match severity {
        Severity::Low => (2, "Low"),
        Severity::Medium => (3, "Medium"),
        Severity::High => (4, "High"),
        Severity::Critical => (5, "Critical"),
    }
}

fn info(detection: &Detection, title: &str) -> Value {
    let types: Vec<&str> = detection
        .signals
        .iter()
        .map(|signal| signal.name())
        .collect();
    let main = signal(detection);
    let related: Vec<Value> = detection
        .signals
        .iter()
        .filter(|signal| Some(**signal) != main)
        .map(|signal| analytic(detection, Some(*signal)))
        .collect();
    let mut info = json!({
        "uid": uid(detection),
        "title": title,
        "desc": description(detection),
        "first_seen_time": detection.first_seen.as_millisecond(),
        "last_seen_time": detection.last_seen.as_millisecond(),
        "types": types,
        "analytic": analytic(detection, main),
        "data_sources": [if is_refusal(detection) { "PostgreSQL log" } else { "pgAudit" }],
    });
    if !related.is_empty() {
        insert(&mut info, "related_analytics", Some(related.into()));
    }
    info
}

/// A signal, as the rule that found it. Its version is the digest of the rules.
fn analytic(detection: &Detection, signal: Option<Signal>) -> Value {
    let name = signal.map_or_else(
        || "pgvigil".to_owned(),
        |signal| format!("pgvigil {}", signal.name()),
    );
    let mut analytic = json!({
        "name": name,
        "type_id": 1,
        "type": "Rule",
        "version": detection.rules,
    });
    insert(
        &mut analytic,
        "uid",
        signal.map(|signal| signal.name().into()),
    );
    analytic
}

fn metadata(detection: &Detection) -> Value {
    json!({
        "version": VERSION,
        "uid": uid(detection),
        "event_code": detection.record,
        "log_name": detection.log_group,
        "log_version": detection.version.to_string(),
        "original_time": detection.last_seen.to_string(),
        "profiles": [],
        "product": {
            "name": "pgvigil",
            "vendor_name": "pgvigil",
            "version": env!("CARGO_PKG_VERSION"),
        },
    })
}

/// Who, where and from where.
fn evidence(detection: &Detection) -> Value {
    let mut evidence = json!({
        "data": {
            "class": detection.class,
            "command": detection.command,
            "object": detection.object,
        },
    });
    insert(&mut evidence, "actor", actor(detection));
    let database = known(&detection.database)
        .map(|name| json!({ "name": name, "type_id": 1, "type": "Relational" }));
    insert(&mut evidence, "database", database);
    let endpoint = match (address(detection), known(&detection.client)) {
        (Some(ip), _) => Some(json!({ "ip": ip.to_string() })),
        (None, Some(name)) => Some(json!({ "name": name })),
        (None, None) => None,
    };
    insert(&mut evidence, "src_endpoint", endpoint);
    let process = process(detection).map(|pid| json!({ "pid": pid }));
    insert(&mut evidence, "process", process);
    evidence
}

fn actor(detection: &Detection) -> Option<Value> {
    let user = known(&detection.user).map(|name| user(detection, name));
    // The person who connects chooses it, and OCSF says of `app_name` no more than that.
    let application = detection.session_name.as_deref().and_then(known);
    if user.is_none() && application.is_none() {
        return None;
    }
    let mut actor = json!({});
    insert(&mut actor, "user", user);
    insert(&mut actor, "app_name", application.map(Value::from));
    Some(actor)
}

fn user(detection: &Detection, name: &str) -> Value {
    // Of a role that no file declares nothing says whether it is a person.
    let (type_id, kind) = match detection.owner {
        Some(_) => (1, "User"),
        None => (0, "Unknown"),
    };
    let mut user = json!({ "name": name, "type_id": type_id, "type": kind });
    insert(
        &mut user,
        "uid",
        detection.identity.as_deref().map(Value::from),
    );
    insert(&mut user, "email_addr", email(detection).map(Value::from));
    let groups = detection
        .team
        .as_deref()
        .map(|team| json!([{ "name": team, "type": "team" }]));
    insert(&mut user, "groups", groups);
    user
}

/// The cluster, the database and the object: the innermost that is known is the target, and what is around it is related.
fn resources(detection: &Detection) -> Vec<Value> {
    let mut resources: Vec<Value> = Vec::new();
    let cluster = Some(detection.cluster.as_str()).filter(|name| !name.is_empty());
    for (kind, name, around) in [
        ("cluster", cluster, None),
        ("database", known(&detection.database), cluster),
        (
            "object",
            known(&detection.object),
            known(&detection.database),
        ),
    ] {
        let Some(name) = name else { continue };
        let mut resource = json!({ "name": name, "type": kind });
        insert(&mut resource, "namespace", around.map(Value::from));
        resources.push(resource);
    }
    let count = resources.len();
    for (resource, number) in resources.iter_mut().zip(1..) {
        let (role_id, role) = if number == count {
            (1, "Target")
        } else {
            (4, "Related")
        };
        insert(resource, "role_id", Some(role_id.into()));
        insert(resource, "role", Some(role.into()));
    }
    resources
}

/// What a search over all findings compares: the name of each attribute, and its value.
fn observables(finding: &Value) -> Vec<Value> {
    let mut observables = Vec::new();
    let mut add = |name: &str, pointer: &str, type_id: u32, kind: &str| {
        if let Some(value) = finding.pointer(pointer).and_then(Value::as_str) {
            observables
                .push(json!({ "name": name, "type_id": type_id, "type": kind, "value": value }));
        }
    };
    let user = "/evidences/0/actor/user";
    add(
        "evidences[0].actor.user.name",
        &format!("{user}/name"),
        USER_NAME,
        "User Name",
    );
    add(
        "evidences[0].actor.user.email_addr",
        &format!("{user}/email_addr"),
        EMAIL_ADDRESS,
        "Email Address",
    );
    add(
        "evidences[0].src_endpoint.ip",
        "/evidences/0/src_endpoint/ip",
        IP_ADDRESS,
        "IP Address",
    );
    for number in 0..3 {
        add(
            &format!("resources[{number}].name"),
            &format!("/resources/{number}/name"),
            RESOURCE_NAME,
            "Resource Details Object: name",
        );
    }
    observables
}

/// What OCSF has no attribute for, and the numbers that its types may cut.
fn unmapped(detection: &Detection) -> Value {
    let mut unmapped = json!({
        "environment": detection.environment,
        "window": detection.window,
        "rules": detection.rules,
        "policy": detection.policy,
        "statements": detection.statements,
        "records": detection.records,
        "not_judged": detection.not_judged,
        "new": detection.new,
        "incomplete": detection.incomplete,
        "severity_reason": detection.severity_reason,
    });
    for (name, value) in [
        ("expected", &detection.expected),
        ("expected_until", &detection.expected_until),
        ("owner", &detection.owner),
    ] {
        insert(&mut unmapped, name, value.as_deref().map(Value::from));
    }
    unmapped
}

/// Adds an attribute that has a value. OCSF has no null.
fn insert(object: &mut Value, name: &str, value: Option<Value>) {
    if let (Some(fields), Some(value)) = (object.as_object_mut(), value) {
        fields.insert(name.to_owned(), value);
    }
}
