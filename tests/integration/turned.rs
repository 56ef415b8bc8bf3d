//! Logs Insights as our interpreter has it, and with single answers turned over: as a service would be that does otherwise than
//! `insights::assumed` says.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test's server may panic"
)]

use std::collections::HashSet;

use pgvigil::insights::syntax::{
    Column, Command, Comparison, Direction, Expr, ExprKind, Name, Operator, ParsePattern, Pattern,
    Query, RegexLiteral, Span, Stage,
};
use pgvigil::insights::{MissingField, Options, Program, Table, parse};

use crate::insights_server::{End, Stored};

/// Names of the assumptions that do not hold.
pub(crate) type Turned = [&'static str];

/// What a query came to.
#[derive(Debug)]
pub(crate) struct Answered {
    pub(crate) table: Table,
    pub(crate) matched: u64,
    pub(crate) scanned: u64,
    pub(crate) bytes: u64,
}

/// The time of a query: first and last second, and now in milliseconds.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Time {
    pub(crate) from: i64,
    pub(crate) until: i64,
    pub(crate) end: End,
    pub(crate) now_ms: i64,
}

/// Runs a query over the entries of some log groups; an error is the message of a `MalformedQueryException`.
pub(crate) fn answer<'a>(
    turned: &Turned,
    text: &str,
    time: Time,
    limit: u64,
    entries: impl Iterator<Item = &'a Stored>,
) -> Result<Answered, String> {
    let is = |name: &str| turned.contains(&name);
    let length = if is("longest-text") {
        text.len()
    } else {
        text.chars().count()
    };
    if length > 10_000 && !is("longer-text") {
        return Err("the query is longer than 10000 characters".to_owned());
    }
    if is("comments") && text.lines().any(|line| line.starts_with('#')) {
        return Err("unexpected symbol found # at line 1".to_owned());
    }
    let mut query = parse(&known(turned, text)).map_err(|faults| faults[0].message.clone())?;
    turned.iter().for_each(|name| turn(name, &mut query));
    let missing = if is("missing-not-equal") || is("missing-not-like") {
        MissingField::False
    } else {
        MissingField::Null
    };
    let options = Options {
        missing,
        query_start_ms: time.now_ms,
    };
    let program = Program::new(&query, options).map_err(|faults| faults[0].message.clone())?;
    let first = time.from * 1_000;
    let mut last = time.until * 1_000
        + match time.end {
            End::FirstMillisecond => 0,
            End::WholeSecond if is("last-second") => 0,
            End::WholeSecond => 999,
        };
    if is("two-hours-ahead") {
        last = last.min(time.now_ms);
    }
    let (mut matched, mut scanned, mut bytes) = (0, 0, 0);
    let mut run = program.run();
    let mut seen = HashSet::new();
    for entry in entries {
        let out_of_range = entry.timestamp_ms < first || entry.timestamp_ms > last;
        if out_of_range || entry.found_ms > time.now_ms {
            continue;
        }
        if is("equal-entries") && !seen.insert((entry.timestamp_ms, entry.message.clone())) {
            continue;
        }
        scanned += 1;
        bytes += entry.message.len() as u64;
        let turned_entry = turned_entry(turned, entry);
        let entry = turned_entry.as_ref().unwrap_or(entry);
        let log = if is("name-of-the-log") {
            entry.group.clone()
        } else {
            format!("123456789012:{}", entry.group)
        };
        let verdict = entry.event_of(&log, |event| run.push(event));
        matched += u64::from(verdict.kept);
    }
    let mut table = run.finish();
    let most = if is("many-rows") {
        limit.min(10_000)
    } else {
        limit
    };
    table.rows.truncate(usize::try_from(most).unwrap());
    if is("many-distinct") && text.contains("count_distinct(id)") {
        for cell in table.rows.iter_mut().flatten().flatten() {
            let number: f64 = cell.parse().unwrap();
            if number > 5_000.0 {
                *cell = (number * 0.8).round().to_string();
            }
        }
    }
    Ok(Answered {
        table,
        matched,
        scanned,
        bytes,
    })
}

/// A text that our interpreter takes in the place of one that it refuses.
fn known(turned: &Turned, text: &str) -> String {
    let is = |name: &str| turned.contains(&name);
    let nothing = "filter @message like 'nowhere' | display @message".to_owned();
    if text.contains("filter record = 'pgvigil.detection'") {
        return nothing;
    }
    if text.contains("filter probe = 'json'") {
        return if is("json-fields") {
            nothing
        } else {
            "filter @message like /\"probe\":/\n\
             | parse @message /\"person\":\"(?<person>[a-z]+)\",\"statements\":(?<statements>[0-9]+)/\n\
             | display person, statements"
                .to_owned()
        };
    }
    if text.contains("'clock' and @message like 'nowhere'") {
        let conditions = if is("precedence") {
            "(@message like 'missing ' or @message like 'clock') and @message like 'nowhere'"
        } else {
            "@message like 'missing ' or (@message like 'clock' and @message like 'nowhere')"
        };
        return format!("filter {conditions}\n| stats count(*) as n");
    }
    text.to_owned()
}

