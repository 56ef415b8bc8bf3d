//! `apply`: carries out a plan.

use std::path::Path;

use anyhow::Context as _;
use pgvigil::deploy::{Cloud, Identity, Purpose, SavedPlan, saved};
use pgvigil::report;

use super::approval::Approval;
use super::carry_out::carry_out;
use super::deployment::{Deployment, Ground};
use super::plan::{impossible, named, reading, render, unread};
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

/// Reads a saved plan.
pub(crate) fn read(path: &Path) -> anyhow::Result<SavedPlan> {
    let shown = path.display();
    let text =
        std::fs::read_to_string(path).with_context(|| format!("cannot read the plan {shown}"))?;
    SavedPlan::from_text(&text).with_context(|| format!("{shown}"))
}

/// Refuses a saved plan that was made for another place. It calls neither place.
pub(crate) fn refuse_another_place(
    path: &Path,
    saved: &SavedPlan,
    here: &Identity,
) -> anyhow::Result<()> {
    let shown = path.display();
    let made = &saved.plan.identity;
    // A destroy deletes the resources that the plan lists, whatever the files declare by now.
    let is_here = match saved.plan.purpose {
        Purpose::Apply => made == here,
        Purpose::Destroy => made.at() == here.at() && made.environment == here.environment,
    };
    if is_here {
        return Ok(());
    }
    let place = |identity: &Identity| {
        format!(
            "`{}` ({}): {}",
            identity.environment,
            identity.at(),
            identity.clusters.join(", ")
        )
    };
    anyhow::bail!(
        "{shown} was made for {}, but this is {}: make a new plan",
        place(made),
        place(here)
    );
}

/// Refuses a saved plan that differs from what the files declare today.
pub(crate) fn refuse_another_policy(
    path: &Path,
    saved: &SavedPlan,
    deployment: &Deployment<dyn Cloud>,
) -> anyhow::Result<()> {
    let shown = path.display();
    // A destroy plan creates nothing, so it cannot bring back an old state.
    let documents = match saved.plan.purpose {
        Purpose::Apply => deployment.documents.as_slice(),
        Purpose::Destroy => &[],
    };
    let moved = saved::moved(&saved.plan, documents);
    let Some(first) = moved.first() else {
        return Ok(());
    };
    anyhow::bail!(
        "{shown}, made at {} by {}, is out of date: the files have changed for {} of its resources, the first {}; not \
         applied, because an old plan can contain an expired exclusion: make a new plan",
        saved.made.made_at,
        saved.made.made_by,
        moved.len(),
        report::visible(first)
    );
}
