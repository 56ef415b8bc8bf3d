//! `drift --all`: what was changed outside pgvigil, environment by environment.

use pgvigil::deploy::DriftReport;
use pgvigil::policy::Loaded;
use pgvigil::report::escape::fence;
use pgvigil::report::plan::{fleet as report, human};

use super::fleet::{drifts, every};
use crate::args::{DriftArgs, PlanFormat};
use crate::exit::{Exit, Ran};
use crate::session::Session;

pub(crate) fn run(session: &Session, loaded: &Loaded, args: &DriftArgs) -> Ran {
    let entries = drifts(session, &every(loaded), loaded, |_| args.blame);
    let exit = Exit::worst(entries.iter().map(|entry| match &entry.result {
        Err(failure) => failure.exit,
        Ok(report) => report.outcome.map_or(Exit::Failed, Exit::from),
    }));
    let entries: Vec<report::Entry<Result<DriftReport, String>>> = entries
        .into_iter()
        .map(|entry| entry.map(|result| result.map_err(|failure| failure.message)))
        .collect();
    session.show(&match args.format {
        PlanFormat::Human => report::human_drifts(&entries, session.style()),
        PlanFormat::Json => report::json_drifts(&entries),
        PlanFormat::Markdown => {
            let text = report::human_drifts(&entries, human::Style::default());
            let fence = fence(&text);
            format!("### Drift\n\n{fence}text\n{text}{fence}\n")
        }
    })?;
    for entry in &entries {
        let name = &entry.identity.environment;
        match &entry.result {
            Err(message) => session.say(&pgvigil::report::visible(&format!(
                "error: {name}: {message}"
            ))),
            Ok(report) if report.outcome.is_none() => session.say(&format!(
                "error: {name}: {} not read: could not check for drift",
                report.unread.len()
            )),
            Ok(_) => {}
        }
    }
    Ok(exit)
}
