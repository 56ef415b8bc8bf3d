//! The forms of a result, and a result from its file.

use std::path::Path;

use anyhow::Context as _;
use pgvigil::ci::CiResult;
use pgvigil::report::ci::human::Folds;
use pgvigil::report::ci::{annotations, code_quality, comment, human, junit, sarif, summary};

use crate::args::CiForm;
use crate::session::Session;

/// A form of a result.
pub(super) fn text(session: &Session, form: CiForm, result: &CiResult) -> String {
    match form {
        CiForm::Human => human::render(result, session.style(), Folds::None),
        CiForm::Summary => summary::render(result, summary::LIMIT),
        CiForm::Comment => {
            let comments = result.environments.iter();
            let comments: Vec<String> = comments
                .map(|environment| comment::render(result, environment, comment::LIMIT))
                .collect();
            comments.join("\n")
        }
        CiForm::Annotations => annotations::render(result),
        CiForm::Sarif => sarif::render(result),
        CiForm::Junit => junit::render(result),
        CiForm::Gitlab => code_quality::render(result),
    }
}

/// Reads a result.
pub(super) fn read(path: &Path) -> anyhow::Result<CiResult> {
    let shown = path.display();
    let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {shown}"))?;
    CiResult::from_text(&text).with_context(|| format!("{shown}"))
}
