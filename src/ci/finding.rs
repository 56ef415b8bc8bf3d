//! One thing that is wrong, with its place in the files: what annotations, code scanning and test reports are made of.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::diagnostic::{Diagnostic, Severity};
use crate::digest::sha256;
use crate::policy::Loaded;
use crate::rules::impact::ImpactReport;
use crate::rules::test::TestReport;
use crate::source::{Place, SourceFiles};

/// The largest number of findings in a result: no one reads more, and forges accept no more.
pub const KEPT: usize = 1_000;

/// Names of the steps that find something in the files.
pub const CHECK: &str = "check";
/// The samples and fixtures.
pub const RULES_TEST: &str = "rules test";
/// Whether an exclusion can be used to evade the alarm.
pub const ATTACK: &str = "attack";
/// What a change silences and wakes.
pub const IMPACT: &str = "impact";

/// What a change does to the notes on detections.
pub const NOTES: &str = "notes";

/// Whether those agree who have to.
pub const APPROVALS: &str = "approvals";

/// The code of a change that makes the alarm cover less.
pub const HEARS_LESS: &str = "impact/hears-less";

/// How bad a finding is.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// The change must not be merged, or the run did not do its work.
    Error,
    /// Somebody should look.
    Warning,
}

impl Level {
    /// The word in reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
        }
    }
}

/// A place in a file, lines and columns counted from 1.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct Spot {
    /// The file, relative to the root of the Git repository, with forward slashes.
    pub file: String,
    /// First line; 1 for a whole file.
    pub line: u64,
    /// First column, in characters; none for whole lines.
    pub column: Option<u64>,
    /// Last line.
    pub end_line: u64,
    /// The column after the last character.
    pub end_column: Option<u64>,
}

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Finding {
    /// The step that found it.
    pub step: String,
    /// A stable name, `area/name`.
    pub code: String,
    /// How bad it is.
    pub level: Level,
    /// The environment, where it is about one.
    pub environment: Option<String>,
    /// What is wrong, in one sentence.
    pub message: String,
    /// What to do.
    pub help: Vec<String>,
    /// SQL that shows it: what hides, or what was judged otherwise than promised.
    pub statement: Option<String>,
    /// The place in the files with the lines around it, as `pgvigil check` draws it.
    pub excerpt: Option<String>,
    /// Where.
    pub spot: Option<Spot>,
}

impl Finding {
    /// A finding without a place.
    pub fn new(step: &str, code: &str, message: impl Into<String>) -> Self {
        Self {
            step: step.to_owned(),
            code: code.to_owned(),
            level: Level::Error,
            environment: None,
            message: message.into(),
            help: Vec::new(),
            statement: None,
            excerpt: None,
            spot: None,
        }
    }

    /// Says which environment it is about.
    #[must_use]
    pub fn of(mut self, environment: &str) -> Self {
        self.environment = Some(environment.to_owned());
        self
    }

    /// Says where it is.
    #[must_use]
    pub fn at(mut self, spot: Option<Spot>) -> Self {
        self.spot = spot;
        self
    }

    /// Says what to do.
    #[must_use]
    pub fn help(mut self, text: impl Into<String>) -> Self {
        self.help.push(text.into());
        self
    }

    /// What makes it the finding that it is, wherever its line moves.
    fn subject(&self) -> String {
        let parts = [
            self.code.as_str(),
            self.environment.as_deref().unwrap_or(""),
            self.spot.as_ref().map_or("", |spot| spot.file.as_str()),
            self.message.as_str(),
            self.statement.as_deref().unwrap_or(""),
        ];
        sha256(parts.join("\n"))
    }
}

/// The name under which a finding is the same in the next run.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Fingerprint {
    /// Of what it says: lines move, what it says does not.
    digest: String,
    /// Which of those that say the same in one file, from 1 on, in the order of their lines.
    twin: usize,
}

impl Fingerprint {
    /// One word, where a form has no place for more.
    pub fn word(&self) -> String {
        match self.twin {
            1 => self.digest.clone(),
            twin => sha256(format!("{}\n{twin}", self.digest)),
        }
    }

    /// As GitHub's code scanning writes one: a hash, and which of its twins.
    pub fn numbered(&self) -> String {
        let short = self.digest.get(..16).unwrap_or(&self.digest);
        format!("{short}:{}", self.twin)
    }
}

