//! Deploying: desired documents against what is live, a plan as data, and its execution.
//!
//! Everything but [`apply()`] is read-only by construction: it is given a [`Reader`], which has no call that
//! changes anything. Drift (what somebody else did) is kept apart from changes (what we will do).

pub mod apply;
pub mod diff;
pub mod document;
pub mod drift;
pub mod permission;
pub mod plan;
pub mod port;
pub mod verdict;

pub use apply::{Observer, Refused, Report, apply};
pub use document::Fingerprint;
pub use drift::{DriftReport, drift};
pub use plan::{Action, Plan, PlanError, plan};
pub use port::{Cloud, CloudError, Found, Identity, Live, Reader, Scope};
pub use verdict::{Outcome, Verdict};

#[cfg(test)]
mod tests;
