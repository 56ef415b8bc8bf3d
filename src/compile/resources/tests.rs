//! The reference's defects (A1 to A18, T4 to T16 of the survey), each impossible here, by name.

use proptest::prelude::*;
use serde_json::Value;

use super::testing::{any_environment, documents, environment, local};
use super::*;
use crate::policy::model::{ClusterKind, Signal};

fn of(documents: &[Document], kind: Kind) -> Vec<&Document> {
    documents
        .iter()
        .filter(|document| document.kind == kind)
        .collect()
}

fn only(documents: &[Document], kind: Kind) -> &Document {
    let all = of(documents, kind);
    assert_eq!(all.len(), 1, "{kind}");
    all[0]
}

fn alarm<'a>(documents: &'a [Document], end: &str) -> &'a Document {
    documents
        .iter()
        .find(|document| document.kind == Kind::Alarm && document.name.ends_with(end))
        .unwrap()
}

fn prod() -> Vec<Document> {
    documents(&environment("prod", &["orders"]))
}

fn statement<'a>(document: &'a Document, field: &str, sid: &str) -> &'a Value {
    let statements = document.properties[field]["Statement"].as_array().unwrap();
    statements
        .iter()
        .find(|statement| statement["Sid"] == sid)
        .unwrap()
}

fn texts(value: &Value) -> Vec<&str> {
    match value {
        Value::String(text) => vec![text],
        Value::Array(items) => items.iter().flat_map(texts).collect(),
        Value::Object(map) => map.values().flat_map(texts).collect(),
        _ => Vec::new(),
    }
}

/// The page of metrics tells of each alarm what it reads, and of no other.
#[test]
fn the_table_of_metrics_is_what_the_alarms_read() {
    let mut environment = environment("prod", &["orders"]);
    environment.signals = Signal::ALL
        .map(|signal| SignalSettings {
            signal,
            threshold: 0,
        })
        .to_vec();
    let documents = documents(&environment);
    let names = Names::new(&environment, &environment.clusters[0]);
    let log_group = environment.clusters[0].log_group();
    let examples = published::Examples {
        log_group: &log_group,
        command: "SELECT",
        user: "alice",
        exclusion: "catalog-metadata",
        name: names.base(),
    };
    let told: std::collections::BTreeSet<String> = published::published(&examples)
        .into_iter()
        .filter_map(|row| {
            let end = row.alarm?;
            Some(format!(
                "{} {} {}",
                names.monitor_alarm(&end),
                row.metric.name,
                row.metric.dimensions_value()
            ))
        })
        .collect();
    let live: std::collections::BTreeSet<String> = of(&documents, Kind::Alarm)
        .iter()
        .map(|alarm| {
            format!(
                "{} {} {}",
                alarm.name,
                alarm.properties["metric"].as_str().unwrap(),
                alarm.properties["dimensions"]
            )
        })
        .collect();
    assert_eq!(told, live);
    assert_eq!(live.len(), Signal::ALL.len() + MONITOR_ALARMS.len());
    // What the dashboard draws is in the table too.
    let rows = published::published(&examples);
    for widget in only(&documents, Kind::Dashboard).properties["body"]["widgets"]
        .as_array()
        .unwrap()
    {
        for line in widget["properties"]["metrics"]
            .as_array()
            .unwrap_or(&Vec::new())
        {
            let namespace = line[0].as_str().unwrap();
            assert!(
                rows.iter()
                    .any(|row| row.metric.widget_value(namespace) == *line),
                "{line}"
            );
        }
    }
}

#[test]
fn a1_the_dashboard_shows_the_alarms_that_exist() {
    let documents = prod();
    let shown =
        &only(&documents, Kind::Dashboard).properties["body"]["widgets"][0]["properties"]["alarms"];
    let exist: Vec<String> = of(&documents, Kind::Alarm)
        .iter()
        .map(|alarm| {
            format!(
                "arn:aws:cloudwatch:us-east-1:123456789012:alarm:{}",
                alarm.name
            )
        })
        .collect();
    let mut shown = texts(shown);
    shown.sort_unstable();
    assert_eq!(shown, exist);
}

