//! What a change makes silent and loud, in each environment that it affects.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use indexmap::IndexMap;
use pgvigil::audit_log::reader::{self, Inputs, ReadReport};
use pgvigil::ci::finding::{self, IMPACT};
use pgvigil::ci::{Finding, Level};
use pgvigil::diagnostic::count;
use pgvigil::policy::Loaded;
use pgvigil::policy::model::Environment;
use pgvigil::rules::impact::{self, ImpactReport, Likeness, Question};
use pgvigil::rules::test::TestReport;
use rayon::prelude::*;

use super::super::pipeline::{Ended, Pipeline};
use crate::args::CiPrArgs;
use crate::commands::files::walk;
use crate::commands::rules::change::Change;
use crate::commands::rules::logs::{ended, problems, tell};
use crate::exit::Exit;
use crate::progress::{Activity, Progress};
use crate::session::Session;

/// The folder of a repository's log samples.
const SAMPLES: &str = "samples";

/// The reports of a change. Environments that differ only in name share a report, and one pass over the logs.
pub(super) struct Impacts<'a> {
    loaded: &'a Loaded,
    assessed: Vec<Assessed>,
    /// For each environment's name, the index of its report and its question.
    places: BTreeMap<&'a str, (usize, Question<'a>)>,
}

/// The log samples: those of every environment, and those of one.
#[derive(Default)]
pub(super) struct Samples {
    shared: Vec<PathBuf>,
    /// By the name of the environment.
    own: BTreeMap<String, Vec<PathBuf>>,
}

impl Samples {
    /// The logs that are judged in an environment.
    fn of(&self, environment: &str) -> Vec<PathBuf> {
        let own = self.own.get(environment).into_iter().flatten();
        self.shared.iter().chain(own).cloned().collect()
    }
}

struct Assessed {
    inputs: Inputs,
    report: ImpactReport,
    read: ReadReport,
    /// How long it took; shown for the first environment only.
    took: Duration,
}

