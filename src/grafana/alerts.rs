//! The alert rules about `watch`, as a file that Prometheus, Mimir and Grafana load.

use crate::policy::scalar::scalar;

use super::promql::grown;

/// How urgent an alert is: its label `severity`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Urgency {
    /// Wake someone.
    Critical,
    /// Someone looks today.
    Warning,
    /// Someone reads it sometime.
    Info,
}

impl Urgency {
    /// The label's value.
    pub fn name(self) -> &'static str {
        match self {
            Self::Critical => "critical",
            Self::Warning => "warning",
            Self::Info => "info",
        }
    }
}

/// An alert rule.
#[derive(Clone, Debug)]
pub struct Alert {
    pub name: &'static str,
    /// In PromQL: the alert fires for each series of the result.
    pub expression: String,
    /// How long the expression must hold, as a duration of Prometheus.
    pub hold: &'static str,
    pub urgency: Urgency,
    /// One line. `{{ $labels.x }}` are values of labels.
    pub summary: &'static str,
    /// What it means, and what to do.
    pub description: &'static str,
    /// The page that explains it, below the repository.
    pub page: &'static str,
}

/// Every rule. No text contains a name that a person chose: receivers might take it for a mention or a link.
pub fn alerts() -> Vec<Alert> {
    let mut all = gone();
    all.extend(behind());
    all.extend(broken());
    all.extend(counted());
    all
}

/// Alerts about a watcher that does not watch.
fn gone() -> Vec<Alert> {
    vec![
        Alert {
            name: "PgvigilWatchGone",
            // The second part finds a watcher whatever its job is called, and one that service discovery no longer lists.
            expression: "up{job=~\"pgvigil.*\"} == 0 \
                         or last_over_time(pgvigil_watch_healthy[1d]) unless pgvigil_watch_healthy"
                .to_owned(),
            hold: "5m",
            urgency: Urgency::Critical,
            summary: "No figures from the watcher {{ $labels.instance }}",
            description: "Prometheus cannot read the metrics of a watcher that it read in the last day, so no one might be \
                          watching this server. Check that `pgvigil watch` runs (`systemctl status pgvigil-watch`), then the \
                          network. After a restart it continues at its cursor and counts what it missed. If you removed the \
                          watcher on purpose, silence this alert for a day.",
            page: "docs/watch.md#what-is-guaranteed",
        },
        Alert {
            name: "PgvigilWatchAbsent",
            expression: "absent(pgvigil_watch_healthy)".to_owned(),
            hold: "10m",
            urgency: Urgency::Critical,
            summary: "Prometheus reads no watcher at all",
            description: "No watcher publishes metrics to this Prometheus, so none of the other alerts can fire. Check the \
                          scrape configuration and that `pgvigil watch --metrics` runs.",
            page: "docs/grafana.md",
        },
        Alert {
            name: "PgvigilWatchUnhealthy",
            expression: "pgvigil_watch_healthy == 0".to_owned(),
            hold: "5m",
            urgency: Urgency::Critical,
            summary: "The watcher {{ $labels.instance }} does not follow or deliver everything",
            description: "`/healthz` of the watcher lists each problem, and the watcher has printed it to its log. A more \
                          specific alert might name it too. Nothing is dropped: the watcher tries again until it succeeds.",
            page: "docs/watch.md#what-is-followed",
        },
        Alert {
            name: "PgvigilWatchFilesFailing",
            expression: "pgvigil_watch_files{state=\"failing\"} > 0".to_owned(),
            hold: "5m",
            urgency: Urgency::Critical,
            summary: "The watcher {{ $labels.instance }} cannot follow a log",
            description: "The watcher cannot open, read or list a file, or a pattern matches no file. Records in that log are \
                          not counted meanwhile. `/healthz` names the file. Check its permissions (`log_file_mode = 0640`) and \
                          that the folder still exists.",
            page: "docs/watch.md#what-is-followed",
        },
        Alert {
            name: "PgvigilWatchSilent",
            expression: "increase(pgvigil_watch_entries_total[10m]) == 0".to_owned(),
            hold: "1h",
            urgency: Urgency::Warning,
            summary: "No log entry for over an hour on {{ $labels.instance }}",
            description: "The server has written nothing that the watcher reads. Even an idle server logs checkpoints if \
                          `log_checkpoints` is on. Check that the server runs, that it still writes to this folder, and that \
                          `log_destination` is `stderr`. If an idle server is normal here, raise the time.",
            page: "docs/watch.md#your-own-server",
        },
    ]
}

