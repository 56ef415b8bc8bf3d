//! Log groups and their tags.

use std::collections::BTreeMap;
use std::sync::Arc;

use aws_sdk_cloudwatchlogs::types::LogGroup;

use crate::cloud::aws::call::found;
use crate::cloud::aws::connect::Inner;
use crate::cloud::aws::names::prefix;
use crate::cloud::aws::sight::{Sight, Tags};
use crate::deploy::permission::Operation;
use crate::deploy::port::CloudError;

pub(in crate::cloud::aws) type LogGroups = Arc<BTreeMap<String, LogGroup>>;

/// What the names of monitors' log groups begin with.
pub(in crate::cloud::aws) const MONITORS: &str = "/aws/lambda/";

/// All log groups whose name begins so.
pub(in crate::cloud::aws) async fn beginning(
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
pub(in crate::cloud::aws) async fn monitors(
    aws: &Inner,
    sight: &Sight,
) -> Result<LogGroups, CloudError> {
    beginning(aws, sight, &format!("{MONITORS}{}", prefix(aws))).await
}

pub(in crate::cloud::aws) fn arn(aws: &Inner, name: &str) -> String {
    aws.location.log_group_arn(name)
}

/// Tags of a log group; `None` when there is none.
pub(in crate::cloud::aws) async fn tags(
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

pub(in crate::cloud::aws) async fn tag(
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
