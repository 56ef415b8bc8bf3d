//! Environments for tests. The only place of these rooms that makes values of other rooms.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::{Document, Inputs, PolicyLayer};
use crate::audit_log::prefix::LogLinePrefix;
use crate::judge::Rules;
use crate::policy::model::{
    Architecture, Cluster, ClusterKind, Engine, Environment, Monitor, Notification, Provider,
    Secret, Selection, Signal, SignalSettings,
};
use crate::source::Place;

fn place() -> Place {
    Place::default()
}

fn log_line_prefix() -> LogLinePrefix {
    LogLinePrefix::Short
}

pub(crate) fn environment(name: &str, clusters: &[&str]) -> Environment {
    Environment {
        name: name.to_owned(),
        title: Some("An environment".to_owned()),
        provider: Provider::Aws,
        account: Some("123456789012".to_owned()),
        region: Some("us-east-1".to_owned()),
        assume_role: None,
        folder: None,
        clusters: clusters
            .iter()
            .map(|name| Cluster {
                name: (*name).to_owned(),
                kind: ClusterKind::Aurora,
                place: place(),
            })
            .collect(),
        databases: Vec::new(),
        log_line_prefix: log_line_prefix(),
        exclusions: Selection::All,
        engine: Engine::Monitor,
        monitor: Monitor {
            window_minutes: 5,
            settle_seconds: 60,
            late_arrival_minutes: 10,
            architecture: Architecture::Arm64,
            memory_mb: 256,
            timeout_seconds: 300,
            reserved_concurrency: Some(1),
            namespace: "RDSAudit/UserActivity".to_owned(),
            metrics: vec![crate::policy::model::Breakdown::Command],
        },
        signals: vec![SignalSettings {
            signal: Signal::Dml,
            threshold: 0,
        }],
        notifications: vec![
            Notification::Email("dba@example.com".to_owned()),
            Notification::Https(Secret::FromEnv("INCIDENT_URL".to_owned())),
        ],
        routes: Vec::new(),
        chat: false,
        events: None,
        runbook: None,
        retention_days: 365,
        monitor_retention_days: 2557,
        log_deletion_protection: false,
        permissions_boundary: None,
        tags: vec![("team".to_owned(), "dba".to_owned())],
        place: place(),
        places: crate::source::Places::default(),
        files: vec![name.to_owned()],
        digest: String::new(),
    }
}

/// The same on the local provider.
pub(crate) fn local(name: &str, clusters: &[&str]) -> Environment {
    Environment {
        provider: Provider::Local,
        account: None,
        region: None,
        ..environment(name, clusters)
    }
}

pub(crate) const QUERY: &str =
    "# alarm query\nfields @timestamp\n| filter @message like /AUDIT/\n| stats count() by user\n";
pub(crate) const INVESTIGATE: &str =
    "# investigation\nfields @timestamp, user, statement\n| sort @timestamp desc\n";
pub(crate) const TABLE: &str = "# table\nfields @timestamp, user, object\n| sort @timestamp desc\n";

pub(crate) const ROWS: &str =
    "# rows\nfilter @message like /AUDIT/\n| fields pgUser as user, pgDatabase as database\n";

/// Every document of an environment, compiled from those queries.
pub(crate) fn documents(environment: &Environment) -> Vec<Document> {
    let policy_layer = PolicyLayer::of(environment, &Rules::new(environment.log_line_prefix));
    let monitor_environment = BTreeMap::from([
        (
            crate::compile::monitor_environment::RULES_DIGEST.to_owned(),
            policy_layer.digest.clone(),
        ),
        ("METRIC_NAMESPACE".to_owned(), "Wrong".to_owned()),
    ]);
    let signal_rows = environment
        .signals
        .iter()
        .map(|settings| (settings.signal, ROWS.to_owned()))
        .collect();
    let inputs = Inputs {
        summary: QUERY,
        investigate: INVESTIGATE,
        table: TABLE,
        last_days: "No exclusion.",
        query_digest: "0123456789abcdef",
        policy_digest: "fedcba9876543210",
        policy_layer: &policy_layer,
        monitor_environment: &monitor_environment,
        signal_rows: &signal_rows,
    };
    let mut documents = super::shared(environment, &inputs);
    for cluster in &environment.clusters {
        documents.extend(super::resources(environment, cluster, &inputs));
    }
    documents
}

fn notification() -> impl Strategy<Value = Notification> {
    prop_oneof![
        "[a-z]{1,8}@example\\.com".prop_map(Notification::Email),
        "[A-Z]{1,8}_URL".prop_map(|name| Notification::Https(Secret::FromEnv(name))),
        "[a-z/]{1,8}".prop_map(|name| Notification::Https(Secret::FromSecret(name))),
    ]
}

/// Any local environment that the checks would let pass.
pub(crate) fn any_environment() -> impl Strategy<Value = Environment> {
    (
        "[a-z]{1,10}",
        prop::collection::btree_set("[a-z][a-z0-9-]{0,40}[a-z0-9]", 1..3),
        (
            1u32..=1440,
            0u32..600,
            0u32..120,
            128u32..2048,
            1u32..=900,
            0u32..10,
        ),
        prop::collection::vec(notification(), 0..4),
        prop::collection::btree_map("[a-z]{1,6}", "[ -~é]{0,12}", 0..4),
        prop::sample::select(super::RETENTION_DAYS.to_vec()),
    )
        .prop_map(
            |(name, clusters, numbers, notifications, tags, retention_days)| {
                let (
                    window_minutes,
                    settle_seconds,
                    late_arrival_minutes,
                    memory_mb,
                    timeout_seconds,
                    threshold,
                ) = numbers;
                let clusters: Vec<&str> = clusters.iter().map(String::as_str).collect();
                let mut environment = local(&name, &clusters);
                environment.monitor = Monitor {
                    window_minutes,
                    settle_seconds,
                    late_arrival_minutes,
                    memory_mb,
                    timeout_seconds,
                    ..environment.monitor
                };
                environment.signals[0].threshold = threshold;
                environment.notifications = notifications;
                environment.tags = tags.into_iter().collect();
                environment.retention_days = retention_days;
                environment
            },
        )
}
