//! States of alarms, and what their histories tell of their actions.

use std::collections::BTreeMap;
use std::sync::Arc;

use aws_sdk_cloudwatch::primitives::DateTime;
use aws_sdk_cloudwatch::types::{
    AlarmHistoryItem, AlarmType, HistoryItemType, LogAlarm, MetricAlarm, ScanBy, StateValue,
};
use futures_util::future::join_all;
use jiff::Timestamp;
use serde_json::Value;

use super::clock::{date_time, time};
use crate::cloud::aws::connect::Inner;
use crate::deploy::permission::Operation;
use crate::deploy::port::CloudError;
use crate::doctor::observation::{Alarm, AlarmAction, AlarmState, Answer};
use crate::doctor::port::Since;
use crate::policy::model::Engine;

/// Names that one call takes (`DescribeAlarms`).
const NAMES_AT_ONCE: usize = 100;

/// Entries of a history that are looked through at most, the newest first: ten pages.
const ENTRIES: usize = 1_000;

/// Alarms by name, each with the actions of its history.
pub(super) async fn read(
    aws: &Inner,
    names: &[String],
    history: Since,
) -> BTreeMap<String, Answer<Alarm>> {
    let chunks = names.chunks(NAMES_AT_ONCE).map(|names| async move {
        let described = describe(aws, names).await;
        let each = names.iter().map(|name| {
            let described = described.clone();
            async move {
                let alarm = match described {
                    Ok(alarms) => one(aws, name, alarms.get(name), history).await,
                    Err(error) => Err(error),
                };
                (name.clone(), alarm)
            }
        });
        join_all(each).await
    });
    join_all(chunks).await.into_iter().flatten().collect()
}

async fn one(aws: &Inner, name: &str, alarm: Option<&Seen>, history: Since) -> Answer<Alarm> {
    let Some(alarm) = alarm else {
        return Ok(None);
    };
    let unreadable = |message: &str| CloudError::Unreadable {
        resource: name.to_owned(),
        message: message.to_owned(),
    };
    let since = alarm.since.as_ref().and_then(time);
    Ok(Some(Alarm {
        state: state_of(alarm.state.as_ref()).ok_or_else(|| unreadable("its state is unknown"))?,
        since: since
            .ok_or_else(|| unreadable("the answer lacks the time of its last change of state"))?,
        trouble: alarm.trouble.clone(),
        actions: actions(aws, name, Some(history)).await?,
    }))
}

/// What alarms of both types tell of their state.
#[derive(Debug, Clone)]
struct Seen {
    state: Option<StateValue>,
    since: Option<DateTime>,
    trouble: Option<String>,
}

/// Reads that out of an alarm; a log alarm also tells why it could not be judged.
macro_rules! seen {
    ($alarm:ident, $trouble:expr) => {
        Seen {
            state: $alarm.state_value().cloned(),
            since: $alarm
                .state_transitioned_timestamp()
                .or($alarm.state_updated_timestamp())
                .copied(),
            trouble: $trouble,
        }
    };
}

fn of_metric_alarm(alarm: &MetricAlarm) -> Seen {
    seen!(alarm, None)
}

fn of_log_alarm(alarm: &LogAlarm) -> Seen {
    let trouble = alarm.evaluation_state().map(|evaluation| {
        let reason = alarm.state_reason().unwrap_or_default();
        format!("{}: {reason}", evaluation.as_str())
    });
    seen!(alarm, trouble)
}

type Described = Arc<BTreeMap<String, Seen>>;

async fn describe(aws: &Inner, names: &[String]) -> Result<Described, CloudError> {
    let what = names.first().map_or("alarms", String::as_str);
    let answer = aws
        .caller
        .make(Operation::DescribeAlarms, what, || {
            aws.alarms
                .describe_alarms()
                .set_alarm_names(Some(names.to_vec()))
                .set_alarm_types(types(aws))
                .max_records(100)
                .send()
        })
        .await?;
    let name = |name: Option<&str>| name.unwrap_or_default().to_owned();
    let metric = answer.metric_alarms().iter();
    let mut all: BTreeMap<String, Seen> = metric
        .map(|alarm| (name(alarm.alarm_name()), of_metric_alarm(alarm)))
        .collect();
    let log = answer.log_alarms().iter();
    all.extend(log.map(|alarm| (name(alarm.alarm_name()), of_log_alarm(alarm))));
    Ok(Arc::new(all))
}

/// Unless they are named, metric alarms alone are described.
fn types(aws: &Inner) -> Option<Vec<AlarmType>> {
    match aws.environment.engine {
        Engine::Monitor => None,
        Engine::LogAlarm => Some(vec![AlarmType::MetricAlarm, AlarmType::LogAlarm]),
    }
}

