//! What a red team walked through, on real servers: each access of a person to data has to be heard, by the shipped policy.
//!
//! `PGVIGIL_VERSIONS` names the servers (`13,15,17,18`); without it, it is the installed one.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "helpers of tests may panic and print"
)]

use std::process::Command;

use pgvigil::judge::{Judge, Rules, Scratch, Verdict};

use crate::recorded;
use crate::server::Server;

/// A way to data: what is there already, and what a person types, in one session.
struct Way {
    kind: &'static str,
    before: &'static [&'static str],
    typed: &'static [&'static str],
}

const fn way(
    kind: &'static str,
    before: &'static [&'static str],
    typed: &'static [&'static str],
) -> Way {
    Way {
        kind,
        before,
        typed,
    }
}

/// What every way finds: a table with secrets, one that the person owns, a large object, a sequence, and what others made.
const SETUP: &[&str] = &[
    "create role alice login; create role team; grant team to alice; create role shop_api login; grant create on schema public to alice",
    "create table customers (id int, secret text); insert into customers values (1, 'hidden'); grant all on customers to alice, team",
    "create table owned (id int, secret text); insert into owned values (1, 'hidden'); alter table owned owner to alice",
    "create sequence numbers; grant all on sequence numbers to alice",
    "select lo_from_bytea(16400, 'hidden'); alter large object 16400 owner to alice",
    "create function k(int) returns text language sql as $$ select convert_from(lo_get($1::oid), 'utf8') $$",
    "create function filter(int) returns text language sql as $$ select convert_from(lo_get($1::oid), 'utf8') $$",
    "create type lot as (id int); create function peek(lot) returns text language sql as $$ select convert_from(lo_get($1.id::oid), 'utf8') $$",
    "create domain secret as oid check (set_config('x.y', convert_from(lo_get(value), 'utf8'), false) is not null)",
    "create schema evil; grant usage on schema evil to alice; create domain evil.text as pg_catalog.text check (set_config('x.y', convert_from(lo_get(value::pg_catalog.oid), 'utf8'), false) is not null)",
    "grant pg_execute_server_program, pg_write_server_files to alice",
];

const PREPARED: &str = "prepare getX(pg_catalog.text) as select $1, relname from pg_class limit 1";

#[rustfmt::skip]
const WAYS: &[Way] = &[
    way("execute", &[], &[PREPARED, "execute getX(convert_from(lo_get(16400), 'utf8'))"]),
    way("execute", &[], &["prepare values(pg_catalog.text) as select $1, relname from pg_class limit 1", "execute values(convert_from(lo_get(16400), 'utf8'))"]),
    way("execute", &[], &[PREPARED, "explain analyze execute getX(k(16400))"]),
    way("execute", &[], &["prepare getX(pg_catalog.text) as select $1 as a, relname from pg_class limit 1", "create temp table t as execute getX(k(16400))"]),
    way("execute", &[], &["prepare getX(bigint) as select $1, relname from pg_class limit 1", "execute getX(setval('numbers', 77))"]),
    way("execute", &[], &[PREPARED, "execute getX(('x' || convert_from(lo_get(16400), 'utf8'))::int::text)"]),
    way("cast", &[], &["select '16400'::secret, relname from pg_class limit 1"]),
    way("cast", &[], &["select cast('16400' as secret)"]),
    way("cast", &[], &["select secret '16400', relname from pg_class limit 1"]),
    way("cast", &[], &["select '{16400}'::secret[], relname from pg_class limit 1"]),
    way("cast", &[], &["select relname, x.a from pg_class, json_to_record('{\"a\":16400}') as x(a secret) limit 1"]),
    way("shadowed type", &[], &["create domain pg_temp.text as pg_catalog.text check (set_config('x.y', convert_from(lo_get(value::pg_catalog.oid), 'utf8'), false) is not null)", "select '16400'::text from pg_class limit 1"]),
    way("search_path", &[], &["set search_path = evil, pg_catalog, public", "select '16400'::text from pg_class limit 1"]),
    way("search_path", &[], &["begin; set local \"search_path\" = evil, pg_catalog; select '16400'::text from pg_class limit 1; commit"]),
    way("search_path", &[], &["select set_config('search' || '_path', 'evil, pg_catalog', false)", "select '16400'::text from pg_class limit 1"]),
    way("search_path", &[], &["select set_config(name, 'evil, pg_catalog', false) from pg_settings where name like 'search%'", "select '16400'::text from pg_class limit 1"]),
    way("search_path", &[], &["update pg_settings set setting = 'evil, pg_catalog' where name = 'search_path'", "select '16400'::text from pg_class limit 1"]),
    way("ddl", &[], &["alter table owned add check (set_config('x.y', owned::text, false) is not null)"]),
    way("ddl", &[], &["create temp table a (x text) partition by list (x); create temp table b partition of a for values in (convert_from(lo_get(16400), 'utf8'))"]),
    way("ddl", &[], &["alter table owned alter secret type text using 'destroyed'"]),
    way("ddl", &[], &["drop table owned"]),
    way("maintenance", &["create function tell(text) returns int language plpgsql immutable as $$ begin raise notice '%', $1; return 1; end $$; create index on owned (tell(secret))"], &["reindex table owned"]),
    way("maintenance", &[
        "create function far(int, int) returns float8 language plpgsql immutable as $$ begin raise notice '%', convert_from(lo_get(16400), 'utf8'); return 1; end $$",
        "create type ranges as range (subtype = int4, subtype_diff = far)",
        "create table measured (r ranges); insert into measured select ('[' || g || ',' || g + 1 || ')')::ranges from generate_series(1, 50) g; alter table measured owner to alice",
    ], &["analyze measured"]),
    way("a word of the grammar", &[], &["select distinct on (1) k(16400)"]),
    way("a word of the grammar", &[], &["select filter(16400), relname from pg_class limit 1"]),
    way("attribute", &[], &["select (row(16400)::lot).peek"]),
    way("copy", &[], &["copy pg_class to '/tmp/pgvigil-walked'"]),
    way("copy", &[], &["copy pg_class to program 'cat >/dev/null'"]),
    way("failed ddl", &[], &["alter table owned add check ((case when id = 1 then ('x' || owned::text)::int end) is null)"]),
    way("taken role", &[], &["set role team", "select * from customers"]),
];

