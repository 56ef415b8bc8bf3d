//! What a report is made of, with digests of exactly the bytes that it read.
//!
//! A digest is made before the report reads a file, because a log is read in many places at once. So the file must be the same
//! afterwards: if the file system says that it changed, its digest is not the one of what was read, and it is left out.

use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

use super::report::Input;
use crate::audit_log::reader::{Inputs, Source};
use crate::digest::hex;

/// Inputs of a report, before they are read.
#[derive(Debug, Default)]
pub struct Digested(Vec<One>);

#[derive(Debug)]
struct One {
    input: Input,
    /// The file and its state when its digest was begun.
    file: Option<(PathBuf, State)>,
}

impl Digested {
    /// Takes the digests of files that are not read yet. One that cannot be read has none: its reader says why.
    pub fn add(&mut self, kind: &str, inputs: &Inputs) {
        for source in inputs.sources() {
            let found = match source {
                Source::Path(path) => digest(path).ok().map(|found| (path.clone(), found)),
                Source::Stdin | Source::Bytes { .. } => None,
            };
            let (bytes, sha256, file) = match found {
                Some((path, (state, bytes, sha256))) => {
                    (Some(bytes), Some(sha256), Some((path, state)))
                }
                None => (None, None, None),
            };
            self.0.push(One {
                input: Input {
                    kind: kind.to_owned(),
                    name: source.name().into_owned(),
                    bytes,
                    sha256,
                },
                file,
            });
        }
    }

    /// The inputs, after all of them were read, and a sentence for each that changed since: it has neither size nor digest.
    pub fn read(self) -> (Vec<Input>, Vec<String>) {
        let mut changed = Vec::new();
        let inputs = self
            .0
            .into_iter()
            .map(|One { mut input, file }| {
                if file.is_some_and(|(path, before)| State::of(&path).ok() != Some(before)) {
                    changed.push(format!(
                        "{} changed while the report read it, so no digest shows what the report was made of; make the report of a copy",
                        input.name
                    ));
                    (input.bytes, input.sha256) = (None, None);
                }
                input
            })
            .collect();
        (inputs, changed)
    }
}

/// What changes if someone writes into a file or replaces it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct State {
    bytes: u64,
    modified: Option<std::time::SystemTime>,
    /// Device, file, and the time of the last change of anything, which no program can set: it is newer even if someone writes
    /// as many bytes and then sets the time of the modification back.
    #[cfg(unix)]
    file: (u64, u64, i64, i64),
}

impl State {
    fn of(path: &Path) -> io::Result<Self> {
        Ok(Self::from(&fs::metadata(path)?))
    }

    fn from(found: &fs::Metadata) -> Self {
        #[cfg(unix)]
        use std::os::unix::fs::MetadataExt as _;
        Self {
            bytes: found.len(),
            modified: found.modified().ok(),
            #[cfg(unix)]
            file: (found.dev(), found.ino(), found.ctime(), found.ctime_nsec()),
        }
    }
}

fn digest(path: &Path) -> io::Result<(State, u64, String)> {
    let mut file = File::open(path)?;
    let state = State::from(&file.metadata()?);
    let mut digest = Sha256::new();
    let mut buffer = vec![0; 1 << 20];
    let mut bytes = 0_u64;
    loop {
        let read = file.read(&mut buffer)?;
        if read == 0 {
            break;
        }
        bytes += read as u64;
        digest.update(buffer.get(..read).unwrap_or_default());
    }
    Ok((state, bytes, hex(&digest.finalize())))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests may panic")]
mod tests {
    use std::io::Write as _;

    use super::*;

    fn digested(change: impl FnOnce(&Path)) -> (Vec<Input>, Vec<String>) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("server.log");
        fs::write(&path, "abc").unwrap();
        let mut digested = Digested::default();
        digested.add("logs", &Inputs::from_paths([&path]));
        change(&path);
        digested.read()
    }

    #[test]
    fn a_digest_is_of_what_was_read_or_there_is_none() {
        let (inputs, changed) = digested(|_| {});
        assert_eq!(changed, [""; 0]);
        assert_eq!(inputs.len(), 1);
        assert!(inputs.iter().all(|input| input.bytes == Some(3)
            && input.sha256.as_deref() == Some(&*crate::digest::sha256("abc"))));

        let is_changed = |change: fn(&Path)| {
            let (inputs, changed) = digested(change);
            assert!(inputs.iter().all(|input| input.sha256.is_none()));
            let name = inputs.first().map(|input| input.name.clone()).unwrap();
            assert!(changed.iter().all(|text| text.starts_with(&name)));
            assert_eq!(changed.len(), 1);
        };
        // It grows, as a log does.
        is_changed(|path| {
            let mut file = fs::OpenOptions::new().append(true).open(path).unwrap();
            file.write_all(b"d").unwrap();
        });
        is_changed(|path| fs::remove_file(path).unwrap());
        // Another file of the same size under its name.
        is_changed(|path| {
            let other = path.with_extension("new");
            fs::write(&other, "abd").unwrap();
            fs::rename(other, path).unwrap();
        });
    }

    /// As many bytes, with the time of the modification set back.
    #[cfg(unix)]
    #[test]
    fn a_change_that_hides_is_seen() {
        let (inputs, changed) = digested(|path| {
            let time = fs::metadata(path).unwrap().modified().unwrap();
            // The clock of a file system moves in steps of some milliseconds.
            std::thread::sleep(std::time::Duration::from_millis(30));
            let mut file = fs::OpenOptions::new().write(true).open(path).unwrap();
            file.write_all(b"xyz").unwrap();
            file.set_modified(time).unwrap();
        });
        assert!(inputs.iter().all(|input| input.sha256.is_none()));
        assert_eq!(changed.len(), 1);
    }
}
