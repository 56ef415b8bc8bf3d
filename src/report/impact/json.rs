//! The impact of a change for programs: one object with `format_version`.

use serde::Serialize;

use crate::report::escape;
use crate::rules::impact::report::ImpactReport;

/// The report, and whether it passes, which follows from its faults.
#[derive(Serialize)]
struct Document<'a> {
    passed: bool,
    #[serde(flatten)]
    report: &'a ImpactReport,
}

/// The whole report, nothing cut. Control, bidirectional and invisible characters are spelt out, so that it can be
/// printed; they mean the same.
pub fn render(report: &ImpactReport) -> String {
    let document = Document {
        passed: report.passed(),
        report,
    };
    let text = serde_json::to_string_pretty(&document).unwrap_or_default();
    format!("{}\n", escape::json(&text))
}
