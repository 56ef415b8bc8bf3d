//! Words that pgAudit never prints: a condition on them matches nothing.

use super::{Check, Context};
use crate::diagnostic::{Code, Diagnostic, Diagnostics, has_wildcard, quote, suggest};
use crate::policy::model::Sample;
use crate::source::Place;

/// See [`Code::ExclusionUnknownWord`].
#[derive(Debug)]
pub struct Vocabulary;

/// Classes as they are printed (pgaudit.c, `log_audit_event`). `MISC_SET` is never printed.
pub const CLASSES: &[&str] = &["READ", "WRITE", "FUNCTION", "ROLE", "DDL", "MISC"];

/// Command tags of PostgreSQL 13 to 18 (cmdtaglist.h), and what pgAudit prints beside them.
pub const COMMANDS: &[&str] = &[
    "???",
    "ALTER ACCESS METHOD",
    "ALTER AGGREGATE",
    "ALTER CAST",
    "ALTER COLLATION",
    "ALTER CONSTRAINT",
    "ALTER CONVERSION",
    "ALTER DATABASE",
    "ALTER DEFAULT PRIVILEGES",
    "ALTER DOMAIN",
    "ALTER EVENT TRIGGER",
    "ALTER EXTENSION",
    "ALTER FOREIGN DATA WRAPPER",
    "ALTER FOREIGN TABLE",
    "ALTER FUNCTION",
    "ALTER INDEX",
    "ALTER LANGUAGE",
    "ALTER LARGE OBJECT",
    "ALTER MATERIALIZED VIEW",
    "ALTER OPERATOR",
    "ALTER OPERATOR CLASS",
    "ALTER OPERATOR FAMILY",
    "ALTER POLICY",
    "ALTER PROCEDURE",
    "ALTER PUBLICATION",
    "ALTER ROLE",
    "ALTER ROUTINE",
    "ALTER RULE",
    "ALTER SCHEMA",
    "ALTER SEQUENCE",
    "ALTER SERVER",
    "ALTER STATISTICS",
    "ALTER SUBSCRIPTION",
    "ALTER SYSTEM",
    "ALTER TABLE",
    "ALTER TABLESPACE",
    "ALTER TEXT SEARCH CONFIGURATION",
    "ALTER TEXT SEARCH DICTIONARY",
    "ALTER TEXT SEARCH PARSER",
    "ALTER TEXT SEARCH TEMPLATE",
    "ALTER TRANSFORM",
    "ALTER TRIGGER",
    "ALTER TYPE",
    "ALTER USER MAPPING",
    "ALTER VIEW",
    "ANALYZE",
    "BEGIN",
    "CALL",
    "CHECKPOINT",
    "CLOSE",
    "CLOSE CURSOR",
    "CLOSE CURSOR ALL",
    "CLUSTER",
    "COMMENT",
    "COMMIT",
    "COMMIT PREPARED",
    "COPY",
    "COPY FROM",
    "CREATE ACCESS METHOD",
    "CREATE AGGREGATE",
    "CREATE CAST",
    "CREATE COLLATION",
    "CREATE CONSTRAINT",
    "CREATE CONVERSION",
    "CREATE DATABASE",
    "CREATE DOMAIN",
    "CREATE EVENT TRIGGER",
    "CREATE EXTENSION",
    "CREATE FOREIGN DATA WRAPPER",
    "CREATE FOREIGN TABLE",
    "CREATE FUNCTION",
    "CREATE INDEX",
    "CREATE LANGUAGE",
    "CREATE MATERIALIZED VIEW",
    "CREATE OPERATOR",
    "CREATE OPERATOR CLASS",
    "CREATE OPERATOR FAMILY",
    "CREATE POLICY",
    "CREATE PROCEDURE",
    "CREATE PUBLICATION",
    "CREATE ROLE",
    "CREATE ROUTINE",
    "CREATE RULE",
    "CREATE SCHEMA",
    "CREATE SEQUENCE",
    "CREATE SERVER",
    "CREATE STATISTICS",
    "CREATE SUBSCRIPTION",
    "CREATE TABLE",
    "CREATE TABLE AS",
    "CREATE TABLESPACE",
    "CREATE TEXT SEARCH CONFIGURATION",
    "CREATE TEXT SEARCH DICTIONARY",
    "CREATE TEXT SEARCH PARSER",
    "CREATE TEXT SEARCH TEMPLATE",
    "CREATE TRANSFORM",
    "CREATE TRIGGER",
    "CREATE TYPE",
    "CREATE USER MAPPING",
    "CREATE VIEW",
    "DEALLOCATE",
    "DEALLOCATE ALL",
    "DECLARE CURSOR",
    "DELETE",
    "DISCARD",
    "DISCARD ALL",
    "DISCARD PLANS",
    "DISCARD SEQUENCES",
    "DISCARD TEMP",
    "DO",
    "DROP ACCESS METHOD",
    "DROP AGGREGATE",
    "DROP CAST",
    "DROP COLLATION",
    "DROP CONSTRAINT",
    "DROP CONVERSION",
    "DROP DATABASE",
    "DROP DOMAIN",
    "DROP EVENT TRIGGER",
    "DROP EXTENSION",
    "DROP FOREIGN DATA WRAPPER",
    "DROP FOREIGN TABLE",
    "DROP FUNCTION",
    "DROP INDEX",
    "DROP LANGUAGE",
    "DROP MATERIALIZED VIEW",
    "DROP OPERATOR",
    "DROP OPERATOR CLASS",
    "DROP OPERATOR FAMILY",
    "DROP OWNED",
    "DROP POLICY",
    "DROP PROCEDURE",
    "DROP PUBLICATION",
    "DROP ROLE",
    "DROP ROUTINE",
    "DROP RULE",
    "DROP SCHEMA",
    "DROP SEQUENCE",
    "DROP SERVER",
    "DROP STATISTICS",
    "DROP SUBSCRIPTION",
    "DROP TABLE",
    "DROP TABLESPACE",
    "DROP TEXT SEARCH CONFIGURATION",
    "DROP TEXT SEARCH DICTIONARY",
    "DROP TEXT SEARCH PARSER",
    "DROP TEXT SEARCH TEMPLATE",
    "DROP TRANSFORM",
    "DROP TRIGGER",
    "DROP TYPE",
    "DROP USER MAPPING",
    "DROP VIEW",
    "EXECUTE",
    "EXPLAIN",
    "FETCH",
    "GRANT",
    "GRANT ROLE",
    "IMPORT FOREIGN SCHEMA",
    "INSERT",
    "LISTEN",
    "LOAD",
    "LOCK TABLE",
    "MERGE",
    "MOVE",
    "NOTIFY",
    "PREPARE",
    "PREPARE TRANSACTION",
    "REASSIGN OWNED",
    "REFRESH MATERIALIZED VIEW",
    "REINDEX",
    "RELEASE",
    "RESET",
    "REVOKE",
    "REVOKE ROLE",
    "ROLLBACK",
    "ROLLBACK PREPARED",
    "SAVEPOINT",
    "SECURITY LABEL",
    "SELECT",
    "SELECT FOR KEY SHARE",
    "SELECT FOR NO KEY UPDATE",
    "SELECT FOR SHARE",
    "SELECT FOR UPDATE",
    "SELECT INTO",
    "SET",
    "SET CONSTRAINTS",
    "SHOW",
    "START TRANSACTION",
    "TRUNCATE TABLE",
    "UNLISTEN",
    "UPDATE",
    "VACUUM",
];

