//! Makes the report of what was read.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;

use super::answers;
use super::drift::DriftCheck;
use super::group::{Groups, Key, Sum};
use super::history::{History, InForce};
use super::hours::Hours;
use super::judged::Shown;
use super::oneself::Persons;
use super::period::Period;
use super::recorded::Recorded;
use super::report::{
    Audited, Coverage, Detected, ExclusionUse, FORMAT_VERSION, GrantUse, Input, NotAudited, Noted,
    Report, RulesSeen, Totals,
};
use super::touched::touched;
use crate::diagnostic::count;
use crate::policy::model::{Environment, Finding, Note, RoleMatch};

/// What a report is made of.
#[derive(Debug)]
pub struct Given<'a> {
    /// The version of pgvigil.
    pub version: &'a str,
    /// The notes in Git, as they are.
    pub notes: &'a [Note],
    /// The environment, as the files have it now.
    pub environment: &'a Environment,
    /// The days.
    pub period: Period,
    /// The policies of the period.
    pub history: History,
    /// What judged logs show.
    pub shown: Option<Shown>,
    /// What records show.
    pub recorded: Option<Recorded>,
    /// Checks for changes outside pgvigil.
    pub drift: Vec<DriftCheck>,
    /// What was wrong with reading the logs and the checks, a sentence each.
    pub problems: Vec<String>,
    /// Digest of the rules that judged the logs.
    pub rules: String,
    /// What the report is made of.
    pub inputs: Vec<Input>,
}

/// Makes the report.
pub fn assemble(given: Given<'_>) -> Report {
    let Given {
        version,
        notes,
        environment,
        period,
        history,
        shown,
        recorded,
        drift,
        problems,
        rules,
        mut inputs,
    } = given;
    let (coverage, is_silenced_known) = coverage(
        period,
        environment,
        &history,
        shown.as_ref(),
        recorded.as_ref(),
    );
    let mut lacks = lacks(&coverage, shown.as_ref(), recorded.as_ref());
    lacks.extend(problems);
    let unread = drift.iter().filter(|check| check.unread > 0).count();
    if unread > 0 {
        lacks.push(format!(
            "{} for changes outside pgvigil could not read everything",
            count(unread, "check")
        ));
    }
    lacks.extend(history.unknown.iter().cloned());
    let mut groups = Groups::default();
    let mut silenced: BTreeMap<String, u64> = BTreeMap::new();
    let mut add_silenced = |more: BTreeMap<String, u64>| {
        for (id, number) in more {
            *silenced.entry(id).or_default() += number;
        }
    };
    if let Some(recorded) = recorded {
        groups.append(recorded.groups);
        add_silenced(recorded.silenced);
    }
    if let Some(shown) = shown {
        groups.append(shown.groups);
        add_silenced(shown.silenced);
    }
    let persons = Persons::of(&history.in_force);
    let detections = detections(&groups, &environment.name, notes, &persons);
    let named: BTreeSet<&str> = detections.iter().map(|one| one.id.as_str()).collect();
    let strange = strange_notes(notes, &named, period);
    lacks.extend(strange);
    let silenced_in_all = silenced.values().sum();
    let known = is_silenced_known.then_some(&silenced);
    let exclusions = exclusions(&history, &environment.name, known);
    inputs.extend(history.in_force.iter().filter_map(|of| {
        Some(Input {
            kind: "policy".to_owned(),
            name: of.commit.clone()?,
            bytes: None,
            sha256: of
                .loaded
                .policy
                .environment(&environment.name)
                .map(|found| found.digest.clone()),
        })
    }));
    let mut report = Report {
        format_version: FORMAT_VERSION,
        pgvigil: version.to_owned(),
        environment: environment.name.clone(),
        period,
        complete: lacks.is_empty(),
        lacks,
        answers: Vec::new(),
        totals: totals(&detections, silenced_in_all),
        grants: grants(&history.in_force, &environment.name, period, &groups),
        exclusions,
        people: people(&history.in_force, &environment.name, &groups),
        accounts: accounts(&history.in_force, &environment.name),
        rules: rules_seen(&history.in_force, &groups, &rules),
        changes: history.changes,
        coverage,
        drift,
        touched: touched(&detections),
        detections,
        inputs,
    };
    report.answers = answers::of(&report, environment);
    report
}

