//! Whether every role with a login is accounted for: audited, a declared account, or a system role.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use regex_automata::meta::Regex;
use serde::{Deserialize, Serialize};

use super::FORMAT_VERSION;
use super::around;
use super::finding::{Code, Finding, Severity};
use super::live::{Live, live};
use super::place::Place;
use super::plan::unset;
use super::seen::Seen;
use super::snapshot::{Database, Extension, Snapshot};
use crate::compile::audit_setting::{LOG_MIN_MESSAGES, hides, normal, weakens};
use crate::compile::enrolment::{Enrolment, enrolments};
use crate::diagnostic::count;
use crate::policy::model::{Environment, Policy, RoleMatch};

/// What a login role is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Class {
    /// No file declares it.
    Undeclared,
    /// A person whose access is audited.
    Audited,
    /// A declared service account, deliberately not audited.
    Service,
    /// A declared role of the platform.
    System,
}

impl Class {
    /// The word in reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Undeclared => "UNDECLARED",
            Self::Audited => "audited",
            Self::Service => "service",
            Self::System => "system",
        }
    }
}

/// One role that can log in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Covered {
    pub role: String,
    pub class: Class,
    /// Its audit settings, such as `pgaudit.log=all` and `pgaudit.log=none in shop`.
    pub settings: Vec<String>,
    /// Codes of what was found about it.
    pub findings: Vec<Code>,
}

/// All roles with a login, in one place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Coverage {
    /// Version of this form.
    pub format_version: u32,
    pub place: Place,
    /// Every login role: undeclared ones first.
    pub roles: Vec<Covered>,
    /// What was found: gaps first.
    pub findings: Vec<Finding>,
}

impl Coverage {
    /// How many findings weigh so much.
    pub fn count(&self, severity: Severity) -> usize {
        let findings = self.findings.iter();
        findings
            .filter(|finding| finding.severity == severity)
            .count()
    }

    /// How many roles are of a class.
    pub fn of_class(&self, class: Class) -> usize {
        self.roles.iter().filter(|role| role.class == class).count()
    }
}

/// What is compared with a server.
#[derive(Debug, Clone, Copy)]
pub struct Declared<'a> {
    pub policy: &'a Policy,
    pub environment: &'a Environment,
    /// The day on which entries are judged.
    pub today: Date,
}

/// Accounts that are not audited in an environment.
pub struct Accounts {
    names: BTreeMap<String, bool>,
    patterns: Vec<(Regex, bool)>,
}

impl Accounts {
    /// Those of an environment. An unreadable pattern matches no role, so the roles that it means are undeclared.
    pub fn of(policy: &Policy, environment: &Environment) -> Self {
        let mut accounts = Self {
            names: BTreeMap::new(),
            patterns: Vec::new(),
        };
        for account in policy.service_accounts_in(environment) {
            match &account.role {
                RoleMatch::Name(name) => {
                    accounts.names.insert(name.clone(), account.system);
                }
                RoleMatch::Pattern(pattern) => {
                    // As the compiled query reads it: bytes, and ASCII meaning.
                    let syntax = regex_automata::util::syntax::Config::new()
                        .unicode(false)
                        .utf8(false);
                    let regex = Regex::builder()
                        .syntax(syntax)
                        .configure(Regex::config().utf8_empty(false))
                        .build(&format!("^(?:{pattern})$"));
                    accounts
                        .patterns
                        .extend(regex.ok().map(|regex| (regex, account.system)));
                }
            }
        }
        accounts
    }

    /// What an account is; `None` where no entry means it.
    pub fn class(&self, role: &str) -> Option<Class> {
        let named = self.names.get(role).copied();
        let system = named.or_else(|| {
            let mut patterns = self.patterns.iter();
            patterns
                .find(|(regex, _)| regex.is_match(role))
                .map(|(_, system)| *system)
        })?;
        Some(if system {
            Class::System
        } else {
            Class::Service
        })
    }
}

