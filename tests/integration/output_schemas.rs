//! The JSON Schemas of what programs read, on real outputs: nothing is refused, and no key is unknown to its schema.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests may panic"
)]

use serde_json::{Value, json};

use crate::cli::Repository;
use crate::recorded::root;

fn schema(name: &str) -> Value {
    let path = root().join(format!("schema/outputs/{name}.schema.json"));
    let text = std::fs::read_to_string(&path)
        .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_str(&text).unwrap()
}

/// The same schema, which refuses keys that it does not know.
fn strict(schema: &mut Value, is_branch: bool) {
    match schema {
        Value::Object(object) => {
            let is_object = object.get("properties").is_some_and(Value::is_object);
            for (key, value) in object.iter_mut() {
                // What a branch does not know, the object that it belongs to may know.
                let is_branch = is_object && matches!(key.as_str(), "oneOf" | "anyOf" | "allOf");
                strict(value, is_branch);
            }
            if is_object && !is_branch && !object.contains_key("additionalProperties") {
                object.insert("unevaluatedProperties".to_owned(), json!(false));
            }
        }
        Value::Array(list) => list.iter_mut().for_each(|one| strict(one, is_branch)),
        _ => {}
    }
}

/// What a document's schema says against it; keys beside are faults.
pub(crate) fn faults(name: &str, document: &Value) -> Vec<String> {
    let mut schema = schema(name);
    strict(&mut schema, false);
    let validator = jsonschema::validator_for(&schema).unwrap();
    validator
        .iter_errors(document)
        .map(|fault| format!("{}: {fault}", fault.instance_path()))
        .collect()
}

/// Asserts that a document is as its schema says, and holds no key beside.
#[track_caller]
pub(crate) fn holds(name: &str, document: &Value) {
    let faults = faults(name, document);
    assert!(faults.is_empty(), "{name}: {}", faults.join("\n"));
}

/// A document of every kind of run with everything in it: the same that the golden files are made of.
#[test]
fn results_of_pipelines() {
    for work in ["pr", "apply", "drift"] {
        for hostile in ["", ".hostile"] {
            let path = root().join(format!("tests/golden/ci/{work}{hostile}.json"));
            let text = std::fs::read_to_string(path).unwrap();
            holds("ci-result", &serde_json::from_str(&text).unwrap());
        }
    }
    // A schema that takes everything would hold too.
    let mut damaged: Value = serde_json::from_str(
        &std::fs::read_to_string(root().join("tests/golden/ci/pr.json")).unwrap(),
    )
    .unwrap();
    let validator = jsonschema::validator_for(&schema("ci-result")).unwrap();
    assert!(validator.is_valid(&damaged));
    damaged["environments"][0]["plan"]["resources"][0]["verdict"] = json!("perhaps");
    assert!(!validator.is_valid(&damaged));
}

#[test]
fn plans_saved_plans_and_runs_of_a_repository() {
    let repository = Repository::new();
    let plan = repository
        .run(&[
            "plan", "--env", "local", "--format", "json", "--out", "a.plan",
        ])
        .exits(0);
    holds("plan", &plan.json());
    holds(
        "saved-plan",
        &serde_json::from_str(&repository.read("a.plan")).unwrap(),
    );
    repository
        .run(&["ci", "pr", "--env", "local", "--out", "ci"])
        .exits(0);
    holds(
        "ci-result",
        &serde_json::from_str(&repository.read("ci/result.json")).unwrap(),
    );
    repository
        .run(&["apply", "--env", "local", "--auto-approve"])
        .exits(0);
    for work in ["apply", "drift"] {
        repository
            .run(&["ci", work, "--env", "local", "--out", work])
            .exits(0);
        holds(
            "ci-result",
            &serde_json::from_str(&repository.read(&format!("{work}/result.json"))).unwrap(),
        );
    }
    // A change of the files, so that a resource has fields.
    repository.edit(
        "environments/local.yaml",
        "folder: live\n",
        "folder: live\nretention_days: 30\n",
    );
    let plan = repository
        .run(&["plan", "--env", "local", "--format", "json"])
        .exits(0);
    holds("plan", &plan.json());
}

#[test]
fn lines_of_an_evaluation() {
    let log = root().join("tests/recordings/psql.on-short.log.gz");
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_pgvigil"));
    let output = command
        .env_clear()
        .current_dir(root())
        .args([
            "--today",
            "2026-11-22",
            "rules",
            "eval",
            "--env",
            "local",
            "--format",
            "jsonl",
        ])
        .arg(log)
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let mut verdicts = std::collections::BTreeSet::new();
    for line in text.lines() {
        let line: Value = serde_json::from_str(line).unwrap();
        holds("eval-line", &line);
        verdicts.insert(line["verdict"].as_str().unwrap().to_owned());
    }
    assert!(verdicts.len() >= 2, "{verdicts:?}");
}
