//! Records that an entry of the policy is about: what is protected, and what matters how much.

use super::{Severity, Signal};
use crate::source::Place;

/// Records that an entry is about, by fields that the server decides. All conditions that are present must hold; a list means
/// "any of".
#[derive(Debug, Clone)]
pub struct Records {
    pub user: Option<Vec<String>>,
    pub database: Option<Vec<String>>,
    /// Classes, as pgAudit prints them.
    pub class: Option<Vec<String>>,
    /// Commands, as pgAudit prints them.
    pub command: Option<Vec<String>>,
    /// Schemas of the object.
    pub schema: Option<Vec<String>>,
    /// Names of the object inside its schema.
    pub relation: Option<Vec<String>>,
    /// Why the entry is there.
    pub reason: String,
    /// Who answers for the entry.
    pub owner: String,
    /// The entry in the file.
    pub place: Place,
}

impl Records {
    /// Each condition with its key in the files; none where it is not given.
    pub fn conditions(&self) -> [(&'static str, Option<&[String]>); 6] {
        [
            ("user", self.user.as_deref()),
            ("database", self.database.as_deref()),
            ("class", self.class.as_deref()),
            ("command", self.command.as_deref()),
            ("schema", self.schema.as_deref()),
            ("relation", self.relation.as_deref()),
        ]
    }

    /// Whether it has any condition.
    pub fn has_condition(&self) -> bool {
        self.conditions().iter().any(|(_, values)| values.is_some())
    }

    /// The roles, where nothing else is a condition: the compiled query keeps whatever they do loud.
    pub fn whole_users(&self) -> Option<&[String]> {
        let others = [
            &self.database,
            &self.class,
            &self.command,
            &self.schema,
            &self.relation,
        ];
        match &self.user {
            Some(users) if others.iter().all(|other| other.is_none()) => Some(users),
            _ => None,
        }
    }
}

/// How much detections of some records matter.
#[derive(Debug, Clone)]
pub struct Sensitivity {
    pub severity: Severity,
    /// Signals that count the record; any of them.
    pub signals: Option<Vec<Signal>>,
    pub records: Records,
}
