//! The errors and warnings about a user's files, as data: they are collected and sorted here, and rendered elsewhere.
//!
//! Messages are lowercase without a full stop, user text is in backticks, the fix is in `help`, and no message names
//! a type of this program.

pub mod code;
mod count;

use std::fmt;

pub use code::Code;
pub use count::{count, plural};

use crate::source::Place;

/// How bad a diagnostic is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// The files cannot be used.
    Error,
    /// The files can be used, but a person should look at them.
    Warning,
}

impl Severity {
    /// The word in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A place with a word about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Label {
    pub place: Place,
    /// The word; may be empty.
    pub text: String,
    /// Says whether the fault is here; other labels show what it has to do with.
    pub primary: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    pub code: Code,
    /// How bad: the code's default, unless changed.
    pub severity: Severity,
    /// What is wrong, in one line.
    pub message: String,
    /// Where, the fault itself first.
    pub labels: Vec<Label>,
    pub help: Vec<String>,
}

impl Diagnostic {
    /// A fault without a place yet.
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self {
            code,
            severity: code.severity(),
            message: message.into(),
            labels: Vec::new(),
            help: Vec::new(),
        }
    }

    /// Says where the fault is.
    #[must_use]
    pub fn at(self, place: Place) -> Self {
        self.label(place, "")
    }

    /// Says where the fault is, with a word about it.
    #[must_use]
    pub fn label(mut self, place: Place, text: impl Into<String>) -> Self {
        self.labels.push(Label {
            place,
            text: text.into(),
            primary: true,
        });
        self
    }

    /// Shows another place that the fault has to do with.
    #[must_use]
    pub fn context(mut self, place: Place, text: impl Into<String>) -> Self {
        self.labels.push(Label {
            place,
            text: text.into(),
            primary: false,
        });
        self
    }

    /// Says what to do.
    #[must_use]
    pub fn help(mut self, text: impl Into<String>) -> Self {
        self.help.push(text.into());
        self
    }

    /// Says what to do, if there is something to say.
    #[must_use]
    pub fn maybe_help(mut self, text: Option<String>) -> Self {
        self.help.extend(text);
        self
    }

    /// Where the fault is.
    pub fn place(&self) -> Option<&Place> {
        self.labels
            .iter()
            .find(|label| label.primary)
            .map(|label| &label.place)
    }
}

/// Maximum number of diagnostics that are kept: no one reads more, and a broken file can have a million.
const KEPT: usize = 2_000;

#[derive(Debug, Clone, Default)]
pub struct Diagnostics {
    kept: Vec<Diagnostic>,
    errors: usize,
    warnings: usize,
}

impl Diagnostics {
    pub fn push(&mut self, diagnostic: Diagnostic) {
        match diagnostic.severity {
            Severity::Error => self.errors += 1,
            Severity::Warning => self.warnings += 1,
        }
        if self.kept.len() < KEPT {
            self.kept.push(diagnostic);
        }
    }

    /// Adds all of another collection.
    pub fn extend(&mut self, others: Diagnostics) {
        let room = KEPT.saturating_sub(self.kept.len());
        self.errors += others.errors;
        self.warnings += others.warnings;
        self.kept.extend(others.kept.into_iter().take(room));
    }

    /// Sorts by file, offset and code, and drops what was said twice.
    pub fn sort(&mut self) {
        let key = |diagnostic: &Diagnostic| {
            let place = diagnostic
                .place()
                .map(|place| (place.file, place.span.start));
            (place, diagnostic.code, diagnostic.message.clone())
        };
        self.kept.sort_by_cached_key(key);
        let (errors, warnings) = (&mut self.errors, &mut self.warnings);
        self.kept.dedup_by(|a, b| {
            let is_same = a == b;
            if is_same {
                match a.severity {
                    Severity::Error => *errors -= 1,
                    Severity::Warning => *warnings -= 1,
                }
            }
            is_same
        });
    }

    /// Those that are kept; sorted after [`sort`](Self::sort).
    pub fn iter(&self) -> std::slice::Iter<'_, Diagnostic> {
        self.kept.iter()
    }

    /// How many errors there are.
    pub fn errors(&self) -> usize {
        self.errors
    }

    /// How many warnings there are.
    pub fn warnings(&self) -> usize {
        self.warnings
    }

    /// How many are counted but not kept.
    pub fn dropped(&self) -> usize {
        (self.errors + self.warnings).saturating_sub(self.kept.len())
    }

    /// Says whether there is nothing to say.
    pub fn is_empty(&self) -> bool {
        self.errors + self.warnings == 0
    }
}

