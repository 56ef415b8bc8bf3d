//! The command line of pgvigil: the only layer that prints, reads the clock and exits.

#[cfg_attr(
    not(all(feature = "aws", feature = "database", feature = "http")),
    allow(
        dead_code,
        reason = "a build without a feature has its options, but not its work"
    )
)]
mod args;
mod checked;
mod commands;
mod exit;
mod feature;
mod help;
mod progress;
mod session;
mod signals;
mod terminal;

use std::process::ExitCode;
use std::time::Duration;

use clap::FromArgMatches as _;
use clap::error::ErrorKind;
use pgvigil::waiting;

use args::{Cli, Global};
use exit::Stop;
use session::Session;

fn main() -> ExitCode {
    let colour = help::colour(std::env::args_os().map(|word| word.to_string_lossy().into_owned()));
    let matches = help::command().color(colour).get_matches();
    let cli = match Cli::from_arg_matches(&matches) {
        Ok(cli) => cli,
        Err(error) => error.exit(),
    };
    if let Err(error) = call_timeout(&cli.global) {
        help::command()
            .error(ErrorKind::ValueValidation, error)
            .exit();
    }
    let session = Session::new(cli.global);
    match commands::run(&session, cli.command) {
        Ok(exit) | Err(Stop::Exit(exit)) => exit.into(),
        Err(Stop::Failed(error)) => session.failure(&error).into(),
    }
}

/// The variable for users who cannot change the command line, such as that of a pipeline.
const CALL_TIMEOUT: &str = "PGVIGIL_CALL_TIMEOUT";

/// Sets how long to wait for answers.
fn call_timeout(global: &Global) -> Result<(), String> {
    let longest = waiting::LONGEST.as_secs();
    let seconds = match (global.call_timeout, std::env::var(CALL_TIMEOUT)) {
        (Some(seconds), _) => Some(seconds),
        (None, Ok(text)) if !text.is_empty() => Some(
            text.parse()
                .ok()
                .filter(|seconds| (1..=longest).contains(seconds))
                .ok_or_else(|| {
                    format!("the variable {CALL_TIMEOUT} must be a number of seconds from 1 to {longest}")
                })?,
        ),
        _ => None,
    };
    if let Some(seconds) = seconds {
        waiting::set(Duration::from_secs(seconds));
    }
    Ok(())
}
