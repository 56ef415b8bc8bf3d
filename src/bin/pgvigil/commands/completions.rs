//! `completions`: a shell's completion script.

use crate::args::CompletionsArgs;
use crate::exit::{Exit, Ran};
use crate::help;
use crate::session::Session;

pub(crate) fn run(session: &Session, args: &CompletionsArgs) -> Ran {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut help::command(), "pgvigil", &mut script);
    session.show_exactly(&String::from_utf8_lossy(&script))?;
    Ok(Exit::Clean)
}
