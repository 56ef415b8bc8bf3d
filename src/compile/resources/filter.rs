//! Which messages a subscription gets: the filter policies of SNS, and the attributes that they look at.
//!
//! A message is about several groups, and each attribute holds the values of all of them (`String.Array`). A filter takes
//! the message if each of its keys has a value among the attribute's ("Amazon SNS subscription filter policies"). So a
//! group that a route takes always brings the message to the route. Two groups together can bring one that neither would
//! bring alone: that is heard once too often, and not once too seldom.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use crate::policy::model::{ANY, Route, Severity, Share, Signal};

pub(crate) const SEVERITY: &str = "severity";
pub(crate) const SIGNAL: &str = "signal";
pub(crate) const TEAM: &str = "team";
pub(crate) const OWNER: &str = "owner";

/// Filters look at attributes, not at the text.
pub(crate) const SCOPE: &str = "MessageAttributes";

/// The filter of a subscription; none where it gets everything.
pub(crate) fn policy(share: &Share<'_>) -> Option<Value> {
    let Share::Routes(routes) = share else {
        return None;
    };
    let mut alternatives: Vec<Value> = Vec::new();
    for route in routes {
        let alternative = Value::Object(conditions(route));
        if !alternatives.contains(&alternative) {
            alternatives.push(alternative);
        }
    }
    match alternatives.as_slice() {
        [] => None,
        [one] => Some(one.clone()),
        _ => Some(json!({ "$or": alternatives })),
    }
}

