//! Every key of the policy, changed; and the judge as the witness of those that it reads.

use std::collections::BTreeSet;

use jiff::civil::{Date, date};
use proptest::prelude::*;
use serde_json::Value;

use super::keys::{ACCESS, ENVIRONMENT, Key, NOTES, RULES, WHOLE};
use super::*;
use crate::judge::{Judge, Rules, Scratch, Verdict as Judged};
use crate::policy::{Loaded, load_from, schema};
use crate::rules::direction;

const TODAY: Date = date(2026, 12, 2);

const POLICY: &str = "version: 1
audit:
  log: [read, write, function, ddl]
  log_relation: true
  log_catalog: true
  log_parameter: true
  log_statement_once: false
users:
  - {role: alice, owner: shop, environments: all}
  - {role: bob, owner: data, environments: [prod, dev], until: 2027-06-30, git: [bob@example.com, b@example.com]}
  - role: carol
    owner: data
    environments: all
    audit: {log: [all], log_relation: true, log_catalog: true, log_parameter: true, log_statement_once: false}
limits:
  max_life_days: 366
  max_accepted_days: 60
  max_silenced_share: 0.5
  max_exclusion_share: 0.4
  approvals: 1
  approvals_when_widened: 2
  max_grant_hours: 72
protected:
  - {user: [breaker, second], reason: the glass, owner: security}
  - {class: [WRITE], command: [DELETE, UPDATE], database: [shop, other], schema: [public, app], relation: [cards, keys], reason: the cards, owner: security}
sensitivity:
  - {severity: critical, signal: [dml, schema], user: [erin, frank], database: [vault, safe], class: [FUNCTION, ROLE], command: [GRANT, REVOKE], schema: [keep, hold], relation: [gold, silver], reason: the vault, owner: security}
  - {severity: low, schema: [reference], reason: lists of countries, owner: data}
canaries:
  - {class: READ, command: SELECT, object_type: TABLE, object: public.orders, statement: select * from orders}
exclusions:
  - id: probe
    title: The pool's probe
    reason: the whole text is one constant, and nothing is read
    owner: data
    created: 2026-11-22
    expires: 2027-03-01
    max_silenced_share: 0.1
    accepted_risk: {reason: until the pool is gone, owner: security, until: 2026-12-31}
    environments: all
    match: {class: READ, statement: {equals: select 1}}
    samples:
      silences: [{class: READ, command: SELECT, statement: select 1}]
      stays_loud: [{class: READ, command: SELECT, statement: select 2}, {class: READ, command: SELECT, statement: select 3}]
";

const PROD: &str = "version: 1
base: false
provider: aws
account: '123456789012'
region: eu-central-1
assume_role: arn:aws:iam::123456789012:role/vigil
clusters: [orders, billing]
instances: [legacy]
databases: {orders: {from_env: ORDERS}}
log_line_prefix: '%t:%r:%u@%d:[%p]:'
engine: monitor
monitor:
  schedule: rate(5 minutes)
  settle_seconds: 120
  late_arrival_minutes: 15
  memory_mb: 256
  timeout_seconds: 120
  reserved_concurrency: 1
  namespace: A/B
  metrics: [command, user]
signals:
  dml: {threshold: 1}
  privilege: {threshold: 2}
  schema: {threshold: 3}
  audit_tampering: {threshold: 4}
  denied: {threshold: 5}
notifications:
  email: [dba@example.com, it@example.com]
  https: [{from_env: INCIDENT}, {from_secret: other}]
  chat: true
  routes:
    - {email: [data@example.com], severity: [high, critical], owner: [data]}
    - {email: [shop@example.com], team: [shop]}
retention_days: 365
monitor_retention_days: 365
log_deletion_protection: true
permissions_boundary: arn:aws:iam::123456789012:policy/one
";

const DEV: &str = "version: 1\nprovider: local\nfolder: live\nclusters: [dev]\n";

fn load(rules: &str, prod: &str) -> Loaded {
    load_from([
        ("rules/rules.yaml", rules),
        ("environments/prod.yaml", prod),
        ("environments/dev.yaml", DEV),
    ])
}

fn hear(base: &Loaded, head: &Loaded) -> Hearing {
    compare(&Ground {
        base: &base.policy,
        head: &head.policy,
        environment: "prod",
        called: "prod",
        today: TODAY,
    })
}

