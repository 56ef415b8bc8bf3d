//! Who gets which detections: routes that would reach no one, and receivers who would hear only of themselves.

use std::collections::BTreeSet;

use super::{Check, Context};
use crate::diagnostic::{Code, Diagnostic, Diagnostics, quote, suggest};
use crate::policy::model::{ANY, COMBINATIONS_MAX, Engine, Environment, Policy, Route, User};

/// Each subscription has its note in a tag of the topic, which takes 50: this leaves room for the tags of the policy.
const RECEIVERS_MAX: usize = 25;

/// See the codes `environment/route-…` and [`Code::EnvironmentOwnReceiver`].
#[derive(Debug)]
pub struct Routes;

impl Check for Routes {
    fn run(&self, context: &Context<'_>, sink: &mut Diagnostics) {
        for environment in &context.policy.environments {
            engine(environment, sink);
            for (index, route) in environment.routes.iter().enumerate() {
                conditions(environment, index, route, context.policy, sink);
            }
            defaults(environment, context.policy, sink);
            limits(environment, sink);
        }
    }
}

fn at(index: usize) -> String {
    format!("notifications/routes/{index}")
}

fn engine(environment: &Environment, sink: &mut Diagnostics) {
    if environment.engine == Engine::Monitor {
        return;
    }
    let used = [
        ("routes", !environment.routes.is_empty()),
        ("chat", environment.chat),
        ("events", environment.events.is_some()),
        ("runbook", environment.runbook.is_some()),
    ];
    for (key, _) in used.into_iter().filter(|(_, is_used)| *is_used) {
        sink.push(
            Diagnostic::new(
                Code::EnvironmentRouteEngine,
                format!(
                    "the engine {} cannot follow {}",
                    quote(environment.engine.name()),
                    quote(key)
                ),
            )
            .at(environment
                .places
                .key(format!("notifications/{key}").as_str()))
            .help("remove it, or write `engine: monitor`"),
        );
    }
}

fn conditions(
    environment: &Environment,
    index: usize,
    route: &Route,
    policy: &Policy,
    sink: &mut Diagnostics,
) {
    let places = &environment.places;
    let path = at(index);
    // A wrong reference has been reported already, and is meant as a receiver.
    let is_written = ["email/0", "https/0"]
        .iter()
        .any(|key| places.has(format!("{path}/{key}").as_str()));
    if !is_written {
        sink.push(
            Diagnostic::new(
                Code::EnvironmentRouteNoReceiver,
                "the route has no receiver",
            )
            .at(places.value(path.as_str()))
            .help("add `email` or `https` to it, or remove it"),
        );
    }
    if !route.has_condition() {
        sink.push(
            Diagnostic::new(
                Code::EnvironmentRouteTakesAll,
                "the route has no condition, so its receivers get everything",
            )
            .at(places.value(path.as_str()))
            .help("write its receivers directly under `notifications`, or add a condition"),
        );
    }
    for (at, signal) in route.signals.iter().flatten().enumerate() {
        let is_on = environment.signals.iter().any(|on| on.signal == *signal);
        if !is_on {
            sink.push(
                Diagnostic::new(
                    Code::EnvironmentRouteUnknown,
                    format!(
                        "the signal {} is off in {}",
                        quote(signal.name()),
                        quote(&environment.name)
                    ),
                )
                .at(places.item(&format!("{path}/signal"), at))
                .help(format!(
                    "write it under `signals`, as in `{}: {{}}`, or remove it here",
                    signal.name()
                )),
            );
        }
    }
    let users = || {
        let people = policy.users.iter();
        people.filter(|user| user.environments.contains(&environment.name))
    };
    let teams: BTreeSet<&str> = users().filter_map(|user| user.team.as_deref()).collect();
    let owners: BTreeSet<&str> = users().map(|user| user.owner.as_str()).collect();
    for (key, named, known) in [
        ("team", &route.teams, &teams),
        ("owner", &route.owners, &owners),
    ] {
        for (at, name) in named.iter().flatten().enumerate() {
            // What stands for every name is no name.
            if known.contains(name.as_str()) && name != ANY {
                continue;
            }
            sink.push(
                Diagnostic::new(
                    Code::EnvironmentRouteUnknown,
                    format!(
                        "no person who is audited in {} has the {key} {}",
                        quote(&environment.name),
                        quote(name)
                    ),
                )
                .at(places.item(&format!("{path}/{key}"), at))
                .maybe_help(suggest(
                    name,
                    known.iter().copied(),
                    &format!("`users` has the {key}s"),
                )),
            );
        }
    }
}

fn defaults(environment: &Environment, policy: &Policy, sink: &mut Diagnostics) {
    let places = &environment.places;
    let is_written = places.has("notifications/email/0") || places.has("notifications/https/0");
    if !environment.routes.is_empty() && !is_written {
        sink.push(
            Diagnostic::new(
                Code::EnvironmentRouteAlone,
                format!("{} has routes and no default receiver", quote(&environment.name)),
            )
            .at(places.key("notifications/routes"))
            .help("add one beside `routes`, as in `email: [dba@example.com]`: it gets what no route takes"),
        );
    }
    let receivers = &environment.notifications;
    // An address that was left out as faulty has been reported, and may be somebody else's.
    if receivers.is_empty() {
        return;
    }
    let is_own = |user: &&User| {
        receivers.iter().all(|receiver| {
            let address = receiver.email();
            address.is_some_and(|one| user.git.iter().any(|own| own.eq_ignore_ascii_case(one)))
        })
    };
    let audited = policy.users.iter();
    let mut audited = audited.filter(|user| user.environments.contains(&environment.name));
    if let Some(user) = audited.find(is_own) {
        sink.push(
            Diagnostic::new(
                Code::EnvironmentOwnReceiver,
                format!(
                    "only {} would be notified of what {} does in {}",
                    quote(&user.role),
                    quote(&user.role),
                    quote(&environment.name)
                ),
            )
            .label(places.key("notifications/email"), "every default receiver")
            .context(user.places.value("git"), "is an address of this person")
            .help("add a default receiver who is someone else"),
        );
    }
}

fn limits(environment: &Environment, sink: &mut Diagnostics) {
    if environment.routes.is_empty() {
        return;
    }
    let receivers = environment.receivers();
    let mut say = |message: String, help: String| {
        sink.push(
            Diagnostic::new(Code::EnvironmentRouteTooMany, message)
                .at(environment.places.key("notifications/routes"))
                .help(help),
        );
    };
    if receivers.len() > RECEIVERS_MAX {
        say(
            format!(
                "{} has {} receivers, and the limit is {RECEIVERS_MAX}",
                quote(&environment.name),
                receivers.len()
            ),
            "use mailing lists".to_owned(),
        );
    }
    let widest = receivers
        .iter()
        .map(|(_, share)| share.combinations())
        .max();
    if let Some(widest) = widest.filter(|widest| *widest > COMBINATIONS_MAX) {
        say(
            format!(
                "the routes of one receiver have {widest} combinations of values, and SNS accepts {COMBINATIONS_MAX}"
            ),
            "shorten the lists: a route counts the product of their lengths, with one more for `team` and `owner`".to_owned(),
        );
    }
}