/// The fingerprint of each finding, in their order: no two are alike, or a forge would show one of them only.
pub fn fingerprints(findings: &[Finding]) -> Vec<Fingerprint> {
    let subjects: Vec<String> = findings.iter().map(Finding::subject).collect();
    let mut order: Vec<usize> = (0..findings.len()).collect();
    order.sort_by_key(|at| findings.get(*at).and_then(|finding| finding.spot.clone()));
    let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
    let mut twins = vec![1; findings.len()];
    for at in order {
        if let (Some(subject), Some(twin)) = (subjects.get(at), twins.get_mut(at)) {
            let count = seen.entry(subject).or_default();
            *count += 1;
            *twin = *count;
        }
    }
    subjects
        .iter()
        .zip(twins)
        .map(|(digest, twin)| Fingerprint {
            digest: digest.clone(),
            twin,
        })
        .collect()
}

/// Where a place is, for people and forges. `folder` is the policy repository's place in the Git repository: empty, or
/// with a slash at its end.
pub fn spot(files: &SourceFiles, place: &Place, folder: &str) -> Spot {
    let (start, end) = (
        files.position(place.file, place.span.start),
        files.position(place.file, place.span.end),
    );
    let number = |number: usize| u64::try_from(number).unwrap_or(u64::MAX);
    // Columns count only within one line.
    let is_one_line = start.line == end.line;
    Spot {
        file: format!("{folder}{}", files.path(place.file)),
        line: number(start.line),
        column: is_one_line.then(|| number(start.column)),
        end_line: number(end.line),
        end_column: is_one_line.then(|| number(end.column.max(start.column + 1))),
    }
}

/// The line of a file.
pub fn line(file: &str, line: u64, folder: &str) -> Spot {
    Spot {
        file: format!("{folder}{file}"),
        line: line.max(1),
        column: None,
        end_line: line.max(1),
        end_column: None,
    }
}

/// A fault of the policy files. `excerpt` is how `pgvigil check` draws it.
pub fn of_diagnostic(
    files: &SourceFiles,
    diagnostic: &Diagnostic,
    excerpt: String,
    folder: &str,
) -> Finding {
    Finding {
        step: CHECK.to_owned(),
        code: diagnostic.code.id().to_owned(),
        level: match diagnostic.severity {
            Severity::Error => Level::Error,
            Severity::Warning => Level::Warning,
        },
        environment: None,
        message: diagnostic.message.clone(),
        help: diagnostic.help.clone(),
        statement: None,
        excerpt: Some(excerpt),
        spot: diagnostic.place().map(|place| spot(files, place, folder)),
    }
}

/// What the rule tests found: samples and fixtures that were judged otherwise than promised. A sample that fails in several
/// environments is reported once.
pub fn of_tests(report: &TestReport, folder: &str) -> Vec<Finding> {
    let mut findings: Vec<Finding> = Vec::new();
    let mut add =
        |environment: &str, code: &str, message: String, statement: Option<&str>, spot: Spot| {
            let known = findings
                .iter_mut()
                .find(|known| known.message == message && known.spot.as_ref() == Some(&spot));
            if let Some(known) = known {
                known.environment = None;
                return;
            }
            let mut finding = Finding::new(RULES_TEST, code, message)
                .of(environment)
                .at(Some(spot));
            finding.statement = statement.map(str::to_owned);
            findings.push(finding);
        };
    for environment in &report.environments {
        for exclusion in &environment.exclusions {
            for sample in &exclusion.samples {
                if let Some(failure) = &sample.failure {
                    let at = line(
                        &sample.file,
                        u64::try_from(sample.line).unwrap_or(u64::MAX),
                        folder,
                    );
                    let message = format!("`{}`: {failure}", exclusion.id);
                    add(
                        &environment.name,
                        "rules/sample",
                        message,
                        Some(&sample.statement),
                        at,
                    );
                }
            }
        }
        for fixture in &environment.fixtures {
            for failure in &fixture.failures {
                add(
                    &environment.name,
                    "rules/fixture",
                    failure.what.clone(),
                    None,
                    line(&failure.file, failure.line, folder),
                );
            }
        }
    }
    if let Some(wanted) = report
        .totals
        .min_score
        .filter(|wanted| report.totals.score() < *wanted as usize)
    {
        findings.push(Finding::new(
            RULES_TEST,
            "rules/score",
            format!(
                "the samples catch {} % of the rule changes; the required score is {wanted} %",
                report.totals.score()
            ),
        ));
    }
    findings
}

