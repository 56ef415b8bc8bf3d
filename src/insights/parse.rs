//! Text to syntax tree. What the language has and we do not run is refused with its place.

use super::lex::{Kind, Lexer, Token};
use super::print::KEYWORDS;
use super::syntax::{
    Column, Command, Comparison, Direction, Expr, ExprKind, Name, Operator, Parse, ParsePattern,
    Pattern, Period, Query, SortKey, Span, Stage, Stats, Unit,
};
use crate::policy::pattern::Fault;

/// How deep parentheses and calls may nest.
const MAX_DEPTH: usize = 64;

/// Commands of the service that are refused, with what to do instead.
const REFUSED_COMMANDS: [(&str, &str); 19] = [
    ("source", "choose the log group outside the query"),
    (
        "pattern",
        "its clusters cannot be reproduced; group with `stats … by`",
    ),
    ("anomaly", "its result cannot be reproduced"),
    ("diff", "compare two runs of the query instead"),
    ("join", "run two queries"),
    ("lookup", "list the values with `in [...]`"),
    ("filterindex", "use `filter`"),
    ("unmask", "masked data stays masked"),
    ("unnest", "take the values apart with `parse`"),
    ("expand", "take the values apart with `parse`"),
    ("relevantfields", "name the fields"),
    ("addtotals", "sum with `stats`"),
    ("head", "use `limit`"),
    ("tail", "use `sort @timestamp asc` and `limit`"),
    ("eval", "use `fields … as …`"),
    ("select", "use `fields`"),
    ("rename", "use `fields … as …`"),
    ("rex", "use `parse`"),
    ("top", "use `stats`, `sort` and `limit`"),
];

const COMMANDS: [&str; 9] = [
    "fields", "display", "filter", "where", "parse", "stats", "sort", "limit", "dedup",
];

/// Reads a query.
///
/// The text may hold any of `fields`, `display`, `filter` (or `where`), `parse`, `stats`, `sort`,
/// `limit` and `dedup`, joined by `|`, and lines that begin with `#`. Keywords are taken in either
/// case, names as they stand.
///
/// # Errors
/// Every fault that can be told apart: one a stage at most. Names, functions and regular
/// expressions are not looked at here but by [`Program::new`](super::Program::new).
pub fn parse(text: &str) -> Result<Query, Vec<Fault>> {
    let mut faults = placeholders(text);
    let mut query = Query::default();
    let mut parser = match Parser::new(text) {
        Ok(parser) => parser,
        Err(fault) => {
            faults.push(fault);
            return Err(faults);
        }
    };
    loop {
        match parser.stage() {
            Ok(stage) => query.stages.push(stage),
            Err(fault) => {
                let from = fault.span.start.max(parser.last_end);
                faults.push(fault);
                if !parser.skip_to_next_stage(from) {
                    break;
                }
                continue;
            }
        }
        match parser.after_stage() {
            Ok(true) => {}
            Ok(false) => break,
            Err(fault) => {
                let from = fault.span.start.max(parser.last_end);
                faults.push(fault);
                if !parser.skip_to_next_stage(from) {
                    break;
                }
            }
        }
    }
    query.trailing_comments = std::mem::take(&mut parser.token.comments);
    if faults.is_empty() {
        Ok(query)
    } else {
        Err(faults)
    }
}

/// `{{name}}` is replaced by the service wherever it stands in a saved query.
fn placeholders(text: &str) -> Vec<Fault> {
    text.match_indices("{{")
        .map(|(at, _)| {
            Fault::new(at..at + 2, "`{{` begins a parameter of a saved query")
                .help("write the value itself; in a regular expression escape it as `\\{\\{`")
        })
        .collect()
}

struct Parser<'a> {
    text: &'a str,
    lexer: Lexer<'a>,
    token: Token,
    last_end: usize,
    depth: usize,
}

impl<'a> Parser<'a> {
    fn new(text: &'a str) -> Result<Self, Fault> {
        let mut lexer = Lexer::new(text);
        let token = lexer.next()?;
        Ok(Self {
            text,
            lexer,
            token,
            last_end: 0,
            depth: 0,
        })
    }

