//! The adapters for AWS: the only code that names its SDK.

mod failure;
pub mod logs;

pub use logs::Logs;
