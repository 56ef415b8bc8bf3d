//! Which server and database a report is about.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::snapshot::Snapshot;

/// A database of a cluster, as the files and the server name it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    pub environment: String,
    /// The cluster; absent where the files do not say which one is meant.
    pub cluster: Option<String>,
    /// Database, host, port and user, without a password.
    pub target: String,
    pub database: String,
    /// The server's own number; absent where it may not be read.
    pub system: Option<String>,
    pub version: String,
}

impl Place {
    /// The place at which a snapshot was taken.
    pub fn of(environment: &str, cluster: Option<&str>, target: &str, snapshot: &Snapshot) -> Self {
        Self {
            environment: environment.to_owned(),
            cluster: cluster.map(str::to_owned),
            target: target.to_owned(),
            database: snapshot.server.database.clone(),
            system: snapshot.server.system.clone(),
            version: snapshot.server.version.clone(),
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.cluster {
            Some(cluster) => write!(f, "{}, {cluster}: {}", self.environment, self.target),
            None => write!(f, "{}: {}", self.environment, self.target),
        }
    }
}
