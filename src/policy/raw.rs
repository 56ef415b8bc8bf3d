//! The policy as users write it: the types from which the schemas in `schema/` are generated. Users read these doc
//! comments in their editors. Nothing is resolved here; [`lower`](super::lower) does that.

pub mod grants;
pub mod notes;
pub mod route;
pub mod sensitivity;

use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;

use self::sensitivity::RawSensitivity;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{self, Deserialize, DeserializeOwned, Deserializer, MapAccess, SeqAccess, Visitor};

/// Audited people, accounts that are not audited, and noise that does not count. Any number of files under `rules/`.
#[derive(Debug, Clone, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "pgvigil rules")]
#[schemars(rename = "Rules")]
pub struct RawRules {
    /// Version of the file's format.
    #[schemars(extend("const" = 1))]
    pub version: u32,
    /// pgAudit settings of every person whose entry has no settings of its own. In one file only.
    pub audit: Option<RawAudit>,
    /// People whose access is audited.
    pub users: Option<Vec<RawUser>>,
    /// Accounts of applications that are deliberately not audited.
    pub service_accounts: Option<Vec<RawAccount>>,
    /// Roles of the platform that are not audited, such as `rdsadmin`.
    pub system_roles: Option<Vec<RawAccount>>,
    /// Patterns of records that are known to be noise and do not count.
    pub exclusions: Option<Vec<RawExclusion>>,
    /// Limits on what exclusions can do, and how many people must approve a change. In one file only.
    pub limits: Option<RawLimits>,
    /// Records that no exclusion is allowed to silence.
    pub protected: Option<Vec<RawProtected>>,
    /// How much detections matter: each has a severity and the reason for it.
    pub sensitivity: Option<Vec<RawSensitivity>>,
    /// Records that must count in every environment, regardless of the exclusions.
    pub canaries: Option<Vec<RawSample>>,
}

/// Limits on what exclusions can do. A key that is left out keeps its default.
#[derive(Debug, Clone, Default, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Limits")]
pub struct RawLimits {
    /// Maximum number of days from `created` to `expires` of an exclusion.
    #[schemars(range(min = 1, max = 3660), example = 180, extend("default" = 366))]
    pub max_life_days: Option<u32>,
    /// Maximum number of days from `created` of an exclusion to `until` of its accepted risk.
    #[schemars(range(min = 1, max = 366), example = 30, extend("default" = 90))]
    pub max_accepted_days: Option<u32>,
    /// Maximum share of people's records in a log that all exclusions together can silence, 0 to 1. `pgvigil rules
    /// impact` measures it. Default: no limit.
    #[schemars(range(min = 0.0, max = 1.0), example = 0.6)]
    pub max_silenced_share: Option<f64>,
    /// The same limit for each exclusion that does not set its own. Default: no limit.
    #[schemars(range(min = 0.0, max = 1.0), example = 0.3)]
    pub max_exclusion_share: Option<f64>,
    /// Number of people who must approve a change of the silenced records.
    #[schemars(range(max = 10), example = 1, extend("default" = 1))]
    pub approvals: Option<u32>,
    /// Number of people who must approve a change that silences more records than before.
    #[schemars(range(max = 10), example = 2, extend("default" = 2))]
    pub approvals_when_widened: Option<u32>,
    /// Longest time of an access grant, in hours from `from` to `until`.
    #[schemars(range(min = 1, max = 8760), example = 8, extend("default" = 72))]
    pub max_grant_hours: Option<u32>,
}

/// Records that no exclusion is allowed to silence. All conditions must hold; a list means "any of".
#[derive(Debug, Clone, Default, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Protected")]
pub struct RawProtected {
    /// Roles. If this is the only condition, every statement of these roles counts: no exclusion affects them.
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
    #[schemars(example = &"accounts")]
    pub relation: Option<OneOrMany<String>>,
    /// Why it is protected.
    #[schemars(regex(pattern = r"\S"), example = &"card data under PCI DSS")]
    pub reason: String,
    /// The owner: who is responsible for this entry.
    #[schemars(regex(pattern = r"\S"), example = &"security")]
    pub owner: String,
}

/// A named owner accepts the risk that a person evades the alarm through an exclusion.
#[derive(Debug, Clone, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "AcceptedRisk")]
pub struct RawAcceptedRisk {
    /// Why there is no alternative.
    #[schemars(regex(pattern = r"\S"), example = &"the tool cannot be told to ask otherwise; replaced in March")]
    pub reason: String,
    /// The owner: who is responsible for it.
    #[schemars(regex(pattern = r"\S"), example = &"security")]
    pub owner: String,
    /// Last day. From the next day, the compiled query no longer applies the exclusion.
    #[schemars(regex(pattern = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$"), example = &"2027-01-31")]
    pub until: String,
}

