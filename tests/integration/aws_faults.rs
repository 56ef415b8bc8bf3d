//! Deploying to AWS survives everything: calls that are cut or lost, kills, other hands, throttling, missing rights.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests may panic"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::aws_world::{APPLY, World};
use crate::moto::Call;
use crate::recorded;

const PLAN: &[&str] = &["plan", "--env", "prod", "--detailed-exitcode"];
const DRIFT: &[&str] = &["drift", "--env", "prod"];

/// Writes of an apply from nothing, of one cluster with two receivers.
const WRITES: usize = 49;

impl World {
    fn faults(&self, faults: &Value) {
        self.moto.faults(faults);
    }

    /// What a plan would do with each resource.
    fn actions(&self) -> BTreeMap<String, String> {
        let (_, text) = self.run(&[
            "plan",
            "--env",
            "prod",
            "--format",
            "json",
            "--package",
            ".",
        ]);
        let plan: Value = serde_json::from_str(&text).unwrap();
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let resources = plan["resources"].as_array().unwrap().iter();
        resources
            .map(|resource| (text(&resource["address"]), text(&resource["action"])))
            .collect()
    }

    /// Nothing is left to do, and nothing stands twice.
    fn assert_converged(&self, story: &str) {
        let (code, text) = self.run(APPLY);
        assert_eq!(code, 0, "{story}: {text}");
        let (code, text) = self.run(PLAN);
        assert_eq!(code, 0, "{story}: {text}");
        self.assert_once(story);
    }

    fn assert_once(&self, story: &str) {
        let keys = self.json("kms", "TrentService.ListKeys", &json!({}));
        let standing: Vec<Value> = keys["Keys"]
            .as_array()
            .unwrap()
            .iter()
            .map(|key| self.key(key["KeyId"].as_str().unwrap()))
            .filter(|key| key["KeyState"] != "PendingDeletion")
            .collect();
        assert_eq!(standing.len(), 1, "{story}: {standing:?}");
        let named = self.json(
            "kms",
            "TrentService.ListAliases",
            &json!({ "KeyId": standing[0]["KeyId"] }),
        );
        assert_eq!(named["Aliases"].as_array().unwrap().len(), 1, "{story}");
        let queries = self.json("logs", "Logs_20140328.DescribeQueryDefinitions", &json!({}));
        let queries = queries["queryDefinitions"].as_array().unwrap();
        let names: BTreeSet<&str> = queries
            .iter()
            .map(|query| query["name"].as_str().unwrap())
            .collect();
        assert_eq!((queries.len(), names.len()), (3, 3), "{story}: {names:?}");
        let count = |answer: &str| answer.matches("<member>").count();
        let subscriptions = self.xml("sns", "Action=ListSubscriptions&Version=2010-03-31");
        assert_eq!(count(&subscriptions), 2, "{story}: {subscriptions}");
        let topics = self.xml("sns", "Action=ListTopics&Version=2010-03-31");
        assert_eq!(count(&topics), 1, "{story}: {topics}");
        let rules = self.json("events", "AWSEvents.ListRules", &json!({}));
        let rules = rules["Rules"].as_array().unwrap();
        assert_eq!(rules.len(), 1, "{story}: {rules:?}");
        let targets = self.json(
            "events",
            "AWSEvents.ListTargetsByRule",
            &json!({ "Rule": rules[0]["Name"] }),
        );
        assert_eq!(
            targets["Targets"].as_array().unwrap().len(),
            1,
            "{story}: {targets}"
        );
    }

    fn key(&self, id: &str) -> Value {
        let answer = self.json("kms", "TrentService.DescribeKey", &json!({ "KeyId": id }));
        answer["KeyMetadata"].clone()
    }

