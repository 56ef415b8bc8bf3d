//! Deploying: desired documents against what is live, a plan as data, and its execution.
//!
//! Everything but [`apply()`] is read-only by construction: it is given a [`Reader`], which has no call that
//! changes anything. Drift (what somebody else did) is kept apart from changes (what we will do).

pub mod aftermath;
pub mod alteration;
pub mod apply;
pub mod blame;
pub mod destroy;
pub mod diff;
pub mod document;
pub mod drift;
pub mod fleet;
pub mod former;
pub mod monitor_log;
pub mod obstacle;
pub mod permission;
pub mod plan;
pub mod port;
pub mod prune;
pub mod rules;
pub mod saved;
pub mod verdict;

pub use aftermath::{Left, left};
pub use apply::{Observer, Refused, Report, apply};
pub use destroy::{Also, destroy};
pub use document::Fingerprint;
pub use drift::{DriftReport, drift};
pub use obstacle::Obstacle;
pub use plan::{Action, Plan, PlanError, Purpose, plan};
pub use port::{Cloud, CloudError, Found, Identity, Live, Reader, Scope};
pub use prune::{Prune, plan_pruned};
pub use saved::{Made, SavedPlan, SavedPlanError};
pub use verdict::{Outcome, Verdict};

#[cfg(test)]
mod tests;
