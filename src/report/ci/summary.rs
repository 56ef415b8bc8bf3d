//! The summary of a run: all of it on one page, for the page of the job.

use super::markdown::{block, ended, findings, footer, impact, page, sentence, steps};
use super::{advice, has_drifted, place, plan_words, tally, verdict, verdict_of};
use crate::ci::{CiResult, EnvironmentResult, Work};
use crate::deploy::apply::State as Done;
use crate::diagnostic::count;
use crate::report::escape::{cell, code, fence, shorten};
use crate::report::impact::markdown::COMMENT_LIMIT;
use crate::report::page::Page;
use crate::report::plan;
use crate::report::plan::human::{Style, render_drift, render_step};

/// GitHub's limit of a step's summary is 1 MiB (docs.github.com, "Workflow commands", step isolation and limits).
pub const LIMIT: usize = 1_000_000;

/// Findings that are written out of each environment.
const MOST: usize = 100;

pub fn render(result: &CiResult, limit: usize) -> String {
    let foot = footer(result);
    let rest = "\n*Shortened: `result.json` contains everything.*\n";
    let mut page = page(limit, foot.len() + rest.len());
    page.push(&format!(
        "## pgvigil ci {} — {}\n\n{}{}\n",
        result.work.name(),
        sentence(verdict(result)),
        advice(result).map_or(String::new(), |advice| format!(
            "**{}**\n\n",
            sentence(&advice)
        )),
        tally(result.findings.iter())
    ));
    if !result.environments.is_empty() {
        page.push(&format!("\n{}", table(result)));
    }
    if !result.untouched.is_empty() {
        let names: Vec<String> = result
            .untouched
            .iter()
            .take(50)
            .map(|name| code(&shorten(name, 100)))
            .collect();
        let more = result.untouched.len() - names.len();
        let more = if more == 0 {
            String::new()
        } else {
            format!(" and {more} more")
        };
        page.push(&format!(
            "\n{}: {}{more}.\n",
            super::left_alone(result.work),
            names.join(", ")
        ));
    }
    if !result.steps.is_empty() {
        page.push(&format!("\n{}", steps(result.steps.iter())));
    }
    findings(&mut page, result.findings_of(None), MOST);
    for environment in &result.environments {
        one(result, environment, &mut page);
    }
    if result.findings_left_out > 0 {
        page.push(&format!(
            "\n{} left out of the result.\n",
            match result.findings_left_out {
                1 => "1 finding is".to_owned(),
                more => format!("{more} findings are"),
            }
        ));
    }
    ended(page, rest, &foot)
}

fn table(result: &CiResult) -> String {
    let mut text =
        "| environment | where | clusters | verdict | what |\n| --- | --- | ---: | --- | --- |\n"
            .to_owned();
    for environment in &result.environments {
        text.push_str(&format!(
            "| {} | {} | {} | {} | {} |\n",
            cell(&shorten(environment.name(), 100)),
            cell(&shorten(&environment.identity.at().to_string(), 100)),
            environment.identity.clusters.len(),
            sentence(verdict_of(result.work, environment)),
            what(result, environment)
        ));
    }
    text
}

fn what(result: &CiResult, environment: &EnvironmentResult) -> String {
    match result.work {
        Work::Pr => plan_words(environment).map_or(String::new(), |words| format!("plan: {words}")),
        Work::Apply => environment
            .applied
            .as_ref()
            .map_or(String::new(), |applied| {
                let done = applied
                    .steps
                    .iter()
                    .filter(|step| matches!(step.state, Done::Done | Done::AlreadyDone))
                    .count();
                format!("{done} of {} done", count(applied.steps.len(), "step"))
            }),
        Work::Drift => environment.drift.as_ref().map_or(String::new(), |report| {
            if report.outcome.is_none() {
                format!("{} not read", report.unread.len())
            } else if has_drifted(environment) {
                format!("{} drifted", report.drift.len())
            } else {
                String::new()
            }
        }),
    }
}

fn one(result: &CiResult, environment: &EnvironmentResult, page: &mut Page) {
    page.push(&format!(
        "\n### {} — {}\n\n{}",
        code(&shorten(&place(environment), 300)),
        sentence(verdict_of(result.work, environment)),
        steps(environment.steps.iter())
    ));
    let own = result.findings_of(Some(environment.name()));
    let beside = own.filter(|finding| !environment.is_told_by_impact(finding));
    findings(page, beside, MOST);
    if let Some(report) = &environment.impact {
        let room = page.left().min(COMMENT_LIMIT);
        page.push(&impact(report, room));
    }
    if let Some(planned) = &environment.plan
        && !planned.is_empty()
    {
        let text = plan::markdown::render_plan(planned, page.left().min(200_000));
        page.push(&format!(
            "\n<details><summary>Plan</summary>\n\n{text}\n</details>\n"
        ));
    }
    if let Some(report) = &environment.drift
        && (has_drifted(environment) || report.outcome.is_none())
    {
        let text = render_drift(report, Style::default());
        let fence = fence(&text);
        page.push(&format!("\n{fence}text\n{text}{fence}\n"));
    }
    if let Some(applied) = &environment.applied {
        let style = Style {
            // As long as an address is: a page folds no lines.
            width: usize::MAX,
            colour: false,
        };
        let told: String = applied
            .steps
            .iter()
            .map(|step| render_step(step, style))
            .collect();
        if !told.is_empty() {
            page.push(&format!(
                "\n<details><summary>What was done</summary>\n\n{}\n</details>\n",
                block(&told, "text", "")
            ));
        }
    }
}
