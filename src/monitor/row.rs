//! Who did what in a window: what the monitor counts and tells.

use std::collections::BTreeMap;

use super::judging::Judging;
use crate::compile::fetch::Fetched;
use crate::judge::{Expected, Graded, Judge, Judged, signals_of};
use crate::policy::model::Signal;

pub(super) use crate::evidence::finding::NOBODY;

/// Stands for names that are too many to be told one by one. No role and no command of pgAudit's is named so.
pub(super) const OTHERS: &str = "(others)";

/// Refusals of one log group and window that are told one by one at most. Whoever is not let in chooses the name and the words
/// of a refusal.
const REFUSALS_MOST: usize = 200;

/// What people did in one window.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Row {
    pub(super) place: Place,
    /// Who did what to what.
    pub(super) key: Key,
    pub(super) sum: Sum,
}

/// One window of one log group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Place {
    /// The window that the records arrived in.
    pub(super) window: i64,
    /// Place of the log group in the settings.
    pub(super) group: usize,
}

/// What makes a group.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Key {
    pub(super) signals: Vec<Signal>,
    pub(super) user: String,
    pub(super) database: String,
    pub(super) client: String,
    pub(super) class: String,
    pub(super) command: String,
    pub(super) object: String,
    /// The access grant that covers it. What is expected and what is not are two groups.
    pub(super) expected: Option<Expected>,
    /// How much it matters, and why.
    pub(super) graded: Graded,
    /// What the session calls itself, where several people use the role.
    pub(super) session_name: Option<String>,
}

/// How much of it there was, and when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Sum {
    /// Account of the log group.
    pub(super) account: String,
    /// Statements. An approximate sum: see [`Fetched::statements`].
    pub(super) statements: u64,
    /// Records: a statement has one for each relation.
    pub(super) records: u64,
    /// Those of the records that nobody judged, because there were more than a query returns.
    pub(super) not_judged: u64,
    /// Time of the first record, in milliseconds since 1970.
    pub(super) first_ms: i64,
    /// Time of the last.
    pub(super) last_ms: i64,
    /// Longest time between a record and its arrival.
    pub(super) lag_ms: i64,
    /// A process that wrote one of them.
    pub(super) process: Option<String>,
}

impl Key {
    /// Of what was judged. Names that are not certain are nobody's.
    pub(super) fn of(judge: &Judge, judged: &Judged<'_>) -> Self {
        let text = |bytes: &[u8]| match bytes {
            b"" => NOBODY.to_owned(),
            bytes => String::from_utf8_lossy(bytes).into_owned(),
        };
        let nobody = || NOBODY.to_owned();
        let who = judged.who();
        let record = judged.record();
        let (class, command) = match (record, who) {
            (Some(record), _) => (text(record.class), text(record.command)),
            // What a person was refused.
            (None, Some(prefix)) if judged.signals.contains(&Signal::Denied) => {
                let words = prefix.message.split(|byte| *byte == b'\n').next();
                (text(prefix.level), text(words.unwrap_or_default()))
            }
            (None, Some(prefix)) => match judged.told() {
                Some(told) => (text(prefix.level), told.command().to_owned()),
                None => (nobody(), nobody()),
            },
            (None, None) => (nobody(), nobody()),
        };
        Self {
            signals: judged.signals.clone(),
            user: who.map_or_else(nobody, |prefix| text(prefix.user)),
            database: who.map_or_else(nobody, |prefix| text(prefix.database)),
            client: who.map_or_else(nobody, |prefix| text(prefix.client.host)),
            class,
            command,
            object: record
                .and_then(|record| record.object_name)
                .map_or_else(nobody, |name| text(&name.decoded())),
            expected: judged.expected.clone(),
            graded: judged.graded.clone().unwrap_or_else(|| judge.unjudged()),
            session_name: judge.session_name(judged).map(text),
        }
    }

    /// Of what nobody judged, as far as the query could read it.
    pub(super) fn not_judged(judging: &Judging, seen: &Seen, signal: Option<Signal>) -> Self {
        let text = |name: &str| match name {
            "" => NOBODY.to_owned(),
            name => name.to_owned(),
        };
        let signals = match signal {
            Some(signal) => vec![signal],
            None => judging.signals_of_unjudged(&seen.class, &seen.command),
        };
        if signal == Some(Signal::Denied) {
            let graded = judging.judge.unjudged();
            return Self::of_refusals(signals, text(&seen.client), graded);
        }
        Self {
            signals,
            user: text(&seen.role),
            database: text(&seen.database),
            client: text(&seen.client),
            class: text(&seen.class),
            command: text(&seen.command),
            object: text(&seen.object),
            // Only what was judged can be expected.
            expected: None,
            graded: judging.judge.unjudged(),
            session_name: None,
        }
    }

    /// Of refusals that are told by client.
    fn of_refusals(signals: Vec<Signal>, client: String, graded: Graded) -> Self {
        Self {
            signals,
            user: OTHERS.to_owned(),
            database: NOBODY.to_owned(),
            client,
            class: NOBODY.to_owned(),
            command: OTHERS.to_owned(),
            object: NOBODY.to_owned(),
            expected: None,
            graded,
            session_name: None,
        }
    }

    /// Whether it is about what the server refused, and nothing else.
    pub(super) fn is_refusal(&self) -> bool {
        self.signals == [Signal::Denied]
    }
}

