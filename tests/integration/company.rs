//! A day of a company of forty people on a real server: approved work, usual work, and one person who hides behind an
//! approval. What is marked as expected, and how much it matters, is compared with what was done, not with what was judged.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "helpers of tests may panic"
)]

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use crate::server::Server;

const TEAMS: [&str; 5] = ["payments", "support", "data", "platform", "finance"];

type Names = &'static [&'static str];

/// Id, people, relations, kinds.
const GRANTS: [(&str, Names, Names, Names); 5] = [
    (
        "CHG-101",
        &["p09", "p10"],
        &["public.customers", "public.orders"],
        &["read"],
    ),
    (
        "CHG-102",
        &["p17"],
        &["reference.countries"],
        &["read", "write"],
    ),
    ("CHG-103", &["p25"], &["public.orders"], &["schema"]),
    ("CHG-104", &["p33"], &["hr.*"], &["read"]),
    ("CHG-105", &["p40"], &["public.orders"], &["read"]),
];

/// One statement that somebody runs, with a number that is in no other.
pub(crate) struct Deed {
    role: String,
    sql: String,
    /// Class and relation of each record that it has.
    uses: Vec<(&'static str, &'static str)>,
    /// It does nothing but use relations.
    is_plain: bool,
}

fn deed(role: &str, sql: String, uses: &[(&'static str, &'static str)], is_plain: bool) -> Deed {
    Deed {
        role: role.to_owned(),
        sql,
        uses: uses.to_vec(),
        is_plain,
    }
}

/// What all of them do in a part of the day. Numbers start at `from`.
pub(crate) fn usual(from: usize) -> Vec<Deed> {
    let mut deeds = Vec::new();
    for person in 1..=40 {
        let role = format!("p{person:02}");
        let n = from + person;
        let mut add = |sql: String, uses: &[(&'static str, &'static str)]| {
            deeds.push(deed(&role, sql, uses, true));
        };
        add(
            format!("select * from public.orders where id = {n}"),
            &[("READ", "public.orders")],
        );
        match person {
            9..=16 => add(
                format!(
                    "select c.name, o.id from public.customers c join public.orders o on o.id = c.id where c.id = {n}"
                ),
                &[("READ", "public.customers"), ("READ", "public.orders")],
            ),
            17..=24 => {
                add(
                    format!("insert into reference.countries (id, name) values ({n}, 'x')"),
                    &[("WRITE", "reference.countries")],
                );
                add(
                    format!("select count(*) from reference.countries where id = {n}"),
                    &[("READ", "reference.countries")],
                );
            }
            25 => add(
                format!("alter table public.orders add column note_{n} text"),
                &[("DDL", "public.orders")],
            ),
            33..=36 => add(
                format!("select sum(amount) from hr.salaries where id = {n}"),
                &[("READ", "hr.salaries")],
            ),
            _ => {}
        }
    }
    deeds
}

/// What one person tries whose reads of `public.orders` are approved.
pub(crate) fn incident(from: usize) -> Vec<Deed> {
    let n = |step: usize| from + step;
    let orders = [("READ", "public.orders")];
    let cards = [("READ", "public.cards")];
    let try_it = |sql: String, uses: &[(&'static str, &'static str)], is_plain| {
        deed("p40", sql, uses, is_plain)
    };
    vec![
        // The approved work, for cover.
        try_it(
            format!("select * from public.orders where id = {}", n(1)),
            &orders,
            true,
        ),
        // The approved relation, and something else in the same statement.
        try_it(
            format!(
                "select lo_from_bytea(0, 'x'), id from public.orders where id = {}",
                n(2)
            ),
            &orders,
            false,
        ),
        try_it(
            format!(
                "copy (select * from public.orders where id <> {}) to program 'cat >/dev/null'",
                n(3)
            ),
            &orders,
            false,
        ),
        try_it(
            format!(
                "select query_to_xml('select * from public.cards', true, true, '{}') from public.orders limit 1",
                n(4)
            ),
            &[("READ", "public.orders"), ("READ", "public.cards")],
            false,
        ),
        try_it(
            format!(
                "select current_setting('pgaudit.log') || '{}', id from public.orders limit 1",
                n(5)
            ),
            &orders,
            false,
        ),
        // Another relation under words of the approved one.
        try_it(
            format!(
                "select * from public.cards /* public.orders CHG-105 {} */",
                n(6)
            ),
            &cards,
            true,
        ),
        try_it(
            format!("select * from public.cards as orders where id = {}", n(7)),
            &cards,
            true,
        ),
        try_it(
            format!(
                "with orders as (select * from public.cards where id <> {}) select * from orders",
                n(8)
            ),
            &cards,
            true,
        ),
        try_it(
            format!(
                "select o.id from public.orders o join public.cards c on c.id = o.id where o.id = {}",
                n(9)
            ),
            &[("READ", "public.orders"), ("READ", "public.cards")],
            true,
        ),
        // Another kind of work on the approved relation.
        try_it(
            format!("delete from public.orders where id = {}", n(10)),
            &[("WRITE", "public.orders")],
            true,
        ),
        try_it(
            format!(
                "insert into public.orders (id) select id from public.cards where id = {}",
                n(11)
            ),
            &[("WRITE", "public.orders"), ("READ", "public.cards")],
            true,
        ),
        // The same relation's name elsewhere.
        try_it(
            format!("create schema mine_{}", n(12)),
            &[("DDL", "")],
            true,
        ),
        try_it(
            format!(
                "do $$ begin perform * from public.cards where id = {}; end $$",
                n(13)
            ),
            &[("FUNCTION", ""), ("READ", "public.cards")],
            false,
        ),
    ]
}

