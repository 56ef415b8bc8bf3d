//! Reads the sources in their order: each thread that asks gets a complete block, or a range to read.

use super::block::{Block, Unit, as_u64};
use super::csv::CsvColumns;
use super::cut::{Cutter, Window};
use super::decode;
use super::growing::lines;
use super::input::{Inputs, Source};
use super::pipeline::ReadOptions;
use super::ranges::{Range, Ranges};
use super::report::ReadReport;
use crate::audit_log::form::{BOM, Encoding, Format, HEAD, Packing};
use crate::audit_log::prefix::LogLinePrefix;
use std::fs;
use std::io::{self, Read};
use std::os::unix::fs::FileExt as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::Receiver;

/// What a thread is to do.
pub(super) struct Task {
    /// Counts the tasks of the input.
    pub(super) number: u64,
    pub(super) work: Work,
}

/// Where the entries come from.
pub(super) enum Work {
    /// They have been read.
    Block(Block),
    /// They are to be read. The buffer is not needed for it: it is the permission to be under way.
    Range(Range, Vec<u8>),
}

/// What hands out the sources, whichever thread asks.
pub(super) struct Blocks<'o> {
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
enum Open<'o> {
    /// Where it stands, in turn.
    Text(Box<OpenText<'o>>),
    /// Everywhere, by whoever takes a range.
    Ranges(Ranges),
}

/// A text of which block after block is read.
struct OpenText<'o> {
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
    /// The consumer needs no more.
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
        let breaks = lines(text);
        self.line += breaks;
        self.offset += as_u64(text.len());
        report.lines += breaks;
        report.bytes += as_u64(text.len());
        if let Some(last) = text.last() {
            self.open_line = *last != b'\n';
        }
    }
}

impl<'o> Blocks<'o> {
    /// Blocks of all inputs. No more buffers are used than come out of `free`; what is read, before decompression,
    /// is counted in `done`.
    pub(super) fn new(
        inputs: &'o Inputs,
        options: &'o ReadOptions,
        done: Arc<AtomicU64>,
        free: Receiver<Vec<u8>>,
    ) -> Self {
        Self {
            options,
            inputs,
            done,
            file: 0,
            open: None,
            free,
            spare: Vec::new(),
            report: ReadReport::default(),
            number: 0,
        }
    }

    /// What was found while the blocks were read.
    pub(super) fn into_report(self) -> ReadReport {
        self.report
    }

    /// Bytes of a block, as a rule.
    fn block_bytes(&self) -> usize {
        self.options.block_bytes.max(64)
    }

    /// Bytes of the longest entry, and of the largest buffer.
    fn entry_bytes(&self) -> usize {
        self.options.entry_bytes.max(self.block_bytes())
    }

    /// The next task. `None` when there is no more, or nobody wants more.
    pub(super) fn next_task(&mut self) -> Option<Task> {
        let work = self.next_work()?;
        let number = self.number;
        self.number += 1;
        Some(Task { number, work })
    }

    fn next_work(&mut self) -> Option<Work> {
        loop {
            match self.open.take() {
                None => {
                    let source = self.inputs.sources().get(self.file)?;
                    self.open = self.open_source(source)?;
                    if self.open.is_none() {
                        self.file += 1;
                    }
                }
                Some(Open::Ranges(mut ranges)) => match ranges.next() {
                    Some(range) => {
                        self.open = Some(Open::Ranges(ranges));
                        return Some(Work::Range(range, self.take_buffer()?));
                    }
                    None => self.file += 1,
                },
                Some(Open::Text(mut open)) => match self.read_on(&mut open) {
                    Step::Block(block) => {
                        self.open = Some(Open::Text(open));
                        return Some(Work::Block(block));
                    }
                    Step::Ended(block) => {
                        self.file += 1;
                        if let Some(block) = block {
                            return Some(Work::Block(block));
                        }
                    }
                    Step::More => self.open = Some(Open::Text(open)),
                    Step::Unwanted => {
                        self.file = usize::MAX;
                        return None;
                    }
                },
            }
        }
    }

