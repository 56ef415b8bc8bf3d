//! What EventBridge rules start.

use std::sync::Arc;

use aws_sdk_eventbridge::types::{RetryPolicy, Target};
use serde_json::{Value, json};

use crate::cloud::aws::call::found;
use crate::cloud::aws::connect::Inner;
use crate::cloud::aws::failure::refused;
use crate::cloud::aws::look::function::tags;
use crate::cloud::aws::note;
use crate::cloud::aws::sight::Sight;
use crate::cloud::aws::value::owner_and_name;
use crate::deploy::document::{Document, Fingerprint, Kind};
use crate::deploy::permission::Operation;
use crate::deploy::port::{CloudError, Found, Live, Reading};

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

pub(in crate::cloud::aws) async fn read(
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

pub(in crate::cloud::aws) async fn put(
    aws: &Inner,
    _: &Sight,
    document: &Document,
) -> Result<(), CloudError> {
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

pub(in crate::cloud::aws) async fn delete(aws: &Inner, name: &str) -> Result<(), CloudError> {
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

/// Targets that no document asks for: the monitor would run twice, or hand its events to somebody.
pub(in crate::cloud::aws) async fn beside(
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
            let notes = tags(aws, sight, &document.name).await?;
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
