//! Statements without the values in them: what a report may show of a log.
//!
//! Values are personal data more often than not; names of relations, functions and columns are what a
//! reviewer needs. Comments stay, since people hide in them. What cannot be read to its end is left out.

/// Characters of a statement that are shown.
const SHOWN: usize = 300;

/// Replaces every literal by `'***'` and every number by `#`, joins white space, and shortens.
pub fn redact(statement: &[u8]) -> String {
    let text = String::from_utf8_lossy(statement);
    let mut out = String::new();
    let mut rest = text.as_ref();
    while let Some(first) = rest.chars().next() {
        // Enough for what is shown.
        if out.len() > 4 * SHOWN {
            break;
        }
        let (shown, length) = token(rest, first, &out);
        out.push_str(&shown);
        rest = rest.get(length.max(first.len_utf8())..).unwrap_or_default();
    }
    let mut characters = out.trim().chars();
    let mut short: String = characters.by_ref().take(SHOWN).collect();
    if characters.next().is_some() {
        short.push('…');
    }
    short
}

/// What a part of a statement is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// A literal, with its quotes.
    Literal,
    Number,
    Comment,
    Space,
    /// Everything else: a character, or a name in quotes.
    Other,
}

/// The parts of a statement, in their order, as [`redact`] reads them.
pub fn parts(statement: &str) -> Vec<(Part, &str)> {
    let mut found = Vec::new();
    let mut before = String::new();
    let mut rest = statement;
    while let Some(first) = rest.chars().next() {
        let (shown, length) = token(rest, first, &before);
        let (text, behind) = rest
            .split_at_checked(length.max(first.len_utf8()))
            .unwrap_or((rest, ""));
        let part = match first {
            _ if shown == "'***'" => Part::Literal,
            _ if first.is_ascii_digit() && shown == "#" => Part::Number,
            '-' | '/' if shown.starts_with("/*") => Part::Comment,
            _ if first.is_whitespace() => Part::Space,
            _ => Part::Other,
        };
        found.push((part, text));
        // Only its end matters to the next one.
        before = shown;
        rest = behind;
    }
    found
}

/// What is shown of the token at the start of `rest`, and the bytes that it takes.
fn token(rest: &str, first: char, before: &str) -> (String, usize) {
    let after_word = before
        .chars()
        .next_back()
        .is_some_and(|last| last.is_alphanumeric() || last == '_' || last == '"');
    match first {
        '\'' => {
            // E'…' reads a backslash as an escape; without the letter the setting of the session decides.
            let prefix = before.chars().next_back();
            let escapes = matches!(prefix, Some('e' | 'E'));
            ("'***'".to_owned(), literal_end(rest, escapes))
        }
        '"' => match end_of_quoted(rest, '"') {
            Some(end) => (rest.get(..end).unwrap_or_default().to_owned(), end),
            None => ("\"***".to_owned(), rest.len()),
        },
        '$' if !after_word => match dollar_end(rest) {
            Some(end) => ("'***'".to_owned(), end),
            None => ("$".to_owned(), 1),
        },
        '-' if rest.starts_with("--") => {
            let end = rest.find(['\n', '\r']).unwrap_or(rest.len());
            // On one line a line comment would swallow what follows it.
            let text = rest.get(2..end).unwrap_or_default().trim();
            (format!("/* {} */", text.replace("*/", "* /")), end)
        }
        '/' if rest.starts_with("/*") => {
            let end = comment_end(rest);
            let text = rest.get(..end).unwrap_or_default();
            (text.split_whitespace().collect::<Vec<_>>().join(" "), end)
        }
        _ if first.is_ascii_digit() && !after_word && !before.ends_with('$') => {
            let end = rest
                .find(|c: char| !(c.is_ascii_alphanumeric() || c == '.' || c == '_'))
                .unwrap_or(rest.len());
            ("#".to_owned(), end)
        }
        _ if first.is_whitespace() => {
            let end = rest
                .find(|c: char| !c.is_whitespace())
                .unwrap_or(rest.len());
            (" ".to_owned(), end)
        }
        _ => (first.to_string(), first.len_utf8()),
    }
}

