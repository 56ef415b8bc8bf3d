//! The tokens of a SQL text, as PostgreSQL's scanner reads them (src/backend/parser/scan.l).
//!
//! Two servers can read the same bytes in two ways: before PostgreSQL 15 `1from` is two tokens, and with
//! `standard_conforming_strings` off a backslash hides the quote behind it. What depends on such a thing is a
//! [`Fault`], so that no caller has to guess.

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A name or a keyword without quotes.
    Word,
    /// A name in double quotes.
    Quoted,
    /// A text constant, in whatever spelling.
    Text,
    Number,
    /// `$1`.
    Parameter,
    /// An operator of one or more symbols.
    Operator,
    /// `::`.
    Cast,
    /// One of `( ) [ ] , ; . :`.
    Mark(u8),
}

/// A token and the bytes that it stands on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Token {
    pub(super) kind: Kind,
    pub(super) start: usize,
    pub(super) end: usize,
}

/// Why the tokens of a text cannot be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// A backslash right before a quote.
    BackslashQuote,
    /// `U&'…'` or `U&"…"`.
    UnicodeEscape,
    /// A number that a letter follows.
    NumberWithLetters,
    /// A constant, a quoted name or a comment that does not end.
    Unclosed,
    /// A byte that begins no token.
    Byte,
}

/// Reads tokens one after another.
#[derive(Clone, Copy)]
pub(super) struct Tokens<'t> {
    text: &'t [u8],
    at: usize,
}

impl<'t> Tokens<'t> {
    pub(super) fn of(text: &'t [u8]) -> Self {
        Self { text, at: 0 }
    }

    /// Those behind a byte at which a token ends.
    pub(super) fn behind(text: &'t [u8], at: usize) -> Self {
        Self { text, at }
    }

    /// The byte behind the last token.
    pub(super) fn at(&self) -> usize {
        self.at
    }

    fn byte(&self, at: usize) -> Option<u8> {
        self.text.get(at).copied()
    }

    /// The next token; none at the end of the text. A fault comes with the byte where it is.
    #[inline]
    pub(super) fn next(&mut self) -> Result<Option<Token>, (usize, Fault)> {
        self.gap()?;
        let start = self.at;
        let Some(byte) = self.byte(start) else {
            return Ok(None);
        };
        let kind = match Class::of(byte) {
            Class::Letter => self.word(byte)?,
            Class::Digit => self.number()?,
            Class::Symbol => self.operator(),
            Class::Mark => self.mark(byte)?,
            Class::Quote => {
                self.text_constant()?;
                Kind::Text
            }
            Class::DoubleQuote => {
                self.quoted_name()?;
                Kind::Quoted
            }
            Class::Dollar => self.dollar()?,
            Class::Space | Class::Bad => return Err((start, Fault::Byte)),
        };
        Ok(Some(Token {
            kind,
            start,
            end: self.at,
        }))
    }

    /// Passes white space and comments. Block comments nest.
    #[inline]
    fn gap(&mut self) -> Result<(), (usize, Fault)> {
        loop {
            let rest = self.text.get(self.at..).unwrap_or_default();
            self.at += span(rest, is_space);
            match self.byte(self.at) {
                Some(b'-') if self.byte(self.at + 1) == Some(b'-') => {
                    let rest = self.text.get(self.at..).unwrap_or_default();
                    self.at += memchr::memchr2(b'\n', b'\r', rest).unwrap_or(rest.len());
                }
                Some(b'/') if self.byte(self.at + 1) == Some(b'*') => self.comment()?,
                _ => return Ok(()),
            }
        }
    }

    fn comment(&mut self) -> Result<(), (usize, Fault)> {
        let start = self.at;
        let mut depth = 0_usize;
        loop {
            match (self.byte(self.at), self.byte(self.at + 1)) {
                (Some(b'/'), Some(b'*')) => {
                    depth += 1;
                    self.at += 2;
                }
                (Some(b'*'), Some(b'/')) => {
                    depth -= 1;
                    self.at += 2;
                    if depth == 0 {
                        return Ok(());
                    }
                }
                (Some(_), _) => self.at += 1,
                (None, _) => return Err((start, Fault::Unclosed)),
            }
        }
    }

    #[inline]
    fn word(&mut self, first: u8) -> Result<Kind, (usize, Fault)> {
        let start = self.at;
        let rest = self.text.get(start..).unwrap_or_default();
        self.at += span(rest, is_name_byte);
        let is_one = self.at == start + 1;
        match self.byte(self.at) {
            // `E'…'`, `B'…'`, `X'…'`, `N'…'`.
            Some(b'\'')
                if is_one && matches!(first.to_ascii_lowercase(), b'e' | b'b' | b'x' | b'n') =>
            {
                self.text_constant()?;
                Ok(Kind::Text)
            }
            Some(b'&')
                if is_one
                    && first.eq_ignore_ascii_case(&b'u')
                    && matches!(self.byte(self.at + 1), Some(b'\'' | b'"')) =>
            {
                Err((start, Fault::UnicodeEscape))
            }
            _ => Ok(Kind::Word),
        }
    }

