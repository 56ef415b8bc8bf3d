//! Notes on detections: they change nothing that is compiled or planned, and a review shows what a change does to them.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "helpers of tests may panic"
)]

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::{Value, json};

use crate::git::{commit, git};
use crate::hearing::Repository;

const EXPORT: &str = "  - id: customers-export
    detections: [3f9c2b7a1d04]
    finding: authorised
    text: alice looked for customers without an address, and no one wrote a grant
    author: bob
    date: 2026-11-30
";

const CLIENT: &str = "  - id: tables-of-the-client
    detections: [aa07c1d2e3f4]
    finding: tool
    text: the client lists the tables when it starts
    author: bob
    date: 2026-12-01
";

fn file(notes: &[&str]) -> String {
    format!("version: 1\nnotes:\n{}", notes.concat())
}

/// A repository whose branch `main` contains these notes.
fn with_notes(notes: &[&str]) -> Repository {
    let repository = Repository::new();
    let root = repository.0.path();
    git(root, &["checkout", "-q", "main"]);
    repository.write("notes/2026.yaml", &file(notes));
    commit(root, "carol@example.com");
    git(root, &["checkout", "-q", "-B", "change"]);
    repository
}

/// The review of what is committed, its exit code, and its text for people.
fn review(repository: &Repository) -> (Value, i32, String) {
    let run = |format: &str| {
        let arguments = ["ci", "pr", "--base", "main", "--format", format];
        repository.run("2026-12-01", &arguments)
    };
    let output = run("json");
    let result = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&output.stderr)));
    let text = String::from_utf8(run("human").stdout).unwrap();
    (result, output.status.code().unwrap(), text)
}

/// The summary of the step `notes`, if there is one.
fn told(result: &Value) -> Option<&str> {
    let mut steps = result["steps"].as_array().unwrap().iter();
    let step = steps.find(|step| step["name"] == "notes")?;
    assert_eq!(step["state"], "passed");
    step["summary"].as_str()
}

/// Code and message of each finding, without the warning about the policy of the repository that every review has.
fn findings(result: &Value) -> Vec<(&str, &str)> {
    let findings = result["findings"].as_array().unwrap().iter();
    findings
        .filter(|found| found["code"] != "exclusion/evadable")
        .map(|found| {
            (
                found["code"].as_str().unwrap(),
                found["message"].as_str().unwrap(),
            )
        })
        .collect()
}

/// Every file below a folder, by its path.
fn below(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in std::fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let name = path.strip_prefix(folder).unwrap().display().to_string();
                found.insert(name, std::fs::read(&path).unwrap());
            }
        }
    }
    found
}

/// What is compiled, and the saved plan of an environment.
fn made(repository: &Repository, into: &str) -> BTreeMap<String, Vec<u8>> {
    let place = repository.0.path().join(into);
    let compiled = repository.run("2026-12-01", &["compile", "--out", into]);
    assert_eq!(compiled.status.code(), Some(0), "{compiled:?}");
    let plan = format!("{into}/plan.json");
    let planned = repository.run("2026-12-01", &["plan", "--env", "dev", "--out", &plan]);
    assert!(place.join("plan.json").exists(), "{planned:?}");
    let mut found = below(&place);
    let saved: Value = serde_json::from_slice(&found["plan.json"]).unwrap();
    assert!(
        saved["resources"]
            .as_array()
            .is_some_and(|all| !all.is_empty()),
        "{saved}"
    );
    found.insert(
        "plan.json".to_owned(),
        without_time(saved).to_string().into_bytes(),
    );
    found
}

/// A plan without the time at which it was made, and without the digest over it.
fn without_time(mut plan: Value) -> Value {
    if let Some(entries) = plan.as_object_mut() {
        assert!(entries.remove("made_at").is_some());
        assert!(entries.remove("digest").is_some());
    }
    plan
}

#[test]
fn notes_change_nothing_that_is_compiled_or_planned() {
    let repository = Repository::new();
    let without = made(&repository, "out-1");
    assert!(without.len() > 5, "{:?}", without.keys());
    repository.write("notes/2026.yaml", &file(&[EXPORT, CLIENT]));
    repository.write("notes/deep/more.yaml", "version: 1\nnotes: []\n");
    assert_eq!(made(&repository, "out-2"), without);
    // The comparison can fail: a comment in the rules is another policy.
    let users = repository.0.path().join("rules/users.yaml");
    let text = std::fs::read_to_string(&users).unwrap();
    std::fs::write(&users, format!("# more\n{text}")).unwrap();
    assert_ne!(made(&repository, "out-3"), without);
}

