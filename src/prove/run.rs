//! One proof, from the first log group to the last deletion.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::port::{Entry, OwnLogs, Stored};
use super::recorded;
use super::removal::{OwnGroups, clean};
use super::report::{
    AlarmStep, Answered, FORMAT_VERSION, Removed, Report, Scrub, State, TextProof,
};
use super::text::{self, Text};
use crate::audit_log::prefix::LogLinePrefix;
use crate::compile::fetch::{FETCH_ROWS, Fetch, Fetched, Part};
use crate::deploy::port::CloudError;
use crate::doctor::Subject;
use crate::doctor::canary::{self, Canary, Clock, Outcome, Patience};
use crate::insights::assumed::{self, Assumption, Expected, PROBED_SECONDS_AGO, Probe, Range};
use crate::insights::service::{QueryResult, QueryService, Request, ServiceError};
use crate::insights::{Difference, Event, Options, Program, Table, parse};
use crate::judge::{Judge, Rules, Scratch, Verdict};

/// Seconds that the range of a query may end after now, and that its first entry may lie before its own first.
const TWO_HOURS: i64 = 2 * 60 * 60;

/// Queries that are handed to the service at once, which runs some of them side by side.
const AT_ONCE: usize = 4;

/// Between two looks at whether all entries have arrived.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// What a proof is about.
pub struct Question<'a> {
    /// The environment, and the cluster in whose place the alarm stands.
    pub subject: &'a Subject<'a>,
    /// The environment's fetch query.
    pub fetch: &'a Fetch,
    pub texts: Vec<Text>,
    /// Entries as servers wrote them ([`recorded::texts`]).
    pub recordings: Vec<String>,
    /// What the judge decides by.
    pub rules: &'a Rules,
    /// A text that no other run has, of letters and digits.
    pub token: &'a str,
    /// Whether people get the message of the alarm.
    pub pages: bool,
    /// How long to wait for an alarm, or for entries to be found.
    pub patience: Patience,
    /// Set when the run is to stop.
    pub stop: &'a AtomicBool,
    pub clock: &'a dyn Clock,
}

impl Question<'_> {
    fn prefix(&self) -> LogLinePrefix {
        self.subject.environment.log_line_prefix
    }

    /// Bytes that will be written, and those that all queries will read.
    pub fn bytes(&self) -> (u64, u64) {
        let entries: usize = self.recordings.iter().map(String::len).sum();
        let probes: usize = assumed::entries()
            .iter()
            .map(|entry| entry.message.len())
            .sum();
        let texts = text::fetches(self.fetch, (0, 0)).len() + self.texts.len() + 1;
        let questions = assumed::assumptions().len() + 1;
        let read = entries * texts + probes * questions;
        ((entries + probes) as u64, read as u64)
    }

    /// Queries that will be run.
    pub fn queries(&self) -> usize {
        text::fetches(self.fetch, (0, 0)).len()
            + self.texts.len()
            + assumed::assumptions().len()
            + 2
    }
}

/// Why a proof ended early.
enum Early {
    Stopped,
    Failed(String),
}

impl From<CloudError> for Early {
    fn from(error: CloudError) -> Self {
        Self::Failed(error.to_string())
    }
}

impl From<ServiceError> for Early {
    fn from(error: ServiceError) -> Self {
        match error {
            ServiceError::Stopped => Self::Stopped,
            other => Self::Failed(other.to_string()),
        }
    }
}

/// Proves what an account's services do. What is made is taken away, however it ends. `progress` hears what is being done.
pub fn prove(
    question: &Question<'_>,
    own: &dyn OwnLogs,
    service: &dyn QueryService,
    canary: &dyn Canary,
    progress: &mut dyn FnMut(&str),
) -> Report {
    let environment = question.subject.environment;
    let groups = OwnGroups::new(environment, question.token);
    let scrub = scrub(question, &groups);
    let mut report = Report {
        format_version: FORMAT_VERSION,
        pgvigil: env!("CARGO_PKG_VERSION"),
        day: question.clock.now().strftime("%Y-%m-%d").to_string(),
        entries: 0,
        late: 0,
        ended_early: None,
        stored: not_reached(),
        texts: Vec::new(),
        judged: not_reached(),
        questions: Vec::new(),
        alarm: Vec::new(),
        removed: Removed::Everything,
        left_behind: 0,
    };
    progress("looking for leftovers of former runs");
    let left = clean(own, environment, question.clock.now(), false);
    let mut proof = Proof {
        question,
        groups: &groups,
        own,
        service,
        scrub: &scrub,
        report: &mut report,
    };
    let asked = match left {
        Ok(left) => {
            proof.report.left_behind = left.len();
            proof.ask(progress)
        }
        Err(error) => Err(error.into()),
    };
    if let Err(early) = asked {
        report.ended_early = Some(match early {
            Early::Stopped => "it was asked to stop".to_owned(),
            Early::Failed(why) => scrub.clean(&why),
        });
    }
    progress("deleting the log groups");
    if groups.remove(own, environment).is_err() {
        report.removed = Removed::NotEverything;
    }
    fill_questions(&mut report);
    report.alarm = alarm(question, canary, &scrub, &mut report, progress);
    report
}

