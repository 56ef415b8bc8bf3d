//! Attacks exclusions: those of an environment together, or each alone for `check`.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use indexmap::IndexMap;
use jiff::civil::Date;
use rayon::prelude::*;
use serde::Serialize;

use crate::audit_log::prefix::LogLinePrefix;
use crate::audit_log::timestamp::time_of;
use crate::diagnostic::{Code, Diagnostic, Diagnostics, quote};
use crate::judge::{self, Judge, Rule, Rules, Scratch, Verdict};
use crate::policy::Loaded;
use crate::policy::model::{Environment, Exclusion, Policy};
use crate::rules::sample;
use crate::source::Place;

use super::corpus::{corpus, plain};
use super::generate::GeneratedReport;
use super::plan::Terms;
use super::server::{OnServer, ServerReport};
use super::{Attack, AttackRecord, Harm, Kind, Who, lint, plan};

/// Exclusions that one query holds while each is attacked alone: the stages before them are made
/// once, and each record passes them all.
const TOGETHER: usize = 12;

/// How much is tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effort {
    /// A few attacks of each kind, and only where the fields that the server writes allow silence.
    Bounded,
    Full,
}

#[derive(Debug, Clone)]
pub struct Options {
    /// How much is tried.
    pub effort: Effort,
    /// Only these exclusions; all where it is `None`.
    pub exclusions: Option<Vec<String>>,
}

/// A record with its verdict.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct JudgedRecord {
    #[serde(flatten)]
    pub record: AttackRecord,
    /// `excluded`, `out_of_scope` or `not_a_record`.
    pub verdict: &'static str,
    /// The exclusions that silence it.
    pub excluded_by: Vec<String>,
}

/// A harmful statement that raises no alarm.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Evasion {
    pub kind: Kind,
    /// What it does, in a few words.
    pub does: String,
    /// Where the disguise is, in a few words.
    pub carrier: String,
    /// What it does to data.
    pub harm: Harm,
    /// The statements as they can be pasted.
    pub script: String,
    /// The setting of the person under which it is silent.
    pub log_relation: bool,
    pub who: Who,
    /// The records that it makes.
    pub records: Vec<JudgedRecord>,
    /// Every exclusion that takes part.
    pub silenced_by: Vec<String>,
    /// The condition of the exclusion that does not stop it.
    pub condition: String,
    /// Which item of the condition's list.
    pub item: Option<usize>,
    /// What a server says to it, where one was asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub server: Option<OnServer>,
}

/// What was tried on one exclusion.
#[derive(Debug, Clone, Serialize)]
pub struct ExclusionReport {
    pub id: String,
    /// The line of its file that names it.
    pub title: String,
    /// Statements that were tried.
    pub statements: usize,
    pub records: usize,
    /// Statements that stayed silent.
    pub silent: usize,
    /// The shortest of them, of each kind: those that change data first.
    pub evasions: Vec<Evasion>,
    /// Signs that a pattern accepts more than it says.
    pub notes: Vec<lint::Note>,
    /// Someone accepted the risk.
    pub accepted: bool,
}

/// What was tried in an environment.
#[derive(Debug, Clone, Serialize)]
pub struct AttackReport {
    /// The form of this report.
    pub format_version: u32,
    pub environment: String,
    /// Statements that were tried.
    pub statements: usize,
    pub records: usize,
    /// The exclusions, in the order of the policy.
    pub exclusions: Vec<ExclusionReport>,
    /// No tried statement evades the alarm, except where the risk was accepted.
    pub passed: bool,
    /// What a server says, where one was asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub server: Option<ServerReport>,
    /// What was generated and tried there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub generated: Option<GeneratedReport>,
}

/// What becomes of the records of one statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// One for each record, up to the first that counts.
    pub verdicts: Vec<Verdict>,
}

impl Outcome {
    /// Says whether no record counts.
    pub fn is_silent(&self) -> bool {
        !self.verdicts.contains(&Verdict::Counted)
    }

    /// The exclusions that silence a record, in the order in which they are met.
    pub fn silenced_by(&self) -> Vec<String> {
        let mut found: Vec<String> = Vec::new();
        for verdict in &self.verdicts {
            if let Verdict::Excluded(ids) = verdict {
                for id in ids {
                    if !found.contains(id) {
                        found.push(id.clone());
                    }
                }
            }
        }
        found
    }

