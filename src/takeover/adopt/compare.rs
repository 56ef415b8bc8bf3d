//! Each resource of a former stack next to its counterpart: what differs, what is wrong with it, what happens to it.

#![expect(
    clippy::indexing_slicing,
    reason = "a JSON value answers null for what it does not have"
)]

use serde::Serialize;
use serde_json::{Value, json};

use super::defect::{self, Defect};
use super::port::{Search, Watched};
use super::proof::cluster_of;
use super::remains::{Alarm, Function, Remains, Rule, Topic, Unread};
use crate::compile::resources::Location;
use crate::deploy::document::{Document, Kind};
use crate::deploy::port::Identity;
use crate::policy::model::{Environment, Notification};

/// What exists of former stacks.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Adoption {
    pub identity: Identity,
    /// Clusters of the environment, sorted by name.
    pub clusters: Vec<Former>,
    /// What could not be read.
    pub unread: Vec<Unread>,
    /// What to know while both run.
    pub meanwhile: Vec<String>,
    /// What to do, in order.
    pub order: Vec<String>,
}

impl Adoption {
    /// Says whether anything was found.
    pub fn is_empty(&self) -> bool {
        self.clusters
            .iter()
            .all(|cluster| cluster.resources.is_empty())
    }
}

/// What exists for one cluster.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Former {
    pub cluster: String,
    /// What is wrong with the whole.
    pub defects: Vec<Defect>,
    pub resources: Vec<Resource>,
}

/// A resource of a former stack.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Resource {
    pub kind: Kind,
    /// Its name; a web address is never shown.
    pub name: String,
    /// Address of what pgvigil has in its place.
    pub counterpart: Option<String>,
    /// What differs from that.
    pub differences: Vec<Difference>,
    /// What is wrong with it.
    pub defects: Vec<Defect>,
    /// What else a person should know.
    pub notes: Vec<String>,
}

/// A field that differs.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Difference {
    /// The field, as documents name it.
    pub field: String,
    /// As it is in the former stack.
    pub former: Value,
    /// As pgvigil has it.
    pub pgvigil: Value,
}

/// Compares the remains with an environment's documents.
pub fn adoption(
    environment: &Environment,
    documents: &[Document],
    search: &Search,
    remains: &Remains,
) -> Adoption {
    let mut watched: Vec<&Watched> = search.watched.iter().collect();
    watched.sort_by(|left, right| left.cluster.cmp(&right.cluster));
    let clusters = watched
        .into_iter()
        .map(|watched| {
            let view = View {
                environment,
                documents,
                watched,
                remains,
            };
            Former {
                cluster: watched.cluster.clone(),
                defects: defect::of_cluster(watched, remains),
                resources: view.resources(),
            }
        })
        .collect();
    Adoption {
        identity: Identity::of(environment),
        clusters,
        unread: remains.unread.clone(),
        meanwhile: meanwhile(environment),
        order: order(&environment.name),
    }
}

struct View<'a> {
    environment: &'a Environment,
    documents: &'a [Document],
    watched: &'a Watched,
    remains: &'a Remains,
}

