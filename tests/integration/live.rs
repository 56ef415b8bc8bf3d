//! Queries in Logs Insights, against a server that speaks its protocol on loopback.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests may panic"
)]

use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use pgvigil::cloud::aws::Logs;
use pgvigil::cloud::aws::logs::Pace;
use pgvigil::compile::query::{QUERY_LIMIT, QuerySource};
use pgvigil::insights::service::{
    Progress, QueryResult, QueryService, Request, ServiceError, Statistics,
};
use pgvigil::insights::{Options, Program, Table, open_questions, parse};
use pgvigil::policy::model::Signal;
use pgvigil::rules::live::{Answer, Borders, Groups, LiveError, Plan, Window, newly};

use crate::insights_server::{End, Fault, Server, Stored, group};
use crate::recorded;

const GROUP: &str = "/aws/rds/cluster/orders/postgresql";

/// A count of entries, with the columns of the alarm query.
const COUNT: &str = "# first line\nfilter @message like 'entry'\n| stats count(*) as statements, count(*) as records \
    by @message as user, @log as database, 'c' as class, 'd' as command, 'e' as object";

/// Fast enough for a test.
fn pace() -> Pace {
    Pace {
        poll_first: Duration::from_millis(2),
        poll_most: Duration::from_millis(10),
        retry_first: Duration::from_millis(4),
        retry_most: Duration::from_millis(20),
        deadline: Duration::from_secs(60),
        ..Pace::default()
    }
}

fn connect(server: &Server) -> Logs {
    Logs::emulator(&server.url()).unwrap().with_pace(pace())
}

fn go(service: &dyn QueryService, plan: &Plan) -> Result<Vec<Answer>, LiveError> {
    plan.run(service, &AtomicBool::new(false), &mut |_| {})
}

fn service_error(result: Result<Vec<Answer>, LiveError>) -> ServiceError {
    match result {
        Err(LiveError::Service(error)) => error,
        other => panic!("{other:?}"),
    }
}

/// Milliseconds of `2026-11-22 06:54:38 UTC:…` and `2026-11-22 06:54:38.123 UTC:…`.
fn time(text: &[u8]) -> i64 {
    let (stamp, _) = std::str::from_utf8(&text[..32])
        .unwrap()
        .split_once(" UTC:")
        .unwrap();
    let stamp: jiff::Timestamp = format!("{}Z", stamp.replace(' ', "T")).parse().unwrap();
    stamp.as_millisecond()
}

/// The entries of recordings, as they would stand in a log group.
fn recorded(names: &[&str]) -> Vec<Stored> {
    let mut events: Vec<Stored> = recorded::all()
        .iter()
        .filter(|recording| names.contains(&recording.name.as_str()))
        .flat_map(|recording| {
            recording.log.entries.iter().map(|entry| {
                Stored::new(
                    GROUP,
                    &recording.name,
                    time(&entry.text),
                    entry.text.clone(),
                )
            })
        })
        .collect();
    assert!(!events.is_empty());
    events.sort_by_key(|event| event.timestamp_ms);
    events
}

/// The window that holds all entries.
fn window_of(events: &[Stored]) -> Window {
    let times = || events.iter().map(|event| event.timestamp_ms);
    Window {
        from: times().min().unwrap().div_euclid(1000),
        until: times().max().unwrap().div_euclid(1000) + 1,
    }
}

/// What our interpreter makes of the entries, without any service.
fn local(text: &str, events: &[Stored]) -> Table {
    let program = Program::new(&parse(text).unwrap(), Options::default()).unwrap();
    let mut run = program.run();
    for event in events {
        event.event(|event| run.push(event));
    }
    run.finish()
}

/// The alarm query without and with the shipped exclusions: a change that silences.
fn alarms() -> [String; 2] {
    let policy = &recorded::shipped().policy;
    let mut head = QuerySource::of(policy, policy.environment("local").unwrap());
    // So that there is room for exact borders.
    head.signals = vec![Signal::Dml];
    let mut base = head.clone();
    base.exclusions.truncate(2);
    [base, head].map(|source| source.alarm("live").text)
}

fn groups() -> Vec<String> {
    vec![GROUP.to_owned()]
}

