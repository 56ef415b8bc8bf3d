//! The cluster's log group.

use super::{Check, Context, Findings, Run, duration, there};
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
    why: "a database that runs writes to its log; where nothing arrives, nothing is watched",
    needs: &["log-group"],
    run: Run::Cluster(recent_entries),
};

pub(super) const RETENTION: Check = Check {
    id: "retention",
    group: GROUP,
    title: "records are kept as long as the files say",
    why: "what is deleted too early is no evidence any more, and what is kept for ever is paid for ever",
    needs: &["log-group"],
    run: Run::Cluster(retention),
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
            format!("there is no {name}: RDS makes it with the first exported entry"),
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
            format!("entries are kept for ever, the files say {wanted} days"),
            remedy(),
        ),
        Some(live) if live < wanted => Finding::fail(
            format!("entries are deleted after {live} days, the files say {wanted}"),
            remedy(),
        ),
        Some(live) if live > wanted => Finding::warn(
            format!("entries are kept for {live} days, the files say {wanted}"),
            remedy(),
        ),
        Some(live) => Finding::ok(format!("entries are kept for {live} days")),
    }])
}
