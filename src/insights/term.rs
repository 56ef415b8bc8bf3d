//! Compiled values: names are slots, and nothing is allocated but by functions that build text.

use super::function::{self, Function};
use super::segment::View;
use super::syntax::Operator;
use super::value::Value;

#[derive(Debug)]
pub(super) enum Term {
    Slot(usize),
    Text(Box<[u8]>),
    Number(f64),
    Call {
        function: Function,
        args: Vec<Term>,
    },
    /// `bin`, `datefloor` and `dateceil`; the step is in milliseconds.
    Period {
        function: Function,
        time: Box<Term>,
        step: i64,
    },
    Arithmetic(Operator, Box<Term>, Box<Term>),
    Negate(Box<Term>),
}

impl Term {
    /// The value in a row whose slots have been computed.
    pub(super) fn evaluate<'a>(&'a self, view: &View<'a>) -> Value<'a> {
        match self {
            Self::Slot(slot) => view.value(*slot),
            Self::Text(text) => Value::from_text(text.as_ref()),
            Self::Number(number) => Value::Number(*number),
            Self::Call { function, args } => {
                let arg = |index: usize| {
                    args.get(index)
                        .map_or(Value::Null, |arg| arg.evaluate(view))
                };
                function::call(*function, args.len(), arg, view.now)
            }
            Self::Period {
                function,
                time,
                step,
            } => match time.evaluate(view) {
                Value::Time(time) if *function == Function::DateCeil => {
                    Value::Time(function::ceil(time, *step))
                }
                Value::Time(time) => Value::Time(function::floor(time, *step)),
                _ => Value::Null,
            },
            Self::Arithmetic(operator, left, right) => {
                match (left.evaluate(view).number(), right.evaluate(view).number()) {
                    (Some(left), Some(right)) => {
                        Value::from_number(arithmetic(*operator, left, right))
                    }
                    _ => Value::Null,
                }
            }
            Self::Negate(inner) => inner
                .evaluate(view)
                .number()
                .map_or(Value::Null, |number| Value::from_number(-number)),
        }
    }

    /// The slot whose value this is, as it stands, in a row whose slots have been computed. None where
    /// a value is made anew.
    pub(super) fn same_as(&self, view: &View<'_>) -> Option<usize> {
        match self {
            Self::Slot(slot) => Some(*slot),
            Self::Call {
                function: Function::Coalesce,
                args,
            } => {
                let first = args.iter().find(|arg| match arg {
                    Self::Slot(slot) => !view.value(*slot).is_null(),
                    _ => true,
                });
                first.and_then(|arg| arg.same_as(view))
            }
            _ => None,
        }
    }

    /// Appends the value as [`Value::encode`] does, without building a text on the way. False when
    /// it is missing.
    pub(super) fn encode(&self, view: &View<'_>, into: &mut Vec<u8>) -> bool {
        let Self::Call {
            function: Function::Concat,
            args,
        } = self
        else {
            let value = self.evaluate(view);
            value.encode(into);
            return !value.is_null();
        };
        let start = into.len();
        Value::from_text(&b""[..]).encode(into);
        let text = into.len();
        for arg in args {
            let value = arg.evaluate(view);
            let Some(part) = value.text() else {
                into.truncate(start);
                Value::Null.encode(into);
                return false;
            };
            into.extend_from_slice(&part);
        }
        Value::seal_text(into, start, text);
        true
    }

    /// Appends the slots that the value is computed from.
    pub(super) fn slots(&self, into: &mut Vec<usize>) {
        match self {
            Self::Slot(slot) => into.push(*slot),
            Self::Text(_) | Self::Number(_) => {}
            Self::Call { args, .. } => args.iter().for_each(|arg| arg.slots(into)),
            Self::Period { time: inner, .. } | Self::Negate(inner) => inner.slots(into),
            Self::Arithmetic(_, left, right) => {
                left.slots(into);
                right.slots(into);
            }
        }
    }
}

fn arithmetic(operator: Operator, left: f64, right: f64) -> f64 {
    match operator {
        Operator::Add => left + right,
        Operator::Subtract => left - right,
        Operator::Multiply => left * right,
        Operator::Divide => left / right,
        Operator::Remainder => left % right,
        Operator::Power => left.powf(right),
    }
}
