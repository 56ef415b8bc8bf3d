//! `pgvigil package`, on programs that a real linker made (`tests/package/make`).

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests may panic"
)]

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

const POLICY: &str = "version: 1\nprovider: aws\naccount: \"123456789012\"\nregion: eu-central-1\nclusters: [orders]\n\
                      notifications: {email: [dba@example.com]}\n";

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/package")
        .join(name)
}

/// Runs `package` in a repository whose environments are `prod` (arm64) and `quiet` (log alarms).
fn package(folder: &Path, arguments: &[&str]) -> Output {
    let environments = folder.join("environments");
    fs::create_dir_all(&environments).unwrap();
    fs::create_dir_all(folder.join("rules")).unwrap();
    fs::write(environments.join("prod.yaml"), POLICY).unwrap();
    let quiet = POLICY.replace("[orders]", "[billing]") + "engine: log-alarm\n";
    fs::write(environments.join("quiet.yaml"), quiet).unwrap();
    Command::new(env!("CARGO_BIN_EXE_pgvigil"))
        .arg("package")
        .args(arguments)
        .current_dir(folder)
        .output()
        .unwrap()
}

fn said(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
        + &String::from_utf8(output.stderr.clone()).unwrap()
}

#[test]
fn the_same_program_gives_the_same_bytes() {
    let (here, there) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    // Another place, another name, another time, other permissions.
    let copy = there.path().join("copy");
    fs::copy(fixture("arm64"), &copy).unwrap();
    fs::set_permissions(&copy, fs::Permissions::from_mode(0o600)).unwrap();
    fs::File::options()
        .write(true)
        .open(&copy)
        .unwrap()
        .set_modified(std::time::UNIX_EPOCH)
        .unwrap();
    let original = fixture("arm64");
    let first = package(
        here.path(),
        &[
            "--env",
            "prod",
            "--binary",
            original.to_str().unwrap(),
            "--format",
            "json",
        ],
    );
    assert_eq!(first.status.code(), Some(0), "{}", said(&first));
    let second = package(
        there.path(),
        &[
            "--architecture",
            "arm64",
            "--binary",
            "copy",
            "--out",
            "other.zip",
        ],
    );
    assert_eq!(second.status.code(), Some(0), "{}", said(&second));
    let zip = fs::read(here.path().join("pgvigil-monitor-arm64.zip")).unwrap();
    assert_eq!(zip, fs::read(there.path().join("other.zip")).unwrap());
    let report: Value = serde_json::from_slice(&first.stdout).unwrap();
    assert_eq!(report["path"], "pgvigil-monitor-arm64.zip");
    assert_eq!(report["architecture"], "arm64");
    assert_eq!(report["glibc"], "2.34");
    assert_eq!(report["size"], zip.len());
    // By another tool, in the two forms that people compare.
    let sum = Command::new("sha256sum")
        .arg(here.path().join("pgvigil-monitor-arm64.zip"))
        .output()
        .unwrap();
    let sum = String::from_utf8(sum.stdout).unwrap();
    let hex = sum.split(' ').next().unwrap();
    assert_eq!(report["sha256"], hex);
    let text = said(&second);
    assert!(
        text.contains(hex) && text.contains(report["code_sha256"].as_str().unwrap()),
        "{text}"
    );
    assert!(
        text.starts_with("other.zip\n  architecture  arm64\n  glibc         2.34\n"),
        "{text}"
    );
    // Nothing else is left.
    assert_eq!(fs::read_dir(there.path()).unwrap().count(), 4);
}

#[test]
fn what_lambda_could_not_run_is_refused_and_leaves_no_file() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("script"), "#!/bin/sh\n").unwrap();
    let fixtures = |name: &str| fixture(name).to_str().unwrap().to_owned();
    for (processor, program, words) in [
        (
            "arm64",
            fixtures("x86_64"),
            "the program is for x86_64, but the package is for arm64",
        ),
        (
            "x86_64",
            fixtures("arm64"),
            "the program is for arm64, but the package is for x86_64",
        ),
        (
            "x86_64",
            fixtures("x86_64-newer-glibc"),
            "needs glibc 2.36 (`libc.so.6`), but provided.al2023 has 2.34",
        ),
        (
            "x86_64",
            fixtures("x86_64-musl"),
            "is loaded by `/lib/ld-musl-x86_64.so.1`",
        ),
        ("x86_64", "script".to_owned(), "is not an ELF file"),
        (
            "x86_64",
            "nothing-there".to_owned(),
            "cannot read nothing-there",
        ),
        ("x86_64", ".".to_owned(), "cannot read ."),
    ] {
        let ran = package(
            folder.path(),
            &["--architecture", processor, "--binary", &program],
        );
        let text = said(&ran);
        assert_eq!(ran.status.code(), Some(1), "{program}: {text}");
        assert!(text.contains(words), "{program}: {text}");
        assert!(
            text.contains(&program),
            "it does not say which file: {text}"
        );
        assert!(
            !folder
                .path()
                .join(format!("pgvigil-monitor-{processor}.zip"))
                .exists()
        );
    }
}

#[test]
fn says_what_is_missing() {
    let folder = tempfile::tempdir().unwrap();
    for (arguments, code, words) in [
        (&[][..], 2, "no processor: give"),
        (&["--env", "quiet"], 2, "which needs no package"),
        (&["--env", "nowhere"], 2, "nowhere"),
        (
            &["--env", "prod", "--architecture", "arm64"],
            2,
            "cannot be used with",
        ),
        (&["--env", "prod"], 1, "does not contain pgvigil's source"),
        (
            &["--architecture", "arm64", "--binary", "x", "--source", "."],
            2,
            "cannot be used with",
        ),
    ] {
        let ran = package(folder.path(), arguments);
        let text = said(&ran);
        assert_eq!(ran.status.code(), Some(code), "{arguments:?}: {text}");
        assert!(text.contains(words), "{arguments:?}: {text}");
    }
}

/// A build needs tools: without them nothing is tried, and the words say how to get them.
#[test]
fn a_build_without_its_tools_says_how_to_get_them() {
    let folder = tempfile::tempdir().unwrap();
    package(folder.path(), &["--env", "prod"]);
    let ran = Command::new(env!("CARGO_BIN_EXE_pgvigil"))
        .args([
            "package",
            "--env",
            "prod",
            "--source",
            env!("CARGO_MANIFEST_DIR"),
        ])
        .current_dir(folder.path())
        .env("PATH", folder.path())
        .output()
        .unwrap();
    let text = said(&ran);
    assert_eq!(ran.status.code(), Some(1), "{text}");
    assert!(
        text.contains("pip install cargo-zigbuild ziglang"),
        "{text}"
    );
}

/// A folder that cannot be written, a full disk: no half of a package is left.
#[test]
fn a_file_that_cannot_be_written_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let program = fixture("arm64");
    for out in ["no/such/folder.zip", "/dev/full/x.zip", "/proc/x.zip"] {
        let ran = package(
            folder.path(),
            &[
                "--env",
                "prod",
                "--binary",
                program.to_str().unwrap(),
                "--out",
                out,
            ],
        );
        let text = said(&ran);
        assert_eq!(ran.status.code(), Some(1), "{out}: {text}");
        assert!(text.contains("cannot write"), "{out}: {text}");
    }
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);
}