/// pgAudit settings. A key that is left out keeps its default.
#[derive(Debug, Clone, Default, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Audit")]
pub struct RawAudit {
    /// `pgaudit.log`: the classes of statements that are logged.
    #[schemars(example = ["all"], extend("default" = ["all"]))]
    pub log: Option<OneOrMany<RawLogClass>>,
    /// `pgaudit.log_relation`: log one record for each relation of a statement. Exclusions by schema and relation
    /// need it.
    #[schemars(extend("default" = true))]
    pub log_relation: Option<bool>,
    /// `pgaudit.log_catalog`: log statements on the system catalog too.
    #[schemars(extend("default" = true))]
    pub log_catalog: Option<bool>,
    /// `pgaudit.log_parameter`: log the values bound to a statement. They might contain personal data.
    #[schemars(extend("default" = false))]
    pub log_parameter: Option<bool>,
    /// `pgaudit.log_statement_once`: log the text only in the first record of a statement.
    #[schemars(extend("default" = false))]
    pub log_statement_once: Option<bool>,
}

/// A class of statements that pgAudit can log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "LogClass")]
pub enum RawLogClass {
    /// Every class.
    All,
    /// SELECT, and COPY from a relation or query.
    Read,
    /// INSERT, UPDATE, DELETE, TRUNCATE, and COPY into a relation.
    Write,
    /// Function calls and DO blocks.
    Function,
    /// GRANT, REVOKE, CREATE, ALTER and DROP ROLE.
    Role,
    /// DDL outside the class `role`.
    Ddl,
    /// DISCARD, FETCH, CHECKPOINT, VACUUM, SET.
    Misc,
    /// SET alone.
    MiscSet,
}

/// A person whose access is audited.
#[derive(Debug, Clone, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "User")]
pub struct RawUser {
    /// The database role, as in `pg_roles.rolname`.
    #[schemars(length(min = 1), example = &"alice")]
    pub role: String,
    /// The owner: who is responsible for this entry.
    #[schemars(regex(pattern = r"\S"), example = &"data-platform")]
    pub owner: String,
    /// The person's team.
    #[schemars(regex(pattern = r"\S"), example = &"analytics")]
    pub team: Option<String>,
    /// Where the person is audited: `all`, or a list of environments.
    #[schemars(example = &"all", example = ["prod", "staging"])]
    pub environments: RawSelection,
    /// Last day of the enrolment.
    #[schemars(regex(pattern = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$"), example = &"2027-06-30")]
    pub until: Option<String>,
    /// pgAudit settings that differ from those at the top of the file.
    pub audit: Option<RawAudit>,
    /// Email addresses that the person uses in commits. They show when a person writes an exclusion for their own
    /// role, which is not allowed.
    #[schemars(example = &"alice@example.com")]
    pub git: Option<OneOrMany<String>>,
    /// The person's name where people sign in: in single sign-on, or the ARN of an IAM identity. Alarms show it. It is
    /// what this file says: the database does not know it.
    #[schemars(regex(pattern = r"\S"), example = &"alice@example.com")]
    pub identity: Option<String>,
    /// Several people use this role. Alarms then show the name that the session gave its application, as a hint: who
    /// connects chooses it.
    #[schemars(extend("default" = false))]
    pub shared: Option<bool>,
}

/// An account that is deliberately not audited.
#[derive(Debug, Clone, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Account")]
pub struct RawAccount {
    /// The database role. Write this or `pattern`.
    #[schemars(length(min = 1), example = &"orders_api")]
    pub role: Option<String>,
    /// A portable regular expression for whole role names. Write this or `role`.
    #[schemars(length(min = 1), example = &"etl_[a-z]+")]
    pub pattern: Option<String>,
    /// Why the account is not audited.
    #[schemars(regex(pattern = r"\S"), example = &"the orders service; its statements are in its own repository")]
    pub reason: String,
    /// The owner: who is responsible for this entry.
    #[schemars(regex(pattern = r"\S"), example = &"orders-team")]
    pub owner: String,
    /// Where the account is not audited: `all`, or a list of environments.
    #[schemars(example = &"all", example = ["prod", "staging"])]
    pub environments: RawSelection,
}

