//! `report --save-records` against AWS on loopback: the report is the one of the saved file, and whatever goes wrong leaves
//! nothing behind.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "helpers of tests may panic"
)]

use std::collections::BTreeSet;
use std::fs;
use std::io::Read as _;
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use flate2::read::GzDecoder;
use jiff::{SignedDuration, Timestamp};
use pgvigil::compile::name::Names;
use pgvigil::deploy::permission::{self, Operation, Purpose};
use pgvigil::policy;
use serde_json::{Value, json};

use crate::aws_world::World;

/// Not every hour of the period has evidence.
const NOT_COMPLETE: i32 = 17;

/// What CloudWatch and moto return at once.
const PAGE: usize = 10_000;

/// An environment whose monitor has written records.
struct Account {
    world: World,
    /// The period: yesterday and today, since the service refuses older events.
    since: String,
    until: String,
    begin: Timestamp,
}

impl Account {
    fn new(clusters: &[&str]) -> Self {
        let now = Timestamp::now();
        let begin = now - SignedDuration::from_hours(6);
        Self {
            world: World::new(clusters),
            since: begin.strftime("%Y-%m-%d").to_string(),
            until: now.strftime("%Y-%m-%d").to_string(),
            begin,
        }
    }

    fn log_group(&self, cluster: usize) -> String {
        let loaded = policy::load(self.world.root()).unwrap();
        let environment = loaded.policy.environment("prod").unwrap();
        Names::new(environment, &environment.clusters[cluster]).monitor_log_group()
    }

    /// Makes the log of a cluster's monitor, with these messages a minute from each other.
    fn log(&self, cluster: usize, messages: &[String]) {
        let file = self.world.root().join("messages.json");
        fs::write(&file, serde_json::to_string(messages).unwrap()).unwrap();
        self.world.by_hand(&format!(
            "l = client('logs')\n\
             place = dict(logGroupName={:?}, logStreamName='2026/12/03/[$LATEST]a')\n\
             l.create_log_group(logGroupName=place['logGroupName'])\n\
             l.create_log_stream(**place)\n\
             all = [{{'timestamp': {} + at, 'message': text}} for at, text in enumerate(json.load(open({:?})))]\n\
             for at in range(0, len(all), 10000): l.put_log_events(logEvents=all[at:at + 10000], **place)",
            self.log_group(cluster),
            self.begin.as_millisecond(),
            file.to_str().unwrap(),
        ));
        fs::remove_file(file).unwrap();
    }

    /// Detections of people, and the run that announces them, as the monitor writes them.
    fn records(&self, people: &[&str]) -> Vec<String> {
        let at = |seconds: i64| (self.begin + SignedDuration::from_secs(seconds)).to_string();
        let log_group = "/aws/rds/cluster/orders/postgresql";
        let window = json!({ "start": at(-300), "end": at(0) });
        let run = |new: usize| {
            json!({
                "record": "pgvigil.run", "level": "INFO", "logGroup": log_group, "counted": window, "newGroups": new,
            })
            .to_string()
        };
        let mut records = vec![
            "INIT_START Runtime Version: provided:al2023.v1".to_owned(),
            run(0),
        ];
        records.extend(people.iter().map(|user| {
            json!({
                "record": "pgvigil.detection", "version": 2, "window": window, "rules": "aa", "policy": "bb",
                "environment": "prod", "cluster": "orders", "log_group": log_group, "signals": ["dml"], "user": user,
                "database": "shop", "client": "10.0.3.17", "class": "READ", "command": "SELECT",
                "object": "public.customers", "statements": 3, "records": 3, "not_judged": 0, "first_seen": at(-200),
                "last_seen": at(-100), "new": true, "incomplete": false, "severity": "high",
                "severity_reason": "a relation is sensitive",
            })
            .to_string()
        }));
        records.push(run(people.len()));
        records
    }

