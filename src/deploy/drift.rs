//! What was changed outside pgvigil: the plan's other half, for a watch that changes nothing.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::alteration::{self, Alteration};
use super::blame::Blame;
use super::document::Document;
use super::plan::{Drift, FORMAT_VERSION, PlanError, Unread, look};
use super::port::{Identity, Reader};
use super::rules::RulesChange;
use super::verdict::{Outcome, Verdict};

/// What somebody else changed in an environment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct DriftReport {
    /// Version of this form.
    pub format_version: u32,
    /// Where.
    pub identity: Identity,
    /// Four-way; absent when something could not be read.
    pub outcome: Option<Outcome>,
    /// What was changed, resource by resource.
    pub drift: Vec<Drift>,
    /// The same edit on several resources, told once.
    pub alike: Vec<Alike>,
    /// What functions judge by now in the place of the rules that the files declare, where somebody else changed it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rules: Vec<RulesChange>,
    /// What changes the watched logs before a query sees them, with what it does. Those that were read are among `drift`
    /// too.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub alterations: Vec<Alteration>,
    /// What could not be read.
    pub unread: Vec<Unread>,
    /// What a person should know about resources that did not drift, by address: such as a subscription that waits for
    /// its confirmation.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub notes: BTreeMap<String, String>,
    /// Who changed it, by address, where that was asked.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub blame: BTreeMap<String, Blame>,
}

/// One edit that several resources share.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Alike {
    /// The field.
    pub path: String,
    /// The resources, by address; two at least.
    pub addresses: Vec<String>,
}

/// Compares and reports. It is given a [`Reader`], so that it cannot change anything.
pub fn drift(
    identity: &Identity,
    documents: &[Document],
    reader: &dyn Reader,
) -> Result<DriftReport, PlanError> {
    let (plan, ..) = look(identity, documents, reader, &BTreeSet::new())?;
    let mut edits: BTreeMap<(String, String), Vec<String>> = BTreeMap::new();
    for drift in &plan.drift {
        for change in &drift.changes {
            let what = serde_json::to_string(change).unwrap_or_default();
            edits
                .entry((change.path.clone(), what))
                .or_default()
                .push(drift.address.clone());
        }
    }
    let alike = edits
        .into_iter()
        .filter(|(_, addresses)| addresses.len() > 1)
        .map(|((path, _), addresses)| Alike { path, addresses })
        .collect();
    let notes = plan
        .resources
        .iter()
        .filter(|resource| resource.verdict == Verdict::Clean)
        .filter_map(|resource| Some((resource.address.clone(), resource.note.clone()?)))
        .collect();
    let drifted: BTreeSet<&str> = plan
        .drift
        .iter()
        .map(|drift| drift.address.as_str())
        .collect();
    let rules = plan
        .rules
        .iter()
        .filter_map(|change| change.of_drifted(&drifted))
        .collect();
    let unseen: Vec<Unread> = alteration::unread(&plan).collect();
    Ok(DriftReport {
        format_version: FORMAT_VERSION,
        identity: plan.identity.clone(),
        // A mask that nobody may see blinds as one that is seen.
        outcome: plan.outcome().ok().filter(|_| unseen.is_empty()),
        rules,
        drift: plan.drift,
        alterations: plan.alterations,
        alike,
        unread: plan.unread.into_iter().chain(unseen).collect(),
        notes,
        blame: BTreeMap::new(),
    })
}
