//! Values of documents and of names, as every service needs them.

use serde_json::Value;

/// A list of texts.
pub(super) fn texts(value: &Value) -> Vec<String> {
    value
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .map(str::to_owned)
        .collect()
}

/// The two parts of a name of something that belongs to something else.
pub(super) fn owner_and_name(name: &str) -> (&str, &str) {
    name.split_once('/').unwrap_or((name, ""))
}
