//! Accounts whose limits leave no room: told before the first write, with what to do instead.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests may panic"
)]

use std::fs;

use serde_json::{Value, json};

use crate::aws_world::{APPLY, World};
use crate::moto::Call;

const PLAN: &[&str] = &["plan", "--env", "prod", "--detailed-exitcode"];
const DRIFT: &[&str] = &["drift", "--env", "prod"];

/// What every message about it says.
const KEY: &str = "write `reserved_concurrency: none` under `monitor` in the environment's file";

impl World {
    /// Writes the key of the monitor; without a value the default holds.
    fn reserve(&self, value: Option<&str>) {
        let path = self.root().join("environments/prod.yaml");
        let text = fs::read_to_string(&path).unwrap();
        let (before, _) = text.split_once("monitor:\n").unwrap_or((&text, ""));
        let monitor = value.map_or_else(String::new, |value| {
            format!("monitor:\n  reserved_concurrency: {value}\n")
        });
        fs::write(&path, format!("{before}{monitor}")).unwrap();
    }

    /// Two environments of the same account, with a cluster each.
    fn environments(&self) {
        let folder = self.root().join("environments");
        let text = fs::read_to_string(folder.join("prod.yaml")).unwrap();
        for (name, cluster) in [("prod", "orders"), ("second", "billing")] {
            let text = text.replace("[billing, orders]", &format!("[{cluster}]"));
            fs::write(folder.join(format!("{name}.yaml")), text).unwrap();
        }
    }

    /// What is reserved for the one function that there is.
    fn reserved(&self) -> String {
        let reserved = self.by_hand(
            "l=client('lambda')\nn=l.list_functions()['Functions'][0]['FunctionName']\n\
             print(l.get_function_concurrency(FunctionName=n).get('ReservedConcurrentExecutions'))",
        );
        reserved.trim().to_owned()
    }

    /// The check of the doctor, and the code that it ended with.
    fn checked(&self, id: &str) -> (i32, Value) {
        let arguments = ["doctor", "--env", "prod", "--format", "json"];
        let done = self.command(&arguments).output().unwrap();
        let report: Value = serde_json::from_slice(&done.stdout).unwrap();
        let clusters = report["clusters"].as_array().unwrap().iter();
        let of_clusters = clusters.flat_map(|cluster| cluster["checks"].as_array().unwrap());
        let of_environment = report["environment"].as_array().unwrap().iter();
        let check = of_environment
            .chain(of_clusters)
            .find(|check| check["id"] == id);
        (done.status.code().unwrap(), check.unwrap().clone())
    }

    fn since(&self, before: usize) -> Vec<Call> {
        self.moto.calls()[before..].to_vec()
    }

    fn asks_for_limits(&self, before: usize) -> usize {
        let calls = self.since(before);
        let asked = calls
            .iter()
            .filter(|call| call.operation == "GetAccountSettings");
        asked.count()
    }
}

#[test]
fn an_account_without_room_is_told_before_the_first_write() {
    let world = World::new(&["orders", "billing"]);
    let before = world.moto.calls().len();
    let saved = ["plan", "--env", "prod", "--package", ".", "--out", "p.plan"];
    let (code, text) = world.run(&saved);
    assert_eq!(code, 0, "{text}");
    world.moto.concurrency(10, 10);

    let (code, text) = world.run(PLAN);
    assert_eq!(code, 10, "{text}");
    let why = "the account has no room for a reserved concurrency of 1: Lambda leaves at least 10 unreserved, and 10 are \
               unreserved now, of 10 in all";
    // Of each function in the plan, and the first one in the end.
    assert_eq!(text.matches(why).count(), 3, "{text}");
    assert!(text.contains(KEY), "{text}");
    let (code, text) = world.run(&["plan", "--env", "prod", "--format", "markdown"]);
    assert_eq!(code, 10, "{text}");
    assert!(text.contains("**Cannot succeed:**"), "{text}");
    let document = world
        .command(&["plan", "--env", "prod", "--format", "json"])
        .output()
        .unwrap();
    let document: Value = serde_json::from_slice(&document.stdout).unwrap();
    let obstacles = document["obstacles"].as_array().unwrap();
    assert_eq!(obstacles.len(), 2, "{obstacles:?}");
    for obstacle in obstacles {
        let address = obstacle["address"].as_str().unwrap();
        assert!(address.contains("/lambda-function/"), "{address}");
        assert!(obstacle["help"].as_str().unwrap().starts_with(KEY));
    }
    let (code, text) = world.run(&["plan", "--all", "--out", "plans"]);
    assert_eq!(code, 10, "{text}");
    assert!(text.contains(KEY), "{text}");
    assert!(!world.root().join("plans/prod.plan").exists());

    let (code, text) = world.run(APPLY);
    assert_eq!(code, 10, "{text}");
    assert!(text.contains(KEY), "{text}");
    // A plan of the day before, when there was room.
    let apply = [
        "apply",
        "--env",
        "prod",
        "--auto-approve",
        "--package",
        ".",
        "p.plan",
    ];
    let (code, text) = world.run(&apply);
    assert_eq!(code, 1, "{text}");
    assert!(
        text.contains("nothing was changed") && text.contains(why) && text.contains(KEY),
        "{text}"
    );

    // Nobody changed anything by hand, whatever an apply has room for.
    let (code, text) = world.run(DRIFT);
    assert_eq!(code, 12, "{text}");
    assert!(text.contains("no changes made outside pgvigil"), "{text}");
    assert!(!text.contains("reserved_concurrency"), "{text}");
    let (code, check) = world.checked("account-concurrency");
    assert_eq!((code, &check["verdict"]), (10, &json!("fail")), "{check}");
    assert_eq!(check["findings"].as_array().unwrap().len(), 2, "{check}");
    assert!(
        check["findings"][0]["sentence"]
            .as_str()
            .unwrap()
            .contains(KEY)
    );
    assert!(
        world.since(before).iter().all(|call| !call.writes),
        "something was written"
    );
}

