//! Running a query where the logs are: slices of a long window, what they will cost, and the rows of each.
//!
//! A query groups entries, so a window can be read in slices: the records of the slices add up to those of the window.
//! Slices are read a few at a time, so that the rows of a long window are never held together. A slice with more rows
//! than a query returns is read once more by the hour.

use std::collections::VecDeque;
use std::sync::atomic::AtomicBool;

use crate::insights::Table;
use crate::insights::service::{
    LOG_GROUPS_MAX, LogGroup, Progress, QueryService, Request, ServiceError, Statistics,
};

/// US dollars for a gigabyte that Logs Insights reads, in us-east-1 (AWS, "Amazon CloudWatch Pricing", Logs, "Analyze
/// (Logs Insights queries)"). Other regions differ, up to about twice as much.
pub const USD_PER_GB: f64 = 0.005;

/// Stored bytes to ingested bytes, with which AWS's price calculator counts for archived logs.
const STORED_TO_INGESTED: f64 = 0.15;

/// Seconds of a slice, if nobody says otherwise: a day.
pub const SLICE: u32 = 24 * 60 * 60;

/// Seconds of the slices in which one with too many rows is read again.
const FINER: u32 = 60 * 60;

/// Queries whose rows are held together. The service runs as many side by side.
const TOGETHER: usize = 4;

const DAY: i64 = 24 * 60 * 60;

/// A range of time in seconds since 1970: `from` belongs to it, `until` does not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Window {
    pub from: i64,
    /// First second that is not in it.
    pub until: i64,
}

impl Window {
    /// Pieces of a length in seconds, the last as long as what is left. Together they are the window, and no second is
    /// in two of them.
    #[must_use]
    pub fn slices(self, length: u32) -> Vec<Self> {
        let length = i64::from(length.max(1));
        let mut slices = Vec::new();
        let mut from = self.from;
        while from < self.until {
            let until = from.saturating_add(length).min(self.until);
            slices.push(Self { from, until });
            from = until;
        }
        slices
    }
}

/// A query to run over a window: its text over each slice and each chunk of log groups.
#[derive(Clone, Debug)]
pub struct Plan {
    window: Window,
    text: String,
    limit: u32,
    log_groups: Vec<String>,
    requests: VecDeque<(Window, Request)>,
}

impl Plan {
    /// Plans a text that returns at most `limit` rows. Slices are `slice` seconds long, [`SLICE`] as a rule.
    #[must_use]
    pub fn new(text: &str, limit: u32, log_groups: &[String], window: Window, slice: u32) -> Self {
        let mut log_groups = log_groups.to_vec();
        log_groups.sort();
        log_groups.dedup();
        let mut plan = Self {
            window,
            text: text.to_owned(),
            limit,
            log_groups,
            requests: VecDeque::new(),
        };
        for slice in window.slices(slice) {
            for chunk in plan.log_groups.chunks(LOG_GROUPS_MAX) {
                let request = plan.request(slice, chunk);
                plan.requests.push_back((slice, request));
            }
        }
        plan
    }

    /// The service also returns entries of the last second of its range, so the query itself drops all that are not before
    /// the end, to the millisecond.
    fn request(&self, slice: Window, log_groups: &[String]) -> Request {
        Request {
            text: until(&self.text, slice.until),
            log_groups: log_groups.to_vec(),
            from: slice.from,
            until: slice.until,
            limit: self.limit,
        }
    }

    /// Queries that will be started, without those that read a slice again.
    #[must_use]
    pub fn queries(&self) -> usize {
        self.requests.len()
    }

    /// Asks the service about the log groups, and reckons what the plan will cost. `now` is in seconds since 1970.
    ///
    /// # Errors
    /// A log group that is not there, and whatever keeps the question from being asked.
    pub fn estimate(&self, service: &dyn QueryService, now: i64) -> Result<Estimate, ServiceError> {
        let groups = self
            .log_groups
            .iter()
            .map(|name| service.log_group(name))
            .collect::<Result<Vec<_>, _>>()?;
        let groups: Vec<GroupEstimate> = groups
            .iter()
            .map(|group| GroupEstimate {
                name: group.name.clone(),
                bytes: (group.stored_bytes > 0).then(|| part(group, self.window, now)),
            })
            .collect();
        let bytes = groups
            .iter()
            .filter_map(|group| group.bytes)
            .fold(0, u64::saturating_add);
        let usd = bytes as f64 / 1e9 * USD_PER_GB;
        Ok(Estimate {
            queries: self.queries(),
            groups,
            bytes,
            usd,
            usd_if_compressed: usd / STORED_TO_INGESTED,
        })
    }

