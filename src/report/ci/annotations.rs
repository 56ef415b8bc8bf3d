//! Findings as GitHub's workflow commands: it shows them next to the lines of a pull request.

use super::message;
use crate::ci::{CiResult, Finding};
use crate::report::github;

/// GitHub shows so many annotations of a kind for a step (docs.github.com, "Annotations and limits"); the rest is in the
/// summary.
const SHOWN: usize = 10;

/// One command a line.
pub fn render(result: &CiResult) -> String {
    let mut text = String::new();
    for level in [crate::ci::Level::Error, crate::ci::Level::Warning] {
        let all = result
            .findings
            .iter()
            .filter(|finding| finding.level == level);
        let count = all.clone().count();
        // The last place says how many there are besides.
        let shown = if count > SHOWN { SHOWN - 1 } else { count };
        for finding in all.take(shown) {
            text.push_str(&command(finding));
        }
        if count > shown {
            text.push_str(&format!(
                "::{} title=pgvigil::{} more of this kind: see the summary of this run\n",
                level.name(),
                count - shown
            ));
        }
    }
    text
}

fn command(finding: &Finding) -> String {
    let mut place = Vec::new();
    if let Some(spot) = &finding.spot {
        place.push(("file", spot.file.clone()));
        place.push(("line", spot.line.to_string()));
        place.push(("endLine", spot.end_line.to_string()));
        if let (Some(column), Some(end)) = (spot.column, spot.end_column) {
            place.push(("col", column.to_string()));
            place.push(("endColumn", end.to_string()));
        }
    }
    let level = finding.level.name();
    github::command(level, place, &finding.code, &message(finding))
}
