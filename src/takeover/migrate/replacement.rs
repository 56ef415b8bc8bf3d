//! What takes the place of an old exclusion: found by running its text on what the shipped exclusions silence, and on
//! what tools send that holds it.

use serde::Serialize;

use super::evasion::{entry, witnesses};
use super::query::Condition;
use crate::insights::syntax::Pattern;
use crate::judge::{Judge, Scratch, Verdict};
use crate::policy::Loaded;
use crate::policy::scalar::{remark, scalar};
use crate::rules::sample;

/// What takes an exclusion's place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Default)]
pub struct Replacement {
    /// Shipped exclusions that silence what it was there for.
    pub exclusions: Vec<String>,
    /// Why none is needed, or what is worth knowing.
    pub notes: Vec<String>,
    /// A proposal, as a comment in rules/exclusions.yaml.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub proposal: Option<String>,
    /// The role that it names: what takes its place is an entry under `service_accounts`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
}

/// A record that a tool's statement makes.
struct Probe {
    class: &'static str,
    command: &'static str,
    object: String,
    statement: String,
}

impl Probe {
    fn entry(&self, new: &Judge) -> Vec<u8> {
        let kind = if self.object.is_empty() { "" } else { "TABLE" };
        let fields = [self.class, self.command, kind, &self.object];
        entry(new.prefix(), fields, &self.statement)
    }
}

/// Names that programs give themselves; what they ask for is silenced by what it is.
const PROGRAMS: [(&str, &[&str]); 5] = [
    (
        "dbeaver",
        &[
            "catalog-metadata",
            "information-schema",
            "session-questions",
        ],
    ),
    (
        "jdbc",
        &["catalog-metadata", "jdbc-keywords", "session-questions"],
    ),
    ("pgadmin", &["catalog-metadata", "session-questions"]),
    ("datagrip", &["catalog-metadata", "session-questions"]),
    ("psql", &["catalog-metadata", "view-in-its-own-query"]),
];

/// Finds what takes an exclusion's place.
pub fn replacement(condition: &Condition, loaded: &Loaded, new: &Judge) -> Replacement {
    let mut found = Replacement::default();
    if let Some(role) = role(condition, loaded) {
        found.notes.push(role.why);
        if let Some(name) = role.to_declare {
            found.role = Some(name);
        }
        return found;
    }
    let mut texts = witnesses(condition);
    texts.extend(literal(condition));
    texts.dedup();
    // What the shipped exclusions promise to silence, and the old text finds in it.
    for exclusion in &loaded.policy.exclusions {
        let holds = exclusion
            .silences
            .iter()
            .any(|sample| condition.finds(&sample::entry(sample, new.prefix(), "alice")));
        if holds {
            found.add(&exclusion.id);
        }
    }
    let mut is_out_of_scope = false;
    for text in &texts {
        for probe in probes(text) {
            let entry = probe.entry(new);
            if !condition.finds(&entry) {
                continue;
            }
            match new.verdict(&mut Scratch::default(), &entry) {
                Verdict::Excluded(ids) => ids.iter().for_each(|id| found.add(id)),
                Verdict::OutOfScope if !is_out_of_scope => {
                    is_out_of_scope = true;
                    found.notes.push(format!(
                        "{} touches no data and is out of scope: it needs no exclusion",
                        probe.command
                    ));
                }
                _ => {}
            }
        }
        if case_matters(condition, text) {
            let note = "it is case-sensitive: the same text in lower case was counted".to_owned();
            if !found.notes.contains(&note) {
                found.notes.push(note);
            }
        }
    }
    for (word, ids) in PROGRAMS {
        if texts.iter().any(|text| text.to_lowercase().contains(word)) {
            found.notes.push(
                "it is a name that a program gives itself, and any user can set it: the statements of the program are \
                 silenced by class and object instead"
                    .to_owned(),
            );
            for id in ids {
                if loaded
                    .policy
                    .exclusions
                    .iter()
                    .any(|exclusion| exclusion.id == *id)
                {
                    found.add(id);
                }
            }
        }
    }
    if found.exclusions.is_empty() && !is_out_of_scope {
        // In the sense of an author who mistook the expression for plain text.
        let meant = texts.last().map(String::as_str);
        found.proposal = Some(proposal(condition, meant, loaded));
    }
    found
}

