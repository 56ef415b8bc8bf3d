//! Raw → model: reads dates, rates, sets and references, resolves `extends`, fills defaults in.
//!
//! What the model can hold and is still wrong is left to the checks.

pub mod environment;
pub mod grants;
mod notes;

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use jiff::civil::Date;
use serde::de::DeserializeOwned;

use super::load::{Document, Incomplete};
use super::model::{
    AcceptedRisk, AuditSettings, Exclusion, Limits, LogClass, Match, Policy, Records, RoleMatch,
    Sample, Selection, Sensitivity, ServiceAccount, Severity, Signal, Statement, User,
};
use super::pattern::{Pattern, PatternError};
use super::raw::sensitivity::{RawSensitivity, RawSeverity, RawSignalName};
use super::raw::{
    OneOrMany, RawAcceptedRisk, RawAccount, RawAudit, RawExclusion, RawLimits, RawLogClass,
    RawMatch, RawName, RawNames, RawProtected, RawSample, RawSelection, RawStatement, RawUser,
};
use super::sets;
use crate::diagnostic::{Code, Diagnostic, Diagnostics, count, has_wildcard, quote, suggest};
use crate::source::path::Part;
use crate::source::yaml::{InvalidAs, Kind, Node};
use crate::source::{DocPath, Place, Places, SourceFiles};

/// The step from the documents to the policy.
pub(super) struct Lowering<'a> {
    files: &'a mut SourceFiles,
    sink: &'a mut Diagnostics,
    incomplete: Incomplete,
    policy: Policy,
    /// Ids that stand in the files, whether or not their exclusions are valid.
    exclusion_ids: BTreeSet<String>,
    /// Names of environments that are deployed, and of bases.
    names: BTreeMap<String, bool>,
    audit: AuditSettings,
    /// `environments` and `exclusions` lists, judged at the end.
    references: Vec<Reference>,
}

struct Reference {
    names: Vec<String>,
    places: Places,
    path: &'static str,
    kind: ReferenceKind,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum ReferenceKind {
    Environment,
    Exclusion,
}

impl Default for AuditSettings {
    fn default() -> Self {
        Self {
            log: vec![LogClass::All],
            log_relation: true,
            log_catalog: true,
            log_parameter: false,
            log_statement_once: false,
        }
    }
}

impl<'a> Lowering<'a> {
    pub(super) fn new(
        files: &'a mut SourceFiles,
        sink: &'a mut Diagnostics,
        incomplete: Incomplete,
    ) -> Self {
        Self {
            files,
            sink,
            incomplete,
            policy: Policy::default(),
            exclusion_ids: BTreeSet::new(),
            names: BTreeMap::new(),
            audit: AuditSettings::default(),
            references: Vec::new(),
        }
    }

