//! How much the samples of an exclusion notice, and how much its conditions do.
//!
//! A *mutant of a rule* is an exclusion with one small change: a condition dropped, widened or
//! narrowed. It is noticed when a sample is judged otherwise than promised. A *mutant of a record* is
//! a silenced sample with one thing changed that the exclusion claims to look at. It must be loud.
//!
//! Everything is judged by the compiled text. All mutants are exclusions of one query, in which each
//! stage decides by itself: a mutant is asked alone, so that no other exclusion hides what it lets
//! through, and what it notices is the same in every environment. Only the mutant "the exclusion is
//! gone" needs the others: it is noticed by a sample that no other exclusion silences.

mod record;
mod rule;

use std::collections::BTreeSet;

use rayon::prelude::*;
use serde::Serialize;

use crate::audit_log::prefix::LogLinePrefix;
use crate::compile::query::QuerySource;
use crate::insights::Scratch;
use crate::policy::model::{Exclusion, Match, Sample};
use crate::source::Places;

use super::evaluator::{Evaluator, EvaluatorError, Verdict};
use super::explain::shorten;
use super::sample;
use super::test::Promise;

/// Exclusions of one query. The interpreter reads 1,000 stages; a program of fewer is made on another
/// core meanwhile.
const STAGES: usize = 300;

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
    /// All of them.
    pub total: usize,
    /// Those that no sample notices.
    pub survivors: Vec<Survivor>,
}

/// What is done to a rule.
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

