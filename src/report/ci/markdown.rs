//! What the summary, the comment and the issue are made of.

use crate::ci::{CiResult, Finding, Level, State, Step};
use crate::report::escape::{self, cell, code, fence, lines, prose, shorten};
use crate::report::impact;
use crate::report::page::Page;
use crate::rules::impact::ImpactReport;

/// Characters of a sentence and of a statement that are shown.
const SENTENCE: usize = 500;
const STATEMENT: usize = 1_200;

/// A page for `limit` bytes, with those that are kept for its end.
pub(super) fn page(limit: usize, kept: usize) -> Page {
    Page::new(limit.saturating_sub(kept))
}

/// A page with its end: `rest` says where the rest is, if something was left out.
pub(super) fn ended(page: Page, rest: &str, foot: &str) -> String {
    let rest = if page.is_cut { rest } else { "" };
    format!("{}{rest}{foot}", page.body)
}

/// What a change silences and wakes, in at most so many bytes. Without the marker, which finds the comment of `rules impact`
/// alone.
pub(super) fn impact(report: &ImpactReport, room: usize) -> String {
    let text = impact::markdown::render(report, room);
    let text = text.split_once('\n').map_or("", |(_, text)| text);
    format!("\n{text}")
}

/// A sentence that might come from outside pgvigil.
pub(super) fn sentence(text: &str) -> String {
    escape::sentence(&shorten(text, SENTENCE))
}

/// The steps as a table.
pub(super) fn steps<'a>(steps: impl Iterator<Item = &'a Step>) -> String {
    let mut text = "| step | | |\n| --- | --- | --- |\n".to_owned();
    for step in steps {
        let sign = match step.state {
            State::Passed => "✅ passed",
            State::Failed => "❌ **failed**",
            State::Skipped => "⏭ skipped",
        };
        let summary = if step.summary.is_empty() {
            String::new()
        } else {
            cell(&shorten(&step.summary, SENTENCE))
        };
        text.push_str(&format!("| {} | {sign} | {summary} |\n", step.name));
    }
    text
}

/// A finding as an item of a list, with the statement that shows it.
pub(super) fn finding(finding: &Finding) -> String {
    let sign = match finding.level {
        Level::Error => "❌",
        Level::Warning => "⚠",
    };
    let mut text = format!("- {sign} {}", code(&finding.code));
    if let Some(spot) = &finding.spot {
        text.push_str(&format!(
            " · {}",
            code(&format!("{}:{}", spot.file, spot.line))
        ));
    }
    text.push_str(&format!(": {}", sentence(&finding.message)));
    for help in &finding.help {
        text.push_str(&format!(" — *{}*", sentence(help)));
    }
    text.push('\n');
    if let Some(statement) = &finding.statement {
        text.push_str(&block(statement, "sql", "  "));
    }
    text
}

/// Several lines of text from outside pgvigil, as a block.
pub(super) fn block(text: &str, language: &str, indent: &str) -> String {
    let shown: Vec<String> = lines(&shorten(text, STATEMENT)).collect();
    let fence = fence(&shown.join("\n"));
    let mut block = format!("{indent}{fence}{language}\n");
    for line in shown {
        block.push_str(&format!("{indent}{line}\n"));
    }
    block.push_str(&format!("{indent}{fence}\n"));
    block
}

/// Findings as a list, as many as fit.
pub(super) fn findings<'a>(page: &mut Page, all: impl Iterator<Item = &'a Finding>, most: usize) {
    let all: Vec<&Finding> = all.collect();
    if all.is_empty() {
        return;
    }
    page.push("\n");
    let mut shown = 0;
    for one in all.iter().take(most) {
        if page.left() < 2_000 || !page.push(&finding(one)) {
            break;
        }
        shown += 1;
    }
    if shown < all.len() {
        page.push(&format!("- and {} more\n", all.len() - shown));
        page.is_cut = true;
    }
}

/// Where the whole of it is.
pub(super) fn footer(result: &CiResult) -> String {
    let commit = result
        .run
        .commit
        .as_deref()
        .map(|commit| format!(" · commit {}", code(&shorten(commit, 12))));
    // An address is a link only where a pipeline made it.
    let run = result
        .run
        .url
        .as_deref()
        .filter(|url| is_address(url))
        .map(|url| format!(" · [run]({url})"));
    format!(
        "\n<sub>pgvigil {} · {}{}{}</sub>\n",
        prose(&shorten(&result.pgvigil, 40)),
        prose(&shorten(&result.today, 10)),
        commit.unwrap_or_default(),
        run.unwrap_or_default()
    )
}

fn is_address(url: &str) -> bool {
    let is_plain =
        |character: char| character.is_ascii_alphanumeric() || "-._~/:".contains(character);
    url.starts_with("https://") && url.len() < 300 && url.chars().all(is_plain)
}
