//! Which roles a service account stands for that others do not.

use crate::compile::pattern;
use crate::policy::model::RoleMatch;

use super::automaton::{Alphabet, Condition, Shortest, shortest};

/// Every value that the query can read into `pgUser`, but for the empty one, which is never an account.
const FIELD: &str = r"^[^:\[\]\n]+\z";

/// States that one search visits at most.
const STATES_MAX: usize = 20_000;

/// What lies between one account and others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Outside {
    /// Proven: each of its roles is one of the others'.
    Nobody,
    /// This role is not.
    Somebody(String),
    Unknown,
}

/// Finds a role that `account` stands for and none of `others` does.
pub(super) fn outside(account: &RoleMatch, others: &[&RoleMatch]) -> Outside {
    match account {
        RoleMatch::Name(name) if others.iter().any(|other| other.takes(name.as_bytes())) => {
            Outside::Nobody
        }
        RoleMatch::Name(name) => Outside::Somebody(name.clone()),
        RoleMatch::Pattern(_) if others.contains(&account) => Outside::Nobody,
        RoleMatch::Pattern(_) => {
            let all = [
                Condition::found(FIELD),
                Condition::found(expression(&[account])),
            ];
            let groups = if others.is_empty() {
                Vec::new()
            } else {
                vec![vec![Condition::found(expression(others))]]
            };
            for alphabet in [Alphabet::Readable, Alphabet::Bytes] {
                match shortest(&all, &groups, alphabet, STATES_MAX) {
                    Shortest::Text(role) => {
                        return String::from_utf8(role).map_or(Outside::Unknown, Outside::Somebody);
                    }
                    Shortest::TooLarge => return Outside::Unknown,
                    Shortest::None => {}
                }
            }
            Outside::Nobody
        }
    }
}

/// One expression for several accounts, as the query has it.
fn expression(accounts: &[&RoleMatch]) -> String {
    let parts: Vec<String> = accounts
        .iter()
        .map(|account| match account {
            RoleMatch::Name(name) => pattern::literal(name),
            RoleMatch::Pattern(pattern) => pattern.as_str().to_owned(),
        })
        .collect();
    format!("^(?:{})\\z", parts.join("|"))
}