    fn advance(&mut self) -> Result<Token, Fault> {
        self.last_end = self.token.span.end;
        let next = self.lexer.next()?;
        Ok(std::mem::replace(&mut self.token, next))
    }

    fn is_symbol(&self, symbol: &str) -> bool {
        matches!(self.token.kind, Kind::Symbol(found) if found == symbol)
    }

    fn take_symbol(&mut self, symbol: &str) -> Result<bool, Fault> {
        let found = self.is_symbol(symbol);
        if found {
            self.advance()?;
        }
        Ok(found)
    }

    fn expect_symbol(&mut self, symbol: &str) -> Result<(), Fault> {
        if self.take_symbol(symbol)? {
            Ok(())
        } else {
            Err(self.unexpected(&format!("`{symbol}`")))
        }
    }

    fn is_word(&self, word: &str) -> bool {
        matches!(&self.token.kind, Kind::Word { text, quoted: false } if text.eq_ignore_ascii_case(word))
    }

    fn take_word(&mut self, word: &str) -> Result<bool, Fault> {
        let found = self.is_word(word);
        if found {
            self.advance()?;
        }
        Ok(found)
    }

    fn unexpected(&self, expected: &str) -> Fault {
        let found = match &self.token.kind {
            Kind::End => {
                return Fault::new(
                    self.token.span,
                    format!("the query ends where {expected} is expected"),
                );
            }
            Kind::Word { text, .. } | Kind::Number(text) | Kind::Text(text) => text.as_str(),
            Kind::Symbol(symbol) => symbol,
        };
        Fault::new(
            self.token.span,
            format!("found `{found}`, expected {expected}"),
        )
    }

    /// Goes on behind a `|` at `from`, or else at the next line that begins with one; false when there is
    /// none.
    fn skip_to_next_stage(&mut self, from: usize) -> bool {
        let mut position = from.min(self.text.len());
        while !self.text.is_char_boundary(position) {
            position += 1;
        }
        let here = self
            .text
            .get(position..)
            .unwrap_or_default()
            .starts_with('|');
        if here && self.resume(position) {
            return true;
        }
        loop {
            let rest = self.text.get(position..).unwrap_or_default();
            let Some(line_end) = rest.find('\n') else {
                return false;
            };
            position += line_end + 1;
            let line = self.text.get(position..).unwrap_or_default();
            let indent = line.len() - line.trim_start_matches([' ', '\t']).len();
            if line.get(indent..).unwrap_or_default().starts_with('|') {
                position += indent;
                if self.resume(position) {
                    return true;
                }
            }
        }
    }

    /// Goes on behind the `|` at `position`.
    fn resume(&mut self, position: usize) -> bool {
        self.depth = 0;
        self.last_end = position + 1;
        self.lexer.seek(self.last_end);
        let next = self.lexer.next();
        next.is_ok_and(|token| {
            self.token = token;
            true
        })
    }

    /// True when another stage follows.
    fn after_stage(&mut self) -> Result<bool, Fault> {
        if self.token.kind == Kind::End {
            return Ok(false);
        }
        if !self.is_symbol("|") {
            let fault = self.unexpected("`|` or the end of the query");
            let before = self.text.get(..self.token.span.start).unwrap_or_default();
            if before.ends_with('/') {
                return Err(fault.help("a slash inside a regular expression is written `\\/`"));
            }
            return Err(match &self.token.kind {
                Kind::Symbol("=" | "!=" | "<" | "<=" | ">" | ">=") => {
                    fault.help("comparisons cannot be chained; join them with `and`")
                }
                Kind::Word {
                    text,
                    quoted: false,
                } if is_command(text) => fault.help("stages are joined by `|`"),
                Kind::Word {
                    text,
                    quoted: false,
                } if text.eq_ignore_ascii_case("offset") => fault.help("`offset` is not supported"),
                _ => fault,
            });
        }
        let bar = self.advance()?;
        let mut comments = bar.comments;
        comments.append(&mut self.token.comments);
        self.token.comments = comments;
        if self.token.kind == Kind::End {
            return Err(Fault::new(bar.span, "no stage follows this `|`").help("remove it"));
        }
        Ok(true)
    }

