//! Patterns that are wider than their authors think. Whether a pattern can be read at all, and means the same to every
//! engine, is decided where the file is read (`policy::pattern`).

use super::duplicates::overlap;
use super::{Check, Context};
use crate::diagnostic::{Code, Diagnostic, Diagnostics, quote, quote_all};
use crate::policy::model::RoleMatch;

/// See [`Code::AccountMatchesAll`], [`Code::AccountSwallowsUser`] and [`Code::ExclusionTooWide`].
#[derive(Debug)]
pub struct Patterns;

impl Check for Patterns {
    fn run(&self, context: &Context<'_>, sink: &mut Diagnostics) {
        for account in &context.policy.service_accounts {
            let RoleMatch::Pattern(pattern) = &account.role else {
                continue;
            };
            if PROBE_ROLES
                .iter()
                .all(|role| pattern.is_whole_name(role.as_bytes()))
            {
                sink.push(
                    Diagnostic::new(
                        Code::AccountMatchesAll,
                        format!(
                            "the pattern {} matches every role: no one would be audited",
                            quote(pattern.as_str())
                        ),
                    )
                    .at(account.place.clone())
                    .help("write the part that the accounts' names have in common, as in `etl_[a-z]+`"),
                );
                continue;
            }
            let swallowed: Vec<_> = context
                .policy
                .users
                .iter()
                .filter(|user| {
                    overlap(&user.environments, &account.environments)
                        && pattern.is_whole_name(user.role.as_bytes())
                })
                .take(5)
                .collect();
            if let Some(first) = swallowed.first() {
                let roles = quote_all(swallowed.iter().map(|user| &user.role));
                sink.push(
                    Diagnostic::new(
                        Code::AccountSwallowsUser,
                        format!(
                            "the pattern {} also matches the audited roles {roles}",
                            quote(pattern.as_str())
                        ),
                    )
                    .at(account.place.clone())
                    .context(first.place.clone(), "audited here")
                    .help("narrow the pattern, or rename the account"),
                );
            }
        }
        for exclusion in &context.policy.exclusions {
            let patterns = exclusion
                .matcher
                .statement
                .as_ref()
                .and_then(|statement| statement.matches.as_ref());
            for (index, pattern) in patterns.into_iter().flatten().enumerate() {
                if PROBE_STATEMENTS
                    .iter()
                    .all(|statement| pattern.is_whole_statement(statement.as_bytes()))
                {
                    sink.push(
                        Diagnostic::new(
                            Code::ExclusionTooWide,
                            format!(
                                "the pattern {} matches any statement",
                                quote(pattern.as_str())
                            ),
                        )
                        .at(exclusion.places.item("match/statement/matches", index))
                        .help(
                            "write the statement itself, with classes such as `[a-z_]+` for the parts that vary",
                        ),
                    );
                }
            }
        }
    }
}

/// Unlike role names: a pattern that matches all of them matches every role.
const PROBE_ROLES: &[&str] = &[
    "a",
    "Qx7",
    "zz_top-9",
    "user with space",
    "0",
    "alice@EXAMPLE.COM",
];
/// Statements that no honest pattern has all of.
const PROBE_STATEMENTS: &[&str] = &[
    "select * from orders",
    "delete from app.\"Order\" where id = 7",
    "insert into t values ('x', 1.5)",
    "update a set b = $1",
];
