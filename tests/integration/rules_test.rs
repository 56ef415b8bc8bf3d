//! `rules test` and `rules explain`, run as a person runs them.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "helpers of tests may panic"
)]

use std::path::Path;

use assert_cmd::Command;

use crate::recorded;

/// A small policy: one exclusion with these samples.
fn policy(silences: &str, stays_loud: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let write = |path: &str, text: &str| {
        let path = folder.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    };
    let base = "version: 1\nusers:\n  - {role: alice, owner: data, environments: all}\n\
        system_roles:\n  - {role: rdsadmin, reason: The role of the platform that nobody can log in as., owner: data, environments: all}\n";
    write("rules/users.yaml", base);
    write(
        "environments/local.yaml",
        "version: 1\nprovider: local\nfolder: .out\nclusters: [shop]\nlog_line_prefix: \"%t:%r:%u@%d:[%p]:\"\n\
        exclusions: all\nmonitor: {schedule: rate(5 minutes)}\nsignals: {dml: {threshold: 0}}\nretention_days: 30\nmonitor_retention_days: 30\n",
    );
    write(
        "rules/exclusions.yaml",
        &format!(
            "version: 1\nexclusions:\n  - id: versions\n    title: Questions about the version of the server\n    reason: Pools ask for the version, \
         which is the same for everybody.\n    owner: data\n    ticket: T-1\n    created: 2026-11-01\n    expires: 2027-10-01\n    environments: all\n    match:\n      \
         class: READ\n      command: SELECT\n      object_type: none\n      statement: {{only_calls: [version], lacks_words: [from]}}\n    samples:\n      silences:\n{silences}      stays_loud:\n{stays_loud}"
        ),
    );
    folder
}

fn sample(statement: &str) -> String {
    format!(
        "        - {{class: READ, command: SELECT, object_type: none, statement: \"{statement}\"}}\n"
    )
}

fn run(root: &Path, arguments: &[&str]) -> (i32, String, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_pgvigil"))
        .args(["--today", "2026-11-22", "-C"])
        .arg(root)
        .args(arguments)
        .output()
        .unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (
        output.status.code().unwrap(),
        text(output.stdout),
        text(output.stderr),
    )
}

#[test]
fn samples_that_hold() {
    let folder = policy(
        &sample("select version()"),
        &sample("select version(), lo_get(1)"),
    );
    let (code, out, err) = run(folder.path(), &["rules", "test"]);
    assert_eq!((code, err.as_str()), (0, ""), "{out}");
    assert!(
        out.contains("versions  silenced 1, near misses 1, silenced only here 1, "),
        "{out}"
    );
    assert!(
        out.contains(
            "passed: 2 samples of 1 exclusion (0 failed), 0 ranges of fixtures (0 failed)\n"
        ),
        "{out}"
    );
}

#[test]
fn samples_that_do_not_hold() {
    let folder = policy(
        &sample("select lo_get(1)\\u001b]0;x"),
        &sample("select version()"),
    );
    let (code, out, _) = run(folder.path(), &["rules", "test"]);
    assert_eq!(code, 11);
    assert!(out.contains("rules/exclusions.yaml:18: silences: it stays loud, because of `statement.only_calls`: `lo_get` is called"), "{out}");
    assert!(
        out.contains("rules/exclusions.yaml:20: stays_loud: this exclusion silences it"),
        "{out}"
    );
    assert!(
        out.contains("not covered") && !out.contains('\u{1b}'),
        "{out}"
    );
    let (code, out, _) = run(folder.path(), &["rules", "test", "--format", "json"]);
    let report: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!(
        (code, &report["format_version"], &report["passed"]),
        (11, &1.into(), &false.into())
    );
    assert_eq!(
        report["environments"][0]["exclusions"][0]["samples"][1]["silenced_by"],
        serde_json::json!(["versions"])
    );
    let (code, out, _) = run(folder.path(), &["rules", "test", "--format", "junit"]);
    assert_eq!(code, 11);
    assert!(
        out.contains("failures=\"2\"") && !out.contains('\u{1b}'),
        "{out}"
    );
}

