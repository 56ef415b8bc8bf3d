//! What came of the old system's files: for people and for programs.

use std::fmt::Write as _;

use super::doctor::human::wrap;
use super::escape::{self, terminal};
use super::plan::human::{Paint, Style};
use crate::deploy::document::pretty;
use crate::diagnostic::count;
use crate::takeover::migrate::plan::{OldExclusion, QueryReport};
use crate::takeover::migrate::{At, Migration};

pub fn json(migration: &Migration) -> String {
    let value = serde_json::to_value(migration).unwrap_or_default();
    escape::json(&pretty(&value))
}

/// Lines of whole words after a lead.
fn draw(text: &mut String, lead: &str, sentence: &str, style: Style) {
    let indent = lead.chars().count();
    let mut lead = lead.to_owned();
    for line in wrap(sentence, style.width, indent) {
        // Writing to a text cannot fail.
        let _ = writeln!(text, "{lead}{line}");
        lead = " ".repeat(indent);
    }
}

fn place(at: &At) -> String {
    terminal(&format!("{}:{}", at.file, at.line))
}

/// How many missed statements are listed one by one.
const MISSES: usize = 12;

pub fn human(migration: &Migration, style: Style) -> String {
    let mut text = String::new();
    for read in &migration.inputs {
        let kind = read.kind.map_or("not recognised", |kind| kind.title());
        let _ = writeln!(text, "{}: {kind}", terminal(&read.file));
    }
    for query in &migration.queries {
        draw_query(&mut text, query, style);
    }
    if !migration.carried.is_empty() {
        heading(&mut text, "Carried over", style);
        for one in &migration.carried {
            let _ = writeln!(
                text,
                "  {:<28} {} → {}",
                place(&one.at),
                terminal(&one.name),
                terminal(&one.becomes)
            );
            if let Some(note) = &one.note {
                draw(&mut text, "      ", &terminal(note), style);
            }
        }
    }
    for (title, is_open) in [
        ("Left to do manually", true),
        ("Not carried over, nothing to do", false),
    ] {
        let mut some = migration
            .left
            .iter()
            .filter(|left| left.is_open == is_open)
            .peekable();
        if some.peek().is_none() {
            continue;
        }
        heading(&mut text, title, style);
        for left in some {
            let _ = writeln!(text, "  {:<28} {}", place(&left.at), terminal(&left.what));
            draw(&mut text, "      ", &terminal(&left.help), style);
        }
    }
    text
}

fn heading(text: &mut String, title: &str, style: Style) {
    let _ = writeln!(text, "\n{}", style.paint(Paint::Bold, title));
}

fn draw_query(text: &mut String, query: &QueryReport, style: Style) {
    let evadable = query
        .exclusions
        .iter()
        .filter(|exclusion| exclusion.evadable)
        .count();
    heading(
        text,
        &format!("The old query, {}", terminal(&query.file)),
        style,
    );
    let looked_for: Vec<String> = query
        .includes
        .iter()
        .map(|include| terminal(&include.text))
        .collect();
    if !looked_for.is_empty() {
        draw(
            text,
            "  ",
            &format!(
                "It looks for {} anywhere in the line, so the author of a statement decides whether it counts.",
                looked_for.join(" and ")
            ),
            style,
        );
    }
    if !query.misses.is_empty() {
        let silent_after = query
            .misses
            .iter()
            .filter(|miss| !miss.counted_by_pgvigil)
            .count();
        let _ = writeln!(
            text,
            "\n  {} that it never counts, whatever it excludes; pgvigil's query counts {}:",
            count(query.misses.len(), "statement"),
            if silent_after == 0 {
                "all of them".to_owned()
            } else {
                format!("all but {silent_after}")
            }
        );
        for miss in query.misses.iter().take(MISSES) {
            let case = if miss.in_small_letters_only {
                " (in small letters)"
            } else {
                ""
            };
            let _ = writeln!(text, "    {}{case}", terminal(&miss.does));
            let _ = writeln!(
                text,
                "        {}",
                terminal(&miss.statement.replace('\n', " "))
            );
        }
        if query.misses.len() > MISSES {
            let _ = writeln!(
                text,
                "    and {} more: --format json lists them",
                query.misses.len() - MISSES
            );
        }
    }
    let _ = writeln!(
        text,
        "\n  {}, {evadable} of them evadable",
        count(query.exclusions.len(), "exclusion")
    );
    for exclusion in &query.exclusions {
        draw_exclusion(text, exclusion, style);
    }
}

fn draw_exclusion(text: &mut String, exclusion: &OldExclusion, style: Style) {
    let word = if exclusion.drops_everything {
        style.paint(Paint::Red, "excludes every record: nothing is counted")
    } else if exclusion.evadable {
        style.paint(Paint::Red, "evadable")
    } else if exclusion.tried.tried == 0 {
        style.paint(
            Paint::Yellow,
            "not tried: could not generate a text that it looks for, or a statement that the query counts",
        )
    } else {
        format!("{} ways tried, none evades it", exclusion.tried.tried)
    };
    let _ = writeln!(
        text,
        "\n  {}  {} ({})",
        terminal(&exclusion.text),
        word,
        place(&exclusion.at)
    );
    for evasion in &exclusion.tried.evasions {
        let _ = writeln!(text, "    hides in {}", terminal(&evasion.carrier));
        let _ = writeln!(text, "        {}", terminal(&evasion.statement));
        if !evasion.counted_by_pgvigil {
            let _ = writeln!(text, "        pgvigil's query does not count it either");
        }
    }
    if exclusion.evadable && !exclusion.drops_everything {
        let _ = writeln!(
            text,
            "    {} of {} ways of planting the text are silent",
            exclusion.tried.silent, exclusion.tried.tried
        );
    }
    let replacement = &exclusion.in_its_place;
    if !replacement.exclusions.is_empty() {
        draw(
            text,
            "    in its place: ",
            &terminal(&replacement.exclusions.join(", ")),
            style,
        );
    }
    for note in &replacement.notes {
        draw(text, "    note: ", &terminal(note), style);
    }
    if let Some(role) = &replacement.role {
        draw(
            text,
            "    in its place: ",
            &format!(
                "an entry for {} under `service_accounts`, as a comment at the end of rules/exclusions.yaml",
                terminal(role)
            ),
            style,
        );
    }
    if replacement.proposal.is_some() {
        draw(
            text,
            "    in its place: ",
            "no shipped exclusion; a comment at the end of rules/exclusions.yaml proposes one for you to complete",
            style,
        );
    }
}
