//! Follows PostgreSQL's log files while the server writes them.
//!
//! A log continues in four ways, and each is followed without losing or repeating an entry: it grows; it is renamed, and
//! another file takes its name; the server begins a file with a new name (`log_filename`); it is copied and truncated.
//!
//! **Places.** A name says nothing about which file it is, because rotation moves names. So a file is recognised by its
//! [`Place`]: its inode, a digest of its first bytes, and a digest of the bytes right before the offset that was reached. The
//! inode finds a renamed file again. The two digests find a copy, which has another inode: a file continues a place if it has
//! the same first bytes, and the same bytes before that offset. A beginning of less than 32 bytes proves nothing, because two
//! servers may begin their logs alike. Places are saved in the cursor, so all of this works after a restart too.
//!
//! **Rotation.** [`Follower::look`] lists the files about once a second. A renamed file is read to its end under its new name.
//! Files are read in the order of their age, which is the time of their first entry: a new file waits until the older ones are
//! at their end, but only for a bounded time, because it may belong to another server. A file that is no longer named, has
//! ended and has not grown for a while is dropped, and only its place is remembered for some time.
//!
//! **Copies.** A log that is copied and truncated (`copytruncate`) is at first two files with the same content. Before a file
//! is read from its beginning, it is compared with the remembered places and with the other files. If it contains text that
//! was already read elsewhere, it continues after that text. If the original is still followed, the copy waits, and is read
//! only if the original is truncated. A file is truncated if it is shorter than the part that was read, or begins with other
//! bytes. Then the copy supplies the entries that were written after the last read and before the truncation, and the
//! truncated file starts again at its beginning. Without a copy, a [`Notice`] says that entries might be lost.
//!
//! **Entries.** An entry ends where the next one begins. The last one is held back until the file has been quiet for a while, and a
//! line without an end is held back until it has one, so no entry is judged half-written. The caller confirms each [`Chunk`] by
//! [`Follower::settle`]; only then does the place move on.
//!
//! Nothing here reads the clock, sleeps or prints: the caller passes the time and asks for the next [`Chunk`]. A file or folder
//! that cannot be followed is listed in [`Follower::troubles`] until it can be.

mod file;
mod kind;
mod notice;
mod place;
mod target;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

use super::reader::Piece;
use file::{Followed, Step};
use place::Inode;
use target::{Candidate, Target};

pub use kind::Unread;
pub use notice::Notice;
pub use place::{Place, Print};

#[derive(Clone, Debug)]
pub struct Options {
    /// A file that has not grown for so long has ended its last entry.
    pub quiet: Duration,
    /// As long an entry whose quotes are still open is waited for.
    pub open_quotes: Duration,
    /// A file that has not grown for so long is closed; one that is no longer where it was is left.
    pub idle: Duration,
    /// Bytes that are read at once, at most.
    pub chunk_bytes: usize,
    /// Bytes of the longest entry, as in [`super::reader::ReadOptions`].
    pub entry_bytes: usize,
    /// Files that are open at once, at most: a process has few descriptors, often 1,024, and its output, its cursor and its
    /// clients need some. Further files have their turn when others are read.
    pub open_files: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            quiet: Duration::from_secs(1),
            open_quotes: Duration::from_secs(10),
            idle: Duration::from_secs(600),
            chunk_bytes: 8 << 20,
            entry_bytes: 16 << 20,
            open_files: 512,
        }
    }
}

/// Where a file begins that no cursor knows and that is there at the start. What appears later is always read from
/// its beginning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    Beginning,
    /// At its end: what was written before is not judged.
    End,
}

/// Where an earlier run ended.
#[derive(Clone, Debug)]
pub struct Earlier {
    /// Where each file goes on.
    pub places: Vec<Place>,
    /// When it looked for files the last time. A file next to a named log, whose name begins with the log's and which
    /// was written later, is read too: the log was rotated while pgvigil did not run.
    pub at: SystemTime,
}

/// A file, as long as it is followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key(u64);

/// Whole entries that were read.
#[derive(Debug)]
pub struct Chunk<'a> {
    pub key: Key,
    /// Where it lies now.
    pub path: &'a Path,
    pub piece: Piece<'a>,
    pub before: Place,
    /// Where the file goes on once they are dealt with.
    pub after: Place,
    /// Entries before this byte were dealt with in an earlier run, by all but the slowest.
    pub written: Option<u64>,
}

/// Why something is not followed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trouble {
    pub path: PathBuf,
    pub what: String,
}

