//! A made-up quarter of a company of forty people: entries that a real server wrote, moved to the days of the quarter; the
//! monitor itself, judging them by the policy of each day; and the policy with its history in Git.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "helpers of tests may panic"
)]

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;
use std::pin::pin;
use std::process::{Command, Output};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp};
use pgvigil::audit_log::reader::{Inputs, ReadOptions, for_each_entry};
use pgvigil::compile::compile;
use pgvigil::compile::resources::{Kind, Metric};
use pgvigil::insights::service::Request;
use pgvigil::judge::Rules;
use pgvigil::monitor::port::{
    CallError, Clock, Datum, Event, Events, Journal, Metrics, Page, Progress, Publication, Queries,
    Topic,
};
use pgvigil::monitor::{Invocation, Judging, Receipts, Settings, What, run};
use pgvigil::policy;
use tempfile::TempDir;

use crate::company;
use crate::git::{git, git_with};
use crate::insights_server::{End, Stored};
use crate::turned::{self, Time};

pub(crate) const SINCE: &str = "2026-07-01";
pub(crate) const UNTIL: &str = "2026-09-30";

/// The day on which the person with an approval does more than was approved.
pub(crate) const INCIDENT: &str = "2026-08-20";

/// When the monitor does not run.
pub(crate) const GAP: (&str, &str) = ("2026-09-12T02:00:00Z", "2026-09-12T08:00:00Z");

/// When the two changes of the policy are merged.
pub(crate) const FIRST_CHANGE: &str = "2026-08-03T10:00:00Z";
pub(crate) const SECOND_CHANGE: &str = "2026-08-14T16:00:00Z";

const GROUP: &str = "/aws/rds/cluster/shop/postgresql";

const ENVIRONMENT: &str = "version: 1
provider: aws
account: \"123456789012\"
region: eu-central-1
clusters: [shop]
log_line_prefix: \"%m:%r:%u@%d:[%p]:%l:%e:%s:%v:%x:%c:%q%a:\"
signals: {dml: {}, privilege: {}, schema: {}, audit_tampering: {}, denied: {}}
notifications: {email: [dba@example.com]}
";

const EXCLUSION: &str = "version: 1
exclusions:
  - id: countries-counted
    title: The public list of countries is counted
    reason: the list of countries is public, and contains no data of people
    owner: data-lead
    ticket: DATA-7
    created: 2026-08-03
    expires: 2027-01-31
    environments: all
    match:
      class: READ
      command: SELECT
      object_type: TABLE
      schema: reference
      relation: [countries]
      statement:
        only_calls: {set: harmless-functions}
    samples:
      silences:
        - {class: READ, command: SELECT, object_type: TABLE, object: reference.countries, statement: select count(*) from reference.countries where id = 7}
      stays_loud:
        - {class: READ, command: SELECT, object_type: TABLE, object: reference.taxes, statement: select count(*) from reference.taxes}
        - {class: READ, command: SELECT, object_type: TABLE, object: reference.countries, statement: select lo_get(1) from reference.countries}
";

/// What the monitor, a repository and a server's log show of the quarter.
pub(crate) struct Quarter {
    pub(crate) folder: TempDir,
    /// The monitor's lines.
    pub(crate) records: Vec<String>,
    /// The entries, by their time.
    pub(crate) entries: Vec<(Timestamp, Vec<u8>)>,
}

