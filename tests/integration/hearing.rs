//! Changes that make the alarm hear less: none of them passes as unchanged, through the program as a pipeline runs it.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "helpers of tests may panic"
)]

use std::process::Output;

use serde_json::Value;

use crate::git::{commit, git};

const USERS: &str = "version: 1
audit:
  log: [all]
users:
  - role: alice
    owner: shop-team
    environments: all
    git: alice@example.com
  - role: bob
    owner: data-platform
    environments: all
  - role: müller
    owner: data-platform
    environments: all
service_accounts:
  - {role: shop_api, reason: the shop's own program, owner: shop-team, environments: all}
";

const EXCLUSIONS: &str = "version: 1
exclusions:
  - id: flyway
    title: Flyway looks at its history
    reason: the table says which migrations ran, and holds no data of people
    owner: data-platform
    created: 2026-11-01
    expires: 2027-05-31
    environments: all
    match:
      class: READ
      command: SELECT
      object_type: TABLE
      schema: public
      relation: [flyway_schema_history]
      statement:
        only_calls: {set: harmless-functions}
        lacks: [pg_sleep]
    samples:
      silences:
        - {class: READ, command: SELECT, object_type: TABLE, object: public.flyway_schema_history, statement: select version from flyway_schema_history}
      stays_loud:
        - {class: READ, command: SELECT, object_type: TABLE, object: public.customers, statement: select version from customers}
        - {class: READ, command: SELECT, object_type: TABLE, object: public.flyway_schema_history, statement: select lo_get(1) from flyway_schema_history}
        - {class: READ, command: SELECT, object_type: TABLE, object: public.flyway_schema_history, statement: select 1 from flyway_schema_history -- pg_sleep}
";

const PROD: &str = "version: 1
provider: local
folder: live
clusters: [orders, billing]
signals:
  dml: {threshold: 0}
  privilege: {}
monitor: {schedule: rate(5 minutes)}
notifications:
  email: [dba@example.com]
  https: [{from_env: INCIDENT_URL}]
tags: {owner: platform}
";

const DEV: &str = "version: 1\nprovider: local\nfolder: dev\nclusters: [dev]\nnotifications: {email: [dba@example.com]}\n";

pub(crate) struct Repository(pub(crate) tempfile::TempDir);

impl Repository {
    /// What `rules impact` says of the change, by itself.
    fn impact(&self) -> String {
        let output = self.run(
            "2026-12-02",
            &[
                "rules",
                "impact",
                "--env",
                "prod",
                "--base",
                "main",
                "samples/orders.log",
            ],
        );
        String::from_utf8(output.stdout).unwrap()
    }

    /// The policy as the first commit, on the branch `main`, with a log sample of 412 records of bob and 20 of alice.
    pub(crate) fn new() -> Self {
        let folder =
            tempfile::tempdir_in("/dev/shm").unwrap_or_else(|_| tempfile::tempdir().unwrap());
        let repository = Self(folder);
        for (name, text) in [
            ("rules/users.yaml", USERS),
            ("rules/exclusions.yaml", EXCLUSIONS),
            ("environments/prod.yaml", PROD),
            ("environments/dev.yaml", DEV),
        ] {
            repository.write(name, text);
        }
        // A session numbers its statements: no two entries are the same.
        let entry = |user: &str, number: usize, what: &str| {
            format!(
                "2026-12-01 06:{:02}:{:02} UTC:10.0.1.123(50322):{user}@shop:[24298]:LOG:  AUDIT: SESSION,{},1,{what},<not logged>\n",
                number / 8,
                number % 8,
                number + 1,
            )
        };
        let mut log = String::new();
        for number in 0..412 {
            let what = "WRITE,DELETE,TABLE,public.orders,delete from orders";
            log.push_str(&entry("bob", number, what));
        }
        for number in 0..20 {
            let what = "READ,SELECT,TABLE,public.customers,select * from customers";
            log.push_str(&entry("alice", 412 + number, what));
        }
        repository.write("samples/orders.log", &log);
        git(repository.0.path(), &["init", "-q", "-b", "main"]);
        commit(repository.0.path(), "carol@example.com");
        git(repository.0.path(), &["checkout", "-q", "-b", "change"]);
        repository
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        let path = self.0.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    /// The policy of `main` with these edits, as the next commit.
    pub(crate) fn change(&self, edits: &[(&str, &str, &str)], author: &str) {
        git(self.0.path(), &["reset", "-q", "--hard", "main"]);
        for (name, from, to) in edits {
            let path = self.0.path().join(name);
            let text = std::fs::read_to_string(&path).unwrap();
            assert!(text.contains(from), "{name} lacks {from}");
            std::fs::write(path, text.replacen(from, to, 1)).unwrap();
        }
        commit(self.0.path(), author);
    }

    pub(crate) fn delete(&self, name: &str) {
        git(self.0.path(), &["reset", "-q", "--hard", "main"]);
        std::fs::remove_file(self.0.path().join(name)).unwrap();
        commit(self.0.path(), "carol@example.com");
    }

    pub(crate) fn run(&self, today: &str, args: &[&str]) -> Output {
        std::process::Command::new(env!("CARGO_BIN_EXE_pgvigil"))
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap())
            .current_dir(self.0.path())
            .args(["--today", today, "-q"])
            .args(args)
            .output()
            .unwrap()
    }

    pub(crate) fn review(&self, more: &[&str]) -> (i32, Value) {
        let mut args = vec!["ci", "pr", "--base", "main", "--format", "json"];
        args.extend(more);
        let output = self.run("2026-12-02", &args);
        let text = String::from_utf8(output.stdout).unwrap();
        let result = serde_json::from_str(&text)
            .unwrap_or_else(|_| panic!("{text}{}", String::from_utf8_lossy(&output.stderr)));
        (output.status.code().unwrap(), result)
    }
}

/// A review that says that the alarm hears less, asks for approvals, and does not advise to merge.
#[track_caller]
fn asks(result: &Value, environment: &str, sentence: &str) {
    let found = result["environments"]
        .as_array()
        .unwrap()
        .iter()
        .find(|one| one["identity"]["environment"] == environment)
        .unwrap_or_else(|| panic!("{environment} is not looked at: {result:#}"));
    let impact = &found["impact"];
    let direction = impact["direction"].as_str().unwrap();
    assert!(
        !["unchanged", "narrowed"].contains(&direction),
        "{direction}: {sentence}"
    );
    assert_eq!(impact["approvals"]["required"], 2, "{sentence}");
    let told = format!(
        "{}{}",
        impact["hearing"]["changes"], impact["approvals"]["reasons"]
    );
    assert!(told.contains(sentence), "{sentence} is missing in {told}");
    assert_ne!(result["decision"]["advice"], "merge", "{sentence}");
}

const ENV: &str = "environments/prod.yaml";
const PEOPLE: &str = "rules/users.yaml";
const RULES: &str = "rules/exclusions.yaml";
const NEAR_MISS: &str = "        - {class: READ, command: SELECT, object_type: TABLE, object: public.flyway_schema_history, statement: select 1 from flyway_schema_history -- pg_sleep}\n";

#[test]
fn nothing_that_makes_the_alarm_hear_less_passes_as_unchanged() {
    let repository = Repository::new();
    let bob = "  - role: bob\n    owner: data-platform\n    environments: all\n";
    type Row<'a> = (&'a [(&'a str, &'a str, &'a str)], &'a str);
    let rows: &[Row<'_>] = &[
        (&[(PEOPLE, bob, "")], "bob is no longer audited in prod"),
        (
            &[(PEOPLE, bob, &bob.replace("all", "[dev]"))],
            "bob is no longer audited in prod",
        ),
        (
            &[(PEOPLE, bob, &format!("{bob}    until: 2026-12-03\n"))],
            "bob is no longer audited in prod from 4 December 2026",
        ),
        (
            &[(PEOPLE, "log: [all]", "log: [all]\n  log_relation: false")],
            "alice, bob and müller: records no longer name the relations that a statement touches",
        ),
        (
            &[(PEOPLE, "log: [all]", "log: [ddl]")],
            "alice, bob and müller: the classes FUNCTION, MISC, READ, ROLE, SET and WRITE are no longer logged in prod",
        ),
        (
            &[
                (ENV, "[orders, billing]", "[orders]"),
                (ENV, "dml: {threshold: 0}", "dml: {threshold: 100000}"),
                (ENV, "  https: [{from_env: INCIDENT_URL}]\n", ""),
            ],
            "the alarm of `dml` fires at more than 100000 statements instead of 0",
        ),
        (
            &[(ENV, "rate(5 minutes)", "rate(3 hours)")],
            "runs every 180 minutes instead of every 5 minutes",
        ),
        (
            &[(ENV, "  privilege: {}\n", "")],
            "the signal `privilege` is off in prod",
        ),
        (
            &[(
                PEOPLE,
                "service_accounts:\n",
                "service_accounts:\n  - {pattern: 'etl_[a-z]+', reason: the loaders of the night, owner: etl, environments: all}\n",
            )],
            "every role that matches `etl_[a-z]+` is now a service account",
        ),
        (
            &[(PEOPLE, "    git: alice@example.com\n", "")],
            "alice: Git addresses are removed",
        ),
        (
            &[(RULES, NEAR_MISS, "")],
            "has 2 samples that must stay loud instead of 3",
        ),
        // Another clock on the wall: the limit of a life is 366 days from today, whatever `created` says.
        (
            &[
                (RULES, "created: 2026-11-01", "created: 2027-01-01"),
                (RULES, "expires: 2027-05-31", "expires: 2027-12-31"),
            ],
            "the exclusion `flyway` silences until 31 December 2027 instead of until 31 May 2027",
        ),
    ];
    for (edits, sentence) in rows {
        repository.change(edits, "carol@example.com");
        let (code, result) = repository.review(&["--env", "prod"]);
        assert_eq!(code, 0, "{sentence}: {:#}", result["findings"]);
        asks(&result, "prod", sentence);
    }
    // The last word is the person's who has it in the files; what it would have cost stands beside it.
    repository.change(&[(PEOPLE, bob, "")], "carol@example.com");
    let (_, result) = repository.review(&["--env", "prod"]);
    let change = &result["environments"][0]["impact"]["hearing"]["changes"][0];
    assert_eq!(change["cost"], "412 records in these logs");
    assert_eq!(change["owners"], serde_json::json!(["data-platform"]));
    assert_eq!(result["findings"][0]["code"], "impact/hears-less");
    // The same by itself, and in every form.
    let text = repository.impact();
    assert!(
        text.contains("bob is no longer audited in prod (412 records in these logs)"),
        "{text}"
    );
    // The headline is wrapped.
    let words: Vec<&str> = text.split_whitespace().collect();
    assert!(
        words.join(" ").contains("2 approvals needed") && !text.contains("UNCHANGED"),
        "{text}"
    );
    let output = repository.run(
        "2026-12-02",
        &["ci", "pr", "--env", "prod", "--base", "main", "--out", "ci"],
    );
    let text = String::from_utf8(output.stdout).unwrap();
    let first = text.lines().next().unwrap();
    assert_eq!(
        first,
        "── not known: 2 approvals are needed, but this run cannot check for approvals: bob is no longer audited in prod"
    );
    for name in ["comment-prod.md", "summary.md"] {
        let page = std::fs::read_to_string(repository.0.path().join("ci").join(name)).unwrap();
        assert!(
            page.contains("**not known: 2 approvals are needed"),
            "{page}"
        );
        assert!(page.contains("bob is no longer audited in prod"), "{page}");
    }
}

#[test]
fn approvals_that_cannot_be_shown_have_an_exit_code() {
    let repository = Repository::new();
    repository.change(
        &[(ENV, "dml: {threshold: 0}", "dml: {threshold: 1}")],
        "carol@example.com",
    );
    let (code, result) = repository.review(&["--env", "prod", "--require-approvals"]);
    assert_eq!(code, 18);
    assert_eq!(result["decision"]["advice"], "do_not_merge");
    assert!(
        result["decision"]["why"]
            .as_str()
            .unwrap()
            .contains("2 approvals are needed, but this run cannot see any"),
        "{}",
        result["decision"]
    );
    // More heard asks for nobody.
    repository.change(
        &[(ENV, "  privilege: {}\n", "  privilege: {}\n  schema: {}\n")],
        "carol@example.com",
    );
    let (code, result) = repository.review(&["--env", "prod", "--require-approvals"]);
    assert_eq!(code, 0, "{result:#}");
    assert_eq!(result["environments"][0]["impact"]["direction"], "narrowed");
    assert_eq!(
        result["decision"],
        serde_json::json!({"advice": "merge", "why": "the alarm covers no less than before"})
    );
    // Without anything to compare with nobody knows.
    let output = repository.run(
        "2026-12-02",
        &["ci", "pr", "--env", "prod", "--format", "json"],
    );
    let result: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(result["decision"]["advice"], "not_known");
}

/// To agree on an exclusion anew as it is takes one, whoever answers for it; so does handing it to somebody else.
#[test]
fn a_renewal_and_another_owner_ask_the_one_who_answers() {
    let repository = Repository::new();
    repository.change(
        &[(RULES, "expires: 2027-05-31", "expires: 2027-10-31")],
        "carol@example.com",
    );
    let (code, result) = repository.review(&["--env", "prod"]);
    let impact = &result["environments"][0]["impact"];
    assert_eq!(code, 0, "{result:#}");
    assert_eq!(impact["direction"], "widened");
    assert_eq!(impact["approvals"]["required"], 1);
    assert_eq!(
        impact["approvals"]["owners"],
        serde_json::json!(["data-platform"])
    );
    assert_eq!(
        impact["approvals"]["reasons"],
        serde_json::json!([
            "the exclusion `flyway` silences until 31 October 2027 instead of until 31 May 2027"
        ])
    );
    assert_eq!(result["decision"]["advice"], "not_known");
    // With something else it is a renewal no longer.
    repository.change(
        &[
            (RULES, "expires: 2027-05-31", "expires: 2027-10-31"),
            (RULES, "        lacks: [pg_sleep]\n", ""),
        ],
        "carol@example.com",
    );
    let (_, result) = repository.review(&["--env", "prod"]);
    let approvals = &result["environments"][0]["impact"]["approvals"];
    assert_eq!(approvals["required"], 2, "{approvals}");
    // The old owner is asked, whom the change cannot choose.
    repository.change(
        &[(RULES, "owner: data-platform", "owner: mallory")],
        "carol@example.com",
    );
    let (_, result) = repository.review(&["--env", "prod"]);
    let approvals = &result["environments"][0]["impact"]["approvals"];
    assert_eq!(approvals["required"], 1, "{approvals}");
    assert_eq!(approvals["owners"], serde_json::json!(["data-platform"]));
    assert_eq!(result["decision"]["advice"], "not_known");
}

/// `rules renew` writes what a review of one approval is for.
#[test]
fn what_is_renewed_is_a_change_for_one() {
    let repository = Repository::new();
    git(repository.0.path(), &["reset", "-q", "--hard", "main"]);
    let renew = |args: &[&str]| {
        let all = [&["rules", "renew"][..], args].concat();
        repository.run("2027-05-10", &all)
    };
    let by = ["--by", "security", "--why", "Flyway runs each night"];
    // Not so long, not without a name, and not what is not there.
    for (args, told) in [
        (
            &["--until", "2029-01-01"][..],
            "`limits.max_life_days` is 366",
        ),
        (&["--until", "2027-05-01"], "already lasts until 2027-05-31"),
        (&["nothing"], "there is no exclusion `nothing`"),
    ] {
        let output = renew(&[args, &by].concat());
        assert_eq!(output.status.code(), Some(2));
        let text = String::from_utf8(output.stderr).unwrap();
        assert!(text.contains(told), "{text}");
    }
    let output = renew(&[&by[..], &["--dry-run"]].concat());
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(git(repository.0.path(), &["status", "--porcelain"]), "");
    let output = renew(&by);
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(
        text,
        "renewed flyway until 2028-05-08, previously 2027-05-31\n"
    );
    let diff = git(repository.0.path(), &["diff", "-U0"]);
    let lines: Vec<&str> = diff
        .lines()
        .filter(|line| {
            line.starts_with(['+', '-']) && !line.starts_with("+++") && !line.starts_with("---")
        })
        .collect();
    assert_eq!(
        lines,
        [
            "-    created: 2026-11-01",
            "-    expires: 2027-05-31",
            "+    created: 2027-05-10",
            "+    # renewed 2027-05-10 until 2028-05-08 by security: Flyway runs each night",
            "+    expires: 2028-05-08",
        ]
    );
    let output = repository.run("2027-05-10", &["check"]);
    assert_eq!(
        output.status.code(),
        Some(0),
        "{}",
        String::from_utf8_lossy(&output.stdout)
    );
    commit(repository.0.path(), "carol@example.com");
    let output = repository.run(
        "2027-05-10",
        &["ci", "pr", "--base", "main", "--format", "json"],
    );
    let result: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(0), "{result:#}");
    assert_eq!(
        result["environments"][0]["impact"]["approvals"]["required"],
        1
    );
    // A month before and after the last day nothing refuses to look, and everything tells.
    git(repository.0.path(), &["reset", "-q", "--hard", "main"]);
    for (day, told) in [
        (
            "2027-05-10",
            "1 exclusion ends within 30 days: flyway (2027-05-31)",
        ),
        (
            "2027-06-15",
            "1 exclusion has ended and no longer silences anything: flyway (2027-05-31)",
        ),
    ] {
        for args in [
            &["compile", "--env", "prod", "--out", "build"][..],
            &["doctor", "--env", "prod"],
            &["drift", "--env", "prod"],
        ] {
            let output = repository.run(day, args);
            let text = String::from_utf8(output.stderr).unwrap();
            assert!(text.contains(told), "{args:?}: {text}");
        }
        let output = repository.run(day, &["ci", "drift", "--env", "prod", "--format", "json"]);
        let result: Value = serde_json::from_slice(&output.stdout).unwrap();
        let codes: Vec<&str> = result["findings"]
            .as_array()
            .unwrap()
            .iter()
            .map(|found| found["code"].as_str().unwrap())
            .collect();
        assert!(
            codes
                .iter()
                .any(|code| code.starts_with("exclusion/expire")),
            "{result:#}"
        );
        assert!(
            !result["environments"].as_array().unwrap().is_empty(),
            "{result:#}"
        );
    }
}

/// What lies in the folder of an environment is judged there alone.
#[test]
fn samples_belong_to_environments() {
    let repository = Repository::new();
    let path = repository.0.path().to_owned();
    git(&path, &["checkout", "-q", "main"]);
    std::fs::create_dir_all(path.join("samples/prod")).unwrap();
    git(
        &path,
        &["mv", "samples/orders.log", "samples/prod/orders.log"],
    );
    let long = "2026-12-01 06:00:01.123 UTC:10.0.1.9(50322):alice@shop:[1]:7:00000:2026-12-01 06:00:00 UTC:3/1:0:6b.1:psql:LOG:  \
                AUDIT: SESSION,1,1,READ,SELECT,TABLE,public.orders,select 1,<not logged>\n";
    repository.write("samples/dev/dev.log", long);
    commit(&path, "carol@example.com");
    git(&path, &["checkout", "-q", "-B", "change"]);
    let bob = "  - role: bob\n    owner: data-platform\n    environments: all\n";
    repository.change(&[(PEOPLE, bob, "")], "carol@example.com");
    let (code, result) = repository.review(&[]);
    assert_eq!(code, 0, "{:#}", result["findings"]);
    let records = |name: &str| {
        let all = result["environments"].as_array().unwrap();
        let found = all
            .iter()
            .find(|one| one["identity"]["environment"] == name)
            .unwrap();
        found["impact"]["totals"]["records"].clone()
    };
    assert_eq!((records("prod"), records("dev")), (432.into(), 1.into()));
    // One folder for both: the other's logs are told.
    git(&path, &["checkout", "-q", "main"]);
    git(
        &path,
        &["mv", "samples/dev/dev.log", "samples/prod/dev.log"],
    );
    commit(&path, "carol@example.com");
    git(&path, &["checkout", "-q", "-B", "change"]);
    repository.change(&[(PEOPLE, bob, "")], "carol@example.com");
    let (_, result) = repository.review(&[]);
    let told = result["findings"].to_string();
    assert!(
        told.contains("impact/prefixes") && told.contains("1 of 433"),
        "{told}"
    );
}

/// What guards the policy stands beside it.
#[test]
fn files_that_guard_the_policy_are_looked_at() {
    let repository = Repository::new();
    let path = repository.0.path().to_owned();
    git(&path, &["checkout", "-q", "main"]);
    for (name, text) in [
        (".github/CODEOWNERS", "/rules/ @shop/security\n"),
        (".github/workflows/pgvigil-pr.yml", "run: pgvigil ci pr\n"),
        (".github/workflows/tests.yml", "run: make test\n"),
        ("rules/fixtures/day.log", ""),
        (
            "rules/fixtures/day.expect.tsv",
            "first_line\tlast_line\tlabel\tnote\n",
        ),
    ] {
        repository.write(name, text);
    }
    commit(&path, "carol@example.com");
    git(&path, &["checkout", "-q", "-B", "change"]);
    for (name, sentence) in [
        (".github/CODEOWNERS", "it no longer requests reviews"),
        (
            ".github/workflows/pgvigil-pr.yml",
            "its checks no longer run",
        ),
        (
            "samples/orders.log",
            "the log sample `samples/orders.log` is gone",
        ),
    ] {
        repository.delete(name);
        for args in [&[][..], &["--env", "prod"]] {
            let (code, result) = repository.review(args);
            assert_eq!(code, 0, "{name}: {:#}", result["findings"]);
            asks(&result, "prod", sentence);
        }
        let (code, _) = repository.review(&["--require-approvals"]);
        assert_eq!(code, 18, "{name}");
    }
    for (name, from, to, sentence) in [
        (
            ".github/CODEOWNERS",
            "@shop/security",
            "@mallory",
            "requests reviews from other people",
        ),
        (
            ".github/workflows/pgvigil-pr.yml",
            "ci pr",
            "ci pr || true",
            "decides which checks run on a change",
        ),
        (
            "rules/fixtures/day.expect.tsv",
            "first_line\tlast_line\tlabel\tnote\n",
            "first_line\tlast_line\tlabel\tnote\n\n",
            "it might catch less",
        ),
    ] {
        repository.change(&[(name, from, to)], "carol@example.com");
        let (_, result) = repository.review(&[]);
        asks(&result, "prod", sentence);
    }
    // Others' pipelines are theirs.
    repository.delete(".github/workflows/tests.yml");
    let (code, result) = repository.review(&[]);
    assert_eq!(
        (code, &result["decision"]["advice"]),
        (0, &Value::from("merge"))
    );
}

/// An environment under another name: the old one is gone, whichever of the two is named.
#[test]
fn an_environment_that_is_renamed_is_gone() {
    let repository = Repository::new();
    git(
        repository.0.path(),
        &["mv", ENV, "environments/production.yaml"],
    );
    commit(repository.0.path(), "carol@example.com");
    for args in [&[][..], &["--env", "production"]] {
        let (code, result) = repository.review(args);
        assert_eq!(code, 0, "{:#}", result["findings"]);
        asks(&result, "prod", "no alarm covers prod any more");
    }
}

/// Environments that a change takes away, and those that are alike, each under its own name.
#[test]
fn an_environment_that_vanishes_is_heard_of() {
    let repository = Repository::new();
    repository.delete(ENV);
    for args in [&[][..], &["--env", "prod"]] {
        let (code, result) = repository.review(args);
        assert_eq!(code, 0, "{result:#}");
        asks(&result, "prod", "no alarm covers prod any more");
    }
    let text = repository.impact();
    assert!(text.contains("(432 records in these logs)"), "{text}");
    // One that becomes a base is gone too.
    repository.change(
        &[(ENV, "version: 1\n", "version: 1\nbase: true\n")],
        "carol@example.com",
    );
    let (_, result) = repository.review(&[]);
    asks(&result, "prod", "no alarm covers prod any more");
    repository.change(
        &[(
            PEOPLE,
            "  - role: bob\n    owner: data-platform\n    environments: all\n",
            "",
        )],
        "carol@example.com",
    );
    let (_, result) = repository.review(&[]);
    for name in ["dev", "prod"] {
        asks(
            &result,
            name,
            &format!("bob is no longer audited in {name}"),
        );
    }
}

#[test]
fn nobody_takes_their_own_role_out_of_the_alarm() {
    let repository = Repository::new();
    let edit = (
        PEOPLE,
        "    environments: all\n    git: alice@example.com\n",
        "    environments: [dev]\n    git: alice@example.com\n",
    );
    repository.change(&[edit], "alice@example.com");
    let (code, result) = repository.review(&["--env", "prod"]);
    assert_eq!(code, 10);
    assert_eq!(result["findings"][0]["code"], "impact/own-role");
    assert_eq!(result["decision"]["advice"], "do_not_merge");
    repository.change(&[edit], "carol@example.com");
    let (code, result) = repository.review(&["--env", "prod"]);
    assert_eq!(code, 0);
    let not_by = result["environments"][0]["impact"]["approvals"]["not_by"].to_string();
    assert!(not_by.contains("alice@example.com"), "{not_by}");
}

/// `rules/users.yaml` is gone: `check` says so, and the review lists who vanishes.
#[test]
fn an_environment_that_audits_nobody_is_an_error() {
    let repository = Repository::new();
    repository.delete(PEOPLE);
    let output = repository.run("2026-12-02", &["check"]);
    assert_eq!(output.status.code(), Some(10));
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("error[environment/nobody-audited]"), "{text}");
    let (code, result) = repository.review(&["--env", "prod"]);
    assert_eq!(code, 10);
    asks(
        &result,
        "prod",
        "alice, bob and müller are no longer audited in prod",
    );
    assert_eq!(result["decision"]["advice"], "do_not_merge");
    // So is one in which everybody has ended, and one that nobody's entry names.
    for edits in [
        USERS.replace(
            "environments: all\n",
            "environments: all\n    until: 2026-12-01\n",
        ),
        USERS.replace("environments: all\n", "environments: [dev]\n"),
    ] {
        repository.write(PEOPLE, &edits);
        let output = repository.run("2026-12-02", &["check"]);
        assert_eq!(output.status.code(), Some(10), "{edits}");
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(
            text.contains("the environment `prod` audits no one"),
            "{text}"
        );
    }
    // Settings that leave things out are warned of, each once.
    repository.write(
        PEOPLE,
        &USERS.replace("[all]", "[all]\n  log_relation: false"),
    );
    let output = repository.run("2026-12-02", &["check"]);
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(
        text.matches("warning[user/no-relations]").count(),
        1,
        "{text}"
    );
}

