//! The comment of a pull request: one for each environment, updated in place.

use super::markdown::{ended, findings, footer, impact, page, sentence, steps};
use super::{advice, plan_words, tally, verdict_of};
use crate::ci::{CiResult, EnvironmentResult, State};
use crate::diagnostic::plural;
use crate::digest::sha256;
use crate::report::escape::{code, shorten, without_commands};
use crate::report::impact::number;
use crate::report::page::beginning;
use crate::report::plan;
use crate::rules::direction::Verdict;

/// GitHub's limit of a comment, in characters; GitLab's is 1,000,000.
pub const LIMIT: usize = 65_536;

/// Findings that are written out.
const MOST: usize = 10;

/// Characters of a name that are shown.
const NAME: usize = 100;

/// The first line of the comment of an environment. It is not shown; by it the comment is found again.
pub fn marker(environment: &str) -> String {
    marker_of("env", environment)
}

/// A line that is not shown, by which something is found again.
pub(super) fn marker_of(what: &str, environment: &str) -> String {
    // A digest, because two names can differ only in characters that an HTML comment cannot contain.
    let safe: String = environment
        .chars()
        .filter(|character| character.is_ascii_alphanumeric() || "._".contains(*character))
        .take(NAME)
        .collect();
    let digest = sha256(environment);
    format!(
        "<!-- pgvigil {what} {safe} {} -->",
        digest.get(..12).unwrap_or(&digest)
    )
}

/// The comment of an environment: the verdict first, what is wrong, what falls silent, what an apply would change, and the
/// details folded. At most `limit` bytes; says where the rest is.
pub fn render(result: &CiResult, environment: &EnvironmentResult, limit: usize) -> String {
    let head = without_commands(&format!(
        "{}\n### pgvigil · {} — {}{}\n\n{}{}\n",
        marker(environment.name()),
        code(&shorten(environment.name(), NAME)),
        if environment.exit_code == 0 && result.exit_code == 0 {
            ""
        } else {
            "❌ "
        },
        sentence(headline(result, environment)),
        told(result),
        facts(result, environment),
    ));
    let foot = footer(result);
    let rest = "\n*Shortened: the summary of the run and its `result.json` contain everything.*\n";
    let mut page = page(limit, head.len() + foot.len() + rest.len());
    let found: Vec<_> = result.findings_beside_impact(environment).collect();
    findings(&mut page, found.into_iter(), MOST);
    if let Some(report) = &environment.impact {
        let room = page.left() / 3 * 2;
        page.push(&impact(report, room));
    }
    if let Some(planned) = &environment.plan
        && !(planned.is_empty() && planned.unread.is_empty() && planned.drift.is_empty())
    {
        let words = plan_words(environment).unwrap_or_default();
        let fold = format!("\n<details><summary>Plan: {words}</summary>\n\n");
        let end = "\n</details>\n";
        let room = page.left().saturating_sub(fold.len() + end.len() + 2_500);
        let text = plan::markdown::render_plan(planned, room);
        page.push(&format!("{fold}{text}{end}"));
    }
    let all = result.steps.iter().chain(&environment.steps);
    page.push(&format!(
        "\n<details><summary>Steps</summary>\n\n{}\n</details>\n",
        steps(all)
    ));
    let text = format!("{head}{}", ended(page, rest, &foot));
    if text.len() <= limit {
        text
    } else {
        beginning(&head, limit)
    }
}

/// The comment about a fault that prevents every environment from being checked.
pub fn of_repository(result: &CiResult, limit: usize) -> String {
    let head = without_commands(&format!(
        "{}\n### pgvigil — {}{}\n\n{}{}\n\n",
        marker(""),
        if result.exit_code == 0 { "" } else { "❌ " },
        sentence(super::verdict(result)),
        told(result),
        tally(result.findings_of(None)),
    ));
    let foot = footer(result);
    let rest = "\n*Shortened: the summary of the run and its `result.json` contain everything.*\n";
    let mut page = page(limit, head.len() + foot.len() + rest.len());
    findings(&mut page, result.findings_of(None), MOST * 2);
    page.push(&format!(
        "\n<details><summary>Steps</summary>\n\n{}\n</details>\n",
        steps(result.steps.iter())
    ));
    format!("{head}{}", ended(page, rest, &foot))
}

/// The text for an earlier comment whose environment the last run says nothing about. `marker` is its
/// first line.
pub fn outdated(result: &CiResult, marker: &str) -> String {
    let untouched = result
        .untouched
        .iter()
        .find(|name| self::marker(name) == marker);
    let (name, why) = match untouched {
        Some(name) => (
            format!(" · {}", code(&shorten(name, NAME))),
            "The change in its current state does not touch this environment.",
        ),
        None => (
            String::new(),
            "The last run did not check it: see the comments on the other environments, or the summary of the run.",
        ),
    };
    format!(
        "{marker}\n### pgvigil{name} — outdated\n\n{why}\n{}",
        footer(result)
    )
}

/// Whether a line is the first of a comment of ours.
pub fn is_marker(line: &str) -> bool {
    let inner = line
        .strip_prefix("<!-- pgvigil env ")
        .and_then(|rest| rest.strip_suffix(" -->"));
    inner.is_some_and(|inner| {
        inner
            .chars()
            .all(|character| character.is_ascii_alphanumeric() || "._ ".contains(character))
    })
}

/// Whether to merge, and why.
fn told(result: &CiResult) -> String {
    advice(result).map_or(String::new(), |advice| {
        format!("**{}**\n\n", sentence(&advice))
    })
}

fn headline(result: &CiResult, environment: &EnvironmentResult) -> &'static str {
    // What is wrong with the whole repository keeps every environment from being merged.
    if environment.exit_code == 0
        && result.exit_code != 0
        && result.steps.iter().any(|step| step.state == State::Failed)
    {
        super::verdict(result)
    } else {
        verdict_of(result.work, environment)
    }
}

/// One line of what decides.
fn facts(result: &CiResult, environment: &EnvironmentResult) -> String {
    let name = Some(environment.name());
    let mut facts = vec![tally(
        result.findings_of(name).chain(result.findings_of(None)),
    )];
    if let Some(report) = &environment.impact {
        let word = match report.direction {
            Verdict::Unchanged => "silences the same as before".to_owned(),
            _ if report.hearing.direction.may_be_less() => "**the alarm covers less**".to_owned(),
            direction if direction.may_silence_more() => {
                format!("**silences more ({})**", direction.name())
            }
            direction => format!("silences less ({})", direction.name()),
        };
        facts.push(word);
        if report.totals.newly_silent > 0 {
            facts.push(format!(
                "**{} {} newly silent**",
                number(report.totals.newly_silent),
                plural(report.totals.newly_silent, "record")
            ));
        }
        if report.approvals.required > 0 {
            facts.push(match report.approvals.required {
                1 => "1 approval needed".to_owned(),
                number => format!("{number} approvals needed"),
            });
        }
    }
    if let Some(words) = plan_words(environment) {
        facts.push(format!("plan: {words}"));
    }
    if let Some(review) = &environment.review {
        facts.push(format!(
            "query {} of {} characters",
            number(review.query_characters as u64),
            number(review.query_limit as u64)
        ));
    }
    facts.join(" · ")
}
