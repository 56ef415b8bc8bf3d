//! Tells what a text is from its beginning.

use crate::audit_log::timestamp::starts_export_event;
use std::fmt;
use std::str::FromStr;

/// What a text is. Compression is seen apart from it, by its magic number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Format {
    /// A log as PostgreSQL writes it: an entry goes on over lines that begin with a TAB.
    Postgres,
    /// A CloudWatch export to S3: each event begins with `2026-11-22T06:55:28.000Z `.
    Export,
    /// Events as JSON: one document or several, or one event a line.
    Json,
    /// A download of Logs Insights results, with a header that names `@message`.
    Csv,
}

impl Format {
    /// All formats.
    pub const ALL: [Self; 4] = [Self::Postgres, Self::Export, Self::Json, Self::Csv];

    /// The name of the format on a command line.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Postgres => "postgres",
            Self::Export => "export",
            Self::Json => "json",
            Self::Csv => "csv",
        }
    }

    /// Tells the format from the first bytes of a text, without its BOM. Text that is nothing else
    /// is a log of PostgreSQL.
    pub fn detect(head: &[u8]) -> Self {
        let head = head.trim_ascii_start();
        match head {
            [b'{', ..] => Self::Json,
            // `[local]` or `[123]` begins no line of a log with a supported prefix.
            [b'[', rest @ ..]
                if matches!(
                    rest.trim_ascii_start(),
                    [] | [b'{' | b'[' | b']' | b'"', ..]
                ) =>
            {
                Self::Json
            }
            _ if starts_export_event(head) => Self::Export,
            _ => {
                let line = head.split(|byte| *byte == b'\n').next().unwrap_or_default();
                let is_header = line.starts_with(b"@") || line.starts_with(b"\"@");
                if is_header && memchr::memmem::find(line, b"@message").is_some() {
                    Self::Csv
                } else {
                    Self::Postgres
                }
            }
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A name that is no format.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a log format; there are `postgres`, `export`, `json` and `csv`")]
pub struct UnknownFormatError(
    /// What was given.
    pub String,
);

impl FromStr for Format {
    type Err = UnknownFormatError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|format| format.as_str() == text)
            .ok_or_else(|| UnknownFormatError(text.to_owned()))
    }
}