/// A pattern of records that are known to be noise and do not count.
#[derive(Debug, Clone, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Exclusion")]
pub struct RawExclusion {
    /// Stable name in kebab case, unique in the repository.
    #[schemars(regex(pattern = r"^[a-z0-9]+(-[a-z0-9]+)*$"), length(max = 63), example = &"catalog-metadata")]
    pub id: String,
    /// A title of one line for readers.
    #[schemars(regex(pattern = r"\S"), example = &"Metadata queries of database clients")]
    pub title: String,
    /// What produces these records, and why they are harmless.
    #[schemars(regex(pattern = r"\S"), example = &"The whole text is SELECT 1. It reads nothing.")]
    pub reason: String,
    /// The owner: who is responsible for it.
    #[schemars(regex(pattern = r"\S"), example = &"security")]
    pub owner: String,
    /// The ticket in which the exclusion was agreed.
    #[schemars(regex(pattern = r"\S"), example = &"SEC-101")]
    pub ticket: Option<String>,
    /// The day on which the exclusion was agreed.
    #[schemars(regex(pattern = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$"), example = &"2026-11-22")]
    pub created: String,
    /// Last day. From the next day, the exclusion is an error, and the compiled query no longer applies it.
    #[schemars(regex(pattern = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$"), example = &"2027-11-21")]
    pub expires: Option<String>,
    /// A named owner accepts the risk that a person evades the alarm through this exclusion. Without this key, an
    /// evadable exclusion is an error.
    pub accepted_risk: Option<RawAcceptedRisk>,
    /// Maximum share of people's records in a log that this exclusion can silence, 0 to 1. Default: the value in
    /// `limits`.
    #[schemars(range(min = 0.0, max = 1.0), example = 0.1)]
    pub max_silenced_share: Option<f64>,
    /// Where the exclusion applies: `all`, or a list of environments.
    #[schemars(example = &"all", example = ["prod", "staging"])]
    pub environments: RawSelection,
    /// The records that it silences. All conditions must hold; a list means "any of".
    #[serde(rename = "match")]
    pub matcher: RawMatch,
    /// Records that show what the exclusion silences and what it does not. `pgvigil rules test` tests each of them.
    pub samples: Option<RawSamples>,
}

/// The conditions of an exclusion. All must hold; a list means "any of".
#[derive(Debug, Clone, Default, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Match")]
pub struct RawMatch {
    /// Exact names of roles.
    #[schemars(example = &"alice")]
    pub user: Option<OneOrMany<String>>,
    /// Exact names of databases.
    #[schemars(example = &"shop")]
    pub database: Option<OneOrMany<String>>,
    /// Exact client addresses, without the port.
    #[schemars(example = &"10.0.3.17")]
    pub client: Option<OneOrMany<String>>,
    /// Classes, as pgAudit prints them: READ, WRITE, FUNCTION, ROLE, DDL, MISC.
    #[schemars(example = &"READ")]
    pub class: Option<OneOrMany<String>>,
    /// Commands, as pgAudit prints them.
    #[schemars(example = &"SELECT")]
    pub command: Option<OneOrMany<String>>,
    /// Object types, as pgAudit prints them. `none` means that the record has no object.
    #[schemars(example = ["TABLE", "VIEW"])]
    pub object_type: Option<OneOrMany<String>>,
    /// Exact names of the object's schema.
    #[schemars(example = &"pg_catalog")]
    pub schema: Option<OneOrMany<String>>,
    /// Exact names of the object inside its schema, or `{set: NAME}` for a built-in set. Needs `schema`.
    #[schemars(example = ["pg_class", "pg_attribute"])]
    pub relation: Option<RawNames>,
    /// Conditions on the statement's text. The watched person writes this text, so such a condition can only narrow
    /// the fields above or match a whole statement.
    pub statement: Option<RawStatement>,
}

