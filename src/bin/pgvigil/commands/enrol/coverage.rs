//! `enrol coverage`: whether every login role is accounted for.

use pgvigil::audit_log::reader::Inputs;
use pgvigil::database::enrol::coverage::{Declared, coverage};
use pgvigil::database::enrol::seen::Seen;
use pgvigil::database::enrol::{Coverage, Severity};
use pgvigil::report::enrol::{csv, human, json, sarif};

use super::places::{Spot, each, of_all, of_one, tell_unread};
use crate::args::{CoverageFormat, EnrolCoverageArgs};
use crate::commands::rules::logs::{Written, missing_log, tell};
use crate::exit::{Exit, Ran};
use crate::progress::Progress;
use crate::session::Session;

pub(crate) fn run(session: &Session, args: &EnrolCoverageArgs) -> Ran {
    let loaded = session.sound()?;
    let spots = match &args.env {
        Some(name) => of_one(session, &loaded, name, &args.database)?,
        None => of_all(&loaded, &args.database),
    };
    let (seen, is_broken) = if args.logs.is_empty() {
        (None, false)
    } else {
        let (seen, is_broken) = logs(session, args, &spots)?;
        (Some(seen), is_broken)
    };
    let today = session.today();
    let entries = each(session, &spots, |spot, found| {
        let declared = Declared {
            policy: &loaded.policy,
            environment: spot.environment,
            today,
        };
        Ok(coverage(
            &found.place,
            declared,
            &found.snapshot,
            seen.as_ref(),
        ))
    });
    session.show(&match args.format {
        CoverageFormat::Human => human::coverages(&entries, session.style()),
        CoverageFormat::Json => json::coverages(&entries),
        CoverageFormat::Csv => csv::coverages(&entries),
        CoverageFormat::Sarif => sarif::coverages(&entries, &loaded),
    })?;
    if tell_unread(session, &entries) || is_broken {
        return Ok(Exit::Failed);
    }
    let is_gap = |coverage: &Coverage| {
        coverage.count(Severity::Gap) > 0 || (args.strict && coverage.count(Severity::Warning) > 0)
    };
    let mut reports = entries
        .iter()
        .filter_map(|entry| entry.result.as_ref().ok());
    Ok(if reports.any(is_gap) {
        Exit::CoverageGap
    } else {
        Exit::Clean
    })
}

/// The roles that appear in the logs, and whether a part of them could not be read.
fn logs(
    session: &Session,
    args: &EnrolCoverageArgs,
    spots: &[Spot<'_>],
) -> Result<(Seen, bool), Exit> {
    let [spot] = spots else {
        session.say("error: --logs belong to one server: name it with --cluster or --database");
        return Err(Exit::Usage);
    };
    missing_log(session, &args.logs)?;
    let written = Written::parse(session, args.log_line_prefix.as_deref())?;
    let prefix = written.prefix.unwrap_or(spot.environment.log_line_prefix);
    let inputs = Inputs::from_paths(&args.logs).written_with(written.template);
    let progress = Progress::new(session);
    let (seen, report) = Seen::of(&inputs, prefix, |done| progress.show(done));
    progress.clear();
    tell(session, &inputs, &report);
    Ok((seen, report.broken_count > 0 || !report.problems.is_empty()))
}
