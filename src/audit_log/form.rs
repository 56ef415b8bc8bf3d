//! What a file is: how it is packed, how its text is encoded, and in which form the entries stand in it.
//!
//! This is the only place that tells. It looks at the first bytes of a text and never at its name. `reader` reads what is
//! told here, `follow` follows the one form that the server writes as text, and every command says the same names.

use super::timestamp::{Timestamp, starts_export_event};
use std::fmt;
use std::str::FromStr;

/// A format is told from so many bytes.
pub const HEAD: usize = 4096;

/// UTF-8 may begin with it.
pub(in crate::audit_log) const BOM: &[u8] = b"\xef\xbb\xbf";

/// How a file is packed, by its magic number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Packing {
    Gz,
    Zst,
    /// bzip2.
    Bz2,
    Xz,
    /// LZ4.
    Lz4,
    Zip,
    /// An archive of the Unix program tar.
    Tar,
}

impl Packing {
    /// How a text with this beginning is packed; none if it is plain.
    pub fn of(head: &[u8]) -> Option<Self> {
        Some(match head {
            [0x1f, 0x8b, ..] => Self::Gz,
            // Zstandard frames, and the skippable frames that may come before one.
            [0x28, 0xb5, 0x2f, 0xfd, ..] | [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => Self::Zst,
            [b'B', b'Z', b'h', b'1'..=b'9', ..] => Self::Bz2,
            [0xfd, b'7', b'z', b'X', ..] => Self::Xz,
            [0x04, 0x22, 0x4d, 0x18, ..] => Self::Lz4,
            [b'P', b'K', 3, 4, ..] | [b'P', b'K', 5, 6, ..] => Self::Zip,
            _ if head.get(257..262) == Some(b"ustar") => Self::Tar,
            _ => return None,
        })
    }

    /// What people call it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Gz => "gzip",
            Self::Zst => "Zstandard",
            Self::Bz2 => "bzip2",
            Self::Xz => "xz",
            Self::Lz4 => "LZ4",
            Self::Zip => "ZIP",
            Self::Tar => "tar",
        }
    }

    /// The command that unpacks what is not read.
    pub fn remedy(self) -> &'static str {
        match self {
            Self::Gz => "gzip -d",
            Self::Zst => "zstd -d",
            Self::Bz2 => "bzip2 -d",
            Self::Xz => "xz -d",
            Self::Lz4 => "lz4 -d",
            Self::Zip => "unzip",
            Self::Tar => "tar -xf",
        }
    }
}

/// How a text is encoded, where it is not in bytes that ASCII is a part of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Encoding {
    /// UTF-16, least significant byte first: what PowerShell 5 writes.
    Utf16Le,
    /// UTF-16, most significant byte first.
    Utf16Be,
}

impl Encoding {
    /// The encoding of a text with this beginning; none if it is bytes of ASCII and what extends it.
    pub fn of(head: &[u8]) -> Option<Self> {
        match head {
            [0xff, 0xfe, ..] => return Some(Self::Utf16Le),
            [0xfe, 0xff, ..] => return Some(Self::Utf16Be),
            _ => {}
        }
        // Without a mark: a log begins with ASCII, so every other byte is zero. No text in bytes holds a zero.
        let pairs = head.get(..4)?.chunks_exact(2);
        let is = |zero_last: bool| {
            pairs.clone().all(|pair| match pair {
                [first, last] => {
                    let (zero, other) = if zero_last {
                        (last, first)
                    } else {
                        (first, last)
                    };
                    *zero == 0 && (other.is_ascii_graphic() || other.is_ascii_whitespace())
                }
                _ => false,
            })
        };
        if is(true) {
            Some(Self::Utf16Le)
        } else if is(false) {
            Some(Self::Utf16Be)
        } else {
            None
        }
    }
}

