//! Values: what they look like, how they compare, how they are written.

use std::borrow::Cow;
use std::cmp::Ordering;

/// A value while a row is judged. Text is bytes: a log may hold invalid UTF-8.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value<'a> {
    /// The field is missing.
    Null,
    Text(Cow<'a, [u8]>),
    Number(f64),
    /// Milliseconds since 1970.
    Time(i64),
}

/// A value that outlives its row.
pub(super) type Owned = Value<'static>;

impl<'a> Value<'a> {
    pub(super) fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    /// The value as text, unless it is missing.
    pub(super) fn text(&self) -> Option<Cow<'_, [u8]>> {
        match self {
            Self::Null => None,
            Self::Text(text) => Some(Cow::Borrowed(text)),
            Self::Number(number) => Some(Cow::Owned(number_text(*number).into_bytes())),
            Self::Time(milliseconds) => Some(Cow::Owned(time_text(*milliseconds).into_bytes())),
        }
    }

    /// The value as a number, if it is one or looks like one.
    pub(super) fn number(&self) -> Option<f64> {
        match self {
            Self::Number(number) => Some(*number),
            Self::Text(text) => number(text),
            Self::Null | Self::Time(_) => None,
        }
    }

    pub(super) fn into_owned(self) -> Owned {
        match self {
            Self::Null => Value::Null,
            Self::Text(text) => Value::Text(Cow::Owned(text.into_owned())),
            Self::Number(number) => Value::Number(number),
            Self::Time(milliseconds) => Value::Time(milliseconds),
        }
    }

    /// As GetQueryResults would show it.
    pub(super) fn rendered(&self) -> Option<String> {
        self.text()
            .map(|text| String::from_utf8_lossy(&text).into_owned())
    }

    /// Appends bytes that only an equal value of the same type appends.
    pub(super) fn encode(&self, into: &mut Vec<u8>) {
        match self {
            Self::Null => into.push(0),
            Self::Text(text) => {
                into.push(1);
                into.extend_from_slice(&text.len().to_le_bytes());
                into.extend_from_slice(text);
            }
            Self::Number(number) => {
                into.push(2);
                into.extend_from_slice(&number.to_bits().to_le_bytes());
            }
            Self::Time(milliseconds) => {
                into.push(3);
                into.extend_from_slice(&milliseconds.to_le_bytes());
            }
        }
    }

    /// Writes the length of a text that was encoded as empty at `start` and appended to from `text`
    /// on.
    pub(super) fn seal_text(encoded: &mut [u8], start: usize, text: usize) {
        let length = (encoded.len() - text).to_le_bytes();
        if let Some(place) = encoded.get_mut(start + 1..text) {
            place.copy_from_slice(&length);
        }
    }

    /// A number that cannot be told is a missing value.
    pub(super) fn from_number(number: f64) -> Self {
        if number.is_finite() {
            Self::Number(number)
        } else {
            Self::Null
        }
    }

    pub(super) fn from_text(text: impl Into<Cow<'a, [u8]>>) -> Self {
        Self::Text(text.into())
    }
}

/// Decimal digits with an optional sign and fraction: `12`, `-0.5`. Nothing else is a number.
pub(super) fn number(text: &[u8]) -> Option<f64> {
    if text.len() > 40 {
        return None;
    }
    let digits = text.strip_prefix(b"-").unwrap_or(text);
    let mut parts = digits.splitn(2, |&byte| byte == b'.');
    let plain = |part: &[u8]| !part.is_empty() && part.iter().all(u8::is_ascii_digit);
    let whole = parts.next().is_some_and(plain);
    if !whole || !parts.next().is_none_or(plain) {
        return None;
    }
    std::str::from_utf8(text).ok()?.parse().ok()
}

/// How two values compare: as numbers when both look like numbers, else as text by bytes; unknown
/// when one is missing.
pub(super) fn compare(left: &Value<'_>, right: &Value<'_>) -> Option<Ordering> {
    match (left, right) {
        (Value::Null, _) | (_, Value::Null) => None,
        (Value::Time(left), Value::Time(right)) => Some(left.cmp(right)),
        (Value::Text(left), Value::Text(right)) if left == right => Some(Ordering::Equal),
        _ => match (left.number(), right.number()) {
            (Some(left), Some(right)) => left.partial_cmp(&right),
            _ => Some(left.text()?.cmp(&right.text()?)),
        },
    }
}

/// The order of `sort`, ascending: missing values, then text, then numbers. In text, runs of digits
/// compare by length, then by value; everything else by code point (which is the order of UTF-8's
/// bytes).
pub(super) fn natural(left: &Value<'_>, right: &Value<'_>) -> Ordering {
    let rank = |value: &Value<'_>| match value {
        Value::Null => 0,
        Value::Time(_) => 1,
        _ if value.number().is_none() => 1,
        _ => 2,
    };
    rank(left)
        .cmp(&rank(right))
        .then_with(|| match (left, right) {
            (Value::Time(left), Value::Time(right)) => left.cmp(right),
            _ => match (left.number(), right.number()) {
                (Some(left), Some(right)) => left.total_cmp(&right),
                _ => match (left.text(), right.text()) {
                    (Some(left), Some(right)) => natural_text(&left, &right),
                    _ => Ordering::Equal,
                },
            },
        })
}

fn natural_text(mut left: &[u8], mut right: &[u8]) -> Ordering {
    loop {
        let (Some(&a), Some(&b)) = (left.first(), right.first()) else {
            return left.len().cmp(&right.len());
        };
        if a.is_ascii_digit() && b.is_ascii_digit() {
            let (run_a, rest_a) = left.split_at(digits(left));
            let (run_b, rest_b) = right.split_at(digits(right));
            match run_a.len().cmp(&run_b.len()).then_with(|| run_a.cmp(run_b)) {
                Ordering::Equal => (left, right) = (rest_a, rest_b),
                unequal => return unequal,
            }
        } else if a == b {
            left = left.get(1..).unwrap_or_default();
            right = right.get(1..).unwrap_or_default();
        } else {
            return a.cmp(&b);
        }
    }
}

fn digits(text: &[u8]) -> usize {
    text.iter().take_while(|byte| byte.is_ascii_digit()).count()
}

pub(super) fn number_text(number: f64) -> String {
    // Adding zero turns a negative zero into zero.
    (number + 0.0).to_string()
}

/// `2026-11-22 06:55:28.000`, in UTC; the plain number when the calendar does not reach it.
pub(super) fn time_text(milliseconds: i64) -> String {
    match jiff::Timestamp::from_millisecond(milliseconds) {
        Ok(time) => time.strftime("%Y-%m-%d %H:%M:%S.%3f").to_string(),
        Err(_) => milliseconds.to_string(),
    }
}
