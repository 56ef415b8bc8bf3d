//! Where a query's result could depend on what AWS does not document.

use std::collections::HashMap;

use super::guard::{self, Absence, Outcome, Presence};
use super::regex;
use super::segment::EVENT_FIELDS;
use super::syntax::{
    Column, Command, Comparison, Expr, ExprKind, Name, Parse, ParsePattern, Pattern, Query,
    RegexLiteral, SortKey, Span, Stats,
};
use super::value;
use crate::policy::pattern::Fault;

/// Tells where the result of a query could depend on undocumented behaviour of the service:
///
/// - a negated test or a function of a field that may be missing, unless it is guarded beside it or
///   by an earlier filter; grouping and sorting by such a field;
/// - unary `not`;
/// - regular expressions that are not [portable](super::portable_pattern), and groups that may take
///   no part in a match;
/// - globs; names that are set twice; sorting without a direction; `limit` without `sort`; columns
///   without a name;
/// - quoted numbers, comparisons of two fields, the order of texts;
/// - texts that need double quotes or hold a backslash, and `{{`, in trees that were not parsed.
///
/// A query that comes out clean means the same whatever the answers are. Spans are those of the
/// query's text; at most one fault is told for each place.
#[must_use]
pub fn open_questions(query: &Query) -> Vec<Fault> {
    let displayed = query
        .stages
        .iter()
        .any(|stage| matches!(stage.command, Command::Display(_)));
    let mut lint = Lint {
        displayed,
        ..Lint::default()
    };
    for stage in &query.stages {
        for comment in &stage.comments {
            lint.braces(stage.span, comment);
        }
        lint.stage(stage.span, &stage.command);
    }
    lint.faults
        .sort_by_key(|fault| (fault.span.start, fault.span.end));
    lint.faults.dedup();
    lint.faults
}

/// Names that are missing together.
#[derive(Debug)]
struct Group {
    /// The group that is missing only together with this one.
    parent: Option<usize>,
    /// An earlier filter has dropped every row in which it is missing.
    present: bool,
}

#[derive(Clone, Debug)]
enum Origin {
    Always,
    Group(usize),
    /// A value of an expression.
    Computed {
        /// Groups without which it is missing.
        missing: Vec<usize>,
        /// Groups without which it is not documented.
        open: Vec<usize>,
    },
}

#[derive(Debug, Default)]
struct Lint {
    faults: Vec<Fault>,
    groups: Vec<Group>,
    names: HashMap<String, Origin>,
    sorted: bool,
    after_stats: bool,
    displayed: bool,
}

/// A group is missing, and with it the groups that come from it.
struct Missing<'a> {
    lint: &'a Lint,
    group: usize,
}

impl Absence for Missing<'_> {
    fn presence(&self, field: &str) -> Presence {
        match self.lint.names.get(field) {
            None | Some(Origin::Always) => Presence::Present,
            Some(Origin::Computed { missing, open }) => {
                if open.contains(&self.group) {
                    Presence::Open
                } else if missing.contains(&self.group) {
                    Presence::Missing
                } else if missing
                    .iter()
                    .chain(open)
                    .any(|group| self.lint.is_absent(*group))
                {
                    Presence::Either
                } else {
                    Presence::Present
                }
            }
            Some(Origin::Group(group)) => {
                let mut next = Some(*group);
                while let Some(group) = next {
                    if group == self.group {
                        return Presence::Missing;
                    }
                    next = self.lint.groups.get(group).and_then(|group| group.parent);
                }
                match self.lint.groups.get(*group) {
                    Some(group) if group.present => Presence::Present,
                    _ => Presence::Either,
                }
            }
        }
    }
}

impl Lint {
    fn tell(&mut self, span: Span, message: impl Into<String>, help: impl Into<String>) {
        self.faults.push(Fault::new(span, message).help(help));
    }