/// In which form the entries of a text stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Format {
    /// A log as PostgreSQL writes it: an entry goes on over lines that begin with a TAB.
    Postgres,
    /// Lines that begin with a time of their own, `2026-11-22T06:55:28.000Z `, and perhaps a stream: a CloudWatch export to
    /// S3, `aws logs tail`, the files of a container runtime.
    Export,
    /// JSON: one document or several, or one event a line, of CloudWatch or of a program that ships logs.
    Json,
    /// CSV with a header that names the column of the message: a download of Logs Insights results.
    Csv,
    /// `log_destination = csvlog`, and the files of pgauditlogtofile.
    Csvlog,
    /// `aws logs … --output text`.
    AwsText,
    /// `aws logs … --output yaml`.
    Yaml,
    /// `aws logs … --query 'events[].message' --output text`: all messages in one line, a TAB between two.
    Joined,
}

impl Format {
    pub const ALL: [Self; 8] = [
        Self::Postgres,
        Self::Export,
        Self::Json,
        Self::Csv,
        Self::Csvlog,
        Self::AwsText,
        Self::Yaml,
        Self::Joined,
    ];

    /// The name of the format on a command line.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Postgres => "postgres",
            Self::Export => "export",
            Self::Json => "json",
            Self::Csv => "csv",
            Self::Csvlog => "csvlog",
            Self::AwsText => "aws-text",
            Self::Yaml => "yaml",
            Self::Joined => "joined",
        }
    }

    /// What people call it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Postgres => "a log of PostgreSQL in text form",
            Self::Export => "lines with an additional time before the message",
            Self::Json => "JSON",
            Self::Csv => "CSV with a header",
            Self::Csvlog => "PostgreSQL's csvlog",
            Self::AwsText => "`aws logs --output text`",
            Self::Yaml => "`aws logs --output yaml`",
            Self::Joined => "messages on one line, joined by TABs",
        }
    }

    /// Tells the format from the first bytes of a text, without its BOM. Text that is nothing else
    /// is a log of PostgreSQL.
    pub fn detect(head: &[u8]) -> Self {
        let head = head.trim_ascii_start();
        let line = head.split(|byte| *byte == b'\n').next().unwrap_or_default();
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
            // `--query 'events[].message'`, an element a line.
            // The header of a CSV of one column is a string of JSON too.
            [b'"', ..] if is_json_string(line) && !is_message_column(line.trim_ascii_end()) => {
                Self::Json
            }
            _ if starts_export_event(head) => Self::Export,
            _ if is_row(head) || head.split(|byte| *byte == b'\n').take(3).any(is_row) => {
                Self::Csvlog
            }
            _ if is_aws_text(head) => Self::AwsText,
            _ if is_yaml(head) => Self::Yaml,
            _ if line.starts_with(b"@") || line.starts_with(b"\"@") || is_header(line) => Self::Csv,
            _ if is_joined(head) => Self::Joined,
            _ => Self::Postgres,
        }
    }
}

/// Whether a line begins a row of csvlog: write_csvlog begins each with the time in milliseconds and a comma.
pub(in crate::audit_log) fn is_row(line: &[u8]) -> bool {
    Timestamp::split(line, true).is_some_and(|(_, rest)| rest.first() == Some(&b','))
}

/// Whether a line begins an event of `aws logs get-log-events` or `filter-log-events` with `--output text`, or one of
/// `--query 'events[].[timestamp,message]'`.
pub(in crate::audit_log) fn is_text_event(line: &[u8]) -> bool {
    if let Some(rest) = line.strip_prefix(b"EVENTS\t") {
        return rest.first().is_some_and(u8::is_ascii_digit);
    }
    let (digits, after) = (line.get(..13), line.get(13));
    after == Some(&b'\t') && digits.is_some_and(|digits| digits.iter().all(u8::is_ascii_digit))
}

/// `get-log-events` prints two tokens before the events.
fn is_aws_text(head: &[u8]) -> bool {
    let mut lines = head
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty());
    lines.next().is_some_and(|line| {
        is_text_event(line)
            || (line.starts_with(b"b/") && line.contains(&b'\t'))
            || line.starts_with(b"SEARCHEDLOGSTREAMS\t")
    })
}

