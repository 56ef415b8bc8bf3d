//! The dashboard of `pgvigil watch`: every metric of its page, with Prometheus as the source.

use serde_json::{Value, json};

use crate::watch::metrics::{self, Published};

use super::layout::{Dashboard, Judged, Panel, Reduce, Section, Source, View};
use super::promql::grown;

const SOURCE: Source = Source {
    kind: "prometheus",
    variable: "DS_PROMETHEUS",
    label: "Prometheus",
};
/// What most panels select: the watchers that the variables choose.
const CHOSEN: &str = "instance=~\"$instance\"";
/// Grafana's range for rates: at least four scrapes.
const RATE: &str = "$__rate_interval";
/// The range that the dashboard shows.
const RANGE: &str = "$__range";
/// Rows of a table of people, at most.
const ROWS: u32 = 50;

/// The file.
pub(super) fn dashboard() -> String {
    let known = metrics::published();
    let section = |title, panels: Vec<Panel>| Section {
        title,
        panels: panels
            .into_iter()
            .map(|panel| described(panel, &known))
            .collect(),
    };
    Dashboard {
        uid: "pgvigil-watch",
        title: "pgvigil watch",
        description: "People's statements on PostgreSQL that count, and whether each watcher still watches.",
        source: SOURCE,
        variables: variables(),
        sections: vec![
            section("Now", now()),
            section("Records that count", records()),
            section("Reading", reading()),
            section("Output and cursor", output()),
            section("Webhook", webhook()),
            section("Policy and program", policy()),
        ],
    }
    .render()
}

fn variables() -> Vec<Value> {
    let query = |name: &str, label: &str, query: &str| {
        json!({
            "type": "query",
            "name": name,
            "label": label,
            "datasource": SOURCE.reference(),
            "query": { "query": query, "refId": name },
            "multi": true,
            "includeAll": true,
            "current": { "selected": true, "text": ["All"], "value": ["$__all"] },
            "hide": 0,
            // With the range: an environment whose watcher is gone stays in the list.
            "refresh": 2,
            "sort": 1,
        })
    };
    vec![
        query(
            "environment",
            "Environment",
            "label_values(pgvigil_watch_policy_info, environment)",
        ),
        query(
            "instance",
            "Watcher",
            "label_values(pgvigil_watch_policy_info{environment=~\"$environment\"}, instance)",
        ),
    ]
}

/// A metric of the chosen watchers, with more conditions on its labels.
fn of(name: &str, conditions: &str) -> String {
    let comma = if conditions.is_empty() { "" } else { "," };
    format!("pgvigil_watch_{name}{{{CHOSEN}{comma}{conditions}}}")
}

/// A query over the range, with the text of each line.
fn line(expression: &str, legend: &str) -> Value {
    json!({
        "expr": expression, "legendFormat": legend, "editorMode": "code", "range": true, "instant": false,
    })
}

/// A query at the end of the range, whose labels are columns.
fn row(expression: &str) -> Value {
    json!({
        "expr": expression, "format": "table", "editorMode": "code", "range": false, "instant": true,
    })
}

/// A query at the end of the range.
fn instant(expression: &str) -> Value {
    json!({
        "expr": expression, "editorMode": "code", "range": false, "instant": true,
    })
}

/// A number at the end of the range.
fn number(title: &'static str, unit: &'static str, judged: Judged, expression: &str) -> Panel {
    Panel {
        title,
        description: String::new(),
        view: View::Number(Reduce::Last, judged),
        unit,
        width: 4,
        queries: vec![instant(expression)],
    }
}

fn graph(title: &'static str, unit: &'static str, lines: &[(&str, &str)]) -> Panel {
    Panel {
        title,
        description: String::new(),
        view: View::Graph,
        unit,
        width: 12,
        queries: lines
            .iter()
            .map(|(expression, legend)| line(expression, legend))
            .collect(),
    }
}

fn stacked(title: &'static str, lines: &[(&str, &str)]) -> Panel {
    Panel {
        view: View::Stacked,
        ..graph(title, "short", lines)
    }
}

fn table(title: &'static str, width: u32, expression: &str) -> Panel {
    Panel {
        title,
        description: String::new(),
        view: View::Table,
        unit: "short",
        width,
        queries: vec![row(expression)],
    }
}

/// The panel with the help texts of the metrics that it reads, after what it says itself.
fn described(mut panel: Panel, known: &[Published]) -> Panel {
    let queries = panel.queries.iter();
    let expressions: Vec<&str> = queries
        .filter_map(|query| query.get("expr").and_then(Value::as_str))
        .collect();
    let helps = known
        .iter()
        .filter(|metric| {
            let selector = format!("{}{{", metric.name);
            expressions.iter().any(|text| text.contains(&selector))
        })
        .map(|metric| format!("`{}`: {}", metric.name, metric.help));
    let own = Some(panel.description).filter(|own| !own.is_empty());
    panel.description = own
        .into_iter()
        .chain(helps)
        .collect::<Vec<_>>()
        .join("\n\n");
    panel
}

