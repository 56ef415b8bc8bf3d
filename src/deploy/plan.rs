//! The plan as data: what apply will do and, separately, what was changed outside pgvigil.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::alteration::{self, Alteration};
use super::destroy::KEY_ENDS;
use super::diff::{self, Change};
use super::document::{Document, Fingerprint, Kind, Ownership};
use super::obstacle::{Obstacle, Reservations, Room, Shared};
use super::port::{At, CloudError, Found, Identity, Reader, Reading, Scope};
use super::prune::refuse_orphaned_topics;
use super::rules::{self, RulesChange};
use super::verdict::{Outcome, Verdict, judge, live_fingerprint};

/// Version of the plan's JSON.
pub const FORMAT_VERSION: u32 = 1;

/// What apply does with one resource.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// Nothing.
    None,
    /// Makes it.
    Create,
    /// Sets our fields on a resource that pgvigil did not make.
    Adopt,
    /// Changes it.
    Update,
    /// Deletes it: only what was named.
    Delete,
}

impl Action {
    /// The sign in reports.
    pub fn sign(self) -> char {
        match self {
            Self::None => ' ',
            Self::Create => '+',
            Self::Adopt | Self::Update => '~',
            Self::Delete => '-',
        }
    }

    /// The word in reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Create => "create",
            Self::Adopt => "adopt",
            Self::Update => "update",
            Self::Delete => "delete",
        }
    }
}

/// One resource of a plan.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Planned {
    /// Its address.
    pub address: String,
    /// What it is; absent for what is not of our making.
    pub kind: Option<Kind>,
    /// Its name with the provider.
    pub name: String,
    /// What apply does.
    pub action: Action,
    /// What became of it.
    pub verdict: Verdict,
    /// Who moved.
    pub outcome: Outcome,
    /// Field by field, from live to desired. Empty for what is made or deleted as a whole.
    pub changes: Vec<Change>,
    /// Digest of what the files ask for.
    pub desired_digest: Option<Fingerprint>,
    /// Digest of what is live; absent when nothing is.
    pub live_digest: Option<Fingerprint>,
    /// The fingerprint beside it is out of date: apply writes it, and changes nothing else.
    pub remember: bool,
    /// What a person should know besides.
    pub note: Option<String>,
    /// What the files ask for. Only a saved plan has it.
    #[schemars(skip_serializing_if = "Option::is_none")]
    pub desired: Option<Document>,
}

/// A resource that was changed outside pgvigil.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Drift {
    /// Its address.
    pub address: String,
    /// What it is; absent for what is not of our making.
    pub kind: Option<Kind>,
    /// What became of it.
    pub verdict: Verdict,
    /// Field by field, from what the files ask for to what is live. Where the files moved too, these are the
    /// differences, whoever made them.
    pub changes: Vec<Change>,
    /// What a person should know besides.
    pub note: Option<String>,
}

/// What could not be read, so that nothing is known about it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Unread {
    /// The address, or what was to be listed.
    pub address: String,
    /// Why.
    pub error: String,
}

/// What a plan is for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Purpose {
    /// To bring live to what the files say.
    #[default]
    Apply,
    /// To take the environment down.
    Destroy,
}

/// What apply will do, for which place, and what somebody else did.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Plan {
    /// Version of this form.
    pub format_version: u32,
    /// What it is for.
    pub purpose: Purpose,
    /// For which place.
    pub identity: Identity,
    /// Every resource, in the order in which apply takes them.
    pub resources: Vec<Planned>,
    /// What somebody else changed.
    pub drift: Vec<Drift>,
    /// How the rules of functions change: once for all that judge by the same rules now.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rules: Vec<RulesChange>,
    /// Steps that cannot succeed. Such a plan is never applied.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub obstacles: Vec<Obstacle>,
    /// What it reserves, for plans that are made together. A saved plan is looked at again before it is applied.
    #[serde(skip)]
    pub reservations: Reservations,
    /// What changes the watched logs before a query sees them. They are among `resources` too.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub alterations: Vec<Alteration>,
    /// What could not be read. Such a plan is never clean and never applied.
    pub unread: Vec<Unread>,
}

/// How many resources a plan does what with.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Counts {
    /// Made.
    pub create: usize,
    /// Changed, or adopted.
    pub change: usize,
    /// Deleted.
    pub delete: usize,
    /// Left as they are.
    pub unchanged: usize,
    /// Changed or deleted outside pgvigil.
    pub drifted: usize,
    /// Live without a file that asks for it.
    pub extra: usize,
    /// Not read.
    pub unread: usize,
}

