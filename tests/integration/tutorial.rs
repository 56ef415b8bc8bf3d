//! docs/tutorial.md is run: each command by a shell, in order, in a folder that is empty at first.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "helpers of tests may panic"
)]

use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use crate::console::{self, Place};
use crate::recorded::root;

/// The day of the tutorial.
const TODAY: &str = "2026-11-27";

/// A person's machine: a home, a folder for the policy, and `pgvigil` on the path.
struct Machine {
    scratch: tempfile::TempDir,
}

impl Machine {
    fn new() -> Self {
        let machine = Self {
            scratch: tempfile::tempdir().unwrap(),
        };
        let programs = machine.folder("bin");
        let program = programs.join("pgvigil");
        let built = env!("CARGO_BIN_EXE_pgvigil");
        std::fs::write(
            &program,
            format!("#!/bin/sh\nexec {built} --today {TODAY} --color never \"$@\"\n"),
        )
        .unwrap();
        std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
        machine
    }

    fn folder(&self, name: &str) -> PathBuf {
        let folder = self.scratch.path().join(name);
        std::fs::create_dir_all(&folder).unwrap();
        folder
    }
}

impl Place for Machine {
    /// What a person sees on a terminal that is no terminal: both streams, and a code that is not 0.
    fn run(&mut self, command: &str) -> Result<String, String> {
        let path = format!(
            "{}:{}",
            self.folder("bin").display(),
            std::env::var("PATH").unwrap()
        );
        let output = Command::new("bash")
            .args(["--norc", "-c", "exec 2>&1; eval \"$1\"", "bash", command])
            .current_dir(self.folder("policy"))
            .env_clear()
            .env("PATH", path)
            .env("HOME", self.folder("home"))
            .env("LC_ALL", "C.UTF-8")
            .env("TZ", "UTC")
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("GIT_AUTHOR_DATE", "2026-11-27T09:00:00Z")
            .env("GIT_COMMITTER_DATE", "2026-11-27T09:00:00Z")
            .stdin(Stdio::null())
            .output()
            .map_err(|error| error.to_string())?;
        let mut text = String::from_utf8(output.stdout).map_err(|error| error.to_string())?;
        match output.status.code() {
            Some(0) => {}
            Some(127) | None => return Err(format!("`{command}` cannot be run: {text}")),
            Some(code) => text.push_str(&format!("(exit code {code})\n")),
        }
        Ok(without_digests(&text))
    }

    fn write(&mut self, path: &str, content: &str) -> Result<(), String> {
        let file = self.folder("policy").join(path);
        let folder = file.parent().ok_or("the file has no folder")?;
        std::fs::create_dir_all(folder)
            .and_then(|()| std::fs::write(&file, content))
            .map_err(|error| format!("{path}: {error}"))
    }
}

/// The text without digests of commits and of queries: they change with every file of the shipped policy.
fn without_digests(text: &str) -> String {
    let mut fresh = String::new();
    let mut word = String::new();
    for character in text.chars().chain(['\0']) {
        if character.is_ascii_alphanumeric() {
            word.push(character);
            continue;
        }
        let is_digest = [12, 40].contains(&word.len())
            && word
                .bytes()
                .all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
            && word.bytes().any(|byte| byte.is_ascii_lowercase());
        fresh.push_str(if is_digest { "…" } else { &word });
        word.clear();
        fresh.push(character);
    }
    fresh.trim_end_matches('\0').to_owned()
}

#[test]
fn the_first_hour_is_as_it_is_told() {
    console::holds(&root().join("docs/tutorial.md"), &mut Machine::new());
}

#[test]
fn the_machine_shows_what_happens() {
    let mut machine = Machine::new();
    machine.write("a/b", "one\n").unwrap();
    assert_eq!(machine.run("cat a/b; ls").unwrap(), "one\na\n");
    assert_eq!(
        machine
            .run("pgvigil check >&2; true")
            .unwrap()
            .lines()
            .next(),
        Some("error[source/no-files]: there are no files under `rules/` and `environments/`")
    );
    assert!(
        machine
            .run("pgvigil check")
            .unwrap()
            .ends_with("(exit code 10)\n")
    );
    assert!(machine.run("no-such-program").is_err());
    assert_eq!(
        without_digests(
            "HEAD (b1566a31cd5b) 000000000000 b0641eb9 b1566a31cd5b43cec99a16ce2abaf7ab9d7ba6a0."
        ),
        "HEAD (…) 000000000000 b0641eb9 …."
    );
}
