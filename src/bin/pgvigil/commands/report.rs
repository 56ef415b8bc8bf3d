//! `report`: answers an auditor's questions about a period.

mod saved;

use std::path::Path;

use anyhow::bail;
use pgvigil::audit_log::reader::{Inputs, ReadReport};
use pgvigil::diagnostic::count;
use pgvigil::digest::sha256;
use pgvigil::evidence::detection::Detection;
use pgvigil::evidence::report::{Input, Report};
use pgvigil::evidence::{self, Digested, Given, Period, Wanted, ecs, history, ocsf};
use pgvigil::judge::Judge;
use pgvigil::policy::Loaded;
use pgvigil::policy::model::Environment;
use pgvigil::report::evidence::{csv, html, human, json, markdown};
use pgvigil::report::{escape, visible};
use serde_json::Value;

use super::files::replace;
use super::rules::logs::{self, Written, missing_log, rules};
use crate::args::{ReportArgs, ReportFormat};
use crate::exit::{Exit, Ran};
use crate::progress::Progress;
use crate::session::Session;

/// Lines that are printed at once.
const LINES: usize = 1000;

pub(crate) fn run(session: &Session, args: &ReportArgs) -> Ran {
    // Checked before logs are read, which can take long.
    for path in &args.reports {
        kind(path)?;
    }
    let usage = |why: &str| {
        session.say(&format!("error: {why}"));
        Ok(Exit::Usage)
    };
    let as_records = match args.format {
        ReportFormat::Ocsf => Some(ocsf::ocsf as fn(&Detection) -> Value),
        ReportFormat::Ecs => Some(ecs::ecs as fn(&Detection) -> Value),
        _ => None,
    };
    if as_records.is_some() && args.records.is_empty() && args.save_records.is_none() {
        return usage(
            "`--format ocsf` and `--format ecs` print the monitor's records: give them with `--records` or read them with `--save-records`",
        );
    }
    let Some(period) = Period::new(args.since, args.until) else {
        return usage("--until is before --since");
    };
    // A digest reads each file before the report does: what can be read only once would be empty by then.
    let once: Vec<String> = args
        .logs
        .iter()
        .chain(&args.records)
        .chain(&args.drift)
        .filter(|path| {
            path.as_os_str() == "-"
                || path
                    .metadata()
                    .is_ok_and(|found| !found.is_file() && !found.is_dir())
        })
        .map(|path| format!("`{}`", visible(&path.display().to_string())))
        .collect();
    if !once.is_empty() {
        return usage(&format!(
            "a report is made of files, so that it can be made a second time; {} can be read only once",
            once.join(", ")
        ));
    }
    missing_log(session, &args.logs)?;
    missing_log(session, &args.records)?;
    missing_log(session, &args.drift)?;
    let loaded = session.usable(&args.env)?;
    let environment = session.environment(&loaded, &args.env)?;
    let written = Written::parse(session, args.log_line_prefix.as_deref())?;
    let mut judging = rules(session, &loaded, &args.env, None)?;
    let rules_digest = sha256(judging.to_bytes());
    judging.prefix = written.prefix.unwrap_or(judging.prefix);
    let judge = Judge::new(&judging);
    let mut records = args.records.clone();
    if let Some(path) = &args.save_records {
        saved::save(session, environment, period, path)?;
        records.push(path.clone());
    }

    let history = history::read(session.root(), &loaded, &args.env, period);
    let mut digested = Digested::default();
    let mut problems = Vec::new();
    let mut recorded = (!records.is_empty()).then(|| {
        let records = Inputs::from_paths(&records);
        digested.add("records", &records);
        let wanted = Wanted {
            environment: &environment.name,
            log_groups: &history.log_groups(environment),
            cluster: only_cluster(environment),
            period,
            keep: as_records.is_some(),
        };
        evidence::read(&records, wanted)
    });
    let shown = if args.logs.is_empty() {
        None
    } else {
        let logs = Inputs::from_paths(&args.logs).written_with(written.template);
        digested.add("logs", &logs);
        let progress = Progress::new(session);
        let cluster = only_cluster(environment);
        let shown = evidence::judge(&judge, &logs, period, cluster, &rules_digest, |done| {
            progress.show(done);
        });
        progress.clear();
        problems = sentences(&logs, &shown.report);
        Some(shown)
    };
    let checks = Inputs::from_paths(&args.drift);
    digested.add("drift", &checks);
    let (drift, faults) = evidence::read_drift(&checks, &args.env, period);
    problems.extend(faults);
    let (mut inputs, changed) = digested.read();
    problems.extend(changed);
    inputs.extend(notes(&loaded));
    let records = recorded
        .as_mut()
        .map(|recorded| std::mem::take(&mut recorded.detections))
        .unwrap_or_default();
    let report = evidence::assemble(Given {
        version: env!("CARGO_PKG_VERSION"),
        notes: &loaded.notes,
        environment,
        period,
        history,
        shown,
        recorded,
        drift,
        problems,
        rules: rules_digest,
        inputs,
    });
    for path in &args.reports {
        replace(
            path,
            render(session, &report, kind(path)?, false).as_bytes(),
        )?;
    }
    if let Some(form) = as_records {
        lines(session, &records, form)?;
        // Standard output has lines alone.
        for lack in &report.lacks {
            session.say(&format!("warning: {}", visible(lack)));
        }
    } else {
        let format = match args.format {
            ReportFormat::Json => Kind::Json,
            ReportFormat::Markdown => Kind::Markdown,
            ReportFormat::Csv => Kind::Csv,
            ReportFormat::Human | ReportFormat::Ocsf | ReportFormat::Ecs => Kind::Text,
        };
        session.show(&render(session, &report, format, session.colour_out()))?;
    }
    Ok(if report.complete {
        Exit::Clean
    } else {
        Exit::Unread
    })
}

/// Prints records in another form, one line each.
fn lines(
    session: &Session,
    records: &[Detection],
    form: fn(&Detection) -> Value,
) -> anyhow::Result<()> {
    for some in records.chunks(LINES) {
        let mut text = String::new();
        for record in some {
            text.push_str(&form(record).to_string());
            text.push('\n');
        }
        session.show(&escape::json(&text))?;
    }
    Ok(())
}

/// The files of notes: what became of detections is what they say.
fn notes(loaded: &Loaded) -> Vec<Input> {
    let files = &loaded.files;
    files
        .ids()
        .filter(|id| files.path(*id).starts_with("notes/"))
        .map(|id| Input {
            kind: "notes".to_owned(),
            name: files.path(id).to_owned(),
            bytes: Some(files.text(id).len() as u64),
            sha256: Some(sha256(files.text(id))),
        })
        .collect()
}

/// The cluster whose logs these are, if the environment has only one.
fn only_cluster(environment: &Environment) -> &str {
    match environment.clusters.as_slice() {
        [one] => &one.name,
        _ => "-",
    }
}

/// What was wrong with reading logs, a sentence each.
fn sentences(inputs: &Inputs, read: &ReadReport) -> Vec<String> {
    let mut sentences = logs::problems(inputs, read);
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
