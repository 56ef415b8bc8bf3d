//! What was read and is not what it seems: told by kind, counted, and never a clean end.

use std::collections::BTreeMap;

/// A reason why a log was not read, or not as a whole.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Problem {
    /// Nothing in a file was understood.
    NoLog {
        /// What it looks like.
        like: &'static str,
        remedy: &'static str,
    },
    /// The form of a file of which only records were found.
    Form {
        /// What it looks like.
        like: &'static str,
        remedy: &'static str,
    },
    /// Entries are understood, and none is an audit record.
    NoRecord,
    /// Records under a prefix that is not the environment's and none of RDS's. They count, and are nobody's.
    OtherPrefix,
    /// The prefix holds `***` where a name or an address was.
    Masked,
    /// A query that had not ended well when its result was saved: its state.
    Unfinished(String),
    /// A log transformer took entries apart, and left no text of them.
    Transformed,
    /// Entries come twice: downloads whose pages overlap.
    Repeated,
    /// An entry ends before its end.
    Cut,
    /// Borders between entries that had to be guessed.
    Joined,
    /// More was there than what was saved.
    Incomplete,
}

impl Problem {
    /// A sentence about so many of them, and what to do.
    pub fn sentence(&self, count: u64) -> String {
        let entries = |one: &str, many: &str| match count {
            1 => format!("1 {one}"),
            _ => format!("{count} {many}"),
        };
        match self {
            Self::NoLog { like, remedy } => {
                format!("nothing in the file was read: it looks like {like}; {remedy}")
            }
            Self::Form { like, remedy } => format!("the file looks like {like}; {remedy}"),
            Self::NoRecord => format!(
                "{} read, but no audit record: check that pgAudit is on, and that the log covers the right time",
                entries("entry", "entries")
            ),
            Self::OtherPrefix => format!(
                "{} a log_line_prefix different from the environment's: such records count, without a user; pass the \
                 prefix with --log-line-prefix",
                entries("record has", "records have")
            ),
            Self::Masked => format!(
                "{} masked names or addresses (`***`) in the prefix: such records count, without a user; download the \
                 log again with the permission logs:Unmask",
                entries("entry has", "entries have")
            ),
            Self::Unfinished(state) => format!(
                "the result was saved while the query had the state `{state}`, so it is incomplete: save it again when the state is `Complete`"
            ),
            Self::Transformed => format!(
                "{} changed by a log transformer, which removed the text: download the log again without the transformer",
                entries("entry was", "entries were")
            ),
            Self::Repeated => format!(
                "{} appear twice because pages of a download overlap, so totals are too high: download the log again",
                entries("entry or more", "entries or more")
            ),
            Self::Cut => format!(
                "{} are cut short: download the log again",
                entries("entry or more", "entries")
            ),
            Self::Joined => "the messages are on one line, joined by TABs, so pgvigil has to guess where each begins: \
                use --query 'events[].[message]'"
                .to_owned(),
            Self::Incomplete => {
                "the document is incomplete: it says that there are more events; download the rest".to_owned()
            }
        }
    }
}

/// How often a problem was seen.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Seen {
    pub count: u64,
    /// The first line with it, counted from 1; 0 for the file as a whole.
    pub line: u64,
    /// The beginning of the first text with it.
    pub example: Vec<u8>,
}

/// The problems of all files, by file and kind.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Problems(BTreeMap<(usize, Problem), Seen>);

impl Problems {
    pub(super) fn add(&mut self, file: usize, problem: Problem, line: u64, example: &[u8]) {
        let seen = self.0.entry((file, problem)).or_default();
        if seen.count == 0 || line < seen.line {
            seen.line = line;
            seen.example = example.get(..120).unwrap_or(example).to_vec();
        }
        seen.count += 1;
    }

    /// Notes a problem of a whole file, with a number.
    pub(super) fn count(&mut self, file: usize, problem: Problem, count: u64) {
        self.0.entry((file, problem)).or_default().count = count;
    }

    pub(super) fn merge(&mut self, other: Self) {
        for (key, seen) in other.0 {
            let known = self.0.entry(key).or_default();
            if known.count == 0 || seen.line < known.line {
                known.line = seen.line;
                known.example = seen.example;
            }
            known.count += seen.count;
        }
    }

    /// Takes one kind of problem out, for whoever does not mind it.
    pub fn forget(&mut self, problem: &Problem) {
        self.0.retain(|(_, known), _| known != problem);
    }

    /// Each problem of each file, with the index of the file.
    pub fn iter(&self) -> impl Iterator<Item = (usize, &Problem, &Seen)> {
        self.0
            .iter()
            .map(|((file, problem), seen)| (*file, problem, seen))
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}
