//! The files of the audit monitor that pgvigil replaces, as policy files, and what people could hide from its query.
//!
//! ```text
//! input (which kind) ─ query, variables, tfvars, enrolment ─> facts ─ plan ─> a wish of `begin`, and a report
//!                        └─ evasion: the old query's text is run on statements that hide from it
//! ```
//!
//! What an input holds and this does not understand is a [`Leftover`], with its place and what to do: nothing is dropped
//! in silence.

pub mod embedded;
pub mod enrolment;
pub mod evasion;
pub mod input;
pub mod plan;
pub mod query;
pub mod replacement;
pub mod settings;
pub mod stages;
pub mod tfvars;
pub mod variables;

use serde::Serialize;

pub use input::{Input, Kind};
pub use plan::{Migration, Options, migrate};

/// Version of the report.
pub const FORMAT_VERSION: u32 = 1;

/// A place in an input.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct At {
    /// The file, as it was named.
    pub file: String,
    /// The line, from 1 on.
    pub line: usize,
}

impl At {
    pub fn new(file: &str, line: usize) -> Self {
        Self {
            file: file.to_owned(),
            line,
        }
    }
}

/// What is carried over to no policy file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Leftover {
    pub at: At,
    /// What it is, without values that may be secret.
    pub what: String,
    /// What to do, or why nothing needs to be done.
    pub help: String,
    /// Somebody has to do something.
    pub is_open: bool,
}

/// What is carried over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Carried {
    pub at: At,
    pub name: String,
    /// What became of it: a file and a key.
    pub becomes: String,
    /// What is worth knowing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// The line of a byte of a text.
pub(crate) fn line_of(text: &str, byte: usize) -> usize {
    let before = text
        .as_bytes()
        .get(..byte.min(text.len()))
        .unwrap_or_default();
    before.iter().filter(|byte| **byte == b'\n').count() + 1
}
