//! Which policy was in force when, and what changed it: from the history in Git.

use std::collections::BTreeSet;
use std::path::Path;

use jiff::Timestamp;
use jiff::civil::Date;
use schemars::JsonSchema;
use serde::Serialize;

use super::origin::{self, Origins};
use super::period::{Period, day_of};
use crate::digest::sha256;
use crate::judge::Rules;
use crate::policy::model::Environment;
use crate::policy::revision::history::{Version, history, is_shallow};
use crate::policy::revision::{RevisionError, authors, load_commit};
use crate::policy::{Loaded, load_from};
use crate::rules::direction::{self, Verdict};
use crate::rules::hearing::{self, Ground};

/// How much the clocks of two computers may differ, in seconds, before the dates of commits contradict each other.
const SKEW_S: i64 = 3600;

/// A change of the policy in the period. Texts are those of whoever wrote the commit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct PolicyChange {
    /// The commit.
    pub commit: String,
    /// When it was committed, in UTC.
    #[schemars(with = "String")]
    pub committed: Timestamp,
    /// Who wrote it, or merged it.
    pub author: String,
    /// The addresses of those who wrote the commits in it.
    pub authors: Vec<String>,
    /// Its first line.
    pub subject: String,
    /// Who approved it, as its trailers `Reviewed-by`, `Approved-by` and `Acked-by` say. A forge knows more.
    pub approvals: Vec<String>,
    /// Whether the alarm of the environment hears less after it: `narrowed` and `unchanged` are proven.
    pub direction: Verdict,
    /// What it changes, a sentence each.
    pub effects: Vec<String>,
}

/// A policy, and the days of the period on which it was the newest on the main line.
#[derive(Debug)]
pub struct InForce {
    /// The policy.
    pub loaded: Loaded,
    /// The commit; none for the files as they are.
    pub commit: Option<String>,
    /// When the main line got it, if that was in the period.
    pub committed: Option<Timestamp>,
    /// The first day.
    pub since: Date,
    /// The last day.
    pub until: Date,
    /// Digest of the environment's rules; none if it does not exist in that policy.
    pub rules: Option<String>,
}

/// The policies of a period.
#[derive(Debug, Default)]
pub struct History {
    /// The oldest first.
    pub in_force: Vec<InForce>,
    /// The oldest first.
    pub changes: Vec<PolicyChange>,
    /// The commits that brought the exclusions of the newest of these policies into their form.
    pub origins: Origins,
    /// What is not known, a sentence each.
    pub unknown: Vec<String>,
}

impl History {
    /// The log groups of all clusters that the environment has in any of the policies.
    pub fn log_groups(&self, now: &Environment) -> BTreeSet<String> {
        let mut log_groups = log_groups_of(now);
        for of in &self.in_force {
            if let Some(environment) = of.loaded.policy.environment(&now.name) {
                log_groups.extend(log_groups_of(environment));
            }
        }
        log_groups
    }

    /// The log groups of the environment in each of the policies, and since when. An environment that a policy does not have
    /// is the one of the files as they are now, so that no hour is without a log group.
    pub(super) fn log_groups_since(
        &self,
        now: &Environment,
    ) -> Vec<(Option<Timestamp>, BTreeSet<String>)> {
        self.in_force
            .iter()
            .map(|of| {
                let then = of.loaded.policy.environment(&now.name);
                (of.committed, log_groups_of(then.unwrap_or(now)))
            })
            .collect()
    }
}

fn log_groups_of(environment: &Environment) -> BTreeSet<String> {
    environment
        .clusters
        .iter()
        .map(|cluster| cluster.log_group())
        .collect()
}

/// Reads the history of a folder. `now` has the files as they are, which stand for the whole period if there is no history.
pub fn read(root: &Path, now: &Loaded, environment: &str, period: Period) -> History {
    match of_git(root, environment, period) {
        Ok(history) if !history.in_force.is_empty() => history,
        Ok(mut history) => {
            history.unknown.push(
                "Git has no commit of policy files up to the end of the period: the report uses the files as they are now"
                    .to_owned(),
            );
            history.in_force.push(as_they_are(now, environment, period));
            history
        }
        Err(error) => History {
            in_force: vec![as_they_are(now, environment, period)],
            changes: Vec::new(),
            origins: Origins::new(),
            unknown: vec![format!(
                "the history of the policy cannot be read ({error}): the report uses the files as they are now for the whole period"
            )],
        },
    }
}

fn as_they_are(now: &Loaded, environment: &str, period: Period) -> InForce {
    InForce {
        rules: rules_of(now, environment),
        loaded: now.clone(),
        commit: None,
        committed: None,
        since: period.since(),
        until: period.until(),
    }
}

