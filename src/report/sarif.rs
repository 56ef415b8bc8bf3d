//! What every report in SARIF 2.1.0 has in common.

use serde_json::{Value, json};

use super::escape;
use crate::deploy::document::pretty;

/// A document with one run. `rules` are the kinds of findings, `version` is that of the pgvigil that found them; `more` holds
/// further keys of the run.
pub(super) fn document(version: &str, rules: Vec<Value>, more: Value) -> String {
    let mut run = json!({
        "tool": {"driver": {
            "name": "pgvigil",
            "version": version,
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