/// Alerts about a watcher that is late.
fn behind() -> Vec<Alert> {
    vec![
        Alert {
            name: "PgvigilWatchLag",
            expression: "pgvigil_watch_lag_seconds > 300".to_owned(),
            hold: "5m",
            urgency: Urgency::Warning,
            summary: "The watcher {{ $labels.instance }} is more than five minutes late",
            description: "Records are judged and delivered late, but they are not lost while the log files exist. Look for an \
                          output or a webhook that accepts nothing, then for a processor that is too busy. Do not remove or \
                          compress logs until the lag is 0.",
            page: "docs/watch.md#the-webhook",
        },
        Alert {
            name: "PgvigilWatchBehind",
            expression: "pgvigil_watch_behind_bytes > 64 * 1024 * 1024".to_owned(),
            hold: "10m",
            urgency: Urgency::Warning,
            summary: "More than 64 MB of log are not judged on {{ $labels.instance }}",
            description: "The server writes faster than the watcher judges, or the watcher waits for its output or its \
                          webhook. Keep rotated logs uncompressed until the watcher has read them (`delaycompress`).",
            page: "docs/watch.md#what-is-followed",
        },
    ]
}

/// Alerts about a part of a watcher that fails.
fn broken() -> Vec<Alert> {
    vec![
        Alert {
            name: "PgvigilWatchOutputErrors",
            expression: "increase(pgvigil_watch_output_errors_total[5m]) > 0".to_owned(),
            hold: "2m",
            urgency: Urgency::Critical,
            summary: "The watcher {{ $labels.instance }} cannot write its output",
            description: "The disk might be full, or the folder not writable. The watcher reads nothing until a write \
                          succeeds, and then continues without a loss. Make room or fix the permissions; a restart is not \
                          necessary.",
            page: "docs/watch.md#what-is-guaranteed",
        },
        Alert {
            name: "PgvigilWatchCursorErrors",
            expression: "increase(pgvigil_watch_cursor_errors_total[5m]) > 0".to_owned(),
            hold: "2m",
            urgency: Urgency::Warning,
            summary: "The watcher {{ $labels.instance }} cannot write its cursor",
            description: "Records are still delivered. But after a restart the watcher continues at an old place, so it \
                          delivers some records again. Make room on the disk of the cursor or fix the permissions, before \
                          anyone restarts the watcher.",
            page: "docs/watch.md#what-is-guaranteed",
        },
        Alert {
            name: "PgvigilWatchPolicyBroken",
            expression: "pgvigil_watch_policy_broken == 1".to_owned(),
            hold: "5m",
            urgency: Urgency::Warning,
            summary: "The policy files of {{ $labels.instance }} have errors",
            description: "The last valid policy still judges, so a change that someone expects is not in force. Run `pgvigil \
                          check` in the policy's folder and fix what it lists; the watcher reads the files again by itself.",
            page: "docs/watch.md#the-policy-while-it-runs",
        },
        Alert {
            name: "PgvigilWatchWebhookFailing",
            expression:
                "sum without (reason) (increase(pgvigil_watch_webhook_failures_total[10m])) > 0 \
                         and pgvigil_watch_webhook_queue_records > 0"
                    .to_owned(),
            hold: "5m",
            urgency: Urgency::Critical,
            summary: "The webhook of {{ $labels.instance }} accepts no records",
            description: "Records that count wait in memory, so the people behind the webhook do not see them. The log of \
                          the watcher has the status of the receiver. A status such as 401 or 404 needs a new address or \
                          key; anything else the watcher tries again. With a cursor, a restart loses nothing.",
            page: "docs/watch.md#the-webhook",
        },
    ]
}

