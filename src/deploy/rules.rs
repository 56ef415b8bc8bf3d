//! A change of rules as rules: which exclusions come, go and change, and who is no longer audited. Layers and variables show
//! no more than a digest.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::diff::Change;
use super::document::{Document, Kind, canonical};
use super::port::{CloudError, Reader, Reading};
use crate::compile::resources::policy_layer;
use crate::judge::Rules;
use crate::policy::model::RoleMatch;

/// How the rules of functions that judge by the same rules change.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RulesChange {
    /// Addresses of the functions.
    pub functions: Vec<String>,
    /// Address of the layer.
    pub layer: String,
    /// Digest of the rules that the files declare.
    pub declared: String,
    /// What they judge by now.
    pub live: LiveRules,
}

/// What functions judge by now.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum LiveRules {
    /// No layer with rules is attached.
    Absent,
    /// Rules that were read.
    Read {
        /// Their digest.
        digest: String,
        /// What differs. Nothing where the same rules stand in another form or order.
        differences: Vec<Difference>,
    },
    /// Rules that could not be read: only the layer's digest says that they are others.
    Unread {
        /// Why.
        reason: String,
    },
}

/// One thing that differs between two sets of rules.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Difference {
    /// What it is.
    pub what: What,
    /// Its name: an id, a role, a signal, a prefix.
    pub name: String,
    /// What became of it.
    pub became: Became,
    /// Of an exclusion or a grant, field by field. Of a list, the elements that go and those that come.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub changes: Vec<Change>,
}

/// What rules are made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum What {
    /// `log_line_prefix`.
    LogLinePrefix,
    /// A signal.
    Signal,
    /// A service account, which is not audited.
    ServiceAccount,
    /// A role on whose records no exclusion has an effect.
    ProtectedUser,
    /// An exclusion.
    Exclusion,
    /// An access grant.
    Grant,
    /// Records that no grant covers.
    NeverExpected,
    /// How much records matter.
    Sensitivity,
    /// People whom the policy names: messages say who they are.
    People,
}

impl What {
    /// The words for it.
    pub fn name(self) -> &'static str {
        match self {
            Self::LogLinePrefix => "log_line_prefix",
            Self::Signal => "signal",
            Self::ServiceAccount => "service account",
            Self::ProtectedUser => "protected user",
            Self::Exclusion => "exclusion",
            Self::Grant => "access grant",
            Self::NeverExpected => "never expected",
            Self::Sensitivity => "sensitivity",
            Self::People => "people",
        }
    }
}

/// What became of one thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Became {
    /// It is new.
    Added,
    /// It is gone.
    Removed,
    /// It is another.
    Changed,
}

impl Became {
    /// The sign in reports.
    pub fn sign(self) -> char {
        match self {
            Self::Added => '+',
            Self::Removed => '-',
            Self::Changed => '~',
        }
    }

    fn reversed(self) -> Self {
        match self {
            Self::Added => Self::Removed,
            Self::Removed => Self::Added,
            Self::Changed => Self::Changed,
        }
    }
}

impl RulesChange {
    /// The change that somebody else made, from what the files declare to what is live, if one of these addresses is among
    /// those that it is about.
    pub(super) fn of_drifted(&self, drifted: &BTreeSet<&str>) -> Option<Self> {
        let is_layer = drifted.contains(self.layer.as_str());
        let functions: Vec<String> = self
            .functions
            .iter()
            .filter(|address| is_layer || drifted.contains(address.as_str()))
            .cloned()
            .collect();
        let live = match &self.live {
            LiveRules::Read {
                digest,
                differences,
            } => LiveRules::Read {
                digest: digest.clone(),
                differences: differences.iter().map(Difference::reversed).collect(),
            },
            other => other.clone(),
        };
        (!functions.is_empty()).then(|| Self {
            functions,
            live,
            ..self.clone()
        })
    }
}

impl Difference {
    fn reversed(&self) -> Self {
        let back = |change: &Change| Change {
            before: change.after.clone(),
            after: change.before.clone(),
            ..change.clone()
        };
        Self {
            became: self.became.reversed(),
            changes: self.changes.iter().map(back).collect(),
            ..self.clone()
        }
    }
}