    fn stage(&mut self, span: Span, command: &Command) {
        match command {
            Command::Fields(columns) => {
                if self.after_stats && !self.displayed {
                    self.tell(
                        span,
                        "it is not documented which columns `fields` keeps after `stats`",
                        "name all columns in `stats`, or end with `display`",
                    );
                }
                columns.iter().for_each(|column| self.column(column));
            }
            Command::Display(_) | Command::Dedup(_) => {}
            Command::Filter(condition) => self.filter(condition),
            Command::Parse(parse) => self.parse(parse),
            Command::Stats(stats) => self.stats(stats),
            Command::Sort(keys) => {
                self.sorted = true;
                keys.iter().for_each(|key| self.sort_key(key));
            }
            Command::Limit(_) if !self.sorted => {
                self.tell(
                    span,
                    "it is not documented which rows a `limit` without `sort` keeps",
                    "add a `sort` before it",
                );
            }
            Command::Limit(_) => {}
        }
    }

    fn set(&mut self, span: Span, name: &str, origin: Origin) {
        if self.names.contains_key(name) || EVENT_FIELDS.iter().any(|(field, _)| *field == name) {
            self.tell(
                span,
                format!("the effect of setting `{name}` a second time is not documented"),
                "choose another name",
            );
        }
        self.names.insert(name.to_owned(), origin);
    }

    fn column(&mut self, column: &Column) {
        self.literals(&column.expr);
        self.missing_value(&column.expr);
        if let Some(alias) = &column.alias {
            let origin = self.computed(&column.expr);
            self.set(alias.span, &alias.text, origin);
        }
    }

    fn computed(&self, expr: &Expr) -> Origin {
        if let ExprKind::Field(name) = &expr.kind {
            return self.names.get(name).cloned().unwrap_or(Origin::Always);
        }
        let groups = |wanted: Presence| {
            let found = |group: &usize| {
                guard::presence(
                    expr,
                    &Missing {
                        lint: self,
                        group: *group,
                    },
                ) == wanted
            };
            self.absent().into_iter().filter(found).collect::<Vec<_>>()
        };
        Origin::Computed {
            missing: groups(Presence::Missing),
            open: groups(Presence::Open),
        }
    }

    fn is_absent(&self, group: usize) -> bool {
        self.groups.get(group).is_some_and(|group| !group.present)
    }

    /// Groups in which something may still be missing.
    fn absent(&self) -> Vec<usize> {
        let open = self
            .groups
            .iter()
            .enumerate()
            .filter(|(_, group)| !group.present);
        open.map(|(index, _)| index).collect()
    }

    /// Tells functions of values that may be missing.
    fn missing_value(&mut self, expr: &Expr) {
        let open = self
            .absent()
            .into_iter()
            .any(|group| guard::presence(expr, &Missing { lint: self, group }) == Presence::Open);
        if open {
            self.tell(
                expr.span,
                "the result of a function of a missing field is not documented",
                "wrap the field: `coalesce(…, '')`",
            );
        }
    }

    fn may_be_missing(&self, expr: &Expr) -> bool {
        self.absent().into_iter().any(|group| {
            let presence = guard::presence(expr, &Missing { lint: self, group });
            matches!(presence, Presence::Missing | Presence::Open)
        })
    }

    fn filter(&mut self, condition: &Expr) {
        self.literals(condition);
        for group in self.absent() {
            let mut open = Vec::new();
            match guard::outcome(condition, &Missing { lint: self, group }, &mut open) {
                Outcome::Open => {
                    for span in open {
                        self.tell(
                            span,
                            "it is not documented whether this holds when the field is missing",
                            "guard it: `(ispresent(f) and …)`, `(isempty(f) = 1 or …)`, `coalesce(f, '')`, or an earlier `filter ispresent(f)`",
                        );
                    }
                }
                Outcome::False | Outcome::NotTrue => {
                    let mut next = Some(group);
                    while let Some(group) = next.and_then(|group| self.groups.get_mut(group)) {
                        group.present = true;
                        next = group.parent;
                    }
                }
                _ => {}
            }
        }
    }

