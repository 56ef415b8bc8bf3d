//! `watch`: follows logs until it is stopped.

#[cfg(feature = "http")]
mod webhook;

use std::io;
use std::net::TcpListener;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use anyhow::Context as _;
use pgvigil::audit_log::follow::{self, Follower, Notice, Options, Start};
use pgvigil::diagnostic::count;
use pgvigil::judge::Judge;
use pgvigil::policy::model::Severity;
use pgvigil::report::visible;
use pgvigil::watch::cursor::{Cursor, Document};
use pgvigil::watch::format::{Format, RoutingKey, Writer};
use pgvigil::watch::metrics::{Build, Metrics};
use pgvigil::watch::outbox::{Limits, Outbox};
use pgvigil::watch::output::{Found, Output, OutputFile};
use pgvigil::watch::secret::SecretRef;
use pgvigil::watch::serve::{Page, serve};
use pgvigil::watch::stamp::Stamp;
use pgvigil::watch::{Pumped, Watch, What};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};

use super::rules::logs;
use crate::args::{FromArg, MinSeverity, WatchArgs, WebhookFormat};
use crate::exit::{Exit, Ran, Stop};
use crate::session::Session;
use webhook::Poster;

/// Pause between two reads of the logs: a read costs a few system calls for each open log.
const PAUSE: Duration = Duration::from_millis(200);
/// Pause between two searches for new files, and between two saves of the cursor.
const LOOK: Duration = Duration::from_secs(1);
/// Pause between two checks of the policy files.
const POLICY: Duration = Duration::from_secs(2);
/// Everything else waits at most this long while a backlog is read.
const STRETCH: Duration = Duration::from_millis(500);
/// Pause after a write that failed.
const RETRY: Duration = Duration::from_secs(1);
/// Time to deliver the remaining records after a request to stop.
const FAREWELL: Duration = Duration::from_secs(5);
/// `--once` waits at most this long for the last entry of a log that is still growing.
const ONCE: Duration = Duration::from_secs(15);
/// After this time without progress, the watcher counts as hung.
const HANGS: Duration = Duration::from_secs(30);
/// Notices of one kind that are printed one by one.
const TOLD: usize = 5;

/// The policy, ready to judge.
struct Policy {
    judge: Judge,
    build: Build,
}

/// What the web pages show.
struct Shown {
    metrics: Metrics,
    build: Build,
    problems: Vec<String>,
    at: Instant,
}

pub(crate) fn run(session: &Session, args: &WatchArgs) -> Ran {
    // Before anything is drawn.
    crate::signals::leave();
    // Before anything takes long: a signal at the start ends it in order too, or reads the policy again.
    let stop = Arc::new(AtomicBool::new(false));
    let reload = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM] {
        // The second one ends it at once.
        signal_hook::flag::register_conditional_shutdown(signal, 1, Arc::clone(&stop))
            .and_then(|_| signal_hook::flag::register(signal, Arc::clone(&stop)))
            .context("cannot listen for signals")?;
    }
    signal_hook::flag::register(SIGHUP, Arc::clone(&reload))
        .context("cannot listen for signals")?;
    let stamp = Stamp::of(session.root());
    let policy = load(session, args)?;
    if args.logs.iter().any(|path| path == Path::new("-")) {
        session.say("error: stdin cannot be followed: `rules eval --format jsonl -` reads it");
        return Ok(Exit::Usage);
    }
    let (cursor, earlier) = open_cursor(session, args, &policy.build)?;
    let output = open_output(session, args, earlier.as_ref())?;
    let start = match args.from {
        FromArg::Start => Start::Beginning,
        FromArg::End => Start::End,
    };
    let earlier = earlier.map(|earlier| follow::Earlier {
        at: earlier.unseen_since(),
        places: earlier.files,
    });
    let follower = match Follower::new(&args.logs, Options::default(), start, earlier) {
        Ok(follower) => follower,
        Err(error) => {
            session.say(&format!(
                "error: not a valid pattern: {}",
                visible(&error.to_string())
            ));
            return Ok(Exit::Usage);
        }
    };
    let (poster, with_statements) = match Poster::start(args) {
        Ok(poster) => (poster, args.with_statements),
        Err(what) => {
            session.say(&format!("error: {}", visible(&what)));
            return Ok(Exit::Usage);
        }
    };
    let writer = match writer(args) {
        Ok(writer) => writer,
        Err(what) => {
            session.say(&format!("error: {}", visible(&what)));
            return Ok(Exit::Usage);
        }
    };
    let outbox = poster
        .as_ref()
        .map(|_| Outbox::new(Limits::default(), source(&policy.build), writer));
    let shown = Arc::new(Mutex::new(Shown {
        metrics: Metrics::default(),
        build: policy.build.clone(),
        problems: Vec::new(),
        at: Instant::now(),
    }));
    if let Some(address) = args.metrics {
        let listener = TcpListener::bind(address)
            .with_context(|| format!("cannot serve metrics at {address}"))?;
        let address = listener.local_addr().unwrap_or(address);
        session.say(&format!("note: metrics at http://{address}/metrics"));
        let shown = Arc::clone(&shown);
        serve(listener, Arc::new(move |path: &str| page(&shown, path)));
    }
    let what = What {
        all: args.all,
        with_statements,
        min_severity: match args.webhook_min_severity {
            MinSeverity::Low => Severity::Low,
            MinSeverity::Medium => Severity::Medium,
            MinSeverity::High => Severity::High,
            MinSeverity::Critical => Severity::Critical,
        },
    };
    let mut running = Running {
        session,
        args,
        watch: Watch::new(follower, policy.judge, what, output, outbox),
        cursor,
        build: policy.build,
        shown,
        poster,
        is_output_failing: false,
        is_cursor_failing: false,
        seen: stamp.clone(),
        used: stamp,
    };
    running.go(&stop, &reload)
}

