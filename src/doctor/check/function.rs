//! The monitor's function: whether it can run, runs, and says so.

use serde_json::Value;

use super::{Check, Context, Findings, Run, duration, there};
use crate::compile::resources::Kind;
use crate::doctor::diagnosis::Finding;
use crate::doctor::observation::Function;
use crate::doctor::remedy::Remedy;
use crate::doctor::subject::AlarmRole;

const GROUP: &str = "function";

pub(super) const PRESENT: Check = Check {
    id: "function",
    group: GROUP,
    title: "the function exists",
    why: "the function counts the records",
    needs: &[],
    run: Run::Cluster(present),
};

pub(super) const ACTIVE: Check = Check {
    id: "function-active",
    group: GROUP,
    title: "the function is active and its last update succeeded",
    why: "after a failed update, Lambda continues with the previous code and rules",
    needs: &["function"],
    run: Run::Cluster(active),
};

pub(super) const CONCURRENCY: Check = Check {
    id: "function-concurrency",
    group: GROUP,
    title: "the function is allowed to run",
    why: "a reserved concurrency of zero switches the function off",
    needs: &["function"],
    run: Run::Cluster(concurrency),
};

pub(super) const VARIABLES: Check = Check {
    id: "function-variables",
    group: GROUP,
    title: "the function's variables are those that were compiled",
    why: "its variables set which log it reads, in which windows, and where it publishes its counts",
    needs: &["function"],
    run: Run::Cluster(variables),
};

pub(super) const RUNS: Check = Check {
    id: "function-runs",
    group: GROUP,
    title: "the function ran recently, without errors or throttling",
    why: "each failed run can leave a window uncounted",
    needs: &["function"],
    run: Run::Cluster(runs),
};

pub(super) const HEARTBEAT: Check = Check {
    id: "heartbeat",
    group: GROUP,
    title: "the last heartbeat is recent",
    why: "a run writes it when it ends successfully, so it proves that one did",
    needs: &[],
    run: Run::Cluster(heartbeat),
};

pub(super) const OWN_LOG: Check = Check {
    id: "monitor-log",
    group: GROUP,
    title: "the monitor's own log exists, is retained and has recent entries",
    why: "it records which detections were made, and when",
    needs: &[],
    run: Run::Cluster(own_log),
};

pub(super) const PERMISSIONS: Check = Check {
    id: "monitor-permissions",
    group: GROUP,
    title: "the monitor's role has every permission that the monitor needs",
    why: "a boundary or an organisation's policy can refuse what the role's own policy allows",
    needs: &[],
    run: Run::Cluster(permissions),
};

fn look_at_log(context: &Context<'_>) -> Remedy {
    let log = context.subject.names.monitor_log_group();
    context
        .subject
        .look_aws(&["logs", "tail", &log, "--since", "3h"])
}

fn function<'a>(context: &Context<'a>) -> Result<&'a Function, Finding> {
    there(&context.observed()?.function, "function")
}

fn present(context: &Context<'_>) -> Findings {
    let document = context.document(Kind::LambdaFunction)?;
    Ok(vec![context.presence(document)])
}

fn active(context: &Context<'_>) -> Findings {
    let function = function(context)?;
    let reason = function
        .reason
        .as_ref()
        .map_or_else(String::new, |reason| format!(": {reason}"));
    let sentence = format!(
        "it is `{}`, its last update `{}`{reason}",
        function.state, function.last_update
    );
    Ok(vec![
        match (function.state.as_str(), function.last_update.as_str()) {
            ("Active", "Successful") => Finding::ok(sentence),
            // Lambda puts a function to sleep after weeks, and wakes it with the next run.
            ("Active" | "Pending" | "Inactive", "InProgress" | "Successful") => {
                Finding::warn(sentence, context.subject.look("doctor"))
            }
            _ => Finding::fail(sentence, context.subject.apply()),
        },
    ])
}

fn concurrency(context: &Context<'_>) -> Findings {
    let live = context.live_one(Kind::LambdaFunction)?;
    let name = context.subject.names.shared();
    let wanted = context.subject.environment.monitor.reserved_concurrency;
    let remedy = || match wanted {
        Some(runs) => context.subject.aws(&[
            "lambda",
            "put-function-concurrency",
            "--function-name",
            &name,
            "--reserved-concurrent-executions",
            &runs.to_string(),
        ]),
        None => context.subject.aws(&[
            "lambda",
            "delete-function-concurrency",
            "--function-name",
            &name,
        ]),
    };
    Ok(vec![
        match live.get("reserved_concurrency").and_then(Value::as_u64) {
            Some(0) => Finding::fail("its reserved concurrency is 0: it never runs", remedy()),
            Some(reserved) => Finding::ok(format!("its reserved concurrency is {reserved}")),
            None if wanted.is_none() => {
                Finding::ok("it has no reserved concurrency, as the files declare")
            }
            None => Finding::warn(
                "it has no reserved concurrency: other functions can use up what it needs",
                remedy(),
            ),
        },
    ])
}

/// The variables that decide what is read and where it is counted; others do not silence anything. The digest of the rules
/// is looked at with the layer that has them.
const DECIDING: [&str; 5] = [
    "LOG_GROUP_NAME",
    "METRIC_NAMESPACE",
    "QUERY_WINDOW_MINUTES",
    "PGVIGIL_LATE_ARRIVAL_MINUTES",
    "PGVIGIL_SETTLE_SECONDS",
];

