//! `pgvigil prove`: against moto with our Logs Insights in front of it, and against an account in memory with each assumed answer
//! turned over.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "helpers of tests may panic"
)]

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::io::{Read as _, Write as _};
use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use flate2::read::GzDecoder;
use flate2::{Compression, GzBuilder};
use jiff::{SignedDuration, Timestamp};
use pgvigil::audit_log::prefix::LogLinePrefix;
use pgvigil::compile::fetch::Fetch;
use pgvigil::compile::{self, QuerySource};
use pgvigil::deploy::port::CloudError;
use pgvigil::doctor::Subject;
use pgvigil::doctor::canary::{Canary, CanaryAlarm, Clock, Patience};
use pgvigil::doctor::observation::{AlarmAction, AlarmState};
use pgvigil::insights::assumed;
use pgvigil::insights::service::{
    LogGroup, Progress, QueryResult, QueryService, Request, ServiceError,
};
use pgvigil::policy::model::Engine;
use pgvigil::prove::port::{Entry, Group, OwnLogs, Stored as Kept};
use pgvigil::prove::report::{Removed, Report, State};
use pgvigil::prove::{self, Question, TAG, text};
use rayon::prelude::*;
use serde_json::Value;

use crate::aws_world::World;
use crate::insights_server::{End, Server as Insights, Stored, Upstream};
use crate::recorded;
use crate::turned::{self, Time, Turned};

/// Bytes of an entry of the choice at most: a report is no place for long ones, and the probes have one.
const LONGEST: usize = 4_000;

/// The choice of the recordings: texts that begin alike, but for digits, are of one kind.
fn chosen(prefix: LogLinePrefix) -> Vec<String> {
    // What stands behind the long prefix is as long as what stands behind the short one.
    let (time, compared) = match prefix {
        LogLinePrefix::Short => (20, 90),
        LogLinePrefix::Long => (24, 130),
    };
    let mut kinds = HashSet::new();
    let mut texts = Vec::new();
    for recording in recorded::all().iter().filter(|one| one.prefix == prefix) {
        for entry in &recording.log.entries {
            let Ok(text) = std::str::from_utf8(&entry.text) else {
                continue;
            };
            let mut kind: Vec<char> = text
                .chars()
                .skip(time)
                .map(|character| match character {
                    '0'..='9' => '0',
                    white if white.is_whitespace() => ' ',
                    other => other,
                })
                .collect();
            kind.dedup_by(|one, before| one == before && matches!(one, '0' | ' '));
            kind.truncate(compared);
            if text.len() <= LONGEST && kinds.insert(kind) {
                texts.push(text.to_owned());
            }
        }
    }
    texts
}

#[test]
fn the_entries_are_a_choice_of_the_recordings() {
    for (prefix, name) in [
        (LogLinePrefix::Short, "short"),
        (LogLinePrefix::Long, "long"),
    ] {
        let path = Path::new("src/prove/recorded").join(format!("{name}.jsonl.gz"));
        let path = recorded::root().join(path);
        let wanted: String = chosen(prefix)
            .iter()
            .map(|text| format!("{}\n", serde_json::to_string(text).unwrap()))
            .collect();
        if std::env::var_os("PGVIGIL_UPDATE").is_some() {
            let mut packed = GzBuilder::new().write(Vec::new(), Compression::best());
            packed.write_all(wanted.as_bytes()).unwrap();
            std::fs::write(&path, packed.finish().unwrap()).unwrap();
        }
        let mut found = String::new();
        GzDecoder::new(std::fs::File::open(&path).unwrap())
            .read_to_string(&mut found)
            .unwrap();
        assert!(
            found == wanted,
            "{name}: run this test with PGVIGIL_UPDATE=1"
        );
        assert!(
            found.lines().count() > 2_000 && found.len() < 2_000_000,
            "{}",
            found.len()
        );
    }
}

/// An account in memory: its log groups, one alarm, and a clock that goes on when somebody waits.
struct Account {
    groups: RefCell<BTreeMap<String, OwnGroup>>,
    alarms: RefCell<BTreeMap<String, u32>>,
    now: Cell<Timestamp>,
    turned: Vec<&'static str>,
    /// The number of the write that fails, and whether it is carried out all the same.
    fails: Option<(usize, bool)>,
    /// The number of the call before which somebody presses Ctrl-C.
    stops: Option<usize>,
    calls: Cell<usize>,
    stop: AtomicBool,
    pages: bool,
    /// Every how manieth of the recorded entries is written.
    every: usize,
    /// Of the environment.
    form: (Engine, LogLinePrefix),
}

