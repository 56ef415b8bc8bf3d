//! Queries in CloudWatch Logs Insights.
//!
//! A blocking front: the SDK is asynchronous, and its runtime, one thread, stays in here. All retries are made here
//! too, so that there is one place with one deadline; the SDK makes none.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use aws_config::{BehaviorVersion, Region};
use aws_sdk_cloudwatchlogs::Client;
use aws_sdk_cloudwatchlogs::config::retry::RetryConfig;
use aws_sdk_cloudwatchlogs::config::timeout::TimeoutConfig;
use aws_sdk_cloudwatchlogs::config::{Builder, Credentials, ProvideCredentials};
use aws_sdk_cloudwatchlogs::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_cloudwatchlogs::operation::get_query_results::GetQueryResultsOutput;
use aws_sdk_cloudwatchlogs::types::{self, QueryStatus, ResultField};
use tokio::runtime::Runtime;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

use super::call::jitter;
use super::failure::{self, Class, Failure, chain};
use crate::insights::Table;
use crate::insights::service::{
    LogGroup, Progress, QueryResult, QueryService, ROWS_MAX, Request, ServiceError, Statistics,
};
use crate::waiting;

/// How long a pause is at most before it is seen that the run was stopped.
const TICK: Duration = Duration::from_millis(50);

/// Times and numbers of a run.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// Queries that run side by side. A region has room for 100, and dashboards and scheduled queries need it too.
    pub at_once: usize,
    /// Before the first look at a query that runs; grows by half each time.
    pub poll_first: Duration,
    /// Between two looks at most.
    pub poll_most: Duration,
    /// Before the second attempt of a call; doubles each time.
    pub retry_first: Duration,
    /// Between two attempts at most.
    pub retry_most: Duration,
    /// Attempts of a call that is lost on its way. One that the service has no room for is tried until the deadline.
    pub attempts: u32,
    pub call: Duration,
    /// For all queries together.
    pub deadline: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            at_once: 4,
            poll_first: Duration::from_millis(250),
            poll_most: Duration::from_secs(5),
            retry_first: Duration::from_millis(500),
            retry_most: Duration::from_secs(20),
            attempts: 6,
            call: waiting::limit(Duration::from_secs(20)),
            // The service gives up a query after 60 minutes (StartQuery).
            deadline: Duration::from_secs(60 * 60),
        }
    }
}

/// CloudWatch Logs Insights of one region.
#[derive(Debug)]
pub struct Logs {
    runtime: Runtime,
    client: Client,
    region: String,
    pace: Pace,
}

impl Logs {
    /// Finds region and credentials as every AWS tool does (environment, profile, SSO, container, instance), and
    /// asks for the credentials at once. `region` goes before what is found.
    ///
    /// `AWS_ENDPOINT_URL_CLOUDWATCH_LOGS` or `AWS_ENDPOINT_URL` leads to another server.
    ///
    /// # Errors
    /// [`ServiceError::NoRegion`], [`ServiceError::NoCredentials`].
    pub fn connect(region: Option<&str>) -> Result<Self, ServiceError> {
        let runtime = runtime()?;
        let config = runtime.block_on(async {
            let mut loader = aws_config::defaults(BehaviorVersion::v2026_01_12());
            if let Some(region) = region {
                loader = loader.region(Region::new(region.to_owned()));
            }
            loader.load().await
        });
        let region = config
            .region()
            .map(|region| region.as_ref().to_owned())
            .filter(|region| !region.is_empty())
            .ok_or(ServiceError::NoRegion)?;
        let provider = config
            .credentials_provider()
            .ok_or_else(|| no_credentials("none are configured"))?;
        runtime
            .block_on(async { provider.provide_credentials().await })
            .map_err(|error| no_credentials(&chain(&error)))?;
        Ok(Self::new(runtime, Builder::from(&config), region))
    }

    /// A server that is not AWS and does not look at signatures.
    ///
    /// # Errors
    /// The system has no room for a runtime.
    pub fn emulator(endpoint: &str) -> Result<Self, ServiceError> {
        let region = "us-east-1";
        let builder = Builder::new()
            .behavior_version(BehaviorVersion::v2026_01_12())
            .region(Region::new(region))
            .credentials_provider(Credentials::new("none", "none", None, None, "emulator"))
            .endpoint_url(endpoint);
        Ok(Self::new(runtime()?, builder, region.to_owned()))
    }

