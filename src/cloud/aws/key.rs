//! KMS keys and their names.
//!
//! A key has no name of its own: it is found by its alias, and where that is gone or leads elsewhere, by its tags.

use std::collections::BTreeMap;
use std::sync::Arc;

use aws_sdk_kms::types::{KeyMetadata, KeySpec, KeyState, KeyUsageType, Tag};
use serde_json::{Value, json};

use super::call::{found, gone};
use super::connect::Inner;
use super::former;
use super::note;
use super::sight::{Sight, Tags};
use crate::compile::resources::key_description;
use crate::deploy::document::{Document, Kind, canonical};
use crate::deploy::permission::Operation;
use crate::deploy::port::{CloudError, Live, Reading};

/// The only policy that a key can have.
const POLICY: &str = "default";

/// Days until a key that was named to be deleted is gone: the longest time to think again that KMS gives.
const DAYS_TO_DELETION: i32 = 30;

fn alias(base: &str) -> String {
    format!("alias/{base}")
}

/// What the alias leads to.
async fn metadata(
    aws: &Inner,
    sight: &Sight,
    base: &str,
) -> Result<Option<Arc<KeyMetadata>>, CloudError> {
    let alias = alias(base);
    let ask = || async {
        let answer = aws
            .caller
            .make(Operation::DescribeKey, &alias, || {
                aws.keys.describe_key().key_id(&alias).send()
            })
            .await;
        Ok(found(answer)?
            .and_then(|answer| answer.key_metadata)
            .map(Arc::new))
    };
    sight.keys.get(&alias, ask).await
}

async fn tags_of(aws: &Inner, sight: &Sight, id: &str) -> Result<Option<Arc<Tags>>, CloudError> {
    let ask = || async {
        let answer = aws
            .caller
            .make(Operation::ListResourceTags, id, || {
                aws.keys.list_resource_tags().key_id(id).limit(50).send()
            })
            .await;
        let tags = found(answer)?.and_then(|answer| answer.tags);
        Ok(tags.map(|tags| {
            let pairs = tags.into_iter().map(|tag| (tag.tag_key, tag.tag_value));
            Arc::new(pairs.collect())
        }))
    };
    sight.tags.get(id, ask).await
}

/// Tags of the key that the cluster's alias leads to.
pub(super) async fn tags(
    aws: &Inner,
    sight: &Sight,
    base: &str,
) -> Result<Option<Arc<Tags>>, CloudError> {
    match metadata(aws, sight, base).await? {
        None => Ok(None),
        Some(key) => tags_of(aws, sight, key.key_id()).await,
    }
}

/// Whether a key was made for this cluster: its two tags and its description are three witnesses, and more of them speak
/// for it than against it. A person may have edited one; a key of another cluster has two against it.
fn is_ours(aws: &Inner, base: &str, tags: &Tags, description: Option<&str>) -> bool {
    let witness = |known: Option<&String>, is_right: &dyn Fn(&str) -> bool| match known {
        None => 0,
        Some(value) if is_right(value) => 1,
        Some(_) => -1,
    };
    let cluster = aws.cluster_of_base(base);
    let of_environment = witness(tags.get("pgvigil:environment"), &|value| {
        value == aws.environment.name
    });
    let of_cluster = witness(tags.get("pgvigil:cluster"), &|value| {
        former::bases(aws, value).iter().any(|other| other == base)
    });
    let of_description = match (description, cluster) {
        (Some(text), Some(cluster)) if text == key_description(&aws.environment, &cluster) => 1,
        (Some(text), Some(_)) if !text.is_empty() => -1,
        _ => 0,
    };
    of_environment + of_cluster + of_description > 0
}

/// Looks through all keys for one that was made for this cluster and lost its alias, or never got it.
async fn search(aws: &Inner, base: &str) -> Result<Option<String>, CloudError> {
    let sight = Sight::default();
    let mut marker = None;
    loop {
        let page = aws
            .caller
            .make(Operation::ListKeys, "keys", || {
                aws.keys
                    .list_keys()
                    .limit(1000)
                    .set_marker(marker.clone())
                    .send()
            })
            .await?;
        for key in page.keys() {
            let Some(id) = key.key_id() else { continue };
            let tags = match tags_of(aws, &sight, id).await {
                // Keys of AWS and of others do not let themselves be asked.
                Err(CloudError::Denied { .. }) => continue,
                other => other?,
            };
            let whole = tags.is_some_and(|tags| {
                is_ours(aws, base, &tags, None) && tags.contains_key("pgvigil:cluster")
            });
            if whole && !is_going(aws, id).await? {
                return Ok(Some(id.to_owned()));
            }
        }
        marker = page.next_marker;
        if marker.is_none() {
            return Ok(None);
        }
    }
}

