//! Text from outside pgvigil, made harmless for the place where it is shown.

use std::borrow::Cow;
use std::fmt::Write;

/// Says whether a character moves the cursor, hides, or turns the text around it.
fn is_hostile(character: char) -> bool {
    character.is_control()
        || crate::diagnostic::is_hostile(character)
        || matches!(character,
            '\u{00ad}' | '\u{061c}' | '\u{115f}' | '\u{1160}' | '\u{180e}' | '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{feff}' | '\u{ffa0}'
            | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// One line for a terminal: control, bidirectional and invisible characters as `\u{…}`, and no `##[` or
/// `##name[`, which runners read as a command anywhere in a line.
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
    match spelt(&escaped, "\\u{23}") {
        Cow::Borrowed(_) => escaped,
        Cow::Owned(spelt) => spelt,
    }
}

/// Text without `##[`, `##vso[` and their like, at which the runners of GitHub, Azure and TeamCity read a command wherever it
/// stands in a line: the second mark is written as `hash`.
pub(super) fn spelt<'a>(text: &'a str, hash: &str) -> Cow<'a, str> {
    let mut safe = String::new();
    let mut taken = 0;
    for at in memchr::memmem::find_iter(text.as_bytes(), b"##") {
        let behind = text.get(at + 2..).unwrap_or_default();
        let word = behind.trim_start_matches(|letter: char| letter.is_ascii_alphanumeric());
        // `###[` holds one too.
        let marks = word.len() == behind.len() && behind.starts_with("#[");
        if word.starts_with('[') || marks {
            let at = at + usize::from(marks);
            safe.push_str(text.get(taken..=at).unwrap_or_default());
            safe.push_str(hash);
            taken = at + 2;
        }
    }
    if taken == 0 {
        return Cow::Borrowed(text);
    }
    safe.push_str(text.get(taken..).unwrap_or_default());
    Cow::Owned(safe)
}

/// What a runner of a pipeline would take for its own command in the output of a step, spelt out: `::name::` at the start of
/// a line, and `##[name]` anywhere. JSON stays the same JSON.
pub fn inert(text: &str) -> Cow<'_, str> {
    if text.starts_with(['{', '[']) {
        return spelt(text, "\\u0023");
    }
    if memchr::memmem::find(text.as_bytes(), b"::").is_none() {
        return spelt(text, "\\u{23}");
    }
    let safe = without_commands(text);
    Cow::Owned(spelt(&safe, "\\u{23}").into_owned())
}

/// JSON text whose hostile characters are spelt `\uXXXX`, which means the same, and in which no runner finds a command.
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
    spelt(&escaped, "\\u0023").into_owned()
}

/// The same of lines of JSON. Most hold nothing hostile, and are handed on as they are.
pub fn json_lines(lines: &[u8]) -> Cow<'_, [u8]> {
    let is_plain = lines.is_ascii()
        && memchr::memchr(0x7f, lines).is_none()
        && memchr::memmem::find(lines, b"##").is_none();
    if is_plain {
        return Cow::Borrowed(lines);
    }
    Cow::Owned(json(&String::from_utf8_lossy(lines)).into_bytes())
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
    format!("{ticks}{space}{text}{space}{ticks}")
}

/// The same for a cell of a table. A table splits its cells before it knows of code, and a backslash before the bar
/// may be escaped itself: a text with bars becomes HTML of which Markdown reads nothing.
pub fn cell(text: &str) -> String {
    if !text.contains('|') {
        return code(text);
    }
    let mut cell = "<code>".to_owned();
    for character in terminal(text).chars() {
        if character.is_ascii_punctuation() {
            let _ = write!(cell, "&#{};", u32::from(character));
            // An address of mail would become a link even here: it is looked for in the text that results.
            if character == '@' {
                cell.push_str("&#8203;");
            }
        } else {
            cell.push(character);
        }
    }
    cell.push_str("</code>");
    cell
}

/// The parts of a text between backticks: what is quoted, and what is not. A backtick without another is text.
pub(super) fn parts(text: &str) -> Vec<(bool, &str)> {
    let mut parts = Vec::new();
    let mut rest = text;
    while let Some((before, behind)) = rest.split_once('`') {
        let Some((quoted, after)) = behind.split_once('`') else {
            break;
        };
        // Two at once quote nothing.
        if quoted.is_empty() {
            let end = text.len() - after.len();
            let start = text.len() - rest.len();
            parts.push((false, text.get(start..end).unwrap_or_default()));
        } else {
            parts.push((false, before));
            parts.push((true, quoted));
        }
        rest = after;
    }
    parts.push((false, rest));
    parts
}

