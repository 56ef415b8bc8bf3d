//! The shipped rules on live servers of other versions: their catalogs have what the sets name, what their own psql sends
//! is silent, and what people do counts.
//!
//! `PGVIGIL_VERSIONS=13,18` names others than 15 and 17; `tests/postgres/releases` makes them.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "helpers of tests may panic"
)]

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use pgvigil::audit_log::prefix::LogLinePrefix;
use pgvigil::judge::{Judge, Rules, Scratch, Verdict};
use pgvigil::policy::sets;

use crate::recorded;
use crate::server::Server;

fn versions() -> Vec<String> {
    let wanted = std::env::var("PGVIGIL_VERSIONS").unwrap_or_default();
    let wanted = if wanted.is_empty() { "15,17" } else { &wanted };
    wanted.split(',').map(str::to_owned).collect()
}

fn judge() -> Judge {
    let policy = &recorded::shipped().policy;
    Judge::new(&Rules {
        prefix: LogLinePrefix::Short,
        ..Rules::of(policy, policy.environment("local").unwrap())
    })
}

/// A server of that version with people who are enrolled.
fn start(version: &str) -> Server {
    let server = Server::start(&["--version", version]);
    assert!(
        server.facts["version"].starts_with(version),
        "{:?}",
        server.facts
    );
    server.ask(
        "create table customers (id int primary key, name text not null); insert into customers values (1, 'a');
         create view names as select name from customers; create sequence numbers;
         create function twice(int) returns int language sql as 'select $1 * 2';
         create role alice login; grant all on all tables in schema public to alice; grant all on sequence numbers to alice;
         alter role alice set pgaudit.log to 'all'; alter role alice set pgaudit.log_relation to on",
    );
    server
        .ask("select lo_from_bytea(16400, 'secret'); grant select on large object 16400 to alice");
    server
}

/// How many records of what alice does count, and the records.
fn counted(
    server: &Server,
    judge: &Judge,
    seen: &mut usize,
    act: impl FnOnce(),
) -> (usize, String) {
    *seen = server.logged().len();
    act();
    let text = server.logged();
    let new = text[*seen..].to_owned();
    let mut scratch = Scratch::default();
    let mut entry = String::new();
    let mut count = 0;
    for line in new.lines().chain([""]) {
        if line.starts_with('\t') {
            entry.push('\n');
        } else {
            if !entry.is_empty() {
                let judged = judge.judge(&mut scratch, entry.as_bytes());
                count += usize::from(judged.verdict == Verdict::Counted);
            }
            entry.clear();
        }
        entry.push_str(line);
    }
    (count, new)
}

/// What a person does, one statement each.
const PEOPLE: &[&str] = &[
    "select * from customers",
    "select name from names",
    "insert into customers values (2, 'b')",
    "update customers set name = 'c'",
    "delete from customers where id = 7",
    "truncate customers",
    "copy customers to stdout",
    "select lo_get(16400)",
    "select relname, lo_get(16400) from pg_class limit 1",
    "select nextval('numbers')",
    "select twice(1) from pg_class limit 1",
    "select most_common_vals from pg_stats limit 1",
    "select query from pg_stat_activity",
    "values ((select count(*) from customers))",
    "select * from generate_series(1, 3) as t(n), customers",
    "select extract(epoch from now()) from customers",
];

#[test]
fn people_count_and_psql_does_not_on_every_version() {
    let judge = judge();
    for version in versions() {
        let server = start(&version);
        let mut seen = 0;
        for sql in PEOPLE {
            let (count, log) = counted(&server, &judge, &mut seen, || {
                let _ = server.psql("alice", "postgres").args(["-c", sql]).output();
            });
            assert!(count > 0, "{version}: {sql}\n{log}");
        }
        let own = Path::new(&server.facts["bin"]).join("psql");
        for command in [
            "\\d",
            "\\d customers",
            "\\df",
            "\\dx",
            "\\l",
            "\\dT+",
            "\\dn+",
            "\\du",
            "\\dp",
            "\\d names",
        ] {
            let (count, log) = counted(&server, &judge, &mut seen, || {
                let output = Command::new(&own)
                    .args([
                        "-X",
                        "-h",
                        &server.facts["socket"],
                        "-p",
                        &server.facts["port"],
                    ])
                    .args(["-U", "alice", "-d", "postgres", "-c", command])
                    .output()
                    .unwrap();
                assert!(output.status.success(), "{version}: {command}");
            });
            assert!(
                log.contains("AUDIT: "),
                "{version}: {command} left no record"
            );
            assert_eq!(count, 0, "{version}: {command}\n{log}");
        }
    }
}

