//! Who is notified of which detections.

use super::{Environment, Notification, Severity, Signal};

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
