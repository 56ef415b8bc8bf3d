//! The regular expressions that policies hold. There is one kind of them, made by one function.
//!
//! A pattern is written in the portable dialect ([`dialect`]), so that it means the same to us and to every engine that
//! it may be sent to. It is matched over bytes, with ASCII meaning, and always against a whole text: the policy's author
//! writes no anchors.

use std::fmt;
use std::sync::{Arc, OnceLock};

use regex_automata::meta::Regex;

pub(crate) mod dialect;
mod fault;

pub use fault::Fault;

/// Bytes that the compiled form of one pattern of a policy may take.
const SIZE_MAX: usize = 1 << 20;

/// A regular expression of the policy. Equal where the text is equal.
#[derive(Clone)]
pub struct Pattern(Arc<Inner>);

struct Inner {
    text: String,
    /// Compiled when it is first needed: most runs look at few of a policy's patterns.
    name: OnceLock<Option<Regex>>,
    statement: OnceLock<Option<Regex>>,
}

impl Pattern {
    /// Reads a pattern as somebody wrote it.
    ///
    /// # Errors
    /// What is wrong with it, with the bytes of `text` that the fault is about: it is not a regular expression, engines
    /// read it in different ways, it is too large, or it matches the empty text.
    pub fn read(text: &str) -> Result<Self, PatternError> {
        anchors(text).map_err(PatternError::NotPortable)?;
        dialect::portable(text).map_err(|fault| match fault {
            dialect::Refused::Syntax(fault) => PatternError::Invalid(fault),
            dialect::Refused::Dialect(fault) => PatternError::NotPortable(fault),
        })?;
        let size_is_fine = regex_automata::nfa::thompson::NFA::compiler()
            .syntax(dialect::bytes())
            .configure(
                regex_automata::nfa::thompson::NFA::config()
                    .utf8(false)
                    .which_captures(regex_automata::nfa::thompson::WhichCaptures::None)
                    .nfa_size_limit(Some(SIZE_MAX)),
            )
            .build(text)
            .is_ok();
        if !size_is_fine {
            return Err(PatternError::TooLarge);
        }
        if dialect::matches_nothing_at_all(text) {
            return Err(PatternError::Empty);
        }
        Ok(Self(Arc::new(Inner {
            text: text.to_owned(),
            name: OnceLock::new(),
            statement: OnceLock::new(),
        })))
    }

    /// The pattern as it is written.
    pub fn as_str(&self) -> &str {
        &self.0.text
    }

    /// Whether it matches a whole name. Letter case matters.
    pub fn is_whole_name(&self, name: &[u8]) -> bool {
        let regex = self
            .0
            .name
            .get_or_init(|| dialect::build(&format!(r"\A(?:{})\z", self.0.text)).ok());
        regex.as_ref().is_some_and(|regex| regex.is_match(name))
    }

    /// Whether it matches a whole statement. Letter case does not matter, nor does white space around the statement.
    pub fn is_whole_statement(&self, statement: &[u8]) -> bool {
        let regex = self
            .0
            .statement
            .get_or_init(|| dialect::build(&self.statement_expression()).ok());
        regex
            .as_ref()
            .is_some_and(|regex| regex.is_match(statement))
    }

    /// The expression that [`Pattern::is_whole_statement`] runs.
    pub(crate) fn statement_expression(&self) -> String {
        format!(r"\A(?i:[ \t\r\n]*(?:{})[ \t\r\n]*)\z", self.0.text)
    }
}

/// A `^` or `$` of the author's: the whole text is matched anyway, and inside an alternation it would mean something
/// else than it seems to.
fn anchors(text: &str) -> Result<(), Fault> {
    let mut is_escaped = false;
    let mut in_class = false;
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' => is_escaped = true,
            b'[' => in_class = true,
            b']' => in_class = false,
            b'^' | b'$' if !in_class => {
                return Err(Fault::new(
                    at..at + 1,
                    format!("`{}` is not needed", char::from(byte)),
                )
                .help("delete it: the pattern always matches the whole text"));
            }
            _ => {}
        }
    }
    Ok(())
}

/// Why a text is not a pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PatternError {
    /// It is not a regular expression.
    Invalid(Fault),
    /// Engines read it in different ways.
    NotPortable(Fault),
    /// Its compiled form takes more than [`SIZE_MAX`] bytes.
    TooLarge,
    /// It matches the empty text.
    Empty,
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.0.text == other.0.text
    }
}

impl Eq for Pattern {}

impl PartialOrd for Pattern {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Pattern {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0.text.cmp(&other.0.text)
    }
}

impl std::hash::Hash for Pattern {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.0.text.hash(state);
    }
}

impl serde::Serialize for Pattern {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0.text)
    }
}

impl<'de> serde::Deserialize<'de> for Pattern {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::read(&text)
            .map_err(|_| serde::de::Error::custom(format!("`{text}` is not a pattern")))
    }
}

impl fmt::Debug for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0.text, f)
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_whole(pattern: &str, name: &str) -> bool {
        Pattern::read(pattern)
            .unwrap()
            .is_whole_name(name.as_bytes())
    }

    #[test]
    fn a_pattern_is_matched_over_bytes_and_as_a_whole() {
        assert!(is_whole("etl_[a-z]+", "etl_orders"));
        assert!(!is_whole("etl_[a-z]+", "etl_orders2"));
        assert!(!is_whole("etl|app", "etl_x"));
        // A character beyond ASCII is as many bytes as it has.
        assert!(is_whole("m[^x]+", "müller"));
        let statement = Pattern::read("show [a-z_]+").unwrap();
        assert!(statement.is_whole_statement(b" SHOW search_path\n"));
        assert!(!statement.is_whole_statement(b"show search_path;"));
    }

    #[test]
    fn engines_must_agree_on_a_pattern() {
        for text in [
            "m.{6}",
            "etl_a**",
            "etl_[a-z]{2}{3}",
            "show .+",
            r"a\d+",
            "etl$",
            "^etl",
            "(?!x)y",
            "(?i)x",
            "a++",
            "[a&&b]",
            "[[a]",
            r"\p{L}",
            "[é]",
            "é+",
        ] {
            assert!(
                matches!(
                    Pattern::read(text),
                    Err(PatternError::NotPortable(_) | PatternError::Invalid(_))
                ),
                "{text}: {:?}",
                Pattern::read(text)
            );
        }
        for text in [
            "etl_[a-z]+",
            r"a\.b",
            "(?:a|b)c?",
            "x{2,3}",
            r"[^\]]+",
            "(?:ü)+",
            r"\++",
            r"a[\s\S]*",
            r"\$[0-9]",
        ] {
            assert!(
                Pattern::read(text).is_ok(),
                "{text}: {:?}",
                Pattern::read(text)
            );
        }
    }

    #[test]
    fn a_pattern_says_something_and_stays_small() {
        assert_eq!(Pattern::read("a*"), Err(PatternError::Empty));
        assert_eq!(
            Pattern::read("(?:[a-z]{900}){900}"),
            Err(PatternError::TooLarge)
        );
        assert!(matches!(Pattern::read("(a"), Err(PatternError::Invalid(_))));
    }
}
