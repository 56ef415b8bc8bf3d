//! One file that is followed.

use std::fs::{File, Metadata};
use std::io;
use std::os::unix::fs::{FileExt as _, MetadataExt as _};
use std::path::PathBuf;
use std::time::{Duration, Instant, SystemTime};

use super::super::reader::Piece;
use super::super::reader::growing::{self, lines, next_entry, whole_entries};
use super::super::record::HEAD as AUDIT;
use super::super::timestamp::fast_epoch_ms;
use super::kind::Unread;
use super::place::{HEAD, Inode, Place, Print, TAIL};
use super::target::{Candidate, modified};
use super::{Chunk, Key, Options};

/// Number of bytes that are compared to recognise a copy.
const COMPARED: usize = 4096;

/// The result of looking at a file.
#[derive(Debug)]
pub(super) enum Step {
    /// There are entries to hand on.
    Handed,
    Nothing,
    /// There is more to read.
    More,
    /// Its first bytes have arrived, so it can be checked whether it is a copy, and how old it is.
    Began,
    /// The file is shorter than the part that was read, or has different content.
    Truncated,
    /// It is not a log.
    Unread(Unread),
}

/// How far the reading of a file has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Stage {
    Opened,
    Read,
    HandedOn,
}

/// Entries that were handed on, but whose caller has not confirmed them.
#[derive(Debug)]
pub(super) struct Handed {
    len: usize,
    after: Place,
}

/// A file that is followed.
#[derive(Debug)]
pub(super) struct Followed {
    pub(super) key: Key,
    pub(super) path: PathBuf,
    /// The confirmed place: everything before it is done.
    pub(super) place: Place,
    /// `None` if the file was closed because it has not grown for a long time.
    file: Option<File>,
    /// The bytes that were read after the place.
    pub(super) buffer: Vec<u8>,
    head: Vec<u8>,
    /// The bytes before the place.
    tail: Vec<u8>,
    size: u64,
    pub(super) modified: SystemTime,
    /// When it was last seen to grow.
    pub(super) grown: Instant,
    /// Since when it waits for the files before it.
    pub(super) waits: Option<Instant>,
    /// Where reading stops in this round, so that one file that grows fast does not delay the others.
    pub(super) limit: Option<u64>,
    pub(super) handed: Option<Handed>,
    /// Whether the arguments no longer name it.
    pub(super) is_left: bool,
    /// Whether it waits as the copy of another file that is followed.
    pub(super) is_copy: bool,
    /// Whether older logs beside it were looked for since it has an entry. One that has its first line when it is opened
    /// was found together with them.
    has_seen_older: bool,
    /// Whether what was held back has been handed on after a truncation.
    pub(super) is_flushed: bool,
    pub(super) trouble: Option<String>,
}

impl Followed {
    pub(super) fn open(candidate: &Candidate, now: Instant, wall: SystemTime) -> io::Result<Self> {
        let file = File::open(&candidate.path)?;
        let data = file.metadata()?;
        let at = Candidate::new(&candidate.path, &data);
        if !data.is_file() || at.inode != candidate.inode {
            return Err(io::Error::other(
                "it was replaced while it was being opened",
            ));
        }
        let head = read_at(&file, 0, HEAD)?;
        let has_seen_older = head.contains(&b'\n') || head.len() == HEAD;
        let mut place = Place::new(&candidate.path, at.inode);
        place.head = Print::of(&head);
        // A file that has been quiet for a long time counts as complete.
        let age = wall.duration_since(at.modified).unwrap_or(Duration::ZERO);
        Ok(Self {
            key: Key(0),
            path: candidate.path.clone(),
            place,
            file: Some(file),
            buffer: Vec::new(),
            head,
            tail: Vec::new(),
            size: at.size,
            modified: at.modified,
            grown: now.checked_sub(age).unwrap_or(now),
            waits: None,
            limit: None,
            handed: None,
            is_left: candidate.is_sibling,
            is_copy: false,
            has_seen_older,
            is_flushed: false,
            trouble: None,
        })
    }

    pub(super) fn inode(&self) -> Inode {
        self.place.inode()
    }