/// How many files there are of each kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FileCounts {
    /// Read to their end again and again.
    pub followed: u64,
    /// No log in PostgreSQL's text form.
    pub unread: u64,
}

#[derive(Debug)]
pub struct Follower {
    targets: Vec<Target>,
    options: Options,
    start: Start,
    files: Vec<Followed>,
    /// Places of files that have not been found again: those of an earlier run, and of truncated files.
    remembered: Vec<Remembered>,
    /// Files that are no logs, so that each is told once.
    unread: BTreeMap<Inode, NoLog>,
    /// Files that were found and have no descriptor yet, and whether they were there at the start.
    pending: BTreeMap<Inode, Pending>,
    /// Files that were closed, have changed since and wait for a descriptor.
    unopened: usize,
    notices: Vec<Notice>,
    troubles: Vec<Trouble>,
    /// The file whose turn it is, as an index.
    turn: usize,
    next_key: u64,
    wall: SystemTime,
    /// When the earlier run looked for files the last time.
    since: Option<SystemTime>,
    has_looked: bool,
    is_ending: bool,
    /// When it was last asked for entries.
    asked: Option<Instant>,
}

/// A file that is no log, as it was when that was found.
#[derive(Clone, Debug)]
struct NoLog {
    path: PathBuf,
    size: u64,
    modified: SystemTime,
    what: Unread,
}

impl NoLog {
    fn new(file: &Followed, what: Unread) -> Self {
        Self {
            path: file.path.clone(),
            size: file.size(),
            modified: file.modified,
            what,
        }
    }
}

/// A file that waits for a descriptor.
#[derive(Clone, Copy, Debug)]
struct Pending {
    size: u64,
    was_at_start: bool,
}

#[derive(Debug)]
struct Remembered {
    place: Place,
    /// When it was put here, for one that is forgotten in the end.
    since: Option<Instant>,
}

impl Follower {
    /// Follows what the paths name: files, folders, and patterns such as `log/postgresql-*.log`. After an earlier run,
    /// every file that it does not name is read from its beginning.
    ///
    /// # Errors If a pattern is not valid.
    pub fn new(
        paths: &[PathBuf],
        options: Options,
        start: Start,
        earlier: Option<Earlier>,
    ) -> Result<Self, glob::PatternError> {
        let targets = paths
            .iter()
            .map(|path| Target::new(path))
            .collect::<Result<Vec<_>, _>>()?;
        let start = if earlier.is_some() {
            Start::Beginning
        } else {
            start
        };
        let mut follower = Self {
            targets,
            options,
            start,
            files: Vec::new(),
            remembered: Vec::new(),
            unread: BTreeMap::new(),
            pending: BTreeMap::new(),
            unopened: 0,
            notices: Vec::new(),
            troubles: Vec::new(),
            turn: 0,
            next_key: 1,
            wall: SystemTime::UNIX_EPOCH,
            since: earlier.as_ref().map(|earlier| earlier.at),
            has_looked: false,
            is_ending: false,
            asked: None,
        };
        if let Some(earlier) = earlier {
            follower.remembered = earlier
                .places
                .into_iter()
                .map(|place| Remembered { place, since: None })
                .collect();
        }
        Ok(follower)
    }

