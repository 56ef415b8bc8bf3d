//! The engine `log-alarm` on AWS: from nothing to applied, edited by hand, healed, taken down, and from one engine to
//! the other and back.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests may panic"
)]

use std::collections::BTreeSet;
use std::fs;

use serde_json::Value;

use crate::aws_fields::drift;
use crate::aws_world::{APPLY, World};

/// Python that makes a call which botocore does not know, as the SDK does: `put(NAME, change)` edits a log alarm.
const CALLS: &str = r#"
import cbor2, os, urllib.request
def call(operation, asked):
    request = urllib.request.Request(
        os.environ["AWS_ENDPOINT_URL"] + "/service/GraniteServiceVersion20100801/operation/" + operation,
        data=cbor2.dumps(asked),
        headers={
            "smithy-protocol": "rpc-v2-cbor",
            "Authorization": "AWS4-HMAC-SHA256 Credential=test/20260101/eu-central-1/monitoring/aws4_request, SignedHeaders=host, Signature=0",
        },
    )
    return cbor2.loads(urllib.request.urlopen(request).read())
def alarms():
    return {a["AlarmName"]: a for a in call("DescribeAlarms", {"AlarmTypes": ["LogAlarm"]})["LogAlarms"]}
def put(ending, change):
    [alarm] = [a for name, a in alarms().items() if name.endswith(ending)]
    own = ("State", "AlarmArn", "AlarmConfigurationUpdatedTimestamp", "EvaluationState")
    asked = {key: value for key, value in alarm.items() if not key.startswith(own)}
    change(asked)
    call("PutLogAlarm", asked)
def state(ending, value, reason):
    [name] = [name for name in alarms() if name.endswith(ending)]
    call("SetAlarmState", {"AlarmName": name, "StateValue": value, "StateReason": reason})
"#;

fn world() -> World {
    let world = World::new(&["orders"]);
    engine(&world, "log-alarm");
    world
}

/// Writes which engine the environment has.
fn engine(world: &World, engine: &str) {
    let path = world.root().join("environments/prod.yaml");
    let text = fs::read_to_string(&path).unwrap();
    let kept: Vec<&str> = text
        .lines()
        .filter(|line| !line.starts_with("engine:"))
        .collect();
    fs::write(path, format!("{}\nengine: {engine}\n", kept.join("\n"))).unwrap();
}

fn by_hand(world: &World, code: &str) -> String {
    world.by_hand(&format!("{CALLS}{code}"))
}

