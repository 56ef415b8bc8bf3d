//! What log alarms read: the compiled query, as whom, and how far back.

use serde_json::Value;

use super::alarms::each_of;
use super::{Check, Context, Findings, Run};
use crate::compile::resources::Kind;
use crate::doctor::diagnosis::Finding;

pub(super) const READS: Check = Check {
    id: "log-alarms-read",
    group: "alarms",
    title: "each log alarm reads what was compiled, and all of it",
    why: "a query that was edited by hand, or a range that is shorter than the pause between two, is silent about the rest",
    needs: &[],
    run: Run::Cluster(reads),
};

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

fn reads(context: &Context<'_>) -> Findings {
    let alarms = context.subject.all(Kind::LogAlarm);
    each_of(alarms, |document| {
        let live = context.live(document)?;
        let wanted = &document.properties;
        let others: Vec<&str> = DECIDING
            .into_iter()
            .filter(|field| live.get(field) != wanted.get(field))
            .collect();
        if !others.is_empty() {
            return Ok(Finding::fail(
                format!("it differs from what was compiled in {}", others.join(", ")),
                context.subject.apply(),
            ));
        }
        // Nobody hears of lines in a message unless somebody wanted it, and nobody may: they hold statements.
        let lines = live
            .pointer("/message_lines/count")
            .and_then(Value::as_u64)
            .unwrap_or_default();
        Ok(if lines > 0 {
            Finding::fail(
                format!("its messages hold {lines} lines of the log, with people's statements"),
                context.subject.apply(),
            )
        } else {
            Finding::ok("it reads what was compiled")
        })
    })
}
