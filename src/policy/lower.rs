//! Raw → model: reads dates, rates, sets and references, resolves `extends`, fills defaults in.
//!
//! What the model can hold and is still wrong is left to the checks.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use jiff::civil::Date;
use serde::de::DeserializeOwned;

use super::load::{Document, Incomplete};
use super::model::{
    Architecture, AuditSettings, Cluster, ClusterKind, Environment, Exclusion, LogClass, Match, Monitor, Notification,
    Policy, Provider, RoleMatch, Sample, Secret, Selection, ServiceAccount, Signal, SignalSettings, Statement, User,
};
use super::raw::{
    OneOrMany, RETENTION_DAYS, RawAccount, RawArchitecture, RawAudit, RawEnvironment, RawExclusion, RawLogClass, RawMatch,
    RawNames, RawProvider, RawSample, RawSecret, RawSelection, RawStatement, RawUser,
};
use super::sets;
use crate::audit_log::prefix::LogLinePrefix;
use crate::diagnostic::{Code, Diagnostic, Diagnostics, closest, quote, quote_all, suggest};
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
        Self { log: vec![LogClass::All], log_relation: true, log_catalog: true, log_parameter: false, log_statement_once: false }
    }
}

impl<'a> Lowering<'a> {
    pub(super) fn new(files: &'a mut SourceFiles, sink: &'a mut Diagnostics, incomplete: Incomplete) -> Self {
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
        self.audit_defaults(&documents);
        for document in documents {
            let Some(root) = &document.root else { continue };
            let entries = |key: &str| root.get(key).map(Node::items).unwrap_or_default().iter().enumerate();
            let is_whole = |key: &str, index: usize| {
                let path = DocPath::root().then(key).then(index);
                !document.incomplete.iter().any(|missing| missing.starts_with(&path))
            };
            for (index, node) in entries("users") {
                if let Some(raw) = self.entry::<RawUser>(node, is_whole("users", index)) {
                    self.user(raw, Places::new(node.clone()));
                }
            }
            for (key, is_system) in [("service_accounts", false), ("system_roles", true)] {
                for (index, node) in entries(key) {
                    // An account or exclusion that lost a part would silence more than was written.
                    if let Some(raw) = self.entry::<RawAccount>(node, is_whole(key, index) && !has_invalid(node)) {
                        self.account(raw, Places::new(node.clone()), is_system);
                    }
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
                for missing in document.incomplete.iter().filter(|missing| missing.starts_with(&path)) {
                    let below = missing.below(&path);
                    match node.at_mut(&below) {
                        Some(sample) if below.parts().first().is_some_and(|part| part == "samples") => sample.kind = Kind::Invalid,
                        _ => is_whole = false,
                    }
                }
                if let Some(samples) = node.at_mut(&DocPath::from("samples")) {
                    prune(samples);
                }
                let is_sound = node.entries().iter().all(|entry| entry.key == "samples" || !has_invalid(&entry.value));
                if let Some(raw) = self.entry::<RawExclusion>(&node, is_whole && is_sound) {
                    self.exclusion(raw, &node);
                }
            }
        }
    }

    fn audit_defaults(&mut self, documents: &[Document]) {
        let mut first: Option<Place> = None;
        for document in documents {
            let Some(root) = &document.root else { continue };
            let Some(node) = root.get("audit") else { continue };
            let place = root.locate(&DocPath::from("audit"), Part::Key);
            if let Some(first) = &first {
                self.sink.push(
                    Diagnostic::new(Code::UserTwoDefaults, "default audit settings are given for the second time")
                        .label(place, "given again")
                        .context(first.clone(), "given here")
                        .help("keep one of the two"),
                );
                continue;
            }
            first = Some(place);
            if let Some(raw) = self.entry::<RawAudit>(node, true) {
                self.audit = audit_settings(Some(raw), &AuditSettings::default());
            }
        }
    }

    /// An entry as its raw type; nothing, without a word, if what is wrong with it was reported.
    fn entry<T: DeserializeOwned>(&mut self, node: &Node, is_whole: bool) -> Option<T> {
        if !is_whole || matches!(node.kind, Kind::Invalid) {
            return None;
        }
        match serde_path_to_error::deserialize(node.to_json(InvalidAs::Absent)) {
            Ok(raw) => Some(raw),
            Err(_) if has_invalid(node) => None,
            Err(error) => {
                // The schema lets nothing through that the types refuse: its tests say so.
                let pointer: String = error.path().to_string().split(['.', '[']).map(|part| format!("/{}", part.trim_end_matches(']'))).collect();
                self.sink.push(
                    Diagnostic::new(Code::SchemaValue, "this does not have the form it must have")
                        .at(node.locate(&DocPath::from_pointer(&pointer), Part::Value)),
                );
                None
            }
        }
    }

    fn user(&mut self, raw: RawUser, places: Places) {
        let until = raw.until.and_then(|text| self.date(&text, &places, "until"));
        let environments = self.selection(raw.environments, &places, ReferenceKind::Environment);
        self.policy.users.push(User {
            role: raw.role,
            owner: raw.owner,
            team: raw.team,
            environments,
            until,
            audit: audit_settings(raw.audit, &self.audit),
            place: places.value("role"),
            places,
        });
    }

    fn account(&mut self, raw: RawAccount, places: Places, system: bool) {
        let (role, key) = match (raw.role, raw.pattern) {
            (Some(name), None) => (RoleMatch::Name(name), "role"),
            (None, Some(pattern)) => (RoleMatch::Pattern(pattern), "pattern"),
            (role, _) => {
                let message = if role.is_some() { "an entry cannot have both `role` and `pattern`" } else { "an entry needs `role` or `pattern`" };
                let place = if role.is_some() { places.key("pattern") } else { places.value("") };
                self.sink.push(Diagnostic::new(Code::AccountRole, message).at(place).help("write one of `role` and `pattern`"));
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
        let environments = self.selection(raw.environments, &places, ReferenceKind::Environment);
        let matcher = self.matcher(raw.matcher, &places);
        let samples = raw.samples.unwrap_or_default();
        let lower = |raws: Option<Vec<RawSample>>, key: &str| -> Vec<Sample> {
            let path = DocPath::from("samples").then(key);
            let places = node.at(&path).map(Node::items).unwrap_or_default().iter().map(Node::head);
            raws.unwrap_or_default().into_iter().zip(places).map(|(raw, place)| sample(raw, place)).collect()
        };
        let (silences, stays_loud) = (lower(samples.silences, "silences"), lower(samples.stays_loud, "stays_loud"));
        // An exclusion without a readable date would live longer than was written.
        let Some(created) = created else { return };
        let expires = match expires {
            Some(None) => return,
            Some(Some(date)) => Some(date),
            None => None,
        };
        self.policy.exclusions.push(Exclusion {
            id: raw.id,
            title: raw.title,
            reason: raw.reason,
            owner: raw.owner,
            ticket: raw.ticket,
            created,
            expires,
            environments,
            matcher,
            silences,
            stays_loud,
            place: places.value("id"),
            match_place: places.key("match"),
            places,
        });
    }

    fn matcher(&mut self, raw: RawMatch, places: &Places) -> Match {
        let relation = raw.relation.map(|names| self.names(names, places, "match/relation"));
        let statement = raw.statement.map(|raw| self.statement(raw, places));
        Match {
            user: list(raw.user),
            database: list(raw.database),
            client: list(raw.client),
            class: list(raw.class),
            command: list(raw.command),
            object_type: list(raw.object_type).map(|types| {
                types.into_iter().map(|name| if name == "none" { String::new() } else { name }).collect()
            }),
            schema: list(raw.schema),
            relation,
            statement,
        }
    }

    fn statement(&mut self, raw: RawStatement, places: &Places) -> Statement {
        let only_calls = raw.only_calls.map(|names| self.names(names, places, "match/statement/only_calls"));
        Statement {
            equals: list(raw.equals),
            matches: list(raw.matches),
            starts_with: list(raw.starts_with),
            only_calls,
            lacks: list(raw.lacks),
            contains: list(raw.contains),
        }
    }

    /// The names; of an unknown set none, which match nothing.
    fn names(&mut self, raw: RawNames, places: &Places, path: &str) -> Vec<String> {
        match raw {
            RawNames::Listed(names) => names,
            RawNames::Set(name) => {
                let Some(set) = sets::find(&name) else {
                    self.sink.push(
                        Diagnostic::new(Code::ReferenceSet, format!("there is no built-in set {}", quote(&name)))
                            .at(places.value(DocPath::from(path).then("set")))
                            .maybe_help(suggest(&name, sets::ALL.iter().map(|set| set.name), "the sets are")),
                    );
                    return Vec::new();
                };
                set.names().map(str::to_owned).collect()
            }
        }
    }

    fn date(&mut self, text: &str, places: &Places, path: &str) -> Option<Date> {
        let date = parse_date(text);
        if date.is_none() {
            self.sink.push(
                Diagnostic::new(Code::DateImpossible, format!("{} is not a date", quote(text)))
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
                self.references.push(Reference { names: names.clone(), places: places.clone(), path, kind });
                Selection::Only(names)
            }
        }
    }

    pub(super) fn environments(&mut self, documents: Vec<Document>) {
        let mut known: BTreeMap<String, Document> = BTreeMap::new();
        for document in documents {
            let is_base = document.root.as_ref().and_then(|root| root.get("base")).is_some_and(|node| node.to_json(InvalidAs::Null) == true);
            let start = Place::new(document.file, 0..0);
            let head = document.root.as_ref().map_or(start, Node::head);
            if !is_kebab(&document.name, 32) {
                self.sink.push(
                    Diagnostic::new(Code::EnvironmentName, format!("{} is no name for an environment", quote(&document.name)))
                        .at(head.clone())
                        .help("rename the file: lower-case words joined by hyphens, at most 32 characters"),
                );
            }
            self.names.insert(document.name.clone(), is_base);
            if let Some(twin) = known.get(&document.name) {
                self.sink.push(
                    Diagnostic::new(
                        Code::EnvironmentDuplicate,
                        format!("the environment {} has a second file, {}", quote(&document.name), quote(self.files.path(twin.file))),
                    )
                    .at(head)
                    .help("delete one of the two"),
                );
                continue;
            }
            known.insert(document.name.clone(), document);
        }
        for (name, document) in &known {
            let Some(root) = &document.root else { continue };
            let Some(merged) = self.resolve(name, root, &known) else { continue };
            if self.names.get(name) == Some(&false) && document.incomplete.is_empty() {
                self.environment(name, root, merged);
            }
        }
    }

    /// The document on top of its bases; nothing if one of them cannot be had.
    fn resolve(&mut self, name: &str, root: &Node, known: &BTreeMap<String, Document>) -> Option<Node> {
        let mut chain = vec![root];
        let mut seen = vec![name.to_owned()];
        while let Some(current) = chain.last() {
            let Some(extends) = current.get("extends") else { break };
            let base = extends.as_text()?;
            let Some(document) = known.get(base) else {
                // Each file answers for its own `extends`.
                if chain.len() == 1 {
                    let others = known.keys().map(String::as_str).filter(|other| *other != name);
                    self.sink.push(
                        Diagnostic::new(Code::ReferenceBase, format!("there is no file `environments/{base}.yaml` to extend"))
                            .at(extends.place.clone())
                            .maybe_help(suggest(base, others, "the files are")),
                    );
                }
                return None;
            };
            if seen.iter().any(|earlier| earlier == base) {
                // Reported once: by the first of the circle.
                if base == name && seen.iter().min().map(String::as_str) == Some(name) {
                    seen.push(base.to_owned());
                    let place = root.get("extends").map_or_else(|| root.head(), |node| node.place.clone());
                    self.sink.push(
                        Diagnostic::new(Code::ReferenceCycle, format!("environments extend each other in a circle: {}", seen.join(" → ")))
                            .at(place)
                            .help("cut the circle"),
                    );
                }
                return None;
            }
            seen.push(base.to_owned());
            chain.push(document.root.as_ref()?);
        }
        let mut merged: Option<Node> = None;
        for (position, node) in chain.iter().enumerate().rev() {
            let mut node = (*node).clone();
            if let (Kind::Mapping(entries), true) = (&mut node.kind, position > 0) {
                entries.retain(|entry| !matches!(entry.key.as_str(), "base" | "extends"));
            }
            merged = Some(match merged {
                Some(base) => node.over(base),
                None => node,
            });
        }
        merged
    }

    fn environment(&mut self, name: &str, own: &Node, merged: Node) {
        let Some(raw) = self.entry::<RawEnvironment>(&merged, true) else { return };
        let has_faulty = |key: &str| merged.get(key).is_some_and(|node| matches!(node.kind, Kind::Invalid));
        let places = Places::new(merged.clone());
        let mut is_usable = true;
        let mut missing = |key: &str, why: &str, example: &str| {
            is_usable = false;
            if !has_faulty(key) {
                self.sink.push(
                    Diagnostic::new(Code::EnvironmentMissing, format!("the environment {} lacks the key {}{why}", quote(name), quote(key)))
                        .at(own.head())
                        .help(format!("add it here or in a base, as in {}", quote(example))),
                );
            }
        };
        let provider = match raw.provider {
            Some(RawProvider::Aws) => Provider::Aws,
            Some(RawProvider::Local) => Provider::Local,
            None => {
                missing("provider", "", "provider: aws");
                Provider::Local
            }
        };
        if provider == Provider::Aws && raw.provider.is_some() {
            if raw.account.is_none() {
                missing("account", ", which AWS needs", "account: \"123456789012\"");
            }
            if raw.region.is_none() {
                missing("region", ", which AWS needs", "region: eu-central-1");
            }
        }
        let clusters = clusters(raw.clusters, raw.instances, &merged);
        let has_faulty_cluster = ["clusters", "instances"].iter().any(|key| merged.get(key).is_some_and(has_invalid));
        if clusters.is_empty() && !has_faulty_cluster {
            missing("clusters", ": there is nothing to watch", "clusters: [orders-prod]");
        }
        let unused: &[&str] = match (raw.provider, provider) {
            (None, _) => &[],
            (_, Provider::Aws) => &["folder"],
            (_, Provider::Local) => &["account", "region"],
        };
        for key in unused {
            if places.has(*key) {
                self.sink.push(
                    Diagnostic::new(Code::EnvironmentUnused, format!("the provider does not use {}", quote(key)))
                        .at(places.key(*key))
                        .help("delete it"),
                );
            }
        }
        let log_line_prefix = match raw.log_line_prefix {
            None => Some(LogLinePrefix::Short),
            Some(text) => {
                let prefix = text.parse::<LogLinePrefix>().ok();
                if prefix.is_none() {
                    let both = [LogLinePrefix::Short.as_str(), LogLinePrefix::Long.as_str()];
                    let closest = closest(&text, both).map(|closest| format!("did you mean {}?", quote(closest)));
                    self.sink.push(
                        Diagnostic::new(Code::EnvironmentPrefix, format!("the prefix {} is not supported", quote(&text)))
                            .at(places.value("log_line_prefix"))
                            .maybe_help(closest)
                            .help(format!("RDS offers {}", quote_all(both))),
                    );
                }
                prefix
            }
        };
        let exclusions = raw.exclusions.map_or(Selection::All, |raw| self.selection(raw.0, &places, ReferenceKind::Exclusion));
        let monitor = raw.monitor.unwrap_or_default();
        let window_minutes = match &monitor.schedule {
            None => Some(5),
            Some(text) => parse_rate(text).map_err(|help| {
                self.sink.push(
                    Diagnostic::new(Code::EnvironmentRate, format!("{} is not a rate", quote(text)))
                        .at(places.value("monitor/schedule"))
                        .help(help),
                );
            }).ok(),
        };
        let monitor = Monitor {
            window_minutes: window_minutes.unwrap_or(5),
            settle_seconds: monitor.settle_seconds.unwrap_or(120),
            late_arrival_minutes: monitor.late_arrival_minutes.unwrap_or(15),
            architecture: match monitor.architecture {
                Some(RawArchitecture::X86) => Architecture::X86_64,
                Some(RawArchitecture::Arm64) | None => Architecture::Arm64,
            },
            memory_mb: monitor.memory_mb.unwrap_or(128),
            timeout_seconds: monitor.timeout_seconds.unwrap_or(300),
            namespace: monitor.namespace.unwrap_or_else(|| "RDSAudit/UserActivity".to_owned()),
        };
        let signals = raw.signals.unwrap_or_default();
        let threshold = signals.dml.unwrap_or_default().threshold.unwrap_or(0);
        let raw_notifications = raw.notifications.unwrap_or_default();
        let mut notifications: Vec<Notification> = raw_notifications.email.unwrap_or_default().into_iter().map(Notification::Email).collect();
        let endpoints = merged.at(&DocPath::from("notifications/https")).map(Node::items).unwrap_or_default();
        let endpoints = endpoints.iter().filter(|node| !matches!(node.kind, Kind::Invalid));
        for (raw, node) in raw_notifications.https.unwrap_or_default().into_iter().zip(endpoints) {
            notifications.extend(self.secret(raw, node).map(Notification::Https));
        }
        let (Some(log_line_prefix), Some(_), true) = (log_line_prefix, window_minutes, is_usable) else { return };
        let is_aws = provider == Provider::Aws;
        self.policy.environments.push(Environment {
            name: name.to_owned(),
            title: raw.title,
            provider,
            account: raw.account.filter(|_| is_aws),
            region: raw.region.filter(|_| is_aws),
            folder: (!is_aws).then(|| PathBuf::from(raw.folder.unwrap_or_else(|| ".pgvigil/local".to_owned()))),
            clusters,
            log_line_prefix,
            exclusions,
            monitor,
            signals: vec![SignalSettings { signal: Signal::Dml, threshold }],
            notifications,
            retention_days: raw.retention_days.unwrap_or(365),
            monitor_retention_days: raw.monitor_retention_days.unwrap_or(365),
            tags: raw.tags.unwrap_or_default().into_iter().collect(),
            place: own.head(),
            places,
        });
    }

    fn secret(&mut self, raw: RawSecret, node: &Node) -> Option<Secret> {
        let fault = |place: Place, message: String, help: &str| {
            Diagnostic::new(Code::EnvironmentSecretReference, message).at(place).help(help)
        };
        let value = |key: &str| node.get(key).map_or_else(|| node.head(), |value| value.place.clone());
        let problem = match (raw.from_env, raw.from_secret) {
            (Some(name), None) => {
                let mut bytes = name.bytes();
                let is_name = bytes.next().is_some_and(|first| first.is_ascii_alphabetic() || first == b'_')
                    && bytes.all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
                if is_name {
                    return Some(Secret::FromEnv(name));
                }
                fault(
                    value("from_env"),
                    format!("{} is no name of an environment variable", quote(&name)),
                    "write letters, digits and `_`, as in `INCIDENT_URL`",
                )
            }
            (None, Some(name)) => {
                let is_name = (1..=2048).contains(&name.len())
                    && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"/_+=.@!:-".contains(&byte));
                if is_name {
                    return Some(Secret::FromSecret(name));
                }
                fault(
                    value("from_secret"),
                    format!("{} is no name of a secret", quote(&name)),
                    "write letters, digits and `/_+=.@!-`, or the secret's ARN",
                )
            }
            (Some(_), Some(_)) => {
                fault(node.head(), "a reference cannot have both `from_env` and `from_secret`".to_owned(), "keep one of the two")
            }
            (None, None) if has_invalid(node) => return None,
            (None, None) => fault(
                node.head(),
                "a reference needs `from_env` or `from_secret`".to_owned(),
                "write `{from_env: NAME}` or `{from_secret: NAME}`",
            ),
        };
        self.sink.push(problem);
        None
    }

    pub(super) fn finish(mut self) -> Policy {
        for reference in std::mem::take(&mut self.references) {
            for (index, name) in reference.names.iter().enumerate() {
                let place = reference.places.item(reference.path, index);
                match reference.kind {
                    ReferenceKind::Environment => self.environment_reference(name, place),
                    ReferenceKind::Exclusion => {
                        if !self.exclusion_ids.contains(name) && !self.incomplete.rules {
                            let ids = self.exclusion_ids.iter().map(String::as_str);
                            self.sink.push(
                                Diagnostic::new(Code::ReferenceExclusion, format!("there is no exclusion {}", quote(name)))
                                    .at(place)
                                    .maybe_help(suggest(name, ids, "the exclusions are")),
                            );
                        }
                    }
                }
            }
        }
        self.policy
    }

    fn environment_reference(&mut self, name: &str, place: Place) {
        let diagnostic = match self.names.get(name) {
            Some(false) => return,
            Some(true) => Diagnostic::new(Code::ReferenceEnvironment, format!("{} is a base and not deployed", quote(name)))
                .at(place)
                .help("name the environments that extend it"),
            None if name == "all" => Diagnostic::new(Code::ReferenceEnvironment, "`all` is no environment")
                .at(place)
                .help("write `environments: all` without the list"),
            None => {
                let names = self.names.iter().filter(|(_, is_base)| !**is_base).map(|(name, _)| name.as_str());
                let help = suggest(name, names, "the environments are");
                Diagnostic::new(Code::ReferenceEnvironment, format!("there is no environment {}", quote(name)))
                    .at(place)
                    .help(help.unwrap_or_else(|| format!("add `environments/{name}.yaml`")))
            }
        };
        self.sink.push(diagnostic);
    }
}

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
    let Kind::Mapping(entries) = &mut samples.kind else { return };
    for entry in entries {
        let Kind::Sequence(items) = &mut entry.value.kind else { continue };
        items.retain(|item| !has_invalid(item));
    }
}

fn list(raw: Option<OneOrMany<String>>) -> Option<Vec<String>> {
    raw.map(|OneOrMany(items)| items)
}

fn sample(raw: RawSample, place: Place) -> Sample {
    let object_type = raw.object_type.filter(|name| name != "none").unwrap_or_default();
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
        log_statement_once: raw.log_statement_once.unwrap_or(defaults.log_statement_once),
    }
}

