//! Taking away what a proof made, and what a killed one left behind.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use super::TAG;
use super::port::{Group, OwnLogs};
use crate::deploy::permission::proof_log_groups;
use crate::deploy::port::CloudError;
use crate::policy::model::Environment;

/// A log group of a proof that is older was left behind by a run that was killed: none takes longer.
const LEFT_BEHIND_AFTER: SignedDuration = SignedDuration::from_hours(3);

/// The log groups of one run.
#[derive(Debug, Clone)]
pub(super) struct OwnGroups {
    /// With the entries of recordings.
    pub(super) entries: String,
    /// With those of the probes.
    pub(super) probes: String,
    pub(super) tags: BTreeMap<String, String>,
}

impl OwnGroups {
    pub(super) fn new(environment: &Environment, token: &str) -> Self {
        let base = proof_log_groups(&environment.name);
        Self {
            entries: format!("{base}{token}/entries"),
            probes: format!("{base}{token}/probes"),
            tags: BTreeMap::from([
                (TAG.to_owned(), token.to_owned()),
                ("pgvigil:environment".to_owned(), environment.name.clone()),
            ]),
        }
    }

    pub(super) fn names(&self) -> [&str; 2] {
        [&self.entries, &self.probes]
    }

    /// Deletes them, whether they were made or not, and looks whether they are gone.
    pub(super) fn remove(
        &self,
        own: &dyn OwnLogs,
        environment: &Environment,
    ) -> Result<(), CloudError> {
        // Both are tried, whatever the first says.
        let deleted = self.names().map(|name| own.delete(name));
        let left = own.groups(&proof_log_groups(&environment.name))?;
        match left
            .iter()
            .find(|group| self.names().contains(&group.name.as_str()))
        {
            None => Ok(()),
            Some(group) => {
                for result in deleted {
                    result?;
                }
                Err(CloudError::Unavailable {
                    operation: "delete",
                    resource: group.name.clone(),
                    message: "it is still there".to_owned(),
                })
            }
        }
    }
}

/// Deletes log groups of an environment's former proofs, and returns their names: with `all` every one, else those that no
/// run can be at work on any more. A group that lacks the tag is somebody else's, and stays.
///
/// # Errors
/// They cannot be listed, or one cannot be deleted.
pub fn clean(
    own: &dyn OwnLogs,
    environment: &Environment,
    now: Timestamp,
    all: bool,
) -> Result<Vec<String>, CloudError> {
    let is_old = |group: &Group| {
        let made = group
            .created_ms
            .and_then(|created| Timestamp::from_millisecond(created).ok());
        made.is_none_or(|made| now.duration_since(made) > LEFT_BEHIND_AFTER)
    };
    let groups = own.groups(&proof_log_groups(&environment.name))?;
    let mut deleted = Vec::new();
    for group in groups {
        if group.tags.contains_key(TAG) && (all || is_old(&group)) {
            own.delete(&group.name)?;
            deleted.push(group.name);
        }
    }
    Ok(deleted)
}
