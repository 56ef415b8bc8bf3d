//! A forge on this machine: as much of GitHub's and GitLab's interface as comments and issues take, with what goes wrong there.

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
        _ => (404, json!({"message": format!("no {method} {target}")})),
    }
}

/// As both forges show it.
fn shown(kept: &Kept) -> Value {
    json!({
        "id": kept.id, "number": kept.id, "iid": kept.id, "title": kept.title, "body": kept.body.replace('\n', "\r\n"),
        "description": kept.body, "user": {"login": kept.by}, "author": {"id": if kept.by == US { 7 } else { 8 }},
    })
}
