//! Entries that servers really wrote, with their times moved.
//!
//! They are a choice of the recordings in `tests/recordings`: one of each kind, where texts that begin alike but for digits
//! are of one kind. A test keeps the choice and the recordings together.

use std::io::Read as _;

use flate2::read::GzDecoder;

use super::port::Entry;
use crate::audit_log::prefix::LogLinePrefix;

const SHORT: &[u8] = include_bytes!("recorded/short.jsonl.gz");
const LONG: &[u8] = include_bytes!("recorded/long.jsonl.gz");

/// Every how manieth entry is late.
const LATE_EVERY: usize = 20;

/// How late: longer than any window that a monitor looks at again, and within a day, which is as much as one call to
/// PutLogEvents may span.
const LATE_MS: i64 = 20 * 60 * 60 * 1_000;

/// Log stream of the entries that arrive in time.
pub const STREAM: &str = "in-time";

/// Log stream of those that are late.
pub const LATE_STREAM: &str = "late";

/// The texts of the choice, in the order of the recordings.
pub fn texts(prefix: LogLinePrefix) -> Vec<String> {
    let packed = match prefix {
        LogLinePrefix::Short => SHORT,
        LogLinePrefix::Long => LONG,
    };
    let mut lines = String::new();
    // What is built in can be read; a test reads it.
    let _ = GzDecoder::new(packed).read_to_string(&mut lines);
    lines
        .lines()
        .filter_map(|line| serde_json::from_str(line).ok())
        .collect()
}

/// The entries in time and those that are late, each in the order of their times, which all differ: the last is of
/// `now_ms`, in milliseconds since 1970. A text keeps the time that it has in itself, which nothing looks at.
pub fn entries(texts: &[String], now_ms: i64) -> (Vec<Entry>, Vec<Entry>) {
    let first_ms = now_ms - i64::try_from(texts.len()).unwrap_or_default();
    let mut in_time = Vec::new();
    let mut late = Vec::new();
    for (number, text) in texts.iter().enumerate() {
        let at_ms = first_ms + i64::try_from(number).unwrap_or_default();
        let text = text.clone();
        if number % LATE_EVERY == 0 {
            late.push(Entry {
                at_ms: at_ms - LATE_MS,
                text,
            });
        } else {
            in_time.push(Entry { at_ms, text });
        }
    }
    (in_time, late)
}
