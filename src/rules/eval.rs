//! Judges whole logs: record by record, in totals, or as the alarm would show them.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ops::ControlFlow;

use serde::Serialize;

use crate::audit_log::reader::{Entry, Inputs, Progress, ReadOptions, ReadReport, Visitor, read};
use crate::audit_log::{EntryKind, Prefix};
use crate::compile::StageRole;
use crate::insights::{Event, Run, Scratch, Table};

use crate::policy::model::Signal;

use super::evaluator::{Evaluator, Judged, Verdict, time_of};

/// One audit record in the output of `rules eval --format jsonl`: a contract that others script
/// against.
#[derive(Debug, Serialize)]
pub struct Line<'a> {
    /// Name of the input.
    pub file: Cow<'a, str>,
    /// Number of the record's first line in the decompressed text, counted from 1.
    pub line: u64,
    /// `counted`, `excluded` or `out_of_scope`.
    pub verdict: &'static str,
    /// The first of `signals`.
    pub signal: Option<&'static str>,
    /// The signals that count it, or would without exclusions.
    pub signals: Vec<&'static str>,
    /// The exclusions that silence it, in the order of the policy.
    pub excluded_by: Vec<String>,
    /// Role.
    pub user: Option<Cow<'a, str>>,
    /// Database.
    pub database: Option<Cow<'a, str>>,
    /// Client address with port, as the prefix has it.
    pub client: Option<Cow<'a, str>>,
    /// Class; the level of an entry that tells of a refusal.
    pub class: Option<Cow<'a, str>>,
    /// Command.
    pub command: Option<Cow<'a, str>>,
    /// Object type.
    pub object_type: Option<Cow<'a, str>>,
    /// Object.
    pub object: Option<Cow<'a, str>>,
    /// SQL text, if pgAudit logged it.
    pub statement: Option<Cow<'a, str>>,
}

/// Builds the line of an entry; `None` for what is no audit record.
pub fn line<'a>(file: Cow<'a, str>, number: u64, judged: Judged<'a>) -> Option<Line<'a>> {
    let verdict = judged.verdict.name()?;
    let mut line = Line {
        file,
        line: number,
        verdict,
        signal: judged.signals.first().map(|signal| signal.name()),
        signals: judged.signals.iter().map(|signal| signal.name()).collect(),
        excluded_by: match judged.verdict {
            Verdict::Excluded(by) => by,
            _ => Vec::new(),
        },
        user: None,
        database: None,
        client: None,
        class: None,
        command: None,
        object_type: None,
        object: None,
        statement: None,
    };
    let mut who = |prefix: &Prefix<'a>| {
        line.user = filled(prefix.user);
        line.database = filled(prefix.database);
        line.client = filled(prefix.client.text);
    };
    match &judged.entry {
        EntryKind::Audit { prefix, record, .. } => {
            who(prefix);
            line.class = filled(record.class);
            line.command = filled(record.command);
            line.object_type = record.object_type.and_then(filled);
            line.object = record.object_name.and_then(|field| owned(field.decoded()));
            line.statement = record.statement.decoded().map(lossy);
        }
        EntryKind::Suspicious {
            prefix: Some(prefix),
            ..
        } => who(prefix),
        EntryKind::Other { prefix, .. } => {
            who(prefix);
            if judged.signals.contains(&Signal::Denied) {
                line.class = filled(prefix.level);
            }
        }
        EntryKind::Suspicious { prefix: None, .. } | EntryKind::Foreign(_) => {}
    }
    Some(line)
}

fn filled(bytes: &[u8]) -> Option<Cow<'_, str>> {
    (!bytes.is_empty()).then(|| String::from_utf8_lossy(bytes))
}

