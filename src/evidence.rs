//! What an auditor asks for: who touched what in a period, what became of it, and what the answers rest on.
//!
//! A report is made of detection records, which the monitor and `watch` write, or of logs that are judged now; of the history
//! of the policy in Git; and of the notes in Git. The same inputs give the same report, byte for byte: nothing here reads the
//! clock.

pub mod answers;
mod assemble;
pub mod detection;
mod drift;
pub mod ecs;
pub mod event;
pub mod finding;
mod group;
pub mod history;
mod hours;
mod inputs;
mod judged;
mod lines;
pub mod ocsf;
mod oneself;
mod origin;
mod period;
mod recorded;
pub mod report;
mod touched;

pub use assemble::{Given, assemble};
pub use drift::{DriftCheck, read as read_drift, sentence as drift_sentence};
pub use hours::Gap;
pub use inputs::Digested;
pub use judged::{Shown, judge};
pub use origin::Origin;
pub use period::Period;
pub use recorded::{Recorded, Wanted, read};
pub use touched::Touched;
