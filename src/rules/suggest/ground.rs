//! Whether an exclusion of a record can be safe at all, by its fields.
//!
//! What is not known to be harmless is refused. The two harmless kinds are a read of one relation of the built-in sets, and a
//! question that reads no relation; both with calls of listed functions only.

use crate::audit_log::EntryKind;
use crate::audit_log::record::Text;
use crate::diagnostic::{is_hostile, is_invisible};
use crate::judge::{Judged, stops_at};
use crate::policy::model::{GrantKind, Records, Selection, Signal};
use crate::policy::sets;

use super::trail::Sibling;
use super::{Context, GrantWish};
use crate::rules::impact::redact::{Part, parts};

/// The longest statement that is compared as a whole, or written into a sample.
const LONGEST: usize = 4_000;

/// Words with which a text can read or change a relation that its record does not name, as in the shipped
/// `session-questions`.
const RELATION_WORDS: &[&str] = &[
    "from", "table", "into", "insert", "update", "delete", "merge", "copy", "execute", "call",
    "do", "refresh", "view",
];

/// First words of statements that do nothing but ask.
const ASKS: &[&str] = &["select", "show", "values", "with"];

/// Calls that are listed as harmless for catalogs, and still change the session.
const CHANGES_SESSION: &str = "set_config";

/// Schemas of the system. A grant is not meant for them.
const SYSTEM_SCHEMAS: &[&str] = &["pg_catalog", "information_schema", "pg_toast"];

/// A record for which an exclusion can be safe.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ground {
    pub user: String,
    pub database: String,
    /// The client as the prefix prints it, and its address.
    pub client: (String, String),
    pub class: String,
    pub command: String,
    /// Empty if the record has no object.
    pub object_type: String,
    /// Schema and relation, as pgAudit prints them.
    pub object: Option<(String, String)>,
    pub statement: String,
    /// The statement contains literals, long numbers or comments: what can differ the next time, or does not belong in Git.
    pub has_values: bool,
}

impl Ground {
    /// Why it is harmless, as the beginning of a sentence.
    pub fn harmless(&self) -> String {
        match &self.object {
            Some((schema, relation)) => {
                format!("the record reads {schema}.{relation}, which contains no users' data")
            }
            None => "the statement reads no relation".to_owned(),
        }
    }
}

/// Why no exclusion is proposed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    pub why: String,
    /// What to do instead.
    pub instead: String,
    pub grant: Option<Box<GrantWish>>,
}

fn refuse<T>(why: impl Into<String>, instead: impl Into<String>) -> Result<T, Refusal> {
    Err(Refusal {
        why: why.into(),
        instead: instead.into(),
        grant: None,
    })
}

