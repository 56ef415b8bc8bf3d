//! The old detection query: its text as a program, and each of its conditions as one.

use super::stages::{self, Stage};
use super::{At, Leftover, line_of};
use crate::diagnostic::quote;
use crate::insights::syntax::{Command, Comparison, Expr, ExprKind, Pattern, Span};
use crate::insights::{self, Event, Options, Program, Query};

/// A condition on the whole line.
#[derive(Debug, Clone)]
pub struct Condition {
    pub at: At,
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

    /// The query without some of its exclusions.
    #[must_use]
    pub fn without(&self, dropped: &[usize]) -> Self {
        if dropped.is_empty() {
            return self.clone();
        }
        let exclusions = self.exclusions.iter().enumerate();
        Self {
            program: None,
            includes: self.includes.clone(),
            exclusions: exclusions
                .filter(|(index, _)| !dropped.contains(index))
                .map(|(_, condition)| condition.clone())
                .collect(),
        }
    }

    /// Whether an entry has what the query looks for, regardless of what it excludes.
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

/// A query in a file.
#[derive(Debug, Clone)]
pub struct Text<'a> {
    pub file: &'a str,
    pub text: &'a str,
    /// The line of the file on which it begins, from 1 on.
    pub line: usize,
    /// All of it is on that line: a text of JSON.
    pub is_one_line: bool,
}

impl Text<'_> {
    fn at(&self, byte: usize) -> At {
        let below = if self.is_one_line {
            0
        } else {
            line_of(self.text, byte) - 1
        };
        At::new(self.file, self.line + below)
    }
}

/// Reads a query. What cannot be read, or is no condition on the line, is told in `left`. A stage that does not decide who is
/// heard does not keep the others from being read.
pub fn read(input: &Text<'_>, left: &mut Vec<Leftover>) -> Option<OldQuery> {
    let all = stages::stages(input.text);
    // The source of the query is not part of what it looks for.
    let (sources, all): (Vec<_>, Vec<_>) =
        all.into_iter().partition(|stage| stage.command == "source");
    drop(sources);
    let whole: Vec<&Stage> = all.iter().collect();
    let (query, faults) = match compiled(input, &whole) {
        Ok(query) => (Some(query), Vec::new()),
        Err(faults) => (None, faults),
    };
    let (query, program) = match query {
        Some((query, program)) => (query, Some(program)),
        None => {
            let (query, is_whole) = in_parts(input, &all, &faults, left)?;
            let program = is_whole
                .then(|| Program::new(&query, Options::default()).ok())
                .flatten();
            (query, program)
        }
    };
    let mut old = OldQuery {
        program,
        includes: Vec::new(),
        exclusions: Vec::new(),
    };
    for stage in &query.stages {
        match &stage.command {
            Command::Filter(expr) => split(input, expr, false, &mut old, left),
            // The stages after it work on sums, not on lines.
            Command::Stats(_) => break,
            _ => {}
        }
    }
    Some(old)
}

fn compiled(input: &Text<'_>, stages: &[&Stage]) -> Result<(Query, Program), Vec<insights::Fault>> {
    let text = stages::only(input.text, stages);
    let query = insights::parse(&text)?;
    let program = Program::new(&query, Options::default())?;
    Ok((query, program))
}