#[test]
fn a2_every_alarm_says_when_it_is_over() {
    for alarm in of(&prod(), Kind::Alarm) {
        assert_eq!(
            alarm.properties["ok_actions"],
            alarm.properties["alarm_actions"]
        );
        assert_eq!(alarm.properties["actions_enabled"], true);
        assert_eq!(
            alarm.properties["alarm_actions"].as_array().unwrap().len(),
            1
        );
    }
}

/// While an alarm lasts its actions are silent: the monitor itself tells of the next person, and may.
#[test]
fn a3_the_monitor_may_tell_people_itself() {
    let documents = prod();
    let topic = only(&documents, Kind::SnsTopic);
    let tell = statement(
        only(&documents, Kind::IamRolePolicy),
        "policy",
        "TellPeople",
    );
    assert_eq!(
        texts(&tell["Resource"]),
        ["arn:aws:sns:us-east-1:123456789012:".to_owned() + &topic.name]
    );
    let publishes = statement(topic, "policy", "MonitorPublishes");
    let role = &only(&documents, Kind::IamRole).name;
    assert_eq!(
        texts(&publishes["Condition"]),
        [format!("arn:aws:iam::123456789012:role/{role}")]
    );
    let encrypts = statement(only(&documents, Kind::KmsKey), "policy", "MonitorEncrypts");
    assert!(
        texts(&encrypts["Condition"])
            .contains(&format!("arn:aws:iam::123456789012:role/{role}").as_str())
    );
}

#[test]
fn a4_a5_names_never_hold_the_time() {
    assert_eq!(prod(), prod());
}

#[test]
fn a6_a_monitor_that_never_ran_alarms() {
    let documents = prod();
    let heartbeat = &alarm(&documents, "-heartbeat").properties;
    assert_eq!(heartbeat["missing_data"], "breaching");
    assert_eq!(heartbeat["comparison"], "LessThanThreshold");
    assert_eq!(heartbeat["threshold"], 1);
    assert_eq!(
        alarm(&documents, "-human-dml").properties["missing_data"],
        "notBreaching"
    );
}

#[test]
fn a7_alarm_function_and_policy_agree_on_namespace_window_and_dimensions() {
    let mut environment = environment("prod", &["orders"]);
    environment.monitor.namespace = "Own/Namespace".to_owned();
    environment.monitor.window_minutes = 7;
    let documents = documents(&environment);
    let function = &only(&documents, Kind::LambdaFunction).properties["environment"];
    let alarm = &alarm(&documents, "-human-dml").properties;
    assert_eq!(function["METRIC_NAMESPACE"], "Own/Namespace");
    assert_eq!(alarm["namespace"], "Own/Namespace");
    let publish = statement(
        only(&documents, Kind::IamRolePolicy),
        "policy",
        "PublishMetrics",
    );
    assert_eq!(texts(&publish["Condition"]), ["Own/Namespace"]);
    assert_eq!(function["QUERY_WINDOW_MINUTES"], "7");
    assert_eq!(alarm["period_seconds"], 420);
    assert_eq!(
        only(&documents, Kind::EventRule).properties["schedule"],
        "rate(7 minutes)"
    );
    assert_eq!(alarm["metric"], "UserDMLOperationCount");
    assert_eq!(
        alarm["dimensions"],
        json!({"LogGroup": function["LOG_GROUP_NAME"], "OperationType": "UserDMLFiltered"})
    );
    assert_eq!(
        function["LOG_GROUP_NAME"],
        "/aws/rds/cluster/orders/postgresql"
    );
}

#[test]
fn a8_a_rate_of_one_is_singular() {
    assert_eq!(rate(1), "rate(1 minute)");
    assert_eq!(rate(2), "rate(2 minutes)");
    assert_eq!(rate(1440), "rate(1440 minutes)");
}

