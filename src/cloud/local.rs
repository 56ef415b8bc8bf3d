//! The provider that is a folder: one JSON file for each resource, for trying things out and for tests.
//!
//! `FOLDER/ENVIRONMENT/CLUSTER/KIND/NAME.json` holds the live properties, and `.NAME.json.applied` beside it what
//! was last applied. An edit of the first is drift. Files are replaced as a whole: written beside, synced, renamed.
//! Nothing else stands in for RDS here, so the adapter writes the cluster's log group too.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::compile::resources::{address_of_file, encode, policy_layer};
use crate::deploy::document::{
    Document, EVERY_CLUSTER, Fingerprint, Kind, file_of, normalise, pretty,
};
use crate::deploy::port::{
    At, Cloud, CloudError, Expected, Found, Live, Lock, Reader, Reading, Scope,
};

/// The file that pgvigil keeps next to a resource.
#[derive(Debug, Serialize, Deserialize)]
struct Applied {
    fingerprint: String,
    policy: String,
    query: String,
}

/// A folder as a provider.
#[derive(Debug)]
pub struct LocalFolder {
    /// Nothing is written out of this folder.
    root: PathBuf,
    base: PathBuf,
    #[cfg(test)]
    fuse: std::cell::Cell<Option<usize>>,
}

impl LocalFolder {
    /// The part of a folder that belongs to an environment. Nothing is made before the first write.
    pub fn new(folder: &Path, environment: &str) -> Self {
        Self::below(folder, Path::new(""), environment)
    }

    /// The same of a folder below another one, out of which no link leads.
    pub fn below(root: &Path, folder: &Path, environment: &str) -> Self {
        Self {
            root: root.to_owned(),
            base: root.join(folder).join(encode(environment)),
            #[cfg(test)]
            fuse: std::cell::Cell::new(None),
        }
    }

    /// Where the environment's files are.
    pub fn base(&self) -> &Path {
        &self.base
    }

    /// Dies, as if killed, before the n-th operation on a file from now, and stays dead.
    #[cfg(test)]
    pub(crate) fn die_before(&self, operation: usize) {
        self.fuse.set(Some(operation));
    }

    #[cfg(test)]
    pub(crate) fn is_dead(&self) -> bool {
        self.fuse.get() == Some(0)
    }

    #[cfg(test)]
    fn step(&self) -> io::Result<()> {
        match self.fuse.get() {
            None => Ok(()),
            Some(0) => Err(io::Error::other("killed")),
            Some(left) => {
                self.fuse.set(Some(left - 1));
                Ok(())
            }
        }
    }

    #[cfg(not(test))]
    #[expect(
        clippy::unused_self,
        clippy::unnecessary_wraps,
        reason = "the tests' fuse is here"
    )]
    fn step(&self) -> io::Result<()> {
        Ok(())
    }

    fn path(&self, address: &str) -> PathBuf {
        self.base.join(file_of(address))
    }

    /// Refuses a path on which a symbolic link stands: what is written there would leave the repository.
    fn inside(&self, path: &Path) -> io::Result<()> {
        let mut whole = self.root.clone();
        for part in path.strip_prefix(&self.root).unwrap_or(path).components() {
            whole.push(part);
            if fs::symlink_metadata(&whole).is_ok_and(|found| found.is_symlink()) {
                return Err(io::Error::other(format!(
                    "{} is a symbolic link, which pgvigil does not write through: remove it, or name another `folder`",
                    whole.display()
                )));
            }
        }
        Ok(())
    }

    /// Writes beside, syncs, renames. A reader sees the old text or the new, also after a power cut.
    fn replace(&self, path: &Path, text: &str) -> Result<(), CloudError> {
        let folder = path.parent().unwrap_or(&self.base);
        let temporary = beside(path, ".new");
        let written = self
            .step()
            .and_then(|()| self.inside(path))
            .and_then(|()| self.inside(&temporary))
            .and_then(|()| fs::create_dir_all(folder))
            .and_then(|()| {
                let mut file = File::create(&temporary)?;
                file.write_all(text.as_bytes())?;
                self.step()?;
                sync(&file)?;
                self.step()?;
                fs::rename(&temporary, path)?;
                sync_folder(folder)
            });
        written.map_err(|error| {
            // A process that died cannot clean up; the next write takes the same name.
            if !is_killed(&error) {
                let _ = fs::remove_file(&temporary);
            }
            io_error("write", path, &error)
        })
    }

    fn write_applied(&self, document: &Document) -> Result<(), CloudError> {
        let applied = Applied {
            fingerprint: Fingerprint::of_document(document).to_string(),
            policy: document.provenance.policy.clone(),
            query: document.provenance.query.clone(),
        };
        let text = pretty(&serde_json::to_value(applied).unwrap_or_default());
        self.replace(&applied_path(&self.path(&document.address)), &text)
    }
}

