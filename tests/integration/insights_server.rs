//! A server on loopback that speaks the JSON 1.1 protocol of CloudWatch Logs, and runs queries with our interpreter.
//!
//! Plain sockets and threads: nothing of the SDK is in it, so that a mistake cannot be made on both sides.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test's server may panic"
)]

use std::collections::{BTreeMap, VecDeque};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, RecvTimeoutError, TryRecvError, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread;
use std::time::{Duration, Instant};

use pgvigil::insights::Event;
use serde_json::{Value, json};

use crate::turned::{self, Answered, Time};

/// One entry in a log group.
#[derive(Clone, Debug)]
pub(crate) struct Stored {
    pub(crate) group: String,
    pub(crate) stream: String,
    pub(crate) timestamp_ms: i64,
    /// When it arrived.
    pub(crate) ingestion_ms: i64,
    /// Queries that begin before, by the clock, do not find it.
    pub(crate) found_ms: i64,
    pub(crate) message: Vec<u8>,
}

impl Stored {
    /// An entry that arrived at once, and that every query finds.
    pub(crate) fn new(group: &str, stream: &str, timestamp_ms: i64, message: Vec<u8>) -> Self {
        Self {
            group: group.to_owned(),
            stream: stream.to_owned(),
            timestamp_ms,
            ingestion_ms: timestamp_ms,
            found_ms: i64::MIN,
            message,
        }
    }

    /// Runs `look` with the entry as the interpreter takes it.
    pub(crate) fn event<T>(&self, look: impl FnOnce(&Event<'_>) -> T) -> T {
        self.event_of(&format!("123456789012:{}", self.group), look)
    }

    /// The same under another name of the log.
    pub(crate) fn event_of<T>(&self, log: &str, look: impl FnOnce(&Event<'_>) -> T) -> T {
        look(&Event {
            message: &self.message,
            timestamp_ms: self.timestamp_ms,
            ingestion_ms: self.ingestion_ms,
            log_stream: self.stream.as_bytes(),
            log: log.as_bytes(),
        })
    }
}

/// What goes wrong with a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// An error answer: status and the name of the error.
    Answer(u16, &'static str),
    /// The connection ends without an answer, before the call has an effect.
    Reset,
    /// The call has its effect, and the connection ends without an answer.
    LoseAnswer,
}

/// How the service may understand that the end of a range belongs to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// The whole last second.
    WholeSecond,
    /// The first millisecond of it.
    FirstMillisecond,
}

/// A call that was made.
#[derive(Clone, Debug)]
pub(crate) struct Called {
    pub(crate) operation: String,
    pub(crate) body: Value,
    pub(crate) signed: bool,
    pub(crate) at: Instant,
}

/// What the server knows, and how it behaves.
pub(crate) struct State {
    pub(crate) events: Arc<Vec<Stored>>,
    /// As DescribeLogGroups tells them.
    pub(crate) groups: Vec<Value>,
    /// For the next calls of an operation.
    pub(crate) faults: BTreeMap<&'static str, VecDeque<Fault>>,
    /// States in which the next queries end, instead of `Complete`.
    pub(crate) ends: VecDeque<&'static str>,
    /// Looks before a query ends.
    pub(crate) looks: usize,
    /// Queries never end.
    pub(crate) hangs: bool,
    /// A call waits so long for its answer.
    pub(crate) delay: std::time::Duration,
    /// Calls that wait so.
    pub(crate) waiting: usize,
    /// Queries that may run at once.
    pub(crate) room: usize,
    /// Rows on a page.
    pub(crate) page: usize,
    pub(crate) end: End,
    /// Answers that are other than `insights::assumed` has them.
    pub(crate) turned: Vec<&'static str>,
    /// Where calls go that this server does not answer, and where the entries are then.
    pub(crate) upstream: Option<Upstream>,
    pub(crate) calls: Vec<Called>,
    /// Most queries that ever ran at once.
    pub(crate) most_running: usize,
    queries: BTreeMap<String, Query>,
}

impl State {
    /// Calls of an operation.
    pub(crate) fn called(&self, operation: &str) -> Vec<&Called> {
        self.calls
            .iter()
            .filter(|call| call.operation == operation)
            .collect()
    }