pub(crate) fn moment(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn day(text: &str) -> Date {
    text.parse().unwrap()
}

impl Quarter {
    pub(crate) fn new() -> Self {
        let folder =
            tempfile::tempdir_in("/dev/shm").unwrap_or_else(|_| tempfile::tempdir().unwrap());
        let mut quarter = Self {
            folder,
            records: Vec::new(),
            entries: entries(),
        };
        quarter.git(&["init", "-q", "-b", "main"], None);
        let spans = quarter.commit_policies();
        let account = Account::new(&quarter.entries);
        for (commit, from, until) in spans {
            account.watch(quarter.root(), &commit, from, until);
        }
        quarter.records = account.lines.into_inner();
        quarter
    }

    pub(crate) fn root(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn write(&self, name: &str, text: impl AsRef<[u8]>) {
        let path = self.root().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    pub(crate) fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.root().join(name)).unwrap()
    }

    /// Git, at a time if the command writes one down.
    pub(crate) fn git(&self, arguments: &[&str], when: Option<&str>) -> String {
        let Some(when) = when else {
            return git(self.root(), arguments);
        };
        let dates = [("GIT_COMMITTER_DATE", when), ("GIT_AUTHOR_DATE", when)];
        git_with(self.root(), arguments, &dates)
    }

    fn author(&self, name: &str) {
        self.git(&["config", "user.name", name], None);
        let address = format!("{}@example.com", name.to_lowercase());
        self.git(&["config", "user.email", &address], None);
    }

    /// A change as a forge merges it: a commit on a branch, and a merge with the names of those who approved it.
    pub(crate) fn merge(&self, title: &str, approvals: &[&str], when: &str) -> String {
        self.git(&["checkout", "-q", "-b", "change"], None);
        self.git(&["add", "-A"], None);
        self.author("Dana");
        self.git(
            &["commit", "-q", "-m", &format!("{title} (draft)")],
            Some(when),
        );
        self.git(&["checkout", "-q", "main"], None);
        self.author("Erin");
        let mut message = format!("{title}\n\nOf the queue.\n\n");
        for name in approvals {
            let _ = writeln!(message, "Reviewed-by: {name} <{name}@example.com>");
        }
        let arguments = ["merge", "-q", "--no-ff", "-m", message.trim_end(), "change"];
        self.git(&arguments, Some(when));
        self.git(&["branch", "-q", "-D", "change"], None);
        self.git(&["rev-parse", "HEAD"], None)
    }

    /// The policy and its two changes. Gives each commit, and from when until when its rules are deployed.
    fn commit_policies(&self) -> Vec<(String, Timestamp, Timestamp)> {
        self.author("Carol");
        self.write("rules/rules.yaml", company::rules());
        self.write("environments/prod.yaml", ENVIRONMENT);
        self.git(&["add", "-A"], None);
        let begin = "2026-06-15T09:00:00Z";
        self.git(&["commit", "-q", "-m", "Audit the shop"], Some(begin));
        let first = self.git(&["rev-parse", "HEAD"], None);
        self.write("rules/exclusions.yaml", EXCLUSION);
        let title = "Silence the public list of countries";
        let second = self.merge(title, &["frank", "grace"], FIRST_CHANGE);
        let (from, until) = (
            moment("2026-08-18T00:00:00Z"),
            moment("2026-08-21T00:00:00Z"),
        );
        self.write("access/grants.yaml", company::access(from, until));
        let third = self.merge("Grant the work of three days", &["frank"], SECOND_CHANGE);
        let after = SignedDuration::from_mins(30);
        let (start, end) = (
            moment("2026-07-01T00:00:00Z"),
            moment("2026-10-01T00:00:00Z"),
        );
        let (one, two) = (moment(FIRST_CHANGE) + after, moment(SECOND_CHANGE) + after);
        vec![
            (first, start, one),
            (second, one, two),
            (third.clone(), two, moment(GAP.0)),
            (third, moment(GAP.1), end),
        ]
    }

    /// Runs the program in the repository, on a day that does not matter.
    pub(crate) fn run(&self, arguments: &[&str]) -> Output {
        self.run_in(self.root(), arguments)
    }

    /// The same in another folder.
    pub(crate) fn run_in(&self, root: &Path, arguments: &[&str]) -> Output {
        Command::new(env!("CARGO_BIN_EXE_pgvigil"))
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap())
            .current_dir(root)
            .args(["--today", "2026-11-02", "-q"])
            .args(arguments)
            .output()
            .unwrap()
    }
}

