//! Whether a resource's policy admits a call: its statements, evaluated as structures.
//!
//! Sources: IAM user guide, "Policy evaluation logic", "IAM JSON policy elements". What is not understood never
//! admits: a statement that allows under an unknown condition does not allow, and one that denies under such a
//! condition makes the answer unclear.

use std::collections::BTreeMap;

use serde_json::Value;

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Caller {
    /// A service on behalf of an account, such as `cloudwatch.amazonaws.com`.
    Service(String),
    /// A role, by its ARN.
    Role(String),
}

/// A value of the call that conditions look at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ContextValue {
    /// The call carries it.
    Is(String),
    /// The call does not carry the key.
    Absent,
}

/// A call whose fate is asked for. A key that is not in the context is one of which nothing is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    pub caller: Caller,
    pub action: String,
    /// ARN of the resource.
    pub resource: String,
    /// Condition keys, in lower case.
    pub context: BTreeMap<String, ContextValue>,
}

/// Keys that neither an alarm's nor a Lambda function's call carries: both come from within AWS, and for a
/// service there is no principal with an organisation.
const ABSENT: [&str; 8] = [
    "aws:sourceip",
    "aws:sourcevpc",
    "aws:sourcevpce",
    "aws:vpcsourceip",
    "aws:multifactorauthpresent",
    "aws:multifactorauthage",
    "sns:protocol",
    "sns:endpoint",
];

impl Call {
    pub fn of_alarm(alarm_arn: &str, account: &str, action: &str, resource: &str) -> Self {
        let service = "cloudwatch.amazonaws.com";
        let mut context = context(&[
            ("aws:sourceaccount", account),
            ("aws:sourcearn", alarm_arn),
            ("aws:principalisawsservice", "true"),
            ("aws:principalservicename", service),
        ]);
        for key in [
            "aws:principalarn",
            "aws:principalaccount",
            "aws:principalorgid",
        ] {
            context.insert(key.to_owned(), ContextValue::Absent);
        }
        Self {
            caller: Caller::Service(service.to_owned()),
            action: action.to_owned(),
            resource: resource.to_owned(),
            context,
        }
    }

    /// The monitor's role calls.
    pub fn of_role(role_arn: &str, account: &str, action: &str, resource: &str) -> Self {
        let mut context = context(&[
            ("aws:principalarn", role_arn),
            ("aws:principalaccount", account),
            ("aws:principaltype", "AssumedRole"),
            ("aws:principalisawsservice", "false"),
            ("aws:viaawsservice", "false"),
        ]);
        // A reference's defect: these are there for services only, and `StringNotEquals` holds without them.
        for key in [
            "aws:sourceaccount",
            "aws:sourcearn",
            "aws:principalservicename",
        ] {
            context.insert(key.to_owned(), ContextValue::Absent);
        }
        Self {
            caller: Caller::Role(role_arn.to_owned()),
            action: action.to_owned(),
            resource: resource.to_owned(),
            context,
        }
    }

    /// With one more key.
    #[must_use]
    pub fn with(mut self, key: &str, value: &str) -> Self {
        let value = ContextValue::Is(value.to_owned());
        self.context.insert(key.to_ascii_lowercase(), value);
        self
    }
}

fn context(present: &[(&str, &str)]) -> BTreeMap<String, ContextValue> {
    let mut context: BTreeMap<String, ContextValue> = ABSENT
        .iter()
        .map(|key| ((*key).to_owned(), ContextValue::Absent))
        .collect();
    context.insert(
        "aws:securetransport".to_owned(),
        ContextValue::Is("true".to_owned()),
    );
    for (key, value) in present {
        context.insert((*key).to_owned(), ContextValue::Is((*value).to_owned()));
    }
    context
}

/// What a policy says about a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Access {
    /// A statement allows it, and none denies it.
    Allowed {
        /// Its `Sid`, or its place such as `statement 2`.
        statement: String,
    },
    /// A statement leaves it to the account, which the role belongs to: then the role's own policy must allow it
    /// (IAM user guide, "AWS account principals").
    Delegated {
        /// Its `Sid`, or its place.
        statement: String,
    },
    /// A statement denies it, whatever others say.
    Denied {
        /// Its `Sid`, or its place.
        statement: String,
    },
    /// No statement allows it.
    NotAllowed,
    /// It hangs on something that is not understood.
    Unclear {
        /// The statement's `Sid`, or its place.
        statement: String,
        /// What is not understood.
        why: String,
    },
}

/// Whether something holds, as far as can be told.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Holds {
    Yes,
    No,
    Unclear(String),
}

