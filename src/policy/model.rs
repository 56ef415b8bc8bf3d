//! What the policy files mean: valid, resolved, without YAML.
//!
//! [`lower`](super::lower) makes it from the raw types; everything after that reads only this.
//! Values that a diagnostic may point at keep a [`Place`].

mod grants;
mod notes;
mod records;
mod route;
mod severity;

use std::fmt;
use std::path::PathBuf;

use jiff::civil::Date;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::audit_log::prefix::LogLinePrefix;
use crate::source::{Place, Places};

use super::pattern::Pattern;

pub use grants::{Grant, GrantKind, GrantedRelation};
pub use notes::{Finding, Note};
pub use records::{Records, Sensitivity};
pub use route::{ANY, COMBINATIONS_MAX, Route, Share};
pub use severity::Severity;

/// All policy files of one repository.
#[derive(Debug, Clone, Default)]
pub struct Policy {
    /// Audited people, in the order of the files.
    pub users: Vec<User>,
    /// A file contains `users: []`: no one is audited yet, and the author knows it.
    pub is_nobody_yet: bool,
    /// Accounts that are deliberately not audited, in the order of the files.
    pub service_accounts: Vec<ServiceAccount>,
    /// Exclusions, in the order of the files.
    pub exclusions: Vec<Exclusion>,
    /// Environments that can be deployed (bases are resolved and gone), sorted by name.
    pub environments: Vec<Environment>,
    /// What exclusions may do at most.
    pub limits: Limits,
    /// What no exclusion may silence, in the order of the files.
    pub protected: Vec<Records>,
    /// How much detections matter, in the order of the files.
    pub sensitivity: Vec<Sensitivity>,
    /// Records that must count in every environment, in the order of the files.
    pub canaries: Vec<Sample>,
    /// Work that is expected, in the order of the files.
    pub grants: Vec<Grant>,
}

impl Policy {
    /// The environment of that name.
    pub fn environment(&self, name: &str) -> Option<&Environment> {
        self.environments
            .iter()
            .find(|environment| environment.name == name)
    }

    /// The people audited in an environment on a day: an entry past its `until` is no longer one.
    pub fn users_in<'a>(
        &'a self,
        environment: &'a Environment,
        today: Date,
    ) -> impl Iterator<Item = &'a User> {
        self.users.iter().filter(move |user| {
            user.environments.contains(&environment.name)
                && user.until.is_none_or(|until| today <= until)
        })
    }

    /// The service accounts that are not audited in an environment.
    pub fn service_accounts_in<'a>(
        &'a self,
        environment: &'a Environment,
    ) -> impl Iterator<Item = &'a ServiceAccount> {
        self.service_accounts
            .iter()
            .filter(move |account| account.environments.contains(&environment.name))
    }

    /// The exclusions that apply in an environment: those it selects and that select it.
    pub fn exclusions_in<'a>(
        &'a self,
        environment: &'a Environment,
    ) -> impl Iterator<Item = &'a Exclusion> {
        self.exclusions.iter().filter(move |exclusion| {
            exclusion.environments.contains(&environment.name)
                && environment.exclusions.contains(&exclusion.id)
        })
    }
}

/// What exclusions may do at most, and who has to agree.
#[derive(Debug, Clone, PartialEq)]
pub struct Limits {
    /// Days between `created` and `expires`.
    pub max_life_days: u32,
    /// Days between `created` and the end of an accepted risk.
    pub max_accepted_days: u32,
    /// Share of people's records in a log that all exclusions together may silence: 0 to 1.
    pub max_silenced_share: Option<f64>,
    /// The same for each exclusion that names no share of its own.
    pub max_exclusion_share: Option<f64>,
    /// How many people have to approve a change of exclusions or accounts.
    pub approvals: u32,
    /// The same for a change that silences more.
    pub approvals_when_widened: u32,
    /// Hours between `from` and `until` of a grant.
    pub max_grant_hours: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_life_days: 366,
            max_accepted_days: 90,
            max_silenced_share: None,
            max_exclusion_share: None,
            approvals: 1,
            approvals_when_widened: 2,
            max_grant_hours: 72,
        }
    }
}

/// `all`, or the listed names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Selection {
    /// Every one there is, now and later.
    All,
    Only(Vec<String>),
}

