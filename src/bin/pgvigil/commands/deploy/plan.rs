//! `plan`: what an apply would change.

use std::path::Path;

use pgvigil::report;

use super::approval::named;
use super::deployment::Deployment;
use super::ground::Ground;
use super::plan_all;
use super::saved::{read, save};
use super::shown::{impossible, reading, render, unread};
use crate::args::{PlanArgs, PlanFormat};
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

/// Prints a saved plan. The deployed resources are not read.
fn show(session: &Session, path: &Path, format: PlanFormat) -> Ran {
    let saved = read(path)?;
    session.show(&render(session, &saved.plan, format))?;
    session.hint(&report::visible(&format!(
        "note: this plan was made at {} by {}; the files and the deployed resources might have changed since",
        saved.made.made_at, saved.made.made_by
    )));
    Ok(Exit::Clean)
}
