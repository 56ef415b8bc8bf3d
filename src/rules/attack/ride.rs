//! Calls that read or change data and leave no relation in the record, and spellings that hide them.

use super::corpus::{Entry, Fact, TextOf, corpus};

/// A spelling of an expression: `{call}` is the whole, `{name}` and `{rest}` its name and what follows,
/// `{quoted}` and `{unicode}` the name as a quoted one.
#[derive(Debug, Clone, Copy)]
struct Spelling {
    /// What a reviewer reads.
    pub name: &'static str,
    /// Tried in the bounded form too.
    pub bounded: bool,
    form: &'static str,
}

const fn spelling(name: &'static str, bounded: bool, form: &'static str) -> Spelling {
    Spelling {
        name,
        bounded,
        form,
    }
}

/// Every spelling of an item in a list of expressions.
const SPELLINGS: &[Spelling] = &[
    spelling("a plain call", true, "{call}"),
    spelling("capitals", false, "{NAME}{rest}"),
    spelling("a qualified name", false, "pg_catalog.{name}{rest}"),
    spelling("a quoted name", true, "{quoted}{rest}"),
    spelling(
        "a qualified, quoted name",
        false,
        "pg_catalog.{quoted}{rest}",
    ),
    spelling("two quoted names", false, "\"pg_catalog\".{quoted}{rest}"),
    spelling(
        "comments around the dot",
        false,
        "pg_catalog /**/ . /**/ {name}{rest}",
    ),
    spelling(
        "a comment before the parenthesis",
        true,
        "{name}/* x */{rest}",
    ),
    spelling(
        "a line comment before the parenthesis",
        false,
        "{name} -- (\n{rest}",
    ),
    spelling(
        "a line comment that a carriage return ends",
        false,
        "{name} -- '\r{rest}",
    ),
    spelling(
        "a nested comment before the parenthesis",
        false,
        "{name} /* a /* b */ ( */ {rest}",
    ),
    spelling(
        "white space before the parenthesis",
        false,
        "{name}\r\n\t {rest}",
    ),
    spelling(
        "a form feed before the parenthesis",
        false,
        "{name}\u{c}{rest}",
    ),
    spelling("a name with unicode escapes", true, "{unicode}{rest}"),
    spelling(
        "a name with other unicode escapes",
        false,
        "{uescape} uescape '!' {rest}",
    ),
    spelling("literals with escapes around", true, "E'\\'', {call}, ''''"),
    spelling(
        "literals with backslashes around",
        false,
        "'\\', {call}, '\\'",
    ),
    spelling("dollar quotes around", false, "$$'$$, {call}, $$'$$"),
    spelling(
        "dollar quotes with tags around",
        false,
        "$a$ $$ ' $a$, {call}, $b$ $$ ' $b$",
    ),
    spelling(
        "comment marks in literals around",
        false,
        "'/*', {call}, '*/'",
    ),
    spelling(
        "line comment marks in literals around",
        false,
        "'--', {call}",
    ),
    spelling(
        "quotes in comments around",
        true,
        "1 /* ' */, {call} /* ' */",
    ),
    spelling(
        "quotes in line comments around",
        false,
        "1, -- '\n{call} -- '\n",
    ),
    spelling(
        "quotes in names around",
        false,
        "1 AS \"'\", {call} AS \"'x\"",
    ),
    spelling(
        "names with dollars around",
        false,
        "1 AS a$b$c, {call} AS d$b$",
    ),
    spelling(
        "national and bit strings before",
        false,
        "n'x', b'1', x'1F', {call}",
    ),
    spelling(
        "unicode literals around",
        false,
        "U&'\\0027', {call}, U&'\\0027'",
    ),
    spelling("a literal over two lines before", false, "'a'\n'b', {call}"),
    spelling("a parenthesis", false, "({call})"),
    spelling("a cast", false, "CAST({call} AS text)"),
    spelling("a type after it", false, "{call}::text"),
    spelling("a CASE", false, "CASE WHEN true THEN {call} END"),
    spelling("an array", false, "ARRAY[{call}]"),
    spelling("a row", false, "ROW({call})"),
    spelling(
        "the argument of a harmless call",
        true,
        "coalesce({call}, NULL)",
    ),
    spelling("a harmless call before", false, "version(), {call}"),
    spelling("a subquery", false, "(SELECT {call})"),
    spelling("an array of a subquery", false, "array(SELECT {call})"),
    spelling("a negation", false, "1 -({call} IS NULL)::int"),
    spelling("a division", false, "1 /(1 + ({call} IS NULL)::int)"),
    spelling(
        "a comparison without spaces",
        false,
        "1=ALL(SELECT 1 WHERE {call}IS NOT NULL)",
    ),
    spelling(
        "an operator by name",
        false,
        "({call} IS NULL) OPERATOR(pg_catalog.=) true",
    ),
    spelling(
        "a filter",
        false,
        "count(*) FILTER (WHERE {call} IS NOT NULL)",
    ),
    spelling("an order", false, "array(SELECT 1 ORDER BY {call})"),
    spelling(
        "a limit",
        false,
        "array(SELECT 1 LIMIT length({call}::text))",
    ),
];

