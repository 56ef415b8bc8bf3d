//! Threads take turns to read and cut a block, and visit what they have read; the caller receives the
//! results in order.

use super::block::{Block, Entry, Unit, as_u64};
use super::csv::CsvColumns;
use super::cut::{Cutter, Window};
use super::decode;
use super::format::Format;
use super::input::{Inputs, Source};
use super::report::ReadReport;
use std::any::Any;
use std::collections::BTreeMap;
use std::io::{self, Read};
use std::ops::ControlFlow;
use std::panic::{self, AssertUnwindSafe};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

/// How to read.
#[derive(Clone, Debug)]
pub struct ReadOptions {
    /// The format, when it is not to be seen from the content.
    pub format: Option<Format>,
    /// Bytes of a block, as a rule. One block is one output of a visitor.
    pub block_bytes: usize,
    /// Bytes of the longest entry. CloudWatch takes 1 MB; a statement in a log file can be longer.
    /// What is longer is reported as broken, and cut (lines) or left out (JSON, CSV).
    pub entry_bytes: usize,
    /// Threads that visit; `None` for as many as rayon's pool has (`RAYON_NUM_THREADS`, or the cores).
    pub threads: Option<usize>,
}

impl Default for ReadOptions {
    fn default() -> Self {
        Self {
            format: None,
            // Smaller ones cost more changes between threads and read no faster (measured: 256 kB).
            block_bytes: 1 << 20,
            entry_bytes: 16 << 20,
            threads: None,
        }
    }
}

/// How far a reading is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Bytes read from the sources, before decompression.
    pub done: u64,
    /// Bytes to read in all; `None` when standard input is among the sources.
    pub total: Option<u64>,
}

/// What is done with the entries.
pub trait Visitor: Sync {
    /// What a thread keeps between entries: caches, buffers.
    type Worker;
    /// What comes out of one block.
    type Output: Send;

    /// Makes what a thread keeps.
    fn worker(&self) -> Self::Worker;

    /// Makes an empty output.
    fn output(&self) -> Self::Output;

    /// Looks at one entry. Within a block, entries come in order.
    fn visit(&self, worker: &mut Self::Worker, output: &mut Self::Output, entry: &Entry<'_>);
}

/// Reads all inputs and hands the outputs of the blocks to `consume`, in the order of the input
/// whatever the number of threads, until it says [`ControlFlow::Break`].
///
/// `progress` is called after each block.
///
/// # Panics
/// When the visitor does.
pub fn read<V: Visitor>(
    inputs: &Inputs,
    options: &ReadOptions,
    visitor: &V,
    mut progress: impl FnMut(Progress),
    mut consume: impl FnMut(V::Output) -> ControlFlow<()>,
) -> ReadReport {
    let threads = options
        .threads
        .unwrap_or_else(rayon::current_num_threads)
        .max(1);
    let total = inputs.size();
    let done = Arc::new(AtomicU64::new(0));
    let mut report = inputs.faults().clone();
    let mut panicked: Option<Box<dyn Any + Send>> = None;

    let (free_sender, free) = mpsc::channel::<Vec<u8>>();
    // The buffers are the window: no block is read until one comes back from the consumer.
    for _ in 0..2 * threads + 2 {
        let _ = free_sender.send(Vec::new());
    }
    let reader = Mutex::new(Reader {
        options,
        inputs,
        done: Arc::clone(&done),
        file: 0,
        open: None,
        free,
        spare: Vec::new(),
        report: ReadReport::default(),
        number: 0,
    });
    thread::scope(|scope| {
        let (results, result_receiver) = mpsc::channel::<Visited<V::Output>>();
        for _ in 0..threads {
            let results = results.clone();
            let reader = &reader;
            scope.spawn(move || visit_blocks(visitor, reader, &results));
        }
        drop(results);

        let mut waiting = BTreeMap::new();
        let mut next = 0;
        'receive: for visited in &result_receiver {
            waiting.insert(visited.number, visited);
            while let Some(visited) = waiting.remove(&next) {
                next += 1;
                match visited.output {
                    Ok((output, part)) => {
                        report.merge(part);
                        progress(Progress {
                            done: done.load(Ordering::Relaxed),
                            total,
                        });
                        if consume(output).is_break() {
                            break 'receive;
                        }
                    }
                    Err(payload) => {
                        panicked = Some(payload);
                        break 'receive;
                    }
                }
                let _ = free_sender.send(visited.buffer);
            }
        }
        // Without these the threads find no buffer and nobody to work for, and end.
        drop(free_sender);
        drop(result_receiver);
    });
    let reader = reader.into_inner().unwrap_or_else(PoisonError::into_inner);
    report.merge(reader.report);
    if let Some(payload) = panicked {
        panic::resume_unwind(payload);
    }
    report.finish()
}

