//! Puts together what a change does: direction, measured effect, limits, approvals.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;

use super::approvals::{self, approvals};
use super::measure::{Cell, Fate, Judges, Key, Measured, OTHERS, listed, rfc3339};
use super::report::{
    AccountImpact, Attack, Change, Counterexample, Evasion, ExclusionImpact, FORMAT_VERSION, Fault,
    ImpactReport, Logs, Revision, Row, Tests, Timeline, Totals,
};
use crate::audit_log::prefix::LogLinePrefix;
use crate::audit_log::reader::{Inputs, Progress, ReadReport};
use crate::compile::{QuerySource, digest};
use crate::policy::Loaded;
use crate::policy::model::{Environment, Exclusion, Policy, Protected, RoleMatch};
use crate::rules::evaluator::EvaluatorError;
use crate::rules::{attack, direction, test};

/// Groups of each kind that a report lists.
const LISTED: usize = 500;
/// Evasions of an exclusion that a report shows.
const EVASIONS: usize = 5;
/// Steps of the timeline, at most.
const STEPS: usize = 96;
/// Roles with a row of their own in the timeline.
const ROWS: usize = 12;

/// One side of the comparison.
#[derive(Debug, Clone, Copy)]
pub struct Side<'a> {
    /// As the person named it.
    pub name: &'a str,
    /// The commit; none for the working tree.
    pub commit: Option<&'a str>,
    /// The policy.
    pub loaded: &'a Loaded,
}

/// What is compared.
#[derive(Debug, Clone, Copy)]
pub struct Question<'a> {
    /// Before the change.
    pub base: Side<'a>,
    /// After it.
    pub head: Side<'a>,
    /// The environment, as head has it.
    pub environment: &'a Environment,
    /// The logs' prefix, if it is not the environment's.
    pub prefix: Option<LogLinePrefix>,
    /// Addresses of those who wrote the change.
    pub authors: &'a [String],
    /// The day for which the policies are judged.
    pub today: Date,
}

/// Measures the change on logs, attacks what is new or changed with everything there is, and tells what
/// the samples are worth.
///
/// # Errors
/// If a compiled query uses what the interpreter refuses.
pub fn assess(
    question: &Question<'_>,
    inputs: &Inputs,
    progress: impl FnMut(Progress),
) -> Result<(ImpactReport, ReadReport), EvaluatorError> {
    let Question {
        base,
        head,
        environment,
        ..
    } = *question;
    let head_source = source(&head.loaded.policy, environment, question.prefix);
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
    let (base_query, head_query) = (base_source.alarm(""), head_source.alarm(""));
    let judges = Judges::new(&base_query, &head_query, head_source.prefix)?;
    let (measured, read) = judges.measure(inputs, progress);

    let changes = direction::compare(
        &base.loaded.policy,
        &head.loaded.policy,
        &environment.name,
        question.today,
    )?;
    let sums = Sums::of(&measured);
    let place = |id: &str| {
        let of = |source: &QuerySource<'_>| source.exclusions.iter().position(|e| e.id == id);
        (of(&head_source).unwrap_or(usize::MAX), of(&base_source))
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
            (&base_source, &head_source),
        ));
    }
    examine(question, &mut exclusions)?;
    let totals = sums.totals();
    let direction = changes.overall;
    let (approvals, mut faults) = approvals(&approvals::Facts {
        base: &base.loaded.policy,
        head: &head.loaded.policy,
        environment,
        direction,
        exclusions: &exclusions,
        authors: question.authors,
    });
    faults.extend(exclusions.iter().filter_map(evadable));
    faults.extend(over_limits(&head.loaded.policy, &totals, &exclusions));
    let grave = |key: &Key| is_grave(key, &head.loaded.policy.protected);
    let timeline = timeline(&measured, &head_source);
    let span = measured.span;
    let (newly_silent, left_out) = listed(measured.newly_silent, LISTED, grave);
    let (newly_loud, also_left_out) = listed(measured.newly_loud, LISTED, grave);
    if newly_silent
        .iter()
        .any(|group| is_protected_group(group, &head.loaded.policy.protected))
    {
        faults.push(Fault {
            code: "impact/protected",
            exclusion: None,
            message: "records of what is protected become silent".to_owned(),
            help: "see the groups marked (!), and narrow what silences them".to_owned(),
        });
    }
    let revision = |side: Side<'_>, text: &str| Revision {
        name: side.name.to_owned(),
        commit: side.commit.map(str::to_owned),
        query_digest: digest(text),
    };
    let report = ImpactReport {
        format_version: FORMAT_VERSION,
        pgvigil: env!("CARGO_PKG_VERSION").to_owned(),
        today: question.today.to_string(),
        env: environment.name.clone(),
        base: revision(base, &base_query.text),
        head: revision(head, &head_query.text),
        logs: Logs {
            files: inputs
                .sources()
                .iter()
                .map(|source| source.name().into_owned())
                .collect(),
            bytes: read.bytes,
            entries: read.entries,
            foreign: read.foreign_count,
            broken: read.broken_count,
            first: span.map(|(first, _)| rfc3339(first)),
            last: span.map(|(_, last)| rfc3339(last)),
        },
        totals,
        accounts: accounts(question, &changes),
        exclusions,
        newly_silent,
        newly_loud,
        groups_left_out: left_out + also_left_out,
        direction,
        faults,
        approvals,
        timeline,
    };
    Ok((report, read))
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
    QuerySource {
        prefix,
        service_accounts: Vec::new(),
        exclusions: Vec::new(),
        protected_users: Vec::new(),
    }
}

