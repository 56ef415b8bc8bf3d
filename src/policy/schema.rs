//! JSON Schemas of the policy files, and what does not fit them, worded for people.

mod conform;

use std::sync::LazyLock;

use schemars::generate::SchemaSettings;
use schemars::transform::{RecursiveTransform, Transform};
use schemars::{JsonSchema, Schema};
use serde_json::Value as Json;

use self::conform::{A_LIST, A_NUMBER, Conformance, Fault, FaultKind, NotUnderstood};
use super::raw::grants::RawAccess;
use super::raw::notes::RawNotes;
use super::raw::{RawEnvironment, RawRules};
use crate::audit_log::trust;
use crate::diagnostic::{Code, Diagnostic, Diagnostics, closest, quote, quote_all, suggest};
use crate::source::DocPath;
use crate::source::path::Part;
use crate::source::yaml::{InvalidAs, Kind, Node};

/// Most faults of one file that get words: what lies beyond is refused without.
const MAX_FAULTS: usize = 500;

/// A schema, ready to validate with.
pub(super) struct DocumentSchema {
    json: Json,
    /// An error would mean that the schema contains a keyword that is not understood: a test rules it out.
    conformance: Result<Conformance, NotUnderstood>,
}

/// The schema of files under `rules/`.
pub(super) static RULES: LazyLock<DocumentSchema> = LazyLock::new(DocumentSchema::of::<RawRules>);
/// The schema of files under `environments/`.
pub(super) static ENVIRONMENT: LazyLock<DocumentSchema> =
    LazyLock::new(DocumentSchema::of::<RawEnvironment>);

/// The schema of files under `access/`.
pub(super) static ACCESS: LazyLock<DocumentSchema> = LazyLock::new(DocumentSchema::of::<RawAccess>);

/// The schema of files under `notes/`.
pub(super) static NOTES: LazyLock<DocumentSchema> = LazyLock::new(DocumentSchema::of::<RawNotes>);

/// The schemas as files of the repository: path and text.
pub fn schemas() -> Vec<(&'static str, String)> {
    [
        ("schema/rules.schema.json", &RULES),
        ("schema/environment.schema.json", &ENVIRONMENT),
        ("schema/access.schema.json", &ACCESS),
        ("schema/note.schema.json", &NOTES),
    ]
    .into_iter()
    .map(|(path, schema)| (path, format!("{:#}\n", schema.json)))
    .collect()
}

/// What [`DocumentSchema::validate`] leaves to others.
#[derive(Default)]
pub(super) struct Findings {
    /// Values whose form is wrong but that can be read: whoever reads them knows better words.
    pub(super) forms: Vec<Diagnostic>,
    /// Routes at which a required key is missing: reported, and what stands there cannot be used.
    pub(super) incomplete: Vec<DocPath>,
}

/// Optional keys are left out, never null.
fn without_null(schema: &mut Schema) {
    let Some(object) = schema.as_object_mut() else {
        return;
    };
    if let Some(Json::Array(types)) = object.get_mut("type") {
        types.retain(|kind| kind != "null");
        if let [only] = types.as_slice() {
            let only = only.clone();
            object.insert("type".to_owned(), only);
        }
    }
    if let Some(Json::Array(values)) = object.get_mut("enum") {
        values.retain(|value| !value.is_null());
    }
    let mut only = None;
    if let Some(Json::Array(branches)) = object.get_mut("anyOf") {
        branches.retain(|branch| branch.get("type").is_none_or(|kind| kind != "null"));
        if let [branch] = branches.as_slice() {
            only = Some(branch.clone());
        }
    }
    if let Some(Json::Object(branch)) = only {
        object.remove("anyOf");
        for (key, value) in branch {
            object.entry(key).or_insert(value);
        }
    }
    // Users do not need the names of Rust's integer types.
    if object
        .get("format")
        .is_some_and(|format| format == "uint32")
    {
        object.remove("format");
    }
}

