//! The port to a provider: what plan and drift may do ([`Reader`]), and what apply may do besides ([`Cloud`]).

use std::fmt;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::alteration::Alteration;
use super::document::{Document, Fingerprint, Kind};
use crate::compile::resources::{LOCAL_ACCOUNT, LOCAL_REGION, Location};
use crate::policy::model::{Environment, Provider};

/// What a plan was made for. Apply refuses another one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Identity {
    /// `aws` or `local`.
    pub provider: String,
    /// Account.
    pub account: String,
    /// Region.
    pub region: String,
    /// Environment.
    pub environment: String,
    /// Watched clusters, sorted.
    pub clusters: Vec<String>,
}

impl Identity {
    /// What the files say.
    pub fn of(environment: &Environment) -> Self {
        let location = Location::of(environment);
        let provider = match environment.provider {
            Provider::Aws => "aws",
            Provider::Local => "local",
        };
        let mut clusters: Vec<String> = environment
            .clusters
            .iter()
            .map(|cluster| cluster.name.clone())
            .collect();
        clusters.sort();
        clusters.dedup();
        Self {
            provider: provider.to_owned(),
            account: location.account,
            region: location.region,
            environment: environment.name.clone(),
            clusters,
        }
    }

    /// Where it is, without what is there.
    pub fn at(&self) -> At {
        At {
            provider: self.provider.clone(),
            account: self.account.clone(),
            region: self.region.clone(),
        }
    }
}

/// Whose account a provider's credentials are for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct At {
    /// `aws` or `local`.
    pub provider: String,
    /// Account.
    pub account: String,
    /// Region.
    pub region: String,
}

impl At {
    /// The local provider.
    pub fn local() -> Self {
        Self {
            provider: "local".to_owned(),
            account: LOCAL_ACCOUNT.to_owned(),
            region: LOCAL_REGION.to_owned(),
        }
    }
}

impl fmt::Display for At {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}, account {}, region {}",
            self.provider, self.account, self.region
        )
    }
}

/// The part of a provider that an environment may own: resources whose names it can have given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scope {
    /// Environment. Clusters that it no longer has count too.
    pub environment: String,
}

/// A resource as it is now.
#[derive(Debug, Clone, PartialEq)]
pub struct Live {
    /// The fields that the document owns, in its form.
    pub properties: Value,
    /// What was last applied. `None` when nothing was written beside the resource.
    pub applied: Option<Fingerprint>,
    /// What a person should know and no field says, such as how long a subscription waits for its confirmation.
    pub note: Option<String>,
}

/// What reading one resource found.
#[derive(Debug, Clone, PartialEq)]
pub enum Reading {
    /// It is there.
    Present(Live),
    /// It is not; `applied` is what was once applied, where the provider still knows.
    Absent {
        /// What was last applied.
        applied: Option<Fingerprint>,
    },
}

/// A resource within the scope, found by its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// Its address.
    pub address: String,
    /// What it is; `None` for what is not of our making at all and is only reported.
    pub kind: Option<Kind>,
    /// Its name with the provider.
    pub name: String,
    /// Digest of what it is now, where it could be read.
    pub digest: Option<Fingerprint>,
    /// What was last applied: a resource that still is so was ours.
    pub applied: Option<Fingerprint>,
}

/// What a resource must still be when it is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expected<'a> {
    /// Not there.
    Absent,
    /// As when it was read.
    Present(&'a Fingerprint),
}

/// Why a provider did not do as asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CloudError {
    /// What the call needs is not there.
    #[error("{resource} does not exist")]
    NotFound {
        /// What.
        resource: String,
    },
    /// The credentials, or the rights of the folder, do not allow it.
    #[error("not allowed to {}: {message}", tried(operation, resource))]
    Denied {
        /// What was tried.
        operation: &'static str,
        /// On what.
        resource: String,
        /// The provider's words.
        message: String,
    },
    /// There are no credentials at all, as where a pull request of a stranger is checked.
    #[error("no valid credentials: {message}")]
    NoCredentials {
        /// Where they were looked for.
        message: String,
    },
    /// The credentials are missing, wrong or expired.
    #[error("no valid credentials: {message}")]
    Credentials {
        /// The provider's words.
        message: String,
    },
    /// Too many calls, also after retries.
    #[error("too many calls: {message}")]
    Throttled {
        /// The provider's words.
        message: String,
    },
    /// It changed since it was read.
    #[error("{resource} was created or changed by another caller since it was read")]
    Conflict {
        /// What.
        resource: String,
    },
    /// Another apply is under way.
    #[error("another apply holds {lock}{}", holder.as_ref().map(|holder| format!(" ({holder})")).unwrap_or_default())]
    Locked {
        /// The lock.
        lock: String,
        /// Who holds it, where known.
        holder: Option<String>,
    },
    /// The resource is there and cannot be understood.
    #[error("{resource} cannot be read: {message}")]
    Unreadable {
        /// What, with its place.
        resource: String,
        /// What is wrong with it.
        message: String,
    },
    /// The provider does not accept the request, and would not accept it again.
    #[error("cannot {}: {message}", tried(operation, resource))]
    Refused {
        /// What was tried.
        operation: &'static str,
        /// On what.
        resource: String,
        /// The provider's words, and what to do where that is known.
        message: String,
    },
    /// The provider cannot be reached, or failed.
    #[error("cannot {}: {message}", tried(operation, resource))]
    Unavailable {
        /// What was tried.
        operation: &'static str,
        /// On what.
        resource: String,
        /// The provider's words.
        message: String,
    },
    /// A resource that is never deleted.
    #[error("{resource} is never deleted by pgvigil")]
    Protected {
        /// What.
        resource: String,
    },
}

