//! A table of earlier verdicts.
//!
//! Logs repeat themselves: programs send the same statements all day. The key contains everything that a verdict
//! depends on, and is compared byte by byte: a collision of hashes costs time, but never changes a verdict. Each
//! thread has a random hash function, so that users cannot write statements that collide.

use std::hash::{BuildHasher, Hasher};

use foldhash::fast::RandomState;

/// Keys longer than this are not worth keeping. Tools send statements of 30 kB.
const MAX_KEY: usize = 64 << 10;
/// When so many keys are kept, all are dropped.
const MAX_ENTRIES: usize = 64 << 10;
/// When the keys take so many bytes, all are dropped. Each thread has its own.
const MAX_BYTES: usize = 8 << 20;

/// A place of the table. Small, so that the table stays near the processor.
#[derive(Clone, Copy, Debug, Default)]
struct Place<T> {
    /// The upper half of the key's hash.
    hash: u32,
    /// Where the key begins.
    start: u32,
    /// One more than the length of the key; 0 in a place that is free.
    length: u32,
    outcome: T,
}

/// A bounded map from field values to an outcome.
#[derive(Debug, Default)]
pub(crate) struct Memo<T> {
    /// Open addressing; a power of two, at most half full.
    table: Vec<Place<T>>,
    used: usize,
    keys: Vec<u8>,
    hasher: RandomState,
}

/// The free place for a key that was not found.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Vacancy {
    hash: u64,
    index: usize,
}

impl<T: Copy + Default> Memo<T> {
    /// Finds what was put under an equal key. An error is where to put it.
    pub(crate) fn get(&self, key: &[u8]) -> Result<T, Vacancy> {
        let hash = self.hash(key);
        let mask = self.table.len().wrapping_sub(1);
        let mut index = hash as usize & mask;
        loop {
            match self.table.get(index) {
                Some(place) if place.length != 0 => {
                    if place.hash == upper(hash) && self.key(place) == Some(key) {
                        return Ok(place.outcome);
                    }
                    index = (index + 1) & mask;
                }
                _ => return Err(Vacancy { hash, index }),
            }
        }
    }

    /// None for a place that is free.
    fn key(&self, place: &Place<T>) -> Option<&[u8]> {
        let start = place.start as usize;
        let length = (place.length as usize).checked_sub(1)?;
        self.keys.get(start..start + length)
    }

    /// Keeps an outcome under a key that [`Memo::get`] has just not found.
    pub(crate) fn put(&mut self, vacancy: Vacancy, key: &[u8], outcome: T) {
        if key.len() > MAX_KEY {
            return;
        }
        let mut index = vacancy.index;
        if self.used >= MAX_ENTRIES || self.keys.len() + key.len() > MAX_BYTES {
            self.table.fill(Place::default());
            self.keys.clear();
            self.used = 0;
        } else if self.table.len() < (self.used + 1) * 2 {
            self.grow();
            index = self.vacant(vacancy.hash);
        }
        let (Ok(start), Ok(length)) =
            (u32::try_from(self.keys.len()), u32::try_from(key.len() + 1))
        else {
            return;
        };
        if let Some(place) = self.table.get_mut(index) {
            *place = Place {
                hash: upper(vacancy.hash),
                start,
                length,
                outcome,
            };
            self.keys.extend_from_slice(key);
            self.used += 1;
        }
    }

    fn grow(&mut self) {
        let size = (self.table.len() * 2).max(1024);
        let old = std::mem::replace(&mut self.table, vec![Place::default(); size]);
        for place in old {
            if let Some(key) = self.key(&place) {
                let index = self.vacant(self.hash(key));
                if let Some(free) = self.table.get_mut(index) {
                    *free = place;
                }
            }
        }
    }

    fn vacant(&self, hash: u64) -> usize {
        let mask = self.table.len().wrapping_sub(1);
        let mut index = hash as usize & mask;
        while self.table.get(index).is_some_and(|place| place.length != 0) {
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

fn upper(hash: u64) -> u32 {
    (hash >> 32) as u32
}