    /// Queries that were started, and have neither ended nor been stopped.
    pub(crate) fn running(&self) -> usize {
        self.queries.values().filter(|query| query.runs).count()
    }

    /// The next calls of the operation go wrong.
    pub(crate) fn fail(&mut self, operation: &'static str, faults: &[Fault]) {
        self.faults.entry(operation).or_default().extend(faults);
    }
}

/// Another server of CloudWatch Logs, which keeps the entries.
pub(crate) struct Upstream {
    address: String,
    /// Whether its entries are known here.
    is_read: bool,
}

impl Upstream {
    pub(crate) fn new(endpoint: &str) -> Self {
        Self {
            address: endpoint.trim_start_matches("http://").to_owned(),
            is_read: false,
        }
    }

    /// Makes the call that the headers name.
    fn call(&self, headers: &str, body: &Value) -> (u16, Value) {
        let body = body.to_string();
        let mut stream = TcpStream::connect(&self.address).unwrap();
        write!(
            stream,
            "POST / HTTP/1.0\r\nHost: 127.0.0.1\r\n{headers}Content-Length: {}\r\n\r\n{body}",
            body.len()
        )
        .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        (status, serde_json::from_str(body).unwrap_or(Value::Null))
    }

    /// Another call in the place of the one that the headers name.
    fn ask(&self, headers: &str, operation: &str, body: &Value) -> Value {
        let own = headers
            .lines()
            .filter(|line| !line.to_ascii_lowercase().starts_with("x-amz-target:"));
        let mut headers = format!("X-Amz-Target: Logs_20140328.{operation}\r\n");
        own.for_each(|line| headers.push_str(&format!("{line}\r\n")));
        self.call(&headers, body).1
    }

    /// All entries, where they are other than at the last look.
    fn events(&mut self, headers: &str) -> Option<Vec<Stored>> {
        if self.is_read {
            return None;
        }
        self.is_read = true;
        let mut events = Vec::new();
        let groups = self.ask(headers, "DescribeLogGroups", &json!({}));
        for group in groups["logGroups"].as_array().unwrap() {
            let group = group["logGroupName"].as_str().unwrap();
            let streams = self.ask(
                headers,
                "DescribeLogStreams",
                &json!({ "logGroupName": group }),
            );
            for stream in streams["logStreams"].as_array().unwrap() {
                let stream = stream["logStreamName"].as_str().unwrap();
                let mut token = Value::Null;
                loop {
                    let mut asked = json!({ "logGroupName": group, "logStreamName": stream, "startFromHead": true });
                    if !token.is_null() {
                        asked["nextToken"] = token.clone();
                    }
                    let page = self.ask(headers, "GetLogEvents", &asked);
                    events.extend(
                        page["events"]
                            .as_array()
                            .unwrap()
                            .iter()
                            .map(|event| Stored {
                                ingestion_ms: event["ingestionTime"].as_i64().unwrap(),
                                ..Stored::new(
                                    group,
                                    stream,
                                    event["timestamp"].as_i64().unwrap(),
                                    event["message"].as_str().unwrap().as_bytes().to_vec(),
                                )
                            }),
                    );
                    if page["nextForwardToken"] == token {
                        break;
                    }
                    token = page["nextForwardToken"].clone();
                }
            }
        }
        Some(events)
    }
}

struct Query {
    looks: usize,
    end: &'static str,
    runs: bool,
    work: Work,
}

/// What a query came to, or will come to.
enum Work {
    Begun(Receiver<Result<Answered, String>>),
    Done(Answered),
}

/// So long does StartQuery wait for the result: a text that the interpreter refuses is refused there.
const START: Duration = Duration::from_secs(1);

/// A running server. It ends with the process.
pub(crate) struct Server {
    address: SocketAddr,
    state: Arc<Mutex<State>>,
}

impl Server {
    pub(crate) fn start(events: Vec<Stored>) -> Self {
        let mut names: Vec<&str> = events.iter().map(|event| event.group.as_str()).collect();
        names.sort_unstable();
        names.dedup();
        let groups = names.iter().map(|name| group(name, 0, None, 0)).collect();
        let state = Arc::new(Mutex::new(State {
            groups,
            events: Arc::new(events),
            faults: BTreeMap::new(),
            ends: VecDeque::new(),
            looks: 2,
            hangs: false,
            delay: std::time::Duration::ZERO,
            waiting: 0,
            room: 100,
            page: 10_000,
            end: End::WholeSecond,
            turned: Vec::new(),
            upstream: None,
            calls: Vec::new(),
            most_running: 0,
            queries: BTreeMap::new(),
        }));
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::clone(&state);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let state = Arc::clone(&shared);
                thread::spawn(move || serve(&stream, &state));
            }
        });
        Self { address, state }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

