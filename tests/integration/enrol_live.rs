//! `pgvigil enrol` on a real PostgreSQL with pgAudit.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "helpers of tests may panic and print"
)]

use std::collections::BTreeSet;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::cli::{Repository, Run};
use crate::enrolment::identifier;
use crate::server::Server;

impl Server {
    pub(crate) fn address(&self, user: &str, database: &str) -> String {
        format!(
            "postgresql://{user}@127.0.0.1:{}/{database}",
            self.facts["port"]
        )
    }

    fn order(&self, repository: &Repository, what: &str, more: &[&str]) -> Command {
        self.order_as(repository, what, "postgres", "postgres", more)
    }

    fn order_as(
        &self,
        repository: &Repository,
        what: &str,
        user: &str,
        database: &str,
        more: &[&str],
    ) -> Command {
        let mut command = repository.command();
        command
            .args(["enrol", what, "--env", "local"])
            .args(["--database", &self.address(user, database)])
            .args(more);
        command
    }

    fn pgvigil(&self, repository: &Repository, what: &str, more: &[&str]) -> Run {
        Run::of(self.order(repository, what, more).output().unwrap())
    }

    fn pgvigil_as(&self, repository: &Repository, what: &str, user: &str, more: &[&str]) -> Run {
        Run::of(
            self.order_as(repository, what, user, "postgres", more)
                .output()
                .unwrap(),
        )
    }

    /// Until a question has this answer.
    fn wait_for(&self, sql: &str, answer: &str) {
        let until = Instant::now() + Duration::from_secs(30);
        while self.ask(sql) != answer {
            assert!(Instant::now() < until, "{sql} is not {answer}");
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// Somebody who changes their own settings and does not commit, until the child is killed.
    fn held_by(&self, role: &str) -> Child {
        let holding = self
            .psql(role, "postgres")
            .args(["-c", "begin", "-c"])
            .arg(format!("alter role {role} set work_mem = '16MB'"))
            .args(["-c", "select pg_sleep(60)"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        self.wait_for(
            &format!("select count(*) from pg_stat_activity where usename = '{role}' and query like '%pg_sleep%'"),
            "1",
        );
        holding
    }
}

/// A policy with these people, and `svc` and `worker_N` as accounts.
fn policy(people: &[&str]) -> Repository {
    let repository = Repository::new();
    std::fs::remove_file(repository.path("environments/prod.yaml")).unwrap();
    repository.write("rules/rules.yaml", &rules(people));
    repository
}

fn rules(people: &[&str]) -> String {
    let mut rules = String::from("version: 1\naudit: {log: [read, write]}\nusers:\n");
    for role in people {
        // JSON's strings are YAML's.
        let role = serde_json::to_string(role).unwrap();
        rules += &format!("  - {{role: {role}, owner: data-platform, environments: all}}\n");
    }
    if people.is_empty() {
        rules = rules.replace("users:\n", "");
    }
    rules
        + "service_accounts:\n  - role: svc\n    reason: The shop's own application works all day.\n    owner: shop-team\n    environments: all\n  \
           - pattern: \"worker_[0-9]+\"\n    reason: Numbered workers of the same application.\n    owner: shop-team\n    environments: all\n\
           system_roles:\n  - role: postgres\n    reason: The role that the server was made with.\n    owner: dba\n    environments: all\n"
}

/// What [`policy`] declares for a role.
fn declared(role: &str) -> String {
    [
        "log=read, write",
        "log_catalog=on",
        "log_parameter=off",
        "log_relation=on",
        "log_statement_once=off",
    ]
    .map(|setting| format!("{role}||pgaudit.{setting}"))
    .join("\n")
}

/// One role of a JSON plan.
fn role<'a>(json: &'a Value, name: &str) -> &'a Value {
    let roles = json["places"][0]["roles"].as_array().unwrap();
    let found = roles.iter().find(|role| role["role"] == name);
    found.unwrap_or_else(|| panic!("{name} is not in {json}"))
}

/// Codes with the role or database that they are about.
fn codes(json: &Value) -> BTreeSet<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap_or("").to_owned();
    json["places"][0]["findings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|finding| {
            let about = if finding["role"].is_null() {
                &finding["database"]
            } else {
                &finding["role"]
            };
            (
                text(&finding["code"])
                    .trim_start_matches("enrol/")
                    .to_owned(),
                text(about),
            )
        })
        .collect()
}

fn has(json: &Value, code: &str, about: &str) -> bool {
    codes(json).contains(&(code.to_owned(), about.to_owned()))
}

#[test]
fn a_session_is_audited_after_apply_and_not_before() {
    let server = Server::start(&[]);
    server.ask(
        "create role alice login; create table money (amount int); grant select on money to public",
    );
    let repository = policy(&["alice"]);
    server.ask_as("alice", "select 1 as before_apply from public.money");
    let plan = server
        .pgvigil(
            &repository,
            "plan",
            &["--format", "json", "--detailed-exitcode"],
        )
        .exits(12)
        .json();
    assert_eq!(role(&plan, "alice")["verdict"], "pending");
    // Nothing but the plan was made.
    assert_eq!(
        (server.settings().as_str(), server.has_extension()),
        ("", false)
    );

    let mut open = server
        .psql("alice", "postgres")
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    server.wait_for(
        "select count(*) from pg_stat_activity where usename = 'alice'",
        "1",
    );
    let run = server
        .pgvigil(&repository, "apply", &["--auto-approve"])
        .exits(0);
    assert!(
        run.out
            .contains("1 open sessions of these roles keep their old settings"),
        "{}",
        run.out
    );
    assert_eq!(server.settings(), declared("alice"));
    assert!(server.has_extension());

    // The open session is as it was; the next one is audited, with the table's name.
    use std::io::Write as _;
    writeln!(
        open.stdin.take().unwrap(),
        "select 1 as in_old_session from public.money;"
    )
    .unwrap();
    open.wait().unwrap();
    server.ask_as("alice", "select 1 as after_apply from public.money");
    let records = server.records("after_apply");
    assert!(
        records
            .iter()
            .any(|line| line.contains("alice@postgres:") && line.contains("TABLE,public.money"))
    );
    assert!(server.records("before_apply").is_empty());
    assert!(server.records("in_old_session").is_empty());

    let run = server
        .pgvigil(&repository, "plan", &["--detailed-exitcode"])
        .exits(0);
    assert!(
        run.out.contains("0 to enrol or change, 1 unchanged."),
        "{}",
        run.out
    );
    let run = server
        .pgvigil(&repository, "apply", &["--auto-approve"])
        .exits(0);
    assert!(run.err.contains("there is nothing to apply"), "{}", run.err);
}

