//! Plan, apply and drift from outside, against the local provider.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "helpers of tests may panic"
)]

use std::io::{BufRead as _, BufReader, Read as _};
use std::path::PathBuf;
use std::process::Stdio;

use crate::cli::{Repository, Run};

const PLAN: &[&str] = &["plan", "--env", "local", "--detailed-exitcode"];
const DRIFT: &[&str] = &["drift", "--env", "local"];
const APPLY: &[&str] = &["apply", "--env", "local", "--auto-approve"];

fn alarm(repository: &Repository) -> PathBuf {
    let folder = repository.path("live/local/shop/alarm");
    let mut alarms: Vec<PathBuf> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.to_string_lossy().ends_with("-human-dml.json"))
        .collect();
    alarms.pop().unwrap()
}

/// Somebody changes the alarm's threshold by hand.
pub(crate) fn edit_by_hand(repository: &Repository, threshold: u32) {
    let path = alarm(repository);
    let mut alarm: serde_json::Value =
        serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
    assert!(alarm["threshold"].is_number(), "{alarm}");
    alarm["threshold"] = threshold.into();
    std::fs::write(path, alarm.to_string()).unwrap();
}

#[test]
fn from_nothing_to_drift_and_back() {
    let repository = Repository::new();
    repository.run(PLAN).exits(12);
    let apply = repository.run(APPLY).exits(0);
    assert!(
        apply
            .out
            .contains("21 of 21 steps done.\nThere is nothing left to do.\n"),
        "{}",
        apply.out
    );
    repository.run(PLAN).exits(0);
    repository.run(DRIFT).exits(0);
    let nothing = repository.run(APPLY).exits(0);
    assert!(
        nothing.err.contains("there is nothing to apply"),
        "{}",
        nothing.err
    );

    edit_by_hand(&repository, 9);
    let drift = repository.run(DRIFT).exits(13);
    assert!(
        drift.out.contains("threshold") && drift.out.contains("1 drifted."),
        "{}",
        drift.out
    );
    repository.run(PLAN).exits(13);
    let report = repository
        .run(&[DRIFT, &["--format", "json"]].concat())
        .exits(13)
        .json();
    assert_eq!(report["outcome"], "drifted");
    let page = repository
        .run(&[DRIFT, &["--format", "markdown"]].concat())
        .exits(13)
        .out;
    assert!(page.starts_with("### Drift\n"), "{page}");

    // Elsewhere in the repository something moves too.
    repository.edit(
        "environments/local.yaml",
        "clusters: [shop]\n",
        "clusters: [shop]\nretention_days: 30\n",
    );
    repository.run(PLAN).exits(14);
    let both = repository.run(DRIFT).exits(14);
    assert!(both.err.contains("the files changed too"), "{}", both.err);
    repository.run(APPLY).exits(0);
    repository.run(PLAN).exits(0);
    repository.run(DRIFT).exits(0);

    repository.edit(
        "environments/local.yaml",
        "retention_days: 30",
        "retention_days: 60",
    );
    repository.run(DRIFT).exits(12);
    let plan = repository
        .run(&["plan", "--env", "local", "--format", "markdown"])
        .exits(0);
    assert!(plan.out.contains("to change"), "{}", plan.out);
    repository.run(APPLY).exits(0);

    // What was deleted by hand is drift, and an apply makes it anew.
    std::fs::remove_file(alarm(&repository)).unwrap();
    repository.run(DRIFT).exits(13);
    repository.run(APPLY).exits(0);
    repository.run(DRIFT).exits(0);
}

#[test]
fn a_saved_plan_does_just_what_it_says() {
    let repository = Repository::new();
    let saved = repository
        .run(&["plan", "--env", "local", "--out", "first.plan"])
        .exits(0);
    assert!(saved.err.contains("saved in first.plan"), "{}", saved.err);
    repository
        .run(&["apply", "--env", "local", "first.plan"])
        .exits(0);
    repository.run(PLAN).exits(0);

    repository.edit(
        "environments/local.yaml",
        "clusters: [shop]\n",
        "clusters: [shop]\nretention_days: 30\n",
    );
    repository
        .run(&["plan", "--env", "local", "--out", "second.plan"])
        .exits(0);
    edit_by_hand(&repository, 9);
    let before = std::fs::read_to_string(alarm(&repository)).unwrap();
    let refused = repository
        .run(&["apply", "--env", "local", "second.plan"])
        .exits(1);
    assert!(
        refused.err.contains("nothing was changed")
            && refused.err.contains("-human-dml was changed"),
        "{}",
        refused.err
    );
    assert_eq!(std::fs::read_to_string(alarm(&repository)).unwrap(), before);
    repository.run(PLAN).exits(14);

    let other = repository
        .run(&["apply", "--env", "prod", "second.plan"])
        .exits(1);
    assert!(
        other
            .err
            .contains("this is `prod` (aws, account 123456789012"),
        "{}",
        other.err
    );
    repository.write(
        "environments/second.yaml",
        "version: 1\nprovider: local\nfolder: live\nclusters: [shop-2]\n",
    );
    let other = repository
        .run(&["apply", "--env", "second", "second.plan"])
        .exits(1);
    assert!(other.err.contains("was made for `local`"), "{}", other.err);
    assert!(!repository.path("live/second").exists());

    let text = repository.read("second.plan");
    repository.write("edited.plan", &text.replacen("30", "31", 1));
    let edited = repository
        .run(&["apply", "--env", "local", "edited.plan"])
        .exits(1);
    assert!(
        edited.err.contains("was changed after it was made"),
        "{}",
        edited.err
    );
    repository.write("no.plan", "{]");
    repository
        .run(&["apply", "--env", "local", "no.plan"])
        .exits(1);
    repository.write(
        "new.plan",
        &text.replace("\"format_version\": 1", "\"format_version\": 2"),
    );
    let newer = repository
        .run(&["apply", "--env", "local", "new.plan"])
        .exits(1);
    assert!(newer.err.contains("format version 2"), "{}", newer.err);
}