/// Reads all inputs on the calling thread's behalf, entry by entry, in order.
pub fn for_each_entry(
    inputs: &Inputs,
    options: &ReadOptions,
    mut each: impl FnMut(&Entry<'_>),
) -> ReadReport {
    struct Copying;
    impl Visitor for Copying {
        type Worker = ();
        type Output = Vec<OwnedEntry>;
        fn worker(&self) {}
        fn output(&self) -> Self::Output {
            Vec::new()
        }
        fn visit(&self, (): &mut (), output: &mut Self::Output, entry: &Entry<'_>) {
            output.push(OwnedEntry {
                file: entry.file,
                line: entry.line,
                offset: entry.offset,
                text: entry.text.to_vec(),
                timestamp_ms: entry.timestamp_ms,
                ingestion_ms: entry.ingestion_ms,
                log_stream: entry.log_stream.map(<[u8]>::to_vec),
            });
        }
    }
    read(
        inputs,
        options,
        &Copying,
        |_| {},
        |entries| {
            for entry in &entries {
                each(&Entry {
                    file: entry.file,
                    line: entry.line,
                    offset: entry.offset,
                    text: &entry.text,
                    timestamp_ms: entry.timestamp_ms,
                    ingestion_ms: entry.ingestion_ms,
                    log_stream: entry.log_stream.as_deref(),
                });
            }
            ControlFlow::Continue(())
        },
    )
}

struct OwnedEntry {
    file: usize,
    line: u64,
    offset: u64,
    text: Vec<u8>,
    timestamp_ms: Option<i64>,
    ingestion_ms: Option<i64>,
    log_stream: Option<Vec<u8>>,
}

struct Visited<O> {
    number: u64,
    output: Result<(O, ReadReport), Box<dyn Any + Send>>,
    buffer: Vec<u8>,
}

/// Reads a block and visits it, in turn with the other threads: one reads while the others visit.
/// What a thread has just read is still in the cache of its core.
fn visit_blocks<V: Visitor>(
    visitor: &V,
    reader: &Mutex<Reader<'_>>,
    results: &Sender<Visited<V::Output>>,
) {
    let mut worker = None;
    loop {
        let read = reader.lock().map(|mut reader| reader.next_block());
        // Poisoned: a thread panicked while it read, and the scope passes that on.
        let Ok(Some(block)) = read else { return };
        // A panic has to reach the caller; dying here would leave it waiting for this block.
        let output = panic::catch_unwind(AssertUnwindSafe(|| {
            let worker = worker.get_or_insert_with(|| visitor.worker());
            let mut output = visitor.output();
            let mut report = ReadReport::default();
            block.visit(&mut report, |entry| {
                visitor.visit(worker, &mut output, entry)
            });
            (output, report)
        }));
        let visited = Visited {
            number: block.number,
            output,
            buffer: block.buffer,
        };
        if results.send(visited).is_err() {
            return;
        }
    }
}

/// What reads the sources, whichever thread does it.
struct Reader<'o> {
    options: &'o ReadOptions,
    inputs: &'o Inputs,
    /// Bytes read, before decompression.
    done: Arc<AtomicU64>,
    /// The source that is read next.
    file: usize,
    /// The source that is being read.
    open: Option<Open<'o>>,
    free: Receiver<Vec<u8>>,
    /// Buffers that were taken and not handed out.
    spare: Vec<Vec<u8>>,
    report: ReadReport,
    number: u64,
}

/// A source that is being read.
struct Open<'o> {
    text: Box<dyn Read + Send + 'o>,
    buffer: Vec<u8>,
    /// So many bytes of the buffer are text that has been read and not handed out.
    filled: usize,
    /// None until the first bytes have been seen.
    current: Option<Current>,
    /// The rest of an entry that is too long is passed over.
    skipping: bool,
}

/// What came of reading on.
enum Step {
    /// A block; the source goes on.
    Block(Block),
    /// The source is at its end, perhaps with a last block.
    Ended(Option<Block>),
    /// Nothing yet: read on.
    More,
    /// Nobody wants more.
    Unwanted,
}

