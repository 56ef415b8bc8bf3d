//! A forge on this machine: as much of GitHub's and GitLab's interface as comments, issues and approvals take, with what goes
//! wrong there.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "helpers of tests may panic"
)]

use std::collections::VecDeque;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard};

use serde_json::{Value, json};

/// A comment or an issue.
#[derive(Debug, Clone)]
pub(crate) struct Kept {
    pub(crate) id: u64,
    pub(crate) title: String,
    pub(crate) body: String,
    pub(crate) by: &'static str,
    pub(crate) is_open: bool,
    pub(crate) labels: String,
}

/// A commit of the request.
#[derive(Debug, Clone)]
pub(crate) struct AskedCommit {
    pub(crate) login: Option<&'static str>,
    pub(crate) email: &'static str,
    pub(crate) message: &'static str,
}

/// What somebody says of the request.
#[derive(Debug, Clone)]
pub(crate) struct Said {
    pub(crate) by: &'static str,
    /// As GitHub calls it.
    pub(crate) state: &'static str,
    /// Whether it was said of the last commit.
    pub(crate) is_of_head: bool,
    pub(crate) association: &'static str,
}

/// The request 12.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    pub(crate) head: String,
    pub(crate) base: String,
    pub(crate) target: &'static str,
    pub(crate) opener: &'static str,
    pub(crate) commits: Vec<AskedCommit>,
    pub(crate) said: Vec<Said>,
    /// None where the token may not see it.
    pub(crate) pushers: Option<Vec<&'static str>>,
    /// Teams with their members; none where the token may not see them.
    pub(crate) teams: Option<Vec<(&'static str, &'static str)>>,
}

impl Default for Asked {
    fn default() -> Self {
        Self {
            head: "0123456789abcdef0123456789abcdef01234567".to_owned(),
            base: "f00d".to_owned(),
            target: "main",
            opener: "carol",
            commits: vec![AskedCommit {
                login: Some("carol"),
                email: "carol@example.com",
                message: "Change it",
            }],
            said: Vec::new(),
            pushers: Some(vec!["carol"]),
            teams: None,
        }
    }
}

/// What the forge holds and was asked.
#[derive(Debug, Default)]
pub(crate) struct State {
    pub(crate) comments: Vec<Kept>,
    pub(crate) issues: Vec<Kept>,
    /// `METHOD PATH`, without what is asked for.
    pub(crate) calls: Vec<String>,
    /// Statuses with which the next calls are answered in the place of what they ask.
    pub(crate) answers: VecDeque<u16>,
    /// Whether the token may say who it is.
    pub(crate) knows_user: bool,
    /// The request, as people work on it.
    pub(crate) asked: Asked,
    /// Statuses that were set: commit, state, description.
    pub(crate) statuses: Vec<(String, String, String)>,
}

/// A forge that ends with the process.
pub(crate) struct Forge {
    port: u16,
    state: Arc<Mutex<State>>,
}

/// The token that is taken.
pub(crate) const TOKEN: &str = "ghs_hunter2";

/// Who writes with it.
const US: &str = "github-actions[bot]";

impl Forge {
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let state = Arc::new(Mutex::new(State::default()));
        let shared = Arc::clone(&state);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let shared = Arc::clone(&shared);
                std::thread::spawn(move || serve(stream, &shared));
            }
        });
        Self { port, state }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// Somebody else writes a comment.
    pub(crate) fn comment_by(&self, by: &'static str, body: &str) {
        let mut state = self.state();
        let id = state.comments.len() as u64 + 100;
        state.comments.push(kept(id, "", body, by, ""));
    }
}

fn kept(id: u64, title: &str, body: &str, by: &'static str, labels: &str) -> Kept {
    Kept {
        id,
        title: title.to_owned(),
        body: body.to_owned(),
        by,
        is_open: true,
        labels: labels.to_owned(),
    }
}

fn serve(stream: TcpStream, state: &Mutex<State>) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut stream = stream;
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).unwrap_or(0) == 0 {
            return;
        }
        let mut words = line.split_whitespace();
        let (method, target) = (
            words.next().unwrap().to_owned(),
            words.next().unwrap().to_owned(),
        );
        let (mut length, mut token) = (0, String::new());
        loop {
            let mut header = String::new();
            reader.read_line(&mut header).unwrap();
            let Some((name, value)) = header.trim_end().split_once(": ") else {
                break;
            };
            match name.to_ascii_lowercase().as_str() {
                "content-length" => length = value.parse().unwrap(),
                "authorization" => token = value.trim_start_matches("Bearer ").to_owned(),
                "private-token" => token = value.to_owned(),
                _ => {}
            }
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body).unwrap();
        let body: Value = serde_json::from_slice(&body).unwrap_or(Value::Null);
        let (status, answer) = answer(&mut state.lock().unwrap(), &method, &target, &token, &body);
        let text = answer.to_string();
        let _ = write!(
            stream,
            "HTTP/1.1 {status} x\r\nContent-Type: application/json\r\nRetry-After: 0\r\nContent-Length: {}\r\n\r\n{text}",
            text.len()
        );
    }
}

