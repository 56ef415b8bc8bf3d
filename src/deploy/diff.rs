//! Two values compared field by field. The result is data and holds no secret.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use similar::{ChangeTag, TextDiff};

use super::document::{Kind, canonical, compared};

/// Stands for a secret.
pub const SECRET: &str = "(secret)";

/// Stands for a secret that differs.
pub const SECRET_CHANGED: &str = "(secret, changed)";

/// Stands for a live value that nothing in the files vouches for and that may be a secret.
pub const HIDDEN: &str = "(not shown)";

/// What became of one field.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Change {
    /// Where: keys with dots between them, `[0]` for a place in a list, `[Sid]` for a statement.
    pub path: String,
    /// The value before; absent when the field is new.
    #[serde(
        skip_serializing_if = "Option::is_none",
        default,
        deserialize_with = "present"
    )]
    pub before: Option<Value>,
    /// The value after; absent when the field goes.
    #[serde(
        skip_serializing_if = "Option::is_none",
        default,
        deserialize_with = "present"
    )]
    pub after: Option<Value>,
    /// For texts of several lines: how one becomes the other.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub lines: Vec<Line>,
}

/// A `null` that is written is a value; serde alone would take it for an absent field.
fn present<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(deserializer).map(Some)
}

/// A line of a text, with its part in the change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Line {
    /// Kept, taken away or added.
    pub sign: Sign,
    /// The line, without its end.
    pub text: String,
}

/// A line's part in a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Sign {
    /// In both.
    #[serde(rename = " ")]
    Same,
    /// Only before.
    #[serde(rename = "-")]
    Removed,
    /// Only after.
    #[serde(rename = "+")]
    Added,
}

impl Sign {
    /// The sign as it is drawn.
    pub fn character(self) -> char {
        match self {
            Self::Same => ' ',
            Self::Removed => '-',
            Self::Added => '+',
        }
    }
}

/// Which side of a comparison the files vouch for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Desired {
    Before,
    After,
}

/// What apply will do: from live to desired.
pub fn changes(kind: Kind, live: &Value, desired: &Value) -> Vec<Change> {
    diff(kind, live, desired, Desired::After)
}

/// What somebody did: from desired to live.
pub fn edits(kind: Kind, desired: &Value, live: &Value) -> Vec<Change> {
    diff(kind, desired, live, Desired::Before)
}

fn diff(kind: Kind, before: &Value, after: &Value, desired: Desired) -> Vec<Change> {
    let mut walk = Walk {
        kind,
        desired,
        changes: Vec::new(),
    };
    let (before, after) = (compared(kind, before), compared(kind, after));
    walk.values(&mut Vec::new(), Some(&before), Some(&after));
    walk.changes
}

struct Walk {
    kind: Kind,
    desired: Desired,
    changes: Vec<Change>,
}

impl Walk {
    fn values(&mut self, path: &mut Vec<String>, before: Option<&Value>, after: Option<&Value>) {
        if before.map(canonical) == after.map(canonical) {
            return;
        }
        if self.is_secret(path, before, after) {
            let hide = |value: Option<&Value>, text: &str| value.map(|_| Value::from(text));
            self.changes.push(Change {
                path: path_text(path),
                before: hide(before, SECRET),
                after: hide(
                    after,
                    if before.is_some() {
                        SECRET_CHANGED
                    } else {
                        SECRET
                    },
                ),
                lines: Vec::new(),
            });
            return;
        }
        match (before, after) {
            (Some(Value::Object(before)), Some(Value::Object(after))) => {
                self.objects(path, before, after)
            }
            (Some(Value::Array(before)), Some(Value::Array(after))) => {
                self.arrays(path, before, after)
            }
            _ => self.leaf(path, before, after),
        }
    }

    fn objects(
        &mut self,
        path: &mut Vec<String>,
        before: &Map<String, Value>,
        after: &Map<String, Value>,
    ) {
        let mut keys: Vec<&String> = before.keys().chain(after.keys()).collect();
        keys.sort();
        keys.dedup();
        for key in keys {
            path.push(key_text(key));
            self.values(path, before.get(key), after.get(key));
            path.pop();
        }
    }

