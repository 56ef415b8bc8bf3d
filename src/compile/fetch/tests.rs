use super::*;
use crate::insights::{Event, MissingField, Options, Program, open_questions, parse};
use crate::policy::Pattern;

fn accounts(count: usize) -> Vec<RoleMatch> {
    (0..count)
        .map(|number| RoleMatch::Name(format!("service_{number:03}")))
        .collect()
}

/// Everything that can be asked for in this detail.
fn asks(fetch: &Fetch, detail: Detail) -> Vec<Ask> {
    let parts = std::iter::once(Part::All).chain(fetch.parts());
    parts
        .flat_map(|part| {
            [None, Some((5_984_412, 5_984_412))].map(|windows| Ask {
                part,
                detail,
                windows,
            })
        })
        .collect()
}

#[test]
fn the_text_is_short_for_everything() {
    for prefix in LogLinePrefix::ALL {
        let accounts = accounts(1_000);
        let fetch = Fetch::new(prefix, &Signal::ALL, 1_440, &accounts);
        let dropped = accounts.len() - fetch.left_to_the_judge().len();
        assert!(dropped > 0, "{prefix}");
        for detail in Detail::ALL {
            for ask in asks(&fetch, detail) {
                let length = fetch.text(ask).chars().count();
                assert!(length <= FETCH_LIMIT, "{prefix} {ask:?}: {length}");
            }
        }
    }
}

/// What AWS drops, the judge finds out of scope too.
#[test]
fn only_what_is_out_of_scope_is_dropped_for_its_command() {
    for words in MISC_DROPPED {
        for command in [(*words).to_owned(), format!("{words} ALL")] {
            let signals = crate::compile::query::signals_of("MISC", &command, false);
            assert_eq!(signals, [], "{command}");
        }
    }
}

/// Where the text meets a question that AWS leaves open, and why the answer does not matter.
const SETTLED: &[&str] = &[
    // It stands behind a name, which is ASCII and holds no line break.
    "dialects differ in whether `$` matches before a final line break",
    // Of names of settings: a wider answer fetches more.
    "dialects differ in which characters `(?i)` treats as equal",
    // `replace(x, '\"', …)` stands in public queries. Another reading finds no record certain, and fetches more.
    "how a text with quotes, backslashes or control characters is read is not documented: '\"\"'",
    // Of what is no record: whatever it is, it has not the form of a record, and counts no statements.
    "the result of a function of a missing field is not documented: concat(",
    "the result of a function of a missing field is not documented: mark",
    "the effect of parsing a missing field is not documented: flat",
    // Grouping by a field of the service sets nothing.
    "the effect of setting `@log` a second time is not documented",
    // The first filter found something in it.
    "it is not documented where `sort` puts missing values: size",
    // `isempty(what) = 1` stands beside them: where the record was read, so was the prefix.
    "it is not documented whether this holds when the field is missing: user ",
    // Where there is no record, something failed: that stands beside it.
    "it is not documented whether this holds when the field is missing: what not like",
];

#[test]
fn nothing_rests_on_what_aws_does_not_document() {
    let accounts = [
        RoleMatch::Name("svc".to_owned()),
        RoleMatch::Pattern(Pattern::read("etl_[a-z]+").unwrap()),
    ];
    let mut found = Vec::new();
    for prefix in LogLinePrefix::ALL {
        let fetch = Fetch::new(prefix, &Signal::ALL, 5, &accounts);
        for detail in Detail::ALL {
            for ask in asks(&fetch, detail) {
                let text = fetch.text(ask);
                let query = parse(&text).unwrap();
                for fault in open_questions(&query) {
                    let place = text.get(fault.span.clone()).unwrap_or_default();
                    let question = format!("{}: {place}", fault.message);
                    if !SETTLED.iter().any(|settled| question.starts_with(settled)) {
                        found.push(question);
                    }
                }
            }
        }
    }
    found.sort();
    found.dedup();
    assert_eq!(found, Vec::<String>::new());
}

#[test]
fn accounts_are_dropped_only_where_the_record_is_certain() {
    let accounts = [
        RoleMatch::Name("svc".to_owned()),
        RoleMatch::Pattern(Pattern::read("etl_[a-z]+").unwrap()),
        RoleMatch::Name("o'neil".to_owned()),
    ];
    let fetch = Fetch::new(LogLinePrefix::Short, &[Signal::Dml], 5, &accounts);
    assert_eq!(
        fetch.left_to_the_judge(),
        [RoleMatch::Name("o'neil".to_owned())]
    );
    let program = Program::new(
        &parse(&fetch.text(Ask::ALL)).unwrap(),
        Options {
            missing: MissingField::Null,
            ..Options::default()
        },
    )
    .unwrap();
    let mut scratch = program.scratch();
    let mut is_fetched = |user: &str, record: &str| {
        let message = format!(
            "2026-11-22 06:55:28 UTC:10.0.1.1(5):{user}@shop:[7]:LOG:  AUDIT: SESSION,1,1,{record}"
        );
        let event = Event {
            message: message.as_bytes(),
            timestamp_ms: 0,
            ingestion_ms: 0,
            log_stream: b"writer",
            log: b"1:/aws/rds/cluster/a/postgresql",
        };
        program.judge(&mut scratch, &event).rejected_by.is_none()
    };
    let read = "READ,SELECT,TABLE,public.t,select 1,<not logged>";
    for user in ["svc", "etl_a"] {
        assert!(!is_fetched(user, read), "{user}");
        assert!(
            !is_fetched(
                user,
                "READ,SELECT,,,\"select \"\"a\"\", \"\"b\"\"\",<not logged>,7"
            ),
            "{user}"
        );
        for broken in [
            "READ,SELECT,,,\"select 1",
            "READ,SELECT,,,select 1",
            "READ,SELECT,,,select \"\"1,<not logged>",
            "READ,SELECT,,,\"\"select 1,<not logged>",
            "READ,SELECT,,,\"select 1\"\",<not logged>",
            "READ,SELECT,,,select `1,<not logged>",
            "READ,SELECT,,,select 1,<not logged>,7,8",
            "READ,SELECT,,,select 1,<not logged>,",
            "READ,SELECT,,,\"select 1,\n2\",<not logged>",
            "READ,SELECT,,,\"select ': AUDIT: '\",<not logged>",
        ] {
            assert!(is_fetched(user, broken), "{user} {broken}");
        }
    }
    for user in [
        "alice", "svc2", "svc@x", "etl_", "etl_a1", "o'neil", "SVC", "",
    ] {
        assert!(is_fetched(user, read), "{user}");
    }
    // Of anybody.
    assert!(!is_fetched("alice", "MISC,SHOW,,,show a,<not logged>"));
    assert!(!is_fetched(
        "alice",
        "ROLE,GRANT,TABLE,\"public.\"\"A\"\"\",\"grant all on \"\"A\"\" to bob\",<not logged>"
    ));
    assert!(is_fetched("alice", "MISC,SHOW,,,\"show a"));
    assert!(is_fetched(
        "alice",
        "MISC,FETCH,,,fetch 1 from c,<not logged>"
    ));
}
