//! Every file of a new repository, as text.

use super::exclusions::exclusions;
use super::forge;
use super::policy_files::{base, environment, users};
use super::readme::readme;
use super::wish::Wish;
use crate::policy::schemas;

/// A file to be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// Where, with forward slashes, below the repository's folder.
    pub path: String,
    pub text: String,
    /// Whether it is a program.
    pub is_program: bool,
}

/// The files that a wish asks for, sorted by path. The wish has no faults.
pub fn tree(wish: &Wish) -> Vec<File> {
    let mut files = vec![
        (
            ".gitattributes".to_owned(),
            include_str!("templates/gitattributes").to_owned(),
        ),
        (
            ".gitignore".to_owned(),
            include_str!("templates/gitignore").to_owned(),
        ),
        (
            HOOK.to_owned(),
            include_str!("templates/pre-commit").to_owned(),
        ),
        (
            ".pre-commit-config.yaml".to_owned(),
            include_str!("templates/pre-commit-config.yaml").to_owned(),
        ),
        ("README.md".to_owned(), readme(wish)),
        ("environments/base.yaml".to_owned(), base(wish)),
        (
            "rules/exclusions.yaml".to_owned(),
            exclusions(&wish.owner, wish.today, &wish.proposals),
        ),
        ("rules/users.yaml".to_owned(), users(wish)),
        (
            "samples/README.md".to_owned(),
            include_str!("templates/samples.md").to_owned(),
        ),
    ];
    for one in &wish.environments {
        files.push((
            format!("environments/{}.yaml", one.name),
            environment(wish, one),
        ));
    }
    files.extend(
        schemas()
            .into_iter()
            .map(|(path, text)| (path.to_owned(), text)),
    );
    files.extend(
        forge::files(wish)
            .into_iter()
            .map(|(path, text)| (path.to_owned(), text)),
    );
    let mut files: Vec<File> = files
        .into_iter()
        .map(|(path, text)| File {
            is_program: path == HOOK,
            path,
            text,
        })
        .collect();
    files.sort_by(|left, right| left.path.cmp(&right.path));
    files
}

/// What Git runs before a commit.
const HOOK: &str = ".githooks/pre-commit";