impl Holds {
    fn of(holds: bool) -> Self {
        if holds { Self::Yes } else { Self::No }
    }
}

/// All of them: one `No` decides, then one that is unclear.
fn all(parts: impl IntoIterator<Item = Holds>) -> Holds {
    let mut result = Holds::Yes;
    for part in parts {
        match part {
            Holds::No => return Holds::No,
            Holds::Unclear(why) if result == Holds::Yes => result = Holds::Unclear(why),
            _ => {}
        }
    }
    result
}

/// Evaluates a resource's policy for a call.
pub fn evaluate(policy: &Value, call: &Call) -> Access {
    let statements: Vec<&Value> = match policy.get("Statement") {
        Some(Value::Array(statements)) => statements.iter().collect(),
        Some(statement @ Value::Object(_)) => vec![statement],
        _ => {
            return Access::Unclear {
                statement: "the policy".to_owned(),
                why: "it has no statements".to_owned(),
            };
        }
    };
    let mut allowed = None;
    let mut delegated = None;
    let mut unclear_allow = None;
    let mut unclear_deny = None;
    for (index, statement) in statements.into_iter().enumerate() {
        let name = statement
            .get("Sid")
            .and_then(Value::as_str)
            .filter(|sid| !sid.is_empty())
            .map_or_else(|| format!("statement {}", index + 1), str::to_owned);
        let holds = all([
            principal(statement, call),
            action(statement, call),
            resource(statement, call),
            conditions(statement, call),
        ]);
        let effect = statement.get("Effect").and_then(Value::as_str);
        match (effect, holds) {
            (Some("Allow"), Holds::Yes) if is_direct(statement, call) => {
                allowed.get_or_insert(name);
            }
            (Some("Allow"), Holds::Yes) => {
                delegated.get_or_insert(name);
            }
            (Some("Allow"), Holds::Unclear(why)) => {
                unclear_allow.get_or_insert((name, why));
            }
            (Some("Allow" | "Deny"), Holds::No) => {}
            (Some("Deny"), Holds::Yes) => return Access::Denied { statement: name },
            (Some("Deny"), Holds::Unclear(why)) => {
                unclear_deny.get_or_insert((name, why));
            }
            _ => {
                unclear_deny.get_or_insert((name, "it neither allows nor denies".to_owned()));
            }
        }
    }
    if let Some((statement, why)) = unclear_deny {
        return Access::Unclear { statement, why };
    }
    if let Some(statement) = allowed {
        return Access::Allowed { statement };
    }
    // One that may allow is told before one that leaves it to others.
    match (unclear_allow, delegated) {
        (Some((statement, why)), _) => Access::Unclear { statement, why },
        (None, Some(statement)) => Access::Delegated { statement },
        (None, None) => Access::NotAllowed,
    }
}

/// Says whether a statement means the caller, and not only its account.
fn is_direct(statement: &Value, call: &Call) -> bool {
    let Caller::Role(arn) = &call.caller else {
        return true;
    };
    match statement.get("Principal") {
        Some(Value::String(text)) => text == "*",
        Some(Value::Object(principals)) => principals
            .get("AWS")
            .and_then(texts)
            .is_some_and(|names| names.iter().any(|name| *name == "*" || name == arn)),
        _ => false,
    }
}

/// One text or a list of texts; `None` for anything else.
fn texts(value: &Value) -> Option<Vec<&str>> {
    match value {
        Value::String(text) => Some(vec![text]),
        Value::Array(items) => items.iter().map(Value::as_str).collect(),
        _ => None,
    }
}

fn principal(statement: &Value, call: &Call) -> Holds {
    if let Some(principal) = statement.get("Principal") {
        return is_principal(principal, call);
    }
    match statement
        .get("NotPrincipal")
        .map(|other| is_principal(other, call))
    {
        Some(Holds::Yes) => Holds::No,
        // A role is excepted only if its account is too, and its session: that is not told here.
        Some(_) if matches!(call.caller, Caller::Role(_)) => {
            Holds::Unclear("it has a NotPrincipal".to_owned())
        }
        Some(Holds::No) => Holds::Yes,
        Some(unclear) => unclear,
        None => Holds::Unclear("it has no principal".to_owned()),
    }
}

