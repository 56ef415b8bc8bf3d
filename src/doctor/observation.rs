//! What is seen of a running system and stands in no document: states, times, counts.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use crate::deploy::port::CloudError;

/// Parameters of a parameter group that the checks look at.
pub const PARAMETERS: [&str; 5] = [
    "log_line_prefix",
    "log_min_messages",
    "pgaudit.log",
    "pgaudit.log_level",
    "shared_preload_libraries",
];

/// A watched cluster or instance, as RDS knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Database {
    /// Such as `aurora-postgresql` or `postgres`.
    pub engine: String,
    /// Such as `15.12`.
    pub version: String,
    /// Logs that go to CloudWatch (`EnabledCloudwatchLogsExports`).
    pub log_exports: BTreeSet<String>,
    /// Logs that will go there once a change under way is done (`PendingCloudwatchLogsExports`).
    pub pending_log_exports: BTreeSet<String>,
    /// The parameter group: the cluster's, or the instance's where there is no cluster.
    pub parameter_group: String,
    /// Every instance, and whether it runs with the group's values.
    pub members: Vec<Member>,
    /// Those of [`PARAMETERS`] that have a value, by name.
    pub parameters: BTreeMap<String, String>,
}

/// An instance of a cluster, or the instance itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    pub instance: String,
    /// `in-sync`, `pending-reboot`, `applying`, …
    pub parameter_status: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogGroup {
    /// Days after which entries are deleted; none when they are kept for ever.
    pub retention_days: Option<u32>,
    /// Time of the newest entry, of any stream. CloudWatch tells it up to an hour late, seldom later (`LogStream`).
    pub last_event: Option<Timestamp>,
    /// Bytes that it holds. The figure lags.
    pub stored_bytes: u64,
    /// CloudWatch refuses to delete it (`deletionProtectionEnabled`).
    pub is_protected: bool,
}

/// The key that an alias leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// Its id: calls that change a key take no alias.
    pub id: String,
    /// `Enabled`, `Disabled`, `PendingDeletion`, …
    pub state: String,
    /// When it will be deleted.
    pub deletion: Option<Timestamp>,
    /// Rotated once a year or so.
    pub rotation: bool,
}

/// A subscription that is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Subscription {
    Confirmed,
    /// Nobody has confirmed it: nothing is delivered.
    Pending {
        /// Since when, where that is known. SNS does not say; its age is that of the last apply.
        since: Option<Timestamp>,
    },
}

/// What an alarm looks like from outside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alarm {
    /// `OK`, `ALARM` or `INSUFFICIENT_DATA`.
    pub state: AlarmState,
    pub since: Timestamp,
    /// Why it could not be judged as it should, in CloudWatch's words (`EvaluationState` of a log alarm).
    pub trouble: Option<String>,
    /// Actions in its history, the newest first. CloudWatch keeps it for 30 days.
    pub actions: Vec<AlarmAction>,
}

/// State of an alarm.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AlarmState {
    Ok,
    Alarm,
    InsufficientData,
}

impl AlarmState {
    /// The word that CloudWatch uses.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ok => "OK",
            Self::Alarm => "ALARM",
            Self::InsufficientData => "INSUFFICIENT_DATA",
        }
    }
}

/// An action that an alarm tried: an entry of its history (`HistoryItemType` `Action`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AlarmAction {
    pub at: Timestamp,
    /// The state that the alarm changed to, where the entry tells.
    pub state: Option<AlarmState>,
    /// CloudWatch says `Successfully executed action`: whom it told has taken the message.
    pub succeeded: bool,
    pub message: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Function {
    /// `Active`, `Pending`, `Inactive` or `Failed`.
    pub state: String,
    /// `Successful`, `InProgress` or `Failed`.
    pub last_update: String,
    /// Lambda's words about either.
    pub reason: Option<String>,
    /// Runs that were started in the time that was asked for.
    pub invocations: u64,
    pub errors: u64,
    /// Starts that were refused.
    pub throttles: u64,
}

/// A call that the monitor's role must be able to make.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Request {
    pub action: String,
    /// ARN, or `*`.
    pub resource: String,
    /// Condition keys and their values.
    pub context: BTreeMap<String, String>,
}

/// What IAM answers about a call (`SimulatePrincipalPolicy`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    pub request: Request,
    /// `allowed`.
    pub allowed: bool,
    /// `allowed`, `explicitDeny` or `implicitDeny`.
    pub answer: String,
}

/// An answer, `None` where it is known not to be there.
pub type Answer<T> = Result<Option<T>, CloudError>;

/// Everything that was observed of one cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Observed {
    pub database: Answer<Database>,
    /// The cluster's log group.
    pub log_group: Answer<LogGroup>,
    pub monitor_log_group: Answer<LogGroup>,
    pub key: Answer<Key>,
    /// Declared subscriptions, by address.
    pub subscriptions: BTreeMap<String, Answer<Subscription>>,
    /// Whether the bus of the monitor's events is there; none where the environment has no bus.
    pub event_bus: Option<Answer<()>>,
    pub alarms: BTreeMap<String, Answer<Alarm>>,
    pub function: Answer<Function>,
    /// Time of the newest data point of the heartbeat.
    pub heartbeat: Answer<Timestamp>,
    /// What IAM answers, one for each call that was asked about.
    pub decisions: Result<Vec<Decision>, CloudError>,
}