impl Selection {
    /// Says whether a name is selected.
    pub fn contains(&self, name: &str) -> bool {
        match self {
            Self::All => true,
            Self::Only(names) => names.iter().any(|selected| selected == name),
        }
    }
}

/// A class of statements that pgAudit can log (`pgaudit.log`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LogClass {
    All,
    /// SELECT, and COPY from a relation or query.
    Read,
    /// INSERT, UPDATE, DELETE, TRUNCATE, and COPY into a relation.
    Write,
    /// Function calls and DO blocks.
    Function,
    /// GRANT, REVOKE, CREATE, ALTER and DROP ROLE.
    Role,
    /// DDL that is not of class ROLE.
    Ddl,
    /// DISCARD, FETCH, CHECKPOINT, VACUUM, SET.
    Misc,
    MiscSet,
}

impl fmt::Display for LogClass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::All => "all",
            Self::Read => "read",
            Self::Write => "write",
            Self::Function => "function",
            Self::Role => "role",
            Self::Ddl => "ddl",
            Self::Misc => "misc",
            Self::MiscSet => "misc_set",
        })
    }
}

/// The pgAudit settings of one person, defaults filled in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditSettings {
    /// `pgaudit.log`: the classes that are logged, sorted, never empty.
    pub log: Vec<LogClass>,
    /// `pgaudit.log_relation`: one record for each relation of a statement.
    pub log_relation: bool,
    /// `pgaudit.log_catalog`: statements whose relations are all in `pg_catalog` are logged too.
    pub log_catalog: bool,
    /// `pgaudit.log_parameter`: values bound to a statement are logged.
    pub log_parameter: bool,
    /// `pgaudit.log_statement_once`: only the first record of a statement contains the text.
    pub log_statement_once: bool,
}

/// A person whose access is audited.
#[derive(Debug, Clone)]
pub struct User {
    /// Database role, as `pg_roles.rolname` has it: at most 63 bytes.
    pub role: String,
    /// Who answers for the entry.
    pub owner: String,
    /// The team the person works in.
    pub team: Option<String>,
    /// Where the person is audited.
    pub environments: Selection,
    /// Last day of the enrolment.
    pub until: Option<Date>,
    pub audit: AuditSettings,
    /// Addresses with which the person signs commits in Git.
    pub git: Vec<String>,
    /// The person's name where people sign in: single sign-on, or IAM.
    pub identity: Option<String>,
    /// Several people use the role.
    pub is_shared: bool,
    /// The `role` value in the file.
    pub place: Place,
    /// Where everything else of the entry stands.
    pub places: Places,
}

/// Which roles a service account entry stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RoleMatch {
    /// One role, by its exact name.
    Name(String),
    /// Every role whose whole name matches this pattern.
    Pattern(Pattern),
}

impl RoleMatch {
    /// Whether a role is meant.
    pub fn takes(&self, role: &[u8]) -> bool {
        match self {
            Self::Name(name) => name.as_bytes() == role,
            Self::Pattern(pattern) => pattern.is_whole_name(role),
        }
    }

    /// The name or the pattern, as written.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Name(name) => name,
            Self::Pattern(pattern) => pattern.as_str(),
        }
    }
}

/// An account that is deliberately not audited.
#[derive(Debug, Clone)]
pub struct ServiceAccount {
    pub role: RoleMatch,
    /// Why it is not audited.
    pub reason: String,
    /// Who answers for the entry.
    pub owner: String,
    /// Where it is not audited.
    pub environments: Selection,
    /// A role of the platform (`rdsadmin`, …) rather than of an application.
    pub system: bool,
    /// The `role` or `pattern` value in the file.
    pub place: Place,
    /// Where everything else of the entry stands.
    pub places: Places,
}

