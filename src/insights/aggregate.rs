//! `stats`: groups and what is counted in them, in one pass, mergeable.

use std::cmp::Ordering;
use std::collections::{HashMap, HashSet};

use foldhash::fast::FixedState;

use super::segment::Frame;
use super::term::Term;
use super::value::{self, Owned, Value};

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Aggregate {
    /// Rows, or rows in which the argument is present.
    Count,
    CountDistinct,
    Sum,
    Avg,
    Min,
    Max,
    /// The value in the earliest and in the latest event.
    Earliest,
    Latest,
    /// The smallest value that this share of the values does not exceed (nearest rank).
    Percentile(f64),
    /// Of the whole population.
    Stddev,
    /// The first and the last value in the order of `sort`.
    SortsFirst,
    SortsLast,
}

/// A compiled `stats`.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) keys: Vec<Term>,
    pub(super) aggregates: Vec<(Aggregate, Option<Term>)>,
    /// Read by all of them.
    pub(super) slots: Vec<usize>,
}

#[derive(Debug, Default)]
pub(super) struct Groups {
    index: HashMap<Box<[u8]>, usize, FixedState>,
    /// In the order in which they were first seen.
    groups: Vec<Group>,
    buffer: Vec<u8>,
}

#[derive(Debug)]
struct Group {
    keys: Vec<Owned>,
    states: Vec<State>,
}

/// The moment of an event, and its number among all events.
pub(super) type Moment = (i64, u64);

#[derive(Debug)]
enum State {
    Count(u64),
    Distinct(HashSet<Box<[u8]>, FixedState>),
    Sum { sum: f64, count: u64 },
    Best(Owned),
    Timed(Option<(Moment, Owned)>),
    Numbers(Vec<f64>),
}

impl Groups {
    pub(super) fn add(&mut self, plan: &Plan, frame: &mut Frame<'_, '_>, moment: Moment) {
        plan.slots.iter().for_each(|slot| frame.ensure(*slot));
        let view = frame.view();
        self.buffer.clear();
        for key in &plan.keys {
            key.encode(&view, &mut self.buffer);
        }
        let found = self.index.get(self.buffer.as_slice()).copied();
        let position = found.unwrap_or_else(|| {
            let keys = plan
                .keys
                .iter()
                .map(|key| key.evaluate(&view).into_owned())
                .collect();
            self.insert(plan, keys)
        });
        let Some(group) = self.groups.get_mut(position) else {
            return;
        };
        for (state, (aggregate, term)) in group.states.iter_mut().zip(&plan.aggregates) {
            if let (State::Distinct(seen), Some(term)) = (&mut *state, term) {
                self.buffer.clear();
                if term.encode(&view, &mut self.buffer) && !seen.contains(self.buffer.as_slice()) {
                    seen.insert(self.buffer.as_slice().into());
                }
                continue;
            }
            let value = term
                .as_ref()
                .map_or(Value::Number(1.0), |term| term.evaluate(&view));
            state.add(*aggregate, value, moment);
        }
    }

    /// Adds a group whose encoded key lies in the buffer.
    fn insert(&mut self, plan: &Plan, keys: Vec<Owned>) -> usize {
        let position = self.groups.len();
        let states = plan
            .aggregates
            .iter()
            .map(|(aggregate, _)| State::new(*aggregate))
            .collect();
        self.groups.push(Group { keys, states });
        self.index.insert(self.buffer.as_slice().into(), position);
        position
    }

    /// Adds groups of events that come after ours.
    pub(super) fn merge(&mut self, plan: &Plan, other: Self, offset: u64) {
        for group in other.groups {
            self.buffer.clear();
            group
                .keys
                .iter()
                .for_each(|key| key.encode(&mut self.buffer));
            let position = match self.index.get(self.buffer.as_slice()) {
                Some(position) => *position,
                None => self.insert(plan, group.keys),
            };
            let Some(ours) = self.groups.get_mut(position) else {
                continue;
            };
            for ((state, theirs), (aggregate, _)) in ours
                .states
                .iter_mut()
                .zip(group.states)
                .zip(&plan.aggregates)
            {
                state.merge(*aggregate, theirs, offset);
            }
        }
    }

    /// Keys, then aggregates, for every group. Without keys there is always one group.
    pub(super) fn rows(mut self, plan: &Plan) -> Vec<Vec<Owned>> {
        if plan.keys.is_empty() && self.groups.is_empty() {
            self.buffer.clear();
            self.insert(plan, Vec::new());
        }
        let rows = self.groups.into_iter().map(|group| {
            let mut row = group.keys;
            let states = group.states.into_iter().zip(&plan.aggregates);
            row.extend(states.map(|(state, (aggregate, _))| state.result(*aggregate)));
            row
        });
        rows.collect()
    }
}