/// The conditions of a route: each key with the values of which one is enough.
fn conditions(route: &Route) -> Map<String, Value> {
    fn names(all: Option<&Vec<String>>) -> Option<BTreeSet<&str>> {
        all.map(|all| {
            let own = all.iter().map(String::as_str);
            own.chain([ANY]).collect()
        })
    }
    let severities = route.severities.as_ref();
    let signals = route.signals.as_ref();
    [
        (
            SEVERITY,
            severities.map(|all| all.iter().copied().map(Severity::name).collect()),
        ),
        (
            SIGNAL,
            signals.map(|all| all.iter().copied().map(Signal::name).collect()),
        ),
        (TEAM, names(route.teams.as_ref())),
        (OWNER, names(route.owners.as_ref())),
    ]
    .into_iter()
    .filter_map(|(key, values)| Some((key.to_owned(), json!(values?))))
    .collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::compile::resources::{Kind, testing};
    use crate::policy::model::{Environment, Notification};

    /// Names and values of a message.
    type Attributes = Vec<(&'static str, Vec<String>)>;

    /// A group of a message, as routes see it.
    type Group = (Severity, Signal, Option<String>, String);

    /// What SNS does with a filter and the attributes of a message, as its documents say.
    fn takes(filter: &Value, attributes: &Attributes) -> bool {
        let Value::Object(conditions) = filter else {
            return filter.is_null();
        };
        conditions.iter().all(|(key, values)| {
            let values = values.as_array().unwrap();
            if key == "$or" {
                return values.iter().any(|one| takes(one, attributes));
            }
            let attribute = attributes.iter().find(|(name, _)| name == key);
            attribute.is_some_and(|(_, all)| all.iter().any(|one| values.contains(&json!(one))))
        })
    }

    fn names(all: &'static [&'static str]) -> impl Strategy<Value = Option<Vec<String>>> {
        let some = prop::sample::subsequence(all, 1..=all.len());
        prop::option::of(some.prop_map(|some| some.into_iter().map(str::to_owned).collect()))
    }

    fn route() -> impl Strategy<Value = Route> {
        let receiver = "[a-c]@example\\.com".prop_map(Notification::Email);
        (
            prop::collection::vec(receiver, 1..3),
            prop::option::of(prop::sample::subsequence(&Severity::ALL[..], 1..=4)),
            prop::option::of(prop::sample::subsequence(&Signal::ALL[..], 1..=5)),
            names(&["payments", "data"]),
            names(&["eve", "dan"]),
        )
            .prop_map(|(receivers, severities, signals, teams, owners)| Route {
                receivers,
                severities,
                signals,
                teams,
                owners,
            })
    }

    fn group() -> impl Strategy<Value = Group> {
        (
            prop::sample::select(&Severity::ALL[..]),
            prop::sample::select(&Signal::ALL[..]),
            prop::option::of("payments|data|other"),
            "eve|dan|other",
        )
    }

    /// What a route says, without any filter.
    fn is_for(route: &Route, (severity, signal, team, owner): &Group) -> bool {
        let holds = |all: &Option<Vec<String>>, one: Option<&String>| {
            let any = |all: &Vec<String>| one.is_some_and(|one| all.contains(one));
            all.as_ref().is_none_or(any)
        };
        let of_severity = |all: &Vec<Severity>| all.contains(severity);
        let of_signal = |all: &Vec<Signal>| all.contains(signal);
        route.severities.as_ref().is_none_or(of_severity)
            && route.signals.as_ref().is_none_or(of_signal)
            && holds(&route.teams, team.as_ref())
            && holds(&route.owners, Some(owner))
    }

    /// The compiled filter of each address.
    fn filters(environment: &Environment) -> Vec<(String, Value)> {
        testing::documents(environment)
            .into_iter()
            .filter(|one| one.kind == Kind::SnsSubscription)
            .map(|one| {
                let endpoint = one.properties["endpoint"].as_str().unwrap_or_default();
                (endpoint.to_owned(), one.properties["filter_policy"].clone())
            })
            .collect()
    }

    /// What the monitor says of these groups. What does not fit is said by the word that stands for everything.
    fn attributes(groups: &[Group], is_cut: bool) -> Attributes {
        let cut = |all: Vec<String>| {
            if is_cut { vec![ANY.to_owned()] } else { all }
        };
        let severities = groups.iter().map(|group| group.0.name().to_owned());
        let signals = groups.iter().map(|group| group.1.name().to_owned());
        let teams = groups.iter().filter_map(|group| group.2.clone());
        let owners = groups.iter().map(|group| group.3.clone());
        let mut all = vec![
            (SEVERITY, severities.collect()),
            (SIGNAL, signals.collect()),
            (TEAM, cut(teams.collect())),
            (OWNER, cut(owners.collect())),
        ];
        all.retain(|(_, values): &(_, Vec<String>)| !values.is_empty());
        all
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..Default::default() })]

        /// Whatever routes there are: a default receiver gets every message, and a route every message with a group that it
        /// takes.
        #[test]
        fn no_route_hides_a_message(
            routes in prop::collection::vec(route(), 0..4),
            groups in prop::collection::vec(group(), 1..4),
            is_cut in any::<bool>(),
        ) {
            let defaults = ["dba@example.com", "a@example.com"];
            let mut environment = testing::environment("prod", &["orders"]);
            environment.notifications =
                defaults.map(|address| Notification::Email(address.to_owned())).to_vec();
            environment.routes = routes;
            let attributes = attributes(&groups, is_cut);
            let filters = filters(&environment);
            let of = |address: &str| -> Vec<&Value> {
                filters.iter().filter(|(to, _)| to == address).map(|(_, filter)| filter).collect()
            };
            for address in defaults {
                prop_assert_eq!(of(address), vec![&Value::Null], "{}", address);
            }
            for route in &environment.routes {
                for address in route.receivers.iter().filter_map(Notification::email) {
                    let own = of(address);
                    prop_assert_eq!(own.len(), 1, "one subscription each");
                    if groups.iter().any(|group| is_for(route, group)) {
                        prop_assert!(takes(own[0], &attributes), "{:?}: {} {:?}", route, own[0], attributes);
                    }
                }
            }
            // About no group: only those who get everything.
            for (_, filter) in &filters {
                prop_assert_eq!(takes(filter, &Vec::new()), filter.is_null());
            }
        }
    }
}