impl<'a> Impacts<'a> {
    /// Assesses the change in each of these environments.
    pub(super) fn of_all(
        session: &Session,
        (change, loaded): (&'a Change, &'a Loaded),
        samples: &Samples,
        environments: &[&'a Environment],
        tested: &TestReport,
        is_short: bool,
    ) -> anyhow::Result<Self> {
        let (base, head) = (&change.base.policy, &loaded.policy);
        let mut different: IndexMap<(Likeness<'_>, Vec<PathBuf>), Question<'_>> = IndexMap::new();
        let mut places = BTreeMap::new();
        for environment in environments {
            let likeness = Likeness::of(base, head, environment, session.today());
            let entry = different.entry((likeness, samples.of(&environment.name)));
            let question = change.question(session, loaded, environment);
            places.insert(environment.name.as_str(), (entry.index(), question));
            entry.or_insert_with(|| Question {
                tested: Some(tested),
                now: session.now(),
                is_short,
                ..question
            });
        }
        let assess = |logs: &[PathBuf],
                      question: &Question<'_>,
                      progress: &mut dyn FnMut(reader::Progress)| {
            let inputs = Inputs::from_paths(logs);
            let since = Instant::now();
            let (report, read) = impact::assess(question, &inputs, progress);
            let took = since.elapsed();
            Assessed {
                inputs,
                report,
                read,
                took,
            }
        };
        // Reading logs takes every core by itself, and memory each time.
        let questions: Vec<(&[PathBuf], &Question<'_>)> = different
            .iter()
            .map(|((_, logs), question)| (logs.as_slice(), question))
            .collect();
        let assessed: Vec<Assessed> = if questions.iter().all(|(logs, _)| logs.is_empty()) {
            let activity = Activity::of_many(session, "comparing what is silent", questions.len());
            let questions = questions.into_par_iter();
            questions
                .map(|(logs, question)| {
                    let assessed = assess(logs, question, &mut |_| {});
                    activity.one_more();
                    assessed
                })
                .collect()
        } else {
            let progress = Progress::new(session);
            let questions = questions.into_iter();
            let assessed = questions
                .map(|(logs, question)| assess(logs, question, &mut |done| progress.show(done)))
                .collect();
            progress.clear();
            assessed
        };
        // The unreadable parts of the same logs are the same each time.
        let mut told: BTreeSet<&[PathBuf]> = BTreeSet::new();
        for ((_, logs), one) in different.keys().zip(&assessed) {
            if told.insert(logs) {
                tell(session, &one.inputs, &one.read);
            }
        }
        Ok(Self {
            loaded,
            assessed,
            places,
        })
    }

    /// What the change makes silent and loud in the log samples, and the evasion analysis of the changed exclusions.
    pub(super) fn of(
        &mut self,
        pipeline: &mut Pipeline<'_>,
        environment: &Environment,
    ) -> anyhow::Result<(ImpactReport, Ended, Duration)> {
        let (place, question) = self
            .places
            .get(environment.name.as_str())
            .context("an environment that was not assessed")?;
        let assessed = self.assessed.get_mut(*place);
        let assessed = assessed.context("an environment that was not assessed")?;
        let took = std::mem::take(&mut assessed.took);
        let Assessed {
            inputs,
            report,
            read,
            ..
        } = &*assessed;
        let report = impact::named(report, question);
        let is_there = self.loaded.policy.environment(&environment.name).is_some();
        for found in finding::of_impact(&report, self.loaded, &pipeline.folder) {
            if is_there {
                pipeline.finding_of(self.loaded, environment, found);
            } else {
                // Its file is gone too.
                pipeline.finding(found);
            }
        }
        if let Some(first) = read.broken.first() {
            let log = inputs.sources().get(first.file);
            let message = format!(
                "the log samples could not be read completely, so could not determine what becomes silent there; the first of {}: {}:{}: {}",
                read.broken_count,
                log.map_or_else(String::new, |log| log.name().into_owned()),
                first.line,
                first.what
            );
            let found = Finding::new(IMPACT, "impact/unread", message)
                .help("take the sample again, or remove it from the folder of samples");
            if is_there {
                pipeline.finding_of(self.loaded, environment, found);
            } else {
                pipeline.finding(found.of(&environment.name));
            }
        }
        if read.converted > 0 && read.converted < read.entries {
            let message = format!(
                "the log samples contain entries with both values of log_line_prefix that RDS offers: {} of {} have the one that this \
                 environment does not use",
                read.converted, read.entries
            );
            let mut found = Finding::new(IMPACT, "impact/prefixes", message).help(format!(
                "they were read; put the logs of each environment into `{SAMPLES}/ENVIRONMENT/`, so that logs of others are not judged here"
            ));
            found.level = Level::Warning;
            if is_there {
                pipeline.finding_of(self.loaded, environment, found);
            } else {
                pipeline.finding(found.of(&environment.name));
            }
        }
        let unread = problems(inputs, read);
        for sentence in unread.iter().take(20) {
            let message = format!(
                "the log samples were not read completely, so the impact on them is not measured: {sentence}"
            );
            let found = Finding::new(IMPACT, "impact/unread", message)
                .help("see docs/logs.md for the supported formats, and take the sample again");
            pipeline.finding_of(self.loaded, environment, found);
        }
        if read.foreign_count > 0 && unread.is_empty() {
            let message = format!(
                "the log samples contain text outside log entries, in {}, so the impact is not measured on all of it",
                count(read.foreign_count, "piece")
            );
            let found = Finding::new(IMPACT, "impact/unread", message)
                .help("take the sample again, from the beginning of an entry");
            pipeline.finding_of(self.loaded, environment, found);
        }
        let on = match inputs.sources().len() {
            0 => format!("no log samples in `{SAMPLES}/`, so nothing was counted"),
            _ => format!(
                "on {} of log samples",
                count(report.totals.records, "record")
            ),
        };
        let summary = format!(
            "exclusions {}, monitoring {}; {} newly silent, {} newly loud, {on}",
            report.direction.name(),
            report.hearing.direction.name(),
            report.totals.newly_silent,
            report.totals.newly_loud
        );
        let summary = match read.is_unread() {
            true => format!("not measured on all of the logs; {summary}"),
            false => summary,
        };
        let exit = match (report.passed(), ended(read)) {
            (true, read) => read,
            (false, read) => Exit::Diagnostics.worse(read),
        };
        Ok((report, (exit, summary), took))
    }
}

/// The log samples: those that are named, or those of the repository. In a folder of samples, what lies in a folder with the
/// name of an environment is that environment's; `environments` are the names before and after the change.
pub(super) fn logs(
    session: &Session,
    args: &CiPrArgs,
    environments: &BTreeSet<String>,
) -> anyhow::Result<Samples> {
    let folder = session.root().join(SAMPLES);
    let named = if args.logs.is_empty() && folder.is_dir() {
        vec![folder]
    } else {
        args.logs.clone()
    };
    let mut samples = Samples::default();
    for path in named {
        if !path.is_dir() {
            samples.shared.push(path);
            continue;
        }
        let found = walk(&path, Path::new(""))?;
        for file in found.into_iter().filter(|file| is_log(file)) {
            let first = file.iter().next().map(|name| name.to_string_lossy());
            let whole = path.join(&file);
            match first
                .filter(|name| file.iter().nth(1).is_some() && environments.contains(&**name))
            {
                Some(name) => samples
                    .own
                    .entry(name.into_owned())
                    .or_default()
                    .push(whole),
                None => samples.shared.push(whole),
            }
        }
    }
    Ok(samples)
}

/// Whether a file in a folder of samples is meant to be read: not what explains them, and nothing hidden.
fn is_log(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    !name.starts_with('.') && !name.ends_with(".md")
}
