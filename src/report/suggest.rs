//! A suggested exclusion, for people and for programs. Everything of the log is hostile.

use std::fmt::Write as _;

use schemars::JsonSchema;
use serde::Serialize;

use super::{escape, impact::quoted, visible};
use crate::diagnostic::count;
use crate::rules::suggest::{Answer, GrantWish, Proposal, Suggestion};

/// The document for programs.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Document<'a> {
    #[serde(flatten)]
    suggestion: &'a Suggestion,
    /// The command that writes the grant.
    grant_command: Option<String>,
}

/// The suggestion as one JSON document.
pub fn json(suggestion: &Suggestion) -> String {
    let document = Document {
        suggestion,
        grant_command: command(suggestion),
    };
    // Plain strings and numbers always serialise.
    serde_json::to_string_pretty(&document)
        .map(|text| escape::json(&text) + "\n")
        .unwrap_or_default()
}

/// The command that declares the work as expected; none where a name cannot be typed.
fn command(suggestion: &Suggestion) -> Option<String> {
    let GrantWish {
        user,
        database,
        relation,
        kind,
    } = suggestion.grant.as_ref()?;
    let names = [user, database, relation];
    // A name that is not shown as it is must not be pasted.
    if names
        .iter()
        .any(|name| visible(name) != **name || name.contains(char::is_control))
    {
        return None;
    }
    Some(format!(
        "pgvigil access grant --user={} --env={} --db={} --relation={} --kind={kind} --length=2h --reason='write the reason here'",
        quoted(user),
        quoted(&suggestion.env),
        quoted(database),
        quoted(relation),
    ))
}

/// The suggestion for a terminal.
pub fn human(suggestion: &Suggestion, is_written: bool) -> String {
    let mut text = String::new();
    let mut put = |line: &str| {
        // A String takes every line.
        let _ = writeln!(text, "{}", visible(line));
    };
    let word = match suggestion.answer {
        Answer::NotCounted => "not counted",
        Answer::Proposed => "proposed",
        Answer::Grant => "no exclusion, but a grant",
        Answer::Refused => "no exclusion",
    };
    put(&format!("{word}: {}", one_line(&suggestion.reason)));
    if let Some(instead) = &suggestion.instead {
        put(&format!("instead: {}", one_line(instead)));
    }
    if let Some(command) = command(suggestion) {
        put("");
        put(&format!("  {command}"));
    }
    for tried in &suggestion.tried {
        put("");
        put(&format!("not proposed: {}", tried.form));
        put(&format!("  because {}", one_line(&tried.why)));
    }
    if let Some(proposal) = &suggestion.proposal {
        put("");
        for line in proposal.yaml.lines() {
            put(line);
        }
        put("");
        for line in proved(proposal) {
            put(&line);
        }
    }
    for note in &suggestion.notes {
        put(&format!("note: {}", one_line(note)));
    }
    if let Some(proposal) = &suggestion.proposal {
        put(&if is_written {
            format!(
                "next: commit {}, open a pull request, and have it approved by a person other than its author and its user",
                proposal.path
            )
        } else {
            format!(
                "next: write {} with --write and --reason, commit it, open a pull request, and have it approved",
                proposal.path
            )
        });
    }
    text
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn proved(proposal: &Proposal) -> Vec<String> {
    let mut lines = vec![
        format!(
            "attacked with {}: 0 evade",
            count(proposal.attacked, "statement")
        ),
        format!(
            "samples: {}, and they catch {} of {} small changes of the exclusion",
            match proposal.near_misses {
                1 => "1 near miss".to_owned(),
                more => format!("{more} near misses"),
            },
            proposal.mutants_caught,
            proposal.mutants
        ),
    ];
    let others: u64 = proposal.others.iter().map(|work| work.records).sum();
    lines.push(match (proposal.silences, proposal.others.is_empty()) {
        (0, _) => "silences no other record: no logs were given, or none contains one".to_owned(),
        (records, true) => format!(
            "silences {} of these logs: the same statement of the same role",
            many(records)
        ),
        (records, false) => format!(
            "silences {} of these logs, {others} of them other statements:",
            many(records)
        ),
    });
    lines.extend(proposal.others.iter().map(|work| {
        let object = if work.object.is_empty() {
            "no object"
        } else {
            &work.object
        };
        format!(
            "  {} of {}@{}: {} of {object}: {}",
            many(work.records),
            work.user,
            work.database,
            work.command,
            one_line(&work.statement)
        )
    }));
    lines
}

fn many(records: u64) -> String {
    count(records, "record")
}
