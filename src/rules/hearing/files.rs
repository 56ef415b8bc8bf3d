//! Files next to the policy that guard it: who is asked to review, what the forge runs, the log samples on which a change is
//! measured, and the fixtures that catch faults.

use super::{Cost, HearingChange, Hears};

/// The key under which such changes are reported; the policy has no such key.
pub const KEY: &str = "files";

/// A file that a change removes, moves or rewrites.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChangedFile {
    /// The path before the change, from the top of the Git repository.
    pub path: String,
    /// The path after it; none where the file is gone.
    pub now: Option<String>,
    /// Its text before; empty if it is not text.
    pub before: String,
    pub after: String,
}

/// What a file is there for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Guard {
    CodeOwners,
    Pipeline,
    Sample,
    Fixture,
}

/// Where forges look for it (docs.github.com, "About code owners"; docs.gitlab.com, "Code Owners").
pub const CODE_OWNERS: [&str; 4] = [
    ".github/CODEOWNERS",
    "CODEOWNERS",
    "docs/CODEOWNERS",
    ".gitlab/CODEOWNERS",
];

/// Files that a pipeline is made of; a slash at the end means everything below.
const PIPELINES: [&str; 9] = [
    ".github/workflows/",
    ".github/actions/",
    ".gitlab-ci.yml",
    ".gitlab/",
    ".circleci/",
    ".buildkite/",
    "azure-pipelines.yml",
    "bitbucket-pipelines.yml",
    "Jenkinsfile",
];

impl Guard {
    /// What the file is there for, if it guards something. `folder` is the policy's place in the Git repository: empty, or
    /// with a slash at its end.
    fn of(path: &str, text: &str, folder: &str) -> Option<Self> {
        if CODE_OWNERS.contains(&path) {
            return Some(Self::CodeOwners);
        }
        // A repository can have other pipelines: only those that call this program decide how the policy is checked.
        if is_pipeline(path) && text.contains("pgvigil") {
            return Some(Self::Pipeline);
        }
        let inside = path.strip_prefix(folder)?;
        let name = inside.rsplit('/').next().unwrap_or_default();
        if inside.starts_with("samples/") && !name.starts_with('.') && !name.ends_with(".md") {
            return Some(Self::Sample);
        }
        (inside.starts_with("rules/fixtures/") && !name.ends_with(".md")).then_some(Self::Fixture)
    }

    fn gone(self, path: &str) -> String {
        match self {
            Self::CodeOwners => {
                format!("`{path}` is gone: it no longer requests reviews")
            }
            Self::Pipeline => {
                format!("`{path}` is gone: its checks no longer run")
            }
            Self::Sample => format!(
                "the log sample `{path}` is gone: the effect of a change is no longer measured on it"
            ),
            Self::Fixture => {
                format!("the fixture `{path}` is gone: faults that only it caught go unnoticed")
            }
        }
    }

    fn moved(self, path: &str, now: &str) -> String {
        format!("`{path}` is now `{now}`: check that it still has the same effect there")
    }

    fn changed(self, path: &str) -> String {
        match self {
            Self::CodeOwners => format!("`{path}` requests reviews from other people"),
            Self::Pipeline => {
                format!(
                    "`{path}` is changed: it decides which checks run on a change, and with which program"
                )
            }
            Self::Sample => format!(
                "the log sample `{path}` is changed: the effect of a change is measured on another log"
            ),
            Self::Fixture => {
                format!("the fixture `{path}` is changed: it might catch less")
            }
        }
    }
}

/// Whether the text of a file decides what its change does.
pub fn is_compared(path: &str) -> bool {
    CODE_OWNERS.contains(&path) || is_pipeline(path)
}

fn is_pipeline(path: &str) -> bool {
    PIPELINES
        .iter()
        .any(|known| *known == path || (known.ends_with('/') && path.starts_with(known)))
}

/// The text without comments and empty lines, which no program reads.
fn effective(text: &str) -> Vec<&str> {
    text.lines()
        .map(str::trim_end)
        .filter(|line| !line.is_empty() && !line.trim_start().starts_with('#'))
        .collect()
}

/// What the change of these files does to what guards the policy.
pub fn changes(files: &[ChangedFile], folder: &str) -> Vec<HearingChange> {
    files
        .iter()
        .filter_map(|file| {
            let guard = Guard::of(&file.path, &file.before, folder)?;
            let is_text = matches!(guard, Guard::CodeOwners | Guard::Pipeline);
            let (direction, sentence) = match &file.now {
                None => (Hears::Less, guard.gone(&file.path)),
                Some(now) if *now != file.path => {
                    (Hears::NotComparable, guard.moved(&file.path, now))
                }
                Some(_) if is_text && effective(&file.before) == effective(&file.after) => {
                    return None;
                }
                Some(_) => (Hears::NotComparable, guard.changed(&file.path)),
            };
            Some(HearingChange {
                key: KEY.to_owned(),
                direction,
                sentence,
                people: Vec::new(),
                owners: Vec::new(),
                cost: None,
                measured_by: Cost::Unknown,
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(path: &str, now: Option<&str>, before: &str, after: &str) -> ChangedFile {
        ChangedFile {
            path: path.to_owned(),
            now: now.map(str::to_owned),
            before: before.to_owned(),
            after: after.to_owned(),
        }
    }

    #[test]
    fn what_guards_the_policy_is_told_and_nothing_else() {
        for (file, expected) in [
            (file("CODEOWNERS", None, "* @a", ""), Some(Hears::Less)),
            (
                file("CODEOWNERS", Some("CODEOWNERS"), "* @a", "# x\n* @a\n"),
                None,
            ),
            (
                file("CODEOWNERS", Some("CODEOWNERS"), "* @a", "* @b"),
                Some(Hears::NotComparable),
            ),
            (
                file(".github/workflows/a.yml", None, "run: pgvigil ci pr", ""),
                Some(Hears::Less),
            ),
            (file(".github/workflows/b.yml", None, "run: make", ""), None),
            (
                file("audit/samples/prod/a.log", None, "", ""),
                Some(Hears::Less),
            ),
            (
                file(
                    "audit/samples/prod/a.log",
                    Some("audit/samples/dev/a.log"),
                    "",
                    "",
                ),
                Some(Hears::NotComparable),
            ),
            (file("audit/samples/README.md", None, "", ""), None),
            (file("samples/a.log", None, "", ""), None),
            (
                file(
                    "audit/rules/fixtures/a.expect.tsv",
                    Some("audit/rules/fixtures/a.expect.tsv"),
                    "1\t1\thuman",
                    "1\t1\tnoise",
                ),
                Some(Hears::NotComparable),
            ),
            (file("src/main.rs", None, "pgvigil", ""), None),
        ] {
            let found = changes(std::slice::from_ref(&file), "audit/");
            assert_eq!(
                found.first().map(|change| change.direction),
                expected,
                "{file:?}"
            );
        }
    }
}