/// Reads the policy, and makes it ready to judge.
fn load(session: &Session, args: &WatchArgs) -> Ran<Policy> {
    let loaded = session.readable()?;
    let prefix = args.log_line_prefix.as_deref();
    let rules = logs::rules(session, &loaded, &args.env, prefix)?;
    let environment = session.environment(&loaded, &args.env)?;
    let build = Build {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        environment: args.env.clone(),
        policy_digest: environment.digest.clone(),
        rules_digest: rules.digest(),
    };
    Ok(Policy {
        judge: Judge::new(&rules),
        build,
    })
}

/// The cursor, if one is configured, and the state that an earlier run saved in it.
type Opened = (Option<Cursor>, Option<Document>);

fn open_cursor(session: &Session, args: &WatchArgs, build: &Build) -> Ran<Opened> {
    let Some(path) = &args.cursor else {
        if !session.is_quiet() && !args.once {
            session.say("note: without --cursor the read position is not saved: lines written while this is not running are not judged");
        }
        return Ok((None, None));
    };
    let (cursor, earlier) = Cursor::open(path).with_context(|| path.display().to_string())?;
    if let Some(document) = &earlier {
        if document.environment != build.environment {
            session.say(&format!(
                "error: {} is the cursor of the environment `{}`: give another file",
                visible(&path.to_string_lossy()),
                visible(&document.environment)
            ));
            return Err(Exit::Usage.into());
        }
        if document.policy_digest != build.policy_digest {
            session.say(&format!(
                "note: the policy has changed since {} was written: the new policy judges all further records",
                visible(&path.to_string_lossy())
            ));
        }
    }
    Ok((Some(cursor), earlier))
}

fn open_output(
    session: &Session,
    args: &WatchArgs,
    earlier: Option<&Document>,
) -> anyhow::Result<Output> {
    let Some(path) = &args.out else {
        return Ok(Output::Stdout);
    };
    let before = earlier.and_then(|earlier| earlier.output.as_ref());
    let (file, found) = OutputFile::open(path, before)
        .with_context(|| format!("cannot write to {}", path.display()))?;
    let name = visible(&path.to_string_lossy());
    match found {
        Found::Fine => {}
        Found::Cut(bytes) => {
            if !session.is_quiet() {
                session.say(&format!(
                    "note: {name}: {bytes} bytes written after the last save of the cursor were cut off: they are written again"
                ));
            }
        }
        Found::Shorter => session.say(&format!(
            "warning: {name}: shorter than at the end of the last run: lines were removed"
        )),
        Found::Another => session.say(&format!(
            "warning: {name}: not the file for which the cursor was saved: lines written after the last save might \
             be in the old file too"
        )),
    }
    Ok(Output::File(file))
}

fn source(build: &Build) -> serde_json::Value {
    let source = pgvigil::watch::outbox::Source {
        pgvigil: build.version.clone(),
        environment: build.environment.clone(),
        policy_digest: build.policy_digest.clone(),
        rules_digest: build.rules_digest.clone(),
    };
    // Texts always serialise.
    serde_json::to_value(source).unwrap_or_default()
}