    fn stage(&mut self) -> Result<Stage, Fault> {
        let comments = std::mem::take(&mut self.token.comments);
        let start = self.token.span;
        let Kind::Word {
            text: word,
            quoted: false,
        } = self.token.kind.clone()
        else {
            return Err(self
                .unexpected("a command")
                .help(format!("commands are {}", backticked(&COMMANDS))));
        };
        let lower = word.to_ascii_lowercase();
        if !is_command(&lower) {
            return Err(unknown_command(start, &word, &lower));
        }
        self.advance()?;
        let command = match lower.as_str() {
            "fields" => Command::Fields(self.columns("a field")?),
            "display" => Command::Display(self.names()?),
            "parse" => Command::Parse(self.parse_command()?),
            "stats" => Command::Stats(self.stats()?),
            "sort" => Command::Sort(self.sort_keys()?),
            "limit" => Command::Limit(self.limit()?),
            "dedup" => Command::Dedup(self.names()?),
            _ => Command::Filter(self.condition()?),
        };
        Ok(Stage {
            span: Span::new(start.start, self.last_end),
            comments,
            command,
        })
    }

    fn name(&mut self, expected: &str) -> Result<Name, Fault> {
        match self.token.kind.clone() {
            Kind::Word { text, quoted } if quoted || !is_keyword(&text) => {
                let span = self.token.span;
                if text == "@" {
                    return Err(Fault::new(span, "`@` alone is not a name"));
                }
                self.advance()?;
                if self.is_symbol("-") && self.token.span.start == span.end {
                    let fault = Fault::new(self.token.span, "a bare name cannot hold `-`");
                    return Err(fault.help("put the name into backticks"));
                }
                Ok(Name { span, text })
            }
            Kind::Text(_) => Err(self
                .unexpected(expected)
                .help("write names bare or in backticks, not in quotes")),
            _ => Err(self.unexpected(expected)),
        }
    }

    fn names(&mut self) -> Result<Vec<Name>, Fault> {
        let mut names = vec![self.name("a field name")?];
        while self.take_symbol(",")? {
            names.push(self.name("a field name")?);
        }
        Ok(names)
    }

    fn columns(&mut self, expected: &str) -> Result<Vec<Column>, Fault> {
        let mut columns = Vec::new();
        loop {
            if self.token.kind == Kind::End || self.is_symbol("|") {
                return Err(self.unexpected(expected));
            }
            let expr = self.expression()?;
            let alias = if self.take_word("as")? {
                Some(self.name("a name")?)
            } else {
                None
            };
            columns.push(Column { expr, alias });
            if !self.take_symbol(",")? {
                return Ok(columns);
            }
        }
    }

    fn stats(&mut self) -> Result<Stats, Fault> {
        let aggregates = self.columns("an aggregate such as `count(*)`")?;
        let by = if self.take_word("by")? {
            self.columns("a key")?
        } else {
            Vec::new()
        };
        Ok(Stats { aggregates, by })
    }

    fn sort_keys(&mut self) -> Result<Vec<SortKey>, Fault> {
        let mut keys = Vec::new();
        loop {
            let expr = self.sum()?;
            let direction = if self.take_word("asc")? {
                Some(Direction::Ascending)
            } else if self.take_word("desc")? {
                Some(Direction::Descending)
            } else {
                None
            };
            keys.push(SortKey { expr, direction });
            if !self.take_symbol(",")? {
                return Ok(keys);
            }
        }
    }

    fn limit(&mut self) -> Result<u64, Fault> {
        if self.is_word("any") {
            return Err(
                Fault::new(self.token.span, "`limit any` returns arbitrary rows")
                    .help("write `sort` and `limit`"),
            );
        }
        let Kind::Number(number) = &self.token.kind else {
            return Err(self.unexpected("a number of rows"));
        };
        match number.parse() {
            Ok(rows @ 1..=100_000) => {
                self.advance()?;
                Ok(rows)
            }
            _ => Err(Fault::new(
                self.token.span,
                format!("`{number}` is not a number of rows"),
            )
            .help("from 1 to 100000")),
        }
    }

