//! Runs a query on events.
//!
//! A query is a list of stages. Some stages look at one row at a time (`fields`, `parse`, `filter`); others need all rows before
//! they can answer (`stats`, `sort`, `limit`, `dedup`). So a program is cut into parts: each part is a run of row-wise stages, a
//! *segment*, and the stage that ends it, a *barrier*.
//!
//! [`Run::push`] takes an event through the first segment only. If a filter rejects it, nothing is kept of it. Otherwise it is
//! added to its group if the barrier is a `stats`, or its values are kept as a row. Rows that a later `limit` would drop anyway
//! are dropped early, so memory stays flat over a long log. [`Run::finish`] applies the first barrier, then passes the rows
//! through the other parts one after the other, and cuts the result to 10,000 rows if the query sets no limit, as the service
//! does. [`Run::merge`] joins the runs of several threads: each counts its own events, and a `stats` keeps intermediate
//! results that can be joined.
//!
//! To judge a single event, only the first segment is needed: [`Program::judge`] returns the first filter that rejects it.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::collections::HashSet;
use std::sync::Arc;

use super::aggregate::Groups;
use super::lower::{self, Barrier, Part, Pipeline};
use super::predicate::MissingField;
use super::segment::{Event, Frame, Verdict, Workplace};
use super::syntax::{Direction, Query};
use super::value::{self, Owned, Value};
use crate::policy::pattern::Fault;

/// Rows that the service returns when no `limit` is written (AWS, `limit` command).
const DEFAULT_LIMIT: usize = 10_000;

/// What a query's meaning depends on besides its text.
#[derive(Clone, Copy, Debug, Default)]
pub struct Options {
    /// What a comparison with a missing field is.
    pub missing: MissingField,
    /// What `now()` is: milliseconds since 1970.
    pub query_start_ms: i64,
}

/// A query that is ready to run. Cheap to clone; judge on every core with a [`Scratch`] each.
#[derive(Clone, Debug)]
pub struct Program {
    pipeline: Arc<Pipeline>,
}

/// What judging needs besides the event; reused from event to event, so that judging does not
/// allocate.
#[derive(Debug)]
pub struct Scratch {
    pipeline: Arc<Pipeline>,
    work: Workplace,
}

impl Program {
    /// Compiles a query.
    ///
    /// # Errors
    /// Everything that has no documented meaning or is not supported: unknown names and functions,
    /// wrong arguments, regular expressions that differ between dialects or are too large, stages in
    /// an order that the service refuses.
    pub fn new(query: &Query, options: Options) -> Result<Self, Vec<Fault>> {
        let pipeline = lower::lower(query, options.missing, options.query_start_ms)?;
        Ok(Self {
            pipeline: Arc::new(pipeline),
        })
    }

    /// Room for judging with this program.
    #[must_use]
    pub fn scratch(&self) -> Scratch {
        Scratch {
            pipeline: Arc::clone(&self.pipeline),
            work: self.pipeline.first().segment.workplace(),
        }
    }

    /// Passes an event through the filters before the first `stats`, `sort`, `limit` or `dedup`, up
    /// to the first that rejects it.
    pub fn judge(&self, scratch: &mut Scratch, event: &Event<'_>) -> Verdict {
        self.frame(scratch, event).judge()
    }

    /// The indexes in [`Query::stages`] of all filters of that part that reject the event.
    pub fn judge_all(&self, scratch: &mut Scratch, event: &Event<'_>) -> Vec<usize> {
        self.frame(scratch, event).judge_all()
    }

    /// Looks at one event: its verdict and the values of its fields.
    pub fn examine<'s>(&'s self, scratch: &'s mut Scratch, event: &Event<'s>) -> Row<'s> {
        Row {
            program: self,
            frame: self.frame(scratch, event),
        }
    }

    /// Begins to run the whole query.
    #[must_use]
    pub fn run(&self) -> Run {
        let rows = match &self.pipeline.first().barrier {
            Barrier::Stats(_) => Rows::Groups(Groups::default()),
            _ => Rows::Plain(Vec::new()),
        };
        Run {
            scratch: self.scratch(),
            program: self.clone(),
            rows,
            events: 0,
        }
    }

    fn frame<'s, 'e>(&'s self, scratch: &'s mut Scratch, event: &Event<'e>) -> Frame<'s, 'e> {
        if !Arc::ptr_eq(&self.pipeline, &scratch.pipeline) {
            *scratch = self.scratch();
        }
        self.pipeline
            .first()
            .segment
            .event(&mut scratch.work, event)
    }
}

