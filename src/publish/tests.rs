#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests may panic"
)]

use std::cell::RefCell;

use super::*;
use crate::ci::{EnvironmentResult, FORMAT_VERSION, Finding, Forge, Run};
use crate::deploy::{DriftReport, Identity, Outcome};

/// A forge in memory. What is written is kept as forges keep it: with other line ends.
#[derive(Default)]
struct Memory {
    comments: RefCell<Vec<Post>>,
    issues: RefCell<Vec<(Post, bool)>>,
    fails: bool,
}

impl Board for Memory {
    fn comments(&self) -> Result<Vec<Post>, BoardError> {
        Ok(self.comments.borrow().clone())
    }

    fn comment(&self, body: &str) -> Result<(), BoardError> {
        if self.fails {
            return Err(BoardError("it does not answer".to_owned()));
        }
        let id = self.comments.borrow().len() as u64;
        let body = body.replace('\n', "\r\n");
        self.comments.borrow_mut().push(Post {
            id,
            title: String::new(),
            body,
        });
        Ok(())
    }

    fn change_comment(&self, id: u64, body: &str) -> Result<(), BoardError> {
        self.comments.borrow_mut()[usize::try_from(id).unwrap()].body = body.to_owned();
        Ok(())
    }

    fn issues(&self) -> Result<Vec<Post>, BoardError> {
        let issues = self.issues.borrow();
        Ok(issues
            .iter()
            .filter(|(_, is_open)| *is_open)
            .map(|(post, _)| post.clone())
            .collect())
    }

    fn open_issue(&self, title: &str, body: &str) -> Result<(), BoardError> {
        let id = self.issues.borrow().len() as u64;
        let post = Post {
            id,
            title: title.to_owned(),
            body: body.to_owned(),
        };
        self.issues.borrow_mut().push((post, true));
        Ok(())
    }

    fn change_issue(
        &self,
        id: u64,
        title: &str,
        body: &str,
        is_open: bool,
    ) -> Result<(), BoardError> {
        let post = Post {
            id,
            title: title.to_owned(),
            body: body.to_owned(),
        };
        self.issues.borrow_mut()[usize::try_from(id).unwrap()] = (post, is_open);
        Ok(())
    }
}

fn identity(name: &str) -> Identity {
    Identity {
        provider: "local".to_owned(),
        account: "000000000000".to_owned(),
        region: "local".to_owned(),
        environment: name.to_owned(),
        clusters: vec!["shop".to_owned()],
    }
}

fn result(work: Work, environments: &[&str]) -> CiResult {
    CiResult {
        format_version: FORMAT_VERSION,
        pgvigil: "0.1.0".to_owned(),
        work,
        today: "2026-11-27".to_owned(),
        run: Run {
            forge: Forge::Github,
            repository: None,
            request: Some(1),
            commit: None,
            base: None,
            url: None,
        },
        exit_code: 0,
        findings: Vec::new(),
        findings_left_out: 0,
        steps: Vec::new(),
        environments: environments
            .iter()
            .map(|name| EnvironmentResult::new(identity(name)))
            .collect(),
        untouched: Vec::new(),
    }
}

fn words(told: Vec<Told>) -> Vec<(String, &'static str)> {
    told.into_iter()
        .map(|(name, deed)| (name, deed.name()))
        .collect()
}

