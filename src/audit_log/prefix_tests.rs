use super::*;

struct Expected {
    client: &'static str,
    port: Option<u16>,
    user: &'static str,
    database: &'static str,
    pid: u64,
    level: &'static str,
    message: &'static str,
}

fn understood(form: LogLinePrefix, line: &str) -> Prefix<'_> {
    match form.parse(line.as_bytes()) {
        PrefixReading::Understood(prefix) => prefix,
        other => panic!("{line}: {other:?}"),
    }
}

#[test]
fn reads_the_short_form() {
    let cases = [
        (
            "2020-11-13 08:07:36 UTC:10.0.1.123(50322):audit_user1@auditdb:[24298]:LOG:  AUDIT: SESSION,2,1",
            Expected {
                client: "10.0.1.123",
                port: Some(50322),
                user: "audit_user1",
                database: "auditdb",
                pid: 24298,
                level: "LOG",
                message: "AUDIT: SESSION,2,1",
            },
        ),
        (
            "2020-11-13 08:07:36 UTC::@:[32064]:LOG:  AUDIT: SESSION,1,1",
            Expected {
                client: "",
                port: None,
                user: "",
                database: "",
                pid: 32064,
                level: "LOG",
                message: "AUDIT: SESSION,1,1",
            },
        ),
        (
            "2026-11-22 06:55:28 UTC:::1(36018):postgres@postgres:[23596]:LOG:  AUDIT: x",
            Expected {
                client: "::1",
                port: Some(36018),
                user: "postgres",
                database: "postgres",
                pid: 23596,
                level: "LOG",
                message: "AUDIT: x",
            },
        ),
        (
            "2026-11-22 06:55:28 UTC:fe80::1%eth0(1):u@d:[1]:LOG:  x",
            Expected {
                client: "fe80::1%eth0",
                port: Some(1),
                user: "u",
                database: "d",
                pid: 1,
                level: "LOG",
                message: "x",
            },
        ),
        (
            "2026-11-22 06:54:38 UTC:[local]:postgres@postgres:[21962]:LOG:  AUDIT: x",
            Expected {
                client: "[local]",
                port: None,
                user: "postgres",
                database: "postgres",
                pid: 21962,
                level: "LOG",
                message: "AUDIT: x",
            },
        ),
        (
            "2026-11-22 06:54:38 +03:ip-10-0-0-1.ec2.internal(5000):u@d:[2]:ERROR: one space",
            Expected {
                client: "ip-10-0-0-1.ec2.internal",
                port: Some(5000),
                user: "u",
                database: "d",
                pid: 2,
                level: "ERROR",
                message: "one space",
            },
        ),
        (
            "2026-11-22 06:54:38 UTC:10.0.0.1(5):[unknown]@[unknown]:[2]:LOG:  connection received: host=10.0.0.1",
            Expected {
                client: "10.0.0.1",
                port: Some(5),
                user: "[unknown]",
                database: "[unknown]",
                pid: 2,
                level: "LOG",
                message: "connection received: host=10.0.0.1",
            },
        ),
        (
            "2026-11-22 06:54:38 UTC:10.0.0.1(5):u@odd db: [x]:[2]:LOG:  AUDIT: x",
            Expected {
                client: "10.0.0.1",
                port: Some(5),
                user: "u",
                database: "odd db: [x]",
                pid: 2,
                level: "LOG",
                message: "AUDIT: x",
            },
        ),
        (
            "2026-11-22 06:54:38 UTC:10.0.0.1(5):u@d:[2]:LOG:  00000: AUDIT: SESSION,1,1",
            Expected {
                client: "10.0.0.1",
                port: Some(5),
                user: "u",
                database: "d",
                pid: 2,
                level: "LOG",
                message: "AUDIT: SESSION,1,1",
            },
        ),
        (
            "2026-11-22 06:54:38 UTC:10.0.0.1(5):u@d:[2]:NOTICE:  AUDIT: SESSION,1,1",
            Expected {
                client: "10.0.0.1",
                port: Some(5),
                user: "u",
                database: "d",
                pid: 2,
                level: "NOTICE",
                message: "AUDIT: SESSION,1,1",
            },
        ),
    ];
    for (line, expected) in cases {
        let prefix = understood(LogLinePrefix::Short, line);
        assert_eq!(prefix.client.host, expected.client.as_bytes(), "{line}");
        assert_eq!(prefix.client.port, expected.port, "{line}");
        assert_eq!(prefix.user, expected.user.as_bytes(), "{line}");
        assert_eq!(prefix.database, expected.database.as_bytes(), "{line}");
        assert_eq!(prefix.pid, expected.pid, "{line}");
        assert_eq!(prefix.level, expected.level.as_bytes(), "{line}");
        assert_eq!(prefix.message, expected.message.as_bytes(), "{line}");
        assert_eq!(prefix.application_name, None, "{line}");
    }
}

const LONG: &str = "2026-11-22 06:56:56.765 UTC:127.0.0.1(49148):postgres@postgres:[25977]:1:00000:2026-11-22 06:56:56 UTC:3/2:0:6b029238.6579:";