/// Says of each condition of an exclusion who writes the field that it looks at.
fn tell_trust(schema: &mut Json) {
    let Some(Json::Object(conditions)) = schema.pointer_mut("/$defs/Match/properties") else {
        return;
    };
    for (key, condition) in conditions {
        let Some(field) = trust::of_condition(key) else {
            continue;
        };
        if let Some(Json::String(text)) = condition.get_mut("description") {
            text.push_str(&format!(
                "\n\nTrust: {} ({})",
                field.trust.name(),
                field.source
            ));
        }
    }
}

/// Joins the lines of a paragraph, which end where the source's do: editors show each as one of its own.
fn join_lines(schema: &mut Json) {
    match schema {
        Json::Object(object) => {
            object.values_mut().for_each(join_lines);
            if let Some(Json::String(text)) = object.get_mut("description") {
                let paragraphs: Vec<String> = text
                    .split("\n\n")
                    .map(|paragraph| paragraph.replace('\n', " "))
                    .collect();
                *text = paragraphs.join("\n\n");
            }
        }
        Json::Array(items) => items.iter_mut().for_each(join_lines),
        _ => {}
    }
}

/// Says of each key that has a default what it is: once in the raw types, and read by people, editors and programs.
fn tell_defaults(schema: &mut Json) {
    match schema {
        Json::Object(object) => {
            object.values_mut().for_each(tell_defaults);
            let default = object.get("default").map(as_written);
            if let (Some(default), Some(Json::String(text))) =
                (default, object.get_mut("description"))
            {
                text.push_str(&format!(" Default: `{default}`."));
            }
        }
        Json::Array(items) => items.iter_mut().for_each(tell_defaults),
        _ => {}
    }
}

/// A value as it is written in a policy file.
pub(super) fn as_written(value: &Json) -> String {
    match value {
        Json::String(text) if text.parse::<f64>().is_ok() => format!("\"{text}\""),
        Json::String(text) => text.clone(),
        Json::Array(items) => {
            let items: Vec<_> = items.iter().map(as_written).collect();
            format!("[{}]", items.join(", "))
        }
        Json::Object(keys) => {
            let keys: Vec<_> = keys
                .iter()
                .map(|(key, value)| format!("{key}: {}", as_written(value)))
                .collect();
            format!("{{{}}}", keys.join(", "))
        }
        other => other.to_string(),
    }
}

impl DocumentSchema {
    fn of<T: JsonSchema>() -> Self {
        let mut schema = SchemaSettings::draft2020_12()
            .into_generator()
            .into_root_schema_for::<T>();
        RecursiveTransform(without_null).transform(&mut schema);
        let mut json = schema.to_value();
        join_lines(&mut json);
        tell_defaults(&mut json);
        tell_trust(&mut json);
        Self {
            conformance: Conformance::of(&json),
            json,
        }
    }

    /// The schema itself.
    pub(super) fn json(&self) -> &Json {
        &self.json
    }

    /// Reports what does not fit, and marks it invalid in the tree.
    pub(super) fn validate(
        &self,
        root: &mut Node,
        document: &str,
        sink: &mut Diagnostics,
    ) -> Findings {
        let value = root.to_json(InvalidAs::Null);
        let mut faults = match &self.conformance {
            Ok(conformance) => conformance.faults(&self.json, &value, MAX_FAULTS),
            Err(_) => Vec::new(),
        };
        faults.truncate(MAX_FAULTS);
        let mut findings = Findings::default();
        // A misspelt key is one fault, not an unknown key and a missing one.
        let misspelt: Vec<(DocPath, String)> = faults
            .iter()
            .filter_map(|fault| match &fault.kind {
                FaultKind::UnknownKey(key) => {
                    let keys = self.keys(&fault.path);
                    let meant = closest(key, keys.iter().map(String::as_str))?;
                    Some((fault.path.clone(), meant.to_owned()))
                }
                _ => None,
            })
            .collect();
        let mut invalid = Vec::new();
        for fault in &faults {
            let is_known = root
                .at(&fault.path)
                .is_none_or(|node| matches!(node.kind, Kind::Invalid));
            if is_known {
                continue;
            }
            let diagnostic = self.word(fault, root, document);
            match (&fault.kind, &diagnostic) {
                (FaultKind::Form(_), Some(_)) => findings.forms.extend(diagnostic),
                (FaultKind::UnknownKey(key), _) => {
                    invalid.push(fault.path.then(key));
                    diagnostic
                        .into_iter()
                        .for_each(|diagnostic| sink.push(diagnostic));
                }
                (FaultKind::MissingKey(key), _) => {
                    findings.incomplete.push(fault.path.clone());
                    if misspelt
                        .iter()
                        .any(|(path, meant)| *path == fault.path && meant == key)
                    {
                        continue;
                    }
                    diagnostic
                        .into_iter()
                        .for_each(|diagnostic| sink.push(diagnostic));
                }
                _ => {
                    invalid.push(fault.path.clone());
                    diagnostic
                        .into_iter()
                        .for_each(|diagnostic| sink.push(diagnostic));
                }
            }
        }
        for path in invalid {
            if let Some(node) = root.at_mut(&path) {
                node.kind = Kind::Invalid;
            }
        }
        findings
    }

