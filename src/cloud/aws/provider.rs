//! The adapter as the deploy room sees it: each kind of resource goes to the file that knows its service.

use std::sync::{Arc, PoisonError};
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::stream;
use serde_json::json;

use super::connect::{Aws, Inner};
use super::former::found;
use super::note;
use super::service::{self, function, key, layer, subscription};
use super::sight::Sight;
use super::{alteration, download, former, names};
use crate::deploy::alteration::Alteration;
use crate::deploy::document::{Document, Fingerprint, Kind};
use crate::deploy::permission::Operation;
use crate::deploy::port::{
    At, Cloud, CloudError, Concurrency, Expected, Found, Lock, Reader, Reading, Scope,
};
use crate::package::{self, code_sha256};

/// Resources that are read side by side. Each service's own rate holds besides.
const AT_ONCE: usize = 64;

/// IAM, KMS and tags take seconds until every endpoint knows of a change.
const PAUSES: [Duration; 3] = [
    Duration::from_secs(1),
    Duration::from_secs(3),
    Duration::from_secs(9),
];

impl Reader for Aws {
    fn at(&self) -> Result<At, CloudError> {
        self.runtime.block_on(self.inner.at())
    }

    fn pauses(&self) -> &'static [Duration] {
        &PAUSES
    }

    /// Puts the digest of the monitor's package into the documents of functions: of the package that was given, and
    /// else of the one that was last applied. A function that was never applied keeps the reference.
    ///
    /// Where the credentials lead elsewhere nothing is asked, and what cannot be read is told where it is compared.
    fn resolve(&self, documents: &mut [Document]) -> Result<(), CloudError> {
        if self.at()?.account != self.inner.location.account {
            return Ok(());
        }
        let sight = Sight::default();
        let given = self.inner.package.as_deref().map(code_sha256);
        let functions = documents
            .iter_mut()
            .filter(|document| document.kind == Kind::LambdaFunction);
        for document in functions {
            let digest = match &given {
                Some(digest) => Some(digest.clone()),
                None => {
                    let applied = function::applied_code(&self.inner, &sight, document);
                    match self.runtime.block_on(applied) {
                        Err(error @ CloudError::Credentials { .. }) => return Err(error),
                        // The look that follows is given the same answer, and tells it of this one resource.
                        Err(_) => None,
                        Ok(digest) => digest,
                    }
                }
            };
            if let Some(digest) = digest {
                document.properties["code"] = json!({ "sha256": digest });
            }
        }
        // What was asked just now need not be asked again by the look that follows.
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(sight));
        Ok(())
    }

    fn rules(&self, function: &Document) -> Result<Option<Vec<u8>>, CloudError> {
        let content = self
            .runtime
            .block_on(layer::content(&self.inner, function))?;
        let Some(content) = content else {
            return Ok(None);
        };
        let unreadable = |message: String| CloudError::Unreadable {
            resource: content.arn.clone(),
            message,
        };
        let zip = download::read(&content.address, &content.code_sha256).map_err(&unreadable)?;
        let rules = package::layer::read(&zip).map_err(|fault| unreadable(fault.to_string()))?;
        Ok(Some(rules))
    }

    fn concurrency(&self) -> Result<Option<Concurrency>, CloudError> {
        self.runtime
            .block_on(function::concurrency(&self.inner))
            .map(Some)
    }

    fn read(&self, document: &Document) -> Result<Reading, CloudError> {
        let sight = Sight::default();
        self.runtime
            .block_on(service::read(&self.inner, &sight, document))
    }

    fn read_all(&self, documents: &[&Document]) -> Vec<Result<Reading, CloudError>> {
        let before = self
            .last
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        // A look that read nothing yet only knows the functions.
        let begun = before
            .filter(|sight| sight.documents.is_empty())
            .and_then(Arc::into_inner);
        let sight = Arc::new(Sight {
            documents: documents
                .iter()
                .map(|document| (*document).clone())
                .collect(),
            ..begun.unwrap_or_default()
        });
        let readings = self.runtime.block_on(
            stream::iter(documents)
                .map(|document| service::read(&self.inner, &sight, document))
                .buffered(AT_ONCE)
                .collect::<Vec<_>>(),
        );
        let present =
            documents
                .iter()
                .zip(&readings)
                .filter_map(|(document, reading)| match reading {
                    Ok(Reading::Present(live)) => Some(found(document, live)),
                    _ => None,
                });
        sight
            .present
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .extend(present);
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = Some(sight);
        readings
    }

    fn alterations(&self, documents: &[&Document]) -> Vec<Alteration> {
        let last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let sight = last.clone().unwrap_or_default();
        drop(last);
        self.runtime
            .block_on(alteration::of(&self.inner, &sight, documents))
    }

    fn list(&self, _scope: &Scope) -> Result<Vec<Found>, CloudError> {
        let sight = self
            .last
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take()
            .unwrap_or_default();
        self.runtime.block_on(self.inner.list(&sight))
    }
}

