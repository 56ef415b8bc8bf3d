//! The layer with an environment's rules. Its versions are published, found again by what they hold, and deleted when they
//! are old; none is ever changed.

use std::collections::BTreeSet;

use aws_sdk_lambda::operation::get_layer_version::GetLayerVersionOutput;
use aws_sdk_lambda::primitives::Blob;
use aws_sdk_lambda::types::{
    Architecture, LayerVersionContentInput, LayerVersionsListItem, Runtime,
};
use serde_json::{Value, json};

use crate::cloud::aws::call::gone;
use crate::cloud::aws::connect::Inner;
use crate::cloud::aws::failure::lasting;
use crate::cloud::aws::look::function::function;
use crate::cloud::aws::look::layer::{code_sha256, own, version, versions};
use crate::cloud::aws::sight::Sight;
use crate::cloud::aws::value::texts;
use crate::compile::monitor_environment::RULES_DIGEST;
use crate::compile::name::policy_layer as layer_name;
use crate::compile::resources::policy_layer;
use crate::compile::resources::policy_layer::{DESCRIPTION, description, version_arn};
use crate::deploy::document::{Document, EVERY_CLUSTER, Fingerprint, Kind};
use crate::deploy::permission::Operation;
use crate::deploy::port::{CloudError, Found, Live, Reading};

/// Versions that are kept besides the newest, so that a policy that is taken back finds its layer where it was.
const KEPT: usize = 5;

/// A version in the form of the layer's document. Its rules are read only where somebody wants to see them.
fn properties(name: &str, version: &GetLayerVersionOutput) -> Value {
    let mut properties = json!({
        "name": name,
        "description": version.description().unwrap_or_default(),
        "code_sha256": code_sha256(version),
        "compatible_runtimes": version.compatible_runtimes().iter().map(Runtime::as_str).collect::<Vec<_>>(),
        "compatible_architectures": version
            .compatible_architectures()
            .iter()
            .map(Architecture::as_str)
            .collect::<Vec<_>>(),
    });
    crate::deploy::document::normalise(Kind::PolicyLayer, &mut properties);
    properties
}

/// What reading a version tells. Nobody can change one: what we published is as we left it.
fn live(name: &str, version: &GetLayerVersionOutput) -> Live {
    let properties = properties(name, version);
    let is_ours = version
        .description()
        .is_some_and(|text| text.starts_with(DESCRIPTION));
    Live {
        applied: is_ours.then(|| Fingerprint::of(Kind::PolicyLayer, &properties)),
        properties,
        note: None,
    }
}

/// The newest version that is as the document says; where there is none, the newest of all.
pub(in crate::cloud::aws) async fn read(
    aws: &Inner,
    sight: &Sight,
    document: &Document,
) -> Result<Reading, CloudError> {
    let name = &document.name;
    let wanted = Fingerprint::of_document(document);
    let text = document.properties["description"].as_str();
    let all = versions(aws, sight, name).await?;
    // A description is quickly looked at, and proves nothing: the digest does.
    for candidate in all.iter().filter(|version| version.description() == text) {
        if let Some(version) = version(aws, sight, name, candidate.version()).await? {
            let live = live(name, &version);
            if Fingerprint::of(Kind::PolicyLayer, &live.properties) == wanted {
                return Ok(Reading::Present(live));
            }
        }
    }
    // What functions were told of was there once: then somebody deleted it.
    let given = was_given(aws, sight, text).await?.then_some(wanted);
    for newest in all.iter() {
        if let Some(version) = version(aws, sight, name, newest.version()).await? {
            let live = live(name, &version);
            // The same rules for another architecture, or packed by another release: the files moved, nobody else did.
            let same_rules = version.description() == text;
            return Ok(Reading::Present(Live {
                applied: given.filter(|_| !same_rules).or(live.applied),
                ..live
            }));
        }
    }
    Ok(Reading::Absent { applied: given })
}