    fn word(&self, fault: &Fault, root: &Node, document: &str) -> Option<Diagnostic> {
        let node = root.at(&fault.path)?;
        let place = root.locate(&fault.path, Part::Value);
        let name = fault
            .path
            .name()
            .map_or_else(|| "the document".to_owned(), quote);
        let is_item = fault
            .path
            .parts()
            .last()
            .is_some_and(|part| part.parse::<usize>().is_ok());
        let subject = if is_item {
            format!("an item of {name}")
        } else {
            name
        };
        if fault.path.parts() == ["version"] {
            return Some(
                Diagnostic::new(
                    Code::SchemaVersion,
                    "this version of the format is not supported",
                )
                .at(place)
                .help("write `version: 1`"),
            );
        }
        let diagnostic = match &fault.kind {
            FaultKind::UnknownKey(key) => {
                let known = self.keys(&fault.path);
                let help = suggest(key, known.iter().map(String::as_str), "the keys here are");
                let elsewhere = elsewhere(key, document).filter(|_| fault.path.parts().is_empty());
                Diagnostic::new(
                    Code::SchemaUnknownKey,
                    format!("unknown key {}", quote(key)),
                )
                .at(root.locate(&fault.path.then(key), Part::Key))
                .maybe_help(
                    elsewhere
                        .or(help)
                        .or_else(|| Some(format!("the keys here are: {}", quote_all(&known)))),
                )
            }
            FaultKind::MissingKey(key) => {
                let holder = if fault.path.parts().is_empty() {
                    "the file".to_owned()
                } else {
                    "this entry".to_owned()
                };
                Diagnostic::new(
                    Code::SchemaMissingKey,
                    format!("{holder} lacks the key {}", quote(key)),
                )
                .at(node.head())
                .help(self.example(&fault.path.then(key)).map_or_else(
                    || format!("add `{key}`"),
                    |example| format!("add it, as in {}", quote(&format!("{key}: {example}"))),
                ))
            }
            FaultKind::Type(expected) => {
                return Some(wrong_type(
                    node,
                    &place,
                    &subject,
                    expected,
                    self.example(&fault.path),
                ));
            }
            FaultKind::Choice(options) => {
                let or_number = options.iter().any(|option| option == A_NUMBER).then(|| {
                    let words = options.iter().filter(|option| *option != A_NUMBER);
                    let words: Vec<String> = words.map(|option| quote(option)).collect();
                    format!("write a whole number, or {}", words.join(", "))
                });
                let expected = if or_number.is_some() {
                    "integer"
                } else {
                    "string"
                };
                let written = match &node.kind {
                    Kind::Scalar(scalar) => scalar.text.as_str(),
                    _ => return Some(wrong_type(node, &place, &subject, &[expected], None)),
                };
                if fault
                    .path
                    .name()
                    .is_some_and(|name| name.ends_with("retention_days"))
                {
                    return Some(super::lower::environment::retention_fault(
                        written, &subject, place,
                    ));
                }
                let or_list = options.iter().any(|option| option == A_LIST).then(|| {
                    format!(
                        "write `all`, or a list as in {}",
                        quote(&format!("[{written}]"))
                    )
                });
                Diagnostic::new(
                    Code::SchemaUnknownValue,
                    format!("{subject} cannot be {}", quote(written)),
                )
                .at(place)
                .maybe_help(or_list.or(or_number).or_else(|| {
                    suggest(written, options.iter().map(String::as_str), "write one of")
                }))
            }
            FaultKind::Empty => Diagnostic::new(Code::SchemaEmpty, format!("{subject} is empty"))
                .at(place)
                .help("add content, or delete the key"),
            FaultKind::Repeated => {
                let items = node.items();
                let texts: Vec<_> = items
                    .iter()
                    .map(|item| item.to_json(InvalidAs::Null))
                    .collect();
                let twin = texts.iter().enumerate().find_map(|(index, text)| {
                    texts
                        .iter()
                        .take(index)
                        .position(|earlier| earlier == text)
                        .map(|earlier| (earlier, index))
                });
                let (first, second) =
                    twin.and_then(|(first, second)| Some((items.get(first)?, items.get(second)?)))?;
                Diagnostic::new(
                    Code::SchemaRepeatedItem,
                    format!("{subject} lists an item twice"),
                )
                .label(second.head(), "listed again")
                .context(first.head(), "listed here")
                .help("delete the second one")
            }
            FaultKind::Range => {
                let range = self.subschemas(&fault.path).into_iter().find_map(|schema| {
                    Some((
                        schema.get("minimum")?.clone(),
                        schema.get("maximum")?.clone(),
                    ))
                });
                let written = match &node.kind {
                    Kind::Scalar(scalar) => quote(&scalar.text),
                    _ => "this".to_owned(),
                };
                Diagnostic::new(
                    Code::SchemaOutOfRange,
                    format!("{subject} cannot be {written}"),
                )
                .at(place)
                .maybe_help(range.map(|(low, high)| format!("write a number from {low} to {high}")))
            }
            FaultKind::Form(what) => {
                Diagnostic::new(Code::SchemaValue, format!("{subject} has the wrong format"))
                    .at(place)
                    .help(self.example(&fault.path).map_or_else(
                        || what.clone(),
                        |example| format!("write it as in {}", quote(&example)),
                    ))
            }
        };
        Some(diagnostic)
    }

