//! Who is notified, and of what. It is compared receiver by receiver: what each of them got, and what each gets now.

use std::collections::BTreeSet;

use super::environment::owner;
use super::{Cost, Drafts, Hears};
use crate::policy::model::{Environment, Notification, Route, Secret, Share};

const ROUTES: &str = "notifications/routes";

pub(super) fn notify(before: &Environment, after: &Environment, drafts: &mut Drafts, called: &str) {
    let (old, new) = (before.receivers(), after.receivers());
    for (receiver, was) in &old {
        let now = new.iter().find(|(one, _)| one == receiver);
        let (default_key, who) = told(receiver);
        let (key, direction, text) = match (was, now.map(|(_, share)| share)) {
            (Share::Everything, None) => (
                default_key,
                Hears::Less,
                format!("no one is notified {who} any more when an alarm of {called} fires"),
            ),
            (Share::Routes(_), None) => (
                ROUTES,
                Hears::Less,
                format!("no one is notified {who} any more of any detection in {called}"),
            ),
            (was, Some(now)) if was == now => continue,
            (Share::Everything, Some(Share::Routes(_))) => (
                default_key,
                Hears::Less,
                format!(
                    "people are notified {who} only of what a route takes in {called}, and no longer when an alarm fires"
                ),
            ),
            (Share::Routes(_), Some(Share::Everything)) => (
                ROUTES,
                Hears::More,
                format!("people are notified {who} of everything in {called}"),
            ),
            (Share::Routes(was), Some(Share::Routes(now))) => {
                let direction = match (covers(now, was), covers(was, now)) {
                    (true, true) => continue,
                    (true, false) => Hears::More,
                    (false, true) => Hears::Less,
                    (false, false) => Hears::NotComparable,
                };
                let what = match direction {
                    Hears::More => "of more",
                    Hears::Less => "of fewer",
                    _ => "of other",
                };
                (
                    ROUTES,
                    direction,
                    format!("people are notified {who} {what} detections in {called}"),
                )
            }
            (Share::Everything, Some(Share::Everything)) => continue,
        };
        drafts.add(key, direction, text, owner(after), Cost::Unknown);
    }
    for (receiver, share) in &new {
        if old.iter().any(|(one, _)| one == receiver) {
            continue;
        }
        let (default_key, who) = told(receiver);
        let (key, text) = match share {
            Share::Everything => (
                default_key,
                format!("people are notified {who} too when an alarm of {called} fires"),
            ),
            Share::Routes(_) => (
                ROUTES,
                format!("people are notified {who} too of some detections in {called}"),
            ),
        };
        drafts.add(key, Hears::More, text, owner(after), Cost::Unknown);
    }
}

fn told(receiver: &Notification) -> (&'static str, String) {
    match receiver {
        Notification::Email(address) => ("notifications/email", format!("at {address}")),
        Notification::Https(Secret::FromEnv(name)) => (
            "notifications/https",
            format!("by https through the endpoint in the variable `{name}`"),
        ),
        Notification::Https(Secret::FromSecret(name)) => (
            "notifications/https",
            format!("by https through the endpoint in the secret `{name}`"),
        ),
    }
}

/// Whether each of some routes is within one of others. Several that cover one only together are not seen, which is then
/// shown as a change that cannot be compared, and never as none.
fn covers(wide: &[&Route], narrow: &[&Route]) -> bool {
    narrow
        .iter()
        .all(|narrow| wide.iter().any(|wide| covers_one(wide, narrow)))
}

fn covers_one(wide: &Route, narrow: &Route) -> bool {
    fn within<T: Ord>(wide: Option<&Vec<T>>, narrow: Option<&Vec<T>>) -> bool {
        match (wide, narrow) {
            (None, _) => true,
            (Some(_), None) => false,
            (Some(wide), Some(narrow)) => {
                let wide: BTreeSet<&T> = wide.iter().collect();
                narrow.iter().all(|one| wide.contains(one))
            }
        }
    }
    within(wide.severities.as_ref(), narrow.severities.as_ref())
        && within(wide.signals.as_ref(), narrow.signals.as_ref())
        && within(wide.teams.as_ref(), narrow.teams.as_ref())
        && within(wide.owners.as_ref(), narrow.owners.as_ref())
}
