//! Syntax tree to program: names become slots, and everything without a documented meaning is refused.
//!
//! The stages are taken in order. The lowering keeps a table from each name to its slot, so a stage can only use names that an
//! earlier stage has set, and knows the kind of each value (text, number, time). `stats`, `sort`, `limit` and `dedup` end the
//! current segment and begin a new part; after a `stats` the table contains only its own columns.
//!
//! A fault does not end the lowering: the stage is left out and the next one is checked. After a fault, unknown names are not
//! reported, because the refused stage might have set them.

use std::collections::HashMap;

use memchr::memmem;

use super::aggregate::{Aggregate, Plan};
use super::extract::{Extractor, Glob};
use super::function::{self, Function, Kind, SIGNATURES};
use super::parse::similar;
use super::predicate::{Condition, MissingField, Set, Test};
use super::regex;
use super::segment::{EVENT_FIELDS, Filter, Segment, Slot, Step};
use super::syntax::{
    Column, Command, Comparison, Direction, Expr, ExprKind, Name, Parse, ParsePattern, Pattern,
    Query, RegexLiteral, SortKey, Span, Stats,
};
use super::term::Term;
use super::value;
use crate::policy::pattern::Fault;

/// What ends a run of row-wise stages.
#[derive(Debug)]
pub(super) enum Barrier {
    End,
    Stats(Plan),
    Sort(Vec<(usize, Direction)>),
    Limit(usize),
    Dedup(Vec<usize>),
}

#[derive(Debug)]
pub(super) struct Part {
    pub(super) segment: Segment,
    pub(super) barrier: Barrier,
}

#[derive(Debug)]
pub(super) struct Pipeline {
    /// At least one; the last ends in [`Barrier::End`].
    pub(super) parts: Vec<Part>,
    /// Names and slots of the last part.
    pub(super) columns: Vec<(String, usize)>,
    /// Whether a `limit` is written.
    pub(super) limited: bool,
}

/// More stages than a query of 10,000 characters can hold.
const MAX_STAGES: usize = 1_000;

/// Aggregates by their documented names.
const AGGREGATES: [&str; 12] = [
    "count",
    "count_distinct",
    "sum",
    "avg",
    "min",
    "max",
    "earliest",
    "latest",
    "pct",
    "stddev",
    "sortsFirst",
    "sortsLast",
];

pub(super) fn lower(
    query: &Query,
    missing: MissingField,
    now: i64,
) -> Result<Pipeline, Vec<Fault>> {
    if let Some(stage) = query.stages.get(MAX_STAGES) {
        let fault = Fault::new(
            stage.span,
            format!("a query has more than {MAX_STAGES} stages"),
        );
        return Err(vec![fault.help("join conditions with `and`")]);
    }
    let mut lowering = Lowering::new(missing, now);
    for (index, stage) in query.stages.iter().enumerate() {
        let before = lowering.faults.len();
        lowering.stage(index, stage.span, &stage.command);
        lowering.broken |= lowering.faults.len() > before;
    }
    lowering.finish()
}

struct Lowering {
    parts: Vec<Part>,
    segment: Segment,
    names: HashMap<String, usize>,
    columns: Option<Vec<String>>,
    displayed: bool,
    stats: usize,
    limited: bool,
    sorted: Option<Span>,
    deduped: bool,
    faults: Vec<Fault>,
    /// A stage before was refused: names it would have set are unknown.
    broken: bool,
}

impl Lowering {
    fn new(missing: MissingField, now: i64) -> Self {
        let segment = Segment {
            missing,
            now,
            ..Segment::default()
        };
        let mut lowering = Self {
            parts: Vec::new(),
            segment,
            names: HashMap::new(),
            columns: None,
            displayed: false,
            stats: 0,
            limited: false,
            sorted: None,
            deduped: false,
            faults: Vec::new(),
            broken: false,
        };
        for (name, kind) in EVENT_FIELDS {
            lowering.add_slot(name.to_owned(), kind, None);
        }
        lowering
    }

    fn fault(&mut self, fault: Fault) {
        self.faults.push(fault);
    }