    fn begin(&self, arguments: &[&str]) -> Child {
        self.command(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap()
    }

    /// Waits until somebody makes a call.
    fn wait_for(&self, operation: &str) {
        let start = Instant::now();
        while !self
            .moto
            .calls()
            .iter()
            .any(|call| call.operation == operation)
        {
            assert!(
                start.elapsed() < Duration::from_secs(20),
                "nobody calls {operation}"
            );
            sleep(Duration::from_millis(20));
        }
    }

    fn count(&self, operation: &str) -> usize {
        let calls = self.moto.calls();
        let done = |call: &&Call| {
            call.operation == operation && call.status.is_some_and(|status| status / 100 == 2)
        };
        calls.iter().filter(done).count()
    }
}

/// How a run ended, with all its words.
fn end(child: Child) -> (i32, String) {
    let done = child.wait_with_output().unwrap();
    let text = String::from_utf8(done.stdout).unwrap() + &String::from_utf8(done.stderr).unwrap();
    (done.status.code().unwrap_or(-1), text)
}

/// What an apply says of each resource: its word, and the line that tells how much of a failed one was written.
fn told(text: &str) -> BTreeMap<String, (String, String)> {
    let mut told = BTreeMap::new();
    let lines: Vec<&str> = text.lines().collect();
    for (index, line) in lines.iter().enumerate() {
        let words: Vec<&str> = line.split("  ").filter(|word| !word.is_empty()).collect();
        let [word, address] = words.as_slice() else {
            continue;
        };
        let word = word.trim();
        if [
            "created",
            "adopted",
            "changed",
            "recorded",
            "already so",
            "failed",
            "not done",
        ]
        .contains(&word)
        {
            let written = lines.get(index + 2).copied().unwrap_or_default().trim();
            let written = if word == "failed" { written } else { "" };
            told.insert((*address).to_owned(), (word.to_owned(), written.to_owned()));
        }
    }
    told
}

/// What an apply says of itself is what a plan finds.
fn assert_truthful(story: &str, text: &str, now: &BTreeMap<String, String>) {
    let told = told(text);
    assert_eq!(told.len(), now.len(), "{story}: {text}");
    for (address, (word, written)) in &told {
        let action = now[address].as_str();
        let is_true = match (word.as_str(), written.as_str()) {
            ("created" | "adopted" | "changed" | "already so", _)
            | ("failed", "it was written despite the error") => action == "none",
            ("failed", "it was not written") | ("not done", _) => {
                action
                    == if address.contains("/aws/rds/") {
                        "adopt"
                    } else {
                        "create"
                    }
            }
            // A key without a name is found by the apply alone.
            (
                "failed",
                "part of it was written: the next apply finishes it" | "part of it was written",
            ) => action == "update" || address.contains("/kms-key/") && action == "create",
            _ => false,
        };
        // A key is named as it is made.
        let named = address.contains("/kms-alias/") && word == "not done" && action == "none";
        assert!(
            is_true || named,
            "{story}: {address} {word} {written}, {action}\n{text}"
        );
    }
    let done = told
        .values()
        .filter(|(word, _)| word != "failed" && word != "not done")
        .count();
    assert!(
        text.contains(&format!("{done} of 23 steps done")),
        "{story}: {text}"
    );
}

/// An apply from nothing that meets a fault at the n-th write, for every n of a half of them.
fn at_every_write(half: usize) {
    // Each write meets one of the two faults, in turn; in a thorough run both.
    for turn in 0..=usize::from(recorded::is_thorough()) {
        at_every_write_by(half, |n| {
            if (n / 2 + turn).is_multiple_of(2) {
                cut(n)
            } else {
                lost(n)
            }
        });
    }
}

fn at_every_write_by(half: usize, fault: impl Fn(usize) -> Value) {
    let world = World::new(&["orders"]);
    let mut reached = 0;
    for n in (half..).step_by(2) {
        world.reset();
        let before = world.moto.calls().len();
        world.faults(&json!([fault(n)]));
        let (code, text) = world.run(APPLY);
        let calls = world.moto.calls();
        let writes: Vec<&Call> = calls[before..].iter().filter(|call| call.writes).collect();
        world.faults(&json!([]));
        if code == 0 {
            assert_eq!(writes.len(), WRITES);
            break;
        }
        reached += 1;
        let story = format!("write {n}, {}", writes[n].operation);
        assert_eq!(code, 15, "{story}: {text}");
        assert_eq!(
            writes.len(),
            n + 1,
            "{story}: nothing is written after the fault"
        );
        assert_truthful(&story, &text, &world.actions());
        world.assert_converged(&story);
        let made = if fault(n)["lost"] == true {
            "lost"
        } else {
            "cut"
        };
        assert_eq!(world.count("CreateKey"), 1, "{story}, {made}");
    }
    assert_eq!(reached, (WRITES - half).div_ceil(2));
}

fn cut(n: usize) -> Value {
    json!({ "writes": true, "skip": n, "times": null, "cut": true })
}

fn lost(n: usize) -> Value {
    json!({ "writes": true, "skip": n, "times": 1, "lost": true })
}

#[test]
fn cut_or_unanswered_at_every_even_write() {
    at_every_write(0);
}

#[test]
fn cut_or_unanswered_at_every_odd_write() {
    at_every_write(1);
}

#[test]
fn killed_or_asked_to_stop_in_the_middle() {
    let world = World::new(&["orders"]);
    for signal in ["-INT", "-TERM", "-KILL"] {
        for operation in ["kms:CreateKey", "sns:CreateTopic", "events:PutRule"] {
            let story = format!("{signal} at {operation}");
            world.reset();
            world.faults(&json!([{ "operation": operation, "delay": 0.6, "times": 1 }]));
            let child = world.begin(APPLY);
            world.wait_for(operation.split(':').next_back().unwrap());
            let sent = Command::new("kill")
                .args([signal, &child.id().to_string()])
                .status();
            assert!(sent.unwrap().success());
            let (code, text) = end(child);
            if signal == "-KILL" {
                assert_eq!(code, -1, "{story}: {text}");
                // What was on its way is still carried out.
                sleep(Duration::from_millis(700));
            } else {
                assert_eq!(code, 15, "{story}: {text}");
                assert!(text.contains("it was asked to stop"), "{story}: {text}");
                assert_truthful(&story, &text, &world.actions());
            }
            world.assert_converged(&story);
            assert_eq!(world.count("CreateKey"), 1, "{story}");
        }
    }
}

#[test]
fn two_applies_at_once() {
    let world = World::new(&["orders"]);
    for round in 0..5_u64 {
        world.reset();
        if round % 2 == 1 {
            world.faults(&json!([{ "operation": "*", "delay": 0.03 }]));
        }
        let first = world.begin(APPLY);
        sleep(Duration::from_millis(round * 70));
        let second = world.begin(APPLY);
        let both = [end(first), end(second)];
        for (code, text) in &both {
            let refused = text
                .contains("was created or changed by another caller since it was read")
                || text.contains("deployed resources changed since the plan was made");
            assert!(
                *code == 0 || matches!(code, 1 | 15) && refused,
                "{round}: {code} {text}"
            );
        }
        assert!(
            both.iter().any(|(code, _)| *code == 0),
            "{round}: nobody wins: {both:?}"
        );
        world.faults(&json!([]));
        world.assert_converged(&format!("round {round}"));
    }
}

/// A key that has no name yet is found by another apply, and named: the one that made it must not take it away.
#[test]
fn a_key_that_another_apply_named_meanwhile_stays() {
    let world = World::new(&["orders"]);
    world.faults(&json!([{ "operation": "kms:CreateAlias", "delay": 1.5, "times": 1 }]));
    let first = world.begin(APPLY);
    world.wait_for("CreateAlias");
    let (code, text) = world.run(APPLY);
    assert_eq!(code, 0, "{text}");
    let (code, text) = end(first);
    assert_eq!(world.count("ScheduleKeyDeletion"), 0, "{code} {text}");
    world.assert_converged("the slower one");
    assert_eq!(world.count("CreateKey"), 1);
}

/// The service takes a name twice: two applies that make the query at once leave two, and one of them goes.
#[test]
fn a_second_saved_query_of_the_same_name_is_drift() {
    let world = World::new(&["orders"]);
    world.apply();
    world.by_hand(
        "l=client('logs')\nq=l.describe_query_definitions()['queryDefinitions'][0]\n\
         l.put_query_definition(name=q['name'],queryString=q['queryString'],logGroupNames=q['logGroupNames'])",
    );
    let (code, text) = world.run(DRIFT);
    assert_eq!(code, 13, "{text}");
    assert!(text.contains("copies"), "{text}");
    world.assert_converged("copies");
}

const ALARM: &str = "a=client('cloudwatch').describe_alarms()['MetricAlarms'][0]\n";

/// Changes the first alarm by hand.
fn edit_alarm(world: &World, description: &str) -> String {
    world
        .by_hand(&format!(
            "{ALARM}k=['AlarmName','MetricName','Namespace','Statistic','Period','EvaluationPeriods','Threshold',\
             'ComparisonOperator']\n\
             client('cloudwatch').put_metric_alarm(**{{x:a[x] for x in k if x in a}},AlarmDescription='{description}')\n\
             print(a['AlarmName'])"
        ))
        .trim()
        .to_owned()
}

#[test]
fn a_saved_plan_is_refused_when_live_moved() {
    let world = World::new(&["orders"]);
    let saved = [
        "apply",
        "--env",
        "prod",
        "--auto-approve",
        "--package",
        ".",
        "p.plan",
    ];
    let save = ["plan", "--env", "prod", "--package", ".", "--out", "p.plan"];
    let (code, text) = world.run(&save);
    assert_eq!(code, 0, "{text}");
    let function = world
        .actions()
        .into_keys()
        .find(|address| address.contains("/sns-topic/"))
        .unwrap();
    let name = function.rsplit('/').next().unwrap();
    world.by_hand(&format!("client('sns').create_topic(Name='{name}')"));
    let before = world.moto.calls().len();
    let (code, text) = world.run(&saved);
    assert_eq!(code, 1, "{text}");
    assert!(
        text.contains("nothing was changed") && text.contains(&function),
        "{text}"
    );
    assert!(
        text.contains("exists, but the plan was to create it"),
        "{text}"
    );
    assert!(world.moto.calls()[before..].iter().all(|call| !call.writes));

    world.reset();
    world.apply();
    edit_alarm(&world, "one");
    let (code, text) = world.run(&save);
    assert_eq!(code, 0, "{text}");
    let alarm = edit_alarm(&world, "two");
    let before = world.moto.calls().len();
    let (code, text) = world.run(&saved);
    assert_eq!(code, 1, "{text}");
    assert!(text.contains(&format!("{alarm} was changed")), "{text}");
    assert!(world.moto.calls()[before..].iter().all(|call| !call.writes));
}

#[test]
fn what_moves_between_the_check_and_the_write_is_not_overwritten() {
    let world = World::new(&["orders"]);
    world.apply();
    // Somebody edits the alarm once more while the log group before it is being written.
    world.by_hand(
        "client('logs').put_retention_policy(logGroupName='/aws/rds/cluster/orders/postgresql',retentionInDays=1)",
    );
    edit_alarm(&world, "one");
    world.faults(&json!([{ "operation": "logs:PutRetentionPolicy", "delay": 3.0, "times": 1 }]));
    let before = world.count("PutRetentionPolicy");
    let child = world.begin(APPLY);
    while !world
        .moto
        .calls()
        .iter()
        .any(|call| call.operation == "PutRetentionPolicy" && call.status.is_none())
    {
        sleep(Duration::from_millis(20));
    }
    let alarm = edit_alarm(&world, "two");
    let (code, text) = end(child);
    assert_eq!(world.count("PutRetentionPolicy"), before + 1);
    assert_eq!(code, 15, "{text}");
    assert!(
        text.contains(&format!(
            "{alarm} was created or changed by another caller since it was read"
        )),
        "{text}"
    );
    let now = world.by_hand(&format!("{ALARM}print(a['AlarmDescription'])"));
    assert_eq!(now.trim(), "two", "{text}");
    world.assert_converged("the alarm");

    // Between the last look and the write of the function Lambda itself tells.
    let function = alarm.rsplit_once('-').unwrap().0;
    let edit = |what: &str| {
        world.by_hand(&format!(
            "n=client('lambda').list_functions()['Functions'][0]['FunctionName']\n\
             client('lambda').update_function_configuration(FunctionName=n,{what})"
        ));
    };
    edit("Timeout=7");
    world.faults(&json!([
        { "operation": "lambda:UpdateFunctionConfiguration", "delay": 3.0, "times": 1 }
    ]));
    let before = world.moto.calls().len();
    let child = world.begin(APPLY);
    while !world.moto.calls()[before..]
        .iter()
        .any(|call| call.operation == "UpdateFunctionConfiguration")
    {
        sleep(Duration::from_millis(20));
    }
    edit("Timeout=8");
    let (code, text) = end(child);
    assert_eq!(code, 15, "{function}: {text}");
    assert!(
        text.contains("was created or changed by another caller since it was read"),
        "{text}"
    );
    let now = world.by_hand("print(client('lambda').list_functions()['Functions'][0]['Timeout'])");
    assert_eq!(now.trim(), "8", "{text}");
    world.assert_converged("the function");
}

/// A fault, and what must be said of it.
struct Case {
    name: &'static str,
    fault: Value,
    /// Each of them, and how often.
    says: &'static [(&'static str, usize)],
    /// Resources that are told all the same.
    unchanged: bool,
}