fn answer(
    state: &mut State,
    method: &str,
    target: &str,
    token: &str,
    body: &Value,
) -> (u16, Value) {
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    state.calls.push(format!("{method} {path}"));
    if token != TOKEN {
        return (401, json!({"message": "Bad credentials"}));
    }
    if let Some(status) = state.answers.pop_front() {
        return (status, json!({"message": "\u{1b}[31mnot now"}));
    }
    let text = |key: &str| body[key].as_str().map(str::to_owned);
    let github = path.strip_prefix("/repos/shop/audit/");
    let gitlab = path.strip_prefix("/projects/5/");
    let parts: Vec<&str> = github
        .or(gitlab)
        .unwrap_or(path.trim_start_matches('/'))
        .split('/')
        .collect();
    let page = |all: Vec<Value>| {
        let asked = |name: &str| {
            query.split('&').find_map(|part| {
                part.strip_prefix(name)?
                    .strip_prefix('=')?
                    .parse::<usize>()
                    .ok()
            })
        };
        let (size, page) = (asked("per_page").unwrap_or(30), asked("page").unwrap_or(1));
        let some: Vec<Value> = all.into_iter().skip((page - 1) * size).take(size).collect();
        (200, Value::Array(some))
    };
    match (method, parts.as_slice()) {
        ("GET", ["user"]) if state.knows_user => (200, json!({"login": US, "id": 7})),
        ("GET", ["user"]) => (
            403,
            json!({"message": "Resource not accessible by integration"}),
        ),
        ("GET", ["issues", "12", "comments"]) | ("GET", ["merge_requests", "12", "notes"]) => {
            page(state.comments.iter().map(shown).collect())
        }
        ("POST", ["issues", "12", "comments"]) | ("POST", ["merge_requests", "12", "notes"]) => {
            let id = state.comments.len() as u64 + 100;
            state
                .comments
                .push(kept(id, "", &text("body").unwrap(), US, ""));
            (201, json!({"id": id}))
        }
        ("PATCH", ["issues", "comments", id]) | ("PUT", ["merge_requests", "12", "notes", id]) => {
            let found = state
                .comments
                .iter_mut()
                .find(|comment| comment.id.to_string() == *id);
            match found {
                Some(comment) if comment.by == US => {
                    comment.body = text("body").unwrap();
                    (200, json!({}))
                }
                Some(_) => (403, json!({"message": "not yours"})),
                None => (404, json!({"message": "Not Found"})),
            }
        }
        ("GET", ["issues"]) => {
            let wanted = query
                .split('&')
                .find_map(|part| part.strip_prefix("labels="))
                .unwrap_or_default();
            let open = state
                .issues
                .iter()
                .filter(|issue| issue.is_open && issue.labels == wanted);
            page(open.map(shown).collect())
        }
        ("POST", ["issues"]) => {
            let id = state.issues.len() as u64 + 1;
            let labels = body["labels"]
                .as_str()
                .or(body["labels"][0].as_str())
                .unwrap_or_default()
                .to_owned();
            let said = text("body").or(text("description")).unwrap();
            state
                .issues
                .push(kept(id, &text("title").unwrap(), &said, US, &labels));
            (201, json!({}))
        }
        ("PATCH" | "PUT", ["issues", id]) => {
            let Some(issue) = state
                .issues
                .iter_mut()
                .find(|issue| issue.id.to_string() == *id)
            else {
                return (404, json!({"message": "Not Found"}));
            };
            issue.title = text("title").unwrap();
            issue.body = text("body").or(text("description")).unwrap();
            issue.is_open = text("state").as_deref() != Some("closed")
                && text("state_event").as_deref() != Some("close");
            (200, json!({}))
        }
        _ => match about_request(&state.asked, method, &parts, query) {
            Some(answer) if answer.1.is_array() && query.contains("per_page") => {
                page(answer.1.as_array().unwrap().clone())
            }
            Some(answer) => answer,
            None => match (method, parts.as_slice()) {
                ("POST", ["statuses", sha]) => {
                    assert_eq!(
                        text("context").or(text("name")).unwrap(),
                        "pgvigil/approvals"
                    );
                    state.statuses.push((
                        (*sha).to_owned(),
                        text("state").unwrap(),
                        text("description").unwrap(),
                    ));
                    (201, json!({}))
                }
                _ => (404, json!({"message": format!("no {method} {target}")})),
            },
        },
    }
}

/// As both forges show it.
fn shown(kept: &Kept) -> Value {
    json!({
        "id": kept.id, "number": kept.id, "iid": kept.id, "title": kept.title, "body": kept.body.replace('\n', "\r\n"),
        "description": kept.body, "user": {"login": kept.by}, "author": {"id": if kept.by == US { 7 } else { 8 }},
    })
}

