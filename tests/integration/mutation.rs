//! What `rules test` says of the samples themselves: mutants of rules and of records.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "helpers of tests may panic"
)]

use std::path::Path;

use assert_cmd::Command;
use serde_json::{Value, json};

use crate::recorded;

const CALLS: &str = "{only_calls: [version], lacks_words: [from]}";

/// A policy of one exclusion of records without an object.
fn policy(statement: &str, silences: &[String], stays_loud: &[String]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let write = |path: &str, text: &str| {
        let path = folder.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    };
    write(
        "rules/users.yaml",
        "version: 1\nusers:\n  - {role: alice, owner: data, environments: all}\nsystem_roles:\n  \
         - {role: rdsadmin, reason: The role of the platform that nobody can log in as., owner: data, environments: all}\n",
    );
    write(
        "environments/local.yaml",
        "version: 1\nprovider: local\nfolder: .out\nclusters: [shop]\nlog_line_prefix: \"%t:%r:%u@%d:[%p]:\"\n\
         exclusions: all\nmonitor: {schedule: rate(5 minutes)}\nsignals: {dml: {threshold: 0}}\nretention_days: 30\n\
         monitor_retention_days: 30\n",
    );
    write(
        "rules/exclusions.yaml",
        &format!(
            "version: 1\nexclusions:\n  - id: versions\n    title: Questions about the version of the server\n    \
             reason: Pools ask for the version, which is the same for everybody.\n    owner: data\n    ticket: T-1\n    \
             created: 2026-11-01\n    expires: 2027-10-01\n    environments: all\n    match:\n      class: READ\n      \
             command: SELECT\n      object_type: none\n      statement: {statement}\n    samples:\n      silences:\n{}      \
             stays_loud:\n{}",
            silences.concat(),
            stays_loud.concat()
        ),
    );
    folder
}

fn sample(class: &str, statement: &str) -> String {
    format!(
        "        - {{class: {class}, command: SELECT, object_type: none, statement: \"{statement}\"}}\n"
    )
}

fn read(statement: &str) -> String {
    sample("READ", statement)
}

fn run(root: &Path, arguments: &[&str]) -> (i32, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_pgvigil"))
        .args(["--today", "2026-11-22", "-C"])
        .arg(root)
        .args(["rules", "test", "--env", "local"])
        .args(arguments)
        .output()
        .unwrap();
    (
        output.status.code().unwrap(),
        String::from_utf8(output.stdout).unwrap(),
    )
}

fn report(root: &Path) -> (i32, Value) {
    let (code, out) = run(root, &["--format", "json"]);
    (code, serde_json::from_str(&out).unwrap())
}

/// What the JSON report says of the only exclusion.
fn findings(folder: &tempfile::TempDir) -> Value {
    let (code, mut report) = report(folder.path());
    assert_eq!(code, 0, "{report:#}");
    report["environments"][0]["exclusions"][0].take()
}

