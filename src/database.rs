//! A live PostgreSQL.
//!
//! A blocking front: the protocol's crate is asynchronous, and its runtime, one thread, stays in here.

pub mod attack;
pub mod connect;
mod password;
pub mod records;
pub mod session;

pub use attack::AttackDatabase;
pub use connect::Target;
pub use session::DatabaseError;
