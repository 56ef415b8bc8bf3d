//! What takes a former stack out of service, as steps in an order that can be stopped after any of them.
//!
//! First every schedule is disabled: both monitors publish into one metric. Deletions follow, from the schedule
//! inwards. The function goes last, since everything else is found through it: what was stopped half way is found again.

#![expect(
    clippy::indexing_slicing,
    reason = "a JSON value answers null for what it does not have"
)]

use serde::Serialize;

use super::port::{Retirer, Search};
use super::proof::Proof;
use super::remains::{Dashboard, Function, Remains, Role, Rule};
use crate::deploy::former;
use crate::deploy::port::Identity;

/// What is deleted besides, and only when it is named.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Wish {
    /// Delete, not only disable.
    pub delete: bool,
    /// Delete the functions' roles. A role belongs to all regions, and only one is looked at.
    pub roles: bool,
    /// Alarms that belong to the stack despite their other names.
    pub alarms: Vec<String>,
}

/// What a step does.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case", tag = "work")]
pub enum Work {
    /// A schedule starts nothing any more. Undone by enabling it.
    DisableRule,
    /// A schedule no longer starts the function.
    RemoveTargets {
        /// Ids of the targets.
        ids: Vec<String>,
    },
    /// A schedule without targets.
    DeleteRule,
    DeleteDashboard,
    DeleteAlarm {
        /// Log group that it is about.
        log_group: String,
    },
    /// An inline policy of a role.
    DeleteRolePolicy {
        policy: String,
    },
    /// A policy that is attached to a role.
    DetachRolePolicy {
        policy: String,
    },
    /// A role without policies.
    DeleteRole,
    DeleteFunction {
        /// Log group that it reads.
        log_group: String,
    },
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Step {
    #[serde(flatten)]
    pub work: Work,
    pub name: String,
}

impl Step {
    /// Says whether it cannot be undone by a switch.
    pub fn deletes(&self) -> bool {
        self.work != Work::DisableRule
    }

    /// What it does, for people.
    pub fn sentence(&self) -> String {
        let name = &self.name;
        match &self.work {
            Work::DisableRule => format!("disable the schedule {name}"),
            Work::RemoveTargets { ids } => {
                format!("remove from the schedule {name}: {}", ids.join(", "))
            }
            Work::DeleteRule => format!("delete the schedule {name}"),
            Work::DeleteDashboard => format!("delete the dashboard {name}"),
            Work::DeleteAlarm { .. } => format!("delete the alarm {name}"),
            Work::DeleteRolePolicy { policy } => {
                format!("delete the policy {policy} of the role {name}")
            }
            Work::DetachRolePolicy { policy } => {
                format!("detach the policy {policy} from the role {name}")
            }
            Work::DeleteRole => format!("delete the role {name}"),
            Work::DeleteFunction { .. } => format!("delete the function {name}"),
        }
    }
}

/// What is left alone, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Kept {
    pub resource: String,
    pub why: String,
}

/// Every step, in order, and what is left alone.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Retirement {
    pub steps: Vec<Step>,
    pub kept: Vec<Kept>,
}

impl Retirement {
    /// How many steps delete something.
    pub fn deletions(&self) -> usize {
        self.steps.iter().filter(|step| step.deletes()).count()
    }

    fn step(&mut self, work: Work, name: &str) {
        let step = Step {
            work,
            name: name.to_owned(),
        };
        if !self.steps.contains(&step) {
            self.steps.push(step);
        }
    }

    fn keep(&mut self, resource: String, why: impl Into<String>) {
        let kept = Kept {
            resource,
            why: why.into(),
        };
        if !self.kept.contains(&kept) {
            self.kept.push(kept);
        }
    }
}

