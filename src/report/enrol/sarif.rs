//! Coverage as SARIF 2.1.0, for the code scanning of a forge: findings at the entry of whom they are about, or at the
//! environment's file.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::Entry;
use crate::database::enrol::Coverage;
use crate::database::enrol::finding::{Code, Finding, Severity};
use crate::digest::sha256;
use crate::policy::Loaded;
use crate::report::sarif;

/// All reports as one run.
pub fn coverages(entries: &[Entry<Coverage>], loaded: &Loaded) -> String {
    let rules: Vec<Value> = Code::ALL
        .iter()
        .map(|code| sarif::rule(&code.entry(), level(code.severity())))
        .collect();
    let mut results = Vec::new();
    let mut seen = BTreeMap::new();
    let mut notifications = Vec::new();
    for entry in entries {
        match &entry.result {
            Ok(coverage) => {
                let findings = coverage.findings.iter();
                results.extend(findings.map(|finding| result(entry, finding, loaded, &mut seen)));
            }
            Err(error) => notifications.push(json!({
                "level": "error",
                "message": {"text": format!("{}: {error}", entry.name())},
            })),
        }
    }
    let more = json!({
        "invocations": [{
            "executionSuccessful": notifications.is_empty(),
            "toolExecutionNotifications": notifications,
        }],
        "results": results,
    });
    sarif::document(env!("CARGO_PKG_VERSION"), rules, more)
}

fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Gap => "error",
        Severity::Warning => "warning",
        Severity::Note => "note",
    }
}

fn result(
    entry: &Entry<Coverage>,
    finding: &Finding,
    loaded: &Loaded,
    seen: &mut BTreeMap<String, usize>,
) -> Value {
    let entry_of = finding.role.as_ref().and_then(|role| {
        let users = loaded.policy.users.iter();
        users
            .filter(|user| user.environments.contains(&entry.environment))
            .find(|user| user.role == *role)
            .map(|user| &user.place)
    });
    let place = entry_of.or_else(|| {
        let environment = loaded.policy.environment(&entry.environment)?;
        Some(&environment.place)
    });
    let (file, line) = place.map_or(("rules", 1), |place| {
        let position = loaded.files.position(place.file, place.span.start);
        (loaded.files.path(place.file), position.line)
    });
    let identity = format!(
        "{}\n{}\n{}\n{}\n{}\n{}",
        finding.code.name(),
        entry.environment,
        entry.cluster.as_deref().unwrap_or(""),
        finding.role.as_deref().unwrap_or(""),
        finding.database.as_deref().unwrap_or(""),
        finding.why,
    );
    let twin = seen.entry(sha256(&identity)).or_default();
    *twin += 1;
    let word = sha256(format!("{identity}\n{twin}"));
    let short = word.get(..16).unwrap_or(&word).to_owned();
    let rule = Code::ALL.iter().position(|code| *code == finding.code);
    json!({
        "ruleId": finding.code.name(),
        "ruleIndex": rule,
        "level": level(finding.severity),
        "message": {"text": format!("{}: {} (do: {})", entry.name(), finding.why, finding.remedy)},
        "locations": [sarif::location(file, json!({"startLine": line}))],
        "partialFingerprints": sarif::fingerprints(word, format!("{short}:1")),
    })
}