    fn parse_command(&mut self) -> Result<Parse, Fault> {
        let source = match &self.token.kind {
            Kind::Word { .. } => Some(self.name("a field name")?),
            _ => None,
        };
        if self.is_symbol("/") {
            let regex = self.regex()?;
            if self.is_word("as") {
                return Err(Fault::new(
                    self.token.span,
                    "a regular expression names its fields itself",
                )
                .help("write `(?<name>…)` in it and drop `as`"));
            }
            return Ok(Parse {
                source,
                pattern: ParsePattern::Regex(regex),
            });
        }
        let Kind::Text(text) = self.token.kind.clone() else {
            let fault = self.unexpected("a quoted glob or a regular expression");
            return Err(match &self.token.kind {
                Kind::Word { text, .. }
                    if ["logfmt", "csv", "json"].contains(&text.to_ascii_lowercase().as_str()) =>
                {
                    fault.help("only globs and regular expressions are supported")
                }
                _ => fault,
            });
        };
        let span = self.token.span;
        let stars = text.matches('*').count();
        if stars == 0 {
            return Err(Fault::new(span, "this glob has no `*`"));
        }
        if text.contains("**") {
            return Err(Fault::new(span, "two `*` with nothing between them"));
        }
        self.advance()?;
        if !self.take_word("as")? {
            return Err(self.unexpected("`as` and the names"));
        }
        let names = self.names()?;
        if names.len() != stars {
            let first = names.first().map_or(span, |name| name.span);
            let count = names.len();
            return Err(Fault::new(
                first.start..self.last_end,
                format!("{count} names for {stars} `*`"),
            )
            .help("give each `*` one name"));
        }
        Ok(Parse {
            source,
            pattern: ParsePattern::Glob { span, text, names },
        })
    }

    fn regex(&mut self) -> Result<super::syntax::RegexLiteral, Fault> {
        let regex = self.lexer.regex(self.token.span.start)?;
        self.last_end = regex.span.end;
        self.token = self.lexer.next()?;
        Ok(regex)
    }

    fn condition(&mut self) -> Result<Expr, Fault> {
        if self.token.kind == Kind::End || self.is_symbol("|") {
            return Err(self.unexpected("a condition"));
        }
        self.expression()
    }

    fn deeper<T>(&mut self, read: impl FnOnce(&mut Self) -> Result<T, Fault>) -> Result<T, Fault> {
        if self.depth >= MAX_DEPTH {
            return Err(Fault::new(
                self.token.span,
                format!("more than {MAX_DEPTH} levels of nesting"),
            ));
        }
        self.depth += 1;
        let result = read(self);
        self.depth -= 1;
        result
    }

    fn expression(&mut self) -> Result<Expr, Fault> {
        let first = self.negation()?;
        let (word, other) = if self.is_word("and") {
            ("and", "or")
        } else if self.is_word("or") {
            ("or", "and")
        } else {
            return Ok(first);
        };
        let mut span = first.span;
        let mut items = vec![first];
        while self.take_word(word)? {
            let item = self.negation()?;
            span = span.to(Span::new(item.span.start, self.last_end));
            items.push(item);
        }
        if self.is_word(other) {
            return Err(Fault::new(
                self.token.span,
                "`and` and `or` without parentheses between them: no precedence is documented",
            )
            .help("put one of them into parentheses"));
        }
        let kind = if word == "and" {
            ExprKind::And(items)
        } else {
            ExprKind::Or(items)
        };
        Ok(Expr::new(span, kind))
    }

