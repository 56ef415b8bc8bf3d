//! The policy files of a Git revision, and who wrote a change of them.
//!
//! Asks the `git` program, which every checkout of a pipeline has. Nothing is written, and names that
//! a person gives are never taken for options.

mod git;
pub mod history;

use std::path::Path;

use super::load::{
    FOLDERS, Loaded, MAX_BYTES, POLICY_FOLDERS, is_fixture, is_yaml, load_from, with_refused,
};
use super::refused::{Refused, Why, too_deep};

/// Why a revision cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum RevisionError {
    /// There is no `git` program, or it could not be talked to.
    #[error("cannot run git: {0}")]
    Run(#[from] std::io::Error),
    /// The folder is in no repository, or git refuses it.
    #[error("git failed: {0}")]
    Git(String),
    /// A name that stands for no commit.
    #[error(
        "there is no revision `{0}` here; if this is a shallow clone, fetch its history with `git fetch --unshallow`"
    )]
    Unknown(String),
    /// Git lacks a file that the revision has.
    #[error(
        "this clone lacks the file {0} of {1}, and pgvigil does not fetch files: complete a partial clone with `git fetch --refetch`"
    )]
    Lacking(String, String),
    /// Git took too long.
    #[error("gave up on `git {0}`: {1}")]
    Late(String, String),
}

/// The commit that a name stands for.
///
/// # Errors
/// If there is none, or git cannot be asked.
pub fn commit(root: &Path, name: &str) -> Result<String, RevisionError> {
    let wanted = format!("{name}^{{commit}}");
    let arguments = [
        "rev-parse",
        "--verify",
        "--quiet",
        "--end-of-options",
        &wanted,
    ];
    match git::of_objects(root, &arguments, b"") {
        Ok(commit) => Ok(String::from_utf8_lossy(&commit).trim().to_owned()),
        // Quiet about a name that it does not know, loud about everything else.
        Err(RevisionError::Git(message)) if message.is_empty() => {
            Err(RevisionError::Unknown(name.to_owned()))
        }
        Err(error) => Err(error),
    }
}

/// The commit where two lines of history parted; the first itself if they share nothing.
///
/// # Errors
/// If git cannot be asked.
pub fn merge_base(root: &Path, base: &str, head: &str) -> Result<String, RevisionError> {
    match git::of_objects(root, &["merge-base", base, head], b"") {
        Ok(commit) => Ok(String::from_utf8_lossy(&commit).trim().to_owned()),
        Err(RevisionError::Git(message)) if message.is_empty() => Ok(base.to_owned()),
        Err(error) => Err(error),
    }
}

/// Where the folder stands in its Git repository: empty, or a path that ends with a slash.
///
/// # Errors
/// If git cannot be asked, or the folder is in no repository.
pub fn place(root: &Path) -> Result<String, RevisionError> {
    let prefix = git::of_objects(root, &["rev-parse", "--show-prefix"], b"")?;
    Ok(String::from_utf8_lossy(&prefix).trim_end().to_owned())
}

/// Reads the policy files of a commit. The folder may be a part of the repository. What is not read, such as a link, is a
/// fault as it is in a folder.
///
/// # Errors
/// If git cannot be asked, or lacks a file.
pub fn load_commit(root: &Path, commit: &str) -> Result<Loaded, RevisionError> {
    let mut arguments = vec!["ls-tree", "-r", "-z", "-l", commit, "--"];
    arguments.extend(FOLDERS);
    let listing = git::of_objects(root, &arguments, b"")?;
    let listing = String::from_utf8_lossy(&listing).into_owned();
    let (mut files, mut refused, mut paths) = (Vec::new(), Vec::new(), Vec::new());
    let mut objects = String::new();
    for line in listing.split('\0').filter(|line| !line.is_empty()) {
        let Some((head, path)) = line.split_once('\t') else {
            continue;
        };
        if path.split('/').any(|part| part.starts_with('.')) {
            continue;
        }
        let mut words = head.split_ascii_whitespace();
        let (mode, _, object, size) = (words.next(), words.next(), words.next(), words.next());
        let size = size.and_then(|size| size.parse::<usize>().ok());
        let is_file = matches!(mode, Some("100644" | "100755"));
        if is_file && is_fixture(path) {
            continue;
        }
        let why = match (too_deep(path), mode) {
            (Some(folder), _) => {
                refused.push(Refused::new(folder, Why::Deep));
                continue;
            }
            (None, Some("120000")) => Why::Link,
            (None, Some("160000")) => Why::Submodule,
            (None, _) if !is_file => Why::NoFile,
            (None, _) if size.is_none_or(|size| size > MAX_BYTES) => Why::Large,
            _ => {
                // The text of a file that is not read is not needed.
                if is_yaml(path) {
                    paths.push(path.to_owned());
                    objects.push_str(object.unwrap_or_default());
                    objects.push('\n');
                } else {
                    files.push((path.to_owned(), Vec::new()));
                }
                continue;
            }
        };
        refused.push(Refused::new(path, why));
    }
    let contents = git::of_objects(root, &["cat-file", "--batch"], objects.as_bytes())?;
    let mut rest = contents.as_slice();
    for path in paths {
        // `OBJECT blob SIZE`, a line break, the bytes, a line break.
        let end = memchr::memchr(b'\n', rest).unwrap_or(rest.len());
        let (head, after) = rest.split_at(end);
        let size = String::from_utf8_lossy(head)
            .rsplit(' ')
            .next()
            .and_then(|size| size.parse::<usize>().ok());
        let content = size.zip(after.get(1..));
        let Some((bytes, after)) = content.and_then(|(size, text)| text.split_at_checked(size))
        else {
            return Err(RevisionError::Lacking(path, commit.to_owned()));
        };
        files.push((path, bytes.to_vec()));
        rest = after.get(1..).unwrap_or_default();
    }
    Ok(with_refused(load_from(files), refused))
}