    fn arrays(&mut self, path: &mut Vec<String>, before: &[Value], after: &[Value]) {
        if let (Some(before), Some(after)) = (by_sid(before), by_sid(after)) {
            let mut sids: Vec<&str> = before.iter().chain(&after).map(|(sid, _)| *sid).collect();
            sids.sort_unstable();
            sids.dedup();
            let find = |side: &[(&str, &'_ Value)], sid: &str| -> Option<Value> {
                side.iter()
                    .find(|(other, _)| *other == sid)
                    .map(|(_, value)| (*value).clone())
            };
            for sid in sids {
                path.push(format!("[{sid}]"));
                self.values(
                    path,
                    find(&before, sid).as_ref(),
                    find(&after, sid).as_ref(),
                );
                path.pop();
            }
            return;
        }
        let scalars = |items: &[Value]| {
            items
                .iter()
                .all(|item| !item.is_object() && !item.is_array())
        };
        if scalars(before) && scalars(after) {
            // Short lists of names: the whole list says more than its places.
            self.leaf(
                path,
                Some(&Value::from(before.to_vec())),
                Some(&Value::from(after.to_vec())),
            );
            return;
        }
        for index in 0..before.len().max(after.len()) {
            path.push(format!("[{index}]"));
            self.values(path, before.get(index), after.get(index));
            path.pop();
        }
    }

    fn leaf(&mut self, path: &[String], before: Option<&Value>, after: Option<&Value>) {
        let hidden = self.is_hidden(path, before, after);
        let show = |value: Option<&Value>, live: bool| {
            value.map(|value| {
                if hidden && live {
                    Value::from(HIDDEN)
                } else {
                    redacted(value)
                }
            })
        };
        let lines = match (before, after) {
            (Some(Value::String(before)), Some(Value::String(after)))
                if before.contains('\n') || after.contains('\n') =>
            {
                text_diff(before, after)
            }
            _ => Vec::new(),
        };
        self.changes.push(Change {
            path: path_text(path),
            before: show(before, self.desired == Desired::After),
            after: show(after, self.desired == Desired::Before),
            lines,
        });
    }

    /// A reference to a secret on either side, or an endpoint, which carries the platform's key in its URL.
    fn is_secret(&self, path: &[String], before: Option<&Value>, after: Option<&Value>) -> bool {
        let sides = [before, after];
        if sides.into_iter().flatten().any(is_reference) {
            return true;
        }
        let endpoint = self.kind == Kind::SnsSubscription && path == ["endpoint"];
        let address = |value: &Value| {
            value
                .as_str()
                .is_some_and(|text| text.contains('@') && !text.contains("://"))
        };
        endpoint && !sides.into_iter().flatten().all(address)
    }

    /// A variable of the function that no file asks for: whoever added it may have put a password there.
    fn is_hidden(&self, path: &[String], before: Option<&Value>, after: Option<&Value>) -> bool {
        let desired = if self.desired == Desired::Before {
            before
        } else {
            after
        };
        let whole_or_part = path.first().is_some_and(|first| first == "environment");
        self.kind == Kind::LambdaFunction && whole_or_part && !desired.is_some_and(Value::is_string)
    }
}

/// Says whether a value stands for a secret: an object with one key that says where the secret is.
pub fn is_reference(value: &Value) -> bool {
    value.as_object().is_some_and(|map| {
        map.len() == 1
            && map
                .keys()
                .all(|key| key == "from_env" || key == "from_secret")
    })
}

/// The value with `(secret)` for every reference to one.
pub fn redacted(value: &Value) -> Value {
    match value {
        value if is_reference(value) => Value::from(SECRET),
        Value::Array(items) => items.iter().map(redacted).collect(),
        Value::Object(map) => Value::Object(
            map.iter()
                .map(|(key, value)| (key.clone(), redacted(value)))
                .collect(),
        ),
        other => other.clone(),
    }
}

/// How one text becomes another, line by line.
pub fn text_diff(before: &str, after: &str) -> Vec<Line> {
    TextDiff::from_lines(before, after)
        .iter_all_changes()
        .map(|change| Line {
            sign: match change.tag() {
                ChangeTag::Equal => Sign::Same,
                ChangeTag::Delete => Sign::Removed,
                ChangeTag::Insert => Sign::Added,
            },
            text: change.value().trim_end_matches(['\r', '\n']).to_owned(),
        })
        .collect()
}

/// Statements of a policy by their `Sid`, when each has its own.
fn by_sid(items: &[Value]) -> Option<Vec<(&str, &Value)>> {
    let mut all = Vec::with_capacity(items.len());
    for item in items {
        let sid = item.get("Sid")?.as_str()?;
        if all.iter().any(|(other, _)| *other == sid) {
            return None;
        }
        all.push((sid, item));
    }
    (!all.is_empty()).then_some(all)
}

fn key_text(key: &str) -> String {
    let plain = !key.is_empty()
        && key
            .chars()
            .all(|character| character.is_ascii_alphanumeric() || "_-:".contains(character));
    if plain {
        key.to_owned()
    } else {
        format!("[{}]", Value::from(key))
    }
}

fn path_text(path: &[String]) -> String {
    let mut text = String::new();
    for part in path {
        if !text.is_empty() && !part.starts_with('[') {
            text.push('.');
        }
        text.push_str(part);
    }
    text
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn paths(changes: &[Change]) -> Vec<&str> {
        changes.iter().map(|change| change.path.as_str()).collect()
    }

    #[test]
    fn names_every_field_by_its_path() {
        let before = json!({"a": 1, "gone": null, "deep": {"list": [{"x": 1}, {"x": 2}]}, "tags": {"odd key.": "1"}});
        let after = json!({"a": 1.0, "new": [], "deep": {"list": [{"x": 1}, {"x": 3}, {}]}, "tags": {"odd key.": "2"}});
        let changes = changes(Kind::Alarm, &before, &after);
        assert_eq!(
            paths(&changes),
            [
                "deep.list[1].x",
                "deep.list[2]",
                "gone",
                "new",
                "tags[\"odd key.\"]"
            ]
        );
        assert_eq!(changes[2].before, Some(Value::Null));
        assert_eq!(changes[2].after, None);
        let back: Vec<Change> =
            serde_json::from_value(serde_json::to_value(&changes).unwrap()).unwrap();
        assert_eq!(back, changes);
    }

    #[test]
    fn statements_of_a_policy_go_by_their_sid() {
        let before =
            json!({"policy": {"Statement": [{"Sid": "A", "Action": ["x"]}, {"Sid": "B"}]}});
        let after = json!({"policy": {"Statement": [{"Sid": "0", "Effect": "Allow"}, {"Sid": "A", "Action": ["x", "y"]}, {"Sid": "B"}]}});
        assert_eq!(
            paths(&changes(Kind::SnsTopic, &before, &after)),
            ["policy.Statement[0]", "policy.Statement[A].Action"]
        );
    }

    #[test]
    fn texts_are_compared_by_lines() {
        let changes = changes(
            Kind::SavedQuery,
            &json!({"query": "a\nb\nc\n"}),
            &json!({"query": "a\nB\nc\n"}),
        );
        let drawn: String = changes[0]
            .lines
            .iter()
            .map(|line| format!("{}{};", line.sign.character(), line.text))
            .collect();
        assert_eq!(drawn, " a;-b;+B; c;");
    }

    #[test]
    fn no_secret_is_ever_in_a_change() {
        let secret = "https://api.example.com/v1?apiKey=hunter2";
        let reference = json!({"from_env": "URL"});
        let cases = [
            (
                Kind::SnsSubscription,
                json!({"endpoint": secret}),
                json!({"endpoint": reference}),
            ),
            (
                Kind::SnsSubscription,
                json!({"endpoint": secret}),
                json!({"endpoint": "dba@example.com"}),
            ),
            (
                Kind::SnsSubscription,
                json!({"endpoint": {"from_env": "OTHER", "x": secret}}),
                json!({"endpoint": reference}),
            ),
            (
                Kind::SnsSubscription,
                json!({"endpoint": secret}),
                json!({}),
            ),
            (
                Kind::LambdaFunction,
                json!({"environment": {"A": "1", "TOKEN": secret}}),
                json!({"environment": {"A": "1"}}),
            ),
            (
                Kind::LambdaFunction,
                json!({"environment": secret}),
                json!({"environment": {"A": "1"}}),
            ),
            (
                Kind::LambdaFunction,
                json!({"environment": {"TOKEN": secret}}),
                json!({}),
            ),
            (
                Kind::LambdaFunction,
                json!({"environment": {"A": {"b": secret}}}),
                json!({"environment": {"A": {"b": 1}}}),
            ),
        ];
        for (kind, live, desired) in cases {
            let forth = changes(kind, &live, &desired);
            let back = edits(kind, &desired, &live);
            assert_eq!((forth.len(), back.len()), (1, 1), "{live} {desired}");
            let text = serde_json::to_string(&(forth, back)).unwrap();
            assert!(!text.contains("hunter2"), "{text}");
        }
        let changed = changes(
            Kind::SnsSubscription,
            &json!({"endpoint": secret}),
            &json!({"endpoint": reference}),
        );
        assert_eq!(
            (&changed[0].before, &changed[0].after),
            (&Some(json!(SECRET)), &Some(json!(SECRET_CHANGED)))
        );
    }

    #[test]
    fn a_variable_of_ours_that_was_edited_is_shown() {
        let live = json!({"environment": {"METRIC_NAMESPACE": "Elsewhere"}});
        let desired = json!({"environment": {"METRIC_NAMESPACE": "Here"}});
        let changes = changes(Kind::LambdaFunction, &live, &desired);
        assert_eq!(changes[0].before, Some(json!("Elsewhere")));
    }
}
