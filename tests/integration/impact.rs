//! `rules impact` on the history of a real repository: what a pull request silences is said exactly.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "helpers of tests may panic"
)]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;
use tempfile::TempDir;

use crate::git::{commit, git};

const LOGS: [&str; 2] = ["psql.on-short.log.gz", "people_psql.on-short.log.gz"];

/// A repository with the shipped policy as its first commit, and a branch for the change.
struct Repository(TempDir);

impl Repository {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let source = Path::new(env!("CARGO_MANIFEST_DIR"));
        for name in [
            "rules/users.yaml",
            "rules/exclusions.yaml",
            "environments/base.yaml",
            "environments/local.yaml",
        ] {
            let target = folder.path().join(name);
            std::fs::create_dir_all(target.parent().unwrap()).unwrap();
            std::fs::copy(source.join(name), target).unwrap();
        }
        let repository = Self(folder);
        // The production environment stays away: what it selects does not exist here.
        repository.edit("rules/users.yaml", "[production]", "all");
        repository.git(&["init", "-q", "-b", "main"]);
        repository.commit("alice@example.com");
        repository.git(&["checkout", "-q", "-b", "change"]);
        repository
    }

    fn git(&self, arguments: &[&str]) -> String {
        git(self.0.path(), arguments)
    }

    fn commit(&self, author: &str) {
        commit(self.0.path(), author);
    }

    fn edit(&self, file: &str, from: &str, to: &str) {
        let path = self.0.path().join(file);
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.contains(from), "{from}");
        std::fs::write(path, text.replacen(from, to, 1)).unwrap();
    }

    fn add_exclusion(&self, text: &str) {
        self.edit(
            "rules/exclusions.yaml",
            "exclusions:\n",
            &format!("exclusions:\n{text}"),
        );
    }

    fn pgvigil(&self, arguments: &[&str]) -> Output {
        Command::new(env!("CARGO_BIN_EXE_pgvigil"))
            .args(["--today", "2026-11-22", "-q", "-C"])
            .arg(self.0.path())
            .args(arguments)
            .output()
            .unwrap()
    }

    fn impact(&self, arguments: &[&str]) -> (i32, Value) {
        let logs = logs();
        let mut all = vec![
            "rules", "impact", "--env", "local", "--base", "main", "--format", "json",
        ];
        all.extend(arguments);
        all.extend(logs.iter().map(|log| log.to_str().unwrap()));
        let output = self.pgvigil(&all);
        let text = String::from_utf8(output.stdout).unwrap();
        let report = serde_json::from_str(&text)
            .unwrap_or_else(|_| panic!("{text}{}", String::from_utf8_lossy(&output.stderr)));
        (output.status.code().unwrap(), report)
    }

    /// The verdict of each record, by file and line, as the policy of the working tree gives it.
    fn verdicts(&self) -> BTreeMap<(String, u64), Value> {
        let logs = logs();
        let mut all = vec!["rules", "eval", "--env", "local", "--format", "jsonl"];
        all.extend(logs.iter().map(|log| log.to_str().unwrap()));
        let output = self.pgvigil(&all);
        let text = String::from_utf8(output.stdout).unwrap();
        text.lines()
            .map(|line| {
                let record: Value = serde_json::from_str(line).unwrap();
                let place = (
                    record["file"].as_str().unwrap().to_owned(),
                    record["line"].as_u64().unwrap(),
                );
                (place, record)
            })
            .collect()
    }
}

fn logs() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/recordings");
    let found: Vec<PathBuf> = LOGS.iter().map(|name| folder.join(name)).collect();
    assert!(found.iter().all(|log| log.is_file()), "{found:?}");
    found
}

const DBEAVER: &str = "  - id: dbeaver
    title: DBeaver reads its metadata
    reason: DBeaver fills its tree with queries that it marks by a comment
    owner: data-platform
    ticket: SEC-431
    created: 2026-11-22
    expires: 2027-03-01
    environments: all
    match:
      class: [READ, WRITE]
      command: [SELECT, UPDATE, DELETE, INSERT]
      statement: {contains: [DBeaver, pg_catalog]}
    samples:
      silences:
        - {class: READ, command: SELECT, object_type: TABLE, object: pg_catalog.pg_class, statement: SELECT 1 FROM pg_class /* DBeaver */}
      stays_loud:
        - {class: READ, command: SELECT, object_type: TABLE, object: public.orders, statement: SELECT 1 FROM orders}
