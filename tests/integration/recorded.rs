//! The recordings, read once for all tests.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "helpers of tests may panic"
)]

use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use pgvigil::audit_log::prefix::LogLinePrefix;
use pgvigil::policy::{self, Loaded};
use pgvigil::rules::fixture::Fixture;
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
        names
            .into_par_iter()
            .map(|name| read(&folder, name))
            .collect()
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
        name,
    }
}