    /// `12`, `1.5`, `.5`, `1e-7`, `0xFF`, `1_000`. The last two are of PostgreSQL 16, and two tokens before.
    fn number(&mut self) -> Result<Kind, (usize, Fault)> {
        let start = self.at;
        let digits = |tokens: &mut Self| {
            while tokens.byte(tokens.at).is_some_and(|b| b.is_ascii_digit()) {
                tokens.at += 1;
            }
        };
        digits(self);
        // `1..10` is a range of a loop.
        if self.byte(self.at) == Some(b'.') && self.byte(self.at + 1) != Some(b'.') {
            self.at += 1;
            digits(self);
        }
        if matches!(self.byte(self.at), Some(b'e' | b'E')) {
            let mut end = self.at + 1;
            if matches!(self.byte(end), Some(b'+' | b'-')) {
                end += 1;
            }
            if self.byte(end).is_some_and(|b| b.is_ascii_digit()) {
                self.at = end;
                digits(self);
            }
        }
        if self.byte(self.at).is_some_and(is_name_byte) {
            return Err((start, Fault::NumberWithLetters));
        }
        Ok(Kind::Number)
    }

    /// As many symbols as there are, up to a comment. Of several symbols a last `+` or `-` belongs to what follows,
    /// unless one of them is not a symbol of SQL's own operators.
    fn operator(&mut self) -> Kind {
        let start = self.at;
        while let Some(byte) = self.byte(self.at) {
            let next = self.byte(self.at + 1);
            let begins_comment = matches!((byte, next), (b'-', Some(b'-')) | (b'/', Some(b'*')));
            if !is_symbol(byte) || (begins_comment && self.at > start) {
                break;
            }
            self.at += 1;
        }
        let symbols = self.text.get(start..self.at).unwrap_or_default();
        let is_free = symbols.iter().any(|byte| b"~!@#^&|`?%".contains(byte));
        if !is_free {
            while self.at > start + 1 && matches!(self.byte(self.at - 1), Some(b'+' | b'-')) {
                self.at -= 1;
            }
        }
        Kind::Operator
    }

    fn mark(&mut self, byte: u8) -> Result<Kind, (usize, Fault)> {
        self.at += 1;
        let next = self.byte(self.at);
        match (byte, next) {
            (b':', Some(b':')) => {
                self.at += 1;
                Ok(Kind::Cast)
            }
            (b'.', Some(digit)) if digit.is_ascii_digit() => {
                self.at -= 1;
                self.number()
            }
            _ => Ok(Kind::Mark(byte)),
        }
    }

    /// From a quote to the quote that ends the constant.
    fn text_constant(&mut self) -> Result<(), (usize, Fault)> {
        let start = self.at;
        self.at += 1;
        loop {
            let rest = self.text.get(self.at..).unwrap_or_default();
            let Some(length) = memchr::memchr2(b'\'', b'\\', rest) else {
                return Err((start, Fault::Unclosed));
            };
            self.at += length;
            match (self.byte(self.at), self.byte(self.at + 1)) {
                (Some(b'\\'), Some(b'\'') | None) => {
                    return Err((self.at, Fault::BackslashQuote));
                }
                (Some(b'\\'), _) | (_, Some(b'\'')) => self.at += 2,
                _ => {
                    self.at += 1;
                    return Ok(());
                }
            }
        }
    }

    fn quoted_name(&mut self) -> Result<(), (usize, Fault)> {
        let start = self.at;
        self.at += 1;
        loop {
            let rest = self.text.get(self.at..).unwrap_or_default();
            let Some(length) = memchr::memchr(b'"', rest) else {
                return Err((start, Fault::Unclosed));
            };
            self.at += length + 1;
            if self.byte(self.at) != Some(b'"') {
                return Ok(());
            }
            self.at += 1;
        }
    }

    /// `$1`, or a constant between two tags: `$$…$$`, `$body$…$body$`.
    fn dollar(&mut self) -> Result<Kind, (usize, Fault)> {
        let start = self.at;
        self.at += 1;
        if self.byte(self.at).is_some_and(|b| b.is_ascii_digit()) {
            while self.byte(self.at).is_some_and(|b| b.is_ascii_digit()) {
                self.at += 1;
            }
            return if self.byte(self.at).is_some_and(is_name_byte) {
                Err((start, Fault::NumberWithLetters))
            } else {
                Ok(Kind::Parameter)
            };
        }
        while self
            .byte(self.at)
            .is_some_and(|b| is_name_byte(b) && b != b'$')
        {
            self.at += 1;
        }
        if self.byte(self.at) != Some(b'$') {
            return Err((start, Fault::Byte));
        }
        self.at += 1;
        let tag = self.text.get(start..self.at).unwrap_or_default();
        let rest = self.text.get(self.at..).unwrap_or_default();
        match memchr::memmem::find(rest, tag) {
            Some(length) => {
                self.at += length + tag.len();
                Ok(Kind::Text)
            }
            None => Err((start, Fault::Unclosed)),
        }
    }
}