/// Digests and rules do not depend on notes even if these cannot be read.
#[test]
fn broken_notes_change_no_digest() {
    let policy = |notes: &[(&str, &str)]| {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases/good");
        let mut files: Vec<(String, String)> = [
            "rules/rules.yaml",
            "environments/base.yaml",
            "environments/prod.yaml",
            "environments/local.yaml",
        ]
        .map(|path| {
            (
                path.to_owned(),
                std::fs::read_to_string(root.join(path)).unwrap(),
            )
        })
        .into();
        files.extend(
            notes
                .iter()
                .map(|(path, text)| ((*path).to_owned(), (*text).to_owned())),
        );
        let loaded = pgvigil::policy::load_from(files);
        let environments = loaded.policy.environments.iter();
        let made: Vec<_> = environments
            .map(|environment| {
                let rules = pgvigil::judge::Rules::of(&loaded.policy, environment);
                (environment.digest.clone(), rules.to_bytes())
            })
            .collect();
        (made, loaded.diagnostics.errors(), loaded.notes.len())
    };
    let (plain, errors, notes) = policy(&[]);
    assert_eq!((plain.len(), errors, notes), (2, 0, 0));
    for (text, errors, notes) in [
        (file(&[EXPORT]), 0, 1),
        (file(&[EXPORT, "  - id: lost\n"]), 5, 1),
        ("users: [".to_owned(), 1, 0),
        ("version: 1\nusers: []\n".to_owned(), 2, 0),
    ] {
        let (made, found, read) = policy(&[("notes/a.yaml", &text)]);
        assert_eq!(made, plain, "{text}");
        assert_eq!((found, read), (errors, notes), "{text}");
    }
}

#[test]
fn a_change_of_notes_alone_is_short_and_touches_no_environment() {
    let repository = Repository::new();
    repository.write("notes/2026.yaml", &file(&[EXPORT, CLIENT]));
    commit(repository.0.path(), "bob@example.com");
    let (result, exit, text) = review(&repository);
    assert_eq!(exit, 0, "{text}");
    assert_eq!(result["environments"], json!([]));
    assert_eq!(result["untouched"], json!(["dev", "prod"]));
    assert_eq!(
        told(&result),
        Some("2 notes added; no other policy file changes")
    );
    assert!(findings(&result).is_empty(), "{text}");
    assert_eq!(
        result["decision"],
        json!({"advice": "merge", "why": "the change touches no environment: 2 notes added; no other policy file changes"})
    );
    assert!(text.contains("2 notes added"), "{text}");
}

#[test]
fn notes_beside_another_change_hide_nothing_of_it() {
    let repository = Repository::new();
    repository.write("notes/2026.yaml", &file(&[EXPORT]));
    let users = repository.0.path().join("rules/users.yaml");
    let text = std::fs::read_to_string(&users).unwrap();
    std::fs::write(
        &users,
        text.replacen(
            "  - role: bob\n    owner: data-platform\n    environments: all\n",
            "",
            1,
        ),
    )
    .unwrap();
    commit(repository.0.path(), "carol@example.com");
    let (result, _, text) = review(&repository);
    assert_eq!(told(&result), Some("1 note added"));
    assert_eq!(result["environments"].as_array().unwrap().len(), 2);
    assert!(
        findings(&result)
            .iter()
            .any(|(code, _)| *code == "impact/hears-less"),
        "{text}"
    );
    assert_eq!(result["decision"]["advice"], "not_known");
    // What guards the policy is no note either.
    git(repository.0.path(), &["reset", "-q", "--hard", "main"]);
    repository.write("notes/2026.yaml", &file(&[EXPORT]));
    std::fs::remove_file(repository.0.path().join("samples/orders.log")).unwrap();
    commit(repository.0.path(), "carol@example.com");
    let (result, _, _) = review(&repository);
    assert_eq!(told(&result), Some("1 note added"));
    assert_eq!(result["environments"].as_array().unwrap().len(), 2);
}

