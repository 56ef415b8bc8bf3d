//! A unified diff of a file that is stale, for a terminal.

use similar::{Change, ChangeTag, TextDiff};
use unicode_width::UnicodeWidthStr;

use super::escape::terminal;
use super::plan::human::{Paint, Style};
use crate::diagnostic::count;

/// Lines of a diff that are shown.
const SHOWN: usize = 40;

/// Unchanged lines around a change.
const CONTEXT: usize = 3;

/// Characters before a difference that are shown of a line that is too long.
const BEFORE: usize = 20;

/// How a file differs from what it must contain. A long diff is cut, and its last line says how many lines follow.
pub fn unified(path: &str, found: &[u8], expected: &[u8], style: Style) -> String {
    let (Ok(found), Ok(expected)) = (str::from_utf8(found), str::from_utf8(expected)) else {
        return format!(
            "not text: found {}, expected {}\n",
            count(found.len(), "byte"),
            count(expected.len(), "byte")
        );
    };
    let diff = TextDiff::from_lines(found, expected);
    let mut lines = Vec::new();
    for hunk in diff.unified_diff().context_radius(CONTEXT).iter_hunks() {
        lines.push(style.paint(Paint::Dim, &hunk.header().to_string()));
        for op in hunk.ops() {
            let changes: Vec<_> = diff.iter_changes(op).collect();
            let side = |tag| changes.iter().filter(move |change| change.tag() == tag);
            let pairs: Vec<_> = side(ChangeTag::Delete)
                .zip(side(ChangeTag::Insert))
                .map(|(before, after)| alike(before.value(), after.value()))
                .collect();
            for tag in [ChangeTag::Equal, ChangeTag::Delete, ChangeTag::Insert] {
                for (index, change) in side(tag).enumerate() {
                    draw(
                        change,
                        pairs.get(index).copied().unwrap_or(0),
                        style,
                        &mut lines,
                    );
                }
            }
        }
    }
    let left_out = lines.len().saturating_sub(SHOWN);
    lines.truncate(SHOWN);
    if left_out > 0 {
        let more = format!("… {}", count(left_out, "more line"));
        lines.push(style.paint(Paint::Dim, &more));
    }
    let path = terminal(path);
    format!(
        "--- {path} (found)\n+++ {path} (expected)\n{}\n",
        lines.join("\n")
    )
}

/// How many characters two lines share at their start.
fn alike(one: &str, other: &str) -> usize {
    one.chars()
        .zip(other.chars())
        .take_while(|(one, other)| one == other)
        .count()
}

/// One line, which is cut to the terminal's width so that the first difference to its counterpart is shown.
fn draw(change: &Change<&str>, alike: usize, style: Style, lines: &mut Vec<String>) {
    let text = change.value().trim_end_matches('\n');
    let hidden = alike.saturating_sub(BEFORE);
    let text = if hidden > 0 && terminal(text).width() >= style.width {
        format!("…{}", text.chars().skip(hidden).collect::<String>())
    } else {
        text.to_owned()
    };
    let line = format!("{}{}", change.tag(), style.fit(&text, 1));
    lines.push(match change.tag() {
        ChangeTag::Equal => line,
        ChangeTag::Delete => style.paint(Paint::Red, &line),
        ChangeTag::Insert => style.paint(Paint::Green, &line),
    });
    if change.missing_newline() {
        lines.push("\\ No newline at end of file".to_owned());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(found: &str, expected: &str) -> String {
        unified("a", found.as_bytes(), expected.as_bytes(), Style::default())
    }

    #[test]
    fn changes_are_shown_with_their_places() {
        assert_eq!(
            drawn("1\n2\n3\n4\n5\n6\n7\n8\n", "1\n2\n3\n4\nfive\n6\n7\n8"),
            "--- a (found)\n+++ a (expected)\n@@ -2,7 +2,7 @@\n 2\n 3\n 4\n-5\n+five\n 6\n 7\n-8\n+8\n\
             \\ No newline at end of file\n"
        );
        let style = Style {
            colour: true,
            ..Style::default()
        };
        assert_eq!(
            unified("a", b"1\n", b"2\n", style),
            "--- a (found)\n+++ a (expected)\n\u{1b}[2m@@ -1 +1 @@\u{1b}[0m\n\u{1b}[31m-1\u{1b}[0m\n\
             \u{1b}[32m+2\u{1b}[0m\n"
        );
    }

    #[test]
    fn a_long_diff_is_cut_and_says_so() {
        let found: String = (0..60).map(|line| format!("{line}\n")).collect();
        let shown = drawn(&found, "");
        assert_eq!(shown.lines().count(), 43);
        assert!(shown.ends_with("\n-38\n… 21 more lines\n"), "{shown}");
    }

    #[test]
    fn a_long_line_is_shown_where_it_differs() {
        let start = "x".repeat(5_000);
        let shown = drawn(
            &format!("{start}old{start}\n"),
            &format!("{start}new{start}\n"),
        );
        for line in shown.lines() {
            assert!(line.width() <= Style::default().width, "{line}");
        }
        assert!(
            shown.contains("\n-…xxx") && shown.contains("xold"),
            "{shown}"
        );
        assert!(
            shown.contains("\n+…xxx") && shown.contains("xnew"),
            "{shown}"
        );
    }

    #[test]
    fn nothing_in_a_file_reaches_the_terminal() {
        let shown = drawn("\u{1b}[2J\u{202e}##[error]\r\n", "::error::x\n");
        assert!(
            shown.contains("-\\u{1b}[2J\\u{202e}#\\u{23}[error]\\u{d}\n+::error::x\n"),
            "{shown}"
        );
        assert_eq!(
            unified("a", b"\xff", b"12", Style::default()),
            "not text: found 1 byte, expected 2 bytes\n"
        );
    }
}
