//! Whether two results of a query say the same.
//!
//! Rows are compared as a set in which equal rows count: which of two equal ones comes first says nothing, and where a
//! text sorts by a column with equal values the service may choose. A number is the same however it is written.

use std::collections::BTreeMap;

use super::program::Table;

/// A row that is in one of two results, by its columns; a field that is missing is left out.
pub type NamedRow = BTreeMap<String, String>;

/// Rows that only one of two results has.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Difference {
    /// Rows that were expected and are not there.
    pub lacking: Vec<NamedRow>,
    /// Rows that are there and were not expected.
    pub surplus: Vec<NamedRow>,
}

impl Difference {
    /// Compares what was found with what was expected.
    #[must_use]
    pub fn of(expected: &Table, found: &Table) -> Self {
        let mut counts: BTreeMap<NamedRow, i64> = BTreeMap::new();
        for row in named(expected) {
            *counts.entry(row).or_default() += 1;
        }
        for row in named(found) {
            *counts.entry(row).or_default() -= 1;
        }
        let mut difference = Self::default();
        for (row, count) in counts {
            let side = if count > 0 {
                &mut difference.lacking
            } else {
                &mut difference.surplus
            };
            let copies = usize::try_from(count.unsigned_abs()).unwrap_or(usize::MAX);
            side.extend(std::iter::repeat_n(row, copies));
        }
        difference
    }

    /// Says whether both are the same.
    #[must_use]
    pub fn is_none(&self) -> bool {
        self.lacking.is_empty() && self.surplus.is_empty()
    }

    /// The columns in which the first row that is lacking differs from the surplus row that is most like it: name,
    /// expected value, value found.
    #[must_use]
    pub fn example(&self) -> Vec<(String, Option<String>, Option<String>)> {
        let none = NamedRow::new();
        let lacking = self.lacking.first().unwrap_or(&none);
        let alike = |row: &&NamedRow| {
            lacking
                .iter()
                .filter(|(name, value)| row.get(*name) == Some(*value))
                .count()
        };
        let surplus = self.surplus.iter().max_by_key(alike).unwrap_or(&none);
        let mut names: Vec<&String> = lacking.keys().chain(surplus.keys()).collect();
        names.sort_unstable();
        names.dedup();
        names.retain(|name| lacking.get(*name) != surplus.get(*name));
        names
            .into_iter()
            .map(|name| {
                (
                    name.clone(),
                    lacking.get(name).cloned(),
                    surplus.get(name).cloned(),
                )
            })
            .collect()
    }
}

fn named(table: &Table) -> impl Iterator<Item = NamedRow> + '_ {
    table.rows.iter().map(|row| {
        let cells = table.columns.iter().zip(row);
        cells
            .filter_map(|(name, value)| Some((name.clone(), canonical(value.as_deref()?))))
            .collect()
    })
}

/// The values of a row without names, in an order of their own.
pub(super) fn values(row: &[Option<String>]) -> Vec<String> {
    let mut values: Vec<String> = row.iter().flatten().map(|value| canonical(value)).collect();
    values.sort_unstable();
    values
}

/// A number in one form: the service may write `5984412`, `5984412.0` or `5.984412E6`.
pub(super) fn canonical(value: &str) -> String {
    let is_plain = value.len() < 40
        && value.starts_with(|first: char| first.is_ascii_digit() || first == '-')
        && value
            .bytes()
            .all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b'-' | b'+' | b'E' | b'e'));
    match value.parse::<f64>() {
        // Of two texts of digits that are no numbers, such as `007` and `7`, none becomes the other.
        Ok(number) if is_plain && !has_leading_zero(value) => number.to_string(),
        _ => value.to_owned(),
    }
}

fn has_leading_zero(value: &str) -> bool {
    let digits = value.trim_start_matches('-');
    digits.len() > 1 && digits.starts_with('0') && !digits.starts_with("0.")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(columns: &[&str], rows: &[&[Option<&str>]]) -> Table {
        Table {
            columns: columns.iter().map(|name| (*name).to_owned()).collect(),
            rows: rows
                .iter()
                .map(|row| row.iter().map(|cell| cell.map(str::to_owned)).collect())
                .collect(),
        }
    }

    #[test]
    fn order_of_rows_and_columns_and_forms_of_numbers_say_nothing() {
        let one = table(&["a", "n"], &[&[Some("x"), Some("1")], &[None, Some("20")]]);
        let other = table(
            &["n", "a"],
            &[&[Some("2.0E1"), None], &[Some("1.0"), Some("x")]],
        );
        assert!(Difference::of(&one, &other).is_none());
    }

    #[test]
    fn what_differs_is_told() {
        let one = table(
            &["a", "n"],
            &[
                &[Some("x"), Some("1")],
                &[Some("x"), Some("1")],
                &[Some("y"), Some("07")],
            ],
        );
        let other = table(
            &["a", "n"],
            &[&[Some("x"), Some("1")], &[Some("y"), Some("7")]],
        );
        let difference = Difference::of(&one, &other);
        assert_eq!((difference.lacking.len(), difference.surplus.len()), (2, 1));
        let only_lacking = Difference::of(&one, &table(&[], &[]));
        assert_eq!(only_lacking.lacking.len(), 3);
        assert_eq!(
            only_lacking.example()[0],
            ("a".to_owned(), Some("x".to_owned()), None)
        );
    }
}