/// Conditions on the text of the statement.
#[derive(Debug, Clone, Default, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Statement")]
pub struct RawStatement {
    /// The statement has no text, like the body of a SQL function that comes with PostgreSQL.
    #[schemars(example = true)]
    pub is_empty: Option<bool>,
    /// The whole text is one of these. Letter case, white space and one final `;` do not matter.
    #[schemars(example = ["select version()"])]
    pub equals: Option<OneOrMany<String>>,
    /// The whole text matches one of these portable regular expressions.
    #[schemars(example = ["show [a-z_]+"])]
    pub matches: Option<OneOrMany<String>>,
    /// The text starts with one of these words, after white space and comments.
    #[schemars(example = ["select"])]
    pub starts_with: Option<OneOrMany<String>>,
    /// Every function that the text calls is one of these, or is in a built-in set.
    #[schemars(example = ["current_schema", "version"])]
    pub only_calls: Option<RawNames>,
    /// Types that the text is allowed to cast to, besides those of the grammar: a cast can call a function too. For
    /// use with `only_calls`. Default: `{set: harmless-types}`.
    #[schemars(example = ["regclass", "public.order_state"])]
    pub only_casts: Option<RawNames>,
    /// The text does not contain any of these.
    #[schemars(example = ["pg_authid"])]
    pub lacks: Option<OneOrMany<String>>,
    /// The text does not contain any of these as a separate word. Letter case does not matter.
    #[schemars(example = ["from", "table"])]
    pub lacks_words: Option<OneOrMany<String>>,
    /// The text does not name any of these as an object. A text constant such as `'pg_authid'` is allowed.
    #[schemars(example = ["pg_authid"])]
    pub lacks_names: Option<OneOrMany<String>>,
    /// The text contains one of these. People can type it too, so it needs `expires`.
    #[schemars(example = ["/* inventory-agent */"])]
    pub contains: Option<OneOrMany<String>>,
}

/// Records that show what an exclusion silences and what it does not.
#[derive(Debug, Clone, Default, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Samples")]
pub struct RawSamples {
    /// Records that it must silence.
    #[schemars(length(min = 1))]
    pub silences: Option<Vec<RawSample>>,
    /// Near misses that must stay loud.
    #[schemars(length(min = 1))]
    pub stays_loud: Option<Vec<RawSample>>,
}

/// An audit record.
#[derive(Debug, Clone, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Sample")]
pub struct RawSample {
    /// The role. Default: a person of the policy.
    #[schemars(example = &"alice")]
    pub user: Option<String>,
    /// Database.
    #[schemars(example = &"shop")]
    pub database: Option<String>,
    /// Client address with its port in parentheses.
    #[schemars(example = &"10.0.3.17(51234)")]
    pub client: Option<String>,
    /// Class, as pgAudit prints it.
    #[schemars(example = &"READ")]
    pub class: String,
    /// Command, as pgAudit prints it.
    #[schemars(example = &"SELECT")]
    pub command: String,
    /// Object type, as pgAudit prints it. Without it the record has no object.
    #[schemars(example = &"TABLE")]
    pub object_type: Option<String>,
    /// Object with its schema, as pgAudit prints it.
    #[schemars(example = &"pg_catalog.pg_class")]
    pub object: Option<String>,
    /// The statement's text.
    #[schemars(example = &"SELECT relname FROM pg_class")]
    pub statement: String,
}

