//! Which environments a change touches.

use std::collections::BTreeMap;

use crate::policy::Loaded;

/// Names of the environments in head that a change touches, in head's order: those whose own files, or the rules, say
/// something else than in base. A base that is extended touches everything below it. The rules touch everything, even by a
/// comment: each monitor reports the digest of the policy by which it judges, so there is something to deploy.
pub fn touched(base: &Loaded, head: &Loaded) -> Vec<String> {
    let environments = head.policy.environments.iter();
    environments
        .filter(|after| {
            let before = base.policy.environment(&after.name);
            before.is_none_or(|before| before.digest != after.digest)
        })
        .map(|environment| environment.name.clone())
        .collect()
}

/// Whether access grants are all that a change of the policy files is about.
pub fn is_access_alone(base: &Loaded, head: &Loaded) -> bool {
    is_alone(base, head, |path| path.starts_with("access/"))
}

/// Whether notes on detections are all that a change of the files is about.
pub fn are_notes_alone(base: &Loaded, head: &Loaded) -> bool {
    is_alone(base, head, |path| path.starts_with("notes/"))
}

/// Whether a change affects some of the files, and none of the others.
fn is_alone(base: &Loaded, head: &Loaded, is_meant: fn(&str) -> bool) -> bool {
    let (before, after) = (
        texts(base, |path| !is_meant(path)),
        texts(head, |path| !is_meant(path)),
    );
    before == after && texts(base, is_meant) != texts(head, is_meant)
}

/// The texts of some of the files, by their paths.
pub(super) fn texts(loaded: &Loaded, is_wanted: impl Fn(&str) -> bool) -> BTreeMap<&str, &str> {
    let files = &loaded.files;
    files
        .ids()
        .map(|id| (files.path(id), files.text(id)))
        .filter(|(path, _)| is_wanted(path))
        .collect()
}

/// Names of environments that base has and head has not: no one maintains their deployed resources any more.
pub fn removed(base: &Loaded, head: &Loaded) -> Vec<String> {
    let environments = base.policy.environments.iter();
    environments
        .filter(|environment| head.policy.environment(&environment.name).is_none())
        .map(|environment| environment.name.clone())
        .collect()
}
