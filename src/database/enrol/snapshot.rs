//! What a server says about its roles at one moment, as it says it.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

/// The server, and who asked it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Server {
    /// `server_version_num`: 150018 is 15.18.
    pub version_num: u32,
    /// `server_version`.
    pub version: String,
    /// The number that the server got when it was made; absent where it may not be read.
    pub system: Option<String>,
    /// The database in which was asked.
    pub database: String,
    pub reader: String,
    /// Whether that is a superuser.
    pub is_superuser: bool,
    /// Whether the role `rds_superuser` exists: Aurora or RDS.
    pub is_managed: bool,
    /// Whether who asked is a member of it.
    pub is_admin: bool,
    /// Whether this is a replica.
    pub is_replica: bool,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Role {
    /// `rolname`.
    pub name: String,
    /// `rolcanlogin`.
    pub can_login: bool,
    /// `rolsuper`.
    pub is_superuser: bool,
    /// `rolcreaterole`.
    pub can_create_roles: bool,
    /// `rolreplication`.
    pub is_replication: bool,
    /// It came with the server.
    pub is_built_in: bool,
    /// `rolvaliduntil` in UTC; absent where the password does not end.
    pub valid_until: Option<String>,
    pub comment: Option<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Membership {
    /// The role that has members.
    pub group: String,
    pub member: String,
    /// The member may let others in.
    pub can_grant: bool,
}

/// A row of `pg_db_role_setting`.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Setting {
    /// The role; empty: every role.
    pub role: String,
    /// The database; empty: every one.
    pub database: String,
    /// The setting, in lower case.
    pub name: String,
    /// Its value as it was written.
    pub value: String,
}

/// pgAudit's extension in a database: it adds names of objects to records of DDL.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Extension {
    Present(String),
    #[default]
    Absent,
    /// Not known, and why.
    NotRead(String),
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Database {
    /// `datname`.
    pub name: String,
    /// `datallowconn`.
    pub allows_connections: bool,
    /// `datistemplate`.
    pub is_template: bool,
    /// Whether the role that pgvigil connects as is allowed to connect.
    pub may_connect: bool,
    /// Whether any user can create temporary objects: types and tables that take precedence over the system's.
    pub is_temporary_free: bool,
    pub extension: Extension,
    /// What was made in it that a name, a cast or a call can come to without a record.
    pub objects: Vec<Object>,
}

/// An object in a database that leaves no record of its own when it is used.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Object {
    /// `shadow`, `domain` or `definer`: see sql/snapshot/objects.sql.
    pub kind: String,
    /// What it is, as PostgreSQL writes it.
    pub name: String,
    /// Roles that are allowed to use it; empty: all.
    pub role: String,
}

/// A setting as the session that asked has it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parameter {
    pub name: String,
    pub value: String,
    /// Where the value comes from, in the words of `pg_settings.source`.
    pub source: String,
}

/// The right to set something (PostgreSQL 15 and later).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grant {
    pub parameter: String,
    /// Roles that have the right; empty: all.
    pub role: String,
}

/// A session of a client.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Session {
    pub role: String,
    pub database: String,
    pub pid: String,
    /// The client's address; absent over a socket.
    pub client: Option<String>,
    /// What the client calls itself: the client's words.
    pub application: String,
    /// When it began, in UTC.
    pub since: String,
}

/// Something that could not be read: nothing is known about it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NotRead {
    pub what: String,
    pub why: String,
}

/// What a server says about its roles at one moment.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Snapshot {
    pub server: Server,
    pub roles: Vec<Role>,
    pub members: Vec<Membership>,
    /// Settings of roles and databases that have to do with the audit.
    pub settings: Vec<Setting>,
    pub databases: Vec<Database>,
    /// pgAudit's settings and `log_min_messages`. Only the latter where pgAudit is not loaded.
    pub parameters: Vec<Parameter>,
    /// Who may set them besides superusers.
    pub grants: Vec<Grant>,
    /// Open sessions; absent where they may not be seen.
    pub sessions: Option<Vec<Session>>,
    /// What could not be read.
    pub not_read: Vec<NotRead>,
}

impl Snapshot {
    /// Whether pgAudit is loaded: the server then knows its settings.
    pub fn is_loaded(&self) -> bool {
        self.knows("pgaudit.log")
    }

    /// Whether the server knows a setting.
    pub fn knows(&self, name: &str) -> bool {
        self.parameters.iter().any(|known| known.name == name)
    }

    /// What a role may become by `SET ROLE` or has the rights of, itself not among them.
    pub(super) fn groups(&self) -> Groups<'_> {
        let mut of: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for membership in &self.members {
            of.entry(&membership.member)
                .or_default()
                .push(&membership.group);
        }
        Groups { of }
    }
}

/// Memberships, to be followed upwards.
pub(super) struct Groups<'a> {
    of: BTreeMap<&'a str, Vec<&'a str>>,
}

impl<'a> Groups<'a> {
    /// Every role that this one is a member of, over however many steps.
    pub(super) fn above(&self, role: &str) -> BTreeSet<&'a str> {
        let mut found = BTreeSet::new();
        let mut open: Vec<&str> = vec![role];
        while let Some(next) = open.pop() {
            for group in self.of.get(next).into_iter().flatten() {
                if *group != role && found.insert(*group) {
                    open.push(group);
                }
            }
        }
        found
    }
}
