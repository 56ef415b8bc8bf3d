//! One thread reads and cuts, several visit, the caller receives the results in order.

use super::block::{Block, Entry, Unit};
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

    thread::scope(|scope| {
        let (free_sender, free) = mpsc::channel::<Vec<u8>>();
        let (blocks, block_receiver) = mpsc::channel::<Block>();
        let (results, result_receiver) = mpsc::channel::<Visited<V::Output>>();
        // The buffers are the window: a block waits until one comes back from the consumer.
        for _ in 0..2 * threads + 2 {
            let _ = free_sender.send(Vec::new());
        }
        let reading = {
            let done = Arc::clone(&done);
            scope.spawn(move || {
                let mut reader = Reader {
                    options,
                    blocks,
                    free,
                    spare: Vec::new(),
                    report: ReadReport::default(),
                    number: 0,
                };
                for (file, source) in inputs.sources().iter().enumerate() {
                    if reader.read_source(file, source, &done).is_break() {
                        break;
                    }
                }
                reader.report
            })
        };
        let block_receiver = Arc::new(Mutex::new(block_receiver));
        for _ in 0..threads {
            let blocks = Arc::clone(&block_receiver);
            let results = results.clone();
            scope.spawn(move || visit_blocks(visitor, &blocks, &results));
        }
        drop(block_receiver);
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
        // Without these the reading thread and the visitors find nobody to work for, and end.
        drop(free_sender);
        drop(result_receiver);
        match reading.join() {
            Ok(part) => report.merge(part),
            Err(payload) => panicked = Some(payload),
        }
    });
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

