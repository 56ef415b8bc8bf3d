//! From entries to lines, records for the webhook, and figures.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use jiff::Timestamp as Moment;
use rayon::prelude::*;
use schemars::JsonSchema;
use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::audit_log::follow::{Chunk, Place};
use crate::audit_log::prefix::LogLinePrefix;
use crate::audit_log::reader::{Entry, Piece, ReadReport};
use crate::audit_log::timestamp::{Timestamp, fast_epoch_ms};
use crate::digest;
use crate::judge::{Judge, Scratch, Verdict};
use crate::policy::model::Severity;
use crate::report::escape;
use crate::rules::eval::{self, Line};

use super::outbox::Record;
use super::{PrefixNotice, What};

/// Bytes that one thread judges at a time.
const PIECE: usize = 512 << 10;
/// Entries by which a log's prefix is told.
const EXAMINED: usize = 16;

/// What judging needs.
pub(super) struct Judging<'a> {
    pub(super) judge: &'a Judge,
    pub(super) scratches: &'a Scratches,
    pub(super) what: What,
    pub(super) has_webhook: bool,
}

/// What threads keep between pieces: it is warm from the last one.
#[derive(Debug, Default)]
pub(super) struct Scratches(Mutex<Vec<Scratch>>);

impl Scratches {
    fn take(&self) -> Scratch {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.pop().unwrap_or_default()
    }

    fn put(&self, scratch: Scratch) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.push(scratch);
    }
}

/// Who did what.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Who {
    /// Role.
    pub user: String,
    /// Class.
    pub class: String,
    /// Command.
    pub command: String,
}

/// Figures of some entries.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Counts {
    /// Bytes of log.
    pub bytes: u64,
    /// Log entries.
    pub entries: u64,
    /// Pieces of text that belong to no entry.
    pub foreign: u64,
    /// Records by verdict and signal.
    pub records: BTreeMap<(&'static str, &'static str), u64>,
    /// Those that count.
    pub counted: BTreeMap<Who, u64>,
    /// The same by each signal that counts them: a record can have several.
    pub signals: BTreeMap<&'static str, u64>,
    /// The same by severity.
    pub severities: BTreeMap<Severity, u64>,
    /// Records by the exclusions that silence them.
    pub excluded: BTreeMap<String, u64>,
    /// When the last entry was written, in milliseconds since 1970.
    pub last_entry_ms: Option<i64>,
    /// When the last record that counts was written.
    pub last_counted_ms: Option<i64>,
}

impl Counts {
    fn merge(&mut self, later: Self) {
        self.bytes += later.bytes;
        self.entries += later.entries;
        self.foreign += later.foreign;
        add(&mut self.records, later.records);
        add(&mut self.counted, later.counted);
        add(&mut self.signals, later.signals);
        add(&mut self.severities, later.severities);
        add(&mut self.excluded, later.excluded);
        self.last_entry_ms = later.last_entry_ms.or(self.last_entry_ms);
        self.last_counted_ms = later.last_counted_ms.or(self.last_counted_ms);
    }
}

fn add<K: Ord>(sums: &mut BTreeMap<K, u64>, parts: BTreeMap<K, u64>) {
    for (key, number) in parts {
        *sums.entry(key).or_default() += number;
    }
}

/// What came of some entries.
#[derive(Debug, Default)]
pub(super) struct Judgement {
    /// JSON lines for the output.
    pub(super) lines: Vec<u8>,
    /// What counts, for the webhook.
    pub(super) records: Vec<Record>,
    pub(super) counts: Counts,
}

/// The line of a record: that of `rules eval`, with what a watcher knows besides.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Delivered<'a> {
    #[serde(flatten)]
    line: &'a Line<'a>,
    /// When the server wrote it, in UTC; as the server printed it, where its zone is not known.
    time: Option<Cow<'a, str>>,
    /// The same for the same record, whatever happens: made of the file, the place in it, and the entry.
    id: &'a str,
}

/// Judges entries on every core, and keeps their order.
pub(super) fn judge(judging: &Judging<'_>, chunk: &Chunk<'_>) -> Judgement {
    let name = chunk.path.to_string_lossy();
    let pieces = chunk.piece.split(PIECE);
    let one = |piece: &Piece<'_>| {
        let mut scratch = judging.scratches.take();
        let judged = judge_piece(
            judging,
            &mut scratch,
            piece,
            &name,
            &chunk.before,
            chunk.written,
        );
        judging.scratches.put(scratch);
        judged
    };
    let parts: Vec<Judgement> = if let [piece] = pieces.as_slice() {
        vec![one(piece)]
    } else {
        pieces.par_iter().map(one).collect()
    };
    let mut whole = Judgement::default();
    for part in parts {
        whole.lines.extend_from_slice(&part.lines);
        whole.records.extend(part.records);
        whole.counts.merge(part.counts);
    }
    whole
}

