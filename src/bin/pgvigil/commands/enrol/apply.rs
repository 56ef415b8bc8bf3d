//! `enrol apply`: sets the audit settings of roles as the files declare.

use std::collections::BTreeSet;
use std::io::IsTerminal as _;
use std::path::Path;

use anyhow::Context as _;
use pgvigil::compile::enrolment::enrolments;
use pgvigil::database::apply::{Applied, Order, apply, refusal};
use pgvigil::database::enrol::Plan;
use pgvigil::database::enrol::plan::Asked;
use pgvigil::database::enrol::saved::{SavedPlans, moved};
use pgvigil::database::enrol::statement;
use pgvigil::policy::Loaded;
use pgvigil::report::enrol::{Entry, human};
use pgvigil::report::visible;

use super::places::{Found, Spot, each, of_one, tell_unread};
use super::planned::planned;
use crate::args::EnrolApplyArgs;
use crate::exit::{Exit, Ran};
use crate::progress::Activity;
use crate::session::Session;
use crate::signals;

/// A server with the plan for it.
struct Ready<'a> {
    spot: Spot<'a>,
    found: Found,
    plan: Plan,
}

pub(crate) fn run(session: &Session, args: &EnrolApplyArgs) -> Ran {
    let saved = match &args.plan {
        Some(path) => Some((path.as_path(), read(path)?)),
        None => None,
    };
    let loaded = session.sound()?;
    let spots = of_one(session, &loaded, &args.env, &args.database)?;
    let unenrol: BTreeSet<String> = match &saved {
        Some((_, saved)) => saved.unenrol.iter().cloned().collect(),
        None => args.unenrol.iter().cloned().collect(),
    };
    // Every server is looked at before the first is changed. One that cannot be read does not keep people of the others from
    // being audited.
    let today = session.today();
    let entries = each(session, &spots, |spot, found| {
        let plan = planned(today, &loaded.policy, spot, &found, &unenrol)?;
        Ok((found, plan))
    });
    let is_any_unread = tell_unread(session, &entries);
    let ready: Vec<Ready<'_>> = spots
        .into_iter()
        .zip(entries)
        .filter_map(|(spot, entry)| {
            let (found, plan) = entry.result.ok()?;
            Some(Ready { spot, found, plan })
        })
        .collect();
    if ready.is_empty() {
        session.say("nothing was changed");
        return Ok(Exit::Failed);
    }
    let ended = proceed(session, args, &loaded, saved.as_ref(), &ready, &unenrol)?;
    if !is_any_unread {
        return Ok(ended);
    }
    session.say("servers that could not be read were left unchanged: apply again when they answer");
    Ok(if args.dry_run {
        ended.worse(Exit::Failed)
    } else {
        ended.worse(Exit::PartlyApplied)
    })
}

