//! The key of the topic: without it no message is written.

use serde_json::Value;

use super::topic::{admitted, alarms_admitted};
use super::{Check, Context, Findings, Run, duration, there};
use crate::compile::resources::Kind;
use crate::doctor::access::{Call, evaluate};
use crate::doctor::diagnosis::Finding;
use crate::doctor::observation::Key;

const GROUP: &str = "key";

/// What an encrypted topic needs of its publisher (SNS developer guide, "Key management").
const ACTIONS: [&str; 2] = ["kms:Decrypt", "kms:GenerateDataKey"];

pub(super) const STATE: Check = Check {
    id: "key-state",
    group: GROUP,
    title: "the topic's key is enabled and will not be deleted",
    why: "with its key disabled, the topic accepts no message and no alarm is delivered",
    needs: &[],
    run: Run::Cluster(state),
};

pub(super) const ROTATION: Check = Check {
    id: "key-rotation",
    group: GROUP,
    title: "the key is rotated",
    why: "a key that is never rotated fails the audits that this system exists for",
    needs: &["key-state"],
    run: Run::Cluster(rotation),
};

pub(super) const ADMITS_ALARMS: Check = Check {
    id: "key-admits-alarms",
    group: GROUP,
    title: "the key's policy allows each alarm to encrypt",
    why: "an alarm that can publish but cannot encrypt delivers nothing",
    needs: &[],
    run: Run::Cluster(admits_alarms),
};

pub(super) const ADMITS_MONITOR: Check = Check {
    id: "key-admits-monitor",
    group: GROUP,
    title: "the key's policy allows the monitor to encrypt",
    why: "a monitor that can publish but cannot encrypt notifies no one of who did what",
    needs: &[],
    run: Run::Cluster(admits_monitor),
};

fn key<'a>(context: &Context<'a>) -> Result<&'a Key, Finding> {
    there(&context.observed()?.key, "key")
}

fn state(context: &Context<'_>) -> Findings {
    let subject = context.subject;
    let alias = subject.names.alias();
    let Some(key) = context.observed()?.key.as_ref().map_err(Finding::unknown)? else {
        let sentence = format!("{alias} does not point to a key");
        return Ok(vec![Finding::fail(sentence, subject.apply())]);
    };
    let enable = subject.aws(&["kms", "enable-key", "--key-id", &key.id]);
    Ok(vec![match key.state.as_str() {
        "Enabled" => Finding::ok(format!("{alias} is enabled")),
        "PendingDeletion" => {
            let when = key.deletion.map_or_else(String::new, |then| {
                format!(" in {}", duration(then.duration_since(context.now)))
            });
            let cancel = subject.aws(&["kms", "cancel-key-deletion", "--key-id", &key.id]);
            Finding::fail(
                format!("{alias} will be deleted{when}"),
                cancel.then(&enable),
            )
        }
        other => Finding::fail(format!("{alias} is `{other}`"), enable),
    }])
}

fn rotation(context: &Context<'_>) -> Findings {
    let key = key(context)?;
    Ok(vec![if key.rotation {
        Finding::ok("it is rotated")
    } else {
        let remedy = context
            .subject
            .aws(&["kms", "enable-key-rotation", "--key-id", &key.id]);
        Finding::warn("it is not rotated", remedy)
    }])
}

fn policy<'a>(context: &Context<'a>) -> Result<&'a Value, Finding> {
    context
        .live_one(Kind::KmsKey)?
        .get("policy")
        .ok_or_else(|| Finding::unclear("its policy could not be read"))
}

/// In a key's policy `*` is the key itself, so any ARN of the service stands for it.
fn resource(context: &Context<'_>) -> String {
    context.subject.at.arn("kms", "key/this")
}

fn admits_alarms(context: &Context<'_>) -> Findings {
    alarms_admitted(context, policy(context)?, &ACTIONS, &resource(context))
}

fn admits_monitor(context: &Context<'_>) -> Findings {
    let subject = context.subject;
    context.document(Kind::LambdaFunction)?;
    let policy = policy(context)?;
    let role = subject.role_arn();
    let via = format!("sns.{}.{}", subject.at.region, domain(subject.at.partition));
    let finding = ACTIONS
        .iter()
        .map(|action| {
            let call = Call::of_role(&role, &subject.at.account, action, &resource(context))
                .with("kms:CallerAccount", &subject.at.account)
                .with("kms:ViaService", &via);
            admitted(context, &evaluate(policy, &call), action, true)
        })
        .max_by_key(|finding| finding.verdict)
        .unwrap_or_else(|| Finding::unclear("nothing was queried"));
    Ok(vec![finding])
}

/// Where the services of a partition live.
fn domain(partition: &str) -> &'static str {
    match partition {
        "aws-cn" => "amazonaws.com.cn",
        _ => "amazonaws.com",
    }
}