/// Words of the grammar that look like functions.
const GRAMMAR: &[&str] = &["coalesce", "greatest", "least", "nullif", "trim"];

/// Names of the sets that not every version has, by the first and the last that has them.
const SOME: &str = include_str!("versions.names.tsv");

/// Names that are in no catalog of that version: a slip of the pen is found on any server.
fn elsewhere(version: &str) -> BTreeSet<&'static str> {
    let version: u32 = version.parse().unwrap();
    SOME.lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| {
            let columns: Vec<&str> = line.split('\t').collect();
            let &[name, first, last] = columns.as_slice() else {
                return None;
            };
            let (first, last): (u32, u32) = (first.parse().unwrap(), last.parse().unwrap());
            (!(first..=last).contains(&version)).then_some(name)
        })
        .collect()
}

#[test]
fn catalogs_have_what_the_sets_name() {
    for version in versions() {
        let server = Server::start(&["--version", &version]);
        let elsewhere = elsewhere(&version);
        for (set, question) in [
            (
                "harmless-functions",
                "select proname from pg_proc where pronamespace = 'pg_catalog'::regnamespace
                 union select 'information_schema.' || proname from pg_proc where pronamespace = 'information_schema'::regnamespace",
            ),
            (
                "catalog-metadata",
                "select relname from pg_class where relnamespace = 'pg_catalog'::regnamespace",
            ),
            (
                "information-schema",
                "select relname from pg_class where relnamespace = 'information_schema'::regnamespace",
            ),
            (
                "information-schema-functions",
                "select proname from pg_proc where pronamespace = 'information_schema'::regnamespace",
            ),
        ] {
            let answer = server.ask(question);
            let there: BTreeSet<&str> = answer.lines().collect();
            let missing: BTreeSet<&str> = sets::find(set)
                .unwrap()
                .names()
                .filter(|name| !there.contains(name) && !GRAMMAR.contains(name))
                .collect();
            let told: BTreeSet<&str> = missing.intersection(&elsewhere).copied().collect();
            assert_eq!(missing, told, "{version}: {set}");
        }
    }
}

#[test]
fn nothing_in_the_sets_reads_data_or_acts() {
    // What the files say is deliberately not there.
    let forbidden = [
        "lo_get",
        "lo_open",
        "loread",
        "lo_export",
        "pg_read_file",
        "pg_read_binary_file",
        "pg_ls_dir",
        "pg_stat_file",
        "nextval",
        "currval",
        "lastval",
        "setval",
        "pg_sequence_last_value",
        "pg_get_sequence_data",
        "pg_stat_get_activity",
        "pg_stat_get_backend_activity",
        "pg_hba_file_rules",
        "pg_show_all_file_settings",
        "pg_stat_get_wal_receiver",
        "pg_logical_slot_get_changes",
        "pg_logical_slot_peek_changes",
        "pg_mcv_list_items",
        "query_to_xml",
        "table_to_xml",
        "cursor_to_xml",
        "database_to_xml",
        "schema_to_xml",
        "ts_stat",
        "ts_rewrite",
        "pg_input_is_valid",
        "pg_input_error_info",
        "json_populate_record",
        "jsonb_populate_record",
        "pg_terminate_backend",
        "pg_cancel_backend",
        "pg_notify",
        "pg_sleep",
        "pg_logical_emit_message",
        "pg_reload_conf",
        "dblink",
        "aurora_stat_activity",
        "aurora_stat_plans",
        "aurora_stat_statements",
        "pg_authid",
        "pg_shadow",
        "pg_statistic",
        "pg_statistic_ext_data",
        "pg_stats",
        "pg_stats_ext",
        "pg_stats_ext_exprs",
        "pg_largeobject",
        "pg_sequences",
        "pg_user_mapping",
        "pg_user_mappings",
        "pg_subscription",
        "pg_stat_activity",
        "pg_stat_wal_receiver",
        "pg_ident_file_mappings",
        "pg_file_settings",
        "pg_aios",
        "user_mapping_options",
        "user_mappings",
    ];
    for set in sets::ALL {
        for name in set.names() {
            assert!(!forbidden.contains(&name), "{}: {name}", set.name);
            assert!(!name.starts_with("lo_"), "{}: {name}", set.name);
        }
    }
}
