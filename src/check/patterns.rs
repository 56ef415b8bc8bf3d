//! Regular expressions: valid, portable, and no wider than their authors think.

use std::ops::Range;

use regex_automata::meta::Regex;

use super::duplicates::overlap;
use super::{Check, Context};
use crate::diagnostic::{Code, Diagnostic, Diagnostics, quote, quote_all};
use crate::policy::model::RoleMatch;
use crate::source::Place;

/// See the codes of the area `pattern`, [`Code::AccountMatchesAll`] and [`Code::AccountSwallowsUser`].
#[derive(Debug)]
pub struct Patterns;

impl Check for Patterns {
    fn run(&self, context: &Context<'_>, sink: &mut Diagnostics) {
        for account in &context.policy.service_accounts {
            let RoleMatch::Pattern(pattern) = &account.role else {
                continue;
            };
            let place = |span: Option<Range<usize>>| match span {
                Some(span) => account.places.item_part("pattern", 0, span),
                None => account.place.clone(),
            };
            let Some(regex) = compile(pattern, place, sink) else {
                continue;
            };
            if PROBE_ROLES.iter().all(|role| is_whole_match(&regex, role)) {
                sink.push(
                    Diagnostic::new(
                        Code::AccountMatchesAll,
                        format!(
                            "the pattern {} matches every role: nobody would be audited",
                            quote(pattern)
                        ),
                    )
                    .at(account.place.clone())
                    .help("write what the accounts' names have in common, as in `etl_[a-z]+`"),
                );
                continue;
            }
            let swallowed: Vec<_> = context
                .policy
                .users
                .iter()
                .filter(|user| {
                    overlap(&user.environments, &account.environments)
                        && is_whole_match(&regex, &user.role)
                })
                .take(5)
                .collect();
            if let Some(first) = swallowed.first() {
                let roles = quote_all(swallowed.iter().map(|user| &user.role));
                sink.push(
                    Diagnostic::new(
                        Code::AccountSwallowsUser,
                        format!(
                            "the pattern {} also matches the audited {roles}",
                            quote(pattern)
                        ),
                    )
                    .at(account.place.clone())
                    .context(first.place.clone(), "audited here")
                    .help("make the pattern narrower, or rename the account"),
                );
            }
        }
        for exclusion in &context.policy.exclusions {
            let patterns = exclusion
                .matcher
                .statement
                .as_ref()
                .and_then(|statement| statement.matches.as_ref());
            for (index, pattern) in patterns.into_iter().flatten().enumerate() {
                let path = "match/statement/matches";
                let place = |span: Option<Range<usize>>| match span {
                    Some(span) => exclusion.places.item_part(path, index, span),
                    None => exclusion.places.item(path, index),
                };
                let Some(regex) = compile(pattern, place, sink) else {
                    continue;
                };
                if PROBE_STATEMENTS
                    .iter()
                    .all(|statement| is_whole_match(&regex, statement))
                {
                    sink.push(
                        Diagnostic::new(Code::ExclusionTooWide, format!("the pattern {} matches whatever people type", quote(pattern)))
                            .at(exclusion.places.item(path, index))
                            .help("write the statement that is meant, with classes such as `[a-z_]+` where it varies"),
                    );
                }
            }
        }
    }
}

/// Roles that no honest pattern of accounts has all of.
const PROBE_ROLES: &[&str] = &[
    "a",
    "Qx7",
    "zz_top-9",
    "user with space",
    "0",
    "alice@EXAMPLE.COM",
];
/// Statements that no honest pattern has all of.
const PROBE_STATEMENTS: &[&str] = &[
    "select * from orders",
    "delete from app.\"Order\" where id = 7",
    "insert into t values ('x', 1.5)",
    "update a set b = $1",
];

fn is_whole_match(regex: &Regex, text: &str) -> bool {
    regex.is_match(text)
}