/// Where the policy is deployed: one file for each environment, named after it. `extends` names a base, whose
/// mappings are merged key by key.
#[derive(Debug, Clone, Default, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "pgvigil environment")]
#[schemars(rename = "Environment")]
pub struct RawEnvironment {
    /// Version of the file's format.
    #[schemars(extend("const" = 1))]
    pub version: u32,
    /// Makes this file a base for other environments. A base is not deployed itself.
    #[schemars(extend("default" = false))]
    pub base: Option<bool>,
    /// The file that this one inherits values from: its name without `.yaml`.
    #[schemars(length(min = 1), example = &"base")]
    pub extends: Option<String>,
    /// A title of one line for readers.
    #[schemars(regex(pattern = r"\S"), example = &"The shop's production clusters")]
    pub title: Option<String>,
    /// Where to deploy.
    pub provider: Option<RawProvider>,
    /// AWS account: twelve digits in quotes. For `aws` only.
    #[schemars(regex(pattern = r"^[0-9]{12}$"), example = &"123456789012")]
    pub account: Option<String>,
    /// AWS region. For `aws` only.
    #[schemars(regex(pattern = r"^[a-z]{2,4}(-[a-z]+)+-[0-9]{1,2}$"), example = &"eu-central-1")]
    pub region: Option<String>,
    /// IAM role that pgvigil assumes in the account: one ARN, or one for reading and one for writing. For `aws` only.
    /// Default: the current AWS credentials.
    pub assume_role: Option<RawAssumeRole>,
    /// Folder of the `local` provider, relative to the repository.
    #[schemars(length(min = 1), example = &".pgvigil/local")]
    pub folder: Option<String>,
    /// Identifiers of watched Aurora clusters.
    #[schemars(inner(regex(pattern = r"^[a-z](-?[a-z0-9])*$"), length(max = 63)), example = ["orders-prod"])]
    pub clusters: Option<Vec<String>>,
    /// Identifiers of watched RDS instances.
    #[schemars(inner(regex(pattern = r"^[a-z](-?[a-z0-9])*$"), length(max = 63)), example = ["legacy-db"])]
    pub instances: Option<Vec<String>>,
    /// A database for each cluster or instance, for `pgvigil enrol`: the environment variable that contains its URL.
    #[schemars(example = serde_json::json!({"orders": {"from_env": "ORDERS_DATABASE_URL"}}))]
    pub databases: Option<BTreeMap<String, RawDatabase>>,
    /// `log_line_prefix` of the clusters: one of the two that RDS offers.
    #[schemars(example = &"%t:%r:%u@%d:[%p]:", example = &"%m:%r:%u@%d:[%p]:%l:%e:%s:%v:%x:%c:%q%a:", extend("default" = "%t:%r:%u@%d:[%p]:"))]
    pub log_line_prefix: Option<String>,
    /// Exclusions that apply here: `all`, or a list of ids, which can be empty.
    #[schemars(example = &"all", example = ["catalog-metadata"], extend("default" = "all"))]
    pub exclusions: Option<RawExclusionSelection>,
    /// The engine that counts records: `monitor`, a Lambda function, or `log-alarm`, CloudWatch's alarm on a log
    /// query. docs/engines.md compares their costs and limits.
    #[schemars(extend("default" = "monitor"))]
    pub engine: Option<RawEngine>,
    /// When and how the monitor runs. The engine `log-alarm` uses `schedule`, `settle_seconds` and `late_arrival_minutes`.
    pub monitor: Option<RawMonitor>,
    /// The kinds of records that are counted.
    pub signals: Option<RawSignals>,
    /// Who is notified when an alarm fires.
    pub notifications: Option<RawNotifications>,
    /// Days that CloudWatch keeps the clusters' logs.
    #[schemars(extend("enum" = RETENTION_DAYS), extend("default" = 365))]
    pub retention_days: Option<u32>,
    /// Days that CloudWatch keeps the monitor's own log, the evidence of what was detected.
    #[schemars(extend("enum" = RETENTION_DAYS), extend("default" = 365))]
    pub monitor_retention_days: Option<u32>,
    /// Protects the log groups of the clusters: CloudWatch refuses to delete them until the protection is switched
    /// off. `false` leaves the protection as it is. For `aws` only.
    #[schemars(extend("default" = false))]
    pub log_deletion_protection: Option<bool>,
    /// ARN of an IAM policy: the permissions boundary of every role of the environment. For `aws` only. Default:
    /// none; pgvigil removes a boundary that was set outside pgvigil.
    #[schemars(
        regex(pattern = r"^arn:[a-z-]+:iam::(aws|[0-9]{12}):policy/\S+$"),
        example = &"arn:aws:iam::123456789012:policy/boundary"
    )]
    pub permissions_boundary: Option<String>,
    /// Tags of every resource.
    #[schemars(example = serde_json::json!({"owner": "data-platform"}))]
    pub tags: Option<BTreeMap<String, String>>,
}

/// Where to find a database.
#[derive(Debug, Clone, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Database")]
pub struct RawDatabase {
    /// Name of the environment variable that contains the URL: user, password, host, port and database.
    #[schemars(regex(pattern = r"^[A-Za-z_][A-Za-z0-9_]*$"), example = &"ORDERS_DATABASE_URL")]
    pub from_env: String,
}

/// One role for everything, or one for reading and one for writing.
#[derive(Debug, Clone)]
pub enum RawAssumeRole {
    /// `ARN`.
    One(String),
    /// `{plan: ARN, apply: ARN}`.
    Two(RawRoles),
}

/// One role for reading and one for writing.
#[derive(Debug, Clone, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Roles")]
pub struct RawRoles {
    /// ARN of the role for reading, which `plan` and `drift` use.
    #[schemars(length(min = 1), example = &"arn:aws:iam::123456789012:role/pgvigil-plan")]
    pub plan: String,
    /// ARN of the role for writing, which `apply` uses.
    #[schemars(length(min = 1), example = &"arn:aws:iam::123456789012:role/pgvigil-apply")]
    pub apply: String,
}

/// The retention values of CloudWatch Logs (PutRetentionPolicy).
pub const RETENTION_DAYS: [u32; 22] = [
    1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922,
    3288, 3653,
];

/// Where to deploy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "Provider")]
pub enum RawProvider {
    /// Amazon Web Services.
    Aws,
    /// A folder, for experiments without AWS.
    Local,
}

/// The engine that counts records.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[schemars(rename = "Engine")]
pub enum RawEngine {
    /// A Lambda function on a schedule.
    Monitor,
    /// CloudWatch's alarm on a log query.
    LogAlarm,
}

