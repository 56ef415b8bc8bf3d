//! Dashboards and alert rules: promtool checks and tests the rules, Grafana's own classes read the dashboards, and a Prometheus
//! that reads a running `pgvigil watch` evaluates every expression.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests may panic"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use pgvigil::grafana::alerts::alerts;
use pgvigil::watch::metrics::published;
use serde_json::Value;

use crate::recorded::root;
use crate::watch::{Receiver, Watcher, append, entry, eventually, get};

fn target() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from)
}

/// A program of Prometheus; `tests/grafana/install` puts it there.
fn program(name: &str) -> PathBuf {
    let program = target().join("prometheus").join(name);
    assert!(
        program.is_file(),
        "missing: {} (`tests/grafana/install` makes it; `tests/run` calls it)",
        program.display()
    );
    program
}

/// Whether promtool agrees, and what it says.
fn promtool(folder: &Path, arguments: &[&str]) -> (bool, String) {
    let output = Command::new(program("promtool"))
        .args(arguments)
        .current_dir(folder)
        .output()
        .unwrap();
    let said = [output.stdout, output.stderr].concat();
    (
        output.status.success(),
        String::from_utf8(said).unwrap().replace('\t', " "),
    )
}

const RULES: &str = "docs/grafana/watch-alerts.yaml";
const TESTS: &str = "tests/grafana/watch-alerts.test.yaml";

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap()
}

fn dashboard(name: &str) -> Value {
    serde_json::from_str(&read(&format!("docs/grafana/{name}.json"))).unwrap()
}

/// Every expression of the dashboard of `watch`, with the title of its panel.
fn expressions() -> Vec<(String, String)> {
    let dashboard = dashboard("watch");
    let panels = dashboard["panels"].as_array().unwrap().clone();
    let targets = panels.into_iter().flat_map(|panel| {
        let title = panel["title"].as_str().unwrap().to_owned();
        let targets = panel["targets"].as_array().cloned().unwrap_or_default();
        targets
            .into_iter()
            .map(move |target| (title.clone(), target["expr"].as_str().unwrap().to_owned()))
    });
    targets.collect()
}

/// An expression as Grafana sends it, with all watchers chosen.
fn sent(expression: &str, rate: &str, range: &str) -> String {
    let sent = expression
        .replace("$__rate_interval", rate)
        .replace("$__range", range)
        .replace("$instance", ".*");
    assert!(!sent.contains('$'), "an unknown variable: {sent}");
    sent
}

#[test]
fn promtool_accepts_the_rules_and_every_expression_of_the_dashboard() {
    let (is_right, said) = promtool(root(), &["check", "rules", "--lint-fatal", RULES]);
    assert!(is_right, "{said}");
    assert!(
        said.contains(&format!("{} rules found", alerts().len())),
        "{said}"
    );

    let mut rules = String::from("groups:\n  - name: dashboard\n    rules:\n");
    let all = expressions();
    for (number, (_, expression)) in all.iter().enumerate() {
        let expression = serde_json::to_string(&sent(expression, "4m", "6h")).unwrap();
        rules.push_str(&format!(
            "      - record: expression:{number}\n        expr: {expression}\n"
        ));
    }
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("rules.yaml"), &rules).unwrap();
    let (is_right, said) = promtool(folder.path(), &["check", "rules", "rules.yaml"]);
    assert!(is_right, "{said}");
    assert!(
        all.len() > 30 && said.contains(&format!("{} rules found", all.len())),
        "{said}"
    );

    // It would notice.
    fs::write(
        folder.path().join("rules.yaml"),
        rules.replacen("sum by (", "sum by by (", 1),
    )
    .unwrap();
    assert!(!promtool(folder.path(), &["check", "rules", "rules.yaml"]).0);
}

