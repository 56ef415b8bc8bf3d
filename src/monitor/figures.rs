//! The figures of windows, and the data points that they are published as.

use std::collections::BTreeMap;

use super::judging::Judging;
use super::port::Datum;
use super::row::{OTHERS, Place, Row};
use super::settings::Settings;
use crate::compile::resources::Metric;
use crate::policy::model::{Breakdown, Signal};

/// Values of one dimension in one window at most: each is a metric, and each is billed.
const VALUES_MOST: usize = 50;

/// Bytes of a dimension's value at most: a role's name has 63 (`PutMetricData` takes 1,024).
const VALUE_LONGEST: usize = 255;

/// One window of one log group.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Figure {
    /// Statements of each signal.
    pub(super) signals: BTreeMap<Signal, u64>,
    commands: BTreeMap<(Signal, String), u64>,
    users: BTreeMap<(Signal, String), u64>,
    /// Records that nobody judged.
    pub(super) not_judged: u64,
    lag_ms: Option<i64>,
}

impl Figure {
    /// The sum of the signals: what the receipt says.
    pub(super) fn total(&self) -> u64 {
        self.signals.values().sum()
    }

    fn add(&mut self, row: &Row) {
        for signal in &row.key.signals {
            *self.signals.entry(*signal).or_default() += row.sum.statements;
            // Whoever is not let in chooses the name and the words of the refusal: each would be a metric that is
            // billed, for people who have no account.
            if *signal == Signal::Denied {
                continue;
            }
            let command = (*signal, safe(&row.key.command));
            *self.commands.entry(command).or_default() += row.sum.statements;
            let user = (*signal, safe(&row.key.user));
            *self.users.entry(user).or_default() += row.sum.statements;
        }
        self.not_judged = self.not_judged.saturating_add(row.sum.not_judged);
        self.lag_ms = self.lag_ms.max(Some(row.sum.lag_ms));
    }
}

/// The figures of a result: every log group and every window, also those in which nothing was done.
pub(super) fn of(
    settings: &Settings,
    rows: &[Row],
    first: i64,
    last: i64,
) -> BTreeMap<Place, Figure> {
    let mut figures: BTreeMap<Place, Figure> = (0..settings.log_groups.len())
        .flat_map(|group| {
            (first..=last).map(move |window| (Place { window, group }, Figure::default()))
        })
        .collect();
    for row in rows {
        if let Some(figure) = figures.get_mut(&row.place) {
            figure.add(row);
        }
    }
    figures
}

/// The data points of figures, without the receipts.
#[expect(
    clippy::cast_precision_loss,
    reason = "there are never 2^53 statements"
)]
pub(super) fn data(
    settings: &Settings,
    judging: &Judging,
    figures: &BTreeMap<Place, Figure>,
) -> Vec<Datum> {
    let mut data = Vec::new();
    let by_command = settings.metrics.contains(&Breakdown::Command);
    let by_user = settings.metrics.contains(&Breakdown::User);
    for (place, figure) in figures {
        let Some(log_group) = settings.log_groups.get(place.group) else {
            continue;
        };
        let time_ms = settings.windows.start_ms(place.window);
        let mut count = |metric, value: u64| {
            data.push(Datum {
                metric,
                time_ms,
                value: value as f64,
            });
        };
        for signal in &judging.signals {
            let value = figure.signals.get(signal).copied().unwrap_or_default();
            // None is a figure too: an alarm without data does not know whether anybody looks.
            count(Metric::signal_in(log_group, *signal), value);
            if by_command {
                for (command, value) in bounded(&figure.commands, *signal) {
                    count(Metric::command(log_group, *signal, &command), value);
                }
            }
            if by_user {
                for (user, value) in bounded(&figure.users, *signal) {
                    count(Metric::user(log_group, *signal, &user), value);
                }
            }
        }
        count(Metric::not_judged(log_group), figure.not_judged);
        if let Some(lag_ms) = figure.lag_ms {
            data.push(Datum {
                metric: Metric::lag(log_group),
                time_ms,
                value: lag_ms as f64 / 1000.0,
            });
        }
    }
    data
}

/// What exclusions silenced. None is no figure: most exclusions silence nothing in most windows, and each figure is billed.
#[expect(clippy::cast_precision_loss, reason = "there are never 2^53 records")]
pub(super) fn suppressed(
    settings: &Settings,
    sums: &BTreeMap<Place, BTreeMap<String, u64>>,
) -> Vec<Datum> {
    if !settings.metrics.contains(&Breakdown::Suppressed) {
        return Vec::new();
    }
    let mut data = Vec::new();
    for (place, sums) in sums {
        let Some(log_group) = settings.log_groups.get(place.group) else {
            continue;
        };
        data.extend(sums.iter().map(|(id, records)| Datum {
            metric: Metric::suppressed(log_group, &safe(id)),
            time_ms: settings.windows.start_ms(place.window),
            value: *records as f64,
        }));
    }
    data
}

/// The values of a signal with the most statements, and the rest in one.
fn bounded(counts: &BTreeMap<(Signal, String), u64>, signal: Signal) -> Vec<(String, u64)> {
    let mut values: Vec<(String, u64)> = counts
        .iter()
        .filter(|((of, _), count)| *of == signal && **count > 0)
        .map(|((_, value), count)| (value.clone(), *count))
        .collect();
    values.sort_by(|left, right| right.1.cmp(&left.1).then_with(|| left.0.cmp(&right.0)));
    if values.len() > VALUES_MOST {
        let rest = values.split_off(VALUES_MOST - 1);
        let rest = rest.iter().map(|(_, count)| count).sum();
        values.push((OTHERS.to_owned(), rest));
    }
    values
}

/// A value as `PutMetricData` takes it: printable ASCII, and not empty. What is not is shown by its place only, since
/// whoever names a role so must not make the whole call fail.
pub(super) fn safe(value: &str) -> String {
    let mut safe: String = value
        .chars()
        .map(|character| match character {
            ' '..='~' => character,
            _ => '?',
        })
        .take(VALUE_LONGEST)
        .collect();
    // A leading colon is reserved.
    if safe.starts_with(':') {
        safe.replace_range(..1, "?");
    }
    if safe.trim().is_empty() {
        safe = "?".to_owned();
    }
    safe
}

/// Data points in calls that the service takes: 1,000 points and 1 MB at most (`PutMetricData`). A point as it is sent
/// takes less than 2 KB; half of both limits is left free.
pub(super) fn calls(data: &[Datum]) -> std::slice::Chunks<'_, Datum> {
    data.chunks(250)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_ascii_bounded_and_add_up() {
        assert_eq!(safe("SELECT"), "SELECT");
        assert_eq!(safe("дба\u{202e}\n\u{0}x"), "??????x");
        assert_eq!(safe(""), "?");
        assert_eq!(safe("  "), "?");
        assert_eq!(safe(":x"), "?x");
        assert_eq!(safe(&"x".repeat(2000)).len(), VALUE_LONGEST);
        let counts: BTreeMap<(Signal, String), u64> = (0..500_u64)
            .map(|number| ((Signal::Dml, format!("user{number}")), number))
            .collect();
        let values = bounded(&counts, Signal::Dml);
        assert_eq!(values.len(), VALUES_MOST);
        assert_eq!(values[0], ("user499".to_owned(), 499));
        assert_eq!(values[VALUES_MOST - 1].0, OTHERS);
        let sum: u64 = values.iter().map(|(_, count)| count).sum();
        assert_eq!(sum, 124_750);
        assert!(bounded(&counts, Signal::Denied).is_empty());
    }
}
