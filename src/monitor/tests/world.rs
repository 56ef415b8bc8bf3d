//! A world in memory, with a clock of its own: records, the service of queries, metrics, messages, and what goes wrong.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use crate::audit_log::prefix::LogLinePrefix;
use crate::compile::resources::Metric;
use crate::digest::sha256;
use crate::insights::service::Request;
use crate::judge::Rules;
use crate::monitor::attributes::array;
use crate::monitor::chat::tests as chat;
use crate::monitor::judging::Judging;
use crate::monitor::port::{
    CallError, CallErrorKind, Clock, Datum, Event, Events, Journal, Metrics, Page, Progress,
    Publication, Queries, Topic,
};
use crate::monitor::settings::Settings;
use crate::monitor::window::Windows;
use crate::monitor::{Answer, Invocation, Receipts, RunError, What, run};
use crate::policy::model::Breakdown;

/// Names and values.
pub(super) type Attributes = Vec<(&'static str, Vec<String>)>;

/// Chance that can be had again.
pub(super) struct Dice(Cell<u64>);

impl Dice {
    pub(super) fn new(seed: u64) -> Self {
        Self(Cell::new(
            seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ 0x1234_5678,
        ))
    }

    /// A number below `end`.
    pub(super) fn below(&self, end: u64) -> u64 {
        // SplitMix64.
        let state = self.0.get().wrapping_add(0x9E37_79B9_7F4A_7C15);
        self.0.set(state);
        let mut mixed = state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (mixed ^ (mixed >> 31)) % end.max(1)
    }

    pub(super) fn int(&self, low: i64, high: i64) -> i64 {
        low + i64::try_from(self.below(u64::try_from(high - low + 1).unwrap())).unwrap()
    }

    /// Says yes so many times in a thousand.
    pub(super) fn in_thousand(&self, times: u64) -> bool {
        self.below(1000) < times
    }
}

/// An entry of a log.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub(super) group: usize,
    /// The statement that it belongs to.
    pub(super) statement: u64,
    pub(super) user: String,
    pub(super) client: String,
    pub(super) says: Says,
    pub(super) happens_ms: i64,
    pub(super) arrives_ms: i64,
    /// Queries find it from here on.
    pub(super) found_ms: i64,
}

/// What an entry says.
#[derive(Debug, Clone)]
pub(super) enum Says {
    /// A record of a class, a command and an object, with an SQL text.
    Record(&'static str, &'static str, String, String),
    /// Somebody was refused, in these words.
    Refusal(String),
    /// A line that the query cannot read, as it is.
    Line(String),
}

impl Entry {
    /// Somebody works on the customers.
    pub(super) fn of(user: &str, command: &'static str) -> Self {
        let class = if command == "SELECT" { "READ" } else { "WRITE" };
        Self {
            group: 0,
            statement: 1,
            user: user.to_owned(),
            client: "10.0.3.17".to_owned(),
            says: Says::Record(
                class,
                command,
                "public.customers".to_owned(),
                format!("{command} something"),
            ),
            happens_ms: 0,
            arrives_ms: 0,
            found_ms: 0,
        }
    }

    /// Without a time: see [`Entry::of`].
    pub(super) fn saying(user: &str, says: Says) -> Self {
        Self {
            says,
            ..Self::of(user, "SELECT")
        }
    }

    #[must_use]
    pub(super) fn at(mut self, statement: u64, arrives_ms: i64) -> Self {
        self.statement = statement;
        self.happens_ms = arrives_ms - 2000;
        self.arrives_ms = arrives_ms;
        self.found_ms = arrives_ms;
        self
    }
}

/// How a fetch query divides entries into rows, as far as the monitor's own query tells it: `compile::fetch` proves what
/// the query means.
struct Division {
    windows: std::ops::RangeInclusive<i64>,
    keys: Vec<&'static str>,
    records: bool,
    unread: bool,
    refusals: bool,
}