/// Continues once every server that answers was read.
fn proceed(
    session: &Session,
    args: &EnrolApplyArgs,
    loaded: &Loaded,
    saved: Option<&(&Path, SavedPlans)>,
    ready: &[Ready<'_>],
    unenrol: &BTreeSet<String>,
) -> Ran {
    if let Some((path, saved)) = saved {
        accept(path, saved, ready)?;
    }
    if args.dry_run {
        return dry_run(session, ready);
    }
    if saved.is_none() {
        let entries: Vec<Entry<Plan>> = ready
            .iter()
            .map(|ready| Entry {
                environment: ready.spot.environment.name.clone(),
                cluster: ready.spot.cluster.clone(),
                result: Ok(ready.plan.clone()),
            })
            .collect();
        session.show(&human::plans(&entries, session.style()))?;
    }
    let pending = ready.iter().filter(|ready| !ready.plan.is_empty()).count();
    if pending == 0 {
        session.hint("there is nothing to apply");
        return Ok(Exit::Clean);
    }
    for ready in ready.iter().filter(|ready| !ready.plan.is_empty()) {
        if let Some(why) = refusal(&ready.plan, &ready.found.snapshot) {
            let place = &ready.found.place;
            return Err(anyhow::anyhow!("{place}: {why}; nothing was changed").into());
        }
    }
    if let Some(exit) = ask(session, args, ready, saved.is_some())? {
        return Ok(exit);
    }
    carry_out(session, loaded, ready, unenrol)
}

fn read(path: &Path) -> anyhow::Result<SavedPlans> {
    let shown = path.display();
    let text =
        std::fs::read_to_string(path).with_context(|| format!("cannot read the plan {shown}"))?;
    SavedPlans::from_text(&text).with_context(|| format!("{shown}"))
}

/// Refuses saved plans that differ from a new plan.
fn accept(path: &Path, saved: &SavedPlans, ready: &[Ready<'_>]) -> anyhow::Result<()> {
    let (shown, made) = (path.display(), &saved.made);
    for ready in ready {
        let here = &ready.found.place;
        let then = saved.plans.iter().find(|plan| {
            plan.place.environment == here.environment && plan.place.cluster == here.cluster
        });
        let why = match then {
            None => Some(format!("it contains nothing for {here}")),
            Some(then) => moved(then, &ready.plan),
        };
        if let Some(why) = why {
            anyhow::bail!(
                "{shown}, made at {} by {}, is not applied: {why}: make a new plan",
                made.made_at,
                made.made_by
            );
        }
    }
    Ok(())
}

/// Prints what would be sent: the same text that an apply sends.
fn dry_run(session: &Session, ready: &[Ready<'_>]) -> Ran {
    for ready in ready {
        let plan = &ready.plan;
        let place = visible(&ready.found.place.to_string()).replace('\n', " ");
        session.show(&format!("-- {place}\n"))?;
        session.show_exactly(&statement::script(&plan.steps, &plan.extensions))?;
        if let Some(why) = refusal(plan, &ready.found.snapshot) {
            session.say(&format!(
                "note: an apply would refuse this: {}",
                visible(&why)
            ));
        }
    }
    Ok(Exit::Clean)
}

/// Asks for approval; returns the exit code if it is not given.
fn ask(
    session: &Session,
    args: &EnrolApplyArgs,
    ready: &[Ready<'_>],
    is_saved: bool,
) -> anyhow::Result<Option<Exit>> {
    let count: usize = ready.iter().map(|ready| ready.plan.unenrols().len()).sum();
    let roles = match count {
        1 => "1 role".to_owned(),
        count => format!("{count} roles"),
    };
    let refused = |why: &str| {
        session.say(&format!("error: {why}"));
        Ok(Some(Exit::Usage))
    };
    match args.allow_unenrol {
        Some(allowed) if allowed != count => {
            return refused(&format!(
                "the plan un-enrols {roles}, but --allow-unenrol is {allowed}: nothing was changed"
            ));
        }
        None if count > 0 && !is_saved && !std::io::stdin().is_terminal() => {
            return refused(&format!(
                "the plan un-enrols {roles}, and there is no terminal to confirm on: review the plan, then confirm with \
                 --allow-unenrol {count}"
            ));
        }
        _ => {}
    }
    let is_agreed = is_saved || (args.auto_approve && (count == 0 || args.allow_unenrol.is_some()));
    if is_agreed {
        return Ok(None);
    }
    let question = if count > 0 && args.allow_unenrol.is_none() {
        format!(
            "\n{roles} will no longer be audited. Apply this to `{}`?",
            args.env
        )
    } else {
        format!("\nApply this to `{}`?", args.env)
    };
    if session.is_typed(&question, if count > 0 { &args.env } else { "yes" })? {
        return Ok(None);
    }
    session.say("nothing was changed");
    Ok(Some(Exit::Usage))
}

fn carry_out(
    session: &Session,
    loaded: &Loaded,
    ready: &[Ready<'_>],
    unenrol: &BTreeSet<String>,
) -> Ran {
    signals::listen()?;
    let mut done = 0;
    let mut exit = Exit::Clean;
    for ready in ready.iter().filter(|ready| !ready.plan.is_empty()) {
        let place = &ready.found.place;
        let enrolments = enrolments(&loaded.policy, ready.spot.environment, session.today());
        let order = Order {
            place,
            asked: Asked {
                enrolments: &enrolments,
                unenrol,
            },
            plan: &ready.plan,
        };
        let activity = Activity::of(session, &format!("applying to {place}"));
        let ended = apply(ready.spot.target()?, order, &signals::is_asked);
        drop(activity);
        match ended {
            Ok(applied) => {
                done += 1;
                exit = exit.max(tell(session, place, &applied)?);
            }
            Err(error) if done == 0 => {
                let error = anyhow::Error::new(error);
                return Err(error
                    .context(format!("{place}: nothing was changed"))
                    .into());
            }
            Err(error) => {
                session.say(&format!(
                    "error: {}",
                    visible(&format!("{place}: nothing was changed here: {error}"))
                ));
                exit = Exit::PartlyApplied;
            }
        }
        if signals::is_asked() {
            session.say("stopped");
            return Ok(if exit == Exit::Clean {
                Exit::PartlyApplied
            } else {
                exit
            });
        }
    }
    Ok(exit)
}

fn tell(session: &Session, place: &pgvigil::database::enrol::Place, applied: &Applied) -> Ran {
    let counts = applied.plan.counts();
    let mut text = visible(&format!(
        "{place}: {} enrolled or changed, {} un-enrolled; read back, and as planned\n",
        counts.change, counts.unenrol
    ));
    let mut exit = Exit::Clean;
    for (database, error) in &applied.extensions {
        match error {
            None => text.push_str(&visible(&format!(
                "created the extension pgaudit in {database}\n"
            ))),
            Some(error) => {
                exit = Exit::PartlyApplied;
                session.say(&format!(
                    "error: {}",
                    visible(&format!(
                        "could not create the extension pgaudit in {database}: {error}"
                    ))
                ));
            }
        }
    }
    text.push_str(&human::open_sessions(&applied.sessions, session.style()));
    session.show(&text)?;
    Ok(exit)
}
