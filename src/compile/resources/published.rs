//! Every metric, who publishes it and which alarm reads it: the table behind the reference page of metrics.

use super::metric::{Metric, Unit};
use crate::compile::name::signal_alarm_end;
use crate::policy::model::Signal;

/// A metric, and what is to be known of it.
#[derive(Debug, Clone)]
pub struct Published {
    /// Name and dimensions, with the values that [`Examples`] gives.
    pub metric: Metric,
    pub unit: Unit,
    pub by: Publisher,
    /// When: under which setting, and for which time.
    pub when: String,
    pub value: String,
    /// The end of the name of the alarm that reads it.
    pub alarm: Option<String>,
}

/// Who publishes a metric.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Publisher {
    /// The monitor, in the namespace of the environment.
    Monitor,
    /// SNS, in the namespace `AWS/SNS`.
    Sns,
    /// Lambda, in the namespace `AWS/Lambda`.
    Lambda,
}

impl Publisher {
    /// The words for it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Monitor => "the monitor",
            Self::Sns => "SNS (`AWS/SNS`)",
            Self::Lambda => "Lambda (`AWS/Lambda`)",
        }
    }
}

/// Example values of dimensions that belong to one cluster, person or exclusion.
#[derive(Debug, Clone, Copy)]
pub struct Examples<'a> {
    pub log_group: &'a str,
    pub command: &'a str,
    pub user: &'a str,
    pub exclusion: &'a str,
    pub name: &'a str,
}

/// Every metric that an environment with all signals and all breakdowns has.
pub fn published(examples: &Examples<'_>) -> Vec<Published> {
    let group = examples.log_group;
    let mut all = Vec::new();
    let mut of_monitor = |metric: Metric, when: &str, value: &str, alarm: Option<String>| {
        all.push(Published {
            unit: metric.unit(),
            metric,
            by: Publisher::Monitor,
            when: when.to_owned(),
            value: value.to_owned(),
            alarm,
        });
    };
    for signal in Signal::ALL {
        let name = signal.name();
        let when = match signal {
            Signal::Dml => "always; window".to_owned(),
            _ => format!("`signals.{name}`; window"),
        };
        of_monitor(
            Metric::signal_in(group, signal),
            &when,
            &format!("statements of the signal `{name}`; also published if 0"),
            Some(signal_alarm_end(signal)),
        );
        // Whoever is refused chooses the names: each would be a metric.
        if signal == Signal::Denied {
            continue;
        }
        of_monitor(
            Metric::command(group, signal, examples.command),
            "`metrics: [command]`; window",
            "of these, those with the command; only published above 0",
            None,
        );
        of_monitor(
            Metric::user(group, signal, examples.user),
            "`metrics: [user]`; window",
            "of these, those of the role; only published above 0",
            None,
        );
    }
    of_monitor(
        Metric::suppressed(group, examples.exclusion),
        "`metrics: [suppressed]`; window",
        "records that the exclusion silenced; only published above 0",
        None,
    );
    of_monitor(
        Metric::not_judged(group),
        "always; window",
        "records counted without being judged, because a query does not return so many; also published if 0",
        Some("not-judged".to_owned()),
    );
    of_monitor(
        Metric::lag(group),
        "always; window with a counted record",
        "longest time from a counted record to its arrival",
        None,
    );
    of_monitor(
        Metric::receipt(group),
        "always; window",
        "the receipt: sum of the signals, published last",
        None,
    );
    of_monitor(
        Metric::heartbeat_in(group),
        "always; successful run",
        "1",
        Some("heartbeat".to_owned()),
    );
    of_monitor(
        Metric::errors_in(group),
        "always; run",
        "1 if the run failed, otherwise 0",
        Some("monitor-errors".to_owned()),
    );
    let mut of_service = |metric: Metric, by, value: &str, alarm: Option<&str>| {
        all.push(Published {
            unit: Unit::Count,
            metric,
            by,
            when: "always".to_owned(),
            value: value.to_owned(),
            alarm: alarm.map(str::to_owned),
        });
    };
    of_service(
        Metric::undelivered(examples.name),
        Publisher::Sns,
        "messages of the topic that a subscriber did not accept",
        Some("delivery"),
    );
    for (metric, value) in [
        (
            Metric::function_errors(examples.name),
            "failed runs of the function; on the dashboard",
        ),
        (
            Metric::function_throttles(examples.name),
            "runs that Lambda did not start; on the dashboard",
        ),
    ] {
        of_service(metric, Publisher::Lambda, value, None);
    }
    all
}

/// The part of the reference page about CloudWatch.
pub fn render_reference() -> String {
    let examples = Examples {
        log_group: "",
        command: "",
        user: "",
        exclusion: "",
        name: "",
    };
    let mut page = String::from(
        "## CloudWatch: the engine `monitor`\n\nGenerated from `src/compile/resources/published.rs`. The namespace is \
         the environment's `monitor.namespace`, unless the table names another one. The name of an alarm is \
         `pgvigil-ENV-CLUSTER-HASH-` and the end in the last column; it uses the maximum of a window, and for \
         undelivered messages the sum. The engine `log-alarm` publishes none of the monitor's metrics: its alarms \
         read the log itself.\n\n| metric | dimensions | unit | who | when; at which time | value | alarm |\n| --- \
         | --- | --- | --- | --- | --- | --- |\n",
    );
    for row in published(&examples) {
        let dimensions: Vec<String> = row
            .metric
            .dimensions
            .iter()
            .map(|(name, value)| match value.as_str() {
                "" => format!("`{name}`"),
                _ => format!("`{name}={value}`"),
            })
            .collect();
        page.push_str(&format!(
            "| `{}` | {} | {} | {} | {} | {} | {} |\n",
            row.metric.name,
            dimensions.join(", "),
            row.unit.name(),
            row.by.name(),
            row.when,
            row.value,
            row.alarm
                .map_or_else(String::new, |end| format!("`…-{end}`")),
        ));
    }
    page
}