    /// With the credentials of a client, and with what looks at its calls.
    pub(super) fn of(client: &Client, region: &str) -> Result<Self, ServiceError> {
        let builder = client.config().to_builder();
        Ok(Self::new(runtime()?, builder, region.to_owned()))
    }

    fn new(runtime: Runtime, builder: Builder, region: String) -> Self {
        let pace = Pace::default();
        let config = builder
            .retry_config(RetryConfig::disabled())
            .timeout_config(
                TimeoutConfig::builder()
                    .connect_timeout(Duration::from_secs(5))
                    .operation_timeout(pace.call)
                    .build(),
            )
            .build();
        Self {
            runtime,
            client: Client::from_conf(config),
            region,
            pace,
        }
    }

    #[must_use]
    pub fn with_pace(mut self, pace: Pace) -> Self {
        let config = self
            .client
            .config()
            .to_builder()
            .timeout_config(
                TimeoutConfig::builder()
                    .connect_timeout(pace.call.min(Duration::from_secs(5)))
                    .operation_timeout(pace.call)
                    .build(),
            )
            .build();
        self.client = Client::from_conf(config);
        self.pace = pace;
        self
    }

    /// The region that is asked.
    #[must_use]
    pub fn region(&self) -> &str {
        &self.region
    }

    fn caller(&self) -> Caller {
        Caller {
            client: self.client.clone(),
            region: self.region.as_str().into(),
            pace: self.pace,
            end: Instant::now() + self.pace.deadline,
            quit: Arc::new(AtomicBool::new(false)),
        }
    }
}

impl QueryService for Logs {
    fn log_group(&self, name: &str) -> Result<LogGroup, ServiceError> {
        let caller = self.caller();
        self.runtime.block_on(caller.log_group(name))
    }

    fn run(
        &self,
        requests: &[Request],
        stop: &AtomicBool,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Vec<QueryResult>, ServiceError> {
        self.runtime
            .block_on(run(self.caller(), requests, stop, progress))
    }
}

async fn run(
    caller: Caller,
    requests: &[Request],
    stop: &AtomicBool,
    progress: &mut dyn FnMut(Progress),
) -> Result<Vec<QueryResult>, ServiceError> {
    let mut waiting = requests.iter().cloned().enumerate();
    let mut tasks = JoinSet::new();
    let mut results: Vec<Option<QueryResult>> = vec![None; requests.len()];
    let mut seen = Progress {
        queries: requests.len(),
        ..Progress::default()
    };
    let mut error = None;
    progress(seen);
    loop {
        if stop.load(Ordering::Relaxed) {
            error.get_or_insert(ServiceError::Stopped);
        }
        if error.is_some() {
            // The tasks see it, and stop their queries before they end. None is cut off: a query whose start is
            // under way would go on without anybody who knows it.
            caller.quit.store(true, Ordering::Relaxed);
        } else {
            while tasks.len() < caller.pace.at_once.max(1) {
                let Some((index, request)) = waiting.next() else {
                    break;
                };
                let caller = caller.clone();
                tasks.spawn(async move { (index, caller.query(request).await) });
            }
        }
        if tasks.is_empty() {
            break;
        }
        tokio::select! {
            ended = tasks.join_next() => match ended {
                Some(Ok((index, Ok(result)))) => {
                    seen.done += 1;
                    seen.bytes_scanned = seen.bytes_scanned.saturating_add(result.statistics.bytes_scanned);
                    progress(seen);
                    if let Some(place) = results.get_mut(index) {
                        *place = Some(result);
                    }
                }
                Some(Ok((_, Err(found)))) => { error.get_or_insert(found); }
                Some(Err(_)) => { error.get_or_insert(unfinished()); }
                None => {}
            },
            () = sleep(TICK) => {}
        }
    }
    match error {
        Some(error) => Err(error),
        None => results
            .into_iter()
            .collect::<Option<Vec<_>>>()
            .ok_or_else(unfinished),
    }
}

/// Makes the calls of one run.
#[derive(Clone)]
struct Caller {
    client: Client,
    region: Arc<str>,
    pace: Pace,
    end: Instant,
    quit: Arc<AtomicBool>,
}

impl Caller {
    async fn query(self, request: Request) -> Result<QueryResult, ServiceError> {
        let id = self.start(&request).await?;
        let result = self.result(&id, &request).await;
        if let Err(error) = &result
            && !matches!(error, ServiceError::Ended { .. })
        {
            self.stop(&id).await;
        }
        result
    }

