//! Threads read and visit; the caller receives the results in order.

use super::block::Entry;
use super::blocks::{Blocks, Task, Work};
use super::dress::Dresser;
use super::input::Inputs;
use super::ranges::Room;
use super::report::ReadReport;
use super::template::Template;
use crate::audit_log::form::Format;
use crate::audit_log::prefix::LogLinePrefix;
use std::any::Any;
use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::panic::{self, AssertUnwindSafe};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{self, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

/// Threads that visit and blocks that are under way, at most: each may hold the longest entry, so that these bound the memory
/// on machines with many cores.
const THREADS_MAX: usize = 16;
const BLOCKS_MAX: usize = 20;

/// Bytes of a buffer that is used again.
const KEPT: usize = 4 << 20;

#[derive(Clone, Debug)]
pub struct ReadOptions {
    /// The format, when it is not to be seen from the content.
    pub format: Option<Format>,
    /// The prefix that whoever looks at the entries reads. Entries with another one are written again with it where they can
    /// be, and reported where not. Without it entries are handed on as they stand.
    pub prefix: Option<LogLinePrefix>,
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
            prefix: None,
            // Smaller ones cost more changes between threads and read no faster (measured: 256 kB).
            block_bytes: 1 << 20,
            entry_bytes: 16 << 20,
            threads: None,
        }
    }
}

impl ReadOptions {
    /// For a consumer that reads entries with this prefix.
    pub fn with_prefix(prefix: LogLinePrefix) -> Self {
        Self {
            prefix: Some(prefix),
            ..Self::default()
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
        .clamp(1, THREADS_MAX);
    let total = inputs.size();
    let done = Arc::new(AtomicU64::new(0));
    let mut report = inputs.faults().clone();
    let mut panicked: Option<Box<dyn Any + Send>> = None;

    let (free_sender, free) = mpsc::channel::<Vec<u8>>();
    // The buffers are the window: no block or range is begun until one comes back from the consumer.
    for _ in 0..(2 * threads + 2).min(BLOCKS_MAX) {
        let _ = free_sender.send(Vec::new());
    }
    let blocks = Mutex::new(Blocks::new(inputs, options, Arc::clone(&done), free));
    thread::scope(|scope| {
        let (results, result_receiver) = mpsc::channel::<Visited<V::Output>>();
        for _ in 0..threads {
            let results = results.clone();
            let blocks = &blocks;
            let dress = options.prefix.map(|form| (form, inputs.template()));
            scope.spawn(move || visit_blocks(visitor, blocks, dress, &results));
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
                        if output.is_some_and(|output| consume(output).is_break()) {
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
    let blocks = blocks.into_inner().unwrap_or_else(PoisonError::into_inner);
    report.merge(blocks.into_report());
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
    /// What came out, unless no entry begins there; or why the visitor panicked.
    output: Result<(Option<O>, ReadReport), Box<dyn Any + Send>>,
    buffer: Vec<u8>,
}

/// Takes one task after the other, and visits the entries that it has or that it reads.
fn visit_blocks<V: Visitor>(
    visitor: &V,
    blocks: &Mutex<Blocks<'_>>,
    dress: Option<(LogLinePrefix, Option<&Template>)>,
    results: &Sender<Visited<V::Output>>,
) {
    let mut worker = None;
    let mut room = Room::default();
    loop {
        let task = blocks.lock().map(|mut blocks| blocks.next_task());
        // Poisoned: a thread panicked while it read, and the scope passes that on.
        let Ok(Some(Task { number, work })) = task else {
            return;
        };
        let mut report = ReadReport::default();
        let found = match &work {
            Work::Block(_) => None,
            Work::Range(range, _) => match range.read(&mut room, &mut report) {
                // A thread panicked while it read.
                None => return,
                Some(found) => found,
            },
        };
        // A panic has to reach the caller; dying here would leave it waiting for this block.
        let output = panic::catch_unwind(AssertUnwindSafe(|| {
            let worker = worker.get_or_insert_with(|| visitor.worker());
            let mut output = visitor.output();
            let mut each = |entry: &Entry<'_>| visitor.visit(worker, &mut output, entry);
            let Some((form, template)) = dress else {
                match (&work, &found) {
                    (Work::Block(block), _) => block.visit(&mut report, each),
                    (Work::Range(..), Some(found)) => {
                        found
                            .lines
                            .visit_known(found.starts, &mut report, &mut each);
                    }
                    (Work::Range(..), None) => return (None, report),
                }
                return (Some(output), report);
            };
            // What is told of the entries is kept apart: the report counts while it hands them out.
            let mut told = ReadReport::default();
            let mut dresser = match (&work, &found) {
                (Work::Block(block), _) => Dresser::new(
                    form,
                    template,
                    block.file,
                    block.format,
                    (block.text(), block.first_offset),
                ),
                (Work::Range(..), Some(found)) => Dresser::new(
                    form,
                    template,
                    found.lines.file,
                    Format::Postgres,
                    (found.lines.text, found.lines.offset),
                ),
                (Work::Range(..), None) => return (None, report),
            };
            let mut dressed = |entry: &Entry<'_>| dresser.hand(entry, &mut told, &mut each);
            match (&work, &found) {
                (Work::Block(block), _) => block.visit(&mut report, &mut dressed),
                (Work::Range(..), Some(found)) => {
                    found
                        .lines
                        .visit_known(found.starts, &mut report, &mut dressed);
                }
                (Work::Range(..), None) => {}
            }
            dresser.finish(&mut told);
            report.entries = report.entries.saturating_sub(told.dropped);
            report.merge(told);
            (Some(output), report)
        }));
        let mut buffer = match work {
            Work::Block(block) => block.buffer,
            Work::Range(_, buffer) => buffer,
        };
        // One long entry does not keep its room until the end of the log.
        if buffer.capacity() > KEPT {
            buffer = Vec::new();
        }
        let visited = Visited {
            number,
            output,
            buffer,
        };
        if results.send(visited).is_err() {
            return;
        }
    }
}
