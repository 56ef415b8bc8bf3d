//! Where a file goes on, and how it is known again: by its inode, its first bytes and the bytes before the place.

use std::path::Path;

use crate::digest;
use serde::{Deserialize, Serialize};

/// Bytes at the start of a file that tell it from others.
pub(super) const HEAD: usize = 1024;
/// Bytes before a place that tell whether it is the place.
pub(super) const TAIL: usize = 256;
/// Fewer bytes tell nothing: two servers may begin their logs alike.
const TELLING: u32 = 32;

/// A digest of a few bytes of a file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Print {
    pub bytes: u32,
    /// SHA-256, in hexadecimal; empty for no bytes.
    pub sha256: String,
}

impl Print {
    pub(super) fn of(text: &[u8]) -> Self {
        if text.is_empty() {
            return Self::default();
        }
        Self {
            bytes: u32::try_from(text.len()).unwrap_or(u32::MAX),
            sha256: digest::sha256(text),
        }
    }

    /// Whether it says enough to know a file by it alone.
    pub(super) fn is_telling(&self) -> bool {
        self.bytes >= TELLING
    }

    pub(super) fn len(&self) -> usize {
        usize::try_from(self.bytes).unwrap_or(usize::MAX)
    }

    /// Whether a text begins with these bytes.
    pub(super) fn begins(&self, text: &[u8]) -> bool {
        text.get(..self.len())
            .is_some_and(|text| Self::of(text) == *self)
    }
}

/// What the file system knows a file by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Inode {
    pub(super) device: u64,
    pub(super) inode: u64,
}

/// Where a file goes on.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Place {
    /// Where the file lay.
    pub path: String,
    /// The device it lies on.
    pub device: u64,
    pub inode: u64,
    pub head: Print,
    /// The bytes before the place.
    pub tail: Print,
    /// Bytes of it that are done.
    pub offset: u64,
    /// The number of the line that comes next, counted from 1.
    pub line: u64,
    /// Whether the place lies inside an entry whose rest is passed over.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub inside: bool,
    /// Entries before this byte were written to the output already, and wait for the webhook only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub written: Option<u64>,
}

impl Place {
    pub(super) fn new(path: &Path, inode: Inode) -> Self {
        Self {
            path: path.to_string_lossy().into_owned(),
            device: inode.device,
            inode: inode.inode,
            line: 1,
            ..Self::default()
        }
    }

    pub(super) fn inode(&self) -> Inode {
        Inode {
            device: self.device,
            inode: self.inode,
        }
    }
}
