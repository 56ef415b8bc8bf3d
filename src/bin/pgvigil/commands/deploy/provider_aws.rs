//! AWS as the provider of an environment.

#[cfg(feature = "aws")]
use pgvigil::begin::ClusterLister;
use pgvigil::deploy::blame::Witness;
use pgvigil::deploy::{Cloud, Reader};
use pgvigil::doctor::Observer;
use pgvigil::doctor::canary::Canary;
use pgvigil::insights::service::QueryService;
use pgvigil::policy::model::Environment;
use pgvigil::prove::port::OwnLogs;
use pgvigil::takeover::adopt::{Finder, Retirer};

use super::ground::Ground;

/// Opens the account to read, with the role for `plan`.
#[cfg(feature = "aws")]
pub(crate) fn reader(
    ground: Ground<'_>,
    environment: &Environment,
) -> anyhow::Result<Box<dyn Reader>> {
    let role = environment.assume_role.as_ref().map(|roles| &roles.plan);
    let settings = enabled::settings(ground, environment, Purpose::Plan, role)?;
    Ok(Box::new(Aws::connect(environment, settings)?))
}

/// Opens the account to write, with the role for `apply`.
#[cfg(feature = "aws")]
pub(crate) fn cloud(
    ground: Ground<'_>,
    environment: &Environment,
) -> anyhow::Result<Box<dyn Cloud>> {
    let role = environment.assume_role.as_ref().map(|roles| &roles.apply);
    let settings = enabled::settings(ground, environment, Purpose::Apply, role)?;
    Ok(Box::new(Aws::connect(environment, settings)?))
}

/// Opens the account's record of calls, with the role for `plan`.
#[cfg(feature = "aws")]
pub(crate) fn witness(
    ground: Ground<'_>,
    environment: &Environment,
) -> anyhow::Result<Box<dyn Witness>> {
    let role = environment.assume_role.as_ref().map(|roles| &roles.plan);
    let settings = enabled::settings(ground, environment, Purpose::Blame, role)?;
    Ok(Box::new(Aws::connect(environment, settings)?))
}

/// Reads and observes what runs in an account, and runs the canary there.
pub(crate) trait Running: Reader + Observer + Canary {}

#[cfg(feature = "aws")]
impl Running for Aws {}

/// Opens the account to look at what runs, with the role for `plan`; for a canary with the role for `apply`, since it
/// makes an alarm.
#[cfg(feature = "aws")]
pub(crate) fn running(
    ground: Ground<'_>,
    environment: &Environment,
    canary: bool,
) -> anyhow::Result<Box<dyn Running>> {
    let roles = environment.assume_role.as_ref();
    let (purpose, role) = if canary {
        (Purpose::Canary, roles.map(|roles| &roles.apply))
    } else {
        (Purpose::Doctor, roles.map(|roles| &roles.plan))
    };
    let settings = enabled::settings(ground, environment, purpose, role)?;
    Ok(Box::new(Aws::connect(environment, settings)?))
}

/// What a proof works with: its own log groups, its own alarm, and queries.
pub(crate) trait Proving: Reader + OwnLogs + Canary {
    /// Queries with the same credentials.
    fn queries(&self) -> anyhow::Result<Box<dyn QueryService>>;
}

#[cfg(feature = "aws")]
impl Proving for Aws {
    fn queries(&self) -> anyhow::Result<Box<dyn QueryService>> {
        Ok(Box::new(Self::queries(self)?))
    }
}

/// Opens the account for a proof, with the credentials of the caller: neither the role for `plan` nor that for `apply`
/// has these permissions.
#[cfg(feature = "aws")]
pub(crate) fn proving(
    ground: Ground<'_>,
    environment: &Environment,
) -> anyhow::Result<Box<dyn Proving>> {
    let settings = enabled::settings(ground, environment, Purpose::Prove, None)?;
    Ok(Box::new(Aws::connect(environment, settings)?))
}