fn variables(context: &Context<'_>) -> Findings {
    let document = context.document(Kind::LambdaFunction)?;
    let live = context.live(document)?.get("environment");
    let wanted = document.properties.get("environment");
    let mut findings = Vec::new();
    for name in DECIDING {
        let (wanted, live) = (
            wanted.and_then(|variables| variables.get(name)),
            live.and_then(|variables| variables.get(name)),
        );
        if wanted != live {
            let shown = |value: Option<&Value>| {
                value.map_or_else(
                    || "nothing".to_owned(),
                    |value| format!("`{}`", plain(value)),
                )
            };
            findings.push(
                Finding::fail(
                    format!(
                        "it is {}, but the compiled value is {}",
                        shown(live),
                        shown(wanted)
                    ),
                    context.subject.apply(),
                )
                .about(name),
            );
        }
    }
    if findings.is_empty() {
        findings.push(Finding::ok("its variables match the compiled ones"));
    }
    Ok(findings)
}

fn plain(value: &Value) -> String {
    value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned)
}

fn runs(context: &Context<'_>) -> Findings {
    let function = function(context)?;
    let hours = context.hours;
    let sentence = format!(
        "{} runs in {hours} hours, {} failed, {} throttled",
        function.invocations, function.errors, function.throttles
    );
    let look = || look_at_log(context);
    Ok(vec![if function.invocations == 0 {
        // A log that nothing wrote tells nothing: what starts it comes first.
        let rule = context.subject.names.shared();
        let look = context
            .subject
            .look_aws(&["events", "describe-rule", "--name", &rule]);
        Finding::fail(format!("it did not run in {hours} hours"), look)
    } else if function.errors >= function.invocations {
        Finding::fail(sentence, look())
    } else if function.errors > 0 || function.throttles > 0 {
        Finding::warn(sentence, look())
    } else {
        Finding::ok(sentence)
    }])
}

/// Seconds without a heartbeat after which its alarm goes off, and time for that run itself.
pub(in crate::doctor) fn heartbeat_patience(subject: &crate::doctor::Subject<'_>) -> i64 {
    let monitor = &subject.environment.monitor;
    let window = i64::from(monitor.window_minutes) * 60;
    let periods = subject
        .all(Kind::Alarm)
        .find(|alarm| subject.alarm_role(&alarm.name) == Some(AlarmRole::Heartbeat))
        .and_then(|alarm| alarm.properties.get("evaluation_periods")?.as_i64())
        .unwrap_or(3);
    // The point bears the time of its window's beginning, and the run follows the window's end.
    window.saturating_mul(periods.saturating_add(1))
        + i64::from(monitor.settle_seconds)
        + i64::from(monitor.timeout_seconds)
}

fn heartbeat(context: &Context<'_>) -> Findings {
    context.document(Kind::LambdaFunction)?;
    let found = context
        .observed()?
        .heartbeat
        .as_ref()
        .map_err(Finding::unknown)?;
    let patience = heartbeat_patience(context.subject);
    Ok(vec![match found {
        None => Finding::fail("there is no heartbeat", look_at_log(context)),
        Some(last) => {
            let sentence = format!("the last heartbeat is {} old", duration(context.age(*last)));
            if context.is_older(*last, patience) {
                Finding::fail(sentence, look_at_log(context))
            } else {
                Finding::ok(sentence)
            }
        }
    }])
}

fn own_log(context: &Context<'_>) -> Findings {
    let subject = context.subject;
    context.document(Kind::LambdaFunction)?;
    let name = subject.names.monitor_log_group();
    let Some(group) = context
        .observed()?
        .monitor_log_group
        .as_ref()
        .map_err(Finding::unknown)?
    else {
        let sentence = format!("there is no {name}");
        return Ok(vec![Finding::fail(sentence, subject.apply())]);
    };
    let wanted = subject.environment.monitor_retention_days;
    let hours = i64::from(context.hours) * 3600;
    let mut findings = Vec::new();
    if group.retention_days != Some(wanted) {
        let live = group
            .retention_days
            .map_or_else(|| "forever".to_owned(), |days| format!("{days} days"));
        let sentence = format!("{name} is kept {live}, the files declare {wanted} days");
        let is_shorter = group.retention_days.is_some_and(|days| days < wanted);
        findings.push(if is_shorter {
            Finding::fail(sentence, subject.apply())
        } else {
            Finding::warn(sentence, subject.apply())
        });
    }
    match group.last_event {
        None => findings.push(Finding::fail(
            format!("{name} never had an entry"),
            look_at_log(context),
        )),
        Some(last) if context.is_older(last, hours) => findings.push(Finding::warn(
            format!(
                "the newest entry of {name} is {} old",
                duration(context.age(last))
            ),
            look_at_log(context),
        )),
        Some(_) => {}
    }
    if findings.is_empty() {
        findings.push(Finding::ok(format!(
            "{name} has recent entries and its retention is as declared"
        )));
    }
    Ok(findings)
}

fn permissions(context: &Context<'_>) -> Findings {
    let decisions = context
        .observed()?
        .decisions
        .as_ref()
        .map_err(Finding::unknown)?;
    let requests = context.subject.requests();
    let mut findings = Vec::new();
    for request in &requests {
        let decision = decisions
            .iter()
            .find(|decision| decision.request == *request);
        match decision {
            Some(decision) if decision.allowed => {}
            Some(decision) => findings.push(
                Finding::fail(
                    format!("{} on {}", decision.answer, request.resource),
                    context.subject.apply(),
                )
                .about(&request.action),
            ),
            None => findings.push(
                Finding::unclear(format!("AWS returned no answer about {}", request.resource))
                    .about(&request.action),
            ),
        }
    }
    if requests.is_empty() {
        findings.push(Finding::unclear("the files give the role no permissions"));
    }
    if findings.is_empty() {
        findings.push(Finding::ok(format!("{} calls are allowed", requests.len())));
    }
    Ok(findings)
}
