//! Reads a plain log of PostgreSQL by position: every thread reads a range of the file for itself.
//!
//! The file is divided into ranges of equal length. An entry belongs to the range in which it begins. A thread that took
//! a range looks for the first entry that begins in it, and reads on behind the end of the range up to the entry that
//! begins next. Where its own first entry begins is a guess until the thread of the range before has said where it
//! stopped: both found the same line break, unless the file was changed in between. A [`Baton`] says so. It goes from
//! range to range in their order, and also carries the number of the line, which nobody can know before everything in
//! front has been counted. If the guess was wrong, the range is read again from where the one before stopped. So the
//! pieces join without a gap and without an overlap whatever happens to the file, as if one thread had read it.
//!
//! The length of the file is not needed: its end is where a read returns nothing, and later reads are dropped.

use super::block::as_u64;
use super::cut::LOOK_AHEAD;
use super::growing::{lines, next_entry};
use super::report::ReadReport;
use super::starts::{Lines, Start};
use std::fs;
use std::io;
use std::os::unix::fs::FileExt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{self, Receiver, SyncSender};

/// What can be read at any place.
pub(super) trait ReadAt: Send + Sync {
    /// Reads bytes from this place on, without moving any other reader. 0 bytes are the end.
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize>;
}

impl ReadAt for fs::File {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        FileExt::read_at(self, buffer, offset)
    }
}

/// A file whose ranges are handed out.
pub(super) struct Ranges {
    shared: Arc<Shared>,
    /// Where the next range begins.
    start: u64,
    /// Brings where the range before stopped.
    before: Receiver<Baton>,
    is_first: bool,
}

/// What all ranges of a file need.
struct Shared {
    text: Box<dyn ReadAt>,
    /// Index of the file.
    file: usize,
    /// Bytes of a range.
    range_bytes: usize,
    /// Bytes of the longest entry; not less than a range.
    entry_bytes: usize,
    /// Whether a thread has seen the end of the file.
    is_ended: AtomicBool,
    /// Bytes that have been read, for the progress.
    done: Arc<AtomicU64>,
}

/// Where a range stopped.
#[derive(Clone, Copy)]
struct Baton {
    /// Bytes of the file before the entry that comes next.
    offset: u64,
    /// The number of its first line.
    line: u64,
    /// Whether the file ended there.
    is_ended: bool,
}

impl Ranges {
    /// A file that is read from `offset` on, where its first line begins.
    pub(super) fn new(
        text: Box<dyn ReadAt>,
        file: usize,
        offset: u64,
        (range_bytes, entry_bytes): (usize, usize),
        done: Arc<AtomicU64>,
    ) -> Self {
        let (first, before) = mpsc::sync_channel(1);
        // The receiver is alive.
        let _ = first.send(Baton {
            offset,
            line: 1,
            is_ended: false,
        });
        Self {
            shared: Arc::new(Shared {
                text,
                file,
                range_bytes,
                entry_bytes: entry_bytes.max(range_bytes),
                is_ended: AtomicBool::new(false),
                done,
            }),
            start: offset,
            before,
            is_first: true,
        }
    }
}

impl Iterator for Ranges {
    type Item = Range;

    /// The next range, or `None` if a thread has seen the end of the file.
    fn next(&mut self) -> Option<Range> {
        if self.shared.is_ended.load(Ordering::Relaxed) {
            return None;
        }
        let (after, before) = mpsc::sync_channel(1);
        let range = Range {
            shared: Arc::clone(&self.shared),
            start: self.start,
            end: self.start + as_u64(self.shared.range_bytes),
            is_first: self.is_first,
            before: std::mem::replace(&mut self.before, before),
            after,
        };
        self.start = range.end;
        self.is_first = false;
        Some(range)
    }
}

/// A range that a thread is to read.
pub(super) struct Range {
    shared: Arc<Shared>,
    start: u64,
    end: u64,
    /// Whether the file begins here.
    is_first: bool,
    before: Receiver<Baton>,
    after: SyncSender<Baton>,
}

/// What a thread reads into. It keeps it from range to range: what it has just read is still in the cache of its core.
#[derive(Default)]
pub(super) struct Room {
    buffer: Vec<u8>,
    starts: Vec<Start>,
}