fn coverage(
    period: Period,
    environment: &Environment,
    history: &History,
    shown: Option<&Shown>,
    recorded: Option<&Recorded>,
) -> (Coverage, bool) {
    let mut hours = Hours::none(period);
    let mut rests_on = Vec::new();
    let mut is_silenced_known = false;
    if let Some(recorded) = recorded {
        if recorded.runs > 0 {
            let wanted = history.log_groups_since(environment);
            for number in 0..period.hours() {
                let start = period.hour(number);
                let then = wanted
                    .iter()
                    .rev()
                    .find(|(since, _)| since.is_none_or(|since| since <= start))
                    .or(wanted.first());
                let is_counted = then.is_some_and(|(_, log_groups)| {
                    log_groups.iter().all(|name| {
                        let counted = recorded.hours.get(name);
                        counted.is_some_and(|hours| hours.has(number))
                    })
                });
                if is_counted {
                    hours.add(start);
                }
            }
            rests_on.push(
                "what the monitor says it counted (`pgvigil.run`): an hour counts if every window of it was counted in the log of every cluster",
            );
        }
        if recorded.watched > 0 {
            hours.join(&recorded.watched_hours);
            rests_on.push("the lines of `pgvigil watch`: an hour counts if there is at least one");
        }
        is_silenced_known |= recorded.runs > 0 || !recorded.silenced.is_empty();
    }
    if let Some(shown) = shown {
        hours.join(&shown.hours);
        rests_on.push("the entries of the logs: an hour counts if the server wrote at least one");
        is_silenced_known = true;
    }
    let rests_on = if rests_on.is_empty() {
        "nothing: the inputs do not say when something looked".to_owned()
    } else {
        rests_on.join("; ")
    };
    let coverage = Coverage {
        hours: period.hours(),
        known: hours.known(),
        gaps: hours.gaps(),
        rests_on,
        log_groups: history.log_groups(environment).into_iter().collect(),
        runs: recorded.map_or(0, |recorded| recorded.runs),
        errors: recorded.map_or(0, |recorded| recorded.errors),
        foreign: recorded.map_or(0, |recorded| recorded.foreign),
        outside: recorded.map_or(0, |recorded| recorded.outside)
            + shown.map_or(0, |shown| shown.outside),
    };
    (coverage, is_silenced_known)
}

/// What is not known or was not read.
fn lacks(coverage: &Coverage, shown: Option<&Shown>, recorded: Option<&Recorded>) -> Vec<String> {
    let mut lacks = Vec::new();
    let without: usize = coverage.gaps.iter().map(|gap| gap.hours).sum();
    if without > 0 {
        lacks.push(format!(
            "{} of {} {} no evidence that the logs were read then{}",
            count(without, "hour"),
            coverage.hours,
            if without == 1 { "has" } else { "have" },
            match coverage.gaps.as_slice() {
                [one] => format!(": from {} until {}", one.from, one.until),
                [first, ..] => format!(
                    ": the first gap is from {} until {}",
                    first.from, first.until
                ),
                [] => String::new(),
            }
        ));
    }
    let is_watched = recorded.is_some_and(|recorded| recorded.watched > 0);
    if coverage.log_groups.len() > 1 && (shown.is_some() || is_watched) {
        lacks.push(format!(
            "logs and lines of `pgvigil watch` do not name their cluster, and the environment has {}: an hour of one is taken for an hour of all",
            coverage.log_groups.len()
        ));
    }
    let Some(recorded) = recorded else {
        return lacks;
    };
    if recorded.unread > 0 {
        lacks.push(format!(
            "{} not understood; the first: {}",
            many(
                recorded.unread,
                "line of the records was",
                "lines of the records were"
            ),
            recorded.unread_first.join("; ")
        ));
    }
    if recorded.incomplete > 0 {
        lacks.push(format!(
            "{} more people than a query returns: their figures are lower bounds",
            many(recorded.incomplete, "window had", "windows had")
        ));
    }
    if recorded.missing > 0 {
        lacks.push(format!(
            "the monitor's runs announce {} more than the records contain: some records are missing",
            count(recorded.missing, "new group")
        ));
    }
    if recorded.runs == 0 && recorded.watched == 0 && recorded.unread == 0 {
        lacks.push(
            "the records have no `pgvigil.run` of this environment, so they do not show that the monitor ran; export the whole log of the monitor"
                .to_owned(),
        );
    }
    if recorded.misnamed > 0 {
        lacks.push(format!(
            "{} log group of this environment under the name of another one, and left out",
            many(recorded.misnamed, "record is of a", "records are of a")
        ));
    }
    lacks
}

fn many(number: u64, one: &str, several: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { several })
}

/// The gravest and most numerous first; what was expected comes last.
fn detections(
    groups: &Groups,
    environment: &str,
    notes: &[Note],
    persons: &Persons,
) -> Vec<Detected> {
    let notes = Note::by_detection(notes);
    let mut detections: Vec<Detected> = groups
        .iter()
        .map(|(key, sum)| {
            let id = key.id(environment);
            let of_it = notes.get(id.as_str()).map(Vec::as_slice);
            detected(id, key, sum, of_it.unwrap_or_default(), persons)
        })
        .collect();
    detections.sort_by(|left, right| {
        (left.expected.is_some().cmp(&right.expected.is_some()))
            .then_with(|| right.severity.cmp(&left.severity))
            .then_with(|| left.day.cmp(&right.day))
            .then_with(|| left.user.cmp(&right.user))
            .then_with(|| right.statements.cmp(&left.statements))
            .then_with(|| left.id.cmp(&right.id))
    });
    detections
}

