//! The result as the document that is kept, and from which the other forms can be made later.

use schemars::JsonSchema;
use serde::Serialize;

use crate::ci::{CiResult, Decision};
use crate::deploy::document::pretty;
use crate::report::escape;

/// `result.json` of `pgvigil ci`.
#[derive(Serialize, JsonSchema)]
pub struct Document<'a> {
    /// What the run came to.
    #[serde(flatten)]
    result: &'a CiResult,
    /// Whether to merge, and why: follows from the rest. Only where the run was for a change.
    #[serde(skip_serializing_if = "Option::is_none")]
    decision: Option<Decision>,
}

/// One object. Hostile characters are spelt out.
pub fn render(result: &CiResult) -> String {
    let document = Document {
        result,
        decision: result.decision(),
    };
    let value = serde_json::to_value(document).unwrap_or_default();
    escape::json(&pretty(&value))
}
