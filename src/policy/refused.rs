//! Things among the policy files that are not read. They are errors, both in a folder and in a revision of Git: the
//! person who put them there believes that they count.

use crate::diagnostic::{Code, Diagnostic};
use crate::source::{Place, SourceFiles};

/// Deepest folder under `rules/` that is searched.
pub(super) const MAX_FOLDERS: usize = 16;

/// Why something is not read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Why {
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

    pub(super) fn diagnostic(&self, files: &mut SourceFiles) -> Diagnostic {
        let (code, message, help) = match self.why {
            Why::Link => (
                Code::SourceSymbolicLink,
                "symbolic links are not followed".to_owned(),
                "replace the link with the file itself",
            ),
            Why::Submodule => (
                Code::SourceSubmodule,
                "files of a submodule are not read".to_owned(),
                "replace the submodule with its files: `git rm --cached`, delete its `.git`, then `git add`",
            ),
            Why::Deep => (
                Code::SourceTooDeep,
                format!(
                    "this folder is nested deeper than {MAX_FOLDERS} levels, so its files are not read"
                ),
                "move its files further up",
            ),
            Why::NoFile => (
                Code::SourceNotAFile,
                "this is a pipe, a socket or a device, not a file".to_owned(),
                "delete it, or replace it with a file",
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
