//! Tests that run the built binary and whole recordings.

mod agreement;
mod browser;
mod cases;
mod cli;
mod deploy;
mod enrolment;
mod golden;
mod impact_fixture;
mod impact_report;
mod page;
mod readme;
mod recorded;
mod recordings;
mod rules_test;
