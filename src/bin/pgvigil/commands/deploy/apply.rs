//! `apply`: carries out a plan.

use pgvigil::deploy::{Identity, Purpose};

use super::approval::{Approval, named};
use super::carry_out::carry_out;
use super::deployment::Deployment;
use super::ground::Ground;
use super::saved::{read, refuse_another_place, refuse_another_policy};
use super::shown::{impossible, reading, render, unread};
use crate::args::{ApplyArgs, PlanFormat};
use crate::exit::{Exit, Ran};
use crate::progress::Activity;
use crate::session::Session;

pub(crate) fn run(session: &Session, args: &ApplyArgs) -> Ran {
    let saved = match &args.plan {
        Some(path) => Some((path.as_path(), read(path)?)),
        None => None,
    };
    let prune = named(session, &args.prune)?;
    let is_destroy = saved
        .as_ref()
        .is_some_and(|(_, saved)| saved.plan.purpose == Purpose::Destroy);
    let checked = session.check()?;
    // A policy with errors must not be deployed, but it must not prevent a destroy either.
    let loaded = if is_destroy {
        checked.loaded
    } else {
        session.sound_of(checked)?
    };
    let environment = session.environment(&loaded, &args.env)?;
    if !is_destroy {
        session.proven(&loaded, environment)?;
    }
    if let Some((path, saved)) = &saved {
        refuse_another_place(path, saved, &Identity::of(environment))?;
    }
    let activity = Activity::of(session, &reading(&args.env));
    let ground = Ground::of(session).with_package(args.package.as_deref());
    let deployment = Deployment::for_writing(ground, &loaded, environment)?;
    let is_saved = saved.is_some();
    let plan = match saved {
        Some((path, saved)) => {
            refuse_another_policy(path, &saved, &deployment)?;
            drop(activity);
            saved.plan
        }
        None => {
            let plan = deployment.plan(&prune)?;
            drop(activity);
            session.show(&render(session, &plan, PlanFormat::Human))?;
            plan
        }
    };
    if plan.outcome().is_err() {
        session.say(&unread(&plan));
        return Ok(Exit::Failed);
    }
    if let Some(obstacle) = impossible(&plan) {
        session.say(&obstacle);
        return Ok(Exit::Diagnostics);
    }
    let approval = Approval {
        plan: &plan,
        is_saved,
        auto_approve: args.auto_approve,
        is_explicit: prune.is_explicit(),
        how_to_confirm: "--allow-delete COUNT",
        allow_delete: args.allow_delete,
    };
    if plan.is_empty() && !plan.resources.iter().any(|resource| resource.remember) {
        session.hint("there is nothing to apply");
        return Ok(Exit::Clean);
    }
    let confirmed = approval.ask(session)?;
    carry_out(session, &plan, &*deployment.provider, &confirmed)
}