    async fn start(&self, request: &Request) -> Result<String, ServiceError> {
        let groups = request.log_groups.join(", ");
        let call = self.call("logs:StartQuery", "start a query", &groups);
        let start = self
            .client
            .start_query()
            .query_string(&request.text)
            .start_time(request.from)
            .end_time(request.until)
            .limit(i32::try_from(request.limit.min(ROWS_MAX)).unwrap_or(i32::MAX));
        let by_arn = request.log_groups.iter().any(|name| is_arn(name));
        let groups = Some(request.log_groups.clone());
        let start = if by_arn {
            start.set_log_group_identifiers(groups)
        } else {
            start.set_log_group_names(groups)
        };
        let answer = self.attempt(&call, || start.clone().send()).await?;
        answer.query_id.ok_or_else(|| ServiceError::Unavailable {
            operation: call.operation,
            message: "the service did not return a query id".to_owned(),
        })
    }

    /// Waits for the end. Rows of a query that still runs are partial, and are not looked at.
    async fn result(&self, id: &str, request: &Request) -> Result<QueryResult, ServiceError> {
        let mut pause = self.pace.poll_first;
        loop {
            self.pause(pause).await?;
            pause = pause.mul_f32(1.5).min(self.pace.poll_most);
            let page = self.page(id, None).await?;
            match page.status() {
                Some(QueryStatus::Complete) => return self.all_pages(id, page, request).await,
                Some(state @ QueryStatus::Failed) => {
                    return Err(ended(state, "try again, or take shorter slices"));
                }
                Some(state @ QueryStatus::Cancelled) => {
                    return Err(ended(state, "another caller stopped it; run it again"));
                }
                Some(state @ QueryStatus::Timeout) => {
                    return Err(ended(state, "take shorter slices or fewer log groups"));
                }
                // Scheduled, Running, Unknown, and what a later version invents: not the end.
                _ => {}
            }
        }
    }

    async fn all_pages(
        &self,
        id: &str,
        first: GetQueryResultsOutput,
        request: &Request,
    ) -> Result<QueryResult, ServiceError> {
        let numbers = Numbers::of(first.statistics());
        let mut rows = Rows::default();
        let mut token = first.next_token;
        rows.add(first.results.unwrap_or_default());
        while let Some(place) = token.take() {
            let page = self.page(id, Some(&place)).await?;
            if page.status() != Some(&QueryStatus::Complete)
                || page.next_token.as_ref() == Some(&place)
            {
                return Err(ServiceError::Unavailable {
                    operation: "read the result of a query",
                    message: "its pages do not come to an end".to_owned(),
                });
            }
            token = page.next_token;
            rows.add(page.results.unwrap_or_default());
        }
        let count = rows.table.rows.len();
        Ok(QueryResult {
            cut: count >= request.limit as usize || numbers.results > count as u64,
            table: rows.table,
            statistics: numbers.statistics,
        })
    }

    async fn page(
        &self,
        id: &str,
        token: Option<&str>,
    ) -> Result<GetQueryResultsOutput, ServiceError> {
        let call = self.call("logs:GetQueryResults", "read the result of a query", id);
        let get = self
            .client
            .get_query_results()
            .query_id(id)
            .set_next_token(token.map(str::to_owned));
        self.attempt(&call, || get.clone().send()).await
    }

