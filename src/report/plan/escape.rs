//! Text that somebody else wrote, made harmless for where it is shown.

use std::fmt::Write;

/// Says whether a character moves the cursor, hides, or turns the text around it.
fn is_hostile(character: char) -> bool {
    character.is_control()
        || matches!(character,
            '\u{00ad}' | '\u{061c}' | '\u{115f}' | '\u{1160}' | '\u{180e}' | '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{feff}' | '\u{ffa0}'
            | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// One line for a terminal: control, bidirectional and invisible characters as `\u{…}`.
pub fn terminal(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        if is_hostile(character) {
            // Writing to a text cannot fail.
            let _ = write!(escaped, "\\u{{{:x}}}", u32::from(character));
        } else {
            escaped.push(character);
        }
    }
    escaped
}

/// JSON text whose hostile characters are spelt `\uXXXX`, which means the same.
pub fn json(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        if is_hostile(character) && character != '\n' {
            let mut units = [0; 2];
            for unit in character.encode_utf16(&mut units) {
                let _ = write!(escaped, "\\u{unit:04x}");
            }
        } else {
            escaped.push(character);
        }
    }
    escaped
}

/// A code span of Markdown, for one line of text.
pub fn code(text: &str) -> String {
    let text = terminal(text);
    let ticks = "`".repeat(longest_run(&text) + 1);
    let space = if text.starts_with('`') || text.ends_with('`') || text.is_empty() {
        " "
    } else {
        ""
    };
    // A table splits its cells before it knows of code.
    format!("{ticks}{space}{}{space}{ticks}", text.replace('|', "\\|"))
}

/// A fence longer than any in the text.
pub fn fence(text: &str) -> String {
    "`".repeat(longest_run(text).max(2) + 1)
}

fn longest_run(text: &str) -> usize {
    let mut longest = 0;
    let mut run = 0;
    for character in text.chars() {
        run = if character == '`' { run + 1 } else { 0 };
        longest = longest.max(run);
    }
    longest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_moves_the_cursor_or_turns_the_text() {
        let hostile = "a\u{1b}[2Jb\u{202e}c\u{200b}d\r\n\u{9b}é✓";
        assert_eq!(
            terminal(hostile),
            "a\\u{1b}[2Jb\\u{202e}c\\u{200b}d\\u{d}\\u{a}\\u{9b}é✓"
        );
        let text = serde_json::to_string(hostile).unwrap();
        assert!(json(&text).chars().all(|character| !is_hostile(character)));
        assert_eq!(
            serde_json::from_str::<String>(&json(&text)).unwrap(),
            hostile
        );
        let tag = serde_json::to_string("\u{e0041}").unwrap();
        assert_eq!(
            serde_json::from_str::<String>(&json(&tag)).unwrap(),
            "\u{e0041}"
        );
    }

    #[test]
    fn code_cannot_be_left() {
        assert_eq!(code("a`b"), "``a`b``");
        assert_eq!(code("`"), "`` ` ``");
        assert_eq!(code("a|b"), "`a\\|b`");
        assert_eq!(fence("x\n````\n"), "`````");
    }
}
