//! What a terminal shows while logs are read, and while a plan is applied.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use pgvigil::audit_log::reader;
use pgvigil::deploy::plan::Planned;
use pgvigil::report;

use crate::session::Session;

/// Shows how far a reading is; nothing where nobody looks.
pub(crate) struct Progress(ProgressBar);

impl Progress {
    pub(crate) fn new(session: &Session) -> Self {
        let bar = bar(session);
        if let Ok(style) =
            ProgressStyle::with_template("{bytes}/{total_bytes} {wide_bar} {bytes_per_sec} {eta}")
        {
            bar.set_style(style);
        }
        Self(bar)
    }

    pub(crate) fn show(&self, progress: reader::Progress) {
        if let Some(total) = progress.total {
            self.0.set_length(total);
        }
        self.0.set_position(progress.done);
    }

    pub(crate) fn clear(&self) {
        self.0.finish_and_clear();
    }
}

/// Shows which step of an apply is under way: `3/21 alarm pgvigil-prod-orders-heartbeat`.
pub(crate) struct StepProgress(ProgressBar);

impl StepProgress {
    pub(crate) fn new(session: &Session) -> Self {
        let bar = bar(session);
        if let Ok(style) = ProgressStyle::with_template("{pos}/{len} {wide_msg}") {
            bar.set_style(style);
        }
        Self(bar)
    }

    pub(crate) fn starts(&self, steps: usize) {
        self.0.set_length(u64::try_from(steps).unwrap_or(u64::MAX));
    }

    pub(crate) fn begins(&self, resource: &Planned) {
        let kind = resource.kind.map_or("", |kind| kind.name());
        self.0.inc(1);
        self.0
            .set_message(report::visible(&format!("{kind} {}", resource.name)));
        self.0.tick();
    }

    /// Prints a result without tearing the line.
    pub(crate) fn above(&self, print: impl FnOnce()) {
        self.0.suspend(print);
    }

    pub(crate) fn clear(&self) {
        self.0.finish_and_clear();
    }
}

fn bar(session: &Session) -> ProgressBar {
    let bar = ProgressBar::no_length();
    // indicatif hides the bar by itself where stderr is no terminal.
    bar.set_draw_target(if session.is_quiet() {
        ProgressDrawTarget::hidden()
    } else {
        ProgressDrawTarget::stderr_with_hz(8)
    });
    bar
}