fn not_reached() -> State {
    State::NotAsked("the proof ended before this step".to_owned())
}

/// Questions that were not come to are in the report too.
fn fill_questions(report: &mut Report) {
    for assumption in assumed::assumptions() {
        if report
            .questions
            .iter()
            .all(|one| one.name != assumption.name)
        {
            report.questions.push(answered(&assumption, not_reached()));
        }
    }
}

fn answered(assumption: &Assumption, state: State) -> Answered {
    Answered {
        name: assumption.name,
        question: assumption.question,
        assumed: assumption.answer,
        rests: assumption.rests,
        state,
    }
}

/// What a report may not hold.
fn scrub(question: &Question<'_>, groups: &OwnGroups) -> Scrub {
    let subject = question.subject;
    let mut words = vec![
        (groups.entries.clone(), "OWN-LOG-GROUP"),
        (groups.probes.clone(), "OWN-LOG-GROUP"),
        (subject.at.account.clone(), "ACCOUNT"),
        (subject.at.region.clone(), "REGION"),
        (subject.names.base().to_owned(), "NAME"),
    ];
    words.extend(
        subject
            .environment
            .clusters
            .iter()
            .map(|cluster| (cluster.log_group(), "LOG-GROUP")),
    );
    Scrub::new(words)
}

/// The metric and the alarm. A proof that was asked to stop does not begin with them.
fn alarm(
    question: &Question<'_>,
    canary: &dyn Canary,
    scrub: &Scrub,
    report: &mut Report,
    progress: &mut dyn FnMut(&str),
) -> Vec<AlarmStep> {
    let token = format!("{}{}", canary::OF_PROOF, question.token);
    let run = canary::Run {
        subject: question.subject,
        matcher: Outcome::Proven(String::new()),
        token: &token,
        pages: question.pages,
        patience: question.patience,
        stop: question.stop,
        clock: question.clock,
    };
    let told = canary::prove(&run, Some(canary), &mut |step| progress(step.title()));
    report.left_behind += told.left_behind.len();
    let steps = told.steps.into_iter();
    let own = steps.filter(|proof| proof.step != canary::Step::Matcher);
    let mut all = Vec::new();
    for proof in own {
        if proof.step == canary::Step::Removed && matches!(proof.outcome, Outcome::Failed(_)) {
            report.removed = Removed::NotEverything;
        }
        let is_page = matches!(proof.step, canary::Step::Told | canary::Step::ToldOver);
        if is_page && !question.pages {
            continue;
        }
        all.push(AlarmStep {
            step: proof.step,
            state: State::of_step(&proof.outcome, scrub),
        });
    }
    all
}

struct Proof<'a> {
    question: &'a Question<'a>,
    groups: &'a OwnGroups,
    own: &'a dyn OwnLogs,
    service: &'a dyn QueryService,
    scrub: &'a Scrub,
    report: &'a mut Report,
}

