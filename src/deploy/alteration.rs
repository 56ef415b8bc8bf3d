//! What changes a watched log between the database and the query: masks, transformers, the class of the log group.
//!
//! None of them is pgvigil's, so none is compared with a document, and an apply takes none away. They are told, each
//! with what it does to the query, and no drift report is clean while there is one.
//!
//! Sources: CloudWatch Logs API, `PutDataProtectionPolicy`, `PutTransformer`, `PutAccountPolicy` and `LogGroup`;
//! CloudWatch Logs user guide, "Help protect sensitive log data with masking".

use regex_automata::meta::Regex;
use regex_automata::util::syntax;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::document::Document;
use super::plan::{Action, Drift, Plan, Planned, Unread};
use super::port::CloudError;
use super::verdict::{Outcome, Verdict};
use crate::audit_log::judge::{EntryKind, judge_entry};
use crate::audit_log::prefix::LogLinePrefix;
use crate::compile::fetch::RECORD;

/// By which means a log is changed.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Means {
    /// A data protection policy of the log group.
    Mask,
    /// A data protection policy of the account.
    AccountMask,
    /// A transformer of the log group.
    Transformer,
    /// A transformer policy of the account.
    AccountTransformer,
    /// The class of the log group.
    Class,
}

impl Means {
    /// The word in addresses, in the place of a kind: `CLUSTER/WORD/NAME`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Mask => "data-protection-policy",
            Self::AccountMask => "account-data-protection-policy",
            Self::Transformer => "transformer",
            Self::AccountTransformer => "account-transformer-policy",
            Self::Class => "log-group-class",
        }
    }
}

/// What it does to the query, the mildest first.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Effect {
    /// Nothing yet: a policy that finds and does not mask.
    None,
    /// Parts of an entry can be hidden: exclusions stop to match, and names can be missing.
    Partial,
    /// Every record counts, whoever made it.
    Loud,
    /// Not understood, so everything is possible.
    Unknown,
    /// Records can be invisible to the query: nothing counts.
    Blind,
}

/// One thing that changes a watched log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Alteration {
    /// Where it is told: `CLUSTER/MEANS/NAME`.
    pub address: String,
    /// The log group, the policy or the class, as the provider names it.
    pub name: String,
    /// By which means.
    pub means: Means,
    /// What it does to the query. Absent where it could not be read.
    pub effect: Option<Effect>,
    /// The same for people, or why it could not be read.
    pub note: String,
}

/// A policy of the account, as `DescribeAccountPolicies` answers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AccountPolicy {
    /// Its name.
    pub name: String,
    /// The policy, as JSON.
    pub document: String,
    /// `ALL` is the only scope that the model knows.
    pub scope: Option<String>,
    /// Which log groups it applies to; none means all of them.
    pub selection: Option<String>,
}

/// Says whether an account's policy applies to a log group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Applies {
    /// It does.
    Yes,
    /// It does not.
    No,
    /// Its criteria are not understood.
    Unclear,
}

/// The log group that is looked at.
#[derive(Debug, Clone, Copy)]
pub struct Group<'a> {
    /// Its document.
    pub document: &'a Document,
}

