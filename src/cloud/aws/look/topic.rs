//! Topics and their tags.

use std::collections::BTreeMap;
use std::sync::Arc;

use aws_sdk_sns::types::Tag;
use serde_json::Value;

use crate::cloud::aws::call::found;
use crate::cloud::aws::connect::Inner;
use crate::cloud::aws::failure::refused;
use crate::cloud::aws::sight::{Sight, Tags};
use crate::deploy::permission::Operation;
use crate::deploy::port::CloudError;

pub(in crate::cloud::aws) fn arn(aws: &Inner, base: &str) -> String {
    aws.location.arn("sns", base)
}

/// Tags of a topic; `None` when there is none.
pub(in crate::cloud::aws) async fn tags(
    aws: &Inner,
    sight: &Sight,
    base: &str,
) -> Result<Option<Arc<Tags>>, CloudError> {
    let arn = arn(aws, base);
    let ask = || async {
        let answer = aws
            .caller
            .make(Operation::ListTagsForTopic, base, || {
                aws.topics
                    .list_tags_for_resource()
                    .resource_arn(&arn)
                    .send()
            })
            .await;
        Ok(found(answer)?.map(|answer| {
            let tags = answer.tags.unwrap_or_default().into_iter();
            Arc::new(tags.map(|tag| (tag.key, tag.value)).collect())
        }))
    };
    sight.tags.get(&arn, ask).await
}

pub(in crate::cloud::aws) fn topic_tags(
    tags: &BTreeMap<String, String>,
) -> Result<Vec<Tag>, CloudError> {
    tags.iter()
        .map(|(key, value)| {
            Tag::builder()
                .key(key)
                .value(value)
                .build()
                .map_err(|error| refused("sns:TagResource", key, error.to_string()))
        })
        .collect()
}

pub(in crate::cloud::aws) async fn tag(
    aws: &Inner,
    base: &str,
    tags: &BTreeMap<String, String>,
) -> Result<(), CloudError> {
    if tags.is_empty() {
        return Ok(());
    }
    let (arn, tags) = (arn(aws, base), topic_tags(tags)?);
    aws.caller
        .make(Operation::TagTopic, base, || {
            aws.topics
                .tag_resource()
                .resource_arn(&arn)
                .set_tags(Some(tags.clone()))
                .send()
        })
        .await?;
    Ok(())
}

pub(in crate::cloud::aws) async fn untag(
    aws: &Inner,
    base: &str,
    keys: &[String],
) -> Result<(), CloudError> {
    if keys.is_empty() {
        return Ok(());
    }
    let arn = arn(aws, base);
    aws.caller
        .make(Operation::UntagTopic, base, || {
            aws.topics
                .untag_resource()
                .resource_arn(&arn)
                .set_tag_keys(Some(keys.to_vec()))
                .send()
        })
        .await?;
    Ok(())
}

/// A JSON text as a structure; what is no JSON as it stands.
pub(in crate::cloud::aws) fn structure(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|_| Value::from(text))
}
