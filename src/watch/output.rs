//! Where lines go: standard output, or a file that holds each line exactly once.
//!
//! The length of the file stands in the cursor. What a run wrote after its last cursor is cut off when the next one
//! begins, and written again.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

/// A file of lines, as a cursor knows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Written {
    pub path: String,
    /// The device it lies on.
    pub device: u64,
    pub inode: u64,
    /// Bytes that are good.
    pub length: u64,
}

/// Why an output cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum OutputError {
    /// The file system refuses.
    #[error("{0}")]
    Io(#[from] io::Error),
    /// Another process holds the file.
    #[error("another watcher writes to it")]
    Locked,
    /// It is a device or a pipe.
    #[error("it is not a regular file, so it cannot be truncated after a crash; use stdout")]
    NoFile,
}

/// What was found when a file was opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found {
    Fine,
    /// So many bytes came after the last cursor, and were cut off; they will be written again.
    Cut(u64),
    /// It is shorter than the cursor says: somebody took lines away.
    Shorter,
    /// It is another file than the cursor's.
    Another,
}

#[derive(Debug)]
pub enum Output {
    Stdout,
    File(OutputFile),
}

impl Output {
    /// Writes lines. What was written is taken off, also when an error ends the writing.
    pub(super) fn write(&mut self, lines: &mut Vec<u8>) -> io::Result<()> {
        match self {
            Self::Stdout => {
                let mut done = 0;
                let written = write_from(lines, &mut done);
                lines.drain(..done.min(lines.len()));
                written
            }
            Self::File(file) => {
                file.append(lines)?;
                lines.clear();
                Ok(())
            }
        }
    }

    /// What the cursor has to know of it. Everything up to there is on the disk when this returns.
    ///
    /// # Errors
    /// If the disk does not take it.
    pub fn settled(&mut self) -> io::Result<Option<Written>> {
        match self {
            Self::Stdout => Ok(None),
            Self::File(file) => {
                if file.is_dirty {
                    file.file.sync_data()?;
                    file.is_dirty = false;
                }
                Ok(Some(file.written()))
            }
        }
    }

    /// Opens the file anew if another stands in its place: it was rotated. To be called right after the cursor was
    /// written. Says whether it did.
    ///
    /// # Errors
    /// If the new one cannot be opened.
    pub fn reopen(&mut self) -> Result<bool, OutputError> {
        let Self::File(file) = self else {
            return Ok(false);
        };
        match std::fs::metadata(&file.path) {
            Ok(data) if (data.dev(), data.ino()) == (file.device, file.inode) => Ok(false),
            Ok(_) => {
                *file = OutputFile::open(&file.path, None)?.0;
                Ok(true)
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                *file = OutputFile::open(&file.path, None)?.0;
                Ok(true)
            }
            Err(error) => Err(error.into()),
        }
    }
}

/// Writes to stdout, and tells how far it came.
fn write_from(lines: &[u8], done: &mut usize) -> io::Result<()> {
    let mut out = io::stdout().lock();
    while let Some(rest @ [_, ..]) = lines.get(*done..) {
        match out.write(rest) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(count) => *done += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    out.flush()
}

/// A file of lines.
#[derive(Debug)]
pub struct OutputFile {
    path: PathBuf,
    file: File,
    device: u64,
    inode: u64,
    length: u64,
    is_dirty: bool,
}

impl OutputFile {
    /// Opens a file, and cuts off what came after the last cursor.
    ///
    /// # Errors
    /// If it cannot be opened, locked or cut.
    pub fn open(path: &Path, before: Option<&Written>) -> Result<(Self, Found), OutputError> {
        if path.exists() && !path.is_file() {
            return Err(OutputError::NoFile);
        }
        let file = OpenOptions::new()
            .read(true)
            .append(true)
            .create(true)
            .open(path)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(OutputError::Locked),
            Err(TryLockError::Error(error)) => return Err(error.into()),
        }
        let data = file.metadata()?;
        let mut output = Self {
            path: path.to_owned(),
            file,
            device: data.dev(),
            inode: data.ino(),
            length: data.len(),
            is_dirty: true,
        };
        let found = match before {
            None => Found::Fine,
            Some(before) if (before.device, before.inode) != (output.device, output.inode) => {
                Found::Another
            }
            Some(before) if before.length > output.length => Found::Shorter,
            Some(before) if before.length < output.length => {
                let beyond = output.length - before.length;
                output.file.set_len(before.length)?;
                output.length = before.length;
                Found::Cut(beyond)
            }
            Some(_) => Found::Fine,
        };
        output.end_line()?;
        Ok((output, found))
    }

    /// A line that somebody left unfinished must not run into ours.
    fn end_line(&mut self) -> io::Result<()> {
        if self.length > 0 {
            self.file.seek(SeekFrom::Start(self.length - 1))?;
            let mut last = [0];
            self.file.read_exact(&mut last)?;
            if last != *b"\n" {
                self.append(b"\n")?;
            }
        }
        Ok(())
    }

    fn append(&mut self, lines: &[u8]) -> io::Result<()> {
        if lines.is_empty() {
            return Ok(());
        }
        self.is_dirty = true;
        match self.file.write_all(lines) {
            Ok(()) => {
                self.length += u64::try_from(lines.len()).unwrap_or(u64::MAX);
                Ok(())
            }
            Err(error) => {
                // Half a line is worse than none. Where even this fails, the next cursor's length cuts it off.
                let _ = self.file.set_len(self.length);
                Err(error)
            }
        }
    }

    fn written(&self) -> Written {
        Written {
            path: self.path.to_string_lossy().into_owned(),
            device: self.device,
            inode: self.inode,
            length: self.length,
        }
    }
}
