//! What access grants mark as expected after a change: more, less, or the same. A mark takes nothing out of the alarm, so this
//! never changes what [`Hearing`](super::Hearing) says.

use jiff::Timestamp;

use super::words;
use crate::policy::model::{Environment, Grant, GrantedRelation, Policy, Selection};

/// A change of grants in one environment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GrantChange {
    /// The id of the grant.
    pub id: String,
    /// Whether records are marked that were not before.
    pub marks_more: bool,
    /// What it means, in one sentence.
    pub sentence: String,
    /// Roles of the people whose work is marked.
    pub people: Vec<String>,
    /// Who answered for the grant before the change; none if it is new.
    pub owner: Option<String>,
}

/// What grants mark in an environment, before and after a change that is reviewed now.
pub fn changes(
    base: &Policy,
    head: &Policy,
    environment: &str,
    now: Timestamp,
) -> Vec<GrantChange> {
    let of = |policy: &'_ Policy| -> Vec<Grant> {
        let found = policy.environment(environment);
        found.map_or_else(Vec::new, |found: &Environment| {
            policy.grants_in(found).cloned().collect()
        })
    };
    let (before, after) = (of(base), of(head));
    let mut found = Vec::new();
    for grant in &after {
        if before.iter().any(|was| covers(was, grant)) {
            continue;
        }
        let was = before.iter().find(|was| was.id == grant.id);
        let verb = if was.is_some() { "is wider" } else { "is new" };
        let late = if grant.from < now {
            ". It begins before this review: it was written after the fact"
        } else {
            ""
        };
        found.push(GrantChange {
            id: grant.id.clone(),
            marks_more: true,
            sentence: format!(
                "the grant `{}` {verb} and marks more as expected: {}{late}",
                grant.id,
                described(grant)
            ),
            people: grant.users.clone(),
            owner: was.map(|was| was.owner.clone()),
        });
    }
    for was in &before {
        if after.iter().any(|now| covers(now, was))
            || found.iter().any(|change| change.id == was.id)
        {
            continue;
        }
        let verb = if after.iter().any(|now| now.id == was.id) {
            "is narrower"
        } else {
            "is gone"
        };
        found.push(GrantChange {
            id: was.id.clone(),
            marks_more: false,
            sentence: format!("the grant `{}` {verb} and marks less as expected", was.id),
            people: was.users.clone(),
            owner: Some(was.owner.clone()),
        });
    }
    found
}

/// Whether one grant marks everything that another marks. Two grants that do so together are not recognised: the change then
/// counts as one that marks more.
fn covers(wide: &Grant, narrow: &Grant) -> bool {
    // Taken apart, so that nothing new in a grant is forgotten here.
    let Grant {
        id: _,
        users,
        environments: _,
        databases,
        relations,
        kinds,
        from,
        until,
        reason: _,
        ticket: _,
        owner: _,
        place: _,
        places: _,
    } = wide;
    let has_databases = match (databases, &narrow.databases) {
        (Selection::All, _) => true,
        (Selection::Only(_), Selection::All) => false,
        (Selection::Only(wide), Selection::Only(narrow)) => {
            narrow.iter().all(|name| wide.contains(name))
        }
    };
    let has_relation = |narrow: &GrantedRelation| {
        relations.iter().any(|wide| {
            wide.schema == narrow.schema
                && (wide.relation.is_none() || wide.relation == narrow.relation)
        })
    };
    has_databases
        && narrow.users.iter().all(|user| users.contains(user))
        && narrow.relations.iter().all(has_relation)
        && narrow.kinds.iter().all(|kind| kinds.contains(kind))
        && *from <= narrow.from
        && narrow.until <= *until
}

