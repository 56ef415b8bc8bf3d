//! Access grants: those that would mark nothing, too much, or what is protected.
//!
//! A grant silences nothing, so none of these faults can make an alarm cover less. A mark that should not be there is worse
//! than none: a reader would believe that someone had agreed.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use super::{Check, Context};
use crate::diagnostic::{Code, Diagnostic, Diagnostics, count, quote, quote_all};
use crate::policy::model::{Grant, GrantKind, LogClass, Policy};
use crate::source::Place;

/// See the codes of the area `grant`.
#[derive(Debug)]
pub struct Grants;

impl Check for Grants {
    fn run(&self, context: &Context<'_>, sink: &mut Diagnostics) {
        let mut known: BTreeMap<&str, &Place> = BTreeMap::new();
        for grant in &context.policy.grants {
            match known.get(grant.id.as_str()) {
                Some(first) => sink.push(
                    Diagnostic::new(
                        Code::GrantDuplicateId,
                        format!("another grant has the id {}", quote(&grant.id)),
                    )
                    .label(grant.place.clone(), "used again")
                    .context((*first).clone(), "used here")
                    .help("give each grant its own id, such as the number of its ticket"),
                ),
                None => {
                    known.insert(&grant.id, &grant.place);
                }
            }
            times(grant, context, sink);
            people(grant, context.policy, sink);
            protected(grant, context.policy, sink);
            breadth(grant, sink);
        }
    }
}

fn times(grant: &Grant, context: &Context<'_>, sink: &mut Diagnostics) {
    let name = quote(&grant.id);
    if grant.until <= grant.from {
        sink.push(
            Diagnostic::new(
                Code::GrantBackwards,
                format!("the grant {name} ends before it begins"),
            )
            .label(grant.places.value("until"), "ends here")
            .context(grant.places.value("from"), "begins here")
            .help("correct one of the two times"),
        );
        return;
    }
    let longest = context.policy.limits.max_grant_hours;
    let seconds = grant.until.as_second() - grant.from.as_second();
    if seconds > i64::from(longest) * 3600 {
        let hours = u32::try_from(seconds.unsigned_abs().div_ceil(3600)).unwrap_or(u32::MAX);
        sink.push(
            Diagnostic::new(
                Code::GrantTooLong,
                format!(
                    "the grant {name} lasts {}, and the limit is {longest}",
                    count(hours, "hour")
                ),
            )
            .at(grant.places.value("until"))
            .help(format!(
                "set `until` to at most {} after `from`, and write another grant when it ends",
                count(longest, "hour")
            )),
        );
    }
    if day_of(grant.until) < context.today {
        sink.push(
            Diagnostic::new(
                Code::GrantEnded,
                format!("the grant {name} ended on {}", day_of(grant.until)),
            )
            .at(grant.places.value("until"))
            .help("delete the grant: it marks only records from before that time"),
        );
    }
}

/// The day of a time, in UTC.
fn day_of(time: Timestamp) -> Date {
    time.to_zoned_datetime(TimeZone::UTC).date()
}

fn people(grant: &Grant, policy: &Policy, sink: &mut Diagnostics) {
    for (index, role) in grant.users.iter().enumerate() {
        let place = grant.places.item("user", index);
        let entries: Vec<_> = policy
            .users
            .iter()
            .filter(|user| user.role == *role)
            .collect();
        if entries.is_empty() {
            let names = policy.users.iter().map(|user| user.role.as_str());
            sink.push(
                Diagnostic::new(
                    Code::GrantUnknownUser,
                    format!(
                        "the grant {} names {}, and `users` has no such role",
                        quote(&grant.id),
                        quote(role)
                    ),
                )
                .at(place)
                .maybe_help(crate::diagnostic::suggest(
                    role,
                    names,
                    "the roles are",
                )),
            );
            continue;
        }
        let has_relations = entries.iter().any(|user| user.audit.log_relation);
        if !has_relations {
            sink.push(
                Diagnostic::new(
                    Code::GrantMarksNothing,
                    format!(
                        "the grant {} marks nothing for {}: the records do not show which relation a statement uses",
                        quote(&grant.id),
                        quote(role)
                    ),
                )
                .at(place)
                .help("set `log_relation: true` for this person, or leave it out"),
            );
            continue;
        }
        let missing: Vec<&str> = grant
            .kinds
            .iter()
            .filter(|kind| {
                let class = match kind {
                    GrantKind::Read => LogClass::Read,
                    GrantKind::Write => LogClass::Write,
                    GrantKind::Schema => LogClass::Ddl,
                };
                !entries.iter().any(|user| {
                    user.audit.log.contains(&LogClass::All) || user.audit.log.contains(&class)
                })
            })
            .map(|kind| kind.name())
            .collect();
        if !missing.is_empty() {
            sink.push(
                Diagnostic::new(
                    Code::GrantMarksNothing,
                    format!(
                        "the grant {} marks nothing of the kind {} for {}: the server does not log it",
                        quote(&grant.id),
                        quote_all(&missing),
                        quote(role)
                    ),
                )
                .at(place)
                .help("add the class to this person's `audit.log`, or remove the kind from the grant"),
            );
        }
    }
}

fn protected(grant: &Grant, policy: &Policy, sink: &mut Diagnostics) {
    for entry in policy.protected.iter().filter(|entry| grant.meets(entry)) {
        let (place, help) = if entry.schema.is_some() {
            (
                grant.places.key("relations"),
                "list the relations without the protected ones",
            )
        } else if entry.database.is_some() {
            (
                grant.places.key("databases"),
                "list the databases without the protected ones",
            )
        } else {
            (
                grant.places.key("user"),
                "remove the role: everything that it does stays unexpected",
            )
        };
        sink.push(
            Diagnostic::new(
                Code::GrantProtected,
                format!("the grant {} covers what is protected", quote(&grant.id)),
            )
            .label(place, "covered here")
            .context(entry.place.clone(), "protected here")
            .help(help),
        );
    }
}

fn breadth(grant: &Grant, sink: &mut Diagnostics) {
    let whole = grant
        .relations
        .iter()
        .find(|relation| relation.relation.is_none());
    let (what, place) = match whole {
        Some(relation) => (
            format!("every relation of the schema {}", quote(&relation.schema)),
            grant.places.key("relations"),
        ),
        None if grant.kinds.len() == GrantKind::ALL.len() => {
            ("every kind of work".to_owned(), grant.places.key("kinds"))
        }
        None => return,
    };
    sink.push(
        Diagnostic::new(
            Code::GrantBroad,
            format!("the grant {} covers {what}", quote(&grant.id)),
        )
        .at(place)
        .help("list only the relations and the kinds that the work needs"),
    );
}
