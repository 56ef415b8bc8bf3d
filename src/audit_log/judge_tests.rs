use super::*;

const HEAD_OF: &str = "2026-11-22 06:54:38 UTC:10.0.0.1(5):";

/// What an entry is, in short: `audit USER COMMAND [doubt]`, `suspicious`, `other`, `foreign`.
fn short(line: &str) -> String {
    verdict(line, LogLinePrefix::Short)
}

fn verdict(line: &str, form: LogLinePrefix) -> String {
    match judge_entry(line.as_bytes(), form) {
        EntryKind::Audit {
            prefix,
            record,
            doubt,
        } => {
            let (user, command) = (
                String::from_utf8_lossy(prefix.user),
                String::from_utf8_lossy(record.command),
            );
            match doubt {
                None => format!("audit {user} {command}"),
                Some(doubt) => format!("audit {user} {command} {doubt:?}"),
            }
        }
        EntryKind::Suspicious { reason, .. } => {
            let name = format!("{reason:?}");
            format!("suspicious {}", name.split('(').next().unwrap_or_default())
        }
        EntryKind::Other { prefix, .. } => {
            format!("other {}", String::from_utf8_lossy(prefix.level))
        }
        EntryKind::Foreign(mismatch) => format!("foreign {mismatch:?}"),
    }
}

#[test]
fn judges_the_verified_lines() {
    let records = [
        (
            "SESSION,11,1,MISC,???,,,\"merge into t1 using t2 on x;\",<not logged>",
            "???",
        ),
        (
            "SESSION,73,1,READ,SELECT,,,\"with x as (insert into t2 values (12,'cte') returning *) select * from x;\",<not logged>",
            "SELECT",
        ),
        (
            "SESSION,36,2,WRITE,EXPLAIN,,,\"explain analyze insert into t2 values (11,'ea');\",<not logged>",
            "EXPLAIN",
        ),
        (
            "SESSION,42,1,ROLE,CREATE ROLE,,,create role bob login password <REDACTED>,<not logged>",
            "CREATE ROLE",
        ),
        (
            "SESSION,44,1,ROLE,GRANT,TABLE,,grant select on t1 to bob;,<not logged>",
            "GRANT",
        ),
        (
            "SESSION,9,1,READ,SELECT,,,select * from t1;,<not logged>,7",
            "SELECT",
        ),
        (
            "SESSION,24,1,READ,SELECT,TABLE,public.t2,<previously logged>,<previously logged>",
            "SELECT",
        ),
        (
            "SESSION,2,1,READ,SELECT,,,\"select $1::text, $2::int\",\"\"\"x,y \"\"\"\"q\"\"\"\"\n\tline2\"\",5,\"",
            "SELECT",
        ),
    ];
    for (record, command) in records {
        assert_eq!(
            short(&format!("{HEAD_OF}u@d:[20117]:LOG:  AUDIT: {record}")),
            format!("audit u {command}")
        );
    }
    let lines = [
        (
            "2026-11-22 06:55:28 UTC:::1(36018):postgres@postgres:[23596]:LOG:  AUDIT: SESSION,1,1,READ,SELECT,,,select 6,<not logged>",
            "audit postgres SELECT",
        ),
        (
            "2026-11-22 06:54:38 UTC:[local]:postgres@postgres:[21962]:LOG:  AUDIT: SESSION,1,1,READ,SELECT,,,select 2,<not logged>",
            "audit postgres SELECT",
        ),
        (
            "2020-11-13 08:07:36 UTC::@:[32064]:LOG:  AUDIT: SESSION,1,1,READ,SELECT,TABLE,public.t1,select count(*) from t1;,<none>",
            "audit  SELECT",
        ),
        (
            "2021-02-12 15:51:53 UTC:10.123.10.212(57116):postgres@test_database:[28213]:LOG:  AUDIT: SESSION,2,1,WRITE,INSERT,,,\"INSERT INTO test_table VALUES ('0002', 28);\",<not logged>",
            "audit postgres INSERT",
        ),
    ];
    for (line, expected) in lines {
        assert_eq!(short(line), expected, "{line}");
    }
    for (line, expected) in [
        (
            "2026-11-22 06:56:56.765 UTC:127.0.0.1(49148):postgres@postgres:[25977]:1:00000:2026-11-22 06:56:56 UTC:3/2:0:6b029238.6579:my app: x:LOG:  AUDIT: SESSION,1,1,READ,SELECT,,,select 1;,<not logged>",
            "audit postgres SELECT",
        ),
        (
            "2026-11-22 06:56:56.773 UTC::@:[25978]:1:00000:2026-11-22 06:56:56 UTC:4/3:0:6b029238.657a:LOG:  AUDIT: SESSION,1,1,READ,SELECT,,,select count(*) from t;,<not logged>",
            "audit  SELECT",
        ),
    ] {
        assert_eq!(verdict(line, LogLinePrefix::Long), expected, "{line}");
    }
}

#[test]
fn accepts_every_level_and_verbosity_of_pgaudit() {
    let record = "AUDIT: SESSION,1,1,READ,SELECT,,,select 1,<not logged>";
    for level in [
        "LOG", "NOTICE", "WARNING", "INFO", "DEBUG", "DEBUG1", "DEBUG5",
    ] {
        assert_eq!(
            short(&format!("{HEAD_OF}u@d:[1]:{level}:  {record}")),
            "audit u SELECT"
        );
    }
    assert_eq!(
        short(&format!("{HEAD_OF}u@d:[1]:LOG:  00000: {record}")),
        "audit u SELECT"
    );
    assert_eq!(
        short(&format!("{HEAD_OF}u@d:[1]:СООБЩЕНИЕ:  {record}")),
        "audit u SELECT UnknownLevel"
    );
    assert_eq!(
        short(&format!("{HEAD_OF}svc@corp@d:[1]:LOG:  {record}")),
        "audit svc@corp SELECT SeveralAtSigns"
    );
}

