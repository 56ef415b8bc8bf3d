//! A record that one policy silences and another counts: made up from a piece, written as PostgreSQL and pgAudit would
//! write it, and judged by both.

use serde::{Serialize, Serializer};

use crate::audit_log::prefix::LogLinePrefix;
use crate::audit_log::write::{PrefixFields, RecordFields, TextOut, write_entry, write_record};
use crate::judge::{self, Rules, Scratch, Verdict};

use crate::policy::model::Sample;

use super::area::{Area, Field, Values};

/// A record that proves what a change silences: one policy silences it, the other counts it. Both judged it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Counterexample {
    pub user: String,
    pub database: String,
    /// Client as the prefix prints it.
    pub client: String,
    pub class: String,
    pub command: String,
    /// Object type; empty where there is none.
    pub object_type: String,
    /// Object; empty where there is none.
    pub object: String,
    /// The SQL text; `None` where the record does not hold it.
    #[serde(serialize_with = "as_text")]
    pub statement: Option<Vec<u8>>,
    /// The log entry, without its last line break. It may hold several lines.
    #[serde(serialize_with = "as_entry")]
    pub entry: Vec<u8>,
}

fn as_text<S: Serializer>(text: &Option<Vec<u8>>, serializer: S) -> Result<S::Ok, S::Error> {
    text.as_ref()
        .map(|text| String::from_utf8_lossy(text))
        .serialize(serializer)
}

fn as_entry<S: Serializer>(entry: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
    String::from_utf8_lossy(entry).serialize(serializer)
}

/// One policy, ready to judge.
pub(super) struct Judge {
    judge: judge::Judge,
    scratch: Scratch,
}

impl Judge {
    pub(super) fn new(rules: &Rules) -> Self {
        Self {
            judge: judge::Judge::new(rules),
            scratch: Scratch::default(),
        }
    }

    pub(super) fn prefix(&self) -> LogLinePrefix {
        self.judge.prefix()
    }

    pub(super) fn counts(&mut self, entry: &[u8]) -> bool {
        self.judge.verdict(&mut self.scratch, entry) == Verdict::Counted
    }

    /// Says whether this exclusion silences the entry.
    pub(super) fn excludes(&mut self, entry: &[u8], id: &str) -> bool {
        match self.judge.verdict(&mut self.scratch, entry) {
            Verdict::Excluded(by) => by.iter().any(|one| one == id),
            _ => false,
        }
    }

    /// Says whether the entry is out of scope.
    pub(super) fn is_out_of_scope(&mut self, entry: &[u8]) -> bool {
        self.judge.verdict(&mut self.scratch, entry) == Verdict::OutOfScope
    }
}

const DATABASES: &[&str] = &["shop", "app", "other_database"];
const CLIENTS: &[&str] = &["10.0.1.123", "192.0.2.7", "198.51.100.9"];
const CLASSES: &[&str] = &["READ", "WRITE", "FUNCTION", "MISC", "OTHER"];
const TYPES: &[&str] = &["TABLE", "VIEW", "SEQUENCE", "FUNCTION", "OTHER"];
const SCHEMAS: &[&str] = &["public", "app", "other_schema"];
const RELATIONS: &[&str] = &["orders", "customers", "other_relation"];

fn commands(class: &str) -> &'static [&'static str] {
    match class {
        "READ" => &["SELECT", "COPY", "OTHER"],
        "WRITE" => &["UPDATE", "DELETE", "INSERT", "OTHER"],
        "FUNCTION" => &["EXECUTE", "DO", "OTHER"],
        _ => &["???", "CALL", "FETCH", "OTHER"],
    }
}

