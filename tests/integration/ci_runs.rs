//! What `pgvigil ci` makes of what it finds, and where it puts it.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "helpers of tests may panic"
)]

use serde_json::Value;

use crate::cli::{Repository, Run};

fn names(steps: &Value) -> Vec<(&str, &str)> {
    let steps = steps.as_array().unwrap().iter();
    steps
        .map(|step| {
            (
                step["name"].as_str().unwrap(),
                step["state"].as_str().unwrap(),
            )
        })
        .collect()
}

/// A run as in a job of GitHub.
fn on_github(repository: &Repository, args: &[&str]) -> Run {
    let mut command = repository.command();
    command
        .args(args)
        .env("GITHUB_ACTIONS", "true")
        .env("GITHUB_STEP_SUMMARY", repository.path("summary"))
        .env("GITHUB_OUTPUT", repository.path("output"));
    Run::of(command.output().unwrap())
}

/// A run that finds Git, to compare with what is committed.
fn with_git(repository: &Repository, args: &[&str]) -> Run {
    let mut command = repository.command();
    command
        .args(args)
        .env("PATH", std::env::var_os("PATH").unwrap());
    Run::of(command.output().unwrap())
}

/// Commits what there is, in a new Git repository.
fn begin(repository: &Repository) {
    let folder = repository.path("");
    crate::git::git(&folder, &["init", "-q"]);
    crate::git::commit(&folder, "alice@example.com");
}

#[test]
fn every_form_is_written_and_the_files_of_the_job_too() {
    let repository = Repository::new();
    let run = on_github(&repository, &["ci", "pr", "--env", "local", "--out", "ci"]);
    assert!(
        run.out.contains("::group::repository") && run.out.contains("::endgroup::"),
        "{}",
        run.out
    );
    for name in [
        "result.json",
        "summary.md",
        "comment-local.md",
        "results.sarif",
        "junit.xml",
        "gitlab-code-quality.json",
        "plans/local.plan.json",
    ] {
        assert!(repository.path("ci").join(name).exists(), "{name}");
    }
    assert_eq!(repository.read("summary"), repository.read("ci/summary.md"));
    let output = repository.read("output");
    assert!(
        output.contains("environments=[\"local\"]\n") && output.contains("result=ci/result.json\n"),
        "{output}"
    );
    assert!(
        output.contains(&format!("exit-code={}\n", run.code)),
        "{output}"
    );
    // Nothing was deployed.
    assert!(!repository.path("live").exists());

    // The same from the document alone.
    for (form, file) in [
        ("summary", "summary.md"),
        ("comment", "comment-local.md"),
        ("sarif", "results.sarif"),
        ("junit", "junit.xml"),
        ("gitlab", "gitlab-code-quality.json"),
    ] {
        let again = repository
            .run(&["ci", "render", "ci/result.json", "--as", form])
            .exits(0);
        assert_eq!(again.out, repository.read(&format!("ci/{file}")), "{form}");
    }
}

#[test]
fn a_fault_is_annotated_at_its_line_and_nothing_is_planned() {
    let repository = Repository::new();
    repository.edit("rules/rules.yaml", "command: SELECT\n", "comand: SELECT\n");
    let run = on_github(&repository, &["ci", "pr", "--out", "ci"]).exits(10);
    let annotation = run
        .out
        .lines()
        .find(|line| line.starts_with("::error"))
        .unwrap();
    assert!(
        annotation.contains("file=rules/rules.yaml,line=")
            && annotation.contains("title=schema/unknown-key"),
        "{annotation}"
    );
    let result: Value = serde_json::from_str(&repository.read("ci/result.json")).unwrap();
    assert_eq!(result["environments"], Value::Array(Vec::new()));
    assert!(names(&result["steps"]).contains(&("plan", "skipped")));
    assert!(!repository.path("ci/plans").exists());
}

#[test]
fn the_environments_are_applied_in_the_order_given_up_to_the_first_that_fails() {
    let repository = Repository::new();
    for name in ["a", "b", "c"] {
        repository.write(
            &format!("environments/{name}.yaml"),
            &format!("version: 1\nprovider: local\nfolder: live-{name}\nclusters: [shop]\n"),
        );
    }
    // What stands in the way of the second is no folder.
    repository.write("live-a", "");
    let args = [
        "ci", "apply", "--env", "c", "--env", "a", "--env", "b", "--out", "ci",
    ];
    let run = repository.run(&args);
    assert!([1, 15].contains(&run.code), "{}\n{}", run.code, run.out);
    assert!(repository.path("live-c").exists() && !repository.path("live-b").exists());
    let result: Value = serde_json::from_str(&repository.read("ci/result.json")).unwrap();
    let told: Vec<&str> = result["environments"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["identity"]["environment"].as_str().unwrap())
        .collect();
    assert_eq!(told, ["c", "a", "b"]);
    assert_eq!(
        names(&result["environments"][0]["steps"]),
        [("plan", "passed"), ("apply", "passed")]
    );
    assert_eq!(
        names(&result["environments"][2]["steps"]),
        [("apply", "skipped")]
    );
    assert!(run.out.contains("b: not reached"), "{}", run.out);

    // Mended, it goes on: what was applied is left alone.
    std::fs::remove_file(repository.path("live-a")).unwrap();
    let run = repository.run(&args).exits(0);
    assert!(run.out.contains("there is nothing to apply"), "{}", run.out);
    assert!(repository.path("live-b").exists());
}

