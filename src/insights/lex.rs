//! Text to tokens, one at a time: a slash begins a regular expression only where the parser asks
//! for one.

use super::syntax::{RegexLiteral, Span};
use crate::policy::pattern::Fault;

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Kind {
    /// A bare word, or a name in backticks, which is never a keyword.
    Word {
        text: String,
        quoted: bool,
    },
    Number(String),
    Text(String),
    Symbol(&'static str),
    End,
}

#[derive(Clone, Debug)]
pub(super) struct Token {
    pub(super) kind: Kind,
    pub(super) span: Span,
    /// Comment lines since the token before.
    pub(super) comments: Vec<String>,
}

pub(super) struct Lexer<'a> {
    text: &'a str,
    position: usize,
}

const SYMBOLS: [&str; 19] = [
    "!=", "<=", ">=", "=~", "|", ",", "(", ")", "[", "]", "=", "<", ">", "+", "-", "*", "/", "^",
    "%",
];

/// Spellings of other languages, with what this one writes.
const FOREIGN: [(&str, &str); 6] = [
    ("==", "write `=`"),
    ("<>", "write `!=`"),
    ("&&", "write `and`"),
    ("||", "write `or`"),
    ("!~", "write `not like`"),
    (
        "//",
        "put comments on lines of their own that begin with `#`",
    ),
];

