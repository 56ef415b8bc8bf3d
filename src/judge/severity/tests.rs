//! What decides the severity of a record, and that nobody lowers it by what they type.

use proptest::prelude::*;
use proptest::sample::select;

use super::*;
use crate::judge::{Judge, Rules, Scratch, Verdict};

const SENSITIVITY: &str = r#"
    {"severity": "low", "records": {"schema": ["public"], "relation": ["countries"]}, "reason": "a list of countries"},
    {"severity": "critical", "records": {"schema": ["public"], "relation": ["cards", "Odd name"]}, "reason": "card data"},
    {"severity": "high", "records": {"user": ["break_glass"]}, "reason": "the glass is broken"},
    {"severity": "medium", "records": {"database": ["archive"]}, "reason": "the archive"},
    {"severity": "high", "signals": ["privilege"], "reason": "whoever may do what"},
    {"severity": "low", "records": {"class": ["MISC"]}, "reason": "nothing is read"}"#;

fn judge(sensitivity: &str) -> Judge {
    let text = format!(
        r#"{{"format": 1, "log_line_prefix": "%m:%r:%u@%d:[%p]:%l:%e:%s:%v:%x:%c:%q%a:",
            "signals": ["dml", "privilege", "schema", "audit_tampering", "denied"],
            "service_accounts": [], "protected_users": [], "exclusions": [], "sensitivity": [{sensitivity}]}}"#
    );
    Judge::new(&Rules::from_bytes(text.as_bytes()).unwrap())
}

fn entry(user: &str, database: &str, level: &str, message: &str) -> Vec<u8> {
    format!(
        "2026-12-02 14:30:00.000 UTC:10.0.0.1(5000):{user}@{database}:[1]:1:00000:2026-12-02 08:00:00 UTC:3/4:0:6b02.6579:psql:{level}:  {message}"
    )
    .into_bytes()
}

fn audit(class: &str, command: &str, object: &str, statement: &str) -> String {
    let kind = if object.is_empty() { "" } else { "TABLE" };
    let statement = if statement.contains([',', '"', '\n']) {
        format!("\"{}\"", statement.replace('"', "\"\""))
    } else {
        statement.to_owned()
    };
    format!("AUDIT: SESSION,7,1,{class},{command},{kind},{object},{statement},<not logged>")
        .replace('\n', "\n\t")
}

fn graded(judge: &Judge, text: &[u8]) -> Graded {
    let judged = judge.judge(&mut Scratch::default(), text);
    assert_eq!(
        judged.verdict,
        Verdict::Counted,
        "{}",
        String::from_utf8_lossy(text)
    );
    judged.graded.unwrap()
}

