//! `rules attack --database` on a real PostgreSQL: what is silent, what is refused, and that nothing is left.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::indexing_slicing,
    reason = "helpers of tests may panic and print"
)]

use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use pgvigil::database::{AttackDatabase, Target};
use pgvigil::rules::attack::server::{AttackServer as _, Ran, Script};
use serde_json::Value;

use crate::cli::{Repository, Run};
use crate::recorded;
use crate::server::Server;

/// Everything that a run could leave in a database or server.
const LEFT: &str = "SELECT 'schema', nspname FROM pg_namespace UNION ALL SELECT 'role', rolname FROM pg_roles \
     UNION ALL SELECT 'large object', oid::text FROM pg_largeobject_metadata UNION ALL SELECT 'relation', relname FROM pg_class WHERE oid >= 16384 \
     UNION ALL SELECT 'function', proname FROM pg_proc WHERE oid >= 16384 UNION ALL SELECT 'setting', setconfig::text FROM pg_db_role_setting \
     UNION ALL SELECT 'database', datname FROM pg_database UNION ALL SELECT 'prepared', gid FROM pg_prepared_xacts ORDER BY 1, 2";

impl Server {
    fn url(&self, user: &str) -> String {
        format!(
            "postgresql://{user}@127.0.0.1:{}/postgres",
            self.facts["port"]
        )
    }

    /// `rules attack` in a repository, with more arguments.
    fn command(&self, repository: &Repository, user: &str, more: &[&str]) -> Command {
        let mut command = repository.command();
        command
            .args(["rules", "attack", "--env", "local", "--auto-approve"])
            .args(["--database", &self.url(user)])
            .args(more);
        command
    }

    fn attack(&self, repository: &Repository, user: &str, more: &[&str]) -> Run {
        Run::of(self.command(repository, user, more).output().unwrap())
    }

