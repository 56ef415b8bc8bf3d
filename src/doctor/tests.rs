//! A healthy world, and one thing broken in it at a time.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::check::{ALL, Run};
use super::observation::*;
use super::port::{Observer, Since};
use super::*;
use crate::compile::resources::testing::{documents, environment, local};
use crate::compile::resources::{Document, Kind, Metric};
use crate::deploy::alteration::{Alteration, Group, Means};
use crate::deploy::document::Fingerprint;
use crate::deploy::plan::PlanError;
use crate::deploy::port::{
    At, CloudError, Concurrency, Found, Identity, Live, Reader, Reading, Scope,
};
use crate::policy::model::{Cluster, Environment};

pub(crate) const NOW: &str = "2026-11-22T12:00:00Z";

pub(crate) fn now() -> Timestamp {
    NOW.parse().unwrap()
}

fn ago(seconds: i64) -> Timestamp {
    now() - SignedDuration::from_secs(seconds)
}

const HOUR: i64 = 3600;
const DAY: i64 = 24 * HOUR;

fn denied() -> CloudError {
    CloudError::Denied {
        operation: "read",
        resource: "it".to_owned(),
        message: "no".to_owned(),
    }
}

fn account(limit: u32, unreserved: u32) -> Concurrency {
    Concurrency { limit, unreserved }
}

/// A provider in memory, with one cluster that is as it should be.
pub(crate) struct World {
    pub(crate) environment: Environment,
    pub(crate) documents: Vec<Document>,
    pub(crate) live: BTreeMap<String, Result<Reading, CloudError>>,
    pub(crate) extras: Result<Vec<Found>, CloudError>,
    pub(crate) alterations: Vec<Alteration>,
    pub(crate) at: At,
    pub(crate) clock: Result<Timestamp, CloudError>,
    pub(crate) concurrency: Result<Option<Concurrency>, CloudError>,
    pub(crate) observed: Observed,
}

impl World {
    pub(crate) fn healthy() -> Self {
        Self::of(environment("prod", &["orders"]))
    }

    pub(crate) fn of(environment: Environment) -> Self {
        let documents = documents(&environment);
        let live = documents
            .iter()
            .map(|document| {
                let live = Live {
                    properties: document.properties.clone(),
                    applied: Some(Fingerprint::of_document(document)),
                    note: None,
                };
                (document.address.clone(), Ok(Reading::Present(live)))
            })
            .collect();
        let subject = Subject::new(&environment, &environment.clusters[0], &documents);
        let parameters = [
            ("shared_preload_libraries", "pg_stat_statements, pgaudit"),
            ("log_line_prefix", environment.log_line_prefix.as_str()),
        ];
        let log_group = |days| LogGroup {
            retention_days: Some(days),
            last_event: Some(ago(60)),
            stored_bytes: 1,
            is_protected: false,
        };
        let alarm = Alarm {
            state: AlarmState::Ok,
            since: ago(30 * DAY),
            trouble: None,
            actions: vec![AlarmAction {
                at: ago(DAY),
                state: Some(AlarmState::Ok),
                succeeded: true,
                message: "Successfully executed action arn".to_owned(),
            }],
        };
        let observed = Observed {
            database: Ok(Some(Database {
                engine: "aurora-postgresql".to_owned(),
                version: "15.12".to_owned(),
                log_exports: BTreeSet::from(["postgresql".to_owned()]),
                pending_log_exports: BTreeSet::new(),
                parameter_group: "orders-group".to_owned(),
                members: vec![Member {
                    instance: "orders-1".to_owned(),
                    parameter_status: "in-sync".to_owned(),
                }],
                parameters: parameters
                    .map(|(name, value)| (name.to_owned(), value.to_owned()))
                    .into(),
            })),
            log_group: Ok(Some(log_group(environment.retention_days))),
            monitor_log_group: Ok(Some(log_group(environment.monitor_retention_days))),
            key: Ok(Some(Key {
                id: "key-1".to_owned(),
                state: "Enabled".to_owned(),
                deletion: None,
                rotation: true,
            })),
            subscriptions: subject
                .all(Kind::SnsSubscription)
                .map(|document| (document.address.clone(), Ok(Some(Subscription::Confirmed))))
                .collect(),
            event_bus: None,
            alarms: subject
                .alarms()
                .map(|document| (document.name.clone(), Ok(Some(alarm.clone()))))
                .collect(),
            function: Ok(Some(Function {
                state: "Active".to_owned(),
                last_update: "Successful".to_owned(),
                reason: None,
                invocations: 288,
                errors: 0,
                throttles: 0,
            })),
            heartbeat: Ok(Some(ago(400))),
            decisions: Ok(subject
                .requests()
                .into_iter()
                .map(|request| Decision {
                    request,
                    allowed: true,
                    answer: "allowed".to_owned(),
                })
                .collect()),
        };
        Self {
            at: Identity::of(&environment).at(),
            extras: Ok(Vec::new()),
            alterations: Vec::new(),
            clock: Ok(now()),
            concurrency: Ok(Some(account(1000, 999))),
            environment,
            documents,
            live,
            observed,
        }
    }

    pub(crate) fn diagnose(&self) -> Diagnosis {
        self.try_diagnose(true).unwrap()
    }

    fn try_diagnose(&self, observes: bool) -> Result<Diagnosis, PlanError> {
        let question = Question {
            environment: &self.environment,
            documents: &self.documents,
            settings: Settings::default(),
            now: now(),
        };
        diagnose(&question, self, observes.then_some(self as &dyn Observer))
    }

