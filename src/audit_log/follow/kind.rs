//! Tells from its first bytes whether a file is a log that can be followed.

use std::fmt;

use super::super::form::{Encoding, Format, Packing};

/// A file that is no log in PostgreSQL's text form, and is not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unread {
    /// Packed by gzip, zstd and the like: a log that was rotated away.
    Compressed,
    /// `log_destination = csvlog`.
    Csvlog,
    /// `log_destination = jsonlog`.
    Jsonlog,
    /// What CloudWatch exports, prints or lets download.
    CloudWatch,
    /// UTF-16.
    Utf16,
}

impl Unread {
    /// Whether the server writes its log here, and should be told to write it otherwise.
    pub(super) fn is_log(self) -> bool {
        matches!(self, Self::Csvlog | Self::Jsonlog)
    }

    pub(super) fn of(head: &[u8]) -> Option<Self> {
        if Packing::of(head).is_some() {
            return Some(Self::Compressed);
        }
        if Encoding::of(head).is_some() {
            return Some(Self::Utf16);
        }
        // write_jsonlog begins each row with this key.
        if head.starts_with(b"{\"timestamp\":\"") {
            return Some(Self::Jsonlog);
        }
        match Format::detect(head) {
            // A log of one entry so far, whatever it quotes.
            Format::Postgres | Format::Joined => None,
            Format::Csvlog => Some(Self::Csvlog),
            Format::Export | Format::Json | Format::Csv | Format::AwsText | Format::Yaml => {
                Some(Self::CloudWatch)
            }
        }
    }
}

impl fmt::Display for Unread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Compressed => {
                "is compressed: only logs that grow are followed, `rules eval` reads it"
            }
            Self::Csvlog => {
                "is a csvlog, which is not read: set log_destination = 'stderr' in postgresql.conf"
            }
            Self::Jsonlog => {
                "is a jsonlog, which is not read: set log_destination = 'stderr' in postgresql.conf"
            }
            Self::CloudWatch => {
                "is not a log file of PostgreSQL itself: `rules eval` reads exports"
            }
            Self::Utf16 => "is UTF-16: convert it to UTF-8",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::Unread;

    #[test]
    fn only_logs_in_text_form_are_followed() {
        let of = |head: &str| Unread::of(head.as_bytes());
        assert_eq!(of("2026-11-22 06:55:28 UTC:[local]:a@b:[1]:LOG:  x"), None);
        assert_eq!(of("2026-11-22 06:55:28.123 UTC [1] LOG:  x, y"), None);
        assert_eq!(of(""), None);
        assert_eq!(
            of("2026-11-22 06:55:28.123 UTC,\"alice\",\"shop\",1,,"),
            Some(Unread::Csvlog)
        );
        assert_eq!(
            of("{\"timestamp\":\"2026-11-22 06:55:28.123 UTC\",\"pid\":1}"),
            Some(Unread::Jsonlog)
        );
        assert_eq!(of("{\"events\": []}"), Some(Unread::CloudWatch));
        assert_eq!(
            of("2026-11-22T06:55:28.000Z 2026-11-22 06:55:28 UTC:"),
            Some(Unread::CloudWatch)
        );
        assert_eq!(Unread::of(b"\x1f\x8b\x08"), Some(Unread::Compressed));
        assert_eq!(Unread::of(b"\xff\xfe2"), Some(Unread::Utf16));
    }
}
