//! Several environments at a time: what `plan --all`, `drift --all` and `ci drift` share.

use std::path::Path;
use std::time::Instant;

use pgvigil::deploy::fleet::{AT_ONCE, side_by_side};
use pgvigil::deploy::{DriftReport, Identity, Reader, drift};
use pgvigil::policy::Loaded;
use pgvigil::policy::model::Environment;
use pgvigil::report::plan::fleet::Entry;

use super::deployment::Deployment;
use super::ground::Ground;
use crate::exit::Exit;
use crate::progress::Activity;
use crate::session::Session;

/// Every environment except bases, sorted by name.
pub(crate) fn every(loaded: &Loaded) -> Vec<&Environment> {
    let mut environments: Vec<&Environment> = loaded.policy.environments.iter().collect();
    environments.sort_by(|left, right| left.name.cmp(&right.name));
    environments
}

/// Why an environment has no result.
pub(crate) struct Failure {
    pub(crate) message: String,
    pub(crate) exit: Exit,
}

/// Runs a function for several environments at a time, and returns the results in order. A failure of one does not affect the
/// others.
pub(crate) fn look<Seen: Send>(
    session: &Session,
    environments: &[&Environment],
    package: Option<&Path>,
    loaded: &Loaded,
    look: impl Fn(&Environment, &Deployment<dyn Reader>) -> Result<Seen, Failure> + Sync,
) -> Vec<Entry<Result<Seen, Failure>>> {
    let ground = Ground::of(session).with_package(package);
    let entry = |environment: &Environment, milliseconds, result| Entry {
        identity: Identity::of(environment),
        milliseconds,
        result,
    };
    let activity = Activity::of_many(session, "reading environments", environments.len());
    side_by_side(
        environments,
        AT_ONCE,
        |environment| {
            let _under_way = activity.begin(&environment.name);
            let start = Instant::now();
            let result = Deployment::for_reading(ground, loaded, environment)
                .map_err(|error| Failure::of(&error))
                .and_then(|deployment| look(environment, &deployment));
            let milliseconds = u64::try_from(start.elapsed().as_millis()).unwrap_or(u64::MAX);
            entry(environment, milliseconds, result)
        },
        |environment| {
            let message = "pgvigil itself failed here: this is a bug in pgvigil".to_owned();
            let exit = Exit::Failed;
            entry(environment, 0, Err(Failure { message, exit }))
        },
    )
}

/// Checks several environments at a time for drift; with `blame`, looks up who made the changes, if that is recorded.
pub(crate) fn drifts(
    session: &Session,
    environments: &[&Environment],
    loaded: &Loaded,
    blame: impl Fn(&Environment) -> bool + Sync,
) -> Vec<Entry<Result<DriftReport, Failure>>> {
    let ground = Ground::of(session);
    look(
        session,
        environments,
        None,
        loaded,
        |environment, deployment| {
            let failure = |error: anyhow::Error| Failure::of(&error);
            let mut report = drift(
                &deployment.identity,
                &deployment.documents,
                &*deployment.provider,
            )
            .map_err(|error| failure(error.into()))?;
            if blame(environment) {
                super::blame::add(ground, environment, &mut report).map_err(failure)?;
            }
            Ok(report)
        },
    )
}

impl Failure {
    pub(crate) fn of(error: &anyhow::Error) -> Self {
        Self {
            message: format!("{error:#}"),
            exit: Exit::Failed,
        }
    }
}