    fn address(&self, kind: Kind, name_holds: &str) -> String {
        let found = self
            .documents
            .iter()
            .find(|document| document.kind == kind && document.name.contains(name_holds));
        found.unwrap().address.clone()
    }

    /// The live properties of the first resource of a kind whose name holds a text.
    pub(crate) fn edit(&mut self, kind: Kind, name_holds: &str, edit: impl FnOnce(&mut Value)) {
        let address = self.address(kind, name_holds);
        match self.live.get_mut(&address) {
            Some(Ok(Reading::Present(live))) => edit(&mut live.properties),
            other => panic!("{other:?}"),
        }
    }

    fn absent(&mut self, kind: Kind, name_holds: &str) {
        let address = self.address(kind, name_holds);
        let applied = None;
        self.live.insert(address, Ok(Reading::Absent { applied }));
    }

    fn unreadable(&mut self, kind: Kind, name_holds: &str) {
        let address = self.address(kind, name_holds);
        self.live.insert(address, Err(denied()));
    }

    fn database(&mut self) -> &mut Database {
        self.observed.database.as_mut().unwrap().as_mut().unwrap()
    }

    fn parameter(&mut self, name: &str, value: &str) {
        self.database()
            .parameters
            .insert(name.to_owned(), value.to_owned());
    }

    fn alter(&mut self, by: impl FnOnce(Group<'_>) -> Alteration) {
        let is_watched = |one: &&Document| one.name.starts_with("/aws/rds/");
        let document = self.documents.iter().find(is_watched).unwrap();
        let alteration = by(Group { document });
        self.alterations.push(alteration);
    }

    fn cluster_log(&mut self) -> &mut LogGroup {
        self.observed.log_group.as_mut().unwrap().as_mut().unwrap()
    }

    fn own_log(&mut self) -> &mut LogGroup {
        let group = self.observed.monitor_log_group.as_mut();
        group.unwrap().as_mut().unwrap()
    }

    fn key(&mut self) -> &mut Key {
        self.observed.key.as_mut().unwrap().as_mut().unwrap()
    }

    fn function(&mut self) -> &mut Function {
        self.observed.function.as_mut().unwrap().as_mut().unwrap()
    }

    fn alarm(&mut self, name_holds: &str) -> &mut Alarm {
        let mut alarms = self.observed.alarms.iter_mut();
        let (_, answer) = alarms.find(|(name, _)| name.contains(name_holds)).unwrap();
        answer.as_mut().unwrap().as_mut().unwrap()
    }

    /// The files name a bus, and this is what its service says.
    fn bus(&mut self, answer: Answer<()>) {
        self.environment.events = Some("audit".to_owned());
        self.observed.event_bus = Some(answer);
    }

    fn subscribe(&mut self, which: &str, answer: Answer<Subscription>) {
        for (address, found) in &mut self.observed.subscriptions {
            if address.contains(which) {
                found.clone_from(&answer);
            }
        }
    }
}

impl Reader for World {
    fn at(&self) -> Result<At, CloudError> {
        Ok(self.at.clone())
    }

    fn read(&self, document: &Document) -> Result<Reading, CloudError> {
        self.live[&document.address].clone()
    }

    fn concurrency(&self) -> Result<Option<Concurrency>, CloudError> {
        self.concurrency.clone()
    }

    fn alterations(&self, _: &[&Document]) -> Vec<Alteration> {
        self.alterations.clone()
    }

    fn list(&self, _: &Scope) -> Result<Vec<Found>, CloudError> {
        self.extras.clone()
    }
}

impl Observer for World {
    fn now(&self) -> Result<Timestamp, CloudError> {
        self.clock.clone()
    }

    fn database(&self, cluster: &Cluster) -> Answer<Database> {
        assert_eq!(cluster.name, self.environment.clusters[0].name);
        self.observed.database.clone()
    }

    fn log_group(&self, name: &str) -> Answer<LogGroup> {
        if name.starts_with("/aws/rds/") {
            self.observed.log_group.clone()
        } else {
            self.observed.monitor_log_group.clone()
        }
    }

    fn key(&self, alias: &str) -> Answer<Key> {
        assert!(alias.starts_with("alias/pgvigil-"));
        self.observed.key.clone()
    }

    fn subscription(&self, document: &Document) -> Answer<Subscription> {
        self.observed.subscriptions[&document.address].clone()
    }

    fn event_bus(&self, arn: &str) -> Answer<()> {
        assert_eq!(arn, "arn:aws:events:us-east-1:123456789012:event-bus/audit");
        self.observed.event_bus.clone().unwrap()
    }

    fn alarm(&self, name: &str, history: Since) -> Answer<Alarm> {
        assert_eq!(
            history.until.duration_since(history.from).as_secs(),
            30 * DAY
        );
        self.observed.alarms[name].clone()
    }

    fn function(&self, _: &str, counts: Since) -> Answer<Function> {
        assert_eq!(counts.until.duration_since(counts.from).as_secs(), DAY);
        self.observed.function.clone()
    }

    fn last_data_point(&self, _: &str, metric: &Metric, _: Since) -> Answer<Timestamp> {
        assert_eq!(metric.name, "MonitorHeartbeat");
        self.observed.heartbeat.clone()
    }

    fn simulate(&self, role: &str, _: &[Request]) -> Result<Vec<Decision>, CloudError> {
        assert!(role.starts_with("arn:aws:iam::123456789012:role/pgvigil-"));
        self.observed.decisions.clone()
    }
}

fn check<'a>(diagnosis: &'a Diagnosis, id: &str) -> &'a Checked {
    diagnosis.checks().find(|check| check.id == id).unwrap()
}

