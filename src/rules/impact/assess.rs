//! Puts together what a change does: direction, measured effect, limits, approvals.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use jiff::civil::Date;

use super::approvals::{self, approvals};
use super::examine::{evadable, examine};
use super::measure::{Cell, Details, Fate, Judges, Key, Measured, Rows, listed, rfc3339};
use super::opened::{opened, reads_anything, sentence};
use super::report::{
    AccountImpact, Approvals, Change, Counterexample, ExclusionImpact, FORMAT_VERSION, Fault,
    ImpactReport, Logs, Revision, Totals,
};
use super::timeline::timeline;
use crate::audit_log::prefix::LogLinePrefix;
use crate::audit_log::reader::{Inputs, Progress, ReadReport};
use crate::compile::QuerySource;
use crate::compile::fetch::Fetch;
use crate::diagnostic::count;
use crate::policy::Loaded;
use crate::policy::model::{Environment, Exclusion, Policy, Records, RoleMatch};
use crate::rules::direction;
use crate::rules::hearing::{self, Cost, Hearing, HearingChange, Hears};
use crate::rules::test::TestReport;

/// Groups of each kind that a report lists.
const LISTED: usize = 500;

/// One side of the comparison.
#[derive(Debug, Clone, Copy)]
pub struct Side<'a> {
    /// As the person named it.
    pub name: &'a str,
    /// The commit; none for the working tree.
    pub commit: Option<&'a str>,
    pub loaded: &'a Loaded,
}

#[derive(Debug, Clone, Copy)]
pub struct Question<'a> {
    pub base: Side<'a>,
    pub head: Side<'a>,
    /// The environment, as head has it; as base had it, where head has none of that name.
    pub environment: &'a Environment,
    /// The logs' prefix, if it is not the environment's.
    pub prefix: Option<LogLinePrefix>,
    /// Addresses of those who wrote the change.
    pub authors: &'a [String],
    /// What the change does to files next to the policy that guard it.
    pub guards: &'a [HearingChange],
    /// The day for which the policies are judged.
    pub today: Date,
    /// The rule tests of head, where they were run: the environment is among them.
    pub tested: Option<&'a TestReport>,
    /// The present moment.
    pub now: Timestamp,
    /// Nothing but access grants changes: nothing is attacked.
    pub is_short: bool,
}

/// Measures the change on logs, attacks what is new or changed with everything there is, and tells what
/// the samples are worth.
pub fn assess(
    question: &Question<'_>,
    inputs: &Inputs,
    progress: impl FnMut(Progress),
) -> (ImpactReport, ReadReport) {
    let comparison = Comparison::of(question);
    let (measured, read) = comparison.judges.measure(inputs, progress);
    let logs = Logs {
        files: inputs
            .sources()
            .iter()
            .map(|source| source.name().into_owned())
            .collect(),
        bytes: read.bytes,
        entries: read.entries,
        foreign: read.foreign_count,
        broken: read.broken_count,
        unread: read.sentences(inputs),
        first: None,
        last: None,
    };
    (comparison.report(measured, logs, true), read)
}

/// What a change needs of people, by the files alone: no log is read, and nothing attacked.
pub fn needed(question: &Question<'_>) -> Approvals {
    let comparison = Comparison::of(question);
    let nothing = comparison.rows().finish();
    comparison.report(nothing, Logs::default(), false).approvals
}

/// Both policies, ready to judge. [`assess`] for logs that are fetched a row at a time.
pub struct Comparison<'a> {
    question: &'a Question<'a>,
    hearing: Hearing,
    base_source: QuerySource<'a>,
    head_source: QuerySource<'a>,
    judges: Judges,
}

