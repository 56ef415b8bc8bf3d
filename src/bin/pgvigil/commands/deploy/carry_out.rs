//! Carries out an approved plan, step by step, and checks afterwards whether anything is left to do.

use std::collections::BTreeSet;

use anyhow::Context as _;
use pgvigil::deploy::apply::{End, Report, Step};
use pgvigil::deploy::plan::Planned;
use pgvigil::deploy::{Cloud, Left, Observer, Plan, PlanError, apply, left};
use pgvigil::report::plan::human::{Style, render_apply, render_left, render_step};

use crate::exit::{Exit, Ran};
use crate::progress::{Activity, StepProgress};
use crate::session::Session;
use crate::signals;

/// What an apply came to.
pub(crate) struct Done {
    pub(crate) report: Report,
    /// What is left to do after every step was done, or why that could not be determined.
    pub(crate) left: Result<Vec<Left>, PlanError>,
}

impl Done {
    pub(crate) fn exit(&self) -> Exit {
        let is_over =
            self.report.end == End::Complete && matches!(&self.left, Ok(left) if left.is_empty());
        if is_over {
            Exit::Clean
        } else {
            Exit::PartlyApplied
        }
    }
}

/// Applies the plan, prints each step as it ends, and prints what is left to do.
pub(crate) fn carry_out(
    session: &Session,
    plan: &Plan,
    cloud: &dyn Cloud,
    confirmed: &BTreeSet<String>,
) -> Ran {
    let done = execute(session, plan, cloud, confirmed)?;
    let style = session.style();
    session.show(&render_apply(&done.report, style))?;
    if done.report.end == End::Complete {
        match &done.left {
            Ok(left) => session.show(&render_left(left, style))?,
            Err(error) => session.say(&format!(
                "error: every step was done, but could not check whether anything is left to do: {}",
                pgvigil::report::visible(&error.to_string())
            )),
        }
    }
    Ok(done.exit())
}

/// Applies the plan, prints each step as it ends, and plans again.
pub(crate) fn execute(
    session: &Session,
    plan: &Plan,
    cloud: &dyn Cloud,
    confirmed: &BTreeSet<String>,
) -> anyhow::Result<Done> {
    // The apply stops between two steps.
    signals::listen()?;
    let mut steps = Steps {
        session,
        style: session.style(),
        progress: StepProgress::new(session),
    };
    let done = apply(plan, cloud, confirmed, &mut steps);
    steps.progress.clear();
    let report = done.context("nothing was changed")?;
    if report.end != End::Complete {
        return Ok(Done {
            report,
            left: Ok(Vec::new()),
        });
    }
    let activity = Activity::of(session, "checking whether anything is left to do");
    let mut seen = left(plan, cloud);
    for pause in cloud.pauses() {
        if matches!(&seen, Ok(left) if left.is_empty()) {
            break;
        }
        std::thread::sleep(*pause);
        seen = left(plan, cloud);
    }
    drop(activity);
    Ok(Done { report, left: seen })
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
            // The apply continues even if stdout is closed: half an apply is worse than a silent one.
            let _ = self.session.show(&render_step(step, self.style));
        });
    }

    fn stop(&mut self) -> bool {
        signals::is_asked()
    }
}
