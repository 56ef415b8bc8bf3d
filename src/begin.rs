//! A new policy repository: from a few settings to files with comments that explain them, in which `check` finds no
//! error.
//!
//! ```text
//! wish (the wanted settings)    ─ faults ─> tree (every file, as text) ─ place ─> a folder, where nothing is overwritten
//! cluster (what an account has) ─┘
//! ```

pub mod cluster;
pub mod exclusions;
pub mod forge;
pub mod place;
pub mod policy_files;
pub mod readme;
pub mod tree;
pub mod wish;

pub use cluster::{ClusterLister, FoundCluster};
pub use place::{PlaceError, Placed, State, UNFINISHED};
pub use tree::{File, tree};
pub use wish::{ClusterWish, EnvironmentWish, Fault, Forge, UserWish, Wish};