    fn command(&self, more: &[&str]) -> Command {
        let mut command = self.world.command(&["report", "--env", "prod"]);
        command.args([
            "--since",
            &self.since,
            "--until",
            &self.until,
            "--format",
            "json",
        ]);
        command.args(more);
        command
    }

    #[track_caller]
    fn report(&self, more: &[&str], code: i32) -> (String, String) {
        let output = self.command(more).output().unwrap();
        let (out, said) = texts(&output);
        assert_eq!(output.status.code(), Some(code), "{said}");
        (out, said)
    }

    /// The calls to the log of a monitor.
    fn reads(&self) -> usize {
        let calls = self.world.moto.calls();
        calls
            .iter()
            .filter(|call| call.operation == "FilterLogEvents")
            .count()
    }

    /// Files of the repository that a report can have made.
    fn left(&self) -> Vec<String> {
        fs::read_dir(self.world.root())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .filter(|name| {
                !["environments", "rules", "pgvigil-monitor-arm64.zip"].contains(&&**name)
            })
            .collect()
    }

    fn edit(&self, from: &str, to: &str) {
        let path = self.world.root().join("environments/prod.yaml");
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.contains(from), "{text}");
        fs::write(path, text.replace(from, to)).unwrap();
    }
}

fn texts(output: &Output) -> (String, String) {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    (text(&output.stdout), text(&output.stderr))
}

#[test]
fn the_report_is_the_one_of_the_saved_file() {
    let account = Account::new(&["orders"]);
    let records = account.records(&["alice", "bob \u{202e}\u{1b}[31m"]);
    account.log(0, &records);
    let (saved, said) = account.report(&["--save-records", "f.jsonl"], NOT_COMPLETE);
    assert!(
        said.contains("5 events of the monitor's log written to f.jsonl"),
        "{said}"
    );
    let (given, _) = account.report(&["--records", "f.jsonl"], NOT_COMPLETE);
    assert_eq!(saved, given);
    let report: Value = serde_json::from_str(&saved).unwrap();
    let users: BTreeSet<&str> = report["detections"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["user"].as_str().unwrap())
        .collect();
    assert_eq!(users, BTreeSet::from(["alice", "bob \u{202e}\u{1b}[31m"]));
    assert_eq!(report["coverage"]["runs"], 2);
    let lacks = report["lacks"].to_string();
    assert!(
        !lacks.contains("not understood") && !lacks.contains("missing"),
        "{lacks}"
    );
    // Each event whole, as the AWS CLI writes it.
    let text = fs::read_to_string(account.world.root().join("f.jsonl")).unwrap();
    let events: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let messages: Vec<&str> = events
        .iter()
        .map(|event| event["message"].as_str().unwrap())
        .collect();
    assert_eq!(messages, records);
    assert!(events.iter().all(
        |event| event["logGroupName"] == account.log_group(0).as_str()
            && event["logStreamName"] == "2026/12/03/[$LATEST]a"
            && event["ingestionTime"].as_i64() > Some(0)
            && event["eventId"].is_string()
    ));
    // Compressed.
    account.report(&["--save-records", "f.jsonl.gz"], NOT_COMPLETE);
    let file = fs::File::open(account.world.root().join("f.jsonl.gz")).unwrap();
    let mut unpacked = String::new();
    GzDecoder::new(file).read_to_string(&mut unpacked).unwrap();
    assert_eq!(unpacked, text);
    // The forms for other systems are made of it too.
    let output = account
        .world
        .command(&[
            "report",
            "--env",
            "prod",
            "--since",
            &account.since,
            "--until",
            &account.until,
        ])
        .args(["--save-records", "g.jsonl", "--format", "ocsf"])
        .output()
        .unwrap();
    assert_eq!(texts(&output).0.lines().count(), 2, "{}", texts(&output).1);
    // What is there may be the only copy.
    let before = account.reads();
    let (_, said) = account.report(&["--save-records", "f.jsonl"], 2);
    assert!(said.contains("f.jsonl exists already"), "{said}");
    assert_eq!(
        fs::read_to_string(account.world.root().join("f.jsonl")).unwrap(),
        text
    );
    let (_, said) = account.report(&["--save-records", "f.jsonl.zst"], 2);
    assert!(said.contains("cannot write .zst"), "{said}");
    assert_eq!(account.reads(), before);
    // Its calls are those that `iam-policy --for report` allows, and it needs no other.
    let loaded = policy::load(account.world.root()).unwrap();
    let environment = loaded.policy.environment("prod").unwrap();
    let allowed = permission::policy(environment, Purpose::Report);
    let ours = account.world.moto.calls().into_iter();
    let made: BTreeSet<String> = ours
        .filter(|call| ["sts", "logs"].contains(&call.service.as_deref().unwrap()))
        .filter(|call| !call.writes)
        .map(|call| call.operation)
        .collect();
    let known: BTreeSet<String> = Operation::ALL
        .iter()
        .filter(|one| Purpose::Report.allows(**one))
        .map(|one| one.row().name.to_owned())
        .collect();
    assert_eq!(made, known);
    let statements = allowed["Statement"].as_array().unwrap();
    assert_eq!(statements.len(), 1, "{allowed}");
    assert_eq!(statements[0]["Action"], json!(["logs:FilterLogEvents"]));
    let resources = statements[0]["Resource"].to_string();
    assert!(
        resources.contains(":log-group:/aws/lambda/pgvigil-prod-*"),
        "{resources}"
    );
    let (code, printed) = account
        .world
        .run(&["iam-policy", "--env", "prod", "--for", "report"]);
    assert_eq!(
        (code, serde_json::from_str::<Value>(&printed).unwrap()),
        (0, allowed)
    );
}

