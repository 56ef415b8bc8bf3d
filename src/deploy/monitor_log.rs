//! The port to the log of a monitor: what it counted and detected, as it wrote it at the time.

use serde::Serialize;

use super::port::CloudError;

/// An event of the log. It is written as `aws logs filter-log-events` writes it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LogEvent {
    /// The log group.
    pub log_group_name: String,
    /// The log stream: one for each process of the function.
    pub log_stream_name: String,
    /// The time that the event has, in milliseconds since 1970.
    pub timestamp: i64,
    /// When it arrived, likewise.
    pub ingestion_time: i64,
    /// The service's id of the event.
    pub event_id: String,
    /// The record.
    pub message: String,
}

/// Why the log was not read to its end.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// The service did not answer, or refused.
    #[error(transparent)]
    Cloud(#[from] CloudError),
    /// The events could not be written.
    #[error(transparent)]
    Output(#[from] std::io::Error),
}

/// Reads the log of a monitor.
pub trait MonitorLog {
    /// Hands over the events of a time, page by page and each page in the service's order: from `from_ms` until before
    /// `until_ms`, in milliseconds since 1970. A page can be empty.
    ///
    /// # Errors
    /// [`CloudError::NotFound`] if the log group does not exist; what `take` returns ends the reading.
    fn events(
        &self,
        log_group: &str,
        from_ms: i64,
        until_ms: i64,
        take: &mut dyn FnMut(&[LogEvent]) -> std::io::Result<()>,
    ) -> Result<(), LogError>;
}