/// Whether a key stands that was made for this document and that no alias leads to.
pub(super) async fn is_unnamed(aws: &Inner, document: &Document) -> Result<bool, CloudError> {
    let base = &note::base(aws, document);
    let is_named = metadata(aws, &Sight::default(), base).await?.is_some();
    Ok(!is_named && search(aws, base).await?.is_some())
}

async fn is_going(aws: &Inner, id: &str) -> Result<bool, CloudError> {
    let answer = aws
        .caller
        .make(Operation::DescribeKey, id, || {
            aws.keys.describe_key().key_id(id).send()
        })
        .await?;
    Ok(answer
        .key_metadata
        .is_some_and(|key| key.key_state() == Some(&KeyState::PendingDeletion)))
}

pub(super) async fn read(
    aws: &Inner,
    sight: &Sight,
    document: &Document,
) -> Result<Reading, CloudError> {
    let base = &note::base(aws, document);
    let Some(key) = metadata(aws, sight, base).await? else {
        return Ok(Reading::Absent { applied: None });
    };
    let tags = tags_of(aws, sight, key.key_id()).await?.unwrap_or_default();
    if !is_ours(aws, base, &tags, key.description()) {
        return Ok(Reading::Absent { applied: None });
    }
    let id = key.key_id();
    let (policy, rotation, grants) =
        futures_util::future::try_join3(policy(aws, id), rotation(aws, id), grants(aws, id))
            .await?;
    let note = key
        .deletion_date()
        .map(|date| format!("it is to be deleted on {date}"));
    Ok(Reading::Present(Live {
        properties: json!({
            "description": key.description().unwrap_or_default(),
            "enabled": key.key_state() == Some(&KeyState::Enabled),
            "key_spec": key.key_spec().map(|spec| spec.as_str()),
            "key_usage": key.key_usage().map(|usage| usage.as_str()),
            "multi_region": key.multi_region().unwrap_or(false),
            "rotation": rotation,
            "grants": grants,
            "policy": policy,
            "tags": note::own_tags(&tags),
        }),
        applied: note::read(aws, sight, document).await?.applied,
        note,
    }))
}

pub(super) async fn policy(aws: &Inner, id: &str) -> Result<Value, CloudError> {
    let answer = aws
        .caller
        .make(Operation::GetKeyPolicy, id, || {
            aws.keys
                .get_key_policy()
                .key_id(id)
                .policy_name(POLICY)
                .send()
        })
        .await?;
    let text = answer.policy.unwrap_or_default();
    Ok(serde_json::from_str(&text).unwrap_or(Value::String(text)))
}

pub(super) async fn rotation(aws: &Inner, id: &str) -> Result<Value, CloudError> {
    let answer = aws
        .caller
        .make(Operation::GetKeyRotationStatus, id, || {
            aws.keys.get_key_rotation_status().key_id(id).send()
        })
        .await?;
    let enabled = answer.key_rotation_enabled;
    Ok(json!({
        "enabled": enabled,
        "period_days": answer.rotation_period_in_days.or(enabled.then_some(365)),
    }))
}

/// Who may use the key beside its policy.
async fn grants(aws: &Inner, id: &str) -> Result<Vec<String>, CloudError> {
    let mut all = Vec::new();
    let mut marker = None;
    loop {
        let page = aws
            .caller
            .make(Operation::ListGrants, id, || {
                aws.keys
                    .list_grants()
                    .key_id(id)
                    .set_marker(marker.clone())
                    .send()
            })
            .await?;
        for grant in page.grants() {
            let who = grant.grantee_principal().unwrap_or_default();
            all.push(format!("{who} {}", grant.grant_id().unwrap_or_default()));
        }
        marker = page.next_marker;
        if marker.is_none() {
            all.sort();
            return Ok(all);
        }
    }
}

