//! Lists of functions and types that a statement may name.

use std::sync::{Arc, LazyLock};

use foldhash::HashSet;

use super::statement::{Name, Reading, strip_pg_catalog};
use crate::policy::sets;

/// PostgreSQL cuts longer names (NAMEDATALEN); no listed one is as long.
const LONGEST: usize = 2 * 63 + 1;

/// Names in lower case; those with a schema have it, but for `pg_catalog`.
#[derive(Debug, Default)]
pub(super) struct Names(HashSet<Box<[u8]>>);

impl Names {
    pub(super) fn of<T: AsRef<str>>(names: impl IntoIterator<Item = T>) -> Self {
        let lower = |name: T| {
            let lower = name.as_ref().to_ascii_lowercase();
            strip_pg_catalog(lower.as_bytes()).into()
        };
        Self(names.into_iter().map(lower).collect())
    }

    /// Whether a name of a text is listed.
    fn has(&self, written: &[u8]) -> bool {
        let plain = strip_pg_catalog(written);
        let mut buffer = [0_u8; LONGEST];
        let Some(lower) = buffer.get_mut(..plain.len()) else {
            return false;
        };
        lower.copy_from_slice(plain);
        lower.make_ascii_lowercase();
        self.0.contains(&*lower)
    }

    /// Whether a type of a text is listed. A name in quotes is compared as it is.
    fn has_type(&self, written: &[u8]) -> bool {
        if memchr::memchr(b'"', written).is_none() {
            return self.has(written);
        }
        let mut parts = written.split(|byte| *byte == b'.');
        let (first, second) = (parts.next().unwrap_or_default(), parts.next());
        let is_of_system = |schema: &[u8]| {
            schema.eq_ignore_ascii_case(b"pg_catalog") || schema == b"\"pg_catalog\""
        };
        let name = match second {
            None => first,
            Some(name) if is_of_system(first) && parts.next().is_none() => name,
            Some(_) => return false,
        };
        let inside = name
            .strip_prefix(b"\"")
            .and_then(|name| name.strip_suffix(b"\""));
        inside.is_some_and(|name| {
            let is_plain = name
                .iter()
                .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || *byte == b'_');
            is_plain && self.0.contains(name)
        })
    }
}

/// The types that a statement may cast to where an exclusion names none.
pub(super) fn harmless_types() -> Arc<Names> {
    static TYPES: LazyLock<Arc<Names>> = LazyLock::new(|| {
        let names = sets::find("harmless-types").map(|set| Names::of(set.names()));
        Arc::new(names.unwrap_or_default())
    });
    Arc::clone(&TYPES)
}

/// The functions that read no data and change nothing.
pub(super) fn harmless_functions() -> Arc<Names> {
    static FUNCTIONS: LazyLock<Arc<Names>> = LazyLock::new(|| {
        let names = sets::find("harmless-functions").map(|set| Names::of(set.names()));
        Arc::new(names.unwrap_or_default())
    });
    Arc::clone(&FUNCTIONS)
}

/// The first byte of a text at which something stands that is not listed or cannot be read.
pub(super) fn stops_at(
    text: &[u8],
    reading: &Reading,
    functions: &Names,
    types: &Names,
) -> Option<usize> {
    let unlisted = first_unlisted(text, reading, functions, types).map(|(name, _)| name.start);
    match (unlisted, reading.stop) {
        (Some(name), Some(stop)) => Some(name.min(stop.at)),
        (name, stop) => name.or(stop.map(|stop| stop.at)),
    }
}

/// The first name that is not listed, and whether it is a type.
pub(super) fn first_unlisted(
    text: &[u8],
    reading: &Reading,
    functions: &Names,
    types: &Names,
) -> Option<(Name, bool)> {
    let call = reading
        .calls
        .iter()
        .find(|name| !functions.has(name.written(text)));
    let cast = reading
        .types
        .iter()
        .find(|name| !types.has_type(name.written(text)));
    match (call, cast) {
        (Some(call), Some(cast)) if cast.start < call.start => Some((*cast, true)),
        (Some(call), _) => Some((*call, false)),
        (None, cast) => cast.map(|cast| (*cast, true)),
    }
}

/// Whether a text casts to a type that is not harmless by itself.
pub(super) fn has_unlisted_type(text: &[u8], reading: &Reading) -> bool {
    let types = harmless_types();
    let mut names = reading.types.iter();
    names.any(|name| !types.has_type(name.written(text)))
}

/// Whether everything that a text can call is listed.
pub(super) fn are_all_listed(
    text: &[u8],
    reading: &Reading,
    functions: &Names,
    types: &Names,
) -> bool {
    reading.stop.is_none()
        && reading
            .calls
            .iter()
            .all(|name| functions.has(name.written(text)))
        && reading
            .types
            .iter()
            .all(|name| types.has_type(name.written(text)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_compared_as_postgresql_does() {
        let names = Names::of(["version", "information_schema._pg_truetypid", "char"]);
        for written in [
            "version",
            "VERSION",
            "pg_catalog.version",
            "PG_CATALOG.Version",
            "information_schema._pg_truetypid",
        ] {
            assert!(names.has(written.as_bytes()), "{written}");
        }
        for written in [
            "public.version",
            "version2",
            "_pg_truetypid",
            "pg_temp.version",
        ] {
            assert!(!names.has(written.as_bytes()), "{written}");
        }
        for written in ["\"char\"", "pg_catalog.\"char\"", "\"pg_catalog\".\"char\""] {
            assert!(names.has_type(written.as_bytes()), "{written}");
        }
        for written in [
            "\"Char\"",
            "public.\"char\"",
            "\"a\".\"b\".\"char\"",
            "\"ch\"\"ar\"",
        ] {
            assert!(!names.has_type(written.as_bytes()), "{written}");
        }
        assert!(!names.has("x".repeat(500).as_bytes()));
    }
}
