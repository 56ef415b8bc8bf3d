//! What a change of the policy silences and wakes, on real logs.
//!
//! [`measure`] judges the same logs by both policies and groups what differs;
//! [`report`] holds the result as data, from which every form of it is rendered.

mod alike;
pub mod approvals;
pub mod assess;
mod examine;
mod measure;
mod opened;
pub mod redact;
pub mod report;
mod timeline;

pub use alike::Likeness;
pub use assess::{Comparison, Question, Side, assess, named, needed};
pub use report::ImpactReport;
