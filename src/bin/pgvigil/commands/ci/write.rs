//! Writes a result: to stdout in the format of the pipeline, to the files that a forge reads, and to a folder.

use std::fs::OpenOptions;
use std::hash::{BuildHasher as _, RandomState};
use std::io::Write as _;
use std::path::Path;

use anyhow::Context as _;
use jiff::Timestamp;
use pgvigil::ci::{CiResult, Forge};
use pgvigil::report::ci::human::Folds;
use pgvigil::report::ci::{annotations, comment, human, json, summary};
use pgvigil::report::impact::html;
use serde_json::json;

use super::form::text;
use crate::args::{CiForm, CiFormat, CiOutput};
use crate::commands::files::replace;
use crate::session::Session;

/// The name of the result in its folder.
const RESULT: &str = "result.json";

pub(super) fn all(session: &Session, output: &CiOutput, result: &CiResult) -> anyhow::Result<()> {
    // The files first: the reader of stdout might be gone.
    if let Some(folder) = &output.out {
        folder_of(session, result, folder)?;
    }
    if result.run.forge == Forge::Github {
        github_files(output, result)?;
    }
    let format = format_of(output, result);
    let text = stdout(session, format, result);
    match format {
        // pgvigil writes these workflow commands itself, so they are not escaped.
        CiFormat::Github => session.show_exactly(&text),
        _ => session.show(&text),
    }
}

/// How stdout is written.
pub(super) fn format_of(output: &CiOutput, result: &CiResult) -> CiFormat {
    output.format.unwrap_or(match result.run.forge {
        Forge::Github => CiFormat::Github,
        Forge::Gitlab => CiFormat::Gitlab,
        Forge::Shell => CiFormat::Human,
    })
}

fn stdout(session: &Session, format: CiFormat, result: &CiResult) -> String {
    match format {
        CiFormat::Human => text(session, CiForm::Human, result),
        CiFormat::Json => json::render(result),
        CiFormat::Github => {
            // The runner obeys commands again after a word that cannot be guessed.
            let word = format!("pgvigil-{:016x}", RandomState::new().hash_one("commands"));
            let log = human::render(result, session.style(), Folds::Github(&word));
            format!("{log}{}", annotations::render(result))
        }
        CiFormat::Gitlab => human::render(
            result,
            session.style(),
            Folds::Gitlab(Timestamp::now().as_second()),
        ),
    }
}

/// Every form as a file of its own.
fn folder_of(session: &Session, result: &CiResult, folder: &Path) -> anyhow::Result<()> {
    let write = |name: &str, text: &str| replace(&folder.join(name), text.as_bytes());
    for (name, form) in [
        ("summary.md", CiForm::Summary),
        ("results.sarif", CiForm::Sarif),
        ("junit.xml", CiForm::Junit),
        ("gitlab-code-quality.json", CiForm::Gitlab),
    ] {
        write(name, &text(session, form, result))?;
    }
    for environment in &result.environments {
        let name = environment.name();
        write(
            &format!("comment-{name}.md"),
            &comment::render(result, environment, comment::LIMIT),
        )?;
        if let Some(report) = &environment.impact {
            write(&format!("impact-{name}.html"), &html::render(report))?;
        }
    }
    // Last: if this file exists, all others do too.
    write(RESULT, &json::render(result))
}

/// The summary on the job's page, and the outputs for later steps of the job.
fn github_files(output: &CiOutput, result: &CiResult) -> anyhow::Result<()> {
    if let Some(path) = std::env::var_os("GITHUB_STEP_SUMMARY") {
        append(Path::new(&path), &summary::render(result, summary::LIMIT))?;
    }
    if let Some(path) = std::env::var_os("GITHUB_OUTPUT") {
        let names: Vec<&str> = result
            .environments
            .iter()
            .map(|environment| environment.name())
            .collect();
        let mut text = format!(
            "exit-code={}\nenvironments={}\n",
            result.exit_code,
            // A list on one line, in which no line can end.
            pgvigil::report::escape::json(&json!(names).to_string())
        );
        if let Some(decision) = result.decision() {
            text.push_str(&format!("decision={}\n", decision.advice.name()));
        }
        if let Some(folder) = &output.out {
            let path = folder.join(RESULT);
            let path = path.to_string_lossy();
            anyhow::ensure!(
                !path.contains(['\n', '\r']),
                "--out must not contain a line break"
            );
            text.push_str(&format!("result={path}\n"));
        }
        append(Path::new(&path), &text)?;
    }
    Ok(())
}

fn append(path: &Path, text: &str) -> anyhow::Result<()> {
    let mut file = OpenOptions::new().append(true).create(true).open(path);
    file.as_mut()
        .map_err(|error| std::io::Error::new(error.kind(), error.to_string()))
        .and_then(|file| file.write_all(text.as_bytes()))
        .with_context(|| format!("cannot write {}", path.display()))
}
