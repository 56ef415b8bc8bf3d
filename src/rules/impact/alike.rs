//! Which environments a change does the same to.

use jiff::civil::Date;

use crate::audit_log::prefix::LogLinePrefix;
use crate::policy::model::{Environment, Policy, Signal};
use crate::rules::hearing::{self, Hearing};
use crate::source::Place;

/// Everything of an environment that a report on it depends on, but its name. Two with the same are judged alike on the
/// same logs: in a fleet most are, and one pass over the logs does for all of them.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Likeness<'a> {
    base: Option<Side<'a>>,
    head: Side<'a>,
    /// What the alarm covers more or less, in the same words except for the name.
    hearing: Hearing,
}

/// What one policy says of it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Side<'a> {
    prefix: LogLinePrefix,
    signals: Vec<Signal>,
    window_minutes: u32,
    /// Where people, accounts, exclusions and grants that apply stand in the files: which they are.
    entries: [Vec<&'a Place>; 4],
}

impl<'a> Likeness<'a> {
    /// Of an environment as `head` has it.
    pub fn of(
        base: &'a Policy,
        head: &'a Policy,
        environment: &'a Environment,
        today: Date,
    ) -> Self {
        let before = base.environment(&environment.name);
        Self {
            base: before.map(|before| Side::of(base, before, today)),
            head: Side::of(head, environment, today),
            hearing: hearing::compare(&hearing::Ground {
                base,
                head,
                environment: &environment.name,
                called: "",
                today,
            }),
        }
    }
}

impl<'a> Side<'a> {
    fn of(policy: &'a Policy, environment: &'a Environment, today: Date) -> Self {
        let people = policy.users_in(environment, today).map(|user| &user.place);
        let accounts = policy.service_accounts_in(environment);
        let exclusions = policy.exclusions_in(environment);
        let grants = policy.grants_in(environment);
        Self {
            prefix: environment.log_line_prefix,
            signals: environment.signals.iter().map(|s| s.signal).collect(),
            window_minutes: environment.monitor.window_minutes,
            entries: [
                people.collect(),
                accounts.map(|account| &account.place).collect(),
                exclusions.map(|exclusion| &exclusion.place).collect(),
                grants.map(|grant| &grant.place).collect(),
            ],
        }
    }
}
