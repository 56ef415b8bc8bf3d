//! The unit of the watcher, as systemd reads it.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "helpers of tests may panic"
)]

use std::process::Command;

use crate::recorded::root;

/// What systemd says of a unit, whose program is the one that was built and whose manual page is there.
fn verified(unit: &str) -> (bool, String) {
    let folder = tempfile::tempdir().unwrap();
    let pages = folder.path().join("man");
    let made = Command::new(env!("CARGO_BIN_EXE_pgvigil"))
        .arg("man")
        .arg("--out")
        .arg(pages.join("man1"))
        .output()
        .unwrap();
    assert!(made.status.success());
    assert!(unit.contains("ExecStart=/usr/local/bin/pgvigil "));
    let unit = unit.replace("/usr/local/bin/pgvigil", env!("CARGO_BIN_EXE_pgvigil"));
    let path = folder.path().join("pgvigil-watch.service");
    std::fs::write(&path, unit).unwrap();
    // systemd reads every unit that this one depends on, and speaks of the faults of those too.
    let output = Command::new("systemd-analyze")
        .args(["verify", "--recursive-errors=no"])
        .arg(&path)
        .env("MANPATH", pages)
        .output()
        .expect("missing: systemd-analyze (Debian: systemd; `tests/run` installs it as root)");
    let said = String::from_utf8(output.stderr).unwrap();
    let own = said.lines().filter(|line| !is_of_another_unit(line));
    (
        output.status.success(),
        own.map(|line| format!("{line}\n")).collect(),
    )
}

/// Whether a line begins with another unit: `/lib/systemd/system/other.service:8: …` or `other.service: …`.
fn is_of_another_unit(line: &str) -> bool {
    let subject = line.split([':', ' ']).next().unwrap_or_default();
    let name = subject.rsplit('/').next().unwrap_or_default();
    let kinds = [
        ".service", ".socket", ".target", ".timer", ".mount", ".slice",
    ];
    kinds.iter().any(|kind| name.ends_with(kind)) && name != "pgvigil-watch.service"
}

#[test]
fn systemd_understands_the_unit_of_the_watcher() {
    let unit = std::fs::read_to_string(root().join("docs/pgvigil-watch.service")).unwrap();
    assert_eq!(verified(&unit), (true, String::new()));
    // What systemd does not understand, it says.
    let broken = unit.replace("ProtectSystem=strict", "ProtectSystem=strictly");
    assert!(verified(&broken).1.contains("strictly"));
    // Its arguments are a command line that pgvigil takes: all but the logs, which are not there.
    let start = unit
        .split_once("ExecStart=/usr/local/bin/pgvigil ")
        .unwrap()
        .1;
    let start = start
        .split_once("\nExecReload")
        .unwrap()
        .0
        .replace("\\\n", " ");
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path().display().to_string();
    let words = start
        .replace("${STATE_DIRECTORY}", &folder)
        .replace("${CREDENTIALS_DIRECTORY}", &folder)
        .replace("/etc/pgvigil/policy", &root().display().to_string())
        .replace("/var/log/postgresql", &folder)
        .replace("127.0.0.1:9187", "127.0.0.1:0");
    std::fs::write(
        format!("{folder}/webhook"),
        "https://incident.example.com/hook\n",
    )
    .unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_pgvigil"))
        .args(words.split_whitespace())
        .arg("--once")
        .output()
        .unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{said}");
}
