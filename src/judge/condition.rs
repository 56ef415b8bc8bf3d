//! The conditions of an exclusion, compiled so that they can be tested on records.

use std::borrow::Cow;
use std::sync::Arc;

use foldhash::{HashMap, HashSet};
use memchr::memmem::{self, Finder};

use super::facts::{Facts, Sql, is_space, words};
use super::names::{self, Names};
use crate::policy::Pattern;
use crate::policy::model::{Condition, Field, Match, TextCondition};

#[derive(Debug)]
pub(super) enum Test {
    /// The field has one of these values. Role, database and client address must be there.
    OneOf(Field, Values),
    /// The object, as it is printed.
    Object(Objects),
    Text(TextTest),
}

/// One condition on the text.
#[derive(Debug)]
pub(super) enum TextTest {
    Logged,
    Empty,
    Whole(Wholes),
    StartsWith(Vec<Box<[u8]>>),
    OnlyCalls {
        functions: Arc<Names>,
        types: Arc<Names>,
    },
    Lacks(Vec<Part>),
    LacksWords(Vec<Part>),
    LacksNames(Vec<Part>),
    Contains(Vec<Part>),
}

/// A text in lower case that is looked for in a statement. To make ready for the search costs more than to search.
pub(super) type Part = Finder<'static>;

/// Texts and patterns, one of which has to be the whole text.
#[derive(Debug)]
pub(super) struct Wholes {
    /// As [`words`] gives them.
    pub(super) equals: Values,
    pub(super) matches: Vec<Pattern>,
}

/// Values that are compared byte by byte.
#[derive(Debug)]
pub(super) enum Values {
    Few(Vec<Box<[u8]>>),
    Many(HashSet<Box<[u8]>>),
}

/// More values than this are looked up by their hash.
const FEW: usize = 8;

impl Values {
    fn of<T: Into<Box<[u8]>>>(values: impl IntoIterator<Item = T>) -> Self {
        let few: Vec<Box<[u8]>> = values.into_iter().map(Into::into).collect();
        if few.len() <= FEW {
            Self::Few(few)
        } else {
            Self::Many(few.into_iter().collect())
        }
    }

    fn texts(values: &[String]) -> Self {
        Self::of(values.iter().map(|value| value.as_bytes()))
    }

    pub(super) fn has(&self, value: &[u8]) -> bool {
        match self {
            Self::Few(values) => values.iter().any(|known| &**known == value),
            Self::Many(values) => values.contains(value),
        }
    }

    pub(super) fn iter(&self) -> Box<dyn Iterator<Item = &[u8]> + '_> {
        match self {
            Self::Few(values) => Box::new(values.iter().map(|value| &**value)),
            Self::Many(values) => Box::new(values.iter().map(|value| &**value)),
        }
    }
}

/// Schemas and names. They are compared with the object as it is printed, so that a quoted name never equals a plain one.
#[derive(Debug)]
pub(super) struct Objects {
    pub(super) schemas: Option<Values>,
    pub(super) relations: Option<Values>,
}

impl Objects {
    fn fits(&self, printed: &[u8]) -> bool {
        let Some((schema, relation)) = split(printed) else {
            return false;
        };
        let schema_fits = match &self.schemas {
            Some(schemas) => schemas.has(schema),
            None => is_plain(schema),
        };
        schema_fits
            && self
                .relations
                .as_ref()
                .is_none_or(|relations| relations.has(relation))
    }
}

/// Schema and name of an object as it is printed.
pub(super) fn split(printed: &[u8]) -> Option<(&[u8], &[u8])> {
    let dot = memchr::memchr(b'.', printed)?;
    Some((printed.get(..dot)?, printed.get(dot + 1..)?))
}

/// Whether a name needs no quotes.
fn is_plain(name: &[u8]) -> bool {
    name.first()
        .is_some_and(|byte| byte.is_ascii_lowercase() || *byte == b'_')
        && name
            .iter()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || *byte == b'_')
}

/// Lists of names that exclusions share: each is made once.
#[derive(Default)]
pub(super) struct Shared<'a>(HashMap<&'a [String], Arc<Names>>);

impl<'a> Shared<'a> {
    fn names(&mut self, list: &'a [String]) -> Arc<Names> {
        let names = self
            .0
            .entry(list)
            .or_insert_with(|| Arc::new(Names::of(list)));
        Arc::clone(names)
    }
}

