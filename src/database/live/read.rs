//! Reads a snapshot: one read-only transaction with few queries, each over all roles.

use std::time::Duration;

use super::connect::Target;
use super::session::{DatabaseError, Session};
use crate::database::enrol::snapshot::{
    Database, Extension, Grant, Membership, NotRead, Object, Parameter, Role, Server,
    Session as Open, Setting, Snapshot,
};
use crate::waiting;

const SERVER: &str = include_str!("../../../sql/snapshot/server.sql");
const IDENTITY: &str = include_str!("../../../sql/snapshot/identity.sql");
const ROLES: &str = include_str!("../../../sql/snapshot/roles.sql");
const MEMBERS: &str = include_str!("../../../sql/snapshot/members.sql");
const SETTINGS: &str = include_str!("../../../sql/snapshot/settings.sql");
const DATABASES: &str = include_str!("../../../sql/snapshot/databases.sql");
const EXTENSION: &str = include_str!("../../../sql/snapshot/extension.sql");
const OBJECTS: &str = include_str!("../../../sql/snapshot/objects.sql");
const PARAMETERS: &str = include_str!("../../../sql/snapshot/parameters.sql");
const GRANTS: &str = include_str!("../../../sql/snapshot/grants.sql");
const SESSIONS: &str = include_str!("../../../sql/snapshot/sessions.sql");

/// The first version with rights on settings (`pg_parameter_acl`).
const WITH_GRANTS: u32 = 150_000;

/// The oldest version that is read: what Aurora still runs.
const OLDEST: u32 = 130_000;

/// For one statement, as the server is told.
const STATEMENT: Duration = Duration::from_secs(60);

/// Functions that people of this database wrote must not be found in place of the system's.
pub(super) const SAFE_PATH: &str = "set search_path to pg_catalog, pg_temp";

/// What cannot change anything, and sees one moment.
const BEGIN: &str =
    "begin isolation level repeatable read read only; set local lock_timeout to '10s'";

/// For one call: somewhat more than the server's own limit for a statement, which has better words.
pub(super) fn patience() -> Duration {
    let limit = waiting::limit(STATEMENT);
    limit + Duration::from_secs(15).min(limit / 4)
}

/// Connects and reads. Nothing can be changed by it.
///
/// # Errors
/// [`DatabaseError`]: no connection, or a catalog that cannot be read.
pub fn snapshot(target: &Target) -> Result<Snapshot, DatabaseError> {
    let session = Session::open(target)?.with_patience(patience());
    session.run(SAFE_PATH)?;
    let system = identity(&session);
    let limit = waiting::limit(STATEMENT).as_millis();
    session.run(&format!("{BEGIN}; set local statement_timeout to {limit}"))?;
    let mut snapshot = read(&session)?;
    session.run("rollback")?;
    snapshot.server.system = system;
    drop(session);
    extensions(target, &mut snapshot);
    Ok(snapshot)
}

/// The server's own number. Not every service lets it be read, and the plan is as good without.
pub(super) fn identity(session: &Session) -> Option<String> {
    session
        .rows(IDENTITY)
        .ok()?
        .into_iter()
        .next()?
        .into_iter()
        .next()?
}

/// Everything but other databases' extensions, in the transaction that is open.
pub(super) fn read(session: &Session) -> Result<Snapshot, DatabaseError> {
    let server = server(session)?;
    let roles = session
        .rows(ROLES)?
        .into_iter()
        .map(|row| {
            let mut row = Row::new(row);
            Role {
                name: row.text(),
                can_login: row.is(),
                is_superuser: row.is(),
                can_create_roles: row.is(),
                is_replication: row.is(),
                is_built_in: row.is(),
                valid_until: row.maybe(),
                comment: row.maybe(),
            }
        })
        .collect();
    let members = session
        .rows(MEMBERS)?
        .into_iter()
        .map(|row| {
            let mut row = Row::new(row);
            Membership {
                group: row.text(),
                member: row.text(),
                can_grant: row.is(),
            }
        })
        .collect();
    let settings = session
        .rows(SETTINGS)?
        .into_iter()
        .map(|row| {
            let mut row = Row::new(row);
            Setting {
                role: row.text(),
                database: row.text(),
                name: row.text(),
                value: row.text(),
            }
        })
        .collect();
    let here = session
        .rows(EXTENSION)?
        .into_iter()
        .next()
        .map_or(Extension::Absent, |row| {
            Extension::Present(Row::new(row).text())
        });
    let mut made = Some(objects(session)?);
    let databases = session
        .rows(DATABASES)?
        .into_iter()
        .map(|row| {
            let mut row = Row::new(row);
            let name = row.text();
            Database {
                extension: if name == server.database {
                    here.clone()
                } else {
                    Extension::NotRead("not read".to_owned())
                },
                objects: if name == server.database {
                    made.take().unwrap_or_default()
                } else {
                    Vec::new()
                },
                name,
                allows_connections: row.is(),
                is_template: row.is(),
                may_connect: row.is(),
                is_temporary_free: row.is(),
            }
        })
        .collect();
    let parameters = session
        .rows(PARAMETERS)?
        .into_iter()
        .map(|row| {
            let mut row = Row::new(row);
            Parameter {
                name: row.text(),
                value: row.text(),
                source: row.text(),
            }
        })
        .collect();
    let grants = if server.version_num >= WITH_GRANTS {
        session
            .rows(GRANTS)?
            .into_iter()
            .map(|row| {
                let mut row = Row::new(row);
                Grant {
                    parameter: row.text(),
                    role: row.text(),
                }
            })
            .collect()
    } else {
        Vec::new()
    };
    let (sessions, not_read) = sessions(session, &server.reader)?;
    Ok(Snapshot {
        server,
        roles,
        members,
        settings,
        databases,
        parameters,
        grants,
        sessions,
        not_read,
    })
}

