//! A detection as an event of EventBridge: what rules on the bus match, and what their targets get.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::detection::Window;

/// The `source` of every event. Only AWS's own begin with `aws.`.
pub const SOURCE: &str = "pgvigil";

/// The `detail-type` of a detection.
pub const DETAIL_TYPE: &str = "pgvigil detection";

/// The `detail-type` of an event that says how many detections have none.
pub const LEFT_OUT_TYPE: &str = "pgvigil detections left out";

/// The `record` of what has no event.
pub const LEFT_OUT: &str = "pgvigil.events_left_out";

/// Version of its form.
pub const LEFT_OUT_VERSION: u32 = 1;

/// An event as EventBridge hands it to the targets of a rule: the envelope is AWS's, and `detail` is a record of the monitor.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Event<D> {
    /// Version of the envelope.
    pub version: String,
    /// The event's id, which EventBridge gives it.
    pub id: String,
    /// `pgvigil detection`, or `pgvigil detections left out`.
    pub detail_type: String,
    /// `pgvigil`.
    pub source: String,
    /// The account of the monitor.
    pub account: String,
    /// When the last record of the detection was written, in UTC, to the second; of detections that were left out, the end of
    /// their window.
    #[schemars(with = "String")]
    pub time: Timestamp,
    /// The region of the monitor.
    pub region: String,
    /// None: pgvigil names no resources.
    pub resources: Vec<String>,
    /// The record.
    pub detail: D,
}

/// How many new detections of one window of one log group have no event, because there are too many.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LeftOut {
    /// `pgvigil.events_left_out`.
    pub record: String,
    /// Version of this form. A field may be added without a new one.
    pub version: u32,
    /// The window.
    pub window: Window,
    /// The environment.
    pub environment: String,
    /// The cluster.
    pub cluster: String,
    /// The log group.
    pub log_group: String,
    /// New detections that have an event.
    pub sent: u64,
    /// New detections without one. Their records are in the monitor's log.
    pub left_out: u64,
}
