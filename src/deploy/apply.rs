//! Carries out a plan, in the safe order, and says truthfully what was done.
//!
//! Every resource is read again before the first write: a plan whose ground has moved is refused. What already is
//! as the plan wants it is left alone, so that a plan whose apply stopped part way can be applied again.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::document::{Document, Fingerprint, Kind};
use super::obstacle::{Obstacle, Reservations, Room};
use super::plan::{Action, Plan, PlanError, Planned, Survey, Unread, same_place, unread_limits};
use super::port::{Cloud, CloudError, Expected, Found, Reading, Scope};
use super::verdict::live_fingerprint;

/// Hears of every step, and may ask for a stop between two.
pub trait Observer {
    /// The apply begins: how many steps there are.
    fn starts(&mut self, _steps: usize) {}

    /// A step begins.
    fn begins(&mut self, _resource: &Planned) {}

    /// A step ended.
    fn ended(&mut self, _step: &Step) {}

    /// Asked before each step: `true` stops the apply there.
    fn stop(&mut self) -> bool {
        false
    }
}

/// Hears nothing and never stops.
impl Observer for () {}

/// Why an apply did not begin. Nothing was changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// Live is no longer as it was when the plan was made.
    #[error("deployed resources changed since the plan was made: {}", list(.0))]
    Moved(Vec<Moved>),
    /// Steps that cannot succeed.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    Impossible(Vec<Obstacle>),
    /// Something could not be read.
    #[error("not everything could be read: {}", .0.iter().map(|unread| format!("{} ({})", unread.address, unread.error)).collect::<Vec<_>>().join(", "))]
    Unread(Vec<Unread>),
    /// Deletions that nobody confirmed.
    #[error("these deletions are not confirmed: {}", .0.join(", "))]
    Unconfirmed(Vec<String>),
    /// A resource that is never deleted.
    #[error("never deleted by pgvigil: {}", .0.join(", "))]
    Protected(Vec<String>),
    /// The credentials lead elsewhere, or the provider does not say where.
    #[error(transparent)]
    Place(#[from] PlanError),
    /// Another apply is under way, or the lock cannot be had.
    #[error(transparent)]
    Lock(CloudError),
}

fn list(moved: &[Moved]) -> String {
    moved
        .iter()
        .map(|moved| format!("{} {}", moved.address, moved.how))
        .collect::<Vec<_>>()
        .join(", ")
}

/// A resource that is not as the plan found it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Moved {
    /// Which.
    pub address: String,
    /// What happened to it.
    pub how: &'static str,
}

/// How a step ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum State {
    /// Done.
    Done,
    /// It already was as the plan wants it: nothing was written.
    AlreadyDone,
    /// It failed.
    Failed {
        /// Why.
        error: String,
        /// Whether it was written all the same; absent when that could not be read.
        written: Option<Written>,
        /// The same step would fail again: first, something else has to change.
        #[serde(default)]
        lasting: bool,
    },
    /// The apply stopped before it.
    NotReached,
}

/// What a step that failed did all the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Written {
    /// Everything: live is as the plan wants it.
    Yes,
    /// Something: live is neither as before nor as the plan wants it. The next apply goes on from there.
    Partly,
    /// Nothing.
    No,
}

/// One step of an apply.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Step {
    /// Which resource.
    pub address: String,
    /// What it is.
    pub kind: Option<Kind>,
    /// What was to be done; `none` for a fingerprint alone.
    pub action: Action,
    /// How it ended.
    #[serde(flatten)]
    pub state: State,
}

/// How an apply ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum End {
    /// Every step was done.
    Complete,
    /// A step failed, and none after it was begun.
    Failed,
    /// It was asked to stop between two steps.
    Interrupted,
}

/// What an apply did and did not do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Report {
    /// Every step, in order.
    pub steps: Vec<Step>,
    /// How it ended.
    pub end: End,
}

impl Report {
    /// How many steps were done, now or before.
    pub fn done(&self) -> usize {
        self.steps
            .iter()
            .filter(|step| matches!(step.state, State::Done | State::AlreadyDone))
            .count()
    }

    /// The step that failed.
    pub fn failure(&self) -> Option<&Step> {
        self.steps
            .iter()
            .find(|step| matches!(step.state, State::Failed { .. }))
    }
}