/// Processor of the Lambda function.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize, JsonSchema)]
#[schemars(rename = "Architecture")]
pub enum RawArchitecture {
    /// AWS Graviton.
    #[serde(rename = "arm64")]
    Arm64,
    /// Intel and AMD.
    #[serde(rename = "x86_64")]
    X86,
}

/// When and how the monitor runs.
#[derive(Debug, Clone, Default, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Monitor")]
pub struct RawMonitor {
    /// Time between two runs, and the length of a window: `rate(1 minute)` to `rate(24 hours)`.
    #[schemars(regex(pattern = r"^rate\([0-9]+ (minutes?|hours?)\)$"), example = &"rate(5 minutes)", extend("default" = "rate(5 minutes)"))]
    pub schedule: Option<String>,
    /// Seconds that a run waits for records to arrive before it reads a window.
    #[schemars(range(min = 0, max = 3600), extend("default" = 120))]
    pub settle_seconds: Option<u32>,
    /// A record is counted for certain if it reaches the log group within this many minutes of its own time. A later
    /// record might never be counted.
    #[schemars(range(min = 0, max = 1440), extend("default" = 15))]
    pub late_arrival_minutes: Option<u32>,
    /// Processor.
    #[schemars(extend("default" = "arm64"))]
    pub architecture: Option<RawArchitecture>,
    /// Megabytes of memory.
    #[schemars(range(min = 128, max = 10240), extend("default" = 128))]
    pub memory_mb: Option<u32>,
    /// Seconds after which Lambda stops a run.
    #[schemars(range(min = 1, max = 900), extend("default" = 300))]
    pub timeout_seconds: Option<u32>,
    /// Concurrent runs that Lambda reserves for the function, or `none`. With `none`, other functions of the account
    /// can delay a run, and two simultaneous runs can notify people twice. An account with a limit of 10, as new
    /// accounts have, only allows `none`.
    #[schemars(example = &1, extend("default" = 1))]
    pub reserved_concurrency: Option<RawReservation>,
    /// Namespace of the metrics.
    #[schemars(regex(pattern = r"^[A-Za-z0-9._/#:-]{1,255}$"), example = &"RDSAudit/UserActivity", extend("default" = "RDSAudit/UserActivity"))]
    pub namespace: Option<String>,
    /// Metrics besides the count of each signal: counts by `command`, by `user`, and records that each exclusion
    /// silences (`suppressed`).
    #[schemars(length(max = 3), example = ["command", "user"], extend("default" = ["command"]))]
    pub metrics: Option<Vec<RawBreakdown>>,
}

/// Concurrent runs that Lambda reserves for the function.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RawReservation {
    /// This number.
    Runs(u32),
    /// `none`.
    Nothing,
}

/// Metrics that the monitor publishes besides the count of each signal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "Breakdown")]
pub enum RawBreakdown {
    /// The count of each command.
    Command,
    /// The count of each person. AWS bills a metric for each person.
    User,
    /// Records that each exclusion silences.
    Suppressed,
}

/// The kinds of records that are counted.
#[derive(Debug, Clone, Default, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Signals")]
pub struct RawSignals {
    /// Reads and writes by people, in every form. Always on; this key sets its alarm.
    pub dml: Option<RawSignal>,
    /// People create, change or remove roles, memberships and privileges, for example by `CREATE ROLE` and `GRANT`.
    /// Default: off.
    pub privilege: Option<RawSignal>,
    /// People create, change or drop tables and other objects. Default: off.
    pub schema: Option<RawSignal>,
    /// Statements and refused attempts that name pgAudit or another setting that controls the log. Default: off.
    pub audit_tampering: Option<RawSignal>,
    /// Refused attempts by people: missing privileges, and failed logins. Default: off.
    pub denied: Option<RawSignal>,
}

/// The alarm of one signal. `{}` switches a signal on.
#[derive(Debug, Clone, Default, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Signal")]
pub struct RawSignal {
    /// The alarm fires when more statements than this are counted in a window.
    #[schemars(range(min = 0, max = 1_000_000), extend("default" = 0))]
    pub threshold: Option<u32>,
}

