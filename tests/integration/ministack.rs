//! A second emulator, which others than moto's authors wrote: what both take for AWS is less likely a mistake of one of them.
//!
//! It is tried where `PGVIGIL_MINISTACK` asks for it, as the workflow does each night: `tests/ministack/install`, then
//! `PGVIGIL_MINISTACK=1 cargo test --test integration ministack`. What it lacks, and what stands in for that, is listed in
//! `tests/ministack/lacking.py`.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "tests may panic, and say what they leave out"
)]

use serde_json::{Value, json};

use crate::aws_fields::{Edits, base, drift, is_about};
use crate::aws_world::World;
use crate::moto::Moto;

/// Edits by hand, by the resource and the field, as `tests/moto/edits.py` lists them.
const EDITS: &[(&str, &str)] = &[
    ("log-group/aws/lambda/BASE", "retention_days"),
    ("kms-key/BASE", "policy.*"),
    ("sns-topic/BASE", "policy.*"),
    ("iam-role-policy/BASE/monitor", "policy.*"),
    ("lambda-function/BASE", "memory_mb"),
    ("lambda-function/BASE", "reserved_concurrency"),
    ("alarm/BASE-human-dml", "threshold"),
    ("dashboard/BASE", "body.*"),
    ("lambda-permission", "source_arn"),
    ("event-rule/BASE", "state"),
];

/// Whether somebody asked for it; it says so where nobody did.
fn is_asked() -> bool {
    let asked = std::env::var("PGVIGIL_MINISTACK").is_ok_and(|value| !value.is_empty());
    if !asked {
        println!("not tried: PGVIGIL_MINISTACK=1 asks for it");
    }
    asked
}

const PLAN: &[&str] = &["plan", "--env", "prod", "--detailed-exitcode"];

#[test]
fn what_ministack_lacks_is_listed() {
    if !is_asked() {
        return;
    }
    let ministack = Moto::ministack();
    let answer: Value = serde_json::from_str(&ministack.http("GET", "/test/lacks", "")).unwrap();
    println!("stand-ins in front of ministack: {}", answer["lacks"]);
    assert_eq!(answer["learned"], json!([]), "take these off the list");
}

#[test]
fn on_ministack_an_environment_is_applied_edited_healed_and_taken_down() {
    if !is_asked() {
        return;
    }
    let world = World::on(Moto::ministack(), &["orders"]);
    let is_empty = |when: &str| {
        let (code, text) = world.run(PLAN);
        assert_eq!(code, 0, "{when}: {text}");
        let (code, report) = drift(&world);
        assert_eq!(code, 0, "{when}: {report}");
    };
    world.apply();
    is_empty("after the first apply");

    let base = base(&world);
    let mut edits = Edits::start(&world, &base);
    for (address, path) in EDITS {
        let address = address.replace("BASE", &base);
        let at = edits
            .table
            .iter()
            .position(|one| one.0 == address && one.1 == *path)
            .unwrap_or_else(|| panic!("no edit of {address} {path}"));
        edits.make(at);
        let (code, report) = drift(&world);
        assert_eq!(code, 13, "{address} {path}: {report}");
        let found = report["drift"].as_array().unwrap();
        assert!(
            found
                .iter()
                .any(|one| is_about(&address, one["address"].as_str().unwrap())),
            "{address} {path}: {report}"
        );
    }
    world.apply();
    is_empty("after the edits were healed");

    let destroy = ["destroy", "--env", "prod", "--auto-approve"];
    let (code, text) = world.run(&[&destroy[..], &["--also", "key", "--also", "topic"]].concat());
    assert_eq!(code, 0, "{text}");
    let left = world.by_hand(
        "print(len(client('lambda').list_functions()['Functions']), len(client('events').list_rules()['Rules']), \
         len(client('cloudwatch').describe_alarms()['MetricAlarms']), len(client('sns').list_topics()['Topics']), \
         len(client('cloudwatch').list_dashboards()['DashboardEntries']))",
    );
    assert_eq!(left.trim(), "0 0 0 0 0");
}

#[test]
fn on_ministack_the_monitor_counts_and_notifies() {
    if is_asked() {
        crate::monitor::runs_on(Moto::ministack());
    }
}
