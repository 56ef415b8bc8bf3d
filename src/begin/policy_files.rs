//! The policy files except the exclusions: users, the base, one file for each environment.

use std::fmt::Write as _;

use super::wish::{ClusterWish, EnvironmentWish, Wish};
use crate::audit_log::prefix::LogLinePrefix;
use crate::policy::model::{ClusterKind, LogClass, Provider};
use crate::policy::scalar::{remark, scalar};

const USERS: &str = include_str!("templates/users.yaml");
const BASE: &str = include_str!("templates/base.yaml");
const ENVIRONMENT_LINE: &str =
    "# yaml-language-server: $schema=../schema/environment.schema.json\n";

/// `rules/users.yaml`.
pub fn users(wish: &Wish) -> String {
    let mut text = USERS.to_owned();
    let owner = scalar(&wish.owner);
    if wish.users.is_empty() {
        text.push_str(&format!(
            "\n# People whose access is audited. No one is listed yet, so nothing is logged, and `check` warns about it. Example:\n\
             #   - role: alice\n#     owner: {owner}\n#     environments: all\n#     until: {}-12-31\nusers: []\n",
            wish.today.year()
        ));
    } else {
        text.push_str("\n# People whose access is audited.\nusers:\n");
        for user in &wish.users {
            remarks(&mut text, "  ", &user.remarks);
            // Writing to a text cannot fail.
            let _ = writeln!(
                text,
                "  - role: {}\n    owner: {owner}\n    environments: all",
                scalar(&user.role)
            );
            if let Some(log) = &user.log {
                let names: Vec<&str> = log.iter().copied().map(class).collect();
                let _ = writeln!(text, "    audit: {{log: [{}]}}", names.join(", "));
            }
        }
    }
    text.push_str(&format!(
        "\n# Accounts of applications. They are not audited, so each needs a reason that convinces a reviewer.\n\
         # service_accounts:\n#   - role: orders_api\n#     reason: The orders service; its statements are in its own repository.\n\
         #     owner: {owner}\n#     environments: all\n",
    ));
    text.push_str(&format!(
        "\n# Records that no exclusion can silence, whatever a pull request declares: those of tables with the most important data,\n\
         # and of people whose every statement counts.\n# protected:\n#   - {{schema: public, relation: [customers, cards], reason: Personal data of \
         customers., owner: {owner}}}\n#   - {{user: break_glass, reason: No one works with this role., owner: {owner}}}\n",
    ));
    if wish.provider == Provider::Aws {
        text.push_str(&format!(
            "\n# Roles of the platform. No one can log in as one of them.\nsystem_roles:\n  - role: rdsadmin\n    \
             reason: The platform's own role; AWS owns it and nobody can log in as it.\n    owner: {owner}\n    environments: all\n"
        ));
    }
    text
}

/// The name of a class in the files.
fn class(class: LogClass) -> &'static str {
    match class {
        LogClass::All => "all",
        LogClass::Read => "read",
        LogClass::Write => "write",
        LogClass::Function => "function",
        LogClass::Role => "role",
        LogClass::Ddl => "ddl",
        LogClass::Misc => "misc",
        LogClass::MiscSet => "misc_set",
    }
}

/// `environments/base.yaml`.
pub fn base(wish: &Wish) -> String {
    format!("{BASE}tags:\n  owner: {}\n", scalar(&tag(&wish.owner)))
}

/// An owner as a value of a tag, which allows fewer characters ("Tag naming and usage conventions").
fn tag(owner: &str) -> String {
    owner
        .chars()
        .map(|sign| {
            if sign.is_alphanumeric() || " _.:/=+-@".contains(sign) {
                sign
            } else {
                '-'
            }
        })
        .collect()
}

