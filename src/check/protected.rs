//! What no exclusion may silence: protected records, by fields alone.
//!
//! An exclusion is refused when its fields leave room for a protected record, whatever its conditions
//! on the text are: the watched person writes the text. Protected people are not judged here; the
//! compiled query keeps all that they do loud.

use super::vocabulary::{CLASSES, COMMANDS};
use super::{Check, Context};
use crate::diagnostic::{Code, Diagnostic, Diagnostics, quote, suggest};
use crate::policy::model::{Exclusion, Records};

/// See [`Code::ExclusionSilencesProtected`] and the codes of the area `protected`.
#[derive(Debug)]
pub struct ProtectedRecords;

impl Check for ProtectedRecords {
    fn run(&self, context: &Context<'_>, sink: &mut Diagnostics) {
        for entry in &context.policy.protected {
            entry_faults(entry, &PROTECTED, sink);
            for exclusion in &context.policy.exclusions {
                if let Some(message) = fault(entry, exclusion) {
                    sink.push(
                        Diagnostic::new(Code::ExclusionSilencesProtected, message)
                            .at(exclusion.match_place.clone())
                            .context(entry.place.clone(), "protected here")
                            .help(help(entry)),
                    );
                }
            }
        }
    }
}

/// What is wrong with an entry that is about records, in the words of its list.
pub(super) struct Faults {
    empty: Code,
    relation_alone: Code,
    word: Code,
    /// What an entry without a condition does.
    does_nothing: &'static str,
    /// What an entry with a word that pgAudit never prints does.
    in_vain: &'static str,
    /// The entry's relation.
    relation: &'static str,
}

const PROTECTED: Faults = Faults {
    empty: Code::ProtectedEmpty,
    relation_alone: Code::ProtectedRelationAlone,
    word: Code::ProtectedWord,
    does_nothing: "the entry has no condition, so it protects nothing",
    in_vain: "nothing is protected",
    relation: "a protected relation",
};

pub(super) const SENSITIVITY: Faults = Faults {
    empty: Code::SensitivityEmpty,
    relation_alone: Code::SensitivityRelationAlone,
    word: Code::SensitivityWord,
    does_nothing: "the entry has no condition, so it is about no records",
    in_vain: "the entry is about no records",
    relation: "the entry's relation",
};

pub(super) fn entry_faults(entry: &Records, faults: &Faults, sink: &mut Diagnostics) {
    if !entry.has_condition() {
        sink.push(
            Diagnostic::new(faults.empty, faults.does_nothing)
                .at(entry.place.clone())
                .help("write `user`, `class`, `command`, or `schema` with `relation`"),
        );
    }
    if entry.relation.is_some() && entry.schema.is_none() {
        sink.push(
            Diagnostic::new(
                faults.relation_alone,
                format!("{} has no schema", faults.relation),
            )
            .at(entry.place.clone())
            .help("add `schema`, as in `schema: public`"),
        );
    }
    for (words, known) in [(&entry.class, CLASSES), (&entry.command, COMMANDS)] {
        for word in words.iter().flatten() {
            if !known.contains(&word.as_str()) {
                sink.push(
                    Diagnostic::new(
                        faults.word,
                        format!(
                            "pgAudit never prints {}, so {}",
                            quote(word),
                            faults.in_vain
                        ),
                    )
                    .at(entry.place.clone())
                    .maybe_help(suggest(
                        word,
                        known.iter().copied(),
                        "it prints",
                    )),
                );
            }
        }
    }
}

/// Why the exclusion can silence a record of the entry; none if the fields rule it out.
fn fault(entry: &Records, exclusion: &Exclusion) -> Option<String> {
    let matcher = &exclusion.matcher;
    let id = quote(&exclusion.id);
    if let Some(users) = entry.whole_users() {
        let named = matcher
            .user
            .iter()
            .flatten()
            .find(|user| users.contains(user))?;
        return Some(format!(
            "the exclusion {id} names {}, but every statement of this role must count",
            quote(named)
        ));
    }
    let has_no_object = matcher
        .object_type
        .as_ref()
        .is_some_and(|types| types.iter().all(String::is_empty));
    let is_apart = apart(&entry.user, &matcher.user)
        || apart(&entry.database, &matcher.database)
        || apart(&entry.class, &matcher.class)
        || apart(&entry.command, &matcher.command)
        || apart(&entry.schema, &matcher.schema)
        || apart(&entry.relation, &matcher.relation)
        || (entry.schema.is_some() && has_no_object);
    (!is_apart).then(|| format!("the exclusion {id} can silence {}", describe(entry)))
}

/// Whether no value meets both conditions.
fn apart(one: &Option<Vec<String>>, other: &Option<Vec<String>>) -> bool {
    match (one, other) {
        (Some(one), Some(other)) => !one.iter().any(|value| other.contains(value)),
        _ => false,
    }
}

fn describe(entry: &Records) -> String {
    let mut parts = Vec::new();
    for (name, values) in [
        ("class", &entry.class),
        ("command", &entry.command),
        ("schema", &entry.schema),
        ("relation", &entry.relation),
        ("user", &entry.user),
        ("database", &entry.database),
    ] {
        if let Some(values) = values {
            parts.push(format!("{name} {}", quote(&values.join(", "))));
        }
    }
    format!("protected records: {}", parts.join(", "))
}

fn help(entry: &Records) -> String {
    if entry.whole_users().is_some() {
        return "remove the role from the exclusion".to_owned();
    }
    let key = if entry.schema.is_some() {
        "`schema` and `relation`, or `object_type: none`"
    } else if entry.command.is_some() {
        "`command`"
    } else {
        "`class`, `user` or `database`"
    };
    format!("narrow the exclusion by {key} so that it cannot match")
}