    /// Looks for files: new ones, renamed ones, those that have gone. To be called about once a second, and before
    /// the first [`Follower::next`]. Both arguments say what time it is; `wall` is compared with what the files say.
    pub fn look(&mut self, now: Instant, wall: SystemTime) {
        self.wall = wall;
        let mut troubles = Vec::new();
        let mut candidates: Vec<Candidate> = Vec::new();
        let is_first = !self.has_looked;
        for target in &mut self.targets {
            target.list(&mut candidates, &mut troubles, is_first, self.since);
        }
        let mut seen = BTreeSet::new();
        candidates.retain(|candidate| seen.insert(candidate.inode));
        let by_inode: BTreeMap<Inode, &Candidate> = candidates
            .iter()
            .map(|candidate| (candidate.inode, candidate))
            .collect();
        self.unread.retain(|inode, no_log| {
            // If the inode belongs to another file now, that file is inspected again.
            by_inode.get(inode).is_some_and(|found| {
                no_log.modified = found.modified;
                found.path == no_log.path && found.size >= no_log.size
            })
        });

        let known: BTreeSet<Inode> = self.files.iter().map(Followed::inode).collect();
        let mut unopened: Vec<&Candidate> = candidates
            .iter()
            .filter(|candidate| {
                !known.contains(&candidate.inode) && !self.unread.contains_key(&candidate.inode)
            })
            .collect();
        // What was written first is opened first.
        unopened.sort_by(|a, b| (a.modified, &a.path).cmp(&(b.modified, &b.path)));
        let changed = |file: &&Followed| {
            let found = by_inode.get(&file.inode());
            found.is_some_and(|candidate| file.must_be_opened(candidate))
        };
        let grown = self.files.iter().filter(changed).count();
        let mut room = self.make_room(unopened.len() + grown);
        for file in &mut self.files {
            match by_inode.get(&file.inode()) {
                Some(candidate) => file.is_at(candidate, &mut room),
                None => file.is_left = true,
            }
        }
        let waits = |file: &&Followed| changed(file) && file.trouble.is_none();
        self.unopened = self.files.iter().filter(waits).count();
        let mut fresh = Vec::new();
        let mut waiting = BTreeMap::new();
        for candidate in unopened {
            let was_at_start = match self.pending.get(&candidate.inode) {
                Some(pending) => pending.was_at_start,
                None => is_first,
            };
            if room == 0 {
                let size = candidate.size;
                waiting.insert(candidate.inode, Pending { size, was_at_start });
            } else {
                match Followed::open(candidate, now, wall) {
                    Ok(file) => {
                        room -= 1;
                        let what = Unread::of(file.head());
                        let Some(what) = what else {
                            fresh.push((file, was_at_start));
                            continue;
                        };
                        room += 1;
                        self.unread.insert(candidate.inode, NoLog::new(&file, what));
                        // What a rotation leaves beside a log that is named is no concern.
                        if !candidate.is_sibling {
                            let path = candidate.path.clone();
                            self.notices.push(Notice::Unread { path, what });
                        }
                    }
                    Err(error) => troubles.push(Trouble {
                        path: candidate.path.clone(),
                        what: format!("cannot be opened: {error}"),
                    }),
                }
            }
        }
        // Older logs first: what a server wrote first is handed on first.
        fresh.sort_by_cached_key(|(file, _)| file.age());
        self.pending = waiting;
        for (file, was_at_start) in fresh {
            self.take(file, was_at_start);
        }
        if !self.has_looked {
            self.find_left(now);
        }
        self.retire(now);
        self.remembered.retain(|remembered| {
            remembered
                .since
                .is_none_or(|since| now.duration_since(since) < self.options.idle)
        });
        let unread: Vec<_> = self.unread.values().cloned().collect();
        target::unlike(&self.targets, &self.files, &unread, &mut troubles);
        for file in &self.files {
            if let Some(what) = &file.trouble {
                troubles.push(Trouble {
                    path: file.path.clone(),
                    what: what.clone(),
                });
            }
        }
        self.tell(troubles);
        self.has_looked = true;
    }

    /// Closes files that are read, as far as others wait for a descriptor. Says how many can be opened.
    fn make_room(&mut self, wanted: usize) -> usize {
        let most = self.options.open_files;
        let mut open = self.files.iter().filter(|file| file.is_open()).count();
        let wanted = wanted.min(most);
        let turn = self.turn;
        for (_, file) in self
            .files
            .iter_mut()
            .enumerate()
            .filter(|(at, _)| *at != turn)
        {
            if open + wanted <= most {
                break;
            }
            if file.is_open() && file.can_be_closed() {
                file.close();
                open -= 1;
            }
        }
        most.saturating_sub(open)
    }

    /// Begins to follow a file that was not followed before.
    fn take(&mut self, mut file: Followed, was_at_start: bool) {
        let known = self
            .remembered
            .iter()
            .position(|known| known.since.is_none() && file.continues(&known.place, true));
        if let Some(known) = known {
            let known = self.remembered.swap_remove(known);
            file.resume(&known.place);
            self.notices.push(Notice::Resumed {
                path: file.path.clone(),
                offset: file.place.offset,
            });
        } else if was_at_start && self.start == Start::End {
            if let Err(error) = file.go_to_end() {
                file.trouble = Some(format!("cannot be read: {error}"));
            }
            self.notices.push(Notice::FromEnd {
                path: file.path.clone(),
                offset: file.place.offset,
            });
        } else {
            self.notices.push(Notice::FromBeginning {
                path: file.path.clone(),
            });
        }
        self.insert(self.turn_of(&file), file);
    }