/// What cannot be read of a sample is a failure, and its place is told.
#[test]
fn a_broken_log_sample_is_told_with_its_place() {
    let repository = Repository::new();
    begin(&repository);
    // The beginning of a gzip, and nothing more.
    std::fs::create_dir_all(repository.path("samples")).unwrap();
    std::fs::write(
        repository.path("samples/cut.log.gz"),
        [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3],
    )
    .unwrap();
    let run = with_git(
        &repository,
        &["ci", "pr", "--env", "local", "--base", "HEAD"],
    )
    .exits(1);
    assert!(
        run.out
            .contains("error[impact/unread]: the log samples could not be read completely"),
        "{}",
        run.out
    );
    assert!(run.out.contains("samples/cut.log.gz:"), "{}", run.out);
}

/// In a fleet most environments are alike: they share what was found out once, under their own names. One that judges
/// otherwise has figures of its own, and one of whose files nothing changed is left alone.
#[test]
fn environments_that_are_alike_share_a_report_and_others_do_not() {
    let repository = Repository::new();
    let environment = |name: &str, more: &str| {
        repository.write(
            &format!("environments/{name}.yaml"),
            &format!("version: 1\nprovider: local\nfolder: live\nclusters: [{name}]\n{more}"),
        );
    };
    std::fs::remove_file(repository.path("environments/prod.yaml")).unwrap();
    std::fs::remove_file(repository.path("environments/local.yaml")).unwrap();
    environment("north", "");
    environment("south", "");
    // Its server writes the other prefix of RDS: the sample is read all the same.
    environment(
        "west",
        "log_line_prefix: \"%m:%r:%u@%d:[%p]:%l:%e:%s:%v:%x:%c:%q%a:\"\n",
    );
    environment("still", "exclusions: []\n");
    repository.write(
        "samples/a.log",
        "2026-11-22 06:55:28 UTC:10.0.0.1(5000):shop@shop:[77]:LOG:  AUDIT: SESSION,1,1,READ,SELECT,,,select now(),<none>\n\
         2026-11-22 06:55:29 UTC:10.0.0.1(5000):alice@shop:[78]:LOG:  AUDIT: SESSION,1,1,READ,SELECT,,,select now(),<none>\n",
    );
    begin(&repository);
    let arguments = ["ci", "pr", "--base", "HEAD", "--format", "json"];
    let review = || with_git(&repository, &arguments).exits(0).json();
    let touched = |result: &Value| -> Vec<String> {
        let environments = result["environments"].as_array().unwrap().iter();
        let name = |one: &Value| one["identity"]["environment"].as_str().unwrap().to_owned();
        environments.map(name).collect()
    };

    assert_eq!(touched(&review()), [""; 0]);
    environment("south", "retention_days: 30\n");
    assert_eq!(touched(&review()), ["south"]);
    repository.edit(
        "rules/rules.yaml",
        "{equals: [\"SELECT version()\"]}",
        "{equals: [\"SELECT version()\", \"SELECT now()\"]}",
    );
    repository.edit(
        "rules/rules.yaml",
        "statement: \"select version();\"}",
        "statement: \"select version();\"}\n        - {class: READ, command: SELECT, statement: select now()}",
    );
    let result = review();
    // Each monitor tells the digest of the rules by which it judges.
    assert_eq!(touched(&result), ["north", "south", "still", "west"]);
    let figures = |number: usize| {
        let impact = &result["environments"][number]["impact"];
        let of_people = impact["totals"]["of_people"].as_u64().unwrap();
        let silent = impact["totals"]["newly_silent"].as_u64().unwrap();
        (
            impact["env"].as_str().unwrap().to_owned(),
            of_people,
            silent,
        )
    };
    assert_eq!(figures(0), ("north".to_owned(), 1, 1));
    assert_eq!(figures(1), ("south".to_owned(), 1, 1));
    assert_eq!(figures(2), ("still".to_owned(), 1, 0));
    assert_eq!(figures(3), ("west".to_owned(), 1, 1));
}

