//! The arguments: a file, a folder or a pattern, and the files that it means now.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, Metadata};
use std::io;
use std::os::unix::fs::{FileExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use super::Trouble;
use super::file::Followed;
use super::place::{HEAD, Inode};

/// A file that is written this much later than another is what the server writes now.
const LATER: Duration = Duration::from_secs(60);
/// Files of one folder that are looked at, at most: a folder with more is no folder of logs.
const FILES_MAX: usize = 10_000;

#[derive(Debug)]
pub(super) enum Target {
    /// A file or a folder, which is checked each time; with the files that were next to it at the start.
    Path(PathBuf, Siblings),
    /// Files whose names it says.
    Pattern(PathBuf, String),
}

/// A file as the file system lists it.
#[derive(Clone, Debug)]
pub(super) struct Candidate {
    pub(super) path: PathBuf,
    pub(super) inode: Inode,
    pub(super) size: u64,
    pub(super) modified: SystemTime,
    /// Whether it was found beside a file that is named: that file was rotated into it.
    pub(super) is_sibling: bool,
}

impl Candidate {
    pub(super) fn new(path: &Path, data: &Metadata) -> Self {
        Self {
            path: path.to_owned(),
            inode: Inode {
                device: data.dev(),
                inode: data.ino(),
            },
            size: data.len(),
            modified: modified(data),
            is_sibling: false,
        }
    }
}

/// When a file was written last; long ago where the file system does not say.
pub(super) fn modified(data: &Metadata) -> SystemTime {
    data.modified().unwrap_or(SystemTime::UNIX_EPOCH)
}

/// Files beside one that is named, whose names begin with its own: `postgresql.log.1`, `postgresql.log-20261122`. Those
/// that were there from the first are older logs; the others are what it was rotated into.
#[derive(Debug, Default)]
pub(super) struct Siblings(BTreeMap<Inode, Sibling>);

/// A sibling that was there from the first.
#[derive(Debug)]
struct Sibling {
    size: u64,
    modified: SystemTime,
    head: Vec<u8>,
}

impl Siblings {
    /// Adds the new ones. `since` is when an earlier run ended: what was written later is new too.
    fn list(
        &mut self,
        path: &Path,
        is_first: bool,
        since: Option<SystemTime>,
        candidates: &mut Vec<Candidate>,
    ) {
        let name = path.file_name().unwrap_or_default().as_encoded_bytes();
        let mut present = BTreeSet::new();
        for mut sibling in beside(path) {
            let other = sibling.path.file_name().unwrap_or_default();
            let ending = other.as_encoded_bytes().strip_prefix(name);
            if !matches!(ending, Some([b'.' | b'-', ..])) {
                continue;
            }
            present.insert(sibling.inode);
            let is_old = match self.0.get_mut(&sibling.inode) {
                // The number may be another file's by now.
                Some(known) => known.is(&sibling),
                None => is_first && since.is_none_or(|since| sibling.modified < since),
            };
            if is_old {
                self.0
                    .entry(sibling.inode)
                    .or_insert_with(|| Sibling::new(&sibling));
            } else {
                self.0.remove(&sibling.inode);
                sibling.is_sibling = true;
                candidates.push(sibling);
            }
        }
        self.0.retain(|inode, _| present.contains(inode));
    }
}

impl Sibling {
    fn new(candidate: &Candidate) -> Self {
        Self {
            size: candidate.size,
            modified: candidate.modified,
            head: head_of(&candidate.path),
        }
    }

    /// Whether a file is still this one.
    fn is(&mut self, candidate: &Candidate) -> bool {
        if (candidate.size, candidate.modified) != (self.size, self.modified) {
            let now = Self::new(candidate);
            if now.head.is_empty() || !now.head.starts_with(&self.head) {
                return false;
            }
            *self = now;
        }
        true
    }
}

fn head_of(path: &Path) -> Vec<u8> {
    let mut head = vec![0; HEAD];
    let count = fs::File::open(path).and_then(|file| file.read_at(&mut head, 0));
    head.truncate(count.unwrap_or_default());
    head
}

impl Target {
    pub(super) fn new(path: &Path) -> Result<Self, glob::PatternError> {
        match path.to_str() {
            Some(text) if text.contains(['*', '?', '[']) && !path.exists() => {
                glob::Pattern::new(text)?;
                Ok(Self::Pattern(path.to_owned(), text.to_owned()))
            }
            _ => Ok(Self::Path(path.to_owned(), Siblings::default())),
        }
    }

    /// Notes that a file is an older log from here on.
    pub(super) fn is_done_with(&mut self, file: &Followed) {
        if let Self::Path(_, Siblings(known)) = self {
            let sibling = Sibling {
                size: file.size(),
                modified: file.modified,
                head: file.head().to_vec(),
            };
            known.insert(file.inode(), sibling);
        }
    }

    /// Adds the files that it means now, or why there are none.
    pub(super) fn list(
        &mut self,
        candidates: &mut Vec<Candidate>,
        troubles: &mut Vec<Trouble>,
        is_first: bool,
        since: Option<SystemTime>,
    ) {
        let before = candidates.len();
        let mut trouble = |path: &Path, what: String| {
            troubles.push(Trouble {
                path: path.to_owned(),
                what,
            });
        };
        match self {
            Self::Path(path, siblings) => match fs::metadata(&*path) {
                Ok(data) if data.is_dir() => match files_in(path) {
                    Ok((files, is_whole)) => {
                        candidates.extend(files);
                        if !is_whole {
                            trouble(
                                path,
                                format!(
                                    "the folder contains more than {FILES_MAX} files, and the others are not \
                                     followed: move old logs away, or use a pattern"
                                ),
                            );
                        }
                        if candidates.len() == before {
                            trouble(path, "the folder contains no files".to_owned());
                        }
                    }
                    Err(error) => trouble(path, format!("the folder cannot be listed: {error}")),
                },
                Ok(data) if data.is_file() => {
                    candidates.push(Candidate::new(path, &data));
                    siblings.list(path, is_first, since, candidates);
                }
                Ok(_) => trouble(path, "is neither a file nor a folder".to_owned()),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    trouble(path, "does not exist".to_owned());
                    siblings.list(path, is_first, since, candidates);
                }
                Err(error) => trouble(path, format!("cannot be inspected: {error}")),
            },
            Self::Pattern(path, pattern) => {
                let mut failed = false;
                // A pattern that could be read once can be read again.
                for found in glob::glob(pattern).into_iter().flatten().take(FILES_MAX) {
                    match found {
                        Ok(found) => {
                            if let Ok(data) = fs::metadata(&found)
                                && data.is_file()
                            {
                                candidates.push(Candidate::new(&found, &data));
                            }
                        }
                        Err(error) => {
                            failed = true;
                            trouble(error.path(), format!("cannot be listed: {}", error.error()));
                        }
                    }
                }
                if candidates.len() == before && !failed {
                    trouble(path, "no file matches".to_owned());
                }
            }
        }
    }
}

