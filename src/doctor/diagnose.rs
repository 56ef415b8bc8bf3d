//! Asks everything, then makes every check.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};

use super::check::{self, ALL, Check, Context, EnvironmentContext, Findings, Run};
use super::diagnosis::{Checked, ClusterDiagnosis, Diagnosis, FORMAT_VERSION, Finding, Verdict};
use super::observation::Observed;
use super::port::{Observer, Since};
use super::subject::Subject;
use crate::compile::resources::{Document, Kind};
use crate::deploy::obstacle::Room;
use crate::deploy::plan::{Plan, PlanError, Survey, compare};
use crate::deploy::port::{CloudError, Identity, Reader, Reading};
use crate::policy::model::Environment;

/// How long CloudWatch keeps an alarm's history: 30 days (`DescribeAlarmHistory`).
const HISTORY_SECONDS: i64 = 30 * 86_400;

/// What a person may choose.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settings {
    /// Hours without an entry that are no concern; also the hours of which errors are counted.
    pub hours: u32,
}

impl Default for Settings {
    fn default() -> Self {
        Self { hours: 24 }
    }
}

#[derive(Debug, Clone, Copy)]
pub struct Question<'a> {
    pub environment: &'a Environment,
    pub documents: &'a [Document],
    /// What a person chose.
    pub settings: Settings,
    pub now: Timestamp,
}

/// Looks at everything and judges it. Changes nothing. Without an observer there is nothing that runs.
///
/// # Errors
/// If the credentials lead elsewhere, or nothing says where they lead.
pub fn diagnose(
    question: &Question<'_>,
    reader: &dyn Reader,
    observer: Option<&dyn Observer>,
) -> Result<Diagnosis, PlanError> {
    let environment = question.environment;
    let identity = Identity::of(environment);
    let (expected, found) = (identity.at(), reader.at()?);
    if expected != found {
        return Err(PlanError::Elsewhere {
            expected: Box::new(expected),
            found: Box::new(found),
        });
    }
    let mut documents: Vec<&Document> = question.documents.iter().collect();
    documents.sort_by(|left, right| (left.kind, &left.address).cmp(&(right.kind, &right.address)));
    let survey = Survey::with_alterations(&identity, &documents, reader);
    let plan = compare(&identity, &documents, &survey, &BTreeSet::new())?;
    let has_function = documents
        .iter()
        .any(|document| document.kind == Kind::LambdaFunction);
    let concurrency = has_function.then(|| reader.concurrency());
    let room = match &concurrency {
        Some(Ok(Some(concurrency))) => Room::in_account(&documents, &survey.readings, *concurrency),
        _ => Room::default(),
    };
    let readings: BTreeMap<String, Result<Reading, CloudError>> = documents
        .iter()
        .map(|document| document.address.clone())
        .zip(survey.readings)
        .collect();

    let theirs = observer.map(Observer::now);
    let now = match &theirs {
        Some(Ok(theirs)) => *theirs,
        _ => question.now,
    };
    let of_environment = EnvironmentContext {
        environment: &environment.name,
        plan: &plan,
        ours: question.now,
        theirs: theirs.as_ref(),
        concurrency: concurrency.as_ref(),
        room: &room,
    };
    let clusters = environment
        .clusters
        .iter()
        .map(|cluster| {
            let subject = Subject::new(environment, cluster, question.documents);
            let observed = observer.map(|observer| observe(observer, &subject, question, now));
            of_cluster(
                &subject,
                &readings,
                &plan,
                observed.as_ref(),
                now,
                question.settings.hours,
            )
        })
        .collect();
    Ok(Diagnosis {
        format_version: FORMAT_VERSION,
        identity,
        environment: checks(|run| match run {
            Run::Environment(run) => Some(run(&of_environment)),
            Run::Cluster(_) => None,
        }),
        clusters,
    })
}

fn observe(
    observer: &dyn Observer,
    subject: &Subject<'_>,
    question: &Question<'_>,
    now: Timestamp,
) -> Observed {
    let back = |seconds: i64| Since {
        from: now
            .checked_sub(SignedDuration::from_secs(seconds))
            .unwrap_or(Timestamp::UNIX_EPOCH),
        until: now,
    };
    // The check says how old the last heartbeat is, so it is looked for further back than it may be.
    let patience = check::heartbeat_patience(subject).max(86_400);
    let hours = i64::from(question.settings.hours) * 3600;
    observer.observe(&subject.asked(back(hours), back(HISTORY_SECONDS), back(patience)))
}

fn of_cluster(
    subject: &Subject<'_>,
    readings: &BTreeMap<String, Result<Reading, CloudError>>,
    plan: &Plan,
    observed: Option<&Observed>,
    now: Timestamp,
    hours: u32,
) -> ClusterDiagnosis {
    let context = Context {
        subject,
        readings,
        plan,
        observed,
        now,
        hours,
    };
    ClusterDiagnosis {
        cluster: subject.cluster.name.clone(),
        checks: checks(|run| match run {
            Run::Environment(_) => None,
            Run::Cluster(run) => Some(run(&context)),
        }),
    }
}

/// Makes those checks of the registry that a run is for.
fn checks(run: impl Fn(&Run) -> Option<Findings>) -> Vec<Checked> {
    let mut done: Vec<Checked> = Vec::new();
    for check in ALL {
        let findings = match missing(check, &done) {
            // Whether the check is for this run shows only when it is made.
            Some(reason) => Some(Err(Finding::skip(reason))),
            None => run(&check.run),
        };
        let Some(findings) = findings else { continue };
        let mut findings = findings.unwrap_or_else(|early| vec![early]);
        if findings.is_empty() {
            findings.push(Finding::unclear("the check returned no result"));
        }
        let verdict = loudest(&findings);
        done.push(Checked {
            id: check.id,
            group: check.group,
            title: check.title,
            why: check.why,
            verdict,
            findings,
        });
    }
    done
}

/// The loudest. What was skipped is louder than fine only where all was skipped.
fn loudest(findings: &[Finding]) -> Verdict {
    let verdicts = findings.iter().map(|finding| finding.verdict);
    verdicts.max().unwrap_or(Verdict::Unknown)
}

/// Why a check cannot be made after those that were.
fn missing(check: &Check, done: &[Checked]) -> Option<String> {
    check.needs.iter().find_map(|need| {
        let needed = done.iter().find(|checked| checked.id == *need)?;
        let state = match needed.verdict {
            Verdict::Ok | Verdict::Warn => return None,
            Verdict::Skip => "was skipped",
            Verdict::Unknown => "could not be read",
            Verdict::Fail => "fails",
        };
        Some(format!("needs `{need}`, which {state}"))
    })
}