    /// The schemas that describe what stands at a route.
    fn subschemas(&self, path: &DocPath) -> Vec<&Json> {
        let mut current = self.expand(&self.json);
        for part in path.parts() {
            current = current
                .into_iter()
                .flat_map(|schema| {
                    let property = schema
                        .get("properties")
                        .and_then(|properties| properties.get(part));
                    let item = part.parse::<usize>().ok().and_then(|_| schema.get("items"));
                    let other = if property.is_none() {
                        schema.get("additionalProperties")
                    } else {
                        None
                    };
                    [property, item, other].into_iter().flatten()
                })
                .flat_map(|schema| self.expand(schema))
                .collect();
        }
        current
    }

    /// A schema with its references and branches.
    fn expand<'a>(&'a self, schema: &'a Json) -> Vec<&'a Json> {
        let mut all = vec![schema];
        if let Some(reference) = schema.get("$ref").and_then(Json::as_str)
            && let Some(target) = reference
                .strip_prefix('#')
                .and_then(|pointer| self.json.pointer(pointer))
        {
            all.extend(self.expand(target));
        }
        for branches in ["anyOf", "oneOf", "allOf"] {
            for branch in schema
                .get(branches)
                .and_then(Json::as_array)
                .into_iter()
                .flatten()
            {
                all.extend(self.expand(branch));
            }
        }
        all
    }

    fn keys(&self, path: &DocPath) -> Vec<String> {
        let objects = self
            .subschemas(path)
            .into_iter()
            .filter_map(|schema| schema.get("properties")?.as_object());
        objects
            .flat_map(|properties| properties.keys().cloned())
            .collect()
    }

