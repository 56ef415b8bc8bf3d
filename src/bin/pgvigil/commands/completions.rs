//! `completions`: a shell's completion script.

use clap::CommandFactory as _;

use crate::args::{Cli, CompletionsArgs};
use crate::exit::Exit;
use crate::session::Session;

pub(crate) fn run(session: &Session, args: &CompletionsArgs) -> anyhow::Result<Exit> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "pgvigil", &mut script);
    session.show(&String::from_utf8_lossy(&script))?;
    Ok(Exit::Clean)
}
