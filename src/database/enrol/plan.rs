//! What an apply would change at each role, and why: the policy against a snapshot.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::FORMAT_VERSION;
use super::coverage;
use super::finding::{Code, Finding};
use super::live::{Live, live};
use super::place::Place;
use super::snapshot::{Extension, Session, Snapshot};
use super::statement::Step;
use crate::compile::audit_setting::{normal, weakens};
use crate::compile::enrolment::Enrolment;
use crate::deploy::{Outcome, Verdict};
use crate::digest::sha256;

/// The settings that an enrolment is made of.
const OURS: [&str; 5] = [
    "pgaudit.log",
    "pgaudit.log_catalog",
    "pgaudit.log_parameter",
    "pgaudit.log_relation",
    "pgaudit.log_statement_once",
];

/// Why there is no plan.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    /// `--unenrol` names a role that is not enrolled, or that a file declares as audited.
    #[error(
        "nothing to un-enrol at {}: only a role that has audit settings and that no file declares as audited can be named",
        .0.join(", ")
    )]
    NothingToUnenrol(Vec<String>),
}

/// One setting of a role.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    pub setting: String,
    /// Where; empty: in every database.
    pub database: String,
    pub from: Option<String>,
    pub to: Option<String>,
    /// What is live lets records out, or lets them say less.
    pub weakens: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedRole {
    pub role: String,
    /// What became of it since the last apply.
    pub verdict: Verdict,
    pub outcome: Outcome,
    /// It ends to be audited.
    pub unenrols: bool,
    pub changes: Vec<Change>,
    /// Why, in a sentence.
    pub why: String,
    /// What is noted beside it is out of date: apply writes that.
    pub remember: bool,
    /// Its open sessions, which keep what they have until they connect again.
    pub sessions: Vec<Session>,
}

impl PlannedRole {
    /// Whether apply changes a setting.
    pub fn is_changed(&self) -> bool {
        !self.changes.is_empty()
    }
}

/// What an apply would do in one place.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// Version of this form.
    pub format_version: u32,
    pub place: Place,
    /// Whether pgAudit is loaded: without it nothing can be applied.
    pub is_loaded: bool,
    /// Every role that is, was or is to be enrolled.
    pub roles: Vec<PlannedRole>,
    /// The steps, all in one transaction.
    pub steps: Vec<Step>,
    /// Databases in which the extension is made, each by itself, after the transaction.
    pub extensions: Vec<String>,
    /// What an apply does not mend, or what to know before.
    pub findings: Vec<Finding>,
    /// Whether open sessions could be seen.
    pub sees_sessions: bool,
    /// A digest of what this rests on at the server.
    pub ground: String,
    /// A digest of what the files ask for.
    pub asked: String,
}

/// How many roles a plan does what with.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// To be enrolled, or changed.
    pub change: usize,
    pub unenrol: usize,
    /// As the files say.
    pub unchanged: usize,
    pub drifted: usize,
}

/// What the files ask of a server.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    /// Who is to be enrolled.
    pub enrolments: &'a [Enrolment],
    /// Roles whose foreign audit settings are to be taken away.
    pub unenrol: &'a BTreeSet<String>,
}

impl Plan {
    pub fn outcome(&self) -> Outcome {
        let any = |moved: fn(Outcome) -> bool| self.roles.iter().any(|role| moved(role.outcome));
        Outcome::new(
            any(Outcome::repository_moved) || !self.extensions.is_empty(),
            any(Outcome::live_moved),
        )
    }

    /// Whether apply has nothing to do.
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty() && self.extensions.is_empty()
    }

    /// Roles that end to be audited.
    pub fn unenrols(&self) -> Vec<&str> {
        let roles = self.roles.iter().filter(|role| role.unenrols);
        roles.map(|role| role.role.as_str()).collect()
    }

    /// Open sessions of roles that are changed.
    pub fn sessions(&self) -> impl Iterator<Item = &Session> {
        self.roles.iter().flat_map(|role| &role.sessions)
    }

    /// The numbers of the summary.
    pub fn counts(&self) -> Counts {
        let mut counts = Counts::default();
        for role in &self.roles {
            match (role.unenrols, role.is_changed()) {
                (true, _) => counts.unenrol += 1,
                (false, true) => counts.change += 1,
                (false, false) if role.verdict == Verdict::Clean => counts.unchanged += 1,
                (false, false) => {}
            }
            if role.outcome.live_moved() {
                counts.drifted += 1;
            }
        }
        counts
    }
}