    pub(super) fn rules(&mut self, documents: Vec<Document>) {
        if let Some(raw) = self.only_one::<RawAudit>(
            &documents,
            "audit",
            Code::UserTwoDefaults,
            "default audit settings are defined twice",
        ) {
            self.audit = audit_settings(Some(raw), &AuditSettings::default());
        }
        if let Some(raw) = self.only_one::<RawLimits>(
            &documents,
            "limits",
            Code::LimitsTwice,
            "limits are defined twice",
        ) {
            self.policy.limits = limits(&raw);
        }
        for document in documents {
            let Some(root) = &document.root else { continue };
            let entries = |key: &str| {
                root.get(key)
                    .map(Node::items)
                    .unwrap_or_default()
                    .iter()
                    .enumerate()
            };
            let is_whole = |key: &str, index: usize| {
                let path = DocPath::root().then(key).then(index);
                !document
                    .incomplete
                    .iter()
                    .any(|missing| missing.starts_with(&path))
            };
            let list = root.get("users");
            self.policy.is_nobody_yet |= list.is_some_and(
                |list| matches!(&list.kind, Kind::Sequence(people) if people.is_empty()),
            );
            for (index, node) in entries("users") {
                if let Some(raw) = self.entry::<RawUser>(node, is_whole("users", index)) {
                    self.user(raw, Places::new(node.clone()));
                }
            }
            for (key, is_system) in [("service_accounts", false), ("system_roles", true)] {
                for (index, node) in entries(key) {
                    // An account or exclusion that lost a part would silence more than was written.
                    if let Some(raw) =
                        self.entry::<RawAccount>(node, is_whole(key, index) && !has_invalid(node))
                    {
                        self.account(raw, Places::new(node.clone()), is_system);
                    }
                }
            }
            for (index, node) in entries("protected") {
                if let Some(raw) = self.entry::<RawProtected>(node, is_whole("protected", index)) {
                    self.policy.protected.push(protected(raw, node.head()));
                }
            }
            for (index, node) in entries("sensitivity") {
                // An entry that lost a condition would be about more records than was written.
                let is_whole = is_whole("sensitivity", index) && !has_invalid(node);
                if let Some(raw) = self.entry::<RawSensitivity>(node, is_whole) {
                    self.policy.sensitivity.push(sensitivity(raw, node.head()));
                }
            }
            for (index, node) in entries("canaries") {
                if let Some(raw) = self.entry::<RawSample>(node, is_whole("canaries", index)) {
                    self.policy.canaries.push(sample(raw, node.head()));
                }
            }
            for (index, node) in entries("exclusions") {
                match node.get("id").and_then(Node::as_text) {
                    Some(id) => {
                        self.exclusion_ids.insert(id.to_owned());
                    }
                    None => self.incomplete.rules = true,
                }
                // A sample that lost a part is no sample; the exclusion can be judged without it.
                let mut node = node.clone();
                let path = DocPath::from("exclusions").then(index);
                let mut is_whole = true;
                for missing in document
                    .incomplete
                    .iter()
                    .filter(|missing| missing.starts_with(&path))
                {
                    let below = missing.below(&path);
                    match node.at_mut(&below) {
                        Some(sample)
                            if below.parts().first().is_some_and(|part| part == "samples") =>
                        {
                            sample.kind = Kind::Invalid
                        }
                        _ => is_whole = false,
                    }
                }
                if let Some(samples) = node.at_mut(&DocPath::from("samples")) {
                    prune(samples);
                }
                let is_sound = node
                    .entries()
                    .iter()
                    .all(|entry| entry.key == "samples" || !has_invalid(&entry.value));
                if let Some(raw) = self.entry::<RawExclusion>(&node, is_whole && is_sound) {
                    self.exclusion(raw, &node);
                }
            }
        }
    }

    /// The value of a key that may stand in one file only.
    fn only_one<T: DeserializeOwned>(
        &mut self,
        documents: &[Document],
        key: &str,
        code: Code,
        twice: &str,
    ) -> Option<T> {
        let mut first: Option<Place> = None;
        let mut value = None;
        for document in documents {
            let Some(root) = &document.root else { continue };
            let Some(node) = root.get(key) else { continue };
            let place = root.locate(&DocPath::from(key), Part::Key);
            if let Some(first) = &first {
                self.sink.push(
                    Diagnostic::new(code, twice)
                        .label(place, "defined again")
                        .context(first.clone(), "defined here")
                        .help("keep one of the two"),
                );
                continue;
            }
            first = Some(place);
            value = self.entry::<T>(node, true);
        }
        value
    }

    /// An entry as its raw type; `None`, without a message, if its errors have been reported.
    fn entry<T: DeserializeOwned>(&mut self, node: &Node, is_whole: bool) -> Option<T> {
        if !is_whole || matches!(node.kind, Kind::Invalid) {
            return None;
        }
        match serde_path_to_error::deserialize(node.to_json(InvalidAs::Absent)) {
            Ok(raw) => Some(raw),
            Err(_) if has_invalid(node) => None,
            Err(error) => {
                // `5.0` is a whole number to JSON Schema, but not to the types.
                let pointer: String = error
                    .path()
                    .to_string()
                    .split(['.', '['])
                    .map(|part| format!("/{}", part.trim_end_matches(']')))
                    .collect();
                self.sink.push(
                    Diagnostic::new(Code::SchemaValue, "this value has the wrong format")
                        .at(node.locate(&DocPath::from_pointer(&pointer), Part::Value)),
                );
                None
            }
        }
    }

    fn user(&mut self, raw: RawUser, places: Places) {
        let until = raw
            .until
            .and_then(|text| self.date(&text, &places, "until"));
        let environments = self.selection(raw.environments, &places, ReferenceKind::Environment);
        self.policy.users.push(User {
            role: raw.role,
            owner: raw.owner,
            team: raw.team,
            environments,
            until,
            audit: audit_settings(raw.audit, &self.audit),
            git: list(raw.git).unwrap_or_default(),
            identity: raw.identity,
            is_shared: raw.shared.unwrap_or(false),
            place: places.value("role"),
            places,
        });
    }

