//! What stands among the policy files and is not read. It is a fault, alike in a folder and in a revision of Git: whoever put
//! it there believes that it counts.

use crate::diagnostic::{Code, Diagnostic};
use crate::source::{Place, SourceFiles};

/// Deepest folder under `rules/` that is searched.
pub(super) const MAX_FOLDERS: usize = 16;

/// Why something is not read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Why {
    /// A symbolic link.
    Link,
    /// Another repository, of which this one holds a commit's name only.
    Submodule,
    /// A folder that lies too deep.
    Deep,
    /// A pipe, a socket or a device: it has no content that a commit could hold.
    NoFile,
    /// More than a reviewer can read.
    Large,
}

/// Something that is not read.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Refused {
    /// From the folder that contains `rules/`.
    pub(super) path: String,
    pub(super) why: Why,
}

impl Refused {
    pub(super) fn new(path: impl Into<String>, why: Why) -> Self {
        let path = path.into();
        Self { path, why }
    }

    /// The fault.
    pub(super) fn diagnostic(&self, files: &mut SourceFiles) -> Diagnostic {
        let (code, message, help) = match self.why {
            Why::Link => (
                Code::SourceSymbolicLink,
                "symbolic links are not followed".to_owned(),
                "put the file itself here",
            ),
            Why::Submodule => (
                Code::SourceSubmodule,
                "the files of a submodule are not read".to_owned(),
                "put the files themselves here: `git rm --cached`, delete its `.git`, then `git add`",
            ),
            Why::Deep => (
                Code::SourceTooDeep,
                format!(
                    "this folder lies deeper than {MAX_FOLDERS} folders, so its files are not read"
                ),
                "move its files further up",
            ),
            Why::NoFile => (
                Code::SourceNotAFile,
                "this is a pipe, a socket or a device, not a file".to_owned(),
                "delete it, or put a file here",
            ),
            Why::Large => (
                Code::SourceTooLarge,
                "this file is larger than 1 MiB".to_owned(),
                "split it into several files",
            ),
        };
        let file = files.add(self.path.as_str(), "");
        Diagnostic::new(code, message)
            .at(Place::new(file, 0..0))
            .help(help)
    }
}

/// The folder on the way to a file that lies too deep, if there is one: the first that is not searched.
pub(super) fn too_deep(path: &str) -> Option<String> {
    let parts: Vec<&str> = path.split('/').collect();
    // `rules`, the folders, the file.
    (parts.len() > MAX_FOLDERS + 2)
        .then(|| parts.get(..MAX_FOLDERS + 2).unwrap_or_default().join("/"))
}
