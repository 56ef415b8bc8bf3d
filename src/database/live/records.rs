//! How audit records come back: as notices, with `pgaudit.log_client`.

use tokio_postgres::error::DbError;

/// What a session is set to so that everything it does comes back as a notice, as plain statements. Each
/// needs a superuser, or a role that was granted the setting.
pub const SETTINGS: &[&str] = &[
    "SET client_min_messages = notice",
    "SET pgaudit.log_level = notice",
    "SET pgaudit.log_client = on",
    "SET pgaudit.log = 'all'",
    "SET pgaudit.log_catalog = on",
    "SET pgaudit.log_parameter = off",
    "SET pgaudit.log_relation = on",
    "SET pgaudit.log_statement = on",
    "SET pgaudit.log_statement_once = off",
    "SET pgaudit.role = ''",
];

/// The message of an audit record; `None` for what a function raises itself.
pub(super) fn message(notice: &DbError) -> Option<Vec<u8>> {
    // Anybody can raise a text that begins as a record does.
    let is_from_pgaudit = notice
        .file()
        .is_some_and(|file| file.ends_with("pgaudit.c"));
    (is_from_pgaudit && notice.message().starts_with("AUDIT: "))
        .then(|| notice.message().as_bytes().to_vec())
}
