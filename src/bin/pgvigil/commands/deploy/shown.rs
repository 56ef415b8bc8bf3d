//! What is shown of a plan, and why it cannot be applied.

use pgvigil::deploy::Plan;
use pgvigil::report;
use pgvigil::report::plan::{human, json, markdown};

use crate::args::PlanFormat;
use crate::session::Session;

/// What the progress shows while an environment is read.
pub(crate) fn reading(environment: &str) -> String {
    format!("reading {environment}")
}

pub(crate) fn render(session: &Session, plan: &Plan, format: PlanFormat) -> String {
    match format {
        PlanFormat::Human => human::render_plan(plan, session.style()),
        PlanFormat::Json => json::render_plan(plan),
        PlanFormat::Markdown => markdown::render_plan(plan, markdown::COMMENT_LIMIT),
    }
}

/// Why a plan cannot be applied, if pgvigil can tell already.
pub(crate) fn impossible(plan: &Plan) -> Option<String> {
    let first = plan.obstacles.first()?;
    let others = match plan.obstacles.len() {
        1 => String::new(),
        count => format!(" ({} more)", count - 1),
    };
    Some(format!(
        "error: apply would refuse this plan: {}{others}\n  help: {}",
        report::visible(&format!("{}: {}", first.address, first.why)),
        report::visible(&first.help)
    ))
}

/// Why a plan has no result.
pub(crate) fn unread(plan: &Plan) -> String {
    let count = plan.unread.len();
    let first = plan
        .unread
        .first()
        .map(|unread| format!("{}: {}", unread.address, unread.error))
        .unwrap_or_default();
    format!(
        "error: {count} not read, so could not determine what would change; the first: {}",
        report::visible(&first)
    )
}
