//! The commands that take over from another monitor. Each user runs them once.

pub(super) mod adopt;
pub(super) mod migrate;
