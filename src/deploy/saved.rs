//! A plan in a file: what was looked at is what is applied, or nothing is.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::document::{Document, Fingerprint, Kind, canonical, pretty};
use super::plan::{FORMAT_VERSION, Plan};
use crate::digest::sha256;

/// When a plan was made, and with what. Whoever saves it says so: this room has no clock.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Made {
    /// Time, as RFC 3339 writes it.
    pub made_at: String,
    /// The program with its version.
    pub made_by: String,
}

/// A plan with its origin.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SavedPlan {
    /// The plan.
    #[serde(flatten)]
    pub plan: Plan,
    /// Where it comes from.
    #[serde(flatten)]
    pub made: Made,
}

/// Why a saved plan cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SavedPlanError {
    /// Not a plan.
    #[error("this is not a saved plan: {0}")]
    NotAPlan(#[from] serde_json::Error),
    /// Another version's.
    #[error(
        "the plan has format version {0}, but this pgvigil reads version {FORMAT_VERSION}: make the plan again"
    )]
    Version(u64),
    /// Changed since it was written.
    #[error("the plan was changed after it was made: make it again")]
    Edited,
}

/// A saved plan as it stands in a file.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct Sealed {
    #[serde(flatten)]
    saved: SavedPlan,
    /// Of everything else: a plan that was changed since it was made is refused.
    digest: String,
}

impl SavedPlan {
    /// The text of the file, with a digest over it. It holds references to secrets, and no secret.
    pub fn to_text(&self) -> String {
        let sealed = Sealed {
            saved: self.clone(),
            digest: self.digest(),
        };
        pretty(&serde_json::to_value(sealed).unwrap_or_default())
    }

    /// Reads a saved plan and refuses one that was changed since.
    pub fn from_text(text: &str) -> Result<Self, SavedPlanError> {
        let value: Value = serde_json::from_str(text)?;
        match value.get("format_version").and_then(Value::as_u64) {
            Some(version) if version != u64::from(FORMAT_VERSION) => {
                return Err(SavedPlanError::Version(version));
            }
            _ => {}
        }
        let sealed: Sealed = serde_json::from_value(value)?;
        if sealed.digest == sealed.saved.digest() {
            Ok(sealed.saved)
        } else {
            Err(SavedPlanError::Edited)
        }
    }

    fn digest(&self) -> String {
        sha256(canonical(&serde_json::to_value(self).unwrap_or_default()))
    }
}

/// Addresses at which a plan asks for something else than the files do now, sorted.
///
/// Such a plan is never applied: it may hold an exclusion that has ended since, or an alarm that the repository
/// has made sharper, and would silence the watch without a word. The code of a function is no part of the files.
pub fn moved(plan: &Plan, documents: &[Document]) -> Vec<String> {
    let asked = |documents: &mut dyn Iterator<Item = &Document>| -> BTreeMap<String, Fingerprint> {
        documents
            .map(|document| (document.address.clone(), asked_for(document)))
            .collect()
    };
    let then = asked(
        &mut plan
            .resources
            .iter()
            .filter_map(|resource| resource.desired.as_ref()),
    );
    let now = asked(&mut documents.iter());
    let addresses: BTreeSet<&String> = then.keys().chain(now.keys()).collect();
    addresses
        .into_iter()
        .filter(|address| then.get(*address) != now.get(*address))
        .cloned()
        .collect()
}

fn asked_for(document: &Document) -> Fingerprint {
    let mut properties = document.properties.clone();
    if let (Kind::LambdaFunction, Value::Object(properties)) = (document.kind, &mut properties) {
        properties.remove("code");
    }
    Fingerprint::of(document.kind, &properties)
}
