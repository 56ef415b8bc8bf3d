//! The monitor's own log: lines of JSON on stdout, which Lambda takes as they are.

use std::io::Write;

use serde_json::json;

/// Adds a line. One that cannot be written has nowhere to be told.
pub(crate) fn line(text: &str) {
    let mut out = std::io::stdout().lock();
    let _ = writeln!(out, "{text}").and_then(|()| out.flush());
}

/// Tells what keeps the monitor from running.
pub(crate) fn error(message: &str) {
    line(&json!({ "record": "pgvigil.error", "level": "ERROR", "message": message }).to_string());
}
