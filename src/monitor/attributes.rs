//! What a message says of itself, for the filters of subscriptions.
//!
//! An attribute has the values of all groups of the message. Where one is not known or does not fit, it says so in the
//! word that every filter takes ([`ANY`]): silence would be the worse fault.

use std::collections::BTreeSet;

use super::row::{Key, NOBODY, OTHERS};
use crate::compile::resources::filter::{OWNER, SEVERITY, SIGNAL, TEAM};
use crate::judge::Judge;
use crate::policy::model::{ANY, Severity, Signal};

/// Bytes of all teams, and of all owners: SNS counts attributes with the text, which has 256 KB in all.
const BYTES_MAX: usize = 20_000;

/// The attributes of a message about groups. Those of which it has no value it leaves out. An incomplete message may be about
/// anybody and anything, and has every value.
pub(super) fn of<'a>(
    judge: &Judge,
    groups: impl Iterator<Item = &'a Key> + Clone,
    is_incomplete: bool,
) -> Vec<(&'static str, Vec<String>)> {
    let mut severities = BTreeSet::new();
    let mut signals = BTreeSet::new();
    let mut teams = BTreeSet::new();
    let mut owners = BTreeSet::new();
    if is_incomplete {
        severities.extend(Severity::ALL.map(Severity::name));
        signals.extend(Signal::ALL.map(Signal::name));
        teams.insert(ANY);
        owners.insert(ANY);
    }
    for key in groups {
        severities.insert(key.graded.severity.name());
        signals.extend(key.signals.iter().map(|signal| signal.name()));
        if key.user == NOBODY || key.user == OTHERS {
            // Whoever it was may be of any team.
            teams.insert(ANY);
            owners.insert(ANY);
        } else if let Some(person) = judge.person(key.user.as_bytes()) {
            teams.extend(person.team.as_deref());
            owners.insert(&person.owner);
        }
    }
    [
        (SEVERITY, severities),
        (SIGNAL, signals),
        (TEAM, teams),
        (OWNER, owners),
    ]
    .into_iter()
    .filter(|(_, values)| !values.is_empty())
    .map(|(name, values)| (name, fitting(&values)))
    .collect()
}

/// The values, as far as they fit, and that there are more.
fn fitting(values: &BTreeSet<&str>) -> Vec<String> {
    let mut left = BYTES_MAX;
    let mut all: Vec<String> = values
        .iter()
        .take_while(|value| {
            let room = left.checked_sub(text(value).len() + 1);
            left = room.unwrap_or_default();
            room.is_some()
        })
        .map(|value| (*value).to_owned())
        .collect();
    if all.len() < values.len() && !all.iter().any(|value| value == ANY) {
        all.push(ANY.to_owned());
    }
    all
}

/// Values as SNS takes them in a `String.Array`: a JSON list. What is no printable ASCII is escaped: SNS refuses a message
/// with a character that XML has not, and a refused message reaches nobody.
pub fn array(values: &[String]) -> String {
    let values: Vec<String> = values.iter().map(|value| text(value)).collect();
    format!("[{}]", values.join(","))
}

fn text(value: &str) -> String {
    let mut text = String::with_capacity(value.len() + 2);
    text.push('"');
    for unit in value.encode_utf16() {
        match u8::try_from(unit) {
            Ok(byte @ (b'"' | b'\\')) => text.extend(['\\', char::from(byte)]),
            Ok(byte @ b' '..=b'~') => text.push(char::from(byte)),
            _ => text.push_str(&format!("\\u{unit:04x}")),
        }
    }
    text.push('"');
    text
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_incomplete_message_has_every_value() {
        let judge = Judge::new(&crate::judge::Rules::new(
            crate::audit_log::prefix::LogLinePrefix::Short,
        ));
        assert!(of(&judge, std::iter::empty(), false).is_empty());
        let all = of(&judge, std::iter::empty(), true);
        let values: Vec<usize> = all.iter().map(|(_, values)| values.len()).collect();
        assert_eq!(values, [Severity::ALL.len(), Signal::ALL.len(), 1, 1]);
        assert_eq!(all[2].1, [ANY]);
    }

    proptest! {
        #[test]
        fn a_list_reads_back_and_is_printable(values in prop::collection::vec(any::<String>(), 0..5)) {
            let text = array(&values);
            prop_assert!(text.bytes().all(|byte| (b' '..=b'~').contains(&byte)));
            prop_assert_eq!(serde_json::from_str::<Vec<String>>(&text).unwrap(), values);
        }

        #[test]
        fn what_does_not_fit_is_said(values in prop::collection::btree_set("[a-zé]{0,400}", 0..120)) {
            let all: BTreeSet<&str> = values.iter().map(String::as_str).collect();
            let fitting = fitting(&all);
            prop_assert!(array(&fitting).len() <= BYTES_MAX + 16);
            let missing = all.iter().any(|value| !fitting.iter().any(|one| one == value));
            prop_assert_eq!(missing, fitting.iter().any(|one| one == ANY));
        }
    }
}