fn refusal(operation: &str, skip: usize, status: u16, code: &str, message: &str) -> Value {
    json!({ "operation": operation, "skip": skip, "times": null, "status": status, "code": code, "message": message })
}

fn cases() -> Vec<Case> {
    let expired = "The security token included in the request is expired";
    let case = |name, fault, says, unchanged| Case {
        name,
        fault,
        says,
        unchanged,
    };
    vec![
        case(
            "expired",
            refusal("*", 0, 400, "ExpiredTokenException", expired),
            &[(
                "no valid credentials: The security token included in the request is expired",
                1,
            )],
            false,
        ),
        case(
            "expired on the way",
            refusal("*", 9, 400, "ExpiredTokenException", expired),
            &[(
                "no valid credentials: The security token included in the request is expired",
                1,
            )],
            false,
        ),
        case(
            "one read denied",
            refusal(
                "events:DescribeRule",
                0,
                400,
                "AccessDeniedException",
                "no right to it",
            ),
            &[
                (
                    "not allowed to call events:DescribeRule on pgvigil-prod-orders-",
                    1,
                ),
                ("1 not read", 1),
            ],
            true,
        ),
        case(
            "the function denied",
            refusal(
                "lambda:GetFunctionConfiguration",
                0,
                403,
                "AccessDeniedException",
                "no right to it",
            ),
            &[
                ("/lambda-function/pgvigil-prod-orders-", 1),
                (
                    "not allowed to call lambda:GetFunctionConfiguration on ",
                    15,
                ),
            ],
            true,
        ),
        case(
            "throttled for ever",
            refusal("*", 0, 400, "ThrottlingException", "Rate exceeded"),
            &[(
                "too many calls: sts:GetCallerIdentity on the caller: Rate exceeded (6 attempts)",
                1,
            )],
            false,
        ),
        case(
            "one operation throttled for ever",
            refusal(
                "kms:GetKeyPolicy",
                0,
                400,
                "ThrottlingException",
                "Rate exceeded",
            ),
            &[
                ("too many calls: kms:GetKeyPolicy on ", 1),
                ("1 not read", 1),
            ],
            true,
        ),
        case(
            "failing for ever",
            refusal(
                "iam:ListAttachedRolePolicies",
                0,
                500,
                "ServiceFailure",
                "internal",
            ),
            &[
                (
                    "cannot call iam:ListAttachedRolePolicies on pgvigil-prod-orders-",
                    1,
                ),
                ("internal (6 attempts)", 1),
            ],
            true,
        ),
        case(
            "cut for ever",
            json!({ "operation": "events:ListTargetsByRule", "times": null, "cut": true }),
            &[
                (
                    "cannot call events:ListTargetsByRule on pgvigil-prod-orders-",
                    2,
                ),
                ("the answer is incomplete", 2),
            ],
            true,
        ),
        case(
            "a proxy's page",
            json!({ "operation": "*", "times": null, "garbage": "<html>no</html>", "status": 200 }),
            &[(
                "the answer, with the status 200, is not from AWS: check the proxy, and AWS_ENDPOINT_URL",
                1,
            )],
            false,
        ),
        case(
            "a proxy's page for one service",
            json!({ "operation": "monitoring:GetDashboard", "times": null, "garbage": "<html>no</html>", "status": 403 }),
            &[
                ("the answer, with the status 403, is not from AWS", 1),
                ("/dashboard/pgvigil-prod-orders-", 1),
            ],
            true,
        ),
    ]
}

