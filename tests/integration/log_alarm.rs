//! The engine `log-alarm` hears of exactly the records that the alarm query counts.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "helpers of tests may panic"
)]

use std::collections::BTreeMap;

use pgvigil::audit_log::prefix::LogLinePrefix;
use pgvigil::compile::{self, QUERY_LIMIT, QuerySource};
use pgvigil::insights::{self, Event, MissingField, Options, Program, Table};
use pgvigil::policy;
use pgvigil::policy::model::{Engine, Signal};
use serde_json::Value;

use crate::agreement::SETTLED;
use crate::recorded;

/// Records by user and database.
type Counts = BTreeMap<(String, String), u64>;

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

/// What a table counts, by user and database. `records` is the column that counts; a row stands for one without it.
fn counts(table: &Table, records: Option<&str>) -> Counts {
    let at = |name: &str| {
        table
            .columns
            .iter()
            .position(|column| column == name)
            .unwrap()
    };
    let (user, database) = (at("user"), at("database"));
    let records = records.map(at);
    let mut counts = Counts::new();
    for row in &table.rows {
        let key = (row[user].clone().unwrap(), row[database].clone().unwrap());
        let number = match records {
            Some(records) => row[records].as_ref().unwrap().parse::<f64>().unwrap() as u64,
            None => 1,
        };
        *counts.entry(key).or_default() += number;
    }
    counts
}

#[test]
fn the_rows_are_those_that_the_alarm_query_counts() {
    let policy = &recorded::shipped().policy;
    let mut total = 0;
    for recording in recorded::all() {
        let mut source = QuerySource::of(policy, policy.environment("local").unwrap());
        source.prefix = recording.prefix;
        let entries: Vec<&[u8]> = recording
            .log
            .entries
            .iter()
            .map(|entry| entry.text.as_ref())
            .collect();
        let rows = source.signal_rows(Signal::Dml, "");
        let alarm = source.alarm("");
        assert!(rows.length() <= QUERY_LIMIT, "{}", rows.length());
        for missing in [MissingField::Null, MissingField::False] {
            let counted = counts(&run(&alarm.text, &entries, missing), Some("records"));
            // A table has at most so many rows: the recordings stay below.
            let table = run(&rows.text, &entries, missing);
            assert!(table.rows.len() < 10_000, "{}", recording.name);
            assert_eq!(counts(&table, None), counted, "{}", recording.name);
            total += table.rows.len();
        }
    }
    assert!(total > 1_000, "{total}");
}

/// A person writes names as they like, and lines that nothing understands.
#[test]
fn what_is_not_understood_is_somebody() {
    let policy = &recorded::shipped().policy;
    let mut source = QuerySource::of(policy, policy.environment("local").unwrap());
    source.prefix = LogLinePrefix::Short;
    let lines = [
        "2026-11-22 06:55:28 UTC:10.0.1.1(5):alice@shop:[1]:LOG:  AUDIT: SESSION,1,1,WRITE,INSERT,TABLE,public.t,x,<not logged>",
        "2026-11-22 06:55:28 UTC:10.0.1.1(5):@shop:[1]:LOG:  AUDIT: SESSION,1,1,WRITE,INSERT,TABLE,public.t,x,<not logged>",
        "2026-11-22 06:55:28 UTC:10.0.1.1(5):al:ice@sh@op:[1]:LOG:  AUDIT: SESSION,1,1,WRITE,INSERT,TABLE,public.t,x,<not logged>",
        "something:  AUDIT: SESSION,1,1,READ,SELECT,TABLE,pg_catalog.pg_class,select 1,<not logged>",
        "2026-11-22 06:55:28 UTC:10.0.1.1(5):alice@shop:[1]:LOG:  AUDIT: SESSION,1,1,broken",
    ];
    let entries: Vec<&[u8]> = lines.iter().map(|line| line.as_bytes()).collect();
    for missing in [MissingField::Null, MissingField::False] {
        let table = run(&source.signal_rows(Signal::Dml, "").text, &entries, missing);
        let alarm = run(&source.alarm("").text, &entries, missing);
        assert_eq!(table.rows.len(), lines.len());
        assert_eq!(counts(&table, None), counts(&alarm, Some("records")));
    }
}

/// Nothing that AWS does not document changes what an alarm hears of.
#[test]
fn the_query_asks_no_open_question() {
    let policy = &recorded::shipped().policy;
    for prefix in LogLinePrefix::ALL {
        let mut source = QuerySource::of(policy, policy.environment("local").unwrap());
        source.prefix = prefix;
        let rows = source.signal_rows(Signal::Dml, "a header");
        let parsed = insights::parse(&rows.text).unwrap();
        let open: Vec<String> = insights::open_questions(&parsed)
            .into_iter()
            .map(|fault| fault.message)
            .filter(|message| !SETTLED.iter().any(|settled| message.starts_with(settled)))
            .collect();
        assert_eq!(open, [""; 0]);
        // The service aggregates, and takes what it aggregates apart.
        assert!(!rows.text.contains("stats") && !rows.text.contains("limit"));
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
    let mut files = compiled.artefacts.clone();
    files.push(compile::terraform::terraform(environment, &compiled.documents).unwrap());
    files
        .extend(compile::cloudformation::cloudformation(environment, &compiled.documents).unwrap());
    let folder = recorded::root().join("tests/golden/log-alarm");
    if std::env::var_os("PGVIGIL_UPDATE").is_some() {
        let _ = std::fs::remove_dir_all(&folder);
        for file in &files {
            let path = folder.join(&file.path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, &file.text).unwrap();
        }
    }
    for file in &files {
        let wanted = std::fs::read_to_string(folder.join(&file.path)).unwrap_or_default();
        assert!(
            file.text == wanted,
            "{} differs; PGVIGIL_UPDATE=1 rewrites it\n{}",
            file.path,
            file.text
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
    let module: Value = serde_json::from_str(&module.text).unwrap();
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
    let template: Value = serde_json::from_str(&templates[0].text).unwrap();
    assert!(template["Parameters"].get("PackageBucket").is_none());
    let resources = template["Resources"].as_object().unwrap();
    let alarms = resources
        .values()
        .filter(|resource| resource["Type"] == "AWS::CloudWatch::LogAlarm");
    assert_eq!(alarms.count(), 2);
}
