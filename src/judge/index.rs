//! Finds the exclusions that may match a record, without testing each of them.
//!
//! Every exclusion is filed under its most selective condition, once for each value of that condition. The order is: the
//! object, the whole text, the role, the client address, the database, the command, the class. An exclusion with none of these
//! goes to a short list that every record gets. If a record meets the condition, the exclusion is filed under one of the
//! record's own values, so looking up these values finds it. The lookup can find too many exclusions, because the other
//! conditions are not tested yet, but never too few.
//!
//! Patterns on whole texts have no value to look up. They are joined into one regular expression, which shows in one pass over
//! the text which of them match. An exclusion can have a condition on the object type as well; then its patterns are joined
//! separately for each such type, and run only on records of that type. If a joined expression would be too large to build,
//! all of its exclusions are candidates.
//!
//! The result is in the order of the policy, and names each exclusion once. So the first candidate whose tests all hold is the
//! first exclusion of the policy that silences the record.

use foldhash::HashMap;
use regex_automata::PatternSet;
use regex_automata::meta::{self, Regex};

use super::condition::{Objects, Test, TextTest, Values, split};
use super::facts::Facts;
use crate::policy::Pattern;
use crate::policy::model::Field;

/// Patterns in one joined expression at most: a larger one grows slower than it saves.
const JOINED_MAX: usize = 256;

/// Where the exclusions of an environment are filed.
#[derive(Debug, Default)]
pub(super) struct Index {
    object: Filed,
    relation: Filed,
    schema: Filed,
    text: Filed,
    user: Filed,
    database: Filed,
    client: Filed,
    command: Filed,
    class: Filed,
    /// Patterns by the type of object that goes with them.
    patterns: HashMap<Box<[u8]>, Vec<Joined>>,
    /// Patterns that go with any.
    any_patterns: Vec<Joined>,
    /// Those with none of these conditions.
    rest: Vec<u32>,
}

type Filed = HashMap<Box<[u8]>, Vec<u32>>;

/// Patterns that are matched together.
#[derive(Debug)]
struct Joined {
    regex: Option<Regex>,
    /// The exclusion of each pattern.
    rules: Vec<u32>,
}

impl Index {
    pub(super) fn of<'t>(rules: impl Iterator<Item = &'t [Test]>) -> Self {
        let mut index = Self::default();
        let mut patterns = Patterns::default();
        for (number, tests) in (0..).zip(rules) {
            index.file(number, tests, &mut patterns);
        }
        index.any_patterns = Joined::all(&patterns.any);
        index.patterns = patterns
            .of_type
            .into_iter()
            .map(|(object_type, patterns)| (object_type.into(), Joined::all(&patterns)))
            .collect();
        index
    }

    fn file<'t>(&mut self, number: u32, tests: &'t [Test], patterns: &mut Patterns<'t>) {
        let one_of = |wanted: Field| {
            tests.iter().find_map(|test| match test {
                Test::OneOf(field, values) if *field == wanted => Some(values),
                _ => None,
            })
        };
        let object = tests.iter().find_map(|test| match test {
            Test::Object(objects) => Some(objects),
            _ => None,
        });
        let whole = tests.iter().find_map(|test| match test {
            Test::Text(TextTest::Whole(wholes)) => Some(wholes),
            _ => None,
        });
        if let Some(objects) = object {
            self.file_object(number, objects);
        } else if let Some(wholes) = whole {
            add(&mut self.text, &wholes.equals, number);
            let wanted = wholes.matches.iter().map(|pattern| (number, pattern));
            match one_of(Field::ObjectType) {
                Some(types) => {
                    for object_type in types.iter() {
                        let filed = patterns.of_type.entry(object_type).or_default();
                        filed.extend(wanted.clone());
                    }
                }
                None => patterns.any.extend(wanted),
            }
        } else if let Some(values) = one_of(Field::User) {
            add(&mut self.user, values, number);
        } else if let Some(values) = one_of(Field::Client) {
            add(&mut self.client, values, number);
        } else if let Some(values) = one_of(Field::Database) {
            add(&mut self.database, values, number);
        } else if let Some(values) = one_of(Field::Command) {
            add(&mut self.command, values, number);
        } else if let Some(values) = one_of(Field::Class) {
            add(&mut self.class, values, number);
        } else {
            self.rest.push(number);
        }
    }

    fn file_object(&mut self, number: u32, objects: &Objects) {
        match (&objects.schemas, &objects.relations) {
            (Some(schemas), Some(relations)) => {
                for schema in schemas.iter() {
                    for relation in relations.iter() {
                        let object = [schema, b".", relation].concat();
                        put(&mut self.object, &object, number);
                    }
                }
            }
            (None, Some(relations)) => add(&mut self.relation, relations, number),
            (Some(schemas), None) => add(&mut self.schema, schemas, number),
            (None, None) => self.rest.push(number),
        }
    }

    /// The exclusions that may fit, in the order of the policy.
    pub(super) fn candidates(&self, facts: &Facts<'_>, found: &mut Vec<u32>) {
        found.clear();
        let mut take = |filed: &Filed, value: &[u8]| {
            if !filed.is_empty()
                && let Some(numbers) = filed.get(value)
            {
                found.extend_from_slice(numbers);
            }
        };
        take(&self.user, facts.user);
        take(&self.client, facts.client);
        take(&self.database, facts.database);
        take(&self.command, facts.command);
        take(&self.class, facts.class);
        if !facts.object.is_empty() {
            take(&self.object, facts.object);
            if let Some((schema, relation)) = split(facts.object) {
                take(&self.relation, relation);
                take(&self.schema, schema);
            }
        }
        if let Some(sql) = &facts.statement {
            if !self.text.is_empty() {
                take(&self.text, sql.words());
            }
            let of_type = self.patterns.get(facts.object_type);
            for joined in of_type.into_iter().flatten().chain(&self.any_patterns) {
                joined.matching(sql.text(), found);
            }
        }
        found.extend_from_slice(&self.rest);
        found.sort_unstable();
        found.dedup();
    }
}

