//! The policy as artefacts: queries, enrolment SQL, the monitor's environment, resource documents.

pub mod enrolment;
pub mod monitor_environment;
pub mod name;
mod pattern;
pub mod query;
pub mod resources;

pub use query::{CompiledQuery, QuerySource, StageRole};
