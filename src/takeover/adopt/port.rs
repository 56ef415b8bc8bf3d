//! The ports: who finds former stacks, and who takes them out of service.

use std::collections::BTreeSet;

use super::proof::{Beats, Heartbeat};
use super::remains::Remains;
use super::retire::Step;
use crate::compile::name::Names;
use crate::deploy::document::Document;
use crate::deploy::port::{CloudError, Reader};
use crate::policy::model::Environment;

/// A cluster whose former stacks are looked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Watched {
    pub cluster: String,
    pub log_group: String,
    /// The name of pgvigil's own topic.
    pub own_topic: String,
}

/// What to look for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Search {
    /// Clusters of the environment.
    pub watched: Vec<Watched>,
    /// Functions that a person named.
    pub named: Vec<String>,
    /// Names of pgvigil's own resources: never part of a former stack.
    pub own: BTreeSet<String>,
}

impl Search {
    /// For the clusters of an environment.
    pub fn new(environment: &Environment, documents: &[Document], named: &[String]) -> Self {
        Self {
            watched: environment
                .clusters
                .iter()
                .map(|cluster| Watched {
                    cluster: cluster.name.clone(),
                    log_group: cluster.log_group(),
                    own_topic: Names::new(environment, cluster).shared(),
                })
                .collect(),
            named: named.to_vec(),
            own: documents
                .iter()
                .map(|document| document.name.clone())
                .collect(),
        }
    }

    /// Says whether a log group is a watched cluster's.
    pub fn is_watched(&self, log_group: &str) -> bool {
        self.watched
            .iter()
            .any(|watched| watched.log_group == log_group)
    }
}

/// Reads only: no call here changes anything.
pub trait Finder: Reader {
    /// Finds everything of former stacks.
    ///
    /// # Errors
    /// Functions, schedules and alarms must all be readable: what is not seen would keep running next to the new monitor. So
    /// must a function that a person named, and it must read the log group of a watched cluster.
    fn find(&self, search: &Search) -> Result<Remains, CloudError>;

    /// The newest points of pgvigil's own heartbeats, in order.
    ///
    /// # Errors
    /// When one cannot be read.
    fn beats(&self, heartbeats: &[Heartbeat]) -> Result<Vec<Beats>, CloudError>;
}

/// Takes out of service.
pub trait Retirer: Finder {
    /// Carries out one step. It reads its resource once more first; a step that is already done is not a failure.
    ///
    /// # Errors
    /// [`CloudError::Conflict`] when the step's ground moved; else what the provider says.
    fn carry_out(&self, step: &Step) -> Result<(), CloudError>;
}