/// A pattern of proven noise that does not count.
#[derive(Debug, Clone)]
pub struct Exclusion {
    /// Stable name: kebab-case, unique in the repository.
    pub id: String,
    /// One line for people.
    pub title: String,
    /// Why what it silences is harmless.
    pub reason: String,
    /// Who answers for it.
    pub owner: String,
    /// The ticket where it was agreed.
    pub ticket: Option<String>,
    pub created: Date,
    pub expires: Option<Date>,
    /// A named owner accepts the risk that a person evades the alarm through it.
    pub accepted_risk: Option<AcceptedRisk>,
    /// Share of people's records in a log that it may silence: 0 to 1.
    pub max_silenced_share: Option<f64>,
    pub environments: Selection,
    /// What it silences: every condition must hold.
    pub matcher: Match,
    /// Records it must silence.
    pub silences: Vec<Sample>,
    /// Near misses that must stay loud.
    pub stays_loud: Vec<Sample>,
    /// The `id` value in the file.
    pub place: Place,
    /// The `match` key in the file.
    pub match_place: Place,
    /// Where everything else of the entry stands.
    pub places: Places,
}

impl Exclusion {
    /// Whether its risk is accepted on a day.
    pub fn is_risk_accepted(&self, today: Date) -> bool {
        self.accepted_risk
            .as_ref()
            .is_some_and(|risk| today <= risk.until)
    }

    /// Whether it can silence anything on a day.
    pub fn is_alive(&self, day: Date) -> bool {
        self.last_day().is_none_or(|last| day <= last)
    }

    /// The last day on which it silences anything.
    pub fn last_day(&self) -> Option<Date> {
        let accepted = self.accepted_risk.as_ref().map(|risk| risk.until);
        match (self.expires, accepted) {
            (Some(expires), Some(until)) => Some(expires.min(until)),
            (expires, until) => expires.or(until),
        }
    }
}

/// An exclusion that people can hide behind, knowingly and not for long.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AcceptedRisk {
    /// Why there is no better way.
    pub reason: String,
    /// Who answers for it.
    pub owner: String,
    pub until: Date,
}

/// The conditions of an exclusion. All that are present must hold; a list means "any of".
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Match {
    /// Roles (`%u` of the prefix), exact.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<Vec<String>>,
    /// Databases (`%d` of the prefix), exact.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub database: Option<Vec<String>>,
    /// Client addresses without the port (`%r` of the prefix), exact.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client: Option<Vec<String>>,
    /// Classes, as pgAudit prints them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub class: Option<Vec<String>>,
    /// Commands, as pgAudit prints them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub command: Option<Vec<String>>,
    /// Object types, as pgAudit prints them; the empty text is "no object in the record".
    #[serde(skip_serializing_if = "Option::is_none")]
    pub object_type: Option<Vec<String>>,
    /// Schemas of the object, exact.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub schema: Option<Vec<String>>,
    /// Names of the object inside its schema, exact; a set is already resolved to its names.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub relation: Option<Vec<String>>,
    /// What the statement's text must look like.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub statement: Option<Statement>,
}

/// Conditions on the text of the statement, which the watched person writes: they can only narrow
/// what the fields above select, or stand for a whole statement.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Statement {
    /// The record has a statement without any text, as the body of a system function has.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub is_empty: bool,
    /// The whole text is one of these: letter case, amount of white space and one final `;` do not matter.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub equals: Option<Vec<String>>,
    /// The whole text matches one of these patterns.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub matches: Option<Vec<Pattern>>,
    /// The text starts with one of these words, after white space and comments; letter case does not matter.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub starts_with: Option<Vec<String>>,
    /// Every function called in the text is one of these, and the text holds nothing that could hide a call.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub only_calls: Option<Vec<String>>,
    /// Types that the text may cast to, beside those of the grammar, where `only_calls` is given; without it those of the
    /// set `harmless-types`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub only_casts: Option<Vec<String>>,
    /// The text contains none of these, in any letter case.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lacks: Option<Vec<String>>,
    /// The text contains none of these as a separate word, in any letter case.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lacks_words: Option<Vec<String>>,
    /// None of these is named as an object: a text constant that begins with one (`'pg_authid'`) is fine.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lacks_names: Option<Vec<String>>,
    /// The text contains one of these. That alone proves nothing, so other conditions are needed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub contains: Option<Vec<String>>,
}

