//! What logs say around an entry: the entry at a line, the other records of its statement, and what an exclusion silences.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use schemars::JsonSchema;
use serde::Serialize;

use crate::audit_log::prefix::LogLinePrefix;
use crate::audit_log::reader::{Entry, Inputs, ReadOptions, ReadReport, Visitor, read};
use crate::judge::{Judge, Rules, Scratch, Verdict};
use crate::rules::impact::redact::redact;

/// Different statements that are listed.
const LISTED: usize = 20;

/// Another record of the same statement.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Sibling {
    /// As pgAudit prints it.
    pub object: String,
    /// It counts by the policy of today.
    pub counts: bool,
}

/// Records of one kind that an exclusion silences.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
pub struct Work {
    pub user: String,
    pub database: String,
    pub command: String,
    /// Empty if the record has no object.
    pub object: String,
    /// Without its values.
    pub statement: String,
    pub records: u64,
}

/// The entry that contains a line of the first input.
pub fn entry_at(
    inputs: &Inputs,
    prefix: LogLinePrefix,
    line: u64,
) -> (Option<Vec<u8>>, ReadReport) {
    let mut found: Option<(u64, Vec<u8>)> = None;
    let report = read(
        inputs,
        &ReadOptions::with_prefix(prefix),
        &At { line },
        |_| {},
        |block| {
            if let Some((start, text)) = block
                && found.as_ref().is_none_or(|(known, _)| *known <= start)
            {
                found = Some((start, text));
            }
            ControlFlow::Continue(())
        },
    );
    let holds = |(start, text): &(u64, Vec<u8>)| {
        let lines = memchr::memchr_iter(b'\n', text).count() as u64;
        line <= start + lines
    };
    (found.filter(holds).map(|(_, text)| text), report)
}

struct At {
    line: u64,
}

impl Visitor for At {
    type Worker = ();
    type Output = Option<(u64, Vec<u8>)>;

    fn worker(&self) {}

    fn output(&self) -> Self::Output {
        None
    }

    fn visit(&self, (): &mut (), output: &mut Self::Output, entry: &Entry<'_>) {
        if entry.file == 0 && entry.line <= self.line {
            *output = Some((entry.line, entry.text.to_vec()));
        }
    }
}

/// The other records of the statement of an entry: the same process, role and number of the statement.
pub fn siblings(inputs: &Inputs, rules: &Rules, text: &[u8]) -> Vec<Sibling> {
    let judge = Judge::new(rules);
    let Some(session) = Session::of(&judge, &mut Scratch::default(), text) else {
        return Vec::new();
    };
    let mut found = Vec::new();
    read(
        inputs,
        &ReadOptions::with_prefix(judge.prefix()),
        &Others {
            judge: &judge,
            session,
        },
        |_| {},
        |block: Vec<Sibling>| {
            found.extend(block);
            ControlFlow::Continue(())
        },
    );
    found.sort_unstable();
    found.dedup();
    found
}

/// The statement that a record belongs to. Numbers of processes and statements come again, so the text has to be equal too.
#[derive(Debug, PartialEq, Eq)]
struct Session {
    pid: u64,
    user: Vec<u8>,
    statement_id: u64,
    statement: Vec<u8>,
}

impl Session {
    fn of(judge: &Judge, scratch: &mut Scratch, text: &[u8]) -> Option<Self> {
        let judged = judge.judge(scratch, text);
        let (prefix, record) = (judged.who()?, judged.record()?);
        Some(Self {
            pid: prefix.pid,
            user: prefix.user.to_vec(),
            statement_id: record.statement_id,
            statement: record.statement.raw().to_vec(),
        })
    }
}

struct Others<'a> {
    judge: &'a Judge,
    session: Session,
}

impl Visitor for Others<'_> {
    type Worker = Scratch;
    type Output = Vec<Sibling>;

    fn worker(&self) -> Scratch {
        Scratch::default()
    }

    fn output(&self) -> Self::Output {
        Vec::new()
    }

    fn visit(&self, scratch: &mut Scratch, output: &mut Self::Output, entry: &Entry<'_>) {
        if entry.file != 0
            || Session::of(self.judge, scratch, entry.text).as_ref() != Some(&self.session)
        {
            return;
        }
        let judged = self.judge.judge(scratch, entry.text);
        let name = judged.record().and_then(|record| record.object_name);
        output.extend(name.map(|name| Sibling {
            object: String::from_utf8_lossy(&name.decoded()).into_owned(),
            counts: judged.verdict == Verdict::Counted,
        }));
    }
}

/// What the exclusion `id` alone silences in logs, by the rules that contain it.
pub fn silenced(inputs: &Inputs, rules: &Rules, id: &str) -> Vec<Work> {
    let judge = Judge::new(rules);
    let mut sums: BTreeMap<Work, u64> = BTreeMap::new();
    read(
        inputs,
        &ReadOptions::with_prefix(judge.prefix()),
        &Silent { judge: &judge, id },
        |_| {},
        |block: BTreeMap<Work, u64>| {
            for (work, records) in block {
                *sums.entry(work).or_default() += records;
            }
            ControlFlow::Continue(())
        },
    );
    sums.into_iter()
        .map(|(work, records)| Work { records, ..work })
        .collect()
}

/// The largest of many.
pub(super) fn largest(mut works: Vec<Work>) -> Vec<Work> {
    works.sort_by_key(|work| std::cmp::Reverse(work.records));
    works.truncate(LISTED);
    works
}

/// The kind of work of a record that was judged.
pub(super) fn work(judge: &Judge, scratch: &mut Scratch, text: &[u8]) -> Option<Work> {
    let judged = judge.judge(scratch, text);
    let (prefix, record) = (judged.who()?, judged.record()?);
    let shown = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Some(Work {
        user: shown(prefix.user),
        database: shown(prefix.database),
        command: shown(record.command),
        object: record
            .object_name
            .map(|name| shown(&name.decoded()))
            .unwrap_or_default(),
        statement: record
            .statement
            .decoded()
            .map(|text| redact(&text))
            .unwrap_or_default(),
        records: 0,
    })
}

struct Silent<'a> {
    judge: &'a Judge,
    id: &'a str,
}

impl Visitor for Silent<'_> {
    type Worker = Scratch;
    type Output = BTreeMap<Work, u64>;

    fn worker(&self) -> Scratch {
        Scratch::default()
    }

    fn output(&self) -> Self::Output {
        BTreeMap::new()
    }

    fn visit(&self, scratch: &mut Scratch, output: &mut Self::Output, entry: &Entry<'_>) {
        if !self.judge.may_concern(entry.text) {
            return;
        }
        let verdict = self.judge.verdict(scratch, entry.text);
        let alone = matches!(&verdict, Verdict::Excluded(by) if matches!(by.as_slice(), [only] if only == self.id));
        if alone && let Some(work) = work(self.judge, scratch, entry.text) {
            *output.entry(work).or_default() += 1;
        }
    }
}