    /// Notes where the file was found again. One that is closed is opened when it has changed and there is room for it.
    pub(super) fn is_at(&mut self, candidate: &Candidate, room: &mut usize) {
        self.is_left = candidate.is_sibling;
        if self.path != candidate.path {
            self.path.clone_from(&candidate.path);
            self.place.path = candidate.path.to_string_lossy().into_owned();
        }
        // So that it has its age before others are put beside it, also where only a part of its first line was there. What cannot
        // be read, or is no longer what it was, is told by `advance`.
        if self.head.len() < HEAD
            && candidate.size > as_u64(self.head.len())
            && let Some(Ok(head)) = self.file.as_ref().map(|file| read_at(file, 0, HEAD))
            && head.starts_with(&self.head)
        {
            self.head = head;
            self.place.head = Print::of(&self.head);
        }
        if *room > 0 && self.must_be_opened(candidate) {
            let opened = File::open(&self.path).and_then(|file| {
                let is_same = file.metadata()?.ino() == self.place.inode;
                Ok((file, is_same))
            });
            match opened {
                Ok((file, true)) => {
                    *room -= 1;
                    self.file = Some(file);
                    self.trouble = None;
                }
                // Replaced at this moment: it will be found as another file.
                Ok((_, false)) => {}
                Err(error) => self.trouble = Some(format!("cannot be opened: {error}")),
            }
        }
    }

    /// Whether it is closed, and has changed since.
    pub(super) fn must_be_opened(&self, candidate: &Candidate) -> bool {
        self.file.is_none() && self.has_changed(candidate.size, candidate.modified)
    }

    pub(super) fn is_open(&self) -> bool {
        self.file.is_some()
    }

    /// Whether nothing of it is held back but the rest of an entry that is passed over: it is opened again when it grows.
    pub(super) fn can_be_closed(&self) -> bool {
        self.is_at_end() && !self.is_copy
    }

    pub(super) fn close(&mut self) {
        self.file = None;
        self.buffer = Vec::new();
    }

    /// The time of its first entry, as the log says it, or else of its last change. Two logs may begin in one second:
    /// then what a log was rotated into is older than the log, what was changed earlier is older, and last the name
    /// decides.
    pub(super) fn age(&self) -> (i64, bool, SystemTime, PathBuf) {
        let changed = self
            .modified
            .duration_since(SystemTime::UNIX_EPOCH)
            .ok()
            .and_then(|time| i64::try_from(time.as_millis()).ok());
        let first = fast_epoch_ms(&self.head).or(changed);
        (
            first.unwrap_or_default(),
            !self.is_left,
            self.modified,
            self.path.clone(),
        )
    }

    /// Whether nothing of it has been handed on.
    pub(super) fn is_untouched(&self) -> bool {
        self.place.offset == 0 && self.handed.is_none()
    }

    /// How far it is: nothing of it was read, something is held back or was written by an earlier run, or something
    /// was handed on.
    pub(super) fn stage(&self) -> Stage {
        if !self.is_untouched() {
            Stage::HandedOn
        } else if !self.buffer.is_empty() || self.place.written.is_some() {
            Stage::Read
        } else {
            Stage::Opened
        }
    }

    /// Whether the file system says otherwise of it than when it was last read.
    fn has_changed(&self, size: u64, modified: SystemTime) -> bool {
        size != self.size || modified != self.modified
    }

    /// Whether it holds less by now than was read of it, or something else.
    pub(super) fn is_replaced(&self) -> bool {
        let Some((file, data)) = self
            .file
            .as_ref()
            .and_then(|f| Some((f, f.metadata().ok()?)))
        else {
            return false;
        };
        data.len() < self.end()
            || self.has_changed(data.len(), modified(&data))
                && read_at(file, 0, self.head.len()).is_ok_and(|head| head != self.head)
    }

    pub(super) fn head(&self) -> &[u8] {
        &self.head
    }

    pub(super) fn size(&self) -> u64 {
        self.size
    }

    /// Whether its first bytes are known.
    pub(super) fn has_head(&self) -> bool {
        !self.head.is_empty()
    }

    /// Whether it holds what a place was noted in: the same first bytes, and the same bytes before the place.
    pub(super) fn continues(&self, place: &Place, same_inode: bool) -> bool {
        if same_inode && self.inode() != place.inode() {
            return false;
        }
        if !same_inode && !place.head.is_telling() {
            return false;
        }
        let Some(file) = &self.file else { return false };
        if self.size < place.offset || !place.head.begins(&self.head) {
            return false;
        }
        let tail = place
            .offset
            .checked_sub(u64::from(place.tail.bytes))
            .map(|at| read_at(file, at, place.tail.len()));
        matches!(tail, Some(Ok(tail)) if place.tail.begins(&tail) && tail.len() == place.tail.len())
    }

