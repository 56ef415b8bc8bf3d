//! What guards the policy itself: limits, protected records, canaries, and how long exclusions last.

use jiff::civil::Date;

use super::{Cost, Drafts, Ground, HearingChange, Hears, words};
use crate::policy::model::{AcceptedRisk, Environment, Exclusion, Limits, Records, Sample};

pub(super) fn limits(before: &Limits, after: &Limits, drafts: &mut Drafts) {
    let Limits {
        max_life_days,
        max_accepted_days,
        max_silenced_share,
        max_exclusion_share,
        approvals,
        approvals_when_widened,
        max_grant_hours,
    } = before;
    let mut say = |key, direction: Hears, text: String| {
        drafts.add(key, direction, text, Vec::new(), Cost::Unknown);
    };
    for (key, name, before, now, is_guard) in [
        (
            "limits/max_life_days",
            "max_life_days",
            max_life_days,
            after.max_life_days,
            false,
        ),
        (
            "limits/max_accepted_days",
            "max_accepted_days",
            max_accepted_days,
            after.max_accepted_days,
            false,
        ),
        (
            "limits/approvals",
            "approvals",
            approvals,
            after.approvals,
            true,
        ),
        (
            "limits/approvals_when_widened",
            "approvals_when_widened",
            approvals_when_widened,
            after.approvals_when_widened,
            true,
        ),
        (
            "limits/max_grant_hours",
            "max_grant_hours",
            max_grant_hours,
            after.max_grant_hours,
            false,
        ),
    ] {
        let up = Hears::by(before, &now);
        let verb = if now > *before { "raised" } else { "lowered" };
        say(
            key,
            if is_guard { up } else { up.turned() },
            format!("the limit `{name}` is {verb} from {before} to {now}"),
        );
    }
    for (key, name, before, now) in [
        (
            "limits/max_silenced_share",
            "max_silenced_share",
            *max_silenced_share,
            after.max_silenced_share,
        ),
        (
            "limits/max_exclusion_share",
            "max_exclusion_share",
            *max_exclusion_share,
            after.max_exclusion_share,
        ),
    ] {
        let (direction, verb) = share(before, now);
        say(key, direction, format!("the limit `{name}` is {verb}"));
    }
}

/// The largest share that is allowed to be silenced; none means no limit.
fn share(before: Option<f64>, now: Option<f64>) -> (Hears, &'static str) {
    match (before, now) {
        (Some(_), None) => (Hears::Less, "gone"),
        (None, Some(_)) => (Hears::More, "new"),
        (Some(before), Some(now)) if now > before => (Hears::Less, "raised"),
        (Some(before), Some(now)) if now < before => (Hears::More, "lowered"),
        _ => (Hears::Same, "the same"),
    }
}

/// Whether one entry is about everything that the other is about.
pub(super) fn covers(wide: &Records, narrow: &Records) -> bool {
    let Records {
        user,
        database,
        class,
        command,
        schema,
        relation,
        reason: _,
        owner: _,
        place: _,
    } = wide;
    let within = |wide: &Option<Vec<String>>, narrow: &Option<Vec<String>>| match (wide, narrow) {
        (None, _) => true,
        (Some(_), None) => false,
        (Some(wide), Some(narrow)) => narrow.iter().all(|value| wide.contains(value)),
    };
    within(user, &narrow.user)
        && within(database, &narrow.database)
        && within(class, &narrow.class)
        && within(command, &narrow.command)
        && within(schema, &narrow.schema)
        && within(relation, &narrow.relation)
}

pub(super) fn described(entry: &Records) -> String {
    let parts: Vec<String> = entry
        .conditions()
        .into_iter()
        .filter_map(|(name, values)| {
            let values: Vec<&str> = values?.iter().map(String::as_str).collect();
            Some(format!("{name} {}", words::listed(&values)))
        })
        .collect();
    format!("`{}`", parts.join(", "))
}

pub(super) fn protected(before: &[Records], after: &[Records], drafts: &mut Drafts) {
    for lost in before
        .iter()
        .filter(|entry| !after.iter().any(|now| covers(now, entry)))
    {
        drafts.add(
            "protected",
            Hears::Less,
            format!(
                "records of {} are no longer protected: exclusions can silence them",
                described(lost)
            ),
            vec![lost.owner.clone()],
            lost.whole_users()
                .map_or(Cost::Unknown, |users| Cost::Of(users.to_vec())),
        );
    }
    for new in after
        .iter()
        .filter(|entry| !before.iter().any(|was| covers(was, entry)))
    {
        drafts.add(
            "protected",
            Hears::More,
            format!(
                "no exclusion is allowed to silence records of {}",
                described(new)
            ),
            vec![new.owner.clone()],
            Cost::Unknown,
        );
    }
}

fn is_same_record(one: &Sample, other: &Sample) -> bool {
    let Sample {
        user,
        database,
        client,
        class,
        command,
        object_type,
        object,
        statement,
        place: _,
    } = one;
    (user, database, client) == (&other.user, &other.database, &other.client)
        && (class, command) == (&other.class, &other.command)
        && (object_type, object, statement) == (&other.object_type, &other.object, &other.statement)
}