    /// The schema's example for a route, as it would be written.
    fn example(&self, path: &DocPath) -> Option<String> {
        let own = |path: &DocPath| {
            self.subschemas(path)
                .into_iter()
                .find_map(|schema| schema.get("examples")?.as_array()?.first())
        };
        let of_list = || {
            let (list, last) = path.split_last()?;
            last.parse::<usize>().ok()?;
            own(&list)?.as_array()?.first()
        };
        own(path).or_else(of_list).map(as_written)
    }
}

/// A key that belongs into the other kind of file.
fn elsewhere(key: &str, document: &str) -> Option<String> {
    let kinds: [(&str, &DocumentSchema, &str); 4] = [
        ("environment", &ENVIRONMENT, "a file under `environments/`"),
        ("rules", &RULES, "a file under `rules/`"),
        ("access", &ACCESS, "a file under `access/`"),
        ("notes", &NOTES, "a file under `notes/`"),
    ];
    kinds
        .into_iter()
        .filter(|(kind, ..)| *kind != document)
        .find(|(_, schema, _)| {
            let keys = schema.json.get("properties");
            keys.and_then(|properties| properties.get(key)).is_some()
        })
        .map(|(_, _, home)| format!("{} belongs in {home}", quote(key)))
}

fn wrong_type(
    node: &Node,
    place: &crate::source::Place,
    subject: &str,
    expected: &[&str],
    example: Option<String>,
) -> Diagnostic {
    use crate::source::yaml::Value;
    let written = match &node.kind {
        Kind::Sequence(_) => "a list",
        Kind::Mapping(_) => "a mapping",
        Kind::Invalid => "nothing",
        Kind::Scalar(scalar) => match scalar.value() {
            Value::Null => "nothing",
            Value::Boolean(_) => "a boolean",
            Value::Integer(_) | Value::Float(_) => "a number",
            Value::Text => "text",
        },
    };
    if expected.contains(&"string")
        && let Kind::Scalar(scalar) = &node.kind
        && scalar.value() != Value::Text
    {
        return Diagnostic::new(
            Code::SchemaUnquotedText,
            format!(
                "{subject} must be text, but {} without quotes is {written}",
                quote(&scalar.text)
            ),
        )
        .at(place.clone())
        .help(format!("write {}", quote(&format!("\"{}\"", scalar.text))));
    }
    let mut words: Vec<&str> = Vec::new();
    for kind in expected {
        let word = match *kind {
            "string" => "text",
            "array" => "a list",
            "object" => "a mapping",
            "integer" => "a whole number",
            "number" => "a number",
            "boolean" => "`true` or `false`",
            _ => continue,
        };
        if !words.contains(&word) {
            words.push(word);
        }
    }
    let help = match (&node.kind, words.as_slice(), example) {
        (Kind::Scalar(scalar), ["a list"], _) => {
            Some(format!("write {}", quote(&format!("[{}]", scalar.text))))
        }
        (Kind::Scalar(scalar), ["a whole number"] | ["`true` or `false`"], _)
            if scalar.style != crate::source::yaml::Style::Plain =>
        {
            Some("write it without quotes".to_owned())
        }
        (_, _, Some(example)) => Some(format!("write it as in {}", quote(&example))),
        _ => None,
    };
    Diagnostic::new(
        Code::SchemaWrongType,
        format!(
            "{subject} must be {}, but this is {written}",
            words.join(" or ")
        ),
    )
    .at(place.clone())
    .maybe_help(help)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn schemas_are_schemas() {
        for schema in [&RULES, &ENVIRONMENT, &ACCESS, &NOTES] {
            assert_eq!(schema.conformance.as_ref().err(), None);
        }
    }

    /// `PGVIGIL_UPDATE=1 cargo test` writes them.
    #[test]
    fn committed_schemas_are_current() {
        for (path, text) in schemas() {
            let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
            if std::env::var_os("PGVIGIL_UPDATE").is_some() {
                std::fs::create_dir_all(path.parent().unwrap()).unwrap();
                std::fs::write(&path, &text).unwrap();
            }
            let committed = std::fs::read_to_string(&path).unwrap_or_default();
            assert!(
                committed == text,
                "{} is stale: run the tests with PGVIGIL_UPDATE=1",
                path.display()
            );
        }
    }
}
