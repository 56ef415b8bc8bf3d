//! Results as text: for people, for programs, for the annotations of a pull request.

pub mod adopt;
pub mod attack;
pub mod begin;
pub mod ci;
pub mod diff;
pub mod doctor;
pub mod enrol;
pub mod escape;
pub mod github;
pub mod human;
pub mod impact;
pub mod json;
pub mod live;
pub mod migrate;
pub mod junit;
pub mod plan;
pub mod prove;
pub mod rules_human;
pub mod rules_json;
mod sarif;
pub mod schema;
pub mod suggest;
pub mod code;
mod csv;
pub mod evidence;
mod page;
mod web;
pub mod table;

use crate::diagnostic::{Diagnostics, is_hostile};

/// Text without characters that a terminal would obey or hide: they are spelt out.
pub fn visible(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for character in text.chars() {
        if is_hostile(character) || character == '\r' {
            shown.extend(character.escape_unicode());
        } else {
            shown.push(character);
        }
    }
    shown
}

/// The last line of a report: how much there is.
pub fn summary(diagnostics: &Diagnostics) -> String {
    let count = |number: usize, what: &str| match number {
        0 => None,
        1 => Some(format!("1 {what}")),
        _ => Some(format!("{number} {what}s")),
    };
    let parts: Vec<String> = [
        count(diagnostics.errors(), "error"),
        count(diagnostics.warnings(), "warning"),
    ]
    .into_iter()
    .flatten()
    .collect();
    let mut line = if parts.is_empty() {
        "no faults".to_owned()
    } else {
        parts.join(", ")
    };
    if diagnostics.dropped() > 0 {
        line.push_str(&format!(" ({} not shown)", diagnostics.dropped()));
    }
    line
}
