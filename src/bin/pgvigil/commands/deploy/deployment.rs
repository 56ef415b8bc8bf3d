//! Where an environment is deployed, and what belongs there: what `plan`, `apply` and `drift` share.

use std::collections::BTreeSet;
use std::path::Path;

use pgvigil::cloud::local::LocalFolder;
use pgvigil::compile;
use pgvigil::compile::resources::Document;
use pgvigil::deploy::{
    Also, Cloud, Identity, Plan, PlanError, Prune, Reader, destroy, plan_pruned,
};
use pgvigil::policy::Loaded;
use pgvigil::policy::model::{Environment, Provider};

use super::ground::{Ground, NoProvider};
use super::provider_aws;

/// An environment with its provider: a `dyn Reader` where nothing may be written, or a `dyn Cloud`.
pub(crate) struct Deployment<P: ?Sized> {
    pub(crate) identity: Identity,
    pub(crate) documents: Vec<Document>,
    pub(crate) provider: Box<P>,
}

impl<P: Reader + ?Sized> Deployment<P> {
    /// Compiles the environment for a provider that is open.
    pub(crate) fn new(
        ground: Ground<'_>,
        loaded: &Loaded,
        environment: &Environment,
        provider: Box<P>,
    ) -> anyhow::Result<Self> {
        let mut documents = compile::compile(loaded, environment, ground.today).documents;
        provider.resolve(&mut documents)?;
        Ok(Self {
            identity: Identity::of(environment),
            documents,
            provider,
        })
    }
}

impl<P: AsReader + ?Sized> Deployment<P> {
    /// What an apply would do.
    pub(crate) fn plan(&self, prune: &Prune) -> Result<Plan, PlanError> {
        let reader = self.provider.as_reader();
        plan_pruned(&self.identity, &self.documents, reader, prune)
    }

    /// What a destroy would do.
    pub(crate) fn destroy(&self, also: &BTreeSet<Also>) -> Result<Plan, PlanError> {
        let reader = self.provider.as_reader();
        destroy(&self.identity, &self.documents, reader, also)
    }
}

/// A provider of either kind, to read only.
pub(crate) trait AsReader {
    fn as_reader(&self) -> &dyn Reader;
}

impl AsReader for dyn Reader {
    fn as_reader(&self) -> &dyn Reader {
        self
    }
}

impl AsReader for dyn Cloud {
    fn as_reader(&self) -> &dyn Reader {
        self
    }
}

impl Deployment<dyn Reader> {
    /// Compiles the environment and opens its provider, which has no call that writes.
    pub(crate) fn for_reading(
        ground: Ground<'_>,
        loaded: &Loaded,
        environment: &Environment,
    ) -> anyhow::Result<Self> {
        let provider: Box<dyn Reader> = match environment.provider {
            Provider::Local => Box::new(local(ground, environment)?),
            Provider::Aws => provider_aws::reader(ground, environment)?,
        };
        Self::new(ground, loaded, environment, provider)
    }
}

impl Deployment<dyn Cloud> {
    /// Compiles the environment and opens its provider to write. Nothing is written yet.
    pub(crate) fn for_writing(
        ground: Ground<'_>,
        loaded: &Loaded,
        environment: &Environment,
    ) -> anyhow::Result<Self> {
        let provider: Box<dyn Cloud> = match environment.provider {
            Provider::Local => Box::new(local(ground, environment)?),
            Provider::Aws => provider_aws::cloud(ground, environment)?,
        };
        Self::new(ground, loaded, environment, provider)
    }
}

/// Refuses credentials that lead to another place than the files declare.
pub(crate) fn refuse_elsewhere(
    environment: &Environment,
    reader: &dyn Reader,
) -> anyhow::Result<()> {
    let (expected, found) = (Identity::of(environment).at(), reader.at()?);
    anyhow::ensure!(
        expected == found,
        "the environment is {expected}, but the credentials lead to {found}"
    );
    Ok(())
}

fn local(ground: Ground<'_>, environment: &Environment) -> Result<LocalFolder, NoProvider> {
    let Some(folder) = &environment.folder else {
        return Err(NoProvider(format!(
            "the environment `{}` has no `folder`",
            environment.name
        )));
    };
    Ok(LocalFolder::below(
        ground.root,
        Path::new(folder),
        &environment.name,
    ))
}
