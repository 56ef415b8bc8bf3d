//! Diagnostics as workflow commands: GitHub shows them beside the lines of a pull request.

use super::visible;
use crate::diagnostic::Diagnostics;
use crate::source::SourceFiles;

/// One command a line.
pub fn render(files: &SourceFiles, diagnostics: &Diagnostics) -> String {
    let mut text = String::new();
    for diagnostic in diagnostics {
        let mut properties: Vec<(&str, String)> = Vec::new();
        if let Some(place) = diagnostic.place() {
            let (start, end) = (
                files.position(place.file, place.span.start),
                files.position(place.file, place.span.end),
            );
            properties.push(("file", files.path(place.file).to_owned()));
            properties.push(("line", start.line.to_string()));
            properties.push(("endLine", end.line.to_string()));
            // Columns count only within one line.
            if start.line == end.line {
                properties.push(("col", start.column.to_string()));
                properties.push(("endColumn", end.column.to_string()));
            }
        }
        properties.push(("title", diagnostic.code.id().to_owned()));
        let properties: Vec<String> = properties
            .into_iter()
            .map(|(key, value)| format!("{key}={}", property(&value)))
            .collect();
        let mut message = diagnostic.message.clone();
        for help in &diagnostic.help {
            message.push_str(&format!("\nhelp: {help}"));
        }
        text.push_str(&format!(
            "::{} {}::{}\n",
            diagnostic.severity,
            properties.join(","),
            data(&message)
        ));
    }
    text
}

/// The message of a command: as actions/toolkit does (packages/core/src/command.ts), without what a terminal would obey.
pub(super) fn data(text: &str) -> String {
    visible(text)
        .replace('%', "%25")
        .replace('\r', "%0D")
        .replace('\n', "%0A")
}

/// A property of a command.
pub(super) fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::{Code, Diagnostic};
    use crate::source::Place;

    #[test]
    fn escapes_what_would_end_a_command() {
        let mut files = SourceFiles::default();
        let file = files.add("rules/a,b:c.yaml", "x: y\n");
        let mut sink = Diagnostics::default();
        sink.push(
            Diagnostic::new(Code::YamlTag, "100%\n::error::forged \u{202e}")
                .at(Place::new(file, 3..4))
                .help("a: b, c"),
        );
        assert_eq!(
            render(&files, &sink),
            "::error file=rules/a%2Cb%3Ac.yaml,line=1,endLine=1,col=4,endColumn=5,title=yaml/tag::100%25%0A::error::forged \\u{202e}%0Ahelp: a: b, c\n"
        );
    }
}
