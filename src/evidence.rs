//! What an auditor asks for: who touched what in a period, what became of it, and what the answers rest on.

pub mod detection;
pub mod ecs;
pub mod finding;
pub mod ocsf;
