//! What the exports for other engines share: every field of a document is expressed or refused, none is lost.

use thiserror::Error;

use super::resources::policy_layer::{self, LayerFault};
use super::resources::{Document, Kind, Location};
use crate::policy::model::Environment;

mod fields;
mod label;
#[cfg(test)]
pub(crate) mod testing;

pub(crate) use fields::Fields;
pub(crate) use label::{label, pascal, tail};

/// A file of an export.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExportFile {
    /// Where it stands below the output folder, with forward slashes: `ENV/…`.
    pub path: String,
    pub bytes: Vec<u8>,
}

/// The file of the layer with these rules. Its name holds their digest, so that an engine which is told of other rules
/// looks for another file: one that nobody handed on stops the deployment.
pub fn layer_file(digest: &str) -> String {
    format!("policy-{digest}.zip")
}

/// Says whether a file bears a name that [`layer_file`] gives.
pub fn is_layer_file(name: &str) -> bool {
    let digest = name
        .strip_prefix("policy-")
        .and_then(|rest| rest.strip_suffix(".zip"));
    digest.is_some_and(|digest| {
        digest.len() == 64
            && digest
                .bytes()
                .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
    })
}

/// Name and contents of the file with a document's layer.
pub(crate) fn layer(document: &Document) -> Result<(String, Vec<u8>), ExportFault> {
    let fault = |fault: LayerFault| ExportFault::Layer {
        address: document.address.clone(),
        fault: fault.to_string(),
    };
    let zip = policy_layer::archive(document).map_err(fault)?;
    let rules = policy_layer::rules(&document.properties).map_err(|error| fault(error.into()))?;
    Ok((layer_file(&rules.digest()), zip))
}

/// Why an environment cannot be exported.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ExportFault {
    /// It belongs to no account.
    #[error(
        "the environment `{environment}` has no AWS account: only environments of the provider `aws` can be exported"
    )]
    NoAccount { environment: String },
    /// The document lacks a field that the target needs.
    #[error("{address}: `{field}` is missing or has the wrong type")]
    Missing { address: String, field: String },
    /// The target has no word for the field, or not for this value.
    #[error("{address}: the target cannot express `{field}` = {value}")]
    Inexpressible {
        address: String,
        field: String,
        /// The value, as JSON.
        value: String,
    },
    /// The document describes no layer.
    #[error("{address}: {fault}")]
    Layer {
        address: String,
        /// What is wrong with it.
        fault: String,
    },
    /// Two resources would bear one name in the export.
    #[error("{address}: another resource of the export has the name `{label}` too")]
    SameLabel {
        address: String,
        /// The name in the export.
        label: String,
    },
    /// The text would be read as a reference to a secret or a parameter, and replaced.
    #[error("{file}: contains `{text}`, which the engine would replace")]
    Replaced {
        /// The file of the export.
        file: String,
        /// The text that is replaced.
        text: String,
    },
    /// More than the engine takes.
    #[error("{file}: {size} {unit}; the limit is {limit}")]
    TooLarge {
        /// The file of the export.
        file: String,
        size: usize,
        /// The signals that are counted.
        unit: &'static str,
        /// Most that the engine takes.
        limit: usize,
    },
}

/// Where an environment is deployed; an environment of the provider `local` is deployed nowhere.
pub(crate) fn location(environment: &Environment) -> Result<Location, ExportFault> {
    if environment.account.is_none() || environment.region.is_none() {
        return Err(ExportFault::NoAccount {
            environment: environment.name.clone(),
        });
    }
    Ok(Location::of(environment))
}

/// The cluster that a document belongs to: the first part of its address.
pub(crate) fn cluster(document: &Document) -> &str {
    document.address.split('/').next().unwrap_or_default()
}

/// The kind of the document at an address: its second part.
pub(crate) fn kind_at(address: &str) -> Option<Kind> {
    Kind::from_name(address.split('/').nth(1)?)
}

/// Says whether an engine must never destroy what it made: it holds evidence, or what evidence and alerts depend on,
/// or cannot be had back. An engine destroys whatever leaves its files, and nobody names it.
pub(crate) fn is_retained(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::LogGroup | Kind::KmsKey | Kind::KmsAlias | Kind::SnsTopic
    )
}