/// A key, what stands in the files, what stands there after the change, and what is heard then.
const EDITS: &[(&str, &str, &str, Hears)] = &[
    (
        "audit",
        "  log: [read, write, function, ddl]",
        "  log: [ddl]",
        Hears::Less,
    ),
    (
        "audit/log",
        "[read, write, function, ddl]",
        "[read, write, function]",
        Hears::Less,
    ),
    (
        "audit/log",
        "[read, write, function, ddl]",
        "[all]",
        Hears::More,
    ),
    (
        "audit/log",
        "[read, write, function, ddl]",
        "[read, write, function, role]",
        Hears::NotComparable,
    ),
    (
        "audit/log_relation",
        "  log_relation: true\n",
        "  log_relation: false\n",
        Hears::Less,
    ),
    (
        "audit/log_catalog",
        "  log_catalog: true\n",
        "  log_catalog: false\n",
        Hears::Less,
    ),
    (
        "audit/log_parameter",
        "  log_parameter: true\n",
        "  log_parameter: false\n",
        Hears::Less,
    ),
    (
        "audit/log_statement_once",
        "  log_statement_once: false\n",
        "  log_statement_once: true\n",
        Hears::NotComparable,
    ),
    (
        "users",
        "  - {role: alice, owner: shop, environments: all}\n",
        "",
        Hears::Less,
    ),
    (
        "users/role",
        "{role: alice,",
        "{role: alicia,",
        Hears::NotComparable,
    ),
    (
        "users/environments",
        "{role: alice, owner: shop, environments: all}",
        "{role: alice, owner: shop, environments: [dev]}",
        Hears::Less,
    ),
    ("users/environments", "[prod, dev]", "[dev]", Hears::Less),
    ("users/environments", "[prod, dev]", "all", Hears::Same),
    (
        "users/until",
        "until: 2027-06-30",
        "until: 2026-12-03",
        Hears::Less,
    ),
    (
        "users/until",
        "until: 2027-06-30",
        "until: 2026-12-01",
        Hears::Less,
    ),
    (
        "users/until",
        "until: 2027-06-30",
        "until: 2027-07-30",
        Hears::More,
    ),
    ("users/until", ", until: 2027-06-30", "", Hears::More),
    (
        "users/audit",
        "    audit: {log: [all],",
        "    audit: {log: [misc],",
        Hears::Less,
    ),
    (
        "users/audit/log",
        "{log: [all],",
        "{log: [read, write],",
        Hears::Less,
    ),
    (
        "users/audit/log_relation",
        "[all], log_relation: true",
        "[all], log_relation: false",
        Hears::Less,
    ),
    (
        "users/audit/log_catalog",
        "log_relation: true, log_catalog: true",
        "log_relation: true, log_catalog: false",
        Hears::Less,
    ),
    (
        "users/audit/log_parameter",
        "log_catalog: true, log_parameter: true",
        "log_catalog: true, log_parameter: false",
        Hears::Less,
    ),
    (
        "users/audit/log_statement_once",
        "log_statement_once: false}",
        "log_statement_once: true}",
        Hears::NotComparable,
    ),
    (
        "users/git",
        "[bob@example.com, b@example.com]",
        "[b@example.com]",
        Hears::Less,
    ),
    (
        "users/git",
        "[bob@example.com, b@example.com]",
        "[bob@example.com, b@example.com, c@example.com]",
        Hears::More,
    ),
    (
        "exclusions/samples",
        "stays_loud: [{class: READ, command: SELECT, statement: select 2}, ",
        "stays_loud: [",
        Hears::Less,
    ),
    (
        "assume_role",
        "role/vigil",
        "role/other",
        Hears::NotComparable,
    ),
    (
        "exclusions/expires",
        "expires: 2027-03-01\n    max_silenced_share: 0.1\n    accepted_risk: {reason: until the pool is gone, owner: security, until: 2026-12-31}",
        "expires: 2027-04-01\n    max_silenced_share: 0.1",
        Hears::NotComparable,
    ),
    (
        "exclusions/expires",
        "expires: 2027-03-01",
        "expires: 2026-12-20",
        Hears::More,
    ),
    (
        "exclusions/accepted_risk",
        "    accepted_risk: {reason: until the pool is gone, owner: security, until: 2026-12-31}\n",
        "",
        Hears::NotComparable,
    ),
    (
        "exclusions/accepted_risk/until",
        "until: 2026-12-31",
        "until: 2027-01-31",
        Hears::Less,
    ),
    (
        "exclusions/max_silenced_share",
        "    max_silenced_share: 0.1\n",
        "    max_silenced_share: 0.2\n",
        Hears::Less,
    ),
    (
        "exclusions/max_silenced_share",
        "    max_silenced_share: 0.1\n",
        "",
        Hears::Less,
    ),
    (
        "limits",
        "limits:\n  max_life_days: 366\n  max_accepted_days: 60\n  max_silenced_share: 0.5\n  max_exclusion_share: 0.4\n  approvals: 1\n  approvals_when_widened: 2\n  max_grant_hours: 72\n",
        "",
        Hears::Less,
    ),
    (
        "limits/max_life_days",
        "max_life_days: 366",
        "max_life_days: 400",
        Hears::Less,
    ),
    (
        "limits/max_grant_hours",
        "max_grant_hours: 72",
        "max_grant_hours: 73",
        Hears::Less,
    ),
    (
        "limits/max_accepted_days",
        "max_accepted_days: 60",
        "max_accepted_days: 70",
        Hears::Less,
    ),
    (
        "limits/max_silenced_share",
        "  max_silenced_share: 0.5",
        "  max_silenced_share: 0.6",
        Hears::Less,
    ),
    (
        "limits/max_exclusion_share",
        "  max_exclusion_share: 0.4\n",
        "",
        Hears::Less,
    ),
    (
        "limits/approvals",
        "approvals: 1",
        "approvals: 0",
        Hears::Less,
    ),
    (
        "limits/approvals_when_widened",
        "approvals_when_widened: 2",
        "approvals_when_widened: 1",
        Hears::Less,
    ),
    (
        "protected",
        "  - {user: [breaker, second], reason: the glass, owner: security}\n",
        "",
        Hears::Less,
    ),
    (
        "protected/user",
        "[breaker, second]",
        "[breaker]",
        Hears::Less,
    ),
    (
        "protected/user",
        "[breaker, second]",
        "[breaker, second, third]",
        Hears::More,
    ),
    ("protected/database", "[shop, other]", "[shop]", Hears::Less),
    (
        "protected/class",
        "class: [WRITE]",
        "class: [READ]",
        Hears::NotComparable,
    ),
    (
        "protected/command",
        "[DELETE, UPDATE]",
        "[DELETE]",
        Hears::Less,
    ),
    ("protected/schema", "[public, app]", "[public]", Hears::Less),
    (
        "protected/relation",
        "[cards, keys]",
        "[cards]",
        Hears::Less,
    ),
    (
        "sensitivity",
        "  - {severity: low, schema: [reference], reason: lists of countries, owner: data}\n",
        "",
        Hears::More,
    ),
    (
        "sensitivity/severity",
        "severity: critical",
        "severity: high",
        Hears::Less,
    ),
    (
        "sensitivity/severity",
        "severity: low",
        "severity: medium",
        Hears::More,
    ),
    (
        "sensitivity/signal",
        "signal: [dml, schema]",
        "signal: [dml]",
        Hears::Less,
    ),
    ("sensitivity/user", "[erin, frank]", "[erin]", Hears::Less),
    (
        "sensitivity/user",
        "[erin, frank]",
        "[erin, frank, grace]",
        Hears::More,
    ),
    (
        "sensitivity/database",
        "[vault, safe]",
        "[vault]",
        Hears::Less,
    ),
    (
        "sensitivity/class",
        "class: [FUNCTION, ROLE]",
        "class: [FUNCTION, READ]",
        Hears::NotComparable,
    ),
    (
        "sensitivity/command",
        "[GRANT, REVOKE]",
        "[GRANT]",
        Hears::Less,
    ),
    ("sensitivity/schema", "[keep, hold]", "[keep]", Hears::Less),
    (
        "sensitivity/schema",
        "schema: [reference]",
        "schema: [reference, public2]",
        Hears::Less,
    ),
    (
        "sensitivity/relation",
        "[gold, silver]",
        "[gold]",
        Hears::Less,
    ),
    (
        "canaries",
        "canaries:\n  - {class: READ, command: SELECT, object_type: TABLE, object: public.orders, statement: select * from orders}\n",
        "",
        Hears::Less,
    ),
    (
        "canaries",
        "statement: select * from orders",
        "statement: select id from orders",
        Hears::NotComparable,
    ),
    ("base", "base: false", "base: true", Hears::Less),
    (
        "provider",
        "provider: aws\naccount: '123456789012'\nregion: eu-central-1\n",
        "provider: local\nfolder: live\n",
        Hears::NotComparable,
    ),
    (
        "account",
        "'123456789012'",
        "'123456789013'",
        Hears::NotComparable,
    ),
    ("region", "eu-central-1", "eu-west-1", Hears::NotComparable),
    (
        "folder",
        "provider: aws\naccount: '123456789012'\nregion: eu-central-1\n",
        "provider: local\nfolder: other\n",
        Hears::NotComparable,
    ),
    ("clusters", "[orders, billing]", "[orders]", Hears::Less),
    (
        "clusters",
        "[orders, billing]",
        "[orders, billing, more]",
        Hears::More,
    ),
    (
        "clusters",
        "[orders, billing]",
        "[orders, more]",
        Hears::NotComparable,
    ),
    ("instances", "instances: [legacy]\n", "", Hears::Less),
    (
        "databases",
        "databases: {orders: {from_env: ORDERS}}\n",
        "",
        Hears::Less,
    ),
    (
        "databases",
        "from_env: ORDERS",
        "from_env: OTHERS",
        Hears::NotComparable,
    ),
    (
        "log_line_prefix",
        "'%t:%r:%u@%d:[%p]:'",
        "'%m:%r:%u@%d:[%p]:%l:%e:%s:%v:%x:%c:%q%a:'",
        Hears::NotComparable,
    ),
    (
        "engine",
        "engine: monitor",
        "engine: log-alarm",
        Hears::NotComparable,
    ),
    (
        "monitor",
        "  settle_seconds: 120\n  late_arrival_minutes: 15\n",
        "  settle_seconds: 120\n  late_arrival_minutes: 5\n",
        Hears::Less,
    ),
    (
        "monitor/schedule",
        "rate(5 minutes)",
        "rate(10 minutes)",
        Hears::Less,
    ),
    (
        "monitor/schedule",
        "rate(5 minutes)",
        "rate(1 minute)",
        Hears::NotComparable,
    ),
    (
        "monitor/settle_seconds",
        "settle_seconds: 120",
        "settle_seconds: 0",
        Hears::NotComparable,
    ),
    (
        "monitor/late_arrival_minutes",
        "late_arrival_minutes: 15",
        "late_arrival_minutes: 0",
        Hears::Less,
    ),
    (
        "monitor/memory_mb",
        "memory_mb: 256",
        "memory_mb: 128",
        Hears::Less,
    ),
    (
        "monitor/timeout_seconds",
        "timeout_seconds: 120",
        "timeout_seconds: 1",
        Hears::Less,
    ),
    (
        "monitor/reserved_concurrency",
        "reserved_concurrency: 1",
        "reserved_concurrency: none",
        Hears::Less,
    ),
    (
        "monitor/reserved_concurrency",
        "reserved_concurrency: 1",
        "reserved_concurrency: 2",
        Hears::More,
    ),
    (
        "monitor/namespace",
        "namespace: A/B",
        "namespace: A/C",
        Hears::NotComparable,
    ),
    (
        "monitor/metrics",
        "[command, user]",
        "[command]",
        Hears::Less,
    ),
    (
        "monitor/metrics",
        "[command, user]",
        "[command, user, suppressed]",
        Hears::More,
    ),
    (
        "signals",
        "  privilege: {threshold: 2}\n  schema: {threshold: 3}\n",
        "",
        Hears::Less,
    ),
    (
        "signals/dml",
        "dml: {threshold: 1}",
        "dml: {threshold: 100000}",
        Hears::Less,
    ),
    (
        "signals/dml/threshold",
        "threshold: 1}",
        "threshold: 0}",
        Hears::More,
    ),
    (
        "signals/privilege",
        "  privilege: {threshold: 2}\n",
        "",
        Hears::Less,
    ),
    (
        "signals/privilege/threshold",
        "threshold: 2}",
        "threshold: 9}",
        Hears::Less,
    ),
    (
        "signals/schema",
        "  schema: {threshold: 3}\n",
        "",
        Hears::Less,
    ),
    (
        "signals/schema/threshold",
        "threshold: 3}",
        "threshold: 9}",
        Hears::Less,
    ),
    (
        "signals/audit_tampering",
        "  audit_tampering: {threshold: 4}\n",
        "",
        Hears::Less,
    ),
    (
        "signals/audit_tampering/threshold",
        "threshold: 4}",
        "threshold: 9}",
        Hears::Less,
    ),
    (
        "signals/denied",
        "  denied: {threshold: 5}\n",
        "",
        Hears::Less,
    ),
    (
        "signals/denied/threshold",
        "threshold: 5}",
        "threshold: 9}",
        Hears::Less,
    ),
    (
        "notifications",
        "  email: [dba@example.com, it@example.com]\n  https: [{from_env: INCIDENT}, {from_secret: other}]\n",
        "  email: [dba@example.com]\n",
        Hears::Less,
    ),
    ("notifications/chat", "  chat: true\n", "", Hears::Less),
    (
        "notifications/routes",
        "    - {email: [shop@example.com], team: [shop]}\n",
        "",
        Hears::Less,
    ),
    (
        "notifications/routes",
        "severity: [high, critical], owner",
        "severity: [critical], owner",
        Hears::Less,
    ),
    (
        "notifications/routes",
        "severity: [high, critical], owner",
        "owner",
        Hears::More,
    ),
    (
        "notifications/routes",
        "severity: [high, critical], owner",
        "severity: [medium, critical], owner",
        Hears::NotComparable,
    ),
    (
        "users/team",
        "{role: alice, owner: shop, environments: all}",
        "{role: alice, owner: shop, team: shop, environments: all}",
        Hears::NotComparable,
    ),
    (
        "users/owner",
        "{role: bob, owner: data,",
        "{role: bob, owner: shop,",
        Hears::NotComparable,
    ),
    (
        "notifications/email",
        "[dba@example.com, it@example.com]",
        "[dba@example.com]",
        Hears::Less,
    ),
    (
        "notifications/email",
        "it@example.com",
        "them@example.com",
        Hears::NotComparable,
    ),
    (
        "notifications/https",
        "{from_env: INCIDENT}, ",
        "",
        Hears::Less,
    ),
    (
        "notifications/https",
        ", {from_secret: other}",
        "",
        Hears::Less,
    ),
    (
        "retention_days",
        "\nretention_days: 365",
        "\nretention_days: 1",
        Hears::Less,
    ),
    (
        "retention_days",
        "\nretention_days: 365",
        "\nretention_days: 3653",
        Hears::More,
    ),
    (
        "monitor_retention_days",
        "monitor_retention_days: 365",
        "monitor_retention_days: 30",
        Hears::Less,
    ),
    (
        "log_deletion_protection",
        "\nlog_deletion_protection: true",
        "",
        Hears::Less,
    ),
    (
        "permissions_boundary",
        "policy/one",
        "policy/two",
        Hears::NotComparable,
    ),
    (
        "permissions_boundary",
        "\npermissions_boundary: arn:aws:iam::123456789012:policy/one",
        "",
        Hears::NotComparable,
    ),
];

