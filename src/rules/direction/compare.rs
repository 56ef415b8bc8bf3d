//! The verdict of a change: each exclusion, each service account, and all together.
//!
//! Exclusions are compared as sets of records: what the exclusions of one policy silence together,
//! against each exclusion of the other. `narrowed` and `unchanged` are proven; `widened` comes with a
//! record that both policies judged.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::judge::{Rule, Rules, is_out_of_scope};
use crate::policy::model::{
    Environment, Exclusion, Match, Policy, RoleMatch, ServiceAccount, Signal,
};
use crate::rules::sample;

use super::account;
use super::area::{Area, Field, Values};
use super::cover::{Candidate, Covered, is_covered};
use super::guess;
use super::text;
use super::witness::{self, Counterexample, Judge};

/// Version of the report. It grows when a program that reads the older one would be misled.
pub const FORMAT_VERSION: u32 = 1;

/// Which way a change goes.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Proven: it silences no more than before, and some of it less, or not provably as much.
    Narrowed,
    /// Proven: it silences the same.
    Unchanged,
    /// It silences more.
    Widened,
    /// It silences more here and less there.
    Incomparable,
    /// Not decided. Treated as widened.
    Unknown,
}

impl Verdict {
    /// The word in reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Narrowed => "narrowed",
            Self::Unchanged => "unchanged",
            Self::Widened => "widened",
            Self::Incomparable => "incomparable",
            Self::Unknown => "unknown",
        }
    }

    /// Whether it might silence more: everything that is not proven to be safe.
    pub fn may_silence_more(self) -> bool {
        !matches!(self, Self::Narrowed | Self::Unchanged)
    }

    fn of(forward: Covered, backward: Covered) -> Self {
        match (forward, backward) {
            (Covered::Yes, Covered::Yes) => Self::Unchanged,
            (Covered::Yes, _) => Self::Narrowed,
            (Covered::No, Covered::No) => Self::Incomparable,
            (Covered::No, _) => Self::Widened,
            (Covered::Unknown, _) => Self::Unknown,
        }
    }
}

/// What happened to an entry of the policy.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// It applies now, and did not.
    Added,
    /// It applied, and does not now.
    Removed,
    /// Its match or its last day is another.
    Changed,
    /// Neither.
    Unchanged,
}

impl Change {
    /// The word in reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Added => "added",
            Self::Removed => "removed",
            Self::Changed => "changed",
            Self::Unchanged => "unchanged",
        }
    }
}

/// Whether the environment is in both policies.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Presence {
    /// In both.
    Both,
    /// Only in the head: before, nothing was counted there.
    Added,
    /// Only in the base: from now on nothing is counted there.
    Removed,
    /// In neither.
    Absent,
}

/// One exclusion of either policy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ExclusionChange {
    /// Its id.
    pub id: String,
    /// What happened to it in this environment.
    pub change: Change,
    /// Which way it goes, seen with all other exclusions: what others silence already is not new.
    pub verdict: Verdict,
    /// Its last day is later than before, or there is none any more. An added exclusion does not count as longer.
    pub lives_longer: bool,
    /// Not decided by a proof or a record, but each of its conditions held before, and others are gone or take more.
    pub is_looser: bool,
    /// The verdict in words.
    pub why: String,
    /// A record that becomes silent by it.
    pub counterexample: Option<Counterexample>,
}

/// One service account of either policy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AccountChange {
    /// The role or the pattern as written.
    pub role: String,
    /// Whether that is a pattern.
    pub is_pattern: bool,
    /// What happened to it in this environment; never [`Change::Changed`].
    pub change: Change,
    /// Which way it goes, seen with all other accounts.
    pub verdict: Verdict,
    /// The verdict in words.
    pub why: String,
    /// A record that becomes silent by it.
    pub counterexample: Option<Counterexample>,
}

/// What a change silences in one environment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DirectionReport {
    /// [`FORMAT_VERSION`].
    pub format_version: u32,
    /// The environment.
    pub environment: String,
    /// Which policy has it.
    pub presence: Presence,
    /// The verdict on everything together.
    pub overall: Verdict,
    /// Each exclusion that applies in either policy, by id.
    pub exclusions: Vec<ExclusionChange>,
    /// Each service account that applies in either policy, by role.
    pub accounts: Vec<AccountChange>,
    /// Signals that were counted and are no longer, by name: everything that they alone count is silent.
    pub signals_off: Vec<&'static str>,
}

