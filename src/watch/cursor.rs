//! The file that says where a watcher goes on after it was stopped, killed or cut off from power.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};

use crate::audit_log::follow::Place;

use super::output::Written;

/// Version of the file. It grows when an older pgvigil would be misled.
pub const FORMAT_VERSION: u32 = 1;

/// What the file says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Document {
    /// [`FORMAT_VERSION`].
    pub format_version: u32,
    /// The environment whose query judged.
    pub environment: String,
    /// The digest of its policy.
    pub policy_digest: String,
    /// When files were last looked for, in milliseconds since 1970.
    pub looked_ms: u64,
    /// Where each log goes on.
    pub files: Vec<Place>,
    /// The output, if it is a file.
    pub output: Option<Written>,
}

impl Document {
    /// From when on a file may have been written without being looked for: the clock of a file system may be behind
    /// by this much.
    pub fn unseen_since(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH
            + Duration::from_millis(self.looked_ms).saturating_sub(Duration::from_secs(2))
    }
}

/// Why a cursor cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum CursorError {
    /// Another watcher has it.
    #[error("another watcher uses the cursor: two watchers would deliver every record twice")]
    Locked,
    /// The file system refuses.
    #[error("{what}: {source}")]
    Io {
        what: &'static str,
        source: io::Error,
    },
    /// It is no cursor.
    #[error(
        "it is not a cursor of this version ({0}): pgvigil reads nothing, so that it delivers \
            nothing twice; remove it to read the logs from their beginning"
    )]
    Damaged(String),
}

fn failed(what: &'static str) -> impl FnOnce(io::Error) -> CursorError {
    move |source| CursorError::Io { what, source }
}

/// A cursor that no other watcher uses.
#[derive(Debug)]
pub struct Cursor {
    path: PathBuf,
    /// Held as long as the cursor is.
    _lock: File,
    last: Option<Document>,
}

impl Cursor {
    /// Takes a cursor for oneself, and reads it.
    ///
    /// # Errors
    /// If another watcher has it, if it cannot be read, or if it is damaged.
    pub fn open(path: &Path) -> Result<(Self, Option<Document>), CursorError> {
        // The cursor is replaced each time, so a file beside it is locked.
        let lock = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(beside(path, "lock"))
            .map_err(failed("its lock cannot be opened"))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(CursorError::Locked),
            Err(TryLockError::Error(error)) => return Err(failed("it cannot be locked")(error)),
        }
        let document = match fs::read(path) {
            Ok(text) => {
                let document: Document = serde_json::from_slice(&text)
                    .map_err(|error| CursorError::Damaged(error.to_string()))?;
                if document.format_version != FORMAT_VERSION {
                    return Err(CursorError::Damaged(format!(
                        "version {}",
                        document.format_version
                    )));
                }
                Some(document)
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(failed("it cannot be read")(error)),
        };
        let cursor = Self {
            path: path.to_owned(),
            _lock: lock,
            last: None,
        };
        Ok((cursor, document))
    }

    /// Writes it, whole or not at all: it is on the disk when this returns. Says whether there was anything new.
    ///
    /// # Errors
    /// If the disk does not take it; the old one stays.
    pub fn save(&mut self, document: Document) -> Result<bool, CursorError> {
        // Looking again and finding nothing is no news: what was found would be among the files.
        let is_same = self.last.as_ref().is_some_and(|last| {
            let looked_ms = last.looked_ms;
            *last
                == Document {
                    looked_ms,
                    ..document.clone()
                }
        });
        if is_same {
            return Ok(false);
        }
        let text = serde_json::to_vec_pretty(&document)
            .map_err(|error| CursorError::Damaged(error.to_string()))?;
        let new = beside(&self.path, "new");
        let mut file = File::create(&new).map_err(failed("it cannot be written"))?;
        file.write_all(&text)
            .and_then(|()| file.sync_all())
            .map_err(failed("it cannot be written"))?;
        fs::rename(&new, &self.path).map_err(failed("it cannot be replaced"))?;
        let folder = match self.path.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            _ => Path::new("."),
        };
        File::open(folder)
            .and_then(|folder| folder.sync_all())
            .map_err(failed("its folder cannot be synced"))?;
        self.last = Some(document);
        Ok(true)
    }
}

fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".");
    name.push(ending);
    PathBuf::from(name)
}