#[derive(Debug, Clone, Default)]
struct OwnGroup {
    tags: BTreeMap<String, String>,
    created_ms: i64,
    entries: Vec<Stored>,
}

fn began() -> Timestamp {
    "2026-12-02T08:00:00.250Z".parse().unwrap()
}

impl Account {
    fn new() -> Self {
        Self {
            now: Cell::new(began()),
            every: 20,
            form: (Engine::Monitor, LogLinePrefix::Short),
            groups: RefCell::default(),
            alarms: RefCell::default(),
            turned: Vec::new(),
            fails: None,
            stops: None,
            calls: Cell::new(0),
            stop: AtomicBool::new(false),
            pages: false,
        }
    }

    fn call<T>(&self, act: impl FnOnce() -> T) -> Result<T, CloudError> {
        let number = self.calls.get();
        self.calls.set(number + 1);
        self.now
            .set(self.now.get() + SignedDuration::from_millis(40));
        if self.stops == Some(number) {
            self.stop.store(true, std::sync::atomic::Ordering::SeqCst);
        }
        let error = CloudError::Unavailable {
            operation: "call",
            resource: "arn:aws:logs:eu-central-1:123456789012:log-group:x".to_owned(),
            message: format!("call {number} fails in account 123456789012"),
        };
        match self.fails {
            Some((fails, carried_out)) if fails == number => {
                if carried_out {
                    act();
                }
                Err(error)
            }
            _ => Ok(act()),
        }
    }

    fn prove(&self) -> Report {
        let loaded = recorded::shipped();
        let all = &loaded.policy.environments;
        let mut environment = all
            .iter()
            .find(|one| one.name == "production")
            .unwrap()
            .clone();
        (environment.engine, environment.log_line_prefix) = self.form;
        let compiled = compile::compile(loaded, &environment, "2026-12-02".parse().unwrap());
        let source = QuerySource::of(&loaded.policy, &environment);
        let subject = Subject::new(&environment, &environment.clusters[0], &compiled.documents);
        let question = Question {
            subject: &subject,
            fetch: &Fetch::of(&source),
            texts: text::others(&source, &compiled, &subject),
            recordings: prove::recorded::texts(self.form.1)
                .into_iter()
                .step_by(self.every)
                .collect(),
            rules: &compiled.rules,
            token: "t0ken",
            pages: self.pages,
            patience: Patience {
                timeout: Duration::from_secs(120),
                interval: Duration::from_secs(5),
            },
            stop: &self.stop,
            clock: self,
        };
        prove::prove(&question, self, self, self, &mut |_| ())
    }

    /// Nothing of the proof is there any more.
    fn is_empty(&self) -> bool {
        self.groups.borrow().is_empty() && self.alarms.borrow().is_empty()
    }
}

impl Clock for Account {
    fn now(&self) -> Timestamp {
        self.now.get()
    }

    fn wait(&self, length: Duration) {
        self.now
            .set(self.now.get() + SignedDuration::try_from(length).unwrap());
    }
}

impl OwnLogs for Account {
    fn create(&self, group: &str, tags: &BTreeMap<String, String>) -> Result<(), CloudError> {
        self.call(|| {
            let made = OwnGroup {
                tags: tags.clone(),
                created_ms: self.now.get().as_millisecond(),
                entries: Vec::new(),
            };
            self.groups.borrow_mut().insert(group.to_owned(), made);
        })
    }

    fn write(&self, group: &str, stream: &str, entries: &[Entry]) -> Result<(), CloudError> {
        self.call(|| {
            let now = self.now.get().as_millisecond();
            let stored = entries.iter().map(|entry| Stored {
                ingestion_ms: now,
                ..Stored::new(group, stream, entry.at_ms, entry.text.clone().into_bytes())
            });
            let mut groups = self.groups.borrow_mut();
            groups.get_mut(group).unwrap().entries.extend(stored);
        })
    }

    fn read(&self, group: &str, stream: &str) -> Result<Vec<Kept>, CloudError> {
        self.call(|| {
            let groups = self.groups.borrow();
            let entries = groups[group].entries.iter();
            entries
                .filter(|entry| entry.stream == stream)
                .map(|entry| Kept {
                    stream: stream.to_owned(),
                    at_ms: entry.timestamp_ms,
                    arrived_ms: entry.ingestion_ms,
                    text: String::from_utf8(entry.message.clone()).unwrap(),
                })
                .collect()
        })
    }

