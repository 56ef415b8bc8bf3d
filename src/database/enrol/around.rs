//! What pgAudit writes no record of, and who can make use of that: rights, settings, and what was made in a database.

use std::collections::{BTreeMap, BTreeSet};

use super::coverage::{Class, is_used};
use super::finding::{Code, Finding};
use super::live::Live;
use super::snapshot::{Database, Snapshot};

/// Objects that a finding names.
const NAMED: usize = 6;

/// Before this version anybody with ADMIN OPTION may take any membership away, and CREATEROLE is enough (PostgreSQL 16,
/// release notes, "Restrict the privileges of CREATEROLE").
const WITH_GRANTORS: u32 = 160_000;

/// The only version whose pgAudit has a release that makes no record of SELECT … FOR UPDATE (pgaudit#149).
const WITHOUT_FOR_UPDATE: std::ops::Range<u32> = 130_000..140_000;

/// What was found, for those who are no declared accounts.
pub(super) fn findings(
    snapshot: &Snapshot,
    all: &BTreeMap<&str, Live<'_>>,
    class: &dyn Fn(&str) -> Class,
) -> Vec<Finding> {
    let people: Vec<&str> = all
        .iter()
        .filter(|(name, live)| {
            live.role.can_login && matches!(class(name), Class::Audited | Class::Undeclared)
        })
        .map(|(name, _)| *name)
        .collect();
    let mut findings: Vec<Finding> = of_version(snapshot).into_iter().collect();
    findings.extend(of_memberships(snapshot, all, &people));
    findings.extend(of_replication(snapshot, all, &people));
    for database in snapshot.databases.iter().filter(|one| is_used(one)) {
        findings.extend(of_database(snapshot, database, &people));
    }
    findings
}

/// What the server is cannot be asked: the extension's version is the same for every release of a branch.
fn of_version(snapshot: &Snapshot) -> Option<Finding> {
    let server = &snapshot.server;
    (snapshot.is_loaded() && WITHOUT_FOR_UPDATE.contains(&server.version_num)).then(|| {
        Finding::new(
            Code::OldPgaudit,
            format!(
                "the server is PostgreSQL {}: pgAudit 1.5.0 makes no record of SELECT … FOR \
                UPDATE and FOR SHARE, and pgvigil cannot query which release is loaded",
                server.version
            ),
            "install a release of pgAudit with the fix of pgaudit#149, or a later PostgreSQL",
        )
    })
}

/// A session that took a role and then lost the membership is audited no longer.
fn of_memberships(
    snapshot: &Snapshot,
    all: &BTreeMap<&str, Live<'_>>,
    people: &[&str],
) -> Vec<Finding> {
    let is_alone = snapshot.server.version_num < WITH_GRANTORS;
    let groups = snapshot.groups();
    let mut findings = Vec::new();
    for name in people {
        let has_create = all.get(name).is_some_and(|live| live.role.can_create_roles);
        let above = groups.above(name);
        let granted = snapshot.members.iter().find(|membership| {
            membership.can_grant
                && (membership.member == *name || above.contains(membership.member.as_str()))
        });
        let by = match granted {
            Some(membership) => format!("it has `{}` WITH ADMIN OPTION", membership.group),
            None if has_create => "it has CREATEROLE".to_owned(),
            None => continue,
        };
        let how = if is_alone {
            "alone"
        } else {
            "together with a person who uses a membership that it granted"
        };
        findings.push(
            Finding::new(
                Code::CanShedAudit,
                format!(
                    "`{name}` can continue without records, {how}: {by}. pgAudit skips a \
                    session whose membership in the role of its SET ROLE was revoked; its last \
                    records are the SET ROLE and the REVOKE"
                ),
                "revoke the right; the signal `privilege` counts SET ROLE and REVOKE",
            )
            .of_role(name),
        );
    }
    findings
}

fn of_replication(
    snapshot: &Snapshot,
    all: &BTreeMap<&str, Live<'_>>,
    people: &[&str],
) -> Vec<Finding> {
    let groups = snapshot.groups();
    let mut findings = Vec::new();
    for name in people {
        let is_own = all.get(name).is_some_and(|live| live.role.is_replication);
        let by = if is_own {
            "it has REPLICATION"
        } else if groups.above(name).contains("rds_replication") {
            "it is a member of `rds_replication`"
        } else {
            continue;
        };
        findings.push(
            Finding::new(
                Code::Replicates,
                format!("`{name}` can stream every table over the replication protocol: {by}. pgAudit makes no record of that"),
                "revoke the right, and grant it to an account that people do not use",
            )
            .of_role(name),
        );
    }
    let off = |wanted: &str| {
        let mut parameters = snapshot.parameters.iter();
        parameters.any(|parameter| parameter.name == wanted && parameter.value == "off")
    };
    if !findings.is_empty() && off("log_replication_commands") && off("log_connections") {
        findings.push(Finding::new(
            Code::ReplicationNotLogged,
            "the server has `log_replication_commands` and `log_connections` off, so the log does not show when a person replicates".to_owned(),
            "set `log_replication_commands` to `on` in the parameter group, or in postgresql.conf: each command then counts",
        ));
    }
    findings
}

/// What was made in a database.
fn of_database(snapshot: &Snapshot, database: &Database, people: &[&str]) -> Vec<Finding> {
    let groups = snapshot.groups();
    let reaches = |role: &str| {
        people
            .iter()
            .any(|person| role.is_empty() || *person == role || groups.above(person).contains(role))
    };
    let of_kind = |kind: &str| -> BTreeSet<&str> {
        let objects = database.objects.iter();
        objects
            .filter(|object| object.kind == kind && reaches(&object.role))
            .map(|object| object.name.as_str())
            .collect()
    };
    let mut findings = Vec::new();
    let mut tell = |code, names: BTreeSet<&str>, what: &str, remedy: &str| {
        if !names.is_empty() {
            findings.push(
                Finding::new(
                    code,
                    format!(
                        "the database `{}` has {what}: {}",
                        database.name,
                        named(&names)
                    ),
                    remedy,
                )
                .in_database(&database.name),
            );
        }
    };
    tell(
        Code::Definer,
        of_kind("definer"),
        "functions that run with their owner's rights and that people can call. The call counts, \
            but the statements inside the function have no record, and over the fast path the \
            call has none either",
        "revoke EXECUTE from PUBLIC and from people, or make the function log what it did",
    );
    tell(
        Code::CallingDomain,
        of_kind("domain"),
        "domains with a check that calls functions, which a cast runs",
        "replace the check with a plain comparison; casts to these domains count",
    );
    tell(
        Code::Shadow,
        of_kind("shadow"),
        "objects with the name of a system object, so a call, cast, operator or column that an exclusion lists might run them",
        "rename or drop them, and revoke CREATE on the schema from people",
    );
    if database.is_temporary_free {
        findings.push(
            Finding::new(
                Code::TemporaryObjects,
                format!(
                    "any user can create temporary types in the database `{}`, which take \
                    precedence over the system's types; creating one counts",
                    database.name
                ),
                format!(
                    "run `REVOKE TEMPORARY ON DATABASE {} FROM PUBLIC`, unless users need it",
                    database.name
                ),
            )
            .in_database(&database.name),
        );
    }
    findings
}

/// The first few names, and how many more there are.
fn named(names: &BTreeSet<&str>) -> String {
    let shown: Vec<String> = names
        .iter()
        .take(NAMED)
        .map(|name| format!("`{name}`"))
        .collect();
    let more = names.len().saturating_sub(NAMED);
    let mut text = shown.join(", ");
    if more > 0 {
        text.push_str(&format!(" and {more} more"));
    }
    text
}