/// The conditions of a match, what is cheap to ask first.
pub(super) fn tests<'a>(matcher: &'a Match, shared: &mut Shared<'a>) -> Vec<Test> {
    matcher
        .conditions()
        .into_iter()
        .map(|condition| match condition {
            Condition::OneOf(field, values) => Test::OneOf(field, Values::texts(values)),
            Condition::Object { schemas, relations } => Test::Object(Objects {
                schemas: schemas.map(Values::texts),
                relations: relations.map(Values::texts),
            }),
            Condition::Text(condition) => Test::Text(match condition {
                TextCondition::Logged => TextTest::Logged,
                TextCondition::Empty => TextTest::Empty,
                TextCondition::Whole { equals, matches } => TextTest::Whole(Wholes {
                    equals: Values::of(equals.iter().map(|text| wanted(text))),
                    matches: matches.to_vec(),
                }),
                TextCondition::StartsWith(words) => TextTest::StartsWith(lower(words)),
                TextCondition::OnlyCalls { functions, types } => TextTest::OnlyCalls {
                    functions: shared.names(functions),
                    types: types.map_or_else(names::harmless_types, |types| shared.names(types)),
                },
                TextCondition::Lacks(texts) => TextTest::Lacks(parts(texts)),
                TextCondition::LacksWords(words) => TextTest::LacksWords(parts(words)),
                TextCondition::LacksNames(names) => TextTest::LacksNames(parts(names)),
                TextCondition::Contains(texts) => TextTest::Contains(parts(texts)),
            }),
        })
        .collect()
}

fn lower(texts: &[String]) -> Vec<Box<[u8]>> {
    texts
        .iter()
        .map(|text| text.to_lowercase().into_bytes().into())
        .collect()
}

fn parts(texts: &[String]) -> Vec<Part> {
    texts
        .iter()
        .map(|text| Finder::new(text.to_lowercase().as_bytes()).into_owned())
        .collect()
}

/// A text of the policy, as [`words`] gives that of a record: all semicolons at its end are left out.
fn wanted(text: &str) -> Vec<u8> {
    words(
        text.trim_end_matches(|c: char| c.is_ascii_whitespace() || c == ';')
            .as_bytes(),
    )
}

impl Test {
    /// Whether it needs the statement to be read, token by token.
    pub(super) fn reads(&self) -> bool {
        matches!(self, Self::Text(TextTest::OnlyCalls { .. }))
    }

    /// Whether a record meets it.
    pub(super) fn holds(&self, facts: &Facts<'_>) -> bool {
        match self {
            Self::OneOf(field, values) => {
                let value = facts.value(*field);
                (!value.is_empty() || !must_be_there(*field)) && values.has(value)
            }
            Self::Object(objects) => objects.fits(facts.object),
            Self::Text(test) => facts.statement.as_ref().is_some_and(|sql| test.holds(sql)),
        }
    }
}

/// A prefix without a name belongs to a process without a client. A record without an object has the empty object
/// type, which is a value.
fn must_be_there(field: Field) -> bool {
    match field {
        Field::User | Field::Database | Field::Client => true,
        Field::Class | Field::Command | Field::ObjectType => false,
    }
}

impl TextTest {
    fn holds(&self, sql: &Sql<'_>) -> bool {
        let has = |part: &Part| part.find(sql.lower()).is_some();
        match self {
            Self::Logged => true,
            Self::Empty => sql.text().is_empty(),
            Self::Whole(wholes) => wholes.fit(sql),
            Self::StartsWith(words) => words.iter().any(|word| starts_with(sql.text(), word)),
            Self::OnlyCalls { functions, types } => {
                names::are_all_listed(sql.text(), sql.reading(), functions, types)
            }
            Self::Lacks(parts) => !parts.iter().any(has),
            Self::LacksWords(words) => !words.iter().any(|word| has_word(sql.lower(), word)),
            Self::LacksNames(names) => !names.iter().any(|name| has_name(sql.lower(), name)),
            Self::Contains(parts) => parts.iter().any(has),
        }
    }
}

impl Wholes {
    fn fit(&self, sql: &Sql<'_>) -> bool {
        let has_equals = match &self.equals {
            Values::Few(values) => !values.is_empty(),
            Values::Many(_) => true,
        };
        (has_equals && self.equals.has(sql.words()))
            || self
                .matches
                .iter()
                .any(|pattern| pattern.is_whole_statement(sql.text()))
    }
}

/// Whether a text begins with a word, after white space and comments.
fn starts_with(text: &[u8], word: &[u8]) -> bool {
    let rest = skip_gaps(text);
    rest.get(..word.len())
        .is_some_and(|start| start.eq_ignore_ascii_case(word))
        && rest.get(word.len()).is_some_and(|byte| {
            !byte.is_ascii_alphanumeric() && !matches!(byte, b'_' | b'$' | b'.')
        })
}

/// What follows white space and comments. A block comment in which another may begin is not passed.
fn skip_gaps(mut text: &[u8]) -> &[u8] {
    loop {
        text = match text {
            [byte, rest @ ..] if is_space(*byte) => rest,
            [b'-', b'-', rest @ ..] => {
                let end = memchr::memchr2(b'\n', b'\r', rest).map_or(rest.len(), |at| at + 1);
                rest.get(end..).unwrap_or_default()
            }
            [b'/', b'*', rest @ ..] => match memmem::find(rest, b"*/") {
                Some(end) if !rest.get(..end).is_some_and(|inside| inside.contains(&b'/')) => {
                    rest.get(end + 2..).unwrap_or_default()
                }
                _ => return text,
            },
            _ => return text,
        };
    }
}

