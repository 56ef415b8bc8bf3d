//! The monitor's configuration: the variables that the compiler writes, and no others.

use std::collections::BTreeMap;

use crate::compile::fetch::FETCH_ROWS;
use crate::compile::monitor_environment::{BRIDGE, FORMER, RULES_DIGEST};
use crate::diagnostic::quote;
use crate::insights::service::LOG_GROUPS_MAX;
use crate::policy::model::Breakdown;

use super::window::Windows;

/// What of the variables' names is the compiler's.
const PREFIX: &str = "PGVIGIL_";

/// What a monitor is told.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Log groups of the clusters, in the order of the variable.
    pub log_groups: Vec<String>,
    /// Namespace of the metrics.
    pub namespace: String,
    pub windows: Windows,
    /// The environment of the policy.
    pub environment: String,
    /// The cluster, where there is one.
    pub cluster: Option<String>,
    /// Digest of the policy files.
    pub policy_digest: String,
    /// Digest of the rules that the layer brings.
    pub rules_digest: String,
    /// Where new groups are told.
    pub topic: Option<String>,
    /// Where AWS's chat integration listens.
    pub chat_topic: Option<String>,
    /// The EventBridge bus that gets an event for each new detection.
    pub event_bus: Option<String>,
    /// The address of the runbook that messages link to.
    pub runbook: Option<String>,
    /// What is published beside the count of each signal.
    pub metrics: Vec<Breakdown>,
    /// Rows of one result at most: as many mean that there can be more.
    pub row_limit: u32,
    /// Where this runs, for links.
    pub region: Option<String>,
}

/// A variable that is missing, foreign or cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{variable}` {problem}")]
pub struct Fault {
    pub variable: String,
    /// What is wrong with it, and what to do.
    pub problem: String,
}

impl Settings {
    /// Reads the variables. There are no defaults: a monitor that watches something else than it was told to is worse
    /// than none, since none is noticed.
    ///
    /// # Errors
    /// Everything that is wrong, variable by variable.
    pub fn read(variables: &BTreeMap<String, String>) -> Result<Self, Vec<Fault>> {
        let mut reader = Reader {
            variables,
            faults: Vec::new(),
            known: Vec::new(),
        };
        let log_groups = reader.list("LOG_GROUP_NAME", |name| {
            // CreateLogGroup: 1 to 512 of these characters.
            let fits = (1..=512).contains(&name.len())
                && name
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || b"_-/.#".contains(&byte));
            fits.then(|| name.to_owned()).ok_or_else(|| {
                format!(
                    "contains {}, which is not a valid log group name",
                    quote(name)
                )
            })
        });
        if !(1..=LOG_GROUPS_MAX).contains(&log_groups.len()) {
            reader.fault(
                "LOG_GROUP_NAME",
                &format!("must contain 1 to {LOG_GROUPS_MAX} log groups"),
            );
        }
        let namespace = reader.text("METRIC_NAMESPACE");
        if namespace.len() > 255 || namespace.starts_with("AWS/") || !printable(&namespace) {
            reader.fault(
                "METRIC_NAMESPACE",
                "is not a namespace that PutMetricData accepts",
            );
        }
        let minutes = reader.number("QUERY_WINDOW_MINUTES", 1, 1440);
        let late = reader.number("PGVIGIL_LATE_ARRIVAL_MINUTES", 0, 1440);
        let settle = reader.number("PGVIGIL_SETTLE_SECONDS", 0, 3600);
        let environment = reader.text("PGVIGIL_ENVIRONMENT");
        let cluster = reader.optional("PGVIGIL_CLUSTER");
        if cluster.is_some() && log_groups.len() > 1 {
            reader.fault(
                "PGVIGIL_CLUSTER",
                "names one cluster, but `LOG_GROUP_NAME` contains several log groups",
            );
        }
        let policy_digest = reader.digest("PGVIGIL_POLICY_DIGEST");
        let rules_digest = reader.rules_digest();
        let topic = reader.topic("PGVIGIL_TOPIC");
        let chat_topic = reader.topic("PGVIGIL_CHAT_TOPIC");
        let event_bus = reader.event_bus("PGVIGIL_EVENT_BUS");
        let runbook = reader.optional("PGVIGIL_RUNBOOK");
        if runbook
            .as_deref()
            .is_some_and(|address| !address.starts_with("https://") || !printable(address))
        {
            reader.fault(
                "PGVIGIL_RUNBOOK",
                "is not an address that begins with https://",
            );
        }
        let metrics = reader.list("PGVIGIL_METRICS", |name| {
            named(&Breakdown::ALL, Breakdown::name, name).ok_or_else(|| {
                format!(
                    "contains {}, which is not one of `command`, `user`, `suppressed`",
                    quote(name)
                )
            })
        });
        reader.foreign();
        if !reader.faults.is_empty() {
            return Err(reader.faults);
        }
        Ok(Self {
            log_groups,
            namespace,
            windows: Windows::new(minutes, settle, late),
            environment,
            cluster,
            policy_digest,
            rules_digest,
            topic,
            chat_topic,
            event_bus,
            runbook,
            metrics,
            row_limit: FETCH_ROWS,
            region: variables
                .get("AWS_REGION")
                .filter(|region| !region.is_empty())
                .cloned(),
        })
    }

    /// A log group by its place; an empty name for a place that there is not.
    pub(super) fn log_group(&self, group: usize) -> &str {
        self.log_groups
            .get(group)
            .map(String::as_str)
            .unwrap_or_default()
    }

    /// The cluster of a log group, as people call it.
    pub fn cluster_of<'a>(&'a self, log_group: &'a str) -> &'a str {
        if let Some(cluster) = &self.cluster {
            return cluster;
        }
        // `/aws/rds/cluster/NAME/postgresql`.
        match log_group.split('/').collect::<Vec<_>>().as_slice() {
            ["", "aws", "rds", _, name, _] => name,
            _ => log_group,
        }
    }
}

