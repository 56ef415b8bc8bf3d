//! Judges whole logs: record by record, in totals, or as the alarm would show them.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::hash::{BuildHasher as _, Hash as _, Hasher as _};
use std::ops::ControlFlow;

use schemars::JsonSchema;
use serde::Serialize;

use crate::audit_log::EntryKind;
use crate::audit_log::reader::{Entry, Inputs, Progress, ReadOptions, ReadReport, Visitor, read};
use crate::audit_log::timestamp::time_of;
use crate::judge::{Expected, Judge, Judged, Outcome, Scratch, Verdict};
use crate::policy::model::{Severity, Signal};

/// One audit record in the output of `rules eval --format jsonl`: a contract that others script
/// against.
#[derive(Debug, Serialize, JsonSchema)]
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
    /// The server's process.
    pub pid: Option<u64>,
    /// Class; for a refusal, the level of the entry.
    pub class: Option<Cow<'a, str>>,
    /// Command.
    pub command: Option<Cow<'a, str>>,
    /// Object type.
    pub object_type: Option<Cow<'a, str>>,
    /// Object.
    pub object: Option<Cow<'a, str>>,
    /// SQL text, if pgAudit logged it.
    pub statement: Option<Cow<'a, str>>,
    /// The access grant that covers it; none if it does not count, or is not expected.
    pub expected: Option<Mark>,
    /// How much it matters; none if it does not count.
    pub severity: Option<Severity>,
    /// Why it matters as much.
    pub severity_reason: Option<String>,
    /// Who answers for the role's entry in the policy; none if no file declares the role.
    pub owner: Option<String>,
    /// The person's team.
    pub team: Option<String>,
    /// The person's name in single sign-on or IAM, as the policy has it.
    pub identity: Option<String>,
    /// What the session calls itself, where several people use the role. The person who connects chooses it.
    pub session_name: Option<Cow<'a, str>>,
}

/// The access grant that covers a record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Mark {
    /// Its id.
    pub grant: String,
    /// When it ends, in UTC.
    pub until: String,
}

impl Mark {
    /// What outputs show of a mark.
    pub fn of(expected: &Expected) -> Self {
        Self {
            grant: expected.grant.clone(),
            until: expected.until(),
        }
    }
}

