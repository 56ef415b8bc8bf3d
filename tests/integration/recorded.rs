//! The recordings, read once for all tests.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests may panic"
)]

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use pgvigil::audit_log::prefix::LogLinePrefix;
use pgvigil::policy::{self, Loaded};
use pgvigil::rules::fixture::{Fixture, LogEntry};
use rayon::prelude::*;

/// One recorded log with its labels.
pub(crate) struct Recording {
    /// `CLIENT.VARIANT`.
    pub(crate) name: String,
    /// Whether `pgaudit.log_relation` was on.
    pub(crate) relation: bool,
    /// The prefix that it was recorded with.
    pub(crate) prefix: LogLinePrefix,
    /// The log and its labels.
    pub(crate) log: Fixture,
    /// See [`Recording::few`].
    pub(crate) few: Vec<usize>,
}

impl Recording {
    /// Two entries of each kind: texts that differ in digits alone are of one kind, and a kind that an earlier recording
    /// with the same prefix has is left out. Clients say the same things again, on every version of the server. A thorough
    /// run takes all.
    pub(crate) fn few(&self) -> impl Iterator<Item = &LogEntry> {
        self.few.iter().map(|at| &self.log.entries[*at])
    }
}

/// Whether this is a run that may take hours (`PGVIGIL_THOROUGH`), as it is each night.
pub(crate) fn is_thorough() -> bool {
    std::env::var("PGVIGIL_THOROUGH").is_ok_and(|value| !value.is_empty())
}

/// Chooses what [`Recording::few`] has.
fn choose(mut recordings: Vec<Recording>) -> Vec<Recording> {
    let mut kinds: HashMap<(LogLinePrefix, Vec<u8>), usize> = HashMap::new();
    for recording in &mut recordings {
        for (at, entry) in recording.log.entries.iter().enumerate() {
            let mut kind = entry.text.clone();
            kind.dedup_by(|one, before| one.is_ascii_digit() && before.is_ascii_digit());
            let digits = kind.iter_mut().filter(|byte| byte.is_ascii_digit());
            digits.for_each(|digit| *digit = b'0');
            let seen = kinds.entry((recording.prefix, kind)).or_default();
            *seen += 1;
            if *seen <= 2 || is_thorough() {
                recording.few.push(at);
            }
        }
    }
    recordings
}

/// The repository.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The policy that the repository ships.
pub(crate) fn shipped() -> &'static Loaded {
    static LOADED: LazyLock<Loaded> = LazyLock::new(|| policy::load(root()).unwrap());
    &LOADED
}

/// Every recording, sorted by name.
pub(crate) fn all() -> &'static [Recording] {
    static ALL: LazyLock<Vec<Recording>> = LazyLock::new(|| {
        let folder = root().join("tests/recordings");
        let mut names: Vec<String> = std::fs::read_dir(&folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .filter_map(|name| name.strip_suffix(".labels.tsv").map(str::to_owned))
            .collect();
        names.sort();
        let recordings = names.into_par_iter().map(|name| read(&folder, name));
        choose(recordings.collect())
    });
    &ALL
}

fn read(folder: &Path, name: String) -> Recording {
    let (_, variant) = name.rsplit_once('.').expect("CLIENT.VARIANT");
    let (relation, form) = variant.split_once('-').expect("on-short, …");
    let prefix = match form {
        "short" => LogLinePrefix::Short,
        "long" => LogLinePrefix::Long,
        other => panic!("{other}"),
    };
    let log = |ending: &str| -> PathBuf { folder.join(format!("{name}{ending}")) };
    let path = [log(".log"), log(".log.gz")]
        .into_iter()
        .find(|path| path.exists())
        .expect("a log");
    let labels = std::fs::read_to_string(log(".labels.tsv")).unwrap();
    let fixture = Fixture::read(name.clone(), &path, format!("{name}.labels.tsv"), &labels);
    assert_eq!(fixture.faults, [], "{name}");
    Recording {
        relation: relation == "on",
        prefix,
        log: fixture,
        few: Vec::new(),
        name,
    }
}