    fn negation(&mut self) -> Result<Expr, Fault> {
        if !self.is_word("not") {
            return self.relation();
        }
        let not = self.advance()?;
        let call = matches!(&self.token.kind, Kind::Word { .. })
            && self
                .text
                .get(self.token.span.end..)
                .is_some_and(|rest| rest.trim_start().starts_with('('));
        if !self.is_symbol("(") && !call {
            return Err(
                Fault::new(not.span, "what `not` reaches over is not documented")
                    .help("write `!=`, `not like` or `not in`, or parentheses: `not (…)`"),
            );
        }
        let inner = self.atom()?;
        let span = Span::new(not.span.start, self.last_end);
        let relation = matches!(self.token.kind, Kind::Symbol(symbol) if !matches!(symbol, ")" | "|" | "," | "]"))
            || ["like", "in", "not"].iter().any(|word| self.is_word(word));
        if relation {
            return Err(
                Fault::new(not.span, "what `not` reaches over is not documented")
                    .help("put the whole condition into parentheses: `not (…)`"),
            );
        }
        Ok(Expr::new(span, ExprKind::Not(Box::new(inner))))
    }

    fn relation(&mut self) -> Result<Expr, Fault> {
        let left = self.sum()?;
        let comparison = match self.token.kind {
            Kind::Symbol("=") => Some(Comparison::Equal),
            Kind::Symbol("!=") => Some(Comparison::NotEqual),
            Kind::Symbol("<") => Some(Comparison::Less),
            Kind::Symbol("<=") => Some(Comparison::LessOrEqual),
            Kind::Symbol(">") => Some(Comparison::Greater),
            Kind::Symbol(">=") => Some(Comparison::GreaterOrEqual),
            _ => None,
        };
        if let Some(comparison) = comparison {
            self.advance()?;
            if self.is_symbol("/") {
                return Err(
                    Fault::new(self.token.span, "a regular expression cannot be compared")
                        .help("write `like` or `not like`"),
                );
            }
            let right = self.sum()?;
            let span = Span::new(left.span.start, self.last_end);
            return Ok(Expr::new(
                span,
                ExprKind::Compare(comparison, Box::new(left), Box::new(right)),
            ));
        }
        if self.take_symbol("=~")? {
            if !self.is_symbol("/") {
                return Err(self.unexpected("a regular expression between slashes"));
            }
            let regex = self.regex()?;
            return Ok(self.like(left, false, Pattern::Regex(regex)));
        }
        let negated = self.take_word("not")?;
        if self.take_word("in")? {
            return self.list(left, negated);
        }
        if self.take_word("like")? {
            if self.is_symbol("/") {
                let regex = self.regex()?;
                return Ok(self.like(left, negated, Pattern::Regex(regex)));
            }
            if let Kind::Text(text) = self.token.kind.clone() {
                self.advance()?;
                return Ok(self.like(left, negated, Pattern::Text(text)));
            }
            return Err(self.unexpected("a quoted text or a regular expression"));
        }
        if negated {
            return Err(self.unexpected("`in` or `like`"));
        }
        Ok(left)
    }

    fn like(&self, subject: Expr, negated: bool, pattern: Pattern) -> Expr {
        let span = Span::new(subject.span.start, self.last_end);
        Expr::new(
            span,
            ExprKind::Like {
                subject: Box::new(subject),
                negated,
                pattern,
            },
        )
    }

    fn list(&mut self, subject: Expr, negated: bool) -> Result<Expr, Fault> {
        if self.is_symbol("(") {
            return Err(self
                .unexpected("`[`")
                .help("a list is written in square brackets"));
        }
        self.expect_symbol("[")?;
        let mut list = Vec::new();
        loop {
            let literal = self.sum()?;
            if !matches!(literal.kind, ExprKind::Text(_) | ExprKind::Number(_)) {
                return Err(Fault::new(
                    literal.span,
                    "a list holds quoted texts and numbers",
                ));
            }
            list.push(literal);
            if !self.take_symbol(",")? {
                break;
            }
        }
        self.expect_symbol("]")?;
        let span = Span::new(subject.span.start, self.last_end);
        Ok(Expr::new(
            span,
            ExprKind::In {
                subject: Box::new(subject),
                negated,
                list,
            },
        ))
    }

