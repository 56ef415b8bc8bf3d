//! Values as JSON syntax takes them: every text there is a template.

use serde_json::Value;

use super::super::resources::canonical;

/// The value, with every text escaped so that Terraform reads it as it stands:
/// <https://developer.hashicorp.com/terraform/language/expressions/strings#escape-sequences-1>
pub(super) fn literal(value: &Value) -> Value {
    match value {
        Value::String(text) => Value::String(escaped(text)),
        Value::Array(items) => items.iter().map(literal).collect(),
        // The names of attributes are templates too.
        Value::Object(map) => map
            .iter()
            .map(|(key, value)| (escaped(key), literal(value)))
            .collect(),
        other => other.clone(),
    }
}

/// A document inside a text, such as a policy: as one line of JSON.
pub(super) fn document(value: &Value) -> Value {
    Value::String(escaped(&canonical(value)))
}

fn escaped(text: &str) -> String {
    text.replace("${", "$${").replace("%{", "%%{")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn nothing_is_read_as_a_template() {
        assert_eq!(
            literal(&json!({ "a": ["${b}", "%{if}", "100%", "$"] })),
            json!({ "a": ["$${b}", "%%{if}", "100%", "$"] })
        );
        assert_eq!(
            document(&json!({ "b": "${aws:username}", "a": 1 })),
            json!(r#"{"a":1,"b":"$${aws:username}"}"#)
        );
    }
}