/// A role that an exclusion names.
struct Role {
    /// What is worth knowing.
    why: String,
    /// Its name, where the policy has to name it.
    to_declare: Option<String>,
}

/// Roles that RDS and Aurora make (Aurora user guide, "Understanding PostgreSQL roles and permissions"), and those of PostgreSQL's
/// own tools there.
const PLATFORM: [&str; 6] = [
    "rdsadmin",
    "rdsrepladmin",
    "rdsproxyadmin",
    "rdstopmgr",
    "rds_replication",
    "rds_superuser",
];

/// Words of names that applications have, as a part between `_` or `-`.
const WORDS: [&str; 22] = [
    "agent",
    "api",
    "app",
    "backend",
    "backup",
    "batch",
    "bot",
    "cron",
    "etl",
    "exporter",
    "job",
    "jobs",
    "lambda",
    "monitor",
    "monitoring",
    "proxy",
    "runner",
    "scheduler",
    "service",
    "svc",
    "web",
    "worker",
];

/// The role that an exclusion names, where it is one rather than a word of a statement.
fn role(condition: &Condition, loaded: &Loaded) -> Option<Role> {
    let text = match &condition.pattern {
        Some(Pattern::Text(text)) => text.clone(),
        Some(Pattern::Regex(regex)) => regex.pattern.replace('\\', ""),
        None => return None,
    };
    // The prefix has `:role@database:`; the role comes before the `@`.
    let text = text.trim_start_matches(':');
    let (name, is_prefix) = match text.split_once('@') {
        Some((name, _)) => (name, true),
        None => (text, false),
    };
    let is_name = name.starts_with(|first: char| first.is_ascii_lowercase() || first == '_')
        && name.bytes().all(|byte| {
            byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"_-".contains(&byte)
        });
    if !is_name {
        return None;
    }
    let mut accounts = loaded.policy.service_accounts.iter();
    if accounts.any(|account| account.role.takes(name.as_bytes())) {
        return Some(Role {
            why: format!("the new files already exempt the role `{name}` from the audit"),
            to_declare: None,
        });
    }
    if PLATFORM.contains(&name) {
        return Some(Role {
            why: format!(
                "`{name}` is a role that RDS creates: it is exempt by its role name, which no other user can imitate"
            ),
            to_declare: Some(name.to_owned()),
        });
    }
    let has_word = name.contains(['_', '-'])
        && name
            .split(['_', '-'])
            .any(|part| WORDS.contains(&part.trim_end_matches(|sign: char| sign.is_ascii_digit())));
    // Relations of the catalog are not roles.
    let is_catalog = name.starts_with("pg_") || name.starts_with("information_schema");
    if is_catalog || !(is_prefix || has_word) {
        return None;
    }
    Some(Role {
        why: format!(
            "`{name}` looks like a role: an account is exempt by its role name, which no other user can imitate"
        ),
        to_declare: Some(name.to_owned()),
    })
}

/// Entries for roles, for a person to finish: every line a comment.
pub fn accounts(roles: &[(String, String)], owner: &str) -> String {
    if roles.is_empty() {
        return String::new();
    }
    let mut text = String::from(
        "# Roles that the old query ignored. Uncomment those that are accounts of applications, not of people, and state for\n\
         # each why it needs no audit.\n\
         # service_accounts:\n",
    );
    for (role, at) in roles {
        text.push_str(&format!(
            "#   # {}\n#   - role: {}\n#     reason: \"decide: what it runs, and who has its password\"\n#     owner: {}\n#     environments: all\n",
            remark(at),
            scalar(role),
            scalar(owner)
        ));
    }
    text
}

