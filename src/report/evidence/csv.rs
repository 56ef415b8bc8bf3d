//! The detections as a table for spreadsheets.

use crate::evidence::report::Report;
use crate::report::csv::row;

/// One row for each detection, with a heading.
pub fn render(report: &Report) -> String {
    let mut text = row(&[
        "id",
        "day",
        "environment",
        "cluster",
        "user",
        "identity",
        "team",
        "owner",
        "database",
        "clients",
        "class",
        "command",
        "object",
        "signals",
        "severity",
        "severity_reason",
        "statements",
        "records",
        "not_judged",
        "first",
        "last",
        "expected",
        "finding",
        "finding_text",
        "finding_author",
        "finding_date",
        "finding_ticket",
        "own_note",
    ]);
    for one in &report.detections {
        let note = one.finding();
        let signals: Vec<&str> = one.signals.iter().map(|signal| signal.name()).collect();
        let moment = |moment: Option<jiff::Timestamp>| {
            moment.map(|moment| moment.to_string()).unwrap_or_default()
        };
        text.push_str(&row(&[
            &one.id,
            &one.day.map(|day| day.to_string()).unwrap_or_default(),
            &report.environment,
            &one.cluster,
            &one.user,
            one.identity.as_deref().unwrap_or_default(),
            one.team.as_deref().unwrap_or_default(),
            one.owner.as_deref().unwrap_or_default(),
            &one.database,
            &one.clients.join(" "),
            &one.class,
            &one.command,
            &one.object,
            &signals.join(" "),
            one.severity.name(),
            &one.severity_reason,
            &one.statements.to_string(),
            &one.records.to_string(),
            &one.not_judged.to_string(),
            &moment(one.first),
            &moment(one.last),
            one.expected.as_deref().unwrap_or_default(),
            note.map(|note| note.finding.as_str()).unwrap_or_default(),
            note.map(|note| note.text.as_str()).unwrap_or_default(),
            note.map(|note| note.author.as_str()).unwrap_or_default(),
            &note.map(|note| note.date.to_string()).unwrap_or_default(),
            note.and_then(|note| note.ticket.as_deref())
                .unwrap_or_default(),
            one.own_note()
                .map(|note| note.finding.as_str())
                .unwrap_or_default(),
        ]));
    }
    text
}