fn clusters(aurora: Option<Vec<String>>, instances: Option<Vec<String>>, merged: &Node) -> Vec<Cluster> {
    let lower = |names: Option<Vec<String>>, key: &str, kind: ClusterKind| {
        let nodes: Vec<&Node> =
            merged.get(key).map(Node::items).unwrap_or_default().iter().filter(|node| !matches!(node.kind, Kind::Invalid)).collect();
        let named = names.unwrap_or_default().into_iter().zip(nodes);
        named.map(|(name, node)| Cluster { name, kind, place: node.place.clone() }).collect::<Vec<_>>()
    };
    let mut all = lower(aurora, "clusters", ClusterKind::Aurora);
    all.extend(lower(instances, "instances", ClusterKind::Instance));
    all
}

/// Lower-case words joined by hyphens.
pub(crate) fn is_kebab(text: &str, longest: usize) -> bool {
    text.len() <= longest
        && text.split('-').all(|word| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit()))
}

fn parse_date(text: &str) -> Option<Date> {
    let mut parts = text.split('-');
    let mut number = |digits: usize| {
        let part = parts.next()?;
        (part.len() == digits && part.bytes().all(|byte| byte.is_ascii_digit())).then(|| part.parse::<i16>().ok())?
    };
    let (year, month, day) = (number(4)?, number(2)?, number(2)?);
    let date = Date::new(year, i8::try_from(month).ok()?, i8::try_from(day).ok()?).ok()?;
    parts.next().is_none().then_some(date)
}

