//! The signals beside `dml`, on the log of a real server: what people do with roles, objects and the audit itself, and
//! what they are refused.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "helpers of tests may panic and print"
)]

use std::collections::BTreeSet;

use pgvigil::audit_log::prefix::LogLinePrefix;
use pgvigil::judge::{Judge, Rules, Scratch, Verdict};
use pgvigil::policy::model::Signal;

use crate::recorded;
use crate::server::Server;

/// A server whose people are enrolled as pgvigil enrols them.
struct Watched {
    server: Server,
    /// Bytes of the log that were looked at.
    seen: usize,
}

impl Watched {
    fn start(prefix: &str) -> Self {
        let server = Server::start(&["--prefix", prefix]);
        for sql in [
            "create table customers (id int, name text); insert into customers values (1, 'a')",
            "create table secrets (id int); create role alice login; create role dba login superuser",
            "create role shop_api login",
            "grant select, insert on customers to alice; grant create on schema public to alice",
        ] {
            server.ask(sql);
        }
        for role in ["alice", "dba"] {
            enrol(&server, role);
        }
        let mut watched = Self { server, seen: 0 };
        watched.entries();
        watched
    }

    /// The entries since the last call, whole.
    fn entries(&mut self) -> Vec<String> {
        let text = self.server.logged();
        let new = entries(&text[self.seen..]);
        self.seen = text.len();
        new
    }

    /// What somebody types into one session; errors are part of it.
    fn does(&self, user: &str, sql: &str) {
        let mut psql = self.server.psql(user, "postgres");
        let _ = psql.args(["-c", sql]).output().unwrap();
    }
}

fn enrol(server: &Server, role: &str) {
    for setting in ["log to 'all'", "log_relation to on"] {
        server.ask(&format!("alter role {role} set pgaudit.{setting}"));
    }
}

/// Cuts a log at its times.
fn entries(text: &str) -> Vec<String> {
    let mut entries: Vec<String> = Vec::new();
    for line in text.lines() {
        match entries.last_mut() {
            Some(last) if line.starts_with('\t') => {
                last.push('\n');
                last.push_str(line);
            }
            _ => entries.push(line.to_owned()),
        }
    }
    entries
}

/// What a step is heard as: by each signal, what it says of it.
fn heard(judge: &Judge, entries: &[String]) -> BTreeSet<Signal> {
    let mut scratch = Scratch::default();
    let mut heard = BTreeSet::new();
    for entry in entries {
        let judged = judge.judge(&mut scratch, entry.as_bytes());
        if judged.verdict == Verdict::Counted {
            assert!(!judged.signals.is_empty(), "counted by no signal: {entry}");
            heard.extend(judged.signals);
        }
    }
    heard
}

/// Who does what, and the signals that hear it.
const STEPS: &[(&str, &str, &[Signal])] = {
    use Signal::{AuditTampering as Tampering, Denied, Dml, Privilege, Schema};
    &[
        ("alice", "select * from customers", &[Dml]),
        ("alice", "insert into customers values (2, 'b')", &[Dml]),
        ("alice", "create table mine (a int)", &[Schema]),
        ("alice", "comment on table mine is 'x'", &[Schema]),
        (
            "alice",
            "alter table mine add b int /* pgaudit */",
            &[Schema, Tampering],
        ),
        (
            "alice",
            "create table copied as select * from customers",
            &[Dml, Schema],
        ),
        ("alice", "drop table mine", &[Schema]),
        ("dba", "create role newcomer login", &[Privilege]),
        ("dba", "grant select on customers to newcomer", &[Privilege]),
        ("dba", "revoke all on customers from newcomer", &[Privilege]),
        ("dba", "grant pg_read_all_data to newcomer", &[Privilege]),
        // The audit itself.
        (
            "dba",
            "alter role alice set pgaudit.log = 'none'",
            &[Privilege, Tampering],
        ),
        (
            "dba",
            "alter role alice\n  reset\n  all",
            &[Privilege, Tampering],
        ),
        (
            "dba",
            "alter role alice in database postgres set log_min_messages = 'panic'",
            &[Privilege, Tampering],
        ),
        (
            "dba",
            "alter role alice in database postgres reset log_min_messages",
            &[Privilege, Tampering],
        ),
        (
            "dba",
            "alter system set log_min_messages = 'fatal'",
            &[Schema, Tampering],
        ),
        (
            "dba",
            "alter system reset log_min_messages",
            &[Schema, Tampering],
        ),
        (
            "dba",
            "alter database postgres set pgaudit.log = 'none'",
            &[Schema, Tampering],
        ),
        (
            "dba",
            "alter database postgres reset pgaudit.log",
            &[Schema, Tampering],
        ),
        ("dba", "create extension pgaudit", &[Schema, Tampering]),
        ("dba", "drop extension pgaudit", &[Schema, Tampering]),
        (
            "dba",
            "select pg_catalog.set_config('PgAudit.Log', 'all', false)",
            &[Dml, Tampering],
        ),
        (
            "dba",
            "select relname from pg_class where set_config('pgaudit.log_parameter', 'on', false) = '' limit 1",
            &[Dml, Tampering],
        ),
        ("dba", "set pgaudit.log_parameter = on", &[Tampering]),
        // Looking is no touching.
        ("dba", "show pgaudit.log", &[]),
        ("dba", "show log_min_messages", &[]),
        // Closed doors.
        ("alice", "select * from secrets", &[Denied]),
        ("alice", "create role mine2", &[Denied]),
        ("alice", "drop table customers", &[Denied]),
        ("alice", "set role dba", &[Denied]),
        ("alice", "set pgaudit.log = 'none'", &[Denied, Tampering]),
        ("alice", "alter system set work_mem = '1GB'", &[Denied]),
        ("alice", "copy customers to program 'cat'", &[Denied]),
        (
            "alice",
            "select pg_read_file('/etc/passwd')",
            &[Dml, Denied],
        ),
        ("nobody", "select 1", &[Denied]),
        // What quotes a refusal is none, and other errors are none either.
        ("alice", "select ': ERROR:  permission denied' fram t", &[]),
        ("alice", "select 1/0 as \"ERROR:  permission denied\"", &[]),
        // Accounts that are deliberately not audited.
        ("shop_api", "select * from secrets", &[]),
        ("shop_api", "set pgaudit.log = 'none'", &[]),
    ]
};

