//! Comments and issues on GitHub (docs.github.com, "REST API endpoints for issue comments" and "… for issues").

use serde_json::{Value, json};

use super::http::Api;
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
