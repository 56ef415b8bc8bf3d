//! Who a role belongs to, as the policy says. It decides no verdict.

use foldhash::HashMap;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::policy::model::User;

/// A person whom the policy names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Person {
    pub role: String,
    /// Who answers for the entry.
    pub owner: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub team: Option<String>,
    /// Last day of the enrolment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Date>,
    /// The name in single sign-on, or the ARN in IAM.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identity: Option<String>,
    /// Several people use the role.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_shared: bool,
}

impl Person {
    /// What outputs say of a person.
    pub fn of(user: &User) -> Self {
        Self {
            role: user.role.clone(),
            owner: user.owner.clone(),
            team: user.team.clone(),
            until: user.until,
            identity: user.identity.clone(),
            is_shared: user.is_shared,
        }
    }
}

impl Person {
    /// `alice@example.com, team payments, owner data-platform`.
    pub fn described(&self) -> String {
        let mut parts = Vec::new();
        parts.extend(self.identity.clone());
        parts.extend(self.team.as_ref().map(|team| format!("team {team}")));
        parts.push(format!("owner {}", self.owner));
        parts.extend(self.until.map(|until| format!("enrolled until {until}")));
        if self.is_shared {
            parts.push("a shared role".to_owned());
        }
        parts.join(", ")
    }
}

/// People by role. The first entry of a role is its person.
#[derive(Debug, Default)]
pub(super) struct People(HashMap<Box<[u8]>, Person>);

impl People {
    pub(super) fn of(people: &[Person]) -> Self {
        let mut by_role = HashMap::default();
        for person in people {
            by_role
                .entry(person.role.as_bytes().into())
                .or_insert_with(|| person.clone());
        }
        Self(by_role)
    }

    pub(super) fn get(&self, role: &[u8]) -> Option<&Person> {
        self.0.get(role)
    }
}
