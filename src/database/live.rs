//! What speaks with a server.

mod address;
pub mod apply;
pub mod attack;
pub mod connect;
mod password;
pub mod read;
pub mod records;
pub mod session;
mod tls;

pub use attack::AttackDatabase;
pub use connect::Target;
pub use session::DatabaseError;