/// Faults while reading: told once and in words, in bounded time, and never as "nothing changed".
fn assert_told(from: usize) {
    let world = World::new(&["orders"]);
    world.apply();
    fs::write(
        world.root().join("environments/local.yaml"),
        "version: 1\nprovider: local\nfolder: live\nclusters: [shop]\n",
    )
    .unwrap();
    let (code, text) = world.run(&["apply", "--env", "local", "--auto-approve"]);
    assert_eq!(code, 0, "{text}");
    for case in cases().iter().skip(from).step_by(2) {
        let runs: [&[&str]; 4] = [PLAN, DRIFT, &["plan", "--all"], &["drift", "--all"]];
        for run in runs {
            let story = format!("{}, {}", case.name, run.join(" "));
            world.faults(&json!([case.fault]));
            let start = Instant::now();
            let before = world.moto.calls().len();
            let (code, text) = world.run(run);
            assert_eq!(code, 1, "{story}: {text}");
            assert!(
                start.elapsed() < Duration::from_secs(30),
                "{story}: {:?}",
                start.elapsed()
            );
            let calls = world.moto.calls().len() - before;
            assert!(calls < 60, "{story}: {calls} calls");
            let is_all = run.contains(&"--all");
            for (words, times) in case.says {
                // The last line repeats the first fault.
                let found = text
                    .lines()
                    .filter(|line| !line.starts_with("error:") || !case.unchanged);
                let found = found.filter(|line| line.contains(words)).count();
                let enough = if is_all { found >= 1 } else { found == *times };
                assert!(enough, "{story}: {words}: {found} times\n{text}");
            }
            if is_all {
                assert!(text.contains("local"), "{story}: {text}");
            }
            if run == PLAN && case.unchanged {
                assert!(text.contains(" unchanged"), "{story}: {text}");
            }
        }
    }
}