    fn add_slot(&mut self, name: String, kind: Kind, step: Option<usize>) -> usize {
        let slot = self.segment.slots.len();
        self.names.insert(name.clone(), slot);
        self.segment.slots.push(Slot { name, kind, step });
        slot
    }

    /// Whether a name may be given to a new value; tells the fault if not.
    fn is_new(&mut self, span: Span, name: &str) -> bool {
        let message = if EVENT_FIELDS.iter().any(|(field, _)| *field == name) || name == "@ptr" {
            format!("`{name}` is a field of the service")
        } else if self.names.contains_key(name) {
            format!("`{name}` is set already: the effect of a second value is not documented")
        } else {
            return true;
        };
        self.fault(Fault::new(span, message).help("choose another name"));
        false
    }

    fn stage(&mut self, index: usize, span: Span, command: &Command) {
        if self.deduped && !matches!(command, Command::Limit(_)) {
            self.fault(Fault::new(span, "only `limit` can follow `dedup`"));
            return;
        }
        match command {
            Command::Fields(columns) => self.fields(columns),
            Command::Display(names) => {
                let names: Vec<String> = names
                    .iter()
                    .filter_map(|name| self.name(name).map(|_| name.text.clone()))
                    .collect();
                self.columns = Some(names);
                self.displayed = true;
            }
            Command::Filter(condition) => {
                if let Some(condition) = self.condition(condition) {
                    self.segment.filters.push(Filter {
                        stage: index,
                        condition,
                    });
                }
            }
            Command::Parse(parse) => self.parse(parse),
            Command::Stats(stats) => self.stats(span, stats),
            Command::Sort(keys) => self.sort(span, keys),
            Command::Limit(rows) => {
                self.limited = true;
                self.sorted.get_or_insert(span);
                let rows = usize::try_from(*rows).unwrap_or(usize::MAX);
                self.end_part(Barrier::Limit(rows));
            }
            Command::Dedup(names) => {
                let slots = names.iter().filter_map(|name| self.name(name)).collect();
                self.sorted.get_or_insert(span);
                self.deduped = true;
                self.end_part(Barrier::Dedup(slots));
            }
        }
    }

    /// Ends a part whose rows go on with all their fields.
    fn end_part(&mut self, barrier: Barrier) {
        let slots: Vec<(String, Kind)> = self
            .segment
            .slots
            .iter()
            .map(|slot| (slot.name.clone(), slot.kind))
            .collect();
        self.next_part(barrier, slots);
    }

    fn next_part(&mut self, barrier: Barrier, slots: Vec<(String, Kind)>) {
        let segment = Segment {
            missing: self.segment.missing,
            now: self.segment.now,
            ..Segment::default()
        };
        let segment = std::mem::replace(&mut self.segment, segment);
        self.parts.push(Part { segment, barrier });
        self.names.clear();
        for (name, kind) in slots {
            self.add_slot(name, kind, None);
        }
    }

    fn finish(mut self) -> Result<Pipeline, Vec<Fault>> {
        let wanted = self
            .columns
            .take()
            .unwrap_or_else(|| vec!["@timestamp".to_owned(), "@message".to_owned()]);
        let columns = wanted.into_iter().filter_map(|name| {
            let slot = *self.names.get(&name)?;
            Some((name, slot))
        });
        let columns = columns.collect();
        self.next_part(Barrier::End, Vec::new());
        if self.faults.is_empty() {
            Ok(Pipeline {
                parts: self.parts,
                columns,
                limited: self.limited,
            })
        } else {
            Err(self.faults)
        }
    }

    fn name(&mut self, name: &Name) -> Option<usize> {
        self.resolve(name.span, &name.text)
    }

    fn resolve(&mut self, span: Span, name: &str) -> Option<usize> {
        if let Some(slot) = self.names.get(name) {
            return Some(*slot);
        }
        if !self.broken {
            let fault = Fault::new(span, format!("no stage before sets a field `{name}`"));
            let near = similar(
                name,
                self.segment.slots.iter().map(|slot| slot.name.as_str()),
            );
            let help = match near {
                Some(near) => format!("did you mean `{near}`?"),
                None if self.stats > 0 => "after `stats` there are only its own columns".to_owned(),
                None if name == "@ptr" => "it exists only in answers of the service".to_owned(),
                None => "extract it from the message with `parse`; put a text in quotes".to_owned(),
            };
            self.fault(fault.help(help));
        }
        None
    }