/// Minutes of a rate, or what to write instead.
fn parse_rate(text: &str) -> Result<u32, String> {
    const LONGEST: u32 = 1440;
    let form = || "write it as in `rate(1 minute)`, `rate(5 minutes)` or `rate(2 hours)`".to_owned();
    let inside = text.strip_prefix("rate(").and_then(|rest| rest.strip_suffix(')')).ok_or_else(form)?;
    let (number, unit) = inside.split_once(' ').ok_or_else(form)?;
    if number.is_empty() || number.len() > 6 || !number.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(form());
    }
    let number: u32 = number.parse().map_err(|_| form())?;
    let (singular, minutes) = match unit {
        "minute" | "minutes" => ("minute", number),
        "hour" | "hours" => ("hour", number * 60),
        _ => return Err(form()),
    };
    if minutes == 0 || minutes > LONGEST {
        return Err("write a rate from `rate(1 minute)` to `rate(24 hours)`".to_owned());
    }
    let right = if number == 1 { singular.to_owned() } else { format!("{singular}s") };
    if unit == right { Ok(minutes) } else { Err(format!("write {}: AWS wants it so", quote(&format!("rate({number} {right})")))) }
}

/// What is said of a retention that CloudWatch does not offer.
pub(super) fn retention_fault(written: &str, subject: &str, place: Place) -> Diagnostic {
    let nearest = written.parse::<i64>().ok().and_then(|days| {
        RETENTION_DAYS.into_iter().min_by_key(|offered| (i64::from(*offered).abs_diff(days), std::cmp::Reverse(*offered)))
    });
    let all: Vec<String> = RETENTION_DAYS.iter().map(ToString::to_string).collect();
    Diagnostic::new(Code::EnvironmentRetention, format!("{subject} cannot be {}: CloudWatch Logs does not offer it", quote(written)))
        .at(place)
        .maybe_help(nearest.map(|days| format!("the nearest is `{days}`")))
        .help(format!("it offers {}", all.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_rates_as_aws_does() {
        assert_eq!(parse_rate("rate(1 minute)"), Ok(1));
        assert_eq!(parse_rate("rate(5 minutes)"), Ok(5));
        assert_eq!(parse_rate("rate(24 hours)"), Ok(1440));
        for wrong in ["rate(1 minutes)", "rate(5 minute)", "rate(0 minutes)", "rate(25 hours)", "rate(5 days)", "rate( 5 minutes)", "cron(* * * * ? *)", "rate(-5 minutes)", "5 minutes", "rate(99999999 minutes)"] {
            assert!(parse_rate(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn reads_dates_strictly() {
        assert_eq!(parse_date("2028-02-29"), Some(jiff::civil::date(2028, 2, 29)));
        for wrong in ["2027-02-29", "2027-2-9", "20270209", "2027-13-01", "2027-01-01T00:00", "+027-01-01", "2027-01-01-01"] {
            assert_eq!(parse_date(wrong), None, "{wrong}");
        }
    }
}
