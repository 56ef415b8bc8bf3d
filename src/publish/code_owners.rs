//! CODEOWNERS of GitHub and GitLab (docs.github.com, "About code owners"; docs.gitlab.com, "Code Owners syntax").

use regex_automata::meta::Regex;

/// Who owns a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Owner {
    /// `@login`; on GitLab also a group.
    Account(String),
    /// `@organisation/team`, `@group/subgroup`.
    Team(String),
    Address(String),
    /// Something else, such as a role: pgvigil cannot tell who has it.
    Other(String),
}

impl Owner {
    fn of(word: &str) -> Self {
        match word.strip_prefix('@') {
            Some(name) if name.starts_with('@') => Self::Other(word.to_owned()),
            Some(name) if name.contains('/') => Self::Team(name.to_owned()),
            Some(name) => Self::Account(name.to_owned()),
            None if word.contains('@') => Self::Address(word.to_owned()),
            None => Self::Other(word.to_owned()),
        }
    }

    /// As people read it.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Account(text) | Self::Team(text) | Self::Address(text) | Self::Other(text) => {
                text
            }
        }
    }
}

struct Rule {
    pattern: Option<Regex>,
    /// The section: in each the last rule that fits decides.
    section: usize,
    owners: Vec<Owner>,
}

/// Who has to be asked about which files.
#[derive(Default)]
pub struct CodeOwners {
    rules: Vec<Rule>,
    sections: usize,
}

impl CodeOwners {
    pub fn parse(text: &str) -> Self {
        let mut found = Self {
            rules: Vec::new(),
            sections: 1,
        };
        let mut by_default: Vec<Owner> = Vec::new();
        let mut is_optional = false;
        for line in text.lines() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let section = line.strip_prefix('^').unwrap_or(line);
            if let Some((_, rest)) = section
                .strip_prefix('[')
                .and_then(|rest| rest.split_once(']'))
            {
                is_optional = line.starts_with('^');
                // How many approvals a section needs is GitLab's own to see to.
                let rest = rest.strip_prefix('[').map_or(rest, |rest| {
                    rest.split_once(']').map_or("", |(_, rest)| rest)
                });
                by_default = owners(rest);
                found.sections += 1;
                continue;
            }
            let (pattern, rest) = first_word(line);
            let named = owners(rest);
            found.rules.push(Rule {
                pattern: expression(&pattern),
                section: found.sections - 1,
                owners: match (is_optional, named.is_empty()) {
                    (true, _) => Vec::new(),
                    (false, true) => by_default.clone(),
                    (false, false) => named,
                },
            });
        }
        found
    }

    /// The owners of a file: one of each list has to agree.
    pub fn of(&self, path: &str) -> Vec<Vec<Owner>> {
        (0..self.sections)
            .filter_map(|section| {
                let rules = self.rules.iter().rev();
                let rule = rules
                    .filter(|rule| rule.section == section)
                    .find(|rule| rule.pattern.as_ref().is_none_or(|fits| fits.is_match(path)))?;
                (!rule.owners.is_empty()).then(|| rule.owners.clone())
            })
            .collect()
    }
}

/// A path may hold spaces behind a backslash.
fn first_word(line: &str) -> (String, &str) {
    let mut word = String::new();
    let mut characters = line.char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            '\\' => word.extend(characters.next().map(|(_, next)| next)),
            space if space.is_whitespace() => {
                return (word, line.get(at..).unwrap_or_default());
            }
            other => word.push(other),
        }
    }
    (word, "")
}

fn owners(text: &str) -> Vec<Owner> {
    text.split_whitespace()
        .take_while(|word| !word.starts_with('#'))
        .map(Owner::of)
        .collect()
}

/// A pattern of gitignore as an expression for whole paths; none where it cannot be one: it fits everything then.
fn expression(pattern: &str) -> Option<Regex> {
    let (is_rooted, inner) = match pattern.strip_prefix('/') {
        Some(inner) => (true, inner),
        None => (pattern.trim_end_matches('/').contains('/'), pattern),
    };
    let (is_folder, inner) = match inner.strip_suffix('/') {
        Some(inner) => (true, inner),
        None => (false, inner),
    };
    let mut text = String::from(if is_rooted { "^" } else { "^(?:.*/)?" });
    let mut rest = inner;
    while let Some(character) = rest.chars().next() {
        if let Some(after) = rest.strip_prefix("**/") {
            text.push_str("(?:.*/)?");
            rest = after;
        } else if let Some(after) = rest.strip_prefix("**") {
            text.push_str(".*");
            rest = after;
        } else {
            match character {
                '*' => text.push_str("[^/]*"),
                '?' => text.push_str("[^/]"),
                other if other.is_ascii_alphanumeric() || other == '/' || other == '_' => {
                    text.push(other);
                }
                other if other.is_ascii() => {
                    text.push('\\');
                    text.push(other);
                }
                other => text.push(other),
            }
            rest = rest.get(character.len_utf8()..).unwrap_or_default();
        }
    }
    // `docs/*` stands for the files right below; everything else for what lies deeper too.
    text.push_str(match (is_folder, inner.ends_with("/*")) {
        (true, _) => "/.*$",
        (false, true) => "$",
        (false, false) => "(?:/.*)?$",
    });
    Regex::new(&text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(owners: &CodeOwners, path: &str) -> Vec<Vec<String>> {
        owners
            .of(path)
            .iter()
            .map(|list| list.iter().map(|one| one.as_str().to_owned()).collect())
            .collect()
    }

    #[test]
    fn the_last_pattern_that_fits_decides() {
        let owners = CodeOwners::parse(
            "# c\n* @all\n*.yaml @yaml b@example.com # why\n/rules/ @shop/security\nrules/free.yaml\ndocs/* @docs\nfixtures @f\n/a\\ b @space\n",
        );
        for (path, expected) in [
            ("x.txt", vec![vec!["all"]]),
            ("environments/p.yaml", vec![vec!["yaml", "b@example.com"]]),
            ("rules/a/b.yaml", vec![vec!["shop/security"]]),
            ("old/rules/a.txt", vec![vec!["all"]]),
            ("rules/free.yaml", vec![]),
            ("docs/a.md", vec![vec!["docs"]]),
            ("docs/a/b.md", vec![vec!["all"]]),
            ("rules/fixtures/x.log", vec![vec!["f"]]),
            ("a b", vec![vec!["space"]]),
        ] {
            assert_eq!(names(&owners, path), expected, "{path}");
        }
    }

    #[test]
    fn each_section_of_gitlab_asks() {
        let owners = CodeOwners::parse(
            "[Policy][2] @shop/security\n/rules/\n/environments/ @ops\n\n^[Docs] @docs\n/rules/\n[Roles]\n/rules/ @@maintainer\n",
        );
        assert_eq!(
            owners.of("rules/a.yaml"),
            [
                vec![Owner::Team("shop/security".to_owned())],
                vec![Owner::Other("@@maintainer".to_owned())]
            ]
        );
        assert_eq!(names(&owners, "environments/a.yaml"), [["ops"]]);
        assert!(owners.of("README.md").is_empty());
    }
}