    fn account(&mut self, raw: RawAccount, places: Places, system: bool) {
        let (role, key) = match (raw.role, raw.pattern) {
            (Some(name), None) => (RoleMatch::Name(name), "role"),
            (None, Some(text)) => {
                let place = |span: Option<Range<usize>>| match span {
                    Some(span) => places.item_part("pattern", 0, span),
                    None => places.value("pattern"),
                };
                // Without a valid pattern the entry matches no role, so every role stays audited.
                let Some(pattern) = self.pattern(&text, place) else {
                    return;
                };
                (RoleMatch::Pattern(pattern), "pattern")
            }
            (role, _) => {
                let message = if role.is_some() {
                    "an entry cannot have both `role` and `pattern`"
                } else {
                    "an entry needs `role` or `pattern`"
                };
                let place = if role.is_some() {
                    places.key("pattern")
                } else {
                    places.value("")
                };
                self.sink.push(
                    Diagnostic::new(Code::AccountRole, message)
                        .at(place)
                        .help("write one of `role` and `pattern`"),
                );
                return;
            }
        };
        let environments = self.selection(raw.environments, &places, ReferenceKind::Environment);
        self.policy.service_accounts.push(ServiceAccount {
            role,
            reason: raw.reason,
            owner: raw.owner,
            environments,
            system,
            place: places.value(key),
            places,
        });
    }

    fn exclusion(&mut self, raw: RawExclusion, node: &Node) {
        let places = Places::new(node.clone());
        let expires = raw.expires.map(|text| self.date(&text, &places, "expires"));
        let created = self.date(&raw.created, &places, "created");
        let accepted_risk = raw
            .accepted_risk
            .map(|risk| self.accepted_risk(risk, &places));
        let environments = self.selection(raw.environments, &places, ReferenceKind::Environment);
        let matcher = self.matcher(raw.matcher, &places);
        let samples = raw.samples.unwrap_or_default();
        let lower = |raws: Option<Vec<RawSample>>, key: &str| -> Vec<Sample> {
            let path = DocPath::from("samples").then(key);
            let places = node
                .at(&path)
                .map(Node::items)
                .unwrap_or_default()
                .iter()
                .map(Node::head);
            raws.unwrap_or_default()
                .into_iter()
                .zip(places)
                .map(|(raw, place)| sample(raw, place))
                .collect()
        };
        let (silences, stays_loud) = (
            lower(samples.silences, "silences"),
            lower(samples.stays_loud, "stays_loud"),
        );
        // An exclusion without a readable date would live longer than was written.
        let Some(created) = created else { return };
        let (Ok(expires), Ok(accepted_risk)) = (
            expires.map_or(Ok(None), |date| date.map(Some).ok_or(())),
            accepted_risk.map_or(Ok(None), |risk| risk.map(Some).ok_or(())),
        ) else {
            return;
        };
        self.policy.exclusions.push(Exclusion {
            id: raw.id,
            title: raw.title,
            reason: raw.reason,
            owner: raw.owner,
            ticket: raw.ticket,
            created,
            expires,
            accepted_risk,
            max_silenced_share: raw.max_silenced_share,
            environments,
            matcher,
            silences,
            stays_loud,
            place: places.value("id"),
            match_place: places.key("match"),
            places,
        });
    }

    fn accepted_risk(&mut self, raw: RawAcceptedRisk, places: &Places) -> Option<AcceptedRisk> {
        let until = self.date(&raw.until, places, "accepted_risk/until")?;
        Some(AcceptedRisk {
            reason: raw.reason,
            owner: raw.owner,
            until,
        })
    }

    fn matcher(&mut self, raw: RawMatch, places: &Places) -> Match {
        let relation = raw
            .relation
            .map(|names| self.names(names, places, "match/relation"));
        let statement = raw.statement.map(|raw| self.statement(raw, places));
        Match {
            user: list(raw.user),
            database: list(raw.database),
            client: list(raw.client),
            class: list(raw.class),
            command: list(raw.command),
            object_type: list(raw.object_type).map(|types| {
                types
                    .into_iter()
                    .map(|name| if name == "none" { String::new() } else { name })
                    .collect()
            }),
            schema: list(raw.schema),
            relation,
            statement,
        }
    }

