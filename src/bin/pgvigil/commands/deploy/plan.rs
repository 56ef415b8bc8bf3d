//! `plan`: what an apply would change.

use std::path::Path;

use anyhow::Context as _;
use jiff::Timestamp;
use pgvigil::deploy::{Made, Plan, Prune, SavedPlan};
use pgvigil::doctor::remedy::{operand, quote};
use pgvigil::report;
use pgvigil::report::plan::{human, json, markdown};

use super::deployment::{Deployment, Ground, style};
use super::{apply, plan_all};
use crate::args::{PlanArgs, PlanFormat};
use crate::commands::files;
use crate::exit::{Exit, Ran};
use crate::progress::Activity;
use crate::session::Session;

pub(crate) fn run(session: &Session, args: &PlanArgs) -> Ran {
    if let Some(path) = &args.show {
        return show(session, path, args.format);
    }
    let prune = named(session, &args.prune)?;
    let loaded = session.sound()?;
    let Some(name) = &args.env else {
        return plan_all::run(session, &loaded, args);
    };
    let environment = session.environment(&loaded, name)?;
    session.proven(&loaded, environment)?;
    let plan = {
        let _activity = Activity::of(session, &reading(name));
        let ground = Ground::of(session).with_package(args.package.as_deref());
        Deployment::for_reading(ground, &loaded, environment)?.plan(&prune)?
    };
    session.show(&render(session, &plan, args.format))?;
    let Ok(outcome) = plan.outcome() else {
        session.say(&unread(&plan));
        if args.out.is_some() {
            session.say("the plan was not saved: it could not be applied");
        }
        return Ok(Exit::Failed);
    };
    if let Some(obstacle) = impossible(&plan) {
        session.say(&obstacle);
        if args.out.is_some() {
            session.say("the plan was not saved: it could not be applied");
        }
        return Ok(Exit::Diagnostics);
    }
    if let Some(path) = &args.out {
        save(session, &plan, path)?;
    }
    Ok(if args.detailed_exitcode {
        outcome.into()
    } else {
        Exit::Clean
    })
}

/// What the progress shows while an environment is read.
pub(crate) fn reading(environment: &str) -> String {
    format!("reading {environment}")
}

/// Prints a saved plan. The deployed resources are not read.
fn show(session: &Session, path: &Path, format: PlanFormat) -> Ran {
    let saved = apply::read(path)?;
    session.show(&render(session, &saved.plan, format))?;
    session.hint(&report::visible(&format!(
        "note: this plan was made at {} by {}; the files and the deployed resources might have changed since",
        saved.made.made_at, saved.made.made_by
    )));
    Ok(Exit::Clean)
}

/// Writes a plan to a file.
pub(crate) fn write(plan: &Plan, path: &Path) -> anyhow::Result<()> {
    let made = Made {
        made_at: Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
        made_by: concat!("pgvigil ", env!("CARGO_PKG_VERSION")).to_owned(),
    };
    let saved = SavedPlan {
        plan: plan.clone(),
        made,
    };
    files::replace(path, saved.to_text().as_bytes()).context("the plan was not saved")
}

/// Writes a plan to a file and says how to apply it.
pub(crate) fn save(session: &Session, plan: &Plan, path: &Path) -> anyhow::Result<()> {
    write(plan, path)?;
    let path = path.display().to_string();
    let deletes = match plan.deletes().len() {
        0 => String::new(),
        count => format!(" --allow-delete {count}"),
    };
    session.hint(&report::visible(&format!(
        "saved in {path}: apply it with `pgvigil apply --env {}{deletes} {}`",
        quote(&plan.identity.environment),
        operand(&path)
    )));
    Ok(())
}

/// The deletions that the options name.
pub(crate) fn named(session: &Session, texts: &[String]) -> Result<Prune, Exit> {
    Prune::parse(texts).map_err(|error| {
        session.say(&report::visible(&format!("error: {error}")));
        Exit::Usage
    })
}

/// Renders a plan.
pub(crate) fn render(session: &Session, plan: &Plan, format: PlanFormat) -> String {
    match format {
        PlanFormat::Human => human::render_plan(plan, style(session)),
        PlanFormat::Json => json::render_plan(plan),
        PlanFormat::Markdown => markdown::render_plan(plan, markdown::COMMENT_LIMIT),
    }
}

/// Why a plan cannot be applied, if pgvigil can tell already.
pub(crate) fn impossible(plan: &Plan) -> Option<String> {
    let first = plan.obstacles.first()?;
    let others = match plan.obstacles.len() {
        1 => String::new(),
        count => format!(" ({} more)", count - 1),
    };
    Some(format!(
        "error: apply would refuse this plan: {}{others}\n  help: {}",
        report::visible(&format!("{}: {}", first.address, first.why)),
        report::visible(&first.help)
    ))
}

/// Why a plan has no result.
pub(crate) fn unread(plan: &Plan) -> String {
    let count = plan.unread.len();
    let first = plan
        .unread
        .first()
        .map(|unread| format!("{}: {}", unread.address, unread.error))
        .unwrap_or_default();
    format!(
        "error: {count} not read, so could not determine what would change; the first: {}",
        report::visible(&first)
    )
}
