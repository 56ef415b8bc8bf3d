//! Every call to AWS goes through here: at the pace of its service, tried again where that is safe, and with an error
//! that names what was tried.

use std::collections::BTreeMap;
use std::error::Error;
use std::future::Future;
use std::hash::{BuildHasher, RandomState};
use std::sync::{Arc, LazyLock, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use aws_sdk_sts::error::{ProvideErrorMetadata, SdkError};
use tokio::time::{Instant, sleep, sleep_until};

use super::failure::{self, Class};
use crate::deploy::permission::Operation;
use crate::deploy::port::CloudError;
use crate::waiting;

/// Attempts of a read, and of a write that the service had no room for.
const ATTEMPTS: u32 = 6;

/// Before the second attempt; doubles each time.
const PAUSE_FIRST: Duration = Duration::from_millis(200);

/// Between two attempts at most.
const PAUSE_MOST: Duration = Duration::from_secs(10);

/// After this time no further attempt is made: a server that never answers costs a minute for each.
const PATIENCE: Duration = Duration::from_secs(90);

/// Keeps calls of one operation apart. One for each account and region, shared by all environments of a run.
#[derive(Debug, Default)]
struct Pace {
    next: Mutex<BTreeMap<Operation, Instant>>,
}

impl Pace {
    /// The pace of an account's region.
    fn of(place: &str) -> Arc<Self> {
        static PACES: LazyLock<Mutex<BTreeMap<String, Arc<Pace>>>> = LazyLock::new(Mutex::default);
        let mut paces = PACES.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(paces.entry(place.to_owned()).or_default())
    }

    /// Waits for a turn. What was not used within the last second may be used at once.
    async fn turn(&self, operation: Operation) {
        let gap = Duration::from_secs(1) / operation.row().rate.max(1);
        let turn = {
            let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
            let now = Instant::now();
            let earliest = now.checked_sub(Duration::from_secs(1)).unwrap_or(now);
            let turn = next
                .get(&operation)
                .copied()
                .unwrap_or(earliest)
                .max(earliest);
            next.insert(operation, turn + gap);
            turn
        };
        sleep_until(turn).await;
    }
}

/// Makes the calls of one run.
#[derive(Debug)]
pub(super) struct Caller {
    pace: Arc<Pace>,
    /// Set when the credentials were refused: every further call would fail the same way, with all its attempts.
    refused: OnceLock<CloudError>,
}

impl Caller {
    pub(super) fn new(place: &str) -> Self {
        Self {
            pace: Pace::of(place),
            refused: OnceLock::new(),
        }
    }

    /// Makes a call. `resource` is what it is about, for messages.
    ///
    /// A read is tried again also when its answer was lost. A write is not: it may have been carried out.
    pub(super) async fn make<T, E, F>(
        &self,
        operation: Operation,
        resource: &str,
        mut send: impl FnMut() -> F,
    ) -> Result<T, CloudError>
    where
        F: Future<Output = Result<T, SdkError<E>>>,
        E: ProvideErrorMetadata + Error + 'static,
    {
        let mut pause = PAUSE_FIRST;
        let mut attempt = 1;
        let start = Instant::now();
        loop {
            if let Some(error) = self.refused.get() {
                return Err(error.clone());
            }
            self.pace.turn(operation).await;
            let failed = match send().await {
                Ok(answer) => return Ok(answer),
                Err(error) => failure::of(&error),
            };
            let again = match failed.class {
                Class::Busy => true,
                Class::Lost => !operation.row().writes,
                _ => false,
            };
            if !again || attempt == ATTEMPTS || start.elapsed() > waiting::limit(PATIENCE) {
                let message = match attempt {
                    1 => failed.message,
                    attempts => format!("{} ({attempts} attempts)", failed.message),
                };
                let error = self.error(operation, resource, failed.class, message);
                if matches!(error, CloudError::Credentials { .. }) {
                    return Err(self.refused.get_or_init(|| error).clone());
                }
                return Err(error);
            }
            attempt += 1;
            sleep(jitter(pause)).await;
            pause = (pause * 2).min(PAUSE_MOST);
        }
    }

    fn error(
        &self,
        operation: Operation,
        resource: &str,
        class: Class,
        message: String,
    ) -> CloudError {
        let resource = resource.to_owned();
        let action = operation.action();
        match class {
            Class::Busy => CloudError::Throttled {
                message: format!("{action} on {resource}: {message}"),
            },
            Class::Denied => CloudError::Denied {
                operation: action,
                resource,
                message,
            },
            Class::Credentials => CloudError::Credentials { message },
            Class::Missing => CloudError::NotFound { resource },
            Class::Moved => CloudError::Conflict { resource },
            Class::Refused => CloudError::Refused {
                operation: action,
                resource,
                message,
            },
            Class::Lost | Class::Other => CloudError::Unavailable {
                operation: action,
                resource,
                message,
            },
        }
    }
}

/// `None` for what is not there.
pub(super) fn found<T>(answer: Result<T, CloudError>) -> Result<Option<T>, CloudError> {
    match answer {
        Ok(answer) => Ok(Some(answer)),
        Err(CloudError::NotFound { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Deleting what is gone already is done.
pub(super) fn gone<T>(answer: Result<T, CloudError>) -> Result<(), CloudError> {
    found(answer).map(|_| ())
}

/// Between half and the whole of a time, so that many callers do not come back together.
pub(super) fn jitter(length: Duration) -> Duration {
    let random = RandomState::new().hash_one(Instant::now());
    let part = u32::try_from(random % 1000).unwrap_or_default();
    length / 2 + length.mul_f64(f64::from(part) / 2000.0)
}
