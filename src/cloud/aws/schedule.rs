//! EventBridge rules and what they start.

use std::sync::Arc;

use aws_sdk_eventbridge::types::{RetryPolicy, RuleState, Target};
use serde_json::{Value, json};

use super::call::{found, gone};
use super::connect::Inner;
use super::provider::owner_and_name;
use super::sight::Sight;
use super::{function, note};
use crate::deploy::document::{Document, Fingerprint, Kind};
use crate::deploy::permission::Operation;
use crate::deploy::port::{CloudError, Found, Live, Reading};

pub(super) async fn read(
    aws: &Inner,
    sight: &Sight,
    document: &Document,
) -> Result<Reading, CloudError> {
    let applied = note::read(aws, sight, document).await?.applied;
    let name = &document.name;
    let answer = aws
        .caller
        .make(Operation::DescribeRule, name, || {
            aws.events.describe_rule().name(name).send()
        })
        .await;
    let Some(rule) = found(answer)? else {
        return Ok(Reading::Absent { applied });
    };
    let pattern = rule
        .event_pattern()
        .map(|text| serde_json::from_str::<Value>(text).unwrap_or_else(|_| Value::from(text)));
    Ok(Reading::Present(Live {
        properties: json!({
            "name": name,
            "description": rule.description().unwrap_or_default(),
            "event_bus": rule.event_bus_name().unwrap_or("default"),
            "event_pattern": pattern,
            "schedule": rule.schedule_expression(),
            "state": rule.state().map(RuleState::as_str),
        }),
        applied,
        note: None,
    }))
}

pub(super) async fn put(aws: &Inner, document: &Document) -> Result<(), CloudError> {
    let wanted = &document.properties;
    let text = |key: &str| wanted[key].as_str().map(str::to_owned);
    aws.caller
        .make(Operation::PutRule, &document.name, || {
            aws.events
                .put_rule()
                .name(&document.name)
                .set_description(text("description"))
                .set_schedule_expression(text("schedule"))
                .set_state(text("state").map(|state| RuleState::from(state.as_str())))
                .send()
        })
        .await?;
    Ok(())
}

pub(super) async fn delete(aws: &Inner, name: &str) -> Result<(), CloudError> {
    let answer = aws
        .caller
        .make(Operation::DeleteRule, name, || {
            aws.events.delete_rule().name(name).send()
        })
        .await;
    gone(answer)
}

async fn targets(
    aws: &Inner,
    sight: &Sight,
    rule: &str,
) -> Result<Option<Arc<Vec<Target>>>, CloudError> {
    let ask = || async {
        let mut all = Vec::new();
        let mut token = None;
        loop {
            let answer = aws
                .caller
                .make(Operation::ListTargetsByRule, rule, || {
                    aws.events
                        .list_targets_by_rule()
                        .rule(rule)
                        .set_next_token(token.clone())
                        .send()
                })
                .await;
            let Some(page) = found(answer)? else {
                return Ok(None);
            };
            all.extend(page.targets.unwrap_or_default());
            token = page.next_token;
            if token.is_none() {
                return Ok(Some(Arc::new(all)));
            }
        }
    };
    sight.targets.get(rule, ask).await
}

/// Attempts and age, in seconds, after which EventBridge gives up, unless a target says otherwise.
const RETRIES: (i32, i32) = (185, 86_400);

fn target_properties(rule: &str, target: &Target) -> Value {
    let retries = target.retry_policy();
    let mut properties = json!({
        "rule": rule,
        "id": target.id(),
        "target": target.arn(),
        "input": target.input(),
        "dead_letter": target.dead_letter_config().and_then(|queue| queue.arn()),
        "retries": {
            "maximum_attempts": retries.and_then(RetryPolicy::maximum_retry_attempts).unwrap_or(RETRIES.0),
            "maximum_event_age_seconds":
                retries.and_then(RetryPolicy::maximum_event_age_in_seconds).unwrap_or(RETRIES.1),
        },
    });
    // The monitor reads the scheduled time from the event: whatever rewrites the event breaks its windows.
    if let Some(path) = target.input_path() {
        properties["input_path"] = json!(path);
    }
    if let Some(transformer) = target.input_transformer() {
        properties["input_transformer"] = json!(transformer.input_template());
    }
    if let Some(role) = target.role_arn() {
        properties["role"] = json!(role);
    }
    properties
}