/// Compares what the files ask for with what stands at a server.
///
/// # Errors
/// [`PlanError`] where a name makes no sense.
pub fn plan(place: &Place, asked: Asked<'_>, snapshot: &Snapshot) -> Result<Plan, PlanError> {
    let live = live(snapshot);
    let wanted: BTreeMap<&str, &Enrolment> = asked
        .enrolments
        .iter()
        .map(|enrolment| (enrolment.role.as_str(), enrolment))
        .collect();
    refuse_names(asked.unenrol, &live, &wanted)?;
    let mut builder = Builder {
        snapshot,
        steps: Vec::new(),
        findings: Vec::new(),
        sessions: BTreeMap::new(),
    };
    for session in snapshot.sessions.iter().flatten() {
        builder
            .sessions
            .entry(&session.role)
            .or_default()
            .push(session);
    }
    let mut roles = Vec::new();
    for (name, live) in &live {
        match wanted.get(name) {
            Some(enrolment) => roles.push(builder.enrolled(live, enrolment)),
            None => roles.extend(builder.other(live, asked.unenrol.contains(*name))),
        }
    }
    let Builder {
        steps,
        mut findings,
        ..
    } = builder;
    findings.extend(coverage::of_server(snapshot));
    findings.extend(coverage::of_declared(&live, &wanted));
    findings.retain(|finding| finding.code.is_for_plans());
    findings.sort();
    findings.dedup();
    let extensions = snapshot
        .databases
        .iter()
        .filter(|database| database.extension == Extension::Absent && coverage::is_used(database))
        .map(|database| database.name.clone())
        .collect();
    Ok(Plan {
        format_version: FORMAT_VERSION,
        place: place.clone(),
        is_loaded: snapshot.is_loaded(),
        ground: ground(&roles, &live),
        asked: asked_digest(asked),
        roles,
        steps,
        extensions,
        findings,
        sees_sessions: snapshot.sessions.is_some(),
    })
}

fn refuse_names(
    unenrol: &BTreeSet<String>,
    live: &BTreeMap<&str, Live<'_>>,
    wanted: &BTreeMap<&str, &Enrolment>,
) -> Result<(), PlanError> {
    let senseless: Vec<String> = unenrol
        .iter()
        .filter(|name| {
            let has_ours = live.get(name.as_str()).is_some_and(|live| {
                live.applied.is_some() || OURS.iter().any(|ours| live.value(ours).is_some())
            });
            wanted.contains_key(name.as_str()) || !has_ours
        })
        .cloned()
        .collect();
    if senseless.is_empty() {
        Ok(())
    } else {
        Err(PlanError::NothingToUnenrol(senseless))
    }
}

/// What a saved plan rests on: settings and fingerprints of the roles that it is about.
fn ground(roles: &[PlannedRole], live: &BTreeMap<&str, Live<'_>>) -> String {
    let lines: Vec<[String; 2]> = roles
        .iter()
        .filter_map(|role| live.get(role.role.as_str()))
        .map(|live| {
            let state = format!("{} {}", live.fingerprint(), live.applied.unwrap_or("-"));
            [live.role.name.clone(), state]
        })
        .collect();
    digest(&lines)
}

/// What a saved plan was made for.
pub(super) fn asked_digest(asked: Asked<'_>) -> String {
    let enrolments = asked.enrolments.iter();
    let mut lines: Vec<[String; 2]> = enrolments
        .map(|enrolment| [enrolment.role.clone(), enrolment.fingerprint()])
        .collect();
    let named = asked.unenrol.iter();
    lines.extend(named.map(|role| [role.clone(), "un-enrolled".to_owned()]));
    digest(&lines)
}

