//! Splits an object name as pgAudit prints it.
//!
//! Relations and executed functions print as `quote_qualified_identifier` writes them
//! (`public.t1`, `"odd name"."t.x"`). DDL prints an object's identity as event triggers report it,
//! which may carry more: `public.f(integer)`, `trg on public.t1`, `public.t1.col`.

use std::borrow::Cow;

/// One identifier of a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Identifier<'a> {
    /// As printed, quotes included.
    pub printed: &'a [u8],
}

impl<'a> Identifier<'a> {
    /// The name itself: quotes removed, doubled quotes joined.
    pub fn value(&self) -> Cow<'a, [u8]> {
        let inside = match self.printed {
            [b'"', inside @ .., b'"'] => inside,
            plain => return Cow::Borrowed(plain),
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

    fn split(text: &'a [u8]) -> Option<(Self, &'a [u8])> {
        let len = match text {
            [b'"', inside @ ..] => {
                let mut from = 0;
                loop {
                    let at = from + memchr::memchr(b'"', inside.get(from..)?)?;
                    if inside.get(at + 1) != Some(&b'"') {
                        break at + 2;
                    }
                    from = at + 2;
                }
            }
            _ => text
                .iter()
                .take_while(|byte| {
                    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'$') || !byte.is_ascii()
                })
                .count(),
        };
        // `""` is not a name.
        if len == 0 || text.get(..len) == Some(b"\"\"") {
            return None;
        }
        let (printed, rest) = text.split_at_checked(len)?;
        Some((Self { printed }, rest))
    }
}

/// A name in its parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QualifiedName<'a> {
    /// The schema, when there are two identifiers.
    pub schema: Option<Identifier<'a>>,
    /// The object: a relation, a function, or an object without a schema.
    pub name: Identifier<'a>,
    /// What follows the name: empty for relations and executed functions, `(integer)`,
    /// ` on public.t1` or `.col` in DDL.
    pub tail: &'a [u8],
}

impl<'a> QualifiedName<'a> {
    /// Splits a decoded object name. `None` when it does not begin with an identifier.
    pub fn parse(text: &'a [u8]) -> Option<Self> {
        let (first, rest) = Identifier::split(text)?;
        if let Some(after) = rest.strip_prefix(b".")
            && let Some((second, tail)) = Identifier::split(after)
        {
            return Some(Self {
                schema: Some(first),
                name: second,
                tail,
            });
        }
        Some(Self {
            schema: None,
            name: first,
            tail: rest,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(text: &str) -> Option<(Option<String>, String, String)> {
        let name = QualifiedName::parse(text.as_bytes())?;
        let owned = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Some((
            name.schema.map(|schema| owned(&schema.value())),
            owned(&name.name.value()),
            owned(name.tail),
        ))
    }

    #[test]
    fn splits_names_as_printed() {
        let cases: &[(&str, Option<&str>, &str, &str)] = &[
            ("public.t1", Some("public"), "t1", ""),
            ("\"odd name\".\"t.x\"", Some("odd name"), "t.x", ""),
            (
                "public.\"Odd, \"\"Name\"",
                Some("public"),
                "Odd, \"Name",
                "",
            ),
            (
                "public.f(integer, text)",
                Some("public"),
                "f",
                "(integer, text)",
            ),
            ("public.\"f(x)\"", Some("public"), "f(x)", ""),
            ("app", None, "app", ""),
            ("trg on public.t1", None, "trg", " on public.t1"),
            ("public.t1.col", Some("public"), "t1", ".col"),
            ("schäma.täble", Some("schäma"), "täble", ""),
            ("pg_catalog.pg_class", Some("pg_catalog"), "pg_class", ""),
        ];
        for (text, schema, name, tail) in cases {
            let expected = Some((
                schema.map(str::to_owned),
                (*name).to_owned(),
                (*tail).to_owned(),
            ));
            assert_eq!(split(text), expected, "{text}");
        }
        assert_eq!(split(""), None);
        assert_eq!(split("\"open"), None);
        assert_eq!(split("\"\".x"), None);
    }
}
