//! Entries that have ended, end soon, or last too long.

use jiff::civil::Date;

use super::{Check, Context};
use crate::diagnostic::{Code, Diagnostic, Diagnostics, count, quote};
use crate::policy::model::{Exclusion, Limits};
use crate::source::Place;

/// See the codes of the area `date`, and those of exclusions and users that expire.
#[derive(Debug)]
pub struct Dates;

/// How many days before the end the first warning comes.
const SOON: i32 = 30;

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
                    .help("set a later date, or let the enrolment end"),
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
            accepted_risk(exclusion, &context.policy.limits, today, sink);
            let Some(expires) = exclusion.expires else {
                sink.push(
                    Diagnostic::new(
                        Code::ExclusionNoExpiry,
                        format!("the exclusion {name} never ends"),
                    )
                    .at(exclusion.place.clone())
                    .help(format!(
                        "add `expires`, at most {} days after `created`",
                        context.policy.limits.max_life_days
                    )),
                );
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
            ends(&name, expires, today, place.clone(), sink);
            let life = days(exclusion.created, expires);
            let longest = context.policy.limits.max_life_days;
            if i64::from(life) > i64::from(longest) {
                sink.push(
                    Diagnostic::new(
                        Code::ExclusionLivesLong,
                        format!(
                            "the exclusion {name} lasts {}; the limit is {longest}",
                            count(life, "day")
                        ),
                    )
                    .at(place)
                    .help(format!(
                        "set `expires` to at most {longest} days after `created`: sources of noise change"
                    )),
                );
            }
        }
    }
}

/// Reports that something has ended or ends soon. The help becomes more urgent as the day comes closer.
fn ends(name: &str, last: Date, today: Date, place: Place, sink: &mut Diagnostics) {
    let left = days(today, last);
    if left < 0 {
        sink.push(
            Diagnostic::new(
                Code::ExclusionExpired,
                format!("the exclusion {name} expired on {last}"),
            )
            .at(place)
            .help("delete it, or renew it: `pgvigil rules renew ID --by NAME --why REASON`")
            .help(
                "the compiled query no longer applies it: the records it silenced are loud again",
            ),
        );
    } else if left < SOON {
        let urgency = match left {
            0..=3 => "after that day the records that it silences count",
            4..=14 => "renew it within two weeks, or let it expire",
            _ => "renew it, or allow it to expire",
        };
        sink.push(
            Diagnostic::new(
                Code::ExclusionExpiresSoon,
                format!("the exclusion {name} expires {}", when(left)),
            )
            .at(place)
            .help(urgency),
        );
    }
}

fn accepted_risk(exclusion: &Exclusion, limits: &Limits, today: Date, sink: &mut Diagnostics) {
    let Some(risk) = &exclusion.accepted_risk else {
        return;
    };
    let name = quote(&exclusion.id);
    let place = exclusion.places.value("accepted_risk/until");
    // If the exclusion itself ends earlier, that is reported instead.
    if exclusion.expires.is_none_or(|expires| risk.until < expires) {
        ends(&name, risk.until, today, place.clone(), sink);
    }
    let length = days(exclusion.created.max(today.min(risk.until)), risk.until);
    let longest = limits.max_accepted_days;
    if i64::from(length) > i64::from(longest) {
        sink.push(
            Diagnostic::new(
                Code::ExclusionAcceptedLong,
                format!(
                    "the risk of {name} is accepted for another {}; the limit is {longest}",
                    count(length, "day")
                ),
            )
            .at(place)
            .help(format!(
                "set an end within {longest} days, and review the risk again then"
            )),
        );
    }
    if risk.owner == exclusion.owner {
        sink.push(
            Diagnostic::new(
                Code::ExclusionAcceptedBySelf,
                format!(
                    "{} accepts the risk of their own exclusion",
                    quote(&risk.owner)
                ),
            )
            .label(
                exclusion.places.value("accepted_risk/owner"),
                "accepts the risk",
            )
            .context(exclusion.places.value("owner"), "owns the exclusion")
            .help("have someone other than the owner accept the risk"),
        );
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
