//! Queries in Logs Insights, against a server that speaks its protocol on loopback.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests may panic"
)]

use std::collections::BTreeMap;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use pgvigil::audit_log::reader::Inputs;
use pgvigil::cloud::aws::Logs;
use pgvigil::cloud::aws::logs::Pace;
use pgvigil::compile::fetch::{Ask, FETCH_LIMIT, FETCH_ROWS, Fetched, Part};
use pgvigil::compile::query::QUERY_LIMIT;
use pgvigil::insights::service::{Progress, QueryService, ServiceError};
use pgvigil::insights::{Options, Program, Table, open_questions, parse};
use pgvigil::policy::Loaded;
use pgvigil::rules::impact::report::{Group, Logs as ReadLogs};
use pgvigil::rules::impact::{Comparison, ImpactReport, Question, Side, assess};
use pgvigil::rules::live::{Answer, LiveError, Plan, Window};

use crate::insights_server::{End, Fault, Server, Stored, group};
use crate::recorded;

const GROUP: &str = "/aws/rds/cluster/orders/postgresql";

/// A count of entries.
const COUNT: &str =
    "filter @message like 'entry'\n| stats count(*) as records by @message as entry";

/// Rows of a query.
const ROWS: u32 = 10_000;

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

/// What a plan found: how many there are of each entry.
#[derive(Debug, Default, PartialEq)]
struct Found {
    records: BTreeMap<String, u64>,
    answer: Answer,
}

fn count(table: &Table, records: &mut BTreeMap<String, u64>) {
    for row in &table.rows {
        let value = |name: &str| {
            let at = table.columns.iter().position(|column| column == name);
            row[at.unwrap()].clone().unwrap()
        };
        *records.entry(value("entry")).or_default() += value("records").parse::<u64>().unwrap();
    }
}

fn go(service: &dyn QueryService, plan: &Plan) -> Result<Found, LiveError> {
    let mut records = BTreeMap::new();
    let answer = plan.run(
        service,
        &AtomicBool::new(false),
        &mut |_| {},
        &mut |table| {
            count(table, &mut records);
            Ok(())
        },
    )?;
    Ok(Found { records, answer })
}

