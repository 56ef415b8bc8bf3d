//! Exit codes, the same for every command.

use std::process::ExitCode;

use pgvigil::deploy::Outcome;

/// What a run of pgvigil ended with. The README's table lists the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub(crate) enum Exit {
    Clean = 0,
    /// The tool could not do its work.
    Failed = 1,
    /// The command line is not valid.
    Usage = 2,
    /// The policy files have errors, a step of a plan cannot succeed, the doctor found something that does not work, a proof found
    /// a service that does not behave as assumed, or no safe exclusion was found for a record.
    Diagnostics = 10,
    /// A sample or a fixture of the rules was judged otherwise than promised.
    RuleTestsFailed = 11,
    /// The files changed: an apply would change something, or generated files are out of date.
    Pending = 12,
    /// Deployed resources were changed outside pgvigil.
    Drift = 13,
    PendingAndDrift = 14,
    /// An apply stopped part way, or something is left to do after it.
    PartlyApplied = 15,
    /// A person with a login is, or might be, unwatched.
    CoverageGap = 16,
    /// Logs were not read, or not as a whole.
    Unread = 17,
    /// Approvals are needed, but the run cannot see them.
    ApprovalsMissing = 18,
    /// Something that was to be taken over was not understood.
    NotUnderstood = 19,
}

impl Exit {
    const ALL: [Self; 13] = [
        Self::Clean,
        Self::Failed,
        Self::Usage,
        Self::Diagnostics,
        Self::RuleTestsFailed,
        Self::Pending,
        Self::Drift,
        Self::PendingAndDrift,
        Self::PartlyApplied,
        Self::CoverageGap,
        Self::Unread,
        Self::ApprovalsMissing,
        Self::NotUnderstood,
    ];

    /// What it means, for the reference. The README has the same table.
    fn meaning(self) -> &'static str {
        match self {
            Self::Clean => "clean",
            Self::Failed => "the tool failed",
            Self::Usage => "bad usage",
            Self::Diagnostics => {
                "the policy files have errors, a step of a plan cannot succeed, `doctor` found something that does not work, \
                 `prove` found a service that does not behave as assumed, or `rules suggest` found no safe exclusion"
            }
            Self::RuleTestsFailed => "a rule test failed",
            Self::Pending => "changes pending, or written files are stale",
            Self::Drift => "drift: deployed resources were changed outside pgvigil",
            Self::PendingAndDrift => "both 12 and 13",
            Self::PartlyApplied => "an apply stopped part way, or something is left to do after it",
            Self::CoverageGap => {
                "a gap in the coverage of enrolment: a person with a login is, or might be, unwatched"
            }
            Self::Unread => {
                "logs were not read, or not completely: the verdict does not cover all of them"
            }
            Self::ApprovalsMissing => {
                "`ci pr --require-approvals`: a change needs approvals that the run cannot see"
            }
            Self::NotUnderstood => {
                "`migrate`: something was not understood, or has to be done manually; the rest was done"
            }
        }
    }

    /// What to do about it.
    fn remedy(self) -> &'static str {
        match self {
            Self::Clean => "nothing",
            Self::Failed => "read the message on stderr; the run has no verdict on the policy",
            Self::Usage => "read `pgvigil COMMAND --help`",
            Self::Diagnostics => {
                "fix the problems in the output, each of which has a [code](codes.md)"
            }
            Self::RuleTestsFailed => "correct the rule, or the sample if its promise has changed",
            Self::Pending => "run `apply`, or write the files again",
            Self::Drift => {
                "`drift --blame` shows who made the change; `apply` undoes it; to keep it, change the files"
            }
            Self::PendingAndDrift => "as for 13: `apply` does both",
            Self::PartlyApplied => {
                "if the failed step says that another apply would fail too, first fix what it names; then run `apply` \
                 again: it continues where it stopped"
            }
            Self::CoverageGap => "run `enrol plan` or `enrol import`, or declare the account",
            Self::Unread => "follow the warnings on stderr, or give other [logs](logs.md)",
            Self::ApprovalsMissing => {
                "get the approvals that the report lists, and let the forge decide by them"
            }
            Self::NotUnderstood => "do the steps that the report lists under *Left to do manually*",
        }
    }
}

