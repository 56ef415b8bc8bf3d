//! The dashboard of the monitor: every metric of an environment with the engine `monitor`, with CloudWatch as the source.
//!
//! It is made from [`published`]: a metric that no panel selects appears in the last one.

use serde_json::{Value, json};

use crate::compile::resources::Metric;
use crate::compile::resources::published::{Examples, Published, Publisher, published};

use super::layout::{Dashboard, Judged, Panel, Reduce, Section, Source, View};

const SOURCE: Source = Source {
    kind: "cloudwatch",
    variable: "DS_CLOUDWATCH",
    label: "CloudWatch",
};
/// The namespace that an environment has if its file names none.
pub(super) const NAMESPACE: &str = "RDSAudit/UserActivity";
/// Variables, as queries name them.
const LOG_GROUP: &str = "$log_group";
const TOPIC: &str = "$topic";
const FUNCTION: &str = "$function";
/// Every value of a dimension: a line for each.
const EACH: &str = "*";

/// A panel, and which metrics it shows.
struct Choice {
    title: &'static str,
    view: View,
    unit: &'static str,
    width: u32,
    shows: fn(&Published) -> bool,
}

/// The file.
pub(super) fn dashboard() -> String {
    let rows = rows();
    let mut is_shown = vec![false; rows.len()];
    let mut sections = Vec::new();
    for (title, choices) in [
        ("Now", now()),
        ("Statements that count", statements()),
        ("The monitor", monitor()),
    ] {
        let panels = choices
            .iter()
            .map(|choice| {
                let chosen = rows.iter().zip(&mut is_shown);
                let chosen = chosen.filter(|(row, _)| (choice.shows)(row));
                let chosen = chosen.map(|(row, is_shown)| {
                    *is_shown = true;
                    row
                });
                choice.panel(&chosen.collect::<Vec<_>>())
            })
            .collect();
        sections.push(Section { title, panels });
    }
    let rest: Vec<&Published> = rows
        .iter()
        .zip(&is_shown)
        .filter(|(_, is_shown)| !**is_shown)
        .map(|(row, _)| row)
        .collect();
    if !rest.is_empty() {
        let panel = graph("Other metrics", "short", |_| true).panel(&rest);
        sections.push(Section {
            title: "Other",
            panels: vec![panel],
        });
    }
    Dashboard {
        uid: "pgvigil-monitor",
        title: "pgvigil monitor",
        description: "People's statements on a cluster that count, and whether the monitor still watches.",
        source: SOURCE,
        variables: variables(),
        sections,
    }
    .render()
}

/// Every metric, with variables in the places of what belongs to one cluster.
fn rows() -> Vec<Published> {
    let examples = |name| Examples {
        log_group: LOG_GROUP,
        command: EACH,
        user: EACH,
        exclusion: EACH,
        name,
    };
    let of_function = published(&examples(FUNCTION));
    let of_topic = published(&examples(TOPIC));
    of_function
        .into_iter()
        .zip(of_topic)
        .map(|(function, topic)| match function.by {
            Publisher::Sns => topic,
            Publisher::Monitor | Publisher::Lambda => function,
        })
        .collect()
}

fn variables() -> Vec<Value> {
    let text = |name: &str, label: &str, value: &str| {
        json!({
            "type": "textbox", "name": name, "label": label, "query": value, "hide": 0,
            "current": { "selected": true, "text": value, "value": value },
        })
    };
    let query = |name: &str, label: &str, regex: &str, query: Value| {
        json!({
            "type": "query", "name": name, "label": label, "datasource": SOURCE.reference(),
            "query": query, "regex": regex, "multi": false, "includeAll": false, "hide": 0, "refresh": 1, "sort": 1,
        })
    };
    // The fields of a variable's query: Grafana's `VariableQuery` (datasource/cloudwatch/types.ts).
    let values = |namespace: &str, metric: &str, key: &str, reference: &str| {
        json!({
            "queryType": "dimensionValues", "region": "$region", "namespace": namespace, "metricName": metric,
            "dimensionKey": key, "dimensionFilters": {}, "instanceID": "", "attributeName": "", "resourceType": "",
            "refId": reference,
        })
    };
    let heartbeat = Metric::heartbeat_in(LOG_GROUP).name;
    vec![
        query(
            "region",
            "Region",
            "",
            json!({
                "queryType": "regions", "region": "default", "namespace": "", "metricName": "", "dimensionKey": "",
                "dimensionFilters": {}, "instanceID": "", "attributeName": "", "resourceType": "", "refId": "region",
            }),
        ),
        text("namespace", "Namespace", NAMESPACE),
        query(
            "log_group",
            "Log group",
            "",
            values("$namespace", heartbeat, "LogGroup", "log_group"),
        ),
        text("window", "Window in seconds", "300"),
        query(
            "topic",
            "Topic",
            "/^pgvigil-/",
            values("AWS/SNS", "NumberOfMessagesPublished", "TopicName", "topic"),
        ),
        query(
            "function",
            "Function",
            "/^pgvigil-/",
            values("AWS/Lambda", "Invocations", "FunctionName", "function"),
        ),
    ]
}

