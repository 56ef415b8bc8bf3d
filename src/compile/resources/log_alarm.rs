//! The engine without a function: CloudWatch runs the query itself and alarms on the rows that it leaves.
//!
//! Sources: CloudWatch API, `PutLogAlarm`; CloudWatch user guide, "Log alarms" and "Alarming on logs".

use serde_json::{Value, json};

use super::{Compiler, rate, short, without_heading};
use crate::compile::resources::document::{Document, Kind};
use crate::policy::model::{Monitor, SignalSettings};

/// Name of the query role's only inline policy.
const QUERY_POLICY: &str = "query";

/// Farthest back that a query may begin, in seconds (`StartTimeOffset`).
const LONGEST_OFFSET: u32 = 2_592_000;

/// Each of them hears of an hour: after a day without one line the heartbeat's alarm goes off. A quiet database writes
/// a line now and then; a log export that is switched off, or queries that no longer run, leave none.
const HEARTBEAT_HOURS: u32 = 24;

/// How far back a run looks, in seconds before its time: `(from, until)`.
///
/// The range is of event times. It ends where records may still be on their way, and begins so early that a record as
/// late as is allowed, and one of a run that failed or came late, is in the range of the next. So a record is seen by
/// several runs, and by one at least.
pub(super) fn range(monitor: &Monitor) -> (u32, u32) {
    let window = monitor.window_minutes.max(1).saturating_mul(60);
    let late = monitor.late_arrival_minutes.saturating_mul(60);
    let until = monitor.settle_seconds;
    let from = until
        .saturating_add(window)
        .saturating_add(late.max(window));
    (from.min(LONGEST_OFFSET), until)
}

/// What is made of the rows. A threshold of zero is crossed by any row: then each person in each database has an alarm
/// of their own, which tells who it is about, so that nobody hides behind an alarm that is on already. Any other
/// threshold is about all rows together.
pub(super) fn aggregation(settings: &SignalSettings) -> &'static str {
    match settings.threshold {
        0 => "count(*) by user, database | sort desc",
        _ => "count(*)",
    }
}

