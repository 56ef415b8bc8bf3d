//! The engine `log-alarm` hears of exactly the records that the alarm query counts.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "helpers of tests may panic"
)]

use std::collections::BTreeMap;

use pgvigil::audit_log::prefix::LogLinePrefix;
use pgvigil::compile::query::signals_of;
use pgvigil::compile::{self, QuerySource};
use pgvigil::insights::{self, Event, MissingField, Options, Program, Table};
use pgvigil::policy;
use pgvigil::policy::model::{Engine, Signal};
use serde_json::Value;

use crate::agreement::SETTLED;
use crate::recorded;

/// Records by signal, user and database.
type Counts = BTreeMap<(Signal, String, String), u64>;

fn run(text: &str, entries: &[&[u8]], missing: MissingField) -> Table {
    let parsed = insights::parse(text).unwrap();
    let options = Options {
        missing,
        ..Options::default()
    };
    let mut run = Program::new(&parsed, options).unwrap().run();
    for entry in entries {
        run.push(&Event {
            message: entry,
            timestamp_ms: 1_795_330_528_000,
            ingestion_ms: 1_795_330_529_000,
            log_stream: b"stream",
            log: b"123456789012:/aws/rds/cluster/shop/postgresql",
        });
    }
    run.finish()
}

/// The value of a column in a row.
fn value<'a>(table: &'a Table, row: &'a [Option<String>], column: &str) -> Option<&'a str> {
    let at = table.columns.iter().position(|name| name == column)?;
    row[at].as_deref()
}

/// What the alarm query counts for each signal, as the monitor reads its result.
fn counted(source: &QuerySource<'_>, table: &Table) -> Counts {
    let mut counts = Counts::new();
    for row in &table.rows {
        let text = |column: &str| value(table, row, column).unwrap_or_default();
        let records: f64 = text("records").parse().unwrap();
        for signal in signals_of(
            text("class"),
            text("command"),
            !text("tampering").is_empty(),
        ) {
            if source.signals.contains(&signal) {
                let key = (signal, text("user").to_owned(), text("database").to_owned());
                *counts.entry(key).or_default() += records as u64;
            }
        }
    }
    counts
}

/// What the log alarms of all signals count.
fn heard(source: &QuerySource<'_>, entries: &[&[u8]], missing: MissingField) -> Counts {
    let mut counts = Counts::new();
    for signal in &source.signals {
        let table = run(&source.signal_rows(*signal, "").text, entries, missing);
        // A table has at most so many rows: the recordings stay below.
        assert!(table.rows.len() < 10_000);
        for row in &table.rows {
            let text = |column: &str| value(&table, row, column).unwrap().to_owned();
            *counts
                .entry((*signal, text("user"), text("database")))
                .or_default() += 1;
        }
    }
    counts
}

/// Every set of signals that an environment can have, `dml` always among them.
fn sets_of_signals() -> Vec<Vec<Signal>> {
    (0u32..16)
        .map(|bits| {
            Signal::ALL
                .into_iter()
                .enumerate()
                .filter(|(index, _)| *index == 0 || bits & (1 << (index - 1)) != 0)
                .map(|(_, signal)| signal)
                .collect()
        })
        .collect()
}

#[test]
fn the_rows_are_those_that_the_alarm_query_counts() {
    let policy = &recorded::shipped().policy;
    let mut total = Counts::new();
    for recording in recorded::all() {
        let mut source = QuerySource::of(policy, policy.environment("local").unwrap());
        source.prefix = recording.prefix;
        let entries: Vec<&[u8]> = recording.few().map(|entry| entry.text.as_ref()).collect();
        for signals in [vec![Signal::Dml], Signal::ALL.to_vec()] {
            source.signals = signals;
            for missing in [MissingField::Null, MissingField::False] {
                let counted = counted(&source, &run(&source.alarm("").text, &entries, missing));
                let heard = heard(&source, &entries, missing);
                assert_eq!(heard, counted, "{}", recording.name);
                for ((signal, ..), number) in heard {
                    *total
                        .entry((signal, String::new(), String::new()))
                        .or_default() += number;
                }
            }
        }
    }
    // Each signal was heard of.
    assert_eq!(total.len(), Signal::ALL.len(), "{total:?}");
}

