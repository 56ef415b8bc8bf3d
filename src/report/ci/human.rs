//! The result on a terminal, or in the log of a job.

use super::{advice, place, plan_words, tally, verdict, verdict_of};
use crate::ci::{CiResult, EnvironmentResult, Finding, State, Step, Work};
use crate::diagnostic::count;
use crate::report::escape::{lines, terminal};
use crate::report::plan::human::{Style, render_drift, render_plan};
use crate::report::{impact, visible};

/// Where the log can be folded, and where its text might be read as a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Folds<'a> {
    None,
    /// GitHub's groups. The word ends the part in which commands are ignored, so it must be secret.
    Github(&'a str),
    /// GitLab's sections, by the time in seconds since 1970.
    Gitlab(i64),
}

pub fn render(result: &CiResult, style: Style, folds: Folds<'_>) -> String {
    let mut text = String::new();
    if let Some(advice) = advice(result) {
        text.push_str(&heading(&advice, style));
    }
    part(&mut text, "repository", folds, &|text: &mut String| {
        told(text, &result.steps, result.findings_of(None), style);
    });
    for environment in &result.environments {
        part(
            &mut text,
            environment.name(),
            folds,
            &|text: &mut String| one(text, result, environment, style),
        );
    }
    text.push_str(&heading(
        &format!("ci {}: {}", result.work.name(), verdict(result)),
        style,
    ));
    for environment in &result.environments {
        let mut words = vec![verdict_of(result.work, environment).to_owned()];
        words.extend(plan_words(environment).map(|words| format!("plan: {words}")));
        if let Some(review) = &environment.review {
            words.push(format!(
                "{}, query {} of {} characters",
                count(review.exclusions, "exclusion"),
                review.query_characters,
                review.query_limit
            ));
        }
        text.push_str(&format!(
            "  {}: {}\n",
            terminal(environment.name()),
            words.join("; ")
        ));
    }
    if !result.untouched.is_empty() {
        text.push_str(&format!(
            "  {}: {}\n",
            super::left_alone(result.work).to_lowercase(),
            terminal(&result.untouched.join(", "))
        ));
    }
    text.push_str(&format!("  {}", tally(result.findings.iter())));
    if result.findings_left_out > 0 {
        text.push_str(&format!(", and {} left out", result.findings_left_out));
    }
    if result.exit_code != 0 {
        text.push_str(&format!("; exit code {}", result.exit_code));
    }
    text.push('\n');
    text
}

/// A part of the log that can be folded.
fn part(text: &mut String, name: &str, folds: Folds<'_>, write: &dyn Fn(&mut String)) {
    let mut inner = String::new();
    write(&mut inner);
    if inner.is_empty() {
        return;
    }
    let shown = terminal(name);
    match folds {
        Folds::None => text.push_str(&inner),
        Folds::Github(word) => text.push_str(&format!(
            "::group::{}\n::stop-commands::{word}\n{inner}::{word}::\n::endgroup::\n",
            shown.replace('%', "%25")
        )),
        Folds::Gitlab(time) => {
            let id: String = name
                .chars()
                .map(|c| if c.is_ascii_alphanumeric() { c } else { '_' })
                .collect();
            text.push_str(&format!(
                "\u{1b}[0Ksection_start:{time}:pgvigil_{id}\r\u{1b}[0K{shown}\n{inner}\u{1b}[0Ksection_end:{time}:pgvigil_{id}\r\u{1b}[0K\n"
            ));
        }
    }
}

fn told<'a>(
    text: &mut String,
    steps: &[Step],
    findings: impl Iterator<Item = &'a Finding>,
    style: Style,
) {
    for step in steps {
        let word = step.state.name();
        let summary = if step.summary.is_empty() {
            String::new()
        } else {
            format!(" ({})", terminal(&step.summary))
        };
        let line = format!("{}: {word}{summary}", step.name);
        text.push_str(&heading(&line, style));
    }
    for finding in findings {
        text.push_str(&drawn(finding));
    }
}

fn drawn(finding: &Finding) -> String {
    if let Some(excerpt) = &finding.excerpt {
        return format!("{}\n\n", lines(excerpt).collect::<Vec<_>>().join("\n"));
    }
    let mut text = format!(
        "{}[{}]: {}\n",
        finding.level.name(),
        terminal(&finding.code),
        terminal(&finding.message)
    );
    if let Some(spot) = &finding.spot {
        text.push_str(&format!("   --> {}:{}\n", terminal(&spot.file), spot.line));
    }
    if let Some(statement) = &finding.statement {
        for line in lines(statement) {
            text.push_str(&format!("       {line}\n"));
        }
    }
    for help in &finding.help {
        text.push_str(&format!(
            "   = help: {}\n",
            visible(&help.replace(['\n', '\r'], " "))
        ));
    }
    text.push('\n');
    text
}

fn one(text: &mut String, result: &CiResult, environment: &EnvironmentResult, style: Style) {
    text.push_str(&heading(&place(environment), style));
    told(
        text,
        &environment.steps,
        result.findings_of(Some(environment.name())),
        style,
    );
    if let Some(report) = &environment.impact {
        let style = impact::human::Style {
            width: style.width,
            colour: style.colour,
        };
        text.push_str(&impact::human::render(report, style));
        text.push('\n');
    }
    if let Some(plan) = &environment.plan
        && result.work == Work::Pr
    {
        text.push_str(&render_plan(plan, style));
        text.push('\n');
    }
    if let Some(report) = &environment.drift {
        text.push_str(&render_drift(report, style));
        text.push('\n');
    }
    let is_over = environment
        .steps
        .iter()
        .all(|step| step.state == State::Skipped);
    if is_over && !environment.steps.is_empty() && result.work == Work::Apply {
        text.push_str("  nothing was changed here\n\n");
    }
}

fn heading(text: &str, style: Style) -> String {
    let line = format!("── {}", terminal(text));
    if style.colour {
        format!("\u{1b}[1m{line}\u{1b}[0m\n")
    } else {
        format!("{line}\n")
    }
}
