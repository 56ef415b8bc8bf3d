//! Whether a condition's outcome depends on what a comparison with a missing field is.
//!
//! For one field at a time that is missing, every test in a condition gets an [`Outcome`]; `and`,
//! `or` and `not` combine them. A test whose outcome is open matters unless something beside it
//! decides first: `isempty(f) = 1 or f != 'x'` and `ispresent(f) and f != 'x'` are guarded.

use super::syntax::{Comparison, Expr, ExprKind, Span};
use super::value;

/// What a value is when one field is missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Presence {
    Missing,
    Present,
    /// It has nothing to do with the missing field.
    Either,
    /// A function or a computation of a missing value: not documented.
    Open,
}

/// What a condition is when one field is missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    True,
    False,
    /// False or unknown, which `filter` treats alike and `not` does not.
    NotTrue,
    /// True or false, whatever a missing field compares as.
    Decided,
    /// As `Decided`, with unknown in the place of some false.
    DecidedOrUnknown,
    /// It depends on what a missing field compares as.
    Open,
}

/// Tells what a value is while a field is missing.
pub(super) trait Absence {
    fn presence(&self, field: &str) -> Presence;
}

pub(super) fn presence(expr: &Expr, absence: &impl Absence) -> Presence {
    match &expr.kind {
        ExprKind::Field(name) => absence.presence(name),
        ExprKind::Call { name, args } => call_presence(&name.text, args, absence),
        ExprKind::Negate(inner) => strict([presence(inner, absence)]),
        ExprKind::Arithmetic(_, left, right) => {
            strict([presence(left, absence), presence(right, absence)])
        }
        _ => Presence::Present,
    }
}

fn call_presence(name: &str, args: &[Expr], absence: &impl Absence) -> Presence {
    let mut all = args.iter().map(|arg| presence(arg, absence));
    match name.to_ascii_lowercase().as_str() {
        "isempty" | "isblank" => match all.next() {
            Some(Presence::Open) => Presence::Open,
            _ => Presence::Present,
        },
        "coalesce" => {
            let mut result = Presence::Missing;
            for arg in all {
                match arg {
                    Presence::Present if result == Presence::Missing => return Presence::Present,
                    Presence::Present => return result_or_present(result),
                    Presence::Open => result = Presence::Open,
                    Presence::Either if result == Presence::Missing => result = Presence::Either,
                    _ => {}
                }
            }
            result
        }
        _ => strict(all),
    }
}

fn result_or_present(result: Presence) -> Presence {
    if result == Presence::Open {
        Presence::Open
    } else {
        Presence::Present
    }
}

fn strict(parts: impl IntoIterator<Item = Presence>) -> Presence {
    let mut result = Presence::Present;
    for part in parts {
        match part {
            Presence::Missing | Presence::Open => return Presence::Open,
            Presence::Either => result = Presence::Either,
            Presence::Present => {}
        }
    }
    result
}

/// The outcome of a condition; appends the places that make it open.
pub(super) fn outcome(expr: &Expr, absence: &impl Absence, open: &mut Vec<Span>) -> Outcome {
    match &expr.kind {
        ExprKind::And(items) => {
            let mut inner = Vec::new();
            let all: Vec<_> = items
                .iter()
                .map(|item| outcome(item, absence, &mut inner))
                .collect();
            conclude(all_of(&all), inner, open)
        }
        ExprKind::Or(items) => {
            let mut inner = Vec::new();
            let all: Vec<_> = items
                .iter()
                .map(|item| outcome(item, absence, &mut inner))
                .collect();
            conclude(any_of(&all), inner, open)
        }
        ExprKind::Not(operand) => match outcome(operand, absence, open) {
            Outcome::True => Outcome::False,
            Outcome::False => Outcome::True,
            Outcome::Decided => Outcome::Decided,
            Outcome::Open => Outcome::Open,
            Outcome::NotTrue | Outcome::DecidedOrUnknown => {
                open.push(expr.span);
                Outcome::Open
            }
        },
        ExprKind::Compare(comparison, left, right) => {
            if let Some(outcome) = emptiness(*comparison, left, right, absence) {
                return outcome;
            }
            let sides = [presence(left, absence), presence(right, absence)];
            test(expr, sides, *comparison == Comparison::NotEqual, open)
        }
        ExprKind::In {
            subject, negated, ..
        }
        | ExprKind::Like {
            subject, negated, ..
        } => test(
            expr,
            [presence(subject, absence), Presence::Present],
            *negated,
            open,
        ),
        ExprKind::Call { name, args } if name.text.eq_ignore_ascii_case("ispresent") => {
            match args.first().map(|arg| presence(arg, absence)) {
                Some(Presence::Missing) => Outcome::False,
                Some(Presence::Open) => {
                    open.push(expr.span);
                    Outcome::Open
                }
                _ => Outcome::Decided,
            }
        }
        ExprKind::Call { args, .. } => {
            let mut sides = args.iter().map(|arg| presence(arg, absence));
            let sides = [
                sides.next().unwrap_or(Presence::Present),
                sides.next().unwrap_or(Presence::Present),
            ];
            test(expr, sides, false, open)
        }
        _ => Outcome::Decided,
    }
}

