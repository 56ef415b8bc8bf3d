//! Comments, issues and the status of approvals on GitHub (docs.github.com, "REST API endpoints for issue comments", "…
//! for issues", "… for pull request reviews", "… for commit statuses", "… for repositories": activity).

use serde_json::{Value, json};

use super::approval::{Approver, Commit, Gate, Request, Status, co_authors};
use super::http::text_at;
use super::http::{Api, StatusWords};
use super::{Board, BoardError, Post};

/// The label of our issues.
const LABEL: &str = "pgvigil-drift";

/// Who writes with the token of a job: such a token may not ask who it is.
const JOB: &str = "github-actions[bot]";

/// A repository, and a pull request of it where there is one.
pub struct GitHub {
    api: Api,
    repository: String,
    request: Option<u64>,
    login: String,
}

impl GitHub {
    /// `api` is the address of the interface, such as `https://api.github.com`; `repository` is `owner/name`.
    ///
    /// # Errors
    /// If the address or the name cannot be used, or GitHub does not answer.
    pub fn new(
        api: &str,
        repository: &str,
        request: Option<u64>,
        token: &str,
    ) -> Result<Self, BoardError> {
        let is_name = |part: &str| {
            !part.is_empty()
                && part
                    .chars()
                    .all(|character| character.is_ascii_alphanumeric() || "-._".contains(character))
        };
        if !repository
            .split_once('/')
            .is_some_and(|(owner, name)| is_name(owner) && is_name(name))
        {
            return Err(BoardError(
                "the repository is not of the form `owner/name`".to_owned(),
            ));
        }
        let api = Api::new(api, "Authorization", &format!("Bearer {token}"))?;
        let user = api.call("GET", "/user", None)?;
        let login = user
            .body
            .get("login")
            .and_then(Value::as_str)
            .unwrap_or(JOB)
            .to_owned();
        Ok(Self {
            api,
            repository: repository.to_owned(),
            request,
            login,
        })
    }

    fn path(&self, rest: &str) -> String {
        format!("/repos/{}/{rest}", self.repository)
    }

    fn request(&self) -> Result<u64, BoardError> {
        self.request.ok_or_else(|| {
            BoardError("the run was not for a pull request: there is nowhere to comment".to_owned())
        })
    }

    /// What was written with this token. A pull request is an issue too.
    fn is_own(&self, item: &Value) -> bool {
        let login = item.pointer("/user/login").and_then(Value::as_str);
        login == Some(self.login.as_str()) && item.get("pull_request").is_none()
    }
}

impl Board for GitHub {
    fn comments(&self) -> Result<Vec<Post>, BoardError> {
        let path = self.path(&format!("issues/{}/comments", self.request()?));
        self.api
            .posts(&path, ["id", "body"], |item| self.is_own(item))
    }

    fn comment(&self, body: &str) -> Result<(), BoardError> {
        let path = self.path(&format!("issues/{}/comments", self.request()?));
        self.api
            .ask("POST", &path, Some(&json!({ "body": body })))
            .map(drop)
    }

    fn change_comment(&self, id: u64, body: &str) -> Result<(), BoardError> {
        let path = self.path(&format!("issues/comments/{id}"));
        self.api
            .ask("PATCH", &path, Some(&json!({ "body": body })))
            .map(drop)
    }

    fn issues(&self) -> Result<Vec<Post>, BoardError> {
        let path = self.path(&format!("issues?state=open&labels={LABEL}"));
        self.api
            .posts(&path, ["number", "body"], |item| self.is_own(item))
    }

    fn open_issue(&self, title: &str, body: &str) -> Result<(), BoardError> {
        let issue = json!({ "title": title, "body": body, "labels": [LABEL] });
        self.api
            .ask("POST", &self.path("issues"), Some(&issue))
            .map(drop)
    }

    fn change_issue(
        &self,
        id: u64,
        title: &str,
        body: &str,
        is_open: bool,
    ) -> Result<(), BoardError> {
        let state = if is_open { "open" } else { "closed" };
        let issue = json!({ "title": title, "body": body, "state": state });
        self.api
            .ask("PATCH", &self.path(&format!("issues/{id}")), Some(&issue))
            .map(drop)
    }
}

/// Associations of those who may be asked: with the repository, or with its owner. Anybody can review what is public.
const INSIDERS: [&str; 3] = ["OWNER", "MEMBER", "COLLABORATOR"];

impl Gate for GitHub {
    fn open_requests(&self, head: Option<&str>) -> Result<Vec<u64>, BoardError> {
        let path = match head {
            Some(head) => self.path(&format!("commits/{}/pulls", name_of_commit(head)?)),
            None => self.path("pulls?state=open"),
        };
        let items = self.api.list(&path)?;
        Ok(items
            .iter()
            .filter(|item| text_at(item, "/state").is_none_or(|state| state == "open"))
            .filter(|item| {
                head.is_none_or(|head| text_at(item, "/head/sha").as_deref() == Some(head))
            })
            .filter_map(|item| item.get("number")?.as_u64())
            .collect())
    }