    fn sum(&mut self) -> Result<Expr, Fault> {
        let mut left = self.product()?;
        loop {
            let operator = match self.token.kind {
                Kind::Symbol("+") => Operator::Add,
                Kind::Symbol("-") => Operator::Subtract,
                _ => return Ok(left),
            };
            if operator == Operator::Subtract
                && matches!(left.kind, ExprKind::Field(_))
                && self.token.span.start == left.span.end
                && self
                    .text
                    .get(self.token.span.end..)
                    .is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_alphabetic()))
            {
                return Err(Fault::new(
                    self.token.span,
                    "`-` between two words is a subtraction here",
                )
                .help("put a name that holds `-` into backticks, or spaces around a subtraction"));
            }
            left = self.operation(operator, left, Self::product)?;
        }
    }

    fn product(&mut self) -> Result<Expr, Fault> {
        let mut left = self.power()?;
        loop {
            let operator = match self.token.kind {
                Kind::Symbol("*") => Operator::Multiply,
                Kind::Symbol("/") => Operator::Divide,
                Kind::Symbol("%") => Operator::Remainder,
                _ => return Ok(left),
            };
            left = self.operation(operator, left, Self::power)?;
        }
    }

    fn power(&mut self) -> Result<Expr, Fault> {
        let left = self.atom()?;
        if !self.is_symbol("^") {
            return Ok(left);
        }
        let power = self.operation(Operator::Power, left, Self::atom)?;
        if self.is_symbol("^") {
            return Err(Fault::new(
                self.token.span,
                "`^` twice without parentheses: no order is documented",
            )
            .help("put one of them into parentheses"));
        }
        Ok(power)
    }

    fn operation(
        &mut self,
        operator: Operator,
        left: Expr,
        right: fn(&mut Self) -> Result<Expr, Fault>,
    ) -> Result<Expr, Fault> {
        self.advance()?;
        let right = right(self)?;
        let span = Span::new(left.span.start, self.last_end);
        Ok(Expr::new(
            span,
            ExprKind::Arithmetic(operator, Box::new(left), Box::new(right)),
        ))
    }

    fn atom(&mut self) -> Result<Expr, Fault> {
        self.deeper(Self::shallow_atom)
    }

    fn shallow_atom(&mut self) -> Result<Expr, Fault> {
        let span = self.token.span;
        match self.token.kind.clone() {
            Kind::Text(text) => {
                self.advance()?;
                Ok(Expr::new(span, ExprKind::Text(text)))
            }
            Kind::Number(number) => {
                self.advance()?;
                match self.token.kind.clone() {
                    Kind::Word {
                        text,
                        quoted: false,
                    } if self.token.span.start == span.end => {
                        let period = period(span.to(self.token.span), &number, &text)?;
                        self.advance()?;
                        Ok(Expr::new(
                            Span::new(span.start, self.last_end),
                            ExprKind::Period(period),
                        ))
                    }
                    _ => Ok(Expr::new(span, ExprKind::Number(number))),
                }
            }
            Kind::Symbol("-") => {
                self.advance()?;
                let inner = if let Kind::Number(number) = self.token.kind.clone() {
                    self.advance()?;
                    ExprKind::Number(format!("-{number}"))
                } else {
                    ExprKind::Negate(Box::new(self.atom()?))
                };
                Ok(Expr::new(Span::new(span.start, self.last_end), inner))
            }
            Kind::Symbol("(") => {
                self.advance()?;
                let mut inner = self.expression()?;
                self.expect_symbol(")")?;
                inner.span = Span::new(span.start, self.last_end);
                Ok(inner)
            }
            Kind::Symbol("/") => Err(Fault::new(
                span,
                "a regular expression is allowed only after `like`, `not like`, `=~` and `parse`",
            )),
            Kind::Word { text, quoted } => {
                if !quoted && is_keyword(&text) {
                    return Err(self
                        .unexpected("a field or a value")
                        .help("put a field of this name into backticks"));
                }
                if text == "@" {
                    return Err(Fault::new(span, "`@` alone is not a name"));
                }
                self.advance()?;
                if quoted || !self.is_symbol("(") {
                    return Ok(Expr::new(span, ExprKind::Field(text)));
                }
                let args = self.arguments(&text)?;
                let name = Name { span, text };
                Ok(Expr::new(
                    Span::new(span.start, self.last_end),
                    ExprKind::Call { name, args },
                ))
            }
            _ => Err(self.unexpected("a field or a value")),
        }
    }

    fn arguments(&mut self, function: &str) -> Result<Vec<Expr>, Fault> {
        self.expect_symbol("(")?;
        let mut args = Vec::new();
        if self.take_symbol(")")? {
            return Ok(args);
        }
        if self.is_symbol("*") && function.eq_ignore_ascii_case("count") {
            args.push(Expr::new(self.token.span, ExprKind::Star));
            self.advance()?;
            self.expect_symbol(")")?;
            return Ok(args);
        }
        loop {
            args.push(self.expression()?);
            if let (Some(ExprKind::Number(_)), Kind::Word { .. }) =
                (args.last().map(|arg| &arg.kind), &self.token.kind)
            {
                return Err(self
                    .unexpected("`)` or `,`")
                    .help("write a period without a space: `5m`"));
            }
            if !self.take_symbol(",")? {
                break;
            }
        }
        self.expect_symbol(")")?;
        Ok(args)
    }
}

