//! Who is audited, until when, and what of their work is logged.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;

use super::{Cost, Drafts, Ground, Hears, words};
use crate::policy::model::{AuditSettings, Environment, LogClass, Policy, User};

/// A person as audited in one environment on a day.
struct Person<'a> {
    owner: &'a str,
    team: Option<&'a str>,
    /// The last day; none where no end is set.
    last: Option<Date>,
    audit: &'a AuditSettings,
    git: &'a [String],
}

/// Those who are audited. An entry that has ended is no longer one.
fn audited<'a>(
    policy: &'a Policy,
    environment: &Environment,
    today: Date,
) -> BTreeMap<&'a str, Person<'a>> {
    let mut people: BTreeMap<&str, Person<'_>> = BTreeMap::new();
    for user in &policy.users {
        let User {
            role,
            owner,
            team,
            environments,
            until,
            audit,
            git,
            identity: _,
            is_shared: _,
            place: _,
            places: _,
        } = user;
        if !environments.contains(&environment.name) || until.is_some_and(|until| until < today) {
            continue;
        }
        let person = Person {
            owner,
            team: team.as_deref(),
            last: *until,
            audit,
            git,
        };
        match people.get(role.as_str()) {
            Some(known) if !is_later(person.last, known.last) => {}
            _ => {
                people.insert(role, person);
            }
        }
    }
    people
}

/// Whether one end is later than another; no end is the latest.
fn is_later(one: Option<Date>, other: Option<Date>) -> bool {
    match (one, other) {
        (None, other) => other.is_some(),
        (Some(one), Some(other)) => one > other,
        (Some(_), None) => false,
    }
}

pub(super) fn people(
    ground: &Ground<'_>,
    before: &Environment,
    after: &Environment,
    drafts: &mut Drafts,
) {
    let (old, new) = (
        audited(ground.base, before, ground.today),
        audited(ground.head, after, ground.today),
    );
    let roles: BTreeSet<&str> = old.keys().chain(new.keys()).copied().collect();
    let called = drafts.called.clone();
    for role in roles {
        match (old.get(role), new.get(role)) {
            (Some(person), None) => drafts.of(
                (role, person.owner),
                key_of_loss(ground.head, role, after),
                Hears::Less,
                format!(" {{is}} no longer audited in {called}"),
                Cost::Of(vec![role.to_owned()]),
            ),
            (None, Some(person)) => drafts.of(
                (role, person.owner),
                "users",
                Hears::More,
                format!(" {{is}} audited in {called} from now on"),
                Cost::Unknown,
            ),
            (Some(was), Some(now)) => {
                ends(role, was, now, drafts);
                audit(role, was, now, drafts);
                addresses(role, was, now, drafts);
                routed(role, was, now, (before, after), drafts);
            }
            (None, None) => {}
        }
    }
}

/// Which key takes a person away: the entry, its environments or its end.
fn key_of_loss(head: &Policy, role: &str, environment: &Environment) -> &'static str {
    let entries = || head.users.iter().filter(|user| user.role == role);
    if entries().any(|user| user.environments.contains(&environment.name)) {
        "users/until"
    } else if entries().next().is_some() {
        "users/environments"
    } else {
        "users"
    }
}

/// Another team or owner takes a person's detections to other receivers, where a route names one of them. Those who get
/// everything get them still.
fn routed(
    role: &str,
    was: &Person<'_>,
    now: &Person<'_>,
    (before, after): (&Environment, &Environment),
    drafts: &mut Drafts,
) {
    let called = drafts.called.clone();
    let routes = || before.routes.iter().chain(&after.routes);
    let names = |list: &Option<Vec<String>>, name: Option<&str>| {
        let all = list.iter().flatten();
        name.is_some_and(|name| all.into_iter().any(|one| one == name))
    };
    let by_team =
        routes().any(|route| names(&route.teams, was.team) || names(&route.teams, now.team));
    let by_owner = routes().any(|route| {
        names(&route.owners, Some(was.owner)) || names(&route.owners, Some(now.owner))
    });
    for (key, what, is_other) in [
        ("users/team", "team", was.team != now.team && by_team),
        ("users/owner", "owner", was.owner != now.owner && by_owner),
    ] {
        if is_other {
            drafts.of(
                (role, now.owner),
                key,
                Hears::NotComparable,
                format!(" {{is}} listed with another {what}: routes of {called} take the detections to other receivers"),
                Cost::Unknown,
            );
        }
    }
}

