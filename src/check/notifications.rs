//! Who is told.

use super::{Check, Context};
use crate::diagnostic::{Code, Diagnostic, Diagnostics, quote};
use crate::policy::model::{Environment, Notification, Provider};

/// See [`Code::EnvironmentEmail`] and [`Code::EnvironmentNobodyTold`].
#[derive(Debug)]
pub struct Notifications;

impl Check for Notifications {
    fn run(&self, context: &Context<'_>, sink: &mut Diagnostics) {
        for environment in &context.policy.environments {
            addresses(
                environment,
                "notifications/email",
                &environment.notifications,
                sink,
            );
            for (index, route) in environment.routes.iter().enumerate() {
                let path = format!("notifications/routes/{index}/email");
                addresses(environment, &path, &route.receivers, sink);
            }
            // A wrong reference has been reported already, and is meant as a receiver, so the list is not empty.
            let is_written = environment.places.has("notifications/email/0")
                || environment.places.has("notifications/https/0");
            if environment.provider == Provider::Aws && !is_written {
                sink.push(
                    Diagnostic::new(
                        Code::EnvironmentNobodyTold,
                        format!(
                            "no one is notified when an alarm of {} fires",
                            quote(&environment.name)
                        ),
                    )
                    .at(environment.place.clone())
                    .help("add `notifications`, as in `notifications: {email: [dba@example.com]}`"),
                );
            }
        }
    }
}

fn addresses(
    environment: &Environment,
    path: &str,
    receivers: &[Notification],
    sink: &mut Diagnostics,
) {
    let emails = receivers.iter().filter_map(Notification::email).enumerate();
    for (index, address) in emails.filter(|(_, address)| !is_address(address)) {
        sink.push(
            Diagnostic::new(
                Code::EnvironmentEmail,
                format!("{} is not a valid email address", quote(address)),
            )
            .at(environment.places.item(path, index))
            .help("write one address as in `dba@example.com`"),
        );
    }
}

/// What can be an address for SNS: not the whole of RFC 5322.
pub(crate) fn is_address(text: &str) -> bool {
    let Some((local, domain)) = text.rsplit_once('@') else {
        return false;
    };
    let is_local = (1..=64).contains(&local.len())
        && local
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~.".contains(&byte))
        && !local.starts_with('.')
        && !local.ends_with('.')
        && !local.contains("..");
    let labels: Vec<&str> = domain.split('.').collect();
    let is_label = |label: &&str| {
        (1..=63).contains(&label.len())
            && label
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    is_local && domain.len() <= 253 && labels.len() >= 2 && labels.iter().all(is_label)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_addresses() {
        for right in [
            "dba@example.com",
            "a.b+c@x.example.org",
            "o'neil@example.com",
        ] {
            assert!(is_address(right), "{right}");
        }
        for wrong in [
            "dba",
            "dba@example",
            "a b@example.com",
            "@example.com",
            "a@@example.com",
            "a@-x.com",
            "dba@example.com, b@example.com",
            "<a@example.com>",
        ] {
            assert!(!is_address(wrong), "{wrong}");
        }
    }
}
