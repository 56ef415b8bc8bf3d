//! What an exclusion opens outside the system schemas: relations that hold people's data, and that any user can read
//! unheard without a trick.

use std::collections::BTreeSet;

use crate::check::relations::SYSTEM_SCHEMAS;
use crate::policy::model::{Condition, Exclusion, Field, Match, TextCondition};

/// Relations that a sentence lists.
const LISTED: usize = 5;

/// The relations outside the system schemas that a match takes: `schema.relation`, with `*` for any.
fn relations(matcher: &Match) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let is_without_object = matcher
        .object_type
        .as_ref()
        .is_some_and(|types| types.iter().all(String::is_empty));
    if is_without_object {
        return found;
    }
    let any = ["*".to_owned()];
    let (schemas, relations) = match (&matcher.schema, &matcher.relation) {
        (None, None) => {
            // A text that is given word by word shows by itself what it reads.
            if reads_anything(matcher) {
                found.insert("*.*".to_owned());
            }
            return found;
        }
        (schemas, relations) => (
            schemas.as_deref().unwrap_or(&any),
            relations.as_deref().unwrap_or(&any),
        ),
    };
    for schema in schemas
        .iter()
        .filter(|schema| !SYSTEM_SCHEMAS.contains(&schema.as_str()))
    {
        for relation in relations {
            found.insert(format!("{schema}.{relation}"));
        }
    }
    found
}

/// Whether the text may read what it likes.
pub(super) fn reads_anything(matcher: &Match) -> bool {
    !matcher
        .conditions()
        .iter()
        .any(|condition| match condition {
            Condition::Text(TextCondition::Logged | TextCondition::OnlyCalls { .. })
            | Condition::OneOf(..)
            | Condition::Object { .. } => false,
            Condition::Text(
                TextCondition::Empty
                | TextCondition::Whole { .. }
                | TextCondition::StartsWith(_)
                | TextCondition::Lacks(_)
                | TextCondition::LacksWords(_)
                | TextCondition::LacksNames(_)
                | TextCondition::Contains(_),
            ) => true,
        })
}

/// What the exclusion takes now and did not.
pub(super) fn opened(now: &Exclusion, before: Option<&Exclusion>) -> Vec<String> {
    let old = before
        .map(|before| relations(&before.matcher))
        .unwrap_or_default();
    let is_known = |relation: &String| {
        let schema = relation.split_once('.').map_or("", |(schema, _)| schema);
        old.contains(relation) || old.contains("*.*") || old.contains(&format!("{schema}.*"))
    };
    relations(&now.matcher)
        .into_iter()
        .filter(|relation| !is_known(relation))
        .collect()
}

/// What that means, in one sentence.
pub(super) fn sentence(exclusion: &Exclusion, opened: &[String]) -> String {
    let matcher = &exclusion.matcher;
    let list = |field: Field| {
        matcher
            .conditions()
            .into_iter()
            .find_map(|condition| match condition {
                Condition::OneOf(known, values) if known == field => Some(values.to_vec()),
                Condition::OneOf(..) | Condition::Object { .. } | Condition::Text(_) => None,
            })
    };
    let who = list(Field::User).map_or("all users'".to_owned(), |users| {
        let users: Vec<String> = users.iter().map(|user| format!("{user}'s")).collect();
        users.join(" and ")
    });
    let classes = list(Field::Class).unwrap_or_default();
    let classes: Vec<&str> = classes.iter().map(String::as_str).collect();
    let (what, anyhow) = match classes.as_slice() {
        ["READ"] => ("reads", "whatever they select"),
        ["WRITE"] => ("writes", "whatever they change"),
        ["READ", "WRITE"] | ["WRITE", "READ"] => {
            ("reads and writes", "whatever they select or change")
        }
        _ => ("records", "whatever the statement is"),
    };
    let mut shown: Vec<String> = opened
        .iter()
        .take(LISTED)
        .map(|relation| match relation.as_str() {
            "*.*" => "every relation".to_owned(),
            relation => match relation.split_once('.') {
                Some(("*", name)) => format!("{name} in any schema"),
                Some((schema, "*")) => format!("every relation in {schema}"),
                _ => relation.to_owned(),
            },
        })
        .collect();
    if opened.len() > shown.len() {
        shown.push(format!("{} more", opened.len() - shown.len()));
    }
    let mut text = format!("{who} {what} of {} become silent", shown.join(", "));
    for (field, before) in [
        (Field::Database, "in the database"),
        (Field::Client, "from"),
    ] {
        if let Some(values) = list(field) {
            text.push_str(&format!(" {before} {}", values.join(", ")));
        }
    }
    if reads_anything(matcher) {
        text.push_str(&format!(", {anyhow}"));
    } else {
        text.push_str(", in every statement that meets its conditions on the text");
    }
    text
}
