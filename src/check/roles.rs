//! Role names that PostgreSQL cannot have, or that could pass for a line of the log.

use super::{Check, Context};
use crate::diagnostic::{Code, Diagnostic, Diagnostics, quote};
use crate::policy::model::RoleMatch;
use crate::source::Place;

/// See the codes of the area `role`.
#[derive(Debug)]
pub struct Roles;

/// NAMEDATALEN - 1.
const LONGEST: usize = 63;

impl Check for Roles {
    fn run(&self, context: &Context<'_>, sink: &mut Diagnostics) {
        let users = context
            .policy
            .users
            .iter()
            .map(|user| (user.role.as_str(), user.place.clone()));
        let accounts = context
            .policy
            .service_accounts
            .iter()
            .filter_map(|account| match &account.role {
                RoleMatch::Name(name) => Some((name.as_str(), account.place.clone())),
                RoleMatch::Pattern(_) => None,
            });
        let matched = context.policy.exclusions.iter().flat_map(|exclusion| {
            let names = exclusion.matcher.user.iter().flatten().enumerate();
            names.map(|(index, name)| (name.as_str(), exclusion.places.item("match/user", index)))
        });
        for (role, place) in users.chain(accounts).chain(matched) {
            sink_faults(role, &place, sink);
        }
    }
}

fn sink_faults(role: &str, place: &Place, sink: &mut Diagnostics) {
    if role.len() > LONGEST {
        sink.push(
            Diagnostic::new(
                Code::RoleTooLong,
                format!(
                    "a role name has at most {LONGEST} bytes, but this one has {}",
                    role.len()
                ),
            )
            .at(place.clone())
            .help("write the name as it appears in `pg_roles`"),
        );
    }
    if role.chars().any(char::is_control) {
        sink.push(
            Diagnostic::new(
                Code::RoleControlCharacter,
                format!("the role name {} contains control characters", quote(role)),
            )
            .at(place.clone())
            .help("rename the role: it can break a line of the log"),
        );
    }
    if role.trim_matches(' ') != role {
        sink.push(
            Diagnostic::new(
                Code::RoleOuterSpace,
                format!("the role name {} begins or ends with a space", quote(role)),
            )
            .at(place.clone())
            .help("write the name as it appears in `pg_roles`"),
        );
    }
    if let Some(sign) = role
        .chars()
        .find(|character| matches!(character, ':' | '[' | ']'))
    {
        sink.push(
            Diagnostic::new(
                Code::RoleImitatesLog,
                format!(
                    "the role name {} contains {}, so it can imitate a line of the log",
                    quote(role),
                    quote(&sign.to_string())
                ),
            )
            .at(place.clone())
            .help("rename the role: its records cannot be distinguished from forged ones"),
        );
    }
}
