//! CloudWatch alarms on log queries.

use std::time::Duration;

use aws_sdk_cloudwatch::types::{
    ComparisonOperator, LogAlarm, ScheduleConfiguration, ScheduledQueryConfiguration,
};
use serde_json::{Value, json};
use tokio::time::sleep;

use crate::cloud::aws::connect::Inner;
pub(in crate::cloud::aws) use crate::cloud::aws::look::alarm::delete;
use crate::cloud::aws::look::log_alarm::all;
use crate::cloud::aws::note;
use crate::cloud::aws::sight::Sight;
use crate::cloud::aws::value::texts;
use crate::deploy::document::Document;
use crate::deploy::permission::Operation;
use crate::deploy::port::{CloudError, Live, Reading};

/// Tries to make an alarm while IAM spreads the news of its role, two seconds apart.
const ROLE_TRIES: u32 = 10;

pub(in crate::cloud::aws) async fn read(
    aws: &Inner,
    sight: &Sight,
    document: &Document,
) -> Result<Reading, CloudError> {
    let applied = note::read(aws, sight, document).await?.applied;
    Ok(match all(aws, sight).await?.get(&document.name) {
        None => Reading::Absent { applied },
        Some(alarm) => Reading::Present(Live {
            properties: properties(alarm),
            applied,
            note: None,
        }),
    })
}

/// A log alarm in the form of its document.
pub(in crate::cloud::aws) fn properties(alarm: &LogAlarm) -> Value {
    let query = alarm.scheduled_query_configuration();
    let schedule = query.and_then(ScheduledQueryConfiguration::schedule_configuration);
    let results = alarm.query_results_to_evaluate();
    let mut properties = json!({
        "name": alarm.alarm_name(),
        "description": alarm.alarm_description().unwrap_or_default(),
        "log_groups": query.map(ScheduledQueryConfiguration::log_group_identifiers),
        "role": query.and_then(ScheduledQueryConfiguration::scheduled_query_role_arn),
        "query": query.and_then(ScheduledQueryConfiguration::query_string),
        "aggregation": query.and_then(ScheduledQueryConfiguration::aggregation_expression),
        "schedule": schedule.and_then(ScheduleConfiguration::schedule_expression),
        "start_offset_seconds": schedule.and_then(ScheduleConfiguration::start_time_offset),
        "end_offset_seconds": schedule.and_then(ScheduleConfiguration::end_time_offset).unwrap_or(0),
        "results_to_evaluate": results,
        "results_to_alarm": alarm.query_results_to_alarm(),
        "comparison": alarm.comparison_operator().map(ComparisonOperator::as_str),
        "threshold": alarm.threshold(),
        "missing_data": alarm.treat_missing_data().unwrap_or("missing"),
        "actions_enabled": alarm.actions_enabled().unwrap_or(true),
        "alarm_actions": alarm.alarm_actions(),
        "ok_actions": alarm.ok_actions(),
        "insufficient_data_actions": alarm.insufficient_data_actions(),
        "message_lines": {
            "count": alarm.action_log_line_count().unwrap_or(0),
            "role": alarm.action_log_line_role_arn().filter(|arn| !arn.is_empty()),
        },
    });
    // A document has neither: whoever set one made an alarm that is silent for a while, or says more than it should.
    if let Some(warm_up) = alarm.warm_up_configuration() {
        properties["warm_up"] = json!({
            "minutes": warm_up.warm_up_period_duration_in_minutes(),
            "whole": warm_up.only_start_evaluating_after_warm_up_period_ends(),
        });
    }
    if let Some(actions) = alarm.action_configuration() {
        properties["action_configuration"] = json!(format!("{actions:?}"));
    }
    properties
}

pub(in crate::cloud::aws) async fn put(
    aws: &Inner,
    _: &Sight,
    document: &Document,
) -> Result<(), CloudError> {
    let wanted = &document.properties;
    let text = |key: &str| wanted[key].as_str().map(str::to_owned);
    let number = |value: &Value| value.as_i64().and_then(|number| i32::try_from(number).ok());
    let schedule = ScheduleConfiguration::builder()
        .set_schedule_expression(text("schedule"))
        .set_start_time_offset(wanted["start_offset_seconds"].as_i64())
        .set_end_time_offset(wanted["end_offset_seconds"].as_i64())
        .build();
    let query = ScheduledQueryConfiguration::builder()
        .set_query_string(text("query"))
        .set_log_group_identifiers(Some(texts(&wanted["log_groups"])))
        .set_scheduled_query_role_arn(text("role"))
        .set_aggregation_expression(text("aggregation"))
        .schedule_configuration(schedule)
        .build();
    let lines = &wanted["message_lines"];
    let mut attempt = 1;
    loop {
        let answer = aws
            .caller
            .make(Operation::PutLogAlarm, &document.name, || {
                aws.alarms
                    .put_log_alarm()
                    .alarm_name(&document.name)
                    .set_alarm_description(text("description"))
                    .scheduled_query_configuration(query.clone())
                    .set_query_results_to_evaluate(number(&wanted["results_to_evaluate"]))
                    .set_query_results_to_alarm(number(&wanted["results_to_alarm"]))
                    .set_comparison_operator(
                        text("comparison").map(|name| ComparisonOperator::from(name.as_str())),
                    )
                    .set_threshold(wanted["threshold"].as_f64())
                    .set_treat_missing_data(text("missing_data"))
                    .set_actions_enabled(wanted["actions_enabled"].as_bool())
                    .set_alarm_actions(Some(texts(&wanted["alarm_actions"])))
                    .set_ok_actions(Some(texts(&wanted["ok_actions"])))
                    .set_insufficient_data_actions(Some(texts(
                        &wanted["insufficient_data_actions"],
                    )))
                    .set_action_log_line_count(number(&lines["count"]))
                    .set_action_log_line_role_arn(lines["role"].as_str().map(str::to_owned))
                    .send()
            })
            .await;
        match answer {
            // IAM takes seconds until every service knows of a role.
            Err(CloudError::Unavailable { message, .. } | CloudError::Refused { message, .. })
                if attempt < ROLE_TRIES && message.contains("role") =>
            {
                attempt += 1;
                sleep(Duration::from_secs(2)).await;
            }
            // It might be known later.
            Err(CloudError::Refused {
                operation,
                resource,
                message,
            }) if message.contains("role") => {
                return Err(CloudError::Unavailable {
                    operation,
                    resource,
                    message,
                });
            }
            other => return other.map(|_| ()),
        }
    }
}
