//! Codes of what a pipeline's steps find, in addition to those of `check`: one table for `pgvigil explain`, for
//! docs/codes.md and for code scanning.

use crate::diagnostic::code::Entry;

const fn entry(
    id: &'static str,
    severity: &'static str,
    title: &'static str,
    why: &'static str,
    remedy: &'static str,
) -> Entry {
    Entry {
        id,
        severity,
        title,
        why,
        remedy,
    }
}

const E: &str = "error";
const W: &str = "warning";

/// Every code, by area.
#[rustfmt::skip]
pub const ALL: &[Entry] = &[
    entry("rules/sample", E, "a sample does not get the promised verdict", "the exclusion silences records that must stay loud, or leaves records loud that it was written for", "correct the exclusion, or the sample if what it promises has changed"),
    entry("rules/fixture", E, "a log fixture does not get the expected verdicts", "on a real log, the verdicts of the rules differ from the agreed ones", "correct the rules, or the file of expectations next to the log"),
    entry("rules/score", E, "the samples catch too few changes of the rules", "an exclusion could become wider, and every test would still pass", "add near misses to the exclusions that `rules test` lists"),
    entry("attack/evadable", E, "an exclusion can be used to evade the alarm", "pgvigil found a harmful statement that would not raise an alarm", "narrow the exclusion until the statement counts"),
    entry("impact/evadable", E, "a changed exclusion can be used to evade the alarm", "pgvigil found a harmful statement that would not raise an alarm", "narrow the exclusion until the statement counts, or have someone accept the risk for a short time"),
    entry("impact/protected", E, "a change silences records that are protected", "protected records must always count, regardless of who causes them and why", "narrow the exclusion so that it cannot match the protected entry"),
    entry("impact/share", E, "an exclusion silences more of the records than the limits allow", "if so many records are silent, people's own work is probably among them", "narrow the exclusion, or raise `max_silenced_share` under `limits`, with approval"),
    entry("impact/own-role", E, "the author of a change silences their own role", "no one is allowed to decide alone that their own work is not watched", "have another person propose the change"),
    entry("impact/hears-less", W, "the alarm covers less after the change", "a person, a cluster, a signal or a receiver is no longer covered, and a silent alarm looks as if nothing happens", "have people other than the author approve it"),
    entry("impact/base", E, "the state before the change could not be read", "without the earlier state, pgvigil cannot determine what the change does", "fetch the whole history (`fetch-depth: 0`), or name the revision with --base"),
    entry("impact/unread", E, "log samples were not read, or only in part", "unread parts prove nothing: they might contain records that become silent", "provide logs in a supported form: docs/logs.md"),
    entry("impact/prefixes", W, "log samples in one folder have two prefixes", "a log with another `log_line_prefix` does not show what this environment counts", "keep the samples of each environment in `samples/ENVIRONMENT/`"),
    entry("approvals/missing", E, "approvals are needed, but none could be found", "the author of a change that makes the alarm cover less must not be the only one who agrees", "ask the people whom the report names for approval"),
    entry("notes/removed", W, "a change removes a note on detections", "the note is evidence of what was found, and reports no longer show it", "restore the note; to correct it, write another one with a later date"),
    entry("notes/changed", W, "a change rewrites a note on detections", "the note is evidence of what was found, and it now says something else", "restore the note; to correct it, write another one with a later date"),
    entry("plan/failed", E, "the plan could not be made", "without a plan, the effect of an apply cannot be reviewed", "fix the cause that the message names, then run the step again"),
    entry("plan/unread", W, "a plan could not read a resource", "pgvigil could not determine what an apply would do to the resource", "grant the role the permissions that `pgvigil iam-policy` prints"),
    entry("plan/impossible", E, "a step of a plan cannot succeed", "an apply refuses such a plan before it writes anything", "follow the message, then run plan again"),
    entry("plan/drift", W, "a resource of the plan was changed outside pgvigil", "the apply reverts the change, but someone might rely on it", "add the change to the files, or allow the apply to revert it"),
    entry("apply/failed", E, "an apply stopped at a failed step", "the deployed state is neither the old one nor the new one", "fix the cause that the message names, then run the apply again: it continues where it stopped"),
    entry("apply/left", W, "an apply left something to do", "the deployed state is not yet the declared one", "follow the message, then run the apply again"),
    entry("drift/drifted", E, "a deployed resource was changed outside pgvigil", "an alarm that was changed in a console might no longer work, and no one reviewed the change", "add the change to the files, or run the apply again"),
    entry("drift/both", E, "a deployed resource was changed outside pgvigil, and the files changed too", "an apply would overwrite a change that no one reviewed", "compare both, then add the change to the files or run the apply"),
    entry("drift/missing", E, "a deployed resource is missing", "the alarm might no longer count records or notify anyone", "find out who deleted it (`drift --blame`), then run the apply"),
    entry("drift/extra", E, "a resource exists that no file declares", "a resource that no file declares was never reviewed", "declare it, or delete it"),
    entry("drift/pending", W, "the files changed, but were not applied", "the deployed state is not yet the declared one", "run the apply"),
    entry("drift/unread", E, "a resource could not be read", "pgvigil could not check whether it was changed outside pgvigil", "grant the role the permissions that `pgvigil iam-policy` prints"),
    entry("drift/unknown", E, "the deployed state could not be read", "pgvigil could not check whether it was changed outside pgvigil", "fix the cause that the message names, then run the step again"),
    entry("environment/removed", W, "an environment's file is gone, but its resources might still exist", "they stay deployed, but no one maintains them", "run `destroy` at the last revision that has the file, or restore the file"),
];

/// The entry of a code, from this table or from `check`.
pub fn find(id: &str) -> Option<Entry> {
    let own = ALL.iter().find(|entry| entry.id == id).copied();
    own.or_else(|| {
        let mut codes = crate::diagnostic::Code::ALL.iter();
        codes.find(|code| code.id() == id).map(|code| code.entry())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_is_one_of_its_own_and_is_explained() {
        let mut seen = std::collections::BTreeSet::new();
        let codes = crate::diagnostic::Code::ALL.iter();
        for entry in codes.map(|code| code.entry()).chain(ALL.iter().copied()) {
            assert!(seen.insert(entry.id), "{} stands twice", entry.id);
            for text in [entry.title, entry.why, entry.remedy] {
                assert!(!text.is_empty() && !text.ends_with('.'), "{}", entry.id);
            }
        }
    }
}