fn owned(bytes: Cow<'_, [u8]>) -> Option<Cow<'_, str>> {
    (!bytes.is_empty()).then(|| lossy(bytes))
}

fn lossy(bytes: Cow<'_, [u8]>) -> Cow<'_, str> {
    match bytes {
        Cow::Borrowed(bytes) => String::from_utf8_lossy(bytes),
        Cow::Owned(bytes) => Cow::Owned(String::from_utf8_lossy(&bytes).into_owned()),
    }
}

/// Totals of an evaluation.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Totals {
    /// Audit records, and lines that may be some.
    pub records: u64,
    /// Those that count.
    pub counted: u64,
    /// Those that an exclusion silences.
    pub excluded: u64,
    /// Those that no signal counts, or whose account is deliberately not audited.
    pub out_of_scope: u64,
    /// Records by the first exclusion that silences them.
    pub excluded_by: BTreeMap<String, u64>,
    /// Other log entries.
    pub other_entries: u64,
}

impl Evaluator {
    /// Whether an entry may be an audit record, or a refusal where those are counted. Most entries of a log are neither;
    /// their prefix need not be read.
    pub fn may_concern(&self, text: &[u8]) -> bool {
        let holds = |part: &[u8]| memchr::memmem::find(text, part).is_some();
        holds(b"AUDIT: ")
            || (self.counts(Signal::Denied) && (holds(b"ERROR: ") || holds(b"FATAL: ")))
    }

    /// Writes one JSON line for each audit record, in the order of the input, whatever the number of
    /// threads. `write` gets whole lines; it breaks off the reading.
    pub fn lines(
        &self,
        inputs: &Inputs,
        progress: impl FnMut(Progress),
        mut write: impl FnMut(&[u8]) -> ControlFlow<()>,
    ) -> ReadReport {
        let visitor = Lines {
            evaluator: self,
            inputs,
        };
        read(
            inputs,
            &ReadOptions::default(),
            &visitor,
            progress,
            |lines| write(&lines),
        )
    }

    /// Totals only: the fast path.
    pub fn totals(&self, inputs: &Inputs, progress: impl FnMut(Progress)) -> (Totals, ReadReport) {
        let mut dropped = vec![0_u64; self.roles().len()];
        let (mut counted, mut entries) = (0, 0);
        let report = read(
            inputs,
            &ReadOptions::default(),
            &Count { evaluator: self },
            progress,
            |block| {
                counted += block.counted;
                entries += block.entries;
                for (sum, part) in dropped.iter_mut().zip(block.dropped) {
                    *sum += part;
                }
                ControlFlow::Continue(())
            },
        );
        let mut totals = Totals {
            counted,
            ..Totals::default()
        };
        for (role, number) in self.roles().iter().zip(dropped) {
            match role {
                StageRole::Scope | StageRole::ServiceAccounts => totals.out_of_scope += number,
                StageRole::Exclusion(id) => {
                    totals.excluded += number;
                    *totals.excluded_by.entry(id.clone()).or_default() += number;
                }
                StageRole::NotARecord | StageRole::Extract | StageRole::Result => {}
            }
        }
        totals.records = totals.counted + totals.excluded + totals.out_of_scope;
        totals.other_entries = entries - totals.records;
        (totals, report)
    }

    /// What the query returns for the logs.
    pub fn table(&self, inputs: &Inputs, progress: impl FnMut(Progress)) -> (Table, ReadReport) {
        let visitor = Rows {
            evaluator: self,
            inputs,
        };
        let mut whole = self.program().run();
        let report = read(inputs, &ReadOptions::default(), &visitor, progress, |run| {
            whole.merge(run);
            ControlFlow::Continue(())
        });
        (whole.finish(), report)
    }
}

struct Lines<'a> {
    evaluator: &'a Evaluator,
    inputs: &'a Inputs,
}

impl Visitor for Lines<'_> {
    type Worker = Scratch;
    type Output = Vec<u8>;

    fn worker(&self) -> Scratch {
        self.evaluator.scratch()
    }

    fn output(&self) -> Vec<u8> {
        Vec::new()
    }

    fn visit(&self, scratch: &mut Scratch, lines: &mut Vec<u8>, entry: &Entry<'_>) {
        if !self.evaluator.may_concern(entry.text) {
            return;
        }
        let name = self
            .inputs
            .sources()
            .get(entry.file)
            .map_or(Cow::Borrowed(""), |source| source.name());
        if let Some(line) = line(name, entry.line, self.evaluator.judge(scratch, entry.text))
            && serde_json::to_writer(&mut *lines, &line).is_ok()
        {
            lines.push(b'\n');
        }
    }
}

struct Count<'a> {
    evaluator: &'a Evaluator,
}

struct Counted {
    counted: u64,
    entries: u64,
    dropped: Vec<u64>,
}

impl Visitor for Count<'_> {
    type Worker = Scratch;
    type Output = Counted;

    fn worker(&self) -> Scratch {
        self.evaluator.scratch()
    }

    fn output(&self) -> Counted {
        Counted {
            counted: 0,
            entries: 0,
            dropped: vec![0; self.evaluator.roles().len()],
        }
    }

    fn visit(&self, scratch: &mut Scratch, block: &mut Counted, entry: &Entry<'_>) {
        block.entries += 1;
        match self.evaluator.dropped_by(scratch, entry.text) {
            None => block.counted += 1,
            Some(stage) => {
                if let Some(number) = block.dropped.get_mut(stage) {
                    *number += 1;
                }
            }
        }
    }
}

struct Rows<'a> {
    evaluator: &'a Evaluator,
    inputs: &'a Inputs,
}

impl Visitor for Rows<'_> {
    type Worker = ();
    type Output = Run;

    fn worker(&self) {}

    fn output(&self) -> Run {
        self.evaluator.program().run()
    }

    fn visit(&self, (): &mut (), run: &mut Run, entry: &Entry<'_>) {
        let name = self
            .inputs
            .sources()
            .get(entry.file)
            .map_or(Cow::Borrowed(""), |source| source.name());
        run.push(&Event {
            message: entry.text,
            timestamp_ms: entry.timestamp_ms.unwrap_or_else(|| time_of(entry.text)),
            ingestion_ms: entry.ingestion_ms.unwrap_or_default(),
            log_stream: entry.log_stream.unwrap_or(name.as_bytes()),
            log: b"",
        });
    }
}