/// A log group, as DescribeLogGroups tells it.
pub(crate) fn group(name: &str, bytes: u64, days: Option<u32>, created_ms: i64) -> Value {
    let mut told = json!({
        "logGroupName": name,
        "storedBytes": bytes,
        "creationTime": created_ms,
        "logGroupArn": format!("arn:aws:logs:us-east-1:123456789012:log-group:{name}"),
    });
    if let Some(days) = days {
        told["retentionInDays"] = json!(days);
    }
    told
}

/// Answers the calls of one connection, until it ends.
fn serve(stream: &TcpStream, state: &Mutex<State>) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut writer = stream.try_clone().unwrap();
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).unwrap_or(0) == 0 {
            return;
        }
        assert!(line.starts_with("POST / HTTP/1.1"), "{line}");
        let (mut length, mut target, mut signed) = (0, String::new(), false);
        let mut headers = String::new();
        loop {
            let mut header = String::new();
            reader.read_line(&mut header).unwrap();
            let Some((name, value)) = header.trim_end().split_once(':') else {
                break;
            };
            let value = value.trim();
            if !["content-length", "host", "connection"]
                .contains(&name.to_ascii_lowercase().as_str())
            {
                headers.push_str(&format!("{name}: {value}\r\n"));
            }
            match name.to_ascii_lowercase().as_str() {
                "content-length" => length = value.parse().unwrap(),
                "x-amz-target" => target = value.to_owned(),
                "content-type" => assert_eq!(value, "application/x-amz-json-1.1"),
                "authorization" => signed = value.starts_with("AWS4-HMAC-SHA256 Credential="),
                _ => {}
            }
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body).unwrap();
        let body: Value = serde_json::from_slice(&body).unwrap();
        let operation = target.strip_prefix("Logs_20140328.").unwrap().to_owned();
        let Some((status, answer)) = answer(state, &operation, body, signed, &headers) else {
            let _ = stream.shutdown(std::net::Shutdown::Both);
            return;
        };
        let answer = answer.to_string();
        let head = format!(
            "HTTP/1.1 {status} X\r\ncontent-type: application/x-amz-json-1.1\r\ncontent-length: {}\r\n\r\n",
            answer.len()
        );
        if writer.write_all((head + &answer).as_bytes()).is_err() {
            return;
        }
    }
}

/// The answer to a call; none where the connection must end instead.
fn answer(
    state: &Mutex<State>,
    operation: &str,
    body: Value,
    signed: bool,
    headers: &str,
) -> Option<(u16, Value)> {
    let lock = || {
        state
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    };
    let delay = lock().delay;
    if !delay.is_zero() {
        lock().waiting += 1;
        thread::sleep(delay);
        lock().waiting -= 1;
    }
    let mut state = lock();
    state.calls.push(Called {
        operation: operation.to_owned(),
        body: body.clone(),
        signed,
        at: Instant::now(),
    });
    let fault = state
        .faults
        .get_mut(operation)
        .and_then(VecDeque::pop_front);
    match fault {
        Some(Fault::Answer(status, name)) => return Some((status, error(name, "as asked"))),
        Some(Fault::Reset) => return None,
        Some(Fault::LoseAnswer) | None => {}
    }
    if let Some(upstream) = &mut state.upstream {
        if operation == "StartQuery" {
            if let Some(events) = upstream.events(headers) {
                state.events = Arc::new(events);
            }
        } else if !operation.contains("Query") {
            upstream.is_read &= operation != "PutLogEvents";
            return Some(upstream.call(headers, &body));
        }
    }
    let answer = match operation {
        "StartQuery" => state.start_query(&body),
        "GetQueryResults" => state.get_query_results(&body),
        "StopQuery" => state.stop_query(&body),
        "DescribeLogGroups" => state.describe_log_groups(&body),
        other => panic!("{other}"),
    };
    (fault != Some(Fault::LoseAnswer)).then_some(answer)
}

