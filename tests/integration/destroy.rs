//! Deletions from outside: `--prune`, `destroy`, and who must agree to them.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "helpers of tests may panic"
)]

use std::path::PathBuf;

use crate::cli::{Repository, Run};

/// Two clusters are deployed, and then one is watched no longer.
fn one_cluster_less() -> Repository {
    let repository = Repository::new();
    repository.edit("environments/local.yaml", "[shop]", "[shop, old]");
    repository
        .run(&["apply", "--env", "local", "--auto-approve"])
        .exits(0);
    repository.edit("environments/local.yaml", "[shop, old]", "[shop]");
    repository
}

/// Folders that hold a resource, such as `old/alarm`.
fn live(repository: &Repository, cluster: &str) -> Vec<String> {
    let folder = repository.path(&format!("live/local/{cluster}"));
    let mut kinds: Vec<String> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| !resources(path).is_empty())
        .map(|path| path.file_name().unwrap().to_string_lossy().into_owned())
        .collect();
    kinds.sort();
    kinds
}

fn resources(folder: &PathBuf) -> Vec<PathBuf> {
    std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| {
            path.extension()
                .is_some_and(|extension| extension == "json")
        })
        .collect()
}

const KEPT: [&str; 4] = ["kms-alias", "kms-key", "log-group", "sns-topic"];

#[test]
fn what_no_file_asks_for_goes_only_when_it_is_named_and_confirmed() {
    let repository = one_cluster_less();
    let before = live(&repository, "old");
    let plain = repository
        .run(&["apply", "--env", "local", "--auto-approve"])
        .exits(0);
    assert_eq!(live(&repository, "old"), before, "{}", plain.out);

    let wide = repository
        .run(&["plan", "--env", "local", "--prune", "*"])
        .exits(2);
    assert!(
        wide.err.contains("does not name its cluster"),
        "{}",
        wide.err
    );
    let plan = [
        "plan",
        "--env",
        "local",
        "--prune",
        "old/*",
        "--out",
        "prune.plan",
    ];
    let saved = repository.run(&plan).exits(0);
    assert!(saved.out.contains("15 to delete"), "{}", saved.out);
    assert!(
        saved
            .err
            .contains("`pgvigil apply --env local --allow-delete 15 prune.plan`"),
        "{}",
        saved.err
    );
    let apply = ["apply", "--env", "local", "prune.plan"];
    for more in [
        [].as_slice(),
        &["--auto-approve"],
        &["--allow-delete", "14"],
        &["--allow-delete", "16"],
    ] {
        let refused = repository.run(&[&apply, more].concat()).exits(2);
        assert_eq!(refused.out, "");
        assert!(
            refused.err.contains("the plan deletes 15 resources"),
            "{}",
            refused.err
        );
        assert_eq!(live(&repository, "old"), before);
    }
    // A pattern is not agreed to in advance.
    let refused = repository
        .run(&[
            "apply",
            "--env",
            "local",
            "--prune",
            "old/*",
            "--auto-approve",
        ])
        .exits(2);
    assert!(
        refused.err.contains("confirm with --allow-delete 15"),
        "{}",
        refused.err
    );
    let done = repository
        .run(&[&apply[..], &["--allow-delete", "15"]].concat())
        .exits(0);
    assert!(
        done.out.ends_with("There is nothing left to do.\n"),
        "{}",
        done.out
    );
    assert_eq!(live(&repository, "old"), KEPT);
    assert_eq!(live(&repository, "shop").len(), 13);

    // By their names, the key not before its topic.
    let name = resources(&repository.path("live/local/old/sns-topic"))[0].clone();
    let name = name.file_stem().unwrap().to_string_lossy().into_owned();
    let key = format!("old/kms-key/{name}");
    let alone = repository
        .run(&["apply", "--env", "local", "--prune", &key, "--auto-approve"])
        .exits(1);
    assert!(
        alone.err.contains("cannot send without its key"),
        "{}",
        alone.err
    );
    let topic = format!("old/sns-topic/{name}");
    let both = [
        "apply",
        "--env",
        "local",
        "--prune",
        &key,
        "--prune",
        &topic,
        "--auto-approve",
    ];
    let both = repository.run(&both).exits(0);
    assert!(
        both.out.contains("it is deleted after 30 days"),
        "{}",
        both.out
    );
    assert_eq!(live(&repository, "old"), ["kms-alias", "log-group"]);
}

