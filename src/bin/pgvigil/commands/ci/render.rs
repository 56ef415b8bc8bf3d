//! `ci render`: prints an existing result in another format.

use std::path::Path;

use anyhow::Context as _;
use pgvigil::ci::CiResult;
use pgvigil::report::ci::human::Folds;
use pgvigil::report::ci::{annotations, code_quality, comment, human, junit, sarif, summary};

use crate::args::{CiForm, CiRenderArgs};
use crate::exit::{Exit, Ran};
use crate::session::Session;

pub(super) fn run(session: &Session, args: &CiRenderArgs) -> Ran {
    let result = read(&args.result)?;
    session.show(&text(session, args.form, &result))?;
    Ok(Exit::Clean)
}

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

pub(super) fn read(path: &Path) -> anyhow::Result<CiResult> {
    let shown = path.display();
    let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {shown}"))?;
    CiResult::from_text(&text).with_context(|| format!("{shown}"))
}
