//! Running compiled queries where the logs are: slices of a long window, what they will cost, one result from many,
//! and what two results differ in.
//!
//! A query groups entries, so a window can be read in slices: `records` of the slices add up to those of the window.
//! `statements` add up too, but for a statement whose records lie on both sides of a border, which counts twice, and for
//! a backend whose process number and statement number come again on another day, which the slices tell apart and one
//! long query does not. Two queries over the same slices are compared alike.

use std::collections::BTreeMap;
use std::sync::atomic::AtomicBool;

use crate::compile::query::QUERY_LIMIT;
use crate::insights::Table;
use crate::insights::parse;
use crate::insights::service::{
    LOG_GROUPS_MAX, LogGroup, Progress, QueryService, ROWS_MAX, Request, ServiceError, Statistics,
};
use crate::insights::syntax::Command;

/// US dollars for a gigabyte that Logs Insights reads, in us-east-1 (AWS, "Amazon CloudWatch Pricing", Logs, "Analyze
/// (Logs Insights queries)"). Other regions differ, up to about twice as much.
pub const USD_PER_GB: f64 = 0.005;

/// Stored bytes to ingested bytes, with which AWS's price calculator counts for archived logs.
const STORED_TO_INGESTED: f64 = 0.15;

/// Rows of a query that writes no `limit` (AWS, `limit` command).
const DEFAULT_ROWS: u32 = 10_000;

/// Seconds of a slice, if nobody says otherwise: a day.
pub const SLICE: u32 = 24 * 60 * 60;

const DAY: i64 = 24 * 60 * 60;

/// A range of time in seconds since 1970: `from` belongs to it, `until` does not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Window {
    /// First second.
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

/// How the end of a slice is told to the service, whose range of time includes its last second.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Borders {
    /// The query itself drops what is not before the end, to the millisecond.
    InQuery,
    /// The query has no room for that. The range ends a second earlier, so that no entry is in two slices; where the
    /// service takes the last second for its first millisecond only, which AWS does not document, entries later in the
    /// last second of a slice are in none. Aurora's default prefix (`%t`) has whole seconds, and such entries do not
    /// occur.
    WholeSeconds,
}

/// Queries to run over a window: each text over each slice and each chunk of log groups.
#[derive(Clone, Debug)]
pub struct Plan {
    window: Window,
    borders: Borders,
    texts: usize,
    log_groups: Vec<String>,
    /// With the text's place and the slice; the texts of a slice stand side by side, so that they read the same
    /// entries, also where late ones still arrive.
    requests: Vec<(usize, Window, Request)>,
}

impl Plan {
    /// Plans texts, such as the alarm queries of two revisions, over the same entries. Slices are `slice` seconds long,
    /// [`SLICE`] as a rule.
    ///
    /// The window ends some minutes ago: an entry that arrives between two queries is a difference between them.
    #[must_use]
    pub fn new(texts: &[&str], log_groups: &[String], window: Window, slice: u32) -> Self {
        let mut log_groups = log_groups.to_vec();
        log_groups.sort();
        log_groups.dedup();
        // The same for all texts: otherwise a border alone would make a difference.
        let fits = texts
            .iter()
            .all(|text| until(text, window.until).chars().count() <= QUERY_LIMIT);
        let borders = if fits {
            Borders::InQuery
        } else {
            Borders::WholeSeconds
        };
        let limits: Vec<u32> = texts.iter().map(|text| rows(text)).collect();
        let mut requests = Vec::new();
        for slice in window.slices(slice) {
            for chunk in log_groups.chunks(LOG_GROUPS_MAX) {
                for (index, (text, limit)) in texts.iter().zip(&limits).enumerate() {
                    let (text, last) = match borders {
                        Borders::InQuery => (until(text, slice.until), slice.until),
                        Borders::WholeSeconds => ((*text).to_owned(), slice.until - 1),
                    };
                    let request = Request {
                        limit: *limit,
                        text,
                        log_groups: chunk.to_vec(),
                        from: slice.from,
                        until: last,
                    };
                    requests.push((index, slice, request));
                }
            }
        }
        Self {
            window,
            borders,
            texts: texts.len(),
            log_groups,
            requests,
        }
    }

