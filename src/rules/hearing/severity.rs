//! How much detections matter after a change. Routes choose receivers by it, so whoever lowers it can take a detection from the
//! people who look at once.

use super::guards::{covers, described};
use super::{Cost, Drafts, Hears};
use crate::policy::model::{Sensitivity, Severity};

/// A severity above the usual one counts as more, one below as less; an entry that another entry makes superfluous is neither.
pub(super) fn sensitivity(before: &[Sensitivity], after: &[Sensitivity], drafts: &mut Drafts) {
    let is_low = |entry: &Sensitivity| entry.severity < Severity::Medium;
    for (these, others, raised, verb) in [
        (before, after, Hears::Less, "no longer have"),
        (after, before, Hears::More, "have"),
    ] {
        for entry in these {
            if others.iter().any(|other| does_as_much(other, entry)) {
                continue;
            }
            let direction = match (is_low(entry), raised) {
                (false, raised) => raised,
                (true, Hears::Less) => Hears::More,
                (true, _) => Hears::Less,
            };
            let signals = entry.signals.as_ref().map(|signals| {
                let names: Vec<&str> = signals.iter().map(|signal| signal.name()).collect();
                format!(" that count for {}", names.join(" or "))
            });
            drafts.add(
                "sensitivity",
                direction,
                format!(
                    "records of {}{} {verb} the severity `{}`",
                    described(&entry.records),
                    signals.unwrap_or_default(),
                    entry.severity.name()
                ),
                vec![entry.records.owner.clone()],
                Cost::Unknown,
            );
        }
    }
}

/// Whether one entry does to the severity of records all that the other does.
fn does_as_much(wide: &Sensitivity, narrow: &Sensitivity) -> bool {
    // Taken apart, so that nothing new in an entry is forgotten here.
    let Sensitivity {
        severity,
        signals,
        records,
    } = wide;
    let is_as_far = if narrow.severity < Severity::Medium {
        *severity <= narrow.severity
    } else {
        *severity >= narrow.severity
    };
    let has_signals = match (signals, &narrow.signals) {
        (None, _) => true,
        (Some(_), None) => false,
        (Some(wide), Some(narrow)) => narrow.iter().all(|signal| wide.contains(signal)),
    };
    is_as_far && has_signals && covers(records, &narrow.records)
}