fn judges(prefix: LogLinePrefix) -> [Judge; 2] {
    let policy = &recorded::shipped().policy;
    [Signal::ALL.to_vec(), vec![Signal::Dml]].map(|signals| {
        Judge::new(&Rules {
            prefix,
            signals,
            ..Rules::of(policy, policy.environment("local").unwrap())
        })
    })
}

fn signals_hear(name: &str, prefix: LogLinePrefix) {
    let mut watched = Watched::start(name);
    let [all, dml_alone] = judges(prefix);
    let mut wrong = Vec::new();
    for (user, sql, wanted) in STEPS {
        watched.does(user, sql);
        let entries = watched.entries();
        let mut wanted: BTreeSet<Signal> = wanted.iter().copied().collect();
        // DDL that is refused has failed: its STATEMENT entry is heard too.
        let is_ddl = ["alter ", "create "]
            .iter()
            .any(|word| sql.starts_with(word));
        if is_ddl && wanted.contains(&Signal::Denied) {
            wanted.insert(Signal::Schema);
        }
        let found = heard(&all, &entries);
        // The other signals take nothing away from `dml`, and add nothing to it.
        let only = heard(&dml_alone, &entries);
        let dml: BTreeSet<Signal> = wanted
            .intersection(&BTreeSet::from([Signal::Dml]))
            .copied()
            .collect();
        if found != wanted || only != dml {
            wrong.push(format!(
                "{user}: {sql}\n  wanted {wanted:?}, heard {found:?}, with dml alone {only:?}\n  {}",
                entries.join("\n  ")
            ));
        }
        if sql.contains("alice") {
            enrol(&watched.server, "alice");
            watched.entries();
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn signals_hear_a_server_with_the_short_prefix() {
    signals_hear("short", LogLinePrefix::Short);
}

#[test]
fn signals_hear_a_server_with_the_long_prefix() {
    signals_hear("long", LogLinePrefix::Long);
}

/// Who may change the session's own setting is heard when they switch the audit on again, not when they switch it
/// off: pgAudit looks at the setting after the statement. Whoever edits this away mends the documents too.
#[test]
fn a_superuser_switches_the_audit_off_unheard() {
    let mut watched = Watched::start("short");
    let [all, _] = judges(LogLinePrefix::Short);
    let mut psql = watched.server.psql("dba", "postgres");
    psql.args([
        "-c",
        "set pgaudit.log = 'none'",
        "-c",
        "select * from secrets",
    ]);
    assert!(psql.output().unwrap().status.success());
    let entries = watched.entries();
    assert_eq!(heard(&all, &entries), BTreeSet::new(), "{entries:?}");
    let mut psql = watched.server.psql("dba", "postgres");
    psql.args([
        "-c",
        "set pgaudit.log = 'none'",
        "-c",
        "set pgaudit.log = 'all'",
    ]);
    assert!(psql.output().unwrap().status.success());
    let entries = watched.entries();
    assert_eq!(
        heard(&all, &entries),
        BTreeSet::from([Signal::AuditTampering]),
        "{entries:?}"
    );
}