impl<'a> Comparison<'a> {
    /// Of what a question asks.
    pub fn of(question: &'a Question<'a>) -> Self {
        let Question {
            base,
            head,
            environment,
            ..
        } = *question;
        let mut head_source = if is_there(question) {
            source(&head.loaded.policy, environment, question.prefix)
        } else {
            nothing(question.prefix.unwrap_or(environment.log_line_prefix))
        };
        if !is_there(question) {
            // Nothing counts where nothing is read.
            head_source.signals.clear();
        }
        let hearing = hear(question);
        let old = base.loaded.policy.environment(&environment.name);
        let base_source = old.map_or_else(
            || nothing(head_source.prefix),
            |old| {
                let mut source = source(&base.loaded.policy, old, question.prefix);
                // The logs have one prefix, whatever the files said before.
                source.prefix = head_source.prefix;
                source
            },
        );
        let judges = Judges::new(
            &base_source.rules(),
            &head_source.rules(),
            Details::of(&hearing),
        );
        Self {
            question,
            hearing,
            base_source,
            head_source,
            judges,
        }
    }

    /// What either policy can count: the signals of both, without the accounts that neither audits. A group lies within
    /// an hour, as the steps of a timeline do.
    pub fn fetch(&self) -> Fetch {
        let (base, head) = (&self.base_source, &self.head_source);
        let mut signals = head.signals.clone();
        signals.extend(base.signals.iter().filter(|s| !head.signals.contains(s)));
        let of_base = || base.service_accounts.iter().map(|account| &account.role);
        let of_both = head
            .service_accounts
            .iter()
            .map(|account| &account.role)
            .filter(|role| of_base().any(|known| known == *role));
        Fetch::new(head.prefix, &signals, 60, of_both)
    }

    /// Takes rows of that query.
    pub fn rows(&self) -> Rows<'_> {
        Rows::of(&self.judges)
    }

    /// What came of all rows.
    pub fn of_rows(&self, rows: Rows<'_>, logs: Logs) -> ImpactReport {
        self.report(rows.finish(), logs, true)
    }

    fn report(&self, measured: Measured, logs: Logs, is_examined: bool) -> ImpactReport {
        let Self {
            question,
            base_source,
            head_source,
            ..
        } = self;
        let Question {
            base,
            head,
            environment,
            ..
        } = **question;
        let mut hearing = self.hearing.clone();
        let changes = direction::compare(
            &base.loaded.policy,
            &head.loaded.policy,
            &environment.name,
            question.today,
        );
        let sums = Sums::of(&measured);
        let place = |id: &str| {
            let of = |source: &QuerySource<'_>| source.exclusions.iter().position(|e| e.id == id);
            (of(head_source).unwrap_or(usize::MAX), of(base_source))
        };
        let mut in_order: Vec<&direction::ExclusionChange> = changes.exclusions.iter().collect();
        in_order.sort_by_key(|change| place(&change.id));
        let mut exclusions = Vec::new();
        for change in in_order {
            exclusions.extend(exclusion(
                question,
                &sums,
                &measured,
                change,
                (base_source, head_source),
            ));
        }
        if is_there(question) {
            if is_examined && !question.is_short {
                examine(question, &mut exclusions);
            }
        } else {
            // They silence nothing where nothing is watched.
            exclusions.clear();
        }
        let totals = sums.totals();
        hearing.extend(account_changes(question, &changes));
        if measured.span.is_some() {
            for change in &mut hearing.changes {
                change.cost = measured.cost(&change.measured_by);
            }
        }
        // What is measured or seen in the texts is a proof that the automata had not.
        let silences = exclusions
            .iter()
            .map(|exclusion| exclusion.direction)
            .find(|direction| *direction == direction::Verdict::Widened)
            .filter(|_| changes.overall == direction::Verdict::Unknown)
            .unwrap_or(changes.overall);
        let direction = hearing::together(silences, hearing.direction);
        let (approvals, mut faults) = approvals(&approvals::Facts {
            base: &base.loaded.policy,
            head: &head.loaded.policy,
            environment,
            direction,
            exclusions: &exclusions,
            hearing: &hearing,
            authors: question.authors,
            today: question.today,
            now: question.now,
        });
        faults.extend(exclusions.iter().filter_map(evadable));
        faults.extend(over_limits(&head.loaded.policy, &totals, &exclusions));
        let protected = &head.loaded.policy.protected;
        if measured
            .newly_silent
            .keys()
            .any(|key| is_protected(key, protected))
        {
            faults.push(Fault {
                code: "impact/protected".to_owned(),
                exclusion: None,
                message: "protected records become silent".to_owned(),
                help: "see the groups marked (!), and narrow the exclusions that silence them"
                    .to_owned(),
            });
        }
        // What is worth a mark: it writes, or it touches what is protected.
        let grave = |key: &Key| key.class == "WRITE" || is_protected(key, protected);
        let timeline = timeline(&measured, head_source);
        let span = measured.span;
        let (newly_silent, left_out) = listed(measured.newly_silent, LISTED, grave);
        let (newly_loud, also_left_out) = listed(measured.newly_loud, LISTED, grave);
        let revision = |side: Side<'_>, digest: String| Revision {
            name: side.name.to_owned(),
            commit: side.commit.map(str::to_owned),
            rules_digest: digest,
        };
        ImpactReport {
            format_version: FORMAT_VERSION,
            pgvigil: env!("CARGO_PKG_VERSION").to_owned(),
            today: question.today.to_string(),
            env: environment.name.clone(),
            base: revision(base, base_source.rules().digest()),
            head: revision(head, head_source.rules().digest()),
            logs: Logs {
                first: span.map(|(first, _)| rfc3339(first)),
                last: span.map(|(_, last)| rfc3339(last)),
                ..logs
            },
            totals,
            accounts: accounts(question, &changes),
            signals_off: changes.signals_off.into_iter().map(str::to_owned).collect(),
            exclusions,
            newly_silent,
            newly_loud,
            groups_left_out: left_out + also_left_out,
            direction,
            hearing,
            faults,
            approvals,
            timeline,
        }
    }
}

