//! Detections as OCSF and ECS: held against OCSF's own schema and ECS's own definitions, on detections of the real monitor
//! and on generated ones.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests and their helpers may panic"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::LazyLock;

use jiff::{SignedDuration, Timestamp};
use jsonschema::Validator;
use pgvigil::audit_log::prefix::LogLinePrefix;
use pgvigil::evidence::detection::{DETECTION, DETECTION_VERSION, Detection, Window};
use pgvigil::evidence::{ecs, ocsf};
use pgvigil::policy::model::{Severity, Signal};
use proptest::prelude::*;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::lambda::Emulator;
use crate::monitor::{Stand, detections};
use crate::moto::target;
use crate::recorded;

/// OCSF's schema of a Detection Finding; `tests/ocsf/install` writes it. What OCSF calls deprecated is taken out, so that a
/// finding with it is refused.
static OCSF: LazyLock<Validator> = LazyLock::new(|| {
    let file = target().join(format!("ocsf/detection_finding-{}.json", ocsf::VERSION));
    let text = std::fs::read_to_string(&file).unwrap_or_else(|error| {
        panic!(
            "{}: {error} (`tests/ocsf/install` writes it; `tests/run` calls it)",
            file.display()
        )
    });
    let mut schema: Value = serde_json::from_str(&text).unwrap();
    let mut taken_out = 0;
    without_deprecated(&mut schema, &mut taken_out);
    assert!(taken_out > 10, "{taken_out}");
    jsonschema::validator_for(&schema).unwrap()
});

fn without_deprecated(schema: &mut Value, taken_out: &mut usize) {
    if let Some(properties) = schema.get_mut("properties").and_then(Value::as_object_mut) {
        let before = properties.len();
        properties.retain(|_, property| property.get("deprecated").is_none());
        *taken_out += before - properties.len();
    }
    if let Some(objects) = schema.get_mut("$defs").and_then(Value::as_object_mut) {
        for object in objects.values_mut() {
            without_deprecated(object, taken_out);
        }
    }
}

/// What OCSF's schema says against a finding. It does not hold the sums that its types are made of.
fn ocsf_faults(finding: &Value) -> Vec<String> {
    let mut faults: Vec<String> = OCSF
        .iter_errors(finding)
        .map(|fault| format!("{}: {fault}", fault.instance_path()))
        .collect();
    let number = |pointer: &str| finding.pointer(pointer).and_then(Value::as_u64);
    if number("/type_uid")
        != number("/class_uid")
            .zip(number("/activity_id"))
            .map(|(class, activity)| class * 100 + activity)
    {
        faults.push("/type_uid: not class_uid * 100 + activity_id".to_owned());
    }
    for observable in finding["observables"].as_array().unwrap() {
        let name = observable["name"].as_str().unwrap();
        let pointer = format!("/{}", name.replace(['.', '['], "/").replace(']', ""));
        if finding.pointer(&pointer) != observable.get("value") {
            faults.push(format!(
                "/observables: {name} is not {}",
                observable["value"]
            ));
        }
    }
    faults
}

/// ECS's definitions, as `tests/ecs/reduce` takes them out of `ecs_flat.yml`.
#[derive(Deserialize)]
struct Ecs {
    version: String,
    fields: BTreeMap<String, EcsField>,
}

#[derive(Deserialize)]
struct EcsField {
    r#type: String,
    normalize: Vec<String>,
    #[serde(default)]
    ignore_above: Option<usize>,
    #[serde(default)]
    allowed_values: Option<Vec<String>>,
    #[serde(default)]
    expected_event_types: Option<BTreeMap<String, Vec<String>>>,
}

static ECS: LazyLock<Ecs> = LazyLock::new(|| {
    let path = recorded::root().join("tests/ecs/fields.json");
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
});

