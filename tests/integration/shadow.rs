//! The shadow queries count what the exclusions of the alarm silence: the same, counted another way.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "helpers of tests may panic"
)]

use std::collections::BTreeMap;

use pgvigil::audit_log::prefix::LogLinePrefix;
use pgvigil::compile::query::shadow::column;
use pgvigil::compile::{QUERY_LIMIT, QuerySource};
use pgvigil::insights::{self, Event, MissingField, Options, Program};
use pgvigil::policy;
use pgvigil::rules::Verdict;
use pgvigil::rules::evaluator::Evaluator;

use crate::agreement::SETTLED;
use crate::recorded;

/// Records by column and user.
type Counts = BTreeMap<(String, String), u64>;

/// What the alarm query's exclusions silence, entry by entry.
fn silenced(source: &QuerySource<'_>, entries: &[&[u8]]) -> Counts {
    let evaluator = Evaluator::of(source).unwrap();
    let mut scratch = evaluator.scratch();
    let mut counts = Counts::new();
    for entry in entries {
        if let Verdict::Excluded(by) = evaluator.verdict(&mut scratch, entry) {
            let user = evaluator
                .field(&mut scratch, entry, "pgUser")
                .unwrap_or_default();
            // An empty name is a missing field to some, and `-` in the result.
            let user = String::from_utf8(user).unwrap();
            for id in by {
                *counts.entry((column(&id), user.clone())).or_default() += 1;
            }
        }
    }
    counts
}

/// What the shadow queries return.
fn shadowed(source: &QuerySource<'_>, entries: &[&[u8]]) -> Counts {
    let mut counts = Counts::new();
    for query in source.shadow("") {
        assert!(query.length() <= QUERY_LIMIT, "{}", query.length());
        let parsed = insights::parse(&query.text).unwrap();
        let open: Vec<String> = insights::open_questions(&parsed)
            .into_iter()
            .map(|fault| fault.message)
            .filter(|message| !SETTLED.iter().any(|settled| message.starts_with(settled)))
            .collect();
        assert_eq!(open, [""; 0], "{}", query.text);
        let mut tables = Vec::new();
        for missing in [MissingField::Null, MissingField::False] {
            let options = Options {
                missing,
                ..Options::default()
            };
            let mut run = Program::new(&parsed, options).unwrap().run();
            for entry in entries {
                run.push(&Event {
                    message: entry,
                    timestamp_ms: 1_795_330_528_000,
                    ingestion_ms: 0,
                    log_stream: b"",
                    log: b"",
                });
            }
            tables.push(run.finish());
        }
        let [table, other] = tables.as_slice() else {
            panic!("two meanings of a missing field")
        };
        assert_eq!(table, other, "it depends on what a missing field is");
        let user_at = table.columns.iter().position(|c| c == "user").unwrap();
        for row in &table.rows {
            for (name, value) in table.columns.iter().zip(row) {
                let Some(value) = value.as_ref().filter(|_| name != "user") else {
                    continue;
                };
                let number: f64 = value.parse().unwrap();
                let user = row[user_at].clone().unwrap();
                if number > 0.0 {
                    *counts.entry((name.clone(), user)).or_default() += number as u64;
                }
            }
        }
    }
    counts
}

#[test]
fn shadow_queries_agree_with_the_alarm_on_recordings() {
    let policy = &recorded::shipped().policy;
    for prefix in LogLinePrefix::ALL {
        let mut source = QuerySource::of(policy, policy.environment("local").unwrap());
        source.prefix = prefix;
        let entries: Vec<&[u8]> = recorded::all()
            .iter()
            .filter(|recording| recording.prefix == prefix)
            .flat_map(|recording| &recording.log.entries)
            .map(|entry| entry.text.as_ref())
            .collect();
        let (silenced, shadowed) = (silenced(&source, &entries), shadowed(&source, &entries));
        assert!(silenced.len() > 20, "{}", silenced.len());
        assert_eq!(silenced, shadowed);
    }
}

