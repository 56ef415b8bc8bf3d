//! `enrol plan`: what an apply would change at each role.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::Context as _;
use jiff::Timestamp;
use pgvigil::database::enrol::Plan;
use pgvigil::database::enrol::saved::SavedPlans;
use pgvigil::deploy::Made;
use pgvigil::doctor::remedy::{operand, quote};
use pgvigil::report;
use pgvigil::report::enrol::{Entry, human, json};

use super::places::{each, of_all, of_one, tell_unread};
use super::planned::planned;
use crate::args::{EnrolPlanArgs, EnrolPlanFormat};
use crate::commands::files;
use crate::exit::{Exit, Ran};
use crate::session::Session;

pub(crate) fn run(session: &Session, args: &EnrolPlanArgs) -> Ran {
    let loaded = session.sound()?;
    let spots = match &args.env {
        Some(name) => of_one(session, &loaded, name, &args.database)?,
        None => of_all(&loaded, &args.database),
    };
    let unenrol: BTreeSet<String> = args.unenrol.iter().cloned().collect();
    let today = session.today();
    let entries = each(session, &spots, |spot, found| {
        planned(today, &loaded.policy, spot, &found, &unenrol)
    });
    session.show(&match args.format {
        EnrolPlanFormat::Human => human::plans(&entries, session.style()),
        EnrolPlanFormat::Json => json::plans(&entries),
    })?;
    if tell_unread(session, &entries) {
        if args.out.is_some() {
            session.say("the plan was not saved: it is incomplete");
        }
        return Ok(Exit::Failed);
    }
    if let Some(path) = &args.out {
        save(session, args, &entries, path)?;
    }
    Ok(if args.detailed_exitcode {
        let plans = entries
            .iter()
            .filter_map(|entry| entry.result.as_ref().ok());
        Exit::worst(plans.map(|plan| plan.outcome().into()))
    } else {
        Exit::Clean
    })
}

fn save(
    session: &Session,
    args: &EnrolPlanArgs,
    entries: &[Entry<Plan>],
    path: &Path,
) -> anyhow::Result<()> {
    let made = Made {
        made_at: Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
        made_by: concat!("pgvigil ", env!("CARGO_PKG_VERSION")).to_owned(),
    };
    let plans = entries
        .iter()
        .filter_map(|entry| entry.result.as_ref().ok().cloned())
        .collect();
    let saved = SavedPlans::new(plans, args.unenrol.clone(), made);
    files::replace(path, saved.to_text().as_bytes()).context("the plan was not saved")?;
    let path = path.display().to_string();
    let name = args.env.as_deref().map_or_else(|| "ENV".to_owned(), quote);
    session.hint(&report::visible(&format!(
        "saved in {path}: apply it with `pgvigil enrol apply --env {name} {}`",
        operand(&path)
    )));
    Ok(())
}