impl State {
    fn new(aggregate: Aggregate) -> Self {
        match aggregate {
            Aggregate::Count => Self::Count(0),
            Aggregate::CountDistinct => Self::Distinct(HashSet::default()),
            Aggregate::Sum | Aggregate::Avg => Self::Sum { sum: 0.0, count: 0 },
            Aggregate::Min | Aggregate::Max | Aggregate::SortsFirst | Aggregate::SortsLast => {
                Self::Best(Value::Null)
            }
            Aggregate::Earliest | Aggregate::Latest => Self::Timed(None),
            Aggregate::Percentile(_) | Aggregate::Stddev => Self::Numbers(Vec::new()),
        }
    }

    fn add(&mut self, aggregate: Aggregate, value: Value<'_>, moment: Moment) {
        if value.is_null() {
            return;
        }
        match self {
            Self::Count(count) => *count += 1,
            // Counted without building its value.
            Self::Distinct(_) => {}
            Self::Sum { sum, count } => {
                if let Some(number) = value.number() {
                    *sum += number;
                    *count += 1;
                }
            }
            Self::Best(best) => {
                if aggregate.prefers(&value, best) {
                    *best = value.into_owned();
                }
            }
            Self::Timed(timed) => {
                if timed
                    .as_ref()
                    .is_none_or(|(at, _)| aggregate.prefers_moment(moment, *at))
                {
                    *timed = Some((moment, value.into_owned()));
                }
            }
            Self::Numbers(numbers) => numbers.extend(value.number()),
        }
    }

    fn merge(&mut self, aggregate: Aggregate, other: Self, offset: u64) {
        match (self, other) {
            (Self::Count(count), Self::Count(more)) => *count += more,
            (Self::Distinct(seen), Self::Distinct(more)) => seen.extend(more),
            (
                Self::Sum { sum, count },
                Self::Sum {
                    sum: more,
                    count: items,
                },
            ) => {
                *sum += more;
                *count += items;
            }
            (Self::Best(best), Self::Best(other))
                if !other.is_null() && aggregate.prefers(&other, best) =>
            {
                *best = other;
            }
            (Self::Timed(timed), Self::Timed(Some(((time, number), value)))) => {
                let moment = (time, number + offset);
                if timed
                    .as_ref()
                    .is_none_or(|(at, _)| aggregate.prefers_moment(moment, *at))
                {
                    *timed = Some((moment, value));
                }
            }
            (Self::Numbers(numbers), Self::Numbers(more)) => numbers.extend(more),
            // Both sides were made for the same aggregate.
            _ => {}
        }
    }

    fn result(self, aggregate: Aggregate) -> Owned {
        match self {
            Self::Count(count) => Value::Number(count as f64),
            Self::Distinct(seen) => Value::Number(seen.len() as f64),
            Self::Sum { count: 0, .. } => Value::Null,
            Self::Sum { sum, count } if aggregate == Aggregate::Avg => {
                Value::from_number(sum / count as f64)
            }
            Self::Sum { sum, .. } => Value::from_number(sum),
            Self::Best(value) => value,
            Self::Timed(timed) => timed.map_or(Value::Null, |(_, value)| value),
            Self::Numbers(mut numbers) => match aggregate {
                Aggregate::Percentile(share) => {
                    numbers.sort_by(f64::total_cmp);
                    let rank = (share / 100.0 * numbers.len() as f64).ceil() as usize;
                    numbers
                        .get(rank.max(1) - 1)
                        .map_or(Value::Null, |number| Value::from_number(*number))
                }
                _ if numbers.is_empty() => Value::Null,
                _ => {
                    let count = numbers.len() as f64;
                    let mean = numbers.iter().sum::<f64>() / count;
                    let squares: f64 = numbers.iter().map(|number| (number - mean).powi(2)).sum();
                    Value::from_number((squares / count).sqrt())
                }
            },
        }
    }
}

impl Aggregate {
    fn prefers(self, value: &Value<'_>, best: &Value<'_>) -> bool {
        let wanted = match self {
            Self::Min | Self::SortsFirst => Ordering::Less,
            _ => Ordering::Greater,
        };
        best.is_null() || value::natural(value, best) == wanted
    }

    fn prefers_moment(self, moment: Moment, best: Moment) -> bool {
        if self == Self::Earliest {
            moment < best
        } else {
            moment >= best
        }
    }
}
