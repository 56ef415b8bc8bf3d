//! Finds everything that the text of a statement can call.
//!
//! A person reaches data that no record names by a *call* inside a statement that looks like noise. So a statement is
//! read for everything in it that PostgreSQL may turn into a call:
//!
//! - a name before a parenthesis, unless the grammar says otherwise;
//! - a cast in every spelling (`x::t`, `CAST(x AS t)`, `t 'x'`, types of columns and parameters): a cast runs input functions,
//!   cast functions and the checks of domains, and PostgreSQL looks a type up in `pg_temp` first;
//! - an operator, by its symbols or as `OPERATOR(schema.symbols)`;
//! - attribute notation: `(x).f` calls `f` if the value has no such attribute.
//!
//! [`Reading::of`] goes through the tokens once and collects the names of functions and types. It does not know the lists of an
//! exclusion: the names are compared with a list afterwards, so one reading serves all exclusions.
//!
//! The reader is not a parser of SQL. It looks at the last few tokens and at a stack of open parentheses. In some places the
//! grammar gives a name before a parenthesis another meaning, for example the list of columns after `INSERT INTO t`. The rule
//! for such a meaning depends on tokens that cannot appear there in any other case, so a person cannot pass off a call as one.
//! If no rule applies, the reading ends ([`Stop`]) and the record counts: the reader can be too strict, but must never miss a
//! call. Tests compare the result with PostgreSQL's own grammar.
//!
//! A column of a row, `t.f`, is the one call that cannot be told from a plain column: `f` may be a function of the row's type.
//! Such names are too many to list; docs/threat-model.md lists it among the remaining risks.

mod keyword;
mod setting;
mod token;

use keyword::Keyword;
pub(crate) use setting::Changes;
use token::{Fault, Kind, Token, Tokens};

/// A name in a text, with every part of it: `lower`, `pg_catalog.lower`, `"char"`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Name {
    pub(crate) start: usize,
    /// The byte after the last.
    pub(crate) end: usize,
}

impl Name {
    /// The name as it is written in the text.
    pub(crate) fn written(self, text: &[u8]) -> &[u8] {
        text.get(self.start..self.end).unwrap_or_default()
    }
}

/// Why a text cannot be read to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unreadable {
    /// A backslash right before a quote: what it means depends on `standard_conforming_strings`.
    BackslashQuote,
    /// A name or constant with Unicode escapes.
    UnicodeEscape,
    /// A number that a letter follows.
    NumberWithLetters,
    /// A constant, a quoted name, a comment or a parenthesis that does not end.
    Unclosed,
    /// A byte that begins nothing in SQL.
    Byte,
    /// A quoted name before a parenthesis.
    QuotedCall,
    /// An operator that PostgreSQL does not ship.
    Operator,
    /// `(x).f`, `x[1].f`, `$1.f`: `f` can be a function.
    Attribute,
    /// COPY from or to a file or program of the server.
    File,
    /// A parenthesis where the grammar has none, or a cast that cannot be followed.
    Form,
}

impl Unreadable {
    /// A description of the reason.
    pub fn describe(self) -> &'static str {
        match self {
            Self::BackslashQuote => {
                "a backslash before a quote, whose meaning depends on the server's settings"
            }
            Self::UnicodeEscape => "a name or text with Unicode escapes",
            Self::NumberWithLetters => {
                "a number followed by a letter, whose meaning depends on the server's version"
            }
            Self::Unclosed => "a text, comment or parenthesis that does not end",
            Self::Byte => "a character that cannot begin a word or symbol of SQL",
            Self::QuotedCall => "a quoted name before a parenthesis",
            Self::Operator => "an operator that is not one of PostgreSQL's own",
            Self::Attribute => "an attribute of a value, which can be a call",
            Self::File => "a file or program of the server",
            Self::Form => "syntax that pgvigil does not recognise as harmless",
        }
    }
}

impl From<Fault> for Unreadable {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::BackslashQuote => Self::BackslashQuote,
            Fault::UnicodeEscape => Self::UnicodeEscape,
            Fault::NumberWithLetters => Self::NumberWithLetters,
            Fault::Unclosed => Self::Unclosed,
            Fault::Byte => Self::Byte,
        }
    }
}

/// Where reading ended, and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stop {
    /// The byte of the text.
    pub at: usize,
    pub why: Unreadable,
}

/// What a text can call.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Reading {
    pub(crate) calls: Vec<Name>,
    /// Types that the grammar does not spell itself.
    pub(crate) types: Vec<Name>,
    /// The first word of each statement.
    pub(crate) begins: Vec<Name>,
    /// The parameters of its `EXECUTE`, where it has one.
    pub(crate) execute: Option<Parameters>,
    /// Where reading ended before the end.
    pub(crate) stop: Option<Stop>,
}

