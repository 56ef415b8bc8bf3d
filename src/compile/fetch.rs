//! The fetch query: what Logs Insights is asked for, so that our own code can judge it.
//!
//! AWS drops what can never count and puts identical records together; the record itself stays one undivided field,
//! which only the reader in [`crate::audit_log`] reads. The text depends on the prefix, the signals, the length of a
//! window and the service accounts, and on no exclusion.
//!
//! ```text
//! has a mark of some kind ─> prefix ─> head of a record ─> whole message, where a second prefix could hide in it
//!   ─> is it a record that the reader reads for certain, and in one way? ─> then: in scope? no service account?
//!   ─> groups ─> rows
//! ```
//!
//! **What is dropped is certain.** A record is dropped for its class or its user only if its whole text has the form
//! that the reader demands, and if nothing in it could be a second prefix or a second head. So whatever the judge calls
//! doubtful or broken is fetched, by construction. The form is CSV, which no expression reads in one pass without a
//! group under a repetition, and such a group overflows the stack of Java's engine. So the text is changed first: each
//! doubled quote becomes one backquote, and an end mark is appended. In the changed text a field is
//!
//! - `` `*"[^"]*" ``: quotes around anything, where backquotes before the quote are doubled quotes at the start;
//! - `` `+ ``: a field of doubled quotes only;
//! - ``[^"`,\r\n]*``: no quotes at all.
//!
//! A text that holds a backquote or the end mark by itself is not certain.
//!
//! **A group has one reading.** The rows leave out the time, the port, the process and the ids, and [`Fetched::entry`]
//! puts others in their place. That changes nothing that the reader looks at: the expression of the prefix takes no
//! time, port or process that the reader refuses, and where a `:[digits]:` follows, whose distance matters to the
//! reader, the row has the whole message.
//!
//! **Linear in any engine.** No group stands under an unbounded repetition, and no two unbounded repetitions that
//! could share a character stand side by side. An engine may backtrack: each character is looked at a fixed number of
//! times.

mod account;
mod row;

use std::fmt;

use super::QuerySource;
use super::pattern;
use crate::audit_log::prefix::LogLinePrefix;
use crate::policy::model::{RoleMatch, Signal};

pub use row::{Fetched, RowFault};

/// Characters of a fetch query at most. A small part of what StartQuery takes (10,000), so that a reviewer reads it.
pub const FETCH_LIMIT: usize = 2_500;

/// Rows that a query returns at most (CloudWatch Logs API, `StartQuery`, `limit`: 1 to 100,000).
pub const FETCH_ROWS: u32 = 100_000;

/// A kind of entry that is fetched: the mark that every entry of it has.
struct Kind {
    /// Whether some of these signals count entries of this kind.
    wanted: fn(&[Signal]) -> bool,
    /// An expression that is found in every entry of this kind.
    mark: &'static str,
    /// The parts that hold entries of this kind.
    parts: &'static [Part],
}

impl Kind {
    fn is_in(&self, part: Part) -> bool {
        part == Part::All || self.parts.contains(&part)
    }
}

/// The mark of a record: an entry without it is not fetched as one.
pub const RECORD: &str = ": +AUDIT: ";

/// Every kind. What is fetched under another kind's mark than a record's has its text behind the prefix as its text.
const KINDS: &[Kind] = &[
    // Records, broken ones, and lines that quote one: only the reader can tell them apart.
    Kind {
        wanted: |_| true,
        mark: RECORD,
        parts: &[Part::Records, Part::Unread],
    },
    // What somebody is refused, also under a prefix that is not understood (`judge::scope`): the message up to its
    // first colon holds some words, or it begins with others. `log_error_verbosity = verbose` puts an SQLSTATE before the message.
    Kind {
        wanted: |signals| signals.contains(&Signal::Denied),
        mark: "(?:ERROR|FATAL): (?:[^:\\n]*(?:[0-9A-Z]: [^:\\n]*)?(?:authentication failed|pg_hba|row-level)| \
               *(?:[0-9A-Z]{5}: )?(?:must |only (?:role|su)|permission |role \"))",
        parts: &[Part::Refusals],
    },
    // What tells of work without a record (`judge::told`): a statement beside its error, the fast path, replication; and a
    // line that ends in a name, which is where a name with a line break was cut.
    Kind {
        wanted: |_| true,
        mark: TOLD,
        parts: &[Part::Unread],
    },
];

