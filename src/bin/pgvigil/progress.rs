//! A bar on the terminal while logs are read.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use pgvigil::audit_log::reader;

use crate::session::Session;

/// Shows how far a reading is; nothing where nobody looks.
pub(crate) struct Progress(ProgressBar);

impl Progress {
    pub(crate) fn new(session: &Session) -> Self {
        let bar = ProgressBar::no_length();
        // indicatif hides the bar by itself where stderr is no terminal.
        bar.set_draw_target(if session.is_quiet() {
            ProgressDrawTarget::hidden()
        } else {
            ProgressDrawTarget::stderr_with_hz(8)
        });
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