    fn fields(&mut self, columns: &[Column]) {
        for column in columns {
            let name = match (&column.expr.kind, &column.alias) {
                (ExprKind::Field(name), None) => {
                    if self.resolve(column.expr.span, name).is_none() {
                        continue;
                    }
                    name.clone()
                }
                (_, None) => {
                    let label = column.expr.to_string();
                    if !self.names.contains_key(&label) {
                        self.fault(
                            Fault::new(column.expr.span, "this value has no name")
                                .help("add `as` and a name"),
                        );
                        continue;
                    }
                    label
                }
                (_, Some(alias)) => {
                    let Some((term, kind)) = self.value(&column.expr) else {
                        continue;
                    };
                    if !self.is_new(alias.span, &alias.text) {
                        continue;
                    }
                    let mut slots = Vec::new();
                    term.slots(&mut slots);
                    let step = self.segment.steps.len();
                    let target = self.add_slot(alias.text.clone(), kind, Some(step));
                    self.segment.steps.push(Step::Compute {
                        term,
                        slots,
                        target,
                    });
                    alias.text.clone()
                }
            };
            if !self.displayed {
                let columns = self.columns.get_or_insert_default();
                if !columns.contains(&name) {
                    columns.push(name);
                }
            }
        }
    }

    fn parse(&mut self, parse: &Parse) {
        let source = match &parse.source {
            Some(name) => self.name(name),
            None => self.resolve(Span::default(), "@message"),
        };
        let (extractor, names) = match &parse.pattern {
            ParsePattern::Glob { text, names, .. } => {
                let names = names
                    .iter()
                    .map(|name| (name.span, name.text.clone()))
                    .collect();
                (Extractor::Glob(Glob::new(text)), names)
            }
            ParsePattern::Regex(regex) => match Extractor::regex(&regex.pattern) {
                Ok((extractor, names)) => {
                    let names: Vec<_> = names.into_iter().map(|name| (regex.span, name)).collect();
                    (extractor, names)
                }
                Err(fault) => return self.fault(fault.shifted(regex.span.start + 1)),
            },
        };
        let step = self.segment.steps.len();
        let mut targets = Vec::new();
        for (span, name) in names {
            if self.is_new(span, &name) {
                targets.push(self.add_slot(name, Kind::Any, Some(step)));
            }
        }
        if let Some(source) = source {
            self.segment.steps.push(Step::Extract {
                source,
                extractor,
                targets,
            });
        }
    }

    fn stats(&mut self, span: Span, stats: &Stats) {
        self.stats += 1;
        if self.stats > 2 {
            self.fault(Fault::new(span, "a query can contain at most two `stats`"));
        }
        if let (2, Some(sorted)) = (self.stats, self.sorted) {
            self.fault(Fault::new(
                sorted,
                "put `sort`, `limit` and `dedup` after the second `stats`",
            ));
        }
        let mut plan = Plan {
            keys: Vec::new(),
            aggregates: Vec::new(),
            slots: Vec::new(),
        };
        let mut outputs: Vec<(String, Kind)> = Vec::new();
        for column in &stats.by {
            if let Some((term, kind)) = self.value(&column.expr) {
                term.slots(&mut plan.slots);
                plan.keys.push(term);
                self.output(&mut outputs, column, kind);
            }
        }
        for column in &stats.aggregates {
            if let Some((aggregate, term, kind)) = self.aggregate(&column.expr) {
                term.iter().for_each(|term| term.slots(&mut plan.slots));
                plan.aggregates.push((aggregate, term));
                self.output(&mut outputs, column, kind);
            }
        }
        plan.slots.sort_unstable();
        plan.slots.dedup();
        self.columns = Some(outputs.iter().map(|(name, _)| name.clone()).collect());
        self.displayed = false;
        self.next_part(Barrier::Stats(plan), outputs);
    }

