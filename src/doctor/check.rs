//! The checks: one file for each branch of the tree, all in [`ALL`].
//!
//! A check sees the files' wishes, what is live and what was observed. It gives one finding at least. What it needs
//! and cannot have ends it early: a reason to skip, or what could not be read.

mod alarms;
mod database;
mod environment;
mod function;
mod function_rules;
mod key;
mod log;
mod log_alarm;
mod notification;
mod schedule;
mod topic;

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::diagnosis::{Finding, Verdict};
use super::observation::{Answer, Observed};
use super::subject::Subject;
use crate::compile::resources::{Document, Kind};
use crate::deploy::obstacle::Room;
use crate::deploy::plan::Plan;
use crate::deploy::port::{CloudError, Concurrency, Reading};

pub(super) use function::heartbeat_patience;

/// What a check found; what ends it early stands for all of it.
pub type Findings = Result<Vec<Finding>, Finding>;

/// What a check of the environment as a whole may look at.
#[derive(Debug, Clone, Copy)]
pub struct EnvironmentContext<'a> {
    /// Name of the environment.
    pub environment: &'a str,
    /// Every resource against the files.
    pub plan: &'a Plan,
    pub ours: Timestamp,
    /// The provider's; absent where the provider has none.
    pub theirs: Option<&'a Result<Timestamp, CloudError>>,
    /// How many functions may run at the same time; absent where the files ask for no function.
    pub concurrency: Option<&'a Result<Option<Concurrency>, CloudError>>,
    /// What the account has no room for.
    pub room: &'a Room,
}

/// What a check of a cluster may look at.
#[derive(Debug)]
pub struct Context<'a> {
    pub subject: &'a Subject<'a>,
    /// What is live, by address, in the form of the documents.
    pub readings: &'a BTreeMap<String, Result<Reading, CloudError>>,
    /// Every resource of the environment against the files.
    pub plan: &'a Plan,
    /// What was observed; absent where the provider runs nothing.
    pub observed: Option<&'a Observed>,
    /// Now, by the provider's clock where that could be read.
    pub now: Timestamp,
    /// Hours within which there should be records.
    pub hours: u32,
}

impl<'a> Context<'a> {
    fn observed(&self) -> Result<&'a Observed, Finding> {
        self.observed
            .ok_or_else(|| Finding::skip("a folder runs nothing that can be observed"))
    }

    /// The live properties of a document's resource.
    fn live(&self, document: &Document) -> Result<&'a Value, Finding> {
        match self.readings.get(&document.address) {
            Some(Ok(Reading::Present(live))) => Ok(&live.properties),
            Some(Err(error)) => Err(Finding::unknown(error)),
            Some(Ok(Reading::Absent { .. })) | None => Err(Finding::skip(format!(
                "there is no {} {}",
                document.kind, document.name
            ))),
        }
    }

    /// The document of a kind.
    fn document(&self, kind: Kind) -> Result<&'a Document, Finding> {
        self.subject
            .one(kind)
            .ok_or_else(|| Finding::skip(format!("the files declare no {kind}")))
    }

    /// The live properties of the resource of a kind.
    fn live_one(&self, kind: Kind) -> Result<&'a Value, Finding> {
        self.live(self.document(kind)?)
    }

    /// A finding about whether a resource is there.
    fn presence(&self, document: &Document) -> Finding {
        match self.live(document) {
            Ok(_) => Finding::ok(format!("{} is there", document.name)),
            Err(finding) if finding.verdict == Verdict::Skip => {
                Finding::fail(finding.sentence, self.subject.apply())
            }
            Err(finding) => finding,
        }
    }

    /// How long ago something was; never less than nothing.
    fn age(&self, then: Timestamp) -> SignedDuration {
        self.now.duration_since(then).max(SignedDuration::ZERO)
    }

    /// Says whether something was more than so many seconds ago.
    fn is_older(&self, then: Timestamp, seconds: i64) -> bool {
        self.age(then) > SignedDuration::from_secs(seconds)
    }
}

/// An answer whose absence ends a check.
fn there<'a, T>(answer: &'a Answer<T>, what: &str) -> Result<&'a T, Finding> {
    match answer {
        Ok(Some(value)) => Ok(value),
        Ok(None) => Err(Finding::skip(format!("there is no {what}"))),
        Err(error) => Err(Finding::unknown(error)),
    }
}

/// A length of time in its largest whole unit: `3 days`.
fn duration(length: SignedDuration) -> String {
    let seconds = length.as_secs().max(0);
    let (count, unit) = match seconds {
        0..120 => (seconds, "second"),
        120..7_200 => (seconds / 60, "minute"),
        7_200..172_800 => (seconds / 3_600, "hour"),
        _ => (seconds / 86_400, "day"),
    };
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {unit}{plural}")
}

/// A text of a value.
fn text<'v>(value: &'v Value, key: &str) -> Option<&'v str> {
    value.get(key).and_then(Value::as_str)
}

/// How a check is made.
#[derive(Clone, Copy)]
pub enum Run {
    /// Once for the environment.
    Environment(fn(&EnvironmentContext<'_>) -> Findings),
    /// Once for each cluster.
    Cluster(fn(&Context<'_>) -> Findings),
}

#[derive(Clone, Copy)]
pub struct Check {
    pub id: &'static str,
    /// The branch of the tree.
    pub group: &'static str,
    /// What holds when it is fine.
    pub title: &'static str,
    /// Why it matters, in one sentence.
    pub why: &'static str,
    /// Checks that stand before it: while one of them fails, is skipped or could not be read, this one is skipped.
    pub needs: &'static [&'static str],
    /// How it is made.
    pub run: Run,
}

/// Every check, in the order of the tree. What a check needs stands before it.
pub const ALL: &[Check] = &[
    environment::CLOCK,
    environment::EXTRAS,
    environment::CONCURRENCY,
    database::CLUSTER,
    database::LOG_EXPORT,
    database::PRELOADED,
    database::IN_SYNC,
    database::AUDIT_LEVEL,
    database::AUDITED_BY_ROLE,
    database::LOG_LINE_PREFIX,
    log::LOG_GROUP,
    log::RECENT_ENTRIES,
    log::RETENTION,
    log::UNALTERED,
    log::PROTECTED,
    topic::TOPIC,
    topic::ADMITS_ALARMS,
    topic::ADMITS_MONITOR,
    topic::ENCRYPTION,
    key::STATE,
    key::ROTATION,
    key::ADMITS_ALARMS,
    key::ADMITS_MONITOR,
    notification::SOMEBODY_IS_TOLD,
    notification::CONFIRMED,
    notification::EVENT_BUS,
    alarms::PRESENT,
    alarms::ENABLED,
    alarms::TELL,
    alarms::METRIC,
    alarms::STATE,
    alarms::DELIVERED,
    schedule::RULE,
    schedule::TARGET,
    schedule::PERMISSION,
    schedule::WINDOWS,
    function::PRESENT,
    function::ACTIVE,
    function::CONCURRENCY,
    function::VARIABLES,
    function_rules::RULES,
    function::RUNS,
    function::HEARTBEAT,
    function::OWN_LOG,
    function::PERMISSIONS,
    environment::AS_IN_THE_FILES,
];
