//! Plans for machines: one object, with `format_version`.

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Value, json};

use crate::deploy::apply::Report;
use crate::deploy::document::pretty;
use crate::deploy::drift::DriftReport;
use crate::deploy::obstacle::Obstacle;
use crate::deploy::plan::{Counts, Drift, FORMAT_VERSION, Plan, Planned, Purpose, Unread};
use crate::deploy::rules::RulesChange;
use crate::deploy::{Identity, Outcome};
use crate::report::escape;

/// A plan without the documents that a saved plan carries.
pub fn render_plan(plan: &Plan) -> String {
    text(&plan_value(plan))
}

/// `pgvigil plan --format json`.
#[derive(Serialize, JsonSchema)]
pub struct Document<'a> {
    /// Version of this form.
    format_version: u32,
    /// What it is for.
    purpose: Purpose,
    /// For which place.
    identity: &'a Identity,
    /// Who moved; none where something could not be read.
    outcome: Option<Outcome>,
    /// How many resources it does what with.
    counts: Counts,
    /// Every resource, in the order in which apply takes them.
    resources: &'a [Planned],
    /// Changes made outside pgvigil.
    drift: &'a [Drift],
    /// How the rules of functions change.
    rules: &'a [RulesChange],
    /// Steps that cannot succeed. Such a plan is never applied.
    obstacles: &'a [Obstacle],
    /// What could not be read. Such a plan is never clean and never applied.
    unread: &'a [Unread],
}

pub(super) fn plan_value(plan: &Plan) -> Value {
    let mut value = serde_json::to_value(Document {
        format_version: plan.format_version,
        purpose: plan.purpose,
        identity: &plan.identity,
        outcome: plan.outcome().ok(),
        counts: plan.counts(),
        resources: &plan.resources,
        drift: &plan.drift,
        rules: &plan.rules,
        obstacles: &plan.obstacles,
        unread: &plan.unread,
    })
    .unwrap_or_default();
    let resources = value.get_mut("resources").and_then(Value::as_array_mut);
    for resource in resources.into_iter().flatten() {
        if let Value::Object(resource) = resource {
            resource.remove("desired");
        }
    }
    value
}

/// Changes made outside pgvigil.
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
