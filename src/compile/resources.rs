//! One document for each resource that watches a cluster, and one for the rules that all clusters share.
//!
//! Documents are the same for every provider and hold no value that only the provider knows: ARNs are made of
//! names, and what has no name yet (a key's id, the package's digest, a secret) is a reference, an object with
//! one key that says what is meant.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::name::{self, Names};
use crate::policy::model::{
    Cluster, Engine, Environment, Monitor, Notification, Secret, Share, Signal, SignalSettings,
};

mod document;
pub(crate) mod filter;
mod log_alarm;
mod metric;
mod place;
pub mod policy_layer;
pub mod published;
#[cfg(test)]
pub(crate) mod testing;

pub use document::{
    Document, EVERY_CLUSTER, Kind, Ownership, Provenance, address_of_file, canonical, encode,
    file_of, normalise, pretty,
};
pub use metric::{Metric, Unit};
pub use place::{LOCAL_ACCOUNT, LOCAL_REGION, Location, partition};
pub use policy_layer::PolicyLayer;

/// Days of retention that CloudWatch Logs takes (`PutRetentionPolicy`).
pub const RETENTION_DAYS: [u32; 22] = [
    1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922,
    3288, 3653,
];

/// The alarms about the monitor itself: what their names end with.
pub const MONITOR_ALARMS: [&str; 4] = ["monitor-errors", "heartbeat", "delivery", "not-judged"];

/// The condition of an alarm that goes off in a period above a threshold; a period without data is none.
fn above(statistic: &str, periods: u32, threshold: u64) -> Value {
    json!({
        "statistic": statistic,
        "evaluation_periods": periods,
        "datapoints_to_alarm": 1,
        "comparison": "GreaterThanThreshold",
        "threshold": threshold,
        "missing_data": "notBreaching",
    })
}

/// The metric alarms about an engine itself: what their names end with. A log alarm publishes no metrics; what its
/// topic fails to deliver is a metric of SNS.
pub fn monitor_alarms(engine: Engine) -> &'static [&'static str] {
    match engine {
        Engine::Monitor => &MONITOR_ALARMS,
        Engine::LogAlarm => &["delivery"],
    }
}

/// Runs that may be missing before the heartbeat's alarm goes off.
pub const MISSED_RUNS: u32 = 3;

/// Id of the schedule's only target: one, so that nothing runs twice.
const TARGET: &str = "monitor";

/// Name of the role's only inline policy.
const ROLE_POLICY: &str = "monitor";

/// What Lambda runs the monitor in: the program brings everything itself (Lambda developer guide, "OS-only runtimes").
pub const RUNTIME: &str = "provided.al2023";

/// What was compiled before and goes into the documents.
#[derive(Debug, Clone, Copy)]
pub struct Inputs<'a> {
    /// Text of the query that sums up what counts.
    pub summary: &'a str,
    /// Text of the investigation query, for responders who may see statements.
    pub investigate: &'a str,
    /// Text of the dashboard's table: the newest records without the statements' text, which may hold personal
    /// data and which everybody who may see dashboards would read.
    pub table: &'a str,
    /// The exclusions that end first, in Markdown.
    pub last_days: &'a str,
    /// Digest of the compiled query.
    pub query_digest: &'a str,
    /// Digest of the policy files.
    pub policy_digest: &'a str,
    /// The rules, as the function has them attached.
    pub policy_layer: &'a PolicyLayer,
    /// The function's environment, secrets as references' names only.
    pub monitor_environment: &'a BTreeMap<String, String>,
    /// The rows-only query of each signal, for log alarms.
    pub signal_rows: &'a BTreeMap<Signal, String>,
}

/// ARN of the topic that tells people about a cluster.
pub fn topic_arn(environment: &Environment, cluster: &Cluster) -> String {
    Location::of(environment).arn("sns", &Names::new(environment, cluster).shared())
}

/// ARN of the topic of AWS's chat integration, where the environment has one.
pub fn chat_topic_arn(environment: &Environment, cluster: &Cluster) -> Option<String> {
    let name = Names::new(environment, cluster).chat_topic();
    environment
        .chat
        .then(|| Location::of(environment).arn("sns", &name))
}

/// ARN of the bus that gets the monitor's events, where the environment has one. The bus is not ours: whoever reads its events
/// made it, or it is the account's own.
pub fn event_bus_arn(environment: &Environment) -> Option<String> {
    let bus = environment.events.as_deref()?;
    if bus.starts_with("arn:") {
        return Some(bus.to_owned());
    }
    Some(Location::of(environment).arn("events", &format!("event-bus/{bus}")))
}

/// The saved query of what the monitor told.
pub(crate) const DETECTIONS: &str = "detections";

/// The saved query of what one role did.
pub(crate) const ROLE: &str = "role";

