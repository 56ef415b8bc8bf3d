//! EventBridge rules.

use aws_sdk_eventbridge::types::RuleState;
use serde_json::{Value, json};

use crate::cloud::aws::call::{found, gone};
use crate::cloud::aws::connect::Inner;
use crate::cloud::aws::note;
use crate::cloud::aws::sight::Sight;
use crate::deploy::document::Document;
use crate::deploy::permission::Operation;
use crate::deploy::port::{CloudError, Live, Reading};

pub(in crate::cloud::aws) async fn read(
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

pub(in crate::cloud::aws) async fn put(
    aws: &Inner,
    _: &Sight,
    document: &Document,
) -> Result<(), CloudError> {
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

pub(in crate::cloud::aws) async fn delete(aws: &Inner, name: &str) -> Result<(), CloudError> {
    let answer = aws
        .caller
        .make(Operation::DeleteRule, name, || {
            aws.events.delete_rule().name(name).send()
        })
        .await;
    gone(answer)
}
