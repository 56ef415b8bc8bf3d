//! Carries out a plan: one transaction that ends with a look at what it did; then each database's extension.
//!
//! Whatever ends the program before COMMIT, the server undoes everything.

use std::collections::BTreeSet;
use std::time::Duration;

use super::connect::Target;
use super::read::{self, patience};
use super::session::{DatabaseError, Session};
use crate::database::enrol::place::Place;
use crate::database::enrol::plan::{Asked, Plan, PlanError, plan};
use crate::database::enrol::saved::moved;
use crate::database::enrol::snapshot::{Session as Open, Snapshot};
use crate::database::enrol::statement::{self, Step};

/// The shortest that a call waits: the transaction gives its statements 60 seconds, as the plan shows, and a COMMIT without an
/// answer leaves open what became of it.
const STATEMENT: Duration = Duration::from_secs(75);

/// How often a transaction is retried after a conflict with another one.
const ATTEMPTS: u32 = 10;

/// The time between, and more each time.
const PAUSE: Duration = Duration::from_millis(100);

/// Why nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum ApplyError {
    #[error(transparent)]
    Database(#[from] DatabaseError),
    /// A name makes no sense.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// Nothing can be applied here.
    #[error("{0}")]
    Refused(String),
    /// The ground has moved.
    #[error("the plan is not applied: {0}: make the plan again")]
    Moved(String),
    /// What was set is not what stands there.
    #[error("the settings read back are not as planned, so everything was undone: {0}")]
    NotAsPlanned(String),
    /// Somebody asked for a stop.
    #[error("stopped before the end, so everything was undone")]
    Stopped,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Applied {
    /// The plan that was carried out: a fresh one where somebody else was at work too.
    pub plan: Plan,
    /// Sessions that keep what they have until they connect again.
    pub sessions: Vec<Open>,
    /// Each database in which the extension was to be made, and why it was not.
    pub extensions: Vec<(String, Option<String>)>,
}

/// What to carry out.
#[derive(Debug, Clone, Copy)]
pub struct Order<'a> {
    pub place: &'a Place,
    /// What the files ask for.
    pub asked: Asked<'a>,
    /// The plan that somebody looked at.
    pub plan: &'a Plan,
}

/// Why a plan cannot be applied here, known before anything is tried.
pub fn refusal(plan: &Plan, snapshot: &Snapshot) -> Option<String> {
    let server = &snapshot.server;
    if server.is_replica {
        return Some(
            "the server is a replica, but roles are changed at the writer: use the cluster's writer endpoint"
                .to_owned(),
        );
    }
    if !snapshot.is_loaded() {
        return Some(
            "pgAudit is not loaded: add pgaudit to shared_preload_libraries (on Aurora and RDS in the parameter \
             group of the cluster or instance), then restart"
                .to_owned(),
        );
    }
    if !server.is_superuser && !server.is_admin {
        return Some(format!(
            "the role `{}` has no permission to set pgaudit settings of other roles: connect as \
                a superuser, or on Aurora and RDS as a member of rds_superuser",
            server.reader
        ));
    }
    if !server.is_superuser {
        let superusers: Vec<&str> = snapshot
            .roles
            .iter()
            .filter(|role| {
                role.is_superuser && plan.steps.iter().any(|step| step.role() == role.name)
            })
            .map(|role| role.name.as_str())
            .collect();
        if !superusers.is_empty() {
            return Some(format!(
                "only a superuser can change a superuser, but `{}` is not one: `{}`",
                server.reader,
                superusers.join("`, `")
            ));
        }
    }
    None
}

