//! What the alarm covers after a change of the policy: less, the same, more, or something that cannot be compared.
//!
//! [`direction`](super::direction) judges which records exclusions and service accounts silence. This module judges
//! everything else that decides whether a person's work reaches another person: who is audited and how, what is counted,
//! where, how soon, who is notified, how long logs are kept, and what guards the policy itself.
//!
//! Nothing is proven here; each key of the policy has its own rule. The value before the change is compared with the value
//! after it, and the rule says in which direction the key goes: a removed receiver is [`Hears::Less`], a lower threshold is
//! [`Hears::More`], another `log_line_prefix` is [`Hears::NotComparable`]. Reports treat "not comparable" like less. Every
//! difference becomes a [`HearingChange`]: a sentence for the reviewer, the owners who answer for it, and a [`Cost`], which
//! says how logs can show what the change would have cost. Differences that are the same for several people are merged into
//! one sentence. [`Hears::and`] combines the directions of all changes, and [`together`] combines the result with the
//! verdict of `direction`: the whole is never narrowed or unchanged while the alarm might cover less.
//!
//! The danger is a key that is forgotten. Therefore the structures of the model are taken apart without `..`, so that a new
//! key does not build until it has a rule, and [`keys`] lists every key of the files with the reason where it needs none. A
//! test compares that list with the schemas.

mod environment;
pub mod files;
pub mod grants;
pub mod guards;
pub mod keys;
mod people;
mod routes;
mod severity;
mod words;

#[cfg(test)]
mod tests;

use jiff::civil::Date;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::direction::Verdict;
use crate::policy::model::{Environment, Policy, Signal};

/// Which way a change goes.
#[derive(
    Debug,
    Clone,
    Copy,
    Default,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Hears {
    /// Something no longer reaches a person, or reaches them later.
    Less,
    /// It covers something else. Treated as less.
    NotComparable,
    /// Something reaches a person that did not before.
    More,
    /// As before.
    #[default]
    Same,
}

impl Hears {
    /// The words in reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Less => "less",
            Self::NotComparable => "not comparable",
            Self::More => "more",
            Self::Same => "the same",
        }
    }

    /// Whether the alarm might cover less: not comparable counts as less.
    pub fn may_be_less(self) -> bool {
        matches!(self, Self::Less | Self::NotComparable)
    }

    /// Both changes together.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Same, one) | (one, Self::Same) => one,
            (one, other) if one == other => one,
            _ => Self::NotComparable,
        }
    }

    /// From the larger of two values being the louder one.
    fn by<T: Ord + ?Sized>(before: &T, after: &T) -> Self {
        match after.cmp(before) {
            std::cmp::Ordering::Less => Self::Less,
            std::cmp::Ordering::Equal => Self::Same,
            std::cmp::Ordering::Greater => Self::More,
        }
    }

    /// The other way round.
    fn turned(self) -> Self {
        match self {
            Self::Less => Self::More,
            Self::More => Self::Less,
            same => same,
        }
    }
}

/// What is silenced and what is covered, as one verdict: never narrowed or unchanged while the alarm might cover less.
#[must_use]
pub fn together(silences: Verdict, hears: Hears) -> Verdict {
    match (silences, hears) {
        (silences, Hears::Same) => silences,
        (Verdict::Unchanged | Verdict::Widened | Verdict::Unknown, Hears::Less) => Verdict::Widened,
        (Verdict::Unchanged | Verdict::Narrowed, Hears::More) => Verdict::Narrowed,
        (Verdict::Unknown, Hears::More | Hears::NotComparable) => Verdict::Unknown,
        _ => Verdict::Incomparable,
    }
}

/// How logs show what a change would have cost.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Cost {
    /// No log shows it.
    #[default]
    Unknown,
    /// Counted records of these people.
    Of(Vec<String>),
    /// The same, in these classes.
    Classes(Vec<String>, Vec<&'static str>),
    /// Records that no longer count, because their signal is off.
    SignalOff,
    /// All counted records.
    Everything,
    /// Windows in which the alarm of a signal fired, by its thresholds before and after.
    Windows {
        /// Which.
        signal: Signal,
        /// Length of a window.
        minutes: u32,
        /// Threshold before.
        before: u32,
        /// Threshold after.
        after: u32,
    },
}

/// One thing that the alarm covers more or less.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub struct HearingChange {
    /// The key of the policy, as [`keys`] lists it; [`files::KEY`] for a file next to it.
    pub key: String,
    /// Which way it goes.
    pub direction: Hears,
    /// What it means, in one sentence.
    pub sentence: String,
    /// Roles of the people meant.
    pub people: Vec<String>,
    /// Who answers for it, if the policy names an owner.
    pub owners: Vec<String>,
    /// What it would have cost in the logs, in words; none if no log shows it.
    pub cost: Option<String>,
    /// How logs show it.
    #[serde(skip)]
    pub measured_by: Cost,
}

impl HearingChange {
    /// The sentence with what it would have cost.
    pub fn told(&self) -> String {
        match &self.cost {
            Some(cost) => format!("{} ({cost})", self.sentence),
            None => self.sentence.clone(),
        }
    }
}

/// What the alarm of an environment covers after a change.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub struct Hearing {
    /// All in all.
    pub direction: Hears,
    /// Each change, the gravest first.
    pub changes: Vec<HearingChange>,
}

impl Hearing {
    /// Adds changes, and arranges them.
    pub fn extend(&mut self, changes: impl IntoIterator<Item = HearingChange>) {
        self.changes.extend(changes);
        self.changes.sort_by_key(|change| change.direction);
        self.direction = self
            .changes
            .iter()
            .fold(Hears::Same, |all, change| all.and(change.direction));
    }