/// Compares the policy with a snapshot, and with what logs show where there are any.
pub fn coverage(
    place: &Place,
    declared: Declared<'_>,
    snapshot: &Snapshot,
    seen: Option<&Seen>,
) -> Coverage {
    let Declared {
        policy,
        environment,
        today,
    } = declared;
    let enrolments = enrolments(policy, environment, today);
    let wanted: BTreeMap<&str, &Enrolment> = enrolments
        .iter()
        .map(|enrolment| (enrolment.role.as_str(), enrolment))
        .collect();
    let accounts = Accounts::of(policy, environment);
    let live = live(snapshot);
    let class = |role: &str| {
        if wanted.contains_key(role) {
            Class::Audited
        } else {
            accounts.class(role).unwrap_or(Class::Undeclared)
        }
    };
    let ended: BTreeMap<&str, Date> = policy
        .users
        .iter()
        .filter(|user| user.environments.contains(&environment.name))
        .filter_map(|user| {
            let until = user.until.filter(|until| *until < today)?;
            Some((user.role.as_str(), until))
        })
        .collect();

    let mut findings = of_server(snapshot);
    findings.extend(of_declared(&live, &wanted));
    for (name, live) in &live {
        if !live.role.can_login {
            if live
                .settings
                .iter()
                .any(|setting| setting.name == "pgaudit.log")
                && !wanted.contains_key(name)
            {
                findings.push(
                    Finding::new(
                        Code::OnGroup,
                        format!("`{name}` has audit settings but cannot log in: they do not apply to its members"),
                        "declare the members",
                    )
                    .of_role(name),
                );
            }
            continue;
        }
        match class(name) {
            Class::Audited => {
                if accounts.class(name).is_some() {
                    findings.push(
                        Finding::new(
                            Code::Twice,
                            format!("`{name}` is declared as a person and as an account: its records are out of scope of the alarm"),
                            "keep one of the two entries",
                        )
                        .of_role(name),
                    );
                }
                if let Some(enrolment) = wanted.get(name) {
                    findings.extend(of_person(live, enrolment));
                }
            }
            Class::Undeclared => findings.push(undeclared(name, ended.get(name).copied())),
            Class::Service | Class::System => findings.extend(foreign(live)),
        }
    }
    findings.extend(of_rights(snapshot, &live, &class));
    findings.extend(around::findings(snapshot, &live, &class));
    findings.extend(case_twins(&live));
    findings.extend(shared_addresses(snapshot, seen, &class));
    if let Some(seen) = seen {
        findings.extend(of_logs(seen, &live, &class));
    }
    findings.sort();
    findings.dedup();

    let mut about: BTreeMap<&str, Vec<Code>> = BTreeMap::new();
    for finding in &findings {
        if let Some(role) = &finding.role {
            let codes = about.entry(role).or_default();
            if !codes.contains(&finding.code) {
                codes.push(finding.code);
            }
        }
    }
    let mut roles: Vec<Covered> = live
        .values()
        .filter(|live| live.role.can_login)
        .map(|live| Covered {
            role: live.role.name.clone(),
            class: class(&live.role.name),
            settings: live
                .settings
                .iter()
                .chain(&live.log_level)
                .map(|setting| {
                    let place = if setting.database.is_empty() {
                        String::new()
                    } else {
                        format!(" in {}", setting.database)
                    };
                    format!("{}={}{place}", setting.name, setting.value)
                })
                .collect(),
            findings: about
                .get(live.role.name.as_str())
                .cloned()
                .unwrap_or_default(),
        })
        .collect();
    roles.sort_by(|left, right| (left.class, &left.role).cmp(&(right.class, &right.role)));
    Coverage {
        format_version: FORMAT_VERSION,
        place: place.clone(),
        roles,
        findings,
    }
}

/// A database in which somebody can work.
pub(super) fn is_used(database: &Database) -> bool {
    database.allows_connections && !database.is_template
}

