//! What there is to say of a code.

use std::fmt::Write as _;

use serde_json::json;

use super::doctor::human::wrap;
use crate::diagnostic::code::{Entry, example};

pub fn human(entry: &Entry, width: usize) -> String {
    let mut text = String::new();
    let mut part = |lead: &str, sentence: &str| {
        let indent = lead.chars().count();
        let mut lead = lead.to_owned();
        for line in wrap(sentence, width, indent) {
            // Writing to a text cannot fail.
            let _ = writeln!(text, "{lead}{line}");
            lead = " ".repeat(indent);
        }
    };
    part(
        &format!("{}: ", entry.id),
        &format!("{} ({})", entry.title, entry.severity),
    );
    part("  why it matters: ", entry.why);
    part("  what to do:     ", entry.remedy);
    if let Some(example) = example(entry.id) {
        let _ = write!(
            text,
            "\nAn example, as `pgvigil check` prints it:\n\n{example}\n"
        );
    }
    text
}

pub fn json(entry: &Entry) -> String {
    let value = json!({
        "code": entry.id,
        "severity": entry.severity,
        "title": entry.title,
        "why": entry.why,
        "remedy": entry.remedy,
        "example": example(entry.id),
    });
    format!("{value:#}\n")
}