/// What the record of an entry that counts stands on. `reason` is the judge's.
pub(super) fn of(
    context: Context<'_>,
    judged: &Judged<'_>,
    reason: &str,
    siblings: &[Sibling],
) -> Result<Ground, Refusal> {
    if judged.signals.contains(&Signal::AuditTampering) {
        return refuse(
            "the statement names a setting that decides what is logged",
            "find out who did it and why: docs/runbook.md; no exclusion silences such a statement",
        );
    }
    if judged.signals.contains(&Signal::Denied) {
        return refuse(
            "the entry shows that the server refused something",
            "an exclusion silences records, and a refusal has none: find out what the person tried to do",
        );
    }
    if judged.told().is_some() {
        return refuse(
            reason,
            "an exclusion silences records, and this work has none: find out what was done",
        );
    }
    let (Some(record), Some(prefix)) = (judged.record(), judged.who()) else {
        return refuse(
            match &judged.entry {
                EntryKind::Audit { .. } => {
                    format!("the entry can be read in more than one way: {reason}")
                }
                _ => reason.to_owned(),
            },
            "find out which name or text makes it ambiguous; what cannot be read reliably always counts",
        );
    };
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let (user, database) = (text(prefix.user), text(prefix.database));
    let (class, command) = (text(record.class), text(record.command));
    let object_type = record.object_type.map(text).unwrap_or_default();
    let printed = record
        .object_name
        .map(|name| text(&name.decoded()))
        .unwrap_or_default();
    let object = printed
        .split_once('.')
        .map(|(schema, relation)| (schema.to_owned(), relation.to_owned()));
    if let Some(entry) = protecting(
        context,
        [&user, &database, &class, &command],
        object.as_ref(),
    ) {
        return refuse(
            format!("the policy protects this record: {}", entry.reason),
            format!(
                "no exclusion may silence it; {} answers for the entry under `protected`",
                entry.owner
            ),
        );
    }
    let is_system = |schema: &str| SYSTEM_SCHEMAS.contains(&schema);
    let of_users = object.as_ref().filter(|(schema, _)| !is_system(schema));
    let grant = || {
        let (kind, _) = GrantKind::of_class(record.class).zip(of_users)?;
        let is_relation = !matches!(
            object_type.as_str(),
            "FUNCTION" | "PROCEDURE" | "SCHEMA" | ""
        );
        is_relation.then(|| GrantWish {
            user: user.clone(),
            database: database.clone(),
            relation: printed.clone(),
            kind: kind.name().to_owned(),
        })
    };
    let with_grant = |why: String| {
        Refusal {
        why,
        instead: "if the work was approved, declare it with a grant: the record still counts, and the alarm shows that it was \
                  expected"
            .to_owned(),
        grant: grant().map(Box::new),
    }
    };
    match class.as_str() {
        "ROLE" => {
            return refuse(
                "the statement changes roles or privileges",
                "leave it counted: a change of privileges is what the alarm is for",
            );
        }
        "DDL" if grant().is_some() => {
            return Err(with_grant(format!(
                "the statement changes {printed} itself"
            )));
        }
        "DDL" => {
            return refuse(
                "the statement makes, changes or drops an object",
                "leave it counted: a new object can take the place of one that an exclusion names",
            );
        }
        _ => {}
    }
    if of_users.is_some() && grant().is_some() {
        let verb = if class == "WRITE" { "changes" } else { "reads" };
        return Err(with_grant(format!(
            "the record {verb} {printed}, which is not a relation of the system: an exclusion would silence work on users' data"
        )));
    }
    match class.as_str() {
        "READ" if command == "SELECT" => {}
        "WRITE" => {
            return refuse(
                "the statement changes data",
                "leave it counted; switch on `log_relation` if the record does not name the relation",
            );
        }
        "FUNCTION" => {
            return refuse(
                "the record is a call, and what a function does can leave no record",
                "leave it counted, or write an exclusion yourself if you know the function: docs/exclusions.md",
            );
        }
        _ => {
            return refuse(
                format!(
                    "pgvigil does not know that records of class {class} and command {command} are harmless"
                ),
                "leave it counted, or write an exclusion yourself: docs/exclusions.md",
            );
        }
    }
    if context.environment.exclusions.ne(&Selection::All) {
        return refuse(
            format!(
                "the environment `{}` lists the exclusions that it uses",
                context.environment.name
            ),
            "set `exclusions: all` in the environment's file, or write the exclusion yourself and add its id there",
        );
    }
    match &object {
        Some((schema, relation))
            if !matches!(object_type.as_str(), "TABLE" | "VIEW")
                || !is_listed(schema, relation) =>
        {
            return refuse(
                format!("{printed} can contain users' data, secrets or other people's statements"),
                "leave it counted; the built-in sets contain the relations that are known to be harmless: docs/policy.md",
            );
        }
        None if !printed.is_empty() || !object_type.is_empty() => {
            return refuse(
                "the record names an object without its schema",
                "leave it counted, or write an exclusion yourself: docs/exclusions.md",
            );
        }
        _ => {}
    }
    if let Some(sibling) = siblings.iter().find(|one| !is_harmless(one)) {
        return refuse(
            format!("the same statement also has a record of {}", sibling.object),
            "judge the statement as a whole: `pgvigil rules suggest` on that record",
        );
    }
    let statement = match record.statement {
        Text::Logged(field) => field.decoded().into_owned(),
        _ => {
            return refuse(
                "the statement was not logged in this record",
                "no condition on the text holds then: switch off `log_statement_once`",
            );
        }
    };
    let Ok(statement) = String::from_utf8(statement) else {
        return refuse("the statement is not UTF-8", "leave it counted");
    };
    readable(&statement, object.is_some())?;
    // Numbers of one or two digits are part of a statement: `select 1`, `limit 10`.
    let has_values = parts(&statement).iter().any(|(part, text)| match part {
        Part::Literal | Part::Comment => true,
        Part::Number => text.len() > 2,
        Part::Space | Part::Other => false,
    });
    Ok(Ground {
        user,
        database,
        client: (text(prefix.client.text), text(prefix.client.host)),
        class,
        command,
        object_type,
        object,
        statement,
        has_values,
    })
}