/// Alerts about what people do.
fn counted() -> Vec<Alert> {
    let severities = |condition: &str| {
        let series = format!("pgvigil_watch_severities_total{{{condition}}}");
        format!(
            "sum without (severity) ({}) > 0",
            grown(&series, RECORDS_RANGE)
        )
    };
    let look = "docs/runbook.md#1-who-what-where";
    vec![
        Alert {
            name: "PgvigilRecordsCritical",
            expression: severities("severity=\"critical\""),
            hold: "0m",
            urgency: Urgency::Critical,
            summary: "Records of the severity critical count on {{ $labels.instance }}",
            description: "A person did something that no exclusion silences and that the policy calls critical. The output of \
                          the watcher shows who, what and when; the dashboard shows the numbers. Find out whether the work is \
                          expected, and keep the log.",
            page: look,
        },
        Alert {
            name: "PgvigilRecords",
            expression: severities("severity=~\"medium|high\""),
            hold: "0m",
            urgency: Urgency::Warning,
            summary: "Records of the severity medium or high count on {{ $labels.instance }}",
            description: "A person did something that no exclusion silences. The output of the watcher shows who, what and \
                          when; the dashboard shows the numbers. Without `sensitivity` in the policy every record is medium.",
            page: look,
        },
        Alert {
            name: "PgvigilRecordsLow",
            expression: severities("severity=\"low\""),
            hold: "0m",
            urgency: Urgency::Info,
            summary: "Records of the severity low count on {{ $labels.instance }}",
            description: "A person did something that no exclusion silences and that the policy calls low. It can wait for \
                          the next working day.",
            page: look,
        },
        Alert {
            name: "PgvigilAuditTampering",
            expression: format!(
                "{} > 0",
                bracketed(&grown(
                    "pgvigil_watch_signals_total{signal=\"audit_tampering\"}",
                    RECORDS_RANGE
                ))
            ),
            hold: "0m",
            urgency: Urgency::Critical,
            summary: "Someone touched the audit settings on {{ $labels.instance }}",
            description: "A statement names pgAudit or another setting that decides what is logged; refused statements \
                          count too. No exclusion silences it. Treat it as unexpected until you know better: look at the record, then \
                          run `pgvigil enrol coverage` to see whose audit is weakened.",
            page: "docs/signals.md",
        },
        Alert {
            name: "PgvigilRecordsNotUnderstood",
            // An empty label is an absent one. Such a record has no class or command either.
            expression: format!(
                "{} > 0",
                bracketed(&grown(
                    "pgvigil_watch_counted_total{user=\"\"}",
                    RECORDS_RANGE
                ))
            ),
            hold: "0m",
            urgency: Urgency::Warning,
            summary: "Records that belong to no user count on {{ $labels.instance }}",
            description: "An entry can be read in more than one way, so pgvigil shows no user for it. Either \
                          `log_line_prefix` is not that of the environment (then the watcher is unhealthy too), or someone \
                          chose a name or a text that looks like another record. `pgvigil rules explain --line` shows which.",
            page: "docs/logs.md",
        },
        Alert {
            name: "PgvigilTextNotUnderstood",
            expression: "increase(pgvigil_watch_foreign_total[15m]) > 0".to_owned(),
            hold: "5m",
            urgency: Urgency::Info,
            summary: "A log of {{ $labels.instance }} contains text that belongs to no entry",
            description: "Another program writes to the same file, or the beginning of a log is missing. Records in such a \
                          text might have lost their user. Give each program its own log.",
            page: "docs/logs.md",
        },
    ]
}

/// How long an alert about records fires.
const RECORDS_RANGE: &str = "10m";

/// `or` binds less than a comparison.
fn bracketed(expression: &str) -> String {
    format!("({expression})")
}

/// The rule file.
pub(super) fn render() -> String {
    let mut text = String::from(
        "# Generated by `pgvigil schema --docs docs` from src/grafana/alerts.rs: do not change it here.\n\
         # What each alert means: docs/grafana.md. For Prometheus (`rule_files`), Mimir (`mimirtool rules load`) and Grafana.\n\
         groups:\n  - name: pgvigil-watch\n    rules:\n",
    );
    for alert in alerts() {
        text.push_str(&format!("      - alert: {}\n", alert.name));
        text.push_str(&format!("        expr: {}\n", scalar(&alert.expression)));
        text.push_str(&format!("        for: {}\n", alert.hold));
        text.push_str(&format!(
            "        labels:\n          severity: {}\n",
            alert.urgency.name()
        ));
        text.push_str("        annotations:\n");
        for (key, value) in [
            ("summary", alert.summary),
            ("description", alert.description),
            ("page", alert.page),
        ] {
            text.push_str(&format!("          {key}: {}\n", scalar(value)));
        }
    }
    text
}