/// What is wrong with the server itself.
pub(super) fn of_server(snapshot: &Snapshot) -> Vec<Finding> {
    let mut findings = Vec::new();
    if !snapshot.is_loaded() {
        findings.push(Finding::new(
            Code::NotLoaded,
            "the server does not have pgAudit's settings, so pgAudit is not loaded and no one is audited".to_owned(),
            "add pgaudit to shared_preload_libraries (on Aurora and RDS in the parameter group of the cluster or instance), then restart",
        ));
    }
    for not_read in &snapshot.not_read {
        findings.push(Finding::new(
            Code::NotRead,
            format!("{}: {}", not_read.what, not_read.why),
            "grant what sql/plan_role.sql grants to the role that pgvigil connects as",
        ));
    }
    for parameter in &snapshot.parameters {
        // What the session got from its own role or database says nothing about others.
        if parameter.source.contains("user") || parameter.source.contains("database") {
            continue;
        }
        if let Some(loss) = hides(&parameter.name, &parameter.value) {
            findings.push(Finding::new(
                Code::Hidden,
                format!(
                    "the server has `{}={}` for every role: {loss}",
                    parameter.name, parameter.value
                ),
                "change it in the parameter group, or in postgresql.conf",
            ));
        }
        if parameter.name == "pgaudit.log" && normal("pgaudit.log", &parameter.value) != "none" {
            findings.push(Finding::new(
                Code::Everybody,
                format!("the server has `pgaudit.log={}` for every role: service accounts fill the log too", parameter.value),
                "nothing to do if this is intended; otherwise set it to `none` there",
            ));
        }
    }
    for setting in snapshot
        .settings
        .iter()
        .filter(|setting| setting.role.is_empty())
    {
        if let Some(loss) = hides(&setting.name, &setting.value) {
            let place = if setting.database.is_empty() {
                "every database".to_owned()
            } else {
                format!("the database `{}`", setting.database)
            };
            findings.push(
                Finding::new(
                    Code::Hidden,
                    format!(
                        "{place} has `{}={}` for every role: {loss}",
                        setting.name, setting.value
                    ),
                    "reset it with `ALTER DATABASE … RESET`",
                )
                .in_database(&setting.database),
            );
        }
    }
    for database in &snapshot.databases {
        if let Some(sign) = imitation(&database.name, &[':', '[', ']', '@']) {
            findings.push(
                Finding::new(
                    Code::ImitatesLog,
                    format!(
                        "the name of the database `{}` contains {sign}",
                        database.name
                    ),
                    "rename the database",
                )
                .in_database(&database.name),
            );
        }
        match &database.extension {
            Extension::Absent if is_used(database) => findings.push(
                Finding::new(
                    Code::NoExtension,
                    format!(
                        "the database `{}` lacks the extension pgaudit: people are audited \
                        there anyway, but records of DDL lack the names of objects",
                        database.name
                    ),
                    "run `pgvigil enrol apply`, or `CREATE EXTENSION pgaudit` there",
                )
                .in_database(&database.name),
            ),
            Extension::NotRead(why) if is_used(database) => findings.push(
                Finding::new(
                    Code::NotRead,
                    format!("the extension in the database `{}`: {why}", database.name),
                    "grant CONNECT on it to the role that pgvigil connects as",
                )
                .in_database(&database.name),
            ),
            _ => {}
        }
    }
    for role in snapshot.roles.iter().filter(|role| role.can_login) {
        if let Some(sign) = imitation(&role.name, &[':', '[', ']']) {
            findings.push(
                Finding::new(
                    Code::ImitatesLog,
                    format!("the name of the role `{}` contains {sign}", role.name),
                    "rename the role",
                )
                .of_role(&role.name),
            );
        } else if role.name.contains('@') {
            findings.push(
                Finding::new(
                    Code::AtSign,
                    format!(
                        "`{}` contains `@`: the last `@` before the process id separates \
                        user from database, so it is read correctly as long as no database name \
                        contains one",
                        role.name
                    ),
                    "nothing",
                )
                .of_role(&role.name),
            );
        }
    }
    findings
}

fn imitation(name: &str, signs: &[char]) -> Option<String> {
    name.chars().find_map(|character| {
        if signs.contains(&character) {
            Some(format!("`{character}`"))
        } else if character.is_control() {
            Some("a control character".to_owned())
        } else {
            None
        }
    })
}

/// Declared people who are not there, or cannot log in, or whose records something hides.
pub(super) fn of_declared(
    live: &BTreeMap<&str, Live<'_>>,
    wanted: &BTreeMap<&str, &Enrolment>,
) -> Vec<Finding> {
    let mut findings = Vec::new();
    for name in wanted.keys() {
        let Some(live) = live.get(name) else {
            findings.push(
                Finding::new(
                    Code::Missing,
                    format!("`{name}` is declared, but no role of this server has that name"),
                    "write the name as `pg_roles` has it, or delete the entry",
                )
                .of_role(name),
            );
            continue;
        };
        if !live.role.can_login {
            findings.push(
                Finding::new(
                    Code::CannotLogIn,
                    format!("`{name}` is declared as a person but cannot log in: its settings do not apply to members"),
                    "declare the members",
                )
                .of_role(name),
            );
        }
        for setting in &live.log_level {
            if let Some(loss) = hides(LOG_MIN_MESSAGES, &setting.value) {
                let place = if setting.database.is_empty() {
                    String::new()
                } else {
                    format!(" in the database `{}`", setting.database)
                };
                findings.push(
                    Finding::new(
                        Code::Hidden,
                        format!(
                            "`{name}` has `log_min_messages={}`{place}: {loss}",
                            setting.value
                        ),
                        "have a superuser run `ALTER ROLE … RESET log_min_messages`; pgvigil only changes pgAudit's settings",
                    )
                    .of_role(name)
                    .in_database(&setting.database),
                );
            }
        }
    }
    findings
}