fn of_git(root: &Path, environment: &str, period: Period) -> Result<History, RevisionError> {
    let mut found = History::default();
    let is_whole = !is_shallow(root)?;
    if !is_whole {
        found.unknown.push(
            "this clone has only a part of the history: fetch the rest with `git fetch --unshallow`"
                .to_owned(),
        );
    }
    let mut versions: Vec<Version> = history(root, "HEAD")?;
    found.unknown.extend(contradiction(&versions, period));
    versions.retain(|version| version.committed < period.end());
    let first = versions
        .iter()
        .position(|version| version.committed >= period.start())
        .unwrap_or(versions.len());
    // The one that was in force when the period began.
    let begins = first.saturating_sub(1);
    if first == 0
        && let Some(oldest) = versions.first()
    {
        found.unknown.push(format!(
            "the history begins on {}: pgvigil could not determine which policy was in force before",
            day_of(oldest.committed)
        ));
    }
    let wanted = versions.get(begins..).unwrap_or_default();
    for (place, version) in wanted.iter().enumerate() {
        let loaded = load_commit(root, &version.commit)?;
        if begins + place >= first {
            let change = match found.in_force.last() {
                Some(before) => compare(root, version, &before.loaded, &loaded, environment)?,
                None => {
                    let nothing = load_from(Vec::<(String, Vec<u8>)>::new());
                    compare(root, version, &nothing, &loaded, environment)?
                }
            };
            found.changes.push(change);
        }
        match found.in_force.last() {
            Some(before) => origin::follow(&mut found.origins, &before.loaded, &loaded, version),
            None => {
                let until_now = versions.get(..=begins).unwrap_or_default();
                found.origins = origin::at_the_beginning(root, until_now, &loaded, is_whole)?;
            }
        }
        let next = wanted.get(place + 1).map(|next| day_of(next.committed));
        found.in_force.push(InForce {
            rules: rules_of(&loaded, environment),
            loaded,
            commit: Some(version.commit.clone()),
            committed: Some(version.committed).filter(|_| begins + place >= first),
            since: day_of(version.committed).max(period.since()),
            // On the day of a change both were in force.
            until: next.unwrap_or(period.until()),
        });
    }
    Ok(found)
}

/// Whether the dates of commits contradict their order: whoever commits sets them, so a change can be dated out of a period.
fn contradiction(versions: &[Version], period: Period) -> Option<String> {
    let mut latest: Option<&Version> = None;
    for version in versions {
        if let Some(before) = latest {
            let back = before.committed.as_second() - version.committed.as_second();
            let concerns_it =
                before.committed >= period.start() && version.committed < period.end();
            if back > SKEW_S && concerns_it {
                return Some(format!(
                    "the dates of the history contradict each other: commit {} of {} comes after {} of {}",
                    short(&version.commit),
                    version.committed,
                    short(&before.commit),
                    before.committed
                ));
            }
        }
        if latest.is_none_or(|before| before.committed <= version.committed) {
            latest = Some(version);
        }
    }
    None
}

fn short(commit: &str) -> &str {
    commit.get(..12).unwrap_or(commit)
}

fn rules_of(loaded: &Loaded, environment: &str) -> Option<String> {
    let environment = loaded.policy.environment(environment)?;
    Some(sha256(Rules::of(&loaded.policy, environment).to_bytes()))
}

fn compare(
    root: &Path,
    version: &Version,
    base: &Loaded,
    head: &Loaded,
    environment: &str,
) -> Result<PolicyChange, RevisionError> {
    // Judged for its own day, so that the report is the same on any other.
    let today = day_of(version.committed);
    let silences = direction::compare(&base.policy, &head.policy, environment, today);
    let hears = hearing::compare(&Ground {
        base: &base.policy,
        head: &head.policy,
        environment,
        called: environment,
        today,
    });
    let mut effects: Vec<String> = silences
        .exclusions
        .iter()
        .filter(|change| change.verdict != Verdict::Unchanged)
        .map(|change| {
            format!(
                "exclusion `{}` {}: {}",
                change.id,
                change.change.name(),
                change.why
            )
        })
        .collect();
    effects.extend(
        silences
            .accounts
            .iter()
            .filter(|change| change.verdict != Verdict::Unchanged)
            .map(|change| {
                format!(
                    "service account `{}` {}: {}",
                    change.role,
                    change.change.name(),
                    change.why
                )
            }),
    );
    effects.extend(hears.changes.iter().map(hearing::HearingChange::told));
    let authors = match &version.before {
        Some(before) => authors(root, before, &version.commit)?,
        None => Vec::new(),
    };
    Ok(PolicyChange {
        commit: version.commit.clone(),
        committed: version.committed,
        author: version.author.clone(),
        authors,
        subject: version.subject.clone(),
        approvals: version.approvals.clone(),
        direction: hearing::together(silences.overall, hears.direction),
        effects,
    })
}