fn service_error<T: std::fmt::Debug>(result: Result<T, LiveError>) -> ServiceError {
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
fn local(text: &str, events: &[Stored]) -> BTreeMap<String, u64> {
    let program = Program::new(&parse(text).unwrap(), Options::default()).unwrap();
    let mut run = program.run();
    for event in events {
        event.event(|event| run.push(event));
    }
    let mut records = BTreeMap::new();
    count(&run.finish(), &mut records);
    records
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

/// The shipped policy with its first two exclusions only, and the whole one: a change that silences.
fn sides() -> (Loaded, &'static Loaded) {
    let head = recorded::shipped();
    let mut base = head.clone();
    base.policy.exclusions.truncate(2);
    (base, head)
}

fn question<'a>(base: &'a Loaded, head: &'a Loaded, env: &str) -> Question<'a> {
    let side = |loaded| Side {
        name: "side",
        commit: None,
        loaded,
    };
    Question {
        base: side(base),
        head: side(head),
        environment: head.policy.environment(env).unwrap(),
        prefix: None,
        authors: &[],
        guards: &[],
        today: jiff::civil::date(2026, 11, 30),
        tested: None,
        now: jiff::Timestamp::now(),
        is_short: false,
    }
}

/// The report on what a service holds.
fn assess_live(question: &Question<'_>, logs: &Logs, window: Window, slice: u32) -> ImpactReport {
    let comparison = Comparison::of(question);
    let text = comparison.fetch().text(Ask::ALL);
    assert!(text.chars().count() <= FETCH_LIMIT);
    let plan = Plan::new(&text, FETCH_ROWS, &groups(), window, slice);
    let mut rows = comparison.rows();
    let stop = AtomicBool::new(false);
    let answer = plan
        .run(logs, &stop, &mut |_| {}, &mut |table| {
            for row in &table.rows {
                let fields: Vec<(String, String)> = table
                    .columns
                    .iter()
                    .zip(row)
                    .filter_map(|(name, value)| Some((name.clone(), value.clone()?)))
                    .collect();
                rows.add(&Fetched::read(&fields, Part::All).unwrap());
            }
            rows.settle();
            Ok(())
        })
        .unwrap();
    assert_eq!(answer.cut, []);
    comparison.of_rows(rows, ReadLogs::default())
}

#[test]
fn the_service_shows_the_same_as_the_logs_themselves() {
    let names = ["psql.on-short", "people_psql.on-short"];
    let events = recorded(&names);
    let window = window_of(&events);
    let server = Server::start(events);
    let logs = connect(&server);
    let (base, head) = sides();
    let question = question(&base, head, "local");

    let files: Vec<_> = names
        .iter()
        .flat_map(|name| [format!("{name}.log"), format!("{name}.log.gz")])
        .map(|name| recorded::root().join("tests/recordings").join(name))
        .filter(|path| path.exists())
        .collect();
    let (expected, _) = assess(&question, &Inputs::from_paths(&files), |_| {});
    assert!(expected.totals.newly_silent > 0);
    let groups = |groups: &[Group]| -> Vec<_> {
        groups
            .iter()
            .map(|group| {
                (
                    [&group.user, &group.class, &group.command, &group.object].map(Clone::clone),
                    group.records,
                    group.by.clone(),
                    (group.first.clone(), group.last.clone()),
                )
            })
            .collect()
    };
    let whole = u32::try_from(window.until - window.from).unwrap();
    for slice in [whole, 3] {
        let found = assess_live(&question, &logs, window, slice);
        assert_eq!(found.totals.newly_silent, expected.totals.newly_silent);
        assert_eq!(found.totals.newly_loud, expected.totals.newly_loud);
        assert_eq!(found.totals.counted_head, expected.totals.counted_head);
        assert_eq!(groups(&found.newly_silent), groups(&expected.newly_silent));
        assert_eq!(found.direction, expected.direction);
        assert_eq!(
            (found.logs.first, found.logs.last),
            (expected.logs.first.clone(), expected.logs.last.clone())
        );
    }
    assert!(server.state().calls.iter().all(|call| call.signed));
    assert_eq!(server.state().running(), 0);
}

#[test]
fn an_account_that_only_one_policy_has_is_fetched() {
    let (base, head) = sides();
    let mut base = base;
    base.policy.service_accounts.clear();
    let question = question(&base, head, "local");
    let text = |question: &Question<'_>| Comparison::of(question).fetch().text(Ask::ALL);
    assert!(!text(&question).contains("not in"));
    let question = Question {
        base: question.head,
        ..question
    };
    assert!(text(&question).contains("not in"));
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
            let plan = Plan::new(COUNT, ROWS, &groups(), minute(), slice);
            let found = go(&logs, &plan).unwrap().records;
            let once = found.values().filter(|records| **records == 1).count() as u64;
            assert_eq!((once, all), (all, all), "{end:?}, slices of {slice} s");
            assert_eq!(found.len() as u64, all);
        }
        // A part of the minute: what lies outside stays outside.
        let part = Window {
            from: 10,
            until: 20,
        };
        let plan = Plan::new(COUNT, ROWS, &groups(), part, 3);
        let found = go(&logs, &plan).unwrap().records;
        let mut times: Vec<i64> = found
            .keys()
            .map(|entry| entry["entry ".len()..].parse().unwrap())
            .collect();
        times.sort_unstable();
        assert_eq!(times.len(), 10 * borders.len());
        assert_eq!((times[0], times[times.len() - 1]), (10_000, 19_999));
    }
}

