//! What an exclusion silences as a box: a set of values for each field that the server writes, and
//! the conditions on the statement.

use crate::policy::model::{Match, Statement};

use super::text;

/// A field that the server writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Field {
    User,
    Database,
    Client,
    Class,
    Command,
    ObjectType,
    Schema,
    Relation,
}

impl Field {
    pub(super) const ALL: [Self; 8] = [
        Self::User,
        Self::Database,
        Self::Client,
        Self::Class,
        Self::Command,
        Self::ObjectType,
        Self::Schema,
        Self::Relation,
    ];
}

/// Values of one field.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Values<'a> {
    All,
    /// Any name that needs no quotes: the schema of an exclusion that names only relations.
    Plain,
    /// These, sorted, each once.
    Only(Vec<&'a str>),
}

impl<'a> Values<'a> {
    fn only(values: impl Iterator<Item = &'a str>) -> Self {
        let mut values: Vec<&str> = values.collect();
        values.sort_unstable();
        values.dedup();
        Self::Only(values)
    }

    /// The values of a list; any where there is none. An empty text stays: the query takes it for a
    /// field that is missing.
    fn listed(values: &'a Option<Vec<String>>) -> Self {
        values.as_ref().map_or(Self::All, |values| {
            Self::only(values.iter().map(String::as_str))
        })
    }

    /// Says whether a value is one of these.
    pub(super) fn holds(&self, value: &str) -> bool {
        match self {
            Self::All => true,
            Self::Plain => is_plain(value),
            Self::Only(values) => values.binary_search(&value).is_ok(),
        }
    }

    /// Says whether each of these is surely one of `others`.
    pub(super) fn is_within(&self, others: &Self) -> bool {
        match (self, others) {
            (_, Self::All) | (Self::Plain, Self::Plain) => true,
            (Self::All, _) | (Self::Plain, Self::Only(_)) => false,
            (Self::Only(values), others) => values.iter().all(|value| others.holds(value)),
        }
    }

    /// Says whether `others` takes some of these, and is not too small to ever hold a share of them.
    fn can_be_shared(&self, others: &Self) -> bool {
        match (self, others) {
            (Self::Only(values), others) => values.iter().any(|value| others.holds(value)),
            (infinite, others) => infinite.is_within(others),
        }
    }
}

fn is_plain(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_lowercase() || c == '_')
        && name
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
}

/// A box of records.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Area<'a> {
    user: Values<'a>,
    database: Values<'a>,
    client: Values<'a>,
    class: Values<'a>,
    command: Values<'a>,
    object_type: Values<'a>,
    schema: Values<'a>,
    relation: Values<'a>,
    /// Conditions on the text; none if there is no condition that the query knows.
    pub(super) statement: Option<&'a Statement>,
}

impl<'a> Area<'a> {
    pub(super) fn everything() -> Self {
        Self {
            user: Values::All,
            database: Values::All,
            client: Values::All,
            class: Values::All,
            command: Values::All,
            object_type: Values::All,
            schema: Values::All,
            relation: Values::All,
            statement: None,
        }
    }

    /// What a match selects.
    pub(super) fn of(matcher: &'a Match) -> Self {
        let schema = match (&matcher.schema, &matcher.relation) {
            (None, Some(_)) => Values::Plain,
            (schema, _) => Values::listed(schema),
        };
        Self {
            user: Values::listed(&matcher.user),
            database: Values::listed(&matcher.database),
            client: Values::listed(&matcher.client),
            class: Values::listed(&matcher.class),
            command: Values::listed(&matcher.command),
            object_type: Values::listed(&matcher.object_type),
            schema,
            relation: Values::listed(&matcher.relation),
            statement: matcher
                .statement
                .as_ref()
                .filter(|statement| text::has_conditions(statement)),
        }
    }

    pub(super) fn values(&self, field: Field) -> &Values<'a> {
        match field {
            Field::User => &self.user,
            Field::Database => &self.database,
            Field::Client => &self.client,
            Field::Class => &self.class,
            Field::Command => &self.command,
            Field::ObjectType => &self.object_type,
            Field::Schema => &self.schema,
            Field::Relation => &self.relation,
        }
    }

    /// The same with other values of one field.
    pub(super) fn with(mut self, field: Field, values: Vec<&'a str>) -> Self {
        let slot = match field {
            Field::User => &mut self.user,
            Field::Database => &mut self.database,
            Field::Client => &mut self.client,
            Field::Class => &mut self.class,
            Field::Command => &mut self.command,
            Field::ObjectType => &mut self.object_type,
            Field::Schema => &mut self.schema,
            Field::Relation => &mut self.relation,
        };
        *slot = Values::only(values.into_iter());
        self
    }

    /// Says whether no record has such fields.
    pub(super) fn is_empty(&self) -> bool {
        Field::ALL
            .iter()
            .any(|field| matches!(self.values(*field), Values::Only(values) if values.is_empty()))
    }

    /// Says whether the fields of each record here are surely within the other's, the text aside.
    pub(super) fn has_fields_within(&self, other: &Self) -> bool {
        Field::ALL
            .iter()
            .all(|field| self.values(*field).is_within(other.values(*field)))
    }

    /// Says whether the other can take a share of this one's records.
    pub(super) fn can_be_shared(&self, other: &Self) -> bool {
        Field::ALL
            .iter()
            .all(|field| self.values(*field).can_be_shared(other.values(*field)))
    }
}
