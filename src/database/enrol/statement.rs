//! Steps of a plan, and the SQL that carries them out: what is shown is what is sent.

use serde::{Deserialize, Serialize};

use super::live::COMMENT;
use crate::compile::audit_setting::FINGERPRINT;
use crate::compile::enrolment::{identifier, literal};

/// Two runs in one database take turns by this lock: `pgvigil` in ASCII, as a number.
const LOCK: i64 = 0x0070_6776_6967_696c;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "step", rename_all = "snake_case")]
pub enum Step {
    /// A setting of a role.
    Set {
        role: String,
        setting: String,
        value: String,
    },
    /// A setting of a role is taken away.
    Reset {
        role: String,
        /// Where; empty: everywhere.
        database: String,
        setting: String,
    },
    /// What was applied is noted beside the role, as a setting of our own.
    Note {
        role: String,
        /// The digest; absent where the note is taken away.
        fingerprint: Option<String>,
    },
    /// The same as a comment: on Aurora and RDS nobody may set a name of our own.
    Comment {
        role: String,
        /// The digest; absent where the note is taken away.
        fingerprint: Option<String>,
    },
}

impl Step {
    /// The role that it is about.
    pub fn role(&self) -> &str {
        match self {
            Self::Set { role, .. }
            | Self::Reset { role, .. }
            | Self::Note { role, .. }
            | Self::Comment { role, .. } => role,
        }
    }

    /// One statement, without a semicolon.
    pub fn sql(&self) -> String {
        match self {
            Self::Set {
                role,
                setting,
                value,
            } => format!(
                "alter role {} set {} to {}",
                identifier(role),
                dotted(setting),
                literal(value)
            ),
            Self::Reset {
                role,
                database,
                setting,
            } => {
                let place = if database.is_empty() {
                    String::new()
                } else {
                    format!(" in database {}", identifier(database))
                };
                format!(
                    "alter role {}{place} reset {}",
                    identifier(role),
                    dotted(setting)
                )
            }
            Self::Note { role, fingerprint } => {
                let role = identifier(role);
                match fingerprint {
                    Some(print) => {
                        format!("alter role {role} set {FINGERPRINT} to {}", literal(print))
                    }
                    None => format!("alter role {role} reset {FINGERPRINT}"),
                }
            }
            Self::Comment { role, fingerprint } => {
                let comment = fingerprint
                    .as_ref()
                    .map_or_else(|| "null".to_owned(), |f| literal(&format!("{COMMENT}{f}")));
                format!("comment on role {} is {comment}", identifier(role))
            }
        }
    }
}

/// A setting's name: it comes from a server, and is quoted part by part unless it is plain.
fn dotted(name: &str) -> String {
    let is_plain = |part: &str| {
        part.starts_with(|first: char| first.is_ascii_lowercase() || first == '_')
            && part
                .bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
    };
    let parts: Vec<String> = name
        .split('.')
        .map(|part| {
            if is_plain(part) {
                part.to_owned()
            } else {
                identifier(part)
            }
        })
        .collect();
    parts.join(".")
}

/// What a transaction begins with. The search path comes first: functions that people of this database wrote must
/// not be found in place of the system's.
pub fn opening() -> Vec<String> {
    [
        "begin isolation level read committed read write".to_owned(),
        "set local search_path to pg_catalog, pg_temp".to_owned(),
        "set local lock_timeout to '30s'".to_owned(),
        "set local statement_timeout to '60s'".to_owned(),
        "set local standard_conforming_strings to on".to_owned(),
        format!("select pg_catalog.pg_advisory_xact_lock({LOCK})"),
    ]
    .into()
}

/// The whole transaction, statement by statement.
pub fn transaction(steps: &[Step]) -> Vec<String> {
    let mut statements = opening();
    statements.extend(steps.iter().map(Step::sql));
    statements.push("commit".to_owned());
    statements
}

/// The same for psql, then what is made in each database.
pub fn script(steps: &[Step], extensions: &[String]) -> String {
    let mut text = String::new();
    if !steps.is_empty() {
        for statement in transaction(steps) {
            text.push_str(&statement);
            text.push_str(";\n");
        }
    }
    for database in extensions {
        // A name with a line break would end the comment.
        text.push_str(&format!("-- in the database {database:?}\n"));
        for statement in EXTENSION {
            text.push_str(&format!("{statement};\n"));
        }
    }
    text
}

/// Makes the extension in a database, whatever its sessions begin with.
pub const EXTENSION: [&str; 3] = [
    "begin read write",
    "create extension if not exists pgaudit",
    "commit",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_name_leaves_its_quotes() {
        let step = Step::Set {
            role: "a\"; drop role b; --".to_owned(),
            setting: "pgaudit.log".to_owned(),
            value: "read'; drop".to_owned(),
        };
        assert_eq!(
            step.sql(),
            "alter role \"a\"\"; drop role b; --\" set pgaudit.log to 'read''; drop'"
        );
        let step = Step::Reset {
            role: "Ab".to_owned(),
            database: "x\"y".to_owned(),
            setting: "pgaudit.log_rows; drop".to_owned(),
        };
        assert_eq!(
            step.sql(),
            "alter role \"Ab\" in database \"x\"\"y\" reset pgaudit.\"log_rows; drop\""
        );
    }

    #[test]
    fn a_name_cannot_leave_the_comment_before_an_extension() {
        let text = script(&[], &["a\ndrop role b;".to_owned()]);
        assert_eq!(
            text,
            "-- in the database \"a\\ndrop role b;\"\nbegin read write;\ncreate extension if not exists pgaudit;\ncommit;\n"
        );
    }
}
