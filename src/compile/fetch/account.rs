//! Which service accounts AWS can drop: those that any engine compares as the judge does.

use regex_syntax::hir::{Class, Hir, HirKind};

use super::super::query::list;
use crate::policy::model::RoleMatch;

/// Repetitions without an upper bound that a pattern may hold. A role's name has at most 63 bytes (PostgreSQL,
/// NAMEDATALEN), so that two of them cost an engine that backtracks 63² steps at most.
const MOST_UNBOUNDED: usize = 2;

/// A count in braces that a pattern may hold.
const MOST_COUNTED: u32 = 64;

/// Characters that an account takes in the query; none where it is left to the judge.
pub(super) fn cost(role: &RoleMatch) -> Option<usize> {
    match role {
        // With its quotes, and the comma and space behind it.
        RoleMatch::Name(name) => is_plain_name(name).then(|| name.len() + 4),
        // With the bar behind it.
        RoleMatch::Pattern(pattern) => {
            let pattern = pattern.as_str();
            is_plain_pattern(pattern).then(|| pattern.len() + 1)
        }
    }
}

/// The condition that a user is none of these, behind other conditions; nothing for none.
pub(super) fn names(names: &[String]) -> String {
    if names.is_empty() {
        return String::new();
    }
    format!(" and user not in {}", list(names))
}

/// As [`names`], for patterns of whole names. The names that they meet are ASCII and hold no line break, so that `$`
/// is the end of the name in every engine.
pub(super) fn patterns(patterns: &[String]) -> String {
    if patterns.is_empty() {
        return String::new();
    }
    format!(" and user not like /^(?:{})$/", patterns.join("|"))
}

/// Letters, digits and what no quoting touches. An `@` could be the border between user and database.
fn is_plain_name(name: &str) -> bool {
    (1..=63).contains(&name.len())
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte))
}

/// Whether every engine reads a pattern alike, and in little time: plain characters, no repetition within a repetition,
/// few unbounded ones, and no `@`.
fn is_plain_pattern(pattern: &str) -> bool {
    let mut bytes = pattern.bytes();
    while let Some(byte) = bytes.next() {
        let is_plain = match byte {
            b'\\' => bytes.next().is_some_and(|byte| b".-".contains(&byte)),
            b'?' | b':' | b'(' | b')' | b'[' | b']' | b'{' | b'}' | b',' | b'|' | b'*' | b'+'
            | b'_' | b'-' => true,
            _ => byte.is_ascii_alphanumeric(),
        };
        if !is_plain {
            return false;
        }
    }
    // No flags and no names.
    if pattern
        .match_indices("(?")
        .any(|(at, _)| pattern.as_bytes().get(at + 2) != Some(&b':'))
    {
        return false;
    }
    let parsed = regex_syntax::ParserBuilder::new()
        .unicode(false)
        .utf8(false)
        .nest_limit(16)
        .build()
        .parse(pattern);
    let mut unbounded = 0;
    parsed.is_ok_and(|hir| is_simple(&hir, false, &mut unbounded)) && unbounded <= MOST_UNBOUNDED
}

fn is_simple(hir: &Hir, repeated: bool, unbounded: &mut usize) -> bool {
    match hir.kind() {
        HirKind::Empty => true,
        HirKind::Literal(literal) => !literal.0.contains(&b'@'),
        HirKind::Class(Class::Bytes(class)) => class
            .iter()
            .all(|range| !(range.start()..=range.end()).contains(&b'@') && range.end() < 0x80),
        HirKind::Class(Class::Unicode(class)) => class
            .iter()
            .all(|range| !(range.start()..=range.end()).contains(&'@') && range.end().is_ascii()),
        HirKind::Look(_) => false,
        HirKind::Repetition(repetition) => {
            match repetition.max {
                None => *unbounded += 1,
                Some(most) if most > MOST_COUNTED => return false,
                Some(_) => {}
            }
            // A question mark and a count of a single character do not multiply.
            let nests = repetition.max != Some(1);
            repetition.greedy
                && repetition.min <= MOST_COUNTED
                && !(repeated && nests)
                && is_simple(&repetition.sub, repeated || nests, unbounded)
        }
        HirKind::Capture(capture) => {
            capture.name.is_none() && is_simple(&capture.sub, repeated, unbounded)
        }
        HirKind::Concat(parts) | HirKind::Alternation(parts) => parts
            .iter()
            .all(|part| is_simple(part, repeated, unbounded)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_accounts_are_dropped_at_aws() {
        for name in ["rdsadmin", "shop_api", "svc-1.x", "A", &"x".repeat(63)] {
            assert!(is_plain_name(name), "{name}");
        }
        for name in [
            "",
            "a@b",
            "a b",
            "o'neil",
            "a\\b",
            "é",
            "a:b",
            "a\"b",
            "`",
            &"x".repeat(64),
        ] {
            assert!(!is_plain_name(name), "{name}");
        }
        for pattern in [
            "shop_worker_[0-9]+",
            "etl_[a-z]+_[0-9]*",
            "a(b|c)?d",
            "(?:x|y){2,3}",
            "svc\\.[a-z]+",
            "[a-z]{1,20}_svc",
        ] {
            assert!(is_plain_pattern(pattern), "{pattern}");
        }
        for pattern in [
            "([a-z]+)*",
            "([a-z]+_)+",
            "(a|aa)*(a|aa)*(a|aa)*",
            "[a-z]+[a-z]+[a-z]+",
            ".*",
            "etl_.",
            "[^a]+",
            "a$",
            "^a",
            "\\w+",
            "[ -~]+",
            "[0-Z]+",
            "a/b",
            "(?i)a",
            "(?<n>a)",
            "a**",
            "a+?",
            "a{500}",
            "é",
            "a'b",
            "(",
        ] {
            assert!(!is_plain_pattern(pattern), "{pattern}");
        }
    }
}
