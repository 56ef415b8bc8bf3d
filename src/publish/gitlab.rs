//! Comments, issues and the status of approvals on GitLab (docs.gitlab.com, "Notes API", "Issues API", "Merge request
//! approvals API", "Merge requests API": versions, "Commits API": statuses, "Events API").

use serde_json::{Value, json};

use super::approval::{Approver, Commit, Gate, Request, Status, co_authors};
use super::github::{name_of_commit, segment};
use super::http::text_at;
use super::http::{Api, StatusWords};
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
        let user = user
            .ok_or_else(|| BoardError("GET /user: the answer does not name a user".to_owned()))?;
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

impl Gate for GitLab {
    fn open_requests(&self, head: Option<&str>) -> Result<Vec<u64>, BoardError> {
        let path = match head {
            Some(head) => format!(
                "repository/commits/{}/merge_requests",
                name_of_commit(head)?
            ),
            None => "merge_requests?state=opened&scope=all".to_owned(),
        };
        let items = self.api.list(&self.path(&path))?;
        Ok(items
            .iter()
            .filter(|item| text_at(item, "/state").is_none_or(|state| state == "opened"))
            .filter(|item| head.is_none_or(|head| text_at(item, "/sha").as_deref() == Some(head)))
            .filter_map(|item| item.get("iid")?.as_u64())
            .collect())
    }

    fn request(&self, number: u64) -> Result<Request, BoardError> {
        let path = self.path(&format!("merge_requests/{number}"));
        let asked = self.api.ask("GET", &path, None)?;
        let needed = |at: &str| {
            text_at(&asked, at)
                .ok_or_else(|| BoardError(format!("GET {path}: the answer lacks {at}")))
        };
        let head = needed("/sha")?;
        let listed = self.api.list(&format!("{path}/commits"))?;
        let commits: Vec<Commit> = listed.iter().map(commit).collect();
        let project = self.api.find(&format!("/projects/{}", self.project))?;
        let mut request = Request {
            number,
            base: text_at(&asked, "/diff_refs/base_sha").unwrap_or_default(),
            target: needed("/target_branch")?,
            default_branch: project.and_then(|project| text_at(&project, "/default_branch")),
            opener: text_at(&asked, "/author/username").unwrap_or_default(),
            has_all_commits: true,
            pushers: self.pushers(&asked)?,
            // Commits have addresses and names there, and no accounts: these are compared with those of who approves.
            commits_have_accounts: true,
            commits,
            head,
            ..Request::default()
        };
        self.approvals(&path, &mut request)?;
        Ok(request)
    }

    fn is_member(&self, team: &str, login: &str) -> Result<Option<bool>, BoardError> {
        let path = format!("/groups/{}/members/all", segment(team));
        let Some(_) = self.api.find(&format!("{path}?per_page=1&page=1"))? else {
            return Ok(None);
        };
        let members = self.api.list(&path)?;
        Ok(Some(members.iter().any(|member| {
            text_at(member, "/username").is_some_and(|name| name.eq_ignore_ascii_case(login))
        })))
    }

    fn set_status(
        &self,
        request: &Request,
        status: &Status,
        page: Option<&str>,
    ) -> Result<(), BoardError> {
        let path = self.path(&format!("statuses/{}", name_of_commit(&request.head)?));
        let words = StatusWords {
            name: "name",
            failure: "failed",
        };
        self.api.set_status(&path, status, &words, page)
    }
}

impl GitLab {
    /// Who pushed to the branch of a request; none where the token may not see it.
    fn pushers(&self, asked: &Value) -> Result<Option<Vec<String>>, BoardError> {
        let source = asked.get("source_project_id").and_then(Value::as_u64);
        let source = source.map_or_else(|| self.project.clone(), |number| number.to_string());
        let Some(branch) = text_at(asked, "/source_branch") else {
            return Ok(None);
        };
        let path = format!("/projects/{source}/events?action=pushed&per_page=100");
        let Some(Value::Array(pushes)) = self.api.find(&path)? else {
            return Ok(None);
        };
        Ok(Some(
            pushes
                .iter()
                .filter(|push| text_at(push, "/push_data/ref").as_ref() == Some(&branch))
                .filter_map(|push| {
                    text_at(push, "/author_username").or_else(|| text_at(push, "/author/username"))
                })
                .collect(),
        ))
    }

    /// An approval names no commit: it counts where it is younger than the last push, or where the project takes approvals
    /// away when somebody pushes.
    fn approvals(&self, path: &str, request: &mut Request) -> Result<(), BoardError> {
        let approvals = self.api.ask("GET", &format!("{path}/approvals"), None)?;
        let approved = approvals.get("approved_by").and_then(Value::as_array);
        let Some(approved) = approved.filter(|approved| !approved.is_empty()) else {
            return Ok(());
        };
        let rules = self.api.find(&self.path("approvals"))?;
        let resets = rules
            .and_then(|rules| rules.get("reset_approvals_on_push")?.as_bool())
            .unwrap_or(false);
        let pushed = self.pushed_at(path, &request.head)?;
        let notes = self
            .api
            .list(&format!("{path}/notes?sort=asc&order_by=created_at"))?;
        for one in approved {
            let Some(login) = text_at(one, "/user/username") else {
                continue;
            };
            let noted = notes.iter().rev().find(|note| {
                note.get("system").and_then(Value::as_bool) == Some(true)
                    && text_at(note, "/author/username").as_ref() == Some(&login)
                    && text_at(note, "/body").as_deref() == Some("approved this merge request")
            });
            let since = time_at(one, "/approved_at")
                .or_else(|| noted.and_then(|note| time_at(note, "/created_at")));
            let is_for_head = resets
                || pushed
                    .zip(since)
                    .is_some_and(|(pushed, since)| since >= pushed);
            if !is_for_head {
                request.stale.push(login);
                continue;
            }
            let id = one.pointer("/user/id").and_then(Value::as_u64);
            let user = match id {
                Some(id) => self.api.find(&format!("/users/{id}"))?,
                None => None,
            };
            let shown = |at: &str| user.as_ref().and_then(|user| text_at(user, at));
            request.approved.push(Approver {
                name: text_at(one, "/user/name"),
                addresses: [
                    shown("/public_email"),
                    shown("/commit_email"),
                    shown("/email"),
                ]
                .into_iter()
                .flatten()
                .filter(|address| !address.is_empty())
                .collect(),
                login,
            });
        }
        Ok(())
    }

    /// When the last commit came to the request; none where the forge does not say.
    fn pushed_at(&self, path: &str, head: &str) -> Result<Option<jiff::Timestamp>, BoardError> {
        let Some(Value::Array(versions)) = self.api.find(&format!("{path}/versions"))? else {
            return Ok(None);
        };
        Ok(versions
            .iter()
            .filter(|version| text_at(version, "/head_commit_sha").as_deref() == Some(head))
            .filter_map(|version| time_at(version, "/created_at"))
            .max())
    }
}

fn time_at(value: &Value, at: &str) -> Option<jiff::Timestamp> {
    text_at(value, at)?.parse().ok()
}

fn commit(item: &Value) -> Commit {
    let message = text_at(item, "/message").unwrap_or_default();
    let list = |keys: [&str; 2]| -> Vec<String> {
        keys.iter().filter_map(|at| text_at(item, at)).collect()
    };
    let mut addresses = list(["/author_email", "/committer_email"]);
    addresses.extend(co_authors(&message));
    Commit {
        sha: text_at(item, "/id").unwrap_or_default(),
        logins: Vec::new(),
        addresses,
        names: list(["/author_name", "/committer_name"]),
    }
}
