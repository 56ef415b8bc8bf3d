//! How many faults the samples of an exclusion catch, and how much its conditions do.
//!
//! The samples are the tests of an exclusion, and this module tests the tests. It makes small changes (*mutants*) of two
//! kinds. A *mutant of a rule* is the exclusion with one condition dropped, widened or narrowed; one more mutant is the
//! policy without the exclusion. It is caught (*killed*) if at least one sample no longer gets the promised verdict: a wider
//! rule silences a near miss, a narrower rule leaves a silenced sample loud. A mutant that survives is a mistake that
//! someone could make while every test still passes. A *mutant of a record* is the reverse: the exclusion stays, and a
//! silenced sample is changed in one thing that the exclusion claims to check, such as its class or a harmful call in its
//! text. It must be loud.
//!
//! All rule mutants of an exclusion are loaded into one judge, as exclusions with a number for an id. One verdict on a
//! sample then tells which of them silence it, so the cost is one verdict for each sample, not one for each pair. The judge
//! contains nothing else: no other exclusion can hide what a mutant lets through, and the result is the same in every
//! environment. Only the mutant "the exclusion is gone" depends on the other exclusions: it is caught by a sample that no
//! other exclusion silences.
//!
//! Samples that already fail are left out, because they cannot catch anything. From the dropped conditions follows which
//! conditions have a near miss of their own: one that only this condition keeps loud.

mod record;
mod rule;

use std::collections::BTreeSet;

use rayon::prelude::*;
use serde::Serialize;

use crate::audit_log::prefix::LogLinePrefix;
use crate::judge::{Judge, Rule, Rules, Scratch, Verdict, shorten};
use crate::policy::model::{Exclusion, Match, Sample};

use super::sample;
use super::test::Promise;

/// Characters of a statement that are shown.
const SHOWN: usize = 200;

/// What the mutants of one exclusion show.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Findings {
    /// Mutants of the rule.
    pub mutation: RuleMutants,
    /// Mutants of the silenced samples.
    pub record_mutants: RecordMutants,
    /// Conditions that a near miss fails alone: without the condition it would be silenced.
    pub near_miss_conditions: Vec<&'static str>,
    /// Conditions that no near miss fails alone.
    pub conditions_not_exercised: Vec<&'static str>,
    /// Fields of a record that the exclusion has no condition on.
    pub does_not_look_at: Vec<&'static str>,
}

/// Mutants of a rule.
#[derive(Debug, Clone, Default, Serialize)]
pub struct RuleMutants {
    /// Those that a sample notices.
    pub killed: usize,
    pub total: usize,
    /// Those that no sample notices.
    pub survivors: Vec<Survivor>,
}

/// What is changed in a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// The exclusion is gone: nothing is silenced by it.
    Remove,
    /// A condition is gone: more is silenced.
    Drop,
    /// A condition accepts more: more is silenced.
    Widen,
    /// A condition accepts less: less is silenced.
    Narrow,
}

impl Change {
    /// The kind of sample that can notice it.
    pub fn noticed_by(self) -> Promise {
        match self {
            Self::Drop | Self::Widen => Promise::StaysLoud,
            Self::Remove | Self::Narrow => Promise::Silences,
        }
    }
}

/// A change of a rule that no sample notices.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Survivor {
    /// The key below `match` in the policy file; nothing where the whole exclusion is gone.
    pub condition: Option<&'static str>,
    /// The kind of change.
    pub kind: Change,
    /// The change in words.
    pub change: String,
    /// The kind of sample that could notice it.
    pub noticed_by: Promise,
}

#[derive(Debug, Clone, Default, Serialize)]
pub struct RecordMutants {
    /// Those that stay loud.
    pub loud: usize,
    pub total: usize,
    /// Those that the exclusion silences.
    pub survivors: Vec<SilentRecord>,
}

/// A changed record that the exclusion silences.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SilentRecord {
    /// File of the sample that was changed.
    pub file: String,
    /// Its line, counted from 1.
    pub line: usize,
    /// The change in words.
    pub change: String,
    pub class: String,
    pub command: String,
    /// Object type; empty where there is no object.
    pub object_type: String,
    /// Object; empty where there is none.
    pub object: String,
    /// Text of the statement, shortened.
    pub statement: String,
}

/// A sample that is judged as promised.
#[derive(Debug, Clone)]
pub(super) struct Kept<'a> {
    pub(super) promise: Promise,
    pub(super) sample: &'a Sample,
    pub(super) file: &'a str,
    pub(super) line: usize,
}

/// One exclusion to look at.
#[derive(Debug, Clone)]
pub(super) struct Job<'a> {
    pub(super) exclusion: &'a Exclusion,
    pub(super) prefix: LogLinePrefix,
    /// The role of samples that name none.
    pub(super) person: &'a str,
    /// The samples that pass: one that fails notices nothing.
    pub(super) samples: Vec<Kept<'a>>,
    /// Whether one of them is silenced by nothing else.
    pub(super) decided_alone: bool,
}