#[test]
fn a9_no_deny_hits_callers_without_a_source_account() {
    for document in prod() {
        let text = canonical(&document.properties);
        assert!(!text.contains("StringNotEquals"), "{}", document.address);
        assert!(!text.contains("NotPrincipal"), "{}", document.address);
    }
}

#[test]
fn a10_insecure_transport_and_http_subscriptions_are_refused() {
    let documents = prod();
    let topic = only(&documents, Kind::SnsTopic);
    let insecure = statement(topic, "policy", "RefuseInsecureTransport");
    assert_eq!(insecure["Effect"], "Deny");
    for action in ["SNS:Publish", "SNS:Subscribe", "SNS:SetTopicAttributes"] {
        assert!(texts(&insecure["Action"]).contains(&action));
    }
    let http = statement(topic, "policy", "RefuseHttpSubscriptions");
    assert_eq!(
        http["Condition"],
        json!({"StringEquals": {"SNS:Protocol": ["http"]}})
    );
    assert!(
        of(&documents, Kind::SnsSubscription)
            .iter()
            .all(|one| one.properties["protocol"] != "http")
    );
}

#[test]
fn a11_only_alarms_of_this_account_use_key_and_topic() {
    let documents = prod();
    let condition = json!({
        "StringEquals": {"aws:SourceAccount": ["123456789012"]},
        "ArnLike": {"aws:SourceArn": ["arn:aws:cloudwatch:us-east-1:123456789012:alarm:*"]},
    });
    let key = statement(
        only(&documents, Kind::KmsKey),
        "policy",
        "AlarmsOfThisAccountEncrypt",
    );
    assert_eq!(key["Condition"], condition);
    let topic = statement(
        only(&documents, Kind::SnsTopic),
        "policy",
        "AlarmsOfThisAccountPublish",
    );
    assert_eq!(topic["Condition"], condition);
}

#[test]
fn a12_the_key_rotates_and_is_never_deleted() {
    let documents = prod();
    let key = only(&documents, Kind::KmsKey);
    assert_eq!(
        key.properties["rotation"],
        json!({"enabled": true, "period_days": 365})
    );
    assert_eq!(key.properties["enabled"], true);
    assert!(key.kind.is_kept_unless_named());
}

#[test]
fn a13_a_subscriber_that_does_not_hear_alarms() {
    let documents = prod();
    let delivery = &alarm(&documents, "-delivery").properties;
    assert_eq!(delivery["metric"], "NumberOfNotificationsFailed");
    assert_eq!(
        delivery["dimensions"],
        json!({"TopicName": only(&documents, Kind::SnsTopic).name})
    );
    let https = of(&documents, Kind::SnsSubscription);
    let https = https
        .iter()
        .find(|one| one.properties["protocol"] == "https")
        .unwrap();
    let retries = &https.properties["delivery_policy"]["healthyRetryPolicy"];
    let longest =
        retries["maxDelayTarget"].as_u64().unwrap() * retries["numRetries"].as_u64().unwrap();
    assert!(longest <= 3600, "SNS refuses a policy that may last longer");
}