    /// Runs the queries and hands on the rows of each.
    ///
    /// # Errors
    /// A plan without queries; the first failure of the service; what `take` says of rows.
    pub fn run(
        &self,
        service: &dyn QueryService,
        stop: &AtomicBool,
        progress: &mut dyn FnMut(Progress),
        take: &mut dyn FnMut(&Table) -> Result<(), LiveError>,
    ) -> Result<Answer, LiveError> {
        if self.requests.is_empty() {
            return Err(LiveError::Nothing);
        }
        let mut left = self.requests.clone();
        let mut answer = Answer::default();
        let mut done = 0;
        while !left.is_empty() {
            let batch: Vec<(Window, Request)> = left.drain(..left.len().min(TOGETHER)).collect();
            let requests: Vec<Request> = batch.iter().map(|(_, request)| request.clone()).collect();
            let waiting = left.len() + done + batch.len();
            let read = answer.statistics.bytes_scanned;
            let results = service.run(&requests, stop, &mut |now| {
                progress(Progress {
                    queries: waiting,
                    done: done + now.done,
                    bytes_scanned: read.saturating_add(now.bytes_scanned),
                });
            })?;
            if results.len() != requests.len() {
                return Err(LiveError::NotTheResult("results are missing".to_owned()));
            }
            done += batch.len();
            for ((slice, request), result) in batch.iter().zip(results) {
                answer.statistics = answer.statistics.plus(result.statistics);
                if result.cut && slice.until - slice.from > i64::from(FINER) {
                    for slice in slice.slices(FINER) {
                        left.push_back((slice, self.request(slice, &request.log_groups)));
                    }
                    continue;
                }
                take(&result.table)?;
                if result.cut && answer.cut.last() != Some(slice) {
                    answer.cut.push(*slice);
                }
            }
        }
        Ok(answer)
    }
}

/// What a plan will cost, as far as that can be known before: the bytes that a log group holds, spread evenly over the
/// time that it keeps them, and of these the window's share. A filter reads no less.
#[derive(Clone, Debug, PartialEq)]
pub struct Estimate {
    /// Queries that will be started.
    pub queries: usize,
    pub groups: Vec<GroupEstimate>,
    /// Bytes that all queries read together, without the groups of unknown size.
    pub bytes: u64,
    /// The price of these bytes in US dollars, by [`USD_PER_GB`].
    pub usd: f64,
    /// The price if the service tells the size of its compressed storage, which AWS does not document. Its price
    /// calculator counts with 0.15 stored bytes for each one that is read.
    pub usd_if_compressed: f64,
}

impl Estimate {
    /// Log groups whose size is not known: the service says 0, as it does for young ones. They are in no sum.
    pub fn unknown(&self) -> impl Iterator<Item = &str> {
        self.groups
            .iter()
            .filter(|group| group.bytes.is_none())
            .map(|group| group.name.as_str())
    }
}

/// A log group's part of an [`Estimate`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupEstimate {
    pub name: String,
    /// Bytes that all queries read of it; none when its size is not known.
    pub bytes: Option<u64>,
}

/// What it took to run a plan.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answer {
    pub statistics: Statistics,
    /// Slices with more rows than a query returns: those that are missing were not looked at.
    pub cut: Vec<Window>,
}

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LiveError {
    /// The service did not run the queries.
    #[error(transparent)]
    Service(#[from] ServiceError),
    /// No time or no log group: an answer would say that nothing was found.
    #[error("nothing to query: the window or the list of log groups is empty")]
    Nothing,
    /// What it returned is not the result of the query.
    #[error("the service did not return the result of the query: {0}")]
    NotTheResult(String),
}

/// The text with a first stage that drops entries from `second` on. A stage of its own binds whatever follows.
fn until(text: &str, second: i64) -> String {
    format!("filter toMillis(@timestamp) < {second}000\n| {text}")
}

/// Bytes of a log group that lie in a window.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a share of a number of bytes, which is not negative"
)]
fn part(group: &LogGroup, window: Window, now: i64) -> u64 {
    let age = group
        .created_ms
        .map(|created| now.saturating_sub(created / 1000));
    let kept = group.retention_days.map(|days| i64::from(days) * DAY);
    // Unknown age and no retention: all of it may be in the window.
    let Some(span) = age.into_iter().chain(kept).min() else {
        return group.stored_bytes;
    };
    let span = span.max(1);
    let first = window.from.max(now.saturating_sub(span));
    let inside = window.until.min(now).saturating_sub(first).max(0);
    (group.stored_bytes as f64 * (inside as f64 / span as f64)).ceil() as u64
}
