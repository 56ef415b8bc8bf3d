//! Marks what an access grant covers. A mark never decides a verdict.
//!
//! Only fields that the server writes can give a mark: role, database, class, object type, object and time. A record that can be
//! read in two ways, that names settings of the audit log, or that the policy protects has no mark. Nothing here is remembered
//! between records: the same statement is covered at one time, and not at another.
//!
//! The text of the statement can only take a mark away. `SELECT pg_read_file('…') FROM public.orders` reads a granted relation,
//! and a file for which there is no record: a call that is not known to be harmless has no mark.

use std::collections::BTreeMap;

use foldhash::HashMap;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::facts::Facts;
use super::judging::{Judge, Read};
use super::records::{RuleRecords, Seen};
use super::{condition, names};
use crate::audit_log::object_name::{Identifier, QualifiedName};
use crate::audit_log::timestamp::NO_TIME;
use crate::policy::model::{self, GrantKind, Selection};

fn seen<'a>(facts: &Facts<'a>, schema: &'a [u8], relation: &'a [u8]) -> Seen<'a> {
    Seen {
        user: facts.user,
        database: facts.database,
        class: facts.class,
        command: facts.command,
        object: Some((schema, relation)),
    }
}

/// Object types that are relations, as pgAudit prints them.
const RELATIONS: [&[u8]; 6] = [
    b"TABLE",
    b"VIEW",
    b"MATERIALIZED VIEW",
    b"FOREIGN TABLE",
    b"SEQUENCE",
    b"INDEX",
];

/// The grant that covers a record.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Expected {
    /// Its id.
    pub grant: String,
    /// When it ends, in milliseconds since 1970.
    pub until_ms: i64,
}

impl Expected {
    /// When the grant ends, in UTC.
    pub fn until(&self) -> String {
        Timestamp::from_millisecond(self.until_ms)
            .map_or_else(|_| self.until_ms.to_string(), |time| time.to_string())
    }
}

/// One grant, as far as the judge looks at it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RuleGrant {
    /// Its id.
    pub id: String,
    /// Roles.
    pub users: Vec<String>,
    /// Databases; every one where there are none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub databases: Option<Vec<String>>,
    /// Schemas, each with the relations in it; every one where there are none.
    pub relations: Vec<(String, Option<String>)>,
    /// Names of kinds.
    pub kinds: Vec<String>,
    /// The first moment.
    pub from: Timestamp,
    /// The first moment after it.
    pub until: Timestamp,
}

impl RuleGrant {
    /// What the judge looks at of a grant.
    pub fn of(grant: &model::Grant) -> Self {
        Self {
            id: grant.id.clone(),
            users: grant.users.clone(),
            databases: match &grant.databases {
                Selection::All => None,
                Selection::Only(names) => Some(names.clone()),
            },
            relations: grant
                .relations
                .iter()
                .map(|granted| (granted.schema.clone(), granted.relation.clone()))
                .collect(),
            kinds: grant
                .kinds
                .iter()
                .map(|kind| kind.name().to_owned())
                .collect(),
            from: grant.from,
            until: grant.until,
        }
    }
}

/// The grants of an environment, ready to judge.
#[derive(Debug, Default)]
pub(super) struct Grants {
    all: Vec<Grant>,
    /// The places of grants in `all`, by role: a record looks up its own.
    by_role: HashMap<Box<[u8]>, ByRole>,
    never: Vec<RuleRecords>,
}

/// Grants of one role.
#[derive(Debug, Default)]
struct ByRole {
    /// By relation: the schema, a zero byte, the name. No name in PostgreSQL contains that byte.
    by_relation: HashMap<Box<[u8]>, Vec<u32>>,
    /// Of whole schemas.
    by_schema: HashMap<Box<[u8]>, Vec<u32>>,
}

#[derive(Debug)]
struct Grant {
    id: String,
    databases: Option<Vec<String>>,
    relations: Vec<(String, Option<String>)>,
    kinds: Vec<GrantKind>,
    from_ms: i64,
    until_ms: i64,
}

/// The times between which a record was written, in milliseconds since 1970; none where a time is not known.
pub(super) type Span = Option<(i64, i64)>;

/// A span of times that are all known.
pub(super) fn span(oldest_ms: Option<i64>, newest_ms: Option<i64>) -> Span {
    let known = |ms: &i64| *ms < NO_TIME;
    Some((oldest_ms.filter(known)?, newest_ms.filter(known)?))
}

