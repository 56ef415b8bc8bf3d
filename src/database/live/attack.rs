//! Runs attacks in one transaction that never commits: whatever ends the program, nothing is left behind.
//!
//! ```text
//! BEGIN; setup.sql; SAVEPOINT; ── attack; ROLLBACK TO SAVEPOINT ── … ── ROLLBACK
//! ```

use super::connect::Target;
use super::records::SETTINGS;
use super::session::{DatabaseError, Session};
use crate::rules::attack::corpus::SETUP;
use crate::rules::attack::generate::{self, Probe};
use crate::rules::attack::server::{AttackServer, Ran, Script, ServerError};

/// Connections that attacks may break.
const CONNECTIONS_MAX: usize = 50;

/// How often everything is made anew before it is given up, and the time between.
const ATTEMPTS: u32 = 5;
const PAUSE: std::time::Duration = std::time::Duration::from_millis(500);

/// The large object that [`SETUP`] makes.
const LARGE_OBJECT: u32 = 471_100;

/// For the server, so that no attack blocks: `ms` for a statement and for a lock.
const LIMITS: &str = "SET statement_timeout = 2000; SET lock_timeout = 500; \
     SET idle_in_transaction_session_timeout = 0; SET default_transaction_read_only = off";

/// How often this transaction read or changed what [`SETUP`] made.
const COUNTERS: &str = "SELECT pg_catalog.sum(coalesce(seq_scan, 0) + coalesce(idx_scan, 0) + n_tup_ins + n_tup_upd + n_tup_del) \
     FROM pg_catalog.pg_stat_xact_all_tables \
     WHERE schemaname = 'pgvigil_attack' OR relid = 'pg_catalog.pg_largeobject'::pg_catalog.regclass";

/// What [`SETUP`] planted and a statement can change.
const STATE: &str = "SELECT (SELECT last_value::text || is_called::text FROM pgvigil_attack.numbers), pg_catalog.md5(pg_catalog.lo_get(471100))";

const SAVEPOINT: &str = "SAVEPOINT pgvigil_attack";

const UNDO: &str = "ROLLBACK TO SAVEPOINT pgvigil_attack";

/// What an attack that ended its transaction may have left.
const CLEAN: &str = "DROP SCHEMA IF EXISTS pgvigil_attack CASCADE; \
     SELECT lo_unlink(oid) FROM pg_catalog.pg_largeobject_metadata WHERE oid = 471100";

/// An empty database with pgAudit, and what the attacks work on.
#[derive(Debug)]
pub struct AttackDatabase {
    target: Target,
    session: Session,
    version: String,
    pgaudit: String,
    connections: usize,
    without_relation: bool,
}

impl AttackDatabase {
    /// Connects, and refuses a database that is not one to attack. Nothing is changed yet.
    ///
    /// # Errors
    /// [`DatabaseError`]; `Unfit` says what to do.
    pub fn open(target: &Target) -> Result<Self, DatabaseError> {
        let session = Session::open(target)?;
        let (version, pgaudit) = facts(&session)?;
        Ok(Self {
            target: target.clone(),
            session,
            version,
            pgaudit,
            connections: 1,
            without_relation: false,
        })
    }

    /// Begins the transaction, and makes in it what the attacks work on.
    ///
    /// # Errors
    /// [`DatabaseError`]; `Unfit` where the session may not see its audit records.
    pub fn prepare(&mut self) -> Result<(), DatabaseError> {
        for setting in SETTINGS {
            self.session.run(setting).map_err(|error| match error {
                DatabaseError::Refused { code, .. } if code == "42501" => {
                    DatabaseError::Unfit(format!(
                        "`{setting}` is not permitted: connect as a superuser, or as a role that was granted pgAudit's settings"
                    ))
                }
                other => other,
            })?;
        }
        self.session.run(LIMITS)?;
        self.session.take_records();
        self.session.run("SELECT 1")?;
        if self.session.take_records().is_empty() {
            return Err(DatabaseError::Unfit(
                "no audit record came back, though `pgaudit.log_client` is on".to_owned(),
            ));
        }
        self.session.run("BEGIN READ WRITE")?;
        self.session.run(SETUP)?;
        self.session.run(generate::SETUP)?;
        self.session.run(SAVEPOINT)?;
        self.without_relation = false;
        Ok(())
    }

