//! A throw-away PostgreSQL with pgAudit, for tests that need a real one.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "helpers of tests may panic"
)]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// A server that stops with the value.
pub(crate) struct Server {
    pub(crate) folder: TempDir,
    /// What `tests/postgres/cluster start` tells: `socket`, `port`, `log`, `version` and more.
    pub(crate) facts: BTreeMap<String, String>,
}

impl Server {
    /// Starts one, with more arguments for `tests/postgres/cluster start`.
    pub(crate) fn start(options: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let output = cluster()
            .arg("start")
            .arg(folder.path())
            .args(options)
            .output()
            .unwrap();
        Self::of(folder, output)
    }

    /// Starts a replica of another.
    pub(crate) fn replica(primary: &Self) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let output = cluster()
            .arg("replica")
            .arg(folder.path())
            .arg(primary.folder.path())
            .output()
            .unwrap();
        Self::of(folder, output)
    }

    fn of(folder: TempDir, output: std::process::Output) -> Self {
        assert!(
            output.status.success(),
            "no PostgreSQL with pgAudit could be started; run `tests/postgres/cluster install`\n{}",
            String::from_utf8_lossy(&output.stderr)
        );
        let facts = String::from_utf8(output.stdout).unwrap();
        let facts = facts
            .lines()
            .filter_map(|line| line.split_once('='))
            .map(|(k, v)| (k.to_owned(), v.to_owned()));
        Self {
            folder,
            facts: facts.collect(),
        }
    }

    /// A psql that prints bare values, without the caller's settings.
    pub(crate) fn psql(&self, user: &str, database: &str) -> Command {
        let program = std::env::var_os("PGVIGIL_PG_BIN")
            .map(|folder| Path::new(&folder).join("psql"))
            .filter(|program| program.is_file())
            .unwrap_or_else(|| PathBuf::from("psql"));
        let mut command = Command::new(program);
        command.args(["-X", "-A", "-t", "-q"]);
        command
            .env("PGHOST", &self.facts["socket"])
            .env("PGPORT", &self.facts["port"]);
        command
            .env("PGUSER", user)
            .env("PGDATABASE", database)
            .env_remove("PGOPTIONS");
        command
    }

    /// What a statement returns, as the superuser, without line breaks at its end.
    pub(crate) fn ask(&self, sql: &str) -> String {
        self.ask_as("postgres", sql)
    }

    pub(crate) fn ask_as(&self, user: &str, sql: &str) -> String {
        let output = self
            .psql(user, "postgres")
            .args(["-v", "ON_ERROR_STOP=1", "-c", sql])
            .output()
            .unwrap();
        assert!(
            output.status.success(),
            "{sql}\n{}",
            String::from_utf8_lossy(&output.stderr)
        );
        let answer = String::from_utf8(output.stdout).unwrap();
        answer.trim_end().to_owned()
    }

    /// The log, once it holds what every session up to now said: the server's collector writes it a little later.
    pub(crate) fn log(&self) -> PathBuf {
        static MARKS: AtomicUsize = AtomicUsize::new(0);
        let mark = format!("mark {}.", MARKS.fetch_add(1, Ordering::Relaxed));
        self.ask(&format!("do $$ begin raise log '{mark}'; end $$"));
        let log = PathBuf::from(&self.facts["log"]);
        let until = Instant::now() + Duration::from_secs(60);
        loop {
            let text = std::fs::read(&log).unwrap();
            if text.ends_with(b"\n") && memchr::memmem::find(&text, mark.as_bytes()).is_some() {
                return log;
            }
            assert!(Instant::now() < until, "{mark} is not in the log");
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// What the log says up to now.
    pub(crate) fn logged(&self) -> String {
        String::from_utf8_lossy(&std::fs::read(self.log()).unwrap()).into_owned()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = cluster().arg("stop").arg(self.folder.path()).output();
    }
}

fn cluster() -> Command {
    Command::new(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/postgres/cluster"))
}
