//! The statements that must count, and the records that a server wrote for them: `corpus.sql`.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::Serialize;

/// Makes what the statements work on, in the schema `pgvigil_attack`.
pub const SETUP: &str = include_str!("setup.sql");

/// The statements with their records.
pub const TEXT: &str = include_str!("corpus.sql");

/// What reading each relation of the system schemas leaves in the log: a line for each, and in it,
/// behind tabs, its records.
pub const RELATIONS: &str = include_str!("relations.tsv");

/// The table that most statements work on.
pub const TABLE: &str = "pgvigil_attack.accounts";

/// What a statement does to protected data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Harm {
    Reads,
    Changes,
}

/// Whose text a record holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TextOf {
    /// That of its own step.
    Own,
    /// That of another step, counted from 1.
    Step(usize),
    /// Another: the body of a function, a query in a text.
    Other(String),
}

/// A record, without the text where that is the statement's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fact {
    pub class: String,
    pub command: String,
    /// Object type, empty for none.
    pub object_type: String,
    /// Object, empty for none.
    pub object: String,
    pub text: TextOf,
}

impl Fact {
    /// A record of the statement's own text.
    pub fn own(class: &str, command: &str, object_type: &str, object: &str) -> Self {
        Self {
            class: class.to_owned(),
            command: command.to_owned(),
            object_type: object_type.to_owned(),
            object: object.to_owned(),
            text: TextOf::Own,
        }
    }

    fn parse(line: &str) -> Option<Self> {
        let (what, text) = line.split_once('\t').unwrap_or((line, ""));
        let mut fields = what.splitn(4, ',');
        let mut next = || fields.next().map(str::to_owned);
        let text = if let Some(step) = text.strip_prefix("of ") {
            TextOf::Step(step.parse().ok()?)
        } else if let Some(other) = text.strip_prefix("text ") {
            TextOf::Other(other.to_owned())
        } else if text == "text" {
            TextOf::Other(String::new())
        } else {
            TextOf::Own
        };
        Some(Self {
            class: next()?,
            command: next()?,
            object_type: next()?,
            object: next()?,
            text,
        })
    }
}

/// One text that is sent.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Step {
    /// SQL without the final `;`, with `{true}`, `{as}` and `{with}` where text can be planted.
    pub sql: String,
    /// Records with `log_relation` on.
    pub on: Vec<Fact>,
    /// Records with it off.
    pub off: Vec<Fact>,
}

impl Step {
    /// The records under one setting.
    pub fn facts(&self, log_relation: bool) -> &[Fact] {
        if log_relation { &self.on } else { &self.off }
    }
}

/// Statements that read or change protected data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    pub name: String,
    /// What it does, in a few words.
    pub title: String,
    /// What it does to data.
    pub harm: Harm,
    /// For a rider the expression alone, with the records of `SELECT` and it.
    pub steps: Vec<Step>,
}

/// All of `corpus.sql`.
#[derive(Debug, Clone, Default)]
pub struct Corpus {
    pub actions: Vec<Entry>,
    /// Expressions that need no relation in their statement.
    pub riders: Vec<Entry>,
}

static CORPUS: LazyLock<Corpus> = LazyLock::new(|| parse(TEXT));

static READ: LazyLock<BTreeMap<&str, Vec<Fact>>> = LazyLock::new(|| {
    RELATIONS
        .lines()
        .filter_map(|line| line.split_once('\t'))
        .map(|(relation, records)| {
            (
                relation,
                records.split('\t').filter_map(Fact::parse).collect(),
            )
        })
        .collect()
});

/// The records of reading a relation of a system schema, with `log_relation` on; `None` for others.
pub fn reading(relation: &str) -> Option<&'static [Fact]> {
    READ.get(relation).map(Vec::as_slice)
}

pub fn corpus() -> &'static Corpus {
    &CORPUS
}

/// The text with nothing planted in it.
pub fn plain(sql: &str) -> String {
    sql.replace("{true}", "true")
        .replace("{as}", "")
        .replace("{with}", "")
}

/// Reads the form that the head of `corpus.sql` describes. Lines of another form are comments.
pub fn parse(text: &str) -> Corpus {
    let mut corpus = Corpus::default();
    let mut is_rider = false;
    let mut sql: Vec<&str> = Vec::new();
    for line in text.lines() {
        if let Some((rider, entry)) = header(line) {
            is_rider = rider;
            if rider {
                corpus.riders.push(entry);
            } else {
                corpus.actions.push(entry);
            }
            continue;
        }
        let entries = if is_rider {
            &mut corpus.riders
        } else {
            &mut corpus.actions
        };
        let Some(entry) = entries.last_mut() else {
            continue;
        };
        if let Some(fact) = line.strip_prefix("-- on ").and_then(Fact::parse) {
            if let Some(step) = entry.steps.last_mut() {
                step.on.push(fact);
            }
        } else if let Some(fact) = line.strip_prefix("-- off ").and_then(Fact::parse) {
            if let Some(step) = entry.steps.last_mut() {
                step.off.push(fact);
            }
        } else if !line.is_empty() && !line.starts_with("--") {
            match line.strip_suffix(';') {
                None => sql.push(line),
                Some(last) => {
                    sql.push(last);
                    entry.steps.push(Step {
                        sql: sql.join("\n"),
                        ..Step::default()
                    });
                    sql.clear();
                }
            }
        }
    }
    corpus
}

fn header(line: &str) -> Option<(bool, Entry)> {
    let line = line.strip_prefix("-- ")?;
    let (word, rest) = line.split_once(' ')?;
    let is_rider = match word {
        "rider" => true,
        "action" => false,
        _ => return None,
    };
    let (name, rest) = rest.split_once(" (")?;
    let (harm, title) = rest.split_once("): ")?;
    let harm = match harm {
        "reads" => Harm::Reads,
        "changes" => Harm::Changes,
        _ => return None,
    };
    Some((
        is_rider,
        Entry {
            name: name.to_owned(),
            title: title.to_owned(),
            harm,
            steps: Vec::new(),
        },
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_corpus_is_read_whole() {
        let corpus = corpus();
        let headers = TEXT
            .lines()
            .filter(|line| line.starts_with("-- action ") || line.starts_with("-- rider "))
            .count();
        assert_eq!(corpus.actions.len() + corpus.riders.len(), headers);
        let facts = TEXT
            .lines()
            .filter(|line| line.starts_with("-- on ") || line.starts_with("-- off "))
            .count();
        let entries = corpus.actions.iter().chain(&corpus.riders);
        let read: usize = entries
            .clone()
            .flat_map(|entry| &entry.steps)
            .map(|step| step.on.len() + step.off.len())
            .sum();
        assert_eq!(read, facts);
        let names: std::collections::BTreeSet<&str> =
            entries.clone().map(|entry| entry.name.as_str()).collect();
        assert_eq!(names.len(), headers, "a name stands twice");
        for entry in entries {
            assert!(
                entry
                    .steps
                    .iter()
                    .any(|step| !step.on.is_empty() && !step.off.is_empty()),
                "{} has no records",
                entry.name
            );
        }
    }
}