impl Division {
    fn of(text: &str) -> Self {
        let number = |mark: &str| {
            let (_, rest) = text.split_once(mark)?;
            let digits = rest
                .split(|character: char| !character.is_ascii_digit())
                .next()?;
            digits.parse::<i64>().ok()
        };
        let (_, by) = text.split_once(" by @log, window").unwrap();
        let by = by.lines().next().unwrap();
        let is_part = |mark: &str| text.contains(mark);
        let records = is_part("isempty(head) = 0 and isempty(odd) = 1");
        let unread = is_part("isempty(head) = 1 or isempty(odd) = 0");
        let refusals = is_part("not like /: +AUDIT: ");
        let is_all = !records && !unread && !refusals;
        Self {
            windows: number("window >= ").unwrap_or(i64::MIN)
                ..=number("window <= ").unwrap_or(i64::MAX),
            keys: ["peer", "role", "base", "kind", "text", "action", "relation"]
                .into_iter()
                .filter(|key| by.split(", ").any(|one| one == *key))
                .collect(),
            records: records || is_all,
            unread: unread || is_all,
            refusals: refusals || (is_all && text.contains("FATAL")),
        }
    }

    fn takes(&self, says: &Says) -> bool {
        match says {
            Says::Record(..) => self.records,
            Says::Refusal(_) => self.refusals,
            Says::Line(_) => self.unread,
        }
    }
}

impl Entry {
    /// A key of a row. What is missing is the log's name.
    fn key(&self, name: &str, log: &str) -> String {
        let (record, rest) = match &self.says {
            Says::Record(class, command, object, sql) => (
                Some((class, command, object)),
                format!("{class},{command},TABLE,{object},\"{sql}\",<none>"),
            ),
            Says::Refusal(words) => (None, format!("FATAL:  {words}")),
            Says::Line(line) => (None, line.clone()),
        };
        let is_read = !matches!(self.says, Says::Line(_));
        let read = |value: &str| if is_read { value } else { log }.to_owned();
        match (name, record) {
            ("peer", _) => read(&self.client),
            ("role", _) => read(&self.user),
            ("base", _) => read("shop"),
            ("text", _) => rest,
            ("kind", Some(_)) => "LOG:  AUDIT: SESSION".to_owned(),
            ("action", Some((class, command, _))) => format!("{class},{command},TABLE,"),
            ("relation", Some((_, _, object))) => object.clone(),
            _ => log.to_owned(),
        }
    }
}

/// What goes wrong, in a thousand calls.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Faults {
    pub(super) busy: u64,
    pub(super) lost: u64,
    pub(super) answer_lost: u64,
    pub(super) refused: u64,
    pub(super) killed: u64,
    pub(super) slow: u64,
    pub(super) query_ends: u64,
    pub(super) query_hangs: u64,
    pub(super) untold: u64,
    /// The bus does not take an entry of a call.
    pub(super) untaken: u64,
    /// A point takes up to so many milliseconds until it can be read.
    pub(super) unread_ms: i64,
}

pub(super) struct Started {
    rows: Vec<Vec<(String, String)>>,
    looks: u64,
    ends: Option<&'static str>,
    hangs: bool,
}

/// A point, and when it can be read.
pub(super) type Points = BTreeMap<(String, i64), Vec<(f64, i64)>>;

pub(super) struct World {
    pub(super) settings: Settings,
    pub(super) judging: Judging,
    pub(super) entries: Vec<Entry>,
    pub(super) dice: Dice,
    pub(super) faults: Faults,
    pub(super) now_ms: Cell<i64>,
    pub(super) deadline_ms: Cell<i64>,
    pub(super) started: RefCell<Vec<Started>>,
    pub(super) stopped: Cell<usize>,
    pub(super) points: RefCell<Points>,
    /// Time of the call, name, time of the point, value.
    pub(super) puts: RefCell<Vec<(i64, String, i64, f64)>>,
    /// Run, subject and text.
    pub(super) messages: RefCell<Vec<(usize, String, String)>>,
    /// The attributes of each of them.
    pub(super) attributes: RefCell<Vec<Attributes>>,
    /// What the topic of the chat integration got.
    pub(super) chat: RefCell<Vec<Publication>>,
    /// The bus refuses events of this person.
    pub(super) unwelcome: Option<&'static str>,
    /// Run and detail of each event that the bus took.
    pub(super) events: RefCell<Vec<(usize, String)>>,
    pub(super) lines: RefCell<Vec<(usize, String)>>,
    pub(super) run: Cell<usize>,
    pub(super) requests: RefCell<Vec<Request>>,
    /// Rows that every query finds besides.
    pub(super) extra: Vec<Vec<(String, String)>>,
}

