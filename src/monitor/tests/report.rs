//! What the monitor writes into its log, read by the report of a period.

use super::cases::{TIME_MS, TIMEOUT_MS, entry, go, world};
use super::world::{GROUPS, World};
use crate::audit_log::reader::Inputs;
use crate::evidence::{self, Period, Recorded, Wanted};
use crate::monitor::{Receipts, What};

const MINUTES: i64 = 60_000;

fn reported(world: &World, wrap: impl Fn(&str) -> String) -> Recorded {
    let lines = world.lines.borrow();
    let text: String = lines.iter().map(|(_, line)| wrap(line)).collect();
    let day = jiff::Timestamp::from_millisecond(TIME_MS)
        .unwrap()
        .to_zoned_datetime(jiff::tz::TimeZone::UTC)
        .date();
    let period = Period::new(day, day).unwrap();
    let log_groups = GROUPS.map(str::to_owned).into();
    let wanted = Wanted {
        environment: "prod",
        log_groups: &log_groups,
        cluster: "-",
        period,
        keep: true,
    };
    evidence::read(
        &Inputs::from_bytes("monitor.log", text.into_bytes()),
        wanted,
    )
}

fn statements(recorded: &Recorded) -> Vec<(String, u64)> {
    recorded
        .groups
        .iter()
        .map(|(key, sum)| (key.user.clone(), sum.statements))
        .collect()
}

/// A window that grows is written a second time, with everything in it: the report counts each statement once.
#[test]
fn each_statement_counts_once_however_often_its_window_is_written() {
    let mut world = world(&["alice"]);
    go(&world, &mut Receipts::default()).unwrap();
    // Late ones, in the window that was written already.
    world.entries.push(entry("alice", 7, TIME_MS - 3 * MINUTES));
    world.entries.push(entry("bob", 8, TIME_MS - 3 * MINUTES));
    world.now_ms.set(TIME_MS + 5 * MINUTES + 5000);
    let next = What::Scheduled {
        time_ms: TIME_MS + 5 * MINUTES,
    };
    world
        .invoke(&mut Receipts::default(), next, TIMEOUT_MS)
        .unwrap()
        .unwrap();
    let of_alice = world
        .lines
        .borrow()
        .iter()
        .filter(|(_, line)| line.contains("pgvigil.detection") && line.contains("alice"))
        .count();
    assert_eq!(of_alice, 2, "the test needs a window that is written twice");
    let plain = reported(&world, |line| format!("{line}\n"));
    let counts = [("alice".to_owned(), 2), ("bob".to_owned(), 1)];
    assert_eq!(statements(&plain), counts);
    assert_eq!((plain.unread, plain.foreign, plain.runs), (0, 0, 2));
    assert_eq!(plain.detections.len(), 2);

    // The same in the forms in which people export a log of CloudWatch.
    let exported = reported(&world, |line| format!("2026-11-22T09:05:00.000Z {line}\n"));
    assert_eq!(statements(&exported), counts);
    let event = |line: &str| {
        format!(
            "{}\n",
            serde_json::json!({"timestamp": 1, "message": format!("{line}\n")})
        )
    };
    assert_eq!(statements(&reported(&world, event)), counts);
    let lines = world.lines.borrow();
    let events: Vec<serde_json::Value> = lines
        .iter()
        .map(|(_, line)| serde_json::json!({"timestamp": 1, "message": line}))
        .collect();
    drop(lines);
    let document = serde_json::to_string_pretty(&serde_json::json!({"events": events})).unwrap();
    let first = std::cell::Cell::new(true);
    let whole = reported(&world, |_| {
        if first.replace(false) {
            document.clone()
        } else {
            String::new()
        }
    });
    assert_eq!(statements(&whole), counts);
    assert_eq!(whole.unread, 0, "{:?}", whole.unread_first);
}

/// A run says how many groups it notified people of: a report of fewer detections is not the whole.
#[test]
fn a_detection_that_is_missing_is_noticed() {
    let mut world = world(&["alice"]);
    let mut receipts = Receipts::default();
    go(&world, &mut receipts).unwrap();
    // What the first run of a file announces may be in another file: the second one counts.
    world.entries.push(entry("bob", 8, TIME_MS + MINUTES));
    world.now_ms.set(TIME_MS + 5 * MINUTES + 5000);
    let next = What::Scheduled {
        time_ms: TIME_MS + 5 * MINUTES,
    };
    world
        .invoke(&mut receipts, next, TIMEOUT_MS)
        .unwrap()
        .unwrap();
    assert_eq!(reported(&world, |line| format!("{line}\n")).missing, 0);
    let without = |line: &str| {
        if line.contains("pgvigil.detection") {
            String::new()
        } else {
            format!("{line}\n")
        }
    };
    assert_eq!(reported(&world, without).missing, 1);
}

/// A line that is cut, of another kind or of a later version is told, and the others count.
#[test]
fn what_is_not_understood_is_told() {
    let world = world(&["alice"]);
    go(&world, &mut Receipts::default()).unwrap();
    for (spoilt, said) in [
        (
            "{\"record\":\"pgvigil.detection\",\"version\":2,",
            "is not JSON",
        ),
        (
            "{\"record\":\"pgvigil.detection\",\"version\":2}",
            "is not a pgvigil.detection",
        ),
        (
            "{\"record\":\"pgvigil.later\"}",
            "does not know: pgvigil.later",
        ),
        ("{\"colour\":\"red\"}", "is not a record of pgvigil"),
        ("an error of the runtime", "is not a record of pgvigil"),
    ] {
        let first = std::cell::Cell::new(true);
        let recorded = reported(&world, |line| {
            let lead = if first.replace(false) {
                format!("START RequestId: 1 Version: 1\n{spoilt}\n")
            } else {
                String::new()
            };
            format!("{lead}{line}\n")
        });
        assert_eq!(recorded.unread, 1, "{spoilt}");
        assert!(
            recorded.unread_first[0].starts_with("monitor.log:2: ")
                && recorded.unread_first[0].contains(said),
            "{:?}",
            recorded.unread_first
        );
        assert_eq!(statements(&recorded), [("alice".to_owned(), 1)]);
    }
}