#[test]
fn every_page_is_read_and_a_failure_in_the_middle_leaves_nothing() {
    let account = Account::new(&["orders"]);
    let mut records = account.records(&["alice"]);
    // Lambda's own lines: enough for three pages.
    records.extend((0..2 * PAGE).map(|number| format!("START RequestId: {number}")));
    records.extend(account.records(&["carol"]));
    account.log(0, &records);
    let fault = |skip: u32, times: Option<u32>, status: u32, code: &str| {
        account.world.moto.faults(&json!([{
            "operation": "logs:FilterLogEvents", "skip": skip, "times": times, "status": status, "code": code,
            "message": "as asked",
        }]));
    };
    // Denied at once, and between two pages.
    for skip in [0, 1] {
        fault(skip, None, 400, "AccessDeniedException");
        let (out, said) = account.report(&["--save-records", "f.jsonl.gz"], 1);
        assert_eq!(out, "");
        assert!(
            said.contains("cannot save the log of the monitor of `orders`"),
            "{said}"
        );
        assert!(
            said.contains("logs:FilterLogEvents") && said.contains(&account.log_group(0)),
            "{said}"
        );
        assert_eq!(account.left(), [""; 0]);
    }
    // What the service has no room for is tried again, and so is what has no answer.
    fault(1, Some(2), 400, "ThrottlingException");
    let before = account.reads();
    let (found, _) = account.report(&["--save-records", "f.jsonl"], NOT_COMPLETE);
    assert_eq!(account.reads() - before, 3 + 2);
    account.world.moto.faults(
        &json!([{ "operation": "logs:FilterLogEvents", "skip": 2, "times": 1, "cut": true }]),
    );
    account.report(&["--save-records", "g.jsonl"], NOT_COMPLETE);
    account.world.moto.faults(&json!([]));
    let read = |name: &str| fs::read_to_string(account.world.root().join(name)).unwrap();
    assert!(read("f.jsonl") == read("g.jsonl"));
    let messages: Vec<String> = read("f.jsonl")
        .lines()
        .map(|line| {
            serde_json::from_str::<Value>(line).unwrap()["message"]
                .as_str()
                .unwrap()
                .to_owned()
        })
        .collect();
    assert!(
        messages == records,
        "{} of {}",
        messages.len(),
        records.len()
    );
    let report: Value = serde_json::from_str(&found).unwrap();
    assert_eq!(report["totals"]["detections"], 2);
}