fn server(session: &Session) -> Result<Server, DatabaseError> {
    let row = session.rows(SERVER)?.into_iter().next().unwrap_or_default();
    let mut row = Row::new(row);
    let server = Server {
        version_num: row.text().parse().unwrap_or_default(),
        version: row.text(),
        system: None,
        database: row.text(),
        reader: row.text(),
        is_replica: row.is(),
        is_superuser: row.is(),
        is_managed: row.is(),
        is_admin: row.is(),
    };
    if server.version_num < OLDEST {
        return Err(DatabaseError::Unfit(format!(
            "the server is PostgreSQL {}, but pgvigil supports 13 and later",
            server.version
        )));
    }
    Ok(server)
}

fn sessions(
    session: &Session,
    reader: &str,
) -> Result<(Option<Vec<Open>>, Vec<NotRead>), DatabaseError> {
    let mut sessions = Vec::new();
    for row in session.rows(SESSIONS)? {
        let mut row = Row::new(row);
        if !row.is() {
            return Ok((
                None,
                vec![NotRead {
                    what: "open sessions".to_owned(),
                    why: format!(
                        "the role `{reader}` does not have the rights of `pg_read_all_stats`"
                    ),
                }],
            ));
        }
        sessions.push(Open {
            role: row.text(),
            database: row.text(),
            pid: row.text(),
            client: row.maybe(),
            application: row.text(),
            since: row.text(),
        });
    }
    Ok((Some(sessions), Vec::new()))
}

/// What was made in the database of a session.
fn objects(session: &Session) -> Result<Vec<Object>, DatabaseError> {
    let rows = session.rows(OBJECTS)?.into_iter();
    let objects = rows.map(|row| {
        let mut row = Row::new(row);
        Object {
            kind: row.text(),
            name: row.text(),
            role: row.text(),
        }
    });
    Ok(objects.collect())
}

/// The extension and objects in every other database: each needs a connection of its own.
pub(super) fn extensions(target: &Target, snapshot: &mut Snapshot) {
    let here = snapshot.server.database.clone();
    for database in &mut snapshot.databases {
        if database.name == here || !database.allows_connections || database.is_template {
            continue;
        }
        if !database.may_connect {
            database.extension = Extension::NotRead("it does not allow connections".to_owned());
            continue;
        }
        let found =
            Session::open(&target.clone().with_database(&database.name)).and_then(|session| {
                session.run(SAFE_PATH)?;
                Ok((session.rows(EXTENSION)?, objects(&session)?))
            });
        database.extension = match found {
            Ok((rows, objects)) => {
                database.objects = objects;
                rows.into_iter().next().map_or(Extension::Absent, |row| {
                    Extension::Present(Row::new(row).text())
                })
            }
            Err(error) => Extension::NotRead(error.to_string()),
        };
    }
}

/// The values of a row, one after the other.
struct Row(std::vec::IntoIter<Option<String>>);

impl Row {
    fn new(values: Vec<Option<String>>) -> Self {
        Self(values.into_iter())
    }

    fn maybe(&mut self) -> Option<String> {
        self.0.next().flatten()
    }

    fn text(&mut self) -> String {
        self.maybe().unwrap_or_default()
    }

    fn is(&mut self) -> bool {
        self.maybe().as_deref() == Some("t")
    }
}
