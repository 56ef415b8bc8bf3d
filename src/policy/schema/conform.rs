//! What of a document does not fit a schema.
//!
//! This knows the keywords of JSON Schema that our own schemas use, and refuses a schema with any other. The tests
//! hold it against the crate `jsonschema`, which knows all of them and takes long to compile.

use std::collections::{BTreeMap, BTreeSet};

use regex_automata::meta::Regex;
use serde_json::{Map, Value as Json};

use crate::source::DocPath;

/// Stands for a list among the values that a fault offers.
pub(super) const A_LIST: &str = "[NAME]";

/// Stands for a whole number among them.
pub(super) const A_NUMBER: &str = "NUMBER";

/// One thing that does not fit, and where.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Fault {
    pub(super) path: DocPath,
    pub(super) kind: FaultKind,
}

/// What does not fit.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum FaultKind {
    UnknownKey(String),
    MissingKey(String),
    Type(Vec<&'static str>),
    Choice(Vec<String>),
    Empty,
    Repeated,
    Range,
    Form(String),
}

/// What a schema holds that this does not understand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct NotUnderstood(String);

/// Keywords that tell people something, and ask for nothing. `format` is among them in the draft that we write.
const ANNOTATIONS: [&str; 7] = [
    "$defs",
    "$schema",
    "description",
    "default",
    "examples",
    "format",
    "title",
];

/// The names of types.
const TYPES: [&str; 7] = [
    "array", "boolean", "integer", "null", "number", "object", "string",
];

/// The expression that a text matches unless it is empty or blank.
const NOT_BLANK: &str = r"\S";

/// A schema that was read: its expressions.
pub(super) struct Conformance {
    patterns: BTreeMap<String, Regex>,
}

impl Conformance {
    /// Reads a schema.
    pub(super) fn of(schema: &Json) -> Result<Self, NotUnderstood> {
        let mut read = Self {
            patterns: BTreeMap::new(),
        };
        read.add(schema, schema)?;
        Ok(read)
    }

    fn add(&mut self, root: &Json, schema: &Json) -> Result<(), NotUnderstood> {
        let Some(keywords) = schema.as_object() else {
            return match schema {
                Json::Bool(_) => Ok(()),
                other => Err(NotUnderstood(other.to_string())),
            };
        };
        for (keyword, wanted) in keywords {
            let not_understood = || NotUnderstood(format!("{keyword}: {wanted}"));
            let is_understood = match keyword.as_str() {
                "properties" => {
                    let schemas = wanted.as_object().ok_or_else(not_understood)?;
                    schemas
                        .values()
                        .try_for_each(|schema| self.add(root, schema))?;
                    true
                }
                "items" | "additionalProperties" => {
                    self.add(root, wanted)?;
                    true
                }
                "anyOf" | "oneOf" => {
                    let branches = wanted.as_array().ok_or_else(not_understood)?;
                    branches
                        .iter()
                        .try_for_each(|branch| self.add(root, branch))?;
                    true
                }
                "pattern" => {
                    let pattern = wanted.as_str().ok_or_else(not_understood)?;
                    let regex = Regex::new(pattern).map_err(|_| not_understood())?;
                    self.patterns.insert(pattern.to_owned(), regex);
                    true
                }
                "$ref" => target(root, wanted).is_some(),
                "type" => {
                    let names = names(wanted);
                    !names.is_empty() && names.len() == wanted.as_array().map_or(1, Vec::len)
                }
                "required" | "enum" => wanted.is_array(),
                "minLength" | "maxLength" | "minItems" | "maxItems" => wanted.is_u64(),
                "minimum" | "maximum" => wanted.is_number(),
                "uniqueItems" => wanted.is_boolean(),
                "const" => true,
                other => ANNOTATIONS.contains(&other),
            };
            if !is_understood {
                return Err(not_understood());
            }
            if keyword == "$defs" {
                let schemas = wanted.as_object().ok_or_else(not_understood)?;
                schemas
                    .values()
                    .try_for_each(|schema| self.add(root, schema))?;
            }
        }
        Ok(())
    }

    /// What of a value does not fit the schema that was read; somewhat more than `most` faults end the search.
    pub(super) fn faults(&self, schema: &Json, value: &Json, most: usize) -> Vec<Fault> {
        let walk = Walk {
            root: schema,
            patterns: &self.patterns,
            most,
        };
        let mut faults = Vec::new();
        walk.look(schema, value, &DocPath::root(), &mut faults);
        faults
    }
}

struct Walk<'a> {
    root: &'a Json,
    patterns: &'a BTreeMap<String, Regex>,
    most: usize,
}