    fn groups(&self, prefix: &str) -> Result<Vec<Group>, CloudError> {
        self.call(|| {
            let groups = self.groups.borrow();
            let found = groups.iter().filter(|(name, _)| name.starts_with(prefix));
            found
                .map(|(name, group)| Group {
                    name: name.clone(),
                    tags: group.tags.clone(),
                    created_ms: Some(group.created_ms),
                })
                .collect()
        })
    }

    fn delete(&self, group: &str) -> Result<(), CloudError> {
        self.call(|| {
            self.groups.borrow_mut().remove(group);
        })
    }
}

impl QueryService for Account {
    fn log_group(&self, _: &str) -> Result<LogGroup, ServiceError> {
        unreachable!()
    }

    fn run(
        &self,
        requests: &[Request],
        stop: &AtomicBool,
        _: &mut dyn FnMut(Progress),
    ) -> Result<Vec<QueryResult>, ServiceError> {
        if stop.load(std::sync::atomic::Ordering::SeqCst) {
            return Err(ServiceError::Stopped);
        }
        let unavailable = |error: CloudError| ServiceError::Unavailable {
            operation: "run the queries",
            message: error.to_string(),
        };
        self.call(|| ()).map_err(unavailable)?;
        let now_ms = self.now.get().as_millisecond();
        let groups = self.groups.borrow();
        let one = |request: &Request| {
            let time = Time {
                from: request.from,
                until: request.until,
                end: End::WholeSecond,
                now_ms,
            };
            let entries = groups[&request.log_groups[0]].entries.iter();
            let turned: &Turned = &self.turned;
            turned::answer(turned, &request.text, time, request.limit.into(), entries)
                .map(|answered| QueryResult {
                    table: answered.table,
                    ..QueryResult::default()
                })
                .map_err(|message| ServiceError::Refused { message })
        };
        requests.iter().map(one).collect()
    }
}

impl Canary for Account {
    fn publish(&self, alarm: &CanaryAlarm, value: u32) -> Result<(), CloudError> {
        assert_eq!(alarm.topic.is_some(), self.pages);
        self.call(|| {
            if let Some(found) = self.alarms.borrow_mut().get_mut(&alarm.name) {
                *found = value;
            }
        })
    }

    fn create(&self, alarm: &CanaryAlarm) -> Result<(), CloudError> {
        self.call(|| {
            self.alarms.borrow_mut().insert(alarm.name.clone(), 0);
        })
    }

    fn state(&self, name: &str) -> Result<Option<AlarmState>, CloudError> {
        self.call(|| {
            self.alarms.borrow().get(name).map(|value| match value {
                0 => AlarmState::Ok,
                _ => AlarmState::Alarm,
            })
        })
    }

    fn actions(&self, name: &str) -> Result<Vec<AlarmAction>, CloudError> {
        self.call(|| {
            let alarms = self.alarms.borrow();
            let value = alarms[name];
            vec![AlarmAction {
                at: self.now.get(),
                state: Some(if value == 0 {
                    AlarmState::Ok
                } else {
                    AlarmState::Alarm
                }),
                succeeded: true,
                message: "Successfully executed action".to_owned(),
            }]
        })
    }

    fn alarms(&self, prefix: &str) -> Result<Vec<String>, CloudError> {
        self.call(|| {
            let alarms = self.alarms.borrow();
            alarms
                .keys()
                .filter(|name| name.starts_with(prefix))
                .cloned()
                .collect()
        })
    }

    fn delete(&self, name: &str) -> Result<(), CloudError> {
        self.call(|| {
            self.alarms.borrow_mut().remove(name);
        })
    }
}

#[test]
fn a_service_as_assumed_is_proven() {
    for pages in [false, true] {
        let account = Account {
            pages,
            every: 1,
            ..Account::new()
        };
        let report = account.prove();
        assert_eq!((report.others(), report.not_asked()), (0, 0), "{report:#?}");
        assert_eq!(report.questions.len(), assumed::assumptions().len());
        assert!(report.texts.len() > 10, "{:#?}", report.texts);
        assert!(report.entries > 2_000 && report.late > 100 && report.texts[0].rows > 500);
        assert_eq!(report.removed, Removed::Everything);
        assert_eq!(report.alarm.len(), if pages { 7 } else { 5 });
        assert!(account.is_empty());
    }
}

