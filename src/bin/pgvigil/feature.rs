//! What a build without a feature says instead of doing its work.

#![cfg_attr(
    all(feature = "aws", feature = "database", feature = "http"),
    expect(dead_code, reason = "this build has every feature")
)]

/// Says that this build lacks a feature, and how to get it.
pub(crate) fn lacks(feature: &str) -> String {
    format!(
        "this pgvigil was built without the feature `{feature}`: build it with `--features {feature}`"
    )
}

/// The same as an error.
pub(crate) fn lacking(feature: &str) -> anyhow::Error {
    anyhow::Error::msg(lacks(feature))
}
