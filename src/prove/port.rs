//! The log groups of a proof: the only ones that it writes to.

use std::collections::BTreeMap;

use crate::deploy::port::CloudError;

/// An entry to write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its time, in milliseconds since 1970.
    pub at_ms: i64,
    pub text: String,
}

/// An entry as the service keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    pub stream: String,
    /// Its time, in milliseconds since 1970.
    pub at_ms: i64,
    /// When it arrived, likewise.
    pub arrived_ms: i64,
    pub text: String,
}

/// A log group that is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    pub name: String,
    pub tags: BTreeMap<String, String>,
    /// When it was made, in milliseconds since 1970, where the service says so.
    pub created_ms: Option<i64>,
}

/// What a proof does with log groups. No other group can be reached through it.
pub trait OwnLogs {
    /// Makes a log group, which loses its entries after some days even if nobody takes it away.
    fn create(&self, group: &str, tags: &BTreeMap<String, String>) -> Result<(), CloudError>;

    /// Makes a log stream and writes entries into it, which are in the order of their times. All are taken, or it is an
    /// error.
    fn write(&self, group: &str, stream: &str, entries: &[Entry]) -> Result<(), CloudError>;

    /// All entries of a log stream, as far as the service shows them already.
    fn read(&self, group: &str, stream: &str) -> Result<Vec<Stored>, CloudError>;

    /// The log groups whose names begin so.
    fn groups(&self, prefix: &str) -> Result<Vec<Group>, CloudError>;

    /// Deletes a log group. One that is not there is deleted.
    fn delete(&self, group: &str) -> Result<(), CloudError>;
}