/// The entry as a query sees it, where that is another.
fn turned_entry(turned: &Turned, entry: &Stored) -> Option<Stored> {
    let mut own = None;
    for name in turned {
        match *name {
            "line-break-kept" => {
                let text = String::from_utf8_lossy(&entry.message).replace("\r\n", "\n");
                own.get_or_insert_with(|| entry.clone()).message = text.into_bytes();
            }
            "long-entry" => {
                own.get_or_insert_with(|| entry.clone())
                    .message
                    .truncate(65_536);
            }
            "milliseconds" => {
                let second = entry.timestamp_ms.div_euclid(1_000) * 1_000;
                own.get_or_insert_with(|| entry.clone()).timestamp_ms = second;
            }
            _ => {}
        }
    }
    own
}

fn expr(kind: ExprKind) -> Expr {
    Expr {
        span: Span::default(),
        kind,
    }
}

fn name(text: &str) -> Name {
    Name {
        span: Span::default(),
        text: text.to_owned(),
    }
}

fn call(function: &str, args: Vec<Expr>) -> Expr {
    expr(ExprKind::Call {
        name: name(function),
        args,
    })
}

fn stage(command: Command) -> Stage {
    Stage {
        span: Span::default(),
        comments: Vec::new(),
        command,
    }
}

fn like(subject: Expr, negated: bool, pattern: String) -> Expr {
    let literal = RegexLiteral {
        span: Span::default(),
        pattern,
    };
    expr(ExprKind::Like {
        subject: Box::new(subject),
        negated,
        pattern: Pattern::Regex(literal),
    })
}

/// A text as an expression that finds it in any case.
fn in_any_case(text: &str, whole: bool) -> String {
    let mut pattern = String::from("(?i)");
    if whole {
        pattern.push('^');
    }
    for character in text.chars() {
        if character.is_ascii_punctuation() {
            pattern.push('\\');
        }
        pattern.push(character);
    }
    if whole {
        pattern.push('$');
    }
    pattern
}

/// Turns an answer over in a query.
fn turn(answer: &str, query: &mut Query) {
    match answer {
        "missing-key" => {
            return insert(query, |command| match command {
                Command::Stats(stats) => stats
                    .by
                    .iter()
                    .filter(|column| matches!(column.expr.kind, ExprKind::Field(_)))
                    .map(|column| Command::Filter(call("ispresent", vec![column.expr.clone()])))
                    .collect(),
                _ => Vec::new(),
            });
        }
        "missing-order" => {
            insert(query, |command| match command {
                Command::Sort(keys) => vec![Command::Fields(
                    keys.iter()
                        .enumerate()
                        .map(|(index, key)| Column {
                            expr: call("isempty", vec![key.expr.clone()]),
                            alias: Some(name(&format!("emptyKey{index}"))),
                        })
                        .collect(),
                )],
                _ => Vec::new(),
            });
            for stage in &mut query.stages {
                if let Command::Sort(keys) = &mut stage.command {
                    let mut before = keys[0].clone();
                    before.expr = expr(ExprKind::Field("emptyKey0".to_owned()));
                    before.direction = Some(Direction::Descending);
                    keys.insert(0, before);
                }
            }
            return;
        }
        "order-of-numbers" => {
            for stage in &mut query.stages {
                if let Command::Sort(keys) = &mut stage.command {
                    for key in keys {
                        key.direction = Some(match key.direction {
                            Some(Direction::Ascending) => Direction::Descending,
                            _ => Direction::Ascending,
                        });
                    }
                }
            }
            return;
        }
        _ => {}
    }
    for stage in &mut query.stages {
        match &mut stage.command {
            Command::Fields(columns) => columns
                .iter_mut()
                .for_each(|column| walk(answer, &mut column.expr)),
            Command::Filter(condition) => walk(answer, condition),
            Command::Parse(parse) => {
                if let ParsePattern::Regex(literal) = &mut parse.pattern {
                    literal.pattern = turn_pattern(answer, &literal.pattern);
                }
            }
            Command::Stats(stats) => {
                let columns = stats.aggregates.iter_mut().chain(&mut stats.by);
                columns.for_each(|column| walk(answer, &mut column.expr));
            }
            Command::Sort(_) | Command::Display(_) | Command::Limit(_) | Command::Dedup(_) => {}
        }
    }
}

/// Puts stages before those that ask for them.
fn insert(query: &mut Query, before: impl Fn(&Command) -> Vec<Command>) {
    let stages = std::mem::take(&mut query.stages);
    for own in stages {
        query
            .stages
            .extend(before(&own.command).into_iter().map(stage));
        query.stages.push(own);
    }
}