fn conclude(outcome: Outcome, mut inner: Vec<Span>, open: &mut Vec<Span>) -> Outcome {
    if outcome == Outcome::Open {
        open.append(&mut inner);
    }
    outcome
}

fn test(expr: &Expr, sides: [Presence; 2], negated: bool, open: &mut Vec<Span>) -> Outcome {
    let missing = sides.contains(&Presence::Missing);
    if sides.contains(&Presence::Open) || (missing && negated) {
        open.push(expr.span);
        Outcome::Open
    } else if missing {
        Outcome::NotTrue
    } else {
        Outcome::Decided
    }
}

/// `isempty(f) = 1` and its like, which are decided when `f` is missing.
fn emptiness(
    comparison: Comparison,
    left: &Expr,
    right: &Expr,
    absence: &impl Absence,
) -> Option<Outcome> {
    let (call, number) = match (&left.kind, &right.kind) {
        (ExprKind::Call { .. }, ExprKind::Number(number)) => (left, number),
        (ExprKind::Number(number), ExprKind::Call { .. }) => (right, number),
        _ => return None,
    };
    let ExprKind::Call { name, args } = &call.kind else {
        return None;
    };
    if !["isempty", "isblank"]
        .iter()
        .any(|known| known.eq_ignore_ascii_case(&name.text))
    {
        return None;
    }
    let number = value::number(number.as_bytes())?;
    let equal = match comparison {
        Comparison::Equal => true,
        Comparison::NotEqual => false,
        _ => return None,
    };
    match presence(args.first()?, absence) {
        Presence::Missing if (number == 1.0) == equal => Some(Outcome::True),
        Presence::Missing => Some(Outcome::False),
        Presence::Open => None,
        _ => Some(Outcome::Decided),
    }
}

fn all_of(all: &[Outcome]) -> Outcome {
    let has = |outcome| all.contains(&outcome);
    if has(Outcome::False) {
        Outcome::False
    } else if has(Outcome::NotTrue) {
        Outcome::NotTrue
    } else if has(Outcome::Open) {
        Outcome::Open
    } else if has(Outcome::DecidedOrUnknown) {
        Outcome::DecidedOrUnknown
    } else if has(Outcome::Decided) {
        Outcome::Decided
    } else {
        Outcome::True
    }
}

fn any_of(all: &[Outcome]) -> Outcome {
    let has = |outcome| all.contains(&outcome);
    if has(Outcome::True) {
        Outcome::True
    } else if has(Outcome::Open) {
        Outcome::Open
    } else if has(Outcome::NotTrue) || has(Outcome::DecidedOrUnknown) {
        let none_true = all
            .iter()
            .all(|outcome| matches!(outcome, Outcome::False | Outcome::NotTrue));
        if none_true {
            Outcome::NotTrue
        } else {
            Outcome::DecidedOrUnknown
        }
    } else if has(Outcome::Decided) {
        Outcome::Decided
    } else {
        Outcome::False
    }
}
