//! The files to read, in their order.

use super::decode;
use super::report::ReadReport;
use super::template::Template;
use std::borrow::Cow;
use std::ffi::OsStr;
use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Folders inside folders, at most.
const DEPTH_MAX: usize = 64;

/// Where a text comes from.
#[derive(Clone, Debug)]
pub enum Source {
    Path(PathBuf),
    Stdin,
    /// Text that is in memory already: samples and fixtures.
    Bytes {
        /// What to call it in messages.
        name: String,
        /// The text, or its compressed form.
        bytes: Arc<[u8]>,
    },
}

impl Source {
    /// What to call the source in messages: the path, `-` for standard input.
    pub fn name(&self) -> Cow<'_, str> {
        match self {
            Self::Path(path) => path.to_string_lossy(),
            Self::Stdin => Cow::Borrowed("-"),
            Self::Bytes { name, .. } => Cow::Borrowed(name),
        }
    }

    /// The text, decompressed while it is read.
    ///
    /// # Errors
    /// If it cannot be opened, or is compressed in a way that is not supported.
    pub fn text(&self) -> io::Result<Box<dyn Read + Send + '_>> {
        let raw: Box<dyn Read + Send + '_> = match self {
            Self::Path(path) => Box::new(fs::File::open(path)?),
            Self::Stdin => Box::new(io::stdin()),
            Self::Bytes { bytes, .. } => Box::new(&bytes[..]),
        };
        decode::open(raw, &Arc::default())
    }

    /// The log stream of an export: CloudWatch names the folder of the exported parts after it.
    pub(super) fn folder(&self) -> Option<Arc<[u8]>> {
        match self {
            Self::Path(path) => {
                let folder = path.parent()?.file_name()?;
                Some(folder.as_encoded_bytes().into())
            }
            Self::Stdin | Self::Bytes { .. } => None,
        }
    }

    fn size(&self) -> Option<u64> {
        match self {
            Self::Path(path) => fs::metadata(path)
                .ok()
                .filter(fs::Metadata::is_file)
                .map(|data| data.len()),
            Self::Stdin => None,
            Self::Bytes { bytes, .. } => u64::try_from(bytes.len()).ok(),
        }
    }
}

/// The sources to read and what was wrong while looking for them.
#[derive(Clone, Debug, Default)]
pub struct Inputs {
    sources: Vec<Source>,
    faults: ReadReport,
    template: Option<Template>,
}

impl Inputs {
    /// Takes the sources as they are.
    pub fn new(sources: Vec<Source>) -> Self {
        Self {
            sources,
            ..Self::default()
        }
    }

    /// One text in memory.
    pub fn from_bytes(name: impl Into<String>, bytes: impl Into<Arc<[u8]>>) -> Self {
        Self::new(vec![Source::Bytes {
            name: name.into(),
            bytes: bytes.into(),
        }])
    }

    /// Takes paths as given on a command line: files, `-` for standard input, and folders, whose
    /// files are taken in the order of their paths, such as the tree of a CloudWatch export. In a
    /// folder, the file `aws-logs-write-test` that an export leaves is passed over.
    ///
    /// A path that cannot be read is still a source, and is reported when its turn comes.
    pub fn from_paths<P: AsRef<Path>>(paths: impl IntoIterator<Item = P>) -> Self {
        let mut inputs = Self::default();
        for path in paths {
            let path = path.as_ref();
            if path == Path::new("-") {
                inputs.sources.push(Source::Stdin);
            } else if path.is_dir() {
                let before = inputs.sources.len();
                inputs.add_folder(path, 0);
                if inputs.sources.len() == before {
                    inputs.add_broken(path, "the folder contains no files");
                }
            } else {
                inputs.sources.push(Source::Path(path.to_owned()));
            }
        }
        inputs
    }

    /// The sources, in the order in which they are read; [`super::Entry::file`] counts them.
    pub fn sources(&self) -> &[Source] {
        &self.sources
    }

    /// Says with which `log_line_prefix` the logs were written, where it is none of RDS's two.
    #[must_use]
    pub fn written_with(mut self, template: Option<Template>) -> Self {
        self.template = template;
        self
    }

    /// The prefix of the logs, where it is none of RDS's two.
    pub(super) fn template(&self) -> Option<&Template> {
        self.template.as_ref()
    }

    /// What was wrong while looking for files.
    pub(super) fn faults(&self) -> &ReadReport {
        &self.faults
    }

    /// The bytes to read, before decompression; `None` if a source does not say.
    pub(super) fn size(&self) -> Option<u64> {
        self.sources.iter().map(Source::size).sum()
    }

    fn add_broken(&mut self, path: &Path, what: &str) {
        let file = self.sources.len();
        self.sources.push(Source::Bytes {
            name: path.to_string_lossy().into_owned(),
            bytes: Arc::from([]),
        });
        self.faults.add_broken(file, 0, what);
    }

    fn add_folder(&mut self, folder: &Path, depth: usize) {
        if depth > DEPTH_MAX {
            self.add_broken(folder, "folders are nested too deeply");
            return;
        }
        let entries = fs::read_dir(folder).and_then(Iterator::collect::<io::Result<Vec<_>>>);
        let mut entries = match entries {
            Ok(entries) => entries,
            Err(error) => {
                self.add_broken(folder, &format!("cannot list the folder: {error}"));
                return;
            }
        };
        entries.sort_by_key(fs::DirEntry::file_name);
        for entry in entries {
            let path = entry.path();
            // A link to a folder is not followed: it may lead back.
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                self.add_folder(&path, depth + 1);
            } else if path.is_file() {
                if path.file_name() != Some(OsStr::new("aws-logs-write-test")) {
                    self.sources.push(Source::Path(path));
                }
            } else {
                self.add_broken(
                    &path,
                    "not a file: it is a broken link, a link to a folder, or a device",
                );
            }
        }
    }
}
