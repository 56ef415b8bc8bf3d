//! Tests that run the built binary and whole recordings.
mod cases;
mod cli;
mod deploy;
