//! `destroy`: deletes what pgvigil created for an environment.

use std::collections::BTreeSet;

use pgvigil::deploy::{Also, Cloud, Reader};

use super::approval::Approval;
use super::carry_out::carry_out;
use super::deployment::Deployment;
use super::ground::Ground;
use super::saved::save;
use super::shown::{reading, render, unread};
use crate::args::{AlsoArg, DestroyArgs};
use crate::exit::{Exit, Ran};
use crate::progress::Activity;
use crate::session::Session;

pub(crate) fn run(session: &Session, args: &DestroyArgs) -> Ran {
    // A policy with errors must not prevent a destroy: only the deployed resources matter.
    let loaded = session.check()?.loaded;
    let environment = session.environment(&loaded, &args.env)?;
    let also: BTreeSet<Also> = args
        .also
        .iter()
        .map(|also| match also {
            AlsoArg::Key => Also::Key,
            AlsoArg::Topic => Also::Topic,
        })
        .collect();
    let ground = Ground::of(session);
    // Only saving a plan: the provider gets no call that writes.
    if args.out.is_some() {
        let activity = Activity::of(session, &reading(&args.env));
        let deployment: Deployment<dyn Reader> =
            Deployment::for_reading(ground, &loaded, environment)?;
        let plan = deployment.destroy(&also)?;
        drop(activity);
        session.show(&render(session, &plan, args.format))?;
        if plan.outcome().is_err() {
            session.say(&unread(&plan));
            session.say("the plan was not saved: it could not be applied");
            return Ok(Exit::Failed);
        }
        if let Some(path) = &args.out {
            save(session, &plan, path)?;
        }
        return Ok(Exit::Clean);
    }
    let activity = Activity::of(session, &reading(&args.env));
    let deployment: Deployment<dyn Cloud> = Deployment::for_writing(ground, &loaded, environment)?;
    let plan = deployment.destroy(&also)?;
    drop(activity);
    session.show(&render(session, &plan, args.format))?;
    if plan.outcome().is_err() {
        session.say(&unread(&plan));
        return Ok(Exit::Failed);
    }
    if plan.is_empty() {
        session.hint("there is nothing to destroy");
        return Ok(Exit::Clean);
    }
    let approval = Approval {
        plan: &plan,
        is_saved: false,
        auto_approve: args.auto_approve,
        is_explicit: true,
        how_to_confirm: "--auto-approve, or save it with --out and apply it",
        allow_delete: None,
    };
    let confirmed = approval.ask(session)?;
    carry_out(session, &plan, &*deployment.provider, &confirmed)
}
