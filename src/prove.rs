//! The proof that an account's services behave as we assume.
//!
//! Nothing of pgvigil rests on an emulator alone: our interpreter of Logs Insights and the judge are compared with the
//! service itself, on entries of our own. The entries are a choice of what servers and clients really wrote, with their
//! times moved to now, some of them late, and those of the probes ([`crate::insights::assumed`]).
//!
//! ```text
//! own log groups ─> entries ─> what is stored, with its times of arrival ─┬─> the service runs each text ─┬─> compare
//!                                                                         └─> the interpreter does too ───┘
//!                                                                         └─> the judge, with and without the fetch
//! probes ─> answers ─> compare with what is assumed;   own metric ─> own alarm ─> its states;   all is taken away
//! ```
//!
//! A report names no account, no resource and nothing of the policy, so that it can be published.

pub mod port;
pub mod recorded;
pub mod report;
mod removal;
mod run;
pub mod text;

pub use removal::clean;
pub use run::{Question, prove};

/// The tag that every log group of a proof has. Its value is the run's token.
pub const TAG: &str = "pgvigil:prove";
