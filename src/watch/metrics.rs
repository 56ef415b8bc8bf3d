//! What is counted, in the text format of Prometheus (version 0.0.4, prometheus.io/docs/instrumenting/exposition_formats).

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::{Duration, SystemTime};

use crate::audit_log::follow::FileCounts;
use crate::policy::model::{Severity, Signal};
use crate::report::escape;

use super::judge::Counts;
pub use super::judge::Who;
use super::outbox::{Outbox, Sums};

/// Series of `counted_total`, at most: names come from whoever connects.
const SERIES_MAX: usize = 1_000;
/// What stands for the rest.
const OTHER: &str = "other";
/// Characters of a label: names have 63 bytes.
const LABEL_MAX: usize = 100;

/// Figures that only grow, and what is true now.
#[derive(Clone, Debug, Default)]
pub struct Metrics {
    sums: Counts,
    output_errors: u64,
    is_output_failing: bool,
    cursor_errors: u64,
    is_cursor_failing: bool,
    reloads: u64,
    reloads_failed: u64,
    is_policy_broken: bool,
    warnings: u64,
    last_delivery: Option<Duration>,
    last_webhook: Option<Duration>,
    last_cursor: Option<Duration>,
    now: Now,
}

/// What is true at the moment.
#[derive(Clone, Debug, Default)]
struct Now {
    files: FileCounts,
    failing: usize,
    behind: u64,
    pending: u64,
    /// Records and bytes that wait for the webhook, if there is one, and its figures.
    webhook: Option<(usize, usize, Sums)>,
    wall: Duration,
    /// Since when something is behind.
    behind_since: Option<Duration>,
}

/// What does not change while it runs, or only with the policy.
#[derive(Clone, Debug, Default)]
pub struct Build {
    pub version: String,
    pub environment: String,
    /// The digest of the policy files.
    pub policy_digest: String,
    /// The digest of the rules that the judge decides by.
    pub rules_digest: String,
}

impl Metrics {
    pub(super) fn add(&mut self, counts: &Counts) {
        let sums = &mut self.sums;
        sums.bytes += counts.bytes;
        sums.entries += counts.entries;
        sums.foreign += counts.foreign;
        for (key, number) in &counts.records {
            *sums.records.entry(*key).or_default() += number;
        }
        for (key, number) in &counts.excluded {
            *sums.excluded.entry(key.clone()).or_default() += number;
        }
        for (who, number) in &counts.counted {
            let is_known = sums.counted.contains_key(who);
            let who = if is_known || sums.counted.len() < SERIES_MAX {
                who.clone()
            } else {
                Who {
                    user: OTHER.to_owned(),
                    class: OTHER.to_owned(),
                    command: OTHER.to_owned(),
                }
            };
            *sums.counted.entry(who).or_default() += number;
        }
        for (signal, number) in &counts.signals {
            *sums.signals.entry(signal).or_default() += number;
        }
        for (severity, number) in &counts.severities {
            *sums.severities.entry(*severity).or_default() += number;
        }
        sums.last_entry_ms = counts.last_entry_ms.or(sums.last_entry_ms);
        sums.last_counted_ms = counts.last_counted_ms.or(sums.last_counted_ms);
    }

    pub(super) fn wrote(&mut self, worked: bool, had_lines: bool, wall: SystemTime) {
        self.is_output_failing = !worked;
        if !worked {
            self.output_errors += 1;
        } else if had_lines {
            self.last_delivery = Some(since_1970(wall));
        }
    }

    /// Notes that the webhook took something.
    pub fn webhook_took(&mut self, wall: SystemTime) {
        self.last_webhook = Some(since_1970(wall));
    }

    /// Notes whether the cursor could be written.
    pub fn cursor(&mut self, worked: bool, wall: SystemTime) {
        self.is_cursor_failing = !worked;
        if worked {
            self.last_cursor = Some(since_1970(wall));
        } else {
            self.cursor_errors += 1;
        }
    }

    /// Notes whether a changed policy could be used.
    pub fn reload(&mut self, worked: bool) {
        self.is_policy_broken = !worked;
        if worked {
            self.reloads += 1;
        } else {
            self.reloads_failed += 1;
        }
    }

    /// Notes that something was told that people should read.
    pub fn warning(&mut self) {
        self.warnings += 1;
    }

