//! `apply`: carries out a plan.

use std::collections::BTreeSet;
use std::io::IsTerminal as _;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::Context as _;
use pgvigil::deploy::apply::{End, Step};
use pgvigil::deploy::{Cloud, Fingerprint, Observer, Plan, apply};
use pgvigil::report;
use pgvigil::report::plan::human::{Style, render_apply, render_step};

use super::deployment::{Deployment, Ground, style};
use super::plan::{render, unread};
use crate::args::{ApplyArgs, PlanFormat};
use crate::exit::Exit;
use crate::session::Session;

pub(crate) fn run(session: &Session, args: &ApplyArgs) -> anyhow::Result<Exit> {
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
    let deployment = Deployment::for_writing(Ground::of(session), &loaded, environment)?;
    let plan = match &args.plan {
        Some(path) => saved(session, path, &deployment)?,
        None => {
            let plan = deployment.plan(&BTreeSet::new())?;
            session.show(&render(session, &plan, PlanFormat::Human))?;
            plan
        }
    };
    let Ok(outcome) = plan.outcome() else {
        session.say(&unread(&plan));
        return Ok(Exit::Failed);
    };
    if plan.is_empty() && !plan.resources.iter().any(|resource| resource.remember) {
        session.say("there is nothing to apply");
        return Ok(Exit::Clean);
    }
    // A saved plan was looked at when it was made; a fresh one that only takes notes changes nothing.
    if args.plan.is_none() && !args.auto_approve && !plan.is_empty() {
        if !std::io::stdin().is_terminal() {
            session.say(
                "error: nobody is here to be asked: save a plan with `pgvigil plan --out FILE` and apply that, or use \
                 --auto-approve",
            );
            return Ok(Exit::Usage);
        }
        if !session.is_agreed(&format!("\nApply this to `{}`?", args.env))? {
            session.say("nothing was changed");
            return Ok(outcome.into());
        }
    }
    listen()?;
    let mut steps = Steps {
        session,
        style: style(session),
    };
    let done = apply(&plan, &*deployment.provider, &BTreeSet::new(), &mut steps)
        .context("nothing was changed")?;
    session.show(&render_apply(&done, steps.style))?;
    Ok(if done.end == End::Complete {
        Exit::Clean
    } else {
        Exit::PartlyApplied
    })
}

/// Reads a saved plan. It must be for this very place.
fn saved(
    session: &Session,
    path: &Path,
    deployment: &Deployment<dyn Cloud>,
) -> anyhow::Result<Plan> {
    let shown = path.display();
    let text =
        std::fs::read_to_string(path).with_context(|| format!("cannot read the plan {shown}"))?;
    let plan = Plan::from_saved(&text).with_context(|| format!("{shown}"))?;
    let (made, here) = (&plan.identity, &deployment.identity);
    if made != here {
        let place = |identity: &pgvigil::deploy::Identity| {
            format!(
                "`{}` ({}): {}",
                identity.environment,
                identity.at(),
                identity.clusters.join(", ")
            )
        };
        anyhow::bail!(
            "{shown} was made for {}, and this is {}: make the plan again",
            place(made),
            place(here)
        );
    }
    let of_plan: BTreeSet<_> = plan
        .resources
        .iter()
        .filter_map(|resource| resource.desired_digest.clone())
        .collect();
    let of_files: BTreeSet<_> = deployment
        .documents
        .iter()
        .map(Fingerprint::of_document)
        .collect();
    if of_plan != of_files {
        session.say(&format!(
            "note: the files have moved since {} was made; what the plan says is applied",
            report::visible(&shown.to_string())
        ));
    }
    Ok(plan)
}

/// Set once somebody asks for a stop.
static STOP: AtomicBool = AtomicBool::new(false);

/// Ctrl-C, and the signals with which pipelines cancel a job, stop the apply between two steps.
fn listen() -> anyhow::Result<()> {
    ctrlc::set_handler(|| STOP.store(true, Ordering::SeqCst)).context("cannot listen for signals")
}

/// Prints each step as it ends.
struct Steps<'a> {
    session: &'a Session,
    style: Style,
}

impl Observer for Steps<'_> {
    fn ended(&mut self, step: &Step) {
        // Where stdout is gone, the apply goes on: half an apply is worse than a silent one.
        let _ = self.session.show(&render_step(step, self.style));
    }

    fn stop(&mut self) -> bool {
        STOP.load(Ordering::SeqCst)
    }
}
