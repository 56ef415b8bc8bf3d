//! The enrolment script of an environment: pgAudit settings for each audited person.
//!
//! The script is one transaction for psql, made of the files in `sql/` with the policy's data
//! between them. It stops where pgAudit is not loaded, may be run again at any time, and ends with
//! a table that shows who is audited and how.

use jiff::civil::Date;
use sha2::{Digest as _, Sha256};

use super::audit_setting::normal;
use crate::digest;
use crate::policy::model::{AuditSettings, Environment, Policy, RoleMatch};

const REQUIRE: &str = include_str!("../../sql/require_pgaudit.sql");
const EXTENSION: &str = include_str!("../../sql/extension.sql");
const DESIRED: &str = include_str!("../../sql/desired.sql");
const ENROL: &str = include_str!("../../sql/enrol.sql");
const VERIFY: &str = include_str!("../../sql/verify.sql");

/// Names are UTF-8 whatever the terminal is, and a run sees what another one has just committed.
const PREAMBLE: &str = "--
-- psql --dbname DATABASE --file enrol.sql
-- Run it in every database of the cluster: roles are shared, the extension is not.
\\set ON_ERROR_STOP on
\\encoding UTF8
begin isolation level read committed read write;

";

/// One audited person: what their role is to have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Enrolment {
    pub role: String,
    /// Names and values, as `ALTER ROLE … SET` takes them.
    pub settings: Vec<(&'static str, String)>,
}

impl Enrolment {
    /// What stands beside the role once it is applied.
    pub fn fingerprint(&self) -> String {
        let settings = self.settings.iter();
        fingerprint(settings.map(|(name, value)| ("", *name, value.as_str())))
    }
}

/// The people who are audited in an environment on a day, by role.
pub fn enrolments(policy: &Policy, environment: &Environment, today: Date) -> Vec<Enrolment> {
    let mut enrolments: Vec<Enrolment> = policy
        .users_in(environment, today)
        .map(|user| Enrolment {
            role: user.role.clone(),
            settings: settings(&user.audit).collect(),
        })
        .collect();
    enrolments.sort_by(|left, right| left.role.cmp(&right.role));
    enrolments.dedup_by(|later, first| later.role == first.role);
    enrolments
}

/// A digest of settings, given as database (empty: every one), name and value, whatever their order and spelling.
pub fn fingerprint<'a>(entries: impl Iterator<Item = (&'a str, &'a str, &'a str)>) -> String {
    let mut lines: Vec<String> = entries
        .map(|(database, name, value)| format!("{database}\0{name}={}\n", normal(name, value)))
        .collect();
    lines.sort();
    let digest = Sha256::digest(lines.concat());
    format!("1-{}", digest::short(&digest, 8))
}

/// Writes the script. `header` lines become comments.
pub fn enrolment_sql(
    policy: &Policy,
    environment: &Environment,
    today: Date,
    header: &str,
) -> String {
    let mut script = String::new();
    for line in header.lines() {
        script.push_str("-- ");
        script.push_str(line);
        script.push('\n');
    }
    script.push_str(PREAMBLE);
    for part in [REQUIRE, EXTENSION, DESIRED] {
        script.push_str(part);
        script.push('\n');
    }

    let enrolments = enrolments(policy, environment, today);
    script.push_str(&insert(
        "pg_temp.pgvigil_desired (role, setting, value)",
        enrolments.iter().flat_map(|enrolment| {
            let mut settings: Vec<&(&str, String)> = enrolment.settings.iter().collect();
            settings.sort();
            let role = enrolment.role.as_str();
            settings
                .into_iter()
                .map(move |(setting, value)| vec![role, *setting, value.as_str()])
        }),
    ));
    let fingerprints: Vec<String> = enrolments.iter().map(Enrolment::fingerprint).collect();
    script.push_str(&insert(
        "pg_temp.pgvigil_fingerprint (role, fingerprint)",
        enrolments
            .iter()
            .zip(&fingerprints)
            .map(|(enrolment, fingerprint)| vec![enrolment.role.as_str(), fingerprint.as_str()]),
    ));
    let mut unaudited: Vec<String> = policy
        .service_accounts_in(environment)
        .map(|account| match &account.role {
            RoleMatch::Name(name) => format!("^{}$", escape_pattern(name)),
            RoleMatch::Pattern(pattern) => format!("^(?:{pattern})$"),
        })
        .collect();
    unaudited.sort();
    unaudited.dedup();
    script.push_str(&insert(
        "pg_temp.pgvigil_unaudited (role_pattern)",
        unaudited.iter().map(|pattern| vec![pattern.as_str()]),
    ));

    for part in [ENROL, VERIFY] {
        script.push('\n');
        script.push_str(part);
    }
    script.push_str("\ncommit;\n");
    script
}

/// The settings of one person as `ALTER ROLE … SET` takes them.
fn settings(audit: &AuditSettings) -> impl Iterator<Item = (&'static str, String)> {
    let switch = |on: bool| if on { "on" } else { "off" }.to_owned();
    let log: Vec<String> = audit.log.iter().map(ToString::to_string).collect();
    [
        ("pgaudit.log", log.join(", ")),
        ("pgaudit.log_relation", switch(audit.log_relation)),
        ("pgaudit.log_catalog", switch(audit.log_catalog)),
        ("pgaudit.log_parameter", switch(audit.log_parameter)),
        (
            "pgaudit.log_statement_once",
            switch(audit.log_statement_once),
        ),
    ]
    .into_iter()
}

fn insert<'a>(target: &str, rows: impl Iterator<Item = Vec<&'a str>>) -> String {
    let rows: Vec<String> = rows
        .map(|row| {
            let values: Vec<String> = row.into_iter().map(literal).collect();
            format!("    ({})", values.join(", "))
        })
        .collect();
    if rows.is_empty() {
        String::new()
    } else {
        format!("insert into {target} values\n{};\n", rows.join(",\n"))
    }
}

/// A name as SQL takes it, whatever it holds.
pub fn identifier(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// A string constant that means the same whatever `standard_conforming_strings` is.
pub fn literal(text: &str) -> String {
    let quoted = text.replace('\'', "''");
    if quoted.contains('\\') {
        format!("E'{}'", quoted.replace('\\', "\\\\"))
    } else {
        format!("'{quoted}'")
    }
}

/// Escapes a role name for PostgreSQL's advanced regular expressions.
fn escape_pattern(name: &str) -> String {
    let mut escaped = String::with_capacity(name.len());
    for character in name.chars() {
        if !character.is_alphanumeric() && character != '_' && character.is_ascii() {
            escaped.push('\\');
        }
        escaped.push(character);
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_names_that_hold_quotes_and_backslashes() {
        assert_eq!(literal("o'brien"), "'o''brien'");
        assert_eq!(literal(r"a\b'c"), r"E'a\\b''c'");
    }

    #[test]
    fn escapes_every_character_that_a_pattern_reads() {
        assert_eq!(escape_pattern("svc.a+b_é"), r"svc\.a\+b_é");
    }
}