    /// What is wrong now, beside what is followed.
    pub fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        if self.is_output_failing {
            problems.push("the output cannot be written".to_owned());
        }
        if self.is_cursor_failing {
            problems.push("the cursor cannot be written".to_owned());
        }
        if self.is_policy_broken {
            problems.push("the policy files have errors: the last valid policy is used".to_owned());
        }
        problems
    }

    pub(super) fn measure(
        &mut self,
        files: FileCounts,
        failing: usize,
        behind: u64,
        pending: u64,
        outbox: Option<&Outbox>,
        wall: SystemTime,
    ) {
        let wall = since_1970(wall);
        self.now = Now {
            files,
            failing,
            behind,
            pending,
            webhook: outbox.map(|outbox| {
                let (records, bytes) = outbox.size();
                (records, bytes, outbox.sums())
            }),
            wall,
            behind_since: (behind > 0).then(|| self.now.behind_since.unwrap_or(wall)),
        };
    }

    /// How long what comes next has been waiting: from the time in the log, or from when it was seen.
    fn lag(&self) -> f64 {
        let now = &self.now;
        let Some(seen) = now.behind_since else {
            return 0.0;
        };
        let read = self
            .sums
            .last_entry_ms
            .and_then(|ms| u64::try_from(ms).ok());
        let since = read.map_or(seen, |ms| seen.min(Duration::from_millis(ms)));
        now.wall.saturating_sub(since).as_secs_f64()
    }

    /// The text that Prometheus reads.
    pub fn render(&self, build: &Build, problems: usize) -> String {
        let mut text = Text::default();
        let sums = &self.sums;
        let now = &self.now;
        text.family("build_info", "gauge", "The version that runs.");
        text.sample("build_info", &[("version", &build.version)], 1);
        text.family(
            "policy_info",
            "gauge",
            "The policy by which records are judged.",
        );
        text.sample(
            "policy_info",
            &[
                ("environment", &build.environment),
                ("policy_digest", &build.policy_digest),
                ("rules_digest", &build.rules_digest),
            ],
            1,
        );
        text.one(
            "healthy",
            "gauge",
            "Whether everything is followed and delivered; /healthz lists the problems.",
            u64::from(problems == 0),
        );
        text.family(
            "records_total",
            "counter",
            "Audit records by verdict and signal.",
        );
        for ((verdict, signal), number) in &sums.records {
            let labels = [("verdict", *verdict), ("signal", *signal)];
            text.sample("records_total", &labels, *number);
        }
        text.family(
            "counted_total",
            "counter",
            "Audit records that count. After 1000 combinations the rest are `other`.",
        );
        for (who, number) in labelled(&sums.counted) {
            let labels = [
                ("user", who.user.as_str()),
                ("class", &who.class),
                ("command", &who.command),
            ];
            text.sample("counted_total", &labels, number);
        }
        // From 0 on: what alerts read begins before the first record.
        text.family(
            "signals_total",
            "counter",
            "Audit records that count, by each signal that counts them: a record can have several.",
        );
        for signal in Signal::ALL.map(Signal::name) {
            let number = sums.signals.get(signal).copied().unwrap_or(0);
            text.sample("signals_total", &[("signal", signal)], number);
        }
        text.family(
            "severities_total",
            "counter",
            "Audit records that count, by severity.",
        );
        for severity in Severity::ALL {
            let number = sums.severities.get(&severity).copied().unwrap_or(0);
            let labels = [("severity", severity.name())];
            text.sample("severities_total", &labels, number);
        }
        text.family(
            "excluded_total",
            "counter",
            "Audit records that each exclusion silences; several exclusions can silence one record.",
        );
        for (id, number) in &sums.excluded {
            text.sample("excluded_total", &[("exclusion", id)], *number);
        }
        text.one(
            "read_bytes_total",
            "counter",
            "Bytes of logs that were judged.",
            sums.bytes,
        );
        text.one(
            "entries_total",
            "counter",
            "Log entries, including records.",
            sums.entries,
        );
        text.one(
            "foreign_total",
            "counter",
            "Text fragments that do not belong to an entry.",
            sums.foreign,
        );
        text.one(
            "behind_bytes",
            "gauge",
            "Bytes of logs that were written and not yet judged.",
            now.behind,
        );
        text.float(
            "lag_seconds",
            "Age of the oldest log text that is not judged yet; 0 when there is none.",
            self.lag(),
        );
        text.family("files", "gauge", "Files: followed, skipped because they are not text logs, and arguments or files that cannot be followed.");
        text.sample("files", &[("state", "followed")], now.files.followed);
        text.sample("files", &[("state", "unread")], now.files.unread);
        text.sample("files", &[("state", "failing")], as_u64(now.failing));
        text.one(
            "warnings_total",
            "counter",
            "Messages that need attention: a file that is \
            gone, truncated or not readable, a webhook that fails.",
            self.warnings,
        );
        text.one(
            "output_pending_bytes",
            "gauge",
            "Bytes that the output has not accepted; nothing is read meanwhile.",
            now.pending,
        );
        text.one(
            "output_errors_total",
            "counter",
            "Writes to the output that failed.",
            self.output_errors,
        );
        text.time(
            "last_delivery_timestamp_seconds",
            "When lines were last written.",
            self.last_delivery,
        );
        let counted = sums.last_counted_ms.and_then(|ms| u64::try_from(ms).ok());
        text.time(
            "last_counted_timestamp_seconds",
            "The time in the log of the last record that counts.",
            counted.map(Duration::from_millis),
        );
        text.one(
            "cursor_errors_total",
            "counter",
            "Writes of the cursor that failed.",
            self.cursor_errors,
        );
        text.time(
            "last_cursor_timestamp_seconds",
            "When the cursor was last written.",
            self.last_cursor,
        );
        text.family(
            "policy_reloads_total",
            "counter",
            "Changes of the policy files, and whether they could be used.",
        );
        text.sample("policy_reloads_total", &[("result", "used")], self.reloads);
        text.sample(
            "policy_reloads_total",
            &[("result", "broken")],
            self.reloads_failed,
        );
        text.one(
            "policy_broken",
            "gauge",
            "Whether the policy files have errors, so that an older policy is used.",
            u64::from(self.is_policy_broken),
        );
        if let Some((records, bytes, webhook)) = &now.webhook {
            text.one(
                "webhook_attempts_total",
                "counter",
                "Requests to the webhook.",
                webhook.attempts,
            );
            text.family(
                "webhook_failures_total",
                "counter",
                "Requests that were not accepted: \
                refused with a status that a retry hardly changes, or failed otherwise.",
            );
            text.sample(
                "webhook_failures_total",
                &[("reason", "refused")],
                webhook.refused,
            );
            text.sample(
                "webhook_failures_total",
                &[("reason", "failed")],
                webhook.failed,
            );
            text.one(
                "webhook_delivered_total",
                "counter",
                "Records that the webhook accepted.",
                webhook.delivered,
            );
            text.one(
                "webhook_queue_records",
                "gauge",
                "Records that wait for the webhook.",
                as_u64(*records),
            );
            text.one(
                "webhook_queue_bytes",
                "gauge",
                "Bytes that wait for the webhook.",
                as_u64(*bytes),
            );
            text.time(
                "webhook_last_success_timestamp_seconds",
                "When the webhook last accepted a request.",
                self.last_webhook,
            );
        }
        text.0
    }
}

