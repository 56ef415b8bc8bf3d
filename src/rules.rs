//! Proving the rules: on samples, on real logs, record by record.
//!
//! Everything here runs the compiled text of the query, as the service would; only
//! [`reference`] judges from the policy itself, so that tests can hold the two against each other.

pub mod eval;
pub mod evaluator;
pub mod reference;

pub use evaluator::{Evaluator, Judged, Verdict};
