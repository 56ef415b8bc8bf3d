//! Accounts that are deliberately not audited.

use foldhash::{HashMap, HashSet};

use crate::policy::Pattern;
use crate::policy::model::RoleMatch;

/// Roles whose answer a thread remembers: a log has few, but a stranger can make up many.
const REMEMBERED_MAX: usize = 1 << 14;

/// All accounts of an environment: names in a set, patterns in a list.
#[derive(Debug, Default)]
pub(super) struct Accounts {
    names: HashSet<Box<[u8]>>,
    patterns: Vec<Pattern>,
}

/// What a thread knows of the roles that patterns were asked about.
#[derive(Debug, Default)]
pub(super) struct Remembered(HashMap<Box<[u8]>, bool>);

impl Accounts {
    pub(super) fn of(accounts: &[RoleMatch]) -> Self {
        let mut all = Self::default();
        for account in accounts {
            match account {
                RoleMatch::Name(name) => {
                    all.names.insert(name.as_bytes().into());
                }
                RoleMatch::Pattern(pattern) => all.patterns.push(pattern.clone()),
            }
        }
        all
    }

    /// Whether a role is one of them. The empty name never is.
    pub(super) fn has(&self, remembered: &mut Remembered, role: &[u8]) -> bool {
        if role.is_empty() {
            return false;
        }
        if self.names.contains(role) {
            return true;
        }
        if self.patterns.is_empty() {
            return false;
        }
        if let Some(known) = remembered.0.get(role) {
            return *known;
        }
        let is_one = self
            .patterns
            .iter()
            .any(|pattern| pattern.is_whole_name(role));
        if remembered.0.len() >= REMEMBERED_MAX {
            remembered.0.clear();
        }
        remembered.0.insert(role.into(), is_one);
        is_one
    }
}
