//! What the summary, the comment and the issue are made of.

use crate::ci::{CiResult, Finding, Level, State, Step};
use crate::report::escape::{cell, code, fence, lines, prose, shorten, without_commands};

/// Characters of a sentence and of a statement that are shown.
const SENTENCE: usize = 500;
const STATEMENT: usize = 1_200;

/// Text that grows up to a limit of bytes, and says so where something was left out.
pub(super) struct Page {
    room: usize,
    text: String,
    is_cut: bool,
}

impl Page {
    /// At most `limit` bytes, with those that are kept for the end.
    pub(super) fn new(limit: usize, kept: usize) -> Self {
        Self {
            room: limit.saturating_sub(kept),
            text: String::new(),
            is_cut: false,
        }
    }

    /// Whole lines, if they fit.
    pub(super) fn push(&mut self, part: &str) -> bool {
        let part = without_commands(part);
        let fits = self.text.len() + part.len() <= self.room;
        if fits {
            self.text.push_str(&part);
        }
        self.is_cut |= !fits;
        fits
    }

    /// How many bytes there are left.
    pub(super) fn left(&self) -> usize {
        self.room.saturating_sub(self.text.len())
    }

    /// Something was left out elsewhere.
    pub(super) fn cut(&mut self) {
        self.is_cut = true;
    }

    /// The text with what was kept for its end.
    pub(super) fn end(self, rest: &str, foot: &str) -> String {
        format!("{}{}{foot}", self.text, if self.is_cut { rest } else { "" })
    }
}

/// A sentence somebody else may have written.
pub(super) fn sentence(text: &str) -> String {
    prose(&shorten(text, SENTENCE))
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

/// Several lines of somebody else's text as a block.
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
        page.cut();
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
