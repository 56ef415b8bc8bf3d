//! `plan --all` and `drift --all` from outside, against the local provider.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "helpers of tests may panic"
)]

use serde_json::Value;

use crate::cli::Repository;

/// Environments `a` to `d`, and `bad`, whose folder is in the way of itself.
fn fleet() -> Repository {
    let repository = Repository::new();
    std::fs::remove_file(repository.path("environments/prod.yaml")).unwrap();
    std::fs::remove_file(repository.path("environments/local.yaml")).unwrap();
    repository.write(
        "environments/base.yaml",
        "version: 1\nbase: true\nprovider: local\nfolder: live\n",
    );
    for name in ["d", "b", "a", "c"] {
        let text = format!("version: 1\nextends: base\nclusters: [shop-{name}]\n");
        repository.write(&format!("environments/{name}.yaml"), &text);
    }
    repository
}

/// Another environment, of which nothing can be read.
fn break_one(repository: &Repository) {
    repository.write(
        "environments/bad.yaml",
        "version: 1\nextends: base\nclusters: [shop-bad]\n",
    );
    repository.write("live/bad", "in the way");
}

fn names(report: &Value) -> Vec<&str> {
    let environments = report["environments"].as_array().unwrap();
    environments
        .iter()
        .map(|one| one["environment"].as_str().unwrap())
        .collect()
}

fn edit_by_hand(repository: &Repository, environment: &str) {
    let folder = repository.path(&format!("live/{environment}/shop-{environment}/event-rule"));
    let rule = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .find(|path| {
            path.extension()
                .is_some_and(|extension| extension == "json")
        })
        .unwrap();
    let text = std::fs::read_to_string(&rule).unwrap();
    assert!(text.contains("ENABLED"));
    std::fs::write(rule, text.replace("ENABLED", "DISABLED")).unwrap();
}

#[test]
fn every_environment_in_the_order_of_names() {
    let repository = fleet();
    let plan = ["plan", "--all", "--detailed-exitcode"];
    let first = repository.run(&plan).exits(12);
    let table: Vec<&str> = first.out.lines().rev().take(5).collect();
    assert!(
        table[4].starts_with("environment  account       region  verdict  changes"),
        "{table:?}"
    );
    for (line, name) in table.iter().zip(["d", "c", "b", "a"]) {
        let start =
            format!("{name}            000000000000  local   pending  20 to create, 1 to change  ");
        assert!(line.starts_with(&start), "{line}");
        assert!(line.ends_with(" s"), "{line}");
    }
    repository.run(&["plan", "--all"]).exits(0);

    for name in ["a", "b", "c", "d"] {
        repository
            .run(&["apply", "--env", name, "--auto-approve"])
            .exits(0);
    }
    repository.run(&plan).exits(0);
    repository.run(&["drift", "--all"]).exits(0);

    edit_by_hand(&repository, "c");
    let drift = repository.run(&["drift", "--all"]).exits(13);
    assert!(drift.out.contains("drifted  1 drifted"), "{}", drift.out);
    // Here nothing was ever applied, there somebody edited: both.
    std::fs::remove_dir_all(repository.path("live/a")).unwrap();
    repository.run(&["drift", "--all"]).exits(14);
    repository.run(&plan).exits(14);
    let report = repository
        .run(&["drift", "--all", "--format", "json"])
        .exits(14)
        .json();
    assert_eq!(report["format_version"], 1);
    assert_eq!(names(&report), ["a", "b", "c", "d"]);
    let outcomes: Vec<&Value> = report["environments"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| &one["drift"]["outcome"])
        .collect();
    assert_eq!(outcomes, ["pending", "clean", "drifted", "clean"]);
    let page = repository
        .run(&["drift", "--all", "--format", "markdown"])
        .exits(14)
        .out;
    assert!(
        page.starts_with("### Drift\n") && page.contains("DISABLED"),
        "{page}"
    );
    let page = repository
        .run(&["plan", "--all", "--format", "markdown"])
        .exits(0)
        .out;
    let head = "### Plans\n\n| environment | account | region | verdict | changes | time |\n";
    assert!(page.starts_with(head), "{page}");
    assert_eq!(
        page.matches("### Plan: ").count(),
        2,
        "only what is not clean\n{page}"
    );
}

#[test]
fn one_that_fails_does_not_hide_the_others() {
    let repository = fleet();
    break_one(&repository);
    let plan = repository
        .run(&["plan", "--all", "--out", "plans"])
        .exits(1);
    for name in ["a", "b", "c", "d"] {
        assert!(
            plan.out.contains(&format!("{name} (local, account ")),
            "{}",
            plan.out
        );
        assert!(
            plan.err.contains(&format!("saved in plans/{name}.plan")),
            "{}",
            plan.err
        );
        let saved = format!("plans/{name}.plan");
        repository.run(&["apply", "--env", name, &saved]).exits(0);
    }
    assert!(
        plan.err.contains("bad: ") && !plan.err.contains("plans/bad.plan"),
        "{}",
        plan.err
    );
    assert!(!repository.path("plans/bad.plan").exists());
    let report = repository
        .run(&["plan", "--all", "--format", "json"])
        .exits(1)
        .json();
    assert_eq!(names(&report), ["a", "b", "bad", "c", "d"]);
    for one in report["environments"].as_array().unwrap() {
        let is_bad = one["environment"] == "bad";
        assert_eq!(one["account"], "000000000000");
        assert!(one["milliseconds"].is_u64());
        // It has a plan that says what could not be read; a whole failure would be an `error`.
        assert_eq!(
            one["plan"]["unread"].as_array().unwrap().is_empty(),
            !is_bad,
            "{one:#}"
        );
    }
    let drift = repository.run(&["drift", "--all"]).exits(1);
    assert!(
        drift.err.starts_with("error: bad: ") && drift.err.lines().count() == 1,
        "{}",
        drift.err
    );
}

#[test]
fn what_excludes_each_other() {
    let repository = fleet();
    for args in [
        ["plan", "--all", "--env", "a"].as_slice(),
        &["plan"],
        &["plan", "--all", "--prune", "shop-a/alarm/x"],
        &["plan", "--all", "--show", "a.plan"],
        &["drift"],
        &["drift", "--all", "--env", "a"],
    ] {
        let run = repository.run(args).exits(2);
        assert_eq!(run.out, "", "{args:?}");
    }
}

/// Fifty environments: each by itself, all of them told.
#[test]
fn fifty_environments() {
    let repository = fleet();
    for number in 0..50 {
        let text = format!("version: 1\nextends: base\nclusters: [shop-{number}]\n");
        repository.write(&format!("environments/n-{number:02}.yaml"), &text);
    }
    let report = repository
        .run(&["plan", "--all", "--format", "json"])
        .exits(0)
        .json();
    let mut sorted = names(&report);
    sorted.sort_unstable();
    assert_eq!(names(&report), sorted);
    assert_eq!(sorted.len(), 54);
}
