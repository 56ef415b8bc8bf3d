//! A detection as an event of EventBridge: what rules on the bus match, and what their targets get.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::detection::Detection;

/// The `source` of every event. Only AWS's own begin with `aws.`.
pub const SOURCE: &str = "pgvigil";

/// The `detail-type` of every event.
pub const DETAIL_TYPE: &str = "pgvigil detection";

/// An event as EventBridge hands it to the targets of a rule: the envelope is AWS's, and `detail` is the detection record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Event {
    /// Version of the envelope.
    pub version: String,
    /// The event's id, which EventBridge gives it.
    pub id: String,
    /// `pgvigil detection`.
    pub detail_type: String,
    /// `pgvigil`.
    pub source: String,
    /// The account of the monitor.
    pub account: String,
    /// When the last record of the detection was written, in UTC, to the second.
    #[schemars(with = "String")]
    pub time: Timestamp,
    /// The region of the monitor.
    pub region: String,
    /// None: pgvigil names no resources.
    pub resources: Vec<String>,
    /// The detection record.
    pub detail: Detection,
}