/// The entries of a range.
pub(super) struct Found<'a> {
    pub(super) lines: Lines<'a>,
    /// Where they begin, but for the first one.
    pub(super) starts: &'a [Start],
}

impl Range {
    /// Reads the entries that begin in the range, and notes in the report what was read and what was wrong.
    ///
    /// Inside, `None` when there are none. Outside, when the thread of the range before died.
    pub(super) fn read<'a>(
        &self,
        room: &'a mut Room,
        report: &mut ReadReport,
    ) -> Option<Option<Found<'a>>> {
        let shared = &*self.shared;
        let Room { buffer, starts } = room;
        // An entry in the middle of the range needs the line break before it.
        let seen = self.start - u64::from(!self.is_first);
        let mut window = Window::new(shared, buffer, seen);
        window.fill(shared.range_bytes + 1 + margin(shared.range_bytes));
        // A fault counts when it stands in the way of the thread that is sure of its place.
        if window.filled <= 1 && matches!(window.end, Some(End::OfFile)) {
            shared.is_ended.store(true, Ordering::Relaxed);
        }
        let guess = if self.is_first {
            Some(0)
        } else {
            window.first_start(shared.range_bytes + 1)
        };
        let guessed = guess.map(|from| {
            let cut = window.cut(from, self.end, starts);
            (seen + as_u64(from), cut)
        });

        let baton = self.before.recv().ok()?;
        let cut = match guessed {
            Some((offset, cut)) if offset == baton.offset && !baton.is_ended => cut,
            _ if baton.is_ended || baton.offset >= self.end => {
                let _ = self.after.send(baton);
                return Some(None);
            }
            _ => {
                window = Window::new(shared, window.buffer, baton.offset);
                window.fill(shared.range_bytes);
                window.cut(0, self.end, starts)
            }
        };
        if cut.is_last {
            shared.is_ended.store(true, Ordering::Relaxed);
        }
        // Nobody waits for it behind the last range.
        let _ = self.after.send(Baton {
            offset: cut.next,
            line: baton.line + cut.lines,
            is_ended: cut.is_last,
        });
        let bytes = cut.next - baton.offset;
        shared.done.fetch_add(bytes, Ordering::Relaxed);
        report.bytes += bytes;
        report.lines += cut.lines + u64::from(cut.is_open);
        for (lines, what) in cut.faults {
            report.add_broken(shared.file, baton.line + lines, what);
        }
        let text = window.buffer.get(cut.text).unwrap_or_default();
        Some(Some(Found {
            lines: Lines {
                text,
                file: shared.file,
                line: baton.line,
                offset: baton.offset,
            },
            starts,
        }))
    }
}

/// So many bytes are read behind a range at first: most entries end there.
fn margin(range_bytes: usize) -> usize {
    range_bytes / 128 + 16
}

/// A part of a file in a buffer.
struct Window<'s, 'b> {
    shared: &'s Shared,
    buffer: &'b mut Vec<u8>,
    /// Bytes of the file before the buffer.
    offset: u64,
    /// So many bytes of the buffer have been read.
    filled: usize,
    /// Set when nothing follows.
    end: Option<End>,
}

enum End {
    OfFile,
    Fault(io::Error),
}

/// The entries of a range, in a buffer.
struct Cut {
    /// Their place in the buffer.
    text: std::ops::Range<usize>,
    /// Bytes of the file before the entry that comes next.
    next: u64,
    /// Line breaks up to there.
    lines: u64,
    /// Whether the file ends there.
    is_last: bool,
    /// Whether it ends without a line break.
    is_open: bool,
    /// What was wrong, behind so many line breaks.
    faults: Vec<(u64, String)>,
}

impl<'s, 'b> Window<'s, 'b> {
    fn new(shared: &'s Shared, buffer: &'b mut Vec<u8>, offset: u64) -> Self {
        // After an entry that was very long.
        if buffer.len() > shared.range_bytes * 4 {
            *buffer = Vec::new();
        }
        Self {
            shared,
            buffer,
            offset,
            filled: 0,
            end: None,
        }
    }