fn compile(
    pattern: &str,
    place: impl Fn(Option<Range<usize>>) -> Place,
    sink: &mut Diagnostics,
) -> Option<Regex> {
    if let Err(fault) = portable::portable_pattern(pattern) {
        sink.push(
            Diagnostic::new(Code::PatternNotPortable, fault.message)
                .at(place(Some(fault.span)))
                .help(fault.help),
        );
        return None;
    }
    if let Err(error) = regex_syntax::ast::parse::Parser::new().parse(pattern) {
        let span = error.span().start.offset..error.span().end.offset;
        sink.push(
            Diagnostic::new(
                Code::PatternInvalid,
                format!(
                    "{} is not a regular expression: {}",
                    quote(pattern),
                    error.kind()
                ),
            )
            .at(place((!span.is_empty()).then_some(span)))
            .help("put a `\\` before a character that stands for itself"),
        );
        return None;
    }
    let builder = || {
        Regex::builder()
            .configure(Regex::config().nfa_size_limit(Some(1 << 20)))
            .to_owned()
    };
    let Ok(regex) = builder().build(&format!("(?s)^(?:{pattern})$")) else {
        sink.push(
            Diagnostic::new(
                Code::PatternInvalid,
                format!("the regular expression {} is too large", quote(pattern)),
            )
            .at(place(None))
            .help("repeat less, or list the names"),
        );
        return None;
    };
    if regex.is_match("") {
        sink.push(
            Diagnostic::new(
                Code::PatternEmpty,
                format!("the pattern {} matches the empty text", quote(pattern)),
            )
            .at(place(None))
            .help("write `+` instead of `*`, or what must stand there"),
        );
        return None;
    }
    Some(regex)
}

/// Stands in for the room `insights`, which knows the dialect.
mod portable {
    use std::ops::Range;

    pub(super) struct Fault {
        pub(super) span: Range<usize>,
        pub(super) message: String,
        pub(super) help: String,
    }

