//! The verdict on one entry.

use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};

use foldhash::HashSet;
use memchr::memmem::Finder;

use super::accounts::{Accounts, Remembered};
use super::condition::{self, Test};
use super::facts::{Facts, Sql};
use super::grants::{self, Expected, Grants, Span};
use super::index::Index;
use super::known::Known;
use super::people::{People, Person};
use super::rules::Rules;
use super::scope::{self, Signals};
use super::severity::{Graded, Tiers};
use super::told::{self, Told};
use crate::audit_log::prefix::{Doubt, LogLinePrefix, Prefix};
use crate::audit_log::record::{Record, count_heads};
use crate::audit_log::timestamp::{fast_epoch_ms, time_of};
use crate::audit_log::{EntryKind, Suspicion, judge_entry};
use crate::policy::model::{RoleMatch, Signal};
use jiff::civil::Date;

/// What becomes of a log entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// The entry holds no audit record.
    NotARecord,
    /// No signal counts it, or its account is deliberately not audited.
    OutOfScope,
    /// These exclusions silence it, in the order of the policy.
    Excluded(Vec<String>),
    Counted,
}

impl Verdict {
    /// The word in results; none for what is not a record.
    pub fn name(&self) -> Option<&'static str> {
        match self {
            Self::NotARecord => None,
            Self::OutOfScope => Some("out_of_scope"),
            Self::Excluded(_) => Some("excluded"),
            Self::Counted => Some("counted"),
        }
    }
}

/// An entry with its verdict and what can be read of it.
#[derive(Debug, Clone)]
pub struct Judged<'a> {
    pub verdict: Verdict,
    /// The signals that count it, or would without exclusions, in the order of [`Signal::ALL`]; none when it is out of
    /// scope.
    pub signals: Vec<Signal>,
    /// The grant that covers it. It decides nothing: what is expected counts like everything else.
    pub expected: Option<Expected>,
    /// How much it matters; none unless it counts.
    pub graded: Option<Graded>,
    /// The entry as the one reader reads it.
    pub entry: EntryKind<'a>,
}

impl<'a> Judged<'a> {
    /// Who wrote the entry, if that can be read for certain. Where only role and database cannot be told apart for
    /// certain (`a@b@c`), it is the likeliest reading.
    pub fn who(&self) -> Option<&Prefix<'a>> {
        match &self.entry {
            EntryKind::Audit { prefix, doubt, .. } => is_sure(prefix, *doubt).then_some(prefix),
            EntryKind::Other { prefix, doubt } => is_sure(prefix, *doubt).then_some(prefix),
            EntryKind::Suspicious { .. } | EntryKind::Foreign(_) => None,
        }
    }

    /// The work that it tells of, if it counts and is no record.
    pub fn told(&self) -> Option<Told> {
        match &self.entry {
            EntryKind::Other { prefix, .. } if self.verdict == Verdict::Counted => {
                Told::of(prefix.level, prefix.message)
            }
            _ => None,
        }
    }

    /// The record, if it can be read in one way only.
    pub fn record(&self) -> Option<&Record<'a>> {
        match &self.entry {
            EntryKind::Audit {
                prefix,
                record,
                doubt,
            } => is_sure(prefix, *doubt).then_some(record),
            _ => None,
        }
    }
}

/// The rules of an environment, ready to judge. See [`Rules`].
#[derive(Debug)]
pub struct Judge {
    /// No two judges of a process have the same.
    number: u64,
    pub(super) prefix: LogLinePrefix,
    signals: Vec<Signal>,
    pub(super) roles: Vec<RoleMatch>,
    accounts: Accounts,
    protected_users: HashSet<Box<[u8]>>,
    pub(super) exclusions: Vec<Exclusion>,
    index: Index,
    pub(super) grants: Grants,
    tiers: Tiers,
    people: People,
}

#[derive(Debug)]
pub(super) struct Exclusion {
    pub(super) id: String,
    /// Days since 1970.
    pub(super) last_day: Option<i32>,
    pub(super) tests: Vec<Test>,
}

impl Exclusion {
    pub(super) fn is_alive(&self, day: Option<i32>) -> bool {
        match (self.last_day, day) {
            (None, _) => true,
            (Some(last), Some(day)) => day <= last,
            (Some(_), None) => false,
        }
    }