#[test]
fn every_key_that_is_heard_has_a_direction() {
    let base = load(POLICY, PROD);
    assert_eq!(base.diagnostics.errors(), 0, "{:?}", base.diagnostics);
    assert_eq!(hear(&base, &base), Hearing::default());
    for (key, from, to, expected) in EDITS {
        let (rules, prod) = (POLICY.replacen(from, to, 1), PROD.replacen(from, to, 1));
        assert!(
            (rules != POLICY) != (prod != PROD),
            "{key}: {from} stands in neither file, or in both"
        );
        let head = load(&rules, &prod);
        let found = hear(&base, &head);
        assert_eq!(found.direction, *expected, "{key}: {to}: {found:#?}");
        for change in &found.changes {
            assert!(
                !change.sentence.contains('{') && !change.sentence.is_empty(),
                "{}",
                change.sentence
            );
        }
        // The way back is the other way round, unless the end of an entry has passed by then.
        let back = hear(&head, &base).direction;
        let is_turned = back == expected.turned()
            || (back, *expected) == (Hears::NotComparable, Hears::Less)
            || (back, *expected) == (Hears::Less, Hears::NotComparable)
            // More samples are no more than a promise.
            || *key == "exclusions/samples";
        assert!(is_turned, "{key}: back from {to}: {back:?}");
    }
    let edited: BTreeSet<&str> = EDITS.iter().map(|(key, ..)| *key).collect();
    let heard: BTreeSet<&str> = RULES
        .iter()
        .chain(ENVIRONMENT)
        .filter(|(_, what)| *what == Key::Heard)
        .map(|(key, _)| *key)
        .collect();
    assert_eq!(edited, heard);
}

