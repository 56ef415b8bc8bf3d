//! Diagnostics as workflow commands: GitHub shows them next to the lines of a pull request.

use super::escape::spelt;
use super::visible;
use crate::diagnostic::Diagnostics;
use crate::source::SourceFiles;

/// One command a line.
pub fn render(files: &SourceFiles, diagnostics: &Diagnostics) -> String {
    let mut text = String::new();
    for diagnostic in diagnostics {
        let place = diagnostic.place().map(|place| {
            let (start, end) = (
                files.position(place.file, place.span.start),
                files.position(place.file, place.span.end),
            );
            let mut place = vec![
                ("file", files.path(place.file).to_owned()),
                ("line", start.line.to_string()),
                ("endLine", end.line.to_string()),
            ];
            // Columns count only within one line.
            if start.line == end.line {
                place.push(("col", start.column.to_string()));
                place.push(("endColumn", end.column.to_string()));
            }
            place
        });
        let mut message = diagnostic.message.clone();
        for help in &diagnostic.help {
            message.push_str(&format!("\nhelp: {help}"));
        }
        let severity = diagnostic.severity.to_string();
        let place = place.unwrap_or_default();
        text.push_str(&command(&severity, place, diagnostic.code.id(), &message));
    }
    text
}

/// A command that shows a message at a place, which is given by its properties.
pub(super) fn command(
    level: &str,
    place: Vec<(&str, String)>,
    title: &str,
    message: &str,
) -> String {
    let mut properties = place;
    properties.push(("title", title.to_owned()));
    let properties: Vec<String> = properties
        .into_iter()
        .map(|(key, value)| format!("{key}={}", property(&value)))
        .collect();
    format!("::{level} {}::{}\n", properties.join(","), data(message))
}

/// The message of a command: as actions/toolkit does (packages/core/src/command.ts), without what a terminal would obey.
fn data(text: &str) -> String {
    spelt(&visible(text), "\\u{23}")
        .replace('%', "%25")
        .replace('\r', "%0D")
        .replace('\n', "%0A")
}

/// A property of a command.
fn property(text: &str) -> String {
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