    fn statement(&mut self, raw: RawStatement, places: &Places) -> Statement {
        let only_calls = raw
            .only_calls
            .map(|names| self.names(names, places, "match/statement/only_calls"));
        let only_casts = raw
            .only_casts
            .map(|names| self.names(names, places, "match/statement/only_casts"));
        let path = "match/statement/matches";
        // Patterns that cannot be read match nothing, so that their records count.
        let matches = list(raw.matches).map(|texts| {
            let read = texts.iter().enumerate().filter_map(|(index, text)| {
                self.pattern(text, |span| match span {
                    Some(span) => places.item_part(path, index, span),
                    None => places.item(path, index),
                })
            });
            read.collect()
        });
        Statement {
            is_empty: raw.is_empty.unwrap_or(false),
            equals: list(raw.equals),
            matches,
            starts_with: list(raw.starts_with),
            only_calls,
            only_casts,
            lacks: list(raw.lacks),
            lacks_words: list(raw.lacks_words),
            lacks_names: list(raw.lacks_names),
            contains: list(raw.contains),
        }
    }

    /// The names; of an unknown set none, which match nothing.
    fn names(&mut self, raw: RawNames, places: &Places, path: &str) -> Vec<String> {
        let listed = match raw {
            RawNames::Set(name) => {
                return self.set(&name, || places.value(DocPath::from(path).then("set")));
            }
            RawNames::Listed(listed) => listed,
        };
        let mut names: Vec<String> = Vec::new();
        for (index, entry) in listed.into_iter().enumerate() {
            let more = match entry {
                RawName::Name(name) => vec![name],
                RawName::Set(name) => self.set(&name, || {
                    places.value(DocPath::from(path).then(index).then("set"))
                }),
            };
            for name in more {
                if !names.contains(&name) {
                    names.push(name);
                }
            }
        }
        names
    }

    /// The names of a built-in set.
    fn set(&mut self, name: &str, place: impl Fn() -> Place) -> Vec<String> {
        let Some(set) = sets::find(name) else {
            self.sink.push(
                Diagnostic::new(
                    Code::ReferenceSet,
                    format!("there is no built-in set {}", quote(name)),
                )
                .at(place())
                .maybe_help(suggest(
                    name,
                    sets::ALL.iter().map(|set| set.name),
                    "the sets are",
                )),
            );
            return Vec::new();
        };
        set.names().map(str::to_owned).collect()
    }

    /// Reads a pattern, and reports what is wrong with it.
    fn pattern(
        &mut self,
        text: &str,
        place: impl Fn(Option<Range<usize>>) -> Place,
    ) -> Option<Pattern> {
        let (code, message, span, help) = match Pattern::read(text) {
            Ok(pattern) => return Some(pattern),
            Err(PatternError::Invalid(fault)) => (
                Code::PatternInvalid,
                format!(
                    "{} is not a regular expression: {}",
                    quote(text),
                    fault.message
                ),
                Some(fault.span).filter(|span| !span.is_empty()),
                fault.help,
            ),
            Err(PatternError::NotPortable(fault)) => (
                Code::PatternNotPortable,
                fault.message,
                Some(fault.span),
                fault.help,
            ),
            Err(PatternError::TooLarge) => (
                Code::PatternInvalid,
                format!("the regular expression {} is too large", quote(text)),
                None,
                Some("use smaller counts, or list the names".to_owned()),
            ),
            Err(PatternError::Empty) => (
                Code::PatternEmpty,
                format!("the pattern {} matches the empty text", quote(text)),
                None,
                Some(
                    "write `+` instead of `*`, or add a character that must be present".to_owned(),
                ),
            ),
        };
        self.sink.push(
            Diagnostic::new(code, message)
                .at(place(span))
                .maybe_help(help),
        );
        None
    }

    fn date(&mut self, text: &str, places: &Places, path: &str) -> Option<Date> {
        let date = parse_date(text);
        if date.is_none() {
            self.sink.push(
                Diagnostic::new(
                    Code::DateImpossible,
                    format!("{} is not a date", quote(text)),
                )
                .at(places.value(path))
                .help("write an existing day as in `2027-06-30`"),
            );
        }
        date
    }

    fn selection(&mut self, raw: RawSelection, places: &Places, kind: ReferenceKind) -> Selection {
        let path = match kind {
            ReferenceKind::Environment => "environments",
            ReferenceKind::Exclusion => "exclusions",
        };
        match raw {
            RawSelection::All => Selection::All,
            RawSelection::Only(names) => {
                self.references.push(Reference {
                    names: names.clone(),
                    places: places.clone(),
                    path,
                    kind,
                });
                Selection::Only(names)
            }
        }
    }