    /// As well as it can: a query that nobody stops ends by itself, and only costs what it reads.
    async fn stop(&self, id: &str) {
        for _ in 0..3 {
            match self.client.stop_query().query_id(id).send().await {
                Ok(_) => return,
                Err(error) => {
                    if !matches!(failure::of(&error).class, Class::Busy | Class::Lost) {
                        return;
                    }
                }
            }
            sleep(jitter(self.pace.retry_first)).await;
        }
    }

    async fn log_group(&self, name: &str) -> Result<LogGroup, ServiceError> {
        let call = self.call("logs:DescribeLogGroups", "look up a log group", name);
        let describe = self.client.describe_log_groups();
        let describe = if is_arn(name) {
            describe.log_group_identifiers(name)
        } else {
            describe.log_group_name_prefix(name)
        };
        let mut token = None;
        loop {
            let page = self
                .attempt(&call, || {
                    describe.clone().set_next_token(token.clone()).send()
                })
                .await?;
            let found = page.log_groups().iter().find(|group| {
                let by_name = group.log_group_name() == Some(name);
                by_name || (is_arn(name) && group.log_group_arn() == Some(name))
            });
            if let Some(group) = found {
                return Ok(known(name, group));
            }
            if page.next_token.is_none() || page.next_token == token {
                return Err(ServiceError::NoSuchLogGroup {
                    name: name.to_owned(),
                    region: self.region.to_string(),
                });
            }
            token = page.next_token;
        }
    }

    fn call<'a>(&'a self, action: &'static str, operation: &'static str, on: &'a str) -> Call<'a> {
        Call {
            action,
            operation,
            resource: on,
            region: &self.region,
        }
    }

    /// Makes a call until it is answered, refused, or the time is over.
    async fn attempt<T, E, F>(
        &self,
        call: &Call<'_>,
        mut send: impl FnMut() -> F,
    ) -> Result<T, ServiceError>
    where
        F: Future<Output = Result<T, SdkError<E>>>,
        E: ProvideErrorMetadata + std::error::Error + 'static,
    {
        let mut pause = self.pace.retry_first;
        let mut lost = 0;
        loop {
            self.go_on()?;
            let failed = match send().await {
                Ok(answer) => return Ok(answer),
                Err(error) => failure::of(&error),
            };
            let Failure { class, message } = failed;
            let after = match class {
                Class::Busy => ServiceError::Busy {
                    seconds: self.pace.deadline.as_secs(),
                    message,
                },
                Class::Lost => {
                    lost += 1;
                    let error = ServiceError::Unavailable {
                        operation: call.operation,
                        message,
                    };
                    if lost >= self.pace.attempts {
                        return Err(error);
                    }
                    error
                }
                class => return Err(call.refused(class, message)),
            };
            match self.pause(pause).await {
                Ok(()) => {}
                Err(ServiceError::TooLate { .. }) => return Err(after),
                Err(error) => return Err(error),
            }
            pause = (pause * 2).min(self.pace.retry_most);
        }
    }

    fn go_on(&self) -> Result<(), ServiceError> {
        if self.quit.load(Ordering::Relaxed) {
            return Err(ServiceError::Stopped);
        }
        if Instant::now() >= self.end {
            return Err(ServiceError::TooLate {
                seconds: self.pace.deadline.as_secs(),
            });
        }
        Ok(())
    }

    /// Waits between half and the whole of a time, and no longer than the run.
    async fn pause(&self, length: Duration) -> Result<(), ServiceError> {
        let until = Instant::now() + jitter(length);
        loop {
            self.go_on()?;
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(());
            }
            sleep(left.min(TICK)).await;
        }
    }
}

/// A call, as messages name it.
struct Call<'a> {
    /// The IAM action that allows it.
    action: &'static str,
    operation: &'static str,
    /// Log groups or query that it is about.
    resource: &'a str,
    /// The region that it goes to.
    region: &'a str,
}

impl Call<'_> {
    /// A failure that trying again does not mend.
    fn refused(&self, class: Class, message: String) -> ServiceError {
        match class {
            Class::Denied => ServiceError::Denied {
                action: self.action,
                resource: self.resource.to_owned(),
                message,
            },
            Class::Credentials => ServiceError::NoCredentials { message },
            Class::Missing if self.action != "logs:GetQueryResults" => {
                ServiceError::NoSuchLogGroup {
                    name: self.resource.to_owned(),
                    region: self.region.to_owned(),
                }
            }
            Class::Refused => ServiceError::Refused { message },
            _ => ServiceError::Unavailable {
                operation: self.operation,
                message,
            },
        }
    }
}

