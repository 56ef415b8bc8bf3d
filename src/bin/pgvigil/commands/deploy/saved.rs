//! Saved plans: written for a review, and applied only where and as they were made.

use std::path::Path;

use anyhow::Context as _;
use jiff::Timestamp;
use pgvigil::deploy::{Cloud, Identity, Made, Plan, Purpose, SavedPlan, saved};
use pgvigil::doctor::remedy::{operand, quote};
use pgvigil::report;

use super::deployment::Deployment;
use crate::commands::files;
use crate::session::Session;

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
