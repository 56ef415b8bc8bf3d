//! Access grants, as written: the types behind `schema/access.schema.json`.

use schemars::JsonSchema;

use super::{OneOrMany, RawSelection};

/// Work that is expected: who may do what, where and when. A grant marks records and silences nothing. Any number of files
/// under `access/`.
#[derive(Debug, Clone, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "pgvigil access grants")]
#[schemars(rename = "Access")]
pub struct RawAccess {
    /// Version of the file's format.
    #[schemars(extend("const" = 1))]
    pub version: u32,
    /// Grants: each marks records as expected.
    pub grants: Vec<RawGrant>,
}

/// Work of some people that is expected for some time. Its records count as before and are marked.
#[derive(Debug, Clone, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Grant")]
pub struct RawGrant {
    /// Name of the grant, unique in the repository. Alarms show it.
    #[schemars(regex(pattern = r"^[A-Za-z0-9][A-Za-z0-9._-]*$"), length(max = 60), example = &"CHG-123")]
    pub id: String,
    /// Database roles, exact: patterns are not possible.
    #[schemars(example = &"alice")]
    pub user: OneOrMany<String>,
    /// Where the work happens: `all`, or a list of environments.
    #[schemars(example = ["prod"])]
    pub environments: RawSelection,
    /// Databases, exact: `all`, or a list.
    #[schemars(example = ["shop"])]
    pub databases: RawSelection,
    /// Relations with their schema, as `schema.relation`. `schema.*` is every relation of a schema.
    #[schemars(length(min = 1), inner(length(min = 1)), example = ["public.orders"])]
    pub relations: Vec<String>,
    /// What is done to the relations.
    #[schemars(length(min = 1), example = ["read"])]
    pub kinds: Vec<RawGrantKind>,
    /// The first moment, with its offset from UTC.
    #[schemars(regex(pattern = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}(:[0-9]{2})?(Z|[+-][0-9]{2}:[0-9]{2})$"), example = &"2026-12-02T14:00:00Z")]
    pub from: String,
    /// The first moment after it, with its offset from UTC. At most `limits.max_grant_hours` after `from`.
    #[schemars(regex(pattern = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}(:[0-9]{2})?(Z|[+-][0-9]{2}:[0-9]{2})$"), example = &"2026-12-02T17:00:00+01:00")]
    pub until: String,
    /// Why the work is needed.
    #[schemars(regex(pattern = r"\S"), example = &"correct the orders that were imported twice")]
    pub reason: String,
    /// The ticket where it was agreed.
    #[schemars(regex(pattern = r"\S"), example = &"CHG-123")]
    pub ticket: Option<String>,
    /// Who answers for it.
    #[schemars(regex(pattern = r"\S"), example = &"data-platform")]
    pub owner: String,
}

/// What a person does to a relation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "GrantKind")]
pub enum RawGrantKind {
    /// Records of class READ.
    Read,
    /// Records of class WRITE.
    Write,
    /// Records of class DDL.
    Schema,
}