fn changes(survivors: &Value) -> Vec<String> {
    let texts = survivors.as_array().unwrap().iter();
    texts
        .map(|survivor| survivor["change"].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn a_sample_kills_the_mutants_that_it_notices() {
    let silences = [read("select version()")];
    let mut stays_loud = vec![read("select version(), lo_get(1)"), read("select x from y")];
    let weak = findings(&policy(CALLS, &silences, &stays_loud));
    let survivors = changes(&weak["mutation"]["survivors"]);
    for change in [
        "without `class`",
        "`class` with `WRITE` too",
        "`statement.only_calls` with `pg_read_file` too",
    ] {
        assert!(survivors.contains(&change.to_owned()), "{survivors:?}");
    }
    for change in [
        "without `statement.only_calls`",
        "`statement.only_calls` with `lo_get` too",
        "without `statement.lacks_words`",
    ] {
        assert!(!survivors.contains(&change.to_owned()), "{survivors:?}");
    }
    assert_eq!(
        weak["near_miss_conditions"],
        json!(["statement.only_calls", "statement.lacks_words"])
    );
    assert_eq!(
        weak["conditions_not_exercised"],
        json!(["class", "command", "object_type"])
    );
    assert_eq!(weak["covered"], json!(true));

    stays_loud.push(sample("WRITE", "select version()"));
    stays_loud.push(read("select pg_read_file('x')"));
    let strong = findings(&policy(CALLS, &silences, &stays_loud));
    assert_eq!(
        survivors.len() - changes(&strong["mutation"]["survivors"]).len(),
        3,
        "{strong:#}"
    );
    assert_eq!(
        strong["conditions_not_exercised"],
        json!(["command", "object_type"])
    );
}

#[test]
fn a_near_miss_of_many_conditions_covers_nothing() {
    let near_miss = sample("WRITE", "delete from orders");
    let tested = findings(&policy(CALLS, &[read("select version()")], &[near_miss]));
    assert_eq!(
        (&tested["covered"], &tested["near_miss_conditions"]),
        (&json!(false), &json!([]))
    );
}

#[test]
fn a_condition_without_effect_survives() {
    let statement = "{equals: [select version()], starts_with: [select]}";
    let stays_loud = [
        read("select version(), 1"),
        read("with x as (select 1) select 2"),
    ];
    let tested = findings(&policy(statement, &[read("select version()")], &stays_loud));
    let survivors = changes(&tested["mutation"]["survivors"]);
    assert!(
        survivors.contains(&"without `statement.starts_with`".to_owned()),
        "{survivors:?}"
    );
    assert!(
        !survivors.contains(&"`statement.equals` 1: more text can follow".to_owned()),
        "{survivors:?}"
    );
}

#[test]
fn a_value_that_no_silenced_sample_needs() {
    let statement = "{only_calls: [version, now], lacks_words: [from]}";
    let stays_loud = [read("select lo_get(1)")];
    let silences = [read("select version()")];
    let tested = findings(&policy(statement, &silences, &stays_loud));
    let survivors = tested["mutation"]["survivors"].as_array().unwrap();
    let wanted = json!({
        "condition": "statement.only_calls",
        "kind": "narrow",
        "change": "`statement.only_calls` without `now`",
        "noticed_by": "silences",
    });
    assert!(survivors.contains(&wanted), "{survivors:?}");
}

#[test]
fn a_sample_that_fails_notices_nothing() {
    // The near miss is silenced, by the exclusion and by each of its wider mutants.
    let silenced = [read("select version()")];
    let folder = policy(CALLS, &silenced, &silenced);
    let (code, report) = report(folder.path());
    assert_eq!(code, 11);
    let tested = &report["environments"][0]["exclusions"][0];
    assert_eq!(tested["near_miss_conditions"], json!([]));
    assert!(
        changes(&tested["mutation"]["survivors"])
            .contains(&"without `statement.only_calls`".to_owned())
    );
}

#[test]
fn records_that_stay_silent_are_shown() {
    // The argument may hold a subquery.
    let statement = r"{matches: ['select [a-z_]+\([a-z_ ()]*\)']}";
    let folder = policy(
        statement,
        &[read("select version()")],
        &[read("select version(), 1")],
    );
    let tested = findings(&folder);
    let silent = &tested["record_mutants"]["survivors"];
    let wanted = json!({
        "file": "rules/exclusions.yaml",
        "line": 18,
        "change": "the argument `array(table accounts)`",
        "class": "READ",
        "command": "SELECT",
        "object_type": "",
        "object": "",
        "statement": "select version(array(table accounts))",
    });
    assert!(silent.as_array().unwrap().contains(&wanted), "{silent:#}");
    assert_eq!(
        tested["does_not_look_at"],
        json!(["user", "database", "client"])
    );
    let (_, out) = run(folder.path(), &[]);
    assert!(
        out.contains(
            "rules/exclusions.yaml:18: still silent with the argument `array(table accounts)`\n        \
             READ,SELECT,,: select version(array(table accounts))\n"
        ),
        "{out}"
    );
    let tested = findings(&policy(
        "{only_calls: [version], lacks_words: [from, table, update]}",
        &[read("select version()")],
        &[read("select lo_get(1)")],
    ));
    assert_eq!(changes(&tested["record_mutants"]["survivors"]), [""; 0]);
}

#[test]
fn a_score_can_be_asked_for() {
    let folder = policy(
        CALLS,
        &[read("select version()")],
        &[read("select lo_get(1)")],
    );
    let (code, out) = run(folder.path(), &["--min-score", "100"]);
    assert_eq!(code, 11, "{out}");
    assert!(
        out.contains("failed: 2 samples") && out.ends_with("less than the required 100 %\n"),
        "{out}"
    );
    assert!(
        out.contains("      conditions without a near miss of their own: class, command, object_type, statement.lacks_words\n")
            && out.contains("      `class` with `WRITE` too: no near miss catches it\n"),
        "{out}"
    );
    let (code, out) = run(folder.path(), &["--min-score", "1"]);
    assert_eq!(code, 0, "{out}");
    let (_, out) = run(folder.path(), &["--format", "junit"]);
    let totals = report(folder.path()).1["totals"].take();
    let noticed = format!(
        "value=\"{} of {}\"",
        totals["mutants_killed"], totals["mutants"]
    );
    assert!(
        out.contains("name=\"versions: mutants noticed\"") && out.contains(&noticed),
        "{out}"
    );
}

/// What is left of the shipped rules: a value that no record needs; subqueries in an argument, which show
/// in the text alone where `log_relation` is off; and the text of a PREPARE, which runs nothing.
#[test]
fn the_shipped_samples_notice() {
    let (code, report) = report(recorded::root());
    assert_eq!(code, 0);
    let mut rules = Vec::new();
    let mut records = Vec::new();
    for exclusion in report["environments"][0]["exclusions"].as_array().unwrap() {
        let id = exclusion["id"].as_str().unwrap();
        let named = |change: String| format!("{id}: {change}");
        rules.extend(
            changes(&exclusion["mutation"]["survivors"])
                .into_iter()
                .map(named),
        );
        records.extend(
            changes(&exclusion["record_mutants"]["survivors"])
                .into_iter()
                .map(named),
        );
        assert_eq!(exclusion["covered"], json!(true), "{id}");
        assert_eq!(exclusion["conditions_not_exercised"], json!([]), "{id}");
    }
    assert_eq!(rules, Vec::<String>::new());
    assert_eq!(
        records,
        [
            "pg-dump-prepare: a call of lo_get after it",
            "pg-dump-prepare: a call of lo_get between comments after it",
        ]
    );
}
