//! Findings as SARIF 2.1.0, for code scanning.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::message;
use crate::ci::{CiResult, Finding, Fingerprint, State, code, fingerprints};
use crate::report::sarif;

/// One run. A finding without a place in a file becomes a notification of the tool: code scanning
/// accepts no result without a place.
pub fn render(result: &CiResult) -> String {
    let mut rules: BTreeMap<&str, Value> = BTreeMap::new();
    for finding in &result.findings {
        rules.entry(finding.code.as_str()).or_insert_with(|| {
            let level = finding.level.name();
            match code::find(&finding.code) {
                Some(entry) => sarif::rule(&entry, level),
                // A result that was read back may hold anything.
                None => json!({
                    "id": finding.code,
                    "shortDescription": {"text": finding.code},
                    "fullDescription": {"text": finding.code},
                    "help": {"text": finding.code},
                    "defaultConfiguration": {"level": level},
                }),
            }
        });
    }
    let places: BTreeMap<&str, usize> = rules.keys().copied().zip(0..).collect();
    let prints = fingerprints(&result.findings);
    let entries: Vec<Value> = result
        .findings
        .iter()
        .zip(&prints)
        .filter_map(|(finding, print)| entry(finding, print, &places))
        .collect();
    let others = result
        .findings
        .iter()
        .filter(|finding| finding.spot.is_none());
    let mut notifications: Vec<Value> = others
        .map(
            |finding| json!({"level": finding.level.name(), "message": {"text": message(finding)}}),
        )
        .collect();
    // A step that could not be run says nothing about the files.
    for (environment, step) in result
        .all_steps()
        .filter(|(_, step)| step.state == State::Failed)
    {
        let scope = environment.map_or("repository", |environment| environment.name());
        notifications.push(json!({
            "level": "error",
            "message": {"text": format!("{scope}: {}: {}", step.name, step.summary)},
        }));
    }
    let mut more = json!({
        "automationDetails": {"id": format!("pgvigil/{}/", result.work.name())},
        "invocations": [{
            "executionSuccessful": result.exit_code != 1,
            "exitCode": result.exit_code,
            "toolExecutionNotifications": notifications,
        }],
        "results": entries,
    });
    if let (Some(more), Some(decision)) = (more.as_object_mut(), result.decision()) {
        more.insert("properties".to_owned(), json!({"decision": decision}));
    }
    sarif::document(&result.pgvigil, rules.into_values().collect(), more)
}

fn entry(finding: &Finding, print: &Fingerprint, rules: &BTreeMap<&str, usize>) -> Option<Value> {
    let spot = finding.spot.as_ref()?;
    let mut region = json!({"startLine": spot.line, "endLine": spot.end_line});
    if let (Some(column), Some(end), Value::Object(region)) =
        (spot.column, spot.end_column, &mut region)
    {
        region.insert("startColumn".to_owned(), column.into());
        region.insert("endColumn".to_owned(), end.into());
    }
    Some(json!({
        "ruleId": finding.code,
        "ruleIndex": rules.get(finding.code.as_str()),
        "level": finding.level.name(),
        "message": {"text": message(finding)},
        "locations": [sarif::location(&spot.file, region)],
        "partialFingerprints": sarif::fingerprints(print.word(), print.numbered()),
    }))
}