    /// Goes on at a place that was noted in it, or in what it is a copy of.
    pub(super) fn resume(&mut self, place: &Place) {
        self.place = Place {
            head: Print::of(&self.head),
            path: self.place.path.clone(),
            device: self.place.device,
            inode: self.place.inode,
            ..place.clone()
        };
        let at = place.offset.saturating_sub(u64::from(place.tail.bytes));
        self.tail = self
            .file
            .as_ref()
            .and_then(|file| read_at(file, at, place.tail.len()).ok())
            .unwrap_or_default();
        self.buffer.clear();
        self.is_copy = false;
        self.limit = None;
    }

    /// Whether another file that is followed holds all of it: it may be a copy that precedes a truncation.
    pub(super) fn is_copy_of(&self, other: &Self) -> bool {
        let common = self.head.len().min(other.head.len());
        // Cheap first: each file is compared with each.
        if self.head.get(..common) != other.head.get(..common)
            || !Print::of(self.head.get(..common).unwrap_or_default()).is_telling()
        {
            return false;
        }
        let (Some(file), Ok(theirs)) = (&self.file, other.reader()) else {
            return false;
        };
        let size = |file: &File| file.metadata().map(|data| data.len()).unwrap_or_default();
        let (ours, others) = (size(file), size(&theirs));
        // It is truncated by now, which its own turn will find.
        if others < other.place.offset {
            return true;
        }
        if ours > others {
            return false;
        }
        let at = ours.saturating_sub(COMPARED as u64);
        matches!(
            (read_at(file, at, COMPARED), read_at(&theirs, at, COMPARED)),
            (Ok(a), Ok(b)) if a.len() <= b.len() && b.get(..a.len()) == Some(a.as_slice())
        )
    }

    /// Whether it has, at the same place, what another file holds back.
    pub(super) fn holds(&self, other: &Self) -> bool {
        let held = &other.buffer;
        let ours = self
            .reader()
            .and_then(|file| read_at(&file, other.place.offset, held.len()));
        !held.is_empty() && ours.is_ok_and(|ours| ours == *held)
    }

    fn reader(&self) -> io::Result<File> {
        match &self.file {
            Some(file) => file.try_clone(),
            None => File::open(&self.path),
        }
    }

    /// Goes to the end. A line without an end is not passed over: its entry will be judged when it is whole.
    pub(super) fn go_to_end(&mut self) -> io::Result<()> {
        let Some(file) = &self.file else {
            return Ok(());
        };
        let (mut offset, mut line) = (0_u64, 1_u64);
        // The last entry begins here, which is the number of its line.
        let mut entry = (0_u64, 1_u64);
        let mut last = b'\n';
        loop {
            let text = read_at(file, offset, 1 << 20)?;
            let Some(end) = text.last() else { break };
            if last == b'\n' && text.first() != Some(&b'\t') {
                entry = (offset, line);
            }
            for at in memchr::memchr_iter(b'\n', &text) {
                line += 1;
                if text.get(at + 1).is_some_and(|next| *next != b'\t') {
                    entry = (offset + as_u64(at + 1), line);
                }
            }
            last = *end;
            offset += as_u64(text.len());
        }
        if offset == 0 {
            return Ok(());
        }
        if last == b'\n' {
            // Right before the line break: if the entry goes on, the rest of it is passed over too.
            (self.place.offset, self.place.line) = (offset - 1, line - 1);
            self.place.inside = true;
        } else {
            (self.place.offset, self.place.line) = entry;
        }
        let before = self.place.offset.min(TAIL as u64);
        self.tail = read_at(
            file,
            self.place.offset - before,
            usize::try_from(before).unwrap_or(TAIL),
        )?;
        self.place.tail = Print::of(&self.tail);
        self.size = self.size.max(offset);
        Ok(())
    }

    /// Begins again at the start: it was truncated.
    pub(super) fn begin_again(&mut self) {
        self.place = Place::new(&self.path, self.inode());
        self.buffer.clear();
        self.head.clear();
        self.tail.clear();
        self.size = 0;
        self.limit = None;
        self.waits = None;
        self.has_seen_older = false;
        self.is_flushed = false;
        self.handed = None;
    }

