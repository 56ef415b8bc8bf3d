//! What one resource must look like: data, the same for every provider.

use std::fmt;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// What kind of thing a document describes. The order is the safe one: what stands first is needed by
/// what follows, and nothing watches or fires before the way to people stands. The schedule comes last.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// A CloudWatch log group: its retention.
    LogGroup,
    /// A customer managed key.
    KmsKey,
    /// The name of a key.
    KmsAlias,
    /// An SNS topic with its policy.
    SnsTopic,
    /// A subscription of a topic.
    SnsSubscription,
    /// A CloudWatch alarm on a metric. It comes before the function: where that cannot be made, the alarm on a silent monitor
    /// fires.
    Alarm,
    /// An IAM role.
    IamRole,
    /// An inline policy of a role.
    IamRolePolicy,
    /// A Lambda layer that holds an environment's rules. Its versions are never changed.
    PolicyLayer,
    /// A Lambda function: code and configuration.
    LambdaFunction,
    /// A CloudWatch alarm on a log query.
    LogAlarm,
    /// A CloudWatch dashboard.
    Dashboard,
    /// A saved Logs Insights query.
    SavedQuery,
    /// Who may invoke a function.
    LambdaPermission,
    /// A schedule.
    EventRule,
    /// What a schedule starts.
    EventTarget,
}

impl Kind {
    /// Every kind, in the safe order.
    pub const ALL: [Self; 16] = [
        Self::LogGroup,
        Self::KmsKey,
        Self::KmsAlias,
        Self::SnsTopic,
        Self::SnsSubscription,
        Self::Alarm,
        Self::IamRole,
        Self::IamRolePolicy,
        Self::PolicyLayer,
        Self::LambdaFunction,
        Self::LogAlarm,
        Self::Dashboard,
        Self::SavedQuery,
        Self::LambdaPermission,
        Self::EventRule,
        Self::EventTarget,
    ];

    /// The word in addresses, files and reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::LogGroup => "log-group",
            Self::KmsKey => "kms-key",
            Self::KmsAlias => "kms-alias",
            Self::SnsTopic => "sns-topic",
            Self::SnsSubscription => "sns-subscription",
            Self::IamRole => "iam-role",
            Self::IamRolePolicy => "iam-role-policy",
            Self::PolicyLayer => "policy-layer",
            Self::LambdaFunction => "lambda-function",
            Self::Alarm => "alarm",
            Self::LogAlarm => "log-alarm",
            Self::Dashboard => "dashboard",
            Self::SavedQuery => "saved-query",
            Self::LambdaPermission => "lambda-permission",
            Self::EventRule => "event-rule",
            Self::EventTarget => "event-target",
        }
    }

    /// The kind of that word.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// Holds evidence: never deleted.
    pub fn is_protected(self) -> bool {
        matches!(self, Self::LogGroup)
    }

    /// What alerts depend on, or what cannot be had back: deleted only when it is named itself.
    pub fn is_kept_unless_named(self) -> bool {
        matches!(self, Self::KmsKey | Self::KmsAlias | Self::SnsTopic)
    }

    /// Fields whose list has no order, by their path in the properties.
    fn sets(self) -> &'static [&'static str] {
        match self {
            Self::Alarm => &["alarm_actions", "ok_actions", "insufficient_data_actions"],
            Self::LogAlarm => &[
                "alarm_actions",
                "ok_actions",
                "insufficient_data_actions",
                "log_groups",
            ],
            Self::LambdaFunction => &[
                "architectures",
                "layers",
                "vpc.security_groups",
                "vpc.subnets",
            ],
            Self::PolicyLayer => &["compatible_architectures", "compatible_runtimes"],
            Self::IamRole => &["managed_policies"],
            Self::SavedQuery => &["log_groups"],
            _ => &[],
        }
    }

    /// Fields that another field vouches for by its digest. They are not compared: a provider can name the digest of what
    /// is live also where nobody can read it.
    pub fn vouched(self) -> &'static [&'static str] {
        match self {
            Self::PolicyLayer => &["rules"],
            _ => &[],
        }
    }

    /// Fields that hold an IAM policy document.
    fn policies(self) -> &'static [&'static str] {
        match self {
            Self::KmsKey | Self::SnsTopic | Self::IamRolePolicy => &["policy"],
            Self::IamRole => &["trust_policy"],
            _ => &[],
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Whether we make the resource or only mind a part of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Ownership {
    /// Made, changed and, when asked for by name, deleted by us.
    Owned,
    /// Made by somebody else: we set our fields, and neither create nor delete it.
    Adopted,
}

/// From which policy a document was compiled. It is written beside the resource and not compared: a new
/// owner of an exclusion must not change seventeen resources.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Provenance {
    /// Digest of the policy files.
    pub policy: String,
    /// Digest of the compiled query.
    pub query: String,
}

/// Stands for the cluster in the address of what all clusters of an environment share. No cluster has this name: those of
/// RDS begin with a letter.
pub const EVERY_CLUSTER: &str = "_environment";

/// What one resource must look like.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Document {
    /// Where it stands: `CLUSTER/KIND/NAME`, distinct in an environment. What all clusters share has [`EVERY_CLUSTER`] in
    /// the place of the cluster.
    pub address: String,
    /// What it is.
    pub kind: Kind,
    /// Its name with the provider. What belongs to another resource is `OWNER/NAME`.
    pub name: String,
    /// Addresses that must stand before it.
    pub depends_on: Vec<String>,
    /// Made by us, or only minded.
    pub ownership: Ownership,
    /// From which policy it was compiled.
    pub provenance: Provenance,
    /// Every field that we own, defaults filled in, normalised.
    pub properties: Value,
}