#[test]
fn reads_the_long_form() {
    let line =
        format!("{LONG}my app: x:LOG:  AUDIT: SESSION,1,1,READ,SELECT,,,select 1;,<not logged>");
    let prefix = understood(LogLinePrefix::Long, &line);
    assert_eq!(prefix.application_name, Some(&b"my app: x"[..]));
    assert_eq!(prefix.line_number, Some(1));
    assert_eq!(prefix.session_id, Some(&b"6b029238.6579"[..]));
    assert_eq!(prefix.sqlstate, Some(&b"00000"[..]));
    assert_eq!(prefix.timestamp.epoch_ms(), Some(1_795_330_616_765));
    assert!(prefix.message.starts_with(b"AUDIT: "));

    for name in [
        "pgAdmin 4 - DB:shop",
        "",
        "[unknown]",
        "LOG",
        "LOG:LOG",
        "a:b:c",
        "DBeaver 24.1 - SQLEditor <Script-1.sql>",
    ] {
        let line = format!("{LONG}{name}:LOG:  AUDIT: x");
        assert_eq!(
            understood(LogLinePrefix::Long, &line).application_name,
            Some(name.as_bytes())
        );
    }
    // `%q`: a parallel worker has no application name.
    let line = "2026-11-22 06:56:56.773 UTC::@:[25978]:1:00000:2026-11-22 06:56:56 UTC:4/3:0:6b029238.657a:LOG:  AUDIT: x";
    let prefix = understood(LogLinePrefix::Long, line);
    assert_eq!(
        (prefix.application_name, prefix.user, prefix.message),
        (None, &b""[..], &b"AUDIT: x"[..])
    );
    // A process that has no virtual transaction yet.
    let line = "2026-11-22 06:56:56.773 UTC::@:[25978]:1:00000:2026-11-22 06:56:56 UTC::0:6b029238.657a:LOG:  starting";
    assert_eq!(understood(LogLinePrefix::Long, line).level, b"LOG");
}

#[test]
fn says_when_names_are_ambiguous() {
    let line = b"2026-11-22 06:54:38 UTC:10.0.0.1(5):svc@corp@db:[2]:LOG:  x";
    let PrefixReading::Doubtful { reason, best_guess } = LogLinePrefix::Short.parse(line) else {
        panic!("not doubtful");
    };
    assert_eq!(reason, Doubt::SeveralAtSigns);
    assert_eq!(
        (best_guess.user, best_guess.database),
        (&b"svc@corp"[..], &b"db"[..])
    );

    for line in [
        // A role, then a database, that ends the prefix early.
        "2026-11-22 06:54:38 UTC:10.0.0.1(5):svc@app:[1]:LOG:  AUDIT: SESSION,1,1,READ,SELECT,,,@db:[2]:LOG:  AUDIT: x",
        "2026-11-22 06:54:38 UTC:10.0.0.1(5):svc@app:[1]:LOG:  y:[2]:LOG:  AUDIT: x",
    ] {
        let PrefixReading::Doubtful { reason, best_guess } =
            LogLinePrefix::Short.parse(line.as_bytes())
        else {
            panic!("{line}");
        };
        assert_eq!((reason, best_guess.pid), (Doubt::SeveralEnds, 1), "{line}");
    }
    let line = format!("{LONG}x:LOG:  AUDIT: SESSION,1,1,MISC,SET,,,y:LOG:  AUDIT: x");
    assert!(matches!(
        LogLinePrefix::Long.parse(line.as_bytes()),
        PrefixReading::Doubtful {
            reason: Doubt::SeveralEnds,
            ..
        }
    ));
}

#[test]
fn an_end_beyond_the_reach_of_names_is_text() {
    let line = format!(
        "2026-11-22 06:54:38 UTC:10.0.0.1(5):u@d:[2]:LOG:  AUDIT: {}:[1]:LOG:  AUDIT: y",
        "x".repeat(130)
    );
    assert_eq!(understood(LogLinePrefix::Short, &line).pid, 2);
}

#[test]
fn refuses_other_forms() {
    let foreign = |form: LogLinePrefix, line: &str| match form.parse(line.as_bytes()) {
        PrefixReading::Foreign(mismatch) => mismatch,
        other => panic!("{line}: {other:?}"),
    };
    assert_eq!(foreign(LogLinePrefix::Short, ""), Mismatch::Timestamp);
    assert_eq!(
        foreign(LogLinePrefix::Short, "\tcontinued"),
        Mismatch::Timestamp
    );
    assert_eq!(
        foreign(
            LogLinePrefix::Short,
            "2026-11-22 06:54:38.123 UTC [77] LOG:  x"
        ),
        Mismatch::Timestamp
    );
    assert_eq!(
        foreign(
            LogLinePrefix::Short,
            "2026-11-22 06:54:38 UTC:a b:u@d:[2]:LOG:  x"
        ),
        Mismatch::Client
    );
    assert_eq!(
        foreign(
            LogLinePrefix::Short,
            "2026-11-22 06:54:38 UTC:10.0.0.1(5):half"
        ),
        Mismatch::Head
    );
    assert_eq!(
        foreign(LogLinePrefix::Short, &format!("{LONG}app:LOG:  x")),
        Mismatch::Timestamp
    );
    assert_eq!(
        foreign(
            LogLinePrefix::Long,
            "2026-11-22 06:54:38 UTC:[local]:u@d:[2]:LOG:  x"
        ),
        Mismatch::Timestamp
    );
    assert_eq!(
        LogLinePrefix::detect(format!("{LONG}app:LOG:  x").as_bytes()),
        Some(LogLinePrefix::Long)
    );
    assert_eq!(
        LogLinePrefix::detect(b"2026-11-22 06:54:38 UTC:[local]:u@d:[2]:LOG:  x"),
        Some(LogLinePrefix::Short)
    );
    assert_eq!(LogLinePrefix::detect(b"x"), None);
}

#[test]
fn names_both_values_in_the_error() {
    for form in LogLinePrefix::ALL {
        assert_eq!(form.as_str().parse(), Ok(form));
        let error = "%m [%p] "
            .parse::<LogLinePrefix>()
            .expect_err("refused")
            .to_string();
        assert!(
            error.contains(form.as_str()) && error.contains("`%m [%p] `"),
            "{error}"
        );
    }
}