/// An entry a second for `seconds`, and in each second one at each of these milliseconds.
fn ticks(seconds: i64, milliseconds: &[i64]) -> Vec<Stored> {
    (0..seconds)
        .flat_map(|second| milliseconds.iter().map(move |ms| second * 1000 + ms))
        .map(|timestamp_ms| {
            let message = format!("entry {timestamp_ms}").into_bytes();
            Stored::new(GROUP, "writer", timestamp_ms, message)
        })
        .collect()
}

fn minute() -> Window {
    Window { from: 0, until: 60 }
}

#[test]
fn the_service_finds_what_the_interpreter_finds() {
    let events = recorded(&["psql.on-short", "people_psql.on-short"]);
    let [base, head] = alarms();
    let expected = [&base, &head].map(|text| Groups::of(&local(text, &events)).unwrap());
    assert!(expected[0].0.len() > expected[1].0.len());
    let window = window_of(&events);
    let server = Server::start(events);
    let logs = connect(&server);
    let whole = u32::try_from(window.until - window.from).unwrap();

    let plan = Plan::new(&[&base, &head], &groups(), window, whole);
    assert_eq!((plan.queries(), plan.borders()), (2, Borders::InQuery));
    let found = go(&logs, &plan).unwrap();
    assert_eq!(found[0].groups, expected[0]);
    assert_eq!(found[1].groups, expected[1]);
    assert!(found.iter().all(|answer| answer.cut.is_empty()));
    let changes = newly(&found[0].groups, &found[1].groups);
    assert!(!changes.is_empty() && changes.iter().all(|change| change.is_newly_silent()));
    assert_eq!(changes, newly(&expected[0], &expected[1]));

    // In slices the records add up; a statement that lies on a border counts on both sides of it.
    let plan = Plan::new(&[&base, &head], &groups(), window, 3);
    assert!(plan.queries() > 4, "{}", plan.queries());
    let sliced = go(&logs, &plan).unwrap();
    for (sliced, whole) in sliced.iter().zip(&found) {
        assert_eq!(sliced.groups.0.len(), whole.groups.0.len());
        for (group, counts) in &sliced.groups.0 {
            assert_eq!(counts.records, whole.groups.0[group].records, "{group:?}");
            assert!(counts.statements >= whole.groups.0[group].statements);
        }
        // The first second behind a slice is read and dropped; it is in no result.
        let (sliced, whole) = (sliced.statistics, whole.statistics);
        assert_eq!(sliced.records_matched, whole.records_matched);
        assert!(sliced.records_scanned > whole.records_scanned);
    }
    let records = |changes: &[pgvigil::rules::live::GroupChange]| -> Vec<_> {
        let records = changes.iter().map(|change| {
            (
                change.group.clone(),
                change.base.records,
                change.head.records,
            )
        });
        records.collect()
    };
    assert_eq!(
        records(&newly(&sliced[0].groups, &sliced[1].groups)),
        records(&changes)
    );
    assert!(server.state().calls.iter().all(|call| call.signed));
    assert_eq!(server.state().running(), 0);
}

#[test]
fn slices_lose_and_double_nothing() {
    let borders = [0, 1, 499, 500, 998, 999];
    for end in [End::WholeSecond, End::FirstMillisecond] {
        let events = ticks(60, &borders);
        let all = events.len() as u64;
        let server = Server::start(events);
        server.state().end = end;
        let logs = connect(&server);
        for slice in [1, 7, 20, 60, 86_400] {
            let plan = Plan::new(&[COUNT], &groups(), minute(), slice);
            let answer = &go(&logs, &plan).unwrap()[0];
            let once = answer.groups.0.values().filter(|c| c.records == 1).count() as u64;
            assert_eq!((once, all), (all, all), "{end:?}, slices of {slice} s");
            assert_eq!(answer.groups.0.len() as u64, all);
        }
        // A part of the minute: what lies outside stays outside.
        let part = Window {
            from: 10,
            until: 20,
        };
        let plan = Plan::new(&[COUNT], &groups(), part, 3);
        let answer = &go(&logs, &plan).unwrap()[0];
        let mut times: Vec<i64> = answer
            .groups
            .0
            .keys()
            .map(|group| group.user["entry ".len()..].parse().unwrap())
            .collect();
        times.sort_unstable();
        assert_eq!(times.len(), 10 * borders.len());
        assert_eq!((times[0], times[times.len() - 1]), (10_000, 19_999));
    }
}

