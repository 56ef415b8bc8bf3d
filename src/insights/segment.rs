//! A run of row-wise stages (`fields`, `parse`, `filter`) and how rows pass it.
//!
//! Every name has a slot. A slot that a `parse` or `fields` stage sets is computed when it is first
//! read, and once a row: most rows are rejected before most parses.

use std::collections::BTreeSet;
use std::ops::Range;

use regex_automata::meta;

use super::extract::{Extractor, Workspace};
use super::function::Kind;
use super::predicate::{Condition, MissingField};
use super::term::Term;
use super::value::{Owned, Value};
use crate::judge::memo::Memo;

/// The number of the first filter that rejects, if one does.
pub(super) type Outcome = Option<u16>;

/// The slots that an event fills, in this order.
pub(super) const EVENT_FIELDS: [(&str, Kind); 5] = [
    ("@message", Kind::Any),
    ("@timestamp", Kind::Time),
    ("@ingestionTime", Kind::Number),
    ("@logStream", Kind::Any),
    ("@log", Kind::Any),
];

/// One log event.
#[derive(Clone, Copy, Debug)]
pub struct Event<'a> {
    /// `@message`: the whole entry, with the line breaks inside.
    pub message: &'a [u8],
    /// `@timestamp` in milliseconds since 1970.
    pub timestamp_ms: i64,
    /// `@ingestionTime` in milliseconds since 1970.
    pub ingestion_ms: i64,
    /// `@logStream`.
    pub log_stream: &'a [u8],
    /// `@log`: account and log group, joined by a colon.
    pub log: &'a [u8],
}

#[derive(Debug)]
pub(super) struct Slot {
    pub(super) name: String,
    pub(super) kind: Kind,
    /// The step that sets it; none for what a row brings along.
    pub(super) step: Option<usize>,
}

#[derive(Debug)]
pub(super) enum Step {
    Extract {
        source: usize,
        extractor: Extractor,
        targets: Vec<usize>,
    },
    Compute {
        term: Term,
        slots: Vec<usize>,
        target: usize,
    },
}

#[derive(Debug)]
pub(super) struct Filter {
    /// The index of the stage in the query.
    pub(super) stage: usize,
    pub(super) condition: Condition,
    /// Reads nothing but what the segment's `memo_slots` decide.
    pub(super) memoable: bool,
}

#[derive(Debug, Default)]
pub(super) struct Segment {
    pub(super) slots: Vec<Slot>,
    pub(super) steps: Vec<Step>,
    pub(super) filters: Vec<Filter>,
    pub(super) regexes: Vec<meta::Regex>,
    /// The slots that decide the outcome of all memoable filters: fields taken out of the message, and
    /// what is computed from other fields of the event.
    pub(super) memo_slots: Vec<usize>,
    pub(super) missing: MissingField,
    /// Milliseconds since 1970.
    pub(super) now: i64,
    /// Whether rows are events.
    pub(super) of_events: bool,
}

/// Where the bytes of a value lie.
#[derive(Clone, Copy, Debug)]
enum Origin {
    Message,
    Stream,
    Log,
    Arena,
}

#[derive(Clone, Copy, Debug)]
enum Cell {
    Missing,
    Slice {
        origin: Origin,
        start: usize,
        end: usize,
    },
    Number(f64),
    Time(i64),
}

/// What judging a segment's rows needs besides the row; reused, so that rows do not allocate.
#[derive(Debug)]
pub(super) struct Workplace {
    cells: Vec<Cell>,
    /// For each step the row for which it ran last.
    done: Vec<u64>,
    row: u64,
    arena: Vec<u8>,
    caches: Vec<(meta::Regex, meta::Cache)>,
    extracts: Vec<Workspace>,
    found: Vec<Option<Range<usize>>>,
    memo: Memo<Outcome>,
    key: Vec<u8>,
}

/// The bytes that an event's slots point into.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Sources<'e> {
    message: &'e [u8],
    stream: &'e [u8],
    log: &'e [u8],
}

/// A row whose needed slots are computed.
pub(super) struct View<'a> {
    sources: Sources<'a>,
    cells: &'a [Cell],
    arena: &'a [u8],
    /// Milliseconds since 1970.
    pub(super) now: i64,
}

