//! One connection, and the audit records of what it does.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::runtime::Runtime;
use tokio::time::timeout;
use tokio_postgres::{AsyncMessage, Client, Connection, NoTls, SimpleQueryMessage};

use super::connect::{Target, words};
use super::records;
use super::tls::{self, Mode};
use crate::waiting;

/// For one call, above the server's own limit for a statement.
const CALL: Duration = Duration::from_secs(15);

/// What went wrong with a database.
#[derive(Debug, thiserror::Error)]
pub enum DatabaseError {
    #[error("cannot connect to the database {target}: {error}")]
    Connect { target: String, error: String },
    /// The server refused a statement.
    #[error("the database refuses a statement: {message} ({code})")]
    Refused { code: String, message: String },
    /// The connection ended, or the server gave no answer in time.
    #[error("the connection to the database ended: {0}")]
    Lost(String),
    /// The database is not one for what is to be done there.
    #[error("{0}")]
    Unfit(String),
}

#[derive(Debug)]
pub(super) struct Session {
    runtime: Runtime,
    client: Client,
    notices: Arc<Mutex<Vec<Vec<u8>>>>,
    patience: Duration,
}

impl Session {
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
        let heard = Arc::clone(&notices);
        // The limit in the configuration is for TCP alone: a server can accept, and say nothing.
        let patience = target.patience();
        let client = match target.mode {
            Mode::Disable => runtime.block_on(async {
                timeout(patience, async {
                    let (client, connection) = target.config.connect(NoTls).await?;
                    tokio::spawn(listen(connection, heard));
                    Ok(client)
                })
                .await
            }),
            mode => {
                let connector = tls::connector(mode, target.roots.as_ref()).map_err(failed)?;
                runtime.block_on(async {
                    timeout(patience, async {
                        let (client, connection) = target.config.connect(connector).await?;
                        tokio::spawn(listen(connection, heard));
                        Ok(client)
                    })
                    .await
                })
            }
        };
        let client = match client {
            Ok(client) => {
                client.map_err(|error: tokio_postgres::Error| failed(explained(target, &error)))?
            }
            Err(_) => {
                // A resolver of names may still be at it: nobody waits for that.
                runtime.shutdown_background();
                return Err(failed(waiting::given_up(patience)));
            }
        };
        Ok(Self {
            runtime,
            client,
            notices,
            patience: waiting::limit(CALL),
        })
    }

    /// Waits so long for each call.
    pub(super) fn with_patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
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
            .block_on(async { timeout(self.patience, call).await });
        match answer {
            Err(_) => Err(DatabaseError::Lost(waiting::given_up(self.patience))),
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

/// Notices are handed over in the order of the stream, so those of a statement before its end.
async fn listen<S, T>(mut connection: Connection<S, T>, heard: Arc<Mutex<Vec<Vec<u8>>>>)
where
    S: AsyncRead + AsyncWrite + Unpin,
    T: AsyncRead + AsyncWrite + Unpin,
{
    while let Some(Ok(message)) = poll_fn(|context| connection.poll_message(context)).await {
        if let AsyncMessage::Notice(notice) = message
            && let Some(record) = records::message(&notice)
        {
            lock(&heard).push(record);
        }
    }
}

/// Why there is no connection, and what to do where a certificate is the reason.
fn explained(target: &Target, error: &tokio_postgres::Error) -> String {
    let text = words(error);
    let help = if text.contains("UnknownIssuer") {
        "the server's certificate is from an authority that is not trusted: name its file with \
            --ca, PGSSLROOTCERT or sslrootcert; for RDS that is the bundle of certificates that \
            AWS publishes"
    } else if text.contains("NotValidForName") || text.contains("not valid for name") {
        "the server's certificate is for a different name: connect with a name that it contains"
    } else if text.contains("CaUsedAsEndEntity") {
        "the server uses an authority's certificate as its own: give it one that the authority signed"
    } else if text.contains("does not support TLS") {
        "the server does not support TLS; `sslmode=disable` sends everything unencrypted"
    } else {
        return text;
    };
    let mode = target.mode.name();
    format!("{text} (sslmode={mode}): {help}")
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
