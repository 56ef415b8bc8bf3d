//! The policy files of a Git revision, and who wrote a change of them.
//!
//! Asks the `git` program, which every checkout of a pipeline has. Nothing is written, and names that
//! a person gives are never taken for options.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use super::load::{Loaded, MAX_BYTES, load_from};

/// Why a revision cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum RevisionError {
    /// There is no `git` program, or it could not be talked to.
    #[error("cannot run git: {0}")]
    Run(#[from] std::io::Error),
    /// The folder is in no repository, or git refuses it.
    #[error("git says: {0}")]
    Git(String),
    /// A name that stands for no commit.
    #[error(
        "there is no revision `{0}` here; a shallow clone lacks history: fetch it with `git fetch --unshallow`"
    )]
    Unknown(String),
    /// A file of the revision is no plain file, or too large.
    #[error("{0} of {1} is not a plain file of at most 1 MiB")]
    File(String, String),
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
    match git(root, &arguments, b"") {
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
    match git(root, &["merge-base", base, head], b"") {
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
    let prefix = git(root, &["rev-parse", "--show-prefix"], b"")?;
    Ok(String::from_utf8_lossy(&prefix).trim_end().to_owned())
}

/// Reads the policy files of a commit. The folder may be a part of the repository.
///
/// # Errors
/// If git cannot be asked, or a policy file is a link or too large.
pub fn load_commit(root: &Path, commit: &str) -> Result<Loaded, RevisionError> {
    let listing = git(
        root,
        &[
            "ls-tree",
            "-r",
            "-z",
            "-l",
            commit,
            "--",
            "rules",
            "environments",
        ],
        b"",
    )?;
    let listing = String::from_utf8_lossy(&listing).into_owned();
    let mut paths = Vec::new();
    let mut objects = String::new();
    for line in listing.split('\0').filter(|line| !line.is_empty()) {
        let Some((head, path)) = line.split_once('\t') else {
            continue;
        };
        let name = path.rsplit('/').next().unwrap_or_default();
        let is_yaml = name.ends_with(".yaml") || name.ends_with(".yml");
        if !is_yaml || path.split('/').any(|part| part.starts_with('.')) {
            continue;
        }
        let mut words = head.split_ascii_whitespace();
        let (mode, _, object, size) = (words.next(), words.next(), words.next(), words.next());
        let is_small = size
            .and_then(|size| size.parse::<usize>().ok())
            .is_some_and(|size| size <= MAX_BYTES);
        let (Some("100644" | "100755"), Some(object), true) = (mode, object, is_small) else {
            return Err(RevisionError::File(path.to_owned(), commit.to_owned()));
        };
        paths.push(path.to_owned());
        objects.push_str(object);
        objects.push('\n');
    }
    let contents = git(root, &["cat-file", "--batch"], objects.as_bytes())?;
    let mut rest = contents.as_slice();
    let mut files = Vec::new();
    for path in paths {
        // `OBJECT blob SIZE`, a line break, the bytes, a line break.
        let end = memchr::memchr(b'\n', rest).unwrap_or(rest.len());
        let (head, after) = rest.split_at(end);
        let size = String::from_utf8_lossy(head)
            .rsplit(' ')
            .next()
            .and_then(|size| size.parse::<usize>().ok());
        let (Some(size), Some(after)) = (size, after.get(1..)) else {
            return Err(RevisionError::File(path, commit.to_owned()));
        };
        let Some((bytes, after)) = after.split_at_checked(size) else {
            return Err(RevisionError::File(path, commit.to_owned()));
        };
        files.push((path, bytes.to_vec()));
        rest = after.get(1..).unwrap_or_default();
    }
    Ok(load_from(files))
}

/// The addresses of those who wrote the commits after `base` that touch the policy files, up to `head`,
/// sorted, in lower case, without the noise of `.mailmap`.
///
/// # Errors
/// If git cannot be asked.
pub fn authors(root: &Path, base: &str, head: &str) -> Result<Vec<String>, RevisionError> {
    let range = format!("{base}..{head}");
    let log = git(
        root,
        &[
            "log",
            "--format=%ae%n%ce%n%(trailers:key=Co-authored-by,valueonly)",
            &range,
            "--",
            "rules",
            "environments",
        ],
        b"",
    )?;
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

/// The address with which this checkout would commit, if files below `rules` or `environments` are not
/// committed yet.
///
/// # Errors
/// If git cannot be asked.
pub fn author_of_changes(root: &Path) -> Result<Option<String>, RevisionError> {
    let status = git(
        root,
        &["status", "--porcelain", "--", "rules", "environments"],
        b"",
    )?;
    if status.is_empty() {
        return Ok(None);
    }
    let address = git(root, &["config", "user.email"], b"").unwrap_or_default();
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
        "--name-status",
        "-z",
        // A file that is moved as it is; one that is changed too is gone.
        "--find-renames=100%",
        base,
    ];
    arguments.extend(head);
    arguments.push("--");
    let listing = git(root, &arguments, b"")?;
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
        "--name-only",
        "--no-renames",
        "-z",
        base,
        head,
        "--",
    ];
    let listing = git(root, &arguments, b"")?;
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
        Some(commit) => git(
            root,
            &["cat-file", "blob", &format!("{commit}:{path}")],
            b"",
        )
        .unwrap_or_default(),
        None => {
            let top = git(root, &["rev-parse", "--show-toplevel"], b"")?;
            let top = String::from_utf8_lossy(&top).trim_end().to_owned();
            std::fs::read(Path::new(&top).join(path)).unwrap_or_default()
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

fn git(root: &Path, arguments: &[&str], input: &[u8]) -> Result<Vec<u8>, RevisionError> {
    let mut child = Command::new("git")
        .arg("-C")
        .arg(root)
        .args(["-c", "core.quotePath=false"])
        .args(arguments)
        .env("LC_ALL", "C")
        .env("GIT_OPTIONAL_LOCKS", "0")
        .env("GIT_TERMINAL_PROMPT", "0")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    let stdin = child.stdin.take();
    let output = std::thread::scope(|scope| {
        // Git answers while it is asked: both ends have to move.
        scope.spawn(move || stdin.map(|mut stdin| stdin.write_all(input)));
        child.wait_with_output()
    })?;
    if output.status.success() {
        return Ok(output.stdout);
    }
    let message = String::from_utf8_lossy(&output.stderr);
    let message = message
        .trim()
        .trim_start_matches("fatal: ")
        .replace('\n', "; ");
    Err(RevisionError::Git(message))
}
