//! The compiled enrolment script on a real server with pgAudit.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests may panic"
)]

use std::path::Path;
use std::process::Output;
use std::time::{Duration, Instant};

use jiff::civil::date;
use pgvigil::{check, compile, policy};

use crate::server::Server;

/// Roles whose names need quoting, as YAML and PostgreSQL both have to.
const ODD: &[&str] = &[
    "o'brien \"x\"",
    "Mixed.Case",
    "jane@example.com",
    r"back\slash",
    "zoë müller",
    "$enrol$; drop",
    "sixty-three-bytes-sixty-three-bytes-sixty-three-bytes-sixty-thr",
];

impl Server {
    pub(crate) fn enrol(&self, script: &str) -> Ran {
        self.enrol_as("postgres", "postgres", script)
    }

    fn enrol_as(&self, user: &str, database: &str, script: &str) -> Ran {
        let file = tempfile::NamedTempFile::new_in(self.folder.path()).unwrap();
        std::fs::write(file.path(), script).unwrap();
        let mut psql = self.psql(user, database);
        psql.args(["-v", "ON_ERROR_STOP=1"]);
        // What an administrator's session may have been told changes nothing.
        psql.env("PGCLIENTENCODING", "LATIN1").env(
            "PGOPTIONS",
            "-c standard_conforming_strings=off -c backslash_quote=off -c client_min_messages=error \
             -c default_transaction_isolation=serializable -c default_transaction_read_only=on",
        );
        Ran::of(psql.arg("-f").arg(file.path()).output().unwrap())
    }

    /// Every pgAudit setting of every role, one a line.
    pub(crate) fn settings(&self) -> String {
        self.ask(
            "select r.rolname || '|' || coalesce(d.datname, '') || '|' || entry from pg_db_role_setting s \
             join pg_roles r on r.oid = s.setrole left join pg_database d on d.oid = s.setdatabase \
             cross join unnest(s.setconfig) as entry where entry like 'pgaudit.%' order by 1",
        )
    }

    pub(crate) fn has_extension(&self) -> bool {
        self.ask("select count(*) from pg_extension where extname = 'pgaudit'") == "1"
    }

    /// Audit records in the log that hold this text.
    pub(crate) fn records(&self, text: &str) -> Vec<String> {
        let log = self.logged();
        let records = log
            .lines()
            .filter(|line| line.contains("AUDIT: SESSION") && line.contains(text));
        records.map(str::to_owned).collect()
    }
}

