//! The database writes the records, and RDS hands them over.

use super::{Check, Context, Findings, Run, there};
use crate::audit_log::prefix::LogLinePrefix;
use crate::doctor::diagnosis::Finding;
use crate::doctor::observation::Database;
use crate::doctor::remedy::Remedy;
use crate::policy::model::ClusterKind;

const GROUP: &str = "database";

/// The log that RDS exports, as it calls it.
const EXPORT: &str = "postgresql";

/// What Aurora preloads when a group says nothing (Aurora user guide, "Aurora PostgreSQL parameters").
const DEFAULT_PRELOAD: &str = "pg_stat_statements";

pub(super) const CLUSTER: Check = Check {
    id: "cluster",
    group: GROUP,
    title: "RDS has the cluster or instance, and its engine is PostgreSQL",
    why: "pgvigil would watch a misspelt name forever and never report anything",
    needs: &[],
    run: Run::Cluster(cluster),
};

pub(super) const LOG_EXPORT: Check = Check {
    id: "log-export",
    group: GROUP,
    title: "the PostgreSQL log goes to CloudWatch",
    why: "without the export, no record leaves the database",
    needs: &["cluster"],
    run: Run::Cluster(log_export),
};

pub(super) const PRELOADED: Check = Check {
    id: "pgaudit-preloaded",
    group: GROUP,
    title: "pgaudit is in shared_preload_libraries",
    why: "without the library, the enrolment's settings have no effect and no record is written",
    needs: &["cluster"],
    run: Run::Cluster(preloaded),
};

pub(super) const IN_SYNC: Check = Check {
    id: "parameters-in-sync",
    group: GROUP,
    title: "every instance runs with the values of its parameter group",
    why: "a library that is only loaded at the next reboot writes nothing until then",
    needs: &["cluster"],
    run: Run::Cluster(in_sync),
};

pub(super) const AUDIT_LEVEL: Check = Check {
    id: "audit-level",
    group: GROUP,
    title: "the server writes records at a level that reaches the log",
    why: "the server drops a record below log_min_messages without notice",
    needs: &["cluster"],
    run: Run::Cluster(audit_level),
};

pub(super) const AUDITED_BY_ROLE: Check = Check {
    id: "audited-by-role",
    group: GROUP,
    title: "pgaudit.log is set for each person, not for all roles",
    why: "in the parameter group, it also audits every application: noise, cost and false alarms",
    needs: &["cluster"],
    run: Run::Cluster(audited_by_role),
};

pub(super) const LOG_LINE_PREFIX: Check = Check {
    id: "log-line-prefix",
    group: GROUP,
    title: "log_line_prefix is as the environment declares it",
    why: "the query reads user and database from the prefix; with a different prefix, no exclusion has an effect and no name is shown",
    needs: &["cluster"],
    run: Run::Cluster(log_line_prefix),
};

fn database<'a>(context: &Context<'a>) -> Result<&'a Database, Finding> {
    there(
        &context.observed()?.database,
        &format!("cluster {}", context.subject.cluster.name),
    )
}

fn cluster(context: &Context<'_>) -> Findings {
    let subject = context.subject;
    let name = &subject.cluster.name;
    let command = match subject.cluster.kind {
        ClusterKind::Aurora => "describe-db-clusters",
        ClusterKind::Instance => "describe-db-instances",
    };
    let look = subject.look_aws(&["rds", command]);
    let Some(database) = context
        .observed()?
        .database
        .as_ref()
        .map_err(Finding::unknown)?
    else {
        return Ok(vec![Finding::fail(
            format!("RDS has no {name} in {}", subject.at.region),
            look,
        )]);
    };
    let engine = format!("{} {}", database.engine, database.version);
    Ok(vec![if database.engine.contains("postgres") {
        Finding::ok(format!("{name} is {engine}"))
    } else {
        Finding::fail(format!("{name} is {engine}, not PostgreSQL"), look)
    }])
}

fn log_export(context: &Context<'_>) -> Findings {
    let database = database(context)?;
    let subject = context.subject;
    let (command, option, log) = match subject.cluster.kind {
        ClusterKind::Aurora => ("modify-db-cluster", "--db-cluster-identifier", EXPORT),
        ClusterKind::Instance => ("modify-db-instance", "--db-instance-identifier", EXPORT),
    };
    if database.log_exports.contains(log) {
        return Ok(vec![Finding::ok("the log `postgresql` is exported")]);
    }
    if database.pending_log_exports.contains(log) {
        return Ok(vec![Finding::warn(
            "the export of the log `postgresql` is being switched on",
            subject.look("doctor"),
        )]);
    }
    let remedy = subject.aws(&[
        "rds",
        command,
        option,
        &subject.cluster.name,
        "--cloudwatch-logs-export-configuration",
        "EnableLogTypes=postgresql",
    ]);
    Ok(vec![Finding::fail(
        "the log `postgresql` is not exported",
        remedy,
    )])
}