impl Group<'_> {
    fn alteration(self, means: Means, name: &str, effect: Effect, note: String) -> Alteration {
        Alteration {
            effect: Some(effect),
            ..self.unread(means, name, note)
        }
    }

    fn unread(self, means: Means, name: &str, note: String) -> Alteration {
        let cluster = self.document.address.split('/').next().unwrap_or_default();
        Alteration {
            address: format!(
                "{cluster}/{}/{}",
                means.name(),
                name.trim_start_matches('/')
            ),
            name: name.to_owned(),
            means,
            effect: None,
            note,
        }
    }

    /// What could not be read.
    pub fn not_read(self, means: Means, error: &CloudError) -> Alteration {
        let name = match means {
            Means::AccountMask | Means::AccountTransformer => "",
            _ => &self.document.name,
        };
        let mut unread = self.unread(means, name, error.to_string());
        unread.address = unread.address.trim_end_matches('/').to_owned();
        unread
    }

    /// A data protection policy of the log group.
    pub fn mask(self, document: &str) -> Alteration {
        let (effect, note) = mask(document);
        self.alteration(Means::Mask, &self.document.name, effect, note)
    }

    /// A sign of a mask that the policies do not explain.
    pub fn unexplained(self, means: Means, sign: &str) -> Alteration {
        let note = format!("{sign}, but no such policy was found: it might mask records");
        self.alteration(means, &self.document.name, Effect::Unknown, note)
    }

    /// A data protection policy of the account, unless it does not apply.
    pub fn account_mask(self, policy: &AccountPolicy) -> Option<Alteration> {
        let (effect, note) = mask(&policy.document);
        let applies = match policy.selection.as_deref() {
            // The API takes no criteria for a data protection policy.
            Some(criteria) if !criteria.trim().is_empty() => Applies::Unclear,
            _ => within(policy),
        };
        self.of_account(Means::AccountMask, policy, applies, effect, note)
    }

    /// A transformer of the log group, by the names of its processors.
    pub fn transformer(self, processors: &[String]) -> Alteration {
        let (effect, note) = transformer(processors);
        self.alteration(Means::Transformer, &self.document.name, effect, note)
    }

    /// A transformer policy of the account, unless it does not apply.
    pub fn account_transformer(self, policy: &AccountPolicy) -> Option<Alteration> {
        let (effect, note) = transformer(&processors(&policy.document));
        let applies = match (within(policy), policy.selection.as_deref()) {
            (Applies::Yes, Some(criteria)) => selects(criteria, &self.document.name),
            (applies, _) => applies,
        };
        self.of_account(Means::AccountTransformer, policy, applies, effect, note)
    }

    fn of_account(
        self,
        means: Means,
        policy: &AccountPolicy,
        applies: Applies,
        effect: Effect,
        note: String,
    ) -> Option<Alteration> {
        let (effect, note) = match applies {
            Applies::No => return None,
            Applies::Yes => (effect, note),
            Applies::Unclear => {
                let criteria = policy
                    .selection
                    .as_deref()
                    .or(policy.scope.as_deref())
                    .unwrap_or_default();
                (
                    Effect::Unknown,
                    format!(
                        "might apply, because pgvigil does not understand its criteria `{criteria}`: {note}"
                    ),
                )
            }
        };
        Some(self.alteration(means, &policy.name, effect, note))
    }

    /// A class other than `STANDARD` (`LogGroup`, `logGroupClass`).
    pub fn class(self, class: &str) -> Option<Alteration> {
        let (effect, note) = match class {
            "STANDARD" => return None,
            "DELIVERY" => (
                Effect::Blind,
                "blinds the query: CloudWatch keeps entries for a day and runs no query on them",
            ),
            "INFREQUENT_ACCESS" => (
                Effect::Unknown,
                "might stop the query: this class has only some features of CloudWatch Logs",
            ),
            _ => (
                Effect::Unknown,
                "might stop the query: pgvigil does not know this class",
            ),
        };
        let mut told = self.alteration(
            Means::Class,
            &self.document.name,
            effect,
            format!("`{class}` {note}"),
        );
        class.clone_into(&mut told.name);
        Some(told)
    }
}

/// The scope is understood, so that the criteria decide.
fn within(policy: &AccountPolicy) -> Applies {
    match policy.scope.as_deref() {
        None | Some("ALL") => Applies::Yes,
        Some(_) => Applies::Unclear,
    }
}