    fn output(&mut self, outputs: &mut Vec<(String, Kind)>, column: &Column, kind: Kind) {
        let (span, label) = match (&column.alias, &column.expr.kind) {
            (Some(alias), _) => (alias.span, alias.text.clone()),
            (None, ExprKind::Field(name)) => (column.expr.span, name.clone()),
            (None, _) => (column.expr.span, column.expr.to_string()),
        };
        if outputs.iter().any(|(name, _)| *name == label) {
            self.fault(
                Fault::new(span, format!("two columns have the name `{label}`"))
                    .help("give one of them a different name with `as`"),
            );
        } else {
            outputs.push((label, kind));
        }
    }

    fn aggregate(&mut self, expr: &Expr) -> Option<(Aggregate, Option<Term>, Kind)> {
        let ExprKind::Call { name, args } = &expr.kind else {
            self.fault(Fault::new(expr.span, "this is not an aggregate").help(
                "write an aggregate such as `count(*)`; use its result in a `fields` after `stats`",
            ));
            return None;
        };
        let lower = name.text.to_ascii_lowercase();
        let aggregate = match lower.as_str() {
            "count" => Aggregate::Count,
            "count_distinct" => Aggregate::CountDistinct,
            "sum" => Aggregate::Sum,
            "avg" => Aggregate::Avg,
            "min" => Aggregate::Min,
            "max" => Aggregate::Max,
            "earliest" => Aggregate::Earliest,
            "latest" => Aggregate::Latest,
            "pct" => Aggregate::Percentile(self.percentage(name, args)?),
            "stddev" => Aggregate::Stddev,
            "sortsfirst" => Aggregate::SortsFirst,
            "sortslast" => Aggregate::SortsLast,
            _ => {
                let fault = Fault::new(name.span, format!("`{}` is not an aggregate", name.text));
                let near = similar(&name.text, AGGREGATES);
                self.fault(match near {
                    Some(near) => fault.help(format!("did you mean `{near}`?")),
                    None => fault.help(format!(
                        "aggregates are {}",
                        super::parse::backticked(&AGGREGATES)
                    )),
                });
                return None;
            }
        };
        if matches!(aggregate, Aggregate::Earliest | Aggregate::Latest) && self.stats > 1 {
            self.fault(Fault::new(
                expr.span,
                "rows of a `stats` have no time to sort by",
            ));
            return None;
        }
        let wanted = if matches!(aggregate, Aggregate::Percentile(_)) {
            2
        } else {
            1
        };
        let rows = aggregate == Aggregate::Count
            && (args.is_empty()
                || matches!(
                    args.as_slice(),
                    [Expr {
                        kind: ExprKind::Star,
                        ..
                    }]
                ));
        if rows {
            return Some((aggregate, None, Kind::Number));
        }
        if args.len() != wanted {
            self.arity(expr.span, &name.text, args.len(), (wanted, wanted));
            return None;
        }
        let (term, kind) = self.value(args.first()?)?;
        let numeric = matches!(
            aggregate,
            Aggregate::Sum | Aggregate::Avg | Aggregate::Percentile(_) | Aggregate::Stddev
        );
        if numeric && kind == Kind::Time {
            self.fault(
                Fault::new(expr.span, format!("`{}` needs a number", name.text))
                    .help("use `toMillis(…)`"),
            );
            return None;
        }
        let kind = match aggregate {
            Aggregate::Count | Aggregate::CountDistinct => Kind::Number,
            _ if numeric => Kind::Number,
            _ => kind,
        };
        Some((aggregate, Some(term), kind))
    }

    fn percentage(&mut self, name: &Name, args: &[Expr]) -> Option<f64> {
        let Some(second) = args.get(1) else {
            self.arity(name.span, &name.text, args.len(), (2, 2));
            return None;
        };
        let share = match &second.kind {
            ExprKind::Number(number) => value::number(number.as_bytes()),
            _ => None,
        };
        let share = share.filter(|share| (0.0..=100.0).contains(share));
        if share.is_none() {
            self.fault(Fault::new(
                second.span,
                "a percentage is a number from 0 to 100",
            ));
        }
        share
    }

