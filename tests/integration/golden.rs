//! What the shipped policy compiles to, byte for byte: `tests/golden/compiled/`.
//! `PGVIGIL_UPDATE=1 cargo test` rewrites it.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests may panic"
)]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use jiff::civil::{Date, date};
use pgvigil::compile::monitor_environment::{RULES_DIGEST, size};
use pgvigil::compile::{self, QUERY_LIMIT};
use pgvigil::{insights, policy};
use serde_json::Value;

const TODAY: Date = date(2026, 11, 22);
/// The value of every secret that the shipped environments name.
const SECRET: &str = "https://hooks.example.com/9f8e7d6c5b4a";

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Every artefact of every shipped environment, by path.
fn compiled() -> BTreeMap<String, String> {
    let loaded = policy::load(root()).unwrap();
    let environments = &loaded.policy.environments;
    assert!(!environments.is_empty());
    let artefacts = environments
        .iter()
        .flat_map(|environment| compile::compile(&loaded, environment, TODAY).artefacts);
    artefacts.map(|file| (file.path, file.text)).collect()
}

/// Every file below a folder, by path.
fn files(folder: &Path) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let mut folders = vec![PathBuf::new()];
    while let Some(below) = folders.pop() {
        let Ok(entries) = std::fs::read_dir(folder.join(&below)) else {
            continue;
        };
        for entry in entries {
            let entry = entry.unwrap();
            let path = below.join(entry.file_name());
            if entry.file_type().unwrap().is_dir() {
                folders.push(path);
            } else {
                let text = std::fs::read_to_string(entry.path()).unwrap();
                found.insert(
                    path.to_str()
                        .unwrap()
                        .replace(std::path::MAIN_SEPARATOR, "/"),
                    text,
                );
            }
        }
    }
    found
}

/// Names the files that differ, and the first lines that do.
#[track_caller]
fn assert_same(actual: &BTreeMap<String, String>, expected: &BTreeMap<String, String>) {
    let mut faults = Vec::new();
    for (path, text) in actual {
        match expected.get(path) {
            None => faults.push(format!("{path}: not expected")),
            Some(other) if other != text => {
                let pair = text
                    .lines()
                    .zip(other.lines())
                    .enumerate()
                    .find(|(_, (a, b))| a != b);
                let (number, (a, b)) = pair.unwrap_or((text.lines().count(), ("", "")));
                let short = |line: &str| line.chars().take(120).collect::<String>();
                faults.push(format!(
                    "{path}:{}:\n  is       {}\n  expected {}",
                    number + 1,
                    short(a),
                    short(b)
                ));
            }
            Some(_) => {}
        }
    }
    faults.extend(
        expected
            .keys()
            .filter(|path| !actual.contains_key(*path))
            .map(|path| format!("{path}: missing")),
    );
    assert!(
        faults.is_empty(),
        "PGVIGIL_UPDATE=1 rewrites tests/golden\n{}",
        faults.join("\n")
    );
}