#[test]
fn an_exclusion_that_opens_a_table_says_so_first() {
    let repository = Repository::new();
    repository.change(
        &[
            (RULES, "relation: [flyway_schema_history]", "relation: [flyway_schema_history, customers]"),
            (RULES, "        lacks: [pg_sleep]\n", ""),
            (RULES, "object: public.customers, statement: select version from customers", "object: public.orders, statement: select version from orders"),
            (RULES, "        - {class: READ, command: SELECT, object_type: TABLE, object: public.flyway_schema_history, statement: select 1 from flyway_schema_history -- pg_sleep}\n", ""),
        ],
        "carol@example.com",
    );
    let (_, result) = repository.review(&["--env", "prod"]);
    asks(&result, "prod", "the exclusion `flyway` is widened");
    let exclusion = &result["environments"][0]["impact"]["exclusions"][0];
    assert!(
        exclusion["why"].as_str().unwrap().starts_with(
            "all users' reads of public.customers become silent, whatever they select"
        ),
        "{}",
        exclusion["why"]
    );
    assert_eq!(exclusion["newly_silent"], 20);
    let example = &exclusion["counterexample"];
    let relation = example["object"]
        .as_str()
        .unwrap()
        .rsplit('.')
        .next()
        .unwrap();
    assert!(
        example["statement"].as_str().unwrap().contains(relation),
        "{example}"
    );
    let output = repository.run(
        "2026-12-02",
        &["ci", "pr", "--env", "prod", "--base", "main"],
    );
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("no trick is needed"), "{text}");
}

