//! A live PostgreSQL: who is enrolled in it, and the real records of attacks.
//!
//! [`enrol`] is data and comparison, without a database. What speaks with one (feature `database`) has a blocking
//! front: the protocol's crate is asynchronous, and its runtime, one thread, stays in here.

pub mod enrol;

#[cfg(feature = "database")]
mod live;

#[cfg(feature = "database")]
pub use live::{
    AttackDatabase, DatabaseError, Target, apply, attack, connect, read, records, session,
};