fn page(shown: &Mutex<Shown>, path: &str) -> Option<Page> {
    let shown = shown.lock().unwrap_or_else(PoisonError::into_inner);
    let mut problems = shown.problems.clone();
    if shown.at.elapsed() > HANGS {
        problems.push(format!(
            "no progress for {}: the reader of the output might have stopped",
            count(shown.at.elapsed().as_secs(), "second")
        ));
    }
    match path {
        "/metrics" => Some(Page {
            status: 200,
            content_type: "text/plain; version=0.0.4; charset=utf-8",
            body: shown.metrics.render(&shown.build, problems.len()),
        }),
        "/healthz" => Some(Page {
            status: if problems.is_empty() { 200 } else { 503 },
            content_type: "text/plain; charset=utf-8",
            body: if problems.is_empty() {
                "ok\n".to_owned()
            } else {
                problems
                    .iter()
                    .map(|problem| visible(problem).replace('\n', "\\n") + "\n")
                    .collect()
            },
        }),
        _ => None,
    }
}

struct Running<'a> {
    session: &'a Session,
    args: &'a WatchArgs,
    watch: Watch,
    cursor: Option<Cursor>,
    build: Build,
    shown: Arc<Mutex<Shown>>,
    poster: Option<Poster>,
    is_output_failing: bool,
    is_cursor_failing: bool,
    /// The policy files when they were last looked at.
    seen: Stamp,
    /// The policy files that are used, or were tried.
    used: Stamp,
}

