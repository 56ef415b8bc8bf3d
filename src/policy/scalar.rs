//! Text from users in a policy file that pgvigil writes: as a scalar of YAML, and as a line of a comment.

use crate::diagnostic::{is_hostile, is_invisible};

/// Words that some readers of YAML take for something else than text.
const TAKEN: [&str; 11] = [
    "true", "false", "null", "yes", "no", "on", "off", "y", "n", "nan", "inf",
];

/// A text as a YAML scalar that every reader takes for this text.
pub fn scalar(text: &str) -> String {
    let is_plain = text.starts_with(|first: char| first.is_ascii_lowercase())
        && text.bytes().all(|byte| {
            byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'_' | b'-')
        })
        && !TAKEN.contains(&text);
    if is_plain {
        text.to_owned()
    } else {
        // JSON's strings are YAML's. What cannot be seen is refused in policy files, so it is spelt out.
        let json = serde_json::to_string(text).unwrap_or_default();
        let mut scalar = String::with_capacity(json.len());
        for character in json.chars() {
            if character.is_control() || is_hostile(character) || is_invisible(character) {
                scalar.push_str(&format!("\\U{:08X}", u32::from(character)));
            } else {
                scalar.push(character);
            }
        }
        scalar
    }
}

/// A text as part of a comment: on one line, without what cannot be seen.
pub fn remark(text: &str) -> String {
    let mut line = String::with_capacity(text.len());
    for character in text.chars() {
        if is_hostile(character) || matches!(character, '\n' | '\r' | '\t') {
            line.extend(character.escape_default());
        } else {
            line.push(character);
        }
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The text of `owner` in a policy file, by our reader.
    #[track_caller]
    fn owner(yaml: &str) -> String {
        let mut files = crate::source::SourceFiles::default();
        let file = files.add("rules/a.yaml", yaml);
        let parsed = crate::source::yaml::parse(&files, file);
        assert!(parsed.faults.is_empty(), "{yaml}");
        let root = parsed.root.unwrap();
        root.get("owner").unwrap().as_text().unwrap().to_owned()
    }

    #[test]
    fn a_scalar_reads_back_as_the_text() {
        for text in [
            "data-platform",
            "yes",
            "1",
            "Data Platform: \"A\" & 'B' # c",
            "Größe – 東京",
            "@shop/dba",
            "- a",
            "{a: b}",
            "back\\slash",
        ] {
            let yaml = format!("owner: {}\n", scalar(text));
            assert_eq!(owner(&yaml), text, "{yaml}");
        }
        assert_eq!(scalar("data-platform"), "data-platform");
        assert_eq!(scalar("no"), "\"no\"");
    }

    proptest::proptest! {
        #[test]
        fn two_readers_take_a_scalar_for_the_text(text in ".*|[a-z_0-9+.:-]{1,8}") {
            let yaml = format!("owner: {}\n", scalar(&text));
            proptest::prop_assert_eq!(owner(&yaml), text.as_str());
            let theirs: serde_json::Value = yaml_serde::from_str(&yaml).unwrap();
            proptest::prop_assert_eq!(theirs["owner"].as_str(), Some(text.as_str()));
        }
    }

    #[test]
    fn a_remark_stays_on_its_line() {
        assert_eq!(remark("a\nversion: 2\u{202e}"), "a\\nversion: 2\\u{202e}");
    }
}