#[test]
fn a14_the_monitor_may_do_what_it_does_and_nothing_else() {
    let documents = prod();
    let policy = only(&documents, Kind::IamRolePolicy);
    let mut granted = Vec::new();
    for statement in policy.properties["policy"]["Statement"].as_array().unwrap() {
        let actions = texts(&statement["Action"]);
        let unbounded =
            texts(&statement["Resource"]) == ["*"] && statement.get("Condition").is_none();
        assert_eq!(
            unbounded,
            ["FollowOwnQueries", "ReadReceipts"].contains(&statement["Sid"].as_str().unwrap()),
            "{statement}"
        );
        granted.extend(actions);
    }
    granted.sort_unstable();
    assert_eq!(
        granted,
        [
            "cloudwatch:GetMetricData",
            "cloudwatch:PutMetricData",
            "logs:CreateLogStream",
            "logs:GetQueryResults",
            "logs:PutLogEvents",
            "logs:StartQuery",
            "logs:StopQuery",
            "sns:Publish"
        ]
    );
    let writes = statement(policy, "policy", "WriteOwnLog");
    assert!(
        texts(&writes["Resource"])
            .iter()
            .all(|arn| arn.contains(":log-group:/aws/lambda/pgvigil-prod-orders-"))
    );
    let query = statement(policy, "policy", "QueryTheClustersLog");
    assert!(
        texts(&query["Resource"])
            .iter()
            .all(|arn| arn.contains(":log-group:/aws/rds/cluster/orders/postgresql"))
    );
    assert_eq!(
        only(&documents, Kind::IamRole).properties["managed_policies"],
        json!([])
    );
}

#[test]
fn a15_the_role_is_for_functions_of_this_account() {
    let documents = prod();
    let trust = statement(
        only(&documents, Kind::IamRole),
        "trust_policy",
        "FunctionOfThisAccount",
    );
    assert_eq!(
        trust["Condition"],
        json!({"StringEquals": {"aws:SourceAccount": ["123456789012"]}})
    );
}

#[test]
fn a16_every_arn_is_of_the_regions_partition() {
    for (region, partition) in [
        ("eu-west-1", "aws"),
        ("cn-north-1", "aws-cn"),
        ("us-gov-west-1", "aws-us-gov"),
    ] {
        let mut environment = environment("prod", &["orders"]);
        environment.region = Some(region.to_owned());
        for document in documents(&environment) {
            for text in texts(&document.properties) {
                if text.contains("arn:") {
                    assert!(
                        text.starts_with(&format!("arn:{partition}:")),
                        "{}: {text}",
                        document.address
                    );
                }
            }
        }
    }
}

/// The topic is made with its policy and its key in one document: no moment without either.
#[test]
fn a17_the_topic_is_born_encrypted_and_closed() {
    let documents = prod();
    let topic = only(&documents, Kind::SnsTopic);
    assert_eq!(
        topic.properties["kms_key"],
        only(&documents, Kind::KmsAlias).name
    );
    assert!(topic.properties["policy"].is_object());
    assert_eq!(
        topic.depends_on,
        [only(&documents, Kind::KmsAlias).address.clone()]
    );
}

#[test]
fn a18_the_dashboard_shows_no_statements() {
    let documents = prod();
    let body = canonical(&only(&documents, Kind::Dashboard).properties);
    assert!(
        !body.contains("statement,") && !body.contains("user, statement"),
        "{body}"
    );
    assert!(body.contains("\\n| filter record = 'pgvigil.detection'\\n"));
    // Who looks for statements asks for them.
    let queries: Vec<(&str, &str)> = documents
        .iter()
        .filter(|document| document.kind == Kind::SavedQuery)
        .map(|document| {
            let query = document.properties["query"].as_str().unwrap();
            (document.name.as_str(), query)
        })
        .collect();
    let query_of = |ending: &str| {
        queries
            .iter()
            .find(|(name, _)| name.ends_with(ending))
            .unwrap()
            .1
    };
    assert_eq!(queries.len(), 3);
    assert!(!query_of("/detections").contains("statement,"));
    assert!(query_of("/role").contains("':ROLE@'"));
    let investigate = queries.iter().min_by_key(|(name, _)| name.len()).unwrap();
    assert!(investigate.1.contains("statement"));
}

#[test]
fn t4_t5_clusters_of_an_environment_share_nothing() {
    let mut environment = environment("prod", &["orders", "billing", "orders"]);
    environment.clusters[2].kind = ClusterKind::Instance;
    let documents = documents(&environment);
    let mut names: Vec<_> = documents
        .iter()
        .map(|document| (document.kind, &document.name))
        .collect();
    let mut addresses: Vec<_> = documents.iter().map(|document| &document.address).collect();
    let count = documents.len();
    names.sort();
    names.dedup();
    addresses.sort();
    addresses.dedup();
    assert_eq!((names.len(), addresses.len()), (count, count));
    let groups: Vec<_> = of(&documents, Kind::LambdaFunction)
        .iter()
        .map(|function| {
            function.properties["environment"]["LOG_GROUP_NAME"]
                .as_str()
                .unwrap()
        })
        .collect();
    assert_eq!(groups.len(), 3);
}

