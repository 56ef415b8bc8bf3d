//! What detection records of a period show: those that the monitor wrote into its log, and the lines of `watch`.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::hash::Hash;

use jiff::Timestamp;

use super::detection::Detection;
use super::group::{Groups, Key, Sum, UNKNOWN};
use super::hours::Hours;
use super::lines::{self, Line, Run, Watched};
use super::period::{Period, day_of};
use crate::audit_log::reader::Inputs;
use crate::policy::model::{Severity, Signal};

/// What records show of a period.
#[derive(Debug)]
pub struct Recorded {
    /// What counted.
    pub groups: Groups,
    /// Records by the exclusion that silences them.
    pub silenced: BTreeMap<String, u64>,
    /// By log group, the hours of which every window was counted, by the monitor's own word.
    pub hours: BTreeMap<String, Hours>,
    /// The hours in which `watch` wrote at least one record.
    pub watched_hours: Hours,
    /// Runs of the monitor that say what they counted in the environment's log groups.
    pub runs: u64,
    /// Errors of the monitor.
    pub errors: u64,
    /// Windows that held more than a query returns, so that their figures are lower bounds.
    pub incomplete: u64,
    /// New groups that runs announce, and of which the records have no detection.
    pub missing: u64,
    /// Lines of `watch`.
    pub watched: u64,
    /// Records of other environments and of their log groups: they are left out.
    pub foreign: u64,
    /// Of those, the ones that name a log group of this environment.
    pub misnamed: u64,
    /// Detections outside the period.
    pub outside: u64,
    /// Lines that were not understood.
    pub unread: u64,
    /// The first of them, a sentence each.
    pub unread_first: Vec<String>,
    /// All detection records of the period, where they are wanted.
    pub detections: Vec<Detection>,
}

/// Whose records are wanted.
#[derive(Debug, Clone, Copy)]
pub struct Wanted<'a> {
    /// The environment.
    pub environment: &'a str,
    /// The log groups of its clusters: a run of the monitor names nothing else.
    pub log_groups: &'a BTreeSet<String>,
    /// Whose the lines of `watch` are, which do not say it; `-` if the environment has several clusters.
    pub cluster: &'a str,
    /// The days.
    pub period: Period,
    /// Whether the detection records themselves are kept.
    pub keep: bool,
}

/// Reads records. Of a group in one window the last record counts, and not the sum: a run that finds more in a window writes
/// its groups anew.
pub fn read(inputs: &Inputs, wanted: Wanted<'_>) -> Recorded {
    let mut reading = Reading::new(wanted);
    let unread = lines::read(inputs, |source, line| reading.take(source, line));
    reading.finish(unread.count, unread.first)
}

/// One line of the monitor: what makes it one, by numbers, since there can be millions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct Place {
    group: u32,
    window: Timestamp,
    log_group: u32,
    variant: u32,
}

/// What makes several lines of one group.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Variant {
    client: String,
    signals: Vec<Signal>,
    severity: Severity,
    reason: String,
    session_name: Option<String>,
}

/// What a line says besides.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Besides {
    owner: Option<String>,
    team: Option<String>,
    identity: Option<String>,
    rules: String,
}

#[derive(Debug, Clone, Copy)]
struct Figures {
    statements: u64,
    records: u64,
    not_judged: u64,
    first: Timestamp,
    last: Timestamp,
    besides: u32,
}

struct Reading<'a> {
    wanted: Wanted<'a>,
    keys: Interned<Key>,
    log_groups: Interned<String>,
    variants: Interned<Variant>,
    besides: Interned<Besides>,
    figures: HashMap<Place, Figures>,
    kept: HashMap<Place, Detection>,
    suppressed: BTreeMap<(String, Timestamp), BTreeMap<String, u64>>,
    spans: BTreeMap<String, Vec<(Timestamp, Timestamp)>>,
    incomplete: HashSet<(u32, Timestamp)>,
    /// What runs say of windows that are not complete: their log groups, the span, how many.
    said_incomplete: Vec<(Vec<u32>, Timestamp, Timestamp, u64)>,
    /// Detections with `new`, and groups that runs announce.
    new: u64,
    announced: u64,
    /// The sources of which a run was read, and its log groups: what the first one announces may have been written before.
    begun: HashSet<(usize, String)>,
    seen: HashSet<String>,
    recorded: Recorded,
}

