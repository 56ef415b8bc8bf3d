//! Whether a note was written by the person whom it is about. No one closes a matter about their own work.
//!
//! The author of a note is a text that its writer chose, and people are written in many ways: an address, a name, an account
//! of a forge, an ARN. So what is compared is loose: a mark too many is cheaper than one too few.

use std::collections::{BTreeMap, BTreeSet};

use super::group::{Key, Sum, UNKNOWN};
use super::history::InForce;
use crate::policy::model::Note;

/// The names of the person behind each role, as the policies of the period have them.
#[derive(Debug, Default)]
pub(super) struct Persons(BTreeMap<String, BTreeSet<String>>);

impl Persons {
    pub(super) fn of(in_force: &[InForce]) -> Self {
        let mut persons: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for user in in_force.iter().flat_map(|of| &of.loaded.policy.users) {
            let names = persons.entry(user.role.clone()).or_default();
            for text in user.git.iter().chain(&user.identity) {
                names.extend(names_in(text));
            }
        }
        Self(persons)
    }

    /// Whether the author of a note is the person who did what it is about.
    pub(super) fn wrote(&self, note: &Note, key: &Key, sum: &Sum) -> bool {
        let declared = self.0.get(&key.user);
        let own: BTreeSet<String> = Some(&key.user)
            .filter(|user| *user != UNKNOWN)
            .into_iter()
            .chain(&sum.identity)
            // Of a role that several people use, the session says who it is.
            .chain(&sum.session_names)
            .flat_map(|text| names_in(text))
            .collect();
        names_in(&note.author).iter().any(|name| {
            own.contains(name) || declared.is_some_and(|declared| declared.contains(name))
        })
    }
}

/// What a person is called in a text: `Alice Smith <alice@example.com>`, `alice.smith+audit@example.com`, `@alice`,
/// `arn:aws:iam::123456789012:user/alice`. In small letters and digits alone, since the rest differs from place to place.
fn names_in(text: &str) -> Vec<String> {
    let text = text.to_lowercase();
    let (name, address) = match text.split_once('<') {
        Some((name, rest)) => (name, rest.split('>').next().unwrap_or_default()),
        None => (text.as_str(), ""),
    };
    let mut names = Vec::new();
    for part in [name, address] {
        let part = part.trim().trim_start_matches('@');
        // The end of an ARN is the name.
        let last = part.rsplit(['/', ':']).next().unwrap_or_default();
        let mailbox = last.split(['@', '+']).next().unwrap_or_default();
        for name in [last, mailbox] {
            let name: String = name.chars().filter(|one| one.is_alphanumeric()).collect();
            if !name.is_empty() {
                names.push(name);
            }
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_same(left: &str, right: &str) -> bool {
        let right = names_in(right);
        names_in(left).iter().any(|name| right.contains(name))
    }

    #[test]
    fn a_person_is_found_in_every_way_to_write_them() {
        for text in [
            "alice.smith@example.com",
            "Alice.Smith@Example.com",
            "Alice Smith",
            "Alice Smith <a.smith-2@example.org>",
            "Someone <alice.smith@example.org>",
            "@alice-smith",
            "alice.smith+audit@example.com",
            "alice_smith",
            "arn:aws:iam::123456789012:user/alice.smith",
            "arn:aws:sts::123456789012:assumed-role/AWSReservedSSO_Dba_0123/alice.smith@example.com",
        ] {
            assert!(is_same(text, "alice.smith@example.com"), "{text}");
            assert!(is_same("alice_smith", text), "{text}");
        }
        for text in [
            "bob@example.com",
            "alice",
            "smith@example.com",
            "",
            "@",
            "-",
            "<>",
        ] {
            assert!(!is_same(text, "alice.smith@example.com"), "{text}");
        }
        assert!(!is_same("-", "-"));
    }
}