#[test]
fn the_four_verdicts_at_a_role() {
    let server = Server::start(&[]);
    server.ask("create role alice login; create role bob login; create role carol login");
    server.ask("create database other");
    let people = ["alice", "bob", "carol"];
    let repository = policy(&people);
    server
        .pgvigil(&repository, "apply", &["--auto-approve"])
        .exits(0);
    // Spelt in another way, it is the same.
    server.ask("alter role carol set pgaudit.log = 'WRITE,read'; alter role carol set pgaudit.log_relation = true");
    let plan = |code| {
        server
            .pgvigil(
                &repository,
                "plan",
                &["--format", "json", "--detailed-exitcode"],
            )
            .exits(code)
            .json()
    };
    let verdicts =
        |json: &Value| people.map(|name| role(json, name)["verdict"].as_str().unwrap().to_owned());
    assert_eq!(verdicts(&plan(0)), ["clean", "clean", "clean"]);
    server.ask("alter role alice in database other set pgaudit.log = 'none'");
    assert_eq!(verdicts(&plan(13)), ["drifted", "clean", "clean"]);
    repository.edit("rules/rules.yaml", "log: [read, write]", "log: [all]");
    assert_eq!(verdicts(&plan(14)), ["both", "pending", "pending"]);
    server.ask("alter role alice in database other reset pgaudit.log");
    assert_eq!(verdicts(&plan(12)), ["pending", "pending", "pending"]);
    // Without a fingerprint nobody knows who moved.
    server.ask("alter role bob reset pgvigil.enrolled");
    assert_eq!(verdicts(&plan(14)), ["pending", "both", "pending"]);
    // A person cannot take the fingerprint away.
    server.ask_as("carol", "alter role carol reset all");
    assert_eq!(verdicts(&plan(14))[2], "pending");
}

#[test]
fn un_enrolment_is_shown_counted_and_leaves_others_alone() {
    let server = Server::start(&[]);
    server.ask("create role alice login; create role bob login; create role carol login");
    server.ask("alter role carol set pgaudit.log = 'ddl'; alter role alice set work_mem = '8MB'");
    let repository = policy(&["alice", "bob"]);
    server
        .pgvigil(&repository, "apply", &["--auto-approve"])
        .exits(0);
    repository.write("rules/rules.yaml", &rules(&["alice"]));
    let run = server.pgvigil(&repository, "plan", &[]).exits(0);
    assert!(
        run.out
            .contains("- bob  un-enrol, extra: pgvigil enrolled it, but no file declares it"),
        "{}",
        run.out
    );
    assert!(
        run.out.contains("`carol` has pgaudit.log=ddl: left alone"),
        "{}",
        run.out
    );
    let run = server
        .pgvigil(&repository, "apply", &["--auto-approve"])
        .exits(2);
    assert!(
        run.err.contains("confirm with --allow-unenrol 1"),
        "{}",
        run.err
    );
    server
        .pgvigil(
            &repository,
            "apply",
            &["--auto-approve", "--allow-unenrol", "2"],
        )
        .exits(2);
    assert!(server.settings().contains("bob||pgaudit.log="));
    server
        .pgvigil(
            &repository,
            "apply",
            &["--auto-approve", "--allow-unenrol", "1"],
        )
        .exits(0);
    let with_carol = format!("{}\ncarol||pgaudit.log=ddl", declared("alice"));
    assert_eq!(server.settings(), with_carol);

    let run = server
        .pgvigil(&repository, "plan", &["--unenrol", "alice"])
        .exits(1);
    assert!(
        run.err.contains("nothing to un-enrol at alice"),
        "{}",
        run.err
    );
    let more = [
        "--auto-approve",
        "--unenrol",
        "carol",
        "--allow-unenrol",
        "1",
    ];
    server.pgvigil(&repository, "apply", &more).exits(0);
    assert_eq!(server.settings(), declared("alice"));
    let left =
        "select string_agg(setrole::regrole::text || setconfig::text, ' ') from pg_db_role_setting";
    assert!(server.ask(left).contains("work_mem=8MB"));
    assert!(!server.ask(left).contains("bob"));
}

#[test]
fn a_saved_plan_is_applied_as_it_was_or_not_at_all() {
    let server = Server::start(&[]);
    server.ask("create role alice login; create role bob login");
    let repository = policy(&["alice"]);
    let save = || {
        server
            .pgvigil(&repository, "plan", &["--out", "enrol.plan"])
            .exits(0)
    };
    let apply = |code| {
        server
            .pgvigil(&repository, "apply", &["enrol.plan"])
            .exits(code)
    };
    let run = save();
    assert!(run.err.contains("saved in enrol.plan"), "{}", run.err);
    // The server moves.
    server.ask("alter role alice set pgaudit.log = 'ddl'");
    let run = apply(1);
    assert!(run.err.contains("the server changed"), "{}", run.err);
    assert_eq!(server.settings(), "alice||pgaudit.log=ddl");
    // The files move.
    save();
    repository.write("rules/rules.yaml", &rules(&["alice", "bob"]));
    let run = apply(1);
    assert!(
        run.err.contains("the files have changed since"),
        "{}",
        run.err
    );
    // Somebody edits the plan.
    save();
    repository.edit("enrol.plan", "read, write", "none");
    let run = apply(1);
    assert!(run.err.contains("changed after it was made"), "{}", run.err);
    // Another server.
    save();
    let other = Server::start(&[]);
    other.ask(
        "create role alice login; create role bob login; alter role alice set pgaudit.log = 'ddl'",
    );
    let run = other
        .pgvigil(&repository, "apply", &["enrol.plan"])
        .exits(1);
    assert!(
        run.err.contains("a different server or database"),
        "{}",
        run.err
    );
    // A plan of resources.
    repository
        .run(&["plan", "--env", "local", "--out", "resources.plan"])
        .exits(0);
    let run = server
        .pgvigil(&repository, "apply", &["resources.plan"])
        .exits(1);
    assert!(
        run.err.contains("not a saved plan of enrolment"),
        "{}",
        run.err
    );
    apply(0);
    assert_eq!(
        server.settings(),
        [declared("alice"), declared("bob")].join("\n")
    );
    // Once more: all of it is done already.
    let run = apply(0);
    assert!(run.err.contains("there is nothing to apply"), "{}", run.err);
}