/// Why a change must not be merged, at the exclusion that is meant; and what makes the alarm cover less, as a warning.
pub fn of_impact(report: &ImpactReport, loaded: &Loaded, folder: &str) -> Vec<Finding> {
    let findings = report.faults.iter().map(|fault| {
        let impact = fault
            .exclusion
            .as_ref()
            .and_then(|id| report.exclusions.iter().find(|found| found.id == *id));
        let place = fault.exclusion.as_ref().and_then(|id| {
            let mut exclusions = loaded.policy.exclusions.iter();
            exclusions
                .find(|exclusion| exclusion.id == *id)
                .map(|exclusion| &exclusion.place)
        });
        let is_evasion = fault.code == "impact/evadable";
        let step = if is_evasion { ATTACK } else { IMPACT };
        let mut finding = Finding::new(step, &fault.code, fault.message.clone())
            .of(&report.env)
            .help(fault.help.clone());
        finding.spot = match (place, impact) {
            (Some(place), _) => Some(spot(&loaded.files, place, folder)),
            (None, Some(impact)) => Some(line(
                &impact.file,
                u64::try_from(impact.line).unwrap_or(u64::MAX),
                folder,
            )),
            (None, None) => None,
        };
        finding.statement = is_evasion
            .then(|| {
                impact?
                    .attack
                    .as_ref()?
                    .evasions
                    .first()
                    .map(|evasion| evasion.statement.clone())
            })
            .flatten();
        finding
    });
    let losses = report.hearing.losses().map(|change| {
        let mut finding = Finding::new(IMPACT, HEARS_LESS, change.told())
            .of(&report.env)
            .help("have people other than the author approve it");
        finding.level = Level::Warning;
        // A person who is still in the files has a place there.
        if let [role] = change.people.as_slice() {
            let mut users = loaded.policy.users.iter();
            finding.spot = users
                .find(|user| user.role == *role)
                .map(|user| spot(&loaded.files, &user.place, folder));
        }
        finding
    });
    findings.chain(losses).collect()
}

/// Brings findings into the order in which they are read, and returns how many are left out.
pub fn arrange(findings: &mut Vec<Finding>) -> usize {
    findings.sort_by_cached_key(|finding| {
        (
            finding.level,
            finding.spot.clone(),
            finding.code.clone(),
            finding.environment.clone(),
        )
    });
    findings.dedup();
    let left_out = findings.len().saturating_sub(KEPT);
    findings.truncate(KEPT);
    left_out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finding(message: &str, statement: &str, at: u64) -> Finding {
        let mut finding = Finding::new(RULES_TEST, "rules/sample", message)
            .of("production")
            .at(Some(line("rules/exclusions.yaml", at, "")));
        finding.statement = Some(statement.to_owned());
        finding
    }

    #[test]
    fn twins_have_names_of_their_own_and_keep_them_when_lines_move() {
        let findings = |moved: u64| {
            vec![
                finding("it counts", "SELECT 1", 30 + moved),
                finding("it counts", "SELECT 1", 20 + moved),
                finding("it counts", "SELECT 2", 25 + moved),
                finding("it is silent", "SELECT 1", 20 + moved),
            ]
        };
        let before = fingerprints(&findings(0));
        let words: std::collections::BTreeSet<String> =
            before.iter().map(Fingerprint::word).collect();
        let numbered: std::collections::BTreeSet<String> =
            before.iter().map(Fingerprint::numbered).collect();
        assert_eq!((words.len(), numbered.len()), (4, 4));
        assert_eq!(before, fingerprints(&findings(100)));
        // The first of two that say the same is the one above, whatever the order of the list.
        let mut turned = findings(0);
        turned.reverse();
        let mut after = fingerprints(&turned);
        after.reverse();
        assert_eq!(before, after);
        assert_eq!((before[0].twin, before[1].twin), (2, 1));
    }
}
