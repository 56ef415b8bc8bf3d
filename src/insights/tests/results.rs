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

#[test]
fn glob_reaches_to_the_next_piece() {
    let table = run(
        "parse 'user=* db=*' as u, d | fields u, d",
        &["x user=ann db=shop\nend", "user=bob", "user= db="],
    );
    assert_eq!(rows(&table), [" | ", "- | -", "ann | shop\nend"]);
    let table = run(
        "parse @message '*:*;' as a, b | display b, a",
        &["1:2;3", "1:2"],
    );
    assert_eq!(rows(&table), ["- | -", "2 | 1"]);
}

#[test]
fn natural_order() {
    let messages = [
        "10", "9", "a10", "a9", "a09", "b", "-1", "1.5", "a9b", "", "é", "z",
    ];
    let table = run("fields @message | sort @message asc", &messages);
    let ascending = [
        "", "a9", "a9b", "a09", "a10", "b", "z", "é", "-1", "1.5", "9", "10",
    ];
    assert_eq!(rows(&table), ascending);
    let table = run("fields @message | sort @message desc | limit 3", &messages);
    assert_eq!(rows(&table), ["10", "9", "1.5"]);
}

#[test]
fn two_stats_and_what_follows() {
    let messages = ["ann 1", "ann 2", "bob 3", "cid 4", "cid 5"];
    let table = run(
        "parse @message /^(?<u>[a-z]+) (?<n>[0-9]+)/ | stats count(*) as events by u | filter events > 1
         | stats count(*) as people, sum(events) as all | fields all * 2 as twice",
        &messages,
    );
    assert_eq!(rows(&table), ["2 | 4 | 8"]);
    let table = run(
        "stats count(*), max(toMillis(@timestamp)) as t by bin(2s) | sort bin(2s) desc",
        &messages,
    );
    assert_eq!(table.columns, ["bin(2s)", "count(*)", "t"]);
    assert_eq!(
        rows(&table),
        [
            "1970-01-01 00:00:04.000 | 1 | 4000",
            "1970-01-01 00:00:02.000 | 2 | 3000",
            "1970-01-01 00:00:00.000 | 2 | 1000",
        ]
    );
    assert_eq!(
        rows(&run(
            "filter @message = 'x' | stats count(*) as n, sum(strlen(@message)) as s",
            &messages
        )),
        ["0 | -"]
    );
    assert!(
        run(
            "filter @message = 'x' | stats count(*) as n by @message",
            &messages
        )
        .rows
        .is_empty()
    );
}

#[test]
fn dedup_keeps_the_first_row_and_every_null() {
    let messages = ["ann 1", "ann 2", "1", "2", "bob 3"];
    let table = run(
        "parse @message /^(?<u>[a-z]+)/ | fields @message | sort @timestamp asc | dedup u",
        &messages,
    );
    assert_eq!(rows(&table), ["ann 1", "1", "2", "bob 3"]);
}

#[test]
fn default_columns_and_functions() {
    assert_eq!(
        rows(&run("filter @message like 'b'", &["a", "b"])),
        ["1970-01-01 00:00:01.000 | b"]
    );
    for (expression, value) in [
        ("concat('a', 1, 'b')", "a1b"),
        ("strlen('äö')", "2"),
        ("toupper('aé')", "AÉ"),
        ("trim('  a ')", "a"),
        ("ltrim('xxaxx', 'x')", "axx"),
        ("rtrim('xxaxx', 'x')", "xxa"),
        ("substr('äbcd', 1)", "bcd"),
        ("substr('äbcd', 1, 2)", "bc"),
        ("substr('ab', 5)", ""),
        ("replace('a.b.c', '.', '')", "abc"),
        ("strcontains('abc', 'b')", "1"),
        ("strcontains('abc', 'B')", "0"),
        ("(1 + 2) * 3 - 4 / 8", "8.5"),
        ("7 % 4 + 2 ^ 3", "11"),
        ("-(2)", "-2"),
        ("1 / 0", "-"),
        ("abs(-3) + ceil(1.2) + floor(1.8)", "6"),
        ("greatest(1, 3, 2)", "3"),
        ("least(1, 3, 2)", "1"),
        ("sqrt(9)", "3"),
        ("datefloor(@timestamp, 1h)", "1970-01-01 00:00:00.000"),
        ("dateceil(fromMillis(1), 1d)", "1970-01-02 00:00:00.000"),
        ("toMillis(@timestamp) + @ingestionTime", "0"),
        ("now()", "1"),
        ("coalesce(u, 'none')", "none"),
        ("isempty(u)", "1"),
        ("isblank(' ')", "1"),
        ("concat(u, 'x')", "-"),
    ] {
        let table = run(
            &format!("parse @message /^(?<u>never)/ | fields {expression} as x"),
            &["message"],
        );
        assert_eq!(rows(&table), [value], "{expression}");
    }
}

