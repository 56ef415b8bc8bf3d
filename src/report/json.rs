//! Diagnostics for programs.

use serde::Serialize;

use super::escape;
use crate::diagnostic::{Diagnostic, Diagnostics, Label};
use crate::source::SourceFiles;

/// Version of the format. It grows when a program that reads the older one would be misled.
pub const FORMAT_VERSION: u32 = 1;

#[derive(Serialize)]
struct Report<'a> {
    format_version: u32,
    errors: usize,
    warnings: usize,
    not_shown: usize,
    diagnostics: Vec<Entry<'a>>,
}

#[derive(Serialize)]
struct Entry<'a> {
    code: &'static str,
    severity: String,
    message: &'a str,
    #[serde(flatten)]
    place: Option<Spot<'a>>,
    help: &'a [String],
    related: Vec<Related<'a>>,
}

#[derive(Serialize)]
struct Related<'a> {
    #[serde(flatten)]
    place: Spot<'a>,
    label: &'a str,
}

/// Lines and columns count from 1, columns count characters, the end is the column after the last.
#[derive(Serialize)]
struct Spot<'a> {
    file: &'a str,
    line: usize,
    column: usize,
    end_line: usize,
    end_column: usize,
    underlined: String,
}

/// All diagnostics as one JSON document.
pub fn render(files: &SourceFiles, diagnostics: &Diagnostics) -> String {
    let report = Report {
        format_version: FORMAT_VERSION,
        errors: diagnostics.errors(),
        warnings: diagnostics.warnings(),
        not_shown: diagnostics.dropped(),
        diagnostics: diagnostics
            .iter()
            .map(|diagnostic| entry(files, diagnostic))
            .collect(),
    };
    // Plain strings and numbers always serialise.
    serde_json::to_string_pretty(&report)
        .map(|text| escape::json(&text) + "\n")
        .unwrap_or_default()
}

fn entry<'a>(files: &'a SourceFiles, diagnostic: &'a Diagnostic) -> Entry<'a> {
    let primary = diagnostic.labels.iter().position(|label| label.primary);
    let related = diagnostic
        .labels
        .iter()
        .enumerate()
        .filter(|(index, _)| Some(*index) != primary);
    Entry {
        code: diagnostic.code.id(),
        severity: diagnostic.severity.to_string(),
        message: &diagnostic.message,
        place: primary
            .and_then(|index| diagnostic.labels.get(index))
            .map(|label| spot(files, label)),
        help: &diagnostic.help,
        related: related
            .map(|(_, label)| Related {
                place: spot(files, label),
                label: &label.text,
            })
            .collect(),
    }
}

fn spot<'a>(files: &'a SourceFiles, label: &Label) -> Spot<'a> {
    let place = &label.place;
    let start = files.position(place.file, place.span.start);
    let end = files.position(place.file, place.span.end);
    Spot {
        file: files.path(place.file),
        line: start.line,
        column: start.column,
        end_line: end.line,
        end_column: end.column,
        underlined: files.shown_slice(place),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::Code;
    use crate::source::Place;

    #[test]
    fn says_where_and_hides_nothing() {
        let mut files = SourceFiles::default();
        let file = files.add("rules/a.yaml", "x: y\u{202e}\n");
        let mut sink = Diagnostics::default();
        sink.push(
            Diagnostic::new(Code::YamlTag, "odd")
                .at(Place::new(file, 3..7))
                .context(Place::new(file, 0..1), "here")
                .help("stop"),
        );
        let text = render(&files, &sink);
        assert!(!text.contains('\u{202e}'));
        let value: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(
            value,
            serde_json::json!({
                "format_version": 1, "errors": 1, "warnings": 0, "not_shown": 0,
                "diagnostics": [{
                    "code": "yaml/tag", "severity": "error", "message": "odd", "help": ["stop"],
                    "file": "rules/a.yaml", "line": 1, "column": 4, "end_line": 1, "end_column": 6, "underlined": "y\u{202e}",
                    "related": [{"file": "rules/a.yaml", "line": 1, "column": 1, "end_line": 1, "end_column": 2, "underlined": "x", "label": "here"}],
                }],
            })
        );
    }
}