impl Document {
    /// The address of a resource.
    pub fn address_of(cluster: &str, kind: Kind, name: &str) -> String {
        format!("{cluster}/{kind}/{}", name.trim_start_matches('/'))
    }

    /// The file of the document below the environment's folder.
    pub fn file(&self) -> PathBuf {
        file_of(&self.address)
    }

    /// The document's text: indented, sorted, with a final line end.
    pub fn to_text(&self) -> String {
        let value = serde_json::to_value(self).unwrap_or(Value::Null);
        pretty(&value)
    }
}

/// The file of a resource below the environment's folder: `CLUSTER/KIND/NAME.json`, where characters of the
/// name that a file cannot bear everywhere stand as `%XX`.
pub fn file_of(address: &str) -> PathBuf {
    let mut parts = address.splitn(3, '/');
    let cluster = encode(parts.next().unwrap_or_default());
    let kind = encode(parts.next().unwrap_or_default());
    let name = encode(parts.next().unwrap_or_default());
    [cluster, kind, format!("{name}.json")].iter().collect()
}

/// The address whose file this is, given its three parts.
pub fn address_of_file(
    cluster: &str,
    kind: &str,
    file_name: &str,
) -> Option<(String, Kind, String)> {
    let cluster = decode(cluster)?;
    let kind = Kind::from_name(kind)?;
    let name = decode(file_name.strip_suffix(".json")?)?;
    (!name.is_empty()).then(|| (format!("{cluster}/{kind}/{name}"), kind, name))
}

/// A part of an address as the name of a file or folder.
pub fn encode(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for (index, byte) in text.bytes().enumerate() {
        let plain = byte.is_ascii_alphanumeric()
            || byte == b'-'
            || byte == b'_'
            || (byte == b'.' && index > 0);
        if plain {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}

/// Undoes [`encode`]; nothing else decodes, so that no two files stand for one resource.
fn decode(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let digits = [rest.next()?, rest.next()?];
            bytes.push(u8::from_str_radix(std::str::from_utf8(&digits).ok()?, 16).ok()?);
        } else {
            bytes.push(byte);
        }
    }
    let decoded = String::from_utf8(bytes).ok()?;
    (encode(&decoded) == text).then_some(decoded)
}

/// One text for one meaning: keys sorted, no white space, whole numbers without a fraction.
pub fn canonical(value: &Value) -> String {
    let mut text = String::new();
    write_canonical(value, None, 0, &mut text);
    text
}

/// As [`canonical`], indented for people, with a final line end.
pub fn pretty(value: &Value) -> String {
    let mut text = String::new();
    write_canonical(value, Some(2), 0, &mut text);
    text.push('\n');
    text
}

fn write_canonical(value: &Value, indent: Option<usize>, depth: usize, text: &mut String) {
    let line = |depth: usize, text: &mut String| {
        if let Some(indent) = indent {
            text.push('\n');
            text.extend(std::iter::repeat_n(' ', indent * depth));
        }
    };
    match value {
        Value::Array(items) if !items.is_empty() => {
            text.push('[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    text.push(',');
                }
                line(depth + 1, text);
                write_canonical(item, indent, depth + 1, text);
            }
            line(depth, text);
            text.push(']');
        }
        Value::Object(map) if !map.is_empty() => {
            let mut entries: Vec<_> = map.iter().collect();
            entries.sort_by(|left, right| left.0.cmp(right.0));
            text.push('{');
            for (index, (key, item)) in entries.into_iter().enumerate() {
                if index > 0 {
                    text.push(',');
                }
                line(depth + 1, text);
                text.push_str(&Value::from(key.as_str()).to_string());
                text.push_str(if indent.is_some() { ": " } else { ":" });
                write_canonical(item, indent, depth + 1, text);
            }
            line(depth, text);
            text.push('}');
        }
        Value::Number(number) => text.push_str(&number_text(number)),
        other => text.push_str(&other.to_string()),
    }
}

/// `1.0` and `1` are one number to every service, and not to a JSON parser.
fn number_text(number: &serde_json::Number) -> String {
    let text = number.to_string();
    match text.strip_suffix(".0") {
        Some("-0") => "0".to_owned(),
        Some(whole) => whole.to_owned(),
        None => text,
    }
}

/// Brings the properties of a resource, desired or live, into the one form that is compared.
pub fn normalise(kind: Kind, properties: &mut Value) {
    for path in kind.sets() {
        if let Some(Value::Array(items)) = at(properties, path) {
            sort_set(items);
        }
    }
    for path in kind.policies() {
        if let Some(policy) = at(properties, path) {
            normalise_policy(policy);
        }
    }
    whole_numbers(properties);
}

