//! The hours of a period of which something is known, and the gaps between them.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use super::period::Period;

/// Hours of a period, each known or not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hours {
    period: Period,
    known: Vec<bool>,
}

/// Hours in a row of which nothing is known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Gap {
    /// Its first moment, in UTC.
    #[schemars(with = "String")]
    pub from: Timestamp,
    /// The first moment after it.
    #[schemars(with = "String")]
    pub until: Timestamp,
    /// Its length in hours.
    pub hours: usize,
}

impl Hours {
    /// Nothing is known.
    pub fn none(period: Period) -> Self {
        Self {
            period,
            known: vec![false; period.hours()],
        }
    }

    /// Something is known of the hour of a moment.
    pub fn add(&mut self, moment: Timestamp) {
        if let Some(hour) = self.period.hour_of(moment)
            && let Some(known) = self.known.get_mut(hour)
        {
            *known = true;
        }
    }

    /// Everything is known from a moment until another: of the hours that lie between them as a whole.
    pub fn add_whole(&mut self, spans: &[(Timestamp, Timestamp)]) {
        // Spans touch: two halves of an hour are the hour.
        let mut sorted = spans.to_vec();
        sorted.sort_unstable();
        let mut joined: Vec<(Timestamp, Timestamp)> = Vec::new();
        for (from, until) in sorted {
            match joined.last_mut() {
                Some((_, end)) if from <= *end => *end = until.max(*end),
                _ => joined.push((from, until)),
            }
        }
        for (number, known) in self.known.iter_mut().enumerate() {
            let (from, until) = (self.period.hour(number), self.period.hour(number + 1));
            let before = joined.partition_point(|(start, _)| *start <= from);
            let span = before.checked_sub(1).and_then(|last| joined.get(last));
            *known |= span.is_some_and(|(_, end)| until <= *end);
        }
    }

    /// Adds what others know of the same period.
    pub fn join(&mut self, other: &Self) {
        for (known, more) in self.known.iter_mut().zip(&other.known) {
            *known |= *more;
        }
    }

    /// Whether something is known of an hour, by its number.
    pub fn has(&self, number: usize) -> bool {
        self.known.get(number).copied().unwrap_or_default()
    }

    /// How many are known.
    pub fn known(&self) -> usize {
        self.known.iter().filter(|known| **known).count()
    }

    /// The gaps, in their order.
    pub fn gaps(&self) -> Vec<Gap> {
        let mut gaps: Vec<Gap> = Vec::new();
        let mut number = 0;
        for run in self.known.chunk_by(|left, right| left == right) {
            if run.first() == Some(&false) {
                gaps.push(Gap {
                    from: self.period.hour(number),
                    until: self.period.hour(number + run.len()),
                    hours: run.len(),
                });
            }
            number += run.len();
        }
        gaps
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moment(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn day() -> Hours {
        let day = "2026-11-01".parse().unwrap();
        Hours::none(Period::new(day, day).unwrap())
    }

    #[test]
    fn gaps_are_hours_in_a_row() {
        let mut hours = day();
        hours.add(moment("2026-11-01T00:59:59Z"));
        hours.add(moment("2026-11-01T05:00:00Z"));
        hours.add(moment("2026-11-02T00:00:00Z"));
        assert_eq!(hours.known(), 2);
        let gaps: Vec<(String, usize)> = hours
            .gaps()
            .iter()
            .map(|gap| (gap.from.to_string(), gap.hours))
            .collect();
        assert_eq!(
            gaps,
            [
                ("2026-11-01T01:00:00Z".to_owned(), 4),
                ("2026-11-01T06:00:00Z".to_owned(), 18)
            ]
        );
    }

    #[test]
    fn an_hour_is_whole_when_spans_cover_all_of_it() {
        let mut hours = day();
        hours.add_whole(&[
            (
                moment("2026-11-01T03:30:00Z"),
                moment("2026-11-01T04:30:00Z"),
            ),
            (
                moment("2026-11-01T02:45:00Z"),
                moment("2026-11-01T03:30:00Z"),
            ),
            (
                moment("2026-11-01T06:00:00Z"),
                moment("2026-11-01T06:59:59Z"),
            ),
        ]);
        assert_eq!(hours.known(), 1);
        assert_eq!(hours.gaps().first().map(|gap| gap.hours), Some(3));
    }
}
