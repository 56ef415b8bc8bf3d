//! The compiled dashboard, drawn: its widgets where it puts them, its own queries run by the interpreter on recordings, its
//! alarms in the states that follow. CloudWatch's own drawing differs in looks.
//!
//! `PGVIGIL_PICTURES=DIR cargo test --test integration dashboard::` writes what it looks like.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests may panic"
)]

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::date;
use pgvigil::audit_log::prefix::LogLinePrefix;
use pgvigil::compile::query::signals_of;
use pgvigil::compile::resources::{Document, Kind, Metric};
use pgvigil::compile::{self, QuerySource};
use pgvigil::insights::{self, Event, Options, Program, Table};
use pgvigil::policy::model::Signal;
use serde_json::{Value, json};

use crate::browser::Browser;
use crate::recorded;

/// What a dashboard shows: `start` is `-PT3H`.
const HOURS_3: i64 = 3 * 3_600_000;

/// An entry of a log, and when it was written.
struct Written<'a> {
    text: &'a [u8],
    at_ms: i64,
}

/// What clients and people did in a quarter of an hour, in the order of time: the recordings with `log_relation` on.
fn morning() -> Vec<Written<'static>> {
    let mut all: Vec<Written<'static>> = Vec::new();
    for recording in recorded::all() {
        if !recording.relation || recording.prefix != LogLinePrefix::Short {
            continue;
        }
        let mut at_ms = 0;
        for entry in &recording.log.entries {
            let text: &[u8] = entry.text.as_ref();
            let moment = text
                .get(..23)
                .and_then(|head| std::str::from_utf8(head).ok())
                .and_then(|head| head.strip_suffix(" UTC"))
                .and_then(|time| format!("{}Z", time.replace(' ', "T")).parse().ok());
            if let Some(moment) = moment {
                let moment: jiff::Timestamp = moment;
                at_ms = moment.as_millisecond();
            }
            if at_ms > 0 {
                all.push(Written { text, at_ms });
            }
        }
    }
    all.sort_by_key(|entry| entry.at_ms);
    assert!(all.len() > 10_000, "{}", all.len());
    all
}

