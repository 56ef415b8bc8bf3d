//! The proof that the chain works: a marked record through the matcher, then a marked data point through metric,
//! alarm and action.
//!
//! The point has a dimension of its own, `OperationType=Canary`, and an alarm of its own. So it neither pages as a
//! person's statement nor hides one. What is made is taken away again, however the run ends.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use serde_json::json;

use super::observation::{AlarmAction, AlarmState};
use super::subject::Subject;
use crate::audit_log::prefix::LogLinePrefix;
use crate::audit_log::write::{PrefixFields, RecordFields, TextOut, write_entry, write_record};
use crate::compile::resources::Kind;
use crate::deploy::document::Fingerprint;
use crate::deploy::port::CloudError;
use crate::judge::{Judge, Rules, Scratch, Verdict};
use crate::policy::Policy;
use crate::policy::model::Environment;

/// Role of the canary in the marked record. No person has this role.
pub const USER: &str = "pgvigil_canary";

/// Metric of the canary.
pub const METRIC: &str = "CanaryProbe";

/// Value of the dimension `OperationType` that only the canary has.
pub const OPERATION: &str = "Canary";

/// Seconds of the canary alarm's only period: the shortest that costs no more than any alarm.
pub const PERIOD_SECONDS: u32 = 60;

/// A canary's alarm that is older was left behind by a run that was killed.
const LEFT_BEHIND_AFTER: SignedDuration = SignedDuration::from_hours(1);

/// The alarm that is made and taken away.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CanaryAlarm {
    /// Its name: the cluster's, `canary`, when, and the token.
    pub name: String,
    /// What people read who are told by it.
    pub description: String,
    /// Namespace of the metric.
    pub namespace: String,
    pub metric: &'static str,
    /// Its dimensions, sorted by name.
    pub dimensions: Vec<(&'static str, String)>,
    /// ARN of the topic that the alarm notifies, which is to be proven. `None` if no one is to be paged.
    pub topic: Option<String>,
}

/// What the proof does with a provider. Nothing else can be written through it.
pub trait Canary {
    /// Publishes one point of a canary's metric, now.
    fn publish(&self, alarm: &CanaryAlarm, value: u32) -> Result<(), CloudError>;

    /// Makes the alarm: maximum above 0 in one period of [`PERIOD_SECONDS`], missing data not breaching, the topic
    /// told of ALARM and of OK, where there is one.
    fn create(&self, alarm: &CanaryAlarm) -> Result<(), CloudError>;

    /// Its state; `None` when there is no such alarm.
    fn state(&self, name: &str) -> Result<Option<AlarmState>, CloudError>;

    /// The actions in its history.
    fn actions(&self, name: &str) -> Result<Vec<AlarmAction>, CloudError>;

    /// Names of alarms that begin so.
    fn alarms(&self, prefix: &str) -> Result<Vec<String>, CloudError>;

    /// Deletes an alarm. One that is not there is deleted.
    fn delete(&self, name: &str) -> Result<(), CloudError>;
}

/// Time, which only the binary has.
pub trait Clock {
    fn now(&self) -> Timestamp;
    /// Waits, or less when the run is told to stop.
    fn wait(&self, length: Duration);
}

/// A step of the proof, in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// The compiled query counts a marked record.
    Matcher,
    /// The canary's alarm is made.
    Alarm,
    /// A point is published.
    Metric,
    /// The alarm goes off.
    GoesOff,
    /// The topic takes the alarm's message.
    Told,
    /// The alarm is over.
    IsOver,
    /// The topic takes the message that it is over.
    ToldOver,
    /// What was made is taken away.
    Removed,
}

impl Step {
    /// Every step, in order.
    pub const ALL: [Self; 8] = [
        Self::Matcher,
        Self::Alarm,
        Self::Metric,
        Self::GoesOff,
        Self::Told,
        Self::IsOver,
        Self::ToldOver,
        Self::Removed,
    ];