impl Work {
    /// What the query came to, where it has ended.
    fn look(&mut self) -> Option<&Answered> {
        if let Self::Begun(begun) = self {
            match begun.try_recv() {
                Ok(answered) => *self = Self::Done(answered.unwrap()),
                Err(TryRecvError::Empty) => return None,
                Err(TryRecvError::Disconnected) => panic!("the interpreter failed"),
            }
        }
        match self {
            Self::Done(answered) => Some(answered),
            Self::Begun(_) => None,
        }
    }
}

fn error(name: &str, message: &str) -> Value {
    json!({ "__type": name, "message": message })
}

impl State {
    fn start_query(&mut self, body: &Value) -> (u16, Value) {
        if self.running() >= self.room {
            return (
                400,
                error(
                    "LimitExceededException",
                    "Account maximum query concurrency limit of [100] reached.",
                ),
            );
        }
        let groups: Vec<&str> = ["logGroupNames", "logGroupIdentifiers"]
            .iter()
            .filter_map(|key| body[key].as_array())
            .flatten()
            .map(|name| name.as_str().unwrap())
            .map(|name| {
                name.rsplit_once(":log-group:")
                    .map_or(name, |(_, name)| name)
            })
            .collect();
        if groups.is_empty() || groups.len() > 50 {
            return (
                400,
                error("InvalidParameterException", "1 to 50 log groups"),
            );
        }
        for group in groups.iter().filter(|_| self.upstream.is_none()) {
            if !self
                .groups
                .iter()
                .any(|known| known["logGroupName"] == *group)
            {
                return (
                    400,
                    error(
                        "ResourceNotFoundException",
                        &format!("Log group '{group}' does not exist"),
                    ),
                );
            }
        }
        let limit = body["limit"].as_u64().unwrap_or(10_000);
        assert!((1..=100_000).contains(&limit), "{limit}");
        let time = Time {
            from: body["startTime"].as_i64().unwrap(),
            until: body["endTime"].as_i64().unwrap(),
            end: self.end,
            now_ms: jiff::Timestamp::now().as_millisecond(),
        };
        // As the service, the query goes on after the answer: a large one takes longer than a client waits for an answer.
        let (done, begun) = sync_channel(1);
        let text = body["queryString"].as_str().unwrap().to_owned();
        let (turned, events) = (self.turned.clone(), Arc::clone(&self.events));
        let groups: Vec<String> = groups.into_iter().map(str::to_owned).collect();
        thread::spawn(move || {
            let entries = events.iter();
            let entries = entries.filter(|event| groups.contains(&event.group));
            let _ = done.send(turned::answer(&turned, &text, time, limit, entries));
        });
        let work = match begun.recv_timeout(START) {
            Ok(Ok(answered)) => Work::Done(answered),
            Ok(Err(message)) => return (400, error("MalformedQueryException", &message)),
            Err(RecvTimeoutError::Timeout) => Work::Begun(begun),
            Err(RecvTimeoutError::Disconnected) => panic!("the interpreter failed"),
        };
        let id = format!("query-{}", self.queries.len());
        self.queries.insert(
            id.clone(),
            Query {
                looks: 0,
                end: self.ends.pop_front().unwrap_or("Complete"),
                runs: true,
                work,
            },
        );
        self.most_running = self.most_running.max(self.running());
        (200, json!({ "queryId": id }))
    }

