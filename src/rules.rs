//! Proving the rules: on samples, on real logs, record by record.
//!
//! Everything here runs the compiled text of the query, as the service would; only
//! [`reference`] judges from the policy itself, so that tests can hold the two against each other
//! and [`explain`] can tell which condition a record fails.

pub mod attack;
pub mod eval;
pub mod evaluator;
pub mod explain;
pub mod fixture;
pub mod reference;
pub mod sample;
pub mod test;
pub mod trust;

pub use evaluator::{Evaluator, Judged, Verdict};