/// Who is notified when an alarm fires.
#[derive(Debug, Clone, Default, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Notifications")]
pub struct RawNotifications {
    /// Email addresses, at most 20: each needs a tag of the topic, and a topic can have 50 tags.
    #[schemars(length(max = 20), inner(regex(pattern = r"^[^\s@]+@[^\s@]+\.[^\s@]+$")), example = ["dba@example.com"])]
    pub email: Option<Vec<String>>,
    /// HTTPS endpoints of incident platforms, at most 5. They are secrets: write references, not the addresses.
    #[schemars(length(max = 5), example = serde_json::json!([{"from_env": "INCIDENT_URL"}]))]
    pub https: Option<Vec<RawSecret>>,
    /// More receivers, each of some detections. The receivers above get everything.
    pub routes: Option<Vec<route::RawRoute>>,
    /// A second topic with messages for AWS's chat integration (Amazon Q Developer in chat applications). For the engine
    /// `monitor` only.
    #[schemars(extend("default" = false))]
    pub chat: Option<bool>,
    /// Name or ARN of an EventBridge bus that exists, as in `default`: the monitor sends one event for each new detection to it.
    /// For the engine `monitor` only. Default: no events.
    #[schemars(
        regex(pattern = r"^(arn:aws[a-z-]*:events:[a-z0-9-]+:[0-9]{12}:event-bus/)?[A-Za-z0-9._-]{1,256}$"),
        example = &"default"
    )]
    pub events: Option<String>,
    /// Address of your runbook: messages of the monitor link to it. For the engine `monitor` only.
    #[schemars(
        length(max = 500),
        regex(pattern = r"^https://[A-Za-z0-9._~:/?#\[\]@!$&()*+,;=%-]+$"),
        example = &"https://wiki.example.com/audit-alarm"
    )]
    pub runbook: Option<String>,
}

/// A reference to a secret: exactly one of the two keys.
#[derive(Debug, Clone, Default, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Secret")]
pub struct RawSecret {
    /// Name of an environment variable of the process that deploys.
    #[schemars(example = &"INCIDENT_URL")]
    pub from_env: Option<String>,
    /// Name or ARN of an AWS Secrets Manager secret.
    #[schemars(example = &"prod/incident-url")]
    pub from_secret: Option<String>,
}

/// One value, or a list of them.
#[derive(Debug, Clone)]
pub struct OneOrMany<T>(pub Vec<T>);

/// `all`, or a list of names.
#[derive(Debug, Clone)]
pub enum RawSelection {
    /// `all`.
    All,
    /// The list.
    Only(Vec<String>),
}

/// Like [`RawSelection`], but the list can be empty.
#[derive(Debug, Clone, serde::Deserialize)]
#[serde(transparent)]
pub struct RawExclusionSelection(pub RawSelection);

/// One name, one built-in set, or a list of either.
#[derive(Debug, Clone)]
pub enum RawNames {
    /// A list.
    Listed(Vec<RawName>),
    /// `{set: NAME}` alone.
    Set(String),
}

/// An entry of a list of names.
#[derive(Debug, Clone)]
pub enum RawName {
    /// The name.
    Name(String),
    /// `{set: NAME}`: all names of a built-in set.
    Set(String),
}

/// The mapping of a built-in set.
#[derive(Debug, Clone, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Set")]
pub struct RawSet {
    /// Name of a built-in set.
    #[schemars(example = &"catalog-metadata")]
    pub set: String,
}

impl<T: JsonSchema> JsonSchema for OneOrMany<T> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        format!("OneOrMany_{}", T::schema_name()).into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let mut item = generator.subschema_for::<T>();
        if item.get("type").is_some_and(|kind| kind == "string") {
            item.insert("minLength".to_owned(), 1.into());
        }
        json_schema!({ "anyOf": [item, { "type": "array", "items": item, "minItems": 1, "uniqueItems": true }] })
    }
}

impl JsonSchema for RawSelection {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Selection".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "anyOf": [
                { "const": "all" },
                { "type": "array", "items": { "type": "string", "minLength": 1 }, "minItems": 1, "uniqueItems": true },
            ]
        })
    }
}

impl JsonSchema for RawExclusionSelection {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        "ExclusionSelection".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "anyOf": [
                { "const": "all" },
                { "type": "array", "items": { "type": "string", "minLength": 1 }, "uniqueItems": true },
            ]
        })
    }
}

impl JsonSchema for RawReservation {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Reservation".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        // 1,000 is the default limit of an account ("Lambda quotas"). 0 would stop the function (PutFunctionConcurrency).
        json_schema!({
            "anyOf": [
                { "type": "integer", "minimum": 1, "maximum": 1000 },
                { "const": "none", "description": "Lambda reserves nothing." },
            ]
        })
    }
}

impl JsonSchema for RawNames {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Names".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let set = generator.subschema_for::<RawSet>();
        json_schema!({
            "anyOf": [
                { "type": "string", "minLength": 1 },
                { "type": "array", "items": { "anyOf": [{ "type": "string", "minLength": 1 }, set.clone()] }, "minItems": 1, "uniqueItems": true },
                set,
            ]
        })
    }
}

