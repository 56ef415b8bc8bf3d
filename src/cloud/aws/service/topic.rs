//! SNS topics.

use std::collections::HashMap;

use serde_json::json;

use crate::cloud::aws::call::{found, gone};
use crate::cloud::aws::connect::Inner;
use crate::cloud::aws::look::topic::{arn, structure, tag, tags, topic_tags, untag};
use crate::cloud::aws::note;
use crate::cloud::aws::sight::{Sight, Tags};
use crate::deploy::document::{Document, canonical};
use crate::deploy::permission::Operation;
use crate::deploy::port::{CloudError, Live, Reading};

async fn attributes(
    aws: &Inner,
    base: &str,
) -> Result<Option<HashMap<String, String>>, CloudError> {
    let arn = arn(aws, base);
    let answer = aws
        .caller
        .make(Operation::GetTopicAttributes, base, || {
            aws.topics.get_topic_attributes().topic_arn(&arn).send()
        })
        .await;
    Ok(found(answer)?.map(|answer| answer.attributes.unwrap_or_default()))
}

pub(in crate::cloud::aws) async fn read(
    aws: &Inner,
    sight: &Sight,
    document: &Document,
) -> Result<Reading, CloudError> {
    let Some(attributes) = attributes(aws, &document.name).await? else {
        return Ok(Reading::Absent { applied: None });
    };
    let text = |key: &str| attributes.get(key).map(String::as_str);
    let tags = tags(aws, sight, &document.name).await?.unwrap_or_default();
    Ok(Reading::Present(Live {
        properties: json!({
            "name": document.name,
            "display_name": text("DisplayName").unwrap_or_default(),
            "fifo": text("FifoTopic") == Some("true"),
            "kms_key": text("KmsMasterKeyId").filter(|key| !key.is_empty()),
            "policy": text("Policy").map(structure),
            "signature_version": text("SignatureVersion").and_then(|version| version.parse::<u32>().ok()).unwrap_or(1),
            "tracing": text("TracingConfig").unwrap_or("PassThrough"),
            "tags": note::own_tags(&tags),
        }),
        applied: note::read(aws, sight, document).await?.applied,
        note: None,
    }))
}

/// The attributes that a topic has from its first moment: it never stands open or unencrypted.
fn wanted_attributes(document: &Document) -> Vec<(&'static str, String)> {
    let wanted = &document.properties;
    let text = |key: &str| wanted[key].as_str().unwrap_or_default().to_owned();
    vec![
        ("KmsMasterKeyId", text("kms_key")),
        ("Policy", canonical(&wanted["policy"])),
        ("SignatureVersion", wanted["signature_version"].to_string()),
        ("TracingConfig", text("tracing")),
        ("DisplayName", text("display_name")),
    ]
}

pub(in crate::cloud::aws) async fn put(
    aws: &Inner,
    sight: &Sight,
    document: &Document,
) -> Result<(), CloudError> {
    let name = &document.name;
    let wanted = &document.properties;
    let Some(live) = attributes(aws, name).await? else {
        let (tags, _) = note::tag_changes(&wanted["tags"], &Tags::new());
        let tags = topic_tags(&tags)?;
        let attributes: HashMap<String, String> = wanted_attributes(document)
            .into_iter()
            .filter(|(_, value)| !value.is_empty())
            .map(|(key, value)| (key.to_owned(), value))
            .collect();
        aws.caller
            .make(Operation::CreateTopic, name, || {
                aws.topics
                    .create_topic()
                    .name(name)
                    .set_attributes(Some(attributes.clone()))
                    .set_tags(Some(tags.clone()))
                    .send()
            })
            .await?;
        return Ok(());
    };
    let arn = arn(aws, name);
    for (key, value) in wanted_attributes(document) {
        let live = live.get(key).map(String::as_str).unwrap_or_default();
        if structure(live) == structure(&value) {
            continue;
        }
        aws.caller
            .make(Operation::SetTopicAttributes, name, || {
                aws.topics
                    .set_topic_attributes()
                    .topic_arn(&arn)
                    .attribute_name(key)
                    .attribute_value(&value)
                    .send()
            })
            .await?;
    }
    let live = tags(aws, sight, name).await?.unwrap_or_default();
    let (missing, stale) = note::tag_changes(&wanted["tags"], &live);
    tag(aws, name, &missing).await?;
    untag(aws, name, &stale).await
}

pub(in crate::cloud::aws) async fn delete(aws: &Inner, name: &str) -> Result<(), CloudError> {
    let arn = arn(aws, name);
    let answer = aws
        .caller
        .make(Operation::DeleteTopic, name, || {
            aws.topics.delete_topic().topic_arn(&arn).send()
        })
        .await;
    gone(answer)
}
