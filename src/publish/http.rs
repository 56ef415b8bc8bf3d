//! JSON over HTTPS with a forge. The token is a secret: no message holds it.

use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

use super::approval::{CONTEXT, Status};
use super::{BoardError, Post};
use crate::http::{self, Uri};
use crate::report::escape::{shorten, terminal};
use crate::waiting;

/// How long a request may take.
const TIMEOUT: Duration = Duration::from_secs(30);

/// How often a request is made that the forge could not answer.
const ATTEMPTS: u32 = 4;

/// The longest pause that a forge can ask for.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// Bytes of the largest answer: a hundred comments.
const ANSWER: u64 = 16 << 20;

/// Pages of a hundred that are read: a request with more comments gets another one.
const PAGES: u32 = 50;

/// What a forge calls parts of a status.
pub(super) struct StatusWords {
    /// The field with the status's name.
    pub(super) name: &'static str,
    /// The state of one that fails.
    pub(super) failure: &'static str,
}

pub(super) struct Api {
    agent: ureq::Agent,
    base: String,
    header: &'static str,
    value: http::HeaderValue,
}

/// What a forge answered.
pub(super) struct Answered {
    pub(super) status: u16,
    pub(super) body: Value,
}

impl Api {
    /// `base` is the address below which everything lies; `header` carries the token.
    pub(super) fn new(base: &str, header: &'static str, value: &str) -> Result<Self, BoardError> {
        let base = base.trim_end_matches('/').to_owned();
        let address: Uri = base
            .parse()
            .map_err(|_| BoardError("the address of the forge is not a valid URL".to_owned()))?;
        let agent = http::agent(&address, waiting::limit(TIMEOUT))
            .map_err(|error| BoardError(format!("the address of the forge: {error}")))?;
        let mut value = http::HeaderValue::from_str(value).map_err(|_| {
            BoardError("the token has characters that are not allowed in a header".to_owned())
        })?;
        value.set_sensitive(true);
        Ok(Self {
            agent,
            base,
            header,
            value,
        })
    }

    /// Asks, and writes a body where there is one. What is not there to be found is an answer too.
    pub(super) fn call(
        &self,
        method: &str,
        path: &str,
        body: Option<&Value>,
    ) -> Result<Answered, BoardError> {
        let mut pause = Duration::from_secs(1);
        for attempt in 1.. {
            let (what, wait) = match self.once(method, path, body) {
                Ok((answered, _)) if !is_passing(answered.status) => return Ok(answered),
                Ok((answered, wait)) => {
                    (format!("it answers with status {}", answered.status), wait)
                }
                Err(what) => (what, None),
            };
            // What was posted may have arrived: a second comment is better than none, and is found by its marker.
            if attempt >= ATTEMPTS {
                return Err(BoardError(format!("{method} {path}: {what}")));
            }
            thread::sleep(wait.unwrap_or(pause).min(LONGEST_PAUSE));
            pause *= 2;
        }
        Err(BoardError(format!("{method} {path}: not sent")))
    }

    fn once(
        &self,
        method: &str,
        path: &str,
        body: Option<&Value>,
    ) -> Result<(Answered, Option<Duration>), String> {
        let address = format!("{}{path}", self.base);
        let text = body.map(Value::to_string).unwrap_or_default();
        let request = ureq::http::Request::builder()
            .method(method)
            .uri(&address)
            .header(self.header, self.value.clone())
            .header("Accept", "application/json")
            .header("Content-Type", "application/json")
            .header("User-Agent", concat!("pgvigil/", env!("CARGO_PKG_VERSION")))
            .body(text)
            .map_err(|_| "the request cannot be sent".to_owned())?;
        let mut response = self
            .agent
            .run(request)
            .map_err(|error| http::describe(&error))?;
        let wait = response
            .headers()
            .get("Retry-After")
            .and_then(|value| value.to_str().ok()?.trim().parse().ok())
            .map(Duration::from_secs);
        let text = response
            .body_mut()
            .with_config()
            .limit(ANSWER)
            .read_to_string()
            .map_err(|error| http::describe(&error))?;
        let answered = Answered {
            status: response.status().as_u16(),
            body: serde_json::from_str(&text).unwrap_or(Value::Null),
        };
        Ok((answered, wait))
    }