/// A row on its way through a segment.
pub(super) struct Frame<'s, 'e> {
    segment: &'s Segment,
    work: &'s mut Workplace,
    sources: Sources<'e>,
}

/// What became of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// No filter rejects it.
    pub kept: bool,
    /// The index in [`Query::stages`](super::Query::stages) of the first filter that does.
    pub rejected_by: Option<usize>,
}

impl Segment {
    fn step_of(&self, slot: usize) -> Option<&Step> {
        self.steps.get(self.slots.get(slot)?.step?)
    }

    /// The slots that a value only repeats, or puts together: a key with them says no less, and
    /// the value need not be computed to make it.
    pub(super) fn spelled_by(&self, slot: usize) -> Option<&[usize]> {
        let kind = self.slots.get(slot)?.kind;
        match self.step_of(slot)? {
            Step::Extract {
                source,
                extractor: Extractor::Whole(_),
                ..
            } => Some(std::slice::from_ref(source)),
            Step::Compute { slots, .. } if !matches!(kind, Kind::Number | Kind::Time) => {
                Some(slots)
            }
            _ => None,
        }
    }

    /// Whether the values of `known` decide that of `slot`.
    pub(super) fn is_decided(&self, slot: usize, known: &BTreeSet<usize>) -> bool {
        let decided = |source: &usize| self.is_decided(*source, known);
        known.contains(&slot)
            || match self.step_of(slot) {
                Some(Step::Extract { source, .. }) => decided(source),
                Some(Step::Compute { slots, .. }) => slots.iter().all(decided),
                None => false,
            }
    }

    pub(super) fn workplace(&self) -> Workplace {
        let extracts = self.steps.iter().map(|step| match step {
            Step::Extract { extractor, .. } => extractor.workspace(),
            Step::Compute { .. } => Workspace::default(),
        });
        Workplace {
            cells: vec![Cell::Missing; self.slots.len()],
            done: vec![0; self.steps.len()],
            row: 0,
            arena: Vec::new(),
            caches: self
                .regexes
                .iter()
                .map(|regex| (regex.clone(), regex.create_cache()))
                .collect(),
            extracts: extracts.collect(),
            found: Vec::new(),
            memo: Memo::default(),
            key: Vec::new(),
        }
    }

    /// Begins an event.
    pub(super) fn event<'s, 'e>(
        &'s self,
        work: &'s mut Workplace,
        event: &Event<'e>,
    ) -> Frame<'s, 'e> {
        let sources = Sources {
            message: event.message,
            stream: event.log_stream,
            log: event.log,
        };
        let mut frame = self.begin(work, sources);
        frame.load_event(event);
        frame
    }

    /// Begins a row of values, one for each of the first slots.
    pub(super) fn row<'s>(
        &'s self,
        work: &'s mut Workplace,
        values: &[Owned],
    ) -> Frame<'s, 'static> {
        let frame = self.begin(work, Sources::default());
        for (slot, value) in values.iter().enumerate() {
            frame.work.store(slot, value.clone());
        }
        frame
    }

    fn begin<'s, 'e>(&'s self, work: &'s mut Workplace, sources: Sources<'e>) -> Frame<'s, 'e> {
        work.row += 1;
        work.arena.clear();
        Frame {
            segment: self,
            work,
            sources,
        }
    }
}

impl Workplace {
    fn store(&mut self, slot: usize, value: Value<'_>) {
        let cell = match value {
            Value::Null => Cell::Missing,
            Value::Number(number) => Cell::Number(number),
            Value::Time(milliseconds) => Cell::Time(milliseconds),
            Value::Text(text) => {
                let start = self.arena.len();
                self.arena.extend_from_slice(&text);
                Cell::Slice {
                    origin: Origin::Arena,
                    start,
                    end: self.arena.len(),
                }
            }
        };
        self.set(slot, cell);
    }

    fn set(&mut self, slot: usize, cell: Cell) {
        if let Some(place) = self.cells.get_mut(slot) {
            *place = cell;
        }
    }
}

