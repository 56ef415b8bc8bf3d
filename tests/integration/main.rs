//! Tests that run the built binary and whole recordings.
mod agreement;
mod cases;
mod recorded;
mod recordings;
mod rules_test;
