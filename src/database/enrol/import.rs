//! Entries for login roles that no file declares yet: a beginning for a person to go on from.

use crate::policy::scalar::scalar;
use std::collections::{BTreeMap, BTreeSet};

use super::coverage::{Accounts, Declared};
use super::guess::{Guess, guess};
use super::merge::{MergeError, append};
use super::snapshot::{Role, Session, Snapshot};

/// Members of one stem that become a pattern.
const NUMBERED: usize = 2;

/// What a new file begins with.
const HEAD: &str = "# yaml-language-server: $schema=../schema/rules.schema.json
#
# Who is audited, and who deliberately is not. `pgvigil enrol import` adds login roles that no file declares, and leaves
# existing entries unchanged. Its comments on accounts are guesses: decide, then delete the comment.
version: 1
";

/// One role that an entry was written for, or not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Imported {
    pub role: String,
    /// What the entry says.
    pub guess: Guess,
}

/// A file with what was added.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Import {
    /// The whole text; as before where nothing is to be added.
    pub text: String,
    /// Roles that have an entry now.
    pub added: Vec<Imported>,
    /// Roles that got none, and why.
    pub left_out: Vec<(String, String)>,
}

/// Adds what is missing to a file.
///
/// # Errors
/// [`MergeError`] where the file cannot be added to.
pub fn import(
    declared: Declared<'_>,
    snapshot: &Snapshot,
    text: Option<&str>,
    owner: &str,
) -> Result<Import, MergeError> {
    let Declared {
        policy,
        environment,
        today: _,
    } = declared;
    let accounts = Accounts::of(policy, environment);
    let mut sessions: BTreeMap<&str, Vec<&Session>> = BTreeMap::new();
    for session in snapshot.sessions.iter().flatten() {
        sessions.entry(&session.role).or_default().push(session);
    }
    let mut added = Vec::new();
    let mut left_out = Vec::new();
    let mut people: Vec<(&Role, String)> = Vec::new();
    let mut services: BTreeMap<&str, String> = BTreeMap::new();
    let mut systems: BTreeMap<&str, String> = BTreeMap::new();
    for role in snapshot.roles.iter().filter(|role| role.can_login) {
        let name = role.name.as_str();
        if accounts.class(name).is_some() {
            continue;
        }
        if let Some(user) = policy.users.iter().find(|user| user.role == name) {
            if !user.environments.contains(&environment.name) {
                left_out.push((
                    name.to_owned(),
                    format!(
                        "it is declared for other environments: add `{}` to its `environments`",
                        environment.name
                    ),
                ));
            }
            continue;
        }
        if policy
            .service_accounts
            .iter()
            .any(|account| account.role == crate::policy::model::RoleMatch::Name(name.to_owned()))
        {
            left_out.push((
                name.to_owned(),
                format!(
                    "it is declared for other environments: add `{}` to its `environments`",
                    environment.name
                ),
            ));
            continue;
        }
        if name
            .chars()
            .any(|sign| matches!(sign, ':' | '[' | ']') || sign.is_control())
            || name.trim_matches(' ') != name
        {
            left_out.push((
                name.to_owned(),
                "its name can imitate a line of the log: rename the role".to_owned(),
            ));
            continue;
        }
        let open = sessions.get(name).map_or(&[][..], Vec::as_slice);
        let guessed = guess(role, snapshot.server.is_managed, open);
        match &guessed {
            Guess::Person => people.push((role, remark(role))),
            Guess::Service(why) => {
                services.insert(name, why.clone());
            }
            Guess::System(why) => {
                systems.insert(name, why.clone());
            }
        }
        added.push(Imported {
            role: name.to_owned(),
            guess: guessed,
        });
    }
    let is_person = |name: &str| {
        policy.users.iter().any(|user| user.role == name)
            || people.iter().any(|(role, _)| role.name == name)
    };
    let patterns = patterns(&services, &is_person, snapshot);
    let place = format!(
        "owner: {}\n  environments: [{}]",
        scalar(owner),
        environment.name
    );
    let mut new_people = Vec::new();
    for (role, remark) in &people {
        new_people.push(format!("{remark}- role: {}\n  {place}", scalar(&role.name)));
    }
    let mut new_services = Vec::new();
    for (stem, members) in &patterns {
        new_services.push(format!(
            "# decide: {} roles of one stem that look like an application\n- pattern: \
                \"{stem}[0-9]+\"\n  reason: Found on the server, not yet explained by its \
                owner.\n  {place}",
            members.len()
        ));
    }
    let grouped: BTreeSet<&str> = patterns.values().flatten().copied().collect();
    for (name, why) in &services {
        if !grouped.contains(name) {
            new_services.push(format!(
                "# decide: taken for an application because {why}\n- role: {}\n  reason: Found \
                    on the server, not yet explained by its owner.\n  {place}",
                scalar(name)
            ));
        }
    }
    let mut new_systems = Vec::new();
    for (name, why) in &systems {
        new_systems.push(format!(
            "# decide: taken for the platform's because {why}\n- role: {}\n  \
             reason: The platform's own role, which it uses to look after the server.\n  {place}",
            scalar(name)
        ));
    }
    let mut merged = text.map_or_else(|| HEAD.to_owned(), str::to_owned);
    for (key, entries) in [
        ("users", new_people),
        ("service_accounts", new_services),
        ("system_roles", new_systems),
    ] {
        merged = append(&merged, key, &entries)?;
    }
    Ok(Import {
        text: merged,
        added,
        left_out,
    })
}

/// What to know about a person's role, as a comment.
fn remark(role: &Role) -> String {
    let mut remarks = Vec::new();
    if role.is_superuser {
        remarks.push("a superuser, who can switch the audit off".to_owned());
    }
    if let Some(until) = &role.valid_until {
        remarks.push(format!("the password ends at {until} UTC"));
    }
    if remarks.is_empty() {
        String::new()
    } else {
        format!("# {}\n", remarks.join("; "))
    }
}

/// Stems of numbered accounts, as patterns that no other login role matches.
fn patterns<'a>(
    services: &BTreeMap<&'a str, String>,
    is_person: &dyn Fn(&str) -> bool,
    snapshot: &Snapshot,
) -> BTreeMap<&'a str, Vec<&'a str>> {
    let mut stems: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for name in services.keys() {
        let stem = name.trim_end_matches(|sign: char| sign.is_ascii_digit());
        let is_plain = stem
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_');
        if stem.len() < name.len() && stem.len() >= 3 && is_plain {
            stems.entry(stem).or_default().push(name);
        }
    }
    stems.retain(|stem, members| {
        let matches = |name: &str| {
            name.strip_prefix(stem).is_some_and(|rest| {
                !rest.is_empty() && rest.bytes().all(|byte| byte.is_ascii_digit())
            })
        };
        let takes_others = snapshot.roles.iter().any(|role| {
            matches(&role.name) && (is_person(&role.name) || !members.contains(&role.name.as_str()))
        });
        members.len() >= NUMBERED && !takes_others
    });
    stems
}