/// What one policy silences in the environment.
struct Side<'a> {
    exclusions: Vec<&'a Exclusion>,
    /// What each of them selects.
    areas: Vec<Area<'a>>,
    accounts: Vec<&'a ServiceAccount>,
    signals: Vec<Signal>,
    person: &'a str,
}

impl<'a> Side<'a> {
    fn of(policy: &'a Policy, environment: Option<&'a Environment>, today: Date) -> Self {
        let Some(environment) = environment else {
            return Self {
                exclusions: Vec::new(),
                areas: Vec::new(),
                accounts: Vec::new(),
                signals: Vec::new(),
                person: "somebody",
            };
        };
        Self {
            exclusions: policy.exclusions_in(environment).collect(),
            areas: Vec::new(),
            accounts: policy.service_accounts_in(environment).collect(),
            signals: environment.signals.iter().map(|s| s.signal).collect(),
            person: sample::person(policy, environment, today),
        }
    }

    fn exclusion(&self, id: &str) -> Option<&'a Exclusion> {
        self.exclusions
            .iter()
            .find(|exclusion| exclusion.id == id)
            .copied()
    }

    fn roles(&self) -> Vec<&'a RoleMatch> {
        self.accounts.iter().map(|account| &account.role).collect()
    }

    fn judge(&self, like: &Environment) -> Judge {
        Judge::new(&Rules {
            accounts: self.roles().into_iter().cloned().collect(),
            exclusions: self
                .exclusions
                .iter()
                .map(|exclusion| Rule::of(exclusion))
                .collect(),
            signals: self.signals.clone(),
            ..Rules::new(like.log_line_prefix)
        })
    }
}

/// Compares what two policies silence in an environment on a day, and nothing else: who is enrolled and how an alarm fires
/// is not compared, nor is `log_line_prefix`.
pub fn compare(base: &Policy, head: &Policy, environment: &str, today: Date) -> DirectionReport {
    let (in_base, in_head) = (base.environment(environment), head.environment(environment));
    let presence = match (in_base, in_head) {
        (Some(_), Some(_)) => Presence::Both,
        (None, Some(_)) => Presence::Added,
        (Some(_), None) => Presence::Removed,
        (None, None) => Presence::Absent,
    };
    let mut report = DirectionReport {
        format_version: FORMAT_VERSION,
        environment: environment.to_owned(),
        presence,
        overall: Verdict::Unchanged,
        exclusions: Vec::new(),
        accounts: Vec::new(),
        signals_off: Vec::new(),
    };
    let Some(like) = in_head.or(in_base) else {
        return report;
    };
    let mut base = Side::of(base, in_base, today);
    let mut head = Side::of(head, in_head, today);
    let written = base.exclusions.clone();
    // An exclusion whose last day has passed is agreed on no longer. To renew it is to add it.
    base.exclusions.retain(|exclusion| {
        exclusion.is_alive(today)
            || head.exclusion(&exclusion.id).is_some_and(|now| {
                now.matcher == exclusion.matcher && !is_later(now.last_day(), exclusion.last_day())
            })
    });
    for side in [&mut base, &mut head] {
        side.areas = side
            .exclusions
            .iter()
            .map(|exclusion| Area::of(&exclusion.matcher))
            .collect();
    }
    if is_same(&base, &head) {
        report.exclusions = base
            .exclusions
            .iter()
            .map(|exclusion| unchanged(&exclusion.id))
            .collect();
        report.accounts = base
            .accounts
            .iter()
            .map(|account| account_change(&account.role, Change::Unchanged, Verdict::Unchanged))
            .collect();
    } else {
        let mut comparison = Comparison {
            head_judge: head.judge(like),
            base_judge: base.judge(like),
            head: &head,
            base: &base,
        };
        let (forward, backward) = comparison.run(&written, &mut report);
        report.overall = Verdict::of(forward, backward);
    }
    report.exclusions.sort_by(|a, b| a.id.cmp(&b.id));
    report
        .accounts
        .sort_by(|a, b| (a.is_pattern, &a.role).cmp(&(b.is_pattern, &b.role)));
    report.signals_off = base
        .signals
        .iter()
        .filter(|signal| !head.signals.contains(signal))
        .map(|signal| signal.name())
        .collect();
    if !report.signals_off.is_empty() {
        report.overall = match report.overall {
            Verdict::Narrowed | Verdict::Incomparable => Verdict::Incomparable,
            _ => Verdict::Widened,
        };
    }
    if presence == Presence::Removed {
        // Nothing reads that log any more.
        report.overall = Verdict::Widened;
    }
    report
}

