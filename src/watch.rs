//! The policy on a server of one's own: follows its logs, judges each record with the compiled text as `rules eval`
//! does, and delivers what counts.
//!
//! One chunk of a log at a time goes through [`Watch::pump`]: judged on every core, written to the output, queued for
//! the webhook, counted for the metrics. Only then is it settled, and only what is settled comes into the [`cursor`].
//! When the output cannot be written, or the queue is full, nothing more is read: nothing is dropped.
//!
//! Nothing here prints or reads the clock: the binary says what time it is, and sleeps.

pub mod cursor;
pub mod format;
pub mod judge;
pub mod metrics;
pub mod outbox;
pub mod output;
#[cfg(feature = "http")]
pub mod post;
pub mod secret;
pub mod serve;
pub mod stamp;

use std::collections::BTreeSet;
use std::io;
use std::path::PathBuf;
use std::time::{Instant, SystemTime};

use crate::audit_log::follow::{Follower, Key, Place};
use crate::audit_log::prefix::LogLinePrefix;
use crate::judge::Judge;
use crate::policy::model::Severity;

use cursor::Document;
use judge::{Judging, Scratches, judge};
use metrics::Metrics;
use outbox::Outbox;
use output::Output;

#[derive(Clone, Copy, Debug, Default)]
pub struct What {
    /// Records that do not count are written too.
    pub all: bool,
    /// The webhook gets the statements: SQL text may hold what people must not see.
    pub with_statements: bool,
    /// The webhook gets no record that matters less.
    pub min_severity: Severity,
}

/// What came of one step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pumped {
    /// There may be more at once.
    More,
    /// Everything that was written is dealt with.
    Idle,
    /// The queue of the webhook is full: nothing is read until it takes something.
    Full,
}

/// Something that a log has and this environment's query does not read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PrefixNotice {
    pub path: PathBuf,
    /// The prefix that its entries have, if it is one of those that are read.
    pub found: Option<LogLinePrefix>,
}

#[derive(Debug)]
pub struct Watch {
    follower: Follower,
    judge: Judge,
    scratches: Scratches,
    what: What,
    output: Output,
    outbox: Option<Outbox>,
    metrics: Metrics,
    /// Lines that the output has not taken yet.
    pending: Vec<u8>,
    /// Whether the last chunk is judged and not settled.
    is_judged: bool,
    /// Files whose prefix was looked at.
    examined: BTreeSet<Key>,
    /// Files whose entries have another prefix than the query expects.
    unlike: Vec<(Key, PrefixNotice)>,
    told_unlike: BTreeSet<Key>,
}

impl Watch {
    /// Puts the parts together.
    pub fn new(
        follower: Follower,
        judge: Judge,
        what: What,
        output: Output,
        outbox: Option<Outbox>,
    ) -> Self {
        Self {
            follower,
            judge,
            scratches: Scratches::default(),
            what,
            output,
            outbox,
            metrics: Metrics::default(),
            pending: Vec::new(),
            is_judged: false,
            examined: BTreeSet::new(),
            unlike: Vec::new(),
            told_unlike: BTreeSet::new(),
        }
    }

    /// Looks for files; to be called about once a second.
    pub fn look(&mut self, now: Instant, wall: SystemTime) {
        // Looking may drop the chunk that is being dealt with.
        if !self.is_judged {
            self.follower.look(now, wall);
        }
    }

    /// Deals with the next entries.
    ///
    /// # Errors
    /// If the output cannot be written. What was not written is kept, and tried again by the next call.
    pub fn pump(&mut self, now: Instant, wall: SystemTime) -> io::Result<Pumped> {
        if self.is_judged {
            self.flush(wall)?;
        }
        if self.outbox.as_ref().is_some_and(Outbox::is_full) {
            return Ok(Pumped::Full);
        }
        let Some(chunk) = self.follower.next(now) else {
            return Ok(Pumped::Idle);
        };
        if let Some(outbox) = &mut self.outbox {
            outbox.writer().has_grants = self.judge.has_grants();
        }
        let judging = Judging {
            judge: &self.judge,
            scratches: &self.scratches,
            what: self.what,
            has_webhook: self.outbox.is_some(),
        };
        let judged = judge(&judging, &chunk);
        if self.examined.insert(chunk.key) || self.unlike.iter().any(|(key, _)| *key == chunk.key) {
            let notice = judge::prefix_of(&chunk, self.judge.prefix());
            self.unlike.retain(|(key, _)| *key != chunk.key);
            if let Some(notice) = notice {
                self.unlike.push((chunk.key, notice));
            }
        }
        if let Some(outbox) = &mut self.outbox {
            outbox.push(chunk.key, &chunk.before, &chunk.after, judged.records);
        }
        self.metrics.add(&judged.counts);
        self.pending = judged.lines;
        self.is_judged = true;
        self.flush(wall)?;
        Ok(Pumped::More)
    }

