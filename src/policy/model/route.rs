//! Who is notified of which detections.

use super::{Environment, Notification, Severity, Signal};

/// Stands for teams and owners that the monitor does not know or has no room for. Every filter by team or owner takes it: a
/// message whose values are not complete reaches everyone whom it might be meant for.
pub const ANY: &str = "(any)";

/// Combinations of values that SNS takes in one filter policy ("Filter policy constraints").
pub const COMBINATIONS_MAX: usize = 150;

/// Receivers of some detections. Every condition that is present must hold, and a list means "any of".
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route {
    pub receivers: Vec<Notification>,
    pub severities: Option<Vec<Severity>>,
    pub signals: Option<Vec<Signal>>,
    pub teams: Option<Vec<String>>,
    pub owners: Option<Vec<String>>,
}

impl Route {
    /// Without a condition its receivers get everything.
    pub fn has_condition(&self) -> bool {
        self.severities.is_some()
            || self.signals.is_some()
            || self.teams.is_some()
            || self.owners.is_some()
    }
}

/// What a receiver gets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Share<'a> {
    Everything,
    /// What one of these routes takes.
    Routes(Vec<&'a Route>),
}

impl Share<'_> {
    /// Combinations of values in the filter of a subscription, by the strictest way to count them: the lengths of the lists,
    /// each times its depth. AWS's page says so of nested keys, and does not say how it counts alternatives.
    pub fn combinations(&self) -> usize {
        let Self::Routes(routes) = self else {
            return 0;
        };
        let depth = if routes.len() > 1 { 2 } else { 1 };
        routes
            .iter()
            .flat_map(|route| {
                let names = |all: &Option<Vec<String>>| all.as_ref().map(|all| all.len() + 1);
                [
                    route.severities.as_ref().map(Vec::len),
                    route.signals.as_ref().map(Vec::len),
                    names(&route.teams),
                    names(&route.owners),
                ]
            })
            .flatten()
            .fold(routes.len(), |all, length| {
                all.saturating_mul(length * depth)
            })
    }
}

impl Notification {
    /// The address, where it is one.
    pub fn email(&self) -> Option<&str> {
        match self {
            Self::Email(address) => Some(address),
            Self::Https(_) => None,
        }
    }
}

impl Environment {
    /// Everyone who is notified, each once. A default receiver gets everything, whatever routes name it too: a route never
    /// takes anything away from anyone.
    pub fn receivers(&self) -> Vec<(&Notification, Share<'_>)> {
        let mut all: Vec<(&Notification, Share<'_>)> = self
            .notifications
            .iter()
            .map(|receiver| (receiver, Share::Everything))
            .collect();
        for route in &self.routes {
            for receiver in &route.receivers {
                let known = all.iter_mut().find(|(known, _)| *known == receiver);
                match known {
                    Some((_, Share::Everything)) => {}
                    Some((_, share)) if !route.has_condition() => *share = Share::Everything,
                    Some((_, Share::Routes(routes))) => routes.push(route),
                    None if route.has_condition() => {
                        all.push((receiver, Share::Routes(vec![route])));
                    }
                    None => all.push((receiver, Share::Everything)),
                }
            }
        }
        all
    }
}
