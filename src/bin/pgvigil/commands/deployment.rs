//! Where an environment is deployed, and what belongs there: what `plan`, `apply` and `drift` share.

use std::collections::BTreeSet;

use pgvigil::cloud::local::LocalFolder;
use pgvigil::compile;
use pgvigil::compile::resources::Document;
use pgvigil::deploy::{Identity, Plan, PlanError, plan};
use pgvigil::policy::Loaded;
use pgvigil::policy::model::{Environment, Provider};
use pgvigil::report::plan::human::Style;

use crate::session::Session;

/// An environment with its provider.
pub(crate) struct Deployment {
    pub(crate) identity: Identity,
    pub(crate) documents: Vec<Document>,
    pub(crate) cloud: LocalFolder,
}

impl Deployment {
    /// Compiles the environment and opens its provider. Nothing is written.
    pub(crate) fn open(
        session: &Session,
        loaded: &Loaded,
        environment: &Environment,
    ) -> anyhow::Result<Self> {
        let cloud = provider(session, environment).map_err(anyhow::Error::msg)?;
        let documents = compile::compile(loaded, environment, session.today()).documents;
        Ok(Self {
            identity: Identity::of(environment),
            documents,
            cloud,
        })
    }

    /// What an apply would do.
    pub(crate) fn plan(&self) -> Result<Plan, PlanError> {
        plan(
            &self.identity,
            &self.documents,
            &self.cloud,
            &BTreeSet::new(),
        )
    }
}

/// The provider of an environment, or why there is none.
pub(crate) fn provider(
    session: &Session,
    environment: &Environment,
) -> Result<LocalFolder, String> {
    match (environment.provider, &environment.folder) {
        (Provider::Local, Some(folder)) => Ok(LocalFolder::new(
            &session.root().join(folder),
            &environment.name,
        )),
        (Provider::Local, None) => Err(format!(
            "the environment `{}` has no `folder`",
            environment.name
        )),
        (Provider::Aws, _) => Err(format!(
            "the environment `{}` is deployed to `aws`, and this version of pgvigil deploys to `local` only",
            environment.name
        )),
    }
}

/// How plans are drawn on stdout.
pub(crate) fn style(session: &Session) -> Style {
    Style {
        width: session.width(),
        colour: session.colour_out(),
    }
}