fn detected(id: String, key: &Key, sum: &Sum, notes: &[&Note], persons: &Persons) -> Detected {
    Detected {
        id,
        day: key.day,
        cluster: key.cluster.clone(),
        user: key.user.clone(),
        owner: sum.owner.clone(),
        team: sum.team.clone(),
        identity: sum.identity.clone(),
        session_names: sum.session_names.iter().cloned().collect(),
        database: key.database.clone(),
        clients: sum.clients.iter().cloned().collect(),
        class: key.class.clone(),
        command: key.command.clone(),
        object: key.object.clone(),
        signals: sum.signals.iter().copied().collect(),
        severity: sum.severity,
        severity_reason: sum.severity_reason.clone(),
        statements: sum.statements,
        records: sum.records,
        not_judged: sum.not_judged,
        first: sum.first,
        last: sum.last,
        expected: key.expected.clone(),
        notes: notes
            .iter()
            .map(|note| Noted {
                note: note.id.clone(),
                finding: note.finding.name().to_owned(),
                text: note.text.clone(),
                author: note.author.clone(),
                date: note.date,
                ticket: note.ticket.clone(),
                about_oneself: persons.wrote(note, key, sum),
            })
            .collect(),
    }
}

/// Notes of the period about detections that the report does not have.
fn strange_notes(notes: &[Note], named: &BTreeSet<&str>, period: Period) -> Vec<String> {
    let mut strange = Vec::new();
    for note in notes {
        let missing: Vec<&str> = note
            .detections
            .iter()
            .map(String::as_str)
            .filter(|id| !named.contains(id))
            .collect();
        // A later note is about an earlier period, as a rule; one of the period has to be about something in it.
        if missing.len() == note.detections.len() && period.has_day(note.date) {
            strange.push(format!(
                "note `{}` is about {}, which {} not in these inputs",
                note.id,
                missing.join(", "),
                if missing.len() == 1 { "is" } else { "are" }
            ));
        }
    }
    strange
}

fn totals(detections: &[Detected], silenced: u64) -> Totals {
    let mut totals = Totals {
        detections: detections.len() as u64,
        silenced,
        ..Totals::default()
    };
    for one in detections {
        totals.statements += one.statements;
        totals.records += one.records;
        totals.not_judged += one.not_judged;
        if one.expected.is_some() {
            totals.expected += 1;
        } else {
            totals.not_expected += 1;
            if one.is_explained() {
                totals.explained += 1;
            } else {
                totals.unexplained += 1;
            }
        }
    }
    totals
}

/// Days on which something was declared, from the policies that have it.
#[derive(Debug)]
struct Days<T> {
    since: Date,
    until: Date,
    value: T,
}

/// What each policy declares, by key: the newest value, and the first and last day.
fn over_time<'a, K: Ord, T>(
    in_force: &'a [InForce],
    environment: &str,
    of: impl Fn(&'a InForce, &'a Environment) -> Vec<(K, T)>,
) -> BTreeMap<K, Days<T>> {
    let mut found: BTreeMap<K, Days<T>> = BTreeMap::new();
    for policy in in_force {
        let Some(environment) = policy.loaded.policy.environment(environment) else {
            continue;
        };
        for (key, value) in of(policy, environment) {
            match found.get_mut(&key) {
                Some(known) => {
                    known.until = policy.until;
                    known.value = value;
                }
                None => {
                    found.insert(
                        key,
                        Days {
                            since: policy.since,
                            until: policy.until,
                            value,
                        },
                    );
                }
            }
        }
    }
    found
}

fn exclusions(
    history: &History,
    environment: &str,
    silenced: Option<&BTreeMap<String, u64>>,
) -> Vec<ExclusionUse> {
    let found = over_time(&history.in_force, environment, |of, environment| {
        let alive = of.loaded.policy.exclusions_in(environment);
        alive
            .filter(|exclusion| exclusion.is_alive(of.since))
            .map(|exclusion| (exclusion.id.clone(), exclusion))
            .collect()
    });
    found
        .into_iter()
        .map(
            |(
                id,
                Days {
                    since,
                    until,
                    value,
                },
            )| ExclusionUse {
                title: value.title.clone(),
                reason: value.reason.clone(),
                owner: value.owner.clone(),
                ticket: value.ticket.clone(),
                since,
                until: value.last_day().map_or(until, |last| last.min(until)),
                expires: value.last_day(),
                silenced: silenced.map(|sums| sums.get(&id).copied().unwrap_or_default()),
                origin: history.origins.get(&id).cloned(),
                id,
            },
        )
        .collect()
}