#[test]
fn a_condition_that_is_removed_is_widened() {
    let repository = Repository::new();
    let near_misses = "    samples:\n";
    for (from, to) in [
        ("        lacks: [pg_sleep]\n", ""),
        (
            "      statement:\n        only_calls: {set: harmless-functions}\n        lacks: [pg_sleep]\n",
            "",
        ),
        ("        only_calls: {set: harmless-functions}\n", ""),
        ("      object_type: TABLE\n", ""),
    ] {
        repository.change(
            &[(RULES, from, to), (RULES, near_misses, near_misses)],
            "carol@example.com",
        );
        let output = repository.run(
            "2026-12-02",
            &[
                "rules",
                "impact",
                "--env",
                "prod",
                "--base",
                "main",
                "--format",
                "json",
                "samples/orders.log",
            ],
        );
        let report: Value = serde_json::from_slice(&output.stdout)
            .unwrap_or_else(|_| panic!("{from}: {}", String::from_utf8_lossy(&output.stderr)));
        assert_eq!(report["exclusions"][0]["direction"], "widened", "{from}");
        assert_eq!(report["direction"], "widened", "{from}");
        assert_eq!(report["approvals"]["required"], 2, "{from}");
    }
}

#[test]
fn service_accounts_by_patterns_that_are_not_plain_are_refused() {
    let repository = Repository::new();
    for pattern in [
        "m.{6}",
        "etl_a**",
        "m[^x]{6}",
        "m[^x]{5}",
        "m(ü|u)ller",
        "[^a]+",
    ] {
        repository.change(
            &[(
                PEOPLE,
                "service_accounts:\n",
                &format!("service_accounts:\n  - {{pattern: '{pattern}', reason: the loaders of the night, owner: etl, environments: all}}\n"),
            )],
            "carol@example.com",
        );
        let output = repository.run("2026-12-02", &["check"]);
        let text = String::from_utf8(output.stdout).unwrap();
        assert_eq!(output.status.code(), Some(10), "{pattern}: {text}");
    }
}

