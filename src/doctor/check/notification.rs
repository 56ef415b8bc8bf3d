//! Whether anybody hears.

use jiff::Timestamp;
use serde_json::Value;

use super::{Check, Context, Findings, Run, duration};
use crate::compile::resources::{Document, Kind, event_bus_arn};
use crate::doctor::diagnosis::Finding;
use crate::doctor::observation::Subscription;

const GROUP: &str = "notification";

/// Days after which SNS drops a subscription that nobody confirmed.
const LAPSES_AFTER_DAYS: i64 = 3;

pub(super) const SOMEBODY_IS_TOLD: Check = Check {
    id: "somebody-is-told",
    group: GROUP,
    title: "the topic has a confirmed subscriber",
    why: "an alarm that no one receives is useless",
    needs: &["topic"],
    run: Run::Cluster(somebody_is_told),
};

pub(super) const CONFIRMED: Check = Check {
    id: "subscriptions-confirmed",
    group: GROUP,
    title: "each declared subscription is confirmed",
    why: "SNS sends nothing to a pending subscription, and deletes it after three days",
    needs: &["topic"],
    run: Run::Cluster(confirmed),
};

pub(super) const EVENT_BUS: Check = Check {
    id: "event-bus",
    group: GROUP,
    title: "the event bus exists, if the files declare one",
    why: "EventBridge accepts events for a bus that does not exist, and drops them without an error",
    needs: &[],
    run: Run::Cluster(event_bus),
};

fn somebody_is_told(context: &Context<'_>) -> Findings {
    let mut subscriptions = context.observed()?.subscriptions.clone();
    // A route's receiver gets some of the messages, and none of CloudWatch's own alarms.
    for document in context.subject.all(Kind::SnsSubscription) {
        let filter = document.properties.get("filter_policy");
        if filter.is_some_and(|filter| !filter.is_null()) {
            subscriptions.remove(&document.address);
        }
    }
    let is_confirmed = |answer: &_| matches!(answer, Ok(Some(Subscription::Confirmed)));
    let confirmed = subscriptions
        .values()
        .filter(|answer| is_confirmed(answer))
        .count();
    if confirmed > 0 {
        return Ok(vec![Finding::ok(format!(
            "{confirmed} of {} subscriptions are confirmed",
            subscriptions.len()
        ))]);
    }
    if let Some(error) = subscriptions
        .values()
        .find_map(|answer| answer.as_ref().err())
    {
        return Err(Finding::unknown(error));
    }
    let sentence = if subscriptions.is_empty() {
        "the environment declares no notifications, so no one is notified"
    } else {
        "no subscription is confirmed, so no one is notified"
    };
    // What is declared and not there an apply makes; what is pending waits for a person.
    if !subscriptions.is_empty() && subscriptions.values().all(|answer| *answer == Ok(None)) {
        return Ok(vec![Finding::fail(
            "none of the declared subscriptions exists, so no one is notified",
            context.subject.apply(),
        )]);
    }
    let topic = context.subject.topic_arn();
    let look =
        context
            .subject
            .look_aws(&["sns", "list-subscriptions-by-topic", "--topic-arn", &topic]);
    Ok(vec![Finding::fail(sentence, look)])
}

fn confirmed(context: &Context<'_>) -> Findings {
    let subject = context.subject;
    let observed = context.observed()?;
    let mut findings = Vec::new();
    for document in subject.all(Kind::SnsSubscription) {
        let finding = match observed.subscriptions.get(&document.address) {
            Some(Ok(Some(Subscription::Confirmed))) => Finding::ok("it is confirmed"),
            Some(Ok(Some(Subscription::Pending { since }))) => pending(context, document, *since),
            Some(Ok(None)) => Finding::fail(
                "it does not exist; SNS deletes an unconfirmed subscription after three days",
                subject.apply(),
            ),
            Some(Err(error)) => Finding::unknown(error),
            None => Finding::unclear("it was not queried"),
        };
        findings.push(finding.about(&document.name));
    }
    if findings.is_empty() {
        return Err(Finding::skip("the environment declares no notifications"));
    }
    Ok(findings)
}

/// The bus is not pgvigil's: an apply cannot make it.
fn event_bus(context: &Context<'_>) -> Findings {
    let subject = context.subject;
    let Some(arn) = event_bus_arn(subject.environment) else {
        return Ok(vec![Finding::ok("the files declare no event bus")]);
    };
    let list = || subject.look_aws(&["events", "list-event-buses"]);
    Ok(vec![match &context.observed()?.event_bus {
        Some(Ok(Some(()))) => Finding::ok(format!("{arn} is there")),
        Some(Ok(None)) => Finding::fail(
            format!("there is no event bus {arn}, so the monitor's events reach no one"),
            list(),
        ),
        Some(Err(error)) => Finding::unknown(error),
        None => Finding::unclear("it was not queried"),
    }])
}

/// Nothing confirms for its receiver: asking again sends the message again, and an apply, which finds it asked for,
/// does nothing.
fn pending(context: &Context<'_>, document: &Document, since: Option<Timestamp>) -> Finding {
    let subject = context.subject;
    let topic = subject.topic_arn();
    let text = |key: &str| document.properties.get(key).and_then(Value::as_str);
    let again = match (text("protocol"), text("endpoint")) {
        (Some(protocol), Some(endpoint)) => subject.aws(&[
            "sns",
            "subscribe",
            "--topic-arn",
            &topic,
            "--protocol",
            protocol,
            "--notification-endpoint",
            endpoint,
        ]),
        // It leads to a secret.
        _ => subject.look_aws(&["sns", "list-subscriptions-by-topic", "--topic-arn", &topic]),
    };
    let must = "its receiver must confirm it; subscribing again sends the message again";
    let Some(since) = since else {
        let sentence = format!("it is pending, but could not determine since when: {must}");
        return Finding::warn(sentence, again);
    };
    let sentence = format!(
        "it has been pending for {}: {must}",
        duration(context.age(since))
    );
    if context.is_older(since, LAPSES_AFTER_DAYS * 86_400) {
        Finding::fail(sentence, again)
    } else {
        Finding::warn(sentence, again)
    }
}
