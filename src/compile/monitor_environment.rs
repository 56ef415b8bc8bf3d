//! The monitor's configuration: the environment variables of the Lambda function. What it judges by is no part of them: the
//! rules are a file in its layer, and a variable names their digest. So the variables take less than a kilobyte, whatever
//! the policy.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use zstd::dict::EncoderDictionary;

use crate::policy::model::Environment;

use super::query::QUERY_LIMIT;

/// Names the digest of the rules. The function compares it with the file in its layer and does not start when they differ.
pub const RULES_DIGEST: &str = "PGVIGIL_RULES_DIGEST";

/// The same while a function is brought from the engine that ran a compiled query to the one that judges. The engine of
/// before refuses variables that begin with `PGVIGIL_` and that it does not know; this one it ignores. The engine of today
/// reads it where [`RULES_DIGEST`] is missing, and then ignores the names in [`FORMER`].
pub const BRIDGE: &str = "RULES_DIGEST_AT_UPGRADE";

/// What the engine of before needs, and today's does not know.
pub const FORMER: &[&str] = &["PGVIGIL_QUERY", "PGVIGIL_QUERY_DIGEST", "PGVIGIL_SIGNALS"];

/// The level of zstd that packs the query best; it is done once for each compilation.
const COMPRESSION_LEVEL: i32 = 22;

/// The [`dictionary`] as zstd wants it: making that takes longer than packing.
static PREPARED: LazyLock<EncoderDictionary<'static>> =
    LazyLock::new(|| EncoderDictionary::copy(dictionary().as_bytes(), COMPRESSION_LEVEL));

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

/// Stands between two texts in one pack. No query holds it: they are made of printable characters and line ends.
const SEPARATOR: char = '\0';

/// Texts in one pack at most.
const TEXTS_MOST: usize = 16;

/// The value of `PGVIGIL_QUERY`: base64 of zstd with a [`dictionary`]. As plain text a query rarely fits.
pub fn pack(queries: &[&str]) -> String {
    let text = queries.join(&SEPARATOR.to_string());
    let packed = zstd::bulk::Compressor::with_prepared_dictionary(&PREPARED)
        .and_then(|mut compressor| compressor.compress(text.as_bytes()))
        .unwrap_or_default();
    STANDARD.encode(&packed)
}

/// What most queries have in common: the zstd dictionary of `PGVIGIL_QUERY`. It belongs to a version of pgvigil; the monitor
/// compares the digest of what it unpacks with `PGVIGIL_QUERY_DIGEST`. A file, because making it takes a cold start longer
/// than everything else that the monitor does.
pub fn dictionary() -> &'static str {
    include_str!("monitor_environment/dictionary.txt")
}

/// The queries in `PGVIGIL_QUERY`, at least one.
///
/// # Errors
/// If the text is no base64, or was packed by another version.
pub fn unpack(packed: &str) -> std::io::Result<Vec<String>> {
    let bytes = STANDARD.decode(packed).map_err(std::io::Error::other)?;
    let plain = zstd::bulk::Decompressor::with_dictionary(dictionary().as_bytes())?
        .decompress(&bytes, 4 * QUERY_LIMIT * TEXTS_MOST)?;
    let text = String::from_utf8(plain).map_err(std::io::Error::other)?;
    Ok(text.split(SEPARATOR).map(str::to_owned).collect())
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
    use crate::audit_log::prefix::LogLinePrefix;
    use crate::compile::pattern;
    use crate::compile::query::QuerySource;
    use crate::policy::model::Signal;
    use crate::policy::sets;

    /// The queries with nothing of anybody's own, and the lists.
    fn made() -> String {
        let mut source = QuerySource::new(LogLinePrefix::Long);
        let long = source.alarm("").text;
        source.prefix = LogLinePrefix::Short;
        source.signals = Signal::ALL.to_vec();
        let mut text = source.alarm("").text + &long;
        for set in sets::ALL {
            let names: Vec<&str> = set.names().collect();
            text.push_str(&pattern::any_of(
                names.iter().copied().filter(|name| !name.contains('.')),
            ));
            text.push_str(&pattern::only_calls(names.iter().copied()));
        }
        text
    }

    /// `PGVIGIL_UPDATE=1 cargo test` writes it anew.
    #[test]
    fn the_dictionary_is_that_of_this_version() {
        if std::env::var_os("PGVIGIL_UPDATE").is_some() {
            let path = concat!(
                env!("CARGO_MANIFEST_DIR"),
                "/src/compile/monitor_environment/dictionary.txt"
            );
            std::fs::write(path, made()).unwrap();
        } else {
            assert!(
                dictionary() == made(),
                "PGVIGIL_UPDATE=1 cargo test --lib dictionary"
            );
        }
    }

    #[test]
    fn a_packed_query_unpacks_to_the_same_text() {
        let query = QuerySource::new(LogLinePrefix::Short)
            .alarm("a header")
            .text;
        assert_eq!(
            unpack(&pack(&[&query, "a second"])).unwrap(),
            [query.as_str(), "a second"]
        );
    }

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