#[test]
fn an_environment_is_taken_down_and_comes_back() {
    let repository = Repository::new();
    let destroy = ["destroy", "--env", "local"];
    let nothing = repository.run(&destroy).exits(0);
    assert!(
        nothing.err.contains("there is nothing to destroy"),
        "{}",
        nothing.err
    );
    repository
        .run(&["apply", "--env", "local", "--auto-approve"])
        .exits(0);
    let before = live(&repository, "shop");
    let nobody = repository.run(&destroy).exits(2);
    assert!(
        nobody.out.starts_with("Destroy local (local, "),
        "{}",
        nobody.out
    );
    assert!(
        nobody.out.contains("16 to delete") && nobody.out.contains("`--also topic` deletes it"),
        "{}",
        nobody.out
    );
    assert!(
        nobody.err.contains("there is no terminal to confirm on")
            && nobody.err.contains("--auto-approve"),
        "{}",
        nobody.err
    );
    let never = repository
        .run(&["destroy", "--env", "local", "--also", "log-group"])
        .exits(2);
    assert!(never.err.contains("key, topic"), "{}", never.err);
    assert_eq!(live(&repository, "shop"), before);

    // Saved, shown, applied: with the same words as any other plan.
    let saved = repository
        .run(&["destroy", "--env", "local", "--out", "end.plan"])
        .exits(0);
    assert!(
        saved.err.contains("--allow-delete 16 end.plan"),
        "{}",
        saved.err
    );
    let shown = repository.run(&["plan", "--show", "end.plan"]).exits(0);
    assert_eq!(shown.out, saved.out);
    assert!(
        shown.err.contains("note: this plan was made at 20")
            && shown.err.contains("might have changed since"),
        "{}",
        shown.err
    );
    repository
        .run(&["apply", "--env", "local", "end.plan"])
        .exits(2);
    // A policy with faults does not keep the environment alive.
    repository.edit(
        "rules/rules.yaml",
        "expires: 2027-01-05",
        "expires: 2026-01-11",
    );
    repository.run(&["plan", "--env", "local"]).exits(10);
    let done = repository
        .run(&[
            "apply",
            "--env",
            "local",
            "--allow-delete",
            "16",
            "end.plan",
        ])
        .exits(0);
    assert!(
        done.out.ends_with("There is nothing left to do.\n"),
        "{}",
        done.out
    );
    assert_eq!(live(&repository, "shop"), KEPT);
    repository.edit(
        "rules/rules.yaml",
        "expires: 2026-01-11",
        "expires: 2027-01-05",
    );

    let again = repository.run(&["plan", "--env", "local"]).exits(0);
    assert!(
        again.out.contains("16 to create, 5 unchanged."),
        "{}",
        again.out
    );
    repository
        .run(&["apply", "--env", "local", "--auto-approve"])
        .exits(0);
    repository
        .run(&[
            "destroy",
            "--env",
            "local",
            "--also",
            "key",
            "--auto-approve",
        ])
        .exits(1);
    repository
        .run(&[
            "destroy",
            "--env",
            "local",
            "--also",
            "key,topic",
            "--auto-approve",
        ])
        .exits(0);
    assert_eq!(live(&repository, "shop"), ["log-group"]);
}

/// The program on a terminal, where somebody types.
#[cfg(target_os = "linux")]
fn typed(repository: &Repository, args: &str, answer: &str) -> Run {
    let program = env!("CARGO_BIN_EXE_pgvigil");
    let mut command = assert_cmd::Command::new("script");
    command
        .current_dir(repository.path("."))
        .env("NO_COLOR", "1")
        .args([
            "-qec",
            &format!("{program} --today 2026-11-22 {args}"),
            "/dev/null",
        ])
        .write_stdin(format!("{answer}\n"))
        .timeout(std::time::Duration::from_secs(60));
    Run::of(command.output().unwrap())
}

#[cfg(target_os = "linux")]
#[test]
fn somebody_types_the_name_of_the_environment() {
    let repository = Repository::new();
    let declined = typed(&repository, "apply --env local", "y");
    assert_eq!(declined.code, 12, "{}", declined.out);
    let applied = typed(&repository, "apply --env local", "yes");
    assert_eq!(applied.code, 0, "{}", applied.out);
    // On a terminal each step is announced, with its place among all.
    assert!(
        applied.out.contains("7/21 iam-role-policy ")
            || applied.out.contains("21/21 event-target "),
        "{}",
        applied.out
    );
    let before = live(&repository, "shop");
    for answer in ["yes", "LOCAL", "", "local2"] {
        let declined = typed(&repository, "destroy --env local", answer);
        assert_eq!(declined.code, 12, "{}", declined.out);
        assert!(
            declined.out.contains("Only `local` is accepted: "),
            "{}",
            declined.out
        );
        assert_eq!(live(&repository, "shop"), before);
    }
    assert_eq!(typed(&repository, "destroy --env local", "local").code, 0);
    assert_eq!(live(&repository, "shop"), KEPT);
}

/// What must never happen is that an old plan silences the alarm again.
#[test]
fn an_old_plan_brings_no_ended_exclusion_back() {
    let repository = Repository::new();
    repository
        .run(&["plan", "--env", "local", "--out", "old.plan"])
        .exits(0);
    // On the day after its end: the files are at fault, and nothing is applied.
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_pgvigil"));
    command.env_clear().current_dir(repository.path(".")).args([
        "--today",
        "2027-01-06",
        "apply",
        "--env",
        "local",
        "old.plan",
    ]);
    let late = Run::of(command.output().unwrap());
    assert_eq!(late.code, 10, "{}", late.err);
    assert!(late.err.contains("exclusion/expired"), "{}", late.err);
    assert!(!repository.path("live").exists());
    // Somebody has deleted it from the files: they are sound, and the plan is of another time.
    let rules = repository.read("rules/rules.yaml");
    let without = rules.split("exclusions:").next().unwrap();
    repository.write("rules/rules.yaml", without);
    let refused = repository
        .run(&["apply", "--env", "local", "old.plan"])
        .exits(1);
    assert!(
        refused
            .err
            .contains("an old plan can contain an expired exclusion"),
        "{}",
        refused.err
    );
    assert!(!repository.path("live").exists());
    // The files are as they were: the plan is too.
    repository.write("rules/rules.yaml", &rules);
    repository
        .run(&["apply", "--env", "local", "old.plan"])
        .exits(0);
    // What is protected now and was not then.
    repository.edit(
        "environments/local.yaml",
        "[shop]",
        "[shop]\nretention_days: 30",
    );
    repository
        .run(&["plan", "--env", "local", "--out", "old.plan"])
        .exits(0);
    repository.write(
        "rules/protected.yaml",
        "version: 1\nprotected:\n  - {class: READ, owner: security, reason: every read of a person is evidence under PCI DSS}\n",
    );
    let refused = repository
        .run(&["apply", "--env", "local", "old.plan"])
        .exits(10);
    assert!(
        refused.err.contains("exclusion/silences-protected"),
        "{}",
        refused.err
    );
}