/// People write names as they like; lines that nothing understands; every command and every refusal.
#[test]
fn every_kind_of_line_is_heard_of_by_the_same_signals() {
    let policy = &recorded::shipped().policy;
    let mut source = QuerySource::of(policy, policy.environment("local").unwrap());
    source.prefix = LogLinePrefix::Short;
    let mut lines: Vec<String> = Vec::new();
    for who in ["alice@shop", "@shop", "al:ice@sh@op", "pgaudit@shop"] {
        for record in [
            "WRITE,INSERT,TABLE,public.t,x",
            "READ,SELECT,TABLE,public.t,select set_config('pgaudit.log'",
            "MISC,SET,,,set pgaudit.log = none",
            "MISC,SET,,,set a = 1",
            "MISC,SHOW,,,show pgaudit.log",
            "MISC,SHOWER,,,pgaudit",
            "MISC,CALL,,,call pgaudit()",
            "MISC,EXECUTE,,,execute pgaudit",
            "ROLE,ALTER ROLE,,,alter role a set pgaudit.log = none",
            "ROLE,GRANT,TABLE,,grant x",
            "DDL,DROP EXTENSION,,,drop extension pgaudit",
            "DDL,CREATE TABLE,TABLE,public.t,x",
            "broken pgaudit",
            "broken",
        ] {
            lines.push(format!(
                "2026-11-22 06:55:28 UTC:10.0.1.1(5):{who}:[1]:LOG:  AUDIT: SESSION,1,1,{record},<not logged>"
            ));
        }
        for refusal in [
            "ERROR:  permission denied for table t",
            "FATAL:  password authentication failed for user \"x\"",
            "ERROR:  must be superuser to change pgaudit.log",
            "ERROR:  division by zero",
            "STATEMENT:  select 'ERROR:  permission denied'",
        ] {
            lines.push(format!(
                "2026-11-22 06:55:28 UTC:10.0.1.1(5):{who}:[1]:{refusal}"
            ));
        }
    }
    lines.push("something:  AUDIT: SESSION,1,1,READ,SELECT,TABLE,pg_catalog.pg_class,select 1,<not logged>".to_owned());
    lines.push("something:ERROR:  permission denied for table t".to_owned());
    let entries: Vec<&[u8]> = lines.iter().map(String::as_bytes).collect();
    for signals in sets_of_signals() {
        source.signals = signals;
        for missing in [MissingField::Null, MissingField::False] {
            let alarm = run(&source.alarm("").text, &entries, missing);
            assert_eq!(
                heard(&source, &entries, missing),
                counted(&source, &alarm),
                "{:?}",
                source.signals
            );
        }
    }
}

/// Nothing that AWS does not document changes what an alarm hears of.
#[test]
fn the_queries_ask_no_open_question() {
    let policy = &recorded::shipped().policy;
    for prefix in LogLinePrefix::ALL {
        for signals in sets_of_signals() {
            let mut source = QuerySource::of(policy, policy.environment("local").unwrap());
            (source.prefix, source.signals) = (prefix, signals);
            for signal in &source.signals {
                let rows = source.signal_rows(*signal, "a header");
                let parsed = insights::parse(&rows.text).unwrap();
                let open: Vec<String> = insights::open_questions(&parsed)
                    .into_iter()
                    .map(|fault| fault.message)
                    .filter(|message| !SETTLED.iter().any(|settled| message.starts_with(settled)))
                    .collect();
                assert_eq!(open, [""; 0], "{}", rows.text);
                // The service aggregates, and takes what it aggregates apart.
                let is_stage = |line: &str, name: &str| {
                    let stage = line.trim_start_matches(['|', ' ']);
                    stage.starts_with(name)
                };
                let mut lines = rows.text.lines();
                assert!(!lines.any(|line| is_stage(line, "stats ") || is_stage(line, "limit ")));
            }
        }
    }
}

const POLICY: &str = "version: 1\nprovider: local\nclusters: [shop]\nengine: log-alarm\n\
                      notifications: {email: [dba@example.com]}\n";

#[test]
fn an_environment_compiles_to_the_query_of_each_signal() {
    let loaded = policy::load_from([("environments/dev.yaml", POLICY)]);
    let environment = &loaded.policy.environments[0];
    assert_eq!(environment.engine, Engine::LogAlarm);
    let today = jiff::civil::date(2026, 11, 22);
    let compiled = compile::compile(&loaded, environment, today);
    let paths: Vec<&str> = compiled
        .artefacts
        .iter()
        .map(|artefact| artefact.path.as_str())
        .collect();
    assert!(paths.contains(&"dev/log-alarm-dml.cwli"), "{paths:?}");
    // There is no function that could read it.
    assert!(!paths.contains(&"dev/monitor-env.json"), "{paths:?}");
    let text = &compiled
        .artefacts
        .iter()
        .find(|artefact| artefact.path == "dev/log-alarm-dml.cwli")
        .unwrap()
        .text;
    let alarm = compiled
        .documents
        .iter()
        .find(|document| document.name.ends_with("-log-dml"))
        .unwrap();
    // The file is for people: it says where it comes from.
    let (heading, rest) = text.split_once('\n').unwrap();
    assert!(heading.starts_with("# pgvigil dev: "), "{heading}");
    assert_eq!(alarm.properties["query"], rest.trim_end());
    let again = compile::compile(&loaded, environment, today);
    assert_eq!(compiled.artefacts, again.artefacts);
}