impl Proof<'_> {
    fn ask(&mut self, progress: &mut dyn FnMut(&str)) -> Result<(), Early> {
        let now_ms = self.question.clock.now().as_millisecond();
        progress("writing entries into the proof's own log groups");
        let (in_time, late) = recorded::entries(&self.question.recordings, now_ms);
        let probes_from = now_ms / 1_000 - PROBED_SECONDS_AGO;
        let probes: Vec<Entry> = assumed::entries()
            .into_iter()
            .map(|entry| Entry {
                at_ms: probes_from * 1_000 + entry.offset_ms,
                text: entry.message,
            })
            .collect();
        for name in self.groups.names() {
            self.go_on()?;
            self.own.create(name, &self.groups.tags)?;
        }
        let entries = [(recorded::STREAM, in_time), (recorded::LATE_STREAM, late)];
        for (stream, entries) in &entries {
            self.go_on()?;
            self.own.write(&self.groups.entries, stream, entries)?;
            self.report.entries += entries.len();
        }
        self.report.late = entries.last().map_or(0, |(_, late)| late.len());
        self.go_on()?;
        self.own
            .write(&self.groups.probes, assumed::STREAM, &probes)?;

        progress("waiting until the service has all of them");
        let mut stored = Vec::new();
        for (stream, entries) in &entries {
            stored.extend(self.stored(&self.groups.entries, stream, entries)?);
        }
        let stored_probes = self.stored(&self.groups.probes, assumed::STREAM, &probes)?;
        self.report.stored = State::AsAssumed;
        self.found(&self.groups.entries, &stored)?;
        self.found(&self.groups.probes, &stored_probes)?;

        self.texts(&stored, progress)?;
        self.probes(probes_from, progress)
    }

    fn go_on(&self) -> Result<(), Early> {
        if self.question.stop.load(Ordering::SeqCst) {
            return Err(Early::Stopped);
        }
        Ok(())
    }

    /// Looks again and again until something is there, or the time is over.
    fn wait_for<T>(
        &self,
        what: &str,
        mut look: impl FnMut() -> Result<Option<T>, Early>,
    ) -> Result<T, Early> {
        let began = self.question.clock.now();
        loop {
            self.go_on()?;
            if let Some(found) = look()? {
                return Ok(found);
            }
            let waited = self
                .question
                .clock
                .now()
                .duration_since(began)
                .unsigned_abs();
            if waited >= self.question.patience.timeout {
                let seconds = self.question.patience.timeout.as_secs();
                return Err(Early::Failed(format!("{what} within {seconds} seconds")));
            }
            self.question.clock.wait(LOOK_EVERY);
        }
    }

    /// What the service keeps of the entries that were written into a stream.
    fn stored(
        &mut self,
        group: &str,
        stream: &str,
        written: &[Entry],
    ) -> Result<Vec<Stored>, Early> {
        let stored = self.wait_for(
            "the service did not return all entries that it accepted",
            || {
                let stored = self.own.read(group, stream)?;
                Ok((stored.len() >= written.len()).then_some(stored))
            },
        )?;
        let other = written
            .iter()
            .zip(&stored)
            .find(|(written, stored)| written.text != stored.text || written.at_ms != stored.at_ms);
        let other = match other {
            None if stored.len() == written.len() => return Ok(stored),
            None => format!("{} entries became {}", written.len(), stored.len()),
            Some((written, stored)) => format!(
                "an entry {} became {}",
                self.scrub.value(Some(&written.text)),
                self.scrub.value(Some(&stored.text))
            ),
        };
        self.report.stored = State::Other(other);
        Err(Early::Failed(
            "the service does not keep entries as they were written".to_owned(),
        ))
    }

    /// Waits until a query finds all entries that are not of the future. Where it never does, the proof goes on: what it
    /// asks for shows which are missing.
    fn found(&mut self, group: &str, stored: &[Stored]) -> Result<(), Early> {
        let now_ms = self.question.clock.now().as_millisecond();
        let count = stored.iter().filter(|entry| entry.at_ms <= now_ms).count();
        let found = self.count(group, count, now_ms / 1_000);
        if let Err(Early::Failed(why)) = &found {
            self.report.stored = State::Other(self.scrub.clean(why));
            return Ok(());
        }
        found
    }

    fn count(&self, group: &str, count: usize, until: i64) -> Result<(), Early> {
        self.wait_for("queries did not find all entries", || {
            let request = Request {
                until,
                ..self.request("stats count(*) as n", group, 1)
            };
            let results = self
                .service
                .run(&[request], self.question.stop, &mut |_| ())?;
            let counted = results
                .first()
                .and_then(|result| result.table.rows.first()?.first()?.clone())
                .and_then(|value| value.parse::<f64>().ok());
            Ok(counted
                .filter(|counted| *counted >= count as f64)
                .map(|_| ()))
        })
    }

    /// A query over everything that was written.
    fn request(&self, text: &str, group: &str, limit: u32) -> Request {
        let now = self.question.clock.now().as_second();
        Request {
            text: text.to_owned(),
            log_groups: vec![group.to_owned()],
            from: now - 24 * 60 * 60,
            until: now + TWO_HOURS,
            limit,
        }
    }

    /// Runs queries, a few at a time. One that the service refuses has no result; any other failure ends the proof.
    fn run(
        &self,
        requests: &[Request],
        mut progress: impl FnMut(usize),
    ) -> Result<Vec<Result<QueryResult, String>>, Early> {
        let mut results = Vec::new();
        for chunk in requests.chunks(AT_ONCE) {
            progress(results.len());
            match self.service.run(chunk, self.question.stop, &mut |_| ()) {
                Ok(all) => results.extend(all.into_iter().map(Ok)),
                // Which of them was refused is found by asking for each alone.
                Err(ServiceError::Refused { .. } | ServiceError::Ended { .. }) => {
                    for request in chunk {
                        let alone = std::slice::from_ref(request);
                        results.push(
                            match self.service.run(alone, self.question.stop, &mut |_| ()) {
                                Ok(mut all) => all.pop().ok_or_else(|| "no result".to_owned()),
                                Err(ServiceError::Refused { message }) => Err(message),
                                Err(ServiceError::Ended { state, .. }) => Err(state),
                                Err(error) => return Err(error.into()),
                            },
                        );
                    }
                }
                Err(error) => return Err(error.into()),
            }
        }
        Ok(results)
    }

    /// Every text that we send, over the recorded entries.
    fn texts(&mut self, stored: &[Stored], progress: &mut dyn FnMut(&str)) -> Result<(), Early> {
        let minutes = self
            .question
            .subject
            .environment
            .monitor
            .window_minutes
            .max(1);
        let window = |stored: &Stored| stored.arrived_ms.div_euclid(i64::from(minutes) * 60_000);
        let first = stored.iter().map(window).min().unwrap_or_default();
        let last = stored.iter().map(window).max().unwrap_or_default();
        let mut texts: Vec<Text> = text::fetches(self.question.fetch, (first, last))
            .into_iter()
            .map(|(_, text)| text)
            .collect();
        texts.extend(self.question.texts.iter().cloned());
        let requests: Vec<Request> = texts
            .iter()
            .map(|text| self.request(&text.text, &self.groups.entries, text.limit))
            .collect();
        let results = self.run(&requests, |done| {
            progress(&format!("running texts: {done} of {}", requests.len()))
        })?;
        let log = self.log(&self.groups.entries);
        for (index, (text, result)) in texts.iter().zip(&results).enumerate() {
            if let (0, Ok(result)) = (index, result) {
                self.report.judged = self.judged(stored, &result.table, &log);
            }
            let rows = result.as_ref().map_or(0, |result| result.table.rows.len());
            let state = match result {
                Err(message) => {
                    State::Other(format!("it is refused: {}", self.scrub.clean(message)))
                }
                Ok(_) if !text.interpreted => State::AsAssumed,
                Ok(result) => match interpret(&text.text, text.limit, &log, stored) {
                    Ok(expected) => self.same(&Difference::of(&expected, &result.table)),
                    Err(why) => State::NotAsked(why),
                },
            };
            self.report.texts.push(TextProof {
                name: text.name.clone(),
                characters: text.text.chars().count(),
                rows,
                compared: text.interpreted,
                state,
            });
        }
        Ok(())
    }

    /// As the service writes a log group's name.
    fn log(&self, group: &str) -> String {
        format!("{}:{group}", self.question.subject.at.account)
    }

    fn same(&self, difference: &Difference) -> State {
        if difference.is_none() {
            return State::AsAssumed;
        }
        let columns: Vec<String> = difference
            .example()
            .into_iter()
            .map(|(column, expected, found)| {
                format!(
                    "`{column}` should be {} but is {}",
                    self.scrub.value(expected.as_deref()),
                    self.scrub.value(found.as_deref())
                )
            })
            .collect();
        State::Other(format!(
            "{} rows are missing and {} were not expected; in the first, {}",
            difference.lacking.len(),
            difference.surplus.len(),
            columns.join(", ")
        ))
    }

    /// Compares what the judge says of the fetched rows with what it says of the entries.
    fn judged(&self, stored: &[Stored], fetched: &Table, log: &str) -> State {
        let judge = Judge::new(self.question.rules);
        let mut scratch = Scratch::default();
        let mut direct = BTreeMap::new();
        for entry in stored {
            let verdict = judge.verdict(&mut scratch, entry.text.as_bytes());
            add(&mut direct, &verdict, 1);
        }
        let mut through = BTreeMap::new();
        for row in &fetched.rows {
            let cells = fetched.columns.iter().zip(row);
            let fields: Vec<(String, String)> = cells
                .filter_map(|(name, value)| Some((name.clone(), value.clone()?)))
                .collect();
            let row = match Fetched::read(&fields, Part::All) {
                Ok(row) => row,
                Err(fault) => {
                    return State::Other(format!(
                        "a row of the fetch query cannot be read: {fault}"
                    ));
                }
            };
            if row.log != log {
                return State::Other(
                    "a row of the fetch query belongs to a different log group".to_owned(),
                );
            }
            let verdict = judge.verdict(&mut scratch, &row.entry(self.question.prefix()));
            add(&mut through, &verdict, row.records);
        }
        if direct == through {
            return State::AsAssumed;
        }
        let count = |verdicts: &BTreeMap<String, u64>| verdicts.values().sum::<u64>();
        State::Other(format!(
            "of the entries themselves, {} count or are silenced; of the rows of the fetch query, {}",
            count(&direct),
            count(&through)
        ))
    }

    /// Every question of [`assumed`].
    fn probes(&mut self, from: i64, progress: &mut dyn FnMut(&str)) -> Result<(), Early> {
        let assumptions = assumed::assumptions();
        let now = self.question.clock.now().as_second();
        let requests: Vec<Request> = assumptions
            .iter()
            .map(|assumption| Request {
                from,
                until: match assumption.probe.range {
                    Range::UntilNow => now,
                    Range::UntilSecond(second) => from + second,
                    Range::TwoHoursAhead => now + TWO_HOURS,
                },
                ..self.request(&assumption.probe.text, &self.groups.probes, FETCH_ROWS)
            })
            .collect();
        let count = requests.len();
        let results = self.run(&requests, |done| {
            progress(&format!("testing assumptions: {done} of {count}"))
        })?;
        for (assumption, result) in assumptions.iter().zip(results) {
            let state = self.answer(&assumption.probe, result);
            self.report.questions.push(answered(assumption, state));
        }
        Ok(())
    }

    fn answer(&self, probe: &Probe, result: Result<QueryResult, String>) -> State {
        let table = result.as_ref().ok().map(|result| &result.table);
        if probe.expected.is_met(&probe.text, table) {
            return State::AsAssumed;
        }
        State::Other(match &result {
            Err(message) => format!("it is refused: {}", self.scrub.clean(message)),
            Ok(_) if probe.expected == Expected::Refused => "it is accepted".to_owned(),
            Ok(result) => {
                let rows = &result.table.rows;
                let shown: Vec<String> = rows
                    .iter()
                    .take(3)
                    .map(|row| {
                        let cells: Vec<String> = row
                            .iter()
                            .map(|cell| self.scrub.value(cell.as_deref()))
                            .collect();
                        cells.join(", ")
                    })
                    .collect();
                match rows.len() {
                    0 => "it returns nothing".to_owned(),
                    1 => format!("it is {}", shown.join("; ")),
                    rows => format!("it returns {rows} rows, such as {}", shown.join("; ")),
                }
            }
        })
    }
}