/// What ECS's definitions say against a document.
fn ecs_faults(document: &Value) -> Vec<String> {
    let mut leaves = Vec::new();
    for (name, value) in document.as_object().unwrap() {
        // Our own.
        if name != "pgvigil" {
            flatten(name, value, &mut leaves);
        }
    }
    let mut faults = Vec::new();
    for (name, value) in &leaves {
        let Some(field) = ECS.fields.get(name) else {
            faults.push(format!("{name}: not a field of ECS"));
            continue;
        };
        let is_list = field.normalize.iter().any(|form| form == "array");
        let values = match value {
            Value::Array(values) if is_list && !values.is_empty() => values.iter().collect(),
            Value::Array(_) => {
                faults.push(format!("{name}: a list"));
                continue;
            }
            _ if is_list => {
                faults.push(format!("{name}: not a list"));
                continue;
            }
            value => vec![*value],
        };
        for value in values {
            if let Some(fault) = ecs_fault(field, value) {
                faults.push(format!("{name}: {fault}: {value}"));
            }
        }
    }
    // What a category goes with.
    let expected = &ECS.fields["event.category"].expected_event_types;
    for kind in document["event"]["type"].as_array().into_iter().flatten() {
        let types = &expected.as_ref().unwrap()["database"];
        if !types.iter().any(|known| kind == known.as_str()) {
            faults.push(format!("event.type: {kind} does not go with the category"));
        }
    }
    faults
}

fn flatten<'a>(name: &str, value: &'a Value, leaves: &mut Vec<(String, &'a Value)>) {
    match value {
        Value::Object(fields) => {
            for (field, value) in fields {
                flatten(&format!("{name}.{field}"), value, leaves);
            }
        }
        value => leaves.push((name.to_owned(), value)),
    }
}

fn ecs_fault(field: &EcsField, value: &Value) -> Option<&'static str> {
    let text = value.as_str();
    let is_right = match field.r#type.as_str() {
        "keyword" | "match_only_text" => text.is_some(),
        // Elasticsearch's `strict_date_optional_time`: a year has four digits.
        "date" => text.is_some_and(|text| {
            text.as_bytes().get(4) == Some(&b'-') && text.parse::<Timestamp>().is_ok()
        }),
        "ip" => text.is_some_and(|text| text.parse::<IpAddr>().is_ok()),
        "long" => value.as_i64().is_some(),
        _ => false,
    };
    if !is_right {
        return Some("another type");
    }
    let text = text.unwrap_or_default();
    if let Some(allowed) = &field.allowed_values
        && !allowed.iter().any(|value| value == text)
    {
        return Some("not an allowed value");
    }
    // Elasticsearch leaves it out of the index then.
    if field
        .ignore_above
        .is_some_and(|most| text.chars().count() > most)
    {
        return Some("too long to be found");
    }
    None
}

/// Holds both forms of a detection against what they should be.
#[track_caller]
fn holds(detection: &Detection) {
    let finding = ocsf::ocsf(detection);
    let faults = ocsf_faults(&finding);
    assert!(faults.is_empty(), "{}\n{finding:#}", faults.join("\n"));
    let document = ecs::ecs(detection);
    let faults = ecs_faults(&document);
    assert!(faults.is_empty(), "{}\n{document:#}", faults.join("\n"));
    // ECS holds the whole record, so nothing is lost on the way.
    let record: Detection = serde_json::from_value(document["pgvigil"].clone()).unwrap();
    assert_eq!(&record, detection);
    // Neither has a null outside the record, and no text for people moves the cursor.
    assert!(!has_null(&finding), "{finding:#}");
    for pointer in ["/message", "/finding_info/title", "/finding_info/desc"] {
        let text = finding.pointer(pointer).unwrap().as_str().unwrap();
        assert!(!text.chars().any(char::is_control), "{text:?}");
        assert!(text.chars().count() < 2_500, "{}", text.len());
    }
    let message = document["message"].as_str().unwrap();
    assert!(!message.chars().any(char::is_control), "{message:?}");
    assert_eq!(document["event"]["id"], finding["finding_info"]["uid"]);
}

fn has_null(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(values) => values.iter().any(has_null),
        Value::Object(fields) => fields.values().any(has_null),
        _ => false,
    }
}

