//! Documents that somebody changed in one place.

use serde_json::{Value, json};

use super::super::resources::Document;

/// The documents, each time with another value changed, beside the place of the change.
pub(crate) fn changed_in_one_place(documents: &[Document]) -> Vec<(String, Vec<Document>)> {
    let mut all = Vec::new();
    for (index, document) in documents.iter().enumerate() {
        let mut paths = Vec::new();
        leaves(&document.properties, String::new(), &mut paths);
        for path in paths {
            let mut documents = documents.to_vec();
            let leaf = documents[index].properties.pointer_mut(&path).unwrap();
            *leaf = other(leaf);
            all.push((format!("{}{path}", document.address), documents));
        }
        // A field that is not known yet.
        let mut documents = documents.to_vec();
        let properties = documents[index].properties.as_object_mut().unwrap();
        properties.insert("unheard_of".to_owned(), json!(1));
        all.push((format!("{}/unheard_of", document.address), documents));
    }
    all
}

fn leaves(value: &Value, path: String, found: &mut Vec<String>) {
    match value {
        Value::Object(map) if !map.is_empty() => {
            for (key, value) in map {
                let key = key.replace('~', "~0").replace('/', "~1");
                leaves(value, format!("{path}/{key}"), found);
            }
        }
        Value::Array(items) if !items.is_empty() => {
            for (index, value) in items.iter().enumerate() {
                leaves(value, format!("{path}/{index}"), found);
            }
        }
        _ => found.push(path),
    }
}

fn other(value: &Value) -> Value {
    match value {
        Value::Null => json!("other"),
        Value::Bool(bool) => json!(!bool),
        Value::Number(number) => json!(number.as_i64().unwrap() + 1),
        Value::String(text) => json!(format!("{text}x")),
        Value::Array(_) => json!(["other"]),
        Value::Object(_) => json!({ "other": "other" }),
    }
}