    /// Changes by which the alarm covers less, or something that cannot be compared.
    pub fn losses(&self) -> impl Iterator<Item = &HearingChange> {
        self.changes
            .iter()
            .filter(|change| change.direction.may_be_less())
    }
}

/// What is compared.
#[derive(Debug, Clone, Copy)]
pub struct Ground<'a> {
    /// The policy before the change.
    pub base: &'a Policy,
    /// The policy after it.
    pub head: &'a Policy,
    /// Name of the environment.
    pub environment: &'a str,
    /// What sentences call it.
    pub called: &'a str,
    /// The day for which both are judged.
    pub today: Date,
}

/// Compares what the alarm of an environment covers. What exclusions and service accounts silence is not compared here:
/// that is [`direction::compare`](super::direction::compare)'s.
pub fn compare(ground: &Ground<'_>) -> Hearing {
    let (before, after) = (
        ground.base.environment(ground.environment),
        ground.head.environment(ground.environment),
    );
    let mut drafts = Drafts {
        called: ground.called.to_owned(),
        drafts: Vec::new(),
    };
    match (before, after) {
        (Some(before), Some(after)) => both(ground, before, after, &mut drafts),
        (Some(before), None) => {
            let clusters: Vec<&str> = before.clusters.iter().map(|c| c.name.as_str()).collect();
            drafts.add(
                "environments",
                Hears::Less,
                format!(
                    "no alarm covers {} any more: the environment is gone, so {} {} no longer watched there",
                    ground.called,
                    words::listed(&clusters),
                    if clusters.len() == 1 { "is" } else { "are" }
                ),
                environment::owner(before),
                Cost::Everything,
            );
        }
        (None, Some(after)) => {
            drafts.add(
                "environments",
                Hears::More,
                format!("{} is a new environment", ground.called),
                environment::owner(after),
                Cost::Unknown,
            );
            environment::overlaps(ground, after, &mut drafts);
        }
        (None, None) => {}
    }
    let mut hearing = Hearing::default();
    hearing.extend(drafts.finish());
    hearing
}

fn both(ground: &Ground<'_>, before: &Environment, after: &Environment, drafts: &mut Drafts) {
    // Taken apart, so that nothing new in a policy is forgotten here.
    let Policy {
        users: _,
        is_nobody_yet: _,
        service_accounts: _,
        exclusions: _,
        environments: _,
        limits,
        protected,
        sensitivity,
        canaries,
        // `grants::changes` compares them: a mark takes nothing out of the alarm.
        grants: _,
    } = ground.base;
    people::people(ground, before, after, drafts);
    environment::environment(ground, before, after, drafts);
    environment::overlaps(ground, after, drafts);
    guards::limits(limits, &ground.head.limits, drafts);
    guards::protected(protected, &ground.head.protected, drafts);
    severity::sensitivity(sensitivity, &ground.head.sensitivity, drafts);
    guards::canaries(canaries, &ground.head.canaries, drafts);
    guards::exclusions(ground, before, after, drafts);
}

/// What was found, before those that say the same of several people become one sentence.
struct Drafts {
    called: String,
    drafts: Vec<Draft>,
}

struct Draft {
    key: &'static str,
    direction: Hears,
    /// The person it is about.
    role: Option<String>,
    /// The sentence. If it is about a person, the name comes before it, and `{is}` is the place of the verb.
    text: String,
    owners: Vec<String>,
    cost: Cost,
}

impl Drafts {
    fn add(
        &mut self,
        key: &'static str,
        direction: Hears,
        text: String,
        owners: Vec<String>,
        cost: Cost,
    ) {
        if direction != Hears::Same {
            self.drafts.push(Draft {
                key,
                direction,
                role: None,
                text,
                owners,
                cost,
            });
        }
    }

    /// Of a person.
    fn of(
        &mut self,
        (role, owner): (&str, &str),
        key: &'static str,
        direction: Hears,
        text: String,
        cost: Cost,
    ) {
        if direction != Hears::Same {
            self.drafts.push(Draft {
                key,
                direction,
                role: Some(role.to_owned()),
                text,
                owners: vec![owner.to_owned()],
                cost,
            });
        }
    }

    fn finish(self) -> Vec<HearingChange> {
        let mut changes: Vec<(String, HearingChange)> = Vec::new();
        for draft in self.drafts {
            let Draft {
                key,
                direction,
                role,
                text,
                owners,
                cost,
            } = draft;
            if let Some(role) = &role {
                let same = changes.iter_mut().find(|(known, change)| {
                    *known == text
                        && change.key == key
                        && change.direction == direction
                        && !change.people.is_empty()
                });
                if let Some((_, change)) = same {
                    change.people.push(role.clone());
                    for owner in owners {
                        if !change.owners.contains(&owner) {
                            change.owners.push(owner);
                        }
                    }
                    match (&mut change.measured_by, cost) {
                        (Cost::Of(people), Cost::Of(more))
                        | (Cost::Classes(people, _), Cost::Classes(more, _)) => people.extend(more),
                        _ => {}
                    }
                    continue;
                }
            }
            let change = HearingChange {
                key: key.to_owned(),
                direction,
                sentence: text.clone(),
                people: role.into_iter().collect(),
                owners,
                cost: None,
                measured_by: cost,
            };
            changes.push((text, change));
        }
        changes
            .into_iter()
            .map(|(text, mut change)| {
                if !change.people.is_empty() {
                    let names: Vec<&str> = change.people.iter().map(String::as_str).collect();
                    let verb = if names.len() == 1 { "is" } else { "are" };
                    change.sentence =
                        format!("{}{}", words::listed(&names), text.replace("{is}", verb));
                }
                change
            })
            .collect()
    }
}