impl CloudError {
    /// Whether the same request would fail again: first, something else has to change.
    pub fn is_lasting(&self) -> bool {
        match self {
            Self::Denied { .. }
            | Self::NoCredentials { .. }
            | Self::Credentials { .. }
            | Self::Unreadable { .. }
            | Self::Refused { .. }
            | Self::Protected { .. } => true,
            // The next plan looks again at what is there, and at what others made of it.
            Self::NotFound { .. }
            | Self::Throttled { .. }
            | Self::Conflict { .. }
            | Self::Locked { .. }
            | Self::Unavailable { .. } => false,
        }
    }
}

/// What was tried, in words: an operation may be a verb, or an action as IAM names it.
fn tried(operation: &str, resource: &str) -> String {
    if operation.contains(':') {
        format!("call {operation} on {resource}")
    } else {
        format!("{operation} {resource}")
    }
}

/// How many functions may run at the same time in an account's region: `AccountLimit` of Lambda's `GetAccountSettings`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Concurrency {
    /// All of them together (`ConcurrentExecutions`).
    pub limit: u32,
    /// What is not reserved for one function or another (`UnreservedConcurrentExecutions`).
    pub unreserved: u32,
}

/// Reads a provider. There is no call here that changes anything.
pub trait Reader {
    /// Whose account the credentials are for, as the provider says.
    fn at(&self) -> Result<At, CloudError>;

    /// Fills in what only the provider knows and every comparison needs, such as which package was last applied.
    fn resolve(&self, _documents: &mut [Document]) -> Result<(), CloudError> {
        Ok(())
    }

    /// Pauses after which it is worth to look again, when what was just written does not show yet: several services
    /// answer for a while as they did before.
    fn pauses(&self) -> &'static [Duration] {
        &[]
    }

    /// The rules that a function is given: the file in the layer that is attached to it now. `None` where it has none.
    fn rules(&self, _function: &Document) -> Result<Option<Vec<u8>>, CloudError> {
        Ok(None)
    }

    /// How many functions may run at the same time. `None` where the provider limits nothing.
    fn concurrency(&self) -> Result<Option<Concurrency>, CloudError> {
        Ok(None)
    }

    /// What changes the watched logs of these documents before a query sees them. It is asked after they were read, and
    /// before the list: what the provider just saw it need not ask for again. What cannot be read is told as such, and
    /// keeps nothing else from being read.
    fn alterations(&self, _documents: &[&Document]) -> Vec<Alteration> {
        Vec::new()
    }

    /// Reads one resource, in the form of its document.
    fn read(&self, document: &Document) -> Result<Reading, CloudError>;

    /// Reads many: one answer for each document, in order. A provider that can do so reads them side by side, or
    /// with one call for many.
    fn read_all(&self, documents: &[&Document]) -> Vec<Result<Reading, CloudError>> {
        documents
            .iter()
            .map(|document| self.read(document))
            .collect()
    }

    /// Everything that stands within the scope, by name, sorted by address.
    fn list(&self, scope: &Scope) -> Result<Vec<Found>, CloudError>;
}

/// Held while an apply is under way; letting go of it ends the claim.
pub trait Lock {}

/// Changes a provider.
pub trait Cloud: Reader {
    /// Keeps every other apply of the scope away, where the provider can.
    fn lock(&self, scope: &Scope) -> Result<Box<dyn Lock>, CloudError>;

    /// Makes the resource as the document says, and writes the document's fingerprint beside it. Refuses with
    /// [`CloudError::Conflict`] when the resource is no longer as expected.
    fn put(&self, document: &Document, expected: Expected<'_>) -> Result<(), CloudError>;

    /// Whether a write that failed left something behind which reading the document does not see, such as a key
    /// that has no name yet.
    fn leaves(&self, _document: &Document) -> Result<bool, CloudError> {
        Ok(false)
    }

    /// Writes the fingerprint alone beside a resource that already is as the document says.
    fn remember(&self, document: &Document) -> Result<(), CloudError>;

    /// Deletes a resource, and forgets the fingerprint beside it: when a file asks for it again it is new, and
    /// not missing. Protected kinds are refused; a key is scheduled for deletion in
    /// [`KEY_DELETION_DAYS`](super::destroy::KEY_DELETION_DAYS) days, and is then not there any more.
    fn delete(&self, found: &Found) -> Result<(), CloudError>;
}