/// Carries out a plan, or changes nothing.
///
/// # Errors
/// [`ApplyError`]: then no role was changed.
pub fn apply(
    target: &Target,
    order: Order<'_>,
    stop: &dyn Fn() -> bool,
) -> Result<Applied, ApplyError> {
    let session = Session::open(target)?.with_patience(patience().max(STATEMENT));
    session.run(read::SAFE_PATH)?;
    let system = read::identity(&session);
    let mut attempt = 0;
    let done = loop {
        attempt += 1;
        match transaction(&session, target, order, system.as_ref(), stop) {
            Err(ApplyError::Database(DatabaseError::Refused { code, .. }))
                if attempt < ATTEMPTS && is_meeting(&code) =>
            {
                session.run("rollback")?;
                std::thread::sleep(PAUSE * attempt);
            }
            Err(error) => {
                // A connection that is gone was rolled back by the server.
                let _ = session.run("rollback");
                return Err(explained(error));
            }
            Ok(done) => break done,
        }
    };
    drop(session);
    Ok(Applied {
        extensions: done
            .plan
            .extensions
            .iter()
            .map(|database| (database.clone(), make_extension(target, database)))
            .collect(),
        ..done
    })
}

/// Each role that is changed takes a lock until the end, and a server has room for so many.
fn explained(error: ApplyError) -> ApplyError {
    match error {
        ApplyError::Database(DatabaseError::Refused { code, message }) if code == "53200" => {
            ApplyError::Refused(format!(
                "{message}: the server does not have enough locks for all of these roles at \
                    once; raise max_locks_per_transaction, or enrol them in several steps"
            ))
        }
        other => other,
    }
}

/// "tuple concurrently updated", the same row inserted twice, a deadlock: another run, in another database.
fn is_meeting(code: &str) -> bool {
    matches!(code, "XX000" | "23505" | "40P01" | "40001")
}

fn transaction(
    session: &Session,
    target: &Target,
    order: Order<'_>,
    system: Option<&String>,
    stop: &dyn Fn() -> bool,
) -> Result<Applied, ApplyError> {
    let look = |asked: Asked<'_>| -> Result<(Snapshot, Plan), ApplyError> {
        let mut snapshot = read::read(session)?;
        snapshot.server.system = system.cloned();
        let place = Place {
            database: snapshot.server.database.clone(),
            system: snapshot.server.system.clone(),
            ..order.place.clone()
        };
        let plan = plan(&place, asked, &snapshot)?;
        Ok((snapshot, plan))
    };
    // A replica refuses to begin, and so does a server without pgAudit at the first step: told better by this.
    let (mut snapshot, now) = look(order.asked)?;
    if let Some(refusal) = refusal(&now, &snapshot) {
        return Err(ApplyError::Refused(refusal));
    }
    for statement in statement::opening() {
        session.run(&statement)?;
    }
    // After taking the lock, so that no other run comes between this check and the steps.
    (snapshot, _) = look(order.asked)?;
    read::extensions(target, &mut snapshot);
    let now = plan(&now.place, order.asked, &snapshot)?;
    if let Some(why) = moved(order.plan, &now) {
        return Err(ApplyError::Moved(why));
    }
    for step in &now.steps {
        if stop() {
            return Err(ApplyError::Stopped);
        }
        session.run(&step.sql())?;
    }
    // Who was named is un-enrolled by now, and could not be named again.
    let nobody = BTreeSet::new();
    let (after, left) = look(Asked {
        unenrol: &nobody,
        ..order.asked
    })?;
    if let Some(step) = left.steps.first() {
        return Err(ApplyError::NotAsPlanned(Step::sql(step)));
    }
    if stop() {
        return Err(ApplyError::Stopped);
    }
    session.run("commit")?;
    let changed: Vec<&str> = now
        .roles
        .iter()
        .filter(|role| role.is_changed())
        .map(|role| role.role.as_str())
        .collect();
    let sessions = after.sessions.into_iter().flatten();
    Ok(Applied {
        sessions: sessions
            .filter(|open| changed.contains(&open.role.as_str()))
            .collect(),
        extensions: Vec::new(),
        plan: now,
    })
}

/// Makes the extension in a database; `None` when it is there.
fn make_extension(target: &Target, database: &str) -> Option<String> {
    let made = Session::open(&target.clone().with_database(database)).and_then(|session| {
        let make = || {
            let mut statements = statement::EXTENSION.iter();
            statements.try_for_each(|statement| session.run(statement))
        };
        match make() {
            // Another run may be quicker.
            Err(DatabaseError::Refused { code, .. }) if code == "23505" || code == "42710" => {
                session.run("rollback")?;
                make()
            }
            other => other,
        }
    });
    made.err().map(|error| error.to_string())
}
