//! Access grants: work that is expected. A grant marks records, and silences none.

use jiff::Timestamp;

use super::{Environment, Policy, Records, Selection};
use crate::audit_log::QualifiedName;
use crate::source::{Place, Places};

/// Work of some people that is expected for some time.
#[derive(Debug, Clone)]
pub struct Grant {
    /// Its name, unique in the repository.
    pub id: String,
    /// Roles, exact.
    pub users: Vec<String>,
    /// Where it applies.
    pub environments: Selection,
    /// Databases, exact.
    pub databases: Selection,
    /// Relations.
    pub relations: Vec<GrantedRelation>,
    /// What is done to them, sorted, each once.
    pub kinds: Vec<GrantKind>,
    /// The first moment.
    pub from: Timestamp,
    /// The first moment after it.
    pub until: Timestamp,
    /// Why the work is needed.
    pub reason: String,
    /// The ticket where it was agreed.
    pub ticket: Option<String>,
    /// Who answers for it.
    pub owner: String,
    /// The `id` value in the file.
    pub place: Place,
    /// Where everything else of the entry stands.
    pub places: Places,
}

/// A relation, or all of a schema.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct GrantedRelation {
    /// Schema, without quotes.
    pub schema: String,
    /// Name inside the schema, without quotes; none for every relation of the schema.
    pub relation: Option<String>,
}

/// What a person does to a relation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum GrantKind {
    /// Class READ.
    Read,
    /// Class WRITE.
    Write,
    /// Class DDL.
    Schema,
}

impl GrantKind {
    /// Every kind.
    pub const ALL: [Self; 3] = [Self::Read, Self::Write, Self::Schema];

    /// The name in policy files and in rules.
    pub fn name(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
            Self::Schema => "schema",
        }
    }

    /// The kind of that name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// The class of pgAudit whose records are of this kind.
    pub fn class(self) -> &'static str {
        match self {
            Self::Read => "READ",
            Self::Write => "WRITE",
            Self::Schema => "DDL",
        }
    }

    /// The kind of a record's class; none for a class that no grant covers.
    pub fn of_class(class: &[u8]) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|kind| kind.class().as_bytes() == class)
    }
}

impl GrantedRelation {
    /// Reads `schema.relation` or `schema.*`. A name with other characters than letters, digits, `_` and `$` has double quotes
    /// around it, as in SQL. `None` if it is anything else.
    pub fn parse(text: &str) -> Option<Self> {
        let is_whole = text.ends_with(".*");
        // A name in the place of the star, so that one reader reads both.
        let name = match text.strip_suffix(".*") {
            Some(schema) => format!("{schema}.x"),
            None => text.to_owned(),
        };
        let parts = QualifiedName::parse(name.as_bytes())?;
        let value = |part: crate::audit_log::Identifier<'_>| {
            String::from_utf8(part.value().into_owned()).ok()
        };
        if !parts.tail.is_empty() {
            return None;
        }
        Some(Self {
            schema: value(parts.schema?)?,
            relation: if is_whole {
                None
            } else {
                Some(value(parts.name)?)
            },
        })
    }

    /// Whether a relation is meant.
    pub fn covers(&self, schema: &[u8], relation: &[u8]) -> bool {
        self.schema.as_bytes() == schema
            && self
                .relation
                .as_ref()
                .is_none_or(|name| name.as_bytes() == relation)
    }

    /// The name in messages.
    pub fn shown(&self) -> String {
        format!(
            "{}.{}",
            self.schema,
            self.relation.as_deref().unwrap_or("*")
        )
    }
}

impl Grant {
    /// Whether what an entry protects is, or may be, among what this grant covers. An entry that names classes or commands
    /// alone is left to the judge, which marks no protected record.
    pub fn meets(&self, entry: &Records) -> bool {
        let Records {
            user,
            database,
            class,
            command: _,
            schema,
            relation,
            reason: _,
            owner: _,
            place: _,
        } = entry;
        if user.is_none() && database.is_none() && schema.is_none() {
            return false;
        }
        let meets = |protected: &Option<Vec<String>>, holds: &dyn Fn(&String) -> bool| {
            protected
                .as_ref()
                .is_none_or(|values| values.iter().any(holds))
        };
        let names_relation = self.relations.iter().any(|granted| {
            meets(schema, &|name| *name == granted.schema)
                && match &granted.relation {
                    None => true,
                    Some(granted) => meets(relation, &|name| name == granted),
                }
        });
        meets(user, &|name| self.users.contains(name))
            && meets(database, &|name| self.databases.contains(name))
            && meets(class, &|name| {
                self.kinds.iter().any(|kind| kind.class() == name)
            })
            && names_relation
    }
}

impl Policy {
    /// The grants that apply in an environment.
    pub fn grants_in<'a>(
        &'a self,
        environment: &'a Environment,
    ) -> impl Iterator<Item = &'a Grant> {
        self.grants
            .iter()
            .filter(move |grant| grant.environments.contains(&environment.name))
    }
}

#[cfg(test)]
mod tests {
    use super::GrantedRelation;

    #[test]
    fn a_relation_has_one_reading() {
        let read =
            |text: &str| GrantedRelation::parse(text).map(|found| (found.schema, found.relation));
        let whole =
            |schema: &str, name: Option<&str>| Some((schema.to_owned(), name.map(str::to_owned)));
        assert_eq!(read("public.orders"), whole("public", Some("orders")));
        assert_eq!(read("public.*"), whole("public", None));
        assert_eq!(read("\"a.b\".\"C d\""), whole("a.b", Some("C d")));
        assert_eq!(read("\"a.b\".*"), whole("a.b", None));
        assert_eq!(read("public.\"*\""), whole("public", Some("*")));
        for wrong in [
            "orders", "a.b.c", "*.*", "*", "a.", ".a", "a.b c", "a.b*", "", "a.*.*",
        ] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
    }
}
