//! What runs in Lambda: it counts what people did, window by window, and tells of it.
//!
//! No types of AWS, no clock, no output: the binary `pgvigil-monitor` brings them, by the traits in [`port`]. Here is
//! what decides, so that it runs in simulation as it runs in Lambda.
//!
//! ```text
//! receipts of earlier runs ─> which windows ─> fetch query ─> rows ─ judge ─> groups ─> figures ─> metrics
//!                                              ─> detection records ─> notification ─> events ─> receipts ─> heartbeat
//! ```
//!
//! Exactly once is made of three things. A record belongs to one window, by the time at which it arrived. A window's
//! figure is published at the window's time, and the alarm takes the maximum, so that it may be published as often as
//! one likes. What must not be repeated, the notification, the events and the detection records, is done for windows that have no
//! receipt, and the receipt is written last: what fails before is done again, and heard twice rather than not at all.

mod attempt;
pub mod attributes;
mod chat;
mod detection;
mod events;
mod figures;
mod gather;
pub mod invocation;
mod judging;
mod link;
mod notification;
pub mod port;
mod query;
pub mod receipt;
mod reminder;
mod row;
mod run;
pub mod settings;
pub mod window;

pub use invocation::{Invocation, What};
pub use judging::Judging;
pub use receipt::Receipts;
pub use run::{Answer, run};
pub use settings::Settings;

/// Why a run failed. Each says what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RunError {
    /// A service refused a call, or did not answer it.
    #[error("cannot {operation}: {message}")]
    Call {
        operation: &'static str,
        message: String,
    },
    /// A service had no room for a call, until the time of the run was over.
    #[error(
        "cannot {operation}: the service had no room until the time of the run was over ({message}); other queries and dashboards of this account and region use the same quota"
    )]
    Busy {
        operation: &'static str,
        message: String,
    },
    /// The service gave up a query.
    #[error(
        "the query ended with the state {state} and without a result; Lambda tries the run again"
    )]
    Ended {
        /// `Failed`, `Cancelled`, `Timeout`, or what a later version invents.
        state: String,
    },
    /// The time of the run is over.
    #[error(
        "the time of the run was over before it could {operation}: give the monitor a longer `timeout_seconds`, or a shorter `schedule`"
    )]
    Late { operation: &'static str },
    /// The result of the query is not what it should be.
    #[error(
        "the result of the query cannot be read: {message}; the query and the monitor are of different versions"
    )]
    Result {
        /// What is wrong with it.
        message: String,
    },
    /// The invocation asks for something that cannot be done.
    #[error("{0}")]
    Invocation(String),
}

#[cfg(test)]
pub(crate) use chat::tests::faulty;

#[cfg(test)]
mod tests;
