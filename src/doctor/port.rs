//! The port to a running system: looks, and has no call that changes anything.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::observation::{
    Alarm, Answer, Database, Decision, Function, Key, LogGroup, Observed, Request, Subscription,
};
use crate::compile::resources::{Document, Metric};
use crate::deploy::port::CloudError;
use crate::policy::model::Cluster;

/// A stretch of time, its end included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Since {
    pub from: Timestamp,
    /// Until: now, by the provider's clock where that could be read.
    pub until: Timestamp,
}

/// What is asked about one cluster.
#[derive(Debug, Clone)]
pub struct Asked<'a> {
    pub cluster: &'a Cluster,
    /// Name of its log group.
    pub log_group: String,
    /// Name of the monitor's log group.
    pub monitor_log_group: String,
    /// Alias of the topic's key, with `alias/`.
    pub key: String,
    /// Documents of the declared subscriptions.
    pub subscriptions: Vec<&'a Document>,
    /// ARN of the bus that gets the monitor's events.
    pub event_bus: Option<String>,
    /// Names of the alarms.
    pub alarms: Vec<String>,
    /// Name of the function.
    pub function: String,
    /// Namespace of the heartbeat.
    pub namespace: String,
    pub heartbeat: Metric,
    /// ARN of the monitor's role.
    pub role: String,
    /// Calls that the role must be able to make.
    pub requests: Vec<Request>,
    /// The last hours, for the function's counts.
    pub hours: Since,
    /// The time of which the alarms' history is read: all that CloudWatch keeps.
    pub history: Since,
    /// The time in which a heartbeat is looked for.
    pub heartbeat_within: Since,
}

/// Looks at a running system. `Ok(None)` is known not to be there; what could not be read is an error.
pub trait Observer {
    /// The provider's clock: the `Date` of an answer.
    fn now(&self) -> Result<Timestamp, CloudError>;

    /// A cluster or instance.
    fn database(&self, cluster: &Cluster) -> Answer<Database>;

    fn log_group(&self, name: &str) -> Answer<LogGroup>;

    /// The key behind an alias.
    fn key(&self, alias: &str) -> Answer<Key>;

    /// A declared subscription; its endpoint may be a secret, which the provider's side resolves.
    fn subscription(&self, document: &Document) -> Answer<Subscription>;

    /// Whether a bus is there, by its ARN.
    fn event_bus(&self, arn: &str) -> Answer<()>;

    /// An alarm, with the actions of its history since then.
    fn alarm(&self, name: &str, history: Since) -> Answer<Alarm>;

    /// A function, with its counts in that time.
    fn function(&self, name: &str, counts: Since) -> Answer<Function>;

    /// Time of the newest data point of a metric in that time.
    fn last_data_point(&self, namespace: &str, metric: &Metric, within: Since)
    -> Answer<Timestamp>;

    /// Asks IAM whether a role may make calls: one answer for each, in order.
    fn simulate(&self, role_arn: &str, requests: &[Request]) -> Result<Vec<Decision>, CloudError>;

    /// All of it for one cluster. A provider that can do so asks side by side.
    fn observe(&self, asked: &Asked<'_>) -> Observed {
        let subscriptions: BTreeMap<_, _> = asked
            .subscriptions
            .iter()
            .map(|document| (document.address.clone(), self.subscription(document)))
            .collect();
        let alarms: BTreeMap<_, _> = asked
            .alarms
            .iter()
            .map(|name| (name.clone(), self.alarm(name, asked.history)))
            .collect();
        Observed {
            database: self.database(asked.cluster),
            log_group: self.log_group(&asked.log_group),
            monitor_log_group: self.log_group(&asked.monitor_log_group),
            key: self.key(&asked.key),
            subscriptions,
            event_bus: asked.event_bus.as_deref().map(|arn| self.event_bus(arn)),
            alarms,
            function: self.function(&asked.function, asked.hours),
            heartbeat: self.last_data_point(
                &asked.namespace,
                &asked.heartbeat,
                asked.heartbeat_within,
            ),
            decisions: self.simulate(&asked.role, &asked.requests),
        }
    }
}
