//! `ci drift`: what was changed outside pgvigil, in every environment, for a schedule.

use std::time::Instant;

use pgvigil::ci::{EnvironmentResult, Finding, Work};
use pgvigil::deploy::DriftReport;
use pgvigil::policy::model::Provider;

use super::pipeline::{Pipeline, environments, rights, step};
use crate::args::CiDriftArgs;
use crate::commands::deploy::fleet::drifts;
use crate::exit::{Exit, Ran};
use crate::session::Session;

const DRIFT: &str = "drift";

pub(super) fn run(session: &Session, args: &CiDriftArgs) -> Ran {
    let mut pipeline = Pipeline::new(session, Work::Drift, &args.output);
    let Some(loaded) = pipeline.sound()? else {
        return pipeline.finish();
    };
    let wanted = environments(session, &loaded, &args.env)?;
    let start = Instant::now();
    // A folder keeps no record of who changed it.
    let entries = drifts(session, &wanted, &loaded, |environment| {
        args.blame && environment.provider == Provider::Aws
    });
    for entry in entries {
        let Some(environment) = loaded.policy.environment(&entry.identity.environment) else {
            continue;
        };
        let mut result = EnvironmentResult::new(entry.identity);
        let (exit, summary) = match entry.result {
            Ok(report) => {
                let (exit, summary) = told(&report);
                for found in findings(&report, &environment.name) {
                    pipeline.finding_of(&loaded, environment, found);
                }
                result.drift = Some(report);
                (exit, summary)
            }
            Err(failure) => {
                pipeline.finding_of(
                    &loaded,
                    environment,
                    Finding::new(DRIFT, "drift/unknown", failure.message.clone()),
                );
                (failure.exit, failure.message)
            }
        };
        let mut done = step(DRIFT, start, exit, summary);
        done.milliseconds = entry.milliseconds;
        result.steps.push(done);
        pipeline.environment(result, exit);
    }
    pipeline.finish()
}

fn told(report: &DriftReport) -> (Exit, String) {
    match report.outcome {
        None => (
            Exit::Failed,
            format!(
                "{} not read: could not check for drift",
                report.unread.len()
            ),
        ),
        Some(outcome) => {
            let summary = match report.drift.len() {
                0 => "no changes made outside pgvigil".to_owned(),
                1 => "1 resource drifted".to_owned(),
                count => format!("{count} resources drifted"),
            };
            (outcome.into(), summary)
        }
    }
}

fn findings(report: &DriftReport, environment: &str) -> Vec<Finding> {
    let unread = report.unread.iter().map(|unread| {
        Finding::new(
            DRIFT,
            "drift/unread",
            format!("{} could not be read: {}", unread.address, unread.error),
        )
        .help(rights(environment))
    });
    let drifted = report.drift.iter().map(|drift| {
        let fields: Vec<&str> = drift.changes.iter().map(|change| change.path.as_str()).collect();
        // A resource without a document has no fields: its note explains it.
        let fields = match (&drift.note, drift.kind) {
            (Some(note), None) => format!(": {note}"),
            _ if fields.is_empty() => String::new(),
            _ => format!(": {}", fields.join(", ")),
        };
        let found = Finding::new(DRIFT, &format!("drift/{}", drift.verdict.name()), format!("{} {}{fields}", drift.address, drift.verdict.name()));
        match drift.kind {
            Some(_) => found.help("add the change to the files, or run apply again to undo it"),
            None => found.help("pgvigil does not change it: ask its owner to remove it, or to leave the watched log groups out of it"),
        }
    });
    unread.chain(drifted).collect()
}
