//! A run of row-wise stages (`fields`, `parse`, `filter`) and how rows pass it.
//!
//! Every name has a slot: a number, assigned when the query is compiled. A row is an array of cells, one for each slot. The
//! first slots come with the row; `parse` and `fields` set the others. Such a slot is computed when a condition first reads it,
//! and at most once a row, because the filters reject most rows before most of the parses are needed.
//!
//! A cell of text contains no text. It points into the message, or into an arena that is cleared for each row. The cells, the
//! arena and the memory of the regular expressions are reused from row to row, so judging a row allocates nothing.

use std::ops::Range;

use regex_automata::meta;

use super::extract::{Extractor, Workspace};
use super::function::Kind;
use super::predicate::{Condition, MissingField};
use super::term::Term;
use super::value::{Owned, Value};

/// The slots that an event fills, in this order.
pub(super) const EVENT_FIELDS: [(&str, Kind); 5] = [
    ("@message", Kind::Any),
    ("@timestamp", Kind::Time),
    ("@ingestionTime", Kind::Number),
    ("@logStream", Kind::Any),
    ("@log", Kind::Any),
];

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
}

#[derive(Debug, Default)]
pub(super) struct Segment {
    pub(super) slots: Vec<Slot>,
    pub(super) steps: Vec<Step>,
    pub(super) filters: Vec<Filter>,
    pub(super) regexes: Vec<meta::Regex>,
    pub(super) missing: MissingField,
    /// Milliseconds since 1970.
    pub(super) now: i64,
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
        }
    }

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
        let mut filters = self.segment.filters.iter();
        let rejects = filters.find(|filter| filter.condition.evaluate(self) != Some(true));
        Verdict {
            kept: rejects.is_none(),
            rejected_by: rejects.map(|filter| filter.stage),
        }
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
