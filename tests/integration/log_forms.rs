//! Logs as people have them: every form is read, or told with a code of its own.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests may panic"
)]

use std::io::Write as _;
use std::ops::ControlFlow;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use base64::Engine as _;
use pgvigil::audit_log::prefix::LogLinePrefix;
use pgvigil::audit_log::reader::{Inputs, Problem, ReadReport, Template};
use pgvigil::judge::{Judge, Rules};
use pgvigil::rules::eval;
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::git::{commit, git};
use crate::recorded::{root, shipped};

/// A log was not read, or not as a whole.
const UNREAD: i32 = 17;

fn pgvigil(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_pgvigil"))
        .args(arguments)
        .current_dir(root())
        .output()
        .unwrap()
}

/// Audit records, those that count, those that are excluded, the code, and what was told.
fn eval_of(arguments: &[&str]) -> ([u64; 3], i32, String) {
    let all = [
        &[
            "rules",
            "eval",
            "--env",
            "local",
            "--summary",
            "--format",
            "json",
        ],
        arguments,
    ]
    .concat();
    let output = pgvigil(&all);
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    let document: Value =
        serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{arguments:?}: {told}"));
    let number = |key: &str| document["totals"][key].as_u64().unwrap();
    (
        [number("records"), number("counted"), number("excluded")],
        output.status.code().unwrap(),
        told,
    )
}

/// Each file of `tests/logs`: records, counted, excluded, the exit code, and a word of what is told.
const FILES: [(&str, [u64; 3], i32, &str); 44] = [
    (
        "csvlog-rds/postgresql.log.2026-11-20-10.csv",
        [3, 3, 0],
        0,
        "",
    ),
    (
        "csvlog-half-line/portion.csv",
        [2, 1, 0],
        UNREAD,
        "not a log entry",
    ),
    ("download-pages-overlap/full.log", [6, 6, 0], 0, ""),
    (
        "download-pages-overlap/joined.log",
        [9, 9, 0],
        UNREAD,
        "appear twice",
    ),
    (
        "download-pages-overlap/joined-newline.log",
        [9, 9, 0],
        UNREAD,
        "appear twice",
    ),
    ("download-portion-json/portion.json", [2, 2, 0], 0, ""),
    (
        "download-portion-json/truncated.log",
        [2, 2, 0],
        0,
        "truncated",
    ),
    ("base64-envelopes/firehose-http.json", [2, 2, 0], 0, ""),
    ("base64-envelopes/kinesis-event.json", [2, 2, 0], 0, ""),
    ("base64-envelopes/lambda-event.json", [2, 2, 0], 0, ""),
    ("aws-logs-tail/detailed.txt", [2, 1, 1], 0, ""),
    ("aws-logs-tail/short.txt", [2, 1, 1], 0, ""),
    ("jsonlog/postgresql.json", [2, 2, 0], 0, ""),
    ("cloudnativepg/pod.log", [1, 1, 0], 0, ""),
    ("shippers/datadog.json", [2, 2, 0], 0, ""),
    ("shippers/docker-json.log", [2, 2, 0], 0, ""),
    ("shippers/elasticdump.ndjson", [2, 2, 0], 0, ""),
    ("shippers/gelf.ndjson", [2, 2, 0], 0, ""),
    ("shippers/vector.ndjson", [2, 2, 0], 0, ""),
    ("pgauditlogtofile/audit-20261120_1000.log", [2, 2, 0], 0, ""),
    (
        "other-prefixes/log",
        [10, 10, 0],
        UNREAD,
        "10 records have a log_line_prefix",
    ),
    ("aws-text-and-yaml/filter-log-events.txt", [3, 2, 1], 0, ""),
    ("aws-text-and-yaml/get-log-events.txt", [3, 2, 1], 0, ""),
    (
        "aws-text-and-yaml/messages-each-a-line.txt",
        [3, 2, 1],
        0,
        "",
    ),
    ("aws-text-and-yaml/out.yaml", [3, 2, 1], 0, ""),
    ("aws-text-and-yaml/time-and-message.txt", [3, 2, 1], 0, ""),
    ("utf16-and-archives/utf16-nobom.log", [3, 2, 1], 0, ""),
    ("utf16-and-archives/utf16.json", [3, 2, 1], 0, ""),
    ("utf16-and-archives/utf16le.log", [3, 2, 1], 0, ""),
    (
        "utf16-and-archives/log.bz2",
        [0, 0, 0],
        1,
        "compressed (bzip2)",
    ),
    ("utf16-and-archives/log.xz", [0, 0, 0], 1, "compressed (xz)"),
    (
        "utf16-and-archives/log.zip",
        [0, 0, 0],
        1,
        "compressed (ZIP)",
    ),
    (
        "gcp-textpayload/gcp.json",
        [1, 1, 0],
        UNREAD,
        "log_line_prefix",
    ),
    ("live-tail/awslogs.txt", [2, 2, 0], UNREAD, "awslogs"),
    ("live-tail/print-only.txt", [2, 2, 0], 0, ""),
    ("live-tail/session-update.json", [2, 2, 0], 0, ""),
    ("impact-of-logs-in-another-form/short.log", [4, 3, 1], 0, ""),
    (
        "impact-of-logs-in-another-form/long.log",
        [4, 3, 1],
        0,
        "the other prefix",
    ),
    ("impact-of-logs-in-another-form/tail.txt", [4, 3, 1], 0, ""),
    (
        "impact-of-logs-in-another-form/get-log-events.txt",
        [4, 3, 1],
        0,
        "",
    ),
    ("made/quiet.log", [0, 0, 0], UNREAD, "is an audit record"),
    (
        "made/words.log",
        [0, 0, 0],
        UNREAD,
        "nothing in the file was read",
    ),
    ("made/masked.log", [2, 2, 0], UNREAD, "masked"),
    ("made/empty.log", [0, 0, 0], 0, ""),
];