    /// Reading a statement is expensive, so it comes last.
    pub(super) fn silences(&self, facts: &Facts<'_>) -> bool {
        let hold = |reads: bool| {
            self.tests
                .iter()
                .filter(|test| test.reads() == reads)
                .all(|test| test.holds(facts))
        };
        self.is_alive(facts.day) && hold(false) && hold(true)
    }
}

/// What a thread keeps between entries.
#[derive(Debug, Default)]
pub struct Scratch {
    /// The judge that it serves: what one judge remembers means nothing to another.
    judge: u64,
    known: Known<Outcome>,
    room: Room,
}

/// What a thread keeps to decide.
#[derive(Debug, Default)]
struct Room {
    roles: Remembered,
    candidates: Vec<u32>,
}

impl Scratch {
    /// Forgets what another judge remembered, and says whether there was one.
    pub(super) fn serve(&mut self, judge: &Judge) -> bool {
        let is_new = self.judge != judge.number;
        if is_new {
            *self = Self {
                judge: judge.number,
                ..Self::default()
            };
        }
        is_new
    }
}

/// A verdict without names: what most callers need of most entries.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Outcome {
    /// As [`Verdict::NotARecord`].
    NotARecord,
    /// No signal counts it.
    OutOfScope,
    /// Its account is deliberately not audited.
    OfAccount,
    /// The place, among the rules, of the first exclusion that silences it.
    Excluded(u32),
    #[default]
    Counted,
}

/// How an entry is read, as far as a verdict needs it.
#[derive(Clone, Copy)]
pub(super) enum Read<'e, 'a> {
    /// Nothing that could count.
    Nothing,
    /// It counts, no matter who wrote it.
    InDoubt,
    /// PostgreSQL refused an attempt.
    Refusal(&'e Prefix<'a>),
    /// A person did something for which pgAudit writes no record.
    Told(&'e Prefix<'a>, Told),
    Record(&'e Prefix<'a>, &'e Record<'a>),
    /// One record whose role and database can be told apart in several ways.
    Names(&'e Prefix<'a>, &'e Record<'a>),
}

impl Judge {
    /// Makes rules ready. It costs about as much as reading the policy.
    pub fn new(rules: &Rules) -> Self {
        static JUDGES: AtomicU64 = AtomicU64::new(1);
        let mut shared = condition::Shared::default();
        let exclusions: Vec<Exclusion> = rules
            .exclusions
            .iter()
            .map(|rule| Exclusion {
                id: rule.id.clone(),
                last_day: rule.last_day.map(day_number),
                tests: condition::tests(&rule.matcher, &mut shared),
            })
            .collect();
        Self {
            number: JUDGES.fetch_add(1, Ordering::Relaxed),
            prefix: rules.prefix,
            signals: rules.signals.clone(),
            roles: rules.accounts.clone(),
            accounts: Accounts::of(&rules.accounts),
            protected_users: rules
                .protected_users
                .iter()
                .map(|user| user.as_bytes().into())
                .collect(),
            index: Index::of(
                exclusions
                    .iter()
                    .map(|exclusion| exclusion.tests.as_slice()),
            ),
            exclusions,
            grants: Grants::of(&rules.grants, &rules.never_expected),
            tiers: Tiers::of(&rules.sensitivity),
            people: People::of(&rules.people),
        }
    }

    /// The person to whom a role belongs; none where no file names it.
    pub fn person(&self, role: &[u8]) -> Option<&Person> {
        self.people.get(role)
    }

    /// The severity of what no one judged: the highest that the policy has.
    pub fn unjudged(&self) -> Graded {
        self.tiers.unjudged()
    }

