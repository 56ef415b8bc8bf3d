//! Events on a bus: one for each new detection, so that a program can react to it.

use std::collections::BTreeMap;
use std::iter::Peekable;

use super::RunError;
use super::attempt::Patience;
use super::port::{CallError, CallErrorKind, Event, World};
use super::row::{Place, Row, in_turn};
use crate::evidence::event::SOURCE;

/// Entries of one call of `PutEvents` at most (EventBridge API reference, `PutEvents`).
const CALL_ENTRIES: usize = 10;

/// Bytes of one entry, and of all entries of a call together, at most (EventBridge user guide, "Calculating PutEvents event
/// entry size": "the total entry size must be less than 256KB", read on 3 December 2026). AWS takes more since: a call does
/// not depend on that.
const CALL_BYTES: usize = 256 * 1024 - 1;

/// What the time of an entry counts for (there).
const TIME_BYTES: usize = 14;

/// Events of one window of one log group at most: a hundred calls. A query returns 100,000 rows, and with an event for each of
/// them a flood would take the whole time of the run.
pub(super) const MOST: usize = 1000;

const OPERATION: &str = "send the events of new detections";

/// The groups of one window of one log group that have an event, and how many have none.
pub(super) struct Chosen<'a> {
    pub(super) rows: Vec<&'a Row>,
    pub(super) left_out: usize,
}

/// Chooses the groups that have an event, by window and log group: everybody's gravest first, so that a flood of one person
/// takes no event from another.
pub(super) fn choose<'a>(rows: impl Iterator<Item = &'a Row>) -> BTreeMap<Place, Chosen<'a>> {
    let mut places: BTreeMap<Place, Vec<&Row>> = BTreeMap::new();
    for row in rows {
        places.entry(row.place).or_default().push(row);
    }
    let chosen = places.into_iter().map(|(place, mut rows)| {
        let left_out = rows.len().saturating_sub(MOST);
        if left_out > 0 {
            rows = in_turn(rows, |row| (&row.key, row.sum.statements));
            rows.truncate(MOST);
        }
        (place, Chosen { rows, left_out })
    });
    chosen.collect()
}

/// Sends events, call by call. What a bus takes of a call is not sent again by this run, and what got lost or found no room is.
/// What a bus refuses does not keep the others from it, and fails the run at the end.
pub(super) async fn send<P: World>(
    port: &P,
    patience: &Patience<'_, P>,
    bus: &str,
    events: impl Iterator<Item = Event>,
) -> Result<(), RunError> {
    let mut events = events.peekable();
    let (mut refused, mut why) = (0, None);
    loop {
        let call = next_call(&mut events);
        if call.is_empty() {
            break;
        }
        let mut left: Vec<&Event> = call.iter().collect();
        patience
            .call(OPERATION, async |within| {
                let failed = port.send(bus, &left, within).await?;
                let (hopeless, others): (Vec<_>, Vec<_>) = failed
                    .into_iter()
                    .partition(|(_, error)| error.kind == CallErrorKind::Refused);
                refused += hopeless.len();
                if let Some((_, error)) = hopeless.into_iter().next() {
                    why.get_or_insert(error.message);
                }
                left = others
                    .iter()
                    .filter_map(|(place, _)| left.get(*place).copied())
                    .collect();
                worst(others).map_or(Ok(()), Err)
            })
            .await?;
    }
    match why {
        None => Ok(()),
        Some(message) => Err(RunError::Call {
            operation: OPERATION,
            message: format!("{refused} of the events: {message}"),
        }),
    }
}

/// Of several failures the one that bounds the attempts: what is lost is given up before what finds no room.
fn worst(failed: Vec<(usize, CallError)>) -> Option<CallError> {
    let count = failed.len();
    let is_lost = |error: &CallError| error.kind == CallErrorKind::Lost;
    let (_, error) = failed.into_iter().max_by_key(|(_, error)| is_lost(error))?;
    Some(CallError {
        kind: error.kind,
        message: format!("{count} of the events: {}", error.message),
    })
}

/// The events of the next call; none at the end. A flood has many, so no more than these are made at a time. One that is larger
/// than a call has a call of its own, which the service refuses.
fn next_call(events: &mut Peekable<impl Iterator<Item = Event>>) -> Vec<Event> {
    let mut call = Vec::new();
    let mut bytes = 0;
    while call.len() < CALL_ENTRIES {
        let Some(event) =
            events.next_if(|event| call.is_empty() || bytes + size(event) <= CALL_BYTES)
        else {
            break;
        };
        bytes += size(&event);
        call.push(event);
    }
    call
}

/// Bytes that EventBridge counts.
fn size(event: &Event) -> usize {
    TIME_BYTES + SOURCE.len() + event.detail_type.len() + event.detail.len()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evidence::event::DETAIL_TYPE;

    fn event(bytes: usize) -> Event {
        Event {
            detail_type: DETAIL_TYPE,
            time_ms: 0,
            detail: "x".repeat(bytes),
        }
    }

    fn calls(events: Vec<Event>) -> Vec<Vec<Event>> {
        let mut events = events.into_iter().peekable();
        let mut calls = Vec::new();
        loop {
            match next_call(&mut events) {
                call if call.is_empty() => return calls,
                call => calls.push(call),
            }
        }
    }

    #[test]
    fn no_call_has_more_than_the_service_takes() {
        let sizes = |events| -> Vec<usize> { calls(events).iter().map(Vec::len).collect() };
        assert_eq!(sizes(vec![event(1000); 25]), [10, 10, 5]);
        assert_eq!(sizes(Vec::new()), [0; 0]);
        let large = calls(vec![event(100_000); 4]);
        assert_eq!(large.len(), 2);
        for call in &large {
            assert!(call.iter().map(size).sum::<usize>() < 256 * 1024);
        }
        // To the byte.
        let half = CALL_BYTES / 2 - (TIME_BYTES + SOURCE.len() + DETAIL_TYPE.len());
        assert_eq!(sizes(vec![event(half), event(half + 1)]), [2]);
        assert_eq!(sizes(vec![event(half), event(half + 2)]), [1, 1]);
        // Too large for any call: alone, so that the others are sent.
        assert_eq!(sizes(vec![event(10), event(300_000), event(10)]), [1, 1, 1]);
    }

    #[test]
    fn what_is_lost_bounds_the_attempts() {
        let error = |kind| CallError {
            kind,
            message: String::new(),
        };
        let busy = (0, error(CallErrorKind::Busy));
        let lost = (4, error(CallErrorKind::Lost));
        let worst_kind = |failed: &[(usize, CallError)]| worst(failed.to_vec()).map(|it| it.kind);
        assert_eq!(
            worst_kind(&[busy.clone(), lost, busy.clone()]),
            Some(CallErrorKind::Lost)
        );
        assert_eq!(worst_kind(&[busy]), Some(CallErrorKind::Busy));
        assert_eq!(worst_kind(&[]), None);
    }
}