/// What is known of the file that is being read.
struct Current {
    file: usize,
    format: Format,
    cutter: Cutter,
    log_stream: Option<Arc<[u8]>>,
    columns: Option<Arc<CsvColumns>>,
    line: u64,
    /// Bytes of text that have been dealt with.
    offset: u64,
    /// Whether the text so far ends without a line break.
    open_line: bool,
}

impl Current {
    /// Counts the bytes and lines of a text that has been dealt with.
    fn count(&mut self, text: &[u8], report: &mut ReadReport) {
        let lines = count_lines(text);
        self.line += lines;
        self.offset += as_u64(text.len());
        report.lines += lines;
        report.bytes += as_u64(text.len());
        if let Some(last) = text.last() {
            self.open_line = *last != b'\n';
        }
    }
}

impl<'o> Reader<'o> {
    /// The next block of the sources. `None` when there is no more, or nobody wants more.
    fn next_block(&mut self) -> Option<Block> {
        loop {
            let Some(mut open) = self.open.take() else {
                let source = self.inputs.sources().get(self.file)?;
                self.open = self.open_source(source)?;
                if self.open.is_none() {
                    self.file += 1;
                }
                continue;
            };
            match self.read_on(&mut open) {
                Step::Block(block) => {
                    self.open = Some(open);
                    return Some(block);
                }
                Step::Ended(block) => {
                    self.file += 1;
                    if block.is_some() {
                        return block;
                    }
                }
                Step::More => self.open = Some(open),
                Step::Unwanted => {
                    self.file = usize::MAX;
                    return None;
                }
            }
        }
    }

