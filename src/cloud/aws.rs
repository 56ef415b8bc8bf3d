//! The adapters for AWS: the only code that names its SDK.

#![expect(
    clippy::indexing_slicing,
    reason = "of JSON: an absent key is null, and only objects made here are written to"
)]

mod adopt;
mod alteration;
mod blame;
mod call;
mod canary;
mod clusters;
mod connect;
mod database_token;
mod download;
mod dates;
mod failure;
mod former;
mod guard;
pub mod logs;
mod look;
mod monitor_log;
mod names;
mod note;
mod observe;
mod own_logs;
mod provider;
mod retire;
mod secret;
mod service;
mod sight;
mod value;

pub use connect::{Aws, Settings, Variables};
pub use database_token::{Credentials, DatabaseLogin, database_token, token_of};
pub use logs::Logs;
