//! The compile room.

pub mod name;
pub mod resources;