/// The step that fails is told in words that say what was to be done, everywhere.
#[cfg(feature = "aws")]
#[test]
fn a_step_that_fails_says_what_it_was() {
    let world = crate::aws_world::World::new(&["orders"]);
    let denied = serde_json::json!([{"operation": "monitoring:PutMetricAlarm", "times": null, "status": 403, "code": "AccessDenied"}]);
    world.moto.faults(&denied);
    let (code, text) = world.run(&[
        "ci",
        "apply",
        "--env",
        "prod",
        "--package",
        ".",
        "--out",
        "ci",
    ]);
    assert_eq!(code, 15, "{text}");
    let failed = "create orders/alarm/pgvigil-prod-orders-";
    let found = text
        .lines()
        .find(|line| line.starts_with("error[apply/failed]"))
        .unwrap();
    assert!(
        found.contains(failed) && found.contains(" failed: "),
        "{found}"
    );
    let page = std::fs::read_to_string(world.root().join("ci/summary.md")).unwrap();
    assert!(
        page.contains("created  orders/sns-topic/") && page.contains("failed  orders/alarm/"),
        "{page}"
    );
    assert!(page.contains("not done  orders/"), "{page}");
}

#[test]
fn saved_plans_are_what_is_applied() {
    let repository = Repository::new();
    repository.run(&["ci", "pr", "--env", "local", "--out", "ci"]);
    // The files move after the plan was looked at.
    repository.edit(
        "environments/local.yaml",
        "clusters: [shop]",
        "clusters: [shop]\ntags: {team: dba}",
    );
    let run = repository
        .run(&["ci", "apply", "--plans", "ci/plans"])
        .exits(1);
    assert!(
        run.out.contains("the files have changed for"),
        "{}",
        run.out
    );
    assert!(!repository.path("live").exists());
    repository.edit("environments/local.yaml", "\ntags: {team: dba}", "");
    // Only what was planned is applied: the environment on AWS has no plan.
    let run = repository
        .run(&["ci", "apply", "--plans", "ci/plans"])
        .exits(0);
    assert!(run.out.contains("without a plan: prod"), "{}", run.out);
    assert!(repository.path("live").exists());
    let run = repository
        .run(&["ci", "apply", "--env", "prod", "--plans", "ci/plans"])
        .exits(1);
    assert!(
        run.out
            .contains("cannot read the plan ci/plans/prod.plan.json"),
        "{}",
        run.out
    );
    assert!(run.out.contains("`pgvigil ci pr --out DIR`"), "{}", run.out);
    repository
        .run(&["ci", "apply", "--plans", "nowhere"])
        .exits(2);
    let run = repository
        .run(&["ci", "apply", "--env", "local", "--allow-delete", "3"])
        .exits(0);
    assert!(run.out.contains("there is nothing to apply"), "{}", run.out);
    repository.edit(
        "environments/local.yaml",
        "clusters: [shop]",
        "clusters: [shop]\ntags: {team: dba}",
    );
    let run = repository
        .run(&["ci", "apply", "--env", "local", "--allow-delete", "3"])
        .exits(1);
    assert!(
        run.out
            .contains("the plan deletes 0 resources, but --allow-delete is 3; nothing was changed"),
        "{}",
        run.out
    );
}

#[test]
fn drift_is_told_with_its_exit_code() {
    let repository = Repository::new();
    repository.run(&["ci", "apply", "--env", "local"]).exits(0);
    repository.run(&["ci", "drift", "--env", "local"]).exits(0);
    let is_alarm = |path: &std::path::PathBuf| {
        path.to_string_lossy().contains("human-dml")
            && std::fs::read_to_string(path)
                .unwrap()
                .contains("\"threshold\": 0")
    };
    let alarm = walk(&repository.path("live"))
        .into_iter()
        .find(is_alarm)
        .unwrap();
    let text = std::fs::read_to_string(&alarm).unwrap();
    std::fs::write(
        &alarm,
        text.replace("\"threshold\": 0", "\"threshold\": 1000000"),
    )
    .unwrap();
    let run = repository
        .run(&["ci", "drift", "--env", "local", "--format", "json"])
        .exits(13);
    let result = run.json();
    assert_eq!(result["findings"][0]["code"], "drift/drifted");
    assert_eq!(
        result["findings"][0]["spot"]["file"],
        "environments/local.yaml"
    );
    assert!(
        result["findings"][0]["message"]
            .as_str()
            .unwrap()
            .contains("threshold"),
        "{}",
        result["findings"]
    );
    // The environment on AWS cannot be looked at without credentials: that is a failure, and not "no drift".
    let run = repository.run(&["ci", "drift"]).exits(1);
    assert!(
        run.out.contains("local: drifted") && run.out.contains("prod: failed"),
        "{}",
        run.out
    );
    repository.run(&["ci", "apply", "--env", "local"]).exits(0);
    repository.run(&["ci", "drift", "--env", "local"]).exits(0);
}

fn walk(folder: &std::path::Path) -> Vec<std::path::PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(walk(&path));
        } else {
            files.push(path);
        }
    }
    files
}