    /// Sets the status of approvals at a commit.
    pub(super) fn set_status(
        &self,
        path: &str,
        status: &Status,
        words: &StatusWords,
        page: Option<&str>,
    ) -> Result<(), BoardError> {
        let mut body = json!({
            "state": if status.is_success { "success" } else { words.failure },
            "description": status.description,
        });
        if let Value::Object(body) = &mut body {
            body.insert(words.name.to_owned(), CONTEXT.into());
            if let Some(page) = page {
                body.insert("target_url".to_owned(), page.into());
            }
        }
        self.ask("POST", path, Some(&body)).map(drop)
    }

    /// Asks for what must be there.
    pub(super) fn ask(
        &self,
        method: &str,
        path: &str,
        body: Option<&Value>,
    ) -> Result<Value, BoardError> {
        let answered = self.call(method, path, body)?;
        if (200..300).contains(&answered.status) {
            return Ok(answered.body);
        }
        let said = answered
            .body
            .get("message")
            .map(Value::to_string)
            .unwrap_or_default();
        let hint = match answered.status {
            401 => ": the token is not accepted",
            403 => ": the token has no permission for it",
            404 => ": it does not exist, or the token has no permission to see it",
            _ => "",
        };
        let said = if said.is_empty() {
            said
        } else {
            format!(" ({})", terminal(&shorten(&said, 200)))
        };
        Err(BoardError(format!(
            "{method} {path}: status {}{hint}{said}",
            answered.status
        )))
    }

    /// Asks for what need not be there, or may be hidden from the token.
    pub(super) fn find(&self, path: &str) -> Result<Option<Value>, BoardError> {
        let answered = self.call("GET", path, None)?;
        match answered.status {
            200..=299 => Ok(Some(answered.body)),
            403 | 404 => Ok(None),
            status => Err(BoardError(format!("GET {path}: status {status}"))),
        }
    }

    /// The items of a list that are our own. `keys` are those of the number and of the text.
    pub(super) fn posts(
        &self,
        path: &str,
        keys: [&str; 2],
        is_own: impl Fn(&Value) -> bool,
    ) -> Result<Vec<Post>, BoardError> {
        let [id, body] = keys;
        let post = |item: &Value| {
            let text = |key: &str| {
                let text = item.get(key).and_then(Value::as_str);
                text.unwrap_or_default().to_owned()
            };
            Some(Post {
                id: item.get(id)?.as_u64()?,
                title: text("title"),
                body: text(body),
            })
        };
        let items = self.list(path)?;
        Ok(items
            .iter()
            .filter(|item| is_own(item))
            .filter_map(post)
            .collect())
    }

    /// Every item of a list, page by page.
    pub(super) fn list(&self, path: &str) -> Result<Vec<Value>, BoardError> {
        let mut items = Vec::new();
        let sign = if path.contains('?') { '&' } else { '?' };
        for page in 1..=PAGES {
            let body = self.ask(
                "GET",
                &format!("{path}{sign}per_page=100&page={page}"),
                None,
            )?;
            let Value::Array(some) = body else {
                return Err(BoardError(format!("GET {path}: the answer is not a list")));
            };
            let count = some.len();
            items.extend(some);
            if count < 100 {
                break;
            }
        }
        Ok(items)
    }
}

/// Whether the same request may be answered in a moment.
fn is_passing(status: u16) -> bool {
    matches!(status, 408 | 425 | 429 | 500..=599)
}

/// A text in an answer.
pub(super) fn text_at(value: &serde_json::Value, at: &str) -> Option<String> {
    value.pointer(at)?.as_str().map(str::to_owned)
}