/// A word of its own: what stands before it is not a letter and not `_`, what stands after it is not a letter, digit or
/// `_`.
fn has_word(lower: &[u8], word: &Part) -> bool {
    word.find_iter(lower).any(|start| {
        let before = start.checked_sub(1).and_then(|at| lower.get(at));
        let after = lower.get(start + word.needle().len());
        before.is_none_or(|b| !b.is_ascii_alphabetic() && *b != b'_')
            && after.is_none_or(|b| !b.is_ascii_alphanumeric() && *b != b'_')
    })
}

/// A name of an object: what stands before it is not a quote, letter, digit or `_`.
fn has_name(lower: &[u8], name: &Part) -> bool {
    name.find_iter(lower).any(|start| {
        start
            .checked_sub(1)
            .and_then(|at| lower.get(at))
            .is_none_or(|b| !b.is_ascii_alphanumeric() && !matches!(b, b'_' | b'\''))
    })
}

/// Why a condition does not hold: its key in the policy file, what the record has, and what was asked for.
pub(super) fn why(test: &Test, facts: &Facts<'_>) -> (&'static str, String) {
    use super::explain::{any_of, around, quote};

    let sql = match test {
        Test::OneOf(field, values) => {
            return (
                field.key(),
                format!(
                    "found {}, expected {}",
                    quote(facts.value(*field)),
                    any_of(values.iter())
                ),
            );
        }
        Test::Object(objects) => return objects.why(facts.object),
        Test::Text(_) => facts.statement.as_ref(),
    };
    let (Test::Text(test), Some(sql)) = (test, sql) else {
        return (
            "statement",
            "the record does not contain the text of the statement".to_owned(),
        );
    };
    let text = sql.text();
    let held = |key: &'static str, found: Option<&[u8]>, verb: &str| {
        let found = found.unwrap_or_default();
        (
            key,
            format!("the text {verb} {}: {}", quote(found), around(text, found)),
        )
    };
    fn first(parts: &[Part], is: impl Fn(&Part) -> bool) -> Option<&[u8]> {
        parts.iter().find(|part| is(part)).map(Finder::needle)
    }
    match test {
        TextTest::Logged => (
            "statement",
            "the record does not contain the text of the statement".to_owned(),
        ),
        TextTest::Empty => (
            "statement.is_empty",
            format!("the statement has a text: {}", quote(text)),
        ),
        TextTest::Whole(wholes) => (
            if wholes.matches.is_empty() {
                "statement.equals"
            } else {
                "statement.matches"
            },
            format!("the whole text is not one of those listed: {}", quote(text)),
        ),
        TextTest::StartsWith(words) => (
            "statement.starts_with",
            format!(
                "the text begins with {}, expected {}",
                quote(text),
                any_of(words.iter().map(|word| &**word))
            ),
        ),
        TextTest::OnlyCalls { functions, types } => {
            ("statement.only_calls", unlisted(sql, functions, types))
        }
        TextTest::Lacks(parts) => held(
            "statement.lacks",
            first(parts, |part| part.find(sql.lower()).is_some()),
            "contains",
        ),
        TextTest::LacksWords(words) => held(
            "statement.lacks_words",
            first(words, |word| has_word(sql.lower(), word)),
            "contains the word",
        ),
        TextTest::LacksNames(names) => held(
            "statement.lacks_names",
            first(names, |name| has_name(sql.lower(), name)),
            "names",
        ),
        TextTest::Contains(parts) => (
            "statement.contains",
            format!(
                "the text does not contain any of {}",
                any_of(parts.iter().map(Finder::needle))
            ),
        ),
    }
}

/// The first call or cast that is not listed, or the place where reading ends.
pub(super) fn unlisted(sql: &Sql<'_>, functions: &Names, types: &Names) -> String {
    use super::explain::{behind, quote};

    let (text, reading) = (sql.text(), sql.reading());
    let found = names::first_unlisted(text, reading, functions, types);
    match (found, reading.stop) {
        (Some((name, is_type)), stop) if stop.is_none_or(|stop| name.start <= stop.at) => {
            let what: Cow<'_, str> = if is_type {
                "is cast to, and is not listed".into()
            } else {
                "is called, and is not listed".into()
            };
            format!("{} {what}", quote(name.written(text)))
        }
        (_, Some(stop)) => format!(
            "the text contains {}, before {}",
            stop.why.describe(),
            quote(behind(text, stop.at))
        ),
        _ => "every call is listed".to_owned(),
    }
}

impl Objects {
    fn why(&self, printed: &[u8]) -> (&'static str, String) {
        use super::explain::{any_of, quote};

        let Some((schema, _)) = split(printed) else {
            let key = if self.schemas.is_some() {
                "schema"
            } else {
                "relation"
            };
            return (key, "the record names no object in a schema".to_owned());
        };
        match &self.schemas {
            Some(schemas) if !schemas.has(schema) => (
                "schema",
                format!(
                    "the object is {}, which is not in {}",
                    quote(printed),
                    any_of(schemas.iter())
                ),
            ),
            None if !is_plain(schema) => (
                "relation",
                format!("the schema of {} is not a plain name", quote(printed)),
            ),
            _ => ("relation", format!("{} is not in the list", quote(printed))),
        }
    }
}
