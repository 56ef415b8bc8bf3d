//! What waits for the webhook: a queue that is never cut, and when to try again.
//!
//! Records leave it when the receiver has taken them. Beside them stand the places in the logs that are reached once
//! they have left: the cursor never passes a record that was not delivered.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use schemars::JsonSchema;
use serde::Serialize;
use sha2::{Digest, Sha256};

use super::format::Writer;
use crate::audit_log::follow::{Key, Place};
use crate::digest;

/// Version of what is posted. It grows when a receiver that reads the older one would be misled.
pub const FORMAT_VERSION: u32 = 1;

/// Who posts.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Source {
    /// The version of pgvigil.
    pub pgvigil: String,
    /// The environment.
    pub environment: String,
    /// Digest of the policy files.
    pub policy_digest: String,
    /// Digest of the rules that judge.
    pub rules_digest: String,
}

/// What is posted, for its schema. The records are JSON long before they are posted, so the body is put together as text.
#[derive(Serialize, JsonSchema)]
pub struct Body<'a> {
    /// Version of this form.
    format_version: u32,
    /// The same for the same records.
    batch: String,
    /// Who posts.
    source: Source,
    /// What counts, in the order of the log. Without statements, unless they were asked for.
    records: Vec<super::judge::Delivered<'a>>,
}

/// A record that waits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// The same for the same record, whatever happens.
    pub id: String,
    /// The object.
    pub json: String,
}

/// How the queue behaves.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Records that wait, at most; more are not read from the log.
    pub records: usize,
    /// Bytes that wait, at most.
    pub bytes: usize,
    /// Records of one request.
    pub batch_records: usize,
    /// Bytes of one request, as a rule: a record that is larger goes alone.
    pub batch_bytes: usize,
    /// The first wait after a failure; it doubles.
    pub retry_first: Duration,
    /// The longest wait.
    pub retry_most: Duration,
    /// The wait after an answer that more tries will hardly change.
    pub retry_refused: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            records: 10_000,
            bytes: 32 << 20,
            batch_records: 100,
            batch_bytes: 256 << 10,
            retry_first: Duration::from_secs(1),
            retry_most: Duration::from_secs(60),
            retry_refused: Duration::from_secs(300),
        }
    }
}

/// A request.
#[derive(Clone, Debug)]
pub struct Batch {
    /// The same for the same records: receivers that know idempotency keys take it once.
    pub id: String,
    /// The body.
    pub body: Arc<str>,
    /// Records in it.
    pub records: usize,
}

/// What came of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// The receiver has it.
    Taken,
    /// The receiver says that it will never take it: a status such as 400, 401 or 404.
    Refused {
        /// The status.
        status: u16,
    },
    /// Another try may help.
    Failed {
        /// What happened, without the address.
        what: String,
        /// How long the receiver wants to be left alone.
        retry_after: Option<Duration>,
    },
}

/// What to tell people of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Told {
    /// Nothing new.
    Nothing,
    /// It does not work, for a new reason.
    Broken(String),
    /// It works again.
    Works,
}

#[derive(Debug)]
enum Item {
    Record(Record),
    /// Everything before it has left: the file has been delivered up to here.
    Reached(Key, Place),
}

/// A file of which something waits.
#[derive(Debug)]
struct Waiting {
    /// What was delivered.
    reached: Place,
    /// What was read.
    last: Place,
    /// Places in the queue.
    places: usize,
}

/// Figures for the metrics.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sums {
    /// Requests.
    pub attempts: u64,
    /// Requests that the receiver answered with a status that more tries hardly change.
    pub refused: u64,
    /// Requests that failed otherwise.
    pub failed: u64,
    /// Records that the receiver has.
    pub delivered: u64,
}

/// The queue.
#[derive(Debug)]
pub struct Outbox {
    limits: Limits,
    source: serde_json::Value,
    writer: Writer,
    items: VecDeque<Item>,
    records: usize,
    bytes: usize,
    waiting: BTreeMap<Key, Waiting>,
    batch: Option<Batch>,
    is_under_way: bool,
    failures: u32,
    due: Option<Instant>,
    broken: Option<String>,
    sums: Sums,
}

impl Outbox {
    /// An empty queue. `source` says in each request where it comes from, and `writer` writes the requests.
    pub fn new(limits: Limits, source: serde_json::Value, writer: Writer) -> Self {
        Self {
            limits,
            source,
            writer,
            items: VecDeque::new(),
            records: 0,
            bytes: 0,
            waiting: BTreeMap::new(),
            batch: None,
            is_under_way: false,
            failures: 0,
            due: None,
            broken: None,
            sums: Sums::default(),
        }
    }

    /// Says from now on where requests come from.
    pub fn set_source(&mut self, source: serde_json::Value) {
        self.source = source;
    }

    /// How requests are written from now on.
    pub(super) fn writer(&mut self) -> &mut Writer {
        &mut self.writer
    }