    fn parse(&mut self, parse: &Parse) {
        let source = parse
            .source
            .as_ref()
            .map_or("@message", |name| name.text.as_str());
        let parent = match self.names.get(source) {
            Some(Origin::Group(group)) => Some(*group),
            Some(Origin::Computed { missing, open }) => {
                if missing
                    .iter()
                    .chain(open)
                    .any(|group| self.is_absent(*group))
                {
                    let span = parse
                        .source
                        .as_ref()
                        .map_or(Span::default(), |name| name.span);
                    self.tell(
                        span,
                        "the effect of parsing a missing field is not documented",
                        "wrap it: `fields coalesce(…, '') as …`",
                    );
                }
                None
            }
            _ => None,
        };
        let group = self.groups.len();
        self.groups.push(Group {
            parent,
            present: false,
        });
        match &parse.pattern {
            ParsePattern::Glob { span, text, names } => {
                self.tell(
                    *span,
                    "it is not documented how much text `*` matches in a glob",
                    "use a regular expression with named groups",
                );
                self.text(*span, text);
                names
                    .iter()
                    .for_each(|Name { span, text }| self.set(*span, text, Origin::Group(group)));
            }
            ParsePattern::Regex(literal) => {
                self.regex(literal);
                let optional = regex::optional_groups(&literal.pattern);
                for name in regex::group_names(&literal.pattern) {
                    let place = optional.iter().find(|(optional, _)| *optional == name);
                    let Some((_, place)) = place else {
                        self.set(literal.span, &name, Origin::Group(group));
                        continue;
                    };
                    let offset = literal.span.start + 1;
                    let place = Span::new(place.start + offset, place.end + offset);
                    self.tell(place, "it is not documented whether a group that takes no part in the match is missing or empty", format!("make the group itself match nothing: `(?<{name}>…|)`"));
                    let own = self.groups.len();
                    self.groups.push(Group {
                        parent: Some(group),
                        present: false,
                    });
                    self.set(place, &name, Origin::Group(own));
                }
            }
        }
    }

    fn stats(&mut self, stats: &Stats) {
        let mut names = Vec::new();
        for column in &stats.by {
            self.literals(&column.expr);
            let missing = self.may_be_missing(&column.expr);
            if missing {
                self.tell(
                    column.expr.span,
                    "it is not documented how rows without this value are grouped",
                    "group by `coalesce(…, '') as …`",
                );
            }
            names.push((self.label(column), missing));
        }
        for column in &stats.aggregates {
            if let ExprKind::Call { name, args } = &column.expr.kind {
                for arg in args {
                    self.literals(arg);
                    self.missing_value(arg);
                }
                let lower = name.text.to_ascii_lowercase();
                match lower.as_str() {
                    "pct" | "stddev" => self.tell(
                        name.span,
                        format!("the calculation of `{}` is not documented", name.text),
                        "use `min`, `max`, `avg` or `sum`",
                    ),
                    "min" | "max" if matches!(args.first().map(|arg| &arg.kind), Some(ExprKind::Field(name)) if name == "@timestamp") =>
                    {
                        self.tell(
                            column.expr.span,
                            "the format of the result is not documented",
                            "use `toMillis(@timestamp)`",
                        );
                    }
                    _ => {}
                }
                let counts = lower == "count" || lower == "count_distinct";
                names.push((self.label(column), !counts));
            }
        }
        self.names.clear();
        self.groups.clear();
        self.sorted = false;
        self.after_stats = true;
        for ((span, label), missing) in names {
            let origin = if missing {
                self.groups.push(Group {
                    parent: None,
                    present: false,
                });
                Origin::Group(self.groups.len() - 1)
            } else {
                Origin::Always
            };
            self.set(span, &label, origin);
        }
    }

    fn label(&mut self, column: &Column) -> (Span, String) {
        match (&column.alias, &column.expr.kind) {
            (Some(alias), _) => (alias.span, alias.text.clone()),
            (None, ExprKind::Field(name)) => (column.expr.span, name.clone()),
            (None, _) => {
                self.tell(
                    column.expr.span,
                    "the name of this column is not documented",
                    "name it with `as`",
                );
                (column.expr.span, column.expr.to_string())
            }
        }
    }

    fn sort_key(&mut self, key: &SortKey) {
        if key.direction.is_none() {
            self.tell(
                key.expr.span,
                "the default direction of `sort` is not documented",
                "write `asc` or `desc`",
            );
        }
        if self.may_be_missing(&key.expr) {
            self.tell(
                key.expr.span,
                "it is not documented where `sort` puts missing values",
                "sort by `coalesce(…, '')`, named in a `fields` before",
            );
        }
    }

