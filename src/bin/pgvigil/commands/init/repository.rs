//! The files of a new repository: checked together with those that exist, then written.

use std::path::Path;

use pgvigil::begin::{File, State, place};
use pgvigil::policy::{self, Loaded};
use pgvigil::report::begin as report;

use crate::args::DiagnosticFormat;
use crate::exit::{Exit, Ran};
use crate::session::Session;
use crate::signals;

/// The policy of the files, and of existing files in the folder, which are kept.
fn together(root: &Path, files: &[File]) -> anyhow::Result<Loaded> {
    let there = policy::load(root)?;
    let mut texts: Vec<(String, String)> = there
        .files
        .ids()
        .map(|id| {
            (
                there.files.path(id).to_owned(),
                there.files.text(id).to_owned(),
            )
        })
        .collect();
    for file in files {
        if !texts.iter().any(|(path, _)| *path == file.path) {
            texts.push((file.path.clone(), file.text.clone()));
        }
    }
    Ok(policy::load_from(texts))
}

/// Writes the files of a new repository, checks it, and says what comes next.
pub(crate) fn write(
    session: &Session,
    root: &Path,
    files: &[File],
    is_dry: bool,
    next: &[String],
) -> Ran {
    // Nothing is written that `check` would refuse, alone or together with the existing files.
    let before = place::look(root, files)?;
    let checked = session.judged(together(root, files)?);
    session.sound_of(checked).inspect_err(|_| {
        session.say(if before.iter().all(|file| file.state == State::Written) {
            "nothing was written: the files would have these errors"
        } else {
            "nothing was written: together with the existing files, the policy would have these errors"
        });
    })?;
    if is_dry {
        session.show(&report::placed(&before, true))?;
        return Ok(Exit::Clean);
    }
    signals::listen()?;
    let placed = place::place(root, files, &signals::is_asked)?;
    session.show(&report::placed(&placed, false))?;
    let there = session.at(root);
    let checked = there.check()?;
    let (errors, warnings) = (checked.diagnostics.errors(), checked.diagnostics.warnings());
    if errors + warnings > 0 {
        let colour = session.colour_out();
        session.show(&format!(
            "\n{}",
            there.render(&checked, DiagnosticFormat::Human, colour)
        ))?;
    }
    session.show(&format!(
        "checked   {}\n",
        pgvigil::report::summary(&checked.diagnostics)
    ))?;
    if errors > 0 {
        return Ok(Exit::Diagnostics);
    }
    session.show(&report::next(next))?;
    Ok(Exit::Clean)
}
