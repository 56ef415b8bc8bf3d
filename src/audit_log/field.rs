//! One field of a pgAudit record: the bytes as printed and the value that they stand for.
//!
//! Source of the quoting: `append_valid_csv` in pgaudit.c. A field is quoted when its value holds a
//! comma, a quote, CR or LF; a quote inside is doubled; a null prints nothing. PostgreSQL then puts
//! a TAB after each LF of a message (`append_with_tabs` in elog.c).

use std::borrow::Cow;

/// A field of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Field<'a> {
    raw: &'a [u8],
    /// What stands between the quotes, when the field is quoted.
    quoted: Option<&'a [u8]>,
}

/// What is wrong with a field, at which byte of the text it was read from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FieldFault {
    /// A quote, CR or LF in a field that does not begin with a quote.
    BareSpecial(usize),
    /// The closing quote is missing.
    Unclosed(usize),
    /// Something other than a comma or the end after the closing quote.
    AfterQuote(usize),
}

impl<'a> Field<'a> {
    /// Reads one field from the start of `text`; gives it and its length.
    #[inline]
    pub(crate) fn split(text: &'a [u8]) -> Result<(Self, usize), FieldFault> {
        if let [] | [b',', ..] = text {
            return Ok((
                Self {
                    raw: &[],
                    quoted: None,
                },
                0,
            ));
        }
        let Some(inside) = text.strip_prefix(b"\"") else {
            let len = memchr::memchr(b',', text).unwrap_or(text.len());
            let raw = text.get(..len).unwrap_or(text);
            return match memchr::memchr3(b'"', b'\r', b'\n', raw) {
                Some(at) => Err(FieldFault::BareSpecial(at)),
                None => Ok((Self { raw, quoted: None }, len)),
            };
        };
        let mut from = 0;
        loop {
            let tail = inside.get(from..).unwrap_or_default();
            let Some(quote) = memchr::memchr(b'"', tail) else {
                return Err(FieldFault::Unclosed(text.len()));
            };
            let at = from + quote;
            match inside.get(at + 1) {
                Some(b'"') => from = at + 2,
                Some(b',') | None => {
                    let len = at + 2;
                    let raw = text.get(..len).unwrap_or(text);
                    return Ok((
                        Self {
                            raw,
                            quoted: inside.get(..at),
                        },
                        len,
                    ));
                }
                Some(_) => return Err(FieldFault::AfterQuote(at + 2)),
            }
        }
    }

    /// The bytes as printed, quotes included.
    pub fn raw(&self) -> &'a [u8] {
        self.raw
    }

    /// Whether nothing was printed: a null, or an empty text, which print alike.
    pub fn is_empty(&self) -> bool {
        self.raw.is_empty()
    }

    /// The value: quotes removed, doubled quotes joined, the TAB after each LF removed.
    pub fn decoded(&self) -> Cow<'a, [u8]> {
        match self.quoted {
            None => Cow::Borrowed(self.raw),
            Some(inside) => unquote(inside),
        }
    }
}

/// Joins doubled quotes and removes the TAB after each LF.
fn unquote(inside: &[u8]) -> Cow<'_, [u8]> {
    let Some(first) = memchr::memchr2(b'"', b'\n', inside) else {
        return Cow::Borrowed(inside);
    };
    let mut value = Vec::with_capacity(inside.len());
    let mut rest = inside;
    let mut next = Some(first);
    while let Some(at) = next {
        let Some((before, after)) = rest.split_at_checked(at + 1) else {
            break;
        };
        value.extend_from_slice(before);
        rest = match (before.last(), after.first()) {
            (Some(b'"'), Some(b'"')) | (Some(b'\n'), Some(b'\t')) => {
                after.get(1..).unwrap_or_default()
            }
            _ => after,
        };
        next = memchr::memchr2(b'"', b'\n', rest);
    }
    value.extend_from_slice(rest);
    Cow::Owned(value)
}

/// Splits the value of the parameter field into the parameters, which pgAudit prints as a list
/// with the same quoting. A null and an empty text both come out empty. `None` when the text is no
/// such list.
pub fn split_parameters(list: &[u8]) -> Option<Vec<Cow<'_, [u8]>>> {
    let mut values = Vec::new();
    let mut rest = list;
    loop {
        let (field, len) = Field::split_value(rest).ok()?;
        values.push(field.decoded_value());
        match rest.get(len..) {
            Some([b',', after @ ..]) => rest = after,
            _ => return Some(values),
        }
    }
}

impl<'a> Field<'a> {
    /// As [`Field::split`], for text in which the TABs have been removed already.
    fn split_value(text: &'a [u8]) -> Result<(Self, usize), FieldFault> {
        Self::split(text)
    }

    /// As [`Field::decoded`], for text in which the TABs have been removed already.
    fn decoded_value(&self) -> Cow<'a, [u8]> {
        let Some(inside) = self.quoted else {
            return Cow::Borrowed(self.raw);
        };
        if memchr::memchr(b'"', inside).is_none() {
            return Cow::Borrowed(inside);
        }
        let mut value = Vec::with_capacity(inside.len());
        let mut after_quote = false;
        for byte in inside {
            after_quote = *byte == b'"' && !after_quote;
            if !after_quote {
                value.push(*byte);
            }
        }
        Cow::Owned(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decoded(text: &str) -> String {
        let (field, len) = Field::split(text.as_bytes()).expect("field");
        assert_eq!(len, text.len());
        String::from_utf8(field.decoded().into_owned()).expect("utf-8")
    }

    #[test]
    fn decodes_quotes_and_line_breaks() {
        assert_eq!(decoded(""), "");
        assert_eq!(decoded("select 1"), "select 1");
        assert_eq!(decoded("\"a,b\""), "a,b");
        assert_eq!(decoded("\"\"\"x\"\"\""), "\"x\"");
        assert_eq!(decoded("\"\"\"\""), "\"");
        assert_eq!(decoded("\"\""), "");
        assert_eq!(decoded("\"a\r\n\t\tb\""), "a\r\n\tb");
        assert_eq!(decoded("\"a\n\""), "a\n");
    }

    #[test]
    fn says_where_a_field_breaks() {
        assert_eq!(Field::split(b"a\"b"), Err(FieldFault::BareSpecial(1)));
        assert_eq!(Field::split(b"a\nb"), Err(FieldFault::BareSpecial(1)));
        assert_eq!(Field::split(b"\"ab"), Err(FieldFault::Unclosed(3)));
        assert_eq!(Field::split(b"\"ab\"c"), Err(FieldFault::AfterQuote(4)));
    }

    #[test]
    fn splits_parameters() {
        let list = decoded("\"\"\"x,y \"\"\"\"q\"\"\"\"\n\tline2\"\",5,\"");
        assert_eq!(list, "\"x,y \"\"q\"\"\nline2\",5,");
        let values = split_parameters(list.as_bytes()).expect("list");
        assert_eq!(values, [&b"x,y \"q\"\nline2"[..], b"5", b""]);
    }
}
