//! Tells whether the policy files have changed, without reading them.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use crate::policy::FOLDERS;

/// Deepest folder that is looked at, as when the policy is loaded.
const DEPTH_MAX: usize = 16;
const FILES_MAX: usize = 20_000;

/// What the file system says of the policy files: two that are equal were taken of the same files.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stamp(Vec<(PathBuf, u64, u64, i64, i64)>);

impl Stamp {
    /// Looks at the files of a policy repository.
    pub fn of(root: &Path) -> Self {
        let mut stamp = Self::default();
        for folder in FOLDERS {
            stamp.add(&root.join(folder), 0);
        }
        stamp.0.sort();
        stamp
    }

    fn add(&mut self, folder: &Path, depth: usize) {
        let Ok(entries) = fs::read_dir(folder) else {
            return;
        };
        for entry in entries.flatten() {
            if self.0.len() >= FILES_MAX {
                return;
            }
            let path = entry.path();
            match fs::symlink_metadata(&path) {
                Ok(data) if data.is_dir() && depth < DEPTH_MAX => self.add(&path, depth + 1),
                Ok(data) => {
                    self.0.push((
                        path,
                        data.ino(),
                        data.len(),
                        data.mtime(),
                        data.mtime_nsec(),
                    ));
                }
                Err(_) => {}
            }
        }
    }
}
