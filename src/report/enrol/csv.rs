//! Coverage as a table for spreadsheets: one row for each login role, and one for each finding that is about none.

use super::Entry;
use crate::database::enrol::Coverage;
use crate::report::csv::row;

/// All reports as one table (RFC 4180), with a heading.
pub fn coverages(entries: &[Entry<Coverage>]) -> String {
    let mut text = row(&[
        "environment",
        "cluster",
        "database",
        "role",
        "class",
        "settings",
        "findings",
    ]);
    for entry in entries {
        let cluster = entry.cluster.as_deref().unwrap_or("");
        let coverage = match &entry.result {
            Ok(coverage) => coverage,
            Err(error) => {
                text.push_str(&row(&[
                    &entry.environment,
                    cluster,
                    "",
                    "",
                    "NOT READ",
                    "",
                    error,
                ]));
                continue;
            }
        };
        let database = &coverage.place.database;
        for role in &coverage.roles {
            let codes: Vec<&str> = role.findings.iter().map(|code| code.name()).collect();
            text.push_str(&row(&[
                &entry.environment,
                cluster,
                database,
                &role.role,
                role.class.name(),
                &role.settings.join("; "),
                &codes.join("; "),
            ]));
        }
        for finding in &coverage.findings {
            let name = finding.role.as_deref().unwrap_or("");
            if coverage.roles.iter().any(|role| role.role == name) {
                continue;
            }
            let what = format!("{}: {}", finding.code.name(), finding.why);
            text.push_str(&row(&[
                &entry.environment,
                cluster,
                database,
                name,
                "",
                "",
                &what,
            ]));
        }
    }
    text
}
