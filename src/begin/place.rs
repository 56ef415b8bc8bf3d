//! Writes files into a folder. Existing files are never overwritten, and a run that cannot finish leaves nothing.

use std::fs;
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};

use super::tree::File;

/// What became of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// It is there now, or would be.
    Written,
    /// It was there, with this text.
    Unchanged,
    /// It was there with another text, and still is.
    Kept,
    /// There is a symbolic link at its path.
    KeptLink,
    /// There is a folder at its path, or something else that is not a file.
    KeptOther,
}

/// A file, and what became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Placed {
    pub path: String,
    /// What became of it.
    pub state: State,
}

/// Why nothing was written.
#[derive(Debug, thiserror::Error)]
pub enum PlaceError {
    /// A folder is needed where there is something else.
    #[error("{} is {what}, but a folder is needed there: nothing was written", path.display())]
    NotAFolder { path: PathBuf, what: &'static str },
    #[error("cannot write {}: nothing was written", path.display())]
    Io {
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
    /// Files that were written could not be removed again.
    #[error("cannot write {}, and could not remove {left} files of this run", path.display())]
    Left {
        path: PathBuf,
        left: usize,
        #[source]
        source: std::io::Error,
    },
    /// The user requested a stop.
    #[error("stopped: nothing was written")]
    Stopped,
}

/// Ends the name of a file that is being written; `.gitignore` lists it.
pub const UNFINISHED: &str = ".pgvigil-new";

/// What would become of each file. Reads only.
///
/// # Errors
/// [`PlaceError`] if a folder is needed where there is something else.
pub fn look(root: &Path, files: &[File]) -> Result<Vec<Placed>, PlaceError> {
    is_folder(root, true)?;
    files
        .iter()
        .map(|file| {
            let mut folder = root.to_owned();
            let mut parts = file.path.split('/').peekable();
            while let Some(part) = parts.next() {
                folder.push(part);
                if parts.peek().is_some() {
                    is_folder(&folder, false)?;
                }
            }
            Ok(Placed {
                path: file.path.clone(),
                state: state(&folder, file)?,
            })
        })
        .collect()
}

/// Says whether a path is a folder or nothing yet. Below the root, a link to a folder may lead out of it.
fn is_folder(path: &Path, may_be_link: bool) -> Result<(), PlaceError> {
    let found = if may_be_link {
        fs::metadata(path)
    } else {
        fs::symlink_metadata(path)
    };
    let what = match found {
        Ok(found) if found.is_dir() => return Ok(()),
        Ok(found) if found.is_symlink() => "a symbolic link",
        Ok(_) => "a file",
        Err(error) if error.kind() == ErrorKind::NotFound => {
            // A link that leads nowhere is found here only.
            if fs::symlink_metadata(path).is_err() {
                return Ok(());
            }
            "a symbolic link without a target"
        }
        Err(error) if error.kind() == ErrorKind::NotADirectory => "below a file",
        Err(source) => {
            return Err(PlaceError::Io {
                path: path.to_owned(),
                source,
            });
        }
    };
    Err(PlaceError::NotAFolder {
        path: path.to_owned(),
        what,
    })
}

fn state(path: &Path, file: &File) -> Result<State, PlaceError> {
    let refused = |source| PlaceError::Io {
        path: path.to_owned(),
        source,
    };
    match fs::symlink_metadata(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(State::Written),
        Err(error) => Err(refused(error)),
        Ok(found) if found.is_symlink() => Ok(State::KeptLink),
        Ok(found) if !found.is_file() => Ok(State::KeptOther),
        // A file of another length differs: it need not be read.
        Ok(found) if found.len() != file.text.len() as u64 => Ok(State::Kept),
        Ok(_) => {
            let now = fs::read(path).map_err(refused)?;
            Ok(if now == file.text.as_bytes() {
                State::Unchanged
            } else {
                State::Kept
            })
        }
    }
}

/// What this run has created so far, to remove it on failure.
#[derive(Default)]
struct Made {
    folders: Vec<PathBuf>,
    files: Vec<PathBuf>,
}

impl Made {
    /// Removes everything again, the last first; folders only if they are empty.
    fn undo(&mut self) -> usize {
        let mut left = 0;
        for file in self.files.drain(..).rev() {
            let is_gone = fs::remove_file(&file)
                .map_or_else(|error| error.kind() == ErrorKind::NotFound, |()| true);
            left += usize::from(!is_gone);
        }
        for folder in self.folders.drain(..).rev() {
            let _ = fs::remove_dir(folder);
        }
        left
    }

    fn folder(&mut self, path: &Path) -> std::io::Result<()> {
        let mut missing = Vec::new();
        let mut at = path;
        while !at.as_os_str().is_empty() && fs::symlink_metadata(at).is_err() {
            missing.push(at.to_owned());
            match at.parent() {
                Some(parent) => at = parent,
                None => break,
            }
        }
        for folder in missing.into_iter().rev() {
            match fs::create_dir(&folder) {
                Ok(()) => self.folders.push(folder),
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Writes a whole file. `false` if another program was quicker.
    fn file(&mut self, path: &Path, file: &File) -> std::io::Result<bool> {
        let folder = path.parent().unwrap_or(Path::new("."));
        self.folder(folder)?;
        let unfinished = folder.join(format!(".{}{UNFINISHED}", std::process::id()));
        let written = write(&unfinished, file).and_then(|()| {
            // A hard link fails if the name exists; a rename would replace the existing file.
            match fs::hard_link(&unfinished, path) {
                Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(false),
                Err(error) if has_no_links(&error) => {
                    write(path, file).map(|()| true).or_else(|error| {
                        if error.kind() == ErrorKind::AlreadyExists {
                            Ok(false)
                        } else {
                            let _ = fs::remove_file(path);
                            Err(error)
                        }
                    })
                }
                Err(error) => Err(error),
                Ok(()) => Ok(true),
            }
        });
        let _ = fs::remove_file(&unfinished);
        if matches!(written, Ok(true)) {
            self.files.push(path.to_owned());
        }
        written
    }
}

/// File systems of some disks and containers.
fn has_no_links(error: &std::io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::Unsupported | ErrorKind::PermissionDenied
    )
}

/// Makes a file that is not there yet.
fn write(path: &Path, file: &File) -> std::io::Result<()> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        // The umask of the process removes permissions.
        options.mode(if file.is_program { 0o777 } else { 0o666 });
    }
    let mut out = options.open(path)?;
    out.write_all(file.text.as_bytes())?;
    out.sync_all()
}

/// Writes the missing files. Calls `stop` between two files.
///
/// # Errors
/// [`PlaceError`]. Then everything of this run was removed again, except with [`PlaceError::Left`].
pub fn place(
    root: &Path,
    files: &[File],
    stop: &dyn Fn() -> bool,
) -> Result<Vec<Placed>, PlaceError> {
    let mut placed = look(root, files)?;
    let mut made = Made::default();
    for (file, placed) in files.iter().zip(&mut placed) {
        if stop() {
            made.undo();
            return Err(PlaceError::Stopped);
        }
        if placed.state != State::Written {
            continue;
        }
        let path = root.join(&file.path);
        match made.file(&path, file) {
            Ok(true) => {}
            Ok(false) => placed.state = State::Kept,
            Err(source) => {
                return Err(match made.undo() {
                    0 => PlaceError::Io { path, source },
                    left => PlaceError::Left { path, left, source },
                });
            }
        }
    }
    if stop() {
        made.undo();
        return Err(PlaceError::Stopped);
    }
    Ok(placed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;

    fn files() -> Vec<File> {
        ["a/b/one", "a/two", "three"]
            .map(|path| File {
                path: path.to_owned(),
                text: format!("text of {path}\n"),
                is_program: path == "three",
            })
            .to_vec()
    }

    fn everything(root: &Path) -> Vec<PathBuf> {
        let mut all = Vec::new();
        let mut folders = vec![root.to_owned()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).unwrap() {
                let entry = entry.unwrap();
                if entry.file_type().unwrap().is_dir() {
                    folders.push(entry.path());
                }
                all.push(entry.path());
            }
        }
        all.sort();
        all
    }

    #[test]
    fn a_second_run_changes_nothing_and_another_text_is_kept() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("new/repository");
        let placed = place(&root, &files(), &|| false).unwrap();
        assert!(placed.iter().all(|file| file.state == State::Written));
        assert_eq!(everything(&root).len(), 5);
        let placed = place(&root, &files(), &|| false).unwrap();
        assert!(placed.iter().all(|file| file.state == State::Unchanged));
        fs::write(root.join("a/two"), "mine").unwrap();
        fs::remove_file(root.join("three")).unwrap();
        let states: Vec<State> = place(&root, &files(), &|| false)
            .unwrap()
            .iter()
            .map(|file| file.state)
            .collect();
        assert_eq!(states, [State::Unchanged, State::Kept, State::Written]);
        assert_eq!(fs::read_to_string(root.join("a/two")).unwrap(), "mine");
    }

    #[test]
    fn whenever_it_is_stopped_nothing_is_left() {
        for after in 0..=3 {
            let folder = tempfile::tempdir().unwrap();
            let root = folder.path().join("new/repository");
            let asked = Cell::new(0);
            let stop = || {
                asked.set(asked.get() + 1);
                asked.get() > after
            };
            let stopped = place(&root, &files(), &stop);
            assert!(matches!(stopped, Err(PlaceError::Stopped)), "{after}");
            assert_eq!(everything(folder.path()), Vec::<PathBuf>::new(), "{after}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn links_are_not_followed_and_what_cannot_be_finished_is_taken_back() {
        use std::os::unix::fs::symlink;
        let folder = tempfile::tempdir().unwrap();
        let (root, outside) = (folder.path().join("root"), folder.path().join("outside"));
        fs::create_dir_all(&root).unwrap();
        fs::create_dir_all(&outside).unwrap();
        symlink(&outside, root.join("a")).unwrap();
        let refused = place(&root, &files(), &|| false);
        assert!(matches!(refused, Err(PlaceError::NotAFolder { .. })));
        assert!(everything(&outside).is_empty());
        fs::remove_file(root.join("a")).unwrap();

        fs::write(root.join("a"), "a file where a folder is needed").unwrap();
        assert!(matches!(
            place(&root, &files(), &|| false),
            Err(PlaceError::NotAFolder { .. })
        ));
        fs::remove_file(root.join("a")).unwrap();

        symlink(outside.join("elsewhere"), root.join("three")).unwrap();
        let placed = place(&root, &files(), &|| false).unwrap();
        assert_eq!(placed[2].state, State::KeptLink);
        assert!(everything(&outside).is_empty());

        // A name that no file system takes: the files before it go again.
        let other = folder.path().join("other");
        let mut wanted = files();
        wanted.push(File {
            path: format!("z/{}", "x".repeat(300)),
            text: String::new(),
            is_program: false,
        });
        assert!(place(&other, &wanted, &|| false).is_err());
        assert!(!other.exists());
    }
}
