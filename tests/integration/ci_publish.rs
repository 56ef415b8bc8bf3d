//! `pgvigil ci publish` with a forge on this machine.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "helpers of tests may panic"
)]

use pgvigil::report::ci::comment;

use crate::cli::{Repository, Run};
use crate::forge::{Forge, TOKEN};

/// A repository with the result of a pull request's run in it.
fn repository() -> Repository {
    let repository = Repository::new();
    repository.run(&["ci", "pr", "--env", "local", "--out", "ci"]);
    assert!(repository.path("ci/result.json").exists());
    repository
}

fn github(repository: &Repository, forge: &Forge, token: &str, more: &[&str]) -> Run {
    let mut command = repository.command();
    command
        .args(["ci", "publish", "ci/result.json", "--comments-only"])
        .args(more)
        .env("GITHUB_ACTIONS", "true")
        .env("GITHUB_API_URL", forge.url())
        .env("GITHUB_REPOSITORY", "shop/audit")
        .env("GITHUB_REF", "refs/pull/12/merge")
        .env("GITHUB_TOKEN", token);
    let run = Run::of(command.output().unwrap());
    assert!(
        !format!("{}{}", run.out, run.err).contains(TOKEN),
        "the token is shown"
    );
    run
}

fn gitlab(repository: &Repository, forge: &Forge) -> Run {
    let mut command = repository.command();
    command
        .args(["ci", "publish", "ci/result.json", "--comments-only"])
        .env("GITLAB_CI", "true")
        .env("CI_API_V4_URL", forge.url())
        .env("CI_PROJECT_ID", "5")
        .env("CI_MERGE_REQUEST_IID", "12")
        .env("GITLAB_TOKEN", TOKEN);
    Run::of(command.output().unwrap())
}

#[test]
fn one_comment_for_each_environment_is_updated_in_place() {
    let (repository, forge) = (repository(), Forge::start());
    // More comments than a page holds, and somebody who wants theirs to be taken for ours.
    for number in 0..130 {
        forge.comment_by("mallory", &format!("comment {number}"));
    }
    forge.comment_by(
        "mallory",
        &format!("{}\nall is well", comment::marker("local")),
    );
    let first = github(&repository, &forge, TOKEN, &[]).exits(0);
    assert_eq!(first.out, "created   local\n");
    assert_eq!(forge.state().comments.len(), 132);
    let again = github(&repository, &forge, TOKEN, &[]).exits(0);
    assert_eq!(again.out, "unchanged local\n");

    repository.edit(
        "rules/rules.yaml",
        "owner: data-platform",
        "owner: somebody",
    );
    repository.run(&["ci", "pr", "--env", "prod", "--out", "ci"]);
    let other = github(&repository, &forge, TOKEN, &[]).exits(0);
    assert_eq!(other.out, "created   prod\nupdated   an older comment\n");
    let state = forge.state();
    assert_eq!(state.comments.len(), 133);
    let theirs = state
        .comments
        .iter()
        .filter(|comment| comment.by == "mallory");
    assert!(
        theirs
            .clone()
            .any(|comment| comment.body.ends_with("all is well"))
    );
    let ours: Vec<&str> = state
        .comments
        .iter()
        .filter(|comment| comment.by != "mallory")
        .map(|comment| comment.body.as_str())
        .collect();
    assert!(ours[0].contains("outdated"), "{}", ours[0]);
    assert!(ours[1].contains("`prod`"), "{}", ours[1]);
}

#[test]
fn gitlab_gets_the_same() {
    let (repository, forge) = (repository(), Forge::start());
    // GitLab must say who the token is.
    let refused = gitlab(&repository, &forge).exits(1);
    assert!(
        refused.err.contains("GET /user: status 403"),
        "{}",
        refused.err
    );
    forge.state().knows_user = true;
    assert_eq!(
        gitlab(&repository, &forge).exits(0).out,
        "created   local\n"
    );
    assert_eq!(
        gitlab(&repository, &forge).exits(0).out,
        "unchanged local\n"
    );
    assert_eq!(forge.state().comments.len(), 1);
}

#[test]
fn a_forge_that_fails_is_asked_again_and_then_told() {
    let (repository, forge) = (repository(), Forge::start());
    // The first question is who we are.
    forge.state().answers.extend([200, 500, 429]);
    github(&repository, &forge, TOKEN, &[]).exits(0);
    assert_eq!(forge.state().comments.len(), 1);

    forge.state().answers.extend([200, 500, 502, 503, 500]);
    let run = github(&repository, &forge, TOKEN, &[]).exits(1);
    assert!(
        run.err.contains("it answers with status 500"),
        "{}",
        run.err
    );
    assert!(!run.err.contains('\u{1b}'), "{:?}", run.err);

    let run = github(&repository, &forge, "wrong", &[]).exits(1);
    assert!(run.err.contains("the token is not accepted"), "{}", run.err);
    let run = github(&repository, &forge, TOKEN, &["--request", "13"]).exits(1);
    assert!(run.err.contains("status 404"), "{}", run.err);
    assert_eq!(forge.state().comments.len(), 1);
}

#[test]
fn what_is_no_result_is_refused() {
    let (repository, forge) = (repository(), Forge::start());
    repository.write("ci/result.json", "{\"format_version\": 1}");
    let run = github(&repository, &forge, TOKEN, &[]).exits(1);
    assert!(run.err.contains("format version 1"), "{}", run.err);
    repository.write("ci/result.json", "[]");
    github(&repository, &forge, TOKEN, &[]).exits(1);
    assert_eq!(forge.state().calls.len(), 0);

    // A person's shell has no forge.
    let repository = self::repository();
    let run = repository
        .run(&["ci", "publish", "ci/result.json"])
        .exits(1);
    assert!(run.err.contains("pgvigil ci render"), "{}", run.err);
}