impl Pipeline {
    fn first(&self) -> &Part {
        #[expect(
            clippy::indexing_slicing,
            reason = "lowering ends every query with a part"
        )]
        &self.parts[0]
    }
}

/// An event under a program's eyes.
pub struct Row<'s> {
    program: &'s Program,
    frame: Frame<'s, 's>,
}

impl Row<'_> {
    /// As [`Program::judge`].
    pub fn verdict(&mut self) -> Verdict {
        self.frame.judge()
    }

    /// As [`Program::judge_all`].
    pub fn rejections(&mut self) -> Vec<usize> {
        self.frame.judge_all()
    }

    /// The value of a field of the part before the first `stats`, `sort`, `limit` or `dedup`; none
    /// when it is missing or no stage sets it.
    pub fn field(&mut self, name: &str) -> Option<Cow<'_, [u8]>> {
        let slots = &self.program.pipeline.first().segment.slots;
        let slot = slots.iter().position(|slot| slot.name == name)?;
        self.frame.ensure(slot);
        match self.frame.view().value(slot) {
            Value::Text(text) => Some(text),
            other => other.text().map(|text| Cow::Owned(text.into_owned())),
        }
    }
}

/// A run of a whole query.
#[derive(Debug)]
pub struct Run {
    program: Program,
    scratch: Scratch,
    rows: Rows,
    events: u64,
}

#[derive(Debug)]
enum Rows {
    Groups(Groups),
    Plain(Vec<PlainRow>),
}

#[derive(Debug)]
struct PlainRow {
    time: i64,
    number: u64,
    values: Vec<Owned>,
}

/// A result, as GetQueryResults returns it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Table {
    /// Names of the columns.
    pub columns: Vec<String>,
    /// One value for each column; none where the field is missing. Invalid UTF-8 is replaced.
    pub rows: Vec<Vec<Option<String>>>,
}

impl Run {
    /// Adds an event and tells what the row-wise part made of it.
    pub fn push(&mut self, event: &Event<'_>) -> Verdict {
        let part = self.program.pipeline.first();
        let number = self.events;
        self.events += 1;
        let mut frame = part.segment.event(&mut self.scratch.work, event);
        let verdict = frame.judge();
        if !verdict.kept {
            return verdict;
        }
        match (&mut self.rows, &part.barrier) {
            (Rows::Groups(groups), Barrier::Stats(plan)) => {
                groups.add(plan, &mut frame, (event.timestamp_ms, number));
            }
            (Rows::Plain(rows), _) => {
                let values = values(&mut frame, part);
                rows.push(PlainRow {
                    time: event.timestamp_ms,
                    number,
                    values,
                });
                self.prune();
            }
            (Rows::Groups(_), _) => {}
        }
        verdict
    }

    /// Adds a run of the same program over events that come after ours. A run of another program is
    /// ignored.
    pub fn merge(&mut self, other: Self) {
        if !Arc::ptr_eq(&self.program.pipeline, &other.program.pipeline) {
            return;
        }
        match (&mut self.rows, other.rows) {
            (Rows::Groups(groups), Rows::Groups(more)) => {
                if let Barrier::Stats(plan) = &self.program.pipeline.first().barrier {
                    groups.merge(plan, more, self.events);
                }
            }
            (Rows::Plain(rows), Rows::Plain(more)) => {
                let offset = self.events;
                rows.extend(more.into_iter().map(|row| PlainRow {
                    number: row.number + offset,
                    ..row
                }));
                self.prune();
            }
            _ => {}
        }
        self.events += other.events;
    }

    /// Drops rows that a `limit` would drop anyway, so that memory stays flat.
    fn prune(&mut self) {
        let Rows::Plain(rows) = &mut self.rows else {
            return;
        };
        let parts = &self.program.pipeline.parts;
        let (order, limit) = match parts.as_slice() {
            [
                Part {
                    barrier: Barrier::End,
                    ..
                },
            ] => (None, DEFAULT_LIMIT),
            [
                Part {
                    barrier: Barrier::Limit(limit),
                    ..
                },
                ..,
            ] => (None, *limit),
            [
                Part {
                    barrier: Barrier::Sort(order),
                    ..
                },
                next,
                ..,
            ] if next.passes_all() => match next.barrier {
                Barrier::Limit(limit) => (Some(order), limit),
                Barrier::End => (Some(order), DEFAULT_LIMIT),
                _ => return,
            },
            _ => return,
        };
        if rows.len() < 2 * limit.max(1_000) {
            return;
        }
        newest_first(rows);
        if let Some(order) = order {
            rows.sort_by(|a, b| by_keys(order, &a.values, &b.values));
        }
        rows.truncate(limit);
    }