#[test]
fn the_border_in_the_query_opens_no_question() {
    let server = Server::start(ticks(1, &[0]));
    let plan = Plan::new(COUNT, ROWS, &groups(), minute(), 60);
    go(&connect(&server), &plan).unwrap();
    let state = server.state();
    let started = state.called("StartQuery");
    assert_eq!(started.len(), 1);
    for call in started {
        let text = call.body["queryString"].as_str().unwrap();
        let added = "filter toMillis(@timestamp) < 60000\n| ";
        assert_eq!(text, format!("{added}{COUNT}"));
        let questions = |text: &str| open_questions(&parse(text).unwrap()).len();
        assert_eq!(questions(text), questions(COUNT));
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
    let expected = local(COUNT, &ticks(60, &[0]));
    for fault in faults {
        for operation in ["StartQuery", "GetQueryResults"] {
            let server = Server::start(ticks(60, &[0]));
            server.state().fail(operation, &[fault; 3]);
            let plan = Plan::new(COUNT, ROWS, &groups(), minute(), 30);
            let found = go(&connect(&server), &plan).unwrap();
            assert_eq!(found.records, expected, "{fault:?} of {operation}");
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
    let plan = Plan::new(COUNT, ROWS, &groups(), minute(), 10);
    let found = go(&connect(&server), &plan).unwrap();
    assert_eq!(found.records.len(), 60);
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
    let plan = Plan::new(COUNT, ROWS, &groups(), minute(), 60);
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
        Plan::new(COUNT, ROWS, &[], minute(), 60),
        Plan::new(COUNT, ROWS, &groups(), empty, 60),
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
        let plan = Plan::new(COUNT, ROWS, &groups(), minute(), 10);
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
    let plan = Plan::new(COUNT, ROWS, &groups(), minute(), 60);
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
    let plan = Plan::new(COUNT, ROWS, &groups(), minute(), 10);
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
        service_error(plan.run(&logs, &stop, &mut |_| {}, &mut |_| Ok(())))
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
    let plan = Plan::new(COUNT, ROWS, &groups(), minute(), 60);
    let found = go(&connect(&server), &plan).unwrap();
    assert!(server.state().called("GetQueryResults").len() >= 6);
    assert_eq!(found.records, local(COUNT, &ticks(60, &[0])));
}

#[test]
fn every_page_is_read_and_a_cut_is_told() {
    let server = Server::start(ticks(60, &[0]));
    server.state().page = 7;
    let logs = connect(&server);
    let plan = Plan::new(COUNT, ROWS, &groups(), minute(), 60);
    let found = go(&logs, &plan).unwrap();
    assert_eq!(found.records.len(), 60);
    assert_eq!(found.answer.cut, []);

    let plan = Plan::new(COUNT, 20, &groups(), minute(), 30);
    let found = go(&logs, &plan).unwrap();
    let halves = [
        Window { from: 0, until: 30 },
        Window {
            from: 30,
            until: 60,
        },
    ];
    assert_eq!(found.answer.cut, halves);
    assert_eq!(found.records.len(), 40);

    // As many as fit: there may be more, which nobody can know.
    let plan = Plan::new(COUNT, 20, &groups(), minute(), 20);
    assert_eq!(go(&logs, &plan).unwrap().answer.cut.len(), 3);
}

#[test]
fn a_slice_that_is_cut_is_read_again_by_the_hour() {
    let hours = |hours: i64, each: i64| -> Vec<Stored> {
        (0..hours * each)
            .map(|number| {
                let timestamp_ms = number * 3_600_000 / each;
                let message = format!("entry {timestamp_ms}").into_bytes();
                Stored::new(GROUP, "writer", timestamp_ms, message)
            })
            .collect()
    };
    let window = Window {
        from: 0,
        until: 6 * 3600,
    };
    let server = Server::start(hours(6, 10));
    let logs = connect(&server);
    let plan = Plan::new(COUNT, 20, &groups(), window, 6 * 3600);
    assert_eq!(plan.queries(), 1);
    let found = go(&logs, &plan).unwrap();
    assert_eq!(found.answer.cut, []);
    assert_eq!(found.records.len(), 60);
    assert!(found.records.values().all(|records| *records == 1));
    assert_eq!(server.state().called("StartQuery").len(), 1 + 6);
}

#[test]
fn what_the_service_refuses_says_what_to_do() {
    let server = Server::start(ticks(60, &[0]));
    let logs = connect(&server);
    let long = format!("# {}\n{COUNT}", "x".repeat(QUERY_LIMIT));
    let error = service_error(go(&logs, &Plan::new(&long, ROWS, &groups(), minute(), 60)));
    assert!(
        matches!(&error, ServiceError::Refused { message } if message.contains("10000")),
        "{error:?}"
    );
    let wrong = "filter @message likes 'entry'";
    let error = service_error(go(&logs, &Plan::new(wrong, ROWS, &groups(), minute(), 60)));
    assert!(matches!(error, ServiceError::Refused { .. }), "{error:?}");
    let plan = Plan::new(COUNT, ROWS, &["gone".to_owned()], minute(), 60);
    let error = service_error(go(&logs, &plan)).to_string();
    assert!(
        error.contains("no log group gone in us-east-1: check the cluster's name"),
        "{error}"
    );
    assert_eq!(logs.log_group("gone").unwrap_err().to_string(), error);

    let plan = Plan::new(COUNT, ROWS, &groups(), minute(), 60);
    for (name, words) in [
        (
            "AccessDeniedException",
            "not allowed to call `logs:StartQuery` on /aws/rds/cluster/orders/postgresql: add the action",
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
    let plan = Plan::new(COUNT, ROWS, &names, minute(), 30);
    assert_eq!(plan.queries(), 2 * 3);
    let mut seen: Vec<Progress> = Vec::new();
    let mut records = BTreeMap::new();
    let answer = plan
        .run(
            &connect(&server),
            &AtomicBool::new(false),
            &mut |progress| {
                seen.push(progress);
            },
            &mut |table| {
                count(table, &mut records);
                Ok(())
            },
        )
        .unwrap();
    // The same entry in each of them.
    assert_eq!(records.values().copied().collect::<Vec<_>>(), [120]);
    assert_eq!(answer.statistics.records_matched, 120);
    assert_eq!(
        answer.statistics.bytes_scanned,
        120 * "entry 0".len() as u64
    );
    let state = server.state();
    let mut sizes: Vec<usize> = state
        .called("StartQuery")
        .iter()
        .map(|call| call.body["logGroupNames"].as_array().unwrap().len())
        .collect();
    sizes.sort_unstable();
    assert_eq!(sizes, [20, 20, 50, 50, 50, 50]);
    assert_eq!(state.most_running, 4);
    assert_eq!(seen.first().map(|progress| progress.done), Some(0));
    let last = seen[seen.len() - 1];
    assert_eq!((last.done, last.queries), (6, 6));
    assert_eq!(last.bytes_scanned, 120 * "entry 0".len() as u64);
}

#[test]
fn log_groups_by_arn() {
    let server = Server::start(ticks(60, &[0]));
    let logs = connect(&server);
    let arn = format!("arn:aws:logs:us-east-1:123456789012:log-group:{GROUP}");
    assert_eq!(logs.log_group(&arn).unwrap().name, arn);
    let plan = Plan::new(COUNT, ROWS, &[arn], minute(), 60);
    assert_eq!(go(&logs, &plan).unwrap().records.len(), 60);
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
    let plan = Plan::new(COUNT, ROWS, &names, week, 86_400);
    let estimate = plan.estimate(&logs, now).unwrap();
    assert_eq!(estimate.queries, 7);
    let bytes: Vec<_> = estimate
        .groups
        .iter()
        .map(|group| (group.name.as_str(), group.bytes))
        .collect();
    assert_eq!(
        bytes,
        [
            ("kept", Some(70_000_000_000)),
            ("new", None),
            ("newborn", Some(3_000_000_000)),
            ("young", Some(7_000_000_000)),
        ]
    );
    assert_eq!(estimate.unknown().collect::<Vec<_>>(), ["new"]);
    assert_eq!(estimate.bytes, 80_000_000_000);
    assert!((estimate.usd - 0.40).abs() < 1e-9, "{}", estimate.usd);
    assert!(estimate.usd_if_compressed > 5.0 * estimate.usd);
    assert_eq!(server.state().called("StartQuery").len(), 0);
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
        let plan = Plan::new(COUNT, ROWS, &groups(), minute(), 60);
        match go(&logs, &plan) {
            Ok(found) => Ok(format!("{region} {}", found.records.len())),
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