fn all_of(parts: [Vec<Deed>; 2]) -> Vec<Deed> {
    parts.into_iter().flatten().collect()
}

pub(crate) fn run(server: &Server, deeds: &[Deed]) {
    for deed in deeds {
        let mut psql = server.psql(&deed.role, "postgres");
        let output = psql
            .args(["-v", "ON_ERROR_STOP=1", "-c", &deed.sql])
            .env("PGAPPNAME", "CHG-105 public.orders expected")
            .output()
            .unwrap();
        assert!(
            output.status.success(),
            "{}: {}",
            deed.sql,
            String::from_utf8_lossy(&output.stderr)
        );
    }
}

/// The number of the person who wrote an entry of the log.
pub(crate) fn person(entry: &[u8]) -> Option<usize> {
    let text = std::str::from_utf8(entry).ok()?;
    // The prefix is `TIME:HOST:USER@DATABASE:`.
    let (before, _) = text.split_once('@')?;
    before.rsplit(':').next()?.strip_prefix('p')?.parse().ok()
}

/// The policy: people, and what matters how much.
pub(crate) fn rules() -> String {
    let mut rules = "version: 1\nusers:\n".to_owned();
    for person in 1..=40 {
        let team = TEAMS[(person - 1) / 8];
        let _ = writeln!(
            rules,
            "  - {{role: p{person:02}, owner: {team}-lead, team: {team}, identity: p{person:02}@example.com, environments: all}}"
        );
    }
    rules.push_str(
        "sensitivity:
  - {severity: critical, schema: public, relation: cards, reason: card data, owner: security}
  - {severity: high, schema: hr, reason: salaries, owner: people}
  - {severity: low, schema: reference, reason: public lists, owner: data-lead}
protected:
  - {schema: public, relation: cards, reason: card data, owner: security}
",
    );
    rules
}

/// The grants, for this time.
pub(crate) fn access(from: Timestamp, until: Timestamp) -> String {
    let mut access = "version: 1\ngrants:\n".to_owned();
    for (id, people, relations, kinds) in GRANTS {
        let _ = writeln!(
            access,
            "  - {{id: {id}, user: [{}], environments: [prod], databases: [postgres], relations: [{}], kinds: [{}], from: {from}, until: {until}, reason: a task, owner: data-lead}}",
            people.join(", "),
            relations
                .iter()
                .map(|relation| format!("'{relation}'"))
                .collect::<Vec<_>>()
                .join(", "),
            kinds.join(", ")
        );
    }
    access
}

fn write_policy(root: &Path, from: Timestamp, until: Timestamp) {
    let environment = "version: 1\nprovider: local\nfolder: live\nclusters: [shop]\nsignals: {dml: {}, privilege: {}, schema: {}, audit_tampering: {}, denied: {}}\n";
    for (name, text) in [
        ("rules/rules.yaml", rules().as_str()),
        ("access/grants.yaml", &access(from, until)),
        ("environments/prod.yaml", environment),
    ] {
        let path = root.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
}

/// The grant that covers a use, by the table above.
fn granted(role: &str, class: &str, relation: &str) -> Option<&'static str> {
    let kind = match class {
        "READ" => "read",
        "WRITE" => "write",
        "DDL" => "schema",
        _ => return None,
    };
    let schema = relation.split('.').next().unwrap();
    GRANTS
        .iter()
        .find(|(_, people, relations, kinds)| {
            people.contains(&role)
                && kinds.contains(&kind)
                && (relations.contains(&relation) || relations.contains(&&*format!("{schema}.*")))
        })
        .map(|(id, ..)| *id)
}