fn judge_piece(
    judging: &Judging<'_>,
    scratch: &mut Scratch,
    piece: &Piece<'_>,
    name: &str,
    file: &Place,
    written: Option<u64>,
) -> Judgement {
    let mut judgement = Judgement::default();
    let mut report = ReadReport::default();
    let mut last: Option<i64> = None;
    piece.visit(&mut report, |entry| {
        last = fast_epoch_ms(entry.text).or(last);
        if !judging.judge.may_concern(entry.text) {
            return;
        }
        let is_written = written.is_some_and(|written| entry.offset < written);
        judge_entry(
            judging,
            scratch,
            &mut judgement,
            entry,
            name,
            file,
            is_written,
        );
    });
    judgement.counts.last_entry_ms = last;
    // What an earlier run dealt with is counted once.
    if written.is_none_or(|written| piece.offset >= written) {
        judgement.counts.bytes = report.bytes;
        judgement.counts.entries = report.entries;
        judgement.counts.foreign = report.foreign_count;
    }
    judgement
}

fn judge_entry(
    judging: &Judging<'_>,
    scratch: &mut Scratch,
    judgement: &mut Judgement,
    entry: &Entry<'_>,
    name: &str,
    file: &Place,
    is_written: bool,
) {
    let judged = judging.judge.judge(scratch, entry.text);
    let verdict = judged.verdict.clone();
    let Some(mut line) = eval::line(judging.judge, Cow::Borrowed(name), entry.line, judged) else {
        return;
    };
    let is_counted = verdict == Verdict::Counted;
    // A record whose severity could not be decided is not allowed to matter less than another.
    let severity = line.severity.unwrap_or(Severity::Critical);
    if !is_written {
        let counts = &mut judgement.counts;
        let signal = line.signal.unwrap_or_default();
        *counts.records.entry((line.verdict, signal)).or_default() += 1;
        for id in &line.excluded_by {
            *counts.excluded.entry(id.clone()).or_default() += 1;
        }
        if is_counted {
            let text = |value: &Option<Cow<'_, str>>| value.as_deref().unwrap_or("").to_owned();
            let who = Who {
                user: text(&line.user),
                class: text(&line.class),
                command: text(&line.command),
            };
            *counts.counted.entry(who).or_default() += 1;
            for signal in &line.signals {
                *counts.signals.entry(signal).or_default() += 1;
            }
            *counts.severities.entry(severity).or_default() += 1;
            counts.last_counted_ms = fast_epoch_ms(entry.text).or(counts.last_counted_ms);
        }
    }
    let is_printed = !is_written && (is_counted || judging.what.all);
    let is_sent = is_counted && judging.has_webhook && severity >= judging.what.min_severity;
    if !is_printed && !is_sent {
        return;
    }
    let id = record_id(file, entry);
    if is_printed {
        judgement
            .lines
            .extend_from_slice(render(&line, entry.text, &id).as_bytes());
        judgement.lines.push(b'\n');
    }
    if is_sent {
        if !judging.what.with_statements {
            line.statement = None;
        }
        let json = render(&line, entry.text, &id);
        judgement.records.push(Record { id, json });
    }
}

fn render(line: &Line<'_>, text: &[u8], id: &str) -> String {
    let delivered = Delivered {
        line,
        time: time(text),
        id,
    };
    // Texts and numbers always serialise.
    let json = serde_json::to_string(&delivered).unwrap_or_default();
    escape::json(&json)
}

fn time(text: &[u8]) -> Option<Cow<'_, str>> {
    if let Some(ms) = fast_epoch_ms(text)
        && let Ok(moment) = Moment::from_millisecond(ms)
    {
        return Some(Cow::Owned(moment.to_string()));
    }
    [true, false]
        .into_iter()
        .find_map(|milliseconds| Timestamp::split(text, milliseconds))
        .map(|(time, _)| String::from_utf8_lossy(time.text))
}

/// A file that is truncated begins again at the same places, but its entries have other times.
fn record_id(file: &Place, entry: &Entry<'_>) -> String {
    let mut hash = Sha256::new();
    hash.update(file.device.to_be_bytes());
    hash.update(file.inode.to_be_bytes());
    hash.update(entry.offset.to_be_bytes());
    hash.update(entry.text);
    digest::short(&hash.finalize(), 16)
}

/// Whether the first entries have another prefix than the query expects. One that fits is enough: other programs
/// write to the same log.
pub(super) fn prefix_of(chunk: &Chunk<'_>, expected: LogLinePrefix) -> Option<PrefixNotice> {
    let mut report = ReadReport::default();
    let (mut seen, mut fits, mut found) = (0, false, None);
    let mut has_record = false;
    for piece in chunk.piece.split(64 << 10).iter().take(1) {
        piece.visit(&mut report, |entry| {
            if seen >= EXAMINED || fits {
                return;
            }
            seen += 1;
            has_record |= memchr::memmem::find(entry.text, b"AUDIT: ").is_some();
            match LogLinePrefix::detect(entry.text) {
                Some(prefix) if prefix == expected => fits = true,
                Some(prefix) => found = Some(prefix),
                None => {}
            }
        });
    }
    // A line or two may be another program's.
    let is_telling = seen >= 3 || has_record || found.is_some();
    (is_telling && !fits).then(|| PrefixNotice {
        path: chunk.path.to_owned(),
        found,
    })
}
