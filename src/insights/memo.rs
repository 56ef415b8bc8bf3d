//! Verdicts that were given before.
//!
//! The verdict of filters that read nothing but fields taken out of the message, or computed from its
//! time and stream, is a function of those fields' values. The whole values are the key, and they are compared in full: a collision of
//! hashes costs time, never a verdict.

use std::hash::{BuildHasher, Hasher};

use foldhash::fast::FixedState;

/// Keys longer than this are not worth keeping.
const MAX_KEY: usize = 16 << 10;
/// When so many keys are kept, all are dropped.
const MAX_ENTRIES: usize = 64 << 10;
/// When the keys take so many bytes, all are dropped.
const MAX_BYTES: usize = 32 << 20;

/// The number of the first filter that rejects, if one does.
pub(super) type Outcome = Option<usize>;

#[derive(Clone, Copy, Debug)]
struct Entry {
    hash: u64,
    start: usize,
    length: usize,
    outcome: Outcome,
}

/// A bounded map from field values to an outcome.
#[derive(Debug, Default)]
pub(super) struct Memo {
    /// Open addressing; a power of two, at most half full.
    table: Vec<Option<Entry>>,
    used: usize,
    keys: Vec<u8>,
    hasher: FixedState,
}

/// Where a key that was not found would stand.
#[derive(Clone, Copy, Debug)]
pub(super) struct Vacancy {
    hash: u64,
    index: usize,
}

impl Memo {
    /// Finds what was put under an equal key. An error is where to put it.
    pub(super) fn get(&self, key: &[u8]) -> Result<Outcome, Vacancy> {
        let hash = self.hash(key);
        let mask = self.table.len().wrapping_sub(1);
        let mut index = hash as usize & mask;
        loop {
            match self.table.get(index) {
                Some(Some(entry)) => {
                    let range = entry.start..entry.start + entry.length;
                    if entry.hash == hash && self.keys.get(range) == Some(key) {
                        return Ok(entry.outcome);
                    }
                    index = (index + 1) & mask;
                }
                _ => return Err(Vacancy { hash, index }),
            }
        }
    }

    /// Keeps an outcome under a key that [`Memo::get`] has just not found.
    pub(super) fn put(&mut self, vacancy: Vacancy, key: &[u8], outcome: Outcome) {
        if key.len() > MAX_KEY {
            return;
        }
        let mut index = vacancy.index;
        if self.used >= MAX_ENTRIES || self.keys.len() + key.len() > MAX_BYTES {
            self.table.fill(None);
            self.keys.clear();
            self.used = 0;
        } else if self.table.len() < (self.used + 1) * 2 {
            self.grow();
            index = self.vacant(vacancy.hash);
        }
        let entry = Entry {
            hash: vacancy.hash,
            start: self.keys.len(),
            length: key.len(),
            outcome,
        };
        if let Some(place) = self.table.get_mut(index) {
            *place = Some(entry);
            self.keys.extend_from_slice(key);
            self.used += 1;
        }
    }

    fn grow(&mut self) {
        let size = (self.table.len() * 2).max(1024);
        let old = std::mem::replace(&mut self.table, vec![None; size]);
        for entry in old.into_iter().flatten() {
            let index = self.vacant(entry.hash);
            if let Some(place) = self.table.get_mut(index) {
                *place = Some(entry);
            }
        }
    }

    fn vacant(&self, hash: u64) -> usize {
        let mask = self.table.len().wrapping_sub(1);
        let mut index = hash as usize & mask;
        while let Some(Some(_)) = self.table.get(index) {
            index = (index + 1) & mask;
        }
        index
    }

    fn hash(&self, key: &[u8]) -> u64 {
        let mut hasher = self.hasher.build_hasher();
        hasher.write(key);
        hasher.finish()
    }
}