";

fn group(group: &Value) -> [String; 4] {
    ["user", "class", "command", "object"]
        .map(|key| group[key].as_str().unwrap_or_default().to_owned())
}

/// Exactly the records that `rules eval` judges otherwise are in the groups, no more and no fewer.
#[test]
fn a_widened_exclusion_is_told_record_by_record() {
    let repository = Repository::new();
    let before = repository.verdicts();
    repository.add_exclusion(DBEAVER);
    repository.commit("bob@example.com");
    let after = repository.verdicts();
    let mut expected: BTreeMap<[String; 4], u64> = BTreeMap::new();
    for (place, record) in &before {
        if record["verdict"] == "counted" && after[place]["verdict"] == "excluded" {
            *expected.entry(group(record)).or_default() += 1;
        }
    }
    assert!(expected.values().sum::<u64>() > 50);
    let (code, report) = repository.impact(&[]);
    let told: BTreeMap<[String; 4], u64> = report["newly_silent"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| (group(row), row["records"].as_u64().unwrap()))
        .collect();
    assert_eq!(told, expected);
    assert_eq!(
        report["totals"]["newly_silent"],
        expected.values().sum::<u64>()
    );
    assert_eq!(report["totals"]["newly_loud"], 0);
    let counted = |verdicts: &BTreeMap<_, Value>| {
        verdicts
            .values()
            .filter(|record| record["verdict"] == "counted")
            .count()
    };
    assert_eq!(report["totals"]["counted_base"], counted(&before));
    assert_eq!(report["totals"]["counted_head"], counted(&after));

    // What the reviewer has to know: the direction with a proof, the way to hide, and what the samples miss.
    assert_eq!(code, 10);
    assert_eq!(report["direction"], "widened");
    let dbeaver = &report["exclusions"][0];
    assert_eq!(
        (&dbeaver["id"], &dbeaver["change"]),
        (&"dbeaver".into(), &"added".into())
    );
    assert!(dbeaver["counterexample"]["statement"].is_string());
    let evasion = dbeaver["attack"]["evasions"][0]["statement"]
        .as_str()
        .unwrap();
    assert!(
        evasion.contains("DBeaver") || evasion.contains("pg_catalog"),
        "{evasion}"
    );
    assert!(dbeaver["tests"]["killed"].as_u64() < dbeaver["tests"]["mutants"].as_u64());
    assert_eq!(report["faults"][0]["code"], "impact/evadable");
    assert_eq!(report["faults"].as_array().unwrap().len(), 1);
    assert_eq!(report["approvals"]["required"], 2);
    assert_eq!(
        report["approvals"]["not_by"],
        serde_json::json!(["bob@example.com"])
    );
    // Nothing is held against the exclusions that did not change.
    for other in &report["exclusions"].as_array().unwrap()[1..] {
        assert_eq!(other["attack"]["silent"], 0, "{}", other["id"]);
        assert_eq!(other["direction"], "unchanged", "{}", other["id"]);
    }
    // The timeline holds every record of a person once.
    let sum = |row: &Value| {
        row.as_array()
            .unwrap()
            .iter()
            .map(|n| n.as_u64().unwrap())
            .sum::<u64>()
    };
    assert_eq!(
        sum(&report["timeline"]["counted"]),
        report["totals"]["counted_head"].as_u64().unwrap()
    );
    assert_eq!(
        sum(&report["timeline"]["silenced"]),
        report["totals"]["silenced_head"].as_u64().unwrap()
    );

    // The comment of the pull request says so, and shows no value of a literal.
    let comment = repository.0.path().join("comment.md");
    let page = repository.0.path().join("page.html");
    let logs = logs();
    let mut all = vec![
        "rules", "impact", "--env", "local", "--base", "main", "--head", "change",
    ];
    for report in [&comment, &page] {
        all.extend(["--report", report.to_str().unwrap()]);
    }
    all.extend(logs.iter().map(|log| log.to_str().unwrap()));
    assert_eq!(repository.pgvigil(&all).status.code(), Some(10));
    let comment = std::fs::read_to_string(comment).unwrap();
    assert!(
        comment.starts_with("<!-- pgvigil impact local -->\n"),
        "{comment}"
    );
    for part in [
        "**WIDENED**",
        "evadable: ",
        "| `alice` | `WRITE DELETE` | `public.scratch` |",
        "2 approvals needed",
        evasion,
    ] {
        assert!(comment.contains(part), "{part}\n{comment}");
    }
    assert!(std::fs::read_to_string(page).unwrap().contains("WIDENED"));
}

