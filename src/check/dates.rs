//! Entries that have ended, end soon, or never seem to end.

use jiff::civil::Date;

use super::{Check, Context};
use crate::diagnostic::{Code, Diagnostic, Diagnostics, quote};

/// See the codes of the area `date`, and those of exclusions and users that expire.
#[derive(Debug)]
pub struct Dates;

/// Days before the end from which the end is announced.
const SOON: i32 = 30;
/// Days that an exclusion may live.
const LONGEST: i32 = 366;

impl Check for Dates {
    fn run(&self, context: &Context<'_>, sink: &mut Diagnostics) {
        let today = context.today;
        for user in &context.policy.users {
            let Some(until) = user.until else { continue };
            let left = days(today, until);
            if left < 0 {
                sink.push(
                    Diagnostic::new(
                        Code::UserExpired,
                        format!("the enrolment of {} ended on {until}", quote(&user.role)),
                    )
                    .at(user.places.value("until"))
                    .help("delete the entry, or set a later date"),
                );
            } else if left < SOON {
                sink.push(
                    Diagnostic::new(
                        Code::UserExpiresSoon,
                        format!("the enrolment of {} ends {}", quote(&user.role), when(left)),
                    )
                    .at(user.places.value("until"))
                    .help("set a later date, or let it end"),
                );
            }
        }
        for exclusion in &context.policy.exclusions {
            let name = quote(&exclusion.id);
            if exclusion.created > today {
                sink.push(
                    Diagnostic::new(
                        Code::DateFuture,
                        format!("the exclusion {name} was created in the future"),
                    )
                    .at(exclusion.places.value("created"))
                    .help(format!(
                        "write the day on which it was agreed; today is {today}"
                    )),
                );
            }
            let Some(expires) = exclusion.expires else {
                continue;
            };
            let place = exclusion.places.value("expires");
            if expires < exclusion.created {
                sink.push(
                    Diagnostic::new(
                        Code::DateOrder,
                        format!("the exclusion {name} expires before it was created"),
                    )
                    .label(place, "ends here")
                    .context(exclusion.places.value("created"), "begins here")
                    .help("correct one of the two dates"),
                );
                continue;
            }
            let left = days(today, expires);
            if left < 0 {
                sink.push(
                    Diagnostic::new(
                        Code::ExclusionExpired,
                        format!("the exclusion {name} expired on {expires}"),
                    )
                    .at(place.clone())
                    .help("delete it, or agree on it anew with a later date"),
                );
            } else if left < SOON {
                sink.push(
                    Diagnostic::new(
                        Code::ExclusionExpiresSoon,
                        format!("the exclusion {name} expires {}", when(left)),
                    )
                    .at(place.clone())
                    .help("agree on it anew, or let it expire"),
                );
            }
            let life = days(exclusion.created, expires);
            if life > LONGEST {
                sink.push(
                    Diagnostic::new(
                        Code::ExclusionLivesLong,
                        format!("the exclusion {name} lives {life} days"),
                    )
                    .at(place)
                    .help(format!(
                        "let it expire within {LONGEST} days: what makes noise changes"
                    )),
                );
            }
        }
    }
}

fn days(from: Date, to: Date) -> i32 {
    from.until(to).map_or(i32::MAX, |span| span.get_days())
}

fn when(days: i32) -> String {
    match days {
        0 => "today".to_owned(),
        1 => "tomorrow".to_owned(),
        _ => format!("in {days} days"),
    }
}
