//! What holds without Prometheus and Grafana; `tests/integration/grafana.rs` asks both.

use std::collections::BTreeSet;

use serde_json::Value;

use super::*;
use crate::compile::resources::published::{Examples, published};
use crate::watch::metrics;

fn file(name: &str) -> String {
    let (_, text) = files().into_iter().find(|(path, _)| *path == name).unwrap();
    text
}

fn panels(text: &str) -> Vec<Value> {
    let dashboard: Value = serde_json::from_str(text).unwrap();
    dashboard["panels"].as_array().unwrap().clone()
}

/// Names of metrics of `watch` in a text.
fn named(text: &str) -> BTreeSet<String> {
    let names = text.match_indices("pgvigil_watch_").map(|(at, _)| {
        let name = text[at..].chars();
        name.take_while(|character| character.is_ascii_alphanumeric() || *character == '_')
            .collect()
    });
    names.collect()
}

#[test]
fn every_metric_of_watch_is_shown_and_no_other() {
    let queries: String = panels(&file("grafana/watch.json"))
        .iter()
        .flat_map(|panel| panel["targets"].as_array().cloned().unwrap_or_default())
        .map(|target| target["expr"].as_str().unwrap().to_owned() + "\n")
        .collect();
    let published: BTreeSet<String> = metrics::published()
        .into_iter()
        .map(|metric| metric.name)
        .collect();
    assert_eq!(named(&queries), published);
    let rules = file("grafana/watch-alerts.yaml");
    let unknown: Vec<String> = named(&rules).difference(&published).cloned().collect();
    assert_eq!(unknown, [""; 0]);
}

/// Each metric with its dimensions, as a set of names: the values are variables.
#[test]
fn every_metric_of_the_monitor_is_shown_and_no_other() {
    let key = |name: &str, dimensions: Vec<(String, String)>| format!("{name} {dimensions:?}");
    let shown: BTreeSet<String> = panels(&file("grafana/monitor.json"))
        .iter()
        .flat_map(|panel| panel["targets"].as_array().cloned().unwrap_or_default())
        .map(|target| {
            let dimensions = target["dimensions"].as_object().unwrap().iter();
            let dimensions = dimensions
                .map(|(name, value)| (name.clone(), value.as_str().unwrap().to_owned()))
                .collect();
            key(target["metricName"].as_str().unwrap(), dimensions)
        })
        .collect();
    let mut expected = BTreeSet::new();
    for name in ["$topic", "$function"] {
        let examples = Examples {
            log_group: "$log_group",
            command: "*",
            user: "*",
            exclusion: "*",
            name,
        };
        for row in published(&examples) {
            let dimensions = row.metric.dimensions.into_iter();
            let dimensions: Vec<(String, String)> = dimensions
                .map(|(name, value)| (name.to_owned(), value))
                .collect();
            let is_other = dimensions
                .iter()
                .any(|(key, value)| (key == "TopicName") != (value == "$topic") && value == name);
            if !is_other {
                expected.insert(key(row.metric.name, dimensions));
            }
        }
    }
    assert_eq!(shown, expected);
    assert!(!file("grafana/monitor.json").contains("\"Other metrics\""));
}

#[test]
fn the_namespace_is_that_of_an_environment_that_names_none() {
    let is_default = crate::policy::schemas().into_iter().any(|(_, text)| {
        let schema: Value = serde_json::from_str(&text).unwrap();
        has_default(&schema, monitor::NAMESPACE)
    });
    assert!(is_default);
}

fn has_default(value: &Value, text: &str) -> bool {
    match value {
        Value::Object(fields) => {
            fields.get("default").and_then(Value::as_str) == Some(text)
                || fields.values().any(|value| has_default(value, text))
        }
        Value::Array(values) => values.iter().any(|value| has_default(value, text)),
        _ => false,
    }
}

/// Panels neither overlap nor leave the grid, and no two have one id.
#[test]
fn panels_have_a_place_of_their_own() {
    for name in ["grafana/watch.json", "grafana/monitor.json"] {
        let mut taken = BTreeSet::new();
        let mut ids = BTreeSet::new();
        for panel in panels(&file(name)) {
            let place = |key: &str| panel["gridPos"][key].as_u64().unwrap();
            assert!(place("x") + place("w") <= 24, "{name}: {panel}");
            assert!(ids.insert(panel["id"].as_u64().unwrap()), "{name}: {panel}");
            for x in place("x")..place("x") + place("w") {
                for y in place("y")..place("y") + place("h") {
                    assert!(taken.insert((x, y)), "{name}: {panel}");
                }
            }
        }
        assert!(ids.len() > 10, "{name}");
    }
}

/// A panel has as many queries as it has letters for, and each panel says what it shows.
#[test]
fn no_query_is_cut_off() {
    for name in ["grafana/watch.json", "grafana/monitor.json"] {
        for panel in panels(&file(name)) {
            if panel["type"] == "row" {
                continue;
            }
            let targets = panel["targets"].as_array().unwrap();
            assert!(!targets.is_empty() && targets.len() < 26, "{name}: {panel}");
            assert!(
                !panel["description"].as_str().unwrap().is_empty(),
                "{name}: {panel}"
            );
        }
    }
}