fn addresses(report: &Value, verdict: &str) -> BTreeSet<String> {
    report["drift"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|one| one["verdict"] == verdict)
        .map(|one| one["address"].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn a_plan_after_an_apply_is_empty_and_no_lambda_is_called() {
    let world = world();
    let (code, text) = world.run(&["apply", "--env", "prod", "--auto-approve"]);
    assert_eq!(code, 0, "{text}");
    assert!(
        text.contains("-log-dml") && text.contains("-log-heartbeat"),
        "{text}"
    );
    let (code, text) = world.run(&["plan", "--env", "prod", "--detailed-exitcode"]);
    assert_eq!(code, 0, "{text}");
    let writes: Vec<String> = world
        .moto
        .calls()
        .into_iter()
        .filter(|call| call.writes)
        .map(|call| format!("{}:{}", call.service.unwrap_or_default(), call.operation))
        .collect();
    assert!(
        !writes
            .iter()
            .any(|call| call.starts_with("lambda") || call.starts_with("events")),
        "{writes:?}"
    );
    // The topic, its key and the role stand before the first alarm.
    let first = |name: &str| writes.iter().position(|call| call == name).unwrap();
    for before in ["sns:CreateTopic", "kms:CreateKey", "iam:PutRolePolicy"] {
        assert!(
            first(before) < first("monitoring:PutLogAlarm"),
            "{writes:?}"
        );
    }
    let live = by_hand(&world, "print(json.dumps(alarms(), default=str))");
    let live: Value = serde_json::from_str(&live).unwrap();
    let dml = live
        .as_object()
        .unwrap()
        .iter()
        .find(|(name, _)| name.ends_with("-log-dml"))
        .unwrap()
        .1;
    assert_eq!(dml["ActionLogLineCount"], 0);
    let query = &dml["ScheduledQueryConfiguration"];
    assert_eq!(
        query["AggregationExpression"],
        "count(*) by user, database | sort desc"
    );
    assert_eq!(
        query["ScheduleConfiguration"]["ScheduleExpression"],
        "rate(5 minutes)"
    );
    // 120 seconds to settle; behind them five minutes, and 15 for what is late.
    assert_eq!(query["ScheduleConfiguration"]["EndTimeOffset"], 120);
    assert_eq!(
        query["ScheduleConfiguration"]["StartTimeOffset"],
        120 + 300 + 900
    );
    assert_eq!(dml["TreatMissingData"], "notBreaching");
}

/// What somebody can edit by hand, as code and as the field that drift names.
const EDITS: &[(&str, &str)] = &[
    (
        "a['ScheduledQueryConfiguration'].update(QueryString='filter 1 = 2')",
        "query",
    ),
    (
        "a['ScheduledQueryConfiguration'].update(AggregationExpression='count(*)')",
        "aggregation",
    ),
    (
        "a['ScheduledQueryConfiguration'].update(LogGroupIdentifiers=['/aws/rds/cluster/other/postgresql'])",
        "log_groups",
    ),
    (
        "a['ScheduledQueryConfiguration']['ScheduleConfiguration'].update(ScheduleExpression='rate(1 hour)')",
        "schedule",
    ),
    (
        "a['ScheduledQueryConfiguration']['ScheduleConfiguration'].update(StartTimeOffset=300)",
        "start_offset_seconds",
    ),
    (
        "a['ScheduledQueryConfiguration']['ScheduleConfiguration'].update(EndTimeOffset=0)",
        "end_offset_seconds",
    ),
    ("a.update(QueryResultsToEvaluate=5)", "results_to_evaluate"),
    (
        "a.update(QueryResultsToEvaluate=5, QueryResultsToAlarm=5)",
        "results_to_alarm",
    ),
    ("a.update(Threshold=1000.0)", "threshold"),
    (
        "a.update(ComparisonOperator='LessThanThreshold')",
        "comparison",
    ),
    ("a.update(TreatMissingData='ignore')", "missing_data"),
    ("a.update(AlarmActions=[])", "alarm_actions"),
    ("a.update(OKActions=[])", "ok_actions"),
    (
        "a.update(InsufficientDataActions=[])",
        "insufficient_data_actions",
    ),
    ("a.update(ActionsEnabled=False)", "actions_enabled"),
    ("a.update(AlarmDescription='quiet')", "description"),
    (
        "a.update(ActionLogLineCount=50, ActionLogLineRoleArn='arn:aws:iam::123456789012:role/x')",
        "message_lines.count",
    ),
    (
        "a.update(WarmUpConfiguration={'WarmUpPeriodDurationInMinutes': 1440})",
        "warm_up",
    ),
];

#[test]
fn every_edit_by_hand_is_named_and_healed() {
    let world = world();
    let apply = ["apply", "--env", "prod", "--auto-approve"];
    assert_eq!(world.run(&apply).0, 0);
    for (edit, field) in EDITS {
        by_hand(
            &world,
            &format!("def change(a): {edit}\nput('-log-dml', change)\n"),
        );
        let (code, report) = drift(&world);
        assert_eq!(code, 13, "{edit}: {report}");
        let found = &report["drift"][0];
        assert!(
            found["address"].as_str().unwrap().ends_with("-log-dml"),
            "{report}"
        );
        let fields: Vec<&str> = found["changes"]
            .as_array()
            .unwrap()
            .iter()
            .map(|change| change["path"].as_str().unwrap())
            .collect();
        assert!(
            fields.iter().any(|path| path.starts_with(field)),
            "{edit}: {fields:?}"
        );
        let (code, text) = world.run(&apply);
        assert_eq!(code, 0, "{edit}: {text}");
        assert_eq!(drift(&world).0, 0, "{edit}");
    }
    // Deleted by hand, and somebody's own beside ours.
    by_hand(
        &world,
        "[name] = [n for n in alarms() if n.endswith('-log-heartbeat')]\ncall('DeleteAlarms', {'AlarmNames': [name]})\n\
         put('-log-dml', lambda a: a.update(AlarmName=a['AlarmName'] + '-more'))",
    );
    let (code, report) = drift(&world);
    assert_eq!(code, 13, "{report}");
    assert_eq!(addresses(&report, "missing").len(), 1, "{report}");
    let extra = addresses(&report, "extra");
    assert_eq!(extra.len(), 1, "{report}");
    let extra = extra.first().unwrap();
    assert!(
        extra.starts_with("orders/log-alarm/") && extra.ends_with("-more"),
        "{extra}"
    );
    let (code, text) = world.run(&[
        "apply",
        "--env",
        "prod",
        "--auto-approve",
        "--allow-delete",
        "1",
        "--prune",
        extra,
    ]);
    assert_eq!(code, 0, "{text}");
    assert_eq!(drift(&world).0, 0);
}

#[test]
fn destroy_takes_it_down() {
    let world = world();
    assert_eq!(
        world.run(&["apply", "--env", "prod", "--auto-approve"]).0,
        0
    );
    let (code, text) = world.run(&[
        "destroy",
        "--env",
        "prod",
        "--auto-approve",
        "--also",
        "key,topic",
    ]);
    assert_eq!(code, 0, "{text}");
    assert_eq!(by_hand(&world, "print(alarms())").trim(), "{}");
    let roles = by_hand(
        &world,
        "print([r['RoleName'] for r in client('iam').list_roles()['Roles']])",
    );
    assert!(!roles.contains("pgvigil"), "{roles}");
}

/// From one engine to the other: the new alarm stands before the old one goes, nothing is forgotten, and nothing goes
/// that nobody named.
#[test]
fn an_environment_changes_its_engine() {
    let world = World::new(&["orders"]);
    world.apply();
    engine(&world, "log-alarm");
    let (code, text) = world.run(&["plan", "--env", "prod"]);
    assert_eq!(code, 0, "{text}");
    assert!(!text.contains("drifted:"), "the change is ours: {text}");
    let (code, text) = world.run(APPLY);
    assert!([0, 15].contains(&code), "{text}");
    // What is as it was last applied, and no file asks for, is the repository's move.
    let (code, report) = drift(&world);
    assert_eq!(code, 12, "{report}");
    let left = addresses(&report, "extra");
    let kinds: BTreeSet<&str> = left
        .iter()
        .map(|address| address.split('/').nth(1).unwrap())
        .collect();
    assert_eq!(
        kinds,
        BTreeSet::from([
            "alarm",
            "event-rule",
            "event-target",
            "iam-role",
            "iam-role-policy",
            "lambda-function",
            "lambda-permission",
            "log-group",
            "policy-layer",
            "saved-query"
        ]),
        "{left:?}"
    );
    // Both engines watch until the old one is named.
    let before = world.moto.calls().len();
    let count = (left.len() - 1).to_string();
    let (code, text) = world.run(&[
        "apply",
        "--env",
        "prod",
        "--auto-approve",
        "--allow-delete",
        &count,
        "--prune",
        "orders/*",
        "--prune",
        "_environment/*",
    ]);
    assert!([0, 15].contains(&code), "{text}");
    let (_, report) = drift(&world);
    let left = addresses(&report, "extra");
    // The log of the monitor is the record of what was detected.
    assert_eq!(left.len(), 1, "{left:?}");
    assert!(left.first().unwrap().contains("/log-group/"), "{left:?}");
    let deleted: Vec<String> = world.moto.calls()[before..]
        .iter()
        .filter(|call| call.writes)
        .map(|call| call.operation.clone())
        .collect();
    let at = |name: &str| deleted.iter().position(|call| call == name).unwrap();
    // What starts the monitor goes before what it needs.
    assert!(at("RemoveTargets") < at("DeleteFunction"), "{deleted:?}");
    assert!(at("DeleteFunction") < at("DeleteRole"), "{deleted:?}");

    // And back: the metric alarms stand again before the log alarms go.
    engine(&world, "monitor");
    let (code, text) = world.run(APPLY);
    assert!([0, 15].contains(&code), "{text}");
    let (_, report) = drift(&world);
    let left = addresses(&report, "extra");
    let kinds: BTreeSet<&str> = left
        .iter()
        .map(|address| address.split('/').nth(1).unwrap())
        .collect();
    assert_eq!(
        kinds,
        BTreeSet::from(["iam-role", "iam-role-policy", "log-alarm"]),
        "{left:?}"
    );
    let count = left.len().to_string();
    let (code, text) = world.run(&[
        "apply",
        "--env",
        "prod",
        "--auto-approve",
        "--allow-delete",
        &count,
        "--package",
        ".",
        "--prune",
        "orders/*",
    ]);
    assert_eq!(code, 0, "{text}");
    assert_eq!(drift(&world).0, 0);
}

/// Wherever an apply stops, the next one ends it.
#[test]
fn an_apply_that_stops_is_ended_by_the_next() {
    let world = world();
    let apply = ["apply", "--env", "prod", "--auto-approve"];
    assert_eq!(world.run(&apply).0, 0);
    let all = world.moto.calls().iter().filter(|call| call.writes).count();
    for skip in (0..all).step_by(3) {
        world.reset();
        world.moto.faults(&serde_json::json!([
            {"writes": true, "skip": skip, "times": 1, "status": 400, "code": "AccessDenied", "message": "no"}
        ]));
        let (code, text) = world.run(&apply);
        assert!(
            [1, 15].contains(&code) || (code == 0 && skip + 3 >= all),
            "{skip}: {text}"
        );
        world.moto.faults(&serde_json::json!([]));
        let (code, text) = world.run(&apply);
        assert_eq!(code, 0, "{skip}: {text}");
        let (code, report) = drift(&world);
        assert_eq!(code, 0, "{skip}: {report}");
    }
}

/// Somebody deletes the role, or a query fails: the doctor tells, and nothing that only a function has.
#[test]
fn the_doctor_knows_the_engine() {
    let world = world();
    assert_eq!(
        world.run(&["apply", "--env", "prod", "--auto-approve"]).0,
        0
    );
    by_hand(
        &world,
        "state('-log-dml', 'OK', 'fine')\nstate('-log-heartbeat', 'OK', 'fine')",
    );
    let checks = || {
        let output = world
            .command(&["doctor", "--env", "prod", "--format", "json"])
            .output()
            .unwrap();
        let report: Value = serde_json::from_slice(&output.stdout).unwrap();
        report["clusters"][0]["checks"].as_array().unwrap().clone()
    };
    let verdict = |checks: &[Value], id: &str| {
        let check = checks.iter().find(|check| check["id"] == id).unwrap();
        check["verdict"].as_str().unwrap().to_owned()
    };
    let fine = checks();
    for id in [
        "alarms-present",
        "alarms-enabled",
        "alarms-tell",
        "alarms-metric",
        "alarms-state",
        "monitor-permissions",
    ] {
        assert_eq!(verdict(&fine, id), "ok", "{id}: {fine:#?}");
    }
    for id in [
        "rule",
        "target",
        "invoke-permission",
        "windows",
        "function",
        "function-active",
        "function-concurrency",
        "function-variables",
        "function-rules",
        "function-runs",
        "heartbeat",
        "monitor-log",
        "topic-admits-monitor",
        "key-admits-monitor",
    ] {
        assert_eq!(verdict(&fine, id), "skip", "{id}");
    }
    by_hand(
        &world,
        "state('-log-dml', 'INSUFFICIENT_DATA', 'EVALUATION_ERROR the role cannot be assumed')",
    );
    assert_eq!(verdict(&checks(), "alarms-state"), "fail");
    by_hand(
        &world,
        "state('-log-dml', 'OK', 'fine')\nput('-log-dml', lambda a: a['ScheduledQueryConfiguration'].update(QueryString='filter 1 = 2'))",
    );
    assert_eq!(verdict(&checks(), "alarms-metric"), "fail");
}