/// Says whether the criteria of a transformer policy select a log group. `LogGroupNamePrefix` is the only filter that the
/// API takes (`PutAccountPolicy`, `selectionCriteria`); how values are written, its page does not say. A quoted value
/// after `=`, and a list of them after `IN`, are understood, and nothing else.
pub fn selects(criteria: &str, group: &str) -> Applies {
    let criteria = criteria.trim();
    if criteria.is_empty() {
        return Applies::Yes;
    }
    let Some(rest) = criteria.strip_prefix("LogGroupNamePrefix") else {
        return Applies::Unclear;
    };
    let rest = rest.trim_start();
    let prefixes: Option<Vec<String>> = if let Some(value) = rest.strip_prefix('=') {
        let value = value.strip_prefix('=').unwrap_or(value);
        serde_json::from_str(value.trim())
            .ok()
            .map(|prefix: String| vec![prefix])
    } else if let Some(list) = rest.strip_prefix("IN") {
        serde_json::from_str(list.trim()).ok()
    } else {
        None
    };
    match prefixes {
        None => Applies::Unclear,
        Some(prefixes) if prefixes.is_empty() => Applies::Unclear,
        Some(prefixes) => {
            if prefixes.iter().any(|prefix| group.starts_with(prefix)) {
                Applies::Yes
            } else {
                Applies::No
            }
        }
    }
}

/// Names of the processors of a transformer policy; empty where it cannot be read.
fn processors(document: &str) -> Vec<String> {
    let listed = serde_json::from_str::<Value>(document).ok();
    let listed = listed.as_ref().and_then(Value::as_array);
    listed
        .into_iter()
        .flatten()
        .filter_map(Value::as_object)
        .flat_map(|processor| processor.keys().cloned())
        .collect()
}

fn transformer(processors: &[String]) -> (Effect, String) {
    let named = match processors {
        [] => "processors that pgvigil does not understand".to_owned(),
        [first] => first.clone(),
        [first, rest @ ..] => format!("{first} and {} more", rest.len()),
    };
    (
        Effect::Unknown,
        format!("might blind the query, which sees entries after {named}, not as written"),
    )
}

/// Records in both prefixes. What masks the letters that all of them share blinds the query.
const SAMPLES: [(LogLinePrefix, &str); 3] = [
    (
        LogLinePrefix::Short,
        "2026-12-02 05:02:07 UTC:10.0.3.17(51234):alice@orders:[4242]:LOG:  AUDIT: SESSION,1,1,READ,SELECT,TABLE,public.customers,select name from customers,<none>",
    ),
    (
        LogLinePrefix::Short,
        "2026-12-02 05:02:07 UTC:10.0.3.17(51234):bob@orders:[917]:LOG:  AUDIT: SESSION,12,1,WRITE,UPDATE,TABLE,public.accounts,update accounts set balance = 0,<none>",
    ),
    (
        LogLinePrefix::Long,
        "2026-12-02 05:02:07.123 UTC:10.0.3.17(51234):alice@orders:[4242]:7:00000:2026-12-02 05:00:00 UTC:3/17:0:692e1f10.1092:psql:LOG:  AUDIT: SESSION,1,1,ROLE,GRANT,,,grant reader to bob,<none>",
    ),
];

/// What a data protection policy does to the query.
pub fn mask(document: &str) -> (Effect, String) {
    let not_understood = || {
        (
            Effect::Unknown,
            "might blind the query: pgvigil does not understand the policy".to_owned(),
        )
    };
    let Ok(policy) = serde_json::from_str::<Value>(document) else {
        return not_understood();
    };
    let Some(statements) = policy.get("Statement").and_then(Value::as_array) else {
        return not_understood();
    };
    let mut masked: Vec<&str> = Vec::new();
    for statement in statements {
        let Some(operation) = statement.get("Operation").and_then(Value::as_object) else {
            return not_understood();
        };
        if operation
            .keys()
            .any(|name| name != "Audit" && name != "Deidentify")
        {
            return not_understood();
        }
        if !operation.contains_key("Deidentify") {
            continue;
        }
        let Some(identifiers) = statement.get("DataIdentifier").and_then(Value::as_array) else {
            return not_understood();
        };
        for identifier in identifiers {
            let Some(identifier) = identifier.as_str() else {
                return not_understood();
            };
            masked.push(identifier);
        }
    }
    let custom = policy.pointer("/Configuration/CustomDataIdentifier");
    let custom = custom.and_then(Value::as_array);
    let regex = |name: &str| {
        custom
            .into_iter()
            .flatten()
            .find(|one| one.get("Name").and_then(Value::as_str) == Some(name))
            .and_then(|one| one.get("Regex")?.as_str())
    };
    let worst = masked
        .iter()
        .map(|identifier| identified(identifier, &regex))
        .max_by_key(|(effect, _)| *effect);
    let (effect, note) = worst.unwrap_or_else(|| {
        (
            Effect::None,
            "finds sensitive data but does not mask it".to_owned(),
        )
    });
    let others = masked.len().saturating_sub(1);
    match others {
        0 => (effect, note),
        _ => (effect, format!("{note} (and {others} more)")),
    }
}

