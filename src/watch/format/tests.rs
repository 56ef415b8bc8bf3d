//! Every form holds its receiver's schema and limits, whatever text strangers chose.

use std::sync::LazyLock;

use jsonschema::Validator;
use proptest::prelude::*;
use proptest::sample::select;

use super::*;
use crate::monitor::faulty;

/// The schemas of the documented fields: see each file for source and date.
static SLACK: LazyLock<Validator> =
    LazyLock::new(|| validator(include_str!("../../../tests/receivers/slack.schema.json")));
static TEAMS: LazyLock<Validator> =
    LazyLock::new(|| validator(include_str!("../../../tests/receivers/teams.schema.json")));
static PAGERDUTY: LazyLock<Validator> = LazyLock::new(|| {
    validator(include_str!(
        "../../../tests/receivers/pagerduty.schema.json"
    ))
});

fn validator(text: &str) -> Validator {
    jsonschema::validator_for(&serde_json::from_str(text).unwrap()).unwrap()
}

fn forms() -> [(Format, &'static Validator); 3] {
    let key = RoutingKey("0123456789abcdef0123456789abcdef".to_owned());
    [
        (Format::Slack, &SLACK),
        (Format::Teams, &TEAMS),
        (Format::PagerDuty(key), &PAGERDUTY),
    ]
}

fn record(
    number: usize,
    user: &str,
    object: &str,
    severity: &str,
    expected: Option<&str>,
) -> Record {
    let json = json!({
        "file": "a.log", "line": number, "verdict": "counted", "signals": ["dml"], "user": user, "database": "shop",
        "client": "10.0.0.1(5000)", "pid": 7, "class": "READ", "command": "SELECT", "object": object, "statement": null,
        "severity": severity, "severity_reason": object, "owner": user, "team": user, "identity": user, "session_name": object,
        "expected": expected.map(|grant| json!({"grant": grant, "until": "2026-12-02T16:00:00Z"})),
        "time": if number % 7 == 6 { format!("2026-12-02 14:{number:02}:00 CET") } else { format!("2026-12-02T14:{:02}:00Z", number % 60) },
    });
    Record {
        id: number.to_string(),
        json: json.to_string(),
    }
}

fn writer(format: Format) -> Writer {
    Writer {
        format,
        runbook: Some("https://example.com/runbook?a=1&b=<2>".to_owned()),
        has_grants: true,
    }
}

/// The requests for all records, as the queue makes them.
fn bodies(writer: &Writer, records: &[Record]) -> Vec<(Value, usize)> {
    let mut rest: Vec<&Record> = records.iter().collect();
    let mut bodies = Vec::new();
    while !rest.is_empty() {
        let taken = writer.takes(&rest);
        let body = writer.body("b", &json!({"environment": "prod"}), &rest[..taken]);
        bodies.push((serde_json::from_str(&body).unwrap(), taken));
        rest.drain(..taken);
    }
    bodies
}

/// Every text in a document, with the keys before it.
fn texts(value: &Value, path: &str, found: &mut Vec<(String, String)>) {
    match value {
        Value::String(text) => found.push((path.to_owned(), text.clone())),
        Value::Array(items) => items.iter().for_each(|item| texts(item, path, found)),
        Value::Object(map) => {
            for (key, item) in map {
                texts(item, &format!("{path}/{key}"), found);
            }
        }
        _ => {}
    }
}

fn hostile() -> impl Strategy<Value = String> {
    let pieces = select(vec![
        "alice",
        "<!channel>",
        "@here",
        "<https://evil.example|x>",
        "[x](https://evil.example)",
        "**",
        "`",
        "&",
        "\"",
        "\\",
        "\n",
        "\u{202e}",
        "\u{7f}",
        "\u{0}",
        "::error::",
        "<at>all</at>",
        "🙂",
        "ß",
    ]);
    proptest::collection::vec(pieces, 1..200).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_form_holds_its_schema(names in proptest::collection::vec((hostile(), hostile(), select(vec!["low", "medium", "high", "critical"])), 1..40)) {
        let records: Vec<Record> = names
            .iter()
            .enumerate()
            .map(|(number, (user, object, severity))| record(number, user, object, severity, (number % 2 == 0).then_some("CHG-1")))
            .collect();
        for (format, schema) in forms() {
            let writer = writer(format);
            let bodies = bodies(&writer, &records);
            prop_assert_eq!(bodies.iter().map(|(_, taken)| taken).sum::<usize>(), records.len());
            for (body, _) in bodies {
                let errors: Vec<String> = schema.iter_errors(&body).map(|error| error.to_string()).collect();
                prop_assert!(errors.is_empty(), "{:?}: {errors:?}", writer.format);
                let bytes = body.to_string().len();
                let largest = if writer.format == Format::Teams { 28_000 } else { 512_000 };
                prop_assert!(bytes <= largest, "{bytes}");
                let mut found = Vec::new();
                texts(&body, "", &mut found);
                for (path, text) in found {
                    prop_assert!(!text.contains(['\u{202e}', '\u{0}', '\u{7f}']), "{path} {text:?}");
                    let is_ours = text.contains("example.com/runbook") || path.ends_with("/$schema");
                    prop_assert!(is_ours || !text.contains("://"), "{path} {text:?}");
                    // What Slack interprets has no text of a stranger; `plain_text` and `TextRun` are not interpreted.
                    if writer.format == Format::Slack && (path == "/text" || path.ends_with("elements/text")) {
                        prop_assert!(!text.contains("<!") && !text.contains('@') && text.matches('<').count() <= 1, "{text}");
                    }
                }
            }
        }
    }
}

#[test]
fn every_schema_refuses_a_message_with_a_fault() {
    let records = [record(1, "alice", "public.orders", "high", Some("CHG-1"))];
    for (format, schema) in forms() {
        let writer = writer(format);
        let (body, _) = bodies(&writer, &records).remove(0);
        assert!(schema.is_valid(&body));
        for (place, faulty) in faulty(&body) {
            // PagerDuty takes any names and values in it.
            let free = "/payload/custom_details";
            let is_free = place.starts_with(free) && faulty.pointer(free).unwrap().is_object();
            assert_eq!(
                schema.is_valid(&faulty),
                is_free,
                "{:?}: {place}: {faulty:#}",
                writer.format
            );
        }
    }
}

#[test]
fn equal_work_is_one_group_and_the_counts_add_up() {
    let mut records: Vec<Record> = (0..90)
        .map(|number| {
            record(
                number,
                &format!("u{}", number % 30),
                "public.orders",
                "medium",
                None,
            )
        })
        .collect();
    records.push(record(90, "mallory", "public.cards", "critical", None));
    let refs: Vec<&Record> = records.iter().collect();
    let groups = group::groups(&refs);
    assert_eq!(groups.len(), 31);
    assert_eq!(groups.iter().map(|group| group.records).sum::<usize>(), 91);
    // What matters most comes first.
    assert_eq!(groups[0].work(), ["mallory", "shop", "public.cards"]);
    for format in [Format::Slack, Format::Teams] {
        let body = writer(format.clone()).body("b", &json!({"environment": "prod"}), &refs);
        assert!(body.contains("pgvigil prod: 91 records count"), "{body}");
        assert!(
            body.contains("mallory@shop: SELECT on public.cards"),
            "{body}"
        );
        // Twenty groups at most are listed, the first of one record and nineteen of three.
        let listed = body.matches("SELECT on").count();
        let rest = 91 - (1 + (listed - 1) * 3);
        assert!(
            body.contains(&format!(
                "and {} more groups with {rest} records",
                31 - listed
            )),
            "{format:?} {listed} {body}"
        );
    }
}

#[test]
fn a_pager_gets_one_event_for_equal_work_of_a_day() {
    let key = RoutingKey("0123456789abcdef0123456789abcdef".to_owned());
    let writer = writer(Format::PagerDuty(key));
    let records = [
        record(1, "alice", "public.orders", "high", None),
        record(2, "alice", "public.orders", "high", None),
        record(3, "bob", "public.orders", "high", None),
        record(4, "alice", "public.orders", "high", None),
        record(5, "alice", "public.orders", "high", Some("CHG-1")),
        record(6, "alice", "public.cards", "critical", None),
    ];
    let bodies = bodies(&writer, &records);
    let taken: Vec<usize> = bodies.iter().map(|(_, taken)| *taken).collect();
    assert_eq!(taken, [2, 1, 1, 1, 1]);
    let keys: Vec<&str> = bodies
        .iter()
        .map(|(body, _)| body["dedup_key"].as_str().unwrap())
        .collect();
    assert_eq!(keys[0], keys[2]);
    let mut different = vec![keys[0], keys[1], keys[3], keys[4]];
    different.sort_unstable();
    different.dedup();
    assert_eq!(different.len(), 4);
    assert_eq!(bodies[4].0["payload"]["severity"], "critical");
    assert_eq!(
        bodies[0].0["payload"]["custom_details"]["Expected"],
        "not expected"
    );
}

#[test]
fn no_debug_output_has_the_routing_key() {
    let shown = format!(
        "{:?}",
        writer(Format::PagerDuty(RoutingKey("SECRET".to_owned())))
    );
    assert!(!shown.contains("SECRET"), "{shown}");
}
