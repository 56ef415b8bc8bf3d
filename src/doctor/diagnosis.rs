//! What the doctor found: data, no rendering.

use serde::Serialize;

use super::remedy::Remedy;
use crate::deploy::port::{CloudError, Identity};

/// Version of the diagnosis's JSON.
pub const FORMAT_VERSION: u32 = 1;

/// What one check came to. The order is from the quietest to the loudest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// As it should be.
    Ok,
    /// Not looked at, because it could not matter: what it needs is missing, or the provider has no such thing.
    Skip,
    /// Works, and may not for long, or not for everything.
    Warn,
    /// Could not be read: nothing is known.
    Unknown,
    Fail,
}

impl Verdict {
    /// The word in reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ok => "OK",
            Self::Skip => "SKIP",
            Self::Warn => "WARN",
            Self::Unknown => "UNREAD",
            Self::Fail => "FAIL",
        }
    }
}

/// One thing that a check found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// The resource, where a check looks at several.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub about: Option<String>,
    pub verdict: Verdict,
    /// One sentence, lower case, without a full stop.
    pub sentence: String,
    /// What to do: there for every warning and failure.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remedy: Option<Remedy>,
}

impl Finding {
    fn new(verdict: Verdict, sentence: impl Into<String>, remedy: Option<Remedy>) -> Self {
        Self {
            about: None,
            verdict,
            sentence: sentence.into(),
            remedy,
        }
    }

    /// As it should be.
    pub fn ok(sentence: impl Into<String>) -> Self {
        Self::new(Verdict::Ok, sentence, None)
    }

    pub fn skip(reason: impl Into<String>) -> Self {
        Self::new(Verdict::Skip, reason, None)
    }

    /// May not work for long, or not for everything.
    pub fn warn(sentence: impl Into<String>, remedy: Remedy) -> Self {
        Self::new(Verdict::Warn, sentence, Some(remedy))
    }

    pub fn fail(sentence: impl Into<String>, remedy: Remedy) -> Self {
        Self::new(Verdict::Fail, sentence, Some(remedy))
    }

    /// Could not be read.
    pub fn unknown(error: &CloudError) -> Self {
        Self::new(Verdict::Unknown, error.to_string(), None)
    }

    /// Was read and not understood.
    pub fn unclear(sentence: impl Into<String>) -> Self {
        Self::new(Verdict::Unknown, sentence, None)
    }

    #[must_use]
    pub fn about(mut self, name: &str) -> Self {
        self.about = Some(name.to_owned());
        self
    }
}

/// A check that was made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Checked {
    pub id: &'static str,
    /// The branch of the tree.
    pub group: &'static str,
    /// What holds when it is fine.
    pub title: &'static str,
    pub why: &'static str,
    /// The loudest of its findings.
    pub verdict: Verdict,
    /// What was found, one at least.
    pub findings: Vec<Finding>,
}

/// The checks of one cluster.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ClusterDiagnosis {
    pub cluster: String,
    /// In the order of the registry.
    pub checks: Vec<Checked>,
}

/// How many checks came to what.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// As they should be.
    pub ok: usize,
    pub warn: usize,
    pub fail: usize,
    pub skip: usize,
    pub unknown: usize,
}

/// Everything that was found about an environment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Diagnosis {
    /// Version of this form.
    pub format_version: u32,
    pub identity: Identity,
    /// Checks of the environment as a whole.
    pub environment: Vec<Checked>,
    /// Checks of each cluster, in the order of the files.
    pub clusters: Vec<ClusterDiagnosis>,
}

impl Diagnosis {
    /// Every check that was made.
    pub fn checks(&self) -> impl Iterator<Item = &Checked> {
        let of_clusters = self.clusters.iter().flat_map(|cluster| &cluster.checks);
        self.environment.iter().chain(of_clusters)
    }

    /// The loudest verdict; a check that was skipped says nothing.
    pub fn verdict(&self) -> Verdict {
        self.checks()
            .map(|check| check.verdict)
            .filter(|verdict| *verdict != Verdict::Skip)
            .max()
            .unwrap_or(Verdict::Skip)
    }

    /// The numbers of the summary.
    pub fn counts(&self) -> Counts {
        let mut counts = Counts::default();
        for check in self.checks() {
            match check.verdict {
                Verdict::Ok => counts.ok += 1,
                Verdict::Warn => counts.warn += 1,
                Verdict::Fail => counts.fail += 1,
                Verdict::Skip => counts.skip += 1,
                Verdict::Unknown => counts.unknown += 1,
            }
        }
        counts
    }
}
