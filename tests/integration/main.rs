//! Tests that run the built binary and whole recordings.

mod agreement;
mod attack;
#[cfg(feature = "database")]
mod attack_database;
mod attack_server;
#[cfg(feature = "aws")]
mod aws;
#[cfg(feature = "aws")]
mod aws_docs;
#[cfg(feature = "aws")]
mod aws_doctor;
#[cfg(feature = "aws")]
mod aws_adopt;
#[cfg(feature = "aws")]
mod aws_faults;
#[cfg(feature = "aws")]
mod aws_extras;
#[cfg(feature = "aws")]
mod aws_fields;
#[cfg(feature = "aws")]
mod aws_log_alarm;
#[cfg(feature = "aws")]
mod aws_world;
mod browser;
mod cases;
mod cli;
mod deploy;
mod destroy;
mod doctor;
mod enrolment;
mod export;
mod fleet;
mod golden;
mod impact;
mod impact_fixture;
mod impact_report;
#[cfg(feature = "aws")]
mod insights_server;
#[cfg(feature = "aws")]
mod live;
mod log_alarm;
#[cfg(feature = "aws")]
mod moto;
mod mutation;
mod package;
mod page;
mod readme;
mod recorded;
mod recordings;
mod remembered;
mod rules_test;
mod server;
mod shadow;
mod signals;
mod terraform;
