//! The adapters for AWS: the only code that names its SDK.

mod adopt;
mod alarm;
mod call;
mod connect;
mod dashboard;
mod failure;
mod former;
mod function;
mod guard;
mod key;
mod log_group;
pub mod logs;
mod note;
mod provider;
mod retire;
mod role;
mod saved_query;
mod schedule;
mod secret;
mod sight;
mod topic;

pub use connect::{Aws, Settings};
pub use logs::Logs;
pub use secret::Variables;