    /// The result. Rows without a `sort` come newest first, groups in the order in which they were
    /// first seen; the service promises neither.
    #[must_use]
    pub fn finish(self) -> Table {
        let pipeline = &self.program.pipeline;
        let mut rows = match (self.rows, &pipeline.first().barrier) {
            (Rows::Groups(groups), Barrier::Stats(plan)) => groups.rows(plan),
            (Rows::Plain(mut rows), barrier) => {
                newest_first(&mut rows);
                barrier.apply(rows.into_iter().map(|row| row.values).collect())
            }
            (Rows::Groups(_), _) => Vec::new(),
        };
        for part in pipeline.parts.iter().skip(1) {
            rows = part.pass(rows);
        }
        if !pipeline.limited {
            rows.truncate(DEFAULT_LIMIT);
        }
        let cell = |row: &Vec<Owned>, slot: usize| row.get(slot).and_then(Value::rendered);
        Table {
            columns: pipeline
                .columns
                .iter()
                .map(|(name, _)| name.clone())
                .collect(),
            rows: rows
                .iter()
                .map(|row| {
                    pipeline
                        .columns
                        .iter()
                        .map(|(_, slot)| cell(row, *slot))
                        .collect()
                })
                .collect(),
        }
    }
}

/// The values of all slots of a row that was kept.
fn values(frame: &mut Frame<'_, '_>, part: &Part) -> Vec<Owned> {
    let slots = 0..part.segment.slots.len();
    slots.clone().for_each(|slot| frame.ensure(slot));
    let view = frame.view();
    slots.map(|slot| view.value(slot).into_owned()).collect()
}

fn newest_first(rows: &mut [PlainRow]) {
    rows.sort_by_key(|row| std::cmp::Reverse((row.time, row.number)));
}

fn by_keys(order: &[(usize, Direction)], a: &[Owned], b: &[Owned]) -> Ordering {
    for (slot, direction) in order {
        let (Some(a), Some(b)) = (a.get(*slot), b.get(*slot)) else {
            continue;
        };
        let ordering = match direction {
            Direction::Ascending => value::natural(a, b),
            Direction::Descending => value::natural(b, a),
        };
        if ordering != Ordering::Equal {
            return ordering;
        }
    }
    Ordering::Equal
}

impl Part {
    /// Whether rows leave it as they come.
    fn passes_all(&self) -> bool {
        self.segment.steps.is_empty() && self.segment.filters.is_empty()
    }

    /// Takes rows of the part before through this one.
    fn pass(&self, mut rows: Vec<Vec<Owned>>) -> Vec<Vec<Owned>> {
        let mut groups = Groups::default();
        if !self.passes_all() || matches!(self.barrier, Barrier::Stats(_)) {
            let mut work = self.segment.workplace();
            let mut kept = Vec::new();
            for (number, row) in rows.into_iter().enumerate() {
                let mut frame = self.segment.row(&mut work, &row);
                if !frame.judge().kept {
                    continue;
                }
                match &self.barrier {
                    Barrier::Stats(plan) => groups.add(plan, &mut frame, (0, number as u64)),
                    _ => kept.push(values(&mut frame, self)),
                }
            }
            rows = kept;
        }
        match &self.barrier {
            Barrier::Stats(plan) => groups.rows(plan),
            other => other.apply(rows),
        }
    }
}

impl Barrier {
    fn apply(&self, mut rows: Vec<Vec<Owned>>) -> Vec<Vec<Owned>> {
        match self {
            Self::Sort(order) => rows.sort_by(|a, b| by_keys(order, a, b)),
            Self::Limit(limit) => rows.truncate(*limit),
            Self::Dedup(slots) => {
                let mut seen = HashSet::new();
                rows.retain(|row| {
                    let key: Vec<_> = slots.iter().filter_map(|slot| row.get(*slot)).collect();
                    if key.iter().any(|value| value.is_null()) {
                        return true;
                    }
                    let mut encoded = Vec::new();
                    key.iter().for_each(|value| value.encode(&mut encoded));
                    seen.insert(encoded)
                });
            }
            Self::End | Self::Stats(_) => {}
        }
        rows
    }
}