/// Where a resource stands when the apply begins.
enum Ground {
    /// As the plan found it.
    AsPlanned(Option<Fingerprint>),
    /// As the plan wants it. The fingerprint beside it may be older.
    AsWanted {
        remember: bool,
    },
    Moved(&'static str),
}

/// Carries out a plan. `confirmed` holds the addresses whose deletion a person agreed to.
pub fn apply(
    plan: &Plan,
    cloud: &dyn Cloud,
    confirmed: &BTreeSet<String>,
    observer: &mut dyn Observer,
) -> Result<Report, Refused> {
    same_place(&plan.identity, cloud)?;
    if !plan.unread.is_empty() {
        return Err(Refused::Unread(plan.unread.clone()));
    }
    let deletes = plan.deletes();
    let unconfirmed: Vec<String> = deletes.difference(confirmed).cloned().collect();
    if !unconfirmed.is_empty() {
        return Err(Refused::Unconfirmed(unconfirmed));
    }
    let protected = |resource: &&Planned| {
        resource.action == Action::Delete
            && (resource.desired.is_some() || resource.kind.is_none_or(Kind::is_protected))
    };
    let protected: Vec<String> = plan
        .resources
        .iter()
        .filter(protected)
        .map(|resource| resource.address.clone())
        .collect();
    if !protected.is_empty() {
        return Err(Refused::Protected(protected));
    }
    let scope = Scope {
        environment: plan.identity.environment.clone(),
    };
    let _lock = cloud.lock(&scope).map_err(Refused::Lock)?;
    let (grounds, found) = grounds(plan, cloud)?;
    let mut steps = Vec::new();
    let mut end = End::Complete;
    let todo: Vec<(&Planned, &Ground)> = plan
        .resources
        .iter()
        .zip(&grounds)
        .filter(|(resource, ground)| !is_idle(resource, ground))
        .collect();
    observer.starts(todo.len());
    for (resource, ground) in todo {
        let state = if end != End::Complete {
            State::NotReached
        } else if observer.stop() {
            end = End::Interrupted;
            State::NotReached
        } else {
            observer.begins(resource);
            match perform(resource, ground, cloud, &found) {
                Ok(state) => state,
                Err(error) => {
                    end = End::Failed;
                    State::Failed {
                        lasting: error.is_lasting(),
                        error: error.to_string(),
                        written: written(resource, ground, cloud, &scope),
                    }
                }
            }
        };
        let step = Step {
            address: resource.address.clone(),
            kind: resource.kind,
            action: resource.action,
            state,
        };
        if step.state != State::NotReached {
            observer.ended(&step);
        }
        steps.push(step);
    }
    Ok(Report { steps, end })
}

/// Nothing was planned, and nothing is to be written beside it.
fn is_idle(resource: &Planned, ground: &Ground) -> bool {
    resource.action == Action::None
        && matches!(
            ground,
            Ground::AsPlanned(_) | Ground::AsWanted { remember: false }
        )
}

/// Reads everything again. Refuses when something is neither as planned nor as wanted.
fn grounds(
    plan: &Plan,
    cloud: &dyn Cloud,
) -> Result<(Vec<Ground>, BTreeMap<String, Found>), Refused> {
    let documents: Vec<&Document> = plan
        .resources
        .iter()
        .filter_map(|resource| resource.desired.as_ref())
        .collect();
    let survey = Survey::take(&plan.identity, &documents, cloud);
    let mut unread = Vec::new();
    let mut found = BTreeMap::new();
    match survey.found {
        Ok(all) => found.extend(all.into_iter().map(|found| (found.address.clone(), found))),
        Err(error) => unread.push(Unread {
            address: "the list of resources".to_owned(),
            error: error.to_string(),
        }),
    }
    let room = Reservations::of(&documents, &survey.readings, cloud)
        .map(|reservations| Room::of(&reservations));
    match room {
        Ok(room) if room.obstacles.is_empty() => {}
        Ok(room) => return Err(Refused::Impossible(room.obstacles)),
        Err(error) => unread.push(unread_limits(error)?),
    }
    let mut readings = survey.readings.into_iter();
    let mut grounds = Vec::with_capacity(plan.resources.len());
    let mut moved = Vec::new();
    for resource in &plan.resources {
        let ground = match &resource.desired {
            None => ground_of_extra(resource, &found),
            Some(document) => match readings.next() {
                Some(Ok(reading)) => ground(resource, document, &reading),
                Some(Err(error @ CloudError::Credentials { .. })) => {
                    return Err(PlanError::Cloud(error).into());
                }
                Some(Err(error)) => {
                    unread.push(Unread {
                        address: resource.address.clone(),
                        error: error.to_string(),
                    });
                    continue;
                }
                None => continue,
            },
        };
        if let Ground::Moved(how) = ground {
            moved.push(Moved {
                address: resource.address.clone(),
                how,
            });
        }
        grounds.push(ground);
    }
    if !unread.is_empty() {
        return Err(Refused::Unread(unread));
    }
    if moved.is_empty() {
        Ok((grounds, found))
    } else {
        Err(Refused::Moved(moved))
    }
}

fn ground(resource: &Planned, document: &Document, reading: &Reading) -> Ground {
    let wanted = Fingerprint::of_document(document);
    match reading {
        Reading::Absent { .. } if resource.live_digest.is_none() => Ground::AsPlanned(None),
        Reading::Absent { .. } => Ground::Moved("was deleted"),
        Reading::Present(live) => {
            let now = live_fingerprint(document, &live.properties);
            if now == wanted {
                Ground::AsWanted {
                    remember: live.applied.as_ref() != Some(&wanted),
                }
            } else if resource.live_digest.as_ref() == Some(&now) {
                Ground::AsPlanned(Some(now))
            } else if resource.live_digest.is_none() {
                Ground::Moved("exists, but the plan was to create it")
            } else {
                Ground::Moved("was changed")
            }
        }
    }
}

fn ground_of_extra(resource: &Planned, found: &BTreeMap<String, Found>) -> Ground {
    match found.get(&resource.address) {
        _ if resource.action == Action::None => Ground::AsPlanned(None),
        None => Ground::AsWanted { remember: false },
        Some(found) if found.digest == resource.live_digest => {
            Ground::AsPlanned(found.digest.clone())
        }
        Some(_) => Ground::Moved("was changed"),
    }
}

fn perform(
    resource: &Planned,
    ground: &Ground,
    cloud: &dyn Cloud,
    found: &BTreeMap<String, Found>,
) -> Result<State, CloudError> {
    match (&resource.desired, ground) {
        (Some(document), Ground::AsWanted { remember }) => {
            if *remember {
                cloud.remember(document)?;
            }
            Ok(State::AlreadyDone)
        }
        (Some(document), Ground::AsPlanned(live)) => {
            cloud.put(
                document,
                live.as_ref().map_or(Expected::Absent, Expected::Present),
            )?;
            Ok(State::Done)
        }
        (None, Ground::AsPlanned(_)) => {
            if let Some(found) = found.get(&resource.address) {
                cloud.delete(found)?;
            }
            Ok(State::Done)
        }
        (None, Ground::AsWanted { .. }) => Ok(State::AlreadyDone),
        (_, Ground::Moved(_)) => Err(CloudError::Conflict {
            resource: resource.address.clone(),
        }),
    }
}

/// A call that failed may have done its work all the same, or a part of it.
fn written(
    resource: &Planned,
    ground: &Ground,
    cloud: &dyn Cloud,
    scope: &Scope,
) -> Option<Written> {
    let Some(document) = &resource.desired else {
        let found = cloud.list(scope).ok()?;
        let is_gone = found.iter().all(|found| found.address != resource.address);
        return Some(if is_gone { Written::Yes } else { Written::No });
    };
    let now = match cloud.read(document).ok()? {
        Reading::Absent { .. } => None,
        Reading::Present(live) => Some(live_fingerprint(document, &live.properties)),
    };
    let before = match ground {
        Ground::AsPlanned(before) => before.clone(),
        Ground::AsWanted { .. } | Ground::Moved(_) => resource.live_digest.clone(),
    };
    Some(if now == Some(Fingerprint::of_document(document)) {
        Written::Yes
    } else if now != before || cloud.leaves(document).ok()? {
        Written::Partly
    } else {
        Written::No
    })
}
