//! Comments and issues on GitLab (docs.gitlab.com, "Notes API" and "Issues API").

use serde_json::{Value, json};

use super::http::Api;
use super::{Board, BoardError, Post};

/// The label of our issues.
const LABEL: &str = "pgvigil-drift";

/// A project, and a merge request of it where there is one.
pub struct GitLab {
    api: Api,
    project: String,
    request: Option<u64>,
    user: u64,
}

impl GitLab {
    /// `api` is the address of the interface, such as `https://gitlab.example/api/v4`; `project` is its number. The token is a
    /// project's or a person's with the scope `api`: a job's token may not write notes.
    ///
    /// # Errors
    /// If the address or the number cannot be used, or GitLab does not say who the token is.
    pub fn new(
        api: &str,
        project: &str,
        request: Option<u64>,
        token: &str,
    ) -> Result<Self, BoardError> {
        if project.is_empty() || !project.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(BoardError(
                "the project is not named by its number".to_owned(),
            ));
        }
        let api = Api::new(api, "PRIVATE-TOKEN", token)?;
        let user = api.ask("GET", "/user", None)?;
        let user = user.get("id").and_then(Value::as_u64);
        let user =
            user.ok_or_else(|| BoardError("GET /user: the answer names nobody".to_owned()))?;
        Ok(Self {
            api,
            project: project.to_owned(),
            request,
            user,
        })
    }

    fn path(&self, rest: &str) -> String {
        format!("/projects/{}/{rest}", self.project)
    }

    fn notes(&self) -> Result<String, BoardError> {
        let request = self.request.ok_or_else(|| {
            BoardError(
                "the run was not for a merge request: there is nowhere to comment".to_owned(),
            )
        })?;
        Ok(self.path(&format!("merge_requests/{request}/notes")))
    }

    /// What was written with this token.
    fn is_own(&self, item: &Value) -> bool {
        item.pointer("/author/id").and_then(Value::as_u64) == Some(self.user)
    }
}

impl Board for GitLab {
    fn comments(&self) -> Result<Vec<Post>, BoardError> {
        self.api
            .posts(&self.notes()?, ["id", "body"], |item| self.is_own(item))
    }

    fn comment(&self, body: &str) -> Result<(), BoardError> {
        self.api
            .ask("POST", &self.notes()?, Some(&json!({ "body": body })))
            .map(drop)
    }

    fn change_comment(&self, id: u64, body: &str) -> Result<(), BoardError> {
        let path = format!("{}/{id}", self.notes()?);
        self.api
            .ask("PUT", &path, Some(&json!({ "body": body })))
            .map(drop)
    }

    fn issues(&self) -> Result<Vec<Post>, BoardError> {
        let path = self.path(&format!("issues?state=opened&scope=all&labels={LABEL}"));
        self.api
            .posts(&path, ["iid", "description"], |item| self.is_own(item))
    }

    fn open_issue(&self, title: &str, body: &str) -> Result<(), BoardError> {
        let issue = json!({ "title": title, "description": body, "labels": LABEL });
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
        let mut issue = json!({ "title": title, "description": body });
        if !is_open && let Value::Object(issue) = &mut issue {
            issue.insert("state_event".to_owned(), "close".into());
        }
        self.api
            .ask("PUT", &self.path(&format!("issues/{id}")), Some(&issue))
            .map(drop)
    }
}
