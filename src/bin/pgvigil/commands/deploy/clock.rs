//! The clock for commands that wait.

use std::time::Duration;

use jiff::Timestamp;
use pgvigil::doctor::canary::Clock;

use crate::signals;

/// The clock of this machine. A wait ends when a stop is requested.
pub(crate) struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    fn wait(&self, length: Duration) {
        // In short sleeps, so that a stop takes effect soon.
        let step = Duration::from_millis(200);
        let mut left = length;
        while !left.is_zero() && !signals::is_asked() {
            let now = left.min(step);
            std::thread::sleep(now);
            left -= now;
        }
    }
}