fn run(query: &str, log_group: &str, entries: &[Written<'_>]) -> Table {
    let parsed = insights::parse(query).unwrap();
    let mut run = Program::new(&parsed, Options::default()).unwrap().run();
    let log = format!("123456789012:{log_group}");
    for entry in entries {
        run.push(&Event {
            message: entry.text,
            timestamp_ms: entry.at_ms,
            ingestion_ms: entry.at_ms + 2000,
            log_stream: b"writer",
            log: log.as_bytes(),
        });
    }
    run.finish()
}

/// Statements by metric, window by window.
#[derive(Default)]
struct Counted {
    windows: BTreeSet<i64>,
    statements: BTreeMap<(&'static str, i64), f64>,
}

impl Counted {
    fn is_over(&self, metric: &str, threshold: f64) -> bool {
        let mut all = self.statements.iter();
        all.any(|((name, _), count)| *name == metric && *count > threshold)
    }
}

/// What a metric's line shows: its name, and its points.
fn line(metric: &[Value], counted: &Counted) -> Value {
    let name = metric[1].as_str().unwrap();
    let signals = Signal::ALL.map(|signal| Metric::signal_in("", signal).name);
    // The monitor ran well in each of these windows: a heartbeat, and no error.
    let points: Vec<(i64, f64)> = counted
        .windows
        .iter()
        .map(|window| {
            let value = match name {
                name if signals.contains(&name) => counted
                    .statements
                    .iter()
                    .filter(|((of, at), _)| (*of, at) == (name, window))
                    .map(|(_, count)| *count)
                    .sum(),
                "MonitorHeartbeat" => 1.0,
                "MonitorExecutionErrors" | "Errors" | "Throttles" => 0.0,
                other => panic!("{other} is a metric that nobody draws"),
            };
            (*window, value)
        })
        .collect();
    json!({"name": name, "points": points})
}

/// The detection records of these groups, as a widget displays them: the newest first.
fn told(query: &str, groups: &Table) -> (Vec<String>, Vec<Vec<Option<String>>>) {
    let (_, display) = query.split_once("| display ").unwrap();
    let columns: Vec<String> = display
        .lines()
        .next()
        .unwrap()
        .split(", ")
        .map(str::to_owned)
        .collect();
    let value = |row: &[Option<String>], name: &str| {
        let name = if name == "@timestamp" { "last" } else { name };
        let place = groups.columns.iter().position(|column| column == name)?;
        row[place].clone()
    };
    let mut rows: Vec<Vec<Option<String>>> = groups
        .rows
        .iter()
        .map(|row| {
            let cell = |name: &String| match name.as_str() {
                // All of it was judged.
                "not_judged" => Some("0".to_owned()),
                "@timestamp" => {
                    let ms = value(row, name)?.parse::<f64>().ok()? as i64;
                    Some(jiff::Timestamp::from_millisecond(ms).ok()?.to_string())
                }
                name => value(row, name),
            };
            columns.iter().map(cell).collect()
        })
        .collect();
    rows.sort_by(|left, right| right[0].cmp(&left[0]));
    rows.truncate(100);
    (columns, rows)
}

/// What the page draws of a dashboard.
fn drawn(documents: &[Document], query: &str, entries: &[Written<'_>]) -> Value {
    let dashboard = documents
        .iter()
        .find(|document| document.kind == Kind::Dashboard)
        .unwrap();
    let window_ms = 300_000;
    // The rows of the alarm's own query, as the monitor reads them.
    let log_group = documents
        .iter()
        .find(|document| document.kind == Kind::SavedQuery)
        .unwrap()
        .properties["log_groups"][0]
        .as_str()
        .unwrap();
    let table = run(query, log_group, entries);
    let column = |name: &str| {
        table
            .columns
            .iter()
            .position(|column| column == name)
            .unwrap()
    };
    let (window, statements) = (column("window"), column("statements"));
    let (class, command, tampering) = (column("class"), column("command"), column("tampering"));
    let mut counted = Counted::default();
    let last = entries.last().unwrap().at_ms;
    for entry in entries {
        counted
            .windows
            .insert((entry.at_ms + 2000).div_euclid(window_ms) * window_ms);
    }
    for row in &table.rows {
        let number = |at: usize| row[at].as_deref().unwrap().parse::<f64>().unwrap();
        let text = |at: usize| row[at].as_deref().unwrap_or_default();
        let tampers = !matches!(text(tampering), "" | "-");
        for signal in signals_of(text(class), text(command), tampers) {
            let name = Metric::signal_in("", signal).name;
            *counted
                .statements
                .entry((name, number(window) as i64 * window_ms))
                .or_default() += number(statements);
        }
    }
    let until = (last / 1_800_000 + 1) * 1_800_000;
    let state = |alarm: &str| {
        let document = documents
            .iter()
            .find(|document| {
                document.kind == Kind::Alarm && alarm.ends_with(&format!(":{}", document.name))
            })
            .unwrap_or_else(|| panic!("{alarm} is no alarm of this dashboard"));
        let is_loud = document.properties["comparison"] == "GreaterThanThreshold"
            && counted.is_over(
                document.properties["metric"].as_str().unwrap(),
                document.properties["threshold"].as_f64().unwrap(),
            );
        json!({"name": document.name, "state": if is_loud { "ALARM" } else { "OK" }})
    };
    let widgets = dashboard.properties["body"]["widgets"].as_array().unwrap();
    let widgets: Vec<Value> = widgets
        .iter()
        .map(|widget| {
            let properties = &widget["properties"];
            let mut page = json!({"title": properties["title"]});
            for key in ["type", "x", "y", "width", "height"] {
                page[key] = widget[key].clone();
            }
            match widget["type"].as_str().unwrap() {
                "alarm" => {
                    let alarms = properties["alarms"].as_array().unwrap();
                    page["alarms"] = alarms
                        .iter()
                        .map(|alarm| state(alarm.as_str().unwrap()))
                        .collect();
                }
                "log" => {
                    let text = properties["query"].as_str().unwrap();
                    let (source, text) = text.split_once("\n| ").unwrap();
                    let (columns, rows) = if source == format!("SOURCE '{log_group}'") {
                        let table = run(text, log_group, entries);
                        (table.columns, table.rows)
                    } else {
                        assert!(source.starts_with("SOURCE '/aws/lambda/"), "{source}");
                        told(text, &table)
                    };
                    // A widget shows what fits; the rest is scrolled to.
                    page["rows"] = json!(rows.iter().take(16).collect::<Vec<_>>());
                    page["found"] = json!(rows.len());
                    page["columns"] = json!(columns);
                }
                "metric" => {
                    let metrics = properties["metrics"].as_array().unwrap();
                    page["lines"] = metrics
                        .iter()
                        .map(|metric| line(metric.as_array().unwrap(), &counted))
                        .collect();
                    page["from"] = json!(until - HOURS_3);
                    page["until"] = json!(until);
                }
                "text" => page["markdown"] = properties["markdown"].clone(),
                other => panic!("{other} is a widget that nobody draws"),
            }
            page
        })
        .collect();
    json!({"name": dashboard.name, "widgets": widgets})
}

#[test]
fn the_dashboard_is_drawn_as_it_is_compiled() {
    let loaded = recorded::shipped();
    let environment = loaded.policy.environment("production").unwrap();
    let compiled = compile::compile(loaded, environment, date(2026, 11, 22));
    let cluster = environment.clusters[0].name.clone();
    let documents: Vec<Document> = compiled
        .documents
        .into_iter()
        .filter(|document| document.address.starts_with(&format!("{cluster}/")))
        .collect();
    let entries = morning();
    let query = QuerySource::of(&loaded.policy, environment).alarm("").text;
    let data = drawn(&documents, &query, &entries);
    let widgets = data["widgets"].as_array().unwrap();
    for widget in widgets.iter().filter(|widget| widget["type"] == "log") {
        assert!(
            widget["found"].as_u64().unwrap() > 50,
            "{}",
            widget["title"]
        );
    }

    let page = include_str!("dashboard.html").replacen(
        "DATA",
        &data.to_string().replace('<', "\\u003c"),
        1,
    );
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("dashboard.html");
    std::fs::write(&file, page).unwrap();
    let browser = Browser::start();
    browser.size(1280, 1480);
    browser.requests();
    browser.open(&file);
    assert_eq!(browser.log("browser"), [""; 0], "the console is empty");
    assert_eq!(browser.requests(), [format!("file://{}", file.display())]);
    // Every widget is there, none lies on another, and none is empty.
    let boxes = browser.run(
        "return [...document.querySelectorAll('section')].map(one => { const b = one.getBoundingClientRect(); \
         return [Math.round(b.left), Math.round(b.top), Math.round(b.right), Math.round(b.bottom), one.querySelector('.body').children.length] })",
    );
    let boxes: Vec<Vec<i64>> = serde_json::from_value(boxes).unwrap();
    assert_eq!(boxes.len(), widgets.len());
    for (index, one) in boxes.iter().enumerate() {
        assert!(one[4] > 0 && one[2] <= 1280, "{one:?}");
        for other in &boxes[..index] {
            let apart = one[0] >= other[2]
                || other[0] >= one[2]
                || one[1] >= other[3]
                || other[1] >= one[3];
            assert!(apart, "{one:?} lies on {other:?}");
        }
    }
    let shown = browser.run("return document.body.innerText");
    let shown = shown.as_str().unwrap();
    for document in documents
        .iter()
        .filter(|document| document.kind == Kind::Alarm)
    {
        assert!(shown.contains(&document.name), "{}", document.name);
    }
    let loud = widgets
        .iter()
        .filter_map(|widget| widget["alarms"].as_array())
        .flatten()
        .filter(|alarm| alarm["state"] == "ALARM")
        .count();
    assert!(loud > 1, "{loud}");
    assert_eq!(
        browser.run("return document.querySelectorAll('.ALARM').length"),
        loud
    );
    for word in ["alice", "public.customers", "UserDMLOperationCount"] {
        assert!(shown.contains(word), "{word}");
    }
    if let Some(pictures) = std::env::var_os("PGVIGIL_PICTURES") {
        let picture = std::path::Path::new(&pictures).join("dashboard.png");
        std::fs::write(picture, browser.picture()).unwrap();
    }
}
