//! Findings as GitHub's workflow commands: it shows them beside the lines of a pull request.

use crate::ci::{CiResult, Finding};
use crate::report::github::{data, property};

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
    let mut properties: Vec<(&str, String)> = Vec::new();
    if let Some(spot) = &finding.spot {
        properties.push(("file", spot.file.clone()));
        properties.push(("line", spot.line.to_string()));
        properties.push(("endLine", spot.end_line.to_string()));
        if let (Some(column), Some(end)) = (spot.column, spot.end_column) {
            properties.push(("col", column.to_string()));
            properties.push(("endColumn", end.to_string()));
        }
    }
    properties.push(("title", finding.code.clone()));
    let properties: Vec<String> = properties
        .into_iter()
        .map(|(key, value)| format!("{key}={}", property(&value)))
        .collect();
    let mut message = String::new();
    if let Some(environment) = &finding.environment {
        message.push_str(&format!("{environment}: "));
    }
    message.push_str(&finding.message);
    if let Some(statement) = &finding.statement {
        message.push_str(&format!("\n{statement}"));
    }
    for help in &finding.help {
        message.push_str(&format!("\nhelp: {help}"));
    }
    format!(
        "::{} {}::{}\n",
        finding.level.name(),
        properties.join(","),
        data(&message)
    )
}
