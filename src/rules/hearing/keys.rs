//! Every key of the policy files: whether it decides what the alarm covers, or why not. A test compares the list with the
//! schemas.

use Key::{Heard, Marks, Nothing, Silenced};

/// How a key relates to what the alarm covers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Key {
    /// A change of it is judged here.
    Heard,
    /// It decides what is silent: [`direction`](crate::rules::direction) judges it.
    Silenced,
    /// It decides what is marked as expected, which takes nothing out of the alarm: [`grants`](super::grants) judges it.
    Marks,
    /// It does not affect what the alarm covers, for this reason.
    Nothing(&'static str),
}

const PEOPLE_READ_IT: &str = "it is a text for readers: no decision depends on it";
const NAMES_WHO_ANSWERS: &str = "it names the person who is responsible for the entry";
const FORM: &str = "the format of the file";

/// Keys that include everything below them: conditions, samples, references.
pub const WHOLE: &[&str] = &[
    "exclusions/match",
    "exclusions/samples",
    "canaries",
    "databases",
    "notifications/https",
    "notifications/routes",
    "assume_role",
    "tags",
];

/// The keys of `rules/*.yaml`, by their way through the file.
pub const RULES: &[(&str, Key)] = &[
    ("version", Nothing(FORM)),
    ("audit", Heard),
    ("audit/log", Heard),
    ("audit/log_relation", Heard),
    ("audit/log_catalog", Heard),
    ("audit/log_parameter", Heard),
    ("audit/log_statement_once", Heard),
    ("users", Heard),
    ("users/role", Heard),
    ("users/owner", Heard),
    ("users/team", Heard),
    ("users/environments", Heard),
    ("users/until", Heard),
    ("users/audit", Heard),
    ("users/audit/log", Heard),
    ("users/audit/log_relation", Heard),
    ("users/audit/log_catalog", Heard),
    ("users/audit/log_parameter", Heard),
    ("users/audit/log_statement_once", Heard),
    ("users/git", Heard),
    ("users/identity", Nothing(PEOPLE_READ_IT)),
    ("users/shared", Nothing(PEOPLE_READ_IT)),
    ("service_accounts", Silenced),
    ("service_accounts/role", Silenced),
    ("service_accounts/pattern", Silenced),
    ("service_accounts/reason", Nothing(PEOPLE_READ_IT)),
    ("service_accounts/owner", Nothing(NAMES_WHO_ANSWERS)),
    ("service_accounts/environments", Silenced),
    ("system_roles", Silenced),
    ("system_roles/role", Silenced),
    ("system_roles/pattern", Silenced),
    ("system_roles/reason", Nothing(PEOPLE_READ_IT)),
    ("system_roles/owner", Nothing(NAMES_WHO_ANSWERS)),
    ("system_roles/environments", Silenced),
    ("exclusions", Silenced),
    ("exclusions/id", Silenced),
    ("exclusions/title", Nothing(PEOPLE_READ_IT)),
    ("exclusions/reason", Nothing(PEOPLE_READ_IT)),
    ("exclusions/owner", Nothing(NAMES_WHO_ANSWERS)),
    ("exclusions/ticket", Nothing(PEOPLE_READ_IT)),
    (
        "exclusions/created",
        Nothing("only `check` uses it, to apply `limits.max_life_days`"),
    ),
    ("exclusions/expires", Heard),
    ("exclusions/accepted_risk", Heard),
    ("exclusions/accepted_risk/until", Heard),
    ("exclusions/accepted_risk/reason", Nothing(PEOPLE_READ_IT)),
    ("exclusions/accepted_risk/owner", Nothing(NAMES_WHO_ANSWERS)),
    ("exclusions/max_silenced_share", Heard),
    ("exclusions/environments", Silenced),
    ("exclusions/match", Silenced),
    ("exclusions/samples", Heard),
    ("limits", Heard),
    ("limits/max_life_days", Heard),
    ("limits/max_accepted_days", Heard),
    ("limits/max_silenced_share", Heard),
    ("limits/max_exclusion_share", Heard),
    ("limits/approvals", Heard),
    ("limits/approvals_when_widened", Heard),
    ("limits/max_grant_hours", Heard),
    ("protected", Heard),
    ("protected/user", Heard),
    ("protected/database", Heard),
    ("protected/class", Heard),
    ("protected/command", Heard),
    ("protected/schema", Heard),
    ("protected/relation", Heard),
    ("protected/reason", Nothing(PEOPLE_READ_IT)),
    ("protected/owner", Nothing(NAMES_WHO_ANSWERS)),
    ("sensitivity", Heard),
    ("sensitivity/severity", Heard),
    ("sensitivity/signal", Heard),
    ("sensitivity/user", Heard),
    ("sensitivity/database", Heard),
    ("sensitivity/class", Heard),
    ("sensitivity/command", Heard),
    ("sensitivity/schema", Heard),
    ("sensitivity/relation", Heard),
    ("sensitivity/reason", Nothing(PEOPLE_READ_IT)),
    ("sensitivity/owner", Nothing(NAMES_WHO_ANSWERS)),
    ("canaries", Heard),
];