/// Opens the account to look for other stacks, with the role for `plan`.
#[cfg(feature = "aws")]
pub(crate) fn finder(
    ground: Ground<'_>,
    environment: &Environment,
) -> anyhow::Result<Box<dyn Finder>> {
    let role = environment.assume_role.as_ref().map(|roles| &roles.plan);
    let settings = enabled::settings(ground, environment, Purpose::Adopt, role)?;
    Ok(Box::new(Aws::connect(environment, settings)?))
}

/// Opens an account that no file declares yet, with the credentials of the caller.
#[cfg(feature = "aws")]
pub(crate) fn lister(
    ground: Ground<'_>,
    environment: &Environment,
) -> anyhow::Result<Box<dyn ClusterLister>> {
    let settings = enabled::settings(ground, environment, Purpose::Begin, None)?;
    Ok(Box::new(Aws::connect(environment, settings)?))
}

/// Opens the account to take other stacks out of service, with the role for `apply`.
#[cfg(feature = "aws")]
pub(crate) fn retirer(
    ground: Ground<'_>,
    environment: &Environment,
) -> anyhow::Result<Box<dyn Retirer>> {
    let role = environment.assume_role.as_ref().map(|roles| &roles.apply);
    let settings = enabled::settings(ground, environment, Purpose::Retire, role)?;
    Ok(Box::new(Aws::connect(environment, settings)?))
}

#[cfg(feature = "aws")]
use pgvigil::{cloud::aws::Aws, deploy::permission::Purpose};

#[cfg(feature = "aws")]
mod enabled {
    use std::path::Path;
    use std::sync::Arc;

    use anyhow::Context as _;
    use jiff::Timestamp;
    use pgvigil::cloud::aws::{Settings, Variables};
    use pgvigil::deploy::permission::Purpose;
    use pgvigil::package::{Package, file_at};
    use pgvigil::policy::model::{Architecture, Engine, Environment};

    use super::Ground;

    pub(super) fn settings(
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
        let bytes =
            std::fs::read(&path).with_context(|| format!("cannot read the package {shown}"))?;
        let package = Package::open(bytes, architecture).with_context(|| format!("{shown}"))?;
        Ok(package.bytes.into())
    }
}

#[cfg(not(feature = "aws"))]
pub(crate) fn reader(
    _ground: Ground<'_>,
    environment: &Environment,
) -> anyhow::Result<Box<dyn Reader>> {
    Err(refused(environment).into())
}

#[cfg(not(feature = "aws"))]
pub(crate) fn cloud(
    _ground: Ground<'_>,
    environment: &Environment,
) -> anyhow::Result<Box<dyn Cloud>> {
    Err(refused(environment).into())
}

#[cfg(not(feature = "aws"))]
pub(crate) fn witness(
    _ground: Ground<'_>,
    environment: &Environment,
) -> anyhow::Result<Box<dyn Witness>> {
    Err(refused(environment).into())
}

#[cfg(not(feature = "aws"))]
pub(crate) fn finder(
    _ground: Ground<'_>,
    environment: &Environment,
) -> anyhow::Result<Box<dyn Finder>> {
    Err(refused(environment).into())
}

#[cfg(not(feature = "aws"))]
pub(crate) fn running(
    _ground: Ground<'_>,
    environment: &Environment,
    _canary: bool,
) -> anyhow::Result<Box<dyn Running>> {
    Err(refused(environment).into())
}

#[cfg(not(feature = "aws"))]
pub(crate) fn proving(
    _ground: Ground<'_>,
    environment: &Environment,
) -> anyhow::Result<Box<dyn Proving>> {
    Err(refused(environment).into())
}

#[cfg(not(feature = "aws"))]
pub(crate) fn retirer(
    _ground: Ground<'_>,
    environment: &Environment,
) -> anyhow::Result<Box<dyn Retirer>> {
    Err(refused(environment).into())
}

#[cfg(not(feature = "aws"))]
fn refused(environment: &Environment) -> super::ground::NoProvider {
    super::ground::NoProvider(format!(
        "the environment `{}` is deployed to `aws`, but this pgvigil was built without the feature `aws`: build it \
         with `--features aws`",
        environment.name
    ))
}
