//! The metrics that the monitor publishes and the alarms watch: one table, so that they cannot disagree.

use serde_json::{Value, json};

use crate::policy::model::{Cluster, Signal};

/// Name of the one metric that counts time.
const LAG: &str = "MonitorIngestionLag";

/// What a metric counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    Count,
    Seconds,
}

impl Unit {
    /// CloudWatch's word for it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Count => "Count",
            Self::Seconds => "Seconds",
        }
    }
}

/// A metric of one cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Metric {
    pub name: &'static str,
    /// Its dimensions, sorted by name.
    pub dimensions: Vec<(&'static str, String)>,
}

impl Metric {
    /// Statements of a signal that were counted in a window.
    pub fn signal(cluster: &Cluster, signal: Signal) -> Self {
        Self::signal_in(&cluster.log_group(), signal)
    }

    /// The same, as the monitor knows its clusters: by their log groups.
    pub fn signal_in(log_group: &str, signal: Signal) -> Self {
        let (name, operation) = match signal {
            Signal::Dml => ("UserDMLOperationCount", "UserDMLFiltered"),
            Signal::Privilege => ("UserPrivilegeOperationCount", "UserPrivilegeFiltered"),
            Signal::Schema => ("UserSchemaOperationCount", "UserSchemaFiltered"),
            Signal::AuditTampering => ("AuditTamperingCount", "AuditTampering"),
            Signal::Denied => ("UserDeniedCount", "UserDenied"),
        };
        Self {
            name,
            dimensions: vec![
                ("LogGroup", log_group.to_owned()),
                ("OperationType", operation.to_owned()),
            ],
        }
    }

    /// Of a signal's statements those with a command, as pgAudit names it.
    pub fn command(log_group: &str, signal: Signal, command: &str) -> Self {
        Self::signal_in(log_group, signal).with("Command", command)
    }

    /// Of a signal's statements those of a user.
    pub fn user(log_group: &str, signal: Signal, user: &str) -> Self {
        Self::signal_in(log_group, signal).with("User", user)
    }

    /// Records that nobody judged, because a window held more than a query returns.
    pub fn not_judged(log_group: &str) -> Self {
        Self::of_group("MonitorRecordsNotJudged", log_group)
    }

    /// Records that an exclusion silenced in a window.
    pub fn suppressed(log_group: &str, exclusion: &str) -> Self {
        Self::of_group("MonitorSuppressedRecords", log_group).with("Exclusion", exclusion)
    }

    /// Seconds between the time of a counted record and its arrival, at most.
    pub fn lag(log_group: &str) -> Self {
        Self::of_group(LAG, log_group)
    }

    /// The receipt of a window: its figures, detection records and notification are out. The value is the sum of its
    /// signals.
    pub fn receipt(log_group: &str) -> Self {
        Self::of_group("MonitorWindowCounted", log_group)
    }

    /// Runs of the monitor that failed.
    pub fn errors(cluster: &Cluster) -> Self {
        Self::errors_in(&cluster.log_group())
    }

    /// The same, as the monitor knows its clusters.
    pub fn errors_in(log_group: &str) -> Self {
        Self::of_group("MonitorExecutionErrors", log_group)
    }

    /// One for each run of the monitor that ended well.
    pub fn heartbeat(cluster: &Cluster) -> Self {
        Self::heartbeat_in(&cluster.log_group())
    }

    /// The same, as the monitor knows its clusters.
    pub fn heartbeat_in(log_group: &str) -> Self {
        Self::of_group("MonitorHeartbeat", log_group)
    }

    /// Messages of a topic that a subscriber did not take: SNS counts them.
    pub fn undelivered(topic: &str) -> Self {
        Self {
            name: "NumberOfNotificationsFailed",
            dimensions: vec![("TopicName", topic.to_owned())],
        }
    }

    /// Runs of a function that failed: Lambda counts them.
    pub fn function_errors(function: &str) -> Self {
        Self::of_function("Errors", function)
    }

    /// Runs of a function that Lambda did not start, and counts.
    pub fn function_throttles(function: &str) -> Self {
        Self::of_function("Throttles", function)
    }

    pub fn unit(&self) -> Unit {
        match self.name {
            LAG => Unit::Seconds,
            _ => Unit::Count,
        }
    }

    fn of_function(name: &'static str, function: &str) -> Self {
        Self {
            name,
            dimensions: vec![("FunctionName", function.to_owned())],
        }
    }

    fn of_group(name: &'static str, log_group: &str) -> Self {
        Self {
            name,
            dimensions: vec![("LogGroup", log_group.to_owned())],
        }
    }

    fn with(mut self, dimension: &'static str, value: &str) -> Self {
        self.dimensions.push((dimension, value.to_owned()));
        self.dimensions.sort();
        self
    }

    /// The dimensions as documents write them.
    pub(super) fn dimensions_value(&self) -> Value {
        self.dimensions
            .iter()
            .map(|(name, value)| ((*name).to_owned(), json!(value)))
            .collect::<serde_json::Map<_, _>>()
            .into()
    }

    /// The metric as a dashboard's widget writes it: namespace, name, then each dimension and its value.
    pub(super) fn widget_value(&self, namespace: &str) -> Value {
        let mut parts = vec![json!(namespace), json!(self.name)];
        for (name, value) in &self.dimensions {
            parts.push(json!(name));
            parts.push(json!(value));
        }
        parts.into()
    }
}