    /// What a session of a shared role calls itself. It is a hint and proves nothing: who connects chooses it.
    pub fn session_name<'a>(&self, judged: &Judged<'a>) -> Option<&'a [u8]> {
        let prefix = judged.who()?;
        let is_shared = self.person(prefix.user).is_some_and(|of| of.is_shared);
        prefix
            .application_name
            .filter(|name| is_shared && !name.is_empty())
    }

    /// Whether any grant applies in the environment.
    pub fn has_grants(&self) -> bool {
        !self.grants.is_empty()
    }

    /// The grant that covers an entry that counts.
    pub fn expects(&self, text: &[u8]) -> Option<Expected> {
        let entry = judge_entry(text, self.prefix);
        self.grants
            .covering(self.read(text, &entry), own_time(text))
    }

    /// The ids of the grants, in the order of the policy.
    pub fn grant_ids(&self) -> impl Iterator<Item = &str> {
        self.grants.ids()
    }

    /// The `log_line_prefix` of the entries.
    pub fn prefix(&self) -> LogLinePrefix {
        self.prefix
    }

    /// Whether a signal is counted.
    pub fn counts(&self, signal: Signal) -> bool {
        self.signals.contains(&signal)
    }

    /// Whether a role is deliberately not audited.
    pub fn is_account(&self, scratch: &mut Scratch, role: &[u8]) -> bool {
        self.accounts.has(&mut scratch.room.roles, role)
    }

    /// The ids of the exclusions, in the order of the policy.
    pub fn exclusion_ids(&self) -> impl ExactSizeIterator<Item = &str> {
        self.exclusions
            .iter()
            .map(|exclusion| exclusion.id.as_str())
    }

    /// Whether an entry may be an audit record, or a refusal where those are counted. Most entries of a log are neither;
    /// their prefix need not be read.
    pub fn may_concern(&self, text: &[u8]) -> bool {
        // To build a searcher costs more than to search most entries.
        static HEAD: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new("AUDIT: "));
        static ERROR: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new("ERROR: "));
        static FATAL: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new("FATAL: "));
        HEAD.find(text).is_some()
            || told::may_tell(text)
            || (self.counts(Signal::Denied)
                && (ERROR.find(text).is_some() || FATAL.find(text).is_some()))
    }

    /// The verdict on an entry, with every exclusion that silences it.
    pub fn verdict(&self, scratch: &mut Scratch, text: &[u8]) -> Verdict {
        self.judge(scratch, text).verdict
    }

    /// Judges an entry: the text of a whole message, its continuation lines included. Its day is that of the entry's own
    /// time.
    pub fn judge<'a>(&self, scratch: &mut Scratch, text: &'a [u8]) -> Judged<'a> {
        self.judge_in(scratch, text, time_of(text), own_time(text))
    }

    /// The same for entries that are alike and were written at other times than this one says, in milliseconds since 1970: the
    /// first and the last of them.
    pub fn judge_between<'a>(
        &self,
        scratch: &mut Scratch,
        text: &'a [u8],
        (oldest_ms, newest_ms): (i64, i64),
    ) -> Judged<'a> {
        let span = grants::span(Some(oldest_ms), Some(newest_ms));
        self.judge_in(scratch, text, newest_ms, span)
    }

    fn judge_in<'a>(
        &self,
        scratch: &mut Scratch,
        text: &'a [u8],
        time_ms: i64,
        span: Span,
    ) -> Judged<'a> {
        scratch.serve(self);
        let entry = judge_entry(text, self.prefix);
        let read = self.read(text, &entry);
        let mut by = Vec::new();
        let (outcome, signals) = self.decide(
            &mut scratch.room,
            text,
            read,
            day_of_ms(time_ms),
            |number| {
                by.extend(self.exclusions.get(number as usize).map(|e| e.id.clone()));
                true
            },
        );
        let verdict = match outcome {
            Outcome::NotARecord => Verdict::NotARecord,
            Outcome::OutOfScope | Outcome::OfAccount => Verdict::OutOfScope,
            Outcome::Excluded(_) => Verdict::Excluded(by),
            Outcome::Counted => Verdict::Counted,
        };
        let is_counted = verdict == Verdict::Counted;
        let expected = if is_counted && self.has_grants() {
            self.grants.covering(read, span)
        } else {
            None
        };
        let signals: Vec<Signal> = signals.into_iter().flatten().collect();
        let graded = is_counted.then(|| self.tiers.grade(text, read, &signals));
        Judged {
            verdict,
            expected,
            graded,
            signals,
            entry,
        }
    }

    /// The verdict alone, with the first exclusion in the order of the policy. The time is in milliseconds since 1970.
    pub fn outcome(
        &self,
        scratch: &mut Scratch,
        text: &[u8],
        time_ms: impl FnOnce() -> i64,
    ) -> Outcome {
        if !self.may_concern(text) {
            return Outcome::NotARecord;
        }
        scratch.serve(self);
        let entry = judge_entry(text, self.prefix);
        let day = day_of_ms(time_ms());
        let Scratch { known, room, .. } = scratch;
        let read = self.read(text, &entry);
        let mut decide = || self.decide(room, text, read, day, |_| false).0;
        match read {
            Read::Record(prefix, record) => known.outcome(prefix, record, day, decide),
            _ => decide(),
        }
    }

    /// The same for an entry that was read before, with the same prefix. Nothing is remembered of it.
    pub(super) fn outcome_on(
        &self,
        scratch: &mut Scratch,
        text: &[u8],
        entry: &EntryKind<'_>,
        day: i32,
    ) -> Outcome {
        scratch.serve(self);
        let read = self.read(text, entry);
        self.decide(&mut scratch.room, text, read, day, |_| false).0
    }

    /// Decides on an entry that was read. `also` is called for each exclusion that silences it, and returns whether
    /// to continue.
    fn decide(
        &self,
        room: &mut Room,
        text: &[u8],
        read: Read<'_, '_>,
        day: i32,
        also: impl FnMut(u32) -> bool,
    ) -> (Outcome, Signals) {
        let (prefix, record, has_two_names) = match read {
            Read::Nothing => return (Outcome::NotARecord, [None; 2]),
            Read::InDoubt => {
                let signals = scope::signals(b"-", b"-", scope::tampers(text), None);
                return (Outcome::Counted, self.enabled(signals));
            }
            Read::Refusal(prefix) => {
                let tampers = self.counts(Signal::AuditTampering) && scope::tampers(prefix.message);
                let signals = self.enabled(scope::signals(prefix.level, b"", tampers, None));
                return if self.accounts.has(&mut room.roles, prefix.user) {
                    (Outcome::OfAccount, [None; 2])
                } else {
                    (Outcome::Counted, signals)
                };
            }
            Read::Told(prefix, told) => {
                let readings = names(prefix);
                let mut users = readings.iter();
                return if users.all(|(user, _)| self.accounts.has(&mut room.roles, user)) {
                    (Outcome::OfAccount, [None; 2])
                } else {
                    (Outcome::Counted, [Some(told.signal()), None])
                };
            }
            Read::Record(prefix, record) => (prefix, record, false),
            Read::Names(prefix, record) => (prefix, record, true),
        };
        let facts = Facts::of(prefix, record, Some(day));
        let signals = self.signals_of(&facts);
        if signals == [None; 2] {
            return (Outcome::OutOfScope, signals);
        }
        let readings = if has_two_names {
            names(prefix)
        } else {
            Vec::new()
        };
        let is_account = if has_two_names {
            readings
                .iter()
                .all(|(user, _)| self.accounts.has(&mut room.roles, user))
        } else {
            self.accounts.has(&mut room.roles, facts.user)
        };
        if is_account {
            return (Outcome::OfAccount, [None; 2]);
        }
        let outcome = self.exclude(room, facts, &readings, also);
        (outcome, signals)
    }

    /// The first exclusion that silences a record under every reading of its names.
    fn exclude(
        &self,
        room: &mut Room,
        facts: Facts<'_>,
        readings: &[(Vec<u8>, Vec<u8>)],
        mut also: impl FnMut(u32) -> bool,
    ) -> Outcome {
        if self.is_protected(facts.user) || readings.iter().any(|(user, _)| self.is_protected(user))
        {
            return Outcome::Counted;
        }
        let mut first = None;
        self.index.candidates(&facts, &mut room.candidates);
        for number in &room.candidates {
            let Some(exclusion) = self.exclusions.get(*number as usize) else {
                continue;
            };
            if !exclusion.silences(&facts)
                || !readings.iter().all(|names| exclusion.silences_names(names))
            {
                continue;
            }
            // A record that names a setting of the audit log, or changes the meaning of names, is never silent. This
            // test is expensive, so it runs only if an exclusion matches.
            if first.is_none() && (facts.tampers() || facts.changes_session()) {
                return Outcome::Counted;
            }
            first.get_or_insert(*number);
            if !also(*number) {
                break;
            }
        }
        first.map_or(Outcome::Counted, Outcome::Excluded)
    }

    pub(super) fn is_protected(&self, user: &[u8]) -> bool {
        self.protected_users.contains(user)
    }

    /// The enabled signals that count a record.
    pub(super) fn signals_of(&self, facts: &Facts<'_>) -> Signals {
        let tampers = self.counts(Signal::AuditTampering) && facts.tampers();
        let statement = facts.statement.as_ref();
        let deed = scope::deed(
            facts.class,
            facts.command,
            || statement.map(|sql| (sql.text(), sql.reading())),
            || statement.map(Sql::changes),
        );
        let [by_class, tampering] =
            self.enabled(scope::signals(facts.class, facts.command, tampers, deed));
        let makes_casts = by_class.is_none()
            && self.counts(Signal::Dml)
            && scope::makes_casts(facts.class, facts.command);
        [by_class.or(makes_casts.then_some(Signal::Dml)), tampering]
    }

    fn enabled(&self, signals: Signals) -> Signals {
        signals.map(|signal| signal.filter(|signal| self.counts(*signal)))
    }

    /// What an entry is to the judge.
    pub(super) fn read<'e, 'a>(&self, text: &[u8], entry: &'e EntryKind<'a>) -> Read<'e, 'a> {
        match entry {
            EntryKind::Audit {
                prefix,
                record,
                doubt,
            } => match doubt {
                _ if !is_sure(prefix, *doubt) => Read::InDoubt,
                Some(_) => Read::Names(prefix, record),
                None => Read::Record(prefix, record),
            },
            // An entry that is cut before its severity, and in which nothing could be a record. Where it ends in a name, what
            // follows in the log can be anybody's.
            EntryKind::Suspicious {
                reason: Suspicion::Cut(_),
                ..
            } if count_heads(text, 1) == 0 => {
                if told::may_be_cut(text) {
                    Read::InDoubt
                } else {
                    self.hidden_refusal(text)
                }
            }
            EntryKind::Suspicious { .. } => Read::InDoubt,
            EntryKind::Other { prefix, doubt } => {
                if self.counts(Signal::Denied) && scope::is_refusal(prefix.level, prefix.message) {
                    return Read::Refusal(prefix);
                }
                match Told::of(prefix.level, prefix.message) {
                    Some(told) if self.counts(told.signal()) => match doubt {
                        // Who it is stands in the prefix, whatever the text says.
                        None
                        | Some(
                            Doubt::SeveralAtSigns | Doubt::SeveralHeads | Doubt::LineWithoutTab,
                        ) if !has_odd_names(prefix) => Read::Told(prefix, told),
                        _ => Read::InDoubt,
                    },
                    _ => Read::Nothing,
                }
            }
            EntryKind::Foreign(_) => self.hidden_refusal(text),
        }
    }

    /// A refusal under an unreadable prefix belongs to no known person, and counts.
    fn hidden_refusal<'e, 'a>(&self, text: &[u8]) -> Read<'e, 'a> {
        if self.counts(Signal::Denied) && scope::may_hold_refusal(text) {
            Read::InDoubt
        } else {
            Read::Nothing
        }
    }
}