    fn sort(&mut self, span: Span, keys: &[SortKey]) {
        self.sorted.get_or_insert(span);
        let mut slots = Vec::new();
        for key in keys {
            let slot = match &key.expr.kind {
                ExprKind::Field(name) => self.resolve(key.expr.span, name),
                _ => {
                    let slot = self.names.get(&key.expr.to_string()).copied();
                    if slot.is_none() {
                        self.fault(
                            Fault::new(key.expr.span, "`sort` accepts only names of columns")
                                .help("name the value with `fields … as …` first"),
                        );
                    }
                    slot
                }
            };
            slots.extend(slot.map(|slot| (slot, key.direction.unwrap_or(Direction::Ascending))));
        }
        self.end_part(Barrier::Sort(slots));
    }

    fn arity(&mut self, span: Span, name: &str, found: usize, (least, most): (usize, usize)) {
        let expected = match (least, most) {
            (0, 0) => "no arguments".to_owned(),
            (1, 1) => "one argument".to_owned(),
            (least, most) if least == most => format!("{least} arguments"),
            (least, most) => format!("{least} to {most} arguments"),
        };
        self.fault(Fault::new(
            span,
            format!("`{name}` takes {expected}, not {found}"),
        ));
    }

    fn unknown_function(&mut self, name: &Name) {
        let fault = Fault::new(name.span, format!("`{}` is not a function", name.text));
        if AGGREGATES
            .iter()
            .any(|known| known.eq_ignore_ascii_case(&name.text))
        {
            self.fault(
                Fault::new(name.span, format!("`{}` is an aggregate", name.text))
                    .help("use aggregates in `stats`; name the result with `as` and use the name"),
            );
            return;
        }
        let near = similar(
            &name.text,
            SIGNATURES.iter().map(|signature| signature.name),
        );
        self.fault(match near {
            Some(near) => fault.help(format!("did you mean `{near}`?")),
            None => fault.help("pgvigil refuses functions that it cannot run"),
        });
    }

    fn value(&mut self, expr: &Expr) -> Option<(Term, Kind)> {
        match &expr.kind {
            ExprKind::Field(name) => {
                let slot = self.resolve(expr.span, name)?;
                let kind = self
                    .segment
                    .slots
                    .get(slot)
                    .map_or(Kind::Any, |slot| slot.kind);
                Some((Term::Slot(slot), kind))
            }
            ExprKind::Text(text) => Some((Term::Text(text.as_bytes().into()), Kind::Text)),
            ExprKind::Number(number) => match value::number(number.as_bytes()) {
                Some(number) => Some((Term::Number(number), Kind::Number)),
                None => {
                    self.fault(Fault::new(
                        expr.span,
                        format!("`{number}` cannot be represented as a number"),
                    ));
                    None
                }
            },
            ExprKind::Call { name, args } => self.call(expr, name, args),
            ExprKind::Negate(inner) => {
                let inner = self.number(inner)?;
                Some((Term::Negate(Box::new(inner)), Kind::Number))
            }
            ExprKind::Arithmetic(operator, left, right) => {
                let left = self.number(left);
                let right = self.number(right);
                Some((
                    Term::Arithmetic(*operator, Box::new(left?), Box::new(right?)),
                    Kind::Number,
                ))
            }
            ExprKind::Period(_) => {
                self.fault(Fault::new(
                    expr.span,
                    "a period is allowed only in `bin`, `datefloor` and `dateceil`",
                ));
                None
            }
            ExprKind::Star => {
                self.fault(Fault::new(expr.span, "`*` is allowed only in `count(*)`"));
                None
            }
            _ => {
                self.fault(Fault::new(expr.span, "found a condition, expected a value"));
                None
            }
        }
    }

    fn number(&mut self, expr: &Expr) -> Option<Term> {
        let (term, kind) = self.value(expr)?;
        match kind {
            Kind::Time => {
                self.fault(
                    Fault::new(expr.span, "a time cannot be used in arithmetic")
                        .help("use `toMillis(…)`"),
                );
                None
            }
            Kind::Text => {
                self.fault(Fault::new(expr.span, "a text cannot be used in arithmetic"));
                None
            }
            _ => Some(term),
        }
    }