#[test]
fn faults_while_reading_are_told() {
    assert_told(0);
}

#[test]
fn more_faults_while_reading_are_told() {
    assert_told(1);
}

#[test]
fn a_few_refusals_of_every_operation_change_nothing() {
    let world = World::new(&["orders"]);
    world.apply();
    let before = world.moto.calls().len();
    let (code, text) = world.run(PLAN);
    assert_eq!(code, 0, "{text}");
    let operations: BTreeMap<String, ()> = world.moto.calls()[before..]
        .iter()
        .map(|call| {
            (
                format!("{}:{}", call.service.as_deref().unwrap(), call.operation),
                (),
            )
        })
        .collect();
    assert!(operations.len() > 20, "{operations:?}");
    for kind in [
        json!({ "status": 400, "code": "ThrottlingException" }),
        json!({ "status": 429, "code": "TooManyRequestsException" }),
        json!({ "status": 503, "code": "ServiceUnavailable" }),
        json!({ "cut": true }),
    ] {
        let faults: Vec<Value> = operations
            .keys()
            .map(|operation| {
                let mut fault = kind.clone();
                fault["operation"] = json!(operation);
                fault["times"] = json!(2);
                fault
            })
            .collect();
        world.faults(&json!(faults));
        let before = world.moto.calls().len();
        let (code, text) = world.run(PLAN);
        assert_eq!(code, 0, "{kind}: {text}");
        assert!(
            world.moto.calls().len() - before >= 3 * operations.len(),
            "{kind}"
        );
    }
}