fn people(in_force: &[InForce], environment: &str, groups: &Groups) -> Vec<Audited> {
    let mut statements: BTreeMap<&str, u64> = BTreeMap::new();
    for (key, sum) in groups.iter() {
        *statements.entry(key.user.as_str()).or_default() += sum.statements;
    }
    let found = over_time(in_force, environment, |of, environment| {
        let audited = of.loaded.policy.users_in(environment, of.since);
        audited.map(|user| (user.role.clone(), user)).collect()
    });
    found
        .into_iter()
        .map(
            |(
                role,
                Days {
                    since,
                    until,
                    value,
                },
            )| Audited {
                owner: value.owner.clone(),
                team: value.team.clone(),
                identity: value.identity.clone(),
                shared: value.is_shared,
                since,
                until: value.until.map_or(until, |last| last.min(until)),
                statements: statements.get(role.as_str()).copied().unwrap_or_default(),
                role,
            },
        )
        .collect()
}

fn accounts(in_force: &[InForce], environment: &str) -> Vec<NotAudited> {
    let found = over_time(in_force, environment, |of, environment| {
        of.loaded
            .policy
            .service_accounts_in(environment)
            .map(|account| {
                let key = match &account.role {
                    RoleMatch::Name(name) => (name.clone(), false),
                    RoleMatch::Pattern(pattern) => (pattern.as_str().to_owned(), true),
                };
                (key, account)
            })
            .collect()
    });
    found
        .into_iter()
        .map(
            |(
                (role, pattern),
                Days {
                    since,
                    until,
                    value,
                },
            )| NotAudited {
                role,
                pattern,
                system: value.system,
                reason: value.reason.clone(),
                owner: value.owner.clone(),
                since,
                until,
            },
        )
        .collect()
}

fn grants(
    in_force: &[InForce],
    environment: &str,
    period: Period,
    groups: &Groups,
) -> Vec<GrantUse> {
    let mut statements: BTreeMap<&str, u64> = BTreeMap::new();
    for (key, sum) in groups.iter() {
        if let Some(grant) = &key.expected {
            *statements.entry(grant.as_str()).or_default() += sum.statements;
        }
    }
    let mut committed = BTreeMap::new();
    let found = over_time(in_force, environment, |of, environment| {
        of.loaded
            .policy
            .grants_in(environment)
            .map(|grant| (grant.id.clone(), grant))
            .collect()
    });
    for of in in_force {
        for grant in &of.loaded.policy.grants {
            committed.entry(grant.id.as_str()).or_insert(of.committed);
        }
    }
    found
        .into_iter()
        .filter(|(_, days)| days.value.from < period.end() && days.value.until > period.start())
        .map(|(id, Days { value, .. })| {
            let committed = committed.get(id.as_str()).copied().flatten();
            GrantUse {
                users: value.users.clone(),
                relations: value.relations.iter().map(|one| one.shown()).collect(),
                kinds: value
                    .kinds
                    .iter()
                    .map(|kind| kind.name().to_owned())
                    .collect(),
                from: value.from,
                until: value.until,
                reason: value.reason.clone(),
                owner: value.owner.clone(),
                ticket: value.ticket.clone(),
                committed,
                after_the_fact: committed.is_some_and(|committed| committed > value.from),
                statements: statements.get(id.as_str()).copied().unwrap_or_default(),
                id,
            }
        })
        .collect()
}

fn rules_seen(in_force: &[InForce], groups: &Groups, now: &str) -> Vec<RulesSeen> {
    let mut seen: BTreeMap<&str, u64> = BTreeMap::new();
    for (_, sum) in groups.iter() {
        for digest in &sum.rules {
            *seen.entry(digest).or_default() += 1;
        }
    }
    seen.into_iter()
        .map(|(digest, detections)| RulesSeen {
            digest: digest.to_owned(),
            commit: in_force
                .iter()
                .rev()
                .find(|of| of.rules.as_deref() == Some(digest))
                .and_then(|of| of.commit.clone()),
            now: digest == now,
            detections,
        })
        .collect()
}

impl Detected {
    /// What became of it: the last note counts. The notes of the person whom it is about do not.
    pub fn finding(&self) -> Option<&Noted> {
        self.notes.iter().rfind(|note| !note.about_oneself)
    }

    /// Whether a note says what became of it.
    pub fn is_explained(&self) -> bool {
        self.finding()
            .is_some_and(|note| note.finding != Finding::Open.name())
    }

    /// The last note, if the person whom it is about wrote it.
    pub fn own_note(&self) -> Option<&Noted> {
        self.notes.last().filter(|note| note.about_oneself)
    }
}
