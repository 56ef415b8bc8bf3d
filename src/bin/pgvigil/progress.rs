//! The progress of long work on a terminal: nothing with `--quiet`, or if the work is done at once. Without a terminal,
//! it prints a line now and then.

use std::io::{IsTerminal as _, Write as _};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use pgvigil::audit_log::reader;
use pgvigil::deploy::plan::Planned;
use pgvigil::report;
use pgvigil::report::escape::inert;

use crate::session::Session;
use crate::signals;
use crate::terminal::{keep, remember};

/// Work that takes less time shows no progress.
const PATIENCE: Duration = Duration::from_millis(400);

/// Time until the first line without a terminal. Each further line comes after twice the time.
const SAID: Duration = Duration::from_secs(10);

/// Most names in such a line.
const NAMED: usize = 4;

/// How often the progress is redrawn.
const TICK: Duration = Duration::from_millis(125);

/// Shows how far a read has come; nothing without a terminal.
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

/// Makes a signal clear the bar.
fn wiped_by_signals(bar: &ProgressBar) {
    if std::io::stderr().is_terminal() {
        signals::wipe();
        keep(bar);
    }
}

/// Shows that something is under way, and for how long: `⠙ reading prod … 3s`. It goes when this is dropped.
pub(crate) struct Activity {
    bar: ProgressBar,
    /// Names of the things that are being worked on.
    names: Arc<Mutex<Vec<String>>>,
    is_shown: bool,
    drawing: Option<(Sender<()>, JoinHandle<()>)>,
}

impl Activity {
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
        let names: Arc<Mutex<Vec<String>>> = Arc::default();
        if session.is_quiet() {
            return Self {
                bar,
                names,
                is_shown: false,
                drawing: None,
            };
        }
        bar.set_message(report::visible(what));
        if !std::io::stderr().is_terminal() {
            let drawing = Some(said(bar.clone(), Arc::clone(&names)));
            return Self {
                bar,
                names,
                is_shown: false,
                drawing,
            };
        }
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
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
            names,
            is_shown: true,
            drawing: Some((over, thread)),
        }
    }

    /// Whether it is drawn on a terminal.
    pub(crate) fn is_shown(&self) -> bool {
        self.is_shown
    }

    /// Starts one of many things; it ends when the returned value is dropped.
    pub(crate) fn begin(&self, name: &str) -> UnderWay<'_> {
        let name = report::visible(name);
        if let Ok(mut names) = self.names.lock() {
            names.push(name.clone());
        }
        UnderWay {
            activity: self,
            name,
        }
    }

    /// One of many is done.
    pub(crate) fn one_more(&self) {
        self.bar.inc(1);
    }

    pub(crate) fn now(&self, what: &str) {
        self.bar.set_message(report::visible(what));
    }
}

/// One of many things that are under way.
pub(crate) struct UnderWay<'a> {
    activity: &'a Activity,
    name: String,
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        if let Ok(mut names) = self.activity.names.lock()
            && let Some(at) = names.iter().position(|name| *name == self.name)
        {
            names.remove(at);
        }
        self.activity.one_more();
    }
}

/// Prints a line now and then with the names that it waits for.
fn said(bar: ProgressBar, names: Arc<Mutex<Vec<String>>>) -> (Sender<()>, JoinHandle<()>) {
    let (over, is_over) = channel::<()>();
    let thread = std::thread::spawn(move || {
        let (mut pause, mut waited) = (SAID, Duration::ZERO);
        while is_over.recv_timeout(pause) == Err(RecvTimeoutError::Timeout) {
            waited += pause;
            pause = waited;
            let names = names.lock().map(|names| names.clone()).unwrap_or_default();
            let line = waiting_line(&bar.message(), &names, waited);
            // If even stderr is closed, there is no way to report it.
            let _ = writeln!(std::io::stderr().lock(), "{}", inert(&line));
        }
    });
    (over, thread)
}

fn waiting_line(what: &str, names: &[String], waited: Duration) -> String {
    let seconds = waited.as_secs();
    let shown: Vec<&str> = names.iter().take(NAMED).map(String::as_str).collect();
    match (shown.join(", "), names.len().saturating_sub(NAMED)) {
        (names, _) if names.is_empty() => format!("{what}: {seconds} s so far"),
        (names, 0) => format!("{what}: {seconds} s so far, waiting for {names}"),
        (names, more) => format!("{what}: {seconds} s so far, waiting for {names} and {more} more"),
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
        if self.is_shown {
            remember(None);
        }
    }
}

fn bar(session: &Session) -> ProgressBar {
    let bar = ProgressBar::no_length();
    // indicatif hides the bar by itself if stderr is not a terminal.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_names_what_is_waited_for() {
        let line = |names: usize| {
            let names: Vec<String> = (0..names).map(|at| format!("c{at}")).collect();
            waiting_line("reading servers", &names, Duration::from_secs(20))
        };
        assert_eq!(line(0), "reading servers: 20 s so far");
        assert_eq!(line(2), "reading servers: 20 s so far, waiting for c0, c1");
        assert!(line(6).ends_with("waiting for c0, c1, c2, c3 and 2 more"));
    }
}