#[test]
fn evidence_that_is_taken_away_is_reported() {
    let repository = with_notes(&[EXPORT, CLIENT]);
    let changed = CLIENT.replace("finding: tool", "finding: misuse");
    repository.write("notes/2026.yaml", &file(&[&changed]));
    commit(repository.0.path(), "alice@example.com");
    let (result, exit, text) = review(&repository);
    // The alarm covers the same, so nothing fails; but no one is advised to merge.
    assert_eq!(exit, 0, "{text}");
    assert_eq!(
        told(&result),
        Some("1 note changed, 1 note removed; no other policy file changes")
    );
    let found = findings(&result);
    for expected in [
        (
            "notes/removed",
            "the note `customers-export` was removed: it said authorised about 1 detection",
        ),
        (
            "notes/changed",
            "the note `tables-of-the-client` was changed: `finding` from tool to misuse",
        ),
    ] {
        assert!(found.contains(&expected), "{found:?}");
    }
    assert_eq!(found.len(), 2, "{found:?}");
    assert_eq!(result["decision"]["advice"], "not_known");
    for words in ["customers-export", "was removed", "was changed"] {
        assert!(text.contains(words), "{text}");
    }
    // A whole file that is gone.
    git(repository.0.path(), &["reset", "-q", "--hard", "main"]);
    std::fs::remove_dir_all(repository.0.path().join("notes")).unwrap();
    commit(repository.0.path(), "alice@example.com");
    let (result, _, _) = review(&repository);
    assert_eq!(
        told(&result),
        Some("2 notes removed; no other policy file changes")
    );
    // A later note takes nothing away.
    git(repository.0.path(), &["reset", "-q", "--hard", "main"]);
    let later = EXPORT
        .replace("customers-export", "customers-export-again")
        .replace("finding: authorised", "finding: misuse")
        .replace("2026-11-30", "2026-12-01");
    repository.write("notes/later.yaml", &file(&[&later]));
    commit(repository.0.path(), "bob@example.com");
    let (result, exit, text) = review(&repository);
    assert_eq!((exit, findings(&result)), (0, Vec::new()), "{text}");
    assert_eq!(result["decision"]["advice"], "merge");
}

#[test]
fn faults_of_notes_stop_a_review() {
    let repository = Repository::new();
    let twice = EXPORT.replace("finding: authorised", "finding: harmless");
    repository.write("notes/2026.yaml", &file(&[EXPORT, EXPORT, &twice]));
    commit(repository.0.path(), "bob@example.com");
    let (result, exit, text) = review(&repository);
    assert_eq!(exit, 10, "{text}");
    let codes: Vec<&str> = findings(&result).iter().map(|(code, _)| *code).collect();
    for code in ["note/duplicate-id", "schema/unknown-value"] {
        assert!(codes.contains(&code), "{codes:?}");
    }
    assert_eq!(told(&result), None);
}

/// A link could show other notes to each reader.
#[test]
fn links_among_the_notes_are_refused() {
    let repository = Repository::new();
    let root = repository.0.path();
    repository.write("elsewhere/2026.yaml", &file(&[EXPORT]));
    std::os::unix::fs::symlink("elsewhere", root.join("notes")).unwrap();
    let check = || {
        let output = repository.run("2026-12-01", &["check"]);
        let text = [output.stdout, output.stderr].concat();
        (output.status.code(), String::from_utf8(text).unwrap())
    };
    let (exit, text) = check();
    assert_eq!(exit, Some(10), "{text}");
    assert!(text.contains("source/symbolic-link"), "{text}");
    std::fs::remove_file(root.join("notes")).unwrap();
    std::fs::create_dir(root.join("notes")).unwrap();
    std::os::unix::fs::symlink("../elsewhere/2026.yaml", root.join("notes/2026.yaml")).unwrap();
    let (exit, text) = check();
    assert_eq!(exit, Some(10), "{text}");
    // In a revision too: the review of a later change reads the base from Git.
    commit(root, "bob@example.com");
    let loaded = pgvigil::policy::revision::load_commit(root, "HEAD").unwrap();
    assert!(loaded.notes.is_empty());
    assert_eq!(loaded.diagnostics.errors(), 1);
}

/// Who writes a note changes nothing that is judged, so this person can approve the rest of the change.
#[test]
fn the_author_of_a_note_is_no_author_of_the_policy() {
    let repository = Repository::new();
    let root = repository.0.path();
    repository.write(
        "environments/dev.yaml",
        "version: 1\nprovider: local\nfolder: dev\nclusters: [dev, other]\nnotifications: {email: [dba@example.com]}\n",
    );
    commit(root, "carol@example.com");
    repository.write("notes/2026.yaml", &file(&[EXPORT]));
    commit(root, "erin@example.com");
    let authors = pgvigil::policy::revision::authors(root, "main", "HEAD").unwrap();
    assert!(
        authors.contains(&"carol@example.com".to_owned()),
        "{authors:?}"
    );
    assert!(
        !authors.contains(&"erin@example.com".to_owned()),
        "{authors:?}"
    );
}
