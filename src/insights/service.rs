//! The port to a service that runs queries where the logs are, and its words, without any provider's types.

use std::sync::atomic::AtomicBool;

use super::program::Table;

/// Log groups that one query reads at most (StartQuery, `logGroupNames`).
pub const LOG_GROUPS_MAX: usize = 50;

/// Rows that one query returns at most (StartQuery, `limit`).
pub const ROWS_MAX: u32 = 100_000;

/// What is known of a log group before it is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogGroup {
    /// Name, or ARN where it was asked for by that.
    pub name: String,
    /// Bytes that it holds, as the service counts them. The figure lags, and is 0 for a young group.
    pub stored_bytes: u64,
    /// Days after which entries are deleted; none when they are kept for ever.
    pub retention_days: Option<u32>,
    /// Milliseconds since 1970, where the service tells.
    pub created_ms: Option<i64>,
}

/// One query to run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// The query, at most 10,000 characters.
    pub text: String,
    /// Names or ARNs, at most [`LOG_GROUPS_MAX`].
    pub log_groups: Vec<String>,
    /// First second of the entries' time, since 1970.
    pub from: i64,
    /// Last second of the entries' time, since 1970. It belongs to the range.
    pub until: i64,
    /// Rows, at most [`ROWS_MAX`].
    pub limit: u32,
}

/// What a query cost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Statistics {
    /// Entries that reached the result.
    pub records_matched: u64,
    /// Entries that were read.
    pub records_scanned: u64,
    /// Bytes that were read: what is billed.
    pub bytes_scanned: u64,
}

impl Statistics {
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self {
            records_matched: self.records_matched.saturating_add(other.records_matched),
            records_scanned: self.records_scanned.saturating_add(other.records_scanned),
            bytes_scanned: self.bytes_scanned.saturating_add(other.bytes_scanned),
        }
    }
}

/// The whole result of a query that came to its end.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct QueryResult {
    /// Columns in the order in which the rows name them; none at all when there are no rows.
    pub table: Table,
    pub statistics: Statistics,
    /// There are as many rows as were asked for: there can be more, which are not here.
    pub cut: bool,
}

/// How far a run is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    pub queries: usize,
    pub done: usize,
    /// Bytes read by those that ended.
    pub bytes_scanned: u64,
}

/// Runs queries where the logs are.
pub trait QueryService {
    /// What is known of a log group.
    ///
    /// # Errors
    /// [`ServiceError::NoSuchLogGroup`], and whatever keeps the question from being asked.
    fn log_group(&self, name: &str) -> Result<LogGroup, ServiceError>;

    /// Runs queries, some side by side, and gives one result for each, in order: all or none. Nothing of a query that
    /// has not ended is ever in a result. When it cannot end, or `stop` is set, the queries that still run are stopped.
    ///
    /// # Errors
    /// The first that happens.
    fn run(
        &self,
        requests: &[Request],
        stop: &AtomicBool,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Vec<QueryResult>, ServiceError>;
}

/// Why there is no result. Each says what to do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ServiceError {
    /// Nothing to sign calls with, or it is not accepted.
    #[error(
        "no valid AWS credentials: {message}; log in (`aws sso login`), or set `AWS_PROFILE` or `AWS_ACCESS_KEY_ID` and `AWS_SECRET_ACCESS_KEY`"
    )]
    NoCredentials { message: String },
    /// It is not known where to ask.
    #[error("no AWS region: set `AWS_REGION`, or `region` in the profile")]
    NoRegion,
    /// The credentials do not allow it.
    #[error(
        "not allowed to call `{action}` on {resource}: add the action to the IAM policy of these credentials ({message})"
    )]
    Denied {
        /// The IAM action that is missing.
        action: &'static str,
        resource: String,
        message: String,
    },
    /// A log group is not there.
    #[error(
        "no log group {name} in {region}: check the cluster's name and the region, and that the cluster exports its PostgreSQL log to CloudWatch Logs"
    )]
    NoSuchLogGroup {
        name: String,
        /// Where it was looked for.
        region: String,
    },
    /// The service does not take the query.
    #[error("the service refuses the query: {message}")]
    Refused { message: String },
    /// Too many queries or calls, until the time was over.
    #[error(
        "the service did not accept the query within {seconds} s ({message}): wait for other queries and dashboards \
         of this region to end, or run fewer at once"
    )]
    Busy {
        /// How long it was tried.
        seconds: u64,
        message: String,
    },
    /// The service gave up a query.
    #[error("the service ended the query with the state {state}: {help}")]
    Ended {
        /// `Failed`, `Cancelled` or `Timeout`.
        state: String,
        help: &'static str,
    },
    /// The time that was given is over.
    #[error(
        "there was no result within {seconds} s, so pgvigil stopped the queries: use a shorter window or shorter slices"
    )]
    TooLate {
        /// How long it was tried.
        seconds: u64,
    },
    /// It was told to stop.
    #[error("interrupted: the queries were stopped too")]
    Stopped,
    /// The service cannot be reached, or answers something else than a result.
    #[error("cannot {operation}: {message}; try again")]
    Unavailable {
        operation: &'static str,
        message: String,
    },
}