/// The findings of each job, in the order of the jobs.
pub(super) fn findings(jobs: &[Job<'_>]) -> Vec<Findings> {
    let mutants: Vec<Vec<rule::Mutant>> = jobs
        .par_iter()
        .map(|job| rule::mutants(&job.exclusion.matcher))
        .collect();
    jobs.par_iter()
        .zip(mutants)
        .map(|(job, mutants)| examine(job, &mutants))
        .collect()
}

/// A judge for which every mutant is an exclusion whose id is its number.
struct Bench {
    judge: Judge,
    scratch: Scratch,
}

impl Bench {
    fn new(prefix: LogLinePrefix, matchers: &[&Match]) -> Self {
        let rule = |(number, matcher): (usize, &&Match)| Rule {
            id: number.to_string(),
            // What it matches is tried, not how long it lives.
            last_day: None,
            matcher: (*matcher).clone(),
        };
        let rules = Rules {
            exclusions: matchers.iter().enumerate().map(rule).collect(),
            ..Rules::new(prefix)
        };
        Self {
            judge: Judge::new(&rules),
            scratch: Scratch::default(),
        }
    }

    /// The numbers of the exclusions that silence a record.
    fn silenced_by(&mut self, record: &Sample, person: &str) -> BTreeSet<usize> {
        let entry = sample::entry(record, self.judge.prefix(), person);
        match self.judge.verdict(&mut self.scratch, &entry) {
            Verdict::Excluded(by) => by.iter().filter_map(|id| id.parse().ok()).collect(),
            _ => BTreeSet::new(),
        }
    }
}

/// Changed copies of a silenced sample that stay loud: few, but together they catch every mistake in the exclusion that a
/// changed copy can catch. What a dropped condition would silence comes first.
pub(super) fn near_misses(
    matcher: &Match,
    silenced: &Sample,
    prefix: LogLinePrefix,
    mut is_loud: impl FnMut(&Sample) -> bool,
) -> Vec<Sample> {
    let mutants = rule::mutants(matcher);
    let matchers: Vec<&Match> = std::iter::once(matcher)
        .chain(mutants.iter().map(|mutant| &mutant.matcher))
        .collect();
    let mut bench = Bench::new(prefix, &matchers);
    let tried: Vec<(Sample, BTreeSet<usize>)> = record::mutants(matcher, silenced)
        .into_iter()
        .map(|mutant| {
            let caught = bench.silenced_by(&mutant.record, "somebody");
            (mutant.record, caught)
        })
        .filter(|(record, caught)| !caught.contains(&0) && !caught.is_empty() && is_loud(record))
        .collect();
    let mut numbers: Vec<(usize, Change)> = (1..).zip(mutants.iter().map(|m| m.change)).collect();
    numbers.retain(|(_, change)| change.noticed_by() == Promise::StaysLoud);
    numbers.sort_by_key(|(_, change)| *change != Change::Drop);
    let mut chosen: Vec<usize> = Vec::new();
    for (number, _) in numbers {
        let catches = |at: &usize| {
            tried
                .get(*at)
                .is_some_and(|(_, caught)| caught.contains(&number))
        };
        if !chosen.iter().any(catches) {
            chosen.extend((0..tried.len()).find(catches));
        }
    }
    let picked = chosen.into_iter().filter_map(|at| tried.get(at));
    picked.map(|(record, _)| record.clone()).collect()
}

/// The exclusion itself has the number 0, its mutants those that follow.
fn examine(job: &Job<'_>, mutants: &[rule::Mutant]) -> Findings {
    const ORIGINAL: usize = 0;
    let matcher = &job.exclusion.matcher;
    let matchers: Vec<&Match> = std::iter::once(matcher)
        .chain(mutants.iter().map(|mutant| &mutant.matcher))
        .collect();
    let mut bench = Bench::new(job.prefix, &matchers);
    let mut findings = Findings {
        does_not_look_at: record::not_looked_at(matcher),
        ..Findings::default()
    };
    let verdicts: Vec<(Promise, BTreeSet<usize>)> = job
        .samples
        .iter()
        .map(|kept| (kept.promise, bench.silenced_by(kept.sample, job.person)))
        .collect();
    let noticed = |number: usize, by: Promise| {
        verdicts.iter().any(|(promise, silenced_by)| {
            *promise == by && silenced_by.contains(&number) != (by == Promise::Silences)
        })
    };

    findings.mutation.count(job.decided_alone, || Survivor {
        condition: None,
        kind: Change::Remove,
        change: "the exclusion is gone".to_owned(),
        noticed_by: Change::Remove.noticed_by(),
    });
    for (index, mutant) in mutants.iter().enumerate() {
        let number = ORIGINAL + 1 + index;
        let by_near_miss = noticed(number, Promise::StaysLoud);
        if mutant.change == Change::Drop {
            let list = if by_near_miss {
                &mut findings.near_miss_conditions
            } else {
                &mut findings.conditions_not_exercised
            };
            list.push(mutant.condition);
        }
        findings
            .mutation
            .count(by_near_miss || noticed(number, Promise::Silences), || {
                Survivor {
                    condition: Some(mutant.condition),
                    kind: mutant.change,
                    change: mutant.what.clone(),
                    noticed_by: mutant.change.noticed_by(),
                }
            });
    }

    for kept in &job.samples {
        if kept.promise != Promise::Silences {
            continue;
        }
        for mutant in record::mutants(matcher, kept.sample) {
            let record = &mutant.record;
            findings.record_mutants.total += 1;
            if !bench.silenced_by(record, job.person).contains(&ORIGINAL) {
                findings.record_mutants.loud += 1;
                continue;
            }
            findings.record_mutants.survivors.push(SilentRecord {
                file: kept.file.to_owned(),
                line: kept.line,
                change: mutant.what,
                class: record.class.clone(),
                command: record.command.clone(),
                object_type: record.object_type.clone(),
                object: record.object.clone(),
                statement: shorten(record.statement.as_bytes(), SHOWN),
            });
        }
    }
    findings
}

impl RuleMutants {
    fn count(&mut self, is_noticed: bool, survivor: impl FnOnce() -> Survivor) {
        self.total += 1;
        if is_noticed {
            self.killed += 1;
        } else {
            self.survivors.push(survivor());
        }
    }
}
