//! Files that commands write: into a hidden file next to the target, then renamed, so that a reader never sees half of one.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{ErrorKind, Write as _};
use std::path::{Component, Path, PathBuf};

use anyhow::Context as _;
use pgvigil::begin::UNFINISHED;
use pgvigil::diagnostic::count;
use pgvigil::report::plan::human::Style;
use pgvigil::report::{self, diff};

use crate::exit::{Exit, Ran};
use crate::session::Session;

/// A file as it must be: below a folder, with its contents.
pub(crate) struct Wanted {
    pub(crate) path: PathBuf,
    pub(crate) bytes: Vec<u8>,
}

/// The files that a folder must contain, and those that must be removed from it.
pub(crate) struct Folder<'a> {
    pub(crate) root: &'a Path,
    pub(crate) wanted: Vec<Wanted>,
    /// Below the root: to be removed.
    pub(crate) extra: BTreeSet<PathBuf>,
}

impl Folder<'_> {
    /// Writes what differs and prints a line for each change. With `check` it writes nothing, shows how each stale file
    /// differs, and exits with [`Exit::Pending`] when something differs.
    pub(crate) fn bring(&self, session: &Session, check: bool) -> Ran {
        let style = Style {
            width: session.width(),
            colour: session.colour_out(),
        };
        let mut changes = 0;
        let mut tell = |word: &str, path: &Path| {
            changes += 1;
            let path = path.display().to_string();
            session.show(&format!("{word:<8} {}\n", report::visible(&path)))
        };
        for file in &self.wanted {
            let path = self.below(&file.path)?;
            match read(&path)? {
                Some(now) if now == file.bytes => continue,
                Some(now) if check => {
                    tell("stale", &path)?;
                    let path = path.display().to_string();
                    session.show(&diff::unified(&path, &now, &file.bytes, style))?;
                }
                None if check => tell("missing", &path)?,
                _ => {
                    replace(&path, &file.bytes)?;
                    tell("written", &path)?;
                }
            }
        }
        for extra in &self.extra {
            let path = self.below(extra)?;
            if check {
                tell("extra", &path)?;
                continue;
            }
            fs::remove_file(&path).with_context(|| format!("cannot remove {}", path.display()))?;
            tell("removed", &path)?;
            // Folders that are empty now go too, but never the root.
            let parents = extra
                .ancestors()
                .skip(1)
                .filter(|parent| !parent.as_os_str().is_empty());
            for parent in parents {
                if fs::remove_dir(self.root.join(parent)).is_err() {
                    break;
                }
            }
        }
        let files = count(self.wanted.len(), "file");
        session.hint(&match (changes, check) {
            (0, _) if self.wanted.len() == 1 => format!("{files}, up to date"),
            (0, _) => format!("{files}, all up to date"),
            (_, true) => format!("{files}, {changes} not up to date"),
            (_, false) => format!("{files}, {changes} changed"),
        });
        Ok(if check && changes > 0 {
            Exit::Pending
        } else {
            Exit::Clean
        })
    }

    /// A path in the folder. Refuses a path that points outside it.
    fn below(&self, path: &Path) -> anyhow::Result<PathBuf> {
        let mut whole = self.root.to_owned();
        for component in path.components() {
            anyhow::ensure!(
                matches!(component, Component::Normal(_)),
                "{} points outside its folder",
                path.display()
            );
            whole.push(component);
            if fs::symlink_metadata(&whole).is_ok_and(|found| found.is_symlink()) {
                anyhow::bail!(
                    "{} is a symbolic link: remove it, or write to another folder",
                    whole.display()
                );
            }
        }
        Ok(whole)
    }
}

/// The contents of a file; `None` if it does not exist.
fn read(path: &Path) -> anyhow::Result<Option<Vec<u8>>> {
    match fs::read(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
            Ok(None)
        }
        Err(error) => Err(error).with_context(|| format!("cannot read {}", path.display())),
    }
}

/// Writes a file as a whole.
pub(crate) fn replace(path: &Path, contents: &[u8]) -> anyhow::Result<()> {
    write_whole(path, |file| {
        file.write_all(contents)
            .with_context(|| format!("cannot write {}", path.display()))
    })
}

/// Has a file written by a function: under its name it is there only as a whole.
pub(crate) fn write_whole(
    path: &Path,
    write: impl FnOnce(&mut File) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    let unfinished = folder.join(format!(".{}{UNFINISHED}", std::process::id()));
    let cannot = || format!("cannot write {}", path.display());
    fs::create_dir_all(folder).with_context(cannot)?;
    let mut file = File::create(&unfinished).with_context(cannot)?;
    write(&mut file)
        .and_then(|()| fs::rename(&unfinished, path).with_context(cannot))
        .inspect_err(|_| {
            let _ = fs::remove_file(&unfinished);
        })
}

/// Every file in a folder, relative to `root`; symbolic links are files, and are not followed.
pub(crate) fn walk(root: &Path, folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let whole = root.join(folder);
    let cannot = || format!("cannot list {}", whole.display());
    let entries = match fs::read_dir(&whole) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        other => other.with_context(cannot)?,
    };
    let mut files = Vec::new();
    for entry in entries {
        let entry = entry.with_context(cannot)?;
        let path = folder.join(entry.file_name());
        if entry.file_type().with_context(cannot)?.is_dir() {
            files.extend(walk(root, &path)?);
        } else {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

/// Whether a file was left by a run that was killed while it wrote.
pub(crate) fn is_unfinished(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    name.strip_prefix('.')
        .and_then(|name| name.strip_suffix(UNFINISHED))
        .is_some_and(|process| {
            !process.is_empty() && process.bytes().all(|byte| byte.is_ascii_digit())
        })
}
