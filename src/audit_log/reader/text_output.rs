//! What `aws logs … --output text` prints: columns with TABs between them, the keys in the order of the alphabet.

use crate::audit_log::form::is_text_event;

/// An event in text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TextEvent<'a> {
    pub(super) timestamp_ms: Option<i64>,
    pub(super) ingestion_ms: Option<i64>,
    pub(super) stream: Option<&'a [u8]>,
    pub(super) message: &'a [u8],
    /// Whether its end is missing.
    pub(super) is_cut: bool,
}

/// Whether a line ends the event before it: it begins one, or says something of the whole. A line of a message begins
/// with a TAB.
pub(super) fn is_border(line: &[u8]) -> bool {
    is_text_event(line) || is_remark(line)
}

/// What is printed before and behind the events.
pub(super) fn is_remark(line: &[u8]) -> bool {
    line.starts_with(b"SEARCHEDLOGSTREAMS\t")
        || line.starts_with(b"NEXTTOKEN\t")
        || line.starts_with(b"None")
        || (line.starts_with(b"b/") || line.starts_with(b"f/"))
}

/// Reads `EVENTS [EVENT_ID] INGESTED [STREAM] MESSAGE TIME`, and `TIME MESSAGE`.
pub(super) fn read(text: &[u8]) -> Option<TextEvent<'_>> {
    let Some(rest) = text.strip_prefix(b"EVENTS\t") else {
        let (time, message) = number(text)?;
        return Some(TextEvent {
            timestamp_ms: milliseconds(time),
            ingestion_ms: None,
            stream: None,
            message,
            is_cut: false,
        });
    };
    let (first, rest) = number(rest)?;
    // filter-log-events has an id before it and the stream behind it.
    let (ingestion, stream, rest) = match number(rest) {
        Some((ingestion, rest)) => {
            let at = memchr::memchr(b'\t', rest)?;
            (ingestion, Some(rest.get(..at)?), rest.get(at + 1..)?)
        }
        None => (first, None, rest),
    };
    let (message, time) = match memchr::memrchr(b'\t', rest) {
        Some(at) if rest.get(at + 1..).is_some_and(is_time) => {
            (rest.get(..at)?, rest.get(at + 1..)?)
        }
        _ => (rest, &b""[..]),
    };
    Some(TextEvent {
        timestamp_ms: milliseconds(time),
        ingestion_ms: milliseconds(ingestion),
        stream,
        message,
        is_cut: time.is_empty(),
    })
}

fn number(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let at = memchr::memchr(b'\t', text.get(..80).unwrap_or(text))?;
    let (number, rest) = (text.get(..at)?, text.get(at + 1..)?);
    (!number.is_empty() && number.iter().all(u8::is_ascii_digit)).then_some((number, rest))
}

fn is_time(text: &[u8]) -> bool {
    text.len() == 13 && text.iter().all(u8::is_ascii_digit)
}

fn milliseconds(text: &[u8]) -> Option<i64> {
    std::str::from_utf8(text)
        .ok()
        .filter(|text| text.len() == 13)?
        .parse()
        .ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_columns_of_each_command() {
        let message = "2026-11-20 10:00:00 UTC:a\n\tb 12";
        for (text, stream, time) in [
            (
                format!("EVENTS\t1763632800500\t{message}\t1763632800000"),
                None,
                true,
            ),
            (
                format!("EVENTS\t37380\t1763632800500\torders-1.0\t{message}\t1763632800000"),
                Some("orders-1.0"),
                true,
            ),
            (format!("1763632800000\t{message}"), None, true),
            (format!("EVENTS\t1763632800500\t{message}"), None, false),
        ] {
            let event = read(text.as_bytes()).expect("an event");
            assert_eq!(event.message, message.as_bytes(), "{text}");
            assert_eq!(event.stream, stream.map(str::as_bytes), "{text}");
            assert_eq!(
                event.timestamp_ms,
                time.then_some(1_763_632_800_000),
                "{text}"
            );
        }
        assert_eq!(read(b"SEARCHEDLOGSTREAMS\torders-1.0\tTrue"), None);
        assert!(is_border(b"SEARCHEDLOGSTREAMS\torders-1.0\tTrue"));
        assert!(!is_border(b"\tfrom orders"));
    }
}