impl Choice {
    fn panel(&self, rows: &[&Published]) -> Panel {
        let helps = rows.iter().map(|row| {
            let dimensions: Vec<&str> = row
                .metric
                .dimensions
                .iter()
                .map(|(name, _)| *name)
                .collect();
            format!(
                "`{}` ({}): {}",
                row.metric.name,
                dimensions.join(", "),
                row.value
            )
        });
        Panel {
            title: self.title,
            description: helps.collect::<Vec<_>>().join("\n\n"),
            view: self.view,
            unit: self.unit,
            width: self.width,
            queries: rows.iter().map(|row| query(row)).collect(),
        }
    }
}

/// One metric, or one for each value of a dimension.
fn query(row: &Published) -> Value {
    let (namespace, statistic) = match row.by {
        // A run can publish a window's figure again: the greatest is the figure, and a sum would count it twice.
        Publisher::Monitor => ("$namespace", "Maximum"),
        Publisher::Sns => ("AWS/SNS", "Sum"),
        Publisher::Lambda => ("AWS/Lambda", "Sum"),
    };
    let each = row
        .metric
        .dimensions
        .iter()
        .find(|(_, value)| value == EACH);
    let operation = row
        .metric
        .dimensions
        .iter()
        .find(|(name, _)| *name == "OperationType");
    // CloudWatch's dynamic labels.
    let label = match (each, operation) {
        (Some((name, _)), Some((_, operation))) => format!("${{PROP('Dim.{name}')}} {operation}"),
        (Some((name, _)), None) => format!("${{PROP('Dim.{name}')}}"),
        (None, Some((_, operation))) => operation.clone(),
        (None, None) => row.metric.name.to_owned(),
    };
    let dimensions: serde_json::Map<String, Value> = row
        .metric
        .dimensions
        .iter()
        .map(|(name, value)| ((*name).to_owned(), json!(value)))
        .collect();
    json!({
        "queryMode": "Metrics",
        // A search by metric and dimensions, in the builder: 0 in both lists of Grafana's schema.
        "metricQueryType": 0,
        "metricEditorMode": 0,
        "id": "",
        "region": "$region",
        "namespace": namespace,
        "metricName": row.metric.name,
        "dimensions": dimensions,
        "matchExact": true,
        "statistic": statistic,
        "period": "$window",
        "label": label,
    })
}

fn has(row: &Published, dimension: &str) -> bool {
    row.metric
        .dimensions
        .iter()
        .any(|(name, _)| *name == dimension)
}

/// The figure of a signal, without a breakdown.
fn is_signal(row: &Published) -> bool {
    has(row, "OperationType") && !has(row, "Command") && !has(row, "User")
}

fn is(row: &Published, metric: &Metric) -> bool {
    row.metric == *metric
}

fn graph(title: &'static str, unit: &'static str, shows: fn(&Published) -> bool) -> Choice {
    Choice {
        title,
        view: View::Graph,
        unit,
        width: 12,
        shows,
    }
}

fn stacked(title: &'static str, shows: fn(&Published) -> bool) -> Choice {
    Choice {
        view: View::Stacked,
        ..graph(title, "short", shows)
    }
}

fn number(
    title: &'static str,
    unit: &'static str,
    reduce: Reduce,
    judged: Judged,
    shows: fn(&Published) -> bool,
) -> Choice {
    Choice {
        title,
        view: View::Number(reduce, judged),
        unit,
        width: 4,
        shows,
    }
}

fn now() -> Vec<Choice> {
    vec![
        number(
            "Runs that succeeded",
            "short",
            Reduce::Sum,
            Judged::BadIfZero,
            |row| is(row, &Metric::heartbeat_in(LOG_GROUP)),
        ),
        number(
            "Runs that failed",
            "short",
            Reduce::Sum,
            Judged::BadFrom(1.0),
            |row| is(row, &Metric::errors_in(LOG_GROUP)),
        ),
        number(
            "Records without a verdict",
            "short",
            Reduce::Sum,
            Judged::BadFrom(1.0),
            |row| is(row, &Metric::not_judged(LOG_GROUP)),
        ),
        number(
            "Messages not delivered",
            "short",
            Reduce::Sum,
            Judged::BadFrom(1.0),
            |row| is(row, &Metric::undelivered(TOPIC)),
        ),
        // The default of `late_arrival_minutes`: no window counts what comes later.
        number("Lag", "s", Reduce::Max, Judged::BadFrom(900.0), |row| {
            is(row, &Metric::lag(LOG_GROUP))
        }),
        number(
            "Sum of all signals",
            "short",
            Reduce::Sum,
            Judged::Neutral,
            |row| is(row, &Metric::receipt(LOG_GROUP)),
        ),
    ]
}

fn statements() -> Vec<Choice> {
    vec![
        stacked("By signal", is_signal),
        stacked("By command", |row| has(row, "Command")),
        stacked("By role", |row| has(row, "User")),
        stacked("Silenced, by exclusion", |row| has(row, "Exclusion")),
    ]
}

fn monitor() -> Vec<Choice> {
    vec![
        graph("Runs", "short", |row| {
            is(row, &Metric::heartbeat_in(LOG_GROUP)) || is(row, &Metric::errors_in(LOG_GROUP))
        }),
        graph("Windows and their receipts", "short", |row| {
            is(row, &Metric::receipt(LOG_GROUP)) || is(row, &Metric::not_judged(LOG_GROUP))
        }),
        graph("Longest time from a record to its arrival", "s", |row| {
            is(row, &Metric::lag(LOG_GROUP))
        }),
        graph("Lambda and SNS", "short", |row| {
            row.by != Publisher::Monitor
        }),
    ]
}
