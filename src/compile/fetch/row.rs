//! A row that the fetch query returned, and the entry that it stands for.

use super::Part;
use crate::audit_log::prefix::LogLinePrefix;
use crate::audit_log::timestamp::Timestamp;

/// A row: entries of one window that are alike, as far as the query divides them ([`super::Detail`]).
///
/// No `Debug` of it is printed anywhere: `text` is SQL.
#[derive(Clone, PartialEq, Eq)]
pub struct Fetched<'a> {
    /// `ACCOUNT:GROUP` of the log.
    pub log: &'a str,
    /// Number of the window of arrival, counted from 1970 on.
    pub window: i64,
    pub records: u64,
    /// How many statements: several records of one statement are one. Approximate where there are many
    /// (AWS, `count_distinct`), and rows of one statement add up to more than it. For what is no record, the entries.
    pub statements: u64,
    /// Time of the first entry, in milliseconds since 1970.
    pub oldest_ms: i64,
    /// Time of the last.
    pub newest_ms: i64,
    /// Longest time between an entry and its arrival.
    pub lag_ms: i64,
    /// A process that wrote one of them.
    pub process: Option<&'a str>,
    said: Said<'a>,
}

/// What the entries say.
#[derive(Clone, PartialEq, Eq)]
struct Said<'a> {
    address: &'a str,
    role: &'a str,
    database: &'a str,
    kind: &'a str,
    number: &'a str,
    text: &'a str,
    action: &'a str,
    relation: &'a str,
}

/// Why a row cannot be read. It names the field and never its value, which may be SQL.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RowFault {
    /// A number is missing, or is not one.
    #[error("`{0}` of a row is not a number")]
    Number(&'static str),
}

impl<'a> Fetched<'a> {
    /// Reads the fields, name and value, of a row about a part. A field that the service leaves out is an empty text.
    ///
    /// # Errors
    /// If a number is not one.
    pub fn read(fields: &'a [(String, String)], part: Part) -> Result<Self, RowFault> {
        let text = |name: &str| {
            fields
                .iter()
                .find(|(field, _)| field == name)
                .map_or("", |(_, value)| value.as_str())
        };
        let number = |name: &'static str| whole(text(name)).ok_or(RowFault::Number(name));
        let records = number("records")?.max(1).unsigned_abs();
        let ids = text("number");
        Ok(Self {
            log: text("@log"),
            window: number("window")?,
            records,
            // Without ids, which records have, nothing tells statements apart.
            statements: if ids.is_empty() && part != Part::Records {
                records
            } else {
                number("statements")?.unsigned_abs().clamp(1, records)
            },
            oldest_ms: number("oldest")?,
            newest_ms: number("newest")?,
            lag_ms: number("lag")?,
            process: Some(text("process")).filter(|process| !process.is_empty()),
            said: Said {
                address: text("peer"),
                role: text("role"),
                database: text("base"),
                kind: text("kind"),
                number: ids,
                text: text("text"),
                action: text("action"),
                relation: text("relation"),
            },
        })
    }

    fn given(&self, value: &'a str) -> &'a str {
        if value == self.log { "" } else { value }
    }

    /// The client's address, as the query reads it; empty where it could not.
    pub fn client(&self) -> &'a str {
        self.given(self.said.address)
    }