pub(super) async fn read_target(
    aws: &Inner,
    sight: &Sight,
    document: &Document,
) -> Result<Reading, CloudError> {
    let applied = note::read(aws, sight, document).await?.applied;
    let (rule, id) = owner_and_name(&document.name);
    let all = targets(aws, sight, rule).await?;
    let target = all
        .as_ref()
        .and_then(|all| all.iter().find(|target| target.id() == id));
    Ok(match target {
        None => Reading::Absent { applied },
        Some(target) => Reading::Present(Live {
            properties: target_properties(rule, target),
            applied,
            note: None,
        }),
    })
}

pub(super) async fn put_target(aws: &Inner, document: &Document) -> Result<(), CloudError> {
    let wanted = &document.properties;
    let (rule, id) = owner_and_name(&document.name);
    let number = |key: &str| {
        wanted["retries"][key]
            .as_i64()
            .and_then(|number| i32::try_from(number).ok())
    };
    let target = Target::builder()
        .id(id)
        .arn(wanted["target"].as_str().unwrap_or_default())
        .retry_policy(
            RetryPolicy::builder()
                .set_maximum_retry_attempts(number("maximum_attempts"))
                .set_maximum_event_age_in_seconds(number("maximum_event_age_seconds"))
                .build(),
        )
        .build()
        .map_err(|error| refused("events:PutTargets", &document.address, error.to_string()))?;
    let answer = aws
        .caller
        .make(Operation::PutTargets, &document.name, || {
            aws.events
                .put_targets()
                .rule(rule)
                .targets(target.clone())
                .send()
        })
        .await?;
    // This operation answers 200 also for what it did not do.
    match answer.failed_entries().first() {
        None => Ok(()),
        Some(entry) => Err(refused(
            "events:PutTargets",
            &document.address,
            entry.error_message().unwrap_or_default().to_owned(),
        )),
    }
}

pub(super) async fn delete_target(aws: &Inner, name: &str) -> Result<(), CloudError> {
    let (rule, id) = owner_and_name(name);
    let answer = aws
        .caller
        .make(Operation::RemoveTargets, name, || {
            aws.events.remove_targets().rule(rule).ids(id).send()
        })
        .await;
    match found(answer)? {
        None => Ok(()),
        Some(answer) => match answer.failed_entries().first() {
            None => Ok(()),
            Some(entry) => Err(refused(
                "events:RemoveTargets",
                name,
                entry.error_message().unwrap_or_default().to_owned(),
            )),
        },
    }
}

pub(super) fn refused(operation: &'static str, resource: &str, message: String) -> CloudError {
    CloudError::Unavailable {
        operation,
        resource: resource.to_owned(),
        message,
    }
}

/// Targets that no document asks for: the monitor would run twice, or hand its events to somebody.
pub(super) async fn beside(
    aws: &Inner,
    sight: &Sight,
    document: &Document,
) -> Result<Vec<Found>, CloudError> {
    let cluster = document.address.split('/').next().unwrap_or_default();
    let all = targets(aws, sight, &document.name).await?;
    let mut beside = Vec::new();
    for target in all.iter().flat_map(|all| all.iter()) {
        let name = format!("{}/{}", document.name, target.id());
        let address = Document::address_of(cluster, Kind::EventTarget, &name);
        if !sight
            .documents
            .iter()
            .any(|document| document.address == address)
        {
            // The rule and the function that bears its notes share a name.
            let notes = function::tags(aws, sight, &document.name).await?;
            let notes = notes.unwrap_or_default();
            beside.push(Found {
                digest: Some(Fingerprint::of(
                    Kind::EventTarget,
                    &target_properties(&document.name, target),
                )),
                applied: note::of(&notes, Kind::EventTarget, &address).applied,
                address,
                kind: Some(Kind::EventTarget),
                name,
            });
        }
    }
    Ok(beside)
}