    /// What is proven by it.
    pub fn title(self) -> &'static str {
        match self {
            Self::Matcher => "the compiled query counts a marked record",
            Self::Alarm => "an alarm on the canary's metric can be created",
            Self::Metric => "CloudWatch accepts a point of the canary's metric",
            Self::GoesOff => "the alarm fires",
            Self::Told => "the topic accepts the alarm's message",
            Self::IsOver => "the alarm returns to OK",
            Self::ToldOver => "the topic accepts the message that the alarm is over",
            Self::Removed => "the canary's alarm is deleted again",
        }
    }
}

/// What a step came to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "state", content = "detail")]
pub enum Outcome {
    Proven(String),
    /// Seen not to work, or not seen in time.
    Failed(String),
    NotReached(String),
}

/// A step and what it came to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Proof {
    pub step: Step,
    /// What it came to.
    #[serde(flatten)]
    pub outcome: Outcome,
}

/// The proof of one cluster.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Report {
    pub cluster: String,
    pub steps: Vec<Proof>,
    /// What no step can prove, or no step of this run did.
    pub unproven: Vec<String>,
    /// What was found of former runs and taken away.
    pub left_behind: Vec<String>,
}

impl Report {
    /// Says whether every step was seen to work.
    pub fn is_proven(&self) -> bool {
        self.steps
            .iter()
            .all(|proof| matches!(proof.outcome, Outcome::Proven(_)))
    }

    /// Says whether something was seen to fail.
    pub fn has_failed(&self) -> bool {
        self.steps
            .iter()
            .any(|proof| matches!(proof.outcome, Outcome::Failed(_)))
    }
}

/// A marked entry as the server of an environment would write it.
fn marked(
    prefix: LogLinePrefix,
    now: Timestamp,
    class: &str,
    command: &str,
    text: &str,
) -> Vec<u8> {
    let record = write_record(&RecordFields {
        class: class.as_bytes(),
        command: command.as_bytes(),
        object_type: b"TABLE",
        object_name: b"public.pgvigil_canary",
        statement: TextOut::Logged(text.as_bytes()),
        ..RecordFields::default()
    });
    let second = now
        .to_zoned_datetime(TimeZone::UTC)
        .strftime("%Y-%m-%d %H:%M:%S")
        .to_string();
    let names = PrefixFields {
        second: second.as_bytes(),
        user: USER.as_bytes(),
        ..PrefixFields::default()
    };
    write_entry(prefix, &names, &record)
}

/// Judges marked records: a read and a write of a table of no schema that any rule knows. Each must count, which means
/// that no exclusion silences it.
pub fn prove_matcher(
    policy: &Policy,
    environment: &Environment,
    now: Timestamp,
    token: &str,
) -> Outcome {
    let judge = Judge::new(&Rules::of(policy, environment));
    let mut scratch = Scratch::default();
    let records = [
        ("READ", "SELECT", "select * from"),
        ("WRITE", "DELETE", "delete from"),
    ];
    for (class, command, verb) in records {
        let text = format!("{verb} public.pgvigil_canary where token = '{token}'");
        let entry = marked(judge.prefix(), now, class, command, &text);
        let why = match judge.verdict(&mut scratch, &entry) {
            Verdict::Counted => continue,
            Verdict::NotARecord => "is not recognised as a record".to_owned(),
            Verdict::OutOfScope => format!(
                "is out of scope: a service account of the policy also matches the role {USER}"
            ),
            Verdict::Excluded(by) => format!("is silenced by {}", by.join(", ")),
        };
        return Outcome::Failed(format!("a marked {class},{command} {why}"));
    }
    Outcome::Proven(format!(
        "{} marked records count, according to this program's judge",
        records.len()
    ))
}

/// A text of letters and digits that no other run has.
pub fn token(environment: &str, now: Timestamp, process: u32) -> String {
    let seed = json!([environment, now.as_nanosecond().to_string(), process]);
    let digest = Fingerprint::of(Kind::Alarm, &seed);
    digest.as_str().chars().skip(2).take(12).collect()
}