/// The files of a folder, in the order of their names, and whether these are all. What cannot be looked at has gone between two calls.
fn files_in(folder: &Path) -> io::Result<(Vec<Candidate>, bool)> {
    let mut files = Vec::new();
    let mut entries = fs::read_dir(folder)?;
    for entry in entries.by_ref().take(FILES_MAX) {
        let path = entry?.path();
        if let Ok(data) = fs::metadata(&path)
            && data.is_file()
        {
            files.push(Candidate::new(&path, &data));
        }
    }
    files.sort_by(|a, b| a.path.cmp(&b.path));
    Ok((files, entries.next().is_none()))
}

/// The files in the folder of a file, for one that was renamed or copied.
pub(super) fn beside(path: &Path) -> Vec<Candidate> {
    let folder = match path.parent() {
        Some(folder) if folder.as_os_str().is_empty() => Path::new("."),
        Some(folder) => folder,
        None => return Vec::new(),
    };
    files_in(folder).map(|(files, _)| files).unwrap_or_default()
}

/// Reports where the server writes now, if that file is not followed: a later file next to the named one, or a log in
/// an unsupported format.
pub(super) fn unlike(
    targets: &[Target],
    files: &[Followed],
    unread: &[super::NoLog],
    troubles: &mut Vec<Trouble>,
) {
    for target in targets {
        let Target::Path(path, _) = target else {
            continue;
        };
        if let Some(no_log) = unread.iter().find(|no_log| no_log.path == *path) {
            troubles.push(Trouble {
                path: path.clone(),
                what: no_log.what.to_string(),
            });
            continue;
        }
        let Some(file) = files
            .iter()
            .find(|file| file.path == *path && !file.is_left)
        else {
            continue;
        };
        let shape = shape(path);
        // A name without digits has no successor.
        if !shape.contains('0') {
            continue;
        }
        let later = beside(path).into_iter().find(|other| {
            self::shape(&other.path) == shape
                && other.modified > file.modified + LATER
                && !files
                    .iter()
                    .any(|file| file.inode() == other.inode && !file.is_left)
        });
        if let Some(later) = later {
            troubles.push(Trouble {
                path: path.clone(),
                what: format!(
                    "the server now writes to {}: follow the folder, or a pattern in quotes",
                    later.path.display()
                ),
            });
        }
    }
    for super::NoLog {
        path,
        modified,
        what,
        ..
    } in unread
    {
        let is_followed_too = files
            .iter()
            .any(|file| file.path.parent() == path.parent() && file.modified + LATER >= *modified);
        if what.is_log()
            && !is_followed_too
            && !troubles.iter().any(|trouble| trouble.path == *path)
        {
            troubles.push(Trouble {
                path: path.clone(),
                what: what.to_string(),
            });
        }
    }
}

/// The name of a file with each run of digits as one `0`: what `log_filename` makes of two times is alike.
fn shape(path: &Path) -> String {
    let mut shape = String::new();
    for character in path
        .file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .chars()
    {
        if !character.is_ascii_digit() {
            shape.push(character);
        } else if !shape.ends_with('0') {
            shape.push('0');
        }
    }
    shape
}