impl Compiler<'_> {
    /// What the engine `log-alarm` is made of.
    pub(super) fn log_alarms(&self) -> Vec<Document> {
        let mut documents = vec![
            self.query_role(),
            self.query_role_policy(),
            self.log_heartbeat(),
        ];
        let signals = &self.environment.signals;
        documents.extend(signals.iter().map(|settings| self.log_alarm(settings)));
        documents
    }

    fn query_role_arn(&self) -> String {
        self.at
            .iam_arn(&format!("role/{}", self.names.query_role()))
    }

    fn query_role(&self) -> Document {
        self.role_of(
            self.names.query_role(),
            &format!("Queries of the log alarms of {}", self.subject()),
            "QueriesOfThisAccount",
            "logs.amazonaws.com",
        )
    }

    fn query_role_policy(&self) -> Document {
        let log = self.at.log_group_arn(self.names.cluster_log_group());
        let policy = json!({
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Sid": "QueryTheClustersLog",
                    "Effect": "Allow",
                    "Action": "logs:StartQuery",
                    "Resource": [log, format!("{log}:*")],
                },
                {
                    // IAM asks for this one on `log-group::log-stream:`, which no name of a group matches.
                    "Sid": "FindLogGroups",
                    "Effect": "Allow",
                    "Action": "logs:DescribeLogGroups",
                    "Resource": "*",
                },
                {
                    // IAM knows no resource for these two; a query's id is known only to who started it.
                    "Sid": "FollowOwnQueries",
                    "Effect": "Allow",
                    "Action": ["logs:GetQueryResults", "logs:StopQuery"],
                    "Resource": "*",
                },
            ],
        });
        let role = self.address(Kind::IamRole, &self.names.query_role());
        let name = format!("{}/{QUERY_POLICY}", self.names.query_role());
        let properties = json!({
            "role": self.names.query_role(),
            "name": QUERY_POLICY,
            "policy": policy,
        });
        self.document(Kind::IamRolePolicy, name, &[role], properties)
    }

    fn log_alarm(&self, settings: &SignalSettings) -> Document {
        let (from, until) = range(&self.environment.monitor);
        let minutes = self.environment.monitor.window_minutes;
        let each = match settings.threshold {
            0 => " of one person in one database",
            _ => "",
        };
        let description = format!(
            "People's records on {} ({}): more than {}{each} in {} seconds, looked for every {minutes} minutes. Query {}. \
             Investigate with the saved query {}. Without data: the query fails, and no one is being watched.",
            self.subject(),
            settings.signal.name(),
            settings.threshold,
            from - until,
            short(self.inputs.query_digest),
            self.names.saved_query(),
        );
        let rows = self.inputs.signal_rows.get(&settings.signal);
        self.on_query(
            self.names.log_alarm(settings.signal),
            &description,
            json!({
                "query": rows.map(|text| without_heading(text)).unwrap_or_default(),
                "aggregation": aggregation(settings),
                "schedule": rate(minutes),
                "start_offset_seconds": from,
                "end_offset_seconds": until,
                // The range of each run reaches over the one before: the last one tells it all.
                "results_to_evaluate": 1,
                "results_to_alarm": 1,
                "comparison": "GreaterThanThreshold",
                "threshold": settings.threshold,
                // No rows are no data, and a quiet night. A query that fails is without data whatever stands here.
                "missing_data": "notBreaching",
            }),
        )
    }

    /// Lines of any kind: that the database still writes, that they still arrive, that queries still run.
    fn log_heartbeat(&self) -> Document {
        self.on_query(
            self.names.log_heartbeat(),
            &format!(
                "No line in the log of {} for {HEARTBEAT_HOURS} hours, or queries that do not run: no one is being watched.",
                self.subject()
            ),
            json!({
                "query": "filter ispresent(@message)",
                "aggregation": "count(*)",
                "schedule": "rate(1 hour)",
                "start_offset_seconds": 3600,
                "end_offset_seconds": 0,
                "results_to_evaluate": HEARTBEAT_HOURS,
                "results_to_alarm": HEARTBEAT_HOURS,
                "comparison": "LessThanThreshold",
                "threshold": 1,
                // No lines may be a count of zero or no data at all: either way it is silence.
                "missing_data": "breaching",
            }),
        )
    }

    fn on_query(&self, name: String, description: &str, condition: Value) -> Document {
        let topic = self.topic_arn();
        let mut properties = json!({
            "name": name,
            "description": description,
            "log_groups": [self.names.cluster_log_group()],
            "role": self.query_role_arn(),
            "actions_enabled": true,
            "alarm_actions": [topic],
            // Incident platforms close an incident when they hear this, and drop repeats until then.
            "ok_actions": [topic],
            // A query that cannot be carried out: the engine is dead.
            "insufficient_data_actions": [topic],
            // Lines hold statements, whose literals can be personal data: none leaves in a message.
            "message_lines": { "count": 0, "role": null },
        });
        if let (Value::Object(properties), Value::Object(condition)) = (&mut properties, condition)
        {
            properties.extend(condition);
        }
        let role = self.names.query_role();
        let depends_on = [
            self.shared_address(Kind::SnsTopic),
            self.address(Kind::LogGroup, self.names.cluster_log_group()),
            self.address(Kind::IamRole, &role),
            self.address(Kind::IamRolePolicy, &format!("{role}/{QUERY_POLICY}")),
        ];
        self.document(Kind::LogAlarm, name, &depends_on, properties)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compile::resources::testing;
    use crate::policy::model::{Engine, Signal};

    /// Most characters of an aggregation: the API's model says 2,048 now (`ScheduledQueryConfiguration`), its pages say 256
    /// too: the smaller of the two.
    const LONGEST_AGGREGATION: usize = 256;

    fn monitor(window: u32, settle: u32, late: u32) -> Monitor {
        Monitor {
            window_minutes: window,
            settle_seconds: settle,
            late_arrival_minutes: late,
            ..testing::environment("prod", &["orders"]).monitor
        }
    }

    /// Whenever a record arrives within what is allowed, and whichever one run fails, a run sees it.
    #[test]
    fn a_run_that_fails_is_made_up_for_by_the_next() {
        for (window, settle, late) in [(1, 0, 0), (5, 120, 15), (60, 3600, 0), (1440, 3600, 1440)] {
            let (from, until) = range(&monitor(window, settle, late));
            let (window, late) = (i64::from(window) * 60, i64::from(late) * 60);
            assert!(from <= LONGEST_OFFSET && until < from, "{from} {until}");
            for event in [0, 1, window - 1, window / 2] {
                for delay in [0, late / 2, late] {
                    let seen: Vec<i64> = (0..40)
                        .map(|run| run * window)
                        .filter(|now| event + delay <= *now)
                        .filter(|now| {
                            now - i64::from(from) <= event && event <= now - i64::from(until)
                        })
                        .collect();
                    assert!(
                        !seen.is_empty(),
                        "{window} {settle} {late}: {event} {delay}"
                    );
                    if delay == 0 {
                        assert!(seen.len() > 1, "{window} {settle} {late}: {event}");
                    }
                }
            }
        }
    }

    #[test]
    fn the_limits_of_the_service_hold() {
        for threshold in [0, 1, 1_000_000] {
            let settings = SignalSettings {
                signal: Signal::Dml,
                threshold,
            };
            assert!(aggregation(&settings).len() <= LONGEST_AGGREGATION);
        }
    }

    #[test]
    fn an_environment_of_log_alarms_has_no_function() {
        let mut environment = testing::environment("prod", &["orders"]);
        environment.engine = Engine::LogAlarm;
        let documents = testing::documents(&environment);
        let kinds: Vec<Kind> = documents.iter().map(|document| document.kind).collect();
        for kind in [
            Kind::LambdaFunction,
            Kind::LambdaPermission,
            Kind::EventRule,
            Kind::EventTarget,
        ] {
            assert!(!kinds.contains(&kind), "{kind}");
        }
        let of = |kind: Kind| {
            documents
                .iter()
                .filter(move |document| document.kind == kind)
        };
        assert_eq!(of(Kind::LogAlarm).count(), 2);
        // Only what SNS itself publishes is a metric.
        assert!(of(Kind::Alarm).all(|alarm| alarm.properties["namespace"] == "AWS/SNS"));
        for alarm in of(Kind::LogAlarm) {
            let topic = json!(["arn:aws:sns:us-east-1:123456789012:pgvigil-prod-orders-43d08d89"]);
            for actions in ["alarm_actions", "ok_actions", "insufficient_data_actions"] {
                assert_eq!(alarm.properties[actions], topic, "{actions}");
            }
            assert_eq!(alarm.properties["message_lines"]["count"], 0);
            let text = alarm.properties["query"].as_str().unwrap();
            assert!(!text.contains("stats") && !text.starts_with('#'), "{text}");
        }
        let text = serde_json::to_string(&documents).unwrap();
        assert!(!text.contains("lambda.amazonaws.com") && !text.contains("MonitorPublishes"));
    }

    #[test]
    fn no_alarm_of_one_engine_bears_the_name_of_one_of_the_other() {
        let mut environment = testing::environment("prod", &["orders"]);
        let names = |environment: &crate::policy::model::Environment| -> Vec<String> {
            testing::documents(environment)
                .into_iter()
                .filter(|document| matches!(document.kind, Kind::Alarm | Kind::LogAlarm))
                .map(|document| document.name)
                .filter(|name| !name.ends_with("-delivery"))
                .collect()
        };
        let metric = names(&environment);
        environment.engine = Engine::LogAlarm;
        let log = names(&environment);
        assert!(log.iter().all(|name| !metric.contains(name)), "{log:?}");
    }
}
