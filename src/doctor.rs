//! The doctor: everything that fails silently in a system that is meant to be quiet most of the time.
//!
//! It is given a [`Reader`](crate::deploy::Reader) for what the documents say, and an [`Observer`] for what no
//! document says: states, times, metrics. Neither has a call that changes anything. What could not be read is never
//! fine: it has a verdict of its own, [`Verdict::Unknown`].

pub mod access;
pub mod canary;
pub mod check;
mod diagnose;
pub mod diagnosis;
pub mod observation;
pub mod port;
pub mod remedy;
pub mod subject;

pub use diagnose::{Question, Settings, diagnose};
pub use diagnosis::{Checked, Diagnosis, Finding, Verdict};
pub use observation::Observed;
pub use port::{Asked, Observer};
pub use remedy::Remedy;
pub use subject::Subject;

#[cfg(test)]
pub(crate) mod tests;
