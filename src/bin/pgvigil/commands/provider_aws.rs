//! AWS as the provider of an environment.

use pgvigil::deploy::{Cloud, Reader};
use pgvigil::policy::model::Environment;

use super::deployment::NoProvider;

/// Opens the account to read, with the role for `plan`.
pub(crate) fn reader(environment: &Environment) -> anyhow::Result<Box<dyn Reader>> {
    Err(refused(environment).into())
}

/// Opens the account to write, with the role for `apply`.
pub(crate) fn cloud(environment: &Environment) -> anyhow::Result<Box<dyn Cloud>> {
    Err(refused(environment).into())
}

#[cfg(feature = "aws")]
fn refused(environment: &Environment) -> NoProvider {
    NoProvider(format!(
        "the environment `{}` is deployed to `aws`, and this version of pgvigil deploys to `local` only",
        environment.name
    ))
}

#[cfg(not(feature = "aws"))]
fn refused(environment: &Environment) -> NoProvider {
    NoProvider(format!(
        "the environment `{}` is deployed to `aws`, and this pgvigil was built without its feature `aws`: build it \
         with `--features aws`",
        environment.name
    ))
}
