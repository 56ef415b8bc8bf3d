//! Receipts: which windows are done, as CloudWatch itself remembers them.

use std::collections::BTreeMap;

use super::attempt::Patience;
use super::port::World;
use super::settings::Settings;
use super::{RunError, port::Datum};
use crate::compile::resources::{Metric, WINDOWS_RECOMPUTED};

/// How far back a run looks for uncounted windows.
const LOOK_BACK_MS: i64 = 24 * 60 * 60 * 1000;

/// How far back it looks after an outage that is longer: PutMetricData takes no figure older than two weeks, and a run
/// needs time. So the records of a window can come that long after its end. In milliseconds.
pub const LONGEST_MS: i64 = 13 * 24 * 60 * 60 * 1000;

/// What is known of windows that are done: the log group's place in the settings, the window, and the sum of its
/// signals.
///
/// The binary keeps them from run to run, for as long as its process lives: what was published can take minutes until
/// it can be read, and hours where it is about an older time. Without this memory a run only does more than it must.
#[derive(Debug, Clone, Default)]
pub struct Receipts {
    totals: BTreeMap<(usize, i64), u64>,
}

impl Receipts {
    /// What a window came to when it was done.
    pub(super) fn total(&self, group: usize, window: i64) -> Option<u64> {
        self.totals.get(&(group, window)).copied()
    }

    pub(super) fn add(&mut self, group: usize, window: i64, total: u64) {
        let known = self.totals.entry((group, window)).or_default();
        *known = total.max(*known);
    }

    /// Whether there is a receipt of this log group at all.
    fn knows(&self, group: usize, window: i64) -> bool {
        self.totals.contains_key(&(group, window))
    }

    /// The first window of a log group that was ever done, as far as is known.
    fn first(&self, group: usize) -> Option<i64> {
        self.totals
            .range((group, i64::MIN)..=(group, i64::MAX))
            .next()
            .map(|((_, window), _)| *window)
    }

    /// Windows before this one that lie behind the first that was done and were not done, for any log group; oldest
    /// first. A monitor that never ran has none: it does not count the past.
    pub(super) fn missing(&self, groups: usize, from: i64, before: i64) -> Vec<i64> {
        let mut missing: Vec<i64> = (0..groups)
            .filter_map(|group| Some((group, self.first(group)?)))
            .flat_map(|(group, first)| {
                (first.max(from)..before).filter(move |window| !self.knows(group, *window))
            })
            .collect();
        missing.sort_unstable();
        missing.dedup();
        missing
    }

    /// Forgets what no run will ask for any more.
    fn forget(&mut self, before: i64) {
        self.totals.retain(|(_, window), _| *window >= before);
    }
}

/// Adds the receipts that CloudWatch holds, up to a window.
pub(super) async fn read<P: World>(
    port: &P,
    settings: &Settings,
    patience: &Patience<'_, P>,
    receipts: &mut Receipts,
    newest: i64,
) -> Result<(), RunError> {
    let windows = settings.windows;
    let until_ms = windows.start_ms(newest + 1);
    let recent = windows
        .of(until_ms - LOOK_BACK_MS)
        .min(newest - i64::from(WINDOWS_RECOMPUTED));
    let oldest = windows.of(until_ms - LONGEST_MS).min(recent);
    receipts.forget(oldest);
    let everybody: Vec<usize> = (0..settings.log_groups.len()).collect();
    add(
        port,
        settings,
        patience,
        receipts,
        &everybody,
        (recent, newest),
    )
    .await?;
    // Nothing at the far end is a beginning, or the end of an outage that is longer: only the rest can tell.
    let unclear: Vec<usize> = everybody
        .into_iter()
        .filter(|group| !receipts.knows(*group, recent))
        .collect();
    if !unclear.is_empty() {
        add(
            port,
            settings,
            patience,
            receipts,
            &unclear,
            (oldest, recent - 1),
        )
        .await?;
    }
    Ok(())
}

async fn add<P: World>(
    port: &P,
    settings: &Settings,
    patience: &Patience<'_, P>,
    receipts: &mut Receipts,
    groups: &[usize],
    (first, last): (i64, i64),
) -> Result<(), RunError> {
    let windows = settings.windows;
    let metrics: Vec<Metric> = groups
        .iter()
        .filter_map(|group| settings.log_groups.get(*group))
        .map(|name| Metric::receipt(name))
        .collect();
    let (from, until) = (windows.start_ms(first), windows.start_ms(last + 1));
    let found = patience
        .call("read the receipts of earlier runs", async |within| {
            port.read(&settings.namespace, &metrics, from, until, within)
                .await
        })
        .await?;
    for (group, points) in groups.iter().zip(found) {
        for (time_ms, value) in points {
            receipts.add(*group, windows.of(time_ms), total(value));
        }
    }
    Ok(())
}

/// A sum, as CloudWatch hands it back.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the cast saturates, and turns a NaN into 0"
)]
fn total(value: f64) -> u64 {
    value.round() as u64
}

/// The receipt of a window, to be published.
#[expect(
    clippy::cast_precision_loss,
    reason = "there are never 2^53 statements"
)]
pub(super) fn datum(settings: &Settings, log_group: &str, window: i64, total: u64) -> Datum {
    Datum {
        metric: Metric::receipt(log_group),
        time_ms: settings.windows.start_ms(window),
        value: total as f64,
    }
}
