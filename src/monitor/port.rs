//! What a run needs of the world, without anybody's types.

use std::future::Future;
use std::time::Duration;

use crate::compile::resources::Metric;
use crate::insights::service::Request;

/// Why a call has no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallError {
    /// What trying again would do.
    pub kind: CallErrorKind,
    /// The service's words, on one line.
    pub message: String,
}

/// What trying again would do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CallErrorKind {
    /// The service had no room, and did nothing: it may have some later.
    Busy,
    /// The call or its answer was lost. It may have been carried out.
    Lost,
    /// It would fail again.
    Refused,
}

/// How far a query is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Progress {
    /// It waits or runs, or the service does not know. Its rows are partial.
    Runs,
    /// The rows are the result.
    Complete,
    /// It ended otherwise, in this state.
    Ended(String),
}

/// An answer to the question for a query's result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// How far the query is.
    pub progress: Progress,
    /// Rows: name and value of each field that is not missing.
    pub rows: Vec<Vec<(String, String)>>,
    /// Where the next page is.
    pub next: Option<String>,
}

/// Runs queries in the clusters' logs.
pub trait Queries {
    /// Starts a query and gives its id.
    fn start(
        &self,
        request: &Request,
        within: Duration,
    ) -> impl Future<Output = Result<String, CallError>>;

    /// What there is of its result: so many rows at most.
    fn page(
        &self,
        id: &str,
        next: Option<&str>,
        most: u32,
        within: Duration,
    ) -> impl Future<Output = Result<Page, CallError>>;

    fn stop(&self, id: &str, within: Duration) -> impl Future<Output = Result<(), CallError>>;
}

/// One figure at one time.
#[derive(Debug, Clone, PartialEq)]
pub struct Datum {
    pub metric: Metric,
    /// Milliseconds since 1970.
    pub time_ms: i64,
    /// The figure, in the metric's unit.
    pub value: f64,
}

/// Figures, where alarms look at them.
pub trait Metrics {
    /// Publishes figures: at most as many as one call takes.
    fn put(
        &self,
        namespace: &str,
        data: &[Datum],
        within: Duration,
    ) -> impl Future<Output = Result<(), CallError>>;

    /// The maximum of each minute in which a metric has a figure, for each metric: milliseconds since 1970 and value.
    fn read(
        &self,
        namespace: &str,
        metrics: &[Metric],
        from_ms: i64,
        until_ms: i64,
        within: Duration,
    ) -> impl Future<Output = Result<Vec<Vec<(i64, f64)>>, CallError>>;
}

/// What subscribers of a topic get.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Publication {
    /// The subject of an email: ASCII, fewer than 100 characters.
    pub subject: String,
    pub text: String,
    /// What the filters of subscriptions look at: names, and lists of texts. A message without them goes to those who get
    /// everything, and to nobody else.
    pub attributes: Vec<(&'static str, Vec<String>)>,
}

pub trait Topic {
    fn publish(
        &self,
        topic: &str,
        message: &Publication,
        within: Duration,
    ) -> impl Future<Output = Result<(), CallError>>;
}

/// One event on a bus: a new detection, or how many were left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// What it is.
    pub detail_type: &'static str,
    /// When the last record of it was written, in milliseconds since 1970.
    pub time_ms: i64,
    /// The record, as JSON on one line.
    pub detail: String,
}

/// A bus that carries events to whatever listens to it.
pub trait Events {
    /// Sends events, as many as one call takes. Gives the places of those that the bus did not take, and why: the others
    /// are on it.
    fn send(
        &self,
        bus: &str,
        events: &[&Event],
        within: Duration,
    ) -> impl Future<Output = Result<Vec<(usize, CallError)>, CallError>>;
}

pub trait Clock {
    /// Milliseconds since 1970.
    fn now_ms(&self) -> i64;

    fn sleep(&self, length: Duration) -> impl Future<Output = ()>;

    /// A random number from 0 to 1.
    fn chance(&self) -> f64;
}

/// The monitor's own log.
pub trait Journal {
    /// Adds a line, which is one JSON object.
    fn write(&self, line: &str);
}

pub trait World: Queries + Metrics + Topic + Events + Clock + Journal {}

impl<T: Queries + Metrics + Topic + Events + Clock + Journal> World for T {}