/// The alarm for a run. `token` is unique and of letters, digits and hyphens; `pages` says whether the topic is told.
pub fn alarm(subject: &Subject<'_>, now: Timestamp, token: &str, pages: bool) -> CanaryAlarm {
    CanaryAlarm {
        name: format!("{}{:x}-{token}", prefix(subject), now.as_second()),
        description: format!(
            "Test alarm from `pgvigil doctor --canary`. No database activity on {} caused it. It resets by itself.",
            subject.cluster.name
        ),
        namespace: subject.environment.monitor.namespace.clone(),
        metric: METRIC,
        dimensions: vec![
            ("LogGroup", subject.cluster.log_group()),
            ("OperationType", OPERATION.to_owned()),
            ("Token", token.to_owned()),
        ],
        topic: pages.then(|| subject.topic_arn()),
    }
}

/// What the names of a cluster's canary alarms begin with.
fn prefix(subject: &Subject<'_>) -> String {
    prefix_of(subject.names.base())
}

/// The same of what the names of the cluster's resources begin with.
fn prefix_of(base: &str) -> String {
    format!("{base}-canary-")
}

/// Says whether an alarm belongs to a canary of the cluster. `base` is what the names of the
/// cluster's resources begin with.
pub fn is_canary(base: &str, name: &str) -> bool {
    made_at(&prefix_of(base), name).is_some()
}

/// Says whether an alarm belongs to a canary that may still run: one that is older was left behind.
pub fn may_run(base: &str, name: &str, now: Timestamp) -> bool {
    made_at(&prefix_of(base), name)
        .is_some_and(|made| now.duration_since(made) <= LEFT_BEHIND_AFTER)
}

/// When an alarm of a canary was made, by its name.
fn made_at(prefix: &str, name: &str) -> Option<Timestamp> {
    let (second, _) = name.strip_prefix(prefix)?.split_once('-')?;
    Timestamp::from_second(i64::from_str_radix(second, 16).ok()?).ok()
}

/// How a run waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patience {
    /// The longest that one step waits for what it waits for.
    pub timeout: Duration,
    pub interval: Duration,
}

impl Default for Patience {
    /// CloudWatch evaluates once a minute and is at times a few minutes late.
    fn default() -> Self {
        Self {
            timeout: Duration::from_secs(600),
            interval: Duration::from_secs(5),
        }
    }
}

/// What a run needs besides the provider.
pub struct Run<'a> {
    pub subject: &'a Subject<'a>,
    /// What the matcher came to.
    pub matcher: Outcome,
    /// A unique text of letters, digits and hyphens.
    pub token: &'a str,
    /// Whether the topic is told, and the people who are subscribed.
    pub pages: bool,
    pub patience: Patience,
    /// Set when the run is to stop.
    pub stop: &'a AtomicBool,
    pub clock: &'a dyn Clock,
}

/// Proves the chain of one cluster. Without a provider only the matcher is proven. `progress` hears of each step
/// as it begins.
pub fn prove(run: &Run<'_>, canary: Option<&dyn Canary>, progress: &mut dyn FnMut(Step)) -> Report {
    let mut steps = vec![Proof {
        step: Step::Matcher,
        outcome: run.matcher.clone(),
    }];
    let mut left_behind = Vec::new();
    let matcher_works = matches!(run.matcher, Outcome::Proven(_));
    match canary {
        Some(canary) if matcher_works => {
            left_behind = take_away_left_behind(run, canary);
            chain(run, canary, &mut steps, progress);
        }
        Some(_) => not_reached(&mut steps, "the matcher comes first"),
        None => not_reached(&mut steps, "a folder has no metrics or alarms"),
    }
    let unproven = unproven(&steps);
    Report {
        cluster: run.subject.cluster.name.clone(),
        steps,
        unproven,
        left_behind,
    }
}

fn not_reached(steps: &mut Vec<Proof>, why: &str) {
    for step in Step::ALL {
        if steps.iter().all(|proof| proof.step != step) {
            let outcome = Outcome::NotReached(why.to_owned());
            steps.push(Proof { step, outcome });
        }
    }
}

