//! The cluster's log group.

use super::{Check, Context, Findings, Run, duration, there};
use crate::deploy::alteration::{Effect, Means};
use crate::doctor::diagnosis::Finding;
use crate::doctor::observation::LogGroup;

const GROUP: &str = "log";

/// After so many times the hours that were asked for, silence is a failure.
const FAIL_AFTER: i64 = 3;

pub(super) const LOG_GROUP: Check = Check {
    id: "log-group",
    group: GROUP,
    title: "the cluster's log group exists",
    why: "the monitor reads this group and no other",
    needs: &[],
    run: Run::Cluster(log_group),
};

pub(super) const RECENT_ENTRIES: Check = Check {
    id: "recent-entries",
    group: GROUP,
    title: "the log group has recent entries",
    why: "a running database writes to its log; if nothing arrives, nothing is watched",
    needs: &["log-group"],
    run: Run::Cluster(recent_entries),
};

pub(super) const RETENTION: Check = Check {
    id: "retention",
    group: GROUP,
    title: "records are kept as long as the files declare",
    why: "records deleted too early are lost as evidence, and records kept forever cost money forever",
    needs: &["log-group"],
    run: Run::Cluster(retention),
};

pub(super) const UNALTERED: Check = Check {
    id: "unaltered",
    group: GROUP,
    title: "queries see the entries as the database wrote them",
    why: "a mask or a transformer changes entries before a query sees them: one word can hide every record",
    needs: &[],
    run: Run::Cluster(unaltered),
};

pub(super) const PROTECTED: Check = Check {
    id: "deletion-protection",
    group: GROUP,
    title: "the log group is protected from deletion as the files declare",
    why: "deleting the log group deletes the evidence",
    needs: &["log-group"],
    run: Run::Cluster(protected),
};

fn group<'a>(context: &Context<'a>) -> Result<&'a LogGroup, Finding> {
    there(&context.observed()?.log_group, "log group")
}

fn log_group(context: &Context<'_>) -> Findings {
    let name = context.subject.names.cluster_log_group();
    let found = context
        .observed()?
        .log_group
        .as_ref()
        .map_err(Finding::unknown)?;
    Ok(vec![match found {
        Some(group) => Finding::ok(format!("{name} holds {} bytes", group.stored_bytes)),
        None => Finding::fail(
            format!("there is no {name}: RDS creates it with the first exported entry"),
            context.subject.look_aws(&[
                "logs",
                "describe-log-groups",
                "--log-group-name-prefix",
                "/aws/rds/",
            ]),
        ),
    }])
}

fn recent_entries(context: &Context<'_>) -> Findings {
    let group = group(context)?;
    let name = context.subject.names.cluster_log_group();
    let remedy = || {
        context
            .subject
            .look_aws(&["logs", "tail", name, "--since", "1d"])
    };
    let Some(last) = group.last_event else {
        return Ok(vec![Finding::fail(
            "the log group never had an entry",
            remedy(),
        )]);
    };
    let hours = i64::from(context.hours) * 3600;
    let sentence = format!("the newest entry is {} old", duration(context.age(last)));
    Ok(vec![
        if context.is_older(last, hours.saturating_mul(FAIL_AFTER)) {
            Finding::fail(sentence, remedy())
        } else if context.is_older(last, hours) {
            Finding::warn(sentence, remedy())
        } else {
            Finding::ok(sentence)
        },
    ])
}

fn retention(context: &Context<'_>) -> Findings {
    let wanted = context.subject.environment.retention_days;
    let days = wanted.to_string();
    let remedy = || {
        context.subject.aws(&[
            "logs",
            "put-retention-policy",
            "--log-group-name",
            context.subject.names.cluster_log_group(),
            "--retention-in-days",
            &days,
        ])
    };
    Ok(vec![match group(context)?.retention_days {
        None => Finding::warn(
            format!("entries are kept forever, the files declare {wanted} days"),
            remedy(),
        ),
        Some(live) if live < wanted => Finding::fail(
            format!("entries are deleted after {live} days, the files declare {wanted}"),
            remedy(),
        ),
        Some(live) if live > wanted => Finding::warn(
            format!("entries are kept for {live} days, the files declare {wanted}"),
            remedy(),
        ),
        Some(live) => Finding::ok(format!("entries are kept for {live} days")),
    }])
}

/// What the plan found, by its effect.
fn unaltered(context: &Context<'_>) -> Findings {
    context.observed()?;
    let name = context.subject.names.cluster_log_group();
    let own = format!("{}/", context.subject.cluster.name);
    let alterations = context
        .plan
        .alterations
        .iter()
        .filter(|alteration| alteration.address.starts_with(&own));
    let findings: Vec<Finding> = alterations
        .map(|alteration| {
            let of_account = |policy_type| {
                context.subject.look_aws(&[
                    "logs",
                    "describe-account-policies",
                    "--policy-type",
                    policy_type,
                ])
            };
            let of_group = |words: &[&str]| {
                context
                    .subject
                    .look_aws(&[&["logs"], words, &[name]].concat())
            };
            let look = match alteration.means {
                Means::AccountMask => of_account("DATA_PROTECTION_POLICY"),
                Means::AccountTransformer => of_account("TRANSFORMER_POLICY"),
                Means::Mask => of_group(&["get-data-protection-policy", "--log-group-identifier"]),
                Means::Transformer => of_group(&["get-transformer", "--log-group-identifier"]),
                Means::Class => of_group(&["describe-log-groups", "--log-group-name-prefix"]),
            };
            let note = alteration.note.clone();
            let finding = match alteration.effect {
                None => Finding::unclear(note),
                Some(Effect::Blind | Effect::Unknown | Effect::Loud) => Finding::fail(note, look),
                Some(Effect::Partial | Effect::None) => Finding::warn(note, look),
            };
            finding.about(&alteration.address)
        })
        .collect();
    if findings.is_empty() {
        return Ok(vec![Finding::ok(
            "it has no mask and no transformer, and its class is `STANDARD`",
        )]);
    }
    Ok(findings)
}

fn protected(context: &Context<'_>) -> Findings {
    let is_wanted = context.subject.environment.log_deletion_protection;
    Ok(vec![match (group(context)?.is_protected, is_wanted) {
        (true, _) => Finding::ok("CloudWatch refuses to delete it"),
        (false, false) => {
            Finding::ok("it can be deleted: `log_deletion_protection: true` would protect it")
        }
        (false, true) => Finding::fail(
            "it can be deleted, but the files declare `log_deletion_protection: true`",
            context.subject.apply(),
        ),
    }])
}