/// A sentence of a message in Markdown: what it quotes is code, and the rest is [`prose`].
pub fn sentence(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len() + 16);
    for (is_quoted, part) in parts(text) {
        if is_quoted {
            escaped.push_str(&cell(part));
            continue;
        }
        // Blanks around what is quoted belong to the sentence.
        let (start, end) = (part.trim_start(), part.trim_end());
        if !escaped.is_empty() && start.len() < part.len() {
            escaped.push(' ');
        }
        escaped.push_str(&prose(part.trim()));
        if end.len() < part.len() && !start.is_empty() {
            escaped.push(' ');
        }
    }
    escaped.trim_end().to_owned()
}

/// Prose of Markdown on one line: no markup, no HTML, no link, and no mention that notifies someone.
///
/// A renderer looks for mentions, references and addresses after it has resolved escapes. So the sign that begins one
/// is parted from the word by an invisible character, as bots that quote release notes do.
pub fn prose(text: &str) -> String {
    let text = terminal(text);
    let mut escaped = String::with_capacity(text.len() + 16);
    // What would begin a list, or make a heading of the line before.
    if text.trim_start().starts_with(['-', '+']) {
        escaped.push('\\');
    }
    let mut rest = text.trim_start().chars().peekable();
    // The last three characters before this one, in lower case.
    let mut before = ['\0'; 3];
    while let Some(character) = rest.next() {
        let next_is_word = rest
            .peek()
            .is_some_and(|next| next.is_alphanumeric() || "/[\"\'_".contains(*next));
        let [_, second, third] = before;
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '.' if before == ['w'; 3] => escaped.push_str("&#8203;."),
            // `GH-12` is a reference.
            '-' if [second, third] == ['g', 'h'] && next_is_word => escaped.push_str("-&#8203;"),
            '\\' | '`' | '*' | '_' | '{' | '}' | '[' | ']' | '|' | '~' | '$' | '^' | '=' | '#'
            | '!' => {
                escaped.push('\\');
                escaped.push(character);
            }
            _ => escaped.push(character),
        }
        // `12:30` is a time.
        let is_time = character == ':'
            && third.is_ascii_digit()
            && rest.peek().is_some_and(char::is_ascii_digit);
        if !is_time
            && next_is_word
            && matches!(character, '@' | '#' | '!' | '$' | '~' | '%' | '&' | ':')
        {
            escaped.push_str("&#8203;");
        }
        before = [second, third, character.to_ascii_lowercase()];
    }
    escaped
}

/// A whole page of HTML, in which every hostile character is spelt out. Line ends and tabs stay.
pub(super) fn page(text: &str) -> String {
    let mut page = String::with_capacity(text.len());
    for character in text.chars() {
        if is_hostile(character) && !matches!(character, '\n' | '\t') {
            let _ = write!(page, "\\u{{{:x}}}", u32::from(character));
        } else {
            page.push(character);
        }
    }
    page
}

/// Several lines of text, each for a terminal.
pub fn lines(text: &str) -> impl Iterator<Item = String> {
    text.split('\n')
        .map(|line| terminal(line.trim_end_matches('\r')).replace("\\u{9}", "    "))
}

/// Whole lines without the commands that GitHub's runner reads from what a step prints: `::name::` at the start of a
/// line, after any space (actions/runner, `ActionCommand.cs`).
pub fn without_commands(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for line in text.split_inclusive('\n') {
        let command = line.trim_start();
        if let Some(rest) = command.strip_prefix("::") {
            safe.push_str(line.get(..line.len() - command.len()).unwrap_or_default());
            safe.push_str("\\u{3a}:");
            safe.push_str(rest);
        } else {
            safe.push_str(line);
        }
    }
    safe
}

/// Text that somebody without an account chose, in which no mail program or chat finds an address to make a link of:
/// `evil[.]example`, `http[:]//`, `a[@]b`.
pub fn unlinked(text: &str) -> String {
    let mut safe = String::with_capacity(text.len() + 8);
    let mut rest = text.chars().peekable();
    let mut before = ' ';
    while let Some(character) = rest.next() {
        let next = rest.peek().copied().unwrap_or(' ');
        let is_inside = before.is_alphanumeric() && next.is_alphanumeric();
        match character {
            '.' if is_inside => safe.push_str("[.]"),
            ':' if next == '/' || before.is_alphabetic() && next.is_alphanumeric() => {
                safe.push_str("[:]");
            }
            '@' => safe.push_str("[@]"),
            _ => safe.push(character),
        }
        before = character;
    }
    safe
}