impl<'e> Frame<'_, 'e> {
    fn load_event(&mut self, event: &Event<'e>) {
        let slice = |origin, text: &[u8]| Cell::Slice {
            origin,
            start: 0,
            end: text.len(),
        };
        let cells = [
            slice(Origin::Message, event.message),
            Cell::Time(event.timestamp_ms),
            Cell::Number(event.ingestion_ms as f64),
            slice(Origin::Stream, event.log_stream),
            slice(Origin::Log, event.log),
        ];
        for (place, cell) in self.work.cells.iter_mut().zip(cells) {
            *place = cell;
        }
    }

    pub(super) fn missing(&self) -> MissingField {
        self.segment.missing
    }

    /// Computes a slot, and what it is computed from, unless that was done for this row.
    pub(super) fn ensure(&mut self, slot: usize) {
        let segment = self.segment;
        let Some(step) = segment.slots.get(slot).and_then(|slot| slot.step) else {
            return;
        };
        match self.work.done.get_mut(step) {
            Some(done) if *done != self.work.row => *done = self.work.row,
            _ => return,
        }
        match segment.steps.get(step) {
            Some(Step::Extract {
                source,
                extractor,
                targets,
            }) => {
                self.ensure(*source);
                self.extract(step, *source, extractor, targets);
            }
            Some(Step::Compute {
                term,
                slots,
                target,
            }) => {
                slots.iter().for_each(|slot| self.ensure(*slot));
                let same = term.same_as(&self.view());
                match same.and_then(|slot| self.work.cells.get(slot).copied()) {
                    Some(cell) => self.work.set(*target, cell),
                    None => {
                        let value = term.evaluate(&self.view()).into_owned();
                        self.work.store(*target, value);
                    }
                }
            }
            None => {}
        }
    }

    fn extract(&mut self, step: usize, source: usize, extractor: &Extractor, targets: &[usize]) {
        let cell = match self.work.cells.get(source).copied() {
            // A number is taken apart as the text that it is shown as.
            Some(Cell::Number(_) | Cell::Time(_)) => {
                let text = self
                    .view()
                    .value(source)
                    .text()
                    .map(std::borrow::Cow::into_owned)
                    .unwrap_or_default();
                let start = self.work.arena.len();
                self.work.arena.extend_from_slice(&text);
                Cell::Slice {
                    origin: Origin::Arena,
                    start,
                    end: self.work.arena.len(),
                }
            }
            Some(cell) => cell,
            None => Cell::Missing,
        };
        let work = &mut *self.work;
        work.found.clear();
        let mut matched = false;
        let mut base = None;
        if let Cell::Slice { origin, start, end } = cell {
            base = Some((origin, start));
            let text = self
                .sources
                .bytes(origin, &work.arena)
                .get(start..end)
                .unwrap_or_default();
            if let Some(workspace) = work.extracts.get_mut(step) {
                matched = extractor.run(text, workspace, &mut work.found);
            }
        }
        for (index, target) in targets.iter().enumerate() {
            let range = work.found.get(index).cloned().flatten().filter(|_| matched);
            let cell = match (base, range) {
                (Some((origin, start)), Some(range)) => Cell::Slice {
                    origin,
                    start: start + range.start,
                    end: start + range.end,
                },
                _ => Cell::Missing,
            };
            if let Some(place) = work.cells.get_mut(*target) {
                *place = cell;
            }
        }
    }

    pub(super) fn view(&self) -> View<'_> {
        View {
            sources: self.sources,
            cells: &self.work.cells,
            arena: &self.work.arena,
            now: self.segment.now,
        }
    }

    /// The row, and the regular expressions with their caches.
    pub(super) fn split(&mut self) -> (View<'_>, &mut [(meta::Regex, meta::Cache)]) {
        let view = View {
            sources: self.sources,
            cells: &self.work.cells,
            arena: &self.work.arena,
            now: self.segment.now,
        };
        (view, &mut self.work.caches)
    }

    /// The first filter that does not keep the row.
    pub(super) fn judge(&mut self) -> Verdict {
        let all = 0..self.segment.filters.len();
        let mut remembered = None;
        let stage = self.first(all.clone(), |frame| {
            *remembered.get_or_insert_with(|| {
                let mut memo = std::mem::take(&mut frame.work.memo);
                let outcome = frame.remember(&mut memo, |frame| frame.first_memoable(all.clone()));
                frame.work.memo = memo;
                outcome
            })
        });
        Verdict::of(stage)
    }

    /// The first filters that do not keep the row, for two lists of filters that begin with the same
    /// `shared` ones.
    pub(super) fn judge_two(
        &mut self,
        memo: &mut Memo<[Outcome; 2]>,
        shared: Range<usize>,
        sides: &[Range<usize>; 2],
    ) -> [Verdict; 2] {
        let mut remembered = None;
        let mut recall = |frame: &mut Self| -> [Outcome; 2] {
            *remembered.get_or_insert_with(|| {
                frame.remember(memo, |frame| match frame.first_memoable(shared.clone()) {
                    Some(first) => [Some(first); 2],
                    None => sides.clone().map(|side| frame.first_memoable(side)),
                })
            })
        };
        // What rejects among the shared ones is the first for both.
        if let Some(stage) = self.first(shared.clone(), |frame| recall(frame)[0]) {
            return [Verdict::of(Some(stage)); 2];
        }
        let [base, head] = sides.clone();
        [
            Verdict::of(self.first(base, |frame| recall(frame)[0])),
            Verdict::of(self.first(head, |frame| recall(frame)[1])),
        ]
    }

    /// The stage of the first of some filters that does not keep the row. `recall` tells the first of
    /// all memoable ones.
    fn first(
        &mut self,
        filters: Range<usize>,
        mut recall: impl FnMut(&mut Self) -> Outcome,
    ) -> Option<usize> {
        let segment = self.segment;
        let list = segment.filters.get(filters.clone()).unwrap_or_default();
        filters
            .zip(list)
            .find(|(index, filter)| {
                if filter.memoable {
                    recall(self).map(usize::from) == Some(*index)
                } else {
                    filter.condition.evaluate(self) != Some(true)
                }
            })
            .map(|(_, filter)| filter.stage)
    }

    /// The first memoable one of some filters that does not keep the row.
    fn first_memoable(&mut self, filters: Range<usize>) -> Outcome {
        let segment = self.segment;
        let list = segment.filters.get(filters.clone()).unwrap_or_default();
        filters
            .zip(list)
            .filter(|(_, filter)| filter.memoable)
            .find(|(_, filter)| filter.condition.evaluate(self) != Some(true))
            .and_then(|(index, _)| u16::try_from(index).ok())
    }

    /// Every filter that does not keep the row.
    pub(super) fn judge_all(&mut self) -> Vec<usize> {
        let filters = &self.segment.filters;
        filters
            .iter()
            .filter(|filter| filter.condition.evaluate(self) != Some(true))
            .map(|filter| filter.stage)
            .collect()
    }

    /// What `find` finds for the row, from memory if it was found for the same values before.
    fn remember<T: Copy + Default>(
        &mut self,
        memo: &mut Memo<T>,
        find: impl FnOnce(&mut Self) -> T,
    ) -> T {
        let segment = self.segment;
        segment
            .memo_slots
            .iter()
            .for_each(|slot| self.ensure(*slot));
        let mut key = std::mem::take(&mut self.work.key);
        key.clear();
        let view = self.view();
        for slot in &segment.memo_slots {
            view.value(*slot).encode(&mut key);
        }
        let outcome = memo.get(&key).unwrap_or_else(|vacancy| {
            let outcome = find(self);
            memo.put(vacancy, &key, outcome);
            outcome
        });
        self.work.key = key;
        outcome
    }
}

impl Verdict {
    fn of(rejected_by: Option<usize>) -> Self {
        Self {
            kept: rejected_by.is_none(),
            rejected_by,
        }
    }
}

impl<'a> Sources<'a> {
    fn bytes<'b>(&self, origin: Origin, arena: &'b [u8]) -> &'b [u8]
    where
        'a: 'b,
    {
        match origin {
            Origin::Message => self.message,
            Origin::Stream => self.stream,
            Origin::Log => self.log,
            Origin::Arena => arena,
        }
    }
}

impl<'a> View<'a> {
    pub(super) fn value(&self, slot: usize) -> Value<'a> {
        match self.cells.get(slot) {
            None | Some(Cell::Missing) => Value::Null,
            Some(Cell::Number(number)) => Value::Number(*number),
            Some(Cell::Time(milliseconds)) => Value::Time(*milliseconds),
            Some(Cell::Slice { origin, start, end }) => {
                let bytes = self.sources.bytes(*origin, self.arena);
                Value::from_text(bytes.get(*start..*end).unwrap_or_default())
            }
        }
    }
}
