//! Who is enrolled on a server, who should be, and what lies between. Data and comparison: no database, no clock.
//!
//! ```text
//! live server ─ read ─> Snapshot ─┬─ plan ──────> Plan ─ statement ─> SQL ─ apply ─> live server
//! policy ─ compile ─> Enrolment ──┼─ coverage ──> Coverage
//!                    (logs ───────┘)   import ──> rules/users.yaml
//! ```

mod around;
pub mod coverage;
pub mod finding;
pub mod guess;
pub mod import;
pub mod live;
pub mod merge;
pub mod place;
pub mod plan;
pub mod saved;
pub mod seen;
pub mod snapshot;
pub mod statement;

#[cfg(test)]
mod tests;

pub use coverage::Coverage;
pub use finding::{Code, Finding, Severity};
pub use place::Place;
pub use plan::{Plan, plan};
pub use snapshot::Snapshot;

/// Version of the JSON of plans and coverage reports.
pub const FORMAT_VERSION: u32 = 1;