/// What takes the remains out of service.
pub fn retirement(search: &Search, remains: &Remains, wish: &Wish) -> Retirement {
    let mut all = Retirement::default();
    let (certain, doubtful): (Vec<&Function>, Vec<&Function>) = remains
        .functions
        .iter()
        .partition(|function| function.is_certain);
    for function in doubtful {
        all.keep(
            format!("function {}", function.name),
            format!(
                "it reads {}, but might not be an old monitor: name it with --function if it is",
                function.log_group
            ),
        );
    }
    let rules: Vec<Rule> = remains
        .rules
        .iter()
        .filter_map(|rule| of_certain(rule, &certain))
        .collect();
    stop(&rules, &mut all);
    if wish.delete {
        delete_rules(&rules, &mut all);
        delete_dashboards(search, remains, &mut all);
        delete_alarms(search, remains, wish, &mut all);
        delete_roles(remains, &certain, wish, &mut all);
        for function in certain {
            let log_group = function.log_group.clone();
            all.step(Work::DeleteFunction { log_group }, &function.name);
            if function.own_log.is_some() {
                all.keep(
                    format!("log group /aws/lambda/{}", function.name),
                    "it is the old monitor's record of detection: a log group is never deleted",
                );
            }
        }
        for topic in &remains.topics {
            let others = match topic.other_alarms.as_slice() {
                [] => String::new(),
                others => format!("; it serves other alarms too: {}", others.join(", ")),
            };
            all.keep(
                format!("topic {}", topic.arn),
                format!("people are subscribed to it, and it might serve other systems{others}"),
            );
        }
        for key in remains.keys.iter().filter(|key| key.is_customers) {
            all.keep(
                format!("key {}", key.name),
                "data that it encrypted cannot be read without it",
            );
        }
    }
    all
}

/// A rule with only those of its functions that are surely monitors; `None` when it has none.
fn of_certain(rule: &Rule, certain: &[&Function]) -> Option<Rule> {
    let mut rule = rule.clone();
    rule.functions
        .retain(|arn| certain.iter().any(|function| function.arn == *arn));
    (!rule.functions.is_empty()).then_some(rule)
}

fn ids(rule: &Rule) -> Vec<String> {
    rule.own().map(|(id, _)| id.clone()).collect()
}

fn stop(rules: &[Rule], all: &mut Retirement) {
    for rule in rules {
        let foreign: Vec<&str> = rule.foreign().map(|(_, arn)| arn.as_str()).collect();
        if foreign.is_empty() {
            if rule.is_enabled {
                all.step(Work::DisableRule, &rule.name);
            }
            continue;
        }
        // Disabling it would also stop targets that are not part of the stack.
        if !ids(rule).is_empty() {
            all.step(Work::RemoveTargets { ids: ids(rule) }, &rule.name);
        }
        all.keep(
            format!("schedule {}", rule.name),
            format!("it also starts other targets: {}", foreign.join(", ")),
        );
    }
}

fn delete_rules(rules: &[Rule], all: &mut Retirement) {
    let alone = rules.iter().filter(|rule| rule.foreign().next().is_none());
    for rule in alone {
        if !ids(rule).is_empty() {
            all.step(Work::RemoveTargets { ids: ids(rule) }, &rule.name);
        }
        all.step(Work::DeleteRule, &rule.name);
    }
}

fn delete_dashboards(search: &Search, remains: &Remains, all: &mut Retirement) {
    for dashboard in &remains.dashboards {
        match why_keep(search, dashboard) {
            None => all.step(Work::DeleteDashboard, &dashboard.name),
            Some(why) => all.keep(format!("dashboard {}", dashboard.name), why),
        }
    }
}

/// Why a dashboard is not the stack's alone.
fn why_keep(search: &Search, dashboard: &Dashboard) -> Option<String> {
    if !dashboard.name.starts_with(former::DASHBOARD) {
        return Some("its name is not one of the old stack: a person created it".to_owned());
    }
    let others: Vec<String> = log_groups(&dashboard.body.to_string())
        .into_iter()
        .filter(|group| !search.is_watched(group))
        .collect();
    (!others.is_empty()).then(|| format!("it shows {} too", others.join(", ")))
}

/// Log groups of databases that a text names.
pub(super) fn log_groups(text: &str) -> Vec<String> {
    let mut groups: Vec<String> = text
        .split("/aws/rds/")
        .skip(1)
        .map(|rest| {
            let end = rest.find(|letter: char| {
                !(letter.is_ascii_alphanumeric() || matches!(letter, '/' | '-' | '_' | '.' | '#'))
            });
            let path = end.and_then(|end| rest.get(..end)).unwrap_or(rest);
            format!("/aws/rds/{path}")
        })
        .collect();
    groups.sort();
    groups.dedup();
    groups
}