/// Says whether `now` ends after `before`; no last day is the latest.
fn is_later(now: Option<Date>, before: Option<Date>) -> bool {
    match (now, before) {
        (None, Some(_)) => true,
        (Some(now), Some(before)) => now > before,
        (_, None) => false,
    }
}

/// Whether both are written the same.
fn is_same(base: &Side<'_>, head: &Side<'_>) -> bool {
    let exclusions = |side: &Side<'_>| {
        side.exclusions
            .iter()
            .map(|exclusion| {
                (
                    exclusion.id.clone(),
                    exclusion.matcher.clone(),
                    exclusion.last_day(),
                )
            })
            .collect::<Vec<_>>()
    };
    exclusions(base) == exclusions(head) && base.roles() == head.roles()
}

fn unchanged(id: &str) -> ExclusionChange {
    ExclusionChange {
        id: id.to_owned(),
        change: Change::Unchanged,
        verdict: Verdict::Unchanged,
        lives_longer: false,
        is_looser: false,
        why: "the same as before".to_owned(),
        counterexample: None,
    }
}

fn account_change(role: &RoleMatch, change: Change, verdict: Verdict) -> AccountChange {
    AccountChange {
        role: role.as_str().to_owned(),
        is_pattern: matches!(role, RoleMatch::Pattern(_)),
        change,
        verdict,
        why: String::new(),
        counterexample: None,
    }
}

struct Comparison<'c, 'a> {
    base: &'c Side<'a>,
    head: &'c Side<'a>,
    base_judge: Judge,
    head_judge: Judge,
}

