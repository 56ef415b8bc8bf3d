//! The alarms: there, switched on, on the right metric, heard.

use serde_json::Value;

use super::log_alarm::reads;
use super::{Check, Context, Findings, Run, duration, text, there};
use crate::compile::resources::{Document, Kind, Metric};
use crate::doctor::diagnosis::Finding;
use crate::doctor::observation::{Alarm, AlarmState};
use crate::doctor::subject::AlarmRole;

const GROUP: &str = "alarms";

pub(super) const PRESENT: Check = Check {
    id: "alarms-present",
    group: GROUP,
    title: "each alarm exists, including those about the monitor itself",
    why: "without the error and heartbeat alarms, a dead monitor looks like a quiet day",
    needs: &[],
    run: Run::Cluster(present),
};

pub(super) const ENABLED: Check = Check {
    id: "alarms-enabled",
    group: GROUP,
    title: "the actions of each alarm are enabled",
    why: "an alarm with disabled actions changes colour on the dashboard but notifies no one",
    needs: &[],
    run: Run::Cluster(enabled),
};

pub(super) const TELL: Check = Check {
    id: "alarms-tell",
    group: GROUP,
    title: "each alarm notifies the topic when it fires and when it is over",
    why: "without the second message an incident stays open, and later alarms look like repeats of it",
    needs: &[],
    run: Run::Cluster(tell),
};

pub(super) const METRIC: Check = Check {
    id: "alarms-metric",
    group: GROUP,
    title: "each alarm watches the metric that the function publishes, or runs the compiled query",
    why: "if the alarm's dimensions differ from the function's by one letter, the alarm waits forever",
    needs: &[],
    run: Run::Cluster(metric),
};

pub(super) const STATE: Check = Check {
    id: "alarms-state",
    group: GROUP,
    title: "each alarm has data, none about the monitor is in ALARM, and none stays in ALARM for long",
    why: "actions run only when the state changes: while an alarm stays in ALARM, no one is notified of the next person",
    needs: &[],
    run: Run::Cluster(state),
};

pub(super) const DELIVERED: Check = Check {
    id: "alarms-delivered",
    group: GROUP,
    title: "the last action of each alarm succeeded",
    why: "a failed action appears only in the alarm's history",
    needs: &[],
    run: Run::Cluster(delivered),
};

/// A finding for each alarm of the files, of either kind.
fn each(context: &Context<'_>, find: impl Fn(&Document) -> Result<Finding, Finding>) -> Findings {
    let findings: Vec<Finding> = context
        .subject
        .alarms()
        .map(|document| {
            find(document)
                .unwrap_or_else(|early| early)
                .about(&document.name)
        })
        .collect();
    if findings.is_empty() {
        return Err(Finding::skip("the files declare no alarm"));
    }
    Ok(findings)
}

fn observed<'a>(context: &Context<'a>, name: &str) -> Result<&'a Alarm, Finding> {
    match context.observed()?.alarms.get(name) {
        Some(answer) => there(answer, "such alarm"),
        None => Err(Finding::unclear("it was not queried")),
    }
}

fn present(context: &Context<'_>) -> Findings {
    each(context, |document| {
        let finding = context.presence(document);
        Ok(finding)
    })
}

fn enabled(context: &Context<'_>) -> Findings {
    each(context, |document| {
        let live = context.live(document)?;
        Ok(match live.get("actions_enabled").and_then(Value::as_bool) {
            Some(true) => Finding::ok("its actions are enabled"),
            _ => Finding::fail(
                "its actions are disabled",
                context.subject.aws(&[
                    "cloudwatch",
                    "enable-alarm-actions",
                    "--alarm-names",
                    &document.name,
                ]),
            ),
        })
    })
}

fn tell(context: &Context<'_>) -> Findings {
    let topic = context.subject.topic_arn();
    each(context, |document| {
        let live = context.live(document)?;
        let tells = |key: &str| {
            live.get(key)
                .and_then(Value::as_array)
                .is_some_and(|actions| actions.iter().any(|action| action == topic.as_str()))
        };
        let apply = || context.subject.apply();
        Ok(match (tells("alarm_actions"), tells("ok_actions")) {
            (true, true) => Finding::ok("it notifies the topic of both"),
            (true, false) => Finding::fail("it does not notify the topic when it is over", apply()),
            (false, true) => Finding::fail("it does not notify the topic when it fires", apply()),
            (false, false) => Finding::fail("it does not notify the topic at all", apply()),
        })
    })
}

/// Where something is published: namespace, name, dimensions.
#[derive(Debug, PartialEq, Eq)]
struct Place {
    namespace: String,
    name: String,
    dimensions: Vec<(String, String)>,
}

impl Place {
    fn of_alarm(live: &Value) -> Self {
        let mut dimensions: Vec<(String, String)> = live
            .get("dimensions")
            .and_then(Value::as_object)
            .into_iter()
            .flatten()
            .map(|(name, value)| (name.clone(), value.as_str().unwrap_or_default().to_owned()))
            .collect();
        dimensions.sort();
        Self {
            namespace: text(live, "namespace").unwrap_or_default().to_owned(),
            name: text(live, "metric").unwrap_or_default().to_owned(),
            dimensions,
        }
    }

    fn text(&self) -> String {
        let dimensions: Vec<String> = self
            .dimensions
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        format!("{} {} {}", self.namespace, self.name, dimensions.join(","))
    }
}

