//! Dashboards for Grafana and alert rules for Prometheus, made from the lists of metrics that `watch` and the monitor publish.
//!
//! They are generated so that they cannot name a metric that is not published: the figures of the monitor come from
//! [`published`](crate::compile::resources::published), descriptions of panels from the help texts of
//! [`metrics`](crate::watch::metrics), and tests compare every name in an expression with these lists.
//!
//! The room is the last one because it reads both: the figures of `watch`, and those of the compiled monitor.

pub mod alerts;
mod layout;
mod monitor;
mod promql;
mod watch;

/// Every file, below the folder of the documents: its path and its text.
pub fn files() -> Vec<(&'static str, String)> {
    vec![
        ("grafana/watch.json", watch::dashboard()),
        ("grafana/watch-alerts.yaml", alerts::render()),
        ("grafana/monitor.json", monitor::dashboard()),
    ]
}

#[cfg(test)]
mod tests;
