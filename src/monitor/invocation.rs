//! What an invocation asks for.

use jiff::Timestamp;
use serde_json::Value;

use super::RunError;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invocation {
    pub what: What,
    /// When Lambda ends it, in milliseconds since 1970.
    pub deadline_ms: i64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum What {
    /// The windows that had settled at the scheduled time. A retry bears the same time.
    Scheduled {
        /// Milliseconds since 1970.
        time_ms: i64,
    },
    /// Those that have settled now: somebody invokes the function by hand.
    Now,
    /// The windows that arrival times of this range belong to.
    Range {
        /// Milliseconds since 1970.
        from_ms: i64,
        /// Milliseconds since 1970; not in the range itself.
        until_ms: i64,
    },
}

impl What {
    /// Reads an event: EventBridge's scheduled one, `{"from": …, "until": …}` for a range, or anything else that names
    /// no kind of event, such as `{}`.
    ///
    /// # Errors
    /// The event is of a kind that is not known, or its times cannot be read.
    pub fn read(event: &Value) -> Result<Self, RunError> {
        let fields = match event {
            Value::Null => return Ok(Self::Now),
            Value::Object(fields) => fields,
            _ => {
                return Err(refused(
                    "the event is not a JSON object: send `{}`, or `{\"from\": …, \"until\": …}`",
                ));
            }
        };
        let time = |key: &str| match fields.get(key) {
            None => Ok(None),
            Some(value) => value
                .as_str()
                .and_then(|text| text.parse::<Timestamp>().ok())
                .map(|time| Some(time.as_millisecond()))
                .ok_or_else(|| {
                    refused(&format!(
                        "`{key}` of the event is not a time like `2026-11-22T09:00:00Z`"
                    ))
                }),
        };
        match fields.get("detail-type").map(|kind| kind.as_str()) {
            Some(Some("Scheduled Event")) => {
                let time_ms =
                    time("time")?.ok_or_else(|| refused("the scheduled event has no `time`"))?;
                return Ok(Self::Scheduled { time_ms });
            }
            Some(_) => {
                return Err(refused(
                    "the event does not come from a schedule: the monitor accepts `Scheduled Event`, `{}`, and `{\"from\": …, \"until\": …}`",
                ));
            }
            None => {}
        }
        match (time("from")?, time("until")?) {
            (None, None) => Ok(Self::Now),
            (Some(from_ms), Some(until_ms)) if from_ms < until_ms => {
                Ok(Self::Range { from_ms, until_ms })
            }
            (Some(_), Some(_)) => Err(refused("`until` of the event is not after `from`")),
            _ => Err(refused("a range needs both `from` and `until`")),
        }
    }
}

fn refused(message: &str) -> RunError {
    RunError::Invocation(message.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn events_are_read_or_refused() {
        let scheduled = json!({"version": "0", "detail-type": "Scheduled Event", "source": "aws.events",
            "time": "2026-11-22T09:05:00Z", "detail": {}, "resources": []});
        assert_eq!(
            What::read(&scheduled).unwrap(),
            What::Scheduled {
                time_ms: 1_795_338_300_000
            }
        );
        for event in [json!({}), Value::Null, json!({"key1": "value1"})] {
            assert_eq!(What::read(&event).unwrap(), What::Now);
        }
        let range = json!({"from": "2026-11-22T09:00:00Z", "until": "2026-11-22T10:00:00+01:00"});
        assert!(What::read(&range).is_err(), "the same moment twice");
        let range = json!({"from": "2026-11-22T09:00:00Z", "until": "2026-11-22T10:00:00Z"});
        assert!(matches!(What::read(&range).unwrap(), What::Range { .. }));
        for event in [
            json!([]),
            json!("x"),
            json!({"detail-type": "EC2 Instance State-change Notification"}),
            json!({"detail-type": 1}),
            json!({"detail-type": "Scheduled Event"}),
            json!({"detail-type": "Scheduled Event", "time": "now"}),
            json!({"from": "2026-11-22T09:00:00Z"}),
            json!({"from": 1, "until": 2}),
        ] {
            assert!(
                matches!(What::read(&event), Err(RunError::Invocation(_))),
                "{event}"
            );
        }
    }
}
