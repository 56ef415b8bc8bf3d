//! The result of a pipeline's run in every form that people or programs read: each is made of the one document
//! ([`crate::ci::CiResult`]) and of nothing else.

pub mod annotations;
pub mod code_quality;
pub mod comment;
pub mod human;
pub mod issue;
pub mod json;
pub mod junit;
mod markdown;
pub mod sarif;
pub mod summary;

use crate::ci::{CiResult, EnvironmentResult, Finding, Level, State, Work};
use crate::deploy::verdict::Outcome;

/// What a run came to, in a few words.
pub fn verdict(result: &CiResult) -> &'static str {
    word(result.work, result.exit_code)
}

/// What an environment came to, in a few words.
pub fn verdict_of(work: Work, environment: &EnvironmentResult) -> &'static str {
    if work == Work::Apply
        && environment
            .steps
            .iter()
            .all(|step| step.state == State::Skipped)
    {
        return "not reached";
    }
    word(work, environment.exit_code)
}

/// The exit codes are those of every command.
fn word(work: Work, exit_code: u8) -> &'static str {
    match (work, exit_code) {
        (Work::Drift, 0) => "nothing drifted",
        (_, 0) => "passed",
        (_, 10) => "must not be merged",
        (_, 11) => "a test of the rules fails",
        (_, 12) => "not applied yet",
        (_, 13) => "drifted",
        (_, 14) => "drifted, with changes still to apply",
        (_, 15) => "stopped part way",
        (_, 17) => "logs were not read",
        (_, 18) => "approvals are missing",
        _ => "failed",
    }
}

/// Whether to merge, and why, on one line; nothing where the run was for no change.
pub(super) fn advice(result: &CiResult) -> Option<String> {
    let decision = result.decision()?;
    let why = decision.why.replace(['\n', '\r'], " ");
    Some(format!("{}: {why}", decision.advice.name()))
}

/// The heading of the environments that a run did not touch.
fn left_alone(work: Work) -> &'static str {
    match work {
        Work::Apply => "Without a plan",
        Work::Pr | Work::Drift => "Not touched",
    }
}

/// `prod (aws, account 123456789012, region eu-west-1)`
fn place(environment: &EnvironmentResult) -> String {
    format!("{} ({})", environment.name(), environment.identity.at())
}

/// How many errors and warnings there are, in words.
fn tally<'a>(findings: impl Iterator<Item = &'a Finding>) -> String {
    let (mut errors, mut warnings) = (0_usize, 0_usize);
    for finding in findings {
        match finding.level {
            Level::Error => errors += 1,
            Level::Warning => warnings += 1,
        }
    }
    let count = |number: usize, what: &str| match number {
        0 => None,
        1 => Some(format!("1 {what}")),
        number => Some(format!("{number} {what}s")),
    };
    let parts: Vec<String> = [count(errors, "error"), count(warnings, "warning")]
        .into_iter()
        .flatten()
        .collect();
    if parts.is_empty() {
        "nothing found".to_owned()
    } else {
        parts.join(", ")
    }
}

/// A finding in lines: what is wrong, the statement that shows it, what to do.
fn message(finding: &Finding) -> String {
    let mut text = String::new();
    if let Some(environment) = &finding.environment {
        text.push_str(&format!("{environment}: "));
    }
    text.push_str(&finding.message);
    if let Some(statement) = &finding.statement {
        text.push_str(&format!("\n{statement}"));
    }
    for help in &finding.help {
        text.push_str(&format!("\nhelp: {help}"));
    }
    text
}

/// What a plan does with its resources, in words; empty if there is no plan.
fn plan_words(environment: &EnvironmentResult) -> Option<String> {
    let plan = environment.plan.as_ref()?;
    Some(super::plan::summary(&plan.counts()))
}

/// Whether a deployed resource was changed outside pgvigil, as far as could be read.
fn has_drifted(environment: &EnvironmentResult) -> bool {
    let outcome = environment.drift.as_ref().and_then(|report| report.outcome);
    matches!(outcome, Some(Outcome::Drifted | Outcome::Both))
}

#[cfg(test)]
mod tests;