#[test]
fn a_narrowed_policy_passes_with_one_approval() {
    let repository = Repository::new();
    repository.edit(
        "rules/exclusions.yaml",
        "        only_calls: {set: harmless-functions}\n    samples:",
        "        only_calls: {set: harmless-functions}\n        lacks: [pg_attribute]\n    samples:",
    );
    repository.commit("bob@example.com");
    let (code, report) = repository.impact(&[]);
    assert_eq!(
        (code, &report["direction"]),
        (0, &"narrowed".into()),
        "{:#}",
        report["faults"]
    );
    assert_eq!(report["totals"]["newly_silent"], 0);
    assert!(report["totals"]["newly_loud"].as_u64().unwrap() > 0);
    assert_eq!(report["approvals"]["required"], 1);
    // Nothing changed: nobody is asked.
    let (code, report) = repository.impact(&["--head", "main"]);
    assert_eq!((code, &report["direction"]), (0, &"unchanged".into()));
    assert_eq!(report["totals"]["newly_loud"], 0);
    assert_eq!(report["approvals"]["required"], 0);
}

/// What others merged meanwhile is not this change.
#[test]
fn the_base_is_where_the_change_parted() {
    let repository = Repository::new();
    repository.git(&["checkout", "-q", "main"]);
    repository.add_exclusion(DBEAVER);
    repository.commit("bob@example.com");
    repository.git(&["checkout", "-q", "change"]);
    let (code, report) = repository.impact(&[]);
    assert_eq!((code, &report["direction"]), (0, &"unchanged".into()));
}

#[test]
fn nobody_silences_their_own_role() {
    let repository = Repository::new();
    repository.edit(
        "rules/users.yaml",
        "  - role: bob\n",
        "  - role: bob\n    git: Bob@Example.com\n",
    );
    repository.commit("alice@example.com");
    repository.git(&["checkout", "-q", "-B", "main"]);
    repository.git(&["checkout", "-q", "-b", "own"]);
    let own = "  - id: probe-of-bob
    title: The probe of a pool
    reason: the whole text is one constant, and nothing is read
    owner: data-platform
    created: 2026-11-22
    expires: 2027-03-01
    environments: all
    match:
      user: bob
      class: READ
      command: SELECT
      object_type: none
      statement: {equals: select 'alive' from pg_sleep(0)}
    samples:
      silences:
        - {user: bob, class: READ, command: SELECT, object_type: none, statement: select 'alive' from pg_sleep(0)}
      stays_loud:
        - {user: bob, class: READ, command: SELECT, object_type: none, statement: select 'alive' from pg_sleep(1)}
";
    repository.add_exclusion(own);
    repository.commit("bob@example.com");
    let (code, report) = repository.impact(&[]);
    let codes: Vec<&str> = report["faults"]
        .as_array()
        .unwrap()
        .iter()
        .map(|fault| fault["code"].as_str().unwrap())
        .collect();
    assert_eq!((code, codes), (10, vec!["impact/own-role"]));
    // Written by somebody else it is none, and bob cannot approve it.
    repository.git(&[
        "-c",
        "user.email=carol@example.com",
        "commit",
        "-q",
        "--amend",
        "--reset-author",
        "-m",
        "x",
    ]);
    let (code, report) = repository.impact(&[]);
    assert_eq!(
        (code, report["faults"].as_array().unwrap().len()),
        (0, 0),
        "{:#}",
        report["faults"]
    );
    assert_eq!(
        report["approvals"]["not_by"],
        serde_json::json!(["bob@example.com", "carol@example.com"])
    );
    // A role that becomes a service account is silence too.
    repository.git(&["reset", "-q", "--hard", "main"]);
    let account = "service_accounts:\n  - {role: bob, reason: his scripts run at night and are reviewed, owner: bob, environments: all}\n";
    repository.edit("rules/users.yaml", "service_accounts:\n", account);
    repository.edit(
        "rules/users.yaml",
        "  - role: bob\n    git: Bob@Example.com\n    owner: data-platform\n    team: analytics\n    environments: all\n    until: 2027-06-30\n",
        "",
    );
    repository.commit("bob@example.com");
    let (code, report) = repository.impact(&[]);
    assert_eq!(code, 10);
    assert_eq!(report["faults"][0]["code"], "impact/own-role");
    assert_eq!(report["direction"], "widened");
}