/// A declared person whose settings are not as declared.
fn of_person(live: &Live<'_>, enrolment: &Enrolment) -> Vec<Finding> {
    let name = live.role.name.as_str();
    let mut findings = Vec::new();
    for (setting, value) in &enrolment.settings {
        let now = live.value(setting).unwrap_or(unset(setting));
        if normal(setting, now) == normal(setting, value) && live.value(setting).is_some() {
            continue;
        }
        let code = if weakens(setting, now, value) {
            Code::Weakened
        } else {
            Code::Differs
        };
        let has = live.value(setting).map_or_else(
            || format!("`{name}` has no `{setting}` of its own"),
            |now| format!("`{name}` has `{setting}={now}`"),
        );
        findings.push(
            Finding::new(
                code,
                format!("{has}, but should have `{value}`"),
                "`pgvigil enrol apply`",
            )
            .of_role(name),
        );
    }
    for setting in &live.settings {
        let wanted = enrolment
            .settings
            .iter()
            .find(|(name, _)| *name == setting.name);
        let code = match wanted {
            Some(_) if setting.database.is_empty() => continue,
            Some((name, value)) if weakens(name, &setting.value, value) => Code::Weakened,
            Some(_) => Code::Differs,
            None if hides(&setting.name, &setting.value).is_some() => Code::Hidden,
            None => Code::Differs,
        };
        let place = if setting.database.is_empty() {
            String::new()
        } else {
            format!(
                " in the database `{}`, which overrides the role's own",
                setting.database
            )
        };
        let loss = hides(&setting.name, &setting.value)
            .map_or_else(String::new, |loss| format!(": {loss}"));
        findings.push(
            Finding::new(
                code,
                format!(
                    "`{name}` has `{}={}`{place}{loss}",
                    setting.name, setting.value
                ),
                "`pgvigil enrol apply` removes it",
            )
            .of_role(name)
            .in_database(&setting.database),
        );
    }
    findings
}

fn undeclared(name: &str, ended: Option<Date>) -> Finding {
    match ended {
        Some(until) => Finding::new(
            Code::Expired,
            format!("the entry of `{name}` ended on {until}, but the role can still log in"),
            "drop the role or revoke LOGIN; or set a later `until`",
        ),
        None => Finding::new(
            Code::Undeclared,
            format!("`{name}` can log in, but no file declares it"),
            "declare it under `users`, or with a reason under `service_accounts` or `system_roles`; `pgvigil enrol import` writes entries",
        ),
    }
    .of_role(name)
}

/// An account with audit settings.
fn foreign(live: &Live<'_>) -> Option<Finding> {
    let setting = live.settings.first()?;
    let name = live.role.name.as_str();
    Some(
        Finding::new(
            Code::Foreign,
            format!(
                "`{name}` is declared as an account that is not audited, but has `{}={}`",
                setting.name, setting.value
            ),
            if live.applied.is_some() {
                "`pgvigil enrol apply` removes it"
            } else {
                "nothing to do if this is intended; otherwise name it with --unenrol"
            },
        )
        .of_role(name),
    )
}

/// Who can switch auditing off, take another's place, or act with an unaudited account's rights.
fn of_rights(
    snapshot: &Snapshot,
    all: &BTreeMap<&str, Live<'_>>,
    class: &dyn Fn(&str) -> Class,
) -> Vec<Finding> {
    let groups = snapshot.groups();
    let mut granted: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for grant in &snapshot.grants {
        granted
            .entry(&grant.role)
            .or_default()
            .push(&grant.parameter);
    }
    let has_account = all.values().any(|live| {
        live.role.can_login && !live.role.is_superuser && class(&live.role.name) == Class::Service
    });
    let mut findings = Vec::new();
    for (name, live) in all {
        let class_of = class(name);
        if !live.role.can_login || matches!(class_of, Class::Service | Class::System) {
            continue;
        }
        let above = groups.above(name);
        let by = if live.role.is_superuser {
            Some("it is a superuser".to_owned())
        } else if above.contains("rds_superuser") {
            Some("it is a member of `rds_superuser`".to_owned())
        } else if let Some(group) = above
            .iter()
            .find(|group| all.get(**group).is_some_and(|live| live.role.is_superuser))
        {
            Some(format!("it can become `{group}`, a superuser"))
        } else {
            granted.iter().find_map(|(holder, parameters)| {
                let parameters = parameters.join("`, `");
                if holder.is_empty() {
                    Some(format!("any user can set `{parameters}`"))
                } else if holder == name {
                    Some(format!("it can set `{parameters}`"))
                } else if above.contains(holder) {
                    Some(format!("through `{holder}` it can set `{parameters}`"))
                } else {
                    None
                }
            })
        };
        if let Some(by) = by {
            findings.push(
                Finding::new(
                    Code::CanSwitchOff,
                    format!("`{name}` can switch its own audit off: {by}"),
                    "give people roles without that right, and keep one such role for emergencies, with its own safeguards",
                )
                .of_role(name),
            );
        } else if live.role.can_create_roles && has_account && snapshot.server.version_num < 160_000
        {
            findings.push(
                Finding::new(
                    Code::CanTakeOver,
                    format!(
                        "`{name}` has CREATEROLE, so it can give any unaudited account a \
                        password and log in as that account (before PostgreSQL 16)"
                    ),
                    "revoke CREATEROLE",
                )
                .of_role(name),
            );
        }
        for group in above {
            let can_login = all.get(group).is_some_and(|live| live.role.can_login);
            if can_login && matches!(class(group), Class::Service | Class::Undeclared) {
                findings.push(
                    Finding::new(
                        Code::ActsAsUnaudited,
                        format!(
                            "`{name}` is a member of `{group}`, which is not audited. SET \
                            ROLE keeps the name of `{name}`, and the audit as long as the \
                            membership lasts; but people who share an account's rights often \
                            know its password too"
                        ),
                        "grant the rights to a group that cannot log in, and make both its members",
                    )
                    .of_role(name),
                );
            }
        }
    }
    findings
}

