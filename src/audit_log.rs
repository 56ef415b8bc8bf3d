//! The audit_log room.