#[test]
fn budgets_hold_and_cannot_be_raised_in_silence() {
    let repository = Repository::new();
    let limits = |text: &str| format!("version: 1\nlimits: {{{text}}}\n");
    repository.edit(
        "rules/users.yaml",
        "version: 1\n",
        &limits("max_exclusion_share: 0.01"),
    );
    repository.commit("alice@example.com");
    let (code, report) = repository.impact(&[]);
    assert_eq!(code, 10);
    let over: Vec<&str> = report["faults"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|fault| fault["code"] == "impact/share")
        .map(|fault| fault["exclusion"].as_str().unwrap())
        .collect();
    assert!(over.contains(&"catalog-metadata"), "{over:?}");
    repository.git(&["checkout", "-q", "-B", "main"]);
    repository.git(&["checkout", "-q", "-b", "raise"]);
    repository.edit(
        "rules/users.yaml",
        "max_exclusion_share: 0.01",
        "max_silenced_share: 0.001",
    );
    repository.commit("alice@example.com");
    let (code, report) = repository.impact(&[]);
    assert_eq!(
        (code, &report["faults"][0]["code"]),
        (10, &"impact/share".into())
    );
    assert_eq!(report["approvals"]["required"], 2);
    let reasons = report["approvals"]["reasons"].to_string();
    assert!(reasons.contains("max_exclusion_share"), "{reasons}");
}

#[test]
fn revisions_that_are_none_are_told() {
    let repository = Repository::new();
    let logs = logs();
    let log = logs[0].to_str().unwrap();
    for (base, words) in [
        ("no-such-branch", "there is no revision `no-such-branch`"),
        ("--output=/tmp/x", "there is no revision `--output=/tmp/x`"),
        ("main:rules", "there is no revision `main:rules`"),
    ] {
        let base = format!("--base={base}");
        let output = repository.pgvigil(&["rules", "impact", "--env", "local", &base, log]);
        let told = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1));
        assert!(told.contains(words), "{told}");
    }
    let outside = tempfile::tempdir().unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_pgvigil"))
        .args(["-C", outside.path().to_str().unwrap(), "rules", "impact"])
        .args(["--env", "local", "--base", "main", log])
        .output()
        .unwrap();
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(told.contains("git failed: not a git repository"), "{told}");
    // A link among the policy files is not followed.
    let link = repository.0.path().join("rules/link.yaml");
    std::os::unix::fs::symlink("/etc/passwd", link).unwrap();
    repository.commit("alice@example.com");
    let output = repository.pgvigil(&[
        "rules", "impact", "--env", "local", "--base", "main", "--head", "change", log,
    ]);
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(told.contains("rules/link.yaml"), "{told}");
    // What belongs to a live run is not dropped in silence.
    #[cfg(feature = "aws")]
    for arguments in [["--since", "7d"].as_slice(), &["--auto-approve"]] {
        let mut all = vec!["rules", "impact", "--env", "local", "--base", "main", log];
        all.extend(arguments);
        assert_eq!(repository.pgvigil(&all).status.code(), Some(2));
    }
    // Nor is a report written whose ending says nothing.
    let output = repository.pgvigil(&[
        "rules", "impact", "--env", "local", "--base", "main", "--report", "x.pdf", log,
    ]);
    assert_eq!(output.status.code(), Some(1));
    assert!(
        String::from_utf8(output.stderr)
            .unwrap()
            .contains(".html, .md, .json or .txt")
    );
}

