//! The bus that gets the monitor's events. The schema holds its form.

use super::{Check, Context};
use crate::diagnostic::{Code, Diagnostic, Diagnostics, quote};

/// See [`Code::EnvironmentEventBus`].
#[derive(Debug)]
pub struct EventBus;

impl Check for EventBus {
    fn run(&self, context: &Context<'_>, sink: &mut Diagnostics) {
        for environment in &context.policy.environments {
            // The bus may belong to another account, which allows it by the bus's own policy. PutEvents looks for it in the
            // region of the call alone (EventBridge API, `PutEvents`).
            let its_region = environment
                .events
                .as_deref()
                .and_then(|arn| arn.strip_prefix("arn:"))
                .and_then(|rest| rest.split(':').nth(2));
            let (Some(its_region), Some(region)) = (its_region, environment.region.as_deref())
            else {
                continue;
            };
            if its_region != region {
                sink.push(
                    Diagnostic::new(
                        Code::EnvironmentEventBus,
                        format!(
                            "the event bus is in {}, but the environment is in {}",
                            quote(its_region),
                            quote(region)
                        ),
                    )
                    .at(environment.places.value("notifications/events"))
                    .help(format!(
                        "name a bus in {}; a rule of it can send the events to another region",
                        quote(region)
                    )),
                );
            }
        }
    }
}
