//! `report --save-records`: the logs of an environment's monitors, as a file. A report is made of that file and not of the
//! service, so that it can be made a second time, and an auditor can keep what it was made of.

use std::io::{BufWriter, Error, ErrorKind, Write};
use std::path::Path;

use anyhow::Context as _;
use flate2::Compression;
use flate2::write::GzEncoder;
use pgvigil::compile::name::Names;
use pgvigil::deploy::CloudError;
use pgvigil::deploy::monitor_log::{LogError, LogEvent};
use pgvigil::diagnostic::count;
use pgvigil::evidence::Period;
use pgvigil::monitor::receipt::LONGEST_MS;
use pgvigil::policy::model::{Engine, Environment, Provider};
use pgvigil::report::visible;

use super::super::deploy::deployment::refuse_elsewhere;
use super::super::deploy::ground::Ground;
use super::super::deploy::provider_aws::{self, Recording};
use super::super::files::write_whole;
use crate::exit::{Exit, Ran};
use crate::progress::Activity;
use crate::session::Session;
use crate::signals;

/// Reads the logs of the monitors from a period's begin until its last window can no longer be counted, and writes them into a
/// file that does not exist yet, one event on a line.
pub(super) fn save(
    session: &Session,
    environment: &Environment,
    period: Period,
    path: &Path,
) -> Ran<()> {
    let usage = |why: &str| {
        session.say(&format!("error: {why}"));
        Err(Exit::Usage.into())
    };
    let name = &environment.name;
    if environment.provider == Provider::Local {
        return usage(&format!(
            "the environment `{name}` is a folder on this machine, where no monitor runs: give records with --records"
        ));
    }
    if environment.engine == Engine::LogAlarm {
        return usage(&format!(
            "the environment `{name}` has no monitor, because its engine is `log-alarm`: give its logs instead of --save-records"
        ));
    }
    // What is there may be the only copy: the service deletes the log after some time.
    if path.symlink_metadata().is_ok() {
        return usage(&format!(
            "{} exists already: use it with --records, or choose another name",
            visible(&path.display().to_string())
        ));
    }
    let ending = path.extension().and_then(|ending| ending.to_str());
    if ending == Some("zst") {
        return usage(
            "--save-records cannot write .zst: use a name that ends with .jsonl or .jsonl.gz",
        );
    }
    let provider = provider_aws::recording(Ground::of(session), environment)?;
    refuse_elsewhere(environment, &*provider)?;
    signals::listen()?;
    let mut saving = Saving {
        session,
        activity: Activity::of(session, "reading the log of the monitor"),
        events: 0,
        stopped: false,
    };
    let saved = write_whole(path, |file| {
        let mut file = BufWriter::new(file);
        let cannot = || format!("cannot write {}", path.display());
        if ending == Some("gz") {
            let mut packed = GzEncoder::new(&mut file, Compression::default());
            saving.logs(environment, period, &*provider, &mut packed)?;
            packed.finish().with_context(cannot)?;
        } else {
            saving.logs(environment, period, &*provider, &mut file)?;
        }
        file.flush().with_context(cannot)
    });
    let Saving {
        activity,
        events,
        stopped,
        ..
    } = saving;
    drop(activity);
    // What comes after the reading leaves nothing behind.
    signals::end();
    if stopped {
        session.say("stopped; nothing was written");
        return Err(Exit::Failed.into());
    }
    saved?;
    session.hint(&format!(
        "{} of the monitor's log written to {}",
        count(events, "event"),
        visible(&path.display().to_string())
    ));
    Ok(())
}

struct Saving<'a> {
    session: &'a Session,
    activity: Activity,
    events: u64,
    stopped: bool,
}

impl Saving<'_> {
    /// Writes the events of every monitor of the environment.
    fn logs(
        &mut self,
        environment: &Environment,
        period: Period,
        provider: &dyn Recording,
        out: &mut dyn Write,
    ) -> anyhow::Result<()> {
        let from_ms = period.start().as_millisecond();
        let until_ms = period.end().as_millisecond().saturating_add(LONGEST_MS);
        let mut missing = Vec::new();
        for cluster in &environment.clusters {
            let log_group = Names::new(environment, cluster).monitor_log_group();
            let before = self.events;
            let mut take = |events: &[LogEvent]| {
                if signals::is_asked() {
                    return Err(Error::from(ErrorKind::Interrupted));
                }
                for event in events {
                    serde_json::to_writer(&mut *out, event)?;
                    out.write_all(b"\n")?;
                }
                self.events += events.len() as u64;
                self.activity
                    .now(&format!("{} from {log_group}", count(self.events, "event")));
                Ok(())
            };
            match provider.events(&log_group, from_ms, until_ms, &mut take) {
                Ok(()) => {}
                Err(LogError::Cloud(CloudError::NotFound { .. })) if self.events == before => {
                    missing.push(log_group);
                }
                Err(error) => {
                    self.stopped = signals::is_asked();
                    return Err(error).with_context(|| {
                        format!("cannot save the log of the monitor of `{}`", cluster.name)
                    });
                }
            }
        }
        if signals::is_asked() {
            self.stopped = true;
            anyhow::bail!("stopped");
        }
        anyhow::ensure!(
            missing.len() < environment.clusters.len(),
            "no monitor of the environment `{}` has a log: {} does not exist; run `pgvigil apply --env {0}`, and check the region of the environment",
            environment.name,
            missing.join(", "),
        );
        for log_group in missing {
            self.session.say(&format!(
                "warning: the log group {log_group} does not exist: the report has no evidence of its cluster"
            ));
        }
        Ok(())
    }
}