/// Says whether a function of the environment was told of the rules that this description names.
async fn was_given(aws: &Inner, sight: &Sight, text: Option<&str>) -> Result<bool, CloudError> {
    for base in aws.bases.values() {
        let function = function(aws, sight, base).await?;
        let variables = function
            .as_ref()
            .and_then(|found| found.configuration.environment())
            .and_then(|environment| environment.variables());
        let digest = variables.and_then(|variables| variables.get(RULES_DIGEST));
        if text.is_some() && digest.map(|digest| description(digest)).as_deref() == text {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Publishes a version, and deletes versions that are too old to go back to.
pub(in crate::cloud::aws) async fn put(
    aws: &Inner,
    _: &Sight,
    document: &Document,
) -> Result<(), CloudError> {
    let name = &document.name;
    let zip = policy_layer::archive(document)
        .map_err(|fault| lasting("publish", &document.address, fault.to_string()))?;
    let zip = Blob::new(zip);
    let wanted = &document.properties;
    let runtimes: Vec<Runtime> = texts(&wanted["compatible_runtimes"])
        .iter()
        .map(|runtime| Runtime::from(runtime.as_str()))
        .collect();
    let architectures: Vec<Architecture> = texts(&wanted["compatible_architectures"])
        .iter()
        .map(|architecture| Architecture::from(architecture.as_str()))
        .collect();
    aws.caller
        .make(Operation::PublishLayerVersion, name, || {
            aws.lambda
                .publish_layer_version()
                .layer_name(name)
                .set_description(wanted["description"].as_str().map(str::to_owned))
                .content(
                    LayerVersionContentInput::builder()
                        .zip_file(zip.clone())
                        .build(),
                )
                .set_compatible_runtimes(Some(runtimes.clone()))
                .set_compatible_architectures(Some(architectures.clone()))
                .send()
        })
        .await?;
    tidy(aws, name).await
}

/// Deletes what we published, but the newest versions and those that a function has attached. A function goes on with a
/// version that is deleted, but nobody could say any more what it judges by.
async fn tidy(aws: &Inner, name: &str) -> Result<(), CloudError> {
    let sight = Sight::default();
    let all = versions(aws, &sight, name).await?;
    let old: Vec<i64> = all
        .iter()
        .skip(1 + KEPT)
        .filter(|version| {
            version
                .description()
                .is_some_and(|text| text.starts_with(DESCRIPTION))
        })
        .map(LayerVersionsListItem::version)
        .collect();
    if old.is_empty() {
        return Ok(());
    }
    let mut attached = BTreeSet::new();
    for base in aws.bases.values() {
        let function = function(aws, &sight, base).await?;
        let layers = function.as_ref().map(|found| found.configuration.layers());
        attached.extend(
            layers
                .unwrap_or_default()
                .iter()
                .filter_map(|layer| layer.arn().map(str::to_owned)),
        );
    }
    for number in old {
        if !attached.contains(&version_arn(&aws.location, name, number)) {
            delete_version(aws, name, number).await?;
        }
    }
    Ok(())
}

async fn delete_version(aws: &Inner, name: &str, number: i64) -> Result<(), CloudError> {
    let arn = version_arn(&aws.location, name, number);
    let answer = aws
        .caller
        .make(Operation::DeleteLayerVersion, &arn, || {
            aws.lambda
                .delete_layer_version()
                .layer_name(name)
                .version_number(number)
                .send()
        })
        .await;
    gone(answer)
}

/// Deletes every version: a layer is what its versions are.
pub(in crate::cloud::aws) async fn delete(aws: &Inner, name: &str) -> Result<(), CloudError> {
    for version in versions(aws, &Sight::default(), name).await?.iter() {
        delete_version(aws, name, version.version()).await?;
    }
    Ok(())
}

/// The layer where no document asks for it: the environment is taken down, or its engine needs none any more.
pub(in crate::cloud::aws) async fn left(
    aws: &Inner,
    sight: &Sight,
) -> Result<Vec<Found>, CloudError> {
    let is_asked = sight
        .documents
        .iter()
        .any(|document| document.kind == Kind::PolicyLayer);
    let name = layer_name(&aws.environment);
    if is_asked {
        return Ok(Vec::new());
    }
    for newest in versions(aws, sight, &name).await?.iter() {
        if let Some(version) = version(aws, sight, &name, newest.version()).await? {
            let live = live(&name, &version);
            return Ok(vec![Found {
                address: Document::address_of(EVERY_CLUSTER, Kind::PolicyLayer, &name),
                kind: Some(Kind::PolicyLayer),
                digest: Some(Fingerprint::of(Kind::PolicyLayer, &live.properties)),
                applied: live.applied,
                name,
            }]);
        }
    }
    Ok(Vec::new())
}

/// The content of a layer: where it can be read for a short time, and what it must be.
pub(in crate::cloud::aws) struct Content {
    /// ARN of the version.
    pub(in crate::cloud::aws) arn: String,
    /// The address. It holds a signature: whoever knows it can read the content.
    pub(in crate::cloud::aws) address: String,
    /// Digest of the content, as Lambda names it.
    pub(in crate::cloud::aws) code_sha256: String,
}

/// The content of the layer with rules that a function has attached now; `None` where it has none.
pub(in crate::cloud::aws) async fn content(
    aws: &Inner,
    function_document: &Document,
) -> Result<Option<Content>, CloudError> {
    let sight = Sight::default();
    let function = function(aws, &sight, &function_document.name).await?;
    let layers = function.as_ref().map(|found| found.configuration.layers());
    let mut arns = layers
        .unwrap_or_default()
        .iter()
        .filter_map(|layer| layer.arn());
    let Some((arn, (name, number))) = arns.find_map(|arn| Some((arn, own(aws, arn)?))) else {
        return Ok(None);
    };
    let Some(version) = version(aws, &sight, name, number).await? else {
        return Err(CloudError::NotFound {
            resource: arn.to_owned(),
        });
    };
    let content = version.content();
    let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
    Ok(Some(Content {
        arn: arn.to_owned(),
        address: text(content.and_then(|content| content.location())),
        code_sha256: text(content.and_then(|content| content.code_sha256())),
    }))
}