/// The conditions of a query that cannot be run as a whole, and whether they are all there are. `None` where none can be read.
fn in_parts(
    input: &Text<'_>,
    all: &[Stage],
    faults: &[insights::Fault],
    left: &mut Vec<Leftover>,
) -> Option<(Query, bool)> {
    let lines: Vec<&Stage> = all.iter().take_while(|stage| !stage.gathers()).collect();
    let of = |wanted: &dyn Fn(&Stage) -> bool| -> Vec<&Stage> {
        lines
            .iter()
            .copied()
            .filter(|stage| wanted(stage))
            .collect()
    };
    let candidates = [
        of(&|stage| stage.is_condition() || stage.makes_fields()),
        of(&|stage| stage.is_condition() || stage.command == "parse"),
        of(&Stage::is_condition),
    ];
    let mut fault_of = |stage: &Stage, decides: bool, faults: &[insights::Fault]| {
        let of_stage = |fault: &&insights::Fault| {
            stage.span.start <= fault.span.start && fault.span.start <= stage.span.end
        };
        for fault in faults.iter().filter(of_stage) {
            let (what, help) = if decides {
                (
                    format!("a condition could not be evaluated: {}", fault.message),
                    fault.help.clone().unwrap_or_else(|| {
                        "it was treated as true: correct it, and run the command again".to_owned()
                    }),
                )
            } else {
                (
                    format!("a stage could not be run: {}", fault.message),
                    "it does not decide which records count, so it was left out".to_owned(),
                )
            };
            left.push(Leftover {
                at: input.at(fault.span.start),
                what,
                help,
                is_open: decides,
            });
        }
    };
    for candidate in candidates {
        if candidate.is_empty() {
            continue;
        }
        if let Ok((query, _)) = compiled(input, &candidate) {
            for stage in all.iter().filter(|stage| !candidate.contains(stage)) {
                fault_of(stage, false, faults);
            }
            return Some((query, true));
        }
    }
    // Each condition for itself: one that cannot be read is taken for met.
    let mut good = Vec::new();
    for stage in all {
        if !stage.is_condition() {
            // What cannot be distinguished from a condition is reported as one.
            let decides = !KNOWN.contains(&stage.command.as_str());
            fault_of(stage, decides, faults);
            continue;
        }
        match compiled(input, &[stage]) {
            Ok(_) if lines.contains(&stage) => good.push(stage),
            Ok(_) => {}
            Err(faults) => fault_of(stage, true, &faults),
        }
    }
    let (query, _) = compiled(input, &good).ok()?;
    Some((query, false))
}

/// Commands that take no line away for what it says.
const KNOWN: [&str; 12] = [
    "fields", "display", "parse", "stats", "sort", "limit", "dedup", "pattern", "diff", "anomaly",
    "unmask", "rare",
];

/// Parts of a condition that hold each for itself.
fn split(
    input: &Text<'_>,
    expr: &Expr,
    negated: bool,
    old: &mut OldQuery,
    left: &mut Vec<Leftover>,
) {
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

fn one(input: &Text<'_>, expr: &Expr, negated: bool, old: &mut OldQuery, left: &mut Vec<Leftover>) {
    let at = input.at(expr.span.start);
    let written = input.text.get(expr.span.range()).unwrap_or_default();
    let mut looked_for = as_search(expr).unwrap_or_else(|| expr.clone());
    let of_line = is_of_line(&looked_for);
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
        stages: vec![insights::Stage {
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
                what: format!("a condition does not search in @message: {}", quote(written)),
                help: "it was treated as true and not carried over: if it silences noise, write an exclusion on fields"
                    .to_owned(),
                is_open: true,
            });
        }
    }
}

/// `strcontains(@message, "x") = 0` and its kin as the search that they are.
fn as_search(expr: &Expr) -> Option<Expr> {
    let (call, negated) = match &expr.kind {
        ExprKind::Call { .. } => (expr, false),
        ExprKind::Compare(comparison, left, right) => {
            let (call, number) = match (&left.kind, &right.kind) {
                (ExprKind::Call { .. }, ExprKind::Number(number)) => (left, number),
                (ExprKind::Number(number), ExprKind::Call { .. }) => (right, number),
                _ => return None,
            };
            let is_one = match number.as_str() {
                "1" => true,
                "0" => false,
                _ => return None,
            };
            // The greater and the less only in the order that people write.
            let is_call_first = matches!(&left.kind, ExprKind::Call { .. });
            let negated = match comparison {
                Comparison::Equal => !is_one,
                Comparison::NotEqual => is_one,
                Comparison::Greater if is_call_first && !is_one => false,
                Comparison::GreaterOrEqual if is_call_first && is_one => false,
                Comparison::Less if is_call_first && is_one => true,
                _ => return None,
            };
            (&**call, negated)
        }
        _ => return None,
    };
    let ExprKind::Call { name, args } = &call.kind else {
        return None;
    };
    let [subject, looked_for] = args.as_slice() else {
        return None;
    };
    let ExprKind::Text(text) = &looked_for.kind else {
        return None;
    };
    name.text.eq_ignore_ascii_case("strcontains").then(|| Expr {
        span: expr.span,
        kind: ExprKind::Like {
            subject: Box::new(subject.clone()),
            negated,
            pattern: Pattern::Text(text.clone()),
        },
    })
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