fn delete_alarms(search: &Search, remains: &Remains, wish: &Wish, all: &mut Retirement) {
    let about = remains
        .alarms
        .iter()
        .filter(|alarm| search.is_watched(&alarm.log_group));
    for alarm in about {
        let resource = format!("alarm {}", alarm.name);
        let is_named = alarm.name.starts_with(former::ALARM) || wish.alarms.contains(&alarm.name);
        if !is_named {
            all.keep(
                resource,
                "its name is not one of the old stack; it still watches the metric, which now belongs to pgvigil. If it \
                 belongs to the old stack, name it with --alarm",
            );
        } else if alarm.composites.is_empty() {
            let log_group = alarm.log_group.clone();
            all.step(Work::DeleteAlarm { log_group }, &alarm.name);
        } else {
            all.keep(
                resource,
                format!("composite alarms use it: {}", alarm.composites.join(", ")),
            );
        }
    }
}

fn delete_roles(remains: &Remains, certain: &[&Function], wish: &Wish, all: &mut Retirement) {
    for role in &remains.roles {
        if !certain.iter().any(|function| function.role == role.arn) {
            continue;
        }
        if let Some(why) = why_keep_role(role, wish) {
            all.keep(format!("role {}", role.name), why);
            continue;
        }
        for (policy, _) in &role.policies {
            let policy = policy.clone();
            all.step(Work::DeleteRolePolicy { policy }, &role.name);
        }
        for policy in &role.attached {
            let policy = policy.clone();
            all.step(Work::DetachRolePolicy { policy }, &role.name);
        }
        all.step(Work::DeleteRole, &role.name);
    }
}

fn why_keep_role(role: &Role, wish: &Wish) -> Option<String> {
    if !role.other_functions.is_empty() {
        return Some(format!(
            "other functions use it: {}",
            role.other_functions.join(", ")
        ));
    }
    let is_lambdas = super::defect::statements(&role.trust)
        .all(|statement| statement["Principal"]["Service"] == "lambda.amazonaws.com");
    if !is_lambdas {
        return Some("services other than Lambda can assume it".to_owned());
    }
    (!wish.roles).then(|| {
        "a role is not bound to a region, so a monitor in another region might use it: if none does, delete it with --also \
         role before the function is deleted"
            .to_owned()
    })
}

/// What became of a step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "state", content = "message")]
pub enum State {
    /// Nobody asked for it yet.
    Planned,
    Done,
    /// Not done, and why. A write whose answer was lost may have been carried out.
    Failed(String),
    /// Not tried, because an earlier step failed or the user asked for a stop.
    NotBegun,
}

/// A step and what became of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Taken {
    #[serde(flatten)]
    pub step: Step,
    /// What became of it.
    #[serde(flatten)]
    pub state: State,
}

/// A run that takes stacks out of service, or would.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Run {
    pub identity: Identity,
    /// What must hold first.
    pub proofs: Vec<Proof>,
    /// Somebody chose to go on although it may not hold.
    pub without_proof: bool,
    pub steps: Vec<Taken>,
    /// What is left alone.
    pub kept: Vec<Kept>,
}

impl Run {
    /// Before its first step.
    pub fn planned(identity: Identity, proofs: Vec<Proof>, retirement: Retirement) -> Self {
        Self {
            identity,
            proofs,
            without_proof: false,
            steps: retirement
                .steps
                .into_iter()
                .map(|step| Taken {
                    step,
                    state: State::Planned,
                })
                .collect(),
            kept: retirement.kept,
        }
    }

    /// Says whether all holds that must.
    pub fn is_proven(&self) -> bool {
        self.proofs.iter().all(|proof| proof.holds)
    }

    /// Says whether every step was done.
    pub fn is_complete(&self) -> bool {
        self.steps.iter().all(|taken| taken.state == State::Done)
    }

    /// Takes the steps one after the other, up to the first that fails or until the user asks for a stop.
    pub fn carry_out(
        &mut self,
        retirer: &dyn Retirer,
        stop: &dyn Fn() -> bool,
        tell: &mut dyn FnMut(&Taken),
    ) {
        let mut goes_on = true;
        for taken in &mut self.steps {
            goes_on = goes_on && !stop();
            if !goes_on {
                taken.state = State::NotBegun;
                continue;
            }
            taken.state = match retirer.carry_out(&taken.step) {
                Ok(()) => State::Done,
                Err(error) => {
                    goes_on = false;
                    State::Failed(error.to_string())
                }
            };
            tell(taken);
        }
    }
}