impl<'a> Comparison<'_, 'a> {
    /// Fills in the report; returns whether the base covers the head, and the head the base.
    fn run(
        &mut self,
        written: &[&'a Exclusion],
        report: &mut DirectionReport,
    ) -> (Covered, Covered) {
        let (mut forward, mut backward) = (Covered::Yes, Covered::Yes);
        let ids: BTreeSet<&str> = written
            .iter()
            .chain(&self.head.exclusions)
            .map(|exclusion| exclusion.id.as_str())
            .collect();
        for id in ids {
            let before = self.base.exclusion(id);
            let was_written = written.iter().find(|exclusion| exclusion.id == id).copied();
            let now = self.head.exclusion(id);
            let change = match (was_written, now) {
                (Some(before), Some(now))
                    if before.matcher == now.matcher && before.last_day() == now.last_day() =>
                {
                    Change::Unchanged
                }
                (Some(_), Some(_)) => Change::Changed,
                (None, _) => Change::Added,
                (_, None) => Change::Removed,
            };
            let (ahead, counterexample) = now.map_or((Covered::Yes, None), |now| {
                self.covered(now, before, Direction::Forward)
            });
            // Every condition that it has now held before, and others are gone: what they kept loud is silent, whether or not
            // a record of it is at hand.
            let is_looser = ahead == Covered::Unknown
                && before
                    .zip(now)
                    .is_some_and(|(before, now)| is_within(&before.matcher, &now.matcher));
            let (behind, _) = before.map_or((Covered::Yes, None), |before| {
                self.covered(before, now, Direction::Backward)
            });
            forward = worse(forward, ahead);
            backward = worse(backward, behind);
            let lives_longer = match (was_written, now) {
                (Some(before), Some(now)) => is_later(now.last_day(), before.last_day()),
                _ => false,
            };
            let verdict = Verdict::of(ahead, behind);
            report.exclusions.push(ExclusionChange {
                id: id.to_owned(),
                change,
                verdict,
                lives_longer,
                is_looser,
                why: why(change, verdict, before.is_none() && was_written.is_some()).to_owned(),
                counterexample,
            });
        }
        self.accounts(&mut forward, &mut backward, report);
        (forward, backward)
    }

    /// Whether the other policy silences everything that `exclusion` does.
    fn covered(
        &mut self,
        exclusion: &'a Exclusion,
        partner: Option<&'a Exclusion>,
        direction: Direction,
    ) -> (Covered, Option<Counterexample>) {
        if partner.is_some_and(|partner| partner.matcher == exclusion.matcher) {
            return (Covered::Yes, None);
        }
        let (silent, other, silent_judge, other_judge) = match direction {
            Direction::Forward => (
                self.head,
                self.base,
                &mut self.head_judge,
                &mut self.base_judge,
            ),
            Direction::Backward => (
                self.base,
                self.head,
                &mut self.base_judge,
                &mut self.head_judge,
            ),
        };
        let area = Area::of(&exclusion.matcher);
        let mut aside = out_of_scope(&area, &other.signals);
        aside.extend(accounts_of(&area, &other.accounts));
        // The partner first: it most often decides.
        aside.extend(partner.map(|partner| Area::of(&partner.matcher)));
        let covers: Vec<&Area<'a>> = aside.iter().chain(&other.areas).collect();
        let texts = exclusion
            .matcher
            .statement
            .as_ref()
            .map(|statement| {
                let narrow = partner.and_then(|partner| partner.matcher.statement.as_ref());
                guess::between(statement, narrow)
            })
            .unwrap_or_default();
        let users: Vec<&str> = [silent.person, "alice", "somebody", "other_person"]
            .into_iter()
            .filter(|user| {
                !silent
                    .accounts
                    .iter()
                    .chain(&other.accounts)
                    .any(|account| account.role.takes(user.as_bytes()))
            })
            .collect();
        let prefix = silent_judge.prefix();
        let mut found = None;
        let mut is_loud = |candidate: Candidate<'_, 'a>| {
            for avoided in [covers.as_slice(), &[]] {
                let record = witness::record(
                    candidate.piece,
                    candidate.statement,
                    avoided,
                    &users,
                    prefix,
                );
                if silent_judge.excludes(&record.entry, &exclusion.id)
                    && other_judge.counts(&record.entry)
                {
                    // One whose text names its object is understood at once.
                    let fitting = witness::fitting(&record, prefix).filter(|fitting| {
                        silent_judge.excludes(&fitting.entry, &exclusion.id)
                            && other_judge.counts(&fitting.entry)
                    });
                    found = Some(fitting.unwrap_or(record));
                    return true;
                }
            }
            false
        };
        let covered = is_covered(&area, &covers, &texts, &mut is_loud);
        if covered != Covered::Unknown {
            return (covered, found);
        }
        // The samples of either of the two can show what no automaton found.
        let samples = partner
            .into_iter()
            .chain([exclusion])
            .flat_map(|one| one.stays_loud.iter().chain(&one.silences));
        for sample in samples {
            let record = witness::of_sample(sample, &users, prefix);
            if silent_judge.excludes(&record.entry, &exclusion.id)
                && other_judge.counts(&record.entry)
            {
                return (Covered::No, Some(record));
            }
        }
        (covered, found)
    }

    fn accounts(
        &mut self,
        forward: &mut Covered,
        backward: &mut Covered,
        report: &mut DirectionReport,
    ) {
        let mut roles: BTreeMap<(bool, &str), (&RoleMatch, bool, bool)> = BTreeMap::new();
        for (side, is_head) in [(self.base, false), (self.head, true)] {
            for role in side.roles() {
                let key = (matches!(role, RoleMatch::Pattern(_)), role.as_str());
                let known = roles.entry(key).or_insert((role, false, false));
                if is_head {
                    known.2 = true;
                } else {
                    known.1 = true;
                }
            }
        }
        for (role, in_base, in_head) in roles.into_values() {
            let change = match (in_base, in_head) {
                (true, true) => Change::Unchanged,
                (true, false) => Change::Removed,
                _ => Change::Added,
            };
            let (mut ahead, mut behind) = (Covered::Yes, Covered::Yes);
            let mut counterexample = None;
            if change == Change::Added {
                (ahead, counterexample) = self.account(role, Direction::Forward);
            }
            if change == Change::Removed {
                (behind, _) = self.account(role, Direction::Backward);
            }
            *forward = worse(*forward, ahead);
            *backward = worse(*backward, behind);
            let verdict = Verdict::of(ahead, behind);
            let mut line = account_change(role, change, verdict);
            line.why = why(change, verdict, false).to_owned();
            line.counterexample = counterexample;
            report.accounts.push(line);
        }
    }

    /// Whether the other policy takes every role that this account does for one, too.
    fn account(
        &mut self,
        role: &RoleMatch,
        direction: Direction,
    ) -> (Covered, Option<Counterexample>) {
        let (other, silent_judge, other_judge) = match direction {
            Direction::Forward => (self.base, &mut self.head_judge, &mut self.base_judge),
            Direction::Backward => (self.head, &mut self.base_judge, &mut self.head_judge),
        };
        let user = match account::outside(role, &other.roles()) {
            account::Outside::Nobody => return (Covered::Yes, None),
            account::Outside::Unknown => return (Covered::Unknown, None),
            account::Outside::Somebody(user) => user,
        };
        let avoided: Vec<&Area<'_>> = other.areas.iter().collect();
        for avoided in [&[], avoided.as_slice()] {
            let record = witness::record(
                &Area::everything(),
                None,
                avoided,
                &[user.as_str()],
                silent_judge.prefix(),
            );
            if silent_judge.is_out_of_scope(&record.entry) && other_judge.counts(&record.entry) {
                return (Covered::No, Some(record));
            }
        }
        (Covered::Unknown, None)
    }
}

