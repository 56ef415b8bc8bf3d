//! Tests that run the built binary and whole recordings.

mod access;
mod agreement;
mod attack;
#[cfg(feature = "database")]
mod attack_database;
mod attack_server;
#[cfg(feature = "aws")]
mod aws;
#[cfg(feature = "aws")]
mod aws_contract;
#[cfg(feature = "aws")]
mod aws_alterations;
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
mod aws_layer;
#[cfg(feature = "aws")]
mod aws_limits;
#[cfg(feature = "aws")]
mod aws_log_alarm;
#[cfg(feature = "aws")]
mod aws_password;
#[cfg(feature = "aws")]
mod aws_world;
mod bad_day;
mod begin;
mod browser;
mod cases;
mod ci_forms;
mod ci_history;
#[cfg(feature = "http")]
mod ci_approvals;
#[cfg(feature = "http")]
mod ci_publish;
mod ci_runs;
mod cli;
mod company;
mod console;
#[cfg(any(feature = "aws", feature = "database"))]
mod defects;
mod dashboard;
mod deploy;
mod destroy;
#[cfg(any(feature = "aws", feature = "database"))]
mod detection;
mod doctor;
mod editor;
#[cfg(feature = "database")]
mod enrol_docs;
#[cfg(feature = "database")]
mod enrol_live;
#[cfg(feature = "database")]
mod enrol_tls;
mod enrolment;
mod export;
#[cfg(feature = "http")]
mod forge;
mod fetch;
#[cfg(all(feature = "aws", feature = "monitor"))]
mod finding_forms;
mod fleet;
mod git;
mod golden;
#[cfg(feature = "http")]
mod grafana;
mod hearing;
mod impact;
mod impact_fixture;
mod impact_report;
#[cfg(feature = "aws")]
mod insights_server;
#[cfg(feature = "aws")]
mod linear;
mod live;
mod log_forms;
mod links;
mod log_alarm;
#[cfg(feature = "monitor")]
mod lambda;
#[cfg(all(feature = "aws", feature = "monitor"))]
mod ministack;
mod monitor;
#[cfg(all(feature = "aws", feature = "monitor"))]
mod monitor_cost;
#[cfg(feature = "aws")]
mod moto;
mod migrate;
mod mutation;
mod notes;
mod package;
mod page;
mod prove;
#[cfg(feature = "aws")]
mod quarter;
mod readme;
mod release;
#[cfg(feature = "aws")]
mod report;
mod report_names;
mod report_saved;
mod oracle;
mod output_schemas;
mod oracle_texts;
mod recorded;
mod recordings;
mod rooms;
mod rules_test;
mod sarif;
mod server;
mod shells;
mod signals;
mod suggest;
mod terminal;
mod terraform;
mod turned;
mod tutorial;
#[cfg(feature = "http")]
mod unit;
mod versions;
mod walked;
#[cfg(feature = "http")]
mod watch;
mod watch_crash;
mod wording;
mod workflows;
