//! Tests that run the built binary and whole recordings.

mod agreement;
mod cases;
mod cli;
mod deploy;
mod enrolment;
mod golden;
#[cfg(feature = "aws")]
mod insights_server;
#[cfg(feature = "aws")]
mod live;
mod readme;
mod recorded;
mod recordings;
mod rules_test;
