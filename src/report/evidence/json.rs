//! The report as one JSON document.

use crate::evidence::report::Report;
use crate::report::escape;

/// The document, with a line end.
pub fn render(report: &Report) -> String {
    // Texts, numbers and lists always serialise.
    let text = serde_json::to_string_pretty(report).unwrap_or_default();
    format!("{}\n", escape::json(&text))
}
