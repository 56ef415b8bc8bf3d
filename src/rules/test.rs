//! The rule tests: every sample of every exclusion, and the log fixtures, judged by the rules of each environment; and
//! what the samples are worth ([`mutation`]).

use std::collections::BTreeMap;

use jiff::civil::Date;
use rayon::prelude::*;
use serde::Serialize;

use crate::audit_log::prefix::LogLinePrefix;
use crate::audit_log::timestamp::time_of;
use crate::judge::{Answer, Judge, Outcome, Rules, Scratch, Verdict, quote, shorten};
use crate::policy::Loaded;
use crate::policy::model::{Environment, Exclusion, Sample};

use super::fixture::{Fixture, Label};
use super::mutation::{self, Findings, Job, Kept};
use super::sample;

/// Version of the report. It grows when a program that reads the older one would be misled.
pub const FORMAT_VERSION: u32 = 1;

/// How many failures of one fixture are listed one by one.
const FAILURES_MAX: usize = 50;

/// The outcome of all tests.
#[derive(Debug, Clone, Serialize)]
pub struct TestReport {
    /// [`FORMAT_VERSION`].
    pub format_version: u32,
    pub passed: bool,
    /// One for each environment.
    pub environments: Vec<EnvironmentReport>,
    /// Exclusions that apply in none of them, which nothing was tested of.
    pub not_applied: Vec<String>,
    pub totals: Totals,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Totals {
    /// Samples that were judged.
    pub samples: usize,
    /// Those that were judged otherwise than promised.
    pub samples_failed: usize,
    /// Ranges of fixtures that assert something.
    pub ranges: usize,
    /// Those that were judged otherwise.
    pub ranges_failed: usize,
    pub fixture_faults: usize,
    /// Exclusions that were tested.
    pub exclusions: usize,
    /// Those that lack a sample which they alone silence, or a near miss of one condition.
    pub exclusions_not_covered: usize,
    pub mutants: usize,
    /// Those that a sample notices.
    pub mutants_killed: usize,
    /// Changed records that must be loud.
    pub record_mutants: usize,
    pub record_mutants_loud: usize,
    /// The share of mutants of rules that has to be noticed, in percent; nothing where none is asked for.
    pub min_score: Option<u32>,
}

impl Totals {
    /// The share of mutants of rules that samples notice, in whole percent, rounded down.
    pub fn score(&self) -> usize {
        (self.mutants_killed * 100)
            .checked_div(self.mutants)
            .unwrap_or(100)
    }
}

impl TestReport {
    /// Fails the run if samples notice less than this share of the mutants of rules, in percent.
    pub fn require_score(&mut self, percent: u32) {
        self.totals.min_score = Some(percent);
        self.passed &= self.totals.score() >= percent as usize;
    }
}

/// The tests of one environment.
#[derive(Debug, Clone, Serialize)]
pub struct EnvironmentReport {
    pub name: String,
    /// Every exclusion that applies, in the order of the policy.
    pub exclusions: Vec<ExclusionReport>,
    /// Every fixture, in the order of the paths.
    pub fixtures: Vec<FixtureReport>,
}

/// The tests of one exclusion.
#[derive(Debug, Clone, Serialize)]
pub struct ExclusionReport {
    pub id: String,
    pub file: String,
    /// Line of the id, counted from 1.
    pub line: usize,
    /// Samples that it must silence and does.
    pub silenced: usize,
    /// Of those, the ones that nothing else silences.
    pub decided_alone: usize,
    /// Near misses that stay loud.
    pub near_misses: usize,
    /// Whether it alone silences a sample, and a near miss fails exactly one of its conditions.
    pub covered: bool,
    /// What the samples notice.
    #[serde(flatten)]
    pub findings: Findings,
    pub samples: Vec<SampleReport>,
}

/// What a sample promises.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Promise {
    /// The exclusion silences it.
    Silences,
    /// It counts, regardless of the exclusions.
    StaysLoud,
}

impl Promise {
    /// The key in the policy file.
    pub fn name(self) -> &'static str {
        match self {
            Self::Silences => "silences",
            Self::StaysLoud => "stays_loud",
        }
    }
}

#[derive(Debug, Clone, Serialize)]
pub struct SampleReport {
    pub file: String,
    /// Line, counted from 1.
    pub line: usize,
    pub promise: Promise,
    pub passed: bool,
    /// The verdict of the whole query.
    pub verdict: &'static str,
    /// Every exclusion that silences it.
    pub silenced_by: Vec<String>,
    /// What happened instead, in one sentence.
    pub failure: Option<String>,
    pub statement: String,
}