/// The saved queries beside the investigation, by what they show. A log alarm tells nothing that could be read.
pub(super) fn saved_queries(engine: Engine) -> &'static [&'static str] {
    match engine {
        Engine::Monitor => &[DETECTIONS, ROLE],
        Engine::LogAlarm => &[ROLE],
    }
}

const DETECTIONS_OF_A_TIME: &str = "# Detections of the monitor, newest first: who, what, how often. Choose the time \
    range; the rows contain no SQL text.\n";

/// Everything that a role's sessions wrote, judged or not. It holds for both prefixes: the role stands between a colon and an at sign
/// (`audit_log::prefix`). People edit the text: we do not know that exports can make a saved query with a parameter.
const ENTRIES_OF_A_ROLE: &str = "# All entries of one role, oldest first. Replace ROLE with the role, and choose the \
    time range around the detection.\nfilter @message like ':ROLE@'\n| fields @timestamp, @message\n| sort @timestamp \
    asc\n| limit 1000\n";

/// Windows that the monitor computes in each run: the newest, and those of the missed runs for which no alarm has
/// fired yet.
pub const WINDOWS_RECOMPUTED: u32 = 1 + MISSED_RUNS;

/// Periods that the alarm of a signal looks at: every window that a run can still publish must be among them when it
/// does, or the alarm never sees it. That is what a run computes, the time to settle and to run, in whole windows, and
/// one more, since a run begins anywhere in a window. Late records need no more: a window holds what *arrived* in it.
pub fn periods_watched(monitor: &Monitor) -> u32 {
    let window = monitor.window_minutes.max(1) * 60;
    let behind = monitor
        .settle_seconds
        .saturating_add(monitor.timeout_seconds)
        .div_ceil(window);
    WINDOWS_RECOMPUTED
        .saturating_add(1)
        .saturating_add(behind)
        .min(longest_evaluation(monitor))
}

/// Most periods that `PutMetricAlarm` takes: a day of them below an hour each, else a week.
fn longest_evaluation(monitor: &Monitor) -> u32 {
    let window = monitor.window_minutes.max(1) * 60;
    let most = if window < 3600 { 86_400 } else { 604_800 };
    (most / window).max(1)
}

/// EventBridge's rate expression: its unit is singular for one, and only for one.
pub fn rate(minutes: u32) -> String {
    if minutes == 1 {
        "rate(1 minute)".to_owned()
    } else {
        format!("rate({minutes} minutes)")
    }
}

/// What all clusters of an environment share: the layer with the rules, where functions judge by them.
pub fn shared(environment: &Environment, inputs: &Inputs<'_>) -> Vec<Document> {
    match environment.engine {
        Engine::Monitor => vec![
            inputs
                .policy_layer
                .document(environment, provenance(inputs)),
        ],
        Engine::LogAlarm => Vec::new(),
    }
}

fn provenance(inputs: &Inputs<'_>) -> Provenance {
    Provenance {
        policy: inputs.policy_digest.to_owned(),
        query: inputs.query_digest.to_owned(),
    }
}

/// Every resource that watches a cluster, in the safe order.
pub fn resources(
    environment: &Environment,
    cluster: &Cluster,
    inputs: &Inputs<'_>,
) -> Vec<Document> {
    let compiler = Compiler {
        environment,
        cluster,
        inputs,
        names: Names::new(environment, cluster),
        at: Location::of(environment),
    };
    let mut documents = vec![
        compiler.cluster_log_group(),
        compiler.key(),
        compiler.alias(),
        compiler.topic(compiler.names.shared()),
    ];
    documents.extend(
        environment
            .receivers()
            .iter()
            .map(|(receiver, share)| compiler.subscription(receiver, share)),
    );
    if environment.chat {
        documents.push(compiler.topic(compiler.names.chat_topic()));
    }
    match environment.engine {
        Engine::Monitor => documents.extend(compiler.monitor()),
        Engine::LogAlarm => documents.extend(compiler.log_alarms()),
    }
    documents.push(compiler.delivery_alarm());
    documents.push(compiler.dashboard());
    documents.extend(compiler.saved_queries());
    documents.sort_by(|left, right| (left.kind, &left.address).cmp(&(right.kind, &right.address)));
    // The same endpoint declared twice is one subscription.
    documents.dedup_by(|left, right| left.address == right.address);
    documents
}

struct Compiler<'a> {
    environment: &'a Environment,
    cluster: &'a Cluster,
    inputs: &'a Inputs<'a>,
    names: Names,
    at: Location,
}