impl View<'_> {
    fn counterpart(&self, kind: Kind) -> Option<&Document> {
        self.documents.iter().find(|document| {
            document.kind == kind && cluster_of(&document.address) == self.watched.cluster
        })
    }

    fn signal_alarm(&self) -> Option<&Document> {
        self.documents.iter().find(|document| {
            document.kind == Kind::Alarm
                && cluster_of(&document.address) == self.watched.cluster
                && document.properties["metric"] == super::METRIC
        })
    }

    fn resource(&self, kind: Kind, name: &str) -> Resource {
        Resource {
            kind,
            name: name.to_owned(),
            counterpart: self
                .counterpart(kind)
                .map(|document| document.address.clone()),
            differences: Vec::new(),
            defects: Vec::new(),
            notes: Vec::new(),
        }
    }

    fn resources(&self) -> Vec<Resource> {
        let group = &self.watched.log_group;
        let functions: Vec<&Function> = self
            .remains
            .functions
            .iter()
            .filter(|function| function.log_group == *group)
            .collect();
        let mut all: Vec<Resource> = functions
            .iter()
            .map(|function| self.function(function))
            .collect();
        let starts = |rule: &&Rule| {
            functions
                .iter()
                .any(|function| rule.functions.contains(&function.arn))
        };
        all.extend(
            self.remains
                .rules
                .iter()
                .filter(starts)
                .map(|rule| self.rule(rule)),
        );
        all.extend(
            self.remains
                .roles
                .iter()
                .filter(|role| functions.iter().any(|function| function.role == role.arn))
                .map(|role| self.role(role)),
        );
        all.extend(self.remains.alarms_of(group).map(|alarm| self.alarm(alarm)));
        let role = functions.first().map(|function| function.role.as_str());
        for topic in self.remains.topics_of(group) {
            all.push(self.topic(topic, role));
            all.extend(self.listeners(topic));
            let keys = self.remains.keys.iter();
            all.extend(
                keys.filter(|key| Some(&key.name) == topic.key.as_ref())
                    .map(|key| self.key(key)),
            );
        }
        let names: Vec<&str> = self
            .remains
            .alarms_of(group)
            .map(|alarm| alarm.name.as_str())
            .collect();
        all.extend(
            self.remains
                .dashboards
                .iter()
                .filter(|dashboard| {
                    let text = dashboard.body.to_string();
                    text.contains(group.as_str())
                        || names
                            .iter()
                            .any(|name| text.contains(&format!(":alarm:{name}\"")))
                })
                .map(|dashboard| Resource {
                    defects: defect::of_dashboard(dashboard, self.remains),
                    ..self.resource(Kind::Dashboard, &dashboard.name)
                }),
        );
        all
    }

    fn function(&self, function: &Function) -> Resource {
        let mut resource = self.resource(Kind::LambdaFunction, &function.name);
        let monitor = &self.environment.monitor;
        let window = monitor.window_minutes.to_string();
        resource.differences = differing([
            (
                "environment.METRIC_NAMESPACE",
                json!(function.namespace),
                json!(monitor.namespace),
            ),
            (
                "environment.QUERY_WINDOW_MINUTES",
                json!(function.window_minutes),
                json!(window),
            ),
            (
                "own_log.retention_days",
                json!(function.own_log.flatten()),
                json!(self.environment.monitor_retention_days),
            ),
        ]);
        if let Some(document) = self.counterpart(Kind::LambdaFunction) {
            resource.differences.extend(differing([(
                "runtime",
                json!(function.runtime),
                document.properties["runtime"].clone(),
            )]));
        }
        resource.defects = defect::of_function(function, &self.watched.cluster);
        if !function.is_certain {
            resource.notes.push(
                "it reads the cluster's log, but might not be an old monitor: it is left unchanged unless --function names it"
                    .to_owned(),
            );
        }
        if function.namespace.as_ref() != Some(&monitor.namespace) {
            resource.notes.push(
                "the namespaces differ, so old alarms and graphs do not show pgvigil's figures, and nothing is counted twice"
                    .to_owned(),
            );
        }
        resource
    }

    fn rule(&self, rule: &Rule) -> Resource {
        let mut resource = self.resource(Kind::EventRule, &rule.name);
        let state = if rule.is_enabled {
            "ENABLED"
        } else {
            "DISABLED"
        };
        if let Some(document) = self.counterpart(Kind::EventRule) {
            let wanted = &document.properties;
            resource.differences = differing([
                ("schedule", json!(rule.schedule), wanted["schedule"].clone()),
                ("state", json!(state), wanted["state"].clone()),
            ]);
        }
        resource.defects = defect::of_rule(rule);
        let foreign: Vec<&str> = rule.foreign().map(|(_, arn)| arn.as_str()).collect();
        if !foreign.is_empty() {
            resource.notes.push(format!(
                "it also starts other targets, and keeps doing so: {}",
                foreign.join(", ")
            ));
        }
        resource
    }

    fn role(&self, role: &super::remains::Role) -> Resource {
        let mut resource = self.resource(Kind::IamRole, &role.name);
        let at = Location::of(self.environment);
        resource.defects = defect::of_role(role, at.partition);
        if !role.other_functions.is_empty() {
            resource.notes.push(format!(
                "other functions use it: {}",
                role.other_functions.join(", ")
            ));
        }
        resource
    }

    fn alarm(&self, alarm: &Alarm) -> Resource {
        let mut resource = self.resource(Kind::Alarm, &alarm.name);
        let counterpart = self.signal_alarm();
        resource.counterpart = counterpart.map(|document| document.address.clone());
        if let Some(document) = counterpart {
            let fields = [
                "namespace",
                "dimensions",
                "statistic",
                "period_seconds",
                "evaluation_periods",
                "datapoints_to_alarm",
                "comparison",
                "threshold",
                "missing_data",
                "actions_enabled",
                "alarm_actions",
                "ok_actions",
            ];
            resource.differences = fields
                .iter()
                .filter_map(|field| {
                    difference(
                        field,
                        alarm.properties[*field].clone(),
                        document.properties[*field].clone(),
                    )
                })
                .collect();
        }
        resource.defects = defect::of_alarm(alarm, self.remains);
        if !alarm.composites.is_empty() {
            resource.notes.push(format!(
                "composite alarms use it: {}",
                alarm.composites.join(", ")
            ));
        }
        resource
    }

    fn topic(&self, topic: &Topic, role: Option<&str>) -> Resource {
        let mut resource = self.resource(Kind::SnsTopic, &topic.arn);
        let at = Location::of(self.environment);
        resource.defects = defect::of_topic(topic, &at.account, role);
        if !topic.other_alarms.is_empty() {
            resource.notes.push(format!(
                "other alarms publish to it too: {}",
                topic.other_alarms.join(", ")
            ));
        }
        resource
    }

    /// The subscribers of an old topic, and whether they will be notified of pgvigil's alarms.
    fn listeners(&self, topic: &Topic) -> Vec<Resource> {
        let own = self
            .remains
            .own_listeners
            .iter()
            .find(|(cluster, _)| *cluster == self.watched.cluster)
            .map(|(_, listeners)| listeners);
        let emails: Vec<&str> = self
            .environment
            .notifications
            .iter()
            .filter_map(|notification| match notification {
                Notification::Email(address) => Some(address.as_str()),
                Notification::Https(_) => None,
            })
            .collect();
        let https = self.environment.notifications.len() - emails.len();
        topic
            .subscriptions
            .iter()
            .map(|old| {
                let mut resource = self.resource(Kind::SnsSubscription, &old.name());
                let new = own.and_then(|own| own.iter().find(|new| new.is_same(old)));
                resource.counterpart = None;
                resource.notes.push(match (old.protocol.as_str(), new) {
                    (_, Some(new)) if new.is_confirmed => "pgvigil's topic has it too".to_owned(),
                    (_, Some(_)) => "pgvigil's topic has it too, not confirmed yet".to_owned(),
                    ("email", None) if emails.contains(&old.endpoint.0.as_str()) => {
                        "the environment's file has it".to_owned()
                    }
                    ("https", None) if own.is_none() && https > 0 => format!(
                        "the environment's file has {https} of that protocol; whether this is one of them shows once they are subscribed"
                    ),
                    _ => "MISSING in the environment's file: it gets no notifications once the old alarms are gone".to_owned(),
                });
                if !old.is_confirmed {
                    resource.notes.push("never confirmed".to_owned());
                }
                resource
            })
            .collect()
    }

    fn key(&self, key: &super::remains::Key) -> Resource {
        let mut resource = self.resource(Kind::KmsKey, &key.name);
        resource.defects = defect::of_key(key);
        if !key.aliases.is_empty() {
            resource
                .notes
                .push(format!("aliases: {}", key.aliases.join(", ")));
        }
        resource
    }
}