/// An old plan may hold what the repository has since taken back.
#[test]
fn a_saved_plan_is_refused_once_the_files_have_moved() {
    let repository = Repository::new();
    repository
        .run(&["plan", "--env", "local", "--out", "a.plan"])
        .exits(0);
    repository.edit(
        "environments/local.yaml",
        "clusters: [shop]\n",
        "clusters: [shop]\nretention_days: 30\n",
    );
    let apply = repository
        .run(&["apply", "--env", "local", "a.plan"])
        .exits(1);
    assert!(
        apply.err.contains("the files have changed for") && apply.err.lines().count() == 1,
        "{}",
        apply.err
    );
    assert!(!repository.path("live").exists());
}

#[test]
fn what_cannot_be_read_is_no_plan() {
    let repository = Repository::new();
    repository.run(APPLY).exits(0);
    std::fs::write(alarm(&repository), "{broken").unwrap();
    let plan = repository.run(PLAN).exits(1);
    assert!(
        plan.err.contains("not read") && plan.err.contains("is not JSON"),
        "{}",
        plan.err
    );
    repository.run(DRIFT).exits(1);
    repository.run(APPLY).exits(1);
    let save = repository
        .run(&["plan", "--env", "local", "--out", "a.plan"])
        .exits(1);
    assert!(save.err.contains("the plan was not saved"), "{}", save.err);
    assert!(!repository.path("a.plan").exists());
    repository.run(&["ci", "pr", "--env", "local"]).exits(1);
}

#[test]
fn a_step_that_fails_stops_the_apply() {
    let repository = Repository::new();
    // A file where a folder of resources should be.
    repository.write("live/local/shop/dashboard", "in the way");
    let run = repository.run(APPLY);
    // Either the plan already cannot read it, or the apply stops there; never is it said to be done.
    assert!(run.code == 1 || run.code == 15, "{}\n{}", run.out, run.err);
    assert!(!run.out.contains("21 of 21 steps done."), "{}", run.out);
    std::fs::remove_file(repository.path("live/local/shop/dashboard")).unwrap();
    repository.run(APPLY).exits(0);
    repository.run(PLAN).exits(0);
}

#[test]
fn two_applies_at_once() {
    let repository = Repository::new();
    let start = || {
        let mut command = repository.command();
        command
            .args(APPLY)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap()
    };
    let runs: Vec<Run> = [start(), start(), start(), start()]
        .into_iter()
        .map(|child| Run::of(child.wait_with_output().unwrap()))
        .collect();
    assert!(runs.iter().any(|run| run.code == 0));
    for run in &runs {
        // Whoever comes too late is told, and has changed nothing.
        let refused = run.code == 1 && run.err.contains("nothing was changed");
        assert!(
            run.code == 0 || refused,
            "{}: {}\n{}",
            run.code,
            run.out,
            run.err
        );
    }
    repository.run(PLAN).exits(0);
    repository.run(DRIFT).exits(0);
}

/// Nobody reads what the apply prints, so that it waits in the middle; then it is asked to stop.
#[cfg(unix)]
#[test]
fn an_apply_that_is_told_to_stop_ends_between_two_steps() {
    let repository = Repository::new();
    let clusters: Vec<String> = (0..80).map(|number| format!("shop-{number}")).collect();
    repository.write(
        "environments/local.yaml",
        &format!(
            "version: 1\nprovider: local\nfolder: live\nclusters: [{}]\n",
            clusters.join(", ")
        ),
    );
    repository
        .run(&["plan", "--env", "local", "--out", "a.plan"])
        .exits(0);
    let mut command = repository.command();
    let mut child = command
        .args(["apply", "--env", "local", "a.plan"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut out = BufReader::with_capacity(64, child.stdout.take().unwrap());
    let mut text = String::new();
    out.read_line(&mut text).unwrap();
    let kill = std::process::Command::new("sh")
        .args(["-c", &format!("kill -INT {}", child.id())])
        .status()
        .unwrap();
    assert!(kill.success());
    // The handler runs on a thread of its own.
    std::thread::sleep(std::time::Duration::from_millis(300));
    out.read_to_string(&mut text).unwrap();
    let status = child.wait().unwrap();
    assert_eq!(status.code(), Some(15), "{text}");
    assert!(
        text.contains("Stopped, because it was asked to stop: "),
        "{text}"
    );
    let done = text
        .lines()
        .filter(|line| {
            line.trim_start().starts_with("created ") || line.trim_start().starts_with("adopted ")
        })
        .count();
    assert!(
        done < 1601 && text.contains(&format!("{done} of 1601 steps done")),
        "{done}"
    );
    // What is done is left alone, and the rest follows.
    let rest = repository
        .run(&["apply", "--env", "local", "a.plan"])
        .exits(0);
    assert!(
        rest.out.contains("1601 of 1601 steps done."),
        "{}",
        rest.out
    );
    repository.run(PLAN).exits(0);
}
