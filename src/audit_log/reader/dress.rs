//! Every entry with the prefix that the judge reads, and a word about each that has another.
//!
//! The prefix of a log may change while it is written, so that each entry is looked at by itself. Nearly all of them begin
//! in the form that is asked for, and cost two comparisons; of those, the first of each block are read as a whole.

use super::block::{Entry, trim_end};
use super::cut::last_border;
use super::parts::rewrite;
use super::problem::Problem;
use super::report::ReadReport;
use super::template::Template;
use crate::audit_log::form::Format;
use crate::audit_log::prefix::{LogLinePrefix, Mismatch, Readings};
use crate::audit_log::record::{HEAD, count_heads, starts_with_head};
use crate::audit_log::timestamp::starts_with_stamp;
use memchr::memmem::Finder;
use std::collections::HashSet;
use std::hash::BuildHasher as _;
use std::sync::LazyLock;

/// Entries of a block whose prefix is read as a whole, however they begin.
const READ_WHOLE: u64 = 32;
/// Searches for an earlier copy in a block, where time goes backwards: each costs as much as the block is long.
const SEARCHES_MAX: u32 = 2;
/// What RDS writes behind an entry that it has cut.
const TRUNCATED: &[u8] = b"[Your log message was truncated]";

/// What is known of one file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Sight {
    /// Entries that were read with a prefix.
    pub(super) understood: u64,
    /// Whether one holds the head of a record.
    pub(super) has_record: bool,
    /// Whether there was any text.
    pub(super) has_text: bool,
    /// The beginning of the first block.
    pub(super) head: (u64, Vec<u8>),
}

/// Looks at the entries of one block.
pub(super) struct Dresser<'a> {
    form: LogLinePrefix,
    template: Option<&'a Template>,
    is_lines: bool,
    /// The text in which the entries stand, and the bytes of the file before it, for a plain log.
    plain: Option<(&'a [u8], u64)>,
    file: usize,
    seen: u64,
    suspect: bool,
    sight: Sight,
    /// The latest second so far.
    latest: Option<[u8; 19]>,
    /// The entries so far, where they do not stand in one text.
    hashes: HashSet<u64>,
    searches: u32,
    is_repeating: bool,
    /// The beginning of the last entry, where the entries do not stand in one text.
    last: Vec<u8>,
    /// Whether the last entry was told as cut already.
    is_told: bool,
}

