//! Which environments a change touches.

use std::collections::BTreeMap;

use jiff::civil::Date;

use crate::compile;
use crate::policy::Loaded;
use crate::policy::model::Environment;

/// Names of the environments in head that a change touches, in head's order.
///
/// What is compiled is compared, not which files changed: a base that is extended touches everything below it, and a comment
/// touches nothing. What a reviewer weighs and no query holds, such as an accepted risk, stands in the files of the
/// exclusions: a change there touches every environment in which one of them applies. Where base cannot be compiled,
/// everything is touched.
pub fn touched(base: &Loaded, head: &Loaded, today: Date) -> Vec<String> {
    let environments = head.policy.environments.iter();
    environments
        .filter(|after| {
            let before = base.policy.environment(&after.name);
            before.is_none_or(|before| {
                texts_of_exclusions(base, before) != texts_of_exclusions(head, after)
                    || compile::compile(base, before, today).artefacts
                        != compile::compile(head, after, today).artefacts
            })
        })
        .map(|environment| environment.name.clone())
        .collect()
}

/// Names of environments that base has and head has not: what was deployed for them is nobody's any more.
pub fn removed(base: &Loaded, head: &Loaded) -> Vec<String> {
    let environments = base.policy.environments.iter();
    environments
        .filter(|environment| head.policy.environment(&environment.name).is_none())
        .map(|environment| environment.name.clone())
        .collect()
}

/// The files in which the exclusions of an environment stand, by path.
fn texts_of_exclusions<'a>(
    loaded: &'a Loaded,
    environment: &'a Environment,
) -> BTreeMap<&'a str, &'a str> {
    let files = loaded
        .policy
        .exclusions_in(environment)
        .map(|exclusion| exclusion.place.file);
    files
        .map(|file| (loaded.files.path(file), loaded.files.text(file)))
        .collect()
}
