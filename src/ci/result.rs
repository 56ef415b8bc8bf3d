//! The result of a run as one document, from which every other form is rendered. Texts in it come from policy files,
//! logs, databases and providers, and are hostile; a document that is read back might come from someone else.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::finding::{Finding, Level};
use super::forge::Run;
use super::notes;
use crate::deploy::apply::{End, Step as ApplyStep};
use crate::deploy::{DriftReport, Identity, Left, Plan};
use crate::rules::direction::Verdict;
use crate::rules::impact::ImpactReport;

/// Version of the document. It grows when a program that reads the older one would be misled. Version 1 had one environment
/// and no findings.
pub const FORMAT_VERSION: u32 = 3;

/// Why a document is not a result.
#[derive(Debug, thiserror::Error)]
pub enum ResultError {
    /// Not JSON, or not of this form.
    #[error("this is not a result of `pgvigil ci`: {0}")]
    NotAResult(#[from] serde_json::Error),
    /// Another version's.
    #[error(
        "the result has format version {0}, but this pgvigil reads version {FORMAT_VERSION}: run the step again with this version"
    )]
    Version(u64),
}

/// What a pipeline's run was for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Work {
    /// A pull request: look, and change nothing.
    Pr,
    /// A merge: bring what is deployed to what the files say.
    Apply,
    /// A schedule: was anything changed outside pgvigil?
    Drift,
}

impl Work {
    /// The word in reports: that of the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Pr => "pr",
            Self::Apply => "apply",
            Self::Drift => "drift",
        }
    }
}

/// What a run came to.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct CiResult {
    /// [`FORMAT_VERSION`].
    pub format_version: u32,
    /// The version of pgvigil.
    pub pgvigil: String,
    /// What it was for.
    pub work: Work,
    /// The day for which the policy is judged, as `YYYY-MM-DD`.
    pub today: String,
    /// Where it ran, and on what.
    pub run: Run,
    /// The exit code of the run: that of every command.
    pub exit_code: u8,
    /// What is wrong, with its place in the files where it has one; the worst first.
    pub findings: Vec<Finding>,
    /// Findings beyond those.
    pub findings_left_out: usize,
    /// Steps that are about the whole repository.
    pub steps: Vec<Step>,
    /// One for each environment that was looked at, in the order in which they were.
    pub environments: Vec<EnvironmentResult>,
    /// Environments that the change does not touch.
    pub untouched: Vec<String>,
}

/// What a reviewer is advised to do with a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Advice {
    /// Everything was looked at, and is right.
    Merge,
    /// Something is wrong with it.
    DoNotMerge,
    /// Not everything was checked, or someone has to approve first.
    NotKnown,
}

impl Advice {
    /// The words in reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Merge => "merge",
            Self::DoNotMerge => "do not merge",
            Self::NotKnown => "not known",
        }
    }
}

/// The advice, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Decision {
    /// What to do.
    pub advice: Advice,
    /// Why, in one sentence.
    pub why: String,
}

/// How a step ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// As it should.
    Passed,
    /// Not so.
    Failed,
    /// It was not run, for a reason that is given.
    Skipped,
}

impl State {
    /// The word in reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Failed => "failed",
            Self::Skipped => "skipped",
        }
    }
}

/// One step of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Step {
    /// Its name, such as `rules test`.
    pub name: String,
    /// How it ended.
    pub state: State,
    /// What it came to, or why it was skipped, on one line.
    pub summary: String,
    /// What it adds to the exit code of the run.
    pub exit_code: u8,
    /// How long it took.
    pub milliseconds: u64,
}

/// What came of one environment.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct EnvironmentResult {
    /// Which, and where.
    pub identity: Identity,
    /// What it adds to the exit code of the run.
    pub exit_code: u8,
    /// Its steps, in order.
    pub steps: Vec<Step>,
    /// What a reviewer weighs, once it is compiled.
    pub review: Option<Review>,
    /// What a change silences and wakes, where there is something to compare with.
    pub impact: Option<ImpactReport>,
    /// What an apply would change, without the documents that a saved plan carries.
    pub plan: Option<Plan>,
    /// What an apply did.
    pub applied: Option<Applied>,
    /// Changes made outside pgvigil.
    pub drift: Option<DriftReport>,
}

impl EnvironmentResult {
    /// An environment of which nothing is known yet.
    pub fn new(identity: Identity) -> Self {
        Self {
            identity,
            exit_code: 0,
            steps: Vec::new(),
            review: None,
            impact: None,
            plan: None,
            applied: None,
            drift: None,
        }
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.identity.environment
    }

    /// Whether the impact report contains it too.
    pub fn is_told_by_impact(&self, finding: &Finding) -> bool {
        let mut heard = self
            .impact
            .iter()
            .flat_map(|report| report.hearing.losses());
        if finding.code == super::finding::HEARS_LESS
            && heard.any(|change| change.told() == finding.message)
        {
            return true;
        }
        let faults = self.impact.iter().flat_map(|report| &report.faults);
        faults
            .filter(|fault| fault.code == finding.code)
            .any(|fault| fault.message == finding.message)
    }
}

/// What a reviewer weighs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Review {
    /// Exclusions that apply.
    pub exclusions: usize,
    /// Characters of the longest query.
    pub query_characters: usize,
    /// Characters that a query may have.
    pub query_limit: usize,
    /// Digest of the alarm's query.
    pub query_digest: String,
    /// Digest of the rules that the monitor judges by.
    pub rules_digest: String,
}