/// Why there is no plan.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    /// The credentials lead elsewhere.
    #[error("the environment is {expected}, but the credentials are for {found}")]
    Elsewhere {
        /// What the files say.
        expected: Box<At>,
        /// What the provider says.
        found: Box<At>,
    },
    /// Something is to be deleted that is not there, or that a file asks for.
    #[error("nothing to prune at {}: only deployed resources that no file declares can be pruned", .0.join(", "))]
    NothingToPrune(Vec<String>),
    /// Something is to be deleted that never is.
    #[error("never deleted by pgvigil: {}", .0.join(", "))]
    Protected(Vec<String>),
    /// A key is to be deleted, and the topic that it encrypts is not.
    #[error("the topic that is kept cannot send without its key: keep {}, or delete the topic too", .0.join(", "))]
    KeyInUse(Vec<String>),
    /// The provider does not say where the credentials lead.
    #[error(transparent)]
    Cloud(#[from] CloudError),
}

/// What a provider answered about an environment.
#[derive(Debug)]
pub struct Survey {
    /// One answer for each document, in order.
    pub readings: Vec<Result<Reading, CloudError>>,
    /// Everything within the scope.
    pub found: Result<Vec<Found>, CloudError>,
    /// What changes the watched logs, where that was asked.
    pub alterations: Vec<Alteration>,
}

impl Survey {
    /// Asks the provider about resources alone, which is all that a write needs. Changes nothing.
    pub fn take(identity: &Identity, documents: &[&Document], reader: &dyn Reader) -> Self {
        Self::ask(identity, documents, reader, Vec::new)
    }

    /// Asks also what changes the watched logs.
    pub fn with_alterations(
        identity: &Identity,
        documents: &[&Document],
        reader: &dyn Reader,
    ) -> Self {
        Self::ask(identity, documents, reader, || {
            reader.alterations(documents)
        })
    }

    fn ask(
        identity: &Identity,
        documents: &[&Document],
        reader: &dyn Reader,
        alterations: impl FnOnce() -> Vec<Alteration>,
    ) -> Self {
        let mut readings = reader.read_all(documents);
        // A provider that answers too little has not read the rest.
        while readings.len() < documents.len() {
            let resource = documents
                .get(readings.len())
                .map(|document| document.address.clone())
                .unwrap_or_default();
            let message = "the provider gave no answer".to_owned();
            readings.push(Err(CloudError::Unavailable {
                operation: "read",
                resource,
                message,
            }));
        }
        // Between the two: a list lets go of what the look saw.
        let alterations = alterations();
        let found = reader.list(&Scope {
            environment: identity.environment.clone(),
        });
        Self {
            readings,
            found,
            alterations,
        }
    }
}

/// Plans one environment. `prune` holds the addresses of what is to be deleted.
pub fn plan(
    identity: &Identity,
    documents: &[Document],
    reader: &dyn Reader,
    prune: &BTreeSet<String>,
) -> Result<Plan, PlanError> {
    let (plan, documents, survey) = look(identity, documents, reader, prune)?;
    with_room(plan, &documents, &survey, reader)
}

/// The plan with what the account has no room for.
pub(super) fn with_room(
    mut plan: Plan,
    documents: &[&Document],
    survey: &Survey,
    reader: &dyn Reader,
) -> Result<Plan, PlanError> {
    match Reservations::of(documents, &survey.readings, reader) {
        Ok(reservations) => {
            plan.find_room(Room::of(&reservations));
            plan.reservations = reservations;
        }
        Err(error) => plan.unread.push(unread_limits(error)?),
    }
    Ok(plan)
}

/// Limits that could not be read keep nothing else from being read; credentials that do not hold do.
pub(super) fn unread_limits(error: CloudError) -> Result<Unread, PlanError> {
    match error {
        CloudError::Credentials { .. } => Err(error.into()),
        error => Ok(Unread {
            address: "the limits of the account".to_owned(),
            error: error.to_string(),
        }),
    }
}

/// The plan as far as the resources alone decide it, with what was compared.
pub(super) fn look<'a>(
    identity: &Identity,
    documents: &'a [Document],
    reader: &dyn Reader,
    prune: &BTreeSet<String>,
) -> Result<(Plan, Vec<&'a Document>, Survey), PlanError> {
    same_place(identity, reader)?;
    let mut documents: Vec<&Document> = documents.iter().collect();
    documents.sort_by(|left, right| (left.kind, &left.address).cmp(&(right.kind, &right.address)));
    let survey = Survey::with_alterations(identity, &documents, reader);
    let mut plan = compare(identity, &documents, &survey, prune)?;
    plan.rules = rules::changes(&documents, &survey.readings, reader);
    Ok((plan, documents, survey))
}

