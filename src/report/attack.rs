//! What the attack on exclusions came to.

use std::fmt::Write as _;

use super::escape;
use super::visible;
use crate::diagnostic::count;
use crate::rules::attack::generate::GeneratedReport;
use crate::rules::attack::server::{OnServer, ServerReport};
use crate::rules::attack::{AttackRecord, AttackReport, Evasion, ExclusionReport};

/// Stands before the lines of one evasion.
const INDENT: &str = "        ";

/// The report as one JSON document, with `format_version`.
pub fn json(report: &AttackReport) -> String {
    // Plain strings and numbers always serialise.
    serde_json::to_string_pretty(report)
        .map(|text| escape::json(&text) + "\n")
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
    if let Some(server) = &report.server {
        unpredicted(&mut text, server, colour);
    }
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
        "{word}: {} ({}) tried on {}; evadable: {evadable}",
        count(report.statements, "statement"),
        count(report.records, "record"),
        count(report.exclusions.len(), "exclusion"),
    );
    if let Some(generated) = &report.generated {
        generated_lines(&mut text, generated);
    }
    if let Some(server) = &report.server {
        summary(&mut text, server);
    }
    text
}

/// What only the server showed. It comes first.
fn unpredicted(text: &mut String, server: &ServerReport, colour: bool) {
    for found in &server.unpredicted {
        let mark = if found.accepted {
            paint(colour, "33", "RISK")
        } else {
            paint(colour, "31", "HIDE")
        };
        let _ = writeln!(
            text,
            "  {mark} {}  silent on the server, but a counted record was expected",
            visible(&found.exclusion)
        );
        evasion_lines(text, &found.exclusion, &found.evasion, colour);
    }
}

/// What a grammar made: the classes and not only the number.
fn generated_lines(text: &mut String, generated: &GeneratedReport) {
    for found in &generated.findings {
        let _ = writeln!(text, "  SILENT {}", visible(&found.classes.join(" × ")));
        for line in found.script.lines() {
            let _ = writeln!(text, "      {}", visible(line));
        }
        if !found.silenced_by.is_empty() {
            let _ = writeln!(text, "      silenced by {}", found.silenced_by.join(", "));
        }
    }
    let classes = &generated.classes;
    let _ = writeln!(
        text,
        "generated: {} of {} statements sent ({} places × {} ways to hide × {} carriers × {} layouts), {} of them returned a \
         secret or changed something, {} silent",
        generated.tried,
        generated.combinations,
        classes.places.len(),
        classes.hidden.len(),
        classes.carriers.len(),
        classes.layouts.len(),
        generated.reached,
        generated.silent,
    );
    for (what, forms) in [
        ("places", &classes.places),
        ("hidden", &classes.hidden),
        ("carriers", &classes.carriers),
        ("layouts", &classes.layouts),
    ] {
        let forms: Vec<String> = forms
            .iter()
            .map(|(name, count)| format!("{name} {count}"))
            .collect();
        let _ = writeln!(text, "  {what}: {}", visible(&forms.join(", ")));
    }
}

fn summary(text: &mut String, server: &ServerReport) {
    let version = |name: &str, version: &str| match version {
        "" => name.to_owned(),
        version => format!("{name} {}", visible(version)),
    };
    let _ = writeln!(
        text,
        "on {} with {}: {} ran, {} confirmed, {} not predicted; {} silent without effect, {} could not run",
        version("PostgreSQL", &server.version),
        version("pgAudit", &server.pgaudit),
        count(server.executed, "statement"),
        count(server.confirmed, "evasion"),
        server.unpredicted.len(),
        server.without_effect,
        server.failed_to_run,
    );
    for failure in &server.failures {
        let code = match failure.code.as_str() {
            "" => "no answer",
            code => code,
        };
        let _ = writeln!(
            text,
            "  {:6} could not run: {}: {}",
            failure.statements,
            visible(code),
            visible(&flat(&failure.message))
        );
    }
}

fn on_server(text: &mut String, said: &OnServer, colour: bool) {
    let (what, records) = match said {
        OnServer::Confirmed => ("confirmed".to_owned(), &[][..]),
        OnServer::Counted { records } => (
            "not confirmed, a real record counts".to_owned(),
            records.as_slice(),
        ),
        OnServer::WithoutEffect { records } => (
            "silent, but nothing is read or changed".to_owned(),
            records.as_slice(),
        ),
        OnServer::Failed { message } => (
            format!(
                "not confirmed, it does not run: {}",
                visible(&flat(message))
            ),
            &[][..],
        ),
    };
    let line = format!("on the server: {what}");
    let painted = match said {
        OnServer::Confirmed => paint(colour, "31", &line),
        _ => line,
    };
    let _ = writeln!(text, "{INDENT}{painted}");
    for record in records {
        let _ = writeln!(text, "{INDENT}  {}", what_of(record));
    }
}

/// The fields of a record that decide, as in the log.
fn what_of(record: &AttackRecord) -> String {
    [
        &record.class,
        &record.command,
        &record.object_type,
        &record.object,
    ]
    .map(|field| visible(field))
    .join(",")
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
        evasion_lines(text, &exclusion.id, evasion, colour);
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

fn evasion_lines(text: &mut String, exclusion: &str, evasion: &Evasion, colour: bool) {
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
        let what = what_of(&judged.record);
        let by = match judged.verdict {
            "excluded" => format!("silenced by {}", visible(&judged.excluded_by.join(", "))),
            "out_of_scope" => "no signal counts it".to_owned(),
            _ => "not a record for the query".to_owned(),
        };
        let line = format!("{what}: {by}");
        let _ = writeln!(text, "{INDENT}{}", paint(colour, "2", &line));
    }
    let others: Vec<String> = evasion
        .silenced_by
        .iter()
        .filter(|id| *id != exclusion)
        .map(|id| visible(id))
        .collect();
    if !others.is_empty() {
        let _ = writeln!(text, "{INDENT}together with {}", others.join(", "));
    }
    if let Some(said) = &evasion.server {
        on_server(text, said, colour);
    }
}

/// A text in one line.
fn flat(text: &str) -> String {
    text.replace('\n', "\\n").replace('\t', "\\t")
}