fn preloaded(context: &Context<'_>) -> Findings {
    let database = database(context)?;
    let group = &database.parameter_group;
    let libraries = database
        .parameters
        .get("shared_preload_libraries")
        .map_or(DEFAULT_PRELOAD, String::as_str);
    let names: Vec<&str> = libraries.split(',').map(str::trim).collect();
    if names.contains(&"pgaudit") {
        return Ok(vec![Finding::ok(format!("{group} preloads {libraries}"))]);
    }
    let mut wanted: Vec<&str> = names.into_iter().filter(|name| !name.is_empty()).collect();
    wanted.push("pgaudit");
    let remedy = context.subject.set_parameter(
        group,
        "shared_preload_libraries",
        &wanted.join(","),
        "pending-reboot",
    );
    Ok(vec![Finding::fail(
        format!("{group} preloads {libraries}{}", default_note(group)),
        remedy,
    )])
}

/// Why the remedy is not to change the group.
fn default_note(group: &str) -> &'static str {
    if group.starts_with("default.") {
        "; a default group cannot be changed: the cluster needs its own"
    } else {
        ""
    }
}

fn in_sync(context: &Context<'_>) -> Findings {
    let database = database(context)?;
    if database.members.is_empty() {
        return Ok(vec![Finding::warn(
            "it has no instance, so no one can work on it",
            context.subject.look("doctor"),
        )]);
    }
    let findings = database.members.iter().map(|member| {
        let (instance, status) = (&member.instance, &member.parameter_status);
        let finding = match status.as_str() {
            "in-sync" => Finding::ok("in sync"),
            "pending-reboot" => Finding::fail(
                "it runs with old values until it is rebooted",
                context.subject.aws(&[
                    "rds",
                    "reboot-db-instance",
                    "--db-instance-identifier",
                    instance,
                ]),
            ),
            _ => Finding::warn(
                format!("its parameters are `{status}`"),
                context.subject.look("doctor"),
            ),
        };
        finding.about(instance)
    });
    Ok(findings.collect())
}

/// From the least to the most important, as the server's log orders them (PostgreSQL manual, "Message Severity
/// Levels"): `log` stands above `error`.
const LEVELS: [&str; 11] = [
    "debug5", "debug4", "debug3", "debug2", "debug1", "info", "notice", "warning", "error", "log",
    "fatal",
];

fn audit_level(context: &Context<'_>) -> Findings {
    let database = database(context)?;
    let value = |name: &str, default: &str| {
        let value = database
            .parameters
            .get(name)
            .map_or(default, String::as_str);
        value.trim().to_ascii_lowercase()
    };
    let level = value("pgaudit.log_level", "log");
    let least = value("log_min_messages", "warning");
    let place = |name: &str| {
        let name = if name == "debug" { "debug2" } else { name };
        LEVELS.iter().position(|known| *known == name)
    };
    // A level that is not known, `panic` among them, is one that drops records.
    let is_written =
        matches!((place(&least), place(&level)), (Some(least), Some(level)) if least <= level);
    let sentence = format!("records have the level `{level}`, log_min_messages is `{least}`");
    if is_written {
        return Ok(vec![Finding::ok(sentence)]);
    }
    let (name, value) = if level == "log" {
        ("log_min_messages", "warning")
    } else {
        ("pgaudit.log_level", "log")
    };
    let group = &database.parameter_group;
    let remedy = context
        .subject
        .set_parameter(group, name, value, "immediate");
    Ok(vec![Finding::fail(sentence, remedy)])
}

fn audited_by_role(context: &Context<'_>) -> Findings {
    let database = database(context)?;
    let group = &database.parameter_group;
    let value = database
        .parameters
        .get("pgaudit.log")
        .map_or("none", |value| value.trim());
    if value.is_empty() || value.eq_ignore_ascii_case("none") {
        return Ok(vec![Finding::ok(format!("{group} sets no pgaudit.log"))]);
    }
    Ok(vec![Finding::warn(
        format!("{group} sets pgaudit.log to `{value}`: every role is audited"),
        context
            .subject
            .set_parameter(group, "pgaudit.log", "none", "immediate"),
    )])
}

fn log_line_prefix(context: &Context<'_>) -> Findings {
    let database = database(context)?;
    let wanted = context.subject.environment.log_line_prefix.as_str();
    let group = &database.parameter_group;
    let live = database
        .parameters
        .get("log_line_prefix")
        .map_or(LogLinePrefix::Short.as_str(), String::as_str);
    Ok(vec![if live == wanted {
        Finding::ok(format!("{group} has `{live}`"))
    } else {
        let remedy: Remedy =
            context
                .subject
                .set_parameter(group, "log_line_prefix", wanted, "immediate");
        Finding::fail(
            format!("{group} has `{live}`, the environment declares `{wanted}`"),
            remedy,
        )
    }])
}