impl Walk<'_> {
    fn look(&self, schema: &Json, value: &Json, path: &DocPath, faults: &mut Vec<Fault>) {
        if faults.len() > self.most {
            return;
        }
        let Some(keywords) = schema.as_object() else {
            if *schema == Json::Bool(false) {
                faults.push(broken(path, "falseSchema"));
            }
            return;
        };
        for (keyword, wanted) in keywords {
            match (keyword.as_str(), value) {
                ("$ref", _) => {
                    if let Some(target) = target(self.root, wanted) {
                        self.look(target, value, path, faults);
                    }
                }
                ("anyOf" | "oneOf", _) => {
                    self.branches(keyword, wanted, value, path, faults);
                }
                ("properties", Json::Object(entries)) => {
                    for (key, schema) in wanted.as_object().into_iter().flatten() {
                        if let Some(value) = entries.get(key) {
                            self.look(schema, value, &path.then(key), faults);
                        }
                    }
                }
                ("additionalProperties", Json::Object(entries)) => {
                    for key in others(keywords, entries) {
                        if *wanted == Json::Bool(false) {
                            let kind = FaultKind::UnknownKey(key.clone());
                            let path = path.clone();
                            faults.push(Fault { path, kind });
                        } else if let Some(value) = entries.get(key) {
                            self.look(wanted, value, &path.then(key), faults);
                        }
                    }
                }
                ("items", Json::Array(items)) => {
                    for (index, item) in items.iter().enumerate() {
                        self.look(wanted, item, &path.then(index), faults);
                        if faults.len() > self.most {
                            return;
                        }
                    }
                }
                ("required", Json::Object(entries)) => {
                    let keys = wanted.as_array().into_iter().flatten();
                    for key in keys.filter_map(Json::as_str) {
                        if !entries.contains_key(key) {
                            let kind = FaultKind::MissingKey(key.to_owned());
                            let path = path.clone();
                            faults.push(Fault { path, kind });
                        }
                    }
                }
                _ => {
                    if let Some(kind) = self.alone(keyword, wanted, value) {
                        let path = path.clone();
                        faults.push(Fault { path, kind });
                    }
                }
            }
        }
    }

    /// The keywords that look at a value and not into it.
    fn alone(&self, keyword: &str, wanted: &Json, value: &Json) -> Option<FaultKind> {
        let length = |text: &str| u64::try_from(text.chars().count()).unwrap_or(u64::MAX);
        let count = |items: &[Json]| u64::try_from(items.len()).unwrap_or(u64::MAX);
        let limit = wanted.as_u64();
        let form =
            |keyword: &str| FaultKind::Form(format!("it violates `{keyword}` in the schema"));
        match (keyword, value) {
            ("type", _) => {
                let types = names(wanted);
                let fits = types.iter().any(|name| is_of_type(value, name));
                (!fits).then_some(FaultKind::Type(types))
            }
            ("const", _) => (canonical(value) != canonical(wanted))
                .then(|| FaultKind::Choice(vec![plain(wanted)])),
            ("enum", _) => {
                let options = wanted.as_array().map(Vec::as_slice).unwrap_or_default();
                let fits = options
                    .iter()
                    .any(|option| canonical(value) == canonical(option));
                (!fits).then(|| FaultKind::Choice(options.iter().map(plain).collect()))
            }
            ("minLength", Json::String(text)) => {
                (Some(length(text)) < limit).then_some(FaultKind::Empty)
            }
            ("maxLength", Json::String(text)) => {
                let limit = limit.filter(|limit| length(text) > *limit)?;
                let what = format!("write at most {limit} characters");
                Some(FaultKind::Form(what))
            }
            ("pattern", Json::String(text)) => {
                let pattern = wanted.as_str().unwrap_or_default();
                let fits = self.patterns.get(pattern)?.is_match(text);
                (!fits).then(|| match pattern {
                    NOT_BLANK => FaultKind::Empty,
                    _ => form(keyword),
                })
            }
            ("minItems", Json::Array(items)) => {
                (Some(count(items)) < limit).then_some(FaultKind::Empty)
            }
            ("maxItems", Json::Array(items)) => limit
                .is_some_and(|limit| count(items) > limit)
                .then(|| form(keyword)),
            ("uniqueItems", Json::Array(items)) => {
                (*wanted == Json::Bool(true) && is_repeated(items)).then_some(FaultKind::Repeated)
            }
            ("minimum", Json::Number(_)) => {
                (value.as_f64() < wanted.as_f64()).then_some(FaultKind::Range)
            }
            ("maximum", Json::Number(_)) => {
                (value.as_f64() > wanted.as_f64()).then_some(FaultKind::Range)
            }
            _ => None,
        }
    }

    /// Of schemas of which one must fit, reports the one that was meant: whose shape fits.
    fn branches(
        &self,
        keyword: &str,
        wanted: &Json,
        value: &Json,
        path: &DocPath,
        faults: &mut Vec<Fault>,
    ) {
        let mut fitting = 0;
        let mut types = Vec::new();
        let mut options = Vec::new();
        let mut meant = None;
        for branch in wanted.as_array().into_iter().flatten() {
            let mut found = Vec::new();
            self.look(branch, value, path, &mut found);
            if found.is_empty() {
                fitting += 1;
            }
            let mut is_shape = false;
            for fault in found.iter().filter(|fault| fault.path == *path) {
                match &fault.kind {
                    FaultKind::Type(expected) => {
                        types.extend(expected.iter().copied());
                        is_shape = true;
                    }
                    FaultKind::Choice(choices) => {
                        options.extend(choices.iter().cloned());
                        is_shape = true;
                    }
                    _ => {}
                }
            }
            if !is_shape {
                meant.get_or_insert(found);
            }
        }
        match fitting {
            0 => {}
            1 => return,
            _ if keyword == "anyOf" => return,
            _ => return faults.push(broken(path, keyword)),
        }
        let kind = match meant {
            Some(found) => return faults.extend(found),
            None if options.is_empty() => FaultKind::Type(types),
            None => {
                if types.contains(&"array") {
                    options.push(A_LIST.to_owned());
                }
                if types.contains(&"integer") {
                    options.push(A_NUMBER.to_owned());
                }
                FaultKind::Choice(options)
            }
        };
        let path = path.clone();
        faults.push(Fault { path, kind });
    }
}

