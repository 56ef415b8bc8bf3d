//! pgvigil compiles audited users, exclusions and environments, kept as YAML in Git, into the
//! CloudWatch Logs Insights query, the pgAudit enrolment SQL and the monitor's configuration.
//!
//! The modules below are the rooms of ARCHITECTURE.md, innermost first. A room uses only rooms
//! above it in this list; nothing here prints, reads the clock or exits: the binary does.

pub mod waiting;
pub mod digest;
pub mod source;
pub mod diagnostic;
pub mod audit_log;
pub mod policy;
pub mod judge;
pub mod insights;
pub mod check;
pub mod package;
pub mod compile;
pub mod rules;
pub mod deploy;
pub mod doctor;
pub mod prove;
pub mod begin;
pub mod takeover;
#[cfg(feature = "http")]
pub mod http;
pub mod cloud;
pub mod database;
pub mod ci;
pub mod evidence;
pub mod report;
pub mod publish;
pub mod monitor;
pub mod watch;
pub mod grafana;