/// A document of AWS begins with one of few keys.
fn is_yaml(head: &[u8]) -> bool {
    let mut lines = head
        .split(|byte| *byte == b'\n')
        .map(<[u8]>::trim_ascii_end)
        .filter(|line| !line.is_empty() && *line != b"---");
    lines.next().is_some_and(|line| {
        [
            &b"- events:"[..],
            b"events:",
            b"results:",
            b"- results:",
            b"nextBackwardToken:",
            b"nextForwardToken:",
            b"searchedLogStreams:",
            b"LogFileData:",
            b"- LogFileData:",
            b"AdditionalDataPending:",
            b"- AdditionalDataPending:",
            b"nextToken:",
            b"status:",
            b"queryLanguage:",
            b"encryptionKey:",
            b"statistics:",
            b"insertId:",
            b"- insertId:",
            b"textPayload:",
            b"- textPayload:",
            b"logName:",
            b"- logStreamName:",
            b"- eventId:",
            b"- ingestionTime:",
            b"- message:",
            b"- timestamp:",
        ]
        .iter()
        .any(|key| line.starts_with(key))
            || line.starts_with(b"- \"")
                && line.ends_with(b"\"")
                && memchr::memmem::find(line, b"AUDIT: ").is_some()
    })
}

fn is_json_string(line: &[u8]) -> bool {
    let line = line.trim_ascii_end();
    line.len() > 2 && line.ends_with(b"\"") && serde_json::from_slice::<&str>(line).is_ok()
        || serde_json::from_slice::<String>(line).is_ok()
}

/// Names of the column with the message, in exports of several tools, in lower case.
pub(in crate::audit_log) const MESSAGE_COLUMNS: [&str; 9] = [
    "@message",
    "message",
    "textpayload",
    "_raw",
    "log",
    "line",
    "properties_message",
    "properties.message",
    "jsonpayload.message",
];

/// Whether a line is the header of a CSV that has a message.
fn is_header(line: &[u8]) -> bool {
    let line = line.trim_ascii_end();
    line.len() < 2000
        && !line.first().is_some_and(u8::is_ascii_digit)
        && memchr::memchr(b':', line).is_none()
        && line.split(|byte| *byte == b',').any(is_message_column)
        && (line.contains(&b',') || line.first() == Some(&b'"') || !line.contains(&b' '))
}

/// Whether a column of a header, quoted or not, is that of the message.
pub(in crate::audit_log) fn is_message_column(name: &[u8]) -> bool {
    let name = name.strip_prefix(b"\"").unwrap_or(name);
    let name = name.strip_suffix(b"\"").unwrap_or(name);
    MESSAGE_COLUMNS
        .iter()
        .any(|known| known.as_bytes().eq_ignore_ascii_case(name))
}

/// Whether the first line holds whole entries, one behind the other, a TAB between two. Where a line begins that is no
/// continuation, the server wrote the line breaks itself, and a TAB in the middle is text that somebody typed.
fn is_joined(head: &[u8]) -> bool {
    let breaks = memchr::memchr_iter(b'\n', head);
    let has_border = breaks
        .clone()
        .any(|at| head.get(at + 1).is_some_and(|next| *next != b'\t'));
    !has_border && next_joined(head, 0).is_some()
}

/// Where the next entry begins behind `from`: behind a TAB, with a time, a severity, and the head of a record.
pub(in crate::audit_log) fn next_joined(text: &[u8], from: usize) -> Option<usize> {
    memchr::memchr_iter(b'\t', text.get(from..)?)
        .map(|at| from + at + 1)
        .find(|at| {
            let before = at.checked_sub(2).and_then(|at| text.get(at));
            before != Some(&b'\n')
                && super::prefix::LogLinePrefix::detect(text.get(*at..).unwrap_or_default())
                    .is_some()
        })
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A name that is no format.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is not a log format; there are `postgres`, `export`, `json`, `csv`, `csvlog`, `aws-text`, `yaml` and `joined`"
)]
pub struct UnknownFormatError(pub String);

impl FromStr for Format {
    type Err = UnknownFormatError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|format| format.as_str() == text)
            .ok_or_else(|| UnknownFormatError(text.to_owned()))
    }
}

