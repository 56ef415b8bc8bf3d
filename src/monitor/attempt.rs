//! Calls that are tried again, inside the time of the run.

use std::time::Duration;

use super::RunError;
use super::port::{CallError, CallErrorKind, Clock};

/// Before the second attempt; doubles each time.
const FIRST_PAUSE: Duration = Duration::from_millis(200);

/// Between two attempts at most.
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// Attempts of a call that is lost on its way. One that the service has no room for is tried until the time is over.
const ATTEMPTS: u32 = 6;

const CALL: Duration = Duration::from_secs(20);

/// The time that calls may take together.
pub(super) struct Patience<'a, C> {
    clock: &'a C,
    until_ms: i64,
}

impl<'a, C: Clock> Patience<'a, C> {
    pub(super) fn until(clock: &'a C, until_ms: i64) -> Self {
        Self { clock, until_ms }
    }

    /// What is left of the time.
    pub(super) fn left(&self) -> Duration {
        let left = self.until_ms.saturating_sub(self.clock.now_ms());
        Duration::from_millis(u64::try_from(left).unwrap_or_default())
    }

    /// Makes a call until it is answered, refused, or the time is over.
    pub(super) async fn call<T>(
        &self,
        operation: &'static str,
        mut make: impl AsyncFnMut(Duration) -> Result<T, CallError>,
    ) -> Result<T, RunError> {
        let mut pause = FIRST_PAUSE;
        let mut lost = 0;
        loop {
            let left = self.left();
            if left.is_zero() {
                return Err(RunError::Late { operation });
            }
            let CallError { kind, message } = match make(left.min(CALL)).await {
                Ok(answer) => return Ok(answer),
                Err(error) => error,
            };
            lost += u32::from(kind == CallErrorKind::Lost);
            let gives_up = kind == CallErrorKind::Refused || lost >= ATTEMPTS;
            if gives_up {
                return Err(RunError::Call { operation, message });
            }
            let length = self.jitter(pause);
            if length >= self.left() {
                return Err(match kind {
                    CallErrorKind::Busy => RunError::Busy { operation, message },
                    _ => RunError::Call { operation, message },
                });
            }
            self.clock.sleep(length).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    /// Waits, or says that there is no time for it.
    pub(super) async fn pause(
        &self,
        operation: &'static str,
        length: Duration,
    ) -> Result<(), RunError> {
        let length = self.jitter(length);
        if length >= self.left() {
            return Err(RunError::Late { operation });
        }
        self.clock.sleep(length).await;
        Ok(())
    }

    /// Between half and the whole of a time: monitors that began together do not stay together.
    fn jitter(&self, length: Duration) -> Duration {
        length / 2 + length.mul_f64(self.clock.chance().clamp(0.0, 1.0) / 2.0)
    }
}