/// The reference page of exit codes.
pub(crate) fn render_reference() -> String {
    let mut page = String::from(
        "# Exit codes\n\nGenerated from `src/bin/pgvigil/exit.rs`. They are the same for every command. `plan` exits with 0 even if \
         there are changes, unless `--detailed-exitcode` is given; `drift` always shows them in its exit code.\n\n\
         | code | means | what to do |\n| --: | --- | --- |\n",
    );
    for exit in Exit::ALL {
        page.push_str(&format!(
            "| {} | {} | {} |\n",
            exit as u8,
            exit.meaning(),
            exit.remedy()
        ));
    }
    page
}

impl Exit {
    /// The worse of two: the tool failed, bad usage, an apply that stopped, faults, failed rule tests; drift here and changes
    /// there are both.
    pub(crate) fn worse(self, other: Self) -> Self {
        let rank = |exit: Self| match exit {
            Self::Failed => 6,
            Self::Usage => 5,
            Self::PartlyApplied => 4,
            Self::Diagnostics => 3,
            Self::RuleTestsFailed => 2,
            Self::Clean => 0,
            _ => 1,
        };
        match (self, other) {
            (Self::Pending, Self::Drift) | (Self::Drift, Self::Pending) => Self::PendingAndDrift,
            _ if rank(self) == rank(other) => self.max(other),
            _ if rank(other) > rank(self) => other,
            _ => self,
        }
    }

    /// The worst of many.
    pub(crate) fn worst(exits: impl IntoIterator<Item = Self>) -> Self {
        exits.into_iter().fold(Self::Clean, Self::worse)
    }
}

/// What ends a command before its work is done.
#[derive(Debug)]
pub(crate) enum Stop {
    /// The reason was printed already.
    Exit(Exit),
    /// The reason is still to be printed.
    Failed(anyhow::Error),
}

/// What a command ends with, or a part of one.
pub(crate) type Ran<T = Exit> = Result<T, Stop>;

impl From<Exit> for Stop {
    fn from(exit: Exit) -> Self {
        Self::Exit(exit)
    }
}

impl<E: Into<anyhow::Error>> From<E> for Stop {
    fn from(error: E) -> Self {
        Self::Failed(error.into())
    }
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

#[cfg(test)]
mod tests {
    use super::*;
    use Exit::{
        Clean, Diagnostics, Drift, Failed, PartlyApplied, Pending, PendingAndDrift, RuleTestsFailed,
    };

    #[test]
    fn the_worse_of_two() {
        for (one, other, expected) in [
            (Clean, RuleTestsFailed, RuleTestsFailed),
            (RuleTestsFailed, Diagnostics, Diagnostics),
            (Diagnostics, Failed, Failed),
            (PartlyApplied, Failed, Failed),
            (PartlyApplied, Diagnostics, PartlyApplied),
            (Drift, Pending, PendingAndDrift),
            (PendingAndDrift, Drift, PendingAndDrift),
            (Drift, PendingAndDrift, PendingAndDrift),
        ] {
            assert_eq!(one.worse(other), expected);
            assert_eq!(other.worse(one), expected);
        }
    }

    #[test]
    fn the_worst_of_many() {
        for (exits, expected) in [
            (vec![], Clean),
            (vec![Clean, Clean], Clean),
            (vec![Clean, Pending, Clean], Pending),
            (vec![Drift, Clean], Drift),
            (vec![Pending, Clean, Drift], PendingAndDrift),
            (vec![PendingAndDrift, Drift], PendingAndDrift),
            (vec![PendingAndDrift, Diagnostics], Diagnostics),
            (vec![Failed, Diagnostics, PendingAndDrift], Failed),
            (vec![Clean, Failed, Clean], Failed),
        ] {
            assert_eq!(Exit::worst(exits.clone()), expected, "{exits:?}");
        }
    }
}
