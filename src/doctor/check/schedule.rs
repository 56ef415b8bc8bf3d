//! What starts the monitor.

use serde_json::Value;

use super::{Check, Context, Findings, Run, text};
use crate::compile::resources::{Kind, rate};
use crate::doctor::diagnosis::Finding;
use crate::doctor::subject::AlarmRole;

const GROUP: &str = "schedule";

pub(super) const RULE: Check = Check {
    id: "rule",
    group: GROUP,
    title: "the schedule exists and is enabled",
    why: "nothing else starts the monitor",
    needs: &[],
    run: Run::Cluster(rule),
};

pub(super) const TARGET: Check = Check {
    id: "target",
    group: GROUP,
    title: "the schedule starts this function",
    why: "a rule without a target, or with a different one, runs but does nothing",
    needs: &["rule"],
    run: Run::Cluster(target),
};

pub(super) const PERMISSION: Check = Check {
    id: "invoke-permission",
    group: GROUP,
    title: "the function's policy allows this rule to start it",
    why: "without the permission, Lambda refuses EventBridge, which drops the run",
    needs: &[],
    run: Run::Cluster(permission),
};

pub(super) const WINDOWS: Check = Check {
    id: "windows",
    group: GROUP,
    title: "schedule, function and alarms use the same windows",
    why: "a run every ten minutes that reads five minutes leaves half of the time unread",
    needs: &["rule"],
    run: Run::Cluster(windows),
};

fn rule(context: &Context<'_>) -> Findings {
    let document = context.document(Kind::EventRule)?;
    let live = match context.live(document) {
        Ok(live) => live,
        Err(_) => return Ok(vec![context.presence(document)]),
    };
    Ok(vec![match text(live, "state") {
        Some("ENABLED") => Finding::ok(format!("{} is enabled", document.name)),
        state => Finding::fail(
            format!("it is `{}`", state.unwrap_or_default()),
            context
                .subject
                .aws(&["events", "enable-rule", "--name", &document.name]),
        ),
    }])
}

/// Live has the same as the document in a field.
fn same(context: &Context<'_>, kind: Kind, field: &str, what: &str) -> Findings {
    let document = context.document(kind)?;
    let live = match context.live(document) {
        Ok(live) => live,
        Err(_) => return Ok(vec![context.presence(document)]),
    };
    let (wanted, found) = (text(&document.properties, field), text(live, field));
    Ok(vec![if wanted.is_some() && wanted == found {
        Finding::ok(format!("{what} {}", found.unwrap_or_default()))
    } else {
        Finding::fail(
            format!(
                "{what} {}, not {}",
                found.unwrap_or("nothing"),
                wanted.unwrap_or("nothing")
            ),
            context.subject.apply(),
        )
    }])
}

fn target(context: &Context<'_>) -> Findings {
    same(context, Kind::EventTarget, "target", "it starts")
}

fn permission(context: &Context<'_>) -> Findings {
    same(context, Kind::LambdaPermission, "source_arn", "it admits")
}

fn number(value: &Value, key: &str) -> Option<u64> {
    let value = value.get(key)?;
    value.as_u64().or_else(|| value.as_str()?.parse().ok())
}

fn windows(context: &Context<'_>) -> Findings {
    let subject = context.subject;
    let schedule = text(context.live_one(Kind::EventRule)?, "schedule").unwrap_or_default();
    let function = context.live_one(Kind::LambdaFunction)?;
    let variables = function.get("environment").unwrap_or(&Value::Null);
    let apply = || subject.apply();
    let Some(minutes) = number(variables, "QUERY_WINDOW_MINUTES") else {
        return Ok(vec![Finding::fail(
            "the function has no QUERY_WINDOW_MINUTES",
            apply(),
        )]);
    };
    let mut findings = Vec::new();
    let wanted = u32::try_from(minutes).map(rate).unwrap_or_default();
    if schedule != wanted {
        findings.push(Finding::fail(
            format!("it is started by `{schedule}`, but each run reads {minutes} minutes"),
            apply(),
        ));
    }
    // What the files say where the function does not: the same as the function does.
    let mut monitor = subject.environment.monitor.clone();
    if let Some(settle) = number(variables, "PGVIGIL_SETTLE_SECONDS") {
        monitor.settle_seconds = u32::try_from(settle).unwrap_or(u32::MAX);
    }
    let wanted_periods = u64::from(crate::compile::resources::periods_watched(&monitor));
    for document in subject.all(Kind::Alarm) {
        if !matches!(
            subject.alarm_role(&document.name),
            Some(AlarmRole::Signal(_))
        ) {
            continue;
        }
        let live = context.live(document)?;
        let period = number(live, "period_seconds").unwrap_or_default();
        let periods = number(live, "evaluation_periods").unwrap_or_default();
        let fault = if period != minutes.saturating_mul(60) {
            Some(format!(
                "it uses periods of {period} seconds, but a window has {minutes} minutes"
            ))
        } else if periods < wanted_periods {
            Some(format!(
                "it looks back {periods} windows, but a run can still publish the {wanted_periods}th"
            ))
        } else {
            None
        };
        if let Some(fault) = fault {
            findings.push(Finding::fail(fault, apply()).about(&document.name));
        }
    }
    if findings.is_empty() {
        findings.push(Finding::ok(format!(
            "`{schedule}` starts runs that read {minutes} minutes"
        )));
    }
    Ok(findings)
}