fn difference(field: &str, former: Value, pgvigil: Value) -> Option<Difference> {
    // A threshold of 0 and one of 0.0 are one.
    let is_same = former == pgvigil
        || former
            .as_f64()
            .zip(pgvigil.as_f64())
            .is_some_and(|(left, right)| left.total_cmp(&right).is_eq());
    (!is_same).then(|| Difference {
        field: field.to_owned(),
        former,
        pgvigil,
    })
}

fn differing<const N: usize>(fields: [(&str, Value, Value); N]) -> Vec<Difference> {
    fields
        .into_iter()
        .filter_map(|(field, former, pgvigil)| difference(field, former, pgvigil))
        .collect()
}

/// What happens to figures and alarms while both monitors publish into one metric.
fn meanwhile(environment: &Environment) -> Vec<String> {
    let threshold = environment
        .signals
        .iter()
        .map(|signal| signal.threshold)
        .max()
        .unwrap_or_default();
    let mut all = vec![
        format!(
            "Both publish {} with the same dimensions. The old alarm uses the sum of the figures (Sum), pgvigil's the largest one (Maximum).",
            super::METRIC
        ),
        "A count above 0 stays above 0 either way: with a threshold of 0, no alarm is lost, and none fires that neither \
         monitor would have raised alone."
            .to_owned(),
        "Sums are too high, even after the old monitor stops: pgvigil publishes a window again when late records arrive. Use Maximum."
            .to_owned(),
        "The old query counts tools' catalog reads, and pgvigil's counts COPY, TRUNCATE and MERGE: each of these raises both \
         alarms. People are notified twice, through two topics."
            .to_owned(),
        "After the old schedule is disabled, the old alarm still watches pgvigil's figures and notifies the old topic until \
         it is deleted, so no alert is lost in between."
            .to_owned(),
    ];
    if threshold > 0 {
        all.push(format!(
            "The declared threshold is {threshold}: while both run, the old monitor's larger counts can exceed it."
        ));
    }
    all
}

/// The order that leaves no time unwatched.
fn order(environment: &str) -> Vec<String> {
    [
        format!("pgvigil apply --env {environment}: deploys the new stack next to the old one. Receivers then confirm their subscriptions."),
        format!("pgvigil doctor --env {environment}: checks that everything works. Wait for two heartbeats."),
        format!("pgvigil adopt --env {environment} --retire: disables the old schedules and deletes nothing. To go back, enable them."),
        "Was the old stack created with Terraform? Then never run `terraform destroy`: it deletes the cluster's log group \
         with the evidence in it (T1). First remove everything from Terraform's state (`terraform state rm`), or its next \
         apply restores the old schedule."
            .to_owned(),
        format!("pgvigil adopt --env {environment} --retire --delete: deletes the rest of the old stack. Log groups, topics and keys stay."),
    ]
    .to_vec()
}
