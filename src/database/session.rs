//! One connection, and the audit records of what it does.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::runtime::Runtime;
use tokio_postgres::{AsyncMessage, Client, NoTls, SimpleQueryMessage};

use super::connect::{Target, words};
use super::records;

/// For one call, above the server's own limit for a statement.
const CALL: Duration = Duration::from_secs(15);

/// What went wrong with a database.
#[derive(Debug, thiserror::Error)]
pub enum DatabaseError {
    /// No connection.
    #[error("cannot connect to the database {target}: {error}")]
    Connect {
        /// Where to.
        target: String,
        /// Why.
        error: String,
    },
    /// The server refused a statement.
    #[error("the database refuses a statement: {message} ({code})")]
    Refused {
        /// SQLSTATE.
        code: String,
        /// The server's words.
        message: String,
    },
    /// The connection ended, or the server gave no answer in time.
    #[error("the connection to the database ended: {0}")]
    Lost(String),
    /// The database is not one to attack.
    #[error("{0}")]
    Unfit(String),
}

/// A connection.
#[derive(Debug)]
pub(super) struct Session {
    runtime: Runtime,
    client: Client,
    notices: Arc<Mutex<Vec<Vec<u8>>>>,
}

impl Session {
    /// Connects.
    pub(super) fn open(target: &Target) -> Result<Self, DatabaseError> {
        let failed = |error: String| DatabaseError::Connect {
            target: target.to_string(),
            error,
        };
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| failed(error.to_string()))?;
        let notices = Arc::new(Mutex::new(Vec::new()));
        let (client, mut connection) = runtime
            .block_on(target.config.connect(NoTls))
            .map_err(|error| failed(words(&error)))?;
        let heard = Arc::clone(&notices);
        // Notices are handed over in the order of the stream, so those of a statement before its end.
        runtime.spawn(async move {
            while let Some(Ok(message)) = poll_fn(|context| connection.poll_message(context)).await
            {
                if let AsyncMessage::Notice(notice) = message
                    && let Some(record) = records::message(&notice)
                {
                    lock(&heard).push(record);
                }
            }
        });
        Ok(Self {
            runtime,
            client,
            notices,
        })
    }

    /// The records since the last call.
    pub(super) fn take_records(&self) -> Vec<Vec<u8>> {
        std::mem::take(&mut *lock(&self.notices))
    }

    /// Runs plain statements whose results nobody wants.
    pub(super) fn run(&self, sql: &str) -> Result<(), DatabaseError> {
        self.rows(sql).map(drop)
    }

    /// Runs plain statements and returns the values of all rows.
    pub(super) fn rows(&self, sql: &str) -> Result<Vec<Vec<Option<String>>>, DatabaseError> {
        let messages = match self.call(self.client.simple_query(sql)) {
            Err(DatabaseError::Lost(_)) if !self.client.is_closed() => {
                // COPY speaks in its own way, which the call above does not know. An empty text ends
                // when everything before it has ended.
                self.call(self.client.simple_query(""))?
            }
            other => other?,
        };
        Ok(messages
            .iter()
            .filter_map(|message| match message {
                SimpleQueryMessage::Row(row) => Some(
                    (0..row.len())
                        .map(|index| row.try_get(index).ok().flatten().map(str::to_owned))
                        .collect(),
                ),
                _ => None,
            })
            .collect())
    }

    /// Runs a COPY that reads from the client, and gives it nothing.
    pub(super) fn copy_in(&self, sql: &str) -> Result<(), DatabaseError> {
        self.call(async {
            let sink = self.client.copy_in::<_, &'static [u8]>(sql).await?;
            pin!(sink).finish().await
        })
        .map(drop)
    }

    fn call<T>(
        &self,
        call: impl Future<Output = Result<T, tokio_postgres::Error>>,
    ) -> Result<T, DatabaseError> {
        let answer = self
            .runtime
            .block_on(async { tokio::time::timeout(CALL, call).await });
        match answer {
            Err(_) => Err(DatabaseError::Lost("no answer in time".to_owned())),
            Ok(Err(error)) => Err(match error.as_db_error() {
                Some(refused) => DatabaseError::Refused {
                    code: refused.code().code().to_owned(),
                    message: refused.message().to_owned(),
                },
                None => DatabaseError::Lost(words(&error)),
            }),
            Ok(Ok(value)) => Ok(value),
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