/// Values by number, each once.
#[derive(Debug)]
struct Interned<T> {
    numbers: HashMap<T, u32>,
}

impl<T: Eq + Hash> Interned<T> {
    fn new() -> Self {
        Self {
            numbers: HashMap::new(),
        }
    }

    fn number(&mut self, value: T) -> u32 {
        // More lines than that do not fit into any memory.
        let next = u32::try_from(self.numbers.len()).unwrap_or(u32::MAX);
        *self.numbers.entry(value).or_insert(next)
    }

    /// The values, in the order of their numbers.
    fn values(self) -> Vec<T> {
        let mut numbered: Vec<(T, u32)> = self.numbers.into_iter().collect();
        numbered.sort_unstable_by_key(|(_, number)| *number);
        numbered.into_iter().map(|(value, _)| value).collect()
    }
}

impl<'a> Reading<'a> {
    fn new(wanted: Wanted<'a>) -> Self {
        Self {
            wanted,
            keys: Interned::new(),
            log_groups: Interned::new(),
            variants: Interned::new(),
            besides: Interned::new(),
            figures: HashMap::new(),
            kept: HashMap::new(),
            suppressed: BTreeMap::new(),
            spans: BTreeMap::new(),
            incomplete: HashSet::new(),
            said_incomplete: Vec::new(),
            new: 0,
            announced: 0,
            begun: HashSet::new(),
            seen: HashSet::new(),
            recorded: Recorded {
                groups: Groups::default(),
                silenced: BTreeMap::new(),
                hours: BTreeMap::new(),
                watched_hours: Hours::none(wanted.period),
                runs: 0,
                errors: 0,
                incomplete: 0,
                missing: 0,
                watched: 0,
                foreign: 0,
                misnamed: 0,
                outside: 0,
                unread: 0,
                unread_first: Vec::new(),
                detections: Vec::new(),
            },
        }
    }

    fn take(&mut self, source: usize, line: Line) {
        match line {
            Line::Detection(detection) => self.detection(*detection),
            Line::Suppressed(suppressed) => {
                if suppressed.environment != self.wanted.environment {
                    self.foreign(&suppressed.log_group);
                } else if self.wanted.period.contains(suppressed.window.start) {
                    // The last one of a window: a run that finds more writes it anew.
                    self.suppressed.insert(
                        (suppressed.log_group, suppressed.window.start),
                        suppressed.records,
                    );
                }
            }
            Line::Run(run) => self.run(source, &run),
            Line::Failed => self.recorded.errors += 1,
            Line::Watched(watched) => self.watched(*watched),
            Line::Other => {}
        }
    }

    fn foreign(&mut self, log_group: &str) {
        self.recorded.foreign += 1;
        self.recorded.misnamed += u64::from(self.wanted.log_groups.contains(log_group));
    }