/// Rows of several pages in one table. A field that a row lacks is missing.
#[derive(Default)]
struct Rows {
    table: Table,
}

impl Rows {
    fn add(&mut self, rows: Vec<Vec<ResultField>>) {
        for fields in rows {
            let mut row = vec![None; self.table.columns.len()];
            for field in fields {
                // The service adds a pointer to each raw row, which nobody asked for.
                let Some(name) = field.field.filter(|name| name != "@ptr") else {
                    continue;
                };
                let known = self.table.columns.iter().position(|column| *column == name);
                let index = known.unwrap_or_else(|| {
                    self.table.columns.push(name);
                    for earlier in &mut self.table.rows {
                        earlier.push(None);
                    }
                    row.push(None);
                    self.table.columns.len() - 1
                });
                if let Some(place) = row.get_mut(index) {
                    *place = field.value;
                }
            }
            self.table.rows.push(row);
        }
    }
}

/// The numbers that come with a result.
#[derive(Default)]
struct Numbers {
    statistics: Statistics,
    results: u64,
}

impl Numbers {
    fn of(told: Option<&types::QueryStatistics>) -> Self {
        let Some(told) = told else {
            return Self::default();
        };
        Self {
            statistics: Statistics {
                records_matched: whole(told.records_matched()),
                records_scanned: whole(told.records_scanned()),
                bytes_scanned: whole(told.bytes_scanned()),
            },
            results: whole(told.result_count()),
        }
    }
}

/// The service tells whole numbers as floating ones.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the cast saturates, which is what a count needs"
)]
fn whole(number: f64) -> u64 {
    number as u64
}

fn known(name: &str, group: &types::LogGroup) -> LogGroup {
    LogGroup {
        name: name.to_owned(),
        stored_bytes: group
            .stored_bytes()
            .and_then(|bytes| u64::try_from(bytes).ok())
            .unwrap_or_default(),
        retention_days: group
            .retention_in_days()
            .and_then(|days| u32::try_from(days).ok()),
        created_ms: group.creation_time(),
    }
}

fn is_arn(name: &str) -> bool {
    name.starts_with("arn:")
}

fn ended(state: &QueryStatus, help: &'static str) -> ServiceError {
    ServiceError::Ended {
        state: state.as_str().to_owned(),
        help,
    }
}

fn unfinished() -> ServiceError {
    ServiceError::Unavailable {
        operation: "run the queries",
        message: "one of them did not end".to_owned(),
    }
}

fn no_credentials(message: &str) -> ServiceError {
    ServiceError::NoCredentials {
        message: message.to_owned(),
    }
}

fn runtime() -> Result<Runtime, ServiceError> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| ServiceError::Unavailable {
            operation: "start the network runtime",
            message: error.to_string(),
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_that_are_lost_on_the_way_are_told() {
        let provider = aws_config::profile::ProfileFileCredentialsProvider::builder()
            .profile_name("no profile has this name")
            .build();
        let builder = Builder::new()
            .behavior_version(BehaviorVersion::v2026_01_12())
            .region(Region::new("us-east-1"))
            .credentials_provider(provider)
            .endpoint_url("http://127.0.0.1:9");
        let logs = Logs::new(runtime().unwrap(), builder, "us-east-1".to_owned());
        let error = logs.log_group("group").unwrap_err();
        assert!(
            matches!(error, ServiceError::NoCredentials { .. }),
            "{error:?}"
        );
    }

    #[test]
    fn pauses_differ_and_stay_in_bounds() {
        let length = Duration::from_secs(8);
        let pauses: Vec<Duration> = (0..50).map(|_| jitter(length)).collect();
        assert!(
            pauses
                .iter()
                .all(|pause| (length / 2..=length).contains(pause))
        );
        assert!(pauses.iter().any(|pause| *pause != pauses[0]));
    }
}
