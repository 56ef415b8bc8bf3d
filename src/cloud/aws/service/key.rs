//! KMS keys.

use aws_sdk_kms::types::{KeySpec, KeyState, KeyUsageType};
use serde_json::{Value, json};

use crate::cloud::aws::connect::Inner;
use crate::cloud::aws::look::key::{
    is_ours, key_tags, metadata, name_key, search, tag_key, tags_of, untag_key,
};
use crate::cloud::aws::sight::{Sight, Tags};
use crate::cloud::aws::{names, note};
use crate::deploy::document::{Document, canonical};
use crate::deploy::permission::Operation;
use crate::deploy::port::{CloudError, Live, Reading};

/// The only policy that a key can have.
const POLICY: &str = "default";

/// Days until a key that was named to be deleted is gone: the longest time to think again that KMS gives.
const DAYS_TO_DELETION: i32 = 30;

/// Whether a key stands that was made for this document and that no alias leads to.
pub(in crate::cloud::aws) async fn is_unnamed(
    aws: &Inner,
    document: &Document,
) -> Result<bool, CloudError> {
    let base = &names::base(aws, document);
    let is_named = metadata(aws, &Sight::default(), base).await?.is_some();
    Ok(!is_named && search(aws, base).await?.is_some())
}

pub(in crate::cloud::aws) async fn read(
    aws: &Inner,
    sight: &Sight,
    document: &Document,
) -> Result<Reading, CloudError> {
    let base = &names::base(aws, document);
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
        .map(|date| format!("it is scheduled for deletion on {date}"));
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

pub(in crate::cloud::aws) async fn policy(aws: &Inner, id: &str) -> Result<Value, CloudError> {
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

pub(in crate::cloud::aws) async fn rotation(aws: &Inner, id: &str) -> Result<Value, CloudError> {
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

pub(in crate::cloud::aws) async fn put(
    aws: &Inner,
    sight: &Sight,
    document: &Document,
) -> Result<(), CloudError> {
    let base = &names::base(aws, document);
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

/// Schedules the deletion of a cluster's key.
pub(in crate::cloud::aws) async fn delete(aws: &Inner, base: &str) -> Result<(), CloudError> {
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
