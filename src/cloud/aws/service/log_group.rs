//! CloudWatch log groups: the monitor's own, and how long the cluster's keeps its records.

use std::sync::Arc;

use serde_json::json;

use crate::cloud::aws::connect::Inner;
use crate::cloud::aws::look::log_group::{arn, beginning, monitors, tag, tags};
use crate::cloud::aws::note;
use crate::cloud::aws::sight::Sight;
use crate::deploy::document::{Document, Ownership};
use crate::deploy::permission::Operation;
use crate::deploy::port::{CloudError, Live, Reading};

/// Says whether the files ask for a protection from deletion; else it is left as it is.
fn minds_protection(document: &Document) -> bool {
    document.properties.get("deletion_protection").is_some()
}

pub(in crate::cloud::aws) async fn read(
    aws: &Inner,
    sight: &Sight,
    document: &Document,
) -> Result<Reading, CloudError> {
    let owned = document.ownership == Ownership::Owned;
    let groups = if owned {
        monitors(aws, sight).await?
    } else {
        beginning(aws, sight, &document.name).await?
    };
    let Some(group) = groups.get(&document.name) else {
        // A note on the group itself went with it.
        let applied = if owned {
            None
        } else {
            note::read(aws, sight, document).await?.applied
        };
        return Ok(Reading::Absent { applied });
    };
    let applied = note::read(aws, sight, document).await?.applied;
    let mut properties = json!({
        "name": document.name,
        "retention_days": group.retention_in_days(),
    });
    if owned {
        let tags = tags(aws, sight, &document.name).await?.unwrap_or_default();
        properties["tags"] = note::own_tags(&tags);
    }
    // A group without it reads as before the files asked for one: then only the files moved.
    if minds_protection(document) && group.deletion_protection_enabled().unwrap_or_default() {
        properties["deletion_protection"] = json!(true);
    }
    Ok(Reading::Present(Live {
        properties,
        applied,
        note: None,
    }))
}

pub(in crate::cloud::aws) async fn put(
    aws: &Inner,
    sight: &Sight,
    document: &Document,
) -> Result<(), CloudError> {
    let name = &document.name;
    let wanted = &document.properties;
    let exists = matches!(read(aws, sight, document).await?, Reading::Present(_));
    if document.ownership == Ownership::Adopted && !exists {
        return Err(CloudError::Refused {
            operation: "set the retention of",
            resource: name.clone(),
            message: "it does not exist yet: RDS makes it once the cluster exports its log `postgresql`; \
                      `pgvigil doctor` shows how to switch that on"
                .to_owned(),
        });
    }
    if document.ownership == Ownership::Owned {
        let live = if exists {
            tags(aws, sight, name).await?.unwrap_or_default()
        } else {
            Arc::default()
        };
        let (missing, stale) = note::tag_changes(&wanted["tags"], &live);
        if !exists {
            let tags: std::collections::HashMap<_, _> = missing.into_iter().collect();
            aws.caller
                .make(Operation::CreateLogGroup, name, || {
                    aws.logs
                        .create_log_group()
                        .log_group_name(name)
                        .set_tags(Some(tags.clone()))
                        .send()
                })
                .await?;
        } else {
            if !missing.is_empty() {
                tag(aws, name, &missing).await?;
            }
            if !stale.is_empty() {
                let arn = arn(aws, name);
                aws.caller
                    .make(Operation::UntagLogGroup, name, || {
                        aws.logs
                            .untag_resource()
                            .resource_arn(&arn)
                            .set_tag_keys(Some(stale.clone()))
                            .send()
                    })
                    .await?;
            }
        }
    }
    let days = wanted["retention_days"]
        .as_i64()
        .and_then(|days| i32::try_from(days).ok());
    aws.caller
        .make(Operation::PutRetentionPolicy, name, || {
            aws.logs
                .put_retention_policy()
                .log_group_name(name)
                .set_retention_in_days(days)
                .send()
        })
        .await?;
    if minds_protection(document) {
        let is_protected = wanted["deletion_protection"].as_bool().unwrap_or_default();
        // This call takes no name, whatever its page says (terraform-provider-aws, pull request 45298).
        let arn = arn(aws, name);
        aws.caller
            .make(Operation::PutLogGroupDeletionProtection, name, || {
                aws.logs
                    .put_log_group_deletion_protection()
                    .log_group_identifier(&arn)
                    .deletion_protection_enabled(is_protected)
                    .send()
            })
            .await?;
    }
    Ok(())
}

/// A log group holds evidence.
pub(in crate::cloud::aws) async fn delete(_: &Inner, name: &str) -> Result<(), CloudError> {
    Err(CloudError::Protected {
        resource: name.to_owned(),
    })
}