/// What one data identifier does: a managed one is named by an ARN, a custom one by its name in the policy.
fn identified<'a>(identifier: &str, regex: &impl Fn(&str) -> Option<&'a str>) -> (Effect, String) {
    if identifier.starts_with("arn:") {
        let name = identifier.rsplit('/').next().unwrap_or(identifier);
        return if name == "IpAddress" {
            (
                Effect::Loud,
                "makes every record count: `IpAddress` masks the client in each entry".to_owned(),
            )
        } else {
            (
                Effect::Partial,
                format!("`{name}` masks parts of statements and names: exclusions might not match"),
            )
        };
    }
    let pattern = regex(identifier).and_then(|text| {
        // Whether AWS distinguishes letter case is not documented: the wider of the two.
        Regex::builder()
            .configure(Regex::config().nfa_size_limit(Some(1 << 20)))
            .syntax(syntax::Config::new().case_insensitive(true))
            .build(text)
            .ok()
    });
    let Some(pattern) = pattern else {
        return (
            Effect::Unknown,
            format!("might blind the query: pgvigil does not understand `{identifier}`"),
        );
    };
    let effect = SAMPLES
        .iter()
        .map(|(form, entry)| masked_sample(&pattern, *form, entry))
        .max()
        .unwrap_or(Effect::Unknown);
    let note = match effect {
        Effect::Blind => format!("blinds the query: `{identifier}` masks what begins a record"),
        Effect::Loud => format!("makes records count: `{identifier}` masks how an entry begins"),
        _ => format!(
            "`{identifier}` masks parts of statements and names: exclusions might not match"
        ),
    };
    (effect, note)
}

/// What becomes of a record whose matches are replaced by asterisks, as the service shows them.
fn masked_sample(pattern: &Regex, form: LogLinePrefix, entry: &str) -> Effect {
    let mut masked = entry.as_bytes().to_vec();
    for found in pattern.find_iter(entry) {
        if let Some(hidden) = masked.get_mut(found.range()) {
            hidden.fill(b'*');
        }
    }
    let EntryKind::Audit { prefix, record, .. } = judge_entry(entry.as_bytes(), form) else {
        return Effect::Unknown;
    };
    // The fetch query looks for the mark first: without it nobody reads the entry.
    let is_fetched = Regex::new(RECORD).is_ok_and(|mark| mark.is_match(&masked));
    match judge_entry(&masked, form) {
        _ if !is_fetched => Effect::Blind,
        EntryKind::Other { .. } | EntryKind::Foreign(_) => Effect::Blind,
        EntryKind::Suspicious { .. } => Effect::Loud,
        EntryKind::Audit {
            prefix: now,
            record: seen,
            doubt,
        } => {
            let is_same = doubt.is_none()
                && (prefix.user, prefix.database) == (now.user, now.database)
                && (record.class, record.command) == (seen.class, seen.command);
            if is_same {
                Effect::Partial
            } else {
                Effect::Loud
            }
        }
    }
}