    /// Until nobody but the caller is connected.
    fn wait_until_alone(&self) {
        let start = Instant::now();
        let others = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'pgvigil'";
        while self.ask(others) != "0" {
            assert!(start.elapsed() < Duration::from_secs(30));
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

/// A repository with one exclusion.
fn excluding(matcher: &str, silenced: &str) -> Repository {
    let repository = Repository::new();
    repository.write(
        "rules/rules.yaml",
        &format!(
            "version: 1\nusers:\n  - {{role: alice, owner: security, environments: all, audit: {{log_relation: false}}}}\nexclusions:\n  \
             - id: noise\n    title: Noise of a client\n    reason: the client asks this by itself and reads no users' data\n    \
             owner: security\n    created: 2026-11-01\n    expires: 2027-10-31\n    environments: all\n    match: {matcher}\n    \
             samples:\n      silences:\n        - {{class: READ, command: SELECT, object_type: none, statement: \"{silenced}\"}}\n      \
             stays_loud:\n        - {{class: READ, command: SELECT, object_type: TABLE, object: app.orders, statement: select 2 from app.orders}}\n"
        ),
    );
    repository
}

fn dbeaver() -> Repository {
    excluding(
        "{class: [READ, WRITE], command: [SELECT, INSERT, UPDATE, DELETE], statement: {contains: DBeaver}}",
        "select 'DBeaver'",
    )
}

/// The policy that the repository ships.
fn shipped() -> Repository {
    let repository = Repository::new();
    for folder in ["rules", "environments"] {
        std::fs::remove_dir_all(repository.path(folder)).unwrap();
    }
    for folder in ["rules", "environments"] {
        for entry in std::fs::read_dir(recorded::root().join(folder)).unwrap() {
            let entry = entry.unwrap();
            if entry.path().is_file() {
                let name = entry.file_name().into_string().unwrap();
                let text = std::fs::read_to_string(entry.path()).unwrap();
                repository.write(&format!("{folder}/{name}"), &text);
            }
        }
    }
    repository
}

#[test]
fn a_weak_exclusion_is_evaded_on_the_server() {
    let server = Server::start(&[]);
    let before = server.ask(LEFT);
    let run = server
        .attack(&dbeaver(), "postgres", &["--format", "json"])
        .exits(10);
    let json: Value = run.json();
    let said = &json["server"];
    println!("{said}");
    assert!(said["executed"].as_u64().unwrap() > 10_000, "{said}");
    assert!(
        said["version"]
            .as_str()
            .unwrap()
            .starts_with(&server.facts["version"])
    );
    assert!(!said["pgaudit"].as_str().unwrap().is_empty());
    assert_eq!(said["unpredicted"], Value::Array(Vec::new()));
    let evasions = json["exclusions"][0]["evasions"].as_array().unwrap();
    assert_eq!(said["confirmed"].as_u64().unwrap() as usize, evasions.len());
    for evasion in evasions {
        assert_eq!(evasion["server"]["result"], "confirmed", "{evasion}");
    }
    let kinds: Vec<&Value> = evasions.iter().map(|evasion| &evasion["kind"]).collect();
    assert!(kinds.iter().any(|kind| **kind == "planted"), "{kinds:?}");
    assert!(kinds.iter().any(|kind| **kind == "rider"), "{kinds:?}");
    assert_eq!(server.ask(LEFT), before);
}

#[test]
fn no_shipped_exclusion_is_evaded_on_the_server() {
    let server = Server::start(&[]);
    let before = server.ask(LEFT);
    let run = server
        .attack(&shipped(), "postgres", &["--format", "json"])
        .exits(0);
    let said = &run.json()["server"];
    println!("{said}");
    assert_eq!(said["unpredicted"], Value::Array(Vec::new()));
    let executed = said["executed"].as_u64().unwrap();
    let failed = said["failed_to_run"].as_u64().unwrap();
    assert!(executed > 40_000, "{said}");
    // What cannot run proves nothing. Objects and functions whose names only look like listed ones, and Aurora's, are not there
    // (SQLSTATE 42P01 and 42883); of the rest, bodies of functions with `$1` and texts that are put where their type does not
    // fit do not run.
    let failures = said["failures"].as_array().unwrap();
    let absent: u64 = failures
        .iter()
        .filter(|one| one["code"] == "42P01" || one["code"] == "42883")
        .map(|one| one["statements"].as_u64().unwrap())
        .sum();
    assert!(absent * 4 < executed, "{said}");
    assert!((failed - absent) * 8 < executed, "{said}");
    assert_eq!(server.ask(LEFT), before);
}

/// Statements of a grammar: a place × a way to hide a call × a carrier × a layout, the same each time. Each that brings a
/// secret back or changes something has to be heard. `PGVIGIL_GENERATED` takes another number, `PGVIGIL_VERSIONS` other servers.
#[test]
fn no_generated_statement_is_silent_on_the_server() {
    let count = std::env::var("PGVIGIL_GENERATED")
        .ok()
        .filter(|count| !count.is_empty())
        .unwrap_or_else(|| "2000".to_owned());
    let versions = std::env::var("PGVIGIL_VERSIONS").unwrap_or_default();
    // setup.sql has functions in standard form, which PostgreSQL 13 does not know.
    for version in versions
        .split(',')
        .map(str::trim)
        .filter(|version| *version != "13")
    {
        let options = match version {
            // The installed one.
            "" | "15" => Vec::new(),
            other => vec!["--version", other],
        };
        let server = Server::start(&options);
        let before = server.ask(LEFT);
        let run = server.attack(
            &shipped(),
            "postgres",
            &["--generate", &count, "--format", "json"],
        );
        let json = run.json();
        let said = &json["generated"];
        println!("{said}");
        assert_eq!(said["findings"], Value::Array(Vec::new()), "{version}");
        assert_eq!((said["silent"].as_u64(), run.code), (Some(0), 0));
        let (tried, reached) = (&said["tried"], &said["reached"]);
        assert_eq!(tried.to_string(), count);
        // What reaches nothing proves nothing.
        assert!(
            reached.as_u64().unwrap() * 4 > tried.as_u64().unwrap(),
            "{said}"
        );
        server.wait_until_alone();
        assert_eq!(server.ask(LEFT), before);
    }
}

#[test]
fn generated_statements_find_what_a_weak_exclusion_lets_through() {
    let server = Server::start(&[]);
    let repository = excluding(
        "{class: [READ, FUNCTION], command: [SELECT, EXECUTE], statement: {contains: version}}",
        "select version()",
    );
    let run = server
        .attack(
            &repository,
            "postgres",
            &["--generate", "2000", "--format", "json"],
        )
        .exits(10);
    let json = run.json();
    let found = &json["generated"]["findings"][0];
    assert!(json["generated"]["silent"].as_u64().unwrap() > 0, "{json}");
    assert_eq!(found["classes"][0], "behind a harmless column", "{found}");
}

/// Another object that answers to a name is made for the statement, and undone with it.
#[test]
fn a_shadow_is_confirmed_on_the_server() {
    let server = Server::start(&[]);
    let matcher = "{class: [READ, MISC], command: [SELECT, \"???\"], statement: {equals: [select secret from queue]}}";
    let run = server
        .attack(
            &excluding(matcher, "select secret from queue"),
            "postgres",
            &["--format", "json"],
        )
        .exits(10);
    let json = run.json();
    let evasions = json["exclusions"][0]["evasions"].as_array().unwrap();
    let shadow = evasions
        .iter()
        .find(|evasion| evasion["kind"] == "shadow")
        .unwrap();
    assert_eq!(shadow["server"]["result"], "confirmed", "{shadow}");
}

/// A text that ends the transaction behind a comment, and one that ends the connection.
#[test]
fn an_attack_that_breaks_out_is_cleaned_up() {
    let server = Server::start(&[]);
    let before = server.ask(LEFT);
    let url = format!("{}?sslmode=disable", server.url("postgres"));
    let target = Target::parse(&url, &|_| None).unwrap();
    let mut database = AttackDatabase::open(&target).unwrap();
    database.prepare().unwrap();
    let mut run = |step: &str| {
        let script = Script {
            without_relation: false,
            before: Vec::new(),
            steps: vec![step.to_owned()],
        };
        database.run(&script).unwrap()
    };
    let accounts = "SELECT secret FROM pgvigil_attack.accounts";
    let expected = Ran::Records(vec![
        format!(
            "AUDIT: SESSION,1,1,READ,SELECT,TABLE,pgvigil_attack.accounts,{accounts},<not logged>"
        )
        .into(),
    ]);
    let numberless = |ran: Ran| match ran {
        Ran::Records(records) => Ran::Records(
            records
                .into_iter()
                .map(|record| {
                    let text = String::from_utf8(record).unwrap();
                    let (_, rest) = text.split_once(",1,READ").unwrap();
                    format!("AUDIT: SESSION,1,1,READ{rest}").into_bytes()
                })
                .collect(),
        ),
        other => other,
    };
    assert_eq!(numberless(run(accounts)), expected);
    assert!(matches!(
        run("DELETE FROM pgvigil_attack.accounts; /**/ COMMIT"),
        Ran::Records(_)
    ));
    assert_eq!(numberless(run(accounts)), expected);
    assert!(matches!(
        run("SELECT pg_terminate_backend(pg_backend_pid())"),
        Ran::Failed { .. }
    ));
    assert_eq!(numberless(run(accounts)), expected);
    // COPY speaks in its own way in both directions.
    for copy in [
        "COPY pgvigil_attack.accounts TO STDOUT",
        "COPY pgvigil_attack.notes FROM STDIN",
    ] {
        assert!(
            matches!(run(copy), Ran::Records(records) if records.len() == 1),
            "{copy}"
        );
        assert_eq!(numberless(run(accounts)), expected);
    }
    // A text that only looks like a record is none.
    let raised =
        run("DO $$ BEGIN RAISE NOTICE 'AUDIT: SESSION,1,1,READ,SELECT,,,x,<none>'; END $$");
    assert!(matches!(raised, Ran::Records(records) if records.len() == 1));
    database.finish().unwrap();
    server.wait_until_alone();
    assert_eq!(server.ask(LEFT), before);
}

/// Text of a policy that ends the transaction is not sent, and the run goes on.
#[test]
fn an_attack_that_commits_leaves_nothing() {
    let server = Server::start(&[]);
    let before = server.ask(LEFT);
    let repository = excluding(
        "{class: READ, command: SELECT, object_type: none, statement: {equals: [\"select 1; commit\"]}}",
        "select 1; commit",
    );
    let run = server.attack(&repository, "postgres", &["--format", "json"]);
    assert!([0, 10].contains(&run.code), "{}", run.err);
    assert!(run.json()["server"]["executed"].as_u64().unwrap() > 1_000);
    server.wait_until_alone();
    assert_eq!(server.ask(LEFT), before);
}

#[test]
fn a_run_that_is_killed_leaves_nothing() {
    let server = Server::start(&[]);
    let before = server.ask(LEFT);
    let repository = shipped();
    for (signal, told) in [("-INT", true), ("-KILL", false)] {
        let mut child = server
            .command(&repository, "postgres", &[])
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let begun = lines.any(|line| line.unwrap().starts_with("0 of "));
        assert!(begun, "the run ended before it sent a statement");
        std::thread::sleep(Duration::from_millis(300));
        let busy = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'pgvigil' AND xact_start IS NOT NULL";
        assert_eq!(server.ask(busy), "1");
        let killed = Command::new("kill")
            .args([signal, &child.id().to_string()])
            .status();
        assert!(killed.unwrap().success());
        let words: Vec<String> = lines.map(Result::unwrap).collect();
        let code = child.wait().unwrap().code();
        if told {
            assert_eq!(code, Some(1), "{words:?}");
            assert!(
                words.contains(&"stopped; everything was undone".to_owned()),
                "{words:?}"
            );
        }
        server.wait_until_alone();
        assert_eq!(server.ask(LEFT), before);
    }
}

#[test]
fn a_database_that_is_not_to_be_attacked_is_refused() {
    let server = Server::start(&[]);
    let repository = dbeaver();
    let refused = |user: &str, words: &str| {
        let before = server.ask(LEFT);
        let run = server.attack(&repository, user, &[]).exits(1);
        assert!(run.err.contains(words), "{}", run.err);
        assert_eq!(run.out, "");
        assert_eq!(server.ask(LEFT), before);
    };
    server.ask("CREATE ROLE weak LOGIN");
    refused("weak", "is not permitted: connect as a superuser");
    server.ask("CREATE TABLE orders (id int)");
    refused(
        "postgres",
        "the database holds users' tables, such as `orders`: use an empty database",
    );
    server.ask("DROP TABLE orders");
    server.ask("CREATE SCHEMA pgvigil_attack");
    refused("postgres", "the schema pgvigil_attack exists already");
    server.ask("DROP SCHEMA pgvigil_attack");
    server.ask("SELECT lo_create(471100)");
    refused("postgres", "the large object 471100 exists already");

    // Nobody is there to be asked.
    server.ask("SELECT lo_unlink(471100)");
    let url = server.url("postgres");
    let run = repository
        .run(&["rules", "attack", "--env", "local", "--database", &url])
        .exits(2);
    assert!(run.err.contains("use --auto-approve"), "{}", run.err);
}

#[test]
fn a_server_without_pgaudit_is_refused() {
    let server = Server::start(&["--no-pgaudit"]);
    let run = server.attack(&dbeaver(), "postgres", &[]).exits(1);
    assert!(
        run.err
            .contains("pgAudit is not loaded: add it to shared_preload_libraries"),
        "{}",
        run.err
    );
}

#[test]
fn no_password_is_shown() {
    let repository = dbeaver();
    let url = "postgresql://alice:hidden4711@127.0.0.1:1/shop";
    let attack = [
        "rules",
        "attack",
        "--env",
        "local",
        "--auto-approve",
        "--database",
    ];
    let run = repository.run(&[&attack[..], &[url]].concat()).exits(2);
    assert!(run.err.contains("env:NAME"), "{}", run.err);
    assert!(!run.err.contains("hidden4711"), "{}", run.err);

    let mut command = repository.command();
    command.args(attack).arg("env:URL").env("URL", url);
    let run = Run::of(command.output().unwrap()).exits(1);
    assert!(
        run.err.contains("shop on 127.0.0.1:1 as alice"),
        "{}",
        run.err
    );
    assert!(!run.err.contains("hidden4711"), "{}", run.err);
}