/// Each fits alone, and not both: told before the first write, whatever applies them.
#[test]
fn environments_of_one_account_share_its_room() {
    let world = World::new(&["billing", "orders"]);
    world.environments();
    let room = "10 stay unreserved after the other reservations of this run, of 11 in all";
    world.moto.concurrency(11, 10);
    let before = world.moto.calls().len();
    for name in ["prod", "second"] {
        let (code, text) = world.run(&["plan", "--env", name]);
        assert_eq!(code, 0, "{text}");
    }
    let (code, text) = world.run(&["plan", "--all", "--out", "plans"]);
    assert_eq!(code, 10, "{text}");
    assert!(text.contains(room) && text.contains(KEY), "{text}");
    assert!(world.root().join("plans/prod.plan").exists());
    assert!(!world.root().join("plans/second.plan").exists());
    let both = ["--env", "prod", "--env", "second"];
    let run = |what: &[&str]| world.run(&[&["ci"], what, &both, &["--out", "ci"]].concat());
    let (code, text) = run(&["pr"]);
    assert_eq!(code, 10, "{text}");
    assert!(text.contains(room), "{text}");
    let (code, text) = run(&["apply", "--package", "."]);
    assert_eq!(code, 10, "{text}");
    assert!(text.contains(room) && text.contains(KEY), "{text}");
    assert!(
        text.contains(
            "nothing was changed: the account does not have enough capacity for `second`"
        ),
        "{text}"
    );
    assert!(
        world.since(before).iter().all(|call| !call.writes),
        "something was written"
    );
    world.moto.concurrency(12, 10);
    let (code, text) = run(&["apply", "--package", "."]);
    assert_eq!(code, 0, "{text}");
    let (code, text) = world.run(&["plan", "--all", "--detailed-exitcode"]);
    assert_eq!(code, 0, "{text}");
}

#[test]
fn an_account_without_room_takes_a_monitor_that_reserves_nothing() {
    let world = World::new(&["orders"]);
    world.moto.concurrency(10, 10);
    world.reserve(Some("none"));
    world.apply();
    let before = world.moto.calls().len();
    let (code, text) = world.run(PLAN);
    assert_eq!(code, 0, "{text}");
    let (code, text) = world.run(DRIFT);
    assert_eq!(code, 0, "{text}");
    // Where nothing is reserved anew, nobody asks.
    assert_eq!(world.asks_for_limits(before), 0);
    assert_eq!(world.reserved(), "None");
    for (id, sentence) in [
        (
            "account-concurrency",
            "10 of 10 concurrent runs are unreserved",
        ),
        (
            "function-concurrency",
            "it has no reserved concurrency, as the files declare",
        ),
    ] {
        let (_, check) = world.checked(id);
        assert_eq!(check["verdict"], "ok", "{check}");
        assert_eq!(check["findings"][0]["sentence"], sentence, "{check}");
    }
    // The default does not fit either later.
    world.reserve(None);
    let (code, text) = world.run(PLAN);
    assert_eq!(code, 10, "{text}");
    assert!(text.contains(KEY), "{text}");
}

