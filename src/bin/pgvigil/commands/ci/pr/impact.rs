//! What a change silences and wakes, in each environment that it touches.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use pgvigil::audit_log::reader::{Inputs, ReadReport};
use pgvigil::ci::Finding;
use pgvigil::ci::finding::{self, IMPACT};
use pgvigil::policy::Loaded;
use pgvigil::policy::model::Environment;
use pgvigil::rules::impact::{ImpactReport, Likeness};

use super::super::{Ended, Pipeline};
use crate::args::CiPrArgs;
use crate::commands::eval::{missing_log, tell};
use crate::commands::files::walk;
use crate::commands::impact::Change;
use crate::exit::Exit;
use crate::session::Session;

/// The folder of a repository's log samples.
const SAMPLES: &str = "samples";

/// The reports of a change. Environments that nothing but their name tells apart share one, and one pass over the logs.
pub(super) struct Impacts<'a> {
    change: &'a Change,
    loaded: &'a Loaded,
    logs: usize,
    inputs: Inputs,
    known: HashMap<Likeness<'a>, Rc<(ImpactReport, ReadReport)>>,
}

impl<'a> Impacts<'a> {
    pub(super) fn new(change: &'a Change, loaded: &'a Loaded, logs: &[PathBuf]) -> Self {
        Self {
            change,
            loaded,
            logs: logs.len(),
            inputs: Inputs::from_paths(logs),
            known: HashMap::new(),
        }
    }

    /// What the change silences and wakes, on the log samples, and what the evasion analysis says of what it changes.
    pub(super) fn of(
        &mut self,
        pipeline: &mut Pipeline<'_>,
        environment: &'a Environment,
    ) -> anyhow::Result<(ImpactReport, Ended)> {
        let assessed = self.assessed(pipeline.session, environment)?;
        let (report, read) = &*assessed;
        for found in finding::of_impact(report, self.loaded, &pipeline.folder) {
            pipeline.finding_of(self.loaded, environment, found);
        }
        if let Some(first) = read.broken.first() {
            let log = self.inputs.sources().get(first.file);
            let message = format!(
                "the log samples could not be read whole, so what falls silent there is not known; the first of {}: {}:{}: {}",
                read.broken_count,
                log.map_or_else(String::new, |log| log.name().into_owned()),
                first.line,
                first.what
            );
            let found = Finding::new(IMPACT, "impact/unread", message)
                .help("take the sample anew, or out of the folder of samples");
            pipeline.finding_of(self.loaded, environment, found);
        }
        let on = match self.logs {
            0 => format!("no log samples in `{SAMPLES}/`, so nothing was counted"),
            _ => format!("on {} records of log samples", report.totals.records),
        };
        let summary = format!(
            "silences {}; {} newly silent, {} newly loud, {on}",
            report.direction.name(),
            report.totals.newly_silent,
            report.totals.newly_loud
        );
        let exit = if read.broken_count > 0 {
            Exit::Failed
        } else if report.passed() {
            Exit::Clean
        } else {
            Exit::Diagnostics
        };
        let report = ImpactReport {
            env: environment.name.clone(),
            ..report.clone()
        };
        Ok((report, (exit, summary)))
    }

    fn assessed(
        &mut self,
        session: &Session,
        environment: &'a Environment,
    ) -> anyhow::Result<Rc<(ImpactReport, ReadReport)>> {
        let (base, head) = (&self.change.base.policy, &self.loaded.policy);
        let likeness = Likeness::of(base, head, environment, session.today());
        if let Some(known) = self.known.get(&likeness) {
            return Ok(Rc::clone(known));
        }
        let assessed = self
            .change
            .assess(session, self.loaded, environment, None, &self.inputs)?;
        tell(session, &self.inputs, &assessed.1);
        let assessed = Rc::new(assessed);
        self.known.insert(likeness, Rc::clone(&assessed));
        Ok(assessed)
    }
}

/// The log samples: those that are named, or those of the repository.
pub(super) fn logs(
    session: &Session,
    args: &CiPrArgs,
) -> anyhow::Result<Result<Vec<PathBuf>, Exit>> {
    if let Some(exit) = missing_log(session, &args.logs) {
        return Ok(Err(exit));
    }
    let samples = session.root().join(SAMPLES);
    let named = if args.logs.is_empty() && samples.is_dir() {
        vec![samples]
    } else {
        args.logs.clone()
    };
    let mut logs = Vec::new();
    for path in named {
        if path.is_dir() {
            let found = walk(&path, Path::new(""))?;
            logs.extend(
                found
                    .into_iter()
                    .filter(|file| is_log(file))
                    .map(|file| path.join(file)),
            );
        } else {
            logs.push(path);
        }
    }
    Ok(Ok(logs))
}

/// Whether a file in a folder of samples is meant to be read: not what explains them, and nothing hidden.
fn is_log(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    !name.starts_with('.') && !name.ends_with(".md")
}
