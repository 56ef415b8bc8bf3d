//! What is to be followed: a file, a folder or a pattern, and the files that this means now.

use std::fs::{self, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use super::Trouble;
use super::file::Followed;
use super::place::Inode;

/// A file that is written this much later than another is what the server writes now.
const LATER: Duration = Duration::from_secs(60);
/// Files of one folder that are looked at, at most: a folder with more is no folder of logs.
const FILES_MAX: usize = 10_000;

/// An argument.
#[derive(Clone, Debug)]
pub(super) enum Target {
    /// A file or a folder: which, is seen anew each time.
    Path(PathBuf),
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
            modified: data.modified().unwrap_or(SystemTime::UNIX_EPOCH),
        }
    }
}

impl Target {
    pub(super) fn new(path: &Path) -> Result<Self, glob::PatternError> {
        match path.to_str() {
            Some(text) if text.contains(['*', '?', '[']) && !path.exists() => {
                glob::Pattern::new(text)?;
                Ok(Self::Pattern(path.to_owned(), text.to_owned()))
            }
            _ => Ok(Self::Path(path.to_owned())),
        }
    }

    /// Adds the files that it means now, or why there are none.
    pub(super) fn list(&self, candidates: &mut Vec<Candidate>, troubles: &mut Vec<Trouble>) {
        let before = candidates.len();
        let mut trouble = |path: &Path, what: String| {
            troubles.push(Trouble {
                path: path.to_owned(),
                what,
            });
        };
        match self {
            Self::Path(path) => match fs::metadata(path) {
                Ok(data) if data.is_dir() => match files_in(path) {
                    Ok(files) => {
                        candidates.extend(files);
                        if candidates.len() == before {
                            trouble(path, "the folder holds no files".to_owned());
                        }
                    }
                    Err(error) => trouble(path, format!("the folder cannot be listed: {error}")),
                },
                Ok(data) if data.is_file() => candidates.push(Candidate::new(path, &data)),
                Ok(_) => trouble(path, "is neither a file nor a folder".to_owned()),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    trouble(path, "does not exist".to_owned());
                }
                Err(error) => trouble(path, format!("cannot be looked at: {error}")),
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
                    trouble(path, "no file has such a name".to_owned());
                }
            }
        }
    }
}

/// The files of a folder, in the order of their names. What cannot be looked at has gone between two calls.
fn files_in(folder: &Path) -> io::Result<Vec<Candidate>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)?.take(FILES_MAX) {
        let path = entry?.path();
        if let Ok(data) = fs::metadata(&path)
            && data.is_file()
        {
            files.push(Candidate::new(&path, &data));
        }
    }
    files.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(files)
}

/// The files in the folder of a file, for one that was renamed or copied.
pub(super) fn beside(path: &Path) -> Vec<Candidate> {
    let folder = match path.parent() {
        Some(folder) if folder.as_os_str().is_empty() => Path::new("."),
        Some(folder) => folder,
        None => return Vec::new(),
    };
    files_in(folder).unwrap_or_default()
}

/// Tells where the server writes by now, if it is not what is followed: a later file beside one that was named, or a
/// log in a form that is not read.
pub(super) fn unlike(
    targets: &[Target],
    files: &[Followed],
    unread: &[super::NoLog],
    troubles: &mut Vec<Trouble>,
) {
    for target in targets {
        let Target::Path(path) = target else { continue };
        if let Some(no_log) = unread.iter().find(|no_log| no_log.path == *path) {
            troubles.push(Trouble {
                path: path.clone(),
                what: no_log.what.to_string(),
            });
            continue;
        }
        let Some(file) = files.iter().find(|file| file.path == *path && !file.is_left) else {
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
                    "the server writes {} by now: follow the folder, or a pattern in quotes",
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