pub(super) const GROUPS: [&str; 2] = [
    "/aws/rds/cluster/orders/postgresql",
    "/aws/rds/cluster/billing/postgresql",
];

pub(super) fn settings(groups: usize, minutes: u32, settle: u32, late: u32) -> Settings {
    Settings {
        log_groups: GROUPS[..groups]
            .iter()
            .map(|name| (*name).to_owned())
            .collect(),
        namespace: "Test".to_owned(),
        windows: Windows::new(minutes, settle, late),
        environment: "prod".to_owned(),
        cluster: None,
        policy_digest: sha256("policy"),
        rules_digest: String::new(),
        topic: Some("arn:aws:sns:eu-central-1:123456789012:people".to_owned()),
        chat_topic: Some("arn:aws:sns:eu-central-1:123456789012:people-chat".to_owned()),
        event_bus: Some("arn:aws:events:eu-central-1:123456789012:event-bus/audit".to_owned()),
        runbook: Some("https://wiki.example.com/audit-alarm?env=prod".to_owned()),
        metrics: vec![Breakdown::Command],
        row_limit: 100_000,
        region: Some("eu-central-1".to_owned()),
    }
}

/// Rules as a function reads them.
pub(super) fn judging(settings: &Settings, rules: &Rules) -> Judging {
    let settings = Settings {
        rules_digest: rules.digest(),
        ..settings.clone()
    };
    Judging::read(&settings, &rules.to_bytes()).unwrap()
}

/// A metric as one text.
pub(super) fn name_of(metric: &Metric) -> String {
    let dimensions: Vec<&str> = metric
        .dimensions
        .iter()
        .map(|(_, value)| value.as_str())
        .collect();
    format!("{} {}", metric.name, dimensions.join(" "))
}

impl World {
    pub(super) fn new(settings: Settings, seed: u64, now_ms: i64) -> Self {
        Self {
            judging: judging(&settings, &Rules::new(LogLinePrefix::Short)),
            settings,
            entries: Vec::new(),
            dice: Dice::new(seed),
            faults: Faults::default(),
            now_ms: Cell::new(now_ms),
            deadline_ms: Cell::new(i64::MAX),
            started: RefCell::default(),
            stopped: Cell::new(0),
            points: RefCell::default(),
            puts: RefCell::default(),
            messages: RefCell::default(),
            attributes: RefCell::default(),
            chat: RefCell::default(),
            unwelcome: None,
            events: RefCell::default(),
            lines: RefCell::default(),
            run: Cell::new(0),
            requests: RefCell::default(),
            extra: Vec::new(),
        }
    }

