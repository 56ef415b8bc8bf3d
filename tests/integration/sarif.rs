//! SARIF as code scanning takes it: Microsoft's checker with its own rules and those of GitHub, on every document that is written.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "helpers of tests may panic"
)]

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::Command;

use serde_json::Value;

use crate::cli::Repository;
use crate::recorded::root;

/// The checker; `tests/sarif/install` makes it.
fn checker() -> PathBuf {
    let target =
        std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from);
    let program =
        target.join("sarif/node_modules/@microsoft/sarif-multitool-linux/Sarif.Multitool");
    assert!(
        program.is_file(),
        "missing: {} (`tests/sarif/install` makes it; `tests/run` calls it)",
        program.display()
    );
    program
}

/// What the checker finds in documents: its own rules and GitHub's, errors and warnings.
fn faults(documents: &[(&str, String)]) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in documents {
        std::fs::write(folder.path().join(format!("{name}.sarif")), text).unwrap();
    }
    let output = folder.path().join("found.json");
    let run = Command::new(checker())
        .arg("validate")
        .arg(folder.path().join("*.sarif"))
        .args(["--rule-kind", "Sarif;Ghas", "--level", "Error;Warning"])
        .args(["--log", "ForceOverwrite"])
        .arg("--output")
        .arg(&output)
        // Without the libraries of a language, and with nothing kept.
        .env("DOTNET_SYSTEM_GLOBALIZATION_INVARIANT", "1")
        .env("DOTNET_BUNDLE_EXTRACT_BASE_DIR", folder.path())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&run.stdout).into_owned();
    assert!(
        said.contains(&format!("{} files scanned", documents.len()))
            || said.contains(&format!("{} file scanned", documents.len())),
        "{said}\n{}",
        String::from_utf8_lossy(&run.stderr)
    );
    let found = std::fs::read_to_string(&output).unwrap();
    let found: Value = serde_json::from_str(found.trim_start_matches('\u{feff}')).unwrap();
    let results = found["runs"][0]["results"].as_array().unwrap().iter();
    results
        .map(|result| {
            let place = &result["locations"][0]["physicalLocation"];
            format!(
                "{} {}:{}: {}",
                result["ruleId"].as_str().unwrap(),
                place["artifactLocation"]["uri"]
                    .as_str()
                    .unwrap_or_default(),
                place["region"]["startLine"],
                result["message"]
            )
        })
        .collect()
}