#[test]
fn every_form_is_read_or_told() {
    let folder = root().join("tests/logs");
    for (file, numbers, code, word) in FILES {
        let path = folder.join(file);
        let (found, exit, told) = eval_of(&[path.to_str().unwrap()]);
        assert_eq!((found, exit), (numbers, code), "{file}: {told}");
        assert!(told.contains(word), "{file}: {told}");
        if word.is_empty() {
            assert_eq!(told, "", "{file}");
        }
    }
    let mut files = Vec::new();
    for entry in std::fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(
                std::fs::read_dir(&path)
                    .unwrap()
                    .map(|file| file.unwrap().path()),
            );
        }
    }
    assert_eq!(files.len(), FILES.len(), "a file without its right value");
}

#[test]
fn the_prefix_of_other_servers_is_an_option() {
    let gcp = "tests/logs/gcp-textpayload/gcp.json";
    let (found, code, told) =
        eval_of(&["--log-line-prefix", "%m [%p]: [%l-1] db=%d,user=%u ", gcp]);
    assert_eq!((found, code, told.as_str()), ([1, 1, 0], 0, ""));
    let log = "tests/logs/other-prefixes/log";
    for prefix in [
        "%m; %p; %u; %d; %h; ",
        "%t [%p] user=%u db=%d app=%a client=%h ",
        "%t-%c-user=%u,db=%d,app=%a,client=%h",
        "%m [%p] %q%u@%d ",
    ] {
        let (found, code, told) = eval_of(&["--log-line-prefix", prefix, log]);
        assert_eq!((found, code), ([10, 9, 1], UNREAD), "{prefix}");
        assert!(told.contains("8 records have a log_line_prefix"), "{told}");
    }
    let output = pgvigil(&[
        "rules",
        "eval",
        "--env",
        "local",
        "--log-line-prefix",
        "%m [%p]",
        log,
    ]);
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("`%u`"));
}

#[test]
fn every_command_tells_the_same() {
    let log = "tests/logs/other-prefixes/log";
    let output = pgvigil(&["rules", "explain", "--env", "local", log]);
    assert_eq!(output.status.code(), Some(UNREAD));
    assert!(String::from_utf8_lossy(&output.stderr).contains("10 records have"));
    let long =
        std::fs::read_to_string(root().join("tests/logs/impact-of-logs-in-another-form/long.log"))
            .unwrap();
    let line = long.lines().next().unwrap();
    let output = pgvigil(&["rules", "explain", "--env", "local", "--line", line]);
    assert!(String::from_utf8_lossy(&output.stdout).contains("alice"));
}

const CARD_REPORT: &str = "
  - id: card-report
    title: The card report
    reason: A nightly report of the data platform sends exactly this text, and nothing else.
    owner: data-platform
    created: 2026-11-22
    expires: 2027-11-20
    environments: all
    max_silenced_share: 0.1
    match:
      class: READ
      command: SELECT
      object_type: TABLE
      schema: public
      relation: customers
      statement: {equals: select card from customers}
    samples:
      silences:
        - {class: READ, command: SELECT, object_type: TABLE, object: public.customers, statement: select card from customers}
      stays_loud:
        - {class: READ, command: SELECT, object_type: TABLE, object: public.customers, statement: select card from customers where true}