impl Match {
    /// The conditions, each once, in the order in which they are explained: what the server writes comes first.
    ///
    /// Code that must handle every condition matches on [`Condition`], so a forgotten new one is a compile error.
    pub fn conditions(&self) -> Vec<Condition<'_>> {
        let Self {
            user,
            database,
            client,
            class,
            command,
            object_type,
            schema,
            relation,
            statement,
        } = self;
        let fields = [
            (Field::Class, class),
            (Field::Command, command),
            (Field::ObjectType, object_type),
            (Field::User, user),
            (Field::Database, database),
            (Field::Client, client),
        ];
        let mut conditions: Vec<Condition<'_>> = fields
            .into_iter()
            .filter_map(|(field, values)| Some(Condition::OneOf(field, values.as_deref()?)))
            .collect();
        if schema.is_some() || relation.is_some() {
            conditions.push(Condition::Object {
                schemas: schema.as_deref(),
                relations: relation.as_deref(),
            });
        }
        if let Some(statement) = statement {
            conditions.push(Condition::Text(TextCondition::Logged));
            conditions.extend(statement.conditions().into_iter().map(Condition::Text));
        }
        conditions
    }
}

impl Statement {
    /// Whether the whole text is given, word by word or by a pattern.
    pub fn is_whole(&self) -> bool {
        self.equals.is_some() || self.matches.is_some()
    }

    /// The conditions on the text, each once. `equals` and `matches` are one: the whole text is one of either.
    pub fn conditions(&self) -> Vec<TextCondition<'_>> {
        let Self {
            is_empty,
            equals,
            matches,
            starts_with,
            only_calls,
            only_casts,
            lacks,
            lacks_words,
            lacks_names,
            contains,
        } = self;
        let mut conditions = Vec::new();
        if *is_empty {
            conditions.push(TextCondition::Empty);
        }
        if self.is_whole() {
            conditions.push(TextCondition::Whole {
                equals: equals.as_deref().unwrap_or_default(),
                matches: matches.as_deref().unwrap_or_default(),
            });
        }
        conditions.extend(starts_with.as_deref().map(TextCondition::StartsWith));
        if let Some(functions) = only_calls {
            conditions.push(TextCondition::OnlyCalls {
                functions,
                types: only_casts.as_deref(),
            });
        }
        conditions.extend(lacks.as_deref().map(TextCondition::Lacks));
        conditions.extend(lacks_words.as_deref().map(TextCondition::LacksWords));
        conditions.extend(lacks_names.as_deref().map(TextCondition::LacksNames));
        conditions.extend(contains.as_deref().map(TextCondition::Contains));
        conditions
    }
}

/// A field of a record that a condition compares with a list of values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Field {
    User,
    Database,
    /// Client address without the port.
    Client,
    Class,
    Command,
    /// Object type; the empty text is "no object in the record".
    ObjectType,
}

impl Field {
    /// The key in policy files, below `match`.
    pub fn key(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Database => "database",
            Self::Client => "client",
            Self::Class => "class",
            Self::Command => "command",
            Self::ObjectType => "object_type",
        }
    }
}