impl<'a> Lexer<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { text, position: 0 }
    }

    fn rest(&self) -> &'a str {
        self.text.get(self.position..).unwrap_or_default()
    }

    fn take(&mut self, length: usize) -> Span {
        let start = self.position;
        self.position += length;
        Span::new(start, self.position)
    }

    /// Goes on reading at a byte that begins a character.
    pub(super) fn seek(&mut self, position: usize) {
        self.position = position;
    }

    pub(super) fn next(&mut self) -> Result<Token, Fault> {
        let comments = self.skip_blanks()?;
        let rest = self.rest();
        let Some(first) = rest.chars().next() else {
            let span = self.take(0);
            return Ok(Token {
                kind: Kind::End,
                span,
                comments,
            });
        };
        let (kind, span) = match first {
            '\'' | '"' => self.quoted_text(first)?,
            '`' => {
                let (text, span) = self.backticks(self.position)?;
                (Kind::Word { text, quoted: true }, span)
            }
            '@' if rest.starts_with("@`") => {
                let (text, span) = self.backticks(self.position + 1)?;
                let span = Span::new(span.start - 1, span.end);
                (
                    Kind::Word {
                        text: format!("@{text}"),
                        quoted: true,
                    },
                    span,
                )
            }
            '@' | '_' | 'a'..='z' | 'A'..='Z' => {
                let text: String = rest.chars().take_while(|&c| is_name_part(c)).collect();
                let span = self.take(text.len());
                (
                    Kind::Word {
                        text,
                        quoted: false,
                    },
                    span,
                )
            }
            '0'..='9' => {
                let span = self.take(number_length(rest));
                let text = self.text.get(span.range()).unwrap_or_default().to_owned();
                (Kind::Number(text), span)
            }
            _ => self.symbol(first)?,
        };
        Ok(Token {
            kind,
            span,
            comments,
        })
    }

    fn skip_blanks(&mut self) -> Result<Vec<String>, Fault> {
        let mut comments = Vec::new();
        loop {
            let rest = self.rest();
            let blanks = rest.len() - rest.trim_start_matches([' ', '\t', '\r', '\n']).len();
            self.position += blanks;
            let rest = self.rest();
            if !rest.starts_with('#') {
                return Ok(comments);
            }
            let before = self.text.get(..self.position).unwrap_or_default();
            let line_start = before.rfind('\n').map_or(0, |at| at + 1);
            if !before
                .get(line_start..)
                .unwrap_or_default()
                .trim()
                .is_empty()
            {
                let end = self.position + 1;
                return Err(Fault::new(
                    self.position..end,
                    "a `#` after code on the same line is not a documented comment",
                )
                .help("put the comment on a line of its own"));
            }
            let line = rest.lines().next().unwrap_or_default();
            comments.push(line.get(1..).unwrap_or_default().trim_end().to_owned());
            self.position += line.len();
        }
    }

    fn quoted_text(&mut self, quote: char) -> Result<(Kind, Span), Fault> {
        let start = self.position;
        let inner = self.rest().get(1..).unwrap_or_default();
        let line = inner.lines().next().unwrap_or_default();
        let Some(length) = line.find(quote) else {
            return Err(Fault::new(
                start..start + 1 + line.len(),
                "this text is not closed on its line",
            )
            .help(format!(
                "end it with `{quote}`; a text cannot contain a line break"
            )));
        };
        let text = inner.get(..length).unwrap_or_default();
        if let Some(at) = text.find('\\') {
            let at = start + 1 + at;
            return Err(Fault::new(
                at..at + 1,
                "a backslash in a quoted text has no documented meaning",
            )
            .help("match it with a regular expression between slashes"));
        }
        if let Some((at, control)) = text.char_indices().find(|(_, c)| c.is_control()) {
            let at = start + 1 + at;
            return Err(Fault::new(
                at..at + control.len_utf8(),
                "a control character in a quoted text",
            )
            .help("match it with a regular expression, such as `/\\t/`"));
        }
        let span = self.take(length + 2);
        Ok((Kind::Text(text.to_owned()), span))
    }

    /// A name in backticks, whose first one stands at `start`.
    fn backticks(&mut self, start: usize) -> Result<(String, Span), Fault> {
        let inner = self.text.get(start + 1..).unwrap_or_default();
        let line = inner.lines().next().unwrap_or_default();
        match line.find('`') {
            Some(0) => Err(Fault::new(start..start + 2, "an empty field name")),
            Some(length) => {
                let name = inner.get(..length).unwrap_or_default();
                if name.chars().any(char::is_control) {
                    let end = start + 1 + length;
                    return Err(Fault::new(
                        start + 1..end,
                        "a control character in a field name",
                    ));
                }
                self.position = start + length + 2;
                Ok((name.to_owned(), Span::new(start, self.position)))
            }
            None => Err(Fault::new(
                start..start + 1 + line.len(),
                "this field name is not closed",
            )
            .help("end it with a backtick")),
        }
    }

    fn symbol(&mut self, first: char) -> Result<(Kind, Span), Fault> {
        let rest = self.rest();
        for (foreign, help) in FOREIGN {
            if rest.starts_with(foreign) {
                let end = self.position + foreign.len();
                return Err(Fault::new(
                    self.position..end,
                    format!("`{foreign}` is not an operator"),
                )
                .help(help));
            }
        }
        if let Some(symbol) = SYMBOLS.into_iter().find(|symbol| rest.starts_with(symbol)) {
            return Ok((Kind::Symbol(symbol), self.take(symbol.len())));
        }
        let end = self.position + first.len_utf8();
        let fault = Fault::new(
            self.position..end,
            format!("`{}` has no meaning here", first.escape_default()),
        );
        Err(match first {
            '!' => fault.help("write `not (…)` around the whole condition"),
            '{' | '}' => fault.help("write lists in square brackets"),
            ';' => fault.help("remove the final semicolon; stages are joined by `|`"),
            _ if !first.is_ascii() => {
                fault.help("put other characters in quotes, and field names in backticks")
            }
            _ => fault,
        })
    }

    /// Reads `/…/` whose first slash stands at `start`. The first slash without a backslash ends it.
    pub(super) fn regex(&mut self, start: usize) -> Result<RegexLiteral, Fault> {
        let inner = self.text.get(start + 1..).unwrap_or_default();
        let mut escaped = false;
        for (at, character) in inner.char_indices() {
            match character {
                '\n' | '\r' => break,
                _ if escaped => escaped = false,
                '\\' => escaped = true,
                '/' => {
                    let pattern = inner.get(..at).unwrap_or_default().to_owned();
                    self.position = start + at + 2;
                    let span = Span::new(start, self.position);
                    if pattern.is_empty() {
                        return Err(Fault::new(span, "an empty regular expression"));
                    }
                    return Ok(RegexLiteral { span, pattern });
                }
                _ => {}
            }
        }
        let line = inner.lines().next().unwrap_or_default();
        Err(Fault::new(
            start..start + 1 + line.len(),
            "this regular expression is not closed on its line",
        )
        .help("end it with `/`; a slash inside is written `\\/`, a line break `\\n`"))
    }
}

pub(super) fn is_name_part(character: char) -> bool {
    character.is_ascii_alphanumeric() || matches!(character, '_' | '@' | '.')
}

/// Whether a name may stand without backticks.
pub(super) fn is_bare_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic() || matches!(c, '_' | '@'))
        && name.chars().all(is_name_part)
        && name != "@"
}

fn number_length(text: &str) -> usize {
    let digits =
        |text: &str| text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let whole = digits(text);
    let fraction = text
        .get(whole..)
        .and_then(|rest| rest.strip_prefix('.'))
        .map_or(0, digits);
    if fraction == 0 {
        whole
    } else {
        whole + 1 + fraction
    }
}