pub(super) fn canaries(before: &[Sample], after: &[Sample], drafts: &mut Drafts) {
    let mut say = |of: &[Sample], others: &[Sample], direction, what: &str| {
        for canary in of
            .iter()
            .filter(|one| !others.iter().any(|other| is_same_record(one, other)))
        {
            let object = if canary.object.is_empty() {
                String::new()
            } else {
                format!(" {}", canary.object)
            };
            drafts.add(
                "canaries",
                direction,
                format!(
                    "the canary `{} {}{object}` {what}",
                    canary.class, canary.command
                ),
                Vec::new(),
                Cost::Unknown,
            );
        }
    };
    say(
        before,
        after,
        Hears::Less,
        "is gone: no check fails any more when such a record is silenced",
    );
    say(after, before, Hears::More, "is new");
}

/// The beginning of the sentence that says how long an exclusion silences.
fn lasts(id: &str) -> String {
    format!("the exclusion `{id}` silences")
}

/// Whether a change is no more than a later last day of this exclusion.
pub fn is_renewal_of(change: &HearingChange, id: &str) -> bool {
    change.key == EXPIRES
        && change
            .sentence
            .strip_prefix(&lasts(id))
            .is_some_and(|rest| rest.starts_with(' '))
}

/// Whether an exclusion is renewed as it is: it silences the same in the same places, has not ended, and ends within
/// the longest life that the policy allowed, counted from today. To widen is another matter, and so is a life beyond that.
pub fn is_renewed(was: &Exclusion, now: &Exclusion, limits: &Limits, today: Date) -> bool {
    let longest = i64::from(limits.max_life_days);
    was.matcher == now.matcher
        && was.environments == now.environments
        && was.accepted_risk.is_none()
        && now.accepted_risk.is_none()
        && was.is_alive(today)
        && now
            .last_day()
            .and_then(|last| today.until(last).ok())
            .is_some_and(|span| i64::from(span.get_days()) <= longest)
}

/// The key of the last day.
const EXPIRES: &str = "exclusions/expires";

/// The parts of an exclusion apart from its match: how long it lasts, how long its risk is accepted, and its share. Whether
/// its match silences more is [`direction`](crate::rules::direction)'s.
pub(super) fn exclusions(
    ground: &Ground<'_>,
    before: &Environment,
    after: &Environment,
    drafts: &mut Drafts,
) {
    for now in ground.head.exclusions_in(after) {
        let was = ground
            .base
            .exclusions_in(before)
            .find(|was| was.id == now.id);
        // An exclusion that had ended silences again: `direction` reports that as widened.
        let Some(was) = was.filter(|was| was.is_alive(ground.today)) else {
            continue;
        };
        let Exclusion {
            id,
            title: _,
            reason: _,
            owner: _,
            ticket: _,
            created: _,
            expires: _,
            accepted_risk,
            max_silenced_share,
            environments: _,
            matcher: _,
            silences: _,
            stays_loud,
            place: _,
            match_place: _,
            places: _,
        } = was;
        let mut say = |key, direction, text: String| {
            drafts.add(key, direction, text, vec![was.owner.clone()], Cost::Unknown);
        };
        let end = |last: Option<Date>| {
            last.map_or("without an end".to_owned(), |day| {
                format!("until {}", words::day(day))
            })
        };
        let (old, new) = (was.last_day(), now.last_day());
        let direction = match (old, new) {
            (Some(_), None) => Hears::Less,
            (None, Some(_)) => Hears::More,
            (old, new) => Hears::by(&old, &new).turned(),
        };
        say(
            EXPIRES,
            direction,
            format!("{} {} instead of {}", lasts(id), end(new), end(old)),
        );
        let until = |risk: &Option<AcceptedRisk>| {
            risk.as_ref().map(|risk| {
                let AcceptedRisk {
                    reason: _,
                    owner: _,
                    until,
                } = risk;
                *until
            })
        };
        let (old, new) = (until(accepted_risk), until(&now.accepted_risk));
        let text = match new {
            Some(day) => format!(
                "the risk that people use the exclusion `{id}` to evade the alarm is accepted until {}",
                words::day(day)
            ),
            None => format!(
                "the risk that people use the exclusion `{id}` to evade the alarm is no longer accepted"
            ),
        };
        // None is the earliest here: no one accepts the risk.
        say(
            "exclusions/accepted_risk",
            Hears::by(&old, &new).turned(),
            text,
        );
        // Only the number counts here: `rules test` shows what the samples are worth.
        let (old, new) = (stays_loud.len(), now.stays_loud.len());
        if new < old {
            say(
                "exclusions/samples",
                Hears::Less,
                format!(
                    "the exclusion `{id}` has {} that must stay loud instead of {old}: faults that only the others caught go unnoticed",
                    words::amount(u32::try_from(new).unwrap_or(u32::MAX), "sample")
                ),
            );
        }
        let (direction, verb) = share(
            max_silenced_share.or(ground.base.limits.max_exclusion_share),
            now.max_silenced_share
                .or(ground.head.limits.max_exclusion_share),
        );
        if *max_silenced_share != now.max_silenced_share {
            say(
                "exclusions/max_silenced_share",
                direction,
                format!("the share that the exclusion `{id}` is allowed to silence is {verb}"),
            );
        }
    }
}
