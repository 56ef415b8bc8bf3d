//! The report for a terminal: what matters first, and what is left to look into.

use super::{became, completeness, headline};
use crate::diagnostic::count;
use crate::evidence::report::{Report, State};
use crate::report::plan::human::Style;
use crate::report::table::lines_keeping;
use crate::report::visible;

/// Detections that are listed.
const LISTED: usize = 40;

/// Gaps that are listed.
const GAPS: usize = 10;

/// The report.
pub fn render(report: &Report, style: Style) -> String {
    let paint = |text: &str, code: &str| {
        if style.colour {
            format!("\u{1b}[{code}m{text}\u{1b}[0m")
        } else {
            text.to_owned()
        }
    };
    let mut text = format!(
        "{} from {} until {} (UTC): {}\n{}\n",
        visible(&report.environment),
        report.period.since(),
        report.period.until(),
        paint(
            completeness(report),
            if report.complete { "1;32" } else { "1;31" }
        ),
        headline(report).join(", ")
    );
    for lack in &report.lacks {
        text.push_str(&format!(
            "  {} {}\n",
            paint("missing:", "31"),
            visible(lack)
        ));
    }
    for gap in report.coverage.gaps.iter().take(GAPS) {
        text.push_str(&format!(
            "  no evidence from {} until {}, {}\n",
            gap.from,
            gap.until,
            count(gap.hours, "hour")
        ));
    }
    if report.coverage.gaps.len() > GAPS {
        text.push_str(&format!(
            "  … and {} beyond these\n",
            count(report.coverage.gaps.len() - GAPS, "gap")
        ));
    }
    text.push_str("\nDetections\n");
    text.push_str(&detections(report, style.width));
    text.push_str("\nQuestions\n");
    for answer in &report.answers {
        let (word, colour) = match answer.state {
            State::Answered => ("yes ", "32"),
            State::Partly => ("part", "33"),
            State::NotAnswered => ("no  ", "31"),
        };
        text.push_str(&format!(
            "  {} {}\n       {}\n",
            paint(word, colour),
            visible(&answer.question),
            visible(&answer.answer)
        ));
    }
    text
}

fn detections(report: &Report, width: usize) -> String {
    if report.detections.is_empty() {
        return "  none\n".to_owned();
    }
    let heads = [
        "id",
        "day",
        "user",
        "command",
        "object",
        "statements",
        "severity",
        "what became of it",
    ];
    let cell = |value: &str| visible(value).replace('\n', "\\n").replace('\t', "\\t");
    let mut rows: Vec<Vec<String>> = vec![heads.map(str::to_owned).to_vec()];
    rows.extend(report.detections.iter().take(LISTED).map(|one| {
        vec![
            one.id.clone(),
            one.day
                .map_or_else(|| "unknown".to_owned(), |day| day.to_string()),
            cell(&one.user),
            cell(&one.command),
            cell(&one.object),
            one.statements.to_string(),
            one.severity.name().to_owned(),
            cell(&became(one)),
        ]
    }));
    let mut text = String::new();
    // An id is of use only as a whole.
    const ID: usize = 0;
    const DISPENSABLE: [usize; 2] = [6, 5];
    for line in lines_keeping(rows, width.saturating_sub(2), ID, &DISPENSABLE) {
        text.push_str("  ");
        text.push_str(&line);
        text.push('\n');
    }
    if report.detections.len() > LISTED {
        text.push_str(&format!(
            "  … and {} beyond these: `--report FILE.csv` has all of them\n",
            count(report.detections.len() - LISTED, "detection")
        ));
    }
    text
}
