//! The records of people over time, as head judges them.

use std::collections::BTreeMap;

use super::measure::{Fate, Measured, OTHERS};
use super::report::{Row, Timeline};
use crate::compile::QuerySource;

/// Steps of the timeline, at most.
const STEPS: usize = 96;
/// Roles with a row of their own in the timeline.
const ROWS: usize = 12;

/// Counts records in equal steps from the first to the last, by role and by exclusion.
pub(super) fn timeline(measured: &Measured, head: &QuerySource<'_>) -> Timeline {
    let hours = || measured.cells().filter_map(|(_, cell, _)| cell.hour);
    let (Some(first), Some(last)) = (hours().min(), hours().max()) else {
        return Timeline::default();
    };
    let spread = usize::try_from(last - first + 1).unwrap_or(usize::MAX);
    // Whole hours, then whole days: a reader counts in those.
    let width = match spread.div_ceil(STEPS) {
        hours @ 0..=6 => hours.max(1),
        hours @ 7..=12 => hours.max(12),
        hours => hours.div_ceil(24) * 24,
    };
    let start = first.div_euclid(width as i64) * width as i64;
    let steps = usize::try_from((last - start) / width as i64 + 1).unwrap_or(1);
    let row = |name: &str| Row {
        name: name.to_owned(),
        counted: vec![0; steps],
        silenced: vec![0; steps],
    };
    let mut all = row("");
    let mut by_user: BTreeMap<&str, Row> = BTreeMap::new();
    let mut by_exclusion: Vec<Row> = head
        .exclusions
        .iter()
        .map(|exclusion| row(&exclusion.id))
        .collect();
    for (user, cell, number) in measured.cells() {
        let Some(hour) = cell.hour else { continue };
        let step = usize::try_from((hour - start) / width as i64).unwrap_or(0);
        let add = |row: &mut Row, is_silent: bool| {
            let values = if is_silent {
                &mut row.silenced
            } else {
                &mut row.counted
            };
            if let Some(value) = values.get_mut(step) {
                *value += number;
            }
        };
        let is_silent = match cell.head {
            Fate::Counted => false,
            Fate::Silenced(index) => {
                if let Some(row) = by_exclusion.get_mut(index) {
                    add(row, true);
                }
                true
            }
            Fate::Account | Fate::Nothing => continue,
        };
        add(&mut all, is_silent);
        add(by_user.entry(user).or_insert_with(|| row(user)), is_silent);
    }
    let sum = |row: &Row| row.counted.iter().chain(&row.silenced).sum::<u64>();
    let mut users: Vec<Row> = by_user.into_values().collect();
    users.sort_by(|a, b| sum(b).cmp(&sum(a)).then_with(|| a.name.cmp(&b.name)));
    if users.len() > ROWS {
        let mut rest = row(OTHERS);
        for user in users.split_off(ROWS - 1) {
            for (total, part) in [
                (&mut rest.counted, user.counted),
                (&mut rest.silenced, user.silenced),
            ] {
                for (total, part) in total.iter_mut().zip(part) {
                    *total += part;
                }
            }
        }
        users.push(rest);
    }
    for row in &mut by_exclusion {
        row.counted = Vec::new();
    }
    Timeline {
        step_seconds: width as u64 * 3600,
        start: start * 3600,
        counted: all.counted,
        silenced: all.silenced,
        by_user: users,
        by_exclusion,
    }
}