#[test]
fn fixtures() {
    let folder = policy(&sample("select version()"), &sample("select lo_get(1)"));
    let line = |statement: &str| {
        format!(
            "2026-11-22 06:55:28 UTC:10.0.1.123(50322):alice@shop:[7]:LOG:  AUDIT: SESSION,1,1,READ,SELECT,,,{statement},<none>\n"
        )
    };
    let fixtures = folder.path().join("rules/fixtures/deep");
    std::fs::create_dir_all(&fixtures).unwrap();
    std::fs::write(
        fixtures.join("a.log"),
        line("select version()") + &line("select lo_get(1)"),
    )
    .unwrap();
    let expect = |rows: &str| {
        std::fs::write(
            fixtures.join("a.expect.tsv"),
            format!("first_line\tlast_line\tlabel\tnote\n{rows}"),
        )
        .unwrap()
    };
    expect("1\t1\tnoise\tpool\n2\t2\thuman\twork\n");
    let (code, out, err) = run(folder.path(), &["rules", "test"]);
    assert_eq!((code, err.as_str()), (0, ""), "{out}");
    expect("1\t1\thuman\tpool\n2\t2\tnoise\twork\n");
    let (code, out, _) = run(folder.path(), &["rules", "test"]);
    assert_eq!(code, 11);
    assert!(out.contains("a.expect.tsv:2: lines 1 to 1, `human` (pool): no record is counted; line 1: the exclusion `versions` silences it"), "{out}");
    assert!(
        out.contains("a.expect.tsv:3: lines 2 to 2, `noise` (work): line 2 is counted"),
        "{out}"
    );
    expect("1\t1\thumans\t\n2\t3\tnoise\t\n");
    let (code, out, _) = run(folder.path(), &["rules", "test"]);
    assert_eq!(code, 11);
    assert!(
        out.contains("`humans`") && out.contains("are not in the log"),
        "{out}"
    );
}

#[test]
fn an_unsound_policy_is_not_tested() {
    let folder = policy(&sample("select version()"), &sample("select lo_get(1)"));
    std::fs::write(
        folder.path().join("rules/broken.yaml"),
        "version: 1\nusres: []\n",
    )
    .unwrap();
    let (code, out, _) = run(folder.path(), &["rules", "test"]);
    assert_eq!((code, out.as_str()), (10, ""));
}

#[test]
fn the_shipped_rules_pass() {
    let (code, out, err) = run(recorded::root(), &["rules", "test"]);
    assert_eq!(code, 0, "{out}{err}");
}

#[test]
fn explanations() {
    let folder = policy(&sample("select version()"), &sample("select lo_get(1)"));
    let root = folder.path();
    let entry = |statement: &str| {
        format!(
            "2026-11-22 06:55:28 UTC:10.0.1.123(50322):alice@shop:[7]:LOG:  AUDIT: SESSION,1,1,READ,SELECT,,,{statement},<none>"
        )
    };
    let explain = |line: &str| {
        run(
            root,
            &["rules", "explain", "--env", "local", "--line", line],
        )
    };
    let (code, out, _) = explain(&entry("select lo_get(1)\u{1b}[2J"));
    assert_eq!(code, 0);
    assert!(
        out.starts_with("counted: no exclusion silences it\n") && !out.contains('\u{1b}'),
        "{out}"
    );
    let lines: Vec<String> = out
        .lines()
        .map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "))
        .collect();
    assert!(lines.contains(&"user server alice".to_owned()), "{out}");
    assert!(
        lines.contains(&"statement writer select lo_get(1)\\u{1b}[2J".to_owned()),
        "{out}"
    );
    assert!(
        out.contains("statement.only_calls: `lo_get` is called, and is not listed\n"),
        "{out}"
    );
    let (_, out, _) = explain(&entry("select version()"));
    assert!(
        out.starts_with("excluded: the exclusion `versions` silences it\n"),
        "{out}"
    );
    let (_, out, _) = explain(&entry("select 1").replace("alice", "rdsadmin"));
    assert!(
        out.starts_with("out of scope: the service account `rdsadmin` is"),
        "{out}"
    );
    let (_, out, _) = explain("hello");
    assert!(out.starts_with("not a record"), "{out}");

    let output = Command::new(env!("CARGO_BIN_EXE_pgvigil"))
        .args(["--today", "2026-11-22", "-C"])
        .arg(root)
        .args(["rules", "explain", "--env", "local", "-"])
        .write_stdin(format!(
            "{}\n{}\n",
            entry("select version()"),
            entry("select * from x")
        ))
        .output()
        .unwrap();
    let (out, err) = (
        String::from_utf8(output.stdout).unwrap(),
        String::from_utf8(output.stderr).unwrap(),
    );
    assert!(
        out.contains("-:1: excluded: ") && out.contains("-:2: counted: "),
        "{out}"
    );
    assert!(
        err.contains("2 of 2 entries contain an audit record"),
        "{err}"
    );
}
