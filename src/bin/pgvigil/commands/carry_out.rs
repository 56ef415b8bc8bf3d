//! Carries out a plan that somebody agreed to, step by step, and looks afterwards whether anything is left.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::Context as _;
use pgvigil::deploy::apply::{End, Step};
use pgvigil::deploy::plan::Planned;
use pgvigil::deploy::{Cloud, Observer, Plan, apply, left};
use pgvigil::report::plan::human::{Style, render_apply, render_left, render_step};

use super::deployment::style;
use crate::exit::Exit;
use crate::progress::{Activity, StepProgress};
use crate::session::Session;

/// Applies, tells each step as it ends, and plans again.
pub(crate) fn carry_out(
    session: &Session,
    plan: &Plan,
    cloud: &dyn Cloud,
    confirmed: &BTreeSet<String>,
) -> anyhow::Result<Exit> {
    listen()?;
    let style = style(session);
    let mut steps = Steps {
        session,
        style,
        progress: StepProgress::new(session),
    };
    let done = apply(plan, cloud, confirmed, &mut steps);
    steps.progress.clear();
    let done = done.context("nothing was changed")?;
    session.show(&render_apply(&done, style))?;
    if done.end != End::Complete {
        return Ok(Exit::PartlyApplied);
    }
    let activity = Activity::of(session, "looking whether anything is left");
    let mut seen = left(plan, cloud);
    for pause in cloud.pauses() {
        if matches!(&seen, Ok(left) if left.is_empty()) {
            break;
        }
        std::thread::sleep(*pause);
        seen = left(plan, cloud);
    }
    drop(activity);
    match seen {
        Ok(left) => {
            session.show(&render_left(&left, style))?;
            Ok(if left.is_empty() {
                Exit::Clean
            } else {
                Exit::PartlyApplied
            })
        }
        Err(error) => {
            session.say(&format!(
                "error: every step was done, and whether anything is left to do is not known: {}",
                pgvigil::report::visible(&error.to_string())
            ));
            Ok(Exit::PartlyApplied)
        }
    }
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
    progress: StepProgress,
}

impl Observer for Steps<'_> {
    fn starts(&mut self, steps: usize) {
        self.progress.starts(steps);
    }

    fn begins(&mut self, resource: &Planned) {
        self.progress.begins(resource);
    }

    fn ended(&mut self, step: &Step) {
        self.progress.above(|| {
            // Where stdout is gone, the apply goes on: half an apply is worse than a silent one.
            let _ = self.session.show(&render_step(step, self.style));
        });
    }

    fn stop(&mut self) -> bool {
        STOP.load(Ordering::SeqCst)
    }
}
