//! What is left to do after an apply: the plan once more, which should be empty.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::document::Document;
use super::plan::{Action, Plan, PlanError, plan};
use super::port::Reader;

/// Something that is not as the plan wanted it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Left {
    /// Its address, or what was to be listed.
    pub address: String,
    /// Why.
    pub why: String,
}

/// Compares what a plan wanted with what is live now. It is given a [`Reader`], so that it cannot change anything.
pub fn left(done: &Plan, reader: &dyn Reader) -> Result<Vec<Left>, PlanError> {
    let documents: Vec<Document> = done
        .resources
        .iter()
        .filter_map(|resource| resource.desired.clone())
        .collect();
    let deleted = done.deletes();
    let now = plan(&done.identity, &documents, reader, &BTreeSet::new())?;
    let mut left: Vec<Left> = now
        .unread
        .iter()
        .map(|unread| Left {
            address: unread.address.clone(),
            why: format!("it could not be read: {}", unread.error),
        })
        .collect();
    for resource in &now.resources {
        let why = if deleted.contains(&resource.address) {
            "it is still there".to_owned()
        } else if resource.action != Action::None {
            let note = resource.note.as_ref();
            note.map_or_else(
                || format!("{}, {}", resource.action.name(), resource.verdict.name()),
                Clone::clone,
            )
        } else if resource.remember {
            "its fingerprint does not record this apply".to_owned()
        } else {
            continue;
        };
        left.push(Left {
            address: resource.address.clone(),
            why,
        });
    }
    Ok(left)
}
