//! The defects D1 to D9 of the replaced system's detection query, each record judged by us and by that query.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "helpers of tests may panic"
)]

use std::collections::BTreeSet;

use pgvigil::insights::{self, Event, Options, Program};
use pgvigil::judge::{Judge, Rules, Scratch, Verdict};
use pgvigil::policy::model::Signal;

use crate::defects::tested;
use crate::recorded;

/// Whether the shipped policy counts a record of alice's, and whether the replaced query does.
fn judged(record: &str) -> (bool, bool) {
    let line = format!(
        "2026-11-22 09:00:00 UTC:10.0.3.17(51234):alice@shop:[4711]:LOG:  AUDIT: SESSION,1,1,{record},<not logged>"
    );
    let policy = &recorded::shipped().policy;
    // What they share: the old query has no other signal.
    let ours = Judge::new(&Rules {
        signals: vec![Signal::Dml],
        ..Rules::of(policy, policy.environment("local").unwrap())
    });
    let text = recorded::root().join("tests/fixtures/reference-query.cwli");
    let text = std::fs::read_to_string(text).unwrap();
    let theirs = Program::new(&insights::parse(&text).unwrap(), Options::default()).unwrap();
    let event = Event {
        message: line.as_bytes(),
        timestamp_ms: 0,
        ingestion_ms: 0,
        log_stream: b"",
        log: b"",
    };
    (
        ours.verdict(&mut Scratch::default(), line.as_bytes()) == Verdict::Counted,
        theirs
            .judge(&mut theirs.scratch(), &event)
            .rejected_by
            .is_none(),
    )
}

#[track_caller]
fn all(records: &[&str], expected: (bool, bool)) {
    for record in records {
        assert_eq!(judged(record), expected, "{record}");
    }
}

#[test]
fn d1_d2_d3_d4_what_is_read_and_written_counts_in_every_form() {
    all(
        &[
            "READ,COPY,,,copy customers to stdout",
            "WRITE,TRUNCATE TABLE,TABLE,public.customers,truncate customers",
            "MISC,???,,,merge into customers using new on true when matched then delete",
            "MISC,CALL,,,call wipe()",
            "FUNCTION,EXECUTE,PROCEDURE,public.wipe,call wipe()",
        ],
        (true, false),
    );
}

#[test]
fn d5_d7_no_word_in_a_text_hides_it() {
    all(
        &[
            "WRITE,DELETE,TABLE,public.customers,delete from customers /* DBeaver */",
            "READ,SELECT,TABLE,public.customers,select * from customers where note <> 'pg_catalog'",
            "READ,SELECT,TABLE,public.contracts,SELECT version_id FROM contracts",
            "READ,SELECT,TABLE,public.customers,\"SELECT current_schema_id, card_no FROM customers\"",
        ],
        (true, false),
    );
}

#[test]
fn d8_d9_neither_letter_case_nor_a_mention_decides() {
    all(
        &[
            "READ,SELECT,,,select version()",
            "ROLE,GRANT,TABLE,,GRANT SELECT ON customers TO bob",
        ],
        (false, true),
    );
}

/// docs/comparison.md has these defects, each with tests that exist; the other pages have the other sixty.
#[test]
fn every_defect_of_the_query_has_a_test_that_exists() {
    let expected: BTreeSet<String> = (1..=14).map(|number| format!("D{number}")).collect();
    assert_eq!(tested("docs/comparison.md", &['D']), expected);
}