    /// The position of a file among the others: after older ones, before younger ones of which nothing has been
    /// handed on, and before empty ones, which get their position when their first bytes arrive.
    fn turn_of(&self, file: &Followed) -> usize {
        let age = file.age();
        let older = self
            .files
            .iter()
            .rposition(|other| other.has_head() && other.age() < age)
            .map_or(0, |older| older + 1);
        self.files
            .iter()
            .skip(older)
            .position(|other| other.is_untouched())
            .map_or(self.files.len(), |younger| older + younger)
    }

    fn insert(&mut self, at: usize, mut file: Followed) {
        file.key = Key(self.next_key);
        self.next_key += 1;
        self.files.insert(at.min(self.files.len()), file);
    }

    /// Looks next to the places of an earlier run for files that were renamed since, and reports the missing ones.
    fn find_left(&mut self, now: Instant) {
        let mut left: Vec<Followed> = Vec::new();
        for known in std::mem::take(&mut self.remembered) {
            let place = known.place;
            // It has its turn.
            if self.pending.contains_key(&place.inode()) {
                self.remembered.push(Remembered { place, since: None });
                continue;
            }
            // A copy that goes on already, and of which something earlier waited for the webhook.
            let copy = self
                .files
                .iter_mut()
                .filter(|file| !file.is_untouched())
                .chain(&mut left)
                .find(|file: &&mut Followed| file.continues(&place, false));
            if let Some(copy) = copy {
                if place.offset < copy.place.offset {
                    let done = copy.place.written.unwrap_or(0).max(copy.place.offset);
                    copy.resume(&Place {
                        written: Some(done),
                        ..place
                    });
                }
                continue;
            }
            // On another device or restored, and found already: told when it is recognised.
            if self.is_awaited(&place) {
                self.remembered.push(Remembered {
                    place,
                    since: Some(now),
                });
                continue;
            }
            let found = target::beside(Path::new(&place.path))
                .into_iter()
                .filter(|candidate| !self.files.iter().any(|f| f.inode() == candidate.inode))
                .filter_map(|candidate| Followed::open(&candidate, now, self.wall).ok())
                // By its number alone where it was empty when its place was noted.
                .find(|file| file.continues(&place, true) || file.continues(&place, false));
            if let Some(mut file) = found {
                file.resume(&place);
                file.is_left = true;
                self.notices.push(Notice::Renamed {
                    path: file.path.clone(),
                    was: PathBuf::from(&place.path),
                    offset: place.offset,
                });
                left.push(file);
            } else {
                self.notices.push(Notice::Gone {
                    path: PathBuf::from(&place.path),
                    offset: place.offset,
                });
                self.remembered.push(Remembered {
                    place,
                    since: Some(now),
                });
            }
        }
        // Their content is older than that of the files which now have their names.
        left.sort_by_cached_key(Followed::age);
        for (at, file) in left.into_iter().enumerate() {
            self.insert(at, file);
        }
    }

    /// Leaves files that are no longer where they were and have ended; closes those that have not grown for long.
    fn retire(&mut self, now: Instant) {
        let idle = self.options.idle;
        let mut left = Vec::new();
        self.files.retain(|file| {
            let is_over =
                file.is_left && file.is_at_end() && now.duration_since(file.grown) >= idle;
            if is_over {
                left.push(file.place.clone());
                for target in &mut self.targets {
                    target.is_done_with(file);
                }
            }
            !is_over
        });
        for place in left {
            self.remembered.push(Remembered {
                place,
                since: Some(now),
            });
        }
        for file in &mut self.files {
            if file.is_at_end() && now.duration_since(file.grown) >= idle {
                file.close();
            }
        }
        self.turn = 0;
    }

