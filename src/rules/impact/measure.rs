//! Judges the same logs by two policies in one pass, and keeps what differs.
//!
//! Memory does not grow with the logs: records that change sides are grouped, groups have a limit, and
//! everything else is counted.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::ControlFlow;

use super::redact::redact;
use super::report::{Example, Group};
use crate::audit_log::judge_entry;
use crate::audit_log::reader::{Entry, Inputs, Progress, ReadOptions, ReadReport, Visitor, read};
use crate::audit_log::timestamp::{NO_TIME, time_of};
use crate::compile::fetch::Fetched;
use crate::judge::couple::{Couple, CoupleScratch};
use crate::judge::{Judge, Judged, Outcome, Rules, Verdict, signals_of};
use crate::policy::model::Signal;
use crate::rules::hearing::{Cost, Hearing};

/// Groups that are kept, of both kinds together.
const GROUPS_MAX: usize = 20_000;
/// Statements of a group that are shown.
const EXAMPLES: usize = 3;
/// Roles whose records are counted by name; those beyond are counted as one.
const USERS_MAX: usize = 10_000;
/// Stands for the roles beyond [`USERS_MAX`].
pub(super) const OTHERS: &str = "others";
/// Stands for accounts that are not audited, among what silences a group.
pub(super) const ACCOUNTS: &str = "service account";

/// What a policy does with a record, by the number of its exclusion among the rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Fate {
    /// It is not a record, or no signal counts it.
    Nothing,
    /// Its account is not audited.
    Account,
    /// This exclusion is the first to silence it.
    Silenced(usize),
    Counted,
}

impl Fate {
    fn is_silent(self) -> bool {
        matches!(self, Self::Account | Self::Silenced(_))
    }
}

/// Records of one role in one hour that met the same fates.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Cell {
    /// Hours since 1970; none if the time cannot be read.
    pub(super) hour: Option<i64>,
    pub(super) base: Fate,
    pub(super) head: Fate,
}

/// What came out of the logs.
#[derive(Debug, Default)]
pub(super) struct Measured {
    pub(super) users: BTreeMap<String, BTreeMap<Cell, u64>>,
    /// What base counts and head does not.
    pub(super) newly_silent: BTreeMap<Key, Members>,
    /// What head counts and base does not.
    pub(super) newly_loud: BTreeMap<Key, Members>,
    /// Records whose group found no room.
    pub(super) ungrouped: u64,
    /// Milliseconds since 1970 of the earliest and the latest record.
    pub(super) span: Option<(i64, i64)>,
    /// Records that base counts, by role and class, if they are needed.
    by_class: BTreeMap<(String, String), u64>,
    /// Records that base counts, by signal and window, if they are needed.
    windows: BTreeMap<(Signal, i64), u64>,
    /// For each exclusion of head the time of the latest record that it silences, in milliseconds.
    pub(super) last_used: BTreeMap<usize, i64>,
}

/// What a group has in common.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key {
    pub(super) user: String,
    pub(super) class: String,
    pub(super) command: String,
    pub(super) object: String,
}

/// The records of a group.
#[derive(Debug, Default)]
pub(super) struct Members {
    records: u64,
    by: BTreeSet<String>,
    first: Option<i64>,
    last: Option<i64>,
    examples: Vec<Example>,
}

impl Members {
    /// Adds what came later in the logs.
    fn add(&mut self, other: Self) {
        self.records += other.records;
        self.by.extend(other.by);
        self.first = [self.first, other.first].into_iter().flatten().min();
        self.last = self.last.max(other.last);
        for example in other.examples {
            let is_known = |known: &Example| known.statement == example.statement;
            if self.examples.len() < EXAMPLES && !self.examples.iter().any(is_known) {
                self.examples.push(example);
            }
        }
    }
}

/// What else is counted, because the cost of a change needs it.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Details {
    /// Records of each role by class.
    by_class: bool,
    /// Records of each signal by window, of this length in minutes.
    windows: Option<u32>,
}

impl Details {
    pub(super) fn of(hearing: &Hearing) -> Self {
        let mut details = Self::default();
        for change in &hearing.changes {
            match &change.measured_by {
                Cost::Classes(..) => details.by_class = true,
                Cost::Windows { minutes, .. } => details.windows = Some((*minutes).max(1)),
                Cost::Unknown | Cost::Of(_) | Cost::SignalOff | Cost::Everything => {}
            }
        }
        details
    }
}

/// Both policies, for the same log line prefix.
#[derive(Debug)]
pub(super) struct Judges {
    couple: Couple,
    details: Details,
}