    pub(super) fn portable_pattern(pattern: &str) -> Result<(), Fault> {
        let fault = |span: Range<usize>, message: &str, help: &str| {
            let written = pattern.get(span.clone()).unwrap_or_default();
            Err(Fault {
                span,
                message: format!("{} {message}", crate::diagnostic::quote(written)),
                help: help.to_owned(),
            })
        };
        let bytes = pattern.as_bytes();
        let at = |index: usize| bytes.get(index).copied().unwrap_or(0);
        let mut index = 0;
        let mut class_start = None;
        while index < bytes.len() {
            let byte = at(index);
            match byte {
                b'\\' => {
                    let next = pattern
                        .get(index + 1..)
                        .and_then(|rest| rest.chars().next());
                    let length = 1 + next.map_or(0, char::len_utf8);
                    let help = match next {
                        Some('d') => "write `[0-9]`",
                        Some('w') => "write `[A-Za-z0-9_]`",
                        Some('s') => "write `[ \\t]`, or ` +` for blanks",
                        Some('b' | 'B' | 'A' | 'z' | 'Z') => {
                            "leave it out: the whole text is matched"
                        }
                        Some('n' | 'r' | 't') => "",
                        Some(other) if other.is_ascii_alphanumeric() => {
                            "write the characters that are meant"
                        }
                        _ => "",
                    };
                    if !help.is_empty() {
                        return fault(
                            index..index + length,
                            "is read differently by different regular expression engines",
                            help,
                        );
                    }
                    index += length;
                    continue;
                }
                b'[' if class_start.is_none() => {
                    class_start = Some(index);
                    if at(index + 1) == b'^' {
                        index += 1;
                    }
                    if at(index + 1) == b']' {
                        return fault(
                            index + 1..index + 2,
                            "as the first character of a class is read differently",
                            "write `\\]`",
                        );
                    }
                }
                b'[' => {
                    return fault(
                        index..index + 1,
                        "inside a class is read differently",
                        "write `\\[`",
                    );
                }
                b'&' if class_start.is_some() => {
                    return fault(
                        index..index + 1,
                        "inside a class is read differently",
                        "write `\\&`",
                    );
                }
                b'~' if class_start.is_some() && at(index + 1) == b'~' => {
                    return fault(
                        index..index + 2,
                        "inside a class is read differently",
                        "write `~` once",
                    );
                }
                b'-' if class_start.is_some() && at(index + 1) == b'-' => {
                    return fault(
                        index..index + 2,
                        "inside a class is read differently",
                        "write `\\-` once",
                    );
                }
                b']' if class_start.is_some() => class_start = None,
                _ if class_start.is_some() && !byte.is_ascii() => {
                    let length = pattern
                        .get(index..)
                        .and_then(|rest| rest.chars().next())
                        .map_or(1, char::len_utf8);
                    return fault(
                        index..index + length,
                        "inside a class is read as single bytes by some engines",
                        "write an alternative: `(a|b)`",
                    );
                }
                _ if class_start.is_some() => {}
                b'^' | b'$' => {
                    return fault(
                        index..index + 1,
                        "is not needed",
                        "leave it out: the whole text is matched",
                    );
                }
                b'(' if at(index + 1) == b'?' && at(index + 2) != b':' => {
                    let end = (index + 3).min(bytes.len());
                    let end = (end..=bytes.len())
                        .find(|end| pattern.is_char_boundary(*end))
                        .unwrap_or(bytes.len());
                    return fault(
                        index..end,
                        "is not known to every regular expression engine",
                        "write `(` or `(?:`",
                    );
                }
                b'+' if matches!(at(index.wrapping_sub(1)), b'+' | b'*' | b'?' | b'}')
                    && index > 0
                    && !is_escaped(bytes, index - 1) =>
                {
                    return fault(
                        index - 1..index + 1,
                        "is possessive to some engines",
                        "write one quantifier",
                    );
                }
                b'{' => {
                    let end = pattern
                        .get(index..)
                        .and_then(|rest| rest.find('}'))
                        .map(|length| index + length);
                    let inside = end
                        .and_then(|end| pattern.get(index + 1..end))
                        .unwrap_or_default();
                    let (low, high) = inside.split_once(',').unwrap_or((inside, ""));
                    let is_number = |text: &str| {
                        !text.is_empty()
                            && text.len() <= 4
                            && text.bytes().all(|byte| byte.is_ascii_digit())
                    };
                    if !is_number(low) || !(high.is_empty() || is_number(high)) {
                        return fault(
                            index..index + 1,
                            "is read differently by different regular expression engines",
                            "write `\\{` if it is meant, `{0,3}` for a repetition",
                        );
                    }
                }
                _ => {}
            }
            index += 1;
        }
        Ok(())
    }

    fn is_escaped(bytes: &[u8], index: usize) -> bool {
        bytes.get(..index).is_some_and(|before| {
            before
                .iter()
                .rev()
                .take_while(|byte| **byte == b'\\')
                .count()
                % 2
                == 1
        })
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn refuses_what_engines_disagree_on() {
            let span = |pattern: &str| {
                portable_pattern(pattern)
                    .err()
                    .map(|fault| pattern[fault.span].to_owned())
            };
            for (pattern, part) in [
                (r"a\d+", r"\d"),
                ("etl$", "$"),
                ("^etl", "^"),
                ("(?!x)y", "(?!"),
                ("(?i)x", "(?i"),
                ("a++", "++"),
                ("a{,3}", "{"),
                ("[a&&b]", "&"),
                ("[[a]", "["),
                (r"\p{L}", r"\p"),
                ("[é]", "é"),
            ] {
                assert_eq!(span(pattern).as_deref(), Some(part), "{pattern}");
            }
            for pattern in [
                "etl_[a-z]+",
                r"a\.b",
                "(?:a|b)c?",
                "x{2,3}",
                "[^\\]]+",
                "ü+",
                r"\++",
                "a.*",
            ] {
                assert_eq!(span(pattern), None, "{pattern}");
            }
        }
    }
}
