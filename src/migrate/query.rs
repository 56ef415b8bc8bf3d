//! The old detection query: its text as a program, and each of its conditions as one.

use super::{At, Input, Leftover, line_of};
use crate::diagnostic::quote;
use crate::insights::syntax::{Command, Expr, ExprKind, Pattern, Span};
use crate::insights::{self, Event, Options, Program, Query, Stage};

/// A condition on the whole line.
#[derive(Debug, Clone)]
pub struct Condition {
    /// Where it stands.
    pub at: At,
    /// As written.
    pub shown: String,
    /// What is looked for; none of a condition that is put together.
    pub pattern: Option<Pattern>,
    program: Program,
}

impl Condition {
    /// Says whether it finds something in an entry.
    pub fn finds(&self, entry: &[u8]) -> bool {
        kept(&self.program, entry)
    }
}

/// A query, ready to run.
#[derive(Debug, Clone)]
pub struct OldQuery {
    /// All of it, as written; none where it asks for more than the line tells. Then its conditions on the line decide, and
    /// the others are taken for met: what is shown to hide, hides all the more where they are not.
    program: Option<Program>,
    /// What a line must hold.
    pub includes: Vec<Condition>,
    /// What it must not hold.
    pub exclusions: Vec<Condition>,
}

impl OldQuery {
    /// Says whether the query counts an entry.
    pub fn counts(&self, entry: &[u8]) -> bool {
        match &self.program {
            Some(program) => kept(program, entry),
            None => {
                self.includes(entry)
                    && !self
                        .exclusions
                        .iter()
                        .any(|condition| condition.finds(entry))
            }
        }
    }

    /// Says whether an entry has what the query looks for, whatever it excludes.
    pub fn includes(&self, entry: &[u8]) -> bool {
        self.includes.iter().all(|condition| condition.finds(entry))
    }
}

fn kept(program: &Program, entry: &[u8]) -> bool {
    let event = Event {
        message: entry,
        timestamp_ms: 0,
        ingestion_ms: 0,
        log_stream: b"",
        log: b"",
    };
    program.judge(&mut program.scratch(), &event).kept
}

/// Reads a query. What cannot be read, or is no condition on the line, is told in `left`.
pub fn read(input: &Input, left: &mut Vec<Leftover>) -> Option<OldQuery> {
    let mut refused = |faults: Vec<insights::Fault>| {
        for fault in faults {
            left.push(Leftover {
                at: At::new(&input.name, line_of(&input.text, fault.span.start)),
                what: format!("the query cannot be run: {}", fault.message),
                help: fault.help.unwrap_or_else(|| {
                    "correct it, or leave the stage out; without it nothing can be said of the query's exclusions".to_owned()
                }),
                is_open: true,
            });
        }
    };
    let query = match insights::parse(&input.text) {
        Ok(query) => query,
        Err(faults) => {
            refused(faults);
            return None;
        }
    };
    let program = match Program::new(&query, Options::default()) {
        Ok(program) => program,
        Err(faults) => {
            refused(faults);
            return None;
        }
    };
    let mut old = OldQuery {
        program: Some(program),
        includes: Vec::new(),
        exclusions: Vec::new(),
    };
    for stage in &query.stages {
        if let Command::Filter(expr) = &stage.command {
            split(input, expr, false, &mut old, left);
        }
    }
    Some(old)
}

/// Parts of a condition that hold each for itself.
fn split(input: &Input, expr: &Expr, negated: bool, old: &mut OldQuery, left: &mut Vec<Leftover>) {
    match &expr.kind {
        ExprKind::And(parts) if !negated => {
            for part in parts {
                split(input, part, negated, old, left);
            }
        }
        ExprKind::Or(parts) if negated => {
            for part in parts {
                split(input, part, negated, old, left);
            }
        }
        ExprKind::Not(inner) => split(input, inner, !negated, old, left),
        _ => one(input, expr, negated, old, left),
    }
}

fn one(input: &Input, expr: &Expr, negated: bool, old: &mut OldQuery, left: &mut Vec<Leftover>) {
    let at = At::new(&input.name, line_of(&input.text, expr.span.start));
    let written = input.text.get(expr.span.range()).unwrap_or_default();
    let of_line = is_of_line(expr);
    let mut looked_for = expr.clone();
    let mut is_exclusion = negated;
    let mut pattern = None;
    let mut shown = written.to_owned();
    if let ExprKind::Like {
        negated: inner,
        pattern: found,
        ..
    } = &mut looked_for.kind
    {
        is_exclusion ^= *inner;
        *inner = false;
        shown = match found {
            Pattern::Text(text) => format!("'{text}'"),
            Pattern::Regex(regex) => format!("/{}/", regex.pattern),
        };
        pattern = Some(found.clone());
    }
    let query = Query {
        stages: vec![Stage {
            span: Span::default(),
            comments: Vec::new(),
            command: Command::Filter(looked_for),
        }],
        trailing_comments: Vec::new(),
    };
    let program = Program::new(&query, Options::default());
    match program {
        Ok(program) if of_line => {
            let condition = Condition {
                at,
                shown,
                pattern,
                program,
            };
            if is_exclusion {
                old.exclusions.push(condition);
            } else {
                old.includes.push(condition);
            }
        }
        _ => {
            old.program = None;
            left.push(Leftover {
                at,
                what: format!("a condition that is no search in @message: {}", quote(written)),
                help: "it was taken for met, and is carried over to no file: write an exclusion on fields where it silences noise"
                    .to_owned(),
                is_open: true,
            });
        }
    }
}

/// Says whether a condition looks at the line alone.
fn is_of_line(expr: &Expr) -> bool {
    match &expr.kind {
        ExprKind::Like { subject, .. } => {
            matches!(&subject.kind, ExprKind::Field(name) if name == "@message")
        }
        ExprKind::And(parts) | ExprKind::Or(parts) => parts.iter().all(is_of_line),
        ExprKind::Not(inner) => is_of_line(inner),
        _ => false,
    }
}