/// The routes of a schema: keys, joined by slashes.
fn routes(root: &Value, node: &Value, at: &str, found: &mut BTreeSet<String>, depth: usize) {
    if depth > 24 {
        return;
    }
    if let Some(reference) = node["$ref"].as_str() {
        let definition = &root["$defs"][reference.trim_start_matches("#/$defs/")];
        routes(root, definition, at, found, depth + 1);
    }
    for several in ["anyOf", "oneOf", "allOf"] {
        for one in node[several].as_array().into_iter().flatten() {
            routes(root, one, at, found, depth + 1);
        }
    }
    routes_of_items(root, &node["items"], at, found, depth);
    for (key, below) in node["properties"].as_object().into_iter().flatten() {
        let route = if at.is_empty() {
            key.clone()
        } else {
            format!("{at}/{key}")
        };
        let is_whole = WHOLE.contains(&route.as_str());
        found.insert(route.clone());
        if !is_whole {
            routes(root, below, &route, found, depth + 1);
        }
    }
}

fn routes_of_items(
    root: &Value,
    items: &Value,
    at: &str,
    found: &mut BTreeSet<String>,
    depth: usize,
) {
    if !items.is_null() {
        routes(root, items, at, found, depth + 1);
    }
}

/// A key that somebody adds to the files is in the list, or this fails.
#[test]
fn every_key_of_the_files_is_listed() {
    let lists = [RULES, ENVIRONMENT, ACCESS, NOTES];
    assert_eq!(lists.len(), schema::schemas().len());
    for (list, (path, text)) in lists.into_iter().zip(schema::schemas()) {
        let root: Value = serde_json::from_str(&text).unwrap();
        let mut found = BTreeSet::new();
        routes(&root, &root, "", &mut found, 0);
        let listed: BTreeSet<String> = list.iter().map(|(key, _)| (*key).to_owned()).collect();
        assert_eq!(listed.len(), list.len(), "{path}: a key is listed twice");
        assert_eq!(found, listed, "{path}");
    }
}

