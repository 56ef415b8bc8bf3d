//! The adapter as the deploy room sees it: each kind of resource goes to the file that knows its service.

use std::sync::{Arc, PoisonError};
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::stream;
use serde_json::json;

use super::connect::{Aws, Inner};
use super::note;
use super::sight::Sight;
use super::{
    alarm, alteration, dashboard, download, former, function, key, layer, log_alarm, log_group,
    role, saved_query, schedule, topic,
};
use crate::deploy::alteration::Alteration;
use crate::deploy::document::{Document, Fingerprint, Kind};
use crate::deploy::permission::Operation;
use crate::deploy::port::{
    At, Cloud, CloudError, Concurrency, Expected, Found, Live, Lock, Reader, Reading, Scope,
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
        self.runtime.block_on(self.inner.read(&sight, document))
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
                .map(|document| self.inner.read(&sight, document))
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
                .block_on(topic::has_unnoted(&self.inner, document)),
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

    pub(super) async fn read(
        &self,
        sight: &Sight,
        document: &Document,
    ) -> Result<Reading, CloudError> {
        match document.kind {
            Kind::LogGroup => log_group::read(self, sight, document).await,
            Kind::KmsKey => key::read(self, sight, document).await,
            Kind::KmsAlias => key::read_alias(self, sight, document).await,
            Kind::SnsTopic => topic::read(self, sight, document).await,
            Kind::SnsSubscription => topic::read_subscription(self, sight, document).await,
            Kind::IamRole => role::read(self, sight, document).await,
            Kind::IamRolePolicy => role::read_policy(self, sight, document).await,
            Kind::PolicyLayer => layer::read(self, sight, document).await,
            Kind::LambdaFunction => function::read(self, sight, document).await,
            Kind::Alarm => alarm::read(self, sight, document).await,
            Kind::LogAlarm => log_alarm::read(self, sight, document).await,
            Kind::Dashboard => dashboard::read(self, sight, document).await,
            Kind::SavedQuery => saved_query::read(self, sight, document).await,
            Kind::LambdaPermission => function::read_permission(self, sight, document).await,
            Kind::EventRule => schedule::read(self, sight, document).await,
            Kind::EventTarget => schedule::read_target(self, sight, document).await,
        }
    }

    async fn put(&self, document: &Document, expected: Expected<'_>) -> Result<(), CloudError> {
        let sight = Sight::default();
        let live = match self.read(&sight, document).await? {
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
            self.write(&sight, document).await?;
        }
        self.note(document).await
    }

    async fn write(&self, sight: &Sight, document: &Document) -> Result<(), CloudError> {
        match document.kind {
            Kind::LogGroup => log_group::put(self, sight, document).await,
            Kind::KmsKey => key::put(self, sight, document).await,
            Kind::KmsAlias => key::put_alias(self, sight, document).await,
            Kind::SnsTopic => topic::put(self, sight, document).await,
            Kind::SnsSubscription => topic::put_subscription(self, sight, document).await,
            Kind::IamRole => role::put(self, sight, document).await,
            Kind::IamRolePolicy => role::put_policy(self, document).await,
            Kind::PolicyLayer => layer::put(self, document).await,
            Kind::LambdaFunction => function::put(self, sight, document).await,
            Kind::Alarm => alarm::put(self, document).await,
            Kind::LogAlarm => log_alarm::put(self, document).await,
            Kind::Dashboard => dashboard::put(self, document).await,
            Kind::SavedQuery => saved_query::put(self, sight, document).await,
            Kind::LambdaPermission => function::put_permission(self, sight, document).await,
            Kind::EventRule => schedule::put(self, document).await,
            Kind::EventTarget => schedule::put_target(self, document).await,
        }
    }

    /// Notes that a resource is as its document says.
    async fn note(&self, document: &Document) -> Result<(), CloudError> {
        let more = match document.kind {
            // Versions bear no tags, and need none: nobody can change one.
            Kind::PolicyLayer => return Ok(()),
            Kind::SnsSubscription => topic::words(self, &Sight::default(), document).await?,
            Kind::LambdaFunction => function::words(document),
            _ => Vec::new(),
        };
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
            match document.kind {
                Kind::SnsTopic => all.extend(topic::beside(self, sight, document).await?),
                Kind::IamRole => all.extend(role::beside(self, sight, document).await?),
                Kind::LambdaFunction => all.extend(function::beside(self, sight, document).await?),
                Kind::EventRule => all.extend(schedule::beside(self, sight, document).await?),
                _ => {}
            }
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
        match kind {
            Kind::LogGroup => {
                return Err(CloudError::Protected {
                    resource: found.address.clone(),
                });
            }
            Kind::KmsKey => key::delete(self, &found.name).await?,
            Kind::KmsAlias => key::delete_alias(self, &found.name).await?,
            Kind::SnsTopic => topic::delete(self, &found.name).await?,
            Kind::SnsSubscription => topic::delete_subscription(self, &found.name).await?,
            Kind::IamRole => role::delete(self, &found.name).await?,
            Kind::IamRolePolicy => role::delete_policy(self, &found.name).await?,
            Kind::PolicyLayer => return layer::delete(self, &found.name).await,
            Kind::LambdaFunction => function::delete(self, &found.name).await?,
            Kind::Alarm | Kind::LogAlarm => alarm::delete(self, &found.name).await?,
            Kind::Dashboard => dashboard::delete(self, &found.name).await?,
            Kind::SavedQuery => saved_query::delete(self, &found.name).await?,
            Kind::LambdaPermission => function::delete_permission(self, &found.name).await?,
            Kind::EventRule => schedule::delete(self, &found.name).await?,
            Kind::EventTarget => schedule::delete_target(self, &found.name).await?,
        }
        let base = self.owner_of(found);
        note::forget(self, &base, kind, &found.address).await
    }

    /// The base of the names to which a found resource belongs.
    fn owner_of(&self, found: &Found) -> String {
        let cluster = found.address.split('/').next().unwrap_or_default();
        match self.base(cluster) {
            base if base.is_empty() => former::base_of(&found.name).to_owned(),
            base => base,
        }
    }
}

/// What was read, as a list tells it.
pub(super) fn found(document: &Document, live: &Live) -> Found {
    Found {
        address: document.address.clone(),
        kind: Some(document.kind),
        name: document.name.clone(),
        // Of a subscription that waits for its confirmation nothing can be read.
        digest: (document.kind != Kind::SnsSubscription || live.note.is_none())
            .then(|| Fingerprint::of(document.kind, &live.properties)),
        applied: live.applied.clone(),
    }
}

/// The two parts of a name of something that belongs to something else.
pub(super) fn owner_and_name(name: &str) -> (&str, &str) {
    name.split_once('/').unwrap_or((name, ""))
}
