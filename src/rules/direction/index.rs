//! Finds the few exclusions that can silence everything of a given one.

use std::collections::HashMap;

use super::area::{Field, Values};
use super::findings::Entry;
use super::guess;

/// Exclusions by the values of their fields and by how their texts begin.
pub(super) struct Index<'a> {
    fields: Vec<(Field, Column<'a>)>,
    texts: Texts,
}

/// Exclusions by the values of one field.
#[derive(Default)]
struct Column<'a> {
    named: HashMap<&'a str, Vec<usize>>,
    /// Those that take any value, or any plain name.
    open: Vec<usize>,
}

/// Exclusions by the whole texts that they ask for.
#[derive(Default)]
struct Texts {
    /// By the text of an `equals`, white space and case aside.
    equal: HashMap<Vec<u8>, Vec<usize>>,
    /// By the letters with which a pattern begins.
    begin: HashMap<Vec<u8>, Vec<usize>>,
    open: Vec<usize>,
}

impl<'a> Index<'a> {
    pub(super) fn of(entries: &[Entry<'a>]) -> Self {
        let mut fields: Vec<(Field, Column<'a>)> = Field::ALL
            .into_iter()
            .map(|field| (field, Column::default()))
            .collect();
        let mut texts = Texts::default();
        for (number, entry) in entries.iter().enumerate() {
            for (field, column) in &mut fields {
                match entry.area.values(*field) {
                    Values::Only(values) => {
                        for value in values {
                            column.named.entry(value).or_default().push(number);
                        }
                    }
                    Values::All | Values::Plain => column.open.push(number),
                }
            }
            texts.add(number, entry);
        }
        Self { fields, texts }
    }

    /// The numbers of those that may hold all of an entry, in order: the shortest of the lists that one
    /// field or the text gives.
    pub(super) fn candidates(&self, entry: &Entry<'a>) -> Vec<usize> {
        let by_field =
            self.fields
                .iter()
                .filter_map(|(field, column)| match entry.area.values(*field) {
                    // An exclusion that holds all values holds the first.
                    Values::Only(values) => Some(column.with(values.first()?)),
                    Values::All | Values::Plain => Some(vec![&column.open]),
                });
        let by_text = entry.sample.as_ref().map(|sample| self.texts.with(sample));
        let shortest = by_field
            .chain(by_text)
            .min_by_key(|lists| lists.iter().map(|list| list.len()).sum::<usize>());
        let mut numbers: Vec<usize> = shortest.into_iter().flatten().flatten().copied().collect();
        numbers.sort_unstable();
        numbers.dedup();
        numbers
    }
}

impl Column<'_> {
    fn with(&self, value: &str) -> Vec<&Vec<usize>> {
        std::iter::once(&self.open)
            .chain(self.named.get(value))
            .collect()
    }
}

impl Texts {
    fn add(&mut self, number: usize, entry: &Entry<'_>) {
        let Some(statement) = entry.area.statement else {
            self.open.push(number);
            return;
        };
        let beginnings: Vec<Vec<u8>> = statement
            .matches
            .iter()
            .flatten()
            .map(|pattern| guess::beginning(pattern.as_str()))
            .collect();
        let has_whole = statement.is_whole();
        if !has_whole || beginnings.iter().any(Vec::is_empty) {
            self.open.push(number);
            return;
        }
        for text in statement.equals.iter().flatten() {
            let key = words(text.as_bytes());
            self.equal.entry(key).or_default().push(number);
        }
        for beginning in beginnings {
            self.begin.entry(beginning).or_default().push(number);
        }
    }

    fn with(&self, sample: &[u8]) -> Vec<&Vec<usize>> {
        let mut lists = vec![&self.open];
        lists.extend(self.equal.get(&words(sample)));
        let lower = sample.trim_ascii_start().to_ascii_lowercase();
        lists.extend(
            (1..=lower.len())
                .filter_map(|length| lower.get(..length))
                .filter_map(|start| self.begin.get(start)),
        );
        lists
    }
}

/// A text as `equals` compares it.
fn words(text: &[u8]) -> Vec<u8> {
    let mut end = text.len();
    while let Some(last) = end.checked_sub(1).and_then(|at| text.get(at)) {
        if !last.is_ascii_whitespace() && *last != b';' {
            break;
        }
        end -= 1;
    }
    text.get(..end)
        .unwrap_or_default()
        .split(u8::is_ascii_whitespace)
        .filter(|word| !word.is_empty())
        .map(<[u8]>::to_ascii_lowercase)
        .collect::<Vec<_>>()
        .join(&b' ')
}