/// T8: an update that forgets runtime, role, handler or tags cannot happen: they are fields like any other.
#[test]
fn t8_the_document_holds_every_setting_of_the_function() {
    let documents = prod();
    let function = &only(&documents, Kind::LambdaFunction).properties;
    for field in [
        "code",
        "runtime",
        "handler",
        "role",
        "tags",
        "environment",
        "architectures",
        "memory_mb",
        "timeout_seconds",
        "reserved_concurrency",
        "layers",
        "vpc",
        "tracing",
        "logging",
        "retries",
    ] {
        assert!(function.get(field).is_some(), "{field}");
    }
    assert_eq!(
        function["code"],
        json!({"digest_of": "pgvigil-monitor-arm64"})
    );
}

/// Two schedules would count twice: one rule, one target, one run at a time, and an alarm that takes the maximum.
#[test]
fn t10_nothing_is_counted_twice() {
    let documents = prod();
    only(&documents, Kind::EventRule);
    assert_eq!(
        only(&documents, Kind::EventTarget).properties["id"],
        "monitor"
    );
    assert_eq!(
        only(&documents, Kind::LambdaFunction).properties["reserved_concurrency"],
        1
    );
    assert_eq!(
        alarm(&documents, "-human-dml").properties["statistic"],
        "Maximum"
    );
}

#[test]
fn t11_the_schedule_comes_after_topic_and_alarms() {
    let documents = documents(&environment("prod", &["orders", "billing"]));
    for document in &documents {
        for address in &document.depends_on {
            let needed = documents.iter().find(|other| other.address == *address);
            let needed = needed.unwrap_or_else(|| panic!("{} needs {address}", document.address));
            assert!(
                needed.kind < document.kind,
                "{} before {}",
                needed.address,
                document.address
            );
        }
    }
    for rule in of(&documents, Kind::EventRule) {
        assert_eq!(rule.depends_on.len(), 5);
        assert!(
            rule.depends_on
                .iter()
                .all(|address| address.contains("/alarm/"))
        );
    }
}

/// The list is the service's own; the checks refuse any other number, at its place in the file.
#[test]
fn t16_retention_is_one_that_the_service_takes() {
    assert!(RETENTION_DAYS.is_sorted());
    assert!(
        [90, 365, 2557]
            .iter()
            .all(|days| RETENTION_DAYS.contains(days))
    );
    assert!(!RETENTION_DAYS.contains(&100));
}

#[test]
fn t1_the_clusters_own_log_group_is_only_adopted() {
    let documents = prod();
    for group in of(&documents, Kind::LogGroup) {
        let own = group.name == "/aws/rds/cluster/orders/postgresql";
        assert_eq!(group.ownership == Ownership::Adopted, own);
        assert!(group.kind.is_protected());
    }
    assert!(
        documents
            .iter()
            .filter(|document| document.ownership == Ownership::Adopted)
            .count()
            == 1
    );
}