    /// Runs the monitor as Lambda does. None when it was killed.
    pub(super) fn invoke(
        &self,
        receipts: &mut Receipts,
        what: What,
        timeout_ms: i64,
    ) -> Option<Result<Answer, RunError>> {
        self.run.set(self.run.get() + 1);
        let deadline_ms = self.now_ms.get() + timeout_ms;
        self.deadline_ms.set(deadline_ms);
        let invocation = Invocation { what, deadline_ms };
        let future = pin!(run(
            &self.settings,
            &self.judging,
            receipts,
            self,
            &invocation
        ));
        match future.poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(result) => Some(result),
            Poll::Pending => None,
        }
    }

    /// The greatest value that was published for a time.
    pub(super) fn greatest(&self, name: &str, time_ms: i64) -> Option<f64> {
        let points = self.points.borrow();
        let values = points.get(&(name.to_owned(), time_ms))?;
        values.iter().map(|(value, _)| *value).reduce(f64::max)
    }

    fn pass(&self, ms: i64) {
        self.now_ms.set(self.now_ms.get() + ms);
    }

    /// What happens to a call; whether it is carried out although it fails.
    async fn fate(&self, within: Duration) -> Result<(), (bool, CallError)> {
        let faults = &self.faults;
        let within = i64::try_from(within.as_millis()).unwrap();
        let takes = if self.dice.in_thousand(faults.slow) {
            self.dice.int(1000, 40_000)
        } else {
            self.dice.int(5, 60)
        };
        self.pass(takes.min(within));
        if self.now_ms.get() > self.deadline_ms.get() || self.dice.in_thousand(faults.killed) {
            // Lambda ends the process: nothing of it goes on.
            std::future::pending::<()>().await;
        }
        let error = |carried_out, kind| {
            let message = "as asked".to_owned();
            Err((carried_out, CallError { kind, message }))
        };
        if takes > within {
            return error(self.dice.in_thousand(500), CallErrorKind::Lost);
        }
        if self.dice.in_thousand(faults.busy) {
            return error(false, CallErrorKind::Busy);
        }
        if self.dice.in_thousand(faults.lost) {
            return error(false, CallErrorKind::Lost);
        }
        if self.dice.in_thousand(faults.answer_lost) {
            return error(true, CallErrorKind::Lost);
        }
        if self.dice.in_thousand(faults.refused) {
            return error(false, CallErrorKind::Refused);
        }
        Ok(())
    }

    /// Carries out a call, or not, as fate has it.
    async fn carry_out<T>(
        &self,
        within: Duration,
        effect: impl FnOnce() -> T,
    ) -> Result<T, CallError> {
        match self.fate(within).await {
            Ok(()) => Ok(effect()),
            Err((carried_out, error)) => {
                if carried_out {
                    effect();
                }
                Err(error)
            }
        }
    }

    /// What a fetch query finds.
    pub(super) fn rows(&self, request: &Request) -> Vec<Vec<(String, String)>> {
        struct Found {
            statements: BTreeSet<u64>,
            records: u64,
            oldest: i64,
            newest: i64,
            lag: i64,
            is_record: bool,
        }
        let division = Division::of(&request.text);
        let mut found: BTreeMap<(usize, i64, Vec<String>), Found> = BTreeMap::new();
        let (from, until) = (request.from * 1000, request.until * 1000 + 999);
        let log = |group: usize| format!("123456789012:{}", self.settings.log_groups[group]);
        for entry in &self.entries {
            let window = self.settings.windows.of(entry.arrives_ms);
            let is_found = entry.found_ms <= self.now_ms.get()
                && (from..=until).contains(&entry.happens_ms)
                && self.settings.log_groups.len() > entry.group
                && division.takes(&entry.says)
                && division.windows.contains(&window);
            if !is_found {
                continue;
            }
            let log = log(entry.group);
            let keys = division.keys.iter().map(|key| entry.key(key, &log));
            let row = found
                .entry((entry.group, window, keys.collect()))
                .or_insert(Found {
                    statements: BTreeSet::new(),
                    records: 0,
                    oldest: i64::MAX,
                    newest: i64::MIN,
                    lag: i64::MIN,
                    is_record: false,
                });
            row.statements.insert(entry.statement);
            row.records += 1;
            row.oldest = row.oldest.min(entry.happens_ms);
            row.newest = row.newest.max(entry.happens_ms);
            row.lag = row.lag.max(entry.arrives_ms - entry.happens_ms);
            row.is_record |= matches!(entry.says, Says::Record(..));
        }
        let is_text = division.keys.contains(&"text");
        let mut rows: Vec<(u64, Vec<(String, String)>)> = found
            .into_iter()
            .map(|((group, window, keys), row)| {
                let field = |name: &str, value: String| (name.to_owned(), value);
                let size: usize = keys.iter().map(String::len).sum();
                let mut fields = vec![
                    field("@log", log(group)),
                    field("window", format!("{window}.0")),
                    field("records", row.records.to_string()),
                    field("statements", row.statements.len().to_string()),
                    field("oldest", row.oldest.to_string()),
                    field("newest", format!("{}.0", row.newest)),
                    field("lag", row.lag.to_string()),
                ];
                if is_text && row.is_record {
                    fields.push(field("process", "4711".to_owned()));
                    fields.push(field("number", "7,1".to_owned()));
                }
                let order = if is_text { size as u64 } else { row.records };
                let names = division.keys.iter().copied();
                fields.extend(names.zip(keys).map(|(name, key)| field(name, key)));
                (order, fields)
            })
            .collect();
        rows.sort_by_key(|(order, _)| std::cmp::Reverse(*order));
        rows.truncate(request.limit as usize);
        let rows = rows.into_iter().map(|(_, fields)| fields);
        rows.chain(self.extra.iter().cloned()).collect()
    }
}