";

const SECOND: &str = "version: 1
extends: base
title: Second
provider: local
folder: .pgvigil/second
clusters: [shop2]
log_line_prefix: \"%m:%r:%u@%d:[%p]:%l:%e:%s:%v:%x:%c:%q%a:\"
";

#[test]
fn a_review_measures_every_form_and_passes_on_none_that_it_did_not_read() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    for name in ["rules", "environments", "schema"] {
        copy(&root().join(name), &at.join(name));
    }
    let logs = root().join("tests/logs/impact-of-logs-in-another-form");
    std::fs::write(at.join("environments/second.yaml"), SECOND).unwrap();
    std::fs::create_dir(at.join("samples")).unwrap();
    std::fs::copy(logs.join("short.log"), at.join("samples/shop.log")).unwrap();
    git(at, &["init", "-q", "-b", "main"]);
    commit(at, "ada@example.com");
    let rules = at.join("rules/exclusions.yaml");
    let text = std::fs::read_to_string(&rules).unwrap();
    std::fs::write(&rules, text + CARD_REPORT).unwrap();
    let run = |arguments: &[&str]| {
        let output = Command::new(env!("CARGO_BIN_EXE_pgvigil"))
            .args(arguments)
            .current_dir(at)
            .output()
            .unwrap();
        let text = [output.stdout, output.stderr].concat();
        (
            output.status.code().unwrap(),
            String::from_utf8_lossy(&text).into_owned(),
        )
    };
    for log in ["short.log", "long.log", "tail.txt", "get-log-events.txt"] {
        let log = logs.join(log);
        let log = log.to_str().unwrap();
        let (code, text) = run(&["rules", "impact", "--env", "local", "--base", "HEAD", log]);
        assert_eq!(code, 10, "{log}: {text}");
        assert!(
            text.contains("1 record newly silent (25 %)"),
            "{log}: {text}"
        );
    }
    let (code, text) = run(&[
        "ci", "pr", "--env", "local", "--env", "second", "--base", "HEAD",
    ]);
    assert_eq!(code, 10, "{text}");
    assert_eq!(text.matches("impact: failed").count(), 2, "{text}");

    // What is not understood measures nothing.
    let other = root().join("tests/logs/other-prefixes/log");
    let other = other.to_str().unwrap();
    let (code, text) = run(&["rules", "impact", "--env", "local", "--base", "HEAD", other]);
    assert_eq!(code, UNREAD, "{text}");
    assert!(text.contains("the effect could not be measured"), "{text}");
    let (code, text) = run(&[
        "ci", "pr", "--env", "local", "--base", "HEAD", "--logs", other,
    ]);
    assert_ne!(code, 0, "{text}");
    assert!(
        text.contains("impact/unread") && text.contains("impact: failed"),
        "{text}"
    );
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let to = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy(&path, &to);
        } else {
            std::fs::copy(&path, to).unwrap();
        }
    }
}

/// A record of somebody.
#[derive(Clone, Debug)]
struct Made {
    user: String,
    object: String,
    statement: String,
    second: u32,
}

impl Made {
    fn time(&self) -> String {
        format!(
            "2026-11-20 10:{:02}:{:02}",
            self.second / 60,
            self.second % 60
        )
    }

    /// The message, with line breaks as they were typed.
    fn message(&self) -> String {
        let quoted = match self.statement.contains([',', '"', '\n']) {
            true => format!("\"{}\"", self.statement.replace('"', "\"\"")),
            false => self.statement.clone(),
        };
        format!(
            "AUDIT: SESSION,{},1,READ,SELECT,TABLE,{},{quoted},<not logged>",
            self.second + 1,
            self.object
        )
    }

    fn entry(&self, form: LogLinePrefix) -> String {
        let message = self.message().replace('\n', "\n\t");
        let (time, user) = (self.time(), &self.user);
        match form {
            LogLinePrefix::Short => {
                format!("{time} UTC:10.0.1.23(50322):{user}@shop:[4711]:LOG:  {message}")
            }
            LogLinePrefix::Long => format!(
                "{time}.765 UTC:10.0.1.23(50322):{user}@shop:[4711]:7:00000:2026-11-20 09:56:56 UTC:3/1:0:6b029238.6579:psql:LOG:  {message}"
            ),
        }
    }