/// Makes a record of a piece. Where the piece leaves a field open, its value is one that no area of
/// `avoided` names; `users` are tried first for the role.
pub(super) fn record(
    piece: &Area<'_>,
    statement: Option<&[u8]>,
    avoided: &[&Area<'_>],
    users: &[&str],
    prefix: LogLinePrefix,
) -> Counterexample {
    let choose = |field: Field, candidates: &[&str]| -> String {
        match piece.values(field) {
            Values::Only(values) => values
                .iter()
                .find(|value| !value.is_empty())
                .or(values.first())
                .map_or_else(String::new, |value| (*value).to_owned()),
            Values::All | Values::Plain => candidates
                .iter()
                .find(|candidate| {
                    !avoided.iter().any(|area| {
                        matches!(area.values(field), Values::Only(values) if values.contains(candidate))
                    })
                })
                .or(candidates.last())
                .map_or_else(String::new, |value| (*value).to_owned()),
        }
    };
    let class = choose(Field::Class, CLASSES);
    let command = choose(Field::Command, commands(&class));
    let object_type = choose(Field::ObjectType, TYPES);
    let has_object = !object_type.is_empty() || *piece.values(Field::Schema) != Values::All;
    let object = if has_object {
        format!(
            "{}.{}",
            choose(Field::Schema, SCHEMAS),
            choose(Field::Relation, RELATIONS)
        )
    } else {
        String::new()
    };
    let address = choose(Field::Client, CLIENTS);
    let client = if address.starts_with('[') {
        address
    } else {
        format!("{address}(50322)")
    };
    let statement = match (statement, piece.statement) {
        (Some(text), _) => Some(text.to_vec()),
        (None, Some(_)) => None,
        (None, None) => Some(usual(&command, &object).into_bytes()),
    };
    written(
        Counterexample {
            user: choose(Field::User, users),
            database: choose(Field::Database, DATABASES),
            client,
            class,
            command,
            object_type,
            object,
            statement,
            entry: Vec::new(),
        },
        prefix,
    )
}

/// The same with a text that names its object, if the text does not.
pub(super) fn fitting(record: &Counterexample, prefix: LogLinePrefix) -> Option<Counterexample> {
    let name = record.object.rsplit('.').next()?;
    let text = record.statement.as_ref()?;
    let names_it = name.is_empty() || memchr::memmem::find(text, name.as_bytes()).is_some();
    if names_it {
        return None;
    }
    Some(written(
        Counterexample {
            statement: Some(usual(&record.command, &record.object).into_bytes()),
            ..record.clone()
        },
        prefix,
    ))
}

/// A record from a sample of the policy.
pub(super) fn of_sample(sample: &Sample, users: &[&str], prefix: LogLinePrefix) -> Counterexample {
    let or = |value: &Option<String>, other: &str| value.clone().unwrap_or(other.to_owned());
    written(
        Counterexample {
            user: or(&sample.user, users.first().copied().unwrap_or("somebody")),
            database: or(&sample.database, "shop"),
            client: or(&sample.client, "10.0.1.123(50322)"),
            class: sample.class.clone(),
            command: sample.command.clone(),
            object_type: sample.object_type.clone(),
            object: sample.object.clone(),
            statement: Some(sample.statement.clone().into_bytes()),
            entry: Vec::new(),
        },
        prefix,
    )
}

/// The same with its entry.
pub(super) fn written(mut record: Counterexample, prefix: LogLinePrefix) -> Counterexample {
    let message = write_record(&RecordFields {
        class: record.class.as_bytes(),
        command: record.command.as_bytes(),
        object_type: record.object_type.as_bytes(),
        object_name: record.object.as_bytes(),
        statement: record
            .statement
            .as_deref()
            .map_or(TextOut::NotLogged, TextOut::Logged),
        ..RecordFields::default()
    });
    let names = PrefixFields {
        client: record.client.as_bytes(),
        user: record.user.as_bytes(),
        database: record.database.as_bytes(),
        ..PrefixFields::default()
    };
    record.entry = write_entry(prefix, &names, &message);
    record
}

/// A statement that a person might type for such a record.
fn usual(command: &str, object: &str) -> String {
    let object = if object.is_empty() { "orders" } else { object };
    match command {
        "SELECT" => format!("select * from {object}"),
        "INSERT" => format!("insert into {object} values (1)"),
        "UPDATE" => format!("update {object} set id = 1"),
        "DELETE" => format!("delete from {object}"),
        "EXECUTE" => format!("select {object}()"),
        other => format!("{} {object}", other.to_lowercase()),
    }
}