/// What one day of the company is on a real server, on every working day of the quarter, a third of the people each; and the
/// incident on its day.
fn entries() -> Vec<(Timestamp, Vec<u8>)> {
    let server = company::server();
    company::run(&server, &company::usual(1000));
    let usual = of_log(&server.log());
    company::run(&server, &company::incident(1900));
    let all = of_log(&server.log());
    let incident = &all[usual.len()..];
    drop(server);
    // The server's own words, of no session.
    let is_own = |entry: &&Vec<u8>| String::from_utf8_lossy(entry).contains(" UTC::@:");
    let idle = usual.iter().find(is_own).unwrap();
    let mut entries = Vec::new();
    let mut today = day(SINCE);
    let mut number = 0_usize;
    while today <= day(UNTIL) {
        number += 1;
        if !matches!(
            today.weekday(),
            jiff::civil::Weekday::Saturday | jiff::civil::Weekday::Sunday
        ) {
            for (place, entry) in usual.iter().enumerate() {
                let person = company::person(entry);
                if person.is_some_and(|person| (person + number).is_multiple_of(3)) {
                    let seconds = i64::try_from(place).unwrap() * 60;
                    entries.push(moved(entry, today, seconds));
                }
            }
        }
        if today == day(INCIDENT) {
            for (place, entry) in incident.iter().enumerate() {
                if company::person(entry).is_some() {
                    let seconds = 8 * 3600 + i64::try_from(place).unwrap() * 20;
                    entries.push(moved(entry, today, seconds));
                }
            }
        }
        // A server that nobody uses writes, too.
        for hour in 0..24 {
            entries.push(moved(idle, today, (hour - 8) * 3600 + 17 * 60));
        }
        today = today.tomorrow().unwrap();
    }
    entries.sort();
    entries
}

fn of_log(log: &Path) -> Vec<Vec<u8>> {
    let mut entries = Vec::new();
    let inputs = Inputs::from_paths([log]);
    for_each_entry(&inputs, &ReadOptions::default(), |entry| {
        entries.push(entry.text.to_vec());
    });
    entries
}

/// When an entry says that it was written.
fn written(entry: &[u8]) -> Timestamp {
    // `%m` has milliseconds.
    let stamp = std::str::from_utf8(&entry[..23]).unwrap();
    moment(&format!("{}Z", stamp.replace(' ', "T")))
}

/// The same entry, some seconds after 08:00 of another day.
fn moved(entry: &[u8], to: Date, seconds: i64) -> (Timestamp, Vec<u8>) {
    let at = moment(&format!("{to}T08:00:00Z")) + SignedDuration::from_secs(seconds);
    let mut text = at.strftime("%Y-%m-%d %H:%M:%S").to_string().into_bytes();
    text.extend_from_slice(&entry[19..]);
    (written(&text), text)
}

/// Rows of a query's result: name and value of each field.
type Rows = Vec<Vec<(String, String)>>;

/// An account with its logs, and a clock that stands still during a run.
struct Account {
    now_ms: Cell<i64>,
    stored: Vec<Stored>,
    results: RefCell<Vec<Rows>>,
    lines: RefCell<Vec<String>>,
}

impl Account {
    fn new(entries: &[(Timestamp, Vec<u8>)]) -> Self {
        let stored = entries
            .iter()
            .map(|(time, text)| Stored::new(GROUP, "shop-1", time.as_millisecond(), text.clone()));
        Self {
            now_ms: Cell::new(0),
            stored: stored.collect(),
            results: RefCell::default(),
            lines: RefCell::default(),
        }
    }

