//! The report room.

pub mod plan;