    fn run(&mut self, source: usize, run: &Run) {
        let (ours, others): (Vec<&str>, Vec<&str>) = run
            .log_group
            .split(',')
            .partition(|name| self.wanted.log_groups.contains(*name));
        if ours.is_empty() {
            self.recorded.foreign += 1;
            return;
        }
        self.recorded.runs += 1;
        let spans = || {
            let made_up = run.made_up.iter().map(|window| (window.start, window.end));
            std::iter::once((run.counted.start, run.counted.end)).chain(made_up)
        };
        for name in &ours {
            self.spans
                .entry((*name).to_owned())
                .or_default()
                .extend(spans());
        }
        if run.incomplete > 0 {
            let log_groups = ours
                .iter()
                .map(|name| self.log_groups.number((*name).to_owned()));
            let log_groups = log_groups.collect();
            let from = spans().map(|(from, _)| from).min();
            let until = spans().map(|(_, until)| until).max();
            if let Some((from, until)) = from.zip(until) {
                self.said_incomplete
                    .push((log_groups, from, until, run.incomplete));
            }
        }
        // The records of the first run of a file can be in another file. Those of a run for several environments are told apart
        // by nothing.
        let is_first = self.begun.insert((source, run.log_group.clone()));
        if !is_first && others.is_empty() {
            self.announced = self.announced.saturating_add(run.new_groups);
        }
    }

    fn detection(&mut self, detection: Detection) {
        if detection.environment != self.wanted.environment {
            self.foreign(&detection.log_group);
            return;
        }
        self.new += u64::from(detection.new);
        if !self.wanted.period.contains(detection.first_seen) {
            self.recorded.outside += 1;
            return;
        }
        let key = Key {
            day: Some(day_of(detection.first_seen)),
            cluster: detection.cluster.clone(),
            user: detection.user.clone(),
            database: detection.database.clone(),
            class: detection.class.clone(),
            command: detection.command.clone(),
            object: detection.object.clone(),
            expected: detection.expected.clone(),
        };
        let log_group = self.log_groups.number(detection.log_group.clone());
        if detection.incomplete {
            self.incomplete.insert((log_group, detection.window.start));
        }
        let place = Place {
            group: self.keys.number(key),
            window: detection.window.start,
            log_group,
            variant: self.variants.number(Variant {
                client: detection.client.clone(),
                signals: detection.signals.clone(),
                severity: detection.severity,
                reason: detection.severity_reason.clone(),
                session_name: detection.session_name.clone(),
            }),
        };
        let figures = Figures {
            statements: detection.statements,
            records: detection.records,
            not_judged: detection.not_judged,
            first: detection.first_seen,
            last: detection.last_seen,
            besides: self.besides.number(Besides {
                owner: detection.owner.clone(),
                team: detection.team.clone(),
                identity: detection.identity.clone(),
                rules: detection.rules.clone(),
            }),
        };
        // The figures of a window only grow.
        let size = |figures: &Figures| figures.records.saturating_add(figures.not_judged);
        let known = self.figures.get(&place);
        if known.is_some_and(|known| size(known) > size(&figures)) {
            return;
        }
        self.figures.insert(place, figures);
        if self.wanted.keep {
            self.kept.insert(place, detection);
        }
    }

    fn watched(&mut self, watched: Watched) {
        self.recorded.watched += 1;
        let time: Option<Timestamp> = watched.time.as_deref().and_then(|time| time.parse().ok());
        // What is written twice is one record.
        if !self.seen.insert(watched.id.clone()) {
            return;
        }
        if time.is_some_and(|time| !self.wanted.period.contains(time)) {
            self.recorded.outside += u64::from(watched.verdict == "counted");
            return;
        }
        if let Some(time) = time {
            self.recorded.watched_hours.add(time);
        }
        match watched.verdict.as_str() {
            "counted" => {}
            "excluded" => {
                if let Some(first) = watched.excluded_by.first() {
                    *self.recorded.silenced.entry(first.clone()).or_default() += 1;
                }
                return;
            }
            _ => return,
        }
        let text = |value: &Option<String>| value.clone().unwrap_or_else(|| UNKNOWN.to_owned());
        let key = Key {
            day: time.map(day_of),
            cluster: self.wanted.cluster.to_owned(),
            user: text(&watched.user),
            database: text(&watched.database),
            class: text(&watched.class),
            command: text(&watched.command),
            object: text(&watched.object),
            expected: watched.expected.as_ref().map(|mark| mark.grant.clone()),
        };
        let client = watched.client.as_deref().map(|client| {
            // `HOST(PORT)`.
            client.split('(').next().unwrap_or_default().to_owned()
        });
        let sum = Sum {
            // A line has no number of its statement.
            statements: 1,
            records: 1,
            not_judged: 0,
            first: time,
            last: time,
            signals: watched
                .signals
                .iter()
                .filter_map(|name| Signal::named(name))
                .collect(),
            severity: watched.severity.unwrap_or_default(),
            severity_reason: watched.severity_reason.unwrap_or_default(),
            clients: client.into_iter().collect(),
            session_names: watched.session_name.into_iter().collect(),
            owner: watched.owner,
            team: watched.team,
            identity: watched.identity,
            rules: BTreeSet::new(),
        };
        self.recorded.groups.add(key, sum);
    }

