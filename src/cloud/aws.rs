//! The adapters for AWS: the only code that names its SDK.

#![expect(
    clippy::indexing_slicing,
    reason = "of JSON: what is absent is null, and what is written to is an object made here"
)]

mod adopt;
mod alarm;
mod alteration;
mod blame;
mod call;
mod canary;
mod clusters;
mod connect;
mod dashboard;
mod database_token;
mod download;
mod failure;
mod former;
mod function;
mod guard;
mod key;
mod layer;
mod log_alarm;
mod log_group;
pub mod logs;
mod note;
mod observe;
mod own_logs;
mod provider;
mod retire;
mod role;
mod saved_query;
mod schedule;
mod secret;
mod sight;
mod topic;

pub use connect::{Aws, Settings};
pub use database_token::{Credentials, DatabaseLogin, database_token, token_of};
pub use logs::Logs;
pub use secret::Variables;