    /// Undoes everything.
    ///
    /// # Errors
    /// The connection is gone; then the server undoes it.
    pub fn finish(self) -> Result<(), DatabaseError> {
        self.session.run("ROLLBACK")
    }

    fn set_relation(&mut self, without: bool) -> Result<(), DatabaseError> {
        if self.without_relation == without {
            return Ok(());
        }
        let value = if without { "off" } else { "on" };
        // Behind the savepoint the setting would be undone with the attack.
        self.session.run(&format!(
            "RELEASE SAVEPOINT pgvigil_attack; SET pgaudit.log_relation = {value}; {SAVEPOINT}"
        ))?;
        self.without_relation = without;
        Ok(())
    }

    fn before(&self, script: &Script) -> Result<(), DatabaseError> {
        for step in &script.before {
            self.session.run(step)?;
        }
        self.session.take_records();
        Ok(())
    }

    fn send(&self, script: &Script) -> Result<Vec<Vec<u8>>, DatabaseError> {
        for step in &script.steps {
            let lower = step.to_lowercase();
            if lower.contains("copy") && lower.contains("from stdin") {
                self.session.copy_in(step)?;
            } else {
                self.session.run(step)?;
            }
        }
        Ok(self.session.take_records())
    }

    /// Undoes an attack; where it ended the transaction or the connection, all is made anew.
    fn undo(&mut self, script: &Script) -> Result<(), DatabaseError> {
        let is_named = script
            .steps
            .iter()
            .any(|step| step.to_lowercase().contains("prepare"));
        // Prepared statements are no part of a transaction.
        let undo = if is_named {
            format!("{UNDO}; DEALLOCATE ALL")
        } else {
            UNDO.to_owned()
        };
        if self.session.run(&undo).is_ok() {
            return Ok(());
        }
        self.connections += 1;
        if self.connections > CONNECTIONS_MAX {
            return Err(DatabaseError::Lost(format!(
                "{CONNECTIONS_MAX} attacks broke the connection or ended their transaction"
            )));
        }
        let _ = self.session.run("ROLLBACK");
        self.session = Session::open(&self.target)?;
        // The server may still be busy with the old session, which holds the name of the schema.
        for _ in 1..ATTEMPTS {
            if self
                .session
                .run(CLEAN)
                .and_then(|()| self.prepare())
                .is_ok()
            {
                return Ok(());
            }
            self.session.run("ROLLBACK")?;
            std::thread::sleep(PAUSE);
        }
        self.session.run(CLEAN)?;
        self.prepare()
    }
}

impl AttackServer for AttackDatabase {
    fn version(&self) -> &str {
        &self.version
    }

    fn pgaudit(&self) -> &str {
        &self.pgaudit
    }

    fn run(&mut self, script: &Script) -> Result<Ran, ServerError> {
        let failed = |error: DatabaseError| ServerError(error.to_string());
        if script.steps.iter().any(|step| ends_transaction(step)) {
            return Ok(Ran::Failed {
                code: String::new(),
                message: "not sent: it would end the transaction that undoes it".to_owned(),
            });
        }
        self.set_relation(script.without_relation).map_err(failed)?;
        let ran = match self.before(script).and_then(|()| self.send(script)) {
            Ok(records) => Ran::Records(records),
            Err(DatabaseError::Refused { code, message }) => Ran::Failed { code, message },
            Err(error) => Ran::Failed {
                code: String::new(),
                message: error.to_string(),
            },
        };
        self.undo(script).map_err(failed)?;
        Ok(ran)
    }

    fn has_effect(&mut self, script: &Script) -> Result<bool, ServerError> {
        let failed = |error: DatabaseError| ServerError(error.to_string());
        self.set_relation(script.without_relation).map_err(failed)?;
        let counted = self
            .before(script)
            .and_then(|()| self.session.rows(COUNTERS))
            .and_then(|before| {
                self.send(script)?;
                Ok(before != self.session.rows(COUNTERS)?)
            });
        self.undo(script).map_err(failed)?;
        // Where the counters cannot be read, the attack counts as one that works.
        Ok(counted.unwrap_or(true))
    }