/// AWS has no lock that ends with its holder. Every write looks again just before, and refuses what moved.
struct NoLock;

impl Lock for NoLock {}

impl Cloud for Aws {
    fn lock(&self, _scope: &Scope) -> Result<Box<dyn Lock>, CloudError> {
        Ok(Box::new(NoLock))
    }

    fn put(&self, document: &Document, expected: Expected<'_>) -> Result<(), CloudError> {
        self.runtime.block_on(self.inner.put(document, expected))
    }

    fn leaves(&self, document: &Document) -> Result<bool, CloudError> {
        match document.kind {
            Kind::KmsKey => self
                .runtime
                .block_on(key::is_unnamed(&self.inner, document)),
            Kind::SnsSubscription => self
                .runtime
                .block_on(subscription::has_unnoted(&self.inner, document)),
            _ => Ok(false),
        }
    }

    fn remember(&self, document: &Document) -> Result<(), CloudError> {
        self.runtime.block_on(self.inner.note(document))
    }

    fn delete(&self, found: &Found) -> Result<(), CloudError> {
        self.runtime.block_on(self.inner.delete(found))
    }
}

impl Inner {
    async fn at(&self) -> Result<At, CloudError> {
        let answer = self
            .caller
            .make(Operation::GetCallerIdentity, "the caller", || {
                self.identity.get_caller_identity().send()
            })
            .await?;
        Ok(At {
            provider: "aws".to_owned(),
            account: answer.account.unwrap_or_default(),
            region: self.location.region.clone(),
        })
    }

    async fn put(&self, document: &Document, expected: Expected<'_>) -> Result<(), CloudError> {
        let sight = Sight::default();
        let live = match service::read(self, &sight, document).await? {
            Reading::Absent { .. } => None,
            Reading::Present(live) => Some(Fingerprint::of(document.kind, &live.properties)),
        };
        let as_expected = match expected {
            Expected::Absent => live.is_none(),
            Expected::Present(expected) => live.as_ref() == Some(expected),
        };
        let wanted = Fingerprint::of_document(document);
        // Another step, or somebody, made it what it shall be: a key is named as it is made.
        let is_done = live.as_ref() == Some(&wanted);
        if !as_expected && !is_done {
            return Err(CloudError::Conflict {
                resource: document.address.clone(),
            });
        }
        if !is_done {
            service::put(self, &sight, document).await?;
        }
        self.note(document).await
    }

    /// Notes that a resource is as its document says.
    async fn note(&self, document: &Document) -> Result<(), CloudError> {
        let more = service::words(self, document).await?;
        note::write(self, document, &more).await
    }

    /// What stands within the scope: what was read, additions to our resources, and resources of clusters that no
    /// file names any more.
    async fn list(&self, sight: &Sight) -> Result<Vec<Found>, CloudError> {
        let mut all = former::list(self, sight).await?;
        all.extend(layer::left(self, sight).await?);
        all.extend(
            sight
                .present
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .iter()
                .cloned(),
        );
        for document in &sight.documents {
            all.extend(service::beside(self, sight, document).await?);
        }
        all.sort_by(|left, right| left.address.cmp(&right.address));
        all.dedup_by(|left, right| left.address == right.address);
        Ok(all)
    }

    async fn delete(&self, found: &Found) -> Result<(), CloudError> {
        let Some(kind) = found.kind else {
            return Err(CloudError::Protected {
                resource: found.address.clone(),
            });
        };
        if kind.is_protected() {
            return Err(CloudError::Protected {
                resource: found.address.clone(),
            });
        }
        service::delete(self, kind, &found.name).await?;
        let base = self.owner_of(found);
        note::forget(self, &base, kind, &found.address).await
    }

    /// The base of the names to which a found resource belongs.
    fn owner_of(&self, found: &Found) -> String {
        let cluster = found.address.split('/').next().unwrap_or_default();
        match self.base(cluster) {
            base if base.is_empty() => names::base_of(&found.name).to_owned(),
            base => base,
        }
    }
}
