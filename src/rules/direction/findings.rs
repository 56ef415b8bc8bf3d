//! Exclusions that change nothing: shadowed by another, written twice, out of reach, contradictory.
//!
//! Each exclusion is compared only with those that share its rarest value, at most
//! [`CANDIDATES_MAX`] of them, and most of these are ruled out by one text. So the cost grows with the
//! number of exclusions; what a limit leaves out is not reported.

use std::collections::{HashMap, HashSet};

use jiff::civil::Date;

use crate::diagnostic::{Code, Diagnostic, Diagnostics, quote};
use crate::judge::is_out_of_scope;
use crate::policy::model::{Exclusion, Match, Policy, Selection, Signal, Statement};
use crate::policy::{Loaded, model};
use crate::rules::reference::{self, Facts};

use super::area::{Area, Field, Values};
use super::cover::is_within;
use super::index::Index;
use super::{guess, text};

/// Exclusions that one is compared with at most.
const CANDIDATES_MAX: usize = 256;

/// Questions that the automata are asked about one policy at most.
const SEARCHES_MAX: usize = 12;

/// States that each of them visits at most.
const STATES_MAX: usize = 600;

/// Finds exclusions that change nothing on this day: see [`Code::ExclusionShadowed`],
/// [`Code::ExclusionDuplicateMatch`], [`Code::ExclusionUnreachable`] and [`Code::ExclusionNeverMatches`].
pub fn findings(loaded: &Loaded, today: Date) -> Diagnostics {
    let policy = &loaded.policy;
    let mut sink = Diagnostics::default();
    let mut searches = SEARCHES_MAX;
    let places = Places::of(policy);
    // What is counted in one environment is within reach.
    let mut signals: Vec<Signal> = policy
        .environments
        .iter()
        .flat_map(|environment| &environment.signals)
        .map(|settings| settings.signal)
        .chain([Signal::Dml])
        .collect();
    signals.sort_unstable();
    signals.dedup();
    let mut ids = HashSet::new();
    let mut entries: Vec<Entry<'_>> = Vec::new();
    for (exclusion, environments) in policy.exclusions.iter().zip(places.0) {
        // An exclusion with another error is not reported twice.
        if !exclusion.is_alive(today)
            || exclusion.matcher == Match::default()
            || !ids.insert(&exclusion.id)
        {
            continue;
        }
        let area = Area::of(&exclusion.matcher);
        if is_unreachable(&area, &signals) {
            sink.push(unreachable(exclusion));
            continue;
        }
        let sample = area.statement.and_then(sample);
        if let Some(why) = contradiction(&area, sample.is_some(), &mut searches) {
            sink.push(never_matches(exclusion, why));
            continue;
        }
        entries.push(Entry {
            exclusion,
            area,
            sample,
            environments,
        });
    }
    let is_duplicate = duplicates(&entries, &mut sink);
    shadowed(&entries, &is_duplicate, &mut searches, &mut sink);
    sink.sort();
    sink
}

/// One exclusion with what is known of it.
pub(super) struct Entry<'a> {
    exclusion: &'a Exclusion,
    pub(super) area: Area<'a>,
    /// A text that it silences, where its match asks for one and one is at hand.
    pub(super) sample: Option<Vec<u8>>,
    environments: Bits,
}

/// A set of environments.
#[derive(Clone, PartialEq, Eq)]
struct Bits(Vec<u64>);

impl Bits {
    fn is_empty(&self) -> bool {
        self.0.iter().all(|word| *word == 0)
    }

    fn is_within(&self, other: &Self) -> bool {
        self.0.iter().zip(&other.0).all(|(a, b)| a & !b == 0)
    }

    fn overlaps(&self, other: &Self) -> bool {
        self.0.iter().zip(&other.0).any(|(a, b)| a & b != 0)
    }
}

/// Where each exclusion applies.
struct Places(Vec<Bits>);