impl Spelling {
    /// The expression in this spelling; `None` where it has no name to spell.
    pub(super) fn write(&self, call: &str) -> Option<String> {
        if !self.form.contains("{name}")
            && !self.form.contains("{NAME}")
            && !self.form.contains("{quoted}")
            && !self.form.contains("{unicode}")
            && !self.form.contains("{uescape}")
        {
            return Some(self.form.replace("{call}", call));
        }
        let (name, _) = call.split_once('(')?;
        let rest = call.get(name.len()..)?;
        // A schema of its own is part of the name; `array(` is a keyword.
        if name.is_empty() || name.contains('.') || name == "array" {
            return None;
        }
        Some(
            self.form
                .replace("{NAME}", &name.to_uppercase())
                .replace("{quoted}", &format!("\"{name}\""))
                .replace(
                    "{unicode}",
                    &format!("U&\"{}\"", name.replace('_', "\\005f")),
                )
                .replace(
                    "{uescape}",
                    &format!("U&\"{}\"", name.replace('_', "!005f")),
                )
                .replace("{name}", name)
                .replace("{rest}", rest),
        )
    }
}

/// A rider as it is written in a statement.
pub struct Spelled {
    pub rider: &'static Entry,
    /// The name of the spelling.
    pub name: &'static str,
    /// Whether it is the plain spelling, which comes first.
    pub is_plain: bool,
    pub written: String,
}

/// Every rider in every spelling that can be written; in the bounded form the first rider in the bounded
/// spellings, and the others as they are.
pub fn spelled(full: bool) -> impl Iterator<Item = Spelled> {
    riders()
        .iter()
        .enumerate()
        .flat_map(move |(number, rider)| {
            let spellings = SPELLINGS.iter().enumerate();
            spellings
                .filter(move |(index, spelling)| {
                    full || *index == 0 || (spelling.bounded && number == 0)
                })
                .filter_map(move |(index, spelling)| {
                    Some(Spelled {
                        rider,
                        name: spelling.name,
                        is_plain: index == 0,
                        written: spelling.write(call(rider))?,
                    })
                })
        })
}

/// The riders, the most important first.
fn riders() -> &'static [Entry] {
    &corpus().riders
}

/// The expression of a rider.
pub fn call(rider: &Entry) -> &str {
    rider.steps.first().map_or("", |step| step.sql.as_str())
}

/// What a rider adds to the records of a statement that has some of its own.
pub fn added(rider: &Entry, log_relation: bool) -> Vec<Fact> {
    facts(rider, log_relation)
        .filter(|fact| !is_bare(fact))
        .cloned()
        .collect()
}

/// The records of `SELECT` and the rider, without a relation.
pub fn alone(rider: &Entry, log_relation: bool) -> Vec<Fact> {
    facts(rider, log_relation).cloned().collect()
}

fn facts(rider: &Entry, log_relation: bool) -> impl Iterator<Item = &Fact> {
    rider
        .steps
        .first()
        .into_iter()
        .flat_map(move |step| step.facts(log_relation))
}

/// The record of a statement in which pgAudit found no relation.
fn is_bare(fact: &Fact) -> bool {
    fact.class == "READ"
        && fact.command == "SELECT"
        && fact.object.is_empty()
        && fact.text == TextOf::Own
}