fn now() -> Vec<Panel> {
    vec![
        number(
            "Healthy",
            "bool_yes_no",
            Judged::BadIfZero,
            &format!("min({})", of("healthy", "")),
        ),
        number(
            "Records that count",
            "short",
            Judged::Neutral,
            &format!(
                "round(sum({}))",
                grown(&of("records_total", "verdict=\"counted\""), RANGE)
            ),
        ),
        number(
            "Lag",
            "s",
            Judged::BadFrom(300.0),
            &format!("max({})", of("lag_seconds", "")),
        ),
        number(
            "Files that fail",
            "short",
            Judged::BadFrom(1.0),
            &format!("sum({})", of("files", "state=\"failing\"")),
        ),
        number(
            "Policy with errors",
            "bool_yes_no",
            Judged::BadFrom(1.0),
            &format!("max({})", of("policy_broken", "")),
        ),
        number(
            "Waiting for the webhook",
            "short",
            Judged::BadFrom(1_000.0),
            &format!("sum({})", of("webhook_queue_records", "")),
        ),
    ]
}

fn records() -> Vec<Panel> {
    let by = |label: &str, series: &str| format!("sum by ({label}) ({})", grown(series, RATE));
    let mut people = table(
        "Who, and with which command",
        12,
        &format!(
            "topk({ROWS}, round(sum by (user, class, command) ({})) > 0)",
            grown(&of("counted_total", ""), RANGE)
        ),
    );
    "Names are those of roles as people typed them; an empty user is a record that can be read in more than one way."
        .clone_into(&mut people.description);
    vec![
        stacked(
            "By signal",
            &[(&by("signal", &of("signals_total", "")), "{{signal}}")],
        ),
        stacked(
            "By severity",
            &[(&by("severity", &of("severities_total", "")), "{{severity}}")],
        ),
        people,
        stacked(
            "By command",
            &[(&by("command", &of("counted_total", "")), "{{command}}")],
        ),
        stacked(
            "Every record, by verdict",
            &[(&by("verdict", &of("records_total", "")), "{{verdict}}")],
        ),
        stacked(
            "Silenced, by exclusion",
            &[(&by("exclusion", &of("excluded_total", "")), "{{exclusion}}")],
        ),
        graph(
            "Time since the last record that counts",
            "s",
            &[(
                &format!("time() - {}", of("last_counted_timestamp_seconds", "")),
                "{{instance}}",
            )],
        ),
    ]
}

fn rate(name: &str) -> String {
    format!("rate({}[{RATE}])", of(name, ""))
}

fn reading() -> Vec<Panel> {
    vec![
        graph(
            "Entries per second",
            "cps",
            &[
                (&rate("entries_total"), "entries {{instance}}"),
                (&rate("foreign_total"), "text outside entries {{instance}}"),
            ],
        ),
        graph(
            "Bytes per second",
            "Bps",
            &[(&rate("read_bytes_total"), "{{instance}}")],
        ),
        graph("Lag", "s", &[(&of("lag_seconds", ""), "{{instance}}")]),
        graph(
            "Not judged yet",
            "bytes",
            &[(&of("behind_bytes", ""), "{{instance}}")],
        ),
        graph(
            "Files",
            "short",
            &[(&of("files", ""), "{{state}} {{instance}}")],
        ),
        graph(
            "Messages that need attention",
            "short",
            &[(&grown(&of("warnings_total", ""), RATE), "{{instance}}")],
        ),
    ]
}

fn output() -> Vec<Panel> {
    let age = |name: &str| format!("time() - {}", of(name, ""));
    vec![
        graph(
            "Bytes that the output has not accepted",
            "bytes",
            &[(&of("output_pending_bytes", ""), "{{instance}}")],
        ),
        graph(
            "Failed writes",
            "short",
            &[
                (
                    &grown(&of("output_errors_total", ""), RATE),
                    "output {{instance}}",
                ),
                (
                    &grown(&of("cursor_errors_total", ""), RATE),
                    "cursor {{instance}}",
                ),
            ],
        ),
        graph(
            "Time since the last written line",
            "s",
            &[(&age("last_delivery_timestamp_seconds"), "{{instance}}")],
        ),
        graph(
            "Time since the last cursor",
            "s",
            &[(&age("last_cursor_timestamp_seconds"), "{{instance}}")],
        ),
    ]
}

fn webhook() -> Vec<Panel> {
    vec![
        graph(
            "Requests",
            "short",
            &[
                (
                    &grown(&of("webhook_attempts_total", ""), RATE),
                    "all {{instance}}",
                ),
                (
                    &grown(&of("webhook_failures_total", ""), RATE),
                    "{{reason}} {{instance}}",
                ),
            ],
        ),
        graph(
            "Delivered records",
            "short",
            &[(
                &grown(&of("webhook_delivered_total", ""), RATE),
                "{{instance}}",
            )],
        ),
        graph(
            "Records that wait",
            "short",
            &[(&of("webhook_queue_records", ""), "{{instance}}")],
        ),
        graph(
            "Bytes that wait",
            "bytes",
            &[(&of("webhook_queue_bytes", ""), "{{instance}}")],
        ),
        graph(
            "Time since the last success",
            "s",
            &[(
                &format!(
                    "time() - {}",
                    of("webhook_last_success_timestamp_seconds", "")
                ),
                "{{instance}}",
            )],
        ),
    ]
}

fn policy() -> Vec<Panel> {
    vec![
        table(
            "Policy",
            16,
            &format!(
                "max by (instance, environment, policy_digest, rules_digest) ({})",
                of("policy_info", "")
            ),
        ),
        table(
            "Version",
            8,
            &format!("max by (instance, version) ({})", of("build_info", "")),
        ),
        graph(
            "Changes of the policy files",
            "short",
            &[(
                &grown(&of("policy_reloads_total", ""), RATE),
                "{{result}} {{instance}}",
            )],
        ),
        graph(
            "Healthy",
            "bool_yes_no",
            &[(&of("healthy", ""), "{{instance}}")],
        ),
    ]
}