/// What a text looks like that holds nothing that was understood, and what to do; for people.
pub fn looks_like(head: &[u8]) -> (&'static str, &'static str) {
    if let Some(form) = foreign_form(head) {
        return form;
    }
    let head = head.trim_ascii_start();
    let line = head.split(|byte| *byte == b'\n').next().unwrap_or_default();
    match Format::detect(head) {
        Format::Json => (
            "JSON without server messages",
            "export the events with their messages",
        ),
        Format::Csv => (
            "CSV without server messages",
            "export the column `@message`",
        ),
        Format::Postgres if !line.first().is_some_and(u8::is_ascii_digit) => (
            "something other than a PostgreSQL log",
            "use the log itself",
        ),
        format => (
            format.name(),
            "pass the log's own log_line_prefix with --log-line-prefix",
        ),
    }
}

/// What a text is that is known and not read, and what to do.
pub fn foreign_form(head: &[u8]) -> Option<(&'static str, &'static str)> {
    let head = head.trim_ascii_start();
    let line = head.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let has = |text: &str| memchr::memmem::find(head, text.as_bytes()).is_some();
    if head.contains(&0) {
        return Some(("a binary file", "use the log itself"));
    }
    if line.starts_with(b"---") && has("|") || line.starts_with(b"|") || line.starts_with(b"+-") {
        return Some((
            "a table for people",
            "download the log again with `--output json`",
        ));
    }
    if is_syslog(line) {
        return Some((
            "syslog",
            "use the file that the server writes (log_destination = 'stderr'), or `journalctl -o json`",
        ));
    }
    if line.starts_with(b"<") {
        return Some(("HTML or XML", "download the log itself"));
    }
    if memchr::memmem::find(line, b",SESSION,").is_some()
        || memchr::memmem::find(line, b",OBJECT,").is_some()
    {
        return Some((
            "pgauditlogtofile in an unknown format",
            "use the server's own log",
        ));
    }
    if line.starts_with(b"RESULTS\t") || has("\nRESULTS\t") {
        return Some((
            "`aws logs get-query-results --output text`",
            "save the result again with `--output json`",
        ));
    }
    if line.starts_with(b"/aws/") {
        return Some((
            "awslogs, with the group and the stream before each message",
            "download the log again with `--no-group --no-stream`",
        ));
    }
    if line.starts_with(b"[pod/") {
        return Some((
            "kubectl logs --prefix",
            "download the log again without `--prefix`",
        ));
    }
    dressed(line)
}

/// What a program puts before each entry, and how to get the entries alone.
fn dressed(line: &[u8]) -> Option<(&'static str, &'static str)> {
    let has = |text: &str| memchr::memmem::find(line, text.as_bytes()).is_some();
    if line.contains(&0x1b) {
        return Some((
            "a log with the colours of a terminal",
            "download the log again without colours, for example with `--color off`",
        ));
    }
    if line.starts_with(b"-- Journal begins")
        || line.starts_with(b"-- Logs begin")
        || line.starts_with(b"__CURSOR=")
        || line.starts_with(b"__REALTIME_TIMESTAMP=")
    {
        return Some((
            "journald's own format",
            "export the log again with `journalctl -o json`",
        ));
    }
    if has("]: [DATABASE] ") || has(" app[postgres.") {
        return Some((
            "Heroku's log",
            "keep only the text after `sql_error_code`, and pass its prefix with --log-line-prefix",
        ));
    }
    if has("\t{\"") || has(": {\"message\"") || has(": {\"log\"") {
        return Some((
            "the output of Fluentd, with a time and a tag before each event",
            "configure it to write only the event, as JSON",
        ));
    }
    if has(", {\"log\"") || has(", {\"message\"") {
        return Some((
            "the output of Fluent Bit, with a tag and a time before each event",
            "configure it to write only the event: `Format plain`",
        ));
    }
    if has(" {app=") || has("\"} 2") {
        return Some((
            "the output of logcli",
            "download the log again with `--output=jsonl`",
        ));
    }
    if has(" | ") && !has("AUDIT: ")
        || line
            .split(|byte| *byte == b' ')
            .skip(1)
            .find(|word| !word.is_empty())
            .is_some_and(|word| word == b"|")
    {
        return Some((
            "docker compose logs",
            "download the log again with `--no-log-prefix --no-color`",
        ));
    }
    // A time in the middle of the line, where an entry begins with it.
    let at = memchr::memmem::find(line, b" UTC")?.checked_sub(19)?;
    let before = line.get(..at)?;
    Timestamp::split(line.get(at..)?, false)?;
    match before.last()? {
        b':' => Some((
            "the output of grep, with a file or a number before each line",
            "use the log itself, or `grep -h` without `-n`",
        )),
        b' ' if !before.first()?.is_ascii_digit() => Some((
            "entries with names before them, as stern prints them",
            "use only the entries, as `kubectl logs` prints them",
        )),
        _ => None,
    }
}