fn at<'a>(value: &'a mut Value, path: &str) -> Option<&'a mut Value> {
    path.split('.')
        .try_fold(value, |value, key| value.get_mut(key))
}

fn sort_set(items: &mut Vec<Value>) {
    items.sort_by_cached_key(canonical);
    items.dedup();
}

fn whole_numbers(value: &mut Value) {
    match value {
        Value::Number(number) => {
            if let Ok(whole) = number_text(number).parse::<i64>() {
                *number = whole.into();
            }
        }
        Value::Array(items) => items.iter_mut().for_each(whole_numbers),
        Value::Object(map) => map.values_mut().for_each(whole_numbers),
        _ => {}
    }
}

/// Where a policy takes a text or a list of texts, the list, sorted; statements by their `Sid`.
fn normalise_policy(policy: &mut Value) {
    let Some(statements) = policy.get_mut("Statement") else {
        return;
    };
    if statements.is_object() {
        *statements = Value::Array(vec![statements.take()]);
    }
    let Value::Array(statements) = statements else {
        return;
    };
    for statement in statements.iter_mut() {
        let Value::Object(statement) = statement else {
            continue;
        };
        for (key, value) in statement.iter_mut() {
            match key.as_str() {
                "Action" | "NotAction" | "Resource" | "NotResource" => listed(value),
                "Principal" | "NotPrincipal" => {
                    if let Value::Object(principals) = value {
                        principals.values_mut().for_each(listed);
                    }
                }
                "Condition" => {
                    let operators = value.as_object_mut().into_iter().flat_map(Map::values_mut);
                    for keys in operators.filter_map(Value::as_object_mut) {
                        keys.values_mut().for_each(listed);
                    }
                }
                _ => {}
            }
        }
    }
    statements.sort_by_cached_key(|statement| {
        let sid = statement
            .get("Sid")
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned();
        (sid, canonical(statement))
    });
}

fn listed(value: &mut Value) {
    if !value.is_array() {
        *value = Value::Array(vec![value.take()]);
    }
    if let Value::Array(items) = value {
        sort_set(items);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn canonical_text_does_not_depend_on_the_order_of_keys() {
        let left: Value =
            serde_json::from_str(r#"{"b":[1.0,{"d":-0.0,"c":"x\n"}],"a":{}}"#).unwrap();
        let right: Value = serde_json::from_str(r#"{"a":{},"b":[1,{"c":"x\n","d":0}]}"#).unwrap();
        assert_eq!(canonical(&left), canonical(&right));
        assert_eq!(canonical(&left), r#"{"a":{},"b":[1,{"c":"x\n","d":0}]}"#);
        assert_eq!(
            pretty(&json!({"b": [1], "a": []})),
            "{\n  \"a\": [],\n  \"b\": [\n    1\n  ]\n}\n"
        );
    }

    #[test]
    fn the_order_of_kinds_is_the_order_of_the_list() {
        assert!(Kind::ALL.is_sorted());
        for kind in Kind::ALL {
            assert_eq!(Kind::from_name(kind.name()), Some(kind));
            assert_eq!(serde_json::to_value(kind).unwrap(), json!(kind.name()));
        }
    }

    #[test]
    fn files_and_addresses_stand_for_each_other() {
        for name in [
            "pgvigil-prod-orders-1",
            "aws/rds/cluster/x/postgresql",
            "..",
            ".hidden",
            "a%2Fb",
            "é ü",
            "CON:x",
        ] {
            let address = Document::address_of("orders", Kind::LogGroup, name);
            let file = file_of(&address);
            let parts: Vec<&str> = file.iter().map(|part| part.to_str().unwrap()).collect();
            assert_eq!(parts.len(), 3, "{file:?}");
            assert!(!parts[2].starts_with('.'));
            let back = address_of_file(parts[0], parts[1], parts[2]).unwrap();
            assert_eq!(back, (address, Kind::LogGroup, name.to_owned()));
        }
        assert_eq!(
            address_of_file("orders", "alarm", "a%2fb.json"),
            None,
            "another spelling of a%2Fb"
        );
        assert_eq!(address_of_file("orders", "alarm", "notes.txt"), None);
        assert_eq!(address_of_file("orders", "thing", "a.json"), None);
        assert_eq!(address_of_file("orders", "alarm", "%.json"), None);
    }

    #[test]
    fn a_policy_means_the_same_in_every_spelling() {
        let mut one = json!({"policy": {"Statement": {"Sid": "A", "Action": "sns:Publish", "Principal": {"AWS": "x"},
            "Condition": {"Bool": {"aws:SecureTransport": "false"}}}}});
        let mut list = json!({"policy": {"Statement": [{"Sid": "A", "Action": ["sns:Publish"], "Principal": {"AWS": ["x"]},
            "Condition": {"Bool": {"aws:SecureTransport": ["false"]}}}]}});
        normalise(Kind::SnsTopic, &mut one);
        normalise(Kind::SnsTopic, &mut list);
        assert_eq!(one, list);
    }
}
