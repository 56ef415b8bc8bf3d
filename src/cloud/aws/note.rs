//! Fingerprints of what was last applied, as tags: beside what bears tags, and else on what it belongs to.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError};

use super::connect::Inner;
use super::look::log_group::MONITORS;
use super::look::{function, key, log_alarm, log_group, role, topic};
use super::names::{base, base_of};
use super::sight::{Sight, Tags};
use super::value::owner_and_name;
use crate::compile::name::{query_role, short_hash};
use crate::deploy::document::{Document, Fingerprint, Kind, Ownership};
use crate::deploy::port::CloudError;
use crate::policy::model::Engine;

/// What the keys of notes begin with. They are no tags of the document.
pub(super) const PREFIX: &str = "pgvigil:applied";

/// Which resource of the cluster bears the note.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Keeper {
    LogGroup,
    Key,
    Topic,
    /// The role itself, or the one that a policy belongs to.
    Role,
    Function,
    /// The role of log alarms: where there is no function.
    QueryRole,
}

fn keeper(aws: &Inner, document: &Document) -> Keeper {
    match document.kind {
        // The cluster's own log group is not ours to tag.
        Kind::LogGroup if document.ownership == Ownership::Owned => Keeper::LogGroup,
        Kind::KmsKey | Kind::KmsAlias => Keeper::Key,
        Kind::SnsTopic | Kind::SnsSubscription => Keeper::Topic,
        kind => keeper_of(aws, kind),
    }
}

/// The same for what is known by its kind alone.
fn keeper_of(aws: &Inner, kind: Kind) -> Keeper {
    match (kind, aws.environment.engine) {
        (Kind::IamRole | Kind::IamRolePolicy, _) => Keeper::Role,
        (Kind::LogAlarm, _) => Keeper::QueryRole,
        // What both engines have, the cluster's own log group too.
        (Kind::LogGroup | Kind::Alarm | Kind::Dashboard | Kind::SavedQuery, Engine::LogAlarm) => {
            Keeper::QueryRole
        }
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

/// The topic that bears a note: each its own, and the first one those of its subscriptions.
fn topic_of<'a>(document: &'a Document, base: &'a str) -> &'a str {
    match document.kind {
        Kind::SnsTopic => &document.name,
        _ => base,
    }
}

async fn tags(
    aws: &Inner,
    sight: &Sight,
    document: &Document,
) -> Result<Option<Arc<Tags>>, CloudError> {
    let base = &base(aws, document);
    match keeper(aws, document) {
        Keeper::LogGroup => log_group::tags(aws, sight, &document.name).await,
        Keeper::Key => key::tags(aws, sight, base).await,
        Keeper::Topic => topic::tags(aws, sight, topic_of(document, base)).await,
        Keeper::Role => role::tags(aws, sight, owner_and_name(&document.name).0).await,
        Keeper::Function => {
            let tags = function::tags(aws, sight, base).await?;
            of_cluster(aws, sight, base, tags).await
        }
        Keeper::QueryRole => {
            let tags = role::tags(aws, sight, &query_role(base)).await?;
            of_cluster(aws, sight, base, tags).await
        }
    }
}

/// The notes of what both engines have, by those of the engine: while an environment changes its engine, what was last
/// applied stands with the one before.
async fn of_cluster(
    aws: &Inner,
    sight: &Sight,
    base: &str,
    own: Option<Arc<Tags>>,
) -> Result<Option<Arc<Tags>>, CloudError> {
    if !has_other_engine(aws, sight, base).await? {
        return Ok(own);
    }
    let mut all = Tags::new();
    for tags in [
        function::tags(aws, sight, base).await?,
        role::tags(aws, sight, &query_role(base)).await?,
        own.clone(),
    ] {
        all.extend(
            tags.iter()
                .flat_map(|tags| tags.iter().map(|(key, value)| (key.clone(), value.clone()))),
        );
    }
    Ok(Some(Arc::new(all)))
}

/// Says whether something of a cluster shows that it had the other engine. A monitor leaves its log group, which is
/// never deleted. What is put or noted without a look at the whole is not compared with what was before.
pub(super) async fn has_other_engine(
    aws: &Inner,
    sight: &Sight,
    base: &str,
) -> Result<bool, CloudError> {
    if sight.documents.is_empty() {
        return Ok(false);
    }
    Ok(match aws.environment.engine {
        Engine::Monitor => {
            let alarms = log_alarm::all(aws, sight).await?;
            alarms.keys().any(|name| base_of(name) == base)
        }
        Engine::LogAlarm => {
            let groups = log_group::monitors(aws, sight).await?;
            groups.contains_key(&format!("{MONITORS}{base}"))
        }
    })
}

/// The notes about alarms, dashboards and saved queries of a cluster.
pub(super) async fn beside(aws: &Inner, sight: &Sight, base: &str) -> Result<Tags, CloudError> {
    let own = match keeper_of(aws, Kind::Alarm) {
        Keeper::QueryRole => role::tags(aws, sight, &query_role(base)).await?,
        _ => function::tags(aws, sight, base).await?,
    };
    let all = of_cluster(aws, sight, base, own).await?;
    Ok(all.map(|tags| (*tags).clone()).unwrap_or_default())
}

/// Notes that a resource is now as its document says. `more` are words that its kind wants to find again.
///
/// A function or a role that does not exist yet cannot bear notes: they wait until it is made. A run that ends before that
/// leaves what it made without notes, which is no fault: it still is as the document says.
pub(super) async fn write(
    aws: &Inner,
    document: &Document,
    more: &[String],
) -> Result<(), CloudError> {
    // Versions of a layer bear no tags, and need none: nobody can change one.
    if document.kind == Kind::PolicyLayer {
        return Ok(());
    }
    let mut words = vec![Fingerprint::of_document(document).to_string()];
    words.extend_from_slice(more);
    let mut notes = BTreeMap::from([(tag_key(document.kind, &document.address), words.join(" "))]);
    let base = base(aws, document);
    let written = match keeper(aws, document) {
        Keeper::LogGroup => log_group::tag(aws, &document.name, &notes).await,
        Keeper::Key => key::tag(aws, &base, &notes).await,
        Keeper::Topic => topic::tag(aws, topic_of(document, &base), &notes).await,
        Keeper::Role => role::tag(aws, owner_and_name(&document.name).0, &notes).await,
        keeper @ (Keeper::Function | Keeper::QueryRole) => {
            let mut waiting = std::mem::take(
                aws.pending
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .entry(base.clone())
                    .or_default(),
            );
            waiting.append(&mut notes);
            let written = match keeper {
                Keeper::QueryRole => role::tag(aws, &query_role(&base), &waiting).await,
                _ => function::tag(aws, &base, &waiting).await,
            };
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
        Kind::LogGroup
        | Kind::KmsKey
        | Kind::SnsTopic
        | Kind::IamRole
        | Kind::LambdaFunction
        | Kind::PolicyLayer => {
            return Ok(());
        }
        Kind::KmsAlias => key::untag(aws, base, &[key]).await,
        Kind::SnsSubscription => topic::untag(aws, base, &[key]).await,
        // `CLUSTER/iam-role-policy/ROLE/NAME`.
        Kind::IamRolePolicy => {
            let role = address.split('/').nth(2).unwrap_or(base);
            role::untag(aws, role, &[key]).await
        }
        kind => match keeper_of(aws, kind) {
            Keeper::QueryRole => role::untag(aws, &query_role(base), &[key]).await,
            _ => function::untag(aws, base, &[key]).await,
        },
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