impl Running<'_> {
    fn go(&mut self, stop: &AtomicBool, reload: &AtomicBool) -> Ran {
        let started = Instant::now();
        if self.args.once {
            self.watch.end();
        }
        let mut looked: Option<Instant> = None;
        let mut policy_looked = started;
        let mut last_settled: Option<Instant> = None;
        let mut idle_since = None;
        loop {
            let is_stopping = stop.load(Ordering::SeqCst);
            let now = Instant::now();
            if looked.is_none_or(|at| now - at >= LOOK) {
                looked = Some(now);
                self.watch.look(now, SystemTime::now());
                self.tell();
            }
            let wait = self.read(stop)?;
            if wait.is_some() {
                idle_since.get_or_insert_with(Instant::now);
            } else {
                idle_since = None;
            }
            self.tell();
            if last_settled.is_none_or(|at| at.elapsed() >= LOOK) {
                last_settled = Some(Instant::now());
                self.settle();
            }
            self.show();
            if is_stopping {
                return self.farewell();
            }
            if self.args.once
                && let Some(exit) = self.is_over(started, idle_since)
            {
                return self.farewell().map(|farewell| exit.max(farewell));
            }
            if reload.swap(false, Ordering::SeqCst) {
                self.reload()?;
            } else if policy_looked.elapsed() >= POLICY {
                policy_looked = Instant::now();
                let stamp = Stamp::of(self.session.root());
                // Not while the files are still being written.
                if stamp != self.used && stamp == self.seen {
                    self.reload()?;
                }
                self.seen = stamp;
            }
            self.pause(wait.unwrap_or(Duration::ZERO))?;
        }
    }

    /// Handles the new entries of the logs. Returns how long to pause, or `None` if there is more to read at once.
    fn read(&mut self, stop: &AtomicBool) -> anyhow::Result<Option<Duration>> {
        let began = Instant::now();
        loop {
            match self.watch.pump(Instant::now(), SystemTime::now()) {
                Ok(Pumped::Idle | Pumped::Full) => {
                    self.output_works();
                    return Ok(Some(PAUSE));
                }
                Ok(Pumped::More) => self.output_works(),
                Err(error) if self.args.out.is_none() && is_gone(&error) => {
                    self.settle();
                    return Err(anyhow::Error::msg(
                        "stdout has no reader any more, so nothing is watched",
                    ));
                }
                Err(error) => {
                    if !self.is_output_failing {
                        self.is_output_failing = true;
                        self.watch.metrics().warning();
                        self.session.say(&format!(
                            "warning: the output cannot be written: {error}; reading continues when it can"
                        ));
                    }
                    return Ok(Some(RETRY));
                }
            }
            if began.elapsed() >= STRETCH || stop.load(Ordering::SeqCst) {
                return Ok(None);
            }
        }
    }

    fn output_works(&mut self) {
        if self.is_output_failing {
            self.is_output_failing = false;
            self.session.say("note: the output can be written again");
        }
    }

    fn pause(&mut self, wait: Duration) -> anyhow::Result<()> {
        match &self.poster {
            Some(poster) => poster
                .turn(self.session, &mut self.watch, wait)
                .map_err(|_| anyhow::Error::msg("the thread that posts to the webhook has ended")),
            None => {
                thread::sleep(wait);
                Ok(())
            }
        }
    }

    /// Saves the delivered records to disk, and then the cursor.
    fn settle(&mut self) {
        if let Err(what) = self.try_settle() {
            self.watch.metrics().cursor(false, SystemTime::now());
            if !self.is_cursor_failing {
                self.is_cursor_failing = true;
                self.watch.metrics().warning();
                self.session.say(&format!(
                    "warning: {}; retrying until it works",
                    visible(&what)
                ));
            }
        } else {
            self.is_cursor_failing = false;
        }
    }

    fn try_settle(&mut self) -> Result<(), String> {
        self.save()?;
        match self.watch.output().reopen() {
            Ok(false) => Ok(()),
            // Save the new file in the cursor before a line is written to it.
            Ok(true) => self.save(),
            Err(error) => Err(format!("cannot reopen the output: {error}")),
        }
    }

    fn save(&mut self) -> Result<(), String> {
        let Some(cursor) = &mut self.cursor else {
            return Ok(());
        };
        let build = &self.build;
        let document = self
            .watch
            .document(&build.environment, &build.policy_digest)
            .map_err(|error| format!("cannot save the output to disk: {error}"))?;
        cursor
            .save(document)
            .map_err(|error| format!("cannot save the cursor: {error}"))?;
        self.watch.metrics().cursor(true, SystemTime::now());
        Ok(())
    }

    /// Reports what happened to the log files.
    fn tell(&mut self) {
        let notices = self.watch.follower().notices();
        let mut told = 0;
        let mut untold = 0;
        for notice in &notices {
            let is_ordinary = matches!(
                notice,
                Notice::FromBeginning { .. }
                    | Notice::FromEnd { .. }
                    | Notice::Resumed { .. }
                    | Notice::Unread { .. }
            );
            if is_ordinary {
                if self.session.is_quiet() {
                    continue;
                }
                if told >= TOLD {
                    untold += 1;
                    continue;
                }
                told += 1;
            }
            let word = if notice.is_warning() {
                self.watch.metrics().warning();
                "warning"
            } else {
                "note"
            };
            self.session
                .say(&format!("{word}: {}", visible(&notice.to_string())));
        }
        if untold > 0 {
            self.session
                .say(&format!("note: the same for {untold} more files"));
        }
        for notice in self.watch.new_unlike() {
            self.watch.metrics().warning();
            self.session
                .say(&format!("warning: {}", visible(&notice.to_string())));
        }
    }

    /// Updates the web pages.
    fn show(&mut self) {
        if self.args.metrics.is_none() {
            return;
        }
        self.watch.measure(SystemTime::now());
        let problems = self.problems();
        let metrics = self.watch.metrics().clone();
        let mut shown = self.shown.lock().unwrap_or_else(PoisonError::into_inner);
        *shown = Shown {
            metrics,
            build: self.build.clone(),
            problems,
            at: Instant::now(),
        };
    }

    fn problems(&mut self) -> Vec<String> {
        let mut problems = self.watch.problems();
        problems.extend(self.watch.metrics().problems());
        if let Some(broken) = self.watch.outbox().and_then(|outbox| outbox.broken()) {
            problems.push(format!("the webhook does not accept records: {broken}"));
        }
        problems
    }

    /// Reads the policy again. A policy with errors is reported, and the old one stays in use.
    fn reload(&mut self) -> anyhow::Result<()> {
        self.used = Stamp::of(self.session.root());
        self.seen = self.used.clone();
        let policy = match load(&self.session.renewed(), self.args) {
            Ok(policy) => policy,
            Err(stop) => {
                if let Stop::Failed(error) = stop {
                    self.session.failure(&error);
                }
                self.watch.metrics().reload(false);
                self.watch.metrics().warning();
                self.session.say(&format!(
                    "warning: the changed policy cannot be used: the last valid policy still judges records, {}",
                    short(&self.build.policy_digest)
                ));
                return Ok(());
            }
        };
        self.watch.metrics().reload(true);
        if policy.build.policy_digest != self.build.policy_digest && !self.session.is_quiet() {
            self.session.say(&format!(
                "note: the policy was read again: {} became {}",
                short(&self.build.policy_digest),
                short(&policy.build.policy_digest)
            ));
        }
        self.build = policy.build;
        self.watch.use_policy(policy.judge);
        if let Some(outbox) = self.watch.outbox() {
            outbox.set_source(source(&self.build));
        }
        Ok(())
    }

    /// Whether `--once` is over.
    fn is_over(&mut self, started: Instant, idle_since: Option<Instant>) -> Option<Exit> {
        let failed = || Some(Exit::Failed);
        if let Some(outbox) = self.watch.outbox()
            && outbox.failures() >= 3
        {
            return failed();
        }
        let has_problems = !self.problems().is_empty();
        if self.watch.is_done() {
            return if has_problems {
                failed()
            } else {
                Some(Exit::Clean)
            };
        }
        idle_since?;
        if started.elapsed() < ONCE {
            return None;
        }
        if let Some(outbox) = self.watch.outbox()
            && !outbox.is_empty()
            && outbox.broken().is_none()
        {
            return None;
        }
        if has_problems {
            return failed();
        }
        let behind = self.watch.follower().bytes_behind();
        self.session.say(&format!(
            "note: the logs are still growing: the next run reads their last {behind} bytes"
        ));
        Some(Exit::Clean)
    }

    /// Delivers what can be delivered, and leaves the rest to the cursor.
    fn farewell(&mut self) -> Ran {
        let until = Instant::now() + FAREWELL;
        if let Some(outbox) = self.watch.outbox() {
            outbox.hurry();
        }
        while Instant::now() < until
            && self
                .watch
                .outbox()
                .is_some_and(|outbox| !outbox.is_empty() && outbox.failures() < 3)
        {
            self.pause(Duration::from_millis(50))?;
        }
        self.settle();
        let waiting = self.watch.outbox().map_or(0, |outbox| outbox.size().0);
        if waiting > 0 && self.cursor.is_none() {
            self.session.say(&format!(
                "error: {waiting} records were not delivered to the webhook, and are lost without --cursor"
            ));
            return Ok(Exit::Failed);
        }
        if waiting > 0 {
            self.session.say(&format!(
                "note: {waiting} records are queued for the webhook: the next run delivers them"
            ));
        }
        Ok(if self.is_cursor_failing || self.is_output_failing {
            Exit::Failed
        } else {
            Exit::Clean
        })
    }
}