impl<'a> Dresser<'a> {
    pub(super) fn new(
        form: LogLinePrefix,
        template: Option<&'a Template>,
        file: usize,
        format: Format,
        (text, offset): (&'a [u8], u64),
    ) -> Self {
        Self {
            form,
            template,
            is_lines: matches!(format, Format::Postgres | Format::Export | Format::AwsText),
            plain: (format == Format::Postgres).then_some((text, offset)),
            file,
            seen: 0,
            suspect: false,
            sight: Sight {
                has_text: !text.trim_ascii_start().is_empty(),
                head: (offset, text.get(..400).unwrap_or(text).to_vec()),
                ..Sight::default()
            },
            latest: None,
            hashes: HashSet::new(),
            searches: 0,
            is_repeating: false,
            last: Vec::new(),
            is_told: false,
        }
    }

    /// Hands an entry on, as it is or with the prefix that is asked for.
    pub(super) fn hand(
        &mut self,
        entry: &Entry<'_>,
        report: &mut ReadReport,
        each: &mut impl FnMut(&Entry<'_>),
    ) {
        let text = entry.text;
        if !self.sight.has_record {
            static FINDER: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(HEAD));
            self.sight.has_record = FINDER.find(text).is_some();
        }
        self.seen += 1;
        self.is_told = false;
        if self.plain.is_none() {
            self.last.clear();
            self.last.extend_from_slice(text.get(..400).unwrap_or(text));
        }
        let begins_well = match self.form {
            LogLinePrefix::Short => text.get(19..24) == Some(b" UTC:"),
            LogLinePrefix::Long => {
                text.get(19) == Some(&b'.') && text.get(23..28) == Some(b" UTC:")
            }
        };
        let is_masked = text
            .get(20..110)
            .or_else(|| text.get(20..))
            .is_some_and(|near| memchr::memchr(b'*', near).is_some())
            && self.is_masked(text);
        if begins_well && !is_masked && !self.suspect && self.seen > READ_WHOLE {
            self.sight.understood += 1;
            self.repeats(entry, report);
            each(entry);
            return;
        }
        if is_masked {
            report.problem(self.file, Problem::Masked, entry.line, text);
            let at = memchr::memmem::find(text, HEAD).unwrap_or(0);
            // Whom it was about is gone: the record is nobody's.
            if count_heads(text, 1) > 0 && at > 0 {
                let bare = [&b"LOG:  "[..], text.get(at..).unwrap_or_default()].concat();
                each(&Entry {
                    text: &bare,
                    ..*entry
                });
            } else {
                each(entry);
            }
            return;
        }
        match self.form.readings(text) {
            Readings::Found { .. } => {
                self.sight.understood += 1;
                self.repeats(entry, report);
                each(entry);
            }
            Readings::Foreign(mismatch) => self.foreign(entry, mismatch, report, each),
        }
    }

    fn foreign(
        &mut self,
        entry: &Entry<'_>,
        mismatch: Mismatch,
        report: &mut ReadReport,
        each: &mut impl FnMut(&Entry<'_>),
    ) {
        let text = entry.text;
        let other = LogLinePrefix::ALL
            .into_iter()
            .find(|form| *form != self.form);
        let dressed = other
            .and_then(|other| rewrite(text, other, self.form))
            .map(|text| (text, true))
            .or_else(|| {
                let text = self.template?.dress(text, self.form)?;
                Some((text, false))
            });
        if let Some((dressed, is_other)) = dressed {
            self.sight.understood += 1;
            report.converted += u64::from(is_other);
            self.repeats(entry, report);
            each(&Entry {
                text: &dressed,
                ..*entry
            });
            return;
        }
        self.suspect = true;
        if count_heads(text, 1) > 0 || starts_with_head(text) {
            report.problem(self.file, Problem::OtherPrefix, entry.line, text);
            // The server writes a severity before a head; where a program took it away, the record counts all the same.
            if starts_with_head(text) {
                let bare = [b"LOG:  ", text].concat();
                each(&Entry {
                    text: &bare,
                    ..*entry
                });
            } else {
                each(entry);
            }
        } else if self.is_lines && !starts_with_stamp(text) {
            if memchr::memmem::find(text, TRUNCATED).is_some() {
                report.truncated += 1;
            } else if !is_remark(text) {
                report.dropped += 1;
                report.add_foreign(self.file, entry.line, text);
            }
        } else if mismatch != Mismatch::Timestamp {
            // It begins as an entry with this prefix does, and ends before its severity.
            report.problem(self.file, Problem::Cut, entry.line, text);
            self.is_told = true;
            each(entry);
        } else {
            each(entry);
        }
    }

    /// Whether names or addresses of the prefix are masked.
    fn is_masked(&self, text: &[u8]) -> bool {
        let end = memchr::memmem::find(text, HEAD)
            .unwrap_or(110)
            .min(text.len());
        let Some(prefix) = text.get(..end) else {
            return false;
        };
        if memchr::memmem::find(prefix, b"***").is_none() {
            return false;
        }
        let masked = |part: &[u8]| memchr::memmem::find(part, b"***").is_some();
        match self.form.readings(text) {
            Readings::Found { first, .. } => {
                masked(first.user) || masked(first.database) || masked(first.client.text)
            }
            Readings::Foreign(_) => true,
        }
    }

    /// Notes an entry that stood there before. Time goes backwards only where a piece of a log comes again, but for the
    /// little that entries of several processes overtake each other.
    fn repeats(&mut self, entry: &Entry<'_>, report: &mut ReadReport) {
        let Some(second) = entry.text.first_chunk::<19>() else {
            return;
        };
        let goes_back = self.latest.as_ref().is_some_and(|latest| second < latest);
        if !goes_back {
            self.latest = Some(*second);
        }
        match self.plain {
            Some((text, offset)) => {
                if goes_back && (self.is_repeating || self.searches < SEARCHES_MAX) {
                    self.searches += 1;
                    let at = usize::try_from(entry.offset.saturating_sub(offset)).unwrap_or(0);
                    let before = text.get(..at).unwrap_or_default();
                    // While it repeats, what comes next is near; a page is a megabyte at most, as a block is.
                    let is_there =
                        self.searches < 64 && memchr::memmem::find(before, entry.text).is_some();
                    if is_there {
                        self.is_repeating = true;
                        report.problem(self.file, Problem::Repeated, entry.line, entry.text);
                    }
                }
            }
            None => {
                let hash = foldhash::quality::FixedState::default().hash_one(entry.text);
                if !self.hashes.insert(hash) && goes_back {
                    report.problem(self.file, Problem::Repeated, entry.line, entry.text);
                }
            }
        }
    }

    /// What the block tells of its file. Its last entry may be cut: it is looked at whatever it is.
    pub(super) fn finish(self, report: &mut ReadReport) {
        let last = match self.plain {
            Some((text, _)) => {
                let text = trim_end(text);
                let start = last_border(text, Format::Postgres).unwrap_or(0);
                text.get(start..).unwrap_or_default()
            }
            None => &self.last,
        };
        let is_cut = match self.form.readings(last) {
            Readings::Found { first, .. } => {
                !first.message.starts_with(HEAD) && HEAD.starts_with(first.message)
            }
            Readings::Foreign(mismatch) => {
                starts_with_stamp(last)
                    && (mismatch != Mismatch::Timestamp || last.len() < 30)
                    && count_heads(last, 1) == 0
            }
        };
        if is_cut && !self.is_told {
            report.problem(self.file, Problem::Cut, 0, last);
        }
        report.see(self.file, self.sight);
    }
}

/// What RDS writes between entries.
fn is_remark(text: &[u8]) -> bool {
    let bare: &[u8] = text.trim_ascii();
    bare.is_empty()
        || bare.starts_with(b"---") && memchr::memmem::find(bare, b"END OF LOG").is_some()
}