    pub(super) fn finish(mut self) -> Policy {
        // One name that does not exist is one fault, wherever it stands.
        let mut unknown: BTreeMap<String, Vec<Place>> = BTreeMap::new();
        for reference in std::mem::take(&mut self.references) {
            for (index, name) in reference.names.iter().enumerate() {
                let place = reference.places.item(reference.path, index);
                match reference.kind {
                    ReferenceKind::Environment => {
                        unknown.entry(name.clone()).or_default().push(place);
                    }
                    ReferenceKind::Exclusion => {
                        if !self.exclusion_ids.contains(name) && !self.incomplete.rules {
                            let ids = self.exclusion_ids.iter().map(String::as_str);
                            self.sink.push(
                                Diagnostic::new(
                                    Code::ReferenceExclusion,
                                    format!("there is no exclusion {}", quote(name)),
                                )
                                .at(place)
                                .maybe_help(suggest(
                                    name,
                                    ids,
                                    "the exclusions are",
                                )),
                            );
                        }
                    }
                }
            }
        }
        for (name, places) in unknown {
            self.environment_reference(&name, &places);
        }
        self.policy
    }

    fn environment_reference(&mut self, name: &str, places: &[Place]) {
        let Some((place, others)) = places.split_first() else {
            return;
        };
        let place = place.clone();
        let mut diagnostic = match self.names.get(name) {
            Some(false) => return,
            Some(true) => Diagnostic::new(
                Code::ReferenceEnvironment,
                format!("{} is a base, which is not deployed", quote(name)),
            )
            .at(place)
            .help("name the environments that extend it"),
            None if name == "all" => {
                Diagnostic::new(Code::ReferenceEnvironment, "`all` is not an environment")
                    .at(place)
                    .help("write `environments: all` without the list")
            }
            None if has_wildcard(name) => Diagnostic::new(
                Code::ReferenceEnvironment,
                format!(
                    "there is no environment {}: names have no wildcards",
                    quote(name)
                ),
            )
            .at(place)
            .help("name each environment, or write `environments: all`"),
            None => {
                let names = self
                    .names
                    .iter()
                    .filter(|(_, is_base)| !**is_base)
                    .map(|(name, _)| name.as_str());
                let help = suggest(name, names, "the environments are");
                Diagnostic::new(
                    Code::ReferenceEnvironment,
                    format!("there is no environment {}", quote(name)),
                )
                .at(place)
                .help(help.unwrap_or_else(|| format!("add `environments/{name}.yaml`")))
            }
        };
        for other in others.iter().take(SHOWN) {
            diagnostic = diagnostic.context(other.clone(), "and here");
        }
        if others.len() > SHOWN {
            let more = count(others.len() - SHOWN, "place");
            diagnostic = diagnostic.help(format!("the same name is in {more} more"));
        }
        self.sink.push(diagnostic);
    }
}

/// Places of one fault that are shown beside the first.
const SHOWN: usize = 3;

fn has_invalid(node: &Node) -> bool {
    match &node.kind {
        Kind::Invalid => true,
        Kind::Scalar(_) => false,
        Kind::Sequence(items) => items.iter().any(has_invalid),
        Kind::Mapping(entries) => entries.iter().any(|entry| has_invalid(&entry.value)),
    }
}

/// Drops samples that lost a part.
fn prune(samples: &mut Node) {
    let Kind::Mapping(entries) = &mut samples.kind else {
        return;
    };
    for entry in entries {
        let Kind::Sequence(items) = &mut entry.value.kind else {
            continue;
        };
        items.retain(|item| !has_invalid(item));
    }
}

fn list(raw: Option<OneOrMany<String>>) -> Option<Vec<String>> {
    raw.map(|OneOrMany(items)| items)
}

fn limits(raw: &RawLimits) -> Limits {
    let defaults = Limits::default();
    Limits {
        max_life_days: raw.max_life_days.unwrap_or(defaults.max_life_days),
        max_accepted_days: raw.max_accepted_days.unwrap_or(defaults.max_accepted_days),
        max_silenced_share: raw.max_silenced_share,
        max_exclusion_share: raw.max_exclusion_share,
        approvals: raw.approvals.unwrap_or(defaults.approvals),
        approvals_when_widened: raw
            .approvals_when_widened
            .unwrap_or(defaults.approvals_when_widened),
        max_grant_hours: raw.max_grant_hours.unwrap_or(defaults.max_grant_hours),
    }
}

fn protected(raw: RawProtected, place: Place) -> Records {
    Records {
        user: list(raw.user),
        database: list(raw.database),
        class: list(raw.class),
        command: list(raw.command),
        schema: list(raw.schema),
        relation: list(raw.relation),
        reason: raw.reason,
        owner: raw.owner,
        place,
    }
}

fn severity(raw: RawSeverity) -> Severity {
    match raw {
        RawSeverity::Low => Severity::Low,
        RawSeverity::Medium => Severity::Medium,
        RawSeverity::High => Severity::High,
        RawSeverity::Critical => Severity::Critical,
    }
}

fn signal(raw: RawSignalName) -> Signal {
    match raw {
        RawSignalName::Dml => Signal::Dml,
        RawSignalName::Privilege => Signal::Privilege,
        RawSignalName::Schema => Signal::Schema,
        RawSignalName::AuditTampering => Signal::AuditTampering,
        RawSignalName::Denied => Signal::Denied,
    }
}

fn sensitivity(raw: RawSensitivity, place: Place) -> Sensitivity {
    Sensitivity {
        severity: severity(raw.severity),
        signals: raw
            .signal
            .map(|OneOrMany(signals)| signals.into_iter().map(signal).collect()),
        records: Records {
            user: list(raw.user),
            database: list(raw.database),
            class: list(raw.class),
            command: list(raw.command),
            schema: list(raw.schema),
            relation: list(raw.relation),
            reason: raw.reason,
            owner: raw.owner,
            place,
        },
    }
}

fn sample(raw: RawSample, place: Place) -> Sample {
    let object_type = raw
        .object_type
        .filter(|name| name != "none")
        .unwrap_or_default();
    Sample {
        user: raw.user,
        database: raw.database,
        client: raw.client,
        class: raw.class,
        command: raw.command,
        object_type,
        object: raw.object.unwrap_or_default(),
        statement: raw.statement,
        place,
    }
}

fn audit_settings(raw: Option<RawAudit>, defaults: &AuditSettings) -> AuditSettings {
    let raw = raw.unwrap_or_default();
    let log = raw.log.map_or_else(
        || defaults.log.clone(),
        |OneOrMany(classes)| {
            let mut classes: Vec<LogClass> = classes
                .into_iter()
                .map(|class| match class {
                    RawLogClass::All => LogClass::All,
                    RawLogClass::Read => LogClass::Read,
                    RawLogClass::Write => LogClass::Write,
                    RawLogClass::Function => LogClass::Function,
                    RawLogClass::Role => LogClass::Role,
                    RawLogClass::Ddl => LogClass::Ddl,
                    RawLogClass::Misc => LogClass::Misc,
                    RawLogClass::MiscSet => LogClass::MiscSet,
                })
                .collect();
            classes.sort_unstable();
            classes.dedup();
            if classes.contains(&LogClass::All) || classes.is_empty() {
                classes = vec![LogClass::All];
            }
            classes
        },
    );
    AuditSettings {
        log,
        log_relation: raw.log_relation.unwrap_or(defaults.log_relation),
        log_catalog: raw.log_catalog.unwrap_or(defaults.log_catalog),
        log_parameter: raw.log_parameter.unwrap_or(defaults.log_parameter),
        log_statement_once: raw
            .log_statement_once
            .unwrap_or(defaults.log_statement_once),
    }
}

/// Lower-case words joined by hyphens.
pub fn is_kebab(text: &str, longest: usize) -> bool {
    text.len() <= longest
        && text.split('-').all(|word| {
            !word.is_empty()
                && word
                    .bytes()
                    .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
        })
}

fn parse_date(text: &str) -> Option<Date> {
    let mut parts = text.split('-');
    let mut number = |digits: usize| {
        let part = parts.next()?;
        (part.len() == digits && part.bytes().all(|byte| byte.is_ascii_digit()))
            .then(|| part.parse::<i16>().ok())?
    };
    let (year, month, day) = (number(4)?, number(2)?, number(2)?);
    let date = Date::new(year, i8::try_from(month).ok()?, i8::try_from(day).ok()?).ok()?;
    parts.next().is_none().then_some(date)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_dates_strictly() {
        assert_eq!(
            parse_date("2028-02-29"),
            Some(jiff::civil::date(2028, 2, 29))
        );
        for wrong in [
            "2027-02-29",
            "2027-2-9",
            "20270209",
            "2027-13-01",
            "2027-01-01T00:00",
            "+027-01-01",
            "2027-01-01-01",
        ] {
            assert_eq!(parse_date(wrong), None, "{wrong}");
        }
    }
}
