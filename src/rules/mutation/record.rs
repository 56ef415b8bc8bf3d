//! Mutants of a record: a sample that is silenced, with one thing changed that its exclusion claims
//! to look at. Each must be loud.

use crate::policy::model::{Match, Sample};

/// Classes of records that a signal counts (pgAudit, README, `pgaudit.log`).
const CLASSES: &[&str] = &["READ", "WRITE", "FUNCTION"];

/// Commands that read or change users' data; `???` is MERGE (pgaudit.c, `log_select_dml`).
const COMMANDS: &[&str] = &[
    "SELECT",
    "INSERT",
    "UPDATE",
    "DELETE",
    "TRUNCATE TABLE",
    "COPY",
    "COPY FROM",
    "???",
];

/// Types of objects that hold users' data.
const OBJECT_TYPES: &[&str] = &["TABLE", "VIEW", "FOREIGN TABLE", "SEQUENCE"];

/// A table of users, as pgAudit prints it.
const USERS_TABLE: &str = "public.accounts";

#[derive(Debug, Clone)]
pub(super) struct Mutant {
    /// The change in words.
    pub(super) what: String,
    pub(super) record: Sample,
}

/// The fields of a record that an exclusion has no condition on, in the order of the policy's keys.
pub(super) fn not_looked_at(matcher: &Match) -> Vec<&'static str> {
    let given = [
        ("user", matcher.user.is_some()),
        ("database", matcher.database.is_some()),
        ("client", matcher.client.is_some()),
        ("class", matcher.class.is_some()),
        ("command", matcher.command.is_some()),
        ("object_type", matcher.object_type.is_some()),
        ("object", looks_at_object(matcher) || has_no_object(matcher)),
        ("statement", matcher.statement.is_some()),
    ];
    given
        .into_iter()
        .filter(|(_, is_given)| !is_given)
        .map(|(name, _)| name)
        .collect()
}

fn looks_at_object(matcher: &Match) -> bool {
    matcher.schema.is_some() || matcher.relation.is_some()
}

/// Says whether only records without an object are silenced.
fn has_no_object(matcher: &Match) -> bool {
    let mut types = matcher.object_type.iter().flatten();
    matcher.object_type.is_some() && types.all(String::is_empty)
}

/// The mutants of a sample that the exclusion silences.
pub(super) fn mutants(matcher: &Match, sample: &Sample) -> Vec<Mutant> {
    let mut mutants = Vec::new();
    let mut add = |what: String, edit: &dyn Fn(&mut Sample)| {
        let mut record = sample.clone();
        edit(&mut record);
        if record != *sample {
            mutants.push(Mutant { what, record });
        }
    };
    for (name, value) in others(&matcher.user, "somebody_else") {
        add(format!("{name} `{value}`"), &|r| {
            r.user = Some(value.clone())
        });
    }
    for (name, value) in others(&matcher.database, "elsewhere") {
        add(format!("{name} `{value}`"), &|r| {
            r.database = Some(value.clone())
        });
    }
    for (_, value) in others(&matcher.client, "203.0.113.7") {
        // A socket has no neighbours: `[local]2` is no client.
        if !value.starts_with('[') {
            let client = format!("{value}(50322)");
            add(format!("client `{client}`"), &|r| {
                r.client = Some(client.clone())
            });
        }
    }
    for class in unlisted(&matcher.class, CLASSES) {
        add(format!("class `{class}`"), &|r| {
            class.clone_into(&mut r.class)
        });
    }
    for command in unlisted(&matcher.command, COMMANDS) {
        add(format!("command `{command}`"), &|r| {
            command.clone_into(&mut r.command)
        });
    }
    if sample.object.is_empty() {
        if matcher.object_type.is_some() || looks_at_object(matcher) {
            for object_type in unlisted(&matcher.object_type, OBJECT_TYPES) {
                add(format!("object `{USERS_TABLE}`, a {object_type}"), &|r| {
                    object_type.clone_into(&mut r.object_type);
                    USERS_TABLE.clone_into(&mut r.object);
                });
            }
        }
    } else {
        for object_type in unlisted(&matcher.object_type, OBJECT_TYPES) {
            add(format!("object type `{object_type}`"), &|r| {
                object_type.clone_into(&mut r.object_type);
            });
        }
        if looks_at_object(matcher) || matcher.object_type.is_some() {
            add("no object".to_owned(), &|r| {
                r.object_type.clear();
                r.object.clear();
            });
        }
        for object in other_objects(matcher, &sample.object) {
            add(format!("object `{object}`"), &|r| {
                object.clone_into(&mut r.object)
            });
        }
    }
    if matcher.statement.is_some() {
        for (what, statement) in other_statements(matcher, &sample.statement) {
            add(what, &|r| statement.clone_into(&mut r.statement));
        }
    }
    mutants
}

