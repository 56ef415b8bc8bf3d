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
    let texts = |loaded: &Loaded, is_access: bool| -> BTreeMap<String, String> {
        let files = &loaded.files;
        files
            .ids()
            .filter(|id| files.path(*id).starts_with("access/") == is_access)
            .map(|id| (files.path(id).to_owned(), files.text(id).to_owned()))
            .collect()
    };
    texts(base, false) == texts(head, false) && texts(base, true) != texts(head, true)
}

/// Names of environments that base has and head has not: no one maintains their deployed resources any more.
pub fn removed(base: &Loaded, head: &Loaded) -> Vec<String> {
    let environments = base.policy.environments.iter();
    environments
        .filter(|environment| head.policy.environment(&environment.name).is_none())
        .map(|environment| environment.name.clone())
        .collect()
}