/// How the rules of each function that is live change. Functions that judge by the same rules are told of once, and their
/// rules are read once.
pub(super) fn changes(
    documents: &[&Document],
    readings: &[Result<Reading, CloudError>],
    reader: &dyn Reader,
) -> Vec<RulesChange> {
    let all = || documents.iter().copied().zip(readings);
    let Some((layer, reading)) = all().find(|(document, _)| document.kind == Kind::PolicyLayer)
    else {
        return Vec::new();
    };
    // A document that was compiled holds rules.
    let Ok(declared) = policy_layer::rules(&layer.properties) else {
        return Vec::new();
    };
    let differs = |document: &Document, reading: &Result<Reading, CloudError>, field: &str| {
        matches!(reading, Ok(Reading::Present(live))
            if live.properties.get(field) != document.properties.get(field))
    };
    // In a folder a layer has no versions: whoever edits it changes what is attached.
    let was_edited = differs(layer, reading, "code_sha256");
    let mut alike: BTreeMap<String, Vec<&Document>> = BTreeMap::new();
    for (function, reading) in all() {
        let (Kind::LambdaFunction, Ok(Reading::Present(live))) = (function.kind, reading) else {
            continue;
        };
        if was_edited || differs(function, reading, "layers") {
            let layers = live.properties.get("layers").map(canonical);
            alike
                .entry(layers.unwrap_or_default())
                .or_default()
                .push(function);
        }
    }
    alike
        .into_values()
        .filter_map(|functions| {
            let live = reader.rules(functions.first()?);
            Some(RulesChange {
                functions: functions
                    .iter()
                    .map(|function| function.address.clone())
                    .collect(),
                layer: layer.address.clone(),
                declared: declared.digest(),
                live: against(&declared, live),
            })
        })
        .collect()
}

fn against(declared: &Rules, live: Result<Option<Vec<u8>>, CloudError>) -> LiveRules {
    match live {
        Ok(None) => LiveRules::Absent,
        Err(error) => LiveRules::Unread {
            reason: error.to_string(),
        },
        Ok(Some(bytes)) => match Rules::from_bytes(&bytes) {
            Ok(live) => LiveRules::Read {
                digest: live.digest(),
                differences: differences(&live, declared),
            },
            Err(error) => LiveRules::Unread {
                reason: error.to_string(),
            },
        },
    }
}

/// What differs between two sets of rules.
pub fn differences(before: &Rules, after: &Rules) -> Vec<Difference> {
    let mut all = Vec::new();
    if before.prefix != after.prefix {
        all.push(Difference {
            what: What::LogLinePrefix,
            name: after.prefix.as_str().to_owned(),
            became: Became::Changed,
            changes: vec![Change {
                path: What::LogLinePrefix.name().to_owned(),
                before: Some(before.prefix.as_str().into()),
                after: Some(after.prefix.as_str().into()),
                lines: Vec::new(),
            }],
        });
    }
    let signals = |rules: &Rules| {
        let signals = rules.signals.iter();
        signals.map(|signal| signal.name().to_owned()).collect()
    };
    names(What::Signal, &signals(before), &signals(after), &mut all);
    let accounts = |rules: &Rules| rules.accounts.iter().map(account).collect();
    names(
        What::ServiceAccount,
        &accounts(before),
        &accounts(after),
        &mut all,
    );
    let protected = |rules: &Rules| rules.protected_users.iter().cloned().collect();
    names(
        What::ProtectedUser,
        &protected(before),
        &protected(after),
        &mut all,
    );
    let exclusions = |rules: &Rules| {
        let rules = rules.exclusions.iter();
        rules.map(|rule| (rule.id.clone(), fields(rule))).collect()
    };
    named(
        What::Exclusion,
        &exclusions(before),
        &exclusions(after),
        &mut all,
    );
    let grants = |rules: &Rules| {
        let grants = rules.grants.iter();
        grants.map(|one| (one.id.clone(), fields(one))).collect()
    };
    named(What::Grant, &grants(before), &grants(after), &mut all);
    never_expected(before, after, &mut all);
    sensitivity(before, after, &mut all);
    people(before, after, &mut all);
    all
}

