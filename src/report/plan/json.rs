//! Plans for machines: one object, with `format_version`.

use serde_json::{Value, json};

use crate::deploy::apply::Report;
use crate::deploy::document::pretty;
use crate::deploy::drift::DriftReport;
use crate::deploy::plan::{FORMAT_VERSION, Plan};
use crate::report::escape;

/// A plan without the documents that a saved plan carries.
pub fn render_plan(plan: &Plan) -> String {
    text(&plan_value(plan))
}

pub(super) fn plan_value(plan: &Plan) -> Value {
    let mut resources = serde_json::to_value(&plan.resources).unwrap_or_default();
    for resource in resources.as_array_mut().into_iter().flatten() {
        if let Value::Object(resource) = resource {
            resource.remove("desired");
        }
    }
    json!({
        "format_version": plan.format_version,
        "purpose": plan.purpose,
        "identity": plan.identity,
        "outcome": plan.outcome().ok(),
        "counts": plan.counts(),
        "resources": resources,
        "drift": plan.drift,
        "rules": plan.rules,
        "unread": plan.unread,
    })
}

/// What somebody else changed.
pub fn render_drift(report: &DriftReport) -> String {
    text(&drift_value(report))
}

pub(super) fn drift_value(report: &DriftReport) -> Value {
    serde_json::to_value(report).unwrap_or_default()
}

/// What an apply did and did not do.
pub fn render_apply(report: &Report) -> String {
    text(&json!({ "format_version": FORMAT_VERSION, "end": report.end, "steps": report.steps }))
}

pub(super) fn text(value: &Value) -> String {
    escape::json(&pretty(value))
}