/// Object types as they are printed: those of relations and functions (pgaudit.c), and those of
/// event triggers (objectaddress.c, `getObjectTypeDescription`) in capitals.
pub const OBJECT_TYPES: &[&str] = &[
    "TABLE",
    "INDEX",
    "SEQUENCE",
    "TOASTVALUE",
    "VIEW",
    "MATERIALIZED VIEW",
    "COMPOSITE TYPE",
    "FOREIGN TABLE",
    "FUNCTION",
    "UNKNOWN",
    "ACCESS METHOD",
    "AGGREGATE",
    "CAST",
    "COLLATION",
    "CONVERSION",
    "DATABASE",
    "DEFAULT ACL",
    "DEFAULT VALUE",
    "DOMAIN",
    "DOMAIN CONSTRAINT",
    "EVENT TRIGGER",
    "EXTENSION",
    "FOREIGN-DATA WRAPPER",
    "LANGUAGE",
    "LARGE OBJECT",
    "OPERATOR",
    "OPERATOR CLASS",
    "OPERATOR FAMILY",
    "PARAMETER ACL",
    "POLICY",
    "PROCEDURE",
    "PUBLICATION",
    "PUBLICATION NAMESPACE",
    "PUBLICATION RELATION",
    "PUBLICATION TABLE",
    "ROLE",
    "ROUTINE",
    "RULE",
    "SCHEMA",
    "SERVER",
    "STATISTICS OBJECT",
    "SUBSCRIPTION",
    "TABLE COLUMN",
    "TABLE CONSTRAINT",
    "TABLESPACE",
    "TEXT SEARCH CONFIGURATION",
    "TEXT SEARCH DICTIONARY",
    "TEXT SEARCH PARSER",
    "TEXT SEARCH TEMPLATE",
    "TRANSFORM",
    "TRIGGER",
    "TYPE",
    "USER MAPPING",
];