/// The end of a literal that begins at `'`; a literal without an end takes the rest.
fn literal_end(rest: &str, escapes: bool) -> usize {
    let bytes = rest.as_bytes();
    let mut at = 1;
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'\\' if escapes => at += 2,
            b'\'' if bytes.get(at + 1) == Some(&b'\'') => at += 2,
            b'\'' => return at + 1,
            _ => at += 1,
        }
    }
    rest.len()
}

fn end_of_quoted(rest: &str, quote: char) -> Option<usize> {
    let bytes = rest.as_bytes();
    let quote = quote as u8;
    let mut at = 1;
    while let Some(byte) = bytes.get(at) {
        match *byte == quote {
            true if bytes.get(at + 1) == Some(&quote) => at += 2,
            true => return Some(at + 1),
            false => at += 1,
        }
    }
    None
}

/// The end of a literal in dollar quotes; none if this is not such a quote. A quote without an end takes the rest.
fn dollar_end(rest: &str) -> Option<usize> {
    let tag_end = rest.get(1..)?.find('$')? + 2;
    let tag = rest.get(..tag_end)?;
    let inner = tag.get(1..tag.len() - 1)?;
    let is_tag = inner.chars().all(|c| c.is_alphanumeric() || c == '_')
        && !inner.starts_with(|c: char| c.is_ascii_digit());
    if !is_tag {
        return None;
    }
    let body = rest.get(tag_end..)?;
    Some(
        body.find(tag)
            .map_or(rest.len(), |end| tag_end + end + tag.len()),
    )
}

/// The end of a block comment, nested ones included.
fn comment_end(rest: &str) -> usize {
    let bytes = rest.as_bytes();
    let (mut at, mut depth) = (0, 0_usize);
    while at < bytes.len() {
        match bytes.get(at..at + 2) {
            Some(b"/*") => {
                depth += 1;
                at += 2;
            }
            Some(b"*/") => {
                depth -= 1;
                at += 2;
                if depth == 0 {
                    return at;
                }
            }
            _ => at += 1,
        }
    }
    rest.len()
}

#[cfg(test)]
mod tests {
    use super::redact;
    use proptest::prelude::*;

    #[test]
    fn values_go_and_names_stay() {
        for (statement, shown) in [
            (
                "UPDATE public.accounts SET iban = 'DE12', n = 42.5e3 WHERE id=$1 AND t2 = 7",
                "UPDATE public.accounts SET iban = '***', n = # WHERE id=$1 AND t2 = #",
            ),
            ("select E'it\\'s secret', 'it''s'", "select E'***', '***'"),
            ("select $a$ secret $b$ $a$, $$x$$", "select '***', '***'"),
            (
                "select\n\t1 -- pg_catalog\n, x",
                "select # /* pg_catalog */ , x",
            ),
            (
                "delete from t /* a /* b */ c */ where 1=1",
                "delete from t /* a /* b */ c */ where #=#",
            ),
            ("select 'unterminated secret", "select '***'"),
            ("select $x$ unterminated secret", "select '***'"),
            (
                "select \"Odd \"\" name\" from \"unterminated secret",
                "select \"Odd \"\" name\" from \"***",
            ),
        ] {
            assert_eq!(redact(statement.as_bytes()), shown);
        }
        assert_eq!(redact(&b"x".repeat(1000)).chars().count(), super::SHOWN + 1);
    }

    proptest! {
        #[test]
        fn no_value_is_shown(before in "[a-z $'\"/*-]{0,12}", after in "[ -~]{0,20}") {
            // A value in plain quotes, wherever an honest statement has one.
            let statement = format!("select x, 'SECRET{}', y", after.replace('\'', "''"));
            prop_assert!(!redact(statement.as_bytes()).contains("SECRET"));
            // And nothing makes it panic.
            redact(format!("{before}{statement}{after}").as_bytes());
        }
    }
}
