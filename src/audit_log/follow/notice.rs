//! What happens to the files that are followed, told once.

use std::fmt;
use std::path::PathBuf;

use super::Trouble;
use super::kind::Unread;

/// Something that whoever runs the watcher should read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Notice {
    /// A file is read from its beginning.
    FromBeginning {
        /// The file.
        path: PathBuf,
    },
    /// A file is read from its end: its present content is not judged.
    FromEnd {
        /// The file.
        path: PathBuf,
        /// Where that is.
        offset: u64,
    },
    /// A file goes on where an earlier run ended.
    Resumed {
        /// The file.
        path: PathBuf,
        /// Where that is.
        offset: u64,
    },
    /// The same, of a file that has another name by now.
    Renamed {
        /// The file.
        path: PathBuf,
        /// Its earlier name.
        was: PathBuf,
        /// Where it goes on.
        offset: u64,
    },
    /// A file is a copy of one that was read, and goes on where that one ended.
    Copied {
        /// The copy.
        path: PathBuf,
        /// What it is a copy of.
        was: PathBuf,
        /// Where it goes on.
        offset: u64,
    },
    /// A file was truncated.
    Truncated {
        /// The file.
        path: PathBuf,
        /// How far it had been read.
        offset: u64,
        /// A copy of what it held, which is read to its end.
        copy: Option<PathBuf>,
    },
    /// A file that a cursor knows is neither where it was nor beside it.
    Gone {
        /// The file.
        path: PathBuf,
        /// How far it had been read.
        offset: u64,
    },
    /// A file is no log that can be followed.
    Unread {
        /// The file.
        path: PathBuf,
        /// What it is.
        what: Unread,
    },
    /// Something is not followed.
    Trouble(Trouble),
    /// It is followed again.
    Mended {
        /// The log.
        path: PathBuf,
    },
}

impl Notice {
    /// Whether entries may have been lost, or are not read now.
    pub fn is_warning(&self) -> bool {
        matches!(
            self,
            Self::Gone { .. } | Self::Trouble(_) | Self::Truncated { copy: None, .. }
        )
    }
}

impl fmt::Display for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::FromBeginning { path } => {
                write!(f, "{}: read from its beginning", path.display())
            }
            Self::FromEnd { path, offset } => write!(
                f,
                "{}: read from its end, byte {offset}; its present content is not judged",
                path.display()
            ),
            Self::Resumed { path, offset } => {
                write!(f, "{}: goes on at byte {offset}", path.display())
            }
            Self::Renamed { path, was, offset } => write!(
                f,
                "{}: was {}, goes on at byte {offset}",
                path.display(),
                was.display()
            ),
            Self::Copied { path, was, offset } => write!(
                f,
                "{}: a copy of {}, goes on at byte {offset}",
                path.display(),
                was.display()
            ),
            Self::Truncated {
                path,
                offset,
                copy: Some(copy),
            } => write!(
                f,
                "{}: truncated; the rest of its old content is read from its copy {} at byte {offset}",
                path.display(),
                copy.display()
            ),
            Self::Truncated {
                path,
                offset,
                copy: None,
            } => write!(
                f,
                "{}: truncated without a copy next to it: the bytes from {offset} up to the truncation are not judged",
                path.display()
            ),
            Self::Gone { path, offset } => write!(
                f,
                "{}: gone, and no other file in the folder has its content: the bytes after {offset} are not judged",
                path.display()
            ),
            Self::Unread { path, what } => write!(f, "{}: {what}", path.display()),
            Self::Trouble(trouble) => write!(
                f,
                "{}: {}; tried again until it works",
                trouble.path.display(),
                trouble.what
            ),
            Self::Mended { path } => write!(f, "{}: works again", path.display()),
        }
    }
}