impl Replacement {
    fn add(&mut self, id: &str) {
        if !self.exclusions.iter().any(|known| known == id) {
            self.exclusions.push(id.to_owned());
        }
    }
}

/// A pattern in the sense of an author who mistook it for plain text: `SELECT version()`.
fn literal(condition: &Condition) -> Option<String> {
    let Some(Pattern::Regex(regex)) = &condition.pattern else {
        return None;
    };
    Some(regex.pattern.replace('\\', ""))
}

/// Says whether a question in small letters is not found where the same in capitals is.
fn case_matters(condition: &Condition, text: &str) -> bool {
    is_question(text)
        && condition.finds(text.as_bytes())
        && !condition.finds(text.to_lowercase().as_bytes())
}

fn first_word(text: &str) -> String {
    text.split_whitespace()
        .next()
        .unwrap_or_default()
        .to_uppercase()
}

fn is_question(text: &str) -> bool {
    first_word(text) == "SELECT" && text.contains(' ')
}

/// Values that SQL has without parentheses (PostgreSQL manual, "System Information Functions", "Date/Time Functions").
const VALUES: [&str; 10] = [
    "current_catalog",
    "current_date",
    "current_role",
    "current_schema",
    "current_time",
    "current_timestamp",
    "current_user",
    "localtime",
    "session_user",
    "user",
];

/// What a tool sends that holds the text.
fn probes(text: &str) -> Vec<Probe> {
    let probe = |class, command, object: &str, statement: String| Probe {
        class,
        command,
        object: object.to_owned(),
        statement,
    };
    let mut probes = Vec::new();
    match first_word(text).as_str() {
        "SELECT" if is_question(text) => {
            // A name alone is a question where SQL has a value of that name; else it is one with the parentheses that a
            // regular expression swallows.
            let name = text
                .split_whitespace()
                .nth(1)
                .unwrap_or_default()
                .to_lowercase();
            let is_name = text.split_whitespace().count() == 2
                && name
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
                && name.starts_with(|first: char| first.is_ascii_alphabetic());
            if !is_name || VALUES.contains(&name.as_str()) {
                probes.push(probe("READ", "SELECT", "", text.to_owned()));
            }
            if is_name {
                probes.push(probe("READ", "SELECT", "", format!("{text}()")));
            }
        }
        "SET" => probes.push(probe("MISC", "SET", "", format!("{text} = 'x'"))),
        "SHOW" => probes.push(probe("MISC", "SHOW", "", text.to_owned())),
        "BEGIN" | "COMMIT" | "ROLLBACK" => probes.push(probe("MISC", "BEGIN", "", text.to_owned())),
        _ => {}
    }
    let is_name = !text.is_empty()
        && text
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_');
    if is_name {
        for schema in ["pg_catalog", "information_schema"] {
            let object = format!("{schema}.{text}");
            probes.push(probe(
                "READ",
                "SELECT",
                &object,
                format!("SELECT * FROM {object}"),
            ));
        }
    }
    if text.contains('=') {
        probes.push(probe(
            "READ",
            "SELECT",
            "pg_catalog.pg_database",
            format!("SELECT oid FROM pg_catalog.pg_database WHERE {text}"),
        ));
    }
    probes
}