/// The servers to try.
fn versions() -> Vec<String> {
    let wanted = std::env::var("PGVIGIL_VERSIONS").unwrap_or_default();
    let named: Vec<String> = wanted.split(',').map(|v| v.trim().to_owned()).collect();
    if wanted.is_empty() {
        vec!["15".to_owned()]
    } else {
        named
    }
}

fn start(version: &str, more: &[&str]) -> Server {
    let mut options = Vec::new();
    // The installed one.
    if version != "15" {
        options.extend(["--version", version]);
    }
    options.extend(more);
    Server::start(&options)
}

fn prepared(server: &Server) {
    for sql in SETUP {
        server.ask(sql);
    }
    for setting in ["log = 'all'", "log_relation = on"] {
        server.ask(&format!("alter role alice set pgaudit.{setting}"));
    }
}

/// Types in one session, whatever fails.
fn typed(mut psql: Command, texts: &[&str]) {
    for text in texts {
        psql.args(["-c", text]);
    }
    psql.output().unwrap();
}

fn judge() -> Judge {
    let policy = &recorded::shipped().policy;
    let environment = policy
        .environments
        .iter()
        .find(|environment| environment.name == "local")
        .unwrap();
    Judge::new(&Rules::of(policy, environment))
}

/// The entries of a text that count.
fn counted<'t>(judge: &Judge, text: &'t str) -> Vec<(Option<String>, &'t str)> {
    let mut scratch = Scratch::default();
    let mut found = Vec::new();
    let mut at = 0;
    while at < text.len() {
        let mut end = at;
        loop {
            end = text[end..]
                .find('\n')
                .map_or(text.len(), |more| end + more + 1);
            if !text[end..].starts_with('\t') {
                break;
            }
        }
        let entry = text[at..end].trim_end_matches('\n');
        at = end;
        let judged = judge.judge(&mut scratch, entry.as_bytes());
        if judged.verdict == Verdict::Counted {
            let user = judged
                .who()
                .map(|prefix| String::from_utf8_lossy(prefix.user).into_owned());
            if user.as_deref() != Some("postgres") {
                found.push((user, entry));
            }
        }
    }
    found
}

#[test]
fn whatever_was_walked_through_is_heard() {
    let judge = judge();
    for version in versions() {
        let mut server = start(&version, &[]);
        prepared(&server);
        let mut silent = Vec::new();
        for way in WAYS {
            for sql in way.before {
                server.ask(sql);
            }
            let seen = server.logged().len();
            typed(server.psql("alice", "postgres"), way.typed);
            let log = server.logged();
            if counted(&judge, &log[seen..]).is_empty() {
                silent.push(format!("{}: {:?}\n{}", way.kind, way.typed, &log[seen..]));
            }
            if way.kind == "ddl" {
                drop(server);
                server = start(&version, &[]);
                prepared(&server);
            }
        }
        assert_eq!(silent, Vec::<String>::new(), "PostgreSQL {version}");
    }
}

/// What leaves no record is heard by the server's own log.
#[test]
fn what_leaves_no_record_is_heard_where_the_log_tells_of_it() {
    let judge = judge();
    for version in versions() {
        let server = start(
            &version,
            &[
                "--set",
                "log_replication_commands=on",
                "--set",
                "wal_level=logical",
            ],
        );
        prepared(&server);
        server.ask("alter role alice replication");
        let seen = server.logged().len();
        let mut psql = server.psql("alice", "postgres");
        psql.args(["-d", "dbname=postgres replication=database"]);
        typed(psql, &["IDENTIFY_SYSTEM"]);
        let log = server.logged();
        let heard = counted(&judge, &log[seen..]);
        assert!(
            heard
                .iter()
                .any(|(user, entry)| user.as_deref() == Some("alice")
                    && entry.contains("received replication command")),
            "{}",
            &log[seen..]
        );
    }
}

/// A line that somebody forged names nobody else without a mark.
#[test]
fn forged_lines_name_no_innocent_person() {
    let judge = judge();
    for version in versions() {
        let server = start(&version, &[]);
        prepared(&server);
        // A login that fails needs no password to write a line.
        let seen = server.logged().len();
        typed(
            server.psql(
                "bob",
                "shop:[1]:LOG:  AUDIT: SESSION,1,1,WRITE,DELETE,TABLE,hr.pay,x,",
            ),
            &["select 1"],
        );
        // The second half of the name is a whole entry of somebody else's.
        server.ask("create database \"x\n2026-12-01 08:00:00 UTC::shop_api@shop\"");
        typed(
            server.psql("alice", "x\n2026-12-01 08:00:00 UTC::shop_api@shop"),
            &["select * from pg_authid"],
        );
        let log = server.logged();
        let heard = counted(&judge, &log[seen..]);
        println!("{heard:?}");
        assert!(!heard.iter().any(|(user, _)| user.as_deref() == Some("bob")));
        assert!(
            heard
                .iter()
                .any(|(user, entry)| user.is_none() && entry.ends_with("alice@x")),
            "{}",
            &log[seen..]
        );
    }
}