fn named<T: Copy>(all: &[T], name_of: fn(T) -> &'static str, name: &str) -> Option<T> {
    all.iter().copied().find(|one| name_of(*one) == name)
}

fn printable(text: &str) -> bool {
    text.bytes().all(|byte| (0x20..0x7f).contains(&byte))
}

/// `arn:PARTITION:SERVICE:REGION:ACCOUNT:NAME`.
fn is_arn(arn: &str, of: &str) -> bool {
    match arn.split(':').collect::<Vec<_>>().as_slice() {
        ["arn", partition, service, region, account, name] if *service == of => {
            let all = [partition, region, name];
            all.iter().all(|part| !part.is_empty())
                && account.len() == 12
                && account.bytes().all(|byte| byte.is_ascii_digit())
        }
        _ => false,
    }
}

struct Reader<'a> {
    variables: &'a BTreeMap<String, String>,
    faults: Vec<Fault>,
    known: Vec<&'static str>,
}

impl Reader<'_> {
    fn fault(&mut self, variable: &str, problem: &str) {
        // One thing at a time: what is missing is not wrong as well.
        if self.faults.iter().all(|fault| fault.variable != variable) {
            self.faults.push(Fault {
                variable: variable.to_owned(),
                problem: problem.to_owned(),
            });
        }
    }

    fn optional(&mut self, variable: &'static str) -> Option<String> {
        self.known.push(variable);
        let value = self.variables.get(variable)?;
        if value.is_empty() {
            self.fault(variable, "is empty");
            return None;
        }
        Some(value.clone())
    }

    fn topic(&mut self, variable: &'static str) -> Option<String> {
        let topic = self.optional(variable);
        if topic.as_deref().is_some_and(|arn| !is_arn(arn, "sns")) {
            self.fault(variable, "is not the ARN of a topic");
        }
        topic
    }

    fn event_bus(&mut self, variable: &'static str) -> Option<String> {
        let bus = self.optional(variable);
        if bus
            .as_deref()
            .is_some_and(|arn| !is_arn(arn, "events") || !arn.contains(":event-bus/"))
        {
            self.fault(variable, "is not the ARN of an event bus");
        }
        bus
    }

    fn text(&mut self, variable: &'static str) -> String {
        if !self.variables.contains_key(variable) {
            self.missing(variable);
            return String::new();
        }
        self.optional(variable).unwrap_or_default()
    }

    fn missing(&mut self, variable: &str) {
        self.fault(
            variable,
            "is missing: deploy the monitor with the variables that `pgvigil compile` writes",
        );
    }

    fn number(&mut self, variable: &'static str, least: u32, most: u32) -> u32 {
        let text = self.text(variable);
        match text.parse() {
            Ok(number) if (least..=most).contains(&number) => number,
            _ => {
                self.fault(
                    variable,
                    &format!(
                        "is {}, which is not a number from {least} to {most}",
                        quote(&text)
                    ),
                );
                least
            }
        }
    }

    fn digest(&mut self, variable: &'static str) -> String {
        let text = self.text(variable);
        let fits = text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        if !fits {
            self.fault(variable, "is not a SHA-256 in hexadecimal");
        }
        text
    }

    /// The digest of the rules. While a monitor of an earlier version, which knows no rules, is replaced, there is a bridge in
    /// its place, and the variables of that version are still there: at no point of the change does a start fail.
    fn rules_digest(&mut self) -> String {
        if self.variables.contains_key(RULES_DIGEST) || !self.variables.contains_key(BRIDGE) {
            return self.digest(RULES_DIGEST);
        }
        self.known.extend(FORMER);
        self.digest(BRIDGE)
    }

    /// Values between commas, each once. None at all is a choice.
    fn list<T: PartialEq>(
        &mut self,
        variable: &'static str,
        read: impl Fn(&str) -> Result<T, String>,
    ) -> Vec<T> {
        self.known.push(variable);
        let Some(text) = self.variables.get(variable) else {
            self.missing(variable);
            return Vec::new();
        };
        let mut values = Vec::new();
        for part in text.split(',').filter(|_| !text.is_empty()) {
            match read(part) {
                Ok(value) if values.contains(&value) => {
                    self.fault(variable, &format!("contains {} twice", quote(part)));
                }
                Ok(value) => values.push(value),
                Err(problem) => self.fault(variable, &problem),
            }
        }
        values
    }

    /// A variable of the compiler's that this monitor does not know would have no effect, and nobody would know.
    fn foreign(&mut self) {
        let foreign: Vec<String> = self
            .variables
            .keys()
            .filter(|name| name.starts_with(PREFIX) && !self.known.contains(&name.as_str()))
            .cloned()
            .collect();
        for name in foreign {
            self.fault(&name, "is not a variable of this monitor: monitor and variables are from different versions of pgvigil; deploy both again");
        }
    }
}