    fn call(&mut self, expr: &Expr, name: &Name, args: &[Expr]) -> Option<(Term, Kind)> {
        // A column of `stats` that has no name of its own goes by its text.
        if let Some(slot) = self.names.get(&expr.to_string()) {
            let kind = self
                .segment
                .slots
                .get(*slot)
                .map_or(Kind::Any, |slot| slot.kind);
            return Some((Term::Slot(*slot), kind));
        }
        let Some(signature) = function::lookup(&name.text) else {
            self.unknown_function(name);
            return None;
        };
        if signature.result == Kind::Condition {
            self.fault(
                Fault::new(
                    expr.span,
                    format!("`{}` is true or false, not a value", name.text),
                )
                .help("use it as a separate condition"),
            );
            return None;
        }
        let (least, most) = signature.arity;
        if args.len() < least || args.len() > most {
            self.arity(expr.span, &name.text, args.len(), signature.arity);
            return None;
        }
        let function = signature.function;
        if matches!(
            function,
            Function::Bin | Function::DateFloor | Function::DateCeil
        ) {
            let term = self.period(expr, function, args)?;
            return Some((term, Kind::Time));
        }
        let mut terms = Vec::new();
        let mut kinds = Vec::new();
        for arg in args {
            let (term, kind) = self.value(arg)?;
            // Whether `@ingestionTime` is a time or a number of milliseconds is not documented: of either it is the same.
            let is_time = kind == Kind::Time
                || matches!(&arg.kind, ExprKind::Field(name) if name == "@ingestionTime");
            if function == Function::ToMillis && !is_time {
                self.fault(
                    Fault::new(arg.span, "`toMillis` needs a time")
                        .help("such as `@timestamp` or `bin(5m)`"),
                );
                return None;
            }
            terms.push(term);
            kinds.push(kind);
        }
        let same = |kind: Kind| kinds.iter().all(|found| *found == kind);
        let result = match function {
            Function::Coalesce if same(Kind::Number) => Kind::Number,
            Function::Coalesce if same(Kind::Time) => Kind::Time,
            _ => signature.result,
        };
        Some((
            Term::Call {
                function,
                args: terms,
            },
            result,
        ))
    }

    fn period(&mut self, expr: &Expr, function: Function, args: &[Expr]) -> Option<Term> {
        let (time, period) = match (function, args) {
            (Function::Bin, [period]) => {
                let slot = self.resolve(expr.span, "@timestamp")?;
                (Some((Term::Slot(slot), Kind::Time)), period)
            }
            (_, [time, period]) => (self.value(time), period),
            _ => return None,
        };
        let ExprKind::Period(period) = &period.kind else {
            self.fault(Fault::new(period.span, "a period is expected here").help("such as `5m`"));
            return None;
        };
        let (time, kind) = time?;
        if kind != Kind::Time {
            self.fault(
                Fault::new(expr.span, "a time is expected here").help("such as `@timestamp`"),
            );
            return None;
        }
        let step = i64::from(period.count) * period.unit.milliseconds();
        Some(Term::Period {
            function,
            time: Box::new(time),
            step,
        })
    }

    fn condition(&mut self, expr: &Expr) -> Option<Condition> {
        match &expr.kind {
            ExprKind::And(items) => self.conditions(items).map(Condition::All),
            ExprKind::Or(items) => self.conditions(items).map(Condition::Any),
            ExprKind::Not(inner) => self
                .condition(inner)
                .map(|inner| Condition::Not(Box::new(inner))),
            ExprKind::Compare(comparison, left, right) => {
                self.compare(expr.span, *comparison, left, right)
            }
            ExprKind::In {
                subject,
                negated,
                list,
            } => {
                let term = self.subject(subject)?;
                let literals = list.iter().filter_map(|literal| match &literal.kind {
                    ExprKind::Text(text) | ExprKind::Number(text) => Some(text.as_bytes().into()),
                    _ => None,
                });
                let set = Set::new(literals.collect());
                Some(Condition::test(Test::In(term, set), *negated))
            }
            ExprKind::Like {
                subject,
                negated,
                pattern,
            } => {
                let term = self.subject(subject);
                let test = match pattern {
                    Pattern::Text(text) => {
                        Test::Contains(term?, memmem::Finder::new(text.as_bytes()).into_owned())
                    }
                    Pattern::Regex(regex) => {
                        let regex = self.regex(regex)?;
                        Test::Matches(term?, regex)
                    }
                };
                Some(Condition::test(test, *negated))
            }
            ExprKind::Call { name, args } => self.predicate(expr, name, args),
            _ => {
                self.fault(
                    Fault::new(expr.span, "found a value, expected a condition")
                        .help("compare it: `… = 1`"),
                );
                None
            }
        }
    }