impl Queries for World {
    async fn start(&self, request: &Request, within: Duration) -> Result<String, CallError> {
        self.carry_out(within, || {
            self.requests.borrow_mut().push(request.clone());
            let mut started = self.started.borrow_mut();
            started.push(Started {
                rows: self.rows(request),
                looks: self.dice.below(4),
                ends: self.dice.in_thousand(self.faults.query_ends).then(|| {
                    ["Failed", "Cancelled", "Timeout", "Invented"][self.dice.below(4) as usize]
                }),
                hangs: self.dice.in_thousand(self.faults.query_hangs),
            });
            (started.len() - 1).to_string()
        })
        .await
    }

    async fn page(
        &self,
        id: &str,
        next: Option<&str>,
        most: u32,
        within: Duration,
    ) -> Result<Page, CallError> {
        // Small results have several pages too.
        let page = if most == 8 { 2 } else { most as usize };
        self.carry_out(within, || {
            let mut started = self.started.borrow_mut();
            let query = &mut started[id.parse::<usize>().unwrap()];
            if query.hangs || query.looks > 0 {
                query.looks = query.looks.saturating_sub(1);
                // Partial rows, and one that is in no result: whoever uses them is wrong.
                let mut rows: Vec<_> = query.rows.iter().take(1).cloned().collect();
                rows.extend(rows.clone());
                return Page {
                    progress: Progress::Runs,
                    rows,
                    next: None,
                };
            }
            if let Some(state) = query.ends {
                return Page {
                    progress: Progress::Ended(state.to_owned()),
                    rows: Vec::new(),
                    next: None,
                };
            }
            let from = next.map_or(0, |next| next.parse().unwrap());
            let until = (from + page).min(query.rows.len());
            Page {
                progress: Progress::Complete,
                rows: query.rows[from..until].to_vec(),
                next: (until < query.rows.len()).then(|| until.to_string()),
            }
        })
        .await
    }

    async fn stop(&self, _: &str, within: Duration) -> Result<(), CallError> {
        self.carry_out(within, || self.stopped.set(self.stopped.get() + 1))
            .await
    }
}

impl Metrics for World {
    async fn put(&self, _: &str, data: &[Datum], within: Duration) -> Result<(), CallError> {
        self.carry_out(within, || {
            let now_ms = self.now_ms.get();
            let readable_ms = now_ms + self.dice.int(0, self.faults.unread_ms);
            for datum in data {
                let name = name_of(&datum.metric);
                let mut points = self.points.borrow_mut();
                let values = points.entry((name.clone(), datum.time_ms)).or_default();
                values.push((datum.value, readable_ms));
                self.puts
                    .borrow_mut()
                    .push((now_ms, name, datum.time_ms, datum.value));
            }
        })
        .await
    }