/// The mark of what tells of work without a record.
const TOLD: &str =
    "STATEMENT: |ed replication c|tion connection au|fastpath f|^[0-9]+-[^\\]]*(?:l\\][^\\]]*)?$";

/// What a statement names that decides what is logged; more than the signal asks for.
const TAMPERING: &str = "(?i)(?:pgaudit|log_min_messages|preload_libraries|reset[ \\t\\r\\n]+all)";

/// First words of MISC commands that touch no users' data, and that many sessions send again and again. The judge drops
/// others too. `EXECUTE`, `EXPLAIN` and `SET` are not here: what they do stands in their text, which the judge reads.
const MISC_DROPPED: &[&str] = &[
    "BEGIN",
    "CLOSE",
    "COMMIT",
    "DEALLOCATE",
    "DISCARD",
    "LISTEN",
    "NOTIFY",
    "RELEASE",
    "RESET",
    "ROLLBACK",
    "SAVEPOINT",
    "SHOW",
    "START",
    "UNLISTEN",
];

/// Stands at the end of the changed text of a record.
const END: &str = "~!~";

/// Class, command and type of a record (`audit_log::record`).
const WORDS: &str = "(?:[0-9A-Za-z _?-]*,){3}";

/// A field of a record in the changed text.
const FIELD: &str = "(?:`*\"[^\"]*\"|`+|[^\"`,\\r\\n]*)";

/// Date and time, as the reader takes them (`audit_log::timestamp`).
const SECOND: &str = "[0-9]{4}(?:-[0-9]{2}){2} [0-9]{2}(?::[0-9]{2}){2}";

/// The abbreviation of a zone, or its distance from UTC.
const ZONE: &str = " [0-9A-Z+-]+";

/// A TCP port up to 65499. The few above it are not read here: their entries come back whole.
const PORT: &str = "(?:[1-5]?[0-9]{1,4}|6[0-4][0-9]{3}|65[0-4][0-9]{2})";

/// How finely the rows of a query are divided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Detail {
    /// By everything that an entry says: [`Fetched::entry`] rebuilds it.
    Text,
    /// By user, database, client, and by class, command, type and object of a record.
    Object,
    /// By user and database.
    Person,
    /// By the client's address.
    Client,
}

/// Which entries a query is about. The parts other than [`Part::All`] have no entry in common, and are all of them
/// together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Part {
    All,
    /// Those that begin as a record does, in one way. Only somebody who is logged in makes these, and the server names him.
    Records,
    /// The others that have a record's mark, and what tells of work without a record. Anybody who reaches the server can make
    /// some of these, under any name.
    Unread,
    /// What a person was refused. Anybody who reaches the server can make these, under any name.
    Refusals,
}

/// What a query asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ask {
    pub part: Part,
    pub detail: Detail,
    /// First and last window of arrival; all windows where there is none.
    pub windows: Option<(i64, i64)>,
}

impl Ask {
    /// Everything about every entry.
    pub const ALL: Self = Self {
        part: Part::All,
        detail: Detail::Text,
        windows: None,
    };
}

/// What is fetched for an environment.
#[derive(Debug, Clone)]
pub struct Fetch {
    prefix: LogLinePrefix,
    signals: Vec<Signal>,
    window_minutes: u32,
    names: Vec<String>,
    patterns: Vec<String>,
    left: Vec<RoleMatch>,
}