fn state_of(state: Option<&StateValue>) -> Option<AlarmState> {
    named(state?.as_str())
}

fn named(state: &str) -> Option<AlarmState> {
    let all = [
        AlarmState::Ok,
        AlarmState::Alarm,
        AlarmState::InsufficientData,
    ];
    all.into_iter().find(|known| known.name() == state)
}

/// State of one alarm; `None` when there is none.
pub(in crate::cloud::aws) async fn state(aws: &Inner, name: &str) -> Answer<AlarmState> {
    let alarms = describe(aws, &[name.to_owned()]).await?;
    let Some(alarm) = alarms.get(name) else {
        return Ok(None);
    };
    match state_of(alarm.state.as_ref()) {
        Some(state) => Ok(Some(state)),
        None => Err(CloudError::Unreadable {
            resource: name.to_owned(),
            message: "its state is unknown".to_owned(),
        }),
    }
}

/// Actions in the history of an alarm, the newest first. Without a time everything that is kept.
pub(in crate::cloud::aws) async fn actions(
    aws: &Inner,
    name: &str,
    within: Option<Since>,
) -> Result<Vec<AlarmAction>, CloudError> {
    let mut items: Vec<AlarmHistoryItem> = Vec::new();
    let mut token = None;
    loop {
        let page = aws
            .caller
            .make(Operation::DescribeAlarmHistory, name, || {
                aws.alarms
                    .describe_alarm_history()
                    .alarm_name(name)
                    .history_item_type(HistoryItemType::Action)
                    .set_start_date(within.map(|within| date_time(within.from)))
                    .scan_by(ScanBy::TimestampDescending)
                    .max_records(100)
                    .set_next_token(token.clone())
                    .send()
            })
            .await?;
        items.extend(page.alarm_history_items.unwrap_or_default());
        token = page.next_token.filter(|token| !token.is_empty());
        if token.is_none() || items.len() >= ENTRIES {
            break;
        }
    }
    let mut actions: Vec<AlarmAction> = items.iter().filter_map(action).collect();
    actions.sort_by_key(|action| std::cmp::Reverse(action.at));
    Ok(actions)
}

/// What an entry tells: `HistorySummary` whether it went well, `HistoryData` what was published.
fn action(item: &AlarmHistoryItem) -> Option<AlarmAction> {
    if item.history_item_type() != Some(&HistoryItemType::Action) {
        return None;
    }
    let message = item.history_summary().unwrap_or_default();
    Some(AlarmAction {
        at: item
            .timestamp()
            .and_then(time)
            .unwrap_or(Timestamp::UNIX_EPOCH),
        state: item.history_data().and_then(published),
        succeeded: message.starts_with("Successfully executed action"),
        message: message.to_owned(),
    })
}

/// The state in the message that was published: JSON within JSON within JSON.
fn published(data: &str) -> Option<AlarmState> {
    let data: Value = serde_json::from_str(data).ok()?;
    let message: Value = serde_json::from_str(data.get("publishedMessage")?.as_str()?).ok()?;
    let words: Value = serde_json::from_str(message.get("default")?.as_str()?).ok()?;
    named(words.get("NewStateValue")?.as_str()?)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn item(summary: &str, data: &str) -> AlarmHistoryItem {
        AlarmHistoryItem::builder()
            .history_item_type(HistoryItemType::Action)
            .timestamp(aws_sdk_cloudwatch::primitives::DateTime::from_secs(100))
            .history_summary(summary)
            .history_data(data)
            .build()
    }

    #[test]
    fn an_entry_tells_what_was_published_and_whether_it_was_taken() {
        let words = json!({ "AlarmName": "a", "NewStateValue": "ALARM" }).to_string();
        let message = json!({ "default": words, "email": "You are receiving this" }).to_string();
        let data = json!({ "actionState": "Succeeded", "publishedMessage": message }).to_string();
        let taken = action(&item("Successfully executed action arn:x", &data)).unwrap();
        assert!(taken.succeeded);
        assert_eq!(taken.state, Some(AlarmState::Alarm));
        assert_eq!(taken.at.as_second(), 100);
        let refused = action(&item("Failed to execute action arn:x", "not JSON")).unwrap();
        assert!(!refused.succeeded);
        assert_eq!(refused.state, None);
    }

    #[test]
    fn an_entry_of_another_type_is_no_action() {
        let other = AlarmHistoryItem::builder()
            .history_item_type(HistoryItemType::StateUpdate)
            .build();
        assert_eq!(action(&other), None);
    }
}
