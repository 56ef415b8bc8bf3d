//! The log of a monitor, as CloudWatch Logs keeps it.

use aws_sdk_cloudwatchlogs::types::FilteredLogEvent;

use super::connect::Aws;
use crate::deploy::monitor_log::{LogError, LogEvent, MonitorLog};
use crate::deploy::permission::Operation;

impl MonitorLog for Aws {
    fn events(
        &self,
        log_group: &str,
        from_ms: i64,
        until_ms: i64,
        take: &mut dyn FnMut(&[LogEvent]) -> std::io::Result<()>,
    ) -> Result<(), LogError> {
        let aws = &self.inner;
        let mut token: Option<String> = None;
        loop {
            let page = self.runtime.block_on(aws.caller.make(
                Operation::FilterLogEvents,
                log_group,
                || {
                    aws.logs
                        .filter_log_events()
                        .log_group_name(log_group)
                        .start_time(from_ms)
                        // The end belongs to the range (CloudWatch Logs API, `FilterLogEvents`).
                        .end_time(until_ms - 1)
                        .set_next_token(token.clone())
                        .send()
                },
            ))?;
            let events: Vec<LogEvent> = page
                .events
                .unwrap_or_default()
                .into_iter()
                .map(|event| of(log_group, event))
                .collect();
            // A page can be empty although others follow (the same page of the API); a caller who stops need not wait for them.
            take(&events)?;
            if page.next_token.is_none() {
                return Ok(());
            }
            if page.next_token == token {
                return Err(std::io::Error::other(format!(
                    "the pages of the log group {log_group} do not come to an end"
                ))
                .into());
            }
            token = page.next_token;
        }
    }
}

fn of(log_group: &str, event: FilteredLogEvent) -> LogEvent {
    LogEvent {
        log_group_name: log_group.to_owned(),
        log_stream_name: event.log_stream_name.unwrap_or_default(),
        timestamp: event.timestamp.unwrap_or_default(),
        ingestion_time: event.ingestion_time.unwrap_or_default(),
        event_id: event.event_id.unwrap_or_default(),
        message: event.message.unwrap_or_default(),
    }
}