#[test]
fn a_reservation_goes_and_comes_back() {
    let world = World::new(&["orders"]);
    world.apply();
    assert_eq!(world.reserved(), "1");
    for (value, becomes) in [(Some("none"), "None"), (Some("3"), "3"), (None, "1")] {
        world.reserve(value);
        let (code, text) = world.run(PLAN);
        assert_eq!(code, 12, "{value:?}: {text}");
        assert!(text.contains("reserved_concurrency"), "{value:?}: {text}");
        assert!(text.contains("1 to change"), "{value:?}: {text}");
        world.apply();
        assert_eq!(world.reserved(), becomes, "{value:?}");
        let (code, text) = world.run(PLAN);
        assert_eq!(code, 0, "{value:?}: {text}");
    }
    // Somebody takes it away in the console, and the account is full by then.
    world.by_hand(
        "l=client('lambda')\nn=l.list_functions()['Functions'][0]['FunctionName']\n\
         l.delete_function_concurrency(FunctionName=n)",
    );
    world.moto.concurrency(10, 10);
    let before = world.moto.calls().len();
    let (code, text) = world.run(DRIFT);
    assert_eq!(code, 13, "{text}");
    assert_eq!(world.asks_for_limits(before), 0);
    let (code, text) = world.run(APPLY);
    assert_eq!(code, 10, "{text}");
    assert!(text.contains(KEY), "{text}");
}

/// Accounts differ in what they leave unreserved, and only the call itself tells.
#[test]
fn a_reservation_that_the_service_refuses_is_told_with_what_to_do() {
    let world = World::new(&["orders"]);
    world.moto.concurrency(1000, 1000);
    let (code, text) = world.run(APPLY);
    assert_eq!(code, 15, "{text}");
    for words in [
        "below its minimum value of [1000]",
        KEY,
        "part of it was written",
        "another apply would fail at this step too, until the cause is fixed",
        "First fix the cause of the failed step.",
    ] {
        assert!(text.contains(words), "{words}: {text}");
    }
    assert!(!text.contains("the next apply finishes it"), "{text}");
    // The alarm on a silent monitor is there, and fires.
    let alarms = world.by_hand(
        "print([a['AlarmName'] for a in client('cloudwatch').describe_alarms()['MetricAlarms']])",
    );
    assert!(alarms.contains("-heartbeat"), "{alarms}");
    let (code, again) = world.run(APPLY);
    assert_eq!(code, 15, "{again}");
    assert!(again.contains(KEY), "{again}");
    world.reserve(Some("none"));
    world.apply();
    let (code, text) = world.run(PLAN);
    assert_eq!(code, 0, "{text}");
    assert_eq!(world.reserved(), "None");
}

#[test]
fn an_account_that_does_not_tell_its_limits_is_not_known_to_have_room() {
    let world = World::new(&["orders"]);
    let denied = json!([{
        "operation": "lambda:GetAccountSettings", "times": null, "status": 403,
        "code": "AccessDeniedException", "message": "no right to it"
    }]);
    world.moto.faults(&denied);
    let before = world.moto.calls().len();
    for run in [PLAN, APPLY] {
        let (code, text) = world.run(run);
        assert_eq!(code, 1, "{text}");
        assert!(
            text.contains("not allowed to call lambda:GetAccountSettings"),
            "{text}"
        );
    }
    assert!(world.since(before).iter().all(|call| !call.writes));
    world.moto.faults(&json!([]));
    world.apply();
    world.moto.faults(&denied);
    // What is there needs no room.
    let (code, text) = world.run(PLAN);
    assert_eq!(code, 0, "{text}");
    let (code, text) = world.run(DRIFT);
    assert_eq!(code, 0, "{text}");
    let (_, check) = world.checked("account-concurrency");
    assert_eq!(check["verdict"], "unknown", "{check}");
}

#[test]
fn the_rights_to_it_are_printed() {
    let world = World::new(&["orders"]);
    for (purpose, rights) in [
        ("plan", &["lambda:GetAccountSettings"][..]),
        ("doctor", &["lambda:GetAccountSettings"]),
        (
            "apply",
            &[
                "lambda:GetAccountSettings",
                "lambda:PutFunctionConcurrency",
                "lambda:DeleteFunctionConcurrency",
            ],
        ),
    ] {
        let (code, text) = world.run(&["iam-policy", "--env", "prod", "--for", purpose]);
        assert_eq!(code, 0, "{text}");
        for right in rights {
            assert!(text.contains(right), "{purpose}: {right}: {text}");
        }
        let writes = text.contains("lambda:DeleteFunctionConcurrency");
        assert_eq!(writes, purpose == "apply", "{text}");
    }
}