#[test]
fn a_monitor_without_a_log_is_said() {
    let account = Account::new(&["orders", "billing"]);
    let (_, said) = account.report(&["--save-records", "f.jsonl"], 1);
    assert!(
        said.contains("no monitor of the environment `prod` has a log"),
        "{said}"
    );
    assert!(
        said.contains(&account.log_group(0)) && said.contains(&account.log_group(1)),
        "{said}"
    );
    assert_eq!(account.left(), [""; 0]);
    account.log(0, &account.records(&["alice"]));
    let (found, said) = account.report(&["--save-records", "f.jsonl"], NOT_COMPLETE);
    let warned = format!(
        "warning: the log group {} does not exist",
        account.log_group(1)
    );
    assert!(said.contains(&warned), "{said}");
    let report: Value = serde_json::from_str(&found).unwrap();
    // No hour has evidence of both clusters.
    assert_eq!(
        (
            report["complete"].as_bool(),
            report["coverage"]["known"].as_u64()
        ),
        (Some(false), Some(0))
    );
}

#[test]
fn an_environment_without_a_monitor_is_refused() {
    let account = Account::new(&["orders"]);
    account.edit("clusters:", "engine: log-alarm\nclusters:");
    let (_, said) = account.report(&["--save-records", "f.jsonl"], 2);
    assert!(
        said.contains("has no monitor, because its engine is `log-alarm`"),
        "{said}"
    );
    fs::write(
        account.world.root().join("environments/prod.yaml"),
        "version: 1\nprovider: local\nfolder: deployed\nclusters: [orders]\n",
    )
    .unwrap();
    let (_, said) = account.report(&["--save-records", "f.jsonl"], 2);
    assert!(
        said.contains("is a folder on this machine, where no monitor runs"),
        "{said}"
    );
    assert_eq!(account.left(), [""; 0]);
    assert_eq!(
        account
            .world
            .moto
            .calls()
            .iter()
            .filter(|call| call.service.as_deref() == Some("sts"))
            .count(),
        0
    );
}

/// The credentials of another account: its log would be evidence of something else.
#[test]
fn another_account_is_refused() {
    let account = Account::new(&["orders"]);
    account.log(0, &account.records(&["alice"]));
    account.edit("123456789012", "210987654321");
    let (_, said) = account.report(&["--save-records", "f.jsonl"], 1);
    assert!(said.contains("but the credentials lead to"), "{said}");
    assert_eq!((account.reads(), account.left().len()), (0, 0));
}

#[test]
fn a_stop_leaves_nothing() {
    let account = Account::new(&["orders"]);
    let mut records = account.records(&["alice"]);
    records.extend((0..PAGE).map(|number| format!("START RequestId: {number}")));
    account.log(0, &records);
    for signal in ["-INT", "-TERM"] {
        account
            .world
            .moto
            .faults(&json!([{ "operation": "logs:FilterLogEvents", "delay": 2.0 }]));
        let before = account.reads();
        let child = account
            .command(&["--save-records", "f.jsonl"])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        while account.reads() == before {
            std::thread::sleep(Duration::from_millis(20));
        }
        let id = child.id().to_string();
        assert!(
            Command::new("kill")
                .args([signal, &id])
                .status()
                .unwrap()
                .success()
        );
        let output = child.wait_with_output().unwrap();
        let (out, said) = texts(&output);
        assert_eq!(
            (out.as_str(), output.status.code()),
            ("", Some(1)),
            "{said}"
        );
        assert!(said.contains("stopped; nothing was written"), "{said}");
        assert_eq!(account.reads() - before, 1, "no page after the stop");
        assert_eq!(account.left(), [""; 0]);
    }
}
