//! What detection records of a period show: those that the monitor wrote into its log, and the lines of `watch`.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::hash::Hash;

use jiff::Timestamp;

use super::detection::Detection;
use super::group::{Groups, Key, Sum, UNKNOWN};
use super::hours::Hours;
use super::lines::{self, Line, Watched};
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
    /// The hours of which every window was counted, by the monitor's own word.
    pub hours: Hours,
    /// Runs of the monitor that say what they counted.
    pub runs: u64,
    /// Errors of the monitor.
    pub errors: u64,
    /// Windows that held more than a query returns, so that their figures are lower bounds.
    pub incomplete: u64,
    /// Lines of `watch`.
    pub watched: u64,
    /// Records of other environments: they are left out.
    pub foreign: u64,
    /// Detections outside the period.
    pub outside: u64,
    /// Lines that were not understood.
    pub unread: u64,
    /// The first of them, a sentence each.
    pub unread_first: Vec<String>,
    /// All detection records of the period, where they are wanted.
    pub detections: Vec<Detection>,
}

/// Reads records. Those of `environment` count; `keep` keeps the detection records themselves. Of a group in one window the
/// last record counts, and not the sum: a run that finds more in a window writes its groups anew.
pub fn read(inputs: &Inputs, environment: &str, period: Period, keep: bool) -> Recorded {
    let mut reading = Reading::new(environment, period, keep);
    let unread = lines::read(inputs, |line| reading.take(line));
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
    environment: &'a str,
    period: Period,
    keep: bool,
    keys: Interned<Key>,
    log_groups: Interned<String>,
    variants: Interned<Variant>,
    besides: Interned<Besides>,
    figures: HashMap<Place, Figures>,
    kept: HashMap<Place, Detection>,
    suppressed: BTreeMap<(String, Timestamp), BTreeMap<String, u64>>,
    spans: Vec<(Timestamp, Timestamp)>,
    incomplete: HashSet<(u32, Timestamp)>,
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
    fn new(environment: &'a str, period: Period, keep: bool) -> Self {
        Self {
            environment,
            period,
            keep,
            keys: Interned::new(),
            log_groups: Interned::new(),
            variants: Interned::new(),
            besides: Interned::new(),
            figures: HashMap::new(),
            kept: HashMap::new(),
            suppressed: BTreeMap::new(),
            spans: Vec::new(),
            incomplete: HashSet::new(),
            seen: HashSet::new(),
            recorded: Recorded {
                groups: Groups::default(),
                silenced: BTreeMap::new(),
                hours: Hours::none(period),
                runs: 0,
                errors: 0,
                incomplete: 0,
                watched: 0,
                foreign: 0,
                outside: 0,
                unread: 0,
                unread_first: Vec::new(),
                detections: Vec::new(),
            },
        }
    }

    fn take(&mut self, line: Line) {
        match line {
            Line::Detection(detection) => self.detection(*detection),
            Line::Suppressed(suppressed) => {
                if suppressed.environment != self.environment {
                    self.recorded.foreign += 1;
                } else if self.period.contains(suppressed.window.start) {
                    // The last one of a window: a run that finds more writes it anew.
                    self.suppressed.insert(
                        (suppressed.log_group, suppressed.window.start),
                        suppressed.records,
                    );
                }
            }
            Line::Run(run) => {
                self.recorded.runs += 1;
                self.spans.push((run.counted.start, run.counted.end));
                self.spans
                    .extend(run.made_up.iter().map(|window| (window.start, window.end)));
            }
            Line::Failed => self.recorded.errors += 1,
            Line::Watched(watched) => self.watched(*watched),
            Line::Other => {}
        }
    }

    fn detection(&mut self, detection: Detection) {
        if detection.environment != self.environment {
            self.recorded.foreign += 1;
            return;
        }
        if !self.period.contains(detection.first_seen) {
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
        if self.keep {
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
        if time.is_some_and(|time| !self.period.contains(time)) {
            self.recorded.outside += u64::from(watched.verdict == "counted");
            return;
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
            cluster: UNKNOWN.to_owned(),
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
        recorded.hours.add_whole(&self.spans);
        recorded.incomplete = self.incomplete.len() as u64;
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
