//! One cluster as the files want it: its names, documents and commands.

use std::collections::BTreeMap;

use serde_json::Value;

use super::observation::Request;
use super::port::{Asked, Since};
use super::remedy::Remedy;
use crate::compile::name::Names;
use crate::compile::resources::{
    Document, Kind, Location, MONITOR_ALARMS, Metric, event_bus_arn, topic_arn,
};
use crate::policy::model::{Cluster, ClusterKind, Engine, Environment, Provider, Signal};

/// What an alarm is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AlarmRole {
    Signal(Signal),
    Errors,
    /// Runs that are missing.
    Heartbeat,
    /// Messages that no subscriber took.
    Delivery,
    /// Records that nobody judged.
    NotJudged,
}

/// A cluster, with everything that belongs to it.
#[derive(Debug, Clone)]
pub struct Subject<'a> {
    pub environment: &'a Environment,
    pub cluster: &'a Cluster,
    /// Names of its resources.
    pub names: Names,
    pub at: Location,
    /// Its documents, in the safe order.
    pub documents: Vec<&'a Document>,
}

impl<'a> Subject<'a> {
    /// The cluster with those of the environment's documents that are its own.
    pub fn new(
        environment: &'a Environment,
        cluster: &'a Cluster,
        documents: &'a [Document],
    ) -> Self {
        let own = format!("{}/", cluster.name);
        Self {
            environment,
            cluster,
            names: Names::new(environment, cluster),
            at: Location::of(environment),
            documents: documents
                .iter()
                .filter(|document| document.address.starts_with(&own))
                .collect(),
        }
    }

