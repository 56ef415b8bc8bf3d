//! The syntax tree of a query.
//!
//! Trees are equal when they say the same, wherever it stands in the text: a [`Span`] compares
//! equal to every other.

use std::ops::Range;

/// A place in the query's text: bytes `start..end`.
///
/// Any two spans are equal, so that trees compare by meaning; compare [`Span::range`] for places.
#[derive(Clone, Copy, Debug, Default)]
pub struct Span {
    pub start: usize,
    /// One past the last byte.
    pub end: usize,
}

impl Span {
    pub(super) fn new(start: usize, end: usize) -> Self {
        Self { start, end }
    }

    /// The place as a range of bytes.
    #[must_use]
    pub fn range(self) -> Range<usize> {
        self.start..self.end
    }

    pub(super) fn to(self, other: Self) -> Self {
        Self {
            start: self.start,
            end: other.end,
        }
    }
}

impl PartialEq for Span {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Span {}

impl From<Span> for Range<usize> {
    fn from(span: Span) -> Self {
        span.range()
    }
}

/// A whole query: stages that are joined by `|`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Query {
    /// In the order in which rows pass them.
    pub stages: Vec<Stage>,
    /// Comment lines after the last stage.
    pub trailing_comments: Vec<String>,
}

/// One stage of a query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stage {
    /// From the command's word to the stage's last byte, without the `|`.
    pub span: Span,
    /// The comment lines between the stage before and this one, each without its `#`.
    pub comments: Vec<String>,
    /// What the stage does.
    pub command: Command,
}

/// What a stage does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// `fields a, strlen(b) as c`: adds columns to the output.
    Fields(Vec<Column>),
    /// `display a, b`: the output's columns; the last one counts.
    Display(Vec<Name>),
    /// `filter CONDITION`, or its documented alias `where`.
    Filter(Expr),
    /// `parse FIELD PATTERN`.
    Parse(Parse),
    /// `stats AGGREGATE, … by KEY, …`.
    Stats(Stats),
    /// `sort KEY asc|desc, …`.
    Sort(Vec<SortKey>),
    /// `limit ROWS`.
    Limit(u64),
    /// `dedup a, b`.
    Dedup(Vec<Name>),
}

/// A name with its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Name {
    pub span: Span,
    pub text: String,
}

/// An expression with the name that its value gets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    pub expr: Expr,
    /// The name after `as`.
    pub alias: Option<Name>,
}

/// The `parse` command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parse {
    /// The field that is read; `@message` when none is written.
    pub source: Option<Name>,
    /// How it is taken apart.
    pub pattern: ParsePattern,
}

/// How `parse` takes a value apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ParsePattern {
    /// `"user=* db=*" as user, db`.
    Glob {
        /// Where the literal stands, with its quotes.
        span: Span,
        /// The text between the quotes.
        text: String,
        /// One name for each `*`.
        names: Vec<Name>,
    },
    /// `/user=(?<user>[a-z]+)/`.
    Regex(RegexLiteral),
}

/// The `stats` command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stats {
    /// What is counted, at least one.
    pub aggregates: Vec<Column>,
    /// What rows are grouped by.
    pub by: Vec<Column>,
}

/// One key of `sort`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SortKey {
    /// A field, or the text of a column that has no name of its own.
    pub expr: Expr,
    /// As written; the service's default is not documented.
    pub direction: Option<Direction>,
}

/// Which end of an order comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    Ascending,
    Descending,
}

/// A regular expression as it stands between its slashes, `\/` included.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RegexLiteral {
    pub span: Span,
    pub pattern: String,
}

/// A condition or a value, with its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expr {
    /// From the first byte to the last, without parentheses around it.
    pub span: Span,
    pub kind: ExprKind,
}

/// The forms of an expression.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ExprKind {
    Field(String),
    /// A quoted literal: no backslash, no line break, never both kinds of quote.
    Text(String),
    /// A number as written, with its sign.
    Number(String),
    /// `5m`, an argument of `bin`, `datefloor` and `dateceil`.
    Period(Period),
    /// `*`, the argument of `count`.
    Star,
    Call {
        name: Name,
        args: Vec<Expr>,
    },
    /// `-x`.
    Negate(Box<Expr>),
    /// `a + b`.
    Arithmetic(Operator, Box<Expr>, Box<Expr>),
    /// `a = b`.
    Compare(Comparison, Box<Expr>, Box<Expr>),
    /// `a in ['x', 'y']`; the list holds texts and numbers only.
    In {
        /// What is looked up.
        subject: Box<Expr>,
        /// `not in`.
        negated: bool,
        /// At least one literal.
        list: Vec<Expr>,
    },
    /// `a like 'x'`, `a like /x/`, `a =~ /x/`.
    Like {
        subject: Box<Expr>,
        /// `not like`.
        negated: bool,
        /// What is looked for.
        pattern: Pattern,
    },
    /// `a and b and c`: at least two.
    And(Vec<Expr>),
    /// `a or b or c`: at least two.
    Or(Vec<Expr>),
    /// `not (a)`.
    Not(Box<Expr>),
}

/// What `like` looks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Pattern {
    /// A substring, case-sensitive, without wildcards.
    Text(String),
    /// A regular expression that may match anywhere.
    Regex(RegexLiteral),
}

/// Arithmetic on two numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operator {
    /// `+`
    Add,
    /// `-`
    Subtract,
    /// `*`
    Multiply,
    /// `/`
    Divide,
    /// `%`
    Remainder,
    /// `^`
    Power,
}

/// A comparison of two values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comparison {
    /// `=`
    Equal,
    /// `!=`
    NotEqual,
    /// `<`
    Less,
    /// `<=`
    LessOrEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterOrEqual,
}

/// A length of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Period {
    pub count: u32,
    pub unit: Unit,
}

/// Units of time that `bin` knows and that begin at a documented instant.
///
/// Weeks, months, quarters and years are refused: where they begin is not documented.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// `ms`
    Millisecond,
    /// `s`
    Second,
    /// `m`
    Minute,
    /// `h`
    Hour,
    /// `d`
    Day,
}

impl Unit {
    pub(super) fn milliseconds(self) -> i64 {
        match self {
            Self::Millisecond => 1,
            Self::Second => 1_000,
            Self::Minute => 60_000,
            Self::Hour => 3_600_000,
            Self::Day => 86_400_000,
        }
    }

    /// The count above which the service clips (practitioners' reports and documentation).
    pub(super) fn cap(self) -> u32 {
        match self {
            Self::Millisecond => 1_000,
            Self::Second | Self::Minute => 60,
            Self::Hour => 24,
            Self::Day => 3_650,
        }
    }
}

impl Expr {
    pub(super) fn new(span: Span, kind: ExprKind) -> Self {
        Self { span, kind }
    }

    /// Whether it is true or false, and not a value.
    pub(super) fn is_condition(&self) -> bool {
        matches!(
            self.kind,
            ExprKind::Compare(..)
                | ExprKind::In { .. }
                | ExprKind::Like { .. }
                | ExprKind::And(_)
                | ExprKind::Or(_)
                | ExprKind::Not(_)
        )
    }
}
