//! Findings as GitLab's code quality report, which is shown next to the lines of a merge request.
//!
//! Form: docs.gitlab.com, "Code Quality", section "Code Quality report format".

use serde_json::{Value, json};

use crate::ci::{CiResult, Finding, Fingerprint, Level, fingerprints};
use crate::deploy::document::pretty;
use crate::report::{escape, visible};

/// One list. What has no place in a file is left to the other forms: GitLab takes nothing without one.
pub fn render(result: &CiResult) -> String {
    let issues: Vec<Value> = result
        .findings
        .iter()
        .zip(fingerprints(&result.findings))
        .filter_map(|(finding, fingerprint)| issue(finding, &fingerprint))
        .collect();
    escape::json(&pretty(&Value::Array(issues)))
}

fn issue(finding: &Finding, fingerprint: &Fingerprint) -> Option<Value> {
    let spot = finding.spot.as_ref()?;
    let mut text = String::new();
    if let Some(environment) = &finding.environment {
        text.push_str(&format!("{environment}: "));
    }
    text.push_str(&finding.message);
    if let Some(statement) = &finding.statement {
        text.push_str(&format!(" — {statement}"));
    }
    for help in &finding.help {
        text.push_str(&format!(" (help: {help})"));
    }
    Some(json!({
        "description": visible(&text.replace(['\n', '\r'], " ")),
        "check_name": finding.code,
        "fingerprint": fingerprint.word(),
        "severity": match finding.level {
            Level::Error => "blocker",
            Level::Warning => "minor",
        },
        "location": {"path": spot.file, "lines": {"begin": spot.line, "end": spot.end_line}},
    }))
}
