//! The status of approvals, with a forge on this machine: it fails until those agree who have to, and asks nobody who had a
//! hand in the change.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "helpers of tests may panic"
)]

use std::process::Command;

use crate::cli::Run;
use crate::forge::{Asked, AskedCommit, Forge, Said, TOKEN};
use crate::git::{commit, git};
use crate::hearing::Repository;

const BOB: &str = "  - role: bob\n    owner: data-platform\n    environments: all\n";

#[derive(Clone, Copy)]
enum Kind {
    GitHub,
    GitLab,
}

/// A change by which bob is no longer audited, as a request.
fn asked(repository: &Repository) -> Asked {
    repository.change(&[("rules/users.yaml", BOB, "")], "carol@example.com");
    let sha = |name: &str| git(repository.0.path(), &["rev-parse", name]);
    Asked {
        head: sha("HEAD"),
        base: sha("main"),
        ..Asked::default()
    }
}

fn publish(repository: &Repository, forge: &Forge, kind: Kind, args: &[&str]) -> Run {
    let mut command = Command::new(env!("CARGO_BIN_EXE_pgvigil"));
    command
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap())
        .current_dir(repository.0.path())
        .args(["--today", "2026-12-02", "-q", "ci", "publish"])
        .args(args);
    match kind {
        Kind::GitHub => command
            .env("GITHUB_ACTIONS", "true")
            .env("GITHUB_API_URL", forge.url())
            .env("GITHUB_REPOSITORY", "shop/audit")
            .env("GITHUB_TOKEN", TOKEN),
        Kind::GitLab => command
            .env("GITLAB_CI", "true")
            .env("CI_API_V4_URL", forge.url())
            .env("CI_PROJECT_ID", "5")
            .env("GITLAB_TOKEN", TOKEN),
    };
    Run::of(command.output().unwrap())
}

/// The status that is set: its state, and what it says.
#[track_caller]
fn status(repository: &Repository, forge: &Forge, kind: Kind, args: &[&str]) -> (bool, String) {
    publish(repository, forge, kind, args).exits(0);
    let state = forge.state();
    let (commit, state_word, text) = state.statuses.last().unwrap().clone();
    assert_eq!(commit, state.asked.head);
    assert!(text.chars().count() <= 140, "{text}");
    (state_word == "success", text)
}

fn approves(by: &'static str) -> Said {
    Said {
        by,
        state: "APPROVED",
        is_of_head: true,
        association: "MEMBER",
    }
}

#[test]
fn the_status_fails_until_two_agree_who_had_no_hand_in_it() {
    let repository = Repository::new();
    for kind in [Kind::GitHub, Kind::GitLab] {
        let forge = Forge::start();
        forge.state().knows_user = true;
        let start = asked(&repository);
        let ask = |change: &dyn Fn(&mut Asked)| {
            let mut asked = start.clone();
            change(&mut asked);
            forge.state().asked = asked;
            status(&repository, &forge, kind, &["--request", "12"])
        };
        let refuses = |change: &dyn Fn(&mut Asked), what: &str| {
            let (is_success, text) = ask(change);
            assert!(!is_success && text.contains(what), "{what}: {text}");
        };
        refuses(
            &|_| {},
            "2 approvals are needed: bob is no longer audited in",
        );
        refuses(
            &|asked| asked.said = vec![approves("dave")],
            "1 of 2 approvals",
        );
        // Once is enough for everybody.
        refuses(
            &|asked| asked.said = vec![approves("dave"), approves("dave")],
            "1 of 2 approvals",
        );
        let two = || vec![approves("dave"), approves("erin")];
        assert_eq!(
            ask(&|asked| asked.said = two()),
            (true, "approved by dave, erin".to_owned())
        );
        // Who opened it, who wrote a commit of it, who wrote it too, who pushed it.
        refuses(
            &|asked| {
                asked.said = two();
                asked.opener = "dave";
            },
            "1 of 2 approvals; dave wrote part of it",
        );
        refuses(
            &|asked| {
                asked.said = two();
                asked.commits.push(AskedCommit {
                    login: Some("Erin"),
                    email: "e@example.com",
                    message: "More",
                });
            },
            "erin wrote part of it",
        );
        refuses(
            &|asked| {
                asked.said = two();
                asked.commits[0].message =
                    "Change it\n\nCo-authored-by: Dave <7+dave@users.noreply.github.com>";
            },
            "dave wrote part of it",
        );
        refuses(
            &|asked| {
                asked.said = two();
                asked.pushers = Some(vec!["carol", "erin"]);
            },
            "erin wrote part of it",
        );
        // An earlier commit is another change.
        refuses(
            &|asked| {
                asked.said = two();
                asked.said[1].is_of_head = false;
            },
            "erin approved an earlier commit",
        );
        // A request into another branch decides nothing about this one.
        let before = forge.state().statuses.len();
        forge.state().asked = Asked {
            target: "mine",
            said: two(),
            ..start.clone()
        };
        let run = publish(&repository, &forge, kind, &["--request", "12"]).exits(0);
        assert!(run.out.contains("not the default branch"), "{}", run.out);
        assert_eq!(forge.state().statuses.len(), before);
        // Commits that this checkout does not have.
        refuses(
            &|asked| {
                asked.said = two();
                asked.head = "1".repeat(40);
            },
            "could not check",
        );
        // Every open request, on a schedule; and the one that ends with a commit.
        forge.state().asked = start.clone();
        assert!(!status(&repository, &forge, kind, &["--open"]).0);
        if matches!(kind, Kind::GitHub) {
            assert!(!status(&repository, &forge, kind, &["--commit", &start.head]).0);
            let none = publish(&repository, &forge, kind, &["--commit", &start.base]).exits(1);
            assert!(none.err.contains("no open request"), "{}", none.err);
        }
    }
}