impl Fetch {
    /// `window_minutes` is the length of a window of arrival. Of the accounts, which are not audited, those are dropped
    /// at AWS that fit and that any engine compares alike; for the rest see [`Fetch::left_to_the_judge`].
    pub fn new<'a>(
        prefix: LogLinePrefix,
        signals: &[Signal],
        window_minutes: u32,
        accounts: impl IntoIterator<Item = &'a RoleMatch>,
    ) -> Self {
        let mut fetch = Self {
            prefix,
            signals: signals.to_vec(),
            window_minutes: window_minutes.max(1),
            names: Vec::new(),
            patterns: Vec::new(),
            left: Vec::new(),
        };
        // No window has a number of more digits before the year 3000.
        let windows = Some((999_999_999, 999_999_999));
        let longest = Detail::ALL
            .into_iter()
            .flat_map(|detail| {
                let parts = std::iter::once(Part::All).chain(fetch.parts());
                parts.map(move |part| Ask {
                    part,
                    detail,
                    windows,
                })
            })
            .map(|ask| fetch.text(ask).chars().count())
            .max()
            .unwrap_or_default();
        // What stands around the lists, of whatever kind.
        let around =
            account::names(&["".to_owned()]).len() + account::patterns(&["".to_owned()]).len();
        let mut room = FETCH_LIMIT.saturating_sub(longest + around);
        for role in accounts {
            let cost = account::cost(role);
            match (role, cost) {
                (RoleMatch::Name(name), Some(cost)) if cost <= room => {
                    room -= cost;
                    fetch.names.push(name.clone());
                }
                (RoleMatch::Pattern(pattern), Some(cost)) if cost <= room => {
                    room -= cost;
                    fetch.patterns.push(pattern.as_str().to_owned());
                }
                _ => fetch.left.push(role.clone()),
            }
        }
        fetch
    }

    /// What an environment fetches.
    pub fn of(source: &QuerySource<'_>) -> Self {
        Self::new(
            source.prefix,
            &source.signals,
            source.window_minutes,
            source.service_accounts.iter().map(|account| &account.role),
        )
    }

    /// The accounts whose records AWS returns too, so that the judge drops them: those that found no room, and those
    /// whose name or pattern is not plain.
    pub fn left_to_the_judge(&self) -> &[RoleMatch] {
        &self.left
    }

    /// The prefix of the log.
    pub fn prefix(&self) -> LogLinePrefix {
        self.prefix
    }

    /// The parts that are fetched, which are everything together.
    pub fn parts(&self) -> impl Iterator<Item = Part> {
        let is_wanted = |part: &Part| {
            let mut kinds = KINDS.iter();
            kinds.any(|kind| (kind.wanted)(&self.signals) && kind.parts.contains(part))
        };
        [Part::Records, Part::Unread, Part::Refusals]
            .into_iter()
            .filter(is_wanted)
    }

    /// The query. Where a result is cut, its parts are asked for one by one: who floods one of them cannot push another out
    /// of its result.
    pub fn text(&self, ask: Ask) -> String {
        let Ask {
            part,
            detail,
            windows,
        } = ask;
        let mut text = Stages::default();
        let marks: Vec<&str> = KINDS
            .iter()
            .filter(|kind| (kind.wanted)(&self.signals) && kind.is_in(part))
            .map(|kind| kind.mark)
            .collect();
        text.stage(format_args!("filter @message like /{}/", marks.join("|")));
        if part == Part::Refusals {
            text.stage(format_args!(
                "filter @message not like /{RECORD}|STATEMENT: /"
            ));
        }
        text.stage(format_args!(
            "parse @message /^{}(?<rest>[\\s\\S]*)/",
            self.line_prefix()
        ));
        text.stage(format_args!("parse client /^(?<host>[^(]+)/"));
        text.stage(format_args!(
            "parse rest /^(?<head>{}(?:LOG|NOTICE|WARNING|INFO|DEBUG): {{1,4}}(?:0[0-9A-Z]{{4}}: )?AUDIT: \
             (?:SESSION|OBJECT)),(?<ids>[0-9]{{1,18}},[0-9]{{1,18}}),(?<body>[\\s\\S]*)/",
            match self.prefix {
                LogLinePrefix::Short => "",
                // The application's name.
                LogLinePrefix::Long => "(?:[ -~]{0,63}:)?",
            }
        ));
        // Services fail too. With the long prefix whose statement it is rests on an application's name, and all come back.
        if self.prefix == LogLinePrefix::Short {
            text.stage(format_args!("parse rest /^(?<failed>STATEMENT: )/"));
        }
        // A second place where a prefix may end: how far behind the first it stands decides what the reader says.
        text.stage(format_args!(
            "parse @message /^(?<odd>[^\\[]*(?:\\[local\\][^\\[]*)?\\[[0-9]+\\][\\s\\S]*:\\[[0-9]+\\]:[\\s\\S]*)/"
        ));
        text.stage(format_args!(
            "fields concat(replace(body, '\"\"', '`'), '{END}') as flat"
        ));
        text.stage(format_args!(
            "parse flat /^(?<what>{WORDS}){}(?:,{FIELD}){{2}}(?:,[0-9]{{1,18}})?{END}/",
            match detail {
                Detail::Object => format!("(?<object>{FIELD})"),
                Detail::Text | Detail::Person | Detail::Client => FIELD.to_owned(),
            }
        ));
        text.stage(format_args!("filter ({})", self.kept().join(" or ")));
        match part {
            Part::All | Part::Refusals => {}
            Part::Records => {
                text.stage(format_args!(
                    "filter isempty(head) = 0 and isempty(odd) = 1"
                ));
            }
            Part::Unread => {
                text.stage(format_args!("filter isempty(head) = 1 or isempty(odd) = 0"));
            }
        }
        self.groups(detail, windows, &mut text);
        text.0
    }

    /// The prefix up to what a client can choose. It takes no time, port, process or session that the reader refuses
    /// (`audit_log::prefix`): others are put in their place. Names are ASCII and at most 63 bytes (PostgreSQL,
    /// NAMEDATALEN), without what could end the prefix; an entry under another name comes back whole.
    fn line_prefix(&self) -> String {
        let milliseconds = match self.prefix {
            LogLinePrefix::Short => "",
            LogLinePrefix::Long => "\\.[0-9]{3}",
        };
        let session = match self.prefix {
            LogLinePrefix::Short => String::new(),
            LogLinePrefix::Long => format!(
                "[0-9]{{1,9}}:[0-9][0-9A-Z]{{4}}:{SECOND}{ZONE}:(?:[0-9]{{1,9}}\\/\
                 [0-9]{{1,9}})?:[0-9]{{1,9}}:[0-9a-f]+\\.[0-9a-f]+:"
            ),
        };
        format!(
            "{SECOND}{milliseconds}{ZONE}:(?<client>[0-9A-Za-z_.:%-]+\\({PORT}\\)|\\[local\\]|):(?<user>[ -9;-Z\\\\^-~]{{0,63}})@\
             (?<db>[ -9;-?A-Z\\\\^-~]{{0,63}}):\\[(?<pid>[0-9]{{1,9}})\\]:{session}"
        )
    }

    /// The reasons why an entry is fetched, one of which must hold. All but the last say that the reader may not read
    /// it as a record, or not in one way.
    fn kept(&self) -> Vec<String> {
        let mut reasons = vec![
            // No record, or not of its form to its end, and no statement that failed, or one that quotes a record.
            match self.prefix {
                LogLinePrefix::Short => {
                    format!("(isempty(what) = 1 and (isempty(failed) = 1 or rest like /{RECORD}/))")
                }
                LogLinePrefix::Long => "isempty(what) = 1".to_owned(),
            },
            "isempty(odd) = 0".to_owned(),
        ];
        // A second head; a line that PostgreSQL did not write; what the changed text cannot hold.
        let mut doubts = format!(": +AUDIT: |\\n[^\\t]|`|{END}");
        if self.prefix == LogLinePrefix::Long {
            // A process that serves no client has no application name, and whoever serves one has.
            reasons.push("isempty(host) = 1".to_owned());
            // No name, or a second end of the prefix in the name.
            reasons.push("head like /^[0-9A-Z]+: |: [ -~]{0,63}:[A-Z]/".to_owned());
            // A second end of the prefix in the record: a colon, a severity in any language, a colon.
            doubts.push_str("|:[^ -\\/:-@\\[-`{-~]+: ");
        }
        reasons.push(format!("body like /{doubts}/"));
        let mut in_scope = format!("what not like /^(?:{})/", self.out_of_scope());
        if self.signals.contains(&Signal::AuditTampering) {
            in_scope = format!("({in_scope} or rest like /{TAMPERING}/)");
        }
        let accounts = account::names(&self.names) + &account::patterns(&self.patterns);
        if self.prefix == LogLinePrefix::Short {
            in_scope = format!("isempty(failed) = 0 or {in_scope}");
        }
        reasons.push(if accounts.is_empty() {
            in_scope
        } else {
            format!("(({in_scope}){accounts})")
        });
        reasons
    }

    /// How records begin that no signal counts, whatever else they say.
    fn out_of_scope(&self) -> String {
        let counts = |signal| self.signals.contains(&signal);
        let misc = format!("MISC,{}[ ,]", pattern::any_of(MISC_DROPPED.iter().copied()));
        let mut dropped = Vec::new();
        // With `dml` what puts a call behind a cast counts too.
        if !counts(Signal::Schema) && !counts(Signal::Dml) {
            dropped.push("DDL,");
        }
        if !counts(Signal::Privilege) {
            dropped.push("ROLE,");
        }
        if !counts(Signal::Dml) {
            dropped.extend(["FUNCTION,", "READ,", "WRITE,"]);
        }
        // `SET ROLE` is of the signal `privilege`.
        dropped.push(if counts(Signal::Dml) || counts(Signal::Privilege) {
            &misc
        } else {
            "MISC,"
        });
        dropped.join("|")
    }

    /// Groups the rows. A key is never missing: in its place stands the log's name, which holds `:` and `/` and is
    /// no user, database, address or severity.
    fn groups(&self, detail: Detail, windows: Option<(i64, i64)>, text: &mut Stages) {
        let keys: &[(&str, &str)] = match detail {
            Detail::Text => &[CLIENT, ROLE, DATABASE, HEAD, TEXT],
            Detail::Object => &[CLIENT, ROLE, DATABASE, ACTION, OBJECT],
            Detail::Person => &[ROLE, DATABASE],
            Detail::Client => &[CLIENT],
        };
        let mut fields = String::new();
        let mut names = String::new();
        for (name, value) in keys {
            fields.push_str(&format!("coalesce({value}) as {name}, "));
            names.push_str(&format!(", {name}"));
        }
        text.stage(format_args!(
            "fields {fields}concat(@logStream, ' ', pid, ' ', ids) as mark, toMillis(@timestamp) as at, \
             toMillis(@ingestionTime) as came"
        ));
        text.stage(format_args!(
            "fields (came - at) as late, strlen(@message) as length, floor(came / {}) as window",
            u64::from(self.window_minutes) * 60_000
        ));
        if let Some((first, last)) = windows {
            text.stage(format_args!(
                "filter window >= {first} and window <= {last}"
            ));
        }
        let sample = match detail {
            Detail::Text => ", latest(pid) as process, latest(ids) as number, max(length) as size",
            Detail::Object | Detail::Person | Detail::Client => "",
        };
        text.stage(format_args!(
            "stats count(*) as records, count_distinct(mark) as statements, min(at) as oldest, max(at) as newest, \
             max(late) as lag{sample} by @log, window{names}"
        ));
        // The longest first: of no page can a reader be surprised that knows the one before.
        text.stage(format_args!(
            "sort {} desc",
            match detail {
                Detail::Text => "size",
                Detail::Object | Detail::Person | Detail::Client => "records",
            }
        ));
        text.stage(format_args!("limit {FETCH_ROWS}"));
    }
}

const CLIENT: (&str, &str) = ("peer", "host, @log");
const ROLE: (&str, &str) = ("role", "user, @log");
const DATABASE: (&str, &str) = ("base", "db, @log");
const HEAD: (&str, &str) = ("kind", "head, @log");
const TEXT: (&str, &str) = ("text", "odd, body, rest, @message");
const ACTION: (&str, &str) = ("action", "what, @log");
const OBJECT: (&str, &str) = ("relation", "object, @log");

impl Detail {
    /// From the finest to the coarsest.
    pub const ALL: [Self; 4] = [Self::Text, Self::Object, Self::Person, Self::Client];
}

/// A query under construction, a stage a line.
#[derive(Default)]
struct Stages(String);

impl Stages {
    fn stage(&mut self, stage: fmt::Arguments<'_>) {
        let bar = if self.0.is_empty() { "" } else { "| " };
        self.0.push_str(&format!("{bar}{stage}\n"));
    }
}

#[cfg(test)]
mod tests;
