//! Windows: which there are, which a run computes, and where a query must look for their records.

/// Milliseconds by which the time of a record may be ahead of its arrival: CloudWatch Logs takes none that is further
/// in the future (`PutLogEvents`). It costs nothing, since there is nothing to scan in the future.
const AHEAD_MS: i64 = 2 * 60 * 60 * 1000;

/// Windows of one length, counted from 1970, as CloudWatch counts the periods of its metrics: one window is one period.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Windows {
    /// Length, and time between two runs.
    length_ms: i64,
    /// How long a record may take from its arrival until queries find it.
    settle_ms: i64,
    /// How long a record may take from its time until its arrival.
    late_ms: i64,
}

impl Windows {
    /// Windows of some minutes, at least one.
    pub fn new(minutes: u32, settle_seconds: u32, late_minutes: u32) -> Self {
        Self {
            length_ms: i64::from(minutes.max(1)) * 60_000,
            settle_ms: i64::from(settle_seconds) * 1000,
            late_ms: i64::from(late_minutes) * 60_000,
        }
    }

    pub fn minutes(&self) -> u32 {
        u32::try_from(self.length_ms / 60_000).unwrap_or(u32::MAX)
    }

    pub fn length_ms(&self) -> i64 {
        self.length_ms
    }

    /// The window that something arrived in.
    pub fn of(&self, ms: i64) -> i64 {
        ms.div_euclid(self.length_ms)
    }

    /// The newest window of which queries find every record at a time.
    pub fn newest(&self, now_ms: i64) -> i64 {
        self.of(now_ms.saturating_sub(self.settle_ms)) - 1
    }

    /// Where a window begins; where the one before ends.
    pub fn start_ms(&self, window: i64) -> i64 {
        window.saturating_mul(self.length_ms)
    }

    /// Seconds of the records' own time, both inclusive, that hold every record of these windows. The service knows a
    /// range of that time only; which window a record arrived in, the query tells.
    pub fn seconds(&self, first: i64, last: i64) -> (i64, i64) {
        let from = self.start_ms(first).saturating_sub(self.late_ms);
        let until = self.start_ms(last + 1).saturating_add(AHEAD_MS);
        (from.div_euclid(1000).max(0), -(-until).div_euclid(1000))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// Half-open, without a gap, and inside the range that is asked for.
        #[test]
        fn a_record_is_in_one_window_and_in_its_range(
            minutes in 1_u32..=1440, settle in 0_u32..=3600, late in 0_u32..=1440,
            arrives in 1_000_000_000_000_i64..2_000_000_000_000, ago in 0_i64..=86_400_000,
        ) {
            let windows = Windows::new(minutes, settle, late);
            let window = windows.of(arrives);
            prop_assert!(windows.start_ms(window) <= arrives && arrives < windows.start_ms(window + 1));
            prop_assert_eq!(windows.of(windows.start_ms(window)), window);
            prop_assert_eq!(windows.of(windows.start_ms(window) - 1), window - 1);
            let happened = arrives - ago.min(i64::from(late) * 60_000);
            let (from, until) = windows.seconds(window, window);
            prop_assert!(from * 1000 <= happened && happened <= until * 1000);
        }

        /// The newest window is over, and its last record has settled; the next is not that far.
        #[test]
        fn the_newest_window_has_settled(
            minutes in 1_u32..=1440, settle in 0_u32..=3600, now in 1_000_000_000_000_i64..2_000_000_000_000,
        ) {
            let windows = Windows::new(minutes, settle, 15);
            let newest = windows.newest(now);
            let settled = now - i64::from(settle) * 1000;
            prop_assert!(windows.start_ms(newest + 1) <= settled);
            prop_assert!(windows.start_ms(newest + 2) > settled);
        }
    }
}