impl Check for Vocabulary {
    fn run(&self, context: &Context<'_>, sink: &mut Diagnostics) {
        for exclusion in &context.policy.exclusions {
            let matcher = &exclusion.matcher;
            for (key, words) in [
                ("class", &matcher.class),
                ("command", &matcher.command),
                ("object_type", &matcher.object_type),
            ] {
                let path = format!("match/{key}");
                for (index, word) in words.iter().flatten().enumerate() {
                    word_fault(key, word, || exclusion.places.item(&path, index), sink);
                }
            }
            for (list, samples) in [
                ("silences", &exclusion.silences),
                ("stays_loud", &exclusion.stays_loud),
            ] {
                for (index, sample) in samples.iter().enumerate() {
                    let Sample {
                        class,
                        command,
                        object_type,
                        ..
                    } = sample;
                    for (key, word) in [
                        ("class", class),
                        ("command", command),
                        ("object_type", object_type),
                    ] {
                        word_fault(
                            key,
                            word,
                            || {
                                exclusion
                                    .places
                                    .value(format!("samples/{list}/{index}/{key}").as_str())
                            },
                            sink,
                        );
                    }
                }
            }
        }
    }
}

fn word_fault(key: &str, word: &str, place: impl FnOnce() -> Place, sink: &mut Diagnostics) {
    let known = match key {
        "class" => CLASSES,
        "command" => COMMANDS,
        _ if word.is_empty() => return,
        _ => OBJECT_TYPES,
    };
    if known.contains(&word) {
        return;
    }
    let help = match (key, word) {
        ("class", "MISC_SET") => Some("`MISC_SET` is only a setting: pgAudit prints SET as `MISC`, so write `class: MISC` and `command: SET`".to_owned()),
        ("command", "TRUNCATE") => Some("pgAudit prints `TRUNCATE TABLE`".to_owned()),
        (key, word) if has_wildcard(word) => Some(format!(
            "there are no wildcards: list the words, or leave out `{key}` to match all"
        )),
        _ => suggest(word, known.iter().copied(), "it prints"),
    };
    let what = match key {
        "class" => "class",
        "command" => "command",
        _ => "object type",
    };
    sink.push(
        Diagnostic::new(
            Code::ExclusionUnknownWord,
            format!(
                "pgAudit never prints the {what} {}, so the condition matches nothing",
                quote(word)
            ),
        )
        .at(place())
        .maybe_help(help),
    );
}