/// The keys of `access/*.yaml`.
pub const ACCESS: &[(&str, Key)] = &[
    ("version", Nothing(FORM)),
    ("grants", Marks),
    (
        "grants/id",
        Nothing("messages show it, and nothing else uses it"),
    ),
    ("grants/user", Marks),
    ("grants/environments", Marks),
    ("grants/databases", Marks),
    ("grants/relations", Marks),
    ("grants/kinds", Marks),
    ("grants/from", Marks),
    ("grants/until", Marks),
    ("grants/reason", Nothing(PEOPLE_READ_IT)),
    ("grants/ticket", Nothing(PEOPLE_READ_IT)),
    ("grants/owner", Nothing(NAMES_WHO_ANSWERS)),
];

const OF_NOTES: &str =
    "notes are evidence of what became of detections: no rule, digest or resource depends on them";

/// The keys of `notes/*.yaml`.
pub const NOTES: &[(&str, Key)] = &[
    ("version", Nothing(FORM)),
    ("notes", Nothing(OF_NOTES)),
    ("notes/id", Nothing(OF_NOTES)),
    ("notes/detections", Nothing(OF_NOTES)),
    ("notes/finding", Nothing(OF_NOTES)),
    ("notes/text", Nothing(OF_NOTES)),
    ("notes/author", Nothing(OF_NOTES)),
    ("notes/date", Nothing(OF_NOTES)),
    ("notes/ticket", Nothing(OF_NOTES)),
];

/// The keys of `environments/*.yaml`.
pub const ENVIRONMENT: &[(&str, Key)] = &[
    ("version", Nothing(FORM)),
    ("base", Heard),
    (
        "extends",
        Nothing("keys from the extended file are judged as if this file contained them"),
    ),
    ("title", Nothing(PEOPLE_READ_IT)),
    ("provider", Heard),
    ("account", Heard),
    ("region", Heard),
    ("assume_role", Heard),
    ("folder", Heard),
    ("clusters", Heard),
    ("instances", Heard),
    ("databases", Heard),
    ("log_line_prefix", Heard),
    ("exclusions", Silenced),
    ("engine", Heard),
    ("monitor", Heard),
    ("monitor/schedule", Heard),
    ("monitor/settle_seconds", Heard),
    ("monitor/late_arrival_minutes", Heard),
    ("monitor/memory_mb", Heard),
    ("monitor/timeout_seconds", Heard),
    ("monitor/reserved_concurrency", Heard),
    ("monitor/namespace", Heard),
    ("monitor/metrics", Heard),
    (
        "monitor/architecture",
        Nothing("the same program runs on both processors"),
    ),
    ("signals", Heard),
    ("signals/dml", Heard),
    ("signals/dml/threshold", Heard),
    ("signals/privilege", Heard),
    ("signals/privilege/threshold", Heard),
    ("signals/schema", Heard),
    ("signals/schema/threshold", Heard),
    ("signals/audit_tampering", Heard),
    ("signals/audit_tampering/threshold", Heard),
    ("signals/denied", Heard),
    ("signals/denied/threshold", Heard),
    ("notifications", Heard),
    ("notifications/email", Heard),
    ("notifications/https", Heard),
    ("notifications/routes", Heard),
    ("notifications/chat", Heard),
    ("notifications/events", Heard),
    ("notifications/runbook", Nothing("it is a link in messages")),
    ("retention_days", Heard),
    ("monitor_retention_days", Heard),
    ("log_deletion_protection", Heard),
    ("permissions_boundary", Heard),
    ("tags", Nothing("they are labels of resources")),
];
