//! Texts that an exclusion looks for, taken from its own conditions.

use crate::policy::model::Exclusion;

use super::pattern;

/// Longest sample that is planted, in bytes: longer ones show nothing more.
const LONGEST: usize = 2_000;

/// A text, and the condition that it was made from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Witness {
    pub text: String,
    /// The condition, as a path in the file.
    pub condition: &'static str,
    /// Which item of the condition's list.
    pub item: Option<usize>,
}

/// The texts of an exclusion, the most telling first.
pub fn texts(exclusion: &Exclusion) -> Vec<Witness> {
    let mut found = Vec::new();
    let Some(statement) = &exclusion.matcher.statement else {
        return found;
    };
    let mut add = |text: String, condition, item| {
        let witness = Witness {
            text,
            condition,
            item,
        };
        if !witness.text.is_empty() && !found.contains(&witness) {
            found.push(witness);
        }
    };
    for (index, text) in statement.contains.iter().flatten().enumerate() {
        add(text.clone(), "match/statement/contains", Some(index));
    }
    for (index, expression) in statement.matches.iter().flatten().enumerate() {
        for template in pattern::templates(expression.as_str(), 2) {
            add(template.text(), "match/statement/matches", Some(index));
        }
    }
    for (index, text) in statement.equals.iter().flatten().enumerate() {
        add(
            text.trim().to_owned(),
            "match/statement/equals",
            Some(index),
        );
    }
    for (index, word) in statement.starts_with.iter().flatten().enumerate() {
        add(word.clone(), "match/statement/starts_with", Some(index));
    }
    let mut functions = statement.only_calls.iter().flatten();
    if let Some(function) = functions.find(|function| !function.contains('.')) {
        add(format!("{function}()"), "match/statement/only_calls", None);
    }
    for sample in &exclusion.silences {
        if sample.statement.len() <= LONGEST {
            add(sample.statement.trim().to_owned(), "match/statement", None);
        }
    }
    found
}