    fn probe(&mut self, script: &Script) -> Result<Probe, ServerError> {
        let failed = |error: DatabaseError| ServerError(error.to_string());
        self.set_relation(script.without_relation).map_err(failed)?;
        let before = self.session.rows(STATE).map_err(failed)?;
        self.session.take_records();
        let is_secret = |text: &str| generate::SECRETS.iter().any(|secret| text.contains(secret));
        let holds = |rows: &[Vec<Option<String>>]| {
            let mut values = rows.iter().flatten().flatten();
            values.any(|value| is_secret(value))
        };
        let mut probe = Probe::default();
        for (number, step) in script.steps.iter().enumerate() {
            match self.session.rows(step) {
                Ok(rows) => probe.reached |= holds(&rows),
                Err(DatabaseError::Refused { message, .. }) => {
                    probe.reached |= is_secret(&message);
                    probe.failed = Some(number);
                    break;
                }
                Err(error) => return Err(failed(error)),
            }
        }
        probe.records = self.session.take_records();
        if probe.failed.is_none() {
            let kept = format!(
                "SELECT pg_catalog.current_setting('{}', true)",
                generate::SETTING
            );
            let rows = self.session.rows(&kept).map_err(failed)?;
            probe.reached |= holds(&rows);
            // What is undone has changed nothing but a sequence, which is not undone.
            probe.reached |= before != self.session.rows(STATE).map_err(failed)?;
        }
        self.undo(script).map_err(failed)?;
        probe.reached |= before != self.session.rows(STATE).map_err(failed)?;
        Ok(probe)
    }
}

/// Says whether a text plainly ends its transaction. What is hidden better is noticed when it is undone.
fn ends_transaction(step: &str) -> bool {
    step.split(';').any(|part| {
        let word: String = part
            .trim_start()
            .chars()
            .take_while(char::is_ascii_alphabetic)
            .collect();
        let word = word.to_ascii_lowercase();
        // The END of a function's body ends none.
        matches!(word.as_str(), "commit" | "rollback" | "abort" | "release")
            || (word == "end" && !step.contains('$'))
    })
}

/// The versions of PostgreSQL and of pgAudit, where the database is one to attack.
fn facts(session: &Session) -> Result<(String, String), DatabaseError> {
    let one = |sql: &str| -> Result<String, DatabaseError> {
        let rows = session.rows(sql)?;
        Ok(rows
            .into_iter()
            .next()
            .and_then(|row| row.into_iter().next().flatten())
            .unwrap_or_default())
    };
    let unfit = |text: String| Err(DatabaseError::Unfit(text));
    if one("SELECT pg_catalog.pg_is_in_recovery()")? == "t" {
        return unfit("the server is a replica: use the writer of a throw-away server".to_owned());
    }
    // A setting that nobody defined is not in this view.
    if one("SELECT name FROM pg_catalog.pg_settings WHERE name = 'pgaudit.log_client'")?.is_empty()
    {
        return unfit(
            "pgAudit is not loaded: add it to shared_preload_libraries and restart the server"
                .to_owned(),
        );
    }
    let table = one(
        "SELECT c.oid::pg_catalog.regclass FROM pg_catalog.pg_class c \
         JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
         WHERE c.relkind IN ('r', 'p', 'm', 'f') AND n.nspname <> 'information_schema' \
         AND n.nspname NOT LIKE 'pg\\_%' AND n.nspname <> 'pgvigil_attack' LIMIT 1",
    )?;
    if !table.is_empty() {
        return unfit(format!(
            "the database holds users' tables, such as {}: use an empty database",
            crate::diagnostic::quote(&table)
        ));
    }
    if !one("SELECT nspname FROM pg_catalog.pg_namespace WHERE nspname = 'pgvigil_attack'")?
        .is_empty()
    {
        return unfit(
            "the schema pgvigil_attack exists already: drop it, or use an empty database"
                .to_owned(),
        );
    }
    let large =
        format!("SELECT oid FROM pg_catalog.pg_largeobject_metadata WHERE oid = {LARGE_OBJECT}");
    if !one(&large)?.is_empty() {
        return unfit(format!(
            "the large object {LARGE_OBJECT} exists already: use an empty database"
        ));
    }
    let version = one("SHOW server_version")?;
    let pgaudit = one("SELECT coalesce(installed_version, default_version) \
         FROM pg_catalog.pg_available_extensions WHERE name = 'pgaudit'")
    .unwrap_or_default();
    Ok((version, pgaudit))
}