fn is_principal(principal: &Value, call: &Call) -> Holds {
    let unclear = || Holds::Unclear("pgvigil does not understand its principal".to_owned());
    let principals = match principal {
        // `*` stands for services too (IAM user guide, "aws:PrincipalIsAWSService").
        Value::String(text) => return if text == "*" { Holds::Yes } else { unclear() },
        Value::Object(principals) => principals,
        _ => return unclear(),
    };
    let mut found = false;
    for (kind, names) in principals {
        let Some(names) = texts(names) else {
            return unclear();
        };
        found |= names
            .iter()
            .any(|name| match (kind.as_str(), &call.caller) {
                ("AWS", _) if *name == "*" => true,
                ("AWS", Caller::Role(arn)) => is_account_of(name, arn) || name == arn,
                ("Service", Caller::Service(service)) => name == service,
                _ => false,
            });
    }
    Holds::of(found)
}

/// `123456789012` and `arn:aws:iam::123456789012:root` both stand for every principal of the account.
fn is_account_of(name: &str, arn: &str) -> bool {
    let Some(account) = arn.split(':').nth(4) else {
        return false;
    };
    let root = name.strip_suffix(":root").and_then(|rest| {
        rest.starts_with("arn:")
            .then(|| rest.rsplit(':').next())
            .flatten()
    });
    !account.is_empty() && (name == account || root == Some(account))
}

fn action(statement: &Value, call: &Call) -> Holds {
    // Actions are the same in any letter case.
    let matches = |pattern: &str| {
        glob(
            &pattern.to_ascii_lowercase(),
            &call.action.to_ascii_lowercase(),
        )
    };
    listed(statement, "Action", "NotAction", matches)
}

fn resource(statement: &Value, call: &Call) -> Holds {
    listed(statement, "Resource", "NotResource", |pattern| {
        glob(pattern, &call.resource)
    })
}

fn listed(
    statement: &Value,
    key: &'static str,
    not_key: &'static str,
    matches: impl Fn(&str) -> bool,
) -> Holds {
    let any = |value: &Value| texts(value).map(|all| all.iter().any(|text| matches(text)));
    match (statement.get(key), statement.get(not_key)) {
        (Some(value), None) => any(value).map(Holds::of),
        (None, Some(value)) => any(value).map(|found| Holds::of(!found)),
        _ => None,
    }
    .unwrap_or_else(|| Holds::Unclear(format!("pgvigil does not understand its {key}")))
}

fn conditions(statement: &Value, call: &Call) -> Holds {
    let operators = match statement.get("Condition") {
        None | Some(Value::Null) => return Holds::Yes,
        Some(Value::Object(operators)) => operators,
        Some(_) => return Holds::Unclear("pgvigil does not understand its condition".to_owned()),
    };
    all(operators.iter().flat_map(|(operator, keys)| {
        let keys: Vec<_> = keys.as_object().into_iter().flatten().collect();
        if keys.is_empty() {
            return vec![Holds::Unclear(
                "pgvigil does not understand its condition".to_owned(),
            )];
        }
        keys.into_iter()
            .map(|(key, values)| condition(operator, key, values, call))
            .collect()
    }))
}

fn condition(operator: &str, key: &str, values: &Value, call: &Call) -> Holds {
    let values: Vec<String> = match values {
        Value::Array(items) => items.iter().map(scalar).collect(),
        value => vec![scalar(value)],
    };
    let Some(known) = call.context.get(&key.to_ascii_lowercase()) else {
        return Holds::Unclear(format!(
            "could not determine whether the call carries `{key}`"
        ));
    };
    if operator == "Null" {
        let is_absent = *known == ContextValue::Absent;
        return Holds::of(values.iter().any(|value| value == &is_absent.to_string()));
    }
    let (base, if_exists) = match operator.strip_suffix("IfExists") {
        Some(base) => (base, true),
        None => (operator, false),
    };
    let (negated, matches): (bool, fn(&str, &str) -> bool) = match base {
        "StringEquals" => (false, |pattern, value| pattern == value),
        "StringNotEquals" => (true, |pattern, value| pattern == value),
        "StringEqualsIgnoreCase" | "Bool" => {
            (false, |pattern, value| pattern.eq_ignore_ascii_case(value))
        }
        "StringNotEqualsIgnoreCase" => (true, |pattern, value| pattern.eq_ignore_ascii_case(value)),
        "StringLike" => (false, glob),
        "StringNotLike" => (true, glob),
        "ArnEquals" | "ArnLike" => (false, arn_like),
        "ArnNotEquals" | "ArnNotLike" => (true, arn_like),
        // Only whether the key is there can be told.
        "IpAddress" => (false, |_, _| false),
        "NotIpAddress" => (true, |_, _| false),
        _ => return Holds::Unclear(format!("pgvigil does not understand `{operator}`")),
    };
    match known {
        // Every negated operator holds for a key that is not there.
        ContextValue::Absent => Holds::of(negated || if_exists),
        ContextValue::Is(_) if base.ends_with("IpAddress") => {
            Holds::Unclear(format!("pgvigil does not understand `{operator}`"))
        }
        ContextValue::Is(value) => {
            let found = values.iter().any(|pattern| matches(pattern, value));
            Holds::of(found != negated)
        }
    }
}