fn ends(role: &str, was: &Person<'_>, now: &Person<'_>, drafts: &mut Drafts) {
    let called = drafts.called.clone();
    let from = |last: Date| {
        last.tomorrow()
            .map_or_else(|_| words::day(last), words::day)
    };
    let (direction, text) = match (was.last, now.last) {
        (was, now) if was == now => return,
        (None, Some(now)) => (
            Hears::Less,
            format!(" {{is}} no longer audited in {called} from {}", from(now)),
        ),
        (Some(was), Some(now)) if now < was => (
            Hears::Less,
            format!(
                " {{is}} no longer audited in {called} from {}; before, it was from {}",
                from(now),
                from(was)
            ),
        ),
        (_, Some(now)) => (
            Hears::More,
            format!(
                " {{is}} audited in {called} for longer, until {}",
                words::day(now)
            ),
        ),
        (_, None) => (
            Hears::More,
            format!(" {{is}} audited in {called} with no end date"),
        ),
    };
    drafts.of(
        (role, was.owner),
        "users/until",
        direction,
        text,
        Cost::Of(vec![role.to_owned()]),
    );
}

/// Git addresses: they are how authors are kept from silencing their own role.
fn addresses(role: &str, was: &Person<'_>, now: &Person<'_>, drafts: &mut Drafts) {
    let has = |person: &Person<'_>, wanted: &String| {
        let mut known = person.git.iter();
        known.any(|address| address.eq_ignore_ascii_case(wanted))
    };
    let is_lost = was.git.iter().any(|address| !has(now, address));
    let is_won = now.git.iter().any(|address| !has(was, address));
    let (direction, text) = match (is_lost, is_won) {
        (false, false) => return,
        (true, _) => (
            Hears::Less,
            ": Git addresses are removed, so the check for authors who silence their own role can miss their commits",
        ),
        (false, true) => (
            Hears::More,
            ": commits are recognised by more Git addresses",
        ),
    };
    drafts.of(
        (role, was.owner),
        "users/git",
        direction,
        text.to_owned(),
        Cost::Unknown,
    );
}

/// Each class that `pgaudit.log` may have, as pgAudit prints it.
fn classes(log: &[LogClass]) -> BTreeSet<&'static str> {
    let mut classes = BTreeSet::new();
    for class in log {
        match class {
            LogClass::All => {
                classes.extend(["READ", "WRITE", "FUNCTION", "ROLE", "DDL", "MISC", "SET"]);
            }
            LogClass::Read => {
                classes.insert("READ");
            }
            LogClass::Write => {
                classes.insert("WRITE");
            }
            LogClass::Function => {
                classes.insert("FUNCTION");
            }
            LogClass::Role => {
                classes.insert("ROLE");
            }
            LogClass::Ddl => {
                classes.insert("DDL");
            }
            LogClass::Misc => {
                classes.extend(["MISC", "SET"]);
            }
            LogClass::MiscSet => {
                classes.insert("SET");
            }
        }
    }
    classes
}

fn audit(role: &str, was: &Person<'_>, now: &Person<'_>, drafts: &mut Drafts) {
    let called = drafts.called.clone();
    let AuditSettings {
        log,
        log_relation,
        log_catalog,
        log_parameter,
        log_statement_once,
    } = was.audit;
    let person = (role, was.owner);
    let (old, new) = (classes(log), classes(&now.audit.log));
    let lost: Vec<&'static str> = old.difference(&new).copied().collect();
    let won: Vec<&'static str> = new.difference(&old).copied().collect();
    if !lost.is_empty() {
        let what = words::all(&lost);
        drafts.of(
            person,
            "users/audit/log",
            Hears::Less,
            format!(": the classes {what} are no longer logged in {called}"),
            Cost::Classes(vec![role.to_owned()], lost),
        );
    }
    if !won.is_empty() {
        drafts.of(
            person,
            "users/audit/log",
            Hears::More,
            format!(
                ": the classes {} are logged in {called} too",
                words::all(&won)
            ),
            Cost::Unknown,
        );
    }
    let mut flag = |key, before: bool, after: bool, loud: &str, quiet: &str| {
        let text = if after { loud } else { quiet };
        let direction = Hears::by(&before, &after);
        drafts.of(
            person,
            key,
            direction,
            format!(": {text} in {called}"),
            Cost::Unknown,
        );
    };
    flag(
        "users/audit/log_relation",
        *log_relation,
        now.audit.log_relation,
        "records name the relations that a statement touches",
        "records no longer name the relations that a statement touches, so reads of different tables look the same",
    );
    flag(
        "users/audit/log_catalog",
        *log_catalog,
        now.audit.log_catalog,
        "statements on the system catalog are logged too",
        "statements on the system catalog alone are no longer logged",
    );
    flag(
        "users/audit/log_parameter",
        *log_parameter,
        now.audit.log_parameter,
        "values that are bound to statements are logged too",
        "values that are bound to statements are no longer logged",
    );
    if *log_statement_once != now.audit.log_statement_once {
        let text = if now.audit.log_statement_once {
            "only the first record of a statement contains its text"
        } else {
            "every record of a statement contains its text, so exclusions can match on it"
        };
        drafts.of(
            person,
            "users/audit/log_statement_once",
            Hears::NotComparable,
            format!(": {text} in {called}"),
            Cost::Unknown,
        );
    }
}