/// Conditions that the shipped rules do not have.
#[test]
fn every_condition_has_its_shadow() {
    let head = "title: t\n    reason: a reason that is long enough\n    owner: o\n    created: 2026-11-01\n    \
                expires: 2027-10-31\n    environments: all\n    match:\n      ";
    let rules = [
        "user: [alice, bob]\n      class: READ",
        "database: shop\n      object_type: [none, TABLE]",
        "client: 10.0.1.123\n      command: [SELECT, INSERT]",
        "class: READ\n      statement: {equals: ['select  1;'], lacks: ['\"odd\"']}",
        "class: READ\n      statement: {matches: ['select (one|two)', '(?<number>[0-9]+)']}",
        "schema: [public, app]",
        "schema: public\n      relation: [a, b]\n      statement: {starts_with: [select], lacks_words: [from]}",
        "class: READ\n      statement: {contains: [DBeaver, pgAdmin], lacks_names: [pg_authid]}",
        "class: READ\n      statement: {is_empty: true}",
        "object_type: none",
    ];
    let mut text = "version: 1\nprotected:\n  - {user: carol, reason: she is the last resort, owner: o}\nexclusions:\n".to_owned();
    for (number, rule) in rules.iter().enumerate() {
        text.push_str(&format!("  - id: rule-{number}\n    {head}{rule}\n"));
    }
    // One that has ended.
    text.push_str(&format!(
        "  - id: ended\n    {}class: READ\n",
        head.replace("2027-10-31", "2026-11-21")
    ));
    let loaded = policy::load_from([
        ("rules/rules.yaml", text.as_str()),
        (
            "environments/dev.yaml",
            "version: 1\nprovider: local\nfolder: .pgvigil/dev\nclusters: [shop]\n",
        ),
    ]);
    assert_eq!(loaded.policy.exclusions.len(), rules.len() + 1);
    let source = QuerySource::of(&loaded.policy, &loaded.policy.environments[0]);
    let mut entries = Vec::new();
    for user in ["alice", "dave", "carol", ""] {
        for database in ["shop", "other"] {
            for client in ["10.0.1.123(50322)", "10.0.1.12(3)", "[local]", ""] {
                for record in [
                    "READ,SELECT,,,select 1",
                    "READ,SELECT,,,SELECT 1 ;",
                    "READ,SELECT,,,select two",
                    "READ,SELECT,,,1234",
                    "READ,SELECT,,,",
                    "READ,SELECT,TABLE,public.a,select x",
                    "READ,SELECT,TABLE,public.a,\"select x, y from a\"",
                    "WRITE,INSERT,TABLE,app.t,insert into t /* DBeaver */",
                    "READ,SELECT,TABLE,public.ab,\"select \"\"odd\"\" /* dbeaver */ from pg_authid\"",
                    "READ,SELECT,TABLE,public.ab,select 1 /* pgadmin */",
                    "MISC,CALL,,,<not logged>",
                    "broken",
                ] {
                    entries.push(format!(
                        "2026-11-22 06:55:28 UTC:{client}:{user}@{database}:[24298]:LOG:  AUDIT: \
                         SESSION,1,1,{record},<not logged>"
                    ));
                }
            }
        }
    }
    let entries: Vec<&[u8]> = entries.iter().map(String::as_bytes).collect();
    let mut silenced = silenced(&source, &entries);
    // An empty name stands as `-` in a result or as nothing.
    silenced = silenced
        .into_iter()
        .map(|((column, user), number)| {
            (
                (
                    column,
                    if user.is_empty() {
                        "-".to_owned()
                    } else {
                        user
                    },
                ),
                number,
            )
        })
        .collect();
    let mut shadowed: Counts = Counts::new();
    for ((column, user), number) in self::shadowed(&source, &entries) {
        let user = if user.is_empty() {
            "-".to_owned()
        } else {
            user
        };
        *shadowed.entry((column, user)).or_default() += number;
    }
    assert_eq!(silenced, shadowed);
    for (number, rule) in rules.iter().enumerate() {
        let name = column(&format!("rule-{number}"));
        assert!(
            silenced.keys().any(|(column, _)| *column == name),
            "nothing meets {rule}"
        );
    }
    assert!(
        silenced
            .keys()
            .all(|(column, user)| column != "x_ended" && user != "carol")
    );
}
