//! Plans and coverage as one JSON document.

use serde::Serialize;
use serde_json::{Value, json};

use super::Entry;
use crate::database::enrol::finding::Severity;
use crate::database::enrol::{Coverage, FORMAT_VERSION, Plan};
use crate::deploy::document::pretty;
use crate::report::escape;

pub fn plans(entries: &[Entry<Plan>]) -> String {
    document(
        entries,
        |plan| json!({"counts": plan.counts(), "outcome": plan.outcome().name()}),
    )
}

pub fn coverages(entries: &[Entry<Coverage>]) -> String {
    document(entries, |coverage| {
        json!({"counts": {
            "roles": coverage.roles.len(),
            "gaps": coverage.count(Severity::Gap),
            "warnings": coverage.count(Severity::Warning),
            "notes": coverage.count(Severity::Note),
        }})
    })
}

fn document<T: Serialize>(entries: &[Entry<T>], more: impl Fn(&T) -> Value) -> String {
    let places: Vec<Value> = entries
        .iter()
        .map(|entry| {
            let mut value = json!({"environment": entry.environment, "cluster": entry.cluster});
            let parts = match &entry.result {
                Ok(result) => [
                    serde_json::to_value(result).unwrap_or_default(),
                    more(result),
                ],
                Err(error) => [json!({"error": error}), Value::Null],
            };
            if let Some(whole) = value.as_object_mut() {
                for part in parts {
                    if let Value::Object(part) = part {
                        whole.extend(part);
                    }
                }
            }
            value
        })
        .collect();
    escape::json(&pretty(
        &json!({"format_version": FORMAT_VERSION, "places": places}),
    ))
}
