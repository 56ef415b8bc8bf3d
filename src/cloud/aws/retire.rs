//! Takes stacks that others made out of service, one step at a time. Each looks at its ground first.

use std::collections::BTreeSet;

use super::adopt::{rule, watched_group};
use super::call::{found, gone};
use super::connect::{Aws, Inner};
use super::failure::refused;
use super::look::function;
use crate::deploy::permission::Operation;
use crate::deploy::port::CloudError;
use crate::takeover::adopt::port::Retirer;
use crate::takeover::adopt::retire::{Step, Work};

impl Retirer for Aws {
    fn carry_out(&self, step: &Step) -> Result<(), CloudError> {
        self.runtime.block_on(carry_out(&self.inner, step))
    }
}

async fn carry_out(aws: &Inner, step: &Step) -> Result<(), CloudError> {
    let name = &step.name;
    match &step.work {
        Work::DisableRule => {
            let answer = aws
                .caller
                .make(Operation::DisableRule, name, || {
                    aws.events.disable_rule().name(name).send()
                })
                .await;
            gone(answer)
        }
        Work::RemoveTargets { ids } => remove_targets(aws, name, ids).await,
        Work::DeleteRule => delete_rule(aws, name).await,
        Work::DeleteDashboard => {
            let answer = aws
                .caller
                .make(Operation::DeleteDashboards, name, || {
                    aws.alarms.delete_dashboards().dashboard_names(name).send()
                })
                .await;
            gone(answer)
        }
        Work::DeleteAlarm { log_group } => delete_alarm(aws, name, log_group).await,
        Work::DeleteRolePolicy { policy } => {
            let answer = aws
                .caller
                .make(Operation::DeleteRolePolicy, name, || {
                    aws.roles
                        .delete_role_policy()
                        .role_name(name)
                        .policy_name(policy)
                        .send()
                })
                .await;
            gone(answer)
        }
        Work::DetachRolePolicy { policy } => {
            let answer = aws
                .caller
                .make(Operation::DetachRolePolicy, name, || {
                    aws.roles
                        .detach_role_policy()
                        .role_name(name)
                        .policy_arn(policy)
                        .send()
                })
                .await;
            gone(answer)
        }
        Work::DeleteRole => {
            let answer = aws
                .caller
                .make(Operation::DeleteRole, name, || {
                    aws.roles.delete_role().role_name(name).send()
                })
                .await;
            gone(answer)
        }
        Work::DeleteFunction { log_group } => delete_function(aws, name, log_group).await,
    }
}

fn moved(what: &str, name: &str) -> CloudError {
    CloudError::Conflict {
        resource: format!("the {what} {name}"),
    }
}

async fn remove_targets(aws: &Inner, name: &str, ids: &[String]) -> Result<(), CloudError> {
    let answer = aws
        .caller
        .make(Operation::RemoveTargets, name, || {
            aws.events
                .remove_targets()
                .rule(name)
                .set_ids(Some(ids.to_vec()))
                .send()
        })
        .await;
    let Some(answer) = found(answer)? else {
        return Ok(());
    };
    // This operation answers 200 also for what it did not do.
    match answer.failed_entries().first() {
        None => Ok(()),
        Some(entry) => Err(refused(
            "events:RemoveTargets",
            name,
            entry.error_message().unwrap_or_default().to_owned(),
        )),
    }
}

async fn delete_rule(aws: &Inner, name: &str) -> Result<(), CloudError> {
    let Some(live) = rule(aws, name, BTreeSet::new()).await? else {
        return Ok(());
    };
    // Somebody enabled it again, or gave it something to start.
    if live.is_enabled || !live.targets.is_empty() {
        return Err(moved("schedule", name));
    }
    let answer = aws
        .caller
        .make(Operation::DeleteRule, name, || {
            aws.events.delete_rule().name(name).send()
        })
        .await;
    gone(answer)
}

async fn delete_alarm(aws: &Inner, name: &str, log_group: &str) -> Result<(), CloudError> {
    let answer = aws
        .caller
        .make(Operation::DescribeAlarms, name, || {
            aws.alarms.describe_alarms().alarm_names(name).send()
        })
        .await?;
    let Some(live) = answer.metric_alarms().first() else {
        return Ok(());
    };
    if watched_group(live).as_deref() != Some(log_group) {
        return Err(moved("alarm", name));
    }
    let answer = aws
        .caller
        .make(Operation::DeleteAlarms, name, || {
            aws.alarms.delete_alarms().alarm_names(name).send()
        })
        .await;
    gone(answer)
}

async fn delete_function(aws: &Inner, name: &str, log_group: &str) -> Result<(), CloudError> {
    let Some(live) = function::look(aws, name).await? else {
        return Ok(());
    };
    let variables = live
        .configuration
        .environment()
        .and_then(|environment| environment.variables());
    // A deployment by script may have turned it to another cluster since: then it is that one's only monitor.
    if variables
        .and_then(|variables| variables.get("LOG_GROUP_NAME"))
        .map(String::as_str)
        != Some(log_group)
    {
        return Err(moved("function", name));
    }
    let answer = aws
        .caller
        .make(Operation::DeleteFunction, name, || {
            aws.lambda.delete_function().function_name(name).send()
        })
        .await;
    gone(answer)
}
