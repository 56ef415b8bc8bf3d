//! What happens to the files that are followed, told once.

use std::fmt;
use std::path::PathBuf;

use super::Trouble;
use super::kind::Unread;

/// An event that the operator of the watcher should know about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Notice {
    /// A file is read from its beginning.
    FromBeginning { path: PathBuf },
    /// A file is read from its end: its present content is not judged.
    FromEnd { path: PathBuf, offset: u64 },
    /// A file goes on where an earlier run ended.
    Resumed { path: PathBuf, offset: u64 },
    /// The same, of a file that has another name by now.
    Renamed {
        path: PathBuf,
        was: PathBuf,
        /// Where it goes on.
        offset: u64,
    },
    /// A file is a copy of one that was read, and goes on where that one ended.
    Copied {
        path: PathBuf,
        /// What it is a copy of.
        was: PathBuf,
        /// Where it goes on.
        offset: u64,
    },
    /// A file was truncated.
    Truncated {
        path: PathBuf,
        /// How far it had been read.
        offset: u64,
        /// A copy of what it held, which is read to its end.
        copy: Option<PathBuf>,
    },
    /// A file that a cursor knows is neither where it was nor beside it.
    Gone {
        path: PathBuf,
        /// How far it had been read.
        offset: u64,
    },
    /// A file is no log that can be followed.
    Unread { path: PathBuf, what: Unread },
    /// Something is not followed.
    Trouble(Trouble),
    /// It is followed again.
    Mended { path: PathBuf },
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
                "{}: read from its end, byte {offset}; its earlier content is not judged",
                path.display()
            ),
            Self::Resumed { path, offset } => {
                write!(f, "{}: continues at byte {offset}", path.display())
            }
            Self::Renamed { path, was, offset } => write!(
                f,
                "{}: renamed from {}, continues at byte {offset}",
                path.display(),
                was.display()
            ),
            Self::Copied { path, was, offset } => write!(
                f,
                "{}: a copy of {}, continues at byte {offset}",
                path.display(),
                was.display()
            ),
            Self::Truncated {
                path,
                offset,
                copy: Some(copy),
            } => write!(
                f,
                "{}: truncated; the rest of its former content is read from its copy {} at byte {offset}",
                path.display(),
                copy.display()
            ),
            Self::Truncated {
                path,
                offset,
                copy: None,
            } => write!(
                f,
                "{}: truncated, and there is no copy next to it: entries written after byte {offset} and before the truncation are not judged",
                path.display()
            ),
            Self::Gone { path, offset } => write!(
                f,
                "{}: missing, and no file next to it has the same content: entries written to it after byte {offset} are not judged",
                path.display()
            ),
            Self::Unread { path, what } => write!(f, "{}: {what}", path.display()),
            Self::Trouble(trouble) => write!(
                f,
                "{}: {}; pgvigil keeps retrying",
                trouble.path.display(),
                trouble.what
            ),
            Self::Mended { path } => write!(f, "{}: works again", path.display()),
        }
    }
}