/// Patterns on whole texts, with the exclusion of each.
#[derive(Default)]
struct Patterns<'t> {
    of_type: HashMap<&'t [u8], Vec<(u32, &'t Pattern)>>,
    any: Vec<(u32, &'t Pattern)>,
}

impl Joined {
    fn all(patterns: &[(u32, &Pattern)]) -> Vec<Self> {
        patterns
            .chunks(JOINED_MAX)
            .map(|chunk| Self {
                regex: joined(
                    chunk
                        .iter()
                        .map(|(_, pattern)| pattern.statement_expression()),
                ),
                rules: chunk.iter().map(|(number, _)| *number).collect(),
            })
            .collect()
    }

    fn matching(&self, text: &[u8], found: &mut Vec<u32>) {
        let Some(regex) = &self.regex else {
            // Each is asked by itself.
            found.extend_from_slice(&self.rules);
            return;
        };
        if !regex.is_match(text) {
            return;
        }
        let mut matched = PatternSet::new(self.rules.len());
        regex.which_overlapping_matches(&regex_automata::Input::new(text), &mut matched);
        found.extend(
            matched
                .iter()
                .filter_map(|pattern| self.rules.get(pattern.as_usize())),
        );
    }
}

/// One expression for several; none where it would be too large.
fn joined(expressions: impl Iterator<Item = String>) -> Option<Regex> {
    let expressions: Vec<String> = expressions.collect();
    meta::Builder::new()
        .configure(
            meta::Config::new()
                .utf8_empty(false)
                .match_kind(regex_automata::MatchKind::All)
                .nfa_size_limit(Some(64 << 20))
                .hybrid_cache_capacity(8 << 20),
        )
        .syntax(
            regex_automata::util::syntax::Config::new()
                .unicode(false)
                .utf8(false),
        )
        .build_many(&expressions)
        .ok()
}

fn add(filed: &mut Filed, values: &Values, number: u32) {
    for value in values.iter() {
        put(filed, value, number);
    }
}

fn put(filed: &mut Filed, value: &[u8], number: u32) {
    let numbers = filed.entry(value.into()).or_default();
    if numbers.last() != Some(&number) {
        numbers.push(number);
    }
}