/// After the last day of exclusions, and with a fault elsewhere, what looks at logs still does.
#[test]
fn what_looks_at_logs_works_after_the_last_day_and_beside_faults() {
    let repository = Repository::new();
    repository.change(
        &[(ENV, "threshold: 0", "threshold: 2")],
        "carol@example.com",
    );
    let day = "2027-06-15";
    let line = "2026-12-01 06:00:28 UTC:10.0.1.123(50322):bob@shop:[24298]:LOG:  AUDIT: SESSION,1,1,READ,SELECT,TABLE,public.orders,select 1,<not logged>";
    let commands: &[&[&str]] = &[
        &[
            "rules",
            "eval",
            "--env",
            "prod",
            "--summary",
            "samples/orders.log",
        ],
        &["rules", "explain", "--env", "prod", "--line", line],
        &["rules", "attack", "--env", "prod"],
        &[
            "rules",
            "impact",
            "--env",
            "prod",
            "--base",
            "main",
            "samples/orders.log",
        ],
    ];
    for args in commands {
        let output = repository.run(day, args);
        let told = String::from_utf8(output.stderr).unwrap();
        // The exclusion names users' data itself.
        let code = if args.contains(&"attack") { 10 } else { 0 };
        assert_eq!(output.status.code(), Some(code), "{args:?}: {told}");
        assert!(
            told.contains("1 exclusion has ended and no longer silences anything: flyway"),
            "{args:?}: {told}"
        );
    }
    repository.write("rules/more.yaml", "version: 1\nlimitz: {}\n");
    for args in commands.iter().take(2) {
        let output = repository.run("2026-12-02", args);
        let told = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(0), "{args:?}: {told}");
        assert!(
            told.contains("there is 1 error in the policy files: see `pgvigil check`"),
            "{told}"
        );
    }
}