    fn flush(&mut self, wall: SystemTime) -> io::Result<()> {
        let had_lines = !self.pending.is_empty();
        let written = self.output.write(&mut self.pending);
        self.metrics.wrote(written.is_ok(), had_lines, wall);
        written?;
        self.follower.settle();
        self.is_judged = false;
        Ok(())
    }

    /// Judges by another policy from here on.
    pub fn use_policy(&mut self, judge: Judge) {
        self.judge = judge;
        self.scratches = Scratches::default();
        self.examined.clear();
        self.told_unlike.clear();
    }

    /// From now on what stands at the end of a file has ended, once the file is quiet.
    pub fn end(&mut self) {
        self.follower.end();
    }

    /// Whether everything that can be read was written and delivered.
    pub fn is_done(&self) -> bool {
        !self.is_judged
            && self.follower.is_at_end()
            && self.outbox.as_ref().is_none_or(Outbox::is_empty)
    }

    /// Where each file goes on, for the cursor: behind what both the output and the webhook have.
    fn places(&self) -> Vec<Place> {
        let mut places = Vec::new();
        let mut seen = BTreeSet::new();
        for (key, place) in self.follower.places() {
            seen.insert(key);
            let reached = self.outbox.as_ref().and_then(|outbox| outbox.reached(key));
            places.push(match reached {
                // The output may be the slower one.
                Some(reached) if reached.offset < place.offset => Place {
                    written: Some(place.written.unwrap_or(0).max(place.offset)),
                    path: place.path.clone(),
                    ..reached.clone()
                },
                _ => place.clone(),
            });
        }
        places.extend(self.follower.places_awaited().cloned());
        if let Some(outbox) = &self.outbox {
            // Files that are followed no longer, and whose records wait.
            for (key, reached, last) in outbox.waiting() {
                if !seen.contains(&key) {
                    places.push(Place {
                        written: Some(last.offset),
                        ..reached.clone()
                    });
                }
            }
        }
        places
    }

    /// What a cursor says when it is written now.
    ///
    /// # Errors
    /// If what was printed does not reach the disk.
    pub fn document(&mut self, environment: &str, policy_digest: &str) -> io::Result<Document> {
        let output = self.output.settled()?;
        let looked = self
            .follower
            .looked()
            .duration_since(SystemTime::UNIX_EPOCH);
        let looked_ms = looked.unwrap_or_default().as_millis();
        Ok(Document {
            format_version: cursor::FORMAT_VERSION,
            environment: environment.to_owned(),
            policy_digest: policy_digest.to_owned(),
            looked_ms: u64::try_from(looked_ms).unwrap_or(0),
            files: self.places(),
            output,
        })
    }

    /// The logs that are followed.
    pub fn follower(&mut self) -> &mut Follower {
        &mut self.follower
    }

    pub fn output(&mut self) -> &mut Output {
        &mut self.output
    }

    pub fn outbox(&mut self) -> Option<&mut Outbox> {
        self.outbox.as_mut()
    }

    /// The signals that are counted.
    pub fn metrics(&mut self) -> &mut Metrics {
        &mut self.metrics
    }

    /// Logs whose entries have another prefix than the query expects, that were not told before.
    pub fn new_unlike(&mut self) -> Vec<PrefixNotice> {
        let told = &mut self.told_unlike;
        let new = self.unlike.iter().filter(|(key, _)| told.insert(*key));
        new.map(|(_, notice)| notice.clone()).collect()
    }

    /// What is wrong at the moment with what is followed, for people.
    pub fn problems(&self) -> Vec<String> {
        let troubles = self.follower.troubles().iter();
        let troubles =
            troubles.map(|trouble| format!("{}: {}", trouble.path.display(), trouble.what));
        let followed: BTreeSet<Key> = self.follower.places().map(|(key, _)| key).collect();
        let unlike = self
            .unlike
            .iter()
            .filter(|(key, _)| followed.contains(key))
            .map(|(_, notice)| notice.to_string());
        troubles.chain(unlike).collect()
    }

    /// Puts what is followed now into the metrics.
    pub fn measure(&mut self, wall: SystemTime) {
        let counts = self.follower.counts();
        let behind = self.follower.bytes_behind();
        let failing = self.follower.troubles().len();
        let pending = u64::try_from(self.pending.len()).unwrap_or(u64::MAX);
        self.metrics
            .measure(counts, failing, behind, pending, self.outbox.as_ref(), wall);
    }
}

impl std::fmt::Display for PrefixNotice {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let path = self.path.display();
        match self.found {
            Some(found) => write!(
                f,
                "{path}: its entries have the prefix `{found}`, which is not the environment's: its records count without \
                 a user; give --log-line-prefix '{found}'"
            ),
            None => write!(
                f,
                "{path}: no entry begins as log_line_prefix '{}' prints it: its records count without a user; set that \
                 prefix on the server, and reload it",
                LogLinePrefix::Short
            ),
        }
    }
}