impl Places {
    fn of(policy: &Policy) -> Self {
        let count = policy.environments.len();
        let words = count.div_ceil(64).max(1);
        let all = || {
            let mut bits = vec![0_u64; words];
            for at in 0..count.max(1) {
                set(&mut bits, at);
            }
            bits
        };
        let numbers: HashMap<&str, usize> = policy
            .environments
            .iter()
            .enumerate()
            .map(|(number, environment)| (environment.name.as_str(), number))
            .collect();
        // Environments that list their exclusions: who is on whose list.
        let mut listed: HashMap<&str, Vec<u64>> = HashMap::new();
        let mut takes_all = vec![0_u64; words];
        if count == 0 {
            // Files without an environment are judged as if there were one.
            set(&mut takes_all, 0);
        }
        for (number, environment) in policy.environments.iter().enumerate() {
            match &environment.exclusions {
                Selection::All => set(&mut takes_all, number),
                Selection::Only(ids) => {
                    for id in ids {
                        let bits = listed.entry(id).or_insert_with(|| vec![0; words]);
                        set(bits, number);
                    }
                }
            }
        }
        let places = policy
            .exclusions
            .iter()
            .map(|exclusion| {
                let mut bits = match &exclusion.environments {
                    Selection::All => all(),
                    Selection::Only(names) => {
                        let mut bits = vec![0_u64; words];
                        for name in names {
                            if let Some(number) = numbers.get(name.as_str()) {
                                set(&mut bits, *number);
                            }
                        }
                        bits
                    }
                };
                let listed = listed.get(exclusion.id.as_str());
                for (at, word) in bits.iter_mut().enumerate() {
                    let by_list = listed.and_then(|bits| bits.get(at)).copied();
                    let by_all = takes_all.get(at).copied();
                    *word &= by_list.unwrap_or(0) | by_all.unwrap_or(0);
                }
                Bits(bits)
            })
            .collect();
        Self(places)
    }
}

fn set(bits: &mut [u64], at: usize) {
    if let Some(word) = bits.get_mut(at / 64) {
        *word |= 1 << (at % 64);
    }
}

/// Says whether no signal counts any record with these classes and commands.
fn is_unreachable(area: &Area<'_>, signals: &[Signal]) -> bool {
    let Values::Only(classes) = area.values(Field::Class) else {
        return false;
    };
    !classes.is_empty()
        && classes.iter().all(|class| {
            is_out_of_scope(class, "", signals)
                || matches!(area.values(Field::Command), Values::Only(commands)
                    if !commands.is_empty()
                        && commands.iter().all(|command| is_out_of_scope(class, command, signals)))
        })
}

/// Why no record can have all that is asked for.
fn contradiction(area: &Area<'_>, has_sample: bool, searches: &mut usize) -> Option<&'static str> {
    let Values::Only(types) = area.values(Field::ObjectType) else {
        return text_contradiction(area.statement?, has_sample, searches);
    };
    // pgAudit prints type and name of an object, or neither.
    if types.as_slice() == [""] && *area.values(Field::Schema) != Values::All {
        return Some("a record without an object has no schema and no relation");
    }
    text_contradiction(area.statement?, has_sample, searches)
}

fn text_contradiction(
    statement: &Statement,
    has_sample: bool,
    searches: &mut usize,
) -> Option<&'static str> {
    if has_sample || kinds(statement) < 2 {
        return None;
    }
    *searches = searches.checked_sub(1)?;
    is_within(statement, &[], STATES_MAX)
        .then_some("its conditions on the statement contradict each other")
}

/// How many conditions a statement has: one alone contradicts nothing.
fn kinds(statement: &Statement) -> usize {
    [
        statement.is_empty,
        statement.is_whole(),
        statement.starts_with.is_some(),
        statement.only_calls.is_some(),
        statement.lacks.is_some(),
        statement.lacks_words.is_some(),
        statement.lacks_names.is_some(),
        statement.contains.is_some(),
    ]
    .into_iter()
    .filter(|given| *given)
    .count()
}

/// A text that surely fits all conditions.
fn sample(statement: &Statement) -> Option<Vec<u8>> {
    if statement.is_empty {
        return (kinds(statement) == 1).then(Vec::new);
    }
    let whole_alone = kinds(statement) == 1 && statement.only_calls.is_none();
    guess::between(statement, None)
        .into_iter()
        .take(8)
        .find(|text| (whole_alone && statement.is_whole()) || allows(statement, text))
}

fn allows(statement: &Statement, text: &[u8]) -> bool {
    let matcher = Match {
        statement: Some(statement.clone()),
        ..Match::default()
    };
    let facts = Facts {
        statement: Some(text),
        ..Facts::default()
    };
    reference::silences(&matcher, &facts)
}

