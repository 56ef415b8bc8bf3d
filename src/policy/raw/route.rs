//! Receivers of some detections, as written.

use schemars::JsonSchema;

use super::sensitivity::{RawSeverity, RawSignalName};
use super::{OneOrMany, RawSecret};

/// Receivers of some detections. All conditions that are present must hold; a list means "any of".
#[derive(Debug, Clone, Default, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Route")]
pub struct RawRoute {
    /// Email addresses.
    #[schemars(length(max = 20), inner(regex(pattern = r"^[^\s@]+@[^\s@]+\.[^\s@]+$")), example = ["payments@example.com"])]
    pub email: Option<Vec<String>>,
    /// HTTPS endpoints of incident platforms. They are secrets: write references, not the addresses.
    #[schemars(length(max = 5), example = serde_json::json!([{"from_env": "PAYMENTS_URL"}]))]
    pub https: Option<Vec<RawSecret>>,
    /// Severities of the detection.
    #[schemars(example = &"critical")]
    pub severity: Option<OneOrMany<RawSeverity>>,
    /// Signals that count the records.
    #[schemars(example = &"privilege")]
    pub signal: Option<OneOrMany<RawSignalName>>,
    /// Teams of the person, as `users` names them.
    #[schemars(example = &"payments")]
    pub team: Option<OneOrMany<String>>,
    /// Owners of the person's entry in `users`.
    #[schemars(example = &"payments-lead")]
    pub owner: Option<OneOrMany<String>>,
}
