//! Where a pipeline runs, as its variables say: GitHub Actions, GitLab CI, or a plain shell.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A forge, or none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Forge {
    /// GitHub Actions, on github.com or a server of one's own.
    Github,
    /// GitLab CI.
    Gitlab,
    /// No pipeline that is known: a person's shell, or another CI.
    Shell,
}

/// Where a run took place, and on what.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Run {
    /// The forge.
    pub forge: Forge,
    /// The repository: `owner/name` on GitHub, the number of the project on GitLab.
    pub repository: Option<String>,
    /// Number of the pull or merge request.
    pub request: Option<u64>,
    /// The commit.
    pub commit: Option<String>,
    /// What the change is compared with: a revision that Git knows.
    pub base: Option<String>,
    /// The page of the run.
    pub url: Option<String>,
}

impl Run {
    /// Reads the variables of the pipeline. `variable` looks one up.
    ///
    /// Sources: docs.github.com, "Variables reference" (default environment variables); docs.gitlab.com, "Predefined CI/CD
    /// variables reference".
    pub fn of(variable: impl Fn(&str) -> Option<String>) -> Self {
        let text = |name: &str| variable(name).filter(|value| !value.is_empty());
        let is_true = |name: &str| text(name).is_some_and(|value| value == "true");
        if is_true("GITHUB_ACTIONS") {
            let server = text("GITHUB_SERVER_URL");
            let url = server
                .zip(text("GITHUB_REPOSITORY"))
                .zip(text("GITHUB_RUN_ID"));
            return Self {
                forge: Forge::Github,
                repository: text("GITHUB_REPOSITORY"),
                // `refs/pull/12/merge`
                request: text("GITHUB_REF").and_then(|name| {
                    name.strip_prefix("refs/pull/")?
                        .split('/')
                        .next()?
                        .parse()
                        .ok()
                }),
                commit: text("GITHUB_SHA"),
                base: text("GITHUB_BASE_REF").map(|branch| format!("origin/{branch}")),
                url: url.map(|((server, repository), run)| {
                    format!("{server}/{repository}/actions/runs/{run}")
                }),
            };
        }
        if is_true("GITLAB_CI") {
            return Self {
                forge: Forge::Gitlab,
                repository: text("CI_PROJECT_ID"),
                request: text("CI_MERGE_REQUEST_IID").and_then(|number| number.parse().ok()),
                commit: text("CI_COMMIT_SHA"),
                base: text("CI_MERGE_REQUEST_DIFF_BASE_SHA"),
                url: text("CI_JOB_URL"),
            };
        }
        Self {
            forge: Forge::Shell,
            repository: None,
            request: None,
            commit: None,
            base: None,
            url: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(variables: &[(&str, &str)]) -> Run {
        Run::of(|name| {
            let found = variables.iter().find(|(key, _)| *key == name);
            found.map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn knows_a_pull_request_of_github() {
        let run = run(&[
            ("GITHUB_ACTIONS", "true"),
            ("GITHUB_SERVER_URL", "https://github.example"),
            ("GITHUB_REPOSITORY", "shop/audit"),
            ("GITHUB_RUN_ID", "77"),
            ("GITHUB_REF", "refs/pull/12/merge"),
            ("GITHUB_SHA", "abc"),
            ("GITHUB_BASE_REF", "main"),
        ]);
        assert_eq!(run.forge, Forge::Github);
        assert_eq!(run.request, Some(12));
        assert_eq!(run.base.as_deref(), Some("origin/main"));
        assert_eq!(
            run.url.as_deref(),
            Some("https://github.example/shop/audit/actions/runs/77")
        );
    }

    #[test]
    fn a_branch_of_github_is_no_pull_request() {
        let run = run(&[
            ("GITHUB_ACTIONS", "true"),
            ("GITHUB_REF", "refs/heads/pull/12"),
            ("GITHUB_BASE_REF", ""),
        ]);
        assert_eq!((run.request, run.base), (None, None));
    }

    #[test]
    fn knows_a_merge_request_of_gitlab() {
        let run = run(&[
            ("GITLAB_CI", "true"),
            ("CI_PROJECT_ID", "5"),
            ("CI_MERGE_REQUEST_IID", "9"),
            ("CI_MERGE_REQUEST_DIFF_BASE_SHA", "f00"),
        ]);
        assert_eq!(
            (run.forge, run.request, run.base.as_deref()),
            (Forge::Gitlab, Some(9), Some("f00"))
        );
    }

    #[test]
    fn elsewhere_it_is_a_shell() {
        assert_eq!(run(&[("CI", "true")]).forge, Forge::Shell);
    }
}
