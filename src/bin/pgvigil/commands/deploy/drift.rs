//! `drift`: what was changed outside pgvigil.

use pgvigil::deploy::{Outcome, drift};
use pgvigil::doctor::remedy::quote;
use pgvigil::report::escape::fence;
use pgvigil::report::plan::{human, json};

use super::blame;
use super::deployment::Deployment;
use super::drift_all;
use super::ground::Ground;
use super::shown::reading;
use crate::args::{DriftArgs, PlanFormat};
use crate::exit::{Exit, Ran};
use crate::progress::Activity;
use crate::session::Session;

pub(crate) fn run(session: &Session, args: &DriftArgs) -> Ran {
    let loaded = session.in_force()?;
    let Some(name) = &args.env else {
        return drift_all::run(session, &loaded, args);
    };
    let environment = session.environment(&loaded, name)?;
    let report = {
        let activity = Activity::of(session, &reading(name));
        let deployment = Deployment::for_reading(Ground::of(session), &loaded, environment)?;
        let mut report = drift(
            &deployment.identity,
            &deployment.documents,
            &*deployment.provider,
        )?;
        if args.blame {
            activity.now("looking up in CloudTrail who made the changes");
            blame::add(Ground::of(session), environment, &mut report)?;
        }
        report
    };
    session.show(&match args.format {
        PlanFormat::Human => human::render_drift(&report, session.style()),
        PlanFormat::Json => json::render_drift(&report),
        PlanFormat::Markdown => {
            let text = human::render_drift(&report, human::Style::default());
            let fence = fence(&text);
            format!("### Drift\n\n{fence}text\n{text}{fence}\n")
        }
    })?;
    let Some(outcome) = report.outcome else {
        session.say(&format!(
            "error: {} not read: could not check for drift",
            report.unread.len()
        ));
        return Ok(Exit::Failed);
    };
    if matches!(outcome, Outcome::Pending | Outcome::Both) {
        session.hint(&format!(
            "the files changed too: `pgvigil plan --env {}` shows what an apply would change",
            quote(name)
        ));
    }
    Ok(outcome.into())
}
