//! The metrics that the monitor publishes and the alarms watch: one table, so that they cannot disagree.

use serde_json::{Value, json};

use crate::policy::model::{Cluster, Signal};

/// A metric of one cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Metric {
    /// Its name.
    pub name: &'static str,
    /// Its dimensions, sorted by name.
    pub dimensions: Vec<(&'static str, String)>,
}

impl Metric {
    /// Statements of a signal that were counted in a window.
    pub fn signal(cluster: &Cluster, signal: Signal) -> Self {
        let (name, operation) = match signal {
            Signal::Dml => ("UserDMLOperationCount", "UserDMLFiltered"),
            Signal::Privilege => ("UserPrivilegeOperationCount", "UserPrivilegeFiltered"),
            Signal::Schema => ("UserSchemaOperationCount", "UserSchemaFiltered"),
            Signal::AuditTampering => ("AuditTamperingCount", "AuditTampering"),
            Signal::Denied => ("UserDeniedCount", "UserDenied"),
        };
        Self {
            name,
            dimensions: vec![
                ("LogGroup", cluster.log_group()),
                ("OperationType", operation.to_owned()),
            ],
        }
    }

    /// Runs of the monitor that failed.
    pub fn errors(cluster: &Cluster) -> Self {
        Self {
            name: "MonitorExecutionErrors",
            dimensions: vec![("LogGroup", cluster.log_group())],
        }
    }

    /// One for each run of the monitor that ended well.
    pub fn heartbeat(cluster: &Cluster) -> Self {
        Self {
            name: "MonitorHeartbeat",
            dimensions: vec![("LogGroup", cluster.log_group())],
        }
    }

    /// The dimensions as documents write them.
    pub(super) fn dimensions_value(&self) -> Value {
        self.dimensions
            .iter()
            .map(|(name, value)| ((*name).to_owned(), json!(value)))
            .collect::<serde_json::Map<_, _>>()
            .into()
    }

    /// The metric as a dashboard's widget writes it: namespace, name, then each dimension and its value.
    pub(super) fn widget_value(&self, namespace: &str) -> Value {
        let mut parts = vec![json!(namespace), json!(self.name)];
        for (name, value) in &self.dimensions {
            parts.push(json!(name));
            parts.push(json!(value));
        }
        parts.into()
    }
}
