//! CloudWatch log groups: the monitor's own, and how long the cluster's keeps its records.

use std::collections::BTreeMap;
use std::sync::Arc;

use aws_sdk_cloudwatchlogs::types::LogGroup;
use serde_json::json;

use super::call::found;
use super::connect::Inner;
use super::former::prefix;
use super::note;
use super::sight::{Sight, Tags};
use crate::deploy::document::{Document, Ownership};
use crate::deploy::permission::Operation;
use crate::deploy::port::{CloudError, Live, Reading};

type LogGroups = Arc<BTreeMap<String, LogGroup>>;

/// What the names of monitors' log groups begin with.
pub(super) const MONITORS: &str = "/aws/lambda/";

/// All log groups whose name begins so.
pub(super) async fn beginning(
    aws: &Inner,
    sight: &Sight,
    prefix: &str,
) -> Result<LogGroups, CloudError> {
    let ask = || async {
        let mut all = BTreeMap::new();
        let mut token = None;
        loop {
            let page = aws
                .caller
                .make(Operation::DescribeLogGroups, &format!("{prefix}*"), || {
                    aws.logs
                        .describe_log_groups()
                        .log_group_name_prefix(prefix)
                        .set_next_token(token.clone())
                        .send()
                })
                .await?;
            for group in page.log_groups.unwrap_or_default() {
                all.insert(group.log_group_name.clone().unwrap_or_default(), group);
            }
            token = page.next_token;
            if token.is_none() {
                return Ok(Arc::new(all));
            }
        }
    };
    sight.log_groups.get(prefix, ask).await
}

/// The log groups of all monitors of the environment.
pub(super) async fn monitors(aws: &Inner, sight: &Sight) -> Result<LogGroups, CloudError> {
    beginning(aws, sight, &format!("{MONITORS}{}", prefix(aws))).await
}

fn arn(aws: &Inner, name: &str) -> String {
    aws.location.log_group_arn(name)
}

/// Tags of a log group; `None` when there is none.
pub(super) async fn tags(
    aws: &Inner,
    sight: &Sight,
    name: &str,
) -> Result<Option<Arc<Tags>>, CloudError> {
    let arn = arn(aws, name);
    let ask = || async {
        let answer = aws
            .caller
            .make(Operation::ListTagsForResource, name, || {
                aws.logs.list_tags_for_resource().resource_arn(&arn).send()
            })
            .await;
        let tags = found(answer)?.and_then(|answer| answer.tags);
        Ok(tags.map(|tags| Arc::new(tags.into_iter().collect())))
    };
    sight.tags.get(&arn, ask).await
}

pub(super) async fn tag(
    aws: &Inner,
    name: &str,
    tags: &BTreeMap<String, String>,
) -> Result<(), CloudError> {
    let arn = arn(aws, name);
    let tags: std::collections::HashMap<_, _> = tags.clone().into_iter().collect();
    aws.caller
        .make(Operation::TagLogGroup, name, || {
            aws.logs
                .tag_resource()
                .resource_arn(&arn)
                .set_tags(Some(tags.clone()))
                .send()
        })
        .await?;
    Ok(())
}

/// Says whether the files ask for a protection from deletion; else it is left as it is.
fn minds_protection(document: &Document) -> bool {
    document.properties.get("deletion_protection").is_some()
}

pub(super) async fn read(
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

pub(super) async fn put(aws: &Inner, sight: &Sight, document: &Document) -> Result<(), CloudError> {
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
