//! The history of a policy repository with staging and production, from the first merge to a repair, as its pipelines run it:
//! on GitHub's variables, with a forge, an account and a database on this machine.

#![cfg(all(feature = "aws", feature = "database", feature = "http"))]
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "helpers of tests may panic"
)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use tempfile::TempDir;

use crate::forge::{Forge, TOKEN};
use crate::git::{commit, git};
use crate::moto::{Moto, package};
use crate::server::Server;

const REGION: &str = "eu-central-1";

const STAGING: &str = "version: 1\nprovider: local\nfolder: live\nclusters: [shop-staging]\n";

const PRODUCTION: &str = "version: 1\nprovider: aws\naccount: \"123456789012\"\nregion: eu-central-1\nclusters: [orders]\n\
                          notifications: {email: [dba@example.com]}\n";

/// Hides whoever writes a comment.
const WIDE: &str = "  - id: dbeaver
    title: DBeaver reads its metadata
    reason: DBeaver marks the queries for its tree by a comment
    owner: data-platform
    created: 2026-11-22
    expires: 2027-03-01
    environments: all
    match:
      statement: {contains: DBeaver}
    samples:
      silences:
        - {class: READ, command: SELECT, object_type: TABLE, object: pg_catalog.pg_class, statement: SELECT 1 FROM pg_class /* DBeaver */}
      stays_loud:
        - {class: READ, command: SELECT, object_type: TABLE, object: public.orders, statement: SELECT 1 FROM orders}
";

/// The whole statement, and nothing else.
const NARROW: &str = "  - id: pool-probe
    title: The pool asks whether its session is alive
    reason: The whole text is SELECT 1. It reads nothing.
    owner: data-platform
    created: 2026-11-22
    expires: 2027-03-01
    environments: all
    match:
      class: READ
      command: SELECT
      object_type: none
      statement: {equals: select 1}
    samples:
      silences:
        - {class: READ, command: SELECT, object_type: none, statement: SELECT 1}
      stays_loud:
        - {class: READ, command: SELECT, object_type: none, statement: SELECT lo_get(1)}
        - {class: FUNCTION, command: EXECUTE, object_type: FUNCTION, object: public.f, statement: SELECT 1}
";

struct Team {
    folder: TempDir,
    moto: Moto,
    forge: Forge,
}

impl Team {
    fn new() -> Self {
        let team = Self {
            folder: tempfile::tempdir().unwrap(),
            moto: Moto::start(),
            forge: Forge::start(),
        };
        let source = Path::new(env!("CARGO_MANIFEST_DIR"));
        for name in ["rules/users.yaml", "rules/exclusions.yaml"] {
            team.write(
                name,
                &fs::read_to_string(source.join(name))
                    .unwrap()
                    .replace("[production]", "all"),
            );
        }
        team.write("environments/staging.yaml", STAGING);
        team.write("environments/production.yaml", PRODUCTION);
        fs::create_dir_all(team.path("samples")).unwrap();
        let log = "people_psql.on-short.log.gz";
        fs::copy(
            source.join("tests/recordings").join(log),
            team.path("samples").join(log),
        )
        .unwrap();
        team.write(".gitignore", "ci/\nlive/\n*.zip\n");
        package(&team.path("pgvigil-monitor-arm64.zip"), "#!/bin/sh\n");
        team.git(&["init", "-q", "-b", "main"]);
        team.commit("alice@example.com");
        team.moto.call(
            REGION,
            "logs",
            Some("Logs_20140328.CreateLogGroup"),
            "{\"logGroupName\": \"/aws/rds/cluster/orders/postgresql\"}",
        );
        team
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn edit(&self, name: &str, from: &str, to: &str) {
        let text = fs::read_to_string(self.path(name)).unwrap();
        assert!(text.contains(from), "{name} lacks {from}");
        self.write(name, &text.replacen(from, to, 1));
    }

    fn git(&self, arguments: &[&str]) {
        git(self.folder.path(), arguments);
    }

    fn commit(&self, author: &str) {
        commit(self.folder.path(), author);
    }

    /// A step of a job.
    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.moto.pgvigil(self.folder.path());
        command
            .args(["--today", "2026-11-22"])
            .args(arguments)
            .env("GITHUB_ACTIONS", "true")
            .env("GITHUB_API_URL", self.forge.url())
            .env("GITHUB_REPOSITORY", "shop/audit")
            .env("GITHUB_REF", "refs/pull/12/merge")
            .env("GITHUB_STEP_SUMMARY", self.path("ci/step-summary"))
            .env("GITHUB_OUTPUT", self.path("ci/step-output"))
            .env_remove("GITHUB_BASE_REF");
        command
    }