/// Runs the unit tests of the rules on another text of the rules.
fn unit_tests(rules: &str) -> (bool, String) {
    let folder = tempfile::tempdir().unwrap();
    for (path, text) in [(RULES, rules), (TESTS, &read(TESTS))] {
        let path = folder.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    promtool(folder.path(), &["test", "rules", TESTS])
}

/// The rules with another expression and another `for` in each.
fn changed(expression: &str) -> String {
    let lines = read(RULES);
    let lines = lines.lines().map(|line| {
        if line.starts_with("        expr: ") {
            format!("        expr: {expression}\n")
        } else if line.starts_with("        for: ") {
            "        for: 0m\n".to_owned()
        } else {
            format!("{line}\n")
        }
    });
    lines.collect()
}

/// The alerts in what failed tests expected, or got where they expected nothing.
fn told(said: &str, is_wanted: impl Fn(&str, &str) -> bool) -> BTreeSet<String> {
    let lines: Vec<&str> = said.lines().map(str::trim).collect();
    let pairs = lines.windows(2).filter_map(|pair| {
        let expected = pair[0].strip_prefix("exp: ")?;
        let got = pair[1].strip_prefix("got: ")?;
        is_wanted(expected, got).then(|| format!("{expected} {got}"))
    });
    let text = pairs.collect::<String>();
    let names = text.split("alertname=\"").skip(1);
    names
        .map(|rest| rest.split('"').next().unwrap().to_owned())
        .collect()
}

/// Every alert has a test that fails if the alert never fires, and one that fails if it always fires.
#[test]
fn unit_tests_make_every_alert_fire_and_stay_silent() {
    let (is_right, said) = unit_tests(&read(RULES));
    assert!(is_right, "{said}");
    let all: BTreeSet<String> = alerts().iter().map(|alert| alert.name.to_owned()).collect();
    assert_eq!(all.len(), alerts().len());

    let (is_right, said) = unit_tests(&changed("vector(1) > 2"));
    assert!(!is_right);
    assert_eq!(told(&said, |_, got| got == "nil"), all, "{said}");

    let (is_right, said) = unit_tests(&changed("vector(1)"));
    assert!(!is_right);
    assert_eq!(told(&said, |expected, _| expected == "nil"), all, "{said}");
}

#[test]
fn grafana_reads_every_field_of_the_dashboards() {
    let python = target().join("venv/bin/python");
    let faults = |files: &[PathBuf]| {
        let output = Command::new(&python)
            .arg(root().join("tests/grafana/dashboard.py"))
            .args(files)
            .output()
            .expect("Grafana's classes are missing: run `tests/moto/install`");
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8(output.stdout).unwrap()
    };
    let files = ["watch", "monitor"].map(|name| root().join(format!("docs/grafana/{name}.json")));
    assert_eq!(faults(&files), "");

    // It would notice: a field that is misspelt, one of another type, and a value that no list has.
    let folder = tempfile::tempdir().unwrap();
    let broken = folder.path().join("broken.json");
    for (right, wrong) in [
        ("\"fieldConfig\"", "\"fieldsConfig\""),
        ("\"legendFormat\"", "\"legend\""),
        ("\"schemaVersion\": ", "\"schemaVersion\": 0.5e-"),
        ("\"drawStyle\": \"line\"", "\"drawStyle\": \"lines\""),
    ] {
        let text = read("docs/grafana/watch.json");
        assert!(text.contains(right), "{right}");
        fs::write(&broken, text.replacen(right, wrong, 1)).unwrap();
        assert_ne!(faults(std::slice::from_ref(&broken)), "", "{wrong}");
    }
}

/// The page lists every alert with its severity, and each page that an alert names exists.
#[test]
fn the_page_lists_every_alert() {
    let page = read("docs/grafana.md");
    let listed: BTreeMap<&str, &str> = page
        .lines()
        .filter_map(|line| line.strip_prefix("| `Pgvigil"))
        .filter_map(|line| {
            let (name, rest) = line.split_once("` | ")?;
            Some((name, rest.split(' ').next()?))
        })
        .collect();
    let expected: BTreeMap<&str, &str> = alerts()
        .into_iter()
        .map(|alert| {
            (
                alert.name.strip_prefix("Pgvigil").unwrap(),
                alert.urgency.name(),
            )
        })
        .collect();
    assert_eq!(listed, expected);
    for alert in alerts() {
        let link = Path::new(alert.page);
        let fault = crate::links::fault(&root().join("README.md"), link.to_str().unwrap());
        assert_eq!(fault, None, "{}", alert.name);
    }
}

/// A Prometheus that is ended with the value.
struct Prometheus {
    child: Child,
    address: String,
}

impl Prometheus {
    /// Starts one that reads a watcher and the rules each second.
    fn start(folder: &Path, watcher: &str) -> Self {
        let rules = root().join(RULES);
        let configuration = format!(
            "global: {{scrape_interval: 1s, evaluation_interval: 1s}}\nrule_files: [{rules:?}]\n\
             scrape_configs:\n  - job_name: pgvigil\n    static_configs: [{{targets: ['{watcher}']}}]\n"
        );
        fs::write(folder.join("prometheus.yaml"), configuration).unwrap();
        let said = folder.join("prometheus.log");
        let child = Command::new(program("prometheus"))
            .args(["--config.file", "prometheus.yaml", "--log.format", "json"])
            .args(["--web.listen-address", "127.0.0.1:0"])
            .args(["--storage.tsdb.path", "data"])
            .current_dir(folder)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(fs::File::create(&said).unwrap())
            .spawn()
            .unwrap();
        let mut started = Self {
            child,
            address: String::new(),
        };
        eventually("Prometheus listens", || {
            let text = fs::read_to_string(&said).unwrap();
            let mut lines = text.lines().filter_map(|line| {
                let line: Value = serde_json::from_str(line).ok()?;
                (line["msg"] == "Listening on")
                    .then(|| line["address"].as_str().map(str::to_owned))?
            });
            if let Some(address) = lines.next_back() {
                started.address = address;
            }
            !started.address.is_empty()
        });
        eventually("Prometheus is ready", || {
            started.text("/-/ready").starts_with("HTTP/1.0 200")
        });
        started
    }

    fn text(&self, path: &str) -> String {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        write!(stream, "GET {path} HTTP/1.0\r\nHost: x\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }

    /// The answer of its interface.
    fn ask(&self, path: &str) -> Value {
        let answer = self.text(path);
        let (_, body) = answer.split_once("\r\n\r\n").unwrap();
        let body: Value =
            serde_json::from_str(body).unwrap_or_else(|error| panic!("{path}: {error}: {answer}"));
        assert_eq!(body["status"], "success", "{path}: {body}");
        body["data"].clone()
    }

    /// The series that an expression has now.
    fn query(&self, expression: &str) -> Vec<Value> {
        let encoded: String = expression
            .bytes()
            .map(|byte| format!("%{byte:02X}"))
            .collect();
        let data = self.ask(&format!("/api/v1/query?query={encoded}"));
        data["result"].as_array().unwrap().clone()
    }
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A record that an exclusion of the shipped policy silences.
const SILENCED: &str = "2026-11-22 06:00:00 UTC:10.0.0.1(5000):alice@shop:[77]:LOG:  AUDIT: SESSION,1,1,READ,SELECT,TABLE,\
                        pg_catalog.pg_class,select relname from pg_class,<not logged>\n";
/// A record whose role contains the head of another one: it belongs to no user.
const FORGED: &str = "2026-11-22 06:00:01 UTC:10.0.0.1(5000):x@y:[77]:LOG:  AUDIT: z@shop:[77]:LOG:  AUDIT: SESSION,1,1,READ,\
                      SELECT,TABLE,public.orders,select 1 from orders,<not logged>\n";

#[test]
fn a_real_prometheus_evaluates_every_expression_on_a_real_watcher() {
    let receiver = Receiver::start(&["204"]);
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("postgresql.log");
    append(&log, "");
    let watcher = Watcher::start_with(
        folder.path(),
        root(),
        &[
            "--cursor",
            "cursor",
            "--out",
            "out.jsonl",
            "--webhook",
            "env:HOOK",
            "--metrics",
            "127.0.0.1:0",
            "postgresql.log",
        ],
        &[("HOOK", receiver.url.as_str())],
    );
    let address = watcher.metrics();
    let prometheus = Prometheus::start(folder.path(), &address);
    eventually("figures before the first record", || {
        prometheus
            .query("count_over_time(pgvigil_watch_healthy[1m]) > 1")
            .len()
            == 1
    });
    append(&log, &(entry(1, "alice") + SILENCED + FORGED));

    // The list in the code, which the generated files are compared with, is what the page has.
    let expected: BTreeSet<String> = published().into_iter().map(|metric| metric.name).collect();
    let shown = || -> BTreeSet<String> {
        let (_, text) = get(&address, "/metrics");
        let samples = text.lines().filter(|line| !line.starts_with('#'));
        samples
            .map(|line| line.split(['{', ' ']).next().unwrap().to_owned())
            .collect()
    };
    eventually("every metric", || shown() == expected);

    // The alerts about these records fire, and their texts are made of the real labels.
    let mut firing = BTreeMap::new();
    let records = ["PgvigilRecords", "PgvigilRecordsNotUnderstood"];
    eventually("alerts about the records", || {
        let data = prometheus.ask("/api/v1/alerts");
        for alert in data["alerts"].as_array().unwrap() {
            if alert["state"] == "firing" {
                let name = alert["labels"]["alertname"].as_str().unwrap().to_owned();
                firing.insert(name, alert.clone());
            }
        }
        records.iter().all(|name| firing.contains_key(*name))
    });
    let summary = firing["PgvigilRecords"]["annotations"]["summary"].clone();
    assert_eq!(
        summary,
        format!("Records of the severity medium or high count on {address}")
    );
    // What would wake a person is silent: the watcher works, and nothing was tampered with.
    let critical: Vec<&String> = firing
        .iter()
        .filter(|(_, alert)| alert["labels"]["severity"] == "critical")
        .map(|(name, _)| name)
        .collect();
    assert_eq!(critical, [""; 0]);

    // Every expression of the dashboard has a result as soon as there are two samples of everything.
    let mut missing = Vec::new();
    let all = expressions();
    eventually("a result of every expression", || {
        missing = all
            .iter()
            .filter(|(_, expression)| prometheus.query(&sent(expression, "1m", "5m")).is_empty())
            .map(|(title, expression)| format!("{title}: {expression}"))
            .collect();
        missing.is_empty()
    });
    // The first record of a person is in the table: `increase` alone would not see it.
    let (_, people) = all
        .iter()
        .find(|(title, _)| title == "Who, and with which command")
        .unwrap();
    let people = prometheus.query(&sent(people, "1m", "5m"));
    let alice = people.iter().find(|row| row["metric"]["user"] == "alice");
    assert_eq!(
        alice.unwrap()["value"][1].as_str().unwrap().parse::<f64>(),
        Ok(1.0),
        "{people:?}"
    );

    // And each rule is evaluated without an error.
    let groups = prometheus.ask("/api/v1/rules");
    let rules = groups["groups"][0]["rules"].as_array().unwrap().clone();
    assert_eq!(rules.len(), alerts().len());
    for rule in rules {
        assert_eq!(rule["health"], "ok", "{rule}");
    }
}
