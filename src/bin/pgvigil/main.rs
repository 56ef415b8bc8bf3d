//! The command line of pgvigil: the only layer that prints, reads the clock and exits.

#![allow(
    missing_docs,
    reason = "a binary has no readers of its documentation but its help"
)]

mod args;
mod commands;
mod exit;
mod progress;
mod session;

use std::process::ExitCode;

use clap::Parser as _;

use args::Cli;
use session::Session;

fn main() -> ExitCode {
    let cli = Cli::parse();
    let session = Session::new(cli.global);
    match commands::run(&session, cli.command) {
        Ok(exit) => exit.into(),
        Err(error) => session.failure(&error).into(),
    }
}
