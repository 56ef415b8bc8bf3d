//! Diagnoses for programs: one object, with `format_version`.

use serde_json::{Value, json};

use crate::deploy::document::pretty;
use crate::doctor::canary::Report;
use crate::doctor::diagnosis::{Diagnosis, FORMAT_VERSION};
use crate::report::escape;

/// A diagnosis, with its verdict and its counts.
pub fn render(diagnosis: &Diagnosis) -> String {
    let mut value = serde_json::to_value(diagnosis).unwrap_or_default();
    if let Value::Object(object) = &mut value {
        object.insert("verdict".to_owned(), json!(diagnosis.verdict()));
        object.insert("counts".to_owned(), json!(diagnosis.counts()));
    }
    escape::json(&pretty(&value))
}

/// The proofs of an environment's clusters.
pub fn render_canary(environment: &str, reports: &[Report]) -> String {
    escape::json(&pretty(&json!({
        "format_version": FORMAT_VERSION,
        "environment": environment,
        "proven": reports.iter().all(Report::is_proven),
        "clusters": reports,
    })))
}
