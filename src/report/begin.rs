//! What became of the files of a new repository, for people.

use std::fmt::Write as _;

use super::escape::terminal;
use crate::begin::{Fault, Placed, State};
use crate::diagnostic::count;

/// Everything that is wrong with a wish: one line each, and what to do.
pub fn faults(faults: &[Fault]) -> String {
    let mut text = String::new();
    for fault in faults {
        // Writing to a text cannot fail.
        let _ = writeln!(
            text,
            "error: {}: {}",
            terminal(&fault.message),
            terminal(&fault.help)
        );
    }
    text.push_str("nothing was written\n");
    text
}

/// One line a file, and the sum.
pub fn placed(placed: &[Placed], is_dry: bool) -> String {
    let mut text = String::new();
    let (mut written, mut kept) = (0, 0);
    for file in placed {
        let (word, why) = match file.state {
            State::Written => ("written", ""),
            State::Unchanged => ("unchanged", ""),
            State::Kept => (
                "kept",
                ": a different file exists there; move it away to get this one",
            ),
            State::KeptLink => ("kept", ": a symbolic link exists there"),
            State::KeptOther => ("kept", ": the path exists, but is not a file"),
        };
        written += usize::from(file.state == State::Written);
        kept += usize::from(word == "kept");
        let word = if is_dry && word == "written" {
            "new"
        } else {
            word
        };
        let _ = writeln!(text, "{word:<9} {}{why}", terminal(&file.path));
    }
    let unchanged = placed.len() - written - kept;
    let mut parts = vec![format!(
        "{written} {}",
        if is_dry {
            "would be written"
        } else {
            "written"
        }
    )];
    if unchanged > 0 {
        parts.push(format!("{unchanged} unchanged"));
    }
    if kept > 0 {
        parts.push(format!("{kept} left unchanged"));
    }
    let _ = writeln!(
        text,
        "{}: {}",
        count(placed.len(), "file"),
        parts.join(", ")
    );
    text
}

/// What to do now.
pub fn next(commands: &[String]) -> String {
    let mut text = String::from("\nNext:\n");
    for command in commands {
        let _ = writeln!(text, "  {}", terminal(command));
    }
    text
}