/// A metric of the page that Prometheus reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Published {
    /// The whole name, as Prometheus stores it.
    pub name: String,
    /// Names of its labels.
    pub labels: Vec<String>,
    /// `counter` or `gauge`.
    pub kind: String,
    /// What the value means, with its unit.
    pub help: String,
}

/// Every metric that a watcher with a webhook has, in the order of its page: made of the text that Prometheus reads.
pub fn published() -> Vec<Published> {
    let text = example().render(&Build::default(), 0);
    let mut all = Vec::new();
    let mut lines = text.lines().peekable();
    while let Some(line) = lines.next() {
        let Some((name, help)) = line
            .strip_prefix("# HELP ")
            .and_then(|rest| rest.split_once(' '))
        else {
            continue;
        };
        let kind = lines
            .next()
            .and_then(|line| line.rsplit_once(' '))
            .map_or("", |(_, kind)| kind);
        let labels = lines
            .peek()
            .and_then(|sample| sample.split_once('{')?.1.split_once('}'))
            .map_or_else(Vec::new, |(labels, _)| {
                let names = labels
                    .split(',')
                    .filter_map(|label| Some(label.split_once('=')?.0.to_owned()));
                names.collect()
            });
        all.push(Published {
            name: name.to_owned(),
            labels,
            kind: kind.to_owned(),
            help: help.to_owned(),
        });
    }
    all
}

/// The part of the reference page about `watch --metrics`.
pub fn render_reference() -> String {
    let mut page = String::from(
        "## Prometheus: `pgvigil watch --metrics`\n\nGenerated from `src/watch/metrics.rs`. The metrics of the webhook exist only with \
         `--webhook`; a time is left out until it has a value. No alarm of pgvigil reads these metrics: use the alert rules \
         and the dashboard of [grafana.md](grafana.md).\n\n\
         | metric | labels | type | value |\n| --- | --- | --- | --- |\n",
    );
    for row in published() {
        let labels: Vec<String> = row.labels.iter().map(|name| format!("`{name}`")).collect();
        page.push_str(&format!(
            "| `{}` | {} | {} | {} |\n",
            row.name,
            labels.join(", "),
            row.kind,
            row.help
        ));
    }
    page
}

