//! Names of KMS keys.

use serde_json::json;

use crate::cloud::aws::call::gone;
use crate::cloud::aws::connect::Inner;
use crate::cloud::aws::look::key::{alias, is_ours, metadata, name_key, search, tags_of};
use crate::cloud::aws::sight::Sight;
use crate::cloud::aws::{names, note};
use crate::deploy::document::{Document, Kind};
use crate::deploy::permission::Operation;
use crate::deploy::port::{CloudError, Live, Reading};

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

pub(in crate::cloud::aws) async fn put(
    aws: &Inner,
    sight: &Sight,
    document: &Document,
) -> Result<(), CloudError> {
    let base = &names::base(aws, document);
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

pub(in crate::cloud::aws) async fn delete(aws: &Inner, name: &str) -> Result<(), CloudError> {
    let answer = aws
        .caller
        .make(Operation::DeleteAlias, name, || {
            aws.keys.delete_alias().alias_name(name).send()
        })
        .await;
    gone(answer)
}
