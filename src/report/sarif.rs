//! What every report in SARIF 2.1.0 has in common.

use serde_json::{Value, json};

use super::escape;
use crate::deploy::document::pretty;
use crate::diagnostic::code::{Entry, example};

/// Where this version is described.
const INFORMATION: &str = concat!("https://docs.rs/pgvigil/", env!("CARGO_PKG_VERSION"));

/// A kind of finding: GitHub shows the full description and the help next to a finding.
pub(super) fn rule(entry: &Entry, level: &str) -> Value {
    let mut markdown = format!(
        "{}.\n\n**Why it matters:** {}.\n\n**What to do:** {}.\n",
        entry.title, entry.why, entry.remedy
    );
    if let Some(example) = example(entry.id) {
        let fence = escape::fence(example);
        markdown.push_str(&format!("\n{fence}text\n{example}\n{fence}\n"));
    }
    json!({
        "id": entry.id,
        "shortDescription": {"text": format!("{}.", entry.title)},
        "fullDescription": {"text": format!("{}: {}.", entry.title, entry.why)},
        "help": {"text": format!("{}.", entry.remedy), "markdown": markdown},
        "defaultConfiguration": {"level": level},
    })
}

/// A place in a file of the repository.
pub(super) fn location(file: &str, region: Value) -> Value {
    json!({"physicalLocation": {
        "artifactLocation": {"uri": uri(file), "uriBaseId": "%SRCROOT%"},
        "region": region,
    }})
}

/// What distinguishes a finding from every other: GitHub's code scanning uses only its own key.
pub(super) fn fingerprints(word: String, numbered: String) -> Value {
    json!({"pgvigil/v2": word, "primaryLocationLineHash": numbered})
}

/// A relative reference (RFC 3986): characters that are not plain in a path are written as `%XX`.
fn uri(path: &str) -> String {
    let mut uri = String::with_capacity(path.len());
    for byte in path.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte) {
            uri.push(char::from(byte));
        } else {
            uri.push_str(&format!("%{byte:02X}"));
        }
    }
    uri
}

/// A document with one run. `rules` are the kinds of findings, `version` is that of the pgvigil that found them; `more` holds
/// further keys of the run.
pub(super) fn document(version: &str, rules: Vec<Value>, more: Value) -> String {
    let mut run = json!({
        "tool": {"driver": {
            "name": "pgvigil",
            "version": version,
            "informationUri": INFORMATION,
            "rules": rules,
        }},
        "columnKind": "unicodeCodePoints",
    });
    if let (Value::Object(run), Value::Object(more)) = (&mut run, more) {
        run.extend(more);
    }
    escape::json(&pretty(&json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [run],
    })))
}