    /// Reads on, and finds whole entries.
    pub(super) fn advance(&mut self, now: Instant, options: &Options, is_ending: bool) -> Step {
        self.is_copy = false;
        let Some(file) = &self.file else {
            return Step::Nothing;
        };
        let data = match file.metadata() {
            Ok(data) => data,
            Err(error) => {
                self.trouble = Some(format!("cannot be inspected: {error}"));
                return Step::Nothing;
            }
        };
        let had_head = self.has_head();
        match self.fill(&data, now, options) {
            Ok(true) => {}
            Ok(false) => return Step::Truncated,
            Err(error) => {
                self.trouble = Some(format!("cannot be read further: {error}"));
                return Step::Nothing;
            }
        }
        self.trouble = None;
        if self.is_untouched() {
            if let Some(what) = Unread::of(&self.head) {
                return Step::Unread(what);
            }
            if !had_head && self.has_head() {
                return Step::Began;
            }
        }
        if self.place.inside {
            self.pass_over();
        }
        if !self.place.inside {
            let is_too_long = self.buffer.len() >= options.entry_bytes
                && next_entry(self.buffer.get(..options.entry_bytes).unwrap_or_default()).is_none();
            if (is_too_long || whole_entries(&self.buffer) > 0) && self.begins() {
                return Step::Began;
            }
            if is_too_long {
                self.hand_on(
                    options.entry_bytes.saturating_sub(growing::KEPT).max(1),
                    true,
                );
                return Step::Handed;
            }
            let whole = whole_entries(&self.buffer);
            if whole > 0 {
                self.hand_on(whole, false);
                return Step::Handed;
            }
        }
        if self.end() < self.limit.unwrap_or_default() {
            return Step::More;
        }
        let quiet = now.saturating_duration_since(self.grown);
        if !self.place.inside && !self.buffer.is_empty() && quiet >= options.quiet {
            let is_over = if self.buffer.last() == Some(&b'\n') {
                quiet >= options.open_quotes || !has_open_quotes(&self.buffer)
            } else {
                is_ending || (self.is_left && quiet >= options.open_quotes)
            };
            if is_over {
                if self.begins() {
                    return Step::Began;
                }
                self.hand_on_all();
                return Step::Handed;
            }
        }
        Step::Nothing
    }

    /// Reads what was written since. False when the file is not what it was.
    fn fill(&mut self, data: &Metadata, now: Instant, options: &Options) -> io::Result<bool> {
        let Some(file) = &self.file else {
            return Ok(true);
        };
        let end = self.place.offset + as_u64(self.buffer.len());
        let (size, modified) = (data.len(), modified(data));
        if size < end {
            return Ok(false);
        }
        let has_changed = self.has_changed(size, modified);
        let limit = *self.limit.get_or_insert(size);
        let mut added = 0;
        if end < limit {
            let wanted = usize::try_from(limit - end)
                .unwrap_or(usize::MAX)
                .min(options.chunk_bytes);
            let before = self.buffer.len();
            self.buffer.resize(before + wanted, 0);
            let read = self
                .buffer
                .get_mut(before..)
                .map_or(Ok(0), |space| read_into(file, end, space));
            added = read.as_ref().copied().unwrap_or_default();
            self.buffer.truncate(before + added);
            if read? == 0 {
                self.limit = Some(end);
            }
        }
        if added > 0 || has_changed {
            // After the reading: had it been truncated before, what was read would not belong to it.
            let head = read_at(file, 0, HEAD)?;
            if !head.starts_with(&self.head) {
                self.buffer.truncate(self.buffer.len() - added);
                return Ok(false);
            }
            if head.len() > self.head.len() {
                self.head = head;
                self.place.head = Print::of(&self.head);
            }
        }
        if size > self.size {
            self.grown = now;
        }
        (self.size, self.modified) = (size, modified);
        Ok(true)
    }

    /// Passes over the rest of an entry.
    fn pass_over(&mut self) {
        let count = match next_entry(&self.buffer) {
            Some(at) => {
                self.place.inside = false;
                at
            }
            None => self.buffer.len().saturating_sub(1),
        };
        self.drop_front(count);
        self.place.tail = Print::of(&self.tail);
    }

    fn end(&self) -> u64 {
        self.place.offset + as_u64(self.buffer.len())
    }