#[test]
fn a_comment_is_updated_in_place_and_never_left_to_mislead() {
    let board = Memory::default();
    let both = result(Work::Pr, &["prod", "staging"]);
    let told = words(publish(&both, &board).unwrap());
    assert_eq!(
        told,
        [
            ("prod".to_owned(), "created"),
            ("staging".to_owned(), "created")
        ]
    );
    let told = words(publish(&both, &board).unwrap());
    assert_eq!(
        told,
        [
            ("prod".to_owned(), "unchanged"),
            ("staging".to_owned(), "unchanged")
        ]
    );

    // The change does not touch staging any more: its comment must not go on saying that all is well.
    let mut one = result(Work::Pr, &["prod"]);
    one.untouched = vec!["staging".to_owned()];
    one.exit_code = 10;
    one.environments[0].exit_code = 10;
    let told = words(publish(&one, &board).unwrap());
    assert_eq!(
        told,
        [
            ("prod".to_owned(), "updated"),
            ("an older comment".to_owned(), "updated")
        ]
    );
    let comments = board.comments.borrow();
    assert_eq!(comments.len(), 2);
    assert!(
        comments[0].body.contains("must not be merged"),
        "{}",
        comments[0].body
    );
    assert!(
        comments[1].body.contains("outdated") && comments[1].body.contains("`staging`"),
        "{}",
        comments[1].body
    );
}

#[test]
fn faults_that_let_nothing_be_looked_at_are_told_too() {
    let board = Memory::default();
    publish(&result(Work::Pr, &["prod"]), &board).unwrap();
    let mut broken = result(Work::Pr, &[]);
    broken.exit_code = 10;
    broken.findings.push(Finding::new(
        "check",
        "yaml/tab",
        "a tab in the indentation",
    ));
    let told = words(publish(&broken, &board).unwrap());
    assert_eq!(
        told,
        [
            (String::new(), "created"),
            ("an older comment".to_owned(), "updated")
        ]
    );
    assert!(board.comments.borrow()[0].body.contains("outdated"));
    assert!(
        board.comments.borrow()[1]
            .body
            .contains("a tab in the indentation")
    );
}

#[test]
fn a_forge_that_fails_is_told() {
    let board = Memory {
        fails: true,
        ..Memory::default()
    };
    assert!(publish(&result(Work::Pr, &["prod"]), &board).is_err());
}

fn report(name: &str, outcome: Option<Outcome>) -> DriftReport {
    DriftReport {
        format_version: 1,
        identity: identity(name),
        outcome,
        drift: Vec::new(),
        alterations: Vec::new(),
        alike: Vec::new(),
        rules: Vec::new(),
        unread: Vec::new(),
        notes: std::collections::BTreeMap::new(),
        blame: std::collections::BTreeMap::new(),
    }
}

#[test]
fn an_issue_lives_as_long_as_what_it_tells_of() {
    let board = Memory::default();
    let mut run = result(Work::Drift, &["prod"]);
    run.environments[0].drift = Some(report("prod", Some(Outcome::Clean)));
    assert_eq!(publish(&run, &board).unwrap(), []);

    run.environments[0].drift = Some(report("prod", Some(Outcome::Drifted)));
    run.environments[0].exit_code = 13;
    assert_eq!(
        words(publish(&run, &board).unwrap()),
        [("prod".to_owned(), "created")]
    );
    assert_eq!(
        words(publish(&run, &board).unwrap()),
        [("prod".to_owned(), "unchanged")]
    );

    // What cannot be looked at closes nothing.
    run.environments[0].drift = None;
    run.environments[0].exit_code = 1;
    assert_eq!(
        words(publish(&run, &board).unwrap()),
        [("prod".to_owned(), "updated")]
    );
    assert!(board.issues.borrow()[0].1);
    assert!(board.issues.borrow()[0].0.title.contains("could not check"));

    run.environments[0].drift = Some(report("prod", Some(Outcome::Pending)));
    run.environments[0].exit_code = 12;
    assert_eq!(
        words(publish(&run, &board).unwrap()),
        [("prod".to_owned(), "closed")]
    );
    assert_eq!(board.issues.borrow().len(), 1);
    assert!(!board.issues.borrow()[0].1);
}

#[test]
fn what_cannot_be_looked_at_opens_an_issue() {
    let board = Memory::default();
    let mut run = result(Work::Drift, &["prod"]);
    run.environments[0].exit_code = 1;
    assert_eq!(
        words(publish(&run, &board).unwrap()),
        [("prod".to_owned(), "created")]
    );
}