/// Whether the reader of the output is gone for good.
fn is_gone(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::BrokenPipe
}

/// How requests are written. No message contains the routing key.
fn writer(args: &WatchArgs) -> Result<Writer, String> {
    let format = match (args.webhook_format, &args.pagerduty_routing_key) {
        (WebhookFormat::PagerDuty, Some(key)) => {
            let variable = |name: &str| std::env::var(name).ok();
            let key = SecretRef::parse(key)
                .and_then(|secret| secret.read(&variable))
                .map_err(|error| format!("--pagerduty-routing-key: {error}"))?;
            Format::PagerDuty(RoutingKey(key))
        }
        (WebhookFormat::Slack, _) => Format::Slack,
        (WebhookFormat::Teams, _) => Format::Teams,
        (WebhookFormat::Json | WebhookFormat::PagerDuty, _) => Format::Json,
    };
    if let Some(runbook) = &args.runbook
        && !["https://", "http://"]
            .iter()
            .any(|scheme| runbook.starts_with(scheme))
    {
        return Err("--runbook must begin with https:// or http://".to_owned());
    }
    Ok(Writer {
        format,
        runbook: args.runbook.clone(),
        has_grants: false,
    })
}

fn short(digest: &str) -> &str {
    digest.get(..12).unwrap_or(digest)
}

#[cfg(not(feature = "http"))]
mod webhook {
    use std::convert::Infallible;
    use std::time::Duration;

    use pgvigil::watch::Watch;

    use crate::args::WatchArgs;
    use crate::feature::lacks;
    use crate::session::Session;

    pub(super) struct Poster(Infallible);

    impl Poster {
        pub(super) fn start(args: &WatchArgs) -> Result<Option<Self>, String> {
            match args.webhook {
                Some(_) => Err(lacks("http")),
                None => Ok(None),
            }
        }

        pub(super) fn turn(&self, _: &Session, _: &mut Watch, _: Duration) -> Result<(), String> {
            match self.0 {}
        }
    }
}