    /// Says whether one exclusion by itself silences everything that is in scope.
    pub fn is_silenced_by_alone(&self, id: &str) -> bool {
        let mut is_excluded = false;
        for verdict in &self.verdicts {
            match verdict {
                Verdict::Counted => return false,
                Verdict::Excluded(ids) if ids.iter().any(|known| known == id) => is_excluded = true,
                Verdict::Excluded(_) => return false,
                Verdict::OutOfScope | Verdict::NotARecord => {}
            }
        }
        is_excluded
    }

    /// Whether the statement evades the alarm: no record counts, and at least one is excluded.
    pub fn is_evasion(&self) -> bool {
        self.is_silent()
            && self
                .verdicts
                .iter()
                .any(|verdict| matches!(verdict, Verdict::Excluded(_)))
    }
}

/// Judges the log entries of one statement, built or recorded.
pub fn judge_records<T: AsRef<[u8]>>(
    judge: &Judge,
    scratch: &mut Scratch,
    entries: &[T],
) -> Outcome {
    let mut verdicts = Vec::with_capacity(entries.len());
    for entry in entries {
        let entry = entry.as_ref();
        let outcome = judge.outcome(scratch, entry, || time_of(entry));
        let verdict = if outcome == judge::Outcome::Counted {
            Verdict::Counted
        } else {
            judge.verdict(scratch, entry)
        };
        let is_counted = verdict == Verdict::Counted;
        verdicts.push(verdict);
        if is_counted {
            break;
        }
    }
    Outcome { verdicts }
}

/// Every statement of the corpus as it runs on a server that [`SETUP`](super::corpus::SETUP) prepared: its name and its steps.
pub fn statements() -> Vec<(String, Vec<String>)> {
    let corpus = corpus();
    let actions = corpus.actions.iter().map(|entry| {
        let steps = entry.steps.iter().map(|step| plain(&step.sql)).collect();
        (entry.name.clone(), steps)
    });
    let riders = corpus.riders.iter().map(|entry| {
        let steps = entry
            .steps
            .iter()
            .map(|step| format!("SELECT {}", step.sql))
            .collect();
        (entry.name.clone(), steps)
    });
    actions.chain(riders).collect()
}

/// The attacks on an exclusion of an environment.
pub fn attacks(
    policy: &Policy,
    environment: &Environment,
    exclusion: &Exclusion,
    today: Date,
    effort: Effort,
) -> Vec<Attack> {
    let terms = Terms {
        person: sample::person(policy, environment, today),
        without_relations: policy
            .users_in(environment, today)
            .any(|user| !user.audit.log_relation),
        full: effort == Effort::Full,
    };
    plan::attacks(exclusion, terms)
}

/// Attacks the exclusions of an environment, with all its rules in force.
pub fn run(
    policy: &Policy,
    environment: &Environment,
    today: Date,
    options: &Options,
) -> AttackReport {
    let judge = Judge::new(&Rules::of(policy, environment));
    let prefix = judge.prefix();
    let wanted = chosen(policy, environment, options);
    let tried: Vec<(usize, usize, Vec<Found>)> = wanted
        .par_iter()
        .map(|exclusion| {
            let attacks = attacks(policy, environment, exclusion, today, options.effort);
            let statements = attacks.len();
            let records = attacks.iter().map(|attack| attack.records.len()).sum();
            let found = attacks
                .into_par_iter()
                .map_init(Scratch::default, |scratch, attack| {
                    try_one(&judge, scratch, prefix, attack)
                })
                .flatten()
                .collect();
            (statements, records, found)
        })
        .collect();
    let mut silent: BTreeMap<String, usize> = BTreeMap::new();
    let mut blamed: IndexMap<&str, BTreeMap<Rank, Found>> = wanted
        .iter()
        .map(|exclusion| (exclusion.id.as_str(), BTreeMap::new()))
        .collect();
    for found in tried.iter().flat_map(|(_, _, found)| found) {
        let Some(id) = culprit(found) else { continue };
        if let Some(kinds) = blamed.get_mut(id) {
            keep_shortest(kinds, found);
            *silent.entry(id.to_owned()).or_default() += 1;
        }
    }
    // Where the statement as it is stays silent, a forged name does nothing.
    for kinds in blamed.values_mut() {
        if kinds.keys().any(|(_, kind)| *kind == Kind::Plain) {
            kinds.retain(|(_, kind), _| *kind != Kind::Forged);
        }
    }
    let mut report = AttackReport {
        format_version: 1,
        environment: environment.name.clone(),
        statements: 0,
        records: 0,
        exclusions: Vec::new(),
        passed: true,
        server: None,
        generated: None,
    };
    for (exclusion, (statements, records, _)) in wanted.iter().zip(&tried) {
        let evasions: Vec<Evasion> = blamed
            .swap_remove(exclusion.id.as_str())
            .unwrap_or_default()
            .into_values()
            .map(evasion)
            .collect();
        let accepted = exclusion.is_risk_accepted(today);
        report.statements += statements;
        report.records += records;
        report.passed &= evasions.is_empty() || accepted;
        report.exclusions.push(ExclusionReport {
            id: exclusion.id.clone(),
            title: exclusion.title.clone(),
            statements: *statements,
            records: *records,
            silent: silent.get(exclusion.id.as_str()).copied().unwrap_or(0),
            evasions,
            notes: lint::notes(exclusion),
            accepted,
        });
    }
    report
}