/// One condition of an exclusion.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Condition<'a> {
    /// The field has one of these values.
    OneOf(Field, &'a [String]),
    /// The object is in one of these schemas, and has one of these names in it. Without schemas its schema has any name
    /// that needs no quotes.
    Object {
        schemas: Option<&'a [String]>,
        /// Names inside the schema.
        relations: Option<&'a [String]>,
    },
    /// The statement's text meets this.
    Text(TextCondition<'a>),
}

/// One condition on the text of a statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TextCondition<'a> {
    /// pgAudit logged the text.
    Logged,
    /// There is no text at all.
    Empty,
    /// The whole text is one of these.
    Whole {
        /// Texts: letter case, the amount of white space and one final `;` do not matter.
        equals: &'a [String],
        matches: &'a [Pattern],
    },
    /// It starts with one of these words.
    StartsWith(&'a [String]),
    /// It calls only these functions, and casts only to these types.
    OnlyCalls {
        functions: &'a [String],
        /// Types; those of the set `harmless-types` where none are named.
        types: Option<&'a [String]>,
    },
    /// It holds none of these.
    Lacks(&'a [String]),
    /// It holds none of these as a word of its own.
    LacksWords(&'a [String]),
    /// It names none of these.
    LacksNames(&'a [String]),
    /// It holds one of these.
    Contains(&'a [String]),
}

/// A record for which an exclusion promises something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sample {
    /// Role; a person of the policy where the file names none.
    pub user: Option<String>,
    pub database: Option<String>,
    /// Client address with port, as `%r` prints it.
    pub client: Option<String>,
    pub class: String,
    pub command: String,
    /// Object type; empty where the record has no object.
    pub object_type: String,
    /// Object name as pgAudit prints it; empty where the record has no object.
    pub object: String,
    /// Text of the statement.
    pub statement: String,
    /// The sample in the file.
    pub place: Place,
}

/// Where an environment's artefacts are deployed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Provider {
    Aws,
    /// A folder, for trying things out and for tests.
    Local,
}

/// What a log group belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClusterKind {
    /// An Aurora cluster: `/aws/rds/cluster/NAME/postgresql`.
    Aurora,
    /// An RDS instance: `/aws/rds/instance/NAME/postgresql`.
    Instance,
}

/// One watched cluster or instance.
#[derive(Debug, Clone)]
pub struct Cluster {
    /// Its identifier in RDS: at most 63 characters.
    pub name: String,
    pub kind: ClusterKind,
    /// The value in the file.
    pub place: Place,
}

impl Cluster {
    /// The log group that RDS publishes the PostgreSQL log to (Aurora user guide, "Publishing Aurora
    /// PostgreSQL logs to Amazon CloudWatch Logs").
    pub fn log_group(&self) -> String {
        let kind = match self.kind {
            ClusterKind::Aurora => "cluster",
            ClusterKind::Instance => "instance",
        };
        format!("/aws/rds/{kind}/{}/postgresql", self.name)
    }
}

/// Processor of the Lambda function.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Architecture {
    Arm64,
    X86_64,
}

impl Architecture {
    /// The name in policy files, and Lambda's.
    pub fn name(self) -> &'static str {
        match self {
            Self::Arm64 => "arm64",
            Self::X86_64 => "x86_64",
        }
    }
}

/// What the monitor publishes besides the count of each signal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Breakdown {
    /// The count of each command.
    Command,
    /// The count of each person.
    User,
    /// What each exclusion silences.
    Suppressed,
}

impl Breakdown {
    pub const ALL: [Self; 3] = [Self::Command, Self::User, Self::Suppressed];

    /// The name in policy files and in the monitor's variables.
    pub fn name(self) -> &'static str {
        match self {
            Self::Command => "command",
            Self::User => "user",
            Self::Suppressed => "suppressed",
        }
    }
}

/// When and how the monitor runs.
#[derive(Debug, Clone)]
pub struct Monitor {
    /// Minutes between two runs, and length of one window: 1 to 1440.
    pub window_minutes: u32,
    /// Seconds that a run waits for records to arrive before it reads a window.
    pub settle_seconds: u32,
    /// Minutes within which a late record is still counted.
    pub late_arrival_minutes: u32,
    pub architecture: Architecture,
    /// Megabytes of memory: 128 to 10240.
    pub memory_mb: u32,
    /// Seconds after which Lambda stops a run: 1 to 900.
    pub timeout_seconds: u32,
    /// Concurrent runs that Lambda keeps free for the function; `None` where it reserves nothing.
    pub reserved_concurrency: Option<u32>,
    /// Namespace of the metrics.
    pub namespace: String,
    /// What is published beside the count of each signal, sorted, each once.
    pub metrics: Vec<Breakdown>,
}

/// The named selections that are counted.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Signal {
    /// Reads and writes by people, in every form.
    Dml,
    /// Roles, memberships and privileges that are made, changed or taken away (class ROLE).
    Privilege,
    /// Objects that are made, changed or dropped (class DDL).
    Schema,
    /// Whoever names pgAudit, or another setting that decides what is logged.
    AuditTampering,
    /// What people are refused: no audit record tells it, the error's own entry does.
    Denied,
}

impl Signal {
    /// Every signal, in the order of results.
    pub const ALL: [Self; 5] = [
        Self::Dml,
        Self::Privilege,
        Self::Schema,
        Self::AuditTampering,
        Self::Denied,
    ];