#[test]
fn people_who_lose_the_same_are_told_in_one_sentence() {
    let base = load(POLICY, PROD);
    let head = load(
        &POLICY.replace("log: [read, write, function, ddl]", "log: [ddl]"),
        PROD,
    );
    let sentences: Vec<String> = hear(&base, &head)
        .changes
        .iter()
        .map(HearingChange::told)
        .collect();
    assert_eq!(
        sentences,
        ["alice and bob: the classes FUNCTION, READ and WRITE are no longer logged in prod"]
    );
    let head = load(
        &POLICY.replace("until: 2027-06-30", "until: 2026-12-02"),
        PROD,
    );
    assert_eq!(
        hear(&base, &head).changes[0].sentence,
        "bob is no longer audited in prod from 3 December 2026; before, it was from 1 July 2027"
    );
}

/// What a policy may hold, each piece on its own.
const SIGNALS: [&str; 4] = [
    "  privilege: {}\n",
    "  schema: {}\n",
    "  audit_tampering: {}\n",
    "  denied: {}\n",
];
const ACCOUNTS: [&str; 3] = [
    "  - {role: shop, reason: its own program, owner: shop, environments: all}\n",
    "  - {pattern: 'w_[0-9]+', reason: numbered workers, owner: shop, environments: all}\n",
    "  - {role: w_1, reason: the first worker, owner: shop, environments: [prod]}\n",
];
const MATCHES: [&str; 5] = [
    "{class: READ, command: SELECT, schema: public, relation: [orders]}",
    "{class: READ, command: SELECT, schema: public, relation: [orders, customers]}",
    "{class: [READ, WRITE], schema: public}",
    "{class: READ, statement: {equals: select 1}}",
    "{user: alice, class: READ, statement: {equals: [select 1, select 2]}}",
];