/// The parameters of a statement that begins with `EXECUTE`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Parameters {
    /// None, or constants alone.
    Constant,
    Computed,
}

impl Reading {
    /// Reads a text: decoded, as pgAudit was given it.
    pub(crate) fn of(text: &[u8]) -> Self {
        let mut tokens = Tokens::of(text);
        let mut reader = Reader {
            text,
            at: 0,
            ahead: tokens.next(),
            tokens,
            last: [None; 3],
            open: Vec::new(),
            executes: 0,
            copies: false,
            closed: None,
            reading: Self::default(),
        };
        if let Err(stop) = reader.run() {
            reader.reading.stop = Some(stop);
        }
        reader.reading
    }
}

/// What a parenthesis opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Opener {
    /// An expression, a query, arguments: whatever the tokens in it say.
    Plain,
    /// The arguments of a call.
    Call,
    /// The arguments of a call whose result has known attributes.
    Composite,
    /// `DISTINCT ON (…)`: an expression follows.
    DistinctOn,
    /// The length of a type of the grammar: a constant may follow.
    Length,
    /// The parameters of `EXECUTE`.
    Execute,
}

#[derive(Clone, Copy, Debug)]
struct Open {
    opener: Opener,
    holds: Holds,
}

/// What stands in a parenthesis so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Holds {
    Nothing,
    /// One name, perhaps with its qualifiers.
    Name,
    /// One call whose result has known attributes.
    Composite,
    Other,
}

/// What stood before the token at hand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Last {
    /// A word alone, and what the grammar makes of it.
    Word(Keyword),
    /// A quoted or qualified name.
    Name,
    /// A constant, a number or a parameter.
    Constant,
    /// `$1`.
    Parameter,
    Close,
    CloseBracket,
    Comma,
    /// Everything else: an operator, an opening mark.
    Other,
}

impl Last {
    fn ends_operand(self) -> bool {
        match self {
            Self::Word(word) => matches!(word, Keyword::None | Keyword::Value),
            Self::Name | Self::Constant | Self::Parameter | Self::Close | Self::CloseBracket => {
                true
            }
            Self::Comma | Self::Other => false,
        }
    }
}

struct Reader<'t> {
    text: &'t [u8],
    /// The byte behind the last token that was passed.
    at: usize,
    /// The token that comes next: most rules look at it, and it is read once.
    ahead: Result<Option<Token>, (usize, Fault)>,
    tokens: Tokens<'t>,
    /// The last three tokens, the youngest first.
    last: [Option<Last>; 3],
    open: Vec<Open>,
    /// How many of the open parentheses hold the parameters of `EXECUTE`.
    executes: usize,
    /// The statement at hand is COPY.
    copies: bool,
    /// The parenthesis that the last token closed.
    closed: Option<Open>,
    reading: Reading,
}

/// Attributes of what the functions in [`COMPOSITE`] return, and of columns with such values.
const ATTRIBUTES: &[&[u8]] = &[
    b"grantee",
    b"grantor",
    b"is_grantable",
    b"n",
    b"privilege_type",
    b"x",
];

/// Functions whose result has these attributes (information_schema.sql; pg_proc.dat, `aclexplode`).
const COMPOSITE: &[&[u8]] = &[b"aclexplode", b"information_schema._pg_expandarray"];

/// Whether tools use this operator: those of PostgreSQL that compare, compute, match and look into arrays and documents
/// (pg_operator.dat of 13 to 18). Others (`@@@`, `<->`, …) are rarer, and each is one more that somebody can define anew
/// for types of their own.
#[rustfmt::skip]
fn is_of_tools(symbols: &[u8]) -> bool {
    matches!(
        symbols,
        b"!=" | b"!~" | b"!~*" | b"!~~" | b"!~~*" | b"#>" | b"#>>" | b"%" | b"&" | b"&&" | b"*" | b"+" | b"-" | b"->"
            | b"->>" | b"/" | b"<" | b"<=" | b"<>" | b"<@" | b"=" | b"=>" | b">" | b">=" | b"?" | b"@>" | b"^" | b"|"
            | b"||" | b"~" | b"~*" | b"~~" | b"~~*"
    )
}

impl<'t> Reader<'t> {
    fn run(&mut self) -> Result<(), Stop> {
        while let Some(token) = self.token()? {
            self.one(token)?;
        }
        if self.open.is_empty() {
            Ok(())
        } else {
            Err(self.stop(Unreadable::Unclosed))
        }
    }

    fn token(&mut self) -> Result<Option<Token>, Stop> {
        let token = self.ahead.map_err(|(at, fault)| Stop {
            at,
            why: fault.into(),
        })?;
        self.go_on(self.tokens);
        Ok(token)
    }

    /// Goes on at another place.
    fn go_on(&mut self, mut tokens: Tokens<'t>) {
        self.at = tokens.at();
        self.ahead = tokens.next();
        self.tokens = tokens;
    }

