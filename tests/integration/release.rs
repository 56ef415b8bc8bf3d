//! The scripts of a release that need no build: keys, archives, notes, and what names the packages.

#![allow(clippy::unwrap_used, reason = "helpers of tests may panic")]

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use crate::recorded::root;

fn run(folder: &Path, script: &str, args: &[&str], env: &[(&str, &str)]) -> Output {
    Command::new(folder.join(script))
        .args(args)
        .env_remove("PGVIGIL_REPOSITORY")
        .env_remove("PGVIGIL_HOMEPAGE")
        .envs(env.iter().copied())
        .output()
        .unwrap()
}

/// A folder with copies of these files of the repository.
fn copy(paths: &[&str]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for path in paths {
        let target = folder.path().join(path);
        fs::create_dir_all(target.parent().unwrap()).unwrap();
        fs::copy(root().join(path), target).unwrap();
    }
    folder
}

#[test]
fn the_keys_are_those_of_the_variables_and_what_is_no_url_changes_nothing() {
    let folder = copy(&["Cargo.toml", "Cargo.lock", "release/keys"]);
    for source in [
        "src/lib.rs",
        "src/bin/pgvigil/main.rs",
        "src/bin/pgvigil-monitor/main.rs",
        "tests/integration/main.rs",
        "benches/judge.rs",
    ] {
        let path = folder.path().join(source);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, "").unwrap();
    }
    let manifest = || fs::read_to_string(folder.path().join("Cargo.toml")).unwrap();
    let before = manifest();
    assert!(!before.contains("\nrepository = ") && !before.contains("\nhomepage = "));
    for url in [
        "",
        "http://example.com/a",
        "https://example.com/\"\nx = \"",
        "example",
    ] {
        let done = run(
            folder.path(),
            "release/keys",
            &[],
            &[("PGVIGIL_REPOSITORY", url)],
        );
        assert_eq!(done.status.code(), Some(2), "{done:?}");
        assert_eq!(manifest(), before);
    }
    let repository = ("PGVIGIL_REPOSITORY", "https://github.com/shop/pgvigil");
    for (more, homepage) in [
        (vec![], "https://github.com/shop/pgvigil"),
        (
            vec![("PGVIGIL_HOMEPAGE", "https://pgvigil.example.com")],
            "https://pgvigil.example.com",
        ),
    ] {
        let env = [vec![repository], more].concat();
        let done = run(folder.path(), "release/keys", &[], &env);
        assert!(done.status.success(), "{done:?}");
        let keys = format!(
            "\nrepository = \"https://github.com/shop/pgvigil\"\nhomepage = \"{homepage}\"\n"
        );
        assert_eq!(manifest().replacen(&keys, "\n", 1), before);
    }
}

#[test]
fn an_archive_has_the_same_bytes_whoever_packs_it_and_the_notes_have_its_sizes() {
    let folder = tempfile::tempdir().unwrap();
    let packed = |place: &str, name: &str, end: &str, mode: &str| {
        let base = folder.path().join(place).join("pgvigil-9.9.9-x");
        fs::create_dir_all(&base).unwrap();
        fs::write(base.join("pgvigil"), vec![b'x'; 1_200_000]).unwrap();
        let chmod = Command::new("chmod")
            .arg(mode)
            .arg(base.join("pgvigil"))
            .status();
        assert!(chmod.unwrap().success());
        let file = folder
            .path()
            .join(format!("{place}-dist/pgvigil-9.9.9-x{end}"));
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        let from = folder.path().join(place);
        let args = [from.to_str().unwrap(), name, file.to_str().unwrap()];
        let done = run(
            root(),
            "release/archive",
            &args,
            &[("SOURCE_DATE_EPOCH", "1796221723")],
        );
        assert!(done.status.success(), "{done:?}");
        fs::read(file).unwrap()
    };
    for (name, end) in [("pgvigil-9.9.9-x", ".tar.gz"), (".", ".tar")] {
        assert_eq!(
            packed("a", name, end, "0755"),
            packed("b", name, end, "0700")
        );
    }
    let dist = folder.path().join("a-dist");
    let done = run(
        root(),
        "release/notes",
        &["9.9.9", dist.to_str().unwrap()],
        &[],
    );
    let text = String::from_utf8(done.stdout).unwrap();
    assert!(
        text.contains("| pgvigil-9.9.9-x.tar.gz | 0.0 MB | 1.2 MB |\n"),
        "{text}"
    );
}

#[test]
fn the_hook_is_the_one_that_init_writes_and_the_archive_the_one_that_binstall_fetches() {
    let read = |path: &str| fs::read_to_string(root().join(path)).unwrap();
    let hook = read(".pre-commit-hooks.yaml");
    let written = read("src/begin/templates/pre-commit-config.yaml");
    for key in ["id", "entry", "language", "pass_filenames", "files"] {
        let of = |text: &str| {
            let line = text
                .lines()
                .map(|line| line.trim_start_matches([' ', '-']))
                .find(|line| line.starts_with(&format!("{key}:")));
            line.unwrap().to_owned()
        };
        assert_eq!(of(&hook), of(&written));
    }
    let manifest = read("Cargo.toml");
    assert!(manifest.contains("/v{ version }/pgvigil-{ version }-{ target }.tar.gz\""));
    assert!(read("release/build").contains("name=pgvigil-$version-$target\n"));
}
