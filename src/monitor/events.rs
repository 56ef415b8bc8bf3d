//! Events on a bus: one for each new detection, so that a program can react to it.

use super::RunError;
use super::attempt::Patience;
use super::port::{CallError, CallErrorKind, Event, World};
use crate::evidence::event::{DETAIL_TYPE, SOURCE};

/// Entries of one call of `PutEvents` at most (EventBridge API reference, `PutEvents`).
const CALL_ENTRIES: usize = 10;

/// Bytes of one entry, and of all entries of a call together, at most (EventBridge user guide, "Calculating PutEvents event
/// entry size": "the total entry size must be less than 256KB", read on 3 December 2026). AWS takes more since: a call does
/// not depend on that.
const CALL_BYTES: usize = 256 * 1024 - 1;

/// What the time of an entry counts for (there).
const TIME_BYTES: usize = 14;

/// Sends events. What a bus takes of a call is not sent again by this run, and what it does not take is.
pub(super) async fn send<P: World>(
    port: &P,
    patience: &Patience<'_, P>,
    bus: &str,
    events: &[Event],
) -> Result<(), RunError> {
    for call in calls(events) {
        let mut left: Vec<&Event> = call.iter().collect();
        patience
            .call("send the events of new detections", async |within| {
                let failed = port.send(bus, &left, within).await?;
                let Some(worst) = worst(&failed) else {
                    return Ok(());
                };
                left = failed
                    .iter()
                    .filter_map(|(place, _)| left.get(*place).copied())
                    .collect();
                Err(worst)
            })
            .await?;
    }
    Ok(())
}

/// Of several failures the one that decides whether another attempt can help: what is refused is refused again.
fn worst(failed: &[(usize, CallError)]) -> Option<CallError> {
    let rank = |error: &CallError| match error.kind {
        CallErrorKind::Busy => 0,
        CallErrorKind::Lost => 1,
        CallErrorKind::Refused => 2,
    };
    let (_, error) = failed.iter().max_by_key(|(_, error)| rank(error))?;
    Some(CallError {
        kind: error.kind,
        message: format!("{} of the events: {}", failed.len(), error.message),
    })
}

/// Events by calls. One that is larger than a call has a call of its own, which the service refuses, and the run fails.
fn calls(events: &[Event]) -> Vec<&[Event]> {
    let mut calls = Vec::new();
    let (mut start, mut bytes) = (0, 0);
    for (place, event) in events.iter().enumerate() {
        let size = size(event);
        let is_full = place - start == CALL_ENTRIES || bytes + size > CALL_BYTES;
        if is_full && place > start {
            calls.extend(events.get(start..place));
            (start, bytes) = (place, 0);
        }
        bytes += size;
    }
    if start < events.len() {
        calls.extend(events.get(start..));
    }
    calls
}

/// Bytes that EventBridge counts.
fn size(event: &Event) -> usize {
    TIME_BYTES + SOURCE.len() + DETAIL_TYPE.len() + event.detail.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(bytes: usize) -> Event {
        Event {
            time_ms: 0,
            detail: "x".repeat(bytes),
        }
    }

    #[test]
    fn no_call_has_more_than_the_service_takes() {
        let events: Vec<Event> = (0..25).map(|_| event(1000)).collect();
        let sizes = |events: &[Event]| -> Vec<usize> {
            calls(events).iter().map(|call| call.len()).collect()
        };
        assert_eq!(sizes(&events), [10, 10, 5]);
        assert_eq!(sizes(&[]), [0; 0]);
        let large: Vec<Event> = (0..4).map(|_| event(100_000)).collect();
        assert_eq!(sizes(&large), [2, 2]);
        assert!(calls(&large).iter().all(|call| {
            call.iter().map(size).sum::<usize>() < 256 * 1024
        }));
        // Too large for any call: alone, so that the others are sent.
        let odd = [event(10), event(300_000), event(10)];
        assert_eq!(sizes(&odd), [1, 1, 1]);
    }

    #[test]
    fn what_is_refused_decides() {
        let error = |kind| CallError {
            kind,
            message: String::new(),
        };
        let failed = [
            (0, error(CallErrorKind::Busy)),
            (3, error(CallErrorKind::Refused)),
            (4, error(CallErrorKind::Lost)),
        ];
        assert_eq!(worst(&failed).unwrap().kind, CallErrorKind::Refused);
        assert_eq!(worst(&failed[..1]).unwrap().kind, CallErrorKind::Busy);
        assert_eq!(worst(&[]), None);
    }
}