/// Builds the line of an entry; `None` if it is not an audit record.
pub fn line<'a>(
    judge: &Judge,
    file: Cow<'a, str>,
    number: u64,
    judged: Judged<'a>,
) -> Option<Line<'a>> {
    let verdict = judged.verdict.name()?;
    let mut line = Line {
        file,
        line: number,
        verdict,
        signal: judged.signals.first().map(|signal| signal.name()),
        signals: judged.signals.iter().map(|signal| signal.name()).collect(),
        excluded_by: match &judged.verdict {
            Verdict::Excluded(by) => by.clone(),
            _ => Vec::new(),
        },
        user: None,
        database: None,
        client: None,
        pid: None,
        class: None,
        command: None,
        object_type: None,
        object: None,
        statement: None,
        expected: judged.expected.as_ref().map(Mark::of),
        severity: judged.graded.as_ref().map(|graded| graded.severity),
        severity_reason: judged
            .graded
            .as_ref()
            .map(|graded| graded.reason.to_string()),
        owner: None,
        team: None,
        identity: None,
        session_name: judge.session_name(&judged).and_then(filled),
    };
    if let Some(prefix) = judged.who() {
        if let Some(person) = judge.person(prefix.user) {
            line.owner = Some(person.owner.clone());
            line.team.clone_from(&person.team);
            line.identity.clone_from(&person.identity);
        }
        line.user = filled(prefix.user);
        line.database = filled(prefix.database);
        line.client = filled(prefix.client.text);
        line.pid = Some(prefix.pid);
        if judged.record().is_none() && judged.signals.contains(&Signal::Denied) {
            line.class = filled(prefix.level);
        } else if let Some(told) = judged.told() {
            line.class = filled(prefix.level);
            line.command = Some(told.command().into());
        }
    }
    if let Some(record) = judged.record() {
        line.class = filled(record.class);
        line.command = filled(record.command);
        line.object_type = record.object_type.and_then(filled);
        line.object = record.object_name.and_then(|field| owned(field.decoded()));
        line.statement = record.statement.decoded().map(lossy);
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
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Totals {
    /// Audit records, and lines that may be some.
    pub records: u64,
    /// Those that count.
    pub counted: u64,
    /// Those of the counted that an access grant covers; missing in an environment without grants.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expected: Option<u64>,
    /// Records by the grant that covers them, zero for a grant that covers none; missing in an environment without grants.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub expected_by: BTreeMap<String, u64>,
    /// Those that an exclusion silences.
    pub excluded: u64,
    /// Those that no signal counts, or whose account is deliberately not audited.
    pub out_of_scope: u64,
    /// Records by the first exclusion that silences them.
    pub excluded_by: BTreeMap<String, u64>,
    /// Other log entries.
    pub other_entries: u64,
}

/// Writes one JSON line for each audit record, in the order of the input, whatever the number of threads. `write` gets
/// whole lines; it breaks off the reading.
pub fn lines(
    judge: &Judge,
    inputs: &Inputs,
    progress: impl FnMut(Progress),
    mut write: impl FnMut(&[u8]) -> ControlFlow<()>,
) -> ReadReport {
    let visitor = Lines { judge, inputs };
    read(
        inputs,
        &ReadOptions::with_prefix(judge.prefix()),
        &visitor,
        progress,
        |lines| write(&lines),
    )
}

/// Totals only: the fast path.
pub fn totals(
    judge: &Judge,
    inputs: &Inputs,
    progress: impl FnMut(Progress),
) -> (Totals, ReadReport) {
    let mut sums = Sums::of(judge);
    let report = read(
        inputs,
        &ReadOptions::with_prefix(judge.prefix()),
        &Count { judge },
        progress,
        |block| {
            sums.add(&block);
            ControlFlow::Continue(())
        },
    );
    let mut totals = Totals {
        counted: sums.counted,
        expected: judge.has_grants().then(|| sums.expected_by.values().sum()),
        expected_by: judge.grant_ids().map(|id| (id.to_owned(), 0)).collect(),
        out_of_scope: sums.out_of_scope,
        excluded: sums.excluded.iter().sum(),
        excluded_by: BTreeMap::new(),
        records: 0,
        other_entries: 0,
    };
    for (id, number) in sums.expected_by {
        *totals.expected_by.entry(id).or_default() += number;
    }
    for (id, number) in judge.exclusion_ids().zip(&sums.excluded) {
        *totals.excluded_by.entry(id.to_owned()).or_default() += number;
    }
    totals.records = totals.counted + totals.excluded + totals.out_of_scope;
    totals.other_entries = sums.entries - totals.records;
    (totals, report)
}

/// What counts, in groups of who did what to what, those with most statements first.
pub fn groups(
    judge: &Judge,
    inputs: &Inputs,
    progress: impl FnMut(Progress),
) -> (Vec<Group>, ReadReport) {
    let visitor = Grouped { judge, inputs };
    let mut whole: HashMap<Key, Members> = HashMap::new();
    let report = read(
        inputs,
        &ReadOptions::with_prefix(judge.prefix()),
        &visitor,
        progress,
        |block| {
            #[expect(clippy::iter_over_hash_type, reason = "sums are the same in any order")]
            for (key, members) in block {
                let known = whole.entry(key).or_default();
                known.records += members.records;
                known.statements.extend(members.statements);
            }
            ControlFlow::Continue(())
        },
    );
    let mut groups: Vec<Group> = whole
        .into_iter()
        .map(|(key, members)| Group {
            key,
            statements: members.statements.len() as u64,
            records: members.records,
        })
        .collect();
    groups.sort_by(|a, b| {
        (b.statements, b.records)
            .cmp(&(a.statements, a.records))
            .then_with(|| a.key.cmp(&b.key))
    });
    (groups, report)
}

/// Who did what to what. What is not in the record, or cannot be read for certain, is `-`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    /// Role.
    pub user: String,
    /// Database.
    pub database: String,
    /// Class; the level of a refusal.
    pub class: String,
    /// Command; the message of a refusal.
    pub command: String,
    /// Object.
    pub object: String,
    /// The access grant that covers it.
    pub expected: String,
}

/// Records that have a key in common.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// What they have in common.
    pub key: Key,
    /// Statements: one may have several records.
    pub statements: u64,
    /// Records.
    pub records: u64,
}

/// Records, and the statements that they are of.
#[derive(Debug, Default)]
struct Members {
    records: u64,
    statements: HashSet<u64>,
}

struct Lines<'a> {
    judge: &'a Judge,
    inputs: &'a Inputs,
}

impl Visitor for Lines<'_> {
    type Worker = Scratch;
    type Output = Vec<u8>;

    fn worker(&self) -> Scratch {
        Scratch::default()
    }

    fn output(&self) -> Vec<u8> {
        Vec::new()
    }

    fn visit(&self, scratch: &mut Scratch, lines: &mut Vec<u8>, entry: &Entry<'_>) {
        if !self.judge.may_concern(entry.text) {
            return;
        }
        let name = self
            .inputs
            .sources()
            .get(entry.file)
            .map_or(Cow::Borrowed(""), |source| source.name());
        if let Some(line) = line(
            self.judge,
            name,
            entry.line,
            self.judge.judge(scratch, entry.text),
        ) && serde_json::to_writer(&mut *lines, &line).is_ok()
        {
            lines.push(b'\n');
        }
    }
}

struct Count<'a> {
    judge: &'a Judge,
}

/// Sums of one block, and of all.
struct Sums {
    counted: u64,
    expected_by: BTreeMap<String, u64>,
    out_of_scope: u64,
    entries: u64,
    excluded: Vec<u64>,
}