/// `environments/NAME.yaml`.
pub fn environment(wish: &Wish, environment: &EnvironmentWish) -> String {
    let mut text = ENVIRONMENT_LINE.to_owned();
    match wish.provider {
        Provider::Local => {
            text.push_str(
                "#\n# A folder on this machine instead of AWS: no account, no database. An apply writes its resources there.\n",
            );
            text.push_str("version: 1\nextends: base\nprovider: local\n");
            let _ = writeln!(text, "folder: .pgvigil/{}", environment.name);
        }
        Provider::Aws => {
            text.push_str("version: 1\nextends: base\nprovider: aws\n");
            for (key, value) in [
                ("account", &environment.account),
                ("region", &environment.region),
            ] {
                if let Some(value) = value {
                    // Quoted: an account would be a number.
                    let value = if key == "account" {
                        format!("\"{value}\"")
                    } else {
                        scalar(value)
                    };
                    let _ = writeln!(text, "{key}: {value}");
                }
            }
            text.push_str(
                "# If pipelines sign in to another account and assume a role in this one:\n\
                 # assume_role: {plan: \"arn:aws:iam::ACCOUNT:role/pgvigil-plan\", apply: \"arn:aws:iam::ACCOUNT:role/pgvigil-apply\"}\n",
            );
        }
    }
    watched(&mut text, environment);
    if let Some(prefix) = &environment.log_line_prefix
        && prefix != LogLinePrefix::Short.as_str()
    {
        let _ = writeln!(
            text,
            "# The value in the parameter group of the clusters.\nlog_line_prefix: {}",
            quoted(prefix)
        );
    }
    if wish.provider == Provider::Aws {
        told(&mut text, environment);
    }
    monitor(&mut text, environment);
    if let Some(days) = environment.retention_days {
        let _ = writeln!(text, "retention_days: {days}");
    }
    if !environment.tags.is_empty() {
        text.push_str("tags:\n");
        for (key, value) in &environment.tags {
            let _ = writeln!(text, "  {}: {}", scalar(key), scalar(value));
        }
    }
    text
}

fn quoted(text: &str) -> String {
    serde_json::to_string(text).unwrap_or_default()
}

fn remarks(text: &mut String, indent: &str, remarks: &[String]) {
    for line in remarks {
        let _ = writeln!(text, "{indent}# {}", remark(line));
    }
}

fn watched(text: &mut String, environment: &EnvironmentWish) {
    for (key, kind) in [
        ("clusters", ClusterKind::Aurora),
        ("instances", ClusterKind::Instance),
    ] {
        let mut some = environment
            .clusters
            .iter()
            .filter(|cluster| cluster.kind == kind)
            .peekable();
        if some.peek().is_none() {
            continue;
        }
        let _ = writeln!(text, "{key}:");
        for cluster in some {
            remarks(text, "  ", &cluster.remarks);
            let _ = writeln!(text, "  - {}", scalar(&cluster.name));
        }
    }
    undecided(text, &environment.undecided);
}

fn undecided(text: &mut String, clusters: &[ClusterWish]) {
    if clusters.is_empty() {
        return;
    }
    text.push_str("  # decide: found in the account, but their names contain no environment's name. They are NOT watched yet.\n");
    for cluster in clusters {
        for line in &cluster.remarks {
            let _ = writeln!(text, "  #   {}", remark(line));
        }
        let _ = writeln!(text, "  # - {}", remark(&cluster.name));
    }
}

fn told(text: &mut String, environment: &EnvironmentWish) {
    if environment.emails.is_empty() && environment.https.is_empty() {
        text.push_str(
            "# decide: who is notified when an alarm fires? No one, as long as this is a comment. The URL of an incident platform\n\
             # is a secret: name the variable that contains it, never write it here.\n\
             # notifications:\n#   email: [dba@example.com]\n#   https:\n#     - {from_env: INCIDENT_URL}\n",
        );
        return;
    }
    text.push_str("# Who is notified when an alarm fires.\nnotifications:\n");
    if !environment.emails.is_empty() {
        let all: Vec<String> = environment
            .emails
            .iter()
            .map(|email| quoted(email))
            .collect();
        let _ = writeln!(text, "  email: [{}]", all.join(", "));
    }
    if !environment.https.is_empty() {
        text.push_str("  # URLs are secrets: set these variables where an apply runs.\n  https:\n");
        for variable in &environment.https {
            let _ = writeln!(text, "    - {{from_env: {}}}", scalar(variable));
        }
    }
}

fn monitor(text: &mut String, environment: &EnvironmentWish) {
    let mut lines = Vec::new();
    if let Some(minutes) = environment.window_minutes {
        let unit = if minutes == 1 { "minute" } else { "minutes" };
        lines.push(format!("schedule: rate({minutes} {unit})"));
    }
    if let Some(seconds) = environment.timeout_seconds {
        lines.push(format!("timeout_seconds: {seconds}"));
    }
    if let Some(memory) = environment.memory_mb {
        lines.push(format!("memory_mb: {memory}"));
    }
    if let Some(namespace) = &environment.namespace {
        lines.push(format!("namespace: {}", quoted(namespace)));
    }
    if lines.is_empty() {
        return;
    }
    text.push_str("monitor:\n");
    for line in lines {
        let _ = writeln!(text, "  {line}");
    }
}