fn time(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// A detection with a value in every field.
fn full() -> Detection {
    Detection {
        record: DETECTION.to_owned(),
        version: DETECTION_VERSION,
        window: Window {
            start: time("2026-11-22T09:00:00Z"),
            end: time("2026-11-22T09:05:00Z"),
        },
        rules: "a".repeat(64),
        policy: "b".repeat(64),
        environment: "prod".to_owned(),
        cluster: "orders".to_owned(),
        log_group: "/aws/rds/cluster/orders/postgresql".to_owned(),
        signals: vec![Signal::Dml, Signal::AuditTampering],
        user: "alice".to_owned(),
        database: "shop".to_owned(),
        client: "10.0.3.17".to_owned(),
        class: "READ".to_owned(),
        command: "SELECT".to_owned(),
        object: "public.customers".to_owned(),
        statements: 3,
        records: 4,
        not_judged: 1,
        first_seen: time("2026-11-22T09:00:01.5Z"),
        last_seen: time("2026-11-22T09:04:02Z"),
        process: Some("4711".to_owned()),
        new: true,
        incomplete: false,
        expected: Some("CHG-101".to_owned()),
        expected_until: Some("2026-11-23T00:00:00Z".to_owned()),
        severity: Severity::Critical,
        severity_reason: "card data".to_owned(),
        owner: Some("payments-lead".to_owned()),
        team: Some("payments".to_owned()),
        identity: Some("alice@example.com".to_owned()),
        session_name: Some("alice-laptop".to_owned()),
    }
}

#[test]
fn a_finding_has_the_fields_of_the_detection() {
    let detection = full();
    holds(&detection);
    let finding = ocsf::ocsf(&detection);
    for (pointer, value) in [
        ("/class_uid", json!(2004)),
        ("/type_uid", json!(200_401)),
        ("/severity_id", json!(5)),
        ("/status_id", json!(1)),
        ("/is_alert", json!(true)),
        ("/count", json!(3)),
        ("/time", json!(1_795_338_242_000_i64)),
        ("/start_time", json!(1_795_338_001_500_i64)),
        ("/message", json!("alice@shop: SELECT on public.customers")),
        ("/finding_info/types", json!(["dml", "audit_tampering"])),
        ("/finding_info/analytic/uid", json!("audit_tampering")),
        ("/finding_info/related_analytics/0/uid", json!("dml")),
        ("/metadata/version", json!(ocsf::VERSION)),
        ("/metadata/profiles", json!([])),
        ("/evidences/0/actor/user/name", json!("alice")),
        (
            "/evidences/0/actor/user/email_addr",
            json!("alice@example.com"),
        ),
        ("/evidences/0/actor/app_name", json!("alice-laptop")),
        ("/evidences/0/database/name", json!("shop")),
        ("/evidences/0/src_endpoint/ip", json!("10.0.3.17")),
        ("/evidences/0/process/pid", json!(4711)),
        ("/resources/0/name", json!("orders")),
        ("/resources/2/name", json!("public.customers")),
        ("/resources/2/role", json!("Target")),
        ("/unmapped/environment", json!("prod")),
        ("/unmapped/expected", json!("CHG-101")),
        ("/unmapped/policy", json!("b".repeat(64))),
        ("/unmapped/window/end", json!("2026-11-22T09:05:00Z")),
    ] {
        assert_eq!(finding.pointer(pointer), Some(&value), "{pointer}");
    }
    let document = ecs::ecs(&detection);
    for (pointer, value) in [
        ("/@timestamp", json!("2026-11-22T09:04:02Z")),
        ("/ecs/version", json!(ecs::VERSION)),
        ("/event/kind", json!("alert")),
        ("/event/action", json!("select")),
        ("/event/type", json!(["change"])),
        ("/event/outcome", json!("unknown")),
        ("/event/severity", json!(99)),
        ("/rule/id", json!("audit_tampering")),
        ("/user/email", json!("alice@example.com")),
        ("/source/ip", json!("10.0.3.17")),
        (
            "/related/user",
            json!(["alice", "alice@example.com", "alice-laptop"]),
        ),
        ("/pgvigil/expected", json!("CHG-101")),
    ] {
        assert_eq!(document.pointer(pointer), Some(&value), "{pointer}");
    }
}

/// What is not known for certain is left out, and no socket and no host is an address.
#[test]
fn a_name_that_is_not_known_is_not_a_name() {
    let detection = Detection {
        user: "-".to_owned(),
        database: String::new(),
        client: "[local]".to_owned(),
        class: "-".to_owned(),
        command: "-".to_owned(),
        object: "-".to_owned(),
        process: None,
        expected: None,
        expected_until: None,
        owner: None,
        team: None,
        identity: None,
        session_name: None,
        ..full()
    };
    holds(&detection);
    let finding = ocsf::ocsf(&detection);
    assert_eq!(
        finding["message"],
        "unknown user: an entry that cannot be read"
    );
    let evidence = &finding["evidences"][0];
    assert!(evidence.get("actor").is_none() && evidence.get("database").is_none());
    assert_eq!(evidence["src_endpoint"], json!({ "name": "[local]" }));
    assert_eq!(finding["resources"].as_array().unwrap().len(), 1);
    let document = ecs::ecs(&detection);
    assert!(document.get("user").is_none(), "{document:#}");
    assert_eq!(document["source"], json!({ "address": "[local]" }));
    // A refusal is one, whatever its words are.
    let refused = Detection {
        signals: vec![Signal::Denied],
        class: "ERROR".to_owned(),
        command: "permission denied for table \u{1b}[2Jcustomers".to_owned(),
        object: "-".to_owned(),
        ..full()
    };
    holds(&refused);
    assert_eq!(
        ocsf::ocsf(&refused)["message"],
        "alice@shop: refused: permission denied for table \\u{1b}[2Jcustomers"
    );
    let document = ecs::ecs(&refused);
    assert_eq!(document["event"]["outcome"], "failure");
    assert_eq!(document["event"]["type"], json!(["error"]));
    assert_eq!(document["event"]["action"], "refused");
}

/// The same detection has the same id although it is reported again, and another one has another id.
#[test]
fn an_id_belongs_to_a_group_and_a_window() {
    let uid = |detection: &Detection| ocsf::ocsf(detection)["finding_info"]["uid"].clone();
    let detection = full();
    let again = Detection {
        statements: 9,
        records: 20,
        not_judged: 0,
        first_seen: time("2026-11-22T09:00:01Z"),
        last_seen: time("2026-11-22T09:04:59Z"),
        process: None,
        new: false,
        incomplete: true,
        rules: "c".repeat(64),
        policy: "d".repeat(64),
        team: None,
        ..full()
    };
    assert_eq!(uid(&detection), uid(&again));
    let others = [
        Detection {
            window: Window {
                start: time("2026-11-22T09:05:00Z"),
                end: time("2026-11-22T09:10:00Z"),
            },
            ..full()
        },
        Detection {
            environment: "test".to_owned(),
            ..full()
        },
        Detection {
            log_group: "other".to_owned(),
            ..full()
        },
        Detection {
            signals: vec![Signal::Dml],
            ..full()
        },
        Detection {
            user: "bob".to_owned(),
            ..full()
        },
        Detection {
            database: "hr".to_owned(),
            ..full()
        },
        Detection {
            client: "10.0.3.18".to_owned(),
            ..full()
        },
        Detection {
            class: "WRITE".to_owned(),
            ..full()
        },
        Detection {
            command: "COPY".to_owned(),
            ..full()
        },
        Detection {
            object: "public.orders".to_owned(),
            ..full()
        },
        Detection {
            expected: None,
            ..full()
        },
        Detection {
            expected_until: None,
            ..full()
        },
        Detection {
            severity: Severity::Low,
            ..full()
        },
        Detection {
            severity_reason: "salaries".to_owned(),
            ..full()
        },
        Detection {
            session_name: None,
            ..full()
        },
        // The same letters, cut elsewhere.
        Detection {
            user: "ali".to_owned(),
            database: "ceshop".to_owned(),
            ..full()
        },
    ];
    let ids: BTreeSet<String> = others
        .iter()
        .chain([&detection])
        .map(|detection| uid(detection).as_str().unwrap().to_owned())
        .collect();
    assert_eq!(ids.len(), others.len() + 1);
}

/// Both validations find what is wrong.
#[test]
fn a_damaged_form_is_refused() {
    let finding = ocsf::ocsf(&full());
    assert_eq!(ocsf_faults(&finding), [""; 0]);
    type Damage = fn(&mut Value);
    let damages: [(&str, Damage); 9] = [
        ("severity_id", |finding| finding["severity_id"] = json!(7)),
        ("time", |finding| {
            finding["time"] = json!("2026-11-22T09:00:00Z")
        }),
        ("ip", |finding| {
            finding["evidences"][0]["src_endpoint"]["ip"] = json!("[local]");
        }),
        ("email", |finding| {
            finding["evidences"][0]["actor"]["user"]["email_addr"] = json!("alice");
        }),
        ("unknown", |finding| {
            finding["finding_info"]["severity"] = json!("High")
        }),
        ("deprecated", |finding| {
            finding["evidences"][0]["actor"]["invoked_by"] = json!("psql");
        }),
        ("empty", |finding| finding["evidences"][0] = json!({})),
        ("type_uid", |finding| finding["type_uid"] = json!(200_402)),
        ("observable", |finding| {
            finding["observables"][0]["value"] = json!("bob");
        }),
    ];
    for (name, damage) in damages {
        let mut damaged = finding.clone();
        damage(&mut damaged);
        assert!(!ocsf_faults(&damaged).is_empty(), "{name}");
    }
    for required in [
        "finding_info",
        "metadata",
        "severity_id",
        "time",
        "type_uid",
    ] {
        let mut damaged = finding.clone();
        damaged.as_object_mut().unwrap().remove(required);
        assert!(!ocsf_faults(&damaged).is_empty(), "{required}");
    }

    assert_eq!(ECS.version, ecs::VERSION);
    let document = ecs::ecs(&full());
    assert_eq!(ecs_faults(&document), [""; 0]);
    let damages: [(&str, Damage); 7] = [
        ("kind", |document| {
            document["event"]["kind"] = json!("alarm")
        }),
        ("category", |document| {
            document["event"]["category"] = json!("database")
        }),
        ("type", |document| {
            document["event"]["type"] = json!(["denied"])
        }),
        ("ip", |document| document["source"]["ip"] = json!("[local]")),
        ("date", |document| {
            document["@timestamp"] = json!("-009999-01-02T01:59:59Z")
        }),
        ("unknown", |document| {
            document["user"]["role"] = json!("alice")
        }),
        ("long", |document| {
            document["event"]["reason"] = json!("x".repeat(1025))
        }),
    ];
    for (name, damage) in damages {
        let mut damaged = document.clone();
        damage(&mut damaged);
        assert!(!ecs_faults(&damaged).is_empty(), "{name}");
    }
}

/// A name as a log may have it.
fn name() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("-".to_owned()),
        Just(String::new()),
        Just("(others)".to_owned()),
        Just(format!("{}…", "x".repeat(500))),
        Just("\u{1f4a5}".repeat(501)),
        Just("a\"b\\c\n\u{1b}[2J\u{202e}\u{0}".to_owned()),
        "[a-z_]{1,12}",
        any::<String>(),
    ]
}

