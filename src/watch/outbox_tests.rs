#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "tests may panic"
)]

use serde_json::json;

use super::*;
use crate::audit_log::follow::{Follower, Options, Start};

fn outbox() -> Outbox {
    let limits = Limits {
        records: 5,
        batch_records: 2,
        ..Limits::default()
    };
    Outbox::new(limits, json!({"environment": "e"}), Writer::default())
}

fn record(number: u32) -> Record {
    Record {
        id: format!("id{number}"),
        json: format!("{{\"n\":{number}}}"),
    }
}

fn place(offset: u64) -> Place {
    Place {
        offset,
        ..Place::default()
    }
}

/// Keys are given by a follower.
fn key() -> Key {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("log"), "x\n").unwrap();
    let paths = [folder.path().to_owned()];
    let mut follower = Follower::new(&paths, Options::default(), Start::End, None).unwrap();
    follower.look(Instant::now(), std::time::SystemTime::now());
    follower.places().next().unwrap().0
}

#[test]
fn the_cursor_never_passes_what_was_not_delivered() {
    let (key, now) = (key(), Instant::now());
    let mut outbox = outbox();
    outbox.push(key, &place(0), &place(10), Vec::new());
    assert!(outbox.is_empty(), "nothing waits, so nothing is noted");
    outbox.push(key, &place(10), &place(20), vec![record(1)]);
    outbox.push(key, &place(20), &place(30), Vec::new());
    outbox.push(key, &place(30), &place(40), vec![record(2), record(3)]);
    assert_eq!(outbox.reached(key).unwrap().offset, 10);

    let batch = outbox.due(now).unwrap();
    assert_eq!(batch.records, 2);
    assert!(outbox.due(now).is_none(), "one request at a time");
    assert_eq!(outbox.answered(now, Answer::Taken, 0), Told::Nothing);
    assert_eq!(outbox.reached(key).unwrap().offset, 30);
    let last = outbox.due(now).unwrap();
    let body: serde_json::Value = serde_json::from_str(&last.body).unwrap();
    assert_eq!(body["records"], json!([{"n": 3}]));
    assert_eq!(body["source"]["environment"], "e");
    assert_eq!(body["batch"], last.id);
    outbox.answered(now, Answer::Taken, 0);
    assert!(outbox.reached(key).is_none());
    assert!(outbox.is_empty());
    assert_eq!(outbox.size(), (0, 0));
    assert_eq!(outbox.sums().delivered, 3);
}

#[test]
fn a_failure_is_told_once_and_tried_again_later_and_later() {
    let (key, mut now) = (key(), Instant::now());
    let mut outbox = outbox();
    outbox.push(key, &place(0), &place(1), vec![record(1)]);
    let first = outbox.due(now).unwrap();
    let failed = |what: &str| Answer::Failed {
        what: what.to_owned(),
        retry_after: None,
    };
    assert_eq!(
        outbox.answered(now, failed("x"), 0),
        Told::Broken("x".to_owned())
    );
    let mut waited = Vec::new();
    for _ in 0..8 {
        let from = now;
        let again = loop {
            if let Some(batch) = outbox.due(now) {
                break batch;
            }
            now += Duration::from_millis(100);
        };
        assert_eq!(
            again.id, first.id,
            "the same request, so that it is taken once"
        );
        waited.push((now - from).as_secs());
        assert_eq!(outbox.answered(now, failed("x"), 0), Told::Nothing);
    }
    assert_eq!(waited, [1, 2, 4, 8, 16, 32, 60, 60]);
    // A record that came meanwhile waits behind.
    outbox.push(key, &place(1), &place(2), vec![record(2)]);
    now += Duration::from_secs(100);
    assert_eq!(outbox.due(now).unwrap().id, first.id);
    let told = outbox.answered(now, Answer::Refused { status: 404 }, 511);
    assert!(matches!(told, Told::Broken(what) if what.contains("404")));
    assert!(outbox.due(now + Duration::from_secs(299)).is_none());
    let now = now + Duration::from_secs(451);
    assert!(outbox.due(now).is_some());
    assert_eq!(outbox.answered(now, Answer::Taken, 0), Told::Works);
    assert_eq!(outbox.size().0, 1);
}

#[test]
fn a_receiver_may_ask_for_a_pause_but_not_for_ever() {
    let (key, now) = (key(), Instant::now());
    let mut outbox = outbox();
    outbox.push(key, &place(0), &place(1), vec![record(1)]);
    outbox.due(now).unwrap();
    let answer = Answer::Failed {
        what: "x".to_owned(),
        retry_after: Some(Duration::from_secs(1_000_000)),
    };
    outbox.answered(now, answer, 0);
    assert!(outbox.due(now + Duration::from_secs(299)).is_none());
    assert!(outbox.due(now + Duration::from_secs(301)).is_some());
}

#[test]
fn a_full_queue_says_so_and_drops_nothing() {
    let key = key();
    let mut outbox = outbox();
    for number in 0..5 {
        assert!(!outbox.is_full());
        outbox.push(key, &place(0), &place(1), vec![record(number)]);
    }
    assert!(outbox.is_full());
    outbox.push(key, &place(0), &place(1), vec![record(6)]);
    assert_eq!(outbox.size().0, 6);
}
