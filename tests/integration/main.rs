//! Tests that run the built binary and whole recordings.

mod agreement;
mod cases;
mod cli;
mod deploy;
mod recorded;
mod recordings;
mod rules_test;