/// Whether head has the environment.
fn is_there(question: &Question<'_>) -> bool {
    let policy = &question.head.loaded.policy;
    policy.environment(&question.environment.name).is_some()
}

/// What the alarm covers, with the environment's own name.
fn hear(question: &Question<'_>) -> Hearing {
    let mut hearing = hearing::compare(&hearing::Ground {
        base: &question.base.loaded.policy,
        head: &question.head.loaded.policy,
        environment: &question.environment.name,
        called: &question.environment.name,
        today: question.today,
    });
    hearing.extend(question.guards.iter().cloned());
    let faults = question.base.loaded.diagnostics.errors();
    if faults > 0 {
        // A person who could not be read there would seem to be new here.
        hearing.extend([HearingChange {
            key: "version".to_owned(),
            direction: Hears::NotComparable,
            sentence: format!(
                "the policy before the change has {}, so its unreadable parts cannot be compared",
                count(faults, "error")
            ),
            people: Vec::new(),
            owners: Vec::new(),
            cost: None,
            measured_by: Cost::Unknown,
        }]);
    }
    hearing
}

/// The report of an environment that another one shares, which is like it but for the name.
pub fn named(report: &ImpactReport, question: &Question<'_>) -> ImpactReport {
    let mut report = ImpactReport {
        env: question.environment.name.clone(),
        ..report.clone()
    };
    let known = std::mem::take(&mut report.hearing.changes);
    let own = hear(question);
    // The same changes in the same order, but for those of accounts, which name no environment.
    let (accounts, others): (Vec<_>, Vec<_>) = known
        .into_iter()
        .partition(|change| change.measured_by == Cost::Unknown && is_of_account(change));
    let mut changes = own.changes;
    for (change, known) in changes.iter_mut().zip(others) {
        change.cost = known.cost;
    }
    report.hearing.extend(changes.into_iter().chain(accounts));
    let (approvals, faults) = approvals(&approvals::Facts {
        base: &question.base.loaded.policy,
        head: &question.head.loaded.policy,
        environment: question.environment,
        direction: report.direction,
        exclusions: &report.exclusions,
        hearing: &report.hearing,
        authors: question.authors,
        today: question.today,
        now: question.now,
    });
    report.approvals = approvals;
    report
        .faults
        .retain(|fault| fault.code != "impact/own-role");
    report.faults.splice(0..0, faults);
    report
}

fn is_of_account(change: &HearingChange) -> bool {
    change.key == ACCOUNTS
}