    /// The next entries, or `None` if there are none for now. Returns the same entries until [`Follower::settle`] is
    /// called.
    pub fn next(&mut self, now: Instant) -> Option<Chunk<'_>> {
        self.leave_out_pauses(now);
        loop {
            let Some(file) = self.files.get(self.turn) else {
                self.turn = 0;
                for file in &mut self.files {
                    file.limit = None;
                }
                // Those that are read make room for those that wait.
                let before = self.pending.len() + self.unopened;
                if before > 0 && self.make_room(before) > 0 {
                    self.look(now, self.wall);
                    if self.pending.len() + self.unopened < before {
                        continue;
                    }
                }
                return None;
            };
            if file.handed.is_some() {
                break;
            }
            if file.is_untouched() {
                let has_head = file.has_head();
                if self.must_wait(self.turn, now) {
                    self.turn += 1;
                    continue;
                }
                if has_head && self.recognise(self.turn, now) {
                    continue;
                }
            }
            let is_ending = self.is_ending;
            let file = self.files.get_mut(self.turn)?;
            let key = file.key;
            match file.advance(now, &self.options, is_ending) {
                Step::Handed => break,
                Step::Nothing => self.turn += 1,
                Step::More => {}
                // A file that appeared next to it might be older.
                Step::Began => {
                    self.look(now, self.wall);
                    if let Some(at) = self.files.iter().position(|file| file.key == key) {
                        let file = self.files.remove(at);
                        let at = self.turn_of(&file);
                        self.files.insert(at, file);
                    }
                }
                Step::Truncated => self.truncated(key, now),
                Step::Unread(what) => {
                    let path = file.path.clone();
                    self.unread.insert(file.inode(), NoLog::new(file, what));
                    self.files.remove(self.turn);
                    // So that an argument that is no log is a trouble at once.
                    self.look(now, self.wall);
                    self.notices.push(Notice::Unread { path, what });
                }
            }
        }
        self.files.get(self.turn).and_then(Followed::chunk)
    }

    /// If the caller pauses, because its output is full, no file can reach its end. Such a pause does not count as
    /// waiting.
    fn leave_out_pauses(&mut self, now: Instant) {
        let pause = self
            .asked
            .map_or(Duration::ZERO, |asked| now.saturating_duration_since(asked));
        if pause >= self.options.quiet {
            for file in &mut self.files {
                file.waits = file.waits.map(|since| since + pause);
            }
        }
        self.asked = Some(now);
    }

    /// The entries of the last [`Follower::next`] were dealt with.
    pub fn settle(&mut self) {
        if let Some(file) = self.files.get_mut(self.turn) {
            file.settle(self.options.chunk_bytes);
        }
    }

    /// A file that begins waits for the end of the one before it, but never for long: it may be another server's.
    fn must_wait(&mut self, turn: usize, now: Instant) -> bool {
        let has_unended = self
            .files
            .iter()
            .take(turn)
            .any(|before| !before.is_at_end() && before.trouble.is_none());
        let Some(file) = self.files.get_mut(turn) else {
            return false;
        };
        if !has_unended {
            file.waits = None;
            return false;
        }
        let since = *file.waits.get_or_insert(now);
        now.saturating_duration_since(since) < self.options.quiet * 10
    }

    /// Whether a file that is about to be read from its beginning is a copy of one that was read: then it goes on
    /// where that one ended, or waits as long as that one goes on itself.
    fn recognise(&mut self, turn: usize, now: Instant) -> bool {
        let Some(file) = self.files.get(turn) else {
            return false;
        };
        // A file that waits for its turn does not notice that it was truncated, and this file might contain its
        // former content.
        let was = self.files.iter().enumerate().find(|(at, other)| {
            *at != turn
                && other.has_head()
                && file.head().starts_with(other.head())
                && other.is_replaced()
                && file.continues(&other.place, false)
        });
        if let Some((_, was)) = was {
            let key = was.key;
            self.truncated(key, now);
            return true;
        }
        let known = self
            .remembered
            .iter()
            .position(|known| file.continues(&known.place, false));
        if let Some(known) = known {
            let known = self.remembered.swap_remove(known);
            if let Some(file) = self.files.get_mut(turn) {
                // What is known to be written of the copy itself is not written again.
                file.resume(&Place {
                    written: known.place.written.max(file.place.written),
                    ..known.place.clone()
                });
                self.notices.push(Notice::Copied {
                    path: file.path.clone(),
                    was: PathBuf::from(&known.place.path),
                    offset: known.place.offset,
                });
            }
            return true;
        }
        // Of two files with the same content, the one that was read further is the log, otherwise the first.
        let is_copy = self.files.iter().enumerate().any(|(at, other)| {
            let is_log = (other.stage(), turn) > (file.stage(), at);
            at != turn && is_log && file.is_copy_of(other)
        });
        if is_copy {
            if let Some(file) = self.files.get_mut(turn) {
                file.is_copy = true;
            }
            self.turn += 1;
        }
        is_copy
    }

    /// A file holds less than was read of it, or something else: it was truncated. A copy of what it held is looked
    /// for, to read what came before the truncation and was not yet read.
    fn truncated(&mut self, key: Key, now: Instant) {
        // What was copied since is older than what the file holds now.
        self.look(now, self.wall);
        let Some(at) = self.files.iter().position(|file| file.key == key) else {
            return;
        };
        let mut file = self.files.remove(at);
        let place = file.place.clone();
        let found = self.files.iter_mut().find(|copy| {
            copy.continues(&place, false) && (copy.is_untouched() || copy.holds(&file))
        });
        let mut copy_path = None;
        if let Some(copy) = found {
            // A copy that was found earlier, while this file waited for its turn, has already handed on the lines
            // held back here.
            if copy.is_untouched() {
                copy.resume(&place);
            }
            copy_path = Some(copy.path.clone());
        } else {
            let copy = target::beside(&file.path)
                .into_iter()
                .filter(|candidate| candidate.inode != place.inode())
                .filter(|candidate| !self.files.iter().any(|f| f.inode() == candidate.inode))
                .filter_map(|candidate| Followed::open(&candidate, now, self.wall).ok())
                .find(|copy| copy.continues(&place, false));
            if let Some(mut copy) = copy {
                copy.resume(&place);
                copy.is_left = true;
                copy_path = Some(copy.path.clone());
                self.insert(0, copy);
            }
        }
        if copy_path.is_none() && !file.is_flushed && file.hand_on_lines() {
            // There is no copy, so no other file contains the lines that are held back.
            file.is_flushed = true;
            self.files.insert(at, file);
            self.turn = at;
            return;
        }
        self.notices.push(Notice::Truncated {
            path: file.path.clone(),
            offset: place.offset,
            copy: copy_path.clone(),
        });
        if copy_path.is_none() {
            self.remembered.push(Remembered {
                place,
                since: Some(now),
            });
        }
        file.begin_again();
        // The new content is younger than the copies of the old one, so the file goes to the end, with a new key.
        self.insert(self.files.len(), file);
        self.turn = 0;
    }

    /// From now on the last entry of a file is complete as soon as the file has been quiet: nothing more is expected.
    pub fn end(&mut self) {
        self.is_ending = true;
    }

    /// Whether everything that can be read was handed on.
    pub fn is_at_end(&self) -> bool {
        let mut files = self.files.iter();
        self.pending.is_empty()
            && self.unopened == 0
            && files.all(|file| file.is_at_end() || file.trouble.is_some())
    }

    /// What happened since the last call.
    pub fn notices(&mut self) -> Vec<Notice> {
        std::mem::take(&mut self.notices)
    }

    /// What the clock said when files were last looked for.
    pub fn looked(&self) -> SystemTime {
        self.wall
    }

    /// What is not followed at the moment, and why.
    pub fn troubles(&self) -> &[Trouble] {
        &self.troubles
    }

    /// Where each file goes on.
    pub fn places(&self) -> impl Iterator<Item = (Key, &Place)> {
        self.files.iter().map(|file| (file.key, &file.place))
    }

    /// Places of former files that copies will go on at, which have not begun.
    pub fn places_awaited(&self) -> impl Iterator<Item = &Place> {
        self.remembered
            .iter()
            .map(|known| &known.place)
            .filter(|place| self.is_awaited(place) || self.pending.contains_key(&place.inode()))
    }

    /// Whether a file of which nothing was handed on is the copy of what a place was noted in.
    fn is_awaited(&self, place: &Place) -> bool {
        self.files
            .iter()
            .any(|file| file.is_untouched() && file.continues(place, false))
    }

    /// Bytes that were written and not handed on.
    pub fn bytes_behind(&self) -> u64 {
        let waiting = self.pending.values().map(|pending| pending.size);
        self.files.iter().map(Followed::behind).chain(waiting).sum()
    }

    /// How many files there are.
    pub fn counts(&self) -> FileCounts {
        let count = |number: usize| u64::try_from(number).unwrap_or(u64::MAX);
        FileCounts {
            followed: count(self.files.len() + self.pending.len()),
            unread: count(self.unread.len()),
        }
    }

    fn tell(&mut self, troubles: Vec<Trouble>) {
        for trouble in &troubles {
            if !self.troubles.contains(trouble) {
                self.notices.push(Notice::Trouble(trouble.clone()));
            }
        }
        for trouble in &self.troubles {
            if !troubles.iter().any(|now| now.path == trouble.path) {
                self.notices.push(Notice::Mended {
                    path: trouble.path.clone(),
                });
            }
        }
        self.troubles = troubles;
    }
}

#[cfg(test)]
mod tests;