#[test]
fn shipped_environments_compile_to_the_golden_files() {
    let folder = root().join("tests/golden/compiled");
    let actual = compiled();
    if std::env::var_os("PGVIGIL_UPDATE").is_some() {
        if folder.exists() {
            std::fs::remove_dir_all(&folder).unwrap();
        }
        for (path, text) in &actual {
            let path = folder.join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
    }
    assert_same(&actual, &files(&folder));
}

#[test]
fn compiling_again_elsewhere_gives_the_same_bytes_and_no_secret() {
    let actual = compiled();
    assert_same(&compiled(), &actual);

    // Another process, folder, language, time zone; and secrets that it could see.
    let elsewhere = tempfile::tempdir().unwrap();
    let out = elsewhere.path().join("out");
    let ran = Command::new(env!("CARGO_BIN_EXE_pgvigil"))
        .args(["--today", "2026-11-22", "compile", "--root"])
        .arg(root())
        .arg("--out")
        .arg(&out)
        .current_dir(elsewhere.path())
        .envs([
            ("TZ", "Asia/Tokyo"),
            ("LANG", "tr_TR.UTF-8"),
            ("LC_ALL", "tr_TR.UTF-8"),
            ("INCIDENT_URL", SECRET),
        ])
        .env("HOME", elsewhere.path())
        .output()
        .unwrap();
    assert!(
        ran.status.success(),
        "{}",
        String::from_utf8_lossy(&ran.stderr)
    );
    assert_same(&files(&out), &actual);

    let here = [
        root().to_str().unwrap(),
        elsewhere.path().to_str().unwrap(),
        SECRET,
    ];
    for (path, text) in &actual {
        for foreign in here {
            assert!(!text.contains(foreign), "{path} holds {foreign}");
        }
    }
}

#[test]
fn queries_parse_fit_and_print_again() {
    let mut count = 0;
    for (path, text) in compiled() {
        let mut queries = Vec::new();
        if path.ends_with(".cwli") {
            queries.push(text);
        } else if path.ends_with(".json") {
            collect(&serde_json::from_str(&text).unwrap(), &mut queries);
        }
        for query in queries {
            count += 1;
            let characters = query.chars().count();
            assert!(characters <= QUERY_LIMIT, "{path}: {characters} characters");
            let tree =
                insights::parse(&query).unwrap_or_else(|faults| panic!("{path}: {faults:?}"));
            let printed = tree.to_string();
            let again = insights::parse(&printed)
                .unwrap_or_else(|faults| panic!("{path}, printed: {faults:?}"));
            assert_eq!(again.to_string(), printed, "{path}");
        }
    }
    assert!(count >= 4, "only {count} queries were found");
}

/// Every text under a key `query`.
fn collect(value: &Value, queries: &mut Vec<String>) {
    match value {
        Value::Object(object) => {
            for (key, value) in object {
                match value {
                    Value::String(text) if key == "query" && text.contains("filter ") => {
                        // A dashboard's query says first which log groups it reads: that is no part of the language.
                        let text = if text.starts_with("SOURCE ") {
                            text.split_once('|').unwrap().1
                        } else {
                            text
                        };
                        queries.push(text.trim_start().to_owned());
                    }
                    _ => collect(value, queries),
                }
            }
        }
        Value::Array(values) => values.iter().for_each(|value| collect(value, queries)),
        _ => {}
    }
}

/// Whatever the policy: the rules travel in the layer, and the variables name their digest.
#[test]
fn monitors_get_the_digest_of_the_rules_in_a_kilobyte() {
    let all = compiled();
    let mut count = 0;
    for (path, text) in all.iter().filter(|(path, _)| path.ends_with(".json")) {
        let environment = path.split('/').next().unwrap();
        let mut monitors = Vec::new();
        variables(&serde_json::from_str(text).unwrap(), &mut monitors);
        for monitor in monitors {
            count += 1;
            let bytes = size(&monitor);
            assert!(bytes < 1024, "{path}: {bytes} bytes");
            let rules = &all[&format!("{environment}/policy.json")];
            assert_eq!(
                pgvigil::digest::sha256(rules),
                monitor[RULES_DIGEST],
                "{path}"
            );
        }
    }
    let shared = all
        .keys()
        .filter(|path| path.ends_with("/monitor-env.json"))
        .count();
    assert!(count > shared, "{count} monitors, {shared} of them shared");
}

/// Every set of variables that names the digest of rules.
fn variables(value: &Value, monitors: &mut Vec<BTreeMap<String, String>>) {
    match value {
        Value::Object(object) if object.contains_key(RULES_DIGEST) => {
            let text = |value: &Value| value.as_str().unwrap().to_owned();
            monitors.push(
                object
                    .iter()
                    .map(|(key, value)| (key.clone(), text(value)))
                    .collect(),
            );
        }
        Value::Object(object) => object.values().for_each(|value| variables(value, monitors)),
        Value::Array(values) => values.iter().for_each(|value| variables(value, monitors)),
        _ => {}
    }
}

/// A file below `tests/golden`, byte for byte.
#[track_caller]
pub(crate) fn holds(name: &str, actual: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/golden")
        .join(name);
    if std::env::var_os("PGVIGIL_UPDATE").is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, actual).unwrap();
    }
    let expected = std::fs::read_to_string(&path).unwrap_or_default();
    let differs = actual
        .lines()
        .zip(expected.lines())
        .position(|(is, was)| is != was)
        .unwrap_or_else(|| actual.lines().count().min(expected.lines().count()));
    assert!(
        actual == expected,
        "tests/golden/{name}:{}: PGVIGIL_UPDATE=1 rewrites tests/golden\n  is       {:?}\n  expected {:?}",
        differs + 1,
        actual.lines().nth(differs),
        expected.lines().nth(differs)
    );
}