/// The key under which changes of accounts are reported.
const ACCOUNTS: &str = "service_accounts";

/// Accounts that are silent now and were not, or the other way round.
fn account_changes(
    question: &Question<'_>,
    changes: &direction::DirectionReport,
) -> Vec<HearingChange> {
    if changes.presence == direction::Presence::Removed {
        return Vec::new();
    }
    let owners = accounts(question, changes);
    changes
        .accounts
        .iter()
        .filter_map(|account| {
            let direction = match account.verdict {
                direction::Verdict::Unchanged => return None,
                direction::Verdict::Narrowed => Hears::More,
                direction::Verdict::Widened | direction::Verdict::Unknown => Hears::Less,
                direction::Verdict::Incomparable => Hears::NotComparable,
            };
            let who = if account.is_pattern {
                format!("every role that matches `{}`", account.role)
            } else {
                format!("`{}`", account.role)
            };
            let sentence = if direction == Hears::More {
                format!("{who} is no longer a service account: its statements count again")
            } else {
                format!("{who} is now a service account, which is not audited: its statements no longer count")
            };
            let owner = owners
                .iter()
                .find(|one| (&one.role, one.is_pattern) == (&account.role, account.is_pattern))
                .map(|one| one.owner.clone());
            Some(HearingChange {
                key: ACCOUNTS.to_owned(),
                direction,
                sentence,
                people: Vec::new(),
                owners: owner.into_iter().collect(),
                cost: None,
                measured_by: Cost::Unknown,
            })
        })
        .collect()
}

fn source<'a>(
    policy: &'a Policy,
    environment: &'a Environment,
    prefix: Option<LogLinePrefix>,
) -> QuerySource<'a> {
    let mut source = QuerySource::of(policy, environment);
    source.prefix = prefix.unwrap_or(source.prefix);
    source
}

/// Where the environment is new, everything was loud.
fn nothing(prefix: LogLinePrefix) -> QuerySource<'static> {
    QuerySource::new(prefix)
}

/// Records by what both queries do with them.
struct Sums {
    head: BTreeMap<Fate, u64>,
    /// Records of people: head does not count them out by their account.
    base_of_people: BTreeMap<Fate, u64>,
    head_of_people: BTreeMap<Fate, u64>,
    /// Newly silent by the exclusion of head.
    newly_silent: BTreeMap<Fate, u64>,
    newly_loud: u64,
    /// Roles by the exclusion of head.
    users: BTreeMap<Fate, BTreeSet<String>>,
}

impl Sums {
    fn of(measured: &Measured) -> Self {
        let mut sums = Self {
            head: BTreeMap::new(),
            base_of_people: BTreeMap::new(),
            head_of_people: BTreeMap::new(),
            newly_silent: BTreeMap::new(),
            newly_loud: 0,
            users: BTreeMap::new(),
        };
        for (user, cell, number) in measured.cells() {
            let Cell { base, head, .. } = *cell;
            *sums.head.entry(head).or_default() += number;
            if head != Fate::Account {
                *sums.base_of_people.entry(base).or_default() += number;
                *sums.head_of_people.entry(head).or_default() += number;
            }
            match (base == Fate::Counted, head == Fate::Counted) {
                (true, false) => *sums.newly_silent.entry(head).or_default() += number,
                (false, true) => sums.newly_loud += number,
                _ => {}
            }
            if matches!(head, Fate::Silenced(_)) {
                sums.users.entry(head).or_default().insert(user.to_owned());
            }
        }
        sums
    }