/// Refuses credentials that lead elsewhere.
pub(super) fn same_place(identity: &Identity, reader: &dyn Reader) -> Result<(), PlanError> {
    let (expected, found) = (identity.at(), reader.at()?);
    if expected == found {
        Ok(())
    } else {
        Err(PlanError::Elsewhere {
            expected: Box::new(expected),
            found: Box::new(found),
        })
    }
}

/// Compares what the files ask for with what is live: the pure part of [`plan()`].
pub fn compare(
    identity: &Identity,
    documents: &[&Document],
    survey: &Survey,
    prune: &BTreeSet<String>,
) -> Result<Plan, PlanError> {
    let mut resources = Vec::new();
    let mut drift = Vec::new();
    let mut unread = Vec::new();
    // Told once: without credentials nothing more can be said of any resource.
    let failures = survey
        .readings
        .iter()
        .filter_map(|reading| reading.as_ref().err());
    if let Some(error) = failures
        .chain(survey.found.as_ref().err())
        .find(|error| matches!(error, CloudError::Credentials { .. }))
    {
        return Err(error.clone().into());
    }
    for (document, reading) in documents.iter().zip(&survey.readings) {
        let planned = planned(document, reading);
        if let Err(error) = reading {
            unread.push(Unread {
                address: document.address.clone(),
                error: error.to_string(),
            });
        }
        if planned.outcome.live_moved() {
            let changes = match reading {
                Ok(Reading::Present(live)) => {
                    diff::edits(document.kind, &document.properties, &live.properties)
                }
                _ => Vec::new(),
            };
            drift.push(Drift {
                address: planned.address.clone(),
                kind: planned.kind,
                verdict: planned.verdict,
                changes,
                note: planned.note.clone(),
            });
        }
        resources.push(planned);
    }
    match &survey.found {
        Err(error) => unread.push(Unread {
            address: "the list of resources".to_owned(),
            error: error.to_string(),
        }),
        Ok(found) => {
            let asked: BTreeSet<&str> = documents
                .iter()
                .map(|document| document.address.as_str())
                .collect();
            let mut extras: Vec<&Found> = found
                .iter()
                .filter(|found| !asked.contains(found.address.as_str()))
                .collect();
            // Taken down against the order of building up: the schedule first.
            extras.sort_by(|left, right| {
                (Reverse(left.kind), &left.address).cmp(&(Reverse(right.kind), &right.address))
            });
            for found in extras {
                let extra = extra(found, prune);
                drift.push(Drift {
                    address: extra.address.clone(),
                    kind: extra.kind,
                    verdict: Verdict::Extra,
                    changes: Vec::new(),
                    note: extra.note.clone(),
                });
                resources.push(extra);
            }
        }
    }
    refuse_prunes(&resources, prune)?;
    refuse_orphaned_topics(&resources)?;
    let mut plan = Plan {
        format_version: FORMAT_VERSION,
        purpose: Purpose::Apply,
        identity: identity.clone(),
        resources,
        drift,
        rules: Vec::new(),
        obstacles: Vec::new(),
        reservations: Reservations::default(),
        alterations: Vec::new(),
        unread,
    };
    alteration::tell(&mut plan, &survey.alterations);
    Ok(plan)
}

fn refuse_prunes(resources: &[Planned], prune: &BTreeSet<String>) -> Result<(), PlanError> {
    let extras: BTreeMap<&str, bool> = resources
        .iter()
        .filter(|resource| resource.verdict == Verdict::Extra)
        .map(|resource| {
            (
                resource.address.as_str(),
                resource.kind.is_none_or(Kind::is_protected),
            )
        })
        .collect();
    let absent: Vec<String> = prune
        .iter()
        .filter(|address| !extras.contains_key(address.as_str()))
        .cloned()
        .collect();
    if !absent.is_empty() {
        return Err(PlanError::NothingToPrune(absent));
    }
    let kept: Vec<String> = prune
        .iter()
        .filter(|address| extras.get(address.as_str()) == Some(&true))
        .cloned()
        .collect();
    if kept.is_empty() {
        Ok(())
    } else {
        Err(PlanError::Protected(kept))
    }
}