/// Reports matches that are equal but for the order of their lists; says which entries they are.
fn duplicates(entries: &[Entry<'_>], sink: &mut Diagnostics) -> Vec<bool> {
    let mut seen: HashMap<String, Vec<&Entry<'_>>> = HashMap::new();
    entries
        .iter()
        .map(|entry| {
            let earlier = seen.entry(ordered(&entry.exclusion.matcher)).or_default();
            let first = earlier
                .iter()
                .find(|first| first.environments.overlaps(&entry.environments));
            let is_duplicate = first.is_some();
            if let Some(first) = first {
                sink.push(
                    Diagnostic::new(
                        Code::ExclusionDuplicateMatch,
                        format!(
                            "the exclusion {} matches the same records as {}",
                            quote(&entry.exclusion.id),
                            quote(&first.exclusion.id)
                        ),
                    )
                    .label(entry.exclusion.match_place.clone(), "matched again")
                    .context(first.exclusion.match_place.clone(), "matched here")
                    .help("keep one of the two, or give them different environments"),
                );
            }
            // Ten with the same match show as much as a thousand.
            if earlier.len() < 10 {
                earlier.push(entry);
            }
            is_duplicate
        })
        .collect()
}

/// A match by its text, each list sorted.
fn ordered(matcher: &Match) -> String {
    let sorted = |list: &mut Option<Vec<String>>| {
        if let Some(list) = list {
            list.sort_unstable();
        }
    };
    let mut matcher: model::Match = matcher.clone();
    for list in [
        &mut matcher.user,
        &mut matcher.database,
        &mut matcher.client,
        &mut matcher.class,
        &mut matcher.command,
        &mut matcher.object_type,
        &mut matcher.schema,
        &mut matcher.relation,
    ] {
        sorted(list);
    }
    if let Some(statement) = &mut matcher.statement {
        if let Some(patterns) = &mut statement.matches {
            patterns.sort_unstable();
        }
        for list in [
            &mut statement.equals,
            &mut statement.starts_with,
            &mut statement.only_calls,
            &mut statement.lacks,
            &mut statement.lacks_words,
            &mut statement.lacks_names,
            &mut statement.contains,
        ] {
            sorted(list);
        }
    }
    format!("{matcher:?}")
}

/// Reports exclusions all of which another one silences, wherever and as long as they apply.
fn shadowed(
    entries: &[Entry<'_>],
    is_duplicate: &[bool],
    searches: &mut usize,
    sink: &mut Diagnostics,
) {
    let index = Index::of(entries);
    for (number, entry) in entries.iter().enumerate() {
        if entry.environments.is_empty() || is_duplicate.get(number) == Some(&true) {
            continue;
        }
        let shadow = index
            .candidates(entry)
            .into_iter()
            .take(CANDIDATES_MAX)
            .filter(|other| *other != number && is_duplicate.get(*other) != Some(&true))
            .filter_map(|other| Some((other, entries.get(other)?)))
            .find(|(other, shadow)| {
                is_inside(entry, shadow, searches)
                    // Of two that silence the same, the later one is reported.
                    && (*other < number || !is_inside(shadow, entry, searches))
            });
        if let Some((_, shadow)) = shadow {
            sink.push(
                Diagnostic::new(
                    Code::ExclusionShadowed,
                    format!(
                        "the exclusion {} is redundant: {} silences all of its records",
                        quote(&entry.exclusion.id),
                        quote(&shadow.exclusion.id)
                    ),
                )
                .label(entry.exclusion.match_place.clone(), "changes nothing")
                .context(shadow.exclusion.match_place.clone(), "silences all of it")
                .help("delete it, or narrow the wider one"),
            );
        }
    }
}

/// Says whether everything of one is surely silenced by the other, in every environment and on every
/// day on which it applies.
fn is_inside(entry: &Entry<'_>, other: &Entry<'_>, searches: &mut usize) -> bool {
    let lives_on = match (entry.exclusion.last_day(), other.exclusion.last_day()) {
        (_, None) => true,
        (None, Some(_)) => false,
        (Some(last), Some(other)) => last <= other,
    };
    if !lives_on
        || !entry.environments.is_within(&other.environments)
        || !entry.area.has_fields_within(&other.area)
    {
        return false;
    }
    let (statement, wide) = match (entry.area.statement, other.area.statement) {
        (_, None) => return true,
        (None, Some(_)) => return false,
        (Some(statement), Some(wide)) => (statement, wide),
    };
    if entry
        .sample
        .as_ref()
        .is_some_and(|text| !allows(wide, text))
    {
        return false;
    }
    let rest = text::not_implied(statement, wide);
    if !text::has_conditions(&rest) {
        return true;
    }
    let Some(left) = searches.checked_sub(1) else {
        return false;
    };
    *searches = left;
    is_within(statement, &[rest], STATES_MAX)
}

fn unreachable(exclusion: &Exclusion) -> Diagnostic {
    Diagnostic::new(
        Code::ExclusionUnreachable,
        format!(
            "the exclusion {} silences records that are never counted",
            quote(&exclusion.id)
        ),
    )
    .at(exclusion.match_place.clone())
    .help("delete it: such classes and commands are out of scope")
}

fn never_matches(exclusion: &Exclusion, why: &str) -> Diagnostic {
    Diagnostic::new(
        Code::ExclusionNeverMatches,
        format!(
            "the exclusion {} matches no record: {why}",
            quote(&exclusion.id)
        ),
    )
    .at(exclusion.match_place.clone())
    .help("drop one of the conditions, or the exclusion")
}