    /// What follows the last token that was passed, to look further ahead.
    fn tokens(&self) -> Tokens<'t> {
        Tokens::behind(self.text, self.at)
    }

    /// The next token, without passing it.
    fn ahead(&self) -> Option<Token> {
        self.ahead.ok().flatten()
    }

    /// Whether this mark comes next.
    fn is_ahead(&self, mark: u8) -> bool {
        self.ahead()
            .is_some_and(|token| token.kind == Kind::Mark(mark))
    }

    fn stop(&self, why: Unreadable) -> Stop {
        Stop { at: self.at, why }
    }

    fn written(&self, token: Token) -> &'t [u8] {
        self.text.get(token.start..token.end).unwrap_or_default()
    }

    fn is_mark(&self, token: Option<Token>, mark: u8) -> bool {
        token.is_some_and(|token| token.kind == Kind::Mark(mark))
    }

    fn push(&mut self, last: Last) {
        let [youngest, second, _] = self.last;
        self.last = [Some(last), youngest, second];
        self.closed = None;
    }

    fn last(&self) -> Option<Last> {
        let [youngest, ..] = self.last;
        youngest
    }

    fn before_last(&self) -> Option<Last> {
        let [_, second, _] = self.last;
        second
    }

    fn hold(&mut self, what: Holds) {
        if let Some(open) = self.open.last_mut() {
            open.holds = match open.holds {
                Holds::Nothing => what,
                _ => Holds::Other,
            };
        }
    }

    fn last_is(&self, keyword: Keyword) -> bool {
        self.last() == Some(Last::Word(keyword))
    }

    /// Whether an operand ends right before the token at hand, so that no other can begin here. A word counts when it
    /// cannot stand before an operand.
    fn is_behind_operand(&self) -> bool {
        self.last().is_some_and(Last::ends_operand)
    }

    /// The same with a `not` between.
    fn is_behind_operand_and_not(&self) -> bool {
        self.is_behind_operand()
            || (self.last_is(Keyword::Not) && self.before_last().is_some_and(Last::ends_operand))
    }

    fn one(&mut self, token: Token) -> Result<(), Stop> {
        match token.kind {
            Kind::Word | Kind::Quoted => self.name(token),
            Kind::Text => {
                let follows_call = self.closed.is_some_and(|open| {
                    !matches!(open.opener, Opener::DistinctOn | Opener::Length)
                });
                // `f(1) 'x'` is a constant of the type `f`.
                if follows_call || self.last() == Some(Last::CloseBracket) {
                    return Err(self.stop(Unreadable::Form));
                }
                self.hold(Holds::Other);
                self.push(Last::Constant);
                Ok(())
            }
            Kind::Number => {
                self.hold(Holds::Other);
                self.push(Last::Constant);
                Ok(())
            }
            Kind::Parameter => {
                self.hold(Holds::Other);
                self.push(Last::Parameter);
                Ok(())
            }
            Kind::Operator => {
                let symbols = self.written(token);
                if !is_of_tools(symbols) || !self.may_stand_here(symbols) {
                    return Err(self.stop(Unreadable::Operator));
                }
                let is_sign = matches!(symbols, b"+" | b"-")
                    && !self.is_behind_operand()
                    && self.ahead().is_some_and(|token| token.kind == Kind::Number);
                if !is_sign {
                    self.compute();
                }
                self.hold(Holds::Other);
                self.push(Last::Other);
                Ok(())
            }
            Kind::Cast => {
                self.compute();
                self.hold(Holds::Other);
                self.a_type()
            }
            Kind::Mark(mark) => self.mark(mark),
        }
    }

    /// Whether an operator has an operand before it. A sign needs none, and `*` may stand for all columns. Any other
    /// operator that only an operand follows is one that somebody defined.
    fn may_stand_here(&self, symbols: &[u8]) -> bool {
        let begins_operand = match self.last() {
            None | Some(Last::Other | Last::Comma) => true,
            Some(Last::Word(word)) => word.is_reserved() && word != Keyword::Value,
            Some(_) => false,
        };
        if !begins_operand || matches!(symbols, b"+" | b"-") {
            return true;
        }
        symbols == b"*"
            && match self.ahead() {
                None => true,
                Some(token) => match token.kind {
                    Kind::Mark(mark) => matches!(mark, b')' | b',' | b';'),
                    Kind::Word => Keyword::of(self.written(token)).is_reserved(),
                    _ => false,
                },
            }
    }

    fn mark(&mut self, mark: u8) -> Result<(), Stop> {
        match mark {
            b'(' => {
                self.open(Opener::Plain);
                Ok(())
            }
            b')' => self.close(),
            b'[' => {
                self.hold(Holds::Other);
                self.push(Last::Other);
                Ok(())
            }
            b']' => {
                self.push(Last::CloseBracket);
                Ok(())
            }
            b',' => {
                self.hold(Holds::Other);
                self.push(Last::Comma);
                Ok(())
            }
            b';' => {
                if !self.open.is_empty() {
                    return Err(self.stop(Unreadable::Form));
                }
                self.last = [None; 3];
                self.closed = None;
                self.copies = false;
                Ok(())
            }
            b'.' => self.attribute(),
            _ => {
                self.hold(Holds::Other);
                self.push(Last::Other);
                Ok(())
            }
        }
    }

    /// Opens a parenthesis. What is in it is read on as what it is.
    fn open(&mut self, opener: Opener) {
        if matches!(opener, Opener::Plain) {
            self.compute();
        }
        let holds = if opener == Opener::Composite {
            Holds::Composite
        } else {
            Holds::Other
        };
        self.hold(holds);
        self.executes += usize::from(opener == Opener::Execute);
        self.open.push(Open {
            opener,
            holds: Holds::Nothing,
        });
        self.push(Last::Other);
    }

    fn close(&mut self) -> Result<(), Stop> {
        let Some(open) = self.open.pop() else {
            return Err(self.stop(Unreadable::Form));
        };
        self.executes -= usize::from(open.opener == Opener::Execute);
        // Behind the list of DISTINCT ON an expression begins, as behind an operator.
        self.push(match open.opener {
            Opener::DistinctOn => Last::Other,
            _ => Last::Close,
        });
        self.closed = Some(open);
        Ok(())
    }

    /// A dot behind something that is not a name: `(x).f`, `(x).*`, `x[1].f`, `$1.f`.
    fn attribute(&mut self) -> Result<(), Stop> {
        let closed = self.closed;
        let Some(name) = self.token()? else {
            return Err(self.stop(Unreadable::Attribute));
        };
        if name.kind == Kind::Operator && self.written(name) == b"*" {
            self.push(Last::Name);
            return Ok(());
        }
        let is_known = ATTRIBUTES
            .iter()
            .any(|known| self.written(name).eq_ignore_ascii_case(known));
        let of_known = closed.is_some_and(|open| {
            open.opener == Opener::Plain && matches!(open.holds, Holds::Name | Holds::Composite)
        });
        if name.kind != Kind::Word
            || !is_known
            || !of_known
            || self.is_ahead(b'(')
            || self.is_ahead(b'.')
        {
            return Err(self.stop(Unreadable::Attribute));
        }
        self.push(Last::Name);
        Ok(())
    }

    /// A name with its qualifiers, and what follows it.
    fn name(&mut self, first: Token) -> Result<(), Stop> {
        let mut name = Name {
            start: first.start,
            end: first.end,
        };
        if self.last().is_none() && self.open.is_empty() {
            self.reading.begins.push(name);
        }
        let mut is_quoted = first.kind == Kind::Quoted;
        let mut parts = 1;
        while self.is_ahead(b'.') {
            let _ = self.token()?;
            let Some(part) = self.token()? else {
                return Err(self.stop(Unreadable::Form));
            };
            match part.kind {
                Kind::Word => {}
                Kind::Quoted => is_quoted = true,
                Kind::Operator if self.written(part) == b"*" => {
                    self.hold(Holds::Other);
                    self.push(Last::Name);
                    return Ok(());
                }
                _ => return Err(self.stop(Unreadable::Form)),
            }
            // White space around the dots is not part of a name that is compared.
            if part.start != name.end + 1 {
                is_quoted = true;
            }
            name.end = part.end;
            parts += 1;
        }
        let ahead = self.ahead();
        if self.is_mark(ahead, b'(') {
            if self.names_columns_ahead(name, parts == 1 && !is_quoted) {
                return self.pass(Keyword::None, Opener::Plain);
            }
            return if parts == 1 && !is_quoted {
                self.word_and_parenthesis(name)
            } else if is_quoted {
                self.quoted_and_parenthesis(parts)
            } else {
                self.call(name)
            };
        }
        let is_word = parts == 1 && !is_quoted;
        let keyword = if is_word {
            Keyword::of(name.written(self.text))
        } else {
            Keyword::None
        };
        if ahead.is_some_and(|token| token.kind == Kind::Text)
            && !(is_word && self.may_stand_before_text(keyword))
        {
            // `t 'x'`.
            self.compute();
            self.reading.types.push(name);
        }
        if keyword == Keyword::As && self.is_in_cast() {
            self.hold(Holds::Other);
            self.push(Last::Word(keyword));
            return self.a_type();
        }
        if is_word && self.names_file(name, ahead) {
            return Err(self.stop(Unreadable::File));
        }
        if keyword == Keyword::Execute && self.names_prepared(ahead) {
            self.reading.execute = Some(Parameters::Constant);
        }
        self.hold(if keyword == Keyword::None {
            Holds::Name
        } else {
            Holds::Other
        });
        self.push(if is_word {
            Last::Word(keyword)
        } else {
            Last::Name
        });
        Ok(())
    }

    /// Whether the parenthesis at hand is that of a call, which `AS` turns into a cast: `CAST(x AS t)`,
    /// `XMLSERIALIZE(x AS t)`.
    fn is_in_cast(&self) -> bool {
        self.open
            .last()
            .is_some_and(|open| matches!(open.opener, Opener::Call | Opener::Composite))
    }

    /// Whether a text constant may follow a word without being of the type that the word names.
    fn may_stand_before_text(&self, keyword: Keyword) -> bool {
        match keyword {
            Keyword::Reserved
            | Keyword::Into
            | Keyword::Value
            | Keyword::As
            | Keyword::Not
            | Keyword::On
            | Keyword::With
            | Keyword::Order
            | Keyword::Distinct
            | Keyword::GrammarType
            | Keyword::Time
            | Keyword::Column
            | Keyword::Grouping => true,
            Keyword::Like => self.is_behind_operand_and_not(),
            Keyword::Escape => self.is_behind_operand(),
            Keyword::Zone => self.last_is(Keyword::Time),
            Keyword::By => self.is_clause_with_by(),
            Keyword::Varying => self.last_is(Keyword::GrammarType),
            Keyword::Precision => true,
            _ => false,
        }
    }

    /// `ORDER BY`, `GROUP BY`, `PARTITION BY`.
    fn is_clause_with_by(&self) -> bool {
        self.last_is(Keyword::Order)
            || (self.last_is(Keyword::Partition)
                && !matches!(
                    self.before_last(),
                    Some(Last::Word(Keyword::Reserved) | Last::Comma)
                ))
    }

    /// A word before a parenthesis: a call, unless the grammar has another meaning for it here.
    fn word_and_parenthesis(&mut self, name: Name) -> Result<(), Stop> {
        let keyword = Keyword::of(name.written(self.text));
        let last = self.last();
        // Words that are not reserved are names of rows and of prepared statements too.
        if self.last_is(Keyword::Execute) && self.reading.execute.is_some() {
            return self.pass(keyword, Opener::Execute);
        }
        if matches!(last, Some(Last::Word(Keyword::Prepare))) && self.before_last().is_none() {
            return self.types(keyword);
        }
        if matches!(
            last,
            Some(Last::Close | Last::Word(Keyword::As | Keyword::Ordinality))
        ) && !keyword.is_reserved()
            && self.are_columns_with_types()
        {
            return self.columns(keyword);
        }
        let is_grammar = match keyword {
            Keyword::Reserved
            | Keyword::Into
            | Keyword::Value
            | Keyword::Not
            | Keyword::With
            | Keyword::Order
            | Keyword::Distinct
            | Keyword::Column
            | Keyword::Grouping => true,
            Keyword::On => {
                let opener = if self.last_is(Keyword::Distinct) {
                    Opener::DistinctOn
                } else {
                    Opener::Plain
                };
                return self.pass(keyword, opener);
            }
            Keyword::As => return self.as_and_parenthesis(),
            Keyword::Cast => return self.pass(keyword, Opener::Call),
            Keyword::GrammarType | Keyword::Time => return self.pass(keyword, Opener::Length),
            Keyword::Varying if self.last_is(Keyword::GrammarType) => {
                return self.pass(keyword, Opener::Length);
            }
            Keyword::Operator => return self.named_operator(),
            // Behind the parenthesis of a call. Elsewhere they name functions.
            Keyword::Over | Keyword::Filter => last == Some(Last::Close),
            Keyword::Like => self.is_behind_operand_and_not(),
            Keyword::Overlaps => last == Some(Last::Close) && self.is_behind_operand(),
            Keyword::By => self.is_clause_with_by(),
            Keyword::Join => match last {
                Some(Last::Close | Last::Name) => true,
                Some(Last::Word(word)) => matches!(word, Keyword::None | Keyword::JoinKind),
                _ => false,
            },
            Keyword::Sets => self.last_is(Keyword::Grouping),
            Keyword::Materialized => {
                self.last_is(Keyword::As)
                    || (self.last_is(Keyword::Not)
                        && self.before_last() == Some(Last::Word(Keyword::As)))
            }
            _ => false,
        };
        if is_grammar {
            return self.pass(keyword, Opener::Plain);
        }
        if keyword == Keyword::None {
            match last {
                // `WITH name (a, b) AS (`, `, name (a, b) AS (`.
                _ if self.is_common_table() => return self.pass(keyword, Opener::Plain),
                // `AS name (…)`, `WITH ORDINALITY name (…)`, `f() name (…)`.
                Some(Last::Word(Keyword::As)) => return self.columns(keyword),
                Some(Last::Word(Keyword::Ordinality))
                    if self.before_last() == Some(Last::Word(Keyword::With)) =>
                {
                    return self.columns(keyword);
                }
                Some(Last::Close) if self.is_behind_operand() && self.are_columns() => {
                    return self.columns(keyword);
                }
                _ => {}
            }
        }
        self.call(name)
    }

    /// Whether the parenthesis ahead cannot be that of a call, because of where the name stands.
    fn names_columns_ahead(&mut self, name: Name, is_word: bool) -> bool {
        // `INSERT INTO t (a, b)`: the grammar has a relation behind this word, and never an expression.
        if self.last_is(Keyword::Into) {
            return true;
        }
        if is_word && self.last().is_none() && self.open.is_empty() {
            // `COPY (SELECT …) TO`: no statement begins with a call.
            let is_copy = name.written(self.text).eq_ignore_ascii_case(b"copy");
            self.copies |= is_copy;
            return is_copy;
        }
        // `COPY t (a, b) FROM`.
        let is_behind_copy = self.copies
            && self.open.is_empty()
            && self.before_last().is_none()
            && self.last().is_some();
        // `ON CONFLICT (a, b) DO`: nothing but this clause goes on with a word that is reserved.
        let is_conflict = is_word
            && self.last_is(Keyword::On)
            && name.written(self.text).eq_ignore_ascii_case(b"conflict")
            && self.behind_columns().is_some_and(|mut tokens| {
                let next = tokens.next().ok().flatten();
                next.is_some_and(|token| {
                    token.kind == Kind::Word && self.written(token).eq_ignore_ascii_case(b"do")
                })
            });
        is_behind_copy || is_conflict
    }

    /// Whether a file or program of the server follows: `COPY … TO '/x'`, `COPY … FROM PROGRAM 'x'`. The record names the
    /// relation alone.
    fn names_file(&mut self, name: Name, ahead: Option<Token>) -> bool {
        let written = name.written(self.text);
        if self.last().is_none() && written.eq_ignore_ascii_case(b"copy") {
            self.copies = true;
        }
        let is_side = written.eq_ignore_ascii_case(b"to") || written.eq_ignore_ascii_case(b"from");
        self.copies
            && is_side
            && self.open.is_empty()
            && ahead.is_some_and(|token| {
                token.kind == Kind::Text || self.written(token).eq_ignore_ascii_case(b"program")
            })
    }

    /// Whether the name of a prepared statement follows `EXECUTE`; `GRANT EXECUTE ON` goes on otherwise.
    fn names_prepared(&self, ahead: Option<Token>) -> bool {
        ahead.is_some_and(|token| match token.kind {
            Kind::Word => Keyword::of(self.written(token)) != Keyword::On,
            Kind::Quoted => true,
            _ => false,
        })
    }

    /// A quoted name before a parenthesis: harmless only where it names rows or a prepared statement.
    fn quoted_and_parenthesis(&mut self, parts: u32) -> Result<(), Stop> {
        if parts == 1 && self.last_is(Keyword::Execute) && self.reading.execute.is_some() {
            return self.pass(Keyword::None, Opener::Execute);
        }
        let names_rows = parts == 1
            && (self.last_is(Keyword::As)
                || (self.last() == Some(Last::Close)
                    && self.is_behind_operand()
                    && self.are_columns()));
        if names_rows {
            return self.columns(Keyword::None);
        }
        Err(self.stop(Unreadable::QuotedCall))
    }

    /// Passes a word and the parenthesis behind it.
    fn pass(&mut self, keyword: Keyword, opener: Opener) -> Result<(), Stop> {
        if opener == Opener::Call {
            self.compute();
        }
        self.hold(Holds::Other);
        self.push(Last::Word(keyword));
        let _ = self.token()?;
        self.open(opener);
        Ok(())
    }

    fn call(&mut self, name: Name) -> Result<(), Stop> {
        self.compute();
        let written = name.written(self.text);
        let plain = strip_pg_catalog(written);
        let is_composite = COMPOSITE
            .iter()
            .any(|known| plain.eq_ignore_ascii_case(known));
        self.reading.calls.push(name);
        let _ = self.token()?;
        let last = Last::Word(Keyword::None);
        self.push(last);
        self.open(if is_composite {
            Opener::Composite
        } else {
            Opener::Call
        });
        Ok(())
    }

    /// The parameters of `EXECUTE` hold more than constants.
    fn compute(&mut self) {
        if self.executes > 0 {
            self.reading.execute = Some(Parameters::Computed);
        }
    }

    /// `AS (`: a query or a window; behind a call in FROM a list of columns with their types.
    fn as_and_parenthesis(&mut self) -> Result<(), Stop> {
        let is_behind_call = self.last() == Some(Last::Close);
        let mut tokens = self.tokens();
        let _ = tokens.next();
        let first = tokens.next().ok().flatten();
        let second = tokens.next().ok().flatten();
        let begins_query = first.is_some_and(|token| {
            self.is_mark(first, b'(')
                || (token.kind == Kind::Word && {
                    let word = self.written(token);
                    // Reserved words: no column has such a name without quotes.
                    [&b"select"[..], b"with", b"table"]
                        .iter()
                        .any(|known| word.eq_ignore_ascii_case(known))
                        || (word.eq_ignore_ascii_case(b"values") && self.is_mark(second, b'('))
                })
        });
        if !begins_query && (is_behind_call || self.are_columns_with_types()) {
            return self.columns(Keyword::As);
        }
        self.pass(Keyword::As, Opener::Plain)
    }

    /// Whether a name with a list in parentheses begins a query of WITH: only `AS (SELECT` and its like follow one.
    fn is_common_table(&self) -> bool {
        let Some(mut tokens) = self.behind_columns() else {
            return false;
        };
        let mut next_word = || match tokens.next() {
            Ok(Some(token)) if token.kind == Kind::Word => Some(self.written(token)),
            Ok(Some(token)) if token.kind == Kind::Mark(b'(') => Some(&b"("[..]),
            _ => None,
        };
        let is = |word: Option<&[u8]>, known: &[u8]| {
            word.is_some_and(|word| word.eq_ignore_ascii_case(known))
        };
        if !is(next_word(), b"as") {
            return false;
        }
        let mut word = next_word();
        if is(word, b"not") {
            word = next_word();
        }
        if is(word, b"materialized") {
            word = next_word();
        }
        if word != Some(b"(") {
            return false;
        }
        let first = next_word();
        is(first, b"select") || is(first, b"with") || is(first, b"table") || first == Some(b"(")
    }

    /// Whether the parenthesis ahead begins with a name and a type, `(a t`, which no expression does: two names stand side
    /// by side only in `(partition by` and `(rows between` of a window, and before an operator that is a word.
    fn are_columns_with_types(&self) -> bool {
        let mut tokens = self.tokens();
        let _ = tokens.next();
        let mut name = || match tokens.next() {
            Ok(Some(token)) if token.kind == Kind::Quoted => Some(Keyword::None),
            Ok(Some(token)) if token.kind == Kind::Word => Some(Keyword::of(self.written(token))),
            _ => None,
        };
        let (first, second) = (name(), name());
        let (Some(first), Some(second)) = (first, second) else {
            return false;
        };
        !first.is_reserved()
            && !second.is_reserved()
            && !matches!(
                (first, second),
                (Keyword::Partition, Keyword::By)
                    | (Keyword::Prefix, Keyword::Prefix | Keyword::Column)
                    | (Keyword::None, Keyword::Partition)
            )
    }

    /// Whether the parenthesis ahead holds nothing but names and commas.
    fn are_columns(&self) -> bool {
        self.behind_columns().is_some()
    }

    /// The place behind the parenthesis ahead, if it holds nothing but names and commas. It ends at the next parenthesis
    /// at the latest, so that no token is looked at for more than one of them.
    fn behind_columns(&self) -> Option<Tokens<'t>> {
        let mut tokens = self.tokens();
        let _ = tokens.next();
        loop {
            match tokens.next().ok().flatten()?.kind {
                Kind::Mark(b')') => return Some(tokens),
                Kind::Word | Kind::Quoted | Kind::Mark(b',') => {}
                _ => return None,
            }
        }
    }

    /// Passes a word and `(a, b)` or `(a t, b u)`: names of columns, perhaps with their types.
    fn columns(&mut self, keyword: Keyword) -> Result<(), Stop> {
        self.pass(keyword, Opener::Plain)?;
        loop {
            let Some(token) = self.token()? else {
                return Err(self.stop(Unreadable::Unclosed));
            };
            if !matches!(token.kind, Kind::Word | Kind::Quoted) {
                return Err(self.stop(Unreadable::Form));
            }
            self.push(Last::Name);
            let ahead = self.ahead();
            if !self.is_mark(ahead, b',') && !self.is_mark(ahead, b')') {
                self.a_type()?;
            }
            match self.token()?.map(|token| token.kind) {
                Some(Kind::Mark(b',')) => self.push(Last::Comma),
                Some(Kind::Mark(b')')) => return self.close(),
                _ => return Err(self.stop(Unreadable::Form)),
            }
        }
    }

    /// Passes a word and `(t, u)`: types.
    fn types(&mut self, keyword: Keyword) -> Result<(), Stop> {
        self.pass(keyword, Opener::Plain)?;
        loop {
            self.a_type()?;
            match self.token()?.map(|token| token.kind) {
                Some(Kind::Mark(b',')) => self.push(Last::Comma),
                Some(Kind::Mark(b')')) => return self.close(),
                _ => return Err(self.stop(Unreadable::Form)),
            }
        }
    }

    /// Reads a type, with its length and its brackets, and notes it unless the grammar spells it.
    fn a_type(&mut self) -> Result<(), Stop> {
        let Some(first) = self.token()? else {
            return Err(self.stop(Unreadable::Form));
        };
        if !matches!(first.kind, Kind::Word | Kind::Quoted) {
            return Err(self.stop(Unreadable::Form));
        }
        let mut name = Name {
            start: first.start,
            end: first.end,
        };
        let second = self
            .ahead()
            .filter(|token| token.kind == Kind::Word)
            .map(|token| Keyword::of(self.written(token)));
        let is_of_grammar = first.kind == Kind::Word
            && !self.is_ahead(b'.')
            && match Keyword::of(self.written(first)) {
                Keyword::GrammarType | Keyword::Time => true,
                Keyword::Double => second == Some(Keyword::Precision),
                _ => false,
            };
        if is_of_grammar {
            // `character varying`, `double precision`, `bit varying`, `national character`.
            if matches!(
                second,
                Some(Keyword::Varying | Keyword::Precision | Keyword::GrammarType)
            ) {
                let _ = self.token()?;
            }
        } else {
            while self.is_ahead(b'.') {
                let _ = self.token()?;
                match self.token()? {
                    Some(part) if matches!(part.kind, Kind::Word | Kind::Quoted) => {
                        name.end = part.end;
                    }
                    _ => return Err(self.stop(Unreadable::Form)),
                }
            }
            self.reading.types.push(name);
        }
        if self.is_ahead(b'(') {
            let _ = self.token()?;
            loop {
                match self.token()? {
                    Some(token) => match token.kind {
                        Kind::Mark(b')') => break,
                        Kind::Number | Kind::Mark(b',') => {}
                        _ => return Err(self.stop(Unreadable::Form)),
                    },
                    None => return Err(self.stop(Unreadable::Unclosed)),
                }
            }
        }
        if is_of_grammar {
            self.time_zone();
        }
        self.push(Last::Name);
        while self.is_ahead(b'[') {
            let _ = self.token()?;
            match self.token()? {
                Some(token) if token.kind == Kind::Mark(b']') => {}
                Some(token) if token.kind == Kind::Number => {
                    if !matches!(self.token()?, Some(end) if end.kind == Kind::Mark(b']')) {
                        return Err(self.stop(Unreadable::Form));
                    }
                }
                // A subscript of the value.
                Some(token) => {
                    self.push(Last::Other);
                    return self.one(token);
                }
                None => return Err(self.stop(Unreadable::Unclosed)),
            }
            self.push(Last::CloseBracket);
        }
        Ok(())
    }

    /// `with time zone`, `without time zone`.
    fn time_zone(&mut self) {
        for first in [&b"with"[..], b"without"] {
            if let Some(behind) = self.behind(&[first, b"time", b"zone"]) {
                self.go_on(behind);
                return;
            }
        }
    }

    /// The place behind these words, where they come next.
    fn behind(&self, words: &[&[u8]]) -> Option<Tokens<'t>> {
        let mut tokens = self.tokens();
        words
            .iter()
            .all(|word| match tokens.next() {
                Ok(Some(token)) => {
                    token.kind == Kind::Word && self.written(token).eq_ignore_ascii_case(word)
                }
                _ => false,
            })
            .then_some(tokens)
    }

    /// `OPERATOR(pg_catalog.symbols)`. Without such a parenthesis `operator` may name a function.
    fn named_operator(&mut self) -> Result<(), Stop> {
        let _ = self.token()?;
        let schema = self.token()?;
        let dot = self.token()?;
        let symbols = self.token()?;
        let end = self.token()?;
        let is_shipped = schema.is_some_and(|token| {
            token.kind == Kind::Word && self.written(token).eq_ignore_ascii_case(b"pg_catalog")
        }) && self.is_mark(dot, b'.')
            && symbols.is_some_and(|token| {
                token.kind == Kind::Operator && is_of_tools(self.written(token))
            })
            && self.is_mark(end, b')');
        if !is_shipped {
            return Err(self.stop(Unreadable::Operator));
        }
        self.compute();
        self.hold(Holds::Other);
        self.push(Last::Other);
        Ok(())
    }
}

/// The name without the schema of the system, where it stands there without quotes.
pub(crate) fn strip_pg_catalog(name: &[u8]) -> &[u8] {
    const SCHEMA: &[u8] = b"pg_catalog.";
    match name.split_at_checked(SCHEMA.len()) {
        Some((schema, rest)) if schema.eq_ignore_ascii_case(SCHEMA) => rest,
        _ => name,
    }
}

#[cfg(test)]
mod tests;
