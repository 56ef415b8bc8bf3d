//! The doctor from outside, against the local provider.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "helpers of tests may panic"
)]

use std::path::PathBuf;

use serde_json::{Value, json};

use crate::cli::Repository;

const DOCTOR: &[&str] = &["doctor", "--env", "local"];
const JSON: &[&str] = &["doctor", "--env", "local", "--format", "json"];

fn applied() -> Repository {
    let repository = Repository::new();
    repository
        .run(&["apply", "--env", "local", "--auto-approve"])
        .exits(0);
    repository
}

/// The only file of a kind.
fn live(repository: &Repository, kind: &str) -> PathBuf {
    let folder = repository.path(&format!("live/local/shop/{kind}"));
    let files = std::fs::read_dir(folder).unwrap();
    let mut files = files.map(|entry| entry.unwrap().path());
    files
        .find(|path| path.extension().is_some_and(|end| end == "json"))
        .unwrap()
}

fn verdict(report: &Value, id: &str) -> String {
    let of_clusters = report["clusters"].as_array().unwrap().iter();
    let mut checks: Vec<&Value> = report["environment"].as_array().unwrap().iter().collect();
    checks.extend(of_clusters.flat_map(|cluster| cluster["checks"].as_array().unwrap()));
    let check = checks.iter().find(|check| check["id"] == id).unwrap();
    check["verdict"].as_str().unwrap().to_owned()
}

#[test]
fn what_was_never_applied_fails() {
    let doctor = Repository::new().run(DOCTOR).exits(10);
    assert!(
        doctor.out.contains("it was never applied"),
        "{}",
        doctor.out
    );
    assert!(
        doctor.out.contains("look: pgvigil plan --env local"),
        "{}",
        doctor.out
    );
}

#[test]
fn what_is_applied_is_fine_and_what_a_folder_has_not_is_skipped() {
    let repository = applied();
    let doctor = repository.run(JSON).exits(0);
    let report = doctor.json();
    assert_eq!(
        (&report["format_version"], &report["verdict"]),
        (&json!(1), &json!("ok"))
    );
    assert_eq!(report["counts"]["fail"], 0);
    assert_eq!(verdict(&report, "alarms-metric"), "ok");
    assert_eq!(verdict(&report, "heartbeat"), "skip");
    assert_eq!(doctor.err, "");
}

#[test]
fn a_rule_that_somebody_disabled_fails_with_the_command_that_mends_it() {
    let repository = applied();
    let path = live(&repository, "event-rule");
    let mut rule: Value = serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
    assert_eq!(rule["state"], "ENABLED");
    rule["state"] = json!("DISABLED");
    std::fs::write(&path, rule.to_string()).unwrap();
    let doctor = repository.run(DOCTOR).exits(10);
    assert!(
        doctor.out.contains("FAIL    rule: it is `DISABLED`"),
        "{}",
        doctor.out
    );
    assert!(
        doctor.out.contains("mend: pgvigil apply --env local"),
        "{}",
        doctor.out
    );
    repository
        .run(&["apply", "--env", "local", "--auto-approve"])
        .exits(0);
    repository.run(DOCTOR).exits(0);
}

#[test]
fn what_could_not_be_read_is_not_clean() {
    let repository = applied();
    std::fs::write(live(&repository, "saved-query"), "{").unwrap();
    let doctor = repository.run(DOCTOR).exits(1);
    assert!(
        doctor.out.contains("UNREAD  as-in-the-files"),
        "{}",
        doctor.out
    );
    assert!(
        doctor
            .err
            .contains("could not determine the result of 1 check"),
        "{}",
        doctor.err
    );
}

#[test]
fn a_canary_proves_the_query_and_says_what_it_does_not() {
    let repository = Repository::new();
    let canary = repository
        .run(&["doctor", "--env", "local", "--canary"])
        .exits(0);
    assert!(
        canary
            .out
            .contains("proven    the compiled query counts a marked record"),
        "{}",
        canary.out
    );
    assert!(
        canary.out.contains("unproven  the alarm fires"),
        "{}",
        canary.out
    );
    assert!(
        canary.err.contains("only the query was proven"),
        "{}",
        canary.err
    );
    let json = repository
        .run(&["doctor", "--env", "local", "--canary", "--format", "json"])
        .exits(0);
    assert_eq!(json.json()["proven"], false);
}

#[test]
fn usage() {
    let repository = Repository::new();
    repository
        .run(&["doctor", "--env", "local", "--hours", "0"])
        .exits(2);
    repository.run(&["doctor", "--env", "nowhere"]).exits(2);
}