#[test]
fn a_query_without_room_is_cut_at_whole_seconds() {
    let filler = format!("# {}\n{COUNT}", "x".repeat(QUERY_LIMIT - COUNT.len() - 10));
    assert!(filler.chars().count() <= QUERY_LIMIT);
    let count = |events: Vec<Stored>, end: End| {
        let server = Server::start(events);
        server.state().end = end;
        let plan = Plan::new(&[&filler, COUNT], &groups(), minute(), 7);
        assert_eq!(plan.borders(), Borders::WholeSeconds);
        let answers = go(&connect(&server), &plan).unwrap();
        assert_eq!(answers[0].groups, answers[1].groups);
        let records: Vec<u64> = answers[0].groups.0.values().map(|c| c.records).collect();
        assert!(records.iter().all(|records| *records == 1));
        records.len()
    };
    // Whole seconds are safe in both readings, milliseconds in one of them only.
    assert_eq!(count(ticks(60, &[0]), End::WholeSecond), 60);
    assert_eq!(count(ticks(60, &[0]), End::FirstMillisecond), 60);
    assert_eq!(count(ticks(60, &[0, 500]), End::WholeSecond), 120);
    assert_eq!(count(ticks(60, &[0, 500]), End::FirstMillisecond), 120 - 9);
}

#[test]
fn the_border_in_the_query_opens_no_question() {
    let events = ticks(1, &[0]);
    let server = Server::start(events);
    let [base, head] = alarms();
    let plan = Plan::new(&[&base, &head], &groups(), minute(), 60);
    go(&connect(&server), &plan).unwrap();
    let state = server.state();
    let started = state.called("StartQuery");
    assert_eq!(started.len(), 2);
    for call in started {
        let text = call.body["queryString"].as_str().unwrap();
        assert!(text.starts_with("# live\nfilter toMillis(@timestamp) < 60000\n| filter "));
        assert!(text.chars().count() <= QUERY_LIMIT);
        let added = "filter toMillis(@timestamp) < 60000\n| ";
        let questions = |text: &str| open_questions(&parse(text).unwrap()).len();
        assert_eq!(questions(text), questions(&text.replacen(added, "", 1)));
        assert_eq!(call.body["startTime"], 0);
        assert_eq!(call.body["endTime"], 60);
        assert_eq!(call.body["limit"], 10_000);
        assert_eq!(call.body["logGroupNames"], serde_json::json!([GROUP]));
    }
}

#[test]
fn what_passes_is_tried_again() {
    let faults = [
        Fault::Answer(400, "ThrottlingException"),
        Fault::Answer(400, "LimitExceededException"),
        Fault::Answer(500, "InternalFailure"),
        Fault::Answer(503, "ServiceUnavailableException"),
        Fault::Answer(502, ""),
        Fault::Reset,
        Fault::LoseAnswer,
    ];
    let expected = Groups::of(&local(COUNT, &ticks(60, &[0]))).unwrap();
    for fault in faults {
        for operation in ["StartQuery", "GetQueryResults"] {
            let server = Server::start(ticks(60, &[0]));
            server.state().fail(operation, &[fault; 3]);
            let plan = Plan::new(&[COUNT], &groups(), minute(), 30);
            let answers = go(&connect(&server), &plan).unwrap();
            assert_eq!(answers[0].groups, expected, "{fault:?} of {operation}");
            let calls = server.state().called(operation).len();
            assert!(calls >= 3 + plan.queries(), "{calls}");
            // A start whose answer was lost was a start: that query runs to its end, and nobody reads it.
            let lost = fault == Fault::LoseAnswer && operation == "StartQuery";
            assert_eq!(server.state().running(), if lost { 3 } else { 0 });
        }
    }
}

#[test]
fn a_full_region_is_waited_for() {
    let server = Server::start(ticks(60, &[0]));
    server.state().room = 1;
    let plan = Plan::new(&[COUNT, COUNT], &groups(), minute(), 10);
    let answers = go(&connect(&server), &plan).unwrap();
    assert_eq!(answers[0].groups.0.len(), 60);
    assert_eq!(server.state().most_running, 1);
}