/// The exclusions of an environment that are attacked.
pub(super) fn chosen<'a>(
    policy: &'a Policy,
    environment: &'a Environment,
    options: &Options,
) -> Vec<&'a Exclusion> {
    policy
        .exclusions_in(environment)
        .filter(|exclusion| {
            options
                .exclusions
                .as_ref()
                .is_none_or(|ids| ids.contains(&exclusion.id))
        })
        .collect()
}

/// An attack that raised no alarm.
#[derive(Debug, Clone)]
pub(super) struct Found {
    pub(super) attack: Attack,
    pub(super) outcome: Outcome,
}

/// The exclusion that an attack was made for, if it takes part in silencing it; else the first that does.
pub(super) fn culprit(found: &Found) -> Option<&str> {
    let excluded = found
        .outcome
        .verdicts
        .iter()
        .filter_map(|verdict| match verdict {
            Verdict::Excluded(ids) => Some(ids),
            _ => None,
        });
    let ids: Vec<&String> = excluded.flatten().collect();
    ids.iter()
        .find(|id| ***id == found.attack.exclusion)
        .or(ids.first())
        .map(|id| id.as_str())
}

fn try_one(
    judge: &Judge,
    scratch: &mut Scratch,
    prefix: LogLinePrefix,
    attack: Attack,
) -> Option<Found> {
    let outcome = judge_records(judge, scratch, &attack.entries(prefix));
    outcome.is_evasion().then_some(Found { attack, outcome })
}

/// The order of evasions in a report: those that change data first, then by kind.
pub(super) type Rank = (Reverse<Harm>, Kind);

pub(super) fn keep_shortest(kinds: &mut BTreeMap<Rank, Found>, found: &Found) {
    let cost = cost(found);
    let rank = (Reverse(found.attack.harm), found.attack.kind);
    match kinds.get(&rank) {
        Some(known) if self::cost(known) <= cost => {}
        _ => {
            kinds.insert(rank, found.clone());
        }
    }
}

/// How hard an evasion is to read: its length, more where it cannot be pasted as it is shown, or needs
/// a setting that is not the default.
fn cost(found: &Found) -> usize {
    let attack = &found.attack;
    let script = attack.script();
    let odd = script.chars().any(|c| c.is_control() && c != '\n');
    script.len()
        + attack.who.user.len()
        + attack.who.database.len()
        + if odd { 1_000 } else { 0 }
        + if attack.log_relation { 0 } else { 40 }
}

pub(super) fn evasion(found: Found) -> Evasion {
    let Found { attack, outcome } = found;
    Evasion {
        kind: attack.kind,
        does: attack.does.clone(),
        carrier: attack.carrier.clone(),
        harm: attack.harm,
        script: attack.script(),
        log_relation: attack.log_relation,
        silenced_by: outcome.silenced_by(),
        records: attack
            .records
            .iter()
            .zip(&outcome.verdicts)
            .map(|(record, verdict)| JudgedRecord {
                record: record.clone(),
                verdict: verdict.name().unwrap_or("not_a_record"),
                excluded_by: match verdict {
                    Verdict::Excluded(ids) => ids.clone(),
                    _ => Vec::new(),
                },
            })
            .collect(),
        who: attack.who,
        condition: attack.condition,
        item: attack.item,
        server: None,
    }
}