/// Records that no grant covers.
fn never_expected(before: &Rules, after: &Rules, all: &mut Vec<Difference>) {
    let never = |rules: &Rules| {
        let entries = rules.never_expected.iter();
        entries
            .map(|entry| serde_json::to_string(entry).unwrap_or_default())
            .collect()
    };
    names(What::NeverExpected, &never(before), &never(after), all);
}

fn sensitivity(before: &Rules, after: &Rules, all: &mut Vec<Difference>) {
    let entries = |rules: &Rules| {
        let entries = rules.sensitivity.iter();
        entries
            .map(|entry| serde_json::to_string(entry).unwrap_or_default())
            .collect()
    };
    names(What::Sensitivity, &entries(before), &entries(after), all);
}

/// One difference for all of them: they decide no verdict, and an environment may have thousands.
fn people(before: &Rules, after: &Rules, all: &mut Vec<Difference>) {
    let entries = |rules: &Rules| -> Vec<Value> {
        let people = rules.people.iter();
        people
            .map(|person| format!("{}: {}", person.role, person.described()).into())
            .collect()
    };
    let (then, now) = (entries(before), entries(after));
    let (gone, new) = (without(&then, &now), without(&now, &then));
    if gone.is_some() || new.is_some() {
        all.push(Difference {
            what: What::People,
            name: format!("{} before, {} now", then.len(), now.len()),
            became: Became::Changed,
            changes: vec![Change {
                path: "people".to_owned(),
                before: gone,
                after: new,
                lines: Vec::new(),
            }],
        });
    }
}

fn account(role: &RoleMatch) -> String {
    match role {
        RoleMatch::Name(name) => name.clone(),
        RoleMatch::Pattern(pattern) => format!("/{}/", pattern.as_str()),
    }
}

fn names(
    what: What,
    before: &BTreeSet<String>,
    after: &BTreeSet<String>,
    all: &mut Vec<Difference>,
) {
    let mut tell = |names: &mut dyn Iterator<Item = &String>, became| {
        all.extend(names.map(|name| Difference {
            what,
            name: name.clone(),
            became,
            changes: Vec::new(),
        }));
    };
    tell(&mut after.difference(before), Became::Added);
    tell(&mut before.difference(after), Became::Removed);
}

/// What an entry says, by the path of each key.
type Fields = BTreeMap<String, Value>;

/// Entries by their ids.
fn named(
    what: What,
    before: &BTreeMap<String, Fields>,
    after: &BTreeMap<String, Fields>,
    all: &mut Vec<Difference>,
) {
    let ids: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    let none = BTreeMap::new();
    for id in ids {
        let (then, now) = (before.get(id), after.get(id));
        let became = match (then, now) {
            (None, _) => Became::Added,
            (_, None) => Became::Removed,
            _ => Became::Changed,
        };
        let changes = field_changes(then.unwrap_or(&none), now.unwrap_or(&none));
        // The order of a list decides nothing.
        if became == Became::Changed && changes.is_empty() {
            continue;
        }
        all.push(Difference {
            what,
            name: id.clone(),
            became,
            changes,
        });
    }
}

/// What an entry says, but for its id.
fn fields(entry: &impl Serialize) -> Fields {
    let mut all = Fields::new();
    flatten(
        "",
        serde_json::to_value(entry).unwrap_or_default(),
        &mut all,
    );
    all.remove("id");
    all
}

fn flatten(path: &str, value: Value, all: &mut Fields) {
    match value {
        Value::Object(map) => {
            for (key, value) in map {
                let path = match path {
                    "" => key,
                    outer => format!("{outer}.{key}"),
                };
                flatten(&path, value, all);
            }
        }
        value => {
            all.insert(path.to_owned(), value);
        }
    }
}

fn field_changes(before: &Fields, after: &Fields) -> Vec<Change> {
    let paths: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    let mut all = Vec::new();
    for path in paths {
        let (before, after) = match (before.get(path), after.get(path)) {
            (then, now) if then == now => continue,
            // Of a long list the few elements that differ say more than the whole.
            (Some(Value::Array(then)), Some(Value::Array(now))) => {
                (without(then, now), without(now, then))
            }
            (then, now) => (then.cloned(), now.cloned()),
        };
        if before.is_some() || after.is_some() {
            all.push(Change {
                path: path.clone(),
                before,
                after,
                lines: Vec::new(),
            });
        }
    }
    all
}