impl Compiler<'_> {
    /// What the engine `monitor` is made of.
    fn monitor(&self) -> Vec<Document> {
        let mut documents = vec![
            self.monitor_log_group(),
            self.role(),
            self.role_policy(),
            self.function(),
            self.errors_alarm(),
            self.not_judged_alarm(),
            self.heartbeat_alarm(),
            self.permission(),
            self.rule(),
            self.target(),
        ];
        let signals = &self.environment.signals;
        documents.extend(signals.iter().map(|signal| self.signal_alarm(signal)));
        documents
    }

    fn document(
        &self,
        kind: Kind,
        name: String,
        depends_on: &[String],
        mut properties: Value,
    ) -> Document {
        normalise(kind, &mut properties);
        let mut depends_on = depends_on.to_vec();
        depends_on.sort();
        Document {
            address: self.address(kind, &name),
            kind,
            name,
            depends_on,
            ownership: Ownership::Owned,
            provenance: provenance(self.inputs),
            properties,
        }
    }

    fn address(&self, kind: Kind, name: &str) -> String {
        Document::address_of(&self.cluster.name, kind, name)
    }

    /// The address of a resource that bears the shared name.
    fn shared_address(&self, kind: Kind) -> String {
        self.address(kind, self.names.base())
    }

    /// For what costs money, holds data or grants rights. Alarms, rules and dashboards answer for their tags one by
    /// one, which would double the calls of a plan: they bear none.
    fn tags(&self) -> Map<String, Value> {
        let mut tags: Map<String, Value> = self
            .environment
            .tags
            .iter()
            .map(|(key, value)| (key.clone(), json!(value)))
            .collect();
        tags.insert(
            "pgvigil:environment".to_owned(),
            json!(self.environment.name),
        );
        tags.insert("pgvigil:cluster".to_owned(), json!(self.cluster.name));
        tags
    }

    /// `orders (prod)`, for descriptions and titles.
    fn subject(&self) -> String {
        subject(self.environment, &self.cluster.name)
    }

    fn topic_arn(&self) -> String {
        self.at.arn("sns", &self.names.shared())
    }

    fn function_arn(&self) -> String {
        self.at
            .arn("lambda", &format!("function:{}", self.names.base()))
    }

    fn role_arn(&self) -> String {
        self.at.iam_arn(&format!("role/{}", self.names.base()))
    }

    fn rule_arn(&self) -> String {
        self.at
            .arn("events", &format!("rule/{}", self.names.base()))
    }

    fn alarm_arn(&self, name: &str) -> String {
        self.at.arn("cloudwatch", &format!("alarm:{name}"))
    }

    /// RDS makes this group: we only set how long it keeps the records.
    fn cluster_log_group(&self) -> Document {
        let name = self.names.cluster_log_group().to_owned();
        let mut properties =
            json!({ "name": name, "retention_days": self.environment.retention_days });
        // Where the files do not ask for it, a protection that others set is left as it is.
        if let (Value::Object(properties), true) =
            (&mut properties, self.environment.log_deletion_protection)
        {
            properties.insert("deletion_protection".to_owned(), json!(true));
        }
        Document {
            ownership: Ownership::Adopted,
            ..self.document(Kind::LogGroup, name, &[], properties)
        }
    }

    fn monitor_log_group(&self) -> Document {
        let name = self.names.monitor_log_group();
        let properties = json!({
            "name": name,
            "retention_days": self.environment.monitor_retention_days,
            "tags": self.tags(),
        });
        self.document(Kind::LogGroup, name, &[], properties)
    }

    fn key(&self) -> Document {
        let mut policy = json!({
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Sid": "AccountAdministers",
                    "Effect": "Allow",
                    "Principal": { "AWS": self.at.iam_arn("root") },
                    "Action": "kms:*",
                    "Resource": "*",
                },
                {
                    "Sid": "AlarmsOfThisAccountEncrypt",
                    "Effect": "Allow",
                    "Principal": { "Service": "cloudwatch.amazonaws.com" },
                    "Action": ["kms:Decrypt", "kms:GenerateDataKey*"],
                    "Resource": "*",
                    "Condition": {
                        "StringEquals": { "aws:SourceAccount": self.at.account },
                        "ArnLike": { "aws:SourceArn": self.at.arn("cloudwatch", "alarm:*") },
                    },
                },
            ],
        });
        if self.environment.engine == Engine::Monitor {
            // By condition, not by principal: KMS refuses a key that names a role which does not exist yet.
            let monitor = json!({
                "Sid": "MonitorEncrypts",
                "Effect": "Allow",
                "Principal": { "AWS": "*" },
                "Action": ["kms:Decrypt", "kms:GenerateDataKey*"],
                "Resource": "*",
                "Condition": {
                    "StringEquals": { "kms:CallerAccount": self.at.account },
                    "ArnEquals": { "aws:PrincipalArn": self.role_arn() },
                    "StringLike": { "kms:ViaService": format!("sns.{}.*", self.at.region) },
                },
            });
            add_statement(&mut policy, monitor);
        }
        let properties = json!({
            "description": key_description(self.environment, &self.cluster.name),
            "enabled": true,
            // A grant lets somebody use the key beside its policy.
            "grants": [],
            "key_spec": "SYMMETRIC_DEFAULT",
            "key_usage": "ENCRYPT_DECRYPT",
            "multi_region": false,
            "rotation": { "enabled": true, "period_days": 365 },
            "policy": policy,
            "tags": self.tags(),
        });
        self.document(Kind::KmsKey, self.names.shared(), &[], properties)
    }

    fn alias(&self) -> Document {
        let key = self.shared_address(Kind::KmsKey);
        let name = self.names.alias();
        let properties = json!({ "name": name, "target": { "id_of": key } });
        self.document(Kind::KmsAlias, name, &[key], properties)
    }

    fn topic(&self, name: String) -> Document {
        let arn = self.at.arn("sns", &name);
        // SNS refuses `sns:*` in a topic's policy.
        let every_action = json!([
            "SNS:AddPermission",
            "SNS:DeleteTopic",
            "SNS:GetTopicAttributes",
            "SNS:ListSubscriptionsByTopic",
            "SNS:Publish",
            "SNS:RemovePermission",
            "SNS:SetTopicAttributes",
            "SNS:Subscribe",
        ]);
        let mut policy = json!({
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Sid": "AlarmsOfThisAccountPublish",
                    "Effect": "Allow",
                    "Principal": { "Service": "cloudwatch.amazonaws.com" },
                    "Action": "SNS:Publish",
                    "Resource": arn,
                    "Condition": {
                        "StringEquals": { "aws:SourceAccount": self.at.account },
                        "ArnLike": { "aws:SourceArn": self.at.arn("cloudwatch", "alarm:*") },
                    },
                },
                {
                    "Sid": "RefuseInsecureTransport",
                    "Effect": "Deny",
                    "Principal": { "AWS": "*" },
                    "Action": every_action,
                    "Resource": arn,
                    "Condition": { "Bool": { "aws:SecureTransport": "false" } },
                },
                {
                    "Sid": "RefuseHttpSubscriptions",
                    "Effect": "Deny",
                    "Principal": { "AWS": "*" },
                    "Action": "SNS:Subscribe",
                    "Resource": arn,
                    "Condition": { "StringEquals": { "SNS:Protocol": "http" } },
                },
            ],
        });
        if self.environment.engine == Engine::Monitor {
            // By condition, not by principal: SNS refuses a policy that names a role which does not exist yet.
            let monitor = json!({
                "Sid": "MonitorPublishes",
                "Effect": "Allow",
                "Principal": { "AWS": self.at.iam_arn("root") },
                "Action": "SNS:Publish",
                "Resource": arn,
                "Condition": { "ArnEquals": { "aws:PrincipalArn": self.role_arn() } },
            });
            add_statement(&mut policy, monitor);
        }
        let properties = json!({
            "name": name,
            "display_name": "",
            "fifo": false,
            "kms_key": self.names.alias(),
            "policy": policy,
            "signature_version": 2,
            "tracing": "PassThrough",
            "tags": self.tags(),
        });
        let alias = self.address(Kind::KmsAlias, &self.names.alias());
        self.document(Kind::SnsTopic, name, &[alias], properties)
    }

    fn subscription(&self, notification: &Notification, share: &Share<'_>) -> Document {
        let (protocol, endpoint, delivery) = match notification {
            Notification::Email(address) => ("email", json!(address), Value::Null),
            Notification::Https(secret) => {
                let endpoint = match secret {
                    Secret::FromEnv(name) => json!({ "from_env": name }),
                    Secret::FromSecret(name) => json!({ "from_secret": name }),
                };
                // SNS's default gives up after 50 quick tries; an incident platform may be away for longer.
                // The whole must stay below an hour.
                let retries = json!({
                    "minDelayTarget": 5,
                    "maxDelayTarget": 120,
                    "numRetries": 25,
                    "numNoDelayRetries": 3,
                    "numMinDelayRetries": 2,
                    "numMaxDelayRetries": 15,
                    "backoffFunction": "exponential",
                });
                ("https", endpoint, json!({ "healthyRetryPolicy": retries }))
            }
        };
        let mut properties = json!({
            "topic": self.topic_arn(),
            "protocol": protocol,
            "endpoint": endpoint,
            "delivery_policy": delivery,
            "filter_policy": null,
            "raw_message_delivery": false,
            "redrive_policy": null,
        });
        if let (Value::Object(properties), Some(policy)) = (&mut properties, filter::policy(share))
        {
            properties.insert("filter_policy".to_owned(), policy);
            // In the other scope a filter looks into the message's text, and no message would pass.
            let scope = json!(filter::SCOPE);
            properties.insert("filter_policy_scope".to_owned(), scope);
        }
        let topic = self.shared_address(Kind::SnsTopic);
        self.document(
            Kind::SnsSubscription,
            self.names.subscription(notification),
            &[topic],
            properties,
        )
    }

    fn role(&self) -> Document {
        self.role_of(
            self.names.shared(),
            &format!("Monitor of {}", self.subject()),
            "FunctionOfThisAccount",
            "lambda.amazonaws.com",
        )
    }

    /// A role that a service takes on, for this account only.
    fn role_of(&self, name: String, description: &str, sid: &str, service: &str) -> Document {
        let trust = json!({
            "Version": "2012-10-17",
            "Statement": [{
                "Sid": sid,
                "Effect": "Allow",
                "Principal": { "Service": service },
                "Action": "sts:AssumeRole",
                "Condition": { "StringEquals": { "aws:SourceAccount": self.at.account } },
            }],
        });
        let properties = json!({
            "name": name,
            "description": description,
            "path": "/",
            "max_session_seconds": 3600,
            "managed_policies": [],
            "permissions_boundary": self.environment.permissions_boundary,
            "trust_policy": trust,
            "tags": self.tags(),
        });
        self.document(Kind::IamRole, name, &[], properties)
    }

    fn role_policy(&self) -> Document {
        let cluster_log = self.at.log_group_arn(self.names.cluster_log_group());
        let own_log = self.at.log_group_arn(&self.names.monitor_log_group());
        let topics = match chat_topic_arn(self.environment, self.cluster) {
            Some(chat) => json!([self.topic_arn(), chat]),
            None => json!(self.topic_arn()),
        };
        let mut policy = json!({
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Sid": "QueryTheClustersLog",
                    "Effect": "Allow",
                    "Action": "logs:StartQuery",
                    "Resource": [cluster_log, format!("{cluster_log}:*")],
                },
                {
                    // IAM knows no resource for these two; a query's id is known only to who started it.
                    "Sid": "FollowOwnQueries",
                    "Effect": "Allow",
                    "Action": ["logs:GetQueryResults", "logs:StopQuery"],
                    "Resource": "*",
                },
                {
                    "Sid": "PublishMetrics",
                    "Effect": "Allow",
                    "Action": "cloudwatch:PutMetricData",
                    "Resource": "*",
                    "Condition": { "StringEquals": { "cloudwatch:namespace": self.environment.monitor.namespace } },
                },
                {
                    // IAM knows no resource and no namespace for reading: the receipts of earlier runs.
                    "Sid": "ReadReceipts",
                    "Effect": "Allow",
                    "Action": "cloudwatch:GetMetricData",
                    "Resource": "*",
                },
                {
                    "Sid": "WriteOwnLog",
                    "Effect": "Allow",
                    "Action": ["logs:CreateLogStream", "logs:PutLogEvents"],
                    "Resource": format!("{own_log}:*"),
                },
                {
                    "Sid": "TellPeople",
                    "Effect": "Allow",
                    "Action": "sns:Publish",
                    "Resource": topics,
                },
            ],
        });
        if let Some(bus) = event_bus_arn(self.environment) {
            let events = json!({
                "Sid": "SendEvents",
                "Effect": "Allow",
                "Action": "events:PutEvents",
                "Resource": bus,
            });
            add_statement(&mut policy, events);
        }
        let role = self.shared_address(Kind::IamRole);
        let name = format!("{}/{ROLE_POLICY}", self.names.base());
        let properties =
            json!({ "role": self.names.shared(), "name": ROLE_POLICY, "policy": policy });
        self.document(Kind::IamRolePolicy, name, &[role], properties)
    }

    fn function(&self) -> Document {
        let monitor = &self.environment.monitor;
        let architecture = monitor.architecture.name();
        let mut variables = self.inputs.monitor_environment.clone();
        // What the alarms rely on comes from where the alarms take it.
        variables.insert(
            "LOG_GROUP_NAME".to_owned(),
            self.names.cluster_log_group().to_owned(),
        );
        variables.insert("METRIC_NAMESPACE".to_owned(), monitor.namespace.clone());
        variables.insert(
            "QUERY_WINDOW_MINUTES".to_owned(),
            monitor.window_minutes.to_string(),
        );
        let mut tags = self.tags();
        tags.insert(
            "pgvigil:policy".to_owned(),
            json!(self.inputs.policy_digest),
        );
        let layer = self.inputs.policy_layer;
        tags.insert("pgvigil:rules".to_owned(), json!(layer.digest));
        let properties = json!({
            "name": self.names.shared(),
            "description": format!("Counts what people do on {}", self.subject()),
            "package_type": "Zip",
            "code": { "digest_of": format!("pgvigil-monitor-{architecture}") },
            "runtime": RUNTIME,
            "handler": "bootstrap",
            "architectures": [architecture],
            "memory_mb": monitor.memory_mb,
            "ephemeral_storage_mb": 512,
            "timeout_seconds": monitor.timeout_seconds,
            "reserved_concurrency": monitor.reserved_concurrency,
            "role": self.role_arn(),
            "environment": variables,
            "layers": [layer.reference()],
            "vpc": { "security_groups": [], "subnets": [] },
            "dead_letter": null,
            "kms_key": null,
            "tracing": "PassThrough",
            "logging": { "format": "JSON", "log_group": self.names.monitor_log_group() },
            "retries": { "maximum_attempts": 2, "maximum_event_age_seconds": 3600 },
            "tags": tags,
        });
        let depends_on = [
            self.shared_address(Kind::IamRole),
            self.address(
                Kind::IamRolePolicy,
                &format!("{}/{ROLE_POLICY}", self.names.base()),
            ),
            self.address(Kind::LogGroup, &self.names.monitor_log_group()),
            layer.address(),
        ];
        self.document(
            Kind::LambdaFunction,
            self.names.shared(),
            &depends_on,
            properties,
        )
    }

    fn signal_alarm(&self, settings: &SignalSettings) -> Document {
        let monitor = &self.environment.monitor;
        let metric = Metric::signal(self.cluster, settings.signal);
        let description = format!(
            "People's statements on {} ({}): more than {} in {} minutes. Rules {}. Investigate with the saved query {}.",
            self.subject(),
            settings.signal.name(),
            settings.threshold,
            monitor.window_minutes,
            short(&self.inputs.policy_layer.digest),
            self.names.saved_query(),
        );
        self.alarm(
            self.names.signal_alarm(settings.signal),
            &description,
            &monitor.namespace,
            metric.name,
            metric.dimensions_value(),
            // Several runs compute the same window: a sum would count it several times.
            above(
                "Maximum",
                periods_watched(monitor),
                settings.threshold.into(),
            ),
        )
    }

    fn errors_alarm(&self) -> Document {
        let metric = Metric::errors(self.cluster);
        self.alarm(
            self.names.monitor_alarm("monitor-errors"),
            &format!(
                "The monitor of {} fails: records in its windows might not be counted.",
                self.subject()
            ),
            &self.environment.monitor.namespace,
            metric.name,
            metric.dimensions_value(),
            above("Maximum", 1, 0),
        )
    }

    fn not_judged_alarm(&self) -> Document {
        let monitor = &self.environment.monitor;
        let metric = Metric::not_judged(&self.cluster.log_group());
        self.alarm(
            self.names.monitor_alarm("not-judged"),
            &format!(
                "On {} a window had more records than one query returns: the rest was counted without being judged. \
                 The monitor's log shows who caused them.",
                self.subject()
            ),
            &monitor.namespace,
            metric.name,
            metric.dimensions_value(),
            above("Maximum", periods_watched(monitor), 0),
        )
    }

    fn heartbeat_alarm(&self) -> Document {
        let metric = Metric::heartbeat(self.cluster);
        let runs = MISSED_RUNS.min(longest_evaluation(&self.environment.monitor));
        self.alarm(
            self.names.monitor_alarm("heartbeat"),
            &format!(
                "The monitor of {} has stopped reporting: no one is being watched.",
                self.subject()
            ),
            &self.environment.monitor.namespace,
            metric.name,
            metric.dimensions_value(),
            json!({
                "statistic": "Maximum",
                "evaluation_periods": runs,
                "datapoints_to_alarm": runs,
                "comparison": "LessThanThreshold",
                "threshold": 1,
                "missing_data": "breaching",
            }),
        )
    }

    /// SNS drops a message that a subscriber does not accept. This alarm notifies the subscribers that work.
    fn delivery_alarm(&self) -> Document {
        let metric = Metric::undelivered(&self.names.shared());
        self.alarm(
            self.names.monitor_alarm("delivery"),
            &format!(
                "Alerts about {} do not reach every subscriber.",
                self.subject()
            ),
            "AWS/SNS",
            metric.name,
            metric.dimensions_value(),
            above("Sum", 1, 0),
        )
    }

    fn alarm(
        &self,
        name: String,
        description: &str,
        namespace: &str,
        metric: &str,
        dimensions: Value,
        condition: Value,
    ) -> Document {
        let topic = self.topic_arn();
        let mut properties = json!({
            "name": name,
            "description": description,
            "namespace": namespace,
            "metric": metric,
            "dimensions": dimensions,
            "period_seconds": self.environment.monitor.window_minutes * 60,
            "unit": null,
            "actions_enabled": true,
            "alarm_actions": [topic],
            // Incident platforms close an incident when they hear this, and drop repeats until then.
            "ok_actions": [topic],
            "insufficient_data_actions": [],
        });
        if let (Value::Object(properties), Value::Object(condition)) = (&mut properties, condition)
        {
            properties.extend(condition);
        }
        self.document(
            Kind::Alarm,
            name,
            &[self.shared_address(Kind::SnsTopic)],
            properties,
        )
    }

    /// Every alarm of the engine: its kind and its name.
    fn alarms(&self) -> Vec<(Kind, String)> {
        let signals = self
            .environment
            .signals
            .iter()
            .map(|settings| settings.signal);
        let mut alarms: Vec<(Kind, String)> = match self.environment.engine {
            Engine::Monitor => signals
                .map(|signal| (Kind::Alarm, self.names.signal_alarm(signal)))
                .collect(),
            Engine::LogAlarm => signals
                .map(|signal| (Kind::LogAlarm, self.names.log_alarm(signal)))
                .chain([(Kind::LogAlarm, self.names.log_heartbeat())])
                .collect(),
        };
        alarms.extend(
            monitor_alarms(self.environment.engine)
                .iter()
                .map(|what| (Kind::Alarm, self.names.monitor_alarm(what))),
        );
        alarms
    }

    fn dashboard(&self) -> Document {
        let monitor = &self.environment.monitor;
        let digest = short(self.inputs.query_digest);
        let alarms = self.alarms();
        let alarm_arns: Vec<String> = alarms
            .iter()
            .map(|(_, name)| self.alarm_arn(name))
            .collect();
        let table = |title: &str, y: u32, query: &str| {
            json!({
                "type": "log", "x": 0, "y": y, "width": 24, "height": 8,
                "properties": {
                    "title": title,
                    "region": self.at.region,
                    "view": "table",
                    "query": query,
                },
            })
        };
        let log = |title: &str, y: u32, query: &str| {
            table(
                &format!("{title} (query {digest})"),
                y,
                &self.widget_query(query),
            )
        };
        let graph = |title: &str, x: u32, statistic: &str, metrics: Vec<Value>| {
            json!({
                "type": "metric", "x": x, "y": 20, "width": 12, "height": 6,
                "properties": {
                    "title": title,
                    "region": self.at.region,
                    "view": "timeSeries",
                    "stacked": false,
                    "stat": statistic,
                    "period": monitor.window_minutes * 60,
                    "metrics": metrics,
                },
            })
        };
        let function = self.names.base();
        let counted = self
            .environment
            .signals
            .iter()
            .map(|signal| {
                Metric::signal(self.cluster, signal.signal).widget_value(&monitor.namespace)
            })
            .collect();
        let health = vec![
            Metric::heartbeat(self.cluster).widget_value(&monitor.namespace),
            Metric::errors(self.cluster).widget_value(&monitor.namespace),
            Metric::function_errors(function).widget_value("AWS/Lambda"),
            Metric::function_throttles(function).widget_value("AWS/Lambda"),
        ];
        let mut widgets = vec![
            json!({
                "type": "alarm", "x": 0, "y": 0, "width": 24, "height": 4,
                "properties": { "title": format!("Alarms of {}", self.subject()), "alarms": alarm_arns },
            }),
            log(
                "Statements by user, database, command and object",
                4,
                self.inputs.summary,
            ),
        ];
        // Log alarms write no detections and publish no metrics.
        let below = if self.environment.engine == Engine::LogAlarm {
            widgets.push(log("Newest records", 12, self.inputs.table));
            20
        } else {
            widgets.push(table(
                "Detections of the monitor, newest first",
                12,
                &self.detections(),
            ));
            widgets.push(graph("Counted statements", 0, "Maximum", counted));
            widgets.push(graph("Health of the monitor", 12, "Maximum", health));
            26
        };
        widgets.push(json!({
            "type": "text", "x": 0, "y": below, "width": 24, "height": 4,
            "properties": { "markdown": self.inputs.last_days },
        }));
        let body = json!({ "start": "-PT3H", "periodOverride": "inherit", "widgets": widgets });
        let depends_on: Vec<String> = alarms
            .iter()
            .map(|(kind, name)| self.address(*kind, name))
            .collect();
        let properties = json!({ "name": self.names.shared(), "body": body });
        self.document(
            Kind::Dashboard,
            self.names.shared(),
            &depends_on,
            properties,
        )
    }

    /// The monitor's own records, which are small: no reader of a dashboard scans the database's log again for what the monitor
    /// has judged. Logs Insights finds the fields of JSON by itself (CloudWatch Logs user guide, "Supported logs and discovered
    /// fields").
    fn detections(&self) -> String {
        let source = self.names.monitor_log_group();
        format!("SOURCE '{source}'\n| {}", self.detections_of(100))
    }

    fn detections_of(&self, rows: u32) -> String {
        format!(
            "filter record = 'pgvigil.detection'\n| display @timestamp, user, database, client, class, command, \
             object, statements, not_judged\n| sort @timestamp desc\n| limit {rows}"
        )
    }

    /// The query as a log widget takes it: `SOURCE 'group' | …`. Its heading comment is left out, since nothing
    /// says that a comment may stand there; the widget's title holds the digest.
    fn widget_query(&self, query: &str) -> String {
        format!(
            "SOURCE '{}'\n| {}",
            self.names.cluster_log_group(),
            without_heading(query)
        )
    }

    /// What a responder asks: what counts with its statements, what the monitor told, what one role did.
    fn saved_queries(&self) -> Vec<Document> {
        let cluster = self.names.cluster_log_group();
        let of_cluster = |name: String, query: &str| self.saved_query(name, cluster, query);
        let mut queries = vec![of_cluster(
            self.names.saved_query(),
            self.inputs.investigate,
        )];
        for what in saved_queries(self.environment.engine) {
            let name = self.names.saved_query_of(what);
            queries.push(match *what {
                ROLE => of_cluster(name, ENTRIES_OF_A_ROLE),
                _ => {
                    let query = format!("{DETECTIONS_OF_A_TIME}{}", self.detections_of(1_000));
                    self.saved_query(name, &self.names.monitor_log_group(), &query)
                }
            });
        }
        queries
    }

    fn saved_query(&self, name: String, log_group: &str, query: &str) -> Document {
        let properties = json!({
            "name": name,
            "language": "CWLI",
            "log_groups": [log_group],
            "query": query,
        });
        let log_group = self.address(Kind::LogGroup, log_group);
        self.document(Kind::SavedQuery, name, &[log_group], properties)
    }

    fn permission(&self) -> Document {
        let rule = self.rule_arn();
        // The id says what the statement allows: another rule or account has another id, and nothing is edited in place.
        let id = format!(
            "{}-{}",
            name::PREFIX,
            name::short_hash(&[&self.function_arn(), &rule, &self.at.account])
        );
        let properties = json!({
            "function": self.names.shared(),
            "statement_id": id,
            "action": "lambda:InvokeFunction",
            "principal": "events.amazonaws.com",
            "source_arn": rule,
            "source_account": self.at.account,
        });
        let function = self.shared_address(Kind::LambdaFunction);
        self.document(
            Kind::LambdaPermission,
            format!("{}/{id}", self.names.base()),
            &[function],
            properties,
        )
    }

    fn rule(&self) -> Document {
        let properties = json!({
            "name": self.names.shared(),
            "description": format!("Runs the monitor of {}", self.subject()),
            "event_bus": "default",
            "event_pattern": null,
            "schedule": rate(self.environment.monitor.window_minutes),
            "state": "ENABLED",
        });
        // Nothing is counted before the notifications work.
        let depends_on: Vec<String> = self
            .alarms()
            .iter()
            .map(|(kind, name)| self.address(*kind, name))
            .collect();
        self.document(
            Kind::EventRule,
            self.names.shared(),
            &depends_on,
            properties,
        )
    }

    fn target(&self) -> Document {
        let properties = json!({
            "rule": self.names.shared(),
            "id": TARGET,
            "target": self.function_arn(),
            "input": null,
            "dead_letter": null,
            "retries": { "maximum_attempts": 185, "maximum_event_age_seconds": 3600 },
        });
        let permission = self.permission().address;
        let depends_on = [
            self.shared_address(Kind::EventRule),
            self.shared_address(Kind::LambdaFunction),
            permission,
        ];
        self.document(
            Kind::EventTarget,
            format!("{}/{TARGET}", self.names.base()),
            &depends_on,
            properties,
        )
    }
}

/// A query without the comment that it begins with and without the line end.
fn without_heading(query: &str) -> String {
    let body: Vec<&str> = query
        .lines()
        .skip_while(|line| line.trim().is_empty() || line.trim_start().starts_with('#'))
        .collect();
    body.join("\n").trim_end().to_owned()
}

/// Adds a statement to a policy.
fn add_statement(policy: &mut Value, statement: Value) {
    if let Some(statements) = policy.get_mut("Statement").and_then(Value::as_array_mut) {
        statements.push(statement);
    }
}

fn subject(environment: &Environment, cluster: &str) -> String {
    format!("{cluster} ({})", environment.name)
}

/// What a cluster's key says of itself: beside its tags the only thing that tells whose it is.
pub(crate) fn key_description(environment: &Environment, cluster: &str) -> String {
    format!("Alerts about {}", subject(environment, cluster))
}

/// Enough of a digest to find it by.
fn short(digest: &str) -> &str {
    digest.get(..12).unwrap_or(digest)
}

#[cfg(test)]
mod tests;
