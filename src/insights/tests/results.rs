//! Whole queries on a few events.

use super::{faults, rows, run};

const REFERENCE: &str = include_str!("../../../tests/fixtures/reference-query.cwli");

#[test]
fn reference_query_runs_as_written() {
    assert_eq!(faults(REFERENCE), []);
    let table = run(
        REFERENCE,
        &[
            "x AUDIT: SESSION,1,1,READ,SELECT,,,select 1",
            "x AUDIT: SESSION,1,1,READ,SELECT,,,SELECT version()",
            "x AUDIT: SESSION,1,1,READ,SELECT,,,SELECT version",
            "x AUDIT: SESSION,1,1,READ,SELECT,,,where datname = $1",
            "x AUDIT: SESSION,1,1,READ,COPY,,,copy t to stdout",
            "x AUDIT: SESSION,1,1,WRITE,INSERT,,,insert /* DBeaver */",
            "SELECT",
        ],
    );
    // `()` is an empty group: the text without parentheses is excluded as well.
    assert_eq!(
        (table.columns, table.rows),
        (
            vec!["operations".to_owned()],
            vec![vec![Some("1".to_owned())]]
        )
    );
}

#[test]
fn stats_by_parsed_fields() {
    let table = run(
        r"parse @message /^(?<user>[a-z]+) (?<n>[0-9]+)(?<rest>[\s\S]*)\z/
          | filter ispresent(user)
          | stats count(*) as rows, count_distinct(n) as numbers, sum(n) as total, avg(n), earliest(n) as first,
                  latest(n) as last, min(n) as least, max(n) as most, pct(n, 50) as p50 by user
          | sort user desc",
        &["ann 9", "bob 5", "ann 10 x\ny", "nobody", "ann 9"],
    );
    assert_eq!(
        table.columns,
        [
            "user", "rows", "numbers", "total", "avg(n)", "first", "last", "least", "most", "p50"
        ]
    );
    assert_eq!(
        rows(&table),
        [
            "bob | 1 | 1 | 5 | 5 | 5 | 5 | 5 | 5 | 5",
            "ann | 3 | 2 | 28 | 9.333333333333334 | 9 | 9 | 9 | 10 | 9",
        ]
    );
}
