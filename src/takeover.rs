//! Takes over from another monitor of the same clusters. A user does this once, so nothing else depends on it.

pub mod adopt;
pub mod migrate;
