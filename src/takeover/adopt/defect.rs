//! Known defects of the system whose scripts and Terraform make such stacks, as far as they can be seen live. Each has
//! a short id, under which pgvigil's tests and documents speak of it.

#![expect(
    clippy::indexing_slicing,
    reason = "a JSON value answers null for what it does not have"
)]

use std::collections::BTreeSet;

use serde::Serialize;
use serde_json::Value;

use super::port::Watched;
use super::remains::{Alarm, Dashboard, Function, Key, Remains, Role, Rule, Topic};
use crate::doctor::access::{Access, Call, evaluate};

/// A defect that was seen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Defect {
    pub id: &'static str,
    pub sentence: String,
}

fn defect(id: &'static str, sentence: impl Into<String>) -> Defect {
    Defect {
        id,
        sentence: sentence.into(),
    }
}

/// Keeps those that hold.
fn seen<const N: usize>(all: [(bool, Defect); N]) -> Vec<Defect> {
    all.into_iter()
        .filter_map(|(holds, defect)| holds.then_some(defect))
        .collect()
}

/// Of a cluster as a whole.
pub(super) fn of_cluster(watched: &Watched, remains: &Remains) -> Vec<Defect> {
    let functions: Vec<&Function> = remains
        .functions
        .iter()
        .filter(|function| function.is_certain && function.log_group == watched.log_group)
        .collect();
    let running = functions
        .iter()
        .filter(|function| is_running(function, remains))
        .count();
    let alarms = remains.alarms_of(&watched.log_group).count();
    let mut all = seen([
        (
            running > 1,
            defect(
                "T10",
                format!(
                    "{running} monitors publish into one metric: sums are multiplied, and so are alerts"
                ),
            ),
        ),
        (
            functions.is_empty() && alarms > 0,
            defect(
                "T4",
                "no function reads the log of these alarms, so nothing is watched: the names do not contain the cluster, and \
                 a second deployment pointed the function at another one",
            ),
        ),
        (
            !functions.is_empty() && running == 0,
            defect(
                "L5",
                "no schedule starts the monitor: nothing is watched, and no alarm shows it",
            ),
        ),
        (
            running > 0 && alarms == 0,
            defect(
                "T11",
                "the monitor runs, but no alarm watches its counts: no one is notified",
            ),
        ),
    ]);
    if alarms > 1 {
        all.push(defect(
            "A4",
            format!(
                "{alarms} alarms on one metric: all of them fire, and each deployment by script adds another"
            ),
        ));
    }
    all
}

fn is_running(function: &Function, remains: &Remains) -> bool {
    remains.rules.iter().any(|rule| {
        let mut own = rule.own();
        rule.is_enabled && own.any(|(_, arn)| super::remains::is_same_function(&function.arn, arn))
    })
}

pub(super) fn of_function(function: &Function, cluster: &str) -> Vec<Defect> {
    seen([
        (
            function.runtime.as_deref() == Some("python3.9"),
            defect("L10", "python3.9 has had no support since 2025-12-15"),
        ),
        (
            !function.name.contains(cluster),
            defect(
                "T4",
                "its name does not contain the cluster: a deployment for another cluster takes it away from this one",
            ),
        ),
        (
            function.own_log == Some(None),
            defect("L12", "its own log is kept forever: no retention is set"),
        ),
    ])
}

pub(super) fn of_rule(rule: &Rule) -> Vec<Defect> {
    seen([(
        rule.own().next().is_some() && !rule.is_enabled,
        defect(
            "L5",
            "it is disabled, and no alarm detects a monitor that does not run",
        ),
    )])
}

pub(super) fn of_alarm(alarm: &Alarm, remains: &Remains) -> Vec<Defect> {
    let is_empty = |key: &str| {
        alarm.properties[key]
            .as_array()
            .is_none_or(std::vec::Vec::is_empty)
    };
    let text = |key: &str| alarm.properties[key].as_str();
    let publisher = remains
        .functions
        .iter()
        .find(|function| function.log_group == alarm.log_group);
    let namespace = publisher.and_then(|function| function.namespace.as_deref());
    let window: Option<i64> = publisher
        .and_then(|function| function.window_minutes.as_deref())
        .and_then(|minutes| minutes.parse().ok());
    let period = alarm.properties["period_seconds"].as_i64();
    seen([
        (
            is_empty("ok_actions"),
            defect(
                "A2",
                "it has no action for the OK state: the platform keeps the incident open and drops later alerts",
            ),
        ),
        (
            is_empty("alarm_actions") || alarm.properties["actions_enabled"] == false,
            defect("A2", "it fires, but notifies no one"),
        ),
        (
            text("missing_data") != Some("breaching"),
            defect(
                "L5",
                "it stays quiet without data, and its stack watches no heartbeat: a dead monitor looks healthy",
            ),
        ),
        (
            namespace.is_some() && namespace != text("namespace"),
            defect(
                "A7",
                "it watches a namespace into which the function does not publish",
            ),
        ),
        (
            window.is_some_and(|window| Some(window * 60) != period),
            defect("A7", "its period differs from the function's window"),
        ),
    ])
}

