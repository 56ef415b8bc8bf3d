//! What the attack on exclusions came to.

use std::fmt::Write as _;

use super::json::escape;
use super::visible;
use crate::rules::attack::{AttackReport, Evasion, ExclusionReport};

/// Stands before the lines of one evasion.
const INDENT: &str = "        ";

/// The report as one JSON document, with `format_version`.
pub fn json(report: &AttackReport) -> String {
    // Plain strings and numbers always serialise.
    serde_json::to_string_pretty(report)
        .map(|text| escape(&text) + "\n")
        .unwrap_or_default()
}

fn paint(colour: bool, code: &str, text: &str) -> String {
    if colour {
        format!("\u{1b}[{code}m{text}\u{1b}[0m")
    } else {
        text.to_owned()
    }
}

/// One line for each exclusion, each evasion as it could be pasted with its records, and the sum.
pub fn human(report: &AttackReport, colour: bool) -> String {
    let mut text = String::new();
    let _ = writeln!(
        text,
        "{}",
        paint(colour, "1", &visible(&report.environment))
    );
    let width = report
        .exclusions
        .iter()
        .map(|exclusion| exclusion.id.chars().count())
        .max()
        .unwrap_or(0);
    for exclusion in &report.exclusions {
        one(&mut text, exclusion, width, colour);
    }
    let evadable = report
        .exclusions
        .iter()
        .filter(|exclusion| !exclusion.evasions.is_empty())
        .count();
    let word = if report.passed {
        paint(colour, "32", "passed")
    } else {
        paint(colour, "31", "failed")
    };
    let _ = writeln!(
        text,
        "{word}: {} statements with {} records tried on {} exclusions, a person can hide behind {evadable}",
        report.statements,
        report.records,
        report.exclusions.len(),
    );
    text
}

fn one(text: &mut String, exclusion: &ExclusionReport, width: usize, colour: bool) {
    let id = visible(&exclusion.id);
    if exclusion.evasions.is_empty() {
        let _ = writeln!(
            text,
            "  {} {id:width$}  {} tried, none silent",
            paint(colour, "32", "ok  "),
            exclusion.statements
        );
    } else {
        let mark = if exclusion.accepted {
            paint(colour, "33", "RISK")
        } else {
            paint(colour, "31", "HIDE")
        };
        let ways = match exclusion.evasions.len() {
            1 => "1 way".to_owned(),
            ways => format!("{ways} ways"),
        };
        let accepted = if exclusion.accepted { ", accepted" } else { "" };
        let _ = writeln!(
            text,
            "  {mark} {id:width$}  {} tried, silent in {ways}{accepted}",
            exclusion.statements
        );
    }
    for evasion in &exclusion.evasions {
        evasion_lines(text, exclusion, evasion, colour);
    }
    for note in &exclusion.notes {
        let _ = writeln!(
            text,
            "      note: `{}` in pattern {}: {}",
            visible(&note.part),
            note.item + 1,
            note.what
        );
        if let Some(statement) = &note.accepts {
            let _ = writeln!(text, "{INDENT}it accepts  {}", visible(&flat(statement)));
        }
    }
}

fn evasion_lines(text: &mut String, exclusion: &ExclusionReport, evasion: &Evasion, colour: bool) {
    let setting = if evasion.log_relation { "on" } else { "off" };
    let _ = writeln!(
        text,
        "      {}: {}; {} (log_relation {setting})",
        evasion.kind.title(),
        visible(&evasion.carrier),
        visible(&evasion.does),
    );
    for line in evasion.script.split('\n') {
        let _ = writeln!(text, "{INDENT}{}", paint(colour, "1", &visible(line)));
    }
    if evasion.kind == crate::rules::attack::Kind::Forged {
        let _ = writeln!(
            text,
            "{INDENT}as `{}` in `{}`, application `{}`",
            visible(&evasion.who.user),
            visible(&evasion.who.database),
            visible(&evasion.who.application)
        );
    }
    for judged in &evasion.records {
        let record = &judged.record;
        let what = [
            &record.class,
            &record.command,
            &record.object_type,
            &record.object,
        ]
        .map(|field| visible(field))
        .join(",");
        let by = match judged.verdict {
            "excluded" => format!("silenced by {}", visible(&judged.excluded_by.join(", "))),
            "out_of_scope" => "no signal counts it".to_owned(),
            _ => "no record to the query".to_owned(),
        };
        let line = format!("{what}: {by}");
        let _ = writeln!(text, "{INDENT}{}", paint(colour, "2", &line));
    }
    let others: Vec<String> = evasion
        .silenced_by
        .iter()
        .filter(|id| **id != exclusion.id)
        .map(|id| visible(id))
        .collect();
    if !others.is_empty() {
        let _ = writeln!(text, "{INDENT}together with {}", others.join(", "));
    }
}

/// A text in one line.
fn flat(text: &str) -> String {
    text.replace('\n', "\\n").replace('\t', "\\t")
}
