//! Brings a result to the people: one comment for each environment of a pull request, one issue for each environment that
//! somebody changed by hand; and a status that fails until people have agreed. Comments and issues are found again by a line that is not shown, and updated in place.
//!
//! The result may come from a run of somebody else's code: it is rendered anew, and nothing of it is obeyed.

pub mod approval;
pub mod code_owners;
#[cfg(feature = "http")]
pub mod github;
#[cfg(feature = "http")]
pub mod gitlab;
#[cfg(feature = "http")]
mod http;

use crate::ci::{CiResult, Work};
use crate::report::ci::{comment, issue};

/// A comment or an issue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Post {
    /// Its number with the forge.
    pub id: u64,
    /// Empty for a comment.
    pub title: String,
    pub body: String,
}

/// Why a forge did not take something. It holds no secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct BoardError(pub String);

/// Where a forge keeps comments and issues. What is listed is our own: nobody else's is ever changed.
pub trait Board {
    /// Our comments on the request.
    fn comments(&self) -> Result<Vec<Post>, BoardError>;
    fn comment(&self, body: &str) -> Result<(), BoardError>;
    /// Changes a comment of ours.
    fn change_comment(&self, id: u64, body: &str) -> Result<(), BoardError>;
    /// Our issues that are open.
    fn issues(&self) -> Result<Vec<Post>, BoardError>;
    fn open_issue(&self, title: &str, body: &str) -> Result<(), BoardError>;
    /// Changes an issue of ours, and closes it where nothing is left to do.
    fn change_issue(
        &self,
        id: u64,
        title: &str,
        body: &str,
        is_open: bool,
    ) -> Result<(), BoardError>;
}

/// What became of one comment or issue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deed {
    Created,
    /// It says something else now.
    Updated,
    /// It says so already.
    Unchanged,
    /// It is closed: nothing is left to do.
    Closed,
}

impl Deed {
    /// The word in reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Updated => "updated",
            Self::Unchanged => "unchanged",
            Self::Closed => "closed",
        }
    }
}

/// A comment or issue that was dealt with: of which environment, empty for the repository.
pub type Told = (String, Deed);

/// Brings the result to the board.
///
/// # Errors
/// If the forge does not take something. What was written before stays, and the next run goes on from there.
pub fn publish(result: &CiResult, board: &dyn Board) -> Result<Vec<Told>, BoardError> {
    match result.work {
        Work::Pr => comments(result, board),
        Work::Drift => issues(result, board),
        Work::Apply => Ok(Vec::new()),
    }
}

fn comments(result: &CiResult, board: &dyn Board) -> Result<Vec<Told>, BoardError> {
    let posts = board.comments()?;
    let environments = result.environments.iter();
    let mut wanted: Vec<(String, String)> = environments
        .map(|environment| {
            (
                environment.name().to_owned(),
                comment::render(result, environment, comment::LIMIT),
            )
        })
        .collect();
    // Faults that let no environment be looked at.
    if result.environments.is_empty() && !result.findings.is_empty() {
        wanted.push((
            String::new(),
            comment::of_repository(result, comment::LIMIT),
        ));
    }
    let mut told = Vec::new();
    let mut markers = Vec::new();
    for (name, body) in wanted {
        let marker = comment::marker(&name);
        let deed = match find(&posts, &marker) {
            Some(post) => change(board, post, &body)?,
            None => {
                board.comment(&body)?;
                Deed::Created
            }
        };
        told.push((name, deed));
        markers.push(marker);
    }
    // Nobody must take an older verdict for today's.
    for post in &posts {
        let first = post.body.lines().next().unwrap_or_default().trim_end();
        if comment::is_marker(first) && !markers.iter().any(|marker| marker == first) {
            let deed = change(board, post, &comment::outdated(result, first))?;
            told.push(("an older comment".to_owned(), deed));
        }
    }
    Ok(told)
}

fn change(board: &dyn Board, post: &Post, body: &str) -> Result<Deed, BoardError> {
    if is_same(&post.body, body) {
        return Ok(Deed::Unchanged);
    }
    board.change_comment(post.id, body)?;
    Ok(Deed::Updated)
}

fn issues(result: &CiResult, board: &dyn Board) -> Result<Vec<Told>, BoardError> {
    let posts = board.issues()?;
    let mut told = Vec::new();
    for environment in &result.environments {
        let wanted = issue::render(result, environment);
        let deed = match find(&posts, &issue::marker(environment.name())) {
            Some(post)
                if wanted.is_open
                    && post.title == wanted.title
                    && is_same(&post.body, &wanted.body) =>
            {
                Deed::Unchanged
            }
            Some(post) => {
                board.change_issue(post.id, &wanted.title, &wanted.body, wanted.is_open)?;
                if wanted.is_open {
                    Deed::Updated
                } else {
                    Deed::Closed
                }
            }
            None if wanted.is_open => {
                board.open_issue(&wanted.title, &wanted.body)?;
                Deed::Created
            }
            None => continue,
        };
        told.push((environment.name().to_owned(), deed));
    }
    Ok(told)
}

/// The post whose first line is the marker.
fn find<'a>(posts: &'a [Post], marker: &str) -> Option<&'a Post> {
    posts.iter().find(|post| {
        post.body
            .lines()
            .next()
            .is_some_and(|line| line.trim_end() == marker)
    })
}

/// Forges bring line ends and the end of a text into their own form.
fn is_same(one: &str, other: &str) -> bool {
    let lines = |text: &str| {
        text.trim_end()
            .lines()
            .map(|line| line.trim_end().to_owned())
            .collect::<Vec<_>>()
    };
    lines(one) == lines(other)
}

#[cfg(test)]
mod tests;