    /// Documents of a kind.
    pub fn all(&self, kind: Kind) -> impl Iterator<Item = &'a Document> {
        self.documents
            .iter()
            .copied()
            .filter(move |document| document.kind == kind)
    }

    /// The document of a kind that has one; the cluster's own log group is not meant.
    pub fn one(&self, kind: Kind) -> Option<&'a Document> {
        self.all(kind)
            .find(|document| document.name != self.names.cluster_log_group())
    }

    /// What an alarm is about; `None` for one that is not known here.
    pub fn alarm_role(&self, name: &str) -> Option<AlarmRole> {
        let signal = self.environment.signals.iter().find(|settings| {
            let signal = settings.signal;
            self.names.signal_alarm(signal) == name || self.names.log_alarm(signal) == name
        });
        if let Some(signal) = signal {
            return Some(AlarmRole::Signal(signal.signal));
        }
        if self.names.log_heartbeat() == name {
            return Some(AlarmRole::Heartbeat);
        }
        let roles = [
            AlarmRole::Errors,
            AlarmRole::Heartbeat,
            AlarmRole::Delivery,
            AlarmRole::NotJudged,
        ];
        MONITOR_ALARMS
            .iter()
            .zip(roles)
            .find(|(what, _)| self.names.monitor_alarm(what) == name)
            .map(|(_, role)| role)
    }

    /// ARN of the topic.
    pub fn topic_arn(&self) -> String {
        topic_arn(self.environment, self.cluster)
    }

    /// ARN of an alarm.
    pub fn alarm_arn(&self, name: &str) -> String {
        self.at.arn("cloudwatch", &format!("alarm:{name}"))
    }

    /// ARN of the role that reads the log: the monitor's, or that of the log alarms' queries.
    pub fn role_arn(&self) -> String {
        let reader = match self.environment.engine {
            Engine::Monitor => self.one(Kind::LambdaFunction),
            Engine::LogAlarm => self.one(Kind::LogAlarm),
        };
        let role = reader.and_then(|reader| reader.properties.get("role")?.as_str());
        role.unwrap_or_default().to_owned()
    }

    /// Documents of alarms of either kind.
    pub fn alarms(&self) -> impl Iterator<Item = &'a Document> {
        self.documents
            .iter()
            .copied()
            .filter(|document| matches!(document.kind, Kind::Alarm | Kind::LogAlarm))
    }

    /// Calls that the role must be able to make: those that its own policy is written for.
    pub fn requests(&self) -> Vec<Request> {
        let policy = self
            .one(Kind::IamRolePolicy)
            .and_then(|document| document.properties.get("policy"));
        let statements = policy.and_then(|policy| policy.get("Statement")?.as_array());
        let mut requests = Vec::new();
        for statement in statements.into_iter().flatten() {
            let context = statement
                .pointer("/Condition/StringEquals")
                .and_then(Value::as_object)
                .into_iter()
                .flatten()
                .filter_map(|(key, value)| Some((key.clone(), first(value)?)))
                .collect::<BTreeMap<_, _>>();
            for action in texts(statement.get("Action")) {
                for resource in texts(statement.get("Resource")) {
                    // A stream of the group: IAM simulates a resource, not a pattern.
                    let resource = match resource.strip_suffix(":*") {
                        Some(group) => format!("{group}:log-stream:pgvigil"),
                        None => resource,
                    };
                    requests.push(Request {
                        action: action.clone(),
                        resource,
                        context: context.clone(),
                    });
                }
            }
        }
        requests.sort();
        requests.dedup();
        requests
    }

    /// What is asked about it.
    pub fn asked(&self, hours: Since, history: Since, heartbeat_within: Since) -> Asked<'a> {
        Asked {
            cluster: self.cluster,
            log_group: self.names.cluster_log_group().to_owned(),
            monitor_log_group: self.names.monitor_log_group(),
            key: self.names.alias(),
            subscriptions: self.all(Kind::SnsSubscription).collect(),
            event_bus: event_bus_arn(self.environment),
            alarms: self
                .alarms()
                .map(|document| document.name.clone())
                .collect(),
            function: self.names.shared(),
            namespace: self.environment.monitor.namespace.clone(),
            heartbeat: Metric::heartbeat(self.cluster),
            role: self.role_arn(),
            requests: self.requests(),
            hours,
            history,
            heartbeat_within,
        }
    }

    /// `pgvigil apply`: brings every resource of ours to what the files say.
    pub fn apply(&self) -> Remedy {
        Remedy::mend(&["pgvigil", "apply", "--env", &self.environment.name])
    }

    /// A command of pgvigil that shows something.
    pub fn look(&self, command: &str) -> Remedy {
        Remedy::look(&["pgvigil", command, "--env", &self.environment.name])
    }

    /// A command of the AWS CLI that mends; an apply where there is no AWS.
    pub fn aws(&self, words: &[&str]) -> Remedy {
        match self.environment.provider {
            Provider::Aws => Remedy::mend(&self.aws_words(words)),
            Provider::Local => self.apply(),
        }
    }

    /// A command of the AWS CLI that shows something.
    pub fn look_aws(&self, words: &[&str]) -> Remedy {
        Remedy::look(&self.aws_words(words))
    }

    fn aws_words<'b>(&'b self, words: &[&'b str]) -> Vec<&'b str> {
        let mut all = vec!["aws"];
        all.extend(words);
        all.extend(["--region", &self.at.region]);
        all
    }

    /// Sets parameters of the parameter group, of a cluster or an instance.
    pub fn set_parameter(&self, group: &str, name: &str, value: &str, method: &str) -> Remedy {
        let parameters = serde_json::json!([
            { "ParameterName": name, "ParameterValue": value, "ApplyMethod": method }
        ])
        .to_string();
        let (command, option) = match self.cluster.kind {
            ClusterKind::Aurora => (
                "modify-db-cluster-parameter-group",
                "--db-cluster-parameter-group-name",
            ),
            ClusterKind::Instance => ("modify-db-parameter-group", "--db-parameter-group-name"),
        };
        if let Some(family) = group.strip_prefix("default.") {
            return self.own_group(family);
        }
        self.aws(&["rds", command, option, group, "--parameters", &parameters])
    }

    /// A default group cannot be changed: first the cluster needs one of its own.
    fn own_group(&self, family: &str) -> Remedy {
        let (command, option) = match self.cluster.kind {
            ClusterKind::Aurora => (
                "create-db-cluster-parameter-group",
                "--db-cluster-parameter-group-name",
            ),
            ClusterKind::Instance => ("create-db-parameter-group", "--db-parameter-group-name"),
        };
        let name = format!("{}-audit", self.cluster.name);
        self.aws(&[
            "rds",
            command,
            option,
            &name,
            "--db-parameter-group-family",
            family,
            "--description",
            "Audited by pgvigil",
        ])
    }
}

fn texts(value: Option<&Value>) -> Vec<String> {
    match value {
        Some(Value::String(text)) => vec![text.clone()],
        Some(Value::Array(items)) => items
            .iter()
            .filter_map(|item| item.as_str().map(str::to_owned))
            .collect(),
        _ => Vec::new(),
    }
}

fn first(value: &Value) -> Option<String> {
    texts(Some(value)).into_iter().next()
}