    fn finish(self, unread: u64, unread_first: Vec<String>) -> Recorded {
        let mut recorded = self.recorded;
        let mut keys: Vec<Option<Key>> = self.keys.values().into_iter().map(Some).collect();
        let (variants, besides) = (self.variants.values(), self.besides.values());
        let mut figures: Vec<(Place, Figures)> = self.figures.into_iter().collect();
        // Which reason and owner a group keeps does not depend on the order of a hash table.
        figures.sort_unstable_by_key(|(place, _)| *place);
        for of_group in figures.chunk_by(|(left, _), (right, _)| left.group == right.group) {
            let key = of_group
                .first()
                .and_then(|(place, _)| keys.get_mut(place.group as usize)?.take());
            let Some(key) = key else { continue };
            let mut whole = Sum::default();
            for (place, figures) in of_group {
                let variant = variants.get(place.variant as usize);
                let besides = besides.get(figures.besides as usize);
                if let Some((variant, besides)) = variant.zip(besides) {
                    whole.add(sum_of(figures, variant, besides));
                }
            }
            recorded.groups.add(key, whole);
        }
        for records in self.suppressed.into_values() {
            for (id, number) in records {
                *recorded.silenced.entry(id).or_default() += number;
            }
        }
        for (log_group, spans) in self.spans {
            let mut hours = Hours::none(self.wanted.period);
            hours.add_whole(&spans);
            recorded.hours.insert(log_group, hours);
        }
        recorded.incomplete = self.incomplete.len() as u64;
        let (start, end) = (self.wanted.period.start(), self.wanted.period.end());
        for (log_groups, from, until, number) in &self.said_incomplete {
            // A window without a detection of ours has no record that says it.
            let known = self.incomplete.iter().filter(|(log_group, window)| {
                log_groups.contains(log_group) && from <= window && window < until
            });
            let is_in_period = *from < end && start < *until;
            let unknown = number.saturating_sub(known.count() as u64);
            recorded.incomplete += if is_in_period { unknown } else { 0 };
        }
        recorded.missing = self.announced.saturating_sub(self.new);
        recorded.unread = unread;
        recorded.unread_first = unread_first;
        let mut kept: Vec<(Place, Detection)> = self.kept.into_iter().collect();
        kept.sort_unstable_by_key(|(place, _)| (place.window, *place));
        recorded.detections = kept.into_iter().map(|(_, detection)| detection).collect();
        recorded
    }
}

fn sum_of(figures: &Figures, variant: &Variant, besides: &Besides) -> Sum {
    Sum {
        statements: figures.statements,
        records: figures.records,
        not_judged: figures.not_judged,
        first: Some(figures.first),
        last: Some(figures.last),
        signals: variant.signals.iter().copied().collect(),
        severity: variant.severity,
        severity_reason: variant.reason.clone(),
        clients: Some(&variant.client)
            .filter(|client| *client != UNKNOWN)
            .into_iter()
            .cloned()
            .collect(),
        session_names: variant.session_name.iter().cloned().collect(),
        owner: besides.owner.clone(),
        team: besides.team.clone(),
        identity: besides.identity.clone(),
        rules: BTreeSet::from([besides.rules.clone()]),
    }
}