impl JsonSchema for RawAssumeRole {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        "AssumeRole".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let roles = generator.subschema_for::<RawRoles>();
        json_schema!({ "anyOf": [{ "type": "string", "minLength": 1 }, roles] })
    }
}

struct OneOrManyVisitor<T>(PhantomData<T>);

impl<'de, T: DeserializeOwned> Visitor<'de> for OneOrManyVisitor<T> {
    type Value = OneOrMany<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a word or a list of words")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Self::Value, E> {
        T::deserialize(de::value::StrDeserializer::new(text)).map(|one| OneOrMany(vec![one]))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self::Value, A::Error> {
        let mut many = Vec::new();
        while let Some(item) = items.next_element()? {
            many.push(item);
        }
        Ok(OneOrMany(many))
    }
}

impl<'de, T: DeserializeOwned> Deserialize<'de> for OneOrMany<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(OneOrManyVisitor(PhantomData))
    }
}

impl<'de> Deserialize<'de> for RawSelection {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct SelectionVisitor;

        impl<'de> Visitor<'de> for SelectionVisitor {
            type Value = RawSelection;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("`all` or a list of names")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Self::Value, E> {
                if text == "all" {
                    Ok(RawSelection::All)
                } else {
                    Err(E::invalid_value(de::Unexpected::Str(text), &self))
                }
            }

            fn visit_seq<A: SeqAccess<'de>>(self, items: A) -> Result<Self::Value, A::Error> {
                Vec::deserialize(de::value::SeqAccessDeserializer::new(items))
                    .map(RawSelection::Only)
            }
        }

        deserializer.deserialize_any(SelectionVisitor)
    }
}

impl<'de> Deserialize<'de> for RawReservation {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ReservationVisitor;

        impl Visitor<'_> for ReservationVisitor {
            type Value = RawReservation;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a whole number, or `none`")
            }

            fn visit_u64<E: de::Error>(self, number: u64) -> Result<Self::Value, E> {
                u32::try_from(number)
                    .map(RawReservation::Runs)
                    .map_err(|_| E::invalid_value(de::Unexpected::Unsigned(number), &self))
            }

            fn visit_i64<E: de::Error>(self, number: i64) -> Result<Self::Value, E> {
                u32::try_from(number)
                    .map(RawReservation::Runs)
                    .map_err(|_| E::invalid_value(de::Unexpected::Signed(number), &self))
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Self::Value, E> {
                if text == "none" {
                    Ok(RawReservation::Nothing)
                } else {
                    Err(E::invalid_value(de::Unexpected::Str(text), &self))
                }
            }
        }

        deserializer.deserialize_any(ReservationVisitor)
    }
}

impl<'de> Deserialize<'de> for RawName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct NameVisitor;

        impl<'de> Visitor<'de> for NameVisitor {
            type Value = RawName;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a name, or `{set: NAME}`")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Self::Value, E> {
                Ok(RawName::Name(text.to_owned()))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
                RawSet::deserialize(de::value::MapAccessDeserializer::new(map))
                    .map(|set| RawName::Set(set.set))
            }
        }

        deserializer.deserialize_any(NameVisitor)
    }
}

impl<'de> Deserialize<'de> for RawNames {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct NamesVisitor;

        impl<'de> Visitor<'de> for NamesVisitor {
            type Value = RawNames;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a name, a list of names, or `{set: NAME}`")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Self::Value, E> {
                Ok(RawNames::Listed(vec![RawName::Name(text.to_owned())]))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, items: A) -> Result<Self::Value, A::Error> {
                Vec::deserialize(de::value::SeqAccessDeserializer::new(items)).map(RawNames::Listed)
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
                RawSet::deserialize(de::value::MapAccessDeserializer::new(map))
                    .map(|set| RawNames::Set(set.set))
            }
        }

        deserializer.deserialize_any(NamesVisitor)
    }
}

impl<'de> Deserialize<'de> for RawAssumeRole {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct AssumeRoleVisitor;

        impl<'de> Visitor<'de> for AssumeRoleVisitor {
            type Value = RawAssumeRole;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("the ARN of a role, or `{plan: ARN, apply: ARN}`")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Self::Value, E> {
                Ok(RawAssumeRole::One(text.to_owned()))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
                RawRoles::deserialize(de::value::MapAccessDeserializer::new(map))
                    .map(RawAssumeRole::Two)
            }
        }

        deserializer.deserialize_any(AssumeRoleVisitor)
    }
}