/// Mutants of records.
#[derive(Debug, Clone, Default, Serialize)]
pub struct RecordMutants {
    /// Those that stay loud.
    pub loud: usize,
    /// All of them.
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
    /// Class.
    pub class: String,
    /// Command.
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
///
/// # Errors
/// If a mutant compiles to what the interpreter refuses.
pub(super) fn findings(jobs: &[Job<'_>]) -> Result<Vec<Findings>, EvaluatorError> {
    let mutants: Vec<Vec<rule::Mutant>> = jobs
        .par_iter()
        .map(|job| rule::mutants(&job.exclusion.matcher))
        .collect();
    let work: Vec<(&Job<'_>, Vec<rule::Mutant>)> = jobs.iter().zip(mutants).collect();
    let batches = batches(&work);
    let found: Vec<Vec<Findings>> = batches
        .into_par_iter()
        .map(batch)
        .collect::<Result<_, _>>()?;
    Ok(found.into_iter().flatten().collect())
}

type Work<'a> = (&'a Job<'a>, Vec<rule::Mutant>);

/// Neighbours that fit into one query.
fn batches<'a, 'b>(mut work: &'b [Work<'a>]) -> Vec<&'b [Work<'a>]> {
    let mut batches = Vec::new();
    while let Some((first, _)) = work.first() {
        let mut stages = 0;
        let length = work
            .iter()
            .take_while(|(job, mutants)| {
                stages += mutants.len() + 1;
                job.prefix == first.prefix && stages <= STAGES
            })
            .count()
            .max(1);
        let (batch, rest) = work.split_at(length);
        batches.push(batch);
        work = rest;
    }
    batches
}

/// A query in which every mutant is an exclusion whose id is its number.
struct Bench {
    evaluator: Evaluator,
    scratch: Scratch,
}

impl Bench {
    /// The numbers of the exclusions that silence a record.
    fn silenced_by(&mut self, record: &Sample, person: &str) -> BTreeSet<usize> {
        let entry = sample::entry(record, self.evaluator.prefix(), person);
        match self.evaluator.verdict(&mut self.scratch, &entry) {
            Verdict::Excluded(by) => by.iter().filter_map(|id| id.parse().ok()).collect(),
            _ => BTreeSet::new(),
        }
    }
}

fn batch(work: &[Work<'_>]) -> Result<Vec<Findings>, EvaluatorError> {
    let Some((first, _)) = work.first() else {
        return Ok(Vec::new());
    };
    let mut exclusions: Vec<Exclusion> = Vec::new();
    for (job, mutants) in work {
        let matchers = std::iter::once(&job.exclusion.matcher)
            .chain(mutants.iter().map(|mutant| &mutant.matcher));
        for matcher in matchers {
            exclusions.push(stage(job.exclusion, matcher, exclusions.len()));
        }
    }
    let source = QuerySource {
        exclusions: exclusions.iter().collect(),
        ..QuerySource::new(first.prefix)
    };
    let evaluator = Evaluator::of(&source)?;
    let scratch = evaluator.scratch();
    let mut bench = Bench { evaluator, scratch };
    let mut start = 0;
    let mut findings = Vec::new();
    for (job, mutants) in work {
        findings.push(judge(&mut bench, job, mutants, start));
        start += mutants.len() + 1;
    }
    Ok(findings)
}

/// An exclusion with these conditions and a number for a name.
fn stage(exclusion: &Exclusion, matcher: &Match, number: usize) -> Exclusion {
    Exclusion {
        id: number.to_string(),
        matcher: matcher.clone(),
        title: String::new(),
        reason: String::new(),
        owner: String::new(),
        ticket: None,
        silences: Vec::new(),
        stays_loud: Vec::new(),
        places: Places::default(),
        created: exclusion.created,
        // What it matches is tried, not how long it lives.
        expires: None,
        accepted_risk: None,
        max_silenced_share: None,
        environments: exclusion.environments.clone(),
        place: exclusion.place.clone(),
        match_place: exclusion.match_place.clone(),
    }
}

/// The exclusion itself has the number `original`, its mutants those that follow.
fn judge(bench: &mut Bench, job: &Job<'_>, mutants: &[rule::Mutant], original: usize) -> Findings {
    let matcher = &job.exclusion.matcher;
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
        let number = original + 1 + index;
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
            if !bench.silenced_by(record, job.person).contains(&original) {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy;
    use crate::rules::reference::{self, Facts};

    fn facts(record: &Sample) -> Facts<'_> {
        Facts {
            user: record.user.as_deref().unwrap_or("alice").as_bytes(),
            database: b"shop",
            client: b"10.0.1.123",
            class: record.class.as_bytes(),
            command: record.command.as_bytes(),
            object_type: record.object_type.as_bytes(),
            object: record.object.as_bytes(),
            statement: Some(record.statement.as_bytes()),
            day: None,
            message: record.statement.as_bytes(),
        }
    }

    /// The compiled text of every mutant of the shipped rules means what its conditions say, and one
    /// query of many exclusions judges as the query of each alone would.
    #[test]
    fn mutants_mean_what_their_conditions_say() {
        let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
        let loaded = policy::load(root).unwrap();
        let (mut silent, mut loud) = (0, 0);
        for exclusion in &loaded.policy.exclusions {
            let matchers: Vec<Match> = std::iter::once(exclusion.matcher.clone())
                .chain(
                    rule::mutants(&exclusion.matcher)
                        .into_iter()
                        .map(|m| m.matcher),
                )
                .collect();
            let stages: Vec<Exclusion> = matchers
                .iter()
                .enumerate()
                .map(|(number, matcher)| stage(exclusion, matcher, number))
                .collect();
            let evaluator = Evaluator::of(&QuerySource {
                exclusions: stages.iter().collect(),
                ..QuerySource::new(LogLinePrefix::Short)
            })
            .unwrap();
            let scratch = evaluator.scratch();
            let mut bench = Bench { evaluator, scratch };
            let samples = exclusion.silences.iter().chain(&exclusion.stays_loud);
            let changed = exclusion
                .silences
                .iter()
                .flat_map(|sample| record::mutants(&exclusion.matcher, sample))
                .map(|mutant| mutant.record);
            for record in samples.cloned().chain(changed) {
                let by_text = bench.silenced_by(&record, "alice");
                let by_conditions: BTreeSet<usize> = matchers
                    .iter()
                    .enumerate()
                    .filter(|(_, matcher)| reference::silences(matcher, &facts(&record)))
                    .map(|(number, _)| number)
                    .collect();
                // A quoted name is a quoted field of the record, which the text is stricter about.
                let quoted = record.object.contains('"');
                assert!(
                    by_text == by_conditions || (quoted && by_text.is_subset(&by_conditions)),
                    "{}: {record:?}: {by_text:?} {by_conditions:?}",
                    exclusion.id
                );
                silent += by_text.len();
                loud += matchers.len() - by_text.len();
            }
        }
        assert!(silent > 100 && loud > 1_000, "{silent} {loud}");
    }
}