/// At most so many characters, with an ellipsis where something was cut.
pub fn shorten(text: &str, characters: usize) -> String {
    match text.char_indices().nth(characters) {
        None => text.to_owned(),
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
    }
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
        assert_eq!(code("a|b"), "`a|b`");
        assert_eq!(cell("a\\|`b"), "<code>a&#92;&#124;&#96;b</code>");
        assert_eq!(cell("a@b|"), "<code>a&#64;&#8203;b&#124;</code>");
        assert_eq!(fence("x\n````\n"), "`````");
    }

    #[test]
    fn prose_is_no_markup_and_tells_nobody() {
        assert_eq!(
            prose("plain text, 5 % (of 3): yes"),
            "plain text, 5 % (of 3): yes"
        );
        assert_eq!(prose("@team 12:30"), "@&#8203;team 12:30");
        assert_eq!(prose("a@b.c #12"), "a@&#8203;b.c \\#&#8203;12");
        assert_eq!(prose("[x](https://a.b)"), "\\[x\\](https:&#8203;//a.b)");
        assert_eq!(prose("www.x GH-1"), "www&#8203;.x GH-&#8203;1");
        assert_eq!(
            prose("<img onerror=x>&lt;"),
            "&lt;img onerror\\=x&gt;&amp;&#8203;lt;"
        );
        assert_eq!(prose("  --- x"), "\\--- x");
        assert_eq!(prose("a\n# b"), "a\\\\u\\{a\\}\\# b");
    }

    #[test]
    fn what_a_sentence_quotes_is_code() {
        assert_eq!(
            sentence("`bob` is no longer audited in `prod`: a `|` b"),
            "`bob` is no longer audited in `prod`: a <code>&#124;</code> b"
        );
        assert_eq!(
            sentence("set `max_share`, or *not*"),
            "set `max_share`, or \\*not\\*"
        );
        assert_eq!(sentence("a ` alone"), "a \\` alone");
        assert_eq!(sentence("``"), "\\`\\`");
        assert_eq!(sentence("`@team` @team"), "`@team` @&#8203;team");
    }

    #[test]
    fn no_address_is_left_to_be_a_link() {
        assert_eq!(
            unlinked("see https://evil.example/x, www.evil.example or a@b.c. mailto:a"),
            "see https[:]//evil[.]example/x, www[.]evil[.]example or a[@]b[.]c. mailto[:]a"
        );
        assert_eq!(unlinked("plain: words."), "plain: words.");
    }

    #[test]
    fn a_page_keeps_its_lines_and_hides_nothing() {
        let text = "<b title=\"é✓\">a\n\tb</b>";
        assert_eq!(page(text), text);
        assert_eq!(
            page("a\u{202e}b\u{2028}\r\u{1b}\u{200b}"),
            "a\\u{202e}b\\u{2028}\\u{d}\\u{1b}\\u{200b}"
        );
    }

    #[test]
    fn no_line_is_a_command_of_the_runner() {
        assert_eq!(
            without_commands("a ::b\n  ::error::x\n::set-env y\n"),
            "a ::b\n  \\u{3a}:error::x\n\\u{3a}:set-env y\n"
        );
        assert_eq!(
            terminal("z ##[error] ##vso[x]"),
            "z #\\u{23}[error] #\\u{23}vso[x]"
        );
        assert_eq!(terminal("###[a] ##a.b[ ## #["), "##\\u{23}[a] ##a.b[ ## #[");
    }

    #[test]
    fn what_leaves_holds_no_command() {
        assert_eq!(
            inert("a\n ::error::x ##[y]\n"),
            "a\n \\u{3a}:error::x #\\u{23}[y]\n"
        );
        assert!(matches!(inert("a::b # x"), Cow::Owned(_)));
        assert!(matches!(inert("nothing"), Cow::Borrowed(_)));
        // JSON is the same JSON.
        let text = "{\"a\": \"##[error] ##vso[b] ::c\"}";
        let value: serde_json::Value = serde_json::from_str(text).unwrap();
        for safe in [inert(text).into_owned(), json(text)] {
            assert!(!safe.contains("##"), "{safe}");
            assert_eq!(
                serde_json::from_str::<serde_json::Value>(&safe).unwrap(),
                value
            );
        }
        let plain = b"{\"a\": 1}\n";
        assert!(matches!(json_lines(plain), Cow::Borrowed(_)));
        assert_eq!(
            &*json_lines("{\"a\": \"##[\u{202e}\"}\n".as_bytes()),
            b"{\"a\": \"#\\u0023[\\u202e\"}\n"
        );
    }
}
