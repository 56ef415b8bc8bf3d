//! Findings as SARIF 2.1.0, for code scanning.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::message;
use crate::ci::{CiResult, Finding, State};
use crate::diagnostic::Code;
use crate::report::sarif;

/// One run. What has no place in a file is told as a notification of the tool: code scanning takes no result without one.
pub fn render(result: &CiResult) -> String {
    let known: BTreeMap<&str, Code> = Code::ALL.iter().map(|code| (code.id(), *code)).collect();
    let mut rules: BTreeMap<&str, Value> = BTreeMap::new();
    for finding in &result.findings {
        rules.entry(finding.code.as_str()).or_insert_with(|| {
            let title = known
                .get(finding.code.as_str())
                .map_or(finding.code.as_str(), |code| code.title());
            let mut rule = json!({
                "id": finding.code,
                "shortDescription": {"text": title},
                "defaultConfiguration": {"level": finding.level.name()},
            });
            if let (Some(code), Value::Object(rule)) = (known.get(finding.code.as_str()), &mut rule)
            {
                rule.insert("help".to_owned(), json!({"text": code.remedy()}));
            }
            rule
        });
    }
    let (placed, others): (Vec<&Finding>, Vec<&Finding>) = result
        .findings
        .iter()
        .partition(|finding| finding.spot.is_some());
    let mut notifications: Vec<Value> = others
        .into_iter()
        .map(
            |finding| json!({"level": finding.level.name(), "message": {"text": message(finding)}}),
        )
        .collect();
    // A step that could not be run is no result about the files.
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
        "results": placed.into_iter().map(entry).collect::<Vec<_>>(),
    });
    if let (Some(more), Some(decision)) = (more.as_object_mut(), result.decision()) {
        more.insert("properties".to_owned(), json!({"decision": decision}));
    }
    sarif::document(&result.pgvigil, rules.into_values().collect(), more)
}

fn entry(finding: &Finding) -> Value {
    let region = finding.spot.as_ref().map(|spot| {
        let mut region = json!({"startLine": spot.line, "endLine": spot.end_line});
        if let (Some(column), Some(end), Value::Object(region)) =
            (spot.column, spot.end_column, &mut region)
        {
            region.insert("startColumn".to_owned(), column.into());
            region.insert("endColumn".to_owned(), end.into());
        }
        region
    });
    let file = finding.spot.as_ref().map(|spot| uri(&spot.file));
    json!({
        "ruleId": finding.code,
        "level": finding.level.name(),
        "message": {"text": message(finding)},
        "locations": [{"physicalLocation": {
            "artifactLocation": {"uri": file, "uriBaseId": "%SRCROOT%"},
            "region": region,
        }}],
        "partialFingerprints": {"pgvigil/v1": finding.identity()},
    })
}

/// A relative reference (RFC 3986): what is no plain character of a path is written as `%XX`.
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