    /// Queries that will be started.
    #[must_use]
    pub fn queries(&self) -> usize {
        self.requests.len()
    }

    /// How slices end.
    #[must_use]
    pub fn borders(&self) -> Borders {
        self.borders
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
        Ok(self.estimate_of(&groups, now))
    }

    fn estimate_of(&self, groups: &[LogGroup], now: i64) -> Estimate {
        let passes = self.texts as u64;
        let groups: Vec<GroupEstimate> = groups
            .iter()
            .map(|group| GroupEstimate {
                name: group.name.clone(),
                bytes: (group.stored_bytes > 0)
                    .then(|| part(group, self.window, now).saturating_mul(passes)),
            })
            .collect();
        let bytes = groups
            .iter()
            .filter_map(|group| group.bytes)
            .fold(0, u64::saturating_add);
        let usd = bytes as f64 / 1e9 * USD_PER_GB;
        Estimate {
            queries: self.queries(),
            groups,
            bytes,
            usd,
            usd_if_compressed: usd / STORED_TO_INGESTED,
        }
    }

    /// Runs the queries: one answer for each text, in order.
    ///
    /// # Errors
    /// A plan without queries; the first failure of the service; a result that does not have the columns of the alarm query.
    pub fn run(
        &self,
        service: &dyn QueryService,
        stop: &AtomicBool,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Vec<Answer>, LiveError> {
        if self.requests.is_empty() {
            return Err(LiveError::Nothing);
        }
        let requests: Vec<Request> = self
            .requests
            .iter()
            .map(|(_, _, request)| request.clone())
            .collect();
        let results = service.run(&requests, stop, progress)?;
        if results.len() != requests.len() {
            return Err(LiveError::NotTheResult("results are missing".to_owned()));
        }
        let mut answers = vec![Answer::default(); self.texts];
        for ((index, slice, _), result) in self.requests.iter().zip(results) {
            let Some(answer) = answers.get_mut(*index) else {
                continue;
            };
            answer.groups.add(Groups::of(&result.table)?);
            answer.statistics = answer.statistics.plus(result.statistics);
            if result.cut && answer.cut.last() != Some(slice) {
                answer.cut.push(*slice);
            }
        }
        Ok(answers)
    }
}

/// What a plan will cost, as far as that can be known before: the bytes that a log group holds, spread evenly over the
/// time that it keeps them, and of these the window's share; once for each text. A filter reads no less.
#[derive(Clone, Debug, PartialEq)]
pub struct Estimate {
    /// Queries that will be started.
    pub queries: usize,
    /// By log group.
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
    /// Its name.
    pub name: String,
    /// Bytes that all queries read of it; none when its size is not known.
    pub bytes: Option<u64>,
}

/// What a text found in the whole window.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answer {
    /// The sum of the slices.
    pub groups: Groups,
    /// What it cost.
    pub statistics: Statistics,
    /// Slices with more groups than a query returns: those that are missing cannot be compared.
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
    /// What it returned is not the result of an alarm query.
    #[error("the service returned no result of the alarm query: {0}")]
    NotTheResult(String),
}

/// What the alarm query groups by.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Group {
    /// `user`.
    pub user: String,
    /// `database`.
    pub database: String,
    /// `class`.
    pub class: String,
    /// `command`.
    pub command: String,
    /// `object`.
    pub object: String,
}

/// What the alarm query counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// `statements`: different ones. Of very many, the service's number is an approximation (AWS, `count_distinct`).
    pub statements: u64,
    /// `records`: exact.
    pub records: u64,
}

/// The result of an alarm query.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Groups(pub BTreeMap<Group, Counts>);