    /// Lets the monitor count a span by the rules of a commit.
    fn watch(&self, root: &Path, commit: &str, from: Timestamp, until: Timestamp) {
        let loaded = policy::revision::load_commit(root, commit).unwrap();
        let environment = loaded.policy.environment("prod").unwrap();
        let compiled = compile(&loaded, environment, day(SINCE));
        let function = compiled
            .documents
            .iter()
            .find(|one| one.kind == Kind::LambdaFunction)
            .unwrap();
        let variables: BTreeMap<String, String> =
            serde_json::from_value(function.properties["environment"].clone()).unwrap();
        let settings = Settings::read(&variables).unwrap_or_else(|faults| {
            panic!(
                "{:?}",
                faults
                    .iter()
                    .map(|fault| format!("{} {}", fault.variable, fault.problem))
                    .collect::<Vec<_>>()
            )
        });
        let rules = Rules::of(&loaded.policy, environment);
        let judging = Judging::read(&settings, &rules.to_bytes()).unwrap();
        let mut receipts = Receipts::default();
        let mut begin = from;
        while begin < until {
            let end = until.min(begin + SignedDuration::from_hours(24 * 12));
            let now = end + SignedDuration::from_mins(10);
            self.now_ms.set(now.as_millisecond());
            let invocation = Invocation {
                what: What::Range {
                    from_ms: begin.as_millisecond(),
                    until_ms: end.as_millisecond(),
                },
                deadline_ms: now.as_millisecond() + 900_000,
            };
            let answer = ready(run(&settings, &judging, &mut receipts, self, &invocation));
            answer.unwrap_or_else(|error| panic!("{error}"));
            begin = end;
        }
    }
}

/// What a future gives that never waits.
fn ready<T>(future: impl Future<Output = T>) -> T {
    let mut future = pin!(future);
    let mut context = Context::from_waker(Waker::noop());
    loop {
        if let Poll::Ready(value) = future.as_mut().poll(&mut context) {
            return value;
        }
    }
}

impl Queries for Account {
    async fn start(&self, request: &Request, _: Duration) -> Result<String, CallError> {
        let time = Time {
            from: request.from,
            until: request.until,
            end: End::WholeSecond,
            now_ms: self.now_ms.get(),
        };
        let within = |one: &&Stored| {
            (request.from..=request.until).contains(&one.timestamp_ms.div_euclid(1000))
        };
        let limit = u64::from(request.limit);
        let stored = self.stored.iter().filter(within);
        let table = turned::answer(&[], &request.text, time, limit, stored)
            .unwrap_or_else(|error| panic!("{error}: {}", request.text))
            .table;
        let rows = table.rows.iter().map(|row| {
            let fields = table.columns.iter().zip(row);
            fields
                .filter_map(|(name, value)| Some((name.clone(), value.clone()?)))
                .collect()
        });
        let mut results = self.results.borrow_mut();
        results.push(rows.collect());
        Ok((results.len() - 1).to_string())
    }

    async fn page(
        &self,
        id: &str,
        _: Option<&str>,
        _: u32,
        _: Duration,
    ) -> Result<Page, CallError> {
        let number: usize = id.parse().unwrap();
        Ok(Page {
            progress: Progress::Complete,
            rows: std::mem::take(&mut self.results.borrow_mut()[number]),
            next: None,
        })
    }

    async fn stop(&self, _: &str, _: Duration) -> Result<(), CallError> {
        Ok(())
    }
}

impl Metrics for Account {
    async fn put(&self, _: &str, _: &[Datum], _: Duration) -> Result<(), CallError> {
        Ok(())
    }

    async fn read(
        &self,
        _: &str,
        metrics: &[Metric],
        _: i64,
        _: i64,
        _: Duration,
    ) -> Result<Vec<Vec<(i64, f64)>>, CallError> {
        Ok(vec![Vec::new(); metrics.len()])
    }
}

impl Topic for Account {
    async fn publish(&self, _: &str, _: &Publication, _: Duration) -> Result<(), CallError> {
        Ok(())
    }
}

/// No environment of the quarter has a bus.
impl Events for Account {
    async fn send(
        &self,
        _: &str,
        _: &[&Event],
        _: Duration,
    ) -> Result<Vec<(usize, CallError)>, CallError> {
        panic!("no bus is declared")
    }
}

impl Clock for Account {
    fn now_ms(&self) -> i64 {
        self.now_ms.get()
    }

    async fn sleep(&self, _: Duration) {}

    fn chance(&self) -> f64 {
        0.5
    }
}

impl Journal for Account {
    fn write(&self, line: &str) {
        self.lines.borrow_mut().push(line.trim_end().to_owned());
    }
}
