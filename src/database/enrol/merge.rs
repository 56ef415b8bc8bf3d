//! Adds entries to lists of a YAML file, and leaves every byte of what a person wrote.

use crate::source::yaml::{self, Kind, Node};
use crate::source::{DocPath, SourceFiles};

/// Why a file cannot be added to.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MergeError {
    /// Not YAML, or YAML that pgvigil refuses.
    #[error("the file has errors: `pgvigil check` lists them")]
    Faulty,
    /// A list in brackets.
    #[error(
        "the list `{0}` is written in brackets: write it one entry a line, beginning with `- `"
    )]
    Brackets(String),
    #[error("`{0}` is not a list")]
    NoList(String),
}

/// Adds entries, each in lines without indentation and beginning with comments or `- `, at the end of a list.
///
/// # Errors
/// [`MergeError`]; the text is then as it was.
pub fn append(text: &str, key: &str, entries: &[String]) -> Result<String, MergeError> {
    if entries.is_empty() {
        return Ok(text.to_owned());
    }
    let end = if text.contains("\r\n") { "\r\n" } else { "\n" };
    let mut files = SourceFiles::default();
    let file = files.add("rules/import.yaml", text);
    let parsed = yaml::parse(&files, file);
    let root = match parsed.root {
        Some(root) if parsed.faults.is_empty() => root,
        _ => return Err(MergeError::Faulty),
    };
    let Some(list) = root.at(&DocPath::from(key)) else {
        let mut merged = text.trim_end().to_owned();
        merged.push_str(end);
        merged.push_str(&format!("{end}{key}:{end}"));
        merged.push_str(&indented(entries, 2, end));
        return Ok(merged);
    };
    let Kind::Sequence(items) = &list.kind else {
        return Err(MergeError::NoList(key.to_owned()));
    };
    let span = &list.place.span;
    let is_bracket = text
        .get(span.clone())
        .is_some_and(|written| written.trim_start().starts_with('['));
    let (Some(first), Some(last)) = (items.first(), items.last()) else {
        // `key: []` becomes a list of lines. What stands between the brackets is a person's.
        let written = text.get(span.start..).unwrap_or_default();
        let inside = written
            .strip_prefix('[')
            .and_then(|rest| rest.split_once(']'));
        let Some(("", after)) = inside.map(|(inside, after)| (inside.trim(), after)) else {
            return Err(MergeError::Brackets(key.to_owned()));
        };
        let before = text.get(..span.start).unwrap_or_default().trim_end();
        let (comment, rest) = after.split_once('\n').unwrap_or((after, ""));
        let comment = comment.trim_end();
        let entries = indented(entries, 2, end);
        return Ok(format!("{before}{comment}{end}{entries}{rest}"));
    };
    if is_bracket {
        return Err(MergeError::Brackets(key.to_owned()));
    }
    let indent = dash(text, first).ok_or_else(|| MergeError::Brackets(key.to_owned()))?;
    let at = behind(text, last, indent);
    let (before, after) = text.split_at_checked(at).unwrap_or((text, ""));
    let gap = if before.ends_with('\n') { "" } else { end };
    Ok(format!(
        "{before}{gap}{}{after}",
        indented(entries, indent, end)
    ))
}

/// The column of the dash before an item.
fn dash(text: &str, item: &Node) -> Option<usize> {
    let before = text.get(..item.place.span.start)?;
    let dash = before.rfind('-')?;
    let start = before.get(..dash)?.rfind('\n').map_or(0, |end| end + 1);
    let space = before.get(start..dash)?;
    space
        .bytes()
        .all(|byte| byte == b' ')
        .then_some(space.len())
}

/// The byte behind an item's last line, with the comments that are indented like its parts.
fn behind(text: &str, item: &Node, indent: usize) -> usize {
    let end = text
        .get(..item.place.span.end)
        .unwrap_or_default()
        .trim_end()
        .len();
    let line_end = |from: usize| {
        let rest = text.get(from..).unwrap_or_default();
        rest.find('\n').map_or(text.len(), |index| from + index + 1)
    };
    let mut at = line_end(end);
    loop {
        let next = line_end(at);
        let line = text.get(at..next).unwrap_or_default();
        let space = line.len() - line.trim_start_matches(' ').len();
        if next > at && space > indent && line.trim_start().starts_with('#') {
            at = next;
        } else {
            return at;
        }
    }
}

fn indented(entries: &[String], indent: usize, end: &str) -> String {
    let space = " ".repeat(indent);
    let lines = entries.iter().flat_map(|entry| entry.lines());
    lines.map(|line| format!("{space}{line}{end}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entries() -> Vec<String> {
        vec!["# why\n- role: bob\n  owner: x".to_owned()]
    }

    #[test]
    fn an_entry_comes_last_and_the_rest_stays() {
        let text = "version: 1\n\n# people\nusers:\n  # the first\n  - role: alice   # here since May\n    owner: |\n      a\n      b\n    # left to do\n\n# accounts\nservice_accounts:\n- {role: svc}\n";
        assert_eq!(
            append(text, "users", &entries()).unwrap(),
            text.replace(
                "    # left to do\n",
                "    # left to do\n  # why\n  - role: bob\n    owner: x\n"
            )
        );
        assert_eq!(
            append(text, "service_accounts", &entries()).unwrap(),
            format!("{text}# why\n- role: bob\n  owner: x\n")
        );
        assert_eq!(
            append(text, "system_roles", &entries()).unwrap(),
            format!("{text}\nsystem_roles:\n  # why\n  - role: bob\n    owner: x\n")
        );
    }

    #[test]
    fn other_ways_to_write_a_list() {
        assert_eq!(
            append(
                "version: 1\nusers: []  # nobody\nlimits: {}\n",
                "users",
                &entries()
            )
            .unwrap(),
            "version: 1\nusers:  # nobody\n  # why\n  - role: bob\n    owner: x\nlimits: {}\n"
        );
        let flow = "users:\n  - {role: a}  # here\n# next\n\nlimits: {}\n";
        assert_eq!(
            append(flow, "users", &entries()).unwrap(),
            flow.replace("# next", "  # why\n  - role: bob\n    owner: x\n# next")
        );
        assert_eq!(
            append("users: [\n  # nobody\n  ]\n", "users", &entries()),
            Err(MergeError::Brackets("users".to_owned()))
        );
        assert_eq!(
            append("version: 1\nusers: [{role: a}]\n", "users", &entries()),
            Err(MergeError::Brackets("users".to_owned()))
        );
        assert_eq!(
            append("users:\n  - role: a", "users", &entries()).unwrap(),
            "users:\n  - role: a\n  # why\n  - role: bob\n    owner: x\n"
        );
        assert_eq!(
            append("users:\r\n  - role: a\r\n", "users", &entries()).unwrap(),
            "users:\r\n  - role: a\r\n  # why\r\n  - role: bob\r\n    owner: x\r\n"
        );
        assert_eq!(append("a: [", "users", &entries()), Err(MergeError::Faulty));
    }
}