/// What an apply did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Applied {
    /// How it ended.
    pub end: End,
    /// Every step, in order, with those that were not reached.
    pub steps: Vec<ApplyStep>,
    /// What is left to do after it.
    pub left: Vec<Left>,
}

impl CiResult {
    /// Reads a document.
    ///
    /// # Errors
    /// If it is not a result, or has another version.
    pub fn from_text(text: &str) -> Result<Self, ResultError> {
        let value: serde_json::Value = serde_json::from_str(text)?;
        match value
            .get("format_version")
            .and_then(serde_json::Value::as_u64)
        {
            Some(version) if version != u64::from(FORMAT_VERSION) => {
                Err(ResultError::Version(version))
            }
            _ => Ok(serde_json::from_value(value)?),
        }
    }

    /// Whether to merge the change, and why; nothing where the run was not for one.
    pub fn decision(&self) -> Option<Decision> {
        if self.work != Work::Pr {
            return None;
        }
        let decide = |advice, why: String| Some(Decision { advice, why });
        let scope = |environment: Option<&EnvironmentResult>, step: &Step| match environment {
            Some(environment) => format!("{}: {}", environment.name(), step.name),
            None => step.name.clone(),
        };
        let refuses = |step: &Step| step.state == State::Failed && step.exit_code != 1;
        if let Some((environment, step)) = self.all_steps().find(|(_, step)| refuses(step)) {
            let fault = self
                .findings
                .iter()
                .filter(|finding| finding.level == Level::Error)
                .find(|finding| finding.step == step.name);
            let why = fault.map_or_else(
                || format!("{}: {}", scope(environment, step), step.summary),
                |fault| fault.message.clone(),
            );
            return decide(Advice::DoNotMerge, why);
        }
        for (state, what) in [(State::Failed, "failed"), (State::Skipped, "was not run")] {
            if let Some((environment, step)) =
                self.all_steps().find(|(_, step)| step.state == state)
            {
                let why = format!("{} {what}: {}", scope(environment, step), step.summary);
                return decide(Advice::NotKnown, why);
            }
        }
        if self.exit_code != 0 {
            return decide(Advice::NotKnown, "the run failed".to_owned());
        }
        let reports = || {
            self.environments
                .iter()
                .filter_map(|one| one.impact.as_ref())
        };
        let is_unread = |report: &&ImpactReport| {
            report.logs.bytes > 0 && (report.logs.entries == 0 || report.logs.foreign > 0)
        };
        if let Some(report) = reports().find(is_unread) {
            return decide(
                Advice::NotKnown,
                format!(
                    "the log samples could not be read completely, so pgvigil could not determine which records become silent: {} to no log entry",
                    match report.logs.foreign {
                        1 => "1 piece of text belongs".to_owned(),
                        more => format!("{more} pieces of text belong"),
                    }
                ),
            );
        }
        let most = reports().max_by_key(|report| report.approvals.required);
        if let Some(report) = most.filter(|report| report.approvals.required > 0) {
            let why = report.approvals.reasons.first().cloned();
            return decide(
                Advice::NotKnown,
                format!(
                    "{} needed, but this run cannot check for approvals: {}",
                    match report.approvals.required {
                        1 => "1 approval is".to_owned(),
                        more => format!("{more} approvals are"),
                    },
                    why.unwrap_or_default()
                ),
            );
        }
        if reports().any(|report| report.direction.may_silence_more()) {
            return decide(
                Advice::NotKnown,
                "the alarm might cover less, but the limits require no approval".to_owned(),
            );
        }
        // Evidence that a change takes away is never a matter of course.
        let is_taken =
            |finding: &&Finding| [notes::REMOVED, notes::CHANGED].contains(&&*finding.code);
        if let Some(found) = self.findings.iter().find(is_taken) {
            return decide(
                Advice::NotKnown,
                format!("the change takes evidence away: {}", found.message),
            );
        }
        let of_notes = self
            .steps
            .iter()
            .find(|step| step.name == super::finding::NOTES);
        if let (true, Some(step)) = (self.environments.is_empty(), of_notes) {
            return decide(
                Advice::Merge,
                format!("the change touches no environment: {}", step.summary),
            );
        }
        let why = if self.environments.is_empty() {
            "the change touches no environment"
        } else if reports().all(|report| report.direction == Verdict::Unchanged) {
            "the alarm covers the same as before"
        } else {
            "the alarm covers no less than before"
        };
        decide(Advice::Merge, why.to_owned())
    }

    /// Every step with the environment that it is about; none for those of the whole repository.
    pub fn all_steps(&self) -> impl Iterator<Item = (Option<&EnvironmentResult>, &Step)> {
        let shared = self.steps.iter().map(|step| (None, step));
        let others = self.environments.iter();
        shared.chain(others.flat_map(|environment| {
            environment
                .steps
                .iter()
                .map(move |step| (Some(environment), step))
        }))
    }

    /// Findings of an environment, and those of the whole repository where it is `None`.
    pub fn findings_of<'a>(
        &'a self,
        environment: Option<&'a str>,
    ) -> impl Iterator<Item = &'a Finding> {
        self.findings
            .iter()
            .filter(move |finding| finding.environment.as_deref() == environment)
    }

    /// Findings that concern an environment, those of the whole repository among them, but not those that its impact reports.
    pub fn findings_beside_impact<'a>(
        &'a self,
        environment: &'a EnvironmentResult,
    ) -> impl Iterator<Item = &'a Finding> {
        self.findings
            .iter()
            .filter(move |finding| match &finding.environment {
                None => true,
                Some(name) => name == environment.name() && !environment.is_told_by_impact(finding),
            })
    }
}