/// Figures with one series of each kind.
fn example() -> Metrics {
    let moment = Some(Duration::from_secs(1));
    let mut sums = Counts::default();
    sums.records.insert(("counted", "dml"), 1);
    sums.counted.insert(Who::default(), 1);
    sums.excluded.insert("catalog-metadata".to_owned(), 1);
    sums.last_counted_ms = Some(1);
    Metrics {
        sums,
        last_delivery: moment,
        last_webhook: moment,
        last_cursor: moment,
        now: Now {
            webhook: Some((0, 0, Sums::default())),
            ..Now::default()
        },
        ..Metrics::default()
    }
}

/// The series as they are printed: two names that look alike once they are made harmless are one series.
fn labelled(counted: &BTreeMap<Who, u64>) -> BTreeMap<Who, u64> {
    let mut series = BTreeMap::new();
    for (who, number) in counted {
        let who = Who {
            user: label(&who.user),
            class: label(&who.class),
            command: label(&who.command),
        };
        *series.entry(who).or_default() += number;
    }
    series
}

/// A value of a label: of bounded length, without what a terminal would obey.
fn label(value: &str) -> String {
    escape::terminal(&escape::shorten(value, LABEL_MAX))
}

#[derive(Default)]
struct Text(String);

impl Text {
    fn family(&mut self, name: &str, kind: &str, help: &str) {
        let _ = writeln!(self.0, "# HELP pgvigil_watch_{name} {help}");
        let _ = writeln!(self.0, "# TYPE pgvigil_watch_{name} {kind}");
    }

    fn sample(&mut self, name: &str, labels: &[(&str, &str)], value: u64) {
        let labels: Vec<String> = labels
            .iter()
            .map(|(name, value)| format!("{name}=\"{}\"", quoted(&escape::terminal(value))))
            .collect();
        let labels = labels.join(",");
        let labels = if labels.is_empty() {
            String::new()
        } else {
            format!("{{{labels}}}")
        };
        let _ = writeln!(self.0, "pgvigil_watch_{name}{labels} {value}");
    }

    fn one(&mut self, name: &str, kind: &str, help: &str, value: u64) {
        self.family(name, kind, help);
        self.sample(name, &[], value);
    }

    fn float(&mut self, name: &str, help: &str, value: f64) {
        self.family(name, "gauge", help);
        let _ = writeln!(self.0, "pgvigil_watch_{name} {value:.3}");
    }

    /// A moment that has not come yet is left out: 0 would be 1970.
    fn time(&mut self, name: &str, help: &str, at: Option<Duration>) {
        if let Some(at) = at {
            self.float(name, help, at.as_secs_f64());
        }
    }
}

/// The three characters that the format escapes.
fn quoted(value: &str) -> String {
    value
        .replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace('\n', "\\n")
}

fn since_1970(wall: SystemTime) -> Duration {
    wall.duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default()
}

fn as_u64(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every metric that there is stands on the page, with all its labels.
    #[test]
    fn the_page_knows_every_metric() {
        let page = render_reference();
        let text = example().render(&Build::default(), 0);
        let mut samples = 0;
        for sample in text.lines().filter(|line| !line.starts_with('#')) {
            let name = sample.split(['{', ' ']).next().unwrap();
            let row = page
                .lines()
                .find(|row| row.starts_with(&format!("| `{name}` |")))
                .unwrap();
            for label in sample.split(['{', ',']).filter(|part| part.contains('=')) {
                let label = label.split('=').next().unwrap();
                assert!(row.contains(&format!("`{label}`")), "{row}: {label}");
            }
            assert!(
                row.contains("| counter |") || row.contains("| gauge |"),
                "{row}"
            );
            samples += 1;
        }
        assert!(samples > 25, "{samples}");
    }

    #[test]
    fn names_cannot_make_series_without_end_or_break_the_format() {
        let mut metrics = Metrics::default();
        let hostile = "a\"} 1\n# HELP x\\\u{1b}[2J\u{202e}";
        for number in 0..3 * SERIES_MAX {
            let mut counts = Counts::default();
            let who = Who {
                user: format!("{hostile}{number}"),
                class: "READ".to_owned(),
                command: "SELECT".to_owned(),
            };
            counts.counted.insert(who, 1);
            metrics.add(&counts);
        }
        let text = metrics.render(&Build::default(), 0);
        let series: Vec<&str> = text
            .lines()
            .filter(|line| line.starts_with("pgvigil_watch_counted_total"))
            .collect();
        assert_eq!(series.len(), SERIES_MAX + 1);
        assert!(
            series
                .iter()
                .any(|line| line.contains("user=\"other\"") && line.ends_with(" 2000"))
        );
        assert!(
            text.lines()
                .all(|line| line.starts_with("# ") || line.starts_with("pgvigil_watch_"))
        );
        assert!(!text.contains('\u{1b}') && !text.contains('\u{202e}'));
    }
}