/// Parts of the chain that nothing here has seen.
fn unproven(steps: &[Proof]) -> Vec<String> {
    let mut parts = vec![
        "the way from the database to its log group, and the query in the service: `pgvigil doctor` checks both".to_owned(),
        "that the function counts: its heartbeat shows that it runs".to_owned(),
    ];
    // That the canary's own alarm is taken away is no part of the chain.
    parts.extend(
        steps
            .iter()
            .filter(|proof| proof.step != Step::Removed)
            .filter(|proof| !matches!(proof.outcome, Outcome::Proven(_)))
            .map(|proof| proof.step.title().to_owned()),
    );
    parts.push(
        "the way from the topic to each person: only they can confirm that they read a message"
            .to_owned(),
    );
    parts
}

/// Deletes alarms that a killed run left behind, and says which.
fn take_away_left_behind(run: &Run<'_>, canary: &dyn Canary) -> Vec<String> {
    clean(run.subject, canary, run.clock.now(), Old::ThanARun).unwrap_or_default()
}

/// Which alarms of canaries are taken away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Old {
    /// Those that are so old that no run can have a use for them.
    ThanARun,
    /// These, and those of every proof, also of one that may still run.
    OfProofs,
}

/// What the token of a proof's canary begins with.
pub const OF_PROOF: &str = "prove-";

/// Deletes alarms of a cluster's canaries that killed runs left behind, and returns their names.
///
/// # Errors
/// They cannot be listed.
pub fn clean(
    subject: &Subject<'_>,
    canary: &(impl Canary + ?Sized),
    now: Timestamp,
    old: Old,
) -> Result<Vec<String>, CloudError> {
    let prefix = prefix(subject);
    let is_old = |name: &String| {
        let made = made_at(&prefix, name);
        made.is_some_and(|made| now.duration_since(made) > LEFT_BEHIND_AFTER)
            || (old == Old::OfProofs && made.is_some() && name.contains(&format!("-{OF_PROOF}")))
    };
    let names = canary.alarms(&prefix)?.into_iter().filter(is_old);
    Ok(names.filter(|name| canary.delete(name).is_ok()).collect())
}

/// Why a step did not come to its end.
enum Early {
    Failed(String),
    Stopped,
}

impl From<CloudError> for Early {
    fn from(error: CloudError) -> Self {
        Self::Failed(error.to_string())
    }
}

fn chain(
    run: &Run<'_>,
    canary: &dyn Canary,
    steps: &mut Vec<Proof>,
    progress: &mut dyn FnMut(Step),
) {
    let alarm = alarm(run.subject, run.clock.now(), run.token, run.pages);
    let mut may_be_there = false;
    for step in Step::ALL {
        if matches!(step, Step::Matcher | Step::Removed) {
            continue;
        }
        if run.stop.load(Ordering::SeqCst) {
            break;
        }
        if alarm.topic.is_none() && matches!(step, Step::Told | Step::ToldOver) {
            let outcome = Outcome::NotReached("this run pages no one".to_owned());
            steps.push(Proof { step, outcome });
            continue;
        }
        progress(step);
        // An answer that is lost says nothing about what was written.
        may_be_there |= step == Step::Alarm;
        let (outcome, goes_on) = match make(run, canary, &alarm, step) {
            Ok(detail) => (Outcome::Proven(detail), true),
            // The end of the alarm can be seen although its message was not.
            Err(Early::Failed(why)) => (Outcome::Failed(why), step == Step::Told),
            Err(Early::Stopped) => (
                Outcome::NotReached("it was asked to stop".to_owned()),
                false,
            ),
        };
        steps.push(Proof { step, outcome });
        if !goes_on {
            break;
        }
    }
    let removed = if may_be_there {
        progress(Step::Removed);
        Some(remove(canary, &alarm.name))
    } else {
        None
    };
    let why = if run.stop.load(Ordering::SeqCst) {
        "it was asked to stop"
    } else {
        "an earlier step failed"
    };
    if let Some(outcome) = removed {
        // In the order of the steps, after those that were not reached.
        not_reached_before_removal(steps, why);
        let step = Step::Removed;
        steps.push(Proof { step, outcome });
    }
    not_reached(steps, why);
}