#[derive(Debug, Clone, Serialize)]
pub struct FixtureReport {
    pub log: String,
    pub expect: String,
    /// Audit records in it.
    pub records: usize,
    pub counted: usize,
    /// Ranges labelled `human`.
    pub human: usize,
    /// Ranges labelled `noise`.
    pub noise: usize,
    pub passed: bool,
    /// Ranges that were judged otherwise.
    pub failed: usize,
    /// The first of them, and everything that is wrong with the files.
    pub failures: Vec<FixtureFailure>,
}

/// What is wrong with a fixture or a range of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FixtureFailure {
    pub file: String,
    /// Line, counted from 1; 0 for the whole file.
    pub line: u64,
    pub what: String,
}

/// Runs all tests of these environments.
pub fn run(
    loaded: &Loaded,
    fixtures: &[Fixture],
    environments: &[&Environment],
    today: Date,
) -> TestReport {
    let mut reports = environments
        .par_iter()
        .map(|environment| environment_report(loaded, fixtures, environment, today))
        .collect::<Vec<_>>();
    mutate(loaded, environments, &mut reports, today);
    let not_applied = loaded
        .policy
        .exclusions
        .iter()
        .filter(|exclusion| {
            !reports.iter().any(|report| {
                report
                    .exclusions
                    .iter()
                    .any(|tested| tested.id == exclusion.id)
            })
        })
        .map(|exclusion| exclusion.id.clone())
        .collect();
    let mut totals = Totals::default();
    for report in &reports {
        totals.exclusions += report.exclusions.len();
        for exclusion in &report.exclusions {
            totals.exclusions_not_covered += usize::from(!exclusion.covered);
            let findings = &exclusion.findings;
            totals.mutants += findings.mutation.total;
            totals.mutants_killed += findings.mutation.killed;
            totals.record_mutants += findings.record_mutants.total;
            totals.record_mutants_loud += findings.record_mutants.loud;
            totals.samples += exclusion.samples.len();
            totals.samples_failed += exclusion
                .samples
                .iter()
                .filter(|sample| !sample.passed)
                .count();
        }
        for fixture in &report.fixtures {
            totals.ranges += fixture.human + fixture.noise;
            totals.ranges_failed += fixture.failed;
        }
    }
    totals.fixture_faults = fixtures.iter().map(|fixture| fixture.faults.len()).sum();
    let passed =
        totals.samples_failed == 0 && totals.ranges_failed == 0 && totals.fixture_faults == 0;
    TestReport {
        format_version: FORMAT_VERSION,
        passed,
        environments: reports,
        not_applied,
        totals,
    }
}

/// Fills in what mutants show. Environments in which an exclusion's samples are judged alike share it.
fn mutate(
    loaded: &Loaded,
    environments: &[&Environment],
    reports: &mut [EnvironmentReport],
    today: Date,
) {
    let mut jobs: Vec<Job<'_>> = Vec::new();
    let mut known = BTreeMap::new();
    let mut places = Vec::new();
    for (environment, report) in environments.iter().zip(&*reports) {
        let person = sample::person(&loaded.policy, environment, today);
        let exclusions = loaded.policy.exclusions_in(environment);
        for (exclusion, tested) in exclusions.zip(&report.exclusions) {
            let passed: Vec<bool> = tested.samples.iter().map(|sample| sample.passed).collect();
            let prefix = environment.log_line_prefix;
            let decided_alone = tested.decided_alone > 0;
            let key = (&exclusion.id, prefix, person, passed, decided_alone);
            let job = *known.entry(key).or_insert_with(|| {
                jobs.push(Job {
                    exclusion,
                    prefix,
                    person,
                    samples: kept(loaded, exclusion, &tested.samples),
                    decided_alone,
                });
                jobs.len() - 1
            });
            places.push(job);
        }
    }
    let findings = mutation::findings(&jobs);
    let tested = reports.iter_mut().flat_map(|report| &mut report.exclusions);
    for (tested, job) in tested.zip(places) {
        if let Some(findings) = findings.get(job) {
            tested.covered = tested.decided_alone > 0 && !findings.near_miss_conditions.is_empty();
            tested.findings = findings.clone();
        }
    }
}