#[test]
fn a_write_without_the_right_to_it() {
    let world = World::new(&["orders"]);
    world.faults(&json!([refusal(
        "lambda:CreateFunction",
        0,
        403,
        "AccessDeniedException",
        "no right to it"
    )]));
    let (code, text) = world.run(APPLY);
    assert_eq!(code, 15, "{text}");
    assert!(
        text.contains("not allowed to call lambda:CreateFunction on pgvigil-prod-orders-"),
        "{text}"
    );
    world.faults(&json!([]));
    assert_truthful("denied", &text, &world.actions());
    world.assert_converged("denied");

    // Credentials that end in the middle of it.
    world.reset();
    world.faults(&json!([{
        "writes": true, "skip": 12, "times": null, "status": 400, "code": "ExpiredTokenException", "message": "expired"
    }]));
    let (code, text) = world.run(APPLY);
    assert_eq!(code, 15, "{text}");
    assert!(text.contains("no valid credentials: expired"), "{text}");
    assert!(text.contains("5 of 23 steps done"), "{text}");
    world.faults(&json!([]));
    world.assert_converged("expired");
}

#[test]
fn without_a_way_to_aws() {
    let world = World::new(&["orders"]);
    let run = |change: &dyn Fn(&mut Command)| {
        let mut command = world.command(PLAN);
        change(&mut command);
        let done = command.output().unwrap();
        assert_eq!(done.status.code(), Some(1));
        String::from_utf8(done.stdout).unwrap() + &String::from_utf8(done.stderr).unwrap()
    };
    let start = Instant::now();
    let text = run(&|command| {
        command.env("AWS_ENDPOINT_URL", "http://127.0.0.1:9");
    });
    assert!(
        text.contains("AWS cannot be reached") && text.contains("refused"),
        "{text}"
    );
    assert!(
        text.lines().count() == 1 && start.elapsed() < Duration::from_secs(20),
        "{text}"
    );
    let text = run(&|command| {
        command
            .env_remove("AWS_ACCESS_KEY_ID")
            .env_remove("AWS_SECRET_ACCESS_KEY");
    });
    assert!(
        text.contains("no valid credentials: none are configured"),
        "{text}"
    );
    assert_eq!(text.lines().count(), 1, "{text}");
    // The region is the environment's, also where the machine knows none.
    let (code, text) = world.run(PLAN);
    assert_eq!(code, 12, "{text}");
    assert!(
        world
            .moto
            .calls()
            .iter()
            .all(|call| call.region.as_deref() != Some("us-east-1"))
    );

    let path = world.root().join("environments/prod.yaml");
    let file = fs::read_to_string(&path)
        .unwrap()
        .replace("123456789012", "999999999999");
    fs::write(&path, file).unwrap();
    let before = world.moto.calls().len();
    let text = run(&|_| {});
    assert!(
        text.contains("account 999999999999")
            && text.contains("the credentials are for aws, account 123456789012"),
        "{text}"
    );
    let calls = world.moto.calls();
    assert!(
        calls[before..]
            .iter()
            .all(|call| call.operation == "GetCallerIdentity"),
        "{:?}",
        &calls[before..]
    );
}

