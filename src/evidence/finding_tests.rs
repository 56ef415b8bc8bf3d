//! Tests of what the forms of a detection have in common.

use jiff::Timestamp;

use super::*;
use crate::evidence::detection::Window;
use crate::policy::model::Severity;

fn detection(user: &str, identity: Option<&str>) -> Detection {
    Detection {
        record: String::new(),
        version: 2,
        window: Window {
            start: Timestamp::UNIX_EPOCH,
            end: Timestamp::UNIX_EPOCH,
        },
        rules: String::new(),
        policy: String::new(),
        environment: String::new(),
        cluster: String::new(),
        log_group: String::new(),
        signals: Vec::new(),
        user: user.to_owned(),
        database: "shop".to_owned(),
        client: String::new(),
        class: String::new(),
        command: "SELECT".to_owned(),
        object: String::new(),
        statements: 1,
        records: 1,
        not_judged: 0,
        first_seen: Timestamp::UNIX_EPOCH,
        last_seen: Timestamp::UNIX_EPOCH,
        process: None,
        new: true,
        incomplete: false,
        expected: None,
        expected_until: None,
        severity: Severity::Medium,
        severity_reason: String::new(),
        owner: None,
        team: None,
        identity: identity.map(str::to_owned),
        session_name: None,
    }
}

#[test]
fn only_an_address_of_mail_is_one() {
    for (identity, is_email) in [
        ("alice@example.com", true),
        ("a.b+c@x-y.example.com", true),
        ("alice", false),
        ("alice@example", false),
        ("@example.com", false),
        ("alice@", false),
        ("alice@example..com", false),
        ("alice@a@example.com", false),
        ("al ice@example.com", false),
        ("alice@exam\nple.com", false),
        ("arn:aws:sts::1:assumed-role/x/alice@example.com", false),
    ] {
        let detection = detection("alice", Some(identity));
        assert_eq!(email(&detection).is_some(), is_email, "{identity}");
    }
}

#[test]
fn a_sentence_shows_names_as_they_are() {
    let long = "x".repeat(101);
    for (user, shown) in [
        ("alice", "alice"),
        ("a\u{1b}[2J\nb", "a\\u{1b}[2J\\u{a}b"),
        ("a\u{202e}b", "a\\u{202e}b"),
        (&*long, &*format!("{}…", "x".repeat(100))),
        (&long[1..], &long[1..]),
        ("-", "unknown user"),
    ] {
        let title = title(&detection(user, None));
        assert_eq!(title, format!("{shown}@shop: SELECT"));
    }
}

#[test]
fn a_long_reason_is_cut_where_it_would_not_be_found() {
    assert_eq!(looked_up("card data"), "card data");
    let long = "ä".repeat(1001);
    assert_eq!(looked_up(&long).chars().count(), 1001);
    assert!(looked_up(&long).ends_with('…'));
    assert_eq!(looked_up(&long[2..]), long[2..]);
}