#[test]
fn a_healthy_world_is_fine_in_every_check() {
    let diagnosis = World::healthy().diagnose();
    for check in diagnosis.checks() {
        assert_eq!(check.verdict, Verdict::Ok, "{check:#?}");
        assert!(
            check
                .findings
                .iter()
                .all(|finding| finding.remedy.is_none())
        );
    }
    assert_eq!(diagnosis.verdict(), Verdict::Ok);
    assert_eq!(diagnosis.checks().count(), ALL.len());
}

/// Without a reservation nothing is asked of the account, and nobody is told to reserve something.
#[test]
fn a_monitor_without_a_reservation_is_fine_where_the_files_say_so() {
    let mut environment = environment("prod", &["orders"]);
    environment.monitor.reserved_concurrency = None;
    let mut world = World::of(environment);
    world.concurrency = Ok(Some(account(10, 10)));
    let diagnosis = world.diagnose();
    assert_eq!(diagnosis.verdict(), Verdict::Ok);
    let sentence = |id| check(&diagnosis, id).findings[0].sentence.clone();
    assert_eq!(
        sentence("account-concurrency"),
        "10 of 10 concurrent runs are unreserved"
    );
    assert_eq!(
        sentence("function-concurrency"),
        "it has no reserved concurrency, as the files declare"
    );
    world.edit(Kind::LambdaFunction, "", |it| {
        it["reserved_concurrency"] = json!(0)
    });
    let diagnosis = world.diagnose();
    let remedy = check(&diagnosis, "function-concurrency").findings[0]
        .remedy
        .clone();
    assert!(
        remedy
            .unwrap()
            .command
            .contains("delete-function-concurrency")
    );
}

#[test]
fn a_bus_that_is_there_is_fine() {
    let mut world = World::healthy();
    world.bus(Ok(Some(())));
    let diagnosis = world.diagnose();
    assert_eq!(
        check(&diagnosis, "event-bus").findings[0].sentence,
        "arn:aws:events:us-east-1:123456789012:event-bus/audit is there"
    );
}