fn is_killed(error: &io::Error) -> bool {
    cfg!(test) && error.to_string() == "killed"
}

/// A hidden file beside another.
fn beside(path: &Path, end: &str) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!(".{}{end}", name.trim_start_matches('.')))
}

fn applied_path(path: &Path) -> PathBuf {
    beside(path, ".applied")
}

/// Waits for the disk. Tests that write thousands of files for a moment need not.
fn sync(file: &File) -> io::Result<()> {
    if cfg!(test) { Ok(()) } else { file.sync_all() }
}

/// Makes a rename last: on some systems a folder cannot be synced, and need not be.
fn sync_folder(folder: &Path) -> io::Result<()> {
    if cfg!(unix) {
        sync(&File::open(folder)?)
    } else {
        Ok(())
    }
}

fn io_error(operation: &'static str, path: &Path, error: &io::Error) -> CloudError {
    let resource = path.display().to_string();
    let message = match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => "the disk is full".to_owned(),
        io::ErrorKind::ReadOnlyFilesystem => "the file system is read-only".to_owned(),
        _ => error.to_string(),
    };
    match error.kind() {
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => CloudError::Denied {
            operation,
            resource,
            message,
        },
        io::ErrorKind::InvalidData => CloudError::Unreadable {
            resource,
            message: "it is not UTF-8".to_owned(),
        },
        _ => CloudError::Unavailable {
            operation,
            resource,
            message,
        },
    }
}

/// The text of a file, `None` when there is none.
fn read_text(path: &Path) -> Result<Option<String>, CloudError> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(io_error("read", path, &error)),
    }
}

fn read_live(path: &Path, kind: Kind) -> Result<Option<Value>, CloudError> {
    let Some(text) = read_text(path)? else {
        return Ok(None);
    };
    let mut properties: Value =
        serde_json::from_str(&text).map_err(|error| CloudError::Unreadable {
            resource: format!("{}:{}:{}", path.display(), error.line(), error.column()),
            message: format!(
                "it is not JSON ({error}); fix the file, or delete it and apply again"
            ),
        })?;
    normalise(kind, &mut properties);
    // A file can be edited; its digest is that of what stands there now.
    if kind == Kind::PolicyLayer {
        policy_layer::vouch(&mut properties);
    }
    Ok(Some(properties))
}

/// A broken or foreign text beside a resource says nothing about it, and is no fault of the resource.
fn read_applied(path: &Path) -> Result<Option<Fingerprint>, CloudError> {
    let text = match read_text(&applied_path(path)) {
        Err(CloudError::Unreadable { .. }) => None,
        other => other?,
    };
    let applied = text.and_then(|text| serde_json::from_str::<Applied>(&text).ok());
    Ok(applied.and_then(|applied| Fingerprint::parse(&applied.fingerprint)))
}

impl Reader for LocalFolder {
    fn at(&self) -> Result<At, CloudError> {
        Ok(At::local())
    }

    /// A folder keeps one version of a layer: what stands there is what is attached.
    fn rules(&self, function: &Document) -> Result<Option<Vec<u8>>, CloudError> {
        let Some(live) = read_live(&self.path(&function.address), function.kind)? else {
            return Ok(None);
        };
        let layers = live.get("layers").and_then(Value::as_array);
        let mut names = layers
            .into_iter()
            .flatten()
            .filter_map(|layer| layer.get("name")?.as_str());
        let Some(name) = names.next() else {
            return Ok(None);
        };
        let address = Document::address_of(EVERY_CLUSTER, Kind::PolicyLayer, name);
        let layer = read_live(&self.path(&address), Kind::PolicyLayer)?;
        let rules = layer.and_then(|mut layer| Some(layer.get_mut("rules")?.take()));
        Ok(rules.map(|rules| serde_json::to_vec(&rules).unwrap_or_default()))
    }

    fn read(&self, document: &Document) -> Result<Reading, CloudError> {
        let path = self.path(&document.address);
        let applied = read_applied(&path)?;
        Ok(match read_live(&path, document.kind)? {
            Some(properties) => Reading::Present(Live {
                properties,
                applied,
                note: None,
            }),
            None => Reading::Absent { applied },
        })
    }