/// Most calls that begin within any second.
fn most_in_a_second(calls: &[&Call]) -> usize {
    let mut times: Vec<f64> = calls.iter().map(|call| call.time).collect();
    times.sort_by(f64::total_cmp);
    let within = |start: &f64| {
        times
            .iter()
            .filter(|time| (*start..start + 0.95).contains(*time))
            .count()
    };
    times.iter().map(within).max().unwrap_or_default()
}

#[test]
fn the_pace_holds_for_two_environments_of_an_account() {
    let names: Vec<String> = (0..24).map(|number| format!("orders{number}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let world = World::new(&names[..12]);
    let file = fs::read_to_string(world.root().join("environments/prod.yaml")).unwrap();
    let other = file.replace(&names[..12].join(", "), &names[12..].join(", "));
    assert_ne!(file, other);
    fs::write(world.root().join("environments/stage.yaml"), other).unwrap();
    let before = world.moto.calls().len();
    let (code, text) = world.run(&["plan", "--all"]);
    assert_eq!(code, 0, "{text}");
    let calls = world.moto.calls();
    // Calls in a second, as the table of operations has them; as many again may come at once after a pause.
    for (operation, rate) in [
        ("ListTagsForResource", 5),
        ("GetRole", 10),
        ("GetTopicAttributes", 15),
        ("GetPolicy", 7),
    ] {
        let calls: Vec<&Call> = calls[before..]
            .iter()
            .filter(|call| call.operation == operation)
            .collect();
        assert!(calls.len() >= 24, "{operation}: {}", calls.len());
        let most = most_in_a_second(&calls);
        assert!(most <= 2 * rate + 1, "{operation}: {most} in a second");
    }
}