/// The order in which groups are told. Everybody has a turn before anybody has a second one, and refusals come last: who makes
/// many groups pushes nobody else off the list. Within a turn what matters most comes first. `of` gives the key and the
/// statements of a group.
pub(super) fn in_turn<T>(
    mut groups: Vec<T>,
    of: impl for<'a> Fn(&'a T) -> (&'a Key, u64),
) -> Vec<T> {
    groups.sort_by(|left, right| {
        let ((left, of_left), (right, of_right)) = (of(left), of(right));
        (right.graded.severity, of_right)
            .cmp(&(left.graded.severity, of_left))
            .then_with(|| left.cmp(right))
    });
    let mut turns: BTreeMap<String, usize> = BTreeMap::new();
    let mut placed: Vec<(bool, usize, T)> = groups
        .into_iter()
        .map(|group| {
            let (key, _) = of(&group);
            if key.is_refusal() {
                return (true, 0, group);
            }
            let turn = turns.entry(key.user.clone()).or_default();
            *turn += 1;
            (false, *turn, group)
        })
        .collect();
    placed.sort_by_key(|(is_refusal, turn, _)| (*is_refusal, *turn));
    placed.into_iter().map(|(_, _, group)| group).collect()
}

impl Judging {
    /// What may count records whose statement is not known: what the class says, or else what a statement can add to it.
    fn signals_of_unjudged(&self, class: &str, command: &str) -> Vec<Signal> {
        [false, true]
            .into_iter()
            .map(|tampers| self.enabled(signals_of(class, command, tampers)))
            .find(|signals| !signals.is_empty())
            // An `EXECUTE` that may compute its parameters.
            .unwrap_or_else(|| vec![Signal::Dml])
    }
}

impl Sum {
    /// Of the entries of one row.
    pub(super) fn of(row: &Fetched<'_>) -> Self {
        // `ACCOUNT:GROUP`.
        let account = row.log.split_once(':').map_or("", |(account, _)| account);
        Self {
            account: account.to_owned(),
            statements: row.statements,
            records: row.records,
            not_judged: 0,
            first_ms: row.oldest_ms,
            last_ms: row.newest_ms,
            lag_ms: row.lag_ms,
            process: row.process.map(str::to_owned),
        }
    }

    pub(super) fn add(&mut self, other: Self) {
        self.statements = self.statements.saturating_add(other.statements);
        self.records = self.records.saturating_add(other.records);
        self.not_judged = self.not_judged.saturating_add(other.not_judged);
        self.first_ms = self.first_ms.min(other.first_ms);
        if other.last_ms >= self.last_ms {
            (self.last_ms, self.process) = (other.last_ms, other.process);
        }
        self.lag_ms = self.lag_ms.max(other.lag_ms);
    }
}

/// What a query says of records without their text.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Seen {
    pub(super) role: String,
    pub(super) database: String,
    pub(super) client: String,
    pub(super) class: String,
    pub(super) command: String,
    pub(super) object: String,
}

/// The groups of some windows.
#[derive(Debug, Default)]
pub(super) struct Groups {
    groups: BTreeMap<(Place, Key), Sum>,
    /// How many of the groups are refusals.
    refusals: BTreeMap<Place, Refusals>,
}

/// How the refusals of a place are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Refusals {
    /// One by one: so many.
    Single(usize),
    /// By client: so many.
    ByClient(usize),
    Together,
}

impl Groups {
    pub(super) fn add(&mut self, place: Place, mut key: Key, sum: Sum) {
        let is_refusal = key.is_refusal();
        if is_refusal {
            self.refusals
                .get(&place)
                .copied()
                .unwrap_or(Refusals::Single(0))
                .coarsen(&mut key);
        }
        if let Some(known) = self.groups.get_mut(&(place, key.clone())) {
            known.add(sum);
            return;
        }
        self.groups.insert((place, key), sum);
        if is_refusal {
            self.count_refusal(place);
        }
    }

    /// Puts refusals together where there are too many: all of them, so that it does not depend on their order.
    fn count_refusal(&mut self, place: Place) {
        let how = self.refusals.entry(place).or_insert(Refusals::Single(0));
        *how = match *how {
            Refusals::Single(number) if number >= REFUSALS_MOST => Refusals::ByClient(0),
            Refusals::ByClient(number) if number >= REFUSALS_MOST => Refusals::Together,
            Refusals::Single(number) => {
                *how = Refusals::Single(number + 1);
                return;
            }
            Refusals::ByClient(number) => {
                *how = Refusals::ByClient(number + 1);
                return;
            }
            Refusals::Together => return,
        };
        let refusals: Vec<((Place, Key), Sum)> = self
            .groups
            .extract_if(.., |(of, key), _| *of == place && key.is_refusal())
            .collect();
        for ((_, key), sum) in refusals {
            self.add(place, key, sum);
        }
    }

    pub(super) fn append(&mut self, other: Self) {
        for ((place, key), sum) in other.groups {
            self.add(place, key, sum);
        }
    }

    /// In the order of window, log group and key.
    pub(super) fn into_rows(self) -> Vec<Row> {
        let rows = self.groups.into_iter();
        rows.map(|((place, key), sum)| Row { place, key, sum })
            .collect()
    }
}

impl Refusals {
    fn coarsen(self, key: &mut Key) {
        let client = match self {
            Self::Single(_) => return,
            Self::ByClient(_) => std::mem::take(&mut key.client),
            Self::Together => OTHERS.to_owned(),
        };
        let graded = Graded::together(key.graded.severity);
        *key = Key::of_refusals(std::mem::take(&mut key.signals), client, graded);
    }
}