/// `Nov 20 10:00:00 host postgres[123]: …`, `<134>1 2026-…`, or the same with a time of ISO 8601.
fn is_syslog(line: &[u8]) -> bool {
    let is_iso = line.get(10) == Some(&b'T')
        && line.first().is_some_and(u8::is_ascii_digit)
        && memchr::memmem::find(line, b" postgres[").is_some();
    is_iso || is_old_syslog(line)
}

fn is_old_syslog(line: &[u8]) -> bool {
    match line {
        [b'<', digit, ..] => digit.is_ascii_digit(),
        [a, _, _, b' ', _, _, b' ', _, _, b':', ..] => a.is_ascii_uppercase(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_file_is_shows_at_its_beginning() {
        let log = "2026-11-22 06:55:28 UTC:[local]:a@b:[1]:LOG:  x";
        for (head, format) in [
            (log.to_owned(), Format::Postgres),
            (String::new(), Format::Postgres),
            (
                "2026-11-22 06:55:28.123 UTC [1] LOG:  x, y".to_owned(),
                Format::Postgres,
            ),
            (format!("{log}\n{log}\t{log}"), Format::Postgres),
            (format!("{log}\t{log}"), Format::Joined),
            (format!("{log}\n\tmore\t{log}"), Format::Joined),
            (format!("2026-11-22T06:55:28 {log}"), Format::Export),
            (format!("2026-11-22T06:55:28.000Z {log}"), Format::Export),
            (
                format!("2026-11-22T06:55:28.000000+00:00 db-1 {log}"),
                Format::Export,
            ),
            (
                format!("EVENTS\t1763632800500\t{log}\t1763632800000"),
                Format::AwsText,
            ),
            (
                format!("b/3\tf/3\nEVENTS\t1763632800500\t{log}\t1763632800000"),
                Format::AwsText,
            ),
            (format!("1763632800000\t{log}"), Format::AwsText),
            (
                "2026-11-22 06:55:28.123 UTC,\"alice\",\"shop\",1,,".to_owned(),
                Format::Csvlog,
            ),
            (
                "\"\n2026-11-22 06:55:28.123 UTC,\"alice\",\"shop\",1,,".to_owned(),
                Format::Csvlog,
            ),
            ("events:\n- message: x".to_owned(), Format::Yaml),
            ("---\nevents:\n- message: x".to_owned(), Format::Yaml),
            ("@timestamp,@message\n".to_owned(), Format::Csv),
            ("\"Date\",\"Host\",\"Message\"\n".to_owned(), Format::Csv),
            ("bucket,@logStream,@message\n".to_owned(), Format::Csv),
            ("{\"events\": []}".to_owned(), Format::Json),
            (" [\n {\"message\": \"x\"}]".to_owned(), Format::Json),
            (format!("\"{log}\"\n\"{log}\"\n"), Format::Json),
        ] {
            assert_eq!(Format::detect(head.as_bytes()), format, "{head}");
        }
    }

    #[test]
    fn packing_and_encoding_show_at_the_beginning() {
        assert_eq!(Packing::of(b"\x1f\x8b\x08"), Some(Packing::Gz));
        assert_eq!(Packing::of(b"PK\x03\x04"), Some(Packing::Zip));
        assert_eq!(Packing::of(b"BZh9"), Some(Packing::Bz2));
        assert_eq!(Packing::of(b"\xfd7zXZ"), Some(Packing::Xz));
        assert_eq!(Packing::of(b"2026-11-22"), None);
        assert_eq!(Encoding::of(b"\xff\xfe2\0"), Some(Encoding::Utf16Le));
        assert_eq!(Encoding::of(b"2\x000\0"), Some(Encoding::Utf16Le));
        assert_eq!(Encoding::of(b"\x002\x000"), Some(Encoding::Utf16Be));
        assert_eq!(Encoding::of(b"2026"), None);
    }
}