    fn conditions(&mut self, items: &[Expr]) -> Option<Vec<Condition>> {
        let conditions: Vec<_> = items.iter().map(|item| self.condition(item)).collect();
        conditions.into_iter().collect()
    }

    fn subject(&mut self, expr: &Expr) -> Option<Term> {
        let (term, kind) = self.value(expr)?;
        if kind == Kind::Time {
            self.fault(
                Fault::new(
                    expr.span,
                    "the text format of a time is not documented for this use",
                )
                .help("compare `toMillis(…)`"),
            );
            return None;
        }
        Some(term)
    }

    fn compare(
        &mut self,
        span: Span,
        comparison: Comparison,
        left: &Expr,
        right: &Expr,
    ) -> Option<Condition> {
        let sides = (self.value(left), self.value(right));
        let ((left, left_kind), (right, right_kind)) = (sides.0?, sides.1?);
        if (left_kind == Kind::Time) != (right_kind == Kind::Time) {
            self.fault(
                Fault::new(
                    span,
                    "the comparison of a time with another value is not documented",
                )
                .help("compare `toMillis(…)` with a number of milliseconds"),
            );
            return None;
        }
        let negated = comparison == Comparison::NotEqual;
        let comparison = if negated {
            Comparison::Equal
        } else {
            comparison
        };
        let plain = |term: &Term| match term {
            Term::Text(text) if value::number(text).is_none() => Some(text.clone()),
            _ => None,
        };
        let test = match (comparison, plain(&left), plain(&right)) {
            (Comparison::Equal, _, Some(text)) => Test::Is(left, text),
            (Comparison::Equal, Some(text), None) => Test::Is(right, text),
            _ => Test::Compare(comparison, left, right),
        };
        Some(Condition::test(test, negated))
    }

    fn regex(&mut self, literal: &RegexLiteral) -> Option<usize> {
        let built = regex::accepted(&literal.pattern).and_then(|_| regex::build(&literal.pattern));
        match built {
            Ok(regex) => {
                self.segment.regexes.push(regex);
                Some(self.segment.regexes.len() - 1)
            }
            Err(fault) => {
                self.fault(fault.shifted(literal.span.start + 1));
                None
            }
        }
    }

    fn predicate(&mut self, expr: &Expr, name: &Name, args: &[Expr]) -> Option<Condition> {
        let Some(signature) = function::lookup(&name.text) else {
            self.unknown_function(name);
            return None;
        };
        if signature.result != Kind::Condition {
            self.fault(
                Fault::new(
                    expr.span,
                    format!("`{}` is a value, not a condition", name.text),
                )
                .help(format!("compare it: `{}(…) = 1`", name.text)),
            );
            return None;
        }
        if args.len() != signature.arity.0 {
            self.arity(expr.span, &name.text, args.len(), signature.arity);
            return None;
        }
        let (first, _) = self.value(args.first()?)?;
        let second = match args.get(1) {
            Some(subnet) => {
                let literal = match &subnet.kind {
                    ExprKind::Text(text) => function::parse_subnet(text).is_some(),
                    _ => true,
                };
                if !literal {
                    self.fault(
                        Fault::new(subnet.span, "this is not a subnet")
                            .help("such as `'10.0.0.0/8'`"),
                    );
                    return None;
                }
                Some(self.value(subnet)?.0)
            }
            None => None,
        };
        Some(Condition::test(
            Test::Function(signature.function, first, second),
            false,
        ))
    }
}
