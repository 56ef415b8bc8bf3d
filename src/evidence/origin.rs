//! Which commit brought an exclusion into its present form, and who approved that commit.

use std::collections::BTreeMap;
use std::path::Path;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use crate::policy::Loaded;
use crate::policy::model::Exclusion;
use crate::policy::revision::history::Version;
use crate::policy::revision::{RevisionError, load_commit};

/// Older versions that are read for exclusions that have not changed in the period.
const OLDER: usize = 200;

/// The commit that added or last changed an exclusion. Texts are those of whoever wrote the commit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Origin {
    /// The commit.
    pub commit: String,
    /// When it was committed, in UTC.
    #[schemars(with = "String")]
    pub committed: Timestamp,
    /// Who wrote it, or merged it.
    pub author: String,
    /// Who approved it, as its trailers `Reviewed-by`, `Approved-by` and `Acked-by` say. A forge knows more.
    pub approvals: Vec<String>,
}

/// Origins by the id of the exclusion.
pub(super) type Origins = BTreeMap<String, Origin>;

impl Origin {
    fn of(version: &Version) -> Self {
        Self {
            commit: version.commit.clone(),
            committed: version.committed,
            author: version.author.clone(),
            approvals: version.approvals.clone(),
        }
    }
}

/// The origins of what a policy excludes, from the versions up to its own, which is the last of them. What is older than
/// [`OLDER`] versions has none.
///
/// # Errors
/// If git cannot be asked.
pub(super) fn at_the_beginning(
    root: &Path,
    versions: &[Version],
    now: &Loaded,
    is_whole: bool,
) -> Result<Origins, RevisionError> {
    let mut origins = Origins::new();
    let mut sought: Vec<&Exclusion> = now.policy.exclusions.iter().collect();
    let Some((mut after, older)) = versions.split_last() else {
        return Ok(origins);
    };
    for version in older.iter().rev().take(OLDER) {
        if sought.is_empty() {
            break;
        }
        let before = load_commit(root, &version.commit)?;
        sought.retain(|exclusion| {
            let is_there = is_in(exclusion, &before);
            if !is_there {
                origins.insert(exclusion.id.clone(), Origin::of(after));
            }
            is_there
        });
        after = version;
    }
    if is_whole && older.len() <= OLDER {
        // The first of all commits has them.
        for exclusion in sought {
            origins.insert(exclusion.id.clone(), Origin::of(after));
        }
    }
    Ok(origins)
}

/// The origins after one more version.
pub(super) fn follow(origins: &mut Origins, before: &Loaded, after: &Loaded, version: &Version) {
    for exclusion in &after.policy.exclusions {
        if !is_in(exclusion, before) {
            origins.insert(exclusion.id.clone(), Origin::of(version));
        }
    }
}

/// Whether a policy has the exclusion in the same form: what it silences, where, how long and why.
fn is_in(exclusion: &Exclusion, loaded: &Loaded) -> bool {
    loaded.policy.exclusions.iter().any(|other| {
        other.id == exclusion.id
            && other.matcher == exclusion.matcher
            && other.last_day() == exclusion.last_day()
            && other.environments == exclusion.environments
            && other.reason == exclusion.reason
    })
}
