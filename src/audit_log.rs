//! The audit_log room.

pub mod prefix;