pub(super) fn of_dashboard(dashboard: &Dashboard, remains: &Remains) -> Vec<Defect> {
    let text = dashboard.body.to_string();
    let missing: BTreeSet<&str> = alarm_arns(&dashboard.body)
        .filter_map(|arn| arn.split_once(":alarm:"))
        .map(|(_, name)| name)
        .filter(|name| !remains.alarm_names.iter().any(|other| other == name))
        .collect();
    seen([
        (
            !missing.is_empty(),
            defect(
                "A1",
                format!(
                    "it shows alarms that do not exist: {}",
                    missing.into_iter().collect::<Vec<_>>().join(", ")
                ),
            ),
        ),
        (
            text.contains("@message not like") && !text.contains("SHOW search_path"),
            defect(
                "D11",
                "its query lacks exclusions that the function has, so its rows do not match the alarm",
            ),
        ),
        (
            text.contains("@message like /AUDIT:/"),
            defect(
                "D1",
                "the word search misses COPY, TRUNCATE, MERGE and CALL (D1 to D4), and a word in a comment hides a statement (D5)",
            ),
        ),
    ])
}

fn alarm_arns(body: &Value) -> impl Iterator<Item = &str> {
    body["widgets"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|widget| widget["properties"]["alarms"].as_array())
        .flatten()
        .filter_map(Value::as_str)
}

pub(super) fn of_topic(topic: &Topic, account: &str, role: Option<&str>) -> Vec<Defect> {
    let refuses = |access: Access| matches!(access, Access::Denied { .. });
    let role = role.unwrap_or("arn:aws:iam::000000000000:role/any");
    let call = Call::of_role(role, account, "SNS:Publish", &topic.arn);
    let insecure = topic
        .subscriptions
        .iter()
        .filter(|subscription| subscription.protocol == "http")
        .count();
    let pending = topic
        .subscriptions
        .iter()
        .filter(|subscription| !subscription.is_confirmed)
        .count();
    seen([
        (
            refuses(evaluate(&topic.policy, &call)),
            defect(
                "A9",
                "its policy refuses every publisher in its own account, because roles do not send aws:SourceAccount",
            ),
        ),
        (
            insecure > 0,
            defect(
                "A10",
                format!(
                    "{insecure} subscriptions use plain http: others can read the notifications on the way"
                ),
            ),
        ),
        (
            pending > 0,
            defect(
                "A13",
                format!("{pending} subscriptions were never confirmed: they get no notifications"),
            ),
        ),
        (topic.key.is_none(), defect("A17", "it is not encrypted")),
        (
            topic.key.as_deref() == Some("alias/aws/sns"),
            defect(
                "A11",
                "AWS's own key cannot give alarms access: their messages are lost",
            ),
        ),
    ])
}

pub(super) fn of_key(key: &Key) -> Vec<Defect> {
    let open = statements(&key.policy).any(|statement| {
        statement["Effect"] == "Allow"
            && contains(
                &statement["Principal"]["Service"],
                "cloudwatch.amazonaws.com",
            )
            && statement.get("Condition").is_none()
    });
    seen([
        (
            key.is_customers && open,
            defect(
                "A11",
                "CloudWatch can use it for any account: the policy has no condition on the source",
            ),
        ),
        (
            key.is_customers && !key.rotates,
            defect("A12", "it is never rotated"),
        ),
    ])
}

pub(super) fn of_role(role: &Role, partition: &str) -> Vec<Defect> {
    let allows = |action: &str, is_open: &dyn Fn(&Value) -> bool| {
        role.policies
            .iter()
            .flat_map(|(_, policy)| statements(policy))
            .any(|statement| {
                statement["Effect"] == "Allow"
                    && contains(&statement["Action"], action)
                    && is_open(statement)
            })
    };
    let everything = |statement: &Value| contains(&statement["Resource"], "*");
    let every_group = |statement: &Value| {
        ["*", "arn:aws:logs:*:*:*"]
            .iter()
            .any(|all| contains(&statement["Resource"], all))
    };
    let is_anybodys = statements(&role.trust).any(|statement| statement.get("Condition").is_none());
    let policies: String = role
        .policies
        .iter()
        .map(|(_, policy)| policy.to_string())
        .collect();
    seen([
        (
            allows("logs:StartQuery", &everything),
            defect("A14", "it can read every log group of the account"),
        ),
        (
            allows("cloudwatch:PutMetricData", &|statement| {
                statement.get("Condition").is_none()
            }),
            defect("A14", "it can publish any metric"),
        ),
        (
            allows("logs:PutLogEvents", &every_group),
            defect(
                "A14",
                "it can write to every log, including that of the records: evidence can be forged",
            ),
        ),
        (
            is_anybodys,
            defect("A15", "its trust policy names no account"),
        ),
        (
            partition != "aws" && policies.contains("arn:aws:"),
            defect(
                "A16",
                "its ARNs belong to another partition: the permissions have no effect here",
            ),
        ),
    ])
}

/// Statements of a policy, also of one that has a single statement.
pub(super) fn statements(policy: &Value) -> impl Iterator<Item = &Value> {
    let one = Some(&policy["Statement"]).filter(|statement| statement.is_object());
    policy["Statement"]
        .as_array()
        .into_iter()
        .flatten()
        .chain(one)
}

/// Says whether a value is the text, or a list that has it.
fn contains(value: &Value, text: &str) -> bool {
    value == text
        || value
            .as_array()
            .is_some_and(|list| list.iter().any(|one| one == text))
}
