//! Reasons that say nothing.

use super::{Check, Context};
use crate::diagnostic::{Code, Diagnostic, Diagnostics, quote};

/// See [`Code::ExclusionReason`].
#[derive(Debug)]
pub struct Reasons;

const SHORTEST: usize = 15;
const BOILERPLATE: &[&str] = &[
    "noise",
    "noisy",
    "fp",
    "false positive",
    "false positives",
    "tbd",
    "todo",
    "tba",
    "n/a",
    "na",
    "none",
    "test",
    "testing",
    "temporary",
    "temp",
    "tmp",
    "as discussed",
    "see ticket",
    "not needed",
    "ignore",
    "ignored",
    "harmless",
    "known issue",
    "known noise",
    "by request",
    "requested",
    "required",
];

impl Check for Reasons {
    fn run(&self, context: &Context<'_>, sink: &mut Diagnostics) {
        let exclusions = context
            .policy
            .exclusions
            .iter()
            .map(|exclusion| (&exclusion.reason, &exclusion.places));
        let accounts = context
            .policy
            .service_accounts
            .iter()
            .map(|account| (&account.reason, &account.places));
        for (reason, places) in exclusions.chain(accounts) {
            if is_weak(reason) {
                sink.push(
                    Diagnostic::new(
                        Code::ExclusionReason,
                        format!(
                            "the reason {} does not explain why the records are harmless",
                            quote(reason.trim())
                        ),
                    )
                    .at(places.value("reason"))
                    .help("state what produces these records and why no one needs to see them"),
                );
            }
        }
    }
}

/// Whether a text is too short to explain anything, or only a phrase that fits everywhere.
pub(super) fn is_weak(text: &str) -> bool {
    let words = text.trim().trim_end_matches(['.', '!']).to_lowercase();
    BOILERPLATE.contains(&words.as_str()) || words.chars().count() < SHORTEST
}