/// Where the function that is live publishes, by its own variables.
fn published(context: &Context<'_>, metric: &Metric) -> Result<Place, Finding> {
    let variables = context.live_one(Kind::LambdaFunction)?.get("environment");
    let variable = |name: &str| {
        variables
            .and_then(|variables| text(variables, name))
            .unwrap_or_default()
            .to_owned()
    };
    let log_group = variable("LOG_GROUP_NAME");
    let dimensions = metric
        .dimensions
        .iter()
        .map(|(name, value)| {
            let value = if *name == "LogGroup" {
                log_group.clone()
            } else {
                value.clone()
            };
            ((*name).to_owned(), value)
        })
        .collect();
    Ok(Place {
        namespace: variable("METRIC_NAMESPACE"),
        name: metric.name.to_owned(),
        dimensions,
    })
}

fn metric(context: &Context<'_>) -> Findings {
    let subject = context.subject;
    each(context, |document| {
        if document.kind == Kind::LogAlarm {
            return reads(context, document);
        }
        let watched = Place::of_alarm(context.live(document)?);
        let metric = match subject.alarm_role(&document.name) {
            Some(AlarmRole::Signal(signal)) => Metric::signal(subject.cluster, signal),
            Some(AlarmRole::Errors) => Metric::errors(subject.cluster),
            Some(AlarmRole::Heartbeat) => Metric::heartbeat(subject.cluster),
            Some(AlarmRole::NotJudged) => Metric::not_judged(&subject.cluster.log_group()),
            // SNS publishes that one.
            Some(AlarmRole::Delivery) => {
                let wanted = Place::of_alarm(&document.properties);
                return Ok(same(context, &watched, &wanted, "SNS"));
            }
            None => {
                return Err(Finding::unclear(
                    "could not determine which metric it belongs to",
                ));
            }
        };
        let published = published(context, &metric)?;
        Ok(same(context, &watched, &published, "the function"))
    })
}

fn same(context: &Context<'_>, watched: &Place, published: &Place, by: &str) -> Finding {
    if watched == published {
        Finding::ok(format!("it watches {}", watched.text()))
    } else {
        Finding::fail(
            format!(
                "it watches {}, but {by} publishes {}",
                watched.text(),
                published.text()
            ),
            context.subject.apply(),
        )
    }
}

fn state(context: &Context<'_>) -> Findings {
    let subject = context.subject;
    let monitor = &subject.environment.monitor;
    // An alarm is born without data; three windows later it has some or never will.
    let patience = i64::from(monitor.window_minutes) * 60 * 3 + i64::from(monitor.settle_seconds);
    let hours = i64::from(context.hours) * 3600;
    let log = subject.names.monitor_log_group();
    context.observed()?;
    each(context, |document| {
        let alarm = observed(context, &document.name)?;
        let age = duration(context.age(alarm.since));
        let sentence = format!("it has been {} for {age}", alarm.state.name());
        let look_at_history = || {
            subject.look_aws(&[
                "cloudwatch",
                "describe-alarm-history",
                "--alarm-name",
                &document.name,
            ])
        };
        // What became of a query stands with its alarm.
        let look_at_monitor = || match document.kind {
            Kind::LogAlarm => look_at_history(),
            _ => subject.look_aws(&["logs", "tail", &log, "--since", "3h"]),
        };
        if let Some(trouble) = &alarm.trouble {
            let sentence = format!("CloudWatch could not judge it: {trouble}");
            return Ok(Finding::fail(sentence, look_at_monitor()));
        }
        let is_about_people = matches!(
            subject.alarm_role(&document.name),
            Some(AlarmRole::Signal(_))
        );
        Ok(match alarm.state {
            AlarmState::InsufficientData if context.is_older(alarm.since, hours) => {
                Finding::fail(sentence, look_at_monitor())
            }
            AlarmState::InsufficientData if context.is_older(alarm.since, patience) => {
                Finding::warn(sentence, look_at_monitor())
            }
            AlarmState::Alarm if !is_about_people => Finding::fail(sentence, look_at_monitor()),
            AlarmState::Alarm if context.is_older(alarm.since, hours) => Finding::warn(
                format!("{sentence}: no one was notified of anything since then"),
                look_at_history(),
            ),
            _ => Finding::ok(sentence),
        })
    })
}

fn delivered(context: &Context<'_>) -> Findings {
    let subject = context.subject;
    context.observed()?;
    each(context, |document| {
        let alarm = observed(context, &document.name)?;
        let failed = alarm.actions.iter().filter(|action| !action.succeeded);
        let look = || {
            subject.look_aws(&[
                "cloudwatch",
                "describe-alarm-history",
                "--alarm-name",
                &document.name,
                "--history-item-type",
                "Action",
            ])
        };
        Ok(match (alarm.actions.first(), failed.count()) {
            (None, _) => Finding::ok("it had nothing to report"),
            (Some(last), _) if !last.succeeded => {
                let age = duration(context.age(last.at));
                let sentence = format!("its last action failed {age} ago: {}", last.message);
                // Its cause may be mended since: only another action would tell.
                if context.is_older(last.at, i64::from(context.hours) * 3600) {
                    Finding::warn(sentence, look())
                } else {
                    Finding::fail(sentence, look())
                }
            }
            (Some(_), 0) => Finding::ok("its last action succeeded"),
            (Some(_), count) => Finding::warn(
                format!("its last action succeeded, but {count} before it failed"),
                look(),
            ),
        })
    })
}
