//! Who writes each field of a log entry: what a rule may rest on.

use serde::Serialize;

/// How far a field can be trusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Trust {
    /// The server writes it from its own state: the watched person cannot choose it per statement.
    Server,
    /// The session can set it to anything, at any time.
    Session,
    /// The watched person types it.
    Writer,
}

impl Trust {
    /// The word in reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Server => "server",
            Self::Session => "session",
            Self::Writer => "writer",
        }
    }
}

/// A field of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct FieldTrust {
    /// Its name in reports.
    pub name: &'static str,
    /// How far it can be trusted.
    pub trust: Trust,
    /// Where the value comes from.
    pub source: &'static str,
}

/// Every field, in the order of an entry.
pub const FIELDS: &[FieldTrust] = &[
    server(
        "time",
        "%t, %m: the server's clock (elog.c, log_status_format)",
    ),
    server(
        "client",
        "%r: the socket's peer, or with log_hostname the name that its DNS gives (elog.c, MyProcPort->remote_host)",
    ),
    server(
        "user",
        "%u: the role that logged in; SET ROLE and SET SESSION AUTHORIZATION do not change it (elog.c, MyProcPort->user_name)",
    ),
    server(
        "database",
        "%d: the database of the connection (elog.c, MyProcPort->database_name)",
    ),
    server("pid", "%p: the process (elog.c, MyProcPid)"),
    server(
        "session",
        "%c: start and number of the process (elog.c, log_status_format)",
    ),
    FieldTrust {
        name: "application",
        trust: Trust::Session,
        source: "%a: the parameter application_name, which the client sends and SET changes (elog.c, log_status_format)",
    },
    server(
        "level",
        "pgaudit.log_level, which superusers set (pgaudit.c, _PG_init: PGC_SUSET)",
    ),
    server(
        "kind",
        "SESSION or OBJECT: which setting asked for the record (pgaudit.c, log_audit_event)",
    ),
    server(
        "statement_id",
        "counted by session (pgaudit.c, log_audit_event)",
    ),
    server(
        "substatement_id",
        "counted by statement (pgaudit.c, log_audit_event)",
    ),
    server(
        "class",
        "from the parsed statement (pgaudit.c, log_audit_event)",
    ),
    server(
        "command",
        "the command tag of the parsed statement (pgaudit.c, log_audit_event)",
    ),
    server(
        "object_type",
        "from the catalog entry of the touched object (pgaudit.c, log_select_dml)",
    ),
    server(
        "object",
        "schema and name of the touched object, from the catalog; its owner named it (pgaudit.c, quote_qualified_identifier)",
    ),
    writer(
        "statement",
        "the text as it was sent (pgaudit.c, debug_query_string)",
    ),
    writer(
        "parameters",
        "the values as they were bound (pgaudit.c, pgaudit.log_parameter)",
    ),
    server(
        "rows",
        "counted by the executor (pgaudit.c, pgaudit.log_rows)",
    ),
];

const fn server(name: &'static str, source: &'static str) -> FieldTrust {
    FieldTrust {
        name,
        trust: Trust::Server,
        source,
    }
}

const fn writer(name: &'static str, source: &'static str) -> FieldTrust {
    FieldTrust {
        name,
        trust: Trust::Writer,
        source,
    }
}

/// The trust of a field. What is not in the table is not trusted.
pub fn of(name: &str) -> Trust {
    FIELDS
        .iter()
        .find(|field| field.name == name)
        .map_or(Trust::Writer, |field| field.trust)
}

/// What a condition of a policy file rests on: the field behind a key below `match`, where there is one.
pub fn of_condition(key: &str) -> Option<&'static FieldTrust> {
    let name = match key {
        "schema" | "relation" => "object",
        other => other,
    };
    FIELDS.iter().find(|field| field.name == name)
}

/// The reference page of all fields.
pub fn render_reference() -> String {
    let mut page = String::from(
        "# Fields of a log entry\n\nGenerated from `src/audit_log/trust.rs`. Who writes a field decides whether an exclusion can depend on it.\n\n\
         - `server`: PostgreSQL writes it from its own state; the watched person cannot choose it per statement\n\
         - `session`: the session can set it to anything, at any time\n\
         - `writer`: the watched person types it\n\n\
         | field | trust | where it comes from |\n| --- | --- | --- |\n",
    );
    for field in FIELDS {
        page.push_str(&format!(
            "| `{}` | {} | {} |\n",
            field.name,
            field.trust.name(),
            field.source
        ));
    }
    page
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_people_type_is_not_trusted() {
        assert_eq!(of("user"), Trust::Server);
        assert_eq!(of("application"), Trust::Session);
        assert_eq!(of("statement"), Trust::Writer);
        assert_eq!(of("no such field"), Trust::Writer);
        assert_eq!(of_condition("relation").unwrap().name, "object");
        assert_eq!(of_condition("no such key"), None);
        for (index, field) in FIELDS.iter().enumerate() {
            assert!(
                !field.source.is_empty()
                    && FIELDS[..index].iter().all(|other| other.name != field.name),
                "{}",
                field.name
            );
        }
    }
}