/// The hostile entries: whatever a client can type, the record or the doubt about it stays visible.
#[test]
fn sees_through_forgery() {
    let delete = "AUDIT: SESSION,5,1,WRITE,DELETE,,,delete from t,<not logged>";
    let cases = [
        // Text in the statement cannot begin a line, but it can quote a head.
        (
            format!(
                "{HEAD_OF}u@d:[1]:LOG:  AUDIT: SESSION,1,1,WRITE,DELETE,,,\"delete from t /* {}:[1]:LOG:  AUDIT: SESSION,1,1,READ,SELECT,,, */\",<not logged>",
                "x".repeat(200)
            ),
            "audit u DELETE SeveralHeads",
        ),
        (
            format!(
                "{HEAD_OF}u@d:[1]:LOG:  AUDIT: SESSION,1,1,WRITE,DELETE,,,\"delete from t --\n\t2026-11-22 06:54:38 UTC:10.0.0.1(5):svc@d:[1]:LOG:  AUDIT: SESSION,1,1,READ,SELECT,,,x,<none>\",<not logged>"
            ),
            "audit u DELETE SeveralHeads",
        ),
        // A role that nobody could log in as: the server's FATAL.
        (
            format!(
                "{HEAD_OF}svc@app:[1]:LOG:  AUDIT: SESSION,1,1,READ,SELECT,,,forged@postgres:[9]:FATAL:  role \"svc@app:[1]:LOG:  AUDIT: SESSION,1,1,READ,SELECT,,,forged\" does not exist"
            ),
            "suspicious Record",
        ),
        // A role or a database of that name, made by whoever may create one.
        (
            format!(
                "{HEAD_OF}svc@app:[1]:LOG:  AUDIT: SESSION,1,1,READ,SELECT,,,@postgres:[9]:LOG:  {delete}"
            ),
            "audit svc@app:[1]:LOG:  AUDIT: SESSION,1,1,READ,SELECT,,, DELETE SeveralEnds",
        ),
        (
            format!(
                "{HEAD_OF}svc@app:[1]:LOG:  AUDIT: SESSION,1,1,READ,SELECT,,,x,<none>:[9]:LOG:  {delete}"
            ),
            "audit svc DELETE SeveralEnds",
        ),
        // Cut or unknown records.
        (
            format!("{HEAD_OF}u@d:[1]:LOG:  AUDIT: SESSION,1,1,READ,SELECT,,,\"select"),
            "suspicious Record",
        ),
        (
            format!("{HEAD_OF}u@d:[1]:LOG:  AUDIT: NEWKIND,1,1"),
            "suspicious Record",
        ),
        (format!("{HEAD_OF}u@d"), "suspicious Cut"),
        // Another prefix.
        (
            format!("2026-11-22 06:54:38.123 UTC [7] u@d LOG:  {delete}"),
            "suspicious ForeignPrefix",
        ),
        (format!("LOG:  {delete}"), "suspicious ForeignPrefix"),
        // An event that holds two entries.
        (
            format!(
                "{HEAD_OF}u@d:[1]:ERROR:  {}\n{HEAD_OF}u@d:[1]:LOG:  {delete}",
                "x".repeat(100)
            ),
            "suspicious LineWithoutTab",
        ),
        (
            format!("{HEAD_OF}u@d:[1]:LOG:  {delete}\n{HEAD_OF}u@d:[1]:LOG:  checkpoint"),
            "suspicious Record",
        ),
        // Entries that quote a record and are none.
        (format!("{HEAD_OF}u@d:[1]:ERROR:  {delete}"), "other ERROR"),
        (
            format!("{HEAD_OF}u@d:[1]:STATEMENT:  select '{delete}'"),
            "other STATEMENT",
        ),
        (
            format!("{HEAD_OF}u@d:[1]:LOG:  statement: select '{delete}'"),
            "other LOG",
        ),
        (
            format!("{HEAD_OF}u@d:[1]:LOG:  checkpoint starting: time"),
            "other LOG",
        ),
        ("free text".to_owned(), "foreign Timestamp"),
    ];
    for (line, expected) in cases {
        assert_eq!(short(&line), expected, "{line}");
    }
    let long = "2026-11-22 06:56:56.765 UTC:127.0.0.1(4):u@d:[7]:1:00000:2026-11-22 06:56:56 UTC:3/2:0:6b029238.6579:";
    for (line, expected) in [
        (
            format!("{long}x:LOG:  AUDIT: SESSION,1,1,MISC,SET,,,y:LOG:  {delete}"),
            "audit u DELETE SeveralEnds",
        ),
        (
            format!("{long}x:LOG:  AUDIT: SESSION,1,1,MISC,SET,,,y,<none>,\"\":LOG:  {delete}"),
            "audit u DELETE SeveralEnds",
        ),
        (
            format!("{long}x:ERROR:  y:LOG:  {delete}"),
            "audit u DELETE SeveralEnds",
        ),
        (
            format!(
                "{long}x:LOG:  AUDIT: SESSION,1,1,READ,SELECT,,,z:ERROR:  relation \"q\" does not exist"
            ),
            "suspicious Record",
        ),
    ] {
        assert_eq!(verdict(&line, LogLinePrefix::Long), expected, "{line}");
    }
}