    fn request(&self, number: u64) -> Result<Request, BoardError> {
        let pull = self
            .api
            .ask("GET", &self.path(&format!("pulls/{number}")), None)?;
        let needed = |at: &str| {
            text_at(&pull, at)
                .ok_or_else(|| BoardError(format!("GET pulls/{number}: the answer lacks {at}")))
        };
        let head = needed("/head/sha")?;
        let listed = self
            .api
            .list(&self.path(&format!("pulls/{number}/commits")))?;
        let commits: Vec<Commit> = listed.iter().map(commit).collect();
        let total = pull.get("commits").and_then(Value::as_u64);
        let mut request = Request {
            number,
            base: needed("/base/sha")?,
            target: needed("/base/ref")?,
            default_branch: text_at(&pull, "/base/repo/default_branch"),
            opener: text_at(&pull, "/user/login").unwrap_or_default(),
            has_all_commits: total.is_none_or(|total| total == commits.len() as u64),
            pushers: self.pushers(&pull)?,
            commits_have_accounts: commits.iter().all(|commit| !commit.logins.is_empty()),
            commits,
            head,
            ..Request::default()
        };
        let reviews = self
            .api
            .list(&self.path(&format!("pulls/{number}/reviews")))?;
        self.reviews(&reviews, &mut request)?;
        Ok(request)
    }

    fn is_member(&self, team: &str, login: &str) -> Result<Option<bool>, BoardError> {
        let Some((organisation, team)) = team.split_once('/') else {
            return Ok(Some(false));
        };
        let path = format!(
            "/orgs/{}/teams/{}/memberships/{}",
            segment(organisation),
            segment(team),
            segment(login)
        );
        if let Some(found) = self.api.find(&path)? {
            return Ok(Some(text_at(&found, "/state").as_deref() == Some("active")));
        }
        // Who may see the team and finds nobody knows that nobody is there.
        let seen = self.api.find(&format!(
            "/orgs/{}/teams/{}",
            segment(organisation),
            segment(team)
        ))?;
        Ok(seen.map(|_| false))
    }

    fn set_status(
        &self,
        request: &Request,
        status: &Status,
        page: Option<&str>,
    ) -> Result<(), BoardError> {
        let path = self.path(&format!("statuses/{}", name_of_commit(&request.head)?));
        let words = StatusWords {
            name: "context",
            failure: "failure",
        };
        self.api.set_status(&path, status, &words, page)
    }
}

impl GitHub {
    /// Who pushed to the branch of a request; none where the token may not see it.
    fn pushers(&self, pull: &Value) -> Result<Option<Vec<String>>, BoardError> {
        let (Some(repository), Some(branch)) = (
            text_at(pull, "/head/repo/full_name"),
            text_at(pull, "/head/ref"),
        ) else {
            return Ok(None);
        };
        let Some((owner, name)) = repository.split_once('/') else {
            return Ok(None);
        };
        let path = format!(
            "/repos/{}/{}/activity?ref={}&per_page=100",
            segment(owner),
            segment(name),
            segment(&format!("refs/heads/{branch}"))
        );
        let Some(Value::Array(pushes)) = self.api.find(&path)? else {
            return Ok(None);
        };
        Ok(Some(
            pushes
                .iter()
                .filter_map(|push| text_at(push, "/actor/login"))
                .collect(),
        ))
    }

    /// The last review of each reviewer; comments do not count.
    fn reviews(&self, reviews: &[Value], request: &mut Request) -> Result<(), BoardError> {
        let mut last: Vec<(String, &Value)> = Vec::new();
        for review in reviews {
            let (Some(login), Some(state)) =
                (text_at(review, "/user/login"), text_at(review, "/state"))
            else {
                continue;
            };
            if !["APPROVED", "CHANGES_REQUESTED", "DISMISSED"].contains(&state.as_str()) {
                continue;
            }
            let is_inside = text_at(review, "/author_association")
                .is_none_or(|association| INSIDERS.contains(&association.as_str()));
            if !is_inside || text_at(review, "/user/type").as_deref() == Some("Bot") {
                continue;
            }
            last.retain(|(known, _)| *known != login);
            last.push((login, review));
        }
        for (login, review) in last {
            match text_at(review, "/state").as_deref() {
                Some("APPROVED")
                    if text_at(review, "/commit_id").as_ref() == Some(&request.head) =>
                {
                    let user = self.api.find(&format!("/users/{}", segment(&login)))?;
                    let shown = user.as_ref().and_then(|user| text_at(user, "/email"));
                    request.approved.push(Approver {
                        login,
                        // Names prove nothing here: commits have accounts.
                        name: None,
                        addresses: shown.into_iter().collect(),
                    });
                }
                Some("APPROVED") => request.stale.push(login),
                Some("CHANGES_REQUESTED") => request.refused.push(login),
                _ => {}
            }
        }
        Ok(())
    }
}

fn commit(item: &Value) -> Commit {
    let message = text_at(item, "/commit/message").unwrap_or_default();
    let logins = ["/author/login", "/committer/login"];
    let addresses = ["/commit/author/email", "/commit/committer/email"];
    Commit {
        sha: text_at(item, "/sha").unwrap_or_default(),
        // An author without an account is told by none at all: the committer may be GitHub itself.
        logins: match text_at(item, "/author/login") {
            Some(_) => logins.iter().filter_map(|at| text_at(item, at)).collect(),
            None => Vec::new(),
        },
        addresses: addresses
            .iter()
            .filter_map(|at| text_at(item, at))
            .chain(co_authors(&message))
            .collect(),
        names: Vec::new(),
    }
}

/// A commit in a path.
pub(super) fn name_of_commit(sha: &str) -> Result<&str, BoardError> {
    let is_name = !sha.is_empty() && sha.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_name
        .then_some(sha)
        .ok_or_else(|| BoardError("a commit is not named by its digest".to_owned()))
}

/// A part of a path or of a question, with what parts these written by its code.
pub(super) fn segment(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            safe.push(char::from(byte));
        } else {
            safe.push_str(&format!("%{byte:02X}"));
        }
    }
    safe
}
