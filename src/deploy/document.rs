//! Fingerprints of documents: what was last applied, without keeping it.

use std::fmt;

use crate::digest::sha256;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use crate::compile::resources::{
    Document, EVERY_CLUSTER, Kind, Ownership, PolicyLayer, Provenance, canonical, file_of,
    normalise, pretty,
};

/// Counts up when documents of the same policy come out differently: an older fingerprint then says nothing.
const SHAPE: u32 = 1;

/// Digest of the normalised properties of a resource, desired or live.
///
/// Its text fits a tag: `1-` and 64 hexadecimal digits, where `1` is the shape of the documents.
#[derive(
    Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(transparent)]
pub struct Fingerprint(String);

impl Fingerprint {
    /// The fingerprint of properties as they stand, but for those that a digest among the others vouches for.
    pub fn of(kind: Kind, properties: &Value) -> Self {
        let mut properties = compared(kind, properties);
        normalise(kind, &mut properties);
        Self(format!(
            "{SHAPE}-{}",
            sha256(format!("{kind}\n{}", canonical(&properties)))
        ))
    }

    /// The fingerprint of what a document asks for.
    pub fn of_document(document: &Document) -> Self {
        Self::of(document.kind, &document.properties)
    }

    /// Reads a fingerprint that was written beside a resource; `None` for another shape or another text.
    pub fn parse(text: &str) -> Option<Self> {
        let hex = text.trim().strip_prefix(&format!("{SHAPE}-"))?;
        let valid = hex.len() == 64
            && hex
                .bytes()
                .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        valid.then(|| Self(format!("{SHAPE}-{hex}")))
    }

    /// Its text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The properties that are compared.
pub(super) fn compared(kind: Kind, properties: &Value) -> Value {
    let mut properties = properties.clone();
    if let Value::Object(properties) = &mut properties {
        for field in kind.vouched() {
            properties.remove(*field);
        }
    }
    properties
}