#[test]
fn conditions_with_and_without_the_field() {
    use super::super::MissingField::{False, Null};
    use super::{event, program_with};
    // Condition, with u = 'ann' and n = '10', without both under either meaning.
    for (condition, present, null, two_valued) in [
        ("u = 'ann'", true, false, false),
        ("u != 'ann'", false, false, true),
        ("u != 'bob'", true, false, true),
        ("n = 10", true, false, false),
        ("n = 10.0", true, false, false),
        ("n > 9", true, false, false),
        ("n >= 11", false, false, false),
        ("n <= 10", true, false, false),
        ("u > 'aaa'", true, false, false),
        ("u in ['bob', 'ann']", true, false, false),
        ("u not in ['bob']", true, false, true),
        ("n in [1, 10]", true, false, false),
        ("u like 'nn'", true, false, false),
        ("u like 'NN'", false, false, false),
        ("u not like /^b/", true, false, true),
        ("u =~ /^a(n+)$/", true, false, false),
        ("u like /(?i)ANN/", true, false, false),
        (r"u like /\bann\b/", true, false, false),
        ("not (u = 'ann')", false, false, true),
        ("not (u = 'bob' and n = 1)", true, false, true),
        ("not (u = 'bob' or ispresent(u))", false, false, true),
        ("ispresent(u)", true, false, false),
        ("not ispresent(u)", false, true, true),
        ("isempty(u) = 1", false, true, true),
        ("isempty(u) = 1 or u != 'ann'", false, true, true),
        ("ispresent(u) and u != 'bob'", true, false, false),
        ("coalesce(u, '') != 'ann'", false, true, true),
        ("strlen(u) = 3", true, false, false),
        (
            "u = 'ann' and n = '10' and @message like 'ann'",
            true,
            false,
            false,
        ),
        ("u = 'bob' or (n = 10 and u = 'ann')", true, false, false),
        (
            "isValidIp('10.0.0.1') and isIpv4InSubnet('10.0.0.1', '10.0.0.0/8')",
            true,
            true,
            true,
        ),
        ("isIpInSubnet('::1', '10.0.0.0/8')", false, false, false),
    ] {
        let text = format!("parse @message /^(?<u>[a-z]+)=(?<n>[0-9]+)/ | filter {condition}");
        let keeps = |missing, message: &[u8]| {
            let program = program_with(&text, missing);
            let verdict = program.judge(&mut program.scratch(), &event(message));
            assert_eq!(verdict.rejected_by, (!verdict.kept).then_some(1));
            verdict.kept
        };
        assert_eq!(keeps(Null, b"ann=10"), present, "{condition}");
        assert_eq!(keeps(False, b"ann=10"), present, "{condition}");
        assert_eq!(keeps(Null, b"-"), null, "{condition}, null");
        assert_eq!(keeps(False, b"-"), two_valued, "{condition}, false");
    }
}

#[test]
fn bytes_that_are_no_text() {
    use super::{event, program};
    let program = program(
        r#"parse @message /^(?<a>[^:]*):(?<b>[\s\S]*)\z/ | parse b /(?<c>y+)\n\t(?<d>[^z]*)/ | filter b like 'x'"#,
    );
    let mut scratch = program.scratch();
    let event = event(b"\xFF\xFE:x\n\tyy\n\t\xC3end");
    let mut row = program.examine(&mut scratch, &event);
    assert!(row.verdict().kept);
    assert_eq!(row.field("a").as_deref(), Some(&b"\xFF\xFE"[..]));
    assert_eq!(row.field("c").as_deref(), Some(&b"yy"[..]));
    assert_eq!(row.field("d").as_deref(), Some(&b"\xC3end"[..]));
    assert_eq!(row.field("e"), None);
    assert_eq!(row.field("@logStream").as_deref(), Some(&b"writer"[..]));
}

#[test]
fn a_message_of_a_megabyte() {
    let long = format!("head:{}\n", "x y,".repeat(1 << 18));
    let table = run(
        r"parse @message /^(?<a>[a-z]+):(?<b>(x|y|[ ,])*)(?<rest>[\s\S]*)\z/ | filter b not like 'z' | stats max(strlen(b)) as n, max(strlen(rest)) as r by a",
        &[&long],
    );
    assert_eq!(rows(&table), [format!("head | {} | 1", 4 << 18)]);
}

#[test]
fn runs_on_several_cores_merge_to_one() {
    use super::{Event, event, program};
    let program = program(
        "parse @message /^(?<u>[a-z]+) (?<n>[0-9]+)/ | stats count(*) as c, count_distinct(n) as d, sum(n) as s, min(n) as l,
         max(n) as h, avg(n) as a, earliest(n) as f, latest(n) as t, pct(n, 90) as p by u",
    );
    let lines: Vec<String> = (0..500)
        .map(|n| format!("{} {}", ["ann", "bob", "cid"][n % 3], n * 7 % 101))
        .collect();
    let judged = |from: usize, to: usize| {
        let mut run = program.run();
        for (second, line) in (0i64..).zip(&lines).skip(from).take(to - from) {
            run.push(&Event {
                timestamp_ms: second / 10,
                ..event(line.as_bytes())
            });
        }
        run
    };
    let whole = judged(0, 500).finish();
    let mut parts = judged(0, 130);
    parts.merge(judged(130, 400));
    parts.merge(judged(400, 500));
    assert_eq!(parts.finish(), whole);
    assert_eq!(whole.rows.len(), 3);
}

#[test]
fn comments_stay_with_their_stage() {
    let text = "# who\n# and why\nfilter @message like 'a'\n# what\n| limit 5\n# end";
    let query = super::parse(text).unwrap();
    assert_eq!(query.stages[0].comments, [" who", " and why"]);
    assert_eq!(query.stages[1].comments, [" what"]);
    assert_eq!(&text[query.stages[1].span.range()], "limit 5");
    assert_eq!(query.to_string(), text);
}

#[test]
fn a_pattern_with_too_many_ways_falls_back() {
    let text = "a".repeat(20_000);
    let query = "parse @message /^(?<x>(a|aa)+)(?<y>b)/ | stats count(y) as n";
    assert_eq!(rows(&run(query, &[&text, "aaab"])), ["1"]);
}