fn visit_blocks<V: Visitor>(
    visitor: &V,
    blocks: &Mutex<Receiver<Block>>,
    results: &Sender<Visited<V::Output>>,
) {
    let mut worker = None;
    loop {
        let received = blocks.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(block) = received else { return };
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

/// The reading thread.
struct Reader<'o> {
    options: &'o ReadOptions,
    blocks: Sender<Block>,
    free: Receiver<Vec<u8>>,
    /// Buffers that were taken and not sent.
    spare: Vec<Vec<u8>>,
    report: ReadReport,
    number: u64,
}

/// What is known of the file that is being read.
struct Current {
    file: usize,
    format: Format,
    cutter: Cutter,
    log_stream: Option<Arc<[u8]>>,
    columns: Option<Arc<CsvColumns>>,
    line: u64,
    /// Whether the text so far ends without a line break.
    open_line: bool,
}

impl Current {
    /// Counts the bytes and lines of a text that has been dealt with.
    fn count(&mut self, text: &[u8], report: &mut ReadReport) {
        let lines = count_lines(text);
        self.line += lines;
        report.lines += lines;
        report.bytes += as_u64(text.len());
        if let Some(last) = text.last() {
            self.open_line = *last != b'\n';
        }
    }
}

impl Reader<'_> {
    /// Reads one source to its end. `Break` when nobody wants more.
    fn read_source(
        &mut self,
        file: usize,
        source: &Source,
        done: &Arc<AtomicU64>,
    ) -> ControlFlow<()> {
        let opened = source.open().and_then(|source| decode::open(source, done));
        let mut text = match opened {
            Ok(text) => text,
            Err(error) => {
                self.report
                    .add_broken(file, 0, format!("cannot read: {error}"));
                return ControlFlow::Continue(());
            }
        };
        let Some(mut buffer) = self.take_buffer() else {
            return ControlFlow::Break(());
        };
        let mut filled = 0;
        let mut current: Option<Current> = None;
        let mut skipping = false;
        loop {
            let fault = fill(&mut text, &mut buffer, &mut filled);
            let is_last = match fault {
                Ok(is_last) => is_last,
                Err(error) => {
                    let kept = buffer.get(..filled).unwrap_or_default();
                    let line =
                        current.as_ref().map_or(1, |current| current.line) + count_lines(kept);
                    let what = if error.kind() == io::ErrorKind::UnexpectedEof {
                        "the compressed file ends early".to_owned()
                    } else {
                        format!("cannot read further: {error}")
                    };
                    self.report.add_broken(file, line, what);
                    true
                }
            };
            if current.is_none() {
                let head = buffer.get(..filled).unwrap_or_default();
                if matches!(head, [0xff, 0xfe, ..] | [0xfe, 0xff, ..]) {
                    self.report
                        .add_broken(file, 1, "the text is UTF-16; convert it to UTF-8");
                    self.spare.push(buffer);
                    return ControlFlow::Continue(());
                }
                if head.starts_with(b"\xef\xbb\xbf") {
                    self.report.bytes += 3;
                    filled = drop_front(&mut buffer, filled, 3);
                }
                let head = buffer.get(..filled.min(4096)).unwrap_or_default();
                let format = self.options.format.unwrap_or_else(|| Format::detect(head));
                current = Some(Current {
                    file,
                    format,
                    cutter: Cutter::new(format),
                    log_stream: if format == Format::Export {
                        source.folder()
                    } else {
                        None
                    },
                    columns: None,
                    line: 1,
                    open_line: false,
                });
            }
            let Some(current) = &mut current else {
                return ControlFlow::Continue(());
            };

            if skipping {
                let window = buffer.get(..filled).unwrap_or_default();
                let (dropped, found) = match current.cutter.skip(window, is_last) {
                    Ok(dropped) => (dropped, true),
                    Err(dropped) => (dropped, false),
                };
                current.count(buffer.get(..dropped).unwrap_or_default(), &mut self.report);
                filled = drop_front(&mut buffer, filled, dropped);
                if !found {
                    continue;
                }
                skipping = false;
            }

            let window = Window {
                text: buffer.get(..filled).unwrap_or_default(),
                is_last,
                file,
                first_line: current.line,
            };
            let cut = current.cutter.cut(&window, &mut self.report);
            if is_last {
                let sent = self.send(current, buffer, cut.len, cut.units);
                self.report.lines += u64::from(current.open_line);
                return sent;
            }
            if cut.len > 0 {
                let Some(mut next) = self.take_buffer() else {
                    return ControlFlow::Break(());
                };
                let rest = buffer.get(cut.len..filled).unwrap_or_default();
                if next.len() < rest.len() * 2 {
                    next.resize(rest.len() * 2, 0);
                }
                if let Some(to) = next.get_mut(..rest.len()) {
                    to.copy_from_slice(rest);
                }
                filled = rest.len();
                self.send(
                    current,
                    std::mem::replace(&mut buffer, next),
                    cut.len,
                    cut.units,
                )?;
            } else if buffer.len() < self.options.entry_bytes {
                let grown = (buffer.len() * 2).min(self.options.entry_bytes);
                buffer.resize(grown, 0);
            } else {
                self.report.add_broken(
                    file,
                    current.line,
                    format!(
                        "an entry is longer than {} bytes; the rest of it is left out",
                        self.options.entry_bytes
                    ),
                );
                let window = buffer.get(..filled).unwrap_or_default();
                let given_up = current.cutter.give_up(window);
                skipping = given_up.skip_lines;
                if given_up.hand_on > 0 {
                    let Some(mut next) = self.take_buffer() else {
                        return ControlFlow::Break(());
                    };
                    let rest = buffer.get(given_up.hand_on..filled).unwrap_or_default();
                    if let Some(to) = next.get_mut(..rest.len()) {
                        to.copy_from_slice(rest);
                    }
                    filled = rest.len();
                    self.send(
                        current,
                        std::mem::replace(&mut buffer, next),
                        given_up.hand_on,
                        Vec::new(),
                    )?;
                }
            }
        }
    }

    /// Sends the first `len` bytes of a buffer.
    fn send(
        &mut self,
        current: &mut Current,
        buffer: Vec<u8>,
        len: usize,
        mut units: Vec<Unit>,
    ) -> ControlFlow<()> {
        let text = buffer.get(..len).unwrap_or_default();
        let first_line = current.line;
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
            return ControlFlow::Continue(());
        }
        let block = Block {
            number: self.number,
            file: current.file,
            format: current.format,
            buffer,
            len,
            first_line,
            units,
            columns: current.columns.clone(),
            log_stream: current.log_stream.clone(),
        };
        self.number += 1;
        if self.blocks.send(block).is_err() {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
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

fn as_u64(count: usize) -> u64 {
    count.try_into().unwrap_or(u64::MAX)
}
