//! The report of a period in every form.

pub mod csv;
pub mod html;
pub mod human;
pub mod json;
pub mod markdown;

use jiff::Timestamp;

use crate::diagnostic::count;
use crate::evidence::Touched;
use crate::evidence::report::{Coverage, Detected, ExclusionUse, Report};

/// What the report says first: whether it can be relied on, and what is left to look into.
fn headline(report: &Report) -> Vec<String> {
    let totals = &report.totals;
    let mut parts = vec![count(totals.detections, "detection")];
    if totals.expected > 0 {
        parts.push(format!("{} expected", totals.expected));
    }
    parts.push(format!("{} not expected", totals.not_expected));
    if totals.not_expected > 0 {
        parts.push(format!("{} of those without a finding", totals.unexplained));
    }
    parts
}

/// Whether the report is complete, in words.
fn completeness(report: &Report) -> &'static str {
    if report.complete {
        "complete"
    } else {
        "not complete"
    }
}

/// What a note says that explains nothing.
const OWN: &str = "written by the person who did the work, so it is not a finding";

/// `expected: CHG-123`, or `not expected`, with the last finding.
fn became(detected: &Detected) -> String {
    let mut text = match &detected.expected {
        Some(grant) => format!("expected: {grant}"),
        None => "not expected".to_owned(),
    };
    match detected.finding() {
        Some(note) => text.push_str(&format!(
            "; {}, {} on {}",
            note.finding, note.author, note.date
        )),
        None if detected.expected.is_none() => text.push_str("; no finding"),
        None => {}
    }
    if let Some(note) = detected.own_note() {
        text.push_str(&format!(
            "; own note: {}, {} on {} ({OWN})",
            note.finding, note.author, note.date
        ));
    }
    text
}

/// The person behind a role, as far as the policy says.
fn person(detected: &Detected) -> String {
    let mut parts = Vec::new();
    parts.extend(detected.identity.clone());
    parts.extend(detected.team.as_ref().map(|team| format!("team {team}")));
    parts.extend(
        detected
            .owner
            .as_ref()
            .map(|owner| format!("owner {owner}")),
    );
    if parts.is_empty() {
        "in no file of the policy".to_owned()
    } else {
        parts.join(", ")
    }
}

/// Who approved the commit that gave an exclusion its form, and which commit that is.
fn approved(exclusion: &ExclusionUse) -> String {
    let Some(origin) = &exclusion.origin else {
        return "not known".to_owned();
    };
    let approvals = if origin.approvals.is_empty() {
        "none in Git".to_owned()
    } else {
        origin.approvals.join(", ")
    };
    format!(
        "{approvals}; {} of {}",
        short(&origin.commit),
        day(origin.committed)
    )
}

/// The beginning of a commit's name.
fn short(commit: &str) -> &str {
    commit.get(..12).unwrap_or(commit)
}

/// What the coverage does not rest on, and why.
const HEARTBEAT: &str = "The heartbeat itself (`MonitorHeartbeat`) is not an input: CloudWatch keeps it in steps of 5 minutes for 63 days and in steps of an hour for 15 months, and the monitor's own log says more.";

/// Sentences about records that were left out or that report errors; none if there are none.
fn besides(coverage: &Coverage) -> Vec<String> {
    let mut sentences = Vec::new();
    let mut add = |number: u64, one: &str, several: &str| match number {
        0 => {}
        1 => sentences.push(format!("1 {one}")),
        number => sentences.push(format!("{number} {several}")),
    };
    add(
        coverage.foreign,
        "record of another environment was left out",
        "records of other environments were left out",
    );
    add(
        coverage.outside,
        "record of a detection outside the period was left out",
        "records of detections outside the period were left out",
    );
    add(
        coverage.errors,
        "error of the monitor is in the records: what it missed by it is a gap, unless a later run made it up",
        "errors of the monitor are in the records: what it missed by them is a gap, unless a later run made it up",
    );
    sentences
}

/// On how many days, and on which.
fn days(touched: &Touched) -> String {
    match (touched.first, touched.last) {
        (Some(first), Some(last)) if first != last => {
            format!("{}, {first} to {last}", touched.days)
        }
        (Some(first), _) => first.to_string(),
        _ => "unknown".to_owned(),
    }
}

fn day(moment: Timestamp) -> String {
    moment.strftime("%Y-%m-%d").to_string()
}

/// A moment to the minute, in UTC.
fn minute(moment: Timestamp) -> String {
    moment.strftime("%Y-%m-%d %H:%M").to_string()
}

fn optional_minute(moment: Option<Timestamp>) -> String {
    moment.map_or_else(|| "unknown".to_owned(), minute)
}