/// The addresses of those who wrote the commits after `base` that touch the policy files, up to `head`,
/// sorted, in lower case, without the noise of `.mailmap`. A note is not policy: its author changes nothing that is judged.
///
/// # Errors
/// If git cannot be asked.
pub fn authors(root: &Path, base: &str, head: &str) -> Result<Vec<String>, RevisionError> {
    let range = format!("{base}..{head}");
    let mut arguments = vec![
        "log",
        "--no-show-signature",
        "--format=%ae%n%ce%n%(trailers:key=Co-authored-by,valueonly)",
        &range,
        "--",
    ];
    arguments.extend(POLICY_FOLDERS);
    let log = git::of_objects(root, &arguments, b"")?;
    // `NAME <ADDRESS>` of those who wrote it too.
    let log = String::from_utf8_lossy(&log);
    let addresses: Vec<&str> = log
        .lines()
        .map(|line| match line.rsplit_once('<') {
            Some((_, address)) => address.trim_end().trim_end_matches('>'),
            None => line,
        })
        .collect();
    Ok(sorted(&addresses.join("\n")))
}

/// The address with which this checkout would commit, if policy files are not committed yet.
///
/// # Errors
/// If git cannot be asked.
pub fn author_of_changes(root: &Path) -> Result<Option<String>, RevisionError> {
    let mut arguments = vec!["status", "--porcelain", "--ignore-submodules=dirty", "--"];
    arguments.extend(POLICY_FOLDERS);
    let status = git::of_files(root, &arguments)?;
    if status.is_empty() {
        return Ok(None);
    }
    let address = git::of_objects(root, &["config", "user.email"], b"").unwrap_or_default();
    Ok(sorted(&String::from_utf8_lossy(&address)).pop())
}

/// A file that is another one after a change, or gone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Changed {
    /// The path before, from the top of the repository.
    pub path: String,
    /// The path after; none where it is gone.
    pub now: Option<String>,
}

/// The files of `base` that `head` changes, moves or takes away; the working tree where no head is named. New files are not
/// among them.
///
/// # Errors
/// If git cannot be asked.
pub fn changed(root: &Path, base: &str, head: Option<&str>) -> Result<Vec<Changed>, RevisionError> {
    let mut arguments = vec![
        "diff",
        "--no-ext-diff",
        "--no-textconv",
        "--ignore-submodules=dirty",
        "--name-status",
        "-z",
        // A file that is moved as it is; one that is changed too is gone.
        "--find-renames=100%",
        base,
    ];
    arguments.extend(head);
    arguments.push("--");
    let listing = git::of_files(root, &arguments)?;
    let listing = String::from_utf8_lossy(&listing).into_owned();
    let mut fields = listing.split('\0').filter(|field| !field.is_empty());
    let mut found = Vec::new();
    while let Some(status) = fields.next() {
        let Some(path) = fields.next() else { break };
        let now = match status.chars().next() {
            Some('A') => continue,
            Some('D') => None,
            Some('C') => {
                fields.next();
                continue;
            }
            Some('R') => fields.next().map(str::to_owned),
            _ => Some(path.to_owned()),
        };
        found.push(Changed {
            path: path.to_owned(),
            now,
        });
    }
    Ok(found)
}

/// The files that differ between two commits, new ones too, from the top of the repository.
///
/// # Errors
/// If git cannot be asked.
pub fn paths(root: &Path, base: &str, head: &str) -> Result<Vec<String>, RevisionError> {
    let arguments = [
        "diff",
        "--no-ext-diff",
        "--no-textconv",
        "--name-only",
        "--no-renames",
        "-z",
        base,
        head,
        "--",
    ];
    let listing = git::of_objects(root, &arguments, b"")?;
    Ok(String::from_utf8_lossy(&listing)
        .split('\0')
        .filter(|path| !path.is_empty())
        .map(str::to_owned)
        .collect())
}

/// The text of a file of a commit; of the working tree where none is named. Empty where there is none, and where it is no
/// text. `path` is from the top of the repository.
///
/// # Errors
/// If git cannot be asked where the repository is.
pub fn text_of(root: &Path, commit: Option<&str>, path: &str) -> Result<String, RevisionError> {
    let bytes = match commit {
        Some(commit) => git::of_objects(
            root,
            &["cat-file", "blob", &format!("{commit}:{path}")],
            b"",
        )
        .unwrap_or_default(),
        None => {
            let top = git::of_objects(root, &["rev-parse", "--show-toplevel"], b"")?;
            let top = String::from_utf8_lossy(&top).trim_end().to_owned();
            let path = Path::new(&top).join(path);
            // Through a link another repository would be read, and a pipe may never end.
            match std::fs::symlink_metadata(&path) {
                Ok(about) if about.is_file() => std::fs::read(&path).unwrap_or_default(),
                _ => Vec::new(),
            }
        }
    };
    Ok(String::from_utf8(bytes).unwrap_or_default())
}

fn sorted(lines: &str) -> Vec<String> {
    let mut addresses: Vec<String> = lines
        .lines()
        .map(|line| line.trim().to_lowercase())
        .filter(|line| !line.is_empty())
        .collect();
    addresses.sort_unstable();
    addresses.dedup();
    addresses
}