/// `read of public.orders in shop by alice, from 2026-12-02T14:00:00Z until 2026-12-02T16:00:00Z`
fn described(grant: &Grant) -> String {
    let kinds: Vec<&str> = grant.kinds.iter().map(|kind| kind.name()).collect();
    let relations: Vec<String> = grant.relations.iter().map(GrantedRelation::shown).collect();
    let relations: Vec<&str> = relations.iter().map(String::as_str).collect();
    let users: Vec<&str> = grant.users.iter().map(String::as_str).collect();
    let databases = match &grant.databases {
        Selection::All => "every database".to_owned(),
        Selection::Only(names) => {
            let names: Vec<&str> = names.iter().map(String::as_str).collect();
            words::listed(&names)
        }
    };
    format!(
        "{} of {} in {databases} by {}, from {} until {}",
        words::all(&kinds),
        words::listed(&relations),
        words::listed(&users),
        grant.from,
        grant.until
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::load_from;

    const GRANT: &str = "user: [alice], environments: [prod], databases: [shop], relations: [public.orders], kinds: [read], \
         from: 2026-12-02T14:00:00Z, until: 2026-12-02T16:00:00Z";

    fn policy(grants: &[&str]) -> Policy {
        let grants: String = grants
            .iter()
            .enumerate()
            .map(|(index, grant)| {
                format!("  - {{id: CHG-{index}, {grant}, reason: a task, owner: data}}\n")
            })
            .collect();
        let loaded = load_from([
            (
                "environments/prod.yaml",
                "version: 1\nprovider: local\nfolder: live\nclusters: [shop]\n".to_owned(),
            ),
            (
                "access/grants.yaml",
                if grants.is_empty() {
                    "version: 1\ngrants: []\n".to_owned()
                } else {
                    format!("version: 1\ngrants:\n{grants}")
                },
            ),
        ]);
        let faults: Vec<_> = loaded
            .diagnostics
            .iter()
            .map(|found| found.message.clone())
            .collect();
        assert!(faults.is_empty(), "{faults:?}");
        loaded.policy
    }

    fn at(time: &str) -> Timestamp {
        time.parse().unwrap()
    }

    fn marks(before: &[&str], after: &[&str]) -> Vec<bool> {
        changes(
            &policy(before),
            &policy(after),
            "prod",
            at("2026-12-01T00:00:00Z"),
        )
        .iter()
        .map(|change| change.marks_more)
        .collect()
    }

    #[test]
    fn whatever_is_wider_marks_more() {
        assert_eq!(marks(&[GRANT], &[GRANT]), Vec::<bool>::new());
        assert_eq!(marks(&[], &[GRANT]), [true]);
        assert_eq!(marks(&[GRANT], &[]), [false]);
        for (from, to) in [
            ("[alice]", "[alice, bob]"),
            ("[shop]", "all"),
            ("[shop]", "[shop, bank]"),
            ("public.orders", "public.*"),
            ("public.orders", "\"public.orders\", \"public.users\""),
            ("[read]", "[read, write]"),
            ("02T14", "02T13"),
            ("02T16", "02T17"),
        ] {
            let wide = GRANT.replace(from, to);
            assert_ne!(wide, GRANT);
            assert_eq!(marks(&[GRANT], &[&wide]), [true], "{wide}");
            assert_eq!(marks(&[&wide], &[GRANT]), [false], "{wide}");
        }
        // Another person instead: more for one, less for the other.
        assert_eq!(marks(&[GRANT], &[&GRANT.replace("alice", "bob")]), [true]);
        // What another environment gets is not marked here.
        assert_eq!(marks(&[], &[&GRANT.replace("[prod]", "all")]), [true]);
    }

    #[test]
    fn a_sentence_names_the_work() {
        let told = |now| changes(&policy(&[]), &policy(&[GRANT]), "prod", at(now));
        let found = told("2026-12-02T14:00:00Z");
        let late = told("2026-12-02T14:00:01Z");
        assert_eq!(
            late[0].sentence,
            format!(
                "{}. It begins before this review: it was written after the fact",
                found[0].sentence
            )
        );
        assert_eq!(
            found[0].sentence,
            "the grant `CHG-0` is new and marks more as expected: read of public.orders in shop by alice, \
             from 2026-12-02T14:00:00Z until 2026-12-02T16:00:00Z"
        );
    }
}
