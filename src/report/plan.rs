//! Plans, drift and applies, drawn for people ([`human`]), for machines ([`json`]) and for pull requests
//! ([`markdown`]).
//!
//! Live values can come from anyone who edited them, so everything drawn goes through [`escape`](super::escape).

pub mod fleet;
pub mod human;
pub mod json;
pub mod markdown;

use crate::deploy::diff::{Line, Sign};
use crate::deploy::plan::{Counts, Plan, Purpose};
use crate::deploy::port::Identity;
use crate::deploy::rules::{LiveRules, RulesChange};
use crate::deploy::verdict::Verdict;

/// Lines of a text that are drawn around a change.
const CONTEXT: usize = 3;

/// The heading of a plan: it says when an environment is taken down.
fn plan_heading(plan: &Plan) -> String {
    match plan.purpose {
        Purpose::Apply => heading(&plan.identity),
        Purpose::Destroy => format!("Destroy {}", heading(&plan.identity)),
    }
}

/// `prod (aws, account 123456789012, region eu-west-1): billing, orders`
fn heading(identity: &Identity) -> String {
    format!(
        "{} ({}): {}",
        identity.environment,
        identity.at(),
        identity.clusters.join(", ")
    )
}

/// `Rules of 2 functions: 1a2b3c4d5e6f → 6f5e4d3c2b1a`
fn rules_heading(change: &RulesChange) -> String {
    let short = |digest: &str| digest.get(..12).unwrap_or(digest).to_owned();
    let functions = match change.functions.len() {
        1 => "1 function".to_owned(),
        count => format!("{count} functions"),
    };
    let what = match &change.live {
        LiveRules::Absent => format!(
            "no rules attached; the files declare {}",
            short(&change.declared)
        ),
        LiveRules::Read {
            digest,
            differences,
        } => {
            let digests = format!(
                "live {}, declared {}",
                short(digest),
                short(&change.declared)
            );
            match differences.as_slice() {
                [] => format!("{digests}: the same rules in another form"),
                _ => digests,
            }
        }
        LiveRules::Unread { reason } => {
            format!(
                "compared only by the layer's digest, because the live rules could not be read: {reason}"
            )
        }
    };
    format!("Rules of {functions}: {what}")
}

/// `3 to create, 1 to change, 12 unchanged; 1 drifted`
pub fn summary(counts: &Counts) -> String {
    let mut will = Vec::new();
    for (count, what) in [
        (counts.create, "to create"),
        (counts.change, "to change"),
        (counts.delete, "to delete"),
        (counts.unchanged, "unchanged"),
    ] {
        if count > 0 {
            will.push(format!("{count} {what}"));
        }
    }
    if will.is_empty() {
        will.push("nothing to do".to_owned());
    }
    let mut found = Vec::new();
    for (count, what) in [
        (counts.drifted, "drifted"),
        (counts.extra, "extra"),
        (counts.unread, "not read"),
    ] {
        if count > 0 {
            found.push(format!("{count} {what}"));
        }
    }
    if found.is_empty() {
        will.join(", ")
    } else {
        format!("{}; {}", will.join(", "), found.join(", "))
    }
}

/// The verdicts that a plan uses and that need a word, each once.
fn verdicts(plan: &Plan) -> Vec<Verdict> {
    let mut all: Vec<Verdict> = plan
        .resources
        .iter()
        .map(|resource| resource.verdict)
        .collect();
    // What goes need not be judged.
    all.retain(|verdict| *verdict != Verdict::Clean && plan.purpose == Purpose::Apply);
    all.sort();
    all.dedup();
    all
}

/// The changed lines with those around them; `None` stands for what is left out.
fn with_context(lines: &[Line]) -> Vec<Option<&Line>> {
    let changed: Vec<usize> = lines
        .iter()
        .enumerate()
        .filter(|(_, line)| line.sign != Sign::Same)
        .map(|(index, _)| index)
        .collect();
    let mut drawn = Vec::new();
    let mut left_out = false;
    for (index, line) in lines.iter().enumerate() {
        let next = changed.partition_point(|changed| *changed < index);
        let near = [next.checked_sub(1), Some(next)]
            .into_iter()
            .flatten()
            .filter_map(|position| changed.get(position))
            .any(|changed| changed.abs_diff(index) <= CONTEXT);
        if near {
            drawn.push(Some(line));
            left_out = false;
        } else if !left_out {
            drawn.push(None);
            left_out = true;
        }
    }
    drawn
}

/// A value as one line of JSON.
fn value_text(value: &serde_json::Value) -> String {
    crate::deploy::document::canonical(value)
}

#[cfg(test)]
mod tests;