fn planned(document: &Document, reading: &Result<Reading, CloudError>) -> Planned {
    let (verdict, outcome) = judge(document, reading);
    let desired_digest = Fingerprint::of_document(document);
    let adopted = document.ownership == Ownership::Adopted;
    let mut planned = Planned {
        address: document.address.clone(),
        kind: Some(document.kind),
        name: document.name.clone(),
        action: Action::None,
        verdict,
        outcome,
        changes: Vec::new(),
        desired_digest: Some(desired_digest.clone()),
        live_digest: None,
        remember: false,
        note: None,
        desired: Some(document.clone()),
    };
    match reading {
        Err(error) => planned.note = Some(error.to_string()),
        Ok(Reading::Absent { .. }) if adopted => {
            planned.action = Action::Adopt;
            planned.note =
                Some("it does not exist yet: RDS makes it once the log export is on".to_owned());
        }
        Ok(Reading::Absent { .. }) => planned.action = Action::Create,
        Ok(Reading::Present(live)) => {
            planned.live_digest = Some(live_fingerprint(document, &live.properties));
            planned.note.clone_from(&live.note);
            if verdict == Verdict::Clean {
                planned.remember = live.applied.as_ref() != Some(&desired_digest);
            } else {
                planned.action = if adopted && live.applied.is_none() {
                    Action::Adopt
                } else {
                    Action::Update
                };
                planned.changes =
                    diff::changes(document.kind, &live.properties, &document.properties);
            }
        }
    }
    planned
}

fn extra(found: &Found, prune: &BTreeSet<String>) -> Planned {
    let named = prune.contains(&found.address);
    let (action, note) = match found.kind {
        None => (Action::None, "not made by pgvigil: never touched"),
        Some(kind) if kind.is_protected() => (
            Action::None,
            "kept: a log group contains evidence, so it is never deleted",
        ),
        Some(Kind::KmsKey) if named => (Action::Delete, KEY_ENDS),
        Some(_) if named => (Action::Delete, "named to be pruned"),
        Some(_) => (Action::None, "kept: deleted only if named with --prune"),
    };
    // What still is as we applied it was ours, and the files let go of it.
    let ours = found.digest.is_some() && found.digest == found.applied;
    let outcome = if found.kind.is_none() {
        Outcome::Clean
    } else {
        Outcome::new(ours, !ours)
    };
    Planned {
        address: found.address.clone(),
        kind: found.kind,
        name: found.name.clone(),
        action,
        verdict: Verdict::Extra,
        outcome,
        changes: Vec::new(),
        desired_digest: None,
        live_digest: found.digest.clone(),
        remember: false,
        note: Some(note.to_owned()),
        desired: None,
    }
}

impl Plan {
    /// Notes what the account has no room for.
    fn find_room(&mut self, room: Room) {
        self.obstacles = room.obstacles;
        for resource in &mut self.resources {
            if let Some(note) = room.notes.get(&resource.address) {
                resource.note.get_or_insert_with(|| note.clone());
            }
        }
    }

    /// Judges the account's room after what the environments before this one take of it.
    pub fn share(&mut self, shared: &mut Shared) {
        let room = shared.room(&self.identity.at(), &self.reservations);
        self.find_room(room);
    }

    /// What the plan comes to; `Err` holds what could not be read, for then it is not known.
    pub fn outcome(&self) -> Result<Outcome, &[Unread]> {
        if !self.unread.is_empty() {
            return Err(&self.unread);
        }
        let any = |moved: fn(Outcome) -> bool| {
            self.resources
                .iter()
                .any(|resource| moved(resource.outcome))
        };
        Ok(Outcome::new(
            any(Outcome::repository_moved),
            any(Outcome::live_moved),
        ))
    }

    /// Says whether apply would change anything.
    pub fn is_empty(&self) -> bool {
        self.unread.is_empty()
            && self
                .resources
                .iter()
                .all(|resource| resource.action == Action::None)
    }

    /// The numbers of the summary.
    pub fn counts(&self) -> Counts {
        let mut counts = Counts {
            unread: self.unread.len(),
            ..Counts::default()
        };
        for resource in &self.resources {
            match resource.action {
                Action::Create => counts.create += 1,
                Action::Adopt | Action::Update => counts.change += 1,
                Action::Delete => counts.delete += 1,
                Action::None if resource.verdict == Verdict::Clean => counts.unchanged += 1,
                Action::None => {}
            }
            if resource.verdict == Verdict::Extra {
                counts.extra += 1;
            } else if resource.outcome.live_moved() {
                counts.drifted += 1;
            }
        }
        counts
    }

    /// Addresses that apply would delete: they need a confirmation.
    pub fn deletes(&self) -> BTreeSet<String> {
        let deletes = self
            .resources
            .iter()
            .filter(|resource| resource.action == Action::Delete);
        deletes.map(|resource| resource.address.clone()).collect()
    }
}