#[test]
fn the_texts_of_log_alarms_are_proven_too() {
    let account = Account {
        every: 4,
        form: (Engine::LogAlarm, LogLinePrefix::Long),
        ..Account::new()
    };
    let report = account.prove();
    assert_eq!((report.others(), report.not_asked()), (0, 0), "{report:#?}");
    let text = report
        .texts
        .iter()
        .find(|text| text.name == "log-alarm-dml")
        .unwrap();
    assert!(text.compared && text.rows > 100, "{text:?}");
}

#[test]
fn each_answer_that_is_turned_over_is_noticed() {
    let names: Vec<&str> = assumed::assumptions().iter().map(|one| one.name).collect();
    let unnoticed: Vec<String> = names
        .par_iter()
        .filter_map(|name| {
            let account = Account {
                turned: vec![name],
                ..Account::new()
            };
            let report = account.prove();
            assert!(account.is_empty(), "{name}");
            let answer = report
                .questions
                .iter()
                .find(|one| one.name == *name)
                .unwrap();
            let is_noticed = matches!(answer.state, State::Other(_));
            (!is_noticed).then(|| format!("{name}: {:?}", answer.state))
        })
        .collect();
    assert_eq!(unnoticed, [""; 0]);
}

/// Whatever fails, and wherever somebody presses Ctrl-C: nothing is left, or the report says that something may be.
#[test]
fn a_call_that_fails_and_a_stop_leave_nothing_behind() {
    let calls = {
        let account = Account::new();
        account.prove();
        account.calls.get()
    };
    assert!(calls > 30, "{calls}");
    let runs = (0..calls).flat_map(|number| {
        [
            (Some((number, false)), None),
            (Some((number, true)), None),
            (None, Some(number)),
        ]
    });
    let runs: Vec<_> = runs.collect();
    runs.par_iter().for_each(|(fails, stops)| {
        let account = Account {
            fails: *fails,
            stops: *stops,
            ..Account::new()
        };
        let report = account.prove();
        let what = format!("{fails:?} {stops:?}: {report:#?}");
        // Where a deletion, or the look after it, failed, the report says so although all may be gone.
        assert!(
            report.removed == Removed::NotEverything || account.is_empty(),
            "{what}"
        );
        assert!(fails.is_some() || account.is_empty(), "{what}");
        // One failure is told somewhere, and never with the account's number.
        let json = serde_json::to_string(&report).unwrap();
        assert!(
            !json.contains("123456789012") && !json.contains("arn:"),
            "{what}"
        );
    });
}

#[test]
fn what_a_killed_run_left_is_found_by_its_tag() {
    let account = Account::new();
    let base = "/pgvigil/prove/production/";
    let group = |hours: i64, tag: &str| OwnGroup {
        tags: BTreeMap::from([(tag.to_owned(), "x".to_owned())]),
        created_ms: began().as_millisecond() - hours * 3_600_000,
        entries: Vec::new(),
    };
    account.groups.borrow_mut().extend([
        (format!("{base}old/entries"), group(5, TAG)),
        (format!("{base}young/entries"), group(1, TAG)),
        (format!("{base}foreign"), group(5, "owner")),
        ("/pgvigil/prove/other/old".to_owned(), group(5, TAG)),
    ]);
    let names = |account: &Account| {
        account
            .groups
            .borrow()
            .keys()
            .cloned()
            .collect::<BTreeSet<_>>()
    };
    let report = account.prove();
    assert_eq!(report.left_behind, 1);
    assert_eq!(
        names(&account).into_iter().collect::<Vec<_>>(),
        [
            "/pgvigil/prove/other/old",
            "/pgvigil/prove/production/foreign",
            "/pgvigil/prove/production/young/entries"
        ]
    );
    let all = &recorded::shipped().policy.environments;
    let environment = all.iter().find(|one| one.name == "production").unwrap();
    let gone = prove::clean(&account, environment, began(), true).unwrap();
    assert_eq!(gone, ["/pgvigil/prove/production/young/entries"]);
}

/// moto keeps the entries, and takes metrics and alarms; our Logs Insights runs the queries over what moto has.
struct Stand {
    world: World,
    insights: Insights,
}

