//! `report`: answers an auditor's questions about a period.

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use pgvigil::audit_log::reader::{Inputs, ReadReport, Source};
use pgvigil::compile::digest;
use pgvigil::diagnostic::count;
use pgvigil::evidence::report::{Input, Report};
use pgvigil::evidence::{self, Given, Period, history};
use pgvigil::judge::Judge;
use pgvigil::policy::model::Environment;
use pgvigil::report::evidence::{csv, html, human, json, markdown};
use sha2::{Digest as _, Sha256};

use super::files::replace;
use super::rules::logs::{Written, missing_log, problems, rules};
use crate::args::{ReportArgs, ReportFormat};
use crate::exit::{Exit, Ran};
use crate::progress::Progress;
use crate::session::Session;

pub(crate) fn run(session: &Session, args: &ReportArgs) -> Ran {
    // Checked before logs are read, which can take long.
    for path in &args.reports {
        kind(path)?;
    }
    let usage = |why: &str| {
        session.say(&format!("error: {why}"));
        Ok(Exit::Usage)
    };
    let Some(period) = Period::new(args.since, args.until) else {
        return usage("--until is before --since");
    };
    let files = || args.logs.iter().chain(&args.records);
    if files().any(|path| path.as_os_str() == "-") {
        return usage(
            "a report is made of files, so that it can be made a second time; `-` cannot be read twice",
        );
    }
    missing_log(session, &args.logs)?;
    missing_log(session, &args.records)?;
    let loaded = session.usable(&args.env)?;
    let environment = session.environment(&loaded, &args.env)?;
    let written = Written::parse(session, args.log_line_prefix.as_deref())?;
    let mut judging = rules(session, &loaded, &args.env, None)?;
    let rules_digest = digest(judging.to_bytes());
    judging.prefix = written.prefix.unwrap_or(judging.prefix);
    let judge = Judge::new(&judging);

    let mut inputs = Vec::new();
    let mut log_problems = Vec::new();
    let recorded = (!args.records.is_empty())
        .then(|| read_records(&args.records, environment, period, &mut inputs))
        .transpose()?;
    let shown = if args.logs.is_empty() {
        None
    } else {
        let logs = Inputs::from_paths(&args.logs).written_with(written.template);
        inputs.extend(described("logs", &logs)?);
        let progress = Progress::new(session);
        let cluster = only_cluster(environment);
        let shown = evidence::judge(&judge, &logs, period, cluster, &rules_digest, |done| {
            progress.show(done);
        });
        progress.clear();
        log_problems = sentences(&logs, &shown.report);
        Some(shown)
    };
    let report = evidence::assemble(Given {
        version: env!("CARGO_PKG_VERSION"),
        notes: &loaded.notes,
        environment,
        period,
        history: history::read(session.root(), &loaded, &args.env, period),
        shown,
        recorded,
        log_problems,
        rules: rules_digest,
        inputs,
    });
    for path in &args.reports {
        replace(
            path,
            render(session, &report, kind(path)?, false).as_bytes(),
        )?;
    }
    let format = match args.format {
        ReportFormat::Human => Kind::Text,
        ReportFormat::Json => Kind::Json,
        ReportFormat::Markdown => Kind::Markdown,
        ReportFormat::Csv => Kind::Csv,
    };
    session.show(&render(session, &report, format, session.colour_out()))?;
    Ok(if report.complete {
        Exit::Clean
    } else {
        Exit::Unread
    })
}

fn read_records(
    paths: &[PathBuf],
    environment: &Environment,
    period: Period,
    inputs: &mut Vec<Input>,
) -> anyhow::Result<evidence::Recorded> {
    let records = Inputs::from_paths(paths);
    inputs.extend(described("records", &records)?);
    Ok(evidence::read(&records, &environment.name, period, false))
}

/// The cluster whose logs these are, if the environment has only one.
fn only_cluster(environment: &Environment) -> &str {
    match environment.clusters.as_slice() {
        [one] => &one.name,
        _ => "-",
    }
}

/// What was wrong with reading logs, a sentence each.
fn sentences(logs: &Inputs, read: &ReadReport) -> Vec<String> {
    let mut sentences = problems(logs, read);
    if read.broken_count > 0 {
        sentences.push(format!(
            "the logs have {}",
            count(read.broken_count, "input error")
        ));
    }
    if read.foreign_count > 0 {
        sentences.push(format!(
            "{} in the logs could not be read as entries",
            count(read.foreign_count, "text fragment")
        ));
    }
    sentences
}

/// Names, sizes and digests of files.
fn described(kind: &str, inputs: &Inputs) -> anyhow::Result<Vec<Input>> {
    inputs
        .sources()
        .iter()
        .map(|source| {
            let (bytes, sha256) = match source {
                Source::Path(path) => {
                    let (bytes, sha256) =
                        sha256(path).with_context(|| format!("cannot read {}", path.display()))?;
                    (Some(bytes), Some(sha256))
                }
                Source::Stdin | Source::Bytes { .. } => (None, None),
            };
            Ok(Input {
                kind: kind.to_owned(),
                name: source.name().into_owned(),
                bytes,
                sha256,
            })
        })
        .collect()
}

fn sha256(path: &Path) -> std::io::Result<(u64, String)> {
    let mut file = File::open(path)?;
    let mut digest = Sha256::new();
    let mut buffer = vec![0; 1 << 20];
    let mut bytes = 0_u64;
    loop {
        let read = file.read(&mut buffer)?;
        if read == 0 {
            break;
        }
        bytes += read as u64;
        digest.update(buffer.get(..read).unwrap_or_default());
    }
    let digest = digest.finalize();
    let digest = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    Ok((bytes, digest))
}

/// A form of the report.
#[derive(Clone, Copy)]
enum Kind {
    Text,
    Json,
    Markdown,
    Html,
    Csv,
}

fn kind(path: &Path) -> anyhow::Result<Kind> {
    Ok(match path.extension().and_then(|ending| ending.to_str()) {
        Some("html") => Kind::Html,
        Some("md") => Kind::Markdown,
        Some("json") => Kind::Json,
        Some("csv") => Kind::Csv,
        Some("txt") => Kind::Text,
        _ => bail!(
            "{} has no known extension: use .html, .md, .json, .csv or .txt",
            path.display()
        ),
    })
}

fn render(session: &Session, report: &Report, kind: Kind, colour: bool) -> String {
    match kind {
        Kind::Text => {
            let mut style = session.style();
            style.colour = colour;
            human::render(report, style)
        }
        Kind::Json => json::render(report),
        Kind::Markdown => markdown::render(report),
        Kind::Html => html::render(report),
        Kind::Csv => csv::render(report),
    }
}