fn unlisted(values: &Option<Vec<String>>, candidates: &[&'static str]) -> Vec<&'static str> {
    let Some(values) = values else {
        return Vec::new();
    };
    candidates
        .iter()
        .copied()
        .filter(|candidate| values.iter().all(|value| value != candidate))
        .collect()
}

/// Names that a condition does not list: a longer form of the first, and a stranger.
fn others(values: &Option<Vec<String>>, stranger: &str) -> Vec<(&'static str, String)> {
    let Some(values) = values else {
        return Vec::new();
    };
    let look_alike = values.first().map(|first| format!("{first}2"));
    [
        ("look-alike", look_alike),
        ("stranger", Some(stranger.to_owned())),
    ]
    .into_iter()
    .filter_map(|(name, value)| Some((name, value?)))
    .filter(|(_, value)| !values.contains(value))
    .collect()
}

/// Objects in the place of a sample's: a users' table, look-alikes in another schema or with a longer
/// name, and relations of the catalog that hold secrets or values.
fn other_objects(matcher: &Match, object: &str) -> Vec<String> {
    let Some((schema, relation)) = object.split_once('.') else {
        return Vec::new();
    };
    let mut objects = vec![USERS_TABLE.to_owned()];
    if matcher.schema.is_some() {
        objects.push(format!("public.{relation}"));
        objects.push(format!("{schema}2.{relation}"));
        objects.push(format!("\"{schema}.{relation}\".accounts"));
    }
    if matcher.relation.is_some() {
        objects.push(format!("{schema}.{relation}2"));
        objects.push(format!("{schema}.\"{relation}.accounts\""));
        for protected in ["pg_authid", "pg_statistic", "pg_largeobject"] {
            objects.push(format!("pg_catalog.{protected}"));
        }
    }
    let listed = |object: &String| {
        let Some((schema, relation)) = object.split_once('.') else {
            return false;
        };
        let lists = |values: &Option<Vec<String>>, value: &str| {
            values
                .as_ref()
                .is_none_or(|values| values.iter().any(|listed| listed == value))
        };
        lists(&matcher.schema, schema) && lists(&matcher.relation, relation)
    };
    if !looks_at_object(matcher) {
        return Vec::new();
    }
    objects.retain(|object| !listed(object));
    objects
}

/// Statements in the place of a sample's, each of which does harm and holds the sample's text.
///
/// `lo_get` and `pg_read_file` read data and leave no relation in the record. A statement on a table
/// has a record of its own, with that table, which is judged by itself: it is tried only where no
/// condition on the object tells the two apart.
fn other_statements(matcher: &Match, statement: &str) -> Vec<(String, String)> {
    let text = statement.trim_end().trim_end_matches(';').trim_end();
    if text.is_empty() {
        return vec![
            text_of("select lo_get(16400)"),
            text_of("delete from accounts"),
            text_of("/* */"),
        ];
    }
    let quoted = text.replace('\'', "''");
    let commented = text.replace("*/", "* /");
    let line = text.replace(['\r', '\n'], " ");
    let mut statements = vec![
        (
            "a call of lo_get after it".to_owned(),
            format!("{text} union all select lo_get(16400)"),
        ),
        (
            "a call of pg_read_file after it".to_owned(),
            format!("{text}; select pg_read_file('/etc/passwd')"),
        ),
        (
            "wrapped in a call of lo_get".to_owned(),
            format!("select lo_get(16400) from ({text}) harmless"),
        ),
        (
            "in a comment before a call of lo_get".to_owned(),
            format!("/* {commented} */ select lo_get(16400)"),
        ),
        (
            "in a line comment before a call of lo_get".to_owned(),
            format!("-- {line}\nselect lo_get(16400)"),
        ),
        (
            "in a literal next to a call of lo_get".to_owned(),
            format!("select lo_get(16400), '{quoted}'"),
        ),
        (
            "a call of lo_get between comments after it".to_owned(),
            format!("{text} /* ' */ union all select lo_get(16400) /* ' */"),
        ),
    ];
    if !looks_at_object(matcher) {
        statements.extend([
            (
                "a DELETE after it".to_owned(),
                format!("{text}; delete from accounts"),
            ),
            (
                "a DELETE before it".to_owned(),
                format!("delete from accounts; {text}"),
            ),
            (
                "in a literal of an UPDATE".to_owned(),
                format!("update accounts set note = '{quoted}'"),
            ),
            (
                "joined with a table".to_owned(),
                format!("select * from accounts, ({text}) harmless"),
            ),
        ]);
        for query in ["array(select note from accounts)", "array(table accounts)"] {
            if let Some(changed) = with_argument(text, query) {
                statements.push((format!("the argument `{query}`"), changed));
            }
        }
    }
    statements
}

/// The text with another argument in its first parentheses that hold no others.
fn with_argument(text: &str, argument: &str) -> Option<String> {
    let end = text.find(')')?;
    let start = text.get(..end)?.rfind('(')? + 1;
    Some(format!(
        "{}{argument}{}",
        text.get(..start)?,
        text.get(end..)?
    ))
}

fn text_of(text: &str) -> (String, String) {
    (format!("the text `{text}`"), text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::{Place, SourceFiles};

    fn some(values: &[&str]) -> Option<Vec<String>> {
        Some(values.iter().map(|value| (*value).to_owned()).collect())
    }

    fn sample(object_type: &str, object: &str) -> Sample {
        let mut files = SourceFiles::default();
        Sample {
            user: None,
            database: None,
            client: None,
            class: "READ".to_owned(),
            command: "SELECT".to_owned(),
            object_type: object_type.to_owned(),
            object: object.to_owned(),
            statement: "select 1".to_owned(),
            place: Place::new(files.add("rules/a.yaml", "x"), 0..1),
        }
    }

    #[test]
    fn only_what_has_a_condition_is_changed() {
        let matcher = Match {
            user: some(&["alice"]),
            class: some(&["READ", "FUNCTION"]),
            ..Match::default()
        };
        let whats: Vec<String> = mutants(&matcher, &sample("TABLE", "pg_catalog.pg_class"))
            .into_iter()
            .map(|mutant| mutant.what)
            .collect();
        assert_eq!(
            whats,
            [
                "look-alike `alice2`",
                "stranger `somebody_else`",
                "class `WRITE`"
            ]
        );
        assert_eq!(
            not_looked_at(&matcher),
            [
                "database",
                "client",
                "command",
                "object_type",
                "object",
                "statement"
            ]
        );
    }

    #[test]
    fn what_is_listed_is_no_other_object() {
        let matcher = Match {
            schema: some(&["pg_catalog"]),
            relation: some(&["pg_class", "pg_authid"]),
            ..Match::default()
        };
        let objects = other_objects(&matcher, "pg_catalog.pg_class");
        assert!(!objects.contains(&"pg_catalog.pg_authid".to_owned()));
        for object in [
            "public.accounts",
            "public.pg_class",
            "pg_catalog.pg_class2",
            "pg_catalog.pg_statistic",
        ] {
            assert!(objects.contains(&object.to_owned()), "{object}");
        }
    }

    #[test]
    fn an_argument_is_replaced() {
        assert_eq!(
            with_argument("select f(g(true), 1)", "x").as_deref(),
            Some("select f(g(x), 1)")
        );
        assert_eq!(with_argument("select 1", "x"), None);
    }

    #[test]
    fn every_changed_statement_does_harm() {
        for (what, statement) in other_statements(&Match::default(), "select 'x' /* y */;") {
            assert!(
                ["lo_get(", "pg_read_file(", "accounts"]
                    .iter()
                    .any(|harm| statement.contains(harm)),
                "{what}: {statement}"
            );
        }
    }
}