impl Stand {
    fn new() -> Self {
        let world = World::new(&["orders"]);
        let insights = Insights::start(Vec::new());
        insights.state().upstream = Some(Upstream::new(&world.moto.endpoint()));
        Self { world, insights }
    }

    fn run(&self, arguments: &[&str]) -> (i32, String) {
        let output = self
            .world
            .command(arguments)
            .env("AWS_ENDPOINT_URL_CLOUDWATCH_LOGS", self.insights.url())
            .output()
            .unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        let told = String::from_utf8(output.stderr).unwrap();
        (output.status.code().unwrap_or(-1), text + &told)
    }

    fn log_groups(&self) -> Vec<String> {
        let asked = serde_json::json!({ "logGroupNamePrefix": "/pgvigil/" });
        let found = self
            .world
            .json("logs", "Logs_20140328.DescribeLogGroups", &asked);
        let groups = found["logGroups"].as_array().unwrap().iter();
        groups
            .map(|group| group["logGroupName"].as_str().unwrap().to_owned())
            .collect()
    }
}

const PROVE: [&str; 4] = ["prove", "--env", "prod", "--auto-approve"];

#[test]
fn prove_runs_on_moto_from_end_to_end() {
    let stand = Stand::new();
    let (code, text) = stand.run(&[&PROVE[..], &["--format", "json"]].concat());
    assert_eq!(code, 0, "{text}");
    assert!(text.contains("No one is paged."), "{text}");
    let json = text.split("\n}\n").next().unwrap().to_owned() + "}";
    let report: Value = serde_json::from_str(&json[json.find("{\n").unwrap()..]).unwrap();
    assert_eq!(
        (&report["other"], &report["not_asked"]),
        (&0.into(), &0.into()),
        "{report:#}"
    );
    for word in ["123456789012", "eu-central-1", "prod", "orders", "arn:"] {
        assert!(!json.contains(word), "{word}");
    }
    assert_eq!(stand.log_groups(), [""; 0]);
    assert_eq!(stand.world.moto.messages(), serde_json::json!([]));

    // One answer in each group of answers is other.
    stand.insights.state().turned = vec![
        "time-of-arrival",
        "precedence",
        "few-distinct",
        "longest-text",
    ];
    let (code, text) = stand.run(&[&PROVE[..], &["--format", "markdown"]].concat());
    assert_eq!(code, 10, "{text}");
    for name in [
        "time-of-arrival",
        "precedence",
        "few-distinct",
        "longest-text",
        "fetch all text",
    ] {
        assert!(
            text.contains(&format!("| other | {name}: ")),
            "{name}: {text}"
        );
    }
    assert!(text.contains("| ok | missing-coalesce: "), "{text}");
    assert_eq!(stand.log_groups(), [""; 0]);
}

#[test]
fn prove_takes_away_what_is_left_and_asks_before_it_begins() {
    let stand = Stand::new();
    let (code, text) = stand.run(&["prove", "--env", "prod"]);
    assert_eq!(code, 2, "{text}");
    assert!(
        text.contains("there is no terminal to ask for approval") && text.contains("USD"),
        "{text}"
    );
    assert_eq!(stand.log_groups(), [""; 0]);

    // Nobody has the right to delete: something is left, and the next run finds it.
    stand.world.moto.faults(&serde_json::json!([
        {"operation": "logs:DeleteLogGroup", "times": 2, "status": 400, "code": "AccessDeniedException", "message": "no"},
        {"operation": "logs:PutLogEvents", "times": null, "status": 400, "code": "AccessDeniedException", "message": "no"}
    ]));
    let (code, text) = stand.run(&PROVE);
    assert_eq!(code, 1, "{text}");
    assert!(
        text.contains("`pgvigil prove --env prod --clean` removes them"),
        "{text}"
    );
    assert_eq!(stand.log_groups().len(), 2);
    stand.world.moto.faults(&serde_json::json!([]));
    let (code, text) = stand.run(&["prove", "--env", "prod", "--clean"]);
    assert_eq!(
        (code, text.matches("deleted /pgvigil/prove/prod/").count()),
        (0, 2),
        "{text}"
    );
    let (code, text) = stand.run(&["prove", "--env", "prod", "--clean"]);
    assert_eq!((code, text.as_str()), (0, "no test resources are left\n"));
    assert_eq!(stand.log_groups(), [""; 0]);
}