    /// The name in policy files, queries and results.
    pub fn name(self) -> &'static str {
        match self {
            Self::Dml => "dml",
            Self::Privilege => "privilege",
            Self::Schema => "schema",
            Self::AuditTampering => "audit_tampering",
            Self::Denied => "denied",
        }
    }

    /// The signal of that name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|signal| signal.name() == name)
    }
}

/// The alarm of one signal.
#[derive(Debug, Clone)]
pub struct SignalSettings {
    pub signal: Signal,
    /// The alarm fires when more statements than this are counted in a window.
    pub threshold: u32,
}

/// A value that stays outside the files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Secret {
    /// Name of an environment variable of the deploying process.
    FromEnv(String),
    /// Name or ARN of an AWS Secrets Manager secret.
    FromSecret(String),
}

/// People and endpoints to notify when an alarm fires.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Notification {
    Email(String),
    /// An HTTPS endpoint of an incident platform.
    Https(Secret),
}

/// IAM roles that pgvigil takes on, by ARN.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Roles {
    /// For what reads: `plan`, `drift`.
    pub plan: String,
    /// For what writes: `apply`.
    pub apply: String,
}

/// The AWS partition that a region belongs to.
pub fn partition(region: &str) -> &'static str {
    if region.starts_with("cn-") {
        "aws-cn"
    } else if region.starts_with("us-gov-") {
        "aws-us-gov"
    } else {
        "aws"
    }
}

/// What counts, and tells people.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Engine {
    /// A Lambda function on a schedule, with metrics and alarms on them.
    Monitor,
    /// CloudWatch's own alarms on a log query: no function, no metrics.
    LogAlarm,
}

impl Engine {
    /// The name in policy files.
    pub fn name(self) -> &'static str {
        match self {
            Self::Monitor => "monitor",
            Self::LogAlarm => "log-alarm",
        }
    }
}

/// A place where the policy is deployed.
#[derive(Debug, Clone)]
pub struct Environment {
    /// Its name: the file's name without `.yaml`.
    pub name: String,
    /// One line for people.
    pub title: Option<String>,
    pub provider: Provider,
    /// AWS account: twelve digits. Present when the provider is AWS.
    pub account: Option<String>,
    pub region: Option<String>,
    /// Roles that pgvigil takes on in the account; the credentials as they are found where there are none.
    pub assume_role: Option<Roles>,
    /// The folder of the local provider, relative to the repository.
    pub folder: Option<PathBuf>,
    /// Watched clusters and instances, at least one.
    pub clusters: Vec<Cluster>,
    /// Variables that hold the URL of a database, by cluster or instance.
    pub databases: Vec<(String, String)>,
    /// `log_line_prefix` of those clusters.
    pub log_line_prefix: LogLinePrefix,
    /// Exclusions that apply here.
    pub exclusions: Selection,
    pub engine: Engine,
    pub monitor: Monitor,
    /// What is counted, at least `dml`, in the order of [`Signal::ALL`].
    pub signals: Vec<SignalSettings>,
    /// The default receivers: they get everything.
    pub notifications: Vec<Notification>,
    /// More receivers, each of some detections.
    pub routes: Vec<Route>,
    /// A second topic has the messages for AWS's chat integration.
    pub chat: bool,
    /// Name or ARN of the EventBridge bus that gets an event for each new detection.
    pub events: Option<String>,
    /// The address of the runbook that messages link to.
    pub runbook: Option<String>,
    /// Days that CloudWatch keeps the clusters' logs.
    pub retention_days: u32,
    /// Days that CloudWatch keeps the monitor's own log: the record of detection.
    pub monitor_retention_days: u32,
    /// The clusters' log groups are protected from deletion (`PutLogGroupDeletionProtection`). Otherwise it is left as it is.
    pub log_deletion_protection: bool,
    /// ARN of the policy that bounds what every role can be allowed (`PutRolePermissionsBoundary`).
    pub permissions_boundary: Option<String>,
    /// Tags of every resource, sorted by key.
    pub tags: Vec<(String, String)>,
    pub place: Place,
    /// Where its values stand: those of a base stand in the base's file.
    pub places: Places,
    /// Names of the files that it is made of: its own, then what it extends.
    pub files: Vec<String>,
    /// SHA-256, in hexadecimal, of the rules and of those files: paths and texts with `\n` as line end.
    pub digest: String,
}