    fn list(&self, _scope: &Scope) -> Result<Vec<Found>, CloudError> {
        let mut found = Vec::new();
        walk(&self.base, &mut Vec::new(), &mut found)?;
        found.sort_by(|left, right| left.address.cmp(&right.address));
        Ok(found)
    }
}

/// Finds resources three folders deep; everything else is reported as it lies there.
fn walk(folder: &Path, parts: &mut Vec<String>, found: &mut Vec<Found>) -> Result<(), CloudError> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        other => other.map_err(|error| io_error("list", folder, &error))?,
    };
    for entry in entries {
        let entry = entry.map_err(|error| io_error("list", folder, &error))?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.starts_with('.') {
            continue;
        }
        let path = entry.path();
        let is_folder = entry
            .file_type()
            .map_err(|error| io_error("list", &path, &error))?
            .is_dir();
        if is_folder && parts.len() < 2 {
            parts.push(name);
            walk(&path, parts, found)?;
            parts.pop();
            continue;
        }
        let resource = match parts.as_slice() {
            [cluster, kind] if !is_folder => address_of_file(cluster, kind, &name),
            _ => None,
        };
        found.push(match resource {
            Some((address, kind, name)) => Found {
                address,
                kind: Some(kind),
                name,
                digest: read_live(&path, kind)
                    .ok()
                    .flatten()
                    .map(|live| Fingerprint::of(kind, &live)),
                applied: read_applied(&path).ok().flatten(),
            },
            None => {
                let address = parts
                    .iter()
                    .map(String::as_str)
                    .chain([name.as_str()])
                    .collect::<Vec<_>>()
                    .join("/");
                Found {
                    address,
                    kind: None,
                    name,
                    digest: None,
                    applied: None,
                }
            }
        });
    }
    Ok(())
}

/// The operating system lets go of it when the process ends, however it ends: no lock is ever stale.
struct FolderLock {
    _file: File,
}

impl Lock for FolderLock {}

impl Cloud for LocalFolder {
    fn lock(&self, _scope: &Scope) -> Result<Box<dyn Lock>, CloudError> {
        let path = self.base.join(".lock");
        let failed = |error: io::Error| io_error("lock", &path, &error);
        self.inside(&path).map_err(failed)?;
        fs::create_dir_all(&self.base).map_err(failed)?;
        let mut file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .read(true)
            .write(true)
            .open(&path)
            .map_err(failed)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut holder = String::new();
                let known = file.read_to_string(&mut holder).is_ok() && !holder.trim().is_empty();
                let holder = known.then(|| holder.trim().to_owned());
                return Err(CloudError::Locked {
                    lock: path.display().to_string(),
                    holder,
                });
            }
            Err(TryLockError::Error(error)) => return Err(failed(error)),
        }
        let holder = format!("process {}\n", std::process::id());
        file.set_len(0)
            .and_then(|()| file.write_all(holder.as_bytes()))
            .map_err(failed)?;
        Ok(Box::new(FolderLock { _file: file }))
    }

    fn put(&self, document: &Document, expected: Expected<'_>) -> Result<(), CloudError> {
        let path = self.path(&document.address);
        let live =
            read_live(&path, document.kind)?.map(|live| Fingerprint::of(document.kind, &live));
        let as_expected = match expected {
            Expected::Absent => live.is_none(),
            Expected::Present(expected) => live.as_ref() == Some(expected),
        };
        if !as_expected {
            return Err(CloudError::Conflict {
                resource: document.address.clone(),
            });
        }
        // The fingerprint last: dying in between leaves what is clean, and never accuses anybody.
        self.replace(&path, &pretty(&document.properties))?;
        self.write_applied(document)
    }

    fn remember(&self, document: &Document) -> Result<(), CloudError> {
        self.write_applied(document)
    }

    fn delete(&self, found: &Found) -> Result<(), CloudError> {
        if found.kind.is_none_or(Kind::is_protected) {
            return Err(CloudError::Protected {
                resource: found.address.clone(),
            });
        }
        let path = self.path(&found.address);
        for path in [path.clone(), applied_path(&path)] {
            let removed = self
                .step()
                .and_then(|()| self.inside(path.parent().unwrap_or(&path)))
                .and_then(|()| fs::remove_file(&path));
            match removed {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    return Err(io_error("delete", &path, &error));
                }
                _ => {}
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
