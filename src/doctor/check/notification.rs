//! Whether anybody hears.

use super::{Check, Context, Findings, Run, duration};
use crate::compile::resources::Kind;
use crate::doctor::diagnosis::Finding;
use crate::doctor::observation::Subscription;

const GROUP: &str = "notification";

/// Days after which SNS drops a subscription that nobody confirmed.
const LAPSES_AFTER_DAYS: i64 = 3;

pub(super) const SOMEBODY_IS_TOLD: Check = Check {
    id: "somebody-is-told",
    group: GROUP,
    title: "the topic has a confirmed subscriber",
    why: "an alarm that nobody receives is no alarm",
    needs: &["topic"],
    run: Run::Cluster(somebody_is_told),
};

pub(super) const CONFIRMED: Check = Check {
    id: "subscriptions-confirmed",
    group: GROUP,
    title: "each declared subscription is confirmed",
    why: "SNS sends nothing to a subscription that is pending, and drops it after three days",
    needs: &["topic"],
    run: Run::Cluster(confirmed),
};

fn somebody_is_told(context: &Context<'_>) -> Findings {
    let subscriptions = &context.observed()?.subscriptions;
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
        "the environment declares no notification: nobody is told"
    } else {
        "no subscription is confirmed: nobody is told"
    };
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
            Some(Ok(Some(Subscription::Pending { since }))) => match since {
                Some(since) if context.is_older(*since, LAPSES_AFTER_DAYS * 86_400) => {
                    let age = duration(context.age(*since));
                    Finding::fail(format!("it is pending for {age}"), subject.apply())
                }
                Some(since) => {
                    let age = duration(context.age(*since));
                    Finding::warn(
                        format!("it is pending for {age}: its receiver must confirm it"),
                        subject.apply(),
                    )
                }
                None => Finding::warn(
                    "it is pending, since when is not known: its receiver must confirm it",
                    subject.apply(),
                ),
            },
            Some(Ok(None)) => Finding::fail(
                "it is not there; one that nobody confirms lapses after three days",
                subject.apply(),
            ),
            Some(Err(error)) => Finding::unknown(error),
            None => Finding::unclear("nothing was asked about it"),
        };
        findings.push(finding.about(&document.name));
    }
    if findings.is_empty() {
        return Err(Finding::skip("the environment declares no notification"));
    }
    Ok(findings)
}