/// What a run of psql came to.
pub(crate) struct Ran {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Ran {
    fn of(output: Output) -> Self {
        Self {
            code: output.status.code(),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }

    #[track_caller]
    pub(crate) fn succeeded(self) -> Self {
        assert_eq!(self.code, Some(0), "{}", self.err);
        self
    }

    #[track_caller]
    fn failed_with(&self, text: &str) {
        assert_ne!(self.code, Some(0), "{}", self.out);
        assert!(
            self.err.contains(text),
            "not in the message: {text}\n{}",
            self.err
        );
    }

    /// The status of a role in the final table.
    fn status(&self, role: &str) -> Option<&str> {
        self.out.lines().find_map(|line| {
            line.strip_prefix(role)?
                .strip_prefix('|')?
                .split('|')
                .next()
        })
    }
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The script for these people, with `svc` and `worker_[0-9]+` as service accounts.
fn script(people: &[&str]) -> String {
    let mut rules = String::from("version: 1\naudit: {log: [read, write]}\nusers:\n");
    for role in people {
        // JSON's strings are YAML's.
        let role = serde_json::to_string(role).unwrap();
        rules += &format!("  - {{role: {role}, owner: data-platform, environments: all}}\n");
    }
    rules += "service_accounts:\n  - role: svc.a+b\n    reason: The shop's own application works all day.\n    owner: shop-team\n    environments: all\n  \
              - pattern: \"worker_[0-9]+\"\n    reason: Numbered workers of the same application.\n    owner: shop-team\n    environments: all\n";
    let environment = "version: 1\nprovider: local\nfolder: .pgvigil/local\nclusters: [shop]\n";
    let loaded = policy::load_from([
        ("rules/rules.yaml", rules.as_str()),
        ("environments/local.yaml", environment),
    ]);
    let today = date(2026, 11, 22);
    assert_eq!(
        check::run(&loaded, today).errors(),
        0,
        "{rules}\n{:?}",
        check::run(&loaded, today)
    );
    let compiled = compile::compile(&loaded, &loaded.policy.environments[0], today);
    compiled
        .artefacts
        .into_iter()
        .find(|file| file.path == "local/enrol.sql")
        .unwrap()
        .text
}

/// What `script` declares for a role.
fn declared(role: &str) -> Vec<String> {
    [
        "log=read, write",
        "log_catalog=on",
        "log_parameter=off",
        "log_relation=on",
        "log_statement_once=off",
    ]
    .map(|setting| format!("{role}||pgaudit.{setting}"))
    .to_vec()
}

pub(crate) fn identifier(role: &str) -> String {
    format!("\"{}\"", role.replace('"', "\"\""))
}

#[test]
fn enrols_people_with_any_name_and_audits_them_from_their_next_session() {
    let server = Server::start(&[]);
    for role in ODD {
        server.ask(&format!("create role {} login", identifier(role)));
    }
    server.ask("create role \"svc.a+b\" login; alter role \"svc.a+b\" set pgaudit.log = 'ddl'");
    server.ask("create role worker_12 login; create role svcxaab login");
    server.ask("create table public.money (amount int); grant select on public.money to public");
    for (number, role) in ODD.iter().enumerate() {
        server.ask_as(
            role,
            &format!("select {number} as before_enrolment from public.money"),
        );
    }

    let text = script(&[ODD, &["nobody there"]].concat());
    let first = server.enrol(&text).succeeded();
    assert!(server.has_extension());
    let mut expected: Vec<String> = ODD.iter().flat_map(|role| declared(role)).collect();
    expected.push("svc.a+b||pgaudit.log=ddl".to_owned());
    expected.sort();
    assert_eq!(server.settings(), expected.join("\n"));
    assert!(
        first
            .err
            .contains("role \"nobody there\" is declared and does not exist"),
        "{}",
        first.err
    );
    for role in ODD {
        assert_eq!(first.status(role), Some("audited"), "{}", first.out);
    }
    assert_eq!(first.status("svc.a+b"), Some("not audited, declared"));
    assert_eq!(first.status("worker_12"), Some("not audited, declared"));
    assert_eq!(first.status("svcxaab"), Some("UNDECLARED"));
    assert!(
        first.out.starts_with("postgres|UNDECLARED||superuser"),
        "{}",
        first.out
    );

    for (number, role) in ODD.iter().enumerate() {
        server.ask_as(
            role,
            &format!("select {number} as after_enrolment from public.money"),
        );
        let found = server.records(&format!("{number} as after_enrolment"));
        let head = format!("{role}@postgres:");
        assert!(
            found
                .iter()
                .any(|line| line.contains(&head) && line.contains("TABLE,public.money")),
            "{found:?}"
        );
    }
    assert_eq!(server.records("before_enrolment"), Vec::<String>::new());

    let second = server.enrol(&text).succeeded();
    assert!(
        second
            .err
            .contains("every role was as declared: nothing changed"),
        "{}",
        second.err
    );
    assert_eq!(server.settings(), expected.join("\n"));
    assert_eq!(second.out, first.out);
}

#[test]
fn resets_who_is_gone_and_removes_what_weakens() {
    let server = Server::start(&[]);
    server.ask("create role alice login; create role bob login; create role worker_1 login");
    server.ask("create database other");
    server.enrol(&script(&["alice", "bob"])).succeeded();
    server.ask("alter role alice in database other set pgaudit.log = 'none'");
    server.ask("alter role alice set pgaudit.log_client = on; alter role alice set pgaudit.log_level = 'debug5'");
    server.ask("alter role alice set pgaudit.role = 'bob'; alter role alice set work_mem = '8MB'");
    server.ask("alter role worker_1 in database other set pgaudit.log = 'none'");
    server.ask("alter database other set pgaudit.log_client = on");
    server.ask("create role carol login; alter role carol set pgaudit.log = 'ddl'");
    server.ask("alter role alice set log_min_messages = panic");

    let ran = server.enrol(&script(&["alice"])).succeeded();
    let mut expected = declared("alice");
    expected.push("alice||pgaudit.role=bob".to_owned());
    expected.push("worker_1|other|pgaudit.log=none".to_owned());
    expected.push("carol||pgaudit.log=ddl".to_owned());
    expected.sort();
    assert_eq!(server.settings(), expected.join("\n"));
    for said in [
        "role \"alice\" has its own \"pgaudit.log=none\" in database \"other\": reset",
        "role \"alice\" has its own \"pgaudit.log_client=on\": reset",
        "role \"bob\" is not declared: \"pgaudit.log=read, write\" is reset",
        "role \"carol\" is not declared, and \"pgaudit.log=ddl\" was set by somebody else: left alone",
        "role \"alice\" has \"log_min_messages=panic\": the log has none of its records",
        "database other has \"pgaudit.log_client=on\" for every role",
        "8 settings changed",
    ] {
        assert!(ran.err.contains(said), "{said}\n{}", ran.err);
    }
    assert_eq!(server.ask("select 'work_mem=8MB' = any(setconfig) from pg_db_role_setting where setrole = 'alice'::regrole"), "t");
    assert_eq!(ran.status("bob"), Some("UNDECLARED"));
}

#[test]
fn stops_where_pgaudit_is_not_loaded() {
    let server = Server::start(&["--no-pgaudit"]);
    server.ask("create role alice login");
    let ran = server.enrol(&script(&["alice"]));
    ran.failed_with("pgaudit is not loaded: shared_preload_libraries is \"\"");
    assert_eq!(
        (server.settings(), server.has_extension()),
        (String::new(), false)
    );
}

#[test]
fn stops_where_the_role_may_not_set_this() {
    let server = Server::start(&[]);
    server.ask("create role alice login; create role boss login createrole");
    let ran = server.enrol_as("boss", "postgres", &script(&["alice"]));
    ran.failed_with("role \"boss\" may not set pgaudit settings of other roles");
    assert_eq!(
        (server.settings(), server.has_extension()),
        (String::new(), false)
    );
}

/// Aurora has no superuser: its administrators are members of this role, which may set pgAudit's settings.
#[test]
fn a_member_of_rds_superuser_is_enough() {
    let server = Server::start(&[]);
    server.ask(
        "create role rds_superuser nologin; grant pg_monitor to rds_superuser; \
         create role admin login createrole in role rds_superuser; \
         grant set on parameter pgaudit.log, pgaudit.log_relation, pgaudit.log_catalog, pgaudit.log_parameter, \
         pgaudit.log_statement_once to rds_superuser; create extension pgaudit; \
         create role alice login; alter role alice in database postgres set pgaudit.log = 'none'; \
         create role bob login; comment on role bob is 'audited by pgvigil 1-0123456789abcdef'; \
         alter role bob set pgaudit.log = 'all'; create role carol login; comment on role carol is 'of sales'",
    );
    let ran = server
        .enrol_as("admin", "postgres", &script(&["alice"]))
        .succeeded();
    assert_eq!(server.settings(), declared("alice").join("\n"));
    assert!(
        ran.out
            .contains("admin|UNDECLARED||rds_superuser: can switch auditing off"),
        "{}",
        ran.out
    );
    let comments = "select string_agg(rolname || ':' || description, ',' order by rolname) from pg_shdescription \
         join pg_roles on oid = objoid where classoid = 'pg_authid'::regclass and rolname !~ '^pg_'";
    let noted = server.ask(comments);
    assert!(noted.starts_with("alice:audited by pgvigil 1-"), "{noted}");
    assert!(noted.ends_with(",carol:of sales"), "{noted}");
    server.ask_as("alice", "select 'seen on aurora'");
    assert_ne!(server.records("seen on aurora"), Vec::<String>::new());
}

/// A watched person can hold up a change of their own settings, but not for ever, and nothing is half done.
#[test]
fn an_uncommitted_change_of_a_role_ends_the_run() {
    let server = Server::start(&[]);
    server
        .ask("create role alice login; create role bob login; alter role bob set work_mem = '8MB'");
    let mut holding = server
        .psql("bob", "postgres")
        .args(["-v", "ON_ERROR_STOP=1"])
        .args([
            "-c",
            "begin",
            "-c",
            "alter role bob set work_mem = '16MB'",
            "-c",
            "select pg_sleep(60)",
        ])
        .stderr(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let until = Instant::now() + Duration::from_secs(20);
    while server.ask(
        "select count(*) from pg_stat_activity where query like '%pg_sleep%' and usename = 'bob'",
    ) != "1"
    {
        assert!(Instant::now() < until, "bob does not hold the row");
    }
    let text =
        script(&["alice", "bob"]).replace("'lock_timeout', '1min'", "'lock_timeout', '500ms'");
    let ran = server.enrol(&text);
    server.ask("select pg_terminate_backend(pid) from pg_stat_activity where usename = 'bob'");
    let _ = holding.wait();
    ran.failed_with("lock timeout");
    assert_eq!(server.settings(), "");
}

#[test]
fn a_failure_in_the_middle_leaves_nothing_behind() {
    let server = Server::start(&[]);
    server.ask("create role alice login; create role bob login");
    let text = script(&["alice", "bob"]);
    let broken = text.replace(
        "-- Reads the settings back",
        "select 1/0;\n-- Reads the settings back",
    );
    assert_ne!(text, broken);
    server.enrol(&broken).failed_with("division by zero");
    assert_eq!(
        (server.settings(), server.has_extension()),
        (String::new(), false)
    );

    // A value that the server refuses.
    let lost = text.replace(
        "'alice', 'pgaudit.log', 'read, write'",
        "'alice', 'pgaudit.log', 'reed'",
    );
    assert_ne!(text, lost);
    assert_ne!(server.enrol(&lost).code, Some(0));
    assert_eq!(server.settings(), "");
}

#[test]
fn runs_at_once_do_not_fail_in_one_database_or_in_two() {
    let server = Server::start(&[]);
    let people: Vec<String> = (0..40)
        .map(|number| format!("person_{number:02}"))
        .collect();
    let people: Vec<&str> = people.iter().map(String::as_str).collect();
    for role in &people {
        server.ask(&format!("create role {role} login"));
    }
    server.ask("create database other");
    let text = script(&people);
    for _ in 0..3 {
        server.ask("drop extension if exists pgaudit");
        for role in &people {
            server.ask(&format!(
                "alter role {role} reset all; alter role {role} set pgaudit.log = 'ddl'"
            ));
        }
        std::thread::scope(|scope| {
            let runs: Vec<_> = ["postgres", "other", "postgres", "other"]
                .map(|database| scope.spawn(|| server.enrol_as("postgres", database, &text)))
                .into_iter()
                .collect();
            for run in runs {
                run.join().unwrap().succeeded();
            }
        });
        let expected: Vec<String> = people.iter().flat_map(|role| declared(role)).collect();
        assert_eq!(server.settings(), expected.join("\n"));
    }
}

#[test]
fn functions_of_watched_people_are_not_called() {
    let server = Server::start(&[]);
    server.ask("create role mallory login; grant create on schema public to mallory");
    // An exact match beats the system's variadic one, wherever it stands in the search path.
    server.ask_as(
        "mallory",
        "create function public.format(text, name, name) returns text language sql as \
         'select ''alter role mallory superuser''::text'; \
         create function public.format(text, name, text, text) returns text language sql as \
         'select ''alter role mallory superuser''::text'; \
         create table public.pgvigil_desired (role name, setting text, value text)",
    );
    server.enrol(&script(&["mallory"])).succeeded();
    assert_eq!(
        server.ask("select rolsuper from pg_roles where rolname = 'mallory'"),
        "f"
    );
    assert_eq!(server.settings(), declared("mallory").join("\n"));
}

#[test]
fn every_file_runs_by_itself() {
    let server = Server::start(&[]);
    server.ask("create role alice login");
    let mut names: Vec<String> = std::fs::read_dir(root().join("sql"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name != "desired.sql")
        .collect();
    names.sort();
    assert_eq!(
        names,
        [
            "enrol.sql",
            "extension.sql",
            "plan_role.sql",
            "require_pgaudit.sql",
            "snapshot",
            "verify.sql"
        ]
    );
    for name in names.into_iter().filter(|name| name.ends_with(".sql")) {
        let ran = server
            .psql("postgres", "postgres")
            .args(["-v", "ON_ERROR_STOP=1"])
            .arg("-f")
            .arg(root().join("sql/desired.sql"))
            .args([
                "-c",
                "insert into pgvigil_desired values ('alice', 'pgaudit.log', 'all')",
            ])
            .arg("-f")
            .arg(root().join("sql").join(&name))
            .output()
            .unwrap();
        let ran = Ran::of(ran);
        // enrol.sql comes first and leaves alice as verify.sql wants her.
        assert_eq!(ran.code, Some(0), "{name}\n{}", ran.err);
    }
    assert_eq!(server.settings(), "alice||pgaudit.log=all");
}