    /// Opens a source. `None` when nobody wants it; inside, when it cannot be read.
    fn open_source(&mut self, source: &'o Source) -> Option<Option<Open<'o>>> {
        let opened = source
            .open()
            .and_then(|source| decode::open(source, &self.done));
        let text = match opened {
            Ok(text) => text,
            Err(error) => {
                self.report
                    .add_broken(self.file, 0, format!("cannot read: {error}"));
                return Some(None);
            }
        };
        Some(Some(Open {
            text,
            buffer: self.take_buffer()?,
            filled: 0,
            current: None,
            skipping: false,
        }))
    }

    /// Fills the buffer of a source and cuts a block off it.
    fn read_on(&mut self, open: &mut Open<'o>) -> Step {
        let file = self.file;
        let Open {
            text,
            buffer,
            filled,
            current,
            skipping,
        } = open;
        let is_last = match fill(text, buffer, filled) {
            Ok(is_last) => is_last,
            Err(error) => {
                let kept = buffer.get(..*filled).unwrap_or_default();
                let line = current.as_ref().map_or(1, |current| current.line) + count_lines(kept);
                let what = if error.kind() == io::ErrorKind::UnexpectedEof {
                    "the compressed file ends early".to_owned()
                } else {
                    format!("cannot read further: {error}")
                };
                self.report.add_broken(file, line, what);
                true
            }
        };
        let current = match current {
            Some(current) => current,
            None => {
                let head = buffer.get(..*filled).unwrap_or_default();
                if matches!(head, [0xff, 0xfe, ..] | [0xfe, 0xff, ..]) {
                    self.report
                        .add_broken(file, 1, "the text is UTF-16; convert it to UTF-8");
                    self.spare.push(std::mem::take(buffer));
                    return Step::Ended(None);
                }
                let mut offset = 0;
                if head.starts_with(b"\xef\xbb\xbf") {
                    offset = 3;
                    self.report.bytes += offset;
                    *filled = drop_front(buffer, *filled, 3);
                }
                let head = buffer.get(..(*filled).min(4096)).unwrap_or_default();
                let format = self.options.format.unwrap_or_else(|| Format::detect(head));
                let is_export = format == Format::Export;
                let source = self.inputs.sources().get(file);
                current.insert(Current {
                    file,
                    format,
                    cutter: Cutter::new(format),
                    log_stream: source.filter(|_| is_export).and_then(Source::folder),
                    columns: None,
                    line: 1,
                    offset,
                    open_line: false,
                })
            }
        };

        if *skipping {
            let window = buffer.get(..*filled).unwrap_or_default();
            let (dropped, found) = match current.cutter.skip(window, is_last) {
                Ok(dropped) => (dropped, true),
                Err(dropped) => (dropped, false),
            };
            current.count(buffer.get(..dropped).unwrap_or_default(), &mut self.report);
            *filled = drop_front(buffer, *filled, dropped);
            if !found {
                return Step::More;
            }
            *skipping = false;
        }

        let window = Window {
            text: buffer.get(..*filled).unwrap_or_default(),
            is_last,
            file,
            first_line: current.line,
        };
        let cut = current.cutter.cut(&window, &mut self.report);
        if is_last {
            let block = self.block(current, std::mem::take(buffer), cut.len, cut.units);
            self.report.lines += u64::from(current.open_line);
            return Step::Ended(block);
        }
        let (length, units) = if cut.len > 0 {
            (cut.len, cut.units)
        } else if buffer.len() < self.options.entry_bytes {
            let grown = (buffer.len() * 2).min(self.options.entry_bytes);
            buffer.resize(grown, 0);
            return Step::More;
        } else {
            self.report.add_broken(
                file,
                current.line,
                format!(
                    "an entry is longer than {} bytes; the rest of it is left out",
                    self.options.entry_bytes
                ),
            );
            let window = buffer.get(..*filled).unwrap_or_default();
            let given_up = current.cutter.give_up(window);
            *skipping = given_up.skip_lines;
            if given_up.hand_on == 0 {
                return Step::More;
            }
            (given_up.hand_on, Vec::new())
        };
        let Some(mut next) = self.take_buffer() else {
            return Step::Unwanted;
        };
        let rest = buffer.get(length..*filled).unwrap_or_default();
        if next.len() < rest.len() * 2 {
            next.resize(rest.len() * 2, 0);
        }
        if let Some(to) = next.get_mut(..rest.len()) {
            to.copy_from_slice(rest);
        }
        *filled = rest.len();
        let full = std::mem::replace(buffer, next);
        self.block(current, full, length, units)
            .map_or(Step::More, Step::Block)
    }

    /// A block of the first `len` bytes of a buffer, unless they are none.
    fn block(
        &mut self,
        current: &mut Current,
        buffer: Vec<u8>,
        len: usize,
        mut units: Vec<Unit>,
    ) -> Option<Block> {
        let text = buffer.get(..len).unwrap_or_default();
        let (first_line, first_offset) = (current.line, current.offset);
        current.count(text, &mut self.report);
        if current.format == Format::Csv && current.columns.is_none() && !units.is_empty() {
            let header = units.remove(0);
            let columns = text
                .get(header.start..header.end)
                .and_then(CsvColumns::from_header);
            match columns {
                Some(columns) => current.columns = Some(Arc::new(columns)),
                None => {
                    self.report.add_broken(
                        current.file,
                        header.line,
                        "the header of the CSV names no `@message`",
                    );
                    units.clear();
                }
            }
        }
        if len == 0 {
            self.spare.push(buffer);
            return None;
        }
        let block = Block {
            number: self.number,
            file: current.file,
            format: current.format,
            buffer,
            len,
            first_line,
            first_offset,
            units,
            columns: current.columns.clone(),
            log_stream: current.log_stream.clone(),
        };
        self.number += 1;
        Some(block)
    }

    /// Waits for a free buffer of at least a block's size. `None` when the consumer has gone.
    fn take_buffer(&mut self) -> Option<Vec<u8>> {
        let mut buffer = match self.spare.pop() {
            Some(buffer) => buffer,
            None => self.free.recv().ok()?,
        };
        let size = self.options.block_bytes.max(64);
        if buffer.len() < size {
            buffer.resize(size, 0);
        } else if buffer.len() > size * 4 {
            buffer.truncate(size);
            buffer.shrink_to_fit();
        }
        Some(buffer)
    }
}

/// Reads until the buffer is full; says whether the text is at its end.
fn fill(text: &mut impl Read, buffer: &mut [u8], filled: &mut usize) -> io::Result<bool> {
    while let Some(space @ [_, ..]) = buffer.get_mut(*filled..) {
        match text.read(space) {
            Ok(0) => return Ok(true),
            Ok(count) => *filled += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(false)
}

/// Removes the first bytes of the text in a buffer; gives the new length of the text.
fn drop_front(buffer: &mut [u8], filled: usize, count: usize) -> usize {
    buffer.copy_within(count.min(filled)..filled, 0);
    filled.saturating_sub(count)
}

fn count_lines(text: &[u8]) -> u64 {
    as_u64(memchr::memchr_iter(b'\n', text).count())
}
