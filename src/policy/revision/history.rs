//! The commits that changed the policy files, as the main line of a repository has them.

use std::path::Path;

use jiff::Timestamp;

use super::{RevisionError, git};

/// A commit that changed the policy files. Its texts are those of whoever wrote it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Version {
    /// Its object name.
    pub commit: String,
    /// The commit before it on the main line; none for the first of a repository.
    pub before: Option<String>,
    /// `NAME <ADDRESS>` of its author.
    pub author: String,
    /// When it was committed.
    pub committed: Timestamp,
    /// Its first line.
    pub subject: String,
    /// The values of its trailers `Reviewed-by`, `Approved-by` and `Acked-by`.
    pub approvals: Vec<String>,
}

/// One field after another, and a commit after another: no text of a commit contains these bytes, since Git keeps no NUL, and
/// a name with a control character in it stays one field.
const FORMAT: &str = "--format=%x1e%H%x00%P%x00%an <%ae>%x00%cI%x00%s%x00%(trailers:key=Reviewed-by,key=Approved-by,key=Acked-by,valueonly,separator=%x01)%x00";

/// The commits up to `head` that changed the policy files, the oldest first. A merge counts as one change of the line that it
/// was merged into.
///
/// # Errors
/// If git cannot be asked.
pub fn history(root: &Path, head: &str) -> Result<Vec<Version>, RevisionError> {
    let arguments = [
        "log",
        "--first-parent",
        "--no-show-signature",
        "--no-mailmap",
        FORMAT,
        head,
        "--",
        "rules",
        "environments",
        "access",
    ];
    let log = git::of_objects(root, &arguments, b"")?;
    let log = String::from_utf8_lossy(&log);
    let mut versions: Vec<Version> = Vec::new();
    let mut fields = log.split('\0');
    while let (
        Some(commit),
        Some(parents),
        Some(author),
        Some(committed),
        Some(subject),
        Some(approvals),
    ) = (
        fields.next(),
        fields.next(),
        fields.next(),
        fields.next(),
        fields.next(),
        fields.next(),
    ) {
        let commit = commit.trim().trim_start_matches('\u{1e}').to_owned();
        let committed = committed.parse().map_err(|_| {
            RevisionError::Git(format!("commit {commit} has no time that can be read"))
        })?;
        versions.push(Version {
            before: parents
                .split(' ')
                .next()
                .filter(|parent| !parent.is_empty())
                .map(str::to_owned),
            author: author.to_owned(),
            committed,
            subject: subject.to_owned(),
            approvals: approvals
                .split('\u{1}')
                .map(str::trim)
                .filter(|value| !value.is_empty())
                .map(str::to_owned)
                .collect(),
            commit,
        });
    }
    versions.reverse();
    Ok(versions)
}

/// Whether the history of a repository is cut off, as in the clone of a pipeline.
///
/// # Errors
/// If git cannot be asked.
pub fn is_shallow(root: &Path) -> Result<bool, RevisionError> {
    let answer = git::of_objects(root, &["rev-parse", "--is-shallow-repository"], b"")?;
    Ok(answer.trim_ascii() == b"true")
}
