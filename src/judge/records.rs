//! Records that an entry of the policy is about, as the rules have them.

use serde::{Deserialize, Serialize};

use crate::policy::model::Records;

/// The conditions of an entry. All that are present must hold; a list means "any of".
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RuleRecords {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub database: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub class: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub command: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub schema: Option<Vec<String>>,
    /// Names inside the schema.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub relation: Option<Vec<String>>,
}

/// What the conditions look at. What an entry does not have is empty.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Seen<'a> {
    pub(super) user: &'a [u8],
    pub(super) database: &'a [u8],
    pub(super) class: &'a [u8],
    pub(super) command: &'a [u8],
    /// Schema and name of the object.
    pub(super) object: Option<(&'a [u8], &'a [u8])>,
}

impl RuleRecords {
    /// The conditions of an entry of the policy.
    pub fn of(entry: &Records) -> Self {
        let Records {
            user,
            database,
            class,
            command,
            schema,
            relation,
            reason: _,
            owner: _,
            place: _,
        } = entry.clone();
        Self {
            user,
            database,
            class,
            command,
            schema,
            relation,
        }
    }

    pub(super) fn holds(&self, seen: &Seen<'_>) -> bool {
        let meets = |values: &Option<Vec<String>>, value: &[u8]| {
            values
                .as_ref()
                .is_none_or(|values| values.iter().any(|one| one.as_bytes() == value))
        };
        let meets_object = match seen.object {
            Some((schema, relation)) => {
                meets(&self.schema, schema) && meets(&self.relation, relation)
            }
            None => self.schema.is_none() && self.relation.is_none(),
        };
        meets(&self.user, seen.user)
            && meets(&self.database, seen.database)
            && meets(&self.class, seen.class)
            && meets(&self.command, seen.command)
            && meets_object
    }
}
