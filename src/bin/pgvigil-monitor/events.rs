//! Events of EventBridge.

use std::time::Duration;

use aws_sdk_eventbridge::primitives::DateTime;
use aws_sdk_eventbridge::types::PutEventsRequestEntry;
use pgvigil::evidence::event::SOURCE;
use pgvigil::monitor::port::{CallError, CallErrorKind, Event, Events};

use crate::aws::Services;
use crate::failure::{answer, kind_of};

impl Events for Services {
    async fn send(
        &self,
        bus: &str,
        events: &[&Event],
        within: Duration,
    ) -> Result<Vec<(usize, CallError)>, CallError> {
        let entries = events.iter().map(|event| {
            PutEventsRequestEntry::builder()
                .event_bus_name(bus)
                .source(SOURCE)
                .detail_type(event.detail_type)
                .time(DateTime::from_millis(event.time_ms))
                .detail(&event.detail)
                .build()
        });
        let call = self
            .events
            .put_events()
            .set_entries(Some(entries.collect()));
        let answered = answer(within, call.send()).await?;
        let results = answered.entries();
        // An answer about other entries says nothing about ours.
        if results.len() != events.len() {
            return Err(CallError {
                kind: CallErrorKind::Lost,
                message: format!(
                    "the service answered for {} events of {}",
                    results.len(),
                    events.len()
                ),
            });
        }
        let failed = results.iter().enumerate().filter_map(|(place, result)| {
            // An entry without an id is not on the bus, whatever else the answer says.
            if result.event_id().is_some() {
                return None;
            }
            let code = result.error_code().unwrap_or("no event id");
            Some((
                place,
                CallError {
                    kind: kind_of(code),
                    message: format!("{code}: {}", result.error_message().unwrap_or_default()),
                },
            ))
        });
        Ok(failed.collect())
    }
}
