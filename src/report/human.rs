//! Diagnostics for people: the source with the fault underlined.

use std::ops::Range;

use annotate_snippets::renderer::DecorStyle;
use annotate_snippets::{AnnotationKind, Group, Level, Origin, Renderer, Snippet};

use super::escape::terminal;
use super::visible;
use crate::diagnostic::{Diagnostic, Diagnostics, Label, Severity};
use crate::source::{FileId, SourceFiles};

#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// Colour, as escape sequences.
    pub colour: bool,
    /// Columns of the terminal.
    pub width: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            colour: false,
            width: 120,
        }
    }
}

/// Longest part of a line that is shown around the underlined text.
const BESIDE: usize = 400;

/// Lines between two labels from which they are shown apart.
const FAR: usize = 200;

/// All diagnostics, each followed by an empty line.
pub fn render(files: &SourceFiles, diagnostics: &Diagnostics, options: Options) -> String {
    let renderer = if options.colour {
        Renderer::styled()
    } else {
        Renderer::plain()
    };
    let renderer = renderer
        .term_width(options.width.max(40))
        .decor_style(DecorStyle::Ascii);
    let mut text = String::new();
    for diagnostic in diagnostics {
        text.push_str(&renderer.render(&[group(files, diagnostic)]));
        text.push_str("\n\n");
    }
    text
}

fn group<'a>(files: &'a SourceFiles, diagnostic: &Diagnostic) -> Group<'a> {
    let level = match diagnostic.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    let title = level
        .primary_title(visible(&diagnostic.message))
        .id(diagnostic.code.id());
    let mut group = Group::with_title(title);
    let mut seen: Vec<FileId> = Vec::new();
    for label in &diagnostic.labels {
        let file = label.place.file;
        if seen.contains(&file) {
            continue;
        }
        seen.push(file);
        if files.text(file).trim().is_empty() {
            group = group.element(Origin::path(terminal(files.path(file))));
            continue;
        }
        let here: Vec<&Label> = diagnostic
            .labels
            .iter()
            .filter(|label| label.place.file == file)
            .collect();
        let lines = here
            .iter()
            .map(|label| files.position(file, label.place.span.start).line);
        let distance = lines.clone().max().unwrap_or(0) - lines.min().unwrap_or(0);
        if distance > FAR {
            for label in here {
                group = group.element(snippet(files, file, &[label]));
            }
        } else {
            group = group.element(snippet(files, file, &here));
        }
    }
    for help in &diagnostic.help {
        group = group.element(Level::HELP.message(visible(help)));
    }
    group
}

fn snippet<'a>(
    files: &'a SourceFiles,
    file: FileId,
    labels: &[&Label],
) -> Snippet<'a, annotate_snippets::Annotation<'a>> {
    let text = files.shown(file);
    let start = labels
        .iter()
        .map(|label| label.place.span.start)
        .min()
        .unwrap_or(0);
    let end = labels
        .iter()
        .map(|label| label.place.span.end)
        .max()
        .unwrap_or(0);
    let mut lines = files.lines_around(file, &(start..end));
    let mut labels = labels.to_vec();
    let has_long_line = text
        .get(lines.clone())
        .is_some_and(|text| text.split('\n').any(|line| line.len() > 2 * BESIDE));
    if has_long_line {
        // A line of a megabyte is of no use: the text around the fault is.
        labels.truncate(1);
        let span = labels
            .first()
            .map_or(0..0, |label| label.place.span.clone());
        let around = files.lines_around(file, &(span.start..span.start));
        let from = around.start.max(span.start.saturating_sub(BESIDE));
        let to = around
            .end
            .min(span.end.max(span.start).saturating_add(BESIDE))
            .min(span.start.saturating_add(2 * BESIDE));
        lines = boundary(&text, from)..boundary(&text, to.max(from));
    }
    let first = files.position(file, lines.start).line;
    let source = text.get(lines.clone()).unwrap_or_default();
    let map = |offset: usize| {
        let offset = boundary(&text, offset.clamp(lines.start, lines.end));
        text.get(lines.start..offset)
            .map_or(0, |before| visible(&strip(before)).len())
    };
    let annotations: Vec<_> = labels
        .iter()
        .map(|label| {
            let kind = if label.primary {
                AnnotationKind::Primary
            } else {
                AnnotationKind::Context
            };
            let Range { start, end } = label.place.span;
            let text = (!label.text.is_empty()).then(|| visible(&label.text));
            kind.span(map(start)..map(end)).label(text)
        })
        .collect();
    Snippet::source(visible(&strip(source)))
        .line_start(first)
        .path(terminal(files.path(file)))
        .fold(true)
        .annotations(annotations)
}

/// Windows line ends are not a fault.
fn strip(text: &str) -> String {
    text.replace("\r\n", "\n")
}

fn boundary(text: &str, offset: usize) -> usize {
    (0..=offset.min(text.len()))
        .rev()
        .find(|offset| text.is_char_boundary(*offset))
        .unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::Code;
    use crate::source::Place;

    fn sink(labels: &[Place]) -> Diagnostics {
        let mut sink = Diagnostics::default();
        let diagnostic = Diagnostic::new(Code::YamlTag, "odd \u{1b}[31m").help("stop");
        sink.push(labels.iter().cloned().fold(diagnostic, Diagnostic::at));
        sink
    }

    #[test]
    fn colour_is_asked_for() {
        let mut files = SourceFiles::default();
        let file = files.add("rules/a.yaml", "x: \u{1b}[31my\n");
        let sink = sink(&[Place::new(file, 0..1)]);
        assert!(!render(&files, &sink, Options::default()).contains('\u{1b}'));
        let coloured = render(
            &files,
            &sink,
            Options {
                colour: true,
                width: 80,
            },
        );
        assert!(coloured.contains('\u{1b}'));
        assert!(coloured.contains("\\u{1b}[31my"));
    }

    #[test]
    fn long_lines_and_far_labels_are_cut() {
        let mut files = SourceFiles::default();
        let file = files.add(
            "rules/a.yaml",
            format!("{}!{}", "é".repeat(100_000), "é".repeat(100_000)),
        );
        let text = render(
            &files,
            &sink(&[Place::new(file, 200_000..200_001)]),
            Options::default(),
        );
        assert!(text.len() < 2_000 && text.contains('!'), "{text}");
        let file = files.add("rules/b.yaml", "line\n".repeat(10_000));
        let text = render(
            &files,
            &sink(&[Place::new(file, 0..4), Place::new(file, 40_000..40_004)]),
            Options::default(),
        );
        assert!(text.len() < 1_000 && text.contains("8001"), "{text}");
    }
}