    async fn read(
        &self,
        _: &str,
        metrics: &[Metric],
        from_ms: i64,
        until_ms: i64,
        within: Duration,
    ) -> Result<Vec<Vec<(i64, f64)>>, CallError> {
        self.carry_out(within, || {
            let points = self.points.borrow();
            let read = |metric: &Metric| {
                let name = name_of(metric);
                let range = (name.clone(), from_ms)..(name, until_ms);
                points
                    .range(range)
                    .filter_map(|((_, time_ms), values)| {
                        let readable = values.iter().filter(|(_, from)| *from <= self.now_ms.get());
                        Some((
                            *time_ms,
                            readable.map(|(value, _)| *value).reduce(f64::max)?,
                        ))
                    })
                    .collect()
            };
            metrics.iter().map(read).collect()
        })
        .await
    }
}

impl Topic for World {
    async fn publish(
        &self,
        topic: &str,
        message: &Publication,
        within: Duration,
    ) -> Result<(), CallError> {
        let (subject, text) = (&message.subject, &message.text);
        let attributes = message.attributes.iter();
        let bytes: usize = attributes
            .map(|(name, values)| name.len() + array(values).len())
            .sum();
        assert!(text.len() + bytes <= 256 * 1024);
        assert!(subject.len() < 100 && subject.bytes().all(|byte| (0x20..0x7f).contains(&byte)));
        assert!(!text.is_empty() && text.len() <= 256 * 1024);
        if self.dice.in_thousand(self.faults.untold) {
            let message = "as asked".to_owned();
            return Err(CallError {
                kind: CallErrorKind::Refused,
                message,
            });
        }
        self.carry_out(within, || {
            if topic.ends_with("-chat") {
                chat::check(text);
                self.chat.borrow_mut().push(message.clone());
                return;
            }
            let attributes = message.attributes.clone();
            self.attributes.borrow_mut().push(attributes);
            let message = (self.run.get(), subject.to_owned(), text.to_owned());
            self.messages.borrow_mut().push(message);
        })
        .await
    }
}

impl Events for World {
    async fn send(
        &self,
        bus: &str,
        events: &[&Event],
        within: Duration,
    ) -> Result<Vec<(usize, CallError)>, CallError> {
        assert!(bus.ends_with(":event-bus/audit"), "{bus}");
        // What EventBridge takes.
        assert!((1..=10).contains(&events.len()), "{}", events.len());
        assert!(events.iter().map(|event| event.detail.len()).sum::<usize>() < 256 * 1024);
        let failed: Vec<(usize, CallError)> = events
            .iter()
            .enumerate()
            .filter_map(|(place, event)| {
                let user = self.unwelcome.map(|user| format!("\"user\":{user:?}"));
                let (kind, code) = if user.is_some_and(|user| event.detail.contains(&user)) {
                    (CallErrorKind::Refused, "NotAuthorizedForSourceException")
                } else if self.dice.in_thousand(self.faults.untaken) {
                    // Some entries of a call may fail by themselves, and another attempt helps.
                    (CallErrorKind::Lost, "InternalFailure")
                } else {
                    return None;
                };
                let message = format!("{code}: as asked");
                Some((place, CallError { kind, message }))
            })
            .collect();
        self.carry_out(within, || {
            for (place, event) in events.iter().enumerate() {
                if !failed.iter().any(|(other, _)| *other == place) {
                    let event = (self.run.get(), event.detail.clone());
                    self.events.borrow_mut().push(event);
                }
            }
            failed.clone()
        })
        .await
    }
}

impl Clock for World {
    fn now_ms(&self) -> i64 {
        self.now_ms.get()
    }

    async fn sleep(&self, length: Duration) {
        self.pass(i64::try_from(length.as_millis()).unwrap().max(1));
        if self.now_ms.get() > self.deadline_ms.get() {
            std::future::pending::<()>().await;
        }
    }

    fn chance(&self) -> f64 {
        self.dice.below(1000) as f64 / 1000.0
    }
}

impl Journal for World {
    fn write(&self, line: &str) {
        assert!(!line.contains('\n'));
        self.lines
            .borrow_mut()
            .push((self.run.get(), line.to_owned()));
    }
}