/// How many bytes at the start of a text are such.
fn span(text: &[u8], is_such: impl Fn(u8) -> bool) -> usize {
    text.iter()
        .position(|byte| !is_such(*byte))
        .unwrap_or(text.len())
}

/// White space of SQL. PostgreSQL takes the vertical tab for one from 16 on, and for an error before.
fn is_space(byte: u8) -> bool {
    Class::of(byte) == Class::Space
}

/// What a name goes on with. Bytes beyond ASCII are letters.
fn is_name_byte(byte: u8) -> bool {
    matches!(
        Class::of(byte),
        Class::Letter | Class::Digit | Class::Dollar
    )
}

fn is_symbol(byte: u8) -> bool {
    Class::of(byte) == Class::Symbol
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Class {
    Space,
    Letter,
    Digit,
    Symbol,
    Mark,
    Quote,
    DoubleQuote,
    Dollar,
    Bad,
}

impl Class {
    fn of(byte: u8) -> Self {
        CLASS.get(usize::from(byte)).copied().unwrap_or(Self::Bad)
    }
}

/// What a token can begin with.
static CLASS: [Class; 256] = {
    let mut table = [Class::Bad; 256];
    let mut byte = 0_usize;
    while byte < 256 {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::indexing_slicing,
            reason = "the loop ends at 256, and a fault here would not build"
        )]
        {
            table[byte] = match byte as u8 {
                b' ' | b'\t' | b'\n' | b'\r' | 0x0b | 0x0c => Class::Space,
                b'a'..=b'z' | b'A'..=b'Z' | b'_' | 0x80..=0xff => Class::Letter,
                b'0'..=b'9' => Class::Digit,
                b'~' | b'!' | b'@' | b'#' | b'^' | b'&' | b'|' | b'`' | b'?' | b'+' | b'-'
                | b'*' | b'/' | b'%' | b'<' | b'>' | b'=' => Class::Symbol,
                b'(' | b')' | b'[' | b']' | b',' | b';' | b'.' | b':' => Class::Mark,
                b'\'' => Class::Quote,
                b'"' => Class::DoubleQuote,
                b'$' => Class::Dollar,
                _ => Class::Bad,
            };
        }
        byte += 1;
    }
    table
};

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens(text: &str) -> Result<Vec<&str>, (usize, Fault)> {
        let mut tokens = Tokens::of(text.as_bytes());
        let mut found = Vec::new();
        while let Some(token) = tokens.next()? {
            found.push(&text[token.start..token.end]);
        }
        Ok(found)
    }

    #[test]
    fn tokens_are_postgresqls() {
        for (text, expected) in [
            ("select a.b", vec!["select", "a", ".", "b"]),
            ("a$b$1", vec!["a$b$1"]),
            (
                "'it''s' e'\\n' $x$ ' $x$",
                vec!["'it''s'", "e'\\n'", "$x$ ' $x$"],
            ),
            ("a/* /* ( */ */b", vec!["a", "b"]),
            ("1-- x\n-2", vec!["1", "-", "2"]),
            ("a=-1", vec!["a", "=", "-", "1"]),
            ("a@-1", vec!["a", "@-", "1"]),
            ("a*/**/b", vec!["a", "*", "b"]),
            (
                "x::int[1:2]",
                vec!["x", "::", "int", "[", "1", ":", "2", "]"],
            ),
            ("1.5e-3 .5 1..2", vec!["1.5e-3", ".5", "1", ".", ".2"]),
            ("\"a\"\"b\"(", vec!["\"a\"\"b\"", "("]),
            ("$1", vec!["$1"]),
        ] {
            assert_eq!(tokens(text).as_deref(), Ok(expected.as_slice()), "{text}");
        }
    }

    #[test]
    fn what_servers_read_in_two_ways_is_a_fault() {
        for (text, fault) in [
            ("'a\\' || x", (2, Fault::BackslashQuote)),
            ("1from", (0, Fault::NumberWithLetters)),
            ("$1and", (0, Fault::NumberWithLetters)),
            ("u&\"a\"", (0, Fault::UnicodeEscape)),
            ("'a", (0, Fault::Unclosed)),
            ("/* /* */", (0, Fault::Unclosed)),
            ("$a$ $b$", (0, Fault::Unclosed)),
            ("{", (0, Fault::Byte)),
            ("\\d", (0, Fault::Byte)),
        ] {
            assert_eq!(tokens(text), Err(fault), "{text}");
        }
    }
}