/// Schema and name of a relation whose reading is certain.
pub(super) fn name_of(text: &[u8]) -> Option<(Vec<u8>, Vec<u8>)> {
    let name = QualifiedName::parse(text)?;
    let certain = |part: Identifier<'_>| {
        let is_quoted = part.printed.first() == Some(&b'"');
        let is_plain = part
            .printed
            .iter()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || *byte == b'_');
        (is_quoted || is_plain).then(|| part.value().into_owned())
    };
    if !name.tail.is_empty() {
        return None;
    }
    Some((certain(name.schema?)?, certain(name.name)?))
}

fn relation_key(schema: &[u8], relation: &[u8]) -> Box<[u8]> {
    [schema, b"\0", relation].concat().into()
}

impl Grants {
    pub(super) fn of(grants: &[RuleGrant], never: &[RuleRecords]) -> Self {
        let mut by_role: HashMap<Box<[u8]>, ByRole> = HashMap::default();
        let mut all = Vec::new();
        for grant in grants {
            let Ok(number) = u32::try_from(all.len()) else {
                break;
            };
            for user in &grant.users {
                let of_role = by_role.entry(user.as_bytes().into()).or_default();
                for (schema, relation) in &grant.relations {
                    let numbers = match relation {
                        Some(relation) => of_role
                            .by_relation
                            .entry(relation_key(schema.as_bytes(), relation.as_bytes())),
                        None => of_role.by_schema.entry(schema.as_bytes().into()),
                    };
                    numbers.or_default().push(number);
                }
            }
            all.push(Grant {
                id: grant.id.clone(),
                databases: grant.databases.clone(),
                relations: grant.relations.clone(),
                kinds: grant
                    .kinds
                    .iter()
                    .filter_map(|name| GrantKind::named(name))
                    .collect(),
                from_ms: grant.from.as_millisecond(),
                until_ms: grant.until.as_millisecond(),
            });
        }
        Self {
            all,
            by_role,
            never: never.to_vec(),
        }
    }

    pub(super) fn ids(&self) -> impl Iterator<Item = &str> {
        self.all.iter().map(|grant| grant.id.as_str())
    }

    pub(super) fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// The grant that covers a record that counts: the one that ends last, then by id.
    pub(super) fn covering(&self, read: Read<'_, '_>, span: Span) -> Option<Expected> {
        let Read::Record(prefix, record) = read else {
            return None;
        };
        let of_role = self.by_role.get(prefix.user)?;
        let (oldest_ms, newest_ms) = span?;
        let kind = GrantKind::of_class(record.class)?;
        if !RELATIONS.contains(&record.object_type?) {
            return None;
        }
        let (schema, relation) = name_of(&record.object_name?.decoded())?;
        let named = of_role.by_relation.get(&relation_key(&schema, &relation));
        let whole = of_role.by_schema.get(schema.as_slice());
        let fits = |grant: &&Grant| {
            grant.kinds.contains(&kind)
                && grant.from_ms <= oldest_ms
                && newest_ms < grant.until_ms
                && is_database(grant, prefix.database)
        };
        let best = named
            .into_iter()
            .chain(whole)
            .flatten()
            .filter_map(|number| self.all.get(*number as usize))
            .filter(fits)
            .max_by(|one, other| (one.until_ms, &other.id).cmp(&(other.until_ms, &one.id)))?;
        let facts = Facts::of(prefix, record, None);
        let is_never = self
            .never
            .iter()
            .any(|entry| entry.holds(&seen(&facts, &schema, &relation)));
        (!is_never && !facts.tampers() && more_than_relations(&facts).is_none()).then(|| Expected {
            grant: best.id.clone(),
            until_ms: best.until_ms,
        })
    }
}

/// What else the statement does than to use relations, if anything; nothing where its text was not logged.
pub(super) fn more_than_relations(facts: &Facts<'_>) -> Option<String> {
    let sql = facts.statement.as_ref()?;
    let (functions, types) = (names::harmless_functions(), names::harmless_types());
    let is_plain = names::are_all_listed(sql.text(), sql.reading(), &functions, &types);
    (!is_plain).then(|| condition::unlisted(sql, &functions, &types))
}

fn is_database(grant: &Grant, database: &[u8]) -> bool {
    grant
        .databases
        .as_ref()
        .is_none_or(|names| names.iter().any(|name| name.as_bytes() == database))
}