/// When the last commit came, and before and after it.
const PUSHED: &str = "2026-12-02T10:00:00.000Z";
const BEFORE: &str = "2026-12-02T09:00:00.000Z";
const AFTER: &str = "2026-12-02T11:00:00.000Z";

/// What both forges say of the request 12.
fn about_request(asked: &Asked, method: &str, parts: &[&str], query: &str) -> Option<(u16, Value)> {
    let old = "1111111111111111111111111111111111111111";
    let pull = || {
        json!({
            "number": 12, "state": "open", "user": {"login": asked.opener}, "commits": asked.commits.len(),
            "head": {"sha": asked.head, "ref": "change", "repo": {"full_name": "shop/audit"}},
            "base": {"sha": asked.base, "ref": asked.target, "repo": {"default_branch": "main"}},
        })
    };
    let merge = || {
        json!({
            "iid": 12, "state": "opened", "sha": asked.head, "author": {"username": asked.opener},
            "source_branch": "change", "source_project_id": 5, "target_branch": asked.target,
            "diff_refs": {"base_sha": asked.base, "head_sha": asked.head},
        })
    };
    let hidden = || (403, json!({"message": "Must have rights"}));
    if method != "GET" {
        return None;
    }
    Some(match parts {
        ["pulls", "12"] => (200, pull()),
        ["pulls"] => (200, json!([pull()])),
        ["commits", sha, "pulls"] => (
            200,
            if *sha == asked.head {
                json!([pull()])
            } else {
                json!([])
            },
        ),
        ["pulls", "12", "commits"] => {
            let commits = asked.commits.iter().map(|commit| {
                json!({
                    "sha": asked.head, "author": commit.login.map(|login| json!({"login": login})), "committer": {"login": "web-flow"},
                    "commit": {"message": commit.message, "author": {"email": commit.email}, "committer": {"email": "noreply@github.com"}},
                })
            });
            (200, commits.collect())
        }
        ["pulls", "12", "reviews"] => {
            let reviews = asked.said.iter().map(|said| {
                json!({
                    "user": {"login": said.by, "type": "User"}, "state": said.state, "author_association": said.association,
                    "commit_id": if said.is_of_head { &asked.head } else { old },
                })
            });
            (200, reviews.collect())
        }
        ["activity"] => match &asked.pushers {
            Some(pushers) if query.contains("refs%2Fheads%2Fchange") => (
                200,
                pushers
                    .iter()
                    .map(|login| json!({"actor": {"login": login}}))
                    .collect(),
            ),
            _ => hidden(),
        },
        ["users", login] => (
            200,
            json!({"login": login, "email": null, "public_email": ""}),
        ),
        ["orgs", organisation, "teams", team, "memberships", login] => {
            let name = format!("{organisation}/{team}");
            let mut teams = asked.teams.iter().flatten();
            match teams.any(|(team, member)| *team == name && member == login) {
                true => (200, json!({"state": "active"})),
                false => (404, json!({"message": "Not Found"})),
            }
        }
        ["orgs", _, "teams", _] => match &asked.teams {
            Some(_) => (200, json!({})),
            None => (404, json!({"message": "Not Found"})),
        },
        ["groups", group, "members", "all"] => match &asked.teams {
            Some(teams) => (
                200,
                teams
                    .iter()
                    .filter(|(team, _)| team.replace('/', "%2F") == *group)
                    .map(|(_, login)| json!({"username": login}))
                    .collect(),
            ),
            None => (404, json!({"message": "404 Group Not Found"})),
        },
        ["merge_requests", "12"] => (200, merge()),
        ["merge_requests"] => (200, json!([merge()])),
        ["merge_requests", "12", "commits"] => {
            let commits = asked.commits.iter().map(|commit| {
                json!({
                    "id": asked.head, "message": commit.message, "author_email": commit.email, "committer_email": commit.email,
                    "author_name": commit.login.unwrap_or("Somebody"), "committer_name": commit.login.unwrap_or("Somebody"),
                })
            });
            (200, commits.collect())
        }
        ["merge_requests", "12", "approvals"] => {
            let approved = asked.said.iter().filter(|said| said.state == "APPROVED");
            let approved: Vec<Value> = approved
                .map(|said| {
                    json!({
                        "user": {"id": 40, "username": said.by, "name": said.by},
                        "approved_at": if said.is_of_head { AFTER } else { BEFORE },
                    })
                })
                .collect();
            (200, json!({ "approved_by": approved }))
        }
        ["merge_requests", "12", "versions"] => (
            200,
            json!([
                {"head_commit_sha": asked.head, "created_at": PUSHED},
                {"head_commit_sha": old, "created_at": BEFORE},
            ]),
        ),
        ["approvals"] => (200, json!({"reset_approvals_on_push": false})),
        ["events"] => match &asked.pushers {
            Some(pushers) => (
                200,
                pushers
                    .iter()
                    .map(|login| json!({"author_username": login, "push_data": {"ref": "change"}}))
                    .collect(),
            ),
            None => hidden(),
        },
        ["projects", "5"] => (200, json!({"default_branch": "main"})),
        _ => return None,
    })
}
