//! How much detections matter, as written.

use schemars::JsonSchema;

use super::OneOrMany;

/// Detections of these records have this severity. All conditions must hold; a list means "any of". If several entries
/// apply to a record, the highest severity decides.
#[derive(Debug, Clone, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Sensitivity")]
pub struct RawSensitivity {
    /// The severity. A record to which no entry applies has `medium`.
    pub severity: RawSeverity,
    /// Signals that count the record.
    #[schemars(example = &"privilege")]
    pub signal: Option<OneOrMany<RawSignalName>>,
    /// Database roles.
    #[schemars(example = &"break_glass")]
    pub user: Option<OneOrMany<String>>,
    /// Databases.
    #[schemars(example = &"payments")]
    pub database: Option<OneOrMany<String>>,
    /// Classes, as pgAudit prints them.
    #[schemars(example = &"WRITE")]
    pub class: Option<OneOrMany<String>>,
    /// Commands, as pgAudit prints them.
    #[schemars(example = &"TRUNCATE TABLE")]
    pub command: Option<OneOrMany<String>>,
    /// Schemas of the object.
    #[schemars(example = &"public")]
    pub schema: Option<OneOrMany<String>>,
    /// Names of the object inside its schema. Needs `schema`.
    #[schemars(example = &"cards")]
    pub relation: Option<OneOrMany<String>>,
    /// Why these records matter as much. Alarms show it.
    #[schemars(regex(pattern = r"\S"), example = &"card data under PCI DSS")]
    pub reason: String,
    /// The owner: who is responsible for this entry.
    #[schemars(regex(pattern = r"\S"), example = &"security")]
    pub owner: String,
}

/// How much a detection matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "Severity")]
pub enum RawSeverity {
    /// It can wait for the next working day.
    Low,
    /// What a record has to which no entry applies.
    Medium,
    /// Someone should look today.
    High,
    /// Someone should look now.
    Critical,
}

/// A signal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "SignalName")]
pub enum RawSignalName {
    /// Reads and writes by people.
    Dml,
    /// Roles, memberships and privileges that change.
    Privilege,
    /// Objects that are made, changed or dropped.
    Schema,
    /// Statements that name a setting that decides what is logged.
    AuditTampering,
    /// What people are refused.
    Denied,
}