impl<'a> IntoIterator for &'a Diagnostics {
    type Item = &'a Diagnostic;
    type IntoIter = std::slice::Iter<'a, Diagnostic>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

/// User text in backticks, for messages: one line, hostile characters spelt out, cut when long.
pub fn quote(text: &str) -> String {
    const SHOWN: usize = 80;
    let mut shown = String::with_capacity(text.len().min(SHOWN) + 2);
    shown.push('`');
    let mut characters = text.chars();
    for character in characters.by_ref().take(SHOWN) {
        if is_hostile(character) || matches!(character, '\n' | '\t' | '\r') {
            shown.extend(character.escape_default());
        } else {
            shown.push(character);
        }
    }
    if characters.next().is_some() {
        shown.push('…');
    }
    shown.push('`');
    shown
}

/// Whether the author might have meant a name as a pattern: `app_*`, `app_%`.
pub fn has_wildcard(name: &str) -> bool {
    name.contains(['*', '%'])
}

/// Several user texts in backticks.
pub fn quote_all<T: AsRef<str>>(texts: impl IntoIterator<Item = T>) -> String {
    texts
        .into_iter()
        .map(|text| quote(text.as_ref()))
        .collect::<Vec<_>>()
        .join(", ")
}

/// Characters that a terminal or a reader does not see as they are: controls, marks that turn the
/// direction of writing, characters without width, and spaces that are no space.
pub fn is_hostile(character: char) -> bool {
    match character {
        '\n' | '\t' | '\r' => false,
        _ => character.is_control() || is_bidirectional(character) || is_invisible(character),
    }
}

/// Marks that change the direction of writing.
pub fn is_bidirectional(character: char) -> bool {
    matches!(character, '\u{061C}' | '\u{200E}' | '\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
}

/// Characters that are invisible, or that look like a space but are different.
pub fn is_invisible(character: char) -> bool {
    matches!(character,
        '\u{00A0}' | '\u{00AD}' | '\u{034F}' | '\u{115F}' | '\u{1160}' | '\u{1680}' | '\u{17B4}' | '\u{17B5}'
        | '\u{180B}'..='\u{180F}' | '\u{2000}'..='\u{200D}' | '\u{2028}' | '\u{2029}' | '\u{202F}'
        | '\u{205F}'..='\u{2065}' | '\u{206A}'..='\u{206F}' | '\u{2800}' | '\u{3000}' | '\u{3164}'
        | '\u{FE00}'..='\u{FE0E}' | '\u{FEFF}' | '\u{FFA0}' | '\u{FFF9}'..='\u{FFFB}' | '\u{1D173}'..='\u{1D17A}'
        | '\u{E0000}'..='\u{E0FFF}')
}

/// The candidate that was probably meant.
pub fn closest<'a>(
    written: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    let written = written.to_lowercase();
    let length = written.chars().count();
    if length > 100 {
        return None;
    }
    let allowed = (length / 3).clamp(1, 3);
    let candidates: Vec<&str> = candidates.into_iter().collect();
    let near = candidates
        .iter()
        .copied()
        .map(|candidate| {
            (
                strsim::osa_distance(&written, &candidate.to_lowercase()),
                candidate,
            )
        })
        .filter(|(distance, candidate)| {
            *distance <= allowed && *distance < candidate.chars().count()
        })
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate);
    // A shortened word has a large edit distance, but is close in meaning.
    let longer = || {
        candidates
            .into_iter()
            .find(|candidate| length >= 4 && candidate.to_lowercase().starts_with(&written))
    };
    near.or_else(longer)
}

/// "did you mean", or what there is to choose from when that is little.
pub fn suggest<'a>(
    written: &str,
    candidates: impl IntoIterator<Item = &'a str>,
    what: &str,
) -> Option<String> {
    let candidates: Vec<&str> = candidates.into_iter().collect();
    if let Some(closest) = closest(written, candidates.iter().copied()) {
        return Some(format!("did you mean {}?", quote(closest)));
    }
    match candidates.len() {
        0 => None,
        1..=16 => Some(format!("{what}: {}", quote_all(&candidates))),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn suggests_what_is_close() {
        assert_eq!(
            closest("exclusoins", ["exclusions", "environments"]),
            Some("exclusions")
        );
        assert_eq!(closest("reed", ["READ", "WRITE"]), Some("READ"));
        assert_eq!(closest("zzz", ["READ", "WRITE"]), None);
    }

    #[test]
    fn quotes_without_hostile_characters() {
        assert_eq!(quote("a\u{202e}b\u{1b}[31m"), "`a\\u{202e}b\\u{1b}[31m`");
    }
}
