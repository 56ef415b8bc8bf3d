//! What stands before a message in a line of another program: a time, and perhaps a stream.

use crate::audit_log::timestamp::{split_iso_zone, starts_export_event, starts_with_stamp};

/// Bytes that have to be seen of a line to know what stands before its message. Less than the smallest block.
pub(super) const AHEAD: usize = 48;

/// A line with a time of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Lead<'a> {
    pub(super) timestamp_ms: i64,
    pub(super) stream: Option<&'a [u8]>,
    pub(super) message: &'a [u8],
}

/// Reads `TIME MESSAGE` (S3 exports, `aws logs tail --format short`), `TIME STREAM MESSAGE` (`aws logs tail`), and
/// `TIME stderr F MESSAGE` (container runtimes). A stream is one only where an entry follows it.
pub(super) fn split(line: &[u8]) -> Option<Lead<'_>> {
    if !starts_export_event(line) {
        return None;
    }
    let (timestamp_ms, rest) = split_iso_zone(line)?;
    let message = rest.strip_prefix(b" ").unwrap_or(rest);
    let plain = Lead {
        timestamp_ms,
        stream: None,
        message,
    };
    if begins_message(message) {
        return Some(plain);
    }
    for mark in [&b"stdout F "[..], b"stderr F ", b"stdout P ", b"stderr P "] {
        if let Some(message) = message.strip_prefix(mark) {
            return Some(Lead { message, ..plain });
        }
    }
    // Names of streams hold no spaces.
    if let Some(at) = memchr::memchr(b' ', message.get(..600).unwrap_or(message))
        && let (Some(stream), Some(after)) = (message.get(..at), message.get(at + 1..))
        && !stream.is_empty()
        && begins_message(after)
    {
        return Some(Lead {
            stream: Some(stream),
            message: after,
            ..plain
        });
    }
    Some(plain)
}

/// Whether a line begins an event: a container runtime writes its time before continuations too.
pub(super) fn begins_event(line: &[u8]) -> bool {
    starts_export_event(line) && !line.get(..AHEAD).unwrap_or(line).contains(&b'\t')
        || split(line).is_some_and(|lead| lead.message.first() != Some(&b'\t'))
}

fn begins_message(text: &[u8]) -> bool {
    starts_with_stamp(text) || text.first() == Some(&b'{') || text.starts_with(b"AUDIT: ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_and_marks_are_no_part_of_a_message() {
        let entry = "2026-11-20 10:00:00 UTC:[local]:a@b:[1]:LOG:  x y";
        for (line, stream, message) in [
            (format!("2026-11-20T10:00:00.000Z {entry}"), None, entry),
            (format!("2026-11-20T10:00:00 {entry}"), None, entry),
            (
                format!("2026-11-20T10:00:00.123000+00:00 orders-1.0 {entry}"),
                Some("orders-1.0"),
                entry,
            ),
            (
                format!("2026-11-20T10:00:00.123456789Z stderr F {entry}"),
                None,
                entry,
            ),
            (
                "2026-11-20T10:00:00.1Z stderr F \tfrom t".to_owned(),
                None,
                "\tfrom t",
            ),
            (
                "2026-11-20T10:00:00.1Z stdout F {\"a\":1}".to_owned(),
                None,
                "{\"a\":1}",
            ),
            (
                "2026-11-20T10:00:00.000Z no entry at all".to_owned(),
                None,
                "no entry at all",
            ),
            ("2026-11-20T10:00:00.000Z ".to_owned(), None, ""),
        ] {
            let lead = split(line.as_bytes()).expect("a lead");
            assert_eq!(lead.stream, stream.map(str::as_bytes), "{line}");
            assert_eq!(lead.message, message.as_bytes(), "{line}");
            assert_eq!(
                begins_event(line.as_bytes()),
                !message.starts_with('\t'),
                "{line}"
            );
        }
        assert_eq!(split(b"2026-11-20 10:00:00 UTC:"), None);
        assert_eq!(
            split(b"2026-11-20T10:00:00.000000+02:00 x").map(|lead| lead.timestamp_ms),
            split(b"2026-11-20T08:00:00Z x").map(|lead| lead.timestamp_ms)
        );
    }
}