fn case_twins(live: &BTreeMap<&str, Live<'_>>) -> Vec<Finding> {
    let mut folded: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for (name, live) in live {
        if live.role.can_login {
            folded.entry(name.to_lowercase()).or_default().push(name);
        }
    }
    let mut findings = Vec::new();
    for names in folded.values().filter(|names| names.len() > 1) {
        for name in names {
            let others: Vec<&str> = names
                .iter()
                .copied()
                .filter(|other| other != name)
                .collect();
            findings.push(
                Finding::new(
                    Code::CaseTwins,
                    format!(
                        "`{name}` differs from `{}` by letter case only",
                        others.join("`, `")
                    ),
                    "rename one of them: each is audited, or not, by itself",
                )
                .of_role(name),
            );
        }
    }
    findings
}

/// Unaudited accounts that come from an address from which a person comes too.
fn shared_addresses(
    snapshot: &Snapshot,
    seen: Option<&Seen>,
    class: &dyn Fn(&str) -> Class,
) -> Vec<Finding> {
    let mut at: BTreeMap<&str, (BTreeSet<&str>, BTreeSet<&str>)> = BTreeMap::new();
    let sessions = snapshot
        .sessions
        .iter()
        .flatten()
        .filter_map(|session| Some((session.role.as_str(), session.client.as_deref()?)));
    let logged = seen
        .into_iter()
        .flat_map(|seen| &seen.roles)
        .flat_map(|(role, seen)| {
            let addresses = seen.addresses.iter();
            addresses.map(move |address| (role.as_str(), address.as_str()))
        });
    for (role, address) in sessions.chain(logged) {
        let (people, accounts) = at.entry(address).or_default();
        match class(role) {
            Class::Audited => people.insert(role),
            Class::Service => accounts.insert(role),
            Class::Undeclared | Class::System => false,
        };
    }
    let mut findings = Vec::new();
    for (address, (people, accounts)) in &at {
        let Some(person) = people.first() else {
            continue;
        };
        for account in accounts {
            findings.push(
                Finding::new(
                    Code::SharedAddress,
                    format!("`{account}` is not audited, and connects from {address}, as \
                        `{person}` does: a person might be using it (or both connect through one \
                        gateway)"),
                    "give the account a password that people do not know, and allow it from its own hosts only (pg_hba.conf, security groups)",
                )
                .of_role(account),
            );
        }
    }
    findings
}

fn of_logs(
    seen: &Seen,
    live: &BTreeMap<&str, Live<'_>>,
    class: &dyn Fn(&str) -> Class,
) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (name, role) in &seen.roles {
        if class(name) != Class::Undeclared {
            continue;
        }
        let exists = if live.contains_key(name.as_str()) {
            ""
        } else {
            "; no role of this server has that name now"
        };
        findings.push(
            Finding::new(
                Code::SeenUndeclared,
                format!(
                    "`{name}` has {} in the logs, but no file declares it{exists}",
                    count(role.entries, "entry")
                ),
                "declare it; until then its records count",
            )
            .of_role(name),
        );
    }
    if seen.doubtful > 0 {
        findings.push(Finding::new(
            Code::NotRead,
            format!(
                "{} of the logs are ambiguous, so pgvigil could not determine whose they are",
                count(seen.doubtful, "entry")
            ),
            "check for names that imitate a line of the log",
        ));
    }
    findings
}