fn scalar(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// Each of the six parts by itself, as both `ArnEquals` and `ArnLike` do.
fn arn_like(pattern: &str, arn: &str) -> bool {
    let (patterns, parts): (Vec<&str>, Vec<&str>) = (
        pattern.splitn(6, ':').collect(),
        arn.splitn(6, ':').collect(),
    );
    patterns.len() == parts.len()
        && patterns
            .iter()
            .zip(&parts)
            .all(|(pattern, part)| glob(pattern, part))
}

/// `*` stands for any text, `?` for one character.
fn glob(pattern: &str, text: &str) -> bool {
    let (pattern, text): (Vec<char>, Vec<char>) =
        (pattern.chars().collect(), text.chars().collect());
    let (mut at, mut place) = (0, 0);
    // Where the last `*` stands, and how far the text had come there.
    let mut star: Option<(usize, usize)> = None;
    while let Some(character) = text.get(place) {
        match pattern.get(at) {
            Some('*') => {
                star = Some((at, place));
                at += 1;
            }
            Some(expected) if *expected == '?' || expected == character => {
                at += 1;
                place += 1;
            }
            _ => match star {
                Some((star_at, star_place)) => {
                    at = star_at + 1;
                    place = star_place + 1;
                    star = Some((star_at, place));
                }
                None => return false,
            },
        }
    }
    pattern
        .get(at..)
        .is_some_and(|rest| rest.iter().all(|character| *character == '*'))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const TOPIC: &str = "arn:aws:sns:us-east-1:123456789012:t";
    const ROLE: &str = "arn:aws:iam::123456789012:role/m";

    fn alarm() -> Call {
        let arn = "arn:aws:cloudwatch:us-east-1:123456789012:alarm:a";
        Call::of_alarm(arn, "123456789012", "SNS:Publish", TOPIC)
    }

    fn role() -> Call {
        Call::of_role(ROLE, "123456789012", "SNS:Publish", TOPIC)
    }

    fn allow(principal: Value, condition: Value) -> Value {
        json!({ "Sid": "A", "Effect": "Allow", "Principal": principal, "Action": "sns:pub*", "Resource": TOPIC,
            "Condition": condition })
    }

    fn deny(principal: Value, condition: Value) -> Value {
        json!({ "Sid": "D", "Effect": "Deny", "Principal": principal, "Action": "SNS:*", "Resource": "*",
            "Condition": condition })
    }

    fn of(statements: &[Value], call: &Call) -> &'static str {
        match evaluate(&json!({ "Statement": statements }), call) {
            Access::Allowed { .. } => "allowed",
            Access::Delegated { .. } => "delegated",
            Access::Denied { .. } => "denied",
            Access::NotAllowed => "not allowed",
            Access::Unclear { .. } => "unclear",
        }
    }

    #[test]
    fn conditions_of_an_alarm() {
        let service = json!({ "Service": "cloudwatch.amazonaws.com" });
        for (condition, expected) in [
            (json!({}), "allowed"),
            (
                json!({ "StringEquals": { "aws:SourceAccount": "123456789012" } }),
                "allowed",
            ),
            (
                json!({ "StringEquals": { "AWS:SourceAccount": ["9", "123456789012"] } }),
                "allowed",
            ),
            (
                json!({ "StringEquals": { "aws:SourceAccount": "999999999999" } }),
                "not allowed",
            ),
            (
                json!({ "ArnLike": { "aws:SourceArn": "arn:aws:cloudwatch:us-east-1:123456789012:alarm:*" } }),
                "allowed",
            ),
            (
                json!({ "ArnLike": { "aws:SourceArn": "arn:aws:cloudwatch:*:alarm:*" } }),
                "not allowed",
            ),
            (
                json!({ "ArnLike": { "aws:SourceArn": "arn:aws:cloudwatch:eu-west-1:123456789012:alarm:*" } }),
                "not allowed",
            ),
            (
                json!({ "StringEquals": { "aws:PrincipalArn": ROLE } }),
                "not allowed",
            ),
            (
                json!({ "StringEqualsIfExists": { "aws:PrincipalArn": ROLE } }),
                "allowed",
            ),
            (json!({ "Null": { "aws:PrincipalArn": "true" } }), "allowed"),
            (
                json!({ "Null": { "aws:SourceAccount": true } }),
                "not allowed",
            ),
            (
                json!({ "Bool": { "aws:SecureTransport": true } }),
                "allowed",
            ),
            (
                json!({ "IpAddress": { "aws:SourceIp": "10.0.0.0/8" } }),
                "not allowed",
            ),
            (
                json!({ "NumericLessThan": { "aws:MultiFactorAuthAge": "60" } }),
                "unclear",
            ),
            (
                json!({ "StringEquals": { "aws:SourceOrgID": "o-1" } }),
                "unclear",
            ),
            (json!({ "StringEquals": {} }), "unclear"),
        ] {
            assert_eq!(
                of(&[allow(service.clone(), condition.clone())], &alarm()),
                expected,
                "{condition}"
            );
        }
        let other = json!({ "Service": "events.amazonaws.com" });
        assert_eq!(of(&[allow(other, json!({}))], &alarm()), "not allowed");
        let account = json!({ "AWS": "arn:aws:iam::123456789012:root" });
        assert_eq!(
            of(&[allow(account.clone(), json!({}))], &alarm()),
            "not allowed"
        );
        assert_eq!(of(&[allow(account, json!({}))], &role()), "delegated");
        assert_eq!(
            of(
                &[allow(json!({ "AWS": ["123456789012"] }), json!({}))],
                &role()
            ),
            "delegated"
        );
        assert_eq!(
            of(
                &[allow(json!({ "AWS": "999999999999" }), json!({}))],
                &role()
            ),
            "not allowed"
        );
        assert_eq!(of(&[], &alarm()), "not allowed");
        assert!(matches!(
            evaluate(&json!(null), &alarm()),
            Access::Unclear { .. }
        ));
    }

    /// A9: `StringNotEquals` holds for a caller that does not carry the key, so this denies the monitor.
    #[test]
    fn a9_a_deny_by_a_key_that_the_caller_does_not_carry() {
        let both = [
            allow(json!("*"), json!({})),
            deny(
                json!({ "AWS": "*" }),
                json!({ "StringNotEquals": { "aws:SourceAccount": "123456789012" } }),
            ),
        ];
        assert_eq!(of(&both, &role()), "denied");
        assert_eq!(of(&both, &alarm()), "allowed");
    }

    #[test]
    fn a_deny_decides_and_one_that_is_unclear_makes_the_answer_unclear() {
        let open = allow(json!("*"), json!({}));
        for (condition, expected) in [
            (
                json!({ "Bool": { "aws:SecureTransport": "false" } }),
                "allowed",
            ),
            (
                json!({ "Bool": { "aws:SecureTransport": "true" } }),
                "denied",
            ),
            (
                json!({ "StringEquals": { "SNS:Protocol": "http" } }),
                "allowed",
            ),
            (
                json!({ "StringNotEquals": { "aws:PrincipalOrgID": "o-1" } }),
                "denied",
            ),
            (
                json!({ "DateGreaterThan": { "aws:CurrentTime": "2030-01-01" } }),
                "unclear",
            ),
        ] {
            assert_eq!(
                of(
                    &[open.clone(), deny(json!("*"), condition.clone())],
                    &alarm()
                ),
                expected,
                "{condition}"
            );
        }
        let but = json!({ "Effect": "Deny", "NotPrincipal": { "Service": "cloudwatch.amazonaws.com" },
            "Action": "*", "Resource": "*" });
        assert_eq!(of(&[open.clone(), but.clone()], &alarm()), "allowed");
        assert_eq!(of(&[open.clone(), but], &role()), "unclear");
        let rest = json!({ "Effect": "Deny", "Principal": "*", "NotAction": "SNS:Publish", "Resource": "*" });
        assert_eq!(of(&[open.clone(), rest], &alarm()), "allowed");
        assert_eq!(
            of(&[open, json!({ "Effect": "Perhaps" })], &alarm()),
            "unclear"
        );
    }

    #[test]
    fn globs() {
        for (pattern, text, expected) in [
            ("*", "", true),
            ("", "", true),
            ("", "a", false),
            ("a*c", "abbc", true),
            ("a*c", "abcb", false),
            ("*a*b", "xaxbxb", true),
            ("a?c", "abc", true),
            ("a?c", "ac", false),
            ("**", "é", true),
        ] {
            assert_eq!(glob(pattern, text), expected, "{pattern} {text}");
        }
    }
}
