//! Fingerprints of what was last applied, as tags: beside what bears tags, and else on what it belongs to.

use std::collections::BTreeMap;
use std::sync::PoisonError;

use super::connect::Inner;
use super::sight::{Sight, Tags};
use super::{function, key, log_group, role, topic};
use crate::compile::name::short_hash;
use crate::deploy::document::{Document, Fingerprint, Kind, Ownership};
use crate::deploy::port::CloudError;

/// What the keys of notes begin with. They are no tags of the document.
pub(super) const PREFIX: &str = "pgvigil:applied";

/// Which resource of the cluster bears the note.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Keeper {
    LogGroup,
    Key,
    Topic,
    Role,
    Function,
}

fn keeper(document: &Document) -> Keeper {
    match document.kind {
        // The cluster's own log group is not ours to tag.
        Kind::LogGroup if document.ownership == Ownership::Owned => Keeper::LogGroup,
        Kind::KmsKey | Kind::KmsAlias => Keeper::Key,
        Kind::SnsTopic | Kind::SnsSubscription => Keeper::Topic,
        Kind::IamRole | Kind::IamRolePolicy => Keeper::Role,
        _ => Keeper::Function,
    }
}

/// The key of a resource's note.
pub(super) fn tag_key(kind: Kind, address: &str) -> String {
    match kind {
        Kind::KmsKey | Kind::SnsTopic | Kind::IamRole | Kind::LambdaFunction => PREFIX.to_owned(),
        Kind::LogGroup => format!("{PREFIX}:{kind}"),
        _ => format!("{PREFIX}:{kind}:{}", short_hash(&[address])),
    }
}

/// The tags that belong to a document: without notes and without what AWS itself sets.
pub(super) fn own_tags(tags: &Tags) -> serde_json::Value {
    tags.iter()
        .filter(|(key, _)| !key.starts_with(PREFIX) && !key.starts_with("aws:"))
        .map(|(key, value)| (key.clone(), serde_json::Value::from(value.as_str())))
        .collect::<serde_json::Map<_, _>>()
        .into()
}

/// What was noted about a resource.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Note {
    /// What was last applied.
    pub(super) applied: Option<Fingerprint>,
    /// What the kind of resource wrote besides.
    pub(super) more: Vec<String>,
}

/// Reads the note of a resource. What nothing bears, or what is no fingerprint, says nothing.
pub(super) async fn read(
    aws: &Inner,
    sight: &Sight,
    document: &Document,
) -> Result<Note, CloudError> {
    let tags = tags(aws, sight, document).await?.unwrap_or_default();
    Ok(of(&tags, document.kind, &document.address))
}

/// The note of a resource among the tags that bear it.
pub(super) fn of(tags: &Tags, kind: Kind, address: &str) -> Note {
    let Some(text) = tags.get(&tag_key(kind, address)) else {
        return Note::default();
    };
    let mut words = text.split(' ');
    Note {
        applied: words.next().and_then(Fingerprint::parse),
        more: words.map(str::to_owned).collect(),
    }
}

/// The base of the names of a document's cluster.
pub(super) fn base(aws: &Inner, document: &Document) -> String {
    aws.base(document.address.split('/').next().unwrap_or_default())
}

async fn tags(
    aws: &Inner,
    sight: &Sight,
    document: &Document,
) -> Result<Option<std::sync::Arc<Tags>>, CloudError> {
    let base = &base(aws, document);
    match keeper(document) {
        Keeper::LogGroup => log_group::tags(aws, sight, &document.name).await,
        Keeper::Key => key::tags(aws, sight, base).await,
        Keeper::Topic => topic::tags(aws, sight, base).await,
        Keeper::Role => role::tags(aws, sight, base).await,
        Keeper::Function => function::tags(aws, sight, base).await,
    }
}

/// Notes that a resource is now as its document says. `more` are words that its kind wants to find again.
///
/// A function that does not exist yet cannot bear notes: they wait until it is made. A run that ends before that
/// leaves what it made without notes, which is no fault: it still is as the document says.
pub(super) async fn write(
    aws: &Inner,
    document: &Document,
    more: &[String],
) -> Result<(), CloudError> {
    let mut words = vec![Fingerprint::of_document(document).to_string()];
    words.extend_from_slice(more);
    let mut notes = BTreeMap::from([(tag_key(document.kind, &document.address), words.join(" "))]);
    let base = base(aws, document);
    let written = match keeper(document) {
        Keeper::LogGroup => log_group::tag(aws, &document.name, &notes).await,
        Keeper::Key => key::tag(aws, &base, &notes).await,
        Keeper::Topic => topic::tag(aws, &base, &notes).await,
        Keeper::Role => role::tag(aws, &base, &notes).await,
        Keeper::Function => {
            let mut waiting = std::mem::take(
                aws.pending
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .entry(base.clone())
                    .or_default(),
            );
            waiting.append(&mut notes);
            let written = function::tag(aws, &base, &waiting).await;
            if matches!(written, Err(CloudError::NotFound { .. })) {
                aws.pending
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .insert(base, waiting);
            }
            written
        }
    };
    match written {
        Err(CloudError::NotFound { .. }) => Ok(()),
        other => other,
    }
}

/// Forgets what was noted about a resource that was deleted.
pub(super) async fn forget(
    aws: &Inner,
    base: &str,
    kind: Kind,
    address: &str,
) -> Result<(), CloudError> {
    let key = tag_key(kind, address);
    let forgotten = match kind {
        Kind::LogGroup | Kind::KmsKey | Kind::SnsTopic | Kind::IamRole | Kind::LambdaFunction => {
            return Ok(());
        }
        Kind::KmsAlias => key::untag(aws, base, &[key]).await,
        Kind::SnsSubscription => topic::untag(aws, base, &[key]).await,
        Kind::IamRolePolicy => role::untag(aws, base, &[key]).await,
        _ => function::untag(aws, base, &[key]).await,
    };
    match forgotten {
        Err(CloudError::NotFound { .. }) => Ok(()),
        other => other,
    }
}

/// What must be written and taken away so that a resource bears just these tags, notes aside.
pub(super) fn tag_changes(desired: &serde_json::Value, live: &Tags) -> (Tags, Vec<String>) {
    let wanted: Tags = desired
        .as_object()
        .into_iter()
        .flatten()
        .filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned())))
        .collect();
    let stale = live
        .keys()
        .filter(|key| !key.starts_with(PREFIX) && !key.starts_with("aws:"))
        .filter(|key| !wanted.contains_key(*key))
        .cloned()
        .collect();
    let missing = wanted
        .into_iter()
        .filter(|(key, value)| live.get(key) != Some(value))
        .collect();
    (missing, stale)
}
