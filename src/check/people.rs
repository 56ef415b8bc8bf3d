//! Audited people whose settings leave out what is counted.

use super::{Check, Context};
use crate::diagnostic::{Code, Diagnostic, Diagnostics, quote, quote_all};
use crate::policy::model::LogClass;

/// See [`Code::UserNotWatched`].
#[derive(Debug)]
pub struct People;

impl Check for People {
    fn run(&self, context: &Context<'_>, sink: &mut Diagnostics) {
        for user in &context.policy.users {
            let log = &user.audit.log;
            if log.contains(&LogClass::All) {
                continue;
            }
            let counted = [LogClass::Read, LogClass::Write, LogClass::Function];
            let missing: Vec<String> = counted
                .iter()
                .filter(|class| !log.contains(class))
                .map(ToString::to_string)
                .collect();
            if missing.is_empty() {
                continue;
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
                        "what {} does in the classes {} is not logged, so nothing counts it",
                        quote(&user.role),
                        quote_all(&missing)
                    ),
                )
                .at(place)
                .help("add them to `log`, or write `log: [all]`"),
            );
        }
    }
}
