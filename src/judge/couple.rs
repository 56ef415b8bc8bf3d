//! Two judges of the same entries: a policy before and after a change.

use super::judging::{Judge, Outcome, Read, Scratch, day_of_ms};
use super::known::Known;
use crate::audit_log::EntryKind;

/// The judges. Both read entries with the same prefix.
#[derive(Debug)]
pub(crate) struct Couple {
    pub(crate) base: Judge,
    pub(crate) head: Judge,
}

/// What a thread keeps between entries.
#[derive(Debug, Default)]
pub(crate) struct CoupleScratch {
    pub(crate) base: Scratch,
    pub(crate) head: Scratch,
    known: Known<(Outcome, Outcome)>,
}

impl Couple {
    /// The verdicts of both on an entry that was read.
    pub(crate) fn outcomes(
        &self,
        scratch: &mut CoupleScratch,
        text: &[u8],
        entry: &EntryKind<'_>,
        time_ms: i64,
    ) -> (Outcome, Outcome) {
        let CoupleScratch { base, head, known } = scratch;
        let is_new = [base.serve(&self.base), head.serve(&self.head)];
        if is_new.contains(&true) {
            *known = Known::default();
        }
        let day = day_of_ms(time_ms);
        let mut decide = || {
            (
                self.base.outcome_on(base, text, entry, day),
                self.head.outcome_on(head, text, entry, day),
            )
        };
        // Whether an entry is one record does not depend on the rules.
        match self.head.read(text, entry) {
            Read::Record(prefix, record) => known.outcome(prefix, record, day, decide),
            _ => decide(),
        }
    }
}