    /// A row of csvlog.
    fn row(&self) -> String {
        let quoted = |text: &str| format!("\"{}\"", text.replace('"', "\"\""));
        format!(
            "{}.765 UTC,{},\"shop\",4711,\"10.0.1.23:50322\",60801957.4ff7,7,\"SELECT\",2026-11-20 09:56:56 UTC,3/1,0,LOG,00000,{},,,,,,,,,\"psql\",\"client backend\",,0\n",
            self.time(),
            quoted(&self.user),
            quoted(&self.message())
        )
    }

    /// A row of jsonlog.
    fn json(&self) -> Value {
        json!({
            "timestamp": format!("{}.765 UTC", self.time()), "user": self.user, "dbname": "shop", "pid": 4711,
            "remote_host": "10.0.1.23", "remote_port": 50322, "session_id": "60801957.4ff7", "line_num": 7,
            "ps": "SELECT", "session_start": "2026-11-20 09:56:56 UTC", "vxid": "3/1", "txid": 0,
            "error_severity": "LOG", "message": self.message(), "application_name": "psql",
            "backend_type": "client backend", "query_id": 0,
        })
    }

    /// What CloudNativePG makes of it.
    fn cloudnativepg(&self) -> Value {
        json!({"level": "info", "ts": "2026-11-20T11:07:05Z", "logger": "pgaudit", "msg": "record", "record": {
            "log_time": format!("{}.765 UTC", self.time()), "user_name": self.user, "database_name": "shop",
            "process_id": "4711", "connection_from": "10.0.1.23:50322", "session_id": "60801957.4ff7",
            "session_line_num": "7", "command_tag": "SELECT", "session_start_time": "2026-11-20 09:56:56 UTC",
            "error_severity": "LOG", "sql_state_code": "00000", "backend_type": "client backend",
            "application_name": "psql",
            "audit": {"audit_type": "SESSION", "statement_id": (self.second + 1).to_string(), "substatement_id": "1",
                "class": "READ", "command": "SELECT", "object_type": "TABLE", "object_name": self.object,
                "statement": self.statement, "parameter": "<not logged>"}}})
    }

    fn to_file(&self) -> String {
        let message = self.message();
        format!(
            "{}.765 UTC,{},shop,4711,10.0.1.23:50322,60801957.4ff7,7,SELECT,2026-11-20 09:56:56 UTC,3/1,0,00000,{},,,,,,,,,psql\n",
            self.time(),
            self.user,
            message.strip_prefix("AUDIT: ").unwrap()
        )
    }
}

/// A line of the file in each event.
fn physical_values(entries: &[String]) -> Vec<Value> {
    entries
        .iter()
        .flat_map(|entry| entry.split('\n'))
        .map(|line| json!({"date": 1.5, "log": line, "stream": "stderr"}))
        .collect()
}