type Case = (&'static str, Verdict, fn(&mut World));

/// The check, what it comes to, and the one thing that is broken.
const BROKEN: &[Case] = {
    use Verdict::{Fail, Skip, Unknown, Warn};
    &[
        ("clock", Warn, |world| world.clock = Ok(ago(90))),
        ("clock", Fail, |world| world.clock = Ok(ago(-400))),
        ("clock", Unknown, |world| world.clock = Err(denied())),
        ("extras", Warn, |world| {
            world.extras = Ok(vec![Found {
                address: "orders/alarm/old".to_owned(),
                kind: Some(Kind::Alarm),
                name: "old".to_owned(),
                digest: None,
                applied: None,
            }]);
        }),
        ("extras", Unknown, |world| world.extras = Err(denied())),
        ("cluster", Fail, |world| world.observed.database = Ok(None)),
        ("cluster", Fail, |world| {
            world.database().engine = "aurora-mysql".to_owned()
        }),
        ("cluster", Unknown, |world| {
            world.observed.database = Err(denied())
        }),
        ("log-export", Fail, |world| {
            world.database().log_exports.clear()
        }),
        ("log-export", Warn, |world| {
            let logs = std::mem::take(&mut world.database().log_exports);
            world.database().pending_log_exports = logs;
        }),
        ("log-export", Skip, |world| {
            world.observed.database = Ok(None)
        }),
        ("pgaudit-preloaded", Fail, |world| {
            world.parameter("shared_preload_libraries", "pg_stat_statements,pgaudit_x");
        }),
        ("pgaudit-preloaded", Fail, |world| {
            world
                .database()
                .parameters
                .remove("shared_preload_libraries");
        }),
        ("pgaudit-preloaded", Skip, |world| {
            world.observed.database = Err(denied())
        }),
        ("parameters-in-sync", Fail, |world| {
            world.database().members[0].parameter_status = "pending-reboot".to_owned();
        }),
        ("parameters-in-sync", Warn, |world| {
            world.database().members[0].parameter_status = "applying".to_owned();
        }),
        ("parameters-in-sync", Warn, |world| {
            world.database().members.clear()
        }),
        ("audit-level", Fail, |world| {
            world.parameter("log_min_messages", "FATAL")
        }),
        ("audit-level", Fail, |world| {
            world.parameter("log_min_messages", "panic")
        }),
        ("audit-level", Fail, |world| {
            world.parameter("pgaudit.log_level", "notice")
        }),
        ("audited-by-role", Warn, |world| {
            world.parameter("pgaudit.log", "ddl")
        }),
        ("log-line-prefix", Fail, |world| {
            world.parameter("log_line_prefix", "%m [%p] ")
        }),
        ("log-group", Fail, |world| {
            world.observed.log_group = Ok(None)
        }),
        ("log-group", Unknown, |world| {
            world.observed.log_group = Err(denied())
        }),
        ("recent-entries", Fail, |world| {
            world.cluster_log().last_event = None
        }),
        ("recent-entries", Warn, |world| {
            world.cluster_log().last_event = Some(ago(25 * HOUR))
        }),
        ("recent-entries", Fail, |world| {
            world.cluster_log().last_event = Some(ago(73 * HOUR))
        }),
        ("recent-entries", Skip, |world| {
            world.observed.log_group = Ok(None)
        }),
        ("retention", Warn, |world| {
            world.cluster_log().retention_days = None
        }),
        ("retention", Fail, |world| {
            world.cluster_log().retention_days = Some(7)
        }),
        ("retention", Warn, |world| {
            world.cluster_log().retention_days = Some(3653)
        }),
        ("unaltered", Fail, |world| {
            world.alter(|group| {
                group.mask(
                    r#"{"Statement":[{"DataIdentifier":["AUDIT"],"Operation":{"Deidentify":{"MaskConfig":{}}}}],
                        "Configuration":{"CustomDataIdentifier":[{"Name":"AUDIT","Regex":"AUDIT"}]}}"#,
                )
            });
        }),
        ("unaltered", Warn, |world| {
            world.alter(|group| group.mask(r#"{"Statement":[{"Operation":{"Audit":{}}}]}"#));
        }),
        ("unaltered", Fail, |world| {
            world.alter(|group| group.class("INFREQUENT_ACCESS").unwrap());
        }),
        ("unaltered", Unknown, |world| {
            world.alter(|group| group.not_read(Means::AccountTransformer, &denied()));
        }),
        ("deletion-protection", Fail, |world| {
            world.environment.log_deletion_protection = true;
        }),
        ("deletion-protection", Skip, |world| {
            world.observed.log_group = Ok(None)
        }),
        ("topic", Fail, |world| world.absent(Kind::SnsTopic, "")),
        ("topic", Unknown, |world| {
            world.unreadable(Kind::SnsTopic, "")
        }),
        ("topic-admits-alarms", Fail, |world| {
            remove_statement(world, Kind::SnsTopic, "AlarmsOfThisAccountPublish");
        }),
        ("topic-admits-alarms", Fail, |world| {
            add_statement(
                world,
                Kind::SnsTopic,
                json!({
                    "Sid": "X", "Effect": "Deny", "Principal": "*", "Action": "sns:Publish", "Resource": "*",
                }),
            )
        }),
        ("topic-admits-alarms", Unknown, |world| {
            add_statement(
                world,
                Kind::SnsTopic,
                json!({
                    "Sid": "X", "Effect": "Deny", "Principal": "*", "Action": "sns:Publish", "Resource": "*",
                    "Condition": { "StringEquals": { "aws:SourceOrgID": "o-1" } },
                }),
            )
        }),
        ("topic-admits-alarms", Skip, |world| {
            world.absent(Kind::SnsTopic, "")
        }),
        // A9.
        ("topic-admits-monitor", Fail, |world| {
            add_statement(
                world,
                Kind::SnsTopic,
                json!({
                    "Sid": "LimitToAccountOnly", "Effect": "Deny", "Principal": { "AWS": "*" }, "Action": "SNS:Publish",
                    "Resource": "*", "Condition": { "StringNotEquals": { "aws:SourceAccount": "123456789012" } },
                }),
            )
        }),
        ("topic-admits-monitor", Warn, |world| {
            remove_statement(world, Kind::SnsTopic, "MonitorPublishes");
        }),
        ("topic-encryption", Fail, |world| {
            world.edit(Kind::SnsTopic, "", |topic| {
                topic["kms_key"] = json!("alias/aws/sns")
            });
        }),
        ("topic-encryption", Fail, |world| {
            world.edit(Kind::SnsTopic, "", |topic| {
                topic["kms_key"] = json!("alias/other")
            });
        }),
        ("topic-encryption", Warn, |world| {
            world.edit(Kind::SnsTopic, "", |topic| topic["kms_key"] = Value::Null);
        }),
        ("key-state", Fail, |world| world.observed.key = Ok(None)),
        ("key-state", Fail, |world| {
            world.key().state = "Disabled".to_owned()
        }),
        ("key-state", Fail, |world| {
            world.key().state = "PendingDeletion".to_owned();
            world.key().deletion = Some(ago(-7 * DAY));
        }),
        ("key-state", Unknown, |world| {
            world.observed.key = Err(denied())
        }),
        ("key-rotation", Warn, |world| world.key().rotation = false),
        ("key-admits-alarms", Fail, |world| {
            remove_statement(world, Kind::KmsKey, "AlarmsOfThisAccountEncrypt");
        }),
        ("key-admits-alarms", Unknown, |world| {
            world.unreadable(Kind::KmsKey, "")
        }),
        // The account's own statement is left: it leaves the call to the role's policy.
        ("key-admits-monitor", Fail, |world| {
            remove_statement(world, Kind::KmsKey, "MonitorEncrypts");
        }),
        ("key-admits-monitor", Fail, |world| {
            add_statement(
                world,
                Kind::KmsKey,
                json!({
                    "Effect": "Deny", "Principal": "*", "Action": "kms:GenerateDataKey", "Resource": "*",
                }),
            )
        }),
        ("somebody-is-told", Fail, |world| {
            world.subscribe(
                "",
                Ok(Some(Subscription::Pending {
                    since: Some(ago(HOUR)),
                })),
            );
        }),
        ("somebody-is-told", Unknown, |world| {
            world.subscribe("", Err(denied()))
        }),
        ("somebody-is-told", Fail, |world| {
            world.observed.subscriptions.clear();
            world
                .documents
                .retain(|document| document.kind != Kind::SnsSubscription);
        }),
        ("subscriptions-confirmed", Warn, |world| {
            world.subscribe(
                "email",
                Ok(Some(Subscription::Pending {
                    since: Some(ago(DAY)),
                })),
            );
        }),
        ("subscriptions-confirmed", Fail, |world| {
            world.subscribe(
                "email",
                Ok(Some(Subscription::Pending {
                    since: Some(ago(4 * DAY)),
                })),
            );
        }),
        ("subscriptions-confirmed", Warn, |world| {
            world.subscribe("email", Ok(Some(Subscription::Pending { since: None })));
        }),
        ("subscriptions-confirmed", Fail, |world| {
            world.subscribe("email", Ok(None))
        }),
        ("subscriptions-confirmed", Unknown, |world| {
            world.subscribe("email", Err(denied()))
        }),
        ("event-bus", Fail, |world| world.bus(Ok(None))),
        ("event-bus", Unknown, |world| world.bus(Err(denied()))),
        ("alarms-metric", Fail, |world| {
            world.edit(Kind::LambdaFunction, "", |function| {
                function["environment"]["LOG_GROUP_NAME"] =
                    json!("/aws/rds/cluster/other/postgresql");
            });
        }),
        ("windows", Fail, |world| {
            world.edit(Kind::LambdaFunction, "", |function| {
                // One second more than the periods that the alarm looks back allow.
                function["environment"]["PGVIGIL_SETTLE_SECONDS"] = json!("301");
            });
        }),
        ("monitor-permissions", Unknown, |world| {
            world
                .documents
                .retain(|document| document.kind != Kind::IamRolePolicy);
        }),
        // L4, L5.
        ("alarms-present", Fail, |world| {
            world.absent(Kind::Alarm, "monitor-errors")
        }),
        ("alarms-present", Fail, |world| {
            world.absent(Kind::Alarm, "heartbeat")
        }),
        ("alarms-present", Unknown, |world| {
            world.unreadable(Kind::Alarm, "human-dml")
        }),
        ("alarms-enabled", Fail, |world| {
            world.edit(Kind::Alarm, "human-dml", |alarm| {
                alarm["actions_enabled"] = json!(false)
            });
        }),
        // A2.
        ("alarms-tell", Fail, |world| {
            world.edit(Kind::Alarm, "human-dml", |alarm| {
                alarm["ok_actions"] = json!([])
            });
        }),
        ("alarms-tell", Fail, |world| {
            let other = json!(["arn:aws:sns:us-east-1:123456789012:other"]);
            world.edit(Kind::Alarm, "human-dml", |alarm| {
                alarm["alarm_actions"] = other
            });
        }),
        // A7.
        ("alarms-metric", Fail, |world| {
            world.edit(Kind::Alarm, "human-dml", |alarm| {
                alarm["namespace"] = json!("Other")
            });
        }),
        ("alarms-metric", Fail, |world| {
            world.edit(Kind::Alarm, "heartbeat", |alarm| {
                alarm["dimensions"]["LogGroup"] = json!("x")
            });
        }),
        ("alarms-metric", Fail, |world| {
            world.edit(Kind::Alarm, "delivery", |alarm| {
                alarm["dimensions"] = json!({})
            });
        }),
        ("alarms-metric", Fail, |world| {
            world.edit(Kind::LambdaFunction, "", |function| {
                function["environment"]["METRIC_NAMESPACE"] = json!("Other");
            });
        }),
        ("alarms-metric", Unknown, |world| {
            world.unreadable(Kind::LambdaFunction, "")
        }),
        ("alarms-state", Fail, |world| {
            world.alarm("heartbeat").state = AlarmState::Alarm
        }),
        // A3.
        ("alarms-state", Warn, |world| {
            world.alarm("human-dml").state = AlarmState::Alarm
        }),
        ("alarms-state", Fail, |world| {
            world.alarm("human-dml").state = AlarmState::InsufficientData;
        }),
        ("alarms-state", Warn, |world| {
            *world.alarm("human-dml") = Alarm {
                state: AlarmState::InsufficientData,
                since: ago(2 * HOUR),
                trouble: None,
                actions: Vec::new(),
            };
        }),
        ("alarms-delivered", Fail, |world| {
            let action = &mut world.alarm("human-dml").actions[0];
            (action.succeeded, action.at) = (false, ago(HOUR));
        }),
        ("alarms-delivered", Warn, |world| {
            let action = &mut world.alarm("human-dml").actions[0];
            (action.succeeded, action.at) = (false, ago(10 * DAY));
        }),
        ("alarms-delivered", Warn, |world| {
            let mut failed = world.alarm("human-dml").actions[0].clone();
            failed.succeeded = false;
            world.alarm("human-dml").actions.push(failed);
        }),
        ("rule", Fail, |world| world.absent(Kind::EventRule, "")),
        ("rule", Fail, |world| {
            world.edit(Kind::EventRule, "", |rule| {
                rule["state"] = json!("DISABLED")
            });
        }),
        ("rule", Unknown, |world| {
            world.unreadable(Kind::EventRule, "")
        }),
        ("target", Fail, |world| world.absent(Kind::EventTarget, "")),
        ("target", Fail, |world| {
            world.edit(Kind::EventTarget, "", |target| {
                target["target"] = json!("arn:other")
            });
        }),
        ("invoke-permission", Fail, |world| {
            world.absent(Kind::LambdaPermission, "")
        }),
        ("invoke-permission", Fail, |world| {
            world.edit(Kind::LambdaPermission, "", |it| {
                it["source_arn"] = json!("arn:other")
            });
        }),
        ("windows", Fail, |world| {
            world.edit(Kind::EventRule, "", |rule| {
                rule["schedule"] = json!("rate(10 minutes)")
            });
        }),
        ("windows", Fail, |world| {
            world.edit(Kind::Alarm, "human-dml", |alarm| {
                alarm["period_seconds"] = json!(60)
            });
        }),
        ("windows", Fail, |world| {
            world.edit(Kind::Alarm, "human-dml", |alarm| {
                alarm["evaluation_periods"] = json!(1)
            });
        }),
        ("windows", Fail, |world| {
            world.edit(Kind::LambdaFunction, "", |function| {
                function["environment"] = json!({})
            });
        }),
        ("function", Fail, |world| {
            world.absent(Kind::LambdaFunction, "")
        }),
        ("function-active", Fail, |world| {
            world.function().state = "Failed".to_owned()
        }),
        ("function-active", Fail, |world| {
            world.function().last_update = "Failed".to_owned()
        }),
        ("function-active", Warn, |world| {
            world.function().last_update = "InProgress".to_owned()
        }),
        ("function-active", Unknown, |world| {
            world.observed.function = Err(denied())
        }),
        ("function-concurrency", Fail, |world| {
            world.edit(Kind::LambdaFunction, "", |it| {
                it["reserved_concurrency"] = json!(0)
            });
        }),
        ("function-concurrency", Warn, |world| {
            world.edit(Kind::LambdaFunction, "", |it| {
                it["reserved_concurrency"] = Value::Null
            });
        }),
        ("account-concurrency", Fail, |world| {
            world.absent(Kind::LambdaFunction, "");
            world.concurrency = Ok(Some(account(10, 10)));
        }),
        ("account-concurrency", Fail, |world| {
            world.edit(Kind::LambdaFunction, "", |it| {
                it["reserved_concurrency"] = Value::Null
            });
            world.concurrency = Ok(Some(account(10, 10)));
        }),
        ("account-concurrency", Warn, |world| {
            world.absent(Kind::LambdaFunction, "");
            world.concurrency = Ok(Some(account(100, 100)));
        }),
        ("account-concurrency", Unknown, |world| {
            world.concurrency = Err(denied())
        }),
        // T4.
        ("function-variables", Fail, |world| {
            world.edit(Kind::LambdaFunction, "", |function| {
                function["environment"]["LOG_GROUP_NAME"] =
                    json!("/aws/rds/cluster/other/postgresql");
            });
        }),
        ("function-rules", Fail, |world| {
            world.edit(Kind::LambdaFunction, "", |function| {
                function["layers"] = json!([]);
            });
        }),
        ("function-rules", Fail, |world| {
            world.edit(Kind::LambdaFunction, "", |function| {
                function["environment"]["PGVIGIL_RULES_DIGEST"] = json!("0");
            });
        }),
        ("function-rules", Fail, |world| {
            world.edit(Kind::LambdaFunction, "", |function| {
                function["layers"][0]["code_sha256"] = json!("0");
                function["environment"]["PGVIGIL_RULES_DIGEST"] = json!("0");
            });
        }),
        ("function-rules", Fail, |world| {
            world.edit(Kind::LambdaFunction, "", |function| {
                let layers = function["layers"].as_array_mut().unwrap();
                layers.push(json!(
                    "arn:aws:lambda:eu-west-1:210987654321:layer:theirs:1"
                ));
            });
        }),
        ("function-rules", Fail, |world| {
            world.edit(Kind::LambdaFunction, "", |function| {
                let variables = function["environment"].as_object_mut().unwrap();
                variables.remove("PGVIGIL_RULES_DIGEST");
            });
        }),
        ("function-runs", Fail, |world| {
            world.function().invocations = 0
        }),
        ("function-runs", Fail, |world| world.function().errors = 288),
        ("function-runs", Warn, |world| world.function().errors = 1),
        ("function-runs", Warn, |world| {
            world.function().throttles = 1
        }),
        ("heartbeat", Fail, |world| {
            world.observed.heartbeat = Ok(None)
        }),
        ("heartbeat", Fail, |world| {
            world.observed.heartbeat = Ok(Some(ago(HOUR)))
        }),
        ("heartbeat", Unknown, |world| {
            world.observed.heartbeat = Err(denied())
        }),
        ("monitor-log", Fail, |world| {
            world.observed.monitor_log_group = Ok(None)
        }),
        ("monitor-log", Fail, |world| {
            world.own_log().last_event = None
        }),
        ("monitor-log", Warn, |world| {
            world.own_log().last_event = Some(ago(2 * DAY))
        }),
        ("monitor-log", Fail, |world| {
            world.own_log().retention_days = Some(1)
        }),
        ("monitor-log", Warn, |world| {
            world.own_log().retention_days = None
        }),
        ("monitor-permissions", Fail, |world| {
            world.observed.decisions.as_mut().unwrap()[0].allowed = false;
        }),
        ("monitor-permissions", Unknown, |world| {
            world.observed.decisions.as_mut().unwrap().pop();
        }),
        ("monitor-permissions", Unknown, |world| {
            world.observed.decisions = Err(denied())
        }),
        ("as-in-the-files", Fail, |world| {
            world.edit(Kind::Dashboard, "", |dashboard| {
                dashboard["body"] = json!({})
            });
        }),
        ("as-in-the-files", Fail, |world| {
            world.absent(Kind::SavedQuery, "")
        }),
        ("as-in-the-files", Unknown, |world| {
            world.unreadable(Kind::SavedQuery, "")
        }),
        ("as-in-the-files", Warn, |world| {
            for document in &mut world.documents {
                if document.kind == Kind::SavedQuery {
                    document.properties["query"] = json!("fields @message");
                }
            }
        }),
    ]
};

fn statements(world: &mut World, kind: Kind, edit: impl FnOnce(&mut Vec<Value>)) {
    world.edit(kind, "", |properties| {
        edit(properties["policy"]["Statement"].as_array_mut().unwrap());
    });
}

fn remove_statement(world: &mut World, kind: Kind, sid: &str) {
    statements(world, kind, |statements| {
        let before = statements.len();
        statements.retain(|statement| statement["Sid"] != sid);
        assert_eq!(statements.len(), before - 1);
    });
}

fn add_statement(world: &mut World, kind: Kind, statement: Value) {
    statements(world, kind, |statements| statements.push(statement));
}

#[test]
fn each_broken_thing_is_found_by_its_check() {
    for (index, (id, expected, damage)) in BROKEN.iter().enumerate() {
        let mut world = World::healthy();
        damage(&mut world);
        let diagnosis = world.diagnose();
        let check = check(&diagnosis, id);
        assert_eq!(check.verdict, *expected, "case {index}: {check:#?}");
        assert!(
            diagnosis.verdict() > Verdict::Skip,
            "case {index}: never fine as a whole"
        );
        for finding in diagnosis.checks().flat_map(|check| &check.findings) {
            let needs_remedy = matches!(finding.verdict, Verdict::Warn | Verdict::Fail);
            assert_eq!(
                finding.remedy.is_some(),
                needs_remedy,
                "case {index}: {finding:?}"
            );
        }
    }
}

#[test]
fn each_check_of_the_registry_is_broken_by_a_case() {
    for check in ALL {
        let loud = BROKEN.iter().any(|(id, verdict, _)| {
            *id == check.id && matches!(verdict, Verdict::Warn | Verdict::Fail)
        });
        assert!(loud, "no case breaks `{}`", check.id);
    }
}

#[test]
fn the_registry_is_sound() {
    let mut seen = BTreeSet::new();
    let mut groups: Vec<&str> = Vec::new();
    for check in ALL {
        for need in check.needs {
            assert!(seen.contains(need), "`{need}` stands after `{}`", check.id);
        }
        assert!(seen.insert(check.id), "`{}` twice", check.id);
        if groups.last() != Some(&check.group) {
            assert!(!groups.contains(&check.group), "`{}` is torn", check.group);
            groups.push(check.group);
        }
        assert!(!check.why.ends_with('.') && !check.title.ends_with('.'));
        // A need of another run would never be found.
        for need in check.needs {
            let needed = ALL.iter().find(|other| other.id == *need).unwrap();
            assert!(matches!(
                (check.run, needed.run),
                (Run::Cluster(_), Run::Cluster(_)) | (Run::Environment(_), Run::Environment(_))
            ));
        }
    }
}

/// Whatever single thing cannot be read, the whole is not fine.
#[test]
fn what_could_not_be_read_is_never_fine() {
    let healthy = World::healthy();
    let mut addresses: Vec<String> = healthy.live.keys().cloned().collect();
    addresses.sort();
    for address in addresses {
        let mut world = World::healthy();
        world.live.insert(address.clone(), Err(denied()));
        assert_eq!(world.diagnose().verdict(), Verdict::Unknown, "{address}");
    }
    let blind: [fn(&mut Observed); 7] = [
        |observed| observed.database = Err(denied()),
        |observed| observed.log_group = Err(denied()),
        |observed| observed.monitor_log_group = Err(denied()),
        |observed| observed.key = Err(denied()),
        |observed| observed.function = Err(denied()),
        |observed| observed.heartbeat = Err(denied()),
        |observed| observed.decisions = Err(denied()),
    ];
    for (index, damage) in blind.iter().enumerate() {
        let mut world = World::healthy();
        damage(&mut world.observed);
        assert_eq!(world.diagnose().verdict(), Verdict::Unknown, "{index}");
    }
    for alarm in healthy.observed.alarms.keys() {
        let mut world = World::healthy();
        world.observed.alarms.insert(alarm.clone(), Err(denied()));
        assert_eq!(world.diagnose().verdict(), Verdict::Unknown, "{alarm}");
    }
}

#[test]
fn a_failure_is_louder_than_what_could_not_be_read() {
    let mut world = World::healthy();
    world.observed.database = Err(denied());
    world.observed.heartbeat = Ok(None);
    assert_eq!(world.diagnose().verdict(), Verdict::Fail);
}

/// Each edit of each document's fields is told, whatever check knows of it.
#[test]
fn every_document_is_looked_at() {
    for document in World::healthy().documents {
        let mut world = World::healthy();
        let name = document.name.clone();
        world.edit(document.kind, &name, |properties| {
            properties["surprise"] = json!(1)
        });
        assert_eq!(
            check(&world.diagnose(), "as-in-the-files").verdict,
            Verdict::Fail,
            "{}",
            document.address
        );
    }
}

/// IAM is asked about every action of the role's policy, on resources and not on patterns, with the conditions' values.
#[test]
fn iam_is_asked_about_what_the_monitor_does() {
    let world = World::healthy();
    let cluster = &world.environment.clusters[0];
    let requests = Subject::new(&world.environment, cluster, &world.documents).requests();
    let shown: Vec<String> = requests
        .iter()
        .map(|request| {
            let resource = request.resource.rsplit(':').next().unwrap();
            format!("{} {resource} {:?}", request.action, request.context)
        })
        .collect();
    assert_eq!(
        shown,
        [
            "cloudwatch:GetMetricData * {}",
            "cloudwatch:PutMetricData * {\"cloudwatch:namespace\": \"RDSAudit/UserActivity\"}",
            "logs:CreateLogStream pgvigil {}",
            "logs:GetQueryResults * {}",
            "logs:PutLogEvents pgvigil {}",
            "logs:StartQuery /aws/rds/cluster/orders/postgresql {}",
            "logs:StartQuery pgvigil {}",
            "logs:StopQuery * {}",
            "sns:Publish pgvigil-prod-orders-43d08d89 {}",
        ]
    );
}

#[test]
fn another_account_is_refused() {
    let mut world = World::healthy();
    world.at.account = "999999999999".to_owned();
    let refused = world.try_diagnose(true);
    assert!(
        matches!(refused, Err(PlanError::Elsewhere { .. })),
        "{refused:?}"
    );
}

#[test]
fn a_folder_is_judged_by_its_documents() {
    let mut world = World::of(local("dev", &["demo"]));
    let diagnosis = world.try_diagnose(false).unwrap();
    assert_eq!(diagnosis.verdict(), Verdict::Ok);
    let skipped = |check: &&Checked| check.verdict == Verdict::Skip;
    assert!(
        diagnosis
            .checks()
            .filter(skipped)
            .any(|check| check.id == "heartbeat")
    );
    world.edit(Kind::EventRule, "", |rule| {
        rule["state"] = json!("DISABLED")
    });
    let diagnosis = world.try_diagnose(false).unwrap();
    let rule = check(&diagnosis, "rule");
    assert_eq!(rule.verdict, Verdict::Fail);
    let command = &rule.findings[0].remedy.as_ref().unwrap().command;
    assert_eq!(command, "pgvigil apply --env dev");
}

#[test]
fn what_is_broken_is_told_of_its_own_cluster() {
    let mut world = World::of(local("dev", &["orders", "orders-2"]));
    world.edit(Kind::EventRule, "orders-2", |rule| {
        rule["state"] = json!("DISABLED")
    });
    let diagnosis = world.try_diagnose(false).unwrap();
    let failed: Vec<(&str, Vec<&str>)> = diagnosis
        .clusters
        .iter()
        .map(|cluster| {
            let failed = cluster.checks.iter();
            let failed = failed.filter(|check| check.verdict == Verdict::Fail);
            (
                cluster.cluster.as_str(),
                failed.map(|check| check.id).collect(),
            )
        })
        .collect();
    assert_eq!(
        failed,
        [
            ("orders", vec![]),
            ("orders-2", vec!["rule", "as-in-the-files"])
        ]
    );
}

#[test]
fn ages_are_told_by_the_providers_clock() {
    let mut world = World::healthy();
    // Our clock is an hour fast: the heartbeat is not an hour old.
    world.clock = Ok(ago(HOUR));
    world.observed.heartbeat = Ok(Some(ago(HOUR + 300)));
    world.cluster_log().last_event = Some(ago(HOUR + 300));
    let diagnosis = world.diagnose();
    assert_eq!(check(&diagnosis, "heartbeat").verdict, Verdict::Ok);
    assert_eq!(check(&diagnosis, "clock").verdict, Verdict::Fail);
}

/// The commands, with their real names: what a person copies.
#[test]
fn commands_that_mend() {
    let command = |id: &str, damage: fn(&mut World)| {
        let mut world = World::healthy();
        damage(&mut world);
        let diagnosis = world.diagnose();
        let found = check(&diagnosis, id).findings.iter();
        let mut remedies = found.filter_map(|finding| finding.remedy.clone());
        remedies.next().unwrap().command
    };
    assert_eq!(
        command("log-export", |world| world.database().log_exports.clear()),
        "aws rds modify-db-cluster --db-cluster-identifier orders --cloudwatch-logs-export-configuration \
         EnableLogTypes=postgresql --region us-east-1"
    );
    assert_eq!(
        command("pgaudit-preloaded", |world| world
            .parameter("shared_preload_libraries", "pg_stat_statements")),
        "aws rds modify-db-cluster-parameter-group --db-cluster-parameter-group-name orders-group --parameters \
         '[{\"ApplyMethod\":\"pending-reboot\",\"ParameterName\":\"shared_preload_libraries\",\
         \"ParameterValue\":\"pg_stat_statements,pgaudit\"}]' --region us-east-1"
    );
    assert_eq!(
        command("pgaudit-preloaded", |world| {
            world.parameter("shared_preload_libraries", "");
            world.database().parameter_group = "default.aurora-postgresql15".to_owned();
        }),
        "aws rds create-db-cluster-parameter-group --db-cluster-parameter-group-name orders-audit \
         --db-parameter-group-family aurora-postgresql15 --description 'Audited by pgvigil' --region us-east-1"
    );
    assert_eq!(
        command("key-state", |world| world.key().state =
            "PendingDeletion".to_owned()),
        "aws kms cancel-key-deletion --key-id key-1 --region us-east-1 && aws kms enable-key --key-id key-1 \
         --region us-east-1"
    );
}

/// The offending statement is named.
#[test]
fn a_deny_is_named_by_its_sid() {
    let mut world = World::healthy();
    add_statement(
        &mut world,
        Kind::SnsTopic,
        json!({ "Sid": "Culprit", "Effect": "Deny", "Principal": "*", "Action": "*", "Resource": "*" }),
    );
    let diagnosis = world.diagnose();
    for id in ["topic-admits-alarms", "topic-admits-monitor"] {
        let sentence = &check(&diagnosis, id).findings[0].sentence;
        assert_eq!(sentence, "`Culprit` denies SNS:Publish", "{id}");
    }
}

/// `docs/doctor.md` has a row for each check; `PGVIGIL_UPDATE=1` writes them.
#[test]
fn the_document_lists_every_check() {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/doctor.md");
    let text = std::fs::read_to_string(&path).unwrap();
    let mut table = String::from("| check | holds when | why it matters |\n| --- | --- | --- |\n");
    for check in ALL {
        table.push_str(&format!(
            "| `{}` | {} | {} |\n",
            check.id, check.title, check.why
        ));
    }
    let (before, rest) = text.split_once("<!-- checks -->\n").unwrap();
    let (_, after) = rest.split_once("<!-- end of checks -->\n").unwrap();
    let wanted = format!("{before}<!-- checks -->\n{table}<!-- end of checks -->\n{after}");
    if std::env::var_os("PGVIGIL_UPDATE").is_some() {
        std::fs::write(&path, wanted).unwrap();
    } else {
        assert_eq!(text, wanted, "PGVIGIL_UPDATE=1 writes it");
    }
}