/// Adds what changes the watched logs to a plan: each is told, none is acted on.
pub(super) fn tell(plan: &mut Plan, alterations: &[Alteration]) {
    for alteration in alterations {
        let (verdict, outcome) = match alteration.effect {
            Some(_) => (Verdict::Extra, Outcome::Drifted),
            None => (Verdict::Unreadable, Outcome::Clean),
        };
        if verdict == Verdict::Extra {
            plan.drift.push(Drift {
                address: alteration.address.clone(),
                kind: None,
                verdict,
                changes: Vec::new(),
                note: Some(alteration.note.clone()),
            });
        }
        plan.resources.push(Planned {
            address: alteration.address.clone(),
            kind: None,
            name: alteration.name.clone(),
            action: Action::None,
            verdict,
            outcome,
            changes: Vec::new(),
            desired_digest: None,
            live_digest: None,
            remember: false,
            note: Some(alteration.note.clone()),
            desired: None,
        });
    }
    plan.alterations = alterations.to_vec();
}

/// What could not be looked at. An apply does not need it; a report of drift is not clean without it.
pub(super) fn unread(plan: &Plan) -> impl Iterator<Item = Unread> {
    plan.alterations
        .iter()
        .filter(|alteration| alteration.effect.is_none())
        .map(|alteration| Unread {
            address: alteration.address.clone(),
            error: alteration.note.clone(),
        })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::compile::resources::testing;
    use crate::deploy::document::{Kind, Ownership};

    fn policy(identifiers: &[&str], custom: &[(&str, &str)]) -> String {
        let custom: Vec<Value> = custom
            .iter()
            .map(|(name, regex)| json!({ "Name": name, "Regex": regex }))
            .collect();
        json!({
            "Name": "p",
            "Version": "2021-06-01",
            "Configuration": { "CustomDataIdentifier": custom },
            "Statement": [
                { "DataIdentifier": identifiers, "Operation": { "Audit": { "FindingsDestination": {} } } },
                { "DataIdentifier": identifiers, "Operation": { "Deidentify": { "MaskConfig": {} } } },
            ],
        })
        .to_string()
    }

    fn managed(name: &str) -> String {
        format!("arn:aws:dataprotection::aws:data-identifier/{name}")
    }

    #[test]
    fn a_mask_is_judged_by_what_it_hides() {
        for (name, regex, expected) in [
            ("AUDIT", "AUDIT", Effect::Blind),
            ("Quiet", "audit: ", Effect::Blind),
            ("Head", ":LOG: +AUDIT", Effect::Blind),
            ("Everything", ".+", Effect::Blind),
            ("Level", "LOG:", Effect::Blind),
            ("Comma", "SESSION,", Effect::Loud),
            ("Class", "READ|WRITE", Effect::Loud),
            ("Client", "[0-9]+\\.[0-9]+\\.[0-9]+\\.[0-9]+", Effect::Loud),
            ("Alice", "alice", Effect::Loud),
            ("Employee", "EmployeeId-[0-9]{9}", Effect::Partial),
            ("Balance", "balance = 0", Effect::Partial),
            ("Broken", "(", Effect::Unknown),
        ] {
            let (effect, note) = mask(&policy(&[name], &[(name, regex)]));
            assert_eq!(effect, expected, "{name} {note}");
            assert!(note.contains(name) && note.len() < 94, "{note}");
        }
    }

    #[test]
    fn managed_identifiers_and_policies_that_are_not_understood() {
        let of = |identifiers: &[&str]| mask(&policy(identifiers, &[]));
        let (address, mail) = (managed("IpAddress"), managed("EmailAddress"));
        assert_eq!(of(&[&address]).0, Effect::Loud);
        assert_eq!(of(&[&mail]).0, Effect::Partial);
        let (effect, note) = of(&[&mail, &address]);
        assert_eq!(effect, Effect::Loud);
        assert!(
            note.contains("IpAddress") && note.ends_with("(and 1 more)"),
            "{note}"
        );
        // A custom identifier that the policy does not define.
        assert_eq!(of(&["Secret"]).0, Effect::Unknown);
        assert_eq!(of(&[]).0, Effect::None);
        for text in [
            "",
            "[]",
            "{}",
            r#"{"Statement":[{"Operation":{"Redact":{}},"DataIdentifier":[]}]}"#,
            r#"{"Statement":[{"Operation":{"Deidentify":{}},"DataIdentifier":[7]}]}"#,
            r#"{"Statement":[{"Operation":{"Deidentify":{}}}]}"#,
            r#"{"Statement":[{}]}"#,
        ] {
            assert_eq!(mask(text).0, Effect::Unknown, "{text}");
        }
    }

    #[test]
    fn criteria_that_are_not_understood_might_select() {
        let group = "/aws/rds/cluster/orders/postgresql";
        for (criteria, expected) in [
            ("", Applies::Yes),
            (r#"LogGroupNamePrefix = "/aws/rds/""#, Applies::Yes),
            (r#"LogGroupNamePrefix="/aws/lambda/""#, Applies::No),
            (r#"LogGroupNamePrefix IN ["/x", "/aws/rds/"]"#, Applies::Yes),
            (r#"LogGroupNamePrefix IN ["/x"]"#, Applies::No),
            (r#"LogGroupNamePrefix IN []"#, Applies::Unclear),
            (r#"LogGroupNamePrefix NOT IN ["/x"]"#, Applies::Unclear),
            (
                r#"LogGroupName NOT IN ["/aws/rds/cluster/orders/postgresql"]"#,
                Applies::Unclear,
            ),
            ("LogGroupNamePrefix = /x", Applies::Unclear),
            (
                r#"LogGroupNamePrefix = "/x" OR LogGroupNamePrefix = "/aws""#,
                Applies::Unclear,
            ),
            (r#"LogGroupNamePrefixes = "/x""#, Applies::Unclear),
        ] {
            assert_eq!(selects(criteria, group), expected, "{criteria}");
        }
    }

    #[test]
    fn a_policy_of_the_account_is_told_unless_it_certainly_does_not_apply() {
        let documents = testing::documents(&testing::environment("prod", &["orders"]));
        let document = documents
            .iter()
            .find(|one| one.kind == Kind::LogGroup && one.ownership == Ownership::Adopted)
            .unwrap();
        let group = Group { document };
        let transformer = |selection: Option<&str>, scope: &str| AccountPolicy {
            name: "t".to_owned(),
            document: r#"[{"parsePostgres":{}},{"deleteKeys":{}}]"#.to_owned(),
            scope: Some(scope.to_owned()),
            selection: selection.map(str::to_owned),
        };
        let told = group
            .account_transformer(&transformer(None, "ALL"))
            .unwrap();
        assert_eq!(told.address, "orders/account-transformer-policy/t");
        assert!(
            told.note.contains("parsePostgres and 1 more"),
            "{}",
            told.note
        );
        let elsewhere = transformer(Some(r#"LogGroupNamePrefix = "/x""#), "ALL");
        assert_eq!(group.account_transformer(&elsewhere), None);
        for unclear in [
            transformer(Some("DataSourceName = x"), "ALL"),
            transformer(None, "SOME"),
        ] {
            let told = group.account_transformer(&unclear).unwrap();
            assert_eq!(told.effect, Some(Effect::Unknown));
            assert!(
                told.note.contains("does not understand its criteria"),
                "{}",
                told.note
            );
        }
        let mask = |selection: Option<&str>| AccountPolicy {
            document: policy(&[&managed("IpAddress")], &[]),
            ..transformer(selection, "ALL")
        };
        let told = group.account_mask(&mask(None)).unwrap();
        assert_eq!(told.effect, Some(Effect::Loud));
        // The API takes none here: whatever they mean, the policy might apply.
        let told = group
            .account_mask(&mask(Some(r#"LogGroupNamePrefix = "/x""#)))
            .unwrap();
        assert_eq!(told.effect, Some(Effect::Unknown));
        assert_eq!(group.class("STANDARD"), None);
        assert_eq!(group.class("DELIVERY").unwrap().effect, Some(Effect::Blind));
        let unknown = group.class("COLD").unwrap();
        assert_eq!(unknown.effect, Some(Effect::Unknown));
        assert_eq!(
            unknown.address,
            "orders/log-group-class/aws/rds/cluster/orders/postgresql"
        );
    }
}