fn made(pieces: &[bool]) -> Loaded {
    let mut rules =
        "version: 1\nusers:\n  - {role: alice, owner: shop, environments: all}\n".to_owned();
    let mut prod =
        "version: 1\nprovider: local\nfolder: live\nclusters: [shop]\nsignals:\n  dml: {}\n"
            .to_owned();
    let (signals, rest) = pieces.split_at(SIGNALS.len());
    let (accounts, rest) = rest.split_at(ACCOUNTS.len());
    let (matches, rest) = rest.split_at(MATCHES.len());
    let chosen = |all: &[&str], which: &[bool]| -> Vec<(usize, String)> {
        all.iter()
            .zip(which)
            .enumerate()
            .filter(|(_, (_, is_in))| **is_in)
            .map(|(index, (text, _))| (index, (*text).to_owned()))
            .collect()
    };
    for (_, signal) in chosen(&SIGNALS, signals) {
        prod.push_str(&signal);
    }
    let accounts = chosen(&ACCOUNTS, accounts);
    if !accounts.is_empty() {
        rules.push_str("service_accounts:\n");
        for (_, account) in accounts {
            rules.push_str(&account);
        }
    }
    let matches = chosen(&MATCHES, matches);
    if !matches.is_empty() {
        rules.push_str("exclusions:\n");
    }
    for (index, matcher) in matches {
        rules.push_str(&format!(
            "  - id: e{index}\n    title: t\n    reason: r\n    owner: o\n    created: 2026-11-01\n    expires: 2027-10-01\n    \
             environments: all\n    match: {matcher}\n"
        ));
    }
    if rest[0] {
        rules.push_str("protected:\n  - {user: alice, reason: the glass, owner: security}\n");
    }
    if rest[1] {
        prod.push_str("exclusions: [e0, e3]\n");
    }
    load_from([
        ("rules/rules.yaml", rules),
        ("environments/prod.yaml", prod),
    ])
}

