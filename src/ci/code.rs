//! Codes of what a pipeline's steps find, beside those of `check`: one table for `pgvigil explain`, for docs/codes.md and for code
//! scanning.

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
    entry("rules/sample", E, "a sample is judged otherwise than promised", "the exclusion silences what it must not, or leaves loud what it was made for", "correct the exclusion, or the sample if what it promises has changed"),
    entry("rules/fixture", E, "a log fixture is judged otherwise than promised", "on a real log the rules do something else than people agreed on", "correct the rules, or the file of expectations beside the log"),
    entry("rules/score", E, "the samples notice too few changes of the rules", "an exclusion could become wider, and every test would still pass", "add near misses to the exclusions that `rules test` lists"),
    entry("attack/evadable", E, "a person can hide behind an exclusion", "a statement was found that does harm and that no one would hear of", "narrow the exclusion until the statement counts"),
    entry("impact/evadable", E, "a person can hide behind an exclusion that a change is about", "a statement was found that does harm and that no one would hear of", "narrow the exclusion until the statement counts, or let somebody accept the risk for a short time"),
    entry("impact/protected", E, "a change silences records that are protected", "what is protected must be heard, whoever does it and whyever", "narrow the exclusion so that it cannot match the protected entry"),
    entry("impact/share", E, "an exclusion silences more of the records than the limits allow", "where so much is silent, people's own work is likely to be among it", "narrow the exclusion, or raise `max_silenced_share` under `limits`, with approval"),
    entry("impact/own-role", E, "the author of a change silences their own role", "nobody decides by themselves that they are not watched", "let another person propose the change"),
    entry("impact/hears-less", W, "the alarm hears less after the change", "a person, a cluster, a signal or a receiver is lost, and silence looks like peace", "let people approve it who did not write it"),
    entry("impact/base", E, "the state before the change is not known", "what a change does cannot be seen without what was there before", "fetch the whole history (`fetch-depth: 0`), or name the revision with --base"),
    entry("impact/unread", E, "log samples were not read, or not as a whole", "what was not read proves nothing: records that fall silent may be among it", "give logs in a form that is read: docs/logs.md"),
    entry("impact/prefixes", W, "log samples of one folder have two prefixes", "a log that was written with another `log_line_prefix` shows nothing of what this environment counts", "keep the samples of each environment in `samples/ENVIRONMENT/`"),
    entry("approvals/missing", E, "approvals are needed, and none can be shown", "whoever makes the alarm hear less must not be the only one who agrees", "let the people approve it that the report asks for"),
    entry("plan/failed", E, "there is no plan", "what an apply would change cannot be reviewed", "correct what the message names, and run the step again"),
    entry("plan/unread", W, "a plan could not read a resource", "what an apply would do to it is not known", "give the role the rights that `pgvigil iam-policy` prints"),
    entry("plan/impossible", E, "a step of a plan cannot succeed", "an apply refuses such a plan before its first write", "do what the message says, then make the plan again"),
    entry("plan/drift", W, "somebody changed by hand what the plan is about", "the apply takes the change back, and somebody may rely on it", "take the change into the files, or let the apply take it back"),
    entry("apply/failed", E, "an apply stopped at a step that failed", "what is deployed is neither the old state nor the new one", "correct what the message names, and run the apply again: it goes on where it stopped"),
    entry("apply/left", W, "something is left to do after an apply", "what is deployed is not yet what the files say", "do what the message says, then run the apply again"),
    entry("drift/drifted", E, "somebody changed by hand what is deployed", "an alarm that was changed in a console can be deaf, and no review has seen it", "take the change into the files, or run the apply again"),
    entry("drift/both", E, "somebody changed by hand what is deployed, and the files have changed too", "an apply would overwrite a change that no review has seen", "look at both, then take the change into the files or run the apply"),
    entry("drift/missing", E, "a resource that was deployed is gone", "the alarm may have lost its ears or its voice", "find out who deleted it (`drift --blame`), then run the apply"),
    entry("drift/extra", E, "a resource is there that no file declares", "what no file declares nobody has reviewed", "declare it, or delete it"),
    entry("drift/pending", W, "the files have changed, and nothing was applied since", "what is deployed is not yet what the files say", "run the apply"),
    entry("drift/unread", E, "a resource could not be read", "whether somebody changed it is not known", "give the role the rights that `pgvigil iam-policy` prints"),
    entry("drift/unknown", E, "what is deployed could not be read", "whether somebody changed it is not known", "correct what the message names, and run the step again"),
    entry("environment/removed", W, "an environment's file is gone, and its resources may still be there", "they go on as they are, and nobody looks after them", "run `destroy` at the last revision that has the file, or bring it back"),
];

/// What there is to say of a code, whoever finds it.
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