/// What counts or is silenced, by verdict.
fn add(verdicts: &mut BTreeMap<String, u64>, verdict: &Verdict, records: u64) {
    let name = match verdict {
        Verdict::Counted => "counted".to_owned(),
        Verdict::Excluded(by) => by.join(" "),
        Verdict::NotARecord | Verdict::OutOfScope => return,
    };
    *verdicts.entry(name).or_default() += records;
}

/// What our interpreter makes of a text.
fn interpret(text: &str, limit: u32, log: &str, stored: &[Stored]) -> Result<Table, String> {
    let first = |faults: Vec<crate::insights::Fault>| {
        let fault = faults.first().map(|fault| fault.message.clone());
        format!(
            "pgvigil's interpreter does not accept the text: {}",
            fault.unwrap_or_default()
        )
    };
    let query = parse(text).map_err(first)?;
    let program = Program::new(&query, Options::default()).map_err(first)?;
    let mut run = program.run();
    for entry in stored {
        run.push(&Event {
            message: entry.text.as_bytes(),
            timestamp_ms: entry.at_ms,
            ingestion_ms: entry.arrived_ms,
            log_stream: entry.stream.as_bytes(),
            log: log.as_bytes(),
        });
    }
    let mut table = run.finish();
    table.rows.truncate(limit as usize);
    Ok(table)
}
