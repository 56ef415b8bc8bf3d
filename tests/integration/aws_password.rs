//! An https endpoint with a password, of which SNS lists all but the password.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests may panic"
)]

use serde_json::json;

use crate::aws_world::{APPLY, World};

const PLAN: &[&str] = &["plan", "--env", "prod", "--detailed-exitcode"];
const DRIFT: &[&str] = &["drift", "--env", "prod"];
const OLD: &str = "https://bot:hunter2@incident.example.com/hook";
const NEW: &str = "https://bot:hunter2-rotated@incident.example.com/hook";

impl World {
    /// Runs a command where the endpoint is this one, or is not known.
    fn run_with(&self, endpoint: Option<&str>, arguments: &[&str]) -> (i32, String) {
        let mut command = self.command(arguments);
        match endpoint {
            Some(endpoint) => command.env("INCIDENT_URL", endpoint),
            None => command.env_remove("INCIDENT_URL"),
        };
        let done = command.output().unwrap();
        let text =
            String::from_utf8(done.stdout).unwrap() + &String::from_utf8(done.stderr).unwrap();
        for secret in ["hunter2", "incident.example.com"] {
            assert!(!text.contains(secret), "a secret is shown: {text}");
        }
        (done.status.code().unwrap(), text)
    }

    #[track_caller]
    fn ends(&self, endpoint: Option<&str>, arguments: &[&str], expected: i32) -> String {
        let (code, text) = self.run_with(endpoint, arguments);
        assert_eq!(code, expected, "{}: {text}", arguments.join(" "));
        text
    }

    /// The https endpoints, as SNS lists them.
    fn listed(&self) -> Vec<String> {
        let listed = self.by_hand(
            "s=client('sns').list_subscriptions_by_topic(TopicArn=client('sns').list_topics()['Topics'][0]['TopicArn'])\n\
             for each in s['Subscriptions']:\n  if each['Protocol'] == 'https': print(each['Endpoint'])",
        );
        listed.lines().map(str::to_owned).collect()
    }

    /// The passwords of the endpoints that there are: moto's other list shows them.
    fn passwords(&self) -> Vec<String> {
        let all = self.by_hand(
            "for each in client('sns').list_subscriptions()['Subscriptions']:\n  print(each['Endpoint'])",
        );
        let passwords = all
            .lines()
            .filter_map(|line| line.split_once("//bot:")?.1.split_once('@'));
        passwords.map(|(password, _)| password.to_owned()).collect()
    }
}

#[test]
fn an_endpoint_with_a_password_settles() {
    let world = World::new(&["orders"]);
    world.ends(Some(OLD), APPLY, 0);
    assert_eq!(
        world.listed(),
        ["https://bot:****@incident.example.com/hook"],
        "it is listed as SNS does"
    );
    let before = world.moto.calls().len();
    for endpoint in [Some(OLD), None] {
        world.ends(endpoint, PLAN, 0);
        world.ends(endpoint, DRIFT, 0);
    }
    world.ends(Some(OLD), APPLY, 0);
    assert!(world.moto.calls()[before..].iter().all(|call| !call.writes));

    // The secret is another one now: a change of ours, and no drift.
    world.ends(Some(NEW), PLAN, 12);
    let text = world.ends(Some(NEW), DRIFT, 12);
    assert!(text.contains("no changes made outside pgvigil"), "{text}");
    world.ends(Some(NEW), APPLY, 0);
    assert_eq!(world.passwords(), ["hunter2-rotated"]);
    world.ends(Some(NEW), PLAN, 0);
    world.ends(None, PLAN, 0);

    // One without a password in its place, and back.
    let plain = "https://incident.example.com/hook?key=hunter2";
    world.ends(Some(plain), PLAN, 12);
    world.ends(Some(plain), APPLY, 0);
    assert_eq!(world.listed(), [plain]);
    world.ends(Some(plain), PLAN, 0);
    world.ends(Some(OLD), APPLY, 0);
    assert_eq!(world.passwords(), ["hunter2"]);
    world.ends(Some(OLD), PLAN, 0);
}

/// The new one stands and the old one is not gone yet: both are listed alike.
#[test]
fn a_change_of_the_password_that_was_cut_ends_with_the_new_one() {
    let world = World::new(&["orders"]);
    world.ends(Some(OLD), APPLY, 0);
    world
        .moto
        .faults(&json!([{ "operation": "sns:Unsubscribe", "times": null, "cut": true }]));
    world.ends(Some(NEW), APPLY, 15);
    assert_eq!(world.passwords().len(), 2);
    world.moto.faults(&json!([]));
    world.ends(Some(NEW), APPLY, 0);
    assert_eq!(world.passwords(), ["hunter2-rotated"]);
    world.ends(Some(NEW), PLAN, 0);
}

/// The subscription stands, and that it does is not noted: the next apply asks for it again, which makes no second one.
#[test]
fn one_that_was_never_noted_is_asked_for_again() {
    let world = World::new(&["orders"]);
    world
        .moto
        .faults(&json!([{ "operation": "sns:Subscribe", "times": 1, "lost": true, "skip": 1 }]));
    let text = world.ends(Some(OLD), APPLY, 15);
    assert!(text.contains("part of it was written"), "{text}");
    assert_eq!(world.passwords(), ["hunter2"]);
    world.moto.faults(&json!([]));
    world.ends(Some(OLD), APPLY, 0);
    assert_eq!(world.passwords(), ["hunter2"]);
    world.ends(Some(OLD), PLAN, 0);
}

/// A second one that is listed alike was made by somebody else, and reads every alert.
#[test]
fn a_second_one_that_is_listed_alike_is_told() {
    let world = World::new(&["orders"]);
    world.ends(Some(OLD), APPLY, 0);
    world.by_hand(
        "s=client('sns')\ns.subscribe(TopicArn=s.list_topics()['Topics'][0]['TopicArn'],Protocol='https',\
         Endpoint='https://bot:other@incident.example.com/hook')",
    );
    for endpoint in [Some(OLD), None] {
        let text = world.ends(endpoint, DRIFT, 13);
        assert!(text.contains("extra"), "{text}");
    }
}