#[test]
fn what_does_not_pass_has_an_end() {
    let server = Server::start(ticks(60, &[0]));
    server.state().room = 0;
    let short = Pace {
        deadline: Duration::from_millis(300),
        ..pace()
    };
    let plan = Plan::new(&[COUNT], &groups(), minute(), 60);
    let logs = Logs::emulator(&server.url()).unwrap().with_pace(short);
    let begin = Instant::now();
    let error = service_error(go(&logs, &plan));
    assert!(
        matches!(&error, ServiceError::Busy { message, .. } if message.contains("concurrency limit")),
        "{error:?}"
    );
    assert!(begin.elapsed() < Duration::from_secs(20));

    let server = Server::start(ticks(60, &[0]));
    server.state().fail("StartQuery", &[Fault::Reset; 100]);
    let error = service_error(go(&connect(&server), &plan));
    assert!(
        matches!(
            error,
            ServiceError::Unavailable {
                operation: "start a query",
                ..
            }
        ),
        "{error:?}"
    );
    assert_eq!(server.state().called("StartQuery").len(), 6);
}

#[test]
fn a_server_that_is_not_there_is_told() {
    // A port that was free a moment ago.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let logs = Logs::emulator(&url).unwrap().with_pace(pace());
    let error = logs.log_group(GROUP).unwrap_err().to_string();
    assert!(
        error.starts_with("cannot look up a log group: AWS cannot be reached: "),
        "{error}"
    );
    assert!(error.contains("Connection refused"), "{error}");
    assert!(
        error.ends_with("; try again") && error.len() < 200,
        "{error}"
    );
}

#[test]
fn nothing_to_query_is_no_empty_result() {
    let server = Server::start(Vec::new());
    let empty = Window {
        from: 60,
        until: 60,
    };
    for plan in [
        Plan::new(&[COUNT], &[], minute(), 60),
        Plan::new(&[COUNT], &groups(), empty, 60),
    ] {
        assert_eq!(go(&connect(&server), &plan), Err(LiveError::Nothing));
    }
}

#[test]
fn a_query_that_the_service_gives_up_is_no_result() {
    for state in ["Failed", "Timeout", "Cancelled"] {
        let server = Server::start(ticks(60, &[0]));
        server.state().ends.extend(["Complete", state]);
        server.state().looks = 5;
        let plan = Plan::new(&[COUNT], &groups(), minute(), 10);
        let error = service_error(go(&connect(&server), &plan));
        assert!(
            matches!(&error, ServiceError::Ended { state: told, .. } if told == state),
            "{error:?}"
        );
        assert_eq!(server.state().running(), 0, "the others were stopped");
    }
    // Neither an end nor known: the query goes on.
    let server = Server::start(ticks(60, &[0]));
    server.state().ends.extend(["Unknown"]);
    let plan = Plan::new(&[COUNT], &groups(), minute(), 60);
    let short = Pace {
        deadline: Duration::from_millis(300),
        ..pace()
    };
    let logs = Logs::emulator(&server.url()).unwrap().with_pace(short);
    let error = service_error(go(&logs, &plan));
    assert!(matches!(error, ServiceError::TooLate { .. }), "{error:?}");
}

#[test]
fn queries_are_stopped_on_the_way_out() {
    let plan = Plan::new(&[COUNT], &groups(), minute(), 10);
    // Told to stop.
    let server = Server::start(ticks(60, &[0]));
    server.state().hangs = true;
    let logs = connect(&server);
    let stop = AtomicBool::new(false);
    let error = std::thread::scope(|scope| {
        scope.spawn(|| {
            while server.state().running() < 4 {
                std::thread::sleep(Duration::from_millis(5));
            }
            stop.store(true, Ordering::Relaxed);
        });
        service_error(plan.run(&logs, &stop, &mut |_| {}))
    });
    assert_eq!(error, ServiceError::Stopped);
    assert_eq!(server.state().running(), 0);
    assert_eq!(server.state().called("StartQuery").len(), 4);
    assert_eq!(server.state().called("StopQuery").len(), 4);

    // The time is over. A stop that is not heard is said again.
    let server = Server::start(ticks(60, &[0]));
    server.state().hangs = true;
    server.state().fail(
        "StopQuery",
        &[Fault::Answer(400, "ThrottlingException"), Fault::Reset],
    );
    let short = Pace {
        deadline: Duration::from_millis(400),
        ..pace()
    };
    let logs = Logs::emulator(&server.url()).unwrap().with_pace(short);
    let error = service_error(go(&logs, &plan));
    assert!(matches!(error, ServiceError::TooLate { .. }), "{error:?}");
    assert_eq!(server.state().running(), 0);
    assert_eq!(server.state().called("StopQuery").len(), 4 + 2);
}