/// The samples that are judged as promised.
fn kept<'a>(
    loaded: &'a Loaded,
    exclusion: &'a Exclusion,
    reports: &[SampleReport],
) -> Vec<Kept<'a>> {
    exclusion
        .silences
        .iter()
        .chain(&exclusion.stays_loud)
        .zip(reports)
        .filter(|(_, report)| report.passed)
        .map(|(sample, report)| Kept {
            promise: report.promise,
            sample,
            file: loaded.files.path(sample.place.file),
            line: report.line,
        })
        .collect()
}

/// A judge for one form of entries.
struct Bench {
    judge: Judge,
    scratch: Scratch,
}

impl Bench {
    fn new(loaded: &Loaded, environment: &Environment, prefix: LogLinePrefix) -> Self {
        let rules = Rules {
            prefix,
            ..Rules::of(&loaded.policy, environment)
        };
        Self {
            judge: Judge::new(&rules),
            scratch: Scratch::default(),
        }
    }

    fn outcome(&mut self, entry: &[u8]) -> Outcome {
        self.judge
            .outcome(&mut self.scratch, entry, || time_of(entry))
    }

    /// What the judge says of one exclusion and an entry.
    fn why(&mut self, id: &str, entry: &[u8]) -> String {
        let explanation = self.judge.explain(&mut self.scratch, entry);
        match explanation
            .exclusions
            .iter()
            .find(|answer| answer.id == id)
            .map(|found| &found.answer)
        {
            Some(Answer::Fails(failed)) => format!("`{}`: {}", failed.condition, failed.why),
            _ => explanation.reason,
        }
    }
}

fn environment_report(
    loaded: &Loaded,
    fixtures: &[Fixture],
    environment: &Environment,
    today: Date,
) -> EnvironmentReport {
    let mut bench = Bench::new(loaded, environment, environment.log_line_prefix);
    let person = sample::person(&loaded.policy, environment, today);
    let exclusions = loaded
        .policy
        .exclusions_in(environment)
        .map(|exclusion| exclusion_report(loaded, &mut bench, exclusion, person))
        .collect();

    // A fixture may have been recorded with the other prefix.
    let mut other: Option<Bench> = None;
    let mut reports = Vec::new();
    for fixture in fixtures {
        let prefix = fixture.prefix.unwrap_or(environment.log_line_prefix);
        let bench = if prefix == bench.judge.prefix() {
            &mut bench
        } else {
            match &mut other {
                Some(other) => other,
                none => none.insert(Bench::new(loaded, environment, prefix)),
            }
        };
        reports.push(fixture_report(bench, fixture));
    }
    EnvironmentReport {
        name: environment.name.clone(),
        exclusions,
        fixtures: reports,
    }
}

fn exclusion_report(
    loaded: &Loaded,
    bench: &mut Bench,
    exclusion: &Exclusion,
    person: &str,
) -> ExclusionReport {
    let promised = [
        (Promise::Silences, &exclusion.silences),
        (Promise::StaysLoud, &exclusion.stays_loud),
    ];
    let samples: Vec<SampleReport> = promised
        .into_iter()
        .flat_map(|(promise, samples)| samples.iter().map(move |sample| (promise, sample)))
        .map(|(promise, sample)| sample_report(loaded, bench, exclusion, promise, sample, person))
        .collect();
    let kept = |promise: Promise| {
        samples
            .iter()
            .filter(move |sample| sample.promise == promise && sample.passed)
    };
    let place = &exclusion.place;
    ExclusionReport {
        id: exclusion.id.clone(),
        file: loaded.files.path(place.file).to_owned(),
        line: loaded.files.position(place.file, place.span.start).line,
        silenced: kept(Promise::Silences).count(),
        decided_alone: kept(Promise::Silences)
            .filter(|sample| sample.silenced_by.len() == 1)
            .count(),
        near_misses: kept(Promise::StaysLoud).count(),
        covered: false,
        findings: Findings::default(),
        samples,
    }
}

