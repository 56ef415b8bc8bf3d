//! Git as the tests call it: without anybody's settings, and with an author.

#![allow(clippy::unwrap_used, reason = "helpers of tests may panic")]

use std::path::Path;
use std::process::Command;

/// Runs Git in a folder, and returns what it prints.
#[track_caller]
pub(crate) fn git(folder: &Path, arguments: &[&str]) -> String {
    let author = ["-c", "user.name=a", "-c", "user.email=nobody@example.com"];
    git_with(folder, &[&author, arguments].concat(), &[])
}

/// The same with variables, and by the author that the folder's configuration names.
#[track_caller]
pub(crate) fn git_with(folder: &Path, arguments: &[&str], variables: &[(&str, &str)]) -> String {
    let output = Command::new("git")
        .arg("-C")
        .arg(folder)
        .args(arguments)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .envs(variables.iter().copied())
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{arguments:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// Commits everything in a folder.
#[track_caller]
pub(crate) fn commit(folder: &Path, author: &str) {
    git(folder, &["add", "-A"]);
    let author = format!("user.email={author}");
    git(folder, &["-c", &author, "commit", "-q", "-m", "change"]);
}