fn not_reached_before_removal(steps: &mut Vec<Proof>, why: &str) {
    for step in Step::ALL {
        if step != Step::Removed && steps.iter().all(|proof| proof.step != step) {
            let outcome = Outcome::NotReached(why.to_owned());
            steps.push(Proof { step, outcome });
        }
    }
}

fn make(
    run: &Run<'_>,
    canary: &dyn Canary,
    alarm: &CanaryAlarm,
    step: Step,
) -> Result<String, Early> {
    match step {
        Step::Alarm => {
            canary.create(alarm)?;
            Ok(alarm.name.clone())
        }
        Step::Metric => {
            canary.publish(alarm, 1)?;
            let place: Vec<String> = alarm
                .dimensions
                .iter()
                .map(|(name, value)| format!("{name}={value}"))
                .collect();
            Ok(format!("{} {}", alarm.metric, place.join(",")))
        }
        Step::GoesOff => reaches(run, canary, alarm, AlarmState::Alarm),
        Step::Told => told(run, canary, alarm, AlarmState::Alarm),
        Step::IsOver => {
            canary.publish(alarm, 0)?;
            reaches(run, canary, alarm, AlarmState::Ok)
        }
        Step::ToldOver => told(run, canary, alarm, AlarmState::Ok),
        Step::Matcher | Step::Removed => Ok(String::new()),
    }
}

/// Looks until something is there, the time is over, or the run is told to stop.
fn wait_for<T>(
    run: &Run<'_>,
    what: &str,
    mut look: impl FnMut() -> Result<Option<T>, Early>,
) -> Result<(T, String), Early> {
    let began = run.clock.now();
    loop {
        if run.stop.load(Ordering::SeqCst) {
            return Err(Early::Stopped);
        }
        let found = look()?;
        let waited = run.clock.now().duration_since(began).unsigned_abs();
        if let Some(found) = found {
            return Ok((found, format!("after {} seconds", waited.as_secs())));
        }
        if waited >= run.patience.timeout {
            return Err(Early::Failed(format!(
                "{what} within {} seconds",
                run.patience.timeout.as_secs()
            )));
        }
        run.clock.wait(run.patience.interval);
    }
}

fn reaches(
    run: &Run<'_>,
    canary: &dyn Canary,
    alarm: &CanaryAlarm,
    state: AlarmState,
) -> Result<String, Early> {
    let what = format!("it did not become {}", state.name());
    let (_, after) = wait_for(run, &what, || match canary.state(&alarm.name)? {
        None => Err(Early::Failed(
            "the alarm was deleted during the test".to_owned(),
        )),
        Some(found) => Ok((found == state).then_some(())),
    })?;
    Ok(format!("{} {after}", state.name()))
}

fn told(
    run: &Run<'_>,
    canary: &dyn Canary,
    alarm: &CanaryAlarm,
    state: AlarmState,
) -> Result<String, Early> {
    let what = "its history holds no executed action";
    let (action, after) = wait_for(run, what, || {
        let actions = canary.actions(&alarm.name)?;
        let mut of_state = actions
            .into_iter()
            .filter(|action| action.state == Some(state));
        Ok(of_state.next())
    })?;
    if action.succeeded {
        Ok(format!("{} {after}", action.message))
    } else {
        Err(Early::Failed(action.message))
    }
}

/// Deletes the alarm and looks whether it is gone.
fn remove(canary: &dyn Canary, name: &str) -> Outcome {
    match canary.delete(name).and_then(|()| canary.state(name)) {
        Ok(None) => Outcome::Proven(
            "it is gone; the metric's points stay until CloudWatch drops them".to_owned(),
        ),
        Ok(Some(_)) => Outcome::Failed(format!("{name} is still there: delete it manually")),
        Err(error) => Outcome::Failed(format!(
            "{name} might still be there, delete it manually: {error}"
        )),
    }
}

#[cfg(test)]
mod tests;
