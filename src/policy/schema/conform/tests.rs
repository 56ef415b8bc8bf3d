//! The same faults as the crate `jsonschema` finds, on whole documents and on damaged ones.

use jsonschema::error::{TypeKind, ValidationErrorKind};
use jsonschema::{ValidationError, Validator};
use proptest::prelude::*;
use proptest::sample::Index;
use serde_json::json;

use super::*;
use crate::policy::schema::{DocumentSchema, ENVIRONMENT, NOTES, RULES};
use crate::source::SourceFiles;
use crate::source::yaml::{self, InvalidAs};

/// What the crate says, in our words.
fn expected(validator: &Validator, value: &Json) -> Vec<Fault> {
    let mut faults = Vec::new();
    for error in validator.iter_errors(value) {
        collect(&error, &mut faults);
    }
    faults.sort();
    faults
}

fn collect(error: &ValidationError<'_>, faults: &mut Vec<Fault>) {
    let path = DocPath::from_pointer(error.instance_path().as_str());
    let mut push = |kind| {
        faults.push(Fault {
            path: path.clone(),
            kind,
        })
    };
    match error.kind() {
        ValidationErrorKind::AdditionalProperties { unexpected } => {
            unexpected
                .iter()
                .for_each(|key| push(FaultKind::UnknownKey(key.clone())));
        }
        ValidationErrorKind::Required { property } => {
            push(FaultKind::MissingKey(property.as_str().unwrap().to_owned()));
        }
        ValidationErrorKind::Type { kind } => push(FaultKind::Type(match kind {
            TypeKind::Single(one) => vec![one.as_str()],
            TypeKind::Multiple(many) => many.iter().map(|one| one.as_str()).collect(),
        })),
        ValidationErrorKind::Constant { expected_value } => {
            push(FaultKind::Choice(vec![plain(expected_value)]))
        }
        ValidationErrorKind::Enum { options } => push(FaultKind::Choice(
            options.as_array().unwrap().iter().map(plain).collect(),
        )),
        ValidationErrorKind::MinLength { .. } | ValidationErrorKind::MinItems { .. } => {
            push(FaultKind::Empty)
        }
        ValidationErrorKind::Pattern { pattern } if pattern == NOT_BLANK => push(FaultKind::Empty),
        ValidationErrorKind::UniqueItems => push(FaultKind::Repeated),
        ValidationErrorKind::Minimum { .. } | ValidationErrorKind::Maximum { .. } => {
            push(FaultKind::Range)
        }
        ValidationErrorKind::AnyOf { context } | ValidationErrorKind::OneOfNotValid { context } => {
            branches(&path, context, faults)
        }
        ValidationErrorKind::MaxLength { limit } => {
            push(FaultKind::Form(format!("write at most {limit} characters")))
        }
        other => push(FaultKind::Form(format!(
            "it violates `{}` in the schema",
            other.keyword()
        ))),
    }
}

