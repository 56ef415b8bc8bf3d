//! Rule tests for programs.

use super::escape;
use crate::rules::test::TestReport;

/// The report as one JSON document.
pub fn test(report: &TestReport) -> String {
    // Plain strings and numbers always serialise.
    serde_json::to_string_pretty(report)
        .map(|text| escape::json(&text) + "\n")
        .unwrap_or_default()
}