/// Records by what both queries do with them.
struct Sums {
    base: BTreeMap<Fate, u64>,
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
            base: BTreeMap::new(),
            head: BTreeMap::new(),
            base_of_people: BTreeMap::new(),
            head_of_people: BTreeMap::new(),
            newly_silent: BTreeMap::new(),
            newly_loud: 0,
            users: BTreeMap::new(),
        };
        for (user, cell, number) in measured.cells() {
            let Cell { base, head, .. } = *cell;
            *sums.base.entry(base).or_default() += number;
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
    Some(ExclusionImpact {
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
        direction: change.verdict,
        why: if change.change == Change::Unchanged {
            String::new()
        } else {
            change.why.clone()
        },
        counterexample: change.counterexample.as_ref().map(counterexample),
        silenced_base: of(&sums.base_of_people, in_base),
        silenced_head,
        newly_silent: of(&sums.newly_silent, in_head),
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

/// Fills in what the evasion analysis and the tests say of the exclusions of head.
fn examine(
    question: &Question<'_>,
    exclusions: &mut [ExclusionImpact],
) -> Result<(), EvaluatorError> {
    let (loaded, environment) = (question.head.loaded, question.environment);
    let (changed, same): (Vec<&ExclusionImpact>, Vec<&ExclusionImpact>) = exclusions
        .iter()
        .filter(|exclusion| exclusion.change != Change::Removed)
        .partition(|exclusion| exclusion.change != Change::Unchanged);
    let changed_ids: BTreeSet<&str> = changed.iter().map(|e| e.id.as_str()).collect();
    let mut attacks: BTreeMap<String, Attack> = BTreeMap::new();
    for (some, effort) in [
        (changed, attack::Effort::Full),
        (same, attack::Effort::Bounded),
    ] {
        if some.is_empty() {
            continue;
        }
        let options = attack::Options {
            effort,
            exclusions: Some(some.iter().map(|exclusion| exclusion.id.clone()).collect()),
        };
        let report = attack::run(&loaded.policy, environment, question.today, &options)?;
        for mut found in report.exclusions {
            // What hides behind an old exclusion only together with a new one is held against the new one.
            let mut silent = found.silent as u64;
            if !changed_ids.contains(found.id.as_str()) {
                found.evasions.retain(|evasion| {
                    !evasion
                        .silenced_by
                        .iter()
                        .any(|id| changed_ids.contains(id.as_str()))
                });
                if found.evasions.is_empty() {
                    silent = 0;
                }
            }
            attacks.insert(
                found.id,
                Attack {
                    tried: found.statements as u64,
                    silent,
                    evasions: found
                        .evasions
                        .into_iter()
                        .take(EVASIONS)
                        .map(|evasion| Evasion {
                            does: format!("{}, {}", evasion.does, evasion.kind.title()),
                            statement: evasion.script,
                        })
                        .collect(),
                },
            );
        }
    }
    let tested = test::run(loaded, &[], &[environment], question.today)?;
    let mut tests: BTreeMap<String, Tests> = BTreeMap::new();
    for found in tested
        .environments
        .into_iter()
        .flat_map(|report| report.exclusions)
    {
        let mutation = found.findings.mutation;
        tests.insert(
            found.id,
            Tests {
                silences: found.silenced as u64,
                near_misses: found.near_misses as u64,
                killed: mutation.killed as u64,
                mutants: mutation.total as u64,
                survivors: mutation
                    .survivors
                    .into_iter()
                    .map(|survivor| survivor.change)
                    .collect(),
            },
        );
    }
    for exclusion in exclusions {
        if exclusion.change != Change::Removed {
            exclusion.attack = attacks.remove(&exclusion.id);
            exclusion.tests = tests.remove(&exclusion.id);
        }
    }
    Ok(())
}

/// That people can hide behind an exclusion, and nobody answers for it.
fn evadable(exclusion: &ExclusionImpact) -> Option<Fault> {
    let attack = exclusion.attack.as_ref()?;
    if attack.silent == 0 || exclusion.accepted_by.is_some() {
        return None;
    }
    Some(Fault {
        code: "impact/evadable",
        exclusion: Some(exclusion.id.clone()),
        message: format!("a person can hide behind the exclusion `{}`", exclusion.id),
        help:
            "narrow it until the statement counts, or let somebody accept the risk for a short time"
                .to_owned(),
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
                RoleMatch::Pattern(pattern) => change.is_pattern && *pattern == change.role,
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
            code: "impact/share",
            exclusion: None,
            message: format!(
                "{} of people's records are silent, and `limits.max_silenced_share` allows {}",
                percent(totals.share_head),
                percent(limit)
            ),
            help: "silence noise where it is made (`pgaudit.log` of the tool's role), or raise the limit with approval".to_owned(),
        });
    }
    for exclusion in exclusions.iter().filter(|e| e.change != Change::Removed) {
        if let Some(limit) = exclusion.max_share
            && exclusion.share > limit
        {
            faults.push(Fault {
                code: "impact/share",
                exclusion: Some(exclusion.id.clone()),
                message: format!(
                    "the exclusion `{}` silences {} of people's records, and {} are allowed",
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

/// Whether a group is worth a mark: it writes, or it touches what is protected.
fn is_grave(key: &Key, protected: &[Protected]) -> bool {
    key.class == "WRITE" || protected.iter().any(|entry| touches(entry, key))
}

fn is_protected_group(group: &super::report::Group, protected: &[Protected]) -> bool {
    let key = Key {
        user: group.user.clone(),
        class: group.class.clone(),
        command: group.command.clone(),
        object: group.object.clone(),
    };
    protected.iter().any(|entry| touches(entry, &key))
}

/// Whether a group is one of the protected records, as far as its fields tell.
fn touches(entry: &Protected, key: &Key) -> bool {
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

/// The records of people by time, as head judges them.
fn timeline(measured: &Measured, head: &QuerySource<'_>) -> Timeline {
    let hours = || measured.cells().filter_map(|(_, cell, _)| cell.hour);
    let (Some(first), Some(last)) = (hours().min(), hours().max()) else {
        return Timeline::default();
    };
    let spread = usize::try_from(last - first + 1).unwrap_or(usize::MAX);
    // Whole hours, then whole days: a reader counts in those.
    let width = match spread.div_ceil(STEPS) {
        hours @ 0..=6 => hours.max(1),
        hours @ 7..=12 => hours.max(12),
        hours => hours.div_ceil(24) * 24,
    };
    let start = first.div_euclid(width as i64) * width as i64;
    let steps = usize::try_from((last - start) / width as i64 + 1).unwrap_or(1);
    let row = |name: &str| Row {
        name: name.to_owned(),
        counted: vec![0; steps],
        silenced: vec![0; steps],
    };
    let mut all = row("");
    let mut by_user: BTreeMap<&str, Row> = BTreeMap::new();
    let mut by_exclusion: Vec<Row> = head
        .exclusions
        .iter()
        .map(|exclusion| row(&exclusion.id))
        .collect();
    for (user, cell, number) in measured.cells() {
        let Some(hour) = cell.hour else { continue };
        let step = usize::try_from((hour - start) / width as i64).unwrap_or(0);
        let add = |row: &mut Row, is_silent: bool| {
            let values = if is_silent {
                &mut row.silenced
            } else {
                &mut row.counted
            };
            if let Some(value) = values.get_mut(step) {
                *value += number;
            }
        };
        let is_silent = match cell.head {
            Fate::Counted => false,
            Fate::Silenced(index) => {
                if let Some(row) = by_exclusion.get_mut(index) {
                    add(row, true);
                }
                true
            }
            Fate::Account | Fate::Nothing => continue,
        };
        add(&mut all, is_silent);
        add(by_user.entry(user).or_insert_with(|| row(user)), is_silent);
    }
    let sum = |row: &Row| row.counted.iter().chain(&row.silenced).sum::<u64>();
    let mut users: Vec<Row> = by_user.into_values().collect();
    users.sort_by(|a, b| sum(b).cmp(&sum(a)).then_with(|| a.name.cmp(&b.name)));
    if users.len() > ROWS {
        let mut rest = row(OTHERS);
        for user in users.split_off(ROWS - 1) {
            for (total, part) in [
                (&mut rest.counted, user.counted),
                (&mut rest.silenced, user.silenced),
            ] {
                for (total, part) in total.iter_mut().zip(part) {
                    *total += part;
                }
            }
        }
        users.push(rest);
    }
    for row in &mut by_exclusion {
        row.counted = Vec::new();
    }
    Timeline {
        step_seconds: width as u64 * 3600,
        start: start * 3600,
        counted: all.counted,
        silenced: all.silenced,
        by_user: users,
        by_exclusion,
    }
}
