//! Compiled conditions, in three-valued logic.

use std::cmp::Ordering;
use std::collections::HashSet;

use foldhash::fast::FixedState;
use memchr::memmem;
use regex_automata::{Input, meta};

use super::function::{self, Function};
use super::segment::Frame;
use super::syntax::Comparison;
use super::term::Term;
use super::value::{self, Value};

/// What a comparison with a missing field is. Not documented by AWS: a query whose verdicts do not
/// depend on it is judged alike by both.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MissingField {
    /// Unknown, as in SQL: its negation is unknown too, and `filter` keeps only what is true.
    #[default]
    Null,
    /// False; `!=`, `not like`, `not in` and `not (…)` are then true.
    False,
}

/// True, false, or unknown because a field is missing.
type Truth = Option<bool>;

#[derive(Debug)]
pub(super) enum Condition {
    All(Vec<Condition>),
    Any(Vec<Condition>),
    Not(Box<Condition>),
    Test {
        /// Computed before the test.
        slots: Box<[usize]>,
        test: Box<Test>,
        negated: bool,
    },
}

#[derive(Debug)]
pub(super) enum Test {
    /// Equality with a text that does not look like a number.
    Is(Term, Box<[u8]>),
    Compare(Comparison, Term, Term),
    In(Term, Set),
    Contains(Term, memmem::Finder<'static>),
    /// With the number of the regular expression in the segment.
    Matches(Term, usize),
    Function(Function, Term, Option<Term>),
}

impl Condition {
    pub(super) fn test(test: Test, negated: bool) -> Self {
        let mut slots = Vec::new();
        match &test {
            Test::Is(term, _)
            | Test::In(term, _)
            | Test::Contains(term, _)
            | Test::Matches(term, _) => {
                term.slots(&mut slots);
            }
            Test::Compare(_, left, right) => {
                left.slots(&mut slots);
                right.slots(&mut slots);
            }
            Test::Function(_, first, second) => {
                first.slots(&mut slots);
                second.iter().for_each(|second| second.slots(&mut slots));
            }
        }
        slots.sort_unstable();
        slots.dedup();
        Self::Test {
            slots: slots.into(),
            test: Box::new(test),
            negated,
        }
    }

    /// Stops at the first operand that decides; computes no slot before it is read.
    pub(super) fn evaluate(&self, frame: &mut Frame<'_, '_>) -> Truth {
        match self {
            Self::All(list) => {
                let mut all = Some(true);
                for item in list {
                    match item.evaluate(frame) {
                        Some(false) => return Some(false),
                        None => all = None,
                        Some(true) => {}
                    }
                }
                all
            }
            Self::Any(list) => {
                let mut any = Some(false);
                for item in list {
                    match item.evaluate(frame) {
                        Some(true) => return Some(true),
                        None => any = None,
                        Some(false) => {}
                    }
                }
                any
            }
            Self::Not(inner) => inner.evaluate(frame).map(|truth| !truth),
            Self::Test {
                slots,
                test,
                negated,
            } => {
                slots.iter().for_each(|slot| frame.ensure(*slot));
                let truth = test.run(frame).or(match frame.missing() {
                    MissingField::Null => None,
                    MissingField::False => Some(false),
                });
                truth.map(|truth| truth != *negated)
            }
        }
    }
}

impl Test {
    fn run(&self, frame: &mut Frame<'_, '_>) -> Truth {
        let (view, caches) = frame.split();
        match self {
            Self::Is(term, text) => match term.evaluate(&view) {
                Value::Null => None,
                Value::Text(found) => Some(*found == **text),
                Value::Number(_) => Some(false),
                other => other.text().map(|found| *found == **text),
            },
            Self::Compare(comparison, left, right) => {
                let ordering = value::compare(&left.evaluate(&view), &right.evaluate(&view))?;
                Some(match comparison {
                    Comparison::Equal => ordering == Ordering::Equal,
                    Comparison::NotEqual => ordering != Ordering::Equal,
                    Comparison::Less => ordering == Ordering::Less,
                    Comparison::LessOrEqual => ordering != Ordering::Greater,
                    Comparison::Greater => ordering == Ordering::Greater,
                    Comparison::GreaterOrEqual => ordering != Ordering::Less,
                })
            }
            Self::In(term, set) => set.contains(&term.evaluate(&view)),
            Self::Contains(term, finder) => term
                .evaluate(&view)
                .text()
                .map(|text| finder.find(&text).is_some()),
            Self::Matches(term, regex) => {
                let value = term.evaluate(&view);
                let text = value.text()?;
                let (regex, cache) = caches.get_mut(*regex)?;
                Some(is_match(regex, cache, &text))
            }
            Self::Function(function, first, second) => {
                let second = second
                    .as_ref()
                    .map_or(Value::Null, |term| term.evaluate(&view));
                function::test(*function, &first.evaluate(&view), &second)
            }
        }
    }
}

fn is_match(regex: &meta::Regex, cache: &mut meta::Cache, text: &[u8]) -> bool {
    regex
        .search_half_with(cache, &Input::new(text).earliest(true))
        .is_some()
}

/// The literals of `in [...]`.
#[derive(Debug, Default)]
pub(super) struct Set {
    few: Vec<Box<[u8]>>,
    many: HashSet<Box<[u8]>, FixedState>,
    /// Of the literals that look like numbers.
    numbers: Vec<f64>,
}

impl Set {
    /// Up to this many texts are compared one by one.
    const FEW: usize = 6;

    pub(super) fn new(literals: Vec<Box<[u8]>>) -> Self {
        let numbers = literals
            .iter()
            .filter_map(|text| value::number(text))
            .collect();
        if literals.len() <= Self::FEW {
            Self {
                few: literals,
                numbers,
                ..Self::default()
            }
        } else {
            Self {
                many: literals.into_iter().collect(),
                numbers,
                ..Self::default()
            }
        }
    }

    fn contains(&self, value: &Value<'_>) -> Truth {
        let text = value.text()?;
        if self.few.iter().any(|item| **item == *text)
            || (!self.many.is_empty() && self.many.contains(&*text))
        {
            return Some(true);
        }
        if self.numbers.is_empty() {
            return Some(false);
        }
        Some(
            value
                .number()
                .is_some_and(|number| self.numbers.contains(&number)),
        )
    }
}