const ON_AWS: &str = "version: 1\nprovider: aws\naccount: \"123456789012\"\nregion: eu-central-1\nclusters: [orders]\n\
                      engine: log-alarm\nsignals: {dml: {threshold: 0}}\ntags: {team: dba}\nnotifications:\n  email: \
                      [dba@example.com]\n  https: [{from_env: INCIDENT_URL}]\n";

/// Everything that an environment of this engine is compiled into, byte for byte: `tests/golden/log-alarm/`.
/// `PGVIGIL_UPDATE=1 cargo test` rewrites it.
#[test]
fn an_environment_of_log_alarms_is_golden() {
    let loaded = policy::load_from([("environments/quiet.yaml", ON_AWS)]);
    assert_eq!(loaded.diagnostics.errors(), 0, "{:?}", loaded.diagnostics);
    let environment = &loaded.policy.environments[0];
    let compiled = compile::compile(&loaded, environment, jiff::civil::date(2026, 11, 22));
    let artefacts = compiled.artefacts.iter();
    let mut files: Vec<(String, String)> = artefacts
        .map(|file| (file.path.clone(), file.text.clone()))
        .collect();
    // No function, no layer: every file of the exports is text.
    for exported in [
        compile::terraform::terraform(environment, &compiled.documents).unwrap(),
        compile::cloudformation::cloudformation(environment, &compiled.documents).unwrap(),
    ] {
        let texts = exported.into_iter();
        files.extend(texts.map(|file| (file.path, String::from_utf8(file.bytes).unwrap())));
    }
    let folder = recorded::root().join("tests/golden/log-alarm");
    if std::env::var_os("PGVIGIL_UPDATE").is_some() {
        let _ = std::fs::remove_dir_all(&folder);
        for (path, text) in &files {
            let path = folder.join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
    }
    for (path, text) in &files {
        let wanted = std::fs::read_to_string(folder.join(path)).unwrap_or_default();
        assert!(
            *text == wanted,
            "{path} differs; PGVIGIL_UPDATE=1 rewrites it\n{text}"
        );
    }
}

/// The exports say the same as the documents, with nothing of a function in them.
#[test]
fn exports_have_no_function() {
    let loaded = policy::load_from([("environments/quiet.yaml", ON_AWS)]);
    let environment = &loaded.policy.environments[0];
    let compiled = compile::compile(&loaded, environment, jiff::civil::date(2026, 11, 22));
    let module = compile::terraform::terraform(environment, &compiled.documents).unwrap();
    assert_eq!(module.len(), 1);
    let module: Value = serde_json::from_slice(&module[0].bytes).unwrap();
    assert_eq!(
        module["terraform"]["required_providers"]["awscc"]["source"],
        "hashicorp/awscc"
    );
    assert!(module["variable"].get("package").is_none(), "{module}");
    assert!(module["resource"].get("aws_lambda_function").is_none());
    let alarms = module["resource"]["awscc_cloudwatch_log_alarm"]
        .as_object()
        .unwrap();
    assert_eq!(alarms.len(), 2);
    for alarm in alarms.values() {
        let role = &alarm["scheduled_query_configuration"]["scheduled_query_role_arn"];
        assert_eq!(role, "${aws_iam_role.orders.arn}");
        assert_eq!(alarm["alarm_actions"][0], "${aws_sns_topic.orders.arn}");
    }
    let templates =
        compile::cloudformation::cloudformation(environment, &compiled.documents).unwrap();
    assert_eq!(templates.len(), 1);
    let template: Value = serde_json::from_slice(&templates[0].bytes).unwrap();
    assert!(template["Parameters"].get("PackageBucket").is_none());
    let resources = template["Resources"].as_object().unwrap();
    let alarms = resources
        .values()
        .filter(|resource| resource["Type"] == "AWS::CloudWatch::LogAlarm");
    assert_eq!(alarms.count(), 2);
}
