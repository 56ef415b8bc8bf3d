//! What a log alarm reads: the compiled query, as whom, and how far back.

use serde_json::Value;

use super::Context;
use crate::compile::resources::{Document, canonical};
use crate::doctor::diagnosis::Finding;

/// What decides which records an alarm hears of, and when it is on.
const DECIDING: [&str; 11] = [
    "query",
    "log_groups",
    "role",
    "aggregation",
    "schedule",
    "start_offset_seconds",
    "end_offset_seconds",
    "results_to_evaluate",
    "results_to_alarm",
    "comparison",
    "threshold",
];

/// Says whether a log alarm reads what was compiled, and all of it, and keeps it to itself.
pub(super) fn reads(context: &Context<'_>, document: &Document) -> Result<Finding, Finding> {
    let live = context.live(document)?;
    let wanted = &document.properties;
    let others: Vec<&str> = DECIDING
        .into_iter()
        .filter(|field| live.get(field).map(canonical) != wanted.get(field).map(canonical))
        .collect();
    if !others.is_empty() {
        return Ok(Finding::fail(
            format!("it differs from the compiled one in {}", others.join(", ")),
            context.subject.apply(),
        ));
    }
    let lines = live
        .pointer("/message_lines/count")
        .and_then(Value::as_u64)
        .unwrap_or_default();
    Ok(if lines > 0 {
        Finding::fail(
            format!("its messages contain {lines} lines of the log, with people's statements"),
            context.subject.apply(),
        )
    } else {
        Finding::ok("it runs the compiled query")
    })
}
