//! The approvals that a change needs, from its two revisions in Git. Nothing in the change is run, and the result of its own
//! pipeline is not trusted.

use anyhow::bail;
use pgvigil::policy::model::Environment;
use pgvigil::policy::{FOLDERS, revision};
use pgvigil::publish::approval::Needed;
use pgvigil::publish::code_owners::CodeOwners;
use pgvigil::rules::hearing::files;
use pgvigil::rules::impact;

use crate::commands::rules::change::Change;
use crate::session::Session;

/// The approvals that the change from `base` to `head` needs, and the code owners of each file, from the base.
pub(super) fn needed(
    session: &Session,
    base: &str,
    head: &str,
) -> anyhow::Result<(Needed, CodeOwners)> {
    let root = session.root();
    let change = Change::read(session, base, Some(head))?;
    let later = change.later(session)?;
    let faults = later.diagnostics.errors();
    if faults > 0 {
        bail!("the policy files of the change cannot be read: run `pgvigil check`");
    }
    let (before, after) = (&change.base.policy, &later.policy);
    let gone = before
        .environments
        .iter()
        .filter(|environment| after.environment(&environment.name).is_none());
    let all: Vec<&Environment> = after.environments.iter().chain(gone).collect();
    let mut needed = Needed::default();
    for environment in all {
        let approvals = impact::needed(&change.question(session, &later, environment));
        if approvals.required > needed.count {
            needed.count = approvals.required;
            needed.reasons.clone_from(&approvals.reasons);
        }
        needed.not_by.extend(approvals.not_by);
    }
    needed.not_by.sort_unstable();
    needed.not_by.dedup();
    let folder = revision::place(root)?;
    let is_ours = |path: &String| {
        let inside = path.strip_prefix(&folder);
        let is_policy = inside.is_some_and(|inside| {
            let inside = inside.split_once('/').map(|(folder, _)| folder);
            inside.is_some_and(|folder| FOLDERS.contains(&folder) || folder == "samples")
        });
        is_policy || files::is_compared(path)
    };
    needed.paths = revision::paths(root, &change.base_commit, head)?
        .into_iter()
        .filter(is_ours)
        .collect();
    for place in files::CODE_OWNERS {
        let text = revision::text_of(root, Some(&change.base_commit), place)?;
        if !text.is_empty() {
            return Ok((needed, CodeOwners::parse(&text)));
        }
    }
    Ok((needed, CodeOwners::default()))
}