fn client() -> impl Strategy<Value = String> {
    prop_oneof![
        name(),
        Just("[local]".to_owned()),
        Just("fe80::1%eth0".to_owned()),
        Just("db-1.example.com".to_owned()),
        any::<IpAddr>().prop_map(|address| address.to_string()),
    ]
}

fn identity() -> impl Strategy<Value = String> {
    prop_oneof![
        name(),
        Just("arn:aws:iam::123456789012:user/alice".to_owned()),
        "[a-z.+]{0,8}@[a-z.-]{0,12}",
        "[!-~]{1,10}@[!-~]{1,10}",
    ]
}

/// Every time that a timestamp can have.
fn moment() -> impl Strategy<Value = Timestamp> {
    (Timestamp::MIN.as_millisecond()..=Timestamp::MAX.as_millisecond())
        .prop_map(|ms| Timestamp::from_millisecond(ms).unwrap())
}

fn detection() -> impl Strategy<Value = Detection> {
    let names = prop::array::uniform9(name());
    let options = prop::array::uniform5(prop::option::of(name()));
    let numbers = (any::<u64>(), any::<u64>(), any::<u64>());
    let flags = (any::<bool>(), any::<bool>(), prop::option::of(any::<u32>()));
    let times = (moment(), moment(), moment());
    let signals = prop::sample::subsequence(Signal::ALL.to_vec(), 0..=Signal::ALL.len());
    let severity = prop::sample::select(Severity::ALL.to_vec());
    (
        (names, client(), options, prop::option::of(identity())),
        (numbers, flags, times),
        (signals, severity),
    )
        .prop_map(
            |(
                (names, client, options, identity),
                (
                    (statements, records, not_judged),
                    (new, incomplete, pid),
                    (start, first_seen, last_seen),
                ),
                (signals, severity),
            )| {
                let [
                    environment,
                    cluster,
                    log_group,
                    user,
                    database,
                    class,
                    command,
                    object,
                    severity_reason,
                ] = names;
                let [expected, owner, team, session_name, process] = options;
                Detection {
                    window: Window { start, end: start },
                    environment,
                    cluster,
                    log_group,
                    signals,
                    user,
                    database,
                    client,
                    class,
                    command,
                    object,
                    statements,
                    records,
                    not_judged,
                    first_seen,
                    last_seen,
                    process: pid.map(|pid| pid.to_string()).or(process),
                    new,
                    incomplete,
                    expected_until: expected.as_ref().map(|_| "2026-11-23T00:00:00Z".to_owned()),
                    expected,
                    severity,
                    severity_reason,
                    owner,
                    team,
                    identity,
                    session_name,
                    ..full()
                }
            },
        )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn whatever_is_in_a_detection_its_forms_are_valid(detection in detection()) {
        holds(&detection);
    }
}