    fn hand_on_all(&mut self) {
        self.hand_on(self.buffer.len(), false);
    }

    /// Hands on the whole lines that are held back. False when there are none.
    pub(super) fn hand_on_lines(&mut self) -> bool {
        let end = memchr::memrchr(b'\n', &self.buffer).map_or(0, |at| at + 1);
        if end > 0 && !self.place.inside {
            self.hand_on(end, false);
        }
        self.handed.is_some()
    }

    fn hand_on(&mut self, len: usize, inside: bool) {
        let text = self.buffer.get(..len).unwrap_or_default();
        let tail = tail(&self.tail, text);
        let offset = self.place.offset + as_u64(text.len());
        let after = Place {
            tail: Print::of(&tail),
            offset,
            line: self.place.line + lines(text),
            inside,
            written: self.place.written.filter(|written| *written > offset),
            ..self.place.clone()
        };
        self.handed = Some(Handed {
            len: text.len(),
            after,
        });
    }

    /// What was handed on and is not settled.
    pub(super) fn chunk(&self) -> Option<Chunk<'_>> {
        let handed = self.handed.as_ref()?;
        Some(Chunk {
            key: self.key,
            path: &self.path,
            piece: Piece {
                text: self.buffer.get(..handed.len)?,
                offset: self.place.offset,
                line: self.place.line,
            },
            before: self.place.clone(),
            after: handed.after.clone(),
            written: self.place.written,
        })
    }

    /// What was handed on is done.
    pub(super) fn settle(&mut self, usual: usize) {
        if let Some(handed) = self.handed.take() {
            self.drop_front(handed.len);
            self.place = handed.after;
            if self.buffer.len() < usual / 8 && self.buffer.capacity() > usual / 2 {
                self.buffer.shrink_to(usual / 8);
            }
        }
    }

    fn drop_front(&mut self, count: usize) {
        let text = self.buffer.get(..count).unwrap_or_default();
        self.tail = tail(&self.tail, text);
        self.place.offset += as_u64(text.len());
        self.place.line += lines(text);
        self.buffer.drain(..count.min(self.buffer.len()));
    }

    /// Whether its first entry is about to be handed on, and something older may stand beside it by now: a log may be
    /// copied and truncated between its first bytes and its first entry.
    fn begins(&mut self) -> bool {
        let begins = self.is_untouched() && !self.has_seen_older;
        self.has_seen_older |= begins;
        begins
    }

    /// Whether all of it was handed on.
    pub(super) fn is_at_end(&self) -> bool {
        self.is_copy || (self.handed.is_none() && self.behind() <= u64::from(self.place.inside))
    }

    /// Bytes that were not handed on.
    pub(super) fn behind(&self) -> u64 {
        if self.is_copy {
            0
        } else {
            self.size.saturating_sub(self.place.offset)
        }
    }
}

/// The last bytes of a text with what came before it.
fn tail(before: &[u8], text: &[u8]) -> Vec<u8> {
    let text = text.get(text.len().saturating_sub(TAIL)..).unwrap_or(text);
    let kept = before.len().min(TAIL - text.len());
    let mut tail = before
        .get(before.len() - kept..)
        .unwrap_or_default()
        .to_vec();
    tail.extend_from_slice(text);
    tail
}

/// Whether a record ends in the middle of a quoted field: its statement has more lines to come. pgAudit doubles quotes
/// in a field, and the fields' own come in pairs.
fn has_open_quotes(entry: &[u8]) -> bool {
    memchr::memmem::find(entry, AUDIT).is_some_and(|at| {
        let record = entry.get(at..).unwrap_or_default();
        memchr::memchr_iter(b'"', record).count() % 2 == 1
    })
}

fn read_at(file: &File, offset: u64, bytes: usize) -> io::Result<Vec<u8>> {
    let mut buffer = vec![0; bytes];
    let count = read_into(file, offset, &mut buffer)?;
    buffer.truncate(count);
    Ok(buffer)
}

/// Reads until the space is full or the file ends.
fn read_into(file: &File, offset: u64, space: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while let Some(rest @ [_, ..]) = space.get_mut(filled..) {
        match file.read_at(rest, offset + as_u64(filled)) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

fn as_u64(count: usize) -> u64 {
    count.try_into().unwrap_or(u64::MAX)
}
