//! One event of CloudWatch, from JSON.

use crate::audit_log::timestamp::split_iso;
use serde::Deserialize;
use serde::de::{self, IgnoredAny, MapAccess, SeqAccess, Visitor};
use std::borrow::Cow;
use std::fmt;

/// An event, as far as an audit needs it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Event<'a> {
    pub(super) message: Cow<'a, [u8]>,
    pub(super) timestamp_ms: Option<i64>,
    pub(super) ingestion_ms: Option<i64>,
    pub(super) log_stream: Option<Cow<'a, [u8]>>,
}

/// Reads one of
/// - `{"timestamp":…,"message":"…","ingestionTime":…,"logStreamName":"…"}` (FilterLogEvents,
///   GetLogEvents, subscriptions),
/// - `{"@timestamp":"…","@message":"…",…}` (downloads of the console),
/// - `[{"field":"@timestamp","value":"…"},…]` (a row of GetQueryResults),
/// - `"message"` (`--query 'events[].message'`).
///
/// `Ok(None)` when it is JSON and has no message.
pub(super) fn parse_json(text: &[u8]) -> Result<Option<Event<'_>>, String> {
    let parsed: Parsed<'_> = serde_json::from_slice(text)
        .map_err(|error| format!("the event is not valid JSON: {error}"))?;
    Ok(parsed.message.map(|message| Event {
        message,
        timestamp_ms: parsed.timestamp_ms,
        ingestion_ms: parsed.ingestion_ms,
        log_stream: parsed.log_stream,
    }))
}

#[derive(Default)]
struct Parsed<'a> {
    message: Option<Cow<'a, [u8]>>,
    timestamp_ms: Option<i64>,
    ingestion_ms: Option<i64>,
    log_stream: Option<Cow<'a, [u8]>>,
}

impl<'a> Parsed<'a> {
    fn set(&mut self, name: &[u8], value: Scalar<'a>) {
        match name {
            b"message" | b"@message" => self.message = value.into_text().or(self.message.take()),
            b"timestamp" | b"@timestamp" => self.timestamp_ms = value.into_ms(),
            b"ingestionTime" | b"@ingestionTime" => self.ingestion_ms = value.into_ms(),
            b"logStreamName" | b"logStream" | b"@logStream" => self.log_stream = value.into_text(),
            _ => {}
        }
    }
}

/// A text or a number; anything else is passed over.
enum Scalar<'a> {
    Text(Cow<'a, [u8]>),
    Number(i64),
    Other,
}

impl<'a> Scalar<'a> {
    fn into_text(self) -> Option<Cow<'a, [u8]>> {
        match self {
            Self::Text(text) => Some(text),
            Self::Number(_) | Self::Other => None,
        }
    }

    fn into_ms(self) -> Option<i64> {
        match self {
            Self::Text(text) => time_ms(&text),
            Self::Number(number) => Some(number),
            Self::Other => None,
        }
    }
}

/// A time as CloudWatch prints it: milliseconds since 1970, or a date.
pub(super) fn time_ms(text: &[u8]) -> Option<i64> {
    match split_iso(text) {
        Some((ms, _)) => Some(ms),
        None => std::str::from_utf8(text).ok()?.trim().parse().ok(),
    }
}

struct ParsedVisitor;

impl<'de> Visitor<'de> for ParsedVisitor {
    type Value = Parsed<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an event of CloudWatch Logs")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut parsed = Parsed::default();
        while let Some(Bytes(name)) = map.next_key()? {
            match name.as_ref() {
                b"message" | b"@message" | b"logStreamName" | b"logStream" | b"@logStream" => {
                    let text: Option<Bytes<'de>> = map.next_value()?;
                    parsed.set(
                        &name,
                        text.map_or(Scalar::Other, |text| Scalar::Text(text.0)),
                    );
                }
                b"timestamp" | b"@timestamp" | b"ingestionTime" | b"@ingestionTime" => {
                    parsed.set(&name, map.next_value()?);
                }
                _ => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(parsed)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut row: A) -> Result<Self::Value, A::Error> {
        let mut parsed = Parsed::default();
        while let Some(column) = row.next_element::<Column<'de>>()? {
            if let Some(value) = column.value {
                parsed.set(&column.field.0, Scalar::Text(value.0));
            }
        }
        Ok(parsed)
    }

    fn visit_bytes<E: de::Error>(self, text: &[u8]) -> Result<Self::Value, E> {
        Ok(Parsed {
            message: Some(Cow::Owned(text.to_vec())),
            ..Parsed::default()
        })
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Self::Value, E> {
        self.visit_bytes(text.as_bytes())
    }
}

impl<'de> Deserialize<'de> for Parsed<'de> {
    fn deserialize<D: de::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ParsedVisitor)
    }
}

/// A column of a row of GetQueryResults.
#[derive(Deserialize)]
struct Column<'a> {
    #[serde(borrow)]
    field: Bytes<'a>,
    #[serde(borrow, default)]
    value: Option<Bytes<'a>>,
}

/// A JSON string whose text need not be valid Unicode.
struct Bytes<'a>(Cow<'a, [u8]>);

impl<'de: 'a, 'a> Deserialize<'de> for Bytes<'a> {
    fn deserialize<D: de::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct BytesVisitor;
        impl<'de> Visitor<'de> for BytesVisitor {
            type Value = Bytes<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string")
            }

            fn visit_borrowed_bytes<E: de::Error>(self, text: &'de [u8]) -> Result<Self::Value, E> {
                Ok(Bytes(Cow::Borrowed(text)))
            }

            fn visit_bytes<E: de::Error>(self, text: &[u8]) -> Result<Self::Value, E> {
                Ok(Bytes(Cow::Owned(text.to_vec())))
            }

            fn visit_borrowed_str<E: de::Error>(self, text: &'de str) -> Result<Self::Value, E> {
                Ok(Bytes(Cow::Borrowed(text.as_bytes())))
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Self::Value, E> {
                Ok(Bytes(Cow::Owned(text.as_bytes().to_vec())))
            }
        }
        deserializer.deserialize_bytes(BytesVisitor)
    }
}

impl<'de> Deserialize<'de> for Scalar<'de> {
    fn deserialize<D: de::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ScalarVisitor;
        impl<'de> Visitor<'de> for ScalarVisitor {
            type Value = Scalar<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a time")
            }

            fn visit_i64<E: de::Error>(self, number: i64) -> Result<Self::Value, E> {
                Ok(Scalar::Number(number))
            }

            fn visit_u64<E: de::Error>(self, number: u64) -> Result<Self::Value, E> {
                Ok(i64::try_from(number).map_or(Scalar::Other, Scalar::Number))
            }

            fn visit_f64<E: de::Error>(self, _: f64) -> Result<Self::Value, E> {
                Ok(Scalar::Other)
            }

            fn visit_unit<E: de::Error>(self) -> Result<Self::Value, E> {
                Ok(Scalar::Other)
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Self::Value, E> {
                Ok(Scalar::Text(Cow::Owned(text.as_bytes().to_vec())))
            }
        }
        deserializer.deserialize_any(ScalarVisitor)
    }
}
