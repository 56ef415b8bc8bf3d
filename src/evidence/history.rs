//! Which policy was in force when, and what changed it: from the history in Git.

use std::path::Path;

use jiff::Timestamp;
use jiff::civil::Date;
use schemars::JsonSchema;
use serde::Serialize;

use super::period::{Period, day_of};
use crate::compile::digest;
use crate::judge::Rules;
use crate::policy::revision::history::{Version, history, is_shallow};
use crate::policy::revision::{RevisionError, authors, load_commit};
use crate::policy::{Loaded, load_from};
use crate::rules::direction::{self, Verdict};
use crate::rules::hearing::{self, Ground};

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
    /// What is not known, a sentence each.
    pub unknown: Vec<String>,
}

/// Reads the history of a folder. `now` has the files as they are, which stand for the whole period if there is no history.
pub fn read(root: &Path, now: &Loaded, environment: &str, period: Period) -> History {
    match of_git(root, environment, period) {
        Ok(history) if !history.in_force.is_empty() => history,
        Ok(mut history) => {
            history.unknown.push(
                "Git has no commit of policy files up to the end of the period: the files as they are now stand for it"
                    .to_owned(),
            );
            history.in_force.push(as_they_are(now, environment, period));
            history
        }
        Err(error) => History {
            in_force: vec![as_they_are(now, environment, period)],
            changes: Vec::new(),
            unknown: vec![format!(
                "the history of the policy cannot be read ({error}): the files as they are now stand for the whole period"
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
    if is_shallow(root)? {
        found.unknown.push(
            "this clone has only a part of the history: fetch the rest with `git fetch --unshallow`"
                .to_owned(),
        );
    }
    let versions: Vec<Version> = history(root, "HEAD")?
        .into_iter()
        .filter(|version| version.committed < period.end())
        .collect();
    let first = versions.partition_point(|version| version.committed < period.start());
    // The one that was in force when the period began.
    let begins = first.saturating_sub(1);
    if first == 0
        && let Some(oldest) = versions.first()
    {
        found.unknown.push(format!(
            "the history begins on {}: which policy was in force before is not known",
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

fn rules_of(loaded: &Loaded, environment: &str) -> Option<String> {
    let environment = loaded.policy.environment(environment)?;
    Some(digest(Rules::of(&loaded.policy, environment).to_bytes()))
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
