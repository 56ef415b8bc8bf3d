//! What a terminal shows while something takes long: nothing in a pipe, with `--quiet`, or where it is over at once.

use std::io::IsTerminal as _;
use std::sync::Mutex;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use pgvigil::audit_log::reader;
use pgvigil::deploy::plan::Planned;
use pgvigil::report;

use crate::session::Session;
use crate::stop;

/// What is over sooner shows nothing.
const PATIENCE: Duration = Duration::from_millis(400);

/// How often what is under way moves.
const TICK: Duration = Duration::from_millis(125);

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

/// Bars that are drawn, or may be.
static BARS: Mutex<Vec<ProgressBar>> = Mutex::new(Vec::new());

/// Sees to it that a signal wipes a bar.
fn wiped_by_signals(bar: &ProgressBar) {
    if std::io::stderr().is_terminal() {
        stop::wipe();
        if let Ok(mut bars) = BARS.lock() {
            bars.retain(|bar| !bar.is_finished());
            bars.push(bar.clone());
        }
    }
}

/// Wipes whatever is drawn.
pub(crate) fn clear_all() {
    let bars = BARS.lock().map(|bars| bars.clone()).unwrap_or_default();
    for bar in bars {
        bar.finish_and_clear();
    }
}

/// What is drawn at this moment.
static SHOWN: Mutex<Option<ProgressBar>> = Mutex::new(None);

/// Prints without tearing what is drawn.
pub(crate) fn aside<T>(print: impl FnOnce() -> T) -> T {
    let shown = SHOWN.lock().ok().and_then(|shown| shown.clone());
    match shown {
        Some(bar) => bar.suspend(print),
        None => print(),
    }
}

fn remember(bar: Option<ProgressBar>) {
    if let Ok(mut shown) = SHOWN.lock() {
        *shown = bar;
    }
}

/// Shows that something is under way, and for how long: `⠙ reading prod … 3s`. It goes when this is dropped.
pub(crate) struct Activity {
    bar: ProgressBar,
    drawing: Option<(Sender<()>, JoinHandle<()>)>,
}

impl Activity {
    /// Of one thing.
    pub(crate) fn of(session: &Session, what: &str) -> Self {
        Self::drawn(session, what, "{spinner} {msg} … {elapsed}")
    }

    /// Of many things: how many are done is shown too.
    pub(crate) fn of_many(session: &Session, what: &str, many: usize) -> Self {
        let activity = Self::drawn(session, what, "{spinner} {msg} … {pos}/{len} {elapsed}");
        activity
            .bar
            .set_length(u64::try_from(many).unwrap_or(u64::MAX));
        activity
    }

    fn drawn(session: &Session, what: &str, template: &str) -> Self {
        let bar = ProgressBar::no_length();
        bar.set_draw_target(ProgressDrawTarget::hidden());
        if session.is_quiet() || !std::io::stderr().is_terminal() {
            return Self { bar, drawing: None };
        }
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        bar.set_message(report::visible(what));
        wiped_by_signals(&bar);
        let (over, is_over) = channel::<()>();
        remember(Some(bar.clone()));
        let drawn = bar.clone();
        let thread = std::thread::spawn(move || {
            if is_over.recv_timeout(PATIENCE) == Err(RecvTimeoutError::Timeout) {
                drawn.set_draw_target(ProgressDrawTarget::stderr_with_hz(8));
                drawn.enable_steady_tick(TICK);
            }
        });
        Self {
            bar,
            drawing: Some((over, thread)),
        }
    }

    /// Whether somebody sees it.
    pub(crate) fn is_shown(&self) -> bool {
        self.drawing.is_some()
    }

    /// One of many is done.
    pub(crate) fn one_more(&self) {
        self.bar.inc(1);
    }

    /// What is under way by now.
    pub(crate) fn now(&self, what: &str) {
        self.bar.set_message(report::visible(what));
    }
}

impl Drop for Activity {
    fn drop(&mut self) {
        let Some((over, thread)) = self.drawing.take() else {
            return;
        };
        drop(over);
        // A thread that failed has drawn nothing that could be wiped.
        let _ = thread.join();
        self.bar.finish_and_clear();
        remember(None);
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
    if !session.is_quiet() {
        wiped_by_signals(&bar);
    }
    bar
}
