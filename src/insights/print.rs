//! The canonical text of a tree: one stage a line, comments above it, only the parentheses that
//! the parser needs or that say what no precedence table says.

use std::fmt::{self, Display, Formatter};

use super::lex::is_bare_name;
use super::syntax::{
    Column, Command, Comparison, Direction, Expr, ExprKind, Name, Operator, ParsePattern, Pattern,
    Period, Query, RegexLiteral, Unit,
};

/// Words that a bare field name cannot be.
pub(super) const KEYWORDS: [&str; 9] =
    ["and", "or", "not", "in", "like", "as", "by", "asc", "desc"];

impl Display for Query {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        for (index, stage) in self.stages.iter().enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            for comment in &stage.comments {
                writeln!(f, "#{comment}")?;
            }
            if index > 0 {
                f.write_str("| ")?;
            }
            write!(f, "{}", stage.command)?;
        }
        for comment in &self.trailing_comments {
            write!(f, "\n#{comment}")?;
        }
        Ok(())
    }
}

impl Display for Command {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fields(columns) => write!(f, "fields {}", Joined(columns, ", ")),
            Self::Display(names) => write!(f, "display {}", Joined(names, ", ")),
            Self::Filter(condition) => write!(f, "filter {condition}"),
            Self::Parse(parse) => {
                f.write_str("parse ")?;
                if let Some(source) = &parse.source {
                    write!(f, "{source} ")?;
                }
                match &parse.pattern {
                    ParsePattern::Glob { text, names, .. } => {
                        write!(f, "{} as {}", Quoted(text), Joined(names, ", "))
                    }
                    ParsePattern::Regex(regex) => write!(f, "{regex}"),
                }
            }
            Self::Stats(stats) => {
                write!(f, "stats {}", Joined(&stats.aggregates, ", "))?;
                if stats.by.is_empty() {
                    return Ok(());
                }
                write!(f, " by {}", Joined(&stats.by, ", "))
            }
            Self::Sort(keys) => {
                f.write_str("sort ")?;
                for (index, key) in keys.iter().enumerate() {
                    let comma = if index > 0 { ", " } else { "" };
                    write!(f, "{comma}{}", key.expr)?;
                    f.write_str(match key.direction {
                        Some(Direction::Ascending) => " asc",
                        Some(Direction::Descending) => " desc",
                        None => "",
                    })?;
                }
                Ok(())
            }
            Self::Limit(rows) => write!(f, "limit {rows}"),
            Self::Dedup(names) => write!(f, "dedup {}", Joined(names, ", ")),
        }
    }
}

impl Display for Column {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.expr)?;
        match &self.alias {
            Some(alias) => write!(f, " as {alias}"),
            None => Ok(()),
        }
    }
}

impl Display for Name {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write_name(f, &self.text)
    }
}

fn write_name(f: &mut Formatter<'_>, name: &str) -> fmt::Result {
    let keyword = KEYWORDS
        .iter()
        .any(|keyword| keyword.eq_ignore_ascii_case(name));
    if is_bare_name(name) && !keyword {
        return f.write_str(name);
    }
    match name.strip_prefix('@') {
        Some(rest) if !rest.is_empty() => write!(f, "@`{rest}`"),
        _ => write!(f, "`{name}`"),
    }
}

impl Display for RegexLiteral {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "/{}/", self.pattern)
    }
}

impl Display for Expr {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match &self.kind {
            ExprKind::Field(name) => write_name(f, name),
            ExprKind::Text(text) => write!(f, "{}", Quoted(text)),
            ExprKind::Number(number) => f.write_str(number),
            ExprKind::Period(period) => write!(f, "{period}"),
            ExprKind::Star => f.write_str("*"),
            ExprKind::Call { name, args } => write!(f, "{}({})", name.text, Joined(args, ", ")),
            ExprKind::Negate(inner) => match inner.kind {
                ExprKind::Field(_) | ExprKind::Call { .. } => write!(f, "-{inner}"),
                _ => write!(f, "-({inner})"),
            },
            ExprKind::Arithmetic(operator, left, right) => {
                let operand = |expr: &Expr| {
                    expr.is_condition() || matches!(expr.kind, ExprKind::Arithmetic(..))
                };
                let (left, right) = (Wrapped(left, operand(left)), Wrapped(right, operand(right)));
                write!(f, "{left} {} {right}", operator.symbol())
            }
            ExprKind::Compare(comparison, left, right) => {
                let (left, right) = (
                    Wrapped(left, left.is_condition()),
                    Wrapped(right, right.is_condition()),
                );
                write!(f, "{left} {} {right}", comparison.symbol())
            }
            ExprKind::In {
                subject,
                negated,
                list,
            } => {
                let not = if *negated { "not " } else { "" };
                let subject = Wrapped(subject, subject.is_condition());
                write!(f, "{subject} {not}in [{}]", Joined(list, ", "))
            }
            ExprKind::Like {
                subject,
                negated,
                pattern,
            } => {
                let not = if *negated { "not " } else { "" };
                let subject = Wrapped(subject, subject.is_condition());
                match pattern {
                    Pattern::Text(text) => write!(f, "{subject} {not}like {}", Quoted(text)),
                    Pattern::Regex(regex) => write!(f, "{subject} {not}like {regex}"),
                }
            }
            ExprKind::And(items) | ExprKind::Or(items) => {
                let word = if matches!(self.kind, ExprKind::And(_)) {
                    " and "
                } else {
                    " or "
                };
                for (index, item) in items.iter().enumerate() {
                    if index > 0 {
                        f.write_str(word)?;
                    }
                    let wrap = matches!(item.kind, ExprKind::And(_) | ExprKind::Or(_));
                    write!(f, "{}", Wrapped(item, wrap))?;
                }
                Ok(())
            }
            ExprKind::Not(inner) => write!(f, "not ({inner})"),
        }
    }
}

impl Display for Period {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let unit = match self.unit {
            Unit::Millisecond => "ms",
            Unit::Second => "s",
            Unit::Minute => "m",
            Unit::Hour => "h",
            Unit::Day => "d",
        };
        write!(f, "{}{unit}", self.count)
    }
}

impl Operator {
    fn symbol(self) -> &'static str {
        match self {
            Self::Add => "+",
            Self::Subtract => "-",
            Self::Multiply => "*",
            Self::Divide => "/",
            Self::Remainder => "%",
            Self::Power => "^",
        }
    }
}

impl Comparison {
    fn symbol(self) -> &'static str {
        match self {
            Self::Equal => "=",
            Self::NotEqual => "!=",
            Self::Less => "<",
            Self::LessOrEqual => "<=",
            Self::Greater => ">",
            Self::GreaterOrEqual => ">=",
        }
    }
}

struct Wrapped<'a>(&'a Expr, bool);

impl Display for Wrapped<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        if self.1 {
            write!(f, "({})", self.0)
        } else {
            write!(f, "{}", self.0)
        }
    }
}

/// Single quotes are the form that every source takes for a literal; double ones only where the
/// text holds a single quote.
struct Quoted<'a>(&'a str);

impl Display for Quoted<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let quote = if self.0.contains('\'') { '"' } else { '\'' };
        write!(f, "{quote}{}{quote}", self.0)
    }
}

struct Joined<'a, T>(&'a [T], &'a str);

impl<T: Display> Display for Joined<'_, T> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        for (index, item) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str(self.1)?;
            }
            write!(f, "{item}")?;
        }
        Ok(())
    }
}
