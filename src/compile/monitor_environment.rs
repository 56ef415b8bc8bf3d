//! The monitor's configuration: the environment variables of the Lambda function. What it judges by is no part of them: the
//! rules are a file in its layer, and a variable names their digest. So the variables take less than a kilobyte, whatever
//! the policy.

use std::collections::BTreeMap;

use crate::policy::model::Environment;

/// Names the digest of the rules. The function compares it with the file in its layer and does not start when they differ.
pub const RULES_DIGEST: &str = "PGVIGIL_RULES_DIGEST";

/// The same while a function is brought from the engine that ran a compiled query to the one that judges. The engine of
/// before refuses variables that begin with `PGVIGIL_` and that it does not know; this one it ignores. The engine of today
/// reads it where [`RULES_DIGEST`] is missing, and then ignores the names in [`FORMER`].
pub const BRIDGE: &str = "RULES_DIGEST_AT_UPGRADE";

/// What the engine of before needs, and today's does not know.
pub const FORMER: &[&str] = &["PGVIGIL_QUERY", "PGVIGIL_QUERY_DIGEST", "PGVIGIL_SIGNALS"];

/// What the monitor needs beside the environment's own settings.
#[derive(Debug, Clone, Copy)]
pub struct MonitorInputs<'a> {
    /// Digest of the rules.
    pub rules_digest: &'a str,
    /// Digest of the policy files.
    pub policy_digest: &'a str,
}

/// The variables for a monitor of these log groups, sorted by name.
pub fn monitor_environment(
    environment: &Environment,
    log_groups: &[String],
    inputs: MonitorInputs<'_>,
) -> BTreeMap<String, String> {
    let monitor = &environment.monitor;
    [
        ("LOG_GROUP_NAME", log_groups.join(",")),
        ("METRIC_NAMESPACE", monitor.namespace.clone()),
        ("QUERY_WINDOW_MINUTES", monitor.window_minutes.to_string()),
        ("PGVIGIL_ENVIRONMENT", environment.name.clone()),
        (
            "PGVIGIL_LATE_ARRIVAL_MINUTES",
            monitor.late_arrival_minutes.to_string(),
        ),
        (
            "PGVIGIL_METRICS",
            listed(monitor.metrics.iter().map(|metric| metric.name())),
        ),
        ("PGVIGIL_POLICY_DIGEST", inputs.policy_digest.to_owned()),
        (RULES_DIGEST, inputs.rules_digest.to_owned()),
        ("PGVIGIL_SETTLE_SECONDS", monitor.settle_seconds.to_string()),
    ]
    .into_iter()
    .map(|(name, value)| (name.to_owned(), value))
    .collect()
}

fn listed<'a>(names: impl Iterator<Item = &'a str>) -> String {
    names.collect::<Vec<_>>().join(",")
}

/// Bytes that Lambda counts: names and values.
pub fn size(variables: &BTreeMap<String, String>) -> usize {
    variables
        .iter()
        .map(|(name, value)| name.len() + value.len())
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    #[test]
    fn variables_name_the_rules_and_are_small() {
        let mut environment = crate::compile::resources::testing::environment("prod", &["orders"]);
        environment.monitor.namespace = "n".repeat(255);
        environment.monitor.metrics = crate::policy::model::Breakdown::ALL.to_vec();
        let digest = "0".repeat(64);
        let inputs = MonitorInputs {
            rules_digest: &digest,
            policy_digest: &digest,
        };
        let group = format!("/aws/rds/cluster/{}/postgresql", "c".repeat(63));
        let variables = monitor_environment(&environment, &[group], inputs);
        assert_eq!(variables[RULES_DIGEST], digest);
        assert!(!variables.keys().any(|name| FORMER.contains(&name.as_str())));
        // The engine of before refuses what it does not know and takes for its own.
        assert!(!BRIDGE.starts_with("PGVIGIL_"));
        assert!(size(&variables) < 900, "{}", size(&variables));
    }
}