impl Judges {
    pub(super) fn new(base: &Rules, head: &Rules, details: Details) -> Self {
        Self {
            couple: Couple {
                base: Judge::new(base),
                head: Judge::new(head),
            },
            details,
        }
    }

    /// Judges every entry of the logs by both.
    pub(super) fn measure(
        &self,
        inputs: &Inputs,
        progress: impl FnMut(Progress),
    ) -> (Measured, ReadReport) {
        let visitor = Watch {
            judges: self,
            inputs,
        };
        let mut whole = Measured::default();
        let report = read(
            inputs,
            &ReadOptions::with_prefix(self.couple.head.prefix()),
            &visitor,
            progress,
            |block| {
                whole.add(block);
                ControlFlow::Continue(())
            },
        );
        (whole, report)
    }
}

fn fate(outcome: Outcome) -> Fate {
    match outcome {
        Outcome::NotARecord | Outcome::OutOfScope => Fate::Nothing,
        Outcome::OfAccount => Fate::Account,
        Outcome::Excluded(number) => Fate::Silenced(number as usize),
        Outcome::Counted => Fate::Counted,
    }
}

/// Judges rows that the fetch query returned by both policies.
pub struct Rows<'a> {
    judges: &'a Judges,
    room: CoupleScratch,
    seen: Seen,
    whole: Measured,
}

impl<'a> Rows<'a> {
    pub(super) fn of(judges: &'a Judges) -> Self {
        Self {
            judges,
            room: CoupleScratch::default(),
            seen: Seen::default(),
            whole: Measured::default(),
        }
    }

    /// Judges the entries of a row.
    pub fn add(&mut self, row: &Fetched<'_>) {
        let text = row.entry(self.judges.couple.head.prefix());
        let case = Case {
            text: &text,
            first: row.oldest_ms,
            last: row.newest_ms,
            records: row.records,
        };
        self.judges
            .count(&mut self.room, &mut self.seen, &case, || {
                (row.log.to_owned(), 0)
            });
    }

    /// Puts what came until now to the rest, within the limits of both.
    pub fn settle(&mut self) {
        self.whole.add(std::mem::take(&mut self.seen));
    }

    pub(super) fn finish(mut self) -> Measured {
        self.settle();
        self.whole
    }
}

struct Watch<'a> {
    judges: &'a Judges,
    inputs: &'a Inputs,
}

/// Entries that are alike, or one.
struct Case<'a> {
    text: &'a [u8],
    /// Time of the first in milliseconds since 1970, or [`NO_TIME`].
    first: i64,
    last: i64,
    records: u64,
}

/// What one block of the logs comes to.
#[derive(Default)]
struct Seen {
    users: HashMap<Vec<u8>, Vec<(Cell, u64)>, foldhash::fast::RandomState>,
    changed: Measured,
}

impl Visitor for Watch<'_> {
    type Worker = CoupleScratch;
    type Output = Seen;

    fn worker(&self) -> Self::Worker {
        CoupleScratch::default()
    }

    fn output(&self) -> Seen {
        Seen::default()
    }

    fn visit(&self, room: &mut CoupleScratch, seen: &mut Seen, entry: &Entry<'_>) {
        let Couple { base, head } = &self.judges.couple;
        if !base.may_concern(entry.text) && !head.may_concern(entry.text) {
            return;
        }
        let time = entry.timestamp_ms.unwrap_or_else(|| time_of(entry.text));
        let case = Case {
            text: entry.text,
            first: time,
            last: time,
            records: 1,
        };
        self.judges.count(room, seen, &case, || {
            let source = self.inputs.sources().get(entry.file);
            let file = source.map_or_else(String::new, |source| source.name().into_owned());
            (file, entry.line)
        });
    }
}

impl Judges {
    /// Judges a case by both; `place` says where it is, in which file and line.
    fn count(
        &self,
        room: &mut CoupleScratch,
        seen: &mut Seen,
        case: &Case<'_>,
        place: impl FnOnce() -> (String, u64),
    ) {
        // Both read an entry alike.
        let read = judge_entry(case.text, self.couple.head.prefix());
        let (before, after) = self.couple.outcomes(room, case.text, &read, case.last);
        let (before, after) = (fate(before), fate(after));
        if before == Fate::Nothing && after == Fate::Nothing {
            return;
        }
        let judged = Judged {
            verdict: Verdict::Counted,
            signals: Vec::new(),
            expected: None,
            graded: None,
            entry: read,
        };
        seen.count(judged.who(), case, before, after);
        if before == Fate::Counted {
            self.detail(seen, &judged, case);
        }
        if before.is_silent() != after.is_silent() {
            self.changed(seen, case, &judged, (before, after), room, place);
        }
    }