fn digest(lines: &[[String; 2]]) -> String {
    sha256(serde_json::to_string(lines).unwrap_or_default())
}

struct Builder<'a> {
    snapshot: &'a Snapshot,
    steps: Vec<Step>,
    findings: Vec<Finding>,
    sessions: BTreeMap<&'a str, Vec<&'a Session>>,
}

impl Builder<'_> {
    fn sessions(&self, role: &str) -> Vec<Session> {
        let sessions = self.sessions.get(role).into_iter().flatten();
        sessions.map(|session| (*session).clone()).collect()
    }

    /// A role that is to be as an enrolment says.
    fn enrolled(&mut self, live: &Live<'_>, enrolment: &Enrolment) -> PlannedRole {
        let name = live.role.name.as_str();
        let is_loaded = self.snapshot.is_loaded();
        let mut changes = Vec::new();
        for (setting, value) in &enrolment.settings {
            if is_loaded && !self.snapshot.knows(setting) {
                let why = format!(
                    "PostgreSQL {} with the loaded pgAudit does not support `{setting}`, which `{name}` should have",
                    self.snapshot.server.version
                );
                self.findings.push(
                    Finding::new(
                        Code::Unsupported,
                        why,
                        "leave it out of `audit`, or use a newer pgAudit",
                    )
                    .of_role(name),
                );
                continue;
            }
            let now = live.value(setting);
            if now.is_some_and(|now| normal(setting, now) == normal(setting, value)) {
                continue;
            }
            changes.push(Change {
                setting: (*setting).to_owned(),
                database: String::new(),
                from: now.map(str::to_owned),
                to: Some(value.clone()),
                weakens: weakens(setting, now.unwrap_or(unset(setting)), value),
            });
            self.steps.push(Step::Set {
                role: name.to_owned(),
                setting: (*setting).to_owned(),
                value: value.clone(),
            });
        }
        // A setting for one database beats the role's own, and others thin records out.
        for setting in &live.settings {
            let wanted = enrolment
                .settings
                .iter()
                .find(|(name, _)| *name == setting.name);
            if setting.database.is_empty() && wanted.is_some() {
                continue;
            }
            changes.push(Change {
                setting: setting.name.clone(),
                database: setting.database.clone(),
                from: Some(setting.value.clone()),
                to: None,
                weakens: wanted.is_none_or(|(name, value)| weakens(name, &setting.value, value)),
            });
            self.steps.push(Step::Reset {
                role: name.to_owned(),
                database: setting.database.clone(),
                setting: setting.name.clone(),
            });
        }
        let desired = enrolment.fingerprint();
        let now = live.fingerprint();
        let (verdict, why) = match live.applied {
            _ if changes.is_empty() => (Verdict::Clean, "as the files declare"),
            None if live.settings.is_empty() => (Verdict::Pending, "not enrolled yet"),
            None => (
                Verdict::Both,
                "it has audit settings that pgvigil did not make, or made before it kept notes",
            ),
            Some(applied) if applied == now => (
                Verdict::Pending,
                "the files changed since the last apply; the role did not",
            ),
            Some(applied) if applied == desired => (
                Verdict::Drifted,
                "the role changed since the last apply; the files did not",
            ),
            Some(_) => (
                Verdict::Both,
                "the files and the role changed since the last apply",
            ),
        };
        let remember = live.applied != Some(desired.as_str()) && self.may_note(live);
        if remember {
            self.note(live, desired);
        }
        PlannedRole {
            role: name.to_owned(),
            verdict,
            outcome: outcome(verdict),
            unenrols: false,
            sessions: if changes.is_empty() {
                Vec::new()
            } else {
                self.sessions(name)
            },
            changes,
            why: why.to_owned(),
            remember,
        }
    }

    /// A role that no file wants enrolled: nothing, where nothing is there.
    fn other(&mut self, live: &Live<'_>, is_named: bool) -> Option<PlannedRole> {
        let name = live.role.name.as_str();
        let ours: Vec<_> = live
            .settings
            .iter()
            .filter(|setting| setting.database.is_empty() && OURS.contains(&setting.name.as_str()))
            .collect();
        let Some(applied) = live.applied else {
            if live.settings.is_empty() {
                return None;
            }
            if !is_named {
                let settings: Vec<String> = live
                    .settings
                    .iter()
                    .map(|setting| format!("{}={}", setting.name, setting.value))
                    .collect();
                let (code, remedy) = if live.role.can_login {
                    (
                        Code::Foreign,
                        "declare the person, or name the role with --unenrol",
                    )
                } else {
                    (
                        Code::OnGroup,
                        "declare the members; name the group with --unenrol to remove its settings",
                    )
                };
                let why = format!("`{name}` has {}: left alone", settings.join(", "));
                self.findings
                    .push(Finding::new(code, why, remedy).of_role(name));
                return None;
            }
            return Some(self.unenrolled(
                live,
                &ours,
                Verdict::Extra,
                Outcome::Pending,
                "named to be un-enrolled",
            ));
        };
        let untouched = applied == live.fingerprint();
        let why = if untouched {
            "pgvigil enrolled it, but no file declares it any longer"
        } else {
            "pgvigil enrolled it, it was changed since, and no file declares it any longer"
        };
        let outcome = Outcome::new(true, !untouched);
        Some(self.unenrolled(live, &ours, Verdict::Extra, outcome, why))
    }

    fn unenrolled(
        &mut self,
        live: &Live<'_>,
        ours: &[&&super::snapshot::Setting],
        verdict: Verdict,
        outcome: Outcome,
        why: &str,
    ) -> PlannedRole {
        let name = live.role.name.as_str();
        let mut changes = Vec::new();
        for setting in ours {
            changes.push(Change {
                setting: setting.name.clone(),
                database: String::new(),
                from: Some(setting.value.clone()),
                to: None,
                weakens: false,
            });
            self.steps.push(Step::Reset {
                role: name.to_owned(),
                database: String::new(),
                setting: setting.name.clone(),
            });
        }
        let role = name.to_owned();
        if live.has_note {
            self.steps.push(Step::Note {
                role: role.clone(),
                fingerprint: None,
            });
        }
        if live.has_comment {
            self.steps.push(Step::Comment {
                role,
                fingerprint: None,
            });
        }
        PlannedRole {
            role: name.to_owned(),
            verdict,
            outcome,
            unenrols: true,
            changes,
            why: why.to_owned(),
            remember: false,
            sessions: self.sessions(name),
        }
    }

    /// Whether what was applied can be noted beside a role.
    fn may_note(&mut self, live: &Live<'_>) -> bool {
        if !self.snapshot.server.is_managed || !live.has_own_comment {
            return true;
        }
        let name = live.role.name.as_str();
        self.findings.push(
            Finding::new(
                Code::NoNote,
                format!("`{name}` has its own comment, so pgvigil cannot note who changed it last"),
                "no action is needed; or remove the comment, then apply",
            )
            .of_role(name),
        );
        false
    }

    /// Where somebody is a superuser, a setting of our own; else a comment, and only where nobody else wrote one.
    fn note(&mut self, live: &Live<'_>, fingerprint: String) {
        let role = live.role.name.clone();
        let fingerprint = Some(fingerprint);
        self.steps.push(if self.snapshot.server.is_managed {
            Step::Comment { role, fingerprint }
        } else {
            Step::Note { role, fingerprint }
        });
    }
}

/// What a setting is where nobody sets it. Source: pgAudit's README.
pub(super) fn unset(name: &str) -> &'static str {
    match name {
        "pgaudit.log" => "none",
        "pgaudit.log_catalog" | "pgaudit.log_statement" => "on",
        _ => "off",
    }
}

fn outcome(verdict: Verdict) -> Outcome {
    match verdict {
        Verdict::Clean => Outcome::Clean,
        Verdict::Pending => Outcome::Pending,
        Verdict::Drifted => Outcome::Drifted,
        _ => Outcome::Both,
    }
}
