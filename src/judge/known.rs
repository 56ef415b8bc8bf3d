//! What became of records that a thread has judged before.

use super::facts::Facts;
use super::memo::Memo;
use crate::audit_log::prefix::Prefix;
use crate::audit_log::record::Record;

/// The outcomes of records, under everything that decides them.
#[derive(Debug, Default)]
pub(super) struct Known<T> {
    outcomes: Memo<T>,
    key: Vec<u8>,
}

impl<T: Copy + Default> Known<T> {
    /// The outcome of a record, which is decided if it is not known.
    pub(super) fn outcome(
        &mut self,
        prefix: &Prefix<'_>,
        record: &Record<'_>,
        day: i32,
        decide: impl FnOnce() -> T,
    ) -> T {
        Facts::key(prefix, record, day, &mut self.key);
        match self.outcomes.get(&self.key) {
            Ok(outcome) => outcome,
            Err(vacancy) => {
                let outcome = decide();
                self.outcomes.put(vacancy, &self.key, outcome);
                outcome
            }
        }
    }
}