/// The elements of a list that another lacks; `None` where it lacks none.
fn without(list: &[Value], other: &[Value]) -> Option<Value> {
    let alone: Vec<Value> = list
        .iter()
        .filter(|element| !other.contains(element))
        .cloned()
        .collect();
    (!alone.is_empty()).then_some(Value::Array(alone))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::audit_log::prefix::LogLinePrefix;
    use crate::judge::Rule;
    use crate::policy::Pattern;
    use crate::policy::model::{Match, Signal};

    fn rule(id: &str, users: &[&str]) -> Rule {
        Rule {
            id: id.to_owned(),
            last_day: None,
            matcher: Match {
                user: Some(users.iter().map(|user| (*user).to_owned()).collect()),
                ..Match::default()
            },
        }
    }

    fn rules(exclusions: Vec<Rule>) -> Rules {
        Rules {
            exclusions,
            ..Rules::new(LogLinePrefix::Short)
        }
    }

    fn told(differences: &[Difference]) -> Vec<String> {
        let one = |difference: &Difference| {
            let (sign, what) = (difference.became.sign(), difference.what.name());
            format!("{sign} {what} {}", difference.name)
        };
        differences.iter().map(one).collect()
    }

    #[test]
    fn everything_that_decides_is_told() {
        let before = rules(vec![rule("a", &["x"]), rule("b", &["x", "y"])]);
        let mut after = rules(vec![rule("c", &["x"]), rule("b", &["y", "z"])]);
        after.prefix = LogLinePrefix::Long;
        after.signals = vec![Signal::Dml, Signal::Denied];
        after.accounts = vec![
            RoleMatch::Name("etl".to_owned()),
            RoleMatch::Pattern(Pattern::read("svc_[a-z]+").unwrap()),
        ];
        after.protected_users = vec!["alice".to_owned()];
        let found = differences(&before, &after);
        assert_eq!(
            told(&found),
            [
                format!("~ log_line_prefix {}", LogLinePrefix::Long.as_str()),
                "+ signal denied".to_owned(),
                "+ service account /svc_[a-z]+/".to_owned(),
                "+ service account etl".to_owned(),
                "+ protected user alice".to_owned(),
                "- exclusion a".to_owned(),
                "~ exclusion b".to_owned(),
                "+ exclusion c".to_owned(),
            ]
        );
        let changed = &found[6].changes;
        assert_eq!(changed.len(), 1);
        assert_eq!(changed[0].path, "match.user");
        assert_eq!(
            (&changed[0].before, &changed[0].after),
            (&Some(json!(["x"])), &Some(json!(["z"])))
        );
        // An exclusion that comes is shown with what it silences.
        assert_eq!(found[7].changes[0].after, Some(json!(["x"])));
        let back: Vec<Difference> = found.iter().map(Difference::reversed).collect();
        let mut expected = told(&differences(&after, &before));
        let mut reversed = told(&back);
        expected.sort();
        reversed.sort();
        // The name of a prefix is the one after.
        assert_eq!(expected.len(), reversed.len());
        assert_eq!(expected[..7], reversed[..7]);
    }

    #[test]
    fn the_same_rules_in_another_order_differ_in_nothing() {
        let before = rules(vec![rule("a", &["x"]), rule("b", &["x", "y"])]);
        let after = rules(vec![rule("b", &["y", "x"]), rule("a", &["x"])]);
        let found = differences(&before, &after);
        assert_eq!(found, []);
        assert_ne!(before.digest(), after.digest());
    }

    #[test]
    fn rules_of_another_version_are_not_guessed_at() {
        let declared = rules(Vec::new());
        let live = against(&declared, Ok(Some(b"{\"format\":2}".to_vec())));
        assert!(matches!(live, LiveRules::Unread { .. }), "{live:?}");
        assert_eq!(against(&declared, Ok(None)), LiveRules::Absent);
        let same = against(&declared, Ok(Some(declared.to_bytes())));
        assert_eq!(
            same,
            LiveRules::Read {
                digest: declared.digest(),
                differences: Vec::new()
            }
        );
    }
}
