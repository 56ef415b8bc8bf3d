//! What a pipeline runs: for a pull request, after a merge, and on a schedule; the result as data.
//!
//! ```text
//! the commands run their steps ─> result, one JSON document ─> report::ci ─> summary, comment, annotations, SARIF, JUnit, …
//!                                                                  └─> publish ─> comments and issues of a forge
//! ```
//!
//! Nothing here runs a step, renders, reads the clock, an environment variable or a file.

pub mod code;
pub mod finding;
pub mod forge;
pub mod notes;
pub mod result;
pub mod touched;

pub use finding::{Finding, Fingerprint, Level, Spot, fingerprints};
pub use forge::{Forge, Run};
pub use result::{
    Advice, Applied, CiResult, Decision, EnvironmentResult, FORMAT_VERSION, Review, State, Step,
    Work,
};