/// The reason names a condition that the record really fails.
#[test]
fn an_explanation_is_true() {
    for (record, exclusion, condition, word) in [
        (
            "READ,SELECT,VIEW,pg_catalog.pg_shadow,SELECT passwd FROM pg_shadow",
            "behind-system-views",
            "statement.lacks_names",
            "pg_shadow",
        ),
        (
            "READ,SELECT,,,SELECT lo_get(16400)",
            "bodies-of-system-functions",
            "statement.is_empty",
            "the statement has a text",
        ),
    ] {
        let line = format!(
            "2026-12-01 06:00:28 UTC:10.0.1.123(50322):alice@shop:[24298]:LOG:  AUDIT: SESSION,1,1,{record},<not logged>"
        );
        let output = std::process::Command::new(env!("CARGO_BIN_EXE_pgvigil"))
            .env_clear()
            .current_dir(crate::recorded::root())
            .args([
                "--today",
                "2026-12-02",
                "rules",
                "explain",
                "--env",
                "local",
            ])
            .args(["--line", &line])
            .output()
            .unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(!text.contains("stricter"), "{text}");
        let told = text
            .split_once(exclusion)
            .map(|(_, told)| told.lines().take(3).collect::<Vec<_>>().join(" "))
            .unwrap_or_default();
        assert!(
            told.contains(condition) && told.contains(word),
            "{exclusion}: {text}"
        );
    }
}