/// Turns an answer over in an expression, from the inside out.
fn walk(answer: &str, own: &mut Expr) {
    match &mut own.kind {
        ExprKind::Call { args, .. } | ExprKind::And(args) | ExprKind::Or(args) => {
            args.iter_mut().for_each(|arg| walk(answer, arg));
        }
        ExprKind::Negate(inner) | ExprKind::Not(inner) => walk(answer, inner),
        ExprKind::Arithmetic(_, left, right) | ExprKind::Compare(_, left, right) => {
            walk(answer, left);
            walk(answer, right);
        }
        ExprKind::In { subject, .. } => walk(answer, subject),
        ExprKind::Like {
            subject, pattern, ..
        } => {
            walk(answer, subject);
            if let Pattern::Regex(literal) = pattern {
                literal.pattern = turn_pattern(answer, &literal.pattern);
            }
        }
        _ => {}
    }
    if let Some(other) = turn_expr(answer, own) {
        *own = other;
    }
}

fn turn_expr(answer: &str, own: &Expr) -> Option<Expr> {
    match (&own.kind, answer) {
        (ExprKind::Call { name, args }, _) => {
            let first = || args[0].clone();
            let text = |text: &str| expr(ExprKind::Text(text.to_owned()));
            match (name.text.as_str(), answer) {
                ("isempty", "missing-isempty") => Some(call(
                    "isempty",
                    vec![call("coalesce", vec![first(), text("x")])],
                )),
                ("coalesce", "missing-coalesce") => Some(call("coalesce", vec![first()])),
                ("concat", "missing-concat") => {
                    let each = args.iter().cloned();
                    let each = each.map(|arg| call("coalesce", vec![arg, text("")]));
                    Some(call("concat", each.collect()))
                }
                ("replace", "replace-all") => Some(call("concat", vec![first()])),
                ("strlen", "length") => Some(call(
                    "strlen",
                    vec![call("concat", vec![first(), text("_")])],
                )),
                ("floor", "floor") => Some(expr(ExprKind::Arithmetic(
                    Operator::Add,
                    Box::new(first()),
                    Box::new(expr(ExprKind::Number("0".to_owned()))),
                ))),
                ("count_distinct", "few-distinct") => Some(call("count", args.clone())),
                ("latest", "latest") => Some(call("earliest", args.clone())),
                _ => None,
            }
        }
        (ExprKind::Field(field), "time-of-arrival") if field == "@ingestionTime" => {
            Some(expr(ExprKind::Field("@timestamp".to_owned())))
        }
        (ExprKind::Not(inner), "unary-not") => Some((**inner).clone()),
        (
            ExprKind::Like {
                subject,
                negated,
                pattern: Pattern::Text(text),
            },
            "text-case",
        ) => Some(like(
            (**subject).clone(),
            *negated,
            in_any_case(text, false),
        )),
        (ExprKind::Compare(Comparison::Equal, left, right), "equality-case") => match &right.kind {
            ExprKind::Text(text) => Some(like((**left).clone(), false, in_any_case(text, true))),
            _ => None,
        },
        (
            ExprKind::In {
                subject,
                negated: false,
                list,
            },
            "list-case",
        ) => {
            let each = list.iter().filter_map(|literal| match &literal.kind {
                ExprKind::Text(text) => {
                    Some(like((**subject).clone(), false, in_any_case(text, true)))
                }
                _ => None,
            });
            Some(expr(ExprKind::Or(each.collect())))
        }
        _ => None,
    }
}

/// Turns an answer over in a regular expression.
fn turn_pattern(answer: &str, pattern: &str) -> String {
    match answer {
        "group-without-part" => pattern.replace("(?<a>x)?", "(?<a>x|)"),
        "expression-case" if !pattern.starts_with("(?i)") => format!("(?i){pattern}"),
        "expression-flag" => pattern.replace("(?i)", ""),
        "dot-and-line-break" => outside_of_classes(pattern, '.', r"[\s\S]"),
        "class-and-line-break" => pattern.replace(r"[\s\S]", r"[^\n]").replace("[^", r"[^\n"),
        "start-of-text" => outside_of_classes(pattern, '^', r"(?:^|\n)"),
        "end-of-text" => outside_of_classes(pattern, '$', r"(?:$|\n)"),
        "first-choice" => pattern.replace("(?<got>a|ab)", "(?<got>ab|a)"),
        "repetition" => {
            let opened = outside_of_classes(pattern, '{', r"\{");
            outside_of_classes(&opened, '}', r"\}")
        }
        "characters" => pattern.replace("[^ -~]", "[!-~]"),
        _ => pattern.to_owned(),
    }
}

/// Puts something in the place of a character that stands for itself, or for something, outside of classes.
fn outside_of_classes(pattern: &str, own: char, instead: &str) -> String {
    let mut out = String::new();
    let (mut escaped, mut inside) = (false, false);
    for character in pattern.chars() {
        match character {
            _ if escaped => {
                escaped = false;
                out.push(character);
                continue;
            }
            '\\' => escaped = true,
            '[' => inside = true,
            ']' => inside = false,
            _ => {}
        }
        if character == own && !inside {
            out.push_str(instead);
        } else {
            out.push(character);
        }
    }
    out
}