fn is_command(word: &str) -> bool {
    COMMANDS
        .iter()
        .any(|command| command.eq_ignore_ascii_case(word))
}

fn is_keyword(word: &str) -> bool {
    KEYWORDS
        .iter()
        .any(|keyword| keyword.eq_ignore_ascii_case(word))
}

fn unknown_command(span: Span, word: &str, lower: &str) -> Fault {
    if let Some((_, help)) = REFUSED_COMMANDS.iter().find(|(name, _)| *name == lower) {
        return Fault::new(span, format!("`{word}` is not supported")).help(*help);
    }
    let fault = Fault::new(span, format!("`{word}` is not a command"));
    match similar(lower, COMMANDS.iter().copied()) {
        Some(near) => fault.help(format!("did you mean `{near}`?")),
        None => fault.help(format!("commands are {}", backticked(&COMMANDS))),
    }
}

/// The nearest of the known words, if it is near enough to be a slip.
pub(super) fn similar<'w>(word: &str, known: impl IntoIterator<Item = &'w str>) -> Option<&'w str> {
    known
        .into_iter()
        .map(|known| {
            (
                strsim::damerau_levenshtein(&word.to_lowercase(), &known.to_lowercase()),
                known,
            )
        })
        .filter(|(distance, known)| *distance <= 1 + known.len() / 4)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, known)| known)
}

pub(super) fn backticked(words: &[&str]) -> String {
    words
        .iter()
        .map(|word| format!("`{word}`"))
        .collect::<Vec<_>>()
        .join(", ")
}

fn period(span: Span, number: &str, word: &str) -> Result<Period, Fault> {
    let singular = match word.strip_suffix('s') {
        Some(rest) if !rest.is_empty() && rest != "m" => rest,
        _ => word,
    };
    let unit = match singular {
        "ms" | "msec" | "millisecond" => Unit::Millisecond,
        "s" | "sec" | "second" => Unit::Second,
        "m" | "min" | "minute" => Unit::Minute,
        "h" | "hr" | "hour" => Unit::Hour,
        "d" | "day" => Unit::Day,
        "w" | "week" | "mo" | "mon" | "month" | "q" | "qtr" | "quarter" | "y" | "yr" | "year" => {
            return Err(Fault::new(
                span,
                format!("where a `{singular}` begins is not documented"),
            )
            .help("use days"));
        }
        _ => {
            return Err(Fault::new(
                span,
                format!("`{number}{word}` is not a number or a period"),
            )
            .help("periods are written as `500ms`, `30s`, `5m`, `1h`, `1d`"));
        }
    };
    match number.parse::<u32>() {
        Ok(count) if count > 0 && count <= unit.cap() => Ok(Period { count, unit }),
        Ok(count) if count > 0 => Err(Fault::new(
            span,
            format!("the service cuts this period to {}", unit.cap()),
        )
        .help("use the next larger unit: `5m` for `300s`")),
        _ => Err(Fault::new(
            span,
            format!("`{number}` is not a whole number of at least one"),
        )),
    }
}