    /// Looks at every literal and operator of an expression.
    fn literals(&mut self, expr: &Expr) {
        match &expr.kind {
            ExprKind::Text(text) => self.text(expr.span, text),
            ExprKind::And(items) | ExprKind::Or(items) | ExprKind::Call { args: items, .. } => {
                items.iter().for_each(|item| self.literals(item));
            }
            ExprKind::Not(inner) => {
                let span = Span::new(expr.span.start, inner.span.start);
                self.tell(
                    span,
                    "users report unexpected results of unary `not`",
                    "write `!=`, `not like` or `not in`",
                );
                self.literals(inner);
            }
            ExprKind::Negate(inner) => self.literals(inner),
            ExprKind::Arithmetic(_, left, right) => {
                self.literals(left);
                self.literals(right);
            }
            ExprKind::Compare(comparison, left, right) => {
                self.literals(left);
                self.literals(right);
                self.comparison(expr.span, *comparison, left, right);
            }
            ExprKind::In { subject, list, .. } => {
                self.literals(subject);
                for literal in list {
                    self.literals(literal);
                    self.quoted_number(literal);
                }
            }
            ExprKind::Like {
                subject, pattern, ..
            } => {
                self.literals(subject);
                match pattern {
                    Pattern::Text(text) => self.text(expr.span, text),
                    Pattern::Regex(literal) => self.regex(literal),
                }
            }
            ExprKind::Field(_) | ExprKind::Number(_) | ExprKind::Period(_) | ExprKind::Star => {}
        }
    }

    fn comparison(&mut self, span: Span, comparison: Comparison, left: &Expr, right: &Expr) {
        self.quoted_number(left);
        self.quoted_number(right);
        let is_text = |expr: &Expr| matches!(expr.kind, ExprKind::Text(_));
        let ordered = !matches!(comparison, Comparison::Equal | Comparison::NotEqual);
        if ordered && (is_text(left) || is_text(right)) {
            self.tell(
                span,
                "the order of texts is not documented",
                "compare numbers, or match with a regular expression",
            );
        }
        if self.is_text_of_log(left) && self.is_text_of_log(right) {
            self.tell(
                span,
                "it is not documented whether two fields compare as numbers or as text",
                "compare with a literal",
            );
        }
    }

    /// Whether a value may be text that looks like a number.
    fn is_text_of_log(&self, expr: &Expr) -> bool {
        match &expr.kind {
            ExprKind::Field(name) => name != "@timestamp" && name != "@ingestionTime",
            ExprKind::Call { name, .. } => {
                super::function::lookup(&name.text).is_some_and(|signature| {
                    matches!(
                        signature.result,
                        super::function::Kind::Any | super::function::Kind::Text
                    )
                })
            }
            _ => false,
        }
    }

    fn quoted_number(&mut self, expr: &Expr) {
        if matches!(&expr.kind, ExprKind::Text(text) if value::number(text.as_bytes()).is_some()) {
            self.tell(
                expr.span,
                "it is not documented whether a quoted number compares as a number or as text",
                "write a number without quotes, or match with a regular expression: `like /^1\\z/`",
            );
        }
    }

    fn text(&mut self, span: Span, text: &str) {
        self.braces(span, text);
        if text.contains(['\'', '"', '\\']) || text.chars().any(char::is_control) {
            self.tell(span, "how a text with quotes, backslashes or control characters is read is not documented", "match it with a regular expression: `\\x27` is a single quote");
        }
    }

    fn braces(&mut self, span: Span, text: &str) {
        if text.contains("{{") {
            self.tell(
                span,
                "`{{` starts a parameter of a saved query",
                "write it as a regular expression: `\\{\\{`",
            );
        }
    }

    fn regex(&mut self, literal: &RegexLiteral) {
        self.braces(literal.span, &literal.pattern);
        if let Err(fault) = regex::portable_pattern(&literal.pattern) {
            self.faults.push(fault.shifted(literal.span.start + 1));
        }
    }
}