    /// Reads on until so many bytes are there, or the file ends.
    fn fill(&mut self, len: usize) {
        if self.buffer.len() < len {
            self.buffer.resize(len, 0);
        }
        while self.end.is_none()
            && let Some(space @ [_, ..]) = self.buffer.get_mut(self.filled..len)
        {
            let offset = self.offset + as_u64(self.filled);
            match self.shared.text.read_at(space, offset) {
                Ok(0) => self.end = Some(End::OfFile),
                Ok(count) => self.filled += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => self.end = Some(End::Fault(error)),
            }
        }
    }

    fn text(&self, range: std::ops::Range<usize>) -> &[u8] {
        self.buffer.get(range).unwrap_or_default()
    }

    /// Where the first entry begins behind a line break, if it does so before this place.
    fn first_start(&self, before: usize) -> Option<usize> {
        let text = self.text(0..self.filled);
        memchr::memchr_iter(b'\n', text)
            .map(|at| at + 1)
            .take_while(|start| *start < before)
            .find(|start| text.get(*start).is_some_and(|first| *first != b'\t'))
    }

    /// Finds the entries from one that begins in the buffer to the last that begins before `end`, an offset in the
    /// file, and reads on up to the entry behind that. `starts` are the places where they begin, but for the first one.
    fn cut(&mut self, from: usize, end: u64, starts: &mut Vec<Start>) -> Cut {
        starts.clear();
        let end = usize::try_from(end.saturating_sub(self.offset)).unwrap_or(usize::MAX);
        let limit = self.shared.entry_bytes;
        let mut lines = 0;
        // Where the last entry begins, and up to where line breaks have been counted.
        let (mut last, mut counted) = (from, from);
        let next = loop {
            let mut next = None;
            let text = self.text(0..self.filled);
            for at in memchr::memchr_iter(b'\n', self.text(counted..self.filled)) {
                let start = counted + at + 1;
                let Some(first) = text.get(start) else {
                    // Perhaps an entry begins behind it, perhaps one goes on.
                    break;
                };
                lines += 1;
                if *first == b'\t' {
                    continue;
                }
                if start >= end {
                    next = Some(start);
                    break;
                }
                last = start;
                starts.push(Start {
                    at: start - from,
                    lines,
                });
            }
            let is_break = text.last() == Some(&b'\n') && self.filled > counted;
            counted = self.filled - usize::from(is_break);
            if next.is_some() || self.end.is_some() || self.filled - last >= limit {
                break next;
            }
            let more = (self.filled - last).max(margin(self.shared.range_bytes));
            self.fill((self.filled + more).min(last + limit));
        };
        let stop = next.unwrap_or(self.filled);
        let mut cut = Cut {
            text: from..stop,
            next: self.offset + as_u64(stop),
            lines,
            is_last: false,
            is_open: false,
            faults: Vec::new(),
        };
        if stop - last >= limit {
            let what = format!("an entry is longer than {limit} bytes; its rest is left out");
            cut.faults
                .push((starts.last().map_or(0, |start| start.lines), what));
            cut.text.end = last + limit.saturating_sub(LOOK_AHEAD);
        }
        if next.is_none() {
            // The break at the end that has not been counted.
            cut.lines += as_u64(self.filled - counted);
            self.pass_over(&mut cut);
        }
        cut
    }

    /// Reads on up to the next entry, behind one that is too long, without keeping what is read.
    fn pass_over(&mut self, cut: &mut Cut) {
        let kept = cut.text.end;
        let text = self.text(cut.text.start..self.filled);
        let mut is_break = text.last().is_none_or(|last| *last == b'\n');
        while self.end.is_none() {
            self.offset += as_u64(self.filled - kept);
            self.filled = kept;
            self.fill(kept + self.shared.range_bytes);
            let text = self.text(kept..self.filled);
            let next = if is_break && text.first().is_some_and(|first| *first != b'\t') {
                Some(0)
            } else {
                next_entry(text)
            };
            if let Some(next) = next {
                cut.lines += lines(self.text(kept..kept + next));
                cut.next = self.offset + as_u64(kept + next);
                return;
            }
            cut.lines += lines(text);
            is_break = text.last().map_or(is_break, |last| *last == b'\n');
        }
        cut.next = self.offset + as_u64(self.filled);
        cut.is_last = true;
        cut.is_open = !is_break;
        if let Some(End::Fault(error)) = &self.end {
            cut.faults
                .push((cut.lines, format!("cannot read further: {error}")));
        }
    }
}
