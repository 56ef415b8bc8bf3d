//! `plan --all`: what applies would change, environment by environment.

use pgvigil::deploy::obstacle::Shared;
use pgvigil::deploy::{Plan, Prune};
use pgvigil::policy::Loaded;
use pgvigil::report::plan::{fleet as report, markdown};
use pgvigil::rules;

use super::fleet::{Failure, every, look};
use super::saved::save;
use super::shown::{impossible, unread};
use crate::args::{PlanArgs, PlanFormat};
use crate::exit::{Exit, Ran};
use crate::session::Session;

pub(crate) fn run(session: &Session, loaded: &Loaded, args: &PlanArgs) -> Ran {
    let today = session.today();
    let mut entries = look(
        session,
        &every(loaded),
        args.package.as_deref(),
        loaded,
        |environment, deployment| {
            let faults = rules::canary::prove(loaded, environment, today);
            if !faults.is_empty() {
                let message = format!(
                    "the exclusions silence records that must stay loud: `pgvigil plan --env {}` shows them",
                    environment.name
                );
                let exit = Exit::Diagnostics;
                return Err(Failure { message, exit });
            }
            deployment
                .plan(&Prune::default())
                .map_err(|error| Failure::of(&error.into()))
        },
    );
    let mut shared = Shared::default();
    for entry in &mut entries {
        if let Ok(plan) = &mut entry.result {
            plan.share(&mut shared);
        }
    }
    let exit = Exit::worst(entries.iter().map(|entry| match &entry.result {
        Err(failure) => failure.exit,
        Ok(plan) => match plan.outcome() {
            Err(_) => Exit::Failed,
            Ok(_) if !plan.obstacles.is_empty() => Exit::Diagnostics,
            Ok(outcome) if args.detailed_exitcode => outcome.into(),
            Ok(_) => Exit::Clean,
        },
    }));
    let entries: Vec<report::Entry<Result<Plan, String>>> = entries
        .into_iter()
        .map(|entry| entry.map(|result| result.map_err(|failure| failure.message)))
        .collect();
    session.show(&match args.format {
        PlanFormat::Human => report::human_plans(&entries, session.style()),
        PlanFormat::Json => report::json_plans(&entries),
        PlanFormat::Markdown => report::markdown_plans(&entries, markdown::COMMENT_LIMIT),
    })?;
    for entry in &entries {
        let name = &entry.identity.environment;
        match (&entry.result, &args.out) {
            (Err(message), _) => session.say(&pgvigil::report::visible(&format!(
                "error: {name}: {message}"
            ))),
            (Ok(plan), _) if plan.outcome().is_err() => {
                session.say(&format!("{name}: {}", unread(plan)));
            }
            (Ok(plan), _) if !plan.obstacles.is_empty() => {
                let obstacle = impossible(plan).unwrap_or_default();
                session.say(&format!("{name}: {obstacle}"));
            }
            (Ok(plan), Some(folder)) => save(session, plan, &folder.join(format!("{name}.plan")))?,
            (Ok(_), None) => {}
        }
    }
    Ok(exit)
}