    /// Counts what only some changes ask for.
    fn detail(&self, seen: &mut Seen, judged: &Judged<'_>, case: &Case<'_>) {
        let Details { by_class, windows } = self.details;
        if !by_class && windows.is_none() {
            return;
        }
        let Some(record) = judged.record() else {
            return;
        };
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let class = text(record.class);
        if let (Some(minutes), Some(time)) = (windows, case.time()) {
            let window = time.div_euclid(i64::from(minutes) * 60_000);
            for signal in signals_of(&class, &text(record.command), false) {
                *seen.changed.windows.entry((signal, window)).or_default() += case.records;
            }
        }
        if let (true, Some(prefix)) = (by_class, judged.who()) {
            let key = (text(prefix.user), class);
            *seen.changed.by_class.entry(key).or_default() += case.records;
        }
    }

    /// A record that changes sides: what it is, and what silences it.
    fn changed(
        &self,
        seen: &mut Seen,
        case: &Case<'_>,
        judged: &Judged<'_>,
        (before, after): (Fate, Fate),
        room: &mut CoupleScratch,
        place: impl FnOnce() -> (String, u64),
    ) {
        let is_newly_silent = after.is_silent();
        let fate = if is_newly_silent { after } else { before };
        let verdict = match fate {
            Fate::Account => Verdict::OutOfScope,
            _ if is_newly_silent => self.couple.head.verdict(&mut room.head, case.text),
            _ => self.couple.base.verdict(&mut room.base, case.text),
        };
        let by = match verdict {
            Verdict::Excluded(by) => by,
            _ => vec![ACCOUNTS.to_owned()],
        };
        let name = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let mut key = Key {
            user: String::new(),
            class: String::new(),
            command: String::new(),
            object: String::new(),
        };
        let mut statement = String::new();
        if let Some(prefix) = judged.who() {
            key.user = name(prefix.user);
        }
        if let Some(record) = judged.record() {
            key.class = name(record.class);
            key.command = name(record.command);
            key.object = record
                .object_name
                .map(|object| name(&object.decoded()))
                .unwrap_or_default();
            statement = record
                .statement
                .decoded()
                .map(|text| redact(&text))
                .unwrap_or_default();
        }
        let (file, line) = place();
        let members = Members {
            records: case.records,
            by: by.into_iter().collect(),
            first: case.time().map(|_| case.first),
            last: case.time(),
            examples: vec![Example {
                file,
                line,
                statement,
            }],
        };
        seen.changed.group(is_newly_silent, key, members);
    }
}

impl Case<'_> {
    /// Of the last, if it can be read.
    fn time(&self) -> Option<i64> {
        (self.last != NO_TIME).then_some(self.last)
    }
}

impl Seen {
    fn count(
        &mut self,
        prefix: Option<&crate::audit_log::Prefix<'_>>,
        case: &Case<'_>,
        base: Fate,
        head: Fate,
    ) {
        let time = case.time();
        let cell = Cell {
            hour: time.map(|time| time.div_euclid(3_600_000)),
            base,
            head,
        };
        let user = prefix.map_or(&b"-"[..], |prefix| prefix.user);
        let add =
            |cells: &mut Vec<(Cell, u64)>| match cells.iter_mut().find(|(known, _)| *known == cell)
            {
                Some((_, number)) => *number += case.records,
                None => cells.push((cell.clone(), case.records)),
            };
        match self.users.get_mut(user) {
            Some(cells) => add(cells),
            None => add(self.users.entry(user.to_vec()).or_default()),
        }
        if let Some(time) = time {
            let (first, last) = self.changed.span.unwrap_or((case.first, time));
            self.changed.span = Some((first.min(case.first), last.max(time)));
            if let Fate::Silenced(exclusion) = head {
                let last = self.changed.last_used.entry(exclusion).or_insert(time);
                *last = time.max(*last);
            }
        }
    }
}

