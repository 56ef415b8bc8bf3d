//! The topic, and who may publish to it.

use serde_json::Value;

use super::{Check, Context, Findings, Run, text};
use crate::compile::resources::Kind;
use crate::doctor::access::{Access, Call, evaluate};
use crate::doctor::diagnosis::Finding;

const GROUP: &str = "topic";

pub(super) const TOPIC: Check = Check {
    id: "topic",
    group: GROUP,
    title: "the topic exists",
    why: "alarms notify people through it",
    needs: &[],
    run: Run::Cluster(topic),
};

pub(super) const ADMITS_ALARMS: Check = Check {
    id: "topic-admits-alarms",
    group: GROUP,
    title: "the topic's policy allows each alarm to publish",
    why: "a refused action appears only in the alarm's history",
    needs: &["topic"],
    run: Run::Cluster(admits_alarms),
};

pub(super) const ADMITS_MONITOR: Check = Check {
    id: "topic-admits-monitor",
    group: GROUP,
    title: "the topic's policy does not refuse the monitor",
    why: "the monitor reports who did what; a deny written for other callers often applies to it too",
    needs: &["topic"],
    run: Run::Cluster(admits_monitor),
};

pub(super) const ENCRYPTION: Check = Check {
    id: "topic-encryption",
    group: GROUP,
    title: "the topic is encrypted with its own key",
    why: "alarms cannot use the key that AWS manages for SNS, so nothing is delivered",
    needs: &["topic"],
    run: Run::Cluster(encryption),
};

fn topic(context: &Context<'_>) -> Findings {
    Ok(vec![context.presence(context.document(Kind::SnsTopic)?)])
}

/// The verdict of a policy on each alarm. Those that fare alike are told once.
pub(super) fn alarms_admitted(
    context: &Context<'_>,
    policy: &Value,
    actions: &[&str],
    resource: &str,
) -> Findings {
    let subject = context.subject;
    let mut findings = Vec::new();
    for alarm in subject.alarms() {
        let arn = subject.alarm_arn(&alarm.name);
        let call = |action: &str| Call::of_alarm(&arn, &subject.at.account, action, resource);
        let finding = actions
            .iter()
            .map(|action| admitted(context, &evaluate(policy, &call(action)), action, true))
            .max_by_key(|finding| finding.verdict)
            .unwrap_or_else(|| Finding::unclear("nothing was queried"));
        findings.push(finding.about(&alarm.name));
    }
    if findings.is_empty() {
        return Err(Finding::skip("the files declare no alarm"));
    }
    Ok(findings)
}

/// What an answer of a policy means. `is_needed` is said of a caller that has no other right to the resource.
pub(super) fn admitted(
    context: &Context<'_>,
    access: &Access,
    action: &str,
    is_needed: bool,
) -> Finding {
    let apply = || context.subject.apply();
    match access {
        Access::Allowed { statement } => Finding::ok(format!("`{statement}` allows {action}")),
        Access::Delegated { statement } if is_needed => Finding::fail(
            format!(
                "`{statement}` leaves {action} to the caller's own policy, which does not allow it"
            ),
            apply(),
        ),
        Access::Delegated { statement } => Finding::ok(format!(
            "`{statement}` allows {action} to every caller whose own policy allows it"
        )),
        Access::Denied { statement } => {
            Finding::fail(format!("`{statement}` denies {action}"), apply())
        }
        Access::NotAllowed if is_needed => {
            Finding::fail(format!("no statement allows {action}"), apply())
        }
        Access::NotAllowed => Finding::warn(
            format!("no statement allows {action}: it depends only on the caller's own policy"),
            apply(),
        ),
        Access::Unclear { statement, why } => {
            Finding::unclear(format!("`{statement}` decides about {action}, but {why}"))
        }
    }
}

fn policy(live: &Value) -> Result<&Value, Finding> {
    live.get("policy")
        .ok_or_else(|| Finding::unclear("its policy could not be read"))
}

fn admits_alarms(context: &Context<'_>) -> Findings {
    let live = context.live_one(Kind::SnsTopic)?;
    alarms_admitted(
        context,
        policy(live)?,
        &["SNS:Publish"],
        &context.subject.topic_arn(),
    )
}

fn admits_monitor(context: &Context<'_>) -> Findings {
    let subject = context.subject;
    context.document(Kind::LambdaFunction)?;
    let live = context.live_one(Kind::SnsTopic)?;
    let action = "SNS:Publish";
    let role = subject.role_arn();
    let call = Call::of_role(&role, &subject.at.account, action, &subject.topic_arn());
    let access = evaluate(policy(live)?, &call);
    Ok(vec![admitted(context, &access, action, false)])
}

fn encryption(context: &Context<'_>) -> Findings {
    let wanted = context.subject.names.alias();
    let live = context.live_one(Kind::SnsTopic)?;
    let apply = context.subject.apply();
    Ok(vec![match text(live, "kms_key") {
        Some(key) if key == wanted => Finding::ok(format!("it is encrypted with {key}")),
        Some("alias/aws/sns") => Finding::fail(
            "it is encrypted with alias/aws/sns, which alarms cannot use",
            apply,
        ),
        Some(key) => Finding::fail(
            format!("it is encrypted with {key}: could not determine whether alarms can use it"),
            apply,
        ),
        None => Finding::warn("it is not encrypted", apply),
    }])
}