fn sample_report(
    loaded: &Loaded,
    bench: &mut Bench,
    exclusion: &Exclusion,
    promise: Promise,
    sample: &Sample,
    person: &str,
) -> SampleReport {
    let entry = sample::entry(sample, bench.judge.prefix(), person);
    let verdict = bench.judge.verdict(&mut bench.scratch, &entry);
    let name = verdict.name().unwrap_or("not_a_record");
    let silenced_by = match &verdict {
        Verdict::Excluded(by) => by.clone(),
        _ => Vec::new(),
    };
    let by_this = silenced_by.contains(&exclusion.id);
    let failure = match (promise, &verdict) {
        (Promise::Silences, Verdict::Excluded(_)) if by_this => None,
        (Promise::StaysLoud, Verdict::Counted) => None,
        (Promise::Silences, Verdict::Counted) => Some(format!(
            "it stays loud, because of {}",
            bench.why(&exclusion.id, &entry)
        )),
        (Promise::Silences, Verdict::Excluded(by)) => Some(format!(
            "only {} silences it; this exclusion does not, because of {}",
            ids(by),
            bench.why(&exclusion.id, &entry)
        )),
        (Promise::StaysLoud, Verdict::Excluded(by)) if by_this => Some(match by.len() {
            1 => "this exclusion silences it".to_owned(),
            _ => format!(
                "this exclusion silences it, and so does {}",
                others(by, &exclusion.id)
            ),
        }),
        (Promise::StaysLoud, Verdict::Excluded(by)) => {
            Some(format!("another exclusion silences it: {}", ids(by)))
        }
        (_, Verdict::OutOfScope | Verdict::NotARecord) => Some(format!(
            "no exclusion is applied: {}",
            bench.why(&exclusion.id, &entry)
        )),
    };
    let place = &sample.place;
    SampleReport {
        file: loaded.files.path(place.file).to_owned(),
        line: loaded.files.position(place.file, place.span.start).line,
        promise,
        passed: failure.is_none(),
        verdict: name,
        silenced_by,
        failure,
        statement: shorten(sample.statement.as_bytes(), 120),
    }
}

fn ids(ids: &[String]) -> String {
    format!("`{}`", ids.join("`, `"))
}

fn others(by: &[String], this: &str) -> String {
    let rest: Vec<String> = by.iter().filter(|id| *id != this).cloned().collect();
    ids(&rest)
}

fn fixture_report(bench: &mut Bench, fixture: &Fixture) -> FixtureReport {
    let mut failures: Vec<FixtureFailure> = fixture
        .faults
        .iter()
        .map(|fault| FixtureFailure {
            file: fault.file.clone(),
            line: fault.line,
            what: fault.what.clone(),
        })
        .collect();
    let mut report = FixtureReport {
        log: fixture.log.clone(),
        expect: fixture.expect.clone(),
        records: 0,
        counted: 0,
        human: 0,
        noise: 0,
        passed: false,
        failed: 0,
        failures: Vec::new(),
    };
    for entry in &fixture.entries {
        let outcome = bench.outcome(&entry.text);
        report.records += usize::from(outcome != Outcome::NotARecord);
        report.counted += usize::from(outcome == Outcome::Counted);
    }
    for range in &fixture.expectations {
        let counted: Vec<_> = fixture
            .entries_in(range)
            .filter(|entry| bench.outcome(&entry.text) == Outcome::Counted)
            .collect();
        let what = match (range.label, counted.as_slice()) {
            (Label::Human, []) => {
                report.human += 1;
                let explained: Vec<String> = fixture
                    .entries_in(range)
                    .take(3)
                    .map(|entry| {
                        let why = bench.judge.explain(&mut bench.scratch, &entry.text).reason;
                        format!("line {}: {why}", entry.line)
                    })
                    .collect();
                Some(format!("no record is counted; {}", explained.join("; ")))
            }
            (Label::Human, _) => {
                report.human += 1;
                None
            }
            (Label::Noise, []) => {
                report.noise += 1;
                None
            }
            (Label::Noise, [first, rest @ ..]) => {
                report.noise += 1;
                let more = if rest.is_empty() {
                    String::new()
                } else {
                    format!(" and {} more", rest.len())
                };
                Some(format!(
                    "line {}{more} is counted: {}",
                    first.line,
                    quote(&first.text)
                ))
            }
            (Label::Aside, _) => None,
        };
        if let Some(what) = what {
            report.failed += 1;
            if report.failed <= FAILURES_MAX {
                let note = if range.note.is_empty() {
                    String::new()
                } else {
                    format!(" ({})", shorten(range.note.as_bytes(), 80))
                };
                let what = format!(
                    "lines {} to {}, `{}`{note}: {what}",
                    range.first_line,
                    range.last_line,
                    range.label.name()
                );
                failures.push(FixtureFailure {
                    file: fixture.expect.clone(),
                    line: range.line as u64,
                    what,
                });
            }
        }
    }
    report.passed = failures.is_empty();
    report.failures = failures;
    report
}
