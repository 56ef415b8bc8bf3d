//! The monitor's configuration: the environment variables of the Lambda function.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::policy::model::Environment;

/// Bytes that the names and values of a function's variables may take together (AWS Lambda quotas,
/// "Environment variables").
pub const ENVIRONMENT_LIMIT: usize = 4096;

/// The level of zstd that packs the query best; it is done once for each compilation.
const COMPRESSION_LEVEL: i32 = 22;

/// What the monitor needs beside the environment's own settings.
#[derive(Debug, Clone, Copy)]
pub struct MonitorInputs<'a> {
    /// Text of the alarm query.
    pub query: &'a str,
    /// Digest of that text.
    pub query_digest: &'a str,
    /// Digest of the policy files.
    pub policy_digest: &'a str,
}

/// The variables for a monitor of these log groups, sorted by name.
///
/// `PGVIGIL_QUERY` is the query as base64 of zstd: as plain text it rarely fits.
pub fn monitor_environment(
    environment: &Environment,
    log_groups: &[String],
    inputs: MonitorInputs<'_>,
) -> BTreeMap<String, String> {
    let monitor = &environment.monitor;
    let packed = zstd::encode_all(inputs.query.as_bytes(), COMPRESSION_LEVEL).unwrap_or_default();
    [
        ("LOG_GROUP_NAME", log_groups.join(",")),
        ("METRIC_NAMESPACE", monitor.namespace.clone()),
        ("QUERY_WINDOW_MINUTES", monitor.window_minutes.to_string()),
        ("PGVIGIL_ENVIRONMENT", environment.name.clone()),
        ("PGVIGIL_LATE_ARRIVAL_MINUTES", monitor.late_arrival_minutes.to_string()),
        ("PGVIGIL_POLICY_DIGEST", inputs.policy_digest.to_owned()),
        ("PGVIGIL_QUERY", STANDARD.encode(&packed)),
        ("PGVIGIL_QUERY_DIGEST", inputs.query_digest.to_owned()),
        ("PGVIGIL_SETTLE_SECONDS", monitor.settle_seconds.to_string()),
    ]
    .into_iter()
    .map(|(name, value)| (name.to_owned(), value))
    .collect()
}

/// Bytes that Lambda counts: names and values.
pub fn size(variables: &BTreeMap<String, String>) -> usize {
    variables.iter().map(|(name, value)| name.len() + value.len()).sum()
}
