//! A live PostgreSQL: who is enrolled in it, and the real records of attacks.
//!
//! [`enrol`] is data and comparison, without a database. What speaks with one (feature `database`) has a blocking
//! front: the protocol's crate is asynchronous, and its runtime, one thread, stays in here.

pub mod enrol;

#[cfg(feature = "database")]
mod address;
#[cfg(feature = "database")]
pub mod apply;
#[cfg(feature = "database")]
pub mod attack;
#[cfg(feature = "database")]
pub mod connect;
#[cfg(feature = "database")]
mod password;
#[cfg(feature = "database")]
pub mod read;
#[cfg(feature = "database")]
pub mod records;
#[cfg(feature = "database")]
pub mod session;
#[cfg(feature = "database")]
mod tls;

#[cfg(feature = "database")]
pub use attack::AttackDatabase;
#[cfg(feature = "database")]
pub use connect::Target;
#[cfg(feature = "database")]
pub use session::DatabaseError;