#[derive(Debug, Clone, Copy)]
enum Direction {
    /// Does the base silence what the head does?
    Forward,
    /// Does the head silence what the base does?
    Backward,
}

/// Whether every record of the narrow match surely meets each condition of the wide one.
fn is_within(narrow: &Match, wide: &Match) -> bool {
    let (narrow, wide) = (Area::of(narrow), Area::of(wide));
    narrow.has_fields_within(&wide)
        && match (narrow.statement, wide.statement) {
            (_, None) => true,
            (None, Some(_)) => false,
            (Some(narrow), Some(wide)) => !text::has_conditions(&text::not_implied(narrow, wide)),
        }
}

fn worse(a: Covered, b: Covered) -> Covered {
    match (a, b) {
        (Covered::No, _) | (_, Covered::No) => Covered::No,
        (Covered::Unknown, _) | (_, Covered::Unknown) => Covered::Unknown,
        _ => Covered::Yes,
    }
}

/// The records of an area that no signal counts.
pub(super) fn out_of_scope<'a>(area: &Area<'a>, signals: &[Signal]) -> Vec<Area<'a>> {
    let Values::Only(classes) = area.values(Field::Class) else {
        return Vec::new();
    };
    let mut areas = Vec::new();
    for class in classes {
        let whole = Area::everything().with(Field::Class, vec![class]);
        if is_out_of_scope(class, "", signals) {
            areas.push(whole);
        } else if let Values::Only(commands) = area.values(Field::Command) {
            let commands: Vec<&str> = commands
                .iter()
                .copied()
                .filter(|command| is_out_of_scope(class, command, signals))
                .collect();
            areas.push(whole.with(Field::Command, commands));
        }
    }
    areas
}

/// The records of an area whose role is a service account.
fn accounts_of<'a>(area: &Area<'a>, accounts: &[&ServiceAccount]) -> Option<Area<'a>> {
    let Values::Only(users) = area.values(Field::User) else {
        return None;
    };
    let users = users
        .iter()
        .copied()
        .filter(|user| {
            accounts
                .iter()
                .any(|account| account.role.takes(user.as_bytes()))
        })
        .collect();
    Some(Area::everything().with(Field::User, users))
}

fn why(change: Change, verdict: Verdict, was_expired: bool) -> &'static str {
    match (change, verdict) {
        (_, Verdict::Widened | Verdict::Incomparable | Verdict::Unknown) if was_expired => {
            "it had expired and silences again"
        }
        (Change::Unchanged, Verdict::Unchanged) => "the same as before",
        (Change::Added, Verdict::Unchanged) => "everything it silences was silent before",
        (Change::Added, Verdict::Widened) => "it is new and silences records that were counted",
        (Change::Removed, Verdict::Unchanged) => {
            "everything it silenced is still silent, or it silenced nothing"
        }
        (Change::Removed, _) => "it is gone and no longer silences anything",
        (_, Verdict::Unchanged) => "proven to silence the same",
        (_, Verdict::Narrowed) => "proven to silence no more than before",
        (_, Verdict::Widened) => "it silences records that were counted",
        (_, Verdict::Incomparable) => {
            "it silences records that were counted, and counts records that were silent"
        }
        (_, Verdict::Unknown) => {
            "could not prove that it silences no more, so it is treated as widened"
        }
    }
}
