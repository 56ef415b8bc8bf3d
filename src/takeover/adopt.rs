//! Takes over a stack that other scripts or Terraform made for the same clusters: finds it by what it does,
//! shows what differs, and takes it out of service once pgvigil's own is seen to run.
//!
//! The order is what counts: the new monitor watches before the old one stops, and the old function goes last, since
//! it leads to everything else.

pub mod compare;
mod defect;
pub mod port;
pub mod proof;
pub mod remains;
pub mod retire;

pub use compare::{Adoption, adoption};
pub use port::{Finder, Retirer, Search};
pub use proof::{Proof, proofs};
pub use remains::Remains;
pub use retire::{Retirement, Step, Work, retirement};

/// Version of the JSON reports.
pub const FORMAT_VERSION: u32 = 1;

/// The metric that both monitors count in; pgvigil kept its name and its dimensions on purpose.
pub const METRIC: &str = "UserDMLOperationCount";
