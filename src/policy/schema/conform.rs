//! What of a document does not fit a schema.
//!
//! The crate `jsonschema` decides. Here its errors become faults in the words of the policy: where several forms are
//! possible (`anyOf`), only the form that the author meant is spoken of.

use jsonschema::error::{TypeKind, ValidationErrorKind};
use jsonschema::{ValidationError, Validator};
use serde_json::Value as Json;

use crate::source::DocPath;

/// Represents a list among the values that a fault offers.
pub(super) const A_LIST: &str = "[NAME]";

/// Represents a whole number among the values that a fault offers.
pub(super) const A_NUMBER: &str = "NUMBER";

/// The expression that a text matches unless it is empty or blank.
const NOT_BLANK: &str = r"\S";

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

/// What of a value does not fit a schema: the first `most` errors of the validator, in its order.
pub(super) fn faults(validator: &Validator, value: &Json, most: usize) -> Vec<Fault> {
    let mut faults = Vec::new();
    for error in validator.iter_errors(value).take(most) {
        collect(&error, &mut faults);
    }
    faults.truncate(most);
    faults
}

fn collect(error: &ValidationError<'_>, faults: &mut Vec<Fault>) {
    let path = DocPath::from_pointer(error.instance_path().as_str());
    let kind = match error.kind() {
        ValidationErrorKind::AdditionalProperties { unexpected } => {
            faults.extend(unexpected.iter().map(|key| Fault {
                path: path.clone(),
                kind: FaultKind::UnknownKey(key.clone()),
            }));
            return;
        }
        ValidationErrorKind::AnyOf { context } | ValidationErrorKind::OneOfNotValid { context } => {
            return branches(path, context, faults);
        }
        ValidationErrorKind::Required { property } => FaultKind::MissingKey(plain(property)),
        ValidationErrorKind::Type { kind } => FaultKind::Type(match kind {
            TypeKind::Single(one) => vec![one.as_str()],
            TypeKind::Multiple(many) => many.iter().map(|one| one.as_str()).collect(),
        }),
        ValidationErrorKind::Constant { expected_value } => {
            FaultKind::Choice(vec![plain(expected_value)])
        }
        ValidationErrorKind::Enum { options } => FaultKind::Choice(
            options
                .as_array()
                .into_iter()
                .flatten()
                .map(plain)
                .collect(),
        ),
        ValidationErrorKind::MinLength { .. } | ValidationErrorKind::MinItems { .. } => {
            FaultKind::Empty
        }
        ValidationErrorKind::Pattern { pattern } if pattern == NOT_BLANK => FaultKind::Empty,
        ValidationErrorKind::UniqueItems => FaultKind::Repeated,
        ValidationErrorKind::Minimum { .. } | ValidationErrorKind::Maximum { .. } => {
            FaultKind::Range
        }
        ValidationErrorKind::MaxLength { limit } => {
            FaultKind::Form(format!("it can have at most {limit} characters"))
        }
        other => FaultKind::Form(format!("it breaks `{}` of the schema", other.keyword())),
    };
    faults.push(Fault { path, kind });
}

/// Of schemas of which one must fit, reports the one that was meant: the first whose shape fits.
fn branches(path: DocPath, context: &[Vec<ValidationError<'static>>], faults: &mut Vec<Fault>) {
    let (mut types, mut options) = (Vec::new(), Vec::new());
    for branch in context {
        let mut found = Vec::new();
        branch.iter().for_each(|error| collect(error, &mut found));
        let mut is_shape = false;
        for fault in found.iter().filter(|fault| fault.path == path) {
            match &fault.kind {
                FaultKind::Type(expected) => types.extend(expected.iter().copied()),
                FaultKind::Choice(choices) => options.extend(choices.iter().cloned()),
                _ => continue,
            }
            is_shape = true;
        }
        if !is_shape {
            return faults.extend(found);
        }
    }
    let kind = if options.is_empty() {
        FaultKind::Type(types)
    } else {
        if types.contains(&"array") {
            options.push(A_LIST.to_owned());
        }
        if types.contains(&"integer") {
            options.push(A_NUMBER.to_owned());
        }
        FaultKind::Choice(options)
    };
    faults.push(Fault { path, kind });
}

fn plain(value: &Json) -> String {
    value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned)
}