    fn get_query_results(&mut self, body: &Value) -> (u16, Value) {
        let id = body["queryId"].as_str().unwrap();
        let Some(query) = self.queries.get_mut(id) else {
            return (400, error("ResourceNotFoundException", "no such query"));
        };
        query.looks += 1;
        // CloudWatch Logs API, `GetQueryResults`, `maxItems`.
        let most = body["maxItems"].as_u64().unwrap_or(10_000);
        assert!((1..=10_000).contains(&most), "{most}");
        let page = self.page.min(usize::try_from(most).unwrap());
        if query.looks == 1 {
            return (200, json!({ "status": "Scheduled", "results": [] }));
        }
        let Some(Answered {
            table,
            matched,
            scanned,
            bytes,
        }) = query.work.look()
        else {
            return (200, json!({ "status": "Running", "results": [] }));
        };
        let columns = &table.columns;
        if query.runs && (self.hangs || query.looks <= self.looks) {
            // Half of the rows, and one that is not in the result: whoever uses them has another result.
            let half = &table.rows[..(table.rows.len() / 2).min(page)];
            let mut rows: Vec<Value> = half.iter().map(|row| fields(columns, row)).collect();
            let partial: Vec<Value> = columns
                .iter()
                .map(|name| json!({ "field": name, "value": "7" }))
                .collect();
            rows.push(Value::Array(partial));
            return (
                200,
                json!({ "status": "Running", "results": rows, "statistics": {} }),
            );
        }
        query.runs = false;
        if query.end != "Complete" {
            return (200, json!({ "status": query.end, "results": [] }));
        }
        let from: usize = body["nextToken"]
            .as_str()
            .map_or(0, |token| token.parse().unwrap());
        let until = (from + page).min(table.rows.len());
        let rows: Vec<Value> = table.rows[from..until]
            .iter()
            .map(|row| fields(columns, row))
            .collect();
        let mut answer = json!({
            "status": "Complete",
            "results": rows,
            "statistics": {
                "recordsMatched": *matched as f64,
                "recordsScanned": *scanned as f64,
                "bytesScanned": *bytes as f64,
                "resultCount": table.rows.len() as f64,
            },
        });
        if until < table.rows.len() {
            answer["nextToken"] = json!(until.to_string());
        }
        (200, answer)
    }

    fn stop_query(&mut self, body: &Value) -> (u16, Value) {
        let id = body["queryId"].as_str().unwrap();
        match self.queries.get_mut(id) {
            Some(query) if query.runs => {
                query.runs = false;
                query.end = "Cancelled";
                (200, json!({ "success": true }))
            }
            Some(_) => (
                400,
                error("InvalidParameterException", "the query is not running"),
            ),
            None => (400, error("ResourceNotFoundException", "no such query")),
        }
    }

    /// Two groups on a page.
    fn describe_log_groups(&self, body: &Value) -> (u16, Value) {
        let prefix = body["logGroupNamePrefix"].as_str().unwrap_or_default();
        let arns = body["logGroupIdentifiers"].as_array();
        let fits: Vec<&Value> = self
            .groups
            .iter()
            .filter(|group| group["logGroupName"].as_str().unwrap().starts_with(prefix))
            .filter(|group| arns.is_none_or(|arns| arns.contains(&group["logGroupArn"])))
            .collect();
        let from: usize = body["nextToken"]
            .as_str()
            .map_or(0, |token| token.parse().unwrap());
        let page: Vec<&Value> = fits.iter().copied().skip(from).take(2).collect();
        let mut answer = json!({ "logGroups": page });
        if from + 2 < fits.len() {
            answer["nextToken"] = json!((from + 2).to_string());
        }
        (200, answer)
    }
}

/// A row as the service writes it: a missing field is left out.
fn fields(columns: &[String], row: &[Option<String>]) -> Value {
    columns
        .iter()
        .zip(row)
        .filter_map(|(name, value)| {
            value
                .as_ref()
                .map(|value| json!({ "field": name, "value": value }))
        })
        .collect()
}
