//! The detection records: what auditors ask for, one JSON line for each group and window.
//!
//! There is no text of SQL in them: what was judged leaves names and sums alone. The monitor writes these lines into its log,
//! and a report reads them there.

use std::collections::BTreeMap;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::policy::model::{Severity, Signal};

/// The `record` of a detection.
pub const DETECTION: &str = "pgvigil.detection";

/// Version of a detection's form. A field may be added without a new one.
pub const DETECTION_VERSION: u32 = 2;

/// The `record` of what exclusions silenced.
pub const SUPPRESSED: &str = "pgvigil.suppressed";

/// Version of its form.
pub const SUPPRESSED_VERSION: u32 = 1;

/// One line of the detections: a group that counts in one window.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Detection {
    /// `pgvigil.detection`.
    pub record: String,
    /// Version of this form. A field may be added without a new one.
    pub version: u32,
    /// The window.
    pub window: Window,
    /// Digest of the rules that judged.
    pub rules: String,
    /// Digest of the policy that they were compiled of.
    pub policy: String,
    /// The environment.
    pub environment: String,
    /// The cluster.
    pub cluster: String,
    /// The log group.
    pub log_group: String,
    /// The signals that count it.
    pub signals: Vec<Signal>,
    /// Role.
    pub user: String,
    /// Database.
    pub database: String,
    /// Client address.
    pub client: String,
    /// Class of pgAudit.
    pub class: String,
    /// Command.
    pub command: String,
    /// Object.
    pub object: String,
    /// Statements that count.
    pub statements: u64,
    /// Records of pgAudit that count: one statement may have several.
    pub records: u64,
    /// Records that could not be judged one by one, and count for that.
    pub not_judged: u64,
    /// When the first was written, in UTC.
    #[schemars(with = "String")]
    pub first_seen: Timestamp,
    /// When the last was written.
    #[schemars(with = "String")]
    pub last_seen: Timestamp,
    /// The server's process, where one alone did it.
    #[serde(default)]
    pub process: Option<String>,
    /// Whether the group was not seen in an earlier run of this window.
    pub new: bool,
    /// Whether the window held more groups than one query returns.
    pub incomplete: bool,
    /// The id of the access grant that covers it; none if it is not expected.
    #[serde(default)]
    pub expected: Option<String>,
    /// When that grant ends, in UTC.
    #[serde(default)]
    pub expected_until: Option<String>,
    /// How much it matters.
    #[serde(default)]
    pub severity: Severity,
    /// Why it matters as much.
    #[serde(default)]
    pub severity_reason: String,
    /// Who answers for the role's entry in the policy; none if no file declares the role.
    #[serde(default)]
    pub owner: Option<String>,
    /// The person's team.
    #[serde(default)]
    pub team: Option<String>,
    /// The person's name in single sign-on or IAM, as the policy has it.
    #[serde(default)]
    pub identity: Option<String>,
    /// What the session calls itself, where several people use the role. The person who connects chooses it.
    #[serde(default)]
    pub session_name: Option<String>,
}

/// One line of what exclusions silenced in one window.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Suppressed {
    /// `pgvigil.suppressed`.
    pub record: String,
    /// Version of this form.
    pub version: u32,
    /// The window.
    pub window: Window,
    /// Digest of the rules that judged.
    pub rules: String,
    /// Digest of the policy that they were compiled of.
    pub policy: String,
    /// The environment.
    pub environment: String,
    /// The cluster.
    pub cluster: String,
    /// The log group.
    pub log_group: String,
    /// Records by the id of the exclusion that silences them.
    pub records: BTreeMap<String, u64>,
}

/// A span of time, in UTC.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
pub struct Window {
    /// Its first moment.
    #[schemars(with = "String")]
    pub start: Timestamp,
    /// The first moment after it.
    #[schemars(with = "String")]
    pub end: Timestamp,
}