/// Asserts that code scanning takes a document.
#[track_caller]
pub(crate) fn holds(text: &str) {
    let found = faults(&[("document", text.to_owned())]);
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn every_document_is_one_that_code_scanning_takes() {
    let folder = root().join("tests/golden/ci");
    let documents: Vec<(&str, String)> = [
        "pr",
        "pr.hostile",
        "apply",
        "apply.hostile",
        "drift",
        "drift.hostile",
    ]
    .into_iter()
    .map(|name| {
        let path = folder.join(format!("{name}.sarif"));
        (name, std::fs::read_to_string(path).unwrap())
    })
    .collect();
    let found = faults(&documents);
    assert!(found.is_empty(), "{}", found.join("\n"));
    // The checker does find something.
    let (_, text) = &documents[0];
    let damaged = text.replace("\"fullDescription\"", "\"fullDescriptions\"");
    let found = faults(&[("damaged", damaged)]);
    assert!(
        found.iter().any(|fault| fault.starts_with("GH")),
        "{found:?}"
    );
}

/// Three samples of one exclusion fail, two of them with the same words: nothing of it is lost in any form.
#[test]
fn twins_are_all_there() {
    let repository = Repository::new();
    let sample = "        - {class: READ, command: SELECT, statement: \"SELECT version()\"}\n";
    let other = "        - {class: READ, command: SELECT, statement: \"select version()\"}\n";
    repository.edit(
        "rules/rules.yaml",
        "      stays_loud:\n",
        &format!("      stays_loud:\n{sample}{sample}{other}"),
    );
    let file = "rules/with blank & \u{fc}.yaml";
    repository.write(
        file,
        "version: 1\nusers:\n  - {role: bob, owner: team, environments: all, until: 2026-10-01}\n",
    );
    repository
        .run(&["ci", "pr", "--env", "local", "--out", "ci"])
        .exits(11);
    let result: Value = serde_json::from_str(&repository.read("ci/result.json")).unwrap();
    crate::output_schemas::holds("ci-result", &result);
    let findings = result["findings"].as_array().unwrap();
    let placed = findings.iter().filter(|one| !one["spot"].is_null()).count();
    let failed = findings
        .iter()
        .filter(|one| one["code"] == "rules/sample")
        .count();
    assert_eq!(failed, 3, "{findings:?}");

    let text = repository.read("ci/results.sarif");
    holds(&text);
    let sarif: Value = serde_json::from_str(&text).unwrap();
    let results = sarif["runs"][0]["results"].as_array().unwrap();
    assert_eq!(results.len(), placed);
    for key in ["pgvigil/v2", "primaryLocationLineHash"] {
        let prints: BTreeSet<&str> = results
            .iter()
            .map(|result| result["partialFingerprints"][key].as_str().unwrap())
            .collect();
        assert_eq!(prints.len(), placed, "{key}: {prints:?}");
    }
    let uris: BTreeSet<&str> = results
        .iter()
        .map(|result| {
            result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
                .as_str()
                .unwrap()
        })
        .collect();
    assert!(
        uris.contains("rules/with%20blank%20%26%20%C3%BC.yaml"),
        "{uris:?}"
    );

    let quality: Value =
        serde_json::from_str(&repository.read("ci/gitlab-code-quality.json")).unwrap();
    let prints: BTreeSet<&str> = quality
        .as_array()
        .unwrap()
        .iter()
        .map(|issue| issue["fingerprint"].as_str().unwrap())
        .collect();
    assert_eq!(prints.len(), placed);

    // No failed case has an empty body, and the samples are in that of their step.
    let junit = repository.read("ci/junit.xml");
    assert!(!junit.contains("></failure>"), "{junit}");
    assert_eq!(junit.matches("rules/sample").count(), 3, "{junit}");
}

/// A failed step has a body in JUnit even where what it found is about another step, or about nothing in a file.
#[test]
fn a_failed_step_says_why_in_junit() {
    let repository = Repository::new();
    repository.edit(
        "rules/rules.yaml",
        "statement: {equals: [\"SELECT version()\"]}",
        "schema: public\n      relation: orders",
    );
    let run = repository.run(&["ci", "pr", "--env", "local", "--out", "ci"]);
    assert!([10, 11].contains(&run.code), "{}\n{}", run.code, run.out);
    let junit = repository.read("ci/junit.xml");
    assert!(junit.contains("<failure"), "{junit}");
    assert!(!junit.contains("></failure>"), "{junit}");
}

/// Whatever code a step of the pipeline can find is in the table that explains it.
#[test]
fn every_code_is_explained() {
    let code = regex_automata::meta::Regex::new(
        "\"(rules|attack|impact|notes|approvals|plan|apply|drift|environment)/[a-z-]+\"",
    )
    .unwrap();
    let mut seen = BTreeSet::new();
    let mut folders = vec![
        root().join("src/ci"),
        root().join("src/rules/impact"),
        root().join("src/bin/pgvigil/commands/ci"),
    ];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            if path.ends_with("ci/code.rs") {
                continue;
            }
            let text = std::fs::read_to_string(&path).unwrap();
            for found in code.find_iter(&text) {
                seen.insert(text[found.range()].trim_matches('"').to_owned());
            }
        }
    }
    assert!(seen.len() > 15, "{seen:?}");
    use pgvigil::deploy::Verdict;
    for verdict in [
        Verdict::Drifted,
        Verdict::Both,
        Verdict::Missing,
        Verdict::Extra,
    ] {
        seen.insert(format!("drift/{}", verdict.name()));
    }
    for code in seen {
        assert!(
            pgvigil::ci::code::find(&code).is_some(),
            "{code} is in no table: src/ci/code.rs"
        );
    }
}