pub(super) async fn put(aws: &Inner, sight: &Sight, document: &Document) -> Result<(), CloudError> {
    let base = &note::base(aws, document);
    let wanted = &document.properties;
    let policy_text = canonical(&wanted["policy"]);
    let id = match read(aws, sight, document).await? {
        Reading::Present(_) => metadata(aws, sight, base)
            .await?
            .map(|key| key.key_id().to_owned()),
        Reading::Absent { .. } => search(aws, base).await?,
    };
    let Some(id) = id else {
        return create(aws, base, document, &policy_text).await;
    };
    let name = &document.address;
    let key = aws
        .caller
        .make(Operation::DescribeKey, name, || {
            aws.keys.describe_key().key_id(&id).send()
        })
        .await?
        .key_metadata;
    let state = key.as_ref().and_then(|key| key.key_state().cloned());
    if state == Some(KeyState::PendingDeletion) {
        aws.caller
            .make(Operation::CancelKeyDeletion, name, || {
                aws.keys.cancel_key_deletion().key_id(&id).send()
            })
            .await?;
    }
    if state != Some(KeyState::Enabled) {
        aws.caller
            .make(Operation::EnableKey, name, || {
                aws.keys.enable_key().key_id(&id).send()
            })
            .await?;
    }
    let description = wanted["description"].as_str().unwrap_or_default();
    if key.as_ref().and_then(|key| key.description()) != Some(description) {
        aws.caller
            .make(Operation::UpdateKeyDescription, name, || {
                aws.keys
                    .update_key_description()
                    .key_id(&id)
                    .description(description)
                    .send()
            })
            .await?;
    }
    aws.caller
        .make(Operation::PutKeyPolicy, name, || {
            aws.keys
                .put_key_policy()
                .key_id(&id)
                .policy_name(POLICY)
                .policy(&policy_text)
                .send()
        })
        .await?;
    rotate(aws, &id, document).await?;
    for grant in grants(aws, &id).await? {
        let grant = grant.rsplit(' ').next().unwrap_or_default().to_owned();
        aws.caller
            .make(Operation::RevokeGrant, name, || {
                aws.keys.revoke_grant().key_id(&id).grant_id(&grant).send()
            })
            .await?;
    }
    let live = tags_of(aws, &Sight::default(), &id)
        .await?
        .unwrap_or_default();
    let (missing, stale) = note::tag_changes(&wanted["tags"], &live);
    tag_key(aws, &id, &missing).await?;
    untag_key(aws, &id, &stale).await?;
    // A key that was found by its tags has no alias yet, and is found by it from now on.
    if metadata(aws, &Sight::default(), base).await?.is_none() {
        name_key(aws, base, &id).await?;
    }
    Ok(())
}

/// Makes the key and names it in one step: a key without a name would be made again by the next run.
async fn create(
    aws: &Inner,
    base: &str,
    document: &Document,
    policy: &str,
) -> Result<(), CloudError> {
    let wanted = &document.properties;
    let (tags, _) = note::tag_changes(&wanted["tags"], &Tags::new());
    let tags = key_tags(&tags)?;
    let answer = aws
        .caller
        .make(Operation::CreateKey, &document.address, || {
            aws.keys
                .create_key()
                .set_description(wanted["description"].as_str().map(str::to_owned))
                .set_key_spec(wanted["key_spec"].as_str().map(KeySpec::from))
                .set_key_usage(wanted["key_usage"].as_str().map(KeyUsageType::from))
                .policy(policy)
                .set_tags(Some(tags.clone()))
                .send()
        })
        .await?;
    let id = answer
        .key_metadata
        .map(|key| key.key_id)
        .unwrap_or_default();
    let named = name_key(aws, base, &id).await;
    if matches!(named, Err(CloudError::Conflict { .. })) {
        match metadata(aws, &Sight::default(), base).await? {
            // Another apply found this key by its tags and named it: it is in use.
            Some(live) if live.key_id() == id => {}
            // Somebody else made one at the same time. This one has encrypted nothing.
            Some(_) => {
                schedule_deletion(aws, &id, 7).await?;
                return named;
            }
            None => return named,
        }
    } else {
        named?;
    }
    rotate(aws, &id, document).await
}

async fn name_key(aws: &Inner, base: &str, id: &str) -> Result<(), CloudError> {
    let alias = alias(base);
    aws.caller
        .make(Operation::CreateAlias, &alias, || {
            aws.keys
                .create_alias()
                .alias_name(&alias)
                .target_key_id(id)
                .send()
        })
        .await?;
    Ok(())
}

async fn rotate(aws: &Inner, id: &str, document: &Document) -> Result<(), CloudError> {
    let days = document.properties["rotation"]["period_days"]
        .as_i64()
        .and_then(|days| i32::try_from(days).ok());
    aws.caller
        .make(Operation::EnableKeyRotation, &document.address, || {
            aws.keys
                .enable_key_rotation()
                .key_id(id)
                .set_rotation_period_in_days(days)
                .send()
        })
        .await?;
    Ok(())
}

fn key_tags(tags: &BTreeMap<String, String>) -> Result<Vec<Tag>, CloudError> {
    tags.iter()
        .map(|(key, value)| {
            Tag::builder()
                .tag_key(key)
                .tag_value(value)
                .build()
                .map_err(|error| {
                    super::schedule::refused("kms:TagResource", key, error.to_string())
                })
        })
        .collect()
}

