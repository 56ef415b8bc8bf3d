//! Audited people whose settings leave out what is counted, and environments that audit nobody.

use super::{Check, Context};
use crate::diagnostic::{Code, Diagnostic, Diagnostics, Severity, quote, quote_all};
use crate::policy::model::{LogClass, User};

/// See [`Code::UserNotWatched`] and [`Code::UserNoRelations`].
#[derive(Debug)]
pub struct People;

impl Check for People {
    fn run(&self, context: &Context<'_>, sink: &mut Diagnostics) {
        for user in &context.policy.users {
            classes(user, sink);
        }
        relations(context, sink);
    }
}

fn classes(user: &User, sink: &mut Diagnostics) {
    let log = &user.audit.log;
    if log.contains(&LogClass::All) {
        return;
    }
    let counted = [LogClass::Read, LogClass::Write, LogClass::Function];
    let missing: Vec<String> = counted
        .iter()
        .filter(|class| !log.contains(class))
        .map(ToString::to_string)
        .collect();
    if missing.is_empty() {
        return;
    }
    let place = if user.places.has("audit/log") {
        user.places.value("audit/log")
    } else {
        user.place.clone()
    };
    sink.push(
        Diagnostic::new(
            Code::UserNotWatched,
            format!(
                "the audit settings of {} leave out the classes {}, so nothing in them is logged or counted",
                quote(&user.role),
                quote_all(&missing)
            ),
        )
        .at(place)
        .help("add them to `log`, or write `log: [all]`"),
    );
}

/// Those whose own entry says it, one by one; those who have it from the top of the file, once.
fn relations(context: &Context<'_>, sink: &mut Diagnostics) {
    let without = || {
        context
            .policy
            .users
            .iter()
            .filter(|user| !user.audit.log_relation)
    };
    let is_own = |user: &&User| user.places.has("audit/log_relation");
    let told = |names: String, place| {
        Diagnostic::new(
            Code::UserNoRelations,
            format!(
                "records of {names} do not contain the relations that a statement touches: reads of all tables look the same"
            ),
        )
        .at(place)
        .help("set `log_relation: true`, or delete the key: exclusions by schema and relation need it")
    };
    for user in without().filter(is_own) {
        sink.push(told(
            quote(&user.role),
            user.places.value("audit/log_relation"),
        ));
    }
    let mut others = without().filter(|user| !is_own(user));
    if let Some(first) = others.next() {
        let names = match others.count() {
            0 => quote(&first.role),
            1 => format!("{} and 1 other", quote(&first.role)),
            more => format!("{} and {more} others", quote(&first.role)),
        };
        sink.push(told(names, first.place.clone()));
    }
}

/// See [`Code::EnvironmentNobodyAudited`].
///
/// Environments alone, without any rules, are no policy yet.
pub(super) fn nobody_audited(context: &Context<'_>, sink: &mut Diagnostics) {
    let is_of_rules = |path: &str| path.starts_with("rules/");
    if !context
        .files
        .ids()
        .any(|id| is_of_rules(context.files.path(id)))
    {
        return;
    }
    for environment in &context.policy.environments {
        if context
            .policy
            .users_in(environment, context.today)
            .next()
            .is_some()
        {
            continue;
        }
        let mut found = Diagnostic::new(
            Code::EnvironmentNobodyAudited,
            format!(
                "the environment {} audits no one, so its alarm never fires",
                quote(&environment.name)
            ),
        )
        .at(environment.place.clone())
        .help("add people to `users` in `rules/`, or add the environment to their `environments`")
        .help("`pgvigil enrol import` writes an entry for each role that can log in to a database");
        // `users: []` is how a new repository begins.
        if context.policy.is_nobody_yet && context.policy.users.is_empty() {
            found.severity = Severity::Warning;
        }
        sink.push(found);
    }
}
