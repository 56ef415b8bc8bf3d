//! The account of an environment, opened for one purpose.

use std::path::Path;
use std::sync::Arc;

use anyhow::Context as _;
use jiff::Timestamp;
use pgvigil::begin::ClusterLister;
use pgvigil::cloud::aws::{Aws, Settings, Variables};
use pgvigil::deploy::blame::Witness;
use pgvigil::deploy::permission::Purpose;
use pgvigil::deploy::{Cloud, Reader};
use pgvigil::insights::service::QueryService;
use pgvigil::package::{Package, file_at};
use pgvigil::policy::model::{Architecture, Engine, Environment};
use pgvigil::takeover::adopt::{Finder, Retirer};

use super::super::ground::Ground;
use super::port::{Proving, Recording, Running};

/// Opens the account to read, with the role for `plan`.
pub(crate) fn reader(
    ground: Ground<'_>,
    environment: &Environment,
) -> anyhow::Result<Box<dyn Reader>> {
    let role = environment.assume_role.as_ref().map(|roles| &roles.plan);
    let settings = settings(ground, environment, Purpose::Plan, role)?;
    Ok(Box::new(Aws::connect(environment, settings)?))
}

/// Opens the account to write, with the role for `apply`.
pub(crate) fn cloud(
    ground: Ground<'_>,
    environment: &Environment,
) -> anyhow::Result<Box<dyn Cloud>> {
    let role = environment.assume_role.as_ref().map(|roles| &roles.apply);
    let settings = settings(ground, environment, Purpose::Apply, role)?;
    Ok(Box::new(Aws::connect(environment, settings)?))
}

/// Opens the account's record of calls, with the role for `plan`.
pub(crate) fn witness(
    ground: Ground<'_>,
    environment: &Environment,
) -> anyhow::Result<Box<dyn Witness>> {
    let role = environment.assume_role.as_ref().map(|roles| &roles.plan);
    let settings = settings(ground, environment, Purpose::Blame, role)?;
    Ok(Box::new(Aws::connect(environment, settings)?))
}

impl Running for Aws {}

/// Opens the account to look at what runs, with the role for `plan`.
pub(crate) fn running(
    ground: Ground<'_>,
    environment: &Environment,
) -> anyhow::Result<Box<dyn Running>> {
    let role = environment.assume_role.as_ref().map(|roles| &roles.plan);
    let settings = settings(ground, environment, Purpose::Doctor, role)?;
    Ok(Box::new(Aws::connect(environment, settings)?))
}

/// Opens the account for a canary, with the role for `apply`, since it makes an alarm.
pub(crate) fn canary(
    ground: Ground<'_>,
    environment: &Environment,
) -> anyhow::Result<Box<dyn Running>> {
    let role = environment.assume_role.as_ref().map(|roles| &roles.apply);
    let settings = settings(ground, environment, Purpose::Canary, role)?;
    Ok(Box::new(Aws::connect(environment, settings)?))
}

impl Proving for Aws {
    fn queries(&self) -> anyhow::Result<Box<dyn QueryService>> {
        Ok(Box::new(Self::queries(self)?))
    }
}

/// Opens the account for a proof, with the credentials of the caller: neither the role for `plan` nor that for `apply`
/// has these permissions.
pub(crate) fn proving(
    ground: Ground<'_>,
    environment: &Environment,
) -> anyhow::Result<Box<dyn Proving>> {
    let settings = settings(ground, environment, Purpose::Prove, None)?;
    Ok(Box::new(Aws::connect(environment, settings)?))
}

impl Recording for Aws {}

/// Opens the account to read the logs of monitors, with the credentials of the caller: an auditor has no other rights.
pub(crate) fn recording(
    ground: Ground<'_>,
    environment: &Environment,
) -> anyhow::Result<Box<dyn Recording>> {
    let settings = settings(ground, environment, Purpose::Report, None)?;
    Ok(Box::new(Aws::connect(environment, settings)?))
}

/// Opens the account to look for other stacks, with the role for `plan`.
pub(crate) fn finder(
    ground: Ground<'_>,
    environment: &Environment,
) -> anyhow::Result<Box<dyn Finder>> {
    let role = environment.assume_role.as_ref().map(|roles| &roles.plan);
    let settings = settings(ground, environment, Purpose::Adopt, role)?;
    Ok(Box::new(Aws::connect(environment, settings)?))
}

/// Opens an account that no file declares yet, with the credentials of the caller.
pub(crate) fn lister(
    ground: Ground<'_>,
    environment: &Environment,
) -> anyhow::Result<Box<dyn ClusterLister>> {
    let settings = settings(ground, environment, Purpose::Begin, None)?;
    Ok(Box::new(Aws::connect(environment, settings)?))
}

/// Opens the account to take other stacks out of service, with the role for `apply`.
pub(crate) fn retirer(
    ground: Ground<'_>,
    environment: &Environment,
) -> anyhow::Result<Box<dyn Retirer>> {
    let role = environment.assume_role.as_ref().map(|roles| &roles.apply);
    let settings = settings(ground, environment, Purpose::Retire, role)?;
    Ok(Box::new(Aws::connect(environment, settings)?))
}

fn settings(
    ground: Ground<'_>,
    environment: &Environment,
    purpose: Purpose,
    assume_role: Option<&String>,
) -> anyhow::Result<Settings> {
    // Log alarms run no program; with `--all` other environments do.
    let package = match ground.package {
        _ if environment.engine == Engine::LogAlarm => None,
        None => None,
        Some(path) => Some(package(path, environment.monitor.architecture)?),
    };
    Ok(Settings {
        purpose,
        assume_role: assume_role.cloned(),
        variables: Variables(|name| std::env::var(name).ok()),
        now: Timestamp::now,
        package,
    })
}

/// The package at a path, which Lambda could run on that processor.
fn package(path: &Path, architecture: Architecture) -> anyhow::Result<Arc<[u8]>> {
    let path = file_at(path, architecture);
    let shown = path.display();
    let bytes = std::fs::read(&path).with_context(|| format!("cannot read the package {shown}"))?;
    let package = Package::open(bytes, architecture).with_context(|| format!("{shown}"))?;
    Ok(package.bytes.into())
}
