//! Exit codes, the same for every command.

use std::process::ExitCode;

use pgvigil::deploy::Outcome;

/// What a run of pgvigil ended with. The README's table lists the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub(crate) enum Exit {
    /// Nothing to report.
    Clean = 0,
    /// The tool could not do its work.
    Failed = 1,
    /// The command line makes no sense.
    Usage = 2,
    /// The policy files have faults, or the doctor found something that does not work.
    Diagnostics = 10,
    /// A sample or a fixture of the rules was judged otherwise than promised.
    RuleTestsFailed = 11,
    /// The repository moved: an apply would change something, or written files are stale.
    Pending = 12,
    /// Somebody changed what is deployed.
    Drift = 13,
    /// Both.
    PendingAndDrift = 14,
    /// An apply stopped part way, or something is left to do after it.
    PartlyApplied = 15,
    /// Somebody with a login is, or may be, unwatched.
    #[cfg_attr(
        not(feature = "database"),
        expect(dead_code, reason = "only a database tells who has a login")
    )]
    CoverageGap = 16,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

impl From<Outcome> for Exit {
    fn from(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Clean => Self::Clean,
            Outcome::Pending => Self::Pending,
            Outcome::Drifted => Self::Drift,
            Outcome::Both => Self::PendingAndDrift,
        }
    }
}