/// The same question, asked of the service itself.
#[cfg(feature = "aws")]
#[test]
fn a_live_run_asks_the_service() {
    use crate::insights_server::{Server, Stored, group};

    let repository = Repository::new();
    let environment = "version: 1\nextends: base\nprovider: aws\naccount: '123456789012'\nregion: eu-central-1\nclusters: [shop-orders]\n";
    std::fs::write(
        repository.0.path().join("environments/aws.yaml"),
        environment,
    )
    .unwrap();
    // The service reads real times, and these days are far ahead.
    repository.edit(
        "rules/users.yaml",
        "version: 1\n",
        "version: 1\nlimits: {max_life_days: 3660}\n",
    );
    repository.commit("alice@example.com");
    repository.git(&["checkout", "-q", "-B", "main"]);
    repository.git(&["checkout", "-q", "-b", "live"]);
    repository.add_exclusion(&DBEAVER.replace("2027-03-01", "2036-11-01"));
    repository.commit("bob@example.com");

    let now = jiff::Timestamp::now().as_second();
    let stored = |seconds_ago: i64, statement: &str| {
        let message = format!(
            "2026-11-22 06:55:28 UTC:10.0.1.123(50322):alice@shop:[24298]:LOG:  AUDIT: \
             SESSION,{seconds_ago},1,WRITE,DELETE,TABLE,public.orders,{statement},<not logged>"
        );
        let group = "/aws/rds/cluster/shop-orders/postgresql";
        let time_ms = (now - seconds_ago) * 1000;
        Stored::new(group, "shop-orders-1", time_ms, message.into_bytes())
    };
    let server = Server::start(vec![
        stored(
            200_000,
            "delete from orders /* DBeaver, but before the window */",
        ),
        stored(90_000, "delete from orders /* DBeaver */"),
        stored(3_600, "delete from orders /* DBeaver */"),
        stored(3_599, "delete from orders"),
        stored(5, "delete from orders /* DBeaver, but still arriving */"),
    ]);
    let group_name = "/aws/rds/cluster/shop-orders/postgresql";
    server.state().groups = vec![group(
        group_name,
        10_000_000_000,
        Some(10),
        (now - 864_000) * 1000,
    )];
    let run = |arguments: &[&str]| {
        Command::new(env!("CARGO_BIN_EXE_pgvigil"))
            .args(["--today", "2026-11-22", "-C"])
            .arg(repository.0.path())
            .args([
                "rules", "impact", "--env", "aws", "--base", "main", "--live", "--since", "2d",
            ])
            .args(arguments)
            .env("AWS_ENDPOINT_URL", server.url())
            .env("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
            .env("AWS_SECRET_ACCESS_KEY", "none")
            .env("AWS_EC2_METADATA_DISABLED", "true")
            .stdin(std::process::Stdio::null())
            .output()
            .unwrap()
    };
    // Nothing is started before somebody agrees to the price.
    let output = run(&[]);
    let told = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{told}");
    assert!(told.contains("estimated cost: 0.01 USD"), "{told}");
    assert!(server.state().called("StartQuery").is_empty());
    let output = run(&["--auto-approve", "--format", "json"]);
    let told = String::from_utf8(output.stderr).unwrap();
    let report: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{told}"));
    assert_eq!(report["direction"], "widened");
    let groups = report["newly_silent"].as_array().unwrap();
    assert_eq!(groups.len(), 1, "{report:#}");
    assert_eq!(groups[0]["records"], 2);
    assert_eq!(groups[0]["object"], "public.orders");
    assert_eq!(report["newly_loud"].as_array().unwrap().len(), 0);
    assert_eq!(report["logs"]["files"][0], group_name);
    let output = run(&["--auto-approve"]);
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("public.orders"), "{text}");
}