impl Exclusion {
    /// Whether the conditions on role and database hold for other names of a record.
    fn silences_names(&self, (user, database): &(Vec<u8>, Vec<u8>)) -> bool {
        use crate::policy::model::Field;
        self.tests.iter().all(|test| match test {
            Test::OneOf(Field::User, values) => values.has(user),
            Test::OneOf(Field::Database, values) => values.has(database),
            Test::OneOf(..) | Test::Object(_) | Test::Text(_) => true,
        })
    }
}

/// Every way to tell role and database of `a@b@c` apart.
pub(super) fn names(prefix: &Prefix<'_>) -> Vec<(Vec<u8>, Vec<u8>)> {
    let whole = [prefix.user, b"@", prefix.database].concat();
    memchr::memchr_iter(b'@', &whole)
        .filter_map(|at| Some((whole.get(..at)?.to_vec(), whole.get(at + 1..)?.to_vec())))
        .collect()
}

/// Whether nothing but the border between role and database can be in doubt.
fn is_sure(prefix: &Prefix<'_>, doubt: Option<Doubt>) -> bool {
    doubt.is_none_or(Doubt::is_only_names) && !has_odd_names(prefix)
}

/// A name that can look like the rest of the line.
fn has_odd_names(prefix: &Prefix<'_>) -> bool {
    let odd = |name: &[u8], bytes: &[u8]| name.iter().any(|byte| bytes.contains(byte));
    odd(prefix.user, b":[]\n") || odd(prefix.database, b":[]\n")
}

/// When an entry was written, by its own words; none where its zone does not name one offset.
pub(super) fn own_time(text: &[u8]) -> Span {
    let time = fast_epoch_ms(text);
    grants::span(time, time)
}

/// Days since 1970, in UTC.
pub(super) fn day_of_ms(time_ms: i64) -> i32 {
    i32::try_from(time_ms.div_euclid(86_400_000)).unwrap_or(i32::MAX)
}

/// Days since 1970.
fn day_number(day: Date) -> i32 {
    let epoch = jiff::civil::date(1970, 1, 1);
    epoch.until(day).map_or(0, |span| span.get_days())
}
