//! The days that a report is about.

use jiff::civil::{Date, Time};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Milliseconds of an hour.
const HOUR_MS: i64 = 3_600_000;

/// Whole days in UTC, the first and the last one included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Period {
    /// The first day.
    #[schemars(with = "String")]
    since: Date,
    /// The last day.
    #[schemars(with = "String")]
    until: Date,
}

impl Period {
    /// None if the last day is before the first.
    pub fn new(since: Date, until: Date) -> Option<Self> {
        (since <= until).then_some(Self { since, until })
    }

    /// The first day.
    pub fn since(self) -> Date {
        self.since
    }

    /// The last day.
    pub fn until(self) -> Date {
        self.until
    }

    /// Its first moment.
    pub fn start(self) -> Timestamp {
        midnight(self.since)
    }

    /// The first moment after it.
    pub fn end(self) -> Timestamp {
        self.until
            .checked_add(1.day())
            .map_or(Timestamp::MAX, midnight)
    }

    /// Whether a moment is in it.
    pub fn contains(self, moment: Timestamp) -> bool {
        self.start() <= moment && moment < self.end()
    }

    /// Whether a day is in it.
    pub fn has_day(self, day: Date) -> bool {
        self.since <= day && day <= self.until
    }

    /// How many hours it has.
    pub fn hours(self) -> usize {
        let length = self.end().as_millisecond() - self.start().as_millisecond();
        usize::try_from(length / HOUR_MS).unwrap_or_default()
    }

    /// The number of the hour in which a moment is, counted from 0; none outside.
    pub fn hour_of(self, moment: Timestamp) -> Option<usize> {
        let since = moment.as_millisecond() - self.start().as_millisecond();
        self.contains(moment)
            .then(|| usize::try_from(since / HOUR_MS).ok())
            .flatten()
    }

    /// The first moment of an hour, by its number.
    pub fn hour(self, number: usize) -> Timestamp {
        let since = i64::try_from(number).unwrap_or(i64::MAX);
        let ms = self
            .start()
            .as_millisecond()
            .saturating_add(since.saturating_mul(HOUR_MS));
        Timestamp::from_millisecond(ms).unwrap_or(Timestamp::MAX)
    }
}

fn midnight(day: Date) -> Timestamp {
    TimeZone::UTC
        .to_timestamp(day.to_datetime(Time::midnight()))
        .unwrap_or(Timestamp::MAX)
}

/// The day of a moment, in UTC.
pub(super) fn day_of(moment: Timestamp) -> Date {
    moment.to_zoned_datetime(TimeZone::UTC).date()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_days_belong_to_it() {
        let day = |text: &str| text.parse::<Date>().unwrap();
        let moment = |text: &str| text.parse::<Timestamp>().unwrap();
        let period = Period::new(day("2026-10-31"), day("2026-11-01")).unwrap();
        assert_eq!(period.hours(), 48);
        assert!(period.contains(moment("2026-10-31T00:00:00Z")));
        assert!(period.contains(moment("2026-11-01T23:59:59.999Z")));
        assert!(!period.contains(moment("2026-11-02T00:00:00Z")));
        assert_eq!(period.hour_of(moment("2026-11-01T00:30:00Z")), Some(24));
        assert_eq!(period.hour_of(moment("2026-11-02T00:00:00Z")), None);
        assert_eq!(period.hour(24), moment("2026-11-01T00:00:00Z"));
        assert_eq!(Period::new(day("2026-11-02"), day("2026-11-01")), None);
    }
}
