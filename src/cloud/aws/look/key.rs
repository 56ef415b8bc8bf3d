//! The key of a cluster.
//!
//! A key has no name of its own: it is found by its alias, and where that is gone or leads elsewhere, by its tags.

use std::collections::BTreeMap;
use std::sync::Arc;

use aws_sdk_kms::types::{KeyMetadata, KeyState, Tag};

use crate::cloud::aws::call::found;
use crate::cloud::aws::connect::Inner;
use crate::cloud::aws::failure::refused;
use crate::cloud::aws::names::bases;
use crate::cloud::aws::sight::{Sight, Tags};
use crate::compile::resources::key_description;
use crate::deploy::permission::Operation;
use crate::deploy::port::CloudError;

pub(in crate::cloud::aws) fn alias(base: &str) -> String {
    format!("alias/{base}")
}

/// What the alias leads to.
pub(in crate::cloud::aws) async fn metadata(
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

pub(in crate::cloud::aws) async fn tags_of(
    aws: &Inner,
    sight: &Sight,
    id: &str,
) -> Result<Option<Arc<Tags>>, CloudError> {
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
pub(in crate::cloud::aws) async fn tags(
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
pub(in crate::cloud::aws) fn is_ours(
    aws: &Inner,
    base: &str,
    tags: &Tags,
    description: Option<&str>,
) -> bool {
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
        bases(aws, value).iter().any(|other| other == base)
    });
    let of_description = match (description, cluster) {
        (Some(text), Some(cluster)) if text == key_description(&aws.environment, &cluster) => 1,
        (Some(text), Some(_)) if !text.is_empty() => -1,
        _ => 0,
    };
    of_environment + of_cluster + of_description > 0
}

/// Looks through all keys for one that was made for this cluster and lost its alias, or never got it.
pub(in crate::cloud::aws) async fn search(
    aws: &Inner,
    base: &str,
) -> Result<Option<String>, CloudError> {
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

pub(in crate::cloud::aws) async fn is_going(aws: &Inner, id: &str) -> Result<bool, CloudError> {
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

pub(in crate::cloud::aws) async fn name_key(
    aws: &Inner,
    base: &str,
    id: &str,
) -> Result<(), CloudError> {
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

pub(in crate::cloud::aws) fn key_tags(
    tags: &BTreeMap<String, String>,
) -> Result<Vec<Tag>, CloudError> {
    tags.iter()
        .map(|(key, value)| {
            Tag::builder()
                .tag_key(key)
                .tag_value(value)
                .build()
                .map_err(|error| refused("kms:TagResource", key, error.to_string()))
        })
        .collect()
}

pub(in crate::cloud::aws) async fn tag_key(
    aws: &Inner,
    id: &str,
    tags: &BTreeMap<String, String>,
) -> Result<(), CloudError> {
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

pub(in crate::cloud::aws) async fn untag_key(
    aws: &Inner,
    id: &str,
    keys: &[String],
) -> Result<(), CloudError> {
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
pub(in crate::cloud::aws) async fn own_key(
    aws: &Inner,
    base: &str,
) -> Result<Option<String>, CloudError> {
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
pub(in crate::cloud::aws) async fn tag(
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
pub(in crate::cloud::aws) async fn untag(
    aws: &Inner,
    base: &str,
    keys: &[String],
) -> Result<(), CloudError> {
    match own_key(aws, base).await? {
        None => Ok(()),
        Some(id) => untag_key(aws, &id, keys).await,
    }
}