    #[track_caller]
    fn run(&self, arguments: &[&str], code: i32) -> String {
        fs::create_dir_all(self.path("ci")).unwrap();
        Self::told(self.command(arguments), code)
    }

    #[track_caller]
    fn told(mut command: Command, code: i32) -> String {
        let output = command.output().unwrap();
        let text =
            String::from_utf8(output.stdout).unwrap() + &String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(code), "{command:?}\n{text}");
        text
    }

    /// The job that may write comments and issues, and nothing else.
    #[track_caller]
    fn publish(&self) -> String {
        let mut command = self.command(&["ci", "publish", "ci/result.json"]);
        command.env("GITHUB_TOKEN", TOKEN);
        Self::told(command, 0)
    }

    fn result(&self) -> Value {
        serde_json::from_str(&fs::read_to_string(self.path("ci/result.json")).unwrap()).unwrap()
    }

    fn environment(&self, name: &str) -> Value {
        let result = self.result();
        let all = result["environments"].as_array().unwrap();
        all.iter()
            .find(|one| one["identity"]["environment"] == name)
            .unwrap()
            .clone()
    }
}

const PR: [&str; 6] = ["ci", "pr", "--base", "main", "--out", "ci"];

#[test]
fn a_year_of_a_policy_repository() {
    let team = Team::new();
    let server = Server::start(&[]);
    for sql in [
        "create table orders (id int)",
        "create role carol login",
        "grant select on orders to carol",
        "create extension if not exists pgaudit",
    ] {
        server.ask(sql);
    }

    // The first merge: everything is new, staging before production.
    let apply = [
        "ci",
        "apply",
        "--env",
        "staging",
        "--env",
        "production",
        "--package",
        ".",
        "--out",
        "ci",
    ];
    team.run(&apply, 0);
    assert!(team.path("live").exists());
    team.run(&["ci", "drift", "--out", "ci"], 0);
    assert_eq!(team.publish(), "");

    // A pull request that widens what is silenced is refused, with the statement that hides.
    team.git(&["checkout", "-q", "-b", "dbeaver"]);
    team.edit(
        "rules/exclusions.yaml",
        "exclusions:\n",
        &format!("exclusions:\n{WIDE}"),
    );
    team.commit("mallory@example.com");
    let text = team.run(&PR, 10);
    assert!(
        text.contains("::error file=rules/exclusions.yaml,line="),
        "{text}"
    );
    let production = team.environment("production");
    let hidden = production["impact"]["exclusions"][0]["attack"]["evasions"][0]["statement"]
        .as_str()
        .unwrap()
        .to_owned();
    assert!(hidden.contains("DBeaver"), "{hidden}");
    assert_eq!(production["impact"]["direction"], "widened");
    assert_eq!(production["plan"], Value::Null);
    assert_eq!(
        team.publish(),
        "created   production\ncreated   staging\nfailure   pgvigil/approvals of 12: 2 approvals are needed: the exclusion \
         `dbeaver` is widened\n"
    );
    {
        let state = team.forge.state();
        let comment = &state.comments[0].body;
        assert!(
            comment.contains("must not be merged") && comment.contains("WIDENED"),
            "{comment}"
        );
        assert!(
            comment.contains(hidden.lines().next().unwrap()),
            "{hidden}\n{comment}"
        );
    }

    // One that adds a person and a narrow exclusion is what an approver sees, and what is applied.
    team.git(&["checkout", "-q", "main"]);
    team.git(&["checkout", "-q", "-b", "carol"]);
    team.edit(
        "rules/exclusions.yaml",
        "exclusions:\n",
        &format!("exclusions:\n{NARROW}"),
    );
    team.edit(
        "rules/users.yaml",
        "users:\n",
        "users:\n  - {role: carol, owner: data-platform, environments: all}\n",
    );
    team.commit("bob@example.com");
    team.run(&PR, 0);
    let production = team.environment("production");
    assert!(
        production["impact"]["approvals"]["required"]
            .as_u64()
            .unwrap()
            >= 1,
        "{}",
        production["impact"]["approvals"]
    );
    let planned: Vec<&str> = production["plan"]["resources"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|resource| resource["action"] != "none")
        .map(|resource| resource["kind"].as_str().unwrap())
        .collect();
    assert!(
        planned.contains(&"saved-query") && planned.contains(&"lambda-function"),
        "{planned:?}"
    );
    // The comments of the refused state say something else now, in place.
    assert_eq!(
        team.publish(),
        "updated   production\nupdated   staging\nfailure   pgvigil/approvals of 12: 1 approval is needed: exclusions change\n"
    );
    assert_eq!(team.forge.state().comments.len(), 2);
    assert!(
        !team.forge.state().comments[0]
            .body
            .contains("must not be merged")
    );

    // The merge: the plans are made on it, approved, and just they are applied.
    team.git(&["checkout", "-q", "main"]);
    team.git(&["merge", "-q", "--no-ff", "-m", "merge", "carol"]);
    team.run(&["ci", "pr", "--base", "HEAD^1", "--out", "ci"], 0);
    let apply_plans = [
        "ci",
        "apply",
        "--env",
        "staging",
        "--env",
        "production",
        "--plans",
        "ci/plans",
        "--out",
        "ci",
    ];
    team.run(&apply_plans, 0);
    team.run(&["ci", "drift", "--out", "ci"], 0);
    // A job that is run again changes nothing.
    assert!(team.run(&apply_plans, 0).contains("already so"));

    // The person is audited on the live database from her next session on, and her work counts while the probe does not.
    let database = server.address("postgres", "postgres");
    server.ask_as("carol", "select 1 from orders");
    team.run(
        &[
            "enrol",
            "apply",
            "--env",
            "production",
            "--cluster",
            "orders",
            "--database",
            &database,
            "--auto-approve",
        ],
        0,
    );
    server.ask_as("carol", "select 2 from orders");
    server.ask_as("carol", "select 1");
    let log = server.log();
    let judged = team.run(
        &[
            "rules",
            "eval",
            "--env",
            "production",
            "--format",
            "jsonl",
            log.to_str().unwrap(),
        ],
        0,
    );
    let records: Vec<Value> = judged
        .lines()
        .filter_map(|line| serde_json::from_str(line).ok())
        .collect();
    let verdicts: Vec<(String, String)> = records
        .iter()
        .filter(|record| record["user"] == "carol")
        .map(|record| {
            (
                record["statement"].as_str().unwrap().to_owned(),
                record["verdict"].as_str().unwrap().to_owned(),
            )
        })
        .collect();
    let said = |statement: &str, verdict: &str| (statement.to_owned(), verdict.to_owned());
    assert_eq!(
        verdicts,
        [
            said("select 2 from orders", "counted"),
            said("select 1", "excluded")
        ]
    );

    // Somebody switches the watch off by hand, in both.
    team.moto.by_hand(
        REGION,
        "events = client('events')\nevents.disable_rule(Name=events.list_rules()['Rules'][0]['Name'])\n",
    );
    let alarm = files(&team.path("live"))
        .into_iter()
        .find(|path| is_alarm(path))
        .unwrap();
    let text = fs::read_to_string(&alarm).unwrap();
    fs::write(
        &alarm,
        text.replace("\"threshold\": 0", "\"threshold\": 99"),
    )
    .unwrap();
    team.run(&["ci", "drift", "--blame", "--out", "ci"], 13);
    assert_eq!(team.publish(), "created   production\ncreated   staging\n");
    {
        let state = team.forge.state();
        assert_eq!(
            state.issues[0].title,
            "pgvigil: production was changed outside pgvigil"
        );
        for part in ["123456789012", REGION, "orders", "DISABLED", "DisableRule"] {
            assert!(
                state.issues[0].body.contains(part),
                "{part}: {}",
                state.issues[0].body
            );
        }
        assert!(
            state.issues[1].body.contains("threshold"),
            "{}",
            state.issues[1].body
        );
    }
    // The next run says the same, in the same issues.
    team.run(&["ci", "drift", "--blame", "--out", "ci"], 13);
    assert!(!team.publish().contains("created"));

    // A pull request says so too, and an apply repairs it.
    team.run(&apply, 0);
    team.run(&["ci", "drift", "--out", "ci"], 0);
    assert_eq!(team.publish(), "closed    production\nclosed    staging\n");
    assert!(team.forge.state().issues.iter().all(|issue| !issue.is_open));
}

/// The alarm itself, and not what is noted beside it.
fn is_alarm(path: &Path) -> bool {
    path.to_string_lossy().contains("human-dml")
        && fs::read_to_string(path)
            .unwrap()
            .contains("\"threshold\": 0")
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.push(path);
        }
    }
    found
}