fn broken(path: &DocPath, keyword: &str) -> Fault {
    Fault {
        path: path.clone(),
        kind: FaultKind::Form(format!("it violates `{keyword}` in the schema")),
    }
}

/// What a reference within the schema leads to.
fn target<'a>(root: &'a Json, reference: &Json) -> Option<&'a Json> {
    root.pointer(reference.as_str()?.strip_prefix('#')?)
}

/// The names of types that are known.
fn names(wanted: &Json) -> Vec<&'static str> {
    let known = |name: &str| TYPES.into_iter().find(|known| *known == name);
    match wanted {
        Json::Array(many) => many
            .iter()
            .filter_map(|name| known(name.as_str()?))
            .collect(),
        one => one.as_str().and_then(known).into_iter().collect(),
    }
}

fn is_of_type(value: &Json, name: &str) -> bool {
    match (value, name) {
        (Json::Array(_), "array")
        | (Json::Bool(_), "boolean")
        | (Json::Null, "null")
        | (Json::Number(_), "number")
        | (Json::Object(_), "object")
        | (Json::String(_), "string") => true,
        // 1.0 is a whole number too.
        (Json::Number(number), "integer") => {
            !number.is_f64() || number.as_f64().is_some_and(|number| number.fract() == 0.0)
        }
        _ => false,
    }
}

/// Keys that `properties` beside it does not name.
fn others<'a>(
    keywords: &Map<String, Json>,
    entries: &'a Map<String, Json>,
) -> impl Iterator<Item = &'a String> {
    let named = keywords.get("properties").and_then(Json::as_object);
    entries
        .keys()
        .filter(move |key| named.is_none_or(|named| !named.contains_key(*key)))
}

/// Says whether an item stands twice in a list, which can be long.
fn is_repeated(items: &[Json]) -> bool {
    let mut seen = BTreeSet::new();
    !items.iter().all(|item| seen.insert(canonical(item)))
}

/// One text for all values that are the same as JSON Schema has it: 1 and 1.0 are one number.
fn canonical(value: &Json) -> String {
    let joined = |parts: Vec<String>| parts.join(",");
    match value {
        Json::Number(number) if number.is_f64() => match number.as_f64() {
            // What a whole number of 64 bits can be is written as one.
            Some(float) if float.fract() == 0.0 && float.abs() < 9e18 => format!("{float:.0}"),
            _ => number.to_string(),
        },
        Json::Array(items) => format!("[{}]", joined(items.iter().map(canonical).collect())),
        Json::Object(entries) => {
            let mut parts: Vec<String> = entries
                .iter()
                .map(|(key, value)| format!("{}:{}", Json::from(key.as_str()), canonical(value)))
                .collect();
            parts.sort_unstable();
            format!("{{{}}}", joined(parts))
        }
        other => other.to_string(),
    }
}

fn plain(value: &Json) -> String {
    value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned)
}

#[cfg(test)]
mod tests;