/// An exclusion on fields for a person to finish: every line a comment.
fn proposal(condition: &Condition, text: Option<&str>, loaded: &Loaded) -> String {
    let shown = remark(&condition.shown);
    let text = text.unwrap_or_default();
    let words: Vec<String> = text
        .to_lowercase()
        .split(|sign: char| !sign.is_ascii_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(str::to_owned)
        .collect();
    let base: String = format!("old-{}", words.join("-"))
        .chars()
        .take(50)
        .collect();
    let mut id = base.trim_end_matches('-').to_owned();
    while loaded
        .policy
        .exclusions
        .iter()
        .any(|exclusion| exclusion.id == id)
    {
        id.push('x');
    }
    let mut lines = vec![
        format!("proposal for {shown} of the old query ({}:{})", remark(&condition.at.file), condition.at.line),
        "It is switched off. Find out what the text was for (`pgvigil rules eval` on a log), write its schema and table in".to_owned(),
        "place of each SCHEMA and RELATION, give the reason, uncomment it, then run `pgvigil rules test`.".to_owned(),
    ];
    let statement = text.trim_end_matches(';').trim();
    let is_whole = is_question(statement)
        && !statement.contains(['$', '%', '*', '\n'])
        && !statement.to_lowercase().contains(" from ");
    lines.push(format!("  - id: {id}"));
    lines.push(format!(
        "    title: {}",
        scalar(&format!(
            "What the old query excluded by {}",
            condition.shown
        ))
    ));
    lines.push("    reason: \"decide: what sends it, and why it is harmless\"".to_owned());
    lines.push("    owner: OWNER".to_owned());
    lines.push("    created: CREATED".to_owned());
    lines.push("    expires: EXPIRES".to_owned());
    lines.push("    environments: all".to_owned());
    lines.push("    match:".to_owned());
    lines.push("      class: READ".to_owned());
    lines.push("      command: SELECT".to_owned());
    if is_whole {
        let quoted = serde_json::to_string(statement).unwrap_or_default();
        let loud =
            serde_json::to_string(&format!("{statement}, lo_get(16400)")).unwrap_or_default();
        lines.push("      object_type: none".to_owned());
        lines.push(format!("      statement: {{equals: {quoted}}}"));
        lines.push("    samples:".to_owned());
        lines.push("      silences:".to_owned());
        lines.push(format!(
            "        - {{class: READ, command: SELECT, statement: {quoted}}}"
        ));
        lines.push("      stays_loud:".to_owned());
        lines.push(format!(
            "        - {{class: READ, command: SELECT, statement: {loud}}}"
        ));
    } else {
        lines.push("      object_type: TABLE".to_owned());
        lines.push("      schema: SCHEMA".to_owned());
        lines.push("      relation: RELATION".to_owned());
        lines.push("      statement:".to_owned());
        lines.push("        only_calls: {set: harmless-functions}".to_owned());
        lines.push("    samples:".to_owned());
        lines.push("      silences:".to_owned());
        let sample = |class: &str, command: &str, object: &str, statement: &str| {
            format!(
                "        - {{class: {class}, command: {command}, object_type: TABLE, object: {object}, statement: \"{statement}\"}}"
            )
        };
        let own = "SCHEMA.RELATION";
        lines.push(sample(
            "READ",
            "SELECT",
            own,
            "SELECT * FROM SCHEMA.RELATION",
        ));
        lines.push("      stays_loud:".to_owned());
        lines.push(sample(
            "READ",
            "SELECT",
            own,
            "SELECT lo_get(16400) FROM SCHEMA.RELATION",
        ));
        lines.push(sample(
            "WRITE",
            "UPDATE",
            own,
            "UPDATE SCHEMA.RELATION SET id = 1",
        ));
        lines.push(sample(
            "READ",
            "COPY",
            own,
            "COPY SCHEMA.RELATION TO STDOUT",
        ));
        lines.push(sample(
            "READ",
            "SELECT",
            "SCHEMA.accounts_of_people",
            "SELECT * FROM SCHEMA.accounts_of_people",
        ));
        lines.push(sample(
            "READ",
            "SELECT",
            "other_schema.RELATION",
            "SELECT * FROM other_schema.RELATION",
        ));
    }
    lines
        .into_iter()
        .map(|line| {
            if line.is_empty() {
                "#\n".to_owned()
            } else {
                format!("# {line}\n")
            }
        })
        .collect()
}