#[test]
fn rows_of_a_query_that_runs_are_never_used() {
    let server = Server::start(ticks(60, &[0]));
    server.state().looks = 6;
    let plan = Plan::new(&[COUNT], &groups(), minute(), 60);
    let answers = go(&connect(&server), &plan).unwrap();
    assert!(server.state().called("GetQueryResults").len() >= 6);
    assert_eq!(
        answers[0].groups,
        Groups::of(&local(COUNT, &ticks(60, &[0]))).unwrap()
    );
}

#[test]
fn every_page_is_read_and_a_cut_is_told() {
    let server = Server::start(ticks(60, &[0]));
    server.state().page = 7;
    let logs = connect(&server);
    let plan = Plan::new(&[COUNT], &groups(), minute(), 60);
    let answers = go(&logs, &plan).unwrap();
    assert_eq!(answers[0].groups.0.len(), 60);
    assert_eq!(answers[0].cut, []);

    let limited = format!("{COUNT}\n| sort records desc\n| limit 20");
    let plan = Plan::new(&[&limited, COUNT], &groups(), minute(), 30);
    let answers = go(&logs, &plan).unwrap();
    let halves = [
        Window { from: 0, until: 30 },
        Window {
            from: 30,
            until: 60,
        },
    ];
    assert_eq!(answers[0].cut, halves);
    assert_eq!(answers[0].groups.0.len(), 40);
    assert_eq!(answers[1].cut, []);

    // As many as fit: there may be more, which nobody can know.
    let plan = Plan::new(&[&limited], &groups(), minute(), 20);
    assert_eq!(go(&logs, &plan).unwrap()[0].cut.len(), 3);
}

#[test]
fn what_the_service_refuses_says_what_to_do() {
    let server = Server::start(ticks(60, &[0]));
    let logs = connect(&server);
    let long = format!("# {}\n{COUNT}", "x".repeat(QUERY_LIMIT));
    let error = service_error(go(&logs, &Plan::new(&[&long], &groups(), minute(), 60)));
    assert!(
        matches!(&error, ServiceError::Refused { message } if message.contains("10000")),
        "{error:?}"
    );
    let wrong = "filter @message likes 'entry'";
    let error = service_error(go(&logs, &Plan::new(&[wrong], &groups(), minute(), 60)));
    assert!(matches!(error, ServiceError::Refused { .. }), "{error:?}");
    let plan = Plan::new(&[COUNT], &["gone".to_owned()], minute(), 60);
    let error = service_error(go(&logs, &plan)).to_string();
    assert!(
        error.contains("no log group gone in us-east-1: check the cluster's name"),
        "{error}"
    );
    assert_eq!(logs.log_group("gone").unwrap_err().to_string(), error);

    let plan = Plan::new(&[COUNT], &groups(), minute(), 60);
    for (name, words) in [
        (
            "AccessDeniedException",
            "not allowed to call `logs:StartQuery` on /aws/rds/cluster/orders/postgresql: add that action",
        ),
        (
            "UnrecognizedClientException",
            "no valid AWS credentials: as asked; log in",
        ),
        (
            "ExpiredTokenException",
            "no valid AWS credentials: as asked; log in",
        ),
        ("Strange", "cannot start a query: Strange: as asked"),
    ] {
        server
            .state()
            .fail("StartQuery", &[Fault::Answer(400, name)]);
        let error = service_error(go(&logs, &plan)).to_string();
        assert!(error.starts_with(words), "{error}");
    }
    // A query whose result may not be read is stopped.
    server.state().fail(
        "GetQueryResults",
        &[Fault::Answer(400, "AccessDeniedException")],
    );
    let error = service_error(go(&logs, &plan)).to_string();
    assert!(
        error.starts_with("not allowed to call `logs:GetQueryResults` on query-"),
        "{error}"
    );
    assert_eq!(server.state().running(), 0);
    assert_eq!(server.state().called("StopQuery").len(), 1);
}