    /// The role, as the query reads it; empty where it could not.
    pub fn role(&self) -> &'a str {
        self.given(self.said.role)
    }

    /// The database, as the query reads it; empty where it could not.
    pub fn database(&self) -> &'a str {
        self.given(self.said.database)
    }

    /// Class and command of the records ([`super::Detail::Object`]); empty where the query could not read them.
    pub fn action(&self) -> (&'a str, &'a str) {
        let mut words = self.given(self.said.action).split(',');
        let mut next = || words.next().unwrap_or_default();
        (next(), next())
    }

    /// The object of the records ([`super::Detail::Object`]); empty where there is none. The query has put a backquote in the
    /// place of each doubled quote.
    pub fn object(&self) -> String {
        let field = self.given(self.said.relation);
        match field
            .strip_prefix('"')
            .and_then(|rest| rest.strip_suffix('"'))
        {
            Some(quoted) => quoted.replace('`', "\""),
            None => field.to_owned(),
        }
    }

    /// An entry that the reader reads as it reads those of the row: user, database, host, record and doubt are the
    /// same. Time, port, process, session (with its SQLSTATE) and ids are those of one of them, or made up.
    pub fn entry(&self, form: LogLinePrefix) -> Vec<u8> {
        let said = &self.said;
        let missing = |value: &str| value == self.log;
        // A line that does not begin as an entry, or whose prefix could not be read.
        let is_unread = self.process.is_none()
            && missing(said.address)
            && missing(said.role)
            && missing(said.database)
            && missing(said.kind);
        let is_whole = || {
            has_second_end(said.text.as_bytes())
                && Timestamp::split(said.text.as_bytes(), form == LogLinePrefix::Long).is_some()
        };
        if is_unread || is_whole() {
            return said.text.as_bytes().to_vec();
        }
        let given = |value| self.given(value);
        let mut out = Vec::with_capacity(said.text.len() + 256);
        let time = Second::of(self.newest_ms);
        let mut push = |part: &str| out.extend_from_slice(part.as_bytes());
        push(&time.to_string());
        if form == LogLinePrefix::Long {
            push(".000");
        }
        push(" UTC:");
        match given(said.address) {
            host @ ("" | "[local]") => push(host),
            host => {
                push(host);
                push("(1)");
            }
        }
        push(":");
        push(given(said.role));
        push("@");
        push(given(said.database));
        push(":[");
        push(self.process.unwrap_or("1"));
        push("]:");
        if form == LogLinePrefix::Long {
            push("1:00000:");
            push(&time.to_string());
            push(" UTC:1/1:0:0.1:");
        }
        let kind = given(said.kind);
        if !kind.is_empty() {
            push(kind);
            push(",");
            push(match said.number {
                "" => "1,1",
                ids => ids,
            });
            push(",");
        }
        push(said.text);
        out
    }

    /// How long the text is, in bytes.
    pub fn size(&self) -> usize {
        self.said.text.len()
    }
}

/// A second of UTC, as PostgreSQL prints it.
struct Second(jiff::Timestamp);

impl Second {
    fn of(milliseconds: i64) -> Self {
        Self(jiff::Timestamp::from_millisecond(milliseconds).unwrap_or_default())
    }
}

impl std::fmt::Display for Second {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let time = self.0.to_zoned_datetime(jiff::tz::TimeZone::UTC).datetime();
        write!(
            f,
            "{:04}-{:02}-{:02} {:02}:{:02}:{:02}",
            time.year(),
            time.month(),
            time.day(),
            time.hour(),
            time.minute(),
            time.second()
        )
    }
}

/// Whether `:[digits]:` stands in a text: then it is a whole message, as the field `odd` of the query has it.
fn has_second_end(text: &[u8]) -> bool {
    memchr::memmem::find_iter(text, b":[").any(|at| {
        let behind = text.get(at + 2..).unwrap_or_default();
        let digits = behind
            .iter()
            .take_while(|byte| byte.is_ascii_digit())
            .count();
        digits > 0
            && behind
                .get(digits..)
                .is_some_and(|end| end.starts_with(b"]:"))
    })
}

/// A number as the service prints it: `5984412`, `5984412.0`, `1.79E12`.
#[expect(
    clippy::cast_possible_truncation,
    reason = "the size is looked at before"
)]
fn whole(text: &str) -> Option<i64> {
    let number: f64 = text.parse().ok()?;
    let number = number.round();
    // Up to here every whole number has a double of its own.
    (number.abs() <= 9_007_199_254_740_992.0).then_some(number as i64)
}
