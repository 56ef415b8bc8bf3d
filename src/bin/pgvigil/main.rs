//! The command line of pgvigil: the only layer that prints, reads the clock and exits.

#![allow(
    missing_docs,
    reason = "a binary has no readers of its documentation but its help"
)]

mod args;
mod commands;
mod exit;
mod help;
mod progress;
mod session;
mod stop;

use std::process::ExitCode;

use clap::FromArgMatches as _;

use args::Cli;
use session::Session;

fn main() -> ExitCode {
    let colour = help::colour(std::env::args_os().map(|word| word.to_string_lossy().into_owned()));
    let matches = help::command().color(colour).get_matches();
    let cli = match Cli::from_arg_matches(&matches) {
        Ok(cli) => cli,
        Err(error) => error.exit(),
    };
    let session = Session::new(cli.global);
    match commands::run(&session, cli.command) {
        Ok(exit) => exit.into(),
        Err(error) => session.failure(&error).into(),
    }
}