const ENVIRONMENT: &str = "version: 1\nprovider: aws\naccount: \"123456789012\"\nregion: eu-central-1\nclusters: [orders]\n\
    signals: {dml: {}, privilege: {}, schema: {}, audit_tampering: {}, denied: {}}\n";

const RULES: &str = "version: 1
users:
  - {role: alice, owner: payments-lead, team: payments, identity: alice@example.com, environments: all}
  - {role: carol, owner: data-lead, identity: 'arn:aws:iam::123456789012:user/carol', environments: all}
sensitivity:
  - {severity: critical, schema: public, relation: customers, reason: card data, owner: security}
  - {severity: low, schema: pg_catalog, reason: the catalogue, owner: data-lead}
";

/// What the monitor writes of the recordings of real clients.
#[test]
fn detections_of_the_monitor_are_valid_in_both_forms() {
    let now = Timestamp::from_second(Timestamp::now().as_second()).unwrap();
    let day = SignedDuration::from_hours(24);
    let access = format!(
        "version: 1\ngrants:\n  - {{id: CHG-101, user: [alice], environments: all, databases: all, relations: ['public.*'], kinds: [read], from: {}, until: {}, reason: a task, owner: data-lead}}\n",
        now - day,
        now + day
    );
    let stand = Stand::of(&[
        ("environments/prod.yaml", ENVIRONMENT),
        ("rules/rules.yaml", RULES),
        ("access/grants.yaml", &access),
    ]);
    let entries: Vec<Vec<u8>> = recorded::all()
        .iter()
        .filter(|recording| recording.prefix == LogLinePrefix::Short)
        .flat_map(|recording| recording.few().map(|entry| entry.text.clone()))
        .collect();
    stand.log(&entries, 0, 3000, 1);
    let emulator = Emulator::start();
    let function = emulator.function(&stand.variables());
    let (well, answer) = emulator.invoke(&stand.event(0));
    assert!(well, "{answer}\n{:?}", function.log());

    let mut seen: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    let lines = detections(&function);
    for line in &lines {
        crate::output_schemas::holds("detection", line);
        let detection: Detection = serde_json::from_value(line.clone()).unwrap();
        holds(&detection);
        let mut note = |what, value: &Value| {
            seen.entry(what).or_default().insert(value.to_string());
        };
        let finding = ocsf::ocsf(&detection);
        note("uid", &finding["finding_info"]["uid"]);
        note("severity", &finding["severity"]);
        note("expected", &finding["unmapped"]["expected"]);
        for signal in finding["finding_info"]["types"].as_array().unwrap() {
            note("signal", signal);
        }
        let user = &finding["evidences"][0]["actor"]["user"];
        note("user", &user["name"]);
        note("email", &user["email_addr"]);
        let document = ecs::ecs(&detection);
        note("type", &document["event"]["type"]);
        note("action", &document["event"]["action"]);
    }
    // The recordings have all of it, so that no field is tried with one value alone.
    assert!(lines.len() > 100, "{}", lines.len());
    assert_eq!(seen["uid"].len(), lines.len(), "two detections have one id");
    assert_eq!(seen["severity"].len(), 4, "{:?}", seen["severity"]);
    assert_eq!(seen["expected"].len(), 2, "{:?}", seen["expected"]);
    assert_eq!(seen["signal"].len(), 5, "{:?}", seen["signal"]);
    assert!(
        seen["user"].len() > 3 && seen["user"].contains("null"),
        "{:?}",
        seen["user"]
    );
    assert_eq!(seen["email"].len(), 2, "{:?}", seen["email"]);
    assert_eq!(seen["type"].len(), 4, "{:?}", seen["type"]);
    assert!(seen["action"].len() > 10, "{:?}", seen["action"]);
}