/// The records in every form that is read, with a name.
fn forms(records: &[Made], prefix: LogLinePrefix) -> Vec<(&'static str, Vec<u8>)> {
    let entries: Vec<String> = records.iter().map(|record| record.entry(prefix)).collect();
    let ms = 1_763_632_800_000_u64;
    let each =
        |event: &dyn Fn(&String) -> Value| -> Vec<Value> { entries.iter().map(event).collect() };
    let lines =
        |values: &[Value]| -> String { values.iter().map(|value| format!("{value}\n")).collect() };
    let text = |line: &dyn Fn(&String) -> String| -> String { entries.iter().map(line).collect() };
    let physical = |line: &dyn Fn(&str) -> String| -> String {
        entries
            .iter()
            .flat_map(|entry| entry.split('\n'))
            .map(line)
            .collect()
    };
    let csv = |entry: &String| format!("\"{}\"", entry.replace('"', "\"\""));
    let plain = text(&|entry| format!("{entry}\n"));
    let batch = json!({"messageType": "DATA_MESSAGE", "owner": "1", "logGroup": "g", "logStream": "shop-1",
        "subscriptionFilters": ["f"], "logEvents": each(&|entry| json!({"id": "1", "timestamp": ms, "message": entry}))});
    let gz = |text: &str| {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(text.as_bytes()).unwrap();
        encoder.finish().unwrap()
    };
    let base64 = |bytes: &[u8]| base64::engine::general_purpose::STANDARD.encode(bytes);
    let packed = base64(&gz(&batch.to_string()));
    let events = each(
        &|entry| json!({"eventId": "3", "ingestionTime": ms, "logStreamName": "s", "message": entry, "timestamp": ms}),
    );
    let rows = each(
        &|entry| json!([{"field": "@ptr", "value": "x"}, {"field": "@message", "value": entry}]),
    );
    let jsonlog: Vec<Value> = records.iter().map(Made::json).collect();
    let utf16: Vec<u8> = plain.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let yaml: String = entries
        .iter()
        .map(|entry| {
            format!(
                "- eventId: '3'\n  message: {}\n  timestamp: {ms}\n",
                json!(entry)
            )
        })
        .collect();
    let mut all: Vec<(&'static str, String)> = vec![
        ("plain", plain.clone()),
        ("export", text(&|entry| format!("2026-11-20T10:00:00.000Z {entry}\n"))),
        ("aws logs tail", text(&|entry| format!("2026-11-20T10:00:00.000000+00:00 shop-1.0 {entry}\n"))),
        ("aws logs tail, short", text(&|entry| format!("2026-11-20T10:00:00 {entry}\n"))),
        ("container runtime", physical(&|line| format!("2026-11-20T10:00:00.1Z stderr F {line}\n"))),
        ("docker", physical(&|line| format!("{}\n", json!({"log": format!("{line}\n"), "stream": "stderr", "time": "x"})))),
        ("get-log-events text", text(&|entry| format!("EVENTS\t{ms}\t{entry}\t{ms}\n"))),
        ("filter-log-events text", text(&|entry| format!("EVENTS\t37380\t{ms}\tshop-1.0\t{entry}\t{ms}\n"))),
        ("time and message", text(&|entry| format!("{ms}\t{entry}\n"))),
        ("yaml", format!("events:\n{yaml}searchedLogStreams: []\n")),
        ("filter-log-events", json!({"events": events, "searchedLogStreams": []}).to_string()),
        ("json lines", lines(&events)),
        ("messages", json!(entries).to_string()),
        ("a message a line", text(&|entry| format!("{}\n", json!(entry)))),
        ("get-query-results", json!({"results": rows, "status": "Complete"}).to_string()),
        ("insights csv", format!("@ptr,@message\n{}", text(&|entry| format!("x,{}\n", csv(entry))))),
        ("csv", format!("\"Date\",\"Message\"\n{}", text(&|entry| format!("\"x\",{}\n", csv(entry))))),
        ("subscription", batch.to_string()),
        ("lambda", json!({"awslogs": {"data": packed}}).to_string()),
        ("kinesis", json!({"Records": [{"kinesis": {"partitionKey": "x", "data": packed}, "eventSource": "aws:kinesis"}]}).to_string()),
        ("firehose", json!({"requestId": "1", "timestamp": ms, "records": [{"data": packed}]}).to_string()),
        ("firehose, plain", json!({"records": [{"recordId": "1", "data": base64(plain.as_bytes())}]}).to_string()),
        ("download portion", json!({"LogFileData": plain, "Marker": "1", "AdditionalDataPending": false}).to_string()),
        ("live tail", json!({"sessionUpdate": {"sessionMetadata": {"sampled": false}, "sessionResults": events}}).to_string()),
        ("loki", json!({"status": "success", "data": {"resultType": "streams", "result": [{"stream": {"a": "b"}, "values": each(&|entry| json!(["1763632800000000000", entry]))}]}}).to_string()),
        ("opensearch", json!({"took": 1, "hits": {"total": {"value": 1}, "hits": each(&|entry| json!({"_id": "0", "_source": {"@message": entry}}))}}).to_string()),
        ("elasticdump", lines(&each(&|entry| json!({"_index": "i", "_source": {"@message": entry}})))),
        ("datadog", json!({"data": each(&|entry| json!({"id": "a", "attributes": {"message": entry, "service": "rds"}})), "meta": {}}).to_string()),
        ("gelf", lines(&each(&|entry| json!({"version": "1.1", "short_message": entry, "timestamp": 1.5})))),
        ("gelf, both messages", lines(&each(&|entry| json!({"short_message": entry.get(..60), "full_message": entry})))),
        ("filebeat", lines(&each(&|entry| json!({"message": entry, "event": {"original": entry}, "log": {"offset": 1}})))),
        ("azure", json!({"records": each(&|entry| json!({"category": "PostgreSQLLogs", "properties": {"timestamp": "2026-11-20 10:00:00.1 UTC", "message": entry}}))}).to_string()),
        ("cloud sql", json!(each(&|entry| json!({"insertId": "s", "textPayload": entry, "timestamp": "x"}))).to_string()),
        ("splunk", lines(&each(&|entry| json!({"result": {"_raw": entry}})))),
        ("firehose, one behind the other", [&entries[..1], &entries[1..]].iter().filter(|some| !some.is_empty()).map(|some| json!({"messageType": "DATA_MESSAGE", "owner": "1", "logGroup": "g", "logStream": "shop-1", "subscriptionFilters": ["f"], "logEvents": some.iter().map(|entry| json!({"id": "1", "timestamp": ms, "message": entry})).collect::<Vec<_>>()}).to_string()).collect()),
        ("kubectl, timestamps", physical(&|line| format!("2026-11-20T10:00:00.123456789Z {line}\n"))),
        ("fluent bit", lines(&physical_values(&entries))),
        ("logstash", lines(&each(&|entry| json!({"@version": "1", "@timestamp": "2026-11-20T10:00:00Z", "message": entry, "event": {"original": entry}})))),
        ("splunk csv", format!("\"_time\",host,\"_raw\"\n{}", text(&|entry| format!("\"2026-11-20T10:00:00.000+0000\",db,{}\n", csv(entry))))),
        ("one column", format!("\"message\"\n{}", text(&|entry| format!("{}\n", csv(entry))))),
        ("otlp", json!({"resourceLogs": [{"resource": {}, "scopeLogs": [{"logRecords": each(&|entry| json!({"timeUnixNano": "1", "body": {"stringValue": entry}}))}]}]}).to_string()),
        ("new relic", json!([{"logs": each(&|entry| json!({"timestamp": ms, "message": entry}))}]).to_string()),
        ("logcli", lines(&each(&|entry| json!({"labels": {"app": "pg"}, "line": entry, "timestamp": "2026-11-20T10:00:00Z"})))),
        ("journald", lines(&each(&|entry| json!({"__REALTIME_TIMESTAMP": "1763632800000000", "SYSLOG_IDENTIFIER": "postgres", "MESSAGE": entry})))),
        ("get-query-results yaml", format!("queryLanguage: CWLI\nresults:\n{}status: Complete\n", text(&|entry| format!("- - field: '@message'\n    value: {}\n", json!(entry))))),
        ("sqs", json!({"Records": [{"body": batch.to_string()}]}).to_string()),
        ("csvlog", records.iter().map(Made::row).collect()),
        ("jsonlog", lines(&jsonlog)),
        ("jsonlog in docker", jsonlog.iter().map(|row| format!("{}\n", json!({"log": format!("{row}\n")}))).collect()),
        ("cloudnativepg", records.iter().map(|record| format!("{}\n", record.cloudnativepg())).collect()),
    ];
    // It does not quote names.
    if records
        .iter()
        .all(|record| !record.user.contains([',', '"']))
    {
        all.push((
            "pgauditlogtofile",
            records.iter().map(Made::to_file).collect(),
        ));
    }
    let mut all: Vec<_> = all
        .into_iter()
        .map(|(name, text)| (name, text.into_bytes()))
        .collect();
    all.push(("utf-16", [b"\xff\xfe".to_vec(), utf16.clone()].concat()));
    all.push(("utf-16 without a mark", utf16));
    all.push(("gz", gz(&plain)));
    // Members one behind the other, as rotation and Firehose make them.
    let members = entries.iter().flat_map(|entry| gz(&format!("{entry}\n")));
    all.push(("gz, members", members.collect()));
    all
}