async fn tag_key(aws: &Inner, id: &str, tags: &BTreeMap<String, String>) -> Result<(), CloudError> {
    if tags.is_empty() {
        return Ok(());
    }
    let tags = key_tags(tags)?;
    aws.caller
        .make(Operation::TagKey, id, || {
            aws.keys
                .tag_resource()
                .key_id(id)
                .set_tags(Some(tags.clone()))
                .send()
        })
        .await?;
    Ok(())
}

async fn untag_key(aws: &Inner, id: &str, keys: &[String]) -> Result<(), CloudError> {
    if keys.is_empty() {
        return Ok(());
    }
    aws.caller
        .make(Operation::UntagKey, id, || {
            aws.keys
                .untag_resource()
                .key_id(id)
                .set_tag_keys(Some(keys.to_vec()))
                .send()
        })
        .await?;
    Ok(())
}

/// The cluster's key, also when its alias was taken away or leads to somebody else's.
async fn own_key(aws: &Inner, base: &str) -> Result<Option<String>, CloudError> {
    let sight = Sight::default();
    if let Some(key) = metadata(aws, &sight, base).await? {
        let tags = tags_of(aws, &sight, key.key_id())
            .await?
            .unwrap_or_default();
        if is_ours(aws, base, &tags, key.description()) {
            return Ok(Some(key.key_id().to_owned()));
        }
    }
    search(aws, base).await
}

/// Writes tags on the cluster's key.
pub(super) async fn tag(
    aws: &Inner,
    base: &str,
    tags: &BTreeMap<String, String>,
) -> Result<(), CloudError> {
    match own_key(aws, base).await? {
        None => Err(CloudError::NotFound {
            resource: alias(base),
        }),
        Some(id) => tag_key(aws, &id, tags).await,
    }
}

/// Takes tags from the cluster's key.
pub(super) async fn untag(aws: &Inner, base: &str, keys: &[String]) -> Result<(), CloudError> {
    match own_key(aws, base).await? {
        None => Ok(()),
        Some(id) => untag_key(aws, &id, keys).await,
    }
}

pub(super) async fn read_alias(
    aws: &Inner,
    sight: &Sight,
    document: &Document,
) -> Result<Reading, CloudError> {
    let base = &note::base(aws, document);
    let Some(key) = metadata(aws, sight, base).await? else {
        return Ok(Reading::Absent { applied: None });
    };
    let tags = tags_of(aws, sight, key.key_id()).await?.unwrap_or_default();
    let cluster = document.address.split('/').next().unwrap_or_default();
    let target = if is_ours(aws, base, &tags, key.description()) {
        json!({ "id_of": Document::address_of(cluster, Kind::KmsKey, base) })
    } else {
        json!({ "key": key.key_id() })
    };
    Ok(Reading::Present(Live {
        properties: json!({ "name": document.name, "target": target }),
        applied: note::read(aws, sight, document).await?.applied,
        note: None,
    }))
}

pub(super) async fn put_alias(
    aws: &Inner,
    sight: &Sight,
    document: &Document,
) -> Result<(), CloudError> {
    let base = &note::base(aws, document);
    let id = search(aws, base)
        .await?
        .ok_or_else(|| CloudError::NotFound {
            resource: format!("the key of {}", document.address),
        })?;
    let alias = alias(base);
    if metadata(aws, sight, base).await?.is_none() {
        return name_key(aws, base, &id).await;
    }
    aws.caller
        .make(Operation::UpdateAlias, &alias, || {
            aws.keys
                .update_alias()
                .alias_name(&alias)
                .target_key_id(&id)
                .send()
        })
        .await?;
    Ok(())
}

pub(super) async fn delete_alias(aws: &Inner, name: &str) -> Result<(), CloudError> {
    let answer = aws
        .caller
        .make(Operation::DeleteAlias, name, || {
            aws.keys.delete_alias().alias_name(name).send()
        })
        .await;
    gone(answer)
}

/// Schedules the deletion of a cluster's key.
pub(super) async fn delete(aws: &Inner, base: &str) -> Result<(), CloudError> {
    match search(aws, base).await? {
        None => Ok(()),
        Some(id) => schedule_deletion(aws, &id, DAYS_TO_DELETION).await,
    }
}

async fn schedule_deletion(aws: &Inner, id: &str, days: i32) -> Result<(), CloudError> {
    aws.caller
        .make(Operation::ScheduleKeyDeletion, id, || {
            aws.keys
                .schedule_key_deletion()
                .key_id(id)
                .pending_window_in_days(days)
                .send()
        })
        .await?;
    Ok(())
}
