//! Which messages a subscription gets: the filter policies of SNS, and the attributes that they look at.
//!
//! A message is about several groups, and each attribute holds the values of all of them (`String.Array`). A filter takes
//! the message if each of its keys has a value among the attribute's ("Amazon SNS subscription filter policies"). So a
//! group that a route takes always brings the message to the route. Two groups together can bring one that neither would
//! bring alone: that is heard once too often, and not once too seldom.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use crate::policy::model::{Route, Severity, Share, Signal};

pub(crate) const SEVERITY: &str = "severity";
pub(crate) const SIGNAL: &str = "signal";
pub(crate) const TEAM: &str = "team";
pub(crate) const OWNER: &str = "owner";

/// Stands for teams and owners that the monitor does not know or has no room for. Every filter by team or owner takes it: a
/// message whose values are not complete reaches everyone whom it might be meant for.
pub(crate) const ANY: &str = "(any)";

/// Filters look at attributes, not at the text.
pub(crate) const SCOPE: &str = "MessageAttributes";

/// Combinations of values that SNS takes in one filter policy ("Filter policy constraints").
pub(crate) const COMBINATIONS_MAX: usize = 150;

/// The filter of a subscription; none where it gets everything.
pub(crate) fn policy(share: &Share<'_>) -> Option<Value> {
    let Share::Routes(routes) = share else {
        return None;
    };
    let mut alternatives: Vec<Value> = Vec::new();
    for route in routes {
        let alternative = Value::Object(conditions(route));
        if !alternatives.contains(&alternative) {
            alternatives.push(alternative);
        }
    }
    match alternatives.as_slice() {
        [] => None,
        [one] => Some(one.clone()),
        _ => Some(json!({ "$or": alternatives })),
    }
}

/// The conditions of a route: each key with the values of which one is enough.
fn conditions(route: &Route) -> Map<String, Value> {
    fn names(all: Option<&Vec<String>>) -> Option<BTreeSet<&str>> {
        all.map(|all| {
            let own = all.iter().map(String::as_str);
            own.chain([ANY]).collect()
        })
    }
    let severities = route.severities.as_ref();
    let signals = route.signals.as_ref();
    [
        (
            SEVERITY,
            severities.map(|all| all.iter().copied().map(Severity::name).collect()),
        ),
        (
            SIGNAL,
            signals.map(|all| all.iter().copied().map(Signal::name).collect()),
        ),
        (TEAM, names(route.teams.as_ref())),
        (OWNER, names(route.owners.as_ref())),
    ]
    .into_iter()
    .filter_map(|(key, values)| Some((key.to_owned(), json!(values?))))
    .collect()
}

/// Combinations of values that SNS counts in the filter of a subscription.
pub(crate) fn combinations(share: &Share<'_>) -> usize {
    let Share::Routes(routes) = share else {
        return 0;
    };
    routes
        .iter()
        .map(|route| {
            let values = conditions(route);
            let lengths = values
                .values()
                .map(|all| all.as_array().map_or(1, Vec::len));
            lengths.product::<usize>()
        })
        .sum()
}
