//! Judges log entries with the compiled query.

use std::borrow::Cow;

use crate::audit_log::judge_entry;
use crate::audit_log::prefix::LogLinePrefix;
pub use crate::audit_log::timestamp::day_of;
pub(crate) use crate::audit_log::timestamp::time_of;
use crate::compile::query::{CompiledQuery, QuerySource, StageRole, signals_of};
use crate::insights::{self, Event, Fault, MissingField, Options, Program, Scratch};
pub use crate::judge::{Judged, Verdict};
use crate::policy::model::Signal;

/// Why a compiled query cannot be run here.
#[derive(Debug, thiserror::Error)]
#[error("this version cannot run the compiled query: {}", describe(.0))]
pub struct EvaluatorError(pub Vec<Fault>);

fn describe(faults: &[Fault]) -> String {
    faults
        .iter()
        .map(|fault| fault.message.as_str())
        .collect::<Vec<_>>()
        .join("; ")
}

/// Runs the text of a compiled query.
#[derive(Debug, Clone)]
pub struct Evaluator {
    program: Program,
    roles: Vec<StageRole>,
    prefix: LogLinePrefix,
    signals: Vec<Signal>,
}

impl Evaluator {
    /// Parses the text and makes it ready to run.
    ///
    /// # Errors
    /// If the text uses what the interpreter refuses: a bug of the compiler, or a pattern of a user
    /// that the checks let through.
    pub fn new(
        query: &CompiledQuery,
        prefix: LogLinePrefix,
        missing: MissingField,
    ) -> Result<Self, EvaluatorError> {
        let parsed = insights::parse(&query.text).map_err(EvaluatorError)?;
        let options = Options {
            missing,
            ..Options::default()
        };
        let program = Program::new(&parsed, options).map_err(EvaluatorError)?;
        Ok(Self {
            program,
            roles: query.stages.clone(),
            prefix,
            signals: query.signals.clone(),
        })
    }

    /// Compiles and makes ready the alarm query.
    ///
    /// # Errors
    /// As [`Evaluator::new`].
    pub fn of(source: &QuerySource<'_>) -> Result<Self, EvaluatorError> {
        Self::new(&source.alarm(""), source.prefix, MissingField::default())
    }

    /// The query, ready to run as a whole.
    pub fn program(&self) -> &Program {
        &self.program
    }

    /// Room for judging, one for each thread.
    pub fn scratch(&self) -> Scratch {
        self.program.scratch()
    }

    /// The roles of the query's stages.
    pub fn roles(&self) -> &[StageRole] {
        &self.roles
    }

    /// The `log_line_prefix` that the query is compiled for.
    pub fn prefix(&self) -> LogLinePrefix {
        self.prefix
    }

    /// The role of the first stage that drops the entry; `None` if it counts. The fast path.
    pub fn dropped_by(&self, scratch: &mut Scratch, text: &[u8]) -> Option<usize> {
        self.program.judge(scratch, &event(text)).rejected_by
    }

    /// The verdict with every exclusion that silences the entry.
    pub fn verdict(&self, scratch: &mut Scratch, text: &[u8]) -> Verdict {
        let event = event(text);
        if self.program.judge(scratch, &event).rejected_by.is_none() {
            return Verdict::Counted;
        }
        let roles = self.program.judge_all(scratch, &event);
        let mut excluded = Vec::new();
        let mut out_of_scope = false;
        for role in roles.into_iter().filter_map(|stage| self.roles.get(stage)) {
            match role {
                StageRole::NotARecord => return Verdict::NotARecord,
                StageRole::Scope | StageRole::ServiceAccounts => out_of_scope = true,
                StageRole::Exclusion(id) => excluded.push(id.clone()),
                StageRole::Extract | StageRole::Result => {}
            }
        }
        if out_of_scope {
            Verdict::OutOfScope
        } else if excluded.is_empty() {
            Verdict::Counted
        } else {
            Verdict::Excluded(excluded)
        }
    }

    /// The verdict and the record. An entry that the query drops as no record has no verdict here;
    /// one that is not understood has, and counts.
    pub fn judge<'a>(&self, scratch: &mut Scratch, text: &'a [u8]) -> Judged<'a> {
        let verdict = self.verdict(scratch, text);
        let signals = match verdict {
            Verdict::Counted | Verdict::Excluded(_) => self.signals(scratch, text),
            Verdict::NotARecord | Verdict::OutOfScope => Vec::new(),
        };
        Judged {
            verdict,
            signals,
            expected: None,
            graded: None,
            entry: judge_entry(text, self.prefix),
        }
    }

    /// Whether the query counts a signal.
    pub fn counts(&self, signal: Signal) -> bool {
        self.signals.contains(&signal)
    }

    /// The signals among those of the query that count an entry, by the fields that the query reads.
    pub fn signals(&self, scratch: &mut Scratch, text: &[u8]) -> Vec<Signal> {
        if self.signals == [Signal::Dml] {
            return self.signals.clone();
        }
        let event = event(text);
        let mut row = self.program.examine(scratch, &event);
        let mut read = |names: [&str; 2]| {
            names.iter().find_map(|name| {
                let value = row.field(name)?;
                (!value.is_empty()).then(|| String::from_utf8_lossy(&value).into_owned())
            })
        };
        let class = read(["pgClass", "pgLevel"]).unwrap_or_else(|| "-".to_owned());
        let command = read(["pgCommand", "pgRefusal"]).unwrap_or_else(|| "-".to_owned());
        let tampers = read(["pgTamper", "pgTamper"]).is_some();
        let mut signals = signals_of(&class, &command, tampers);
        signals.retain(|signal| self.signals.contains(signal));
        signals
    }

    /// The value that the query reads for a field of an entry.
    pub fn field(&self, scratch: &mut Scratch, text: &[u8], name: &str) -> Option<Vec<u8>> {
        let event = event(text);
        let mut row = self.program.examine(scratch, &event);
        row.field(name).map(Cow::into_owned)
    }
}

/// Verdicts rest on the message alone: its first field is the time.
fn event(text: &[u8]) -> Event<'_> {
    Event {
        message: text,
        timestamp_ms: time_of(text),
        ingestion_ms: 0,
        log_stream: b"",
        log: b"",
    }
}