#[test]
fn every_window_that_a_run_can_publish_is_looked_at() {
    let mut monitor = environment("prod", &["orders"]).monitor;
    for window in [1, 2, 5, 7, 15, 59, 60, 90, 1440] {
        for (settle, timeout) in [(0, 1), (60, 300), (120, 900), (3600, 900)] {
            (monitor.window_minutes, monitor.settle_seconds) = (window, settle);
            monitor.timeout_seconds = timeout;
            let length = i64::from(window) * 60;
            // A run that begins at any second of a window, and takes as long as it may.
            let oldest = (0..length).step_by(7).map(|phase| {
                let begins = 1000 * length + phase;
                let newest = (begins - i64::from(settle)).div_euclid(length) - 1;
                let first = newest - i64::from(WINDOWS_RECOMPUTED) + 1;
                (begins + i64::from(timeout)).div_euclid(length) - first
            });
            let oldest = oldest.max().unwrap();
            assert!(
                oldest <= i64::from(periods_watched(&monitor)),
                "{window} {settle} {timeout}: {oldest}"
            );
        }
    }
    monitor.window_minutes = 1440;
    assert_eq!(periods_watched(&monitor), 6, "a week at most");
}

#[test]
fn secrets_are_references() {
    let documents = prod();
    let endpoints: Vec<&Value> = of(&documents, Kind::SnsSubscription)
        .iter()
        .map(|one| &one.properties["endpoint"])
        .collect();
    assert!(endpoints.contains(&&json!({"from_env": "INCIDENT_URL"})));
    assert!(endpoints.contains(&&json!("dba@example.com")));
}

#[test]
fn the_local_provider_has_stand_ins_for_account_and_region() {
    let documents = documents(&local("local", &["demo"]));
    let arns = texts(&alarm(&documents, "-human-dml").properties["alarm_actions"]);
    assert!(
        arns[0].starts_with("arn:aws:sns:local:000000000000:pgvigil-local-demo-"),
        "{arns:?}"
    );
}

#[test]
fn metrics_have_one_definition() {
    let environment = environment("prod", &["orders"]);
    let documents = documents(&environment);
    let metric = Metric::signal(&environment.clusters[0], Signal::Dml);
    assert_eq!(
        alarm(&documents, "-human-dml").properties["dimensions"],
        metric.dimensions_value()
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn documents_are_the_same_byte_for_byte_and_normalised(environment in any_environment()) {
        let first = documents(&environment);
        let second = documents(&environment);
        for (first, second) in first.iter().zip(&second) {
            prop_assert_eq!(first.to_text(), second.to_text());
            let mut again = first.properties.clone();
            normalise(first.kind, &mut again);
            prop_assert_eq!(&again, &first.properties);
            let back: Document = serde_json::from_str(&first.to_text()).unwrap();
            prop_assert_eq!(&back, first);
        }
    }

    #[test]
    fn alarms_stay_within_the_services_limits(environment in any_environment()) {
        for document in documents(&environment) {
            if document.kind == Kind::Alarm {
                let period = document.properties["period_seconds"].as_u64().unwrap();
                let periods = document.properties["evaluation_periods"].as_u64().unwrap();
                prop_assert!(period % 60 == 0 && periods >= 1);
                let most = if period < 3600 { 86_400 } else { 604_800 };
                prop_assert!(period * periods <= most);
                prop_assert!(document.properties["description"].as_str().unwrap().len() <= 1024);
            }
        }
    }
}

/// The bus is named, or it is another account's; the role may send to it and to no other.
#[test]
fn the_monitor_may_send_events_to_one_bus() {
    for (events, arn) in [
        (
            "default",
            "arn:aws:events:us-east-1:123456789012:event-bus/default",
        ),
        (
            "arn:aws:events:us-east-1:999999999999:event-bus/audit",
            "arn:aws:events:us-east-1:999999999999:event-bus/audit",
        ),
    ] {
        let mut environment = environment("prod", &["orders"]);
        environment.events = Some(events.to_owned());
        assert_eq!(event_bus_arn(&environment).as_deref(), Some(arn));
        let documents = documents(&environment);
        let send = statement(
            only(&documents, Kind::IamRolePolicy),
            "policy",
            "SendEvents",
        );
        assert_eq!(texts(&send["Action"]), ["events:PutEvents"]);
        assert_eq!(texts(&send["Resource"]), [arn]);
        assert!(send.get("Condition").is_none());
    }
    assert_eq!(event_bus_arn(&environment("prod", &["orders"])), None);
}
