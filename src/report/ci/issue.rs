//! The issue about changes made outside pgvigil: one for each environment, updated in place, closed when no change is left.

use super::comment::{LIMIT, marker_of};
use super::markdown::{ended, findings, footer, page, sentence};
use super::{has_drifted, place};
use crate::ci::{CiResult, EnvironmentResult};
use crate::report::escape::{code, fence, shorten};
use crate::report::plan::human::{Style, render_drift};

/// The line by which the issue of an environment is found again.
pub fn marker(environment: &str) -> String {
    marker_of("drift", environment)
}

/// What an issue says, and whether it is to be open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Issue {
    pub title: String,
    /// Markdown, with the marker in its first line.
    pub body: String,
    /// Whether someone has to act. An environment that could not be read does not count as clean.
    pub is_open: bool,
}

/// The issue of an environment.
pub fn render(result: &CiResult, environment: &EnvironmentResult) -> Issue {
    let name = crate::report::visible(&shorten(environment.name(), 100));
    let is_known = environment.exit_code == 0
        || environment
            .drift
            .as_ref()
            .is_some_and(|report| report.outcome.is_some());
    let is_drifted = has_drifted(environment);
    let title = if !is_known {
        format!("pgvigil: could not check {name} for drift")
    } else if is_drifted {
        format!("pgvigil: {name} was changed outside pgvigil")
    } else {
        format!("pgvigil: {name} has not drifted")
    };
    let foot = footer(result);
    let rest = "\n*Shortened: `pgvigil drift` shows everything.*\n";
    let head = format!("{}\n", marker(environment.name()));
    let mut page = page(LIMIT, head.len() + foot.len() + rest.len());
    let repository = result
        .run
        .repository
        .as_deref()
        .map_or(String::new(), |name| {
            format!("repository {} · ", code(&shorten(name, 200)))
        });
    page.push(&format!(
        "{repository}{} · clusters {}\n\n",
        code(&shorten(&place(environment), 300)),
        code(&shorten(&environment.identity.clusters.join(", "), 500))
    ));
    if !is_known {
        page.push("**pgvigil could not read it.** Until it can, changes outside pgvigil go unnoticed.\n\n");
    } else if !is_drifted {
        page.push("The deployed resources are as they were applied.\n");
    }
    findings(&mut page, result.findings_of(Some(environment.name())), 20);
    if let Some(report) = &environment.drift
        && (is_drifted || !is_known)
    {
        let text = render_drift(report, Style::default());
        let fence = fence(&text);
        page.push(&format!("\n{fence}text\n{text}{fence}\n"));
    }
    if is_drifted {
        page.push(&sentence(
            "What to do: add the change to the files in a pull request, or run the apply again, which restores the declared state.",
        ));
        page.push("\n");
    }
    Issue {
        title,
        body: format!("{head}{}", ended(page, rest, &foot)),
        is_open: !is_known || is_drifted,
    }
}