impl Groups {
    /// Reads a result.
    ///
    /// # Errors
    /// A column is missing, or a count is no number.
    pub fn of(table: &Table) -> Result<Self, LiveError> {
        let mut groups = Self::default();
        if table.rows.is_empty() {
            return Ok(groups);
        }
        let place = |name: &str| {
            let found = table.columns.iter().position(|column| column == name);
            found.ok_or_else(|| LiveError::NotTheResult(format!("no column `{name}`")))
        };
        let keys = [
            place("user")?,
            place("database")?,
            place("class")?,
            place("command")?,
            place("object")?,
        ];
        let (statements, records) = (place("statements")?, place("records")?);
        for row in &table.rows {
            let value = |index: usize| row.get(index).and_then(Option::as_deref);
            // What a query writes for a missing field.
            let [user, database, class, command, object] =
                keys.map(|index| value(index).unwrap_or("-").to_owned());
            let group = Group {
                user,
                database,
                class,
                command,
                object,
            };
            let counts = Counts {
                statements: count(value(statements))?,
                records: count(value(records))?,
            };
            groups.count(group, counts);
        }
        Ok(groups)
    }

    /// Adds the counts of another result.
    pub fn add(&mut self, other: Self) {
        for (group, counts) in other.0 {
            self.count(group, counts);
        }
    }

    fn count(&mut self, group: Group, counts: Counts) {
        let sum = self.0.entry(group).or_default();
        sum.statements = sum.statements.saturating_add(counts.statements);
        sum.records = sum.records.saturating_add(counts.records);
    }
}

/// A group of which one query counts more records than the other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupChange {
    /// Whose records.
    pub group: Group,
    /// What the base counts.
    pub base: Counts,
    /// What the head counts.
    pub head: Counts,
}

impl GroupChange {
    /// The head silences records that the base counts.
    #[must_use]
    pub fn is_newly_silent(&self) -> bool {
        self.head.records < self.base.records
    }
}

/// Groups of which the head counts fewer records than the base (newly silent), or more (newly loud), sorted by group.
/// Decided by `records`, which are exact. A change that silences some records of a group and makes as many others loud
/// cannot be seen in counts.
#[must_use]
pub fn newly(base: &Groups, head: &Groups) -> Vec<GroupChange> {
    let mut changes = BTreeMap::new();
    for (group, counts) in &base.0 {
        changes.insert(group, (*counts, Counts::default()));
    }
    for (group, counts) in &head.0 {
        changes.entry(group).or_default().1 = *counts;
    }
    changes
        .into_iter()
        .filter(|(_, (base, head))| base.records != head.records)
        .map(|(group, (base, head))| GroupChange {
            group: group.clone(),
            base,
            head,
        })
        .collect()
}

/// The text with a first stage that drops entries from `second` on. A stage of its own binds whatever follows, and
/// comments stay in front.
fn until(text: &str, second: i64) -> String {
    let head: usize = text
        .split_inclusive('\n')
        .take_while(|line| line.trim_start().starts_with('#') || line.trim().is_empty())
        .map(str::len)
        .sum();
    let (comments, stages) = text.split_at(head);
    format!("{comments}filter toMillis(@timestamp) < {second}000\n| {stages}")
}

/// Rows that the text returns at most.
fn rows(text: &str) -> u32 {
    let stages = parse(text).map(|query| query.stages).unwrap_or_default();
    stages
        .iter()
        .filter_map(|stage| match stage.command {
            Command::Limit(rows) => Some(u32::try_from(rows).unwrap_or(ROWS_MAX)),
            _ => None,
        })
        .min()
        .unwrap_or(DEFAULT_ROWS)
        .clamp(1, ROWS_MAX)
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

/// The service writes large counts as it writes floating numbers.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the cast saturates, which is what a count needs"
)]
fn count(text: Option<&str>) -> Result<u64, LiveError> {
    let text = text.unwrap_or_default();
    if let Ok(number) = text.parse::<u64>() {
        return Ok(number);
    }
    match text.parse::<f64>() {
        Ok(number) if number.is_finite() && number >= 0.0 => Ok(number.round() as u64),
        _ => Err(LiveError::NotTheResult(format!(
            "`{}` is no count",
            text.escape_debug()
        ))),
    }
}