#[test]
fn a_dry_run_prints_just_what_is_sent() {
    let server = Server::start(&["--set", "log_statement=all"]);
    server.ask("create role alice login; create role \"o'brien \"\"x\"\"\" login; alter role alice set pgaudit.log = 'ddl'");
    let repository = policy(&["alice", "o'brien \"x\""]);
    let dry = server
        .pgvigil(&repository, "apply", &["--dry-run"])
        .exits(0)
        .out;
    assert_eq!(server.settings(), "alice||pgaudit.log=ddl");
    server
        .pgvigil(&repository, "apply", &["--auto-approve"])
        .exits(0);
    let log = server.logged();
    let printed: Vec<&str> = dry
        .lines()
        .filter(|line| line.starts_with("alter role"))
        .map(|line| line.trim_end_matches(';'))
        .collect();
    assert_eq!(printed.len(), 12, "{dry}");
    let sent: Vec<&str> = log
        .lines()
        .filter(|line| !line.contains("[local]"))
        .filter_map(|line| line.split_once("statement: ").map(|(_, sql)| sql))
        .filter(|sql| sql.starts_with("alter role"))
        .collect();
    assert_eq!(sent, printed);

    // And psql takes it.
    server.ask("drop extension pgaudit; alter role alice reset all; alter role \"o'brien \"\"x\"\"\" reset all");
    let ran = server.enrol(
        &server
            .pgvigil(&repository, "apply", &["--dry-run"])
            .exits(0)
            .out,
    );
    ran.succeeded();
    server
        .pgvigil(&repository, "plan", &["--detailed-exitcode"])
        .exits(0);
}

/// The compiled script and `enrol apply` come to the same, and each finds nothing to do after the other.
#[test]
fn the_script_and_apply_agree() {
    let server = Server::start(&[]);
    server.ask("create role alice login; create role bob login; create role svc login");
    let repository = policy(&["alice", "bob"]);
    repository
        .run(&["compile", "--env", "local", "--out", "out"])
        .exits(0);
    let script = repository.read("out/local/enrol.sql");
    server.enrol(&script).succeeded();
    let settings = server.ask("select string_agg(setrole::regrole || entry, ',' order by setrole, entry) from pg_db_role_setting, unnest(setconfig) entry");
    let plan = server
        .pgvigil(
            &repository,
            "plan",
            &["--format", "json", "--detailed-exitcode"],
        )
        .exits(0)
        .json();
    assert_eq!(
        plan["places"][0]["steps"],
        Value::Array(Vec::new()),
        "{plan}"
    );
    server.ask("alter role alice reset all; alter role bob reset all");
    server
        .pgvigil(&repository, "apply", &["--auto-approve"])
        .exits(0);
    let ran = server.enrol(&script).succeeded();
    assert!(
        ran.err
            .contains("every role was as declared: nothing changed"),
        "{}",
        ran.err
    );
    assert_eq!(
        server.ask("select string_agg(setrole::regrole || entry, ',' order by setrole, entry) from pg_db_role_setting, unnest(setconfig) entry"),
        settings
    );
    // Both un-enrol by the fingerprint that the other wrote.
    repository.write("rules/rules.yaml", &rules(&["alice"]));
    repository
        .run(&["compile", "--env", "local", "--out", "out"])
        .exits(0);
    server
        .enrol(&repository.read("out/local/enrol.sql"))
        .succeeded();
    assert_eq!(server.settings(), declared("alice"));
    assert!(
        !server
            .ask("select string_agg(setrole::regrole::text, ' ') from pg_db_role_setting")
            .contains("bob")
    );
}

#[test]
fn applies_at_once_do_not_cross() {
    let server = Server::start(&[]);
    let people: Vec<String> = (0..40)
        .map(|number| format!("person_{number:02}"))
        .collect();
    let people: Vec<&str> = people.iter().map(String::as_str).collect();
    for role in &people {
        server.ask(&format!("create role {role} login"));
    }
    server.ask("create database other");
    let repository = policy(&people);
    let expected = people
        .iter()
        .map(|role| declared(role))
        .collect::<Vec<_>>()
        .join("\n");
    for round in 0..3 {
        for role in &people {
            server.ask(&format!(
                "alter role {role} reset all; alter role {role} set pgaudit.log = 'ddl'"
            ));
        }
        let runs: Vec<Child> = ["postgres", "other", "postgres", "other"]
            .into_iter()
            .map(|database| {
                let mut command = server.order_as(
                    &repository,
                    "apply",
                    "postgres",
                    database,
                    &["--auto-approve"],
                );
                command
                    .stdout(Stdio::piped())
                    .stderr(Stdio::piped())
                    .spawn()
                    .unwrap()
            })
            .collect();
        let runs: Vec<Run> = runs
            .into_iter()
            .map(|run| Run::of(run.wait_with_output().unwrap()))
            .collect();
        assert_eq!(server.settings(), expected, "round {round}");
        // Who comes second finds everything done.
        for run in &runs {
            assert_eq!(run.code, 0, "{}", run.err);
        }
    }
}