    fn totals(&self) -> Totals {
        let all = |sums: &BTreeMap<Fate, u64>| sums.values().sum::<u64>();
        let silenced = |sums: &BTreeMap<Fate, u64>| {
            sums.iter()
                .filter(|(fate, _)| matches!(fate, Fate::Silenced(_)))
                .map(|(_, number)| number)
                .sum::<u64>()
        };
        let counted = |sums: &BTreeMap<Fate, u64>| sums.get(&Fate::Counted).copied().unwrap_or(0);
        let records = all(&self.head);
        let of_people = all(&self.head_of_people);
        let (silenced_base, silenced_head) = (
            silenced(&self.base_of_people),
            silenced(&self.head_of_people),
        );
        Totals {
            records,
            of_accounts: records - of_people,
            of_people,
            counted_base: counted(&self.base_of_people),
            counted_head: counted(&self.head_of_people),
            silenced_base,
            silenced_head,
            newly_silent: self.newly_silent.values().sum(),
            newly_loud: self.newly_loud,
            share_base: share(silenced_base, of_people),
            share_head: share(silenced_head, of_people),
        }
    }
}

fn share(part: u64, whole: u64) -> f64 {
    if whole == 0 {
        0.0
    } else {
        part as f64 / whole as f64
    }
}

fn exclusion(
    question: &Question<'_>,
    sums: &Sums,
    measured: &Measured,
    change: &direction::ExclusionChange,
    (base, head): (&QuerySource<'_>, &QuerySource<'_>),
) -> Option<ExclusionImpact> {
    let place_in = |source: &QuerySource<'_>| {
        source
            .exclusions
            .iter()
            .position(|exclusion| exclusion.id == change.id)
            .map(Fate::Silenced)
    };
    let (in_base, in_head) = (place_in(base), place_in(head));
    let find = |side: Side<'_>| -> Option<Exclusion> {
        let exclusions = &side.loaded.policy.exclusions;
        exclusions.iter().find(|e| e.id == change.id).cloned()
    };
    let (side, exclusion) = match in_head {
        Some(_) => (question.head, find(question.head)?),
        None => (question.base, find(question.base)?),
    };
    let of = |sums: &BTreeMap<Fate, u64>, fate: Option<Fate>| {
        fate.and_then(|fate| sums.get(&fate).copied()).unwrap_or(0)
    };
    let silenced_head = of(&sums.head_of_people, in_head);
    let of_people: u64 = sums.head_of_people.values().sum();
    let last_used = match in_head {
        Some(Fate::Silenced(index)) => measured.last_used.get(&index).copied().map(rfc3339),
        _ => None,
    };
    let files = &side.loaded.files;
    let last_day = exclusion.last_day();
    let limit = question.head.loaded.policy.limits.max_exclusion_share;
    let newly_silent = of(&sums.newly_silent, in_head);
    // A record that was counted and is silenced by it now is a proof.
    let is_seen = change.verdict == direction::Verdict::Unknown && newly_silent > 0;
    let verdict = if is_seen || change.is_looser {
        direction::Verdict::Widened
    } else {
        change.verdict
    };
    let mut opens = match in_head {
        Some(_) if verdict.may_silence_more() => {
            let was_there = base.exclusions.iter().find(|was| was.id == change.id);
            opened(&exclusion, was_there.copied())
        }
        _ => Vec::new(),
    };
    let mut why = match change.change {
        Change::Unchanged => Vec::new(),
        _ if is_seen => vec!["it silences records of these logs that were counted".to_owned()],
        _ if change.is_looser => {
            vec![
                "a condition is gone or accepts more, so records that it kept loud are silent"
                    .to_owned(),
            ]
        }
        _ => vec![change.why.clone()],
    };
    if !opens.is_empty() {
        why.insert(0, sentence(&exclusion, &opens));
        if !reads_anything(&exclusion.matcher) {
            // A text has to fit, so that the evasion analysis has something to try.
            opens.clear();
        }
    }
    if change.lives_longer {
        why.push("and it lasts longer".to_owned());
    }
    Some(ExclusionImpact {
        opens,
        file: files.path(exclusion.place.file).to_owned(),
        line: files
            .position(exclusion.place.file, exclusion.place.span.start)
            .line,
        last_day: last_day.map(|day| day.to_string()),
        days_left: last_day
            .and_then(|day| question.today.until(day).ok())
            .map(|span| i64::from(span.get_days())),
        accepted_by: exclusion
            .accepted_risk
            .as_ref()
            .map(|risk| risk.owner.clone()),
        change: change.change,
        direction: verdict,
        why: why.join("; "),
        counterexample: change.counterexample.as_ref().map(counterexample),
        silenced_base: of(&sums.base_of_people, in_base),
        silenced_head,
        newly_silent,
        users: in_head
            .and_then(|fate| sums.users.get(&fate))
            .map_or(0, |users| users.len() as u64),
        share: share(silenced_head, of_people),
        max_share: exclusion.max_silenced_share.or(limit),
        last_used,
        // Filled in later.
        attack: None,
        tests: None,
        id: exclusion.id,
        title: exclusion.title,
        reason: exclusion.reason,
        owner: exclusion.owner,
        ticket: exclusion.ticket,
    })
}