fn is_listed(schema: &str, relation: &str) -> bool {
    let set = match schema {
        "pg_catalog" => "catalog-metadata",
        "information_schema" => "information-schema",
        _ => return false,
    };
    sets::find(set).is_some_and(|set| set.names().any(|name| name == relation))
}

/// Whether another record of the statement is of a listed relation, or of one of the system that does not count.
fn is_harmless(sibling: &Sibling) -> bool {
    sibling
        .object
        .split_once('.')
        .is_some_and(|(schema, relation)| {
            is_listed(schema, relation) || (SYSTEM_SCHEMAS.contains(&schema) && !sibling.counts)
        })
}

/// The functions that an exclusion can allow.
pub(super) fn functions() -> Vec<String> {
    let set = sets::find("harmless-functions");
    set.iter()
        .flat_map(|set| set.names())
        .map(str::to_owned)
        .collect()
}

/// Refuses a text that cannot be read to its end, or that does more than ask.
fn readable(statement: &str, has_object: bool) -> Result<(), Refusal> {
    if statement.trim().is_empty() {
        return refuse(
            "the record has no text",
            "leave it counted, or write an exclusion yourself with `is_empty`",
        );
    }
    let is_odd =
        |c: char| is_hostile(c) || is_invisible(c) || (c.is_control() && !"\n\r\t".contains(c));
    if statement.chars().any(is_odd) {
        return refuse(
            "the statement contains characters that are not shown",
            "find out who sent it: tools do not send such characters",
        );
    }
    if statement.len() > LONGEST {
        return refuse(
            format!(
                "the statement is longer than {LONGEST} bytes, too long for a reviewer to read"
            ),
            "write an exclusion yourself: docs/exclusions.md",
        );
    }
    if let Some(at) = stops_at(statement.as_bytes(), &functions(), None) {
        let rest: String = statement
            .get(at..)
            .unwrap_or_default()
            .chars()
            .take(40)
            .collect();
        return refuse(
            format!(
                "the statement contains a call, a cast or a form that can do harm, at `{}`",
                rest.trim()
            ),
            "leave it counted; the set `harmless-functions` contains the functions that are known to be harmless",
        );
    }
    let words: Vec<String> = statement
        .split(|c: char| !(c.is_alphanumeric() || c == '_'))
        .map(|word| {
            word.trim_start_matches(|c: char| c.is_ascii_digit())
                .to_lowercase()
        })
        .collect();
    if words.iter().any(|word| word == CHANGES_SESSION) {
        return refuse(
            "the statement changes a setting of the session",
            "leave it counted: a setting can decide which object a name means",
        );
    }
    if has_object {
        return Ok(());
    }
    // Every other statement can do what its text does not say: REFRESH runs the query of a view.
    let first = words.iter().find(|word| !word.is_empty());
    if !first.is_some_and(|word| ASKS.contains(&word.as_str())) {
        return refuse(
            "the record does not name a relation, and the statement is not a plain question",
            "leave it counted",
        );
    }
    if let Some(word) = words
        .iter()
        .find(|word| RELATION_WORDS.contains(&word.as_str()))
    {
        return refuse(
            format!(
                "the record does not name a relation, but the statement contains the word `{word}`"
            ),
            "switch on `log_relation` for the person: the record then names what is read",
        );
    }
    Ok(())
}

/// The entry under `protected` that the record meets.
fn protecting<'a>(
    context: Context<'a>,
    [user, database, class, command]: [&String; 4],
    object: Option<&(String, String)>,
) -> Option<&'a Records> {
    let meets = |wanted: &Option<Vec<String>>, value: Option<&String>| {
        wanted
            .as_ref()
            .is_none_or(|values| value.is_some_and(|value| values.contains(value)))
    };
    let plain = |name: &str| name.trim_matches('"').to_owned();
    let schema = object.map(|(schema, _)| plain(schema));
    let relation = object.map(|(_, relation)| plain(relation));
    context.loaded.policy.protected.iter().find(|entry| {
        meets(&entry.user, Some(user))
            && meets(&entry.database, Some(database))
            && meets(&entry.class, Some(class))
            && meets(&entry.command, Some(command))
            && meets(&entry.schema, schema.as_ref())
            && meets(&entry.relation, relation.as_ref())
    })
}