    /// Adds the records of a chunk, and the place that is reached once they are delivered.
    pub fn push(&mut self, key: Key, before: &Place, after: &Place, records: Vec<Record>) {
        if records.is_empty() && !self.waiting.contains_key(&key) {
            return;
        }
        for record in records {
            self.records += 1;
            self.bytes += record.json.len();
            self.items.push_back(Item::Record(record));
        }
        self.items.push_back(Item::Reached(key, after.clone()));
        let waiting = self.waiting.entry(key).or_insert_with(|| Waiting {
            reached: before.clone(),
            last: after.clone(),
            places: 0,
        });
        waiting.last = after.clone();
        waiting.places += 1;
    }

    /// Whether nothing waits.
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// Whether it takes no more for now.
    pub fn is_full(&self) -> bool {
        self.records >= self.limits.records || self.bytes >= self.limits.bytes
    }

    /// Records and bytes that wait.
    pub fn size(&self) -> (usize, usize) {
        (self.records, self.bytes)
    }

    /// Figures.
    pub fn sums(&self) -> Sums {
        self.sums
    }

    /// Why it does not work, if it does not.
    pub fn broken(&self) -> Option<&str> {
        self.broken.as_deref()
    }

    /// What was delivered of a file, if something of it waits.
    pub(super) fn reached(&self, key: Key) -> Option<&Place> {
        self.waiting.get(&key).map(|waiting| &waiting.reached)
    }

    /// The files of which something waits: what was delivered, and what was read.
    pub(super) fn waiting(&self) -> impl Iterator<Item = (Key, &Place, &Place)> {
        self.waiting
            .iter()
            .map(|(key, waiting)| (*key, &waiting.reached, &waiting.last))
    }

    /// The request that is to be sent now. The same again until [`Outbox::answered`].
    pub fn due(&mut self, now: Instant) -> Option<Batch> {
        if self.is_under_way || self.due.is_some_and(|due| now < due) {
            return None;
        }
        if self.batch.is_none() {
            self.batch = self.make();
        }
        let batch = self.batch.clone()?;
        self.is_under_way = true;
        self.sums.attempts += 1;
        Some(batch)
    }

    fn make(&self) -> Option<Batch> {
        let mut records: Vec<&Record> = Vec::new();
        let mut bytes = 0;
        for item in &self.items {
            let Item::Record(record) = item else { continue };
            bytes += record.json.len();
            let is_enough = records.len() >= self.limits.batch_records
                || (!records.is_empty() && bytes > self.limits.batch_bytes);
            if is_enough {
                break;
            }
            records.push(record);
        }
        records.truncate(self.writer.takes(&records));
        if records.is_empty() {
            return None;
        }
        let mut hash = Sha256::new();
        for record in &records {
            hash.update(record.id.as_bytes());
        }
        let id = digest::short(&hash.finalize(), 16);
        Some(Batch {
            body: self.writer.body(&id, &self.source, &records).into(),
            records: records.len(),
            id,
        })
    }

    /// Notes what came of a request. `random` spreads the tries of many watchers.
    pub fn answered(&mut self, now: Instant, answer: Answer, random: u64) -> Told {
        self.is_under_way = false;
        let (what, wait) = match answer {
            Answer::Taken => {
                self.taken();
                self.failures = 0;
                self.due = None;
                return match self.broken.take() {
                    Some(_) => Told::Works,
                    None => Told::Nothing,
                };
            }
            Answer::Refused { status } => {
                self.sums.refused += 1;
                (
                    format!("it answers with status {status}, which a retry hardly changes"),
                    self.limits.retry_refused,
                )
            }
            Answer::Failed { what, retry_after } => {
                self.sums.failed += 1;
                let factor = 1_u32.checked_shl(self.failures.min(16)).unwrap_or(u32::MAX);
                let wait = self.limits.retry_first.saturating_mul(factor);
                let wait = wait.min(self.limits.retry_most);
                let asked = retry_after.unwrap_or_default();
                (what, wait.max(asked.min(self.limits.retry_refused)))
            }
        };
        self.failures = self.failures.saturating_add(1);
        // Between the whole wait and half as much again.
        let spread = u32::try_from(random % 512).unwrap_or(0);
        self.due = Some(now + wait + wait * spread / 1024);
        if self.broken.as_deref() == Some(what.as_str()) {
            return Told::Nothing;
        }
        self.broken = Some(what.clone());
        Told::Broken(what)
    }

    /// Tries at once, for the last time.
    pub fn hurry(&mut self) {
        self.due = None;
    }

    /// How many tries in a row have failed.
    pub fn failures(&self) -> u32 {
        self.failures
    }

    fn taken(&mut self) {
        let mut left = self.batch.take().map_or(0, |batch| batch.records);
        while let Some(item) = self.items.front() {
            match item {
                Item::Record(_) if left == 0 => break,
                Item::Record(record) => {
                    left -= 1;
                    self.records -= 1;
                    self.bytes -= record.json.len();
                    self.sums.delivered += 1;
                }
                Item::Reached(key, place) => {
                    if let Some(waiting) = self.waiting.get_mut(key) {
                        waiting.places -= 1;
                        if waiting.places == 0 {
                            self.waiting.remove(key);
                        } else {
                            waiting.reached = place.clone();
                        }
                    }
                }
            }
            self.items.pop_front();
        }
    }
}

#[cfg(test)]
#[path = "outbox_tests.rs"]
mod tests;
