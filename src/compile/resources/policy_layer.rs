//! The rules of an environment as a Lambda layer: one for all its monitors, so that a change of rules is published once.
//!
//! A version of a layer is never changed, and its number is known only to who published it. So documents name a version by
//! the layer's name and by `CodeSha256`, the digest by which Lambda knows its contents; whoever deploys finds the number.

use serde_json::{Value, json};

use super::document::{Document, EVERY_CLUSTER, Kind, Ownership, Provenance, normalise};
use super::{Location, RUNTIME};
use crate::compile::name::policy_layer;
use crate::judge::{Rules, RulesError};
use crate::package::{ArchiveFault, code_sha256, layer};
use crate::policy::model::Environment;

/// What the description of a version begins with. The digest of its rules follows.
pub const DESCRIPTION: &str = "pgvigil rules ";

/// The layer with an environment's rules.
#[derive(Debug, Clone, PartialEq)]
pub struct PolicyLayer {
    pub name: String,
    /// Digest of the rules: what the function compares with.
    pub digest: String,
    /// Digest of the zip file, as Lambda shows it.
    pub code_sha256: String,
    /// The rules, as they stand in the file.
    rules: Value,
}

/// Why a document gives no layer.
#[derive(Debug, thiserror::Error)]
pub enum LayerFault {
    /// It holds no rules.
    #[error(transparent)]
    Rules(#[from] RulesError),
    /// Lambda would not take them.
    #[error(transparent)]
    Archive(#[from] ArchiveFault),
    /// It holds other rules than its digest says.
    #[error("the rules in the document do not match its digest: compile it again")]
    Digest,
}

impl PolicyLayer {
    /// The layer for an environment.
    pub fn of(environment: &Environment, rules: &Rules) -> Self {
        let bytes = rules.to_bytes();
        Self {
            name: policy_layer(environment),
            digest: rules.digest(),
            // Rules that are too large for a layer are refused where they are published.
            code_sha256: layer::write(&bytes)
                .map(|zip| code_sha256(&zip))
                .unwrap_or_default(),
            rules: serde_json::from_slice(&bytes).unwrap_or_default(),
        }
    }

    /// Its address: the same for every cluster.
    pub fn address(&self) -> String {
        Document::address_of(EVERY_CLUSTER, Kind::PolicyLayer, &self.name)
    }

    /// The version that a function has attached.
    pub fn reference(&self) -> Value {
        reference(&self.name, Some(&self.code_sha256))
    }

    pub fn document(&self, environment: &Environment, provenance: Provenance) -> Document {
        let mut properties = json!({
            "name": self.name,
            "description": description(&self.digest),
            "code_sha256": self.code_sha256,
            "compatible_runtimes": [RUNTIME],
            "compatible_architectures": [environment.monitor.architecture.name()],
            "rules": self.rules,
        });
        normalise(Kind::PolicyLayer, &mut properties);
        Document {
            address: self.address(),
            kind: Kind::PolicyLayer,
            name: self.name.clone(),
            depends_on: Vec::new(),
            ownership: Ownership::Owned,
            provenance,
            properties,
        }
    }
}

/// How a document names a version of a layer; without the digest it is one that is no longer there.
pub fn reference(name: &str, code_sha256: Option<&str>) -> Value {
    json!({ "name": name, "code_sha256": code_sha256 })
}

/// The description of a version with these rules: it tells which versions are worth a closer look, and proves nothing.
pub fn description(digest: &str) -> String {
    format!("{DESCRIPTION}{digest}")
}

/// The ARN of a version, as functions name it.
pub fn version_arn(at: &Location, name: &str, version: i64) -> String {
    at.arn("lambda", &format!("layer:{name}:{version}"))
}

/// The rules in the properties of a layer.
///
/// # Errors
/// If there are none that this version of pgvigil reads.
pub fn rules(properties: &Value) -> Result<Rules, RulesError> {
    let written = properties.get("rules").cloned().unwrap_or_default();
    Rules::from_bytes(&serde_json::to_vec(&written).unwrap_or_default())
}

/// The zip file that a document describes.
///
/// # Errors
/// If the document's rules and digest do not belong together.
pub fn archive(document: &Document) -> Result<Vec<u8>, LayerFault> {
    let zip = layer::write(&rules(&document.properties)?.to_bytes())?;
    let wanted = document
        .properties
        .get("code_sha256")
        .and_then(Value::as_str);
    if wanted == Some(code_sha256(&zip).as_str()) {
        Ok(zip)
    } else {
        Err(LayerFault::Digest)
    }
}

/// Names the digest of the rules that stand there now, whatever was written beside them. Where they are not rules any more,
/// there is none.
pub fn vouch(properties: &mut Value) {
    let digest = rules(properties)
        .ok()
        .and_then(|rules| layer::write(&rules.to_bytes()).ok())
        .map(|zip| code_sha256(&zip));
    if let Value::Object(properties) = properties {
        properties.insert("code_sha256".to_owned(), json!(digest));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit_log::prefix::LogLinePrefix;
    use crate::compile::resources::testing::environment;
    use crate::package::layer::read;

    fn compiled() -> (Rules, Document) {
        let rules = Rules::new(LogLinePrefix::Short);
        let environment = environment("prod", &["orders", "billing"]);
        let provenance = Provenance {
            policy: String::new(),
            query: String::new(),
        };
        let document = PolicyLayer::of(&environment, &rules).document(&environment, provenance);
        (rules, document)
    }

    #[test]
    fn a_document_gives_the_layer_that_its_digest_names() {
        let (rules, document) = compiled();
        let zip = archive(&document).unwrap();
        assert_eq!(read(&zip).unwrap(), rules.to_bytes());
        assert_eq!(document.properties["code_sha256"], code_sha256(&zip));
        let text = document.properties["description"].as_str().unwrap();
        assert_eq!(text, format!("pgvigil rules {}", rules.digest()));
        // CreateFunction's and PublishLayerVersion's limit of a description.
        assert!(text.len() <= 256);
    }

    #[test]
    fn other_rules_than_the_digest_names_are_refused() {
        let (_, mut document) = compiled();
        document.properties["rules"]["signals"] = json!([]);
        assert!(matches!(archive(&document), Err(LayerFault::Digest)));
        document.properties["rules"] = json!({});
        assert!(matches!(archive(&document), Err(LayerFault::Rules(_))));
    }
}