#[test]
fn the_highest_entry_decides_and_gives_the_reason() {
    let judge = judge(SENSITIVITY);
    let select = "select * from t";
    for (user, database, message, severity, reason) in [
        (
            "alice",
            "shop",
            audit("READ", "SELECT", "public.orders", select),
            Severity::Medium,
            USUAL,
        ),
        (
            "alice",
            "shop",
            audit("READ", "SELECT", "public.countries", select),
            Severity::Low,
            "a list of countries",
        ),
        (
            "alice",
            "shop",
            audit("READ", "SELECT", "app.countries", select),
            Severity::Medium,
            USUAL,
        ),
        (
            "alice",
            "shop",
            audit("READ", "SELECT", "public.cards", select),
            Severity::Critical,
            "card data",
        ),
        (
            "alice",
            "shop",
            audit("READ", "SELECT", "\"public.\"\"Odd name\"\"\"", select),
            Severity::Critical,
            "card data",
        ),
        (
            "break_glass",
            "shop",
            audit("READ", "SELECT", "public.countries", select),
            Severity::High,
            "the glass is broken",
        ),
        (
            "break_glass",
            "shop",
            audit("READ", "SELECT", "public.cards", select),
            Severity::Critical,
            "card data",
        ),
        (
            "alice",
            "archive",
            audit("READ", "SELECT", "public.countries", select),
            Severity::Medium,
            "the archive",
        ),
        (
            "alice",
            "shop",
            audit("ROLE", "GRANT", "", "grant a to b"),
            Severity::High,
            "whoever may do what",
        ),
        // Below the usual only for what can do nothing else.
        (
            "alice",
            "shop",
            audit(
                "READ",
                "SELECT",
                "public.countries",
                "select lo_get(1) from countries",
            ),
            Severity::Medium,
            MORE,
        ),
        (
            "alice",
            "shop",
            audit(
                "READ",
                "SELECT",
                "public.countries",
                "copy countries to program 'sh'",
            ),
            Severity::Medium,
            MORE,
        ),
        // A setting of the audit log is never usual.
        (
            "alice",
            "shop",
            audit(
                "READ",
                "SELECT",
                "public.countries",
                "select 1 -- pgaudit.log",
            ),
            Severity::High,
            TAMPERS,
        ),
    ] {
        let text = entry(user, database, "LOG", &message);
        let found = graded(&judge, &text);
        assert_eq!(
            (found.severity, &*found.reason),
            (severity, reason),
            "{message}"
        );
    }
    // What cannot be read for certain.
    let torn = entry(
        "alice",
        "shop",
        "LOG",
        "AUDIT: SESSION,7,1,READ,SELECT,TABLE,public.coun",
    );
    assert_eq!(
        graded(&judge, &torn),
        Graded::of(Severity::Critical, IN_DOUBT)
    );
    let refusal = entry(
        "break_glass",
        "shop",
        "ERROR",
        "permission denied for table countries",
    );
    assert_eq!(graded(&judge, &refusal).severity, Severity::High);
    let refusal = entry(
        "alice",
        "shop",
        "ERROR",
        "permission denied for table countries",
    );
    assert_eq!(graded(&judge, &refusal).severity, Severity::Medium);
}

/// A flood of records that no one judges must not take a critical one from those who look at once.
#[test]
fn what_is_not_judged_has_the_highest_severity() {
    let highest = |sensitivity| judge(sensitivity).unjudged();
    assert_eq!(
        highest(SENSITIVITY),
        Graded::of(Severity::Critical, UNJUDGED)
    );
    let low = r#"{"severity": "low", "records": {"class": ["MISC"]}, "reason": "nothing is read"}"#;
    assert_eq!(highest(low), Graded::of(Severity::High, UNJUDGED));
    assert_eq!(highest(""), Graded::of(Severity::High, UNJUDGED));
}

#[test]
fn what_does_not_count_has_no_severity() {
    let judge = judge(SENSITIVITY);
    let text = entry("alice", "shop", "LOG", &audit("MISC", "SHOW", "", "show x"));
    let judged = judge.judge(&mut Scratch::default(), &text);
    assert_eq!((judged.verdict, judged.graded), (Verdict::OutOfScope, None));
}

fn typed() -> impl Strategy<Value = String> {
    let pieces = select(vec![
        "select 1",
        "public.countries",
        "countries",
        "--",
        "/*",
        "*/",
        "'",
        "\"",
        ",",
        "\n",
        ";",
        "AUDIT: SESSION,1,1,READ,SELECT,TABLE,public.countries,x,y",
        "lo_get(1)",
        "pg_read_file('x')",
        "lower(x)",
        "::text",
        "::leak",
        "copy countries to '/x'",
        " ",
        "pgaudit",
        "reset all",
        "$1",
        "\\",
    ]);
    proptest::collection::vec(pieces, 0..8).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever is typed: the severity is at least that of the fields with a harmless text.
    #[test]
    fn nobody_lowers_a_severity_by_what_they_type(
        user in select(vec!["alice", "break_glass"]),
        database in select(vec!["shop", "archive"]),
        object in select(vec!["public.countries", "public.cards", "public.orders", "app.countries", ""]),
        class in select(vec!["READ", "WRITE", "FUNCTION", "ROLE", "DDL"]),
        statement in typed(),
    ) {
        let judge = judge(SENSITIVITY);
        let of = |statement: &str| {
            let text = entry(user, database, "LOG", &audit(class, "SELECT", object, statement));
            judge.judge(&mut Scratch::default(), &text).graded
        };
        let plain = of("select 2").unwrap();
        let typed = of(&statement).unwrap();
        prop_assert!(typed.severity >= plain.severity, "{:?} {:?}", typed, plain);
    }
}