#[test]
fn github_knows_more() {
    let repository = Repository::new();
    let forge = Forge::start();
    let start = asked(&repository);
    let ask = |change: &dyn Fn(&mut Asked)| {
        let mut asked = start.clone();
        asked.said = vec![approves("dave"), approves("erin")];
        change(&mut asked);
        forge.state().asked = asked;
        status(&repository, &forge, Kind::GitHub, &["--request", "12"])
    };
    // The last word counts, a comment is none, and strangers have none.
    let (is_success, text) = ask(&|asked| {
        let mut changed = approves("dave");
        changed.state = "CHANGES_REQUESTED";
        asked.said.push(changed);
    });
    assert_eq!(
        (is_success, text.as_str()),
        (false, "dave asks for changes")
    );
    let (is_success, _) = ask(&|asked| {
        let mut dismissed = approves("dave");
        dismissed.state = "DISMISSED";
        asked.said.push(dismissed);
    });
    assert!(!is_success);
    assert!(
        ask(&|asked| {
            let mut comment = approves("dave");
            comment.state = "COMMENTED";
            asked.said.push(comment);
        })
        .0
    );
    assert!(!ask(&|asked| asked.said[0].association = "CONTRIBUTOR").0);
    // Who wrote it is known by an account, or by who pushed.
    assert!(ask(&|asked| asked.commits[0].login = None).0);
    let (is_success, text) = ask(&|asked| {
        asked.commits[0].login = None;
        asked.pushers = None;
    });
    assert!(!is_success && text.contains("could not check"), "{text}");
    assert!(ask(&|asked| asked.pushers = None).0);
}

#[test]
fn code_owners_of_the_base_are_asked() {
    let repository = Repository::new();
    let path = repository.0.path().to_owned();
    git(&path, &["checkout", "-q", "main"]);
    repository.write("CODEOWNERS", "* @frank\n/rules/ @shop/security\n");
    commit(&path, "carol@example.com");
    git(&path, &["checkout", "-q", "-B", "change"]);
    for kind in [Kind::GitHub, Kind::GitLab] {
        let forge = Forge::start();
        forge.state().knows_user = true;
        let mut start = asked(&repository);
        start.said = vec![approves("dave"), approves("erin")];
        let ask = |teams: Option<Vec<(&'static str, &'static str)>>| {
            forge.state().asked = Asked {
                teams,
                ..start.clone()
            };
            status(&repository, &forge, kind, &["--request", "12"])
        };
        let (is_success, text) = ask(None);
        assert!(
            !is_success
                && text
                    .contains("the token has no permission to list the members of @shop/security"),
            "{text}"
        );
        let (is_success, text) = ask(Some(vec![("shop/security", "carol")]));
        assert!(
            !is_success && text.contains("rules/users.yaml needs the approval of shop/security"),
            "{text}"
        );
        assert!(ask(Some(vec![("shop/security", "erin")])).0);
    }
}

/// What the run of the change says of itself is heard only where it asks for more.
#[test]
fn the_result_of_the_change_itself_is_not_believed() {
    let repository = Repository::new();
    let forge = Forge::start();
    let start = asked(&repository);
    forge.state().asked = start.clone();
    repository.review(&["--env", "prod", "--out", "ci"]);
    let path = repository.0.path().join("ci/result.json");
    let honest = std::fs::read_to_string(&path).unwrap();
    assert!(honest.contains("\"required\": 2"));
    std::fs::write(&path, honest.replace("\"required\": 2", "\"required\": 0")).unwrap();
    let args = ["--request", "12", "ci/result.json"];
    let (is_success, text) = status(&repository, &forge, Kind::GitHub, &args);
    assert!(
        !is_success && text.contains("2 approvals are needed"),
        "{text}"
    );
    assert_eq!(forge.state().comments.len(), 1);
    // Without the commits it decides only where it asks for somebody and no base is named.
    let mut far = start.clone();
    far.head = "1".repeat(40);
    far.said = vec![approves("dave"), approves("erin")];
    forge.state().asked = far;
    assert!(!status(&repository, &forge, Kind::GitHub, &args).0);
    std::fs::write(&path, honest).unwrap();
    assert!(status(&repository, &forge, Kind::GitHub, &args).0);
    let mut named = args.to_vec();
    named.extend(["--base", "main"]);
    assert!(!status(&repository, &forge, Kind::GitHub, &named).0);
    // Comments alone.
    let before = forge.state().statuses.len();
    let mut comments = args.to_vec();
    comments.push("--comments-only");
    publish(&repository, &forge, Kind::GitHub, &comments).exits(0);
    assert_eq!(forge.state().statuses.len(), before);
    // More heard needs nobody.
    repository.change(
        &[(
            "environments/prod.yaml",
            "  privilege: {}\n",
            "  privilege: {}\n  schema: {}\n",
        )],
        "carol@example.com",
    );
    forge.state().asked = Asked {
        head: git(repository.0.path(), &["rev-parse", "HEAD"]),
        base: start.base,
        ..Asked::default()
    };
    assert_eq!(
        status(&repository, &forge, Kind::GitHub, &["--request", "12"]),
        (true, "no approval is needed".to_owned())
    );
}
