//! What a pipeline's checks for changes outside pgvigil found: the files `result.json` of `pgvigil ci drift`.

use std::io::Read as _;

use jiff::civil::Date;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::period::Period;
use crate::audit_log::reader::Inputs;
use crate::deploy::Outcome;
use crate::diagnostic::count;

/// Bytes of the longest document that is read.
const LONGEST: u64 = 64 << 20;

/// One check for changes outside pgvigil.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct DriftCheck {
    /// The day on which it ran, as the pipeline says.
    #[schemars(with = "String")]
    pub day: Date,
    /// What it found; none if it could not read everything.
    pub outcome: Option<Outcome>,
    /// What was changed outside pgvigil, a sentence each, with the person if CloudTrail named one.
    pub changed: Vec<String>,
    /// Resources that it could not read.
    pub unread: usize,
}

impl DriftCheck {
    /// The word in reports.
    pub fn name(&self) -> &'static str {
        match self.outcome {
            Some(outcome) if self.unread == 0 => outcome.name(),
            _ => "not read completely",
        }
    }

    /// Whether everything was read, and nothing was changed outside pgvigil.
    pub fn is_clean(&self) -> bool {
        self.unread == 0 && matches!(self.outcome, Some(Outcome::Clean | Outcome::Pending))
    }
}

#[derive(Deserialize)]
struct Document {
    work: String,
    today: Date,
    environments: Vec<Checked>,
}

#[derive(Deserialize)]
struct Checked {
    identity: Identity,
    #[serde(default)]
    drift: Option<Found>,
}

#[derive(Deserialize)]
struct Identity {
    environment: String,
}

#[derive(Deserialize)]
struct Found {
    outcome: Option<Outcome>,
    drift: Vec<Drifted>,
    unread: Vec<serde_json::Value>,
    #[serde(default)]
    blame: Option<serde_json::Value>,
}

#[derive(Deserialize)]
struct Drifted {
    address: String,
    #[serde(default)]
    changes: Vec<Change>,
}

#[derive(Deserialize)]
struct Change {
    path: String,
}

/// The checks of an environment in a period, by their day, and what could not be read, a sentence each.
pub fn read(inputs: &Inputs, environment: &str, period: Period) -> (Vec<DriftCheck>, Vec<String>) {
    let (mut checks, mut faults) = (Vec::new(), Vec::new());
    for source in inputs.sources() {
        let name = source.name();
        let mut text = Vec::new();
        let read = source
            .text()
            .and_then(|reader| reader.take(LONGEST).read_to_end(&mut text));
        if let Err(error) = read {
            faults.push(format!("{name}: cannot be read: {error}"));
            continue;
        }
        let document: Document = match serde_json::from_slice(&text) {
            Ok(document) => document,
            Err(error) => {
                faults.push(format!(
                    "{name}: is not a `result.json` of `pgvigil ci drift`: {error}"
                ));
                continue;
            }
        };
        if document.work != "drift" {
            faults.push(format!(
                "{name}: is the result of `pgvigil ci {}`, and not of `pgvigil ci drift`",
                document.work
            ));
            continue;
        }
        if !period.has_day(document.today) {
            continue;
        }
        let ours = document
            .environments
            .into_iter()
            .filter(|one| one.identity.environment == environment);
        checks.extend(ours.map(|one| check(document.today, one.drift)));
    }
    checks.sort_by(|left, right| {
        (left.day, &left.changed, left.unread).cmp(&(right.day, &right.changed, right.unread))
    });
    (checks, faults)
}

fn check(day: Date, found: Option<Found>) -> DriftCheck {
    let Some(found) = found else {
        return DriftCheck {
            day,
            outcome: None,
            changed: Vec::new(),
            unread: 0,
        };
    };
    let changed = found.drift.iter().map(|one| {
        let mut sentence = format!("`{}`", one.address);
        if !one.changes.is_empty() {
            let paths: Vec<&str> = one
                .changes
                .iter()
                .map(|change| change.path.as_str())
                .collect();
            sentence.push_str(&format!(": {}", paths.join(", ")));
        }
        let people = who(found.blame.as_ref(), &one.address);
        if !people.is_empty() {
            sentence.push_str(&format!("; changed by {}", people.join(", ")));
        }
        sentence
    });
    DriftCheck {
        day,
        outcome: found.outcome,
        changed: changed.collect(),
        unread: found.unread.len(),
    }
}

/// Who changed a resource, by CloudTrail.
fn who(blame: Option<&serde_json::Value>, address: &str) -> Vec<String> {
    let deeds = blame
        .and_then(|blame| blame.get(address)?.get("deeds")?.as_array())
        .map(Vec::as_slice)
        .unwrap_or_default();
    let mut people: Vec<String> = deeds
        .iter()
        .filter_map(|deed| Some(deed.get("who")?.as_str()?.to_owned()))
        .collect();
    people.sort();
    people.dedup();
    people
}

/// How many days had a check, and how many found something: the answer to an auditor's question.
pub fn sentence(checks: &[DriftCheck]) -> String {
    let days: std::collections::BTreeSet<Date> = checks.iter().map(|check| check.day).collect();
    let bad = checks.iter().filter(|check| !check.is_clean()).count();
    format!(
        "{} on {} of the period; {bad} found a change or could not read everything",
        count(checks.len(), "check"),
        count(days.len(), "day")
    )
}