#[test]
fn many_log_groups_are_read_in_chunks() {
    let names: Vec<String> = (0..120)
        .map(|number| format!("group-{number:03}"))
        .collect();
    let events: Vec<Stored> = names
        .iter()
        .map(|name| Stored {
            group: name.clone(),
            ..ticks(1, &[0]).remove(0)
        })
        .collect();
    let server = Server::start(events);
    let plan = Plan::new(&[COUNT, COUNT], &names, minute(), 30);
    assert_eq!(plan.queries(), 2 * 2 * 3);
    let mut seen: Vec<Progress> = Vec::new();
    let answers = plan
        .run(
            &connect(&server),
            &AtomicBool::new(false),
            &mut |progress| {
                seen.push(progress);
            },
        )
        .unwrap();
    for answer in &answers {
        assert_eq!(answer.groups.0.len(), 120);
        assert!(answer.groups.0.values().all(|counts| counts.records == 1));
        assert_eq!(answer.statistics.records_matched, 120);
        assert_eq!(
            answer.statistics.bytes_scanned,
            120 * "entry 0".len() as u64
        );
    }
    let state = server.state();
    let mut sizes: Vec<usize> = state
        .called("StartQuery")
        .iter()
        .map(|call| call.body["logGroupNames"].as_array().unwrap().len())
        .collect();
    sizes.sort_unstable();
    assert_eq!(sizes, [20, 20, 20, 20, 50, 50, 50, 50, 50, 50, 50, 50]);
    assert_eq!(state.most_running, 4);
    assert_eq!(seen.first().map(|progress| progress.done), Some(0));
    let last = seen[seen.len() - 1];
    assert_eq!((last.done, last.queries), (12, 12));
    assert_eq!(last.bytes_scanned, 2 * 120 * "entry 0".len() as u64);
}

#[test]
fn log_groups_by_arn() {
    let server = Server::start(ticks(60, &[0]));
    let logs = connect(&server);
    let arn = format!("arn:aws:logs:us-east-1:123456789012:log-group:{GROUP}");
    assert_eq!(logs.log_group(&arn).unwrap().name, arn);
    let plan = Plan::new(&[COUNT], &[arn], minute(), 60);
    assert_eq!(go(&logs, &plan).unwrap()[0].groups.0.len(), 60);
}

#[test]
fn the_price_is_reckoned_before_anything_is_read() {
    const DAY: i64 = 86_400;
    let now = 1_000 * DAY;
    let server = Server::start(Vec::new());
    server.state().groups = vec![
        // A longer name with the same beginning, and more than one page.
        group("kept-and-more", 1, None, 0),
        group("kept-too", 1, None, 0),
        // 30 days of 100 days' life: 300 GB are 10 GB a day.
        group("kept", 300_000_000_000, Some(30), (now - 100 * DAY) * 1000),
        // Kept for ever, 10 days old: 10 GB are 1 GB a day.
        group("young", 10_000_000_000, None, (now - 10 * DAY) * 1000),
        // 3 days old, less than the window: all of it.
        group("newborn", 3_000_000_000, Some(30), (now - 3 * DAY) * 1000),
        group("new", 0, Some(30), now * 1000),
    ];
    let logs = connect(&server);
    let names = ["kept", "young", "newborn", "new"].map(str::to_owned);
    let week = Window {
        from: now - 7 * DAY,
        until: now,
    };
    let plan = Plan::new(&[COUNT, COUNT], &names, week, 86_400);
    let estimate = plan.estimate(&logs, now).unwrap();
    assert_eq!(estimate.queries, 2 * 7);
    let bytes: Vec<_> = estimate
        .groups
        .iter()
        .map(|group| (group.name.as_str(), group.bytes))
        .collect();
    assert_eq!(
        bytes,
        [
            ("kept", Some(2 * 70_000_000_000)),
            ("new", None),
            ("newborn", Some(2 * 3_000_000_000)),
            ("young", Some(2 * 7_000_000_000)),
        ]
    );
    assert_eq!(estimate.unknown().collect::<Vec<_>>(), ["new"]);
    assert_eq!(estimate.bytes, 160_000_000_000);
    assert!((estimate.usd - 0.80).abs() < 1e-9, "{}", estimate.usd);
    assert!(estimate.usd_if_compressed > 5.0 * estimate.usd);
    assert_eq!(server.state().called("StartQuery").len(), 0);
}