/// What a grant of a record's role says to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GrantAnswer {
    /// Its id.
    pub id: String,
    /// Why it does not cover the record: the key of the grant, and the reason. None if it covers it.
    pub fails: Option<(&'static str, String)>,
}

impl Judge {
    /// What each grant of the role says to an entry that counts; nothing if the entry can be read in two ways, or has no role.
    pub(super) fn grant_answers(&self, read: Read<'_, '_>, span: Span) -> Vec<GrantAnswer> {
        let Read::Record(prefix, record) = read else {
            return Vec::new();
        };
        let Some(of_role) = self.grants.by_role.get(prefix.user) else {
            return Vec::new();
        };
        let facts = Facts::of(prefix, record, None);
        let object = record
            .object_name
            .map(|name| name.decoded().into_owned())
            .unwrap_or_default();
        let name = name_of(&object);
        let mut numbers: Vec<u32> = of_role
            .by_relation
            .values()
            .chain(of_role.by_schema.values())
            .flatten()
            .copied()
            .collect();
        numbers.sort_unstable();
        numbers.dedup();
        let grants = numbers
            .iter()
            .filter_map(|number| self.grants.all.get(*number as usize));
        let mut answers: BTreeMap<String, Option<(&'static str, String)>> = BTreeMap::new();
        for grant in grants {
            let fails = self.fails(grant, &facts, &object, name.as_ref(), span);
            answers.insert(grant.id.clone(), fails);
        }
        answers
            .into_iter()
            .map(|(id, fails)| GrantAnswer { id, fails })
            .collect()
    }

    fn fails(
        &self,
        grant: &Grant,
        facts: &Facts<'_>,
        object: &[u8],
        name: Option<&(Vec<u8>, Vec<u8>)>,
        span: Span,
    ) -> Option<(&'static str, String)> {
        use super::explain::quote;
        if !is_database(grant, facts.database) {
            return Some((
                "databases",
                format!("the record is from the database {}", quote(facts.database)),
            ));
        }
        match GrantKind::of_class(facts.class) {
            None => {
                return Some((
                    "kinds",
                    format!("no grant covers the class {}", quote(facts.class)),
                ));
            }
            Some(kind) if !grant.kinds.contains(&kind) => {
                return Some(("kinds", format!("the record is a `{}`", kind.name())));
            }
            Some(_) => {}
        }
        let Some((schema, relation)) = name.filter(|_| RELATIONS.contains(&facts.object_type))
        else {
            let why = if object.is_empty() {
                "the record names no relation".to_owned()
            } else {
                format!("the object {} is not a relation", quote(object))
            };
            return Some(("relations", why));
        };
        let has_relation = grant.relations.iter().any(|(of, name)| {
            of.as_bytes() == schema.as_slice()
                && name
                    .as_ref()
                    .is_none_or(|name| name.as_bytes() == relation.as_slice())
        });
        if !has_relation {
            return Some(("relations", format!("the relation is {}", quote(object))));
        }
        let Some((oldest_ms, newest_ms)) = span else {
            return Some(("from", "the time of the record is not certain".to_owned()));
        };
        let shown = |ms| {
            Expected {
                grant: String::new(),
                until_ms: ms,
            }
            .until()
        };
        if oldest_ms < grant.from_ms {
            return Some((
                "from",
                format!(
                    "the grant begins at {}, and the record is from {}",
                    shown(grant.from_ms),
                    shown(oldest_ms)
                ),
            ));
        }
        if newest_ms >= grant.until_ms {
            return Some((
                "until",
                format!(
                    "the grant ended at {}, and the record is from {}",
                    shown(grant.until_ms),
                    shown(newest_ms)
                ),
            ));
        }
        if self
            .grants
            .never
            .iter()
            .any(|entry| entry.holds(&seen(facts, schema, relation)))
        {
            return Some((
                "protected",
                "the record is protected: no grant covers it".to_owned(),
            ));
        }
        if facts.tampers() {
            return Some((
                "audit",
                "it names a setting that decides what is logged: no grant covers such a record"
                    .to_owned(),
            ));
        }
        more_than_relations(facts).map(|what| {
            (
                "statement",
                format!(
                    "{what}: a grant covers only statements whose calls are known to be harmless"
                ),
            )
        })
    }
}

#[cfg(test)]
mod tests;