/// Attacks each exclusion of the policy alone, in the bounded form: the diagnostics
/// [`Code::ExclusionEvadable`].
pub fn check(loaded: &Loaded, today: Date) -> Diagnostics {
    let mut sink = Diagnostics::default();
    // Exclusions that say the same are attacked once.
    let mut equal: IndexMap<String, Vec<&Exclusion>> = IndexMap::new();
    for exclusion in &loaded.policy.exclusions {
        let samples: Vec<_> = exclusion
            .silences
            .iter()
            .map(|sample| {
                (
                    &sample.class,
                    &sample.command,
                    &sample.object,
                    &sample.statement,
                )
            })
            .collect();
        equal
            .entry(format!("{:?}{samples:?}", exclusion.matcher))
            .or_default()
            .push(exclusion);
    }
    let groups: Vec<&Vec<&Exclusion>> = equal.values().collect();
    let terms = Terms {
        person: "somebody",
        without_relations: loaded
            .policy
            .users
            .iter()
            .any(|user| !user.audit.log_relation),
        full: false,
    };
    let found: Vec<(&Vec<&Exclusion>, Evasion)> = groups
        .par_chunks(TOGETHER)
        .flat_map_iter(|chunk| check_together(chunk, terms))
        .collect();
    for (group, evasion) in found {
        for exclusion in group {
            sink.push(diagnostic(
                exclusion,
                &evasion,
                exclusion.is_risk_accepted(today),
            ));
        }
    }
    sink.sort();
    sink
}

/// Attacks exclusions that one judge has, each as if it were the only one.
fn check_together<'a>(
    chunk: &[&'a Vec<&'a Exclusion>],
    terms: Terms<'_>,
) -> Vec<(&'a Vec<&'a Exclusion>, Evasion)> {
    let rules = Rules {
        exclusions: chunk
            .iter()
            .filter_map(|group| group.first().copied().map(Rule::of))
            .collect(),
        ..Rules::new(LogLinePrefix::Short)
    };
    let judge = Judge::new(&rules);
    let mut scratch = Scratch::default();
    let mut found = Vec::new();
    for group in chunk {
        let Some(exclusion) = group.first() else {
            continue;
        };
        let mut kinds = BTreeMap::new();
        for attack in plan::attacks(exclusion, terms) {
            let outcome = judge_records(&judge, &mut scratch, &attack.entries(rules.prefix));
            if outcome.is_silenced_by_alone(&exclusion.id) {
                keep_shortest(&mut kinds, &Found { attack, outcome });
            }
        }
        // One is enough for a person who reads faults; `rules attack` shows the others. What hides stands before what the
        // exclusion says itself.
        let is_named = |found: &Found| found.attack.kind == Kind::Named;
        let shortest = kinds
            .into_values()
            .min_by_key(|found| (is_named(found), cost(found)));
        if let Some(shortest) = shortest {
            found.push((*group, evasion(shortest)));
        }
    }
    found
}

fn diagnostic(exclusion: &Exclusion, evasion: &Evasion, is_accepted: bool) -> Diagnostic {
    let mut diagnostic = Diagnostic::new(
        Code::ExclusionEvadable,
        format!(
            "the exclusion {} silences {}, which {}",
            quote(&exclusion.id),
            quote(&evasion.script),
            evasion.does
        ),
    )
    .at(place(exclusion, evasion))
    .help(match evasion.kind {
        Kind::Named => "give the whole text under `statement.equals` or `statement.matches`, or say who accepts the risk under \
                        `accepted_risk`"
            .to_owned(),
        kind => format!(
            "{}: {}; `pgvigil rules attack` shows the records",
            kind.title(),
            evasion.carrier
        ),
    });
    // Where a change brings it, the review refuses it.
    if is_accepted || evasion.kind == Kind::Named {
        diagnostic.severity = crate::diagnostic::Severity::Warning;
    }
    diagnostic
}

/// The condition that does not stop an evasion.
fn place(exclusion: &Exclusion, evasion: &Evasion) -> Place {
    let path = evasion.condition.as_str();
    if !exclusion.places.has(path) {
        return exclusion.match_place.clone();
    }
    match evasion.item {
        Some(item) => exclusion.places.item(path, item),
        None if path == "match" => exclusion.match_place.clone(),
        None => exclusion.places.key(path),
    }
}