    /// Opens a source. `None` when nobody wants it; inside, when it cannot be read.
    fn open_source(&mut self, source: &'o Source) -> Option<Option<Open<'o>>> {
        let opened = match source {
            Source::Path(path) => fs::File::open(path).and_then(|file| match self.ranges(&file) {
                Some(offset) => Ok(Err((file, offset))),
                None => decode::open(Box::new(file), &self.done).map(Ok),
            }),
            Source::Stdin => decode::open(Box::new(io::stdin()), &self.done).map(Ok),
            Source::Bytes { bytes, .. } => decode::open(Box::new(&bytes[..]), &self.done).map(Ok),
        };
        match opened {
            Ok(Ok(text)) => Some(Some(Open::Text(Box::new(OpenText {
                text,
                buffer: self.take_block_buffer()?,
                filled: 0,
                current: None,
                skipping: false,
            })))),
            Ok(Err((file, offset))) => {
                self.report.bytes += offset;
                self.done.fetch_add(offset, Ordering::Relaxed);
                Some(Some(Open::Ranges(Ranges::new(
                    Box::new(file),
                    self.file,
                    offset,
                    (self.block_bytes(), self.entry_bytes()),
                    Arc::clone(&self.done),
                ))))
            }
            Err(error) => {
                self.report
                    .add_broken(self.file, 0, format!("cannot read: {error}"));
                Some(None)
            }
        }
    }

    /// Whether a file can be read in ranges: where its first line begins, if so. It is a plain log of PostgreSQL, whose
    /// entries are told by their line breaks, and longer than a block.
    fn ranges(&self, file: &fs::File) -> Option<u64> {
        let about = file.metadata().ok()?;
        if !about.is_file() || about.len() <= as_u64(self.block_bytes()) {
            return None;
        }
        let mut head = [0; HEAD];
        let head = head.get_mut(..self.block_bytes().min(HEAD))?;
        // What cannot be read is told when it is read in turn.
        file.read_exact_at(head, 0).ok()?;
        if Packing::of(head).is_some() || Encoding::of(head).is_some() {
            return None;
        }
        let text = head.strip_prefix(BOM).unwrap_or(head);
        let format = self.options.format.unwrap_or_else(|| Format::detect(text));
        (format == Format::Postgres).then_some(as_u64(head.len() - text.len()))
    }

    /// Fills the buffer of a source and cuts a block off it.
    fn read_on(&mut self, open: &mut OpenText<'o>) -> Step {
        let file = self.file;
        let OpenText {
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
                let line = current.as_ref().map_or(1, |current| current.line) + lines(kept);
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
                let mut offset = 0;
                if head.starts_with(BOM) {
                    offset = 3;
                    self.report.bytes += offset;
                    *filled = drop_front(buffer, *filled, 3);
                }
                let head = buffer.get(..(*filled).min(HEAD)).unwrap_or_default();
                let format = self.options.format.unwrap_or_else(|| Format::detect(head));
                let is_export = format == Format::Export;
                let source = self.inputs.sources().get(file);
                current.insert(Current {
                    file,
                    format,
                    cutter: Cutter::new(format, head),
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
        } else if *filled < buffer.len() {
            // Something at its start has been passed over.
            return Step::More;
        } else if buffer.len() < self.entry_bytes() {
            let grown = (buffer.len() * 2).min(self.entry_bytes());
            buffer.resize(grown, 0);
            return Step::More;
        } else {
            self.report.add_broken(
                file,
                current.line,
                format!(
                    "an entry is longer than {} bytes; its rest is left out",
                    self.entry_bytes()
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
        let Some(mut next) = self.take_block_buffer() else {
            return Step::Unwanted;
        };
        let rest = buffer.get(length..*filled).unwrap_or_default();
        let room = (rest.len() * 2).min(self.entry_bytes());
        if next.len() < room {
            next.resize(room, 0);
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
                        "the header of the CSV has no column for messages: export `@message` too",
                    );
                    units.clear();
                }
            }
        }
        if len == 0 {
            self.spare.push(buffer);
            return None;
        }
        Some(Block {
            file: current.file,
            format: current.format,
            form: self.options.prefix.unwrap_or(LogLinePrefix::Short),
            buffer,
            len,
            first_line,
            first_offset,
            units,
            columns: current.columns.clone(),
            log_stream: current.log_stream.clone(),
        })
    }

    /// Waits for a free buffer of at least a block's size. `None` when the consumer has gone.
    fn take_block_buffer(&mut self) -> Option<Vec<u8>> {
        let mut buffer = self.take_buffer()?;
        let size = self.block_bytes();
        if buffer.len() < size {
            buffer.resize(size, 0);
        } else if buffer.len() > (size * 4).min(self.entry_bytes()) {
            buffer.truncate(size);
            buffer.shrink_to_fit();
        }
        Some(buffer)
    }

    /// Waits for a free buffer. `None` when the consumer has gone.
    fn take_buffer(&mut self) -> Option<Vec<u8>> {
        match self.spare.pop() {
            Some(buffer) => Some(buffer),
            None => self.free.recv().ok(),
        }
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