#[test]
fn a_result_that_is_none_of_the_alarm_query_is_refused() {
    let server = Server::start(ticks(60, &[0]));
    let plan = Plan::new(&["stats count(*) as records"], &groups(), minute(), 60);
    let error = go(&connect(&server), &plan).unwrap_err();
    assert!(
        matches!(&error, LiveError::NotTheResult(words) if words.contains("`user`")),
        "{error:?}"
    );

    struct Fixed(&'static str);
    impl QueryService for Fixed {
        fn log_group(&self, _: &str) -> Result<pgvigil::insights::service::LogGroup, ServiceError> {
            Err(ServiceError::NoRegion)
        }
        fn run(
            &self,
            requests: &[Request],
            _: &AtomicBool,
            _: &mut dyn FnMut(Progress),
        ) -> Result<Vec<QueryResult>, ServiceError> {
            let columns = "user database class command object statements records";
            let row = ["a", "b", "c", "d", "e", "1", self.0].map(|value| Some(value.to_owned()));
            let result = QueryResult {
                table: Table {
                    columns: columns.split(' ').map(str::to_owned).collect(),
                    rows: vec![row.to_vec()],
                },
                statistics: Statistics::default(),
                cut: false,
            };
            Ok(vec![result; requests.len()])
        }
    }
    let plan = Plan::new(&[COUNT], &groups(), minute(), 30);
    for (text, records) in [("2", 4), ("1.5E7", 30_000_000), ("3.0", 6)] {
        let answers = go(&Fixed(text), &plan).unwrap();
        assert_eq!(
            answers[0].groups.0.values().next().unwrap().records,
            records
        );
    }
    for text in ["", "many", "-1", "NaN", "inf"] {
        assert!(
            matches!(go(&Fixed(text), &plan), Err(LiveError::NotTheResult(_))),
            "{text}"
        );
    }
}

/// Runs [`in_another_process`] with nothing in its environment but these.
fn with_environment(variables: &[(&str, &str)]) -> String {
    let output = Command::new(std::env::current_exe().unwrap())
        .args([
            "live::in_another_process",
            "--exact",
            "--ignored",
            "--nocapture",
        ])
        .env_clear()
        .envs([
            ("HOME", "/nonexistent"),
            ("AWS_EC2_METADATA_DISABLED", "true"),
        ])
        .envs(variables.iter().copied())
        .output()
        .unwrap();
    String::from_utf8(output.stdout).unwrap()
}

/// The environment belongs to a process: what it decides is tried in one of its own.
#[test]
#[ignore = "run by other tests, with an environment of their making"]
fn in_another_process() {
    let outcome = Logs::connect(None).and_then(|logs| {
        let region = logs.region().to_owned();
        let logs = logs.with_pace(pace());
        let plan = Plan::new(&[COUNT], &groups(), minute(), 60);
        match go(&logs, &plan) {
            Ok(answers) => Ok(format!("{region} {}", answers[0].groups.0.len())),
            Err(LiveError::Service(error)) => Err(error),
            Err(other) => panic!("{other}"),
        }
    });
    #[expect(clippy::print_stdout, reason = "how a process tells its parent")]
    match outcome {
        Ok(text) => println!("found {text}"),
        Err(error) => println!("failed {error}"),
    }
}

#[test]
fn the_environment_leads_to_another_server() {
    let server = Server::start(ticks(60, &[0]));
    let url = server.url();
    let keys = [
        ("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE"),
        ("AWS_SECRET_ACCESS_KEY", "none"),
        ("AWS_REGION", "eu-central-1"),
    ];
    for name in ["AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_CLOUDWATCH_LOGS"] {
        let mut variables = keys.to_vec();
        variables.push((name, &url));
        let told = with_environment(&variables);
        assert!(told.contains("found eu-central-1 60\n"), "{name}: {told}");
    }
    assert!(server.state().calls.iter().all(|call| call.signed));
}

#[test]
fn what_is_missing_in_the_environment_is_told() {
    let told = with_environment(&[("AWS_ACCESS_KEY_ID", "a"), ("AWS_SECRET_ACCESS_KEY", "b")]);
    assert!(
        told.contains("failed no AWS region: set `AWS_REGION`"),
        "{told}"
    );
    let told = with_environment(&[("AWS_REGION", "eu-central-1")]);
    assert!(told.contains("failed no valid AWS credentials: "), "{told}");
    assert!(told.contains("log in (`aws sso login`)"), "{told}");
}
