//! Tests that run the built binary and whole recordings.

mod agreement;
mod cases;
mod cli;
mod deploy;
mod enrolment;
mod golden;
mod readme;
mod recorded;
mod recordings;
mod remembered;
mod rules_test;