fn branches(path: &DocPath, context: &[Vec<ValidationError<'static>>], faults: &mut Vec<Fault>) {
    let (mut types, mut options, mut meant) = (Vec::new(), Vec::new(), None);
    for branch in context {
        let mut found = Vec::new();
        branch.iter().for_each(|error| collect(error, &mut found));
        let mut is_shape = false;
        for fault in found.iter().filter(|fault| fault.path == *path) {
            match &fault.kind {
                FaultKind::Type(expected) => types.extend(expected.iter().copied()),
                FaultKind::Choice(choices) => options.extend(choices.iter().cloned()),
                _ => continue,
            }
            is_shape = true;
        }
        if !is_shape {
            meant.get_or_insert(found);
        }
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

fn found(schema: &Json, value: &Json) -> Vec<Fault> {
    let mut faults = Conformance::of(schema)
        .unwrap()
        .faults(schema, value, usize::MAX);
    faults.sort();
    faults
}

/// Both say the same; returns how many faults that were.
#[track_caller]
fn agree(schema: &Json, validator: &Validator, value: &Json) -> usize {
    let found = found(schema, value);
    assert_eq!(found, expected(validator, value), "{value:#}");
    found.len()
}

fn validator(schema: &DocumentSchema) -> Validator {
    jsonschema::validator_for(&schema.json).unwrap()
}

fn document(text: &str) -> Json {
    let mut files = SourceFiles::default();
    let file = files.add("rules/a.yaml".to_owned(), text);
    yaml::parse(&files, file)
        .root
        .unwrap()
        .to_json(InvalidAs::Null)
}

/// The shipped policy and some notes, with which a mutation begins.
fn shipped() -> [(Json, &'static DocumentSchema); 5] {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    [
        ("rules/exclusions.yaml", &RULES),
        ("rules/users.yaml", &RULES),
        ("environments/local.yaml", &ENVIRONMENT),
        ("environments/production.yaml", &ENVIRONMENT),
        ("tests/cases/good/notes/2026-11.yaml", &NOTES),
    ]
    .map(|(path, schema)| {
        let text = std::fs::read_to_string(root.join(path)).unwrap();
        (document(&text), &**schema)
    })
}

#[test]
fn the_shipped_policy_fits() {
    for (value, schema) in shipped() {
        assert_eq!(agree(&schema.json, &validator(schema), &value), 0);
    }
}

/// Values that break something at most places.
fn odd() -> Vec<Json> {
    vec![
        json!(null),
        json!(true),
        json!(-1),
        json!(0),
        json!(1.0),
        json!(2),
        json!(7.5),
        json!(1e300),
        json!(u64::MAX),
        json!(""),
        json!(" \t"),
        json!("all"),
        json!("alle"),
        json!("2026-11-22"),
        json!("é".repeat(300)),
        json!([]),
        json!(["all"]),
        json!(["a", "a"]),
        json!(["a", 1, 1.0]),
        json!([["a"], ["a"]]),
        json!([{"x": 1, "y": 2}, {"y": 2.0, "x": 1}]),
        json!({}),
        json!({"equals": []}),
        json!({"from_env": "X"}),
        json!({"unknown": {"deep": [1]}}),
    ]
}

/// Every route into a value.
fn routes(value: &Json, here: String, all: &mut Vec<String>) {
    match value {
        Json::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                routes(item, format!("{here}/{index}"), all);
            }
        }
        Json::Object(entries) => {
            for (key, value) in entries {
                routes(value, format!("{here}/{key}"), all);
            }
        }
        _ => {}
    }
    all.push(here);
}

#[test]
fn one_damage_at_every_place() {
    let mut faults = 0;
    for (value, schema) in shipped() {
        let validator = validator(schema);
        let mut all = Vec::new();
        routes(&value, String::new(), &mut all);
        // The many exclusions are alike: every third place of them is enough.
        for (route, odd) in all.iter().step_by(3).zip(odd().iter().cycle()) {
            let mut damaged = value.clone();
            *damaged.pointer_mut(route).unwrap() = odd.clone();
            faults += agree(&schema.json, &validator, &damaged);
        }
        for route in all.iter().step_by(5) {
            let mut damaged = value.clone();
            if let Some(entries) = damaged.pointer_mut(route).unwrap().as_object_mut() {
                entries.insert("colour".to_owned(), json!("red"));
                let first = entries.keys().next().cloned();
                first.and_then(|key| entries.remove(&key));
                faults += agree(&schema.json, &validator, &damaged);
            }
        }
    }
    assert!(faults > 100, "{faults}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn several_damages(which in 0usize..5, damages in prop::collection::vec((any::<Index>(), any::<Index>()), 1..6)) {
        let (mut value, schema) = shipped().into_iter().nth(which).unwrap();
        for (place, odd_one) in damages {
            let mut all = Vec::new();
            routes(&value, String::new(), &mut all);
            let route: &String = place.get(&all);
            *value.pointer_mut(route).unwrap() = odd_one.get(&odd()).clone();
        }
        agree(&schema.json, &validator(schema), &value);
    }
}

#[test]
fn small_schemas() {
    for (schema, fits, breaks) in [
        (json!({"type": "integer"}), json!(1.0), json!(1.5)),
        (json!({"type": ["null", "string"]}), json!(null), json!(1)),
        (json!({"const": 1}), json!(1.0), json!("1")),
        (
            json!({"enum": [[1], {"a": 1}]}),
            json!({"a": 1.0}),
            json!([2]),
        ),
        (
            json!({"minLength": 2, "maxLength": 3}),
            json!("éé"),
            json!("éééé"),
        ),
        (
            json!({"minItems": 1, "maxItems": 1}),
            json!([1]),
            json!([1, 2]),
        ),
        (json!({"minimum": 0.5, "maximum": 1}), json!(1), json!(0)),
        (
            json!({"uniqueItems": true}),
            json!([1, "1", [1]]),
            json!([1, 1.0]),
        ),
        (json!({"pattern": "^[a-z]+$"}), json!("ab"), json!("a\n")),
        (
            json!({"oneOf": [{"minimum": 1}, {"maximum": 5}]}),
            json!(0),
            json!(3),
        ),
        (
            json!({"anyOf": [{"minimum": 1}, {"maximum": 5}]}),
            json!(3),
            json!(null),
        ),
        (
            json!({"items": {"$ref": "#/$defs/A"}, "$defs": {"A": {"type": "string"}}}),
            json!(["a"]),
            json!([1]),
        ),
        (
            json!({"properties": {"a": true}, "additionalProperties": false}),
            json!({"a": 1}),
            json!({"b": 1}),
        ),
        (
            json!({"additionalProperties": {"type": "string"}}),
            json!({"b": "x"}),
            json!({"b": 1}),
        ),
        (
            json!({"properties": {"a": false}}),
            json!({}),
            json!({"a": 1}),
        ),
    ] {
        let validator = jsonschema::validator_for(&schema).unwrap();
        assert_eq!(agree(&schema, &validator, &fits), 0, "{schema}");
        // No type fits a number and a missing one: that branch says so.
        let is_null = breaks.is_null();
        assert_eq!(
            agree(&schema, &validator, &breaks) > 0,
            !is_null,
            "{schema}"
        );
    }
}

#[test]
fn what_is_not_understood_is_refused() {
    for schema in [
        json!({"not": {}}),
        json!({"properties": {"a": {"multipleOf": 2}}}),
        json!({"$defs": {"A": {"if": true}}}),
        json!({"anyOf": [{"prefixItems": []}]}),
        json!({"items": {"pattern": "("}}),
        json!({"type": "text"}),
        json!({"$ref": "https://example.com/schema"}),
        json!({"$ref": "#/$defs/Nowhere"}),
        json!({"minLength": -1}),
        json!("string"),
    ] {
        assert!(Conformance::of(&schema).is_err(), "{schema}");
    }
}