#[test]
fn killed_in_the_middle_it_leaves_nothing() {
    let server = Server::start(&[]);
    server
        .ask("create role alice login; create role bob login; alter role bob set work_mem = '8MB'");
    let repository = policy(&["alice", "bob"]);
    let mut holding = server.held_by("bob");
    let mut apply = server
        .order(&repository, "apply", &["--auto-approve"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    // It has set alice's settings, and waits for bob's.
    server.wait_for(
        "select count(*) from pg_stat_activity where application_name = 'pgvigil' and wait_event_type = 'Lock'",
        "1",
    );
    apply.kill().unwrap();
    apply.wait().unwrap();
    holding.kill().unwrap();
    holding.wait().unwrap();
    server.ask("select pg_terminate_backend(pid) from pg_stat_activity where usename = 'bob'");
    server.wait_for(
        "select count(*) from pg_stat_activity where application_name = 'pgvigil'",
        "0",
    );
    assert_eq!(
        (server.settings().as_str(), server.has_extension()),
        ("", false)
    );
    // And the next run is not held up by it.
    server
        .pgvigil(&repository, "apply", &["--auto-approve"])
        .exits(0);
    assert_eq!(
        server.settings(),
        [declared("alice"), declared("bob")].join("\n")
    );
}

#[test]
fn a_replica_is_read_and_not_changed() {
    let primary = Server::start(&[]);
    primary.ask("create role alice login");
    let replica = Server::replica(&primary);
    let repository = policy(&["alice"]);
    replica.wait_for("select count(*) from pg_roles where rolname = 'alice'", "1");
    let run = replica
        .pgvigil(&repository, "plan", &["--detailed-exitcode"])
        .exits(12);
    assert!(run.out.contains("+ alice  enrol, pending"), "{}", run.out);
    let run = replica
        .pgvigil(&repository, "apply", &["--auto-approve"])
        .exits(1);
    assert!(run.err.contains("the server is a replica"), "{}", run.err);
    assert_eq!(primary.settings(), "");
    // A plan that was made at the replica holds at the writer.
    replica
        .pgvigil(&repository, "plan", &["--out", "enrol.plan"])
        .exits(0);
    primary
        .pgvigil(&repository, "apply", &["enrol.plan"])
        .exits(0);
    assert_eq!(primary.settings(), declared("alice"));
    replica.wait_for("select count(*) from pg_db_role_setting", "1");
    replica
        .pgvigil(&repository, "plan", &["--detailed-exitcode"])
        .exits(0);
}

#[test]
fn missing_rights_are_told_before_anything_is_tried() {
    let server = Server::start(&["--set", "log_statement=all"]);
    server.ask("create role alice login; create role boss login createrole");
    let repository = policy(&["alice"]);
    let run = server
        .pgvigil_as(&repository, "apply", "boss", &["--auto-approve"])
        .exits(1);
    assert!(
        run.err
            .contains("the role `boss` has no permission to set pgaudit settings of other roles"),
        "{}",
        run.err
    );
    assert!(run.err.contains("nothing was changed"), "{}", run.err);
    let log = server.logged();
    assert!(!log.contains("statement: alter role \"alice\""));
    assert_eq!(server.settings(), "");

    // On Aurora somebody may, but for superusers.
    server.ask(
        "create role rds_superuser; create role admin login createrole in role rds_superuser; create role root superuser login; \
         grant set on parameter pgaudit.log, pgaudit.log_relation, pgaudit.log_catalog, pgaudit.log_parameter, pgaudit.log_statement_once to rds_superuser",
    );
    repository.write("rules/rules.yaml", &rules(&["alice", "root"]));
    let run = server
        .pgvigil_as(&repository, "apply", "admin", &["--auto-approve"])
        .exits(1);
    assert!(
        run.err
            .contains("only a superuser can change a superuser, but `admin` is not one: `root`"),
        "{}",
        run.err
    );
    assert_eq!(server.settings(), "");
}

/// Aurora has no superuser: there the fingerprint is a comment, since nobody may set a name of our own.
#[test]
fn on_aurora_the_fingerprint_is_a_comment_of_ours_only() {
    let server = Server::start(&[]);
    server.ask(
        "create role rds_superuser; grant pg_monitor to rds_superuser; create role admin login createrole in role rds_superuser; \
         grant set on parameter pgaudit.log, pgaudit.log_relation, pgaudit.log_catalog, pgaudit.log_parameter, pgaudit.log_statement_once to rds_superuser; \
         create extension pgaudit; create role alice login; create role bob login; comment on role bob is 'of sales'",
    );
    let refused = server
        .psql("admin", "postgres")
        .args(["-c", "alter role alice set pgvigil.enrolled = 'x'"])
        .output()
        .unwrap();
    assert!(
        String::from_utf8_lossy(&refused.stderr).contains("permission denied to set parameter")
    );

    let repository = policy(&["alice", "bob"]);
    server
        .pgvigil_as(&repository, "apply", "admin", &["--auto-approve"])
        .exits(0);
    assert_eq!(
        server.settings(),
        [declared("alice"), declared("bob")].join("\n")
    );
    let comment = |role: &str| {
        server.ask(&format!(
            "select shobj_description('{role}'::regrole, 'pg_authid')"
        ))
    };
    assert!(comment("alice").starts_with("audited by pgvigil 1-"));
    assert_eq!(comment("bob"), "of sales");
    let plan = |code| {
        server
            .pgvigil_as(
                &repository,
                "plan",
                "admin",
                &["--format", "json", "--detailed-exitcode"],
            )
            .exits(code)
            .json()
    };
    let json = plan(0);
    assert_eq!(
        json["places"][0]["steps"],
        Value::Array(Vec::new()),
        "{json}"
    );
    assert!(has(&json, "no-note", "bob"), "{json}");
    server
        .ask("alter role alice set pgaudit.log = 'none'; alter role bob set pgaudit.log = 'none'");
    let json = plan(14);
    assert_eq!(role(&json, "alice")["verdict"], "drifted");
    assert_eq!(role(&json, "bob")["verdict"], "both");
    repository.write("rules/rules.yaml", &rules(&["bob"]));
    let more = ["--auto-approve", "--allow-unenrol", "1"];
    server
        .pgvigil_as(&repository, "apply", "admin", &more)
        .exits(0);
    assert_eq!(comment("alice"), "");
    assert_eq!(server.settings(), declared("bob"));
}

#[test]
fn without_pgaudit_nothing_is_applied_and_all_is_a_gap() {
    let server = Server::start(&["--no-pgaudit"]);
    server.ask("create role alice login");
    let repository = policy(&["alice"]);
    let json = server
        .pgvigil(&repository, "plan", &["--format", "json"])
        .exits(0)
        .json();
    assert!(has(&json, "not-loaded", ""), "{json}");
    let run = server
        .pgvigil(&repository, "apply", &["--auto-approve"])
        .exits(1);
    assert!(
        run.err
            .contains("pgAudit is not loaded: add pgaudit to shared_preload_libraries"),
        "{}",
        run.err
    );
    let json = server
        .pgvigil(&repository, "coverage", &["--format", "json"])
        .exits(16)
        .json();
    assert!(has(&json, "not-loaded", ""), "{json}");
    assert_eq!(server.settings(), "");
}

/// Without the extension there are records; it is made in every database, for the names in records of DDL.
#[test]
fn the_extension_is_made_in_every_database_and_is_no_condition() {
    let server = Server::start(&[]);
    server.ask("create role alice login; alter role alice set pgaudit.log = 'all'");
    server.ask("create database other");
    server.ask("create database closed allow_connections false");
    assert!(!server.has_extension());
    server.ask_as("alice", "select 'no extension'");
    assert!(!server.records("no extension").is_empty());
    let repository = policy(&["alice"]);
    let json = server
        .pgvigil(&repository, "coverage", &["--format", "json"])
        .exits(16)
        .json();
    assert!(
        has(&json, "no-extension", "other") && has(&json, "no-extension", "postgres"),
        "{json}"
    );
    assert!(
        !has(&json, "no-extension", "closed") && !has(&json, "no-extension", "template1"),
        "{json}"
    );
    server
        .pgvigil(&repository, "apply", &["--auto-approve"])
        .exits(0);
    let json = server
        .pgvigil(&repository, "coverage", &["--format", "json"])
        .exits(0)
        .json();
    // Every server of PostgreSQL's own making has it.
    let always =
        ["other", "postgres"].map(|name| ("temporary-objects".to_owned(), name.to_owned()));
    let always = BTreeSet::from(always);
    assert_eq!(codes(&json), always);
}

#[test]
fn everybody_with_a_login_is_accounted_for() {
    let server = Server::start(&[]);
    server
        .ask("create role helpers; create role alice login in role helpers; create role bob login");
    server.ask("create database shop");
    let repository = policy(&["alice", "bob", "ghost", "team", "gone"]);
    repository.edit(
        "rules/rules.yaml",
        "role: \"gone\", ",
        "role: \"gone\", until: 2026-11-01, ",
    );
    server.ask("create role svc login; create role worker_7 login; create role gone login; create role team; create role temp_admin login");
    server
        .pgvigil(&repository, "apply", &["--auto-approve"])
        .exits(0);
    let json = |code: i32| {
        server
            .pgvigil(&repository, "coverage", &["--format", "json"])
            .exits(code)
            .json()
    };
    let expected = |rows: &[(&str, &str)]| -> BTreeSet<(String, String)> {
        rows.iter()
            .map(|(code, about)| ((*code).to_owned(), (*about).to_owned()))
            .collect()
    };
    let usual = [
        ("undeclared", "temp_admin"),
        ("expired", "gone"),
        ("missing", "ghost"),
        ("cannot-log-in", "team"),
        ("temporary-objects", "postgres"),
        ("temporary-objects", "shop"),
    ];
    let first = json(16);
    assert_eq!(codes(&first), expected(&usual));
    let classes: Vec<String> = first["places"][0]["roles"]
        .as_array()
        .unwrap()
        .iter()
        .map(|role| {
            format!(
                "{} {}",
                role["role"].as_str().unwrap(),
                role["class"].as_str().unwrap()
            )
        })
        .collect();
    assert_eq!(
        classes,
        [
            "gone undeclared",
            "temp_admin undeclared",
            "alice audited",
            "bob audited",
            "svc service",
            "worker_7 service",
            "postgres system"
        ]
    );

    // Ways around the audit, one by one.
    for (break_it, mend_it, code, about, severity) in [
        (
            "alter role alice in database shop set pgaudit.log = 'none'",
            "alter role alice in database shop reset all",
            "weakened",
            "alice",
            "gap",
        ),
        (
            "alter role alice set pgaudit.log_relation = off",
            "alter role alice set pgaudit.log_relation = on",
            "weakened",
            "alice",
            "gap",
        ),
        (
            "alter role alice set log_min_messages = panic",
            "alter role alice reset log_min_messages",
            "hidden",
            "alice",
            "gap",
        ),
        (
            "alter role alice set pgaudit.log_level = debug5",
            "alter role alice reset pgaudit.log_level",
            "hidden",
            "alice",
            "gap",
        ),
        (
            "alter database shop set log_min_messages = fatal",
            "alter database shop reset all",
            "hidden",
            "shop",
            "gap",
        ),
        (
            "alter role alice superuser",
            "alter role alice nosuperuser",
            "can-switch-off",
            "alice",
            "warning",
        ),
        (
            "grant set on parameter pgaudit.log to helpers",
            "revoke set on parameter pgaudit.log from helpers",
            "can-switch-off",
            "alice",
            "warning",
        ),
        (
            "grant set on parameter pgaudit.log to public",
            "revoke set on parameter pgaudit.log from public",
            "can-switch-off",
            "bob",
            "warning",
        ),
        (
            "grant postgres to bob",
            "revoke postgres from bob",
            "can-switch-off",
            "bob",
            "warning",
        ),
        (
            "alter role bob createrole",
            "alter role bob nocreaterole",
            "can-take-over",
            "bob",
            "warning",
        ),
        (
            "grant svc to helpers",
            "revoke svc from helpers",
            "acts-as-unaudited",
            "alice",
            "warning",
        ),
        (
            "alter role helpers set pgaudit.log = 'all'",
            "alter role helpers reset all",
            "on-group",
            "helpers",
            "warning",
        ),
        (
            "alter role svc set pgaudit.log = 'read'",
            "alter role svc reset all",
            "foreign",
            "svc",
            "warning",
        ),
        (
            "alter role alice set pgaudit.log = 'all'",
            "alter role alice set pgaudit.log = 'read, write'",
            "differs",
            "alice",
            "warning",
        ),
        (
            "create role \"Alice\" login",
            "drop role \"Alice\"",
            "case-twins",
            "alice",
            "warning",
        ),
        (
            "create role \"a:[1]:LOG\" login",
            "drop role \"a:[1]:LOG\"",
            "imitates-log",
            "a:[1]:LOG",
            "gap",
        ),
        (
            "create database \"x:[1]:LOG:  AUDIT\"",
            "drop database \"x:[1]:LOG:  AUDIT\"",
            "imitates-log",
            "x:[1]:LOG:  AUDIT",
            "gap",
        ),
        (
            "create database \"a@b\"",
            "drop database \"a@b\"",
            "imitates-log",
            "a@b",
            "gap",
        ),
        (
            "alter role alice set pgaudit.log_rows = on",
            "alter role alice reset pgaudit.log_rows",
            "hidden",
            "alice",
            "gap",
        ),
        (
            "grant svc to alice with admin option",
            "revoke svc from alice",
            "can-shed-audit",
            "alice",
            "warning",
        ),
        (
            "alter role bob createrole",
            "alter role bob nocreaterole",
            "can-shed-audit",
            "bob",
            "warning",
        ),
        (
            "alter role alice replication",
            "alter role alice noreplication",
            "replicates",
            "alice",
            "warning",
        ),
        (
            "create role rds_replication; grant rds_replication to helpers",
            "drop role rds_replication",
            "replicates",
            "alice",
            "warning",
        ),
        (
            "create function as_owner() returns int language sql security definer as 'select 1'",
            "drop function as_owner()",
            "security-definer",
            "postgres",
            "warning",
        ),
        (
            "create domain loud as text check (current_setting('x.y', true) is null)",
            "drop domain loud",
            "calling-domain",
            "postgres",
            "warning",
        ),
        (
            "create domain public.text as pg_catalog.text",
            "drop domain public.text",
            "shadow",
            "postgres",
            "warning",
        ),
        (
            "create function public.lower(int) returns int language sql as 'select 1'",
            "drop function public.lower(int)",
            "shadow",
            "postgres",
            "warning",
        ),
        (
            "create function lowest(pg_class) returns int language sql as 'select 1'",
            "drop function lowest(pg_class)",
            "shadow",
            "postgres",
            "warning",
        ),
        (
            "create function same(pg_class, int) returns bool language sql as 'select true'; \
             create operator public.= (leftarg = pg_class, rightarg = int, function = same)",
            "drop function same(pg_class, int) cascade",
            "shadow",
            "postgres",
            "warning",
        ),
        (
            "create type lot as (id int); create function as_text(lot) returns text language sql as 'select null::text'; \
             create cast (lot as text) with function as_text(lot)",
            "drop type lot cascade",
            "shadow",
            "postgres",
            "warning",
        ),
        (
            "create role \"jane@example.com\" login",
            "drop role \"jane@example.com\"",
            "at-sign",
            "jane@example.com",
            "note",
        ),
    ] {
        server.ask(break_it);
        let broken = json(16);
        assert!(
            has(&broken, code, about),
            "{break_it}: {:?}",
            codes(&broken)
        );
        let finding = broken["places"][0]["findings"]
            .as_array()
            .unwrap()
            .iter()
            .find(|finding| {
                finding["code"] == format!("enrol/{code}")
                    && (finding["role"] == about || finding["database"] == about)
            });
        assert_eq!(finding.unwrap()["severity"], severity, "{break_it}");
        server.ask(mend_it);
        assert_eq!(codes(&json(16)), expected(&usual), "{mend_it}");
    }

    // Nothing tells of who replicates.
    server.ask("alter role alice replication");
    assert!(has(&json(16), "replication-not-logged", ""));
    server.ask("alter system set log_replication_commands = on");
    server.ask("select pg_reload_conf()");
    server.wait_for("show log_replication_commands", "on");
    assert!(!has(&json(16), "replication-not-logged", ""));
    server.ask("alter role alice noreplication");

    // Functions that people may not call, and types that nobody may make.
    server.ask(
        "create function as_owner() returns int language sql security definer as 'select 1'; \
         revoke execute on function as_owner() from public; revoke temporary on database shop from public",
    );
    let quiet = json(16);
    assert!(!has(&quiet, "security-definer", "postgres"));
    assert!(!has(&quiet, "temporary-objects", "shop"));
    server.ask("grant execute on function as_owner() to helpers");
    assert!(has(&json(16), "security-definer", "postgres"));
    server.ask("drop function as_owner(); grant temporary on database shop to public");
    assert_eq!(codes(&json(16)), expected(&usual));

    // The same is seen in every form.
    let table = server.pgvigil(&repository, "coverage", &[]).exits(16).out;
    assert!(table.contains("temp_admin  UNDECLARED"), "{table}");
    assert!(table.contains("7 login roles: 2 audited, 2 service, 1 system, 2 undeclared. 2 gaps, 2 warnings, 2 notes."), "{table}");
    let csv = server
        .pgvigil(&repository, "coverage", &["--format", "csv"])
        .exits(16)
        .out;
    assert!(
        csv.contains("local,shop,postgres,temp_admin,UNDECLARED,,enrol/undeclared\r\n"),
        "{csv}"
    );
    let sarif = server
        .pgvigil(&repository, "coverage", &["--format", "sarif"])
        .exits(16)
        .json();
    assert_eq!(sarif["version"], "2.1.0");
    crate::sarif::holds(&sarif.to_string());
    let results = sarif["runs"][0]["results"].as_array().unwrap();
    assert_eq!(results.len(), 6);
    let at = |rule: &str| {
        let result = results
            .iter()
            .find(|result| result["ruleId"] == rule)
            .unwrap();
        let place = &result["locations"][0]["physicalLocation"];
        (
            place["artifactLocation"]["uri"]
                .as_str()
                .unwrap()
                .to_owned(),
            place["region"]["startLine"].as_u64().unwrap(),
        )
    };
    assert_eq!(at("enrol/missing"), ("rules/rules.yaml".to_owned(), 6));
    assert_eq!(at("enrol/undeclared").0, "environments/local.yaml");

    // Without gaps, warnings count where that is asked for.
    server.ask("drop role temp_admin; drop role gone");
    server.pgvigil(&repository, "coverage", &[]).exits(0);
    server
        .pgvigil(&repository, "coverage", &["--strict"])
        .exits(16);
}

/// What the manual of the setup must not promise: a group's setting does not reach its members, and SET ROLE keeps the audit
/// as long as the membership lasts.
#[test]
fn groups_do_not_hand_on_and_set_role_keeps_the_audit_while_the_membership_lasts() {
    let server = Server::start(&[]);
    server.ask("create role team; create role alice login in role team; create role svc login; grant svc to alice");
    server.ask("alter role team set pgaudit.log = 'all'");
    server.ask_as("alice", "select 'by the group'");
    assert!(server.records("by the group").is_empty());
    let repository = policy(&["alice"]);
    server
        .pgvigil(&repository, "apply", &["--auto-approve"])
        .exits(0);
    server.ask_as(
        "alice",
        "set role svc; select 'as the account' from pg_roles limit 1",
    );
    let records = server.records("as the account");
    assert!(
        records.iter().all(|line| line.contains(":alice@postgres:")) && !records.is_empty(),
        "{records:?}"
    );

    // pgAudit skips a session that lost the membership in its role.
    let lost = "set role svc; select 'before' from pg_roles limit 1";
    let mut session = server
        .psql("alice", "postgres")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    use std::io::Write as _;
    let mut input = session.stdin.take().unwrap();
    writeln!(input, "{lost};").unwrap();
    server.wait_for(
        "select count(*) from pg_stat_activity where usename = 'alice' and query like '%before%' and state = 'idle'",
        "1",
    );
    server.ask("revoke svc from alice");
    writeln!(input, "select 'unheard' from pg_roles limit 1;").unwrap();
    drop(input);
    let output = session.wait_with_output().unwrap();
    assert!(String::from_utf8_lossy(&output.stdout).contains("unheard"));
    assert!(!server.records("before").is_empty());
    assert!(server.records("unheard").is_empty());
}

/// A setting that the server itself has for everybody.
#[test]
fn the_servers_own_settings_are_told() {
    let server = Server::start(&[
        "--set",
        "pgaudit.log=ddl",
        "--set",
        "pgaudit.log_level=notice",
        "--set",
        "log_min_messages=warning",
    ]);
    server.ask("create role alice login");
    let repository = policy(&["alice"]);
    server
        .pgvigil(&repository, "apply", &["--auto-approve"])
        .exits(0);
    let json = server
        .pgvigil(&repository, "coverage", &["--format", "json"])
        .exits(16)
        .json();
    assert!(
        has(&json, "hidden", "") && has(&json, "everybody", ""),
        "{json}"
    );
}

#[test]
fn logs_show_who_is_in_no_file() {
    let server = Server::start(&[]);
    server.ask("create role alice login; create role svc login; create role temp login; create role \"x@y.z\" login");
    let repository = policy(&["alice"]);
    server
        .pgvigil(&repository, "apply", &["--auto-approve"])
        .exits(0);
    server.ask("alter role temp set pgaudit.log = 'all'; alter role svc set pgaudit.log = 'all'; alter role \"x@y.z\" set pgaudit.log = 'all'");
    for role in ["alice", "svc", "temp", "x@y.z"] {
        let run = server
            .psql(role, "postgres")
            .env("PGHOST", "127.0.0.1")
            .args(["-c", "select 1 from pg_roles limit 1"])
            .output();
        assert!(run.unwrap().status.success());
    }
    // Nobody becomes a login by failing to log in.
    let _ = server
        .psql("never_was", "postgres")
        .args(["-c", "select 1"])
        .output();
    server.ask("drop role temp");
    let log = server.log();
    let log = log.to_str().unwrap();
    let json = server
        .pgvigil(
            &repository,
            "coverage",
            &["--format", "json", "--logs", log],
        )
        .exits(16)
        .json();
    assert!(has(&json, "seen-undeclared", "temp"), "{json}");
    assert!(has(&json, "seen-undeclared", "x@y.z"), "{json}");
    assert!(!has(&json, "seen-undeclared", "never_was"), "{json}");
    assert!(!has(&json, "seen-undeclared", "alice"), "{json}");
    // Both came from this machine.
    assert!(has(&json, "shared-address", "svc"), "{json}");
    server
        .pgvigil(&repository, "coverage", &["--logs", "no-such.log"])
        .exits(2);
}

#[test]
fn an_import_begins_a_file_and_never_drops_a_word() {
    let server = Server::start(&[]);
    server.ask("drop table if exists x");
    for role in [
        "alice",
        "jane@example.com",
        "Mixed \"Case\"",
        "shop_api",
        "worker_1",
        "worker_2",
        "worker_15",
        "bad:name",
        "yes",
    ] {
        server.ask(&format!("create role {} login", identifier(role)));
    }
    server.ask("create role grp; create role temp login valid until '2027-01-01'; create role repl login replication");
    let repository = Repository::new();
    std::fs::remove_file(repository.path("environments/prod.yaml")).unwrap();
    std::fs::remove_file(repository.path("rules/rules.yaml")).unwrap();
    let run = server
        .pgvigil(&repository, "import", &["--owner", "data-platform"])
        .exits(0);
    assert!(
        run.out
            .contains("rules/users.yaml: 6 people, 5 service accounts and 0 system roles added"),
        "{}",
        run.out
    );
    assert!(run.err.contains("left out: `bad:name`"), "{}", run.err);
    let text = repository.read("rules/users.yaml");
    for entry in [
        "  - role: \"jane@example.com\"\n    owner: data-platform\n    environments: [local]\n",
        "  - role: \"Mixed \\\"Case\\\"\"\n",
        "  - role: \"yes\"\n",
        "  # the password ends at 2027-01-01 00:00:00 UTC\n  - role: temp\n",
        "  # decide: 3 roles of one stem that look like an application\n  - pattern: \"worker_[0-9]+\"\n",
        "  # decide: taken for an application because its name contains the word api\n  - role: shop_api\n",
        "  # decide: taken for an application because it can replicate\n  - role: repl\n",
        "  # a superuser, who can switch the audit off\n  - role: postgres\n",
    ] {
        assert!(text.contains(entry), "{entry}\nis not in\n{text}");
    }
    assert!(!text.contains("grp"), "{text}");
    let run = repository.run(&["check"]).exits(0);
    assert!(!run.out.contains("warning"), "{}", run.out);
    let run = server.pgvigil(&repository, "import", &[]).exits(0);
    assert!(
        run.err
            .contains("every login role is declared: nothing was written"),
        "{}",
        run.err
    );
    assert_eq!(repository.read("rules/users.yaml"), text);

    // A person works on it; then somebody new comes.
    let edited = text
        .replace(
            "version: 1\n",
            "version: 1 # ours\n\n# settings\naudit: {log: [all]}\n",
        )
        .replace(
            "  - role: alice\n    owner: data-platform\n",
            "  - owner: \"her team\"   # moved in May\n    role: alice\n",
        )
        .replace(
            "  # decide: taken for an application because its name contains the word api\n",
            "",
        );
    repository.write("rules/users.yaml", &edited);
    server.ask("create role zoe login");
    server.pgvigil(&repository, "import", &[]).exits(0);
    let after = repository.read("rules/users.yaml");
    let added = "  - role: zoe\n    owner: unassigned\n    environments: [local]\n";
    assert_eq!(after.matches(added).count(), 1, "{after}");
    assert_eq!(after.replace(added, ""), edited);
    repository.run(&["check"]).exits(0);
    // Everybody with a login is accounted for now, but for the one who cannot be.
    let json = server
        .pgvigil(&repository, "coverage", &["--format", "json"])
        .exits(16)
        .json();
    assert!(has(&json, "undeclared", "bad:name"), "{json}");
    assert_eq!(
        codes(&json)
            .iter()
            .filter(|(code, _)| code == "undeclared")
            .count(),
        1,
        "{json}"
    );
    server
        .pgvigil(&repository, "import", &["--out", "../users.yaml"])
        .exits(2);
}

#[test]
fn names_of_every_kind_are_enrolled_and_move_no_cursor() {
    let server = Server::start(&[]);
    let odd = [
        "o'brien \"x\"",
        "Mixed.Case",
        "jane@example.com",
        r"back\slash",
        "zoë müller",
        "$enrol$; drop",
        "sixty-three-bytes-sixty-three-bytes-sixty-three-bytes-sixty-thr",
    ];
    for name in odd {
        server.ask(&format!("create role {} login", identifier(name)));
    }
    let hostile = "evil\u{1b}[2J\u{202e}::error::x";
    server.ask(&format!("create role {} login", identifier(hostile)));
    let repository = policy(&odd);
    server
        .pgvigil(&repository, "apply", &["--auto-approve"])
        .exits(0);
    let mut expected: Vec<String> = odd
        .iter()
        .flat_map(|role| {
            declared(role)
                .lines()
                .map(str::to_owned)
                .collect::<Vec<_>>()
        })
        .collect();
    expected.sort();
    assert_eq!(server.settings(), expected.join("\n"));
    server
        .pgvigil(&repository, "plan", &["--detailed-exitcode"])
        .exits(0);
    for format in ["human", "json", "csv", "sarif"] {
        let out = server
            .pgvigil(&repository, "coverage", &["--format", format])
            .exits(16)
            .out;
        assert!(
            !out.contains('\u{1b}') && !out.contains('\u{202e}'),
            "{format}: {out}"
        );
        assert!(out.contains("evil"), "{format}");
    }
}

/// The role that looks has little, and enough.
#[test]
fn the_plan_role_may_read_and_nothing_else() {
    let server = Server::start(&[]);
    server.ask("create role alice login; create role svc login");
    let script = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("sql/plan_role.sql");
    for _ in 0..2 {
        let ran = server
            .psql("postgres", "postgres")
            .args(["-v", "ON_ERROR_STOP=1", "-f"])
            .arg(&script)
            .output()
            .unwrap();
        assert!(
            ran.status.success(),
            "{}",
            String::from_utf8_lossy(&ran.stderr)
        );
    }
    let repository = policy(&["alice"]);
    let mut open = server
        .psql("alice", "postgres")
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    server.wait_for(
        "select count(*) from pg_stat_activity where usename = 'alice'",
        "1",
    );
    let json = server
        .pgvigil_as(&repository, "plan", "pgvigil_plan", &["--format", "json"])
        .exits(0)
        .json();
    assert_eq!(
        role(&json, "alice")["sessions"].as_array().unwrap().len(),
        1,
        "{json}"
    );
    assert!(
        !codes(&json).iter().any(|(code, _)| code == "not-read"),
        "{json}"
    );
    let json = server
        .pgvigil_as(
            &repository,
            "coverage",
            "pgvigil_plan",
            &["--format", "json"],
        )
        .exits(16)
        .json();
    assert!(
        !codes(&json).iter().any(|(code, _)| code == "not-read"),
        "{json}"
    );
    server
        .pgvigil_as(&repository, "apply", "pgvigil_plan", &["--auto-approve"])
        .exits(1);
    assert_eq!(server.settings(), "");
    // Any other role sees the roles, and says what it does not see.
    let json = server
        .pgvigil_as(&repository, "plan", "svc", &["--format", "json"])
        .exits(0)
        .json();
    assert!(
        codes(&json).iter().any(|(code, _)| code == "not-read"),
        "{json}"
    );
    assert_eq!(role(&json, "alice")["verdict"], "pending");
    open.kill().unwrap();
    open.wait().unwrap();
}

/// One command for every environment, by the variables that the files name.
#[test]
fn many_environments_by_one_command() {
    let (one, two) = (Server::start(&[]), Server::start(&[]));
    one.ask("create role alice login");
    two.ask("create role alice login");
    let repository = policy(&["alice"]);
    repository.write("environments/local.yaml", "version: 1\nprovider: local\nclusters: [one, two]\ndatabases:\n  one: {from_env: URL_ONE}\n  two: {from_env: URL_TWO}\n");
    repository.write(
        "environments/dark.yaml",
        "version: 1\nprovider: local\nfolder: dark\nclusters: [three]\n",
    );
    let run = |args: &[&str]| {
        let mut command = repository.command();
        command
            .env("URL_ONE", one.address("postgres", "postgres"))
            .env("URL_TWO", two.address("postgres", "postgres"));
        Run::of(command.args(args).output().unwrap())
    };
    let json = run(&["enrol", "plan", "--env", "local", "--format", "json"])
        .exits(0)
        .json();
    assert_eq!(json["places"].as_array().unwrap().len(), 2);
    // What could not be looked at is never clean, and hides nothing else.
    let told = run(&["enrol", "coverage", "--all"]).exits(1);
    assert!(
        told.err
            .contains("dark, three: `dark` names no database of `three`"),
        "{}",
        told.err
    );
    assert!(
        told.out.contains("local, one") && told.out.contains("local, two"),
        "{}",
        told.out
    );
    run(&["enrol", "plan", "--env", "dark"]).exits(2);
    run(&["enrol", "plan", "--env", "local", "--cluster", "nine"]).exits(2);
    run(&[
        "enrol",
        "apply",
        "--env",
        "local",
        "--cluster",
        "two",
        "--auto-approve",
    ])
    .exits(0);
    assert_eq!(
        (one.settings(), two.settings()),
        (String::new(), declared("alice"))
    );
    run(&["enrol", "apply", "--env", "local", "--auto-approve"]).exits(0);
    assert_eq!(one.settings(), declared("alice"));
    run(&["enrol", "plan", "--env", "local", "--detailed-exitcode"]).exits(0);
}

#[test]
fn ten_thousand_roles_are_planned_at_once() {
    let server = Server::start(&[]);
    // Each role takes locks until its transaction ends.
    for thousand in 0..10 {
        server.ask(&format!(
            "do $$ begin for n in {}..{} loop execute format('create role person_%s login', n); \
             execute format('alter role person_%s set pgaudit.log = %L', n, 'read'); end loop; end $$",
            thousand * 1000 + 1,
            thousand * 1000 + 1000
        ));
    }
    let people: Vec<String> = (1..=10_000)
        .map(|number| format!("person_{number}"))
        .collect();
    let people: Vec<&str> = people.iter().map(String::as_str).collect();
    let repository = policy(&people);
    let start = Instant::now();
    let json = server
        .pgvigil(&repository, "plan", &["--format", "json"])
        .exits(0)
        .json();
    let took = start.elapsed();
    println!("10,000 roles planned in {took:?}, with the reading and checking of their files");
    assert_eq!(json["places"][0]["counts"]["change"], 10_000);
    // So many at once are more than this small server has locks for: told, and nothing is half done.
    let run = server
        .pgvigil(&repository, "apply", &["--auto-approve"])
        .exits(1);
    assert!(run.err.contains("max_locks_per_transaction"), "{}", run.err);
    assert!(!server.has_extension());
    assert_eq!(
        server
            .ask("select count(*) from pg_db_role_setting where setconfig <> '{pgaudit.log=read}'"),
        "0"
    );
    // benches/enrol.sh measures; here only what would be another order.
    assert!(took < Duration::from_secs(30), "{took:?}");
}
