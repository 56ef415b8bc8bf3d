//! Versions of layers, found by what they hold.

use std::sync::Arc;

use aws_sdk_lambda::operation::get_layer_version::GetLayerVersionOutput;
use aws_sdk_lambda::types::{Layer, LayerVersionsListItem};
use serde_json::{Value, json};

use crate::cloud::aws::call::found;
use crate::cloud::aws::connect::Inner;
use crate::cloud::aws::failure::refused;
use crate::cloud::aws::names::prefix;
use crate::cloud::aws::sight::Sight;
use crate::compile::monitor_environment::RULES_DIGEST;
use crate::compile::resources::policy_layer::{description, reference, version_arn};
use crate::deploy::document::Document;
use crate::deploy::permission::Operation;
use crate::deploy::port::CloudError;

pub(in crate::cloud::aws) type Versions = Arc<Vec<LayerVersionsListItem>>;

/// The versions of a layer, the newest first.
pub(in crate::cloud::aws) async fn versions(
    aws: &Inner,
    sight: &Sight,
    name: &str,
) -> Result<Versions, CloudError> {
    let ask = || async {
        let mut all = Vec::new();
        let mut marker: Option<String> = None;
        loop {
            let answer = aws
                .caller
                .make(Operation::ListLayerVersions, name, || {
                    aws.lambda
                        .list_layer_versions()
                        .layer_name(name)
                        .max_items(50)
                        .set_marker(marker.clone())
                        .send()
                })
                .await;
            let Some(answer) = found(answer)? else {
                break;
            };
            all.extend(answer.layer_versions.unwrap_or_default());
            marker = answer.next_marker.filter(|marker| !marker.is_empty());
            if marker.is_none() {
                break;
            }
        }
        all.sort_by_key(|version| std::cmp::Reverse(version.version()));
        Ok(Arc::new(all))
    };
    sight.layers.get(name, ask).await
}

/// One version with the digest of its content; `None` when it was deleted.
pub(in crate::cloud::aws) async fn version(
    aws: &Inner,
    sight: &Sight,
    name: &str,
    number: i64,
) -> Result<Option<Arc<GetLayerVersionOutput>>, CloudError> {
    let arn = version_arn(&aws.location, name, number);
    let ask = || async {
        let answer = aws
            .caller
            .make(Operation::GetLayerVersion, &arn, || {
                aws.lambda
                    .get_layer_version()
                    .layer_name(name)
                    .version_number(number)
                    .send()
            })
            .await;
        Ok(found(answer)?.map(Arc::new))
    };
    sight.layer_versions.get(&arn, ask).await
}

pub(in crate::cloud::aws) fn code_sha256(version: &GetLayerVersionOutput) -> Option<&str> {
    version.content().and_then(|content| content.code_sha256())
}

/// The layer and the number in the ARN of a version, if it is one of the environment's.
pub(in crate::cloud::aws) fn own<'a>(aws: &Inner, arn: &'a str) -> Option<(&'a str, i64)> {
    let layers = aws.location.arn("lambda", "layer:");
    let (name, number) = arn.strip_prefix(layers.as_str())?.split_once(':')?;
    name.starts_with(&prefix(aws))
        .then_some((name, number.parse().ok()?))
}

/// The layers of a function, in the form of its document: ours by what they hold, others by their ARNs.
pub(in crate::cloud::aws) async fn attached(
    aws: &Inner,
    sight: &Sight,
    layers: &[Layer],
) -> Result<Vec<Value>, CloudError> {
    let mut all = Vec::new();
    for arn in layers.iter().filter_map(|layer| layer.arn()) {
        all.push(match own(aws, arn) {
            None => json!(arn),
            Some((name, number)) => {
                let version = version(aws, sight, name, number).await?;
                reference(name, version.as_deref().and_then(code_sha256))
            }
        });
    }
    Ok(all)
}

/// ARNs of the versions that a function's document asks for.
pub(in crate::cloud::aws) async fn arns(
    aws: &Inner,
    document: &Document,
) -> Result<Vec<String>, CloudError> {
    // Published a moment ago, perhaps: what was seen before does not tell.
    let sight = Sight::default();
    let rules = document.properties["environment"][RULES_DIGEST]
        .as_str()
        .map(description);
    let mut all = Vec::new();
    for layer in document.properties["layers"]
        .as_array()
        .into_iter()
        .flatten()
    {
        let (Some(name), wanted) = (layer["name"].as_str(), layer["code_sha256"].as_str()) else {
            all.extend(layer.as_str().map(str::to_owned));
            continue;
        };
        let mut arn = None;
        for candidate in versions(aws, &sight, name).await?.iter() {
            if arn.is_none() && candidate.description() == rules.as_deref() {
                let version = version(aws, &sight, name, candidate.version()).await?;
                if wanted.is_some() && version.as_deref().and_then(code_sha256) == wanted {
                    arn = Some(version_arn(&aws.location, name, candidate.version()));
                }
            }
        }
        all.push(arn.ok_or_else(|| {
            let message = format!("no version of the layer {name} has these rules: apply again");
            refused("attach the layer to", &document.address, message)
        })?);
    }
    Ok(all)
}