impl Measured {
    fn add(&mut self, block: Seen) {
        let Seen { users, changed } = block;
        let mut users: Vec<_> = users.into_iter().collect();
        users.sort_unstable_by(|a, b| a.0.cmp(&b.0));
        for (user, cells) in users {
            let mut user = String::from_utf8_lossy(&user).into_owned();
            if self.users.len() >= USERS_MAX && !self.users.contains_key(&user) {
                OTHERS.clone_into(&mut user);
            }
            let known = self.users.entry(user).or_default();
            for (cell, number) in cells {
                *known.entry(cell).or_default() += number;
            }
        }
        for (is_newly_silent, groups) in [(true, changed.newly_silent), (false, changed.newly_loud)]
        {
            for (key, members) in groups {
                self.group(is_newly_silent, key, members);
            }
        }
        self.ungrouped += changed.ungrouped;
        for (key, number) in changed.by_class {
            if self.by_class.len() < GROUPS_MAX || self.by_class.contains_key(&key) {
                *self.by_class.entry(key).or_default() += number;
            }
        }
        for (key, number) in changed.windows {
            *self.windows.entry(key).or_default() += number;
        }
        if let Some((first, last)) = changed.span {
            let (known_first, known_last) = self.span.unwrap_or((first, last));
            self.span = Some((known_first.min(first), known_last.max(last)));
        }
        for (exclusion, time) in changed.last_used {
            let last = self.last_used.entry(exclusion).or_insert(time);
            *last = time.max(*last);
        }
    }

    fn group(&mut self, is_newly_silent: bool, key: Key, members: Members) {
        let kept = self.newly_silent.len() + self.newly_loud.len();
        let groups = if is_newly_silent {
            &mut self.newly_silent
        } else {
            &mut self.newly_loud
        };
        match groups.get_mut(&key) {
            Some(known) => known.add(members),
            None if kept < GROUPS_MAX => {
                groups.insert(key, members);
            }
            None => self.ungrouped += members.records,
        }
    }

    /// What a change would have cost in these logs, in words.
    pub(super) fn cost(&self, cost: &Cost) -> Option<String> {
        let records = |number: u64| {
            let plural = if number == 1 { "" } else { "s" };
            format!("{number} record{plural} in these logs")
        };
        let counted = |is_meant: &dyn Fn(&str, Fate) -> bool| {
            self.cells()
                .filter(|(user, cell, _)| cell.base == Fate::Counted && is_meant(user, cell.head))
                .map(|(_, _, number)| number)
                .sum::<u64>()
        };
        match cost {
            Cost::Unknown => None,
            Cost::Of(people) => Some(records(counted(&|user, _| {
                people.iter().any(|person| person == user)
            }))),
            Cost::Classes(people, classes) => {
                let of = self.by_class.iter().filter(|((user, class), _)| {
                    people.contains(user) && classes.contains(&class.as_str())
                });
                Some(records(of.map(|(_, number)| number).sum()))
            }
            Cost::SignalOff => Some(records(counted(&|_, head| head == Fate::Nothing))),
            Cost::Everything => Some(records(counted(&|_, _| true))),
            Cost::Windows {
                signal,
                minutes,
                before,
                after,
            } => {
                let over = |threshold: u32| {
                    self.windows
                        .iter()
                        .filter(|((of, _), number)| of == signal && **number > u64::from(threshold))
                        .count()
                };
                Some(format!(
                    "in these logs {} windows of {minutes} min exceed the new threshold; {} exceeded the old one",
                    over(*after),
                    over(*before)
                ))
            }
        }
    }

    /// Every record, with its role.
    pub(super) fn cells(&self) -> impl Iterator<Item = (&str, &Cell, u64)> {
        self.users.iter().flat_map(|(user, cells)| {
            cells
                .iter()
                .map(move |(cell, number)| (user.as_str(), cell, *number))
        })
    }
}

/// The groups for a report: those with most records first, at most `most`, and how many were left out.
pub(super) fn listed(
    groups: BTreeMap<Key, Members>,
    most: usize,
    is_grave: impl Fn(&Key) -> bool,
) -> (Vec<Group>, u64) {
    let mut listed: Vec<(Key, Members)> = groups.into_iter().collect();
    listed.sort_by(|(a, some), (b, others)| {
        (is_grave(b), others.records)
            .cmp(&(is_grave(a), some.records))
            .then_with(|| a.cmp(b))
    });
    let left_out = listed.len().saturating_sub(most) as u64;
    listed.truncate(most);
    let groups = listed
        .into_iter()
        .map(|(key, members)| Group {
            is_grave: is_grave(&key),
            user: key.user,
            class: key.class,
            command: key.command,
            object: key.object,
            records: members.records,
            by: members.by.into_iter().collect(),
            first: members.first.map(rfc3339).unwrap_or_default(),
            last: members.last.map(rfc3339).unwrap_or_default(),
            examples: members.examples,
        })
        .collect();
    (groups, left_out)
}

/// A time in milliseconds since 1970 as RFC 3339 in UTC, whole seconds.
pub(super) fn rfc3339(milliseconds: i64) -> String {
    jiff::Timestamp::from_second(milliseconds.div_euclid(1000))
        .map(|time| time.to_string())
        .unwrap_or_default()
}