/// Records of every kind that the pieces tell apart.
fn records() -> Vec<String> {
    let mut entries = Vec::new();
    for user in ["alice", "bob", "shop", "w_1", "w_2"] {
        for (class, command) in [
            ("READ", "SELECT"),
            ("WRITE", "DELETE"),
            ("ROLE", "GRANT"),
            ("DDL", "CREATE TABLE"),
            ("MISC", "SET"),
        ] {
            for (kind, object) in [
                ("TABLE", "public.orders"),
                ("TABLE", "public.customers"),
                ("TABLE", "app.orders"),
                ("", ""),
            ] {
                for text in ["select 1", "select 2", "set pgaudit.log = none"] {
                    entries.push(format!(
                        "2026-12-02 06:55:28 UTC:10.0.1.123(50322):{user}@shop:[24298]:LOG:  AUDIT: \
                         SESSION,1,1,{class},{command},{kind},{object},{text},<not logged>"
                    ));
                }
            }
        }
        entries.push(format!(
            "2026-12-02 06:55:28 UTC:10.0.1.123(50322):{user}@shop:[24298]:ERROR:  permission denied for table orders"
        ));
    }
    entries
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, failure_persistence: None, ..ProptestConfig::default() })]

    /// For any change of what the judge reads, the direction is what it says of records: what falls silent is never "the
    /// same" and never narrower, what wakes is never "the same".
    #[test]
    fn the_judge_says_what_the_direction_says(
        before in prop::collection::vec(any::<bool>(), 14),
        changed in prop::collection::vec(0..14_usize, 1..3),
    ) {
        let mut after = before.clone();
        for index in changed {
            after[index] = !after[index];
        }
        let (base, head) = (made(&before), made(&after));
        let judge = |loaded: &Loaded| {
            let environment = loaded.policy.environment("prod").unwrap();
            Judge::new(&Rules::of(&loaded.policy, environment))
        };
        let (old, new) = (judge(&base), judge(&head));
        let mut scratch = (Scratch::default(), Scratch::default());
        let (mut falls_silent, mut wakes) = (None, None);
        for entry in records() {
            let was = old.verdict(&mut scratch.0, entry.as_bytes()) == Judged::Counted;
            let is = new.verdict(&mut scratch.1, entry.as_bytes()) == Judged::Counted;
            if was && !is {
                falls_silent = Some(entry);
            } else if is && !was {
                wakes = Some(entry);
            }
        }
        let silences = direction::compare(&base.policy, &head.policy, "prod", TODAY).overall;
        let hearing = hear(&base, &head);
        let verdict = together(silences, hearing.direction);
        if let Some(entry) = falls_silent {
            prop_assert!(verdict.may_silence_more(), "{verdict:?} and {entry} falls silent");
        }
        if let Some(entry) = wakes {
            prop_assert!(verdict != Verdict::Unchanged, "{entry} wakes");
        }
    }
}