/// A server with the company's tables and people.
pub(crate) fn server() -> Server {
    let server = Server::start(&["--prefix", "long"]);
    for sql in [
        // Without it pgAudit does not say which relation a DDL changes.
        "create extension pgaudit",
        "create schema hr; create schema reference; create role owners",
        "create table public.orders (id int); create table public.customers (id int, name text); create table public.cards (id int)",
        "create table hr.salaries (id int, amount int); create table reference.countries (id int, name text)",
        "insert into public.orders select generate_series(1, 3); insert into public.cards select generate_series(1, 3)",
        "alter table public.orders owner to owners; grant create on database postgres to owners",
    ] {
        server.ask(sql);
    }
    let mut people = String::new();
    for person in 1..=40 {
        let role = format!("p{person:02}");
        let _ = write!(
            people,
            "create role {role} login; alter role {role} set pgaudit.log to 'all'; alter role {role} set pgaudit.log_relation to on;"
        );
    }
    people.push_str(
        "grant usage on schema hr, reference to public; grant select, insert, update, delete on all tables in schema public, hr, reference to public;
         grant owners to p25, p40; grant pg_execute_server_program to p40",
    );
    server.ask(&people);
    server
}

#[test]
fn a_day_of_a_company() {
    let server = server();
    let from = Timestamp::from_second(Timestamp::now().as_second()).unwrap();
    let (in_time, late) = (
        all_of([usual(1000), incident(1900)]),
        all_of([usual(2000), incident(2900)]),
    );
    run(&server, &in_time);
    let until = Timestamp::from_second(Timestamp::now().as_second() + 1).unwrap();
    let rest = until.duration_since(Timestamp::now()) + SignedDuration::from_millis(50);
    std::thread::sleep(Duration::try_from(rest).unwrap_or_default());
    run(&server, &late);
    let log = server.log();

    let policy = tempfile::tempdir().unwrap();
    write_policy(policy.path(), from, until);
    let pgvigil = |arguments: &[&str]| {
        let output = Command::new(env!("CARGO_BIN_EXE_pgvigil"))
            .args(["--root", policy.path().to_str().unwrap()])
            .args(arguments)
            .arg(&log)
            .output()
            .unwrap();
        (
            String::from_utf8(output.stdout).unwrap(),
            String::from_utf8(output.stderr).unwrap(),
        )
    };
    let (lines, said) = pgvigil(&["rules", "eval", "--env", "prod", "--format", "jsonl"]);
    let lines: Vec<Value> = lines
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert!(!lines.is_empty(), "{said}");

    let mut expected = BTreeMap::new();
    for (deeds, is_in_time) in [(&in_time, true), (&late, false)] {
        for deed in deeds {
            let records: Vec<&Value> = lines
                .iter()
                .filter(|line| {
                    line["user"] == deed.role.as_str()
                        && line["statement"].as_str().is_some_and(|statement| {
                            deed.sql.contains(statement) || statement.contains(&deed.sql)
                        })
                })
                .collect();
            for (class, relation) in &deed.uses {
                let record = records.iter().find(|line| {
                    line["class"] == *class && (relation.is_empty() || line["object"] == *relation)
                });
                let Some(record) = record else {
                    // What a function runs has a statement of its own.
                    let is_heard = lines.iter().any(|line| {
                        line["user"] == deed.role.as_str()
                            && line["class"] == *class
                            && line["object"] == *relation
                            && line["verdict"] == "counted"
                    });
                    assert!(is_heard, "silent: {class} {relation}: {}", deed.sql);
                    continue;
                };
                assert_eq!(record["verdict"], "counted", "{}", deed.sql);
                let grant = granted(&deed.role, class, relation)
                    .filter(|_| is_in_time && deed.is_plain && *relation != "public.cards");
                assert_eq!(
                    record["expected"]["grant"].as_str(),
                    grant,
                    "{}: {record:#}",
                    deed.sql
                );
                if let Some(grant) = grant {
                    *expected.entry(grant).or_insert(0_u64) += 1;
                }
                let severity = match *relation {
                    _ if deed.sql.contains("pgaudit") => "high",
                    "public.cards" => "critical",
                    "hr.salaries" => "high",
                    "reference.countries" => "low",
                    _ => "medium",
                };
                assert_eq!(record["severity"], severity, "{}: {record:#}", deed.sql);
                assert_eq!(record["identity"], format!("{}@example.com", deed.role));
            }
        }
    }
    // No record has a mark that no deed has.
    let marked = lines
        .iter()
        .filter(|line| !line["expected"].is_null())
        .count() as u64;
    assert_eq!(marked, expected.values().sum::<u64>());
    assert_eq!(expected.len(), GRANTS.len(), "{expected:?}");
    let (summary, _) = pgvigil(&[
        "rules",
        "eval",
        "--env",
        "prod",
        "--summary",
        "--format",
        "json",
    ]);
    let summary: Value = serde_json::from_str(&summary).unwrap();
    assert_eq!(
        summary["totals"]["expected_by"],
        serde_json::json!(expected)
    );
    // All that the intruder did with cards, in every form, is there and is not expected.
    let cards = lines
        .iter()
        .filter(|line| line["user"] == "p40" && line["object"] == "public.cards");
    let counted: Vec<&Value> = cards.collect();
    assert!(counted.len() >= 2 * 7, "{}", counted.len());
    assert!(counted.iter().all(|line| line["expected"].is_null()
        && line["severity"] == "critical"
        && line["verdict"] == "counted"));
}