/// What is judged of a log, without the places.
fn judged(judge: &Judge, text: &[u8]) -> (Vec<Value>, ReadReport) {
    let mut out = Vec::new();
    let inputs = Inputs::from_bytes("log", text);
    let report = eval::lines(
        judge,
        &inputs,
        |_| {},
        |lines| {
            out.extend_from_slice(lines);
            ControlFlow::Continue(())
        },
    );
    let lines = out
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty());
    let lines = lines
        .map(|line| {
            let mut value: Value = serde_json::from_slice(line).unwrap();
            let object = value.as_object_mut().unwrap();
            object.remove("file");
            object.remove("line");
            value
        })
        .collect();
    (lines, report)
}

fn judge(prefix: LogLinePrefix) -> Judge {
    let loaded = shipped();
    let environment = loaded.policy.environment("local").unwrap();
    let mut rules = Rules::of(&loaded.policy, environment);
    rules.prefix = prefix;
    Judge::new(&rules)
}

fn made() -> impl Strategy<Value = Vec<Made>> {
    let statement = prop_oneof![
        Just("select c.oid from pg_catalog.pg_class c".to_owned()),
        "select [a-z0-9 ,\"'{}\\\\:@é]{0,30}(\n[a-z,\" ]{0,9}){0,2};?",
        Just(
            "select '\n2026-11-20 10:00:00.171 UTC,\"mallory\",\"shop\",1,,,,,,,,LOG,00000,\"x\"'"
                .to_owned()
        ),
    ];
    let object = prop_oneof![
        Just("public.orders".to_owned()),
        Just("pg_catalog.pg_class".to_owned())
    ];
    let user = prop_oneof![4 => Just("alice".to_owned()), 1 => "[a-z_é]{1,8}"];
    prop::collection::vec((user, object, statement), 1..5).prop_map(|records| {
        (0..)
            .zip(records)
            .map(|(second, (user, object, statement))| Made {
                user,
                object,
                statement,
                second,
            })
            .collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// The same records, in every form, for both prefixes, give the same verdicts.
    #[test]
    fn the_same_records_are_judged_alike_in_every_form(records in made()) {
        for wanted in LogLinePrefix::ALL {
            let judge = judge(wanted);
            let plain: String = records.iter().map(|record| record.entry(wanted) + "\n").collect();
            let (expected, report) = judged(&judge, plain.as_bytes());
            prop_assert!(!report.is_unread());
            prop_assert_eq!(expected.len(), records.len());
            for written in LogLinePrefix::ALL {
                for (name, text) in forms(&records, written) {
                    let (found, report) = judged(&judge, &text);
                    prop_assert!(!report.is_unread(), "{}: {:?}\n{}", name, report, String::from_utf8_lossy(&text));
                    prop_assert_eq!(&found, &expected, "{}\n{}", name, String::from_utf8_lossy(&text));
                }
            }
        }
    }

    /// No text of any kind makes the reader panic, whatever it looks like.
    #[test]
    fn no_text_makes_it_panic(records in made(), which in any::<prop::sample::Index>(), changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..6)) {
        let all = forms(&records, LogLinePrefix::Short);
        let (_, text) = which.get(&all);
        let mut text = text.clone();
        for (at, byte) in changes {
            let at = at.index(text.len());
            text[at] = byte;
        }
        judged(&judge(LogLinePrefix::Long), &text);
    }
}

/// A form that is cut anywhere is told, or what was lost lies behind the cut.
#[test]
fn a_form_that_is_cut_is_told() {
    let record = |second, object: &str, statement: &str| Made {
        user: "alice".to_owned(),
        object: object.to_owned(),
        statement: statement.to_owned(),
        second,
    };
    let records = [
        record(0, "public.orders", "select *, 'x'\nfrom orders"),
        record(
            1,
            "pg_catalog.pg_class",
            "select c.oid from pg_catalog.pg_class c",
        ),
        record(2, "public.orders", "select card from customers"),
    ];
    let judge = judge(LogLinePrefix::Short);
    for (name, text) in forms(&records, LogLinePrefix::Short) {
        let (whole, _) = judged(&judge, &text);
        for cut in 0..text.len() {
            let (found, report) = judged(&judge, &text[..cut]);
            if report.is_unread() {
                continue;
            }
            // What is judged is as it was, but for a last one that counts and is nobody's.
            let same = found.iter().zip(&whole).take_while(|(a, b)| a == b).count();
            let rest = &found[same..];
            assert!(
                rest.len() <= 1 && rest.iter().all(|line| line["verdict"] == "counted"),
                "{name} cut at {cut}: {rest:?}"
            );
        }
    }
}

/// What other programs put before each entry, or around it, is told by its name, and no verdict on it is clean.
#[test]
fn forms_that_are_not_read_are_named() {
    let entry = |second| {
        Made {
            user: "alice".to_owned(),
            object: "public.orders".to_owned(),
            statement: "select card from customers".to_owned(),
            second,
        }
        .entry(LogLinePrefix::Short)
    };
    let each = |line: &dyn Fn(String) -> String| line(entry(0)) + &line(entry(1));
    let judge = judge(LogLinePrefix::Short);
    for (text, name) in [
        (
            each(&|e| format!("Nov 20 10:00:00 db postgres[4711]: [1-1] {e}\n")),
            "syslog",
        ),
        (
            each(&|e| format!("<134>1 2026-11-20T10:00:00Z db postgres 4711 - - {e}\n")),
            "syslog",
        ),
        (
            each(&|e| format!("2026-11-20T10:00:00.123456+00:00 db postgres[4711]: {e}\n")),
            "syslog",
        ),
        (
            format!(
                "-- Journal begins at Mon. --\n{}",
                each(&|e| format!("Nov 20 10:00:00 db postgres[1]: {e}\n"))
            ),
            "journald",
        ),
        (
            each(&|e| format!("__CURSOR=s=1\nMESSAGE={e}\n\n")),
            "journald",
        ),
        (
            each(&|e| {
                format!(
                    "2026-11-20T10:00:00+00:00\tpg\t{}\n",
                    json!({ "message": e })
                )
            }),
            "Fluentd",
        ),
        (
            each(&|e| format!("pg: [1763632800.0, {}]\n", json!({ "log": e }))),
            "Fluent Bit",
        ),
        (
            each(&|e| format!("2026-11-20T10:00:00Z {{app=\"pg\"}} {e}\n")),
            "logcli",
        ),
        (each(&|e| format!("db-1  | {e}\n")), "docker compose"),
        (each(&|e| format!("db-1 postgres {e}\n")), "stern"),
        (each(&|e| format!("postgresql.log:{e}\n")), "grep"),
        (each(&|e| format!("\u{1b}[32m{e}\u{1b}[0m\n")), "colours"),
        (each(&|e| format!("[pod/db-1/postgres] {e}\n")), "--prefix"),
        (
            each(&|e| format!("2026-11-20T10:00:00+00:00 app[postgres.1]: [DATABASE] [5-1] {e}\n")),
            "Heroku",
        ),
        (each(&|e| format!("| 2026 | {e} |\n")), "a table"),
        (
            each(&|e| format!("RESULTS\t@message\t{e}\n")),
            "get-query-results --output text",
        ),
    ] {
        let (found, report) = judged(&judge, text.as_bytes());
        assert!(report.is_unread(), "{name}");
        assert!(
            found.iter().all(|line| line["verdict"] == "counted"),
            "{name}: {found:?}"
        );
        let told = report.sentences(&Inputs::from_bytes("log", text.as_bytes()));
        assert!(
            told.iter().any(|one| one.contains(name)),
            "{name}: {told:?}"
        );
    }
}

#[test]
fn texts_of_logs_are_escaped_where_they_are_told() {
    let mut child = Command::new(env!("CARGO_BIN_EXE_pgvigil"))
        .args(["rules", "eval", "--env", "local", "--summary", "-"])
        .current_dir(root())
        .stdin(Stdio::piped())
        .stderr(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let log = "2026-11-20 10:00:00 UTC \u{1b}[31mred\u{7} LOG:  AUDIT: SESSION,1,1,READ,SELECT,,,select 1,<none>\n";
    child
        .stdin
        .take()
        .unwrap()
        .write_all(log.as_bytes())
        .unwrap();
    let output = child.wait_with_output().unwrap();
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(UNREAD), "{told}");
    assert!(
        told.contains("red") && !told.contains(['\u{1b}', '\u{7}']),
        "{told}"
    );
}

#[test]
fn what_is_not_whole_is_told_by_its_reason() {
    let problems = |text: &str| {
        let (_, report) = judged(&judge(LogLinePrefix::Short), text.as_bytes());
        let kinds = report
            .problems
            .iter()
            .map(|(_, problem, _)| problem.clone());
        kinds.collect::<Vec<_>>()
    };
    let entry = Made {
        user: "alice".to_owned(),
        object: "public.orders".to_owned(),
        statement: "select 1".to_owned(),
        second: 0,
    }
    .entry(LogLinePrefix::Short);
    let row = json!([{"field": "@message", "value": entry}]);
    for state in ["Running", "Timeout", "Failed", "Cancelled", "Scheduled"] {
        for document in [
            json!({"results": [row], "status": state}).to_string(),
            format!("{{\"status\": \"{state}\", \"results\": [{row}]}}"),
            json!({"results": [], "status": state}).to_string(),
        ] {
            assert_eq!(
                problems(&document),
                [Problem::Unfinished(state.to_owned())],
                "{document}"
            );
        }
    }
    let left = json!({"logTime": "2026-11-20 10:00:00 UTC", "srcIp": "10.0.0.1(1)", "userName": "alice", "dbName": "shop", "processId": "1", "logLevel": "LOG"});
    assert_eq!(
        problems(&json!({"events": [{"message": left.to_string()}]}).to_string()),
        [Problem::Transformed]
    );
    assert_eq!(problems(&format!("{entry}\t{entry}\n")), [Problem::Joined]);
    assert_eq!(
        problems(&json!({"LogFileData": entry, "AdditionalDataPending": true}).to_string()),
        [Problem::Incomplete]
    );
    assert_eq!(
        problems(&entry.replace("10.0.1.23", "*********")),
        [Problem::Masked]
    );
    assert_eq!(
        problems(&format!("{entry}\n2026-11-20 10:00:00 UTC:10.0.1.23(50")),
        [Problem::Cut]
    );
    assert_eq!(
        problems(&format!("{entry}\n{}", entry.split_once("DIT").unwrap().0)),
        [Problem::Cut]
    );
    assert!("%m [%p] %q%u@%d ".parse::<Template>().is_ok());
}