impl Sums {
    fn of(judge: &Judge) -> Self {
        Self {
            counted: 0,
            expected_by: BTreeMap::new(),
            out_of_scope: 0,
            entries: 0,
            excluded: vec![0; judge.exclusion_ids().len()],
        }
    }

    fn add(&mut self, block: &Self) {
        self.counted += block.counted;
        for (id, number) in &block.expected_by {
            *self.expected_by.entry(id.clone()).or_default() += number;
        }
        self.out_of_scope += block.out_of_scope;
        self.entries += block.entries;
        for (sum, part) in self.excluded.iter_mut().zip(&block.excluded) {
            *sum += part;
        }
    }
}

impl Visitor for Count<'_> {
    type Worker = Scratch;
    type Output = Sums;

    fn worker(&self) -> Scratch {
        Scratch::default()
    }

    fn output(&self) -> Sums {
        Sums::of(self.judge)
    }

    fn visit(&self, scratch: &mut Scratch, block: &mut Sums, entry: &Entry<'_>) {
        block.entries += 1;
        match self
            .judge
            .outcome(scratch, entry.text, || time_of(entry.text))
        {
            Outcome::NotARecord => {}
            Outcome::OutOfScope | Outcome::OfAccount => block.out_of_scope += 1,
            Outcome::Excluded(number) => {
                if let Some(sum) = block.excluded.get_mut(number as usize) {
                    *sum += 1;
                }
            }
            Outcome::Counted => {
                block.counted += 1;
                // Nothing remembers a mark: it depends on the moment.
                if self.judge.has_grants()
                    && let Some(expected) = self.judge.expects(entry.text)
                {
                    *block.expected_by.entry(expected.grant).or_default() += 1;
                }
            }
        }
    }
}

struct Grouped<'a> {
    judge: &'a Judge,
    inputs: &'a Inputs,
}

impl Visitor for Grouped<'_> {
    type Worker = Scratch;
    type Output = HashMap<Key, Members>;

    fn worker(&self) -> Scratch {
        Scratch::default()
    }

    fn output(&self) -> Self::Output {
        HashMap::new()
    }

    fn visit(&self, scratch: &mut Scratch, groups: &mut Self::Output, entry: &Entry<'_>) {
        if self
            .judge
            .outcome(scratch, entry.text, || time_of(entry.text))
            != Outcome::Counted
        {
            return;
        }
        let judged = self.judge.judge(scratch, entry.text);
        let members = groups.entry(key_of(&judged)).or_default();
        members.records += 1;
        members
            .statements
            .insert(statement_of(self.inputs, entry, &judged));
    }
}

/// By what the statement of an entry is known: the file, the session's process and the numbers in the record. What is not
/// understood stands for itself.
pub(crate) fn statement_of(inputs: &Inputs, entry: &Entry<'_>, judged: &Judged<'_>) -> u64 {
    let stream = match entry.log_stream {
        Some(stream) => Cow::Borrowed(stream),
        None => {
            let name = inputs.sources().get(entry.file).map(|source| source.name());
            Cow::Owned(name.unwrap_or_default().into_owned().into_bytes())
        }
    };
    let mut hash = foldhash::quality::FixedState::default().build_hasher();
    stream.hash(&mut hash);
    match &judged.entry {
        EntryKind::Audit {
            prefix,
            record,
            doubt: None,
        } => (prefix.pid, record.statement_id, record.substatement_id).hash(&mut hash),
        _ => entry.text.hash(&mut hash),
    }
    hash.finish()
}

/// The key of what counts.
pub(crate) fn key_of(judged: &Judged<'_>) -> Key {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let who = judged.who();
    let mut key = Key {
        user: who.map(|prefix| text(prefix.user)).unwrap_or_default(),
        database: who.map(|prefix| text(prefix.database)).unwrap_or_default(),
        class: String::new(),
        command: String::new(),
        object: String::new(),
        expected: judged
            .expected
            .as_ref()
            .map(|expected| expected.grant.clone())
            .unwrap_or_default(),
    };
    if let Some(record) = judged.record() {
        key.class = text(record.class);
        key.command = text(record.command);
        key.object = record
            .object_name
            .map(|object| text(&object.decoded()))
            .unwrap_or_default();
    } else if judged.signals.contains(&Signal::Denied)
        && let Some(prefix) = who
    {
        let first = prefix.message.split(|byte| *byte == b'\n').next();
        key.class = text(prefix.level);
        key.command = text(first.unwrap_or_default());
    } else if let (Some(told), Some(prefix)) = (judged.told(), who) {
        key.class = text(prefix.level);
        told.command().clone_into(&mut key.command);
    }
    for part in [
        &mut key.user,
        &mut key.database,
        &mut key.class,
        &mut key.command,
        &mut key.object,
        &mut key.expected,
    ] {
        if part.is_empty() {
            part.push('-');
        }
    }
    key
}
