//! What was found of former stacks, in no provider's types.

#![expect(
    clippy::indexing_slicing,
    reason = "a JSON value answers null for what it does not have"
)]

use std::fmt;

use serde_json::Value;

/// Everything that was found for the clusters of one environment.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Remains {
    /// Functions that read a cluster's log group.
    pub functions: Vec<Function>,
    /// Schedules that start one of them, or once did.
    pub rules: Vec<Rule>,
    /// Alarms on what they count.
    pub alarms: Vec<Alarm>,
    /// Topics that those alarms notify.
    pub topics: Vec<Topic>,
    /// Keys of those topics.
    pub keys: Vec<Key>,
    /// Roles of the functions.
    pub roles: Vec<Role>,
    /// Dashboards that show a cluster's log group, or one of the alarms.
    pub dashboards: Vec<Dashboard>,
    /// Who listens to pgvigil's own topics, by cluster. A cluster without a topic has no entry.
    pub own_listeners: Vec<(String, Vec<Subscription>)>,
    /// Names of every alarm in the account's region: dashboards may point at one that is not there.
    pub alarm_names: Vec<String>,
    /// What could not be read.
    pub unread: Vec<Unread>,
}

/// Something that could not be read: nothing is known about it.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Unread {
    pub resource: String,
    pub message: String,
}

/// A function that reads a cluster's log group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Function {
    pub name: String,
    /// ARN without a version.
    pub arn: String,
    /// The log group that it reads.
    pub log_group: String,
    pub namespace: Option<String>,
    /// Its window in minutes, as its variable says.
    pub window_minutes: Option<String>,
    /// Runtime, such as `python3.9`.
    pub runtime: Option<String>,
    /// ARN of its role.
    pub role: String,
    /// Its own log: `None` when there is none, else the days it is kept, or forever.
    pub own_log: Option<Option<i32>>,
    /// It is a monitor beyond doubt: by its name, by its variables, or since a person named it. Any function may have
    /// a variable for a log group.
    pub is_certain: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    pub name: String,
    /// Such as `rate(5 minutes)`.
    pub schedule: Option<String>,
    /// It starts its targets.
    pub is_enabled: bool,
    /// Ids and ARNs of what it starts.
    pub targets: Vec<(String, String)>,
    /// Functions that it starts or may start.
    pub functions: Vec<String>,
}

/// An alarm on people's statements.
#[derive(Debug, Clone, PartialEq)]
pub struct Alarm {
    pub name: String,
    /// Log group that it is about.
    pub log_group: String,
    /// In the form of a document.
    pub properties: Value,
    /// Composite alarms whose rule names it.
    pub composites: Vec<String>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Topic {
    pub arn: String,
    /// Alias, id or ARN of its key.
    pub key: Option<String>,
    pub policy: Value,
    pub subscriptions: Vec<Subscription>,
    /// Other alarms that notify it.
    pub other_alarms: Vec<String>,
}

/// Where a subscription leads to. Never printed: a web address is a secret.
#[derive(Clone, PartialEq, Eq)]
pub struct Endpoint(pub String);

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Endpoint(…)")
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subscription {
    /// `email`, `https` …
    pub protocol: String,
    pub endpoint: Endpoint,
    pub is_confirmed: bool,
}

impl Subscription {
    /// Its name in reports: an address of a person or of a resource, never a web address, and no number.
    pub fn name(&self) -> String {
        match self.protocol.as_str() {
            "email" | "email-json" | "sqs" | "lambda" | "firehose" => {
                format!("{} {}", self.protocol, self.endpoint.0)
            }
            protocol => format!("{protocol} (endpoint not shown)"),
        }
    }

    /// Says whether both lead to the same place.
    pub fn is_same(&self, other: &Self) -> bool {
        self.protocol == other.protocol && self.endpoint == other.endpoint
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct Key {
    /// As its topic names it.
    pub name: String,
    pub aliases: Vec<String>,
    /// The account's, not AWS's own.
    pub is_customers: bool,
    pub policy: Value,
    /// It is renewed every year.
    pub rotates: bool,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Role {
    pub arn: String,
    pub name: String,
    /// Who may take it on.
    pub trust: Value,
    /// Inline policies by name.
    pub policies: Vec<(String, Value)>,
    /// ARNs of attached policies.
    pub attached: Vec<String>,
    /// Other functions that run with it.
    pub other_functions: Vec<String>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Dashboard {
    pub name: String,
    pub body: Value,
}

impl Remains {
    /// Alarms about a log group.
    pub fn alarms_of<'a>(&'a self, log_group: &'a str) -> impl Iterator<Item = &'a Alarm> {
        self.alarms
            .iter()
            .filter(move |alarm| alarm.log_group == log_group)
    }

    /// Topics that the old alarms about a log group notify.
    pub fn topics_of<'a>(&'a self, log_group: &'a str) -> impl Iterator<Item = &'a Topic> {
        self.topics.iter().filter(move |topic| {
            self.alarms_of(log_group)
                .any(|alarm| alarm.tells(&topic.arn))
        })
    }
}

impl Alarm {
    /// ARNs that it notifies on `ALARM`, on `OK` and on `INSUFFICIENT_DATA`.
    pub fn actions(&self) -> impl Iterator<Item = &str> {
        ["alarm_actions", "ok_actions", "insufficient_data_actions"]
            .into_iter()
            .filter_map(|key| self.properties[key].as_array())
            .flatten()
            .filter_map(Value::as_str)
    }

    /// Whether it notifies a topic.
    pub fn tells(&self, topic: &str) -> bool {
        self.actions().any(|action| action == topic)
    }
}

impl Rule {
    /// Targets that are not one of its functions: this program leaves them alone.
    pub fn foreign(&self) -> impl Iterator<Item = &(String, String)> {
        self.targets
            .iter()
            .filter(|(_, arn)| !self.functions.iter().any(|own| is_same_function(own, arn)))
    }

    /// Targets that are one of its functions.
    pub fn own(&self) -> impl Iterator<Item = &(String, String)> {
        self.targets
            .iter()
            .filter(|(_, arn)| self.functions.iter().any(|own| is_same_function(own, arn)))
    }
}

/// Whether an ARN names a function, with any version or alias.
pub fn is_same_function(function: &str, arn: &str) -> bool {
    arn.strip_prefix(function)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with(':'))
}
