//! One thing at a time.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{Timestamp, tz::TimeZone};
use serde_json::Value;

use super::world::{Entry, Faults, GROUPS, Says, World, judging, name_of, settings};
use crate::audit_log::prefix::LogLinePrefix;
use crate::compile::monitor_environment::{BRIDGE, FORMER, RULES_DIGEST};
use crate::compile::resources::published::{Examples, Publisher, published};
use crate::compile::resources::{Kind, Metric};
use crate::judge::Rules;
use crate::monitor::chat::tests::SCHEMA;
use crate::monitor::{Answer, Judging, Receipts, RunError, Settings, What, faulty};
use crate::policy::model::{Breakdown, Signal};

pub(super) const TIMEOUT_MS: i64 = 300_000;

/// A scheduled time at which five minutes' windows have just settled.
pub(super) const TIME_MS: i64 = 1_795_338_300_000 + 120_000;

const MINUTES: i64 = 60_000;

/// One cluster, windows of five minutes, and these people at work in the newest.
pub(super) fn world(users: &[&'static str]) -> World {
    let mut world = World::new(settings(1, 5, 120, 15), 1, TIME_MS + 5000);
    for (user, statement) in users.iter().zip(1..) {
        world
            .entries
            .push(entry(user, statement, TIME_MS - 4 * MINUTES));
    }
    world
}

pub(super) fn entry(user: &str, statement: u64, arrives_ms: i64) -> Entry {
    Entry::of(user, "SELECT").at(statement, arrives_ms)
}

/// With these signals, and with the exclusions of a policy in YAML.
fn rules(signals: &[Signal], exclusions: &str) -> Rules {
    let loaded = crate::policy::load_from([
        (
            "environments/prod.yaml",
            "version: 1\nprovider: local\nlog_line_prefix: \"%t:%r:%u@%d:[%p]:\"\nclusters: [shop]\n",
        ),
        ("rules/all.yaml", exclusions),
    ]);
    let mut rules = Rules::of(&loaded.policy, &loaded.policy.environments[0]);
    assert_eq!(
        rules.exclusions.is_empty(),
        exclusions.contains("exclusions: []")
    );
    rules.signals = signals.to_vec();
    rules
}

const NONE: &str = "version: 1\nexclusions: []\n";

pub(super) fn go(world: &World, receipts: &mut Receipts) -> Result<Answer, RunError> {
    let scheduled = What::Scheduled { time_ms: TIME_MS };
    world.invoke(receipts, scheduled, TIMEOUT_MS).unwrap()
}

fn lines(world: &World, record: &str) -> Vec<Value> {
    let lines = world.lines.borrow();
    let lines = lines
        .iter()
        .map(|(_, line)| serde_json::from_str::<Value>(line).unwrap());
    let lines: Vec<Value> = lines.filter(|line| line["record"] == record).collect();
    // Whatever the monitor writes is as its schema says, without a key that the schema does not know.
    let mut schema: Value = match record {
        "pgvigil.detection" => include_str!("../../../schema/outputs/detection.schema.json"),
        "pgvigil.suppressed" => include_str!("../../../schema/outputs/suppressed.schema.json"),
        _ => "true",
    }
    .parse()
    .unwrap();
    if let Some(schema) = schema.as_object_mut() {
        schema.insert("unevaluatedProperties".to_owned(), false.into());
    }
    let validator = jsonschema::validator_for(&schema).unwrap();
    for line in &lines {
        let faults: Vec<String> = validator
            .iter_errors(line)
            .map(|fault| fault.to_string())
            .collect();
        assert!(faults.is_empty(), "{line}: {faults:?}");
    }
    lines
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
    assert_eq!(settings.metrics, [Breakdown::Command]);
    assert_eq!(settings.rules_digest, variables()[RULES_DIGEST]);
}

/// While a monitor of the earlier version is replaced, Lambda may start the new code at every point.
#[test]
fn a_start_finds_its_rules_at_every_point_of_an_upgrade() {
    let last = variables();
    let mut bridge = last.clone();
    let digest = bridge.remove(RULES_DIGEST).unwrap();
    bridge.insert(BRIDGE.to_owned(), digest.clone());
    for name in FORMER {
        bridge.insert((*name).to_owned(), "of the earlier version".to_owned());
    }
    for variables in [&last, &bridge] {
        assert_eq!(Settings::read(variables).unwrap().rules_digest, digest);
    }
    // With the variables of the new version the earlier ones would have no effect.
    let mut mixed = bridge;
    mixed.insert(RULES_DIGEST.to_owned(), digest);
    let faults = Settings::read(&mixed).unwrap_err();
    assert_eq!(faults.len(), FORMER.len(), "{faults:?}");
}

#[test]
fn rules_that_the_variables_do_not_name_are_refused() {
    let mut settings = settings(1, 5, 120, 15);
    let rules = Rules::new(LogLinePrefix::Short);
    settings.rules_digest = rules.digest();
    Judging::read(&settings, &rules.to_bytes()).unwrap();
    let other = Rules::new(LogLinePrefix::Long).to_bytes();
    let fault = Judging::read(&settings, &other).unwrap_err().to_string();
    assert!(fault.contains("pgvigil apply"), "{fault}");
    settings.rules_digest = crate::digest::sha256("no rules");
    let fault = Judging::read(&settings, b"no rules").unwrap_err();
    assert!(fault.to_string().contains("cannot read"), "{fault}");
    let mut deaf = Rules::new(LogLinePrefix::Short);
    deaf.signals.clear();
    settings.rules_digest = deaf.digest();
    let fault = Judging::read(&settings, &deaf.to_bytes()).unwrap_err();
    assert!(
        fault.to_string().contains("without the signal `dml`"),
        "{fault}"
    );
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
    assert!(all.len() >= 9, "all at once: {all:?}");
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
        (RULES_DIGEST, "00"),
        ("PGVIGIL_TOPIC", "people"),
        (
            "PGVIGIL_TOPIC",
            "arn:aws:sqs:eu-central-1:123456789012:people",
        ),
        ("PGVIGIL_EVENT_BUS", "default"),
        (
            "PGVIGIL_EVENT_BUS",
            "arn:aws:events:eu-central-1:123456789012:rule/audit",
        ),
        ("PGVIGIL_QUERY", "of the earlier version"),
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

/// More than fit into two calls.
const PEOPLE: [&str; 25] = [
    "p00", "p01", "p02", "p03", "p04", "p05", "p06", "p07", "p08", "p09", "p10", "p11", "p12",
    "p13", "p14", "p15", "p16", "p17", "p18", "p19", "p20", "p21", "p22", "p23", "p24",
];

/// One event for each new detection, with the record that the log has; and what a bus does not take is sent again, alone.
#[test]
fn a_new_detection_is_an_event_once() {
    let mut world = self::world(&PEOPLE);
    world.faults.untaken = 300;
    let mut receipts = Receipts::default();
    go(&world, &mut receipts).unwrap();
    let details = |world: &World| -> Vec<String> {
        let mut details: Vec<String> = world
            .events
            .borrow()
            .iter()
            .map(|(_, detail)| detail.clone())
            .collect();
        details.sort();
        details
    };
    let mut records: Vec<String> = world
        .lines
        .borrow()
        .iter()
        .map(|(_, line)| line.clone())
        .filter(|line| line.contains("pgvigil.detection"))
        .collect();
    records.sort();
    assert_eq!(records.len(), 25);
    assert_eq!(details(&world), records);
    // It is told, and it is not told again.
    go(&world, &mut receipts).unwrap();
    assert_eq!(details(&world).len(), 25);
}

/// A bus that takes nothing fails the run, after people have their message, and the retry sends it.
#[test]
fn an_event_that_is_refused_fails_the_run_and_is_sent_by_the_retry() {
    let mut world = self::world(&["alice"]);
    let mut receipts = Receipts::default();
    world.faults.untaken = 1000;
    let error = go(&world, &mut receipts).unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with("cannot send the events of new detections: 1 of the events: "),
        "{error}"
    );
    assert_eq!(errors(&world), [1.0]);
    assert_eq!(world.messages.borrow().len(), 1);
    assert!(world.events.borrow().is_empty());
    world.faults.untaken = 0;
    go(&world, &mut receipts).unwrap();
    assert_eq!(world.events.borrow().len(), 1);
    // Without a bus there is none.
    let mut quiet = self::world(&["alice"]);
    quiet.settings.event_bus = None;
    go(&quiet, &mut Receipts::default()).unwrap();
    assert!(quiet.events.borrow().is_empty());
}

/// What a bus refuses fails the run, and keeps no other event from it.
#[test]
fn an_event_that_is_refused_keeps_no_other_from_the_bus() {
    let mut world = self::world(&PEOPLE);
    world.unwelcome = Some("p07");
    let mut receipts = Receipts::default();
    let error = go(&world, &mut receipts).unwrap_err();
    assert_eq!(
        error.to_string(),
        "cannot send the events of new detections: 1 of the events: NotAuthorizedForSourceException: as asked"
    );
    assert_eq!(world.events.borrow().len(), 24);
    // Without a receipt, the retry sends them all again.
    world.unwelcome = None;
    go(&world, &mut receipts).unwrap();
    let events = world.events.borrow();
    assert_eq!(events.len(), 24 + 25);
    assert!(
        events
            .iter()
            .any(|(_, detail)| detail.contains("\"user\":\"p07\""))
    );
}

/// A flood of one person takes no event from another, and what has no event is counted: on the bus and in the log.
#[test]
fn a_flood_has_a_thousand_events_and_one_that_counts_the_others() {
    let mut world = self::world(&["alice"]);
    world.entries.extend((0..3000_u64).map(|number| {
        let object = format!("public.part_{number}");
        let sql = format!("insert into {object} values (1)");
        let says = Says::Record("WRITE", "INSERT", object, sql);
        Entry::saying("bob", says).at(1000 + number, TIME_MS - 4 * MINUTES)
    }));
    go(&world, &mut Receipts::default()).unwrap();
    assert_eq!(lines(&world, "pgvigil.detection").len(), 3001);
    let events = world.events.borrow();
    let details: Vec<serde_json::Value> = events
        .iter()
        .map(|(_, detail)| serde_json::from_str(detail).unwrap())
        .collect();
    assert_eq!(details.len(), 1001);
    let of = |user: &str| {
        details
            .iter()
            .filter(|detail| detail["user"] == user)
            .count()
    };
    assert_eq!((of("alice"), of("bob")), (1, 999));
    let last = details.last().unwrap();
    assert_eq!(last["record"], "pgvigil.events_left_out");
    assert_eq!(
        (&last["sent"], &last["left_out"]),
        (&1000.into(), &2001.into())
    );
    assert_eq!(last["log_group"], GROUPS[0]);
    assert_eq!(
        lines(&world, "pgvigil.events_left_out"),
        std::slice::from_ref(last)
    );
    assert_eq!(last["window"], details[0]["window"]);
    drop(events);
    // Without a bus nothing is left out.
    world.settings.event_bus = None;
    world.lines.borrow_mut().clear();
    go(&world, &mut Receipts::default()).unwrap();
    assert_eq!(lines(&world, "pgvigil.events_left_out").len(), 0);
}

/// Windows that fit by themselves are judged whole.
#[test]
fn more_rows_than_the_limit_are_asked_for_window_by_window() {
    let mut world = world(&["alice", "bob", "carol"]);
    world.entries.push(entry("dave", 9, TIME_MS - 10 * MINUTES));
    world.settings.row_limit = 4;
    let answer = go(&world, &mut Receipts::default()).unwrap();
    assert_eq!(
        (
            answer.operations,
            answer.not_judged,
            answer.incomplete,
            answer.told
        ),
        (3, 0, 0, 4)
    );
    assert!(world.requests.borrow().len() > 1);
}

/// Many different statements of one person in the newest window.
fn flood(user: &str, number: u64) -> impl Iterator<Item = Entry> {
    let user = user.to_owned();
    (0..number).map(move |statement| {
        let sql = format!("insert into orders values ({statement}, 'so that it is long')");
        let says = Says::Record("WRITE", "INSERT", "public.orders".to_owned(), sql);
        Entry::saying(&user, says).at(1000 + statement, TIME_MS - 4 * MINUTES)
    })
}

/// What does not fit counts as not judged, of whom it is, and is told and warned of.
#[test]
fn what_does_not_fit_counts_as_not_judged_for_each_person() {
    let mut world = world(&["alice"]);
    world.entries.extend(flood("bob", 60));
    world.settings.row_limit = 20;
    let answer = go(&world, &mut Receipts::default()).unwrap();
    assert_eq!((answer.operations, answer.incomplete), (61, 0));
    assert_eq!(answer.not_judged, 41, "60 of bob, 1 of alice, and 20 fit");
    let name = name_of(&Metric::not_judged(GROUPS[0]));
    let newest = world.settings.windows.newest(TIME_MS);
    let start_ms = world.settings.windows.start_ms(newest);
    assert_eq!(world.greatest(&name, start_ms), Some(41.0));
    assert_eq!(
        world.greatest(&name, start_ms - 5 * MINUTES),
        Some(0.0),
        "an alarm without data does not know whether anybody looks"
    );
    let warned = lines(&world, "pgvigil.warning");
    assert_eq!(warned.len(), 1, "{warned:?}");
    assert!(
        warned[0]["message"]
            .as_str()
            .unwrap()
            .contains("were not judged")
    );
    let text = &world.messages.borrow()[0].2;
    assert!(
        text.contains("alice@shop from 10.0.3.17: SELECT on public.customers"),
        "{text}"
    );
    assert!(text.contains("41 records were NOT judged"), "{text}");
    let of_alice = &lines(&world, "pgvigil.detection")
        .into_iter()
        .find(|line| line["user"] == "alice")
        .unwrap();
    assert_eq!(of_alice["statements"], 1);
}

/// More objects than rows: then by person.
#[test]
fn without_room_for_objects_everybody_is_told_by_name() {
    let mut world = world(&["alice"]);
    world.settings.row_limit = 20;
    for number in 0..60 {
        let table = format!("public.a_table_with_a_long_name_{number}");
        let says = Says::Record("READ", "SELECT", table, "select * from a_table".to_owned());
        let entry = Entry::saying("bob", says).at(1000 + number, TIME_MS - 4 * MINUTES);
        world.entries.push(entry);
    }
    let answer = go(&world, &mut Receipts::default()).unwrap();
    assert_eq!((answer.operations, answer.incomplete), (61, 0));
    let text = world.messages.borrow()[0].2.clone();
    assert!(text.contains("alice@shop from -: -"), "{text}");

    // And more people than rows: whoever is not there is said to be missing.
    for number in 0..60 {
        let entry = entry(
            &format!("person{number}"),
            2000 + number,
            TIME_MS - 4 * MINUTES,
        );
        world.entries.push(entry);
    }
    let answer = go(&world, &mut Receipts::default()).unwrap();
    assert_eq!(answer.incomplete, 1);
    assert!(world.messages.borrow()[1].2.contains("NOT complete"));
    let records = lines(&world, "pgvigil.detection");
    assert!(records.iter().any(|line| line["incomplete"] == true));
}

/// `bad-day` 1: whoever knocks at the door, under a million names, does not hide what somebody inside does.
#[test]
fn a_flood_of_refusals_pushes_nobody_out() {
    let mut world = world(&["alice"]);
    world.judging = judging(&world.settings, &rules(&Signal::ALL, NONE));
    world.settings.row_limit = 300;
    for number in 0..5_000_u64 {
        let words = format!("password authentication failed for user \"made up {number}\"");
        let mut entry = Entry::saying(&format!("made_up_{number}"), Says::Refusal(words))
            .at(5000 + number, TIME_MS - 4 * MINUTES);
        entry.client = format!("10.0.9.{}", number % 3);
        world.entries.push(entry);
    }
    let answer = go(&world, &mut Receipts::default()).unwrap();
    assert_eq!((answer.operations, answer.incomplete), (1, 0));
    let newest = world.settings.windows.newest(TIME_MS);
    let start_ms = world.settings.windows.start_ms(newest);
    let figure = |metric| world.greatest(&name_of(&metric), start_ms);
    assert_eq!(figure(Metric::signal_in(GROUPS[0], Signal::Dml)), Some(1.0));
    assert_eq!(
        figure(Metric::signal_in(GROUPS[0], Signal::Denied)),
        Some(5000.0)
    );
    let text = &world.messages.borrow()[0].2;
    let alice = text.find("alice@shop from 10.0.3.17: SELECT").unwrap();
    let others = text.find("(others)@- from 10.0.9.").unwrap();
    assert!(alice < others, "{text}");
    assert_eq!(lines(&world, "pgvigil.detection").len(), 4);
}

/// The same in the size that AWS cuts: more made-up logins, and more statements of somebody inside, than a result has rows
/// (100,000). A thorough run has many more.
#[test]
fn floods_of_logins_and_statements_push_nobody_out() {
    let (statements, logins) = if super::is_thorough() {
        (200_000, 1_000_000_u32)
    } else {
        (110_000, 150_000)
    };
    let mut world = world(&["alice"]);
    world.judging = judging(&world.settings, &rules(&Signal::ALL, NONE));
    world.entries.extend(flood("bob", statements));
    for number in 0..logins {
        let words = format!("role \"{number}\" does not exist");
        let entry = Entry::saying("x", Says::Refusal(words))
            .at(1_000_000 + u64::from(number), TIME_MS - 4 * MINUTES);
        world.entries.push(entry);
    }
    let answer = go(&world, &mut Receipts::default()).unwrap();
    assert_eq!((answer.operations, answer.incomplete), (statements + 1, 0));
    let text = &world.messages.borrow()[0].2;
    assert!(text.contains("alice@shop from 10.0.3.17: SELECT"), "{text}");
    let of_alice = lines(&world, "pgvigil.detection")
        .into_iter()
        .find(|line| line["user"] == "alice")
        .unwrap();
    assert_eq!(of_alice["statements"], 1);
    let newest = world.settings.windows.newest(TIME_MS);
    let start_ms = world.settings.windows.start_ms(newest);
    let denied = name_of(&Metric::signal_in(GROUPS[0], Signal::Denied));
    assert_eq!(world.greatest(&denied, start_ms), Some(f64::from(logins)));
}

/// Refusals that fit are put together where they are many; a few are told one by one.
#[test]
fn many_refusals_are_told_by_client() {
    let mut world = world(&["alice"]);
    world.judging = judging(&world.settings, &rules(&Signal::ALL, NONE));
    let refused = |number: u64| {
        let says = Says::Refusal(format!("role \"x{number}\" does not exist"));
        Entry::saying("x", says).at(5000 + number, TIME_MS - 4 * MINUTES)
    };
    world.entries.extend((0..100).map(refused));
    assert_eq!(go(&world, &mut Receipts::default()).unwrap().told, 101);
    world.entries.extend((100..1000).map(refused));
    assert_eq!(go(&world, &mut Receipts::default()).unwrap().told, 2);
}

/// Lines that nobody can read count, as nobody's, and push nobody out.
#[test]
fn a_flood_of_broken_lines_counts_and_pushes_nobody_out() {
    let mut world = world(&["alice"]);
    world.settings.row_limit = 20;
    for number in 0..60 {
        let line = format!("in the middle: LOG:  AUDIT: SESSION,{number},1,");
        let entry = Entry::saying("x", Says::Line(line)).at(100 + number, TIME_MS - 4 * MINUTES);
        world.entries.push(entry);
    }
    let answer = go(&world, &mut Receipts::default()).unwrap();
    assert_eq!(
        (answer.operations, answer.not_judged, answer.incomplete),
        (61, 40, 0)
    );
    let text = &world.messages.borrow()[0].2;
    assert!(
        text.contains("alice@shop") && text.contains("-@- from -"),
        "{text}"
    );
}

/// Somebody with many groups leaves room for the others.
#[test]
fn everybody_is_listed_before_anybody_is_listed_twice() {
    let mut world = world(&["alice", "alice"]);
    for number in 0..300 {
        let table = format!("public.t{number}");
        let says = Says::Record("READ", "SELECT", table, "select 1".to_owned());
        for statement in 0..3 {
            let id = 1000 + number * 10 + statement;
            let entry = Entry::saying("bob", says.clone()).at(id, TIME_MS - 4 * MINUTES);
            world.entries.push(entry);
        }
    }
    go(&world, &mut Receipts::default()).unwrap();
    let text = &world.messages.borrow()[0].2;
    let (bob, alice) = (
        text.find("1. bob@shop").unwrap(),
        text.find("2. alice@shop").unwrap(),
    );
    assert!(bob < alice);
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
    assert!(error.to_string().contains("ended and settled"), "{error}");
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

/// A row as a fetch query returns it, with some fields changed.
fn row(window: i64, pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    let log = format!("123456789012:{}", GROUPS[0]);
    let window = window.to_string();
    let base = [
        ("@log", log.as_str()),
        ("window", &window),
        ("records", "1"),
        ("statements", "1"),
        ("oldest", "1.79533800E12"),
        ("newest", "1795338000000"),
        ("lag", "2000"),
        ("process", "4711"),
        ("number", "1,1"),
        ("peer", "10.0.3.17"),
        ("role", "mallory"),
        ("base", "shop"),
        ("kind", "LOG:  AUDIT: SESSION"),
        ("text", "READ,SELECT,TABLE,public.customers,select 1,<none>"),
    ];
    let mut row: BTreeMap<String, String> = base
        .iter()
        .chain(pairs)
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect();
    row.retain(|_, value| value != "MISSING");
    row.into_iter().collect()
}

/// And nothing of it is shown: any value of a row may be SQL.
#[test]
fn a_result_that_cannot_be_read_fails_the_run() {
    for wrong in [
        ("records", "select secret"),
        ("statements", "select secret"),
        ("window", "MISSING"),
        ("window", "NaN"),
        ("oldest", "inf"),
        ("lag", ""),
        ("@log", "123456789012:/another/secret"),
        ("@log", "MISSING"),
    ] {
        let mut world = world(&[]);
        let newest = world.settings.windows.newest(TIME_MS);
        world.extra = vec![row(newest, &[wrong])];
        let error = go(&world, &mut Receipts::default()).unwrap_err();
        assert!(
            matches!(error, RunError::Result { .. }),
            "{wrong:?}: {error}"
        );
        assert!(!error.to_string().contains("secret"), "{error}");
        assert_eq!(errors(&world), [1.0]);
    }
}

#[test]
fn each_signal_has_its_figure_and_what_is_not_enabled_is_not_told() {
    let mut world = world(&["alice"]);
    let newest = world.settings.windows.newest(TIME_MS);
    let record =
        |class, command, sql: &str| Says::Record(class, command, String::new(), sql.to_owned());
    let denied = || Says::Refusal("permission denied for table x".to_owned());
    let says = [
        denied(),
        denied(),
        denied(),
        record(
            "ROLE",
            "ALTER ROLE",
            "alter role alice set pgaudit.log = none",
        ),
        record("DDL", "CREATE TABLE", "create table x ()"),
        record("MISC", "SET", "set x = 1"),
    ];
    for (says, statement) in says.into_iter().zip(100..) {
        let entry = Entry::saying("mallory", says).at(statement, TIME_MS - 4 * MINUTES);
        world.entries.push(entry);
    }
    world
        .entries
        .push(entry("mallory", 200, TIME_MS + 4 * MINUTES));
    world
        .entries
        .push(entry("mallory", 201, TIME_MS - 30 * MINUTES));
    let start_ms = world.settings.windows.start_ms(newest);
    let figures = |world: &World| {
        Signal::ALL
            .map(|signal| world.greatest(&name_of(&Metric::signal_in(GROUPS[0], signal)), start_ms))
    };
    assert_eq!(go(&world, &mut Receipts::default()).unwrap().told, 1);
    assert_eq!(figures(&world), [Some(1.0), None, None, None, None]);
    world.judging = judging(&world.settings, &rules(&Signal::ALL, NONE));
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

/// Names that people chose do not break out of a line, a subject or a message. Whoever has one that could mean something else
/// in the log is nobody, and counts.
#[test]
fn hostile_names_do_no_harm() {
    let names = [
        ("a\r\nSubject: x", "-"),
        ("\u{1b}[31mred", "-"),
        ("\u{202e}evil", "\u{202e}evil"),
        ("\"},{\"record\":\"x", "-"),
        ("дба", "дба"),
        ("\u{0}", "\u{0}"),
        ("##[error]x", "-"),
    ];
    let mut world = world(&[]);
    world.settings.metrics = vec![Breakdown::Command, Breakdown::User];
    let newest = world.settings.windows.newest(TIME_MS);
    for (name, _) in names {
        for times in [1, 400] {
            let long = name.repeat(times);
            let object = format!("TABLE,\"{}\"", long.replace('"', "\"\""));
            let text = format!("READ,SELECT,{object},select 1,<none>");
            world
                .extra
                .push(row(newest, &[("role", &long), ("text", &text)]));
        }
    }
    go(&world, &mut Receipts::default()).unwrap();
    let records = lines(&world, "pgvigil.detection");
    let counted: u64 = records
        .iter()
        .map(|line| line["records"].as_u64().unwrap())
        .sum();
    assert_eq!(counted, 2 * names.len() as u64);
    for (name, shown) in names {
        assert!(
            records.iter().any(|line| line["user"] == shown),
            "{name:?} is lost: {records:#?}"
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
    // A name has 63 bytes at most.
    let name = "\u{202e}".repeat(21);
    world.extra = (0..2000)
        .map(|number| {
            let text = format!("READ,SELECT,TABLE,{number}{long},select 1,<none>");
            row(newest, &[("role", &name), ("base", &name), ("text", &text)])
        })
        .collect();
    let answer = go(&world, &mut Receipts::default()).unwrap();
    assert_eq!(answer.told, 2000);
    let text = world.messages.borrow()[0].2.clone();
    assert!(
        text.contains("more: the monitor's log contains all of them"),
        "{}",
        text.len()
    );
}

const EXCLUSIONS: &str = "version: 1\nexclusions:\n  - id: everything\n    title: Everything is read\n    reason: For a test.\n    \
    owner: test\n    created: 2026-01-01\n    expires: 2036-01-01\n    environments: all\n    \
    match: {class: READ, command: SELECT, statement: {equals: select everything}}\n";

/// It is counted from the same rows, in the window of its arrival, and said once.
#[test]
fn what_exclusions_silence_is_counted_by_window() {
    let mut world = world(&["alice"]);
    world.settings.metrics.push(Breakdown::Suppressed);
    world.judging = judging(&world.settings, &rules(&[Signal::Dml], EXCLUSIONS));
    for statement in 10..13 {
        let sql = "select everything".to_owned();
        let says = Says::Record("READ", "SELECT", "public.t".to_owned(), sql);
        let entry = Entry::saying("tool", says).at(statement, TIME_MS - 4 * MINUTES);
        world.entries.push(entry);
    }
    let mut receipts = Receipts::default();
    let first = go(&world, &mut receipts).unwrap();
    assert_eq!((first.operations, first.told), (1, 1));
    go(&world, &mut receipts).unwrap();
    let windows = world.settings.windows;
    let start_ms = windows.start_ms(windows.newest(TIME_MS));
    let name = name_of(&Metric::suppressed(GROUPS[0], "everything"));
    assert_eq!(world.greatest(&name, start_ms), Some(3.0));
    let said = lines(&world, "pgvigil.suppressed");
    assert_eq!(said.len(), 1, "{said:?}");
    assert_eq!(said[0]["records"]["everything"], 3);
    assert!(
        world
            .requests
            .borrow()
            .iter()
            .all(|request| request.text.contains("stats "))
    );
    assert_eq!(world.requests.borrow().len(), 2, "one query for each run");
}

/// A month before, and few times after that, once a day.
#[test]
fn people_are_told_of_exclusions_that_end() {
    let mut world = world(&[]);
    let day = Timestamp::from_millisecond(TIME_MS)
        .unwrap()
        .to_zoned_datetime(TimeZone::UTC)
        .date();
    let last = day.checked_add(jiff::Span::new().days(31)).unwrap();
    let rule = EXCLUSIONS.replace("2036-01-01", &last.to_string());
    world.judging = judging(&world.settings, &rules(&[Signal::Dml], &rule));
    let mut receipts = Receipts::default();
    for run in 0..(2 * 24 * 12) {
        let time_ms = TIME_MS + run * 5 * MINUTES;
        world.now_ms.set(time_ms + 1000);
        let ended = world.invoke(&mut receipts, What::Scheduled { time_ms }, TIMEOUT_MS);
        ended.unwrap().unwrap();
    }
    let messages = world.messages.borrow();
    assert_eq!(messages.len(), 1, "{messages:?}");
    assert!(
        messages[0].1.contains("1 exclusion ends"),
        "{}",
        messages[0].1
    );
    assert!(
        messages[0]
            .2
            .contains(&format!("everything: ends in 30 days, on {last}")),
        "{}",
        messages[0].2
    );
}

/// The page of metrics tells what the monitor publishes, all of it and nothing else.
#[test]
fn the_table_of_metrics_is_what_is_published() {
    let mut world = world(&["alice"]);
    world.judging = judging(&world.settings, &rules(&Signal::ALL, EXCLUSIONS));
    world.settings.metrics = vec![Breakdown::Command, Breakdown::User, Breakdown::Suppressed];
    let record =
        |class, sql: &str| Says::Record(class, "SELECT", "public.t".to_owned(), sql.to_owned());
    let says = [
        record("ROLE", "select 1"),
        record("DDL", "select 1"),
        record("READ", "select 1 /* pgaudit */"),
        record("READ", "select everything"),
        Says::Refusal("role \"alice\" does not exist".to_owned()),
    ];
    for (says, statement) in says.into_iter().zip(100..) {
        let entry = Entry::saying("alice", says).at(statement, TIME_MS - 4 * MINUTES);
        world.entries.push(entry);
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
        exclusion: "everything",
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

/// What a grant covers is a group of its own: it counts, and the message says that it is expected.
#[test]
fn what_is_expected_counts_and_says_so() {
    let at = |ms: i64| Timestamp::from_millisecond(ms).unwrap();
    let end_ms = TIME_MS - 3 * MINUTES - 2000;
    let run = |rules: &Rules| {
        let mut world = world(&["alice", "bob"]);
        // Alice once more, with another statement, when the grant has just ended.
        let says = Says::Record(
            "READ",
            "SELECT",
            "public.customers".to_owned(),
            "SELECT something else".to_owned(),
        );
        let late = Entry::saying("alice", says).at(9, TIME_MS - 3 * MINUTES);
        assert_eq!(late.happens_ms, end_ms);
        world.entries.push(late);
        world.judging = judging(&world.settings, rules);
        let answer = go(&world, &mut Receipts::default()).unwrap();
        (answer.operations, world)
    };
    let message = |world: &World| world.messages.borrow()[0].2.clone();
    let mut rules = Rules::new(LogLinePrefix::Short);
    let (operations, before) = run(&rules);
    let before = message(&before);
    assert!(!before.contains("expected"), "{before}");
    rules.grants = vec![crate::judge::RuleGrant {
        id: "CHG-123".to_owned(),
        users: vec!["alice".to_owned()],
        databases: None,
        relations: vec![("public".to_owned(), Some("customers".to_owned()))],
        kinds: vec!["read".to_owned()],
        from: at(TIME_MS - 5 * MINUTES),
        until: at(end_ms),
    }];
    let (same, world) = run(&rules);
    let text = message(&world);
    // The mark takes nothing out of the figures.
    assert_eq!((operations, same), (3, 3));
    let until = at(end_ms).strftime("%Y-%m-%d %H:%M UTC").to_string();
    let marks: Vec<&str> = text
        .lines()
        .map(str::trim)
        .filter(|line| line.starts_with("expected") || line.starts_with("not expected"))
        .collect();
    let expected = format!("expected: CHG-123, until {until}");
    assert_eq!(marks.len(), 3, "{text}");
    assert_eq!(
        marks.iter().filter(|line| **line == expected).count(),
        1,
        "{text}"
    );
    let found: BTreeSet<String> = lines(&world, "pgvigil.detection")
        .iter()
        .map(|line| {
            format!(
                "{} {} {}",
                line["user"], line["expected"], line["expected_until"]
            )
        })
        .collect();
    let wanted: BTreeSet<String> = [
        format!("\"alice\" \"CHG-123\" \"{}\"", at(end_ms)),
        "\"alice\" null null".to_owned(),
        "\"bob\" null null".to_owned(),
    ]
    .into_iter()
    .collect();
    assert_eq!(found, wanted);
}

/// Every message says of which severity, signal, team and owner its groups are, and the chat gets the same groups.
#[test]
fn messages_say_whom_they_are_for() {
    let mut world = world(&["alice", "bob"]);
    let people = "version: 1\nexclusions: []\nusers:\n  - {role: alice, owner: lead, team: payments, environments: all}\n\
        sensitivity:\n  - {severity: critical, user: [bob], reason: 'see <!channel> and @here', owner: security}\n";
    world.judging = judging(&world.settings, &rules(&[Signal::Dml], people));
    go(&world, &mut Receipts::default()).unwrap();
    let attributes = world.attributes.borrow();
    let values = |all: &[&str]| all.iter().map(|one| (*one).to_owned()).collect::<Vec<_>>();
    assert_eq!(
        *attributes[0],
        [
            ("severity", values(&["critical", "medium"])),
            ("signal", values(&["dml"])),
            ("team", values(&["payments"])),
            ("owner", values(&["lead"])),
        ]
    );
    let chat = world.chat.borrow();
    assert_eq!((attributes.len(), chat.len()), (1, 1));
    assert_eq!(chat[0].attributes, attributes[0]);
    let message: Value = serde_json::from_str(&chat[0].text).unwrap();
    let description = message["content"]["description"].as_str().unwrap();
    assert!(description.contains("`alice` in `shop`") && description.contains("`bob` in `shop`"));
    assert!(description.contains("in no file of the policy"));
    let runbook = world.settings.runbook.as_ref().unwrap();
    let steps = message["content"]["nextSteps"].as_array().unwrap();
    assert_eq!(steps[0], format!("Follow the runbook: {runbook}").as_str());
    let plain = &world.messages.borrow()[0].2;
    assert!(
        plain.ends_with(&format!("\nFollow the runbook:\n{runbook}\n")),
        "{plain}"
    );
    for (place, message) in faulty(&message) {
        assert!(!SCHEMA.is_valid(&message), "{place}: {message:#}");
    }
}