fn counterexample(found: &direction::Counterexample) -> Counterexample {
    Counterexample {
        user: found.user.clone(),
        class: found.class.clone(),
        command: found.command.clone(),
        object_type: found.object_type.clone(),
        object: found.object.clone(),
        statement: found
            .statement
            .as_ref()
            .map(|text| String::from_utf8_lossy(text).into_owned()),
    }
}

fn accounts(question: &Question<'_>, changes: &direction::DirectionReport) -> Vec<AccountImpact> {
    let sides = [question.head.loaded, question.base.loaded];
    let mut found = Vec::new();
    for change in changes
        .accounts
        .iter()
        .filter(|c| c.change != Change::Unchanged)
    {
        let account = sides
            .iter()
            .flat_map(|loaded| &loaded.policy.service_accounts)
            .find(|account| match &account.role {
                RoleMatch::Name(name) => !change.is_pattern && *name == change.role,
                RoleMatch::Pattern(pattern) => change.is_pattern && pattern.as_str() == change.role,
            });
        found.push(AccountImpact {
            role: change.role.clone(),
            is_pattern: change.is_pattern,
            change: change.change,
            reason: account
                .map(|account| account.reason.clone())
                .unwrap_or_default(),
            owner: account
                .map(|account| account.owner.clone())
                .unwrap_or_default(),
        });
    }
    found
}

/// Shares that the policy does not allow.
fn over_limits(policy: &Policy, totals: &Totals, exclusions: &[ExclusionImpact]) -> Vec<Fault> {
    let mut faults = Vec::new();
    let percent = |share: f64| format!("{:.2} %", share * 100.0);
    if let Some(limit) = policy.limits.max_silenced_share
        && totals.share_head > limit
    {
        faults.push(Fault {
            code: "impact/share".to_owned(),
            exclusion: None,
            message: format!(
                "{} of people's records are silent; the limit `limits.max_silenced_share` is {}",
                percent(totals.share_head),
                percent(limit)
            ),
            help: "reduce the noise at its source (`pgaudit.log` of the tool's role), or raise the limit with approval".to_owned(),
        });
    }
    for exclusion in exclusions.iter().filter(|e| e.change != Change::Removed) {
        if let Some(limit) = exclusion.max_share
            && exclusion.share > limit
        {
            faults.push(Fault {
                code: "impact/share".to_owned(),
                exclusion: Some(exclusion.id.clone()),
                message: format!(
                    "the exclusion `{}` silences {} of people's records; the limit is {}",
                    exclusion.id,
                    percent(exclusion.share),
                    percent(limit)
                ),
                help: "narrow it, or give it a `max_silenced_share` of its own with approval"
                    .to_owned(),
            });
        }
    }
    faults
}

fn is_protected(key: &Key, protected: &[Records]) -> bool {
    protected.iter().any(|entry| touches(entry, key))
}

/// Whether a group belongs to the protected records, as far as its fields show.
fn touches(entry: &Records, key: &Key) -> bool {
    let fits = |wanted: &Option<Vec<String>>, value: &str| {
        wanted
            .as_ref()
            .is_none_or(|wanted| wanted.iter().any(|w| w == value))
    };
    let (schema, relation) = key.object.split_once('.').unwrap_or(("", &key.object));
    fits(&entry.user, &key.user)
        && fits(&entry.class, &key.class)
        && fits(&entry.command, &key.command)
        && fits(&entry.schema, schema)
        && fits(&entry.relation, relation)
}
