//! `plan`: what an apply would change.

use std::collections::BTreeSet;

use anyhow::Context as _;
use pgvigil::deploy::Plan;
use pgvigil::report;
use pgvigil::report::plan::{human, json, markdown};

use super::deployment::{Deployment, Ground, style};
use super::files;
use crate::args::{PlanArgs, PlanFormat};
use crate::exit::Exit;
use crate::session::Session;

pub(crate) fn run(session: &Session, args: &PlanArgs) -> anyhow::Result<Exit> {
    let loaded = match session.sound()? {
        Ok(loaded) => loaded,
        Err(exit) => return Ok(exit),
    };
    let environment = match session.environment(&loaded, &args.env) {
        Ok(environment) => environment,
        Err(exit) => return Ok(exit),
    };
    if let Err(exit) = session.proven(&loaded, environment)? {
        return Ok(exit);
    }
    let plan = Deployment::for_reading(Ground::of(session), &loaded, environment)?
        .plan(&BTreeSet::new())?;
    session.show(&render(session, &plan, args.format))?;
    let Ok(outcome) = plan.outcome() else {
        session.say(&unread(&plan));
        if args.out.is_some() {
            session.say("the plan was not saved: it could not be applied");
        }
        return Ok(Exit::Failed);
    };
    if let Some(path) = &args.out {
        files::replace(path, &plan.to_saved()).context("the plan was not saved")?;
        let path = report::visible(&path.display().to_string());
        session.say(&format!(
            "saved in {path}: `pgvigil apply --env {} {path}` does just this",
            args.env
        ));
    }
    Ok(if args.detailed_exitcode {
        outcome.into()
    } else {
        Exit::Clean
    })
}

/// Draws a plan.
pub(crate) fn render(session: &Session, plan: &Plan, format: PlanFormat) -> String {
    match format {
        PlanFormat::Human => human::render_plan(plan, style(session)),
        PlanFormat::Json => json::render_plan(plan),
        PlanFormat::Markdown => markdown::render_plan(plan, markdown::COMMENT_LIMIT),
    }
}

/// Why a plan says nothing.
pub(crate) fn unread(plan: &Plan) -> String {
    let count = plan.unread.len();
    let first = plan
        .unread
        .first()
        .map(|unread| format!("{}: {}", unread.address, unread.error))
        .unwrap_or_default();
    format!(
        "error: {count} not read, so what would change is not known; the first: {}",
        report::visible(&first)
    )
}
