//! One thing at a time.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::world::{Entry, Faults, GROUPS, World, name_of, settings};
use crate::compile::resources::published::{Examples, Publisher, published};
use crate::compile::resources::{Kind, Metric};
use crate::monitor::{Answer, Receipts, RunError, Settings, What};
use crate::policy::model::{Breakdown, Signal};

const TIMEOUT_MS: i64 = 300_000;

/// A scheduled time at which five minutes' windows have just settled.
const TIME_MS: i64 = 1_795_338_300_000 + 120_000;

const MINUTES: i64 = 60_000;

/// One cluster, windows of five minutes, and these people at work in the newest.
fn world(users: &[&'static str]) -> World {
    let mut world = World::new(settings(1, 5, 120, 15), 1, TIME_MS + 5000);
    for (user, statement) in users.iter().zip(1..) {
        world
            .entries
            .push(entry(user, statement, TIME_MS - 4 * MINUTES));
    }
    world
}

fn entry(user: &'static str, statement: u64, arrives_ms: i64) -> Entry {
    Entry {
        group: 0,
        statement,
        user,
        command: "SELECT",
        happens_ms: arrives_ms - 2000,
        arrives_ms,
        found_ms: arrives_ms,
    }
}

fn go(world: &World, receipts: &mut Receipts) -> Result<Answer, RunError> {
    let scheduled = What::Scheduled { time_ms: TIME_MS };
    world.invoke(receipts, scheduled, TIMEOUT_MS).unwrap()
}

fn lines(world: &World, record: &str) -> Vec<Value> {
    let lines = world.lines.borrow();
    let lines = lines
        .iter()
        .map(|(_, line)| serde_json::from_str::<Value>(line).unwrap());
    lines.filter(|line| line["record"] == record).collect()
}

fn errors(world: &World) -> Vec<f64> {
    let name = name_of(&Metric::errors_in(GROUPS[0]));
    let puts = world.puts.borrow();
    puts.iter()
        .filter(|put| put.1 == name)
        .map(|put| put.3)
        .collect()
}

/// What the compiler writes for a function.
fn variables() -> BTreeMap<String, String> {
    let loaded = crate::policy::load_from([(
        "environments/prod.yaml",
        "version: 1\nprovider: aws\naccount: \"123456789012\"\nregion: eu-central-1\nclusters: [orders]\n",
    )]);
    let environment = &loaded.policy.environments[0];
    let compiled = crate::compile::compile(&loaded, environment, jiff::civil::date(2026, 11, 22));
    let function = compiled
        .documents
        .iter()
        .find(|one| one.kind == Kind::LambdaFunction);
    serde_json::from_value(function.unwrap().properties["environment"].clone()).unwrap()
}

#[test]
fn the_compilers_variables_are_read() {
    let settings = Settings::read(&variables()).unwrap();
    assert_eq!(settings.log_groups, [GROUPS[0]]);
    assert_eq!(settings.namespace, "RDSAudit/UserActivity");
    assert_eq!(settings.cluster_of(GROUPS[0]), "orders");
    assert_eq!(settings.signals, [Signal::Dml]);
    assert_eq!(settings.metrics, [Breakdown::Command]);
    assert!(settings.shadows.is_empty());
    assert!(settings.query.contains("stats count_distinct("));
}

/// L9: nothing is watched in the place of what was meant.
#[test]
fn l9_each_variable_that_is_missing_or_foreign_is_named() {
    for variable in variables().keys() {
        let mut without = variables();
        without.remove(variable);
        let optional = ["PGVIGIL_CLUSTER", "PGVIGIL_TOPIC"].contains(&variable.as_str());
        match Settings::read(&without) {
            Ok(_) => assert!(optional, "{variable} is not missed"),
            Err(faults) => {
                assert!(
                    faults.iter().any(|fault| fault.variable == *variable),
                    "{faults:?}"
                );
                assert!(!optional);
            }
        }
    }
    let all = Settings::read(&BTreeMap::new()).unwrap_err();
    assert!(all.len() >= 10, "all at once: {all:?}");
    for (variable, value) in [
        ("LOG_GROUP_NAME", "your-log-group name"),
        ("LOG_GROUP_NAME", ""),
        ("LOG_GROUP_NAME", "/a,/a"),
        ("METRIC_NAMESPACE", "AWS/RDS"),
        ("QUERY_WINDOW_MINUTES", "0"),
        ("QUERY_WINDOW_MINUTES", "five"),
        ("QUERY_WINDOW_MINUTES", "1441"),
        ("PGVIGIL_SETTLE_SECONDS", "-1"),
        ("PGVIGIL_LATE_ARRIVAL_MINUTES", "1e3"),
        ("PGVIGIL_QUERY", "AAAA"),
        ("PGVIGIL_QUERY", "not base64!"),
        ("PGVIGIL_QUERY_DIGEST", "00"),
        ("PGVIGIL_TOPIC", "people"),
        (
            "PGVIGIL_TOPIC",
            "arn:aws:sqs:eu-central-1:123456789012:people",
        ),
        ("PGVIGIL_SIGNALS", "denied"),
        ("PGVIGIL_SIGNALS", "dml,everything"),
        ("PGVIGIL_SIGNALS", "dml,dml"),
        ("PGVIGIL_METRICS", "command,colour"),
        ("PGVIGIL_SOMETHING", "of a later version"),
    ] {
        let mut wrong = variables();
        wrong.insert(variable.to_owned(), value.to_owned());
        let faults = Settings::read(&wrong).unwrap_err();
        assert!(
            faults.iter().any(|fault| fault.variable == variable),
            "{variable} {value}: {faults:?}"
        );
    }
    let mut other = variables();
    other.insert("PGVIGIL_QUERY_DIGEST".to_owned(), "0".repeat(64));
    assert_eq!(
        Settings::read(&other).unwrap_err()[0].variable,
        "PGVIGIL_QUERY_DIGEST"
    );
}

/// The monitor has the alarm query alone: what it makes of it is read by the same language, and keeps every stage that
/// decides.
#[test]
fn the_other_queries_are_made_of_the_alarm_query() {
    let query = Settings::read(&variables()).unwrap().query;
    let (rows, _) = query.rsplit_once("\n| stats ").unwrap();
    let parsed = |text: &str| {
        let parsed = crate::insights::parse(text).unwrap();
        crate::insights::Program::new(&parsed, crate::insights::Options::default()).unwrap();
    };
    let investigation = crate::compile::query::investigation_of(&query).unwrap();
    parsed(&investigation);
    assert!(investigation.starts_with(rows) && !investigation.contains("| stats "));
    assert!(investigation.contains("pgStatement"));
    let within = crate::compile::query::within_windows(&query, 7, 8).unwrap();
    parsed(&within);
    assert!(within.starts_with(rows));
    let long = query.replacen('\n', &format!("\n# {}\n", "x".repeat(9_000)), 1);
    assert_eq!(crate::compile::query::within_windows(&long, 7, 8), None);
}

/// A3: the alarm that is on does not hide a second person, and does not tell of the first again.
#[test]
fn a_second_person_is_told_and_the_first_is_not_told_again() {
    let mut world = world(&["alice"]);
    let mut receipts = Receipts::default();
    let answer = go(&world, &mut receipts).unwrap();
    assert_eq!((answer.operations, answer.told), (1, 1));
    world.entries.push(entry("alice", 7, TIME_MS + MINUTES));
    world.entries.push(entry("bob", 8, TIME_MS + MINUTES));
    world.now_ms.set(TIME_MS + 5 * MINUTES + 5000);
    let next = What::Scheduled {
        time_ms: TIME_MS + 5 * MINUTES,
    };
    // Another process, which remembers nothing.
    let answer = world
        .invoke(&mut Receipts::default(), next, TIMEOUT_MS)
        .unwrap()
        .unwrap();
    assert_eq!((answer.operations, answer.told), (2, 1));
    let messages = world.messages.borrow();
    assert!(messages[0].2.contains("alice@shop") && !messages[0].2.contains("bob@shop"));
    assert!(messages[1].2.contains("bob@shop") && !messages[1].2.contains("alice@shop"));
    assert_eq!(messages[1].1, "pgvigil prod/orders: bob, 1 new group");
    let records = lines(&world, "pgvigil.detection");
    let told: Vec<(&str, bool)> = records
        .iter()
        .map(|line| {
            (
                line["user"].as_str().unwrap(),
                line["new"].as_bool().unwrap(),
            )
        })
        .collect();
    assert_eq!(told, [("alice", true), ("alice", false), ("bob", true)]);
}

/// L7, L8: a query that does not end is stopped, a result that is not whole is not used, and all of it is loud.
#[test]
fn l7_l8_a_query_that_hangs_is_stopped_and_one_that_ends_otherwise_fails_the_run() {
    let mut hanging = world(&["alice"]);
    hanging.faults = Faults {
        query_hangs: 1000,
        ..Faults::default()
    };
    let error = go(&hanging, &mut Receipts::default()).unwrap_err();
    assert!(matches!(error, RunError::Late { .. }), "{error}");
    assert_eq!(hanging.stopped.get(), 1);
    assert!(hanging.now_ms.get() < TIME_MS + 5000 + TIMEOUT_MS);
    assert_eq!(errors(&hanging), [1.0]);
    assert!(
        hanging.messages.borrow().is_empty(),
        "partial rows were used"
    );
    assert_eq!(lines(&hanging, "pgvigil.error").len(), 1);

    let mut ended = world(&["alice"]);
    ended.faults = Faults {
        query_ends: 1000,
        ..Faults::default()
    };
    let error = go(&ended, &mut Receipts::default()).unwrap_err();
    assert!(matches!(error, RunError::Ended { .. }), "{error}");
    assert_eq!((ended.stopped.get(), errors(&ended)), (0, vec![1.0]));

    let mut busy = world(&["alice"]);
    busy.faults = Faults {
        busy: 1000,
        ..Faults::default()
    };
    let error = go(&busy, &mut Receipts::default()).unwrap_err();
    assert!(matches!(error, RunError::Busy { .. }), "{error}");
    assert!(
        busy.now_ms.get() > TIME_MS + TIMEOUT_MS / 2,
        "it gave up early"
    );
}

/// What fails before the receipt is done again.
#[test]
fn l2_l3_a_message_that_is_refused_fails_the_run_and_is_told_by_the_retry() {
    let mut world = world(&["alice"]);
    let mut receipts = Receipts::default();
    world.faults.untold = 1000;
    assert!(matches!(
        go(&world, &mut receipts),
        Err(RunError::Call { .. })
    ));
    assert_eq!(errors(&world), [1.0]);
    world.faults.untold = 0;
    assert_eq!(go(&world, &mut receipts).unwrap().told, 1);
    assert_eq!(go(&world, &mut receipts).unwrap().told, 0);
}

#[test]
fn more_rows_than_the_limit_are_asked_for_window_by_window_and_said() {
    let users = ["alice", "bob", "carol", "dave"];
    let mut world = world(&users[..3]);
    world.entries.push(entry("dave", 9, TIME_MS - 10 * MINUTES));
    world.settings.row_limit = 4;
    let answer = go(&world, &mut Receipts::default()).unwrap();
    assert_eq!(
        (answer.operations, answer.incomplete, answer.told),
        (3, 0, 4)
    );
    assert!(world.requests.borrow().len() > 1);

    world.settings.row_limit = 3;
    world.messages.borrow_mut().clear();
    let answer = go(&world, &mut Receipts::default()).unwrap();
    assert_eq!(answer.incomplete, 1);
    let warned = lines(&world, "pgvigil.warning");
    assert!(
        warned[0]["message"]
            .as_str()
            .unwrap()
            .contains("the least that happened")
    );
}

#[test]
fn a_cut_result_is_said_to_people_too() {
    let mut world = world(&["alice", "bob", "carol"]);
    world.settings.row_limit = 3;
    go(&world, &mut Receipts::default()).unwrap();
    assert!(world.messages.borrow()[0].2.contains("NOT complete"));
    assert!(
        lines(&world, "pgvigil.detection")
            .iter()
            .all(|line| line["incomplete"] == true)
    );
}

/// A window that has not settled is not counted, whoever says that it is time.
#[test]
fn a_time_in_the_future_is_no_reason_to_count_too_early() {
    let world = world(&["alice"]);
    let future = What::Scheduled {
        time_ms: TIME_MS + 60 * MINUTES,
    };
    let answer = world
        .invoke(&mut Receipts::default(), future, TIMEOUT_MS)
        .unwrap()
        .unwrap();
    assert_eq!(answer.windows.1, world.settings.windows.newest(TIME_MS));
    let range = What::Range {
        from_ms: TIME_MS,
        until_ms: TIME_MS + 60 * MINUTES,
    };
    let error = world
        .invoke(&mut Receipts::default(), range, TIMEOUT_MS)
        .unwrap()
        .unwrap_err();
    assert!(error.to_string().contains("over and settled"), "{error}");
    let old = What::Range {
        from_ms: TIME_MS - 30 * 24 * 60 * MINUTES,
        until_ms: TIME_MS,
    };
    let error = world
        .invoke(&mut Receipts::default(), old, TIMEOUT_MS)
        .unwrap()
        .unwrap_err();
    assert!(error.to_string().contains("days ago"), "{error}");
}

#[test]
fn a_past_range_is_counted_by_hand() {
    let mut world = world(&[]);
    world
        .entries
        .push(entry("alice", 1, TIME_MS - 600 * MINUTES));
    let range = What::Range {
        from_ms: TIME_MS - 720 * MINUTES,
        until_ms: TIME_MS - 500 * MINUTES,
    };
    let answer = world
        .invoke(&mut Receipts::default(), range, TIMEOUT_MS)
        .unwrap()
        .unwrap();
    assert_eq!(answer.told, 1);
    let name = name_of(&Metric::signal_in(GROUPS[0], Signal::Dml));
    let windows = world.settings.windows;
    let start_ms = windows.start_ms(windows.of(TIME_MS - 600 * MINUTES));
    assert_eq!(world.greatest(&name, start_ms), Some(1.0));
}

/// What nobody counted for half a day is counted when the monitor runs again, and what there was before it ever ran
/// is not.
#[test]
fn an_outage_is_made_up_and_a_first_run_is_no_flood() {
    let mut world = world(&[]);
    for hours in [1, 20, 47] {
        world.entries.push(entry(
            "early",
            hours,
            TIME_MS - i64::try_from(hours).unwrap() * 60 * MINUTES,
        ));
    }
    let first = go(&world, &mut Receipts::default()).unwrap();
    assert_eq!((first.made_up, first.left, first.told), (0, 0, 0));
    let later_ms = TIME_MS + 40 * 60 * MINUTES;
    world
        .entries
        .push(entry("alice", 1, TIME_MS + 30 * MINUTES));
    world.entries.push(entry("bob", 2, later_ms - 60 * MINUTES));
    world.now_ms.set(later_ms + 1000);
    let later = What::Scheduled { time_ms: later_ms };
    let answer = world
        .invoke(&mut Receipts::default(), later, TIMEOUT_MS)
        .unwrap()
        .unwrap();
    assert_eq!(
        (answer.made_up, answer.left, answer.told),
        (40 * 12 - 4, 0, 2)
    );
    let again = world
        .invoke(&mut Receipts::default(), later, TIMEOUT_MS)
        .unwrap()
        .unwrap();
    assert_eq!((again.made_up, again.left, again.told), (0, 0, 0));
}

/// Without time for all of it the oldest comes first, and the next run goes on where this one ended.
#[test]
fn a_long_backlog_is_made_up_run_by_run() {
    let mut world = world(&[]);
    go(&world, &mut Receipts::default()).unwrap();
    let days = 6;
    for day in 0..days {
        let arrives_ms = TIME_MS + day * 24 * 60 * MINUTES + 90 * MINUTES;
        world
            .entries
            .push(entry("alice", u64::try_from(day).unwrap(), arrives_ms));
    }
    let mut time_ms = TIME_MS + days * 24 * 60 * MINUTES;
    let (mut runs, mut told) = (0, 0);
    loop {
        world.now_ms.set(world.now_ms.get().max(time_ms));
        let what = What::Scheduled { time_ms };
        // A little time for each run.
        let answer = world
            .invoke(&mut Receipts::default(), what, 4_000)
            .unwrap()
            .unwrap();
        (runs, told) = (runs + 1, told + answer.told);
        assert!(runs < 100, "it makes no progress");
        if answer.left == 0 {
            break;
        }
        time_ms += 5 * MINUTES;
    }
    assert!(runs > 1, "the time was enough for all");
    assert_eq!(told, usize::try_from(days).unwrap());
}

#[test]
fn receipts_that_cannot_be_read_make_it_louder_and_not_silent() {
    let world = world(&["alice"]);
    assert_eq!(go(&world, &mut Receipts::default()).unwrap().told, 1);
    world
        .points
        .borrow_mut()
        .retain(|(name, _), _| !name.starts_with("MonitorWindowCounted"));
    assert_eq!(go(&world, &mut Receipts::default()).unwrap().told, 1);
}

fn row(window: i64, pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    let log = format!("123456789012:{}", GROUPS[0]);
    let window = window.to_string();
    let base = [
        ("log", log.as_str()),
        ("window", &window),
        ("user", "mallory"),
        ("class", "READ"),
        ("command", "SELECT"),
        ("statements", "1"),
        ("records", "1"),
        ("first", "1.79533800E12"),
        ("last", "1795338000000"),
        ("lag", "2000"),
    ];
    let mut row: BTreeMap<String, String> = base
        .iter()
        .chain(pairs)
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect();
    row.retain(|_, value| value != "MISSING");
    row.into_iter().collect()
}

#[test]
fn a_result_that_cannot_be_read_fails_the_run() {
    for wrong in [
        ("statements", "many"),
        ("window", "MISSING"),
        ("window", "NaN"),
        ("first", "inf"),
        ("lag", ""),
        ("log", "123456789012:/another/group"),
        ("log", "MISSING"),
    ] {
        let mut world = world(&[]);
        let newest = world.settings.windows.newest(TIME_MS);
        world.extra = vec![row(newest, &[wrong])];
        let error = go(&world, &mut Receipts::default()).unwrap_err();
        assert!(
            matches!(error, RunError::Result { .. }),
            "{wrong:?}: {error}"
        );
        assert_eq!(errors(&world), [1.0]);
    }
}

#[test]
fn each_signal_has_its_figure_and_what_is_not_enabled_is_not_told() {
    let mut world = world(&["alice"]);
    let newest = world.settings.windows.newest(TIME_MS);
    world.extra = vec![
        row(
            newest,
            &[
                ("class", "ERROR"),
                ("command", "permission denied for table x"),
                ("statements", "3"),
            ],
        ),
        row(
            newest,
            &[
                ("class", "ROLE"),
                ("command", "ALTER ROLE"),
                ("tampering", "pgaudit"),
            ],
        ),
        row(newest, &[("class", "DDL"), ("command", "CREATE TABLE")]),
        row(newest, &[("class", "MISC"), ("command", "SET")]),
        row(newest + 1, &[]),
        row(newest - 4, &[]),
    ];
    let start_ms = world.settings.windows.start_ms(newest);
    let figures = |world: &World| {
        Signal::ALL
            .map(|signal| world.greatest(&name_of(&Metric::signal_in(GROUPS[0], signal)), start_ms))
    };
    assert_eq!(go(&world, &mut Receipts::default()).unwrap().told, 1);
    assert_eq!(figures(&world), [Some(1.0), None, None, None, None]);
    world.settings.signals = Signal::ALL.to_vec();
    assert_eq!(go(&world, &mut Receipts::default()).unwrap().told, 4);
    assert_eq!(
        figures(&world),
        [Some(1.0), Some(1.0), Some(1.0), Some(1.0), Some(3.0)]
    );
    // Nobody makes metrics by knocking.
    let puts = world.puts.borrow();
    assert!(puts.iter().all(|put| !put.1.contains("permission denied")));
    assert!(puts.iter().any(|put| put.1.contains("ALTER ROLE")));
}

/// Names that people chose do not break out of a line, a subject or a message.
#[test]
fn hostile_names_do_no_harm() {
    let names = [
        "a\r\nSubject: x",
        "\u{1b}[31mred",
        "\u{202e}evil",
        "\"},{\"record\":\"x",
        "дба",
        "\u{0}",
        "##[error]x",
    ];
    let mut world = world(&[]);
    world.settings.metrics = vec![Breakdown::Command, Breakdown::User];
    let newest = world.settings.windows.newest(TIME_MS);
    for name in names {
        for signals in [1, 400] {
            let long = name.repeat(signals);
            world.extra.push(row(
                newest,
                &[("user", &long), ("object", &long), ("command", &long)],
            ));
        }
    }
    let answer = go(&world, &mut Receipts::default()).unwrap();
    assert_eq!(answer.told, names.len() * 2);
    let records = lines(&world, "pgvigil.detection");
    assert_eq!(records.len(), names.len() * 2);
    for name in names {
        assert!(
            records.iter().any(|line| line["user"] == name),
            "{name:?} is lost"
        );
    }
    for (_, line) in world.lines.borrow().iter() {
        assert!(
            line.chars()
                .all(|character| !crate::diagnostic::is_hostile(character)),
            "{line}"
        );
    }
    let text = &world.messages.borrow()[0].2;
    assert!(
        text.chars()
            .all(|c| c == '\n' || !crate::diagnostic::is_hostile(c))
    );
    assert!(!text.contains("##[error]"));
    for (_, name, _, _) in world.puts.borrow().iter() {
        assert!(
            name.bytes().all(|byte| (0x20..0x7f).contains(&byte)),
            "{name}"
        );
    }
}

/// Ten thousand groups, as long as they can be, are one message that SNS takes.
#[test]
fn a_long_list_is_cut_and_says_how_many_more() {
    let mut world = world(&[]);
    let newest = world.settings.windows.newest(TIME_MS);
    let long = "\u{202e}".repeat(600);
    world.extra = (0..2000)
        .map(|number| {
            row(
                newest,
                &[
                    ("user", &format!("{number}{long}")),
                    ("object", &long),
                    ("database", &long),
                ],
            )
        })
        .collect();
    let answer = go(&world, &mut Receipts::default()).unwrap();
    assert_eq!(answer.told, 2000);
    let text = world.messages.borrow()[0].2.clone();
    assert!(
        text.contains("more: every one is in the monitor's log"),
        "{}",
        text.len()
    );
}

#[test]
fn what_exclusions_silence_is_counted_once_an_hour() {
    let mut world = world(&[]);
    world.settings.metrics.push(Breakdown::Suppressed);
    world.settings.shadows = vec!["shadow".to_owned()];
    let mut receipts = Receipts::default();
    let hours = |world: &World| {
        let requests = world.requests.borrow();
        requests
            .iter()
            .filter(|one| one.text == "shadow")
            .map(|one| (one.from, one.until))
            .collect::<Vec<_>>()
    };
    for run in 0..24 {
        let time_ms = TIME_MS + run * 5 * MINUTES;
        world.now_ms.set(time_ms + 1000);
        world
            .invoke(&mut receipts, What::Scheduled { time_ms }, TIMEOUT_MS)
            .unwrap()
            .unwrap();
    }
    let asked = hours(&world);
    assert_eq!(asked.len(), 2, "{asked:?}");
    assert!(
        asked
            .iter()
            .all(|(from, until)| from % 3600 == 0 && until - from == 3599)
    );
    assert_eq!(asked[0].0 + 3600, asked[1].0);
}

/// The page of metrics tells what the monitor publishes, all of it and nothing else.
#[test]
fn the_table_of_metrics_is_what_is_published() {
    let mut world = world(&["alice"]);
    world.settings.signals = Signal::ALL.to_vec();
    world.settings.metrics = vec![Breakdown::Command, Breakdown::User, Breakdown::Suppressed];
    world.settings.shadows = vec!["shadow".to_owned()];
    let window = world.settings.windows.newest(TIME_MS).to_string();
    for (class, tampering) in [("ROLE", ""), ("DDL", "1"), ("ERROR", "")] {
        let row = [
            ("log", GROUPS[0]),
            ("window", window.as_str()),
            ("user", "alice"),
            ("class", class),
            ("command", "SELECT"),
            ("tampering", tampering),
            ("statements", "1"),
            ("records", "1"),
            ("first", "1"),
            ("last", "1"),
            ("lag", "1"),
            // What a shadow query has beside it.
            ("x_catalog_metadata", "1"),
        ];
        let row = row.map(|(name, value)| (name.to_owned(), value.to_owned()));
        world.extra.push(row.to_vec());
    }
    let mut receipts = Receipts::default();
    for run in 0..13 {
        let time_ms = TIME_MS + run * 5 * MINUTES;
        world.now_ms.set(time_ms + 1000);
        let scheduled = What::Scheduled { time_ms };
        let ended = world.invoke(&mut receipts, scheduled, TIMEOUT_MS);
        ended.unwrap().unwrap();
    }
    let examples = Examples {
        log_group: GROUPS[0],
        command: "SELECT",
        user: "alice",
        exclusion: "catalog-metadata",
        name: "",
    };
    let told: BTreeSet<String> = published(&examples)
        .iter()
        .filter(|row| row.by == Publisher::Monitor)
        .map(|row| name_of(&row.metric))
        .collect();
    let puts = world.puts.borrow();
    let live: BTreeSet<String> = puts.iter().map(|put| put.1.clone()).collect();
    assert_eq!(told, live);
}

/// Up to fifty log groups in one query, each with its own figures.
#[test]
fn one_monitor_serves_several_clusters() {
    let mut world = World::new(settings(2, 5, 120, 15), 1, TIME_MS + 5000);
    world.entries.push(entry("alice", 1, TIME_MS - 4 * MINUTES));
    let mut other = entry("bob", 2, TIME_MS - 4 * MINUTES);
    other.group = 1;
    world.entries.push(other);
    let answer = go(&world, &mut Receipts::default()).unwrap();
    assert_eq!((answer.told, answer.operations), (2, 2));
    let messages = world.messages.borrow();
    let subjects: Vec<&str> = messages.iter().map(|message| message.1.as_str()).collect();
    assert_eq!(
        subjects,
        [
            "pgvigil prod/orders: alice, 1 new group",
            "pgvigil prod/billing: bob, 1 new group"
        ]
    );
    for group in GROUPS {
        let name = name_of(&Metric::heartbeat_in(group));
        assert!(world.puts.borrow().iter().any(|put| put.1 == name));
    }
    assert_eq!(world.requests.borrow().len(), 1);
}
